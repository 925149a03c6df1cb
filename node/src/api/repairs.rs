//! The repair queue: groups, entries, mass fix, giving up.

use axum::Json;
use axum::extract::{Query, State};
use luxor_protocol::api::{
    DropRequest, DropResult, FirstAttempt, FixRequest, FixResult, RefusedIn, RepairEntry, RepairGroup, RepairPage,
    RepairSelection, RepairState, Resent, ResentForm, rule_of,
};
use luxor_protocol::hash::{Digest, hex, unhex};
use luxor_protocol::limits::MAX_REPAIR_PAGE;
use luxor_protocol::record::content_to_json;
use serde::Deserialize;

use super::problem::Problem;
use super::read::delivery;
use super::submit::check_name;
use super::{Context, blocking};
use crate::driver::{RepairFilter, RepairLook, Shared, look_at_repairs, repair_groups};
use crate::store::{RepairEnd, RepairKey, StoreError};

/// Entries on a page where no number is given.
const PAGE: usize = 100;

pub(super) async fn groups(State(context): State<Context>) -> Result<Json<Vec<RepairGroup>>, Problem> {
    let shared = context.driver.shared().clone();
    Ok(Json(blocking(move || repair_groups(&shared)).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntriesQuery {
    r#type: Option<String>,
    rule: Option<String>,
    pointer: Option<String>,
    submission: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn entries(
    State(context): State<Context>,
    Query(query): Query<EntriesQuery>,
) -> Result<Json<RepairPage>, Problem> {
    let EntriesQuery { r#type, rule, pointer, submission, after, limit } = query;
    let cursor = |text: String| {
        let key = unhex(&text).and_then(|bytes| RepairKey::read(&bytes));
        key.ok_or_else(|| Problem::bad_request("after: what an answer gave as next"))
    };
    let filter = RepairFilter {
        which: RepairSelection { ids: Vec::new(), rule, r#type, pointer, submission },
        after: after.map(cursor).transpose()?,
        limit: limit.unwrap_or(PAGE).clamp(1, MAX_REPAIR_PAGE),
    };
    let shared = context.driver.shared().clone();
    let page = blocking(move || {
        let (found, next) = look_at_repairs(&shared, &filter)?;
        let entries = found.into_iter().map(|look| entry(&shared, look)).collect::<Result<_, _>>()?;
        Ok::<_, StoreError>(RepairPage { entries, next: next.map(|next| hex(&next.bytes())) })
    });
    Ok(Json(page.await?))
}

pub(super) async fn fix(
    State(context): State<Context>,
    Json(request): Json<FixRequest>,
) -> Result<Json<FixResult>, Problem> {
    check_name(&request.name)?;
    Ok(Json(context.driver.fix(request).await?))
}

pub(super) async fn give_up(
    State(context): State<Context>,
    Json(request): Json<DropRequest>,
) -> Result<Json<DropResult>, Problem> {
    Ok(Json(context.driver.drop_repairs(request).await?))
}

fn entry(shared: &Shared, look: RepairLook) -> Result<RepairEntry, StoreError> {
    let RepairLook { key, row, content } = look;
    let (rule, pointer) = rule_of(row.fault, &row.pointer);
    // What was refused again after its first attempt was refused here.
    let by = key.dispatch.as_ref().filter(|_| row.attempts == 1).map(|(channel, _)| channel.recipient.clone());
    let dispatch = key.dispatch.as_ref().map(|(channel, number)| RefusedIn {
        epoch: channel.epoch,
        lane: channel.lane,
        number: *number,
    });
    let (state, resent) = match &row.settled {
        None => (RepairState::Waits, None),
        Some(RepairEnd::Dropped(_)) => (RepairState::Dropped, None),
        Some(RepairEnd::Resent { fix, chunk, at, roots }) => {
            let records = roots.iter().map(|root| form(shared, root)).collect::<Result<_, _>>()?;
            (RepairState::Resent, Some(Resent { fix: fix.clone(), chunk: *chunk, at: at.to_string(), records }))
        }
    };
    Ok(RepairEntry {
        id: key.id(),
        state,
        version: row.version,
        by: by.unwrap_or_else(|| shared.me.clone()),
        dispatch,
        fault: row.fault,
        rule: rule.to_owned(),
        pointer: pointer.to_owned(),
        at: row.at.to_string(),
        attempts: row.attempts,
        first_attempt: FirstAttempt {
            root: row.root.map(|root| root.hex()),
            submission: key.attempt.submission,
            chunk: key.attempt.chunk,
            position: key.attempt.position,
        },
        record: content.as_ref().map(content_to_json),
        resent,
        r#type: row.type_name,
        what: row.what,
    })
}

/// Where a resent record went.
fn form(shared: &Shared, root: &Digest) -> Result<ResentForm, StoreError> {
    let mut deliveries = Vec::new();
    for (batch, place) in shared.store.own_places(root)? {
        deliveries.extend(shared.store.deliveries(batch)?.iter().map(|stored| delivery(stored, place)));
    }
    Ok(ResentForm { root: root.hex(), deliveries })
}
