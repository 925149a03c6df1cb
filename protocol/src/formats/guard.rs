//! Text that a spreadsheet would take for a formula, made harmless and exactly restored.
//!
//! Quotes do not help: spreadsheets take them off and calculate. So text that begins with `=`, `+`, `-`, `@`, their full-width forms or
//! an apostrophe is written with an apostrophe in front, which spreadsheets read as "this is text"; one apostrophe at the beginning of a
//! cell is taken off when it is read. Numbers are written as they are, minus sign included: they calculate to themselves.

use std::borrow::Cow;

use crate::record::Value;

/// Beginnings that need an apostrophe. Tab and carriage return, the others that spreadsheets act on, no text may hold.
const ACTIVE: [char; 9] = ['=', '+', '-', '@', '\'', '＝', '＋', '－', '＠'];

/// A text as a spreadsheet shall read it: as it is, or behind an apostrophe when it begins as a formula, or as a guarded text, does.
/// For what somebody else wrote and is put into a cell; quotes of CSV come after it.
pub fn guarded_text(text: &str) -> Cow<'_, str> {
    match text.starts_with(ACTIVE) {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
    }
}

/// The cell for the text of a value.
pub(super) fn guarded<'t>(value: &Value, text: &'t str) -> Cow<'t, str> {
    match value {
        Value::Text(_) => guarded_text(text),
        _ => Cow::Borrowed(text),
    }
}

/// The text of a cell.
pub(super) fn unguarded(cell: &[u8]) -> &[u8] {
    cell.strip_prefix(b"'").unwrap_or(cell)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell(text: &str) -> String {
        guarded(&Value::Text(text.into()), text).into_owned()
    }

    #[test]
    fn only_text_that_acts_is_guarded() {
        assert_eq!(
            (cell("=1+1"), cell("'tis"), cell("a=b"), cell("－1")),
            ("'=1+1".into(), "''tis".into(), "a=b".into(), "'－1".into())
        );
        let number = Value::Decimal("-1.5".parse().unwrap());
        assert_eq!(guarded(&number, "-1.5"), "-1.5");
    }

    proptest! {
        #[test]
        fn text_comes_back_and_never_acts(text in "[=+@'a-]{0,4}\\PC{0,6}") {
            let cell = cell(&text);
            prop_assert_eq!(unguarded(cell.as_bytes()), text.as_bytes());
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']));
        }
    }
}
