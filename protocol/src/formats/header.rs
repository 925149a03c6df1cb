//! The header of a CSV file: whether it fits the mapping, and where each column stands.

use std::collections::{BTreeSet, HashMap};

use super::FormatError;
use super::mapping::Mapping;
use super::plan::Column;

/// Where in a row the mapping's columns stand.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) record: Vec<usize>,
    pub(super) goods: Vec<usize>,
    pub(super) key: Vec<usize>,
    pub(super) refuse: Vec<usize>,
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
        let missing = mapping.columns().filter(|name| !known.contains_key(name));
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
        let place = |name: &str| known.get(name).copied().unwrap_or_default(); // none is missing, see above
        let side = |columns: &[Column]| columns.iter().map(|column| place(&column.name)).collect();
        Ok(Self {
            record: side(&mapping.record.columns),
            goods: side(&mapping.goods.columns),
            key: mapping.group_by.iter().map(|name| place(name)).collect(),
            refuse: mapping.refuse.iter().map(|rule| place(&rule.column)).collect(),
        })
    }
}

fn quoted<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("'{}'", name.as_ref())).collect();
    names.join(", ")
}
