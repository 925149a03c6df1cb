//! `log.json`: a log of seven entries with openings, trees, checkpoints, receipts, channel roots and audit pages.

use std::sync::LazyLock;

use super::dispatches::outcome;
use super::json::{Json, all_bytes, bytes, file, object};
use super::world::WORLD;
use crate::audit::{Audit, AuditReport};
use crate::cbor::Encode;
use crate::exchange::{
    AuditPage, Channel, CheckpointsBody, DispatchHeader, DocumentBody, EntryKind, Envelope, ErasedBody, Ground,
    HoldBody, Lane, Named, Outcome, ReceiptBody, RefusalCode, Rejection, SentBody, Skeleton, Withdrawal,
    WithdrawalHeader, log_key, read_receipt,
};
use crate::hash::{Digest, Domain};
use crate::names::Purpose;
use crate::record::{Batch, Fault};
use crate::testing::{Log, NOW, Party, SHOWN, Told, encode_views, set, small_record};
use crate::tlog::{Checkpoint, inclusion_proof, leaf_hash, root_of};

/// The log of `customs-kr`, and what each entry tells.
pub(super) struct Told7 {
    pub(super) log: Log,
    pub(super) told: Vec<Told>,
}

pub(super) static LOG: LazyLock<Told7> = LazyLock::new(|| {
    let told = told();
    Told7 { log: Log::of(&WORLD.net.customs, &told), told }
});

/// An envelope from `post-de` to `customs-kr`, or back.
fn envelope(channel: Channel, number: u64) -> Envelope {
    let net = &WORLD.net;
    let back = channel.sender == net.customs.node;
    let views = [small_record(number).view(if back { set(&["filing"]) } else { set(&SHOWN) })];
    let mut header: DispatchHeader = net.header(&views, number);
    let key = if back { &net.customs.sign } else { &net.post.sign };
    if back {
        (header.purpose, header.retention_days) = (Purpose::Facilitation, 10);
        header.batch.header.node = net.customs.node.clone();
        header.batch = Batch::sign(header.batch.header, &net.id(), key);
    }
    header.channel = channel;
    let sealed = encode_views(&views);
    crate::exchange::Dispatch::sign(&net.id(), header.to_cbor(), sealed, key).envelope()
}

fn skeleton(kind: EntryKind, channel: Channel, number: u64, days: u64) -> Skeleton {
    Skeleton { kind, agreement: WORLD.net.agreement("parcels"), channel, number, due: NOW.day().plus(days) }
}

fn received(channel: &Channel, number: u64, outcome: Outcome, so_far: &[Digest]) -> Told {
    let envelope = envelope(channel.clone(), number);
    let leaves: Vec<_> = so_far.iter().map(|digest| leaf_hash(&digest.0)).collect();
    let body = ReceiptBody {
        dispatch: envelope.digest(),
        outcome,
        contiguous: so_far.len() as u64,
        channel_root: root_of(&leaves),
    };
    let skeleton = skeleton(EntryKind::Received, channel.clone(), number, 30);
    Told { skeleton, body: body.to_cbor(), evidence: Some(envelope.to_cbor()) }
}

fn withdrawn(channel: &Channel, number: u64, so_far: &[Digest]) -> Told {
    let net = &WORLD.net;
    let header = WithdrawalHeader {
        network: net.id(),
        channel: channel.clone(),
        number,
        dispatch: so_far[so_far.len() - 1],
        agreement: net.agreement("parcels"),
        withdrawn_at: NOW,
    };
    let evidence = Withdrawal::sign(&header, &net.post.sign);
    let told = received(channel, number, Outcome::Withdrawn, so_far);
    let skeleton = skeleton(EntryKind::Received, channel.clone(), number, 0);
    Told { skeleton, evidence: Some(evidence.to_cbor()), ..told }
}

/// Received 1, 3, 2 and the withdrawal of 4; one sending and its receipt; received 1 in the urgent lane.
fn told() -> Vec<Told> {
    let net = &WORLD.net;
    let channel = net.channel();
    let urgent = Channel { lane: Lane::Urgent, ..channel.clone() };
    let back = Channel { sender: channel.recipient.clone(), recipient: channel.sender.clone(), ..channel.clone() };
    let digests: Vec<_> = (1..=4).map(|number| envelope(channel.clone(), number).digest()).collect();
    let rejected = vec![Rejection { record: 0, fault: Fault::Value, pointer: "/classification/hs".into() }];
    let back_digest = envelope(back.clone(), 1).digest();
    let answer = received(&back, 1, Outcome::Taken(Vec::new()), &[back_digest]);
    let proof = Log::of(&net.post, &[answer]).receipt(0);
    let about = |kind, evidence| {
        let body = SentBody { dispatch: back_digest }.to_cbor();
        Told { skeleton: skeleton(kind, back.clone(), 1, 10), body, evidence: Some(evidence) }
    };
    vec![
        received(&channel, 1, Outcome::Taken(Vec::new()), &digests[..1]),
        received(&channel, 3, Outcome::Taken(rejected), &digests[..1]),
        received(&channel, 2, Outcome::Refused(RefusalCode::Unsealable), &digests[..3]),
        withdrawn(&channel, 4, &digests),
        about(EntryKind::Sent, envelope(back.clone(), 1).to_cbor()),
        about(EntryKind::Receipt, proof),
        received(&urgent, 1, Outcome::Taken(Vec::new()), &[envelope(urgent.clone(), 1).digest()]),
    ]
}

fn channel_json(channel: &Channel) -> Json {
    object! {
        "sender" => channel.sender.as_str(), "recipient" => channel.recipient.as_str(), "epoch" => channel.epoch,
        "lane" => channel.lane.to_string(),
    }
}

fn openings() -> Vec<Json> {
    let entries = LOG.told.iter().zip(&LOG.log.entries).enumerate();
    let cases = entries.map(|(index, (told, entry))| {
        let (body_salt, body) = entry.body.clone().unwrap();
        let skeleton = &told.skeleton;
        object! {
            "name" => format!("entry {index}: {} {}", skeleton.kind, skeleton.number), "kind" => "opening",
            "entry_kind" => skeleton.kind.to_string(), "agreement" => bytes(skeleton.agreement.0),
            "channel" => channel_json(&skeleton.channel), "number" => skeleton.number, "due" => skeleton.due.to_string(),
            "salt" => bytes(entry.salt), "skeleton" => bytes(&entry.skeleton), "body_salt" => bytes(body_salt),
            "body" => bytes(body), "body_hash" => bytes(entry.body_hash.0), "entry" => bytes(entry.entry),
            "leaf_hash" => bytes(leaf_hash(&entry.entry)),
        }
    });
    cases.collect()
}

fn trees() -> Vec<Json> {
    let leaves: Vec<_> = LOG.log.entries.iter().map(|entry| leaf_hash(&entry.entry)).collect();
    let roots = (0..=leaves.len()).map(|size| root_of(&leaves[..size]));
    let edge = LOG.log.edge();
    let proofs = (0..leaves.len() as u64).map(|index| all_bytes(inclusion_proof(edge, index, 7).unwrap()));
    let digests: Vec<_> = (1..=6u8).map(|number| Digest([number; 32])).collect();
    let channel: Vec<_> = digests.iter().map(|digest| leaf_hash(&digest.0)).collect();
    vec![
        object! {
            "name" => "the log's tree", "kind" => "tree",
            "entries" => all_bytes(LOG.log.entries.iter().map(|entry| entry.entry)), "roots" => all_bytes(roots),
            "proofs" => proofs.collect::<Vec<_>>(),
        },
        object! {
            "name" => "a channel's tree", "kind" => "tree", "entries" => all_bytes(digests.iter().map(|d| d.0)),
            "roots" => all_bytes((0..=channel.len()).map(|size| root_of(&channel[..size]))),
        },
    ]
}

fn checkpoints() -> Vec<Json> {
    let node = WORLD.net.known(&WORLD.net.customs);
    let key = log_key(node).unwrap();
    let cases = LOG.log.notes.iter().map(|(size, note)| {
        let checkpoint = Checkpoint::open(note, &key).unwrap();
        object! {
            "name" => format!("checkpoint of size {size}"), "kind" => "checkpoint", "origin" => checkpoint.origin,
            "public" => bytes(node.card.log.current().bytes()), "key_id" => bytes(key.key_id()), "size" => *size,
            "root" => bytes(checkpoint.root), "note" => String::from_utf8(note.clone()).unwrap(),
        }
    });
    cases.collect()
}

fn receipt(name: &str, party: &Party, told: &Told, proof: Vec<u8>) -> Json {
    let node = WORLD.net.known(party);
    let digest = receipt_of(told);
    let receipt = read_receipt(node, &digest, &proof).unwrap();
    object! {
        "name" => name, "kind" => "receipt", "recipient" => node.node.as_str(), "dispatch" => bytes(digest.0),
        "channel" => channel_json(&told.skeleton.channel), "number" => told.skeleton.number,
        "file" => String::from_utf8(proof).unwrap(), "index" => receipt.index, "size" => receipt.checkpoint.size,
        "outcome" => outcome(&receipt.body.outcome), "contiguous" => receipt.body.contiguous,
        "channel_root" => bytes(receipt.body.channel_root),
    }
}

fn receipts() -> Vec<Json> {
    let net = &WORLD.net;
    let received_ones = LOG.told.iter().enumerate().filter(|(_, told)| told.skeleton.kind == EntryKind::Received);
    let mut cases: Vec<_> = received_ones
        .map(|(index, told)| receipt(&format!("receipt of entry {index}"), &net.customs, told, LOG.log.receipt(index)))
        .collect();
    // The second card of `customs-jp` names another log; this receipt is of the one before.
    let channel = Channel { recipient: net.other.node.clone(), ..net.channel() };
    let told = received(&channel, 1, Outcome::Taken(Vec::new()), &[envelope(channel.clone(), 1).digest()]);
    let proof = Log::of(&net.other, std::slice::from_ref(&told)).receipt(0);
    cases.push(receipt("receipt of a former log", &net.other, &told, proof));
    cases
}

/// The log of `post-de` over the same channel: 1 is sent again after its receipt, 4 is withdrawn.
fn sender_told() -> Vec<Told> {
    let channel = WORLD.net.channel();
    let about = |kind, number: u64, evidence| {
        let dispatch = envelope(channel.clone(), number).digest();
        let skeleton = skeleton(kind, channel.clone(), number, 30);
        Told { skeleton, body: SentBody { dispatch }.to_cbor(), evidence }
    };
    vec![
        about(EntryKind::Sent, 1, None),
        about(EntryKind::Receipt, 1, Some(LOG.log.receipt(0))),
        about(EntryKind::Resent, 1, None),
        about(EntryKind::Sent, 2, None),
        about(EntryKind::Sent, 3, None),
        about(EntryKind::Sent, 4, None),
        about(EntryKind::Withdrawn, 4, LOG.told[3].evidence.clone()),
        about(EntryKind::Receipt, 4, Some(LOG.log.receipt(3))),
        peers(),
        document(),
    ]
}

/// What customs erased by order of what came from `post-de`.
pub(super) fn erased(erased: Vec<Named>) -> Told {
    let skeleton = Skeleton { kind: EntryKind::Erased, number: NOW.0 / 1_000, ..LOG.told[0].skeleton.clone() };
    let reference = Some(Digest::of(Domain::Order, &[b"order 7"]));
    let body = ErasedBody { ground: Ground::Order, on: NOW.day(), reference, erased };
    Told { skeleton, body: body.to_cbor(), evidence: None }
}

/// A hold on the first entry.
pub(super) fn hold() -> Told {
    let (ground, node) = (Digest::of(Domain::Order, &[b"case 9"]), &WORLD.net.customs.node);
    let skeleton = Skeleton::of_node(EntryKind::Hold, node, 1, NOW.0 / 1_000, NOW.day().plus(3_660));
    let held = vec![Named { entry: 0, places: vec![0] }];
    let body = HoldBody { hold: 1, begins: true, on: NOW.day(), ground, agreement: None, held };
    Told { skeleton, body: body.to_cbor(), evidence: None }
}

/// What `post-de` holds of others' logs.
fn peers() -> Told {
    let skeleton = Skeleton::of_node(EntryKind::Peers, &WORLD.net.post.node, 1, NOW.0 / 1_000, NOW.day().plus(30));
    let body = CheckpointsBody::new([LOG.log.page(0, 1).checkpoint]).to_cbor();
    Told { skeleton, body, evidence: None }
}

/// That `post-de` admitted a document.
fn document() -> Told {
    let skeleton = Skeleton::of_node(EntryKind::Document, &WORLD.net.post.node, 1, NOW.0 / 1_000, NOW.day().plus(30));
    Told { skeleton, body: DocumentBody { document: Digest([0xd0; 32]) }.to_cbor(), evidence: None }
}

/// The dispatch that a `received` entry is about.
pub(super) fn receipt_of(told: &Told) -> Digest {
    use crate::cbor::Decode;
    ReceiptBody::from_cbor(&told.body).unwrap().dispatch
}

/// What an auditor finds on these pages of a node's log.
pub(super) fn audit(party: &Party, pages: &[AuditPage]) -> AuditReport {
    let net = &WORLD.net;
    let mut audit = Audit::begin(&net.directory, net.known(party), &pages[0]).unwrap();
    for page in pages {
        if audit.wants().is_none() || audit.page(page) == 0 {
            break;
        }
    }
    audit.finish()
}

fn audits() -> Vec<Json> {
    let (post, customs) = (&WORLD.net.post, &WORLD.net.customs);
    let whole = vec![LOG.log.page(0, 4), LOG.log.page(4, 4)];
    let mut skeletons = vec![LOG.log.page(0, 7)];
    skeletons[0].entries.iter_mut().for_each(|entry| (entry.body, entry.evidence) = (None, None));
    let sender = vec![Log::of(post, &sender_told()).page(0, 10)];
    let mut told = LOG.told.clone();
    told.extend([erased(vec![Named { entry: 1, places: Vec::new() }, Named { entry: 3, places: vec![0] }]), hold()]);
    let mut gone = vec![Log::of(customs, &told).page(0, 20)];
    gone[0].entries[1].body = None;
    let auditor = &WORLD.net.auditor;
    let kept = |number| {
        let (channel, envelope) = (WORLD.net.channel(), envelope(WORLD.net.channel(), number));
        let body = SentBody { dispatch: envelope.digest() }.to_cbor();
        Told { skeleton: skeleton(EntryKind::Deposited, channel, number, 30), body, evidence: Some(envelope.to_cbor()) }
    };
    let told = [kept(2), kept(1), erased(vec![Named { entry: 1, places: Vec::new() }])];
    let mut third = vec![Log::of(auditor, &told).page(0, 3)];
    third[0].entries[1].body = None;
    let cases = [
        ("the whole log", customs, whole),
        ("an entry erased, a record of another, and a hold", customs, gone),
        ("skeletons only", customs, skeletons),
        ("a number sent again, one withdrawn, what is held of another log, and a document", post, sender),
        ("what two others' channel deposited, and one of that erased", auditor, third),
    ];
    let cases = cases.map(|(name, party, pages)| {
        let report = audit(party, &pages);
        assert!(report.ok(), "{report:?}");
        let channels = report.channels.iter().map(|c| {
            let channel = Channel {
                sender: c.sender.clone(), recipient: c.recipient.clone(), epoch: c.epoch, lane: c.lane,
            };
            channel_json(&channel).with("count", c.count).with("root", c.root.as_str())
        });
        object! {
            "name" => format!("audit: {name}"), "kind" => "audit", "node" => party.node.as_str(),
            "pages" => all_bytes(pages.iter().map(|page| crate::exchange::Answer::Page(page.clone()).to_cbor())), "entries" => report.entries,
            "root" => report.root.as_str(), "checkpoints" => report.checkpoints, "bodies" => report.bodies,
            "withheld" => report.withheld, "dispatch_signatures" => report.dispatch_signatures,
            "receipts" => report.receipts, "withdrawals" => report.withdrawals,
            "peer_checkpoints" => report.peer_checkpoints,
            "without_receipt" => report.without_receipt, "channels" => channels.collect::<Vec<_>>(),
        }
    });
    cases.to_vec()
}

#[test]
fn log() {
    let cases = [openings(), trees(), checkpoints(), receipts(), audits()].concat();
    let about = "SPEC.md sections 13 to 15: the log of customs-kr in the network of documents.json. 'opening': an entry and \
                 what it commits to. 'tree': entries (digests, for a channel), the root of each size from 0, the inclusion \
                 proof of each in the whole. 'receipt': a proof file and what it says. 'audit': pages as answers, and \
                 what an auditor counts.";
    super::hold("log.json", &file(about, cases));
}
