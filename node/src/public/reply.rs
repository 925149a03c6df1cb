//! How answers of the public listener are put together.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

/// How long caches may keep a checkpoint: "a few seconds at most" (<https://c2sp.org/tlog-tiles>).
pub(super) const CHECKPOINT_CACHE: &str = "public, max-age=5";
/// Tiles and bundles never change, partial ones too: their width is part of their path.
pub(super) const TILE_CACHE: &str = "public, max-age=31536000, immutable";
/// What is not there now may be there after the next tick.
pub(super) const NO_CACHE: &str = "no-store";
/// An answer in words.
pub(super) fn text(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, "text/plain; charset=utf-8");
    cached(response, NO_CACHE)
}

/// An answer that caches may keep so long.
pub(super) fn cached(mut response: Response, cache: &'static str) -> Response {
    set(&mut response, CACHE_CONTROL, cache);
    response
}

/// Sets a header.
pub(super) fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
