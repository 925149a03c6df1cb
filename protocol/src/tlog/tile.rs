//! Tile arithmetic: in which C2SP tile a node of the tree lies, and how to compute it from the tile's bytes.
//!
//! Not here: tile paths and where tiles are kept, the tiles being filled (see `edge`).
//!
//! Limits: [`TILE_HEIGHT`], [`TILE_WIDTH`].

use super::hash::{Hash, node_hash};

/// Binary levels in a tile. <https://c2sp.org/tlog-tiles>.
pub const TILE_HEIGHT: u32 = 8;
/// Hashes in a full tile. <https://c2sp.org/tlog-tiles>.
pub const TILE_WIDTH: usize = 1 << TILE_HEIGHT;

/// Where a complete subtree lies in the tiles. <https://c2sp.org/tlog-tiles>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileNode {
    /// Tile level: the binary level divided by 8.
    pub tile_level: u8,
    /// Index of the tile within its level.
    pub tile_index: u64,
    /// Height of the node above the tile's own hashes, 0 to 7.
    pub r: u32,
    /// Index of the node among the tile's nodes of height `r`, 0 to `2^(8-r) - 1`.
    pub index_in_tile: u64,
}

/// Finds the tile that holds (or lets compute) the node at a binary level and index; every pair has exactly one.
///
/// A tree of 64-bit size has levels 0 to 63; for a level above 2,047 the tile level is cut to 255, which no store has.
#[must_use]
pub fn tile_of(level: u32, index: u64) -> TileNode {
    let r = level % TILE_HEIGHT;
    let below = TILE_HEIGHT - r;
    TileNode {
        tile_level: u8::try_from(level / TILE_HEIGHT).unwrap_or(u8::MAX),
        tile_index: index >> below,
        r,
        index_in_tile: index & ((1 << below) - 1),
    }
}

/// Computes a complete subtree's hash from the (full or partial) tile that covers it.
///
/// `hashes` are the tile's own hashes, `r` the height above them (0 to 8), `index_in_tile` the node's index at that
/// height. `None` if the tile does not hold all `2^r` hashes below the node, or is wider than 256.
#[must_use]
pub fn node_in_tile(hashes: &[Hash], r: u32, index_in_tile: u64) -> Option<Hash> {
    if r > TILE_HEIGHT || hashes.len() > TILE_WIDTH {
        return None;
    }
    let first = usize::try_from(index_in_tile).ok()?.checked_mul(1 << r)?;
    let leaves = hashes.get(first..first.checked_add(1 << r)?)?;
    if let [hash] = leaves {
        return Some(*hash);
    }
    let mut row: Vec<Hash> = leaves.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    while row.len() > 1 {
        // In place: entry i is written after entries 2i and 2i + 1 were read.
        for i in 0..row.len() / 2 {
            row[i] = node_hash(&row[2 * i], &row[2 * i + 1]);
        }
        row.truncate(row.len() / 2);
    }
    row.first().copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hash::leaf_hash;
    use super::*;

    fn leaf(index: u64) -> Hash {
        leaf_hash(&index.to_be_bytes())
    }

    proptest! {
        #[test]
        fn tile_arithmetic_is_one_to_one(level in 0u32..64, index: u64) {
            let at = tile_of(level, index);
            prop_assert!(at.r < 8 && at.index_in_tile < 1 << (8 - at.r));
            prop_assert_eq!(u32::from(at.tile_level) * 8 + at.r, level);
            prop_assert_eq!(u128::from(at.tile_index) << (8 - at.r) | u128::from(at.index_in_tile), u128::from(index));
        }

        #[test]
        fn nodes_of_any_tile_do_not_panic(width in 0usize..300, r in 0u32..12, index: u64) {
            let hashes: Vec<Hash> = (0..width as u64).map(leaf).collect();
            for index in [index, index % 256] {
                let fits = r <= 8 && width <= 256 && (u128::from(index) + 1) << r <= width as u128;
                prop_assert_eq!(node_in_tile(&hashes, r, index).is_some(), fits);
            }
        }
    }
}
