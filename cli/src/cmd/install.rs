//! `luxor install`

use luxor_protocol::document::{Directory, Document, DocumentKind};
use serde::Serialize;

use crate::args::InstallArgs;
use crate::exit::{Exit, RefusedError};
use crate::found::{self, FoundError};
use crate::ui;

#[derive(Serialize)]
struct Report {
    installed: Vec<String>,
    /// Whether charter, cards and agreements of the folder were checked against each other.
    checked: bool,
}

pub(super) fn run(args: &InstallArgs) -> anyhow::Result<Exit> {
    found::member(&args.node)?; // is there a node at all?
    let mut documents = Vec::new();
    for path in &args.files {
        let document = found::read_document(path)?;
        if document.signatures.is_empty() {
            return Err(RefusedError(format!("{}: nobody has signed this {}", path.display(), document.kind)).into());
        }
        documents.push(document);
    }
    let checked = check(args, &documents)?;
    let mut installed = Vec::new();
    for document in &documents {
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
    all.retain(|old| !new.iter().any(|new| same(old, new)));
    all.extend_from_slice(new);
    let of = |kind: DocumentKind| all.iter().filter(|d| d.kind == kind).cloned().collect::<Vec<_>>();
    match of(DocumentKind::Charter).as_slice() {
        [] => Ok(false),
        [charter] => {
            Directory::new(charter, &of(DocumentKind::Card), &of(DocumentKind::Agreement))?;
            Ok(true)
        }
        several => {
            let folder = args.node.join("documents");
            Err(FoundError::Charters { folder, count: several.len() }.into())
        }
    }
}
