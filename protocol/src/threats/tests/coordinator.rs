//! What a coordinator brings together and grades: one hit instead of several, another confidence, and nothing that stays when it goes.

use proptest::prelude::*;

use super::screening::{any_groups, any_sought};
use super::*;
use crate::testing::Numbers;

const COORDINATORS: [&str; 2] = ["wco-cen", "wco-ril"];

fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}

fn is_coordinator(issuer: &MemberId) -> bool {
    COORDINATORS.contains(&issuer.as_str())
}

/// An indicator of a member about toys, with these groups beside.
fn of(issuer: &str, number: u64, groups: Json, reference: Json, main: Json) -> Indicator {
    let mut sought = json!({ "goods_sought": [{ "hs": "9503" }] });
    for (group, value) in groups.as_object().unwrap() {
        sought[group] = value.clone();
    }
    Indicator::read(&member(issuer), &record(number, sought, reference, main)).unwrap()
}

fn merges(rows: &[(&str, u64, Option<u8>)]) -> Json {
    let row = |(issuer, number, grade): &(&str, u64, Option<u8>)| {
        let mut row = json!({ "issuer": issuer, "indicator": id(*number) });
        if let Some(grade) = grade {
            row["grade"] = (*grade).into();
        }
        row
    };
    json!({ "merges": rows.iter().map(row).collect::<Vec<_>>() })
}

fn taken(all: impl IntoIterator<Item = Indicator>) -> Screener {
    let mut screener = Screener::default();
    for indicator in all {
        let coordinates = is_coordinator(&indicator.issuer);
        screener.take_from(indicator, coordinates).unwrap();
    }
    screener
}

/// What hits toys: issuer and number, score in hundredths, and what stands below it.
fn told(screener: &Screener, at: Millis) -> Vec<(String, u64, Vec<String>)> {
    let content = declaration(json!({ "goods": [{ "classification": { "hs": "950300" } }] }));
    let reading = Reading::of(content.table());
    let short = |issuer: &MemberId, of: &IndicatorId| {
        let number = (0..99).find(|number| id(*number) == *of).unwrap();
        format!("{issuer} {number}")
    };
    let hit = |hit: Hit<'_>| {
        let below = hit.merged.iter().map(|hit| short(&hit.indicator.issuer, &hit.indicator.id)).collect();
        (short(&hit.indicator.issuer, &hit.indicator.id), hit.score / 10_000, below)
    };
    screener.screen(&reading.read(&content), at).into_iter().map(hit).collect()
}

fn line(of: &str, score: u64, below: &[&str]) -> (String, u64, Vec<String>) {
    (of.to_owned(), score, below.iter().map(|of| (*of).to_owned()).collect())
}

#[test]
fn what_is_brought_together_is_one_hit_and_what_is_graded_counts_by_its_grade() {
    let none = || json!({});
    let issuers = || [of("customs-a", 1, none(), none(), none()), of("customs-b", 2, none(), none(), none())];
    let own = [line("customs-a 1", 60, &[]), line("customs-b 2", 60, &[])];
    assert_eq!(told(&taken(issuers()), NOW), own);
    // Both met: one hit, of the coordinator's own confidence.
    let both = merges(&[("customs-a", 1, None), ("customs-b", 2, Some(10)), ("customs-c", 3, Some(90))]);
    let until = NOW.plus(DAY);
    let main = json!({ "confidence": 80, "valid_until": until.to_string() });
    let mut screener = taken(issuers().into_iter().chain([of("wco-cen", 7, both, none(), main)]));
    assert_eq!(told(&screener, NOW), [line("wco-cen 7", 80, &["customs-a 1", "customs-b 2"])]);
    // What is told of it: of those that are held, and of no other.
    let mut graded: Vec<_> = screener
        .graded(NOW)
        .map(|graded| (graded.indicator.issuer.to_string(), graded.merged.grade, graded.muted))
        .collect();
    graded.sort();
    assert_eq!(graded, [("customs-a".into(), None, false), ("customs-b".into(), Some(10), false)]);
    // Its end restores the issuers' own; so does its withdrawal.
    assert_eq!(told(&screener, until), own);
    assert_eq!(screener.graded(until).count(), 0);
    let gone = of("wco-cen", 7, none(), json!({ "revision": 1, "action": "cancellation" }), none());
    assert_eq!(screener.take(gone), Ok(Taken::Gone));
    assert_eq!(told(&screener, NOW), own);
}

#[test]
fn a_grade_replaces_confidence_and_nothing_mutes_what_another_keeps() {
    // A coordinator's that looks for nothing itself only grades.
    let grades = |issuer: &str, number: u64, grade: u8| {
        let rows = merges(&[("customs-a", 1, Some(grade))]);
        Indicator::read(&member(issuer), &record(number, rows, json!({}), json!({}))).unwrap()
    };
    let own = || of("customs-a", 1, json!({}), json!({}), json!({}));
    assert_eq!(told(&taken([own(), grades("wco-cen", 7, 20)]), NOW), [line("customs-a 1", 20, &[])]);
    let muted = taken([grades("wco-cen", 7, 0), own()]);
    assert!(told(&muted, NOW).is_empty());
    let why = muted.graded(NOW).next().unwrap();
    assert!(why.muted && why.indicator.issuer == issuer() && why.by.issuer == member("wco-cen"));
    assert_eq!(muted.live(NOW).count(), 1);
    let kept = taken([grades("wco-cen", 7, 0), own(), grades("wco-ril", 8, 30)]);
    assert_eq!(told(&kept, NOW), [line("customs-a 1", 30, &[])]);
    assert!(kept.graded(NOW).all(|graded| !graded.muted));
    // Inspections outweigh a grade as they outweigh confidence.
    let mut inspected = taken([own(), grades("wco-cen", 7, 20)]);
    inspected.measure(&issuer(), &id(1), Measured { inspected: 10, confirmed: 10 });
    assert_eq!(told(&inspected, NOW), [line("customs-a 1", 60, &[])]);
    // A newer version of it takes the grade's place.
    let mut newer = taken([own(), grades("wco-cen", 7, 0)]);
    let rows = merges(&[("customs-a", 1, Some(90))]);
    let version = Indicator::read(&member("wco-cen"), &record(7, rows, json!({ "revision": 1 }), json!({}))).unwrap();
    assert_eq!(newer.take_from(version, true), Ok(Taken::Live));
    assert_eq!(told(&newer, NOW), [line("customs-a 1", 90, &[])]);
}

#[test]
fn who_is_no_coordinator_merges_nothing() {
    let rows = || merges(&[("customs-a", 1, Some(0))]);
    let of_b = of("customs-b", 2, rows(), json!({}), json!({}));
    assert_eq!(
        of_b.may_merge(false).unwrap_err().to_string(),
        "customs-b merges indicators of others, and the charter in force does not name it as coordinator\nhint: without the group 'merges' it is an indicator as any other"
    );
    assert_eq!(of_b.may_merge(true), Ok(()));
    // Who holds such a one nevertheless is told nothing by what it says of others.
    let own = || of("customs-a", 1, json!({}), json!({}), json!({}));
    let held = [line("customs-a 1", 60, &[]), line("customs-b 2", 60, &[])];
    assert_eq!(told(&taken([own(), of_b]), NOW), held);
    // A charter that names another one ends it, and the next one may bring it back.
    let mut screener = taken([own(), of("wco-cen", 7, rows(), json!({}), json!({}))]);
    assert_eq!(told(&screener, NOW), [line("wco-cen 7", 60, &[])]);
    assert!(screener.coordinate(|issuer| issuer.as_str() == "wco-ril").is_empty());
    let both = [line("customs-a 1", 60, &[]), line("wco-cen 7", 60, &[])];
    assert_eq!(told(&screener, NOW), both);
    screener.expire(NOW);
    assert_eq!(told(&screener, NOW), both);
    let begin = screener.coordinate(is_coordinator);
    assert_eq!(begin.iter().map(|one| one.issuer.as_str()).collect::<Vec<_>>(), ["wco-cen"]);
    assert!(screener.coordinate(is_coordinator).is_empty());
    assert_eq!(told(&screener, NOW), [line("wco-cen 7", 60, &[])]);
    let back = of("wco-cen", 7, rows(), json!({ "revision": 1, "action": "cancellation" }), json!({}));
    assert_eq!(screener.take_from(back, false), Ok(Taken::Gone));
    assert!(screener.coordinate(is_coordinator).is_empty());
    assert_eq!(told(&screener, NOW), [line("customs-a 1", 60, &[])]);
}

#[test]
fn coordinators_do_not_put_each_other_away() {
    let against = |issuer: &str, number: u64, other: &str, its: u64| {
        of(issuer, number, merges(&[(other, its, Some(0))]), json!({}), json!({}))
    };
    let screener = taken([against("wco-cen", 7, "wco-ril", 8), against("wco-ril", 8, "wco-cen", 7)]);
    assert_eq!(told(&screener, NOW), [line("wco-cen 7", 60, &[]), line("wco-ril 8", 60, &[])]);
    assert_eq!(screener.graded(NOW).count(), 0);
}

#[test]
fn rows_that_cannot_be_meant_are_refused() {
    let refused = |rows: Json| {
        let content = record(7, json!({ "merges": rows }), json!({}), json!({}));
        Indicator::read(&member("wco-cen"), &content).unwrap_err().to_string()
    };
    let row = |issuer: &str| json!({ "issuer": issuer, "indicator": id(1) });
    assert_eq!(
        refused(json!([row("wco-cen")])),
        "/merges/1/issuer: its own indicator\nhint: 'supersedes' names the one that it replaces"
    );
    assert_eq!(
        refused(json!([row("customs-a"), row("customs-b"), row("customs-a")])),
        "/merges/3/indicator: it stands twice"
    );
    assert!(
        refused(json!([{ "issuer": "customs-a", "indicator": "indicator--1" }])).starts_with("/merges/1/indicator: ")
    );
}

#[test]
fn stix_keeps_what_is_brought_together() {
    let content = record(7, merges(&[("customs-a", 1, Some(40))]), json!({}), json!({}));
    let json = crate::record::content_to_json(&content);
    let [_, _, object] = to_stix(&member("wco-cen"), &json, NOW).unwrap();
    let back = from_stix(&object, 30).unwrap();
    assert_eq!(back["merges"], json["merges"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// The index tells what comparing with each tells; the order of arrival does not matter; without the coordinators' all is as if they had
    /// never been.
    #[test]
    fn order_does_not_matter_and_withdrawal_restores(seed in any::<u64>()) {
        let mut numbers = Numbers(seed);
        let mut all = Vec::new();
        for number in 0..40 {
            let issuer = ["customs-a", "customs-b", "wco-cen", "wco-ril"][numbers.up_to(3) as usize];
            let mut sought = any_sought(&mut numbers);
            if is_coordinator(&member(issuer)) {
                let mut rows: Vec<Json> = Vec::new();
                for _ in 0..=numbers.up_to(5) {
                    let other = ["customs-a", "customs-b", "wco-cen", "wco-ril"][numbers.up_to(3) as usize];
                    let mut row = json!({ "issuer": other, "indicator": id(numbers.up_to(20)) });
                    let twice = rows.iter().any(|before| before["issuer"] == row["issuer"] && before["indicator"] == row["indicator"]);
                    if other == issuer || twice {
                        continue;
                    }
                    if numbers.up_to(1) == 0 {
                        row["grade"] = (numbers.up_to(2) * 40).into();
                    }
                    rows.push(row);
                }
                if !rows.is_empty() {
                    sought["merges"] = rows.into();
                }
            }
            let content = record(number % 20, sought, json!({ "revision": number / 20 }), json!({}));
            all.extend(Indicator::read(&member(issuer), &content).ok());
        }
        let (one, mut other) = (taken(all.clone()), {
            let mut shuffled = all.clone();
            for at in (1..shuffled.len()).rev() {
                shuffled.swap(at, numbers.up_to(at as u64) as usize);
            }
            taken(shuffled)
        });
        let declarations: Vec<Content> = (0..30).map(|_| declaration(any_groups(&mut numbers))).collect();
        for content in &declarations {
            let reading = Reading::of(content.table());
            let subject = reading.read(content);
            let found = one.screen(&subject, NOW);
            prop_assert_eq!(&found, &other.screen(&subject, NOW));
            prop_assert_eq!(&found, &one.screen_all(&subject, NOW));
            for hit in &found {
                prop_assert!(hit.merged.is_empty() || is_coordinator(&hit.indicator.issuer));
            }
        }
        let plain = taken(all.iter().filter(|one| !is_coordinator(&one.issuer)).cloned());
        for number in 0..20 {
            for coordinator in COORDINATORS {
                let last = record(number, json!({}), json!({ "revision": 9, "action": "cancellation" }), json!({}));
                other.take(Indicator::read(&member(coordinator), &last).unwrap()).unwrap();
            }
        }
        for content in &declarations {
            let reading = Reading::of(content.table());
            let subject = reading.read(content);
            prop_assert_eq!(plain.screen(&subject, NOW), other.screen(&subject, NOW));
        }
    }
}
