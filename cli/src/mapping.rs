//! The mapping that a CSV file is read with: built in or a file, named on the command line.

use std::path::Path;

use luxor_protocol::formats::Mapping;

use crate::exit::{RefusedError, UsageError};
use crate::files;

const MAX_MAPPING_BYTES: usize = 1024 * 1024;

/// A mapping with its name and text.
pub(crate) struct NamedMapping {
    /// As given on the command line.
    pub(crate) name: String,
    /// Its text, part of a submission's name.
    pub(crate) text: String,
    /// What it means.
    pub(crate) mapping: Mapping,
}

/// The mapping for `file`: the one named, if any; a CSV file must have one.
pub(crate) fn needed(file: &Path, name: Option<&str>) -> anyhow::Result<Option<NamedMapping>> {
    match name {
        Some(name) => read(name).map(Some),
        None if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) => {
            let what = "a CSV file needs --mapping\nhint: a mapping file, or the built-in `bacuda`";
            Err(UsageError(what.into()).into())
        }
        None => Ok(None),
    }
}

fn read(name: &str) -> anyhow::Result<NamedMapping> {
    let text = match Mapping::builtin(name) {
        Some(text) => text.to_owned(),
        None => match files::read_text(Path::new(name), MAX_MAPPING_BYTES) {
            Err(error) if error.is_not_found() => {
                let what = format!("'{name}' is neither a built-in mapping nor a file\nhint: built in is bacuda");
                return Err(UsageError(what).into());
            }
            other => other?,
        },
    };
    let mapping = Mapping::parse(&text).map_err(|error| RefusedError(format!("mapping {name}: {error}")))?;
    Ok(NamedMapping { name: name.to_owned(), text, mapping })
}
