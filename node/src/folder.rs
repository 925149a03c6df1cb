//! A node's folder: key files, documents, files that a running node puts there.
//!
//! `luxord.toml`, `keys/<use>.key`, `documents/*.luxor`, `data/` (RocksDB), `log.lock`, `run/api.json`, `run/ready.json`.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use luxor_protocol::cbor::Decode;
use luxor_protocol::document::{Directory, DirectoryError, Document, DocumentError, DocumentKind};
use luxor_protocol::keys::{KeyError, KeyUse, SecretKey};
use luxor_protocol::limits::MAX_DOCUMENT_BYTES;
use zeroize::Zeroizing;

use crate::seal::{SealError, SealKey};

/// Why a folder was refused.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The file system says so.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: std::io::Error,
    },
    /// Others may read a secret.
    #[error("{}: mode {mode:o} lets others read a secret key\nhint: chmod 600 {}", path.display(), path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A key file holds no such key.
    #[error("{}: {error}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: KeyError,
    },
    /// The seal key file holds none.
    #[error("{}: {error}", path.display())]
    Seal {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: SealError,
    },
    /// A file in `documents/` is no document.
    #[error("{}: {error}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: DocumentError,
    },
    /// There is no charter, or more than one.
    #[error("{}: expected one charter, found {found}\nhint: put the founding charter there with `luxor install`", path.display())]
    Charter {
        /// The folder.
        path: PathBuf,
        /// How many.
        found: usize,
    },
    /// The documents contradict each other.
    #[error("documents: {0}")]
    Directory(#[from] DirectoryError),
}

/// A node's folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// Secret keys of a node. Identity is not among them: a running node never signs documents.
pub struct NodeKeys {
    /// Batches and dispatches.
    pub sign: SecretKey,
    /// Checkpoints.
    pub log: SecretKey,
    /// Cosignatures of others' checkpoints.
    pub witness: SecretKey,
    /// Connections.
    pub transport: SecretKey,
    /// Opens what is sealed to the node.
    pub seal: SealKey,
}

/// Documents with their bytes, for handing out.
pub struct LoadedDocuments {
    /// Checked against each other.
    pub directory: Directory,
    /// The charter's bytes.
    pub charter: Vec<u8>,
    /// The cards' bytes.
    pub cards: Vec<Vec<u8>>,
    /// The agreements' bytes.
    pub agreements: Vec<Vec<u8>>,
}

impl Folder {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where RocksDB lives.
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Where the largest signed checkpoint is remembered, outside the database and its backups.
    pub fn lock(&self) -> PathBuf {
        self.0.join("log.lock")
    }

    /// Reads the node's keys; files that others may read are refused.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn keys(&self) -> Result<NodeKeys, FolderError> {
        let key = |purpose: KeyUse| {
            let (path, text) = self.secret(purpose.name())?;
            SecretKey::parse(purpose, &text).map_err(|error| FolderError::Key { path, error })
        };
        let (path, text) = self.secret("seal")?;
        let seal = SealKey::parse(&text).map_err(|error| FolderError::Seal { path, error })?;
        Ok(NodeKeys {
            sign: key(KeyUse::Sign)?,
            log: key(KeyUse::Log)?,
            witness: key(KeyUse::Witness)?,
            transport: key(KeyUse::Transport)?,
            seal,
        })
    }

    /// Reads every `documents/*.luxor` and checks them against each other.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn documents(&self) -> Result<LoadedDocuments, FolderError> {
        let path = self.0.join("documents");
        let mut by_kind: [Vec<(Document, Vec<u8>)>; 3] = Default::default();
        for file in self.document_files()? {
            let (document, bytes) = read_document(&file)?;
            let kind = match document.kind {
                DocumentKind::Charter => 0,
                DocumentKind::Card => 1,
                DocumentKind::Agreement => 2,
            };
            by_kind[kind].push((document, bytes));
        }
        let [mut charters, cards, agreements] = by_kind;
        let found = charters.len();
        let charter = charters.pop().filter(|_| found == 1);
        let (charter, charter_bytes) = charter.ok_or_else(|| FolderError::Charter { path: path.clone(), found })?;
        let (cards, card_bytes): (Vec<_>, Vec<_>) = cards.into_iter().unzip();
        let (agreements, agreement_bytes): (Vec<_>, Vec<_>) = agreements.into_iter().unzip();
        let directory = Directory::new(&charter, &cards, &agreements)?;
        Ok(LoadedDocuments { directory, charter: charter_bytes, cards: card_bytes, agreements: agreement_bytes })
    }

    /// The files of `documents/`, ordered by name.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn document_files(&self) -> Result<Vec<PathBuf>, FolderError> {
        let path = self.0.join("documents");
        let io = |error| FolderError::Io { path: path.clone(), error };
        let mut files: Vec<PathBuf> = fs::read_dir(&path)
            .map_err(io)?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<Result<_, _>>()
            .map_err(io)?;
        files.retain(|file| file.extension().is_some_and(|e| e == "luxor"));
        files.sort();
        Ok(files)
    }

    /// Puts a file into `run/`, readable by its owner only, whole or not at all.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn put_run_file(&self, name: &str, content: &[u8]) -> Result<(), FolderError> {
        let folder = self.0.join("run");
        let path = folder.join(name);
        let io = |error| FolderError::Io { path: path.clone(), error };
        fs::create_dir_all(&folder).map_err(io)?;
        let temporary = folder.join(format!(".{name}.new"));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&temporary).map_err(io)?;
        file.write_all(content).map_err(io)?;
        drop(file);
        fs::rename(&temporary, &path).map_err(io)
    }

    /// Removes what a node that ran before left in `run/`.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn clear_run_files(&self) -> Result<(), FolderError> {
        for name in ["api.json", "ready.json"] {
            let path = self.0.join("run").join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(FolderError::Io { path, error });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn secret(&self, name: &str) -> Result<(PathBuf, Zeroizing<String>), FolderError> {
        let path = self.0.join("keys").join(format!("{name}.key"));
        let io = |error| FolderError::Io { path: path.clone(), error };
        let mode = fs::metadata(&path).map_err(io)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(FolderError::Mode { path, mode });
        }
        let text = Zeroizing::new(fs::read_to_string(&path).map_err(io)?);
        Ok((path, text))
    }
}

/// Reads a document's file; its signatures are checked with the others.
///
/// # Errors
/// [`FolderError::Io`] and [`FolderError::Document`].
pub fn read_document(file: &Path) -> Result<(Document, Vec<u8>), FolderError> {
    let io = |error| FolderError::Io { path: file.to_owned(), error };
    if fs::metadata(file).map_err(io)?.len() > 2 * MAX_DOCUMENT_BYTES as u64 {
        let error = DocumentError::Content("larger than any document".into());
        return Err(FolderError::Document { path: file.to_owned(), error });
    }
    let bytes = fs::read(file).map_err(io)?;
    let document = Document::from_cbor(&bytes).map_err(DocumentError::from);
    let document = document.map_err(|error| FolderError::Document { path: file.to_owned(), error })?;
    Ok((document, bytes))
}
