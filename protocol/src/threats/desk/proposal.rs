//! A proposal: which record, what is proposed, on which grounds, and what became of it. No content of the record stands in it, so nothing
//! of it has to be erased with the record.

use serde::{Deserialize, Serialize};

use super::order::Source;
use crate::document::Benefit;
use crate::hash::Digest;
use crate::limits::MAX_GROUNDS;
use crate::names::{MemberId, words};
use crate::threats::{Advice, Hit, IndicatorId, Reason, Threat};
use crate::time::Millis;

/// An indicator that the record met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// Who issued it.
    pub issuer: MemberId,
    /// Its identifier.
    pub id: IndicatorId,
    /// What it warns of.
    pub threat: Threat,
    /// What its issuer advises.
    pub advice: Advice,
    /// How likely it is right, in parts of a million.
    pub score: u64,
    /// What met it.
    pub reasons: Vec<Reason>,
    /// What a coordinator's brings together here: indicators of others that the record meets too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<Ground>,
}

impl Ground {
    /// What is kept of a hit.
    pub fn of(hit: &Hit<'_>) -> Self {
        Self {
            issuer: hit.indicator.issuer.clone(),
            id: hit.indicator.id.clone(),
            threat: hit.indicator.threat,
            advice: hit.indicator.advice,
            score: hit.score,
            reasons: hit.reasons.clone(),
            merged: hit.merged.iter().take(MAX_GROUNDS).map(Self::of).collect(),
        }
    }

    /// Whether it is this indicator.
    pub fn is(&self, issuer: &MemberId, id: &IndicatorId) -> bool {
        self.id == *id && self.issuer == *issuer
    }
}

words!(
    /// What became of a proposal.
    State, "state of a proposal", {
        /// Nobody decided.
        Open = "open";
        /// Officers followed it.
        Confirmed = "confirmed";
        /// The goods are seized.
        Seized = "seized";
        /// An officer did not follow it.
        Dismissed = "dismissed";
        /// What it rested on was undone.
        Reversed = "reversed";
        /// A correction of the record took its place.
        Superseded = "superseded";
    }
);

words!(
    /// What an inspection found.
    Found, "outcome", {
        /// What was looked for, or something else.
        Something = "confirmed";
        /// Nothing.
        Nothing = "nothing_found";
    }
);

/// How a proposal was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// What became of it.
    pub state: State,
    /// When.
    pub at: Millis,
    /// The order that did it; none where a correction did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Digest>,
}

/// What is proposed about a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The record.
    pub root: Digest,
    /// The entry of the log under which it came.
    pub entry: u64,
    /// Its place there.
    pub place: usize,
    /// Since when it is proposed.
    pub at: Millis,
    /// When the goods leave, where the record tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub departs: Option<Millis>,
    /// What is proposed.
    pub propose: Advice,
    /// The rule that says so.
    pub rule: String,
    /// How likely there is something, in parts of a million.
    pub score: u64,
    /// Benefits of a recognised trader that made the score less.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eased_by: Vec<Benefit>,
    /// Every benefit that the trader had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub benefits: Vec<Benefit>,
    /// What it rests on, the likeliest first.
    pub grounds: Vec<Ground>,
    /// Grounds that are not told; such a proposal rests on no single indicator.
    #[serde(default)]
    pub more: usize,
    /// How it was settled; nothing while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
    /// What an inspection found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
}

impl Proposal {
    /// What became of it.
    pub fn state(&self) -> State {
        self.settled.as_ref().map_or(State::Open, |settled| settled.state)
    }

    /// Whether nobody decided yet.
    pub fn is_open(&self) -> bool {
        self.settled.is_none()
    }

    /// Whether officers acted on it.
    pub fn is_carried_out(&self) -> bool {
        matches!(self.state(), State::Confirmed | State::Seized)
    }

    /// Every indicator that the record meets, as far as they are told; what a coordinator's brings together once.
    pub fn indicators(&self) -> Vec<&Ground> {
        let mut all: Vec<&Ground> = self.grounds.iter().collect();
        for merged in self.grounds.iter().flat_map(|ground| &ground.merged) {
            if !all.iter().any(|known| known.is(&merged.issuer, &merged.id)) {
                all.push(merged);
            }
        }
        all
    }

    /// Whether it names a source among its grounds, or what these bring together.
    pub fn names(&self, source: &Source) -> bool {
        match source {
            Source::Indicator(issuer, id) => {
                let is = |ground: &Ground| ground.is(issuer, id);
                self.grounds.iter().any(|ground| is(ground) || ground.merged.iter().any(is))
            }
            Source::Rule(rule) => self.rule == *rule,
        }
    }
}
