//! The resources of TAXII 2.1 as JSON: discovery, API root, collections, envelope, manifest, versions, errors.

use serde_json::{Map, Value as Json, json};

use super::{Collection, Item, Query};

/// What requests accept and answers are.
pub const TAXII_MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
/// What objects are.
const STIX_MEDIA_TYPE: &str = "application/stix+json;version=2.1";

/// What a server says of itself (section 4.1).
pub fn discovery(title: &str, root: &str) -> Json {
    json!({
        "title": title, "description": "Indicators that customs administrations share under agreements. Read-only.",
        "default": root, "api_roots": [root],
    })
}

/// What its one API root says of itself (section 4.2).
pub fn api_root(title: &str) -> Json {
    // Nothing is taken, so no content has a length.
    json!({ "title": title, "versions": [TAXII_MEDIA_TYPE], "max_content_length": 0 })
}

/// A collection (section 5.2).
pub fn collection_resource(id: &str, collection: &Collection) -> Json {
    let agreement = collection.agreement();
    json!({
        "id": id, "title": agreement.as_str(),
        "description": format!("Indicators that this node received or sent under the agreement {agreement}"),
        "can_read": true, "can_write": false, "media_types": [STIX_MEDIA_TYPE],
    })
}

/// Collections (section 5.1).
pub fn collections_resource(all: Vec<Json>) -> Json {
    named("collections", all, None)
}

/// Objects (section 3.7); `next` where there are more.
pub fn envelope(objects: Vec<Json>, next: Option<&Item>) -> Json {
    named("objects", objects, next)
}

/// What there is of objects (section 5.6).
pub fn manifest(items: &[Item], next: Option<&Item>) -> Json {
    let records = items.iter().map(|item| {
        json!({
            "id": item.id, "date_added": item.added.to_string(), "version": item.version.to_string(),
            "media_type": STIX_MEDIA_TYPE,
        })
    });
    named("objects", records.collect(), next)
}

/// Versions of an object (section 5.8).
pub fn versions(items: &[Item], next: Option<&Item>) -> Json {
    named("versions", items.iter().map(|item| item.version.to_string().into()).collect(), next)
}

/// An error (section 3.6.1).
pub fn problem(status: u16, title: &str, description: &str) -> Json {
    json!({ "title": title, "description": description, "http_status": status.to_string() })
}

/// A list under its name; without any item nothing at all, as the standard has it.
fn named(name: &str, all: Vec<Json>, next: Option<&Item>) -> Json {
    let mut resource = Map::new();
    if let Some(last) = next {
        resource.insert("more".into(), true.into());
        resource.insert("next".into(), Query::token(last.added).into());
    }
    if !all.is_empty() {
        resource.insert(name.into(), all.into());
    }
    resource.into()
}
