//! What is wrong with a record, how good records are, and how quickly a consignment can be released: pure functions over the lists and
//! dated rules of [`crate::reference`].
//!
//! ```text
//! let book = Arc::new(RuleBook::builtin()?);                       // or .with(operator's file)
//! let checker = Checker::new(content.table(), &book);    // once for a type table
//! let findings = checker.check(&content, day);           // of a whole record, or of a view: what is hidden is not checked
//! let release = checker.release(&content, day, Circumstances::default());
//! ```
//!
//! In: rules about one record ([`Checker`]), about records that came shortly before ([`Recent`]), and figures ([`Report`]).
//! Not in: what a type table refuses outright ([`crate::record::ContentError`]), queues, clocks. The day is that on which a record is
//! lodged, which its filer does not choose; it decides which dated rules hold.

mod checker;
mod finding;
mod masses;
mod obligations;
mod pass;
mod recent;
mod release;
mod report;
mod values;

#[cfg(test)]
mod bacuda_tests;
#[cfg(test)]
mod tests;

pub use crate::reference::{Rule, Severity};
pub use checker::{Checker, check};
pub use finding::{Finding, worst};
pub use recent::{Handed, Recent};
pub use release::{Category, Circumstances, Release};
pub use report::{Count, Report, Sender};
