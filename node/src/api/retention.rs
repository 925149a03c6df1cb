//! What must go, what may not, and who was shown what.

use axum::Json;
use axum::extract::{Path, Query, State};
use luxor_protocol::api::{DeletionInfo, Disclosed, Disclosure, EraseRequest, ErasedReport, HoldInfo, HoldRequest};
use luxor_protocol::exchange::{Channel, Lane, Outcome};
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Day;
use serde::Deserialize;

use super::Context;
use super::problem::Problem;
use crate::driver::{ErasedNow, Shared, now};
use crate::store::{DeletedRow, Held, HoldRow, StoreError, StoredDelivery};

pub(super) async fn erase(
    State(context): State<Context>,
    Json(request): Json<EraseRequest>,
) -> Result<Json<ErasedReport>, Problem> {
    let driver = &context.driver;
    let done = match (&request.item, &request.ground) {
        (Some(item), Some(ground)) => driver.erase_item(item, ground, now()).await?,
        (None, None) => driver.erase_due(now().day()).await?,
        _ => return Err(Problem::bad_request("an item and the ground of the order belong together")),
    };
    let ErasedNow { entries, records, held, keys, keys_in_use, attachments, logged } = done;
    Ok(Json(ErasedReport { entries, records, held, keys, keys_in_use, attachments, logged }))
}

pub(super) async fn holds(State(context): State<Context>) -> Result<Json<Vec<HoldInfo>>, Problem> {
    let holds = context.driver.holds().await?;
    Ok(Json(holds.into_iter().map(|(hold, row)| info(hold, row, None)).collect()))
}

pub(super) async fn hold(
    State(context): State<Context>,
    Json(request): Json<HoldRequest>,
) -> Result<Json<HoldInfo>, Problem> {
    let HoldRequest { item, agreement, party, ground } = request;
    let held = match (item, agreement, party) {
        (Some(item), None, None) if !item.is_empty() => Held::Item(item),
        (None, None, Some(party)) if !party.trim().is_empty() => Held::Party(party),
        (None, Some(name), None) => {
            let (id, digest) = context.driver.agreement_to_hold(&name).await?;
            Held::Agreement(id, digest)
        }
        _ => return Err(Problem::bad_request("a hold is on one item, agreement or party")),
    };
    let row = HoldRow { held: held.clone(), ground: ground.clone(), since: now().day() };
    let (hold, records) = context.driver.hold(held, &ground, now()).await?;
    Ok(Json(info(hold, row, Some(records))))
}

pub(super) async fn release(State(context): State<Context>, Path(hold): Path<u64>) -> Result<Json<HoldInfo>, Problem> {
    Ok(Json(info(hold, context.driver.release(hold, now()).await?, None)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AboutQuery {
    item: Option<String>,
    party: Option<String>,
}

pub(super) async fn disclosures(
    State(context): State<Context>,
    Query(query): Query<AboutQuery>,
) -> Result<Json<Vec<Disclosed>>, Problem> {
    let shared = context.driver.shared();
    let store = &shared.store;
    let (found, passed) = match (&query.item, &query.party) {
        (Some(item), None) => {
            let found = store.find(item)?;
            (found.own, found.passed)
        }
        (None, Some(party)) => (store.find_party(party)?, Vec::new()),
        _ => return Err(Problem::bad_request("ask for one item or one party")),
    };
    let mut disclosed = Vec::new();
    for (batch, place) in found {
        let Some(record) = store.record(batch, place)? else { continue };
        let deliveries = store.deliveries(batch)?;
        disclosed.push(Disclosed {
            root: record.root().hex(),
            references: record.content().names().references,
            disclosures: deliveries
                .iter()
                .map(|delivery| disclosure(shared, delivery, place, now().day()))
                .collect::<Result<_, _>>()?,
        });
    }
    for (entry, place) in passed {
        let Some(record) = store.passed_records(entry)?.and_then(|records| records.into_iter().nth(place)) else {
            continue;
        };
        // The same record may have been passed on several times.
        if disclosed.iter().any(|other: &Disclosed| other.root == record.root.hex()) {
            continue;
        }
        let passed = store.passed_on(&record.root)?;
        disclosed.push(Disclosed {
            root: record.root.hex(),
            references: record.references.clone(),
            disclosures: passed
                .iter()
                .map(|passed| disclosure(shared, &passed.delivery, passed.place, now().day()))
                .collect::<Result<_, _>>()?,
        });
    }
    Ok(Json(disclosed))
}

fn disclosure(shared: &Shared, delivery: &StoredDelivery, place: usize, today: Day) -> Result<Disclosure, StoreError> {
    let header = &delivery.header;
    let recipient = header.channel.recipient.member();
    let name = shared.directory().charter().member(&recipient).map_or(String::new(), |member| member.name.clone());
    let directory = shared.directory();
    let ground = directory
        .agreement(&header.agreement_digest)
        .map(|agreement| format!("{}, {}", agreement.instrument, agreement.article));
    let state = match delivery.receipt.as_ref().map(|(_, body)| &body.outcome) {
        None => "waiting",
        Some(Outcome::Withdrawn) => "withdrawn",
        Some(Outcome::Refused(_)) => "refused",
        Some(Outcome::Taken(rejected)) if rejected.iter().any(|rejection| rejection.record == place) => "refused",
        Some(Outcome::Taken(_)) => "received",
    };
    let due = header.sent_at.day().plus(header.retention_days);
    let deleted = shared.store.deleted(&header.channel, header.number)?;
    let of_this = |row: &DeletedRow| row.places.is_empty() || row.places.contains(&place);
    let erased_on = deleted.into_iter().find(|(_, row)| of_this(row)).map(|(_, row)| row.on.to_string());
    Ok(Disclosure {
        recipient,
        name,
        node: header.channel.recipient.clone(),
        made_at: header.sent_at.to_string(),
        purpose: header.purpose,
        agreement: header.agreement.to_string(),
        ground: ground.unwrap_or_default(),
        groups: header.view.names(header.batch.header.table).into_iter().map(str::to_owned).collect(),
        state: state.to_owned(),
        due: due.to_string(),
        erased_on,
        is_due: due <= today,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeletionQuery {
    recipient: NodeRef,
    epoch: Option<u64>,
    #[serde(default)]
    lane: Option<Lane>,
    number: u64,
}

/// Every deletion receipt about a dispatch, one after the other.
pub(super) async fn deletions(
    State(context): State<Context>,
    Query(query): Query<DeletionQuery>,
) -> Result<Json<Vec<DeletionInfo>>, Problem> {
    let shared = context.driver.shared();
    let DeletionQuery { recipient, epoch, lane, number } = query;
    let (epoch, lane) = (epoch.unwrap_or_else(|| shared.epoch()), lane.unwrap_or(Lane::Ordinary));
    let channel = Channel { sender: shared.me.clone(), recipient, epoch, lane };
    let mut told = Vec::new();
    for (entry, row) in shared.store.deleted(&channel, number)? {
        let proof = shared.store.deletion_receipt(&channel, entry)?.unwrap_or_default();
        let receipt = String::from_utf8_lossy(&proof).into_owned();
        told.push(DeletionInfo { entry, on: row.on.to_string(), places: row.places, receipt });
    }
    Ok(Json(told))
}

fn info(hold: u64, row: HoldRow, records: Option<u64>) -> HoldInfo {
    let (on, name) = match row.held {
        Held::Item(item) => ("item", item),
        Held::Agreement(id, _) => ("agreement", id.to_string()),
        Held::Party(party) => ("party", party),
    };
    let since = row.since.to_string();
    HoldInfo { hold, on: on.to_owned(), name, ground: row.ground, since, records }
}
