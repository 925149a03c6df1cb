//! RFC 6962 proofs: inclusion and consistency, built over any [`NodeReader`] and verified without one.
//!
//! Not here: tiles and where hashes are kept (see `edge` and `tile`), proof files (see `proof_file`).
//!
//! No limit of its own: a proof's length is fixed by the tree sizes, at most 64 hashes.

use super::hash::{EMPTY_ROOT, Hash, node_hash};

/// Why a proof did not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf index lies outside the tree.
    #[error("inclusion proof: index {index} is not below the tree size {size}")]
    IndexOutOfRange {
        /// Leaf index claimed.
        index: u64,
        /// Tree size claimed.
        size: u64,
    },
    /// The old tree is larger than the new one, or as large where it must be smaller.
    #[error("consistency proof: old size {old} is too large for the new size {new}")]
    SizesReversed {
        /// Size of the old tree.
        old: u64,
        /// Size of the new tree.
        new: u64,
    },
    /// The old tree is empty: every tree extends it, so nothing can be proven.
    #[error("consistency proof: the old tree is empty, so a proof would say nothing about the new size {new}")]
    OldTreeEmpty {
        /// Size of the new tree.
        new: u64,
    },
    /// Too many or too few hashes.
    #[error("{what} proof: {got} hashes given, exactly {want} needed")]
    Length {
        /// `inclusion`, `consistency` or `prefix`.
        what: &'static str,
        /// Hashes given.
        got: usize,
        /// Hashes needed.
        want: usize,
    },
    /// The proof leads to another root.
    #[error("{what} proof: the hashes lead to another {root} than the one given")]
    RootMismatch {
        /// `inclusion` or `consistency`.
        what: &'static str,
        /// `root`, `old root` or `new root`.
        root: &'static str,
    },
}

/// Why a proof could not be built; `E` is the reader's error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// The leaf index lies outside the tree.
    #[error("building an inclusion proof: index {index} is not below the tree size {size}")]
    IndexOutOfRange {
        /// Leaf index asked for.
        index: u64,
        /// Tree size asked for.
        size: u64,
    },
    /// The old tree is larger than the new one.
    #[error("building a consistency proof: old size {old} is above the new size {new}")]
    SizesReversed {
        /// Old size asked for.
        old: u64,
        /// New size asked for.
        new: u64,
    },
    /// A prefix proof is only for a part of a tree that is neither empty nor the whole.
    #[error("building a prefix proof: the old size {old} is not between 1 and one less than the new size {new}")]
    NoProperPrefix {
        /// Old size asked for.
        old: u64,
        /// New size asked for.
        new: u64,
    },
    /// The reader could not give a node.
    #[error("building a proof: reading the node at level {level}, index {index}: {source}")]
    Node {
        /// Binary level of the node; 0 is the leaf level.
        level: u32,
        /// Index of the node within its level.
        index: u64,
        /// The reader's error.
        source: E,
    },
}

/// Gives hashes of complete subtrees to the functions that build proofs.
pub trait NodeReader {
    /// Why a node cannot be given.
    type Error;

    /// Returns the hash of the complete binary subtree over leaves `index * 2^level .. (index + 1) * 2^level`.
    ///
    /// It is only asked for subtrees that lie wholly inside the tree size named to the proof function.
    ///
    /// # Errors
    /// Whatever keeps the reader from giving the node.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// Root of the first `size` leaves, from at most 64 nodes of the reader; [`EMPTY_ROOT`] for size 0.
///
/// # Errors
/// [`ProveError::Node`] if the reader fails.
pub fn root_at<R: NodeReader + ?Sized>(reader: &R, size: u64) -> Result<Hash, ProveError<R::Error>> {
    range_hash(reader, 0, size)
}

/// Builds the audit path of leaf `index` in the tree of `size` leaves: the leaf's sibling first, the root's child
/// last. RFC 6962 section 2.1.1 (PATH).
///
/// # Errors
/// [`ProveError`] if `index >= size` or the reader fails.
pub fn inclusion_proof<R>(reader: &R, index: u64, size: u64) -> Result<Vec<Hash>, ProveError<R::Error>>
where
    R: NodeReader + ?Sized,
{
    if index >= size {
        return Err(ProveError::IndexOutOfRange { index, size });
    }
    let mut path = Vec::with_capacity(bit_length(size) as usize);
    let (mut low, mut high) = (0, size);
    while high - low > 1 {
        let middle = low + split_point(high - low);
        if index < middle {
            path.push(range_hash(reader, middle, high)?);
            high = middle;
        } else {
            path.push(range_hash(reader, low, middle)?);
            low = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Builds the proof that the tree of `new` leaves extends the tree of `old` leaves; empty if `old` is 0 or equals
/// `new` (as <https://c2sp.org/tlog-witness> wants it). RFC 6962 section 2.1.2 (PROOF, SUBPROOF).
///
/// # Errors
/// [`ProveError`] if `old > new` or the reader fails.
pub fn consistency_proof<R>(reader: &R, old: u64, new: u64) -> Result<Vec<Hash>, ProveError<R::Error>>
where
    R: NodeReader + ?Sized,
{
    if old > new {
        return Err(ProveError::SizesReversed { old, new });
    }
    if old == 0 {
        return Ok(Vec::new());
    }
    if old == new {
        return Ok(Vec::new());
    }
    let mut proof = prefix_proof(reader, old, new)?;
    // Where the old tree itself is a complete left subtree of the new one, the verifier has its root already.
    if old.is_power_of_two() {
        proof.remove(0);
    }
    Ok(proof)
}

/// As [`consistency_proof`] for `0 < old < new`, but always with the hash from which both roots are rebuilt, that of the
/// last complete subtree of the old tree: for [`prefix_roots`], which takes no root on trust. At most 64 hashes.
///
/// # Errors
/// [`ProveError`] if `old` is 0 or not below `new`, or the reader fails.
pub fn prefix_proof<R>(reader: &R, old: u64, new: u64) -> Result<Vec<Hash>, ProveError<R::Error>>
where
    R: NodeReader + ?Sized,
{
    if old == 0 || old >= new {
        return Err(ProveError::NoProperPrefix { old, new });
    }
    let mut path = Vec::with_capacity(bit_length(new) as usize + 1);
    let (mut low, mut high) = (0, new);
    while old != high {
        let middle = low + split_point(high - low);
        if old <= middle {
            path.push(range_hash(reader, middle, high)?);
            high = middle;
        } else {
            path.push(range_hash(reader, low, middle)?);
            low = middle;
        }
    }
    path.push(range_hash(reader, low, high)?);
    path.reverse();
    Ok(path)
}

/// Checks that `leaf_hash` is leaf `index` of the tree of `size` leaves with this root; the number of proof hashes
/// must be exact. RFC 6962 section 2.1.1.
///
/// # Errors
/// [`ProofError`] saying what does not fit.
pub fn verify_inclusion(
    leaf_hash: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::IndexOutOfRange { index, size });
    }
    let (inner, border) = path_lengths(index, size);
    if proof.len() != inner + border {
        return Err(ProofError::Length { what: "inclusion", got: proof.len(), want: inner + border });
    }
    let (below, above) = proof.split_at(inner);
    let hash = below.iter().enumerate().fold(*leaf_hash, |hash, (level, sibling)| {
        if index >> level & 1 == 0 { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) }
    });
    if chain_left(hash, above) != *root {
        return Err(ProofError::RootMismatch { what: "inclusion", root: "root" });
    }
    Ok(())
}

/// Checks that the tree of `new_size` leaves with `new_root` extends the tree of `old_size` leaves with `old_root`;
/// the number of proof hashes must be exact. RFC 6962 section 2.1.2.
///
/// An empty old tree is always refused: it is a prefix of every tree, so success would say nothing about `new_root`.
/// A caller that starts from nothing must treat that case by name.
///
/// # Errors
/// [`ProofError`] saying what does not fit.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    let what = "consistency";
    if old_size > new_size {
        return Err(ProofError::SizesReversed { old: old_size, new: new_size });
    }
    if old_size == 0 {
        return Err(ProofError::OldTreeEmpty { new: new_size });
    }
    if old_size == new_size {
        if !proof.is_empty() {
            return Err(ProofError::Length { what, got: proof.len(), want: 0 });
        }
        let equal = old_root == new_root;
        return if equal { Ok(()) } else { Err(ProofError::RootMismatch { what, root: "new root" }) };
    }
    // Where the old tree is one complete subtree, its root is that subtree's hash and not in the proof.
    let given = usize::from(!old_size.is_power_of_two());
    let (inner, border) = prefix_path_lengths(old_size, new_size);
    let want = given + inner + border;
    if proof.len() != want {
        return Err(ProofError::Length { what, got: proof.len(), want });
    }
    let (last_subtree, path) = proof.split_at(given);
    let roots = rebuild_roots(old_size, last_subtree.first().unwrap_or(old_root), path, inner);
    if roots.old != *old_root {
        return Err(ProofError::RootMismatch { what, root: "old root" });
    }
    if roots.new != *new_root {
        return Err(ProofError::RootMismatch { what, root: "new root" });
    }
    Ok(())
}

/// The two roots that a prefix proof leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefixRoots {
    /// Root of the first `old_size` leaves.
    pub old: Hash,
    /// Root of all `new_size` leaves.
    pub new: Hash,
}

/// Computes the roots that the hashes of [`prefix_proof`] lead to; the number of hashes must be exact.
///
/// If `new` is the root of a tree of `new_size` leaves, then `old` is the root of that tree's first `old_size` leaves:
/// every hash of the proof stands at a place that the two sizes fix, on the way to `new` or beside it, so another
/// value there would be a second preimage under SHA-256. Nothing follows where `new` is another root.
///
/// # Errors
/// [`ProofError::SizesReversed`] unless `old_size < new_size`; [`ProofError::OldTreeEmpty`]; [`ProofError::Length`].
pub fn prefix_roots(old_size: u64, new_size: u64, proof: &[Hash]) -> Result<PrefixRoots, ProofError> {
    if old_size >= new_size {
        return Err(ProofError::SizesReversed { old: old_size, new: new_size });
    }
    if old_size == 0 {
        return Err(ProofError::OldTreeEmpty { new: new_size });
    }
    let (inner, border) = prefix_path_lengths(old_size, new_size);
    match proof.split_first() {
        Some((last_subtree, path)) if path.len() == inner + border => {
            Ok(rebuild_roots(old_size, last_subtree, path, inner))
        }
        _ => Err(ProofError::Length { what: "prefix", got: proof.len(), want: 1 + inner + border }),
    }
}

/// Lengths of the two parts of the path from the last complete subtree of the old tree to the new root. Needs
/// `0 < old_size < new_size`.
fn prefix_path_lengths(old_size: u64, new_size: u64) -> (usize, usize) {
    let (inner, border) = path_lengths(old_size - 1, new_size);
    // The last leaves of a tree and of a larger one part above the last complete subtree of the smaller: no overflow.
    (inner - old_size.trailing_zeros() as usize, border)
}

/// Rebuilds both roots from the last complete subtree of the old tree. Needs a path of [`prefix_path_lengths`].
fn rebuild_roots(old_size: u64, last_subtree: &Hash, path: &[Hash], inner: usize) -> PrefixRoots {
    let (below, above) = path.split_at(inner);
    let mask = (old_size - 1) >> old_size.trailing_zeros();
    let (mut old, mut new) = (*last_subtree, *last_subtree);
    for (level, sibling) in below.iter().enumerate() {
        if mask >> level & 1 == 0 {
            // A right sibling lies beyond the old tree.
            new = node_hash(&new, sibling);
        } else {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
        }
    }
    PrefixRoots { old: chain_left(old, above), new: chain_left(new, above) }
}

/// Hash of leaves `[low, high)`, where `low` is a multiple of every power of two up to the length: folded from right
/// to left out of complete subtrees.
fn range_hash<R: NodeReader + ?Sized>(reader: &R, low: u64, high: u64) -> Result<Hash, ProveError<R::Error>> {
    let mut rest = high - low;
    let mut hash = None;
    while rest > 0 {
        let level = rest.trailing_zeros();
        rest &= rest - 1;
        let index = (low + rest) >> level;
        let left = reader.node(level, index).map_err(|source| ProveError::Node { level, index, source })?;
        hash = Some(hash.map_or(left, |right| node_hash(&left, &right)));
    }
    Ok(hash.unwrap_or(EMPTY_ROOT))
}

/// The largest power of two below `length`, which must be at least 2. RFC 6962 section 2.1 (k).
fn split_point(length: u64) -> u64 {
    1 << (bit_length(length - 1) - 1)
}

fn bit_length(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

/// Lengths of the two parts of the path of leaf `index`: below the point where it leaves the path of the last leaf,
/// and above it, where all siblings are to the left. Needs `index < size`.
fn path_lengths(index: u64, size: u64) -> (usize, usize) {
    let inner = bit_length(index ^ (size - 1));
    let border = index.checked_shr(inner).unwrap_or(0).count_ones();
    (inner as usize, border as usize)
}

fn chain_left(hash: Hash, left_siblings: &[Hash]) -> Hash {
    left_siblings.iter().fold(hash, |right, left| node_hash(left, &right))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::convert::Infallible;

    use super::super::hash::leaf_hash;
    use super::super::tree::root_of;
    use super::*;

    /// The definition itself, by recursion, as the oracle.
    struct Leaves(Vec<Hash>);

    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => EMPTY_ROOT,
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split_point(leaves.len() as u64) as usize);
                node_hash(&mth(left), &mth(right))
            }
        }
    }

    fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(split_point(leaves.len() as u64) as usize);
        let (mut proof, sibling) = if index < left.len() {
            (path(index, left), mth(right))
        } else {
            (path(index - left.len(), right), mth(left))
        };
        proof.push(sibling);
        proof
    }

    fn subproof(old: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
        if old == leaves.len() {
            return if known { Vec::new() } else { vec![mth(leaves)] };
        }
        let (left, right) = leaves.split_at(split_point(leaves.len() as u64) as usize);
        let (mut proof, sibling) = if old <= left.len() {
            (subproof(old, left, known), mth(right))
        } else {
            (subproof(old - left.len(), right, false), mth(left))
        };
        proof.push(sibling);
        proof
    }

    impl NodeReader for Leaves {
        type Error = Infallible;
        fn node(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
            let first = (index << level) as usize;
            Ok(mth(&self.0[first..first + (1 << level)]))
        }
    }

    fn leaves(count: u64) -> Leaves {
        Leaves((0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect())
    }

    #[test]
    fn every_small_tree_agrees_with_the_definition() {
        let all = leaves(40);
        for size in 0..=40u64 {
            let part = &all.0[..size as usize];
            let root = mth(part);
            assert_eq!(root_of(part), root);
            assert_eq!(root_at(&all, size).unwrap(), root);
            for index in 0..size {
                let proof = inclusion_proof(&all, index, size).unwrap();
                assert_eq!(proof, path(index as usize, part));
                verify_inclusion(&part[index as usize], index, size, &proof, &root).unwrap();
            }
            for old in 1..=size {
                let proof = consistency_proof(&all, old, size).unwrap();
                assert_eq!(proof, subproof(old as usize, part, true));
                let old_root = mth(&part[..old as usize]);
                verify_consistency(old, &old_root, size, &root, &proof).unwrap();
                if old < size {
                    let proof = prefix_proof(&all, old, size).unwrap();
                    assert_eq!(prefix_roots(old, size, &proof).unwrap(), PrefixRoots { old: old_root, new: root });
                }
            }
        }
    }

    #[test]
    fn a_changed_proof_is_refused() {
        let all = leaves(21);
        let root = mth(&all.0);
        let old_root = mth(&all.0[..13]);
        let inclusion = inclusion_proof(&all, 9, 21).unwrap();
        let consistency = consistency_proof(&all, 13, 21).unwrap();
        let changes = |proof: &[Hash]| {
            let mut out = vec![proof[1..].to_vec(), proof[..proof.len() - 1].to_vec(), [proof, &[root]].concat()];
            for at in 0..proof.len() {
                let mut changed = proof.to_vec();
                changed[at][31] ^= 1;
                out.push(changed);
            }
            out
        };
        // A wrong length is refused as such, before anything is hashed.
        for bad in changes(&inclusion) {
            let refused = verify_inclusion(&all.0[9], 9, 21, &bad, &root).unwrap_err();
            let length = matches!(refused, ProofError::Length { .. });
            assert_eq!(length, bad.len() != inclusion.len(), "{refused}");
        }
        for bad in changes(&consistency) {
            let refused = verify_consistency(13, &old_root, 21, &root, &bad).unwrap_err();
            let length = matches!(refused, ProofError::Length { .. });
            assert_eq!(length, bad.len() != consistency.len(), "{refused}");
        }
        verify_inclusion(&all.0[9], 8, 21, &inclusion, &root).unwrap_err();
        verify_inclusion(&all.0[9], 21, 21, &inclusion, &root).unwrap_err();
        verify_consistency(12, &old_root, 21, &root, &consistency).unwrap_err();
        verify_consistency(22, &old_root, 21, &root, &consistency).unwrap_err();
        verify_consistency(0, &EMPTY_ROOT, 21, &root, &[]).unwrap_err();
    }

    #[test]
    fn extreme_sizes_do_not_panic() {
        for size in [1, 2, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX] {
            for index in [0, 1, size / 2, size - 1, size] {
                for length in 0..66 {
                    let proof = vec![[0; 32]; length];
                    let _ = verify_inclusion(&[0; 32], index, size, &proof, &[0; 32]);
                    let _ = verify_consistency(index, &[0; 32], size, &[0; 32], &proof);
                    let _ = prefix_roots(index, size, &proof);
                }
            }
        }
    }

    #[test]
    fn impossible_proofs_are_not_built() {
        let all = leaves(4);
        assert!(matches!(inclusion_proof(&all, 4, 4), Err(ProveError::IndexOutOfRange { .. })));
        assert!(matches!(consistency_proof(&all, 5, 4), Err(ProveError::SizesReversed { .. })));
        assert!(consistency_proof(&all, 0, 4).unwrap().is_empty());
        assert!(consistency_proof(&all, 4, 4).unwrap().is_empty());
        for old in [0, 4, 5] {
            assert_eq!(prefix_proof(&all, old, 4), Err(ProveError::NoProperPrefix { old, new: 4 }));
            assert!(prefix_roots(old, 4, &[[0; 32]]).is_err());
        }
    }

    /// The ground of fork evidence: a proof that leads to a tree's root leads to the true root of its prefix.
    #[test]
    fn no_change_of_a_prefix_proof_keeps_the_new_root() {
        let all = leaves(21);
        let root = mth(&all.0);
        for old in 1..21u64 {
            let proof = prefix_proof(&all, old, 21).unwrap();
            for at in 0..proof.len() {
                let mut changed = proof.clone();
                changed[at][0] ^= 1;
                assert_ne!(prefix_roots(old, 21, &changed).unwrap().new, root);
            }
            assert!(matches!(prefix_roots(old, 21, &proof[1..]), Err(ProofError::Length { .. })));
            assert!(matches!(prefix_roots(old, 21, &[]), Err(ProofError::Length { .. })));
        }
    }
}
