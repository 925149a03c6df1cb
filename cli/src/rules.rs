//! The rule book that records are checked by: the built-in one, and a file beside it named on the command line.

use std::path::Path;
use std::sync::Arc;

use luxor_protocol::limits::MAX_BOOK_BYTES;
use luxor_protocol::reference::RuleBook;

use crate::exit::RefusedError;
use crate::files;

/// The built-in rules, changed by a file where one is named.
pub(crate) fn book(path: Option<&Path>) -> anyhow::Result<Arc<RuleBook>> {
    let builtin = RuleBook::builtin()?;
    let Some(path) = path else { return Ok(Arc::new(builtin)) };
    let text = files::read_text(path, MAX_BOOK_BYTES)?;
    let book = builtin.with(&text).map_err(|error| RefusedError(format!("{}: {error}", path.display())))?;
    Ok(Arc::new(book))
}
