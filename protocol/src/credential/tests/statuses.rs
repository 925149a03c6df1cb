//! draft-ietf-oauth-status-list, and lists of our own.

use std::time::Instant;

use proptest::prelude::*;
use serde_json::json;

use super::{example, key};
use crate::credential::{
    Algorithm, AttestPublic, Bits, Status, StatusClaims, StatusError, StatusList, StatusReference, StatusToken,
};
use crate::limits::MAX_STATUS_LIST_BYTES;

fn set(list: &StatusList) -> Vec<(u64, u8)> {
    let all = (0..list.entries()).map(|at| (at, list.get(at).unwrap().number()));
    all.filter(|(_, status)| *status != 0).collect()
}

#[test]
fn the_lists_of_the_draft_open() {
    let short = StatusList::open(Bits::One, example("short1")).unwrap();
    assert_eq!(short.bytes(), [0xb9, 0xa3]);
    let statuses: Vec<u8> = (0..16).map(|at| short.get(at).unwrap().number()).collect();
    assert_eq!(statuses, [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]);
    let short = StatusList::open(Bits::Two, example("short2")).unwrap();
    assert_eq!(short.bytes(), [0xc9, 0x44, 0xf9]);
    let statuses: Vec<u8> = (0..12).map(|at| short.get(at).unwrap().number()).collect();
    assert_eq!(statuses, [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]);
    assert_eq!(short.get(1), Ok(Status::Suspended));

    let one = [0, 1993, 25460, 159_495, 495_669, 554_353, 645_645, 723_232, 854_545, 934_534, 1_000_345];
    let two = [1, 2, 1, 3, 1, 1, 2, 1, 1, 2, 3];
    let four = [
        (0, 1),
        (1993, 2),
        (35460, 3),
        (459_495, 4),
        (595_669, 5),
        (754_353, 6),
        (845_645, 7),
        (923_232, 8),
        (924_445, 9),
        (934_534, 10),
        (1_000_345, 12),
        (1_004_534, 11),
        (1_030_203, 13),
        (1_030_204, 14),
        (1_030_205, 15),
    ];
    let eight = example("long8_values").split(',').map(|pair| {
        let (at, value) = pair.split_once(':').unwrap();
        (at.parse().unwrap(), value.parse().unwrap())
    });
    let eight: Vec<(u64, u8)> = eight.filter(|(_, value)| *value != 0).collect();
    for (bits, name, expected) in [
        (Bits::One, "long1", one.map(|at| (at, 1)).to_vec()),
        (Bits::Two, "long2", one.into_iter().zip(two).collect()),
        (Bits::Four, "long4", four.to_vec()),
        (Bits::Eight, "long8", eight),
    ] {
        let read = StatusList::open(bits, example(name)).unwrap();
        assert_eq!((read.entries(), set(&read)), (1 << 20, expected.clone()), "{name}");
        let mut ours = StatusList::new(bits, 1 << 20).unwrap();
        expected.iter().for_each(|(at, status)| ours.set(*at, Status::from_number(*status)).unwrap());
        assert!(ours == read && StatusList::open(bits, &ours.lst()).unwrap() == read, "{name}");
    }
}

#[test]
fn the_token_of_the_draft_verifies() {
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "x": "I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo",
        "y": "6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M",
    });
    let public = AttestPublic::from_jwk(jwk.as_object().unwrap()).unwrap();
    let token = StatusToken::verify(example("status_token"), &public, 1_700_000_000).unwrap();
    let expected = StatusClaims {
        uri: "https://example.com/statuslists/1".to_owned(),
        issued_at: 1_686_920_170,
        expires: Some(2_291_720_170),
        ttl: Some(43_200),
    };
    assert_eq!((&token.claims, token.fresh_until()), (&expected, 1_686_920_170 + 43_200));
    let of = |index, uri: &str| token.status(&StatusReference { index, uri: uri.to_owned() });
    assert_eq!(of(0, &expected.uri), Ok(Status::Invalid));
    assert_eq!(of(1, &expected.uri), Ok(Status::Valid));
    assert!(matches!(of(16, &expected.uri), Err(StatusError::Index { index: 16, entries: 16 })));
    assert!(matches!(of(0, "https://example.com/statuslists/2"), Err(StatusError::Other { .. })));
    let late = StatusToken::verify(example("status_token"), &public, 2_291_720_230);
    assert!(matches!(late, Err(StatusError::Time { .. })));
    assert!(StatusToken::verify(example("status_token"), key(Algorithm::Es256, 1).public(), 1_700_000_000).is_err());
}

#[test]
fn bounds_hold() {
    let size = MAX_STATUS_LIST_BYTES as u64;
    assert!(StatusList::new(Bits::Eight, size + 1).is_err() && StatusList::new(Bits::Two, u64::MAX).is_err());
    let mut largest = StatusList::new(Bits::Eight, size).unwrap();
    assert_eq!(StatusList::open(Bits::Eight, &largest.lst()).unwrap(), largest);
    let bomb = |size: usize| {
        let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut deflate, &vec![0; size]).unwrap();
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, deflate.finish().unwrap())
    };
    assert!(StatusList::open(Bits::One, &bomb(MAX_STATUS_LIST_BYTES)).is_ok());
    for size in [MAX_STATUS_LIST_BYTES + 1, 64 * MAX_STATUS_LIST_BYTES] {
        assert_eq!(StatusList::open(Bits::One, &bomb(size)), Err(StatusError::Size(MAX_STATUS_LIST_BYTES)));
    }
    assert!(matches!(StatusList::open(Bits::One, ""), Err(StatusError::Packed(_))));
    let wide = StatusList::new(Bits::One, 8).unwrap().set(0, Status::Suspended);
    assert_eq!(wide, Err(StatusError::Wide { status: 2, bits: 1 }));
}

/// The bench holds it to 5 ms; here it is enough that it is no whole compression.
#[test]
fn a_list_of_a_million_is_changed_and_signed_within_a_few_blocks() {
    let (mut list, key) = (StatusList::new(Bits::Two, 1_000_000).unwrap(), key(Algorithm::Es256, 1));
    for at in (0..1_000_000).step_by(101) {
        list.set(at, Status::Invalid).unwrap();
    }
    let claims = StatusClaims { uri: "urn:list".to_owned(), issued_at: 1_000, expires: Some(2_000), ttl: Some(60) };
    list.sign(&claims, &key);
    let began = Instant::now();
    list.set(500_000, Status::Suspended).unwrap();
    let token = list.sign(&claims, &key);
    println!("a million statuses changed and signed in {:?}, {} bytes", began.elapsed(), token.len());
    let read = StatusToken::verify(&token, key.public(), 1_500).unwrap();
    assert_eq!((read.claims, &read.list), (claims, &list));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_set_is_read_again(bits in 0usize..4, entries in 1u64..70_000, changes in prop::collection::vec(any::<(u64, u8)>(), 0..60)) {
        let bits = Bits::ALL[bits];
        let mut list = StatusList::new(bits, entries).unwrap();
        let mut expected = std::collections::BTreeMap::new();
        for (number, (at, status)) in changes.into_iter().enumerate() {
            let (at, status) = (at % list.entries(), u16::from(status) % (1 << bits.count()));
            list.set(at, Status::from_number(status as u8)).unwrap();
            expected.insert(at, status as u8);
            // Between changes, so that kept blocks are used.
            if number % 7 == 0 {
                list.lst();
            }
        }
        let read = StatusList::open(bits, &list.lst()).unwrap();
        prop_assert_eq!(&read, &list);
        expected.retain(|_, status| *status != 0);
        prop_assert_eq!(set(&read), expected.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn any_text_is_no_panic(text in "[A-Za-z0-9_-]{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = StatusList::open(Bits::One, &text);
        let _ = StatusList::open(Bits::One, &base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &bytes));
        let _ = StatusToken::verify(&text, key(Algorithm::Es256, 1).public(), 0);
    }
}
