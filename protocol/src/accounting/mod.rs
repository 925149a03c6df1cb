//! Business reconciliation: from the advance report to the account and the return, per item, kept up record by record.
//!
//! Each record is handed in once or many times, in any order; the result is the same as if all were looked at together. What is told of an
//! item is joined on its identity ([`crate::life`]) and on the closure of its links. A record that is corrected or taken back takes its effect
//! back; a link that comes late joins two items, and both are judged again. Nothing is found by looking through everything: what becomes
//! due waits in a queue by time.
//!
//! | file | what |
//! |---|---|
//! | `class` | classes of differences, what a finding tells, what people decide of it |
//! | `rules`, `sample.toml` | terms and tolerances as dated data |
//! | `said` | what a record says that matters here |
//! | `kept`, `folio` | what is kept of a number, in which bytes, behind which trait |
//! | `standing` | which version of a record holds |
//! | `closure` | the items that are joined by links |
//! | `judge` | one item: what differs, and when to look again |
//! | `period` | months of accounts; corrections of those that are closed |
//! | `owed` | summaries, their lists, payments |
//! | `books` | all of it together |
//!
//! No clock, no file. Not here: whether two nodes hold the same dispatches ([`crate::reconciliation`]); the account of one item in all detail
//! ([`crate::revenue::Ledger`]); and what a whole receptacle did: an arrival counts for the item that its record names.

mod books;
mod class;
mod closure;
mod folio;
mod judge;
mod kept;
mod owed;
mod period;
mod rules;
mod said;
pub(crate) mod standing;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

pub use books::{Books, BooksError, Counted};
pub use class::{Class, Decision, Difference, Finding, FindingState, Given, Key, Listed, Side, Subject};
pub use kept::{Kept, Mark, MemoryBooks};
pub use owed::{ListError, Owed};
pub use period::{CloseError, Closed, Correction, Filled, Late};
pub use rules::{Rules, RulesError, Term, TermKind, Tolerance, ToleranceKind};
pub(crate) use said::{Duty, Happening, Kind};
pub use said::{Filing, Measured, Said, Type, What};
