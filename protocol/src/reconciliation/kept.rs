//! What one side keeps of a channel, and that in memory for one window.
//!
//! Not here: where the rows of a channel are stored.

use super::window::{Span, Stand};
use crate::tlog::{Hash, MissingNode, NodeReader, node_hash};

/// What one side keeps of a channel: of every number what stands there, and the nodes of the tree over its leaves, level by
/// level ([`NodeReader::node`] of level 0 and index i is the leaf of number i + 1).
///
/// A window is read many times; a root of any part asks for at most 126 nodes.
pub trait Kept: NodeReader {
    /// What stands at a number.
    ///
    /// # Errors
    /// Whatever keeps the reader from telling.
    fn stand(&self, number: u64) -> Result<Stand, Self::Error>;
}

/// [`Kept`] of the numbers of one window, in memory: at most 136 bytes a number.
#[derive(Debug, Clone)]
pub struct WindowTree {
    span: Span,
    stands: Vec<Stand>,
    levels: Vec<Level>,
}

/// The nodes of one level whose leaves are all in the window.
#[derive(Debug, Clone)]
struct Level {
    /// Index of the first in the whole channel's tree.
    first: u64,
    nodes: Vec<Hash>,
}

impl WindowTree {
    /// The tree over what stands at these numbers, in their order; `None` when there are more or fewer stands.
    pub fn new(span: Span, stands: Vec<Stand>) -> Option<Self> {
        if stands.len() as u64 != span.count() {
            return None;
        }
        let leaves = (span.from()..).zip(&stands).map(|(number, stand)| stand.leaf(number)).collect();
        let mut levels = vec![Level { first: span.from() - 1, nodes: leaves }];
        while let Some(next) = levels.last().and_then(Level::above) {
            levels.push(next);
        }
        Some(Self { span, stands, levels })
    }

    /// The numbers that it has.
    pub fn span(&self) -> Span {
        self.span
    }

    /// What stands at its numbers, in their order.
    pub fn stands(&self) -> impl Iterator<Item = (u64, Stand)> + '_ {
        (self.span.from()..).zip(self.stands.iter().copied())
    }

    /// Changes what stands at a number, which there must be; gives what stood there.
    pub fn set(&mut self, number: u64, stand: Stand) -> Option<Stand> {
        let place = usize::try_from(number.checked_sub(self.span.from())?).ok()?;
        let before = std::mem::replace(self.stands.get_mut(place)?, stand);
        let (mut index, mut hash) = (number - 1, stand.leaf(number));
        for level in &mut self.levels {
            let Some(node) = level.place(index).and_then(|place| level.nodes.get_mut(place)) else { break };
            *node = hash;
            let pair = [index & !1, index | 1].map(|of| level.node(of));
            let [Some(left), Some(right)] = pair else { break };
            hash = node_hash(&left, &right);
            index >>= 1;
        }
        Some(before)
    }
}

impl Level {
    fn place(&self, index: u64) -> Option<usize> {
        usize::try_from(index.checked_sub(self.first)?).ok()
    }

    fn node(&self, index: u64) -> Option<Hash> {
        self.nodes.get(self.place(index)?).copied()
    }

    /// The level above it, where that has nodes: of pairs that begin at an even index.
    fn above(&self) -> Option<Self> {
        let skipped = usize::from(self.first % 2 == 1);
        let pairs = self.nodes.get(skipped..)?.chunks_exact(2);
        let nodes: Vec<Hash> = pairs.map(|pair| node_hash(&pair[0], &pair[1])).collect();
        (!nodes.is_empty()).then_some(Self { first: self.first.div_ceil(2), nodes })
    }
}

impl NodeReader for WindowTree {
    type Error = MissingNode;

    fn node(&self, level: u32, index: u64) -> Result<Hash, MissingNode> {
        let nodes = usize::try_from(level).ok().and_then(|level| self.levels.get(level));
        nodes.and_then(|level| level.node(index)).ok_or(MissingNode { level, index })
    }
}

impl Kept for WindowTree {
    fn stand(&self, number: u64) -> Result<Stand, MissingNode> {
        let place = number.checked_sub(self.span.from()).and_then(|place| usize::try_from(place).ok());
        let stand = place.and_then(|place| self.stands.get(place));
        stand.copied().ok_or(MissingNode { level: 0, index: number.wrapping_sub(1) })
    }
}
