//! A request of the public log and its answer.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use luxor_protocol::tlog::TilePath;

use super::coding::coding;
use super::reply::{CHECKPOINT_CACHE, TILE_CACHE, set, text};
use super::{Context, witness};
use crate::logfiles::{Coding, LogFile, LogFileError};

/// Seconds after which a client that was put off may come again.
const RETRY_AFTER_SECONDS: &str = "1";

/// Seconds for which a status list may be cached, however long it says that it may be kept: a revocation is not to wait behind a cache.
const MAX_LIST_CACHE_SECONDS: u64 = 60;

/// Answers one request. HTTP leaves the body away where the method is HEAD.
pub(super) async fn answer(context: &Context, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let mut response = match *method {
        Method::GET | Method::HEAD => match file(context, uri, headers).await {
            Ok(file) => found(file),
            Err(error) => {
                let monitored = match &context.witness {
                    Some(http) if uri.query().is_none() => witness::monitored(http, uri.path()).await,
                    _ => None,
                };
                monitored.or_else(|| status_list(context, uri)).unwrap_or_else(|| refusal(&error))
            }
        },
        _ => {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "the log can only be read: GET or HEAD\n".into());
            set(&mut response, ALLOW, "GET, HEAD");
            response
        }
    };
    set(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    response
}

async fn file(context: &Context, uri: &Uri, headers: &HeaderMap) -> Result<LogFile, LogFileError> {
    let public = context.log.latest();
    // As it was sent: a percent sign in it, a second slash or a query would be another spelling of the same file.
    let path = uri.path().strip_prefix('/').filter(|_| uri.query().is_none());
    context.files.read(path.unwrap_or_default(), &public, coding(headers)).await
}

/// An own status list (draft-ietf-oauth-status-list, section 8.1), at the path of its URI.
fn status_list(context: &Context, uri: &Uri) -> Option<Response> {
    let served = context.trust.served(uri.path()).filter(|_| uri.query().is_none())?;
    let mut response = Response::new(Body::from(served.token.as_bytes().to_vec()));
    set(&mut response, CONTENT_TYPE, "application/statuslist+jwt");
    if let Ok(cache) = HeaderValue::from_str(&format!("public, max-age={}", served.ttl.min(MAX_LIST_CACHE_SECONDS))) {
        response.headers_mut().insert(CACHE_CONTROL, cache);
    }
    Some(response)
}

fn found(file: LogFile) -> Response {
    let content_type = file.content_type();
    let mut response = Response::new(Body::from(file.bytes));
    set(&mut response, CONTENT_TYPE, content_type);
    let cache = if file.path == TilePath::Checkpoint { CHECKPOINT_CACHE } else { TILE_CACHE };
    set(&mut response, CACHE_CONTROL, cache);
    if matches!(file.path, TilePath::Entries { .. }) {
        // Also where it was not compressed: a cache must not give that to one who could have it smaller, nor the reverse.
        set(&mut response, VARY, "Accept-Encoding");
    }
    if file.coding == Coding::Gzip {
        set(&mut response, CONTENT_ENCODING, "gzip");
    }
    response
}

fn refusal(error: &LogFileError) -> Response {
    match error {
        LogFileError::Missing { .. } => text(StatusCode::NOT_FOUND, format!("{error}\n")),
        LogFileError::Busy => {
            let mut response = text(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"));
            set(&mut response, RETRY_AFTER, RETRY_AFTER_SECONDS);
            response
        }
        // What is wrong with the node's disk is for its own people.
        LogFileError::Store(_) | LogFileError::Thread(_) => {
            tracing::error!(%error, "public log");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the log cannot be read now\n".into())
        }
    }
}
