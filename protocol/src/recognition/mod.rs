//! Who is a trusted trader for whom: attestations, the charter, cards, agreements and status lists put together into an answer, with
//! the reason for it, now or as of any past moment; and the confirmed use of numbers under which duty and tax are collected.
//!
//! | file | what |
//! |---|---|
//! | `carried` | the tokens in records: what they must be, and what is learned from them |
//! | `attested` | a verified attestation as it is handed in, and the numbers that traders are asked by |
//! | `history` | a value that changes, with the times at which each one became known |
//! | `ground` | charter, cards, revoked keys, agreements and suspensions through time, rows compiled |
//! | `lists` | status lists: an older one never takes the place of a newer one |
//! | `held` | attestations and what became of them |
//! | `learn` | what a directory of signed documents says, taken over as far as it changed |
//! | `recogniser` | what changes, in the order in which it became known |
//! | `recognise` | the decision |
//! | `answer`, `refusal` | what it says |
//! | `confirmation` | a holder's signed word that a number is used for a consignment |
//! | `uses` | which uses that were declared are confirmed, which not, and until when they must be |
//!
//! Not here: verifying signatures ([`crate::credential`]), fetching, storage and clocks. What is handed in was verified by whoever
//! hands it in; the times at which it became known come with it and never run back.

mod answer;
mod attested;
mod carried;
mod confirmation;
mod ground;
mod held;
mod history;
mod learn;
mod lists;
mod recognise;
mod recogniser;
mod refusal;
mod uses;

pub use answer::{Answer, Benefits, Evidence, Given, Grounds, Question, Recognised, Verdict};
pub use attested::{Attested, AttestedClaims, AttestedError, NumberKey, Scheme};
pub use carried::{Carried, CarriedError, Declared, Proof, Tokens, declared};
pub use confirmation::{CONFIRMATION_TYPE, Confirmation, ConfirmationError, Period};
pub use recogniser::{Recogniser, StatusChange, UpdateError};
pub use refusal::Refusal;
pub use uses::{Confirmations, Deadline, Holder, Matched, Unconfirmed, Use, UseError, UseKey, collect_numbers};

#[cfg(test)]
mod tests;
