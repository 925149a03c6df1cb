//! `luxor charter`: the founding charter as a file; later ones by vote ([`vote`], [`status`]).

mod changes;
mod status;
mod vote;

#[cfg(test)]
pub(super) use changes::changes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use luxor_protocol::document::{Charter, Document, DocumentError, DocumentKind};
use luxor_protocol::names::MemberId;
use luxor_protocol::tlog::MAX_POLICY_BYTES;
use serde::{Deserialize, Serialize};

use super::listed;
use super::place::Place;
use super::signatures::{self, Input, SignatureState};
use crate::args::CharterCommand;
use crate::exit::{Exit, RefusedError};
use crate::{files, ui};

pub(super) fn run(command: &CharterCommand) -> anyhow::Result<Exit> {
    match command {
        CharterCommand::Draft { members, name, governors, policy, current, node, output } => {
            let (text, next) = match (current, node) {
                (true, Some(node)) => {
                    (Place::open(node)?.directory.charter().to_draft(), "edit it, and run `luxor charter propose`")
                }
                _ => {
                    let policy = policy.as_deref().map(|path| files::read_text(path, MAX_POLICY_BYTES)).transpose()?;
                    let name = name.as_deref().unwrap_or_default();
                    let next = "every governor checks it and runs `luxor charter sign`, one after the other";
                    (draft(members, name, governors, policy.as_deref())?, next)
                }
            };
            signatures::write_output(output.as_deref(), text.as_bytes(), false)?;
            ui::say(&format!("next: {next}"));
            Ok(Exit::Ok)
        }
        CharterCommand::Sign { file, signer } => {
            let (mut document, charter) = open(file)?;
            let required = signatures::founders(&charter);
            signatures::add_signature(&signer.node, &mut document, &required)?;
            signatures::finish(&document, &required, signer)
        }
        CharterCommand::Show(args) => show(&args.file, args.json),
        CharterCommand::Check(args) => {
            let document = signatures::read_document(&args.file, DocumentKind::Charter)?;
            let charter = consistent(&document)?;
            signatures::report(&document, &signatures::founders(&charter), args.json)
        }
        CharterCommand::Propose { file, round, word } => vote::propose(file, *round, word),
        CharterCommand::Vote { proposal, as_member, word } => vote::vote(proposal.as_deref(), *as_member, word),
        CharterCommand::Reject { round, word } => vote::reject(*round, word),
        CharterCommand::Heal { file, round, word } => vote::heal(file.as_deref(), *round, word),
        CharterCommand::Status(args) => status::run(args),
    }
}

#[derive(Serialize, Deserialize)]
struct MemberFile {
    member: Vec<BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct Draft<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    governors: Vec<String>,
    member: Vec<BTreeMap<String, String>>,
}

/// A draft of these member files, which [`Charter::from_draft`] accepts.
pub(super) fn draft(
    files: &[PathBuf],
    name: &str,
    governors: &[MemberId],
    policy: Option<&str>,
) -> anyhow::Result<String> {
    let mut member = Vec::new();
    for path in files {
        let file: MemberFile = toml::from_str(&files::read_text(path, 64 * 1024)?)
            .map_err(|error| RefusedError(format!("{}: {error}", path.display())))?;
        member.extend(file.member);
    }
    let everyone = || member.iter().filter_map(|m| m.get("id").cloned()).collect();
    let governors = if governors.is_empty() { everyone() } else { governors.iter().map(ToString::to_string).collect() };
    let text = toml::to_string(&Draft { name, policy, governors, member }).context("charter draft")?;
    Charter::from_draft(&text)?;
    Ok(text)
}

/// A charter from a draft or a document.
pub(super) fn open(path: &Path) -> anyhow::Result<(Document, Charter)> {
    match signatures::read_input(path, DocumentKind::Charter)? {
        Input::Draft(text) => {
            let charter = Charter::from_draft(&text)?;
            Ok((charter.to_document(), charter))
        }
        Input::Document(document) => {
            let charter = consistent(&document)?;
            Ok((document, charter))
        }
    }
}

/// The charter in a document whose signatures may not be complete yet.
fn consistent(document: &Document) -> Result<Charter, DocumentError> {
    if document.version > 1 {
        let what = format!("this is version {} of a charter, which follows by vote", document.version);
        let hint = "`luxor charter vote FILE --node DIR` shows what it changes and signs it; `luxor charter status` counts votes";
        return Err(DocumentError::Content(format!("{what}\nhint: {hint}")));
    }
    let charter: Charter = signatures::body(document)?;
    match charter.to_document().digest() == document.digest() {
        true => Ok(charter),
        false => Err(DocumentError::Content("the charter's document carries another name or network".into())),
    }
}

#[derive(Serialize)]
struct Shown {
    network: String,
    name: String,
    threshold: u64,
    governors: Vec<MemberId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    members: Vec<ShownMember>,
    /// For types of attestations, who alone may issue them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    issuers: BTreeMap<String, Vec<MemberId>>,
    /// Who merges and grades others' indicators of threats.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    coordinators: Vec<MemberId>,
    signatures: Vec<SignatureState>,
}

#[derive(Serialize)]
struct ShownMember {
    id: MemberId,
    name: String,
    kind: String,
    territory: String,
    identity: String,
}

fn show(path: &Path, json: bool) -> anyhow::Result<Exit> {
    let (document, charter) = open(path)?;
    let required = signatures::founders(&charter);
    let members = charter.members.iter().map(|m| ShownMember {
        id: m.id.clone(),
        name: m.name.clone(),
        kind: m.kind.to_string(),
        territory: m.territory.to_string(),
        identity: m.identity.to_string(),
    });
    let shown = Shown {
        network: document.digest().hex(),
        name: charter.name.clone(),
        threshold: charter.threshold,
        governors: charter.governors.clone(),
        policy: charter.policy.clone(),
        members: members.collect(),
        issuers: charter.issuers.iter().map(|row| (row.attestation.clone(), row.members.clone())).collect(),
        coordinators: charter.coordinators.clone(),
        signatures: signatures::states(&document, &required),
    };
    if json {
        ui::json(&shown)?;
        return Ok(Exit::Ok);
    }
    ui::line(&format!("{}: network {}", shown.name, shown.network))?;
    ui::line(&format!("a later version needs {} of {} governors", shown.threshold, shown.governors.len()))?;
    let mut table = ui::Table::new(&["member", "kind", "territory", "name", "identity key", "signed"], &[]);
    for m in shown.members {
        let state = shown.signatures.iter().find(|s| s.member == m.id).map_or("(no governor)", |s| s.state);
        table.row([m.id.as_str(), &m.kind, &m.territory, &m.name, &m.identity, state]);
    }
    table.print()?;
    for (attestation, members) in &shown.issuers {
        ui::line(&format!("{attestation} is issued by {} only", listed(members)))?;
    }
    if !shown.coordinators.is_empty() {
        ui::line(&format!("indicators of threats are coordinated by {}", listed(&shown.coordinators)))?;
    }
    if let Some(policy) = &shown.policy {
        ui::line("its own policy says which witnesses make a log's checkpoint count:")?;
        policy.lines().try_for_each(|line| ui::line(&format!("  {line}")))?;
    }
    Ok(Exit::Ok)
}
