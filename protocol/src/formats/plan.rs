//! From a mapping's entries to the groups and fields that each row fills.
//!
//! Not in: the mapping file as a whole ([`super::mapping`]), filling them ([`super::parcel`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::cell::{Cell, Otherwise, Treatment};
use super::parcel::{Part, Side};
use super::rules::{Charge, ChargeEntry};
use super::target::{Target, path_of};
use crate::record::{Scope, TypeTable};

/// A column that goes into a field.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// The column whose number the cell's is multiplied with.
    pub(super) factor: Option<String>,
    pub(super) target: Target,
    pub(super) cell: Cell,
    /// The field takes the sum of a parcel's charges; no row has it.
    pub(super) charged: bool,
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
    codes: Option<String>,
    otherwise: Option<Otherwise>,
    fallback: Option<String>,
    date: Option<String>,
    offset: Option<String>,
    pub(super) times: Option<String>,
    multiply: Option<String>,
    divide: Option<String>,
    round: Option<u8>,
}

impl ColumnEntry {
    fn parts(self) -> (String, String, Treatment) {
        let Self {
            from,
            to,
            trim,
            default,
            map,
            codes,
            otherwise,
            fallback,
            date,
            offset,
            times,
            multiply,
            divide,
            round,
        } = self;
        let treatment =
            Treatment { trim, default, map, codes, otherwise, fallback, date, offset, times, multiply, divide, round };
        (from, to, treatment)
    }
}

/// Place and fault of an entry.
pub(super) type Wrong = (String, String);

/// Both sides of a record, its own groups and those of its goods items, and what charges do to the former.
pub(super) fn sides(
    table: &'static TypeTable,
    constants: BTreeMap<String, String>,
    columns: Vec<ColumnEntry>,
    charges: Vec<ChargeEntry>,
) -> Result<([Side; 2], Vec<Charge>), Wrong> {
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
        let (from, to, treatment) = entry.parts();
        let wrong = |what| (format!("column '{from}' to '{to}'"), what);
        let target = Target::resolve(table, &to).map_err(wrong)?;
        let factor = treatment.times.clone();
        let cell = Cell::new(target.field.kind, treatment).map_err(wrong)?;
        sides[place(target).map_err(wrong)?].add(Column { name: from, factor, target, cell, charged: false });
    }
    let mut found = Vec::with_capacity(charges.len());
    for entry in charges {
        let wrong = |what| (format!("[[charge]] of column '{}' to '{}'", entry.column, entry.to), what);
        let target = Target::resolve(table, &entry.to).map_err(wrong)?;
        let record = &mut sides[0];
        let there = record.columns.iter().position(|c| c.charged && std::ptr::eq(c.target.field, target.field));
        let at = match there {
            Some(at) => at,
            None => {
                place(target).map_err(wrong)?;
                let cell = Cell::new(target.field.kind, Treatment::default()).map_err(wrong)?;
                record.add(Column { name: entry.from.clone(), factor: None, target, cell, charged: true })
            }
        };
        let named = (entry.column.clone(), entry.to.clone());
        let charge = entry.charge(target, at);
        found.push(charge.map_err(|what| (format!("[[charge]] of column '{}' to '{}'", named.0, named.1), what))?);
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
    Ok((sides, found))
}
