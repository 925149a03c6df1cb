//! Decisions of people on differences, closed months and bank statements: each row is read.

use super::Check;
use super::report::KEEP;
use crate::store::{BooksRow, Family};

impl Check<'_> {
    /// Reads every row.
    pub(super) fn books(&mut self) {
        self.notes.kinds(&["decisions"]);
        let store = self.store.clone();
        let mut rows = store.scan::<u64>(Family::Books);
        for (number, bytes) in rows.by_ref() {
            match BooksRow::read(number, &bytes) {
                Ok(_) => self.notes.checked("decisions"),
                Err(error) => self.notes.finding(format!("decision {number}"), error, KEEP),
            }
        }
        self.notes.faults(Family::Books, &mut rows);
    }
}
