//! One document into a tree: quick-xml tells tags and texts apart, everything else is judged here.
//!
//! In: UTF-8, XML 1.0, namespaces, the predefined entities and character references, bounds. Not in: documents with a DOCTYPE, which
//! are refused whatever it says, so no entity is ever expanded; where a document begins and ends ([`super::split`]).

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::errors::{Error as XmlError, IllFormedError};
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::reader::Reader;

use super::tree::{Space, Tree, TreeError, allowed, blank};
use crate::limits::{MAX_XML_ATTRIBUTES, MAX_XML_NAMESPACES, MAX_XML_TEXT_BYTES};

/// Namespace of attributes that tell a validator something; they say nothing about the goods.
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Why a document is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// The byte of the document at which it shows.
    pub(super) place: usize,
    /// The way to the element in which it is; empty outside the root.
    pub(super) path: String,
    pub(super) what: FlawKind,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::formats) enum FlawKind {
    #[error("not UTF-8\nhint: save the file as UTF-8")]
    Utf8,
    #[error(
        "the document says that its encoding is '{0}'; UTF-8 is read\nhint: convert it, and its XML declaration with it"
    )]
    Encoding(String),
    #[error("the document says that it is XML {0}; XML 1.0 is read")]
    Version(String),
    #[error(
        "a DOCTYPE; documents with one are refused, since it can define entities that grow without bound\nhint: leave it out"
    )]
    Doctype,
    #[error("the entity '&{0};' is not defined; there are amp, lt, gt, quot, apos and character references")]
    Entity(String),
    #[error("'{0}' is not a character that XML 1.0 allows")]
    Reference(String),
    #[error("not well-formed: {0}")]
    Form(String),
    #[error("{0}")]
    Tree(TreeError),
    #[error("the text of an element or the value of an attribute is longer than {MAX_XML_TEXT_BYTES} bytes")]
    TextLimit,
    #[error("more than {MAX_XML_ATTRIBUTES} attributes on one element")]
    AttributeLimit,
    #[error("more than {MAX_XML_NAMESPACES} namespaces declared around one element")]
    NamespaceLimit,
    #[error("the prefix '{0}' is declared nowhere")]
    Prefix(String),
    #[error("'{name}' stands in the namespace '{found}'; here belongs '{wanted}', or none")]
    Namespace { name: String, found: String, wanted: &'static str },
    #[error("the attribute '{0}' is of another namespace, which no schema of the WCO Data Model has")]
    Attribute(String),
    #[error("the root element '{0}' is none of MetaData, Declaration, Response")]
    Root(String),
    #[error("no root element")]
    NoRoot,
    #[error("text outside the root element")]
    Outside,
    #[error("a second root element")]
    Second,
}

/// Reads a document, in the memory of `tree`.
pub(super) fn parse(bytes: &[u8], tree: &mut Tree) -> Result<(), Flaw> {
    tree.clear();
    let flaw = |place, what| Flaw { place, path: String::new(), what };
    let text = characters(bytes).map_err(|(place, what)| flaw(place, what))?;
    let mut reader = Reader::from_str(text);
    let mut state = State { tree, bindings: Vec::new(), spaces: Vec::new() };
    loop {
        let from = position(reader.buffer_position());
        let step = match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => state.take(event, from),
            Err(error) => {
                let place = position(reader.error_position());
                return Err(Flaw { place, path: state.tree.path_here(), what: form(error) });
            }
        };
        if let Err(what) = step {
            return Err(Flaw { place: from, path: state.tree.path_here(), what });
        }
    }
    match (state.tree.depth(), state.tree.count()) {
        (0, 0) => Err(flaw(bytes.len(), FlawKind::NoRoot)),
        (0, _) => Ok(()),
        _ => {
            let path = state.tree.path_here();
            let what = FlawKind::Form("the document ends before its elements are closed".into());
            Err(Flaw { place: bytes.len(), path, what })
        }
    }
}

/// The text of a document, of characters that XML 1.0 allows; otherwise the byte that is wrong.
pub(in crate::formats) fn characters(bytes: &[u8]) -> Result<&str, (usize, FlawKind)> {
    let text = std::str::from_utf8(bytes).map_err(|error| (error.valid_up_to(), FlawKind::Utf8))?;
    if allowed(text).is_err() {
        let place = text.char_indices().find(|(_, c)| allowed(c.encode_utf8(&mut [0; 4])).is_err());
        return Err((place.map_or(0, |(at, _)| at), FlawKind::Tree(TreeError::Character)));
    }
    Ok(text)
}

struct State<'t> {
    tree: &'t mut Tree,
    bindings: Vec<Binding>,
    /// Of the elements that are open.
    spaces: Vec<Space>,
}

/// A namespace declaration that holds.
struct Binding {
    prefix: String,
    uri: String,
    /// Which of the schemas' it is.
    space: Option<Space>,
    /// How many elements are open around the one that declares it.
    depth: usize,
}

impl State<'_> {
    fn take(&mut self, event: Event<'_>, place: usize) -> Result<(), FlawKind> {
        match event {
            Event::Start(start) => self.start(&start, place),
            Event::Empty(start) => {
                self.start(&start, place)?;
                self.end();
                Ok(())
            }
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => self.text(&text.into_inner()),
            Event::CData(data) if self.spaces.is_empty() => self.outside(&data.into_inner()),
            Event::CData(data) => self.text(&data.into_inner()),
            Event::GeneralRef(reference) => self.reference(&reference),
            Event::Decl(declaration) => xml_declaration(&declaration),
            Event::DocType(_) => Err(FlawKind::Doctype),
            Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>, place: usize) -> Result<(), FlawKind> {
        let depth = self.spaces.len();
        if depth == 0 && self.tree.count() > 0 {
            return Err(FlawKind::Second);
        }
        let plain = start.attributes_raw().is_empty();
        if !plain {
            self.bind(start, depth)?;
        }
        let (local, prefix) = start.name().decompose();
        let name = local.into_inner();
        let space = match self.spaces.last() {
            None => Space::of_root(name).ok_or_else(|| FlawKind::Root(shown(name)))?,
            // Only a response holds elements of one name in two namespaces.
            Some(Space::Res) if name == "Declaration" => Space::Res.inside(name, self.declared_before()),
            Some(around) => around.inside(name, false),
        };
        match self.resolve(prefix.map(|prefix| prefix.into_inner()))? {
            None => {}
            Some(binding) if binding.space == Some(space) => {}
            Some(binding) => {
                let (name, found) = (shown(name), shown(&binding.uri));
                return Err(FlawKind::Namespace { name, found, wanted: space.uri() });
            }
        }
        self.tree.open(name, place).map_err(FlawKind::Tree)?;
        self.spaces.push(space);
        if plain { Ok(()) } else { self.attributes(start) }
    }

    /// Whether the element that is open, a response, has a declaration already.
    fn declared_before(&self) -> bool {
        self.tree.here().is_some_and(|response| self.tree.child(response, super::tree::DECLARATION).is_some())
    }

    fn end(&mut self) {
        self.tree.close();
        self.spaces.pop();
        let depth = self.spaces.len();
        while self.bindings.last().is_some_and(|binding| binding.depth >= depth) {
            self.bindings.pop();
        }
    }

    fn bind(&mut self, start: &BytesStart<'_>, depth: usize) -> Result<(), FlawKind> {
        for (at, attribute) in start.attributes().enumerate() {
            if at == MAX_XML_ATTRIBUTES {
                return Err(FlawKind::AttributeLimit);
            }
            let attribute = attribute.map_err(|error| FlawKind::Form(error.to_string()))?;
            let key = attribute.key.into_inner();
            let prefix = match key.strip_prefix("xmlns") {
                Some("") => "",
                Some(rest) if rest.starts_with(':') => &rest[1..],
                _ => continue,
            };
            if self.bindings.len() == MAX_XML_NAMESPACES {
                return Err(FlawKind::NamespaceLimit);
            }
            let uri = value(&attribute)?.into_owned();
            let space = Space::ALL.into_iter().find(|space| space.uri() == uri);
            self.bindings.push(Binding { prefix: prefix.to_owned(), uri, space, depth });
        }
        Ok(())
    }

    /// The namespace that a prefix stands for; none for names that are in none.
    fn resolve(&self, prefix: Option<&str>) -> Result<Option<&Binding>, FlawKind> {
        let found = self.bindings.iter().rev().find(|binding| binding.prefix == prefix.unwrap_or_default());
        match (found, prefix) {
            (Some(binding), _) if !binding.uri.is_empty() => Ok(Some(binding)),
            (_, None) => Ok(None),
            (_, Some(prefix)) => Err(FlawKind::Prefix(shown(prefix))),
        }
    }

    fn attributes(&mut self, start: &BytesStart<'_>) -> Result<(), FlawKind> {
        // Their number and form were looked at when namespaces were bound.
        for attribute in start.attributes().with_checks(false).flatten() {
            let key = attribute.key.into_inner();
            if key == "xmlns" || key.starts_with("xmlns:") {
                continue;
            }
            match key.split_once(':') {
                None => {
                    let value = value(&attribute)?;
                    if value.len() > MAX_XML_TEXT_BYTES {
                        return Err(FlawKind::TextLimit);
                    }
                    self.tree.attribute_of(key, &value).map_err(FlawKind::Tree)?;
                }
                Some((prefix, "schemaLocation" | "noNamespaceSchemaLocation"))
                    if self.resolve(Some(prefix))?.is_some_and(|binding| binding.uri == XSI) => {}
                Some(_) => return Err(FlawKind::Attribute(shown(key))),
            }
        }
        Ok(())
    }

    fn text(&mut self, raw: &str) -> Result<(), FlawKind> {
        if self.spaces.is_empty() {
            return self.outside(raw);
        }
        match raw.contains('\r') {
            // An end of line is one line feed, XML 1.0 section 2.11.
            true => self.add(&raw.replace("\r\n", "\n").replace('\r', "\n")),
            false => self.add(raw),
        }
    }

    fn outside(&self, raw: &str) -> Result<(), FlawKind> {
        if blank(raw.trim_start_matches('\u{feff}')) { Ok(()) } else { Err(FlawKind::Outside) }
    }

    fn add(&mut self, text: &str) -> Result<(), FlawKind> {
        if self.tree.text_here() + text.len() > MAX_XML_TEXT_BYTES && !blank(text) {
            return Err(FlawKind::TextLimit);
        }
        self.tree.text_of(text).map_err(FlawKind::Tree)
    }

    fn reference(&mut self, reference: &str) -> Result<(), FlawKind> {
        if self.spaces.is_empty() {
            return Err(FlawKind::Outside);
        }
        self.add(&referenced(reference)?)
    }
}

/// What a reference to an entity or a character stands for. There are no entities but those that XML defines itself.
pub(in crate::formats) fn referenced(reference: &str) -> Result<Cow<'static, str>, FlawKind> {
    let text = match reference {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        other => {
            let Some(number) = other.strip_prefix('#') else { return Err(FlawKind::Entity(shown(other))) };
            let code = match number.strip_prefix('x') {
                Some(hexadecimal) if hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                    u32::from_str_radix(hexadecimal, 16).ok()
                }
                None if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse().ok(),
                _ => None,
            };
            let refused = || FlawKind::Reference(shown(&format!("&{other};")));
            let character = code.and_then(char::from_u32).ok_or_else(refused)?;
            let text = character.to_string();
            allowed(&text).map_err(|_| refused())?;
            return Ok(Cow::Owned(text));
        }
    };
    Ok(Cow::Borrowed(text))
}

pub(in crate::formats) fn xml_declaration(declaration: &BytesDecl<'_>) -> Result<(), FlawKind> {
    let version = declaration.version().map_err(form)?;
    if version != "1.0" {
        return Err(FlawKind::Version(shown(&version)));
    }
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(Ok(encoding)) => Err(FlawKind::Encoding(shown(&encoding))),
        Some(Err(error)) => Err(FlawKind::Form(error.to_string())),
    }
}

pub(in crate::formats) fn value<'a>(
    attribute: &quick_xml::events::attributes::Attribute<'a>,
) -> Result<Cow<'a, str>, FlawKind> {
    if attribute.value.contains('<') {
        return Err(FlawKind::Form(format!(
            "'<' in the value of the attribute '{}'",
            shown(attribute.key.into_inner())
        )));
    }
    attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|error| match error {
        XmlError::Escape(quick_xml::escape::EscapeError::UnrecognizedEntity(_, name)) => FlawKind::Entity(shown(&name)),
        other => form(other),
    })
}

pub(in crate::formats) fn form(error: XmlError) -> FlawKind {
    FlawKind::Form(match error {
        XmlError::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
            format!("'</{}>' where '</{}>' belongs", shown(&found), shown(&expected))
        }
        XmlError::IllFormed(IllFormedError::UnmatchedEndTag(found)) => {
            format!("'</{}>' closes nothing", shown(&found))
        }
        other => other.to_string(),
    })
}

/// Enough of a name to recognise it in a message.
pub(in crate::formats) fn shown(text: &str) -> String {
    super::super::cell::shortened(text)
}

pub(in crate::formats) fn position(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
