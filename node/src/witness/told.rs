//! What a node concludes from checkpoints that others tell it: the log's own node, its witnesses, receipts.
//!
//! A checkpoint that its log signed and that nothing places yet (before or behind the one held, in one history) is kept, and the
//! log's node is asked to place it: for every size in one question, so that one newest checkpoint is shown to go on from all of them.
//! What others told, and receipts, are kept in memory until the next answer; what that did not place is stored, a few of each log.
//!
//! Not here: when it is asked (driver).

use std::sync::PoisonError;

use luxor_protocol::exchange::{NewestCheckpoint, keys_of_log};
use luxor_protocol::limits::{MAX_NOTE_TOLD_BYTES, MAX_SIZES_ASKED, MAX_UNPLACED_NOTES};
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{
    Checkpoint, ForkEvidence, Held, Note, ObserveError, Observed, TlogProof, VerifierKey, observe,
};

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
    /// What it signed and no answer placed.
    unplaced: Vec<Held>,
    /// What others told of it, and a receipt; not asked about before.
    told: Vec<Held>,
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
        self.unplaced.iter().chain(&self.told)
    }
}

impl Witness {
    /// What to ask the node of this log. What does not fit in one question is left for the next.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn asked(&self, origin: &str) -> Result<Asked, StoreError> {
        let held = self.store.checkpoint_of(LogFact::Held, origin)?;
        let unplaced = self.store.unplaced(origin)?;
        let mut told: Vec<Held> = Vec::new();
        for other in self.words_of_others(origin).into_iter().chain(self.glimpsed_of(origin)) {
            if told.len() + unplaced.len() + 1 < MAX_SIZES_ASKED && !told.iter().any(|known| same(known, &other)) {
                told.push(other);
            }
        }
        Ok(Asked { held, unplaced, told })
    }

    /// Takes note of the checkpoint in a receipt, which was verified under the log's key and has this size: the largest since the
    /// last question is placed with the next. It is read then; thousands may come between two.
    pub fn glimpse(&self, origin: &str, size: u64, receipt: &[u8]) {
        let mut glimpsed = self.glimpsed.lock().unwrap_or_else(PoisonError::into_inner);
        if glimpsed.get(origin).is_none_or(|(before, _)| *before < size) {
            glimpsed.insert(origin.to_owned(), (size, receipt.to_vec()));
        }
    }

    /// The checkpoint of a log that came with a receipt since the last question.
    #[must_use]
    pub fn glimpsed_of(&self, origin: &str) -> Option<Held> {
        let receipt = self.glimpsed.lock().unwrap_or_else(PoisonError::into_inner).get(origin).cloned();
        let proof = TlogProof::parse(&receipt?.1).ok()?;
        held_of(signed_by(&proof.checkpoint, &[self.log_key(origin)?])).ok()
    }

    /// Takes in what another node holds of logs: what is more than is held here, is to be placed before the log gets another
    /// cosignature. One checkpoint of each log for each who tells, so that none hides another's. What a log did not sign says
    /// nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn learn(&self, teller: &NodeRef, notes: &[Vec<u8>]) -> Result<(), StoreError> {
        for note_bytes in notes {
            let Ok(told) = held_of(note_bytes.clone()) else { continue };
            let Some((origin, key)) = self.signer_of(note_bytes) else { continue };
            let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
            let known = self.store.checkpoint_of(LogFact::Held, &origin)?;
            match &known {
                Some(known) if known.size == told.size && known.root != told.root => {
                    if let Ok(evidence) = ForkEvidence::same_size(&key, &known.note_bytes, &told.note_bytes) {
                        self.caught(&origin, &evidence)?;
                    }
                }
                // Whoever holds the larger one sees to it that the smaller one is of it.
                Some(known) if known.size >= told.size => {}
                _ => {
                    let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
                    let of_log = words.entry(origin).or_default();
                    if of_log.get(teller).is_none_or(|before| before.size < told.size) {
                        of_log.insert(teller.clone(), told);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes in evidence that another node keeps: what proves by itself that a log showed two histories counts as if found here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn learn_forks(&self, forks: &[Vec<u8>]) -> Result<(), StoreError> {
        for bytes in forks {
            let Ok(evidence) = ForkEvidence::parse(bytes) else { continue };
            // Anybody can make a key that signs two histories.
            let Some((origin, key)) = self.signer_of(&evidence.a) else { continue };
            let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
            let new = key == evidence.log_key && self.store.log_fact(LogFact::Fork, &origin)?.is_none();
            if new && evidence.verify().is_ok() {
                self.caught(&origin, &evidence)?;
            }
        }
        Ok(())
    }

    /// Whether a checkpoint that this log signed is not placed yet, so that none of its is cosigned.
    pub(super) fn waits_for_place(&self, origin: &str) -> Result<bool, StoreError> {
        Ok(!self.words_of_others(origin).is_empty() || !self.store.unplaced(origin)?.is_empty())
    }

    fn words_of_others(&self, origin: &str) -> Vec<Held> {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.get(origin).map(|of_log| of_log.values().cloned().collect()).unwrap_or_default()
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
            return Ok(Told { newest: Concluded::Known, unplaced: self.store.unplaced(origin)?.len() });
        }
        let newest = match observe(held.as_ref(), &told.note_bytes, told.proof(0), &key) {
            Ok(Observed::Newer(new)) => Ok((Concluded::Newer { size: new.size }, Some(new))),
            Ok(Observed::Same(new)) => Ok((Concluded::Known, Some(new))),
            Ok(Observed::Older { size }) => {
                // Whoever signed more knows more, unless this is another history: it is to be placed, too.
                self.unplaced(origin, &key, held.as_ref(), &told.note_bytes)?;
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
            // The checkpoint of an empty log is new each time.
            let newer = held.as_ref().is_none_or(|held| !same(held, new));
            self.keep(origin, &key, new, newer)?;
        }
        let unplaced = self.leave_unplaced(origin, asked, left)?;
        self.forget(origin, &asked.told);
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
        let is = |other: &Held| same(other, &new);
        let mut unplaced = self.store.unplaced(origin)?;
        if held.is_some_and(is) || unplaced.iter().any(is) || unplaced.len() >= MAX_UNPLACED_NOTES {
            return Ok(());
        }
        unplaced.push(new);
        unplaced.sort_by_key(|held| held.size);
        self.store.keep_log_facts(origin, &[(LogFact::Unplaced, &write_unplaced(&unplaced))])
    }

    /// Keeps what a question left unplaced, with what came to it meanwhile; tells how many. What is kept is never given up for
    /// something that came later.
    fn leave_unplaced(&self, origin: &str, asked: &Asked, left: Vec<Held>) -> Result<usize, StoreError> {
        let before = self.store.unplaced(origin)?;
        let placed = |held: &Held| asked.unplaced.contains(held) && !left.contains(held);
        let mut unplaced: Vec<_> = before.iter().filter(|held| !placed(held)).cloned().collect();
        for held in left {
            if unplaced.len() < MAX_UNPLACED_NOTES && !unplaced.iter().any(|known| same(known, &held)) {
                unplaced.push(held);
            }
        }
        unplaced.sort_by_key(|held| held.size);
        if unplaced != before {
            self.store.keep_log_facts(origin, &[(LogFact::Unplaced, &write_unplaced(&unplaced))])?;
        }
        Ok(unplaced.len())
    }

    /// Forgets words and a receipt's checkpoint that were asked about: they are placed, or kept as unplaced.
    fn forget(&self, origin: &str, told: &[Held]) {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_log) = words.get_mut(origin) {
            of_log.retain(|_, held| !told.iter().any(|told| same(told, held)));
            if of_log.is_empty() {
                words.remove(origin);
            }
        }
        drop(words);
        let mut glimpsed = self.glimpsed.lock().unwrap_or_else(PoisonError::into_inner);
        if glimpsed.get(origin).is_some_and(|(size, _)| told.iter().any(|told| told.size == *size)) {
            glimpsed.remove(origin);
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
        let node = self.directory().node_by_origin(&claimed).filter(|node| node.node != self.me).cloned()?;
        // What an idle log signed before it replaced its key counts as well.
        let mut keys = keys_of_log(&node, &claimed).into_iter();
        keys.find(|key| Checkpoint::from_note(&note, key).is_ok()).map(|key| (claimed, key))
    }
}

/// Whether two checkpoints are of the same tree.
fn same(a: &Held, b: &Held) -> bool {
    (a.size, a.root) == (b.size, b.root)
}
