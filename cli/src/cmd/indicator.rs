//! `luxor indicator`: records of indicators from public lists, STIX and tables, as STIX, and looked through. Needs no node.

use std::io::{Read as _, Write as _};
use std::path::Path;

use luxor_protocol::formats::{INDICATORS_TEMPLATE, Row, indicators};
use luxor_protocol::limits::MAX_LIST_BYTES;
use luxor_protocol::names::MemberId;
use luxor_protocol::record::{content_from_json, content_to_json};
use luxor_protocol::threats::{FromList, Indicator, IndicatorId, WarningLists, from_stix, read_list, to_stix};
use luxor_protocol::time::Millis;
use serde_json::{Value as Json, json};

use super::submit::{Read, read_records};
use super::{now, some};
use crate::args::{
    IndicatorCheckArgs, IndicatorCommand, IndicatorFromCsvArgs, IndicatorFromStixArgs, IndicatorListArgs,
    IndicatorToStixArgs, SubmitArgs,
};
use crate::exit::{Exit, RefusedError};
use crate::input::STDIN;
use crate::{files, ui};

/// Bytes of a file of warning lists.
const MAX_WARNING_BYTES: usize = 16 * 1024 * 1024;
/// Objects that are named when they are left out.
const SHOWN: usize = 20;

pub(super) fn run(command: &IndicatorCommand) -> anyhow::Result<Exit> {
    match command {
        IndicatorCommand::List(args) => list(args),
        IndicatorCommand::FromStix(args) => taken(args),
        IndicatorCommand::FromCsv(args) => table(args),
        IndicatorCommand::ToStix(args) => bundle(args),
        IndicatorCommand::Check(args) => check(args),
    }
}

fn list(args: &IndicatorListArgs) -> anyhow::Result<Exit> {
    let bytes = read(&args.file)?;
    let refused = |error: &dyn std::fmt::Display| RefusedError(format!("{}: {error}", args.file.display()));
    let entries = read_list(args.form, bytes.as_slice()).map_err(|error| refused(&error))?;
    let made_at = now();
    // A day is counted from 1970, so its first moment is not before.
    let first = args.from.map_or(Ok(made_at), |day| format!("{day}T00:00:00Z").parse());
    let from: Millis = first.map_err(|error| refused(&error))?;
    let list = FromList {
        issuer: &args.made.issuer,
        list: &args.list,
        valid: (from, from.plus_days(args.made.days)),
        made_at,
        confidence: args.confidence,
        advice: args.advice,
    };
    let (mut records, mut made, mut names) = (Vec::new(), 0, 0);
    let kept = entries.iter().filter(|entry| args.kind.contains(&entry.listed));
    for entry in kept {
        let record = list.record(entry);
        let content = content_from_json(&record).map_err(|error| refused(&format!("{}: {error}", entry.names[0])))?;
        // Writing to memory does not fail.
        let _ = writeln!(records, "{}", content_to_json(&content));
        (made, names) = (made + 1, names + entry.names.len() as u64);
    }
    write(args.made.output.as_deref(), &records)?;
    let left = entries.len() as u64 - made;
    ui::say(&format!(
        "{} by {}; {} of other kinds left out",
        some(made, "indicator"),
        some(names, "name"),
        ui::count(left)
    ));
    Ok(Exit::Ok)
}

fn taken(args: &IndicatorFromStixArgs) -> anyhow::Result<Exit> {
    let bytes = read(&args.file)?;
    let refused = |text: String| RefusedError(format!("{}: {text}", args.file.display()));
    let bundle: Json = serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
    let objects = bundle["objects"].as_array().ok_or_else(|| refused("no bundle: it has no list 'objects'".into()))?;
    let (mut records, mut made, mut left) = (Vec::new(), 0, 0u64);
    for object in objects.iter().filter(|object| object["type"] == "indicator") {
        let id = object["id"].as_str().unwrap_or("an object without id");
        let record = from_stix(object, args.made.days).map_err(|error| error.to_string()).and_then(|record| {
            let content = content_from_json(&record).map_err(|error| error.to_string())?;
            Indicator::read(&args.made.issuer, &content).map_err(|error| error.to_string())?;
            Ok(content)
        });
        match record {
            Ok(content) => {
                let _ = writeln!(records, "{}", content_to_json(&content));
                made += 1;
            }
            Err(why) => {
                left += 1;
                if left <= SHOWN as u64 {
                    ui::say(&format!("{id}: {why}"));
                }
            }
        }
    }
    write(args.made.output.as_deref(), &records)?;
    let others = objects.len() as u64 - made - left;
    ui::say(&format!(
        "{} made, {} left out; {} of other types",
        some(made, "indicator"),
        ui::count(left),
        some(others, "object")
    ));
    Ok(if left > 0 { Exit::Findings } else { Exit::Ok })
}

fn table(args: &IndicatorFromCsvArgs) -> anyhow::Result<Exit> {
    let (Some(file), Some(issuer)) = (&args.file, &args.issuer) else {
        ui::raw(INDICATORS_TEMPLATE.as_bytes())?;
        return Ok(Exit::Ok);
    };
    let bytes = read(file)?;
    let refused = |error: &dyn std::fmt::Display| RefusedError(format!("{}: {error}", file.display()));
    let (mut records, mut made, mut wrong) = (Vec::new(), 0, 0u64);
    for row in indicators(bytes.as_slice(), issuer, now(), args.days).map_err(|error| refused(&error))? {
        match row.map_err(|error| refused(&error))? {
            Row::Record { content, .. } => {
                // Writing to memory does not fail.
                let _ = writeln!(records, "{}", content_to_json(&content));
                made += 1;
            }
            Row::Refused(refusal) => {
                wrong += refusal.rows;
                if wrong <= SHOWN as u64 {
                    ui::say(&format!("{}: {refusal}", file.display()));
                }
            }
        }
    }
    if wrong > 0 {
        let told = some(wrong, "row");
        ui::say(&format!("{told} refused, so nothing is written of {} that could be made", some(made, "indicator")));
        return Ok(Exit::Findings);
    }
    write(args.output.as_deref(), &records)?;
    ui::say(&some(made, "indicator"));
    Ok(Exit::Ok)
}

fn bundle(args: &IndicatorToStixArgs) -> anyhow::Result<Exit> {
    let mut objects: Vec<Json> = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    let at = now();
    let count = each(&args.file, &args.issuer, |_, record, _| {
        let made = to_stix(&args.issuer, &record, at).map_err(|error| RefusedError(error.to_string()))?;
        // Who issues and what is marked stands once.
        objects.extend(made.into_iter().filter(|object| known.insert(object["id"].as_str().map(str::to_owned))));
        Ok(())
    })?;
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    let id = format!("bundle--{}", IndicatorId::from_bytes(bytes).uuid());
    let mut text = serde_json::to_vec_pretty(&json!({ "type": "bundle", "id": id, "objects": objects }))?;
    text.push(b'\n');
    write(args.output.as_deref(), &text)?;
    ui::say(&some(count, "indicator"));
    Ok(Exit::Ok)
}

fn check(args: &IndicatorCheckArgs) -> anyhow::Result<Exit> {
    let lists = match &args.warning_lists {
        None => WarningLists::default(),
        Some(path) => {
            let text = files::read_text(path, MAX_WARNING_BYTES)?;
            WarningLists::from_toml(&text).map_err(|error| RefusedError(format!("{}: {error}", path.display())))?
        }
    };
    // Whose they are decides nothing here.
    let nobody: MemberId = "checked".parse()?;
    let mut told = Vec::new();
    let mut wrong = 0;
    let count = each(&args.file, &nobody, |indicator, _, line| {
        let breadth: Vec<String> = lists.breadth(&indicator).iter().map(ToString::to_string).collect();
        if !breadth.is_empty() {
            wrong += 1;
            if args.json {
                told.push(json!({ "line": line, "id": indicator.id, "broad": breadth }));
            } else {
                for text in &breadth {
                    ui::line(&format!("line {line}, {}: {text}", indicator.id))?;
                }
            }
        }
        Ok(())
    })?;
    match args.json {
        true => ui::json(&json!({ "indicators": count, "broad": told }))?,
        false => ui::line(&format!("{}, {} too broad", some(count, "indicator"), ui::count(wrong)))?,
    }
    Ok(if wrong > 0 { Exit::Findings } else { Exit::Ok })
}

/// Reads records of indicators, all of which have to be right, and gives each with its record and line.
pub(super) fn each(
    file: &Path,
    issuer: &MemberId,
    mut take: impl FnMut(Indicator, Json, u64) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let input = SubmitArgs::reading(file, Some("ndjson"), None);
    let mut count = 0;
    read_records(&input, |read| match read {
        Read::Record(content, place) => {
            let indicator = Indicator::read(issuer, &content)
                .map_err(|error| RefusedError(format!("{}, line {}: {error}", file.display(), place.line)))?;
            count += 1;
            take(indicator, content_to_json(&content), place.line)
        }
        Read::Refused { text, .. } => Err(RefusedError(format!("{}: {text}", file.display())).into()),
    })?;
    Ok(count)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path != Path::new(STDIN) {
        return Ok(files::read(path, MAX_LIST_BYTES)?);
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(MAX_LIST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() <= MAX_LIST_BYTES {
        true => Ok(bytes),
        false => Err(RefusedError(format!("more than {MAX_LIST_BYTES} bytes")).into()),
    }
}

fn write(output: Option<&Path>, bytes: &[u8]) -> anyhow::Result<()> {
    match output.filter(|path| *path != Path::new(STDIN)) {
        Some(path) => Ok(files::write(path, bytes)?),
        None => Ok(ui::raw(bytes)?),
    }
}
