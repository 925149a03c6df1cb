//! `luxor documents`: what a node knows.

use std::fs;
use std::path::Path;

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::document::Document;
use luxor_protocol::names::MemberId;
use luxor_protocol::time::Millis;
use serde::Serialize;

use super::place::Place;
use super::some;
use crate::args::DocumentsArgs;
use crate::exit::Exit;
use crate::files::{self, FileError};
use crate::ui;

#[derive(Serialize)]
struct Known {
    kind: String,
    id: String,
    version: u64,
    digest: String,
    signers: Vec<MemberId>,
    /// Index of its entry in the node's log, and when that was made; nothing of a stopped node.
    entry: Option<u64>,
    since: Option<String>,
}

pub(super) fn run(args: &DocumentsArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&args.known.node)?;
    let logged = |whole: &str| place.logged.iter().find(|logged| logged.document == whole);
    let mut documents: Vec<_> = place.directory.documents().collect();
    documents.sort_by_key(|(_, document)| (document.kind, document.id.clone(), document.version, document.digest()));
    let known = documents.iter().map(|(whole, document)| {
        let logged = logged(&whole.hex());
        Known {
            kind: document.kind.to_string(),
            id: document.id.to_string(),
            version: document.version,
            digest: document.digest().hex(),
            signers: document.signatures.iter().map(|signed| signed.member.clone()).collect(),
            entry: logged.map(|logged| logged.entry),
            since: logged.map(|logged| Millis(logged.at.saturating_mul(1_000)).to_string()),
        }
    });
    let known: Vec<_> = known.collect();
    if let Some(folder) = &args.to {
        fs::create_dir_all(folder).map_err(FileError::at(folder))?;
        for (_, document) in &documents {
            write(folder, document)?;
        }
        ui::say(&format!("{} written to {}", some(documents.len() as u64, "document"), folder.display()));
    }
    if args.known.json {
        ui::json(&known)?;
        return Ok(Exit::Ok);
    }
    let mut table = ui::Table::new(&["kind", "id", "version", "digest", "in the log", "since", "signed by"], &[2, 4]);
    for one in known {
        let signers: Vec<_> = one.signers.iter().map(MemberId::as_str).collect();
        let entry = one.entry.map(ui::count).unwrap_or_default();
        let digest: String = one.digest.chars().take(16).collect();
        let since = one.since.unwrap_or_default();
        table.row([one.kind, one.id, one.version.to_string(), digest, entry, since, signers.join(", ")]);
    }
    table.print()?;
    Ok(Exit::Ok)
}

/// Beside another of its name, under a name of its own.
fn write(folder: &Path, document: &Document) -> Result<(), FileError> {
    let plain = folder.join(document.file_name());
    let same = |other: &Path| crate::found::read_document(other).is_ok_and(|other| other.digest() == document.digest());
    let path = if plain.exists() && !same(&plain) { folder.join(document.other_file_name()) } else { plain };
    files::write(&path, &document.to_cbor())
}
