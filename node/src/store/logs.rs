//! What this node knows of logs from their checkpoints: of each log the largest that was verified, the largest with enough
//! cosignatures, those that nothing places yet, and evidence of a fork; of the own log those that had a quorum; and the newest
//! entry that records all this.
//!
//! The values are signed notes and evidence files as they came, so each says itself whether it is whole. One table serves
//! witnessing, what members tell each other, and the question what a log has signed.

use luxor_protocol::cbor::{Decode, Reader, Writer};
use luxor_protocol::exchange::CheckpointsBody;
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_NOTE_TOLD_BYTES, MAX_UNPLACED_NOTES};
use luxor_protocol::tlog::{AddCheckpoint, CheckpointError, Held};
use rocksdb::{Direction, IteratorMode, WriteBatch};

use super::columns::{META_PEERS, cf, document_meta_key};
use super::open::{Store, StoreError};

/// Cosigned checkpoints looked at for the first with a quorum of the witnesses that there are today.
pub const KEPT_LOOKED_AT: usize = 64;

/// What is kept of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogFact {
    /// The largest checkpoint that was verified to go on from those before: what this node as a witness holds the log to.
    Held = 1,
    /// The largest checkpoint whose cosignatures make the quorum.
    Cosigned = 2,
    /// Evidence that the log showed two histories.
    Fork = 3,
    /// Checkpoints that the log signed and that nothing places before or behind the one held yet: a list of notes.
    Unplaced = 4,
}

/// Which fact of which log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogKey {
    /// Which fact.
    pub fact: LogFact,
    /// The log.
    pub origin: String,
}

impl LogKey {
    /// Key of a fact.
    pub fn new(fact: LogFact, origin: &str) -> Self {
        Self { fact, origin: origin.to_owned() }
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        [&[self.fact as u8], self.origin.as_bytes()].concat()
    }

    /// What [`LogKey::bytes`] made.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (fact, origin) = bytes.split_first()?;
        let fact = match fact {
            1 => LogFact::Held,
            2 => LogFact::Cosigned,
            3 => LogFact::Fork,
            4 => LogFact::Unplaced,
            _ => return None,
        };
        Some(Self { fact, origin: std::str::from_utf8(origin).ok()?.to_owned() })
    }
}

/// Reads a stored note as the checkpoint that it is. Its signatures were verified before it was stored.
///
/// # Errors
/// [`CheckpointError`] when it is none.
pub fn held_of(note_bytes: Vec<u8>) -> Result<Held, CheckpointError> {
    let told = AddCheckpoint { old: 0, proof: Vec::new(), note_bytes };
    let checkpoint = told.checkpoint()?;
    Ok(Held { size: checkpoint.size, root: checkpoint.root, note_bytes: told.note_bytes })
}

/// The value of [`LogFact::Unplaced`]: nothing for no note.
#[must_use]
pub fn write_unplaced(unplaced: &[Held]) -> Vec<u8> {
    if unplaced.is_empty() {
        return Vec::new();
    }
    let mut writer = Writer::new();
    writer.array(unplaced.len());
    unplaced.iter().for_each(|held| writer.bytes(&held.note_bytes));
    writer.into_bytes()
}

/// What [`write_unplaced`] made.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read_unplaced(value: &[u8]) -> Result<Vec<Held>, String> {
    let mut reader = Reader::new(value);
    let mut unplaced = Vec::new();
    for _ in 0..reader.array(MAX_UNPLACED_NOTES).map_err(|e| e.to_string())? {
        let note = reader.bytes(MAX_NOTE_TOLD_BYTES).map_err(|e| e.to_string())?;
        unplaced.push(held_of(note.to_vec()).map_err(|e| e.to_string())?);
    }
    reader.leave();
    reader.finish().map_err(|e| e.to_string())?;
    Ok(unplaced)
}

impl Store {
    /// What is kept of a log, as it came.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn log_fact(&self, fact: LogFact, origin: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(cf::LOGS, &LogKey::new(fact, origin).bytes())
    }

    /// A checkpoint kept of a log.
    ///
    /// # Errors
    /// [`StoreError`]; a value that is no checkpoint is damage.
    pub fn checkpoint_of(&self, fact: LogFact, origin: &str) -> Result<Option<Held>, StoreError> {
        let note = self.log_fact(fact, origin)?;
        let damaged = |e| StoreError::damaged(format!("the checkpoint held of {origin}"), e);
        note.map(|note| held_of(note).map_err(damaged)).transpose()
    }

    /// Checkpoints of a log that nothing places yet, the smallest first.
    ///
    /// # Errors
    /// [`StoreError`]; a value that is no list of checkpoints is damage.
    pub fn unplaced(&self, origin: &str) -> Result<Vec<Held>, StoreError> {
        let Some(value) = self.log_fact(LogFact::Unplaced, origin)? else { return Ok(Vec::new()) };
        read_unplaced(&value).map_err(|e| StoreError::damaged(format!("the unplaced checkpoints of {origin}"), e))
    }

    /// The largest checkpoint held of each log, at most `limit`, with its origin, by origin.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn all_held(&self, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.facts(LogFact::Held, limit)
    }

    /// Keeps facts of a log together, synced: when this returns, a power loss does not undo it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_log_facts(&self, origin: &str, facts: &[(LogFact, &[u8])]) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        for (fact, value) in facts {
            // Nothing unplaced is no row.
            match *fact == LogFact::Unplaced && value.is_empty() {
                true => batch.delete_cf(self.cf(cf::LOGS), LogKey::new(*fact, origin).bytes()),
                false => batch.put_cf(self.cf(cf::LOGS), LogKey::new(*fact, origin).bytes(), value),
            }
        }
        self.write_synced(batch)
    }

    /// Keeps the newest checkpoint of this node's own log that has a quorum, and with `remember` for good: such a one gives the
    /// time of everything in the log up to it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_cosigned(&self, origin: &str, size: u64, note: &[u8], remember: bool) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.cf(cf::LOGS), LogKey::new(LogFact::Cosigned, origin).bytes(), note);
        if remember {
            batch.put_cf(self.cf(cf::COSIGNED), size.to_be_bytes(), note);
        }
        self.write_synced(batch)
    }

    /// Checkpoints kept with a quorum that have at least so many entries, the smallest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cosigned_from(&self, size: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let from = size.to_be_bytes();
        let rows = self.db.iterator_cf(self.cf(cf::COSIGNED), IteratorMode::From(&from, Direction::Forward));
        rows.take(limit).map(|row| Ok(row?.1.into_vec())).collect()
    }

    /// The newest `peers` entry: its time in seconds since 1970, the notes in it, and its index.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_peers(&self) -> Result<Option<(u64, CheckpointsBody, u64)>, StoreError> {
        let Some(row) = self.get(cf::META, META_PEERS)? else { return Ok(None) };
        let damaged = |e: &dyn std::fmt::Display| StoreError::damaged("the newest peers entry", e);
        let index = u64::from_be_bytes(row.try_into().map_err(|_| damaged(&"wrong length"))?);
        let opening = self.opening(index)?.ok_or_else(|| damaged(&"not there"))?;
        let skeleton = opening.read_skeleton().map_err(|e| damaged(&e))?;
        // Ten years old, and erased: as if there were none.
        let Some(body) = opening.body() else { return Ok(None) };
        let body = CheckpointsBody::from_cbor(body).map_err(|e| damaged(&e))?;
        Ok(Some((skeleton.number, body, index)))
    }

    /// Index of the `document` entry of a document, if it has one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn document_entry(&self, document: &Digest) -> Result<Option<u64>, StoreError> {
        let Some(row) = self.get(cf::META, &document_meta_key(document))? else { return Ok(None) };
        let damaged = |_| StoreError::damaged(format!("the entry of document {document}"), "wrong length");
        Ok(Some(u64::from_be_bytes(row.try_into().map_err(damaged)?)))
    }

    /// Origins of logs of which there is evidence of a fork, with the evidence; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forks(&self, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.facts(LogFact::Fork, limit)
    }

    fn facts(&self, fact: LogFact, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let from = LogKey::new(fact, "").bytes();
        let rows = self.db.iterator_cf(self.cf(cf::LOGS), IteratorMode::From(&from, Direction::Forward));
        let mut found = Vec::new();
        for row in rows.take(limit) {
            let (key, value) = row?;
            let key = LogKey::read(&key).ok_or_else(|| StoreError::damaged("a row about a log", "unreadable key"))?;
            if key.fact != fact {
                break;
            }
            found.push((key.origin, value.into_vec()));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back_and_nothing_else_is() {
        for fact in [LogFact::Held, LogFact::Cosigned, LogFact::Fork, LogFact::Unplaced] {
            let key = LogKey::new(fact, "luxor.test/a/n1");
            assert_eq!(LogKey::read(&key.bytes()), Some(key));
        }
        assert_eq!(LogKey::read(b""), None);
        assert_eq!(LogKey::read(b"\x05a"), None);
        assert_eq!(LogKey::read(b"\x01\xff"), None);
    }
}
