//! Attestations as they are held: one line for each issuer, type, programme and number, with what became of it.

use std::collections::BTreeMap;

use super::{NumberKey, Refusal};
use crate::credential::claims::{AeoStanding, Coverage, Mandate};
use crate::credential::{CredentialType, Status};
use crate::hash::Digest;
use crate::keys::KeyId;
use crate::limits::MAX_ATTESTATION_EVENTS;
use crate::names::Territory;
use crate::time::{Day, Millis};

/// Where there is no further line of a number.
const END: u32 = u32::MAX;

/// What of a credential decides, small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Facts {
    Aeo { country: Territory, coverage: Coverage, standing: AeoStanding, since: Day },
    Seller,
    Collect(Mandate),
}

/// A credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) credential: Digest,
    pub(super) key: KeyId,
    pub(super) issued_at: u64,
    pub(super) expires: u64,
    pub(super) list: u32,
    pub(super) index: u64,
    pub(super) facts: Facts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// Issued or renewed, with its status then; boxed, so that the changes of status behind it stay small.
    Issued(Box<Held>, Option<Status>),
    Status(Option<Status>),
    Removed,
}

/// What names a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineName {
    pub(super) number: NumberKey,
    pub(super) issuer: u32,
    pub(super) attestation: CredentialType,
    /// Of an `aeo`; of others the one number.
    pub(super) programme: u32,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: LineName,
    next: u32,
    /// `Issued` first, and after `Removed`; times ascend. Of a place that is free, none.
    events: Vec<(Millis, Event)>,
    cut: bool,
}

/// How a line stood at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct State<'l> {
    pub(super) held: &'l Held,
    pub(super) status: Option<Status>,
    /// Since when the status is known.
    pub(super) since: Millis,
    pub(super) removed: Option<Millis>,
}

impl Line {
    /// How it stood; `None` before it was known.
    pub(super) fn at(&self, at: Millis) -> Result<Option<State<'_>>, Refusal> {
        let mut state: Option<State<'_>> = None;
        for (time, event) in self.events.iter().take_while(|(time, _)| *time <= at) {
            match (event, &mut state) {
                (Event::Issued(held, status), _) => {
                    state = Some(State { held, status: *status, since: *time, removed: None });
                }
                (Event::Status(status), Some(state)) => (state.status, state.since) = (*status, *time),
                (Event::Removed, Some(state)) => state.removed = Some(*time),
                (Event::Status(_) | Event::Removed, None) => {}
            }
        }
        match (&state, self.events.first()) {
            (None, Some((before, _))) if self.cut => Err(Refusal::HistoryCut { before: *before }),
            _ => Ok(state),
        }
    }

    pub(super) fn now(&self) -> Option<State<'_>> {
        self.at(Millis(u64::MAX)).ok().flatten()
    }

    pub(super) fn push(&mut self, known_at: Millis, event: Event) {
        if self.events.len() >= MAX_ATTESTATION_EVENTS {
            self.drop_oldest();
        }
        self.events.push((known_at, event));
    }

    /// Forgets what changed before a time and does not bear on it.
    fn trim(&mut self, before: Millis) {
        let bears = |(time, event): &(Millis, Event)| *time <= before && matches!(event, Event::Issued(..));
        if let Some(first) = self.events.iter().rposition(bears).filter(|first| *first > 0) {
            self.events.drain(..first);
            self.events.shrink_to_fit();
        }
    }

    /// Forgets the first state. What follows keeps the credential that it is about.
    fn drop_oldest(&mut self) {
        self.cut = true;
        let (_, first) = self.events.remove(0);
        if let (Event::Issued(held, _), Some((_, next))) = (first, self.events.first_mut()) {
            match next {
                Event::Status(status) => *next = Event::Issued(held, *status),
                // The credential before a removal is known no longer, so neither is the removal.
                Event::Removed => drop(self.events.remove(0)),
                Event::Issued(..) => {}
            }
        }
    }
}

/// All lines, found by number.
#[derive(Debug, Default)]
pub(super) struct Lines {
    heads: BTreeMap<NumberKey, u32>,
    lines: Vec<Line>,
    free: Vec<u32>,
}

impl Lines {
    pub(super) fn len(&self) -> usize {
        self.lines.len() - self.free.len()
    }

    pub(super) fn get(&self, place: u32) -> Option<&Line> {
        self.lines.get(place as usize)
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Line> {
        self.lines.get_mut(place as usize)
    }

    /// The lines of a number with their places, the newest first.
    pub(super) fn of(&self, number: NumberKey) -> impl Iterator<Item = (u32, &Line)> {
        let mut next = self.heads.get(&number).copied().unwrap_or(END);
        std::iter::from_fn(move || {
            let place = next;
            let line = self.lines.get(place as usize)?;
            next = line.next;
            Some((place, line))
        })
    }

    /// A new line with its first event.
    pub(super) fn add(&mut self, name: LineName, known_at: Millis, first: Event) -> Option<u32> {
        let place =
            self.free.last().copied().or_else(|| u32::try_from(self.lines.len()).ok().filter(|at| *at < END))?;
        let next = self.heads.insert(name.number, place).unwrap_or(END);
        let line = Line { name, next, events: vec![(known_at, first)], cut: false };
        match self.free.pop() {
            Some(_) => {
                if let Some(slot) = self.lines.get_mut(place as usize) {
                    *slot = line;
                }
            }
            None => self.lines.push(line),
        }
        Some(place)
    }

    /// Forgets of every line what bears on no moment from a time on.
    pub(super) fn trim(&mut self, before: Millis) {
        self.lines.iter_mut().for_each(|line| line.trim(before));
    }

    /// The places of lines that are so.
    pub(super) fn places(&self, are: impl Fn(&Line) -> bool) -> Vec<u32> {
        let held = (0..).zip(&self.lines).filter(|(_, line)| !line.events.is_empty() && are(line));
        held.map(|(place, _)| place).collect()
    }

    pub(super) fn drop(&mut self, place: u32) {
        let held = self.get(place).filter(|line| !line.events.is_empty());
        let Some((next, number)) = held.map(|line| (line.next, line.name.number)) else { return };
        let before = self.of(number).find(|(_, line)| line.next == place).map(|(before, _)| before);
        match before.and_then(|before| self.get_mut(before)) {
            Some(before) => before.next = next,
            None if next == END => drop(self.heads.remove(&number)),
            None => drop(self.heads.insert(number, next)),
        }
        if let Some(line) = self.get_mut(place) {
            (line.next, line.events, line.cut) = (END, Vec::new(), false);
        }
        self.free.push(place);
    }
}
