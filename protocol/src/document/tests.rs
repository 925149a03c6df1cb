//! Properties of documents: who signed is known exactly, no bit can change, and what no row gives is not permitted.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::cbor::{Decode, Encode};
use crate::keys::KeyUse;
use crate::names::Purpose;
use crate::record::{DECLARATION, GroupSet, OPENING};
use crate::testing::{NOW, Network, Party, charter, one_form, set, slug};
use crate::time::Day;

static NETWORK: LazyLock<Network> = LazyLock::new(Network::new);

/// An agreement of `post-de` and `customs-kr` without signatures.
fn unsigned() -> Document {
    let mut document = NETWORK.agreements[0].clone();
    document.signatures.clear();
    document
}

fn opened(agreement: Document) -> Result<Directory, DirectoryError> {
    Directory::new(&NETWORK.charter, &NETWORK.cards, &[agreement])
}

fn refused(result: Result<Directory, DirectoryError>) -> DocumentError {
    match result {
        Err(DirectoryError::Document(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the documents were taken"),
    }
}

#[test]
fn exactly_the_parties_sign() {
    let net = &*NETWORK;
    let (post, customs, other) = (&net.post, &net.customs, &net.other);
    let signed = |by: &[(&Party, &Party)]| {
        let mut document = unsigned();
        by.iter().for_each(|(member, key)| document.sign(&member.id, &key.identity));
        document
    };
    assert!(opened(signed(&[(customs, customs), (post, post)])).is_ok());
    // Missing: the first in order is named.
    let missing = |document| match refused(opened(document)) {
        DocumentError::Missing { kind: DocumentKind::Agreement, id, member } if id == slug("parcels") => member,
        other => panic!("{other}"),
    };
    assert_eq!(missing(unsigned()), customs.id);
    assert_eq!(missing(signed(&[(customs, customs)])), post.id);
    assert_eq!(missing(signed(&[(post, post)])), customs.id);
    // Superfluous.
    let stranger = refused(opened(signed(&[(customs, customs), (post, post), (other, other)])));
    assert!(matches!(stranger, DocumentError::Stranger { member, .. } if member == other.id));
    // With another key, honestly named or not.
    let wrong = |document| match refused(opened(document)) {
        DocumentError::Signature { member, error, .. } => (member, error),
        other => panic!("{other}"),
    };
    let (member, error) = wrong(signed(&[(customs, customs), (post, other)]));
    assert!(member == post.id && matches!(error, KeyError::OtherKey { .. }));
    let mut document = signed(&[(customs, customs), (post, other)]);
    document.signatures[1].key = post.identity.public().id();
    assert_eq!(wrong(document), (post.id.clone(), KeyError::Signature("identity")));
    // A signature of another document, and one replaced by signing again.
    let mut document = signed(&[(customs, customs), (post, post)]);
    document.signatures[0] = net.cards[1].signatures[0].clone();
    assert_eq!(wrong(document.clone()).0, customs.id);
    document.sign(&customs.id, &customs.identity);
    assert!(opened(document).is_ok());
}

#[test]
fn governors_sign_the_charter() {
    let net = &*NETWORK;
    let parties = [&net.post, &net.customs, &net.other];
    let charter = charter(&parties, &["post-de", "customs-kr"]);
    assert_eq!(charter.threshold, 2);
    let mut document = charter.to_document();
    assert!(matches!(Charter::open(&document), Err(DocumentError::Missing { .. })));
    document.sign(&net.post.id, &net.post.identity);
    assert!(matches!(Charter::open(&document), Err(DocumentError::Missing { member, .. }) if member == net.customs.id));
    document.sign(&net.customs.id, &net.customs.identity);
    assert_eq!(Charter::open(&document), Ok(charter));
    let mut more = document.clone();
    more.sign(&net.other.id, &net.other.identity);
    assert!(matches!(Charter::open(&more), Err(DocumentError::Stranger { .. })));
    let renamed = Document { id: slug("other-network"), ..document.clone() };
    assert!(matches!(Charter::open(&renamed), Err(DocumentError::Content(_))));
    assert!(matches!(Charter::open(&net.cards[0]), Err(DocumentError::Kind { .. })));
    let read = Document::read(DocumentKind::Card, &document.to_cbor());
    let (expected, found) = (DocumentKind::Card, DocumentKind::Charter);
    assert_eq!(read, Err(DocumentError::Kind { expected, found }));
}

#[test]
fn documents_that_do_not_make_a_network_are_refused() {
    let net = &*NETWORK;
    let make = |cards: &[Document], agreements: &[Document]| Directory::new(&net.charter, cards, agreements);
    // Twice the same is once; another of the same name is decided by people.
    assert!(make(&[net.cards[0].clone(), net.cards[0].clone()], &[]).is_ok());
    let mut card = net.post.card();
    card.nodes[0].addresses.clear();
    let mut other = card.to_document(net.id()).unwrap();
    other.sign(&net.post.id, &net.post.identity);
    assert!(matches!(make(&[net.cards[0].clone(), other.clone()], &[]), Err(DirectoryError::Twice { .. })));
    assert!(make(&[other], &[]).is_ok());
    // Another network, a charter among the cards, a stranger, a member's name on another's card.
    let mut foreign = net.post.card().to_document(Digest([1; 32])).unwrap();
    foreign.sign(&net.post.id, &net.post.identity);
    assert!(matches!(refused(make(&[foreign], &[])), DocumentError::Network { .. }));
    assert!(make(std::slice::from_ref(&net.charter), &[]).is_ok(), "the same charter again is no other");
    let unknown = Party::new("post-xx", 9);
    let mut stranger = unknown.card().to_document(net.id()).unwrap();
    stranger.sign(&unknown.id, &unknown.identity);
    assert!(matches!(make(&[stranger], &[]), Err(DirectoryError::NoMember { member, .. }) if member == unknown.id));
    let mut borrowed = net.post.card().to_document(net.id()).unwrap();
    borrowed.id = net.other.id.clone();
    borrowed.sign(&net.other.id, &net.other.identity);
    assert!(matches!(refused(make(&[borrowed], &[])), DocumentError::Content(_)));
    // A transport key of another member, and one key for two uses.
    let mut card = net.other.card();
    card.nodes[0].transport = net.post.card().nodes[0].transport.clone();
    let mut copied = card.to_document(net.id()).unwrap();
    copied.sign(&net.other.id, &net.other.identity);
    assert!(matches!(make(&[net.cards[0].clone(), copied], &[]), Err(DirectoryError::SharedKey(..))));
    // Another's key for another use, and another's log.
    for (steal, origin) in [(false, false), (true, false), (false, true)] {
        let (mut card, theirs) = (net.other.card(), net.post.card().nodes[0].clone());
        if steal {
            card.nodes[0].witness = theirs.witness;
        }
        if origin {
            card.nodes[0].origin = theirs.origin;
        }
        let mut document = card.to_document(net.id()).unwrap();
        document.sign(&net.other.id, &net.other.identity);
        let made = make(&[net.cards[0].clone(), document], &[]);
        match (steal, origin) {
            (false, false) => assert!(made.is_ok()),
            (true, _) => assert!(matches!(made, Err(DirectoryError::SharedKey(..)))),
            (_, true) => assert!(matches!(made, Err(DirectoryError::SharedOrigin(..)))),
        }
    }
    let mut card = net.other.card();
    card.nodes[0].log = PublicKey::new(KeyUse::Log, &card.nodes[0].sign.current().bytes()).unwrap().into();
    assert!(card.to_document(net.id()).is_err());
}

#[test]
fn what_no_row_gives_is_not_permitted() {
    let net = &*NETWORK;
    let day = |text: &str| text.parse::<Day>().unwrap();
    let (today, from, to) = (NOW.day(), slug("post-de"), slug("customs-kr"));
    let parcels = net.agreement("parcels");
    let shown = set(&crate::testing::SHOWN);
    let permits = |digest: Digest, from: &str, to: &str, purpose, groups, days, on| {
        let (from, to) = (slug(from), slug(to));
        let ask = Ask { type_name: "declaration", version: 1, from: &from, to: &to, purpose, day: on };
        net.directory.policy().permits(&net.directory, &ask, &digest, groups, days).is_ok()
    };
    use Purpose::{Audit, Delivery, Facilitation, Revenue, SafetySecurity};
    let (post, kr, jp) = ("post-de", "customs-kr", "customs-jp");
    let cases = [
        (true, parcels, post, kr, SafetySecurity, shown, 30, today),
        (true, parcels, post, kr, SafetySecurity, shown, 0, today),
        (true, parcels, post, kr, SafetySecurity, set(&["item"]), 30, today),
        (true, parcels, post, kr, SafetySecurity, GroupSet::NONE, 30, today),
        (true, parcels, post, kr, SafetySecurity, shown, 30, day("2026-01-01")),
        (true, parcels, post, kr, SafetySecurity, shown, 30, day("2027-12-31")),
        (true, parcels, post, kr, Revenue, set(&["value", "route"]), 365, today),
        (true, parcels, kr, post, Facilitation, set(&["filing"]), 10, today),
        (false, parcels, post, kr, SafetySecurity, shown, 31, today),
        (false, parcels, post, kr, SafetySecurity, shown, u64::MAX, today),
        (false, parcels, post, kr, SafetySecurity, shown, 30, day("2025-12-31")),
        (false, parcels, post, kr, SafetySecurity, shown, 30, day("2028-01-01")),
        (false, parcels, post, kr, SafetySecurity, shown.union(set(&["payment"])), 30, today),
        (false, parcels, post, kr, SafetySecurity, DECLARATION.all_groups(), 30, today),
        (false, parcels, post, kr, SafetySecurity, GroupSet(1 << 31), 30, today),
        // Rows do not add up: each group for its purpose, each purpose for its days.
        (false, parcels, post, kr, SafetySecurity, set(&["value"]), 30, today),
        (false, parcels, post, kr, Revenue, set(&["item"]), 30, today),
        (false, parcels, post, kr, SafetySecurity, set(&["filing"]), 365, today),
        (false, parcels, post, kr, Delivery, set(&["filing"]), 1, today),
        (false, parcels, post, kr, Audit, set(&["filing"]), 1, today),
        // The other direction, others, oneself.
        (false, parcels, kr, post, SafetySecurity, set(&["filing"]), 1, today),
        (false, parcels, kr, post, Facilitation, set(&["filing", "item"]), 1, today),
        (false, parcels, post, jp, SafetySecurity, set(&["filing"]), 1, today),
        (false, parcels, jp, kr, SafetySecurity, set(&["filing"]), 1, today),
        (false, parcels, post, post, SafetySecurity, set(&["filing"]), 1, today),
        // Another agreement, whether it ended, is a mandate, or does not exist.
        (false, net.agreement("ended"), post, kr, SafetySecurity, set(&["filing"]), 1, today),
        (true, net.agreement("ended"), post, kr, SafetySecurity, set(&["payment"]), 3_660, day("2026-11-22")),
        (false, net.agreement("mandate"), post, "auditor", Audit, set(&["filing"]), 1, today),
        (false, Digest::ZERO, post, kr, SafetySecurity, shown, 30, today),
    ];
    for (at, (expected, digest, from, to, purpose, groups, days, on)) in cases.into_iter().enumerate() {
        assert_eq!(permits(digest, from, to, purpose, groups, days, on), expected, "case {at}");
    }
    let mandate = |audited: &str, auditor: &str, on| net.directory.mandate(&slug(audited), &slug(auditor), on);
    assert_eq!(mandate("post-de", "auditor", today), Some(OPENING.all_groups()));
    assert_eq!(mandate("customs-jp", "auditor", today), None);
    assert_eq!(mandate("post-de", "customs-kr", today), None);
    assert_eq!(mandate("post-de", "auditor", day("2028-01-01")), None);

    let flows: Vec<_> = net.directory.policy().outgoing(&net.directory, &from, "declaration", today).collect();
    assert!(flows.len() == 2 && flows.iter().all(|grant| grant.rule.to == to && grant.rule.digest == parcels));
    let covers = |place: Option<&str>| {
        let place = |role| place.filter(|_| role == Role::Destination).map(|place| place.parse().unwrap());
        flows.iter().map(|grant| grant.rule.covers(place, |_| false)).collect()
    };
    let covered: Vec<Vec<bool>> = vec![covers(Some("KR")), covers(Some("JP")), covers(None)];
    assert_eq!(covered, [[true, true], [true, false], [true, false]]);
}

#[test]
fn drafts_that_contradict_themselves_are_refused() {
    let good = r#"
        id = "a"
        title = "T"
        instrument = "I"
        article = "1"
        controller = "C"
        parties = ["post-de", "customs-kr"]
        valid_from = "2026-01-01"
        valid_until = "2026-12-31"
        [[flow]]
        type = "declaration"
        version = 1
        from = ["post-de"]
        to = ["customs-kr"]
        purpose = "revenue"
        groups = ["value"]
        retention_days = 30
    "#;
    let agreement = Agreement::from_draft(good).unwrap();
    assert_eq!(Agreement::from_cbor(&agreement.to_cbor()), Ok(agreement));
    for (from, to) in [
        (r#"title = "T""#, r#"title = """#),
        (r#"title = "T""#, r#"title = "a\u0007""#),
        (r#"parties = ["post-de", "customs-kr"]"#, r#"parties = ["post-de"]"#),
        (r#"to = ["customs-kr"]"#, r#"to = ["customs-jp"]"#),
        (r#"to = ["customs-kr"]"#, r#"to = ["customs-kr", "post-de"]"#),
        (r#"to = ["customs-kr"]"#, "to = []"),
        (r#"valid_until = "2026-12-31""#, r#"valid_until = "2025-12-31""#),
        (r#"type = "declaration""#, r#"type = "opening""#),
        ("version = 1", "version = 9"),
        (r#"purpose = "revenue""#, r#"purpose = "audit""#),
        (r#"purpose = "revenue""#, r#"purpose = "anything""#),
        (r#"groups = ["value"]"#, "groups = []"),
        (r#"groups = ["value"]"#, r#"groups = ["values"]"#),
        ("retention_days = 30", "retention_days = 0"),
        ("retention_days = 30", "retention_days = 3661"),
        ("retention_days = 30", "retention_days = 30\nextra = 1"),
    ] {
        assert!(good.contains(from));
        let bad = good.replacen(from, to, 1);
        assert!(Agreement::from_draft(&bad).is_err(), "{to}");
    }
}

#[test]
fn every_document_says_in_words_what_will_not_be_seen() {
    let agreement = Agreement::open(&NETWORK.agreements[0]).unwrap();
    let words = agreement.in_words(Some(NETWORK.directory.charter())).join("\n");
    for (at, group) in DECLARATION.groups.iter().enumerate() {
        assert_eq!(words.matches(group.title).count(), 3, "group {at} in three rows");
    }
}

fn encoded() -> Vec<Vec<u8>> {
    let net = &*NETWORK;
    [std::slice::from_ref(&net.charter), &net.cards[..], &net.agreements[..]]
        .concat()
        .iter()
        .map(Encode::to_cbor)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_changed_bit_makes_no_network(which in 0usize..8, at: Index, bit in 0u8..8) {
        let mut all = encoded();
        let bytes = &mut all[which];
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(one_form::<Document>(bytes));
        let read: Vec<_> = all.iter().filter_map(|bytes| Document::from_cbor(bytes).ok()).collect();
        if read.len() == all.len() {
            prop_assert!(Directory::new(&read[0], &read[1..5], &read[5..]).is_err());
        }
    }

    #[test]
    fn bodies_are_refused_or_have_one_form(which in 0usize..8, at: Index, put: u8, kind in 0..3) {
        let mut body = Document::from_cbor(&encoded()[which]).unwrap().body;
        let at = at.index(body.len());
        match kind {
            0 => body[at] = put,
            1 => body.insert(at, put),
            _ => { body.remove(at); }
        }
        prop_assert!(one_form::<Charter>(&body) && one_form::<Card>(&body) && one_form::<Agreement>(&body));
    }
}

#[test]
fn documents_one_by_one_in_any_order_make_the_same_directory() {
    let net = &*NETWORK;
    let whole = Directory::new(&net.charter, &net.cards, &net.agreements).unwrap();
    let mut documents: Vec<_> = net.cards.iter().chain(&net.agreements).collect();
    for _ in 0..2 {
        let mut grown = Directory::new(&net.charter, &[], &[]).unwrap();
        for document in &documents {
            let before = grown.summary();
            grown = grown.with(document, NOW.day()).unwrap().unwrap();
            assert_ne!(grown.summary(), before);
            assert!(grown.with(document, NOW.day()).unwrap().is_none(), "known");
        }
        assert_eq!(grown.summary(), whole.summary());
        assert!(grown.documents().map(|(digest, _)| digest).eq(whole.documents().map(|(digest, _)| digest)));
        assert!(grown.documents().all(|(digest, document)| *digest == document.whole()));
        assert!(grown.with(&net.charter, NOW.day()).unwrap().is_none());
        documents.reverse();
    }
}

#[test]
fn a_document_that_does_not_hold_is_refused_with_its_reason() {
    let net = &*NETWORK;
    let directory = Directory::new(&net.charter, &net.cards, &[]).unwrap();
    let refused = |document: &Document| match directory.with(document, NOW.day()) {
        Err(DirectoryError::Document(error)) => error,
        other => panic!("{:?}", other.map(|_| ())),
    };
    assert!(matches!(refused(&unsigned()), DocumentError::Missing { .. }));
    let mut foreign = unsigned();
    foreign.network = Digest([9; 32]);
    assert!(matches!(refused(&foreign), DocumentError::Network { .. }));
    let mut charter = net.charter.clone();
    charter.body.push(0);
    assert!(matches!(refused(&charter), DocumentError::Network { kind: DocumentKind::Charter, .. }));
}
