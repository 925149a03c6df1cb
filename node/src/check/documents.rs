//! Keys and documents: each file by itself, so that a damaged one has a name; then all together, and with what the log says
//! of them.

use luxor_protocol::cbor::Decode;
use luxor_protocol::document::{Directory, Document, DocumentKind};
use luxor_protocol::exchange::{DocumentBody, EntryKind};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;

use super::report::{INSTALL, KEEP, Notes, RESTORE, entry as entry_name, opening};
use super::{Check, Opened};
use crate::folder::{Folder, read_document};
use crate::store::{Family, MetaKey};

/// Gives what the whole documents say together, and whether all are whole.
pub(super) fn check(folder: &Folder, me: &NodeRef, notes: &mut Notes<'_>) -> (Option<Directory>, bool) {
    notes.kinds(&["documents", "keys"]);
    let directory = documents(folder, notes);
    let whole = notes.report.whole();
    match folder.keys() {
        Err(error) => notes.finding("keys/", error, "put the key back from where it is kept"),
        Ok(_) => match directory.as_ref().map(|directory| directory.node(me)) {
            Some(None) => {
                if whole {
                    notes.finding(format!("card of {me}"), "no document in documents/ is this card", INSTALL);
                }
                notes.not_checked("keys/ against the card".into());
            }
            Some(Some(own)) => match folder.keys_for(&own.card) {
                Ok(_) => (0..5).for_each(|_| notes.checked("keys")),
                Err(error) => notes.finding("keys/", error, "put back the keys or the card that belong together"),
            },
            None => notes.not_checked("keys/ against the card".into()),
        },
    }
    (directory, whole)
}

impl Check<'_> {
    /// An entry that says when a document was admitted: its form, the row that leads to it, and that the document is there.
    pub(super) fn document_entry(&mut self, index: u64, opened: &Opened) {
        let skeleton = &opened.skeleton;
        // Gone by its date, which is judged with all that is gone.
        let Some(body) = opened.opening.body() else { return };
        let body = match DocumentBody::from_cbor(body) {
            Err(error) => return self.notes.finding(opening(index), error, KEEP),
            Ok(_) if !skeleton.is_of_node() || skeleton.channel.sender != self.me => {
                return self.notes.finding(opening(index), "it is about something else than this node", KEEP);
            }
            Ok(body) => body,
        };
        let digest = body.document;
        let what = row_of(&digest);
        let row = self.store.look(Family::Meta, &MetaKey::Document(digest));
        let unreadable = row.is_err();
        match self.notes.read(&what, row) {
            None if unreadable => {}
            None => self.notes.finding(what, "not there", RESTORE),
            Some(row) if row == index.to_be_bytes() => self.notes.checked("node state rows"),
            Some(_) => self.notes.finding(what, "it leads to another entry", RESTORE),
        }
        let known = self.directory.as_ref().is_none_or(|d| d.documents().any(|(known, _)| *known == digest));
        // A copy of a charter with fewer votes was replaced by one with more, and a proposal that lost is kept by nobody.
        let voted =
            self.directory.as_ref().is_some_and(|d| d.charter_document().version > 1 || !d.proposals().is_empty());
        if self.documents_whole && !known && !voted {
            let why = format!("entry {index} says that it was admitted; it is not in documents/");
            self.notes.finding(format!("document {digest}"), why, INSTALL);
        }
    }

    /// Rows that lead to an entry which says no such thing.
    pub(super) fn document_rows(&mut self) {
        let store = self.store.clone();
        // Unreadable rows and keys were told when the node's state was read.
        for (key, value) in store.scan::<MetaKey>(Family::Meta) {
            if let MetaKey::Document(document) = key
                && !self.notes.has(&row_of(&document))
            {
                self.document_row(&document, &value);
            }
        }
    }

    fn document_row(&mut self, document: &Digest, value: &[u8]) {
        let entry = value.try_into().map(u64::from_be_bytes).ok();
        // An entry that is damaged has its own finding.
        let Some(opened) = entry.and_then(|entry| self.opened(entry)) else {
            let told = |at| self.notes.has(&opening(at)) || self.notes.has(&entry_name(at));
            if entry.is_none_or(|at| !told(at)) {
                self.notes.finding(row_of(document), "it leads to no entry", RESTORE);
            }
            return;
        };
        let other = |body: &[u8]| DocumentBody::from_cbor(body).map_or(true, |body| body.document != *document);
        if opened.skeleton.kind != EntryKind::Document || opened.opening.body().is_some_and(other) {
            self.notes.finding(row_of(document), "it leads to another entry", RESTORE);
        }
    }
}

fn row_of(document: &Digest) -> String {
    format!("place of the entry of document {document}")
}

fn documents(folder: &Folder, notes: &mut Notes<'_>) -> Option<Directory> {
    let files = match folder.document_files() {
        Ok(files) => files,
        Err(error) => {
            notes.finding("documents/", error, INSTALL);
            return None;
        }
    };
    let (mut charters, mut cards, mut agreements) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        let name = format!("document {}", file.file_name().unwrap_or_default().to_string_lossy());
        match read_document(&file) {
            Err(error) => notes.finding(name, error, INSTALL),
            Ok(document) => match (document.kind, document.version) {
                (DocumentKind::Charter, 1) => charters.push((name, document)),
                (DocumentKind::Card, _) => cards.push((name, document)),
                _ => agreements.push((name, document)),
            },
        }
    }
    if charters.len() > 1 {
        notes.finding("documents/", format!("{} charters; a network has one", charters.len()), INSTALL);
    }
    let (name, charter) = match charters.into_iter().next() {
        Some(charter) => charter,
        None => {
            // One that cannot be read has its own finding.
            if notes.report.whole() {
                notes.finding("documents/", "there is no charter", INSTALL);
            }
            notes.not_checked("all signatures: there is no charter".into());
            return None;
        }
    };
    if let Err(error) = Directory::new(&charter, &[], &[]) {
        notes.finding(name, error, INSTALL);
        notes.not_checked("all signatures: the charter is damaged".into());
        return None;
    }
    notes.checked("documents");
    let mut good = |mut documents: Vec<(String, Document)>| {
        documents.sort_by_key(|(_, document)| document.version);
        let mut kept: Vec<Document> = Vec::new();
        for (name, document) in documents {
            // A version is judged with those before it: they say which key signs it.
            let same = |earlier: &&Document| (earlier.kind, &earlier.id) == (document.kind, &document.id);
            let chain = kept.iter().filter(same).chain([&document]);
            match Directory::gathered(std::iter::once(&charter).chain(chain).cloned()) {
                Err(error) => notes.finding(name, error, INSTALL),
                Ok(_) => {
                    notes.checked("documents");
                    kept.push(document);
                }
            }
        }
        kept
    };
    let (cards, agreements) = (good(cards), good(agreements));
    // Documents that contradict each other are evidence, and no damage.
    let directory = Directory::gathered(std::iter::once(charter).chain(cards).chain(agreements));
    directory.map_err(|error| notes.finding("documents/", error, INSTALL)).ok()
}
