//! `luxor uses`: uses of numbers that are to be confirmed before the consignment departs, and are not.

use luxor_protocol::api::{UseLine, UseState, UsesReport};

use super::some;
use crate::args::UsesArgs;
use crate::client::Client;
use crate::exit::Exit;
use crate::ui;

pub(super) fn run(args: &UsesArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let report = client.uses()?;
    let UsesReport { watched, not_watched, unconfirmed, more, since } = &report;
    if args.node.json {
        ui::json(&report)?;
    } else if !unconfirmed.is_empty() {
        let mut table = ui::Table::new(&["departs", "number", "item", "issuer", "state", "mandate of"], &[]);
        unconfirmed.iter().for_each(|line| table.row(cells(line)));
        table.print()?;
    }
    let count = unconfirmed.len() + more;
    let departed = unconfirmed.iter().filter(|line| line.state == UseState::Departed).count();
    let departed =
        if departed > 0 { format!(", {} of them departed", ui::count(departed as u64)) } else { String::new() };
    let since = since.as_ref().map(|since| format!(", of declarations since {since}")).unwrap_or_default();
    let (uses, watched) = (some(count as u64, "unconfirmed use"), some(*watched as u64, "use"));
    ui::say(&format!("{uses}{departed}; {watched} watched{since}"));
    if report.since.is_none() {
        ui::say("declarations are not looked through: no 'collect' credential of any number is known here");
    }
    if *more > 0 {
        ui::say(&format!("{} more are not listed", ui::count(*more as u64)));
    }
    if *not_watched > 0 {
        let lost = ui::count(*not_watched);
        ui::say(&format!("{lost} declared uses are not watched, since there was no room: nothing is said of them"));
    }
    Ok(if count == 0 && *not_watched == 0 { Exit::Ok } else { Exit::Findings })
}

/// Departure, number, item, issuer, state and whose mandate.
fn cells(line: &UseLine) -> [String; 6] {
    let state = match line.state {
        UseState::Confirmed => "confirmed",
        UseState::Unconfirmed => "unconfirmed",
        UseState::Departed => "departed unconfirmed",
    };
    [
        line.departs.clone().unwrap_or_else(|| "(not said)".into()),
        line.number.clone(),
        line.item.clone(),
        line.issuer.to_string(),
        state.to_owned(),
        line.mandated_by.as_ref().map_or_else(|| "(not known)".into(), ToString::to_string),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser as _;
    use serde_json::json;

    use super::*;
    use crate::args::{Cli, Command};
    use crate::client::stub::Stub;

    #[test]
    fn unconfirmed_uses_are_findings() {
        let line = json!({
            "number": "IM0401234567", "item": "LX000000005DE", "root": "00", "issuer": "shop", "entry": 7,
            "declared_at": "2026-11-26T10:00:00Z", "departs": null, "state": "unconfirmed", "mandated_by": null,
        });
        let one: UseLine = serde_json::from_value(line.clone()).unwrap();
        assert_eq!(cells(&one), ["(not said)", "IM0401234567", "LX000000005DE", "shop", "unconfirmed", "(not known)"]);
        for (lines, more, exit) in [(vec![], 0, Exit::Ok), (vec![line], 0, Exit::Findings), (vec![], 3, Exit::Findings)]
        {
            let report = json!({ "watched": 9, "unconfirmed": lines, "more": more, "since": null });
            let stub = Stub::new(move |_, _| (200, report.to_string()));
            let args = ["luxor", "uses", "--node", stub.dir()];
            let Command::Uses(args) = Cli::try_parse_from(args).unwrap().command else { panic!() };
            assert_eq!(run(&args).unwrap(), exit);
            assert_eq!(stub.seen()[0].0, "GET /v1/uses HTTP/1.1");
        }
    }
}
