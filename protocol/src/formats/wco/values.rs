//! The fields of a record while it is read from a tree or written to one.

use super::names::same;
use crate::limits::MAX_OCCURRENCES;
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
    groups: Vec<Vec<Occurrences>>,
}

impl Values {
    /// None yet, with room for so many goods items.
    pub(super) fn new(table: &'static TypeTable, items: usize) -> Self {
        let slots = |scope| if scope == Scope::Record { 1 } else { items };
        let groups = table.groups.iter().map(|group| vec![Occurrences::new(); slots(group.scope)]).collect();
        Self { table, items, groups }
    }

    /// Those of a record.
    pub(super) fn of(content: &Content) -> Self {
        let mut values = Self::new(content.table(), content.items());
        for (group, slots) in values.groups.iter_mut().enumerate() {
            for (item, occurrences) in slots.iter_mut().enumerate() {
                *occurrences = content.occurrences_at(group, item);
            }
        }
        values
    }

    /// A record of them; occurrences that lack a mandatory field are left out.
    pub(super) fn content(&self) -> Result<Content, ContentError> {
        let mut content = Content::empty(self.table, self.items);
        for (group, slots) in self.groups.iter().enumerate() {
            for (item, occurrences) in slots.iter().enumerate().filter(|(_, occurrences)| !occurrences.is_empty()) {
                content.set(group, item, occurrences.clone())?;
            }
        }
        Ok(content)
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
            Some(value) => self.put(at, item, occurrence, value),
            None => false,
        }
    }

    /// Sets a field that is not yet set, if it may hold the value; `false` otherwise.
    pub(super) fn put(&mut self, at: At, item: usize, occurrence: usize, value: Value) -> bool {
        let holds = self.table.groups[at.group].field_number(u64::from(at.field)).is_some_and(|f| f.kind.holds(&value));
        let slot = if self.table.groups[at.group].scope == Scope::Record { 0 } else { item };
        let Some(occurrences) = self.groups[at.group].get_mut(slot).filter(|_| holds && occurrence < MAX_OCCURRENCES)
        else {
            return false;
        };
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

    /// Takes the last occurrence of a group back, from this number on, where it lacks a mandatory field or all.
    pub(super) fn settle(&mut self, group: usize, item: usize, from: usize) {
        let mandatory: Vec<u8> =
            self.table.groups[group].fields.iter().filter(|field| field.mandatory).map(|field| field.number).collect();
        let Some(occurrences) = self.slot_mut(group, item) else { return };
        let whole = |fields: &Vec<(u8, Value)>| {
            !fields.is_empty() && mandatory.iter().all(|wanted| fields.iter().any(|(number, _)| number == wanted))
        };
        let mut at = 0;
        occurrences.retain(|fields| {
            at += 1;
            at <= from || whole(fields)
        });
    }

    /// The same for every group, but for those that a complete record has: their absence is told.
    pub(super) fn settle_all(&mut self) {
        for group in 0..self.groups.len() {
            if !self.table.groups[group].mandatory {
                (0..self.groups[group].len()).for_each(|item| self.settle(group, item, 0));
            }
        }
    }

    fn slot(&self, group: usize, item: usize) -> Option<&Occurrences> {
        let slot = if self.table.groups[group].scope == Scope::Record { 0 } else { item };
        self.groups[group].get(slot)
    }

    fn slot_mut(&mut self, group: usize, item: usize) -> Option<&mut Occurrences> {
        let slot = if self.table.groups[group].scope == Scope::Record { 0 } else { item };
        self.groups[group].get_mut(slot)
    }
}
