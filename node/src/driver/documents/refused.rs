//! Documents that were not admitted lately, for the operator.
//!
//! Limits: [`MAX_REFUSED`] are told, [`MAX_REFUSED_OF_NODE`] of one node are looked at in [`WHILE`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use luxor_protocol::names::NodeRef;

/// Refused documents that are told; older ones go first.
const MAX_REFUSED: usize = 32;
/// Refused documents of one node in [`WHILE`]; more of it are put off.
const MAX_REFUSED_OF_NODE: usize = 32;
/// For so long they count.
const WHILE: Duration = Duration::from_secs(60);

/// A document that was not admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedDocument {
    /// Who brought it; nobody for this node's own people.
    pub from: Option<NodeRef>,
    /// The document, in words.
    pub what: String,
    /// Why not.
    pub reason: String,
    /// How often.
    pub times: u64,
}

/// What was refused.
#[derive(Default)]
pub(in crate::driver) struct RefusedDocuments(Mutex<Refused>);

#[derive(Default)]
struct Refused {
    told: VecDeque<RefusedDocument>,
    /// When the count of a node began, and how far it is.
    of_node: BTreeMap<NodeRef, (Instant, usize)>,
}

impl RefusedDocuments {
    /// Counts one.
    pub(super) fn add(&self, from: Option<NodeRef>, what: String, reason: String) {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(from) = &from {
            let count = refused.of_node.entry(from.clone()).or_insert_with(|| (Instant::now(), 0));
            if count.0.elapsed() >= WHILE {
                *count = (Instant::now(), 0);
            }
            count.1 += 1;
        }
        let same = |told: &RefusedDocument| (&told.from, &told.what, &told.reason) == (&from, &what, &reason);
        let times = match refused.told.iter().position(same) {
            Some(at) => refused.told.remove(at).map_or(0, |told| told.times),
            None => 0,
        };
        refused.told.push_back(RefusedDocument { from, what, reason, times: times + 1 });
        while refused.told.len() > MAX_REFUSED {
            refused.told.pop_front();
        }
    }

    /// Whether so many of a node's were refused that its documents are put off.
    pub(super) fn too_many_of(&self, node: &NodeRef) -> bool {
        let refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.of_node.get(node).is_some_and(|(began, count)| *count >= MAX_REFUSED_OF_NODE && began.elapsed() < WHILE)
    }

    /// The last ones, the newest last.
    pub(in crate::driver) fn told(&self) -> Vec<RefusedDocument> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).told.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_counted_and_the_oldest_goes() {
        let refused = RefusedDocuments::default();
        let node: NodeRef = "a/n1".parse().unwrap();
        for _ in 0..3 {
            refused.add(Some(node.clone()), "card a".into(), "why".into());
        }
        refused.add(None, "card a".into(), "why".into());
        let times: Vec<_> = refused.told().iter().map(|told| told.times).collect();
        assert_eq!(times, [3, 1]);
        for number in 0..MAX_REFUSED {
            refused.add(None, number.to_string(), "why".into());
        }
        assert_eq!(refused.told().len(), MAX_REFUSED);
        assert_eq!(refused.told()[0].what, "0");
    }

    #[test]
    fn a_node_that_brings_too_many_bad_ones_is_put_off_and_no_other() {
        let refused = RefusedDocuments::default();
        let (node, other): (NodeRef, NodeRef) = ("a/n1".parse().unwrap(), "b/n1".parse().unwrap());
        for number in 0..MAX_REFUSED_OF_NODE {
            assert!(!refused.too_many_of(&node));
            refused.add(Some(node.clone()), number.to_string(), "why".into());
            refused.add(None, number.to_string(), "why".into());
        }
        assert!(refused.too_many_of(&node));
        assert!(!refused.too_many_of(&other));
    }
}
