//! Index rows: every record, delivery and arrival has its own, and no other exists.
//!
//! Rows that must exist are looked up where the record or dispatch is read, and counted; the scan here counts what exists.
//! Only if there are more than that is each followed, to find the stray one.

use luxor_protocol::cbor::Decode;

use super::Check;
use super::records::{batch, read_record};
use super::report::{KEEP, RESTORE, numbered, payload, sent};
use crate::store::{DispatchKey, Family, IndexKey, RowKey as _, SentRow, Under, identifiers, read_passed_on};

/// What is known of index rows before they are read.
#[derive(Default)]
pub(super) struct References {
    /// Rows that had to be there and were, by tag.
    found: [u64; TAGS],
    received: bool,
    records: bool,
    sent: bool,
    /// Kept with a `sent` entry.
    passed_on: bool,
}

impl References {
    /// An entry is damaged: what it led to is not known.
    pub(super) fn log_damaged(&mut self) {
        (self.received, self.records, self.sent, self.passed_on) = (true, true, true, true);
    }

    /// A received row or payload is damaged.
    pub(super) fn received_damaged(&mut self) {
        self.received = true;
    }

    /// An own record is damaged.
    pub(super) fn records_damaged(&mut self) {
        self.records = true;
    }

    /// Records passed on are damaged.
    pub(super) fn passed_on_damaged(&mut self) {
        self.passed_on = true;
    }

    /// A sent row is damaged.
    pub(super) fn sent_damaged(&mut self) {
        self.sent = true;
    }

    /// Whether own records and what carries them can be counted.
    pub(super) fn own_whole(&self) -> bool {
        !self.records && !self.sent
    }
}

/// Kinds of rows.
const TAGS: usize = 7;

impl Check<'_> {
    /// A row that must be there.
    pub(super) fn expect(&mut self, key: IndexKey) {
        let what = name(&key);
        let found = self.store.look(Family::Index, &key);
        let unreadable = found.is_err();
        let is_reference =
            matches!(key, IndexKey::OwnReference(..) | IndexKey::ReceivedReference(..) | IndexKey::PassedReference(..));
        match self.notes.read(&what, found) {
            Some(_) => self.references.found[tag(&key)] += 1,
            None if unreadable => self.references.records |= !is_reference,
            None => {
                self.references.records |= !is_reference;
                self.notes.finding(what, "not there", RESTORE);
            }
        }
    }

    /// The row by which a dispatch is found from its batch, which begins at its own entry or before.
    pub(super) fn delivery(&mut self, key: &DispatchKey, entry: u64) {
        let row = |found| IndexKey::Delivery(found, key.clone());
        let found = self.store.batch_of(entry);
        let there = |found| matches!(self.store.look(Family::Index, &row(found)), Ok(Some(_)));
        let gone = found.as_ref().is_ok_and(|found| !found.is_some_and(there));
        if gone && self.opened(entry).is_some_and(|opened| opened.opening.body().is_none()) {
            // Own records go when the last of the entries about them is erased.
            return;
        }
        let Ok(Some(found)) = found else {
            self.references.records_damaged();
            return self.notes.finding(batch(entry), "not there, though a dispatch carries them", RESTORE);
        };
        let row = IndexKey::Delivery(found, key.clone());
        if let Ok(None) = self.store.look(Family::Index, &row) {
            // Is it the batch that is gone?
            let later = (found + 1..=entry).find(|later| {
                let row = IndexKey::Delivery(*later, key.clone());
                self.store.look(Family::Index, &row).is_ok_and(|row| row.is_some())
            });
            if let Some(later) = later {
                self.references.records_damaged();
                return self.notes.finding(batch(later), "not there, though a dispatch carries them", RESTORE);
            }
        }
        self.expect(row);
    }

    /// Reads the whole index.
    pub(super) fn index(&mut self) {
        self.notes.kinds(&["index rows"]);
        let store = self.store.clone();
        let mut rows = store.scan::<IndexKey>(Family::Index);
        let mut count = [0u64; TAGS];
        for (key, value) in rows.by_ref() {
            count[tag(&key)] += 1;
            let submitted = match &key {
                IndexKey::Delivery(_, dispatch) if !value.is_empty() && self.keys_whole => {
                    store.open_submitted(&dispatch.bytes(), &value).map(|_| true)
                }
                key => Ok(value.is_empty() || matches!(key, IndexKey::Delivery(..))),
            };
            if let Err(error) = submitted {
                self.notes.finding(name(&key), error, KEEP);
            } else if submitted.is_ok_and(|right| right) {
                self.notes.checked("index rows");
            } else {
                self.notes.finding(name(&key), "it holds bytes where there are none", KEEP);
            }
        }
        self.notes.faults(Family::Index, &mut rows);
        for (tag, count) in count.into_iter().enumerate() {
            let damaged = match tag {
                OWN_REFERENCE => self.references.records,
                RECEIVED_REFERENCE => self.references.received,
                RECEIVED_ROOT => self.references.received,
                DELIVERY => self.references.sent || self.references.records,
                PASSED_ON | PASSED_REFERENCE => self.references.sent || self.references.passed_on,
                _ => self.references.records,
            };
            if count > self.references.found[tag] && !damaged {
                self.strays(tag);
            } else if damaged && count > 0 {
                self.notes.not_checked("index rows that lead to nothing: what they lead to is damaged".into());
            }
        }
    }

    /// Follows every row of one tag.
    fn strays(&mut self, wanted: usize) {
        let store = self.store.clone();
        for (key, _) in store.scan::<IndexKey>(Family::Index) {
            if tag(&key) == wanted && !self.leads(&key).unwrap_or(true) {
                self.notes.finding(name(&key), "it leads to nothing that is there", KEEP);
            }
        }
    }

    /// Whether a row leads to what has it; `None` where that is damaged.
    fn leads(&self, key: &IndexKey) -> Option<bool> {
        match key {
            IndexKey::OwnReference(_, batch, at) | IndexKey::OwnRoot(_, batch, at) => {
                let Some((key_of, bytes)) = self.store.opened(Under::Records, *batch).ok()? else { return Some(false) };
                let Some(record) = read_record(&bytes, *at) else { return Some(false) };
                Some(match key {
                    IndexKey::OwnRoot(root, ..) => record.root() == *root,
                    IndexKey::OwnReference(reference, ..) => {
                        let content = record.content();
                        identifiers(true, &key_of, &content.names(), &content.attachments()).contains(reference)
                    }
                    _ => true,
                })
            }
            IndexKey::PassedOn(of, entry, at) | IndexKey::PassedReference(of, entry, at) => {
                let Some((key_of, bytes)) = self.store.opened(Under::PassedOn, *entry).ok()? else {
                    return Some(false);
                };
                let records = read_passed_on(&bytes).ok()?;
                let Some(record) = records.get(*at) else { return Some(false) };
                Some(match key {
                    IndexKey::PassedOn(..) => record.root == *of,
                    _ => record.indexed(*at, &key_of).references.contains(of),
                })
            }
            IndexKey::Delivery(batch, dispatch) => {
                let Some(row) = self.store.look(Family::Sent, dispatch).ok()? else {
                    return Some(self.notes.has(&sent(dispatch)));
                };
                let row = SentRow::from_cbor(&row).ok()?;
                Some(self.store.batch_of(row.entry).ok()? == Some(*batch))
            }
            IndexKey::ReceivedReference(_, entry, at) | IndexKey::ReceivedRoot(_, entry, at) => {
                if self.notes.has(&payload(*entry)) {
                    return None;
                }
                let Some((key_of, _)) = self.store.opened(Under::Payload, *entry).ok()? else { return Some(false) };
                let views = self.store.payload(*entry).ok()?;
                let Some((_, root, view)) = views.into_iter().find(|(place, _, _)| place == at) else {
                    return Some(false);
                };
                Some(match key {
                    IndexKey::ReceivedRoot(of, ..) => *of == root,
                    IndexKey::ReceivedReference(of, ..) => {
                        identifiers(false, &key_of, &view.names(), &view.attachments()).contains(of)
                    }
                    _ => true,
                })
            }
        }
    }
}

const OWN_REFERENCE: usize = 0;
const DELIVERY: usize = 1;
const RECEIVED_REFERENCE: usize = 2;
const RECEIVED_ROOT: usize = 3;
const OWN_ROOT: usize = 4;
const PASSED_ON: usize = 5;
const PASSED_REFERENCE: usize = 6;

fn tag(key: &IndexKey) -> usize {
    match key {
        IndexKey::OwnReference(..) => OWN_REFERENCE,
        IndexKey::Delivery(..) => DELIVERY,
        IndexKey::ReceivedReference(..) => RECEIVED_REFERENCE,
        IndexKey::ReceivedRoot(..) => RECEIVED_ROOT,
        IndexKey::OwnRoot(..) => OWN_ROOT,
        IndexKey::PassedOn(..) => PASSED_ON,
        IndexKey::PassedReference(..) => PASSED_REFERENCE,
    }
}

/// A row in words; references stand there as the index has them, since they may name people.
pub(super) fn name(key: &IndexKey) -> String {
    match key {
        IndexKey::OwnReference(reference, batch, at) => {
            format!("index row of reference {reference} to the batch at entry {batch}, record {at}")
        }
        IndexKey::OwnRoot(root, batch, at) => {
            format!("index row of record {root} to the batch at entry {batch}, record {at}")
        }
        IndexKey::Delivery(batch, dispatch) => {
            format!("index row of the batch at entry {batch} to {}", numbered(dispatch))
        }
        IndexKey::ReceivedReference(reference, entry, at) => {
            format!("index row of reference {reference} to entry {entry}, record {at}")
        }
        IndexKey::ReceivedRoot(root, entry, at) => format!("index row of record {root} to entry {entry}, record {at}"),
        IndexKey::PassedOn(root, entry, at) => {
            format!("index row of record {root}, passed on, to entry {entry}, record {at}")
        }
        IndexKey::PassedReference(reference, entry, at) => {
            format!("index row of reference {reference}, passed on, to entry {entry}, record {at}")
        }
    }
}
