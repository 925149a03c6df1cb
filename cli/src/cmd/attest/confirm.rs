//! `luxor attest confirm`: the holder of a number under which duty and tax are collected says that it is used, item by item.
//!
//! Records are signed one after the other and handed on as they come. Not here: who holds a number, which the nodes know.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read, Write as _};
use std::path::Path;

use anyhow::Context as _;
use luxor_protocol::api::RecordResult;
use luxor_protocol::credential::AttestKey;
use luxor_protocol::exchange::Lane;
use luxor_protocol::limits::MAX_TEXT_CHARS;
use luxor_protocol::recognition::{Confirmation, Period};
use luxor_protocol::record::{Content, content_to_json};
use luxor_protocol::reference::{Ioss, ioss, s10};
use serde::Serialize;
use serde_json::Value;

use super::args::ConfirmArgs;
use super::life::text;
use super::send::{self, Sending};
use super::{carry, keys, life, refused};
use crate::client::Client;
use crate::cmd::some;
use crate::exit::{Exit, RefusedError, UsageError};
use crate::files::{self, FileError};
use crate::ui;

/// Items of one command.
const MAX_ITEMS: usize = 1_000_000;
/// Bytes of a line with an item.
const MAX_LINE: u64 = 1_024;
/// Refusals that are shown; all are counted.
const SHOWN: u64 = 20;

/// What is confirmed, with one key.
struct Signer<'a> {
    key: AttestKey,
    /// Its public half, a JWK in compact JSON.
    jwk: String,
    number: &'a str,
    period: Period,
    scheme: Option<&'a str>,
    signed_at: u64,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    number: String,
    period: String,
    signed_at: String,
    confirmed: u64,
    /// Items that were named more than once.
    repeated: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    submission: Option<String>,
    accepted: u64,
    refused: u64,
}

/// `luxor attest confirm`
pub(super) fn confirm(args: &ConfirmArgs, now: u64) -> anyhow::Result<Exit> {
    let key = keys::secret(&args.key)?;
    let jwk = Value::Object(key.public().jwk()).to_string();
    let signed_at = args.signed_at.map_or(now, life::seconds);
    if signed_at > now {
        return Err(UsageError(format!("--signed-at {}: not yet; now it is {}", text(signed_at), text(now))).into());
    }
    let signer =
        Signer { key, jwk, number: &args.number, period: args.period, scheme: args.scheme.as_deref(), signed_at };
    let (items, repeated) = items(args)?;
    if ioss(signer.number, &[]) == Ioss::Form {
        ui::say(&format!(
            "{}: not an IOSS number (IM and ten digits); taken for a registration of another scheme",
            signer.number
        ));
    }
    // An item that makes no record stops it before anything is handed on.
    if let Some((_, first)) = items.first() {
        signer.record(first)?;
    }
    let report = Report {
        number: args.number.clone(),
        period: args.period.to_string(),
        signed_at: text(signed_at),
        repeated,
        ..Report::default()
    };
    match (&args.to.out, &args.to.node) {
        (Some(out), _) => write(&signer, &items, out, report, args.json),
        (None, Some(node)) => send_all(&signer, &items, node, report, args.json),
        // The command line's group leaves no such case.
        (None, None) => Err(UsageError("either --out or --node".into()).into()),
    }
}

impl Signer<'_> {
    /// The signed record of one item.
    fn record(&self, item: &str) -> Result<Content, RefusedError> {
        let of = Confirmation {
            number: self.number.to_owned(),
            item: item.to_owned(),
            period: self.period,
            signed_at: self.signed_at,
        };
        let scheme = self.scheme.or_else(|| s10(item).is_ok().then_some("s10"));
        carry::collect_use(&of, scheme, &self.jwk, &of.sign(&self.key))
    }
}

fn write(
    signer: &Signer<'_>,
    items: &[(u64, String)],
    out: &Path,
    mut report: Report,
    json: bool,
) -> anyhow::Result<Exit> {
    let mut file = BufWriter::new(files::begin(out)?);
    for (line, item) in items {
        let record = signer.record(item).with_context(|| format!("item {line}"))?;
        writeln!(file, "{}", content_to_json(&record)).map_err(FileError::at(out))?;
        report.confirmed += 1;
    }
    let file = file.into_inner().map_err(|error| FileError::at(out)(error.into_error()))?;
    files::complete(file, out)?;
    told(&report, json)?;
    ui::say(&format!("hint: `luxor submit --node DIR {}` sends them", out.display()));
    Ok(Exit::Ok)
}

fn send_all(
    signer: &Signer<'_>,
    items: &[(u64, String)],
    node: &String,
    mut report: Report,
    json: bool,
) -> anyhow::Result<Exit> {
    let client = Client::open(node)?;
    let (period, at) = (signer.period.to_string(), signer.signed_at.to_string());
    let scheme = signer.scheme.unwrap_or_default();
    let mut parts = [signer.jwk.as_str(), signer.number, &period, &at, scheme].map(str::as_bytes).to_vec();
    parts.extend(items.iter().map(|(_, item)| item.as_bytes()));
    let name = send::name_of(&parts);
    report.submission = Some(name.clone());
    let sent = put_all(signer, items, Sending::new(&client, name, Lane::Ordinary), &mut report);
    sent.with_context(|| {
        let so_far = some(report.accepted + report.refused, "answer");
        let again = format!("the same command with --signed-at {} goes on", text(signer.signed_at));
        format!("stopped after {so_far}\nhint: {again}; nothing is sent twice")
    })?;
    told(&report, json)?;
    if report.refused > 0 {
        let name = report.submission.as_deref().unwrap_or_default();
        ui::say(&format!("hint: `luxor repair show --node {node} --submission {name}` has those that wait for repair"));
    }
    Ok(if report.refused > 0 { Exit::Findings } else { Exit::Ok })
}

fn put_all(
    signer: &Signer<'_>,
    items: &[(u64, String)],
    mut sending: Sending<'_>,
    report: &mut Report,
) -> anyhow::Result<()> {
    for (line, item) in items {
        let record = signer.record(item).with_context(|| format!("item {line}"))?;
        report.confirmed += 1;
        let answers = sending.push(&record, *line)?;
        count(answers, report);
    }
    count(sending.finish()?, report);
    Ok(())
}

fn count(answers: Vec<(u64, RecordResult)>, report: &mut Report) {
    for (line, answer) in answers {
        match answer {
            RecordResult::Accepted { .. } => report.accepted += 1,
            RecordResult::Refused { pointer, reason, .. } => {
                report.refused += 1;
                if report.refused <= SHOWN {
                    ui::say(&format!("item {line}: refused: {pointer}: {reason}"));
                }
            }
        }
    }
}

fn told(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        ui::json(report)?;
        return Ok(());
    }
    let mut table = ui::Table::plain();
    table.row(["number", &report.number]);
    table.row(["period", &report.period]);
    table.row(["signed at", &report.signed_at]);
    table.row(["uses confirmed", &ui::count(report.confirmed)]);
    if report.repeated > 0 {
        table.row(["named again", &ui::count(report.repeated)]);
    }
    if let Some(submission) = &report.submission {
        table.row(["submission", submission]);
        table.row(["accepted", &ui::count(report.accepted)]);
        table.row(["refused", &ui::count(report.refused)]);
    }
    table.print()?;
    Ok(())
}

/// The items with their place, each once, and how often one was named again.
fn items(args: &ConfirmArgs) -> anyhow::Result<(Vec<(u64, String)>, u64)> {
    let named: Vec<(u64, String)> = match &args.which.items {
        None => (1..).zip(args.which.item.iter().cloned()).collect(),
        Some(path) => lines(path)?,
    };
    let (mut known, mut repeated) = (HashSet::with_capacity(named.len()), 0);
    let mut items = Vec::with_capacity(named.len());
    for (line, item) in named {
        if item.is_empty() || item.chars().count() > MAX_TEXT_CHARS {
            return Err(UsageError(format!("item {line}: not 1 to {MAX_TEXT_CHARS} characters")).into());
        }
        if known.insert(item.clone()) {
            items.push((line, item));
        } else {
            repeated += 1;
        }
    }
    if items.is_empty() {
        return Err(RefusedError("no item is named\nhint: one a line".into()).into());
    }
    Ok((items, repeated))
}

/// The lines of a file with something on them; `-` is stdin.
fn lines(path: &Path) -> anyhow::Result<Vec<(u64, String)>> {
    let path = if path == Path::new("-") { Path::new("/dev/stdin") } else { path };
    let mut reader = BufReader::new(File::open(path).map_err(FileError::at(path))?);
    let mut lines = Vec::new();
    for number in 1.. {
        let mut line = String::new();
        let read = reader.by_ref().take(MAX_LINE).read_line(&mut line).map_err(FileError::at(path))?;
        if read == 0 {
            break;
        }
        if read as u64 == MAX_LINE && !line.ends_with('\n') {
            return Err(refused(path, format!("line {number}: longer than {MAX_LINE} bytes")).into());
        }
        let item = line.trim();
        if item.is_empty() {
            continue;
        }
        if lines.len() == MAX_ITEMS {
            return Err(refused(path, format!("more than {MAX_ITEMS} items\nhint: split it")).into());
        }
        lines.push((number, item.to_owned()));
    }
    Ok(lines)
}
