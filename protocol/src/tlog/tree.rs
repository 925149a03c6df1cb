//! RFC 6962 tree mathematics: the compact range that appends and gives the root.
//!
//! Not here: proofs (see `proof`), tiles and where hashes are kept (see `edge`), signed tree heads (see `checkpoint`).
//!
//! Limit: [`MAX_TREE_SIZE`].

use super::hash::{EMPTY_ROOT, Hash, node_hash};

/// Largest tree size accepted from outside: 2^63 - 1, the largest that Go's tlog library (an int64) can check.
pub const MAX_TREE_SIZE: u64 = (1 << 63) - 1;

/// Why a compact range could not be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A compact range was given the wrong number of hashes.
    #[error("compact range of size {size}: {got} hashes given, {want} needed (one for each set bit of the size)")]
    FrontierCount {
        /// Tree size claimed.
        size: u64,
        /// Hashes given.
        got: usize,
        /// Hashes needed.
        want: usize,
    },
    /// A tree size above [`MAX_TREE_SIZE`].
    #[error("tree size {size}: above the largest size accepted, {MAX_TREE_SIZE}")]
    TooLarge {
        /// Tree size claimed.
        size: u64,
    },
}

/// The compact range `[0, size)`: the roots of the largest complete subtrees, left to right, one for each set bit of
/// the size. It appends and gives the root in O(log n) memory. Source: RFC 6962 section 2.1 (MTH).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Restores a frontier from its size and hashes (largest subtree first).
    ///
    /// # Errors
    /// [`TreeError::FrontierCount`] if there is not one hash for each set bit of `size`;
    /// [`TreeError::TooLarge`] if `size` is above [`MAX_TREE_SIZE`].
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Result<Self, TreeError> {
        if size > MAX_TREE_SIZE {
            return Err(TreeError::TooLarge { size });
        }
        let (got, want) = (hashes.len(), size.count_ones() as usize);
        if got != want {
            return Err(TreeError::FrontierCount { size, got, want });
        }
        Ok(Self { size, hashes })
    }

    /// Appends one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each trailing one bit of the size is a complete subtree as large as the one just finished: merge them.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree; [`EMPTY_ROOT`] without leaves. RFC 6962 section 2.1.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut from_right = self.hashes.iter().rev();
        match from_right.next() {
            None => EMPTY_ROOT,
            Some(last) => from_right.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// The subtree roots, largest first; store them with [`Self::size`] for [`Self::from_parts`].
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }
}

/// Root of the tree over all given leaf hashes. RFC 6962 section 2.1 (MTH).
#[must_use]
pub fn root_of(leaf_hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for leaf in leaf_hashes {
        frontier.push(*leaf);
    }
    frontier.root()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::hash::leaf_hash;
    use super::*;

    #[test]
    fn roots_of_small_trees_follow_the_definition() {
        let [a, b, c] = [b"a", b"b", b"c"].map(|entry| leaf_hash(entry));
        assert_eq!(root_of(&[]), EMPTY_ROOT);
        assert_eq!(root_of(&[a]), a);
        assert_eq!(root_of(&[a, b, c]), node_hash(&node_hash(&a, &b), &c));
    }

    #[test]
    fn a_frontier_is_restored_only_from_the_right_number_of_hashes() {
        let mut frontier = Frontier::new();
        for leaf in (0..11u8).map(|i| leaf_hash(&[i])) {
            frontier.push(leaf);
        }
        let parts = frontier.hashes().to_vec();
        assert_eq!(Frontier::from_parts(11, parts.clone()).unwrap(), frontier);
        assert!(matches!(Frontier::from_parts(10, parts), Err(TreeError::FrontierCount { .. })));
        assert!(matches!(Frontier::from_parts(1 << 63, vec![[0; 32]]), Err(TreeError::TooLarge { .. })));
    }
}
