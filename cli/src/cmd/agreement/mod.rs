//! `luxor agreement`: drafts, signatures, and the document shown. Renewed: [`mod@changes`]; asked: [`explain`]; stopped: [`suspend`].

mod changes;
mod explain;
mod list;
mod suspend;

pub(super) use changes::changes;

use std::collections::BTreeMap;
use std::path::Path;

use luxor_protocol::document::{Agreement, Directory, Document, DocumentKind, IssuedBy, Onward, Recognition};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::MemberId;
use serde::Serialize;

use super::signatures::{self, Input};
use super::{listed, short, template, today};
use crate::args::{AgreementCommand, SignerArgs};
use crate::exit::{Exit, RefusedError};
use crate::ui;

pub(super) fn run(command: &AgreementCommand) -> anyhow::Result<Exit> {
    match command {
        AgreementCommand::Draft { charter, output } => {
            let network = charter.as_deref().map(signatures::read_network).transpose()?;
            let text = template::agreement(network.as_ref().map(Directory::charter), today())?;
            signatures::write_output(output.as_deref(), text.as_bytes(), false)?;
            ui::say("next: edit it, read it with `luxor agreement show`, then every party runs `luxor agreement sign`");
            Ok(Exit::Ok)
        }
        AgreementCommand::Sign { file, charter, signer } => sign(file, charter.as_deref(), signer),
        AgreementCommand::Show { file, charter, node, json } => {
            let network = match (charter, node) {
                (None, None) => None,
                (charter, node) => Some(signatures::network(charter.as_deref(), node.as_deref())?),
            };
            show(file, network.as_ref(), *json)
        }
        AgreementCommand::Check(args) => {
            let network = signatures::network(args.charter.as_deref(), args.node.as_deref())?;
            let document = signatures::read_document(&args.file, DocumentKind::Agreement)?;
            signatures::same_network(&network, &document)?;
            let parties = must_sign(&network, &document, &Agreement::open(&document)?)?;
            signatures::report(&document, &signatures::signers(&network, &parties)?, args.json)
        }
        AgreementCommand::List(args) => list::run(args),
        AgreementCommand::Explain(args) => explain::run(args),
        AgreementCommand::Suspend { ids, reason, word } => suspend::suspend(ids, reason, word),
        AgreementCommand::Resume { ids, reason, word } => suspend::resume(ids, reason.as_deref(), word),
    }
}

fn sign(file: &Path, charter: Option<&Path>, signer: &SignerArgs) -> anyhow::Result<Exit> {
    let network = signatures::network(charter, Some(&signer.node))?;
    let (mut document, agreement) = open(file, Some(&network))?;
    signatures::same_network(&network, &document)?;
    let parties = must_sign(&network, &document, &agreement)?;
    let required = signatures::signers(&network, &parties)?;
    signatures::add_signature(&signer.node, &mut document, &required)?;
    ui::say("this is what is signed:");
    agreement.in_words(Some(network.charter())).iter().for_each(|line| ui::say(line));
    if let Some(lines) = against_before(&network, &document, &agreement) {
        ui::say(&format!("this is what version {} changes:", document.version));
        lines.iter().for_each(|line| ui::say(&format!("  {line}")));
    }
    signatures::finish(&document, &required, signer)
}

/// An agreement from a draft or a document. A draft of one that the network knows is its next version.
fn open(path: &Path, network: Option<&Directory>) -> anyhow::Result<(Document, Agreement)> {
    match signatures::read_input(path, DocumentKind::Agreement)? {
        Input::Draft(text) => {
            let agreement = Agreement::from_draft(&text)?;
            let newest = |network: &Directory| {
                let (digest, _) = network.agreement_versions().get(&agreement.id)?.last()?;
                Some(agreement.to_successor(network.document(digest)?.1))
            };
            let first = || agreement.to_document(network.map_or(Digest::ZERO, Directory::network));
            Ok((network.and_then(newest).unwrap_or_else(first), agreement))
        }
        Input::Document(document) => {
            let agreement = Agreement::open(&document)?;
            Ok((document, agreement))
        }
    }
}

/// Who must sign: the parties, and of a later version those of the one before it too.
fn must_sign(network: &Directory, document: &Document, agreement: &Agreement) -> Result<Vec<MemberId>, RefusedError> {
    let mut parties = agreement.parties.clone();
    if document.version > 1 {
        let before = network.agreement(&document.previous).ok_or_else(|| {
            let what = format!("this is version {} of agreement '{}'", document.version, document.id);
            let hint = "name a node that knows it with --node: the parties of both versions sign";
            RefusedError(format!("{what}, and the version before it is not known here\nhint: {hint}"))
        })?;
        parties.extend(before.parties.iter().cloned());
        parties.sort();
        parties.dedup();
    }
    Ok(parties)
}

/// What a later version changes against the one before it, where that is known; none for a first one.
fn against_before(network: &Directory, document: &Document, agreement: &Agreement) -> Option<Vec<String>> {
    let before = network.agreement(&document.previous).filter(|_| document.version > 1)?;
    let mut lines = changes(before, agreement);
    if lines.is_empty() {
        lines.push("nothing but its number".into());
    }
    Some(lines)
}

#[derive(Serialize)]
struct Shown {
    id: String,
    version: u64,
    digest: String,
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
    /// Rows that recognise attestations about traders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recognises: Vec<ShownRecognition>,
    signed_by: Vec<String>,
    /// Who must sign, where the network is known.
    must_sign: Option<Vec<MemberId>>,
    /// What it changes against the version before it, where that is known.
    changes: Option<Vec<String>>,
}

#[derive(Serialize)]
struct ShownFlow {
    #[serde(rename = "type")]
    type_name: String,
    versions: Vec<u64>,
    from: Vec<String>,
    to: Vec<String>,
    purpose: String,
    groups: Vec<String>,
    territories: Vec<String>,
    roles: Vec<String>,
    handling: bool,
    retention_days: u64,
    onward: Vec<ShownOnward>,
    terms: BTreeMap<String, String>,
    /// Whether this program understands all of it; else the row gives nothing here.
    understood: bool,
}

#[derive(Serialize)]
struct ShownRecognition {
    /// Whose attestations: a party's, or those of every member of a territory.
    member: Option<String>,
    territory: Option<String>,
    attestation: &'static str,
    programme: String,
    by: Vec<String>,
    purposes: Vec<String>,
    benefits: Vec<String>,
    except_hs: Vec<String>,
    needs: Vec<String>,
}

#[derive(Serialize)]
struct ShownOnward {
    members: Vec<String>,
    kinds: Vec<String>,
    purpose: String,
    groups: Vec<String>,
    retention_days: u64,
}

fn show(path: &Path, network: Option<&Directory>, json: bool) -> anyhow::Result<Exit> {
    let (document, agreement) = open(path, network)?;
    let changes = network.and_then(|network| against_before(network, &document, &agreement));
    let parties = match (network, document.version) {
        (Some(network), _) => must_sign(network, &document, &agreement).ok(),
        (None, 1) => Some(agreement.parties.clone()),
        (None, _) => None,
    };
    if json {
        ui::json(&Shown { must_sign: parties, changes, ..shown(&document, &agreement) })?;
        return Ok(Exit::Ok);
    }
    for line in agreement.in_words(network.map(Directory::charter)) {
        ui::line(&line)?;
    }
    if document.version > 1 {
        ui::line(&format!("  version     {}, in the place of {}", document.version, short(&document.previous)))?;
        match &changes {
            None => ui::line("  what it changes is told with --node, by a node that knows the version before it")?,
            Some(lines) => {
                ui::line("  it changes:")?;
                lines.iter().try_for_each(|line| ui::line(&format!("    {line}")))?;
            }
        }
    }
    let signed: Vec<_> = document.signatures.iter().map(|s| s.member.as_str()).collect();
    let signed = if signed.is_empty() { "nobody yet".into() } else { signed.join(", ") };
    ui::line(&format!("  signed by   {signed} (`luxor agreement check` verifies)"))?;
    if let Some(parties) = parties {
        ui::line(&format!("  must sign   {}", listed(parties)))?;
    }
    Ok(Exit::Ok)
}

fn shown(document: &Document, agreement: &Agreement) -> Shown {
    fn texts<T: ToString>(items: &[T]) -> Vec<String> {
        items.iter().map(ToString::to_string).collect()
    }
    let onward = |onward: &Onward| ShownOnward {
        members: texts(&onward.to.members),
        kinds: onward
            .to
            .kinds
            .iter()
            .map(|(kind, place)| place.map_or(kind.to_string(), |place| format!("{kind} {place}")))
            .collect(),
        purpose: onward.purpose.to_string(),
        groups: onward.groups.clone(),
        retention_days: onward.retention_days,
    };
    let flows = agreement.flows.iter().map(|flow| ShownFlow {
        type_name: flow.type_name.clone(),
        versions: flow.type_versions.clone(),
        from: texts(&flow.from),
        to: texts(&flow.to),
        purpose: flow.purpose.to_string(),
        groups: flow.groups.clone(),
        territories: texts(&flow.territories),
        roles: texts(&flow.roles),
        handling: flow.handling,
        retention_days: flow.retention_days,
        onward: flow.onward.iter().map(onward).collect(),
        terms: flow.terms.iter().map(|term| (term.name.clone(), term.value.clone())).collect(),
        understood: flow.unknown_term().is_none()
            && flow.type_versions.iter().any(|version| flow.view(*version).is_some_and(|(_, set)| set.is_some())),
    });
    let recognises = agreement.recognises.iter().map(|row| {
        let (member, territory) = match &row.issued_by {
            IssuedBy::Member(member) => (Some(member.to_string()), None),
            IssuedBy::Territory(territory) => (None, Some(territory.to_string())),
        };
        ShownRecognition {
            member,
            territory,
            attestation: Recognition::ATTESTATION.word(),
            programme: row.programme.clone(),
            by: texts(&row.by),
            purposes: texts(&row.purposes),
            benefits: texts(&row.benefits),
            except_hs: row.except_hs.clone(),
            needs: row.needs.clone(),
        }
    });
    Shown {
        id: agreement.id.to_string(),
        version: document.version,
        digest: document.digest().hex(),
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
        recognises: recognises.collect(),
        signed_by: document.signatures.iter().map(|s| s.member.to_string()).collect(),
        must_sign: None,
        changes: None,
    }
}
