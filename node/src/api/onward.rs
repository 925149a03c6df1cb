//! Records of others: passed on, and what came with those that were passed on to this node.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use luxor_protocol::api::{Delivery, OnwardRequest, OnwardResult};
use luxor_protocol::cbor::{CborError, Encode};
use luxor_protocol::exchange::{Arrival, Provenance};
use luxor_protocol::hash::{Digest, unhex};
use luxor_protocol::limits::MAX_CHUNK_RECORDS;
use serde::Deserialize;

use super::Context;
use super::problem::Problem;
use super::read::delivery;
use crate::driver::Onward;
use crate::store::{Store, StoreError};

pub(super) async fn pass_on(
    State(context): State<Context>,
    Json(request): Json<OnwardRequest>,
) -> Result<Json<OnwardResult>, Problem> {
    let OnwardRequest { reference, roots, to, purpose, groups, lane } = request;
    let mut wanted = roots.iter().map(|text| digest(text)).collect::<Result<Vec<_>, _>>()?;
    if let Some(reference) = reference {
        let store = &context.driver.shared().store;
        for (index, place) in store.find(&reference)?.received {
            wanted.extend(store.view(index, place)?.map(|(root, _)| root));
        }
        if wanted.is_empty() {
            return Err(Problem::not_found(format!("no record '{reference}' was received here")));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    wanted.retain(|root| seen.insert(*root));
    if wanted.is_empty() || wanted.len() > MAX_CHUNK_RECORDS {
        let what = format!("{} records are named; 1 to {MAX_CHUNK_RECORDS} are passed on at once", wanted.len());
        return Err(Problem::bad_request(what));
    }
    let wish = Onward { roots: wanted, to, purpose, groups, lane };
    Ok(Json(context.driver.pass_on(wish).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PassedQuery {
    root: String,
}

pub(super) async fn passed(
    State(context): State<Context>,
    Query(query): Query<PassedQuery>,
) -> Result<Json<Vec<Delivery>>, Problem> {
    Ok(Json(of(&context.driver.shared().store, &digest(&query.root)?)?))
}

/// Where a record was passed on.
pub(super) fn of(store: &Store, root: &Digest) -> Result<Vec<Delivery>, StoreError> {
    Ok(store.passed_on(root)?.iter().map(|passed| delivery(&passed.delivery, passed.place)).collect())
}

pub(super) async fn source(
    State(context): State<Context>,
    Path(index): Path<u64>,
) -> Result<impl IntoResponse, Problem> {
    let store = &context.driver.shared().store;
    let none = || Problem::not_found(format!("entry {index} is no dispatch that was passed on to this node"));
    let (_, skeleton) = store.inbox(index, 1)?.pop().filter(|(found, _)| *found == index).ok_or_else(none)?;
    let row = store.received(&skeleton.channel, skeleton.number)?.ok_or_else(none)?;
    let source = store.source(index)?.ok_or_else(none)?;
    let damaged =
        |e: CborError| StoreError::Damaged { what: format!("the dispatch of entry {index}"), error: format!("{e}") };
    let absent: Vec<Digest> = row.absent().map_err(damaged)?.into_values().collect();
    let Arrival::Dispatch(envelope) = row.arrival else { return Err(none()) };
    let views: Vec<_> = store.payload(index)?.into_iter().map(|(place, _, view)| (place, view)).collect();
    if views.is_empty() {
        return Err(Problem::not_found(format!("every record of entry {index} is erased")));
    }
    // Of records that are erased the roots are left, so that the others still lead to the batch that was signed.
    let provenance = Provenance { envelope, rejected: absent, views, source };
    Ok(([(CONTENT_TYPE, "application/cbor")], provenance.to_cbor()))
}

fn digest(text: &str) -> Result<Digest, Problem> {
    let read = unhex(text).and_then(|bytes| bytes.try_into().ok()).map(Digest);
    read.ok_or_else(|| Problem::bad_request(format!("'{text}' is no root of a record: 64 hexadecimal digits")))
}
