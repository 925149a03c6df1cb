//! The desk of screening: what is proposed about which records, what officers decided, and how a mistake is undone.
//!
//! | file | what |
//! |---|---|
//! | `proposal` | what is proposed about one record, and what became of it |
//! | `order` | what officers sign |
//! | `row` | what happened, row by row: whoever applies all rows again has the same desk |
//! | `forget` | what is over goes after a while |
//! | `decide` | orders: drawn up, signed, carried out |
//! | `told` | figures over all of it |
//!
//! Whatever changes it is a [`DeskRow`] that is kept first and applied then, so that a restart comes to the same. Not here: reading
//! records, keeping rows, sending what was decided (node).

mod decide;
mod forget;
mod order;
mod proposal;
mod row;
mod told;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub use decide::{Drawn, OrderError, Resting, Signature, Waiting};
pub use order::{Act, Order, Source};
pub use proposal::{Found, Ground, Proposal, Settled, State};
pub use row::DeskRow;
pub use told::{Figures, Outcome, Sighted};

use super::{Advice, Hit, Indicator, IndicatorId, Measured, Screener, ScreenerError, ScreeningRules, Subject, Taken};
use crate::document::Benefit;
use crate::hash::Digest;
use crate::limits::{MAX_GROUNDS, MAX_PROPOSALS};
use crate::names::MemberId;
use crate::time::Millis;

/// How many officers what needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Proposals that two officers must confirm.
    pub two_for: Vec<Advice>,
    /// Orders about so many records or more need two officers, whatever they order.
    pub mass_from: usize,
}

/// Which record is screened.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The record.
    pub root: Digest,
    /// The entry under which it came, and its place there.
    pub came: (u64, usize),
    /// The record that it corrects.
    pub supersedes: Option<Digest>,
    /// When the goods leave.
    pub departs: Option<Millis>,
}

/// What is proposed and decided at a node.
#[derive(Debug)]
pub struct Desk {
    rules: ScreeningRules,
    policy: Policy,
    screener: Screener,
    proposals: HashMap<Digest, Proposal>,
    by_place: HashMap<(u64, usize), Digest>,
    /// Open ones: the least time left first, then the highest score.
    queue: BTreeSet<Queued>,
    orders: BTreeMap<Digest, Waiting>,
    /// Rules that were undone here; of indicators the screener knows.
    undone: HashSet<String>,
    outcomes: HashMap<(MemberId, IndicatorId), Measured>,
    sighted: BTreeMap<(MemberId, IndicatorId), BTreeMap<MemberId, Sighted>>,
    /// Records for which there was no room.
    left_out: u64,
}

type Queued = (Millis, u64, Digest);

impl Desk {
    /// An empty desk.
    pub fn new(rules: ScreeningRules, policy: Policy) -> Self {
        Self {
            rules,
            policy,
            screener: Screener::default(),
            proposals: HashMap::new(),
            by_place: HashMap::new(),
            queue: BTreeSet::new(),
            orders: BTreeMap::new(),
            undone: HashSet::new(),
            outcomes: HashMap::new(),
            sighted: BTreeMap::new(),
            left_out: 0,
        }
    }

    /// Takes an indicator or a version of one, of an issuer whom the charter in force names as coordinator or not.
    ///
    /// # Errors
    /// [`ScreenerError`] where there is no room.
    pub fn take(&mut self, indicator: Indicator, is_coordinator: bool) -> Result<Taken, ScreenerError> {
        let key = (indicator.issuer.clone(), indicator.id.clone());
        let taken = self.screener.take_from(indicator, is_coordinator)?;
        self.measure(&key);
        Ok(taken)
    }

    /// Another charter is in force, which names these coordinators; see [`Screener::coordinate`].
    pub fn coordinate(&mut self, is_coordinator: impl Fn(&MemberId) -> bool) -> Vec<Indicator> {
        self.screener.coordinate(is_coordinator)
    }

    /// Forgets indicators that hold no more.
    pub fn expire(&mut self, at: Millis) -> usize {
        self.screener.expire(at)
    }

    /// The indicators.
    pub fn screener(&self) -> &Screener {
        &self.screener
    }

    /// The rules, without those that were undone.
    pub fn rules(&self) -> &ScreeningRules {
        &self.rules
    }

    /// How many officers what needs.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The indicators that a record meets at a moment, without those that were undone here.
    pub fn hits(&self, subject: &Subject<'_>, at: Millis) -> Vec<Hit<'_>> {
        self.screener.screen(subject, at)
    }

    /// What a record comes to at a moment: rows to keep and apply. `benefits` is asked only where an indicator hits.
    pub fn screen(
        &self,
        subject: &Subject<'_>,
        about: About,
        benefits: impl FnOnce() -> Vec<Benefit>,
        at: Millis,
    ) -> Vec<DeskRow> {
        let mut rows = Vec::new();
        let corrected = about.supersedes.and_then(|root| self.proposals.get(&root));
        if let Some(corrected) = corrected.filter(|proposal| proposal.is_open()) {
            let settled = Settled { state: State::Superseded, at, order: None };
            rows.push(DeskRow::Settled { root: corrected.root, settled });
        }
        let hits = self.hits(subject, at);
        if hits.is_empty() {
            return rows;
        }
        let benefits = benefits();
        let assessed = self.rules.assess(&hits, &benefits, at.day());
        let Some((propose, rule)) = assessed.proposal else { return rows };
        let known = self.proposals.get(&about.root);
        if known.is_none() && self.proposals.len() >= MAX_PROPOSALS {
            rows.push(DeskRow::LeftOut);
            return rows;
        }
        // What was decided stays so, unless it is met by something that nobody knew then.
        let new = |known: &Proposal| {
            let before = known.indicators();
            let met = |hit: &Hit<'_>| before.iter().any(|ground| ground.is(&hit.indicator.issuer, &hit.indicator.id));
            known.is_open() || !hits.iter().all(|hit| met(hit) && hit.merged.iter().all(met))
        };
        if known.is_some_and(|known| !new(known)) {
            return rows;
        }
        let grounds: Vec<Ground> = hits.iter().take(MAX_GROUNDS).map(Ground::of).collect();
        let proposal = Proposal {
            root: about.root,
            entry: about.came.0,
            place: about.came.1,
            at: known.filter(|known| known.is_open()).map_or(at, |known| known.at),
            departs: about.departs,
            propose,
            rule: rule.id.clone(),
            score: assessed.score,
            eased_by: assessed.eased_by,
            benefits,
            more: hits.iter().map(|hit| 1 + hit.merged.len()).sum::<usize>() - told(&grounds),
            grounds,
            settled: None,
            found: known.and_then(|known| known.found),
        };
        if known != Some(&proposal) {
            rows.push(DeskRow::Proposed(Box::new(proposal)));
        }
        rows
    }

    /// The proposal about a record.
    pub fn proposal(&self, root: &Digest) -> Option<&Proposal> {
        self.proposals.get(root)
    }

    /// The proposal about the record at a place of an entry.
    pub fn at_place(&self, entry: u64, place: usize) -> Option<&Proposal> {
        self.proposals.get(self.by_place.get(&(entry, place))?)
    }

    /// Open proposals: those whose goods leave soonest first, then those without a time, then those whose goods have left; of equal ones
    /// the likeliest first.
    pub fn queue(&self, now: Millis) -> impl Iterator<Item = &Proposal> {
        let from = (now, 0, Digest::ZERO);
        let (before, after) = (self.queue.range(..from), self.queue.range(from..));
        after.chain(before).filter_map(|(.., root)| self.proposals.get(root))
    }

    /// All proposals, in no order.
    pub fn proposals(&self) -> impl Iterator<Item = &Proposal> {
        self.proposals.values()
    }

    /// Whether it was undone here.
    pub fn was_undone(&self, source: &Source) -> bool {
        match source {
            Source::Indicator(issuer, id) => self.screener.is_aside(issuer, id),
            Source::Rule(rule) => self.undone.contains(rule),
        }
    }

    /// Records for which there was no room.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// What is known of how often an indicator was right, by own inspections and by what others saw.
    fn measured(&self, key: &(MemberId, IndicatorId)) -> Measured {
        let own = self.outcomes.get(key).copied().unwrap_or_default();
        let seen = self.sighted.get(key).into_iter().flat_map(BTreeMap::values);
        seen.fold(own, |all, seen| Measured {
            inspected: all.inspected.saturating_add(seen.inspected()),
            confirmed: all.confirmed.saturating_add(seen.confirmed),
        })
    }

    fn measure(&mut self, key: &(MemberId, IndicatorId)) {
        self.screener.measure(&key.0, &key.1, self.measured(key));
    }
}

/// How many indicators grounds name, each as often as it stands there.
fn told(grounds: &[Ground]) -> usize {
    grounds.iter().map(|ground| 1 + ground.merged.len()).sum()
}

fn queued(proposal: &Proposal) -> Queued {
    (proposal.departs.unwrap_or(Millis::MAX), u64::MAX - proposal.score, proposal.root)
}

#[cfg(test)]
mod tests;
