//! A document as a tree in one piece of memory: elements with attributes, and text where no further element is inside.
//!
//! Not in: comments, processing instructions, prefixes and namespaces. Where an element stands tells its namespace, see
//! [`Space`].

use std::ops::Range;

use super::names::{Name, name};
use crate::limits::{MAX_XML_ATTRIBUTES, MAX_XML_DEPTH, MAX_XML_ELEMENTS, MAX_XML_NAME_BYTES};

/// Elements by number, each before those inside it; the first one is the root.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    attributes: Vec<Attribute>,
    /// Texts, values of attributes and names that the schemas do not have.
    texts: String,
    /// The elements that are not yet closed.
    open: Vec<usize>,
}

/// A piece of the tree's texts.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: u32,
    to: u32,
}

/// A name, of the schemas or not.
#[derive(Debug, Clone, Copy)]
enum Label {
    Known(Name),
    Other(Span),
}

#[derive(Debug, Clone, Copy)]
struct Node {
    label: Label,
    text: Span,
    attributes: Span,
    /// The number behind those inside it.
    end: u32,
    /// Where it stands in what was read.
    place: u32,
}

#[derive(Debug, Clone, Copy)]
struct Attribute {
    label: Label,
    value: Span,
}

/// Why an element cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::formats) enum TreeError {
    #[error("more than {MAX_XML_ELEMENTS} elements")]
    TooMany,
    #[error("more than {MAX_XML_DEPTH} elements inside one another")]
    TooDeep,
    #[error("more than {MAX_XML_ATTRIBUTES} attributes on one element")]
    Attributes,
    #[error("a MetaData inside another element; it stands around a whole document")]
    Wrapper,
    #[error("text and elements side by side, which no element of the WCO Data Model has")]
    Mixed,
    #[error("the name holds characters that are read in two ways; letters, digits, '_', '-' and '.' are taken")]
    Name,
    #[error("a character that XML 1.0 does not allow")]
    Character,
}

impl Tree {
    /// Forgets what it holds and keeps the room for it.
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.attributes.clear();
        self.texts.clear();
        self.open.clear();
    }

    /// How many elements it has.
    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Where an element stands in what was read.
    pub(super) fn place(&self, node: usize) -> usize {
        self.nodes[node].place as usize
    }

    /// The name of an element.
    pub(super) fn name(&self, node: usize) -> &str {
        self.label(self.nodes[node].label)
    }

    /// Whether an element has this name.
    pub(super) fn is(&self, node: usize, wanted: Name) -> bool {
        matches!(self.nodes[node].label, Label::Known(name) if name == wanted)
    }

    /// Whether no element is inside.
    pub(super) fn is_leaf(&self, node: usize) -> bool {
        self.end(node) == node + 1
    }

    /// The text of an element, empty where elements are inside.
    pub(super) fn text(&self, node: usize) -> &str {
        self.span(self.nodes[node].text)
    }

    /// The elements of which this one is made up, itself among them.
    pub(super) fn within(&self, node: usize) -> Range<usize> {
        node..self.end(node)
    }

    /// The elements directly inside.
    pub(super) fn children(&self, node: usize) -> Children<'_> {
        Children { tree: self, next: node + 1, end: self.end(node) }
    }

    /// The first element of this name directly inside.
    pub(super) fn child(&self, node: usize, wanted: Name) -> Option<usize> {
        self.children(node).find(|child| self.is(*child, wanted))
    }

    /// Names and values of the attributes, by name.
    pub(super) fn attributes(&self, node: usize) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let Span { from, to } = self.nodes[node].attributes;
        self.attributes[from as usize..to as usize].iter().map(|a| (self.label(a.label), self.span(a.value)))
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, node: usize, wanted: &str) -> Option<&str> {
        self.attributes(node).find(|(name, _)| *name == wanted).map(|(_, value)| value)
    }

    /// Whether two elements have the same name.
    pub(super) fn same_name(&self, node: usize, other: &Tree, of: usize) -> bool {
        match (self.nodes[node].label, other.nodes[of].label) {
            (Label::Known(one), Label::Known(two)) => one == two,
            (Label::Other(one), Label::Other(two)) => self.span(one) == other.span(two),
            _ => false,
        }
    }

    /// `/MetaData/Declaration/GoodsShipment/GovernmentAgencyGoodsItem[2]`: the way to an element, counted where several of a
    /// name are side by side.
    pub(super) fn path(&self, node: usize) -> String {
        let mut path = String::new();
        let mut at = (!self.nodes.is_empty()).then_some(0);
        let mut around = None;
        while let Some(here) = at {
            path.push('/');
            path.push_str(self.name(here));
            let alike = |child: &usize| self.same_name(*child, self, here);
            let alike =
                around.map(|around| self.children(around).filter(alike).collect::<Vec<_>>()).unwrap_or_default();
            if alike.len() > 1 {
                let number = alike.iter().position(|child| *child == here).map_or(1, |before| before + 1);
                path.push_str(&format!("[{number}]"));
            }
            (around, at) = (at, self.children(here).find(|child| self.within(*child).contains(&node)));
        }
        path
    }

    /// The way to the element that is open.
    pub(super) fn path_here(&self) -> String {
        self.open.last().map_or(String::new(), |node| self.path(*node))
    }

    /// The element that is open.
    pub(super) fn here(&self) -> Option<usize> {
        self.open.last().copied()
    }

    /// Bytes of the text so far of the element that is open.
    pub(super) fn text_here(&self) -> usize {
        self.open.last().map_or(0, |node| self.text(*node).len())
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Opens an element, inside the one that is open.
    pub(super) fn open(&mut self, text: &str, place: usize) -> Result<usize, TreeError> {
        let label = self.label_of(text)?;
        self.open_label(label, place)
    }

    /// The same with a name of the schemas.
    pub(super) fn open_known(&mut self, name: Name) -> Result<usize, TreeError> {
        self.open_label(Label::Known(name), 0)
    }

    /// Gives the element opened last an attribute. Attributes come before text and elements.
    pub(super) fn attribute_of(&mut self, text: &str, value: &str) -> Result<(), TreeError> {
        allowed(value)?;
        if text == "xmlns" {
            return Err(TreeError::Name);
        }
        let here = self.open.last().map(|node| self.nodes[*node].attributes);
        if here.is_some_and(|Span { from, to }| (to - from) as usize >= MAX_XML_ATTRIBUTES) {
            return Err(TreeError::Attributes);
        }
        let label = self.label_of(text)?;
        let value = self.push(value);
        self.attributes.push(Attribute { label, value });
        let count = self.attributes.len() as u32; // at most the elements' bound times that of their attributes
        let here = self.texts.len() as u32;
        if let Some(node) = self.open.last().and_then(|node| self.nodes.get_mut(*node)) {
            node.attributes.to = count;
            node.text = Span { from: here, to: here };
            let Span { from, to } = node.attributes;
            let texts = &self.texts;
            let text = |label: &Label| match *label {
                Label::Known(name) => name.text(),
                Label::Other(span) => &texts[span.from as usize..span.to as usize],
            };
            self.attributes[from as usize..to as usize].sort_by(|one, other| text(&one.label).cmp(text(&other.label)));
        }
        Ok(())
    }

    /// Adds text to the element that is open.
    pub(super) fn text_of(&mut self, text: &str) -> Result<(), TreeError> {
        let Some(at) = self.open.last().copied() else { return Ok(()) };
        if self.nodes.len() > at + 1 {
            return if blank(text) { Ok(()) } else { Err(TreeError::Mixed) };
        }
        self.texts.push_str(text);
        self.nodes[at].text.to = self.texts.len() as u32;
        Ok(())
    }

    /// Closes the element that is open.
    pub(super) fn close(&mut self) {
        if let Some(node) = self.open.pop() {
            self.nodes[node].end = self.nodes.len() as u32;
        }
    }

    /// Takes back the element that is open with all that is inside.
    pub(super) fn take_back(&mut self) {
        if let Some(node) = self.open.pop() {
            self.attributes.truncate(self.nodes[node].attributes.from as usize);
            self.nodes.truncate(node);
        }
    }

    /// Adds an element with only text.
    pub(super) fn leaf(&mut self, name: Name, text: &str) -> Result<(), TreeError> {
        allowed(text)?;
        self.open_known(name)?;
        self.text_of(text)?;
        self.close();
        Ok(())
    }

    /// Adds a copy of an element of another tree, with all that is inside; gives back the element it begins with.
    pub(super) fn copy(&mut self, of: &Tree, node: usize) -> Result<(), TreeError> {
        self.open_like(of, node)?;
        of.children(node).try_for_each(|child| self.copy(of, child))?;
        self.close();
        Ok(())
    }

    /// Opens an element with the name, attributes and text of one of another tree.
    pub(super) fn open_like(&mut self, of: &Tree, node: usize) -> Result<usize, TreeError> {
        let opened = match of.nodes[node].label {
            Label::Known(name) => self.open_label(Label::Known(name), of.place(node))?,
            Label::Other(span) => self.open(of.span(span), of.place(node))?,
        };
        of.attributes(node).try_for_each(|(name, value)| self.attribute_of(name, value))?;
        self.text_of(of.text(node))?;
        Ok(opened)
    }

    /// The number behind an element; one that is open goes on to the end.
    fn end(&self, node: usize) -> usize {
        (self.nodes[node].end as usize).min(self.nodes.len())
    }

    fn open_label(&mut self, label: Label, place: usize) -> Result<usize, TreeError> {
        if self.nodes.len() >= MAX_XML_ELEMENTS {
            return Err(TreeError::TooMany);
        }
        if self.open.len() >= MAX_XML_DEPTH {
            return Err(TreeError::TooDeep);
        }
        if let Some(around) = self.open.last().copied() {
            // A stream is cut where one begins.
            if matches!(label, Label::Known(WRAPPER)) {
                return Err(TreeError::Wrapper);
            }
            let Span { from, to } = self.nodes[around].text;
            if from < to {
                // The name may stand behind the text, so the text stays in the memory and is forgotten.
                if !blank(self.span(Span { from, to })) {
                    return Err(TreeError::Mixed);
                }
                self.nodes[around].text.to = from;
                if let Label::Known(_) = label {
                    self.texts.truncate(from as usize);
                }
            }
        }
        let here = self.texts.len() as u32; // below the document's bound, as all that is in it
        let attributes = self.attributes.len() as u32;
        let node = self.nodes.len();
        self.nodes.push(Node {
            label,
            text: Span { from: here, to: here },
            attributes: Span { from: attributes, to: attributes },
            end: u32::MAX,
            place: place as u32,
        });
        self.open.push(node);
        Ok(node)
    }

    fn label_of(&mut self, text: &str) -> Result<Label, TreeError> {
        match Name::find(text) {
            Some(name) => Ok(Label::Known(name)),
            None if plain_name(text) => Ok(Label::Other(self.push(text))),
            None => Err(TreeError::Name),
        }
    }

    fn push(&mut self, text: &str) -> Span {
        let from = self.texts.len() as u32;
        self.texts.push_str(text);
        Span { from, to: self.texts.len() as u32 }
    }

    fn span(&self, span: Span) -> &str {
        &self.texts[span.from as usize..span.to as usize]
    }

    fn label(&self, label: Label) -> &str {
        match label {
            Label::Known(name) => name.text(),
            Label::Other(span) => self.span(span),
        }
    }

    /// The number of the name of an element, where the schemas have it.
    pub(super) fn number(&self, node: usize) -> Option<u64> {
        match self.nodes[node].label {
            Label::Known(name) => Some(name.number()),
            Label::Other(_) => None,
        }
    }
}

/// The elements directly inside another.
#[derive(Debug, Clone)]
pub(super) struct Children<'t> {
    tree: &'t Tree,
    next: usize,
    end: usize,
}

impl Iterator for Children<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        (self.next < self.end).then(|| {
            let child = self.next;
            self.next = self.tree.within(child).end;
            child
        })
    }
}

/// The namespaces of the schemas. Which one an element has follows from where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// MetaData around a message.
    Meta,
    /// DEC.
    Dec,
    /// Dates in DEC.
    DecDates,
    /// RES.
    Res,
    /// Dates in RES.
    ResDates,
}

impl Space {
    pub(super) const ALL: [Space; 5] = [Space::Meta, Space::Dec, Space::DecDates, Space::Res, Space::ResDates];

    /// The namespace's name.
    pub(super) const fn uri(self) -> &'static str {
        match self {
            Space::Meta => "urn:wco:datamodel:WCO:DocumentMetaData-DMS:2",
            Space::Dec => "urn:wco:datamodel:WCO:DEC-DMS:2",
            Space::DecDates => "urn:wco:datamodel:WCO:Declaration_DS:DMS:2",
            Space::Res => "urn:wco:datamodel:WCO:RES-DMS:2",
            Space::ResDates => "urn:wco:datamodel:WCO:Response_DS:DMS:2",
        }
    }

    /// The one of a root element of this name.
    pub(super) fn of_root(name: &str) -> Option<Self> {
        match name {
            "MetaData" => Some(Space::Meta),
            "Declaration" => Some(Space::Dec),
            "Response" => Some(Space::Res),
            _ => None,
        }
    }

    /// The one of an element inside one of this namespace; `again` where an element of the same name stands before it there. A
    /// response holds what it says of the declaration, and then, if anything, the declaration as customs changed it.
    pub(super) fn inside(self, name: &str, again: bool) -> Self {
        match (self, name) {
            (Space::Meta, "Declaration") => Space::Dec,
            (Space::Meta, "Response") => Space::Res,
            (Space::Dec, "DateTimeString") => Space::DecDates,
            (Space::Res, "DateTimeString") => Space::ResDates,
            (Space::Res, "Declaration") if again => Space::Dec,
            (same, _) => same,
        }
    }
}

/// What stands around messages.
pub(super) const WRAPPER: Name = name("MetaData");

/// `Declaration` may stand in a response twice, see [`Space::inside`].
pub(super) const DECLARATION: Name = name("Declaration");

/// White space of XML.
pub(in crate::formats) fn blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Whether every character may stand in XML 1.0.
pub(super) fn allowed(text: &str) -> Result<(), TreeError> {
    // Without a way out of the loop, so that it is done for many bytes at a time.
    let (mut control, mut all) = (0_u8, 0_u8);
    for byte in text.bytes() {
        let plain =
            u8::from(byte >= b' ') | u8::from(byte == b'\t') | u8::from(byte == b'\n') | u8::from(byte == b'\r');
        control |= plain ^ 1;
        all |= byte;
    }
    let outside = |c: char| matches!(c, '\u{fffe}' | '\u{ffff}');
    match control != 0 || (!all.is_ascii() && text.contains(outside)) {
        true => Err(TreeError::Character),
        false => Ok(()),
    }
}

/// Names that the schemas do not have are taken where they are plain.
fn plain_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    (1..=MAX_XML_NAME_BYTES).contains(&text.len())
        && text.bytes().next().is_some_and(letter)
        && text.bytes().all(|byte| letter(byte) || byte.is_ascii_digit() || byte == b'-' || byte == b'.')
}
