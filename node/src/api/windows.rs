//! Windows of channels: statements, comparisons, dispute files.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use luxor_protocol::api::{
    ChannelLine, ChannelName, CompareReport, CompareRequest, DepositLine, StatementLine, WindowCloseRequest,
};
use luxor_protocol::exchange::{Channel, Lane};
use luxor_protocol::limits::MAX_DEPOSITS;
use luxor_protocol::names::NodeRef;
use luxor_protocol::reconciliation::{Found, Window, WindowError as NoWindow};
use serde::Deserialize;

use super::problem::Problem;
use super::{Context, blocking};
use crate::driver::{Compared, WindowError};
use crate::store::{StatementRow, StoreError};

/// Statements on one page.
const MAX_STATEMENTS: usize = 1_000;
/// Numbers that one dispute file is asked for.
const MAX_NUMBERS: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementsQuery {
    sender: NodeRef,
    recipient: NodeRef,
    epoch: u64,
    lane: Lane,
    #[serde(default)]
    from: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DisputeQuery {
    sender: NodeRef,
    recipient: NodeRef,
    epoch: u64,
    lane: Lane,
    #[serde(default)]
    numbers: String,
}

pub(super) async fn channels(State(context): State<Context>) -> Result<Json<Vec<ChannelLine>>, Problem> {
    let shared = context.driver.shared().clone();
    let look = move || -> Result<Vec<ChannelLine>, StoreError> {
        let of_channel = |channel: Channel| {
            let statement = shared.store.last_statement(&channel)?.map(|row| line(&row)).transpose()?;
            let deposited = shared
                .store
                .unsettled_given(&channel, MAX_DEPOSITS)?
                .into_iter()
                .map(|(number, row)| DepositLine { number, with: row.with, entry: row.index, at: row.at.to_string() });
            Ok(ChannelLine {
                deposited: deposited.collect(),
                last: shared.store.last_stand(&channel)?,
                covered: statement.as_ref().map_or(0, |statement| statement.to),
                channel: (&channel).into(),
                statement,
            })
        };
        shared.store.channels()?.into_iter().map(of_channel).collect()
    };
    Ok(Json(blocking(look).await?))
}

pub(super) async fn statements(
    State(context): State<Context>,
    Query(query): Query<StatementsQuery>,
) -> Result<Json<Vec<StatementLine>>, Problem> {
    let StatementsQuery { sender, recipient, epoch, lane, from } = query;
    let (shared, channel) = (context.driver.shared().clone(), Channel { sender, recipient, epoch, lane });
    let look = move || -> Result<Vec<StatementLine>, StoreError> {
        shared.store.statements(&channel, from..=u64::MAX, MAX_STATEMENTS)?.iter().map(line).collect()
    };
    Ok(Json(blocking(look).await?))
}

pub(super) async fn close(
    State(context): State<Context>,
    Json(request): Json<WindowCloseRequest>,
) -> Result<Json<StatementLine>, Problem> {
    let WindowCloseRequest { recipient, lane, from, to } = request;
    let shared = context.driver.shared();
    let channel = Channel { sender: shared.me.clone(), recipient, epoch: shared.epoch(), lane };
    let row = context.driver.close_window(channel, from, to).await?;
    Ok(Json(line(&row)?))
}

pub(super) async fn compare(
    State(context): State<Context>,
    Json(request): Json<CompareRequest>,
) -> Result<Json<CompareReport>, Problem> {
    let CompareRequest { channel, from, to } = request;
    let count = to.checked_sub(from).and_then(|count| count.checked_add(1));
    let count = count.ok_or(WindowError::None(NoWindow { from, count: 0 }))?;
    let window = Window::new(channel.into(), from, count).map_err(WindowError::None)?;
    let Compared { snapshot, outcome, rounds, bytes, .. } = context.driver.compare_window(window).await?;
    let equal = matches!(outcome.found, Found::Equal(_));
    let stopped = match &outcome.found {
        Found::Equal(_) | Found::Different { .. } => None,
        Found::Stopped { bound, complete_to, .. } => {
            Some(format!("too much differs ({bound:?}); up to number {complete_to} everything is found"))
        }
        Found::Lied(lie) => Some(format!("the other side gave {} two roots, both signed", lie.span)),
        Found::Broken(error) => Some(error.to_string()),
    };
    let report = CompareReport::new(&snapshot.window.channel, snapshot.window.span(), &outcome.differences, equal);
    Ok(Json(CompareReport { stopped, rounds, bytes, ..report }))
}

pub(super) async fn dispute(
    State(context): State<Context>,
    Query(query): Query<DisputeQuery>,
) -> Result<impl IntoResponse, Problem> {
    let DisputeQuery { sender, recipient, epoch, lane, numbers } = query;
    let read = numbers.split(',').filter(|number| !number.is_empty()).map(str::parse).collect::<Result<Vec<u64>, _>>();
    let numbers = read.ok().filter(|numbers| numbers.len() <= MAX_NUMBERS);
    let numbers = numbers
        .ok_or_else(|| Problem::bad_request(format!("numbers: at most {MAX_NUMBERS} numbers, with commas between")))?;
    let channel = ChannelName { sender, recipient, epoch, lane };
    let file = context.driver.dispute_file(channel.into(), numbers).await?;
    Ok(([(CONTENT_TYPE, "application/cbor")], file))
}

fn line(row: &StatementRow) -> Result<StatementLine, StoreError> {
    let read = StatementLine::of(&row.cosigned, row.entry, &row.differences);
    read.map_err(|error| StoreError::damaged("a statement", error))
}
