//! Figures over a desk: what each rule and indicator proposed, and how often it was right; and what others saw of own indicators.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::Desk;
use super::proposal::{Found, Proposal, State};
use crate::names::{MemberId, words};
use crate::threats::{IndicatorId, Measured};

words!(
    /// What a sighting tells.
    Outcome, "outcome of a sighting", {
        /// It hit.
        Seen = "seen";
        /// It hit, and was right.
        Confirmed = "confirmed";
        /// It hit, and nothing was found.
        Nothing = "nothing_found";
        /// It hit what it should not.
        FalsePositive = "false_positive";
    }
);

/// What one member saw of an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sighted {
    /// Hits.
    pub seen: u64,
    /// Hits that were right.
    pub confirmed: u64,
    /// Inspections that found nothing.
    pub nothing_found: u64,
    /// Hits that should not have been.
    pub false_positive: u64,
}

impl Sighted {
    /// Hits of which somebody knows whether they were right.
    pub fn inspected(&self) -> u64 {
        self.confirmed.saturating_add(self.nothing_found).saturating_add(self.false_positive)
    }

    fn add(&mut self, outcome: Outcome, count: u64) {
        let place = match outcome {
            Outcome::Seen => &mut self.seen,
            Outcome::Confirmed => &mut self.confirmed,
            Outcome::Nothing => &mut self.nothing_found,
            Outcome::FalsePositive => &mut self.false_positive,
        };
        *place = place.saturating_add(count);
    }
}

/// What became of the proposals of one rule, or of those that name one indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// All of them.
    pub proposed: u64,
    /// Those that nobody decided on.
    pub open: u64,
    /// That officers followed.
    pub confirmed: u64,
    /// Whose goods are seized.
    pub seized: u64,
    /// That an officer did not follow.
    pub dismissed: u64,
    /// That were undone.
    pub reversed: u64,
    /// Whose goods were inspected.
    pub inspected: u64,
    /// In which the inspection found something.
    pub found: u64,
}

impl Figures {
    fn add(&mut self, proposal: &Proposal) {
        self.proposed += 1;
        match proposal.state() {
            State::Open => self.open += 1,
            State::Confirmed => self.confirmed += 1,
            State::Seized => self.seized += 1,
            State::Dismissed => self.dismissed += 1,
            State::Reversed => self.reversed += 1,
            State::Superseded => {}
        }
        self.inspected += u64::from(proposal.found.is_some());
        self.found += u64::from(proposal.found == Some(Found::Something));
    }
}

impl Desk {
    /// Somebody saw an indicator hit.
    pub fn sight(&mut self, by: &MemberId, issuer: &MemberId, id: &IndicatorId, outcome: Outcome, count: u64) {
        let key = (issuer.clone(), id.clone());
        self.sighted.entry(key.clone()).or_default().entry(by.clone()).or_default().add(outcome, count);
        self.measure(&key);
    }

    /// What others saw of an indicator.
    pub fn sightings(&self, issuer: &MemberId, id: &IndicatorId) -> impl Iterator<Item = (&MemberId, &Sighted)> {
        self.sighted.get(&(issuer.clone(), id.clone())).into_iter().flatten()
    }

    /// How often it was right.
    pub fn how_often(&self, issuer: &MemberId, id: &IndicatorId) -> Measured {
        self.measured(&(issuer.clone(), id.clone()))
    }

    /// What became of the proposals of each rule.
    pub fn of_rules(&self) -> BTreeMap<&str, Figures> {
        let mut all: BTreeMap<&str, Figures> = BTreeMap::new();
        for proposal in self.proposals.values() {
            all.entry(&proposal.rule).or_default().add(proposal);
        }
        all
    }

    /// What became of the proposals that name each indicator.
    pub fn of_indicators(&self) -> HashMap<(&MemberId, &IndicatorId), Figures> {
        let mut all: HashMap<_, Figures> = HashMap::new();
        for proposal in self.proposals.values() {
            for ground in proposal.indicators() {
                all.entry((&ground.issuer, &ground.id)).or_default().add(proposal);
            }
        }
        all
    }
}
