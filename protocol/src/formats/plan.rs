//! From a mapping's entries to the groups and fields that each row fills.
//!
//! Not in: the mapping file as a whole ([`super::mapping`]), filling them ([`super::parcel`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::cell::{Cell, Otherwise, Treatment};
use super::parcel::{Part, Side};
use super::target::{Target, path_of};
use crate::record::{Scope, TypeTable};

/// A column that goes into a field.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) cell: Cell,
}

/// A `[[column]]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnEntry {
    pub(super) from: String,
    to: String,
    #[serde(default)]
    trim: bool,
    default: Option<String>,
    map: Option<BTreeMap<String, String>>,
    otherwise: Option<Otherwise>,
    multiply: Option<String>,
    divide: Option<String>,
    round: Option<u8>,
}

/// Place and fault of an entry.
pub(super) type Wrong = (String, String);

/// Both sides of a record, its own groups and those of its goods items.
pub(super) fn sides(
    table: &'static TypeTable,
    constants: BTreeMap<String, String>,
    columns: Vec<ColumnEntry>,
) -> Result<[Side; 2], Wrong> {
    let mut sides = [Side::default(), Side::default()];
    let mut taken = BTreeSet::new();
    let mut place = |target: Target| match taken.insert((target.position, target.occurrence, target.field.number)) {
        true => Ok(usize::from(target.group.scope == Scope::Item)),
        false => Err("the field is filled twice\nhint: default = gives a column a value for empty cells".to_owned()),
    };
    for (path, text) in constants {
        let wrong = |what| (format!("constant '{path}'"), what);
        let target = Target::resolve(table, &path).map_err(wrong)?;
        let value = target.field.kind.parse(&text).map_err(|e| wrong(e.to_string()))?;
        let side = place(target).map_err(wrong)?;
        sides[side].part(target).constants.push((target.field.number, value));
    }
    for entry in columns {
        let ColumnEntry { from, to, trim, default, map, otherwise, multiply, divide, round } = entry;
        let wrong = |what| (format!("column '{from}' to '{to}'"), what);
        let target = Target::resolve(table, &to).map_err(wrong)?;
        let treatment = Treatment { trim, default, map, otherwise, multiply, divide, round };
        let cell = Cell::new(target.field.kind, treatment).map_err(wrong)?;
        let side = &mut sides[place(target).map_err(wrong)?];
        let at = side.columns.len();
        side.part(target).columns.push(at);
        side.columns.push(Column { name: from, target, cell });
    }
    for side in &mut sides {
        side.parts.sort_by_key(|part| (part.position, part.occurrence));
        if let Some(lacking) = side.parts.iter().find_map(|part| part.never_complete(&side.columns)) {
            return Err((format!("field '{lacking}'"), "its group is filled without it, but must have it".into()));
        }
    }
    let filled: BTreeSet<_> = sides.iter().flat_map(|side| &side.parts).map(|part: &Part| part.position).collect();
    for (position, group) in table.groups.iter().enumerate() {
        if group.mandatory && !filled.contains(&position) {
            let field = group.fields.iter().find(|f| f.mandatory).map_or("", |f| f.name);
            let what = format!("each {} must have it\nhint: map a column to it, or set a constant", table.name);
            return Err((format!("field '{}'", path_of(group, 1, field)), what));
        }
    }
    Ok(sides)
}
