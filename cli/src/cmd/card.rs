//! `luxor card`

use std::path::Path;

use luxor_protocol::document::{Card, DocumentKind};
use serde::Serialize;

use super::signatures;
use crate::args::{CardCommand, SignerArgs};
use crate::exit::Exit;
use crate::{found, ui};

pub(super) fn run(command: &CardCommand) -> anyhow::Result<Exit> {
    match command {
        CardCommand::Draft { charter, signer } => make(charter, signer, false),
        CardCommand::Sign { charter, signer } => make(charter, signer, true),
        CardCommand::Succeed { node, output } => succeed(node, output.as_deref()),
        CardCommand::Show(args) => show(&args.file, args.json),
        CardCommand::Check(args) => {
            let network = signatures::read_network(&args.charter)?;
            let document = signatures::read_document(&args.file, DocumentKind::Card)?;
            signatures::same_network(&network, &document)?;
            let card = Card::open(&document)?;
            signatures::report(&document, &signatures::signers(&network.charter, &[card.member])?, args.json)
        }
    }
}

fn make(charter: &Path, signer: &SignerArgs, sign: bool) -> anyhow::Result<Exit> {
    let network = signatures::read_network(charter)?;
    let mut document = found::card(&signer.node, network.id)?;
    let required = signatures::signers(&network.charter, &[found::member(&signer.node)?])?;
    if sign {
        signatures::add_signature(&signer.node, &mut document, &required)?;
    }
    signatures::finish(&document, &required, signer)
}

fn succeed(node: &Path, output: Option<&Path>) -> anyhow::Result<Exit> {
    let document = found::succeed(node)?;
    ui::say(&format!(
        "this node begins a new log; the old one's key and what is left of its data are kept beside the new\n\
         hint: `luxor install` this card, version {}, here and at every other node, restart those, then start this one",
        document.version
    ));
    signatures::write(&document, output)?;
    Ok(Exit::Ok)
}

#[derive(Serialize)]
struct Shown {
    member: String,
    version: u64,
    network: String,
    digest: String,
    signed_by: Vec<String>,
    nodes: Vec<ShownNode>,
}

#[derive(Serialize)]
struct ShownNode {
    name: String,
    addresses: Vec<String>,
    origin: String,
    epoch: u64,
    reads: Vec<String>,
    sign: String,
    log: String,
    witness: String,
    transport: String,
    seal: String,
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
        sign: n.sign.to_string(),
        log: n.log.to_string(),
        witness: n.witness.to_string(),
        transport: n.transport.to_string(),
        seal: n.seal.clone(),
    });
    let shown = Shown {
        member: card.member.to_string(),
        version: document.version,
        network: document.network.hex(),
        digest: document.digest().hex(),
        signed_by: document.signatures.iter().map(|s| s.member.to_string()).collect(),
        nodes: nodes.collect(),
    };
    if json {
        ui::json(&shown)?;
        return Ok(Exit::Ok);
    }
    ui::line(&format!("card of {}, version {}, digest {}", shown.member, shown.version, shown.digest))?;
    let mut table = ui::Table::plain();
    table.row(["  network", &shown.network]);
    table.row(["  signed by", &shown.signed_by.join(", ")]);
    for node in &shown.nodes {
        table.row(["  node", &node.name]);
        table.row(["    listens on", &node.addresses.join(", ")]);
        table.row(["    reads", &node.reads.join(", ")]);
        table.row(["    log origin", &node.origin]);
        table.row(["    epoch", &node.epoch.to_string()]);
        for key in [&node.sign, &node.log, &node.witness, &node.transport] {
            table.row(["    key", key]);
        }
        table.row(["    seal", &node.seal]);
    }
    table.print()?;
    Ok(Exit::Ok)
}
