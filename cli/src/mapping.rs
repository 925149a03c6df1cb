//! The mapping that a CSV file is read or written with: built in or a file, named on the command line.

use std::path::Path;

use luxor_protocol::formats::{Arguments, Mapping};

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

/// The built-in mapping or the file of this name, with what the run says in its place.
pub(crate) fn read(name: &str, arguments: &Arguments) -> anyhow::Result<NamedMapping> {
    let text = match Mapping::builtin(name) {
        Some(text) => text.to_owned(),
        None => match files::read_text(Path::new(name), MAX_MAPPING_BYTES) {
            Err(error) if error.is_not_found() => {
                let known: Vec<_> = Mapping::builtins().collect();
                let known = known.join(", ");
                let what = format!("'{name}' is neither a built-in mapping nor a file\nhint: built in are {known}");
                return Err(UsageError(what).into());
            }
            other => other?,
        },
    };
    let mapping =
        Mapping::parse_with(&text, arguments).map_err(|error| RefusedError(format!("mapping {name}: {error}")))?;
    Ok(NamedMapping { name: name.to_owned(), text, mapping })
}
