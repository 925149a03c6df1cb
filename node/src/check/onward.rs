//! Records of others that were passed on: their roots against the batch that was signed, and what finds them; and what came with those that
//! were passed on to this node. All of it is there exactly while its entry is not erased.

use luxor_protocol::cbor::Decode;
use luxor_protocol::exchange::{Arrival, DispatchHeader, EntryKind, Source};
use luxor_protocol::hash::Digest;
use luxor_protocol::record::batch_root;

use super::report::{KEEP, RESTORE, entry, received, sent};
use super::{Check, Opened, key_of};
use crate::store::{Family, IndexKey, ReceivedRow, SentRow, SourceRow, Under, read_passed_on};

/// What a dispatch passes on, in words.
pub(super) fn passed_on(entry: u64) -> String {
    format!("records passed on by the dispatch of entry {entry}")
}

/// What came with the records of a dispatch, in words.
fn source(entry: u64) -> String {
    format!("source of the records of entry {entry}")
}

impl Check<'_> {
    /// The records that a dispatch passes on, whose roots must lead to its batch, and their rows of the index.
    pub(super) fn passed_on(&mut self, index: u64, header: &DispatchHeader) {
        let what = passed_on(index);
        let row = self.store.look(Family::PassedOn, &index);
        let unreadable = row.is_err();
        let row = self.notes.read(&what, row);
        // A damaged opening was told where the log is checked.
        let Some(opened) = self.opened(index) else { return self.references.passed_on_damaged() };
        let bytes = match (row, opened.opening.body().is_some()) {
            (Some(bytes), true) => bytes,
            (None, false) => return,
            (None, true) => {
                self.references.passed_on_damaged();
                if !unreadable {
                    self.notes.finding(what, "not there, though the dispatch passes them on", RESTORE);
                }
                return;
            }
            (Some(_), false) => {
                self.references.passed_on_damaged();
                return self.notes.finding(what, "they are there, though its entry is erased", KEEP);
            }
        };
        let unsealed = self.unsealed(&what, Under::PassedOn, index, &opened.skeleton, &bytes);
        let Some((key, bytes)) = unsealed else { return self.references.passed_on_damaged() };
        let records = match read_passed_on(&bytes) {
            Ok(records) => records,
            Err(error) => {
                self.references.passed_on_damaged();
                return self.notes.finding(what, error, RESTORE);
            }
        };
        let roots: Vec<Digest> = records.iter().map(|record| record.root).collect();
        if batch_root(&roots) != header.batch.header.root {
            self.references.passed_on_damaged();
            return self.notes.finding(what, "they do not give the root that was signed", RESTORE);
        }
        for (at, record) in records.into_iter().enumerate() {
            self.expect(IndexKey::PassedOn(record.root, index, at));
            for reference in record.indexed(at, &key).references {
                self.expect(IndexKey::PassedReference(reference, index, at));
            }
        }
        self.notes.checked("dispatches passing on");
    }

    /// Every row belongs to a dispatch that passes something on.
    pub(super) fn passed_on_rows(&mut self) {
        self.notes.kinds(&["dispatches passing on"]);
        let store = self.store.clone();
        let mut rows = store.scan::<u64>(Family::PassedOn);
        for (index, _) in rows.by_ref() {
            let fault = self.stray(index, EntryKind::Sent, |check, opened| {
                let key = key_of(&opened.skeleton);
                let row = check.store.look(Family::Sent, &key).ok().flatten();
                let row = row.and_then(|row| SentRow::from_cbor(&row).ok()).filter(|row| row.entry == index);
                match row.map(|row| DispatchHeader::from_cbor(&row.envelope.header)) {
                    Some(Ok(header)) => header.source.is_some(),
                    // Its sent row has a finding, or should: then nothing is known of it.
                    _ => check.notes.has(&sent(&key)),
                }
            });
            if let Some(why) = fault.filter(|_| !self.notes.has(&passed_on(index))) {
                self.references.passed_on_damaged();
                self.notes.finding(passed_on(index), why, KEEP);
            }
        }
        self.notes.faults(Family::PassedOn, &mut rows);
    }

    /// What came with the records of a `received` entry.
    pub(super) fn source(&mut self, index: u64, expected: bool) {
        let what = source(index);
        let row = self.store.look(Family::Sources, &index);
        let unreadable = row.is_err();
        match (self.notes.read(&what, row), expected) {
            (Some(bytes), true) => {
                match SourceRow::from_cbor(&bytes).and_then(|SourceRow(source)| Source::from_cbor(&source)) {
                    Ok(_) => self.notes.checked("sources"),
                    Err(error) => self.notes.finding(what, error, RESTORE),
                }
            }
            (Some(_), false) => {
                let why = "it is there, though no records that were passed on are, or they are erased";
                self.notes.finding(what, why, KEEP);
            }
            (None, true) if !unreadable => {
                self.notes.finding(what, "not there, though its records were passed on", RESTORE);
            }
            (None, _) => {}
        }
    }

    /// Every source belongs to a dispatch that arrived with one.
    pub(super) fn source_rows(&mut self) {
        self.notes.kinds(&["sources"]);
        let store = self.store.clone();
        let mut rows = store.scan::<u64>(Family::Sources);
        for (index, _) in rows.by_ref() {
            let fault = self.stray(index, EntryKind::Received, |check, opened| {
                let key = key_of(&opened.skeleton);
                let row = check.store.look(Family::Received, &key).ok().flatten();
                let row = row.and_then(|row| ReceivedRow::from_cbor(&row).ok()).filter(|row| row.entry == index);
                match row.map(|row| row.arrival) {
                    Some(Arrival::Dispatch(envelope)) => {
                        DispatchHeader::from_cbor(&envelope.header).map_or(true, |header| header.source.is_some())
                    }
                    Some(Arrival::Withdrawal(_)) => false,
                    None => check.notes.has(&received(&key)),
                }
            });
            if let Some(why) = fault.filter(|_| !self.notes.has(&source(index))) {
                self.notes.finding(source(index), why, KEEP);
            }
        }
        self.notes.faults(Family::Sources, &mut rows);
    }

    /// Why a row beside an entry belongs to nothing; `None` where it does, or that cannot be told.
    fn stray(&self, index: u64, kind: EntryKind, belongs: impl Fn(&Self, &Opened) -> bool) -> Option<String> {
        if index >= self.notes.report.entries {
            return Some(format!("there is no {}", entry(index)));
        }
        // A damaged opening was told where the log is checked.
        let opened = self.opened(index)?;
        match opened.skeleton.kind == kind {
            true => (!belongs(self, &opened)).then(|| format!("{} passes nothing on", entry(index))),
            false => Some(format!("{} is something else", entry(index))),
        }
    }
}
