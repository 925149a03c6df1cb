//! `luxor stats facts`: the records of a running node into facts, as `luxor stats table` reads them.

use std::path::Path;

use luxor_protocol::hash::Digest;
use luxor_protocol::record::read_json;
use luxor_protocol::statistics::{Counted, Gather, Gathered, Seen, Wanted, facts_csv};
use luxor_protocol::time::Millis;
use serde_json::json;

use super::refused;
use crate::args::StatsFactsArgs;
use crate::client::Client;
use crate::cmd::{duty, some};
use crate::exit::{Exit, UsageError};
use crate::input::STDIN;
use crate::{files, ui};

pub(super) fn run(args: &StatsFactsArgs) -> anyhow::Result<Exit> {
    let to_stdout = args.output == Path::new(STDIN);
    if to_stdout && args.node.json {
        return Err(
            UsageError("facts and --json cannot both go to stdout\nhint: name a file for the facts".into()).into()
        );
    }
    if args.from > args.to {
        return Err(UsageError(format!("{} is after {}", args.from, args.to)).into());
    }
    let book = duty::book(&args.book)?;
    let gathered = gather(args)?.finish(&book).map_err(refused)?;
    let text = facts_csv(&gathered.rows);
    match to_stdout {
        true => ui::raw(text.as_bytes())?,
        // Who stands behind an item has a number only, but an item has its figures.
        false => files::write_private(&args.output, text.as_bytes())?,
    }
    let Gathered { rows, left_out, notes, records } = &gathered;
    if args.node.json {
        let lines = |all: &std::collections::BTreeMap<String, Counted>| -> Vec<_> {
            let line =
                |(why, of): (&String, &Counted)| json!({ "why": why, "count": of.count, "examples": of.examples });
            all.iter().map(line).collect()
        };
        ui::json(&json!({
            "records": records, "facts": rows.len(), "left_out": lines(left_out), "notes": lines(notes),
        }))?;
    }
    let tell = |what: &str, all: &std::collections::BTreeMap<String, Counted>| {
        for (why, of) in all {
            ui::say(&format!("{what}: {} {why}, such as {}", ui::count(of.count), crate::cmd::listed(&of.examples)));
        }
    };
    tell("left out", left_out);
    tell("note", notes);
    ui::say(&format!("{} of {}", some(rows.len() as u64, "fact"), some(*records, "record")));
    Ok(if left_out.is_empty() { Exit::Ok } else { Exit::Findings })
}

/// Everything that the node has, page by page.
fn gather(args: &StatsFactsArgs) -> anyhow::Result<Gather> {
    let client = Client::open(&args.node.node)?;
    let mut gather = Gather::new(Wanted {
        flow: args.flow,
        from: args.from,
        to: args.to,
        currency: args.currency,
        model: args.model,
        departure_as_origin: args.departure_as_origin,
    });
    let (mut next, mut progress, mut read) = (Some(0), ui::Progress::new(), 0_u64);
    while let Some(from) = next {
        let page = client.statistics(from, &args.purposes)?;
        for record in &page.records {
            let root = |text: &str| {
                Digest::from_hex(text)
                    .ok_or_else(|| refused(format!("the node names a record '{text}', which is no root")))
            };
            let content =
                read_json(&record.record).map_err(|error| refused(format!("record {}: {error}", record.root)))?;
            let seen = Seen {
                root: root(&record.root)?,
                issuer: &record.issuer,
                supersedes: record.supersedes.as_deref().map(root).transpose()?,
                at: Millis(record.at),
                content: &content,
            };
            gather.take(&seen).map_err(refused)?;
        }
        read += page.records.len() as u64;
        progress.show(|| format!("{} read", some(read, "record")));
        // A page goes on behind where it began, or a node that is wrong would be asked for ever.
        next = page.next.filter(|next| *next > from);
    }
    progress.clear();
    Ok(gather)
}
