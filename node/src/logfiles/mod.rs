//! The log's files for whoever asks over HTTP, at the size that the asker may see: shared by the public log and the local
//! interface, which do not see each other.
//!
//! The database is read on blocking threads, so many requests at once do not keep the node's own work waiting.
//!
//! Not here: HTTP (public, api), how files are made (store), when a size becomes public (the caller of [`PublicLog`]).
//!
//! Limits: [`MAX_READS`], [`MAX_WAITING`]; each room has its own, so the public cannot keep the own people out.

mod copy;

#[cfg(test)]
pub(crate) mod tests;

use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use luxor_protocol::tlog::TilePath;
use tokio::sync::Semaphore;

pub use copy::{PublicLog, PublicSite};

use crate::sequencer::Latest;
use crate::store::{LogFileReader, Store, StoreError};

/// Files made at a time by one room. Each takes one thread, and what a node does besides must not wait for it.
pub const MAX_READS: usize = 2;
/// Requests of one room that are made or wait; above it they are answered with "try again". A file takes less than a
/// millisecond.
pub const MAX_WAITING: usize = 128;

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum LogFileError {
    /// No path of a log's file, or of a file that a log of this size has not.
    #[error(
        "the log has no such file at {size} entries\nhint: paths are those of c2sp.org/tlog-tiles, as tile/0/000.p/5"
    )]
    Missing {
        /// Entries of the log.
        size: u64,
    },
    /// Too many requests.
    #[error(
        "more than {MAX_WAITING} requests for files of the log wait\nhint: ask again later, or for fewer at a time"
    )]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The reading thread panicked, or the node is stopping.
    #[error("reading a file of the log did not end in order: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// How a file's bytes are to be coded for the transfer (RFC 9110 section 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As they are.
    Identity,
    /// gzip, if it is an entry bundle: hashes alone do not compress.
    Gzip,
}

/// One of the log's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Where it stands in the log.
    pub path: TilePath,
    /// Its bytes, coded as it says below.
    pub bytes: Vec<u8>,
    /// How they are coded.
    pub coding: Coding,
}

impl LogFile {
    /// Its media type. <https://c2sp.org/tlog-tiles>.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self.path {
            TilePath::Checkpoint => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}

/// Gives the log's files to one room.
pub struct LogFiles {
    reader: Arc<LogFileReader>,
    reads: Arc<Semaphore>,
    waiting: Semaphore,
}

impl LogFiles {
    /// Files of the log in this database.
    pub fn new(store: Arc<Store>) -> Self {
        let reader = Arc::new(LogFileReader::new(store));
        Self { reader, reads: Arc::new(Semaphore::new(MAX_READS)), waiting: Semaphore::new(MAX_WAITING) }
    }

    /// The file at a path of <https://c2sp.org/tlog-tiles>, below the log's prefix, in the log as `latest` signs it.
    ///
    /// # Errors
    /// [`LogFileError`]; whatever lies beyond that size is missing, whether the database has it or not, and the database is
    /// not asked.
    pub async fn read(&self, path: &str, latest: &Latest, coding: Coding) -> Result<LogFile, LogFileError> {
        let size = latest.size;
        let missing = || LogFileError::Missing { size };
        let path = TilePath::parse(path).map_err(|_| missing())?;
        if path == TilePath::Checkpoint {
            return Ok(LogFile { path, bytes: latest.note.clone(), coding: Coding::Identity });
        }
        if path.smallest_size().is_none_or(|smallest| smallest > size) {
            return Err(missing());
        }
        let _place = self.waiting.try_acquire().map_err(|_| LogFileError::Busy)?;
        // Nothing closes it.
        let read = self.reads.clone().acquire_owned().await.map_err(|_| LogFileError::Busy)?;
        let reader = self.reader.clone();
        let made = tokio::task::spawn_blocking(move || {
            // Held here and not by the request: whoever asked may go, and the thread still works.
            let _read = read;
            let bytes = reader.read(&path, size)?;
            Ok::<_, StoreError>(bytes.map(|bytes| coded(path, bytes, coding)))
        });
        made.await??.ok_or_else(missing)
    }
}

fn coded(path: TilePath, bytes: Vec<u8>, coding: Coding) -> LogFile {
    let wanted = coding == Coding::Gzip && matches!(path, TilePath::Entries { .. });
    match wanted.then(|| gzip(&bytes)).flatten() {
        Some(bytes) => LogFile { path, bytes, coding },
        None => LogFile { path, bytes, coding: Coding::Identity },
    }
}

/// The same bytes for the same bytes: no time, no name.
fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}
