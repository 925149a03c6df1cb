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

use luxor_protocol::document::{Directory, Flow};
use luxor_protocol::names::{MemberId, NodeRef};

use super::turns::Turns;

/// What the three parts keep between calls.
#[derive(Default)]
pub(super) struct Deposits {
    /// Nodes that bring a dispatch.
    bringing: Turns,
    /// Nodes that ask what lies here for them.
    asking: Turns,
    /// One deposit is taken in at a time, so that none goes beyond a bound unseen, and none is logged twice.
    keeping: tokio::sync::Mutex<()>,
    /// One fetched dispatch is in memory at a time, whoever it lies with.
    fetching: tokio::sync::Mutex<()>,
}

/// Nodes of the members that rows name as depositaries, of those rows that `concerns` says, but for `me`.
fn depositaries(directory: &Directory, me: &NodeRef, concerns: impl Fn(&Flow) -> bool) -> BTreeSet<NodeRef> {
    let versions = directory.agreement_versions().values().flatten();
    let rows = versions.flat_map(|(_, agreement)| &agreement.flows).filter(|flow| concerns(flow));
    let members: BTreeSet<MemberId> = rows.filter_map(Flow::depositary).collect();
    let nodes = directory.nodes().filter(|node| members.contains(&node.member) && node.node != *me);
    nodes.map(|node| node.node.clone()).collect()
}
