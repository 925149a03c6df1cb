//! A node's folder: key files, documents, files that a running node puts there.
//!
//! `luxord.toml`, `keys/<use>.key`, `keys/<use>-*.key`, `keys/data.keys` and `keys/wrap.key` ([`crate::keyring`]), `documents/*.luxor`,
//! `prohibitions.toml`, `data/` (RocksDB), `log.lock`, `run/api.json`, `run/ready.json`.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::document::{
    CardNode, Directory, DirectoryError, Document, DocumentError, Keys, ProhibitionError, Prohibitions,
};
use luxor_protocol::keys::{KeyError, KeyUse, PublicKey, SecretKey};
use luxor_protocol::limits::MAX_SIGNED_DOCUMENT_BYTES;
use zeroize::Zeroizing;

use crate::seal::{SealError, SealKey, SealKeys};

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
    /// The key in use on the node's card is in no file.
    #[error(
        "the {what} key on the card is in no file of {}\nhint: put the key back from where it is kept, or sign a card with the keys of this folder",
        folder.display()
    )]
    NoKey {
        /// Its use.
        what: &'static str,
        /// Where it was looked for.
        folder: PathBuf,
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
    /// There is no founding charter, or more than one.
    #[error("{}: expected one founding charter, found {found}\nhint: put the founding charter there with `luxor install`", path.display())]
    Charter {
        /// The folder.
        path: PathBuf,
        /// How many.
        found: usize,
    },
    /// The prohibition file is refused.
    #[error("{}: {error}", path.display())]
    Prohibitions {
        /// The file.
        path: PathBuf,
        /// Why.
        error: ProhibitionError,
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
    /// Checkpoints: the key in use, then those that sign beside it while it is replaced.
    pub log: Vec<SecretKey>,
    /// Cosignatures of others' checkpoints, likewise.
    pub witness: Vec<SecretKey>,
    /// Connections.
    pub transport: SecretKey,
    /// Open what is sealed to the node.
    pub seal: SealKeys,
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

    /// Where keys live: those of the node, and the files of data keys.
    pub fn key_folder(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// Reads the node's keys from the files named after their use; files that others may read are refused.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn keys(&self) -> Result<NodeKeys, FolderError> {
        let key = |purpose: KeyUse| {
            let (path, text) = self.secret(self.key_path(purpose.name()))?;
            SecretKey::parse(purpose, &text).map_err(|error| FolderError::Key { path, error })
        };
        Ok(NodeKeys {
            sign: key(KeyUse::Sign)?,
            log: vec![key(KeyUse::Log)?],
            witness: vec![key(KeyUse::Witness)?],
            transport: key(KeyUse::Transport)?,
            seal: SealKeys::new(vec![self.seal_key(self.key_path("seal"))?]),
        })
    }

    /// Reads the node's keys as its card has them, from `keys/<use>.key` and, while a key is replaced, `keys/<use>-*.key`. Of log and
    /// witness keys all on the card that are here; of seal keys all that are here.
    ///
    /// # Errors
    /// [`FolderError`]; [`FolderError::NoKey`] when the key in use is not here.
    pub fn keys_for(&self, card: &CardNode) -> Result<NodeKeys, FolderError> {
        let all = |purpose: KeyUse, on_card: &Keys| -> Result<Vec<SecretKey>, FolderError> {
            let mut here = Vec::new();
            for path in self.key_files(purpose.name())? {
                let (path, text) = self.secret(path)?;
                here.push(SecretKey::parse(purpose, &text).map_err(|error| FolderError::Key { path, error })?);
            }
            let held = |key: &PublicKey| here.iter().find(|secret| secret.public() == key).cloned();
            if held(on_card.current()).is_none() {
                return Err(FolderError::NoKey { what: purpose.name(), folder: self.0.join("keys") });
            }
            Ok(on_card.all().iter().filter_map(held).collect())
        };
        let one = |purpose, on_card: &Keys| Ok::<_, FolderError>(all(purpose, on_card)?.swap_remove(0));
        let seals = self.key_files("seal")?.into_iter().map(|path| self.seal_key(path));
        let mut seals = seals.collect::<Result<Vec<_>, _>>()?;
        seals.sort_by_key(|key| key.recipient() != card.seal_to());
        if seals.first().is_none_or(|key| key.recipient() != card.seal_to()) {
            return Err(FolderError::NoKey { what: "seal", folder: self.0.join("keys") });
        }
        Ok(NodeKeys {
            sign: one(KeyUse::Sign, &card.sign)?,
            log: all(KeyUse::Log, &card.log)?,
            witness: all(KeyUse::Witness, &card.witness)?,
            transport: one(KeyUse::Transport, &card.transport)?,
            seal: SealKeys::new(seals),
        })
    }

    fn key_path(&self, name: &str) -> PathBuf {
        self.0.join("keys").join(format!("{name}.key"))
    }

    fn seal_key(&self, path: PathBuf) -> Result<SealKey, FolderError> {
        let (path, text) = self.secret(path)?;
        SealKey::parse(&text).map_err(|error| FolderError::Seal { path, error })
    }

    /// Key files of a use: the one that bears its name, then others by name. Without any, the first, which reading will miss.
    fn key_files(&self, name: &str) -> Result<Vec<PathBuf>, FolderError> {
        let folder = self.0.join("keys");
        let mut files = vec![self.key_path(name)];
        let entries = match fs::read_dir(&folder) {
            Err(error) => return Err(FolderError::Io { path: folder, error }),
            Ok(entries) => entries,
        };
        let others = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.to_owned()));
        let of_use =
            |file: &String| file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(".key"));
        let mut others: Vec<_> = others.filter(of_use).collect();
        others.sort();
        files.extend(others.into_iter().map(|file| folder.join(file)));
        Ok(files)
    }

    /// Reads every `documents/*.luxor` and checks them against each other, under the folder's `prohibitions.toml`. Documents that do
    /// not hold are left out, with a warning: a network goes on without them.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn documents(&self) -> Result<Directory, FolderError> {
        let path = self.0.join("documents");
        let documents = self.document_files()?.iter().map(|file| read_document(file)).collect::<Result<Vec<_>, _>>()?;
        let loaded = Directory::load(documents, Arc::new(self.prohibitions()?)).map_err(|error| match error {
            DirectoryError::Founding(found) => FolderError::Charter { path, found },
            other => other.into(),
        })?;
        for (document, error) in &loaded.refused {
            tracing::warn!(document = document.file_name(), %error, "a document does not hold and is left out");
        }
        Ok(loaded.directory)
    }

    /// What national law forbids here; nothing without the file.
    ///
    /// # Errors
    /// [`FolderError::Prohibitions`]: a node does not run under a file that it cannot read.
    pub fn prohibitions(&self) -> Result<Prohibitions, FolderError> {
        let path = self.0.join("prohibitions.toml");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Prohibitions::default()),
            Err(error) => return Err(FolderError::Io { path, error }),
            Ok(text) => text,
        };
        Prohibitions::parse(&text).map_err(|error| FolderError::Prohibitions { path, error })
    }

    /// Keeps a document, whole or not at all: durable when this returns.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn put_document(&self, document: &Document) -> Result<(), FolderError> {
        let folder = self.0.join("documents");
        let plain = folder.join(document.file_name());
        // What contradicts another, or is said in another round, stands beside it.
        let path = match plain.exists() && read_document(&plain).is_ok_and(|other| other.digest() != document.digest())
        {
            true => folder.join(document.other_file_name()),
            false => plain,
        };
        let io = |error| FolderError::Io { path: path.clone(), error };
        fs::create_dir_all(&folder).map_err(io)?;
        let temporary = folder.join(format!(".{}.new", document.file_name()));
        let written = fs::File::create(&temporary).and_then(|mut file| {
            file.write_all(&document.to_cbor())?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            fs::File::open(&folder)?.sync_all()
        });
        written.map_err(|error| {
            // What is half written is no document, and read by nobody.
            let _ = fs::remove_file(&temporary);
            io(error)
        })
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

    fn secret(&self, path: PathBuf) -> Result<(PathBuf, Zeroizing<String>), FolderError> {
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
pub fn read_document(file: &Path) -> Result<Document, FolderError> {
    let io = |error| FolderError::Io { path: file.to_owned(), error };
    if fs::metadata(file).map_err(io)?.len() > MAX_SIGNED_DOCUMENT_BYTES as u64 {
        let error = DocumentError::Content("larger than any document".into());
        return Err(FolderError::Document { path: file.to_owned(), error });
    }
    let bytes = fs::read(file).map_err(io)?;
    let document = Document::from_cbor(&bytes).map_err(DocumentError::from);
    document.map_err(|error| FolderError::Document { path: file.to_owned(), error })
}
