//! The header of a CSV file: whether it fits the mapping, and where each column stands.

use std::collections::{BTreeSet, HashMap};

use super::FormatError;
use super::mapping::Mapping;
use super::plan::Column;
use super::rules::{Rule, Test};

/// The place of an optional column that the file lacks; no row is so long. Of others none is missing.
const NOWHERE: usize = usize::MAX;

/// Where in a row the mapping's columns stand.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) record: Vec<Place>,
    pub(super) goods: Vec<Place>,
    pub(super) key: Vec<usize>,
    /// Of rules that look at a cell; of others it means nothing.
    pub(super) rules: Vec<usize>,
    /// Of each charge: the cell that tells it, and its amount.
    pub(super) charges: Vec<(usize, Place)>,
    pub(super) cancellation: Option<CancellationPlaces>,
}

/// A cell, and the one that it is multiplied with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) factor: Option<usize>,
}

#[derive(Debug)]
pub(super) struct CancellationPlaces {
    pub(super) reference: usize,
    pub(super) same: Vec<usize>,
    pub(super) quantity: usize,
}

impl Places {
    /// Finds them in the header.
    pub(super) fn find(mapping: &Mapping, header: &[String]) -> Result<Self, FormatError> {
        let named = || mapping.name().to_owned();
        let mut known = HashMap::new();
        let mut twice = None;
        for (at, name) in header.iter().enumerate() {
            if known.insert(name.as_str(), at).is_some() {
                twice = twice.or(Some(name));
            }
        }
        let missing = mapping.columns().filter(|name| !known.contains_key(name) && !mapping.optional.contains(*name));
        let missing = quoted(missing.collect::<BTreeSet<_>>());
        if !missing.is_empty() {
            return Err(FormatError::MissingColumns { mapping: named(), missing, header: quoted(header) });
        }
        let used = |name: &str| mapping.columns().any(|column| column == name);
        let columns = quoted(header.iter().filter(|name| !used(name) && !mapping.ignore.contains(*name)));
        if !columns.is_empty() {
            return Err(FormatError::UnmappedColumns { mapping: named(), columns });
        }
        if let Some(column) = twice.filter(|name| used(name)) {
            return Err(FormatError::DuplicateColumn { mapping: named(), column: column.clone() });
        }
        let place = |name: &str| known.get(name).copied().unwrap_or(NOWHERE);
        let both =
            |name: &str, factor: &Option<String>| Place { at: place(name), factor: factor.as_deref().map(place) };
        let side = |columns: &[Column]| columns.iter().map(|column| both(&column.name, &column.factor)).collect();
        let rule = |rule: &Rule| match &rule.test {
            Test::Cell { column, .. } => place(column),
            Test::Same(..) | Test::Listed { .. } => 0,
        };
        let cancellation = mapping.cancellation.as_ref().map(|cancellation| CancellationPlaces {
            reference: place(&cancellation.column),
            same: cancellation.same.iter().map(|name| place(name)).collect(),
            quantity: place(&cancellation.quantity),
        });
        Ok(Self {
            record: side(&mapping.record.columns),
            goods: side(&mapping.goods.columns),
            key: mapping.group_by.iter().map(|name| place(name)).collect(),
            rules: mapping.refuse.iter().map(rule).collect(),
            charges: mapping.charges.iter().map(|c| (place(&c.column), both(&c.from, &c.times))).collect(),
            cancellation,
        })
    }
}

fn quoted<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("'{}'", name.as_ref())).collect();
    names.join(", ")
}
