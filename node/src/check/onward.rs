//! Records of others that were passed on: their roots against the batch that was signed, and what finds them.

use luxor_protocol::exchange::DispatchHeader;
use luxor_protocol::record::batch_root;

use super::Check;
use super::report::{KEEP, RESTORE};
use crate::store::{Family, IndexKey, SentRow, read_passed_on};
use luxor_protocol::cbor::Decode;

/// What a dispatch passes on, in words.
fn passed_on(entry: u64) -> String {
    format!("records passed on by the dispatch of entry {entry}")
}

impl Check<'_> {
    /// The roots of the records that a dispatch passes on, which must lead to its batch, and their rows of the index.
    pub(super) fn passed_on(&mut self, entry: u64, header: &DispatchHeader) {
        let what = passed_on(entry);
        let row = self.store.look(Family::PassedOn, &entry);
        let unreadable = row.is_err();
        let Some(bytes) = self.notes.read(&what, row) else {
            self.references.sent_damaged();
            if !unreadable {
                self.notes.finding(what, "not there, though the dispatch passes them on", RESTORE);
            }
            return;
        };
        match read_passed_on(&bytes) {
            Ok(roots) if batch_root(&roots) == header.batch.header.root => {
                for (at, root) in roots.into_iter().enumerate() {
                    self.expect(IndexKey::PassedOn(root, entry, at));
                }
                self.notes.checked("dispatches passing on");
            }
            Ok(_) => {
                self.references.sent_damaged();
                self.notes.finding(what, "they do not give the root that was signed", RESTORE);
            }
            Err(error) => {
                self.references.sent_damaged();
                self.notes.finding(what, error, RESTORE);
            }
        }
    }

    /// Every row belongs to a dispatch that passes something on.
    pub(super) fn passed_on_rows(&mut self) {
        self.notes.kinds(&["dispatches passing on"]);
        let store = self.store.clone();
        let mut rows = store.scan::<u64>(Family::PassedOn);
        for (entry, _) in rows.by_ref() {
            if entry >= self.notes.report.entries {
                self.notes.finding(passed_on(entry), format!("there is no entry {entry}"), KEEP);
                continue;
            }
            let key = self.opened(entry).map(|opened| super::key_of(&opened.skeleton));
            let row = key.and_then(|key| self.store.look(Family::Sent, &key).ok().flatten());
            let header = row
                .and_then(|row| SentRow::from_cbor(&row).ok())
                .filter(|row| row.entry == entry)
                .and_then(|row| DispatchHeader::from_cbor(&row.envelope.header).ok());
            if header.is_some_and(|header| header.source.is_none()) {
                self.notes.finding(passed_on(entry), "its dispatch passes nothing on", KEEP);
            }
        }
        self.notes.faults(Family::PassedOn, &mut rows);
    }
}
