//! Where a log's files lie: a folder, a web server, a node (<https://c2sp.org/tlog-tiles>).
//!
//! Not here: whether they are right. Reads are bounded by the size that the path can have.

use std::path::PathBuf;

use luxor_protocol::tlog::proof::ProveError;
use luxor_protocol::tlog::tiled::TiledError;
use luxor_protocol::tlog::{Hash, MAX_ENTRY_BYTES, MAX_NOTE_BYTES, TilePath, TileSource};

use super::args::SourceArgs;
use crate::client::{Client, ClientError, Web};
use crate::exit::{FindingError, UsageError};
use crate::files::{self, FileError};

/// Bytes of an entry's length in a bundle.
const LENGTH_BYTES: usize = 2;

/// Why a log's file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// Not a folder.
    #[error("{}: no such folder\nhint: a log is a folder, an http:// URL, or that of a node with --node", .0.display())]
    NoFolder(PathBuf),
    /// The operating system refused, or the file is larger than it can be.
    #[error(transparent)]
    File(#[from] FileError),
    /// The server or the node did not give it.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A log's files.
pub(super) enum LogSource {
    Folder(PathBuf),
    Url(Web),
    Node(Client),
}

impl LogSource {
    /// The one that the command line names.
    pub(super) fn named(args: &SourceArgs) -> anyhow::Result<Self> {
        Self::of(args.source.as_deref(), args.node.as_deref())
    }

    /// A folder or URL, else a node.
    pub(super) fn of(place: Option<&str>, node: Option<&str>) -> anyhow::Result<Self> {
        match (place, node) {
            (Some(place), _) => Ok(Self::at(place)?),
            (None, Some(node)) => Ok(Self::Node(Client::open(node)?)),
            // The command line's groups leave no such case.
            (None, None) => Err(UsageError("no log is named\nhint: give a folder, a URL, or --node".into()).into()),
        }
    }

    /// A folder or URL.
    pub(super) fn at(place: &str) -> Result<Self, SourceError> {
        if place.starts_with("http://") || place.starts_with("https://") {
            return Ok(Self::Url(Web::new(place)?));
        }
        let folder = PathBuf::from(place);
        if folder.is_dir() { Ok(Self::Folder(folder)) } else { Err(SourceError::NoFolder(folder)) }
    }

    /// Its name in messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Url(web) => web.url().to_owned(),
            Self::Node(client) => format!("the node at {}", client.url()),
        }
    }

    /// The file, or where it is partial and not there, the full one in its place.
    pub(super) fn read_or_full(&self, path: &TilePath) -> Result<Option<(TilePath, Vec<u8>)>, SourceError> {
        for path in [Some(*path), path.full()].into_iter().flatten() {
            if let Some(bytes) = self.read(&path)? {
                return Ok(Some((path, bytes)));
            }
        }
        Ok(None)
    }
}

impl TileSource for LogSource {
    type Error = SourceError;

    fn read(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        let (max, name) = (max_bytes(path), path.to_string());
        Ok(match self {
            Self::Folder(folder) => match files::read_regular(&folder.join(name), max) {
                Err(error) if error.is_not_found() => None,
                read => Some(read?),
            },
            Self::Url(web) => web.file(&name, max)?,
            Self::Node(client) => client.log_file(&name, max)?,
        })
    }
}

impl TileSource for &LogSource {
    type Error = SourceError;

    fn read(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        (*self).read(path)
    }
}

/// The most bytes that the file at a path can have.
pub(super) fn max_bytes(path: &TilePath) -> usize {
    match path {
        TilePath::Checkpoint => MAX_NOTE_BYTES,
        TilePath::Tile { width, .. } => width.get() * size_of::<Hash>(),
        TilePath::Entries { width, .. } => width.get() * (LENGTH_BYTES + MAX_ENTRY_BYTES),
    }
}

/// Tells a source that failed from a log that is wrong.
pub(super) fn read_failed(error: ProveError<TiledError<SourceError>>) -> anyhow::Error {
    match error {
        ProveError::Node { source: TiledError::Source { path, source }, .. } => {
            anyhow::Error::new(source).context(format!("reading {path}"))
        }
        ProveError::Node { source, .. } => FindingError(source.to_string()).into(),
        other => FindingError(other.to_string()).into(),
    }
}
