//! All indicators that a member holds, and which of them a record meets.
//!
//! In: versions, withdrawals, supersession, expiry, how often an indicator was right. Not in: what follows from hits (`rules`).

use std::collections::{HashMap, HashSet};

use super::index::Index;
use super::indicator::{Indicator, IndicatorId};
use super::sought::Reason;
use super::subject::Subject;
use crate::limits::{MAX_INDICATOR_DAYS, MAX_INDICATORS_OF_ISSUER, MAX_LIVE_INDICATORS};
use crate::names::MemberId;
use crate::time::Millis;

/// Inspections that an issuer's own confidence counts as, so that a few results do not outweigh it and many do.
const PRIOR: u64 = 10;
/// Parts of a whole in scores.
pub const MILLION: u64 = 1_000_000;
/// Places that nothing leads to, from which all is put in order once they are more than half.
const MIN_GONE: usize = 1_024;

/// Why an indicator was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScreenerError {
    /// There is no room.
    #[error(
        "{of} holds {limit} indicators already\nhint: withdraw those that are of no more use, or wait until they expire"
    )]
    Full {
        /// Who has so many.
        of: String,
        /// How many are the most.
        limit: usize,
    },
}

/// What became of an indicator that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is new, or a newer version.
    Live,
    /// It is taken back by its issuer, or its place is taken by another.
    Gone,
    /// A version as new or newer is known.
    Known,
}

/// How often an indicator was right, as far as inspections told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measured {
    /// Inspections of what it hit.
    pub inspected: u64,
    /// Those that found something.
    pub confirmed: u64,
}

/// An indicator that a record meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit<'s> {
    /// The indicator.
    pub indicator: &'s Indicator,
    /// How likely it is right, in parts of a [`MILLION`].
    pub score: u64,
    /// What met it, group by group.
    pub reasons: Vec<Reason>,
}

/// Indicators of all issuers.
#[derive(Debug, Default)]
pub struct Screener {
    held: Vec<Held>,
    by_id: HashMap<Key, u32>,
    of_issuer: HashMap<MemberId, usize>,
    superseded: HashSet<Key>,
    index: Index,
    /// Places that nothing leads to any more, in the index or among the versions.
    gone: usize,
}

type Key = (MemberId, IndicatorId);

#[derive(Debug)]
struct Held {
    indicator: Indicator,
    /// Whether the index leads to it; what it does not lead to any more stays, so that older versions are known as such.
    live: bool,
    measured: Measured,
}

impl Screener {
    /// Takes an indicator or a newer version of one. A withdrawal stays known, so that no older version comes back; so does what is
    /// superseded, which only its own issuer can do.
    ///
    /// # Errors
    /// [`ScreenerError::Full`].
    pub fn take(&mut self, indicator: Indicator) -> Result<Taken, ScreenerError> {
        let key = (indicator.issuer.clone(), indicator.id.clone());
        let known = self.by_id.get(&key).copied();
        if let Some(at) = known {
            let before = &self.held[at as usize].indicator;
            if (indicator.revision, indicator.made_at) <= (before.revision, before.made_at) {
                return Ok(Taken::Known);
            }
        } else {
            self.room(&indicator.issuer)?;
        }
        if let Some(replaced) = &indicator.supersedes {
            let replaced = (indicator.issuer.clone(), replaced.clone());
            // One that names itself says nothing.
            if replaced != key {
                self.gone += usize::from(self.end(&replaced));
                self.superseded.insert(replaced);
            }
        }
        let live = !indicator.withdrawn
            && indicator.hidden.is_empty()
            && !indicator.sought.is_empty()
            && !self.superseded.contains(&key);
        let at = self.held.len() as u32; // below twice MAX_LIVE_INDICATORS, see `room` and `settle`
        let measured = known.map(|at| self.held[at as usize].measured).unwrap_or_default();
        self.end(&key);
        if live {
            self.index.add(at, &indicator.sought);
        }
        match known {
            // Its older version stays in its place until all are put in order.
            Some(_) => self.gone += 1,
            None => *self.of_issuer.entry(indicator.issuer.clone()).or_default() += 1,
        }
        self.held.push(Held { indicator, live, measured });
        self.by_id.insert(key, at);
        self.settle();
        Ok(if live { Taken::Live } else { Taken::Gone })
    }

    /// Forgets what does not hold any more at a moment. Withdrawals and what is superseded stay as long again as an older version, which
    /// may still come, could hold.
    pub fn expire(&mut self, at: Millis) -> usize {
        let known = self.by_id.len();
        let stays = |held: &Held| {
            let until = held.indicator.valid_until;
            if held.live { until > at } else { until.plus_days(MAX_INDICATOR_DAYS) > at }
        };
        // To make the index anew takes long; mostly nothing has ended.
        if self.held.iter().all(stays) {
            return 0;
        }
        self.rebuild(stays);
        known - self.by_id.len()
    }

    /// How often an indicator was right is told.
    pub fn measure(&mut self, issuer: &MemberId, id: &IndicatorId, measured: Measured) {
        if let Some(at) = self.by_id.get(&(issuer.clone(), id.clone())) {
            self.held[*at as usize].measured = measured;
        }
    }

    /// The newest version of an indicator, be it live or not.
    pub fn get(&self, issuer: &MemberId, id: &IndicatorId) -> Option<&Indicator> {
        let at = self.by_id.get(&(issuer.clone(), id.clone()))?;
        Some(&self.held[*at as usize].indicator)
    }

    /// Those that hold at a moment.
    pub fn live(&self, at: Millis) -> impl Iterator<Item = &Indicator> {
        self.held.iter().filter(move |held| held.live && held.indicator.holds(at)).map(|held| &held.indicator)
    }

    /// The indicators that a record meets at a moment, the likeliest first.
    pub fn screen(&self, subject: &Subject<'_>, at: Millis) -> Vec<Hit<'_>> {
        let mut candidates = Vec::new();
        self.index.candidates(subject, &mut candidates);
        ranked(candidates.into_iter().filter_map(|place| self.held[place as usize].meet(subject, at)))
    }

    /// Whether a record meets any.
    pub fn meets(&self, subject: &Subject<'_>, at: Millis) -> bool {
        let mut candidates = Vec::new();
        self.index.candidates(subject, &mut candidates);
        candidates.into_iter().any(|place| self.held[place as usize].meet(subject, at).is_some())
    }

    /// Whether none is held, not even one that was withdrawn.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The newest version of each, be it live or not.
    pub fn all(&self) -> impl Iterator<Item = &Indicator> {
        self.by_id.values().map(|at| &self.held[*at as usize].indicator)
    }

    /// Whether another of its issuer's took its place.
    pub fn is_superseded(&self, indicator: &Indicator) -> bool {
        self.superseded.contains(&(indicator.issuer.clone(), indicator.id.clone()))
    }

    /// The same, by comparing with each.
    #[cfg(test)]
    pub(super) fn screen_all(&self, subject: &Subject<'_>, at: Millis) -> Vec<Hit<'_>> {
        ranked(self.held.iter().filter_map(|held| held.meet(subject, at)))
    }

    fn room(&self, issuer: &MemberId) -> Result<(), ScreenerError> {
        let full = |of: String, limit| Err(ScreenerError::Full { of, limit });
        if self.of_issuer.get(issuer).is_some_and(|count| *count >= MAX_INDICATORS_OF_ISSUER) {
            return full(issuer.to_string(), MAX_INDICATORS_OF_ISSUER);
        }
        if self.by_id.len() >= MAX_LIVE_INDICATORS {
            return full("this node".to_owned(), MAX_LIVE_INDICATORS);
        }
        Ok(())
    }

    /// The index leads to it no more; whether it did.
    fn end(&mut self, key: &Key) -> bool {
        let at = self.by_id.get(key);
        at.is_some_and(|at| std::mem::take(&mut self.held[*at as usize].live))
    }

    fn settle(&mut self) {
        if self.gone > MIN_GONE.max(self.held.len() / 2) {
            self.rebuild(|_| true);
        }
    }

    /// Makes the index anew, of the newest versions of those that stay.
    fn rebuild(&mut self, stays: impl Fn(&Held) -> bool) {
        let newest: HashSet<u32> = self.by_id.values().copied().collect();
        let held = std::mem::take(&mut self.held);
        let superseded = std::mem::take(&mut self.superseded);
        *self = Self::default();
        for (at, one) in held.into_iter().enumerate() {
            if !newest.contains(&(at as u32)) || !stays(&one) {
                continue;
            }
            let (place, key) = (self.held.len() as u32, (one.indicator.issuer.clone(), one.indicator.id.clone()));
            if one.live {
                self.index.add(place, &one.indicator.sought);
            }
            *self.of_issuer.entry(one.indicator.issuer.clone()).or_default() += 1;
            self.by_id.insert(key, place);
            self.held.push(one);
        }
        // What is superseded stays so while that which says so is held, or it is held itself.
        let named: HashSet<Key> = self
            .held
            .iter()
            .filter_map(|held| Some((held.indicator.issuer.clone(), held.indicator.supersedes.clone()?)))
            .collect();
        self.superseded =
            superseded.into_iter().filter(|key| named.contains(key) || self.by_id.contains_key(key)).collect();
    }
}

impl Held {
    fn meet(&self, subject: &Subject<'_>, at: Millis) -> Option<Hit<'_>> {
        if !self.live || !self.indicator.holds(at) {
            return None;
        }
        let reasons = self.indicator.sought.met_by(subject)?;
        let alike = reasons.iter().map(|reason| u64::from(reason.alike)).min().unwrap_or(100);
        Some(Hit { score: self.chance() * alike / 100, indicator: &self.indicator, reasons })
    }

    /// What inspections told, with the issuer's confidence as if it were some of them.
    fn chance(&self) -> u64 {
        let Measured { inspected, confirmed } = self.measured;
        let prior = u64::from(self.indicator.confidence) * PRIOR * (MILLION / 100);
        let told = u128::from(confirmed.min(inspected)) * u128::from(MILLION) + u128::from(prior);
        // At most a MILLION: neither part is more than a whole.
        (told / (u128::from(inspected) + u128::from(PRIOR))) as u64
    }
}

/// The likeliest first, equal ones by their names.
fn ranked<'s>(hits: impl Iterator<Item = Hit<'s>>) -> Vec<Hit<'s>> {
    let mut hits: Vec<Hit<'s>> = hits.collect();
    let name = |hit: &Hit<'s>| (&hit.indicator.issuer, &hit.indicator.id);
    hits.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| name(a).cmp(&name(b))));
    hits
}
