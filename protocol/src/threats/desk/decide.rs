//! Orders: drawn up, signed by officers, carried out.
//!
//! Not here: what is sent because of them (node).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::order::{Act, Order, Source};
use super::proposal::{Ground, Proposal, Settled, State};
use super::row::DeskRow;
use super::{Advice, Desk, IndicatorId, ScreeningRules};
use crate::hash::{Digest, hex, unhex};
use crate::keys::{KeyError, PublicKey};
use crate::limits::{MAX_ORDER_CHARS, MAX_ORDER_RECORDS};
use crate::names::{MemberId, NodeRef};
use crate::time::Millis;

/// An officer's signature of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Who.
    pub officer: String,
    /// With which key.
    pub key: String,
    /// The signature, hexadecimal.
    pub signature: String,
    /// When.
    pub at: Millis,
}

/// An order that waits for signatures, or was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The order.
    pub order: Order,
    /// How many officers it needs.
    pub needs: usize,
    /// Who signed.
    pub signatures: Vec<Signature>,
    /// When it was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Millis>,
}

impl Waiting {
    /// Whether enough officers signed.
    pub fn is_signed(&self) -> bool {
        self.signatures.len() >= self.needs
    }
}

/// What an order would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The order, as it is kept.
    pub row: DeskRow,
    /// Its digest.
    pub digest: Digest,
}

/// What rests on an indicator or a rule.
#[derive(Debug, Default)]
pub struct Resting<'d> {
    /// Open proposals that would not be there without it.
    pub alone: Vec<&'d Proposal>,
    /// What would be proposed about the same records as open ones that rest on more.
    pub lowered: Vec<Proposal>,
    /// Such that rest on it alone and were carried out already.
    pub carried_out: Vec<&'d Proposal>,
}

/// Why there is no order, or no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It is about nothing.
    #[error("an order names the records that it is about")]
    Empty,
    /// About too many.
    #[error("an order about {0} records; at most {MAX_ORDER_RECORDS}\nhint: draw up several")]
    Many(usize),
    /// Without a reason.
    #[error("why: 1 to {MAX_ORDER_CHARS} characters")]
    Why,
    /// Nothing is proposed.
    #[error("nothing is proposed about record {0}")]
    Unknown(String),
    /// It is settled.
    #[error("the proposal about record {root} is {state}; an order to {act} it is not possible")]
    Settled {
        /// The record.
        root: String,
        /// What became of it.
        state: State,
        /// What was to be ordered.
        act: Act,
    },
    /// Nothing of that name.
    #[error("{0} is neither held nor does a proposal rest on it")]
    Source(String),
    /// It was undone before.
    #[error("{0} was undone before, and nothing rests on it any more")]
    Undone(String),
    /// No such order.
    #[error("no order {0} waits\nhint: `luxor queue orders` lists those that do")]
    NoOrder(String),
    /// It was carried out.
    #[error("order {order} was carried out at {at}")]
    Done {
        /// Which.
        order: String,
        /// When.
        at: Millis,
    },
    /// An officer signs once.
    #[error("{officer} signed order {order} already\nhint: another officer has to")]
    Twice {
        /// Who.
        officer: String,
        /// What.
        order: String,
    },
    /// The signature.
    #[error("the signature of {officer}: {error}")]
    Signature {
        /// Whose.
        officer: String,
        /// What is wrong.
        error: KeyError,
    },
    /// It is no signature.
    #[error("the signature of {0} is not 128 hexadecimal digits")]
    Form(String),
}

impl Desk {
    /// Draws up an order about these proposals.
    ///
    /// # Errors
    /// [`OrderError`].
    pub fn draw(
        &self,
        node: &NodeRef,
        act: Act,
        roots: Vec<Digest>,
        why: String,
        at: Millis,
    ) -> Result<Drawn, OrderError> {
        let mut roots = roots;
        roots.sort_unstable();
        roots.dedup();
        if roots.is_empty() {
            return Err(OrderError::Empty);
        }
        for root in &roots {
            let proposal = self.proposals.get(root).ok_or_else(|| OrderError::Unknown(root.hex()))?;
            let state = proposal.state();
            if state != State::Open && !(act == Act::Seize && state == State::Confirmed) {
                return Err(OrderError::Settled { root: root.hex(), state, act });
            }
        }
        self.drawn(Order { node: node.clone(), act, source: None, roots, why, at })
    }

    /// Draws up an order to undo what rests on an indicator or a rule: open proposals that would not be there without it.
    ///
    /// # Errors
    /// [`OrderError`].
    pub fn draw_undo(&self, node: &NodeRef, source: Source, why: String, at: Millis) -> Result<Drawn, OrderError> {
        let Resting { alone, lowered, carried_out } = self.resting(&source);
        if alone.is_empty() && lowered.is_empty() {
            if self.was_undone(&source) {
                return Err(OrderError::Undone(source.to_string()));
            }
            let known = match &source {
                Source::Indicator(issuer, id) => self.screener.get(issuer, id).is_some(),
                Source::Rule(rule) => self.rules.rules.iter().any(|known| known.id == *rule),
            };
            if !known && carried_out.is_empty() {
                return Err(OrderError::Source(source.to_string()));
            }
        }
        let roots = alone.iter().map(|proposal| proposal.root).collect();
        self.drawn(Order { node: node.clone(), act: Act::Undo, source: Some(source), roots, why, at })
    }

    fn drawn(&self, order: Order) -> Result<Drawn, OrderError> {
        if order.roots.len() > MAX_ORDER_RECORDS {
            return Err(OrderError::Many(order.roots.len()));
        }
        if order.why.trim().is_empty() || order.why.chars().count() > MAX_ORDER_CHARS {
            return Err(OrderError::Why);
        }
        let (digest, needs) = (order.digest(), self.needs(&order));
        let waiting = Waiting { order, needs, signatures: Vec::new(), done: None };
        Ok(Drawn { row: DeskRow::Drawn(Box::new(waiting)), digest })
    }

    /// How many officers an order needs.
    fn needs(&self, order: &Order) -> usize {
        let grave = |advice: Advice| self.policy.two_for.contains(&advice);
        let is_grave = |root: &Digest| self.proposals.get(root).is_some_and(|proposal| grave(proposal.propose));
        let two = order.roots.len() >= self.policy.mass_from
            || match order.act {
                Act::Seize => true,
                Act::Confirm => order.roots.iter().any(is_grave),
                Act::Dismiss | Act::Undo => false,
            };
        if two { 2 } else { 1 }
    }

    /// Orders that were drawn up, the oldest first.
    pub fn orders(&self) -> Vec<(&Digest, &Waiting)> {
        let mut orders: Vec<_> = self.orders.iter().collect();
        orders.sort_by_key(|(digest, waiting)| (waiting.order.at, **digest));
        orders
    }

    /// An order.
    ///
    /// # Errors
    /// [`OrderError::NoOrder`].
    pub fn order(&self, digest: &Digest) -> Result<&Waiting, OrderError> {
        self.orders.get(digest).ok_or_else(|| OrderError::NoOrder(digest.hex()))
    }

    /// An officer signs an order.
    ///
    /// # Errors
    /// [`OrderError`].
    pub fn sign(
        &self,
        digest: &Digest,
        (officer, key): (&str, &PublicKey),
        network: &Digest,
        signature: &str,
        at: Millis,
    ) -> Result<DeskRow, OrderError> {
        let waiting = self.order(digest)?;
        if let Some(at) = waiting.done {
            return Err(OrderError::Done { order: digest.hex(), at });
        }
        if waiting.signatures.iter().any(|signed| signed.officer == officer) {
            return Err(OrderError::Twice { officer: officer.to_owned(), order: digest.hex() });
        }
        let bytes = unhex(signature).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| OrderError::Form(officer.to_owned()))?;
        let wrong = |error| OrderError::Signature { officer: officer.to_owned(), error };
        waiting.order.verify(key, network, &bytes).map_err(wrong)?;
        let signature = Signature { officer: officer.to_owned(), key: key.to_string(), signature: hex(&bytes), at };
        Ok(DeskRow::Signed { order: *digest, signature })
    }

    /// What an order that enough officers signed comes to. What was settled since it was drawn up stays as it is.
    pub fn carry_out(&self, digest: &Digest, at: Millis) -> Vec<DeskRow> {
        let Some(waiting) = self.orders.get(digest).filter(|waiting| waiting.is_signed() && waiting.done.is_none())
        else {
            return Vec::new();
        };
        let order = &waiting.order;
        let state = match order.act {
            Act::Confirm => State::Confirmed,
            Act::Seize => State::Seized,
            Act::Dismiss => State::Dismissed,
            Act::Undo => State::Reversed,
        };
        let settles = |proposal: &&Proposal| {
            proposal.is_open() || (order.act == Act::Seize && proposal.state() == State::Confirmed)
        };
        let meant = order.roots.iter().filter_map(|root| self.proposals.get(root)).filter(settles);
        let mut rows: Vec<DeskRow> = meant
            .map(|proposal| {
                let settled = Settled { state, at, order: Some(*digest) };
                DeskRow::Settled { root: proposal.root, settled }
            })
            .collect();
        if let Some(source) = &order.source {
            let lowered = self.resting(source).lowered;
            rows.extend(lowered.into_iter().map(|lowered| DeskRow::Proposed(Box::new(lowered))));
            rows.push(DeskRow::Aside(source.clone()));
        }
        rows.push(DeskRow::Done { order: *digest, at });
        rows
    }

    /// What rests on a source, by records in order.
    pub fn resting(&self, source: &Source) -> Resting<'_> {
        let rules = match source {
            Source::Indicator(..) => Cow::Borrowed(&self.rules),
            Source::Rule(rule) => {
                let mut rules = self.rules.clone();
                rules.rules.retain(|known| known.id != *rule);
                Cow::Owned(rules)
            }
        };
        let mut resting = Resting::default();
        for proposal in self.proposals.values().filter(|proposal| proposal.names(source)) {
            if !proposal.is_open() && !proposal.is_carried_out() {
                continue;
            }
            match (proposal.is_open(), without(proposal, source, &rules)) {
                (true, Some(lowered)) => resting.lowered.push(lowered),
                (true, None) => resting.alone.push(proposal),
                (false, Some(_)) => {}
                (false, None) => resting.carried_out.push(proposal),
            }
        }
        resting.alone.sort_unstable_by_key(|proposal| proposal.root);
        resting.lowered.sort_unstable_by_key(|proposal| proposal.root);
        resting.carried_out.sort_unstable_by_key(|proposal| proposal.root);
        resting
    }
}

/// What would be proposed about the same record without a source, by rules without it; nothing where it rests on that alone.
fn without(proposal: &Proposal, source: &Source, rules: &ScreeningRules) -> Option<Proposal> {
    let mut lowered = proposal.clone();
    if let Source::Indicator(issuer, id) = source {
        lowered.grounds = grounds_without(&proposal.grounds, issuer, id);
    }
    // What is not told of its grounds is not known to hold it up, and not known not to: officers look at it one by one.
    if proposal.more > 0 {
        return Some(lowered);
    }
    let assessed = rules.assess_grounds(&lowered.grounds, &lowered.benefits, proposal.at.day());
    let (propose, rule) = assessed.proposal?;
    (lowered.propose, lowered.rule, lowered.score) = (propose, rule.id.clone(), assessed.score);
    lowered.eased_by = assessed.eased_by;
    Some(lowered)
}

/// Grounds without an indicator. What it alone brought together stands for itself then.
fn grounds_without(grounds: &[Ground], issuer: &MemberId, id: &IndicatorId) -> Vec<Ground> {
    let (gone, mut left): (Vec<Ground>, Vec<Ground>) =
        grounds.iter().cloned().partition(|ground| ground.is(issuer, id));
    for ground in &mut left {
        ground.merged.retain(|merged| !merged.is(issuer, id));
    }
    for merged in gone.into_iter().flat_map(|ground| ground.merged) {
        let is = |ground: &Ground| ground.is(&merged.issuer, &merged.id);
        if !left.iter().any(|ground| is(ground) || ground.merged.iter().any(is)) {
            left.push(merged);
        }
    }
    left.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| (&a.issuer, &a.id).cmp(&(&b.issuer, &b.id))));
    left
}
