//! A record in its native JSON form, read by `group.field`.

use serde_json::Value as Json;

use crate::record::{OPENING, Scope, TypeTable, tables};

/// The newest table of a type.
pub(super) fn newest(type_name: &str) -> Option<&'static TypeTable> {
    tables().filter(|table| table.name == type_name && table.name != OPENING.name).max_by_key(|table| table.version)
}

/// A field of a type, wherever it stands in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) group: &'static str,
    pub(super) field: &'static str,
    goods: bool,
}

impl Place {
    /// Reads `group.field` of a type.
    pub(super) fn parse(table: &'static TypeTable, text: &str) -> Result<Self, String> {
        let (group, field) = text.split_once('.').ok_or_else(|| format!("'{text}' is not GROUP.FIELD"))?;
        let (_, found) = table.group(group).ok_or_else(|| format!("{} has no group '{group}'", table.name))?;
        let field = found.field(field).ok_or_else(|| format!("{group} of {} has no field '{field}'", table.name))?;
        Ok(Self { group: found.name, field: field.name, goods: found.scope == Scope::Item })
    }

    /// Every value there, as text: of all occurrences and goods items.
    pub(super) fn values(&self, record: &Json) -> Vec<String> {
        let of_leaf = |leaf: &Json| -> Vec<String> {
            match leaf.get(self.group) {
                Some(Json::Array(all)) => all.iter().filter_map(|one| text(one.get(self.field)?)).collect(),
                Some(one) => one.get(self.field).and_then(text).into_iter().collect(),
                None => Vec::new(),
            }
        };
        match self.goods {
            false => of_leaf(record),
            true => record.get("goods").and_then(Json::as_array).into_iter().flatten().flat_map(of_leaf).collect(),
        }
    }
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A field of a group that stands once in the record, as text.
pub fn group_text(record: &Json, group: &str, field: &str) -> Option<String> {
    record.get(group)?.get(field).and_then(text)
}

/// The record's type.
pub(super) fn type_of(record: &Json) -> &str {
    record.get("type").and_then(Json::as_str).unwrap_or_default()
}

/// The group that has reference, revision and action.
pub(super) fn head(record: &Json) -> &'static str {
    if type_of(record) == "declaration" { "filing" } else { "reference" }
}

/// The issuer's own reference.
pub fn own_reference(record: &Json) -> Option<String> {
    group_text(record, head(record), "own_reference")
}

/// What it does to earlier ones: `original`, `correction` or `cancellation`.
pub(super) fn action_of(record: &Json) -> String {
    group_text(record, head(record), "action").unwrap_or_else(|| "original".to_owned())
}

/// Its revision; a correction or cancellation without a number is the first.
pub(super) fn revision_of(record: &Json) -> u64 {
    let given = group_text(record, head(record), "revision").and_then(|text| text.parse().ok());
    given.unwrap_or(u64::from(action_of(record) != "original"))
}

/// The record as it can be read as a whole one: without the list of what a view hides.
pub fn without_withheld(record: &Json) -> Json {
    let mut whole = record.clone();
    if let Some(top) = whole.as_object_mut() {
        top.remove("withheld");
    }
    whole
}

/// The value under a pointer such as `/goods/1/content/description`, where lists count from 1.
pub(super) fn at<'r>(record: &'r Json, pointer: &str) -> Option<&'r Json> {
    pointer.split('/').filter(|part| !part.is_empty()).try_fold(record, |here, part| match here {
        Json::Array(list) => list.get(part.parse::<usize>().ok()?.checked_sub(1)?),
        other => other.get(part),
    })
}

/// The reference that an answer quotes, and its outcome; a declaration that amends another answers a referral too.
pub(super) fn quoted(record: &Json) -> Option<(String, String)> {
    match type_of(record) {
        "referral_answer" | "data_answer" => Some((
            group_text(record, "answer", "reference")?,
            group_text(record, "answer", "outcome").unwrap_or_default(),
        )),
        "declaration" => Some((group_text(record, "filing", "referral")?, "amended".to_owned())),
        _ => None,
    }
}

/// Whether an outcome answers a referral of this kind; a data request, which has none, takes every outcome.
pub(super) fn answer_fits(kind: &str, outcome: &str) -> bool {
    match kind {
        "rfi" => matches!(outcome, "information_given" | "no_information" | "amended"),
        "rfs" => matches!(outcome, "screened_clear" | "screened_suspicious" | "not_screened"),
        "dnl" => matches!(outcome, "not_loaded" | "removed" | "already_departed"),
        _ => true,
    }
}
