//! A witness against a real store: what it cosigns, what it refuses, and that it never forgets.

use luxor_protocol::document::KnownNode;
use luxor_protocol::exchange::NewestCheckpoint;
use luxor_protocol::keys::{KeyUse, SecretKey};
use luxor_protocol::tlog::{Edge, KeyType, ObserveError, TlogProof, consistency_proof, leaf_hash, prefix_proof};

use super::*;
use crate::store::StoreConfig;
use crate::testing::{TwoMembers, key};

const NOW: Millis = Millis(1_800_000_000_000);

struct Bench {
    folder: tempfile::TempDir,
    directory: Arc<Directory>,
    me: NodeRef,
    other: Arc<KnownNode>,
    log: SecretKey,
    witness: SecretKey,
}

impl Bench {
    fn new() -> Self {
        let directory = Arc::new(TwoMembers::new().directory);
        let (me, other) = ("a/n1".parse().unwrap(), directory.node(&"b/n1".parse().unwrap()).unwrap().clone());
        let (log, witness) = (key(KeyUse::Log, 2), key(KeyUse::Witness, 1));
        Self { folder: tempfile::tempdir().unwrap(), directory, me, other, log, witness }
    }

    fn open(&self) -> Witness {
        let data = self.folder.path().join("data");
        let network = self.directory.network();
        let store = Store::open(&data, StoreConfig::default(), &network, &self.me, self.folder.path()).unwrap();
        let origin = &self.directory.node(&self.me).unwrap().card.origin;
        Witness::new(self.me.clone(), origin, vec![self.witness.clone()], self.directory.clone(), Arc::new(store))
    }

    fn origin(&self) -> &str {
        &self.other.card.origin
    }

    /// The other node's log of this size; from entry `changed` on it goes another way.
    fn history(&self, size: u64, changed: u64) -> (Edge, Vec<u8>) {
        let mut edge = Edge::new();
        for index in 0..size {
            edge.push(leaf_hash(&[index as u8, u8::from(index >= changed)]), &mut Vec::new());
        }
        let note = Checkpoint::new(self.origin(), size, edge.root()).sign(self.log.signing_key()).unwrap();
        (edge, note.to_bytes())
    }

    fn offer(&self, old: u64, size: u64, changed: u64) -> Vec<u8> {
        let (edge, note_bytes) = self.history(size, changed);
        AddCheckpoint { old, proof: consistency_proof(&edge, old, size).unwrap(), note_bytes }.to_bytes()
    }

    /// What the other node answers that has this history.
    fn newest(&self, asked: &Asked, size: u64, changed: u64) -> NewestCheckpoint {
        let (edge, note_bytes) = self.history(size, changed);
        let proof = |old: &u64| match *old > 0 && *old < size {
            true => prefix_proof(&edge, *old, size).unwrap(),
            false => Vec::new(),
        };
        NewestCheckpoint { note_bytes, proofs: asked.sizes().iter().map(proof).collect() }
    }

    fn tell(&self, witness: &Witness, size: u64, changed: u64) -> Told {
        let asked = witness.asked(self.origin()).unwrap();
        witness.told(self.origin(), &asked, &self.newest(&asked, size, changed)).unwrap()
    }

    fn key(&self) -> VerifierKey {
        let origin = &self.directory.node(&self.me).unwrap().card.origin;
        VerifierKey::new(&witness_name(origin), KeyType::Cosignature, self.witness.public().verifying_key()).unwrap()
    }
}

const SAME: u64 = u64::MAX;

#[test]
fn what_grew_is_cosigned_also_after_a_restart_and_again() {
    let bench = Bench::new();
    for (old, size) in [(0, 3), (3, 3), (3, 8), (8, 300)] {
        // Opened anew each time: only what is stored counts.
        let said = bench.open().add_checkpoint(&bench.offer(old, size, SAME), Some(&bench.other), NOW).unwrap();
        assert_eq!(said.status, 200, "{}", String::from_utf8_lossy(&said.body));
        let note = [bench.history(size, SAME).1, said.body].concat();
        let verified = Note::parse(&note).unwrap().verify(&[bench.key()]).unwrap()[0].time;
        assert_eq!(verified, Some(NOW.0 / 1_000));
    }
    let witness = bench.open();
    let said = witness.add_checkpoint(&bench.offer(8, 301, SAME), Some(&bench.other), NOW).unwrap();
    assert_eq!((said.status, said.body.as_slice(), said.content_type), (409, b"300\n".as_slice(), "text/x.tlog.size"));
    let shown = witness.held(bench.origin(), NOW).unwrap().unwrap();
    assert_eq!(Note::parse(&shown).unwrap().verify(&[bench.key()]).unwrap().len(), 1);
    assert_eq!(witness.held("no.such/log", NOW).unwrap(), None);
}

#[test]
fn rubbish_strangers_and_the_own_log_are_refused() {
    let bench = Bench::new();
    let witness = bench.open();
    let said = |body: &[u8]| witness.add_checkpoint(body, None, NOW).unwrap().status;
    assert_eq!(said(b"rubbish"), 400);
    assert_eq!(said(&[0xff; 100]), 400);
    let stranger = SecretKey::from_seed(KeyUse::Log, &[9; 32]).unwrap();
    let note = |origin: &str| Checkpoint::new(origin, 1, [1; 32]).sign(stranger.signing_key()).unwrap().to_bytes();
    let body = |note_bytes| AddCheckpoint { old: 0, proof: Vec::new(), note_bytes }.to_bytes();
    assert_eq!(said(&body(note("no.such/log"))), 404);
    assert_eq!(said(&body(note(bench.origin()))), 403);
    let own = bench.directory.node(&bench.me).unwrap().card.origin.clone();
    assert_eq!(said(&body(note(&own))), 404, "nobody witnesses its own log");
    assert_eq!(witness.size_held(bench.origin()).unwrap(), 0);
}

#[test]
fn what_fills_a_note_does_not_keep_a_witness_from_answering() {
    let bench = Bench::new();
    // A checkpoint text so long that no cosignature would fit its note.
    let long = |bytes: usize| {
        let mut checkpoint = Checkpoint::new(bench.origin(), 1, [7; 32]);
        checkpoint.extensions = vec!["x".repeat(bytes)];
        format!("{}\n\u{2014} {} AAAA\n", checkpoint.to_text(), bench.origin()).into_bytes()
    };
    for bytes in [5_000, 60_000, 65_000] {
        let body = AddCheckpoint { old: 0, proof: Vec::new(), note_bytes: long(bytes) }.to_bytes();
        assert_eq!(bench.open().add_checkpoint(&body, Some(&bench.other), NOW).unwrap().status, 400, "{bytes}");
    }
    // The log's line as often as a note may hold one: kept once.
    let note_bytes = bench.history(3, SAME).1;
    let line = note_bytes.split(|byte| *byte == b'\n').rev().nth(1).unwrap().to_vec();
    let many = [note_bytes, [line, b"\n".to_vec()].concat().repeat(63)].concat();
    let body = AddCheckpoint { old: 0, proof: Vec::new(), note_bytes: many }.to_bytes();
    assert_eq!(bench.open().add_checkpoint(&body, Some(&bench.other), NOW).unwrap().status, 200);
    let shown = bench.open().held(bench.origin(), NOW).unwrap().unwrap();
    assert_eq!(Note::parse(&shown).unwrap().signatures.len(), 2);
}

#[test]
fn a_fork_is_never_cosigned_and_its_evidence_is_kept() {
    // Same size; a larger tree; from a size that is a power of two, where only the log's own node can be asked for more.
    for (first, size, proven) in [(5, 5, true), (5, 9, true), (8, 9, false)] {
        let bench = Bench::new();
        assert_eq!(
            bench.open().add_checkpoint(&bench.offer(0, first, SAME), Some(&bench.other), NOW).unwrap().status,
            200
        );
        let said = bench.open().add_checkpoint(&bench.offer(first, size, 2), Some(&bench.other), NOW).unwrap();
        assert_eq!(said.status, 422);
        let witness = bench.open();
        assert_eq!(witness.is_forked(bench.origin()).unwrap(), proven, "{first} to {size}");
        let honest = witness.add_checkpoint(&bench.offer(first, first + 3, SAME), Some(&bench.other), NOW).unwrap();
        assert_eq!(honest.status, if proven { 422 } else { 503 }, "no cosignature any more");
        if !proven {
            // Its node goes on with its first history, and so proves the second.
            assert_eq!(bench.tell(&witness, 12, SAME).newest, Concluded::Fork);
        }
        if proven {
            let (origin, evidence) = witness.store.forks(10).unwrap().remove(0);
            assert_eq!(origin, bench.origin());
            let fork = ForkEvidence::parse(&evidence).unwrap().verify().unwrap();
            assert_eq!((fork.a.size, fork.b.size), (first, size));
            assert_eq!(witness.held(bench.origin(), NOW).unwrap(), None);
        }
    }
}

#[test]
fn what_is_told_is_held_and_a_fork_told_is_proven() {
    for first in [4, 5] {
        let bench = Bench::new();
        let witness = bench.open();
        let told = |size, changed| bench.tell(&witness, size, changed).newest;
        assert_eq!(told(first, SAME), Concluded::Newer { size: first });
        assert_eq!(told(first, SAME), Concluded::Known);
        assert_eq!(told(2, SAME), Concluded::Older { size: 2, held: first });
        assert!(witness.waits_for_place(bench.origin()).unwrap(), "it may be of another history");
        assert_eq!(told(first + 1, SAME), Concluded::Newer { size: first + 1 });
        assert!(!witness.waits_for_place(bench.origin()).unwrap());
        let before = witness.asked(bench.origin()).unwrap();
        assert_eq!(told(9, SAME), Concluded::Newer { size: 9 });
        let late = witness.told(bench.origin(), &before, &bench.newest(&before, 12, SAME)).unwrap();
        assert_eq!(late.newest, Concluded::Known, "asked before the other came");
        let asked = witness.asked(bench.origin()).unwrap();
        let mut damaged = bench.newest(&asked, 20, SAME);
        damaged.proofs[0][0][0] ^= 1;
        let said = witness.told(bench.origin(), &asked, &damaged).unwrap();
        assert_eq!(said.newest, Concluded::Unproven(ObserveError::Unproven { size: 20 }));
        assert_eq!(witness.size_held(bench.origin()).unwrap(), 9);
        assert_eq!(told(20, 3), Concluded::Fork);
        assert_eq!(told(20, SAME), Concluded::Fork, "once is enough");
        assert!(witness.is_forked(bench.origin()).unwrap());
        // Both ways in hold a log to the same.
        assert_eq!(witness.add_checkpoint(&bench.offer(9, 20, SAME), Some(&bench.other), NOW).unwrap().status, 422);
    }
}

#[test]
fn evidence_that_another_keeps_counts_if_the_log_signed_both_histories() {
    let bench = Bench::new();
    let evidence = |log: &SecretKey, origin: &str, changed: [u64; 2]| {
        let key = VerifierKey::new(origin, KeyType::Ed25519, log.public().verifying_key()).unwrap();
        let [a, b] = changed.map(|changed| {
            let root = bench.history(5, changed).0.root();
            Checkpoint::new(origin, 5, root).sign(log.signing_key()).unwrap().to_bytes()
        });
        ForkEvidence { log_key: key, hashes: Vec::new(), a, b }.to_bytes()
    };
    let witness = bench.open();
    let mut damaged = evidence(&bench.log, bench.origin(), [SAME, 2]);
    let last = damaged.len() - 3;
    damaged[last] ^= 1;
    let own = bench.directory.node(&bench.me).unwrap().card.origin.clone();
    let worthless = [
        b"rubbish".to_vec(),
        damaged,
        evidence(&bench.log, bench.origin(), [SAME, SAME]),
        evidence(&key(KeyUse::Log, 9), bench.origin(), [SAME, 2]),
        evidence(&key(KeyUse::Log, 9), "no.such/log", [SAME, 2]),
        evidence(&key(KeyUse::Log, 1), &own, [SAME, 2]),
    ];
    witness.learn_forks(&worthless).unwrap();
    assert_eq!(witness.store.forks(10).unwrap(), Vec::new());
    let proven = evidence(&bench.log, bench.origin(), [SAME, 2]);
    witness
        .learn_forks(&[worthless[0].clone(), proven.clone(), evidence(&bench.log, bench.origin(), [SAME, 3])])
        .unwrap();
    assert_eq!(witness.store.forks(10).unwrap(), [(bench.origin().to_owned(), proven.clone())], "the first, once");
    assert!(witness.is_forked(bench.origin()).unwrap());
    // And it is told on.
    let told = holdings(&bench.directory, &witness.store, &bench.other.node, None).unwrap();
    assert_eq!(told.forks, [proven]);
}

fn teller(name: &str) -> NodeRef {
    format!("{name}/n1").parse().unwrap()
}

#[test]
fn a_checkpoint_that_is_not_placed_keeps_its_log_from_being_cosigned() {
    let bench = Bench::new();
    let (_, ahead) = bench.history(30, SAME);
    let witness = bench.open();
    let offer =
        |old, size| witness.add_checkpoint(&bench.offer(old, size, SAME), Some(&bench.other), NOW).unwrap().status;
    assert_eq!(offer(0, 5), 200);
    // Others hold more of the log than this witness, which was set back perhaps.
    for from in ["x", "y"] {
        witness.learn(&teller(from), &[ahead.clone(), bench.history(3, SAME).1, b"rubbish".to_vec()]).unwrap();
    }
    assert_eq!(offer(5, 9), 503);
    assert_eq!(witness.asked(bench.origin()).unwrap().sizes(), [5, 30]);
    // Its node shows less than it signed: nothing is placed.
    assert_eq!(bench.tell(&witness, 12, SAME), Told { newest: Concluded::Newer { size: 12 }, unplaced: 1 });
    assert_eq!(offer(12, 13), 503);
    assert_eq!(bench.tell(&witness, 31, SAME), Told { newest: Concluded::Newer { size: 31 }, unplaced: 0 });
    assert_eq!(offer(31, 40), 200);
    // What is held already, or smaller, or signed by another, is nothing new.
    witness.learn(&teller("x"), &[ahead]).unwrap();
    assert_eq!(offer(40, 41), 200);
}

#[test]
fn no_teller_hides_what_another_tells() {
    // Set back to 5, this witness had cosigned 20 of the first history. An honest node tells of it; the log's own node, or a
    // friend of its, tells of more, in a second history that leaves the first after 7.
    let bench = Bench::new();
    let witness = bench.open();
    assert_eq!(bench.tell(&witness, 5, SAME).newest, Concluded::Newer { size: 5 });
    witness.learn(&teller("honest"), &[bench.history(20, SAME).1]).unwrap();
    witness.learn(&teller("liar"), &[bench.history(30, 7).1]).unwrap();
    assert_eq!(witness.asked(bench.origin()).unwrap().sizes(), [5, 20, 30]);
    // The log's node shows the second history: that is the proof.
    assert_eq!(bench.tell(&witness, 31, 7).newest, Concluded::Fork);
    assert!(witness.is_forked(bench.origin()).unwrap());
}

#[test]
fn nobody_can_hold_against_a_log_what_its_node_did_not_offer() {
    let bench = Bench::new();
    let witness = bench.open();
    let own = bench.directory.node(&bench.me).unwrap().clone();
    assert_eq!(witness.add_checkpoint(&bench.offer(0, 5, SAME), Some(&bench.other), NOW).unwrap().status, 200);
    // A good checkpoint with a proof that leads nowhere, brought by a stranger or another member.
    let mut broken = AddCheckpoint::parse(&bench.offer(5, 9, SAME)).unwrap();
    broken.proof.clear();
    for (from, status) in [(None, 422), (Some(own.as_ref()), 403)] {
        assert_eq!(witness.add_checkpoint(&broken.to_bytes(), from, NOW).unwrap().status, status);
        assert_eq!(witness.asked(bench.origin()).unwrap().sizes(), [5]);
        assert!(!witness.waits_for_place(bench.origin()).unwrap());
    }
    // By the log's own node it is one that it must place.
    assert_eq!(witness.add_checkpoint(&broken.to_bytes(), Some(&bench.other), NOW).unwrap().status, 422);
    assert!(witness.waits_for_place(bench.origin()).unwrap());
}

#[test]
fn a_second_history_is_found_though_each_of_its_checkpoints_came_another_way() {
    // Seen with a receipt, or told by somebody else who holds at least as much.
    for (size, by_receipt) in [(12, true), (20, true), (25, true), (20, false), (25, false)] {
        let bench = Bench::new();
        let witness = bench.open();
        assert_eq!(bench.tell(&witness, 20, SAME).newest, Concluded::Newer { size: 20 });
        let (_, other) = bench.history(size, 7);
        if by_receipt {
            let proof = TlogProof { extra: None, index: 0, hashes: Vec::new(), checkpoint: other };
            witness.glimpse(bench.origin(), size, &proof.to_bytes());
        } else {
            witness.learn(&teller("x"), &[other]).unwrap();
        }
        // The log's node goes on with its first history.
        assert_eq!(bench.tell(&witness, 30, SAME).newest, Concluded::Fork, "{size} {by_receipt}");
        let (_, evidence) = witness.store.forks(10).unwrap().remove(0);
        assert!(ForkEvidence::parse(&evidence).unwrap().verify().is_ok());
    }
}

#[test]
fn of_receipts_the_largest_is_placed_and_none_is_lost_while_nobody_answers() {
    let bench = Bench::new();
    let witness = bench.open();
    let receipt = |size: u64| {
        let checkpoint = bench.history(size, SAME).1;
        witness.glimpse(
            bench.origin(),
            size,
            &TlogProof { extra: None, index: 0, hashes: Vec::new(), checkpoint }.to_bytes(),
        );
    };
    [3, 9, 4].into_iter().for_each(receipt);
    for _ in 0..2 {
        assert_eq!(witness.asked(bench.origin()).unwrap().sizes(), [0, 9], "asked in vain");
    }
    assert!(!witness.waits_for_place(bench.origin()).unwrap(), "a receipt is nothing against its log");
    assert_eq!(bench.tell(&witness, 9, SAME), Told { newest: Concluded::Newer { size: 9 }, unplaced: 0 });
    assert_eq!(witness.asked(bench.origin()).unwrap().sizes(), [9]);
}

#[test]
fn checkpoints_without_place_are_few_and_a_log_with_more_is_taken_for_forked() {
    let bench = Bench::new();
    let witness = bench.open();
    assert_eq!(bench.tell(&witness, 5, SAME).newest, Concluded::Newer { size: 5 });
    for size in 6..40 {
        let asked = witness.asked(bench.origin()).unwrap();
        let mut unproven = bench.newest(&asked, size, 2);
        unproven.proofs.iter_mut().for_each(|proof| proof.iter_mut().for_each(|hash| hash[0] ^= 1));
        let said = witness.told(bench.origin(), &asked, &unproven).unwrap();
        assert!(matches!(said.newest, Concluded::Unproven(_)), "{said:?}");
        let kept = (size as usize - 5).min(MAX_UNPLACED_NOTES);
        assert_eq!(witness.store.unplaced(bench.origin()).unwrap().len(), kept);
        assert_eq!(witness.is_forked(bench.origin()).unwrap(), kept == MAX_UNPLACED_NOTES);
        assert!(witness.asked(bench.origin()).unwrap().sizes().len() <= luxor_protocol::limits::MAX_SIZES_ASKED);
    }
}
