//! Reading a stopped node's database row by row, for the check: every column family with its keys read into words, opened
//! without writing anything. What RocksDB itself cannot read is told and does not end the reading of other families.
//!
//! Not here: what the rows must say (the check), and the methods of a running node (read, write).

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Mutex;

use luxor_protocol::exchange::Channel;
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Day;
use luxor_protocol::tlog::Hash;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBRawIterator, IteratorMode, Options, ReadOptions,
};
use rustix::fs::{FlockOperation, fcntl_lock};

use super::columns::{
    DeletionTag, DepositTag, META_ATTACHED, META_ERASED, META_NODE, META_PEERS, META_TOTALS, META_TREE, Tag, Under,
    WindowTag, cf, channel_meta_key, deletion_key, delivery_key, deposit_for_key, deposit_key, dispatch_key,
    document_meta_key, due_key, index_key, looked_key, out_meta_key, place, read_channel_meta_key, read_deletion_key,
    read_deposit_for_key, read_deposit_key, read_dispatch_key, read_document_meta_key, read_due_key, read_looked_key,
    read_out_meta_key, read_place, read_settled_key, read_statement_key, read_submission_key, read_under_key,
    read_window_key, read_witnessed_key, receipt_key, settled_key, statement_key, submission_key, tile_key, under_key,
    window_key, witnessed_key,
};
use super::logs::LogKey;
use super::open::{BLOCK_CACHE_BYTES, MAX_OPEN_FILES, Store, StoreError, read_tree_row};
use super::repairs::{Counts, RepairKey};
use super::tree::Trees;
use crate::keyring::{Keyring, KeyringError};

/// A column family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Node state.
    Meta,
    /// Log entries.
    Entries,
    /// What the entries commit to.
    Openings,
    /// Signed checkpoints.
    Checkpoints,
    /// Full tiles of level 1 and above.
    Tiles,
    /// Dispatches made here.
    Sent,
    /// Their requests as they go out.
    Sealed,
    /// Those without receipt.
    Outbox,
    /// Receipts of counterparties.
    Receipts,
    /// Days on which receipts came, while sealed bytes are kept.
    Settled,
    /// Dispatches that arrived.
    Received,
    /// Their accepted views.
    Payloads,
    /// Own records.
    Records,
    /// What came with records that were passed on.
    Sources,
    /// Records of others that dispatches pass on.
    PassedOn,
    /// What finds records.
    Index,
    /// Answers to submitted chunks.
    Submissions,
    /// Checkpoints of this log with a quorum.
    Cosigned,
    /// Checkpoints and evidence of logs.
    Logs,
    /// What is under which data key.
    Under,
    /// Entries by the day on which they are due.
    Due,
    /// What is held.
    Holds,
    /// Words that something is erased, owed and given.
    Deletions,
    /// What is kept of attached files beside their bytes.
    Attached,
    /// Cosigned checkpoints of others' logs that prove receipts, and how far receipts were looked through.
    Witnessed,
    /// Refused records.
    Repairs,
    /// What stands at numbers of channels.
    Stands,
    /// Statements, proposals and comparisons.
    Windows,
    /// Decisions of people on differences, closed months, bank statements.
    Books,
    /// Proposals of screening.
    Desk,
    /// What is kept for others, and receipts for what others keep.
    Deposits,
}

/// A key that can be read back from its bytes.
pub trait RowKey: Sized {
    /// Reads it; `None` when nothing here writes such a key.
    fn read(bytes: &[u8]) -> Option<Self>;
    /// Its bytes.
    fn bytes(&self) -> Vec<u8>;
}

/// Channel and number. Its order is that of the database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DispatchKey {
    /// The channel.
    pub channel: Channel,
    /// The number there.
    pub number: u64,
}

/// A dispatch and the `receipt` entry about it. Its order is that of the database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReceiptKey {
    /// The dispatch.
    pub dispatch: DispatchKey,
    /// Index of the entry.
    pub entry: u64,
}

/// The day of a receipt and the dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledKey(pub Day, pub DispatchKey);

/// Level and index of a stored tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileKey(pub u8, pub u64);

/// Name of a submission and number of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionKey(pub String, pub u64);

/// The number of a data key, the kind of a row, and the row's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderKey(pub u64, pub Under, pub Vec<u8>);

/// The day on which an entry is due, and its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueKey(pub Day, pub u64);

/// A word that something is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeletionKey {
    /// Owed to the sender in this channel: the own `erased` entry.
    Owed(Channel, u64),
    /// Given by the recipient in this channel: its `erased` entry.
    Word(Channel, u64),
    /// What that says of one dispatch.
    Dispatch(DispatchKey, u64),
}

/// What proves since when receipts stand in others' logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessedKey {
    /// A cosigned checkpoint: the log's origin and the size.
    Checkpoint(String, u64),
    /// The first number of an own channel whose receipts are not looked through yet.
    Looked(Channel),
}

/// What is kept about windows of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WindowKey {
    /// A statement: the last number of its window, and its entry.
    Statement(DispatchKey, u64),
    /// What is proposed.
    Proposed(Channel),
    /// What the last comparison found.
    Compared(Channel),
}

/// What is kept about deposits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DepositKey {
    /// A dispatch between others that was deposited here.
    Kept(DispatchKey),
    /// Its sealed bytes.
    Sealed(DispatchKey),
    /// How many those are.
    Waiting(DispatchKey),
    /// The same by recipient and entry.
    For(NodeRef, u64),
    /// The receipt for an own dispatch.
    Given(DispatchKey),
}

impl RowKey for DepositKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        if let Some((recipient, entry)) = read_deposit_for_key(bytes) {
            return Some(Self::For(recipient, entry));
        }
        let (tag, channel, number) = read_deposit_key(bytes)?;
        let of = DispatchKey { channel, number };
        Some(match tag {
            DepositTag::Kept => Self::Kept(of),
            DepositTag::Sealed => Self::Sealed(of),
            DepositTag::Waiting => Self::Waiting(of),
            DepositTag::For => return None,
            DepositTag::Given => Self::Given(of),
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let key = |tag, of: &DispatchKey| deposit_key(tag, &of.channel, of.number);
        match self {
            Self::Kept(of) => key(DepositTag::Kept, of),
            Self::Sealed(of) => key(DepositTag::Sealed, of),
            Self::Waiting(of) => key(DepositTag::Waiting, of),
            Self::For(recipient, entry) => deposit_for_key(recipient, *entry),
            Self::Given(of) => key(DepositTag::Given, of),
        }
    }
}

impl RowKey for WindowKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        let statement = read_statement_key(bytes);
        let statement =
            statement.map(|(channel, number, entry)| Self::Statement(DispatchKey { channel, number }, entry));
        statement.or_else(|| {
            Some(match read_window_key(bytes)? {
                (WindowTag::Proposed, channel) => Self::Proposed(channel),
                (_, channel) => Self::Compared(channel),
            })
        })
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Statement(last, entry) => statement_key(&last.channel, last.number, *entry),
            Self::Proposed(channel) => window_key(WindowTag::Proposed, channel),
            Self::Compared(channel) => window_key(WindowTag::Compared, channel),
        }
    }
}

impl RowKey for WitnessedKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        let checkpoint = read_witnessed_key(bytes).map(|(origin, size)| Self::Checkpoint(origin, size));
        checkpoint.or_else(|| read_looked_key(bytes).map(Self::Looked))
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Checkpoint(origin, size) => witnessed_key(origin, *size),
            Self::Looked(channel) => looked_key(channel),
        }
    }
}

/// What the node keeps one of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetaKey {
    /// Size and root of the tree.
    Tree,
    /// Whose folder it is.
    Node,
    /// Verdicts so far.
    Totals,
    /// What of them was erased.
    Erased,
    /// What the newest `peers` entry holds.
    Peers,
    /// How far files were fetched.
    Attached,
    /// The `document` entry of a document.
    Document(Digest),
    /// State of a received channel.
    Channel(Channel),
    /// State of an own channel.
    Out(Channel),
}

/// What finds a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexKey {
    /// Reference to batch and place of an own record.
    OwnReference(Digest, u64, usize),
    /// Root to batch and place of an own record.
    OwnRoot(Digest, u64, usize),
    /// Batch to a dispatch that carries it.
    Delivery(u64, DispatchKey),
    /// Reference to entry and place of a received record.
    ReceivedReference(Digest, u64, usize),
    /// Root to entry and place of a received record.
    ReceivedRoot(Digest, u64, usize),
    /// Root to `sent` entry and place of a record passed on.
    PassedOn(Digest, u64, usize),
    /// Reference to `sent` entry and place of a record passed on.
    PassedReference(Digest, u64, usize),
}

/// What a scan could not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanFault {
    /// RocksDB gave an error after this key.
    Unreadable {
        /// The last key that was read, in hexadecimal.
        after: Option<Vec<u8>>,
        /// What RocksDB says.
        error: String,
    },
    /// A key that nothing writes.
    Stray(Vec<u8>),
}

/// The rows of one column family, in order of their keys.
pub struct Scan<'s, K> {
    store: &'s Store,
    family: Family,
    rows: Option<DBRawIterator<'s>>,
    prefix: Vec<u8>,
    next: Option<(K, Vec<u8>)>,
    last: Option<Vec<u8>>,
    broken: bool,
    faults: Vec<ScanFault>,
}

/// Faults that one scan keeps; stray keys beyond are not told one by one.
const MAX_FAULTS: usize = 1_000;

/// Keeps other processes from opening the database for writing while it lives.
#[derive(Debug)]
pub struct Stopped(#[expect(dead_code, reason = "the lock lasts as long as the file is open")] File);

impl Family {
    /// All of them.
    pub const ALL: [Family; 31] = [
        Family::Meta,
        Family::Entries,
        Family::Openings,
        Family::Checkpoints,
        Family::Tiles,
        Family::Sent,
        Family::Sealed,
        Family::Outbox,
        Family::Receipts,
        Family::Settled,
        Family::Received,
        Family::Payloads,
        Family::Records,
        Family::Sources,
        Family::PassedOn,
        Family::Index,
        Family::Submissions,
        Family::Cosigned,
        Family::Logs,
        Family::Under,
        Family::Due,
        Family::Holds,
        Family::Deletions,
        Family::Attached,
        Family::Witnessed,
        Family::Repairs,
        Family::Stands,
        Family::Windows,
        Family::Books,
        Family::Desk,
        Family::Deposits,
    ];

    fn name(self) -> &'static str {
        match self {
            Family::Meta => cf::META,
            Family::Entries => cf::ENTRIES,
            Family::Openings => cf::OPENINGS,
            Family::Checkpoints => cf::CHECKPOINTS,
            Family::Tiles => cf::TILES,
            Family::Sent => cf::SENT,
            Family::Sealed => cf::SEALED,
            Family::Outbox => cf::OUTBOX,
            Family::Receipts => cf::RECEIPTS,
            Family::Settled => cf::SETTLED,
            Family::Received => cf::RECEIVED,
            Family::Payloads => cf::PAYLOADS,
            Family::Records => cf::RECORDS,
            Family::Sources => cf::SOURCES,
            Family::PassedOn => cf::PASSED_ON,
            Family::Index => cf::INDEX,
            Family::Submissions => cf::SUBMISSIONS,
            Family::Cosigned => cf::COSIGNED,
            Family::Logs => cf::LOGS,
            Family::Under => cf::UNDER,
            Family::Due => cf::DUE,
            Family::Holds => cf::HOLDS,
            Family::Deletions => cf::DELETIONS,
            Family::Attached => cf::ATTACHED,
            Family::Witnessed => cf::WITNESSED,
            Family::Repairs => cf::REPAIRS,
            Family::Stands => cf::STANDS,
            Family::Windows => cf::WINDOWS,
            Family::Books => cf::BOOKS,
            Family::Desk => cf::DESK,
            Family::Deposits => cf::DEPOSITS,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column family {}", self.name())
    }
}

impl Stopped {
    /// Takes the lock that a running node holds on its database; `None` when one runs. Nothing is written: the lock is a
    /// shared one of POSIX (`fcntl`), as RocksDB's is, and goes with the process.
    ///
    /// # Errors
    /// Errors of the file system, also when there is no database.
    pub fn claim(folder: &Path) -> std::io::Result<Option<Self>> {
        let file = File::open(folder.join("LOCK"))?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(Some(Self(file))),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Store {
    /// Opens the database without ever writing to it. What was not flushed is replayed from the write-ahead log into memory.
    /// Gives also the names of column families that this version does not know, and why the data keys in `keys` could not be read.
    /// `owner` is node and network where they are known from elsewhere; else the database says.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn open_read_only(
        folder: &Path,
        keys: &Path,
        owner: Option<&str>,
    ) -> Result<(Self, Vec<String>, Option<KeyringError>), StoreError> {
        let mut options = Options::default();
        options.set_max_open_files(MAX_OPEN_FILES);
        let cache = Cache::new_lru_cache(BLOCK_CACHE_BYTES);
        let (known, unknown): (Vec<_>, Vec<_>) =
            DB::list_cf(&options, folder)?.into_iter().partition(|name| cf::ALL.contains(&name.as_str()));
        let families = known.iter().map(|name| {
            let mut blocks = BlockBasedOptions::default();
            blocks.set_block_cache(&cache);
            let mut options = Options::default();
            options.set_block_based_table_factory(&blocks);
            ColumnFamilyDescriptor::new(name, options)
        });
        let db = DB::open_cf_descriptors_read_only(&options, folder, families, false)?;
        // RocksDB's own family, which every database has and this store leaves empty.
        let unknown = unknown.into_iter().filter(|name| name != rocksdb::DEFAULT_COLUMN_FAMILY_NAME).collect();
        let (trees, repairs, witnessed) = (Trees::default(), Counts::default(), Mutex::default());
        let mut store = Self { db, keyring: Keyring::none(), trees, repairs, witnessed };
        let stored = store.look(Family::Meta, &MetaKey::Node).ok().flatten().unwrap_or_default();
        let owner = owner.map_or_else(|| String::from_utf8_lossy(&stored).into_owned(), str::to_owned);
        let fault = match Keyring::look(keys, &owner) {
            Ok(keyring) => {
                store.keyring = keyring;
                None
            }
            Err(error) => Some(error),
        };
        Ok((store, unknown, fault))
    }

    /// Whether it holds no row of any family that this version knows.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn is_empty(&self) -> Result<bool, StoreError> {
        for handle in cf::ALL.iter().filter_map(|name| self.db.cf_handle(name)) {
            if self.db.iterator_cf(handle, IteratorMode::Start).next().transpose()?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The value of one row.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn look<K: RowKey>(&self, family: Family, key: &K) -> Result<Option<Vec<u8>>, StoreError> {
        match self.db.cf_handle(family.name()) {
            Some(handle) => Ok(self.db.get_cf(handle, key.bytes())?),
            None => Ok(None),
        }
    }

    /// All rows of a family.
    pub fn scan<K: RowKey>(&self, family: Family) -> Scan<'_, K> {
        self.scan_prefix(family, Vec::new())
    }

    /// The rows that say which dispatches carry a batch of own records.
    pub fn scan_deliveries(&self, batch: u64) -> Scan<'_, IndexKey> {
        self.scan_prefix(Family::Index, delivery_key(batch, &[]))
    }

    /// The rows that say where an own record stands.
    pub fn scan_own(&self, root: &Digest) -> Scan<'_, IndexKey> {
        self.scan_prefix(Family::Index, index_key(Tag::OwnRoot, root, &[]))
    }

    /// The last batch of own records that begins at or before an entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batch_of(&self, entry: u64) -> Result<Option<u64>, StoreError> {
        let Some(handle) = self.db.cf_handle(Family::Records.name()) else { return Ok(None) };
        let mut rows = self.db.raw_iterator_cf(handle);
        rows.seek_for_prev(entry.to_be_bytes());
        rows.status()?;
        Ok(rows.key().and_then(u64::read))
    }

    /// The receipts of one dispatch, the oldest first.
    pub fn scan_receipts(&self, dispatch: &DispatchKey) -> Scan<'_, ReceiptKey> {
        self.scan_prefix(Family::Receipts, dispatch.bytes())
    }

    /// Index after the last row of a family whose keys are numbers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end(&self, family: Family) -> Result<u64, StoreError> {
        let Some(handle) = self.db.cf_handle(family.name()) else { return Ok(0) };
        let mut rows = self.db.raw_iterator_cf(handle);
        rows.seek_to_last();
        rows.status()?;
        Ok(rows.key().and_then(u64::read).map_or(0, |last| last.saturating_add(1)))
    }

    fn scan_prefix<K: RowKey>(&self, family: Family, prefix: Vec<u8>) -> Scan<'_, K> {
        let mut options = ReadOptions::default();
        // Each block is read once: keep the cache for what is looked up between.
        options.fill_cache(false);
        let handle = self.db.cf_handle(family.name());
        let mut rows = handle.map(|handle| self.db.raw_iterator_cf_opt(handle, options));
        if let Some(rows) = &mut rows {
            rows.seek(&prefix);
        }
        let faults = Vec::new();
        let mut scan = Scan { store: self, family, rows, prefix, next: None, last: None, broken: false, faults };
        scan.fill();
        scan
    }
}

impl<K: RowKey> Scan<'_, K> {
    /// The key of the next row.
    pub fn peek(&self) -> Option<&K> {
        self.next.as_ref().map(|(key, _)| key)
    }

    /// Whether RocksDB stopped giving rows. [`Self::take`] then still finds those that can be read.
    pub fn broken(&self) -> bool {
        self.broken
    }

    /// The value of this key; keys must be asked for in order, and rows before them are passed over.
    ///
    /// # Errors
    /// [`StoreError::Database`] when RocksDB cannot read this row.
    pub fn take(&mut self, key: &K) -> Result<Option<Vec<u8>>, StoreError>
    where
        K: Ord,
    {
        while self.peek().is_some_and(|next| next < key) {
            self.next();
        }
        if self.peek() == Some(key) {
            return Ok(self.next().map(|(_, value)| value));
        }
        if self.broken { self.store.look(self.family, key) } else { Ok(None) }
    }

    /// What could not be read so far; told once.
    pub fn faults(&mut self) -> Vec<ScanFault> {
        std::mem::take(&mut self.faults)
    }

    fn fill(&mut self) {
        let Some(rows) = &mut self.rows else { return };
        while let Some((bytes, value)) = rows.item() {
            if !bytes.starts_with(&self.prefix) {
                return;
            }
            self.last = Some(bytes.to_vec());
            if let Some(key) = K::read(bytes) {
                self.next = Some((key, value.to_vec()));
                return;
            }
            if self.faults.len() < MAX_FAULTS {
                self.faults.push(ScanFault::Stray(bytes.to_vec()));
            }
            rows.next();
        }
        if let Err(error) = rows.status() {
            self.broken = true;
            self.faults.push(ScanFault::Unreadable { after: self.last.clone(), error: error.to_string() });
        }
    }
}

impl<K: RowKey> Iterator for Scan<'_, K> {
    type Item = (K, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.next.take()?;
        if let Some(rows) = &mut self.rows {
            rows.next();
        }
        self.fill();
        Some(row)
    }
}

/// Reads size and root of the tree as stored.
pub fn read_tree(bytes: &[u8]) -> Option<(u64, Hash)> {
    read_tree_row(bytes)
}

impl RowKey for u64 {
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(u64::from_be_bytes)
    }

    fn bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }
}

impl RowKey for Digest {
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Digest)
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl RowKey for DispatchKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        read_dispatch_key(bytes).map(|(channel, number)| Self { channel, number })
    }

    fn bytes(&self) -> Vec<u8> {
        dispatch_key(&self.channel, self.number)
    }
}

impl RowKey for ReceiptKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (dispatch, entry) = bytes.split_at_checked(bytes.len().checked_sub(8)?)?;
        Some(Self { dispatch: DispatchKey::read(dispatch)?, entry: u64::read(entry)? })
    }

    fn bytes(&self) -> Vec<u8> {
        receipt_key(&self.dispatch.channel, self.dispatch.number, self.entry)
    }
}

impl RowKey for SettledKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (day, dispatch) = read_settled_key(bytes)?;
        Some(Self(day, DispatchKey::read(dispatch)?))
    }

    fn bytes(&self) -> Vec<u8> {
        settled_key(self.0, &self.1.bytes())
    }
}

impl RowKey for TileKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (level, index) = bytes.split_first()?;
        Some(Self(*level, u64::read(index)?))
    }

    fn bytes(&self) -> Vec<u8> {
        tile_key(self.0, self.1).to_vec()
    }
}

impl RowKey for SubmissionKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        read_submission_key(bytes).map(|(name, chunk)| Self(name, chunk))
    }

    fn bytes(&self) -> Vec<u8> {
        submission_key(&self.0, self.1)
    }
}

impl RowKey for RepairKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::read(bytes)
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes()
    }
}

impl RowKey for DeletionKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (tag, channel, number, entry) = read_deletion_key(bytes)?;
        Some(match tag {
            DeletionTag::Owed => Self::Owed(channel, entry),
            DeletionTag::Word => Self::Word(channel, entry),
            DeletionTag::Dispatch => Self::Dispatch(DispatchKey { channel, number }, entry),
        })
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Owed(channel, entry) => deletion_key(DeletionTag::Owed, channel, 0, *entry),
            Self::Word(channel, entry) => deletion_key(DeletionTag::Word, channel, 0, *entry),
            Self::Dispatch(of, entry) => deletion_key(DeletionTag::Dispatch, &of.channel, of.number, *entry),
        }
    }
}

impl RowKey for DueKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        read_due_key(bytes).map(|(day, entry)| Self(day, entry))
    }

    fn bytes(&self) -> Vec<u8> {
        due_key(self.0, self.1).to_vec()
    }
}

impl RowKey for UnderKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        read_under_key(bytes).map(|(id, under, row)| Self(id, under, row.to_vec()))
    }

    fn bytes(&self) -> Vec<u8> {
        under_key(self.0, self.1, &self.2)
    }
}

impl RowKey for LogKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::read(bytes)
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes()
    }
}

impl RowKey for MetaKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            META_TREE => Self::Tree,
            META_NODE => Self::Node,
            META_TOTALS => Self::Totals,
            META_ERASED => Self::Erased,
            META_PEERS => Self::Peers,
            META_ATTACHED => Self::Attached,
            other => match (read_document_meta_key(other), read_channel_meta_key(other)) {
                (Some(document), _) => Self::Document(document),
                (None, Some(channel)) => Self::Channel(channel),
                (None, None) => Self::Out(read_out_meta_key(other)?),
            },
        })
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Tree => META_TREE.to_vec(),
            Self::Node => META_NODE.to_vec(),
            Self::Totals => META_TOTALS.to_vec(),
            Self::Erased => META_ERASED.to_vec(),
            Self::Peers => META_PEERS.to_vec(),
            Self::Attached => META_ATTACHED.to_vec(),
            Self::Document(document) => document_meta_key(document),
            Self::Channel(channel) => channel_meta_key(channel),
            Self::Out(channel) => out_meta_key(channel),
        }
    }
}

impl RowKey for IndexKey {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        if *tag == Tag::Delivery as u8 {
            let (batch, dispatch) = rest.split_at_checked(8)?;
            return Some(Self::Delivery(u64::read(batch)?, DispatchKey::read(dispatch)?));
        }
        let (digest, suffix) = rest.split_at_checked(32)?;
        let digest = Digest::read(digest)?;
        let (entry, at) = read_place(suffix).filter(|_| suffix.len() == 16)?;
        Some(match *tag {
            tag if tag == Tag::OwnReference as u8 => Self::OwnReference(digest, entry, at),
            tag if tag == Tag::OwnRoot as u8 => Self::OwnRoot(digest, entry, at),
            tag if tag == Tag::ReceivedReference as u8 => Self::ReceivedReference(digest, entry, at),
            tag if tag == Tag::ReceivedRoot as u8 => Self::ReceivedRoot(digest, entry, at),
            tag if tag == Tag::PassedOn as u8 => Self::PassedOn(digest, entry, at),
            tag if tag == Tag::PassedReference as u8 => Self::PassedReference(digest, entry, at),
            _ => return None,
        })
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::OwnReference(reference, batch, at) => index_key(Tag::OwnReference, reference, &place(*batch, *at)),
            Self::OwnRoot(root, batch, at) => index_key(Tag::OwnRoot, root, &place(*batch, *at)),
            Self::Delivery(batch, dispatch) => delivery_key(*batch, &dispatch.bytes()),
            Self::ReceivedReference(reference, entry, at) => {
                index_key(Tag::ReceivedReference, reference, &place(*entry, *at))
            }
            Self::ReceivedRoot(root, entry, at) => index_key(Tag::ReceivedRoot, root, &place(*entry, *at)),
            Self::PassedOn(root, entry, at) => index_key(Tag::PassedOn, root, &place(*entry, *at)),
            Self::PassedReference(reference, entry, at) => {
                index_key(Tag::PassedReference, reference, &place(*entry, *at))
            }
        }
    }
}
