//! The log's tree as the disk holds it: entries and full upper tiles, from which any node is computed.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;

use luxor_protocol::exchange::{ENTRY_BYTES, Entry};
use luxor_protocol::tlog::{Edge, Hash, NodeReader, TILE_WIDTH, leaf_hash, node_hash, node_in_tile, tile_of};

use super::columns::{cf, tile_key};
use super::open::{Store, StoreError};

/// Tiles kept in memory by a reader: 8 KiB each.
const CACHED_TILES: usize = 64;
/// Full upper tiles whose inner nodes are kept in memory for all readers, 16 KiB each: each is under 65,536 entries and more.
const CACHED_TREES: usize = 128;
/// Bytes of a hash in a tile.
const HASH_BYTES: usize = size_of::<Hash>();

/// Reads nodes of the tree from disk.
pub struct LogReader<'s> {
    store: &'s Store,
    cache: Mutex<HashMap<(u8, u64), Vec<Hash>>>,
}

/// Inner nodes of full upper tiles, which never change.
#[derive(Default)]
pub(super) struct Trees(Mutex<HashMap<(u8, u64), Vec<Hash>>>);

impl Store {
    /// A reader of the tree's nodes.
    pub fn log_reader(&self) -> LogReader<'_> {
        LogReader { store: self, cache: Mutex::new(HashMap::new()) }
    }

    /// Entries from `from`, at most `count`.
    ///
    /// # Errors
    /// [`StoreError`]; entries that are missing or of the wrong length are damage.
    pub fn entries(&self, from: u64, count: u64) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        // Its items are borrowed: those of the other kind of iterator are two allocations each.
        let mut rows = self.db.raw_iterator_cf(self.cf(cf::ENTRIES));
        rows.seek(from.to_be_bytes());
        for expected in from..from.saturating_add(count) {
            let Some((key, value)) = rows.item() else { break };
            let what = || format!("entry {expected}");
            if *key != expected.to_be_bytes() {
                return Err(StoreError::damaged(what(), "not there"));
            }
            let entry: [u8; ENTRY_BYTES] = value.try_into().map_err(|_| StoreError::damaged(what(), "wrong length"))?;
            entries.push(entry);
            rows.next();
        }
        // It ends where the rows end, or where they cannot be read.
        rows.status()?;
        Ok(entries)
    }

    /// Rebuilds the right edge of a tree of `size` entries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn edge(&self, size: u64) -> Result<Edge, StoreError> {
        let width = TILE_WIDTH as u64;
        let reader = self.log_reader();
        let mut leaves = Vec::new();
        let mut upper = Vec::new();
        let (mut level, mut hashes) = (0u8, size);
        while hashes > 0 {
            let partial = reader.tile(level, hashes / width, hashes % width)?;
            if level == 0 {
                leaves = partial
            } else {
                upper.push(partial)
            }
            hashes /= width;
            level += 1;
        }
        Edge::rebuild(size, &leaves, &upper).map_err(|e| StoreError::damaged("the log's right edge", e))
    }
}

impl LogReader<'_> {
    /// The first `count` hashes of a tile.
    fn tile(&self, level: u8, index: u64, count: u64) -> Result<Vec<Hash>, StoreError> {
        self.hashes(level, index, 0..count)
    }

    /// The first `count` hashes of a tile that is not stored, and more where they cost no further read: a proof asks for ever
    /// smaller parts of the same tile.
    fn at_least(&self, level: u8, index: u64, count: u64) -> Result<Vec<Hash>, StoreError> {
        if level > 0 {
            return self.tile(level, index, count);
        }
        let entries = self.store.entries(index * TILE_WIDTH as u64, TILE_WIDTH as u64)?;
        if (entries.len() as u64) < count {
            return Err(StoreError::damaged(
                format!("entry {}", index * TILE_WIDTH as u64 + entries.len() as u64),
                "not there",
            ));
        }
        Ok(entries.iter().map(|entry| leaf_hash(entry)).collect())
    }

    /// A node in an upper tile that is on disk.
    fn in_full_tile(&self, key: (u8, u64), r: u32, index: u64) -> Result<Option<Hash>, StoreError> {
        // A poisoned cache is only a cache.
        let mut trees = self.store.trees.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !trees.contains_key(&key) {
            let Some(hashes) = self.stored(key.0, key.1)? else { return Ok(None) };
            if trees.len() >= CACHED_TREES {
                trees.clear();
            }
            trees.insert(key, tree_of(hashes));
        }
        // Each row of the tree is half as long as the one below it.
        let row = 2 * TILE_WIDTH - ((2 * TILE_WIDTH) >> r);
        Ok(trees.get(&key).and_then(|tree| tree.get(row + usize::try_from(index).ok()?)).copied())
    }

    /// An upper tile, if it is on disk.
    fn stored(&self, level: u8, index: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        let Some(bytes) = self.store.get(cf::TILES, &tile_key(level, index))? else { return Ok(None) };
        match bytes.as_chunks::<HASH_BYTES>() {
            (hashes, []) if hashes.len() == TILE_WIDTH => Ok(Some(hashes.to_vec())),
            _ => Err(StoreError::damaged(format!("tile {level}/{index}"), "wrong length")),
        }
    }

    /// Whether this upper tile is on disk, which it is once it is full.
    pub(super) fn is_stored(&self, level: u8, index: u64) -> Result<bool, StoreError> {
        Ok(self.store.db.get_pinned_cf(self.store.cf(cf::TILES), tile_key(level, index))?.is_some())
    }

    /// Those of a tile's hashes, of which the tree on disk must have all. A full upper tile is read; what is not full yet is
    /// computed from the level below, which for level 1 reads 256 entries for each hash.
    ///
    /// # Errors
    /// [`StoreError`]; hashes that are not there are damage.
    pub(super) fn hashes(&self, level: u8, index: u64, wanted: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let (first, count) = (index * TILE_WIDTH as u64 + wanted.start, wanted.end.saturating_sub(wanted.start));
        if level == 0 {
            let entries = self.store.entries(first, count)?;
            if entries.len() as u64 != count {
                return Err(StoreError::damaged(format!("entry {}", first + entries.len() as u64), "not there"));
            }
            return Ok(entries.iter().map(|entry| leaf_hash(entry)).collect());
        }
        let missing = |level: u8, at: u64| StoreError::damaged(format!("tile {level}/{at}"), "not there");
        if let Some(hashes) = self.stored(level, index)? {
            // At most 256, so the casts are exact.
            let hashes = hashes.get(wanted.start as usize..wanted.end as usize);
            return hashes.map(<[Hash]>::to_vec).ok_or_else(|| missing(level, index));
        }
        // Not full yet: each of its hashes is the root of a full tile one level below.
        (first..first + count)
            .map(|below| {
                let tile = self.tile(level - 1, below, TILE_WIDTH as u64)?;
                node_in_tile(&tile, 8, 0).ok_or_else(|| missing(level - 1, below))
            })
            .collect()
    }
}

impl NodeReader for LogReader<'_> {
    type Error = StoreError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, StoreError> {
        let wanted = tile_of(level, index);
        let count = (wanted.index_in_tile + 1) << wanted.r;
        let missing = || StoreError::damaged(format!("node {index} of level {level}"), "not there");
        let key = (wanted.tile_level, wanted.tile_index);
        if wanted.tile_level > 0
            && let Some(hash) = self.in_full_tile(key, wanted.r, wanted.index_in_tile)?
        {
            return Ok(hash);
        }
        // A poisoned cache is only a cache.
        let mut cache = self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(hash) = cache.get(&key).and_then(|tile| node_in_tile(tile, wanted.r, wanted.index_in_tile)) {
            return Ok(hash);
        }
        let tile = self.at_least(wanted.tile_level, wanted.tile_index, count)?;
        let hash = node_in_tile(&tile, wanted.r, wanted.index_in_tile).ok_or_else(missing)?;
        if cache.len() >= CACHED_TILES {
            cache.clear();
        }
        cache.insert(key, tile);
        Ok(hash)
    }
}

/// All nodes over the hashes of a full tile: the hashes, then row by row what is above them.
fn tree_of(mut hashes: Vec<Hash>) -> Vec<Hash> {
    for at in 0..hashes.len().saturating_sub(1) {
        // Node `at` above the hashes joins the nodes 2 * at and 2 * at + 1.
        if let [left, right] = hashes[2 * at..2 * at + 2] {
            hashes.push(node_hash(&left, &right));
        }
    }
    hashes
}
