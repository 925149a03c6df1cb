//! Rows that are no goods: those that a rule refuses, charges, and cancellations.
//!
//! Not in: what a charge does to its parcel ([`super::parcel`]), which sale is cancelled ([`super::sales`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::cell::{Cell, Treatment};
use super::parcel::Side;
use super::plan::{Column, Wrong};
use super::tally::Class;
use super::target::Target;
use crate::names::Territory;
use crate::record::{Kind, Scope, TypeTable, Value};

/// A `[[refuse]]` as it is written: a cell, or a field of the record, and what it is compared with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleEntry {
    class: Option<Class>,
    pub(super) column: Option<String>,
    values: Option<BTreeSet<String>>,
    field: Option<String>,
    equals: Option<String>,
    #[serde(rename = "in")]
    inside: Option<String>,
    not_in: Option<String>,
    reason: String,
}

/// A `[[charge]]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChargeEntry {
    pub(super) column: String,
    pub(super) values: BTreeSet<String>,
    pub(super) from: String,
    pub(super) times: Option<String>,
    round: Option<u8>,
    pub(super) to: String,
}

/// A `[cancellation]` as it is written, which needs no further check.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cancellation {
    /// Its cell begins with `prefix` in a cancellation, and names the sale otherwise.
    pub(super) column: String,
    pub(super) prefix: String,
    /// Columns whose cells a sale and its cancellation have in common.
    #[serde(rename = "match")]
    pub(super) same: Vec<String>,
    pub(super) quantity: String,
}

/// Rows that are refused.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) class: Class,
    pub(super) test: Test,
    pub(super) reason: String,
}

/// What is looked at.
#[derive(Debug)]
pub(super) enum Test {
    /// Whether a cell is one of the values.
    Cell { column: String, values: BTreeSet<String> },
    /// Whether two fields are the same.
    Same(Operand, Operand),
    /// Whether a field is in a list, or is not.
    Listed { operand: Operand, list: BTreeSet<String>, inside: bool },
}

/// A field of the record, as a row has it.
#[derive(Debug)]
pub(super) struct Operand {
    pub(super) target: Target,
    pub(super) from: From,
}

#[derive(Debug)]
pub(super) enum From {
    /// A column of the record's side.
    Column(usize),
    Constant(Value),
}

/// What is paid beside the goods.
#[derive(Debug)]
pub(super) struct Charge {
    pub(super) column: String,
    pub(super) values: BTreeSet<String>,
    pub(super) from: String,
    pub(super) times: Option<String>,
    pub(super) cell: Cell,
    /// The column of the record's side that takes the sum.
    pub(super) at: usize,
}

/// Lists that a mapping has, by name.
pub(super) type Lists = BTreeMap<String, BTreeSet<String>>;

impl RuleEntry {
    /// Checks what it names against what the mapping fills.
    pub(super) fn rule(self, table: &'static TypeTable, record: &Side, lists: &Lists) -> Result<Rule, Wrong> {
        let place = match (&self.column, &self.field) {
            (Some(column), _) => format!("[[refuse]] of column '{column}'"),
            (None, Some(field)) => format!("[[refuse]] of field '{field}'"),
            (None, None) => "[[refuse]]".to_owned(),
        };
        self.checked(table, record, lists).map_err(|what| (place, what))
    }

    fn checked(self, table: &'static TypeTable, record: &Side, lists: &Lists) -> Result<Rule, String> {
        let Self { class, column, values, field, equals, inside, not_in, reason } = self;
        let class = class.unwrap_or(Class::Refused);
        if !matches!(class, Class::Refused | Class::Domestic | Class::NoMember) {
            return Err(format!("class '{class}' is not decided by a rule\nhint: domestic, no_member or refused"));
        }
        if reason.trim().is_empty() {
            return Err("reason is empty\nhint: whoever sent the row will read it".into());
        }
        let operand = |path: &str| Operand::find(table, record, path);
        let list = |name: String| match lists.get(&name) {
            Some(list) => Ok(list.clone()),
            None => Err(format!("there is no list '{name}'\nhint: add it under [lists]")),
        };
        let test = match (column, values, field, equals, inside, not_in) {
            (Some(_), Some(values), None, None, None, None) if values.is_empty() => {
                return Err("values is empty, the rule would refuse nothing".into());
            }
            (Some(column), Some(values), None, None, None, None) => Test::Cell { column, values },
            (None, None, Some(field), Some(other), None, None) => Test::Same(operand(&field)?, operand(&other)?),
            (None, None, Some(field), None, Some(name), None) => {
                Test::Listed { operand: operand(&field)?, list: list(name)?, inside: true }
            }
            (None, None, Some(field), None, None, Some(name)) => {
                Test::Listed { operand: operand(&field)?, list: list(name)?, inside: false }
            }
            _ => return Err("a rule has column and values, or field and one of equals, in and not_in".into()),
        };
        Ok(Rule { class, test, reason })
    }
}

impl Operand {
    fn find(table: &'static TypeTable, record: &Side, path: &str) -> Result<Self, String> {
        let target = Target::resolve(table, path)?;
        if target.group.scope != Scope::Record {
            return Err(format!("'{path}' is of goods items, a rule looks at fields of the record"));
        }
        let same = |t: Target| (t.position, t.occurrence, t.field.number);
        let column = record.columns.iter().position(|c| !c.charged && same(c.target) == same(target));
        let part = record.parts.iter().find(|p| (p.position, p.occurrence) == (target.position, target.occurrence));
        let constant = part.and_then(|p| p.constants.iter().find(|(number, _)| *number == target.field.number));
        let from = match (column, constant) {
            (Some(at), _) => From::Column(at),
            (None, Some((_, value))) => From::Constant(value.clone()),
            (None, None) => return Err(format!("no column and no constant fills '{path}'")),
        };
        Ok(Self { target, from })
    }

    /// The value in a row whose cell of a column of the record's side is at hand; none where it cannot be read.
    pub(super) fn value<'c>(
        &self,
        record: &Side,
        cell: impl Fn(usize) -> (&'c [u8], Option<&'c [u8]>),
    ) -> Option<Value> {
        match &self.from {
            From::Constant(value) => Some(value.clone()),
            From::Column(at) => {
                let (cell, factor) = cell(*at);
                record.columns.get(*at)?.cell.read(cell, factor).ok()?
            }
        }
    }

    /// The column that it comes from, if it does.
    pub(super) fn column<'a>(&self, record: &'a Side) -> Option<&'a Column> {
        match self.from {
            From::Column(at) => record.columns.get(at),
            From::Constant(_) => None,
        }
    }
}

/// Whether a list has the value; a customs territory has those of its states.
pub(super) fn has(list: &BTreeSet<String>, kind: Kind, value: &Value) -> bool {
    let text = value.to_string();
    if list.contains(&text) {
        return true;
    }
    let territory = |text: &str| text.parse::<Territory>().ok();
    match (kind, territory(&text)) {
        (Kind::Territory, Some(place)) => list.iter().filter_map(|t| territory(t)).any(|whole| whole.contains(place)),
        _ => false,
    }
}

impl ChargeEntry {
    /// Checks the amount against the field; `at` is the column that takes the sum.
    pub(super) fn charge(self, target: Target, at: usize) -> Result<Charge, String> {
        let Self { column, values, from, times, round, .. } = self;
        if values.is_empty() {
            return Err("values is empty, no row would be a charge".into());
        }
        if target.group.scope != Scope::Record || target.group.repeats {
            return Err("a charge goes into a field that the record has once".into());
        }
        let kind = target.field.kind;
        let Kind::Decimal(..) = kind else {
            return Err(format!("a charge is an amount, the field takes {}", kind.expected()));
        };
        let cell = Cell::new(kind, Treatment { trim: true, times: times.clone(), round, ..Treatment::default() })?;
        Ok(Charge { column, values, from, times, cell, at })
    }
}

impl Cancellation {
    /// What can be wrong with it.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        let wrong = |what: &str| Err(("[cancellation]".to_owned(), what.to_owned()));
        match (self.prefix.is_empty(), self.same.is_empty()) {
            (true, _) => wrong("prefix is empty, every row would be a cancellation"),
            (_, true) => wrong("match names no column"),
            _ => Ok(()),
        }
    }
}
