//! Cosigned checkpoints that prove receipts, and how far receipts were looked through.

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::exchange::{log_keys, policy_of};

use super::logs::cosigned;
use super::report::KEEP;
use super::{Check, own_channel};
use crate::store::{Family, WitnessedKey, WitnessedRow, held_of};
use crate::witness::quorum_time;

impl Check<'_> {
    pub(super) fn witnessed(&mut self) {
        self.notes.kinds(&["witnessed checkpoints"]);
        let store = self.store.clone();
        let mut rows = store.scan::<WitnessedKey>(Family::Witnessed);
        for (key, value) in rows.by_ref() {
            let (what, judged) = match &key {
                WitnessedKey::Checkpoint(origin, size) => (
                    format!("witnessed checkpoint of size {size} of {origin}"),
                    self.checkpoint_of(origin, *size, &value),
                ),
                WitnessedKey::Looked(channel) => {
                    let of_us = own_channel(channel, &self.me, true);
                    let judged = match <[u8; 8]>::try_from(value.as_slice()).map(u64::from_be_bytes) {
                        Err(_) => Err("wrong length".to_owned()),
                        Ok(_) if !of_us => Err("it is no channel of this node".to_owned()),
                        Ok(next) => self.is_sent(channel, next),
                    };
                    (format!("how far receipts of {channel} were looked through"), judged)
                }
            };
            match judged {
                Ok(()) => self.notes.checked("witnessed checkpoints"),
                Err(why) => self.notes.finding(what, why, KEEP),
            }
        }
        self.notes.faults(Family::Witnessed, &mut rows);
    }

    /// Numbers that were looked through were sent.
    fn is_sent(&self, channel: &luxor_protocol::exchange::Channel, next: u64) -> Result<(), String> {
        let last = next.checked_sub(1).filter(|last| *last > 0).ok_or("no number is before the first")?;
        let dispatch = crate::store::DispatchKey { channel: channel.clone(), number: last };
        match self.store.look(Family::Sent, &dispatch) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(format!("number {last} was never sent")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn checkpoint_of(&mut self, origin: &str, size: u64, value: &[u8]) -> Result<(), String> {
        let row = WitnessedRow::from_cbor(value).map_err(|e| e.to_string())?;
        let held = held_of(row.note.clone()).map_err(|e| e.to_string())?;
        if held.size != size || crate::store::first_line(&row.note) != Some(origin) {
            return Err("its note is of another checkpoint".into());
        }
        if row.from >= size {
            return Err(format!("it is to cover entries from {} on, and has {size}", row.from));
        }
        let Some(directory) = self.directory.as_ref().filter(|_| self.documents_whole) else {
            self.notes.not_checked(format!("witnessed checkpoints of {origin}: the documents are not whole"));
            return Ok(());
        };
        if log_keys(directory, origin).is_empty() {
            return Err("no card names this log".into());
        }
        cosigned(directory, origin, &row.note)?;
        let policy = directory.node_by_origin(origin).and_then(|node| policy_of(directory, node).ok());
        match policy.and_then(|policy| quorum_time(&policy, &row.note)) {
            Some(time) if time > row.time => Err(format!("its quorum time is {time}, not {}", row.time)),
            _ => Ok(()),
        }
    }
}
