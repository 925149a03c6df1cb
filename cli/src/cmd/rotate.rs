//! `luxor card rotate`: keys are replaced by three cards, while everything goes on.

use std::path::Path;

use luxor_protocol::document::{Card, Document};
use serde::Serialize;

use super::place::Place;
use crate::args::RotateArgs;
use crate::client::Client;
use crate::exit::{Exit, RefusedError};
use crate::{found, ui};

/// Dispatches on a page of the outbox.
const PAGE: u64 = 1_000;

#[derive(Serialize)]
struct Report {
    member: String,
    version: u64,
    step: &'static str,
    /// What to do next, in words.
    next: String,
}

pub(super) fn run(args: &RotateArgs) -> anyhow::Result<Exit> {
    let dir = &args.node;
    let place = Place::open(dir)?;
    let member = &place.member;
    let present = place.own_card()?;
    // Where a step was broken off after its card held, the files of its keys are not where they belong yet.
    found::settle(dir, present)?;
    let (step, card, next) = if args.finish {
        if let Some(client) = place.client() {
            check_finish(client, present, dir)?;
        }
        ("finished", found::finish(dir, present)?, "keep keys/seal-*.key for seven days, then remove it".to_owned())
    } else if args.switch {
        let next =
            "restart the node, so that it connects with its new transport key; then `luxor card rotate --finish`";
        ("switched", found::switch(dir, present)?, next.to_owned())
    } else {
        let next = "once every node knows this card (`luxor documents` there), `luxor card rotate --switch`";
        ("announced", found::announce(dir, present, &args.uses)?, next.to_owned())
    };
    place.hand(&card)?;
    found::settle(dir, &card)?;
    if args.json {
        ui::json(&Report { member: member.to_string(), version: card.version, step, next })?;
        return Ok(Exit::Ok);
    }
    ui::line(&format!("card of {member} version {}: keys {step}", card.version))?;
    ui::say(&format!("hint: {next}"));
    Ok(Exit::Ok)
}

/// Former keys may go only when nothing needs them any more: the node uses the new ones, and no dispatch that a former one signed
/// waits for its receipt.
fn check_finish(client: &Client, present: &Document, dir: &Path) -> anyhow::Result<()> {
    let card = Card::open(present)?;
    let status = client.status()?;
    let name = status.node.split('/').next_back().unwrap_or_default().to_owned();
    let Some(node) = card.nodes.iter().find(|node| node.name.as_str() == name) else { return Ok(()) };
    let mut wanted: Vec<String> = [&node.sign, &node.log, &node.witness, &node.transport]
        .into_iter()
        .map(|keys| keys.current().to_string())
        .collect();
    wanted.push(node.seal_to().to_owned());
    if let Some(key) = wanted.iter().find(|key| !status.keys.contains(key)) {
        let what = format!("the node in {} does not use {key} yet\nhint: restart it, then try again", dir.display());
        return Err(RefusedError(what).into());
    }
    let (current, mut after) = (node.sign.current().to_string(), None::<String>);
    loop {
        let page = client.outbox_page(after.as_deref(), PAGE)?;
        if let Some(item) = page.items.iter().find(|item| item.key.as_ref() != Some(&current)) {
            let what = format!(
                "number {} to {} waits for its receipt and was signed by a former key\nhint: try again when it has it, or withdraw it",
                item.number, item.recipient
            );
            return Err(RefusedError(what).into());
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}
