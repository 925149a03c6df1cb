//! `luxord bench`: what this machine's processor and disk give for a log and for the steps of an exchange, measured in this
//! process with the node's own rooms. `luxor bench` starts it and prints its JSON for people.
//!
//! Not here: whole exchanges between two nodes (`luxor bench exchange`), the ceiling's formula
//! ([`luxor_protocol::bench`]).

mod log;
mod primitives;
mod proofs;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use luxor_protocol::bench::{MAX_RECORD_SIZE, MIN_RECORD_SIZE, peak_memory};
use luxor_protocol::exchange::SealedError;
use luxor_protocol::keys::KeyError;
use luxor_protocol::limits::MAX_CHUNK_RECORDS;
use luxor_protocol::record::ContentError;

use crate::entropy::EntropyError;
use crate::seal::SealError;
use crate::sequencer::{LockError, SequencerError};
use crate::store::StoreError;

/// Commits that a measurement keeps in flight at most; the sequencer takes more.
const MAX_IN_FLIGHT: u64 = 8_192;
/// Entries of one run: a hundred million take some twenty GB.
const MAX_ENTRIES: u64 = 100_000_000;

/// Bytes of an opening that can be asked for: what a receipt without faults takes, and a good deal less than the largest.
const MIN_OPENING_BYTES: u64 = 300;
const MAX_OPENING_BYTES: u64 = 65_535;

/// What to measure. The result is one line of JSON on stdout.
#[derive(Debug, clap::Subcommand)]
pub enum BenchCommand {
    /// Appends entries to a log, each in a commit of its own.
    Log {
        /// An empty folder on the disk to be measured; what is written stays there.
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// How many entries.
        #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=MAX_ENTRIES))]
        entries: u64,
        /// Commits not yet released, at most.
        #[arg(long, default_value_t = 1_024, value_parser = clap::value_parser!(u64).range(1..=MAX_IN_FLIGHT))]
        in_flight: u64,
        /// Bytes of an opening: what an entry commits to, stored with it. Without it, that of a dispatch without payload.
        #[arg(long, value_parser = clap::value_parser!(u64).range(MIN_OPENING_BYTES..=MAX_OPENING_BYTES))]
        size: Option<u64>,
    },
    /// Times each step of an exchange by itself and gives the ceiling.
    Primitives {
        /// An empty folder on the disk to be measured; what is written stays there.
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// Encoded bytes of a record.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(MIN_RECORD_SIZE as u64..=MAX_RECORD_SIZE as u64))]
        size: u64,
        /// Records of a dispatch.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=MAX_CHUNK_RECORDS as u64))]
        batch: u64,
    },
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The folder cannot be used.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What happened.
        error: std::io::Error,
    },
    /// The folder holds something.
    #[error("{} is not empty\nhint: name a folder that is empty or not there", .0.display())]
    NotEmpty(PathBuf),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lock file failed.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The sequencer failed.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// No record of that size.
    #[error("a record: {0}")]
    Record(#[from] ContentError),
    /// The content of a dispatch is too large.
    #[error("a dispatch: {0}\nhint: fewer or smaller records")]
    Sealed(#[from] SealedError),
    /// Something that must work did not; a defect.
    #[error("{0}")]
    Defect(&'static str),
}

/// Measures and returns one line of JSON.
///
/// # Errors
/// [`BenchError`].
pub fn run(command: &BenchCommand) -> Result<String, BenchError> {
    let json = match command {
        BenchCommand::Log { folder, entries, in_flight, size } => {
            // Far below the largest usize, see its range.
            let size = size.map(|size| size as usize);
            serde_json::to_string(&log::measure(&fresh(folder)?, *entries, *in_flight, size)?)
        }
        BenchCommand::Primitives { folder, size, batch } => {
            // Both are far below the largest usize, see their ranges.
            serde_json::to_string(&primitives::measure(&fresh(folder)?, *size as usize, *batch as usize)?)
        }
    };
    json.map_err(|_| BenchError::Defect("the report is not JSON"))
}

fn fresh(folder: &Path) -> Result<PathBuf, BenchError> {
    let io = |error| BenchError::Io { path: folder.to_owned(), error };
    fs::create_dir_all(folder).map_err(io)?;
    match fs::read_dir(folder).map_err(io)?.next() {
        None => Ok(folder.to_owned()),
        Some(_) => Err(BenchError::NotEmpty(folder.to_owned())),
    }
}

/// The most memory that this process held.
fn own_peak_memory() -> Result<u64, BenchError> {
    let path = PathBuf::from("/proc/self/status");
    let text = fs::read_to_string(&path).map_err(|error| BenchError::Io { path, error })?;
    peak_memory(&text).ok_or(BenchError::Defect("/proc/self/status names no peak of memory (VmHWM)"))
}

/// What the files of a folder take on disk.
fn disk_use(folder: &Path) -> Result<u64, BenchError> {
    let io = |error| BenchError::Io { path: folder.to_owned(), error };
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let metadata = match entry.metadata() {
            // RocksDB removes files while others are counted.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.map_err(io)?,
        };
        bytes += if metadata.is_dir() { disk_use(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}
