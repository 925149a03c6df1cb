//! The log's files as C2SP tlog-tiles has them, made from entries and full upper tiles when somebody asks for them.
//!
//! Not here: the checkpoint, which the sequencer signs; which size of the log somebody may see; HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use luxor_protocol::tlog::{Hash, TILE_WIDTH, TileLevel, TilePath, TileWidth, encode_bundle};

use super::open::{Store, StoreError};

/// Reads the log's files; for several threads at once.
///
/// Partial files are never stored. One of the lowest level costs its entries. An upper tile that is not full would cost the
/// full tiles below each of its hashes at every request, up to 65,280 entries at level 1, so what was computed of the last
/// one of each level is kept: 8 KiB for each of at most eight levels.
pub struct LogFileReader {
    store: Arc<Store>,
    /// By level, the last tile and its first hashes, which never change.
    growing: Mutex<BTreeMap<TileLevel, (u64, Vec<Hash>)>>,
}

impl LogFileReader {
    /// A reader of this database.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, growing: Mutex::default() }
    }

    /// The bytes of a tile or an entry bundle in a tree of `size` entries, of which the database must have all. `None` if
    /// such a tree has no such file, and for the checkpoint. A partial file is also given where its full one is there.
    /// <https://c2sp.org/tlog-tiles>.
    ///
    /// # Errors
    /// [`StoreError`]; entries and tiles that are not there are damage.
    pub fn read(&self, path: &TilePath, size: u64) -> Result<Option<Vec<u8>>, StoreError> {
        if path.smallest_size().is_none_or(|smallest| smallest > size) {
            return Ok(None);
        }
        match *path {
            TilePath::Checkpoint => Ok(None),
            TilePath::Entries { index, width } => self.bundle(index, width).map(Some),
            TilePath::Tile { level, index, width } => Ok(Some(self.tile(level, index, width)?.concat())),
        }
    }

    /// The index is one of a tree of 64-bit size, as in all below.
    fn bundle(&self, index: u64, width: TileWidth) -> Result<Vec<u8>, StoreError> {
        let (first, count) = (index * TILE_WIDTH as u64, width.get() as u64);
        let entries = self.store.entries(first, count)?;
        if entries.len() as u64 != count {
            return Err(StoreError::damaged(format!("entry {}", first + entries.len() as u64), "not there"));
        }
        encode_bundle(entries).map_err(|e| StoreError::damaged(format!("the entries from {first} on"), e))
    }

    fn tile(&self, level: TileLevel, index: u64, width: TileWidth) -> Result<Vec<Hash>, StoreError> {
        let reader = self.store.log_reader();
        let count = width.get() as u64;
        if level == TileLevel::LEAVES || reader.is_stored(level.get(), index)? {
            return reader.hashes(level.get(), index, 0..count);
        }
        // Held while hashes are computed, so that several who ask for the same ones at once do not all compute them. What a
        // panic leaves is hashes that are right.
        let mut growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let (known_index, known) = growing.entry(level).or_default();
        if *known_index != index {
            (*known_index, *known) = (index, Vec::new());
        }
        let known_count = known.len() as u64;
        if known_count < count {
            known.extend(reader.hashes(level.get(), index, known_count..count)?);
        }
        Ok(known.iter().take(width.get()).copied().collect())
    }
}
