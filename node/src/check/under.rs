//! Rows under data keys: each opens, and is named by the row that says what is under which key; no other such row exists.

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::exchange::Skeleton;
use luxor_protocol::hash::Digest;

use super::Check;
use super::attached::attached;
use super::onward::passed_on;
use super::records::batch;
use super::repairs::refused;
use super::report::{KEEP, RESTORE, payload};
use crate::keyring::{KeyringError, Opened, key_of};
use crate::store::{Family, HoldRow, RepairKey, RowKey as _, StoreError, SubmissionKey, Under, UnderKey};

/// What to do about the files of data keys.
pub(super) const KEYS: &str = "put keys/data.keys and keys/wrap.key back from their newest copy, both of the same time";

/// What was found of such rows.
#[derive(Default)]
pub(super) struct Found {
    rows: u64,
    /// A row of the three families could not be read.
    damaged: bool,
}

impl Check<'_> {
    /// The content of a payload or of own records; a finding where it does not open.
    pub(super) fn unsealed(
        &mut self,
        what: &str,
        under: Under,
        entry: u64,
        skeleton: &Skeleton,
        bytes: &[u8],
    ) -> Option<Opened> {
        let opened = self.store.unseal_of(under, skeleton, bytes);
        self.take_unsealed(what, under, &entry.to_be_bytes(), bytes, opened)
    }

    /// The content of an answer to a chunk.
    pub(super) fn unsealed_answer(&mut self, what: &str, key: &SubmissionKey, bytes: &[u8]) -> Option<Vec<u8>> {
        let opened = self.store.unseal_answer(&key.0, key.1, bytes);
        self.take_unsealed(what, Under::Answer, &key.bytes(), bytes, opened).map(|(_, opened)| opened)
    }

    pub(super) fn take_unsealed(
        &mut self,
        what: &str,
        under: Under,
        row: &[u8],
        bytes: &[u8],
        opened: Result<Opened, StoreError>,
    ) -> Option<Opened> {
        if !self.keys_whole {
            self.under.damaged = true;
            return None;
        }
        match opened {
            Ok(opened) => {
                let key = UnderKey(opened.0.id(), under, row.to_vec());
                match self.store.look(Family::Under, &key) {
                    Ok(Some(_)) => self.under.rows += 1,
                    Ok(None) => self.notes.finding(name(&key), "not there: this would never be erased", KEEP),
                    Err(error) => self.notes.finding(name(&key), error, RESTORE),
                }
                Some(opened)
            }
            Err(error) => {
                self.under.damaged = true;
                // A number that no key has is a damaged row; where the row that names it agrees, the key files are too old.
                let named = key_of(bytes).map(|id| UnderKey(id, under, row.to_vec()));
                let named =
                    named.is_some_and(|key| self.store.look(Family::Under, &key).is_ok_and(|row| row.is_some()));
                match error {
                    StoreError::Keys(error @ KeyringError::Unknown { .. }) if named => {
                        self.notes.finding("keys/data.keys", error, KEYS);
                    }
                    error => self.notes.finding(what, error, RESTORE),
                }
                None
            }
        }
    }

    /// Every hold opens.
    pub(super) fn holds(&mut self) {
        self.notes.kinds(&["holds"]);
        let store = self.store.clone();
        let mut rows = store.scan::<u64>(Family::Holds);
        for (hold, bytes) in rows.by_ref() {
            let what = format!("hold {hold}");
            let opened = store.unseal_hold(hold, &bytes);
            let opened = self.take_unsealed(&what, Under::Hold, &hold.to_be_bytes(), &bytes, opened);
            let Some((_, row)) = opened else { continue };
            match HoldRow::from_cbor(&row) {
                Ok(_) => self.notes.checked("holds"),
                Err(error) => self.notes.finding(what, error, KEEP),
            }
        }
        self.notes.faults(Family::Holds, &mut rows);
    }

    /// Reads the rows that say what is under which key.
    pub(super) fn under(&mut self) {
        self.notes.kinds(&["data keys", "rows under data keys"]);
        let store = self.store.clone();
        let mut rows = store.scan::<UnderKey>(Family::Under);
        let mut count = 0;
        for (key, value) in rows.by_ref() {
            count += 1;
            match value.is_empty() {
                true => self.notes.checked("rows under data keys"),
                false => self.notes.finding(name(&key), "it holds bytes where there are none", KEEP),
            }
        }
        self.notes.faults(Family::Under, &mut rows);
        store.keyring().keys().iter().for_each(|_| self.notes.checked("data keys"));
        if count > self.under.rows && !self.under.damaged {
            for (key, _) in store.scan::<UnderKey>(Family::Under) {
                if !self.leads_under(&key) {
                    self.notes.finding(name(&key), "nothing is under this key there", KEEP);
                }
            }
        }
    }

    fn leads_under(&self, UnderKey(id, under, row): &UnderKey) -> bool {
        let found = match under {
            Under::Hold => u64::read(row).map(|key| self.store.look(Family::Holds, &key)),
            Under::Answer => SubmissionKey::read(row).map(|key| self.store.look(Family::Submissions, &key)),
            Under::Payload => u64::read(row).map(|key| self.store.look(Family::Payloads, &key)),
            Under::Records => u64::read(row).map(|key| self.store.look(Family::Records, &key)),
            Under::PassedOn => u64::read(row).map(|key| self.store.look(Family::PassedOn, &key)),
            Under::Attached => Digest::read(row).map(|key| self.store.look(Family::Attached, &key)),
            Under::Repair => RepairKey::read(row).map(|key| self.store.look(Family::Repairs, &key)),
        };
        match found {
            None => false,
            Some(Ok(bytes)) => bytes.is_some_and(|bytes| key_of(&bytes) == Some(*id)),
            // Told where it is read.
            Some(Err(_)) => true,
        }
    }
}

fn name(UnderKey(id, under, row): &UnderKey) -> String {
    let of = match (under, u64::read(row)) {
        (Under::Payload, Some(entry)) => payload(entry),
        (Under::Records, Some(entry)) => batch(entry),
        (Under::PassedOn, Some(entry)) => passed_on(entry),
        (Under::Hold, Some(hold)) => format!("hold {hold}"),
        (Under::Repair, _) => match RepairKey::read(row) {
            Some(key) => refused(&key),
            None => format!("row {}", luxor_protocol::hash::hex(row)),
        },
        (Under::Attached, _) => match Digest::read(row) {
            Some(digest) => attached(&digest),
            None => format!("row {}", luxor_protocol::hash::hex(row)),
        },
        _ => match SubmissionKey::read(row) {
            Some(SubmissionKey(name, chunk)) => format!("submission {name}, chunk {chunk}"),
            None => format!("row {}", luxor_protocol::hash::hex(row)),
        },
    };
    format!("row of data key {id} to the {of}")
}
