//! The exchange between two nodes: dispatch, sealed part, records passed on, check, answers, openings of log entries, receipts, deposits.
//!
//! Not here: when to send, retry or refuse (the node's engine), how bytes travel (the node's net), the seal itself (age, at
//! the node's edge; it comes in as a function).

mod answer;
mod arrival;
mod attachment;
mod check;
mod checkpoints;
mod deposit;
mod dispatch;
mod documents;
mod erased;
mod opening;
mod provenance;
mod receipt;
mod request;
mod sealed;
mod source;
mod withdrawal;
mod witnesses;

pub use answer::{Answer, AuditEntry, AuditPage, ErrorCode, Lack, RefusalCode};
pub(crate) use answer::{decode_shown, encode_shown};
pub use arrival::Arrival;
pub use attachment::{AttachmentRange, Outline, RangeError, ShownIn, digest_of, range_len, range_value};
pub(crate) use check::read_views;
pub use check::{Checked, check_dispatch, check_withdrawal};
pub use checkpoints::{CheckpointsBody, Holdings, NewestCheckpoint};
pub use deposit::{Deposit, DepositPart, Depositing, check_deposit, depositary, open_deposit, read_deposit};
pub use dispatch::{Dispatch, DispatchHeader, Envelope, sealed_digest};
pub use erased::{ErasedBody, Ground, HoldBody, Named};
pub use opening::{Channel, ENTRY_BYTES, Entry, EntryKind, Lane, Opening, OpeningError, Skeleton, entry_of};
pub use provenance::{ProvenOrigin, Provenance, ProvenanceError};
pub use receipt::{
    Deletion, DocumentBody, Outcome, Receipt, ReceiptBody, ReceiptError, Rejection, SentBody, former_keys, keys_of_log,
    log_key, log_keys, open_receipt, read_deletion, read_receipt,
};
pub use request::Request;
pub use sealed::{SealedError, pack, unpack};
pub use source::{Origin, Passed, Passing, Proven, Source, SourceError};
pub use withdrawal::{Withdrawal, WithdrawalHeader};
pub(crate) use witnesses::policies_of;
pub use witnesses::{WitnessesError, policy_of, witness_key, witness_name, witnesses_of, words_needed};

#[cfg(test)]
pub(crate) mod deposit_tests;
#[cfg(test)]
pub(crate) mod relay;
#[cfg(test)]
mod source_tests;
#[cfg(test)]
mod tests;
