//! Signed publications, and the records that carry them.

use super::*;
use crate::cbor::Encode;
use crate::hash::Digest;
use crate::keys::{KeyError, KeyUse, PublicKey, SecretKey};
use crate::limits::MAX_CARRIED_STATISTICS_BYTES;
use crate::names::MemberId;
use crate::record::content_from_json;
use crate::statistics::{SignedError, SignedPublication};

const NETWORK: Digest = Digest([7; 32]);

fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(KeyUse::Identity, &[number; 32]).unwrap()
}

fn publication(origins: usize) -> Publication {
    let mut facts = Facts::new();
    for origin in 0..origins {
        let letter = |number: usize| char::from(b'A' + number as u8);
        let headings = ["6109", "6403", "8471", "8517", "9503", "4202"];
        for heading in headings.into_iter().take(if origins > 100 { 6 } else { 1 }) {
            safe(&mut facts, &format!("{}{}", letter(origin / 26), letter(origin % 26)), heading, 4, 100);
        }
    }
    january(&facts, vec![table("t", &[Dimension::Origin, Dimension::Product, Dimension::Mode])], &by_count(3, 20))
        .publication
}

fn signed(origins: usize) -> SignedPublication {
    SignedPublication::sign(NETWORK, &"customs-kr".parse().unwrap(), publication(origins), &key(1)).unwrap()
}

/// The keys of customs-kr, and of nobody else.
fn keys(numbers: &[u8]) -> impl FnOnce(&MemberId) -> Vec<PublicKey> {
    let keys: Vec<_> = numbers.iter().map(|number| *key(*number).public()).collect();
    move |member| if member.as_str() == "customs-kr" { keys } else { Vec::new() }
}

#[test]
fn whoever_knows_the_publisher_checks_its_signature() {
    let signed = signed(3);
    let read = SignedPublication::read(&signed.to_cbor()).unwrap();
    assert_eq!(read, signed);
    assert_eq!(read.verify_own(&NETWORK, keys(&[1])), Ok(&publication(3)));
    // A member may have had other identity keys.
    assert!(read.verify_own(&NETWORK, keys(&[1, 2])).is_ok());
    let other_key = read.verify(&NETWORK, keys(&[2]));
    assert!(matches!(other_key, Err(SignedError::Key { error: KeyError::OtherKey { .. }, .. })), "{other_key:?}");
    let other_network = Digest([8; 32]);
    assert!(matches!(read.verify(&other_network, keys(&[1])), Err(SignedError::Network { .. })));
    assert_eq!(read.verify(&NETWORK, |_| Vec::new()), Err(SignedError::Member("customs-kr".parse().unwrap())));

    // Another's facts under an own signature are no statistics of whoever signs.
    let publisher: MemberId = "customs-th".parse().unwrap();
    let foreign = SignedPublication::sign(NETWORK, &publisher, publication(3), &key(3)).unwrap();
    let of_th = |_: &MemberId| vec![*key(3).public()];
    assert!(foreign.verify(&NETWORK, of_th).is_ok());
    assert_eq!(foreign.verify_own(&NETWORK, of_th), Err(SignedError::Source { publisher }));
}

#[test]
fn no_changed_byte_verifies() {
    let bytes = signed(2).to_cbor();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let holds =
            SignedPublication::read(&changed).is_ok_and(|signed| signed.verify_own(&NETWORK, keys(&[1])).is_ok());
        assert!(!holds, "byte {place}");
        assert!(SignedPublication::read(&bytes[..place]).is_err());
    }
}

#[test]
fn a_record_carries_it_or_names_it() {
    let small = signed(3);
    let content = content_from_json(&small.to_record("ST-1")).unwrap();
    assert_eq!(SignedPublication::of_record(&content, None).unwrap(), small);
    // What the record says must be what is in the file.
    for (field, other) in [
        ("flow", "export"),
        ("to", "2026-02"),
        ("publisher", "customs-th"),
        ("currency", "EUR"),
        ("digest", &"0".repeat(64)),
    ] {
        let mut record = small.to_record("ST-1");
        record["publication"][field] = other.into();
        let content = content_from_json(&record).unwrap();
        assert_eq!(SignedPublication::of_record(&content, None), Err(SignedError::Record(field)));
    }
    let mut record = small.to_record("ST-1");
    record["publication"]["cells"] = 1.into();
    assert_eq!(
        SignedPublication::of_record(&content_from_json(&record).unwrap(), None),
        Err(SignedError::Record("cells"))
    );

    // 676 origins with their headings, chapters and modes do not fit a record.
    let large = signed(676);
    let file = large.to_cbor();
    assert!(file.len() > MAX_CARRIED_STATISTICS_BYTES, "{}", file.len());
    let content = content_from_json(&large.to_record("ST-2")).unwrap();
    assert_eq!(SignedPublication::of_record(&content, None), Err(SignedError::Record("file")));
    assert_eq!(SignedPublication::of_record(&content, Some(&file)).unwrap(), large);
    assert_eq!(SignedPublication::of_record(&content, Some(&small.to_cbor())), Err(SignedError::Record("cells")));
}
