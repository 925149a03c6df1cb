//! A disk that fails: at the n-th write, sync or rename of a node, once or from there on, and kills at exactly such a call.
//! Whatever call it is, no acknowledged record is lost or doubled, `luxord check` finds nothing in what is left, the node
//! starts again, and no checkpoint that anybody saw contradicts its log.
//!
//! `LUXOR_TEST_LONG` sets the full counts. Not here: kills at random moments (`exchange`), full disks as the node itself sees
//! them coming (`flow`), restored copies (`witness`).

pub(crate) mod strace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use luxor_protocol::bench::Records;
use luxor_protocol::tlog::{Checkpoint, Frontier, Hash, TlogProof, VerifierKey, monitoring_id};
use luxor_tests::{Daemon, Network, PATIENCE, agreement, api, program, try_luxor};
use serde_json::{Value as Json, json};

use self::strace::{
    ANY, Failure, Fault, JOURNAL, JOURNAL_SYNC, LOCK, LOCK_SYNC, MANIFEST, MANIFEST_SYNC, Phase, RENAME, TABLE,
    TABLE_SYNC, Target,
};
use crate::site::Site;

const MEMBERS: [&str; 2] = ["sender", "recipient"];
const SENDER: usize = 0;
const RECIPIENT: usize = 1;
/// Points of one network, so that none grows large.
const POINTS_OF_NETWORK: usize = 20;
/// Chunks before a node is stopped to be started with a fault.
const CHUNKS_BEFORE: usize = 3;
/// Who submits at a time.
const SUBMITTERS: usize = 3;
/// Pause between two looks at a process, and before a chunk that was put off comes again.
const LOOK: Duration = Duration::from_millis(2);

/// The first point of each network: calls, when, the largest n, what is submitted.
const BIRTH: Place = (&ANY, Phase::Birth, 40, Load::Small);
/// Those of the others in turn.
const PLACES: [Place; 13] = [
    (&JOURNAL, Phase::Append, 24, Load::Small),
    (&JOURNAL_SYNC, Phase::Append, 24, Load::Small),
    (&LOCK, Phase::Append, 24, Load::Small),
    (&LOCK_SYNC, Phase::Append, 24, Load::Small),
    (&ANY, Phase::Append, 40, Load::Small),
    (&ANY, Phase::Start, 50, Load::Small),
    (&TABLE, Phase::Start, 10, Load::Small),
    (&RENAME, Phase::Start, 2, Load::Small),
    (&MANIFEST, Phase::Start, 40, Load::Small),
    // What the rest of a network has to read grows with these.
    (&TABLE, Phase::Append, 8, Load::Large),
    (&MANIFEST, Phase::Append, 2, Load::Large),
    (&TABLE_SYNC, Phase::Append, 1, Load::Large),
    (&MANIFEST_SYNC, Phase::Append, 2, Load::Large),
];

type Place = (&'static Target, Phase, u64, Load);

/// How much is submitted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    /// Single records.
    Small,
    /// Chunks of a megabyte until a node's memory for what is not yet in tables is full.
    Large,
}

impl Load {
    /// Records of a chunk, and chunks at most.
    fn shape(self) -> (usize, u64) {
        match self {
            Self::Small => (1, 40),
            Self::Large => (20, 70),
        }
    }
}

#[test]
fn failed_writes_syncs_and_renames_lose_nothing_and_fork_nothing() {
    let name = "failed_writes_syncs_and_renames_lose_nothing_and_fork_nothing";
    let failures = [Failure::Once("EIO"), Failure::From("ENOSPC"), Failure::From("EIO")];
    let Some(tally) = run(name, count(12, 200), &failures) else { return };
    for place in [&JOURNAL, &JOURNAL_SYNC, &LOCK, &LOCK_SYNC] {
        let of = &tally[place.name];
        assert!(of.appending > 0, "no fault reached a {} while records were appended", place.name);
        // The node must not go on after any of these.
        assert_eq!(of.ended, of.reached, "a node went on after a failed {}", place.name);
    }
}

#[test]
fn kills_at_exactly_a_write_or_sync_lose_nothing_and_fork_nothing() {
    let name = "kills_at_exactly_a_write_or_sync_lose_nothing_and_fork_nothing";
    let Some(tally) = run(name, count(5, 200), &[Failure::Kill]) else { return };
    let reached: u64 = tally.values().map(|of| of.appending).sum();
    assert!(reached > 0, "no kill came while records were appended");
}

fn long() -> bool {
    std::env::var_os("LUXOR_TEST_LONG").is_some()
}

fn count(short: usize, full: usize) -> usize {
    if long() { full } else { short }
}

/// What became of the faults in one kind of call.
#[derive(Default)]
struct Tally {
    points: u64,
    /// The call came.
    reached: u64,
    /// It came after records were acknowledged.
    appending: u64,
    /// The node ended by itself, or was killed.
    ended: u64,
}

/// Runs so many points; `None` where `strace` cannot be used.
fn run(test: &str, points: usize, failures: &[Failure]) -> Option<BTreeMap<&'static str, Tally>> {
    if let Some(why) = strace::missing() {
        println!("skipped: {test}: {why}");
        return None;
    }
    let began = Instant::now();
    let mut tally: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut records = 0;
    for first in (0..points).step_by(POINTS_OF_NETWORK) {
        let mut world = World::found();
        for point in first..points.min(first + POINTS_OF_NETWORK) {
            let place = (point != first).then(|| PLACES[(point - 1 - point / POINTS_OF_NETWORK) % PLACES.len()]);
            let (target, phase, largest, load) = place.unwrap_or(BIRTH);
            // Over all points the n of each place go evenly from 1 to its largest.
            let at = 1 + point as u64 * largest / points as u64;
            let failure = failures[point / PLACES.len() % failures.len()];
            let member = (point + point / PLACES.len()) % 2;
            let outcome = world.point(&Fault { target, failure, phase, at }, member, load);
            let of = tally.entry(target.name).or_default();
            of.points += 1;
            of.reached += u64::from(outcome.reached);
            of.appending += u64::from(outcome.reached && outcome.acknowledged > 0);
            of.ended += u64::from(outcome.reached && outcome.ended);
        }
        records += world.conclude();
    }
    println!("{test}: {points} points, {records} records, {} s", began.elapsed().as_secs());
    for (name, of) in &tally {
        let Tally { points, reached, appending, ended } = of;
        println!("  {name}: {points} points, {reached} reached, {appending} while appending; {ended} ended the node");
        // What a node does in the background is not the same every time, so some n are never reached.
        assert!(2 * reached >= *points, "faults in {name} are seldom reached");
    }
    Some(tally)
}

/// What became of one fault.
struct Outcome {
    reached: bool,
    acknowledged: u64,
    ended: bool,
}

/// Two nodes, what was acknowledged, and every checkpoint that was seen.
struct World {
    network: Network,
    nodes: [Option<Daemon>; 2],
    keys: [VerifierKey; 2],
    origins: [String; 2],
    seen: [Mutex<BTreeSet<(u64, Hash)>>; 2],
    small: Records,
    large: Records,
    /// Records submitted so far, all of which were acknowledged between two points.
    next: AtomicU64,
}

/// Records that are submitted together, from this index on.
#[derive(Clone, Copy)]
struct Chunk {
    first: u64,
    load: Load,
}

impl World {
    fn found() -> Self {
        let flow = agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]");
        let mandate = agreement("audit", "sender", "recipient", "opening", "audit", "[\"*\"]");
        let members = [("sender", "platform", "CN"), ("recipient", "customs", "KR")];
        let network = Network::found(&members, &[flow, mandate]);
        // Each watches the other's log, and tells what it holds of it.
        MEMBERS.iter().for_each(|member| network.publish(member, 1));
        let nodes = MEMBERS.map(|member| network.start(member));
        let status = nodes.each_ref().map(|node| node.get("/v1/status"));
        let text = |status: &Json, field: &str| status[field].as_str().unwrap().to_owned();
        Self {
            network,
            nodes: nodes.map(Some),
            keys: status.each_ref().map(|status| VerifierKey::parse(&text(status, "log_vkey")).unwrap()),
            origins: status.each_ref().map(|status| text(status, "origin")),
            seen: Default::default(),
            small: Records::new(300, 1).unwrap(),
            large: Records::new(50_000, 2).unwrap(),
            next: AtomicU64::new(0),
        }
    }

    fn node(&self, member: usize) -> &Daemon {
        self.nodes[member].as_ref().unwrap()
    }

    /// Runs a member's node with a fault while records are submitted, then without; everything must be as if nothing had been.
    fn point(&mut self, fault: &Fault, member: usize, load: Load) -> Outcome {
        let name = MEMBERS[member];
        let dir = self.network.dir(name);
        let trace = self.network.root.path().join("trace");
        std::fs::write(&trace, "").unwrap();
        let (node, strace) = match fault.phase {
            Phase::Birth | Phase::Start => {
                if fault.phase == Phase::Birth {
                    // As if neither had ever run: the other may have cosigned the documents at the head of this one's log.
                    assert_eq!(self.next.load(Ordering::Relaxed), 0);
                    self.nodes = [None, None];
                    for dir in MEMBERS.map(|member| self.network.dir(member)) {
                        std::fs::remove_dir_all(dir.join("data")).unwrap();
                        std::fs::remove_file(dir.join("log.lock")).unwrap();
                    }
                    self.nodes[1 - member] = Some(self.network.start(MEMBERS[1 - member]));
                } else {
                    // So that the journal has something to be taken up.
                    self.submit_all();
                    drop(self.nodes[member].take());
                }
                (self.network.launch(name, &fault.command(&dir, &trace), &[]), None)
            }
            Phase::Append => {
                let node = self.nodes[member].take().unwrap();
                let strace = fault.attach(node.pid(), &dir, &trace);
                (node, Some(strace))
            }
        };
        let mut left = Vec::new();
        let mut acknowledged = 0;
        if node.ready().is_none() {
            (acknowledged, left) = self.submit(member, &node, load);
            self.drained(member, &node);
        }
        let ended = node.exited();
        let ended_by_itself = ended.is_some_and(|status| !status.success());
        assert!(ended.is_none() || ended_by_itself, "{fault}: {name} ended as if nothing was: {ended:?}");
        let log = node.log();
        node.end();
        strace.into_iter().for_each(|mut strace| assert!(strace.wait().is_ok()));
        let hit = strace::hit(&trace);
        if long() {
            let how = ended.map_or("was stopped".into(), |status| format!("ended with {status}"));
            let hit = hit.as_deref().unwrap_or("not reached");
            println!("  {name}, {fault}: {acknowledged} acknowledged, {} not, {how}: {hit}", left.len());
        }
        let why = log.lines().last().unwrap_or_default();
        assert!(hit.is_some() || ended.is_none(), "{fault}: {name} ended without the fault: {ended:?}: {why}");

        check(&dir, &format!("{fault} of {name}"));
        self.nodes[member] = Some(self.network.start(name));
        left.into_iter().for_each(|chunk| self.put_whole(chunk));
        self.compare(&format!("{fault} of {name}"));
        Outcome { reached: hit.is_some(), acknowledged, ended: ended_by_itself }
    }

    /// Submits until there is enough or the node with the fault has ended. Gives the number of chunks acknowledged, and
    /// those that were not.
    fn submit(&self, member: usize, node: &Daemon, load: Load) -> (u64, Vec<Chunk>) {
        let (records, most) = load.shape();
        let (given, acknowledged, ended) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        let left = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let submitter = || {
                while !ended.load(Ordering::Relaxed) && given.fetch_add(1, Ordering::Relaxed) < most {
                    let chunk = Chunk { first: self.next.fetch_add(records as u64, Ordering::Relaxed), load };
                    loop {
                        match self.put(chunk) {
                            Ok(()) => {
                                acknowledged.fetch_add(1, Ordering::Relaxed);
                                self.see(member);
                                break;
                            }
                            Err(Refused::Busy) if !ended.load(Ordering::Relaxed) => std::thread::sleep(LOOK),
                            Err(refused) => {
                                left.lock().unwrap().push(chunk);
                                assert!(member == SENDER || refused == Refused::Busy, "the whole node takes no more");
                                return;
                            }
                        }
                    }
                }
            };
            let submitters: Vec<_> = (0..SUBMITTERS).map(|_| scope.spawn(submitter)).collect();
            let began = Instant::now();
            while submitters.iter().any(|submitter| !submitter.is_finished()) {
                if node.exited().is_some() {
                    ended.store(true, Ordering::Relaxed);
                }
                assert!(began.elapsed() < 2 * PATIENCE, "neither takes records nor ends: {}", node.log());
                std::thread::sleep(LOOK);
            }
        });
        (acknowledged.into_inner(), left.into_inner().unwrap())
    }

    /// Waits until everything has its receipt or the node with the fault has ended. A node that fails while it answers is
    /// given time to end.
    fn drained(&self, member: usize, node: &Daemon) {
        let began = Instant::now();
        while node.exited().is_none() {
            let sender = if member == SENDER { node } else { self.node(SENDER) };
            if sender.try_get("/v1/outbox?wait_ms=20").is_ok_and(|state| state["pending"] == 0) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "neither sends nor ends: {}", node.log());
            std::thread::sleep(LOOK);
        }
    }

    /// Submits a few chunks to whole nodes, and waits for their receipts.
    fn submit_all(&self) {
        for _ in 0..CHUNKS_BEFORE {
            let first = self.next.fetch_add(1, Ordering::Relaxed);
            self.put_whole(Chunk { first, load: Load::Small });
        }
        self.node(SENDER).outbox("every receipt", |state| state["pending"] == 0);
    }

    /// Submits a chunk to whole nodes, again while it is put off.
    fn put_whole(&self, chunk: Chunk) {
        let began = Instant::now();
        while let Err(refused) = self.put(chunk) {
            assert!(began.elapsed() < PATIENCE, "chunk {} is not taken: {refused:?}", chunk.first);
            std::thread::sleep(LOOK);
        }
    }

    /// Submits a chunk to the sender's node, whichever runs now.
    fn put(&self, chunk: Chunk) -> Result<(), Refused> {
        let (url, token) = api(&self.network.dir(MEMBERS[SENDER])).map_err(|_| Refused::Gone)?;
        let records = if chunk.load == Load::Small { &self.small } else { &self.large };
        let request = ureq::put(format!("{url}/v1/submissions/faults/chunks/{}", chunk.first))
            .header("Authorization", format!("Bearer {token}"))
            .content_type("application/cbor")
            .config()
            .timeout_global(Some(PATIENCE))
            .build();
        match request.send(records.chunk(chunk.first, chunk.load.shape().0)) {
            Ok(_) => Ok(()),
            Err(ureq::Error::StatusCode(503)) => Err(Refused::Busy),
            Err(_) => Err(Refused::Gone),
        }
    }

    /// Notes the newest checkpoint of a member's node, if it answers.
    fn see(&self, member: usize) {
        let Ok((url, token)) = api(&self.network.dir(MEMBERS[member])) else { return };
        let request = ureq::get(format!("{url}/v1/checkpoint")).header("Authorization", format!("Bearer {token}"));
        let Ok(mut response) = request.call() else { return };
        if let Ok(note) = response.body_mut().read_to_vec() {
            self.note(member, &note);
        }
    }

    fn note(&self, member: usize, note: &[u8]) {
        let checkpoint = Checkpoint::open(note, &self.keys[member]).unwrap();
        self.seen[member].lock().unwrap().insert((checkpoint.size, checkpoint.root));
    }

    /// Compares two whole nodes with what was acknowledged and seen.
    fn compare(&self, after: &str) {
        let (sender, recipient) = (self.node(SENDER), self.node(RECIPIENT));
        let state = sender.outbox("every receipt", |state| state["pending"] == 0);
        let all = self.next.load(Ordering::Relaxed);
        assert_eq!(state["sent"]["accepted"], all, "{after}: {state}");
        let received = &recipient.get("/v1/status")["received"];
        assert_eq!((&received["accepted"], &received["rejected"]), (&json!(all), &json!(0)), "{after}: {received}");
        for member in [SENDER, RECIPIENT] {
            let (node, other) = (self.node(member), self.node(1 - member));
            assert_eq!(node.get("/v1/status")["forked"], json!([]), "{after}");
            // What the other one, its witness, holds of it and would show to others.
            let path = format!("{}/checkpoint", monitoring_id(&self.origins[member]));
            let (status, held) = Site::public(other).get(&path);
            assert!(status == 200 || status == 404, "{after}: {status}");
            if status == 200 {
                self.note(member, &held);
            }
            let (newest, leaves) = Site::own(node).verify(&self.keys[member]);
            let roots = roots(&leaves);
            self.note(member, node.text("/v1/checkpoint").as_bytes());
            for (size, root) in &*self.seen[member].lock().unwrap() {
                let now = usize::try_from(*size).ok().and_then(|size| roots.get(size));
                assert_eq!(now, Some(root), "{after}: {size} entries of {} were signed otherwise", newest.size);
            }
        }
    }

    /// Looks at everything that there is in the end, and gives the number of records.
    fn conclude(mut self) -> u64 {
        let (sender, recipient) = (self.node(SENDER), self.node(RECIPIENT));
        let all = self.next.load(Ordering::Relaxed);
        let arrived = recipient.arrived();
        assert_eq!(arrived.len() as u64, all);
        // The own reference begins with the record's index.
        let index = |reference: &str| u64::from_str_radix(&reference[..16], 16).unwrap();
        let whole =
            arrived.iter().enumerate().all(|(at, (reference, times))| (index(reference), *times) == (at as u64, 1));
        assert!(whole, "{arrived:?}");
        // What receipts rest on is the recipient's log, too.
        for number in 1..=sender.get("/v1/status")["sent"]["dispatches"].as_u64().unwrap() {
            let receipt = sender.text(&format!("/v1/receipts?recipient=recipient/n1&number={number}"));
            self.note(RECIPIENT, &TlogProof::parse(receipt.as_bytes()).unwrap().checkpoint);
        }
        self.compare("at the end");
        let dir = recipient.dir().to_str().unwrap();
        let (code, told, errors) = try_luxor(&["audit", "--all", "--json", "--node", dir]);
        assert_eq!(code, 0, "{told} {errors}");
        for (node, member) in self.nodes.iter_mut().zip(MEMBERS) {
            assert!(node.take().unwrap().end().success());
            check(&self.network.dir(member), "at the end");
        }
        all
    }
}

/// Why a chunk was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// Put off.
    Busy,
    /// Nobody answers, or whoever does is ending.
    Gone,
}

/// The root at each size from 0 on.
fn roots(leaves: &[Hash]) -> Vec<Hash> {
    let mut frontier = Frontier::new();
    let mut roots = vec![frontier.root()];
    roots.extend(leaves.iter().map(|leaf| {
        frontier.push(*leaf);
        frontier.root()
    }));
    roots
}

fn check(dir: &Path, after: &str) {
    let output = Command::new(program("luxord")).arg("check").arg("--dir").arg(dir).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{after}: {told} {}", String::from_utf8_lossy(&output.stderr));
}
