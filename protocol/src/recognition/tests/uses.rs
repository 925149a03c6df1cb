//! Confirmed and unconfirmed uses.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::world::{T0, at, key};
use crate::credential::{AttestKey, StatusList};
use crate::limits::MAX_WAITING_CONFIRMATIONS;
use crate::recognition::{
    Confirmation, ConfirmationError, Confirmations, Deadline, Holder, Matched, Period, Scheme, Unconfirmed, Use,
    UseError, UseKey, collect_numbers,
};
use crate::record::{Content, DECLARATION, Value};
use crate::testing::{record_of, slug};

const NUMBERS: [&str; 2] = ["IM2760000001", "IM3720000224"];

fn parcel(n: usize) -> String {
    format!("PARCEL-{n}")
}

fn confirmation(number: &str, item: &str, seconds: u64) -> Confirmation {
    let (number, item) = (number.to_owned(), item.to_owned());
    Confirmation { number, item, period: "2026-06".parse().unwrap(), signed_at: T0 + seconds }
}

fn holder(member: &str, of: &AttestKey) -> Holder {
    Holder { member: slug(member), key: of.public().id() }
}

fn with_holders() -> Confirmations {
    let mut made = Confirmations::new();
    for (number, n) in NUMBERS.iter().zip([1, 2]) {
        made.hold(UseKey::new(Scheme::Ioss, number, "").number(), holder("platform-us", &key(n))).unwrap();
    }
    made
}

fn used(number: &str, n: usize, departs: Option<u64>) -> Use {
    Use { key: UseKey::new(Scheme::Ioss, number, &parcel(n)), declared_at: at(n as u64), departs: departs.map(at) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// 20 of 10,000 are not confirmed; declarations and confirmations come in any order, and strangers confirm the planted ones too.
    #[test]
    fn exactly_the_planted_ones_are_flagged_before_departure(
        planted in prop::collection::btree_set(0..10_000_usize, 20),
        order in prop::collection::vec(any::<u64>(), 20_000),
    ) {
        let mut uses = with_holders();
        let mut steps: Vec<usize> = (0..20_000).collect();
        steps.sort_by_key(|step| order[*step]);
        let departs = 100_000;
        for step in steps {
            let (n, number) = (step / 2, NUMBERS[step / 2 % 2]);
            if step % 2 == 0 {
                uses.declare(used(number, n, Some(departs))).unwrap();
                continue;
            }
            let says = confirmation(number, &parcel(n), 5);
            let by = if planted.contains(&n) { key(7) } else { key(1 + (n % 2) as u8) };
            // Signed and verified for some; for all would only cost time.
            if n % 500 == 0 {
                let read = Confirmation::verify(&says.sign(&by), by.public(), T0 + 5).unwrap();
                prop_assert_eq!(&read, &says);
            }
            let matched = uses.confirm(Scheme::Ioss, &says, by.public().id(), at(50));
            match planted.contains(&n) {
                true => {
                    let mandated_by = slug("platform-us");
                    prop_assert_eq!(matched, Err(UseError::NotHolder { by: by.public().id(), mandated_by }));
                }
                false => prop_assert!(matches!(matched, Ok(Matched::Waits | Matched::Cleared))),
            }
        }
        let keys: BTreeSet<UseKey> =
            planted.iter().map(|n| UseKey::new(Scheme::Ioss, NUMBERS[n % 2], &parcel(*n))).collect();
        let flagged: Vec<Unconfirmed> = uses.unconfirmed(at(departs - 1)).collect();
        prop_assert!(flagged.iter().all(|flag| flag.deadline == Deadline::Before(at(departs))));
        prop_assert_eq!(flagged.iter().map(|flag| flag.of.key).collect::<BTreeSet<_>>(), keys);
        prop_assert_eq!(flagged.len(), 20);
        prop_assert!(uses.unconfirmed(at(departs)).all(|flag| flag.deadline == Deadline::Missed(at(departs))));
        // Late ones clear them.
        for n in &planted {
            let says = confirmation(NUMBERS[n % 2], &parcel(*n), departs);
            let by = key(1 + (n % 2) as u8).public().id();
            prop_assert_eq!(uses.confirm(Scheme::Ioss, &says, by, at(departs)), Ok(Matched::ClearedLate));
        }
        prop_assert_eq!(uses.unconfirmed(at(departs)).count(), 0);
        prop_assert_eq!(uses.forget(at(departs)), 0);
        prop_assert_eq!(uses.forget(at(departs + 1)), 10_000);
    }
}

#[test]
fn a_use_is_flagged_until_its_holder_speaks() {
    let mut uses = with_holders();
    let number = NUMBERS[0];
    let flag = uses.declare(used(number, 1, None)).unwrap().unwrap();
    assert_eq!(flag.deadline, Deadline::BeforeDeparture);
    assert!(uses.departs(&flag.of.key, at(500)) && !uses.departs(&used(number, 2, None).key, at(500)));
    assert_eq!(uses.unconfirmed(at(500)).next().unwrap().deadline, Deadline::Missed(at(500)));
    let says = confirmation(number, &parcel(1), 10);
    let unknown = confirmation("IM2760000099", &parcel(1), 10);
    assert_eq!(uses.confirm(Scheme::Ioss, &unknown, key(1).public().id(), at(10)), Err(UseError::NoHolder));
    let other = uses.confirm(Scheme::Ioss, &says, key(2).public().id(), at(10)).unwrap_err();
    assert!(other.to_string().contains("another key by the credential of platform-us"), "{other}");
    assert_eq!(uses.confirm(Scheme::Ioss, &says, key(1).public().id(), at(10)), Ok(Matched::Cleared));
    assert_eq!(uses.confirm(Scheme::Ioss, &says, key(1).public().id(), at(11)), Ok(Matched::Again));
    assert_eq!(uses.confirmed(&flag.of.key), Some((says.period, at(10))));
    let twice = Confirmation { period: "2026-07".parse().unwrap(), ..says };
    assert!(matches!(
        uses.confirm(Scheme::Ioss, &twice, key(1).public().id(), at(12)),
        Err(UseError::OtherPeriod { .. })
    ));
    assert_eq!(uses.declare(used(number, 1, None)), Ok(None));
}

#[test]
fn early_confirmations_leave_room_and_old_flags_go() {
    let mut uses = with_holders();
    let (number, by) = (NUMBERS[0], key(1).public().id());
    let confirm = |uses: &mut Confirmations, n: usize| {
        uses.confirm(Scheme::Ioss, &confirmation(number, &parcel(n), 0), by, at(50))
    };
    assert_eq!((confirm(&mut uses, 1), uses.waiting), (Ok(Matched::Waits), 1));
    assert_eq!((confirm(&mut uses, 1), uses.waiting), (Ok(Matched::Again), 1));
    assert_eq!((uses.declare(used(number, 1, Some(200))), uses.waiting), (Ok(None), 0));
    assert_eq!((uses.declare(used(number, 1, Some(200))), uses.waiting), (Ok(None), 0));
    // As if there were so many.
    uses.waiting = MAX_WAITING_CONFIRMATIONS;
    assert!(matches!(confirm(&mut uses, 2), Err(UseError::Full(..))));
    assert!(uses.declare(used(number, 2, None)).unwrap().is_some(), "declarations have room");
    assert_eq!(confirm(&mut uses, 2), Ok(Matched::Cleared));
    assert!(uses.declare(used(number, 3, None)).unwrap().is_some());
    assert!(uses.declare(used(number, 4, Some(100))).unwrap().is_some());
    assert_eq!(uses.forget(at(3)), 0);
    // Number 3 was declared three seconds after the beginning, and nothing else is known of it.
    assert_eq!((uses.forget(at(4)), uses.unconfirmed(at(0)).count(), uses.waiting), (1, 1, 0));
    assert_eq!((uses.forget(at(101)), uses.unconfirmed(at(0)).count()), (2, 0));
    assert_eq!((confirm(&mut uses, 5), uses.waiting), (Ok(Matched::Waits), 1));
    assert_eq!((uses.forget(at(51)), uses.waiting), (1, 0));
    assert_eq!(uses.forget(at(201)), 1);
}

#[test]
fn holders_change() {
    let mut uses = with_holders();
    let number = UseKey::new(Scheme::Ioss, NUMBERS[0], "").number();
    let says = |n: usize| confirmation(NUMBERS[0], &parcel(n), 0);
    uses.hold(number, holder("platform-us", &key(10))).unwrap();
    assert!(uses.confirm(Scheme::Ioss, &says(1), key(10).public().id(), at(0)).is_ok());
    assert!(matches!(
        uses.confirm(Scheme::Ioss, &says(2), key(1).public().id(), at(0)),
        Err(UseError::NotHolder { .. })
    ));
    uses.hold(number, holder("platform-kr", &key(30))).unwrap();
    assert!(matches!(
        uses.confirm(Scheme::Ioss, &says(3), key(10).public().id(), at(0)),
        Err(UseError::NotHolder { .. })
    ));
    assert!(uses.confirm(Scheme::Ioss, &says(3), key(30).public().id(), at(0)).is_ok());
    uses.release(number);
    assert_eq!(uses.confirm(Scheme::Ioss, &says(4), key(30).public().id(), at(0)), Err(UseError::NoHolder));
}

#[test]
fn confirmations_are_read_strictly() {
    let says = confirmation(NUMBERS[0], "RR123456785DE", 0);
    for n in [0, 1] {
        let token = says.sign(&key(n));
        assert_eq!(Confirmation::verify(&token, key(n).public(), T0), Ok(says.clone()));
        assert!(matches!(Confirmation::verify(&token, key(n + 2).public(), T0), Err(ConfirmationError::Jws(_))));
        assert!(matches!(
            Confirmation::verify(&token, key(n).public(), T0 - 61),
            Err(ConfirmationError::Future { .. })
        ));
    }
    let payload = |claims: serde_json::Value| {
        let serde_json::Value::Object(claims) = claims else { panic!() };
        let token = crate::credential::jws::sign("luxor-use+jwt", &claims, &key(0));
        Confirmation::verify(&token, key(0).public(), T0).unwrap_err()
    };
    let all = serde_json::json!({ "number": "N", "item": "I", "period": "2026-06", "iat": T0 });
    for (claim, value) in [("number", "".into()), ("item", 7.into()), ("iat", "now".into()), ("more", 1.into())] {
        let mut damaged = all.clone();
        damaged[claim] = value;
        assert_eq!(payload(damaged), ConfirmationError::Claim(claim.into()));
    }
    for bad in ["2026-13", "2026-00", "2026-6", "26-06", "2026-06-01", ""] {
        assert!(bad.parse::<Period>().is_err(), "{bad}");
    }
    // A status list is no confirmation.
    let claims = crate::credential::StatusClaims { uri: "u".into(), issued_at: T0, expires: None, ttl: None };
    let list = StatusList::new(crate::credential::Bits::One, 8).unwrap().sign(&claims, &key(0));
    assert!(matches!(Confirmation::verify(&list, key(0).public(), T0), Err(ConfirmationError::Jws(_))));
}

#[test]
fn numbers_of_a_declaration_are_found_where_they_are_shown() {
    let mut content = Content::empty(&DECLARATION, 1);
    let (group, _) = DECLARATION.group("fiscal").unwrap();
    let id = |text: &str| vec![(1, Value::Text(text.into())), (2, Value::Text("FR5".into()))];
    content.set(group, 0, vec![id(NUMBERS[1]), id("DE123456789"), id(NUMBERS[0]), id(NUMBERS[1])]).unwrap();
    let record = record_of(content, [1; 16], [2; 32]);
    let shown = record.view(DECLARATION.set(["fiscal"]).unwrap());
    assert_eq!(collect_numbers(&shown).unwrap(), NUMBERS);
    let hidden = record.view(DECLARATION.set(["item"]).unwrap());
    assert_eq!(collect_numbers(&hidden).unwrap(), Vec::<String>::new());
}
