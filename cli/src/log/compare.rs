//! Whether a log's tree extends an earlier checkpoint, and the evidence where it does not.

use luxor_protocol::tlog::{
    EMPTY_ROOT, ForkEvidence, TiledLog, VerifierKey, consistency_proof, prefix_proof, prefix_roots, root_at,
    verify_consistency,
};

use super::open::Opened;
use super::source::{LogSource, read_failed};
use crate::exit::FindingError;

/// How two checkpoints of one log stand to each other.
pub(super) enum Comparison {
    /// The larger tree begins with the smaller, or they are the same.
    Extends,
    /// They contradict each other.
    Fork(Box<ForkEvidence>),
}

/// Compares two signed checkpoints, the smaller first; `source` has the tree of the larger, and is proven to.
pub(super) fn compare(old: &Opened, new: &Opened, source: &LogSource) -> anyhow::Result<Comparison> {
    let (a, b) = (&old.checkpoint, &new.checkpoint);
    if a.size == b.size {
        return match a.root == b.root {
            true => Ok(Comparison::Extends),
            false => fork(ForkEvidence::same_size(&new.key, &old.bytes, &new.bytes)),
        };
    }
    if a.size == 0 {
        return match a.root == EMPTY_ROOT {
            true => Ok(Comparison::Extends),
            false => Err(FindingError("the checkpoint of size 0 has another root than the empty tree".into()).into()),
        };
    }
    let tree = TiledLog::new(source, b.size);
    let hashes = prefix_proof(&tree, a.size, b.size).map_err(read_failed)?;
    let roots = prefix_roots(a.size, b.size, &hashes).map_err(|error| FindingError(error.to_string()))?;
    if roots.new != b.root {
        return Err(not_its_tree(source, b.size).into());
    }
    if roots.old != a.root {
        return fork(ForkEvidence::different_sizes(&new.key, &old.bytes, &new.bytes, &hashes));
    }
    Ok(Comparison::Extends)
}

/// The proof that the source's tree extends a size, checked to lead to the checkpoint's root.
pub(super) fn proof_from(
    old: u64,
    new: &Opened,
    source: &LogSource,
) -> anyhow::Result<Vec<luxor_protocol::tlog::Hash>> {
    let (size, root) = (new.checkpoint.size, &new.checkpoint.root);
    let tree = TiledLog::new(source, size);
    let proof = consistency_proof(&tree, old, size).map_err(read_failed)?;
    if old > 0 && old < size {
        let old_root = root_at(&tree, old).map_err(read_failed)?;
        verify_consistency(old, &old_root, size, root, &proof).map_err(|_| not_its_tree(source, size))?;
    }
    Ok(proof)
}

/// The words for a source whose tiles are not those of its checkpoint.
pub(super) fn not_its_tree(source: &LogSource, size: u64) -> FindingError {
    FindingError(format!(
        "the tiles of {} do not lead to the checkpoint's root at {size} entries; hint: `luxor log verify` names what is \
         damaged",
        source.name()
    ))
}

/// Both checkpoints in words.
pub(super) fn fork_words(evidence: &ForkEvidence) -> String {
    evidence.verify().map_or_else(|error| error.to_string(), |fork| fork.to_string())
}

/// Whether two keys are one, in words if not.
pub(super) fn same_key(
    stored: &VerifierKey,
    given: &VerifierKey,
    place: &str,
) -> Result<(), crate::exit::RefusedError> {
    if stored == given {
        return Ok(());
    }
    Err(crate::exit::RefusedError(format!(
        "{place} holds the key {stored}, but the log's key is {given}\nhint: another log, or a node's next epoch, goes into a \
         folder of its own"
    )))
}

fn fork(evidence: Result<ForkEvidence, luxor_protocol::tlog::EvidenceError>) -> anyhow::Result<Comparison> {
    let evidence = evidence.map_err(|error| FindingError(error.to_string()))?;
    Ok(Comparison::Fork(Box::new(evidence)))
}
