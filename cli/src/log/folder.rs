//! The folder that an export writes: files put there whole, and what is known from the last export.
//!
//! Not here: what is right (see `export`).

use std::collections::BTreeSet;
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread::ScopedJoinHandle;

use luxor_protocol::tlog::{Checkpoint, Edge, Hash, TILE_HEIGHT, TILE_WIDTH, TileLevel, TilePath, TileWidth};

use super::source::{LogSource, SourceError};
use crate::files::{self, FileError};

/// Files and folders that may be not yet on the disk; above it they are put there.
const MAX_UNSYNCED: usize = 1024;
/// Files synced at a time: the file system's journal takes them together.
const SYNC_THREADS: usize = 16;
/// Tile levels above the leaves in a tree of 64-bit size.
const UPPER_LEVELS: u8 = 7;

/// Puts files into a folder. Nothing counts before [`Folder::sync`].
pub(super) struct Folder {
    root: PathBuf,
    unsynced: BTreeSet<PathBuf>,
}

impl Folder {
    /// Makes it if it is not there.
    pub(super) fn new(root: &Path) -> Result<Self, FileError> {
        fs::create_dir_all(root).map_err(FileError::at(root))?;
        Ok(Self { root: root.to_owned(), unsynced: BTreeSet::new() })
    }

    /// Puts a file there, whole or not at all; `name` is relative to the folder.
    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        let file = self.root.join(name);
        let folder = files::parent(&file);
        fs::create_dir_all(&folder).map_err(FileError::at(&folder))?;
        files::place(&file, bytes)?;
        self.keep(name)
    }

    /// Takes a file that is there into the next [`Folder::sync`]: an export that was broken off may have left it unsynced.
    pub(super) fn keep(&mut self, name: &str) -> Result<(), FileError> {
        let file = self.root.join(name);
        // A new folder is a name in the one above it, which may be new too.
        self.unsynced.extend(file.ancestors().take_while(|above| above.starts_with(&self.root)).map(Path::to_owned));
        if self.unsynced.len() > MAX_UNSYNCED { self.sync() } else { Ok(()) }
    }

    /// Afterwards everything put there is on the disk.
    pub(super) fn sync(&mut self) -> Result<(), FileError> {
        let paths: Vec<PathBuf> = std::mem::take(&mut self.unsynced).into_iter().collect();
        let sync = |paths: &[PathBuf]| paths.iter().try_for_each(|path| files::sync(path));
        std::thread::scope(|scope| {
            let share = paths.len().div_ceil(SYNC_THREADS).max(1);
            let threads: Vec<_> = paths.chunks(share).map(|paths| scope.spawn(move || sync(paths))).collect();
            // A thread that syncs files has nothing to panic about; should it, this goes on with it.
            let join = |thread: ScopedJoinHandle<'_, _>| thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            // All are waited for, then the first error counts.
            threads.into_iter().map(join).fold(Ok(()), Result::and)
        })
    }

    /// Removes the partial files in whose place this full one stands; tells whether there were any.
    pub(super) fn drop_partial(&self, full: &TilePath) -> Result<bool, FileError> {
        let folder = self.root.join(format!("{full}.p"));
        match fs::remove_dir_all(&folder) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(FileError::at(&folder)(error)),
        }
    }
}

/// The right edge of the tree of a checkpoint, from the tiles in a folder, cut to full bundles. `None` if the tiles are not
/// there or do not lead to its root.
pub(super) fn edge_of(folder: &LogSource, checkpoint: &Checkpoint) -> Result<Option<Edge>, SourceError> {
    let size = checkpoint.size;
    let (Some(leaves), mut upper) = (last_tile(folder, size, TileLevel::LEAVES)?, Vec::new()) else { return Ok(None) };
    for level in (1..=UPPER_LEVELS).filter_map(TileLevel::new) {
        let Some(tile) = last_tile(folder, size, level)? else { return Ok(None) };
        upper.push(tile);
    }
    if !Edge::rebuild(size, &leaves, &upper).is_ok_and(|edge| edge.root() == checkpoint.root) {
        return Ok(None);
    }
    Ok(Edge::rebuild(size - leaves.len() as u64, &[], &upper).ok())
}

/// The hashes of a level's last tile if it is partial; none if it is full.
fn last_tile(folder: &LogSource, size: u64, level: TileLevel) -> Result<Option<Vec<Hash>>, SourceError> {
    // Levels up to 7: the shift stays below 64.
    let hashes = size >> (u32::from(level.get()) * TILE_HEIGHT);
    let (index, width) = (hashes >> TILE_HEIGHT, (hashes % TILE_WIDTH as u64) as usize);
    let Some(partial) = TileWidth::new(width) else { return Ok(Some(Vec::new())) };
    let found = folder.read_or_full(&TilePath::Tile { level, index, width: partial })?;
    Ok(found.and_then(|(_, bytes)| {
        let (hashes, _) = bytes.as_chunks();
        hashes.get(..width).map(<[Hash]>::to_vec)
    }))
}
