//! Each answer that the arrangement must give, and each bound.

use super::properties::name;
use super::world::{
    EU_KR, T0, aeo, agreement, ask, ask_for, at, card, charter, digest, key, list, list_key, recogniser,
};
use crate::credential::claims::{Coverage, Levy, Mandate, SellerLevel};
use crate::credential::{Bits, CredentialType, Status, StatusList, StatusToken};
use crate::document::Benefit;
use crate::limits::{
    MAX_ATTESTATION_EVENTS, MAX_ATTESTATIONS_OF_ISSUER, MAX_PROGRAMMES_OF_ISSUER, MAX_PROGRAMMES_OF_NUMBER,
    MAX_REMEMBERED_LISTS, MAX_REMEMBERED_VERSIONS,
};
use crate::names::Purpose;
use crate::recognition::{
    AttestedClaims, Benefits, Grounds, NumberKey, Question, Recogniser, Refusal, Scheme, UpdateError, Verdict,
};
use crate::testing::slug;

const LIST: &str = "https://status.example/0";

#[test]
fn a_partners_trader_is_recognised_with_every_reason() {
    let of = recogniser();
    let answer = ask(&of, "DE1", "customs-kr", 3_600);
    assert_eq!(answer.benefits(), Benefits::of(&[Benefit::FewerControls, Benefit::Priority]));
    let Verdict::Recognised(found) = &answer.verdict else { panic!("{:?}", answer.sentences()) };
    let Grounds::Agreements(rows) = &found.grounds else { panic!() };
    assert_eq!((rows[0].agreement, rows[0].version, rows[0].row), (&slug("mra-eu-kr"), 1, 1));
    let evidence = &found.evidence;
    assert_eq!((evidence.issuer, evidence.attestation), (&slug("customs-de"), CredentialType::Aeo));
    assert_eq!((evidence.status, evidence.status_age, evidence.listed), (Status::Valid, 3_600, false));
    // The second row needs goods and data; with both it gives more.
    assert_eq!(answer.refusals.iter().map(name).collect::<Vec<_>>(), ["GoodsUnknown", "AgreementNotYet"]);
    let told = |hs: &[&str], given: &[&str]| {
        let answer = ask_for(&of, "DE1", "customs-kr", Purpose::Facilitation, hs, given, 3_600);
        (answer.benefits().has(Benefit::SimplifiedData), answer.refusals.first().map(name))
    };
    assert_eq!(told(&["851712"], &["order"]), (true, Some("AgreementNotYet".into())));
    assert_eq!(told(&["851712"], &[]), (false, Some("DataMissing".into())));
    assert_eq!(told(&["851712", "240220"], &["order"]), (false, Some("GoodsExcepted".into())));
    assert_eq!(told(&["24"], &["order"]), (false, Some("CodeUnclear".into())));
    let words = answer.sentences().join("\n");
    assert!(
        words.starts_with("recognised under mra-eu-kr version 1, recognition 1: fewer_controls, priority\n"),
        "{words}"
    );
    assert!(words.contains("3600 s old") && words.contains("gives it the right by kind to issue 'aeo'"), "{words}");
    // Its own territory needs no agreement, and no agreement gives it anything.
    assert!(matches!(&ask(&of, "DE1", "post-de", 0).verdict, Verdict::Recognised(of) if of.grounds == Grounds::Own));
}

#[test]
fn a_platform_issues_no_aeo() {
    let mut of = recogniser();
    let refused = of.attest(&aeo("platform-us", "US1", "KR AEO", Coverage::Both, 0), at(0)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the attestation is refused: platform-us is a platform; 'aeo' is issued by customs only"
    );
    assert_eq!(name(ask(&of, "US1", "customs-kr", 0).refusal().unwrap()), "Unknown");
    // Nor does one to whom the charter gives the right no longer: from the moment on that this is known, not before.
    of.charter(charter(&[], "\n[[issuers]]\ntype = \"aeo\"\nmembers = [\"customs-kr\"]\n"), at(100)).unwrap();
    assert!(ask(&of, "DE1", "customs-kr", 99).is_recognised());
    let answer = ask(&of, "DE1", "customs-kr", 100);
    assert_eq!(
        answer.refusal().unwrap().to_string(),
        "the issuer's right: the charter lists who issues 'aeo', and customs-de is not listed"
    );
    let foreign = of.attest(&aeo("customs-kr", "X", "KR AEO", Coverage::Both, 0), at(100));
    assert_eq!(foreign, Ok(true));
    let mut foreign = aeo("customs-kr", "Y", "KR AEO", Coverage::Both, 0);
    if let AttestedClaims::Aeo { country, .. } = &mut foreign.claims {
        *country = "US".parse().unwrap();
    }
    assert!(matches!(of.attest(&foreign, at(100)), Err(UpdateError::ForeignProgramme { .. })));
}

#[test]
fn simplifications_alone_give_no_benefit() {
    let mut of = recogniser();
    of.attest(&aeo("customs-de", "DE2", "EU AEO", Coverage::Simplification, 0), at(0)).unwrap();
    let answer = ask(&of, "DE2", "customs-kr", 10);
    assert_eq!(
        answer.refusal().unwrap().to_string(),
        "the authorisation by customs-de covers simplifications only; agreements recognise security status only"
    );
    assert!(answer.benefits().is_empty());
    // At home it is what it is.
    assert!(ask(&of, "DE2", "customs-eu", 10).is_recognised());
    of.attest(&aeo("customs-de", "DE3", "EU AEO", Coverage::Security, 0), at(0)).unwrap();
    assert!(ask(&of, "DE3", "customs-kr", 10).is_recognised());
}

#[test]
fn a_vetted_seller_never_has_benefits() {
    let mut of = recogniser();
    let mut seller = aeo("post-de", "DE1", "EU AEO", Coverage::Both, 0);
    seller.claims = AttestedClaims::VettedSeller { level: SellerLevel::ALL[0], incidents: 0 };
    seller.number = NumberKey::new(Scheme::Seller, "shop 7");
    of.attest(&seller, at(0)).unwrap();
    of.statuses(&slug("post-de"), list(LIST, 0, None, &[0; 4]), list_key(), at(0)).unwrap();
    for (asking, purpose) in ["customs-kr", "customs-de", "post-de"].iter().zip(Purpose::ALL) {
        let asking = slug(asking);
        let question = Question {
            scheme: Scheme::Seller,
            number: "shop 7",
            purpose: *purpose,
            asking: &asking,
            hs: &[],
            given: &[],
            at: at(10),
        };
        let answer = of.recognise(&question);
        assert_eq!(answer.refusal(), Some(&Refusal::SellerOnly { issuer: slug("post-de") }));
        assert!(answer.benefits().is_empty());
    }
    // Customs vets no sellers.
    seller.issuer = slug("customs-de");
    assert!(matches!(of.attest(&seller, at(10)), Err(UpdateError::NoRight(_))));
}

#[test]
fn statuses_change_with_newer_lists_only() {
    let mut of = recogniser();
    let (issuer, kr) = (slug("customs-de"), "customs-kr");
    let changes = of.statuses(&issuer, list(LIST, 1_000, None, &[2, 0, 0, 0]), list_key(), at(1_001)).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].before, changes[0].after), (Some(Status::Valid), Some(Status::Suspended)));
    assert!(ask(&of, "DE1", kr, 1_000).is_recognised());
    let answer = ask(&of, "DE1", kr, 1_001);
    assert_eq!(answer.refusal(), Some(&Refusal::Suspended { issuer: issuer.clone(), since: at(1_001) }));
    // An older one, which comes later, changes nothing; nor does another of the same second take the suspension back.
    assert!(matches!(
        of.statuses(&issuer, list(LIST, 999, None, &[0; 4]), list_key(), at(1_002)),
        Err(UpdateError::OlderList { .. })
    ));
    for statuses in [[0; 4], [2, 0, 0, 0]] {
        assert_eq!(of.statuses(&issuer, list(LIST, 1_000, None, &statuses), list_key(), at(1_002)), Ok(vec![]));
    }
    // Nor does a list of the same URI that somebody else signed.
    of.statuses(&slug("customs-eu"), list(LIST, 2_000, None, &[0; 4]), list_key(), at(2_000)).unwrap();
    assert!(!ask(&of, "DE1", kr, 2_000).is_recognised());
    // Valid again, then the list ends before the credential's number.
    of.statuses(&issuer, list(LIST, 3_000, Some(4_000), &[0; 4]), list_key(), at(3_000)).unwrap();
    assert!(ask(&of, "DE1", kr, 4_059).is_recognised());
    assert_eq!(name(ask(&of, "DE1", kr, 4_060).refusal().unwrap()), "StatusExpired");
    assert_eq!(name(ask(&of, "DE1", kr, 2_999).refusal().unwrap()), "Suspended");
    assert!(matches!(
        of.statuses(&issuer, list(LIST, 5_000, None, &[0; 4]), list_key(), at(2_999)),
        Err(UpdateError::Order { .. })
    ));
}

#[test]
fn of_two_lists_of_one_second_neither_takes_a_suspension_back() {
    let issuer = slug("customs-de");
    let says = |of: &Recogniser, seconds: u64| ask(of, "DE1", "customs-kr", seconds).refusal().map(name);
    let both = [list(LIST, 1_000, None, &[0; 8]), list(LIST, 1_000, Some(2_000), &[2, 0, 0, 0])];
    for order in [[0, 1], [1, 0]] {
        let mut of = recogniser();
        for (n, place) in order.into_iter().enumerate() {
            of.statuses(&issuer, both[place].clone(), list_key(), at(1_000 + n as u64)).unwrap();
        }
        assert_eq!(says(&of, 1_001), Some("Suspended".into()));
        // Once more they change nothing, whatever their bits.
        for place in order {
            assert_eq!(of.statuses(&issuer, both[place].clone(), list_key(), at(1_002)), Ok(vec![]));
        }
        let mut wide = StatusToken { list: StatusList::new(Bits::Eight, 2).unwrap(), ..both[0].clone() };
        wide.list.set(1, Status::Other(200)).unwrap();
        of.statuses(&issuer, wide, list_key(), at(1_003)).unwrap();
        assert_eq!(says(&of, 1_003), Some("Suspended".into()));
        let mut second = aeo("customs-de", "DE2", "EU AEO", Coverage::Both, 0);
        second.status.index = 1;
        of.attest(&second, at(1_004)).unwrap();
        assert_eq!(ask(&of, "DE2", "customs-kr", 1_004).refusal().map(name), Some("OtherStatus".into()));
        // The shorter of the three has two statuses.
        second.status.index = 2;
        second.credential = digest("another");
        of.attest(&second, at(1_005)).unwrap();
        assert_eq!(ask(&of, "DE2", "customs-kr", 1_005).refusal().map(name), Some("NoStatus".into()));
        // The next second tells.
        of.statuses(&issuer, list(LIST, 1_001, None, &[0; 4]), list_key(), at(1_006)).unwrap();
        assert_eq!((says(&of, 1_006), says(&of, 1_005)), (None, Some("Suspended".into())));
    }
}

#[test]
fn renewals_take_the_place_of_what_was_and_life_ends() {
    let mut of = recogniser();
    let week = 6 * 86_400;
    assert_eq!(name(ask(&of, "DE1", "customs-kr", week + 60).refusal().unwrap()), "Expired");
    let renewed = aeo("customs-de", "DE1", "EU AEO", Coverage::Both, week - 600);
    assert_eq!(of.attest(&renewed, at(week - 600)), Ok(true));
    assert_eq!(of.attest(&renewed, at(week - 500)), Ok(false));
    assert!(ask(&of, "DE1", "customs-kr", week + 60).is_recognised());
    let older = aeo("customs-de", "DE1", "EU AEO", Coverage::Both, 7);
    assert!(matches!(of.attest(&older, at(week)), Err(UpdateError::OlderCredential { .. })));
    // Before it became known the first one is the evidence.
    let Verdict::Recognised(before) = ask(&of, "DE1", "customs-kr", week - 601).verdict else { panic!() };
    assert_eq!(before.evidence.life.0, T0);
    assert_eq!(of.remove(renewed.number, &renewed.credential, at(week + 10)), Ok(true));
    assert_eq!(of.remove(renewed.number, &renewed.credential, at(week + 10)), Ok(false));
    assert_eq!(name(ask(&of, "DE1", "customs-kr", week + 10).refusal().unwrap()), "Removed");
    assert!(ask(&of, "DE1", "customs-kr", week + 9).is_recognised());
    // What ended is forgotten, and nothing is said of that time any more.
    assert_eq!((of.forget(at(week + 10)), of.len()), (0, 1));
    assert_eq!((of.forget(at(week + 11)), of.len()), (1, 0));
    assert_eq!(ask(&of, "DE1", "customs-kr", week).refusal(), Some(&Refusal::HistoryCut { before: at(week + 11) }));
    assert_eq!(name(ask(&of, "DE1", "customs-kr", week + 11).refusal().unwrap()), "Unknown");
    assert_eq!(of.attest(&aeo("customs-de", "DE9", "EU AEO", Coverage::Both, week), at(week + 20)), Ok(true));
    assert!(ask(&of, "DE9", "customs-kr", week + 20).is_recognised());
}

#[test]
fn of_what_lives_on_the_past_is_forgotten() {
    let mut of = recogniser();
    for n in 1..=20 {
        of.attest(&aeo("customs-de", "DE1", "EU AEO", Coverage::Both, n), at(n)).unwrap();
        of.statuses(&slug("customs-de"), list(LIST, n, None, &[(n % 2) as u8 * 2; 4]), list_key(), at(n)).unwrap();
    }
    let events = |of: &Recogniser| of.lines.get(0).unwrap().events.len();
    assert_eq!((events(&of), of.forget(at(15)), events(&of)), (41, 0, 12));
    let says = |of: &Recogniser, seconds: u64| ask(of, "DE1", "customs-kr", seconds).refusal().map(name);
    let kr = [14, 15, 16, 20].map(|seconds| says(&of, seconds));
    assert_eq!(kr, [Some("HistoryCut".into()), Some("Suspended".into()), None, None]);
    assert_eq!((of.forget(at(15)), events(&of)), (0, 12));
}

#[test]
fn agreements_begin_end_and_are_suspended_and_the_past_stays() {
    let mut of = recogniser();
    let us = |of: &Recogniser, days: u64| {
        let answer = ask(of, "DE1", "customs-us", days * 86_400 + 60);
        answer.refusal().map_or_else(|| answer.benefits().to_string(), name)
    };
    assert_eq!([0, 1, 5].map(|days| us(&of, days)), ["AgreementNotYet", "deferred_payment", "deferred_payment"]);
    of.suspend(&slug("customs-de"), vec![slug("mra-us-de")], at(2 * 86_400)).unwrap();
    of.suspend(&slug("customs-de"), vec![], at(3 * 86_400)).unwrap();
    assert_eq!([1, 2, 3].map(|days| us(&of, days)), ["deferred_payment", "AgreementSuspended", "deferred_payment"]);
    of.attest(&aeo("customs-de", "DE1", "EU AEO", Coverage::Both, 15 * 86_400), at(15 * 86_400)).unwrap();
    assert_eq!([19, 20].map(|days| us(&of, days)), ["deferred_payment", "AgreementEnded"]);
    // A later version without the row ends it from its first day on.
    let mut next = agreement(EU_KR);
    next.valid_from = super::world::day("2026-06-18");
    next.recognises.truncate(1);
    next.recognises[0].programme = "Another".into();
    of.agreement(&next, 2, digest("next"), at(16 * 86_400)).unwrap();
    let kr = |of: &Recogniser, days: u64| ask(of, "DE1", "customs-kr", days * 86_400).refusal().map(name);
    let us_gives = ask(&of, "DE1", "customs-kr", 17 * 86_400);
    assert_eq!(us_gives.benefits(), Benefits::of(&[Benefit::DeferredPayment]), "only the other agreement is left");
    assert_eq!(us_gives.refusals.iter().map(name).collect::<Vec<_>>(), ["Superseded", "Superseded", "Programme"]);
    // Of several reasons the one furthest on is told first.
    assert_eq!(kr(&of, 20), Some("AgreementEnded".into()));
    assert!(of.void_agreement(&digest("next"), at(18 * 86_400)).unwrap());
    assert_eq!(kr(&of, 20), None);
}

#[test]
fn keys_count_on_their_days_and_until_revoked() {
    let mut of = recogniser();
    let kr = |of: &Recogniser, seconds: u64| ask(of, "DE1", "customs-kr", seconds).refusal().map(name);
    of.card(&card("customs-de", &[1]), at(100)).unwrap();
    assert_eq!((kr(&of, 99), kr(&of, 100)), (None, Some("KeyUnknown".into())));
    let mut ended = card("customs-de", &[0]);
    ended.attest[0].until = Some(super::world::day("2026-05-31"));
    of.card(&ended, at(200)).unwrap();
    assert_eq!(kr(&of, 200), Some("KeyDays".into()));
    // One that begins on the second of June signs for clocks that are a minute late.
    let mut begins = card("customs-de", &[0]);
    begins.attest[0].from = super::world::day("2026-06-02");
    of.card(&begins, at(250)).unwrap();
    assert_eq!(kr(&of, 250), Some("KeyDays".into()));
    for (number, late, what) in [("DE4", 61, Some("KeyDays")), ("DE5", 60, None)] {
        let mut credential = aeo("customs-de", number, "EU AEO", Coverage::Both, 86_400 - late);
        credential.status.index = 1;
        of.attest(&credential, at(250)).unwrap();
        of.statuses(&slug("customs-de"), list(LIST, 86_400 - 60, None, &[0; 4]), list_key(), at(250)).unwrap();
        assert_eq!(ask(&of, number, "customs-kr", 86_400).refusal().map(name).as_deref(), what);
    }
    of.card(&card("customs-de", &[0]), at(300)).unwrap();
    of.revoke_key(key(0).public().id(), at(400)).unwrap();
    assert_eq!((kr(&of, 399), kr(&of, 400)), (None, Some("KeyRevoked".into())));
}

#[test]
fn a_mandate_to_collect_is_for_revenue_where_and_when_it_says() {
    let mut of = recogniser();
    let mut collect = aeo("customs-de", "IM2760000001", "", Coverage::Both, 0);
    let from = super::world::day("2026-06-02");
    let mandate = Mandate { territory: "EU".parse().unwrap(), levy: Levy::Tax, from, until: Some(from) };
    (collect.claims, collect.number) = (AttestedClaims::Collect(mandate), NumberKey::new(Scheme::Ioss, "IM2760000001"));
    of.attest(&collect, at(0)).unwrap();
    let ask = |asking: &str, purpose: Purpose, seconds: u64| {
        let (scheme, asking) = (Scheme::Ioss, slug(asking));
        let (number, at) = ("IM2760000001", at(seconds));
        of.recognise(&Question { scheme, number, purpose, asking: &asking, hs: &[], given: &[], at })
            .refusal()
            .map(name)
    };
    assert_eq!(ask("customs-de", Purpose::Revenue, 86_400), None);
    assert_eq!(ask("customs-de", Purpose::Facilitation, 86_400), Some("MandatePurpose".into()));
    assert_eq!(ask("customs-kr", Purpose::Revenue, 86_400), Some("MandateTerritory".into()));
    assert_eq!(ask("customs-de", Purpose::Revenue, 0), Some("MandateDays".into()));
    assert_eq!(ask("customs-de", Purpose::Revenue, 2 * 86_400), Some("MandateDays".into()));
}

#[test]
fn bounds_are_kept_and_what_is_cut_is_said() {
    let mut of = recogniser();
    let issuer = slug("customs-de");
    for n in 1..=MAX_ATTESTATION_EVENTS as u64 + 10 {
        let status = if n % 2 == 1 { 2 } else { 0 };
        of.statuses(&issuer, list(LIST, n, None, &[status, 0, 0, 0]), list_key(), at(n)).unwrap();
    }
    let last = MAX_ATTESTATION_EVENTS as u64 + 10;
    let says = |of: &Recogniser, seconds: u64| ask(of, "DE1", "customs-kr", seconds).refusal().map(name);
    assert_eq!(says(&of, last), (last % 2 == 1).then(|| "Suspended".into()));
    // The first event and eleven changes are gone.
    assert_eq!(says(&of, 10), Some("HistoryCut".into()));
    assert_eq!((says(&of, 11), says(&of, 12)), (Some("Suspended".into()), None));
    for n in 0..MAX_PROGRAMMES_OF_NUMBER {
        assert_eq!(of.attest(&aeo("customs-de", "DE7", &n.to_string(), Coverage::Both, 0), at(last)), Ok(true));
    }
    let over = of.attest(&aeo("customs-de", "DE7", "one more", Coverage::Both, 0), at(last));
    assert!(matches!(over, Err(UpdateError::Full(..))));
    // An issuer that fills its own place leaves the others theirs.
    assert_eq!(of.attest(&aeo("customs-eu", "DE7", "one more", Coverage::Both, 0), at(last)), Ok(true));
    for n in 0..=MAX_REMEMBERED_LISTS as u64 {
        of.statuses(&issuer, list(LIST, last + n + 1, None, &[0; 4]), list_key(), at(last + n + 1)).unwrap();
    }
    assert_eq!(says(&of, last), Some("HistoryCut".into()));
    assert_eq!(says(&of, last + 2 * MAX_REMEMBERED_LISTS as u64), None);
}

#[test]
fn states_of_a_union_recognise_each_other_without_an_agreement() {
    let mut of = recogniser();
    of.attest(&aeo("customs-de", "DE2", "EU AEO", Coverage::Simplification, 0), at(0)).unwrap();
    for (number, asking) in [("DE1", "customs-fr"), ("DE2", "customs-fr"), ("DE1", "customs-eu"), ("DE2", "post-de")] {
        let answer = ask(&of, number, asking, 10);
        assert!(matches!(&answer.verdict, Verdict::Recognised(of) if of.grounds == Grounds::Own), "{number} {asking}");
        assert!(answer.benefits().is_empty());
    }
    // A state does not attest for another one.
    let mut foreign = aeo("customs-fr", "DE3", "EU AEO", Coverage::Both, 0);
    if let AttestedClaims::Aeo { country, .. } = &mut foreign.claims {
        *country = "DE".parse().unwrap();
    }
    assert!(matches!(of.attest(&foreign, at(0)), Err(UpdateError::ForeignProgramme { .. })));
}

#[test]
fn a_list_counts_as_its_key_does() {
    let mut of = recogniser();
    let (issuer, other) = (slug("customs-de"), key(1).public().id());
    of.statuses(&issuer, list(LIST, 100, None, &[0; 4]), other, at(100)).unwrap();
    let kr = |of: &Recogniser, seconds: u64| ask(of, "DE1", "customs-kr", seconds).refusal().map(name);
    let Verdict::Recognised(found) = ask(&of, "DE1", "customs-kr", 100).verdict else { panic!() };
    assert_eq!((found.evidence.key, found.evidence.list_key), (list_key(), other));
    // Whoever has a stolen key says that all are valid, until that is known.
    of.revoke_key(other, at(200)).unwrap();
    assert_eq!((kr(&of, 199), kr(&of, 200)), (None, Some("ListKey".into())));
    let words = ask(&of, "DE1", "customs-kr", 200).sentences().join("\n");
    assert!(words.contains("the newest status list https://status.example/0 that was known: the key "), "{words}");
    of.statuses(&issuer, list(LIST, 300, None, &[0; 4]), list_key(), at(300)).unwrap();
    assert_eq!(kr(&of, 300), None);
    // One that the card has no longer, or not for the day.
    of.card(&card("customs-de", &[0, 3]), at(400)).unwrap();
    of.statuses(&issuer, list(LIST, 400, None, &[0; 4]), key(2).public().id(), at(400)).unwrap();
    assert_eq!(kr(&of, 400), Some("ListKey".into()));
    of.statuses(&issuer, list(LIST, 500, None, &[0; 4]), key(3).public().id(), at(500)).unwrap();
    assert_eq!(kr(&of, 500), None);
    let mut later = card("customs-de", &[0, 3]);
    later.attest.iter_mut().find(|row| row.key == *key(3).public()).unwrap().from = super::world::day("2026-06-02");
    of.card(&later, at(600)).unwrap();
    assert_eq!(kr(&of, 600), Some("ListKey".into()));
}

#[test]
fn an_authorisation_counts_from_its_day_on() {
    let mut of = recogniser();
    let mut soon = aeo("customs-de", "DE2", "EU AEO", Coverage::Both, 0);
    if let AttestedClaims::Aeo { since, .. } = &mut soon.claims {
        *since = super::world::day("2026-06-04");
    }
    of.attest(&soon, at(0)).unwrap();
    // The third is the fourth somewhere.
    assert_eq!(name(ask(&of, "DE2", "customs-kr", 2 * 86_400 - 1).refusal().unwrap()), "NotActiveYet");
    assert!(ask(&of, "DE2", "customs-kr", 2 * 86_400).is_recognised());
}

#[test]
fn what_is_no_tariff_code_takes_no_exception_away() {
    let of = recogniser();
    for (code, what) in
        [("24.02.20", "CodeUnclear"), ("", "CodeUnclear"), (" 2402", "CodeUnclear"), ("240220", "GoodsExcepted")]
    {
        let answer = ask_for(&of, "DE1", "customs-kr", Purpose::Facilitation, &["851712", code], &["order"], 10);
        assert!(!answer.benefits().has(Benefit::SimplifiedData), "{code}");
        assert_eq!(answer.refusals.first().map(name).as_deref(), Some(what), "{code}");
    }
}

#[test]
fn a_version_too_many_ends_what_those_before_give() {
    let mut of = recogniser();
    let mut next = agreement(EU_KR);
    for version in 2..=MAX_REMEMBERED_VERSIONS as u64 {
        assert_eq!(of.agreement(&next, version, digest(&version.to_string()), at(10)), Ok(true));
    }
    assert!(ask(&of, "DE1", "customs-kr", 11).is_recognised());
    // It gives nothing any more; who could not remember it must not say otherwise.
    next.recognises.truncate(1);
    next.recognises[0].programme = "Another".into();
    let beyond = of.agreement(&next, 1_000, digest("beyond"), at(20));
    assert!(matches!(beyond, Err(UpdateError::Full(..))));
    assert!(ask(&of, "DE1", "customs-kr", 19).is_recognised());
    let answer = ask(&of, "DE1", "customs-kr", 20);
    assert!(!answer.is_recognised() && answer.refusals.iter().any(|refusal| name(refusal) == "AgreementBeyond"));
}

#[test]
fn no_issuer_takes_the_room_of_others() {
    let mut of = recogniser();
    for n in 1..MAX_PROGRAMMES_OF_ISSUER {
        let programme = format!("Programme {n}");
        assert_eq!(of.attest(&aeo("customs-de", &n.to_string(), &programme, Coverage::Both, 0), at(0)), Ok(true));
    }
    let over = of.attest(&aeo("customs-de", "1", "One more", Coverage::Both, 0), at(0));
    assert_eq!(over, Err(UpdateError::Full("programmes of one issuer", MAX_PROGRAMMES_OF_ISSUER)));
    assert_eq!(of.attest(&aeo("customs-de", "2", "Programme 1", Coverage::Both, 0), at(0)), Ok(true));
    assert_eq!(of.attest(&aeo("customs-kr", "1", "One more", Coverage::Both, 0), at(0)), Ok(true));
    // As if it had as many attestations as it may.
    let held = std::mem::replace(&mut of.issuers[0].attestations, MAX_ATTESTATIONS_OF_ISSUER);
    assert_eq!(held, MAX_PROGRAMMES_OF_ISSUER + 1);
    let over = of.attest(&aeo("customs-de", "DE5", "EU AEO", Coverage::Both, 0), at(0));
    assert_eq!(over, Err(UpdateError::Full("attestations of one issuer", MAX_ATTESTATIONS_OF_ISSUER)));
    assert_eq!(of.attest(&aeo("customs-de", "DE1", "EU AEO", Coverage::Both, 1), at(1)), Ok(true));
    of.issuers[0].attestations = held;
    assert_eq!((of.forget(at(7 * 86_400)), of.issuers[0].attestations, of.issuers[1].attestations), (held + 1, 0, 0));
}

#[test]
fn what_was_removed_stays_so_whatever_its_list_says() {
    let mut of = recogniser();
    let first = aeo("customs-de", "DE1", "EU AEO", Coverage::Both, 0);
    of.remove(first.number, &first.credential, at(1)).unwrap();
    for n in 2..=MAX_ATTESTATION_EVENTS as u64 + 10 {
        let status = if n % 2 == 1 { 2 } else { 0 };
        let changes = of.statuses(&slug("customs-de"), list(LIST, n, None, &[status, 0, 0, 0]), list_key(), at(n));
        assert_eq!(changes, Ok(vec![]));
    }
    assert_eq!(name(ask(&of, "DE1", "customs-kr", 200).refusal().unwrap()), "Removed");
    // An older one does not come back, a newer one has the status of the newest list.
    let mut older = aeo("customs-de", "DE1", "EU AEO", Coverage::Both, 0);
    (older.credential, older.issued_at) = (digest("older"), T0 - 1);
    assert!(matches!(of.attest(&older, at(200)), Err(UpdateError::OlderCredential { .. })));
    of.attest(&aeo("customs-de", "DE1", "EU AEO", Coverage::Both, 100), at(201)).unwrap();
    assert!(ask(&of, "DE1", "customs-kr", 201).is_recognised());
}

#[test]
fn without_a_charter_nobody_is_anybody() {
    let mut of = Recogniser::new();
    assert_eq!(of.attest(&aeo("customs-de", "DE1", "EU AEO", Coverage::Both, 0), at(0)), Err(UpdateError::NoCharter));
    assert_eq!(ask(&of, "DE1", "customs-kr", 0).refusal(), Some(&Refusal::NoCharter { at: at(0) }));
    assert!(of.is_empty());
    of.charter(charter(&["customs-kr"], ""), at(0)).unwrap();
    assert_eq!(name(ask(&of, "DE1", "customs-kr", 0).refusal().unwrap()), "Asking");
    assert_eq!(name(ask(&of, "DE1", "nobody", 0).refusal().unwrap()), "Asking");
}
