//! WCO Data Model 3.6 XML as HMRC's customs declaration service profiles it: declarations (DEC) and notifications (RES).
//!
//! [`wco`] reads a stream of documents, each a `MetaData` around one declaration or some responses, or a bare `Declaration` or `Response`,
//! with the namespaces of the schemas under any prefix, or without any. A `Declaration` becomes a `declaration` version 3, a `Response` a
//! `customs_response` version 1. [`export`] writes such records.
//!
//! A value goes into a field as it stands, if the field may hold it. Everything else - elements without a field, values too long or in
//! lower case, other spellings of a time, order - is kept in the group `extra`, and the document comes out again with the same elements,
//! attributes, texts and order. What does not fit there is refused. Not kept, since it says nothing: comments, processing instructions,
//! prefixes, white space around elements, `xsi:schemaLocation`.
//!
//! | file | what |
//! |---|---|
//! | `split` | a stream into documents |
//! | `parse`, `write` | XML into a tree and back |
//! | `tree`, `names` | the tree; names of the schemas |
//! | `dec`, `documents`, `res`, `part`, `values` | which element is which field |
//! | `patch` | what fields do not hold: the form of `extra` |
//!
//! Not here: schemas and business rules. A document of which elements stand in wrong places is read as well as one that is valid.

mod dec;
mod documents;
mod names;
mod parse;
mod part;
mod patch;
mod res;
mod split;
mod tree;
mod values;
mod write;

#[cfg(test)]
mod hmrc_tests;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io::BufRead;

use self::names::{Name, name};
use self::parse::Flaw;
pub(super) use self::parse::{FlawKind, characters, form, position, referenced, shown, value, xml_declaration};
use self::split::{Documents, Piece};
pub(super) use self::tree::blank;
use self::tree::{DECLARATION, Tree, TreeError, WRAPPER};
use self::values::{At, Values, at};
use super::{FormatError, Row, Source, Trouble};
use crate::limits::{MAX_GOODS_ITEMS, MAX_XML_BESIDE, MAX_XML_NOTES};
use crate::record::{CUSTOMS_RESPONSE, Content, ContentError, DECLARATION_3, Fault, Kind, Scope, TypeTable, Value};

/// Reads the documents of a stream, one after the other.
pub fn wco<R: BufRead>(input: R) -> Wco<R> {
    let (document, one, fields) = (Tree::default(), Tree::default(), Tree::default());
    let documents = Documents::new(input);
    Wco { documents, document, one, fields, rows: VecDeque::new(), notes: Notes::default(), ended: false }
}

/// The records of a stream of documents, see [`wco`]: a row for each declaration and response, and for each document that cannot be read.
/// Its only error is [`FormatError::Io`], after which it ends. It holds one document at a time.
#[derive(Debug)]
pub struct Wco<R> {
    documents: Documents<R>,
    document: Tree,
    /// One of several messages of a document.
    one: Tree,
    fields: Tree,
    rows: VecDeque<Row>,
    notes: Notes,
    ended: bool,
}

/// What stands between documents and is no document: a line of a log that a message was captured with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its line, from 1.
    pub line: u64,
    /// The beginning of it.
    pub text: String,
}

/// Notes on a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// The first of them.
    pub first: Vec<Note>,
    /// How many there are besides.
    pub more: u64,
}

impl<R> Wco<R> {
    /// Notes on what was read so far.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }
}

impl<R: BufRead> Iterator for Wco<R> {
    type Item = Result<Row, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Some(Ok(row));
            }
            if self.ended {
                return None;
            }
            match self.documents.next() {
                None => self.ended = true,
                Some(Err(error)) => {
                    self.ended = true;
                    return Some(Err(error));
                }
                Some(Ok(Piece::Text { line, text })) if self.notes.first.len() < MAX_XML_NOTES => {
                    self.notes.first.push(Note { line, text });
                }
                Some(Ok(Piece::Text { .. })) => self.notes.more += 1,
                Some(Ok(Piece::Refused { line, why })) => {
                    let fault = if why == split::Cut::TooLong { Fault::Limit } else { Fault::Encoding };
                    return Some(Ok(Row::Refused(Trouble::new(fault, why.to_string()).at(line, 1))));
                }
                Some(Ok(Piece::Document { line, at })) => {
                    let Self { documents, document, one, fields, rows, .. } = self;
                    let bytes = documents.bytes(&at);
                    let trees = Trees { document, one, fields };
                    trees.read(bytes, &mut |place, row| {
                        let line = line + lines_before(bytes, place);
                        rows.push_back(match row {
                            Ok(content) => Row::Record { content, source: Source { line, rows: 1, charges: 0 } },
                            Err(trouble) => Row::Refused(trouble.at(line, 1)),
                        });
                    });
                }
            }
        }
    }
}

/// XML of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The document, UTF-8.
    pub xml: Vec<u8>,
    /// Places of fields that the document does not hold, or not in a form that is read back as the same, in the order of the type
    /// table: those that the message has no element for, and those that are longer than its schema allows.
    pub inexact: Vec<String>,
}

/// Why a record cannot be written as XML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The type has no message.
    #[error("{name} version {version} has no WCO message; declaration and customs_response have")]
    Type {
        /// The type.
        name: &'static str,
        /// Its version.
        version: u64,
    },
    /// No function code says this.
    #[error(
        "/response/status: no function code of RES says '{status}'\n\
         hint: give the code in source_code, with source_system = {}",
        res::SYSTEM
    )]
    Status {
        /// The record's status.
        status: String,
    },
    /// The own reference does not fit, and without it nobody could tell which record it is.
    #[error("{pointer}: {length} characters; FunctionalReferenceID holds 35")]
    Reference {
        /// The field.
        pointer: &'static str,
        /// How long it is.
        length: usize,
    },
    /// `extra` was made for another record, or not here.
    #[error("/extra/content: {reason}\nhint: without the group extra the record can be written")]
    Extra {
        /// What is wrong.
        reason: String,
    },
    /// There is more in it than a document may have.
    #[error("{0}")]
    Size(String),
    /// The record is not complete.
    #[error("{0}")]
    Content(#[from] ContentError),
}

/// Writes a `declaration` or `customs_response` as a document that is valid by the schemas, as far as the record's data allows. What came
/// from XML comes out as it was.
///
/// # Errors
/// [`ExportError`].
pub fn export(content: &Content) -> Result<Exported, ExportError> {
    let message = Message::of(content.table())?;
    let newest;
    let content = match content.table() == message.table() {
        true => content,
        false => {
            newest = content.to_version(message.table()).0;
            &newest
        }
    };
    let mut values = Values::of(content);
    message.check(&values)?;
    let difference = match (values.text(message.scheme_at(), 0, 0), values.get(message.extra_at(), 0, 0)) {
        (Some(scheme), Some(Value::Bytes(bytes))) if scheme == message.scheme() => Some(bytes.clone()),
        _ => None,
    };
    let foreign = difference.is_none() && values.count(message.extra_at().group, 0) > 0;
    values.settle_all();
    let too_many = |error: TreeError| ExportError::Size(error.to_string());
    let misfit = |reason: String| ExportError::Extra { reason };
    let mut trees = [Tree::default(), Tree::default(), Tree::default(), Tree::default()];
    let [fields, document, one, again] = &mut trees;
    let bare = difference.as_deref().map_or(Ok(false), patch::is_bare).map_err(|error| misfit(error.to_string()))?;
    message.write(&values, bare, fields).map_err(too_many)?;
    match &difference {
        Some(difference) => {
            patch::apply(fields, difference, document).map_err(|error| misfit(error.to_string()))?;
        }
        None => std::mem::swap(fields, document),
    }
    let xml = write::xml(document);
    // What is written is read again: so nothing is lost unseen, and no other document passes for this record's.
    let mut back = None;
    Trees { document: one, one: fields, fields: again }.read(&xml, &mut |_, row| back = Some(row));
    let back = match back {
        Some(Ok(back)) => back,
        Some(Err(trouble)) if difference.is_some() => return Err(misfit(trouble.reason)),
        Some(Err(trouble)) => {
            let Trouble { fault, pointer, reason, .. } = trouble;
            return Err(ContentError::new(fault, pointer, reason).into());
        }
        None => return Err(misfit("it gives no message".into())),
    };
    if difference.is_some() && back != *content {
        return Err(misfit("it does not belong to this record: written and read again, another one comes".into()));
    }
    let mut inexact = inexact(content, &back);
    if foreign {
        inexact.push("/extra".into());
    }
    Ok(Exported { xml, inexact })
}

/// The two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Declaration,
    Response,
}

const RESPONSE: Name = name("Response");
const MODEL: &str = "3.6";

impl Message {
    fn of(table: &'static TypeTable) -> Result<Self, ExportError> {
        match table.name {
            "declaration" => Ok(Message::Declaration),
            "customs_response" => Ok(Message::Response),
            name => Err(ExportError::Type { name, version: table.version }),
        }
    }

    fn table(self) -> &'static TypeTable {
        match self {
            Message::Declaration => &DECLARATION_3,
            Message::Response => &CUSTOMS_RESPONSE,
        }
    }

    fn scheme(self) -> &'static str {
        match self {
            Message::Declaration => "WCO-DEC-3.6",
            Message::Response => "WCO-RES-3.6",
        }
    }

    fn scheme_at(self) -> At {
        match self {
            Message::Declaration => const { at(&DECLARATION_3, "extra", "scheme") },
            Message::Response => const { at(&CUSTOMS_RESPONSE, "extra", "scheme") },
        }
    }

    fn extra_at(self) -> At {
        match self {
            Message::Declaration => const { at(&DECLARATION_3, "extra", "content") },
            Message::Response => const { at(&CUSTOMS_RESPONSE, "extra", "content") },
        }
    }

    fn fields(self, tree: &Tree, around: Option<usize>, node: usize) -> Values {
        match self {
            Message::Declaration => dec::fields(tree, around, node),
            Message::Response => res::fields(tree, node),
        }
    }

    /// Refuses what no document could be told from another by.
    fn check(self, values: &Values) -> Result<(), ExportError> {
        let (pointer, reference) = match self {
            Message::Declaration => ("/filing/own_reference", const { at(&DECLARATION_3, "filing", "own_reference") }),
            Message::Response => {
                let status = values.text(const { at(&CUSTOMS_RESPONSE, "response", "status") }, 0, 0);
                if let Some(status) = status.filter(|_| res::function_code(values).is_none()) {
                    return Err(ExportError::Status { status: status.to_owned() });
                }
                ("/reference/own_reference", const { at(&CUSTOMS_RESPONSE, "reference", "own_reference") })
            }
        };
        // With `extra` a longer one, as it was read, comes from there.
        let with_extra = values.text(self.scheme_at(), 0, 0) == Some(self.scheme());
        let length = values.text(reference, 0, 0).map_or(0, |text| text.chars().count());
        if length > 35 && !with_extra { Err(ExportError::Reference { pointer, length }) } else { Ok(()) }
    }

    /// Writes what fields give: the message, and unless bare the wrapper around it.
    fn write(self, values: &Values, bare: bool, tree: &mut Tree) -> Result<(), TreeError> {
        tree.clear();
        if !bare {
            tree.open_known(WRAPPER)?;
            tree.leaf(name("WCODataModelVersionCode"), MODEL)?;
            tree.leaf(name("WCOTypeName"), if self == Message::Declaration { "DEC" } else { "RES" })?;
        }
        match self {
            Message::Declaration => dec::element(values, tree)?,
            Message::Response => res::element(values, tree)?,
        }
        if !bare {
            tree.close();
        }
        Ok(())
    }
}

/// Room for a document and what comes of it, used again and again.
struct Trees<'t> {
    document: &'t mut Tree,
    one: &'t mut Tree,
    fields: &'t mut Tree,
}

impl Trees<'_> {
    /// Reads a document and hands on what comes of it, each with the byte where it begins.
    fn read(self, bytes: &[u8], take: &mut dyn FnMut(usize, Result<Content, Trouble>)) {
        let Self { document, one, fields } = self;
        if let Err(Flaw { place, path, what }) = parse::parse(bytes, document) {
            return take(place, Err(flaw(path, &what)));
        }
        let message = |node: usize| match (document.is(node, DECLARATION), document.is(node, RESPONSE)) {
            (true, _) => Some(Message::Declaration),
            (_, true) => Some(Message::Response),
            _ => None,
        };
        if let Some(bare) = message(0) {
            return take(document.place(0), record(bare, document, None, 0, fields));
        }
        let messages: Vec<(usize, Message)> =
            document.children(0).filter_map(|node| Some((node, message(node)?))).collect();
        if messages.is_empty() {
            let what = "MetaData holds neither a Declaration nor a Response";
            return take(document.place(0), Err(Trouble::new(Fault::Missing, what)));
        }
        if messages.len() == 1 {
            let (node, message) = messages[0];
            return take(document.place(node), record(message, document, Some(0), node, fields));
        }
        let beside: Vec<usize> = document.children(0).filter(|node| message(*node).is_none()).collect();
        if beside.len() > MAX_XML_BESIDE {
            let what = format!("{} elements beside several messages, more than {MAX_XML_BESIDE}", beside.len());
            return take(document.place(0), Err(Trouble::new(Fault::Limit, what)));
        }
        // Each of several messages is a document of its own, with what is said of all.
        for (node, message) in messages {
            take(
                document.place(node),
                match alone(document, &beside, node, one) {
                    Ok(at) => record(message, one, Some(0), at, fields),
                    Err(error) => Err(Trouble::new(Fault::Limit, error.to_string())),
                },
            );
        }
    }
}

/// Makes a document of one message of several and what stands beside them; tells where the message is in it.
fn alone(document: &Tree, beside: &[usize], node: usize, one: &mut Tree) -> Result<usize, TreeError> {
    one.clear();
    one.open_like(document, 0)?;
    let (before, behind) = beside.split_at(beside.partition_point(|other| *other < node));
    before.iter().try_for_each(|other| one.copy(document, *other))?;
    let at = one.count();
    one.copy(document, node)?;
    behind.iter().try_for_each(|other| one.copy(document, *other))?;
    one.close();
    Ok(at)
}

/// The record of a message: its fields, and in `extra` what they do not hold.
fn record(
    message: Message,
    document: &Tree,
    around: Option<usize>,
    node: usize,
    fields: &mut Tree,
) -> Result<Content, Trouble> {
    let shipment = document.child(node, dec::SHIPMENT).filter(|_| message == Message::Declaration);
    let count = shipment.map_or(0, |shipment| dec::items(document, shipment).count());
    if count > MAX_GOODS_ITEMS {
        let reason = format!(
            "{count} goods items; a record has at most {MAX_GOODS_ITEMS}\nhint: declare them in parts and link the parts"
        );
        let column = Some(document.path(node));
        return Err(Trouble { column, pointer: "/goods".into(), ..Trouble::new(Fault::Limit, reason) });
    }
    let mut values = message.fields(document, around, node);
    let told = |error: ContentError| {
        let column = Some(document.path(node));
        let hint = element_of(&error).map(|element| format!("\nhint: it is read from {element}")).unwrap_or_default();
        let reason = format!("{error}{hint}");
        Trouble { column, pointer: error.pointer, ..Trouble::new(error.fault, reason) }
    };
    message.write(&values, around.is_none(), fields).map_err(|error| Trouble::new(Fault::Limit, error.to_string()))?;
    if let Some(difference) = patch::difference(fields, document, around.is_none()) {
        let length = difference.len();
        values.put(message.scheme_at(), 0, 0, Value::Text(message.scheme().into()));
        if !values.put(message.extra_at(), 0, 0, Value::Bytes(difference)) {
            let what = format!(
                "what no field holds takes {length} bytes, more than the {} that there are\nhint: declare the goods in parts",
                most(message)
            );
            return Err(told(ContentError::new(Fault::Limit, "/extra/content", what)));
        }
    }
    let content = values.into_content().map_err(told)?;
    content.check_complete().map_err(told)?;
    Ok(content)
}

fn most(message: Message) -> u32 {
    let At { group, field } = message.extra_at();
    match message.table().groups[group].field_number(u64::from(field)).map(|field| field.kind) {
        Some(Kind::Bytes(_, most)) => most,
        _ => 0,
    }
}

/// Where a field that a record must have is read from.
fn element_of(error: &ContentError) -> Option<&'static str> {
    match (error.fault, &*error.pointer) {
        (Fault::Missing, "/filing/own_reference") => Some("Declaration/FunctionalReferenceID"),
        (Fault::Missing, "/route/destination") => {
            Some("GoodsShipment/Destination, a goods item's Destination, or an import's ResponsibleCountryCode")
        }
        (Fault::Missing, "/reference/own_reference") => Some("Response/FunctionalReferenceID"),
        (Fault::Missing, "/response/status") => Some("Response/FunctionCode, one or two digits"),
        _ => None,
    }
}

fn flaw(path: String, what: &FlawKind) -> Trouble {
    let fault = match what {
        FlawKind::Tree(TreeError::TooMany | TreeError::TooDeep | TreeError::Attributes)
        | FlawKind::TextLimit
        | FlawKind::AttributeLimit
        | FlawKind::NamespaceLimit => Fault::Limit,
        FlawKind::Root(_) | FlawKind::Namespace { .. } | FlawKind::Attribute(_) => Fault::Unknown,
        _ => Fault::Encoding,
    };
    let column = Some(path).filter(|path| !path.is_empty());
    Trouble { column, ..Trouble::new(fault, what.to_string()) }
}

/// Places of what the first record holds and the second does not.
fn inexact(content: &Content, back: &Content) -> Vec<String> {
    let mut places = Vec::new();
    for (at, group) in content.table().groups.iter().enumerate() {
        let items = if group.scope == Scope::Record { 1 } else { content.items() };
        for item in 0..items {
            let place = match group.scope {
                Scope::Record => format!("/{}", group.name),
                Scope::Item => format!("/goods/{}/{}", item + 1, group.name),
            };
            let (held, found) = (content.occurrences(at, item), back.occurrences(at, item));
            if group.repeats {
                if held.iter().any(|fields| !found.contains(fields)) {
                    places.push(place);
                }
                continue;
            }
            let found = found.first();
            for field in held.iter().flatten().filter(|field| !found.is_some_and(|found| found.contains(field))) {
                let name = group.field_number(u64::from(field.0)).map_or("", |field| field.name);
                places.push(format!("{place}/{name}"));
            }
        }
    }
    places.retain(|place| !place.starts_with("/extra/"));
    places
}

fn lines_before(bytes: &[u8], place: usize) -> u64 {
    bytes[..place.min(bytes.len())].iter().filter(|byte| **byte == b'\n').count() as u64
}
