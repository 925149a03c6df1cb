//! Numbers of items in their lives, joined by links; wholes with their parts; records of duty by item.

use std::collections::{BTreeMap, BTreeSet};

use super::known::{Known, What};
use crate::life::{ItemId, LinkKind, NumberLife, lives_of, place_in};
use crate::sets::Sets;
use crate::time::{Day, Millis};

/// Numbers in their lives, joined by links.
pub(super) struct Items {
    lives: BTreeMap<ItemId, Vec<NumberLife>>,
    nodes: BTreeMap<(ItemId, usize), usize>,
    /// The item of each node.
    items: Vec<usize>,
    /// By whole: its parts, as all links together say.
    pub(super) families: BTreeMap<usize, BTreeSet<usize>>,
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
        let (mut sets, mut families) = (Sets::new(nodes.len()), Vec::new());
        let mut items = Self { lives, nodes, items: Vec::new(), families: BTreeMap::new(), duties: BTreeMap::new() };
        for known in holding {
            let What::Links { kind, others } = &known.what else { continue };
            let Some(from) = items.node(known.item.as_ref(), known.head.at) else { continue };
            let to: Vec<usize> = others
                .iter()
                .filter_map(|other| items.node(Some(other), known.head.at))
                .filter(|to| *to != from)
                .collect();
            match kind {
                LinkKind::SameAs | LinkKind::Relabelled => to.into_iter().for_each(|to| sets.join(from, to)),
                LinkKind::SplitInto | LinkKind::MergedFrom => families.push((from, to)),
                // What travels back is another item.
                LinkKind::ReturnedAs => {}
            }
        }
        items.items = (0..items.nodes.len()).map(|node| sets.root(node)).collect();
        for (whole, parts) in families {
            let whole = items.items[whole];
            let parts = parts.into_iter().map(|part| items.items[part]).filter(|part| *part != whole);
            items.families.entry(whole).or_default().extend(parts);
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
        self.node(known.item.as_ref(), known.head.at).map(|node| self.items[node])
    }
}
