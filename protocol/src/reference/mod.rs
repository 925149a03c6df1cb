//! Reference data: which codes exist, what numbers look like, what a destination asks for, each with the day or edition that it is of.
//!
//! In: territories, currencies, tariff editions, S10 and other numbers, stop words, and a [`RuleBook`] that holds them with dated rules
//! (thresholds, obligations, immediate release). All of it is data: what is built in is the default, an operator's file adds to it or
//! replaces it. Not in: what is made of it for a record ([`crate::quality`]), and which editions a record may name
//! ([`crate::record::CodeList`]).
//!
//! Lists are facts in compact form, without the texts that their publishers wrote.

mod book;
mod catalogue;
mod currencies;
mod file;
mod listed;
mod numbers;
mod rules;
mod s10;
mod tariff;
mod territories;
mod vat;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use book::millionths;
pub use book::{BookError, RuleBook};
pub use catalogue::{Rule, Severity};
pub use currencies::{Currencies, CurrencyState};
pub use listed::{Listed, Span};
pub use numbers::{Eori, Ioss, eori, gs1, ioss};
pub(crate) use rules::reaches;
pub use rules::{
    Exclusion, Level, Obligation, Path, Plausible, Rate, ReleaseCategory, ReleaseRule, Threshold, ThresholdKind, When,
};
pub use s10::{Operators, S10, S10Error, s10};
pub use tariff::Tariff;
pub use territories::Territories;
pub use vat::{Vat, vat};
pub(crate) use words::too_short;
pub use words::{StopWords, Vague};
