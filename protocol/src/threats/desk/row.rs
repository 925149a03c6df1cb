//! What happened at a desk, row by row. Applying all rows again in their order gives the same desk.

use serde::{Deserialize, Serialize};

use super::decide::{Signature, Waiting};
use super::order::Source;
use super::proposal::{Found, Proposal, Settled};
use super::{Desk, queued};
use crate::hash::Digest;
use crate::limits::MAX_WAITING_ORDERS;
use crate::time::Millis;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskRow {
    /// Something is proposed, or something else than before.
    Proposed(Box<Proposal>),
    /// A proposal was settled.
    Settled {
        /// Its record.
        root: Digest,
        /// How.
        settled: Settled,
    },
    /// An order was drawn up.
    Drawn(Box<Waiting>),
    /// An officer signed one.
    Signed {
        /// Which.
        order: Digest,
        /// Who, and how.
        signature: Signature,
    },
    /// It was carried out.
    Done {
        /// Which.
        order: Digest,
        /// When.
        at: Millis,
    },
    /// Nothing is proposed by this indicator or rule any more.
    Aside(Source),
    /// An inspection of a record's goods told something.
    Inspected {
        /// The record.
        root: Digest,
        /// What.
        found: Found,
    },
    /// There was no room for a proposal.
    LeftOut,
}

impl DeskRow {
    /// Whether it is kept: how many had no room is known until the process ends.
    pub fn is_kept(&self) -> bool {
        !matches!(self, Self::LeftOut)
    }
}

impl Desk {
    /// Takes what happened.
    pub fn apply(&mut self, row: DeskRow) {
        match row {
            DeskRow::Proposed(proposal) => self.propose(*proposal),
            DeskRow::Settled { root, settled } => {
                if let Some(proposal) = self.proposals.get_mut(&root) {
                    self.queue.remove(&queued(proposal));
                    proposal.settled = Some(settled);
                }
            }
            DeskRow::Drawn(drawn) => {
                self.orders.insert(drawn.order.digest(), *drawn);
                self.drop_oldest();
            }
            DeskRow::Signed { order, signature } => {
                if let Some(waiting) = self.orders.get_mut(&order) {
                    waiting.signatures.push(signature);
                }
            }
            DeskRow::Done { order, at } => {
                if let Some(waiting) = self.orders.get_mut(&order) {
                    waiting.done = Some(at);
                }
            }
            DeskRow::Aside(Source::Indicator(issuer, id)) => self.screener.put_aside(issuer, id),
            DeskRow::Aside(Source::Rule(rule)) => {
                self.rules.rules.retain(|known| known.id != rule);
                self.undone.insert(rule);
            }
            DeskRow::Inspected { root, found } => self.inspected(&root, found),
            DeskRow::LeftOut => self.left_out += 1,
        }
    }

    fn propose(&mut self, proposal: Proposal) {
        let root = proposal.root;
        self.by_place.insert((proposal.entry, proposal.place), root);
        if let Some(before) = self.proposals.remove(&root) {
            self.queue.remove(&queued(&before));
            self.count(&before, false);
        }
        if proposal.is_open() {
            self.queue.insert(queued(&proposal));
        }
        self.count(&proposal, true);
        self.proposals.insert(root, proposal);
    }

    /// A later word of the same inspection takes the place of the earlier one.
    fn inspected(&mut self, root: &Digest, found: Found) {
        let Some(mut proposal) = self.proposals.remove(root) else { return };
        self.count(&proposal, false);
        proposal.found = Some(found);
        self.count(&proposal, true);
        self.proposals.insert(*root, proposal);
    }

    /// Counts what an inspection found for the indicators that a proposal rests on, or counts it no more.
    pub(super) fn count(&mut self, proposal: &Proposal, in_or_out: bool) {
        let Some(found) = proposal.found else { return };
        let right = u64::from(found == Found::Something);
        for ground in proposal.indicators() {
            let key = (ground.issuer.clone(), ground.id.clone());
            let measured = self.outcomes.entry(key.clone()).or_default();
            match in_or_out {
                true => {
                    measured.inspected += 1;
                    measured.confirmed += right;
                }
                // It was counted before.
                false => {
                    measured.inspected -= 1;
                    measured.confirmed -= right;
                }
            }
            self.measure(&key);
        }
    }

    /// Orders that nobody signs do not pile up.
    fn drop_oldest(&mut self) {
        let open = |orders: &std::collections::BTreeMap<Digest, Waiting>| {
            let open = orders.iter().filter(|(_, waiting)| waiting.done.is_none());
            let oldest = open.clone().min_by_key(|(digest, waiting)| (waiting.order.at, **digest));
            (open.count(), oldest.map(|(digest, _)| *digest))
        };
        while let (count, Some(oldest)) = open(&self.orders)
            && count > MAX_WAITING_ORDERS
        {
            self.orders.remove(&oldest);
        }
    }
}
