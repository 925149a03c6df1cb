//! Records given to a node: in chunks, as `luxor submit` gives it those of a file, and what became of each.
//!
//! A submission's name comes from what is submitted, so that the same again after a lost answer sends nothing twice.

use anyhow::Context as _;
use luxor_protocol::api::{LeftOut, RecordResult, Waits};
use luxor_protocol::cbor::Encode as _;
use luxor_protocol::exchange::Lane;
use luxor_protocol::hash::{Digest, Domain, hex};
use luxor_protocol::record::Content;
use serde::Serialize;

use crate::chunks::{Chunk, Chunker, Place};
use crate::client::{Client, ClientError};
use crate::cmd::some;
use crate::exit::{Exit, RefusedError};
use crate::ui;

/// Part of every such submission's name; another way to cut chunks, or to make records, gets another.
const NAMED: &[u8] = b"attest 1";

/// What a node says of one record.
#[derive(Debug, Serialize)]
pub(super) struct Sent {
    /// The record's own reference.
    reference: String,
    /// The submission that it came in.
    submission: String,
    lane: Lane,
    answer: RecordResult,
}

/// A submission on its way.
pub(super) struct Sending<'c> {
    client: &'c Client,
    /// Its name.
    pub(super) name: String,
    lane: Lane,
    chunker: Chunker,
}

/// The name that content gives to its submission.
pub(super) fn name_of(parts: &[&[u8]]) -> String {
    let parts: Vec<&[u8]> = std::iter::once(NAMED).chain(parts.iter().copied()).collect();
    hex(&Digest::of(Domain::Chunk, &parts).0[..16])
}

/// The name of a submission of this record alone.
pub(super) fn name_of_record(record: &Content) -> String {
    name_of(&[&record.to_cbor()])
}

/// Opens a node and sees that it is ready, before anything is done that cannot be undone.
pub(super) fn reach(node: Option<&String>) -> anyhow::Result<Option<(Client, &str)>> {
    let Some(node) = node else { return Ok(None) };
    let ready = Client::open(node).and_then(|client| client.health().map(|()| client));
    let client = ready.context("nothing was done\nhint: without --node it is done here; the node can get it later")?;
    Ok(Some((client, node)))
}

impl<'c> Sending<'c> {
    /// Begins one; nothing is asked of the node yet.
    pub(super) fn new(client: &'c Client, name: String, lane: Lane) -> Self {
        Self { client, name, lane, chunker: Chunker::default() }
    }

    /// Adds the record of line `line`; gives the answers to those before it once they fill a chunk, each with its line.
    pub(super) fn push(&mut self, record: &Content, line: u64) -> anyhow::Result<Vec<(u64, RecordResult)>> {
        let full = self.chunker.push(&record.to_cbor(), Place { line, rows: 1 });
        full.map_or_else(|| Ok(Vec::new()), |chunk| self.put(&chunk))
    }

    /// The answers to what is left.
    pub(super) fn finish(mut self) -> anyhow::Result<Vec<(u64, RecordResult)>> {
        self.chunker.take().map_or_else(|| Ok(Vec::new()), |chunk| self.put(&chunk))
    }

    fn put(&self, chunk: &Chunk) -> anyhow::Result<Vec<(u64, RecordResult)>> {
        let result = self.client.put_encoded(&self.name, chunk.number, self.lane, &chunk.bytes)?;
        let (answers, records) = (result.records.len(), chunk.places.len());
        if answers != records {
            let what = format!("{answers} answers for {}", some(records as u64, "record"));
            return Err(ClientError::answer("/v1/submissions", what).into());
        }
        Ok(chunk.places.iter().map(|place| place.line).zip(result.records).collect())
    }
}

/// Gives a node one record.
pub(super) fn one(client: &Client, record: &Content, lane: Lane) -> anyhow::Result<Sent> {
    let mut sending = Sending::new(client, name_of_record(record), lane);
    let submission = sending.name.clone();
    sending.push(record, 1)?;
    let answer = sending.finish()?.pop().map(|(_, answer)| answer);
    let answer = answer.ok_or_else(|| RefusedError("the node gave no answer for the record".into()))?;
    let reference = match record.field("reference", "own_reference") {
        Some(luxor_protocol::record::Value::Text(reference)) => reference,
        _ => String::new(),
    };
    Ok(Sent { reference, submission, lane, answer })
}

impl Sent {
    /// What became of it, on stderr. `node` is how the caller named the node; `otherwise` says how to go on after a refusal.
    pub(super) fn tell(&self, node: &str, otherwise: &str) -> Exit {
        let reference = &self.reference;
        match &self.answer {
            RecordResult::Accepted { recipients, left_out, left_out_more, lost, findings, .. } => {
                let to = some(*recipients as u64, "recipient");
                ui::say(&format!("record {reference}: accepted by the node, {to}, {} lane", self.lane));
                for LeftOut { to, reason } in left_out {
                    ui::say(&format!("not sent to {to}: {reason}"));
                }
                if *left_out_more > 0 {
                    ui::say(&format!("not sent to others: {}", ui::count(*left_out_more as u64)));
                }
                if !lost.is_empty() {
                    ui::say(&format!("recipients of an older version get it without {}", lost.join(", ")));
                }
                for finding in findings {
                    ui::say(&format!("{} {}: {}: {}", finding.severity, finding.rule, finding.pointer, finding.what));
                }
                let look = !left_out.is_empty() || *left_out_more > 0;
                if look { Exit::Findings } else { Exit::Ok }
            }
            RecordResult::Refused { pointer, reason, waits, .. } => {
                let told = pointer.is_empty() || reason.starts_with(pointer.as_str());
                let place = if told { String::new() } else { format!("{pointer}: ") };
                ui::say(&format!("record {reference}: REFUSED by the node, nobody gets it: {place}{reason}"));
                ui::say(&format!("hint: {otherwise}"));
                if *waits == Waits::Waits {
                    let fix = format!("luxor repair drop --node {node} --submission {}", self.submission);
                    ui::say(&format!("hint: the refused record waits in the node's repair queue; `{fix}` removes it"));
                }
                Exit::Findings
            }
        }
    }
}
