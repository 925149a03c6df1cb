//! A submitted chunk on a worker: checked, committed to, routed by the agreements, grouped into batches, signed; and, once
//! it has numbers, sealed.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use luxor_protocol::api::{ChunkResult, MAX_FINDINGS_TOLD, OtherForm, RecordResult};
use luxor_protocol::cbor::{Encode, Writer};
use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::{Channel, Dispatch, DispatchHeader, EntryKind, Request, SentBody, Skeleton, pack};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_BATCH_RECORDS, MAX_DISPATCH_OPENED_BYTES};
use luxor_protocol::quality::{Finding, Handed};
use luxor_protocol::record::{Batch, BatchHeader, ContentError, Fault, RecordId, SealedRecord, Seed, batch_root};
use luxor_protocol::time::Millis;
use zeroize::Zeroizing;

use super::known::Known;
use super::quality::{self, Judges};
use super::repair::{self, Waiting};
use super::route::{Cut, Routed, Ways};
use super::{DriverError, Shared, Submission, desk, trust};
use crate::engine::{Delivery, Kept, PreparedBatch, PreparedChunk, SealedChunk, SealedDispatch, Token};
use crate::entropy::{fill, opening, random};
use crate::store::{NamedRecord, Store, SubmissionRow, Under, Write, passed_on_row, seal_of};

/// Bytes of a record's id.
const ID_BYTES: usize = 16;
/// Bytes of a record's seed.
const SEED_BYTES: usize = 32;
/// Bytes that a record as stored has at most beside its content: header, seed, lengths.
const STORED_MORE: usize = 192;

/// Name and version of a type.
type TypeKey = (&'static str, u64);

/// Records of one type that go to the same recipients under the same rows.
struct Group {
    /// The type in which they were submitted.
    of: TypeKey,
    cut: Cut,
    records: Vec<SealedRecord>,
    indexed: Vec<NamedRecord>,
    stored: Writer,
    bytes: usize,
}

/// Checks, commits to, routes and signs. What is not `filed`, since it is only asked what would become of it, is not remembered either.
pub(super) fn prepare(
    shared: &Shared,
    submission: Submission,
    now: Millis,
    filed: bool,
) -> Result<PreparedChunk, DriverError> {
    let Submission { lane, name, chunk, digest, records, mut faults, repairing } = submission;
    let mut waiting = Waiting::new(&shared.store, &name, chunk, now, repairing);
    let issuer = shared.me.member();
    // One snapshot for the whole chunk: its records go by the same rows to the same nodes.
    let directory = shared.directory();
    let connected = shared.net.connected();
    let is_up = |node: &KnownNode| connected.contains(&shared.net.way_to(node));
    let room = records.iter().flatten().map(|content| content.encoded_bytes() + STORED_MORE).sum();
    let mut ways: BTreeMap<TypeKey, Ways<'_>> = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let count = records.len();
    let mut results = Vec::with_capacity(count);
    let mut judges = Judges::new(&shared.rules, now.day());
    // One record at a time as it is stored.
    let mut stored = Writer::new();
    // Id and seed of each record, drawn at once.
    let mut random = Zeroizing::new(vec![0u8; records.len() * (ID_BYTES + SEED_BYTES)]);
    fill(&mut random)?;
    // The same record of the same chunk, handed in once more after a lost answer, is no repetition.
    let handed = |attempt: (&str, u64, u64)| {
        let mut hasher = DefaultHasher::new();
        attempt.hash(&mut hasher);
        Handed { by: hasher.finish(), filed }
    };
    let of_each = random.chunks_exact(ID_BYTES + SEED_BYTES);
    for (at, (record, random)) in records.into_iter().zip(of_each).enumerate() {
        let content = match record {
            Ok(content) => content,
            Err(error) => {
                results.push(repair::unreadable(error));
                continue;
            }
        };
        let fault = faults.remove(&at).map_or(Ok(()), Err);
        let routed = fault.and_then(|()| content.check_complete()).and_then(|()| {
            trust::own(&directory, &issuer, &content, now)?;
            desk::own(&directory, &issuer, &content)?;
            let table = content.table();
            let of = (table.name, table.version);
            let ways = ways.entry(of).or_insert_with(|| Ways::new(&directory, &issuer, table, now.day(), &is_up));
            let routed = ways.of(&content)?;
            Ok((of, routed))
        });
        let (of, Routed { cuts, left_out, left_out_more }) = match routed {
            Ok(routed) => routed,
            Err(error) => {
                results.push(waiting.refused(at, &content, error, Vec::new())?);
                continue;
            }
        };
        let findings = match quality::own(shared, &mut judges, &content, handed(waiting.attempt(at))) {
            Ok(findings) => first(findings),
            Err(findings) => {
                results.push(waiting.refused(at, &content, refused(&findings), first(findings))?);
                continue;
            }
        };
        let names = content.names();
        let mut forms: Vec<OtherForm> = Vec::with_capacity(cuts.len());
        // For the last form, mostly the only one, nothing is copied.
        let sources = std::iter::repeat_n((content, names), cuts.len());
        for ((nth, cut), (content, names)) in cuts.into_iter().enumerate().zip(sources) {
            // Each form is a record of its own: nothing ties them but their content.
            let (id, seed) = if nth == 0 { split(random) } else { (self::random()?, Zeroizing::new(self::random()?)) };
            let (content, lost) = match cut.table == content.table() {
                true => (content, Vec::new()),
                false => content.to_version(cut.table),
            };
            let attachments = content.attachments();
            let supersedes = waiting.supersedes(at, cut.ways.iter().map(|way| ways[&of].way(*way)));
            let record = SealedRecord::new(issuer.clone(), content, supersedes, id, seed);
            stored.clear();
            record.encode_stored(&mut stored);
            waiting.sent(record.root());
            forms.push(OtherForm {
                root: record.root().hex(),
                recipients: cut.ways.len(),
                version: cut.table.version,
                lost: lost.into_iter().map(str::to_owned).collect(),
            });
            let bytes = stored.as_bytes().len() + 1_024;
            let fits = |g: &Group| {
                g.of == of
                    && g.cut == cut
                    && g.records.len() < MAX_BATCH_RECORDS
                    && g.bytes + bytes <= MAX_DISPATCH_OPENED_BYTES / 2
            };
            let at = match groups.iter().position(fits) {
                Some(at) => at,
                None => {
                    // Nearly always all records of a chunk make one group; room that is not used is not touched either.
                    let (records, indexed) = (Vec::with_capacity(count), Vec::with_capacity(count));
                    let stored = Writer::with_capacity(room);
                    groups.push(Group { of, cut, records, indexed, stored, bytes: 0 });
                    groups.len() - 1
                }
            };
            let group = &mut groups[at];
            let place = group.records.len();
            group.indexed.push(NamedRecord { root: record.root(), place, names, attachments });
            group.stored.bytes(stored.as_bytes());
            group.records.push(record);
            group.bytes += bytes;
        }
        waiting.resent(at)?;
        // There is at least one: a record that goes nowhere is refused.
        let OtherForm { root, recipients, lost, .. } = forms.remove(0);
        results.push(RecordResult::Accepted {
            root,
            recipients,
            lost,
            others: forms,
            left_out,
            left_out_more,
            findings,
        });
    }
    let signed = groups.into_iter().map(|group| {
        let ways = &ways[&group.of];
        sign(shared, &directory, group, ways, now)
    });
    let batches: Vec<PreparedBatch> = signed.collect();
    let dispatches = batches.iter().map(|b| b.deliveries.len() as u64).sum();
    let result = serde_json::to_vec(&ChunkResult { records: results, dispatches });
    let result = result.map_err(|e| DriverError::Own(e.to_string()))?;
    let repairs = waiting.writes();
    Ok(PreparedChunk { lane, submission: Some(name), chunk, digest, result, repairs, batches })
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
    let (name, chunk_number) = (chunk.submission.clone(), chunk.chunk);
    let named = match chunk.submission {
        Some(submission) => {
            let row = shared.store.seal_answer(&submission, chunk.chunk, &row, now.day())?;
            Some(Write::Submission { submission, chunk: chunk.chunk, row })
        }
        None => None,
    };
    let mut writes: Vec<Write> = named.into_iter().chain(chunk.repairs).collect();
    let known = shared.known();
    let mut dispatches = Vec::with_capacity(numbers.len());
    let mut numbers = numbers.into_iter();
    for batch in chunk.batches {
        let entry = dispatches.len();
        let mut carried = Vec::with_capacity(batch.deliveries.len());
        // Records are needed, and what names those passed on, until the last recipient must have erased them.
        let kept = batch.deliveries.iter().map(|delivery| delivery.retention_days).max().unwrap_or(0);
        for delivery in batch.deliveries {
            let numbered = numbers.next().ok_or_else(|| DriverError::Own("fewer numbers than dispatches".into()))?;
            carried.push((numbered.0.clone(), numbered.1));
            dispatches.push(seal_one(shared, &known, &batch.batch, delivery, numbered, now)?);
        }
        let Some((channel, number)) = carried.first() else { continue };
        writes.push(match batch.kept {
            Kept::Own { records, stored, again } => {
                let key = shared.store.own_key(now.day().plus(kept))?;
                let stored = seal_of(Under::Records, &key, channel, *number, &stored)?;
                let records = records.iter().map(|record| record.indexed(&key)).collect();
                let submitted = match &name {
                    Some(name) => carried
                        .iter()
                        .map(|(channel, number)| Store::seal_submitted(&key, channel, *number, name, chunk_number))
                        .collect::<Result<_, _>>()?,
                    None => Vec::new(),
                };
                Write::Records { entry, records, stored, dispatches: carried, submitted, again }
            }
            Kept::PassedOn(records) => {
                let key = shared.store.own_key(now.day().plus(kept))?;
                let stored = seal_of(Under::PassedOn, &key, channel, *number, &passed_on_row(&records))?;
                let indexed = records.iter().enumerate().map(|(place, record)| record.indexed(place, &key));
                Write::PassedOn { entry, records: indexed.collect(), stored }
            }
        });
    }
    Ok(SealedChunk { token, lane, writes, dispatches })
}

fn seal_one(
    shared: &Shared,
    known: &Known,
    batch: &Batch,
    delivery: Delivery,
    (channel, number, receipts_held_up_to): (Channel, u64, u64),
    now: Millis,
) -> Result<SealedDispatch, DriverError> {
    let own = |what: String| DriverError::Own(format!("number {number} of {channel}: {what}"));
    let network = known.directory.network();
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
        source: delivery.source,
        sent_at: now,
        receipts_held_up_to,
    }
    .to_cbor();
    let packed = pack(&DispatchHeader::digest(&header), &delivery.content).map_err(|e| own(e.to_string()))?;
    let recipient = known.recipients.get(&delivery.recipient).ok_or_else(|| own("no seal key".into()))?;
    let sealed = recipient.seal(&packed).map_err(|e| own(e.to_string()))?;
    let (dispatch, envelope) = Dispatch::sign_with_envelope(&network, header, sealed, &shared.secrets().sign);
    let skeleton = Skeleton {
        kind: EntryKind::Sent,
        agreement: agreement_digest,
        channel: channel.clone(),
        number,
        due: now.day().plus(delivery.retention_days),
    };
    let body = SentBody { dispatch: envelope.digest() }.to_cbor();
    let opening = opening(&skeleton, body)?;
    let request = Arc::new(Request::of_dispatch(dispatch));
    let agreement = agreement_digest;
    Ok(SealedDispatch { channel, number, agreement, envelope, request, opening })
}

/// The findings that an answer tells.
fn first(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.truncate(MAX_FINDINGS_TOLD);
    findings
}

/// The fault of a record that rules of quality refuse, by its first error.
fn refused(findings: &[Finding]) -> ContentError {
    let error = quality::first_error(findings);
    let (pointer, reason) = error.map(|error| (quality::place(error), error.what.clone())).unwrap_or_default();
    ContentError::new(Fault::Quality, pointer, reason)
}

/// Id and seed from fresh random bytes.
fn split(random: &[u8]) -> (RecordId, Seed) {
    let (mut id, mut seed) = ([0; ID_BYTES], Zeroizing::new([0; SEED_BYTES]));
    id.copy_from_slice(&random[..ID_BYTES]);
    seed.copy_from_slice(&random[ID_BYTES..]);
    (id, seed)
}

fn sign(shared: &Shared, directory: &Directory, group: Group, ways: &Ways<'_>, now: Millis) -> PreparedBatch {
    let roots: Vec<Digest> = group.records.iter().map(SealedRecord::root).collect();
    let header = BatchHeader {
        node: shared.me.clone(),
        table: group.cut.table,
        count: roots.len(),
        root: batch_root(&roots),
        signed_at: now,
    };
    let batch = Batch::sign(header, &directory.network(), &shared.secrets().sign);
    let delivery = |at: &usize| {
        let way = ways.way(*at);
        let (rule, groups) = (way.grant.rule, way.grant.groups);
        let mut writer = Writer::with_capacity(group.bytes);
        writer.array(group.records.len());
        group.records.iter().for_each(|record| record.encode_view(groups, &mut writer));
        Delivery {
            recipient: way.node.clone(),
            agreement: (rule.agreement.clone(), rule.digest),
            purpose: rule.flow.purpose,
            view: groups,
            retention_days: rule.flow.retention_days,
            source: None,
            content: writer.into_bytes(),
        }
    };
    let deliveries = group.cut.ways.iter().map(delivery).collect();
    let stored = group.stored.into_array(roots.len());
    let kept = Kept::Own { records: group.indexed, stored, again: false };
    PreparedBatch { batch, kept, deliveries }
}
