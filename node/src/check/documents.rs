//! Keys and documents: each file by itself, so that a damaged one has a name; then all together.

use luxor_protocol::document::{Directory, Document, DocumentKind};
use luxor_protocol::names::NodeRef;

use super::report::{INSTALL, Notes};
use crate::folder::{Folder, read_document};
use crate::node::check_card;

/// Gives what the whole documents say together, and whether all are whole.
pub(super) fn check(folder: &Folder, me: &NodeRef, notes: &mut Notes<'_>) -> (Option<Directory>, bool) {
    notes.kinds(&["documents", "keys"]);
    let directory = documents(folder, notes);
    let whole = notes.report.whole();
    match folder.keys() {
        Err(error) => notes.finding("keys/", error, "put the key back from where it is kept"),
        Ok(keys) => match &directory {
            Some(directory) if directory.node(me).is_none() => {
                if whole {
                    notes.finding(format!("card of {me}"), "no document in documents/ is this card", INSTALL);
                }
                notes.not_checked("keys/ against the card".into());
            }
            Some(directory) => match check_card(directory, me, &keys) {
                Ok(()) => (0..5).for_each(|_| notes.checked("keys")),
                Err(error) => notes.finding("keys/", error, "put back the keys or the card that belong together"),
            },
            None => notes.not_checked("keys/ against the card".into()),
        },
    }
    (directory, whole)
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
            Ok((document, _)) => match document.kind {
                DocumentKind::Charter => charters.push((name, document)),
                DocumentKind::Card => cards.push((name, document)),
                DocumentKind::Agreement => agreements.push((name, document)),
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
    let mut good = |documents: Vec<(String, Document)>| {
        let mut kept = Vec::new();
        for (name, document) in documents {
            match Directory::new(&charter, &[], std::slice::from_ref(&document)) {
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
    let directory = Directory::new(&charter, &cards, &agreements);
    directory.map_err(|error| notes.finding("documents/", error, INSTALL)).ok()
}
