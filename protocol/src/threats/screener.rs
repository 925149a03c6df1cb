//! All indicators that a member holds, and which of them a record meets.
//!
//! In: versions, withdrawals, supersession, expiry, how often an indicator was right; what coordinators bring together and how they grade
//! it; what was undone here. Who coordinates the caller says, from the charter in force. Not in: what follows from hits (`rules`).

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::index::Index;
use super::indicator::{Indicator, IndicatorId, Merged};
use super::sought::Reason;
use super::subject::Subject;
use crate::limits::{MAX_INDICATOR_DAYS, MAX_INDICATORS_OF_ISSUER, MAX_LIVE_INDICATORS};
use crate::names::MemberId;
use crate::time::Millis;

/// Inspections that an issuer's own confidence counts as, so that a few results do not outweigh it and many do.
const PRIOR: u64 = 10;
/// Parts of a whole in scores.
pub const MILLION: u64 = 1_000_000;
/// Indicators of others that those of all coordinators bring together, each as often as it is named.
const MAX_MERGED_HELD: usize = MAX_LIVE_INDICATORS;
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
    /// There is no room for what it brings together.
    #[error("coordinators name {MAX_MERGED_HELD} indicators of others already\nhint: wait until some of theirs expire")]
    Merges,
}

/// What became of an indicator that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is new, or a newer version, and counts.
    Live,
    /// Nothing is screened by it: it is taken back by its issuer, another has its place, or it looks for nothing.
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
    /// Of indicators that the record meets too and that this one brings together, with the scores that they have of their own. They are no
    /// hits beside it.
    pub merged: Vec<Hit<'s>>,
}

/// An indicator that is held and that a coordinator's brings together with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graded<'s> {
    /// The indicator.
    pub indicator: &'s Indicator,
    /// The coordinator's.
    pub by: &'s Indicator,
    /// What is said of it there.
    pub merged: &'s Merged,
    /// Whether it is muted: the highest grade of it is 0.
    pub muted: bool,
}

/// Indicators of all issuers.
#[derive(Debug, Default)]
pub struct Screener {
    held: Vec<Held>,
    by_id: HashMap<Key, u32>,
    of_issuer: HashMap<MemberId, usize>,
    superseded: HashSet<Key>,
    /// What was undone here, in whatever version.
    aside: HashSet<Key>,
    /// Places of indicators by what they bring together; those that do so no more stay until all is put in order.
    mergers: HashMap<Key, Vec<u32>>,
    /// How many places these are.
    named: usize,
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
    /// Whether it brings others together: the newest version of a coordinator's that is not taken back. It may look for nothing itself.
    merges: bool,
    /// Whether it was undone here: it hits, merges and grades nothing.
    aside: bool,
    measured: Measured,
}

impl Screener {
    /// Takes an indicator or a newer version of one. A withdrawal stays known, so that no older version comes back; so does what is
    /// superseded, which only its own issuer can do.
    ///
    /// # Errors
    /// [`ScreenerError`] where there is no room.
    pub fn take(&mut self, indicator: Indicator) -> Result<Taken, ScreenerError> {
        self.take_from(indicator, false)
    }

    /// The same of an issuer whom the charter in force names as coordinator, or does not: only a coordinator's indicators merge and grade
    /// those of others. Somebody else's are indicators as any other, whatever they say of those.
    ///
    /// # Errors
    /// [`ScreenerError`] where there is no room.
    pub fn take_from(&mut self, indicator: Indicator, is_coordinator: bool) -> Result<Taken, ScreenerError> {
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
        self.room_to_merge(&indicator)?;
        // Which may have put all in order.
        let known = self.by_id.get(&key).copied();
        if let Some(replaced) = &indicator.supersedes {
            let replaced = (indicator.issuer.clone(), replaced.clone());
            // One that names itself says nothing.
            if replaced != key {
                self.gone += usize::from(self.end(&replaced));
                self.superseded.insert(replaced);
            }
        }
        let stands = !indicator.withdrawn && !self.superseded.contains(&key);
        let live = stands && indicator.hidden.is_empty() && !indicator.sought.is_empty();
        let merges = stands && is_coordinator && !indicator.merged.is_empty();
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
        let aside = self.aside.contains(&key);
        self.held.push(Held { indicator, live, merges, aside, measured });
        self.note_mergers(at);
        self.by_id.insert(key, at);
        self.settle();
        Ok(if live || merges { Taken::Live } else { Taken::Gone })
    }

    /// Another charter is in force: only whoever coordinates under it merges and grades. Gives the indicators that do so from now on and did
    /// not before.
    pub fn coordinate(&mut self, is_coordinator: impl Fn(&MemberId) -> bool) -> Vec<Indicator> {
        let mut begin = Vec::new();
        for (key, at) in &self.by_id {
            let held = &mut self.held[*at as usize];
            let stands = !held.indicator.withdrawn && !self.superseded.contains(key);
            let merges = stands && !held.indicator.merged.is_empty() && is_coordinator(&key.0);
            if merges && !held.merges {
                begin.push(held.indicator.clone());
            }
            held.merges = merges;
        }
        begin
    }

    /// An indicator is undone here: no version of it hits, merges or grades any more. It need not be held yet.
    pub fn put_aside(&mut self, issuer: MemberId, id: IndicatorId) {
        let key = (issuer, id);
        if let Some(at) = self.by_id.get(&key) {
            self.held[*at as usize].aside = true;
        }
        self.aside.insert(key);
    }

    /// Whether an indicator is undone here.
    pub fn is_aside(&self, issuer: &MemberId, id: &IndicatorId) -> bool {
        self.aside.contains(&(issuer.clone(), id.clone()))
    }

    /// What coordinators' indicators that hold at a moment bring together, of what is held: how they are graded, and which are muted. In no
    /// order.
    pub fn graded(&self, at: Millis) -> impl Iterator<Item = Graded<'_>> {
        self.mergers.keys().flat_map(move |(issuer, id)| self.grades(issuer, id, at))
    }

    /// The same of one indicator.
    pub fn grades(&self, issuer: &MemberId, id: &IndicatorId, at: Millis) -> impl Iterator<Item = Graded<'_>> {
        let key = (issuer.clone(), id.clone());
        let held = self.by_id.get(&key).map(|at| &self.held[*at as usize]);
        let held = held.filter(|held| held.live && !held.aside && held.indicator.holds(at) && !held.brings(at));
        let muted = held.and_then(|held| self.grade(held, at)) == Some(0);
        let places = self.mergers.get(&key).filter(|_| held.is_some()).into_iter().flatten();
        places.filter_map(move |place| {
            let (indicator, by) = (&held?.indicator, &self.held[*place as usize]);
            let merged = by.brings(at).then(|| by.merged(indicator)).flatten()?;
            Some(Graded { indicator, by: &by.indicator, merged, muted })
        })
    }

    /// Forgets what does not hold any more at a moment. Withdrawals and what is superseded stay as long again as an older version, which
    /// may still come, could hold.
    pub fn expire(&mut self, at: Millis) -> usize {
        let known = self.by_id.len();
        let stays = |held: &Held| {
            let until = held.indicator.valid_until;
            if held.live || held.merges { until > at } else { until.plus_days(MAX_INDICATOR_DAYS) > at }
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
        let held = candidates.into_iter().map(|place| &self.held[place as usize]);
        self.told(held.filter_map(|held| Some((held, held.meet(subject, at, || self.grade(held, at))?))), at)
    }

    /// Whether a record meets any.
    pub fn meets(&self, subject: &Subject<'_>, at: Millis) -> bool {
        let mut candidates = Vec::new();
        self.index.candidates(subject, &mut candidates);
        candidates
            .into_iter()
            .map(|place| &self.held[place as usize])
            .any(|held| held.meet(subject, at, || self.grade(held, at)).is_some())
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
        let graded = |of: &Held| {
            let mergers = self.held.iter().filter(|held| held.brings(at) && !of.brings(at));
            mergers.filter_map(|held| held.merged(&of.indicator)?.grade).max()
        };
        self.told(self.held.iter().filter_map(|held| Some((held, held.meet(subject, at, || graded(held))?))), at)
    }

    /// Hits, of which those that a coordinator's hit brings together stand below it; the likeliest first, equal ones by their names.
    fn told<'s>(&self, met: impl Iterator<Item = (&'s Held, Hit<'s>)>, at: Millis) -> Vec<Hit<'s>> {
        let (mut merging, mut alone): (Vec<_>, Vec<_>) = met.partition(|(held, _)| held.brings(at));
        if !merging.is_empty() {
            alone.retain(|(held, hit)| {
                let above = merging.iter_mut().filter(|(by, _)| by.merged(hit.indicator).is_some());
                // Several coordinators may bring it together, and each tells of it.
                let below = above.map(|(_, by)| by.merged.push(held.ungraded(hit))).count();
                below == 0
            });
        }
        let mut hits: Vec<Hit<'s>> = merging.into_iter().chain(alone).map(|(_, hit)| hit).collect();
        hits.iter_mut().for_each(|hit| hit.merged.sort_by(likelier));
        hits.sort_by(likelier);
        hits
    }

    /// How sure coordinators are of an indicator: the surest, so that none mutes what another keeps. What brings others together itself is
    /// graded by nobody, so that no two put each other away.
    fn grade(&self, held: &Held, at: Millis) -> Option<u8> {
        if self.mergers.is_empty() || held.brings(at) {
            return None;
        }
        let key = (held.indicator.issuer.clone(), held.indicator.id.clone());
        let mergers = self.mergers.get(&key)?.iter().map(|place| &self.held[*place as usize]);
        mergers.filter(|by| by.brings(at)).filter_map(|by| by.merged(&held.indicator)?.grade).max()
    }

    /// Notes what the indicator at a place brings together.
    fn note_mergers(&mut self, place: u32) {
        let indicator = &self.held[place as usize].indicator;
        for merged in indicator.merged.iter().filter(|_| !indicator.withdrawn) {
            self.mergers.entry((merged.issuer.clone(), merged.id.clone())).or_default().push(place);
            self.named += 1;
        }
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

    /// Makes room for what it brings together.
    fn room_to_merge(&mut self, indicator: &Indicator) -> Result<(), ScreenerError> {
        if indicator.merged.is_empty() || indicator.withdrawn {
            return Ok(());
        }
        if self.named + indicator.merged.len() > MAX_MERGED_HELD {
            // What older versions bring together goes.
            self.rebuild(|_| true);
        }
        if self.named + indicator.merged.len() > MAX_MERGED_HELD { Err(ScreenerError::Merges) } else { Ok(()) }
    }

    /// The index leads to it no more, and it brings nothing together; whether it did either.
    fn end(&mut self, key: &Key) -> bool {
        let Some(at) = self.by_id.get(key) else { return false };
        let held = &mut self.held[*at as usize];
        std::mem::take(&mut held.live) | std::mem::take(&mut held.merges)
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
        let aside = std::mem::take(&mut self.aside);
        *self = Self { aside, ..Self::default() };
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
            self.note_mergers(place);
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
    /// Whether a record meets it, and how likely it is right with this grade of a coordinator; nothing meets what is muted.
    fn meet(&self, subject: &Subject<'_>, at: Millis, grade: impl Fn() -> Option<u8>) -> Option<Hit<'_>> {
        if !self.live || self.aside || !self.indicator.holds(at) {
            return None;
        }
        let reasons = self.indicator.sought.met_by(subject)?;
        let sure = match grade() {
            Some(0) => return None,
            grade => grade.unwrap_or(self.indicator.confidence),
        };
        let score = self.score(sure, &reasons);
        Some(Hit { score, indicator: &self.indicator, reasons, merged: Vec::new() })
    }

    /// A hit of it with the score that no coordinator's grade makes.
    fn ungraded<'s>(&self, hit: &Hit<'s>) -> Hit<'s> {
        let score = self.score(self.indicator.confidence, &hit.reasons);
        Hit { score, indicator: hit.indicator, reasons: hit.reasons.clone(), merged: Vec::new() }
    }

    fn score(&self, sure: u8, reasons: &[Reason]) -> u64 {
        let alike = reasons.iter().map(|reason| u64::from(reason.alike)).min().unwrap_or(100);
        self.chance(sure) * alike / 100
    }

    /// Whether it brings others together at a moment.
    fn brings(&self, at: Millis) -> bool {
        self.merges && !self.aside && self.indicator.holds(at)
    }

    /// What it says of another.
    fn merged(&self, other: &Indicator) -> Option<&Merged> {
        self.indicator.merged.iter().find(|merged| (&merged.issuer, &merged.id) == (&other.issuer, &other.id))
    }

    /// What inspections told, with this confidence as if it were some of them.
    fn chance(&self, sure: u8) -> u64 {
        let Measured { inspected, confirmed } = self.measured;
        let prior = u64::from(sure) * PRIOR * (MILLION / 100);
        let told = u128::from(confirmed.min(inspected)) * u128::from(MILLION) + u128::from(prior);
        // At most a MILLION: neither part is more than a whole.
        (told / (u128::from(inspected) + u128::from(PRIOR))) as u64
    }
}

/// Orders hits: the likeliest first, equal ones by their names.
fn likelier(a: &Hit<'_>, b: &Hit<'_>) -> Ordering {
    let name =
        |indicator: &Indicator, other: &Indicator| (&indicator.issuer, &indicator.id).cmp(&(&other.issuer, &other.id));
    b.score.cmp(&a.score).then_with(|| name(a.indicator, b.indicator))
}
