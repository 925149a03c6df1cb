//! A request of a threat platform and its answer (TAXII 2.1, sections 3 to 5).

use axum::body::Body;
use axum::extract::Query as Pairs;
use axum::http::header::{ACCEPT, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use luxor_protocol::threats::shelf::{
    Item, Query, QueryError, Reader, TAXII_MEDIA_TYPE, Which, api_root, collection_resource, collections_resource,
    discovery, envelope, manifest, problem, versions,
};
use serde_json::Value as Json;

use super::auth::authorised;
use super::{API_ROOT, Context};
use crate::driver::{Told, shelf_page};

/// Parameters of lists of objects.
const OF_OBJECTS: &[&str] =
    &["added_after", "limit", "next", "match[id]", "match[type]", "match[version]", "match[spec_version]"];
/// Parameters of one object.
const OF_OBJECT: &[&str] = &["added_after", "limit", "next", "match[version]", "match[spec_version]"];
/// Parameters of its versions.
const OF_VERSIONS: &[&str] = &["added_after", "limit", "next", "match[spec_version]"];
const FIRST: &str = "x-taxii-date-added-first";
const LAST: &str = "x-taxii-date-added-last";
/// Seconds after which a client may come again while the log is read.
const RETRY_AFTER_SECONDS: &str = "5";

/// A request that is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("say a user's secret: Basic, Token or Bearer")]
    Unauthorised,
    #[error("only GET is answered")]
    Method,
    #[error("answers are {TAXII_MEDIA_TYPE}")]
    Accept,
    #[error("nothing is here that you may read")]
    Missing,
    #[error("{0}")]
    Parameter(#[from] QueryError),
    #[error("parameters: {0}")]
    Parameters(String),
    #[error("the log is still being read; come again")]
    Reading,
    #[error("it cannot be read now")]
    Failed,
}

/// Which list of a collection.
enum Shape {
    Objects,
    Object,
    Versions,
    Manifest,
}

pub(super) async fn answer(context: &Context, head: &Parts) -> Response {
    let response = match respond(context, head).await {
        Ok((body, items)) => resource(StatusCode::OK, &body, &items),
        Err(refusal) => refused(&refusal),
    };
    context.driver.shared().taxii.count(response.status().as_u16());
    response
}

/// The answer, and the items in it.
async fn respond(context: &Context, head: &Parts) -> Result<(Json, Vec<Item>), Refusal> {
    let readers = context.users.all();
    let given = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(reader) = authorised(&readers, given) else {
        context.driver.shared().taxii.refuse();
        return Err(Refusal::Unauthorised);
    };
    if head.method != Method::GET {
        return Err(Refusal::Method);
    }
    if !accepts(&head.headers) {
        return Err(Refusal::Accept);
    }
    // With and without a slash at the end.
    let path = head.uri.path().trim_start_matches('/').trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let title = || format!("Luxor node {}", context.driver.shared().me);
    let only = |body: Json| Ok((body, Vec::new()));
    let root = API_ROOT.trim_matches('/');
    match parts.as_slice() {
        ["taxii2"] => only(discovery(&title(), &format!("{}{API_ROOT}", context.url))),
        [at] if *at == root => only(api_root(&title())),
        [at, "collections"] if *at == root => only(collections(context, reader)?),
        [at, "collections", id] if *at == root => only(collection(context, reader, id)?),
        [at, "collections", id, rest @ ..] if *at == root => {
            let (shape, object) = match rest {
                ["objects"] => (Shape::Objects, None),
                ["manifest"] => (Shape::Manifest, None),
                ["objects", object] => (Shape::Object, Some(*object)),
                ["objects", object, "versions"] => (Shape::Versions, Some(*object)),
                _ => return Err(Refusal::Missing),
            };
            // Who may not read it does not learn that it is there.
            collection(context, reader, id)?;
            list(context, head, id, &shape, object).await
        }
        _ => Err(Refusal::Missing),
    }
}

fn collections(context: &Context, reader: &Reader) -> Result<Json, Refusal> {
    let shelf = &context.driver.shared().shelf;
    // Whoever asks early would else take what is there by then for all there is.
    if !shelf.is_read() {
        return Err(Refusal::Reading);
    }
    let kept = shelf.kept();
    let own = kept.collections().filter(|(_, collection)| reader.may_read(collection.agreement()));
    Ok(collections_resource(own.map(|(id, collection)| collection_resource(id, collection)).collect()))
}

fn collection(context: &Context, reader: &Reader, id: &str) -> Result<Json, Refusal> {
    let shelf = &context.driver.shared().shelf;
    if !shelf.is_read() {
        return Err(Refusal::Reading);
    }
    let kept = shelf.kept();
    let found = kept.collection(id).filter(|collection| reader.may_read(collection.agreement()));
    found.map(|collection| collection_resource(id, collection)).ok_or(Refusal::Missing)
}

async fn list(
    context: &Context,
    head: &Parts,
    id: &str,
    shape: &Shape,
    object: Option<&str>,
) -> Result<(Json, Vec<Item>), Refusal> {
    let pairs = Pairs::<Vec<(String, String)>>::try_from_uri(&head.uri);
    let Pairs(pairs) = pairs.map_err(|error| Refusal::Parameters(error.to_string()))?;
    let known = match shape {
        Shape::Objects | Shape::Manifest => OF_OBJECTS,
        Shape::Object => OF_OBJECT,
        Shape::Versions => OF_VERSIONS,
    };
    let mut query = Query::read(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())), known)?;
    if let Some(object) = object {
        query.ids = Some(vec![object.to_owned()]);
    }
    if matches!(shape, Shape::Versions) {
        query.versions = vec![Which::All];
    }
    let Told { objects, more } = read(context, id, query.clone()).await?;
    if object.is_some() && objects.is_empty() {
        // Of what is there, but not by these filters, there is an empty answer; of what is erased or never was there is none.
        let any = Query { ids: query.ids, versions: vec![Which::All], limit: 1, ..Query::default() };
        if read(context, id, any).await?.objects.is_empty() {
            return Err(Refusal::Missing);
        }
    }
    let (items, objects): (Vec<Item>, Vec<Json>) = objects.into_iter().unzip();
    let next = items.last().filter(|_| more);
    let body = match shape {
        Shape::Objects | Shape::Object => envelope(objects, next),
        Shape::Manifest => manifest(&items, next),
        Shape::Versions => versions(&items, next),
    };
    Ok((body, items))
}

/// Reads a page, a few at a time and not on a thread that serves others.
async fn read(context: &Context, id: &str, query: Query) -> Result<Told, Refusal> {
    let failed = |error: &dyn std::fmt::Display| {
        // What is wrong with the node's disk is for its own people.
        tracing::error!(%error, "TAXII");
        Refusal::Failed
    };
    let _one = context.reads.acquire().await.map_err(|error| failed(&error))?;
    let (shared, id) = (context.driver.shared().clone(), id.to_owned());
    let told = tokio::task::spawn_blocking(move || shelf_page(&shared, &id, &query)).await;
    told.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?.ok_or(Refusal::Missing)
}

/// Whether the client takes what there is: TAXII in this version or in any, or anything.
fn accepts(headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(ACCEPT).iter().peekable();
    if given.peek().is_none() {
        return true;
    }
    let mut texts = given.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    texts.any(|range| {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let kind = parts.next().unwrap_or_default();
        let (mut version, mut refused) = (true, false);
        for part in parts {
            match part.split_once('=') {
                Some(("version", wanted)) => version = wanted.trim_matches('"') == "2.1",
                Some(("q", weight)) => refused = weight.chars().all(|c| matches!(c, '0' | '.')),
                _ => {}
            }
        }
        !refused && version && matches!(kind.as_str(), "application/taxii+json" | "application/*" | "*/*")
    })
}

fn resource(status: StatusCode, body: &Json, items: &[Item]) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(TAXII_MEDIA_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let (Some(first), Some(last)) = (items.first(), items.last()) {
        for (name, added) in [(FIRST, first.added), (LAST, last.added)] {
            // Digits and signs of ASCII, so it always is a value.
            if let Ok(date) = HeaderValue::from_str(&added.to_string()) {
                headers.insert(HeaderName::from_static(name), date);
            }
        }
    }
    response
}

fn refused(refusal: &Refusal) -> Response {
    let (status, title) = match refusal {
        Refusal::Unauthorised => (StatusCode::UNAUTHORIZED, "Unauthorised"),
        Refusal::Method => (StatusCode::METHOD_NOT_ALLOWED, "Read-only"),
        Refusal::Accept => (StatusCode::NOT_ACCEPTABLE, "Not acceptable"),
        Refusal::Missing => (StatusCode::NOT_FOUND, "Not found"),
        Refusal::Parameter(_) | Refusal::Parameters(_) => (StatusCode::BAD_REQUEST, "Bad parameter"),
        Refusal::Reading => (StatusCode::SERVICE_UNAVAILABLE, "Starting"),
        Refusal::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "Failed"),
    };
    let mut response = resource(status, &problem(status.as_u16(), title, &refusal.to_string()), &[]);
    let mut set = |name: HeaderName, value: &'static str| {
        response.headers_mut().append(name, HeaderValue::from_static(value));
    };
    match refusal {
        Refusal::Unauthorised => {
            set(WWW_AUTHENTICATE, "Basic realm=\"TAXII\", charset=\"UTF-8\"");
            set(WWW_AUTHENTICATE, "Bearer realm=\"TAXII\"");
        }
        Refusal::Method => set(ALLOW, "GET"),
        Refusal::Reading => set(RETRY_AFTER, RETRY_AFTER_SECONDS),
        _ => {}
    }
    response
}
