//! The recogniser beside the naive one: any changes in any order, asked about any moment, after everything became known.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::naive::{Change, Replay};
use super::world::{EU_KR, MEMBERS, PROGRAMMES, T0, US_DE, agreement, at, card, charter, day, digest, key, list};
use crate::credential::StatusReference;
use crate::credential::claims::{AeoStanding, Coverage, Levy, Mandate, SellerLevel};
use crate::names::{MemberId, Purpose};
use crate::recognition::{
    Attested, AttestedClaims, Grounds, NumberKey, Question, Recogniser, Refusal, Scheme, UpdateError, Verdict,
};
use crate::testing::slug;
use crate::time::Millis;

const SPAN: u64 = 20 * 86_400;

fn member() -> impl Strategy<Value = MemberId> {
    // Mostly those that can issue and be asked.
    prop::sample::select(vec![0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 4, 5, 6]).prop_map(|of: usize| slug(MEMBERS[of].0))
}

fn claims() -> impl Strategy<Value = AttestedClaims> {
    let place = || prop::sample::select(vec!["DE", "EU", "EU", "KR", "US"]).prop_map(|of| of.parse().unwrap());
    let coverage =
        prop::sample::select(vec![Coverage::Both, Coverage::Both, Coverage::Security, Coverage::Simplification]);
    let standing = prop::sample::select(vec![
        AeoStanding::Active,
        AeoStanding::Active,
        AeoStanding::Active,
        AeoStanding::Suspended,
    ]);
    let since = prop::sample::select(vec!["2024-01-01", "2024-01-01", "2024-01-01", "2026-06-08"]);
    let aeo = (prop::sample::select(vec![0, 0, 0, 1, 2]), place(), coverage, standing, since).prop_map(
        |(programme, country, coverage, standing, since): (usize, _, _, _, &str)| AttestedClaims::Aeo {
            programme: PROGRAMMES[programme].into(),
            country,
            coverage,
            standing,
            since: day(since),
        },
    );
    let mandate = (place(), 0..20_u64, prop::option::of(0..20_u64)).prop_map(|(territory, from, until)| {
        let from = at(from * 86_400).day();
        AttestedClaims::Collect(Mandate { territory, levy: Levy::Tax, from, until: until.map(|days| from.plus(days)) })
    });
    let seller = Just(AttestedClaims::VettedSeller { level: SellerLevel::ALL[0], incidents: 0 });
    prop_oneof![8 => aeo, 2 => mandate, 1 => seller]
}

fn attested() -> impl Strategy<Value = Attested> {
    let life = (0..SPAN, 3 * 86_400..6 * 86_400_u64);
    let signed_by = prop::sample::select(vec![0, 0, 0, 0, 1, 2]);
    let reference = (prop::sample::select(vec![0, 0, 1]), prop::sample::select(vec![0, 1, 2, 3, 3, 5]));
    // Most attest what they may and for their own country; some do not.
    let who = (member(), prop::bool::weighted(0.9));
    (who, claims(), prop::sample::select(vec![0, 0, 1, 2]), signed_by, life, reference).prop_map(
        |((issuer, fits), mut claims, number, signed_by, (issued, life), (uri, index))| {
            let (_, kind, territory) = MEMBERS.iter().find(|(id, ..)| *id == issuer.as_str()).unwrap();
            match &mut claims {
                _ if !fits => {}
                _ if *kind != "customs" => {
                    claims = AttestedClaims::VettedSeller { level: SellerLevel::ALL[0], incidents: 0 };
                }
                AttestedClaims::Aeo { country, programme, .. } => {
                    *country = territory.parse().unwrap();
                    // Its own, but for some of the third one.
                    if *programme != PROGRAMMES[2] {
                        *programme = PROGRAMMES[usize::from(*territory == "KR")].into();
                    }
                }
                AttestedClaims::Collect(mandate) => mandate.territory = territory.parse().unwrap(),
                AttestedClaims::VettedSeller { .. } => {}
            }
            Attested {
                credential: digest(&format!("{issuer} {number} {issued} {claims:?}")),
                issuer,
                key: key(signed_by).public().id(),
                number: NumberKey::new(Scheme::Tin, &number.to_string()),
                issued_at: T0 + issued,
                expires: T0 + issued + life,
                status: StatusReference { index, uri: format!("https://status.example/{uri}") },
                claims,
            }
        },
    )
}

/// Changes; an attestation is issued some time before it becomes known, so its times are set later.
fn change() -> impl Strategy<Value = Change> {
    let charters = vec![
        charter(&[], ""),
        charter(&[], ""),
        charter(&[], ""),
        charter(&[], "\n[[issuers]]\ntype = \"aeo\"\nmembers = [\"customs-de\", \"customs-kr\"]\n"),
        charter(&["customs-de"], ""),
        charter(&["customs-kr", "post-de"], ""),
    ];
    let version = |text: &str, number: u64| {
        let mut made = agreement(text);
        if number == 2 {
            made.valid_from = day("2026-06-11");
            made.recognises.remove(0);
        }
        (number == 1 || !made.recognises.is_empty())
            .then(|| Change::Agreement(made, number, digest(&format!("{text}{number}"))))
    };
    let versions: Vec<Change> =
        [EU_KR, US_DE].iter().flat_map(|text| [version(text, 1), version(text, 2)]).flatten().collect();
    let digests: Vec<_> =
        [EU_KR, US_DE].iter().flat_map(|text| [1, 2].map(|n| digest(&format!("{text}{n}")))).collect();
    let suspended = prop::sample::subsequence(vec![slug("mra-eu-kr"), slug("mra-us-de")], 0..=2);
    let statuses = prop::collection::vec(prop::sample::select(vec![0, 0, 0, 0, 0, 0, 0, 1, 2, 3]), 4..=4);
    let signed_by = prop::sample::select(vec![0, 0, 0, 0, 1, 2]);
    let life = prop::option::weighted(0.3, 0..10 * 86_400_u64);
    let list = (member(), 0..2_u64, 0..SPAN, life, statuses, signed_by).prop_map(
        |(issuer, uri, issued, life, statuses, signed_by)| {
            let uri = format!("https://status.example/{uri}");
            Change::List(issuer, list(&uri, issued, life.map(|life| issued + life), &statuses), signed_by)
        },
    );
    let keys = prop::sample::subsequence(vec![0, 1, 2], 2..=3);
    let card = (member(), keys, 0..30_u64).prop_map(|(member, keys, until)| {
        let mut made = card(member.as_str(), &keys);
        made.attest[0].until = (until < 20).then(|| day("2026-06-01").plus(until));
        Change::Card(made)
    });
    prop_oneof![
        1 => prop::sample::select(charters).prop_map(Change::Charter),
        2 => card,
        1 => Just(Change::Revoke(key(2).public().id())),
        3 => prop::sample::select(versions),
        1 => prop::sample::select(digests).prop_map(Change::Void),
        1 => (member(), suspended).prop_map(|(member, of)| Change::Suspend(member, of)),
        14 => attested().prop_map(Change::Attest),
        1 => attested().prop_map(|of| Change::Remove(of.number, of.credential)),
        6 => list,
    ]
}

/// All parties in force from the beginning, so that many questions are answered with yes.
fn beginning() -> Vec<Change> {
    let cards = MEMBERS.iter().map(|(member, ..)| Change::Card(card(member, &[0, 1])));
    let lists = MEMBERS.iter().flat_map(|(member, ..)| {
        [0, 1].map(|of| Change::List(slug(member), list(&format!("https://status.example/{of}"), 0, None, &[0; 8]), 0))
    });
    let agreements = [EU_KR, US_DE].map(|text| Change::Agreement(agreement(text), 1, digest(&format!("{text}1"))));
    [Change::Charter(charter(&[], ""))].into_iter().chain(cards).chain(lists).chain(agreements).collect()
}

pub(super) fn apply(recogniser: &mut Recogniser, change: &Change, known_at: Millis) -> Result<(), UpdateError> {
    match change.clone() {
        Change::Charter(of) => recogniser.charter(of, known_at),
        Change::Card(of) => recogniser.card(&of, known_at),
        Change::Revoke(key) => recogniser.revoke_key(key, known_at),
        Change::Agreement(of, version, digest) => recogniser.agreement(&of, version, digest, known_at).map(drop),
        Change::Void(digest) => recogniser.void_agreement(&digest, known_at).map(drop),
        Change::Suspend(member, of) => recogniser.suspend(&member, of, known_at),
        Change::Attest(of) => recogniser.attest(&of, known_at).map(drop),
        Change::Remove(number, credential) => recogniser.remove(number, &credential, known_at).map(drop),
        Change::List(issuer, token, of) => {
            recogniser.statuses(&issuer, token, key(of).public().id(), known_at).map(drop)
        }
    }
}

/// The name of a reason.
pub(super) fn name(refusal: &Refusal) -> String {
    let debug = format!("{refusal:?}");
    debug.split(['(', ' ', '{']).next().unwrap().to_owned()
}

/// What becomes known when, in seconds after [`T0`].
fn in_time(changes: Vec<(Change, u64)>, begun: bool) -> Vec<(u64, Change)> {
    let mut seconds = 0;
    let mut known: Vec<(u64, Change)> = Vec::new();
    if begun {
        known.extend(beginning().into_iter().map(|change| (0, change)));
    }
    for (change, later) in changes {
        seconds += later;
        // What is signed becomes known soon after; some is signed ahead of its time.
        let signed = T0 + seconds.saturating_sub(later / 8);
        let change = match change {
            Change::Attest(mut of) if later % 8 != 0 => {
                (of.issued_at, of.expires) = (signed, signed + of.expires - of.issued_at);
                Change::Attest(of)
            }
            Change::List(issuer, mut token, of) if later % 8 != 0 => {
                let life = token.claims.expires.map(|of| of - token.claims.issued_at);
                (token.claims.issued_at, token.claims.expires) = (signed, life.map(|life| signed + life));
                Change::List(issuer, token, of)
            }
            other => other,
        };
        known.push((seconds, change));
    }
    known
}

/// Of what the property below asks, all grounds and most reasons occur: it is not about nothing.
#[test]
fn every_ground_and_most_reasons_occur() {
    let mut runner = TestRunner::deterministic();
    let changes = prop::collection::vec((change(), 0..43_200_u64), 0..90);
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut firsts: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..200 {
        let known = in_time(changes.new_tree(&mut runner).unwrap().current(), true);
        let mut recogniser = Recogniser::new();
        for (seconds, change) in &known {
            let _ = apply(&mut recogniser, change, at(*seconds));
        }
        for _ in 0..50 {
            let (number, asking, purpose, hs, given, seconds) = asked().new_tree(&mut runner).unwrap().current();
            let (scheme, number, at) = (Scheme::Tin, number.to_string(), at(moment(&known, seconds)));
            let (asking, hs, given) = (&asking, &hs, &given);
            let answer = recogniser.recognise(&Question { scheme, number: &number, purpose, asking, hs, given, at });
            names.extend(answer.refusals.iter().map(name));
            let first = match &answer.verdict {
                Verdict::Recognised(of) => format!("{:?}", of.grounds).split([' ', '(']).next().unwrap().to_owned(),
                Verdict::Refused(refusal) => name(refusal),
            };
            *firsts.entry(first).or_default() += 1;
        }
    }
    for (wanted, least) in [("Agreements", 200), ("Own", 100), ("Mandate", 20)] {
        assert!(firsts.get(wanted).is_some_and(|found| *found >= least), "{wanted} {firsts:?}");
    }
    // Neither without a charter, nor cut; nobody speaks for the EU only where its administration is suspended.
    assert!(names.len() >= 30, "{} {names:?}", names.len());
}

/// Of the whole span the part in which something became known, and a day more.
fn moment(known: &[(u64, Change)], seconds: u64) -> u64 {
    let last = known.last().map_or(0, |(last, _)| *last);
    seconds * (last + 86_400) / SPAN
}

type Asked = (u8, MemberId, Purpose, Vec<&'static str>, Vec<&'static str>, u64);

fn asked() -> impl Strategy<Value = Asked> {
    let asking = prop::sample::select(vec![
        "customs-kr",
        "customs-kr",
        "customs-kr",
        "customs-kr",
        "customs-us",
        "customs-us",
        "customs-eu",
        "customs-eu",
        "platform-us",
        "nobody",
    ]);
    let purpose = prop::sample::select(vec![
        Purpose::Facilitation,
        Purpose::Facilitation,
        Purpose::SafetySecurity,
        Purpose::Revenue,
    ]);
    let hs = prop::sample::subsequence(vec!["240220", "24", "851712", "9303"], 0..3);
    let given = prop::sample::subsequence(vec!["order", "images"], 0..=2);
    let number = prop::sample::select(vec![0, 0, 0, 0, 1, 1, 2, 3]);
    (number, asking.prop_map(slug), purpose, hs, given, 0..SPAN)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn both_say_the_same_of_every_moment(
        changes in prop::collection::vec((change(), 0..43_200_u64), 0..90),
        questions in prop::collection::vec(asked(), 1..24),
        begun in prop::bool::weighted(0.9),
    ) {
        let known = in_time(changes, begun);
        let (mut recogniser, mut replay) = (Recogniser::new(), Replay::default());
        for (seconds, change) in &known {
            let taken = apply(&mut recogniser, change, at(*seconds));
            prop_assert_eq!(taken.is_ok(), replay.apply(change), "{:?} {:?}", change, taken);
        }
        for (number, asking, purpose, hs, given, seconds) in &questions {
            let (number, seconds) = (number.to_string(), &moment(&known, *seconds));
            let (scheme, at) = (Scheme::Tin, at(*seconds));
            let question = Question { scheme, number: &number, purpose: *purpose, asking, hs, given, at };
            let mut then = Replay::default();
            for (_, change) in known.iter().filter(|(of, _)| of <= seconds) {
                then.apply(change);
            }
            let (recognised, against) = then.answer(&question);
            let answer = recogniser.recognise(&question);
            let said = match &answer.verdict {
                Verdict::Refused(_) => None,
                Verdict::Recognised(of) => {
                    let grounds = match &of.grounds {
                        Grounds::Agreements(_) => "Agreements",
                        Grounds::Own => "Own",
                        Grounds::Mandate { .. } => "Mandate",
                    };
                    Some((grounds, of.benefits().iter().collect(), of.evidence.credential))
                }
            };
            prop_assert_eq!(&said, &recognised, "{:?} {:?}", question, answer.sentences());
            let mut names: BTreeSet<String> = answer.refusals.iter().chain(answer.refusal()).map(name).collect();
            if answer.more > 0 {
                names.extend(against.iter().map(|name| (*name).to_owned()));
            }
            prop_assert_eq!(names, against.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
            prop_assert_eq!(answer.refusal().is_some(), said.is_none());
            prop_assert!(said.is_some() || answer.benefits().is_empty());
            prop_assert!(!answer.sentences().is_empty());
        }
    }

    #[test]
    fn forgetting_changes_no_answer_about_later_moments(
        changes in prop::collection::vec((change(), 0..43_200_u64), 0..90),
        questions in prop::collection::vec(asked(), 1..24),
        before in 0..SPAN,
    ) {
        let known = in_time(changes, true);
        let (mut whole, mut forgetful) = (Recogniser::new(), Recogniser::new());
        for (seconds, change) in &known {
            let _ = apply(&mut whole, change, at(*seconds));
            let _ = apply(&mut forgetful, change, at(*seconds));
        }
        let before = moment(&known, before);
        let ended = forgetful.forget(at(before));
        prop_assert_eq!(forgetful.len() + ended, whole.len());
        for (number, asking, purpose, hs, given, seconds) in &questions {
            let (number, seconds) = (number.to_string(), moment(&known, *seconds));
            let (scheme, at) = (Scheme::Tin, at(seconds));
            let question = Question { scheme, number: &number, purpose: *purpose, asking, hs, given, at };
            let (whole, forgetful) = (whole.recognise(&question), forgetful.recognise(&question));
            match (forgetful.verdict, whole.verdict) {
                (Verdict::Refused(Refusal::HistoryCut { .. }), _) if seconds < before => {}
                (Verdict::Recognised(found), Verdict::Recognised(wanted)) => prop_assert_eq!(found, wanted),
                // What ended is not known any more.
                (Verdict::Refused(_), Verdict::Refused(_)) => {}
                (found, wanted) => prop_assert!(false, "{:?} {:?}", found, wanted),
            }
        }
    }
}
