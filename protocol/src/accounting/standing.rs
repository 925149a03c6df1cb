//! Which version of a record holds: the rule of [`crate::life`], over what is kept here.

use std::collections::BTreeMap;

use super::said::Said;
use crate::hash::Digest;
use crate::life::Action;
use crate::time::Millis;

/// What decides which version holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) root: Digest,
    pub(crate) revision: u64,
    pub(crate) action: Action,
    pub(crate) supersedes: Option<Digest>,
    pub(crate) at: Millis,
}

/// What holds of the versions of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Those that no other took the place of, the one that was lodged first before others; nothing of a record that was taken back.
    pub(super) live: Vec<Digest>,
}

impl Head {
    pub(super) fn of(said: &Said) -> Self {
        let Said { root, revision, action, supersedes, at, .. } = said;
        Self { root: *root, revision: *revision, action: *action, supersedes: *supersedes, at: *at }
    }
}

impl Holding {
    /// Of these versions, given in any order, each once or several times.
    pub(crate) fn of<'h>(heads: impl Iterator<Item = &'h Head>) -> Self {
        let mut versions: Vec<&Head> = heads.collect();
        versions.sort_by_key(|head| (head.at, head.root));
        let mut seen = std::collections::BTreeSet::new();
        versions.retain(|head| seen.insert(head.root));
        if let [only] = versions.as_slice() {
            let cancelled = only.action == Action::Cancellation;
            return Self { live: if cancelled { Vec::new() } else { vec![only.root] } };
        }
        let newest = versions.iter().map(|head| head.revision).max().unwrap_or_default();
        let mut named: BTreeMap<Digest, u64> = BTreeMap::new();
        for head in &versions {
            if let Some(root) = head.supersedes {
                let revision = named.entry(root).or_default();
                *revision = head.revision.max(*revision);
            }
        }
        let replaced = |head: &Head| {
            head.revision < newest || named.get(&head.root).is_some_and(|revision| *revision >= head.revision)
        };
        let last: Vec<&Head> = versions.into_iter().filter(|head| !replaced(head)).collect();
        match last.first() {
            Some(first) if first.action != Action::Cancellation => {
                Self { live: last.iter().map(|head| head.root).collect() }
            }
            _ => Self::default(),
        }
    }

    /// The version that counts.
    pub(crate) fn holds(&self) -> Option<Digest> {
        self.live.first().copied()
    }
}
