//! What an audit knows of bodies that are not there: which `erased` entry names them, and whether a hold forbade it.
//!
//! Entries without body are kept as runs of the same due day, so memory grows with the days that no `erased` entry explains yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exchange::{ErasedBody, Ground, HoldBody, Named, Skeleton};
use crate::hash::Digest;
use crate::names::NodeRef;
use crate::time::Day;

/// What one `erased` entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Index of the `erased` entry.
    pub entry: u64,
    /// Why.
    pub ground: Ground,
    /// The day, `YYYY-MM-DD`.
    pub on: String,
    /// Who had sent it.
    pub sender: NodeRef,
    /// Who had received it.
    pub recipient: NodeRef,
    /// Entries of which nothing is left but the skeleton.
    pub whole: u64,
    /// Entries of which records are gone.
    pub in_part: u64,
    /// Digest of the words of the order, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Holds, and bodies that no entry explains yet.
#[derive(Default)]
pub(super) struct Erasures {
    /// First entry of a run -> the entry behind its last, and their due day.
    bare: BTreeMap<u64, (u64, Day)>,
    holds: BTreeMap<u64, HoldBody>,
}

impl Erasures {
    /// An entry has no body.
    pub(super) fn bare(&mut self, entry: u64, due: Day) {
        if let Some(mut last) = self.bare.last_entry()
            && *last.get() == (entry, due)
        {
            last.get_mut().0 = entry + 1;
            return;
        }
        self.bare.insert(entry, (entry + 1, due));
    }

    /// Takes what an `erased` entry says.
    pub(super) fn erased(&mut self, skeleton: &Skeleton, body: &ErasedBody) -> Result<(), String> {
        for named in &body.erased {
            self.unless_held(named, &skeleton.agreement, body.on)?;
            if !named.places.is_empty() {
                continue;
            }
            let entry = named.entry;
            let Some(due) = self.explain(entry) else {
                return Err(format!("names entry {entry} as erased, whose body is there, or was erased before"));
            };
            if body.ground == Ground::Retention && body.on < due {
                return Err(format!("erased entry {entry} by its date on {}, which is only on {due}", body.on));
            }
        }
        Ok(())
    }

    /// Takes what a `hold` entry says.
    pub(super) fn hold(&mut self, body: HoldBody) -> Result<(), String> {
        let number = body.hold;
        match (body.begins, self.holds.contains_key(&number)) {
            (true, false) => drop(self.holds.insert(number, body)),
            (false, true) => drop(self.holds.remove(&number)),
            (true, true) => return Err(format!("hold {number} begins a second time")),
            (false, false) => return Err(format!("hold {number} ends, which is not in force")),
        }
        Ok(())
    }

    /// Entries without body that nothing explains: first and last.
    pub(super) fn unexplained(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.bare.iter().map(|(first, (end, _))| (*first, end - 1))
    }

    fn unless_held(&self, named: &Named, agreement: &Digest, on: Day) -> Result<(), String> {
        let holds = |hold: &&HoldBody| {
            hold.agreement.as_ref() == Some(agreement) || hold.held.iter().any(|held| held.touches(named))
        };
        match self.holds.values().find(holds) {
            Some(hold) => Err(format!("erased entry {} on {on}, which hold {} keeps", named.entry, hold.hold)),
            None => Ok(()),
        }
    }

    /// Takes an entry out of its run; gives its due day.
    fn explain(&mut self, entry: u64) -> Option<Day> {
        let (first, (end, due)) = self.bare.range(..=entry).next_back().map(|(first, run)| (*first, *run))?;
        if entry >= end {
            return None;
        }
        self.bare.remove(&first);
        if first < entry {
            self.bare.insert(first, (entry, due));
        }
        if entry + 1 < end {
            self.bare.insert(entry + 1, (end, due));
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_split_and_joined() {
        let mut erasures = Erasures::default();
        for (entry, due) in [(3, 7), (4, 7), (5, 7), (6, 8), (8, 8)] {
            erasures.bare(entry, Day(due));
        }
        let told = |erasures: &Erasures| erasures.unexplained().collect::<Vec<_>>();
        assert_eq!(told(&erasures), [(3, 5), (6, 6), (8, 8)]);
        assert_eq!(erasures.explain(4), Some(Day(7)));
        assert_eq!((erasures.explain(4), erasures.explain(7), erasures.explain(2)), (None, None, None));
        assert_eq!(told(&erasures), [(3, 3), (5, 5), (6, 6), (8, 8)]);
        for entry in [3, 5, 6, 8] {
            assert!(erasures.explain(entry).is_some());
        }
        assert_eq!(told(&erasures), []);
    }
}
