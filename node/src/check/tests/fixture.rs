//! Two nodes in one process without network: folders with keys and documents, stores and sequencers, and dispatches carried
//! from one to the other by hand. What is written is what driver and engine write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use luxor_protocol::api::{ChunkResult, RecordResult, Traffic, Waits};
use luxor_protocol::cbor::{Decode as _, Encode, Writer};
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{
    Arrival, Channel, Checked, CheckpointsBody, Dispatch, DispatchHeader, DocumentBody, EntryKind, Lane, Opening,
    Outcome, ReceiptBody, Request, SentBody, Skeleton, Source, Withdrawal, WithdrawalHeader, check_dispatch,
    check_withdrawal, pack, read_receipt,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::keys::KeyUse;
use luxor_protocol::names::{NodeRef, Purpose};
use luxor_protocol::record::{
    ArrivedView, Batch, BatchHeader, DECLARATION, Fault, Names, RecordView, SealedRecord, batch_root, content_from_json,
};
use luxor_protocol::time::{Day, Millis};
use luxor_protocol::tlog::{Checkpoint, Frontier, TlogProof, leaf_hash};

use crate::folder::{Folder, NodeKeys};
use crate::seal::Recipient;
use crate::sequencer::{Commit, Committed, LockFile, Sequencer};
use crate::store::{
    Attempt, GivenRow, NamedRecord, PassedRecord, RepairKey, RepairRow, StandRow, Store, StoreConfig, SubmissionRow,
    Totals, Under, WaitingDeposit, Write, passed_on_row, seal_of,
};
use crate::testing::{GROUPS, MEMBERS, TwoMembers, key};

/// 2026-11-23T10:00:00Z.
const NOW: Millis = Millis(1_795_428_000_000);

/// When everything must be gone.
const DUE: Day = Day(30_000);

/// One node.
pub(super) struct Side {
    pub(super) folder: Folder,
    me: NodeRef,
    keys: NodeKeys,
    open: Option<(Sequencer, Arc<Store>, JoinHandle<()>)>,
    totals: Totals,
    lanes: BTreeMap<Lane, LaneState>,
    chunk: u64,
}

/// What a node knows of one lane to and from the other.
#[derive(Default)]
struct LaneState {
    last: u64,
    confirmed: u64,
    arrived: Frontier,
    held: u64,
}

/// What becomes of a dispatch.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fate {
    /// Taken, its receipt is there.
    Accepted,
    /// Taken but for its first record, its receipt is there.
    Partly,
    /// Refused for good, its receipt is there. It goes in the urgent lane.
    Refused,
    /// It waits in the outbox.
    Waiting,
    /// It waits there too, and its records are another member's.
    PassingOn,
    /// The same, taken; its receipt is there.
    PassedOn,
    /// Withdrawn before it arrived; the receipt for the withdrawal is there.
    Withdrawn,
    /// Withdrawn, and the withdrawal waits in the outbox.
    Withdrawing,
}

/// The dispatches of one batch with their entries, and the answer to the chunk and the records.
struct Made {
    dispatches: Vec<(Dispatch, DispatchHeader, Opening)>,
    submission: Write,
    records: Vec<NamedRecord>,
    stored: Vec<u8>,
    views: Vec<RecordView>,
}

/// What came to the other side, or is to come.
#[derive(Clone)]
struct Sent {
    request: Request,
    header: DispatchHeader,
    dispatch: Digest,
    /// Of records of others.
    views: Vec<RecordView>,
}

impl Fate {
    fn passes_on(self) -> bool {
        matches!(self, Self::PassingOn | Self::PassedOn)
    }
}

/// Two nodes, `a/n1` and `b/n1`.
pub(super) struct Pair {
    _root: Option<tempfile::TempDir>,
    pub(super) sides: [Side; 2],
    pub(super) directory: Directory,
}

impl Pair {
    pub(super) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut pair = Self::in_folder(root.path());
        pair._root = Some(root);
        pair
    }

    /// In a folder that stays.
    pub(super) fn in_folder(path: &std::path::Path) -> Self {
        let TwoMembers { directory, charter, cards, agreement, seals } = TwoMembers::new();
        let (network, members) = (directory.network(), MEMBERS);
        let sides = [0, 1].map(|at: usize| {
            let (dir, nth) = (path.join(members[at]), at as u8 + 1);
            for folder in ["keys", "documents"] {
                std::fs::create_dir_all(dir.join(folder)).unwrap();
            }
            let config = format!(
                "[node]\nmember = \"{}\"\nname = \"n1\"\n[listen]\nexchange = [\"/ip4/127.0.0.{nth}/tcp/4700\"]\n\
                 api = \"127.0.0.{nth}:4780\"\n",
                members[at]
            );
            std::fs::write(dir.join("luxord.toml"), config).unwrap();
            for purpose in [KeyUse::Sign, KeyUse::Log, KeyUse::Witness, KeyUse::Transport] {
                secret(&dir.join(format!("keys/{}.key", purpose.name())), &key(purpose, nth).to_text());
            }
            secret(&dir.join("keys/seal.key"), &seals[at]);
            let documents = [("charter", &charter), ("card-a", &cards[0]), ("card-b", &cards[1]), ("ab", &agreement)];
            for (name, document) in documents {
                std::fs::write(dir.join(format!("documents/{name}.luxor")), document.to_cbor()).unwrap();
            }
            let folder = Folder::new(dir);
            let keys = folder.keys().unwrap();
            let me: NodeRef = format!("{}/n1", members[at]).parse().unwrap();
            let mut side =
                Side { folder, me, keys, open: None, totals: Totals::default(), lanes: BTreeMap::new(), chunk: 0 };
            side.open(&network);
            side
        });
        Self { _root: None, sides, directory }
    }

    /// Both nodes start again.
    pub(super) fn start(&mut self) {
        let network = self.directory.network();
        self.sides.iter_mut().for_each(|side| side.open(&network));
    }

    /// Both nodes stop.
    pub(super) fn stop(&mut self) {
        for side in &mut self.sides {
            let (sequencer, store, thread) = side.open.take().unwrap();
            drop((sequencer, store));
            thread.join().unwrap();
        }
    }

    /// `batches` of `records` each, those of three records to two dispatches; one commit for each step.
    pub(super) fn send(&mut self, from: usize, batches: usize, records: usize, fate: Fate) {
        // Sealing costs more than all else; large logs go without, which nothing but the recipient could see.
        let quick = batches > 100;
        let made: Vec<_> = (0..batches).map(|_| self.make(from, records, fate, quick)).collect();
        let (mut writes, mut entries, mut sent) = (Vec::new(), Vec::new(), Vec::new());
        for Made { dispatches, submission, records, stored, views } in made {
            let carried = dispatches.iter().map(|(_, header, _)| (header.channel.clone(), header.number)).collect();
            let (_, store, _) = self.sides[from].open.as_ref().unwrap();
            let key = store.own_key(DUE).unwrap();
            let (_, first, _) = &dispatches[0];
            let seal = |under, plain: &[u8]| seal_of(under, &key, &first.channel, first.number, plain).unwrap();
            if fate.passes_on() {
                let came =
                    views.iter().enumerate().map(|(place, view)| PassedRecord::new(view.root(), (0, place), view));
                let came: Vec<PassedRecord> = came.collect();
                let stored = seal(Under::PassedOn, &passed_on_row(&came));
                let records = came.iter().enumerate().map(|(place, record)| record.indexed(place, &key)).collect();
                writes.push(Write::PassedOn { entry: entries.len(), records, stored });
            } else {
                let stored = seal(Under::Records, &stored);
                let Write::Submission { submission: name, chunk, .. } = &submission else { panic!("no answer") };
                let carried: Vec<(Channel, u64)> = carried;
                writes.push(repair(store, name, *chunk));
                let submitted = carried
                    .iter()
                    .map(|(channel, number)| Store::seal_submitted(&key, channel, *number, name, *chunk).unwrap())
                    .collect();
                let records = records.iter().map(|record| record.indexed(&key)).collect();
                writes.extend([
                    submission,
                    Write::Records {
                        entry: entries.len(),
                        records,
                        stored,
                        dispatches: carried,
                        submitted,
                        again: false,
                    },
                ]);
            }
            for (dispatch, header, opening) in dispatches {
                let request = Request::Dispatch(dispatch.clone());
                writes.push(Write::Sent {
                    channel: header.channel.clone(),
                    number: header.number,
                    entry: entries.len(),
                    envelope: dispatch.envelope(),
                    request: request.to_cbor().into(),
                });
                entries.push(opening);
                let views = if fate.passes_on() { views.clone() } else { Vec::new() };
                sent.push(Sent { request, header, dispatch: dispatch.envelope().digest(), views });
            }
        }
        let first = self.sides[from].commit(writes, entries, false).first;
        if matches!(fate, Fate::Withdrawn | Fate::Withdrawing) {
            self.withdraw(from, first, &mut sent);
        }
        if matches!(fate, Fate::Waiting | Fate::PassingOn | Fate::Withdrawing) {
            return;
        }
        let proofs = self.arrive(1 - from, &sent);
        self.settle(from, &sent, proofs);
    }

    /// The first number of the ordinary lane waits for another receipt, and gets it if `again`.
    pub(super) fn resend(&mut self, from: usize, again: bool) {
        let channel = self.channel(from, Lane::Ordinary);
        let (_, store, _) = self.sides[from].open.as_ref().unwrap();
        let (number, row, bytes) = store.sent_after(&channel, 0, 1).unwrap().remove(0);
        let header = DispatchHeader::from_cbor(&row.envelope.header).unwrap();
        let dispatch = row.envelope.digest();
        let entry = opening(&skeleton(EntryKind::Resent, &header), SentBody { dispatch }.to_cbor());
        let write = Write::Resent { channel: channel.clone(), number, bytes };
        self.sides[from].commit(vec![write], vec![entry], false);
        if again {
            let (sequencer, store, _) = self.sides[1 - from].open.as_ref().unwrap();
            let proof = sequencer.prove(store.received(&channel, number).unwrap().unwrap().entry).unwrap();
            let request = Request::AuditRead { from: 0, count: 0 };
            self.settle(from, &[Sent { request, header, dispatch, views: Vec::new() }], vec![proof]);
        }
    }

    /// One side keeps what the other deposited for `c/n1`, twice, of which one was taken; and has the other's receipt for a dispatch of its own.
    pub(super) fn deposits(&mut self, at: usize) {
        let network = self.directory.network();
        let channel = self.channel(1 - at, Lane::Ordinary);
        let (_, store, _) = self.sides[1 - at].open.as_ref().unwrap();
        let row = store.sent_after(&channel, 0, 1).unwrap().remove(0).1;
        let header = DispatchHeader::from_cbor(&row.envelope.header).unwrap();
        let channel = Channel { recipient: "c/n1".parse().unwrap(), ..channel };
        for number in [7, 8] {
            let header = DispatchHeader { channel: channel.clone(), number, ..header.clone() };
            let sign = &self.sides[1 - at].keys.sign;
            let dispatch = Dispatch::sign(&network, header.to_cbor(), vec![number as u8; 40], sign);
            let body = SentBody { dispatch: dispatch.envelope().digest() }.to_cbor();
            let entry = opening(&skeleton(EntryKind::Deposited, &header), body);
            let (envelope, sealed) = (dispatch.envelope(), dispatch.sealed);
            let write = Write::Kept { channel: channel.clone(), number, entry: 0, envelope, sealed };
            let first = self.sides[at].commit(vec![write], vec![entry], false).first;
            if number == 8 {
                let taken = WaitingDeposit { entry: first, channel: channel.clone(), number };
                self.sides[at].commit(vec![Write::KeptTaken(vec![taken])], Vec::new(), false);
            }
        }
        let own = self.channel(at, Lane::Ordinary);
        let (_, store, _) = self.sides[at].open.as_ref().unwrap();
        let (number, sent, _) = store.sent_after(&own, 0, 1).unwrap().remove(0);
        let header = DispatchHeader::from_cbor(&sent.envelope.header).unwrap();
        let body = SentBody { dispatch: sent.envelope.digest() }.to_cbor();
        let entry = opening(&skeleton(EntryKind::Deposited, &header), body);
        let with = self.sides[1 - at].me.clone();
        let checkpoint = Checkpoint::new(format!("luxor.test/{with}"), 1, leaf_hash(&entry.entry()));
        let checkpoint = checkpoint.sign(self.sides[1 - at].keys.log[0].signing_key()).unwrap().to_bytes();
        let proof = TlogProof { extra: Some(entry.to_cbor()), index: 0, hashes: Vec::new(), checkpoint };
        let row = GivenRow { with, index: 0, at: NOW, proof: proof.to_bytes() };
        self.sides[at].commit(vec![Write::Given { channel: own, number, row }], Vec::new(), false);
    }

    /// Drops the sealed bytes of everything settled so far.
    pub(super) fn purge(&self, at: usize) {
        let (_, store, _) = self.sides[at].open.as_ref().unwrap();
        assert!(store.purge_settled(Day(NOW.day().0 + 1), 10_000).unwrap().dispatches > 0);
    }

    fn channel(&self, from: usize, lane: Lane) -> Channel {
        Channel { sender: self.sides[from].me.clone(), recipient: self.sides[1 - from].me.clone(), epoch: 1, lane }
    }

    fn withdraw(&mut self, from: usize, first: u64, sent: &mut [Sent]) {
        let (mut writes, mut entries) = (Vec::new(), Vec::new());
        for (sent_entry, sent) in (first..).zip(sent) {
            let Request::Dispatch(dispatch) = &sent.request else { panic!("not sent") };
            let header = WithdrawalHeader {
                network: sent.header.network,
                channel: sent.header.channel.clone(),
                number: sent.header.number,
                dispatch: sent.dispatch,
                agreement: sent.header.agreement_digest,
                withdrawn_at: NOW,
            };
            let withdrawal = Withdrawal::sign(&header, &self.sides[from].keys.sign);
            let request = Request::Withdrawal(withdrawal.clone());
            writes.push(Write::Withdrawn {
                channel: header.channel,
                number: header.number,
                sent_entry,
                envelope: dispatch.envelope(),
                withdrawal,
                request: request.to_cbor(),
            });
            let body = SentBody { dispatch: sent.dispatch }.to_cbor();
            entries.push(opening(&skeleton(EntryKind::Withdrawn, &sent.header), body));
            sent.request = request;
        }
        self.sides[from].commit(writes, entries, false);
    }

    fn settle(&mut self, from: usize, sent: &[Sent], proofs: Vec<Vec<u8>>) {
        let (mut writes, mut entries) = (Vec::new(), Vec::new());
        let recipient = self.directory.node(&self.sides[1 - from].me).unwrap().clone();
        let side = &mut self.sides[from];
        for (sent, proof) in sent.iter().zip(proofs) {
            let receipt = read_receipt(&recipient, &sent.dispatch, &proof).unwrap();
            count(&mut side.totals.sent, &receipt.body.outcome, sent.header.batch.header.count);
            let lane = side.lanes.get_mut(&sent.header.channel.lane).unwrap();
            lane.confirmed = lane.confirmed.max(receipt.body.contiguous);
            let body = SentBody { dispatch: sent.dispatch }.to_cbor();
            entries.push(opening(&skeleton(EntryKind::Receipt, &sent.header), body));
            writes.push(Write::Settled {
                channel: sent.header.channel.clone(),
                number: sent.header.number,
                entry: entries.len() - 1,
                recipient_entry: receipt.index,
                proof,
                settled_on: NOW.day(),
                origin: receipt.checkpoint.origin,
                confirmed: lane.confirmed,
                stand: StandRow::settled(sent.dispatch, &receipt.body.outcome, sent.header.batch.header.count as u64),
            });
        }
        writes.push(Write::Totals(side.totals.clone()));
        side.commit(writes, entries, false);
    }

    fn make(&mut self, from: usize, records: usize, fate: Fate, quick: bool) -> Made {
        let network = self.directory.network();
        let recipient = self.sides[1 - from].me.clone();
        let seal = Recipient::parse(self.directory.node(&recipient).unwrap().card.seal_to()).unwrap();
        let agreement = self.directory.agreements().next().unwrap().clone();
        let copies = if records == 3 { 2 } else { 1 };
        let lane = if fate == Fate::Refused { Lane::Urgent } else { Lane::Ordinary };
        let channel = self.channel(from, lane);
        let side = &mut self.sides[from];
        side.chunk += 1;
        let shown = DECLARATION.set(GROUPS).unwrap();
        let (mut views, mut stored, mut indexed, mut results) = (Writer::new(), Writer::new(), Vec::new(), Vec::new());
        let (issuer, mut shown_of) = (if fate.passes_on() { &recipient } else { &side.me }.member(), Vec::new());
        views.array(records);
        stored.array(records);
        for place in 0..records {
            let reference = format!("{}-{}-{place}", side.me.member(), side.chunk);
            let content = serde_json::json!({"type": "declaration", "filing": {"own_reference": reference},
                "item": {"id": format!("RR{:09}KR", side.chunk * 10 + place as u64)}, "route": {"destination": "KR"}});
            let content = content_from_json(&content).unwrap();
            let names = content.names();
            let record = SealedRecord::new(issuer.clone(), content, None, random(), random::<32>().into());
            let view = match (fate, place) {
                (Fate::Partly, 0) => DECLARATION.set(["filing", "item"]).unwrap(),
                _ => shown,
            };
            record.view(view).encode(&mut views);
            shown_of.push(record.view(view));
            stored.bytes(&record.to_stored());
            results.push(RecordResult::Accepted {
                root: record.root().hex(),
                recipients: copies,
                lost: Vec::new(),
                others: Vec::new(),
                left_out: Vec::new(),
                left_out_more: 0,
                findings: Vec::new(),
            });
            indexed.push(NamedRecord { root: record.root(), place, names, attachments: Vec::new() });
        }
        let (fault, pointer) = (Fault::NoRecipient, "/route/destination".to_owned());
        results.push(RecordResult::Refused {
            fault,
            pointer,
            reason: "no agreement".into(),
            findings: Vec::new(),
            waits: Waits::Waits,
        });
        let result = serde_json::to_vec(&ChunkResult { records: results, dispatches: copies as u64 }).unwrap();
        let row = SubmissionRow { digest: Digest(random()), result };
        let (_, store, _) = side.open.as_ref().unwrap();
        let row = store.seal_answer("test", side.chunk, &row, NOW.day()).unwrap();
        let submission = Write::Submission { submission: "test".into(), chunk: side.chunk, row };
        let roots: Vec<Digest> = indexed.iter().map(|record| record.root).collect();
        let batch = BatchHeader {
            node: side.me.clone(),
            table: &DECLARATION,
            count: records,
            root: batch_root(&roots),
            signed_at: NOW,
        };
        let batch = Batch::sign(batch, &network, &side.keys.sign);
        let views = views.into_bytes();
        let mut dispatches = Vec::new();
        for _ in 0..copies {
            let numbers = side.lanes.entry(lane).or_default();
            numbers.last += 1;
            let header = DispatchHeader {
                network,
                channel: channel.clone(),
                number: numbers.last,
                batch: batch.clone(),
                agreement: agreement.1.id.clone(),
                agreement_digest: agreement.0,
                purpose: Purpose::Delivery,
                view: if fate == Fate::Refused { DECLARATION.all_groups() } else { shown },
                retention_days: 30,
                source: fate.passes_on().then(|| issuer.clone()),
                sent_at: NOW,
                receipts_held_up_to: numbers.confirmed,
            };
            let encoded = header.to_cbor();
            let packed = pack(&DispatchHeader::digest(&encoded), &views).unwrap();
            let sealed = if quick { packed } else { seal.seal(&packed).unwrap() };
            let dispatch = Dispatch::sign(&network, encoded, sealed, &side.keys.sign);
            let body = SentBody { dispatch: dispatch.envelope().digest() }.to_cbor();
            let opening = opening(&skeleton(EntryKind::Sent, &header), body);
            dispatches.push((dispatch, header, opening));
        }
        Made { dispatches, submission, records: indexed, stored: stored.into_bytes(), views: shown_of }
    }

    fn arrive(&mut self, at: usize, sent: &[Sent]) -> Vec<Vec<u8>> {
        let (mut writes, mut entries) = (Vec::new(), Vec::new());
        let quick = sent.len() > 100;
        for sent in sent {
            let peer = self.directory.node(&sent.header.channel.sender).unwrap().clone();
            let side = &mut self.sides[at];
            let open = |sealed: &[u8]| if quick { Some(sealed.to_vec()) } else { side.keys.seal.open(sealed) };
            let checked = match &sent.request {
                Request::Dispatch(dispatch) if sent.header.source.is_some() => passed_on(dispatch, sent),
                Request::Dispatch(dispatch) => {
                    check_dispatch(&self.directory, &side.me, &peer, dispatch, NOW, open, |view: &ArrivedView<'_>| {
                        Ok(Names { parties: Vec::new(), ..view.names() })
                    })
                    .unwrap()
                }
                Request::Withdrawal(withdrawal) => {
                    check_withdrawal(&self.directory, &side.me, &peer, withdrawal, NOW).unwrap()
                }
                _ => {
                    panic!("nothing arrives")
                }
            };
            count(&mut side.totals.received, &checked.outcome, checked.count);
            let lane = side.lanes.entry(checked.channel.lane).or_default();
            lane.arrived.push(leaf_hash(&checked.digest.0));
            lane.held = lane.held.max(checked.receipts_held_up_to);
            let body = ReceiptBody {
                dispatch: checked.digest,
                outcome: checked.outcome.clone(),
                contiguous: lane.arrived.size(),
                channel_root: lane.arrived.root(),
            }
            .to_cbor();
            entries.push(opening(&skeleton(EntryKind::Received, &sent.header), body.clone()));
            let (_, store, _) = side.open.as_ref().unwrap();
            let key = store.received_key(checked.agreement, DUE).unwrap();
            let payload = (!checked.accepted.is_empty())
                .then(|| seal_of(Under::Payload, &key, &checked.channel, checked.number, &checked.payload).unwrap());
            let records = named(&checked).iter().map(|record| record.indexed(&key)).collect();
            writes.push(Write::Received {
                channel: checked.channel.clone(),
                number: checked.number,
                entry: entries.len() - 1,
                at: NOW,
                payload,
                records,
                rejected: checked.rejected,
                source: checked.source,
                arrival: checked.arrival,
                body,
                tree: lane.arrived.clone(),
                held: lane.held,
                stand: StandRow::settled(sent.dispatch, &checked.outcome, checked.count as u64),
            });
        }
        writes.push(Write::Totals(self.sides[at].totals.clone()));
        self.sides[at].commit(writes, entries, true).proofs
    }
}

impl Pair {
    /// Names the documents of this side in its log.
    pub(super) fn documents(&mut self, at: usize) {
        let skeleton = Skeleton::of_node(EntryKind::Document, &self.sides[at].me, 1, NOW.0 / 1_000, Day(30_000));
        let (mut writes, mut entries) = (Vec::new(), Vec::new());
        for (entry, (document, _)) in self.directory.documents().enumerate() {
            writes.push(Write::Document { document: *document, entry });
            entries.push(opening(&skeleton, DocumentBody { document: *document }.to_cbor()));
        }
        self.sides[at].commit(writes, entries, false);
    }

    /// Records what this side holds of the other's log.
    pub(super) fn peers(&mut self, at: usize, notes: &[Vec<u8>]) {
        let me = &self.sides[at].me;
        let skeleton = Skeleton::of_node(EntryKind::Peers, me, 1, NOW.0 / 1_000, Day(30_000));
        let body = CheckpointsBody::new(notes.iter().cloned()).to_cbor();
        self.sides[at].commit(vec![Write::Peers { entry: 0 }], vec![opening(&skeleton, body)], false);
    }
}

impl Side {
    fn open(&mut self, network: &Digest) {
        let (data, keys) = (self.folder.data(), self.folder.key_folder());
        let store = Store::open(&data, StoreConfig::default(), network, &self.me, &keys).unwrap();
        let store = Arc::new(store);
        let loaded = store.load(&self.me).unwrap();
        let lock = LockFile::open(&self.folder.lock()).unwrap();
        let origin = format!("luxor.test/{}", self.me);
        let key = self.keys.log.clone();
        let failed = |error| panic!("{error}");
        let started = Sequencer::start(store.clone(), lock, &origin, key, loaded.size, loaded.root, failed).unwrap();
        self.open = Some((started.0, store, started.1));
    }

    fn commit(&self, writes: Vec<Write>, entries: Vec<Opening>, prove: bool) -> Committed {
        let (done, committed) = channel();
        let done = Box::new(move |c| done.send(c).unwrap());
        let (sequencer, _, _) = self.open.as_ref().unwrap();
        sequencer.commit(Commit { writes, entries, prove, bytes: 0, done }).unwrap();
        committed.recv().unwrap()
    }
}

/// What a check makes of a dispatch that passes records on, but for the check: its source names nobody.
fn passed_on(dispatch: &Dispatch, sent: &Sent) -> Checked<Names> {
    let (header, mut payload) = (&sent.header, Writer::new());
    payload.array(sent.views.len());
    let mut accepted = Vec::new();
    for (place, view) in sent.views.iter().enumerate() {
        payload.array(3);
        payload.uint(place as u64);
        view.root().encode(&mut payload);
        view.encode(&mut payload);
        accepted.push((place, view.root(), Names { parties: Vec::new(), ..view.names() }));
    }
    Checked {
        channel: header.channel.clone(),
        number: header.number,
        receipts_held_up_to: header.receipts_held_up_to,
        agreement: header.agreement_digest,
        digest: sent.dispatch,
        arrival: Arrival::Dispatch(dispatch.envelope()),
        outcome: Outcome::Taken(Vec::new()),
        count: sent.views.len(),
        accepted,
        payload: payload.into_bytes(),
        rejected: Vec::new(),
        source: Some(Source { agreement: Vec::new(), origins: Vec::new() }.to_cbor()),
        contested: false,
        due: DUE,
    }
}

fn named(checked: &Checked<Names>) -> Vec<NamedRecord> {
    let accepted = checked.accepted.iter().cloned();
    let named = |(place, root, names)| NamedRecord { root, place, names, attachments: Vec::new() };
    accepted.map(named).collect()
}

fn count(traffic: &mut Traffic, outcome: &Outcome, records: usize) {
    let (accepted, rejected) = outcome.counts(records);
    traffic.dispatches += 1;
    traffic.refused += u64::from(matches!(outcome, Outcome::Refused(_)));
    traffic.withdrawn += u64::from(*outcome == Outcome::Withdrawn);
    traffic.accepted += accepted as u64;
    traffic.rejected += rejected as u64;
}

fn skeleton(kind: EntryKind, header: &DispatchHeader) -> Skeleton {
    let channel = header.channel.clone();
    Skeleton { kind, agreement: header.agreement_digest, channel, number: header.number, due: DUE }
}

fn opening(skeleton: &Skeleton, body: Vec<u8>) -> Opening {
    Opening::new(skeleton, body, random(), random())
}

fn random<const N: usize>() -> [u8; N] {
    crate::entropy::random().unwrap()
}

/// The row of the record that the chunk's answer refuses.
fn repair(store: &Store, submission: &str, chunk: u64) -> Write {
    let content = serde_json::json!({"type": "declaration", "filing": {"own_reference": "Refused"}, "route": {"destination": "JP"}});
    let row = RepairRow {
        type_name: "declaration".into(),
        version: 1,
        fault: Fault::NoRecipient,
        pointer: "/route/destination".into(),
        what: "no agreement".into(),
        since: NOW,
        at: NOW,
        attempts: 1,
        root: None,
        content: Some(content_from_json(&content).unwrap().to_cbor()),
        settled: None,
    };
    let attempt = Attempt { submission: submission.to_owned(), chunk, position: 9 };
    let key = RepairKey { settled: false, attempt, dispatch: None };
    let row = store.seal_repair(&key, &row).unwrap();
    Write::Repair { key, row, instead_of: None }
}

fn secret(path: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
