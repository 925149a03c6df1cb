//! A submitted chunk on a worker: checked, committed to, routed by the agreements, grouped into batches, signed; and, once
//! it has numbers, sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use luxor_protocol::api::{ChunkResult, RecordResult};
use luxor_protocol::cbor::{Encode, Writer};
use luxor_protocol::document::FlowMatch;
use luxor_protocol::exchange::{
    Channel, Dispatch, DispatchHeader, EntryKind, Opening, Request, SentBody, Skeleton, pack,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_BATCH_RECORDS, MAX_DISPATCH_OPENED_BYTES};
use luxor_protocol::record::{Batch, BatchHeader, Content, ContentError, Fault, SealedRecord, TypeTable, batch_root};
use luxor_protocol::time::{Day, Millis};
use zeroize::Zeroizing;

use super::{DriverError, Shared, Submission};
use crate::engine::{Delivery, PreparedBatch, PreparedChunk, SealedChunk, SealedDispatch, Token};
use crate::entropy::{fill, random};
use crate::store::{IndexedRecord, SubmissionRow, Write, references};

/// Bytes of a record's id.
const ID_BYTES: usize = 16;
/// Bytes of a record's seed.
const SEED_BYTES: usize = 32;
/// Bytes that a record as stored has at most beside its content: header, seed, lengths.
const STORED_MORE: usize = 192;

/// Flows in force for one type, read once per chunk.
type Flows = Vec<FlowMatch>;

/// Records of one type that go to the same recipients under the same rows.
struct Group {
    table: &'static TypeTable,
    rows: Vec<usize>,
    records: Vec<SealedRecord>,
    indexed: Vec<IndexedRecord>,
    stored: Writer,
    bytes: usize,
}

/// Checks, commits to, routes and signs.
pub(super) fn prepare(shared: &Shared, submission: Submission, now: Millis) -> Result<PreparedChunk, DriverError> {
    let Submission { lane, name, chunk, digest, records } = submission;
    let issuer = shared.me.member();
    let room = records.iter().flatten().map(|content| content.encoded_bytes() + STORED_MORE).sum();
    let mut flows: BTreeMap<&'static str, Flows> = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let count = records.len();
    let mut results = Vec::with_capacity(count);
    // One record at a time as it is stored.
    let mut stored = Writer::new();
    // Id and seed of each record, drawn at once.
    let mut random = Zeroizing::new(vec![0u8; records.len() * (ID_BYTES + SEED_BYTES)]);
    fill(&mut random)?;
    for (record, random) in records.into_iter().zip(random.chunks_exact(ID_BYTES + SEED_BYTES)) {
        let checked = record.and_then(|content| content.check_complete().map(|()| content));
        let routed = checked.and_then(|content| {
            let table = content.table();
            let flows = flows.entry(table.name).or_insert_with(|| flows_of(shared, table, now.day()));
            let rows = route(flows, &content)?;
            Ok((content, rows))
        });
        let (content, rows) = match routed {
            Ok(routed) => routed,
            Err(error) => {
                let ContentError { fault, pointer, what } = error;
                results.push(RecordResult::Refused { fault, pointer, reason: what });
                continue;
            }
        };
        let references = references(|group, field| content.field(group, field));
        let (mut id, mut seed) = ([0; ID_BYTES], Zeroizing::new([0; SEED_BYTES]));
        id.copy_from_slice(&random[..ID_BYTES]);
        seed.copy_from_slice(&random[ID_BYTES..]);
        let record = SealedRecord::new(issuer.clone(), content, None, id, seed);
        stored.clear();
        record.encode_stored(&mut stored);
        results.push(RecordResult::Accepted { root: record.root().hex(), recipients: rows.len() });
        let (table, bytes) = (record.header().table, stored.as_bytes().len() + 1_024);
        let fits = |g: &Group| {
            g.table == table
                && g.rows == rows
                && g.records.len() < MAX_BATCH_RECORDS
                && g.bytes + bytes <= MAX_DISPATCH_OPENED_BYTES / 2
        };
        let at = match groups.iter().position(fits) {
            Some(at) => at,
            None => {
                // Nearly always all records of a chunk make one group; room that is not used is not touched either.
                let (records, indexed) = (Vec::with_capacity(count), Vec::with_capacity(count));
                let stored = Writer::with_capacity(room);
                groups.push(Group { table, rows, records, indexed, stored, bytes: 0 });
                groups.len() - 1
            }
        };
        let group = &mut groups[at];
        group.indexed.push(IndexedRecord { root: record.root(), place: group.records.len(), references });
        group.stored.bytes(stored.as_bytes());
        group.records.push(record);
        group.bytes += bytes;
    }
    let batches: Vec<PreparedBatch> = groups
        .into_iter()
        .map(|group| {
            let flows = &flows[group.table.name];
            sign(shared, group, flows, now)
        })
        .collect();
    let dispatches = batches.iter().map(|b| b.deliveries.len() as u64).sum();
    let result = serde_json::to_vec(&ChunkResult { records: results, dispatches });
    let result = result.map_err(|e| DriverError::Own(e.to_string()))?;
    Ok(PreparedChunk { lane, submission: name, chunk, digest, result, batches })
}

/// Seals and signs every dispatch of a chunk under the numbers given.
pub(super) fn seal(
    shared: &Shared,
    token: Token,
    chunk: PreparedChunk,
    numbers: Vec<(Channel, u64, u64)>,
    now: Millis,
) -> Result<SealedChunk, DriverError> {
    let lane = chunk.lane;
    let row = SubmissionRow { digest: chunk.digest, result: chunk.result };
    let submission = Write::Submission { submission: chunk.submission, chunk: chunk.chunk, row };
    let mut writes = vec![submission];
    let mut dispatches = Vec::with_capacity(numbers.len());
    let mut numbers = numbers.into_iter();
    for batch in chunk.batches {
        let entry = dispatches.len();
        let mut carried = Vec::with_capacity(batch.deliveries.len());
        for delivery in batch.deliveries {
            let numbered = numbers.next().ok_or_else(|| DriverError::Own("fewer numbers than dispatches".into()))?;
            carried.push((numbered.0.clone(), numbered.1));
            dispatches.push(seal_one(shared, &batch.batch, delivery, numbered, now)?);
        }
        let (records, stored) = (batch.records, batch.stored);
        writes.push(Write::Records { entry, records, stored, dispatches: carried });
    }
    Ok(SealedChunk { token, lane, writes, dispatches })
}

/// Roughly how many bytes a write adds to its commit.
pub(super) fn bytes_of(write: &Write) -> usize {
    match write {
        Write::Records { stored, records, .. } => stored.len() + 100 + records.len() * 150,
        Write::Sent { request, .. } => request.len() + 1_000,
        Write::Settled { proof, .. } => proof.len() + 200,
        Write::Received { payload, records, .. } => payload.as_ref().map_or(0, Vec::len) + 1_000 + records.len() * 150,
        Write::Submission { row, .. } => row.result.len() + 100,
        Write::Withdrawn { request, .. } => request.len() + 2_000,
        Write::Resent { .. } => 200,
        Write::Totals(_) | Write::Peers { .. } => 100,
    }
}

fn seal_one(
    shared: &Shared,
    batch: &Batch,
    delivery: Delivery,
    (channel, number, receipts_held_up_to): (Channel, u64, u64),
    now: Millis,
) -> Result<SealedDispatch, DriverError> {
    let own = |what: String| DriverError::Own(format!("number {number} of {channel}: {what}"));
    let network = shared.directory.network();
    let (agreement, agreement_digest) = delivery.agreement;
    let header = DispatchHeader {
        network,
        channel: channel.clone(),
        number,
        batch: batch.clone(),
        agreement,
        agreement_digest,
        purpose: delivery.purpose,
        view: delivery.view,
        retention_days: delivery.retention_days,
        sent_at: now,
        receipts_held_up_to,
    }
    .to_cbor();
    let packed = pack(&DispatchHeader::digest(&header), &delivery.content).map_err(|e| own(e.to_string()))?;
    let recipient = shared.recipients.get(&delivery.recipient).ok_or_else(|| own("no seal key".into()))?;
    let sealed = recipient.seal(&packed).map_err(|e| own(e.to_string()))?;
    let (dispatch, envelope) = Dispatch::sign_with_envelope(&network, header, sealed, &shared.sign);
    let skeleton = Skeleton {
        kind: EntryKind::Sent,
        agreement: agreement_digest,
        channel: channel.clone(),
        number,
        due: now.day().plus(delivery.retention_days),
    };
    let body = SentBody { dispatch: envelope.digest() }.to_cbor();
    let opening = Opening::new(&skeleton, body, random()?, random()?);
    let request = Arc::new(Request::of_dispatch(dispatch));
    let agreement = agreement_digest;
    Ok(SealedDispatch { channel, number, agreement, envelope, request, opening })
}

fn flows_of(shared: &Shared, table: &TypeTable, day: Day) -> Flows {
    // A member without a node gets nothing until its card is there.
    let reachable = |flow: &FlowMatch| shared.directory.node_of(&flow.to).is_some();
    shared.directory.flows_from(&shared.me.member(), table, day).into_iter().filter(reachable).collect()
}

/// Rows that give this record to somebody, by position.
fn route(flows: &Flows, content: &Content) -> Result<Vec<usize>, ContentError> {
    let destination = content.destination();
    let rows: Vec<usize> =
        flows.iter().enumerate().filter(|(_, flow)| flow.covers(destination)).map(|(at, _)| at).collect();
    if rows.is_empty() {
        let place = destination.map_or_else(|| "no destination".to_owned(), |d| format!("destination {d}"));
        let what = format!("no agreement in force gives a record with {place} to anybody");
        return Err(ContentError::new(Fault::NoRecipient, "/route/destination", what));
    }
    Ok(rows)
}

fn sign(shared: &Shared, group: Group, flows: &Flows, now: Millis) -> PreparedBatch {
    let roots: Vec<Digest> = group.records.iter().map(SealedRecord::root).collect();
    let header = BatchHeader {
        node: shared.me.clone(),
        table: group.table,
        count: roots.len(),
        root: batch_root(&roots),
        signed_at: now,
    };
    let batch = Batch::sign(header, &shared.directory.network(), &shared.sign);
    let delivery = |row: &usize| {
        let flow = &flows[*row];
        // flows_of left only members with a node.
        let recipient = shared.directory.node_of(&flow.to)?.node.clone();
        let mut writer = Writer::with_capacity(group.bytes);
        writer.array(group.records.len());
        group.records.iter().for_each(|record| record.encode_view(flow.groups, &mut writer));
        Some(Delivery {
            recipient,
            agreement: (flow.agreement.clone(), flow.digest),
            purpose: flow.purpose,
            view: flow.groups,
            retention_days: flow.retention_days,
            content: writer.into_bytes(),
        })
    };
    let deliveries = group.rows.iter().filter_map(delivery).collect();
    PreparedBatch { batch, records: group.indexed, stored: group.stored.into_array(roots.len()), deliveries }
}
