//! What is gone, against the entries that say so; and the rows by which the rest will go.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::cbor::Decode;
use luxor_protocol::exchange::{EntryKind, ErasedBody, HoldBody};

use super::report::{KEEP, RESTORE, entry, opening, payload};
use super::{Check, Opened};
use crate::store::{DueKey, ErasedTotals, Family, MetaKey};

/// What the log and the rows tell of it.
#[derive(Default)]
pub(super) struct Gone {
    /// Entries without body.
    bare: u64,
    /// Entries that `erased` entries name whole.
    named: u64,
    /// Records that `erased` entries name, by entry.
    parts: BTreeMap<u64, BTreeSet<usize>>,
    /// Accepted records that are not in their payload.
    missing: BTreeMap<u64, BTreeSet<usize>>,
    /// Rows that say when an entry is due, as they must be.
    due: u64,
    /// An entry could not be read, so that nothing can be counted.
    pub(super) damaged: bool,
    /// What the totals of it say.
    pub(super) totals: ErasedTotals,
}

impl Check<'_> {
    /// Reads what was erased and counts elsewhere.
    pub(super) fn erased_totals(&mut self) {
        let what = "totals of what was erased";
        let row = self.store.look(Family::Meta, &MetaKey::Erased);
        let Some(bytes) = self.notes.read(what, row) else { return };
        match ErasedTotals::from_cbor(&bytes) {
            Ok(totals) => {
                self.notes.checked("node state rows");
                self.gone.totals = totals;
            }
            Err(error) => {
                self.notes.finding(what, error, KEEP);
                (self.received_totals, self.gone.damaged) = (None, true);
            }
        }
    }

    /// An entry with its opening: what is not erased has its day.
    pub(super) fn dated(&mut self, index: u64, opened: &Opened) {
        let key = DueKey(opened.skeleton.due, index);
        let found = self.store.look(Family::Due, &key);
        let found = self.notes.read(&name(&key), found).is_some();
        match (opened.opening.body().is_some(), found) {
            (true, true) => self.gone.due += 1,
            (true, false) => self.notes.finding(name(&key), "not there: it would never be erased", KEEP),
            (false, true) => {
                self.gone.due += 1;
                self.notes.finding(name(&key), "it is erased", KEEP);
            }
            (false, false) => {}
        }
        self.gone.bare += u64::from(opened.opening.body().is_none());
    }

    /// An `erased` entry: what it names whole has no body any more.
    pub(super) fn erased_entry(&mut self, index: u64, opened: &Opened) {
        let Some(body) = opened.opening.body() else {
            // Ten years old and erased itself: what it named cannot be counted any more.
            self.gone.damaged = true;
            return;
        };
        let body = match ErasedBody::from_cbor(body) {
            Ok(body) => body,
            Err(error) => return self.notes.finding(opening(index), format!("body: {error}"), KEEP),
        };
        let skeleton = &opened.skeleton;
        let deposited = |entry: u64| {
            self.opened(entry).is_none_or(|opened| {
                opened.skeleton.kind == EntryKind::Deposited && opened.skeleton.channel == skeleton.channel
            })
        };
        let others = skeleton.channel.sender != self.me && skeleton.channel.recipient != self.me;
        if others && !body.erased.iter().all(|named| deposited(named.entry)) {
            self.notes.finding(opening(index), "it is about a channel of others", KEEP);
        }
        for named in body.erased {
            if named.entry >= index {
                self.notes.finding(
                    opening(index),
                    format!("it names {}, which is not before it", entry(named.entry)),
                    KEEP,
                );
            } else if !named.places.is_empty() {
                self.gone.parts.entry(named.entry).or_default().extend(named.places);
            } else {
                self.gone.named += 1;
                let there = self.opened(named.entry).is_some_and(|opened| opened.opening.body().is_some());
                if there {
                    let why = format!("its body is there, though {} says that it was erased", entry(index));
                    self.notes.finding(opening(named.entry), why, KEEP);
                }
            }
        }
        self.notes.checked("erased entries");
    }

    /// A `hold` entry is in its form.
    pub(super) fn hold_entry(&mut self, index: u64, opened: &Opened) {
        let Some(body) = opened.opening.body() else { return };
        match HoldBody::from_cbor(body) {
            Err(error) => self.notes.finding(opening(index), format!("body: {error}"), KEEP),
            Ok(_) if !opened.skeleton.is_of_node() || opened.skeleton.channel.sender != self.me => {
                self.notes.finding(opening(index), "it is about something else than this node", KEEP);
            }
            Ok(_) => {}
        }
    }

    /// Accepted records that are not in the payload of an entry.
    pub(super) fn missing(&mut self, index: u64, places: BTreeSet<usize>) {
        self.gone.missing.insert(index, places);
    }

    /// Whether a record was erased before its entry.
    pub(super) fn was_erased(&self, entry: u64, place: usize) -> bool {
        self.gone.parts.get(&entry).is_some_and(|places| places.contains(&place))
    }

    /// What is gone is what the log says, now that all of it was read.
    pub(super) fn gone(&mut self) {
        self.notes.kinds(&["erased entries", "due rows"]);
        let missing = std::mem::take(&mut self.gone.missing);
        for (index, places) in missing {
            if let Some(place) = places.into_iter().find(|place| !self.was_erased(index, *place)) {
                let why = format!("record {place} is not there, and no erased entry says so");
                self.notes.finding(payload(index), why, RESTORE);
            }
        }
        let Gone { bare, named, damaged, .. } = self.gone;
        if bare != named && !damaged && self.numbers.is_some() {
            let why = format!("{bare} are erased; erased entries name {named}");
            self.notes.finding("bodies of entries", why, RESTORE);
        }
        let store = self.store.clone();
        let mut rows = store.scan::<DueKey>(Family::Due);
        let mut count = 0;
        for (key, value) in rows.by_ref() {
            count += 1;
            match value.is_empty() {
                true => self.notes.checked("due rows"),
                false => self.notes.finding(name(&key), "it holds bytes where there are none", KEEP),
            }
        }
        self.notes.faults(Family::Due, &mut rows);
        if count > self.gone.due && self.numbers.is_some() {
            for (key, _) in store.scan::<DueKey>(Family::Due) {
                if self.opened(key.1).is_none_or(|opened| opened.skeleton.due != key.0) {
                    self.notes.finding(name(&key), "no entry is due on that day there", KEEP);
                }
            }
        }
    }
}

fn name(DueKey(day, index): &DueKey) -> String {
    format!("due row of {} on {day}", entry(*index))
}
