//! Facts from CSV: a row for each item, or for several of the same place and parties that are added up.
//!
//! Columns, in any order, by the names in the first row: `month` (YYYY-MM), `flow` (`import`, `export`), `hs` (2, 4 or 6 to 12 digits, of
//! which the first four count), `origin` and `destination` (two capital letters), `mode` (a digit, UNECE Recommendation 19), `model` (who
//! collects), `value` (minor units); and, where there are any, `count` (1 where it is absent), `mass` (grams), `duty` (minor units),
//! `importer`, `seller`, `filer` (any name that is the same for the same party).
//!
//! Not here: how records become such rows.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use super::fact::{Fact, Place, Role};
use super::facts::Sums;
use crate::names::words;

words!(
    /// Which way goods go, from whoever counts them.
    Flow, "flow", {
        /// In.
        Import = "import";
        /// Out.
        Export = "export";
    }
);

/// Bytes of a field.
const MAX_FIELD_BYTES: usize = 256;

/// Why a file of facts was refused.
#[derive(Debug, thiserror::Error)]
pub enum FactsFileError {
    /// Not CSV.
    #[error("facts: {0}")]
    Csv(#[from] csv::Error),
    /// A column is missing.
    #[error(
        "facts: the first row names no column '{0}'\nhint: month, flow, hs, origin, destination, mode, model and value are needed; count, mass, duty, importer, seller and filer may be there"
    )]
    Column(&'static str),
    /// A column stands twice, or is unknown.
    #[error("facts: column '{0}' stands twice, or is none of those that are known")]
    Unknown(String),
    /// A field that is none.
    #[error("facts, line {line}, column '{column}': {why}")]
    Field {
        /// The line, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// Why it was refused.
        why: String,
    },
}

/// A row of facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactRow {
    /// Where it stands, from 1.
    pub line: u64,
    /// Which way.
    pub flow: Flow,
    /// Where it is counted.
    pub place: Place,
    /// Who stands behind it, in the order of [`Role::ALL`].
    pub parties: [Option<Arc<str>>; 3],
    /// Its figures, of one or more items.
    pub sums: Sums,
}

impl FactRow {
    /// The row as one item; nothing where it is several, since nobody can tell what each of them is worth.
    pub fn item(&self) -> Option<Fact> {
        let of = |figure| u64::try_from(figure).ok();
        let (value, mass, duty) = (of(self.sums.value)?, of(self.sums.mass)?, of(self.sums.duty)?);
        let parties = self.parties.clone();
        (self.sums.count == 1).then_some(Fact { place: self.place, parties, value, mass, duty })
    }
}

const NEEDED: [&str; 8] = ["month", "flow", "hs", "origin", "destination", "mode", "model", "value"];
const FURTHER: [&str; 6] = ["count", "mass", "duty", "importer", "seller", "filer"];

/// The rows of a file of facts, one after another.
///
/// # Errors
/// [`FactsFileError`] for its first row; the others come with theirs.
pub fn read_facts<R: Read>(input: R) -> Result<impl Iterator<Item = Result<FactRow, FactsFileError>>, FactsFileError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    let mut columns = HashMap::new();
    for (place, name) in reader.headers()?.iter().enumerate() {
        let known = NEEDED.into_iter().chain(FURTHER).find(|known| *known == name);
        match known.map(|known| columns.insert(known, place)) {
            Some(None) => {}
            _ => return Err(FactsFileError::Unknown(name.chars().take(40).collect())),
        }
    }
    if let Some(missing) = NEEDED.into_iter().find(|name| !columns.contains_key(name)) {
        return Err(FactsFileError::Column(missing));
    }
    Ok(reader.into_records().map(move |record| {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        Fields { columns: &columns, record: &record, line }.row()
    }))
}

struct Fields<'a> {
    columns: &'a HashMap<&'static str, usize>,
    record: &'a csv::StringRecord,
    line: u64,
}

impl Fields<'_> {
    fn row(&self) -> Result<FactRow, FactsFileError> {
        let place = Place {
            month: self.parse("month")?,
            origin: self.parse("origin")?,
            destination: self.parse("destination")?,
            heading: self.heading()?,
            mode: self.parse("mode")?,
            model: self.parse("model")?,
        };
        let number = |column, without: u64| match self.text(column)? {
            "" => Ok(without.into()),
            text => text
                .parse::<u64>()
                .map(u128::from)
                .map_err(|_| self.refuse(column, format!("'{text}' is no whole number up to 2^64 - 1"))),
        };
        let sums = Sums {
            count: number("count", 1)?,
            value: number("value", 0)?,
            mass: number("mass", 0)?,
            duty: number("duty", 0)?,
        };
        if sums.count == 0 {
            return Err(self.refuse("count", "a row of no item".to_owned()));
        }
        let mut parties = [None, None, None];
        for (party, role) in parties.iter_mut().zip(Role::ALL) {
            let name = self.text(role.word())?;
            *party = (!name.is_empty()).then(|| name.into());
        }
        Ok(FactRow { line: self.line, flow: self.parse("flow")?, place, parties, sums })
    }

    /// Longer codes are cut: statistics look at headings at most.
    fn heading(&self) -> Result<super::fact::Heading, FactsFileError> {
        let text = self.text("hs")?;
        let long = (6..=12).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
        let text = if long { text.get(..4).unwrap_or(text) } else { text };
        text.parse().map_err(|error: super::fact::FactError| self.refuse("hs", error.to_string()))
    }

    fn parse<T: std::str::FromStr<Err: ToString>>(&self, column: &'static str) -> Result<T, FactsFileError> {
        self.text(column)?.parse().map_err(|error: T::Err| self.refuse(column, error.to_string()))
    }

    fn text(&self, column: &'static str) -> Result<&str, FactsFileError> {
        let text = self.columns.get(column).and_then(|place| self.record.get(*place)).unwrap_or_default();
        match text.len() > MAX_FIELD_BYTES {
            true => Err(self.refuse(column, format!("more than {MAX_FIELD_BYTES} bytes"))),
            false => Ok(text),
        }
    }

    fn refuse(&self, column: &'static str, why: String) -> FactsFileError {
        FactsFileError::Field { line: self.line, column, why }
    }
}
