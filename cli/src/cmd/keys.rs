//! `luxor keys`: every key of a member, present and former.

use luxor_protocol::document::{Card, Document, DocumentKind};
use luxor_protocol::keys::{KeyId, PublicKey};
use luxor_protocol::names::MemberId;
use serde::Serialize;

use super::attest_key::{self, Told};
use super::place::Place;
use super::today;
use crate::args::KeysArgs;
use crate::exit::{Exit, RefusedError};
use crate::ui;

/// A key of a member.
pub(super) struct MemberKey {
    pub(super) key: PublicKey,
    /// Its node's name; none of the identity key.
    pub(super) node: Option<String>,
    pub(super) state: State,
}

/// How a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It signs.
    InUse,
    /// It counts beside the one in use: the next one, or the one before.
    Beside,
    /// It is on no card any more; what it signed still verifies.
    Former,
}

#[derive(Serialize)]
struct Shown {
    member: MemberId,
    /// Version of its newest card; none without one.
    card_version: Option<u64>,
    keys: Vec<ShownKey>,
    /// Age recipients of its nodes, the one in use first.
    seal: Vec<Seal>,
    /// Keys that sign its attestations about traders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attest: Vec<Told>,
}

#[derive(Serialize)]
struct ShownKey {
    id: String,
    #[serde(rename = "use")]
    use_of: &'static str,
    node: Option<String>,
    state: State,
    key: String,
    revoked: Option<Revoked>,
}

#[derive(Serialize)]
struct Revoked {
    at: String,
    compromised_since: Option<String>,
    reason: String,
}

#[derive(Serialize)]
struct Seal {
    node: String,
    recipients: Vec<String>,
}

pub(super) fn run(args: &KeysArgs) -> anyhow::Result<Exit> {
    let place = Place::open(&args.known.node)?;
    let member = args.member.as_ref().unwrap_or(&place.member);
    let shown = shown(&place, member)?;
    if args.known.json {
        ui::json(&shown)?;
        return Ok(Exit::Ok);
    }
    match shown.card_version {
        Some(version) => ui::line(&format!("keys of {member}, by version {version} of its card"))?,
        None => ui::line(&format!("keys of {member}, which has no card here"))?,
    }
    let mut table = ui::Table::new(&["id", "use", "node", "state", "revoked", "key"], &[]);
    for key in &shown.keys {
        let state = match key.state {
            State::InUse => "in use",
            State::Beside => "beside it",
            State::Former => "former",
        };
        let revoked =
            key.revoked.as_ref().map_or_else(String::new, |revoked| format!("{}: {}", revoked.at, revoked.reason));
        table.row([key.id.as_str(), key.use_of, key.node.as_deref().unwrap_or(""), state, &revoked, &key.key]);
    }
    for seal in &shown.seal {
        for (at, recipient) in seal.recipients.iter().enumerate() {
            table.row(["", "seal", &seal.node, if at == 0 { "in use" } else { "beside it" }, "", recipient]);
        }
    }
    for Told { key, state } in &shown.attest {
        table.row([key.id.as_str(), "attest", "", state.words(), "", &key.line()]);
    }
    table.print()?;
    Ok(Exit::Ok)
}

/// Every key that a member has and had, the newest card's first.
pub(super) fn all(place: &Place, member: &MemberId) -> anyhow::Result<Vec<MemberKey>> {
    let directory = &place.directory;
    let mut keys: Vec<MemberKey> = Vec::new();
    for (at, key) in directory.identities(member).iter().rev().enumerate() {
        let state = if at == 0 { State::InUse } else { State::Former };
        keys.push(MemberKey { key: *key, node: None, state });
    }
    if keys.is_empty() {
        return Err(RefusedError(format!("{member} is not a member of this network")).into());
    }
    let newest = directory.card_of(member).map(|(version, _)| version);
    // Two cards that contradict each other are known too, and neither says which keys there are.
    let of = |document: &&Document| {
        document.kind == DocumentKind::Card && document.id == *member && Some(document.version) <= newest
    };
    let mut cards: Vec<_> = directory.documents().map(|(_, document)| &**document).filter(of).collect();
    cards.sort_by_key(|document| std::cmp::Reverse(document.version));
    for document in cards {
        let present = Some(document.version) == newest;
        for node in Card::open(document)?.nodes {
            for of_use in node.uses() {
                for key in of_use.all() {
                    let state = match present {
                        true if key == of_use.current() => State::InUse,
                        true => State::Beside,
                        false => State::Former,
                    };
                    if !keys.iter().any(|known| known.key == *key) {
                        keys.push(MemberKey { key: *key, node: Some(node.name.to_string()), state });
                    }
                }
            }
        }
    }
    Ok(keys)
}

fn shown(place: &Place, member: &MemberId) -> anyhow::Result<Shown> {
    let directory = &place.directory;
    let revoked = |id: &KeyId| {
        directory.revoked(id).map(|revoked| Revoked {
            at: revoked.at.to_string(),
            compromised_since: revoked.compromised_since.map(|since| since.to_string()),
            reason: revoked.reason.clone(),
        })
    };
    let keys = all(place, member)?.into_iter().map(|MemberKey { key, node, state }| {
        let (id, use_of) = (key.id(), key.purpose().name());
        ShownKey { id: id.to_string(), use_of, node, state, key: key.to_string(), revoked: revoked(&id) }
    });
    let newest = directory.card_of(member);
    let card =
        newest.and_then(|(_, digest)| directory.document(&digest)).map(|(_, card)| Card::open(card)).transpose()?;
    let seal = card.into_iter().flat_map(|card| card.nodes);
    let seal = seal.map(|node| Seal { node: node.name.to_string(), recipients: node.seal });
    Ok(Shown {
        member: member.clone(),
        card_version: newest.map(|(version, _)| version),
        keys: keys.collect(),
        seal: seal.collect(),
        attest: attest_key::told(directory, member, today()),
    })
}
