//! Parcels with more goods rows than a record may have goods items: several records, and a `link` that says so.
//!
//! Each part has everything that the parcel says beside its goods, under the parcel's reference and item number with `/1`,
//! `/2` … behind them; charges stand in the first. The link is of the parcel's own number, `split_into` those of its parts, and goes
//! where they go. Not in: when a parcel is split ([`super::parcel`]).

use super::Trouble;
use super::mapping::Mapping;
use super::parcel::{Side, Values};
use crate::record::{Content, Fault, Group, TypeTable, Value, table};

/// Groups that the link has in common with the parts, so that agreements treat it alike.
const SHARED: [&str; 2] = ["route", "handling"];

/// What must be numbered in each part.
fn numbered(table: &TypeTable) -> [(&'static str, &'static str); 2] {
    let reference = if table.group("filing").is_some() { "filing" } else { "reference" };
    [(reference, "own_reference"), ("item", "id")]
}

/// Checks that parts of this mapping can be told apart and linked; says in words what is wrong.
pub(super) fn check(table: &'static TypeTable, record: &Side) -> Result<(), String> {
    for (group, field) in numbered(table) {
        if place(record, group, field).is_none() {
            return Err(format!("parts are told apart by {group}.{field}, so a column must fill it"));
        }
    }
    Ok(())
}

/// Puts the number of the part behind what tells parcels apart.
pub(super) fn number(mapping: &Mapping, values: &mut Values, part: usize) -> Result<(), Trouble> {
    for (group, field) in numbered(mapping.table) {
        let Some(at) = place(&mapping.record, group, field) else { continue };
        let Some(column) = mapping.record.columns.get(at) else { continue };
        let Some(Some(value)) = values.get_mut(at) else {
            return Err(column.trouble(
                Fault::Missing,
                0,
                "the cell is empty, but the parcel's parts are told apart by it",
            ));
        };
        let text = format!("{value}/{part}");
        *value = column.target.field.kind.parse(&text).map_err(|e| column.trouble(Fault::Value, 0, e.to_string()))?;
    }
    Ok(())
}

/// The link from the parcel to its parts.
pub(super) fn link<'c>(
    mapping: &Mapping,
    whole: &Values,
    parts: impl Iterator<Item = &'c Content> + Clone,
) -> Result<Content, Trouble> {
    let impossible = || Trouble::new(Fault::Mapping, "the parts cannot be linked");
    let table = table("link", 1).ok_or_else(impossible)?;
    let first = parts.clone().next().ok_or_else(impossible)?;
    let [reference, id] = numbered(mapping.table).map(|(group, field)| {
        let at = place(&mapping.record, group, field)?;
        whole.get(at)?.as_ref().map(Value::to_string)
    });
    let (reference, id) = (reference.ok_or_else(impossible)?, id.ok_or_else(impossible)?);
    let mut link = Content::empty(table, 0);
    let mut set = |name: &str, occurrences: Vec<Vec<(&str, Value)>>| -> Result<(), Trouble> {
        let (at, group) = table.group(name).ok_or_else(impossible)?;
        let numbered = |fields: Vec<(&str, Value)>| {
            let field = |(name, value): (&str, Value)| group.field(name).map(|field| (field.number, value));
            fields.into_iter().filter_map(field).collect()
        };
        Ok(link.set(at, 0, occurrences.into_iter().map(numbered).collect())?)
    };
    let text = |text: &str| Value::Text(text.to_owned());
    set("reference", vec![vec![("own_reference", text(&format!("{reference}/parts"))), ("action", text("original"))]])?;
    let mut item = fields(first, "item");
    for (name, value) in &mut item {
        if *name == "id" {
            *value = text(&id);
        }
    }
    set("item", vec![item])?;
    set("relation", vec![vec![("kind", text("split_into"))]])?;
    set("others", parts.map(|part| fields(part, "item")).collect())?;
    for name in SHARED {
        set(name, vec![fields(first, name)])?;
    }
    link.check_complete()?;
    Ok(link)
}

/// The fields of a group that the record has once.
fn fields(content: &Content, group: &str) -> Vec<(&'static str, Value)> {
    let known: &'static [_] = content.table().group(group).map_or(&[], |(_, group): (_, &'static Group)| group.fields);
    known.iter().filter_map(|field| Some((field.name, content.field(group, field.name)?))).collect()
}

fn place(record: &Side, group: &str, field: &str) -> Option<usize> {
    record.columns.iter().position(|c| c.target.group.name == group && c.target.field.name == field)
}
