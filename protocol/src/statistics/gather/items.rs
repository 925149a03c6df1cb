//! Numbers of items in their lives, joined by links; wholes with their parts; records of duty by item.

use std::collections::{BTreeMap, BTreeSet};

use super::known::{Known, What};
use crate::life::{ItemId, LinkKind, NumberLife, lives_of, place_in};
use crate::time::{Day, Millis};

/// Numbers in their lives, joined by links.
pub(super) struct Items {
    pub(super) lives: BTreeMap<ItemId, Vec<NumberLife>>,
    pub(super) nodes: BTreeMap<(ItemId, usize), usize>,
    pub(super) sets: Vec<usize>,
    /// A whole and its parts.
    pub(super) families: Vec<(usize, Vec<usize>)>,
    /// By item: the places of its records of duty.
    pub(super) duties: BTreeMap<usize, Vec<usize>>,
}

impl Items {
    pub(super) fn of(holding: &[Known]) -> Self {
        let mut days: BTreeMap<&ItemId, (BTreeSet<Day>, BTreeSet<Day>)> = BTreeMap::new();
        for known in holding {
            let linked: &[_] = match &known.what {
                What::Links { others, .. } => others,
                _ => &[],
            };
            for (item, posted_on) in known.item.iter().chain(linked) {
                let (posted, lodged) = days.entry(item).or_default();
                match posted_on {
                    Some(day) => posted.insert(*day),
                    None => lodged.insert(known.head.at.day()),
                };
            }
        }
        let lives: BTreeMap<_, _> =
            days.into_iter().map(|(item, (posted, lodged))| (item.clone(), lives_of(posted, lodged))).collect();
        let mut nodes = BTreeMap::new();
        for (item, lives) in &lives {
            for life in 0..lives.len() {
                nodes.insert((item.clone(), life), nodes.len());
            }
        }
        let sets = (0..nodes.len()).collect();
        let mut items = Self { lives, sets, nodes, families: Vec::new(), duties: BTreeMap::new() };
        for known in holding {
            let What::Links { kind, others } = &known.what else { continue };
            let Some(from) = items.node(known.item.as_ref(), known.head.at) else { continue };
            let to: Vec<usize> = others
                .iter()
                .filter_map(|other| items.node(Some(other), known.head.at))
                .filter(|to| *to != from)
                .collect();
            match kind {
                LinkKind::SameAs | LinkKind::Relabelled => to.into_iter().for_each(|to| items.join(from, to)),
                LinkKind::SplitInto | LinkKind::MergedFrom => items.families.push((from, to)),
                // What travels back is another item.
                LinkKind::ReturnedAs => {}
            }
        }
        // Each points to a lower one, so that in ascending order all point to their first.
        for at in 0..items.sets.len() {
            items.sets[at] = items.sets[items.sets[at]];
        }
        for (at, known) in holding.iter().enumerate().filter(|(_, known)| matches!(known.what, What::Duty { .. })) {
            if let Some(item) = items.item(known) {
                items.duties.entry(item).or_default().push(at);
            }
        }
        items
    }

    fn node(&self, item: Option<&(ItemId, Option<Day>)>, at: Millis) -> Option<usize> {
        let (item, posted_on) = item?;
        let life = place_in(self.lives.get(item)?, *posted_on, at.day())?;
        self.nodes.get(&(item.clone(), life)).copied()
    }

    /// The item of a record: one number for all of its numbers.
    pub(super) fn item(&self, known: &Known) -> Option<usize> {
        self.node(known.item.as_ref(), known.head.at).map(|node| self.root(node))
    }

    pub(super) fn root(&self, mut at: usize) -> usize {
        while self.sets[at] != at {
            at = self.sets[at];
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.sets[one.max(other)] = one.min(other);
    }
}
