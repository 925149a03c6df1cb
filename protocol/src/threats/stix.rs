//! Indicators as STIX 2.1 objects, and records of type `indicator` from these.
//!
//! What customs look for stands in a property extension, whole, so that nothing is lost on the way and back; the pattern repeats it in one
//! line for people. A STIX pattern of its own is taken where it names sites (`url:value`, `domain-name:value`), joined by OR; all else that
//! patterns of computer networks name is nothing that a declaration tells. Source: STIX 2.1, sections 3.2, 4.7, 7.2 and 7.3; TLP 2.0 as
//! OASIS's extension gives it. Not here: TAXII (`shelf`).

use serde_json::{Map, Value as Json, json};

use super::indicator::{IndicatorId, Tlp};
use crate::limits::{MAX_INDICATOR_DAYS, MAX_OCCURRENCES};
use crate::names::MemberId;
use crate::time::Millis;

/// The extension with what customs look for.
const EXTENSION: &str = "extension-definition--5f0c2f4e-6f62-4d5c-9a5e-3d8b7c1f0a26";
const TLP_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
const TLP_CREATED: &str = "2022-10-01T00:00:00.000Z";
/// The same moment.
pub(super) const TLP_MOMENT: Millis = Millis(1_664_582_400_000);
/// The language of patterns that are only there for people.
const PATTERN_TYPE: &str = "luxor";
/// Groups of the record that stand in the extension as they are.
const GROUPS: [&str; 6] = ["goods_sought", "routes_sought", "parties_sought", "numbers_sought", "mass_sought", "sites"];
/// What coordinators bring together stands there too; it is nothing that is looked for.
const MERGES: &str = "merges";
/// Fields of its main group that STIX has no property for.
const FIELDS: [&str; 5] = ["threat", "advice", "list", "list_id", "supersedes"];

/// Why an object was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StixError {
    /// Something is missing or of another form.
    #[error("{0} is missing or of another form")]
    Property(&'static str),
    /// A pattern about something that no declaration tells.
    #[error(
        "the pattern is about nothing that declarations or platforms tell: {0}\nhint: sites are taken (url:value, domain-name:value), joined by OR"
    )]
    Pattern(String),
    /// Another version.
    #[error("spec_version {0}; 2.1 is read")]
    Version(String),
}

/// The objects of an indicator: who issued it, its marking, itself. `record` is the native JSON form of the record or of what is shown of it.
///
/// # Errors
/// [`StixError::Property`] where the group `indicator` is not shown.
pub fn to_stix(issuer: &MemberId, record: &Json, known_at: Millis) -> Result<[Json; 3], StixError> {
    let main = record["indicator"].as_object().ok_or(StixError::Property("/indicator"))?;
    let text = |field: &'static str| main.get(field).and_then(Json::as_str).ok_or(StixError::Property(field));
    let reference = &record["reference"];
    let made = reference["made_at"].as_str().map_or_else(|| known_at.to_string(), str::to_owned);
    let tlp: Tlp = text("tlp")?.parse().map_err(|_| StixError::Property("tlp"))?;
    let identity = identity(issuer);
    let mut extension = Map::new();
    extension.insert("extension_type".into(), "property-extension".into());
    for field in FIELDS {
        if let Some(value) = main.get(field) {
            extension.insert(field.into(), value.clone());
        }
    }
    for group in GROUPS.into_iter().chain([MERGES]) {
        if let Some(value) = record.get(group).filter(|value| !value.is_null()) {
            extension.insert(group.into(), value.clone());
        }
    }
    // What is not shown narrows it: whoever reads it has to know.
    if let Some(withheld) = record.get("withheld") {
        extension.insert("withheld".into(), withheld.clone());
    }
    extension.insert("revision".into(), reference.get("revision").cloned().unwrap_or(0.into()));
    let mut object = Map::new();
    let mut set = |name: &str, value: Json| object.insert(name.into(), value);
    set("type", "indicator".into());
    set("spec_version", "2.1".into());
    set("id", text("id")?.into());
    set("created_by_ref", identity["id"].clone());
    // A version later than the first is modified later; STIX asks that `created` stays.
    set("created", text("valid_from")?.min(&made).into());
    set("modified", made.clone().into());
    if let Some(name) = main.get("name") {
        set("name", name.clone());
    }
    if let Some(text) = main.get("text") {
        set("description", text.clone());
    }
    set("indicator_types", json!(["anomalous-activity"]));
    set("pattern", pattern(record).into());
    set("pattern_type", PATTERN_TYPE.into());
    set("valid_from", text("valid_from")?.into());
    set("valid_until", text("valid_until")?.into());
    set("confidence", main.get("confidence").cloned().unwrap_or(0.into()));
    if reference["action"] == "cancellation" {
        set("revoked", true.into());
    }
    set("object_marking_refs", json!([marking_id(tlp)]));
    set("extensions", json!({ EXTENSION: extension }));
    Ok([identity, marking(tlp), Json::Object(object)])
}

/// The record of an indicator object, in the native JSON form. One that ends nowhere ends `days` after it begins.
///
/// # Errors
/// [`StixError`].
pub fn from_stix(object: &Json, days: u64) -> Result<Json, StixError> {
    let text = |name: &'static str| object[name].as_str().ok_or(StixError::Property(name));
    if let Some(version) = object["spec_version"].as_str().filter(|version| *version != "2.1") {
        return Err(StixError::Version(version.to_owned()));
    }
    if object["type"] != "indicator" {
        return Err(StixError::Property("type"));
    }
    let id: IndicatorId = text("id")?.parse().map_err(|_| StixError::Property("id"))?;
    let time = |name| text(name)?.parse::<Millis>().map_err(|_| StixError::Property(name));
    let from = time("valid_from")?;
    let until = match object.get("valid_until") {
        Some(_) => time("valid_until")?,
        None => from.plus_days(days.min(MAX_INDICATOR_DAYS)),
    };
    let extension = &object["extensions"][EXTENSION];
    let mut main = Map::new();
    main.insert("id".into(), id.as_str().into());
    main.insert("valid_from".into(), from.to_string().into());
    main.insert("valid_until".into(), until.to_string().into());
    let marked = object["object_marking_refs"].as_array().into_iter().flatten().filter_map(Json::as_str);
    // Of several markings the strictest; without any, nobody but the recipient.
    let tlp = marked
        .filter_map(|id| Tlp::ALL.iter().copied().find(|tlp| marking_id(*tlp) == id || former_id(*tlp) == Some(id)))
        .max();
    main.insert("tlp".into(), tlp.unwrap_or(Tlp::AmberStrict).word().into());
    // STIX: absent is not told, which is no confidence.
    let confidence = object["confidence"].as_u64().unwrap_or(0).min(100);
    main.insert("confidence".into(), confidence.into());
    let cut = |text: &str, chars: usize| -> Option<Json> {
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(chars).collect();
        (!text.trim().is_empty()).then(|| text.trim().into())
    };
    if let Some(name) = object["name"].as_str().and_then(|name| cut(name, 256)) {
        main.insert("name".into(), name);
    }
    if let Some(text) = object["description"].as_str().and_then(|text| cut(text, 512)) {
        main.insert("text".into(), text);
    }
    let mut reference = Map::new();
    reference.insert("own_reference".into(), id.as_str().into());
    if let Ok(modified) = time("modified") {
        reference.insert("made_at".into(), modified.to_string().into());
    }
    let mut record = Map::new();
    if extension.is_object() {
        for field in FIELDS {
            if let Some(value) = extension.get(field) {
                main.insert(field.into(), value.clone());
            }
        }
        for group in GROUPS.into_iter().chain([MERGES]) {
            if let Some(value) = extension.get(group) {
                record.insert(group.into(), value.clone());
            }
        }
        if let Some(revision) = extension["revision"].as_u64().filter(|revision| *revision > 0) {
            reference.insert("revision".into(), revision.into());
        }
    } else {
        record.insert("sites".into(), sites(text("pattern")?, text("pattern_type")?)?);
    }
    main.entry("threat").or_insert("other".into());
    main.entry("advice").or_insert("watch".into());
    if object["revoked"] == true {
        reference.insert("action".into(), "cancellation".into());
    }
    record.insert("type".into(), "indicator".into());
    record.insert("version".into(), 1.into());
    record.insert("reference".into(), reference.into());
    record.insert("indicator".into(), main.into());
    Ok(record.into())
}

/// Sites of a pattern of comparisons with `url:value` or `domain-name:value`, joined by OR.
fn sites(pattern: &str, kind: &str) -> Result<Json, StixError> {
    let refuse = || StixError::Pattern(pattern.chars().take(120).collect());
    if kind != "stix" {
        return Err(refuse());
    }
    let mut found = Vec::new();
    for part in pattern.split(" OR ") {
        let part = part.trim().trim_start_matches('[').trim_end_matches(']').trim();
        let (name, value) = part.split_once('=').ok_or_else(refuse)?;
        let value = value.trim().strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).ok_or_else(refuse)?;
        if !matches!(name.trim(), "url:value" | "domain-name:value") || value.contains('\'') || value.is_empty() {
            return Err(refuse());
        }
        found.push(json!({ "url": value.replace("\\\\", "\\") }));
    }
    match found.len() <= MAX_OCCURRENCES {
        true => Ok(found.into()),
        false => Err(refuse()),
    }
}

/// What is looked for in one line.
fn pattern(record: &Json) -> String {
    let mut parts = Vec::new();
    for group in GROUPS {
        let rows: Vec<String> = match &record[group] {
            Json::Array(rows) => rows.iter().map(fields).collect(),
            Json::Object(_) => vec![fields(&record[group])],
            _ => continue,
        };
        parts.push(format!("{} {}", group.trim_end_matches("_sought"), rows.join(" or ")));
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
}

fn fields(row: &Json) -> String {
    let fields = row.as_object().into_iter().flatten();
    let fields: Vec<String> = fields
        .map(|(name, value)| {
            format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), |text| format!("'{text}'")))
        })
        .collect();
    format!("({})", fields.join(" "))
}

/// The identifier of a member's identity object.
pub(super) fn identity_id(issuer: &MemberId) -> String {
    format!("identity--{}", IndicatorId::derived(&["identity", issuer.as_str()]).uuid())
}

/// A member as an identity object; the same for the same name.
pub(super) fn identity(issuer: &MemberId) -> Json {
    let id = identity_id(issuer);
    json!({
        "type": "identity", "spec_version": "2.1", "id": id, "created": TLP_CREATED, "modified": TLP_CREATED,
        "name": issuer.as_str(), "identity_class": "organization",
    })
}

/// A label as a marking definition.
pub(super) fn marking(tlp: Tlp) -> Json {
    json!({
        "type": "marking-definition", "spec_version": "2.1", "id": marking_id(tlp), "created": TLP_CREATED,
        "name": format!("TLP:{}", tlp.word().to_ascii_uppercase()),
        "extensions": { TLP_EXTENSION: { "extension_type": "property-extension", "tlp_2_0": tlp.word() } },
    })
}

/// OASIS's identifiers of TLP 2.0 markings.
pub(super) const fn marking_id(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    }
}

/// Those of TLP 1.0 (STIX 2.1, 7.2.1.4).
const fn former_id(tlp: Tlp) -> Option<&'static str> {
    match tlp {
        Tlp::Clear => Some("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"),
        Tlp::Green => Some("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"),
        Tlp::Amber => Some("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"),
        Tlp::AmberStrict => None,
        Tlp::Red => Some("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"),
    }
}
