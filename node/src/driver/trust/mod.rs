//! Trusted traders: records that tell of them are judged before they are sent and when they arrive, and what is stored of them is followed,
//! from the first entry of the log to the newest.
//!
//! | file | what |
//! |---|---|
//! | `judge` | whether the tokens in a record are what they must be |
//! | `follow` | what the log tells, once at the start and then as it grows |
//! | `ask` | recognition, and uses that are not confirmed |
//!
//! Not here: what is known ([`crate::trust`]).

mod ask;
mod follow;
mod judge;

pub(super) use ask::uses_in;
pub use ask::{TrustAskError, recognise, uses};
pub(super) use follow::first_since;
pub(super) use judge::{own, verdict};
