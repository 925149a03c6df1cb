//! The difference between a document and what is written from a record's fields: the content of the group `extra`.
//!
//! Form, as deterministic CBOR: `[1, elements, bare, edit]`. `elements` counts the elements that the fields give, so that a record of
//! which fields are missing is told from a whole one; `bare` tells that no `MetaData` is around the message.
//!
//! | part | form |
//! |---|---|
//! | edit | array: its new attributes, if they differ; its new text, if it differs; then steps |
//! | step | `0, n` the next n elements inside stay; `1, n` they go; `2, edit` the next one is changed; `3, element` a further one |
//! | element | `true` and attributes where it has any, before: its name; behind: its text, or an array of elements |
//! | attributes | array: name, value, name, value … by name |
//! | name | the number of the name ([`super::names`]), or its text |
//!
//! What follows the last step stays. A difference is made in one way only, and it is taken only where making it again gives the same
//! bytes. Another mapping of fields, or another table of names, needs another form number.

use super::names::Name;
use super::part::same_meaning;
use super::tree::{Tree, TreeError};
use crate::cbor::{CborError, Reader, Writer};
use crate::limits::{MAX_XML_COMPARISONS, MAX_XML_ELEMENTS, MAX_XML_NAME_BYTES, MAX_XML_TEXT_BYTES};

const FORM: u64 = 1;
const KEEP: u64 = 0;
const DROP: u64 = 1;
const EDIT: u64 = 2;
const ADD: u64 = 3;
/// Why a difference cannot be applied.
#[derive(Debug, thiserror::Error)]
pub(super) enum PatchError {
    #[error("{0}")]
    Cbor(#[from] CborError),
    #[error("form {0}, which is not known here")]
    Form(u64),
    #[error("it was made for a record of which other fields are there")]
    Misfit,
    #[error("{0}")]
    Tree(#[from] TreeError),
}

/// The difference from what fields give to a document; none where there is none.
pub(super) fn difference(fields: &Tree, document: &Tree, bare: bool) -> Option<Vec<u8>> {
    let mut search = Search { fields, document, left: MAX_XML_COMPARISONS };
    let edit = search.edit(0, 0);
    if edit.is_none() && !bare {
        return None;
    }
    let mut writer = Writer::new();
    writer.array(4);
    writer.uint(FORM);
    writer.uint(fields.count() as u64);
    writer.bool(bare);
    match edit {
        Some(edit) => writer.raw(&edit),
        None => writer.array(0),
    }
    Some(writer.into_bytes())
}

/// Whether a difference is for a message without `MetaData`.
pub(super) fn is_bare(difference: &[u8]) -> Result<bool, PatchError> {
    let mut reader = Reader::new(difference);
    head(&mut reader).map(|(_, bare)| bare)
}

/// Makes the document of what fields give and the difference.
pub(super) fn apply(fields: &Tree, difference: &[u8], document: &mut Tree) -> Result<(), PatchError> {
    let mut reader = Reader::new(difference);
    let (elements, _) = head(&mut reader)?;
    if elements != fields.count() as u64 {
        return Err(PatchError::Misfit);
    }
    document.clear();
    change(fields, 0, &mut reader, document)?;
    reader.leave();
    Ok(reader.finish()?)
}

fn head(reader: &mut Reader<'_>) -> Result<(u64, bool), PatchError> {
    reader.tuple(4)?;
    match reader.uint()? {
        FORM => Ok((reader.uint()?, reader.bool()?)),
        other => Err(PatchError::Form(other)),
    }
}

struct Search<'t> {
    fields: &'t Tree,
    document: &'t Tree,
    left: usize,
}

impl Search<'_> {
    /// What changes `from` of the fields to `to` of the document; none where nothing does.
    fn edit(&mut self, from: usize, to: usize) -> Option<Vec<u8>> {
        let (fields, document) = (self.fields, self.document);
        let mut parts = Writer::new();
        let mut count = 0;
        if !fields.attributes(from).eq(document.attributes(to)) {
            attributes(document, to, &mut parts);
            count += 1;
        }
        if fields.text(from) != document.text(to) {
            parts.text(document.text(to));
            count += 1;
        }
        let mut steps = Steps { parts, count, run: None };
        let mut next = document.children(to);
        for child in fields.children(from) {
            let Some(found) = self.find(child, next.clone()) else {
                steps.run(DROP);
                continue;
            };
            for added in next.by_ref().take_while(|other| *other != found) {
                steps.add(document, added);
            }
            match self.edit(child, found) {
                None => steps.run(KEEP),
                Some(edit) => steps.change(&edit),
            }
        }
        next.for_each(|added| steps.add(document, added));
        steps.finish()
    }

    /// The element of the document that one of the fields is: the first that holds all of it, or else the first of its name.
    fn find(&mut self, child: usize, among: super::tree::Children<'_>) -> Option<usize> {
        let (fields, document) = (self.fields, self.document);
        let inside = !fields.is_leaf(child);
        let mut alike = among.filter(|other| fields.same_name(child, document, *other));
        let first = alike.next()?;
        let mut rest = alike.peekable();
        self.left = self.left.saturating_sub(1);
        if inside && rest.peek().is_none() {
            // What is different inside is told there.
            return (!document.is_leaf(first)).then_some(first);
        }
        let mut first_inside = None;
        for other in std::iter::once(first).chain(rest) {
            if self.left == 0 {
                return None;
            }
            self.left -= 1;
            if self.holds(other, child) {
                return Some(other);
            }
            first_inside = first_inside.or((inside && !document.is_leaf(other)).then_some(other));
        }
        first_inside
    }

    /// Whether an element of the document holds all that one of the fields does.
    fn holds(&mut self, other: usize, child: usize) -> bool {
        let (fields, document) = (self.fields, self.document);
        let attributes = |(name, value): (&str, &str)| document.attribute(other, name) == Some(value);
        if fields.is_leaf(child) != document.is_leaf(other) || !fields.attributes(child).all(attributes) {
            return false;
        }
        if !same_meaning(fields, child, fields.text(child), document.text(other)) {
            return false;
        }
        let mut among = document.children(other);
        fields.children(child).all(|inside| {
            among.by_ref().any(|candidate| {
                self.left = self.left.saturating_sub(1);
                self.left > 0 && fields.same_name(inside, document, candidate) && self.holds(candidate, inside)
            })
        })
    }
}

/// Steps as they are written: alike ones together, those that keep only before others.
struct Steps {
    parts: Writer,
    count: usize,
    run: Option<(u64, u64)>,
}

impl Steps {
    fn run(&mut self, code: u64) {
        match &mut self.run {
            Some((same, length)) if *same == code => *length += 1,
            _ => {
                self.flush();
                self.run = Some((code, 1));
            }
        }
    }

    fn flush(&mut self) {
        if let Some((code, length)) = self.run.take() {
            self.parts.uint(code);
            self.parts.uint(length);
            self.count += 2;
        }
    }

    fn change(&mut self, edit: &[u8]) {
        self.flush();
        self.parts.uint(EDIT);
        self.parts.raw(edit);
        self.count += 2;
    }

    fn add(&mut self, document: &Tree, node: usize) {
        self.flush();
        self.parts.uint(ADD);
        self.count += 1 + element(document, node, &mut self.parts);
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        if self.run.is_some_and(|(code, _)| code != KEEP) {
            self.flush();
        }
        (self.count > 0).then(|| self.parts.into_array(self.count))
    }
}

/// Writes an element; tells of how many items it is made.
fn element(tree: &Tree, node: usize, writer: &mut Writer) -> usize {
    let mut items = 2;
    if tree.attributes(node).len() > 0 {
        writer.bool(true);
        attributes(tree, node, writer);
        items += 2;
    }
    label(tree.number(node), tree.name(node), writer);
    if tree.is_leaf(node) {
        writer.text(tree.text(node));
    } else {
        let items = tree.children(node).map(|child| if tree.attributes(child).len() > 0 { 4 } else { 2 }).sum();
        writer.array(items);
        tree.children(node).for_each(|child| _ = element(tree, child, writer));
    }
    items
}

fn attributes(tree: &Tree, node: usize, writer: &mut Writer) {
    let attributes = tree.attributes(node);
    writer.array(2 * attributes.len());
    for (name, value) in attributes {
        label(Name::find(name).map(Name::number), name, writer);
        writer.text(value);
    }
}

fn label(number: Option<u64>, text: &str, writer: &mut Writer) {
    match number {
        Some(number) => writer.uint(number),
        None => writer.text(text),
    }
}

/// Array items of an edit or of the inside of an element: each element has at most four, and a step before it.
const MAX_ITEMS: usize = 5 * MAX_XML_ELEMENTS;
/// Major types of CBOR.
const UINT: u8 = 0;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;

fn change(fields: &Tree, from: usize, reader: &mut Reader<'_>, document: &mut Tree) -> Result<(), PatchError> {
    let mut items = reader.array(MAX_ITEMS)?;
    let known = fields.number(from).and_then(Name::numbered).ok_or(PatchError::Misfit)?;
    document.open_known(known)?;
    match items > 0 && reader.peek_major()? == ARRAY {
        true => {
            items -= 1;
            read_attributes(reader, document)?;
        }
        false => fields.attributes(from).try_for_each(|(name, value)| document.attribute_of(name, value))?,
    }
    match items > 0 && reader.peek_major()? == TEXT {
        true => {
            items -= 1;
            read_text(reader, document)?;
        }
        false => document.text_of(fields.text(from))?,
    }
    let mut next = fields.children(from);
    while items > 0 {
        let code = reader.uint()?;
        items -= 1;
        match code {
            KEEP | DROP => {
                for _ in 0..reader.uint_max(MAX_XML_ELEMENTS as u64)? {
                    let child = next.next().ok_or(PatchError::Misfit)?;
                    if code == KEEP {
                        document.copy(fields, child)?;
                    }
                }
                items = items.checked_sub(1).ok_or(PatchError::Misfit)?;
            }
            EDIT => {
                change(fields, next.next().ok_or(PatchError::Misfit)?, reader, document)?;
                items = items.checked_sub(1).ok_or(PatchError::Misfit)?;
            }
            ADD => {
                let taken = read_element(reader, document)?;
                items = items.checked_sub(taken).ok_or(PatchError::Misfit)?;
            }
            _ => return Err(PatchError::Misfit),
        }
    }
    next.try_for_each(|child| document.copy(fields, child))?;
    document.close();
    reader.leave();
    Ok(())
}

/// Reads an element; tells of how many items it is made.
fn read_element(reader: &mut Reader<'_>, document: &mut Tree) -> Result<usize, PatchError> {
    // `true` before the name; the attributes are read once the element is open.
    let with_attributes = !matches!(reader.peek_major()?, UINT | TEXT);
    let mut values = Vec::new();
    if with_attributes {
        if !reader.bool()? {
            return Err(PatchError::Misfit);
        }
        let count = reader.array(MAX_ITEMS)?;
        for _ in 0..count / 2 {
            values.push((read_label(reader)?, reader.text(MAX_XML_TEXT_BYTES)?));
        }
        if count % 2 != 0 {
            return Err(PatchError::Misfit);
        }
        reader.leave();
    }
    let name = read_label(reader)?;
    document.open(name, 0)?;
    for (name, value) in values {
        document.attribute_of(name, value)?;
    }
    match reader.peek_major()? {
        ARRAY => {
            let mut items = reader.array(MAX_ITEMS)?;
            while items > 0 {
                let taken = read_element(reader, document)?;
                items = items.checked_sub(taken).ok_or(PatchError::Misfit)?;
            }
            reader.leave();
        }
        _ => read_text(reader, document)?,
    }
    document.close();
    Ok(if with_attributes { 4 } else { 2 })
}

fn read_attributes(reader: &mut Reader<'_>, document: &mut Tree) -> Result<(), PatchError> {
    let count = reader.array(MAX_ITEMS)?;
    for _ in 0..count / 2 {
        let name = read_label(reader)?;
        document.attribute_of(name, reader.text(MAX_XML_TEXT_BYTES)?)?;
    }
    if count % 2 != 0 {
        return Err(PatchError::Misfit);
    }
    reader.leave();
    Ok(())
}

fn read_text(reader: &mut Reader<'_>, document: &mut Tree) -> Result<(), PatchError> {
    let text = reader.text(MAX_XML_TEXT_BYTES)?;
    super::tree::allowed(text)?;
    Ok(document.text_of(text)?)
}

fn read_label<'a>(reader: &mut Reader<'a>) -> Result<&'a str, PatchError> {
    match reader.peek_major()? {
        UINT => Name::numbered(reader.uint()?).map(Name::text).ok_or(PatchError::Misfit),
        _ => Ok(reader.text(MAX_XML_NAME_BYTES)?),
    }
}
