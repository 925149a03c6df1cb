//! Sealed dispatches whose receipts are overdue: with the third member that their row names.
//!
//! | file | whose part |
//! |---|---|
//! | `bring` | the sender's: what is overdue is brought to a node of that member, and its receipt kept |
//! | `keep` | the third member's: what is brought is checked and kept, and shown to its recipient |
//! | `fetch` | the recipient's: what lies elsewhere is fetched, and decided like what comes from its sender |
//!
//! Direct sending goes on all the while; whichever way a dispatch comes first, its number is used once.
//!
//! Not here: who may deposit what, and what the receipt proves ([`luxor_protocol::exchange`]).

mod bring;
mod fetch;
mod keep;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use luxor_protocol::document::{Directory, Flow};
use luxor_protocol::names::{MemberId, NodeRef};

/// What the three parts keep between calls.
#[derive(Default)]
pub(super) struct Deposits {
    /// Nodes with a request in work, one of each kind at a time.
    serving: Arc<Mutex<BTreeSet<(NodeRef, Part)>>>,
    /// One deposit is taken in at a time, so that none goes beyond a bound unseen, and none is logged twice.
    keeping: tokio::sync::Mutex<()>,
    /// One fetched dispatch is in memory at a time, whoever it lies with.
    fetching: tokio::sync::Mutex<()>,
}

/// What another node asks of a third member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// It brings a dispatch.
    Brings,
    /// It fetches.
    Fetches,
}

/// A request in work.
struct Serving {
    all: Arc<Mutex<BTreeSet<(NodeRef, Part)>>>,
    of: (NodeRef, Part),
}

impl Deposits {
    /// A turn for a node's request; none while another of its kind is in work.
    fn serve(&self, peer: &NodeRef, part: Part) -> Option<Serving> {
        let of = (peer.clone(), part);
        let mut all = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(of.clone()).then(|| Serving { all: self.serving.clone(), of })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.of);
    }
}

/// Nodes of the members that rows name as depositaries, of those rows that `concerns` says, but for `me`.
fn depositaries(directory: &Directory, me: &NodeRef, concerns: impl Fn(&Flow) -> bool) -> BTreeSet<NodeRef> {
    let versions = directory.agreement_versions().values().flatten();
    let rows = versions.flat_map(|(_, agreement)| &agreement.flows).filter(|flow| concerns(flow));
    let members: BTreeSet<MemberId> = rows.filter_map(Flow::depositary).collect();
    let nodes = directory.nodes().filter(|node| members.contains(&node.member) && node.node != *me);
    nodes.map(|node| node.node.clone()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_one_turn_of_each_kind() {
        let deposits = Deposits::default();
        let [shop, post]: [NodeRef; 2] = ["shop/n1", "post/n1"].map(|node| node.parse().unwrap());
        let first = deposits.serve(&shop, Part::Brings).unwrap();
        assert!(deposits.serve(&shop, Part::Brings).is_none());
        let others = [deposits.serve(&shop, Part::Fetches), deposits.serve(&post, Part::Brings)];
        assert!(others.iter().all(Option::is_some));
        drop(first);
        assert!(deposits.serve(&shop, Part::Brings).is_some());
    }
}
