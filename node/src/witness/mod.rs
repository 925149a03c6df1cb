//! This node as a witness of other members' logs, and what it concludes from their checkpoints, wherever they come from.
//!
//! A checkpoint is decided on and stored, synced, under one lock, before anything is answered: two histories of one log never
//! both get this node's cosignature, whatever is asked at the same time or after a crash. A log that was caught showing two
//! histories gets none any more, and the evidence is kept once. Nor does one get any as long as a checkpoint that it signed is not
//! shown to be of the history held: so a witness that was set back does not cosign a second history either, once others have told
//! it how far the first one had come.
//!
//! Not here: what decides ([`luxor_protocol::tlog`]: `decide`, `observe`), asking others to witness this node's log (driver),
//! how requests come in (net, HTTP).

mod cosigned;
mod holdings;
mod told;
mod whom;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::{log_key, policy_of, witness_name};
use luxor_protocol::keys::SecretKey;
use luxor_protocol::limits::MAX_UNPLACED_NOTES;
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Millis;
use luxor_protocol::tlog::{
    AddCheckpoint, Checkpoint, Decision, ForkEvidence, Held, Note, Policy, Refusal, VerifierKey, cosign_line, decide,
    monitoring_id, prefix_roots,
};

pub use cosigned::{Cosigned, CosignedCheckpoint, WitnessState};
pub use holdings::holdings;
pub use told::{Asked, Concluded, Told};
pub use whom::{LogWitness, Outside, Way, whom};

use crate::store::{LogFact, Store, StoreError};

/// Content type of signature lines and words.
const TEXT: &str = "text/plain; charset=utf-8";
/// Said when this node fails, which is a defect.
const FAILED: &str = "the checkpoint cannot be cosigned here\n";
/// Said to a member that offers another's log.
const NOT_YOURS: &str = "between members, a node offers the checkpoints of its own log only\n";
/// Said of a log of which a checkpoint is not placed yet.
const UNPLACED: &str =
    "this log signed another checkpoint that is not shown to be of the same history yet; ask again\n";
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

/// This node as a witness.
pub struct Witness {
    me: NodeRef,
    name: String,
    /// The key in use, then those that cosign beside it while it is replaced.
    keys: RwLock<Vec<SecretKey>>,
    directory: RwLock<Arc<Directory>>,
    store: Arc<Store>,
    /// Decides and stores one checkpoint at a time.
    one: Mutex<()>,
    /// Of each log the largest checkpoint that came with a receipt since the last question, with the receipt.
    glimpsed: Mutex<BTreeMap<String, (u64, Vec<u8>)>>,
    /// Of each log what others told that they hold of it, until it is placed.
    words: Mutex<BTreeMap<String, BTreeMap<NodeRef, Held>>>,
}

impl Witness {
    /// A witness with these keys, which are on the node's card.
    pub fn new(me: NodeRef, origin: &str, keys: Vec<SecretKey>, directory: Arc<Directory>, store: Arc<Store>) -> Self {
        Self {
            me,
            name: witness_name(origin),
            keys: RwLock::new(keys),
            directory: RwLock::new(directory),
            store,
            one: Mutex::new(()),
            glimpsed: Mutex::default(),
            words: Mutex::default(),
        }
    }

    /// Goes on with what other documents say: for the next decision, not for one under way.
    pub fn follow(&self, directory: Arc<Directory>) {
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = directory;
    }

    fn directory(&self) -> Arc<Directory> {
        // Whoever panicked left a whole directory behind.
        self.directory.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers an `add-checkpoint` (<https://c2sp.org/tlog-witness>): checked and stored before the answer, the same again gets
    /// a cosignature again. `from` is the member's node that asks; a member may only offer its own log, so that nobody can make
    /// another's look as if it did not hold together. Strangers may offer any, and what they offer is never held against a log.
    ///
    /// # Errors
    /// [`StoreError`], which must end the process. Nothing that is asked leads to one.
    pub fn add_checkpoint(&self, body: &[u8], from: Option<&KnownNode>, now: Millis) -> Result<Said, StoreError> {
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
        if from.is_some_and(|node| node.card.origin != origin) {
            return Ok(Said { status: 403, content_type: TEXT, body: NOT_YOURS.into() });
        }
        if let Err(error) = Checkpoint::open(&request.note_bytes, &log_key) {
            return Ok(refused(&Refusal::NotSigned(error)));
        }
        request.note_bytes = signed_by(&request.note_bytes, std::slice::from_ref(&log_key));
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        if self.store.log_fact(LogFact::Fork, &origin)?.is_some() {
            return Ok(Said { status: 422, content_type: TEXT, body: FORKED.into() });
        }
        if self.waits_for_place(&origin)? {
            return Ok(Said { status: 503, content_type: TEXT, body: UNPLACED.into() });
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
                if from.is_some() && matches!(refusal, Refusal::NotConsistent { .. }) {
                    // Its log signed it, and its node did not lead there.
                    self.unplaced(&origin, &log_key, known.as_ref(), &request.note_bytes)?;
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
        let directory = self.directory();
        let mut logs = directory.nodes().filter(|node| node.node != self.me);
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

    /// Whether nothing is sent to the node of this log or taken from it: there is evidence that it showed two histories, or it
    /// signed so many checkpoints which it does not place that it must be taken for such a one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_forked(&self, origin: &str) -> Result<bool, StoreError> {
        Ok(self.store.log_fact(LogFact::Fork, origin)?.is_some()
            || self.store.unplaced(origin)?.len() >= MAX_UNPLACED_NOTES)
    }

    /// Who makes the quorum of this log today.
    fn policy(&self, origin: &str) -> Option<Policy> {
        let directory = self.directory();
        policy_of(&directory, directory.node_by_origin(origin)?).ok()
    }

    /// The key of a log that this node follows: those of all other nodes, not its own.
    fn log_key(&self, origin: &str) -> Option<VerifierKey> {
        let directory = self.directory();
        let node = directory.node_by_origin(origin).filter(|node| node.node != self.me)?;
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

    /// Goes on with other keys.
    pub fn use_keys(&self, keys: Vec<SecretKey>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// This node's cosignature lines, one by each of its keys; `None`, with a word in the log, for a defect.
    fn cosign(&self, note_bytes: &[u8], now: Millis) -> Option<String> {
        let text = Note::parse(note_bytes).map(|note| note.text).map_err(|e| e.to_string());
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let by = |text: &str, key: &SecretKey| {
            cosign_line(text, &self.name, key.signing_key(), now.0 / 1_000).map_err(|e| e.to_string())
        };
        let lines = text.and_then(|text| keys.iter().map(|key| by(&text, key)).collect::<Result<String, _>>());
        lines.map_err(|error| tracing::error!(error, "a checkpoint that was decided on cannot be cosigned")).ok()
    }
}

/// When a note had a quorum by a policy, in seconds since 1970; none where it has none.
pub(crate) fn quorum_time(policy: &Policy, note_bytes: &[u8]) -> Option<u64> {
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
