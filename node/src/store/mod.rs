//! RocksDB: the only place that knows keys and column families. What is written at once is one [`Batch`] of typed
//! [`Write`]s with the log entries they belong to; what is read has a method here.
//!
//! Not here: who decides what is written (engine), when and in which order (sequencer).

mod columns;
mod open;
mod outgoing;
mod read;
mod rows;
mod tree;
mod write;

pub use open::{Loaded, LoadedChannel, LoadedOutChannel, PendingDispatch, Store, StoreConfig, StoreError};
pub use outgoing::{OutboxRow, Purged};
pub use read::{Found, StoredDelivery};
pub use rows::{ReceiptRow, ReceivedRow, SentRow, SubmissionRow, Totals};
pub use tree::LogReader;
pub use write::{IndexedRecord, Write};
