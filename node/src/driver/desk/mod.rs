//! Screening: the log is followed, indicators are taken and records held against them, and what officers order is carried out.
//!
//! | file | what |
//! |---|---|
//! | `follow` | the log, from where it was left to the newest entry |
//! | `take` | indicators, sightings, results of inspections |
//! | `records` | received records, and what comes of them |
//! | `orders` | orders: drawn up, signed, carried out; what is sent then |
//! | `letters` | the records that are sent: referrals, seizures, sightings |
//! | `told` | what people are told |
//!
//! Not here: what is proposed and decided ([`luxor_protocol::threats::Desk`]), what is kept of it ([`crate::desk`]).

mod follow;
mod letters;
mod orders;
mod records;
mod take;
mod told;

pub use orders::DeskOrderError;
pub(in crate::driver) use take::own;
pub use told::{DryRunError, Wanted, drawn, dry_run, indicators, orders, proposal, queue, status};
