//! What a checkpoint of another's log means to somebody who holds an earlier one: it goes on from it, says no more, cannot be
//! placed, or contradicts it. Used wherever members tell each other checkpoints.
//!
//! The proof beside a checkpoint is here always a prefix proof (see `proof::prefix_proof`), not the consistency proof of
//! RFC 6962: it leads to both roots without taking one on trust, so that the very answer of a log that forked proves the fork.
//!
//! Not here: cosigning (see `witness`), where checkpoints are kept, who tells them.

use super::checkpoint::{Checkpoint, CheckpointError};
use super::evidence::{EvidenceError, ForkEvidence};
use super::hash::{EMPTY_ROOT, Hash};
use super::proof::{ProofError, prefix_roots};
use super::vkey::VerifierKey;
use super::witness::Held;

/// What is thought of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// It goes on from what is held, or is the first: hold it.
    Newer(Held),
    /// The same tree; the note may have other signatures.
    Same(Held),
    /// It is smaller than what is held: told late, or by a log that was set back.
    Older {
        /// Its size.
        size: u64,
    },
    /// It contradicts what is held: evidence for anyone.
    Fork(Box<ForkEvidence>),
}

/// Why nothing follows from what was told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObserveError {
    /// It is no checkpoint of this log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The proof has not the form that the sizes ask for.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The hashes do not lead to the checkpoint's root.
    #[error(
        "the proof does not lead to the root of the checkpoint of size {size}\nhint: ask again; until one does, the log is unproven"
    )]
    Unproven {
        /// The checkpoint's size.
        size: u64,
    },
    /// A checkpoint of size 0 with another root than that of the empty tree.
    #[error("the checkpoint of size 0 has another root than the empty tree")]
    EmptyRoot,
    /// The contradiction makes no evidence; a defect.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

/// Places a signed checkpoint against the largest one held of the same log. `proof` leads from the size held to the
/// checkpoint's size; it is empty where there is nothing to prove.
///
/// # Errors
/// [`ObserveError`] when nothing follows; what is held then stays, and the log counts as unproven.
pub fn observe(
    held: Option<&Held>,
    note_bytes: &[u8],
    proof: &[Hash],
    log_key: &VerifierKey,
) -> Result<Observed, ObserveError> {
    let told = Checkpoint::open(note_bytes, log_key)?;
    let new = Held { size: told.size, root: told.root, note_bytes: note_bytes.to_vec() };
    if told.size == 0 && told.root != EMPTY_ROOT {
        return Err(ObserveError::EmptyRoot);
    }
    let Some(held) = held.filter(|held| held.size > 0) else { return Ok(Observed::Newer(new)) };
    if told.size < held.size {
        return Ok(Observed::Older { size: told.size });
    }
    if told.size == held.size {
        if told.root == held.root {
            return Ok(Observed::Same(new));
        }
        let evidence = ForkEvidence::same_size(log_key, &held.note_bytes, note_bytes)?;
        return Ok(Observed::Fork(Box::new(evidence)));
    }
    let roots = prefix_roots(held.size, told.size, proof)?;
    if roots.new != told.root {
        return Err(ObserveError::Unproven { size: told.size });
    }
    if roots.old == held.root {
        return Ok(Observed::Newer(new));
    }
    let evidence = ForkEvidence::different_sizes(log_key, &held.note_bytes, note_bytes, proof)?;
    Ok(Observed::Fork(Box::new(evidence)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::super::edge::Edge;
    use super::super::hash::leaf_hash;
    use super::super::proof::prefix_proof;
    use super::super::vkey::KeyType;
    use super::*;

    const ORIGIN: &str = "log.example/1";

    fn secret() -> SigningKey {
        SigningKey::from_bytes(&[5; 32])
    }

    fn key() -> VerifierKey {
        VerifierKey::new(ORIGIN, KeyType::Ed25519, &secret().verifying_key()).unwrap()
    }

    /// A log of this size; from entry `changed` on it goes another way.
    fn log(size: u64, changed: u64) -> (Edge, Held) {
        let mut edge = Edge::new();
        for index in 0..size {
            edge.push(leaf_hash(&[index as u8, u8::from(index >= changed)]), &mut Vec::new());
        }
        let note_bytes = Checkpoint::new(ORIGIN, size, edge.root()).sign(&secret()).unwrap().to_bytes();
        let held = Held { size, root: edge.root(), note_bytes };
        (edge, held)
    }

    proptest! {
        #[test]
        fn a_log_that_grew_is_newer_and_one_that_forked_is_proven(
            a in 1u64..60, more in 0u64..60, changed in 0u64..120, damaged in any::<prop::sample::Index>(),
        ) {
            let b = a + more;
            let (_, held) = log(a, u64::MAX);
            let (edge, told) = log(b, changed);
            let mut proof = if more > 0 { prefix_proof(&edge, a, b).unwrap() } else { Vec::new() };
            let observed = observe(Some(&held), &told.note_bytes, &proof, &key()).unwrap();
            match observed {
                Observed::Fork(evidence) => {
                    prop_assert!(changed < a);
                    let read = ForkEvidence::parse(&evidence.to_bytes()).unwrap();
                    prop_assert_eq!(read.verify().unwrap().a.root, held.root);
                }
                Observed::Newer(new) => prop_assert!(changed >= a && more > 0 && new == told),
                Observed::Same(new) => prop_assert!(changed >= a && more == 0 && new == told),
                Observed::Older { .. } => prop_assert!(false),
            }
            prop_assert_eq!(observe(None, &told.note_bytes, &[], &key()), Ok(Observed::Newer(told.clone())));
            let smaller = observe(Some(&told), &held.note_bytes, &[], &key());
            prop_assert_eq!(smaller == Ok(Observed::Older { size: a }), more > 0);
            if !proof.is_empty() {
                // Another proof shows neither that the log grew nor that it forked.
                let at = damaged.index(proof.len());
                proof[at][0] ^= 1;
                let said = observe(Some(&held), &told.note_bytes, &proof, &key());
                prop_assert_eq!(said, Err(ObserveError::Unproven { size: b }));
                let said = observe(Some(&held), &told.note_bytes, &proof[1..], &key());
                prop_assert!(matches!(said, Err(ObserveError::Proof(_))));
            }
        }
    }

    #[test]
    fn what_the_log_did_not_sign_says_nothing() {
        let (_, held) = log(3, u64::MAX);
        let other = SigningKey::from_bytes(&[6; 32]);
        let forged = Checkpoint::new(ORIGIN, 3, [1; 32]).sign(&other).unwrap().to_bytes();
        assert!(matches!(observe(Some(&held), &forged, &[], &key()), Err(ObserveError::Checkpoint(_))));
        let empty = Checkpoint::new(ORIGIN, 0, [1; 32]).sign(&secret()).unwrap().to_bytes();
        assert_eq!(observe(None, &empty, &[], &key()), Err(ObserveError::EmptyRoot));
    }
}
