//! Every row that did not become an accepted record: where it stands and why.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use luxor_protocol::formats::{self, Class};
use luxor_protocol::record::Fault;
use serde::Serialize;

use crate::chunks::Place;
use crate::files::FileError;
use crate::ui;

/// Refusals that are shown and reported; all of them are counted, and all go to the file of `--refused`.
const SHOWN: usize = 20;

/// One refused record, or row.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refusal {
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) rows: u64,
    /// What the rows are.
    pub(crate) class: Class,
    /// The column of the input, or the way to the element of an XML document, where one is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<String>,
    pub(crate) fault: Fault,
    /// The place in the record.
    pub(crate) pointer: String,
    pub(crate) reason: String,
    /// `reading`, `node` or `writing`.
    pub(crate) by: &'static str,
}

impl Refusal {
    /// A refusal by the node.
    pub(crate) fn by_node(file: &str, place: Place, fault: Fault, pointer: String, reason: String) -> Self {
        let Place { line, rows } = place;
        let class = Class::Refused;
        Self { file: file.to_owned(), line, rows, class, column: None, fault, pointer, reason, by: "node" }
    }

    /// A refusal by who read the file.
    pub(crate) fn by_reading(file: &str, refusal: formats::Refusal) -> Self {
        let formats::Refusal { line, rows, class, column, fault, pointer, reason } = refusal;
        Self { file: file.to_owned(), line, rows, class, column, fault, pointer, reason, by: "reading" }
    }

    /// `orders.csv:17: column 'price': /goods/1/value/amount: not a number`
    pub(crate) fn text(&self) -> String {
        let column = match &self.column {
            Some(path) if path.starts_with('/') => format!("{path}: "),
            Some(column) => format!("column '{column}': "),
            None => String::new(),
        };
        // Many reasons begin with their place already.
        let told = self.pointer.is_empty() || self.reason.starts_with(&self.pointer);
        let pointer = if told { String::new() } else { format!("{}: ", self.pointer) };
        let rows = if self.rows > 1 { format!(" ({} rows)", self.rows) } else { String::new() };
        format!("{}:{}: {column}{pointer}{}{rows}", self.file, self.line, self.reason)
    }
}

/// Where refusals go: the first to stderr, or all to a file.
pub(crate) struct Refusals {
    file: Option<(PathBuf, BufWriter<File>)>,
    first: Vec<Refusal>,
    count: u64,
}

impl Refusals {
    /// Opens the file for all of them, where one is named.
    pub(crate) fn new(path: Option<&Path>) -> Result<Self, FileError> {
        let file = match path {
            None => None,
            Some(path) => Some((path.to_owned(), BufWriter::new(File::create(path).map_err(FileError::at(path))?))),
        };
        Ok(Self { file, first: Vec::new(), count: 0 })
    }

    /// Takes one.
    pub(crate) fn add(&mut self, refusal: Refusal, progress: &mut ui::Progress) -> Result<(), FileError> {
        self.count += 1;
        if let Some((path, file)) = &mut self.file {
            let written = serde_json::to_writer(&mut *file, &refusal).map_err(std::io::Error::from);
            written.and_then(|()| file.write_all(b"\n")).map_err(FileError::at(path))?;
        }
        if self.first.len() < SHOWN {
            if self.file.is_none() {
                progress.clear();
                ui::say(&refusal.text());
            }
            self.first.push(refusal);
        }
        Ok(())
    }

    /// Ends the list; returns the first of them.
    pub(crate) fn finish(self) -> Result<Vec<Refusal>, FileError> {
        let untold = self.count - self.first.len() as u64;
        match self.file {
            Some((path, mut file)) => {
                file.flush().map_err(FileError::at(&path))?;
                if self.count > 0 {
                    ui::say(&format!("{} refused, listed in {}", ui::count(self.count), path.display()));
                }
            }
            None if untold > 0 => {
                ui::say(&format!("and {} more; --refused FILE lists them all", ui::count(untold)));
            }
            None => {}
        }
        Ok(self.first)
    }
}
