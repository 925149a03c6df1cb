//! What may be deposited with whom, and what a deposit receipt proves.
#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::cbor::{Decode, Encode};
use crate::document::{Agreement, Directory, KnownNode};
use crate::hash::Digest;
use crate::limits::{DEPOSIT_RANGE_BYTES, MAX_ANSWER_BYTES, MAX_HEADER_BYTES, MAX_REQUEST_BYTES, MAX_SEALED_BYTES};
use crate::testing::{Log, NOW, Network, Party, SHOWN, Told, encode_views, one_form, set, slug, small_record};

pub(crate) static NETWORK: LazyLock<Network> = LazyLock::new(Network::new);

const KEPT: &str = r#"
    id = "kept"
    title = "Advance data, kept with a third"
    instrument = "Universal Postal Convention"
    article = "08"
    controller = "post-de"
    parties = ["post-de", "customs-kr", "customs-jp"]
    valid_from = "2026-01-01"
    valid_until = "2027-12-31"
    [[flow]]
    type = "declaration"
    version = 1
    from = ["post-de"]
    to = ["customs-kr"]
    purpose = "revenue"
    groups = ["addressee", "classification", "content", "filing", "item", "mass", "route", "sender"]
    retention_days = 30
    terms = { deposit = "customs-jp" }
"#;

/// The network with an agreement of which a row names `customs-jp` as depositary, and that agreement's digest.
pub(crate) static KEEPING: LazyLock<Keeping> = LazyLock::new(|| keeping(KEPT));

type Keeping = (Directory, Vec<crate::document::Document>, Digest);

fn keeping(draft: &str) -> Keeping {
    let net = &*NETWORK;
    let mut document = Agreement::from_draft(draft).unwrap().to_document(net.id());
    for party in [&net.post, &net.customs, &net.other] {
        document.sign(&party.id, &party.identity);
    }
    let digest = document.digest();
    let agreements = [net.agreements.clone(), vec![document]].concat();
    (Directory::new(&net.charter, &net.cards, &agreements).unwrap(), agreements, digest)
}

/// An honest dispatch under that row, but for what `change` does to its header.
pub(crate) fn kept(number: u64, change: impl FnOnce(&mut DispatchHeader)) -> Dispatch {
    let views = [small_record(number).view(set(&SHOWN))];
    let mut header = NETWORK.header(&views, number);
    (header.agreement, header.agreement_digest) = (slug("kept"), KEEPING.2);
    header.purpose = crate::names::Purpose::Revenue;
    change(&mut header);
    NETWORK.dispatch(&header, &encode_views(&views))
}

fn node(party: &Party) -> &'static KnownNode {
    KEEPING.0.node(&party.node).unwrap()
}

/// What `customs-jp` says of a dispatch that its sender brings.
fn bring(dispatch: &Dispatch) -> Result<Depositing, Answer> {
    check_deposit(&KEEPING.0, &NETWORK.other.node, node(&NETWORK.post), dispatch, NOW)
}

fn refused(dispatch: &Dispatch) -> (ErrorCode, String) {
    match bring(dispatch) {
        Err(Answer::Error { code, detail }) => (code, detail),
        other => panic!("expected an error, not {other:?}"),
    }
}

/// The log of the depositary with a deposit of this dispatch.
pub(crate) fn log_of(dispatch: &Dispatch) -> Log {
    let kept = bring(dispatch).unwrap();
    let told = Told { skeleton: kept.skeleton(), body: kept.body(), evidence: Some(kept.envelope.to_cbor()) };
    Log::of(&NETWORK.other, &[told])
}

#[test]
fn a_dispatch_is_kept_by_whom_its_row_names() {
    let dispatch = kept(3, |_| ());
    let taken = bring(&dispatch).unwrap();
    assert_eq!((taken.digest, taken.due), (dispatch.envelope().digest(), NOW.day().plus(30)));
    assert_eq!(taken.skeleton().number, 3);
    assert_eq!(depositary(&KEEPING.0, &taken.header, NOW), Ok(Some(slug("customs-jp"))));
}

/// Which of two rows that differ by places a dispatch goes by, only its content tells.
#[test]
fn nothing_is_deposited_where_rows_alike_name_different_members() {
    let row = &KEPT[KEPT.find("[[flow]]").unwrap()..];
    let other = row.replace("version = 1", "version = 1\n    territories = [\"US\"]");
    for (other, with) in [
        (other.clone(), Some(slug("customs-jp"))),
        (other.replace("terms = { deposit = \"customs-jp\" }", ""), None),
        (
            other.replace("\"revenue\"", "\"statistics\"").replace("terms = { deposit = \"customs-jp\" }", ""),
            Some(slug("customs-jp")),
        ),
    ] {
        let (directory, _, digest) = keeping(&format!("{KEPT}{other}"));
        let dispatch = kept(3, |header| header.agreement_digest = digest);
        let header = DispatchHeader::from_cbor(&dispatch.header).unwrap();
        assert_eq!(depositary(&directory, &header, NOW), Ok(with.clone()), "{other}");
        let brought = check_deposit(&directory, &NETWORK.other.node, node(&NETWORK.post), &dispatch, NOW);
        assert_eq!(brought.is_ok(), with.is_some(), "{brought:?}");
    }
}

#[test]
fn what_no_row_has_deposited_here_is_refused_by_name() {
    let net = &*NETWORK;
    // Under a row without the term; at another party than the one named; at the recipient; at a member that is no party.
    let views = [small_record(1).view(set(&SHOWN))];
    let other_row = net.dispatch(&net.header(&views, 1), &encode_views(&views));
    let (code, detail) = refused(&other_row);
    assert_eq!(code, ErrorCode::NoDeposit);
    assert!(detail.contains("names nobody") && detail.contains("hint: ") && detail.contains("customs-jp"), "{detail}");
    for other in [&net.customs, &net.auditor] {
        let said = check_deposit(&KEEPING.0, &other.node, node(&net.post), &kept(1, |_| ()), NOW);
        let Err(Answer::Error { code, detail }) = said else { panic!("{said:?}") };
        assert_eq!(code, ErrorCode::NoDeposit);
        assert!(detail.contains("names customs-jp"), "{detail}");
    }
    // More than the row gives, longer, for something else, and what is passed on.
    for change in [
        |h: &mut DispatchHeader| h.retention_days = 31,
        |h: &mut DispatchHeader| h.purpose = crate::names::Purpose::Statistics,
        |h: &mut DispatchHeader| h.view = h.batch.header.table.all_groups(),
        |h: &mut DispatchHeader| h.source = Some(slug("auditor")),
    ] {
        assert_eq!(refused(&kept(1, change)).0, ErrorCode::NoDeposit);
    }
}

#[test]
fn what_is_not_authentic_is_an_error_and_what_is_lacking_is_named() {
    let net = &*NETWORK;
    assert_eq!(refused(&kept(1, |h| h.network = Digest([9; 32]))).0, ErrorCode::WrongNetwork);
    assert_eq!(refused(&kept(1, |h| h.channel.sender = net.customs.node.clone())).0, ErrorCode::WrongSender);
    assert_eq!(refused(&kept(1, |h| h.channel.epoch = 0)).0, ErrorCode::WrongEpoch);
    assert_eq!(refused(&Dispatch { header: vec![1], ..kept(1, |_| ()) }).0, ErrorCode::Undecodable);
    let later = |dispatch: &Dispatch| match bring(dispatch) {
        Err(Answer::Later { lacks, .. }) => lacks,
        other => panic!("{other:?}"),
    };
    assert_eq!(later(&kept(1, |h| h.channel.epoch = 2)), Lack::Card);
    assert_eq!(later(&kept(1, |h| h.agreement_digest = Digest([9; 32]))), Lack::Agreement);
    // Brought by the recipient.
    let by_another = check_deposit(&KEEPING.0, &net.other.node, node(&net.customs), &kept(1, |_| ()), NOW);
    assert!(matches!(by_another, Err(Answer::Error { code: ErrorCode::WrongSender, .. })));
}

#[test]
fn a_deposit_receipt_proves_its_dispatch_only() {
    let (one, two) = (kept(1, |_| ()), kept(2, |_| ()));
    let proof = log_of(&one).receipt(0);
    let by = node(&NETWORK.other);
    let found = read_deposit(by, &one.envelope().digest(), &proof).unwrap();
    assert_eq!((found.index, found.skeleton.number, &found.skeleton.channel), (0, 1, &NETWORK.channel()));
    let other = read_deposit(by, &two.envelope().digest(), &proof);
    assert_eq!(other, Err(ReceiptError::Other("dispatch")));
    assert!(matches!(read_deposit(node(&NETWORK.customs), &found.dispatch, &proof), Err(ReceiptError::Proof(_))));
    // It is no receipt of a recipient, and such a one is none of these.
    assert!(read_receipt(by, &found.dispatch, &proof).is_err());
    let skeleton = Skeleton { kind: EntryKind::Sent, ..found.skeleton };
    let body = SentBody { dispatch: found.dispatch }.to_cbor();
    let sent = Log::of(&NETWORK.other, &[Told { skeleton, body, evidence: None }]).receipt(0);
    assert_eq!(read_deposit(by, &found.dispatch, &sent), Err(ReceiptError::Other("kind of entry")));
}

#[test]
fn the_longest_fits() {
    let dispatch =
        Dispatch { header: vec![1; MAX_HEADER_BYTES], signature: [2; 64], sealed: vec![3; MAX_SEALED_BYTES] };
    let request = Request::Deposit(dispatch.clone()).to_cbor();
    assert!(request.len() <= MAX_REQUEST_BYTES);
    assert_eq!(Request::from_vec(request), Ok(Request::Deposit(dispatch)));
    let part = DepositPart {
        entry: u64::MAX,
        header: vec![1; MAX_HEADER_BYTES],
        signature: [2; 64],
        length: MAX_SEALED_BYTES as u64,
        sealed: vec![3; DEPOSIT_RANGE_BYTES],
    };
    let answer = Answer::Deposit(Some(part.clone())).to_cbor();
    assert!(answer.len() <= MAX_ANSWER_BYTES && Answer::from_cbor(&answer).is_ok());
    let longer = DepositPart { sealed: vec![3; DEPOSIT_RANGE_BYTES + 1], ..part.clone() };
    assert!(Answer::from_cbor(&Answer::Deposit(Some(longer)).to_cbor()).is_err());
    let longer = DepositPart { length: MAX_SEALED_BYTES as u64 + 1, sealed: Vec::new(), ..part };
    assert!(Answer::from_cbor(&Answer::Deposit(Some(longer)).to_cbor()).is_err());
    let behind = Request::Deposits { done: 8, from: 7, offset: 0 }.to_cbor();
    assert!(Request::from_cbor(&behind).is_err());
}

fn draft(term: &str) -> Result<Agreement, String> {
    Agreement::from_draft(&KEPT.replace(r#"deposit = "customs-jp""#, term)).map_err(|error| error.to_string())
}

#[test]
fn a_depositary_is_a_party_on_neither_side_of_its_row() {
    assert_eq!(draft(r#"deposit = "customs-jp""#).unwrap().flows[0].depositary(), Some(slug("customs-jp")));
    for (term, why) in [
        (r#"deposit = "auditor""#, "a member that is no party"),
        (r#"deposit = "post-de""#, "a sender or recipient of its own row"),
        (r#"deposit = "customs-kr""#, "a sender or recipient of its own row"),
        (r#"deposit = "somebody_else""#, "is not known"),
        (r#"deposit = "Yes!""#, "is not known"),
        (r#"evidence = "customs-jp""#, "is not known"),
    ] {
        let told = draft(term).unwrap_err();
        assert!(told.contains(why) && told.contains("hint: "), "{term}: {told}");
    }
    // The same of one that is not made from a draft.
    let mut agreement = draft(r#"deposit = "customs-jp""#).unwrap();
    for (value, why) in [
        ("auditor", "no party"),
        ("post-de", "sender or recipient"),
        ("some_body", "names no member"),
        ("-", "a member's name"),
    ] {
        agreement.flows[0].terms[0].value = value.into();
        let told = Agreement::from_cbor(&agreement.to_cbor()).unwrap_err().to_string();
        assert!(told.contains(why), "{value}: {told}");
    }
    let words = draft(r#"deposit = "customs-jp""#).unwrap().in_words(None);
    assert!(words.iter().any(|line| line.contains("deposited, sealed, with customs-jp")), "{words:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_bit_of_what_is_deposited_counts(at: Index, bit in 0u8..8, part in 0..3) {
        let mut dispatch = kept(1, |_| ());
        let bytes = match part {
            0 => &mut dispatch.header[..],
            1 => &mut dispatch.signature[..],
            _ => &mut dispatch.sealed[..],
        };
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let refused = matches!(bring(&dispatch), Err(Answer::Error { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn every_bit_of_a_deposit_receipt_counts(at: Index, bit in 0u8..8) {
        static PROOF: LazyLock<(Digest, Vec<u8>)> = LazyLock::new(|| {
            let dispatch = kept(1, |_| ());
            (dispatch.envelope().digest(), log_of(&dispatch).receipt(0))
        });
        let (digest, mut proof) = PROOF.clone();
        let at = at.index(proof.len());
        proof[at] ^= 1 << bit;
        if let Ok(found) = read_deposit(node(&NETWORK.other), &digest, &proof) {
            // A line by somebody else, or none at all, changes nothing of what is proven.
            prop_assert_eq!((found.index, found.dispatch), (0, digest));
        }
    }

    #[test]
    fn deposits_have_one_form(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0..3) {
        let head: &[u8] = match kind {
            0 => &[0x84, 0x0f],
            1 => &[0x84, 0x10],
            _ => &[0x82, 0x10],
        };
        let bytes = [head, &bytes].concat();
        prop_assert!(one_form::<Request>(&bytes) && one_form::<Answer>(&bytes));
    }
}
