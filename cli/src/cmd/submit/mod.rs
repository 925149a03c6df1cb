//! `luxor submit`: reads rows, puts them to the node in chunks, accounts for every one of them.

mod notes;
mod rows;

#[cfg(test)]
mod tests;

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use luxor_protocol::api::{OutboxState, RecordResult, Waits};
use luxor_protocol::cbor::Reader;
use luxor_protocol::exchange::Lane;
use luxor_protocol::record::Content;
use serde::Serialize;

use super::{lane, some};
use crate::args::SubmitArgs;
use crate::chunks::{Chunk, Place};
use crate::client::{Client, MAX_WAIT_MS};
use crate::exit::{Exit, RefusedError};
use crate::refusals::{Refusal, Refusals};
use crate::ui;
use notes::Notes;
use rows::{Input, Item};

/// Chunks read ahead of the node.
const READ_AHEAD: usize = 4;

/// What became of a submission.
#[derive(Debug, Serialize)]
struct Report {
    submission: String,
    lane: Lane,
    file: String,
    chunks: u64,
    dispatches: u64,
    accepted: u64,
    refused: u64,
    refused_by_mapping: u64,
    refused_by_node: u64,
    /// Of those, how many wait for repair, and for how many there was no room.
    waiting: u64,
    not_kept: u64,
    /// The first of them.
    refusals: Vec<Refusal>,
    #[serde(flatten)]
    notes: Notes,
    /// Dispatches without receipt after the wait, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<u64>,
}

impl Report {
    fn new(submission: String, file: String, lane: Lane) -> Self {
        Self {
            submission,
            lane,
            file,
            chunks: 0,
            dispatches: 0,
            accepted: 0,
            refused: 0,
            refused_by_mapping: 0,
            refused_by_node: 0,
            waiting: 0,
            not_kept: 0,
            refusals: Vec::new(),
            notes: Notes::default(),
            pending: None,
        }
    }
}

pub(super) fn run(args: &SubmitArgs) -> anyhow::Result<Exit> {
    let input = Input::open(args)?;
    let client = Client::open(&args.node.node)?;
    let submission = match &args.submission {
        Some(name) => name.to_string(),
        None => input.submission_id()?,
    };
    let refusals = Refusals::new(args.refused.as_deref())?;
    let started = Instant::now();
    let lane = lane(args.urgent);
    let mut report = Report::new(submission, input.name(), lane);
    let sent = send(&client, &input, &mut report, refusals);
    if report.chunks > 0 {
        sent.with_context(|| interrupted(&report))?;
    } else {
        sent?;
    }
    ui::say(&format!("submitted in {}", ui::duration(started.elapsed())));
    if let Some(seconds) = args.wait {
        report.pending = Some(wait(&client, Duration::from_secs(seconds))?);
    }
    if args.node.json {
        ui::json(&report)?
    } else {
        print(&report)?
    }
    let look =
        report.refused > 0 || report.notes.is_worth_a_look() || report.pending.is_some_and(|pending| pending > 0);
    Ok(if look { Exit::Findings } else { Exit::Ok })
}

/// What a file of records gives.
pub(super) enum Read {
    /// A record with its place.
    Record(Content, Place),
    /// Rows that give none, and why.
    Refused {
        /// How many rows.
        rows: u64,
        /// In words, with the place.
        text: String,
    },
}

/// Reads a file as a submission does, without a node, and gives what is in it, in order. Returns the file's name for messages.
pub(super) fn read_records(
    args: &SubmitArgs,
    mut take: impl FnMut(Read) -> anyhow::Result<()>,
) -> anyhow::Result<String> {
    let input = Input::open(args)?;
    std::thread::scope(|scope| {
        let (sender, items) = sync_channel(READ_AHEAD);
        let reader = scope.spawn(|| rows::read(&input, &{ sender }));
        let mut taken = Ok(());
        for item in items {
            taken = match item {
                Item::Refused(refusal) => take(Read::Refused { rows: refusal.rows, text: refusal.text() }),
                Item::Chunk(chunk) => take_chunk(&chunk, &mut take),
            };
            if taken.is_err() {
                break;
            }
        }
        let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        taken.and(read)
    })?;
    Ok(input.name())
}

fn take_chunk(chunk: &Chunk, take: &mut impl FnMut(Read) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut reader = Reader::new(&chunk.bytes);
    reader.array(chunk.places.len())?;
    for place in &chunk.places {
        take(Read::Record(Content::decode(&mut reader)?, *place))?;
    }
    Ok(())
}

/// Reads in one thread and puts chunks in this one, so that the node never waits for the file.
fn send(client: &Client, input: &Input, report: &mut Report, mut refusals: Refusals) -> anyhow::Result<()> {
    let outcome = std::thread::scope(|scope| {
        let (sender, items) = sync_channel(READ_AHEAD);
        let reader = scope.spawn(move || rows::read(input, &sender));
        let put = put_all(client, items, report, &mut refusals);
        let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // A refused chunk ends the reader too; what went wrong is then the chunk.
        put.and(read)
    });
    report.refusals = refusals.finish()?;
    outcome
}

fn put_all(client: &Client, items: Receiver<Item>, report: &mut Report, refusals: &mut Refusals) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut progress = ui::Progress::new();
    for item in items {
        match item {
            Item::Refused(refusal) => {
                report.refused += 1;
                report.refused_by_mapping += 1;
                refusals.add(refusal, &mut progress)?;
            }
            Item::Chunk(chunk) => put(client, &chunk, report, refusals, &mut progress)?,
        }
        progress.show(|| {
            let rate = u128::from(report.accepted) * 1000 / started.elapsed().as_millis().max(1);
            let (accepted, refused) = (ui::count(report.accepted), ui::count(report.refused));
            format!("{accepted} accepted, {refused} refused, {rate} records a second")
        });
    }
    progress.clear();
    Ok(())
}

fn put(
    client: &Client,
    chunk: &Chunk,
    report: &mut Report,
    refusals: &mut Refusals,
    progress: &mut ui::Progress,
) -> anyhow::Result<()> {
    let result = client.put_encoded(&report.submission, chunk.number, report.lane, &chunk.bytes)?;
    if result.records.len() != chunk.places.len() {
        let (answers, records) = (result.records.len(), chunk.places.len());
        return Err(RefusedError(format!("the node gave {answers} answers for {records} records")).into());
    }
    report.chunks += 1;
    report.dispatches += result.dispatches;
    for (record, place) in result.records.into_iter().zip(&chunk.places) {
        match record {
            RecordResult::Accepted { lost, others, left_out, left_out_more, findings, .. } => {
                report.accepted += 1;
                report.notes.found(place.line, &findings);
                report.notes.add(place.line, &lost, &others, left_out, left_out_more);
            }
            RecordResult::Refused { fault, pointer, reason, findings, waits } => {
                report.waiting += u64::from(waits == Waits::Waits);
                report.not_kept += u64::from(waits == Waits::Full);
                report.refused += 1;
                report.notes.found(place.line, &findings);
                report.refused_by_node += 1;
                refusals.add(Refusal::by_node(&report.file, *place, fault, pointer, reason), progress)?;
            }
        }
    }
    Ok(())
}

/// Waits until every dispatch has its receipt, or the time is over; returns how many have none.
fn wait(client: &Client, at_most: Duration) -> anyhow::Result<u64> {
    let deadline = Instant::now() + at_most;
    let mut progress = ui::Progress::new();
    loop {
        let asked = Instant::now();
        let left = u64::try_from(deadline.saturating_duration_since(asked).as_millis()).unwrap_or(MAX_WAIT_MS);
        let OutboxState { pending, waiting, .. } = client.outbox(left.min(1_000))?;
        if pending == 0 || Instant::now() >= deadline {
            progress.clear();
            for (recipient, why) in waiting.iter().filter(|_| pending > 0) {
                ui::say(&format!("{recipient}: {why}"));
            }
            return Ok(pending);
        }
        progress.show(|| format!("{} without receipt", ui::count(pending)));
        // A node that answers early is not asked in a tight loop.
        std::thread::sleep(Duration::from_millis(50).saturating_sub(asked.elapsed()));
    }
}

fn waits(count: u64) -> String {
    format!("{} {}", some(count, "refused record"), if count == 1 { "waits" } else { "wait" })
}

fn interrupted(report: &Report) -> String {
    format!(
        "submission {} stopped after {}\nhint: the same file with `--submission {}` goes on; nothing is sent twice",
        report.submission,
        some(report.accepted + report.refused, "record"),
        report.submission,
    )
}

fn print(report: &Report) -> anyhow::Result<()> {
    let mut table = ui::Table::plain();
    table.row(["submission", &report.submission]);
    table.row(["accepted", &ui::count(report.accepted)]);
    let (mapping, node) = (ui::count(report.refused_by_mapping), ui::count(report.refused_by_node));
    let by = if report.refused == 0 { String::new() } else { format!(" ({mapping} by reading, {node} by the node)") };
    table.row(["refused", &format!("{}{by}", ui::count(report.refused))]);
    table.row(["dispatches", &ui::count(report.dispatches)]);
    match report.pending {
        None => {}
        Some(0) => table.row(["receipts", "all there"]),
        Some(pending) => table.row(["receipts", &format!("{} still missing", ui::count(pending))]),
    }
    report.notes.rows(&mut table);
    table.print()?;
    if report.waiting > 0 {
        ui::say(&format!("hint: {} for repair (`luxor repair list`)", waits(report.waiting)));
    }
    if report.not_kept > 0 {
        let lost = some(report.not_kept, "refused record");
        ui::say(&format!("hint: the repair queue is full: {lost} not kept; submit them again"));
    }
    if report.notes.is_worth_a_look() {
        ui::say(
            "hint: a recipient gets what is submitted after its card names it (`luxor card renew` there); until then submit the record \
             once more, in what it reads",
        );
    }
    Ok(())
}
