//! Mapping files: which CSV column goes into which field, and what is done to its cells.
//!
//! A mapping that was parsed works: each path leads to a field of its type, each constant, default and mapped value is
//! one that its field may hold, and each group it fills can be complete. What it needs of a file is checked against the
//! header. Not in: reading files ([`mod@super::csv`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::parcel::Side;
use super::plan::{ColumnEntry, Wrong, sides};
use crate::record::{TypeTable, table, tables};

/// A mapping, ready for use. Its file:
///
/// ```toml
/// name = "shop"                         # all values of fields are written in quotes
/// type = "declaration"
/// version = 1
/// delimiter = ";"                       # "," if left out
/// ignore = ["Remarks"]                  # columns that are not used; any other unused column is an error
///
/// [constants]
/// "route.destination" = "KR"
/// "declarant.1.role" = "declarant"      # repeated groups with the number of the occurrence
/// "goods.value.currency" = "GBP"        # goods.<group>.<field>: in each goods item
///
/// [[column]]
/// from = "InvoiceNo"
/// to = "filing.own_reference"
///
/// [[column]]
/// from = "Price"
/// to = "goods.value.amount"
/// round = 2                             # to exactly so many digits after the point, half away from zero
///
/// [[column]]
/// from = "Weight in g"
/// to = "goods.origin.net_kg"
/// trim = true                           # white space at the ends is dropped; an empty cell is absent
/// default = "0.1"                       # the value of an absent cell
/// divide = "1000"                       # or multiply; exact, never floating point
///
/// [[column]]
/// from = "Carrier"
/// to = "route.mode"
/// map = { "sea" = "1", "air" = "4", "?" = "" }   # to "" means absent
/// otherwise = "keep"                    # text not in the map; "refuse" if left out
///
/// [group]                               # consecutive rows with the same cells here are one parcel, a goods item each
/// by = ["InvoiceNo"]
///
/// [[refuse]]                            # rows that are no goods
/// column = "StockCode"
/// values = ["POST", "C2"]
/// reason = "charge line, not goods"
/// ```
///
/// A repeated occurrence whose columns are all empty is left out with its constants, and so is any other group that
/// then lacks a mandatory field. Rows of one parcel stand together: the same key further down begins another record.
#[derive(Debug)]
pub struct Mapping {
    name: String,
    pub(super) table: &'static TypeTable,
    pub(super) delimiter: u8,
    pub(super) ignore: BTreeSet<String>,
    pub(super) group_by: Vec<String>,
    pub(super) refuse: Vec<Rule>,
    pub(super) record: Side,
    pub(super) goods: Side,
}

/// Rows that are refused: those whose cell is one of the values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) column: String,
    pub(super) values: BTreeSet<String>,
    pub(super) reason: String,
}

/// Why a mapping file was refused.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// It is not TOML, or has a key that mappings do not have, or lacks one.
    #[error(
        "the mapping cannot be read: {0}hint: the documentation of luxor_protocol::formats::Mapping shows every key"
    )]
    Toml(#[from] toml::de::Error),
    /// There is no such record type.
    #[error("mapping '{mapping}': no record type {kind} version {version}\nhint: known are {known}")]
    Type {
        /// The mapping's name.
        mapping: String,
        /// The type named.
        kind: String,
        /// The version named.
        version: u64,
        /// The types that records may have.
        known: String,
    },
    /// An entry cannot work.
    #[error("mapping '{mapping}', {place}: {what}")]
    Entry {
        /// The mapping's name.
        mapping: String,
        /// The entry.
        place: String,
        /// What is wrong with it, and a hint if there is one.
        what: String,
    },
}

const BUILTIN: &[(&str, &str)] = &[("bacuda", include_str!("bacuda.toml"))];

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// [`MappingError`] with the first entry that cannot work.
    pub fn parse(toml: &str) -> Result<Self, MappingError> {
        let file: File = toml::from_str(toml)?;
        let name = file.name.clone();
        let entry = |(place, what)| MappingError::Entry { mapping: name.clone(), place, what };
        let usable = |t: &&TypeTable| t.groups.iter().any(|g| !g.fields.is_empty());
        let Some(table) = table(&file.kind, file.version).filter(usable) else {
            let known: Vec<_> = tables().filter(usable).map(|t| format!("{} version {}", t.name, t.version)).collect();
            let known = known.join(", ");
            return Err(MappingError::Type { mapping: name, kind: file.kind, version: file.version, known });
        };
        file.check().map_err(entry)?;
        let delimiter = delimiter(&file.delimiter).map_err(|what| entry(("delimiter".into(), what)))?;
        let [record, goods] = sides(table, file.constants, file.column).map_err(entry)?;
        let group_by = file.group.map(|group| group.by).unwrap_or_default();
        Ok(Self {
            name: file.name,
            table,
            delimiter,
            ignore: file.ignore,
            group_by,
            refuse: file.refuse,
            record,
            goods,
        })
    }

    /// The text of a mapping that comes with the crate: `bacuda`.
    pub fn builtin(name: &str) -> Option<&'static str> {
        BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether several rows may give one record.
    pub fn groups_rows(&self) -> bool {
        !self.group_by.is_empty()
    }

    /// Every column that it needs a file to have.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        let mapped = self.record.columns.iter().chain(&self.goods.columns).map(|c| &*c.name);
        mapped.chain(self.group_by.iter().map(|c| &**c)).chain(self.refuse.iter().map(|r| &*r.column))
    }
}

/// A mapping file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    version: u64,
    #[serde(default = "comma")]
    delimiter: String,
    #[serde(default)]
    ignore: BTreeSet<String>,
    #[serde(default)]
    constants: BTreeMap<String, String>,
    #[serde(default)]
    column: Vec<ColumnEntry>,
    group: Option<GroupEntry>,
    #[serde(default)]
    refuse: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupEntry {
    by: Vec<String>,
}

fn comma() -> String {
    ",".into()
}

impl File {
    /// What can be checked without the type table.
    fn check(&self) -> Result<(), Wrong> {
        if self.group.as_ref().is_some_and(|group| group.by.is_empty()) {
            return Err(("[group]".into(), "by names no column".into()));
        }
        for rule in &self.refuse {
            let place = || format!("[[refuse]] of column '{}'", rule.column);
            if rule.values.is_empty() {
                return Err((place(), "values is empty, the rule would refuse nothing".into()));
            }
            if rule.reason.trim().is_empty() {
                return Err((place(), "reason is empty\nhint: whoever sent the row will read it".into()));
            }
        }
        let named = self.column.iter().map(|c| &c.from);
        let named = named.chain(self.group.iter().flat_map(|g| &g.by)).chain(self.refuse.iter().map(|r| &r.column));
        match named.into_iter().find(|name| self.ignore.contains(*name)) {
            Some(name) => Err(("ignore".into(), format!("column '{name}' is ignored and used"))),
            None => Ok(()),
        }
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match *text.as_bytes() {
        [byte] if (byte.is_ascii_punctuation() && byte != b'"') || byte == b'\t' || byte == b' ' => Ok(byte),
        _ => Err(format!("'{text}' cannot separate cells\nhint: one of , ; | or \"\\t\"")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const HEAD: &str = "name = 'm'\ntype = 'declaration'\nversion = 1\n";
    const CONSTANTS: &str = "[constants]\n'filing.own_reference' = 'A'\n'route.destination' = 'KR'\n";

    fn refused(toml: &str) -> String {
        Mapping::parse(toml).unwrap_err().to_string()
    }

    fn column(body: &str) -> String {
        format!("{HEAD}{CONSTANTS}[[column]]\n{body}\n")
    }

    #[test]
    fn the_example_in_the_documentation_works() {
        let lines = include_str!("mapping.rs").lines().skip_while(|line| *line != "/// ```toml").skip(1);
        let example: Vec<_> = lines.map_while(|line| line.strip_prefix("///")).take_while(|l| *l != " ```").collect();
        let mapping = Mapping::parse(&example.join("\n")).unwrap();
        assert_eq!((mapping.name(), mapping.delimiter, mapping.groups_rows()), ("shop", b';', true));
        let columns: Vec<_> = mapping.columns().collect();
        assert_eq!(columns, ["InvoiceNo", "Carrier", "Price", "Weight in g", "InvoiceNo", "StockCode"]);
    }

    #[test]
    fn builtin_mappings_parse_under_their_names() {
        for (name, text) in BUILTIN {
            assert_eq!(Mapping::parse(text).unwrap().name(), *name);
        }
        assert_eq!(Mapping::builtin("none"), None);
    }

    #[test]
    fn unknown_names_are_answered_with_the_known_ones() {
        let colour = refused("name = 'm'\ntype = 'declaration'\nversion = 1\ncolour = 1");
        assert!(colour.contains("unknown field `colour`"), "{colour}");
        assert!(refused(&column("from = 'a'\nto = 'route.mode'\nrund = 1")).contains("unknown field `rund`"));
        assert!(refused("name = 'm'\ntype = 'declaration'\n").contains("missing field `version`"));
        assert!(refused("name = 'm'\ntype = 'opening'\nversion = 1").contains("known are declaration version 1"));
        let unknown = refused(&column("from = 'a'\nto = 'route.mod'"));
        assert!(unknown.starts_with("mapping 'm', column 'a' to 'route.mod': route has no field 'mod'"), "{unknown}");
        assert!(unknown.contains("hint: known are route.destination, route.departure"), "{unknown}");
    }

    #[test]
    fn what_could_never_give_a_record_is_refused() {
        assert!(refused(HEAD).contains("field 'filing.own_reference': each declaration must have it"));
        assert!(refused(&column("from = 'a'\nto = 'declarant.1.id'")).contains("field 'declarant.1.role': its group"));
        assert!(refused(&column("from = 'a'\nto = 'route.destination'")).contains("filled twice"));
        let twice = "from = 'a'\nto = 'route.mode'\n[[column]]\nfrom = 'b'\nto = 'route.mode'";
        assert!(refused(&column(twice)).contains("column 'b' to 'route.mode': the field is filled twice"));
        assert!(refused(&column("from = 'a'\nto = 'route.mode'\nround = 1")).contains("are for numbers"));
        let constant = refused(&format!("{HEAD}{CONSTANTS}'route.departure' = 'Korea'"));
        assert!(constant.contains("constant 'route.departure': 'Korea' is not a country"), "{constant}");
    }

    #[test]
    fn file_options_are_checked() {
        for delimiter in ["", ",,", "a", "\"", "ä"] {
            assert!(refused(&format!("{HEAD}delimiter = '{delimiter}'\n{CONSTANTS}")).contains("cannot separate"));
        }
        assert!(Mapping::parse(&format!("{HEAD}delimiter = \"\\t\"\n{CONSTANTS}")).is_ok());
        let with = |more: &str| format!("{HEAD}ignore = ['x']\n{CONSTANTS}{more}");
        assert!(refused(&with("[group]\nby = []")).contains("[group]: by names no column"));
        assert!(refused(&with("[group]\nby = ['x']")).contains("column 'x' is ignored and used"));
        let rule = "[[refuse]]\ncolumn = 'c'\n";
        assert!(refused(&with(&format!("{rule}values = []\nreason = 'r'"))).contains("values is empty"));
        assert!(refused(&with(&format!("{rule}values = ['v']\nreason = ' '"))).contains("reason is empty"));
    }
}
