//! The native JSON form of records and views: groups and fields by name, goods items under `goods`, decimals as strings.

use serde_json::{Map, Value as Json};

use super::commit::{GroupView, RecordView};
use super::content::{Content, ContentError, Fault, Occurrences, leaf_count, pointer, read_leaf};
use super::table::{Group, Scope, TypeTable};
use crate::limits::{MAX_GOODS_ITEMS, MAX_OCCURRENCES};

/// [`read_json`] of a complete record.
///
/// # Errors
/// [`ContentError`] with the place of the first thing that does not belong, or is not there.
pub fn content_from_json(json: &Json) -> Result<Content, ContentError> {
    let content = read_json(json)?;
    content.check_complete()?;
    Ok(content)
}

/// Reads `{"type": "declaration", "version": 1, "route": {…}, "goods": [{"value": {…}}]}`. The version may be left out.
///
/// # Errors
/// [`ContentError`] with the place of the first thing that does not belong. Whether the record is complete is not looked at.
pub fn read_json(json: &Json) -> Result<Content, ContentError> {
    let top = json.as_object().ok_or_else(|| ContentError::new(Fault::Encoding, "", "not a JSON object"))?;
    let name = top.get("type").and_then(Json::as_str);
    let name = name.ok_or_else(|| ContentError::new(Fault::Missing, "/type", "a record names its type"))?;
    let version = match top.get("version") {
        None => 1,
        Some(v) => v.as_u64().ok_or_else(|| ContentError::new(Fault::Value, "/version", "not a whole number"))?,
    };
    let table = super::table(name, version).filter(|t| t.groups.iter().any(|g| !g.fields.is_empty()));
    let table = table.ok_or_else(|| {
        ContentError::new(Fault::Unknown, "/type", format!("no record type {name} version {version}"))
    })?;
    let none = Vec::new();
    let goods = match top.get("goods") {
        None => &none,
        Some(Json::Array(goods)) => goods,
        Some(_) => return Err(ContentError::new(Fault::Encoding, "/goods", "not a list of goods items")),
    };
    if goods.len() > MAX_GOODS_ITEMS {
        return Err(ContentError::new(Fault::Limit, "/goods", format!("more than {MAX_GOODS_ITEMS} goods items")));
    }
    let mut content = Content::empty(table, goods.len());
    let rest = top.iter().filter(|(key, _)| !matches!(key.as_str(), "type" | "version" | "goods"));
    set_groups(&mut content, Scope::Record, 0, rest, "")?;
    for (item, groups) in goods.iter().enumerate() {
        let place = format!("/goods/{}", item + 1);
        let groups =
            groups.as_object().ok_or_else(|| ContentError::new(Fault::Encoding, place.clone(), "not a JSON object"))?;
        set_groups(&mut content, Scope::Item, item, groups.iter(), &place)?;
    }
    Ok(content)
}

/// The form that [`content_from_json`] reads back to the same content.
pub fn content_to_json(content: &Content) -> Json {
    let table = content.table();
    let mut top = Map::new();
    top.insert("type".into(), table.name.into());
    top.insert("version".into(), table.version.into());
    let mut goods = vec![Map::new(); content.items()];
    for (group, leaves) in table.groups.iter().zip(content.groups()) {
        for (item, leaf) in leaves.iter().enumerate().filter(|(_, leaf)| !leaf.is_empty()) {
            let json = leaf_to_json(group, leaf);
            match group.scope {
                Scope::Record => _ = top.insert(group.name.into(), json),
                Scope::Item => _ = goods.get_mut(item).map(|goods| goods.insert(group.name.into(), json)),
            }
        }
    }
    if !goods.is_empty() {
        top.insert("goods".into(), goods.into_iter().map(Json::Object).collect());
    }
    Json::Object(top)
}

/// What a view shows, in the same form. Hidden groups are listed under `withheld`.
pub fn view_to_json(table: &'static TypeTable, view: &RecordView) -> Json {
    let shown = view.groups.iter().map(|group| match group {
        GroupView::Hidden(_) => None,
        GroupView::Shown(leaves) => Some(leaves.iter().map(|leaf| leaf.bytes.as_slice()).collect()),
    });
    to_json(table, shown)
}

/// The leaves of each group, none where it is hidden.
fn to_json<'l>(table: &'static TypeTable, groups: impl Iterator<Item = Option<Vec<&'l [u8]>>>) -> Json {
    let mut top = Map::new();
    top.insert("type".into(), table.name.into());
    top.insert("version".into(), table.version.into());
    let mut withheld = Vec::new();
    let mut goods: Vec<Map<String, Json>> = Vec::new();
    for (group, leaves) in table.groups.iter().zip(groups) {
        let Some(leaves) = leaves else {
            withheld.push(Json::from(group.name));
            continue;
        };
        for (item, leaf) in leaves.into_iter().enumerate().filter(|(_, leaf)| !leaf.is_empty()) {
            let json = leaf_to_json(group, leaf);
            match group.scope {
                Scope::Record => {
                    top.insert(group.name.into(), json);
                }
                Scope::Item => {
                    if goods.len() <= item {
                        goods.resize(item + 1, Map::new());
                    }
                    goods[item].insert(group.name.into(), json);
                }
            }
        }
    }
    if !goods.is_empty() {
        top.insert("goods".into(), goods.into_iter().map(Json::Object).collect());
    }
    top.insert("withheld".into(), withheld.into());
    Json::Object(top)
}

fn leaf_to_json(group: &Group, leaf: &[u8]) -> Json {
    let object = |fields: Vec<(u8, super::Value)>| {
        let named = fields.into_iter().filter_map(|(n, value)| {
            group.field_number(u64::from(n)).map(|field| (field.name.to_owned(), value.to_json()))
        });
        Json::Object(named.collect())
    };
    // Leaves of an accepted view were checked when it arrived.
    let mut occurrences = read_leaf(group, leaf).unwrap_or_default();
    match group.repeats {
        true => occurrences.into_iter().map(object).collect(),
        false => occurrences.pop().map_or(Json::Null, object),
    }
}

fn set_groups<'a>(
    content: &mut Content,
    scope: Scope,
    item: usize,
    groups: impl Iterator<Item = (&'a String, &'a Json)>,
    place: &str,
) -> Result<(), ContentError> {
    for (name, json) in groups {
        let found = content.table().group(name).filter(|(_, group)| group.scope == scope);
        let Some((at, group)) = found else {
            let what = format!("{} has no group '{name}' here", content.table().name);
            return Err(ContentError::new(Fault::Unknown, format!("{place}/{name}"), what));
        };
        debug_assert!(item < leaf_count(group, content.items()));
        let occurrences = occurrences_from_json(group, json, &pointer(group, item))?;
        content.set(at, item, occurrences)?;
    }
    Ok(())
}

fn occurrences_from_json(group: &Group, json: &Json, place: &str) -> Result<Occurrences, ContentError> {
    let one = |json: &Json, place: String| -> Result<Vec<(u8, super::Value)>, ContentError> {
        let object =
            json.as_object().ok_or_else(|| ContentError::new(Fault::Encoding, place.clone(), "not a JSON object"))?;
        object
            .iter()
            .map(|(name, value)| {
                let at = format!("{place}/{name}");
                let field = group.field(name).ok_or_else(|| {
                    ContentError::new(Fault::Unknown, at.clone(), format!("{} has no such field", group.name))
                })?;
                let value =
                    field.kind.from_json(value).map_err(|e| ContentError::new(Fault::Value, at, e.to_string()))?;
                Ok((field.number, value))
            })
            .collect()
    };
    match json {
        Json::Array(list) if group.repeats => {
            if list.len() > MAX_OCCURRENCES {
                return Err(ContentError::new(Fault::Limit, place, format!("more than {MAX_OCCURRENCES} occurrences")));
            }
            list.iter().enumerate().map(|(at, json)| one(json, format!("{place}/{}", at + 1))).collect()
        }
        other if group.repeats => {
            Err(ContentError::new(Fault::Encoding, place, format!("expected a list, found {}", shape(other))))
        }
        other => Ok(vec![one(other, place.to_owned())?]),
    }
}

fn shape(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a truth value",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
