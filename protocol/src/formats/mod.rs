//! Files into content and back: NDJSON and CSV in the forms of this project, CSV by a mapping file, postal messages, and WCO XML; and
//! tables of indicators, and statements of bank accounts (CSV, ISO 20022 camt.053), which are no records.
//!
//! In: one row or one parcel at a time, each either a record or a refusal with its place in the file. A bad row never
//! disturbs another one, and no more than a parcel and a line are held, however large the file is.
//! Not in: opening files, numbering and signing records ([`crate::record`]), who receives them ([`crate::document`]).

mod back;
mod bank;
mod camt;
mod cell;
pub mod codes;
mod csv;
mod date;
mod exact;
mod flat;
mod flat_write;
mod guard;
mod header;
mod indicators;
mod lines;
mod mapping;
mod ndjson;
mod parcel;
mod plan;
mod postal;
mod rows;
mod rules;
mod sales;
mod split;
mod tally;
mod target;
mod uncell;
pub mod wco;

#[cfg(test)]
mod back_tests;
#[cfg(test)]
mod bacuda_tests;
#[cfg(test)]
mod postal_tests;
#[cfg(test)]
mod retail_tests;

use std::fmt;

pub use self::back::{BackError, MappedWriter};
pub use self::bank::{BankError, BankFile, BankMapping, BankMappingError, BankRefusal, bank_csv};
pub use self::camt::camt053;
pub use self::csv::{Csv, csv, csv_after};
pub(crate) use self::csv::{Splitter, check_width, header, read_row, splitter};
pub use self::flat::{Flat, flat};
pub use self::flat_write::{Columns, FlatError, FlatWriter};
pub use self::guard::guarded_text;
pub use self::indicators::{INDICATORS_TEMPLATE, Indicators, indicators};
pub use self::mapping::{Arguments, Mapping, MappingError};
pub use self::ndjson::{Ndjson, ndjson};
pub use self::postal::{Message, MessageSource, Messages, Segment, SegmentLines, Unreadable, messages, segment_lines};
pub use self::sales::Sales;
pub use self::tally::{Class, Tally};
use crate::record::{Content, ContentError, Fault};

/// What became of one or more rows of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A record, complete and checked against its type table.
    Record {
        /// What it holds.
        content: Content,
        /// Where it came from.
        source: Source,
    },
    /// Rows that give no record.
    Refused(Refusal),
}

impl Row {
    /// How many rows of the input it accounts for. Over a whole file they add up to its data rows.
    pub fn rows(&self) -> u64 {
        match self {
            Row::Record { source, .. } => source.rows,
            Row::Refused(refusal) => refusal.rows,
        }
    }
}

/// The rows that became a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Line of the first of them, from 1; the header of a CSV file is a line too.
    pub line: u64,
    /// How many rows of the input are in it; none in a record that links the parts of a parcel.
    pub rows: u64,
    /// How many of them are charges.
    pub charges: u64,
}

/// Rows that give no record, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Line of the fault, from 1.
    pub line: u64,
    /// How many rows of the input are refused with it: more than one when it spoils a parcel of several rows.
    pub rows: u64,
    /// What the rows are.
    pub class: Class,
    /// Name of the CSV column; in NDJSON the byte of the line, from 1, at which reading stopped;
    /// in XML the way to the element, which begins with `/`.
    pub column: Option<String>,
    /// The class of the fault.
    pub fault: Fault,
    /// The place in the record, as in [`crate::record::ContentError`]; empty when there is none.
    pub pointer: String,
    /// What is wrong, in words.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        match &self.column {
            Some(path) if path.starts_with('/') => write!(f, ", {path}")?,
            Some(column) => write!(f, ", column '{column}'")?,
            None => {}
        }
        write!(f, ": {}", self.reason)?;
        if self.rows > 1 { write!(f, " ({} rows refused)", self.rows) } else { Ok(()) }
    }
}

/// What is wrong with a row, before it is known how many rows go down with it.
#[derive(Debug)]
pub(crate) struct Trouble {
    class: Class,
    column: Option<String>,
    fault: Fault,
    pointer: String,
    pub(crate) reason: String,
}

impl Trouble {
    fn new(fault: Fault, reason: impl Into<String>) -> Self {
        Self { class: Class::Refused, column: None, fault, pointer: String::new(), reason: reason.into() }
    }

    /// A row that is no goods, and why.
    fn of(class: Class, reason: impl Into<String>) -> Self {
        Self { class, ..Self::new(Fault::Mapping, reason) }
    }

    fn at(self, line: u64, rows: u64) -> Refusal {
        let Self { class, column, fault, pointer, reason } = self;
        Refusal { line, rows, class, column, fault, pointer, reason }
    }
}

impl From<ContentError> for Trouble {
    fn from(error: ContentError) -> Self {
        let reason = error.to_string();
        Self { pointer: error.pointer, ..Self::new(error.fault, reason) }
    }
}

/// Why a file cannot be read on, or not at all.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Reading failed; rows up to this line are dealt with, except those of a parcel that was still open.
    #[error("cannot read the input after line {line}: {error}")]
    Io {
        /// The last line that was read.
        line: u64,
        /// What the reader said.
        error: std::io::Error,
    },
    /// There is no header line.
    #[error("the CSV file is empty, mapping '{mapping}' needs a header line\nhint: the first line names the columns")]
    NoHeader {
        /// The mapping's name.
        mapping: String,
    },
    /// The header cannot be read as a row of text.
    #[error("line {line} of the CSV file is not a usable header: {reason}\nhint: save the file as UTF-8")]
    Header {
        /// Its line.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// The header is not that of canonical CSV.
    #[error(
        "the CSV header is not of the canonical form: {what}\nhint: record,type,version,items,goods and paths such as route.destination; another file needs a mapping"
    )]
    Flat {
        /// What is wrong.
        what: String,
    },
    /// The header is not that of a table of indicators.
    #[error("the CSV header is not that of a table of indicators: {what}\nhint: --template prints all columns")]
    Indicators {
        /// What is wrong.
        what: String,
    },
    /// The mapping does not read messages.
    #[error("mapping '{mapping}' reads CSV only\nhint: [message] says which segment begins a message")]
    NoMessages {
        /// The mapping's name.
        mapping: String,
    },
    /// The mapping names columns that the file does not have.
    #[error(
        "mapping '{mapping}' names columns that the CSV header lacks: {missing}; the header has: {header}\n\
         hint: check spelling and delimiter"
    )]
    MissingColumns {
        /// The mapping's name.
        mapping: String,
        /// The columns sought, quoted.
        missing: String,
        /// The header's columns, quoted.
        header: String,
    },
    /// The header has columns that the mapping does not name.
    #[error(
        "the CSV header has columns that mapping '{mapping}' does not use: {columns}\n\
         hint: map them, or list them under ignore = [..] so that nothing is lost unseen"
    )]
    UnmappedColumns {
        /// The mapping's name.
        mapping: String,
        /// The columns, quoted.
        columns: String,
    },
    /// A column that the mapping uses stands twice in the header.
    #[error("the CSV header has column '{column}' twice, mapping '{mapping}' uses it\nhint: rename one of them")]
    DuplicateColumn {
        /// The mapping's name.
        mapping: String,
        /// The column.
        column: String,
    },
}
