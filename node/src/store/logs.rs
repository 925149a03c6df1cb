//! What this node knows of logs from their checkpoints: of each log the largest that was verified, the largest with enough
//! cosignatures, and evidence of a fork.
//!
//! The values are signed notes and evidence files as they came, so each says itself whether it is whole. One table serves
//! witnessing, what members tell each other, and the question what a log has signed.

use luxor_protocol::tlog::{AddCheckpoint, CheckpointError, Held};
use rocksdb::{Direction, IteratorMode, WriteBatch};

use super::columns::cf;
use super::open::{Store, StoreError};

/// What is kept of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogFact {
    /// The largest checkpoint that was verified to go on from those before: what this node as a witness holds the log to.
    Held = 1,
    /// The largest checkpoint whose cosignatures make the quorum.
    Cosigned = 2,
    /// Evidence that the log showed two histories.
    Fork = 3,
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

    /// Keeps facts of a log together, synced: when this returns, a power loss does not undo it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_log_facts(&self, origin: &str, facts: &[(LogFact, &[u8])]) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        for (fact, value) in facts {
            batch.put_cf(self.cf(cf::LOGS), LogKey::new(*fact, origin).bytes(), value);
        }
        self.write_synced(batch)
    }

    /// Origins of logs of which there is evidence of a fork, with the evidence; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forks(&self, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let from = LogKey::new(LogFact::Fork, "").bytes();
        let rows = self.db.iterator_cf(self.cf(cf::LOGS), IteratorMode::From(&from, Direction::Forward));
        let mut found = Vec::new();
        for row in rows.take(limit) {
            let (key, value) = row?;
            let key = LogKey::read(&key).ok_or_else(|| StoreError::damaged("a row about a log", "unreadable key"))?;
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
        for fact in [LogFact::Held, LogFact::Cosigned, LogFact::Fork] {
            let key = LogKey::new(fact, "luxor.test/a/n1");
            assert_eq!(LogKey::read(&key.bytes()), Some(key));
        }
        assert_eq!(LogKey::read(b""), None);
        assert_eq!(LogKey::read(b"\x04a"), None);
        assert_eq!(LogKey::read(b"\x01\xff"), None);
    }
}
