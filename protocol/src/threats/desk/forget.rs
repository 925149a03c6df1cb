//! What is over is forgotten after a while, so that there is room for what comes. Figures are of what is kept.
//!
//! Not here: how long it is kept (node).

use super::row::DeskRow;
use super::{Desk, Proposal, Waiting, queued};
use crate::hash::Digest;
use crate::time::Millis;

impl Desk {
    /// Forgets proposals that were settled before a moment, and such that nobody decided on though they were made, and the goods left, before it;
    /// and orders that were drawn up and, if they were, carried out before it. How many proposals and orders these were.
    pub fn forget(&mut self, before: Millis) -> usize {
        let over = |proposal: &&Proposal| match &proposal.settled {
            Some(settled) => settled.at < before,
            None => proposal.at < before && proposal.departs.is_none_or(|departs| departs < before),
        };
        let roots: Vec<Digest> = self.proposals.values().filter(over).map(|proposal| proposal.root).collect();
        for root in &roots {
            let Some(proposal) = self.proposals.remove(root) else { continue };
            self.queue.remove(&queued(&proposal));
            self.by_place.remove(&(proposal.entry, proposal.place));
            self.count(&proposal, false);
        }
        let orders = self.orders.len();
        let stays = |waiting: &Waiting| waiting.done.unwrap_or(waiting.order.at).max(waiting.order.at) >= before;
        self.orders.retain(|_, waiting| stays(waiting));
        roots.len() + orders - self.orders.len()
    }

    /// Whether a row tells of anything that is still here: whoever applies all that do has the same desk.
    pub fn tells(&self, row: &DeskRow) -> bool {
        match row {
            DeskRow::Proposed(proposal) => self.proposals.contains_key(&proposal.root),
            DeskRow::Settled { root, .. } | DeskRow::Inspected { root, .. } => self.proposals.contains_key(root),
            DeskRow::Drawn(waiting) => self.orders.contains_key(&waiting.order.digest()),
            DeskRow::Signed { order, .. } | DeskRow::Done { order, .. } => self.orders.contains_key(order),
            DeskRow::Aside(_) => true,
            DeskRow::LeftOut => false,
        }
    }
}
