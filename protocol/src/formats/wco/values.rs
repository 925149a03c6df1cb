//! The fields of a record while it is read from a tree or written to one.

use super::names::same;
use crate::limits::{MAX_GROUPS, MAX_OCCURRENCES};
use crate::record::{Content, ContentError, Occurrences, Scope, TypeTable, Value};

/// A field, by the position of its group and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) group: usize,
    pub(super) field: u8,
}

/// The field of this name; what the table does not have does not compile.
pub(super) const fn at(table: &TypeTable, group: &str, field: &str) -> At {
    let group = group_at(table, group);
    let fields = table.groups[group].fields;
    let mut at = 0;
    while at < fields.len() {
        if same(fields[at].name, field) {
            return At { group, field: fields[at].number };
        }
        at += 1;
    }
    panic!("no such field")
}

/// The position of the group of this name.
pub(super) const fn group_at(table: &TypeTable, group: &str) -> usize {
    let mut at = 0;
    while at < table.groups.len() {
        if same(table.groups[at].name, group) {
            return at;
        }
        at += 1;
    }
    panic!("no such group")
}

/// Occurrences of every group, of the record or of each goods item.
#[derive(Debug)]
pub(super) struct Values {
    table: &'static TypeTable,
    items: usize,
    /// One for a group of the record, one for each goods item for a group of those.
    slots: Vec<Occurrences>,
    /// Where those of each group begin.
    starts: [usize; MAX_GROUPS],
}

impl Values {
    /// None yet, with room for so many goods items.
    pub(super) fn new(table: &'static TypeTable, items: usize) -> Self {
        let mut starts = [0; MAX_GROUPS];
        let mut count = 0;
        for (start, group) in starts.iter_mut().zip(table.groups) {
            *start = count;
            count += if group.scope == Scope::Record { 1 } else { items };
        }
        Self { table, items, slots: vec![Occurrences::new(); count], starts }
    }

    /// Those of a record.
    pub(super) fn of(content: &Content) -> Self {
        let mut values = Self::new(content.table(), content.items());
        for group in 0..values.table.groups.len() {
            for item in 0..values.places(group) {
                if let Some(slot) = values.slot_mut(group, item) {
                    *slot = content.occurrences(group, item);
                }
            }
        }
        values
    }

    /// A record of them.
    pub(super) fn into_content(mut self) -> Result<Content, ContentError> {
        let mut content = Content::empty(self.table, self.items);
        for group in 0..self.table.groups.len() {
            for item in 0..self.places(group) {
                let occurrences = self.slot_mut(group, item).map(std::mem::take).unwrap_or_default();
                if !occurrences.is_empty() {
                    content.set(group, item, occurrences)?;
                }
            }
        }
        Ok(content)
    }

    /// How many places a group has.
    fn places(&self, group: usize) -> usize {
        if self.table.groups[group].scope == Scope::Record { 1 } else { self.items }
    }

    /// How many goods items there are.
    pub(super) fn items(&self) -> usize {
        self.items
    }

    /// Whether an occurrence of its group must have the field.
    pub(super) fn is_mandatory(&self, at: At) -> bool {
        self.table.groups[at.group].field_number(u64::from(at.field)).is_some_and(|field| field.mandatory)
    }

    /// How often a group occurs.
    pub(super) fn count(&self, group: usize, item: usize) -> usize {
        self.slot(group, item).map_or(0, Vec::len)
    }

    /// A value.
    pub(super) fn get(&self, at: At, item: usize, occurrence: usize) -> Option<&Value> {
        let fields = self.slot(at.group, item)?.get(occurrence)?;
        fields.iter().find(|(number, _)| *number == at.field).map(|(_, value)| value)
    }

    /// A value that is text.
    pub(super) fn text(&self, at: At, item: usize, occurrence: usize) -> Option<&str> {
        match self.get(at, item, occurrence)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Sets a field that is not yet set, if it may hold what this text says; `false` otherwise.
    pub(super) fn read(&mut self, at: At, item: usize, occurrence: usize, text: &str) -> bool {
        let kind = self.table.groups[at.group].field_number(u64::from(at.field)).map(|field| field.kind);
        match kind.and_then(|kind| kind.parse(text).ok()) {
            Some(value) => self.add(at, item, occurrence, value),
            None => false,
        }
    }

    /// Sets a field that is not yet set, if it may hold the value; `false` otherwise.
    pub(super) fn put(&mut self, at: At, item: usize, occurrence: usize, value: Value) -> bool {
        let holds = self.table.groups[at.group].field_number(u64::from(at.field)).is_some_and(|f| f.kind.holds(&value));
        holds && self.add(at, item, occurrence, value)
    }

    fn add(&mut self, at: At, item: usize, occurrence: usize, value: Value) -> bool {
        let slot = self.slot_mut(at.group, item).filter(|_| occurrence < MAX_OCCURRENCES);
        let Some(occurrences) = slot else { return false };
        if occurrences.len() <= occurrence {
            occurrences.resize(occurrence + 1, Vec::new());
        }
        let fields = &mut occurrences[occurrence];
        let free = fields.iter().all(|(number, _)| *number != at.field);
        if free {
            fields.push((at.field, value));
        }
        free
    }

    /// Takes the last occurrence of a group back.
    pub(super) fn drop_last(&mut self, group: usize, item: usize) {
        if let Some(occurrences) = self.slot_mut(group, item) {
            occurrences.pop();
        }
    }

    /// Takes a field back.
    pub(super) fn forget(&mut self, at: At, item: usize, occurrence: usize) {
        if let Some(fields) = self.slot_mut(at.group, item).and_then(|slot| slot.get_mut(occurrence)) {
            fields.retain(|(number, _)| *number != at.field);
        }
    }

    /// Takes occurrences of a group back, from this number on, that lack a mandatory field or all.
    pub(super) fn settle(&mut self, group: usize, item: usize, from: usize) {
        let mandatory = || self.table.groups[group].fields.iter().filter(|field| field.mandatory);
        let whole = |fields: &[(u8, Value)]| {
            !fields.is_empty() && mandatory().all(|field| fields.iter().any(|(number, _)| *number == field.number))
        };
        let slot = self.index(group, item).and_then(|at| self.slots.get_mut(at));
        let Some(occurrences) = slot.filter(|slot| slot.len() > from) else { return };
        let mut at = 0;
        occurrences.retain(|fields| {
            at += 1;
            at <= from || whole(fields)
        });
    }

    /// The same for every group, but for those that a complete record has: their absence is told.
    pub(super) fn settle_all(&mut self) {
        for group in (0..self.table.groups.len()).filter(|group| !self.table.groups[*group].mandatory) {
            (0..self.places(group)).for_each(|item| self.settle(group, item, 0));
        }
    }

    fn index(&self, group: usize, item: usize) -> Option<usize> {
        match self.table.groups[group].scope {
            Scope::Record => Some(self.starts[group]),
            Scope::Item => (item < self.items).then(|| self.starts[group] + item),
        }
    }

    fn slot(&self, group: usize, item: usize) -> Option<&Occurrences> {
        self.slots.get(self.index(group, item)?)
    }

    fn slot_mut(&mut self, group: usize, item: usize) -> Option<&mut Occurrences> {
        let at = self.index(group, item)?;
        self.slots.get_mut(at)
    }
}
