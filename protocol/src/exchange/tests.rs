//! Properties of the exchange: an honest dispatch is taken whole, each hostile one gets its exact answer, a receipt
//! proves one dispatch and nothing else, and everything that decodes has one form.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::cbor::{Decode, Encode};
use crate::document::{Document, Revocation};
use crate::hash::{Digest, Domain};
use crate::limits::{
    MAX_ANSWER_BYTES, MAX_BATCH_RECORDS, MAX_BODY_BYTES, MAX_DISPATCH_OPENED_BYTES, MAX_EXPANSION, MAX_HEADER_BYTES,
    MAX_RETENTION_DAYS, MAX_SKELETON_BYTES,
};
use crate::names::{NodeRef, Purpose};
use crate::record::{
    ArrivedView, Batch, DECLARATION, Fault, GroupSet, GroupView, Leaf, OPENING, RecordHeader, RecordView, SealedRecord,
    batch_root,
};
use crate::testing::{
    Log, NOW, Network, SHOWN, Told, content, encode_views, groups, one_form, record_of, set, slug, small_record,
};
use crate::time::{Day, Millis};
use crate::tlog::{Frontier, TlogProof, leaf_hash};

static NETWORK: LazyLock<Network> = LazyLock::new(Network::new);

/// A view that came, as it is read otherwise.
fn whole(view: &ArrivedView<'_>) -> Result<RecordView, (Fault, String)> {
    Ok(RecordView::from_cbor(view.encoded).unwrap())
}

/// What the recipient says of a dispatch that the sender itself brings.
fn check(dispatch: &Dispatch) -> Result<Checked<RecordView>, Answer> {
    let net = &*NETWORK;
    let peer = net.known(&net.post);
    check_dispatch(&net.directory, &net.customs.node, peer, dispatch, NOW, |sealed| Some(sealed.to_vec()), whole)
}

fn verdict(dispatch: &Dispatch) -> Outcome {
    let checked = check(dispatch).unwrap();
    if let Outcome::Refused(_) = checked.outcome {
        assert!(checked.accepted.is_empty());
    }
    checked.outcome
}

fn error_code(dispatch: &Dispatch) -> ErrorCode {
    match check(dispatch) {
        Err(Answer::Error { code, .. }) => code,
        other => panic!("expected an error, not {other:?}"),
    }
}

fn views(count: u64) -> Vec<RecordView> {
    (1..=count).map(|number| small_record(number).view(set(&SHOWN))).collect()
}

/// An honest dispatch of these views, but for what `change` does to its header.
fn with(views: &[RecordView], change: impl FnOnce(&mut DispatchHeader)) -> Dispatch {
    let mut header = NETWORK.header(views, 1);
    change(&mut header);
    NETWORK.dispatch(&header, &encode_views(views))
}

/// As [`with`], the batch signed again after the change.
fn resigned(views: &[RecordView], change: impl FnOnce(&mut DispatchHeader)) -> Dispatch {
    with(views, |header| {
        change(header);
        header.batch = Batch::sign(header.batch.header.clone(), &NETWORK.id(), &NETWORK.post.sign);
    })
}

const REFUSED_PERMIT: Outcome = Outcome::Refused(RefusalCode::NotPermitted);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_honest_dispatch_is_accepted_whole(
        contents in proptest::collection::vec((content(), any::<[u8; 16]>(), any::<[u8; 32]>()), 1..6),
        shown in groups(), number in 1u64..1_000, retention in 0u64..=30,
    ) {
        let shown = GroupSet(shown.0 & set(&SHOWN).0);
        let records = contents.into_iter().map(|(content, id, seed)| record_of(content, id, seed));
        let records: Vec<SealedRecord> = records.collect();
        let views: Vec<_> = records.iter().map(|record| record.view(shown)).collect();
        let mut header = NETWORK.header(&views, number);
        header.retention_days = retention;
        let dispatch = NETWORK.dispatch(&header, &encode_views(&views));
        let request = Request::of_dispatch(dispatch.clone());
        prop_assert_eq!(&request, &Request::Dispatch(dispatch.clone()).to_cbor());
        prop_assert_eq!(Request::from_cbor(&request), Ok(Request::Dispatch(dispatch.clone())));
        prop_assert_eq!(DispatchHeader::from_cbor(&dispatch.header), Ok(header));
        let checked = check(&dispatch).unwrap();
        prop_assert_eq!(&checked.outcome, &Outcome::Taken(Vec::new()));
        prop_assert_eq!(checked.outcome.counts(views.len()), (views.len(), 0));
        prop_assert_eq!(checked.due, Day(NOW.day().0 + retention as i32));
        prop_assert_eq!(checked.digest, dispatch.envelope().digest());
        let expected: Vec<_> = records.iter().zip(views).enumerate().map(|(at, (r, view))| (at, r.root(), view)).collect();
        prop_assert_eq!(checked.accepted, expected);
    }

    #[test]
    fn a_changed_dispatch_leaves_no_trace(at: Index, bit in 0u8..8, part in 0..3) {
        let mut dispatch = with(&views(2), |_| ());
        let bytes = match part {
            0 => &mut dispatch.header[..],
            1 => &mut dispatch.signature[..],
            _ => &mut dispatch.sealed[..],
        };
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let refused = matches!(check(&dispatch), Err(Answer::Error { .. }));
        prop_assert!(refused);
    }

    /// The sender signs whatever it likes; what is inside the seal never harms and is never taken for more than it is.
    #[test]
    fn changed_content_is_never_accepted_whole(at: Index, bit in 0u8..8) {
        let views = views(2);
        let mut content = encode_views(&views);
        let at = at.index(content.len());
        content[at] ^= 1 << bit;
        let outcome = verdict(&NETWORK.dispatch(&NETWORK.header(&views, 1), &content));
        prop_assert!(matches!(outcome, Outcome::Refused(
            RefusalCode::Malformed | RefusalCode::BatchRoot | RefusalCode::ShowsMore
        )), "{outcome}");
    }

    #[test]
    fn any_sealed_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..300), headed: bool) {
        let header = NETWORK.header(&views(1), 1).to_cbor();
        let sealed = if headed { [&DispatchHeader::digest(&header).0[..], &bytes].concat() } else { bytes };
        let dispatch = Dispatch::sign(&NETWORK.id(), header, sealed, &NETWORK.post.sign);
        let taken = matches!(check(&dispatch), Ok(Checked { outcome: Outcome::Taken(_), .. }));
        prop_assert!(!taken);
    }
}

#[test]
fn what_is_not_authentic_or_not_for_me_is_an_error() {
    let net = &*NETWORK;
    let views = views(1);
    assert_eq!(error_code(&with(&views, |h| h.network = Digest([9; 32]))), ErrorCode::WrongNetwork);
    assert_eq!(error_code(&with(&views, |h| h.channel.recipient = net.other.node.clone())), ErrorCode::NotForMe);
    // Not even another node of the same member.
    let second: NodeRef = "customs-kr/n2".parse().unwrap();
    assert_eq!(error_code(&with(&views, |h| h.channel.recipient = second)), ErrorCode::NotForMe);
    assert_eq!(error_code(&with(&views, |h| h.channel.sender = net.other.node.clone())), ErrorCode::WrongSender);

    let good = with(&views, |_| ());
    let flipped = Dispatch { signature: [good.signature[0] ^ 1; 64], ..good.clone() };
    assert_eq!(error_code(&flipped), ErrorCode::BadSignature);
    let by_another = Dispatch::sign(&net.id(), good.header.clone(), good.sealed.clone(), &net.other.sign);
    assert_eq!(error_code(&by_another), ErrorCode::BadSignature);
    let of_another_network = Dispatch::sign(&Digest([9; 32]), good.header.clone(), good.sealed.clone(), &net.post.sign);
    assert_eq!(error_code(&of_another_network), ErrorCode::BadSignature);
    let without_header = Dispatch { header: Vec::new(), ..good.clone() };
    assert_eq!(error_code(&without_header), ErrorCode::Undecodable);
    let number_zero = with(&views, |h| h.number = 0);
    assert_eq!(error_code(&number_zero), ErrorCode::Undecodable);

    // Brought by another member than its sender: a replay.
    let peer = net.known(&net.other);
    let replayed = check_dispatch(&net.directory, &net.customs.node, peer, &good, NOW, |b| Some(b.to_vec()), whole);
    assert!(matches!(replayed, Err(Answer::Error { code: ErrorCode::WrongSender, .. })));

    // Packed for another header, and the header of another dispatch around this sealed part.
    let other_header = with(&views, |h| h.number = 2).header;
    let foreign = Dispatch::sign(&net.id(), other_header, good.sealed.clone(), &net.post.sign);
    assert_eq!(error_code(&foreign), ErrorCode::ForeignSeal);
}

#[test]
fn the_seal_is_opened_last() {
    let net = &*NETWORK;
    let peer = net.known(&net.post);
    let unopened = |dispatch: &Dispatch| {
        check_dispatch(&net.directory, &net.customs.node, peer, dispatch, NOW, |_| panic!("the seal was opened"), whole)
    };
    let views = views(1);
    assert!(unopened(&with(&views, |h| h.network = Digest([9; 32]))).is_err());
    assert!(unopened(&with(&views, |h| h.agreement_digest = Digest([9; 32]))).is_err());
    assert_eq!(unopened(&with(&views, |h| h.retention_days = 31)).unwrap().outcome, REFUSED_PERMIT);
    let unsigned = with(&views, |h| h.batch.signature = [0; 64]);
    assert_eq!(unopened(&unsigned).unwrap().outcome, Outcome::Refused(RefusalCode::BatchSignature));
    let shut = check_dispatch(&net.directory, &net.customs.node, peer, &with(&views, |_| ()), NOW, |_| None, whole);
    assert_eq!(shut.unwrap().outcome, Outcome::Refused(RefusalCode::Unsealable));
}

#[test]
fn what_no_agreement_gives_is_not_permitted() {
    let net = &*NETWORK;
    let views = views(2);
    let unknown = check(&with(&views, |h| h.agreement_digest = Digest([9; 32])));
    assert!(matches!(unknown, Err(Answer::Later { lacks: Lack::Agreement, .. })), "{unknown:?}");

    assert_eq!(verdict(&with(&views, |h| h.view = h.view.union(set(&["payment"])))), REFUSED_PERMIT);
    assert_eq!(verdict(&with(&views, |h| h.purpose = Purpose::Enforcement)), REFUSED_PERMIT);
    assert_eq!(verdict(&with(&views, |h| h.retention_days = 31)), REFUSED_PERMIT);
    assert_eq!(verdict(&with(&views, |h| h.retention_days = MAX_RETENTION_DAYS)), REFUSED_PERMIT);
    assert_eq!(verdict(&with(&views, |h| h.agreement = slug("ended"))), REFUSED_PERMIT);
    let ended = with(&views, |h| (h.agreement, h.agreement_digest) = (slug("ended"), net.agreement("ended")));
    assert_eq!(verdict(&ended), REFUSED_PERMIT);
    let mandate = with(&views, |h| (h.agreement, h.agreement_digest) = (slug("mandate"), net.agreement("mandate")));
    assert_eq!(verdict(&mandate), REFUSED_PERMIT);
    // The row for another purpose gives the value, and not for long.
    let revenue: Vec<_> = (1..3).map(|n| small_record(n).view(set(&["filing", "route", "value"]))).collect();
    let for_revenue = |h: &mut DispatchHeader| (h.purpose, h.retention_days) = (Purpose::Revenue, 365);
    assert_eq!(verdict(&with(&revenue, for_revenue)), Outcome::Taken(Vec::new()));
    assert_eq!(verdict(&with(&revenue, |_| ())), REFUSED_PERMIT);
    // A batch of another node.
    assert_eq!(verdict(&resigned(&views, |h| h.batch.header.node = net.customs.node.clone())), REFUSED_PERMIT);

    // On its last day the agreement still holds.
    let peer = net.known(&net.post);
    let on = |day: &str| {
        let now: Millis = format!("{day}T23:59:59Z").parse().unwrap();
        let dispatch = with(&views, |_| ());
        check_dispatch(&net.directory, &net.customs.node, peer, &dispatch, now, |b| Some(b.to_vec()), whole)
            .unwrap()
            .outcome
    };
    assert_eq!((on("2027-12-31"), on("2028-01-01")), (Outcome::Taken(Vec::new()), REFUSED_PERMIT));
    assert_eq!((on("2026-01-01"), on("2025-12-31")), (Outcome::Taken(Vec::new()), REFUSED_PERMIT));
}

/// A mandate permits groups of the type `opening`; a dispatch of "records" of that type is none the less refused.
#[test]
fn a_mandate_gives_no_records() {
    let net = &*NETWORK;
    let header = RecordHeader { table: &OPENING, issuer: slug("post-de"), id: [1; 16], supersedes: None };
    let absent = || GroupView::Shown(vec![Leaf { salt: [0; 16], bytes: Vec::new() }]);
    let view = RecordView { header, groups: vec![GroupView::Hidden(Digest([1; 32])), absent(), absent()] };
    let dispatch = resigned(&[view], |h| {
        h.channel.recipient = net.auditor.node.clone();
        (h.agreement, h.agreement_digest) = (slug("mandate"), net.agreement("mandate"));
        (h.purpose, h.batch.header.table) = (Purpose::Audit, &OPENING);
    });
    let (me, peer) = (&net.auditor.node, net.known(&net.post));
    let checked = check_dispatch(&net.directory, me, peer, &dispatch, NOW, |b| Some(b.to_vec()), whole).unwrap();
    assert_eq!(checked.outcome, REFUSED_PERMIT);
}

#[test]
fn what_the_seal_holds_must_be_what_was_signed() {
    let net = &*NETWORK;
    let refused = |code| Outcome::Refused(code);
    let three = views(3);
    let header = net.header(&three, 1);
    let sealing = |views: &[RecordView]| verdict(&net.dispatch(&header, &encode_views(views)));
    assert_eq!(sealing(&three), Outcome::Taken(Vec::new()));
    // One record swapped for another, two in another order.
    let [a, b, c] = [three[0].clone(), three[1].clone(), three[2].clone()];
    assert_eq!(sealing(&[a.clone(), b.clone(), small_record(9).view(set(&SHOWN))]), refused(RefusalCode::BatchRoot));
    assert_eq!(sealing(&[b.clone(), a.clone(), c.clone()]), refused(RefusalCode::BatchRoot));
    // One dropped: another count than signed, or with the count adapted another root.
    assert_eq!(sealing(&[a.clone(), b.clone()]), refused(RefusalCode::Malformed));
    let mut fewer = net.header(&three, 1);
    fewer.batch.header.count = 2;
    fewer.batch = Batch::sign(fewer.batch.header.clone(), &net.id(), &net.post.sign);
    assert_eq!(verdict(&net.dispatch(&fewer, &encode_views(&[a.clone(), b.clone()]))), refused(RefusalCode::BatchRoot));
    // Signed by nobody, by another key, for another root.
    assert_eq!(verdict(&with(&three, |h| h.batch.signature = [1; 64])), refused(RefusalCode::BatchSignature));
    assert_eq!(verdict(&with(&three, |h| h.batch.header.count = 4)), refused(RefusalCode::BatchSignature));
    let by_another = with(&three, |h| h.batch = Batch::sign(h.batch.header.clone(), &net.id(), &net.other.sign));
    assert_eq!(verdict(&by_another), refused(RefusalCode::BatchSignature));
    assert_eq!(verdict(&resigned(&three, |h| h.batch.header.root = Digest([1; 32]))), refused(RefusalCode::BatchRoot));

    // More than the header says: groups that the agreement gives and one that it does not.
    let more: Vec<_> = (1..4).map(|n| small_record(n).view(set(&SHOWN).union(set(&["payment"])))).collect();
    assert_eq!(verdict(&with(&more, |h| h.view = set(&SHOWN))), refused(RefusalCode::ShowsMore));
    assert_eq!(verdict(&with(&three, |h| h.view = set(&["filing"]))), refused(RefusalCode::ShowsMore));

    // Issued by another member than the sender.
    let content = small_record(1).content().clone();
    let foreign = SealedRecord::new(slug("customs-jp"), content, None, [1; 16], zeroize::Zeroizing::new([1; 32]));
    assert_eq!(verdict(&with(&[foreign.view(set(&SHOWN))], |_| ())), refused(RefusalCode::Malformed));

    // No views at all.
    assert_eq!(verdict(&net.dispatch(&header, b"")), refused(RefusalCode::Malformed));
    assert_eq!(verdict(&net.dispatch(&header, b"no views")), refused(RefusalCode::Malformed));
    let trailing = [encode_views(&three), vec![0]].concat();
    assert_eq!(verdict(&net.dispatch(&header, &trailing)), refused(RefusalCode::Malformed));
}

#[test]
fn bombs_and_wrong_packing_are_refused() {
    let net = &*NETWORK;
    let header = net.header(&views(1), 1).to_cbor();
    let sealed = |opened: u32, stored: u32, bytes: &[u8], padding: usize| {
        let digest = DispatchHeader::digest(&header).0;
        let mut packed = [&digest[..], &opened.to_be_bytes(), &stored.to_be_bytes(), bytes].concat();
        packed.resize(packed.len() + padding, 0);
        verdict(&Dispatch::sign(&net.id(), header.clone(), packed, &net.post.sign))
    };
    let zeros = vec![0u8; 4 * 1024 * 1024];
    let bomb = lz4_flex::block::compress(&zeros);
    let expansion = Outcome::Refused(RefusalCode::Expansion);
    let malformed = Outcome::Refused(RefusalCode::Malformed);
    assert!(zeros.len() > bomb.len() * MAX_EXPANSION);
    assert_eq!(sealed(zeros.len() as u32, bomb.len() as u32, &bomb, 0), expansion);
    assert_eq!(sealed(MAX_DISPATCH_OPENED_BYTES as u32 + 1, u32::MAX, &[], 0), expansion);
    assert_eq!(sealed(u32::MAX, u32::MAX, &[], 0), expansion);
    assert_eq!(sealed(21, 1, &[0], 0), expansion);
    // Says less than it expands to, is cut off, is padded with something else or otherwise.
    assert_eq!(sealed(100, 24, &bomb[..24], 0), malformed);
    assert_eq!(sealed(8, 9, &[0; 8], 0), malformed);
    assert_eq!(sealed(24, 24, &[7; 24], 1), malformed);
    assert_eq!(sealed(23, 23, &[7; 24], 0), malformed);

    // Every byte of padding is zero.
    let digest = Digest([1; 32]);
    let mut packed = pack(&digest, b"twenty-three bytes long").unwrap();
    assert_eq!((packed.len(), unpack(&digest, &packed).unwrap().len()), (64, 23));
    packed[63] = 1;
    assert_eq!(unpack(&digest, &packed), Err(SealedError::Malformed));
}

#[test]
fn one_bad_record_is_rejected_with_its_place_and_the_rest_is_taken() {
    let rejected = |group: &str, bytes: &[u8]| {
        let mut views = views(3);
        let at = DECLARATION.group(group).unwrap().0;
        let GroupView::Shown(leaves) = &mut views[1].groups[at] else { panic!("{group} is shown") };
        leaves[0].bytes = bytes.to_vec();
        let checked = check(&with(&views, |_| ())).unwrap();
        let places: Vec<_> = checked.accepted.iter().map(|(at, ..)| *at).collect();
        assert_eq!(places, [0, 2]);
        assert_eq!(checked.outcome.counts(3), (2, 1));
        match checked.outcome {
            Outcome::Taken(mut rejected) if rejected.len() == 1 => {
                let Rejection { record, fault, pointer } = rejected.remove(0);
                assert_eq!(record, 1);
                (fault, pointer)
            }
            other => panic!("{other}"),
        }
    };
    let at = |fault, pointer: &str| (fault, pointer.to_owned());
    assert_eq!(rejected("route", b"\xa1\x01\x62kr"), at(Fault::Value, "/route/destination"));
    assert_eq!(rejected("route", b"\xa1\x01\x01"), at(Fault::Encoding, "/route/destination"));
    assert_eq!(rejected("route", b"\xa1\x02\x62DE"), at(Fault::Missing, "/route/destination"));
    assert_eq!(rejected("route", b"\xa1\x18\x63\x62DE"), at(Fault::Unknown, "/route"));
    assert_eq!(rejected("route", b"\xa1\x18\x01\x62DE"), at(Fault::Encoding, "/route"));
    assert_eq!(rejected("route", b"\xa1\x01\x62KR\x00"), at(Fault::Encoding, "/route"));
    assert_eq!(rejected("route", b"\xa0"), at(Fault::Encoding, "/route"));
    assert_eq!(rejected("route", b""), at(Fault::Missing, "/route"));
    assert_eq!(rejected("classification", b"\xa1\x01\x6585171"), at(Fault::Value, "/goods/1/classification/hs"));
    let long = [&b"\xa1\x01\x79\x02\x01"[..], &[b'a'; 513]].concat();
    assert_eq!(rejected("content", &long), at(Fault::Value, "/goods/1/content/description"));

    // A promised group that is hidden.
    let mut views = views(2);
    let mass = DECLARATION.group("mass").unwrap().0;
    views[0] = small_record(1).view(GroupSet(set(&SHOWN).0 & !(1 << mass)));
    let outcome = verdict(&with(&views, |h| h.view = set(&SHOWN)));
    let hidden = Rejection { record: 0, fault: Fault::Missing, pointer: "/mass".into() };
    assert_eq!(outcome, Outcome::Taken(vec![hidden]));
}

fn skeleton(kind: EntryKind) -> Skeleton {
    let (agreement, channel) = (NETWORK.agreement("parcels"), NETWORK.channel());
    Skeleton { kind, agreement, channel, number: 1, due: Day(20_000) }
}

/// A log whose entry 2 of 5 is the receipt for `dispatch`.
fn receipt_log(dispatch: &Digest, outcome: Outcome) -> Log {
    let other =
        Told { skeleton: skeleton(EntryKind::Sent), body: SentBody { dispatch: *dispatch }.to_cbor(), evidence: None };
    let mut channel = Frontier::new();
    channel.push(leaf_hash(&dispatch.0));
    let body = ReceiptBody { dispatch: *dispatch, outcome, contiguous: 1, channel_root: channel.root() }.to_cbor();
    let receipt = Told { skeleton: skeleton(EntryKind::Received), body, evidence: None };
    Log::of(&NETWORK.customs, &[other.clone(), other.clone(), receipt, other.clone(), other])
}

#[test]
fn a_receipt_proves_its_dispatch_only() {
    let net = &*NETWORK;
    let digest = Digest([5; 32]);
    let log = receipt_log(&digest, Outcome::Refused(RefusalCode::BatchRoot));
    let recipient = net.known(&net.customs);
    let file = log.receipt(2);
    let receipt = read_receipt(recipient, &digest, &file).unwrap();
    assert_eq!((receipt.index, receipt.checkpoint.size), (2, 5));
    assert_eq!(
        (receipt.skeleton, receipt.body.outcome),
        (skeleton(EntryKind::Received), Outcome::Refused(RefusalCode::BatchRoot),)
    );
    assert_eq!(read_receipt(recipient, &Digest([6; 32]), &file), Err(ReceiptError::Other("dispatch")));
    // The opening of a `sent` entry has another body, and another kind.
    assert!(read_receipt(recipient, &digest, &log.receipt(1)).is_err());
    assert!(read_receipt(net.known(&net.other), &digest, &file).is_err());
    let proof = TlogProof::parse(&file).unwrap();
    let moved = TlogProof { index: 3, ..proof.clone() };
    assert!(matches!(read_receipt(recipient, &digest, &moved.to_bytes()), Err(ReceiptError::Proof(_))));
    let bare = TlogProof { extra: None, ..proof };
    assert!(matches!(read_receipt(recipient, &digest, &bare.to_bytes()), Err(ReceiptError::Opening(_))));
    assert!(read_receipt(recipient, &digest, b"").is_err());
}

#[test]
fn a_receipt_under_a_revoked_log_key_counts_no_more() {
    let (net, digest) = (&*NETWORK, Digest([5; 32]));
    let customs = &net.customs;
    let revocation = Revocation {
        member: customs.id.clone(),
        keys: vec![customs.log.public().id()],
        reason: "stolen".into(),
        revoked_at: NOW,
        compromised_since: None,
    };
    let mut word = revocation.to_document(net.directory.network()).unwrap();
    word.sign(&customs.id, &customs.identity);
    let directory = net.directory.with(&word, NOW.day()).unwrap().unwrap();
    let file = receipt_log(&digest, Outcome::Withdrawn).receipt(2);
    assert!(read_receipt(net.known(customs), &digest, &file).is_ok());
    let refused = read_receipt(directory.node(&customs.node).unwrap(), &digest, &file);
    assert_eq!(refused, Err(ReceiptError::Proof("every key of its log is revoked".into())));
}

#[test]
fn a_sent_entry_with_a_receipts_body_is_no_receipt() {
    let digest = Digest([5; 32]);
    let body = ReceiptBody { dispatch: digest, outcome: Outcome::Taken(vec![]), contiguous: 0, channel_root: [0; 32] };
    let told = Told { skeleton: skeleton(EntryKind::Sent), body: body.to_cbor(), evidence: None };
    let log = Log::of(&NETWORK.customs, &[told]);
    let read = read_receipt(NETWORK.known(&NETWORK.customs), &digest, &log.receipt(0));
    assert_eq!(read, Err(ReceiptError::Other("kind of entry")));
}

#[test]
fn every_bit_of_a_receipt_counts() {
    let digest = Digest([5; 32]);
    let rejection = Rejection { record: 1, fault: Fault::Value, pointer: "/route/destination".into() };
    let file = receipt_log(&digest, Outcome::Taken(vec![rejection])).receipt(2);
    let recipient = NETWORK.known(&NETWORK.customs);
    assert!(read_receipt(recipient, &digest, &file).is_ok());
    for bit in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(
            read_receipt(recipient, &digest, &changed).is_err(),
            "bit {bit}: {}",
            String::from_utf8_lossy(&changed)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_entry_commits_to_its_whole_opening(
        salt: [u8; 16], body_salt: [u8; 16], body in proptest::collection::vec(any::<u8>(), 0..60),
        number: u64, at: Index, bit in 0u8..8,
    ) {
        let opening = Opening::new(&Skeleton { number, ..skeleton(EntryKind::Sent) }, body, salt, body_salt);
        let entry = opening.entry();
        prop_assert_eq!(entry[0], 1);
        let body_hash = Digest::of(Domain::Body, &[&body_salt, &opening.body]);
        let digest = Digest::of(Domain::Entry, &[&salt, &opening.skeleton, &body_hash.0]);
        prop_assert_eq!(&digest.0[..], &entry[1..]);
        prop_assert_eq!(entry_of(&salt, &opening.skeleton, &opening.body_hash()), entry);
        prop_assert_eq!(opening.read_skeleton().unwrap().number, number);
        let bytes = opening.to_cbor();
        prop_assert_eq!(Opening::from_cbor(&bytes), Ok(opening));
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= 1 << bit;
        prop_assert!(one_form::<Opening>(&changed));
        if let Ok(other) = Opening::from_cbor(&changed) {
            prop_assert_ne!(other.entry(), entry);
        }
    }
}

fn samples() -> Vec<Vec<u8>> {
    let net = &*NETWORK;
    let dispatch = with(&views(2), |_| ());
    let log = receipt_log(&Digest([5; 32]), Outcome::Taken(Vec::new()));
    let mut page = log.page(0, 5);
    page.entries[1].body = None;
    page.entries[2].evidence = Some(dispatch.envelope().to_cbor());
    vec![
        Answer::error(ErrorCode::NumberUsed, "ä".repeat(600)).to_cbor(),
        Answer::later(Lack::Capacity, "soon").to_cbor(),
        Answer::Receipt(log.receipt(2)).to_cbor(),
        Answer::Page(page).to_cbor(),
        Request::AuditRead { from: u64::MAX, count: 512 }.to_cbor(),
        dispatch.envelope().to_cbor(),
        dispatch.header.clone(),
        Request::Dispatch(dispatch).to_cbor(),
        net.charter.to_cbor(),
        net.cards[0].to_cbor(),
        net.agreements[0].to_cbor(),
        skeleton(EntryKind::Receipt).to_cbor(),
        ReceiptBody {
            dispatch: Digest([1; 32]),
            outcome: Outcome::Refused(RefusalCode::Expansion),
            contiguous: 7,
            channel_root: [2; 32],
        }
        .to_cbor(),
        SentBody { dispatch: Digest([1; 32]) }.to_cbor(),
    ]
}

fn all_have_one_form(bytes: &[u8]) -> bool {
    one_form::<Answer>(bytes)
        && one_form::<Request>(bytes)
        && Request::from_vec(bytes.to_vec()) == Request::from_cbor(bytes)
        && one_form::<Document>(bytes)
        && one_form::<Envelope>(bytes)
        && one_form::<DispatchHeader>(bytes)
        && one_form::<Opening>(bytes)
        && one_form::<Skeleton>(bytes)
        && one_form::<ReceiptBody>(bytes)
        && one_form::<SentBody>(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn rubbish_is_refused_or_has_one_form(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(all_have_one_form(&bytes));
    }

    #[test]
    fn what_was_changed_is_refused_or_has_one_form(which: Index, at: Index, put: u8, kind in 0..4) {
        static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(samples);
        let mut bytes = which.get(&SAMPLES).clone();
        let at = at.index(bytes.len());
        match kind {
            0 => bytes[at] = put,
            1 => bytes.insert(at, put),
            2 => bytes.truncate(at),
            _ => { bytes.remove(at); }
        }
        prop_assert!(all_have_one_form(&bytes));
    }
}

#[test]
fn samples_are_read_back() {
    for bytes in samples() {
        let read = [
            Answer::from_cbor(&bytes).is_ok(),
            Request::from_cbor(&bytes).is_ok(),
            Document::from_cbor(&bytes).is_ok(),
            Envelope::from_cbor(&bytes).is_ok(),
            DispatchHeader::from_cbor(&bytes).is_ok(),
            Skeleton::from_cbor(&bytes).is_ok(),
            ReceiptBody::from_cbor(&bytes).is_ok(),
            SentBody::from_cbor(&bytes).is_ok(),
        ];
        assert_eq!(read.iter().filter(|ok| **ok).count(), 1, "{read:?}");
        assert!(all_have_one_form(&bytes));
    }
}

#[test]
fn the_longest_of_everything_fits_its_limit() {
    let rejection = |record| Rejection { record, fault: Fault::Mapping, pointer: "/".repeat(300) };
    let outcome = Outcome::Taken((0..MAX_BATCH_RECORDS).map(rejection).collect());
    let body =
        ReceiptBody { dispatch: Digest([1; 32]), outcome, contiguous: u64::MAX, channel_root: [1; 32] }.to_cbor();
    assert!(body.len() <= MAX_BODY_BYTES && ReceiptBody::from_cbor(&body).is_ok(), "{}", body.len());
    let log = Log::of(&NETWORK.customs, &[Told { skeleton: skeleton(EntryKind::Received), body, evidence: None }]);
    let answer = Answer::Receipt(log.receipt(0)).to_cbor();
    assert!(answer.len() <= MAX_ANSWER_BYTES && Answer::from_cbor(&answer).is_ok(), "{}", answer.len());

    let longest: NodeRef = format!("{0}/{0}", "a".repeat(40)).parse().unwrap();
    let mut header = NETWORK.header(&views(1), 1);
    let channel = Channel { sender: longest.clone(), recipient: longest.clone(), epoch: u64::MAX, lane: Lane::Urgent };
    (header.channel, header.number, header.receipts_held_up_to) = (channel.clone(), u64::MAX, u64::MAX);
    (header.agreement, header.batch.header.node) = (slug(&"a".repeat(40)), longest);
    let bytes = header.to_cbor();
    assert!(bytes.len() <= MAX_HEADER_BYTES && DispatchHeader::from_cbor(&bytes).is_ok());
    let skeleton = Skeleton { channel, number: u64::MAX, ..skeleton(EntryKind::Sent) }.to_cbor();
    assert!(skeleton.len() <= MAX_SKELETON_BYTES && Skeleton::from_cbor(&skeleton).is_ok());
}

#[test]
fn a_batch_root_is_over_record_roots_in_order() {
    let roots: Vec<_> = views(5).iter().map(RecordView::root).collect();
    let mut other = roots.clone();
    other.swap(0, 4);
    assert_ne!(batch_root(&roots), batch_root(&other));
    assert_ne!(batch_root(&roots), batch_root(&roots[..4]));
}
