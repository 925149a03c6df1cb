//! The tree of RFC 6962 (split at the largest power of two below the count) over BLAKE3 digests: of a batch, of a summary.
//!
//! Not here: the log's and the channels' trees, which are of SHA-256 ([`crate::tlog`]).

use crate::hash::{Digest, Domain};

/// A tree by the domains of its leaves and inner nodes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) leaf: Domain,
    pub(crate) node: Domain,
}

impl Shape {
    /// The leaf over what stands in the tree.
    pub(crate) fn leaf(self, content: &[u8]) -> Digest {
        Digest::of(self.leaf, &[content])
    }

    /// The root over leaves; [`Digest::ZERO`] over none.
    pub(crate) fn root(self, leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::ZERO,
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                self.over(&self.root(left), &self.root(right))
            }
        }
    }

    /// The path of the leaf at `index`, its sibling first; `None` beyond the end.
    pub(crate) fn path(self, leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
        if index >= leaves.len() {
            return None;
        }
        let (mut leaves, mut index, mut path) = (leaves, index, Vec::new());
        while leaves.len() > 1 {
            let (left, right) = leaves.split_at(split(leaves.len()));
            if index < left.len() {
                path.push(self.root(right));
                leaves = left;
            } else {
                path.push(self.root(left));
                index -= left.len();
                leaves = right;
            }
        }
        path.reverse();
        Some(path)
    }

    /// The root to which a path leads from the leaf at `index` of `count`; `None` where the path has another length.
    pub(crate) fn climb(self, count: usize, index: usize, leaf: Digest, path: &[Digest]) -> Option<Digest> {
        if index >= count {
            return None;
        }
        if count == 1 {
            return path.is_empty().then_some(leaf);
        }
        let (sibling, rest) = path.split_last()?;
        let left = split(count);
        if index < left {
            Some(self.over(&self.climb(left, index, leaf, rest)?, sibling))
        } else {
            Some(self.over(sibling, &self.climb(count - left, index - left, leaf, rest)?))
        }
    }

    fn over(self, left: &Digest, right: &Digest) -> Digest {
        Digest::of(self.node, &[&left.0, &right.0])
    }
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}
