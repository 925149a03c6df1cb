//! Everything that only reads. The store is read on the caller's thread: point look-ups and short scans;
//! but for the files of the log.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use luxor_protocol::api::{
    Delivery, InboxDispatch, InboxItem, InboxPage, Missing, RecordInfo, RefusedNumber, RepairCounts, Status,
    ViewedRecord,
};
use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::exchange::{Answer, Outcome, ReceiptBody, Skeleton};
use luxor_protocol::hash::hex;
use luxor_protocol::limits::{MAX_AUDIT_PAGE_ENTRIES, MAX_REPAIRS};
use luxor_protocol::names::NodeRef;
use luxor_protocol::record::view_to_json;
use luxor_protocol::tlog::{KeyType, VerifierKey};
use serde::Deserialize;

use super::Context;
use super::problem::Problem;
use crate::driver::{Shared, mark};
use crate::logfiles::Coding;
use crate::store::{StoreError, StoredDelivery};

/// Where the log's files stand.
const LOG_PREFIX: &str = "/v1/log/";
/// Items on a page of the inbox.
const MAX_INBOX_PAGE: usize = 1_000;

pub(super) async fn status(State(context): State<Context>) -> Result<Json<Status>, Problem> {
    let shared = context.driver.shared();
    let (directory, latest, state) = (shared.directory(), shared.sequencer.latest(), context.driver.state());
    let newest = directory.node(&shared.me).unwrap_or(&shared.own);
    let own = &newest.card;
    let vkey = VerifierKey::new(&own.origin, KeyType::Ed25519, own.log.current().verifying_key()).ok();
    let connected = shared.net.connected();
    let names = connected.iter().filter_map(|key| directory.node_by_transport(&key.0)).map(|n| n.node.to_string());
    Ok(Json(Status {
        node: shared.me.to_string(),
        network: directory.network().hex(),
        network_name: directory.charter().name.clone(),
        origin: own.origin.clone(),
        keys: shared.keys_in_use(),
        log_vkey: vkey.map(|key| key.to_string()).unwrap_or_default(),
        log_entries: latest.size,
        log_root: hex(&latest.root),
        public_log: context.public.as_ref().map(|site| site.url.clone()),
        public_size: context.public.as_ref().map(|site| site.log.latest().size),
        members: directory.charter().members.len(),
        agreements: directory.agreements().count(),
        documents: directory.documents().count(),
        documents_summary: directory.summary().hex(),
        refused_documents: super::documents::refused(shared),
        governance: super::documents::waiting(&directory, crate::driver::now().day()),
        connected: names.collect(),
        sent: state.totals.sent,
        received: state.totals.received,
        attachments: context.driver.attachments(),
        repairs: repairs(shared),
        outbox: state.outbox.pending,
        missing: state
            .missing
            .into_iter()
            .map(|(channel, first, last)| Missing { sender: channel.sender, lane: channel.lane, first, last })
            .collect(),
        refused_numbers: state
            .refusals
            .into_iter()
            .map(|(channel, number, reason)| RefusedNumber {
                recipient: channel.recipient,
                lane: channel.lane,
                number,
                reason,
            })
            .collect(),
        errors: shared.errors().into_iter().map(|(code, count)| (code.to_string(), count)).collect(),
        strangers: shared.net.counters().connections_refused,
        witnessed: super::logs::witnessed(shared),
        close_due: super::closing::due(context.closing, shared, latest.size)?,
        forked: super::logs::forked(shared)?,
        alarms: shared.alarms(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InboxQuery {
    after: Option<u64>,
    limit: Option<usize>,
}

pub(super) async fn inbox(
    State(context): State<Context>,
    Query(query): Query<InboxQuery>,
) -> Result<Json<InboxPage>, Problem> {
    let shared = context.driver.shared();
    let store = &shared.store;
    let limit = query.limit.unwrap_or(100).clamp(1, MAX_INBOX_PAGE);
    let found = store.inbox(query.after.map_or(0, |after| after.saturating_add(1)), limit)?;
    let next = found.last().map(|(index, _)| *index).filter(|_| found.len() == limit);
    let items = found.iter().map(|(index, skeleton)| item(shared, *index, skeleton)).collect::<Result<_, _>>()?;
    Ok(Json(InboxPage { items, next }))
}

pub(super) async fn inbox_dispatch(
    State(context): State<Context>,
    Path(index): Path<u64>,
) -> Result<Json<InboxDispatch>, Problem> {
    let shared = context.driver.shared();
    let store = &shared.store;
    let found = store.inbox(index, 1)?.pop().filter(|(found, _)| *found == index);
    let (_, skeleton) = found.ok_or_else(|| Problem::not_found(format!("entry {index} is no received dispatch")))?;
    let viewed = store
        .payload(index)?
        .into_iter()
        .map(|(_, root, view)| ViewedRecord { root: root.hex(), record: view_to_json(view.header.table, &view) });
    Ok(Json(InboxDispatch { item: item(shared, index, &skeleton)?, records: viewed.collect() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordsQuery {
    reference: String,
}

pub(super) async fn records(
    State(context): State<Context>,
    Query(query): Query<RecordsQuery>,
) -> Result<Json<Vec<RecordInfo>>, Problem> {
    let shared = context.driver.shared();
    let store = &shared.store;
    let found = store.find(&query.reference)?;
    let mut records = Vec::new();
    for (batch, place) in found.own {
        let Some(record) = store.record(batch, place)? else { continue };
        let table = record.header().table;
        let view = record.view(table.all_groups());
        let deliveries = store.deliveries(batch)?.into_iter().map(|stored| delivery(&stored, place));
        records.push(RecordInfo {
            root: record.root().hex(),
            issuer: record.header().issuer.clone(),
            record: view_to_json(table, &view),
            deliveries: deliveries.collect(),
            received: None,
            passed_on: Vec::new(),
        });
    }
    for (index, place) in found.received {
        let Some((root, view)) = store.view(index, place)? else { continue };
        let skeleton = store.inbox(index, 1)?.pop().filter(|(found, _)| *found == index);
        records.push(RecordInfo {
            root: root.hex(),
            issuer: view.header.issuer.clone(),
            record: view_to_json(view.header.table, &view),
            deliveries: Vec::new(),
            received: skeleton.map(|(_, skeleton)| item(shared, index, &skeleton)).transpose()?,
            passed_on: super::onward::of(store, &root)?,
        });
    }
    Ok(Json(records))
}

pub(super) async fn checkpoint(State(context): State<Context>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], context.driver.shared().sequencer.latest().note)
}

/// A file of the log as it is signed now, by the path as it was sent: decoded, it would have other spellings.
pub(super) async fn log_file(State(context): State<Context>, uri: Uri) -> Result<impl IntoResponse, Problem> {
    let path = uri.path().strip_prefix(LOG_PREFIX).filter(|_| uri.query().is_none()).unwrap_or_default();
    let latest = context.driver.shared().newest_for_members();
    let file = context.files.read(path, &latest, Coding::Identity).await?;
    Ok(([(CONTENT_TYPE, file.content_type())], file.bytes))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    node: Option<NodeRef>,
    #[serde(default)]
    from: u64,
    count: Option<u64>,
}

pub(super) async fn audit(
    State(context): State<Context>,
    Query(query): Query<AuditQuery>,
) -> Result<impl IntoResponse, Problem> {
    let node = query.node.unwrap_or_else(|| context.driver.shared().me.clone());
    let count = query.count.unwrap_or(MAX_AUDIT_PAGE_ENTRIES as u64);
    let page = context.driver.audit_page(&node, query.from, count).await?;
    Ok(([(CONTENT_TYPE, "application/cbor")], Answer::Page(page).to_cbor()))
}

pub(super) async fn audit_values(
    State(context): State<Context>,
    Path(entry): Path<u64>,
) -> Result<impl IntoResponse, Problem> {
    let views = context.driver.audit_values(entry).await?;
    let views = views.ok_or_else(|| Problem::not_found(format!("no records are kept for entry {entry}")))?;
    Ok(([(CONTENT_TYPE, "application/cbor")], views.to_cbor()))
}

/// How the repair queue stands.
fn repairs(shared: &Shared) -> RepairCounts {
    let (waiting, settled) = shared.store.repairs_counted();
    RepairCounts { waiting, limit: MAX_REPAIRS, settled, not_kept: shared.store.repairs_not_kept() }
}

/// One delivery of the record at this place of its batch.
pub(super) fn delivery(stored: &StoredDelivery, place: usize) -> Delivery {
    let header = &stored.header;
    let state = match &stored.receipt {
        None => "waiting".to_owned(),
        Some((_, body)) => record_state(body, place),
    };
    let groups = header.view.names(header.batch.header.table);
    Delivery {
        recipient: header.channel.recipient.clone(),
        epoch: header.channel.epoch,
        lane: header.channel.lane,
        number: header.number,
        agreement: header.agreement.to_string(),
        purpose: header.purpose,
        groups: groups.into_iter().map(str::to_owned).collect(),
        state,
        receipt_index: stored.receipt.as_ref().map(|(row, _)| row.recipient_entry),
    }
}

fn record_state(body: &ReceiptBody, place: usize) -> String {
    match &body.outcome {
        Outcome::Refused(code) => format!("refused: {code}"),
        Outcome::Withdrawn => "withdrawn".into(),
        Outcome::Taken(rejected) => match rejected.iter().find(|r| r.record == place) {
            None => "accepted".into(),
            Some(rejection) => format!("rejected: {} at {}", rejection.fault, rejection.pointer),
        },
    }
}

fn item(shared: &Shared, index: u64, skeleton: &Skeleton) -> Result<InboxItem, Problem> {
    let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged {
        what: format!("the received row of entry {index}"),
        error: error.to_string(),
    };
    let row = shared.store.received(&skeleton.channel, skeleton.number)?.ok_or_else(|| damaged(&"not there"))?;
    // The verdict may be erased; then what is left is that something came.
    let body = match row.body.is_empty() {
        true => None,
        false => Some(ReceiptBody::from_cbor(&row.body).map_err(|e| damaged(&e))?),
    };
    let mut item = InboxItem {
        index,
        sender: skeleton.channel.sender.clone(),
        lane: skeleton.channel.lane,
        number: skeleton.number,
        agreement: skeleton.agreement.to_string(),
        purpose: None,
        source: None,
        groups: Vec::new(),
        due: skeleton.due.to_string(),
        accepted: 0,
        rejected: 0,
        outcome: body.as_ref().map_or_else(|| "erased".to_owned(), |body| body.outcome.to_string()),
        signature: mark(shared, index, &skeleton.channel.sender, &row.arrival)?,
    };
    if let Some(header) = row.header()? {
        let batch = &header.batch.header;
        (item.accepted, item.rejected) = body.map_or((0, 0), |body| body.outcome.counts(batch.count));
        item.groups = header.view.names(batch.table).into_iter().map(str::to_owned).collect();
        item.agreement = header.agreement.to_string();
        item.purpose = Some(header.purpose);
        item.source = header.source;
    }
    Ok(item)
}
