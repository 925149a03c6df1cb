//! This node as a witness of other members' logs, and what it concludes from their checkpoints, wherever they come from.
//!
//! A checkpoint is decided on and stored, synced, under one lock, before anything is answered: two histories of one log never
//! both get this node's cosignature, whatever is asked at the same time or after a crash. A log that was caught showing two
//! histories gets none any more, and the evidence is kept once.
//!
//! Not here: what decides ([`luxor_protocol::tlog`]: `decide`, `observe`), asking others to witness this node's log (driver),
//! how requests come in (net, HTTP).

mod cosigned;

use std::sync::{Arc, Mutex, PoisonError};

use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{log_key, policy_of, witness_name};
use luxor_protocol::keys::SecretKey;
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Millis;
use luxor_protocol::tlog::{
    AddCheckpoint, Checkpoint, Decision, ForkEvidence, Held, Note, ObserveError, Observed, Policy, Refusal,
    VerifierKey, cosign_line, decide, monitoring_id, observe, prefix_roots,
};

pub use cosigned::{Cosigned, CosignedCheckpoint, WitnessState};

use crate::store::{LogFact, Store, StoreError};

/// Content type of signature lines and words.
const TEXT: &str = "text/plain; charset=utf-8";
/// Said when this node fails, which is a defect.
const FAILED: &str = "the checkpoint cannot be cosigned here\n";
/// Said of a log that was caught.
const FORKED: &str = "this log has shown two histories; its checkpoints are not cosigned here any more\n";

/// The answer to `add-checkpoint`, the same over HTTP and between members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// HTTP status code.
    pub status: u16,
    /// Media type of the body.
    pub content_type: &'static str,
    /// Signature lines, a size, or words.
    pub body: Vec<u8>,
}

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

/// This node as a witness.
pub struct Witness {
    me: NodeRef,
    name: String,
    key: SecretKey,
    directory: Arc<Directory>,
    store: Arc<Store>,
    /// Decides and stores one checkpoint at a time.
    one: Mutex<()>,
}

impl Witness {
    /// A witness with this key, which is on the node's card.
    pub fn new(me: NodeRef, origin: &str, key: SecretKey, directory: Arc<Directory>, store: Arc<Store>) -> Self {
        Self { me, name: witness_name(origin), key, directory, store, one: Mutex::new(()) }
    }

    /// Answers an `add-checkpoint` (<https://c2sp.org/tlog-witness>): checked and stored before the answer, the same again gets
    /// a cosignature again.
    ///
    /// # Errors
    /// [`StoreError`], which must end the process. Nothing that is asked leads to one.
    pub fn add_checkpoint(&self, body: &[u8], now: Millis) -> Result<Said, StoreError> {
        let mut request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return Ok(refused(&Refusal::Malformed(error))),
        };
        // It was parsed with its note, so it has an origin.
        let origin = request.checkpoint().map(|checkpoint| checkpoint.origin).unwrap_or_default();
        // Whoever is no member's log is answered before anybody has to wait for it.
        let Some(log_key) = self.log_key(&origin) else {
            return Ok(refused(&Refusal::UnknownOrigin { origin: origin.chars().take(80).collect() }));
        };
        if let Err(error) = Checkpoint::open(&request.note_bytes, &log_key) {
            return Ok(refused(&Refusal::NotSigned(error)));
        }
        request.note_bytes = signed_by(&request.note_bytes, std::slice::from_ref(&log_key));
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        if self.store.log_fact(LogFact::Fork, &origin)?.is_some() {
            return Ok(Said { status: 422, content_type: TEXT, body: FORKED.into() });
        }
        let known = self.store.checkpoint_of(LogFact::Held, &origin)?;
        match decide(known.as_ref(), &request, Some(&log_key)) {
            Decision::Cosign(held) => {
                if known.is_none_or(|known| (known.size, known.root) != (held.size, held.root)) {
                    self.store.keep_log_facts(&origin, &[(LogFact::Held, &held.note_bytes)])?;
                }
                Ok(match self.cosign(&held.note_bytes, now) {
                    Some(line) => Said { status: 200, content_type: TEXT, body: line.into_bytes() },
                    None => Said { status: 500, content_type: TEXT, body: FAILED.into() },
                })
            }
            Decision::Refuse(refusal) => {
                tracing::debug!(origin, %refusal, "checkpoint not cosigned");
                if let Some(known) = &known {
                    self.contradicted(&origin, known, &request, &log_key)?;
                }
                Ok(refused(&refusal))
            }
        }
    }

    /// The newest checkpoint that this node holds of the log whose origin has this SHA-256, in hexadecimal, with its cosignature of
    /// now (<https://c2sp.org/tlog-witness>, for monitors).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn held_by_id(&self, id: &str, now: Millis) -> Result<Option<Vec<u8>>, StoreError> {
        if id.len() != 64 || !id.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c)) {
            return Ok(None);
        }
        let mut logs = self.directory.nodes().filter(|node| node.node != self.me);
        match logs.find(|node| monitoring_id(&node.card.origin) == id) {
            Some(node) => self.held(&node.card.origin, now),
            None => Ok(None),
        }
    }

    /// The same by the log's origin.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn held(&self, origin: &str, now: Millis) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(held) = self.store.checkpoint_of(LogFact::Held, origin)? else { return Ok(None) };
        if self.store.log_fact(LogFact::Fork, origin)?.is_some() {
            return Ok(None);
        }
        let line = self.cosign(&held.note_bytes, now);
        Ok(line.map(|line| [held.note_bytes, line.into_bytes()].concat()))
    }

    /// Takes in what somebody told of a node's log: its newest checkpoint with a prefix proof from the size that was held when
    /// it was asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn told(&self, origin: &str, told: &AddCheckpoint) -> Result<Concluded, StoreError> {
        let Some(key) = self.log_key(origin) else { return Ok(Concluded::Known) };
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        if self.store.log_fact(LogFact::Fork, origin)?.is_some() {
            return Ok(Concluded::Fork);
        }
        let known = self.store.checkpoint_of(LogFact::Held, origin)?;
        let held = known.as_ref().map_or(0, |known| known.size);
        let newer = told.checkpoint().is_ok_and(|told| told.size > held);
        if newer && held > 0 && told.old != held {
            // What is held moved on while it was asked.
            return Ok(Concluded::Known);
        }
        match observe(known.as_ref(), &told.note_bytes, &told.proof, &key) {
            Ok(Observed::Newer(new)) => {
                let size = new.size;
                self.keep(origin, &key, &new, true)?;
                Ok(Concluded::Newer { size })
            }
            Ok(Observed::Same(new)) => {
                self.keep(origin, &key, &new, false)?;
                Ok(Concluded::Known)
            }
            Ok(Observed::Older { size }) => Ok(Concluded::Older { size, held }),
            Ok(Observed::Fork(evidence)) => {
                self.caught(origin, &evidence)?;
                Ok(Concluded::Fork)
            }
            Err(error) => Ok(Concluded::Unproven(error)),
        }
    }

    /// Places what the node of a log told against another checkpoint of it than the one held, such as a receipt's. A fork is kept.
    ///
    /// # Errors
    /// [`StoreError`]; inside, [`ObserveError`] when nothing follows.
    pub fn compare(
        &self,
        log_key: &VerifierKey,
        held: &Held,
        told: &AddCheckpoint,
    ) -> Result<Result<Observed, ObserveError>, StoreError> {
        let observed = observe(Some(held), &told.note_bytes, &told.proof, log_key);
        if let Ok(Observed::Fork(evidence)) = &observed {
            let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
            self.caught(log_key.name(), evidence)?;
        }
        Ok(observed)
    }

    /// The quorum time of a note of this log, seconds since 1970; `None` without a quorum.
    pub fn quorum_time(&self, origin: &str, note_bytes: &[u8]) -> Option<u64> {
        quorum_time(&self.policy(origin)?, note_bytes)
    }

    /// The largest checkpoint held of a log: 0 for none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn size_held(&self, origin: &str) -> Result<u64, StoreError> {
        Ok(self.store.checkpoint_of(LogFact::Held, origin)?.map_or(0, |held| held.size))
    }

    /// Whether there is evidence that this log showed two histories.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_forked(&self, origin: &str) -> Result<bool, StoreError> {
        Ok(self.store.log_fact(LogFact::Fork, origin)?.is_some())
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

    /// Who makes the quorum of this log today.
    fn policy(&self, origin: &str) -> Option<Policy> {
        policy_of(&self.directory, self.directory.node_by_origin(origin)?).ok()
    }

    /// The key of a log that this node follows: those of all other nodes, not its own.
    fn log_key(&self, origin: &str) -> Option<VerifierKey> {
        let node = self.directory.node_by_origin(origin).filter(|node| node.node != self.me)?;
        log_key(node).ok()
    }

    /// Looks whether a refused request proves a fork, and keeps the proof.
    fn contradicted(
        &self,
        origin: &str,
        known: &Held,
        request: &AddCheckpoint,
        key: &VerifierKey,
    ) -> Result<(), StoreError> {
        let evidence = ForkEvidence::same_size(key, &known.note_bytes, &request.note_bytes).or_else(|error| {
            // A consistency proof from no power of two is a prefix proof too, and then says where it really begins.
            match request.checkpoint() {
                Ok(told) if prefix_roots(known.size, told.size, &request.proof).is_ok() => {
                    ForkEvidence::different_sizes(key, &known.note_bytes, &request.note_bytes, &request.proof)
                }
                _ => Err(error),
            }
        });
        match evidence {
            Ok(evidence) => self.caught(origin, &evidence),
            // Most refusals prove nothing.
            Err(_) => Ok(()),
        }
    }

    fn caught(&self, origin: &str, evidence: &ForkEvidence) -> Result<(), StoreError> {
        match evidence.verify() {
            Ok(fork) => tracing::error!(origin, %fork, "a log forked; the evidence is kept"),
            Err(error) => {
                tracing::error!(origin, %error, "what was taken for evidence of a fork is none, which is a defect");
                return Ok(());
            }
        }
        self.store.keep_log_facts(origin, &[(LogFact::Fork, &evidence.to_bytes())])
    }

    /// This node's cosignature line; `None`, with a word in the log, for a defect.
    fn cosign(&self, note_bytes: &[u8], now: Millis) -> Option<String> {
        let text = Note::parse(note_bytes).map(|note| note.text).map_err(|e| e.to_string());
        let line = text.and_then(|text| {
            cosign_line(&text, &self.name, self.key.signing_key(), now.0 / 1_000).map_err(|e| e.to_string())
        });
        line.map_err(|error| tracing::error!(error, "a checkpoint that was decided on cannot be cosigned")).ok()
    }
}

fn quorum_time(policy: &Policy, note_bytes: &[u8]) -> Option<u64> {
    let satisfied = policy.satisfied_by(&Note::parse(note_bytes).ok()?).ok()?;
    satisfied.time.filter(|_| satisfied.log.is_some())
}

/// A note with the signatures by these keys alone, one of each.
fn signed_by(note_bytes: &[u8], keys: &[VerifierKey]) -> Vec<u8> {
    // What is kept was parsed and verified before.
    let Ok(mut note) = Note::parse(note_bytes) else { return note_bytes.to_vec() };
    note.keep_signatures_by(keys);
    note.to_bytes()
}

fn refused(refusal: &Refusal) -> Said {
    Said { status: refusal.status(), content_type: refusal.content_type(), body: refusal.body().into_bytes() }
}

#[cfg(test)]
mod tests;
