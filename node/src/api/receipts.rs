//! Receipts for own dispatches, and how they stand with the recipients' witnesses.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use luxor_protocol::api::ReceiptStanding;
use luxor_protocol::exchange::{Channel, Lane};
use luxor_protocol::names::NodeRef;
use luxor_protocol::sandbox::ReceiptLine;
use serde::Deserialize;

use super::Context;
use super::problem::Problem;
use crate::driver::{ReceiptWitnesses, Shared};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiptQuery {
    recipient: NodeRef,
    epoch: Option<u64>,
    #[serde(default = "super::submit::ordinary")]
    lane: Lane,
    number: u64,
}

impl ReceiptQuery {
    /// The channel and number asked for.
    fn channel(self, shared: &Shared) -> (Channel, u64) {
        let epoch = self.epoch.unwrap_or_else(|| shared.epoch());
        (Channel { sender: shared.me.clone(), recipient: self.recipient, epoch, lane: self.lane }, self.number)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PractisedQuery {
    #[serde(default)]
    from: usize,
}

/// What a practice partner's node did with receipts.
pub(super) async fn practised(
    State(context): State<Context>,
    Query(query): Query<PractisedQuery>,
) -> Result<Json<Vec<ReceiptLine>>, Problem> {
    let practice = context.driver.shared().practice.as_ref();
    let practice = practice.ok_or_else(|| Problem::not_found("this node is no practice partner's"))?;
    Ok(Json(practice.lines(query.from)))
}

pub(super) async fn receipt(
    State(context): State<Context>,
    Query(query): Query<ReceiptQuery>,
) -> Result<impl IntoResponse, Problem> {
    let shared = context.driver.shared();
    let (channel, number) = query.channel(shared);
    let row = shared.store.receipt(&channel, number)?;
    let row = row.ok_or_else(|| Problem::not_found(format!("no receipt for number {number} of {channel}")))?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], row.proof))
}

pub(super) async fn witnesses(
    State(context): State<Context>,
    Query(query): Query<ReceiptQuery>,
) -> Result<Json<ReceiptStanding>, Problem> {
    let (channel, number) = query.channel(context.driver.shared());
    let standing = context.driver.receipt_witnesses(&channel, number).await?;
    Ok(Json(match standing {
        ReceiptWitnesses::Signed => ReceiptStanding::Signed,
        ReceiptWitnesses::Witnessed { size, time, note, file } => ReceiptStanding::Witnessed {
            size,
            time,
            checkpoint: String::from_utf8_lossy(&note).into_owned(),
            receipt: String::from_utf8_lossy(&file).into_owned(),
        },
    }))
}
