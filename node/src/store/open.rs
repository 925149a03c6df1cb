//! Opening the database and reading what the engine and sequencer start from.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use luxor_protocol::cbor::{CborError, Decode};
use luxor_protocol::exchange::{Channel, DispatchHeader};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{Frontier, Hash};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType, Direction, IteratorMode, Options,
};

use super::columns::{
    META_NODE, META_TOTALS, META_TREE, cf, channel_meta_key, dispatch_key, out_meta_key, read_dispatch_key,
};
use super::direct::takes_direct_io;
use super::repairs::Counts;
use super::rows::{ChannelRow, OutRow, ReceivedRow, Totals};
use super::tree::Trees;
use crate::keyring::{Keyring, KeyringError};

/// Memory for unflushed writes over all column families.
const WRITE_BUFFER_BYTES: usize = 64 * 1024 * 1024;
/// Memory for cached blocks.
pub(super) const BLOCK_CACHE_BYTES: usize = 32 * 1024 * 1024;
/// RocksDB's levels of files, and how many of them hold fresh ones.
const LEVELS: usize = 7;
const FRESH_LEVELS: usize = 2;
/// Open files.
pub(super) const MAX_OPEN_FILES: i32 = 256;
/// Write-ahead log kept before column families are flushed.
const MAX_WAL_BYTES: u64 = 256 * 1024 * 1024;

/// Settings of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// Whether values on disk are compressed (LZ4), but for fresh ones and for what is sealed.
    pub compression: bool,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { compression: true }
    }
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// RocksDB says so.
    #[error("storage: {0}")]
    Database(#[from] rocksdb::Error),
    /// A stored value is not what was written.
    #[error("storage: {what} is damaged: {error}\nhint: restore the data folder from a backup")]
    Damaged {
        /// Which value.
        what: String,
        /// What is wrong with it.
        error: String,
    },
    /// A data key.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// The folder belongs to another node or network.
    #[error("the data folder belongs to {found}, not to {expected}\nhint: give each node its own folder")]
    Foreign {
        /// Who opens it.
        expected: String,
        /// Who made it.
        found: String,
    },
}

impl StoreError {
    pub(crate) fn damaged(what: impl Into<String>, error: impl ToString) -> Self {
        Self::Damaged { what: what.into(), error: error.to_string() }
    }
}

/// The database of one node.
pub struct Store {
    pub(super) db: DB,
    pub(super) keyring: Keyring,
    pub(super) trees: Trees,
    pub(super) repairs: Counts,
    /// How many cosigned checkpoints are kept of a log, once they were counted.
    pub(super) witnessed: Mutex<HashMap<String, usize>>,
}

/// A dispatch that waits for its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingDispatch {
    /// Its channel.
    pub channel: Channel,
    /// Its number.
    pub number: u64,
    /// Bytes of its request.
    pub bytes: u64,
    /// The agreement that it rests on; zero for a withdrawal, which needs none.
    pub agreement: Digest,
}

/// A channel from this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedOutChannel {
    /// This node, recipient, epoch, lane.
    pub channel: Channel,
    /// The highest number given.
    pub last: u64,
    /// Origin of the recipient's log; empty before its first receipt.
    pub origin: String,
    /// The highest contiguous number that receipts under it name.
    pub confirmed: u64,
}

/// A received channel.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedChannel {
    /// Sender, this node, epoch.
    pub channel: Channel,
    /// Tree over the digests of the contiguous numbers.
    pub tree: Frontier,
    /// Numbers above, with their digests.
    pub ahead: Vec<(u64, Digest)>,
    /// The sender signed that it holds receipts up to this.
    pub held: u64,
}

/// What was durable when the node stopped.
#[derive(Debug)]
pub struct Loaded {
    /// Entries in the log.
    pub size: u64,
    /// Root of the log.
    pub root: Hash,
    /// Dispatches without receipt, by channel and number.
    pub pending: Vec<PendingDispatch>,
    /// Own channels.
    pub sent: Vec<LoadedOutChannel>,
    /// Received channels.
    pub received: Vec<LoadedChannel>,
    /// Verdicts so far.
    pub totals: Totals,
}

impl Store {
    /// Opens the database in `folder`, making it if needed, with the data keys in `keys`.
    ///
    /// # Errors
    /// [`StoreError`]; also when rows are under data keys of which the key files know nothing.
    pub fn open(
        folder: &Path,
        config: StoreConfig,
        network: &Digest,
        node: &NodeRef,
        keys: &Path,
    ) -> Result<Self, StoreError> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_max_open_files(MAX_OPEN_FILES);
        options.set_max_total_wal_size(MAX_WAL_BYTES);
        options.set_keep_log_file_num(4);
        // RocksDB makes the folder itself, but the last part only, and where it cannot it says why.
        let _ = std::fs::create_dir(folder);
        options.set_use_direct_io_for_flush_and_compaction(takes_direct_io(folder));
        let buffers = rocksdb::WriteBufferManager::new_write_buffer_manager(WRITE_BUFFER_BYTES, false);
        options.set_write_buffer_manager(&buffers);
        let cache = Cache::new_lru_cache(BLOCK_CACHE_BYTES);
        let families = cf::ALL.map(|name| {
            let mut blocks = BlockBasedOptions::default();
            blocks.set_block_cache(&cache);
            let mut options = Options::default();
            options.set_block_based_table_factory(&blocks);
            // What is encrypted does not compress.
            let encrypted =
                [cf::SEALED, cf::PAYLOADS, cf::RECORDS, cf::SUBMISSIONS, cf::REPAIRS, cf::DEPOSITS].contains(&name);
            let compress = config.compression && !encrypted;
            let lower = if compress { DBCompressionType::Lz4 } else { DBCompressionType::None };
            options.set_compression_type(lower);
            // Fresh files are rewritten soon, so compressing them first costs processor time twice.
            let mut levels = [lower; LEVELS];
            levels[..FRESH_LEVELS].fill(DBCompressionType::None);
            options.set_compression_per_level(&levels);
            ColumnFamilyDescriptor::new(name, options)
        });
        let db = DB::open_cf_descriptors(&options, folder, families)?;
        // Only now: until the database is this process's, the key files may be a running node's.
        let owner = owner(network, node);
        let keyring = Keyring::open(keys, &owner)?;
        let store =
            Self { db, keyring, trees: Trees::default(), repairs: Counts::default(), witnessed: Mutex::default() };
        store.claim(&owner)?;
        store.check_keys()?;
        store.count_repairs()?;
        Ok(store)
    }

    /// Reads what engine and sequencer start from.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load(&self, me: &NodeRef) -> Result<Loaded, StoreError> {
        let (size, root) = match self.get(cf::META, META_TREE)? {
            None => (0, Frontier::new().root()),
            Some(bytes) => {
                read_tree_row(&bytes).ok_or_else(|| StoreError::damaged("the tree's size and root", "wrong length"))?
            }
        };
        let totals = match self.get(cf::META, META_TOTALS)? {
            None => Totals::default(),
            Some(bytes) => decode("the totals", &bytes)?,
        };
        let mut pending = Vec::new();
        for item in self.db.iterator_cf(self.cf(cf::OUTBOX), IteratorMode::Start) {
            let (key, value) = item?;
            let damaged = || StoreError::damaged("an outbox row", "unreadable");
            let (channel, number) = read_dispatch_key(&key).ok_or_else(damaged)?;
            let bytes = u64::from_be_bytes(value.as_ref().try_into().map_err(|_| damaged())?);
            let row = self.sent(&channel, number)?.ok_or_else(|| {
                StoreError::damaged(format!("the sent row of number {number} of {channel}"), "not there")
            })?;
            let agreement = match row.withdrawal {
                Some(_) => Digest::ZERO,
                None => decode::<DispatchHeader>("a dispatch header", &row.envelope.header)?.agreement_digest,
            };
            pending.push(PendingDispatch { channel, number, bytes, agreement });
        }
        Ok(Loaded { size, root, pending, sent: self.load_sent()?, received: self.load_received(me)?, totals })
    }

    fn load_sent(&self) -> Result<Vec<LoadedOutChannel>, StoreError> {
        let mut channels = Vec::new();
        let mut from = Vec::new();
        // Jump from channel to channel: to its first row, then back from its end to its last.
        loop {
            let mode = IteratorMode::From(&from, Direction::Forward);
            let Some(item) = self.db.iterator_cf(self.cf(cf::SENT), mode).next() else { break };
            let damaged = || StoreError::damaged("a sent row", "unreadable key");
            let (channel, _) = read_dispatch_key(&item?.0).ok_or_else(damaged)?;
            from = dispatch_key(&channel, u64::MAX);
            let last = self.db.iterator_cf(self.cf(cf::SENT), IteratorMode::From(&from, Direction::Reverse)).next();
            let (_, last) = last.transpose()?.and_then(|(key, _)| read_dispatch_key(&key)).ok_or_else(damaged)?;
            from.push(0);
            let row: OutRow = match self.get(cf::META, &out_meta_key(&channel))? {
                None => OutRow::default(),
                Some(bytes) => decode("an own channel's state", &bytes)?,
            };
            channels.push(LoadedOutChannel { channel, last, origin: row.origin, confirmed: row.confirmed });
        }
        Ok(channels)
    }

    fn load_received(&self, me: &NodeRef) -> Result<Vec<LoadedChannel>, StoreError> {
        let mut channels: Vec<LoadedChannel> = Vec::new();
        let mut from = Vec::new();
        // Jump from channel to channel: the rows of one channel's contiguous numbers are not read.
        loop {
            let mode = IteratorMode::From(&from, Direction::Forward);
            let Some(item) = self.db.iterator_cf(self.cf(cf::RECEIVED), mode).next() else { break };
            let (key, _) = item?;
            let damaged = || StoreError::damaged("a received row", "unreadable key");
            let (channel, _) = read_dispatch_key(&key).ok_or_else(damaged)?;
            from = dispatch_key(&channel, u64::MAX);
            from.push(0);
            let row: ChannelRow = match self.get(cf::META, &channel_meta_key(&channel))? {
                None => ChannelRow::default(),
                Some(bytes) => decode("a channel's state", &bytes)?,
            };
            let tree = Frontier::from_parts(row.contiguous, row.hashes)
                .map_err(|e| StoreError::damaged("a channel's tree", e))?;
            let mut loaded = LoadedChannel { channel: channel.clone(), tree, ahead: Vec::new(), held: row.held };
            let start = dispatch_key(&channel, row.contiguous + 1);
            for item in self.db.iterator_cf(self.cf(cf::RECEIVED), IteratorMode::From(&start, Direction::Forward)) {
                let (key, value) = item?;
                let Some((found, number)) = read_dispatch_key(&key).filter(|(found, _)| *found == channel) else {
                    break;
                };
                debug_assert_eq!(found.recipient, *me);
                let row: ReceivedRow = decode("a received row", &value)?;
                let digest = row.arrival.digest().map_err(|e| StoreError::damaged("a received row", e))?;
                loaded.ahead.push((number, digest));
            }
            channels.push(loaded);
        }
        Ok(channels)
    }

    /// The data keys.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Refuses key files that know less than the database: what is under the keys that they lack could not be read, and new keys would
    /// get numbers that were given.
    fn check_keys(&self) -> Result<(), StoreError> {
        match self.last_key()? {
            Some(id) if !self.keyring.knows(id) => Err(self.keyring.unknown(id).into()),
            _ => Ok(()),
        }
    }

    fn claim(&self, expected: &str) -> Result<(), StoreError> {
        if let Some(found) = self.get(cf::META, META_NODE)? {
            if found != expected.as_bytes() {
                let found = String::from_utf8_lossy(&found).into_owned();
                return Err(StoreError::Foreign { expected: expected.to_owned(), found });
            }
            return Ok(());
        }
        let mut batch = rocksdb::WriteBatch::default();
        batch.put_cf(self.cf(cf::META), META_NODE, expected.as_bytes());
        self.write_synced(batch)
    }

    pub(super) fn write_synced(&self, batch: rocksdb::WriteBatch) -> Result<(), StoreError> {
        let mut options = rocksdb::WriteOptions::default();
        options.set_sync(true);
        Ok(self.db.write_opt(batch, &options)?)
    }

    pub(super) fn get(&self, family: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.db.get_cf(self.cf(family), key)?)
    }

    #[allow(clippy::expect_used)]
    pub(super) fn cf(&self, name: &str) -> &rocksdb::ColumnFamily {
        // Every name comes from cf::ALL, and open() opened all of them.
        self.db.cf_handle(name).expect("column family was opened")
    }
}

/// Whose database and key files these are.
pub(super) fn owner(network: &Digest, node: &NodeRef) -> String {
    format!("{node} of network {network}")
}

pub(super) fn decode<T: Decode>(what: &str, bytes: &[u8]) -> Result<T, StoreError> {
    T::from_cbor(bytes).map_err(|e: CborError| StoreError::damaged(what, e))
}

pub(super) fn tree_row(size: u64, root: &Hash) -> Vec<u8> {
    [size.to_be_bytes().as_slice(), root].concat()
}

pub(super) fn read_tree_row(bytes: &[u8]) -> Option<(u64, Hash)> {
    let (size, root) = bytes.split_at_checked(8)?;
    Some((u64::from_be_bytes(size.try_into().ok()?), root.try_into().ok()?))
}
