//! The file `ARCHIVE`: which log, up to where, and a hash of every file that no tree commits to.
//!
//! It is not signed and proves nothing: whoever can change a file can change it too. It tells an archive that is whole from one that
//! was damaged or broken off, and lets the next run go on. What is proven rests on the checkpoint and the documents.
//!
//! Not here: writing the other files (`mod`, `pages`), what they prove (`luxor audit archive`).

use std::collections::BTreeMap;
use std::path::Path;

use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::exchange::{Answer, AuditPage};
use luxor_protocol::hash::{hex, unhex};
use luxor_protocol::limits::MAX_ARCHIVE_DOCUMENTS;
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{EMPTY_ROOT, Hash, TilePath, TileWidth, leaf_hash, node_hash};
use serde::{Deserialize, Serialize};

use crate::exit::FindingError;
use crate::files;

/// The name of the file.
pub(crate) const MANIFEST: &str = "ARCHIVE";
/// The form of an archive.
pub(super) const FORMAT: &str = "luxor/v1/archive";
/// Bytes of the file: some 150 for each document, and the rest below 2,000.
const MAX_MANIFEST_BYTES: usize = 1024 * 1024;
/// Where documents stand.
const DOCUMENTS: &str = "documents/";

/// What an archive holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// [`FORMAT`].
    pub(super) format: String,
    /// Digest of the founding charter, hexadecimal.
    pub(crate) network: String,
    /// Whose log.
    pub(crate) node: NodeRef,
    /// The log's origin.
    pub(crate) origin: String,
    /// Its verifier key (C2SP vkey).
    pub(crate) vkey: String,
    /// Entries of the checkpoint.
    pub(crate) size: u64,
    /// Its root, hexadecimal.
    pub(crate) root: String,
    /// Pages below `audit/`.
    pub(crate) pages: u64,
    /// The hash of all pages, hexadecimal, see [`Settled::push`].
    pub(crate) pages_hash: String,
    /// All pages but the last, which never change.
    pub(crate) settled: Settled,
    /// RFC 6962 leaf hash of every other file but tiles and bundles, hexadecimal, by its name in the folder.
    pub(crate) files: BTreeMap<String, String>,
}

/// So many pages from the first one on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settled {
    /// How many.
    pub(crate) pages: u64,
    /// Entries on them.
    pub(crate) entries: u64,
    /// Their hash, hexadecimal.
    pub(crate) hash: String,
}

impl Default for Settled {
    fn default() -> Self {
        Self { pages: 0, entries: 0, hash: hex(&EMPTY_ROOT) }
    }
}

impl Settled {
    /// Adds a page: the hash is the RFC 6962 node hash of the one before (of the empty tree at first) and the leaf hash of
    /// the file.
    pub(crate) fn push(&mut self, file: &[u8], entries: usize) {
        let before = unhex(&self.hash).and_then(|hash| Hash::try_from(hash).ok()).unwrap_or(EMPTY_ROOT);
        self.hash = hex(&node_hash(&before, &leaf_hash(file)));
        self.pages += 1;
        // A page has few entries, and all of them are in memory.
        self.entries = self.entries.saturating_add(entries as u64);
    }
}

impl Manifest {
    /// Reads the file of a folder; `None` if there is none.
    ///
    /// # Errors
    /// [`FindingError`] when it is none, or not in its one form.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = dir.join(MANIFEST);
        let bytes = match files::read_regular(&path, MAX_MANIFEST_BYTES) {
            Err(error) if error.is_not_found() => return Ok(None),
            _ => read_part(dir, MANIFEST, MAX_MANIFEST_BYTES)?,
        };
        let wrong = |what: String| FindingError(format!("{}: {what}; hint: it is damaged", path.display()));
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        manifest.check().map_err(|what| wrong(what.to_owned()))?;
        match manifest.to_bytes()? == bytes {
            true => Ok(Some(manifest)),
            false => Err(wrong("not written as an archive writes it".to_owned()).into()),
        }
    }

    /// The file's one form.
    pub(crate) fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The names of the documents.
    pub(crate) fn documents(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str).filter(|name| name.starts_with(DOCUMENTS))
    }

    /// The name of the file with the log's key.
    pub(crate) fn key_name(&self) -> String {
        format!("{}.vkey", self.origin.replace('/', "_"))
    }

    /// Reads a file that is named here, of at most `max` bytes.
    ///
    /// # Errors
    /// [`FindingError`] when it is not named, not there, larger, or another than the one that was archived.
    pub(crate) fn file(&self, dir: &Path, name: &str, max: usize) -> anyhow::Result<Vec<u8>> {
        let bytes = read_part(dir, name, max)?;
        match self.files.get(name) {
            Some(hash) if *hash == hash_of(&bytes) => Ok(bytes),
            Some(_) => Err(FindingError(format!(
                "{name} is not the file that was archived; hint: it is damaged, or an archive run was broken off: run it again"
            ))
            .into()),
            None => Err(FindingError(format!("{MANIFEST} does not name {name}")).into()),
        }
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.format != FORMAT {
            return Err("another form of archive; a later luxor may read it");
        }
        if self.settled.pages != self.pages.saturating_sub(1) || self.settled.entries > self.size {
            return Err("the numbers of pages and entries contradict each other");
        }
        let fixed = ["checkpoint".to_owned(), "policy".to_owned(), self.key_name()];
        if self.files.keys().any(|name| !fixed.contains(name) && !is_document_name(name)) {
            return Err("names a file that no archive has");
        }
        if self.documents().count() > MAX_ARCHIVE_DOCUMENTS {
            return Err("too many documents");
        }
        Ok(())
    }
}

/// What stands for a file in [`Manifest::files`].
pub(super) fn hash_of(bytes: &[u8]) -> String {
    hex(&leaf_hash(bytes))
}

/// The name of a page, numbered as tiles are; the last one, which gives way when the log grows, has its entries in its name.
pub(crate) fn page_name(page: u64, last: Option<u64>) -> String {
    let path = TilePath::Entries { index: page, width: TileWidth::FULL }.to_string();
    let number = path.strip_prefix("tile/entries/").unwrap_or(&path);
    match last {
        Some(entries) => format!("audit/{number}.p/{entries}"),
        None => format!("audit/{number}"),
    }
}

/// Reads a page: the answer of a node, without its newest checkpoint, in whose place the archive's stands.
pub(crate) fn read_page(bytes: &[u8]) -> Result<AuditPage, String> {
    match Answer::from_cbor(bytes).map_err(|error| error.to_string())? {
        Answer::Page(page) if page.entries.is_empty() => Err("a page without entries".into()),
        Answer::Page(page) if page.checkpoint.is_empty() => Ok(page),
        Answer::Page(_) => Err("a page with a newest checkpoint of its own".into()),
        _ => Err("no page of a log".into()),
    }
}

/// The file of a page.
pub(super) fn page_bytes(page: AuditPage) -> Vec<u8> {
    Answer::Page(page).to_cbor()
}

/// Reads a file of an archive, of at most `max` bytes. What lacks, is larger, or is no file is a finding.
pub(crate) fn read_part(dir: &Path, name: &str, max: usize) -> anyhow::Result<Vec<u8>> {
    files::read_regular(&dir.join(name), max).map_err(|error| match error {
        error if error.is_not_found() => {
            FindingError(format!("{name} is not there; hint: take it from a copy, or archive into a new folder")).into()
        }
        error if error.is_of_content() => {
            let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            FindingError(format!("{name}: {why}")).into()
        }
        error => error.into(),
    })
}

/// `documents/` and a name without anything that leads elsewhere.
fn is_document_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let stem = name.strip_prefix(DOCUMENTS).and_then(|name| name.strip_suffix(".luxor"));
    stem.is_some_and(|stem| !stem.is_empty() && stem.len() < 200 && stem.chars().all(plain))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_as_tiles_are_and_documents_lead_nowhere() {
        assert_eq!(page_name(0, None), "audit/000");
        assert_eq!(page_name(1_234_067, None), "audit/x001/x234/067");
        assert_eq!(page_name(70, Some(512)), "audit/070.p/512");
        for name in ["documents/card-a.luxor", "documents/card-a-v2.luxor"] {
            assert!(is_document_name(name));
        }
        for name in ["documents/../x.luxor", "documents/.luxor", "documents//a.luxor", "a.luxor", "documents/a/b.luxor"]
        {
            assert!(!is_document_name(name), "{name}");
        }
    }

    #[test]
    fn what_is_no_page_is_refused() {
        let page = AuditPage { checkpoint: Vec::new(), entries: Vec::new(), checkpoints: Vec::new() };
        assert!(read_page(&page_bytes(page)).unwrap_err().contains("without entries"));
        assert!(read_page(b"").is_err());
        let resend = Answer::Resend { after: 1 }.to_cbor();
        assert_eq!(read_page(&resend).unwrap_err(), "no page of a log");
    }
}
