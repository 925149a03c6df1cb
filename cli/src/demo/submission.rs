//! Records to the platform's node, chunk by chunk, with an account of every row.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use luxor_protocol::api::RecordResult;
use luxor_protocol::cbor::Encode as _;
use luxor_protocol::exchange::Lane;
use luxor_protocol::record::{Content, Fault};

use crate::chunks::{Chunk, Chunker, Place};
use crate::client::Client;
use crate::ui::{Progress, count};

/// Refused rows that are told in full.
const FIRST: usize = 5;
/// Reasons told apart; a file with more has a problem that more reasons do not make clearer.
const MAX_REASONS: usize = 50;

/// What became of the input.
#[derive(Default)]
pub(super) struct Submitted {
    /// Input rows read.
    pub(super) rows: u64,
    /// Rows that are in no record that the node took.
    pub(super) rows_refused: u64,
    /// Rows in records that the node took.
    pub(super) rows_taken: u64,
    /// Records that the node took.
    pub(super) records: u64,
    /// Refused rows by reason.
    pub(super) reasons: BTreeMap<String, u64>,
    /// The first of them, in words.
    pub(super) first_refused: Vec<String>,
}

/// A submission in progress.
pub(super) struct Submission<'c> {
    client: &'c Client,
    id: &'static str,
    chunker: Chunker,
    done: Submitted,
    progress: Progress,
}

impl<'c> Submission<'c> {
    /// Begins the submission `id`.
    pub(super) fn new(client: &'c Client, id: &'static str) -> Self {
        let (done, progress) = (Submitted::default(), Progress::new());
        Self { client, id, chunker: Chunker::default(), done, progress }
    }

    /// Adds a record of the input.
    pub(super) fn record(&mut self, place: Place, content: &Content) -> Result<()> {
        self.done.rows += place.rows;
        match self.chunker.push(&content.to_cbor(), place) {
            Some(full) => self.put(full),
            None => Ok(()),
        }
    }

    /// Counts rows of the input that make no record.
    pub(super) fn refuse(&mut self, place: Place, fault: Fault, pointer: &str, why: &str) {
        self.done.rows += place.rows;
        self.done.refuse(place, fault, pointer, why);
    }

    /// Submits what is left.
    pub(super) fn finish(mut self) -> Result<Submitted> {
        if let Some(last) = self.chunker.take() {
            self.put(last)?;
        }
        self.progress.clear();
        Ok(self.done)
    }

    fn put(&mut self, chunk: Chunk) -> Result<()> {
        let answer = self.client.put_encoded(self.id, chunk.number, Lane::Ordinary, &chunk.bytes)?;
        if answer.records.len() != chunk.places.len() {
            bail!("{} records submitted, the node answered for {}", chunk.places.len(), answer.records.len());
        }
        for (place, result) in chunk.places.into_iter().zip(answer.records) {
            match result {
                RecordResult::Accepted { .. } => {
                    self.done.records += 1;
                    self.done.rows_taken += place.rows;
                }
                RecordResult::Refused { fault, pointer, reason, .. } => {
                    self.done.refuse(place, fault, &pointer, &reason);
                }
            }
        }
        let (records, refused) = (self.done.records, self.done.rows_refused);
        self.progress.show(|| format!("submitted {} records, {} rows refused", count(records), count(refused)));
        Ok(())
    }
}

impl Submitted {
    fn refuse(&mut self, place: Place, fault: Fault, pointer: &str, why: &str) {
        self.rows_refused += place.rows;
        if self.first_refused.len() < FIRST {
            let why = why.lines().next().unwrap_or_default();
            // Some reasons begin with their place, some leave it to the pointer.
            let told = pointer.is_empty() || why.starts_with(pointer);
            let pointer = if told { String::new() } else { format!("{pointer}: ") };
            self.first_refused.push(format!("line {}: {pointer}{why}", place.line));
        }
        let reason = reason(fault, pointer);
        let reason = match self.reasons.len() < MAX_REASONS || self.reasons.contains_key(&reason) {
            true => reason,
            false => "other".to_owned(),
        };
        *self.reasons.entry(reason).or_default() += place.rows;
    }
}

/// The class of a refusal: its fault and place without the numbers of goods items, so that one cause is one class.
fn reason(fault: Fault, pointer: &str) -> String {
    let part = |part: &str| match part.bytes().all(|c| c.is_ascii_digit()) && !part.is_empty() {
        true => "*".to_owned(),
        false => part.to_owned(),
    };
    match pointer.split('/').map(part).collect::<Vec<_>>().join("/").as_str() {
        "" => fault.to_string(),
        place => format!("{fault} at {place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_add_up_and_reasons_are_classes() {
        let mut done = Submitted { rows: 4, rows_taken: 1, ..Submitted::default() };
        done.refuse(Place { line: 2, rows: 1 }, Fault::Value, "/goods/2/value/amount", "'x' is not a decimal");
        done.refuse(
            Place { line: 3, rows: 2 },
            Fault::Value,
            "/goods/7/value/amount",
            "/goods/7/value/amount: 'y' is not a decimal\nhint: correct it",
        );
        assert_eq!(done.rows, done.rows_refused + done.rows_taken);
        assert_eq!(done.reasons, BTreeMap::from([("value at /goods/*/value/amount".to_owned(), 3)]));
        assert_eq!(done.first_refused[1], "line 3: /goods/7/value/amount: 'y' is not a decimal");
        assert_eq!(reason(Fault::NoRecipient, ""), "no_recipient");
    }
}
