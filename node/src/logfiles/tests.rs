//! The log's files against a real store, compared with files made by definition from the entries.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use luxor_protocol::exchange::{Channel, EntryKind, Lane, Opening, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::keys::{KeyUse, SecretKey};
use luxor_protocol::time::Day;
use luxor_protocol::tlog::{Checkpoint, Hash, TileLevel, TileWidth, encode_bundle, leaf_hash, paths_of, root_of};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::sequencer::{Commit, LockFile, Sequencer};
use crate::store::StoreConfig;

/// A node's log without the node.
pub(crate) struct Log {
    pub(crate) store: Arc<Store>,
    sequencer: Option<Sequencer>,
    thread: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Log {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = "a/n1".parse().unwrap();
        let data = folder.path().join("data");
        let store = Arc::new(Store::open(&data, StoreConfig::default(), &Digest::ZERO, &node, folder.path()).unwrap());
        let lock = LockFile::open(&folder.path().join("lock")).unwrap();
        let key = SecretKey::from_seed(KeyUse::Log, &[5; 32]).unwrap();
        let root = store.load(&node).unwrap().root;
        let started = Sequencer::start(store.clone(), lock, "luxor.test/a/n1", vec![key], 0, root, |e| panic!("{e}"));
        let (sequencer, thread) = started.unwrap();
        Self { store, sequencer: Some(sequencer), thread: Some(thread), _folder: folder }
    }

    pub(crate) fn latest(&self) -> Latest {
        self.sequencer.as_ref().unwrap().latest()
    }

    /// Adds entries until there are so many.
    pub(crate) fn grow(&self, size: u64) -> Latest {
        let (done, committed) = channel();
        let entries = (self.latest().size..size).map(opening).collect();
        let done = Box::new(move |_| done.send(()).unwrap());
        let commit = Commit { writes: Vec::new(), entries, prove: false, bytes: 0, done };
        self.sequencer.as_ref().unwrap().commit(commit).unwrap();
        committed.recv().unwrap();
        self.latest()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // The database may not be closed while the process ends.
        drop(self.sequencer.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

fn opening(number: u64) -> Opening {
    let (sender, recipient) = ("a/n1".parse().unwrap(), "b/n1".parse().unwrap());
    let channel = Channel { sender, recipient, epoch: 1, lane: Lane::Ordinary };
    let skeleton = Skeleton { kind: EntryKind::Sent, agreement: Digest::ZERO, channel, number, due: Day(1) };
    Opening::new(&skeleton, vec![1, 2, 3], [number as u8; 16], [2; 16])
}

/// Every hash of each tile level, by definition.
struct Rows(Vec<Vec<Hash>>);

impl Rows {
    fn of(size: u64) -> Self {
        let mut rows = vec![(0..size).map(|n| leaf_hash(&opening(n).entry())).collect::<Vec<_>>()];
        while rows[rows.len() - 1].len() >= 256 {
            let above = rows[rows.len() - 1].chunks_exact(256).map(root_of).collect();
            rows.push(above);
        }
        Self(rows)
    }

    fn file(&self, path: &TilePath) -> Vec<u8> {
        match *path {
            TilePath::Checkpoint => unreachable!(),
            TilePath::Entries { index, width } => {
                encode_bundle((0..width.get() as u64).map(|at| opening(index * 256 + at).entry())).unwrap()
            }
            TilePath::Tile { level, index, width } => {
                let first = index as usize * 256;
                self.0[usize::from(level.get())][first..first + width.get()].concat()
            }
        }
    }
}

#[test]
fn every_file_at_every_size_is_what_its_definition_says() {
    let log = Log::new();
    let rows = Rows::of(66_400);
    // One reader for all: what it keeps of growing tiles must stay right while the log grows over two levels.
    let reader = LogFileReader::new(log.store.clone());
    let mut before = 0;
    for size in [1, 255, 256, 257, 700, 1_300, 65_535, 65_536, 65_537, 66_399] {
        log.grow(size);
        for path in paths_of(size).filter(|path| *path != TilePath::Checkpoint) {
            // Of the many full ones, those that were there at the last size only for the largest.
            let was_there = path.smallest_size().unwrap() <= before && path.full().is_none();
            if !was_there || size == 66_399 {
                assert_eq!(reader.read(&path, size).unwrap().unwrap(), rows.file(&path), "{path} at {size}");
            }
        }
        before = size;
    }

    // Any path, of any width, at any size up to the one on disk: there exactly if a tree of that size has it.
    let any_path = (0u64..66_399, 0u8..=3, 1usize..=256, any::<bool>(), 0u64..=66_399);
    let mut runner = TestRunner::new(Config { cases: 3_000, ..Config::default() });
    let outcome = runner.run(&any_path, |(leaf, level, width, small, size)| {
        let (level, width) = (TileLevel::new(level).unwrap(), TileWidth::new(width).unwrap());
        // Half of them close to the beginning, where upper tiles are.
        let leaf = if small { leaf % 300 } else { leaf };
        for path in [
            TilePath::Tile { level, index: leaf >> (8 * u32::from(level.get()) + 8), width },
            TilePath::Entries { index: leaf >> 8, width },
        ] {
            let found = reader.read(&path, size).unwrap();
            let wanted = (path.smallest_size().unwrap() <= size).then(|| rows.file(&path));
            prop_assert!(found == wanted, "{} at {}", path, size);
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn what_no_log_can_have_is_not_there() {
    let log = Log::new();
    let size = log.grow(3).size;
    let reader = LogFileReader::new(log.store.clone());
    for path in [
        "tile/63/x018/x446/x744/x073/x709/x551/615.p/255",
        "tile/entries/x018/x446/x744/x073/x709/x551/615",
        "tile/8/000.p/1",
        "tile/7/000.p/1",
        "tile/0/000.p/4",
        "tile/0/000",
        "tile/1/000.p/1",
        "tile/0/001.p/1",
        "checkpoint",
    ] {
        assert_eq!(reader.read(&TilePath::parse(path).unwrap(), size).unwrap(), None, "{path}");
    }
    assert_eq!(reader.read(&TilePath::parse("tile/0/000.p/3").unwrap(), 0).unwrap(), None);
}

/// Entries that a checkpoint signs and the database has not are damage, said as such.
#[tokio::test]
async fn what_the_database_lost_is_damage() {
    let log = Log::new();
    log.grow(3);
    let files = LogFiles::new(log.store.clone());
    let beyond = Latest { size: 70_000, ..Latest::default() };
    for path in ["tile/0/000", "tile/entries/000.p/4", "tile/1/000.p/1", "tile/2/000.p/1", "tile/1/000"] {
        let error = files.read(path, &beyond, Coding::Identity).await.unwrap_err();
        assert!(matches!(&error, LogFileError::Store(StoreError::Damaged { .. })), "{path}: {error}");
    }
}

#[tokio::test]
async fn requests_beyond_the_bound_are_put_off() {
    let log = Log::new();
    let latest = log.grow(1);
    let files = LogFiles::new(log.store.clone());
    // All threads are taken, so whoever comes waits.
    let reads = files.reads.clone().acquire_many_owned(MAX_READS as u32).await.unwrap();
    let mut waiting: Vec<_> =
        (0..MAX_WAITING).map(|_| Box::pin(files.read("tile/0/000.p/1", &latest, Coding::Identity))).collect();
    for request in &mut waiting {
        assert!(futures::poll!(request).is_pending());
    }
    let refused = files.read("tile/0/000.p/1", &latest, Coding::Identity).await;
    assert!(matches!(refused, Err(LogFileError::Busy)), "{refused:?}");
    // What needs no thread is answered.
    assert_eq!(files.read("checkpoint", &latest, Coding::Gzip).await.unwrap().bytes, latest.note);
    assert!(matches!(
        files.read("tile/0/000.p/2", &latest, Coding::Identity).await,
        Err(LogFileError::Missing { size: 1 })
    ));
    // One that goes makes room for another.
    drop(waiting.pop());
    drop(reads);
    for request in waiting {
        assert_eq!(request.await.unwrap().bytes, leaf_hash(&opening(0).entry()));
    }
    assert!(files.read("tile/0/000.p/1", &latest, Coding::Identity).await.is_ok());
}

#[tokio::test]
async fn the_checkpoint_is_the_signed_note() {
    let log = Log::new();
    let latest = log.grow(300);
    let file = LogFiles::new(log.store.clone()).read("checkpoint", &latest, Coding::Identity).await.unwrap();
    let text = String::from_utf8(file.bytes.clone()).unwrap();
    let root = Rows::of(300).0[0].clone();
    let checkpoint = Checkpoint::new("luxor.test/a/n1", 300, root_of(&root));
    assert!(text.starts_with(&checkpoint.to_text()), "{text}");
    assert_eq!(file.content_type(), "text/plain; charset=utf-8");
}
