//! Versions, withdrawals, supersession, expiry, how often an indicator was right, and what is proposed.

use super::*;
use crate::document::Benefit;

fn sought() -> Json {
    json!({ "goods_sought": [{ "hs": "95" }] })
}

fn toys() -> Content {
    declaration(json!({ "goods": [{ "classification": { "hs": "950300" } }] }))
}

fn version(number: u64, reference: Json, main: Json) -> Indicator {
    Indicator::read(&issuer(), &record(number, sought(), reference, main)).unwrap()
}

#[test]
fn the_newest_version_holds_whichever_comes_first() {
    let (first, second) =
        (version(1, json!({}), json!({})), version(1, json!({ "revision": 1 }), json!({ "confidence": 90 })));
    for order in [[&first, &second], [&second, &first]] {
        let mut screener = Screener::default();
        order.into_iter().for_each(|one| {
            screener.take(one.clone()).unwrap();
        });
        let content = toys();
        let reading = Reading::of(content.table());
        let found = screener.screen(&reading.read(&content), NOW);
        assert_eq!(found.iter().map(|hit| hit.score).collect::<Vec<_>>(), [900_000]);
        assert_eq!(screener.take(first.clone()), Ok(Taken::Known));
    }
}

#[test]
fn what_is_withdrawn_or_superseded_never_comes_back() {
    let withdrawal = version(1, json!({ "revision": 2, "action": "cancellation" }), json!({}));
    let mut screener = Screener::default();
    assert_eq!(screener.take(withdrawal), Ok(Taken::Gone));
    assert_eq!(screener.take(version(1, json!({ "revision": 1 }), json!({}))), Ok(Taken::Known));
    let replaces = version(3, json!({}), json!({ "supersedes": id(2) }));
    assert_eq!(screener.take(replaces), Ok(Taken::Live));
    assert_eq!(screener.take(version(2, json!({}), json!({}))), Ok(Taken::Gone));
    assert_eq!(hits(&screener, &toys(), NOW), [id(3)]);
    // Another issuer's indicator of the same identifier is another one.
    let other = Indicator { issuer: "customs-b".parse().unwrap(), ..version(2, json!({}), json!({})) };
    assert_eq!(screener.take(other), Ok(Taken::Live));
    assert_eq!(hits(&screener, &toys(), NOW).len(), 2);
    // All of it stands after the index was made anew.
    screener.expire(NOW);
    assert_eq!(hits(&screener, &toys(), NOW).len(), 2);
    assert_eq!(screener.take(version(1, json!({ "revision": 1 }), json!({}))), Ok(Taken::Known));
    assert_eq!(screener.take(version(2, json!({ "revision": 9 }), json!({}))), Ok(Taken::Gone));
}

#[test]
fn it_holds_from_its_first_moment_until_its_last_and_no_longer() {
    let screener_of = screener([version(1, json!({}), json!({}))]);
    let end = NOW.plus(30 * DAY);
    for (at, holds) in [(Millis(NOW.0 - 1), false), (NOW, true), (Millis(end.0 - 1), true), (end, false)] {
        assert_eq!(hits(&screener_of, &toys(), at).len(), usize::from(holds), "{at}");
        assert_eq!(screener_of.live(at).count(), usize::from(holds));
    }
    let mut screener = screener_of;
    assert_eq!(screener.expire(Millis(end.0 - 1)), 0);
    assert_eq!(screener.expire(end), 1);
    let read = |main: Json| Indicator::read(&issuer(), &record(1, sought(), json!({}), main));
    assert_eq!(read(json!({ "valid_until": NOW.to_string() })), Err(IndicatorError::Ends));
    let long = read(json!({ "valid_until": NOW.plus(731 * DAY).to_string() }));
    assert_eq!(long, Err(IndicatorError::Long { days: 731 }));
}

#[test]
fn a_condition_of_which_nothing_is_left_is_refused_and_not_left_out() {
    let read =
        |sought: Json| Indicator::read(&issuer(), &record(1, sought, json!({}), json!({}))).unwrap_err().to_string();
    let nothing = |place: &str| format!("/{place}: no letter and no digit");
    assert_eq!(
        read(json!({ "numbers_sought": [{ "prefix": "-/", "operator": "GB" }] })),
        nothing("numbers_sought/1/prefix")
    );
    assert_eq!(read(json!({ "parties_sought": [{ "id": "--", "country": "GB" }] })), nothing("parties_sought/1/id"));
    assert_eq!(
        read(json!({ "parties_sought": [{ "name": "--", "country": "GB" }] })),
        nothing("parties_sought/1/name")
    );
    assert_eq!(read(json!({ "goods_sought": [{ "words": "- -", "hs": "95" }] })), nothing("goods_sought/1/words"));
}

#[test]
fn many_versions_and_withdrawals_leave_only_what_holds() {
    let mut screener = Screener::default();
    for number in 0..3_000u64 {
        screener.take(version(number % 50, json!({ "revision": number / 50 }), json!({}))).unwrap();
    }
    assert_eq!(hits(&screener, &toys(), NOW).len(), 50);
    for number in 0..49 {
        screener.take(version(number, json!({ "revision": 9_000, "action": "cancellation" }), json!({}))).unwrap();
    }
    assert_eq!(hits(&screener, &toys(), NOW), [id(49)]);
}

#[test]
fn inspections_outweigh_confidence_as_they_grow() {
    let mut screener = screener([version(1, json!({}), json!({}))]);
    let mut score = |inspected, confirmed| {
        screener.measure(&issuer(), &id(1), Measured { inspected, confirmed });
        let content = toys();
        let reading = Reading::of(content.table());
        screener.screen(&reading.read(&content), NOW)[0].score
    };
    assert_eq!(score(0, 0), 600_000);
    assert_eq!(score(10, 0), 300_000);
    assert_eq!(score(10, 10), 800_000);
    assert_eq!(score(990, 0), 6_000);
    assert_eq!(score(u64::MAX, u64::MAX), 999_999);
}

#[test]
fn the_strongest_rule_that_holds_proposes_and_benefits_ease_but_not_what_endangers() {
    let rules = ScreeningRules::sample().unwrap();
    let day = NOW.day();
    let with = |main: Json, benefits: &[Benefit]| {
        let screener = screener([version(1, json!({}), main)]);
        let content = toys();
        let reading = Reading::of(content.table());
        let found = screener.screen(&reading.read(&content), NOW);
        let told = rules.assess(&found, benefits, day);
        (told.score, told.proposal.map(|(advice, _)| advice), told.eased_by)
    };
    let eased = [Benefit::FewerControls];
    assert_eq!(with(json!({ "threat": "counterfeit" }), &[]), (600_000, Some(Advice::Inspect), vec![]));
    assert_eq!(with(json!({ "threat": "counterfeit" }), &eased), (300_000, Some(Advice::Inform), eased.to_vec()));
    assert_eq!(with(json!({ "threat": "narcotics" }), &eased), (600_000, Some(Advice::Inspect), vec![]));
    let load = json!({ "threat": "explosives", "advice": "do_not_load", "confidence": 60 });
    assert_eq!(with(load, &eased), (600_000, Some(Advice::DoNotLoad), vec![]));
    let advised = json!({ "threat": "explosives", "advice": "inspect", "confidence": 99 });
    assert_eq!(with(advised, &[]).1, Some(Advice::Inspect));
    assert_eq!(with(json!({ "confidence": 0 }), &[]).1, None);
    // Before the rules of the sample begin there are none.
    let none = rules.assess(&[], &[], "2025-12-31".parse().unwrap());
    assert_eq!((none.score, none.proposal), (0, None));
}

#[test]
fn wrong_rules_are_refused_by_name() {
    let refused = |text: &str| ScreeningRules::from_toml(text).unwrap_err().to_string();
    let rule = |rest: &str| format!("[[rule]]\nid = \"a\"\npropose = \"inspect\"\nfrom = \"2026-01-01\"\n{rest}\n");
    assert_eq!(refused(&rule("min_score = 1001")), "rule 'a': min_score is in thousandths: at most 1000");
    assert_eq!(refused(&rule("min_score = 1\nuntil = \"2025-01-01\"")), "rule 'a': it ends before it begins");
    assert_eq!(refused(&(rule("min_score = 1") + &rule("min_score = 1"))), "rule 'a': its id stands twice");
    assert!(refused(&rule("min_score = 1\nsomething = 1")).contains("something"));
    assert!(refused(&rule("min_score = 1\nthreats = [\"bees\"]")).contains("bees"));
}

#[test]
fn what_would_hit_half_the_world_is_told() {
    let lists = WarningLists::from_toml(
        "[[list]]\nname = \"carriers\"\nnames = [\"Example Express Ltd\"]\nids = [\"EX-1\"]\nwords = [\"gift box\"]",
    )
    .unwrap();
    let breadth =
        |sought: Json| lists.breadth(&indicator(1, sought)).iter().map(ToString::to_string).collect::<Vec<_>>();
    let first = |sought: Json| breadth(sought).first().cloned().unwrap_or_default();
    assert_eq!(
        breadth(json!({ "goods_sought": [{ "hs": "950300" }], "routes_sought": [{ "departure": "CN" }] })),
        Vec::<String>::new()
    );
    assert!(first(json!({})).starts_with("it looks for nothing"));
    assert!(first(json!({ "mass_sought": { "from_kg": "1" } })).starts_with("it names neither goods"));
    assert!(first(json!({ "goods_sought": [{ "hs": "95" }] })).starts_with("goods_sought/1: a whole chapter (95)"));
    assert!(first(json!({ "goods_sought": [{ "words": "a set" }] })).contains("too many descriptions"));
    assert!(first(json!({ "routes_sought": [{ "departure": "CN" }] })).contains("all that takes a way"));
    assert!(first(json!({ "numbers_sought": [{ "prefix": "RB" }] })).contains("a whole series"));
    assert!(first(json!({ "parties_sought": [{ "name": "Trading Co" }] })).contains("words that many names have"));
    assert_eq!(
        first(json!({ "parties_sought": [{ "id": "ex1" }] })),
        "parties_sought/1/id: 'EX1' stands on the warning list 'carriers'"
    );
    assert!(first(json!({ "parties_sought": [{ "name": "EXAMPLE EXPRESS" }] })).ends_with("warning list 'carriers'"));
    assert!(first(json!({ "goods_sought": [{ "words": "Gift-Box" }] })).ends_with("warning list 'carriers'"));
    assert_eq!(breadth(json!({ "sites": [{ "url": "https://shop.example" }] })), Vec::<String>::new());
}
