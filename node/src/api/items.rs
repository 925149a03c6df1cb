//! Items and referrals: what is known of one, and what waits; how good what arrived is; what statistics are made of.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Query, State};
use luxor_protocol::api::{LifeReport, QualityPage, QueuedReferral, StatisticsPage};
use luxor_protocol::life::{ItemId, ItemKey};
use luxor_protocol::names::{MemberId, Purpose};
use luxor_protocol::time::Day;
use serde::Deserialize;

use super::problem::Problem;
use super::{Context, blocking};
use crate::driver::{gathered, life, now, referrals, report};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemQuery {
    id: String,
    scheme: Option<String>,
    issuer: Option<String>,
    posted_on: Option<String>,
    #[serde(default)]
    purposes: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueQuery {
    #[serde(default)]
    purposes: String,
}

pub(super) async fn item(
    State(context): State<Context>,
    Query(query): Query<ItemQuery>,
) -> Result<Json<LifeReport>, Problem> {
    let purposes = purposes(&query.purposes)?;
    let day = |text: &String| text.parse::<Day>().map_err(|e| Problem::bad_request(format!("posted_on: {e}")));
    let posted_on = query.posted_on.as_ref().map(day).transpose()?;
    let item = ItemId::new(query.scheme.as_deref(), query.issuer.as_deref(), &query.id);
    let key = ItemKey { item, posted_on };
    let shared = context.driver.shared().clone();
    let told = blocking(move || life(&shared, &key, &purposes, now())).await?;
    Ok(Json(told))
}

pub(super) async fn queue(
    State(context): State<Context>,
    Query(query): Query<QueueQuery>,
) -> Result<Json<Vec<QueuedReferral>>, Problem> {
    let purposes = purposes(&query.purposes)?;
    let shared = context.driver.shared().clone();
    let told = blocking(move || referrals(&shared, &purposes, now())).await?;
    Ok(Json(told))
}

fn purposes(text: &str) -> Result<BTreeSet<Purpose>, Problem> {
    let words = text.split(',').filter(|word| !word.is_empty());
    let purposes = words.map(|word| word.parse().map_err(|e| Problem::bad_request(format!("purposes: {e}"))));
    purposes.collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QualityQuery {
    after: Option<u64>,
    of: Option<MemberId>,
    since: Option<String>,
}

pub(super) async fn quality(
    State(context): State<Context>,
    Query(query): Query<QualityQuery>,
) -> Result<Json<QualityPage>, Problem> {
    let shared = context.driver.shared().clone();
    let since =
        query.since.map(|day| day.parse().map_err(|e| Problem::bad_request(format!("since: {e}")))).transpose()?;
    let told = blocking(move || report(&shared, query.after, query.of.as_ref(), since)).await?;
    Ok(Json(told))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GatheredQuery {
    #[serde(default)]
    from: u64,
    #[serde(default)]
    purposes: String,
}

pub(super) async fn gathered_page(
    State(context): State<Context>,
    Query(query): Query<GatheredQuery>,
) -> Result<Json<StatisticsPage>, Problem> {
    let purposes = purposes(&query.purposes)?;
    let shared = context.driver.shared().clone();
    let page = blocking(move || gathered(&shared, query.from, &purposes)).await?;
    Ok(Json(page))
}
