//! Mapping files: which CSV column goes into which field, and what is done to its cells.
//!
//! A mapping that was parsed works: each path leads to a field of its type, each constant, default and mapped value is
//! one that its field may hold, and each group it fills can be complete. What it needs of a file is checked against the
//! header. Not in: reading files ([`mod@super::csv`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::parcel::Side;
use super::plan::{ColumnEntry, Wrong, sides};
use super::postal::MessageEntry;
use super::rules::{Cancellation, Charge, ChargeEntry, Lists, Rule, RuleEntry, Test};
use crate::record::{TypeTable, table, tables};

/// A mapping, ready for use. Its file:
///
/// ```toml
/// name = "shop"                         # all values of fields are written in quotes
/// type = "declaration"
/// version = 1
/// delimiter = ";"                       # "," if left out
/// ignore = ["Remarks"]                  # columns that are not used; any other unused column is an error
/// optional = ["Carrier"]                # columns that a file may lack: their cells are then empty
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
/// [[column]]
/// from = "Quantity"
/// times = "UnitPrice"                   # the product of two columns, exact
/// to = "order.price"
///
/// [[column]]
/// from = "InvoiceDate"
/// to = "order.sold_at"
/// date = "YYYY-MM-DD hh:mm:ss"          # of a day or a time; a time has an offset, Z or +01:00
/// offset = "Z"
///
/// [[column]]
/// from = "Procedure"
/// to = "filing.kind"
/// map = { "IM" = "import", "EX" = "export" }
/// fallback = "transit"                  # the value of text not in the map, or not in the code table
///
/// [group]                               # consecutive rows with the same cells here are one parcel, a goods item each
/// by = ["InvoiceNo"]
/// split = false                         # true: above 99 goods rows it becomes several records and a link
///
/// [lists]
/// destinations = ["KR", "EU"]           # a run may replace it
///
/// [[refuse]]                            # rows that give no record, the first rule that fits decides
/// column = "StockCode"                  # a cell is one of the values
/// values = ["SAMPLE"]
/// reason = "a sample, not sold"
///
/// [[refuse]]
/// class = "no_member"                   # or domestic; refused if left out
/// field = "route.destination"           # a field of the record is in a list, or not_in, or equals another field
/// not_in = "destinations"
/// reason = "no member receives there"
///
/// [cancellation]                        # rows whose cell begins so take back an earlier sale with the same other cells
/// column = "InvoiceNo"
/// prefix = "C"
/// match = ["Customer", "StockCode"]
/// quantity = "Quantity"
///
/// [[charge]]                            # rows that are paid beside the goods: their sum goes into a field of the record
/// column = "StockCode"
/// values = ["POST", "C2"]
/// from = "Quantity"
/// times = "UnitPrice"                   # may be left out
/// to = "postage.amount"
/// ```
///
/// `apostrophe = true` guards text that a spreadsheet would take for a formula, `leave_out = ["extra"]` names groups that are left out when
/// the mapping writes ([`super::MappedWriter`]), `[message]` is for postal messages ([`super::messages`]).
/// `codes = "EMSEVT"` reads a column by a table of [`super::codes`] instead of a map. A repeated occurrence whose columns
/// are all empty is left out with its constants, and so is any other group that then lacks a mandatory field. Rows of one
/// parcel stand together: the same key further down begins another record. What a row is, is decided in this order: rules
/// as they stand, cancellation, charge, goods.
#[derive(Debug)]
pub struct Mapping {
    name: String,
    pub(super) table: &'static TypeTable,
    pub(super) delimiter: u8,
    /// Whether an apostrophe guards text that a spreadsheet would take for a formula.
    pub(super) apostrophe: bool,
    pub(super) ignore: BTreeSet<String>,
    /// Columns that a file may lack: their cells are then empty.
    pub(super) optional: BTreeSet<String>,
    /// Groups for which the file has no place, so that writing leaves them out.
    pub(super) leave_out: BTreeSet<String>,
    /// How postal messages come; none for a mapping of CSV only.
    pub(super) message: Option<MessageEntry>,
    pub(super) group_by: Vec<String>,
    /// Whether a parcel with too many goods rows becomes several records.
    pub(super) split: bool,
    pub(super) refuse: Vec<Rule>,
    pub(super) cancellation: Option<Cancellation>,
    pub(super) charges: Vec<Charge>,
    pub(super) record: Side,
    pub(super) goods: Side,
}

/// What a run says in place of the mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Constants by path, in place of those of the mapping or beside them.
    pub constants: BTreeMap<String, String>,
    /// Lists in place of those that the mapping has.
    pub lists: BTreeMap<String, BTreeSet<String>>,
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

const BUILTIN: &[(&str, &str)] = &[
    ("bacuda", include_str!("bacuda.toml")),
    ("retail", include_str!("retail.toml")),
    ("asycuda", include_str!("asycuda.toml")),
    ("asycuda-response", include_str!("asycuda-response.toml")),
    ("itmatt", include_str!("itmatt.toml")),
    ("cusitm", include_str!("cusitm.toml")),
    ("cusrsp", include_str!("cusrsp.toml")),
    ("emsevt", include_str!("emsevt.toml")),
];

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// [`MappingError`] with the first entry that cannot work.
    pub fn parse(toml: &str) -> Result<Self, MappingError> {
        Self::parse_with(toml, &Arguments::default())
    }

    /// The same with what a run says in its place.
    ///
    /// # Errors
    /// As [`Mapping::parse`], and when it names a list that the mapping does not have.
    pub fn parse_with(toml: &str, arguments: &Arguments) -> Result<Self, MappingError> {
        let mut file: File = toml::from_str(toml)?;
        let name = file.name.clone();
        let entry = |(place, what)| MappingError::Entry { mapping: name.clone(), place, what };
        file.take(arguments).map_err(entry)?;
        let usable = |t: &&TypeTable| t.groups.iter().any(|g| !g.fields.is_empty());
        let Some(table) = table(&file.kind, file.version).filter(usable) else {
            let known: Vec<_> = tables().filter(usable).map(|t| format!("{} version {}", t.name, t.version)).collect();
            let known = known.join(", ");
            return Err(MappingError::Type { mapping: name, kind: file.kind, version: file.version, known });
        };
        let group_by = file.group.as_ref().map(|group| group.by.clone()).unwrap_or_default();
        file.check().map_err(entry)?;
        let delimiter = delimiter(&file.delimiter).map_err(|what| entry(("delimiter".into(), what)))?;
        let ([record, goods], charges) = sides(table, file.constants, file.column, file.charge).map_err(entry)?;
        let rule = |rule: RuleEntry| rule.rule(table, &record, &file.lists);
        let refuse = file.refuse.into_iter().map(rule).collect::<Result<_, _>>().map_err(entry)?;
        let split = file.group.is_some_and(|group| group.split);
        if split {
            super::split::check(table, &record).map_err(|what| entry(("[group] split".into(), what)))?;
        }
        if let Some(name) = file.leave_out.iter().find(|name| table.group(name).is_none()) {
            return Err(entry(("leave_out".into(), format!("{} has no group '{name}'", table.name))));
        }
        let (ignore, apostrophe, cancellation) = (file.ignore, file.apostrophe, file.cancellation);
        let (leave_out, optional, message) = (file.leave_out, file.optional, file.message);
        let mapping = Self {
            name: file.name,
            table,
            delimiter,
            apostrophe,
            ignore,
            optional,
            leave_out,
            message,
            group_by,
            split,
            refuse,
            cancellation,
            charges,
            record,
            goods,
        };
        mapping.check().map_err(entry)?;
        Ok(mapping)
    }

    /// Names of the mappings that come with the crate.
    pub fn builtins() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// The text of a mapping that comes with the crate.
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

    /// The type of the records that it gives.
    pub fn table(&self) -> &'static TypeTable {
        self.table
    }

    /// Whether records have goods items.
    pub(super) fn has_goods(&self) -> bool {
        !self.goods.parts.is_empty()
    }

    /// Every column that it needs a file to have.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.of_fields().chain(self.of_rows())
    }

    /// Columns that go into fields.
    fn of_fields(&self) -> impl Iterator<Item = &str> {
        let sides = self.record.columns.iter().chain(&self.goods.columns).filter(|c| !c.charged);
        sides.flat_map(|c| std::iter::once(&*c.name).chain(c.factor.as_deref()))
    }

    /// Columns that tell what a row is and to which parcel it belongs.
    fn of_rows(&self) -> impl Iterator<Item = &str> {
        let ruled = self.refuse.iter().filter_map(|rule| match &rule.test {
            Test::Cell { column, .. } => Some(&**column),
            Test::Same(..) | Test::Listed { .. } => None,
        });
        let charged = self.charges.iter().flat_map(|c| [&*c.column, &*c.from].into_iter().chain(c.times.as_deref()));
        let cancelled = self
            .cancellation
            .iter()
            .flat_map(|c| [&*c.column, &*c.quantity].into_iter().chain(c.same.iter().map(|name| &**name)));
        self.group_by.iter().map(|c| &**c).chain(ruled).chain(charged).chain(cancelled)
    }

    /// What can be checked when everything is known.
    fn check(&self) -> Result<(), Wrong> {
        if let Some(name) = self.columns().find(|name| self.ignore.contains(*name)) {
            return Err(("ignore".into(), format!("column '{name}' is ignored and used")));
        }
        for name in &self.optional {
            let wrong = |what| Err(("optional".to_owned(), format!("column '{name}' {what}")));
            if self.of_rows().any(|needed| needed == name) {
                return wrong("tells what a row is, so a file must have it");
            }
            if !self.of_fields().any(|mapped| mapped == name) {
                return wrong("goes into no field");
            }
        }
        let in_parcels = self.groups_rows() && self.has_goods();
        if !in_parcels && !self.charges.is_empty() {
            return Err((
                "[[charge]]".into(),
                "a charge is part of a parcel with goods, so rows must be grouped".into(),
            ));
        }
        if !in_parcels && self.split {
            return Err(("[group] split".into(), "there are no goods rows to split".into()));
        }
        let of_rows = !self.refuse.is_empty() || !self.charges.is_empty() || self.cancellation.is_some();
        if self.message.is_some() && of_rows {
            return Err(("[message]".into(), "rules, charges and cancellations are for rows of CSV".into()));
        }
        self.cancellation.as_ref().map_or(Ok(()), Cancellation::check)
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
    apostrophe: bool,
    #[serde(default)]
    ignore: BTreeSet<String>,
    #[serde(default)]
    optional: BTreeSet<String>,
    #[serde(default)]
    leave_out: BTreeSet<String>,
    message: Option<MessageEntry>,
    #[serde(default)]
    constants: BTreeMap<String, String>,
    #[serde(default)]
    lists: Lists,
    #[serde(default)]
    column: Vec<ColumnEntry>,
    group: Option<GroupEntry>,
    #[serde(default)]
    refuse: Vec<RuleEntry>,
    cancellation: Option<Cancellation>,
    #[serde(default)]
    charge: Vec<ChargeEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupEntry {
    by: Vec<String>,
    #[serde(default)]
    split: bool,
}

fn comma() -> String {
    ",".into()
}

impl File {
    /// Puts what a run says in place of what stands here.
    fn take(&mut self, arguments: &Arguments) -> Result<(), Wrong> {
        self.constants.extend(arguments.constants.clone());
        for (name, list) in &arguments.lists {
            match self.lists.get_mut(name) {
                Some(there) => list.clone_into(there),
                None => {
                    let known: Vec<_> = self.lists.keys().map(String::as_str).collect();
                    let hint = if known.is_empty() { "none".into() } else { known.join(", ") };
                    return Err((
                        format!("list '{name}'"),
                        format!("the mapping does not have it\nhint: it has {hint}"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// What can be checked without the type table.
    fn check(&self) -> Result<(), Wrong> {
        if self.group.as_ref().is_some_and(|group| group.by.is_empty()) {
            return Err(("[group]".into(), "by names no column".into()));
        }
        Ok(())
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
        let mapped =
            ["InvoiceNo", "Price", "Quantity", "UnitPrice", "InvoiceDate", "Procedure", "Weight in g", "Carrier"];
        assert!(mapped.iter().all(|name| columns.contains(name)) && columns.contains(&"StockCode"), "{columns:?}");
        assert!(columns.contains(&"Customer") && !columns.contains(&"Remarks"), "{columns:?}");
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
        assert!(refused(&format!("{HEAD}optional = ['x']\n{CONSTANTS}")).contains("column 'x' goes into no field"));
        let key = "[[column]]\nfrom = 'x'\nto = 'item.id'\n[group]\nby = ['x']";
        assert!(refused(&format!("{HEAD}optional = ['x']\n{CONSTANTS}{key}")).contains("tells what a row is"));
        assert!(refused(&with("[group]\nby = []")).contains("[group]: by names no column"));
        assert!(refused(&with("[group]\nby = ['x']")).contains("column 'x' is ignored and used"));
        let rule = "[[refuse]]\ncolumn = 'c'\n";
        assert!(refused(&with(&format!("{rule}values = []\nreason = 'r'"))).contains("values is empty"));
        assert!(refused(&with(&format!("{rule}values = ['v']\nreason = ' '"))).contains("reason is empty"));
    }
}
