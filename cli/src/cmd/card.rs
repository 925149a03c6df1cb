//! `luxor card`

use std::path::Path;

use luxor_protocol::document::{Card, DocumentKind, Keys};
use serde::Serialize;

use super::{attest_key, signatures};
use crate::args::{CardCommand, SignerArgs};
use crate::exit::Exit;
use crate::{found, ui};

pub(super) fn run(command: &CardCommand) -> anyhow::Result<Exit> {
    match command {
        CardCommand::Draft { charter, signer } => make(charter.as_deref(), signer, false),
        CardCommand::Sign { charter, signer } => make(charter.as_deref(), signer, true),
        CardCommand::Succeed { node, output } => succeed(node, output.as_deref()),
        CardCommand::Rotate(args) => super::rotate::run(args),
        CardCommand::Renew(args) => super::renew::run(args),
        CardCommand::AttestKey(command) => attest_key::run(command),
        CardCommand::Show(args) => show(&args.file, args.json),
        CardCommand::Check(args) => {
            let network = signatures::network(args.charter.as_deref(), args.node.as_deref())?;
            let document = signatures::read_document(&args.file, DocumentKind::Card)?;
            signatures::same_network(&network, &document)?;
            let card = Card::open(&document)?;
            signatures::report(&document, &signatures::signers(&network, &[card.member])?, args.json)
        }
    }
}

fn make(charter: Option<&Path>, signer: &SignerArgs, sign: bool) -> anyhow::Result<Exit> {
    let network = signatures::network(charter, Some(&signer.node))?;
    let member = [found::member(&signer.node)?];
    // A further node of a member has no identity key, and its draft bears the member's.
    let known = network.identities(&member[0]).last().filter(|_| !sign && !found::has_identity(&signer.node));
    let mut document = match known {
        Some(identity) => found::card_under(&signer.node, network.network(), *identity)?,
        None => found::card(&signer.node, network.network())?,
    };
    let required = signatures::signers(&network, &member)?;
    if sign {
        signatures::add_signature(&signer.node, &mut document, &required)?;
    }
    signatures::finish(&document, &required, signer)
}

fn succeed(node: &Path, output: Option<&Path>) -> anyhow::Result<Exit> {
    let document = found::succeed(node)?;
    ui::say(&format!(
        "this node begins a new log; the old one's key and what is left of its data are kept beside the new\n\
         hint: `luxor install` this card, version {}, here and at one node that runs, which tells the others, then start this one",
        document.version
    ));
    signatures::write(&document, output)?;
    Ok(Exit::Ok)
}

/// What is told where the card needs no change.
#[derive(Serialize)]
struct Shown {
    member: String,
    identity: String,
    version: u64,
    network: String,
    digest: String,
    signed_by: Vec<String>,
    nodes: Vec<ShownNode>,
    /// Keys that sign attestations about traders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attest: Vec<attest_key::OnCard>,
}

#[derive(Serialize)]
struct ShownNode {
    name: String,
    addresses: Vec<String>,
    origin: String,
    epoch: u64,
    reads: Vec<String>,
    /// Of each use the key in use first, then those that count beside it.
    sign: Vec<String>,
    log: Vec<String>,
    witness: Vec<String>,
    transport: Vec<String>,
    seal: Vec<String>,
}

fn texts(keys: &Keys) -> Vec<String> {
    keys.all().iter().map(ToString::to_string).collect()
}

fn show(path: &Path, json: bool) -> anyhow::Result<Exit> {
    let document = signatures::read_document(path, DocumentKind::Card)?;
    let card = Card::open(&document)?;
    let nodes = card.nodes.iter().map(|n| ShownNode {
        name: n.name.to_string(),
        addresses: n.addresses.clone(),
        origin: n.origin.clone(),
        epoch: n.epoch,
        reads: n.reads.iter().map(|(name, version)| format!("{name} {version}")).collect(),
        sign: texts(&n.sign),
        log: texts(&n.log),
        witness: texts(&n.witness),
        transport: texts(&n.transport),
        seal: n.seal.clone(),
    });
    let shown = Shown {
        member: card.member.to_string(),
        identity: card.identity.to_string(),
        version: document.version,
        network: document.network.hex(),
        digest: document.digest().hex(),
        signed_by: document.signatures.iter().map(|s| s.member.to_string()).collect(),
        nodes: nodes.collect(),
        attest: card.attest.iter().map(attest_key::of_card).collect(),
    };
    if json {
        ui::json(&shown)?;
        return Ok(Exit::Ok);
    }
    ui::line(&format!("card of {}, version {}, digest {}", shown.member, shown.version, shown.digest))?;
    let mut table = ui::Table::plain();
    table.row(["  network", &shown.network]);
    table.row(["  identity key", &shown.identity]);
    table.row(["  signed by", &shown.signed_by.join(", ")]);
    for node in &shown.nodes {
        table.row(["  node", &node.name]);
        table.row(["    listens on", &node.addresses.join(", ")]);
        table.row(["    reads", &node.reads.join(", ")]);
        table.row(["    log origin", &node.origin]);
        table.row(["    epoch", &node.epoch.to_string()]);
        for keys in [&node.sign, &node.log, &node.witness, &node.transport] {
            for (at, key) in keys.iter().enumerate() {
                table.row([if at == 0 { "    key" } else { "    beside it" }, key]);
            }
        }
        for (at, seal) in node.seal.iter().enumerate() {
            table.row([if at == 0 { "    seal" } else { "    beside it" }, seal]);
        }
    }
    for key in &shown.attest {
        table.row(["  attests with", &key.line()]);
    }
    table.print()?;
    Ok(Exit::Ok)
}
