//! Fork evidence: a file by which anyone who knows a log's key sees that the log showed two histories.
//!
//! Two checkpoints that the log signed contradict each other if they have one size and two roots, or if the tree of the
//! larger one does not begin with the tree of the smaller. The latter is shown by hashes of the larger tree: they lead to
//! its signed root, and to another root at the smaller size than the one signed for it (see `proof::prefix_roots`, which
//! says why nobody can make such hashes for a log that only grew). That a log refuses a proof is no evidence.
//!
//! Not here: whose key it is, and what follows for the log's owner.
//!
//! Limits: [`MAX_EVIDENCE_BYTES`], [`MAX_EVIDENCE_HASHES`].
//!
//! # The file
//!
//! ```text
//! luxor/v1/fork-evidence
//! <vkey of the log>
//! hashes <how many; 0 for checkpoints of one size>
//! <base64 hash>, a line each
//! a <bytes of note A>
//! <note A, with its final line feed>
//! b <bytes of note B>
//! <note B, with its final line feed>
//! ```

use std::fmt;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::hash::Hash;
use super::note::{MAX_NOTE_BYTES, Note};
use super::proof::{ProofError, prefix_roots};
use super::text::{excerpt, format_base64, parse_decimal, parse_hash};
use super::vkey::{KeyError, VerifierKey};

/// Most hashes in evidence: a tree of 2^63 - 1 leaves needs 64.
pub const MAX_EVIDENCE_HASHES: usize = 64;

/// Largest file accepted: two notes, the hashes, and 1 KiB for the other lines.
pub const MAX_EVIDENCE_BYTES: usize = 2 * MAX_NOTE_BYTES + MAX_EVIDENCE_HASHES * 45 + 1024;

/// First line of the file.
const HEADER: &str = "luxor/v1/fork-evidence";

/// Why evidence was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Larger than [`MAX_EVIDENCE_BYTES`].
    #[error("fork evidence: {got} bytes, at most {MAX_EVIDENCE_BYTES} are accepted")]
    TooLarge {
        /// Bytes given.
        got: usize,
    },
    /// Not the form of the file.
    #[error("fork evidence, byte {at}: {why}")]
    Malformed {
        /// Where the line or note begins that is wrong.
        at: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// The log's key in the file was refused.
    #[error("fork evidence: {0}")]
    Key(#[from] KeyError),
    /// A note is no checkpoint, or not signed by the log's key.
    #[error("fork evidence, note {note}: {source}")]
    Checkpoint {
        /// `a` or `b`.
        note: char,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// The number of hashes does not fit the sizes.
    #[error("fork evidence: {0}")]
    Proof(#[from] ProofError),
    /// The smaller checkpoint must come first.
    #[error("fork evidence: note a has size {a}, note b {b}; the smaller one comes first")]
    Order {
        /// Size of A.
        a: u64,
        /// Size of B.
        b: u64,
    },
    /// One size and one root.
    #[error("fork evidence: both checkpoints have size {size} and the same root, so they agree")]
    SameRoot {
        /// The size.
        size: u64,
    },
    /// The hashes say nothing about B's tree.
    #[error("fork evidence: the hashes do not lead to the root that note b signs for size {size}")]
    NotOfB {
        /// Size of B.
        size: u64,
    },
    /// B's tree begins with A's tree.
    #[error("fork evidence: the log of size {b} extends the one of size {a}, so the checkpoints agree")]
    Consistent {
        /// Size of A.
        a: u64,
        /// Size of B.
        b: u64,
    },
}

/// Evidence against a log, parsed but not verified; see the module's text. Only [`Self::verify`] makes it count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkEvidence {
    /// The log's key.
    pub log_key: VerifierKey,
    /// Hashes of B's tree that lead to its root and to that of its first A-size leaves; none for checkpoints of one size.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint with the smaller size, verbatim.
    pub a: Vec<u8>,
    /// The signed checkpoint with the larger or the same size, verbatim.
    pub b: Vec<u8>,
}

/// Two histories that one log signed: what evidence proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The log.
    pub origin: String,
    /// The checkpoint with the smaller or the same size.
    pub a: Checkpoint,
    /// The other checkpoint.
    pub b: Checkpoint,
    /// The two roots at A's size: the one A signs, and the one that B's tree has there.
    pub roots: [Hash; 2],
}

impl ForkEvidence {
    /// Makes evidence of two checkpoints with one size and two roots.
    ///
    /// # Errors
    /// As [`Self::verify`]: what proves nothing is not made.
    pub fn same_size(log_key: &VerifierKey, a: &[u8], b: &[u8]) -> Result<Self, EvidenceError> {
        Self::different_sizes(log_key, a, b, &[])
    }

    /// Makes evidence of two checkpoints with different sizes, the smaller one first. `proof` are the hashes that
    /// `prefix_proof` gives over B's tree: the consistency proof that B's history gives, and, where A's size is a power of
    /// two, before it the hash of B's first A-size leaves, which a consistency proof leaves out.
    ///
    /// # Errors
    /// As [`Self::verify`]: what proves nothing is not made.
    pub fn different_sizes(log_key: &VerifierKey, a: &[u8], b: &[u8], proof: &[Hash]) -> Result<Self, EvidenceError> {
        let evidence = Self { log_key: log_key.clone(), hashes: proof.to_vec(), a: a.to_vec(), b: b.to_vec() };
        evidence.verify()?;
        Ok(evidence)
    }

    /// Writes the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{HEADER}\n{}\nhashes {}\n", self.log_key, self.hashes.len());
        for hash in &self.hashes {
            head.push_str(&format_base64(hash));
            head.push('\n');
        }
        let mut out = head.into_bytes();
        for (name, note) in [('a', &self.a), ('b', &self.b)] {
            out.extend_from_slice(format!("{name} {}\n", note.len()).as_bytes());
            out.extend_from_slice(note);
        }
        out
    }

    /// Reads the file; every accepted file has exactly one spelling, the one [`Self::to_bytes`] writes.
    ///
    /// Both notes must be well-formed checkpoints; nothing is verified here.
    ///
    /// # Errors
    /// [`EvidenceError`] saying what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        if bytes.len() > MAX_EVIDENCE_BYTES {
            return Err(EvidenceError::TooLarge { got: bytes.len() });
        }
        let mut rest = Rest { all: bytes.len(), rest: bytes };
        if rest.line()? != HEADER {
            return Err(EvidenceError::Malformed { at: 0, why: "is not \"luxor/v1/fork-evidence\"" });
        }
        let log_key = VerifierKey::parse(rest.line()?)?;
        let count = rest.number("hashes ", "is not \"hashes\" with a decimal from 0 to 64", MAX_EVIDENCE_HASHES)?;
        let mut hashes = Vec::with_capacity(count);
        for _ in 0..count {
            let at = rest.at();
            let hash = parse_hash(rest.line()?);
            hashes.push(hash.ok_or(EvidenceError::Malformed { at, why: "is not a hash (32 bytes in base64)" })?);
        }
        let a = rest.note("a ")?;
        let b = rest.note("b ")?;
        if !rest.rest.is_empty() {
            return Err(EvidenceError::Malformed { at: rest.at(), why: "something follows note b" });
        }
        for (note, bytes) in [('a', &a), ('b', &b)] {
            let text = Note::parse(bytes).map_err(CheckpointError::from).map(|note| note.text);
            text.and_then(|text| Checkpoint::parse(&text))
                .map_err(|source| EvidenceError::Checkpoint { note, source })?;
        }
        Ok(Self { log_key, hashes, a, b })
    }

    /// Verifies both signatures and that the checkpoints contradict each other.
    ///
    /// # Errors
    /// [`EvidenceError`] saying why this is no evidence; two checkpoints that agree are refused.
    pub fn verify(&self) -> Result<Fork, EvidenceError> {
        let open = |note, bytes| {
            Checkpoint::open(bytes, &self.log_key).map_err(|source| EvidenceError::Checkpoint { note, source })
        };
        let (a, b) = (open('a', &self.a)?, open('b', &self.b)?);
        if a.size > b.size {
            return Err(EvidenceError::Order { a: a.size, b: b.size });
        }
        let root_in_b = if a.size == b.size {
            if !self.hashes.is_empty() {
                let (what, got) = ("prefix", self.hashes.len());
                return Err(ProofError::Length { what, got, want: 0 }.into());
            }
            if a.root == b.root {
                return Err(EvidenceError::SameRoot { size: a.size });
            }
            b.root
        } else {
            let roots = prefix_roots(a.size, b.size, &self.hashes)?;
            if roots.new != b.root {
                return Err(EvidenceError::NotOfB { size: b.size });
            }
            if roots.old == a.root {
                return Err(EvidenceError::Consistent { a: a.size, b: b.size });
            }
            roots.old
        };
        Ok(Fork { origin: a.origin.clone(), roots: [a.root, root_in_b], a, b })
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [signed, in_b] = self.roots.map(|root| format_base64(&root));
        write!(
            f,
            "the log \"{}\" signed two histories: its checkpoint of size {} has the root {signed}, its checkpoint of \
             size {} has the root {in_b} at that size",
            excerpt(&self.origin),
            self.a.size,
            self.b.size,
        )
    }
}

/// What of the file is not yet read.
struct Rest<'a> {
    all: usize,
    rest: &'a [u8],
}

impl<'a> Rest<'a> {
    fn at(&self) -> usize {
        self.all - self.rest.len()
    }

    fn line(&mut self) -> Result<&'a str, EvidenceError> {
        let malformed = |why| EvidenceError::Malformed { at: self.at(), why };
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        // The line feed just found is the first byte of the second part.
        let (line, after) = self.rest.split_at(end.ok_or_else(|| malformed("the file ends in this line"))?);
        let line = std::str::from_utf8(line).map_err(|_| malformed("is not UTF-8"))?;
        self.rest = after.get(1..).unwrap_or_default();
        Ok(line)
    }

    fn number(&mut self, label: &str, why: &'static str, most: usize) -> Result<usize, EvidenceError> {
        let at = self.at();
        let number = self.line()?.strip_prefix(label).and_then(parse_decimal);
        let number = number.and_then(|number| usize::try_from(number).ok()).filter(|number| *number <= most);
        number.ok_or(EvidenceError::Malformed { at, why })
    }

    fn note(&mut self, label: &str) -> Result<Vec<u8>, EvidenceError> {
        let length = self.number(label, "is not the label and length of a note", MAX_NOTE_BYTES)?;
        let split = self.rest.split_at_checked(length);
        let too_short = EvidenceError::Malformed { at: self.at(), why: "the file ends in this note" };
        let (note, after) = split.ok_or(too_short)?;
        self.rest = after;
        Ok(note.to_vec())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::super::edge::Edge;
    use super::super::hash::{EMPTY_ROOT, leaf_hash};
    use super::super::proof::{consistency_proof, prefix_proof, root_at};
    use super::super::vkey::KeyType;
    use super::*;

    const ORIGIN: &str = "log.example/1";

    fn secret() -> SigningKey {
        SigningKey::from_bytes(&[5; 32])
    }

    fn log_key() -> VerifierKey {
        VerifierKey::new(ORIGIN, KeyType::Ed25519, &secret().verifying_key()).unwrap()
    }

    /// A log whose entry `changed`, if it has that many, is another than in the log without a change.
    fn log(size: u64, changed: Option<u64>) -> (Edge, Vec<u8>) {
        let mut edge = Edge::new();
        for index in 0..size {
            edge.push(leaf_hash(&[index as u8, u8::from(Some(index) == changed)]), &mut Vec::new());
        }
        let note = Checkpoint::new(ORIGIN, size, edge.root()).sign(&secret()).unwrap().to_bytes();
        (edge, note)
    }

    proptest! {
        /// Evidence exists exactly where the histories differ, whatever is tried as a proof.
        #[test]
        fn only_a_fork_can_be_shown(a in 1u64..40, more in 0u64..40, changed in 0u64..80) {
            let b = a + more;
            let (_, note_a) = log(a, None);
            let (edge_b, note_b) = log(b, Some(changed));
            let (honest_edge, honest_b) = log(b, None);
            if more == 0 {
                let made = ForkEvidence::same_size(&log_key(), &note_a, &note_b);
                prop_assert_eq!(made.is_ok(), changed < a);
                prop_assert_eq!(
                    ForkEvidence::same_size(&log_key(), &note_a, &honest_b),
                    Err(EvidenceError::SameRoot { size: a })
                );
            } else {
                let proof = prefix_proof(&edge_b, a, b).unwrap();
                let made = ForkEvidence::different_sizes(&log_key(), &note_a, &note_b, &proof);
                prop_assert_eq!(made.is_ok(), changed < a);
                if let Ok(made) = made {
                    let fork = made.verify().unwrap();
                    prop_assert_eq!(fork.roots[1], root_at(&edge_b, a).unwrap());
                    prop_assert_eq!((fork.origin.as_str(), fork.a.size, fork.b.size), (ORIGIN, a, b));
                    prop_assert_eq!(ForkEvidence::parse(&made.to_bytes()).unwrap(), made);
                }
                // Against the log that only grew: neither the true proof nor that of another history.
                let true_proof = prefix_proof(&honest_edge, a, b).unwrap();
                let refused = ForkEvidence::different_sizes(&log_key(), &note_a, &honest_b, &true_proof);
                prop_assert_eq!(refused, Err(EvidenceError::Consistent { a, b }));
                if changed < b {
                    let refused = ForkEvidence::different_sizes(&log_key(), &note_a, &honest_b, &proof);
                    prop_assert_eq!(refused, Err(EvidenceError::NotOfB { size: b }));
                }
            }
        }

        #[test]
        fn a_log_that_only_grew_cannot_be_framed(
            a in 1u64..40, more in 1u64..40, at: prop::sample::Index, put: [u8; 32], drop: bool,
        ) {
            let (_, note_a) = log(a, None);
            let (edge, note_b) = log(a + more, None);
            let mut proof = prefix_proof(&edge, a, a + more).unwrap();
            let at = at.index(proof.len());
            if drop { proof.remove(at); } else { proof[at] = put; }
            prop_assert!(ForkEvidence::different_sizes(&log_key(), &note_a, &note_b, &proof).is_err());
            // What a consistency proof holds is not enough where it leaves the old root out.
            let short = consistency_proof(&edge, a, a + more).unwrap();
            prop_assert!(ForkEvidence::different_sizes(&log_key(), &note_a, &note_b, &short).is_err());
        }

        #[test]
        fn any_bytes_are_refused_or_written_back(
            random in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, put: u8, kind in 0..3,
        ) {
            let good = evidence();
            let mut changed = good.to_bytes();
            let at = at.index(changed.len());
            match kind {
                0 => changed[at] = put,
                1 => changed.insert(at, put),
                _ => { changed.remove(at); }
            }
            let headed = [HEADER.as_bytes(), b"\n", &random].concat();
            for bytes in [random, headed, changed] {
                if let Ok(read) = ForkEvidence::parse(&bytes) {
                    prop_assert_eq!(read == good, bytes == good.to_bytes());
                    prop_assert_eq!(read.to_bytes(), bytes);
                    // No byte is idle: what was changed in good evidence makes it fail.
                    prop_assert_eq!(read.verify().is_ok(), read == good);
                }
            }
        }
    }

    /// A fork between sizes 8 and 13: the power of two, where a consistency proof leaves out the old root.
    fn evidence() -> ForkEvidence {
        let (_, a) = log(8, None);
        let (edge, b) = log(13, Some(3));
        ForkEvidence::different_sizes(&log_key(), &a, &b, &prefix_proof(&edge, 8, 13).unwrap()).unwrap()
    }

    #[test]
    fn what_is_no_evidence_is_refused() {
        let good = evidence();
        assert!(good.verify().unwrap().to_string().contains("signed two histories"));
        let with = |change: fn(&mut ForkEvidence)| {
            let mut evidence = evidence();
            change(&mut evidence);
            evidence.verify().unwrap_err()
        };
        assert_eq!(with(|e| std::mem::swap(&mut e.a, &mut e.b)), EvidenceError::Order { a: 13, b: 8 });
        assert!(matches!(with(|e| e.b = e.a.clone()), EvidenceError::Proof(ProofError::Length { want: 0, .. })));
        assert!(matches!(with(|e| e.hashes.clear()), EvidenceError::Proof(ProofError::Length { .. })));
        // Another log's key, another log's checkpoint, a cosigner's key.
        let key = |name: &str, key_type| VerifierKey::new(name, key_type, &secret().verifying_key()).unwrap();
        for log_key in [key("log.example/2", KeyType::Ed25519), key(ORIGIN, KeyType::Cosignature)] {
            let refused = ForkEvidence { log_key, ..good.clone() }.verify();
            assert!(matches!(refused, Err(EvidenceError::Checkpoint { note: 'a', .. })));
        }
        let mut other = Note::new(Checkpoint::new("log.example/2", 13, [1; 32]).to_text()).unwrap();
        other.sign_ed25519(ORIGIN, &secret()).unwrap();
        let refused = ForkEvidence { b: other.to_bytes(), ..good.clone() }.verify();
        assert!(matches!(refused, Err(EvidenceError::Checkpoint { note: 'b', .. })));
        // An empty tree is the start of every tree.
        let empty = Checkpoint::new(ORIGIN, 0, EMPTY_ROOT).sign(&secret()).unwrap().to_bytes();
        let refused = ForkEvidence::different_sizes(&log_key(), &empty, &good.b, &[]);
        assert_eq!(refused, Err(EvidenceError::Proof(ProofError::OldTreeEmpty { new: 13 })));
    }

    #[test]
    fn cosignatures_stay_in_the_notes_and_do_not_count() {
        let mut good = evidence();
        let mut a = Note::parse(&good.a).unwrap();
        a.cosign("witness.example/w", &SigningKey::from_bytes(&[6; 32]), 1_700_000_000).unwrap();
        good.a = a.to_bytes();
        assert_eq!(ForkEvidence::parse(&good.to_bytes()).unwrap().verify().unwrap(), evidence().verify().unwrap());
        a.signatures.remove(0);
        good.a = a.to_bytes();
        assert!(matches!(good.verify(), Err(EvidenceError::Checkpoint { note: 'a', .. })));
    }

    #[test]
    fn malformed_files_are_refused() {
        let good = String::from_utf8(evidence().to_bytes()).unwrap();
        let swap = |from: &str, to: &str| {
            assert!(good.contains(from), "{from:?}");
            good.replacen(from, to, 1)
        };
        for bad in [
            String::new(),
            HEADER.into(),
            format!("{HEADER}\n"),
            swap("v1/fork", "v2/fork"),
            swap("evidence\n", "evidence\r\n"),
            swap("log.example/1+", "log.example/2+"),
            swap("hashes 2", "hashes 02"),
            swap("hashes 2", "hashes 1"),
            swap("hashes 2", "hashes 3"),
            swap("hashes 2", "hashes 65"),
            swap("\na ", "\nb "),
            swap("\na ", "\na 0"),
            swap("\na ", "\na 1"),
            format!("{good}\n"),
            good[..good.len() - 1].into(),
        ] {
            assert!(ForkEvidence::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        let large = vec![b'a'; MAX_EVIDENCE_BYTES + 1];
        assert!(matches!(ForkEvidence::parse(&large), Err(EvidenceError::TooLarge { .. })));
    }
}
