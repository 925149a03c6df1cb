//! RocksDB: the only place that knows keys and column families. What is written at once is one batch of typed
//! [`Write`]s with the log entries they belong to; what is read has a method here.
//!
//! Not here: who decides what is written (engine), when and in which order (sequencer).

mod attached;
mod books;
mod columns;
mod deletions;
mod deposits;
mod desk;
mod direct;
mod erase;
mod files;
mod holds;
mod journal;
mod kept;
mod logs;
mod onward;
mod open;
mod outgoing;
mod read;
mod repairs;
mod rows;
mod scan;
mod stands;
mod tree;
mod under;
mod witnessed;
mod write;

pub use attached::{AttachedRow, FileState, Naming};
pub use books::{BooksRow, KeepError};
pub use columns::Under;
pub use deletions::DeletedRow;
pub use deposits::{GivenRow, KeptRow, SealedRange, WaitingDeposit};
pub use desk::{DeskKept, DeskRows};
pub use erase::{Erasing, GoneFile, Item};
pub use files::LogFileReader;
pub use holds::{Held, HoldRow};
pub use kept::KeptOpening;
pub use logs::{KEPT_LOOKED_AT, LogFact, LogKey, held_of, read_unplaced, write_unplaced};
pub use onward::{PassedOn, PassedRecord, passed_on_row, read_passed_on};
pub use open::{Loaded, LoadedChannel, LoadedOutChannel, PendingDispatch, Store, StoreConfig, StoreError};
pub use outgoing::{OutboxRow, Purged};
pub use read::{Found, PlacedView, StoredDelivery};
pub use repairs::{Attempt, RepairEnd, RepairKey, RepairRow};
pub(crate) use rows::{ChannelRow, OutRow};
pub use rows::{ErasedTotals, ReceiptRow, ReceivedRow, SentRow, SourceRow, SubmissionRow, Totals, WitnessedRow};
pub use scan::{
    DeletionKey, DepositKey, DispatchKey, DueKey, Family, IndexKey, MetaKey, ReceiptKey, RowKey, Scan, ScanFault,
    SettledKey, Stopped, SubmissionKey, TileKey, UnderKey, WindowKey, WitnessedKey, read_tree,
};
pub use stands::{ComparedRow, StandRow, Stands, StatementRow};
pub use tree::LogReader;
pub use under::seal_of;
pub use witnessed::{Unproven, first_line};
pub use write::{IndexedRecord, NamedRecord, Write, identifiers};
