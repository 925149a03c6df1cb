//! What this side has in a window at a moment: its tree, how its numbers ended, and how long the log was then.

use std::sync::{Arc, PoisonError};

use luxor_protocol::reconciliation::{Stand, Tally, Window, WindowTree};
use luxor_protocol::tlog::{Hash, MissingNode};

use super::Windows;
use crate::driver::Shared;
use crate::store::StoreError;

/// Windows that are kept after they were read: a comparison asks about one several times.
const KEPT: usize = 2;

/// What this side has in a window.
#[derive(Debug)]
pub struct Snapshot {
    /// The window.
    pub window: Window,
    /// What stands at its numbers.
    pub tree: WindowTree,
    /// How those that are settled ended, in the order of their numbers.
    pub tallies: Vec<Option<Tally>>,
    /// Its root.
    pub root: Hash,
    /// Entries of this node's log before it was read: what they say is in it.
    pub entries: u64,
}

impl Snapshot {
    /// Reads what this side has now.
    pub(super) fn read(shared: &Shared, window: &Window) -> Result<Self, StoreError> {
        let entries = shared.sequencer.latest().size;
        let mut stands = shared.store.stands(&window.channel, window.span())?;
        if let Some(practice) = &shared.practice {
            for number in practice.denied(&window.channel) {
                let place = number.checked_sub(window.span().from()).and_then(|place| usize::try_from(place).ok());
                let place = place.filter(|place| *place < stands.stands.len());
                if let Some(place) = place {
                    (stands.stands[place], stands.tallies[place]) = (Stand::Absent, None);
                }
            }
        }
        let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged {
            what: format!("what stands in the {window}"),
            error: error.to_string(),
        };
        let tree = WindowTree::new(window.span(), stands.stands).ok_or_else(|| damaged(&"another count of numbers"))?;
        let missing = |node: MissingNode| damaged(&format!("{node:?}"));
        let root = window.span().root(&tree).map_err(missing)?;
        Ok(Self { window: window.clone(), tree, tallies: stands.tallies, root, entries })
    }
}

impl Windows {
    /// What this side has in a window: what was read last if the question is about its root, or if the log did not grow since.
    pub(super) fn snapshot(
        &self,
        shared: &Shared,
        window: &Window,
        root: Option<&Hash>,
    ) -> Result<Arc<Snapshot>, StoreError> {
        let now = shared.sequencer.latest().size;
        let kept = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |snapshot: &&Arc<Snapshot>| {
            snapshot.window == *window && (root == Some(&snapshot.root) || snapshot.entries == now)
        };
        if let Some(found) = kept().iter().rev().find(fits) {
            return Ok(found.clone());
        }
        let read = Arc::new(Snapshot::read(shared, window)?);
        let mut kept = kept();
        kept.retain(|snapshot| snapshot.window != *window);
        kept.push_back(read.clone());
        while kept.len() > KEPT {
            kept.pop_front();
        }
        Ok(read)
    }

    /// Forgets what was read: a window of a million numbers takes some 140 MB.
    pub(super) fn forget(&self, window: &Window) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).retain(|snapshot| snapshot.window != *window);
    }
}
