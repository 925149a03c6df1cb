//! The signed documents in a node's folder.

use std::fs;
use std::path::{Path, PathBuf};

use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::document::{Directory, Document, DocumentKind};
use luxor_protocol::limits::{MAX_DOCUMENT_BYTES, MAX_SIGNATURES};

use super::FoundError;
use crate::files::{self, FileError};

/// A document with all its signatures around it, each well below 200 bytes.
pub(crate) const MAX_DOCUMENT_FILE: usize = MAX_DOCUMENT_BYTES + 200 * MAX_SIGNATURES + 1024;

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

/// Puts a document into a node's folder as `documents/<kind>-<id>.luxor`, later versions as `documents/<kind>-<id>-v<n>.luxor`,
/// in place of an earlier one of that name. Earlier versions stay: they tell of former logs.
///
/// # Errors
/// [`FoundError::File`].
pub(crate) fn install(dir: &Path, document: &Document) -> Result<PathBuf, FoundError> {
    let folder = dir.join("documents");
    fs::create_dir_all(&folder).map_err(FileError::at(&folder))?;
    let path = folder.join(document_name(document));
    files::write(&path, &document.to_cbor())?;
    Ok(path)
}

/// The file name of a document.
pub(crate) fn document_name(document: &Document) -> String {
    let version = if document.version == 1 { String::new() } else { format!("-v{}", document.version) };
    format!("{}-{}{version}.luxor", document.kind, document.id)
}

/// Every document in a node's folder, in the order of their file names.
///
/// # Errors
/// [`FoundError`] when the folder or one of them cannot be read.
pub(crate) fn all_documents(dir: &Path) -> Result<Vec<Document>, FoundError> {
    let folder = dir.join("documents");
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).map_err(FileError::at(&folder))? {
        let path = entry.map_err(FileError::at(&folder))?.path();
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
        match document.kind {
            DocumentKind::Charter => charters.push(document),
            DocumentKind::Card => cards.push(document),
            DocumentKind::Agreement => agreements.push(document),
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
