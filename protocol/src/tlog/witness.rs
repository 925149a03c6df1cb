//! A witness's `add-checkpoint` (<https://c2sp.org/tlog-witness>): the request's body, the decision, the answer.
//!
//! Not here: how the log reads the answer (see `witness_answer`), HTTP, where the latest checkpoint of each log is kept, and the clock. The caller must decide and store under
//! one lock, and store what [`Decision::Cosign`] holds before it answers; `sign-subtree` is not offered.
//!
//! Limits: [`MAX_ADD_CHECKPOINT_BYTES`], [`MAX_WITNESS_PROOF_HASHES`].

use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};

use super::checkpoint::{Checkpoint, CheckpointError};
use super::hash::{EMPTY_ROOT, Hash};
use super::note::{MAX_NOTE_BYTES, Note, NoteError};
use super::proof::{ProofError, verify_consistency};
use super::text::{excerpt, format_base64, parse_decimal, parse_hash};
use super::vkey::VerifierKey;

/// Most hashes in a request: "MUST NOT send more than 63". <https://c2sp.org/tlog-witness>.
pub const MAX_WITNESS_PROOF_HASHES: usize = 63;

/// Largest request body: the line of the old size, 63 lines of 45 bytes, an empty line, a note.
pub const MAX_ADD_CHECKPOINT_BYTES: usize = 25 + MAX_WITNESS_PROOF_HASHES * 45 + 1 + MAX_NOTE_BYTES;

/// Content type of an answer in words, and of one with signature lines.
pub const TEXT_CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// Content type of an answer that holds a tree size. <https://c2sp.org/tlog-witness>.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";

/// Why a request could not be read, or a cosignature not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// Larger than [`MAX_ADD_CHECKPOINT_BYTES`].
    #[error("add-checkpoint: {got} bytes, at most {MAX_ADD_CHECKPOINT_BYTES} are accepted")]
    TooLarge {
        /// Bytes given.
        got: usize,
    },
    /// A line before the checkpoint is wrong.
    #[error("add-checkpoint, line {line}: {why}")]
    Malformed {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// The checkpoint in the request is no checkpoint.
    #[error("add-checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The note to be cosigned was refused.
    #[error("cosigning: {0}")]
    Note(#[from] NoteError),
    /// A witness's cosignature must have a time.
    #[error("cosignature of \"{name}\": time 0; a witness must say when it cosigned")]
    NoTime {
        /// Name of the witness's key.
        name: String,
    },
}

/// The body of `add-checkpoint`, parsed but not verified. <https://c2sp.org/tlog-witness>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the checkpoint that the witness is thought to have cosigned last; 0 for none.
    pub old: u64,
    /// Consistency proof from the old size, at most 63 hashes; empty for 0 and for the checkpoint's own size.
    pub proof: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub note_bytes: Vec<u8>,
}

impl AddCheckpoint {
    /// Writes the body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("old {}\n", self.old);
        for hash in &self.proof {
            out.push_str(&format_base64(hash));
            out.push('\n');
        }
        out.push('\n');
        let mut out = out.into_bytes();
        out.extend_from_slice(&self.note_bytes);
        out
    }

    /// Reads the body; every accepted body has exactly one spelling, the one [`Self::to_bytes`] writes.
    ///
    /// The checkpoint must be a well-formed note with a well-formed checkpoint text; no signature is verified here. Answer
    /// an error with [`Refusal::Malformed`].
    ///
    /// # Errors
    /// [`WitnessError`] saying what is wrong.
    pub fn parse(body: &[u8]) -> Result<Self, WitnessError> {
        if body.len() > MAX_ADD_CHECKPOINT_BYTES {
            return Err(WitnessError::TooLarge { got: body.len() });
        }
        let malformed = |line, why| WitnessError::Malformed { line, why };
        let end = body.windows(2).position(|pair| pair == b"\n\n");
        let (head, note) = body.split_at(end.ok_or_else(|| malformed(1, "no empty line follows the proof"))?);
        // Bytes that are not UTF-8 become characters that no line may hold.
        let head = String::from_utf8_lossy(head);
        let mut lines = (1..).zip(head.split('\n'));
        let old = lines.next().and_then(|(_, line)| parse_decimal(line.strip_prefix("old ")?));
        let old = old.ok_or_else(|| malformed(1, "is not \"old\" with a decimal without leading zeroes"))?;
        let mut proof = Vec::new();
        for (number, line) in lines {
            if proof.len() == MAX_WITNESS_PROOF_HASHES {
                return Err(malformed(number, "is one more than the 63 hashes a consistency proof may have here"));
            }
            let hash =
                parse_hash(line).ok_or_else(|| malformed(number, "is not a hash (32 bytes in canonical base64)"));
            proof.push(hash?);
        }
        // The two line feeds just found.
        let note_bytes = note.get(2..).unwrap_or_default().to_vec();
        let request = Self { old, proof, note_bytes };
        request.checkpoint()?;
        Ok(request)
    }

    /// The checkpoint as it claims to be, not verified: its origin tells which log's key and record [`decide`] needs.
    ///
    /// # Errors
    /// [`CheckpointError`] if the note or its text is malformed.
    pub fn checkpoint(&self) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::parse(&Note::parse(&self.note_bytes)?.text)
    }
}

/// The latest checkpoint of a log that a witness cosigned, as it keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Tree size in entries.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// The signed checkpoint, verbatim: one half of the evidence, should another root appear.
    pub note_bytes: Vec<u8>,
}

/// What a witness does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Store this, synced, then answer 200 with the line of [`cosign_line`]. The same checkpoint again is cosigned again.
    Cosign(Held),
    /// Answer with this; what is held stays.
    Refuse(Refusal),
}

/// Why a witness does not cosign; the words are for its log, the rest for the answer. <https://c2sp.org/tlog-witness>.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400: the body cannot be read.
    #[error("not read: {0}")]
    Malformed(#[from] WitnessError),
    /// 404: the witness does not follow a log with this origin.
    #[error("the log \"{origin}\" is not known here")]
    UnknownOrigin {
        /// The start of the origin.
        origin: String,
    },
    /// 403: no signature by the log's key, or one that does not verify.
    #[error("not signed by the log: {0}")]
    NotSigned(CheckpointError),
    /// 400: the old size is above the checkpoint's.
    #[error("old size {old} is above the checkpoint's size {new}")]
    OldAboveNew {
        /// Old size in the request.
        old: u64,
        /// Size of the checkpoint.
        new: u64,
    },
    /// 409: the old size is not that of the latest checkpoint cosigned here. The body tells the latter.
    #[error("old size {old} was named, the latest checkpoint cosigned here has size {held}")]
    OldSize {
        /// Old size in the request.
        old: u64,
        /// Size of the latest checkpoint cosigned; 0 for none.
        held: u64,
    },
    /// 422: a checkpoint of size 0 whose root is not that of the empty tree.
    #[error("the checkpoint of size 0 has another root than the empty tree")]
    EmptyRoot,
    /// 422: a proof from size 0, where none is possible.
    #[error("{hashes} proof hashes were given from size 0, where none is possible")]
    ProofFromNothing {
        /// Hashes given.
        hashes: usize,
    },
    /// 422: same size, another root. Both notes are signed by the log: with what is held, the request is evidence of a fork.
    #[error("the log signed two roots for size {size}; hint: keep both checkpoints, they are evidence of a fork")]
    TwoRoots {
        /// The size.
        size: u64,
    },
    /// 422: the proof does not lead from the latest checkpoint cosigned here to the new one.
    #[error(
        "not shown to extend the checkpoint of size {old} cosigned here: {why}; hint: the proof or the log is wrong"
    )]
    NotConsistent {
        /// Size of the latest checkpoint cosigned.
        old: u64,
        /// What does not fit.
        why: ProofError,
    },
}

impl Refusal {
    /// HTTP status code of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::OldAboveNew { .. } => 400,
            Self::NotSigned(_) => 403,
            Self::UnknownOrigin { .. } => 404,
            Self::OldSize { .. } => 409,
            Self::EmptyRoot | Self::ProofFromNothing { .. } | Self::TwoRoots { .. } | Self::NotConsistent { .. } => 422,
        }
    }

    /// Content type of the answer.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        if matches!(self, Self::OldSize { .. }) { SIZE_CONTENT_TYPE } else { TEXT_CONTENT_TYPE }
    }

    /// Body of the answer: the size held for 409, else the words, with a line feed.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::OldSize { held, .. } => format!("{held}\n"),
            other => format!("{other}\n"),
        }
    }
}

/// Decides about a request, in the order of checks of <https://c2sp.org/tlog-witness>.
///
/// `known` is the latest checkpoint cosigned for the request's origin, `None` if there was none yet: then the first
/// one is believed. `log_key` is the key trusted for that origin, `None` if the log is not followed. Nothing is stored here.
#[must_use]
pub fn decide(known: Option<&Held>, request: &AddCheckpoint, log_key: Option<&VerifierKey>) -> Decision {
    match check(known, request, log_key) {
        Ok(held) => Decision::Cosign(held),
        Err(refusal) => Decision::Refuse(refusal),
    }
}

fn check(known: Option<&Held>, request: &AddCheckpoint, log_key: Option<&VerifierKey>) -> Result<Held, Refusal> {
    let note = Note::parse(&request.note_bytes).map_err(|e| WitnessError::from(CheckpointError::from(e)))?;
    let claimed = Checkpoint::parse(&note.text).map_err(WitnessError::from)?;
    // A key of another log is no key for this one.
    let unknown = || Refusal::UnknownOrigin { origin: excerpt(&claimed.origin) };
    let log_key = log_key.filter(|key| key.name() == claimed.origin).ok_or_else(unknown)?;
    let new = Checkpoint::from_note(&note, log_key).map_err(Refusal::NotSigned)?;
    let old = request.old;
    if old > new.size {
        return Err(Refusal::OldAboveNew { old, new: new.size });
    }
    let (held_size, held_root) = known.map_or((0, EMPTY_ROOT), |held| (held.size, held.root));
    if old != held_size {
        return Err(Refusal::OldSize { old, held: held_size });
    }
    if new.size == 0 && new.root != EMPTY_ROOT {
        return Err(Refusal::EmptyRoot);
    }
    if old == 0 {
        // The empty tree is a prefix of every tree, so there is nothing to prove.
        if !request.proof.is_empty() {
            return Err(Refusal::ProofFromNothing { hashes: request.proof.len() });
        }
    } else if old == new.size && held_root != new.root {
        return Err(Refusal::TwoRoots { size: old });
    } else {
        verify_consistency(old, &held_root, new.size, &new.root, &request.proof)
            .map_err(|why| Refusal::NotConsistent { old, why })?;
    }
    Ok(Held { size: new.size, root: new.root, note_bytes: request.note_bytes.clone() })
}

/// How a log is named to those who monitor a witness: SHA-256 of its origin in lower-case hexadecimal.
/// <https://c2sp.org/tlog-witness>.
#[must_use]
pub fn monitoring_id(origin: &str) -> String {
    crate::hash::hex(&Sha256::digest(origin.as_bytes()))
}

/// Cosigns a checkpoint's text and gives the signature line with its line feed: the body of an answer 200.
///
/// To be called only for a checkpoint that [`decide`] let pass and that is stored. `time_seconds` since 1970, not 0.
///
/// # Errors
/// [`WitnessError::NoTime`]; [`WitnessError::Note`] if text, name or time is refused.
pub fn cosign_line(text: &str, name: &str, key: &SigningKey, time_seconds: u64) -> Result<String, WitnessError> {
    if time_seconds == 0 {
        return Err(WitnessError::NoTime { name: excerpt(name) });
    }
    let mut note = Note::new(text)?;
    note.cosign(name, key, time_seconds)?;
    Ok(note.signatures.iter().map(|signature| format!("{signature}\n")).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::edge::Edge;
    use super::super::hash::leaf_hash;
    use super::super::proof::consistency_proof;
    use super::super::tree::Frontier;
    use super::super::vkey::KeyType;
    use super::*;

    const ORIGIN: &str = "log.example/1";
    const WITNESS: &str = "witness.example/w";
    const TIME: u64 = 1_700_000_000;

    fn secret(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn log_key() -> VerifierKey {
        VerifierKey::new(ORIGIN, KeyType::Ed25519, &secret(5).verifying_key()).unwrap()
    }

    /// A log whose entries from `fork` on differ from those of the honest one.
    struct Log {
        edge: Edge,
        roots: Vec<Hash>,
    }

    impl Log {
        fn new(size: u64, fork: u64) -> Self {
            let (mut edge, mut frontier, mut roots) = (Edge::new(), Frontier::new(), vec![EMPTY_ROOT]);
            for index in 0..size {
                let leaf = leaf_hash(&[index as u8, u8::from(index >= fork)]);
                edge.push(leaf, &mut Vec::new());
                frontier.push(leaf);
                roots.push(frontier.root());
            }
            Self { edge, roots }
        }

        fn signed(&self, size: u64) -> Vec<u8> {
            Checkpoint::new(ORIGIN, size, self.roots[size as usize]).sign(&secret(5)).unwrap().to_bytes()
        }

        fn request(&self, old: u64, size: u64) -> AddCheckpoint {
            AddCheckpoint {
                old,
                proof: consistency_proof(&self.edge, old, size).unwrap(),
                note_bytes: self.signed(size),
            }
        }

        fn held(&self, size: u64) -> Held {
            Held { size, root: self.roots[size as usize], note_bytes: self.signed(size) }
        }
    }

    fn honest() -> Log {
        Log::new(40, u64::MAX)
    }

    fn refused(known: Option<&Held>, request: &AddCheckpoint) -> Refusal {
        match decide(known, request, Some(&log_key())) {
            Decision::Refuse(refusal) => refusal,
            Decision::Cosign(held) => panic!("cosigned size {}", held.size),
        }
    }

    proptest! {
        /// A witness that follows any sequence of requests by a log that forks cosigns one history only.
        #[test]
        fn no_sequence_of_requests_makes_a_witness_cosign_a_fork(
            fork in 0u64..40, requests in prop::collection::vec((any::<bool>(), 0u64..=40, 0u64..=40), 1..40),
        ) {
            let logs = [honest(), Log::new(40, fork)];
            let mut held: Option<Held> = None;
            for (other, old, size) in requests {
                // Most requests name the size that is held, or nothing would ever be cosigned.
                let old = if old % 4 > 0 { held.as_ref().map_or(0, |held| held.size) } else { old };
                if old > size {
                    continue;
                }
                let log = &logs[usize::from(other)];
                if let Decision::Cosign(next) = decide(held.as_ref(), &log.request(old, size), Some(&log_key())) {
                    let before = held.as_ref().map_or(0, |held| held.size);
                    prop_assert!(next.size == size && size >= before);
                    let of_log = |log: &Log, held: &Held| log.roots[held.size as usize] == held.root;
                    if let Some(held) = &held {
                        prop_assert!(logs.iter().any(|log| of_log(log, held) && of_log(log, &next)));
                    }
                    held = Some(next);
                }
            }
        }

        #[test]
        fn written_bodies_are_read_back(old: u64, proof in prop::collection::vec(any::<[u8; 32]>(), 0..=63), size in 0u64..40) {
            let request = AddCheckpoint { old, proof, note_bytes: honest().signed(size) };
            prop_assert_eq!(AddCheckpoint::parse(&request.to_bytes()).unwrap(), request);
        }

        #[test]
        fn any_body_is_refused_or_written_back(
            random in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, put: u8, kind in 0..3,
        ) {
            let good = honest().request(13, 21);
            let mut changed = good.to_bytes();
            let at = at.index(changed.len());
            match kind {
                0 => changed[at] = put,
                1 => changed.insert(at, put),
                _ => { changed.remove(at); }
            }
            let headed = [b"old 5\n", &random[..]].concat();
            for bytes in [random, headed, changed] {
                if let Ok(request) = AddCheckpoint::parse(&bytes) {
                    prop_assert_eq!(request == good, bytes == good.to_bytes());
                    prop_assert_eq!(request.to_bytes(), bytes);
                    let _ = decide(Some(&honest().held(13)), &request, Some(&log_key()));
                }
            }
        }
    }

    #[test]
    fn a_log_that_only_grows_is_cosigned() {
        let log = honest();
        let first = Decision::Cosign(log.held(5));
        assert_eq!(decide(None, &log.request(0, 5), Some(&log_key())), first);
        // The same again, because the first answer may have been lost.
        assert_eq!(decide(Some(&log.held(5)), &log.request(5, 5), Some(&log_key())), first);
        for (old, new) in [(5, 8), (8, 21), (16, 17), (16, 40)] {
            let decision = decide(Some(&log.held(old)), &log.request(old, new), Some(&log_key()));
            assert_eq!(decision, Decision::Cosign(log.held(new)));
        }
        // An empty log is cosigned as such, and then the first entries.
        assert_eq!(decide(None, &log.request(0, 0), Some(&log_key())), Decision::Cosign(log.held(0)));
        let from_empty = decide(Some(&log.held(0)), &log.request(0, 9), Some(&log_key()));
        assert_eq!(from_empty, Decision::Cosign(log.held(9)));
    }

    #[test]
    fn every_refusal_has_its_code() {
        let (log, fork) = (honest(), Log::new(40, 3));
        let held = log.held(13);
        let good = log.request(13, 21);
        let expect = |refusal: Refusal, status, body: &str| {
            assert_eq!((refusal.status(), refusal.body().as_str()), (status, body));
            let sized = refusal.content_type() == "text/x.tlog.size";
            assert_eq!(sized, status == 409);
        };
        let Decision::Refuse(unknown) = decide(Some(&held), &good, None) else { panic!() };
        expect(unknown.clone(), 404, "the log \"log.example/1\" is not known here\n");
        let other = VerifierKey::new("log.example/2", KeyType::Ed25519, &secret(5).verifying_key()).unwrap();
        assert_eq!(decide(Some(&held), &good, Some(&other)), Decision::Refuse(unknown));

        // 403: a key that is not trusted, a trusted key's wrong signature, a cosigner's key.
        let resigned = |key: &SigningKey| {
            let checkpoint = Checkpoint::new(ORIGIN, 21, log.roots[21]);
            AddCheckpoint { note_bytes: checkpoint.sign(key).unwrap().to_bytes(), ..good.clone() }
        };
        assert_eq!(resigned(&secret(5)), good);
        assert_eq!(refused(Some(&held), &resigned(&secret(9))).status(), 403);
        let mut wrong = Note::parse(&good.note_bytes).unwrap();
        wrong.signatures[0].signature[9] ^= 1;
        let wrong = AddCheckpoint { note_bytes: wrong.to_bytes(), ..good.clone() };
        assert_eq!(refused(Some(&held), &wrong).status(), 403);
        let mut twice = Note::parse(&good.note_bytes).unwrap();
        twice.signatures.extend(Note::parse(&wrong.note_bytes).unwrap().signatures);
        let twice = AddCheckpoint { note_bytes: twice.to_bytes(), ..good.clone() };
        assert_eq!(refused(Some(&held), &twice).status(), 403);
        let cosigner = VerifierKey::new(ORIGIN, KeyType::Cosignature, &secret(5).verifying_key()).unwrap();
        let Decision::Refuse(not_a_log) = decide(Some(&held), &good, Some(&cosigner)) else { panic!() };
        assert_eq!(not_a_log.status(), 403);

        // 400 and 409, before anything is said about the proof.
        let malformed = AddCheckpoint { note_bytes: b"rubbish".to_vec(), ..good.clone() };
        assert_eq!(refused(Some(&held), &malformed).status(), 400);
        let reversed = AddCheckpoint { old: 22, ..good.clone() };
        expect(refused(Some(&held), &reversed), 400, "old size 22 is above the checkpoint's size 21\n");
        expect(refused(Some(&held), &AddCheckpoint { old: 12, ..good.clone() }), 409, "13\n");
        expect(refused(None, &good), 409, "0\n");
        expect(refused(Some(&held), &log.request(0, 21)), 409, "13\n");
        // A checkpoint below the one held is a matter of the old size.
        expect(refused(Some(&held), &log.request(5, 9)), 409, "13\n");

        // 422.
        let no_proof = AddCheckpoint { proof: Vec::new(), ..good.clone() };
        assert!(matches!(refused(Some(&held), &no_proof), Refusal::NotConsistent { .. }));
        let forked = refused(Some(&held), &fork.request(13, 21));
        assert_eq!((forked.status(), forked.content_type()), (422, TEXT_CONTENT_TYPE));
        let padded = AddCheckpoint { proof: vec![[1; 32]], ..log.request(0, 5) };
        assert_eq!(refused(None, &padded), Refusal::ProofFromNothing { hashes: 1 });
        let padded = AddCheckpoint { proof: vec![[1; 32]], ..log.request(13, 13) };
        assert!(matches!(refused(Some(&held), &padded), Refusal::NotConsistent { .. }));
        assert_eq!(refused(Some(&held), &fork.request(13, 13)), Refusal::TwoRoots { size: 13 });
        let empty = Checkpoint::new(ORIGIN, 0, [1; 32]).sign(&secret(5)).unwrap().to_bytes();
        let empty = AddCheckpoint { old: 0, proof: Vec::new(), note_bytes: empty };
        assert_eq!(refused(None, &empty), Refusal::EmptyRoot);
        for refusal in [Refusal::EmptyRoot, Refusal::TwoRoots { size: 1 }, Refusal::ProofFromNothing { hashes: 1 }] {
            assert_eq!(refusal.status(), 422);
        }
        assert_eq!(Refusal::from(AddCheckpoint::parse(b"old 1\n").unwrap_err()).status(), 400);
    }

    #[test]
    fn malformed_bodies_are_refused() {
        let good = String::from_utf8(honest().request(13, 21).to_bytes()).unwrap();
        assert!(AddCheckpoint::parse(good.as_bytes()).is_ok());
        let hash = format!("{}\n", format_base64(&[1; 32]));
        let with = |hashes: usize| good.replacen("old 13\n", &format!("old 13\n{}", hash.repeat(hashes)), 1);
        let own = AddCheckpoint::parse(good.as_bytes()).unwrap().proof.len();
        assert!(AddCheckpoint::parse(with(63 - own).as_bytes()).is_ok());
        for bad in [
            String::new(),
            "\n".into(),
            "old 13\n".into(),
            "old 13\n\n".into(),
            with(64 - own),
            good.replacen("old 13", "old 013", 1),
            good.replacen("old 13", "old +13", 1),
            good.replacen("old 13", "old  13", 1),
            good.replacen("old 13", "Old 13", 1),
            good.replacen("old 13\n", "old 13\r\n", 1),
            good.replacen("old 13\n", "", 1),
            good.replacen("old 13\n", "old 13\nold 13\n", 1),
            good.replacen("\n\n", "\n", 1),
            good.replacen("\n\n", "\n\n\n", 1),
            format!("\n{good}"),
            format!("{good}\n"),
        ] {
            assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        let large = vec![b'a'; MAX_ADD_CHECKPOINT_BYTES + 1];
        assert!(matches!(AddCheckpoint::parse(&large), Err(WitnessError::TooLarge { .. })));
        // The largest note with the most hashes and the longest size still fits.
        let head = AddCheckpoint { old: u64::MAX, proof: vec![[1; 32]; 63], note_bytes: Vec::new() }.to_bytes();
        assert_eq!(head.len() + MAX_NOTE_BYTES, MAX_ADD_CHECKPOINT_BYTES);
    }

    #[test]
    fn a_cosignature_has_a_time_and_a_name() {
        let text = Checkpoint::new(ORIGIN, 0, EMPTY_ROOT).to_text();
        let line = cosign_line(&text, WITNESS, &secret(6), TIME).unwrap();
        let note = Note::parse(format!("{text}\n{line}").as_bytes()).unwrap();
        let key = VerifierKey::new(WITNESS, KeyType::Cosignature, &secret(6).verifying_key()).unwrap();
        assert_eq!(note.verify(&[key]).unwrap()[0].time, Some(TIME));
        assert!(matches!(cosign_line(&text, WITNESS, &secret(6), 0), Err(WitnessError::NoTime { .. })));
        assert!(matches!(cosign_line(&text, "a b", &secret(6), TIME), Err(WitnessError::Note(_))));
    }
}
