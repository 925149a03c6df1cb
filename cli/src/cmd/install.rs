//! `luxor install`: documents into a running node through its local interface, which judges each, keeps it and tells the other
//! nodes; into the folder of a stopped one as files, if all of the folder fit together then.

use std::path::PathBuf;
use std::sync::Arc;

use luxor_protocol::api::AdmittedDocument;
use luxor_protocol::document::{Directory, Document, DocumentKind};
use serde::Serialize;

use super::{place, today};
use crate::args::InstallArgs;
use crate::client::{Client, ClientError};
use crate::exit::{Exit, RefusedError};
use crate::found::{self, FoundError};
use crate::ui;

/// What was done in the folder of a stopped node.
#[derive(Serialize)]
struct Report {
    installed: Vec<String>,
    /// Whether charter, cards and agreements of the folder were checked against each other.
    checked: bool,
}

/// What a running node said.
#[derive(Default, Serialize)]
struct Told {
    admitted: Vec<AdmittedDocument>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Refused {
    file: String,
    reason: String,
}

pub(super) fn run(args: &InstallArgs) -> anyhow::Result<Exit> {
    found::member(&args.node)?; // is there a node at all?
    let mut documents = Vec::new();
    for path in &args.files {
        let document = found::read_document(path)?;
        if document.signatures.is_empty() {
            return Err(RefusedError(format!("{}: nobody has signed this {}", path.display(), document.kind)).into());
        }
        documents.push((path.clone(), document));
    }
    // What rests on others after them.
    documents.sort_by_key(|(_, document)| (document.kind, document.version));
    match place::running(&args.node)? {
        Some(client) => tell(args, &client, &documents),
        None => put(args, &documents.into_iter().map(|(_, document)| document).collect::<Vec<_>>()),
    }
}

/// Gives each document to the running node. One that is refused keeps none of the others back.
fn tell(args: &InstallArgs, client: &Client, documents: &[(PathBuf, Document)]) -> anyhow::Result<Exit> {
    let mut told = Told::default();
    for (path, document) in documents {
        match client.admit(document) {
            Ok(admitted) => told.admitted.push(admitted),
            Err(ClientError::Problem { status: 422, message, .. }) => {
                told.refused.push(Refused { file: path.display().to_string(), reason: message });
            }
            Err(error) => return Err(error.into()),
        }
    }
    if args.json {
        ui::json(&told)?;
    } else {
        for document in &told.admitted {
            let what = if document.new { "admitted, and on its way to the other nodes" } else { "known already" };
            ui::line(&format!("{} {} version {}: {what}", document.kind, document.id, document.version))?;
        }
        for refused in &told.refused {
            ui::say(&format!("{}: refused: {}", refused.file, refused.reason));
        }
    }
    Ok(if told.refused.is_empty() { Exit::Ok } else { Exit::Refused })
}

/// Puts documents into the folder of a stopped node.
fn put(args: &InstallArgs, documents: &[Document]) -> anyhow::Result<Exit> {
    let checked = check(args, documents)?;
    let mut installed = Vec::new();
    for document in documents {
        installed.push(found::install(&args.node, document)?.display().to_string());
    }
    if args.json {
        ui::json(&Report { installed, checked })?;
    } else {
        for path in &installed {
            ui::line(path)?;
        }
    }
    match checked {
        true => ui::say("charter, cards and agreements fit together; luxord reads them when it starts"),
        false => ui::say("hint: there is no charter yet, so no signature was checked"),
    }
    Ok(Exit::Ok)
}

/// Checks what the folder will hold before anything in it changes. Without a charter there is nothing to check against.
fn check(args: &InstallArgs, new: &[Document]) -> anyhow::Result<bool> {
    let mut all = match found::all_documents(&args.node) {
        Err(FoundError::File(error)) if error.is_not_found() => Vec::new(),
        other => other?,
    };
    let same = |old: &Document, new: &Document| (new.kind, &new.id, new.version) == (old.kind, &old.id, old.version);
    all.retain(|old| !new.iter().any(|new| found::replaces(new) && same(old, new)));
    let founding = |d: &&Document| d.kind == DocumentKind::Charter && d.version == 1;
    let (here, brought) = (all.iter().filter(founding).count(), new.iter().filter(founding).count());
    match here + brought {
        0 => return Ok(false),
        1 => {}
        count => {
            let folder = args.node.join("documents");
            return Err(FoundError::Charters { folder, count }.into());
        }
    }
    let prohibitions = Arc::new(found::prohibitions(&args.node)?);
    if brought > 0 {
        // All that is brought to a new node is known elsewhere: whether it was new when it came there is not asked here.
        all.extend_from_slice(new);
        let loaded = Directory::load(all, prohibitions)?;
        return match loaded.refused.into_iter().next() {
            Some((_, error)) => Err(error.into()),
            None => Ok(true),
        };
    }
    let mut directory = Directory::load(all, prohibitions)?.directory;
    let mut waiting: Vec<&Document> = new.iter().collect();
    // One may rest on another: a vote on the card that brought its key.
    while !waiting.is_empty() {
        let (mut refused, mut left) = (None, Vec::new());
        let before = waiting.len();
        for document in waiting {
            match directory.with(document, today()) {
                Ok(next) => directory = next.unwrap_or(directory),
                Err(error) => {
                    refused = refused.or(Some(error));
                    left.push(document);
                }
            }
        }
        if let Some(error) = refused.filter(|_| left.len() == before) {
            return Err(error.into());
        }
        waiting = left;
    }
    Ok(true)
}
