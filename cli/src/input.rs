//! The format of a file, by its name or as the command line says, and its rows.
//!
//! Not in: what becomes of rows; opening files.

use std::io::BufRead;
use std::path::Path;

use luxor_protocol::formats::{self, Arguments, FormatError, Row};

use crate::mapping::{self, NamedMapping};

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
}

/// What is written before the name of a mapping whose input is lines of segments.
const SEGMENTS: &str = "segments:";

impl Format {
    /// Of records to hand in: by the mapping if one is named, else by the file's name.
    pub(crate) fn of(file: &Path, mapping: Option<&str>) -> anyhow::Result<Self> {
        match mapping {
            Some(name) => Ok(Self::Mapped(Box::new(mapping::read(name, &Arguments::default())?))),
            None => Ok(Self::by_name(file)),
        }
    }

    /// `auto`, `ndjson`, `csv`, a mapping, or `segments:` and a mapping.
    pub(crate) fn named(name: &str, file: &Path, arguments: &Arguments) -> anyhow::Result<Self> {
        Ok(match (name, name.strip_prefix(SEGMENTS)) {
            ("auto", _) => Self::by_name(file),
            ("ndjson", _) => Self::Ndjson,
            ("csv", _) => Self::Csv,
            (_, Some(mapping)) => Self::Segments(Box::new(mapping::read(mapping, arguments)?)),
            (mapping, None) => Self::Mapped(Box::new(mapping::read(mapping, arguments)?)),
        })
    }

    fn by_name(file: &Path) -> Self {
        let csv = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if csv { Self::Csv } else { Self::Ndjson }
    }

    /// The mapping, if there is one.
    pub(crate) fn mapping(&self) -> Option<&NamedMapping> {
        match self {
            Self::Mapped(mapping) | Self::Segments(mapping) => Some(mapping),
            Self::Ndjson | Self::Csv => None,
        }
    }

    /// The rows of a file of this format.
    pub(crate) fn rows<'f>(&'f self, reader: impl BufRead + 'f) -> Result<Rows<'f>, FormatError> {
        Ok(match self {
            Self::Ndjson => Box::new(formats::ndjson(reader)),
            Self::Csv => Box::new(formats::flat(reader)?),
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
