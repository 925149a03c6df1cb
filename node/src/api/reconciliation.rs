//! Business reconciliation: differences, decisions on them, months of accounts, payments.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use luxor_protocol::accounting::{Class, FindingState, Given};
use luxor_protocol::api::{
    BankLine, CloseRequest, ClosedLine, ExplainRequest, FindingLine, MAX_DIFFERENCES_TOLD, ReconciliationPage,
    StatementTaken, SummaryListRequest, SummaryListTaken, WriteOffRequest,
};
use luxor_protocol::hash::{Digest, unhex};
use luxor_protocol::recognition::Period;
use luxor_protocol::revenue::Money;
use serde::Deserialize;

use super::problem::Problem;
use super::{Context, blocking};
use crate::driver::{self, Asked, Shared};

/// Differences on a page where no number is given.
const PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    #[serde(default)]
    class: String,
    state: Option<FindingState>,
    period: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn list(
    State(context): State<Context>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ReconciliationPage>, Problem> {
    let ListQuery { class, state, period, after, limit } = query;
    let words = class.split(',').filter(|word| !word.is_empty()).take(Class::ALL.len() + 1);
    let classes = words.map(|word| word.parse::<Class>().map_err(|e| Problem::bad_request(format!("class: {e}"))));
    let asked = Asked {
        classes: classes.collect::<Result<_, _>>()?,
        state,
        period: period.map(|text| month(&text)).transpose()?,
        after,
        limit: limit.unwrap_or(PAGE).clamp(1, MAX_DIFFERENCES_TOLD),
    };
    let shared = wanted(&context).await;
    Ok(Json(blocking(move || driver::listed(&shared, &asked)).await?))
}

pub(super) async fn explain(
    State(context): State<Context>,
    Json(request): Json<ExplainRequest>,
) -> Result<Json<FindingLine>, Problem> {
    let root = |text: String| {
        let bytes = unhex(&text).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(Digest).ok_or_else(|| Problem::bad_request("record: the root of a record, 64 hexadecimal digits"))
    };
    let record = request.record.map(root).transpose()?;
    let shared = wanted(&context).await;
    let (id, by, why) = (request.id, request.by, request.why);
    Ok(Json(blocking(move || driver::decide(&shared, &id, by, why, Given::Explained, record)).await?))
}

pub(super) async fn write_off(
    State(context): State<Context>,
    Json(request): Json<WriteOffRequest>,
) -> Result<Json<FindingLine>, Problem> {
    let amount = request.amount.map(|line| {
        let amount = line.amount.parse().map_err(|e| Problem::bad_request(format!("amount: {e}")))?;
        let currency = line.unit.parse().map_err(|e| Problem::bad_request(format!("amount: {e}")))?;
        Ok::<_, Problem>(Money::new(amount, currency))
    });
    let given = Given::WrittenOff(amount.transpose()?);
    let shared = wanted(&context).await;
    let (id, by, why) = (request.id, request.by, request.why);
    Ok(Json(blocking(move || driver::decide(&shared, &id, by, why, given, None)).await?))
}

pub(super) async fn close(
    State(context): State<Context>,
    Json(request): Json<CloseRequest>,
) -> Result<Json<ClosedLine>, Problem> {
    let period = month(&request.period)?;
    let shared = wanted(&context).await;
    Ok(Json(blocking(move || driver::close(&shared, request.account, period, request.by)).await?))
}

pub(super) async fn payments(
    State(context): State<Context>,
    Json(lines): Json<Vec<BankLine>>,
) -> Result<Json<StatementTaken>, Problem> {
    let shared = wanted(&context).await;
    Ok(Json(blocking(move || driver::statement(&shared, lines)).await?))
}

pub(super) async fn summary_list(
    State(context): State<Context>,
    Json(request): Json<SummaryListRequest>,
) -> Result<Json<SummaryListTaken>, Problem> {
    let period = month(&request.period)?;
    let items = request.items().map_err(|error| Problem::bad_request(format!("items: {error}")))?;
    let shared = wanted(&context).await;
    Ok(Json(blocking(move || driver::summary_list(&shared, request.account, period, items)).await?))
}

/// What the rooms share, with the books that are asked for.
async fn wanted(context: &Context) -> Arc<Shared> {
    let shared = context.driver.shared().clone();
    shared.accounts.want().await;
    shared
}

fn month(text: &str) -> Result<Period, Problem> {
    text.parse().map_err(|e| Problem::bad_request(format!("period: {e}")))
}
