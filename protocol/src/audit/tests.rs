//! Two nodes' logs as they should be, and each manipulation with the finding that it gives.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::LazyLock;

use super::*;
use crate::cbor::Encode;
use crate::exchange::{Dispatch, DocumentBody, Ground, Lane, Named, Outcome};
use crate::keys::{KeyUse, SecretKey};
use crate::testing::{Log, Network, Party, SHOWN, Told, encode_views, set, small_record};
use crate::tlog::root_of;

static NETWORK: LazyLock<Network> = LazyLock::new(Network::new);
/// Dispatches in the exchange below.
const COUNT: u64 = 5;

fn dispatch(number: u64) -> Dispatch {
    let views = [small_record(number).view(set(&SHOWN))];
    NETWORK.dispatch(&NETWORK.header(&views, number), &encode_views(&views))
}

fn skeleton(kind: EntryKind, number: u64) -> Skeleton {
    let (agreement, channel) = (NETWORK.agreement("parcels"), NETWORK.channel());
    Skeleton { kind, agreement, channel, number, due: crate::testing::NOW.day().plus(30) }
}

fn sent(number: u64, dispatch: &Dispatch) -> Told {
    let envelope = dispatch.envelope();
    let body = SentBody { dispatch: envelope.digest() }.to_cbor();
    Told { skeleton: skeleton(EntryKind::Sent, number), body, evidence: Some(envelope.to_cbor()) }
}

fn receipt(number: u64, dispatch: &Dispatch, proof: Vec<u8>) -> Told {
    let body = SentBody { dispatch: dispatch.envelope().digest() }.to_cbor();
    Told { skeleton: skeleton(EntryKind::Receipt, number), body, evidence: Some(proof) }
}

/// `received` entries of these numbers in this order.
fn received(numbers: &[u64]) -> Vec<Told> {
    let mut there = BTreeMap::new();
    let told = |number: &u64| {
        let envelope = dispatch(*number).envelope();
        there.insert(*number, envelope.digest());
        let contiguous = (1u64..).take_while(|n| there.contains_key(n)).last().unwrap_or(0);
        let leaves: Vec<_> = (1..=contiguous).map(|n| leaf_hash(&there[&n].0)).collect();
        let outcome = Outcome::Taken(Vec::new());
        let body = ReceiptBody { dispatch: envelope.digest(), outcome, contiguous, channel_root: root_of(&leaves) };
        let skeleton = skeleton(EntryKind::Received, *number);
        Told { skeleton, body: body.to_cbor(), evidence: Some(envelope.to_cbor()) }
    };
    numbers.iter().map(told).collect()
}

fn recipient_told() -> Vec<Told> {
    // Out of order, as dispatches arrive.
    received(&[1, 3, 2, 4, 5])
}

/// `sent 1, receipt 1, sent 2, …` with receipts from the recipient's log.
fn sender_told() -> Vec<Told> {
    let told = recipient_told();
    let log = Log::of(&NETWORK.customs, &told);
    let pairs = (1..=COUNT).map(|number| {
        let at = told.iter().position(|t| t.skeleton.number == number).unwrap();
        let dispatch = dispatch(number);
        [sent(number, &dispatch), receipt(number, &dispatch, log.receipt(at))]
    });
    pairs.flatten().collect()
}

fn audit(party: &Party, log: &Log) -> AuditReport {
    audit_pages(party, log, 4, |_| ())
}

/// Audits a log in pages of so many entries, each changed on its way.
fn audit_pages(party: &Party, log: &Log, entries: usize, change: impl Fn(&mut AuditPage)) -> AuditReport {
    let page = |from: u64| {
        let mut page = log.page(from, entries);
        change(&mut page);
        page
    };
    let mut audit = Audit::begin(&NETWORK.directory, NETWORK.known(party), &page(0)).unwrap();
    while let Some(from) = audit.wants() {
        if audit.page(&page(from)) == 0 {
            break;
        }
    }
    audit.finish()
}

/// What is found in the sender's log when it tells this.
fn sender_findings(change: impl FnOnce(&mut Vec<Told>)) -> Vec<String> {
    let mut told = sender_told();
    change(&mut told);
    whats(audit(&NETWORK.post, &Log::of(&NETWORK.post, &told)))
}

fn whats(report: AuditReport) -> Vec<String> {
    assert_eq!(report.findings_count as usize, report.findings.len());
    report.findings.into_iter().map(|finding| finding.what).collect()
}

#[track_caller]
fn found(whats: &[String], expected: &str) {
    assert!(whats.iter().any(|what| what.contains(expected)), "'{expected}' not among {whats:#?}");
}

#[test]
fn an_honest_exchange_passes_and_both_sides_tell_the_same() {
    let (post, customs) = (&NETWORK.post, &NETWORK.customs);
    let (sender, recipient) = (Log::of(post, &sender_told()), Log::of(customs, &recipient_told()));
    for entries in [1, 2, 3, 4, 100] {
        let a = audit_pages(post, &sender, entries, |_| ());
        assert!(a.ok(), "{:?}", a.findings);
        assert_eq!((a.entries, a.skeletons, a.bodies, a.withheld), (10, 10, 10, 0));
        assert_eq!((a.dispatch_signatures, a.receipts, a.without_receipt), (5, 5, 0));
        assert_eq!(a.checkpoints as usize, sender.notes.len());
        let b = audit_pages(customs, &recipient, entries, |_| ());
        assert!(b.ok(), "{:?}", b.findings);
        assert_eq!((b.entries, b.bodies, b.dispatch_signatures, b.receipts), (5, 5, 5, 0));
        assert_eq!(a.channels, b.channels);
        assert_eq!(a.channels[0].count, COUNT);
        assert!(compare_channels(&[a, b]).is_empty());
    }
    let empty = Log::of(post, &[]);
    let mut signed = Log::new(post);
    signed.notes.push((0, empty.checkpoint(0, root_of(&[]))));
    assert!(audit(post, &signed).ok());
}

#[test]
fn a_dispatch_missing_on_one_side_shows() {
    let (post, customs) = (&NETWORK.post, &NETWORK.customs);
    let sender = audit(post, &Log::of(post, &sender_told()));
    let recipient = |numbers: &[u64]| audit(customs, &Log::of(customs, &received(numbers)));
    for (numbers, what) in [
        (&[1, 2, 3, 4][..], "5 numbers on one side, 4 on the other"),
        (&[1, 2, 4, 5], "5 numbers on one side, 2 on the other"),
        (&[], "only post-de/n1 knows this channel"),
    ] {
        let report = recipient(numbers);
        assert!(report.ok(), "{:?}", report.findings);
        let differences = compare_channels(&[sender.clone(), report]);
        assert!(differences.len() == 1 && differences[0].1 == what, "{differences:?}");
    }
    // Nothing is said about a log that nobody read.
    assert!(compare_channels(std::slice::from_ref(&sender)).is_empty());
    // What a sender lost with its data only the recipient can tell; one that lost nothing must tell it.
    let lost = AuditReport { channels: Vec::new(), ..sender.clone() };
    let known = recipient(&[1, 2, 3, 4, 5]);
    assert_eq!(compare_channels(&[lost.clone(), known.clone()])[0].1, "only customs-kr/n1 knows this channel");
    assert!(compare_channels(&[AuditReport { epoch: 2, ..lost }, known.clone()]).is_empty());
    let recipient_lost = AuditReport { channels: Vec::new(), epoch: 2, ..known };
    assert_eq!(compare_channels(&[sender.clone(), recipient_lost]).len(), 1);
    // The sender tells of another dispatch under number 5.
    let mut told = sender_told();
    told.truncate(8);
    let views = [small_record(99).view(set(&SHOWN))];
    told.push(sent(5, &NETWORK.dispatch(&NETWORK.header(&views, 5), &encode_views(&views))));
    let other = audit(post, &Log::of(post, &told));
    assert!(other.ok() && other.without_receipt == 1);
    let differences = compare_channels(&[other, recipient(&[1, 2, 3, 4, 5])]);
    assert_eq!(differences[0].1, "the two logs name different dispatches");
}

#[test]
fn entries_withheld_replaced_or_changed_are_found() {
    let post = &NETWORK.post;
    let told = sender_told();
    let changed = |change: fn(&mut Log)| {
        let mut log = Log::of(post, &told);
        change(&mut log);
        audit(post, &log)
    };
    // Withheld at the end.
    let report = changed(|log| log.entries.truncate(7));
    found(&whats(report), "entries from 7 to 10 are withheld");
    // One replaced by another, which opens; the tree tells.
    let replaced = changed(|log| log.entries[3] = log.entries[1].clone());
    let replaced = whats(replaced);
    found(&replaced, "the newest checkpoint has another root than the tree");
    found(&replaced, "the checkpoint of size 6 has another root than the tree");
    // One left out, two swapped.
    found(&whats(changed(|log| drop(log.entries.remove(2)))), "withheld");
    found(&whats(changed(|log| log.entries.swap(0, 1))), "another root");
    // What the entry commits to, changed.
    found(&whats(changed(|log| log.entries[2].salt[0] ^= 1)), "does not commit to its skeleton and body hash");
    found(&whats(changed(|log| *log.entries[2].skeleton.last_mut().unwrap() ^= 1)), "does not commit");
    found(&whats(changed(|log| log.entries[2].body_hash.0[0] ^= 1)), "does not commit");
    found(&whats(changed(|log| log.entries[2].entry[0] = 2)), "does not commit");
    let body = |log: &mut Log| *log.entries[2].body.as_mut().unwrap().1.last_mut().unwrap() ^= 1;
    found(&whats(changed(body)), "the body is not the one committed to");
    let body_salt = |log: &mut Log| log.entries[2].body.as_mut().unwrap().0[0] ^= 1;
    found(&whats(changed(body_salt)), "the body is not the one committed to");
}

#[test]
fn every_bit_of_a_page_counts() {
    // A log of two entries, every bit of which is changed; what is not found must not change what was read.
    let log = Log::of(&NETWORK.post, &sender_told()[..2]);
    let good = log.page(0, 2);
    let read = |page: &AuditPage| {
        let audit = Audit::begin(&NETWORK.directory, NETWORK.known(&NETWORK.post), page);
        audit.map(|mut audit| {
            audit.page(page);
            audit.finish()
        })
    };
    assert!(read(&good).unwrap().ok());
    let bytes = crate::exchange::Answer::Page(good).to_cbor();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(crate::exchange::Answer::Page(page)) = crate::exchange::Answer::from_cbor(&changed) {
            assert!(!read(&page).is_ok_and(|report| report.ok()), "bit {bit}");
        }
    }
}

#[test]
fn a_second_root_for_one_size_is_found() {
    let post = &NETWORK.post;
    let told = sender_told();
    let honest = Log::of(post, &told);
    let mut log = Log::of(post, &told);
    let at = log.notes.iter().position(|(size, _)| *size == 6).unwrap();
    log.notes[at].1 = honest.checkpoint(6, [7; 32]);
    found(&whats(audit(post, &log)), "the checkpoint of size 6 has another root than the tree");
    // Both, the right and the wrong one.
    let mut log = Log::of(post, &told);
    log.notes.insert(0, (6, honest.checkpoint(6, [7; 32])));
    found(&whats(audit(post, &log)), "the checkpoint of size 6 has another root than the tree");
    // The newest.
    let mut log = Log::of(post, &told);
    log.notes.last_mut().unwrap().1 = honest.checkpoint(10, [7; 32]);
    found(&whats(audit(post, &log)), "the newest checkpoint has another root than the tree");
    // Signed by another log's key.
    let mut log = Log::of(post, &told);
    log.notes[0].1 = Log::of(&NETWORK.customs, &told).checkpoint(3, [7; 32]);
    found(&whats(audit(post, &log)), "a signed checkpoint does not verify");
    let known = NETWORK.known(&NETWORK.customs);
    assert!(matches!(Audit::begin(&NETWORK.directory, known, &honest.page(0, 1)), Err(AuditError::Checkpoint { .. })));
}

#[test]
fn numbers_repeated_or_left_out_are_found() {
    // Sent: repeated, with a gap, not from 1.
    found(&sender_findings(|told| told[8] = sent(4, &dispatch(4))), "number 4 sent in");
    let gap = sender_findings(|told| drop(told.drain(4..6)));
    found(&gap, "number 4 sent in post-de/n1 -> customs-kr/n1 (epoch 1), expected 3");
    found(&sender_findings(|told| drop(told.drain(..2))), "number 2 sent in");
    // Received: twice, whether in order or ahead of it. A gap is none: it shows in the count.
    let customs = &NETWORK.customs;
    let numbers = |numbers: &[u64]| whats(audit(customs, &Log::of(customs, &received(numbers))));
    found(&numbers(&[1, 2, 2]), "number 2 received twice");
    found(&numbers(&[1, 3, 3]), "number 3 received twice");
    found(&numbers(&[1, 0]), "number 0 received twice");
    assert!(numbers(&[1, 2, 5]).is_empty());
    // A receipt that names another channel root, or more than there is.
    let root = |change: fn(&mut ReceiptBody)| {
        let mut told = recipient_told();
        let mut body = ReceiptBody::from_cbor(&told[3].body).unwrap();
        change(&mut body);
        told[3].body = body.to_cbor();
        whats(audit(customs, &Log::of(customs, &told)))
    };
    found(&root(|body| body.channel_root[0] ^= 1), "the receipt of number 4 names another channel root");
    found(&root(|body| body.contiguous = 5), "the receipt of number 4 names another channel root");
}

#[test]
fn receipts_for_something_else_are_found() {
    let log = Log::of(&NETWORK.customs, &recipient_told());
    let of = |number: u64, at: usize| receipt(number, &dispatch(number), log.receipt(at));
    // The proof of another number, of another dispatch, of nothing.
    found(&sender_findings(|told| told[3] = of(2, 1)), "receipt of 2: the receipt is about another dispatch");
    found(&sender_findings(|told| told[3].evidence = Some(b"none".to_vec())), "receipt of 2: the proof does not hold");
    let body = SentBody { dispatch: dispatch(4).envelope().digest() }.to_cbor();
    found(&sender_findings(|told| told[3].body = body), "receipt for other bytes than number 2 had");
    // Before anything was sent, and twice.
    found(&sender_findings(|told| told.swap(2, 3)), "receipt for number 2, which was not sent or settled before");
    found(&sender_findings(|told| told.push(of(1, 0))), "receipt for number 1, which was not sent or settled before");
    // The right dispatch with the skeleton of another number.
    let mut wrong = recipient_told();
    wrong[2].skeleton.number = 4;
    let proof = Log::of(&NETWORK.customs, &wrong).receipt(2);
    found(&sender_findings(|told| told[3].evidence = Some(proof)), "names another channel or number");
    // By a log that is not the recipient's.
    let foreign = Log::of(&NETWORK.other, &recipient_told()).receipt(2);
    found(&sender_findings(|told| told[3].evidence = Some(foreign)), "receipt of 2: the proof does not hold");
}

#[test]
fn dispatches_that_were_not_signed_or_not_so_are_found() {
    let good = dispatch(2);
    let evidence = |envelope: Envelope| move |told: &mut Vec<Told>| told[2].evidence = Some(envelope.to_cbor());
    let by_another = Dispatch::sign(&NETWORK.id(), good.header.clone(), good.sealed.clone(), &NETWORK.other.sign);
    found(&sender_findings(evidence(by_another.envelope())), "the signature by the sign key does not match");
    found(&sender_findings(evidence(dispatch(3).envelope())), "the evidence is another dispatch");
    found(&sender_findings(|told| told[2].evidence = Some(vec![0])), "envelope: byte 0");
    // An envelope that is right, under a skeleton that is not.
    found(&sender_findings(|told| told[2].skeleton.agreement = Digest([1; 32])), "rests on another agreement");
    found(&sender_findings(|told| told[0].skeleton.channel.epoch = 2), "names another channel or number");
    found(&sender_findings(|told| told[2].skeleton.channel.sender = NETWORK.other.node.clone()), "not this node's");
    found(&sender_findings(|told| told[2].skeleton.kind = EntryKind::Received), "not this node's");
    found(&sender_findings(|told| told[2].body = vec![0x80]), "body: byte 0");
    // A counterparty that no card names.
    let stranger = |told: &mut Vec<Told>| told[3].skeleton.channel.recipient = "post-xx/n1".parse().unwrap();
    found(&sender_findings(stranger), "receipt for number 2, which was not sent");
}

#[test]
fn what_a_mandate_withholds_is_no_finding_and_a_body_that_is_gone_the_only_one() {
    let (post, customs) = (&NETWORK.post, &NETWORK.customs);
    let (sender, recipient) = (Log::of(post, &sender_told()), Log::of(customs, &recipient_told()));
    // A mandate for skeletons only, with and without evidence.
    for evidence in [false, true] {
        let hide = |page: &mut AuditPage| {
            for entry in &mut page.entries {
                entry.body = None;
                entry.evidence = entry.evidence.take().filter(|_| evidence);
            }
        };
        let a = audit_pages(post, &sender, 4, hide);
        assert!(a.ok(), "{:?}", a.findings);
        assert_eq!((a.skeletons, a.bodies, a.withheld, a.without_receipt), (10, 0, 10, 0));
        assert_eq!(a.dispatch_signatures, if evidence { 5 } else { 0 });
        let b = audit_pages(customs, &recipient, 4, hide);
        assert!(b.ok(), "{:?}", b.findings);
        assert_eq!((a.channels[0].count, a.channels[0].root.as_str()), (COUNT, ""));
        assert!(compare_channels(&[a, b]).is_empty());
    }
    // One body gone, whichever: that is found, the rest still holds, and the full log of the other side is no contradiction.
    let full = audit(customs, &recipient);
    for at in 0..10 {
        let erase = |log: &mut Log| (log.entries[at].body, log.entries[at].evidence) = (None, None);
        let mut log = Log::of(post, &sender_told());
        erase(&mut log);
        let report = audit(post, &log);
        only_gone(&report, at as u64);
        assert!(compare_channels(&[report, full.clone()]).is_empty());
        if at < 5 {
            let mut log = Log::of(customs, &recipient_told());
            erase(&mut log);
            only_gone(&audit(customs, &log), at as u64);
        }
    }
    // Numbers still count where only skeletons are shown.
    let mut told = sender_told();
    drop(told.drain(4..6));
    let mut log = Log::of(post, &told);
    log.entries.iter_mut().for_each(|entry| entry.body = None);
    found(&whats(audit(post, &log)), "number 4 sent in");
}

#[test]
fn findings_are_counted_beyond_those_kept() {
    let post = &NETWORK.post;
    let mut log = Log::new(post);
    for number in 0..MAX_FINDINGS as u64 + 5 {
        log.append(&Told { skeleton: skeleton(EntryKind::Received, number), body: Vec::new(), evidence: None });
    }
    log.sign();
    let report = audit_pages(post, &log, 512, |_| ());
    assert_eq!((report.findings_count as usize, report.findings.len()), (MAX_FINDINGS + 5, MAX_FINDINGS));
}

/// An entry about checkpoints by `post-de`, of this time.
fn about_logs(kind: EntryKind, number: u64, notes: &[Vec<u8>]) -> Told {
    let skeleton = Skeleton::of_node(kind, &NETWORK.post.node, 1, number, crate::testing::NOW.day());
    Told { skeleton, body: CheckpointsBody::new(notes.iter().cloned()).to_cbor(), evidence: None }
}

fn findings_of(told: &[Told]) -> Vec<(Option<u64>, String)> {
    let report = audit(&NETWORK.post, &Log::of(&NETWORK.post, told));
    report.findings.into_iter().map(|finding| (finding.entry, finding.what)).collect()
}

#[test]
fn checkpoints_that_a_log_names_are_checked() {
    let customs = Log::of(&NETWORK.customs, &recipient_told());
    let (_, signed) = customs.notes.last().unwrap().clone();
    // A log on no card cannot be judged.
    let strange = {
        let key = SecretKey::from_seed(KeyUse::Log, &[99; 32]).unwrap();
        Checkpoint::new("no.such/log", 1, [1; 32]).sign(key.signing_key()).unwrap().to_bytes()
    };
    let peers = |number, notes: &[Vec<u8>]| about_logs(EntryKind::Peers, number, notes);
    let honest = [peers(7, &[signed.clone(), strange]), peers(8, &[]), peers(3_600, std::slice::from_ref(&signed))];
    let report = audit(&NETWORK.post, &Log::of(&NETWORK.post, &honest));
    assert_eq!((report.ok(), report.peer_checkpoints), (true, 3), "{report:?}");

    let mut forged = Log::new(&NETWORK.customs);
    forged.append(&recipient_told()[0]);
    let own = forged.checkpoint(9, [9; 32]);
    let mut note = crate::tlog::Note::parse(&own).unwrap();
    note.signatures[0].signature[7] ^= 1;
    let mut about_dispatch = peers(7, &[]);
    about_dispatch.skeleton.agreement = NETWORK.agreement("parcels");
    let mut of_another = peers(7, &[]);
    of_another.skeleton.channel.sender = NETWORK.customs.node.clone();
    for (told, part) in [
        (peers(7, &[note.to_bytes()]), "did not sign"),
        (about_dispatch, "is about a dispatch"),
        (of_another, "not this node's"),
        (about_logs(EntryKind::Succeeded, 7, &[signed]), "no former log of this node"),
        (Told { body: vec![0x80, 0], ..peers(7, &[]) }, "body: "),
    ] {
        let found = findings_of(&[told]);
        assert!(matches!(found.as_slice(), [(Some(0), what)] if what.contains(part)), "{part}: {found:?}");
    }
    let found = findings_of(&[peers(7, &[]), peers(7, &[])]);
    assert_eq!(found, [(Some(1), "a peers entry is not later than the one before it".to_owned())]);
    let found = findings_of(&[peers(7, &[]), about_logs(EntryKind::Succeeded, 8, &[])]);
    assert_eq!(found, [(Some(1), "a succeeded entry that is not the log's first".to_owned())]);
}

#[test]
fn documents_that_a_log_names_are_checked() {
    let document = |number, digest: u8| {
        let skeleton = Skeleton::of_node(EntryKind::Document, &NETWORK.post.node, 1, number, crate::testing::NOW.day());
        Told { skeleton, body: DocumentBody { document: Digest([digest; 32]) }.to_cbor(), evidence: None }
    };
    let report = audit(&NETWORK.post, &Log::of(&NETWORK.post, &[document(7, 1), document(7, 2), document(5, 3)]));
    assert_eq!((report.ok(), report.bodies, report.without_evidence), (true, 3, 0), "{report:?}");
    let mut about_dispatch = document(7, 1);
    about_dispatch.skeleton.agreement = NETWORK.agreement("parcels");
    let mut of_another = document(7, 1);
    of_another.skeleton.channel.sender = NETWORK.customs.node.clone();
    for (told, part) in [
        (about_dispatch, "is about a dispatch"),
        (of_another, "not this node's"),
        (Told { body: vec![0x80, 0], ..document(7, 1) }, "body: "),
    ] {
        let found = findings_of(&[told]);
        assert!(matches!(found.as_slice(), [(Some(0), what)] if what.contains(part)), "{part}: {found:?}");
    }
    let found = findings_of(&[document(7, 1), document(8, 1)]);
    assert!(matches!(found.as_slice(), [(Some(1), what)] if what.contains("admitted before")), "{found:?}");
}

#[test]
fn a_log_that_follows_another_begins_with_what_is_known_of_that() {
    let other = &NETWORK.other;
    let (log_key, witness) = [(KeyUse::Log, 88), (KeyUse::Witness, 89)]
        .map(|(purpose, seed)| SecretKey::from_seed(purpose, &[seed; 32]).unwrap())
        .into();
    let mut card = other.card();
    let (former, origin) = (card.nodes[0].origin.clone(), "luxor.test/second".to_owned());
    (card.nodes[0].log, card.nodes[0].witness) = ((*log_key.public()).into(), (*witness.public()).into());
    (card.nodes[0].origin, card.nodes[0].epoch) = (origin.clone(), 2);
    let first = NETWORK.cards.iter().find(|card| card.id == other.id).unwrap();
    let mut successor = card.to_successor(first).unwrap();
    successor.sign(&other.id, &other.identity);
    let cards = [NETWORK.cards.as_slice(), &[successor]].concat();
    let directory = Directory::new(&NETWORK.charter, &cards, &NETWORK.agreements).unwrap();
    let note =
        |key: &SecretKey| Checkpoint::new(former.clone(), 5, [5; 32]).sign(key.signing_key()).unwrap().to_bytes();
    let about = |body: CheckpointsBody| {
        let skeleton = Skeleton::of_node(EntryKind::Succeeded, &other.node, 2, 7, crate::testing::NOW.day());
        let mut log = Log::under(&origin, &log_key);
        log.append(&Told { skeleton, body: body.to_cbor(), evidence: None });
        log.sign();
        let mut audit = Audit::begin(&directory, directory.node(&other.node).unwrap(), &log.page(0, 1)).unwrap();
        audit.page(&log.page(0, 1));
        audit.finish()
    };
    let report = about(CheckpointsBody::new([note(&other.log)]));
    assert_eq!((report.ok(), report.peer_checkpoints), (true, 1), "{report:?}");
    let report = about(CheckpointsBody::new([note(&NETWORK.post.log)]));
    assert!(report.findings[0].what.contains("did not sign"), "{report:?}");
}

fn only_gone(report: &AuditReport, at: u64) {
    let found = whats_of(report);
    assert_eq!(found, [(Some(at), "the body is not there, and no erased entry says why")]);
    assert_eq!(report.withheld, 1);
}

/// An `erased` entry of the recipient, about what came.
fn erased(ground: Ground, days: u64, named: &[(u64, &[usize])]) -> Told {
    let erased = named.iter().map(|(entry, places)| Named { entry: *entry, places: places.to_vec() }).collect();
    let body = ErasedBody {
        ground,
        on: crate::testing::NOW.day().plus(days),
        reference: (ground == Ground::Order).then_some(Digest([9; 32])),
        erased,
    };
    Told { skeleton: skeleton(EntryKind::Erased, 1_000), body: body.to_cbor(), evidence: None }
}

fn hold(number: u64, begins: bool, agreement: Option<Digest>, held: &[(u64, &[usize])]) -> Told {
    let held = held.iter().map(|(entry, places)| Named { entry: *entry, places: places.to_vec() }).collect();
    let (on, ground) = (crate::testing::NOW.day(), Digest([8; 32]));
    let body = HoldBody { hold: number, begins, on, ground, agreement, held };
    let skeleton = Skeleton::of_node(EntryKind::Hold, &NETWORK.customs.node, 1, 1_000, on.plus(3_660));
    Told { skeleton, body: body.to_cbor(), evidence: None }
}

/// The audit of the recipient's log with these entries behind, where the bodies of these entries are gone.
fn after(told: Vec<Told>, gone: &[u64]) -> AuditReport {
    let log = Log::of(&NETWORK.customs, &[recipient_told(), told].concat());
    let take = |page: &mut AuditPage| {
        for entry in &mut page.entries {
            if gone.iter().any(|index| log.page(*index, 1).entries[0].entry == entry.entry) {
                entry.body = None;
            }
        }
    };
    audit_pages(&NETWORK.customs, &log, 4, take)
}

fn whats_of(report: &AuditReport) -> Vec<(Option<u64>, &str)> {
    report.findings.iter().map(|finding| (finding.entry, finding.what.as_str())).collect()
}

#[test]
fn what_is_erased_by_date_or_order_is_shown_with_its_ground() {
    use Ground::{Order, Retention};
    let report =
        after(vec![erased(Retention, 30, &[(0, &[]), (1, &[])]), erased(Order, 3, &[(2, &[0]), (4, &[])])], &[0, 1, 4]);
    assert!(report.ok(), "{:?}", report.findings);
    assert_eq!((report.withheld, report.bodies), (3, 4));
    let told: Vec<_> =
        report.erased.iter().map(|e| (e.entry, e.ground, e.whole, e.in_part, e.reference.is_some())).collect();
    assert_eq!(told, [(5, Retention, 2, 0, false), (6, Order, 1, 1, true)]);
    assert_eq!(report.erased[0].sender, NETWORK.post.node);
}

#[test]
fn a_body_that_is_gone_without_a_word_or_too_early_or_under_a_hold_is_found() {
    use Ground::{Order, Retention};
    let agreement = NETWORK.agreement("parcels");
    let whole = |ground, days| erased(ground, days, &[(1, &[])]);
    for (told, gone, at, part) in [
        (vec![], vec![1], 1, "the body is not there, and no erased entry says why"),
        (vec![], vec![1, 2, 3], 1, "the bodies up to entry 3 are not there"),
        (vec![whole(Retention, 29)], vec![1], 5, "by its date on"),
        (vec![whole(Retention, 30)], vec![], 5, "whose body is there"),
        (vec![whole(Retention, 30), whole(Order, 30)], vec![1], 6, "or was erased before"),
        (vec![erased(Retention, 30, &[(5, &[])])], vec![], 5, "not before it"),
        (vec![hold(1, true, Some(agreement), &[]), whole(Retention, 30)], vec![1], 6, "which hold 1 keeps"),
        (vec![hold(1, true, None, &[(1, &[3])]), whole(Order, 3)], vec![1], 6, "which hold 1 keeps"),
        (vec![hold(1, true, None, &[(1, &[3])]), erased(Order, 3, &[(1, &[3, 4])])], vec![], 6, "which hold 1 keeps"),
        (vec![hold(1, true, None, &[]), hold(1, true, None, &[])], vec![], 6, "begins a second time"),
        (vec![hold(1, false, None, &[])], vec![], 5, "is not in force"),
    ] {
        let report = after(told, &gone);
        let found = whats_of(&report);
        assert!(found.iter().any(|(entry, what)| *entry == Some(at) && what.contains(part)), "{part}: {found:?}");
    }
    // Under a hold that ended, or on another record, and by a mandate that gives no body at all.
    for told in [
        vec![hold(1, true, Some(agreement), &[]), hold(1, false, None, &[]), whole(Retention, 30)],
        vec![hold(1, true, None, &[(1, &[3]), (2, &[])]), erased(Order, 3, &[(1, &[4])])],
    ] {
        let gone = if told.len() == 3 { vec![1] } else { vec![] };
        assert!(after(told, &gone).ok());
    }
    let log = Log::of(&NETWORK.customs, &recipient_told());
    let none = |page: &mut AuditPage| page.entries.iter_mut().for_each(|entry| entry.body = None);
    assert!(audit_pages(&NETWORK.customs, &log, 4, none).ok());
}

#[test]
fn what_is_deposited_between_others_is_signed_by_its_sender_once() {
    use crate::exchange::deposit_tests::{kept, log_of};
    let other = &NETWORK.other;
    let deposit = |number| {
        let (dispatch, log) = (kept(number, |_| ()), log_of(&kept(number, |_| ())));
        let entry = log.entries[0].clone();
        let skeleton = Skeleton::from_cbor(&entry.skeleton).unwrap();
        Told { skeleton, body: entry.body.unwrap().1, evidence: Some(dispatch.envelope().to_cbor()) }
    };
    let found = |told: &[Told]| {
        let report = audit(other, &Log::of(other, told));
        report.findings.into_iter().map(|finding| (finding.entry, finding.what)).collect::<Vec<_>>()
    };
    let all = [deposit(2), deposit(1), deposit(7)];
    assert_eq!(found(&all), []);
    let report = audit(other, &Log::of(other, &all));
    assert_eq!((report.dispatch_signatures, report.without_evidence, report.channels.len()), (3, 0, 0));
    let named = |found: &[(Option<u64>, String)], entry, what: &str| {
        assert!(matches!(found, [(Some(at), why)] if *at == entry && why.contains(what)), "{what}: {found:?}");
    };
    named(&found(&[deposit(1), deposit(1)]), 1, "deposited twice");
    named(&found(&[Told { evidence: deposit(2).evidence, ..deposit(1) }]), 0, "another dispatch");
    let mut own = deposit(1);
    own.skeleton.channel.sender = other.node.clone();
    named(&found(&[own]), 0, "this node's own");
    // What of it is gone is said by this node, of others' channels only where it kept something.
    let gone = |channel: &Channel| {
        let skeleton = Skeleton { kind: EntryKind::Erased, number: 9, channel: channel.clone(), ..deposit(1).skeleton };
        let erased = vec![Named { entry: 0, places: Vec::new() }];
        let body = ErasedBody { ground: Ground::Retention, on: deposit(1).skeleton.due, reference: None, erased };
        let mut log =
            Log::of(other, &[deposit(1), Told { skeleton, body: body.to_cbor(), evidence: None }, deposit(3)]);
        log.entries[0].body = None;
        let report = audit(other, &log);
        report.findings.into_iter().map(|finding| (finding.entry, finding.what)).collect::<Vec<_>>()
    };
    assert_eq!(gone(&deposit(1).skeleton.channel), []);
    let urgent = Channel { lane: Lane::Urgent, ..deposit(1).skeleton.channel };
    assert!(gone(&urgent).iter().any(|(entry, why)| *entry == Some(1) && why.contains("not this node's")));
}
