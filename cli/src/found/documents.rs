//! The signed documents in a node's folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::document::{Directory, DirectoryError, Document, DocumentKind, Loaded as Knowledge, Prohibitions};
use luxor_protocol::limits::{MAX_DOCUMENT_BYTES, MAX_SIGNATURES};

use super::FoundError;
use crate::files::{self, FileError};

/// A document with all its signatures around it, each well below 200 bytes.
pub(crate) const MAX_DOCUMENT_FILE: usize = MAX_DOCUMENT_BYTES + 200 * MAX_SIGNATURES + 1024;

/// Bytes of a prohibition file.
const MAX_PROHIBITION_FILE: usize = 4 * 1024 * 1024;

/// The documents of a node: charter, cards, agreements.
pub(crate) type Loaded = (Document, Vec<Document>, Vec<Document>);

/// Reads a signed document from a file.
///
/// # Errors
/// [`FoundError`] when the file cannot be read or is no document.
pub(crate) fn read_document(path: &Path) -> Result<Document, FoundError> {
    let bytes = files::read(path, MAX_DOCUMENT_FILE)?;
    Document::from_cbor(&bytes).map_err(|e| FoundError::Document { path: path.to_owned(), source: e.into() })
}

/// Puts a document into a node's folder as `documents/<kind>-<id>.luxor`, later versions as `documents/<kind>-<id>-v<n>.luxor`.
/// Earlier versions stay: they tell of former logs. One of the same name that says something else stays beside it, unless the new one
/// [`replaces`] it; signatures on the same document come together.
///
/// # Errors
/// [`FoundError::File`].
pub(crate) fn install(dir: &Path, document: &Document) -> Result<PathBuf, FoundError> {
    let folder = dir.join("documents");
    fs::create_dir_all(&folder).map_err(FileError::at(&folder))?;
    let mut path = folder.join(document.file_name());
    if replaces(document) {
        files::write(&path, &document.to_cbor())?;
        return Ok(path);
    }
    let mut whole = document.clone();
    match read_document(&path) {
        Ok(other) if other.digest() == whole.digest() => whole.join(&other),
        Ok(_) => {
            path = folder.join(document.other_file_name());
            if let Ok(other) = read_document(&path) {
                whole.join(&other);
            }
        }
        Err(_) => {}
    }
    files::write(&path, &whole.to_cbor())?;
    Ok(path)
}

/// Whether a document put into a stopped node's folder takes the place of another of its kind, id and version: only what is being
/// founded does. Words and votes stand beside those that contradict them.
pub(crate) fn replaces(document: &Document) -> bool {
    match document.kind {
        DocumentKind::Card | DocumentKind::Agreement => true,
        DocumentKind::Charter => document.version == 1,
        DocumentKind::Suspension | DocumentKind::Revocation | DocumentKind::Rejection => false,
    }
}

/// What a stopped node would go by: what holds of the documents in its folder, under its prohibitions, and what does not.
///
/// # Errors
/// [`FoundError`] when a file cannot be read, or there is not exactly one founding charter.
pub(crate) fn known(dir: &Path) -> Result<Knowledge, FoundError> {
    let documents = match all_documents(dir) {
        Err(FoundError::File(error)) if error.is_not_found() => Vec::new(),
        other => other?,
    };
    Directory::load(documents, Arc::new(prohibitions(dir)?)).map_err(|error| match error {
        DirectoryError::Founding(count) => FoundError::Charters { folder: dir.join("documents"), count },
        other => other.into(),
    })
}

/// What national law forbids at a node; nothing without the file.
///
/// # Errors
/// [`FoundError`] when `prohibitions.toml` is there and not understood.
pub(crate) fn prohibitions(dir: &Path) -> Result<Prohibitions, FoundError> {
    let path = dir.join("prohibitions.toml");
    match files::read_text(&path, MAX_PROHIBITION_FILE) {
        Err(error) if error.is_not_found() => Ok(Prohibitions::default()),
        text => Prohibitions::parse(&text?).map_err(|source| FoundError::Prohibitions { path, source }),
    }
}

/// Every document in a node's folder, in the order of their file names.
///
/// # Errors
/// [`FoundError`] when the folder or one of them cannot be read.
pub(crate) fn all_documents(dir: &Path) -> Result<Vec<Document>, FoundError> {
    documents_in(&dir.join("documents"))
}

/// Every `*.luxor` in a folder, in the order of their names.
///
/// # Errors
/// [`FoundError`] when the folder or one of them cannot be read.
pub(crate) fn documents_in(folder: &Path) -> Result<Vec<Document>, FoundError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(FileError::at(folder))? {
        let path = entry.map_err(FileError::at(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "luxor") {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| read_document(path)).collect()
}

/// The documents in a node's folder by kind. Signatures are checked by [`directory`].
///
/// # Errors
/// [`FoundError`] when one cannot be read, or there is not exactly one charter.
pub(crate) fn load_documents(dir: &Path) -> Result<Loaded, FoundError> {
    let (mut charters, mut cards, mut agreements) = (Vec::new(), Vec::new(), Vec::new());
    for document in all_documents(dir)? {
        match (document.kind, document.version) {
            (DocumentKind::Charter, 1) => charters.push(document),
            (DocumentKind::Card, _) => cards.push(document),
            _ => agreements.push(document),
        }
    }
    let count = charters.len();
    match charters.pop() {
        Some(charter) if count == 1 => Ok((charter, cards, agreements)),
        _ => Err(FoundError::Charters { folder: dir.join("documents"), count }),
    }
}

/// The network as a node's documents describe it, every signature checked.
///
/// # Errors
/// As [`load_documents`], and [`FoundError::Directory`].
pub(crate) fn directory(dir: &Path) -> Result<Directory, FoundError> {
    let (charter, cards, agreements) = load_documents(dir)?;
    Ok(Directory::new(&charter, &cards, &agreements)?)
}
