//! What a node concludes from checkpoints that others tell it: the log's own node, its witnesses, receipts.
//!
//! A checkpoint that its log signed and that nothing places yet (before or behind the one held, in one history) is kept, a few of
//! each log, and the log's node is asked to place it: for every size in one question, so that one newest checkpoint is shown to go
//! on from all of them.
//!
//! Not here: when it is asked (driver).

use std::collections::BTreeMap;
use std::sync::PoisonError;

use luxor_protocol::exchange::NewestCheckpoint;
use luxor_protocol::limits::{MAX_NOTE_TOLD_BYTES, MAX_SIZES_ASKED, MAX_UNPLACED_NOTES};
use luxor_protocol::tlog::{Checkpoint, ForkEvidence, Held, Note, ObserveError, Observed, VerifierKey, observe};

use super::{Witness, quorum_time, signed_by};
use crate::store::{LogFact, StoreError, held_of, write_unplaced};

/// What followed from a checkpoint that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concluded {
    /// It is held now.
    Newer {
        /// Its size.
        size: u64,
    },
    /// Nothing new.
    Known,
    /// It is smaller than what is held.
    Older {
        /// Its size.
        size: u64,
        /// The size held.
        held: u64,
    },
    /// It proves a fork, now or before.
    Fork,
    /// Nothing follows.
    Unproven(ObserveError),
}

/// What a log's node is asked: to show its newest checkpoint, and what leads to it from each of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    held: Option<Held>,
    unplaced: Vec<Held>,
    /// The last of `unplaced` came with a receipt and is not stored.
    glimpsed: Option<Held>,
}

/// What followed from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Of its newest checkpoint.
    pub newest: Concluded,
    /// Checkpoints that the log signed and that it still does not place.
    pub unplaced: usize,
}

impl Asked {
    /// The sizes to ask about, the one held first: 0 for none.
    #[must_use]
    pub fn sizes(&self) -> Vec<u64> {
        let held = self.held.as_ref().map_or(0, |held| held.size);
        std::iter::once(held).chain(self.others().map(|other| other.size)).take(MAX_SIZES_ASKED).collect()
    }

    fn others(&self) -> impl Iterator<Item = &Held> {
        self.unplaced.iter().chain(&self.glimpsed)
    }
}

impl Witness {
    /// What to ask the node of this log.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn asked(&self, origin: &str) -> Result<Asked, StoreError> {
        let held = self.store.checkpoint_of(LogFact::Held, origin)?;
        let glimpsed = self.glimpsed.lock().unwrap_or_else(PoisonError::into_inner).remove(origin);
        Ok(Asked { held, unplaced: self.store.unplaced(origin)?, glimpsed })
    }

    /// Takes note of a checkpoint in a receipt, which was verified under the log's key: it is placed with the next question.
    pub fn glimpse(&self, origin: &str, note_bytes: &[u8]) {
        let Some(key) = self.log_key(origin) else { return };
        if let Ok(held) = held_of(signed_by(note_bytes, &[key])) {
            self.glimpsed.lock().unwrap_or_else(PoisonError::into_inner).insert(origin.to_owned(), held);
        }
    }

    /// Takes in what others hold of logs: of each the largest, if that is more than is held here, is to be placed before the log
    /// gets another cosignature. What a log did not sign says nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn learn(&self, notes: &[Vec<u8>]) -> Result<(), StoreError> {
        let mut largest: BTreeMap<String, (Held, VerifierKey)> = BTreeMap::new();
        for note_bytes in notes {
            let Ok(told) = held_of(note_bytes.clone()) else { continue };
            let Some((origin, key)) = self.signer_of(note_bytes) else { continue };
            if largest.get(&origin).is_none_or(|(before, _)| before.size < told.size) {
                largest.insert(origin, (told, key));
            }
        }
        for (origin, (told, key)) in largest {
            let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
            let known = self.store.checkpoint_of(LogFact::Held, &origin)?;
            match &known {
                Some(known) if known.size == told.size && known.root != told.root => {
                    if let Ok(evidence) = ForkEvidence::same_size(&key, &known.note_bytes, &told.note_bytes) {
                        self.caught(&origin, &evidence)?;
                    }
                }
                Some(known) if known.size >= told.size => {}
                _ => self.unplaced(&origin, &key, known.as_ref(), &told.note_bytes)?,
            }
        }
        Ok(())
    }

    /// Takes in what the node of a log answered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn told(&self, origin: &str, asked: &Asked, told: &NewestCheckpoint) -> Result<Told, StoreError> {
        let known = |newest| Told { newest, unplaced: 0 };
        let Some(key) = self.log_key(origin) else { return Ok(known(Concluded::Known)) };
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        if self.store.log_fact(LogFact::Fork, origin)?.is_some() {
            return Ok(known(Concluded::Fork));
        }
        let held = self.store.checkpoint_of(LogFact::Held, origin)?;
        if held != asked.held {
            // What is held moved on while it was asked; the next question will tell.
            self.glimpse_again(origin, asked);
            return Ok(Told { newest: Concluded::Known, unplaced: self.store.unplaced(origin)?.len() });
        }
        let newest = match observe(held.as_ref(), &told.note_bytes, told.proof(0), &key) {
            Ok(Observed::Newer(new)) => Ok((Concluded::Newer { size: new.size }, Some(new))),
            Ok(Observed::Same(new)) => Ok((Concluded::Known, Some(new))),
            Ok(Observed::Older { size }) => {
                Ok((Concluded::Older { size, held: held.as_ref().map_or(0, |held| held.size) }, None))
            }
            Ok(Observed::Fork(evidence)) => {
                self.caught(origin, &evidence)?;
                return Ok(known(Concluded::Fork));
            }
            Err(error) => Err(error),
        };
        let (newest, new) = match newest {
            Ok(newest) => newest,
            Err(error) => {
                self.unplaced(origin, &key, held.as_ref(), &told.note_bytes)?;
                (Concluded::Unproven(error), None)
            }
        };
        let mut left = Vec::new();
        for (place, other) in asked.others().enumerate() {
            // Only a newest checkpoint that goes on from the one held places others with it.
            let placed = match &new {
                None => false,
                Some(_) => match observe(Some(other), &told.note_bytes, told.proof(place + 1), &key) {
                    Ok(Observed::Newer(_) | Observed::Same(_)) => true,
                    Ok(Observed::Fork(evidence)) => {
                        self.caught(origin, &evidence)?;
                        return Ok(known(Concluded::Fork));
                    }
                    Ok(Observed::Older { .. }) | Err(_) => false,
                },
            };
            if !placed {
                left.push(other.clone());
            }
        }
        if let Some(new) = &new {
            self.keep(origin, &key, new, matches!(newest, Concluded::Newer { .. }))?;
        }
        let unplaced = self.leave_unplaced(origin, asked, left)?;
        Ok(Told { newest, unplaced })
    }

    /// Places what the node of a log told against another checkpoint of it than the one held, such as a receipt's. A fork is kept.
    ///
    /// # Errors
    /// [`StoreError`]; inside, [`ObserveError`] when nothing follows.
    pub fn compare(
        &self,
        log_key: &VerifierKey,
        held: &Held,
        told: &NewestCheckpoint,
    ) -> Result<Result<Observed, ObserveError>, StoreError> {
        let observed = observe(Some(held), &told.note_bytes, told.proof(0), log_key);
        if let Ok(Observed::Fork(evidence)) = &observed {
            let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
            self.caught(log_key.name(), evidence)?;
        }
        Ok(observed)
    }

    /// Keeps a checkpoint that its log signed and that does not follow from what is held, unless that is known or too small to
    /// matter. The caller holds the lock.
    pub(super) fn unplaced(
        &self,
        origin: &str,
        key: &VerifierKey,
        held: Option<&Held>,
        note_bytes: &[u8],
    ) -> Result<(), StoreError> {
        let Ok(checkpoint) = Checkpoint::open(note_bytes, key) else { return Ok(()) };
        let note_bytes = signed_by(note_bytes, std::slice::from_ref(key));
        if checkpoint.size == 0 || note_bytes.len() > MAX_NOTE_TOLD_BYTES {
            return Ok(());
        }
        let new = Held { size: checkpoint.size, root: checkpoint.root, note_bytes };
        let is = |other: &Held| (other.size, other.root) == (new.size, new.root);
        let mut unplaced = self.store.unplaced(origin)?;
        if held.is_some_and(is) || unplaced.iter().any(is) || unplaced.len() >= MAX_UNPLACED_NOTES {
            return Ok(());
        }
        unplaced.push(new);
        unplaced.sort_by_key(|held| held.size);
        self.store.keep_log_facts(origin, &[(LogFact::Unplaced, &write_unplaced(&unplaced))])
    }

    /// Keeps what a question left unplaced, with what came to it meanwhile; tells how many.
    fn leave_unplaced(&self, origin: &str, asked: &Asked, left: Vec<Held>) -> Result<usize, StoreError> {
        let before = self.store.unplaced(origin)?;
        let meanwhile = before.iter().filter(|held| !asked.unplaced.contains(held)).cloned();
        let mut unplaced: Vec<_> = left.into_iter().chain(meanwhile).collect();
        unplaced.sort_by_key(|held| held.size);
        unplaced.dedup();
        unplaced.truncate(MAX_UNPLACED_NOTES);
        if unplaced != before {
            self.store.keep_log_facts(origin, &[(LogFact::Unplaced, &write_unplaced(&unplaced))])?;
        }
        Ok(unplaced.len())
    }

    /// Puts back what a question was to place and did not.
    fn glimpse_again(&self, origin: &str, asked: &Asked) {
        if let Some(held) = &asked.glimpsed {
            let mut glimpsed = self.glimpsed.lock().unwrap_or_else(PoisonError::into_inner);
            glimpsed.entry(origin.to_owned()).or_insert_with(|| held.clone());
        }
    }

    /// Keeps what is newer than before of a checkpoint: held, and with a quorum. Only signatures that were checked are kept.
    fn keep(&self, origin: &str, key: &VerifierKey, new: &Held, newer: bool) -> Result<(), StoreError> {
        let (held, mut cosigned) = (signed_by(&new.note_bytes, std::slice::from_ref(key)), Vec::new());
        let policy = self.policy(origin);
        let quorum =
            |note_bytes: &[u8]| policy.as_ref().is_some_and(|policy| quorum_time(policy, note_bytes).is_some());
        // One that has no quorum of those who witness today (a witness began a new log, say) counts as none.
        let before = self.store.checkpoint_of(LogFact::Cosigned, origin)?;
        let before = before.filter(|before| quorum(&before.note_bytes)).map_or(0, |cosigned| cosigned.size);
        if new.size > before && quorum(&new.note_bytes) {
            let keys = policy.iter().flat_map(|policy| policy.logs().iter().chain(policy.witnesses()));
            let keys: Vec<_> = keys.map(|party| party.key.clone()).collect();
            cosigned = signed_by(&new.note_bytes, &keys);
        }
        let mut facts = Vec::new();
        if newer {
            facts.push((LogFact::Held, held.as_slice()));
        }
        if !cosigned.is_empty() {
            facts.push((LogFact::Cosigned, cosigned.as_slice()));
        }
        match facts.is_empty() {
            true => Ok(()),
            false => Ok(self.store.keep_log_facts(origin, &facts)?),
        }
    }

    /// The log that signed a note, if this node follows it.
    fn signer_of(&self, note_bytes: &[u8]) -> Option<(String, VerifierKey)> {
        let note = Note::parse(note_bytes).ok()?;
        let claimed = Checkpoint::parse(&note.text).ok()?.origin;
        let key = self.log_key(&claimed)?;
        Checkpoint::from_note(&note, &key).is_ok().then_some((claimed, key))
    }
}
