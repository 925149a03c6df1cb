//! A log read from its tiles, wherever they lie: files, HTTP, a database (<https://c2sp.org/tlog-tiles>).
//!
//! With a [`TileSource`] that reads one file, [`TiledLog`] is a `NodeReader`, so that `root_at`, `inclusion_proof` and
//! `consistency_proof` work from a static export or a foreign server.
//!
//! Not here: whether the tiles are right. A wrong tile gives a proof that does not verify: compare `root_at` with the
//! checkpoint's root, and verify each proof before it is used (see `proof`), or check all of a log (see `verify_log`).
//!
//! Limit: [`MAX_CACHED_TILES`].

use std::cell::RefCell;

use super::hash::Hash;
use super::path::{TileLevel, TilePath, TileWidth};
use super::proof::NodeReader;
use super::tile::{TILE_HEIGHT, TILE_WIDTH, TileNode, node_in_tile, tile_of};

/// Tiles kept in memory by a [`TiledLog`]: 512 KiB. A proof in the largest tree needs 16.
pub const MAX_CACHED_TILES: usize = 64;

/// Bytes of a hash in a tile.
const HASH_BYTES: usize = size_of::<Hash>();

/// Reads a log's files.
pub trait TileSource {
    /// Why a file could not be read.
    type Error;

    /// Returns the whole file at this path; `None` if there is none. The source bounds what it reads: a tile has at most
    /// 8,192 bytes.
    ///
    /// # Errors
    /// Whatever keeps the source from telling whether the file is there, or from reading it.
    fn read(&self, path: &TilePath) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// Why a [`TiledLog`] could not give a node; `E` is the source's error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TiledError<E> {
    /// The node lies beyond the tree.
    #[error("log tiles: the node at level {level}, index {index} is not complete in a log of {size} entries")]
    OutsideTree {
        /// Binary level of the node; 0 is the leaf level.
        level: u32,
        /// Index of the node within its level.
        index: u64,
        /// Tree size.
        size: u64,
    },
    /// Neither the tile nor, for a partial one, the full tile in its place is there.
    #[error("log tiles: {path} is not there; hint: the log may be pruned, or the export not complete")]
    Missing {
        /// Path of the tile needed.
        path: TilePath,
    },
    /// A tile of the wrong length.
    #[error("log tiles: {path} has {got} bytes, {want} needed")]
    Length {
        /// Path of the tile read.
        path: TilePath,
        /// Bytes read.
        got: usize,
        /// Bytes needed.
        want: usize,
    },
    /// The source failed.
    #[error("log tiles: reading {path}: {source}")]
    Source {
        /// Path of the tile asked for.
        path: TilePath,
        /// The source's error.
        source: E,
    },
}

/// A log of one size over a [`TileSource`]. Not for use by several threads at once: give each its own.
#[derive(Debug)]
pub struct TiledLog<S> {
    source: S,
    size: u64,
    /// The tile used last stands last.
    cache: RefCell<Vec<CachedTile>>,
}

impl<S: TileSource> TiledLog<S> {
    /// The log with the size of a checkpoint whose signature the caller has verified: only files that a log of this size
    /// must have are asked for.
    pub fn new(source: S, size: u64) -> Self {
        Self { source, size, cache: RefCell::new(Vec::new()) }
    }

    /// Number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The source that was given.
    #[must_use]
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Reads the tile as it is in a tree of this size; from a full tile only the first `width` hashes are kept.
    fn read_tile(&self, level: TileLevel, index: u64, width: TileWidth) -> Result<Vec<Hash>, TiledError<S::Error>> {
        let wanted = TilePath::Tile { level, index, width };
        for (path, width_there) in
            [Some((wanted, width)), wanted.full().map(|full| (full, TileWidth::FULL))].into_iter().flatten()
        {
            let read = self.source.read(&path).map_err(|source| TiledError::Source { path, source })?;
            let Some(bytes) = read else { continue };
            let (got, want) = (bytes.len(), width_there.get() * HASH_BYTES);
            if got != want {
                return Err(TiledError::Length { path, got, want });
            }
            let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
            return Ok(hashes.iter().take(width.get()).copied().collect());
        }
        Err(TiledError::Missing { path: wanted })
    }
}

impl<S: TileSource> NodeReader for TiledLog<S> {
    type Error = TiledError<S::Error>;

    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error> {
        let outside = || TiledError::OutsideTree { level, index, size: self.size };
        let at = tile_of(level, index);
        let (tile_level, width) = tile_in_tree(&at, self.size).ok_or_else(outside)?;
        let is_wanted = |tile: &CachedTile| tile.level == tile_level && tile.index == at.tile_index;
        let known = self.cache.borrow().iter().position(is_wanted);
        let tile = match known {
            Some(place) => self.cache.borrow_mut().remove(place),
            None => {
                let hashes = self.read_tile(tile_level, at.tile_index, width)?;
                CachedTile { level: tile_level, index: at.tile_index, hashes }
            }
        };
        let node = node_in_tile(&tile.hashes, at.r, at.index_in_tile);
        let mut cache = self.cache.borrow_mut();
        if cache.len() >= MAX_CACHED_TILES {
            cache.remove(0);
        }
        cache.push(tile);
        node.ok_or_else(outside)
    }
}

#[derive(Debug)]
struct CachedTile {
    level: TileLevel,
    index: u64,
    hashes: Vec<Hash>,
}

/// Level and width of the tile with this node in a tree of `size` entries; `None` if the tree has no such tile.
fn tile_in_tree(at: &TileNode, size: u64) -> Option<(TileLevel, TileWidth)> {
    let level = TileLevel::new(at.tile_level)?;
    let hashes = size.checked_shr(u32::from(at.tile_level) * TILE_HEIGHT)?;
    let first = at.tile_index.checked_mul(TILE_WIDTH as u64)?;
    let width = hashes.checked_sub(first)?.min(TILE_WIDTH as u64);
    Some((level, TileWidth::new(usize::try_from(width).ok()?)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::cell::Cell;
    use std::collections::HashMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::super::edge::Edge;
    use super::super::hash::{EMPTY_ROOT, leaf_hash};
    use super::super::path::paths_of;
    use super::super::proof::{
        ProveError, consistency_proof, inclusion_proof, root_at, verify_consistency, verify_inclusion,
    };
    use super::super::tree::root_of;
    use super::*;

    #[derive(Default)]
    struct Files {
        files: HashMap<TilePath, Vec<u8>>,
        reads: Cell<usize>,
    }

    impl TileSource for &Files {
        type Error = Infallible;
        fn read(&self, path: &TilePath) -> Result<Option<Vec<u8>>, Infallible> {
            self.reads.set(self.reads.get() + 1);
            Ok(self.files.get(path).cloned())
        }
    }

    fn leaf(index: u64) -> Hash {
        leaf_hash(&index.to_be_bytes())
    }

    /// The tiles of an export of this size.
    fn export(size: u64) -> Files {
        let (mut edge, mut completed) = (Edge::new(), Vec::new());
        (0..size).for_each(|index| edge.push(leaf(index), &mut completed));
        let full: HashMap<(u8, u64), Vec<u8>> =
            completed.into_iter().map(|tile| ((tile.level, tile.index), tile.hashes.concat())).collect();
        let mut files = Files::default();
        for path in paths_of(size) {
            if let TilePath::Tile { level, index, width } = path {
                let full = full.get(&(level.get(), index)).cloned();
                let bytes = if width == TileWidth::FULL { full } else { None };
                let bytes = bytes.unwrap_or_else(|| edge.partial_tile(level.get()).concat());
                assert_eq!(bytes.len(), width.get() * 32);
                files.files.insert(path, bytes);
            }
        }
        files
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

        #[test]
        fn proofs_from_files_verify(
            size in 1u64..70_000, grown in 0u64..600, picks in prop::collection::vec(any::<u64>(), 8),
        ) {
            // The log may have grown, and deleted the partial tiles of the checkpoint's size where full ones are there.
            let mut files = export(size);
            let later = export(size + grown);
            for (path, bytes) in &later.files {
                files.files.insert(*path, bytes.clone());
            }
            let gone: Vec<TilePath> =
                files.files.keys().filter(|path| path.full().is_some_and(|full| files.files.contains_key(&full))).copied().collect();
            for path in gone {
                files.files.remove(&path);
            }
            let log = TiledLog::new(&files, size);
            let root = root_of(&(0..size).map(leaf).collect::<Vec<_>>());
            prop_assert_eq!(root_at(&log, log.size()).unwrap(), root);
            for pick in picks {
                let index = pick % size;
                let proof = inclusion_proof(&log, index, size).unwrap();
                verify_inclusion(&leaf(index), index, size, &proof, &root).unwrap();
                let old_root = root_at(&log, index + 1).unwrap();
                let proof = consistency_proof(&log, index + 1, size).unwrap();
                verify_consistency(index + 1, &old_root, size, &root, &proof).unwrap();
            }
        }
    }

    #[test]
    fn tiles_are_read_once_and_the_cache_is_bounded() {
        let files = export(256 * 300);
        let log = TiledLog::new(&files, 256 * 300);
        for index in 0..256 {
            log.node(0, index).unwrap();
        }
        assert_eq!(log.source().reads.get(), 1);
        for tile in 0..300 {
            log.node(0, tile * 256).unwrap();
            log.node(8, 0).unwrap();
        }
        // The upper tile was always among the newest, each lower one was needed once.
        assert_eq!(files.reads.get(), 1 + 299 + 1);
        assert_eq!(log.cache.borrow().len(), MAX_CACHED_TILES);
        log.node(0, 0).unwrap();
        assert_eq!(files.reads.get(), 302);
    }

    #[test]
    fn missing_and_damaged_tiles_are_named() {
        let path = |text: &str| TilePath::parse(text).unwrap();
        let mut files = export(300);
        assert!(matches!(TiledLog::new(&files, 300).node(0, 300), Err(TiledError::OutsideTree { .. })));
        assert!(matches!(TiledLog::new(&files, 300).node(3, 37), Err(TiledError::OutsideTree { .. })));
        for (level, index) in [(64, 0), (63, 1), (u32::MAX, u64::MAX), (0, u64::MAX), (16, 0)] {
            assert!(matches!(TiledLog::new(&files, 300).node(level, index), Err(TiledError::OutsideTree { .. })));
        }
        // A source that lies about the partial tile's length, with the full one in its place and without.
        let partial = path("tile/0/001.p/44");
        let good = files.files.insert(partial, vec![0; 44 * 32 + 1]).unwrap();
        let refused = TiledLog::new(&files, 300).node(0, 256);
        assert_eq!(refused, Err(TiledError::Length { path: partial, got: 1_409, want: 1_408 }));
        files.files.remove(&partial);
        files.files.insert(path("tile/0/001"), good);
        let refused = TiledLog::new(&files, 300).node(0, 256);
        assert_eq!(refused, Err(TiledError::Length { path: path("tile/0/001"), got: 1_408, want: 8_192 }));
        files.files.remove(&path("tile/0/001"));
        let log = TiledLog::new(&files, 300);
        assert_eq!(log.node(0, 256), Err(TiledError::Missing { path: partial }));
        let built = inclusion_proof(&log, 0, 300);
        assert!(matches!(&built, Err(ProveError::Node { source: TiledError::Missing { .. }, .. })));
        assert!(built.unwrap_err().to_string().contains("tile/0/001.p/44 is not there"));
        assert_eq!(root_at(&TiledLog::new(&Files::default(), 0), 0), Ok(EMPTY_ROOT));
    }
}
