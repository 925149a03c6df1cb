//! Attached files: handed in, looked at, read, fetched.

use axum::Json;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::IntoResponse;
use futures::StreamExt as _;
use futures::stream;
use luxor_protocol::api::{AttachmentInfo, AttachmentState};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::ATTACHMENT_RANGE_BYTES;
use serde::Deserialize;

use super::Context;
use super::problem::Problem;
use crate::driver::{AttachError, Driver, Ranges};

/// Bytes of a body that are read and thrown away once it is clear that they are not taken.
const MAX_UNREAD: usize = 2 * ATTACHMENT_RANGE_BYTES as usize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PutQuery {
    size: u64,
    #[serde(default)]
    offset: u64,
}

/// Takes a file, or what of it comes next. What was taken before the connection broke stays, in whole ranges.
pub(super) async fn put(
    State(context): State<Context>,
    Path(digest): Path<String>,
    Query(PutQuery { size, offset }): Query<PutQuery>,
    body: Body,
) -> Result<Json<AttachmentInfo>, Problem> {
    let (driver, digest) = (&context.driver, read(&digest)?);
    let mut body = body.into_data_stream();
    let taken = take(driver, digest, size, offset, &mut body).await;
    // Whoever sends a range gets to read why it is not taken, or that it is here.
    let mut left = MAX_UNREAD;
    while left > 0
        && let Some(Ok(bytes)) = body.next().await
    {
        left = left.saturating_sub(bytes.len());
    }
    taken?;
    Ok(Json(driver.attachment(digest).await?))
}

async fn take(
    driver: &Driver,
    digest: Digest,
    size: u64,
    offset: u64,
    body: &mut BodyDataStream,
) -> Result<(), Problem> {
    let mut have = driver.attach(digest, size).await?;
    if have == size {
        return Ok(());
    }
    if have != offset {
        return Err(AttachError::Offset { digest, have, offset }.into());
    }
    let mut ranges = Ranges::default();
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| Problem::bad_request(format!("the file ends early: {error}")))?;
        let mut bytes: &[u8] = &bytes;
        while let Some(range) = ranges.take(bytes, size - have) {
            have = driver.attach_next(digest, have, range).await?;
            bytes = &[];
        }
        if have == size && ranges.left() > 0 {
            let what = format!("more bytes came than the {size} that were said; the file is here all the same");
            return Err(Problem::bad_request(what));
        }
    }
    Ok(())
}

pub(super) async fn state(
    State(context): State<Context>,
    Path(digest): Path<String>,
) -> Result<Json<AttachmentInfo>, Problem> {
    Ok(Json(context.driver.attachment(read(&digest)?).await?))
}

pub(super) async fn fetch(
    State(context): State<Context>,
    Path(digest): Path<String>,
) -> Result<Json<AttachmentInfo>, Problem> {
    Ok(Json(context.driver.fetch_attached(read(&digest)?).await?))
}

/// The whole file, read range by range as it is sent.
pub(super) async fn content(
    State(context): State<Context>,
    Path(digest): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let digest = read(&digest)?;
    let info = context.driver.attachment(digest).await?;
    let size = match (info.state, info.size) {
        (AttachmentState::Here, Some(size)) => size,
        (AttachmentState::Absent, _) | (_, None) => return Err(AttachError::Unknown(digest).into()),
        (_, Some(size)) => return Err(AttachError::NotWhole { digest, have: info.have, size }.into()),
    };
    let driver = context.driver.clone();
    let ranges = stream::unfold(0, move |offset| {
        let driver = driver.clone();
        async move {
            if offset >= size {
                return None;
            }
            let range = driver.attached_range(digest, offset).await;
            // After an error nothing more comes, and the answer is shorter than it says.
            let next = range.as_ref().map_or(size, |range| offset + range.len() as u64);
            Some((range.map(Bytes::from), next))
        }
    });
    let headers = [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_LENGTH, size.to_string())];
    Ok((headers, Body::from_stream(ranges)))
}

fn read(digest: &str) -> Result<Digest, Problem> {
    let what = "an attached file is named by its BLAKE3 digest: 64 digits 0 to 9, a to f";
    Digest::from_hex(digest).ok_or_else(|| Problem::bad_request(what))
}
