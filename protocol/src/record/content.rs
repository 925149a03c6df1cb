//! A record's content: for each group of its type the encoded leaves, checked against the type table.
//!
//! The bytes are the truth: what is hashed is what is kept, values are read from them on demand.

use std::ops::Range;

use super::codelist::fitted;
use super::table::{Field, Group, GroupSet, Scope, TypeTable};
use super::value::Value;
use crate::cbor::{CborError, Decode, Encode, Reader, Reason, Writer};
use crate::limits::{MAX_GOODS_ITEMS, MAX_OCCURRENCES, MAX_RECORD_BYTES};
use crate::names::{MemberId, Territory, word_enum};

word_enum!(
    /// Why a record, or a part of it, was refused.
    Fault, "fault", {
        /// The bytes are not canonical CBOR of the expected shape.
        Encoding = 1, "encoding";
        /// A type, group or field that the type table does not have.
        Unknown = 2, "unknown";
        /// A value that its field may not hold.
        Value = 3, "value";
        /// A mandatory group or field is not there.
        Missing = 4, "missing";
        /// A count or size above its limit.
        Limit = 5, "limit";
        /// The disclosed leaves do not lead to the root that was signed.
        Root = 6, "root";
        /// No agreement gives this record to anybody.
        NoRecipient = 7, "no_recipient";
        /// An input row that cannot be mapped.
        Mapping = 8, "mapping";
        /// A rule of quality that its judge holds records to; the place ends with `#` and the rule.
        Quality = 9, "quality";
        /// A signed token in it proves nothing, or its issuer has no right to it; the place ends with `#` and the reason.
        Credential = 10, "credential";
    }
);

/// Where and why content was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {what}")]
pub struct ContentError {
    /// The class of the fault.
    pub fault: Fault,
    /// The place, as `/goods/2/value/amount`: groups and fields by name, goods items and occurrences from 1.
    pub pointer: String,
    /// What is wrong, in words.
    pub what: String,
}

impl ContentError {
    /// A fault at a place.
    pub fn new(fault: Fault, pointer: impl Into<String>, what: impl Into<String>) -> Self {
        Self { fault, pointer: pointer.into(), what: what.into() }
    }
}

/// The groups of a record with their encoded leaves: one for a record's group, a power of two for a group of goods items. An
/// empty leaf is absent.
#[derive(Debug, Clone)]
pub struct Content {
    table: &'static TypeTable,
    items: usize,
    /// The leaves lie in here, one allocation for all: records come in thousands.
    bytes: Vec<u8>,
    /// Whether the bytes are the content's encoding: those that it was read from.
    whole: bool,
    /// Where each leaf lies, in the order of [`Content::slots`].
    spans: Vec<Range<usize>>,
}

/// The leaves of one group.
#[derive(Debug, Clone, Copy)]
pub struct Leaves<'a> {
    bytes: &'a [u8],
    spans: &'a [Range<usize>],
}

impl<'a> Leaves<'a> {
    /// How many there are, absent ones counted.
    pub fn count(self) -> usize {
        self.spans.len()
    }

    /// The encoded leaves; an empty one is absent.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        self.spans.iter().map(move |span| &self.bytes[span.clone()])
    }

    /// Whether all are absent.
    pub fn absent(self) -> bool {
        self.spans.iter().all(Range::is_empty)
    }

    /// One leaf.
    pub fn get(self, item: usize) -> Option<&'a [u8]> {
        self.spans.get(item).map(|span| &self.bytes[span.clone()])
    }
}

/// Occurrences of a group, each with its fields by number.
pub type Occurrences = Vec<Vec<(u8, Value)>>;

impl Content {
    /// Content without any group, with so many goods items (at most [`MAX_GOODS_ITEMS`], more are cut off).
    pub fn empty(table: &'static TypeTable, items: usize) -> Self {
        let items = items.min(MAX_GOODS_ITEMS);
        let count = table.groups.iter().map(|group| leaf_count(group, items)).sum();
        Self { table, items, bytes: Vec::new(), whole: false, spans: vec![0..0; count] }
    }

    /// The record type.
    pub fn table(&self) -> &'static TypeTable {
        self.table
    }

    /// How many goods items there are.
    pub fn items(&self) -> usize {
        self.items
    }

    /// The leaves of the group at a position of the type; none beyond it.
    pub fn leaves(&self, group: usize) -> Leaves<'_> {
        Leaves { bytes: &self.bytes, spans: self.spans.get(self.slots(group)).unwrap_or_default() }
    }

    /// The leaves of each group.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = Leaves<'_>> {
        (0..self.table.groups.len()).map(|group| self.leaves(group))
    }

    /// Which places a group's leaves have among all leaves of the content: first those of the record's groups, whose number
    /// does not depend on the goods, then those of the goods items' groups.
    pub(super) fn slots(&self, group: usize) -> Range<usize> {
        let Some(definition) = self.table.groups.get(group) else { return 0..0 };
        let count = leaf_count(definition, self.items);
        let (before, record_groups) = self.table.rank(group);
        let first = match definition.scope {
            Scope::Record => before,
            Scope::Item => record_groups + before * count,
        };
        first..first + count
    }

    /// How many leaves there are in all groups.
    pub(super) fn slot_count(&self) -> usize {
        self.spans.len()
    }

    /// About how many bytes its encoding has.
    pub fn encoded_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The groups that are there.
    pub fn present(&self) -> GroupSet {
        let positions = self.groups().enumerate().filter(|(_, leaves)| !leaves.absent());
        positions.fold(GroupSet::NONE, |set, (at, _)| set.with(at))
    }

    /// Sets a group (of the record, or of the goods item from 0) to these occurrences; none makes it absent.
    ///
    /// # Errors
    /// [`ContentError`] when there are too many, or a mandatory field is missing.
    pub fn set(&mut self, group: usize, item: usize, mut occurrences: Occurrences) -> Result<(), ContentError> {
        let Some(definition) = self.table.groups.get(group) else {
            return Err(ContentError::new(Fault::Unknown, "", format!("{} has no group {group}", self.table.name)));
        };
        // Only asked for when something is wrong.
        let pointer = || pointer(definition, item);
        occurrences.retain(|fields| !fields.is_empty());
        let max = if definition.repeats { MAX_OCCURRENCES } else { 1 };
        if occurrences.len() > max {
            return Err(ContentError::new(Fault::Limit, pointer(), format!("more than {max} occurrences")));
        }
        for fields in &mut occurrences {
            fields.sort_by_key(|(number, _)| *number);
        }
        let mut leaf = Vec::new();
        if !occurrences.is_empty() {
            leaf = encode_leaf(definition, &occurrences);
            check_leaf(definition, &leaf, &pointer)?;
        }
        // The leaves that pad a group to a power of two stay absent: they are never encoded.
        let count = if definition.scope == Scope::Record { 1 } else { self.items };
        let slot = self.slots(group).take(count).nth(item);
        let Some(span) = slot.and_then(|slot| self.spans.get_mut(slot)) else {
            return Err(ContentError::new(Fault::Limit, pointer(), "no such goods item"));
        };
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&leaf);
        *span = start..self.bytes.len();
        self.whole = false;
        Ok(())
    }

    /// One field of the first occurrence of a record's group.
    pub fn field(&self, group: &str, field: &str) -> Option<Value> {
        let (at, definition) = self.table.group(group)?;
        let number = definition.field(field)?.number;
        read_field(definition, self.leaves(at).get(0)?, number)
    }

    /// What a group holds (in the goods item from 0), each occurrence with its fields by number; nothing where it is absent.
    pub fn occurrences(&self, group: usize, item: usize) -> Occurrences {
        let found = self.table.groups.get(group).zip(self.leaves(group).get(item));
        // The leaves were checked when they were set or read.
        found.map_or_else(Occurrences::new, |(group, leaf)| read_leaf(group, leaf).unwrap_or_default())
    }

    /// The destination, which every declaration has.
    pub fn destination(&self) -> Option<Territory> {
        self.place("destination")
    }

    /// A territory on the route, by the name of its field.
    pub fn place(&self, field: &str) -> Option<Territory> {
        territory(self.field("route", field)?)
    }

    /// Whether the record names this member as one who handles the item.
    pub fn is_handled_by(&self, member: &MemberId) -> bool {
        handled_by(self.table, member, |field| self.field("handling", field))
    }

    /// The same in another version of its type, and the names of the groups that are lost because that version does not have them, or
    /// not with these fields. Goods of an edition of a code list that it cannot name lose all codes: they would be read as another's.
    pub fn to_version(&self, table: &'static TypeTable) -> (Self, Vec<&'static str>) {
        let mut other = Self::empty(table, self.items);
        let mut lost = Vec::new();
        for (group, leaves) in self.table.groups.iter().zip(self.groups()).filter(|(_, leaves)| !leaves.absent()) {
            let there = table.group(group.name).filter(|(_, to)| to.scope == group.scope);
            let all = there.and_then(|(at, to)| {
                let all: Option<Vec<_>> = leaves.iter().map(|leaf| fitted(group, to, leaf)).collect();
                Some((at, all?))
            });
            let Some((at, all)) = all else {
                lost.push(group.name);
                continue;
            };
            let first = other.slots(at).start;
            for (item, leaf) in all.iter().enumerate() {
                let start = other.bytes.len();
                other.bytes.extend_from_slice(leaf);
                other.spans[first + item] = start..other.bytes.len();
            }
        }
        (other, lost)
    }

    /// Checks what only a complete record can be held to: mandatory groups and its size.
    ///
    /// # Errors
    /// [`ContentError`] with the first that is missing.
    pub fn check_complete(&self) -> Result<(), ContentError> {
        for (group, leaves) in self.table.groups.iter().zip(self.groups()) {
            if group.mandatory && leaves.absent() {
                let field = group.fields.iter().find(|f| f.mandatory).map_or("", |f| f.name);
                let what = "a record of this type must have it";
                return Err(ContentError::new(Fault::Missing, format!("/{}/{field}", group.name), what));
            }
        }
        let bytes: usize = self.spans.iter().map(|span| span.len() + 4).sum();
        if bytes > MAX_RECORD_BYTES {
            return Err(ContentError::new(
                Fault::Limit,
                "",
                format!("{bytes} bytes; a record has at most {MAX_RECORD_BYTES}"),
            ));
        }
        Ok(())
    }

    /// Reads one submitted record: `[type, version, {group: leaf}, [{group: leaf} of each goods item]]`.
    ///
    /// # Errors
    /// [`ContentError`] with the place. The reader then stands anywhere; the surrounding chunk cannot be read further.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, ContentError> {
        let start = reader.position();
        reader.tuple(4).map_err(encoding(&String::new))?;
        let name = reader.text(40).map_err(encoding(&|| "/type".to_owned()))?;
        let version = reader.uint().map_err(encoding(&|| "/version".to_owned()))?;
        let table = super::table(name, version).filter(|t| t.groups.iter().any(|g| !g.fields.is_empty()));
        let Some(table) = table else {
            return Err(ContentError::new(Fault::Unknown, "/type", format!("no record type {name} version {version}")));
        };
        // How many goods items there are stands behind the record's groups.
        let mut content = Self::empty(table, 0);
        content.read_part(Scope::Record, 0, reader, start)?;
        content.items = reader.array(MAX_GOODS_ITEMS).map_err(encoding(&|| "/goods".to_owned()))?;
        let count = table.groups.iter().map(|group| leaf_count(group, content.items)).sum();
        content.spans.resize(count, 0..0);
        for item in 0..content.items {
            content.read_part(Scope::Item, item, reader, start)?;
        }
        reader.leave();
        reader.leave();
        content.bytes = reader.since(start).to_vec();
        content.whole = true;
        Ok(content)
    }
}

impl Encode for Content {
    /// The form that [`Content::decode`] reads.
    fn encode(&self, writer: &mut Writer) {
        match self.whole {
            // There is one encoding only, and it was read from that.
            true => writer.raw(&self.bytes),
            false => self.encode_leaves(writer),
        }
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        // Where the leaves lie does not matter.
        let leaves = || self.groups().flat_map(Leaves::iter);
        std::ptr::eq(self.table, other.table)
            && self.items == other.items
            && leaves().eq(other.groups().flat_map(Leaves::iter))
    }
}

impl Eq for Content {}

impl Content {
    /// Reads the groups of the record or of one goods item; their places are counted from `start`, where the record begins.
    fn read_part(
        &mut self,
        scope: Scope,
        item: usize,
        reader: &mut Reader<'_>,
        start: usize,
    ) -> Result<(), ContentError> {
        let place: Place<'_> = &|| match scope {
            Scope::Record => String::new(),
            Scope::Item => format!("/goods/{}", item + 1),
        };
        let count = reader.map(self.table.groups.len()).map_err(encoding(place))?;
        let mut last = None;
        for _ in 0..count {
            let number = reader.key(&mut last).map_err(encoding(place))?;
            let at = usize::try_from(number).unwrap_or(0).wrapping_sub(1);
            let group = match self.table.groups.get(at) {
                Some(group) if group.scope == scope => group,
                _ => return Err(ContentError::new(Fault::Unknown, place(), format!("no group {number} here"))),
            };
            let from = reader.position() - start;
            walk(group, reader, &|| pointer(group, item), None)?;
            // The item is below the count that the slots were made for.
            let slot = self.slots(at).start + item;
            self.spans[slot] = from..reader.position() - start;
        }
        reader.leave();
        Ok(())
    }

    /// [`Content::encode`] from the leaves.
    pub(super) fn encode_leaves(&self, writer: &mut Writer) {
        writer.array(4);
        writer.text(self.table.name);
        writer.uint(self.table.version);
        self.encode_part(Scope::Record, 0, writer);
        writer.array(self.items);
        for item in 0..self.items {
            self.encode_part(Scope::Item, item, writer);
        }
    }

    fn encode_part(&self, scope: Scope, item: usize, writer: &mut Writer) {
        let part = || {
            let groups = self.table.groups.iter().zip(self.groups()).enumerate();
            let groups = groups.filter(|(_, (group, _))| group.scope == scope);
            groups.filter_map(|(at, (_, leaves))| Some((at, leaves.get(item).filter(|leaf| !leaf.is_empty())?)))
        };
        writer.map(part().count());
        for (at, leaf) in part() {
            writer.uint(at as u64 + 1);
            writer.raw(leaf);
        }
    }
}

/// How many leaves a group has in a record of so many goods items.
pub(super) fn leaf_count(group: &Group, items: usize) -> usize {
    match group.scope {
        Scope::Record => 1,
        Scope::Item => items.max(1).next_power_of_two(),
    }
}

/// Names the place of a leaf; only asked for when something is wrong there.
type Place<'p> = &'p dyn Fn() -> String;

/// Takes each value with the occurrence and the field's number.
type Visit<'v> = &'v mut dyn FnMut(usize, u8, Value);

/// Checks an encoded leaf against its group.
pub(super) fn check_leaf(group: &Group, leaf: &[u8], place: Place<'_>) -> Result<(), ContentError> {
    let mut reader = Reader::new(leaf);
    walk(group, &mut reader, place, None)?;
    reader.finish().map_err(encoding(place))
}

/// Encodes the occurrences of a group that is there, whose fields stand in order.
pub(super) fn encode_leaf(group: &Group, occurrences: &Occurrences) -> Vec<u8> {
    let mut writer = Writer::new();
    if group.repeats {
        writer.array(occurrences.len());
    }
    for fields in occurrences {
        writer.map(fields.len());
        for (number, value) in fields {
            writer.uint(u64::from(*number));
            value.encode(&mut writer);
        }
    }
    writer.into_bytes()
}

/// Reads an encoded leaf; absent gives no occurrence.
pub(super) fn read_leaf(group: &Group, leaf: &[u8]) -> Result<Occurrences, ContentError> {
    let mut occurrences = Occurrences::new();
    if !leaf.is_empty() {
        let mut reader = Reader::new(leaf);
        let visit: Visit<'_> = &mut |occurrence, field, value| {
            // They come one after the other, each with a field at least.
            while occurrences.len() <= occurrence {
                occurrences.push(Vec::with_capacity(group.fields.len().min(8)));
            }
            occurrences[occurrence].push((field, value));
        };
        walk(group, &mut reader, &|| group.name.to_owned(), Some(visit))?;
    }
    Ok(occurrences)
}

/// One field of the first occurrence of an encoded leaf that was checked before; the fields before it are passed over.
pub(super) fn read_field(group: &Group, leaf: &[u8], wanted: u8) -> Option<Value> {
    let mut reader = Reader::new(leaf);
    if leaf.is_empty() || (group.repeats && reader.array(MAX_OCCURRENCES).ok()? == 0) {
        return None;
    }
    let mut last = None;
    for _ in 0..reader.map(group.fields.len()).ok()? {
        let field = group.field_number(reader.key(&mut last).ok()?)?;
        if field.number == wanted {
            return field.kind.decode(&mut reader).ok();
        }
        field.kind.check(&mut reader).ok()?;
    }
    None
}

/// `/goods/2/value` or `/route`.
pub(super) fn pointer(group: &Group, item: usize) -> String {
    match group.scope {
        Scope::Record => format!("/{}", group.name),
        Scope::Item => format!("/goods/{}/{}", item + 1, group.name),
    }
}

fn walk(
    group: &Group,
    reader: &mut Reader<'_>,
    place: Place<'_>,
    mut visit: Option<Visit<'_>>,
) -> Result<(), ContentError> {
    let occurrences = if group.repeats { reader.array(MAX_OCCURRENCES).map_err(encoding(place))? } else { 1 };
    if occurrences == 0 {
        return Err(ContentError::new(Fault::Encoding, place(), "an absent group is left out, not empty"));
    }
    for occurrence in 0..occurrences {
        let at = |field: &str| match group.repeats {
            true => format!("{}/{}/{field}", place(), occurrence + 1),
            false => format!("{}/{field}", place()),
        };
        let count = reader.map(group.fields.len()).map_err(encoding(place))?;
        if count == 0 {
            return Err(ContentError::new(Fault::Encoding, place(), "an occurrence without any field"));
        }
        let mut last = None;
        let mut lacking = group.fields.iter().filter(|f| f.mandatory).fold(0, |set, field| set | bit(field));
        for _ in 0..count {
            let number = reader.key(&mut last).map_err(encoding(place))?;
            let Some(field) = group.field_number(number) else {
                return Err(ContentError::new(
                    Fault::Unknown,
                    place(),
                    format!("{} has no field {number}", group.name),
                ));
            };
            let read = match &mut visit {
                None => field.kind.check(reader),
                Some(visit) => field.kind.decode(reader).map(|value| visit(occurrence, field.number, value)),
            };
            read.map_err(|error| {
                // The right item with a value or length that no field of this kind holds is a value, not an encoding.
                let of_value = matches!(error.reason, Reason::Value(_) | Reason::TooMany);
                let fault = if of_value { Fault::Value } else { Fault::Encoding };
                ContentError::new(fault, at(field.name), format!("{error}; expected {}", field.kind.expected()))
            })?;
            lacking &= !bit(field);
        }
        reader.leave();
        if let Some(missing) = group.fields.iter().find(|field| lacking & bit(field) != 0) {
            return Err(ContentError::new(
                Fault::Missing,
                at(missing.name),
                "the group is there without its mandatory field",
            ));
        }
    }
    if group.repeats {
        reader.leave();
    }
    Ok(())
}

/// A field in a set of fields by number; numbers are below 64.
fn bit(field: &Field) -> u64 {
    1u64.checked_shl(u32::from(field.number)).unwrap_or(0)
}

/// The territory that a field of the route names.
pub(super) fn territory(value: Value) -> Option<Territory> {
    match value {
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// Whether a field of the group `handling` names a member.
pub(super) fn handled_by(table: &TypeTable, member: &MemberId, value: impl Fn(&str) -> Option<Value>) -> bool {
    let fields = table.group("handling").map(|(_, group)| group.fields).unwrap_or_default();
    fields.iter().any(|field| matches!(value(field.name), Some(Value::Text(name)) if name == member.as_str()))
}

fn encoding(place: Place<'_>) -> impl Fn(CborError) -> ContentError {
    move |error| ContentError::new(Fault::Encoding, place(), error.to_string())
}
