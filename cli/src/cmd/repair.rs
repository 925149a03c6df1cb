//! `luxor repair`: refused records that wait, many of them fixed and resent at once.

use luxor_protocol::api::{DropRequest, FixOutcome, FixRequest, RepairEntry, RepairPage, RepairSelection, RepairState};
use luxor_protocol::record::Edit;

use super::{lane, listed, some};
use crate::args::{RepairCommand, RepairDropArgs, RepairFixArgs, RepairShowArgs, RepairWhichArgs};
use crate::client::Client;
use crate::exit::{Exit, UsageError};
use crate::ui;

/// Entries asked for at once.
const PAGE: u64 = 200;

pub(super) fn run(command: &RepairCommand) -> anyhow::Result<Exit> {
    match command {
        RepairCommand::List { node } => {
            let groups = Client::open(&node.node)?.repair_groups()?;
            if node.json {
                ui::json(&groups)?;
                return Ok(Exit::Ok);
            }
            let mut table = ui::Table::new(&["type", "rule", "place", "records", "first", "last", "example"], &[3]);
            for group in &groups {
                table.row([
                    group.r#type.clone(),
                    group.rule.clone(),
                    group.pointer.clone(),
                    group.count.to_string(),
                    group.first.clone(),
                    group.last.clone(),
                    group.example.clone(),
                ]);
            }
            table.print()?;
            let waiting = groups.iter().map(|group| group.count).sum();
            ui::say(&format!("{} waiting for repair", some(waiting, "record")));
            Ok(Exit::Ok)
        }
        RepairCommand::Show(args) => show(args),
        RepairCommand::Fix(args) => fix(args),
        RepairCommand::Drop(args) => give_up(args),
    }
}

fn selection(which: &RepairWhichArgs, ids: &[String]) -> RepairSelection {
    RepairSelection {
        ids: ids.to_vec(),
        rule: which.rule.clone(),
        r#type: which.type_name.clone(),
        pointer: which.pointer.clone(),
        submission: which.submission.clone(),
    }
}

fn show(args: &RepairShowArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.node.node)?;
    let which = selection(&args.which, &[]);
    let mut all = RepairPage { entries: Vec::new(), next: args.after.clone() };
    loop {
        let missing = args.limit.saturating_sub(all.entries.len() as u64);
        if missing == 0 {
            break;
        }
        let page = client.repairs(&which, all.next.as_deref(), missing.min(PAGE))?;
        all.entries.extend(page.entries);
        all.next = page.next;
        if all.next.is_none() {
            break;
        }
    }
    if args.node.json {
        ui::json(&all)?;
        return Ok(Exit::Ok);
    }
    all.entries.iter().try_for_each(print)?;
    if let Some(next) = &all.next {
        ui::say(&format!("hint: go on with --after {next}"));
    }
    Ok(Exit::Ok)
}

fn print(entry: &RepairEntry) -> anyhow::Result<()> {
    let first = &entry.first_attempt;
    let state = match entry.state {
        RepairState::Waits => "waits",
        RepairState::Resent => "resent",
        RepairState::Dropped => "given up",
    };
    ui::line(&format!(
        "{} {} of {} version {}: refused by {} at {}",
        entry.id, state, entry.r#type, entry.version, entry.by, entry.at
    ))?;
    let what = if entry.what.is_empty() { String::new() } else { format!(": {}", entry.what) };
    ui::line(&format!("  {} at {}{what}", entry.rule, entry.pointer))?;
    let sent = first.root.as_ref().map(|root| format!(", sent as {root}")).unwrap_or_default();
    let place = match first.submission.as_str() {
        "" => format!("batch at entry {}, record {}", first.chunk, first.position),
        name => format!("submission {name}, chunk {}, record {}", first.chunk, first.position),
    };
    ui::line(&format!("  first attempt: {place}{sent}"))?;
    if let Some(resent) = &entry.resent {
        for form in &resent.records {
            let to = form.deliveries.iter().map(|one| format!("{} ({})", one.recipient, one.state));
            ui::line(&format!("  resent by {} at {} as {} to {}", resent.fix, resent.at, form.root, listed(to)))?;
        }
    }
    match (&entry.record, entry.state) {
        (Some(record), _) => ui::line(&format!("  {record}"))?,
        (None, RepairState::Waits) => ui::line("  its content is erased")?,
        _ => {}
    }
    Ok(())
}

fn fix(args: &RepairFixArgs) -> anyhow::Result<Exit> {
    let request = FixRequest {
        name: args.name.clone(),
        which: selection(&args.which, &args.id),
        edits: edits(args)?,
        lane: lane(args.urgent),
        dry_run: args.dry_run,
    };
    let done = Client::open(&args.node.node)?.fix(&request)?;
    if args.node.json {
        ui::json(&done)?;
    } else {
        for record in &done.records {
            ui::line(&format!("{} {}", record.id, outcome(&record.outcome, args.dry_run)))?;
        }
        let would = if args.dry_run { "would be " } else { "" };
        let (resent, refused) = (some(done.resent, "record"), ui::count(done.refused));
        let unchanged = ui::count(done.unchanged);
        ui::say(&format!("{resent} {would}resent, {refused} {would}refused still, {unchanged} unchanged"));
    }
    Ok(if done.refused + done.unchanged > 0 { Exit::Findings } else { Exit::Ok })
}

fn outcome(outcome: &FixOutcome, dry_run: bool) -> String {
    match outcome {
        FixOutcome::Resent { root, recipients } => {
            let to = some(*recipients as u64, "recipient");
            match root {
                Some(root) => format!("resent as {root} to {to}"),
                None if dry_run => format!("would go to {to}"),
                None => format!("resent to {to}"),
            }
        }
        FixOutcome::Refused { fault, pointer, reason } => format!("refused: {fault} at {pointer}: {reason}"),
        FixOutcome::Unchanged { reason } => format!("unchanged: {reason}"),
    }
}

/// The edits of a command line: replacements, then values set, then what is removed.
fn edits(args: &RepairFixArgs) -> Result<Vec<Edit>, UsageError> {
    let wrong = |option: &str, text: &str, form: &str| UsageError(format!("--{option} {text}: not {form}"));
    let mut edits = Vec::new();
    for text in &args.replace {
        let form = "POINTER=FROM:TO, as /route/destination=UK:GB";
        let parts = text.split_once('=').and_then(|(pointer, values)| Some((pointer, values.split_once(':')?)));
        let (pointer, (from, to)) = parts.ok_or_else(|| wrong("replace", text, form))?;
        edits.push(Edit::Replace { pointer: pointer.to_owned(), from: from.to_owned(), to: to.to_owned() });
    }
    for text in &args.set {
        let form = "POINTER=VALUE, as /goods/*/classification/hs=610910";
        let (pointer, value) = text.split_once('=').ok_or_else(|| wrong("set", text, form))?;
        edits.push(Edit::Set { pointer: pointer.to_owned(), value: value.to_owned() });
    }
    edits.extend(args.remove.iter().map(|pointer| Edit::Remove { pointer: pointer.clone() }));
    Ok(edits)
}

fn give_up(args: &RepairDropArgs) -> anyhow::Result<Exit> {
    let request = DropRequest { which: selection(&args.which, &args.id), dry_run: args.dry_run };
    let done = Client::open(&args.node.node)?.drop_repairs(&request)?;
    if args.node.json {
        ui::json(&done)?;
    } else {
        let would = if args.dry_run { "would be " } else { "" };
        ui::line(&format!("{} {would}given up", some(done.dropped, "record")))?;
        if done.held > 0 {
            ui::say(&format!("{} held: `luxor hold list` says why", some(done.held, "record")));
        }
    }
    Ok(if done.held > 0 { Exit::Findings } else { Exit::Ok })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn read(more: &[&str]) -> Result<Vec<Edit>, UsageError> {
        let line = [&["luxor", "repair", "fix", "--node", "n", "--name", "f", "--rule", "hs.unknown"], more].concat();
        let Command::Repair(RepairCommand::Fix(args)) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        edits(&args)
    }

    #[test]
    fn edits_are_read_in_their_order() {
        let found = read(&["--remove", "/x", "--set", "/a/b=1=2", "--replace", "/c/d=UK:GB:1"]).unwrap();
        let (a, b, c) = ("/c/d".to_owned(), "/a/b".to_owned(), "/x".to_owned());
        let wanted = [
            Edit::Replace { pointer: a, from: "UK".into(), to: "GB:1".into() },
            Edit::Set { pointer: b, value: "1=2".into() },
            Edit::Remove { pointer: c },
        ];
        assert_eq!(found, wanted);
        assert!(read(&["--set", "/a/b"]).unwrap_err().0.contains("POINTER=VALUE"));
        assert!(read(&["--replace", "/a/b=1"]).unwrap_err().0.contains("POINTER=FROM:TO"));
    }
}
