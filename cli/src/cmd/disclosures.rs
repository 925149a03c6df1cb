//! `luxor disclosures`

use luxor_protocol::api::{Disclosed, Disclosure};

use crate::args::DisclosuresArgs;
use crate::client::Client;
use crate::exit::Exit;
use crate::ui;

pub(super) fn run(args: &DisclosuresArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let records = match (&args.item, &args.party) {
        (Some(item), _) => client.disclosures("item", item)?,
        (None, party) => client.disclosures("party", party.as_deref().unwrap_or_default())?,
    };
    if args.node.json {
        ui::json(&records)?;
        return Ok(Exit::Ok);
    }
    if records.is_empty() {
        ui::say("no record that this node issued and still has names it");
        return Ok(Exit::Ok);
    }
    for Disclosed { root, references, disclosures } in &records {
        ui::line(&format!("record {} ({root})", references.join(", ")))?;
        for disclosure in disclosures {
            print(disclosure)?;
        }
    }
    Ok(Exit::Ok)
}

fn print(disclosure: &Disclosure) -> anyhow::Result<()> {
    let Disclosure { recipient, name, made_at, purpose, agreement, ground, groups, state, due, .. } = disclosure;
    let erased = match (&disclosure.erased_on, disclosure.is_due) {
        (Some(day), _) => format!("erased there on {day}, by its own signed word"),
        (None, true) => format!("was to be erased there by {due}"),
        (None, false) => format!("to be erased there by {due}"),
    };
    ui::line(&format!("  to {name} ({recipient}), {made_at}, {state}"))?;
    ui::line(&format!("    for {purpose}, under {agreement} ({ground})"))?;
    ui::line(&format!("    shown: {}", groups.join(", ")))?;
    ui::line(&format!("    {erased}"))?;
    Ok(())
}
