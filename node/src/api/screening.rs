//! Screening: proposals, orders of officers, indicators.

use axum::Json;
use axum::extract::{Path, Query, State};
use luxor_protocol::api::{
    DrawRequest, DrawnReport, DryRunReport, DryRunRequest, IndicatorPage, MAX_INDICATORS_TOLD, MAX_PROPOSALS_TOLD,
    OrderLine, ProposalLine, ProposalPage, ScreeningStatus, SignRequest, SignedReport,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::MemberId;
use luxor_protocol::threats::{self, Advice, IndicatorId, Source};
use serde::Deserialize;

use super::problem::Problem;
use super::{Context, blocking};
use crate::driver::desk;

/// Lines on a page where no number is given.
const PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueQuery {
    state: Option<threats::State>,
    advice: Option<Advice>,
    issuer: Option<MemberId>,
    indicator: Option<IndicatorId>,
    rule: Option<String>,
    #[serde(default)]
    from: u64,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IndicatorsQuery {
    issuer: Option<MemberId>,
    #[serde(default)]
    from: u64,
    limit: Option<usize>,
}

pub(super) async fn status(State(context): State<Context>) -> Result<Json<ScreeningStatus>, Problem> {
    let shared = context.driver.shared().clone();
    Ok(Json(blocking(move || Ok::<_, Problem>(desk::status(&shared))).await?))
}

pub(super) async fn queue(
    State(context): State<Context>,
    Query(query): Query<QueueQuery>,
) -> Result<Json<ProposalPage>, Problem> {
    let QueueQuery { state, advice, issuer, indicator, rule, from, limit } = query;
    let mut sources: Vec<Source> = rule.into_iter().map(Source::Rule).collect();
    match (issuer, indicator) {
        (Some(issuer), Some(id)) => sources.push(Source::Indicator(issuer, id)),
        (None, None) => {}
        _ => return Err(Problem::bad_request("an indicator is named by its issuer and its id")),
    }
    let limit = limit.unwrap_or(PAGE).clamp(1, MAX_PROPOSALS_TOLD);
    let wanted = desk::Wanted { state, advice, sources, from, limit };
    let shared = context.driver.shared().clone();
    Ok(Json(blocking(move || desk::queue(&shared, &wanted)).await?))
}

pub(super) async fn proposal(
    State(context): State<Context>,
    Path(root): Path<Digest>,
) -> Result<Json<ProposalLine>, Problem> {
    let shared = context.driver.shared().clone();
    let found = blocking(move || desk::proposal(&shared, &root)).await?;
    found.map(Json).ok_or_else(|| Problem::not_found(format!("nothing is proposed about record {}", root.hex())))
}

pub(super) async fn indicators(
    State(context): State<Context>,
    Query(query): Query<IndicatorsQuery>,
) -> Result<Json<IndicatorPage>, Problem> {
    let shared = context.driver.shared().clone();
    let limit = query.limit.unwrap_or(PAGE).clamp(1, MAX_INDICATORS_TOLD);
    let page = blocking(move || desk::indicators(&shared, query.issuer.as_ref(), query.from, limit));
    Ok(Json(page.await?))
}

pub(super) async fn orders(State(context): State<Context>) -> Json<Vec<OrderLine>> {
    Json(desk::orders(context.driver.shared()))
}

pub(super) async fn draw(
    State(context): State<Context>,
    Json(request): Json<DrawRequest>,
) -> Result<Json<DrawnReport>, Problem> {
    let drawn = context.driver.draw_order(request).await?;
    report(context, drawn.digest).await
}

pub(super) async fn order(
    State(context): State<Context>,
    Path(digest): Path<Digest>,
) -> Result<Json<DrawnReport>, Problem> {
    report(context, digest).await
}

pub(super) async fn sign(
    State(context): State<Context>,
    Path(digest): Path<Digest>,
    Json(request): Json<SignRequest>,
) -> Result<Json<SignedReport>, Problem> {
    Ok(Json(context.driver.sign_order(digest, request.officer, request.signature).await?))
}

pub(super) async fn dry_run(
    State(context): State<Context>,
    Json(request): Json<DryRunRequest>,
) -> Result<Json<DryRunReport>, Problem> {
    let shared = context.driver.shared().clone();
    Ok(Json(blocking(move || desk::dry_run(&shared, &request)).await?))
}

async fn report(context: Context, digest: Digest) -> Result<Json<DrawnReport>, Problem> {
    let shared = context.driver.shared().clone();
    Ok(Json(blocking(move || desk::drawn(&shared, &digest)).await?))
}
