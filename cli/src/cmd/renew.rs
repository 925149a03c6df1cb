//! `luxor card renew`: the member's next card with what this node's configuration and program say now, with more nodes or fewer.
//!
//! Not here: its keys (`luxor card rotate`), a log that begins anew (`luxor card succeed`).

use std::path::Path;

use luxor_protocol::document::{Card, CardNode, Document, DocumentKind};
use serde::Serialize;

use super::place::Place;
use super::{listed, signatures};
use crate::args::RenewArgs;
use crate::exit::{Exit, RefusedError};
use crate::{found, ui};

/// Nothing was to be done.
#[derive(Serialize)]
struct Unchanged {
    id: String,
    version: u64,
    changes: [String; 0],
}

pub(super) fn run(args: &RenewArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&args.word.node)?;
    let member = &place.member;
    let present = place.own_card()?;
    let mut card = Card::open(present)?;
    let own = node_of(&found::card_under(&args.word.node, present.network, card.identity)?)?;
    let mut changes = Vec::new();
    for name in &args.remove {
        let Some(at) = card.nodes.iter().position(|node| node.name == *name) else {
            return Err(RefusedError(format!("the card of {member} names no node {name}")).into());
        };
        card.nodes.remove(at);
        changes.push(format!(
            "{member}/{name} is no node of {member} any more; what waits for it goes nowhere else by itself"
        ));
    }
    if let Some(node) = card.nodes.iter_mut().find(|node| node.name == own.name) {
        changes.extend(update(node, own));
    }
    for file in &args.add {
        let node = added(file, &place, &card)?;
        changes.push(format!("{member}/{} is a node of {member}, at {}", node.name, listed(&node.addresses)));
        card.nodes.push(node);
    }
    card.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    if changes.is_empty() {
        let (id, version) = (member.to_string(), present.version);
        match args.word.json {
            true => ui::json(&Unchanged { id, version, changes: [] })?,
            false => ui::line(&format!("card of {id} version {version} says all that already"))?,
        }
        return Ok(Exit::Ok);
    }
    changes.iter().for_each(|change| ui::say(change));
    let mut next = card.to_successor(present)?;
    place.sign(&mut next)?;
    place.give(&next, changes, &args.word)
}

/// Takes over what may change without new keys, and tells it.
fn update(node: &mut CardNode, own: CardNode) -> Vec<String> {
    let mut changes = Vec::new();
    if node.addresses != own.addresses {
        changes.push(format!("{} is reached at {}", node.name, listed(&own.addresses)));
        node.addresses = own.addresses;
    }
    if node.reads != own.reads {
        let newly = own.reads.iter().filter(|read| !node.reads.contains(read));
        let no_more = node.reads.iter().filter(|read| !own.reads.contains(read));
        let words = |(name, version): &(String, u64)| format!("{name} {version}");
        changes.extend(newly.map(|read| format!("{} newly reads {}", node.name, words(read))));
        changes.extend(no_more.map(|read| format!("{} no longer reads {}", node.name, words(read))));
        node.reads = own.reads;
    }
    changes
}

/// The node of a card that is to come onto the member's.
fn added(file: &Path, place: &Place, card: &Card) -> anyhow::Result<CardNode> {
    let document = signatures::read_document(file, DocumentKind::Card)?;
    signatures::same_network(&place.directory, &document)?;
    let (member, of) = (&place.member, &document.id);
    if of != member {
        return Err(RefusedError(format!("{}: a card of {of}, not of {member}", file.display())).into());
    }
    let node = node_of(&document)?;
    match card.nodes.iter().any(|known| known.name == node.name) {
        true => Err(RefusedError(format!("the card of {member} names a node {} already", node.name)).into()),
        false => Ok(node),
    }
}

/// The only node of a draft.
fn node_of(document: &Document) -> anyhow::Result<CardNode> {
    let mut card = Card::open(document)?;
    match (card.nodes.pop(), card.nodes.is_empty()) {
        (Some(node), true) => Ok(node),
        _ => {
            Err(RefusedError(format!("{}: a draft names one node\nhint: `luxor card draft`", document.file_name()))
                .into())
        }
    }
}
