//! Submissions: chunks of records in CBOR or JSON.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use luxor_protocol::cbor::Reader;
use luxor_protocol::exchange::Lane;
use luxor_protocol::hash::{Digest, Domain};
use luxor_protocol::limits::{MAX_CHUNK_BYTES, MAX_CHUNK_RECORDS};
use luxor_protocol::record::{Content, ContentError, read_json};

use serde::Deserialize;

use super::Context;
use super::problem::Problem;
use crate::driver::Submission;

/// Characters of a submission's name.
const MAX_NAME: usize = 128;

type Records = Vec<Result<Content, ContentError>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChunkQuery {
    #[serde(default = "ordinary")]
    lane: Lane,
}

/// The lane where none is named.
pub(super) fn ordinary() -> Lane {
    Lane::Ordinary
}

pub(super) async fn put_chunk(
    State(context): State<Context>,
    Path((submission, chunk)): Path<(String, u64)>,
    Query(query): Query<ChunkQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, Problem> {
    check_name(&submission)?;
    if body.len() > MAX_CHUNK_BYTES {
        let what = format!("the chunk has {} bytes; at most {MAX_CHUNK_BYTES} are taken\nhint: split it", body.len());
        return Err(Problem::bad_request(what));
    }
    let digest = Digest::of(Domain::Chunk, &[&body]);
    let media = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("application/json");
    let records = match media {
        "application/cbor" => from_cbor(&body)?,
        media if media.starts_with("application/json") => from_json(&body)?,
        other => {
            let what = format!("content type {other}\nhint: send application/cbor or application/json");
            return Err(Problem::bad_request(what));
        }
    };
    let submission = Submission {
        lane: query.lane,
        name: submission,
        chunk,
        digest,
        records,
        faults: BTreeMap::new(),
        repairing: Vec::new(),
    };
    let answer = context.driver.submit(submission).await?;
    Ok(([(CONTENT_TYPE, "application/json")], answer))
}

/// Refuses what is no submission's name.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    match !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(plain) {
        true => Ok(()),
        false => Err(Problem::bad_request("a submission's name is 1 to 128 letters, digits, '-', '_' or '.'")),
    }
}

fn from_cbor(body: &[u8]) -> Result<Records, Problem> {
    let mut reader = Reader::new(body);
    let count = reader.array(MAX_CHUNK_RECORDS).map_err(|e| Problem::bad_request(format!("chunk: {e}")))?;
    let mut records = Vec::with_capacity(count);
    for at in 0..count {
        // After a fault inside a record its end is unknown, so the chunk is refused whole.
        let record = Content::decode(&mut reader);
        records.push(Ok(record.map_err(|e| Problem::bad_request(format!("record {}: {e}", at + 1)))?));
    }
    reader.leave();
    reader.finish().map_err(|e| Problem::bad_request(format!("chunk: {e}")))?;
    Ok(records)
}

fn from_json(body: &[u8]) -> Result<Records, Problem> {
    let list: Vec<serde_json::Value> = serde_json::from_slice(body)
        .map_err(|e| Problem::bad_request(format!("chunk: a JSON list of records: {e}")))?;
    if list.len() > MAX_CHUNK_RECORDS {
        let what = format!("{} records; a chunk has at most {MAX_CHUNK_RECORDS}", list.len());
        return Err(Problem::bad_request(what));
    }
    // Whether it is complete is looked at later: a record that is not may wait for repair.
    Ok(list.iter().map(read_json).collect())
}
