//! One pass over a record: the rules about single values run at once, the facts for rules about several are kept.

use std::fmt::Write as _;
use std::sync::Arc;

use super::checker::{Checker, Role};
use super::finding::Finding;
use crate::limits::{MAX_GROUPS, MAX_RECORD_FINDINGS};
use crate::names::Territory;
use crate::record::{Decimal, Scope, Source, visit_leaf};
use crate::reference::{Listed, Rule, StopWords};
use crate::time::{Day, Millis};

/// The place of a value, everything from 0. Small, since many are kept: a type has at most [`MAX_GROUPS`] groups, a record at most 99
/// goods items, a group at most 99 occurrences and fewer than 256 fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct At {
    group: u8,
    item: u8,
    occurrence: u8,
    field: u8,
}

impl At {
    /// A field in the first occurrence of a group.
    pub(super) fn of(group: usize, item: usize, field: usize) -> Self {
        Self { group: group as u8, item: item as u8, occurrence: 0, field: field as u8 }
    }

    /// A field in another occurrence of the same group.
    fn with(self, occurrence: usize, field: usize) -> Self {
        Self { occurrence: occurrence as u8, field: field as u8, ..self }
    }

    pub(super) fn group(self) -> usize {
        self.group.into()
    }

    pub(super) fn item(self) -> usize {
        self.item.into()
    }

    pub(super) fn field(self) -> usize {
        self.field.into()
    }
}

/// Something kept with its place.
pub(super) type Placed<T> = Option<(T, At)>;

/// What is kept of a record.
#[derive(Debug, Default)]
pub(super) struct Facts<'l> {
    pub(super) destination: Option<Territory>,
    pub(super) kind: Option<&'l str>,
    pub(super) data_set: Placed<&'l str>,
    pub(super) category: Option<&'l str>,
    pub(super) transaction: Option<&'l str>,
    pub(super) cancelled: bool,
    pub(super) filed_on: Placed<Day>,
    pub(super) sold_at: Option<Millis>,
    pub(super) gross: Placed<Decimal>,
    pub(super) postal: bool,
    pub(super) dangerous: bool,
    pub(super) declarants: Vec<(&'l str, At)>,
    /// The first IOSS number, and the first that differs from it.
    pub(super) ioss: Placed<&'l str>,
    pub(super) ioss_other: Option<At>,
    /// Fields that are there, a bit for each, by group of the record.
    pub(super) seen: [u32; MAX_GROUPS],
    pub(super) goods: Vec<Goods<'l>>,
}

/// What is kept of a goods item.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Goods<'l> {
    pub(super) hs: Placed<&'l str>,
    pub(super) amount: Placed<Decimal>,
    pub(super) currency: Option<&'l str>,
    pub(super) net: Placed<Decimal>,
    pub(super) gross: Placed<Decimal>,
    pub(super) units: Option<u64>,
    /// Fields that are there, a bit for each, by group.
    pub(super) seen: [u32; MAX_GROUPS],
}

/// What is kept of one occurrence until it ends.
#[derive(Debug, Default)]
pub(super) struct Open<'l> {
    /// Whether anything is.
    pub(super) used: bool,
    pub(super) money: [Placed<Decimal>; 4],
    pub(super) currency: Placed<&'l str>,
    pub(super) scheme: Option<&'l str>,
    pub(super) id: Placed<&'l str>,
    pub(super) role: Option<&'l str>,
    pub(super) hs: Placed<&'l str>,
    pub(super) edition: Placed<u64>,
    pub(super) departs: Option<Millis>,
    pub(super) arrives: Placed<Millis>,
}

/// A record under way.
pub(super) struct Pass<'c, 'l> {
    pub(super) checker: &'c Checker,
    pub(super) source: &'l dyn Source,
    pub(super) day: Day,
    pub(super) words: Option<&'c StopWords>,
    pub(super) facts: Facts<'l>,
    pub(super) open: Open<'l>,
    pub(super) findings: Vec<Finding>,
}

impl<'c, 'l> Pass<'c, 'l> {
    pub(super) fn new(checker: &'c Checker, source: &'l dyn Source, day: Day) -> Self {
        let facts = Facts { goods: vec![Goods::default(); source.goods()], ..Facts::default() };
        let words = checker.stop_words(day);
        Self { checker, source, day, words, facts, open: Open::default(), findings: Vec::new() }
    }

    /// Reads every group that is shown.
    pub(super) fn read(&mut self) {
        for group in 0..self.checker.plans.len() {
            if !self.source.shows(group) {
                continue;
            }
            let count = match self.checker.plans[group].group.scope {
                Scope::Record => 1,
                Scope::Item => self.facts.goods.len(),
            };
            (0..count).for_each(|item| self.read_leaf(group, item));
        }
    }

    fn read_leaf(&mut self, group: usize, item: usize) {
        let checker = self.checker;
        let plan = &checker.plans[group];
        let leaf = self.source.leaf(group, item);
        if leaf.is_empty() {
            return;
        }
        let mut seen = 0;
        if plan.look {
            let mut at = At::of(group, item, 0);
            let mut occurrence = 0;
            visit_leaf(plan.group, leaf, |nth, field, held| {
                if nth != occurrence {
                    self.end(at);
                    occurrence = nth;
                }
                at = at.with(occurrence, field);
                // Groups have fewer than 32 fields; what is beyond is not asked for.
                seen |= 1u32.checked_shl(field as u32).unwrap_or(0);
                let role = plan.roles[field];
                if role != Role::None {
                    self.value(role, at, held);
                }
            });
            self.end(at);
        } else {
            seen = u32::MAX;
        }
        let of = match plan.group.scope {
            Scope::Record => &mut self.facts.seen,
            Scope::Item => match self.facts.goods.get_mut(item) {
                Some(goods) => &mut goods.seen,
                None => return,
            },
        };
        if let Some(of_group) = of.get_mut(group) {
            *of_group |= seen;
        }
    }

    /// Whether a field is there, or any field of the group. `None` where the group is hidden.
    pub(super) fn has(&self, group: usize, field: Option<usize>, item: Option<usize>) -> Option<bool> {
        if !self.source.shows(group) {
            return None;
        }
        let seen = match item {
            None => self.facts.seen.get(group),
            Some(item) => self.facts.goods.get(item).and_then(|goods| goods.seen.get(group)),
        };
        let bit = field.map_or(u32::MAX, |field| 1u32.checked_shl(field as u32).unwrap_or(0));
        Some(seen.is_some_and(|seen| seen & bit != 0))
    }

    /// Notes a finding, unless its rule is off or there are too many.
    pub(super) fn find(&mut self, rule: Rule, at: At, list: Option<&Arc<Listed>>, what: impl FnOnce() -> String) {
        let Some(severity) = self.checker.severity(rule) else { return };
        if self.findings.len() < MAX_RECORD_FINDINGS {
            let pointer = self.pointer(at);
            self.findings.push(Finding { rule, severity, pointer, what: what(), list: list.map(Arc::clone) });
        }
    }

    /// The place in words: `/goods/2/duty/1/amount`.
    pub(super) fn pointer(&self, at: At) -> String {
        let Some(plan) = self.checker.plans.get(at.group()) else { return String::new() };
        let mut text = String::with_capacity(48);
        // Writing into a String never fails.
        if plan.group.scope == Scope::Item {
            let _ = write!(text, "/goods/{}", at.item + 1);
        }
        let _ = write!(text, "/{}", plan.group.name);
        if plan.group.repeats {
            let _ = write!(text, "/{}", at.occurrence + 1);
        }
        if let Some(field) = plan.group.fields.get(at.field()) {
            let _ = write!(text, "/{}", field.name);
        }
        text
    }
}
