//! What charter, card and agreement say about attestations: drafts, bytes, exact refusals.

use proptest::prelude::*;

use super::world::{EU_KR, agreement, card, charter, day, key};
use crate::cbor::{Decode as _, Encode as _};
use crate::credential::CredentialType;
use crate::document::{Agreement, Benefit, Card, Charter, IssuedBy, NoRight, Recognition};
use crate::names::{MemberKind, Purpose};
use crate::testing::slug;

fn rows() -> impl Strategy<Value = Recognition> {
    let issued_by = prop_oneof![
        Just(IssuedBy::Member(slug("customs-eu"))),
        prop::sample::select(vec!["EU", "US"]).prop_map(|of| IssuedBy::Territory(of.parse().unwrap())),
    ];
    let purposes = prop::sample::subsequence(Purpose::ALL[..9].to_vec(), 1..9);
    let benefits = prop::sample::subsequence(Benefit::ALL.to_vec(), 1..=6);
    let hs = prop::collection::btree_set("[0-9]{2,10}", 0..4);
    let needs = prop::collection::btree_set("[a-z_]{1,12}", 0..4);
    (issued_by, "[A-Za-z][A-Za-z ]{0,20}", purposes, benefits, hs, needs).prop_map(
        |(issued_by, programme, purposes, benefits, hs, needs)| Recognition {
            issued_by,
            programme,
            by: vec![slug("customs-kr")],
            purposes,
            benefits,
            except_hs: hs.into_iter().collect(),
            needs: needs.into_iter().collect(),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agreements_with_rows_are_bijections(rows in prop::collection::vec(rows(), 0..5), cut in 0..1000_usize) {
        let mut made = agreement(EU_KR);
        if !rows.is_empty() {
            made.recognises = rows;
        }
        let bytes = made.to_cbor();
        prop_assert_eq!(&Agreement::from_cbor(&bytes).unwrap(), &made);
        prop_assert!(Agreement::from_cbor(&bytes[..cut % bytes.len()]).is_err());
    }

    #[test]
    fn cards_with_keys_are_bijections(keys in prop::collection::btree_set(0..40_u8, 0..17), until in prop::option::of(0..400)) {
        let keys: Vec<u8> = keys.into_iter().collect();
        let mut made = card("customs-kr", &keys);
        if let Some(row) = made.attest.first_mut() {
            row.until = until.map(|days| day("2026-05-01").plus(days as u64));
        }
        prop_assert_eq!(Card::from_cbor(&made.to_cbor()).unwrap(), made);
    }
}

#[test]
fn without_what_is_new_the_bytes_are_those_of_before() {
    let (charter, card, mut flows) = (charter(&[], ""), card("customs-kr", &[]), agreement(EU_KR));
    assert_eq!((charter.to_cbor()[0], card.to_cbor()[0]), (0x88, 0x83));
    flows.recognises.clear();
    // Neither flows nor recognition: nothing would follow from it.
    assert_eq!(flows.to_cbor()[0], 0x8a);
    assert!(Agreement::from_cbor(&flows.to_cbor()).unwrap_err().to_string().contains("no row"));
    // An empty list at the end is another form of the same, and refused.
    let mut longer = card.to_cbor();
    longer[0] = 0x84;
    longer.push(0x80);
    assert!(Card::from_cbor(&longer).unwrap_err().to_string().contains("left out"));
}

#[test]
fn a_key_stands_once_and_serves_one_use() {
    let mut twice = card("customs-kr", &[1]);
    twice.attest.push(twice.attest[0].clone());
    assert!(twice.to_document(crate::hash::Digest::ZERO).unwrap_err().to_string().contains("ordered"));
    let mut ends = card("customs-kr", &[1]);
    ends.attest[0].until = Some(day("2026-04-30"));
    assert!(ends.to_document(crate::hash::Digest::ZERO).unwrap_err().to_string().contains("before it begins"));
    let one = card("customs-kr", &[0, 1, 2]);
    assert_eq!(one.attest_key(&key(1).public().thumbprint()).unwrap().key, *key(1).public());
    assert!(one.attest_key(&key(3).public().thumbprint()).is_none());
    assert!(one.to_document(crate::hash::Digest::ZERO).is_ok());
}

#[test]
fn kinds_issue_what_they_may_and_the_charter_narrows() {
    let wide = charter(&[], "");
    for member in &wide.members {
        for of in CredentialType::ALL {
            let may = match of {
                CredentialType::Aeo | CredentialType::Collect => member.kind == MemberKind::Customs,
                CredentialType::VettedSeller => {
                    [MemberKind::Platform, MemberKind::Post, MemberKind::Broker].contains(&member.kind)
                }
            };
            assert_eq!(wide.may_issue(&member.id, *of).is_ok(), may, "{} {of}", member.id);
        }
    }
    let narrow =
        charter(&["customs-us"], "\n[[issuers]]\ntype = \"aeo\"\nmembers = [\"customs-us\", \"customs-eu\"]\n");
    let may = |id: &str| narrow.may_issue(&slug(id), CredentialType::Aeo).map(|_| ());
    assert_eq!(may("customs-eu"), Ok(()));
    assert_eq!(may("customs-us"), Err(NoRight::MemberSuspended(slug("customs-us"))));
    assert!(matches!(may("customs-kr"), Err(NoRight::NotListed { .. })));
    assert!(matches!(may("customs-xx"), Err(NoRight::NoMember(_))));
    let refused = may("platform-us").unwrap_err().to_string();
    assert_eq!(refused, "platform-us is a platform; 'aeo' is issued by customs only");
    // It survives its draft and its bytes.
    assert_eq!(Charter::from_draft(&narrow.to_draft()).unwrap(), *narrow);
    assert_eq!(Charter::from_cbor(&narrow.to_cbor()).unwrap(), *narrow);
}

#[test]
fn a_charter_lists_no_issuer_that_cannot_issue() {
    for issuers in [
        "\n[[issuers]]\ntype = \"aeo\"\nmembers = [\"platform-us\"]\n",
        "\n[[issuers]]\ntype = \"aeo\"\nmembers = [\"customs-xx\"]\n",
        "\n[[issuers]]\ntype = \"aeo\"\nmembers = []\n",
        "\n[[issuers]]\ntype = \"vow\"\nmembers = [\"customs-kr\"]\n",
    ] {
        assert!(Charter::from_draft(&(charter(&[], "").to_draft() + issuers)).is_err(), "{issuers}");
    }
}

#[test]
fn rows_are_refused_exactly() {
    let change = |from: &str, to: &str| {
        assert!(EU_KR.contains(from), "{from}");
        Agreement::from_draft(&EU_KR.replacen(from, to, 1)).unwrap_err().to_string()
    };
    for (from, to, what) in [
        ("\"aeo\"", "\"vetted_seller\"", "'vetted_seller' gives no benefit under an agreement"),
        ("\"aeo\"", "\"collect\"", "'collect' gives no benefit under an agreement"),
        ("territory = \"EU\"", "", "of a 'member' or of a 'territory'"),
        ("territory = \"EU\"", "territory = \"EU\"\nmember = \"customs-eu\"", "of a 'member' or of a 'territory'"),
        ("by = [\"customs-kr\"]", "by = []", "names the parties that recognise"),
        ("by = [\"customs-kr\"]", "by = [\"customs-us\"]", "names the parties that recognise"),
        ("member = \"customs-kr\"", "member = \"customs-eu\"", "no party, or its own"),
        ("[\"fewer_controls\", \"priority\"]", "[]", "at least one benefit"),
        ("\"priority\"", "\"gifts\"", "unknown variant `gifts`"),
        ("[\"facilitation\"]", "[\"audit\"]", "audit is none"),
        ("\"2402\"", "\"24O2\"", "2 to 10 digits"),
        ("needs = [\"order\"]", "needs = [\"Order\"]", "words of a to z"),
        ("programme = \"EU AEO\"", "programme = \"\"", "programme is a line"),
    ] {
        let refused = change(from, to);
        assert!(refused.contains(what), "{refused}");
    }
    let many: Vec<String> = (0..257).map(|n| format!("{:04}", 1000 + n)).collect();
    let refused = change("[\"2402\", \"9303\"]", &format!("{many:?}"));
    assert!(refused.contains("at most 256 prefixes"), "{refused}");
    // In bytes too: another type than `aeo` is no row.
    let bytes = agreement(EU_KR).to_cbor();
    let place = bytes.windows(4).position(|of| of == b"\x63aeo").unwrap();
    let mut other = bytes.clone();
    other[place + 1..place + 4].copy_from_slice(b"aey");
    assert!(Agreement::from_cbor(&other).unwrap_err().to_string().contains("only 'aeo' gives benefits"));
    let words = agreement(EU_KR).in_words(None).join("\n");
    assert!(
        words.contains("recognition 2: security status of EU AEO by customs of EU, recognised by customs-kr"),
        "{words}"
    );
    assert!(words.contains("not for goods under 2402, 9303") && words.contains("only where order is given"));
}
