//! This node as a witness over HTTP (<https://c2sp.org/tlog-witness>): `POST /add-checkpoint`, and for monitors
//! `GET /<SHA-256 of the origin>/checkpoint`.
//!
//! Not here: what is decided and kept (`witness`); which logs are followed: those on members' cards.
//!
//! Limits: [`MAX_BODY_TIME`], [`MAX_WITNESSING`], those of `tlog::witness`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::Response;
use hyper::body::Incoming;
use luxor_protocol::tlog::MAX_ADD_CHECKPOINT_BYTES;
use tokio::sync::Semaphore;

use super::reply::{CHECKPOINT_CACHE, NO_CACHE, cached, set, text};
use crate::driver::Driver;

/// The path of the one request that is not a read.
pub(super) const ADD_CHECKPOINT: &str = "/add-checkpoint";
/// What stands behind the name of a log, for monitors.
const MONITOR: &str = "/checkpoint";
/// Digits of that name.
const ID_DIGITS: usize = 64;
/// How long a client may take for its body.
const MAX_BODY_TIME: Duration = Duration::from_secs(10);

/// Requests to the witness that are worked on at a time; above it the answer is 503.
const MAX_WITNESSING: usize = 8;

/// The way to this node as a witness, for strangers.
pub(super) struct HttpWitness {
    driver: Driver,
    room: Arc<Semaphore>,
}

impl HttpWitness {
    pub(super) fn new(driver: Driver) -> Self {
        Self { driver, room: Arc::new(Semaphore::new(MAX_WITNESSING)) }
    }
}

/// Answers an `add-checkpoint`.
pub(super) async fn add_checkpoint(witness: &HttpWitness, body: Incoming) -> Response {
    let Ok(permit) = witness.room.clone().try_acquire_owned() else { return busy() };
    let collected = to_bytes(Body::new(body), MAX_ADD_CHECKPOINT_BYTES);
    let body = match tokio::time::timeout(MAX_BODY_TIME, collected).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let what = format!("the body does not arrive whole, or has more than {MAX_ADD_CHECKPOINT_BYTES} bytes\n");
            return text(StatusCode::BAD_REQUEST, what);
        }
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time\n".into()),
    };
    match witness.driver.add_checkpoint(body.to_vec(), permit).await {
        Some(said) => {
            let mut response = Response::new(Body::from(said.body));
            *response.status_mut() = StatusCode::from_u16(said.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            set(&mut response, CONTENT_TYPE, said.content_type);
            cached(response, NO_CACHE)
        }
        None => text(StatusCode::SERVICE_UNAVAILABLE, "the node is stopping\n".into()),
    }
}

/// The newest checkpoint held of a log, if the path is that of a monitor.
pub(super) async fn monitored(witness: &HttpWitness, path: &str) -> Option<Response> {
    let id = path.strip_prefix('/')?.strip_suffix(MONITOR).filter(|id| id.len() == ID_DIGITS)?.to_owned();
    let Ok(permit) = witness.room.clone().try_acquire_owned() else { return Some(busy()) };
    let note = witness.driver.monitored(id, permit).await?;
    let mut response = Response::new(Body::from(note));
    set(&mut response, CONTENT_TYPE, "text/plain; charset=utf-8");
    Some(cached(response, CHECKPOINT_CACHE))
}

fn busy() -> Response {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, "the witness is busy\n".into());
    set(&mut response, RETRY_AFTER, "1");
    response
}
