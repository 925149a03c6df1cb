//! The right edge of a growing log in memory, in C2SP tiles (<https://c2sp.org/tlog-tiles>).
//!
//! The edge keeps, for each tile level, the tile being filled and the full tile before it, each with all inner nodes.
//! That is every node needed for the root, for an inclusion proof of any entry in the current or the previous
//! level-0 tile, and for most consistency proofs from a recent size: no disk read, about twenty array look-ups.
//!
//! Not here: where completed tiles are written, and how a store serves older nodes from them (see `tile`).
//!
//! Limit: `MAX_TREE_SIZE` of `tree`.

use super::hash::{EMPTY_ROOT, Hash, node_hash};
use super::proof::NodeReader;
use super::tile::{TILE_HEIGHT, TILE_WIDTH, tile_of};
use super::tree::MAX_TREE_SIZE;

/// Hashes in a full tile with all its inner nodes up to its root.
const TILE_NODES: usize = 2 * TILE_WIDTH - 1;

/// Why an edge could not be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EdgeError {
    /// A tree size above `MAX_TREE_SIZE`.
    #[error("rebuilding the log edge: tree size {size} is above the largest size accepted, {MAX_TREE_SIZE}")]
    TooLarge {
        /// Tree size given.
        size: u64,
    },
    /// A partial tile with the wrong number of hashes.
    #[error("rebuilding the log edge of size {size}: {got} hashes given for tile level {level}, {want} needed")]
    TileCount {
        /// Tree size given.
        size: u64,
        /// Tile level.
        level: usize,
        /// Hashes given.
        got: usize,
        /// Hashes needed: floor(size / 256^level) mod 256.
        want: usize,
    },
}

/// A node that is not in the edge; the caller reads it from its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("node at level {level}, index {index} is not in the log edge")]
pub struct MissingNode {
    /// Binary level; 0 is the leaf level.
    pub level: u32,
    /// Index within the level.
    pub index: u64,
}

/// A tile that became full, to be stored for ever. <https://c2sp.org/tlog-tiles>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedTile {
    /// Tile level: 0 holds leaf hashes, level `n + 1` the roots of full level-`n` tiles.
    pub level: u8,
    /// Index of the tile within its level.
    pub index: u64,
    /// The 256 hashes; concatenated they are the 8,192 bytes of the tile file.
    pub hashes: Vec<Hash>,
}

/// The right edge of a growing log; see the module's text.
#[derive(Debug, Clone, Default)]
pub struct Edge {
    size: u64,
    /// One for each tile level, level 0 first.
    levels: Vec<Level>,
}

impl Edge {
    /// The edge of the empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Restores the edge of a log of `size` entries: `leaf_hashes` is the partial level-0 tile, `upper[i]` the partial
    /// tile of level `i + 1`. Absent upper levels count as empty tiles.
    ///
    /// The previous full tiles are not known afterwards: [`Self::node`] answers `None` for them.
    /// The result is not proven right; compare [`Self::root`] with the last signed root.
    ///
    /// # Errors
    /// [`EdgeError::TileCount`] if a level does not have floor(size / 256^level) mod 256 hashes;
    /// [`EdgeError::TooLarge`] above `MAX_TREE_SIZE`.
    pub fn rebuild(size: u64, leaf_hashes: &[Hash], upper: &[Vec<Hash>]) -> Result<Self, EdgeError> {
        if size > MAX_TREE_SIZE {
            return Err(EdgeError::TooLarge { size });
        }
        let mut edge = Self { size, levels: Vec::new() };
        // Every level is checked, also those above the top of the tree, where no hash may be.
        let needed = (size.checked_ilog2().unwrap_or(0) / TILE_HEIGHT) as usize + 1;
        for level in 0..needed.max(upper.len() + 1) {
            let hashes = match level.checked_sub(1) {
                None => leaf_hashes,
                Some(above) => upper.get(above).map_or(&[][..], Vec::as_slice),
            };
            let want = shift(size, level) as usize % TILE_WIDTH;
            if hashes.len() != want {
                return Err(EdgeError::TileCount { size, level, got: hashes.len(), want });
            }
            if level < needed {
                let mut tiles = Level::new();
                for hash in hashes {
                    tiles.current.push(*hash);
                }
                edge.levels.push(tiles);
            }
        }
        Ok(edge)
    }

    /// Appends one leaf hash; tiles that become full by it are added to `completed`, lowest level first.
    ///
    /// On average 1.004 node hashes and no allocation, but for the tile handed out every 256 entries.
    pub fn push(&mut self, leaf: Hash, completed: &mut Vec<CompletedTile>) {
        let mut hash = leaf;
        let mut level = 0;
        loop {
            if level == self.levels.len() {
                self.levels.push(Level::new());
            }
            let tiles = &mut self.levels[level];
            tiles.current.push(hash);
            if tiles.current.width < TILE_WIDTH {
                break;
            }
            hash = tiles.current.nodes[TILE_NODES - 1];
            completed.push(CompletedTile {
                // At most eight levels exist below a size of 2^64.
                level: level as u8,
                index: shift(self.size, level + 1),
                hashes: tiles.current.nodes[..TILE_WIDTH].to_vec(),
            });
            std::mem::swap(&mut tiles.current, &mut tiles.previous);
            tiles.current.width = 0;
            level += 1;
        }
        self.size += 1;
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the log; `EMPTY_ROOT` without leaves. RFC 6962 section 2.1.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut root = None;
        for tiles in &self.levels {
            // The set bits of the width are the complete subtrees of this tile, smallest and rightmost first.
            let mut rest = tiles.current.width;
            while rest > 0 {
                let r = rest.trailing_zeros();
                rest &= rest - 1;
                let left = tiles.current.nodes[row_start(r) + (rest >> r)];
                root = Some(root.map_or(left, |right| node_hash(&left, &right)));
            }
        }
        root.unwrap_or(EMPTY_ROOT)
    }

    /// Hash of the complete subtree at a binary level and index; `None` if it is not (or no longer) in the edge.
    #[must_use]
    pub fn node(&self, level: u32, index: u64) -> Option<Hash> {
        let at = tile_of(level, index);
        let tile_level = usize::from(at.tile_level);
        let tiles = self.levels.get(tile_level)?;
        let current = shift(self.size, tile_level + 1);
        if at.tile_index == current {
            tiles.current.node(at.r, at.index_in_tile)
        } else if current.checked_sub(1) == Some(at.tile_index) {
            tiles.previous.node(at.r, at.index_in_tile)
        } else {
            None
        }
    }

    /// The tile of a level that is being filled, 0 to 255 hashes: what a partial tile file of this size holds, and what
    /// [`Self::rebuild`] needs. Empty above the top level.
    #[must_use]
    pub fn partial_tile(&self, tile_level: u8) -> &[Hash] {
        self.levels.get(usize::from(tile_level)).map_or(&[], |tiles| &tiles.current.nodes[..tiles.current.width])
    }

    /// Number of tile levels that hold or held a hash.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.levels.len()
    }
}

/// The edge compares by what it proves: size and the tiles being filled, not by what it remembers of earlier tiles.
impl PartialEq for Edge {
    fn eq(&self, other: &Self) -> bool {
        let levels = self.levels.len().max(other.levels.len()) as u8;
        self.size == other.size && (0..levels).all(|level| self.partial_tile(level) == other.partial_tile(level))
    }
}

impl NodeReader for Edge {
    type Error = MissingNode;

    fn node(&self, level: u32, index: u64) -> Result<Hash, MissingNode> {
        Self::node(self, level, index).ok_or(MissingNode { level, index })
    }
}

/// The two newest tiles of one tile level; `previous` has width 0 while it is not known.
#[derive(Debug, Clone)]
struct Level {
    current: Tile,
    previous: Tile,
}

impl Level {
    fn new() -> Self {
        Self { current: Tile::new(), previous: Tile::new() }
    }
}

/// A tile with all inner nodes, row after row from its own hashes (`r = 0`) to its root (`r = 8`). Entries beyond
/// `width` are left over and never read.
#[derive(Debug, Clone)]
struct Tile {
    width: usize,
    nodes: Box<[Hash]>,
}

impl Tile {
    fn new() -> Self {
        Self { width: 0, nodes: vec![[0; 32]; TILE_NODES].into_boxed_slice() }
    }

    /// Needs `width < 256`.
    fn push(&mut self, hash: Hash) {
        let mut index = self.width;
        self.nodes[index] = hash;
        self.width += 1;
        // A hash at an odd place completes its pair, and the parent may complete the next.
        let mut r = 0;
        let mut hash = hash;
        while index & 1 == 1 {
            hash = node_hash(&self.nodes[row_start(r) + index - 1], &hash);
            index >>= 1;
            r += 1;
            self.nodes[row_start(r) + index] = hash;
        }
    }

    fn node(&self, r: u32, index_in_tile: u64) -> Option<Hash> {
        let index = usize::try_from(index_in_tile).ok()?;
        // `tile_of` gives `r` below 8 and an index below 256: no overflow.
        if (index + 1) << r <= self.width { Some(self.nodes[row_start(r) + index]) } else { None }
    }
}

/// Place of the first node of height `r` in [`Tile::nodes`].
const fn row_start(r: u32) -> usize {
    2 * TILE_WIDTH - ((2 * TILE_WIDTH) >> r)
}

/// `size / 256^tile_level`; 0 where the shift leaves the 64 bits.
fn shift(size: u64, tile_level: usize) -> u64 {
    u32::try_from(tile_level)
        .ok()
        .and_then(|level| level.checked_mul(TILE_HEIGHT))
        .and_then(|bits| size.checked_shr(bits))
        .unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::HashMap;
    use std::time::Instant;

    use proptest::prelude::*;

    use super::super::hash::leaf_hash;
    use super::super::proof::{
        ProveError, consistency_proof, inclusion_proof, root_at, verify_consistency, verify_inclusion,
    };
    use super::super::tile::node_in_tile;
    use super::super::tree::Frontier;
    use super::*;

    /// The edge with the completed tiles behind it, as a store would use them.
    #[derive(Default)]
    struct Log {
        edge: Edge,
        frontier: Frontier,
        tiles: HashMap<(u8, u64), Vec<Hash>>,
    }

    impl Log {
        fn of(size: u64) -> Self {
            let mut log = Self::default();
            for index in 0..size {
                log.push(index);
            }
            log
        }

        fn push(&mut self, index: u64) {
            let mut completed = Vec::new();
            self.frontier.push(leaf(index));
            self.edge.push(leaf(index), &mut completed);
            for tile in completed {
                assert_eq!(tile.hashes.len(), TILE_WIDTH);
                assert!(self.tiles.insert((tile.level, tile.index), tile.hashes).is_none());
            }
        }
    }

    impl NodeReader for Log {
        type Error = MissingNode;
        fn node(&self, level: u32, index: u64) -> Result<Hash, MissingNode> {
            let from_edge = self.edge.node(level, index);
            let at = tile_of(level, index);
            let stored = self.tiles.get(&(at.tile_level, at.tile_index));
            let from_store = stored.and_then(|tile| node_in_tile(tile, at.r, at.index_in_tile));
            if let (Some(a), Some(b)) = (from_edge, from_store) {
                assert_eq!(a, b, "edge and store differ at level {level} index {index}");
            }
            from_edge.or(from_store).ok_or(MissingNode { level, index })
        }
    }

    fn leaf(index: u64) -> Hash {
        leaf_hash(&index.to_be_bytes())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn edge_and_tiles_prove_everything(size in 1u64..70_000, picks in prop::collection::vec(any::<u64>(), 12)) {
            let log = Log::of(size);
            let root = log.frontier.root();
            prop_assert_eq!(log.edge.size(), size);
            prop_assert_eq!(log.edge.root(), root);
            prop_assert_eq!(root_at(&log, size).unwrap(), root);
            for pick in picks {
                let index = pick % size;
                let proof = inclusion_proof(&log, index, size).unwrap();
                verify_inclusion(&leaf(index), index, size, &proof, &root).unwrap();
                let old = index + 1;
                let old_root = root_at(&log, old).unwrap();
                let proof = consistency_proof(&log, old, size).unwrap();
                verify_consistency(old, &old_root, size, &root, &proof).unwrap();
                let past = inclusion_proof(&log, index / 2, old).unwrap();
                verify_inclusion(&leaf(index / 2), index / 2, old, &past, &old_root).unwrap();
            }
        }

    }

    #[test]
    fn recent_entries_need_no_store_at_any_size() {
        let mut log = Log::default();
        for size in 1..=66_500u64 {
            log.push(size - 1);
            // Around the seams every recent index is proven, elsewhere a sample.
            let seam = size % 256 < 2 || !(1_000..65_200).contains(&size);
            if !seam && size % 61 != 0 {
                continue;
            }
            let first = (size / 256).saturating_sub(1) * 256;
            let root = log.edge.root();
            assert_eq!(root, log.frontier.root());
            for index in (first..size).step_by(if seam { 37 } else { 5 }).chain([size - 1]) {
                let proof = inclusion_proof(&log.edge, index, size).unwrap();
                verify_inclusion(&leaf(index), index, size, &proof, &root).unwrap();
            }
        }
        assert!(matches!(inclusion_proof(&log.edge, 0, 66_500), Err(ProveError::Node { .. })));
    }

    #[test]
    fn a_rebuilt_edge_goes_on_as_the_old_one() {
        for size in [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 69_999] {
            let mut log = Log::of(size);
            let upper: Vec<Vec<Hash>> = (1..4).map(|level| log.edge.partial_tile(level).to_vec()).collect();
            let mut edge = Edge::rebuild(size, log.edge.partial_tile(0), &upper).unwrap();
            assert_eq!(edge.root(), log.edge.root(), "size {size}");
            assert_eq!(edge, log.edge);
            for index in size..size + 600 {
                log.push(index);
                let mut completed = Vec::new();
                edge.push(leaf(index), &mut completed);
                assert!(completed.iter().all(|t| log.tiles[&(t.level, t.index)] == t.hashes));
            }
            assert_eq!(edge, log.edge);
            assert_eq!(edge.root(), log.frontier.root());
            let proof = inclusion_proof(&edge, size + 599, size + 600).unwrap();
            verify_inclusion(&leaf(size + 599), size + 599, size + 600, &proof, &edge.root()).unwrap();
        }
    }

    #[test]
    fn a_wrong_rebuild_is_refused() {
        let one = || vec![[1; 32]];
        assert!(Edge::rebuild(257, &one(), &[one()]).is_ok());
        for (size, leaves, upper) in [
            (257, vec![], vec![one()]),
            (257, one(), vec![]),
            (257, one(), vec![one(), one()]),
            (0, one(), vec![]),
            (1, one(), vec![one()]),
            (u64::MAX, one(), vec![]),
        ] {
            assert!(Edge::rebuild(size, &leaves, &upper).is_err(), "size {size}");
        }
        // The largest size: every level full to the brim, and one more push does not panic.
        let full = vec![[2; 32]; 255];
        let mut upper = vec![full.clone(); 6];
        upper.push(vec![[2; 32]; 127]);
        let mut edge = Edge::rebuild(MAX_TREE_SIZE, &full, &upper).unwrap();
        edge.push([3; 32], &mut Vec::new());
        assert!(edge.node(63, 0).is_some() && edge.node(63, 1).is_none() && edge.node(u32::MAX, 0).is_none());
        let _ = edge.root();
    }

    #[test]
    fn speed_of_push_and_proof() {
        const COUNT: u64 = 200_000;
        let leaves: Vec<Hash> = (0..COUNT).map(leaf).collect();
        let (mut edge, mut completed, mut hashes) = (Edge::new(), Vec::new(), 0);
        let start = Instant::now();
        for (index, leaf) in (0..).zip(&leaves) {
            edge.push(*leaf, &mut completed);
            hashes += inclusion_proof(&edge, index, index + 1).unwrap().len();
        }
        let both = start.elapsed();
        let mut edge = Edge::new();
        let start = Instant::now();
        for leaf in &leaves {
            edge.push(*leaf, &mut completed);
        }
        let push = start.elapsed();
        let start = Instant::now();
        for index in COUNT - 256..COUNT {
            hashes += inclusion_proof(&edge, index, COUNT).unwrap().len();
        }
        let recent = start.elapsed();
        // Printed, not asserted: a busy machine must not fail the test.
        println!(
            "edge: push {} ns, push + proof {} ns, proof of a recent entry {} ns ({hashes} hashes)",
            push.as_nanos() / u128::from(COUNT),
            both.as_nanos() / u128::from(COUNT),
            recent.as_nanos() / 256,
        );
    }
}
