//! Own records that a recipient's verdict rejects: each waits for repair from the receipt on.

use std::collections::BTreeMap;

use luxor_protocol::api::{ChunkResult, RecordResult};
use luxor_protocol::exchange::{Channel, DispatchHeader, Outcome};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::MAX_REPAIRS;
use luxor_protocol::time::Millis;

use super::super::{DriverError, Shared};
use crate::store::{Attempt, RepairKey, RepairRow, SentRow, Store, StoreError, SubmissionRow, Under, Write};

/// The rows of what a verdict on a dispatch rejects. A dispatch that is refused as a whole, or passes on what others issued, leaves none: there
/// is nothing in its records to be repaired here.
pub(in crate::driver) fn rejected(
    shared: &Shared,
    channel: &Channel,
    number: u64,
    sent: &SentRow,
    header: &DispatchHeader,
    outcome: &Outcome,
    now: Millis,
) -> Result<Vec<Write>, DriverError> {
    let Outcome::Taken(rejections) = outcome else { return Ok(Vec::new()) };
    if rejections.is_empty() || header.source.is_some() {
        return Ok(Vec::new());
    }
    let store = &shared.store;
    let Some(batch) = store.batch_of(sent.entry)? else { return Ok(Vec::new()) };
    let roots: BTreeMap<usize, Digest> = store.look_at(Under::Records, batch, |item| item.root)?.into_iter().collect();
    let mut first = FirstAttempts::default();
    let (mut writes, table) = (Vec::new(), header.batch.header.table);
    for rejection in rejections {
        // What is erased here waits for nothing.
        let Some(root) = roots.get(&rejection.record).copied() else { continue };
        let attempt = first.of(store, batch, rejection.record, channel, number, &root)?;
        let key = RepairKey { settled: false, attempt, dispatch: Some((channel.clone(), number)) };
        // A recipient that lost its disk gives its verdict a second time.
        if store.repair(&key)?.is_some() || store.repair(&RepairKey { settled: true, ..key.clone() })?.is_some() {
            continue;
        }
        if store.repairs_counted().0 + writes.len() as u64 >= MAX_REPAIRS {
            store.repair_not_kept();
            continue;
        }
        let row = RepairRow {
            type_name: table.name.to_owned(),
            version: table.version,
            fault: rejection.fault,
            pointer: rejection.pointer.clone(),
            what: format!("{} rejects it: {}", channel.recipient, rejection.fault),
            since: now,
            at: now,
            attempts: 1,
            root: Some(root),
            content: None,
            settled: None,
        };
        let row = store.seal_repair(&key, &row)?;
        writes.push(Write::Repair { key, row, instead_of: None });
    }
    Ok(writes)
}

/// First attempts of records of one batch. The answer that tells them is read once.
#[derive(Default)]
struct FirstAttempts {
    answer: Option<(String, u64, ChunkResult)>,
    /// Nobody says by which submission the batch came.
    unknown: bool,
}

impl FirstAttempts {
    fn of(
        &mut self,
        store: &Store,
        batch: u64,
        place: usize,
        channel: &Channel,
        number: u64,
        root: &Digest,
    ) -> Result<Attempt, StoreError> {
        if self.answer.is_none() && !self.unknown {
            self.answer = answer_about(store, batch, channel, number, root)?;
            self.unknown = self.answer.is_none();
        }
        let hex = root.hex();
        let found = self.answer.as_ref().and_then(|(submission, chunk, answer)| {
            let position = answer.records.iter().position(|record| roots(record).any(|root| *root == hex))?;
            Some(Attempt { submission: submission.clone(), chunk: *chunk, position: position as u64 })
        });
        Ok(found.unwrap_or_else(|| Attempt { submission: String::new(), chunk: batch, position: place as u64 }))
    }
}

/// The answer to the chunk by which the record of this root came.
fn answer_about(
    store: &Store,
    batch: u64,
    channel: &Channel,
    number: u64,
    root: &Digest,
) -> Result<Option<(String, u64, ChunkResult)>, StoreError> {
    let mut submitted = store.submitted(batch, channel, number)?;
    if submitted.is_none() {
        // It went to another node of its recipient: the dispatch before says it.
        'batches: for (batch, _) in store.own_places(root)? {
            for delivery in store.deliveries(batch)? {
                submitted = store.submitted(batch, &delivery.header.channel, delivery.header.number)?;
                if submitted.is_some() {
                    break 'batches;
                }
            }
        }
    }
    let Some((submission, chunk)) = submitted else { return Ok(None) };
    let answer = answer(store, &submission, chunk)?;
    Ok(answer.map(|answer| (submission, chunk, answer)))
}

/// The answer to a chunk, while it is kept.
pub(super) fn answer(store: &Store, submission: &str, chunk: u64) -> Result<Option<ChunkResult>, StoreError> {
    store.submission(submission, chunk)?.map(|row| told(&row, submission, chunk)).transpose()
}

/// What a stored answer to a chunk says.
pub(super) fn told(row: &SubmissionRow, submission: &str, chunk: u64) -> Result<ChunkResult, StoreError> {
    let damaged = |e: serde_json::Error| StoreError::Damaged {
        what: format!("the answer to chunk {chunk} of submission {submission}"),
        error: e.to_string(),
    };
    serde_json::from_slice(&row.result).map_err(damaged)
}

/// Roots of the forms of a record, hexadecimal.
pub(super) fn roots(record: &RecordResult) -> impl Iterator<Item = &String> {
    let (first, others) = match record {
        RecordResult::Accepted { root, others, .. } => (Some(root), others.as_slice()),
        RecordResult::Refused { .. } => (None, [].as_slice()),
    };
    first.into_iter().chain(others.iter().map(|other| &other.root))
}
