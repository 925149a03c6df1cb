//! `luxor agreement`

use std::path::Path;

use luxor_protocol::document::{Agreement, Document, DocumentKind};
use luxor_protocol::hash::Digest;
use serde::Serialize;

use super::signatures::{self, Input};
use super::{template, today};
use crate::args::{AgreementCommand, SignerArgs};
use crate::exit::Exit;
use crate::ui;

pub(super) fn run(command: &AgreementCommand) -> anyhow::Result<Exit> {
    match command {
        AgreementCommand::Draft { charter, output } => {
            let charter = charter.as_deref().map(signatures::read_network).transpose()?.map(|n| n.charter);
            let text = template::agreement(charter.as_ref(), today())?;
            signatures::write_output(output.as_deref(), text.as_bytes(), false)?;
            ui::say("next: edit it, read it with `luxor agreement show`, then every party runs `luxor agreement sign`");
            Ok(Exit::Ok)
        }
        AgreementCommand::Sign { file, charter, signer } => sign(file, charter, signer),
        AgreementCommand::Show { file, charter, json } => show(file, charter.as_deref(), *json),
        AgreementCommand::Check(args) => {
            let network = signatures::read_network(&args.charter)?;
            let document = signatures::read_document(&args.file, DocumentKind::Agreement)?;
            signatures::same_network(&network, &document)?;
            let agreement = Agreement::open(&document)?;
            signatures::report(&document, &signatures::signers(&network.charter, &agreement.parties)?, args.json)
        }
    }
}

fn sign(file: &Path, charter: &Path, signer: &SignerArgs) -> anyhow::Result<Exit> {
    let network = signatures::read_network(charter)?;
    let (mut document, agreement) = open(file, network.id)?;
    signatures::same_network(&network, &document)?;
    let required = signatures::signers(&network.charter, &agreement.parties)?;
    signatures::add_signature(&signer.node, &mut document, &required)?;
    ui::say("this is what is signed:");
    agreement.in_words(Some(&network.charter)).iter().for_each(|line| ui::say(line));
    signatures::finish(&document, &required, signer)
}

/// An agreement from a draft (then of this network) or a document.
pub(super) fn open(path: &Path, network: Digest) -> anyhow::Result<(Document, Agreement)> {
    match signatures::read_input(path, DocumentKind::Agreement)? {
        Input::Draft(text) => {
            let agreement = Agreement::from_draft(&text)?;
            Ok((agreement.to_document(network), agreement))
        }
        Input::Document(document) => {
            let agreement = Agreement::open(&document)?;
            Ok((document, agreement))
        }
    }
}

#[derive(Serialize)]
struct Shown {
    id: String,
    title: String,
    instrument: String,
    article: String,
    controller: String,
    document: Option<String>,
    parties: Vec<String>,
    valid_from: String,
    valid_until: String,
    in_force_today: bool,
    flows: Vec<ShownFlow>,
    signed_by: Vec<String>,
}

#[derive(Serialize)]
struct ShownFlow {
    #[serde(rename = "type")]
    type_name: String,
    version: u64,
    from: Vec<String>,
    to: Vec<String>,
    purpose: String,
    groups: Vec<String>,
    destinations: Vec<String>,
    retention_days: u64,
    onward: bool,
}

fn show(path: &Path, charter: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let network = charter.map(signatures::read_network).transpose()?;
    let (document, agreement) = open(path, network.as_ref().map_or(Digest::ZERO, |n| n.id))?;
    if json {
        ui::json(&shown(&document, &agreement))?;
        return Ok(Exit::Ok);
    }
    for line in agreement.in_words(network.as_ref().map(|n| &n.charter)) {
        ui::line(&line)?;
    }
    let signed: Vec<_> = document.signatures.iter().map(|s| s.member.as_str()).collect();
    let signed = if signed.is_empty() { "nobody yet".into() } else { signed.join(", ") };
    ui::line(&format!("  signed by   {signed} (`luxor agreement check` verifies)"))?;
    Ok(Exit::Ok)
}

fn shown(document: &Document, agreement: &Agreement) -> Shown {
    fn texts<T: ToString>(items: &[T]) -> Vec<String> {
        items.iter().map(ToString::to_string).collect()
    }
    let flows = agreement.flows.iter().map(|flow| ShownFlow {
        type_name: flow.type_name.clone(),
        version: flow.type_version,
        from: texts(&flow.from),
        to: texts(&flow.to),
        purpose: flow.purpose.to_string(),
        groups: flow.groups.clone(),
        destinations: texts(&flow.destinations),
        retention_days: flow.retention_days,
        onward: flow.onward,
    });
    Shown {
        id: agreement.id.to_string(),
        title: agreement.title.clone(),
        instrument: agreement.instrument.clone(),
        article: agreement.article.clone(),
        controller: agreement.controller.clone(),
        document: agreement.document.map(|d| d.hex()),
        parties: texts(&agreement.parties),
        valid_from: agreement.valid_from.to_string(),
        valid_until: agreement.valid_until.to_string(),
        in_force_today: agreement.in_force(today()),
        flows: flows.collect(),
        signed_by: document.signatures.iter().map(|s| s.member.to_string()).collect(),
    }
}
