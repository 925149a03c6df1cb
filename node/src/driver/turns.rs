//! Turns: of one kind of work one at a time for each node that asks for it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use luxor_protocol::names::NodeRef;

/// Nodes for which such work is done just now.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<BTreeSet<NodeRef>>>);

/// The turn of a node, until it is dropped. Drop it before the answer goes out: whoever has the answer may ask again at once.
#[derive(Debug)]
pub(super) struct Turn {
    all: Turns,
    node: NodeRef,
}

impl Turns {
    /// A node's turn; none while it has one.
    pub(super) fn take(&self, node: &NodeRef) -> Option<Turn> {
        self.nodes().insert(node.clone()).then(|| Turn { all: self.clone(), node: node.clone() })
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeSet<NodeRef>> {
        // What is changed under the lock is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.nodes().remove(&self.node);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_one_turn_until_it_is_over() {
        let turns = Turns::default();
        let [shop, post]: [NodeRef; 2] = ["shop/n1", "post/n1"].map(|node| node.parse().unwrap());
        let first = turns.take(&shop).unwrap();
        assert!(turns.take(&shop).is_none());
        let other = turns.take(&post);
        assert!(other.is_some());
        drop(first);
        assert!(turns.take(&shop).is_some());
    }
}
