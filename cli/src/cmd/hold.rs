//! `luxor hold`

use luxor_protocol::api::{HoldInfo, HoldRequest};

use crate::args::HoldCommand;
use crate::client::Client;
use crate::exit::Exit;
use crate::ui;

pub(super) fn run(command: &HoldCommand) -> anyhow::Result<Exit> {
    match command {
        HoldCommand::Add(args) => {
            let request = HoldRequest {
                item: args.item.clone(),
                agreement: args.agreement.clone(),
                party: args.party.clone(),
                ground: args.ground.clone(),
            };
            let placed = Client::open(&args.node.node)?.hold(&request)?;
            if args.node.json {
                ui::json(&placed)?;
            } else {
                let records = match placed.records {
                    Some(records) if placed.on != "agreement" => format!(": {} records here now", ui::count(records)),
                    _ => String::new(),
                };
                ui::line(&format!("hold {} on {} {}{records}", placed.hold, placed.on, placed.name))?;
            }
        }
        HoldCommand::List { node } => {
            let holds = Client::open(&node.node)?.holds()?;
            if node.json {
                ui::json(&holds)?;
            } else if holds.is_empty() {
                ui::say("nothing is held");
            } else {
                let mut table = ui::Table::new(&["hold", "on", "which", "since", "ground"], &[0]);
                for HoldInfo { hold, on, name, ground, since, .. } in holds {
                    table.row([hold.to_string(), on, name, since, ground]);
                }
                table.print()?;
            }
        }
        HoldCommand::Release { node, hold } => {
            let released = Client::open(&node.node)?.release(*hold)?;
            if node.json {
                ui::json(&released)?;
            } else {
                ui::line(&format!("hold {hold} on {} {} ended", released.on, released.name))?;
                ui::say("what it kept past its date goes within the hour, or now with `luxor erase --due`");
            }
        }
    }
    Ok(Exit::Ok)
}
