//! The one thread that commits: it gives indexes, writes one synced batch, checks what it wrote, signs the checkpoint,
//! writes the lock file, and only then releases answers.
//!
//! Order (review A3, A4): RocksDB batch synced; new range re-read and recomputed onto the frontier; sign; lock file synced;
//! release. Two syncs for all commits that waited together. Any error from the write on ends the process; there is no
//! rollback code, start-up rebuilds everything from disk.

mod lock;

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;

use luxor_protocol::cbor::Encode;
use luxor_protocol::exchange::Opening;
use luxor_protocol::keys::{PublicKey, SecretKey};
use luxor_protocol::tlog::{
    Checkpoint, Edge, Frontier, Hash, NodeReader, TlogProof, inclusion_proof, leaf_hash, root_at,
};

use tokio::sync::oneshot;

pub use lock::{LOCK_FILE_BYTES, LockError, LockFile, Signed, Slot, read_slots};

use crate::store::{LogReader, Store, StoreError, Write};

/// Entries that one synced write takes at most, counted after each commit.
const MAX_GROUP_ENTRIES: usize = 2_048;
/// Bytes of rows and openings that one synced write takes at most, counted after each commit.
const MAX_GROUP_BYTES: usize = 8 * 1024 * 1024;
/// Room in a batch for what every group adds: tree, totals, tiles, checkpoint.
const BATCH_SLACK: usize = 64 * 1024;
/// Commits that may wait. Callers hold permits (dispatches, submissions, receipts in flight), whose sum is below this.
const MAX_QUEUED: usize = 16_384;

/// What must become durable together.
pub struct Commit {
    /// Rows.
    pub writes: Vec<Write>,
    /// Log entries, in order.
    pub entries: Vec<Opening>,
    /// Whether the caller needs proofs of its entries.
    pub prove: bool,
    /// Bytes, roughly, to bound a group.
    pub bytes: usize,
    /// Called on the sequencer's thread once the commit is durable and signed.
    pub done: Box<dyn FnOnce(Committed) + Send>,
}

/// Roughly how many bytes a commit writes.
pub fn bytes_of(writes: &[Write], entries: &[Opening]) -> usize {
    let of_entries = entries.iter().map(|entry| entry.body.len() + 300).sum::<usize>();
    of_entries + writes.iter().map(Write::bytes).sum::<usize>()
}

/// A durable commit.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Index of its first entry.
    pub first: u64,
    /// One tlog-proof for each entry, with the opening as extra line; empty unless asked for.
    pub proofs: Vec<Vec<u8>>,
}

/// Why sequencing stopped. The process must end.
#[derive(Debug, thiserror::Error)]
pub enum SequencerError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lock file failed.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Database and lock file contradict each other.
    #[error("{0}")]
    Contradiction(String),
    /// The tree could not be computed or signed.
    #[error("the log's tree: {0}")]
    Tree(String),
    /// The body of an entry is erased, so it cannot be shown whole.
    #[error("the body of entry {0} is erased")]
    Erased(u64),
    /// More commits wait than permits allow.
    #[error("more than {MAX_QUEUED} commits wait")]
    Overrun,
    /// The thread ended.
    #[error("the sequencer has stopped")]
    Stopped,
}

/// The newest signed checkpoint.
#[derive(Debug, Clone, Default)]
pub struct Latest {
    /// Entries it covers.
    pub size: u64,
    /// Root.
    pub root: Hash,
    /// The signed note.
    pub note: Vec<u8>,
}

/// The way into the sequencer's thread.
#[derive(Clone)]
pub struct Sequencer {
    queue: SyncSender<Commit>,
    latest: Arc<RwLock<Latest>>,
    edge: Arc<RwLock<Edge>>,
    store: Arc<Store>,
    keys: Arc<RwLock<Vec<SecretKey>>>,
}

impl Sequencer {
    /// Checks database against lock file, signs the current tree and starts the thread. `failed` is called with the
    /// error that ended it. The thread ends when every handle is dropped, and must be joined before the process ends:
    /// RocksDB may not be closed while the process takes down its C++ statics.
    ///
    /// # Errors
    /// [`SequencerError`]; a database behind its lock file is refused, since signing would fork the log.
    pub fn start(
        store: Arc<Store>,
        mut lock: LockFile,
        origin: &str,
        keys: Vec<SecretKey>,
        size: u64,
        root: Hash,
        failed: impl FnOnce(SequencerError) + Send + 'static,
    ) -> Result<(Self, JoinHandle<()>), SequencerError> {
        let edge = check_lock(&store, &lock, size, root)?;
        let keys = Arc::new(RwLock::new(keys));
        let signer = Signer { origin: origin.to_owned(), keys: keys.clone() };
        let note = signer.sign(size, root)?;
        lock.write(Signed { size, root })?;
        let latest = Arc::new(RwLock::new(Latest { size, root, note }));
        let (queue, commits) = sync_channel(MAX_QUEUED);
        let edge = Arc::new(RwLock::new(edge));
        let (shared, newest) = (edge.clone(), latest.clone());
        let mut thread = Thread { store: store.clone(), lock, signer, edge: shared, latest: newest, unsaved: None };
        let run = move || {
            if let Err(error) = thread.run(&commits) {
                failed(error);
            }
        };
        let thread = std::thread::Builder::new()
            .name("sequencer".into())
            .spawn(run)
            .map_err(|e| SequencerError::Contradiction(format!("cannot start the sequencer's thread: {e}")))?;
        Ok((Self { queue, latest, edge, store, keys }, thread))
    }

    /// The first of the keys that sign.
    pub fn key_in_use(&self) -> Option<PublicKey> {
        self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner).first().map(|key| *key.public())
    }

    /// Signs with other keys from the next checkpoint on.
    pub fn use_keys(&self, keys: Vec<SecretKey>) {
        *self.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner) = keys;
    }

    /// Queues a commit. Never blocks.
    ///
    /// # Errors
    /// [`SequencerError::Overrun`] or [`SequencerError::Stopped`]: both end the process.
    pub fn commit(&self, commit: Commit) -> Result<(), SequencerError> {
        self.queue.try_send(commit).map_err(|error| match error {
            TrySendError::Full(_) => SequencerError::Overrun,
            TrySendError::Disconnected(_) => SequencerError::Stopped,
        })
    }

    /// Commits and waits until it is durable and signed.
    ///
    /// # Errors
    /// As [`Sequencer::commit`]; [`SequencerError::Stopped`] also when the process ends meanwhile.
    pub async fn commit_and_wait(
        &self,
        writes: Vec<Write>,
        entries: Vec<Opening>,
    ) -> Result<Committed, SequencerError> {
        let (done, committed) = oneshot::channel();
        // Whoever waits may have gone: the node is stopping.
        let done = Box::new(move |committed| drop(done.send(committed)));
        let bytes = bytes_of(&writes, &entries);
        self.commit(Commit { writes, entries, prove: false, bytes, done })?;
        committed.await.map_err(|_| SequencerError::Stopped)
    }

    /// The newest signed checkpoint.
    pub fn latest(&self) -> Latest {
        // The lock holds plain data that is replaced whole, so a poisoned one is still good.
        self.latest.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// A tlog-proof of an entry under the newest checkpoint, with its opening as extra line.
    ///
    /// # Errors
    /// [`SequencerError`].
    pub fn prove(&self, index: u64) -> Result<Vec<u8>, SequencerError> {
        let latest = self.latest();
        let opening = self.store.opening(index)?;
        let opening = opening.ok_or_else(|| SequencerError::Tree(format!("no opening of entry {index}")))?;
        let opening = opening.whole().ok_or(SequencerError::Erased(index))?;
        let hashes = self.path(index, latest.size)?;
        Ok(proof_file(&opening, index, hashes, latest.note))
    }

    /// The inclusion proof of an entry in the tree of a signed size: hashes alone.
    ///
    /// # Errors
    /// [`SequencerError`].
    pub fn path(&self, index: u64, size: u64) -> Result<Vec<Hash>, SequencerError> {
        inclusion_proof(&self.nodes(), index, size).map_err(|e| SequencerError::Tree(e.to_string()))
    }

    /// The nodes of the tree, for proofs of any signed size: what is not on disk yet comes from memory.
    pub fn nodes(&self) -> impl NodeReader<Error = StoreError> + '_ {
        Nodes { edge: &self.edge, disk: self.store.log_reader() }
    }
}

struct Thread {
    store: Arc<Store>,
    lock: LockFile,
    signer: Signer,
    /// Ahead of what is signed while a commit is under way; written by this thread alone.
    edge: Arc<RwLock<Edge>>,
    latest: Arc<RwLock<Latest>>,
    /// A signed checkpoint goes into the database with the next batch; if it is lost, the lock file still knows it.
    unsaved: Option<(u64, Vec<u8>)>,
}

impl Thread {
    fn run(&mut self, commits: &Receiver<Commit>) -> Result<(), SequencerError> {
        while let Ok(first) = commits.recv() {
            let (mut entries, mut bytes) = (first.entries.len(), first.bytes);
            let mut group = vec![first];
            while entries < MAX_GROUP_ENTRIES && bytes < MAX_GROUP_BYTES {
                let Ok(next) = commits.try_recv() else { break };
                entries += next.entries.len();
                bytes += next.bytes;
                group.push(next);
            }
            self.commit(group)?;
        }
        Ok(())
    }

    fn commit(&mut self, group: Vec<Commit>) -> Result<(), SequencerError> {
        let mut frontier = frontier_of(&read(&self.edge))?;
        let before = frontier.size();
        let bytes = group.iter().map(|commit| commit.bytes).sum::<usize>();
        let mut batch = Store::batch(bytes + BATCH_SLACK);
        let mut tiles = Vec::new();
        let mut released = Vec::with_capacity(group.len());
        for commit in group {
            let first = read(&self.edge).size();
            self.store.stage(&mut batch, commit.writes, first);
            self.store.stage_entries(&mut batch, &commit.entries, first);
            let mut edge = self.edge.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            for opening in &commit.entries {
                edge.push(leaf_hash(&opening.entry()), &mut tiles);
            }
            drop(edge);
            let kept = if commit.prove { commit.entries } else { Vec::new() };
            released.push((first, kept, commit.done));
        }
        let (size, root) = {
            let edge = read(&self.edge);
            (edge.size(), edge.root())
        };
        let unsaved = self.unsaved.take();
        let signed = unsaved.as_ref().map(|(size, note)| (*size, note.as_slice()));
        self.store.write(batch, &tiles, size, &root, signed)?;

        if size > before {
            for entry in self.store.entries(before, size - before)? {
                frontier.push(leaf_hash(&entry));
            }
            if frontier.size() != size || frontier.root() != root {
                let what = format!("entries {before} to {size} read back differ from what was written");
                return Err(SequencerError::Contradiction(what));
            }
            let note = self.signer.sign(size, root)?;
            self.lock.write(Signed { size, root })?;
            self.unsaved = Some((size, note.clone()));
            let mut latest = self.latest.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            *latest = Latest { size, root, note };
        }
        let note = self.unsaved.as_ref().map(|(_, note)| note.clone()).unwrap_or_default();
        for (first, openings, done) in released {
            let mut proofs = Vec::with_capacity(openings.len());
            for (index, opening) in (first..).zip(&openings) {
                let reader = Nodes { edge: &self.edge, disk: self.store.log_reader() };
                let hashes = inclusion_proof(&reader, index, size).map_err(|e| SequencerError::Tree(e.to_string()))?;
                proofs.push(proof_file(opening, index, hashes, note.clone()));
            }
            done(Committed { first, proofs });
        }
        Ok(())
    }
}

struct Signer {
    origin: String,
    /// The key in use, then others that sign beside it while it is replaced.
    keys: Arc<RwLock<Vec<SecretKey>>>,
}

impl Signer {
    fn sign(&self, size: u64, root: Hash) -> Result<Vec<u8>, SequencerError> {
        let checkpoint = Checkpoint::new(self.origin.clone(), size, root);
        // The lock holds keys that are replaced whole.
        let keys = self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let keys: Vec<_> = keys.iter().map(SecretKey::signing_key).collect();
        let note = checkpoint.sign_all(&keys).map_err(|e| SequencerError::Tree(e.to_string()))?;
        Ok(note.to_bytes())
    }
}

/// The edge is written whole by one thread, so a poisoned one is still good.
fn read(edge: &RwLock<Edge>) -> RwLockReadGuard<'_, Edge> {
    edge.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Nodes from memory where the right edge has them, from disk otherwise: what is not full yet there would have to be computed
/// from all entries below it. A complete subtree's hash never changes, so it does not matter how far the edge has come.
struct Nodes<'a> {
    edge: &'a RwLock<Edge>,
    disk: LogReader<'a>,
}

impl NodeReader for Nodes<'_> {
    type Error = StoreError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, StoreError> {
        let in_memory = read(self.edge).node(level, index);
        match in_memory {
            Some(hash) => Ok(hash),
            None => self.disk.node(level, index),
        }
    }
}

/// Looks whether the log on disk is the one that was stored and signed. Gives its right edge. Nothing is written.
///
/// # Errors
/// [`SequencerError`]; a database behind its lock file is refused, since signing would fork the log.
pub fn check_lock(store: &Store, lock: &LockFile, size: u64, root: Hash) -> Result<Edge, SequencerError> {
    let edge = store.edge(size)?;
    if edge.root() != root {
        return Err(SequencerError::Contradiction(format!(
            "the {size} entries on disk do not give the root that was stored with them\n\
             hint: the data folder is damaged; restore it from a backup"
        )));
    }
    compare(store, lock, &edge)?;
    Ok(edge)
}

/// Refuses to sign when the database is behind the lock file, or tells another history of what was signed.
fn compare(store: &Store, lock: &LockFile, edge: &Edge) -> Result<(), SequencerError> {
    let Some(signed) = lock.signed() else {
        if edge.size() == 0 {
            return Ok(());
        }
        return Err(SequencerError::Contradiction(
            "the lock file is missing, but the log has entries\n\
             hint: put back the lock file of this log; without it this node might sign a second history"
                .into(),
        ));
    };
    if edge.size() < signed.size {
        return Err(SequencerError::Contradiction(format!(
            "the log on disk has {} entries, but {} were signed: this is an older copy of the data\n\
             hint: signing from it would fork the log; put back the newest data folder",
            edge.size(),
            signed.size
        )));
    }
    let root = if signed.size == 0 {
        Frontier::new().root()
    } else {
        root_at(&store.log_reader(), signed.size).map_err(|e| SequencerError::Tree(e.to_string()))?
    };
    if root == signed.root {
        Ok(())
    } else {
        let what = format!("the first {} entries on disk are not those that were signed", signed.size);
        Err(SequencerError::Contradiction(what))
    }
}

/// The compact form of an edge: one hash for each set bit of its size.
fn frontier_of(edge: &Edge) -> Result<Frontier, SequencerError> {
    let size = edge.size();
    let mut hashes = Vec::new();
    let mut start = 0u64;
    for level in (0..63).rev().filter(|level| size >> level & 1 == 1) {
        let node = edge.node(level, start >> level);
        hashes.push(node.ok_or_else(|| SequencerError::Tree(format!("no node of level {level}")))?);
        start += 1 << level;
    }
    Frontier::from_parts(size, hashes).map_err(|e| SequencerError::Tree(e.to_string()))
}

fn proof_file(opening: &Opening, index: u64, hashes: Vec<Hash>, checkpoint: Vec<u8>) -> Vec<u8> {
    TlogProof { extra: Some(opening.to_cbor()), index, hashes, checkpoint }.to_bytes()
}

#[cfg(test)]
mod tests;
