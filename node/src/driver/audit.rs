//! Pages of a log: of this node's for others under a mandate and for its own people, of others' under this node's mandate. And
//! values of records, for its own people only.

use std::collections::BTreeMap;
use std::sync::Arc;

use luxor_protocol::audit::population::{BatchViews, value_groups};
use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::exchange::{Answer, AuditPage, DispatchHeader, ErrorCode, Lane, Request};
use luxor_protocol::limits::MAX_AUDIT_PAGE_ENTRIES;
use luxor_protocol::names::NodeRef;
use luxor_protocol::record::{GroupSet, OPENING, RecordView, SealedRecord};

use super::{Driver, DriverError, Message, Shared, now};
use crate::net::{Permit, Reply as NetReply};
use crate::store::{PassedRecord, StoreError};

/// Why a page could not be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditReadError {
    /// No card names the node.
    #[error("no card names the node {0}")]
    Unknown(NodeRef),
    /// The node could not be reached.
    #[error("cannot reach {node}: {why}")]
    Unreachable {
        /// The node.
        node: NodeRef,
        /// Why not.
        why: String,
    },
    /// The node refused.
    #[error("{node} refused: {code}: {detail}")]
    Refused {
        /// The node.
        node: NodeRef,
        /// Its code.
        code: ErrorCode,
        /// Its words.
        detail: String,
    },
    /// The answer is no page.
    #[error("{node} answered something else than a page of its log")]
    Answer {
        /// The node.
        node: NodeRef,
    },
    /// This node failed.
    #[error("this node's log could not be read: {0}")]
    Own(String),
}

/// Reads a page of this or another node's log.
pub(super) async fn page(driver: &Driver, node: &NodeRef, from: u64, count: u64) -> Result<AuditPage, AuditReadError> {
    let shared = driver.shared.clone();
    let count = count.min(MAX_AUDIT_PAGE_ENTRIES as u64);
    if *node == shared.me {
        let page = driver.work(Lane::Ordinary, move || own_page(&shared, from, count, OPENING.all_groups())).await;
        let page = page.ok_or_else(|| AuditReadError::Own("the node is stopping".into()))?;
        return page.map_err(|e| AuditReadError::Own(e.to_string()));
    }
    let known = shared.directory().node(node).cloned().ok_or_else(|| AuditReadError::Unknown(node.clone()))?;
    let key = shared.net.way_to(&known);
    let request = Request::AuditRead { from, count }.to_cbor();
    let unreachable = |why: String| AuditReadError::Unreachable { node: node.clone(), why };
    let answer = shared.net.request(key, Arc::from(request)).await.map_err(|e| unreachable(e.to_string()))?;
    match Answer::from_cbor(&answer) {
        Ok(Answer::Page(page)) => Ok(page),
        Ok(Answer::Error { code, detail }) => Err(AuditReadError::Refused { node: node.clone(), code, detail }),
        _ => Err(AuditReadError::Answer { node: node.clone() }),
    }
}

/// The values of the records in the dispatch of an own entry; `None` where the entry is no dispatch whose records are here: of
/// several dispatches that carry one batch the first has them.
pub(super) async fn values(driver: &Driver, entry: u64) -> Result<Option<BatchViews>, AuditReadError> {
    let shared = driver.shared.clone();
    let views = driver.work(Lane::Ordinary, move || batch_values(&shared, entry)).await;
    let views = views.ok_or_else(|| AuditReadError::Own("the node is stopping".into()))?;
    views.map_err(|e| AuditReadError::Own(e.to_string()))
}

fn batch_values(shared: &Shared, entry: u64) -> Result<Option<BatchViews>, StoreError> {
    let views = match shared.store.batch_records(entry)? {
        Some(records) => {
            let cut = |(at, record): &(usize, SealedRecord)| (*at, record.view(value_groups(record.header().table)));
            records.iter().map(cut).collect()
        }
        None => match shared.store.passed_records(entry)? {
            Some(records) => passed_values(shared, entry, &records)?,
            None => {
                let payload = shared.store.payload(entry)?;
                let cut = |view: &RecordView| view.cut(value_groups(view.header.table));
                payload.iter().map(|(place, _, view)| (*place, cut(view))).collect::<Vec<_>>()
            }
        },
    };
    Ok((!views.is_empty()).then_some(BatchViews { views }))
}

/// The values of records that the dispatch of this entry passed on, from where they came; none where it does not show them.
fn passed_values(
    shared: &Shared,
    entry: u64,
    records: &[PassedRecord],
) -> Result<Vec<(usize, RecordView)>, StoreError> {
    let store = &shared.store;
    let Some(skeleton) = store.skeleton(entry)? else { return Ok(Vec::new()) };
    let Some(sent) = store.sent(&skeleton.channel, skeleton.number)? else { return Ok(Vec::new()) };
    let header = DispatchHeader::from_cbor(&sent.envelope.header);
    let header = header
        .map_err(|e| StoreError::Damaged { what: format!("the dispatch of entry {entry}"), error: e.to_string() })?;
    let groups = value_groups(header.batch.header.table);
    if !groups.within(header.view) {
        return Ok(Vec::new());
    }
    let mut of_entry: BTreeMap<u64, BTreeMap<usize, usize>> = BTreeMap::new();
    for (place, record) in records.iter().enumerate() {
        of_entry.entry(record.came.0).or_default().insert(record.came.1, place);
    }
    let mut views = Vec::with_capacity(records.len());
    for (from, places) in of_entry {
        let came = store.payload(from)?.into_iter();
        views.extend(came.filter_map(|(at, _, view)| Some((*places.get(&at)?, view.cut(groups)))));
    }
    views.sort_unstable_by_key(|(place, _)| *place);
    Ok(views)
}

impl Driver {
    /// Answers another node's request for a page, if a mandate gives it one.
    pub(super) fn audit_read(&self, peer: NodeRef, from: u64, count: u64, permit: Permit, reply: NetReply) {
        let driver = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let shared = driver.shared.clone();
            let auditor = peer.member();
            let answer = driver.work(Lane::Ordinary, move || {
                let Some(groups) = shared.directory().mandate(&shared.me.member(), &auditor, now().day()) else {
                    let detail = format!("no agreement in force gives {auditor} a mandate for {}", shared.me);
                    return Ok(Answer::error(ErrorCode::NoMandate, detail));
                };
                own_page(&shared, from, count, groups).map(Answer::Page)
            });
            match answer.await {
                Some(Ok(answer)) => driver.shared.respond(reply, &answer),
                Some(Err(error)) => drop(driver.mailbox.send(Message::Failed(error))),
                None => {}
            }
        });
    }
}

fn own_page(shared: &Shared, from: u64, count: u64, groups: GroupSet) -> Result<AuditPage, DriverError> {
    let latest = shared.sequencer.latest();
    let entries = shared.store.audit_entries(from, count, latest.size, groups)?;
    let to = from.saturating_add(entries.len() as u64);
    let mut checkpoints = shared.store.checkpoints(from, to)?;
    // The newest stands in the page already.
    checkpoints.retain(|note| *note != latest.note);
    Ok(AuditPage { checkpoint: latest.note, entries, checkpoints })
}
