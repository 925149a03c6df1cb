//! The lock file: the largest checkpoint that this log's key signed, outside the database and its backups.
//!
//! Two slots of 512 bytes, written alternately with one write and one fdatasync, each with a checksum: whatever instant the
//! power fails, one slot is whole. A restored database behind it is refused, so a backup never forks a log.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use luxor_protocol::tlog::Hash;

const SLOT: usize = 512;
const MAGIC: &[u8; 8] = b"luxlock1";
/// Magic, counter, size, root, checksum.
const USED: usize = 8 + 8 + 8 + 32 + 32;

/// What was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// Entries.
    pub size: u64,
    /// Root.
    pub root: Hash,
}

/// One of the file's two places, as the check of a stopped node sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Never written.
    Empty,
    /// Its checksum holds.
    Whole {
        /// Which write it was, from 1.
        counter: u64,
        /// What was signed.
        signed: Signed,
    },
    /// Something else.
    Damaged(&'static str),
}

/// Reads both slots without opening the file for writing.
pub fn read_slots(bytes: &[u8]) -> [Slot; 2] {
    [0, 1].map(|at| {
        let slot = bytes.get(at * SLOT..).map(|rest| &rest[..rest.len().min(SLOT)]).unwrap_or_default();
        if slot.iter().all(|byte| *byte == 0) {
            return Slot::Empty;
        }
        let Some((counter, signed)) = read_slot(slot) else {
            return Slot::Damaged("its checksum does not hold");
        };
        if counter % 2 != at as u64 {
            return Slot::Damaged("it belongs into the other place");
        }
        match slot.len() == SLOT && slot[USED..].iter().all(|byte| *byte == 0) {
            true => Slot::Whole { counter, signed },
            false => Slot::Damaged("bytes behind its checksum are not zero, or missing"),
        }
    })
}

/// Bytes of the whole file.
pub const LOCK_FILE_BYTES: usize = 2 * SLOT;

/// Why the lock file failed.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file system says so.
    #[error("lock file {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: std::io::Error,
    },
    /// Neither slot is whole.
    #[error("lock file {}: neither slot is whole\nhint: do not delete it; compare with what peers hold of this log", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A smaller tree, or another root at the same size.
    #[error("refusing to sign size {new} after size {old}")]
    Backwards {
        /// What was signed.
        old: u64,
        /// What was to be signed.
        new: u64,
    },
}

/// The open lock file.
#[derive(Debug)]
pub struct LockFile {
    path: PathBuf,
    file: File,
    counter: u64,
    signed: Option<Signed>,
}

impl LockFile {
    /// Opens or makes the file. A new one knows of nothing signed.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn open(path: &Path) -> Result<Self, LockError> {
        let io = |error| LockError::Io { path: path.to_owned(), error };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        (&mut file).take(4 * SLOT as u64).read_to_end(&mut bytes).map_err(io)?;
        let newest = bytes.chunks(SLOT).filter_map(read_slot).max_by_key(|(counter, _)| *counter);
        if newest.is_none() && !bytes.is_empty() {
            return Err(LockError::Damaged { path: path.to_owned() });
        }
        let (counter, signed) = newest.map_or((0, None), |(counter, signed)| (counter, Some(signed)));
        Ok(Self { path: path.to_owned(), file, counter, signed })
    }

    /// What was signed last.
    pub fn signed(&self) -> Option<Signed> {
        self.signed
    }

    /// Records what is about to be released; durable when it returns.
    ///
    /// # Errors
    /// [`LockError::Backwards`] for anything that would be another history, [`LockError::Io`].
    pub fn write(&mut self, signed: Signed) -> Result<(), LockError> {
        if let Some(old) = self.signed {
            if signed == old {
                return Ok(());
            }
            if signed.size <= old.size {
                return Err(LockError::Backwards { old: old.size, new: signed.size });
            }
        }
        let counter = self.counter + 1;
        let at = (counter % 2) * SLOT as u64;
        let io = |error| LockError::Io { path: self.path.clone(), error };
        self.file.seek(SeekFrom::Start(at)).map_err(io)?;
        self.file.write_all(&slot(counter, &signed)).map_err(io)?;
        self.file.sync_data().map_err(io)?;
        (self.counter, self.signed) = (counter, Some(signed));
        Ok(())
    }
}

fn slot(counter: u64, signed: &Signed) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..8].copy_from_slice(MAGIC);
    slot[8..16].copy_from_slice(&counter.to_be_bytes());
    slot[16..24].copy_from_slice(&signed.size.to_be_bytes());
    slot[24..56].copy_from_slice(&signed.root);
    let checksum = blake3::hash(&slot[..56]);
    slot[56..USED].copy_from_slice(checksum.as_bytes());
    slot
}

fn read_slot(bytes: &[u8]) -> Option<(u64, Signed)> {
    let used = bytes.get(..USED)?;
    let number = |at: usize| used[at..at + 8].iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let whole = used.starts_with(MAGIC) && blake3::hash(&used[..56]).as_bytes() == &used[56..];
    let mut root = [0; 32];
    root.copy_from_slice(&used[24..56]);
    whole.then(|| (number(8), Signed { size: number(16), root }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_slot_counts_and_nothing_goes_backwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut lock = LockFile::open(&path).unwrap();
        assert_eq!(lock.signed(), None);
        for size in 1..5 {
            lock.write(Signed { size, root: [size as u8; 32] }).unwrap();
        }
        assert!(matches!(lock.write(Signed { size: 3, root: [3; 32] }), Err(LockError::Backwards { .. })));
        assert!(matches!(lock.write(Signed { size: 4, root: [9; 32] }), Err(LockError::Backwards { .. })));
        lock.write(Signed { size: 4, root: [4; 32] }).unwrap();
        assert_eq!(LockFile::open(&path).unwrap().signed(), Some(Signed { size: 4, root: [4; 32] }));

        // A torn write of the next slot leaves the one before.
        let mut bytes = std::fs::read(&path).unwrap();
        let newest = 0; // counter 4 is in slot 0
        bytes[newest * SLOT + 20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(LockFile::open(&path).unwrap().signed(), Some(Signed { size: 3, root: [3; 32] }));
        bytes[SLOT + 20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(LockFile::open(&path), Err(LockError::Damaged { .. })));
    }
}
