//! Entries of bank accounts from CSV, by a small mapping file.
//!
//! The mappings of records ([`super::Mapping`]) lead to fields of record types; an entry of an account is none, so this has a form of its
//! own: which column holds which part, how amounts and days are written. Not here: ISO 20022 ([`super::camt053`]), and what an entry pays
//! ([`crate::revenue::match_payments`]).

use std::io::Read;

use serde::Deserialize;

use super::date::DateForm;
use super::guard::unguarded;
use crate::limits::{MAX_BANK_ENTRIES, MAX_BANK_FILE_BYTES, MAX_BANK_REFERENCES, MAX_LINE_BYTES};
use crate::names::{Currency, NameError};
use crate::record::{Kind, Value};
use crate::revenue::{BankEntry, Exact, Money, words_of};
use crate::time::Day;

/// How a bank writes its CSV.
///
/// ```toml
/// name = "a-bank"
/// delimiter = ";"                    # left out: a comma
/// decimal = ","                      # left out: a point
/// grouping = "."                     # left out: thousands are not set apart
/// date = "DD.MM.YYYY"                # left out: YYYY-MM-DD
/// currency = "EUR"                   # where no column tells it
///
/// [columns]
/// amount = "Betrag"                  # below zero where it went out, unless a column `direction` tells
/// booked = "Buchungstag"
/// references = ["End-to-End-Referenz"]   # each a reference as it stands
/// texts = ["Verwendungszweck"]           # words of these may be references
/// # currency = "Waehrung"
/// # direction = "Soll/Haben"
///
/// [direction]                        # values of the column direction
/// in = ["H"]
/// out = ["S"]
/// ```
#[derive(Debug)]
pub struct BankMapping {
    name: String,
    delimiter: u8,
    decimal: char,
    grouping: Option<char>,
    date: DateForm,
    currency: Option<Currency>,
    columns: Columns,
    direction: Option<Directions>,
}

/// Why a mapping was refused.
#[derive(Debug, thiserror::Error)]
pub enum BankMappingError {
    /// Not TOML of the expected shape.
    #[error(
        "the mapping cannot be read: {0}hint: the documentation of luxor_protocol::formats::BankMapping shows every key"
    )]
    Toml(#[from] toml::de::Error),
    /// A key that cannot work.
    #[error("mapping '{name}': {what}")]
    Key {
        /// The mapping's name of itself.
        name: String,
        /// What is wrong.
        what: String,
    },
}

/// What a bank's file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BankFile {
    /// The entries.
    pub entries: Vec<BankEntry>,
    /// What was not taken: in CSV rows, in XML entries that are not booked.
    pub refused: Vec<BankRefusal>,
}

/// An entry that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankRefusal {
    /// The line, or the entry's number from 1.
    pub place: u64,
    /// Why.
    pub reason: String,
}

/// Why a file was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum BankError {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Too large.
    #[error("more than {MAX_BANK_FILE_BYTES} bytes or {MAX_BANK_ENTRIES} entries")]
    TooLarge,
    /// A column that is not there, or twice.
    #[error("mapping '{mapping}': the file has no column '{column}', or has it twice; it has: {found}")]
    Column {
        /// The mapping.
        mapping: String,
        /// The column.
        column: String,
        /// Those that are there.
        found: String,
    },
    /// Not CSV.
    #[error("line {line}: {reason}")]
    Csv {
        /// The line.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// Not a statement.
    #[error("byte {place}{path}: {reason}")]
    Xml {
        /// The byte of the file.
        place: usize,
        /// The way to the element, after a comma; empty outside the root.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    name: String,
    delimiter: Option<char>,
    decimal: Option<char>,
    grouping: Option<char>,
    date: Option<String>,
    currency: Option<Currency>,
    columns: Columns,
    direction: Option<Directions>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Columns {
    amount: String,
    booked: String,
    currency: Option<String>,
    direction: Option<String>,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    texts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Directions {
    #[serde(rename = "in")]
    into: Vec<String>,
    out: Vec<String>,
}

impl BankMapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// [`BankMappingError`] with the first key that cannot work.
    pub fn parse(toml: &str) -> Result<Self, BankMappingError> {
        let draft: Draft = toml::from_str(toml)?;
        let name = draft.name.clone();
        draft.check().map_err(|what| BankMappingError::Key { name, what })
    }
}

impl Draft {
    fn check(self) -> Result<BankMapping, String> {
        let delimiter = self.delimiter.unwrap_or(',');
        let delimiter = u8::try_from(delimiter).ok().filter(u8::is_ascii).ok_or("delimiter is one ASCII character")?;
        let decimal = self.decimal.unwrap_or('.');
        if !matches!(decimal, '.' | ',') || self.grouping == Some(decimal) {
            return Err("decimal is a point or a comma, and not what sets thousands apart".into());
        }
        if self.grouping.is_some_and(|c| c.is_ascii_digit() || c == '-') {
            return Err("grouping is neither a digit nor a minus".into());
        }
        if self.currency.is_some() == self.columns.currency.is_some() {
            return Err("the currency is given once: as currency, or as a column".into());
        }
        if self.columns.direction.is_some() != self.direction.is_some() {
            return Err("a column direction and a section [direction] go together".into());
        }
        if self.columns.references.is_empty() && self.columns.texts.is_empty() {
            return Err("columns.references and columns.texts name nothing: no payment could be matched".into());
        }
        Ok(BankMapping {
            name: self.name,
            delimiter,
            decimal,
            grouping: self.grouping,
            date: DateForm::new(Kind::Day, self.date.as_deref().unwrap_or("YYYY-MM-DD"), None)?,
            currency: self.currency,
            columns: self.columns,
            direction: self.direction,
        })
    }
}

/// Reads a bank's CSV file (UTF-8, a header line). A row that cannot be read is told and disturbs no other.
///
/// # Errors
/// [`BankError`] where no row can be read.
pub fn bank_csv(input: impl Read, mapping: &BankMapping) -> Result<BankFile, BankError> {
    // One byte more than allowed tells a file that is too large from one that just fits.
    let limited = input.take(MAX_BANK_FILE_BYTES as u64 + 1);
    let mut reader = csv::ReaderBuilder::new().delimiter(mapping.delimiter).flexible(true).from_reader(limited);
    let broken = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        match error.into_kind() {
            csv::ErrorKind::Io(error) => BankError::Io(error),
            other => BankError::Csv { line, reason: format!("{other:?}") },
        }
    };
    let header = reader.byte_headers().map_err(broken)?.clone();
    let names: Vec<String> = header
        .iter()
        .map(|cell| String::from_utf8_lossy(cell).trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    let places = Places::find(mapping, &names)?;
    let (mut file, mut row) = (BankFile::default(), csv::ByteRecord::new());
    loop {
        if !reader.read_byte_record(&mut row).map_err(broken)? {
            break;
        }
        let line = row.position().map_or(0, csv::Position::line);
        if file.entries.len() + file.refused.len() >= MAX_BANK_ENTRIES {
            return Err(BankError::TooLarge);
        }
        match places.read(mapping, &row, names.len(), line) {
            Ok(entry) => file.entries.push(entry),
            Err(reason) => file.refused.push(BankRefusal { place: line, reason }),
        }
    }
    match reader.position().byte() > MAX_BANK_FILE_BYTES as u64 {
        true => Err(BankError::TooLarge),
        false => Ok(file),
    }
}

/// Where the columns stand.
struct Places {
    amount: usize,
    booked: usize,
    currency: Option<usize>,
    direction: Option<usize>,
    references: Vec<usize>,
    texts: Vec<usize>,
}

impl Places {
    fn find(mapping: &BankMapping, names: &[String]) -> Result<Self, BankError> {
        let place = |column: &String| {
            let mut places = (0..names.len()).filter(|at| names[*at] == *column);
            match (places.next(), places.next()) {
                (Some(at), None) => Ok(at),
                _ => Err(BankError::Column {
                    mapping: mapping.name.clone(),
                    column: column.clone(),
                    found: names.join(", "),
                }),
            }
        };
        let columns = &mapping.columns;
        let all = |list: &Vec<String>| list.iter().map(place).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            amount: place(&columns.amount)?,
            booked: place(&columns.booked)?,
            currency: columns.currency.as_ref().map(place).transpose()?,
            direction: columns.direction.as_ref().map(place).transpose()?,
            references: all(&columns.references)?,
            texts: all(&columns.texts)?,
        })
    }

    fn read(&self, mapping: &BankMapping, row: &csv::ByteRecord, width: usize, line: u64) -> Result<BankEntry, String> {
        if row.len() != width {
            return Err(format!("{} cells; the header has {width}", row.len()));
        }
        if row.as_slice().len() > MAX_LINE_BYTES {
            return Err(format!("more than {MAX_LINE_BYTES} bytes"));
        }
        let cell = |at: usize| {
            let text = std::str::from_utf8(unguarded(row.get(at).unwrap_or_default()));
            text.map(str::trim).map_err(|_| format!("column {}: not UTF-8", at + 1))
        };
        let mut amount = mapping.amount(cell(self.amount)?)?;
        if let (Some(at), Some(direction)) = (self.direction, &mapping.direction) {
            let found = cell(at)?;
            let into = direction.into.iter().any(|one| one == found);
            if into == direction.out.iter().any(|one| one == found) {
                return Err(format!("direction '{}' is neither in nor out", super::cell::shortened(found)));
            }
            if amount.is_negative() {
                return Err("an amount below zero, where a column tells the direction".into());
            }
            if !into {
                amount = amount.negative().map_err(|error| error.to_string())?;
            }
        }
        let currency = match (self.currency, mapping.currency) {
            (Some(at), _) => cell(at)?.parse().map_err(|error: NameError| error.to_string())?,
            (None, Some(currency)) => currency,
            (None, None) => return Err("no currency".into()),
        };
        let booked = cell(self.booked)?;
        let booked: Day = match mapping.date.read(booked) {
            Some(Value::Day(day)) => day,
            _ => return Err(format!("'{}' is not a day as the mapping says", super::cell::shortened(booked))),
        };
        let mut references = Vec::new();
        for at in &self.references {
            let reference = cell(*at)?;
            if !reference.is_empty() {
                references.push(reference.to_owned());
            }
        }
        for at in &self.texts {
            references.extend(words_of(cell(*at)?));
        }
        if references.len() > MAX_BANK_REFERENCES {
            return Err(format!("more than {MAX_BANK_REFERENCES} references"));
        }
        Ok(BankEntry { place: line, amount: Money::new(amount, currency), booked, references })
    }
}

impl BankMapping {
    fn amount(&self, text: &str) -> Result<Exact, String> {
        let refused = || format!("'{}' is not an amount as the mapping says", super::cell::shortened(text));
        let mut plain = String::with_capacity(text.len());
        let mut behind = false;
        for c in text.strip_prefix('+').unwrap_or(text).chars() {
            if c == self.decimal && !behind {
                behind = true;
                plain.push('.');
            } else if Some(c) == self.grouping && !behind {
                // Left out.
            } else if c.is_ascii_digit() || (c == '-' && plain.is_empty()) {
                plain.push(c);
            } else {
                return Err(refused());
            }
        }
        plain.parse().map_err(|_| refused())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const GERMAN: &str = r#"
name = "a-bank"
delimiter = ";"
decimal = ","
grouping = "."
date = "DD.MM.YYYY"
currency = "EUR"
[columns]
amount = "Betrag"
booked = "Tag"
references = ["Referenz"]
texts = ["Zweck"]
direction = "S/H"
[direction]
in = ["H"]
out = ["S"]
"#;

    #[test]
    fn rows_are_entries_or_refusals_by_line() {
        let mapping = BankMapping::parse(GERMAN).unwrap();
        let csv = "\u{feff}Tag;Betrag;S/H;Referenz;Zweck\n\
            30.11.2026;1.234,50;H;E2E-1;\"IOSS 2026-10, Konto A\"\n\
            30.11.2026;7,5;S;;zurueck E2E-1\n\
            31.11.2026;1,00;H;;\n30.11.2026;1.00,x;H;;\n30.11.2026;1,00;?;;\n30.11.2026;-1,00;H;;\nx;y\n";
        let file = bank_csv(csv.as_bytes(), &mapping).unwrap();
        let entries: Vec<_> =
            file.entries.iter().map(|one| (one.place, one.amount.to_string(), one.booked.to_string())).collect();
        let day = "2026-11-30".to_owned();
        assert_eq!(entries, [(2, "1234.50 EUR".into(), day.clone()), (3, "-7.50 EUR".into(), day)]);
        assert_eq!(file.entries[0].references, ["E2E-1", "IOSS", "2026-10", "Konto", "A"]);
        let refused: Vec<_> = file.refused.iter().map(|one| one.place).collect();
        assert_eq!(refused, [4, 5, 6, 7, 8]);
        for (one, told) in
            file.refused.iter().zip(["not a day", "not an amount", "neither in nor out", "below zero", "cells"])
        {
            assert!(one.reason.contains(told), "{}", one.reason);
        }
    }

    #[test]
    fn a_mapping_that_cannot_work_is_refused_and_so_is_a_file_without_its_columns() {
        for (from, to, told) in [
            ("currency = \"EUR\"\n", "", "currency"),
            ("decimal = \",\"", "decimal = \".\"", "decimal"),
            ("date = \"DD.MM.YYYY\"", "date = \"DD.MM\"", "YYYY"),
            ("[direction]\nin = [\"H\"]\nout = [\"S\"]\n", "", "direction"),
            ("references = [\"Referenz\"]\ntexts = [\"Zweck\"]\n", "", "matched"),
            ("name", "nome", "nome"),
        ] {
            let error = BankMapping::parse(&GERMAN.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        let mapping = BankMapping::parse(GERMAN).unwrap();
        let error = bank_csv(&b"Tag;Betrag\n"[..], &mapping).unwrap_err().to_string();
        assert!(error.contains("S/H") && error.contains("Tag, Betrag"), "{error}");
    }
}
