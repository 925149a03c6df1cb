//! The format of a file, by its name or as the command line says, and its rows.
//!
//! Not in: what becomes of rows; opening files.

use std::io::BufRead;
use std::path::Path;

use luxor_protocol::formats::wco::{Wco, wco};
use luxor_protocol::formats::{self, Arguments, Csv, FormatError, Row, Sales};

use crate::exit::UsageError;
use crate::mapping::{self, NamedMapping};
use crate::ui;

/// What is written on the command line for stdin.
pub(crate) const STDIN: &str = "-";

/// How a file is written.
pub(crate) enum Format {
    /// One record in the native form a line.
    Ndjson,
    /// Canonical CSV.
    Csv,
    /// CSV by a mapping.
    Mapped(Box<NamedMapping>),
    /// Postal segments as lines, by a mapping.
    Segments(Box<NamedMapping>),
    /// Documents of the WCO Data Model, one after the other.
    Wco,
}

/// Among files that are read one after the other, stdin may stand once.
///
/// # Errors
/// [`UsageError`] where it stands twice.
pub(crate) fn once_stdin<'f>(files: impl IntoIterator<Item = &'f Path>) -> Result<(), UsageError> {
    match files.into_iter().filter(|file| *file == Path::new(STDIN)).count() {
        0 | 1 => Ok(()),
        _ => Err(UsageError("stdin is named twice, and can be read but once".into())),
    }
}

/// What is written before the name of a mapping whose input is lines of segments.
const SEGMENTS: &str = "segments:";

impl Format {
    /// Of records to hand in: as it is named, or by the mapping if one is named, else by the file's name.
    pub(crate) fn of(file: &Path, name: Option<&str>, mapping: Option<&str>) -> anyhow::Result<Self> {
        match (name, mapping) {
            (Some(name), _) => Self::named(name, file, &Arguments::default()),
            (None, Some(name)) => Ok(Self::Mapped(Box::new(mapping::read(name, &Arguments::default())?))),
            (None, None) => Ok(Self::by_name(file)),
        }
    }

    /// `auto`, `ndjson`, `csv`, `wco`, a mapping, or `segments:` and a mapping.
    pub(crate) fn named(name: &str, file: &Path, arguments: &Arguments) -> anyhow::Result<Self> {
        Ok(match (name, name.strip_prefix(SEGMENTS)) {
            ("auto", _) => Self::by_name(file),
            ("ndjson", _) => Self::Ndjson,
            ("csv", _) => Self::Csv,
            ("wco", _) => Self::Wco,
            (_, Some(mapping)) => Self::Segments(Box::new(mapping::read(mapping, arguments)?)),
            (mapping, None) => Self::Mapped(Box::new(mapping::read(mapping, arguments)?)),
        })
    }

    fn by_name(file: &Path) -> Self {
        let is = |wanted| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted));
        match (is("csv"), is("xml")) {
            (true, _) => Self::Csv,
            (_, true) => Self::Wco,
            _ => Self::Ndjson,
        }
    }

    /// The mapping, if there is one.
    pub(crate) fn mapping(&self) -> Option<&NamedMapping> {
        match self {
            Self::Mapped(mapping) | Self::Segments(mapping) => Some(mapping),
            Self::Ndjson | Self::Csv | Self::Wco => None,
        }
    }

    /// The rows of a file after others of one run, whose sales its cancellations may take back; its own are added when it is read to its
    /// end.
    pub(crate) fn rows_after<'f>(
        &'f self,
        reader: impl BufRead + 'f,
        sales: &'f mut Sales,
    ) -> Result<Rows<'f>, FormatError> {
        match self {
            Self::Mapped(named) => {
                let rows = formats::csv_after(reader, &named.mapping, std::mem::take(sales))?;
                Ok(Box::new(After { rows: Some(rows), sales }))
            }
            _ => self.rows(reader),
        }
    }

    /// The rows of a file of this format.
    pub(crate) fn rows<'f>(&'f self, reader: impl BufRead + 'f) -> Result<Rows<'f>, FormatError> {
        Ok(match self {
            Self::Ndjson => Box::new(formats::ndjson(reader)),
            Self::Csv => Box::new(formats::flat(reader)?),
            Self::Wco => Box::new(Told { documents: wco(reader), notes: 0 }),
            Self::Mapped(named) => Box::new(formats::csv(reader, &named.mapping)?),
            Self::Segments(named) => {
                let source = formats::segment_lines(reader, &named.mapping);
                Box::new(formats::messages(source, &named.mapping)?)
            }
        })
    }
}

/// See [`Format::rows`].
pub(crate) type Rows<'f> = Box<dyn Iterator<Item = Result<Row, FormatError>> + 'f>;

/// Rows, and where their sales go.
struct After<'f, R> {
    rows: Option<Csv<'f, R>>,
    sales: &'f mut Sales,
}

impl<R: BufRead> Iterator for After<'_, R> {
    type Item = Result<Row, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.as_mut()?.next();
        if row.is_none()
            && let Some(rows) = self.rows.take()
        {
            *self.sales = rows.into_sales();
        }
        row
    }
}

/// Documents, and on stderr what stands between them.
struct Told<R> {
    documents: Wco<R>,
    /// How many notes were told.
    notes: usize,
}

impl<R: BufRead> Iterator for Told<R> {
    type Item = Result<Row, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.documents.next();
        let notes = self.documents.notes();
        for note in &notes.first[self.notes..] {
            ui::say(&format!("note: line {}: text between documents, passed over: {}", note.line, note.text));
        }
        self.notes = notes.first.len();
        if row.is_none() && notes.more > 0 {
            ui::say(&format!("note: text between documents, {} more times", ui::count(notes.more)));
        }
        row
    }
}
