//! `luxor window`: what both sides of a channel have, and what they signed about it.

use luxor_protocol::api::{
    ChannelLine, ChannelName, CompareReport, CompareRequest, DifferenceLine, StatementLine, WindowCloseRequest,
};

use super::{lane, some};
use crate::args::{
    ChannelArgs, WindowCloseArgs, WindowCommand, WindowCompareArgs, WindowListArgs, WindowStatementsArgs,
};
use crate::client::Client;
use crate::exit::{Exit, UsageError};
use crate::ui;

pub(super) fn run(command: &WindowCommand) -> anyhow::Result<Exit> {
    match command {
        WindowCommand::List(args) => list(args),
        WindowCommand::Statements(args) => statements(args),
        WindowCommand::Close(args) => close(args),
        WindowCommand::Compare(args) => compare(args),
    }
}

/// The channel that is meant: of several epochs the newest, unless one is named.
pub(super) fn channel(client: &Client, args: &ChannelArgs) -> anyhow::Result<ChannelLine> {
    let lane = lane(args.urgent);
    let meant = |line: &ChannelLine| {
        let of = &line.channel;
        args.to.as_ref().is_none_or(|to| of.recipient == *to)
            && args.of.as_ref().is_none_or(|from| of.sender == *from)
            && of.lane == lane
            && args.epoch.is_none_or(|epoch| of.epoch == epoch)
    };
    let found = client.channels()?.into_iter().filter(meant).max_by_key(|line| line.channel.epoch);
    let what = args.to.as_ref().map(|to| format!("to {to}")).or(args.of.as_ref().map(|of| format!("from {of}")));
    let none = || UsageError(format!("nothing was sent {} in the {lane} lane", what.unwrap_or_default()));
    Ok(found.ok_or_else(none)?)
}

fn list(args: &WindowListArgs) -> anyhow::Result<Exit> {
    let channels = Client::open(&args.node.node)?.channels()?;
    if args.node.json {
        ui::json(&channels)?;
        return Ok(Exit::Ok);
    }
    let columns = ["from", "to", "epoch", "lane", "numbers", "covered", "deposited", "last statement"];
    let mut table = ui::Table::new(&columns, &[2, 4, 5, 6]);
    for ChannelLine { channel, last, covered, statement, deposited } in &channels {
        let statement = statement.as_ref().map_or_else(|| "none".into(), in_short);
        table.row([
            channel.sender.to_string(),
            channel.recipient.to_string(),
            channel.epoch.to_string(),
            channel.lane.to_string(),
            ui::count(*last),
            ui::count(*covered),
            ui::count(deposited.len() as u64),
            statement,
        ]);
    }
    table.print()?;
    Ok(Exit::Ok)
}

fn statements(args: &WindowStatementsArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let channel = channel(&client, &args.channel)?.channel;
    let statements = client.statements(&channel, args.from)?;
    match args.node.json {
        true => ui::json(&statements)?,
        false => statements.iter().try_for_each(print)?,
    }
    if statements.is_empty() {
        ui::say("no statement about this channel is signed by both sides yet");
    }
    Ok(if statements.iter().all(|statement| statement.equal) { Exit::Ok } else { Exit::Findings })
}

fn close(args: &WindowCloseArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let request =
        WindowCloseRequest { recipient: args.to.clone(), lane: lane(args.urgent), from: args.first, to: args.last };
    let statement = client.close_window(&request)?;
    match args.node.json {
        true => ui::json(&statement)?,
        false => print(&statement)?,
    }
    Ok(if statement.equal { Exit::Ok } else { Exit::Findings })
}

fn compare(args: &WindowCompareArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let line = channel(&client, &args.channel)?;
    let request =
        CompareRequest { channel: line.channel, from: args.first, to: args.last.unwrap_or(line.last.max(args.first)) };
    let report = client.compare_window(&request)?;
    if args.node.json {
        ui::json(&report)?;
    } else {
        let CompareReport { channel, from, to, equal, rounds, bytes, .. } = &report;
        let verdict = if *equal { "both sides have the same" } else { "the two sides differ" };
        ui::line(&format!("{}: numbers {from} to {to}: {verdict}", name(channel)))?;
        differences(&report.differences, report.more)?;
        let (questions, bytes) = (some(*rounds as u64, "question"), ui::count(*bytes as u64));
        ui::say(&format!("{questions}, {bytes} bytes"));
    }
    if let Some(why) = &report.stopped {
        ui::say(&format!("the comparison did not end: {why}"));
    }
    if !report.equal {
        ui::say("hint: `luxor dispute export` writes what proves it into one file");
    }
    Ok(if report.equal { Exit::Ok } else { Exit::Findings })
}

fn print(statement: &StatementLine) -> anyhow::Result<()> {
    let StatementLine { channel, from, to, as_of, digest, entry, totals, .. } = statement;
    ui::line(&format!("{}: numbers {from} to {to}: {}", name(channel), in_short(statement)))?;
    let mut table = ui::Table::plain();
    table.row(["  digest", digest]);
    table.row(["  as of", as_of]);
    table.row(["  entry here", &ui::count(*entry)]);
    let counts = [
        (totals.accepted, "accepted"),
        (totals.partly, "partly accepted"),
        (totals.refused, "refused"),
        (totals.withdrawn, "withdrawn"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, what)| format!("{} {what}", ui::count(*count))).collect();
    table.row(["  dispatches", &counts.join(", ")]);
    let (accepted, rejected) = (ui::count(totals.records_accepted), ui::count(totals.records_rejected));
    table.row(["  records", &format!("{accepted} accepted, {rejected} rejected")]);
    table.print()?;
    differences(&statement.differences, statement.more)
}

fn differences(lines: &[DifferenceLine], more: usize) -> anyhow::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut table = ui::Table::new(&["number", "difference", "what proves it"], &[0]);
    lines.iter().for_each(|line| table.row([ui::count(line.number), line.class.clone(), line.proof.clone()]));
    table.print()?;
    if more > 0 {
        ui::say(&format!("{} more are not listed", ui::count(more as u64)));
    }
    Ok(())
}

fn in_short(statement: &StatementLine) -> String {
    let differ = statement.differences.len() + statement.more;
    match statement.equal {
        true => "both sides have the same, and signed it".into(),
        false => format!("both sides signed that they differ at {}", some(differ as u64, "number")),
    }
}

fn name(channel: &ChannelName) -> String {
    luxor_protocol::exchange::Channel::from(channel.clone()).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::args::{Cli, Command};
    use crate::client::stub::Stub;

    fn of(line: &[&str]) -> anyhow::Result<Exit> {
        let Command::Window(command) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        run(&command)
    }

    fn channel(epoch: u64, last: u64) -> Value {
        json!({
            "channel": { "sender": "a/n", "recipient": "b/n", "epoch": epoch, "lane": "ordinary" }, "last": last,
            "covered": 0, "statement": null,
        })
    }

    #[test]
    fn a_comparison_is_of_the_newest_epoch_and_differences_are_findings() {
        for (equal, exit) in [(true, Exit::Ok), (false, Exit::Findings)] {
            let stub = Stub::new(move |head, _| match head.starts_with("POST") {
                false => (200, json!([channel(1, 9), channel(2, 4)]).to_string()),
                true => {
                    let report = json!({
                        "channel": channel(2, 4)["channel"], "from": 1, "to": 4, "equal": equal, "differences": [],
                        "more": 0, "rounds": 1, "bytes": 90,
                    });
                    (200, report.to_string())
                }
            });
            let line = ["luxor", "window", "compare", "--to", "b/n", "--node", stub.dir()];
            assert_eq!(of(&line).unwrap(), exit);
            let asked: Value = serde_json::from_slice(&stub.seen()[1].1).unwrap();
            assert_eq!((&asked["channel"]["epoch"], &asked["to"]), (&json!(2), &json!(4)));
            let other = ["luxor", "window", "compare", "--to", "c/n", "--node", stub.dir()];
            assert!(of(&other).unwrap_err().to_string().contains("nothing was sent to c/n"));
        }
    }
}
