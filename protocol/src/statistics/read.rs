//! Facts from CSV: a row for each item, or for several of the same place and parties that are added up.
//!
//! Columns, in any order, by the names in the first row: `month` (YYYY-MM), `flow` (`import`, `export`), `hs` (2, 4 or 6 to 12 digits, of
//! which the first four count), `origin` and `destination` (two capital letters), `mode` (a digit, UNECE Recommendation 19), `model` (who
//! collects), `value` (minor units); and, where there are any, `count` (1 where it is absent), `mass` (grams), `duty` (minor units),
//! `importer`, `seller`, `filer` (any name that is the same for the same party).
//!
//! Rows are bounded as those of every CSV file are ([`crate::formats`]). Not here: how records become such rows (`gather`).

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use csv::ByteRecord;

use super::fact::{Fact, Flow, Place, Role};
use super::facts::Sums;
use crate::formats::{FormatError, Splitter, check_width, header, read_row, splitter};

/// Bytes of a field.
const MAX_FIELD_BYTES: usize = 256;

/// Why a file of facts was refused.
#[derive(Debug, thiserror::Error)]
pub enum FactsFileError {
    /// It cannot be read, or has no usable first row.
    #[error("facts: {0}")]
    Format(#[from] FormatError),
    /// It is empty.
    #[error("facts: the file is empty\nhint: the first row names the columns")]
    Empty,
    /// A row that cannot be split into cells, or has more or fewer than the first.
    #[error("facts, line {line}: {why}")]
    Row {
        /// The line, from 1.
        line: u64,
        /// Why it was refused.
        why: String,
    },
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
    let mut reader = splitter(input, b',');
    let mut cells = ByteRecord::new();
    let names = header(&mut reader, &mut cells)?.ok_or(FactsFileError::Empty)?;
    let mut columns = HashMap::new();
    for (place, name) in names.iter().enumerate() {
        let known = NEEDED.into_iter().chain(FURTHER).find(|known| *known == name.trim());
        match known.map(|known| columns.insert(known, place)) {
            Some(None) => {}
            _ => return Err(FactsFileError::Unknown(name.chars().take(40).collect())),
        }
    }
    if let Some(missing) = NEEDED.into_iter().find(|name| !columns.contains_key(name)) {
        return Err(FactsFileError::Column(missing));
    }
    Ok(FactRows { reader, cells, width: names.len(), columns, ended: false })
}

struct FactRows<R> {
    reader: Splitter<R>,
    cells: ByteRecord,
    width: usize,
    columns: HashMap<&'static str, usize>,
    ended: bool,
}

impl<R: Read> Iterator for FactRows<R> {
    type Item = Result<FactRow, FactsFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let (line, split) = match read_row(&mut self.reader, &mut self.cells) {
            Ok(Some(row)) => row,
            Ok(None) => return None,
            Err(error) => {
                self.ended = true;
                return Some(Err(error.into()));
            }
        };
        let split = split.and_then(|()| check_width(self.cells.len(), self.width));
        Some(match split {
            Err(trouble) => Err(FactsFileError::Row { line, why: trouble.reason }),
            Ok(()) => Fields { columns: &self.columns, cells: &self.cells, line }.row(),
        })
    }
}

struct Fields<'a> {
    columns: &'a HashMap<&'static str, usize>,
    cells: &'a ByteRecord,
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
        let sums = Sums {
            count: self.number("count", Some(1))?,
            // What has no value is no fact: a zero is written as one.
            value: self.number("value", None)?,
            mass: self.number("mass", Some(0))?,
            duty: self.number("duty", Some(0))?,
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

    fn number(&self, column: &'static str, without: Option<u64>) -> Result<u128, FactsFileError> {
        match (self.text(column)?, without) {
            ("", Some(without)) => Ok(without.into()),
            ("", None) => Err(self.refuse(column, "it is empty; a figure of nothing is 0".to_owned())),
            (text, _) => text
                .parse::<u64>()
                .map(u128::from)
                .map_err(|_| self.refuse(column, format!("'{text}' is no whole number up to 2^64 - 1"))),
        }
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
        let cell = self.columns.get(column).and_then(|place| self.cells.get(*place)).unwrap_or_default();
        if cell.len() > MAX_FIELD_BYTES {
            return Err(self.refuse(column, format!("more than {MAX_FIELD_BYTES} bytes")));
        }
        let text = std::str::from_utf8(cell).map_err(|_| self.refuse(column, "it is not UTF-8".to_owned()))?;
        Ok(text.trim())
    }

    fn refuse(&self, column: &'static str, why: String) -> FactsFileError {
        FactsFileError::Field { line: self.line, column, why }
    }
}
