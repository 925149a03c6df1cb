//! From advance report to accounting: what is owed for an item and why, what of it is collected, remitted and given back, what an account
//! owes for a month, and whether it was paid.
//!
//! | file | what |
//! |---|---|
//! | `money` | exact decimals, currencies, rounding as data |
//! | `exchange` | rates of exchange with source and day |
//! | `book`, `sample.toml` | dated rules of duty and tax, rates of tariffs; samples, which an operator's file adds to |
//! | `assess` | declared goods and the rules of a day into tax lines |
//! | `declared` | declarations into what is assessed of them, and into the record `duty` |
//! | `fields` | fields of records by name |
//! | `duty`, `claim` | the records `duty` and `return` |
//! | `guarantee` | the record `guarantee`, and what is left of one |
//! | `ledger` | the account of one item; a tax line is given back once |
//! | `summary` | the account of a month under one root, proofs of its items, corrections of closed periods |
//! | `payments` | entries of bank accounts matched to summaries |
//!
//! Everything here is a pure function of records and data: no clock, no file, never a floating-point number. Not here: which records belong
//! to an item ([`crate::life`]), reading of bank files ([`crate::formats`]), and the comparison of what was declared with what came.

mod assess;
mod book;
mod claim;
mod declared;
mod duty;
mod exchange;
mod fields;
mod guarantee;
mod ledger;
mod money;
mod payments;
mod summary;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

pub(crate) use assess::spread;
pub use assess::{AssessError, Assessment, Consignment, Costs, Goods, Open, TaxLine, assess};
pub use book::{Basis, BookError, Charge, Per, RevenueBook, TariffRate, TaxKind, TaxRule};
pub use claim::{Capacity, Claim, ClaimState, ClaimedLine, LineRef, Mandate, Procedure, Proof};
pub use declared::{Declared, DeclaredGoods, Lack, NotAssessed};
pub use duty::{Heading, RecordRef, Stage, StatedLine, Statement, assessed, percent_of};
pub use exchange::{Exchange, ExchangeError, Quoted};
pub use fields::RecordError;
pub use guarantee::{Guarantee, GuaranteeError, GuaranteeStanding, GuaranteeState, GuaranteeStep};
pub use ledger::{Discrepancy, GivenBack, Ledger, LedgerError, Standing, Taken};
pub use money::{Exact, Mode, Money, MoneyError, Place, Rounding};
pub use payments::{BankEntry, Due, Match, Matched, Outcome, match_payments, words_of};
pub use summary::{Account, Correction, Inclusion, Summary, SummaryError, SummaryItem, Total};
