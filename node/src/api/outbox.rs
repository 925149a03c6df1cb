//! What waits for receipts, and how something in it is withdrawn.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use luxor_protocol::api::{
    OutboxItem, OutboxPage, OutboxState, RedirectRequest, Redirected, RefusedNumber, WithdrawRequest, Withdrawn,
};
use luxor_protocol::cbor::Decode;
use luxor_protocol::exchange::{Channel, DispatchHeader, Lane};
use luxor_protocol::hash::Domain;
use luxor_protocol::names::NodeRef;
use serde::Deserialize;

use super::Context;
use super::problem::Problem;
use crate::store::{OutboxRow, StoreError};

/// Dispatches on a page of the outbox.
const MAX_PAGE: usize = 1_000;
/// Longest wait of a long poll.
const MAX_WAIT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    #[serde(default)]
    wait_ms: u64,
}

pub(super) async fn state(State(context): State<Context>, Query(wait): Query<Wait>) -> Json<OutboxState> {
    let wait = Duration::from_millis(wait.wait_ms).min(MAX_WAIT);
    Json(context.driver.outbox_empty(wait).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// `recipient:epoch:lane:number` of the last item seen.
    after: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn dispatches(
    State(context): State<Context>,
    Query(query): Query<PageQuery>,
) -> Result<Json<OutboxPage>, Problem> {
    let shared = context.driver.shared();
    let after = query.after.as_deref().map(|text| read_cursor(&shared.me, text)).transpose()?;
    let limit = query.limit.unwrap_or(100).clamp(1, MAX_PAGE);
    let rows = shared.store.outbox(after.as_ref().map(|(channel, number)| (channel, *number)), limit)?;
    let next = rows.last().filter(|_| rows.len() == limit).map(|row| cursor(&row.channel, row.number));
    let (state, directory) = (context.driver.state(), shared.directory());
    let item = |row: OutboxRow| {
        let header = DispatchHeader::from_cbor(&row.sent.envelope.header)
            .map_err(|e| StoreError::Damaged { what: "a dispatch header".into(), error: e.to_string() })?;
        let alone = state.refusals.iter().find(|(channel, number, _)| *channel == row.channel && *number == row.number);
        let whole = || state.outbox.waiting.get(&row.channel.waiting_name()).cloned();
        let envelope = &row.sent.envelope;
        let own = directory.node(&shared.me);
        let key = own.and_then(|own| {
            own.signer(Domain::Dispatch, &directory.network(), &envelope.digest().0, &envelope.signature)
        });
        Ok(OutboxItem {
            key: key.map(ToString::to_string),
            reason: alone.map(|(_, _, reason)| reason.clone()).or_else(whole),
            recipient: row.channel.recipient,
            epoch: row.channel.epoch,
            lane: row.channel.lane,
            number: row.number,
            agreement: header.agreement.to_string(),
            purpose: header.purpose,
            source: header.source,
            records: header.batch.header.count,
            bytes: row.bytes,
            made_at: header.sent_at.to_string(),
            withdrawn: row.sent.withdrawal.is_some(),
        })
    };
    let items = rows.into_iter().map(item).collect::<Result<_, StoreError>>()?;
    Ok(Json(OutboxPage { items, next }))
}

pub(super) async fn withdraw(
    State(context): State<Context>,
    Json(request): Json<WithdrawRequest>,
) -> Result<Json<Withdrawn>, Problem> {
    let WithdrawRequest { recipient, lane, number } = request;
    let shared = context.driver.shared();
    let channel = Channel { sender: shared.me.clone(), recipient: recipient.clone(), epoch: shared.epoch(), lane };
    let dispatch = context.driver.withdraw(channel, number).await?.hex();
    Ok(Json(Withdrawn { recipient, lane, number, dispatch }))
}

pub(super) async fn redirect(
    State(context): State<Context>,
    Json(request): Json<RedirectRequest>,
) -> Result<Json<Redirected>, Problem> {
    let RedirectRequest { from, to, after } = request;
    let after = after.map(|text| read_cursor(&context.driver.shared().me, &text)).transpose()?;
    let done = context.driver.redirect(from, to, after).await?;
    let left = done.left.into_iter().map(|(channel, number, reason)| RefusedNumber {
        recipient: channel.recipient,
        lane: channel.lane,
        number,
        reason,
    });
    let next = done.last.map(|(channel, number)| cursor(&channel, number));
    Ok(Json(Redirected { dispatches: done.dispatches, records: done.records, left: left.collect(), next }))
}

fn cursor(channel: &Channel, number: u64) -> String {
    format!("{}:{}:{}:{number}", channel.recipient, channel.epoch, channel.lane)
}

fn read_cursor(me: &NodeRef, text: &str) -> Result<(Channel, u64), Problem> {
    let mut parts = text.split(':');
    let mut read = || {
        let recipient = parts.next()?.parse().ok()?;
        let epoch = parts.next()?.parse().ok()?;
        let lane: Lane = parts.next()?.parse().ok()?;
        let number = parts.next()?.parse().ok()?;
        parts.next().is_none().then(|| (Channel { sender: me.clone(), recipient, epoch, lane }, number))
    };
    read().ok_or_else(|| Problem::bad_request(format!("after={text}\nhint: take `next` of the page before")))
}
