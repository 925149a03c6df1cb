//! Records of others passed on: what is wanted is found among what came, decided by the agreements of today, cut, proven, and goes
//! out by the ordinary outbox under a batch of this node.
//!
//! What was passed on already is told by the index, so the same wish again changes nothing. One wish is worked on at a time.
//!
//! Not here: what an agreement lets pass on ([`luxor_protocol::document`]), what the last recipient checks
//! ([`luxor_protocol::exchange::Source`]): every source is checked by that here too, before it goes.

use std::collections::BTreeMap;
use std::time::Duration;

use luxor_protocol::api::{OnwardOutcome, OnwardRecord, OnwardResult};
use luxor_protocol::cbor::{Decode, Encode, Writer};
use luxor_protocol::document::{Directory, OnwardAsk};
use luxor_protocol::exchange::{
    Arrival, Channel, DispatchHeader, EntryKind, Lane, Origin, Outcome, Passed, Passing, ReceiptBody, Source,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_BATCH_RECORDS, MAX_DISPATCH_OPENED_BYTES, MAX_ORIGINS};
use luxor_protocol::names::{MemberId, NodeRef, Purpose, Slug};
use luxor_protocol::record::{Batch, BatchHeader, BatchTree, GroupSet, RecordView, TypeTable, batch_root};
use luxor_protocol::time::{Day, Millis};
use tokio::sync::oneshot;

use super::logs::witnessed_proof;
use super::{Driver, DriverError, Message, Shared, SubmitError, now};
use crate::engine::{Delivery, Kept, PreparedBatch, PreparedChunk};
use crate::store::{ReceivedRow, Store, StoreError};

/// How long a receipt that no quorum covers yet is waited for, and how often it is looked for.
const WITNESS_WAIT: Duration = Duration::from_secs(10);
const WITNESS_EVERY: Duration = Duration::from_millis(100);

/// A wish to pass records on.
#[derive(Debug, Clone)]
pub struct Onward {
    /// Roots of the records, each once.
    pub roots: Vec<Digest>,
    /// Who is to get them.
    pub to: MemberId,
    /// What for.
    pub purpose: Purpose,
    /// Names of the groups; none for all that the agreement lets pass on and that were received.
    pub groups: Vec<String>,
    /// The lane.
    pub lane: Lane,
}

/// What of it belongs into one dispatch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Sort {
    issuer: MemberId,
    table: (&'static str, u64),
    agreement: (Slug, Digest),
    view: u32,
    retention_days: u64,
}

/// A record that may be passed on.
struct Chosen {
    root: Digest,
    table: &'static TypeTable,
    view: RecordView,
    entry: u64,
    place: usize,
    row: usize,
}

/// A dispatch that arrived, as far as records of it are passed on.
struct Came {
    row: ReceivedRow,
    header: DispatchHeader,
    due: Day,
    views: Vec<(usize, Digest, RecordView)>,
}

type Chosens = BTreeMap<Sort, Vec<Chosen>>;

impl Driver {
    /// Passes records on: decided, stored and on its way when this returns, an answer for each record.
    ///
    /// # Errors
    /// [`SubmitError`] when nothing was decided.
    pub async fn pass_on(&self, wish: Onward) -> Result<OnwardResult, SubmitError> {
        let _turn = self.passing.lock().await;
        let (lane, deadline) = (wish.lane, tokio::time::Instant::now() + WITNESS_WAIT);
        let (result, batches) = loop {
            let (shared, wish) = (self.shared.clone(), wish.clone());
            let prepared = self.work(lane, move || prepare(&shared, &wish, now())).await;
            let (result, batches) = match prepared.ok_or(SubmitError::Stopping)? {
                Ok(prepared) => prepared,
                Err(error) => {
                    let _ = self.mailbox.send(Message::Failed(error));
                    return Err(SubmitError::Stopping);
                }
            };
            let waits = result.records.iter().any(|record| matches!(record.outcome, OnwardOutcome::Unwitnessed { .. }));
            if !waits || tokio::time::Instant::now() >= deadline {
                break (result, batches);
            }
            tokio::time::sleep(WITNESS_EVERY).await;
        };
        if batches.is_empty() {
            return Ok(result);
        }
        let (answer, answered) = oneshot::channel();
        let chunk =
            PreparedChunk { lane, submission: None, chunk: 0, digest: Digest::ZERO, result: Vec::new(), batches };
        let message = Message::Prepared { answer, chunk: Box::new(chunk) };
        self.mailbox.send(message).map_err(|_| SubmitError::Stopping)?;
        answered.await.unwrap_or(Err(SubmitError::Stopping))?;
        Ok(result)
    }
}

fn prepare(shared: &Shared, wish: &Onward, now: Millis) -> Result<(OnwardResult, Vec<PreparedBatch>), DriverError> {
    let directory = shared.directory();
    let mut came: BTreeMap<u64, Came> = BTreeMap::new();
    let mut chosen = Chosens::new();
    let mut outcomes: BTreeMap<Digest, OnwardOutcome> = BTreeMap::new();
    let recipient = directory.node_of(&wish.to).map(|node| node.node.clone());
    for root in &wish.roots {
        let outcome = match &recipient {
            None => Err(format!("no card names a node of {}", wish.to)),
            Some(_) => choose(shared, &directory, wish, root, now.day(), &mut came, &mut chosen)?,
        };
        outcomes.insert(*root, outcome.unwrap_or_else(|reason| OnwardOutcome::Refused { reason }));
    }
    let mut batches = Vec::new();
    if let Some(recipient) = &recipient {
        for (sort, records) in chosen {
            for records in parts(records) {
                match pack(shared, &directory, wish, recipient, &sort, &records, &came, now)? {
                    Ok(batch) => batches.push(batch),
                    Err(outcome) => {
                        outcomes.extend(records.iter().map(|record| (record.root, outcome.clone())));
                    }
                }
            }
        }
    }
    let records = wish.roots.iter().filter_map(|root| {
        let outcome = outcomes.remove(root)?;
        Some(OnwardRecord { root: root.hex(), outcome })
    });
    let records = records.collect();
    Ok((OnwardResult { records, dispatches: batches.len() as u64 }, batches))
}

/// Finds a view of a record that may be passed on, or says why there is none.
fn choose(
    shared: &Shared,
    directory: &Directory,
    wish: &Onward,
    root: &Digest,
    today: Day,
    came: &mut BTreeMap<u64, Came>,
    chosen: &mut Chosens,
) -> Result<Result<OnwardOutcome, String>, StoreError> {
    let mut why = "this node did not receive it".to_owned();
    for (entry, place) in shared.store.arrivals(root)? {
        let came = match came.entry(entry) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(empty) => match read(&shared.store, entry)? {
                Some(read) => empty.insert(read),
                None => continue,
            },
        };
        let (sort, record) = match judge(directory, shared, wish, came, today, root, entry, place) {
            Ok(found) => found,
            Err(denied) => {
                why = denied;
                continue;
            }
        };
        let view = GroupSet(sort.view);
        if let Some((recipient, number)) = passed_before(&shared.store, wish, root, view)? {
            return Ok(Ok(OnwardOutcome::Already { recipient, number }));
        }
        let (agreement, row) = (sort.agreement.0.to_string(), record.row);
        let groups = view.names(record.table).into_iter().map(str::to_owned).collect();
        let outcome = OnwardOutcome::Passed { from: sort.issuer.clone(), agreement, row, groups };
        chosen.entry(sort).or_default().push(record);
        return Ok(Ok(outcome));
    }
    Ok(Err(why))
}

/// Whether one arrival of a record may be passed on as wished.
#[allow(clippy::too_many_arguments)]
fn judge(
    directory: &Directory,
    shared: &Shared,
    wish: &Onward,
    came: &Came,
    today: Day,
    root: &Digest,
    entry: u64,
    place: usize,
) -> Result<(Sort, Chosen), String> {
    let (header, me) = (&came.header, shared.me.member());
    let issuer = header.channel.sender.member();
    if let Some(first) = &header.source {
        return Err(format!(
            "it came from {first} through {issuer} under agreement {}, onward for {}; what came so is not passed on again",
            header.agreement, header.purpose
        ));
    }
    if today > came.due {
        return Err(format!("what came as number {} of {issuer} was to be erased by {}", header.number, came.due));
    }
    let Some((digest, agreement)) = directory.agreement_on(&header.agreement, today) else {
        return Err(format!("agreement {} has not begun or is not known", header.agreement));
    };
    let table = header.batch.header.table;
    let ask = OnwardAsk {
        table,
        source: &issuer,
        via: &me,
        received_for: header.purpose,
        to: &wish.to,
        purpose: wish.purpose,
        day: today,
    };
    let grants = directory.onward(agreement, &ask).map_err(|denial| denial.to_string())?;
    let wanted = match wish.groups.as_slice() {
        [] => None,
        names => {
            let set = table.set(names.iter().map(String::as_str));
            Some(set.map_err(|name| format!("{} version {} has no group '{name}'", table.name, table.version))?)
        }
    };
    let fits = |view: GroupSet| wanted.is_none_or(|wanted| wanted.within(view));
    let of = |groups: GroupSet| GroupSet(groups.0 & header.view.0);
    let Some(grant) = grants.iter().find(|grant| fits(of(grant.groups)) && of(grant.groups) != GroupSet::NONE) else {
        let most = grants.iter().fold(GroupSet::NONE, |all, grant| all.union(of(grant.groups)));
        let row = grants.first().map_or(0, |grant| grant.row);
        return Err(format!(
            "agreement {} row {row} lets {me} pass no more than {} of what came on to {} for {}",
            header.agreement,
            most.names(table).join(", "),
            wish.to,
            wish.purpose
        ));
    };
    let view = wanted.unwrap_or_else(|| of(grant.groups));
    let Some((_, _, received)) = came.views.iter().find(|(at, found, _)| *at == place && found == root) else {
        return Err("its content is no longer here".into());
    };
    let sort = Sort {
        issuer,
        table: (table.name, table.version),
        agreement: (header.agreement.clone(), *digest),
        view: view.0,
        retention_days: grant.onward.retention_days,
    };
    Ok((sort, Chosen { root: *root, table, view: received.cut(view), entry, place, row: grant.row }))
}

/// The dispatch that has this `received` entry; `None` where it was withdrawn or refused.
fn read(store: &Store, entry: u64) -> Result<Option<Came>, StoreError> {
    let damaged = |e: &dyn std::fmt::Display| StoreError::Damaged {
        what: format!("the dispatch of entry {entry}"),
        error: e.to_string(),
    };
    let Some(opening) = store.opening(entry)? else { return Err(damaged(&"its opening is not there")) };
    let skeleton = opening.read_skeleton().map_err(|e| damaged(&e))?;
    if skeleton.kind != EntryKind::Received {
        return Err(damaged(&"it is no received dispatch"));
    }
    let row = store.received(&skeleton.channel, skeleton.number)?.ok_or_else(|| damaged(&"its row is not there"))?;
    let Arrival::Dispatch(envelope) = &row.arrival else { return Ok(None) };
    let header = DispatchHeader::from_cbor(&envelope.header).map_err(|e| damaged(&e))?;
    Ok(Some(Came { header, due: skeleton.due, views: store.payload(entry)?, row }))
}

/// The dispatch by which a record went to this member for this purpose before, showing as much.
fn passed_before(
    store: &Store,
    wish: &Onward,
    root: &Digest,
    view: GroupSet,
) -> Result<Option<(NodeRef, u64)>, StoreError> {
    let stands = |outcome: &Outcome, place: usize| match outcome {
        Outcome::Taken(rejected) => rejected.iter().all(|rejection| rejection.record != place),
        Outcome::Refused(_) | Outcome::Withdrawn => false,
    };
    let before = store.passed_on(root)?.into_iter().find(|passed| {
        let header = &passed.delivery.header;
        let taken = passed.delivery.receipt.as_ref().is_none_or(|(_, body)| stands(&body.outcome, passed.place));
        header.channel.recipient.member() == wish.to
            && header.purpose == wish.purpose
            && view.within(header.view)
            && !passed.withdrawn
            && taken
    });
    Ok(before.map(|passed| (passed.delivery.header.channel.recipient, passed.delivery.header.number)))
}

/// Records that together fit one dispatch.
fn parts(records: Vec<Chosen>) -> Vec<Vec<Chosen>> {
    let mut parts: Vec<Vec<Chosen>> = Vec::new();
    let (mut bytes, mut origins) = (0, std::collections::BTreeSet::new());
    for record in records {
        let more = record.view.to_cbor().len();
        origins.insert(record.entry);
        match parts.last_mut() {
            Some(part)
                if part.len() < MAX_BATCH_RECORDS
                    && bytes + more <= MAX_DISPATCH_OPENED_BYTES / 2
                    && origins.len() <= MAX_ORIGINS =>
            {
                bytes += more;
                part.push(record);
            }
            _ => {
                (bytes, origins) = (more, [record.entry].into());
                parts.push(vec![record]);
            }
        }
    }
    parts
}

/// One dispatch of these records; or why they do not go.
#[allow(clippy::too_many_arguments)]
fn pack(
    shared: &Shared,
    directory: &Directory,
    wish: &Onward,
    recipient: &NodeRef,
    sort: &Sort,
    records: &[Chosen],
    came: &BTreeMap<u64, Came>,
    now: Millis,
) -> Result<Result<PreparedBatch, OnwardOutcome>, DriverError> {
    let refused = |reason: String| Ok(Err(OnwardOutcome::Refused { reason }));
    let Some(first) = records.first() else { return refused("nothing is left of it".into()) };
    let mut of_entry: BTreeMap<u64, Vec<(usize, &Chosen)>> = BTreeMap::new();
    for (place, record) in records.iter().enumerate() {
        of_entry.entry(record.entry).or_default().push((place, record));
    }
    let mut origins = Vec::with_capacity(of_entry.len());
    for (entry, records) in of_entry {
        let Some(came) = came.get(&entry) else { return refused("its dispatch is not here".into()) };
        let Some(mut proof) = witnessed_proof(shared, entry)? else {
            let reason = format!(
                "no quorum has cosigned this node's receipt for number {} of {} yet; ask again later",
                came.header.number, came.header.channel.sender
            );
            return Ok(Err(OnwardOutcome::Unwitnessed { reason }));
        };
        proof.extra = shared.store.opening(entry)?.map(|opening| opening.to_cbor());
        let Some(roots) = roots_of(came) else {
            return refused("the roots of its batch are no longer all here, so its place in it cannot be shown".into());
        };
        let tree = BatchTree::new(&roots);
        let passed = records.iter().filter_map(|(place, record)| {
            Some(Passed { place: *place, index: record.place, path: tree.path(record.place)? })
        });
        let passed = passed.collect();
        let Arrival::Dispatch(envelope) = came.row.arrival.clone() else { return refused("it was withdrawn".into()) };
        origins.push(Origin { envelope, receipt: proof.to_bytes(), records: passed });
    }
    let (id, digest) = &sort.agreement;
    let versions = directory.agreement_versions().get(id).map(Vec::as_slice).unwrap_or_default();
    let through = versions.iter().position(|(version, _)| version == digest).map_or(0, |at| at + 1);
    let documents = versions[..through].iter().filter_map(|(version, _)| directory.document(version));
    let source = Source { agreement: documents.map(|(_, document)| document.to_cbor()).collect(), origins };
    let roots: Vec<Digest> = records.iter().map(|record| record.root).collect();
    let header = BatchHeader {
        node: shared.me.clone(),
        table: first.table,
        count: roots.len(),
        root: batch_root(&roots),
        signed_at: now,
    };
    let batch = Batch::sign(header, &directory.network(), &shared.secrets().sign);
    let view = GroupSet(sort.view);
    // As the recipient will check it. Epoch and number are not looked at.
    let channel = Channel { sender: shared.me.clone(), recipient: recipient.clone(), epoch: 1, lane: wish.lane };
    let as_sent = DispatchHeader {
        network: directory.network(),
        channel,
        number: 1,
        batch: batch.clone(),
        agreement: id.clone(),
        agreement_digest: *digest,
        purpose: wish.purpose,
        view,
        retention_days: sort.retention_days,
        source: Some(sort.issuer.clone()),
        sent_at: now,
        receipts_held_up_to: 0,
    };
    let Some(via) = directory.node(&shared.me) else { return refused("no card names this node".into()) };
    let passing = Passing { directory, via, to: &wish.to, header: &as_sent, issuer: &sort.issuer, day: now.day() };
    if let Err(error) = source.verify(&passing, &roots) {
        return refused(error.to_string());
    }
    let mut writer = Writer::new();
    writer.array(2);
    writer.array(records.len());
    records.iter().for_each(|record| record.view.encode(&mut writer));
    source.encode(&mut writer);
    let content = writer.into_bytes();
    if content.len() > MAX_DISPATCH_OPENED_BYTES || Source::from_cbor(&source.to_cbor()).is_err() {
        return refused("what has to come with it is more than a dispatch holds; pass fewer records on at once".into());
    }
    let delivery = Delivery {
        recipient: recipient.clone(),
        agreement: sort.agreement.clone(),
        purpose: wish.purpose,
        view,
        retention_days: sort.retention_days,
        source: Some(sort.issuer.clone()),
        content,
    };
    Ok(Ok(PreparedBatch { batch, kept: Kept::PassedOn(roots), deliveries: vec![delivery] }))
}

/// The roots of all records of the batch in which a dispatch came, in their order; `None` where they do not lead to its root.
fn roots_of(came: &Came) -> Option<Vec<Digest>> {
    let body = ReceiptBody::from_cbor(&came.row.body).ok()?;
    let Outcome::Taken(rejections) = body.outcome else { return None };
    let rejected = rejections.iter().zip(&came.row.rejected).map(|(rejection, root)| (rejection.record, *root));
    let accepted = came.views.iter().map(|(place, root, _)| (*place, *root));
    let all: BTreeMap<usize, Digest> = accepted.chain(rejected).collect();
    let batch = &came.header.batch.header;
    let roots: Vec<Digest> = all.into_values().collect();
    (roots.len() == batch.count && batch_root(&roots) == batch.root).then_some(roots)
}
