//! Where the demo's declarations come from: the generator, or a file.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Result;
use luxor_protocol::formats::{FormatError, Row};

use super::submission::Submission;
use super::{Args, generate};
use crate::chunks::Place;
use crate::exit::RefusedError;
use crate::files::FileError;
use crate::input::Format;
use crate::ui::count;

const BUFFER_BYTES: usize = 256 * 1024;

/// A source of declarations.
pub(super) enum Source {
    /// So many of this seed.
    Generated {
        /// How many.
        records: u64,
        /// Their seed.
        seed: u64,
    },
    /// Rows of a file.
    Rows {
        /// The file, open, so that a wrong name is told before anything is founded.
        file: File,
        /// Its name.
        path: PathBuf,
        format: Format,
    },
}

impl Source {
    /// The source that the command line asks for.
    pub(super) fn open(args: &Args) -> Result<Self> {
        let Some(path) = args.declarations.clone() else {
            return Ok(Self::Generated { records: args.records, seed: args.seed });
        };
        let format = Format::of(&path, None, args.mapping.as_deref().or_else(|| usual_mapping(&path)))?;
        let file = File::open(&path).map_err(FileError::at(&path))?;
        Ok(Self::Rows { file, path, format })
    }

    /// In words.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Generated { records, seed } => format!("{} generated declarations (seed {seed})", count(*records)),
            Self::Rows { path, format, .. } => match format.mapping() {
                None => path.display().to_string(),
                Some(mapping) => format!("{} (mapping {})", path.display(), mapping.name),
            },
        }
    }

    /// Hands everything in.
    pub(super) fn submit(self, submission: &mut Submission<'_>) -> Result<()> {
        match self {
            Self::Generated { records, seed } => {
                for index in 0..records {
                    submission.record(Place { line: index + 1, rows: 1 }, &generate::declaration(seed, index)?)?;
                }
                Ok(())
            }
            Self::Rows { file, path, format } => {
                let reader = BufReader::with_capacity(BUFFER_BYTES, file);
                let refused = |error: FormatError| RefusedError(format!("{}: {error}", path.display()));
                hand_in(format.rows(reader).map_err(refused)?, refused, submission)
            }
        }
    }
}

fn hand_in(
    rows: crate::input::Rows<'_>,
    refused: impl Fn(FormatError) -> RefusedError,
    submission: &mut Submission<'_>,
) -> Result<()> {
    for row in rows {
        match row.map_err(&refused)? {
            Row::Record { content, source } => {
                submission.record(Place { line: source.line, rows: source.rows }, &content)?;
            }
            Row::Refused(row) => {
                let column = row.column.map(|column| format!("column {column}: ")).unwrap_or_default();
                let place = Place { line: row.line, rows: row.rows };
                submission.refuse(place, row.fault, &row.pointer, &format!("{column}{}", row.reason));
            }
        }
    }
    Ok(())
}

/// The mapping that goes without saying: the files of the BACUDA data set are all of one form.
fn usual_mapping(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    (name.starts_with("df_syn_") && name.ends_with(".csv")).then_some("bacuda")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bacuda_files_need_no_mapping() {
        assert_eq!(usual_mapping(Path::new("a/df_syn_valid_eng.csv")), Some("bacuda"));
        assert_eq!(usual_mapping(Path::new("orders.csv")), None);
        assert_eq!(usual_mapping(Path::new("df_syn_valid_eng.ndjson")), None);
    }
}
