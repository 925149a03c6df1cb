//! Who holds a number, whoever else names a holder, and which confirmations count by that.
#![allow(clippy::unwrap_used)]

use luxor_protocol::credential::claims::{Levy, Mandate};
use luxor_protocol::credential::{
    Algorithm, AttestKey, Bits, Status, StatusClaims, StatusList, StatusReference, StatusToken,
};
use luxor_protocol::document::{AttestCardKey, Card};
use luxor_protocol::hash::Domain;
use luxor_protocol::keys::KeyUse;
use luxor_protocol::recognition::Use;

use super::*;
use crate::testing::{MEMBERS, TwoMembers, key};

/// 2026-06-01T00:00:00Z, in seconds since 1970.
const T0: u64 = 1_780_272_000;
const NUMBER: &str = "R-1";
const LIFE: u64 = 7 * 86_400;

fn at(seconds: u64) -> Millis {
    Millis((T0 + seconds) * 1_000)
}

fn attest_key(of: u8) -> AttestKey {
    AttestKey::from_seed(Algorithm::EdDsa, &[of + 1; 32]).unwrap()
}

fn member(of: usize) -> MemberId {
    MEMBERS[of].parse().unwrap()
}

/// Two administrations of one territory, each with an attest key on its card.
fn known() -> Known {
    let network = TwoMembers::new();
    let mut directory = network.directory;
    for (of, before) in network.cards.iter().enumerate() {
        let mut card = Card::open(before).unwrap();
        let from = "2026-01-01".parse().unwrap();
        card.attest = vec![AttestCardKey { key: *attest_key(of as u8).public(), from, until: None }];
        let mut next = card.to_successor(before).unwrap();
        next.sign(&member(of), &key(KeyUse::Identity, of as u8 + 1));
        directory = directory.with(&next, at(0).day()).unwrap().unwrap();
    }
    let mut known = Known::default();
    known.learn(&directory, at(0)).unwrap();
    known
}

/// The credential of an administration, its `nth`, that names the holder of this key.
fn mandate(known: &mut Known, of: usize, nth: u64, holder: u8, seconds: u64) {
    let claims = AttestedClaims::Collect(Mandate {
        territory: "KR".parse().unwrap(),
        levy: Levy::Tax,
        from: "2026-01-01".parse().unwrap(),
        until: None,
    });
    let attested = Attested {
        credential: Digest::of(Domain::Index, &[&[of as u8], &nth.to_be_bytes()]),
        issuer: member(of),
        key: attest_key(of as u8).public().id(),
        number: number(),
        issued_at: T0 + seconds,
        expires: T0 + seconds + LIFE,
        status: StatusReference { index: nth, uri: uri(of) },
        claims,
    };
    let carried = Carried::Attestation { attested, holder: *attest_key(holder).public() };
    known.take(&member(of), carried, at(seconds)).unwrap();
}

/// The list of an administration: these of its credentials are suspended.
fn list(known: &mut Known, of: usize, suspended: &[u64], seconds: u64) {
    let mut list = StatusList::new(Bits::Two, 16).unwrap();
    suspended.iter().for_each(|index| list.set(*index, Status::Suspended).unwrap());
    let claims = StatusClaims { uri: uri(of), issued_at: T0 + seconds, expires: None, ttl: None };
    let key = attest_key(of as u8).public().id();
    let carried = Carried::Statuses { issuer: member(of), key, token: StatusToken { claims, list } };
    known.take(&member(of), carried, at(seconds)).unwrap();
}

fn uri(of: usize) -> String {
    format!("https://{}.example/status/1", MEMBERS[of])
}

fn number() -> NumberKey {
    NumberKey::new(Scheme::Registration, NUMBER)
}

/// The key that holds the number now.
fn holder(known: &Known) -> Option<KeyId> {
    known.uses.holder(number()).map(|holder| holder.key)
}

fn key_of(holder: u8) -> Option<KeyId> {
    Some(attest_key(holder).public().id())
}

fn confirm(known: &mut Known, item: &str, holder: u8, seconds: u64) -> Result<(), TrustError> {
    let period = "2026-06".parse().unwrap();
    let confirmation = Confirmation { number: NUMBER.into(), item: item.into(), period, signed_at: T0 + seconds };
    let (scheme, key) = (Scheme::Registration, *attest_key(holder).public());
    known.take(&member(0), Carried::Use { confirmation, scheme, key }, at(seconds))
}

fn use_of(item: &str) -> UseKey {
    UseKey::new(Scheme::Registration, NUMBER, item)
}

#[test]
fn another_administration_neither_takes_a_number_over_nor_lets_it_go() {
    let mut known = known();
    mandate(&mut known, 0, 1, 10, 1);
    assert_eq!(holder(&known), None, "nothing is known of its status");
    list(&mut known, 0, &[], 2);
    assert_eq!(holder(&known), key_of(10));
    list(&mut known, 1, &[], 3);
    mandate(&mut known, 1, 1, 20, 4);
    assert_eq!((holder(&known), known.mandated_by(number())), (key_of(10), Some(member(0))));
    // What becomes of the other's mandate changes nothing.
    list(&mut known, 1, &[1], 5);
    list(&mut known, 1, &[], 6);
    assert_eq!(holder(&known), key_of(10));
    // Only when the first one's ends the other's counts, and then it stays.
    list(&mut known, 0, &[1], 7);
    assert_eq!((holder(&known), known.mandated_by(number())), (key_of(20), Some(member(1))));
    list(&mut known, 0, &[], 8);
    assert_eq!(holder(&known), key_of(20));
    list(&mut known, 1, &[1], 9);
    assert_eq!(holder(&known), key_of(10));
    list(&mut known, 0, &[1], 10);
    assert_eq!(holder(&known), None);
}

#[test]
fn a_holders_key_that_was_replaced_confirms_nothing() {
    let mut known = known();
    list(&mut known, 0, &[], 1);
    mandate(&mut known, 0, 1, 10, 2);
    confirm(&mut known, "P-1", 10, 3).unwrap();
    mandate(&mut known, 0, 2, 11, 4);
    assert_eq!(holder(&known), key_of(11));
    assert!(matches!(confirm(&mut known, "P-2", 10, 5), Err(TrustError::Use(UseError::NotHolder { .. }))));
    confirm(&mut known, "P-2", 11, 6).unwrap();
    assert!(known.uses.confirmed(&use_of("P-1")).is_some() && known.uses.confirmed(&use_of("P-2")).is_some());
}

#[test]
fn a_mandate_ends_with_its_credential_and_what_came_early_waits_for_the_next() {
    let mut known = known();
    list(&mut known, 0, &[], 1);
    confirm(&mut known, "P-1", 10, 2).unwrap();
    assert!(known.uses.confirmed(&use_of("P-1")).is_none());
    mandate(&mut known, 0, 1, 10, 3);
    assert!(known.uses.confirmed(&use_of("P-1")).is_some());
    known.settle(at(LIFE));
    assert_eq!(holder(&known), key_of(10));
    known.settle(at(LIFE + 120));
    assert_eq!(holder(&known), None);
    confirm(&mut known, "P-2", 10, LIFE + 130).unwrap();
    assert!(known.uses.confirmed(&use_of("P-2")).is_none());
    mandate(&mut known, 0, 2, 10, LIFE + 140);
    assert!(known.uses.confirmed(&use_of("P-2")).is_some());
}

#[test]
fn one_member_leaves_room_for_the_early_word_of_others() {
    let mut known = known();
    for item in 0..MAX_EARLY_OF_MEMBER {
        confirm(&mut known, &item.to_string(), 10, 1).unwrap();
    }
    assert!(matches!(confirm(&mut known, "one more", 10, 1), Err(TrustError::Early(MAX_EARLY_OF_MEMBER))));
    known.forget(at(2), at(0));
    confirm(&mut known, "one more", 10, 3).unwrap();
}

#[test]
fn a_flag_stands_where_its_use_was_declared_last_and_a_clock_that_was_ahead_hides_nothing() {
    let mut known = known();
    let of = Use { key: use_of("P-1"), declared_at: at(1), departs: None };
    let declared = Declared { number: NUMBER.into(), item: "P-1".into(), of };
    for (entry, place) in [(7, 1), (9, 0), (8, 3)] {
        known.declare(&declared, entry, place).unwrap();
    }
    assert_eq!(known.declared.get(&of.key), Some(&(9, 0)));
    list(&mut known, 0, &[], 3_600);
    assert_eq!((known.now(at(5)), known.now(at(4_000))), (at(3_600), at(4_000)));
}
