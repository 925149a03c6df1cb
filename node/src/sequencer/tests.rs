//! Commits, restarts and restored copies against a real store.

use std::sync::mpsc::channel;

use luxor_protocol::exchange::{Channel, EntryKind, Lane, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::keys::KeyUse;
use luxor_protocol::time::Day;
use luxor_protocol::tlog::{KeyType, VerifierKey, verify_inclusion};

use super::*;
use crate::store::StoreConfig;

const ORIGIN: &str = "luxor.test/a/n1";

struct Bench {
    folder: tempfile::TempDir,
    key: SecretKey,
}

impl Bench {
    fn new() -> Self {
        let key = SecretKey::from_seed(KeyUse::Log, &[5; 32]).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), key }
    }

    fn start(&self) -> Result<(Sequencer, JoinHandle<()>), SequencerError> {
        let node = "a/n1".parse().unwrap();
        let data = self.folder.path().join("data");
        let store = Store::open(&data, StoreConfig::default(), &Digest::ZERO, &node, self.folder.path())?;
        let loaded = store.load(&node)?;
        let lock = LockFile::open(&self.folder.path().join("lock"))?;
        let (size, root) = (loaded.size, loaded.root);
        Sequencer::start(Arc::new(store), lock, ORIGIN, vec![self.key.clone()], size, root, |e| panic!("{e}"))
    }

    fn commit_once(&self, numbers: std::ops::Range<u64>) {
        let (sequencer, thread) = self.start().unwrap();
        commit(&sequencer, numbers);
        drop(sequencer);
        thread.join().unwrap();
    }

    fn vkey(&self) -> VerifierKey {
        VerifierKey::new(ORIGIN, KeyType::Ed25519, self.key.public().verifying_key()).unwrap()
    }
}

fn opening(number: u64) -> Opening {
    let (sender, recipient) = ("a/n1".parse().unwrap(), "b/n1".parse().unwrap());
    let channel = Channel { sender, recipient, epoch: 1, lane: Lane::Ordinary };
    let skeleton = Skeleton { kind: EntryKind::Sent, agreement: Digest::ZERO, channel, number, due: Day(1) };
    Opening::new(&skeleton, vec![1, 2, 3], [number as u8; 16], [2; 16])
}

fn commit(sequencer: &Sequencer, numbers: std::ops::Range<u64>) -> Committed {
    let (done, committed) = channel();
    let entries = numbers.map(opening).collect();
    let done = Box::new(move |c| done.send(c).unwrap());
    sequencer.commit(Commit { writes: Vec::new(), entries, prove: true, bytes: 0, done }).unwrap();
    committed.recv().unwrap()
}

#[test]
fn every_entry_is_proven_across_restarts() {
    let bench = Bench::new();
    let mut total = 0;
    for count in [1, 300, 5, 700, 0, 1] {
        let (sequencer, thread) = bench.start().unwrap();
        let committed = commit(&sequencer, total..total + count);
        assert_eq!(committed.first, total);
        for (at, proof) in committed.proofs.iter().enumerate() {
            let proof = TlogProof::parse(proof).unwrap();
            let leaf = leaf_hash(&opening(total + at as u64).entry());
            assert_eq!(proof.verify(&leaf, &bench.vkey()).unwrap().size, total + count);
        }
        total += count;
        for index in (0..total).step_by(97) {
            let proof = TlogProof::parse(&sequencer.prove(index).unwrap()).unwrap();
            proof.verify(&leaf_hash(&opening(index).entry()), &bench.vkey()).unwrap();
        }
        drop(sequencer);
        thread.join().unwrap();
    }
}

/// Beyond the first full upper tile: nodes come from the edge, from that tile, and from entries, also after a restart.
#[test]
fn proofs_in_a_log_with_a_full_upper_tile_hold() {
    let bench = Bench::new();
    let (mut total, each) = (0, 2_000);
    for entries in [33 * each, each] {
        let (sequencer, thread) = bench.start().unwrap();
        for first in (0..entries).step_by(each as usize) {
            let (done, committed) = channel();
            let entries = (total + first..total + first + each).map(opening).collect();
            let done = Box::new(move |c: Committed| done.send(c.first).unwrap());
            sequencer.commit(Commit { writes: Vec::new(), entries, prove: false, bytes: 0, done }).unwrap();
            committed.recv().unwrap();
        }
        total += entries;
        let latest = sequencer.latest();
        assert_eq!(latest.size, total);
        let reader = sequencer.store.log_reader();
        let places = [0, 1, 255, 256, 65_279, 65_535, 65_536, 65_791, 65_792, total - 1];
        for index in places.into_iter().chain((0..total).step_by(997)) {
            for size in [total, index + 1, total - 1].into_iter().filter(|size| *size > index) {
                let Ok(proof) = sequencer.path(index, size) else { panic!("{index} of {size}") };
                let root = root_at(&reader, size).unwrap();
                verify_inclusion(&leaf_hash(&opening(index).entry()), index, size, &proof, &root).unwrap();
            }
        }
        assert_eq!(root_at(&reader, total).unwrap(), latest.root);
        drop(reader);
        drop(sequencer);
        thread.join().unwrap();
    }
}

#[test]
fn an_older_copy_of_the_data_is_refused() {
    let bench = Bench::new();
    let copy = tempfile::tempdir().unwrap();
    bench.commit_once(0..3);
    copy_folder(&bench.folder.path().join("data"), &copy.path().join("data"));
    bench.commit_once(3..6);
    std::fs::remove_dir_all(bench.folder.path().join("data")).unwrap();
    copy_folder(&copy.path().join("data"), &bench.folder.path().join("data"));
    let error = bench.start().err().unwrap().to_string();
    assert!(error.contains("3 entries, but 6 were signed"), "{error}");
}

#[test]
fn a_missing_lock_file_is_refused() {
    let bench = Bench::new();
    bench.commit_once(0..3);
    std::fs::remove_file(bench.folder.path().join("lock")).unwrap();
    assert!(bench.start().err().unwrap().to_string().contains("lock file is missing"));
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
