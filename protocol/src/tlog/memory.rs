//! A whole tree in memory: every complete node, so that any proof over it is read off.
//!
//! For programs that read a log from its first entry and then prove something about it. Not for a node: it keeps tiles (see
//! `edge`).
//!
//! Memory: 64 bytes a leaf.

use super::edge::MissingNode;
use super::hash::{Hash, node_hash};
use super::proof::{NodeReader, root_at};

/// A tree that grows leaf by leaf and forgets nothing.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    /// Complete nodes by level; the first level holds the leaves.
    levels: Vec<Vec<Hash>>,
}

impl MemoryTree {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(hash);
            match nodes.as_slice() {
                [.., left, right] if nodes.len().is_multiple_of(2) => hash = node_hash(left, right),
                _ => return,
            }
        }
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// The hash of a leaf.
    #[must_use]
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.node(0, index).ok()
    }

    /// Root of the first `size` leaves; `None` beyond the tree.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        root_at(self, size).ok().filter(|_| size <= self.size())
    }
}

impl NodeReader for MemoryTree {
    type Error = MissingNode;

    fn node(&self, level: u32, index: u64) -> Result<Hash, MissingNode> {
        let nodes = usize::try_from(level).ok().and_then(|level| self.levels.get(level));
        let hash = nodes.zip(usize::try_from(index).ok()).and_then(|(nodes, index)| nodes.get(index));
        hash.copied().ok_or(MissingNode { level, index })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::hash::leaf_hash;
    use super::super::proof::{inclusion_proof, prefix_proof, prefix_roots, verify_inclusion};
    use super::super::tree::root_of;
    use super::*;

    proptest! {
        #[test]
        fn it_has_every_root_and_every_proof(size in 1u64..200, at in 0u64..200, old in 0u64..220) {
            let leaves: Vec<_> = (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect();
            let mut tree = MemoryTree::new();
            leaves.iter().for_each(|leaf| tree.push(*leaf));
            prop_assert_eq!(tree.size(), size);
            prop_assert_eq!(tree.root_at(old), (old <= size).then(|| root_of(&leaves[..old as usize])));
            prop_assert_eq!(tree.leaf(at), leaves.get(at as usize).copied());
            let root = tree.root_at(size).unwrap();
            if at < size {
                let proof = inclusion_proof(&tree, at, size).unwrap();
                prop_assert_eq!(verify_inclusion(&leaves[at as usize], at, size, &proof, &root), Ok(()));
            }
            if (1..size).contains(&old) {
                let roots = prefix_roots(old, size, &prefix_proof(&tree, old, size).unwrap()).unwrap();
                prop_assert_eq!((roots.old, roots.new), (tree.root_at(old).unwrap(), root));
            }
        }
    }
}
