//! Release, timeliness and the summary.

use super::*;

pub(super) fn toys() -> Rules {
    let control = r#"
        [[control]]
        control = "TOYS"
        agency = "agency-fr"
        hs = "9503"
        origin = "CN"
        destination = "EU"
        from = "2026-01-01"
        source = "toy safety"
        [[control]]
        control = "PLANTS"
        hs = "06"
        destination = "EU"
        from = "2026-01-01"
        source = "plant health"
        [[control]]
        control = "ENDED"
        hs = "9503"
        destination = "EU"
        from = "2020-01-01"
        until = "2025-12-31"
        source = "what was"
    "#;
    Rules::from_toml(control).unwrap()
}

fn decision(control: &str, state: &str) -> Json {
    json!({"type": "agency_decision", "reference": {"own_reference": format!("{control}{state}")}, "item": item(S10),
        "decision": {"control": control, "state": state}})
}

fn release(lodgings: &[Lodging]) -> Release {
    Life::of(closure(S10, lodgings), minute(100), &toys()).release
}

fn waited(release: &Release) -> Vec<(String, Option<Millis>)> {
    release.waited_for().map(|say| (say.control.clone(), say.since)).collect()
}

#[test]
fn release_takes_customs_and_every_agency_whose_control_applies() {
    let mut all = vec![lodge("post-gb", 0, declaration("D1", "import", 0))];
    let waits = release(&all);
    assert_eq!(waits.state, ReleaseState::Waiting);
    assert_eq!(waited(&waits), [("customs".into(), Some(minute(0))), ("TOYS".into(), Some(minute(0)))]);

    all.push(lodge("customs-fr", 10, response("C1", "released")));
    assert_eq!(waited(&release(&all)), [("TOYS".into(), Some(minute(0)))]);
    // An agency that speaks has a say, whatever the rules list.
    all.push(lodge("agency-fr", 20, decision("TOYS", "released")));
    assert_eq!(release(&all).state, ReleaseState::Released);
    all.push(lodge("agency-de", 25, decision("FOOD", "sampled")));
    assert_eq!(waited(&release(&all)), [("FOOD".into(), Some(minute(25)))]);
    all.push(lodge("agency-de", 30, decision("FOOD", "released")));
    assert_eq!(release(&all).state, ReleaseState::Released);
    // Duty that is due does not hold it, an examination does, a seizure ends it.
    all.push(lodge("customs-fr", 40, response("C2", "duty_due")));
    assert_eq!(release(&all).state, ReleaseState::Released);
    all.push(lodge("customs-fr", 50, response("C3", "held_exam")));
    assert_eq!(waited(&release(&all)), [("customs".into(), Some(minute(50)))]);
    all.push(lodge("customs-fr", 60, response("C4", "seized")));
    assert_eq!(release(&all).state, ReleaseState::Refused);
}

#[test]
fn only_who_has_a_say_releases() {
    let filed = lodge("post-gb", 0, declaration("D1", "import", 0));
    let toys = lodge("agency-fr", 20, decision("TOYS", "released"));
    for other in [
        lodge("customs-gb", 10, response("C", "released")),
        lodge("post-fr", 10, event("released_by_import_customs", 9)),
    ] {
        let told = release(&[filed.clone(), toys.clone(), other]);
        assert_eq!(told.state, ReleaseState::Waiting);
    }
    let stolen = lodge("customs-fr", 10, response("C", "released")).marked(SignatureMark::Unproven);
    assert_eq!(release(&[filed.clone(), toys.clone(), stolen]).state, ReleaseState::Waiting);
    let again = [
        filed,
        toys,
        lodge("customs-fr", 10, response("C1", "released")),
        lodge("customs-fr", 20, response("C2", "released")),
    ];
    assert_eq!(found(&life(&again, 30)), [Finding::ReleasedAgain]);
}

#[test]
fn what_is_not_shown_is_not_known() {
    let filed = lodge("post-gb", 0, declaration("D1", "import", 0));
    let released = lodge("customs-fr", 10, response("C1", "released"));
    let hidden = filed.clone().seen(&["filing", "item", "route"], Purpose::Delivery);
    let told = release(&[hidden, released.clone()]);
    assert_eq!((told.state, told.open), (ReleaseState::Unknown, vec!["PLANTS".to_owned(), "TOYS".to_owned()]));
    // Two declarations, one of which hides its codes, and a decision of which only its being there is shown.
    let mut fish = declaration("D2", "import", 0);
    fish["goods"][0]["classification"]["hs"] = "030200".into();
    let shown = lodge("broker-fr", 1, fish);
    let told = release(&[shown.clone(), released.clone()]);
    assert_eq!((told.state, told.open), (ReleaseState::Released, vec![]));
    let mute = lodge("agency-fr", 20, decision("FOOD", "held")).seen(&["reference", "item"], Purpose::Delivery);
    let told = release(&[shown.clone(), released.clone(), mute]);
    assert_eq!((told.state, told.open), (ReleaseState::Unknown, vec!["a decision of agency-fr".to_owned()]));
    let told = release(&[shown, released.clone(), filed.clone().seen(&["filing", "item", "route"], Purpose::Delivery)]);
    assert_eq!(told.state, ReleaseState::Unknown);
    let nowhere = filed.seen(&["filing", "item"], Purpose::Delivery);
    let told = release(&[nowhere, released]);
    assert_eq!(told.state, ReleaseState::Unknown);
    assert!(told.open.contains(&"customs".to_owned()));
}

fn flight(departs: u64, arrives: u64) -> Json {
    json!({"type": "consignment", "reference": {"own_reference": "F"}, "unit": {"level": "item", "id": S10, "scheme": "s10"},
        "transport": {"departs_at": clock(departs), "arrives_at": clock(arrives), "mode": "4"}})
}

fn verdicts(lodgings: &[Lodging]) -> Vec<(String, Verdict, Option<Verdict>)> {
    let told = life(lodgings, 10_000).timeliness;
    told.into_iter().map(|told| (told.rule, told.verdict, told.by_claim)).collect()
}

#[test]
fn only_proven_time_and_others_departures_decide() {
    let hour = 60 * 60_000;
    let filed = |at, claimed| lodge("post-gb", at, declaration("D1", "ens_preloading", claimed));
    let departed = lodge("carrier-gb", 130, event("departed", 120));
    let rule = || "eu-air-preloading".to_owned();
    let told = verdicts(&[filed(60, 60), departed.clone()]);
    assert_eq!(told, [(rule(), Verdict::InTime(hour), Some(Verdict::InTime(hour)))]);
    // Late, while claiming to be early.
    let told = verdicts(&[filed(180, 60), departed.clone()]);
    assert_eq!(told, [(rule(), Verdict::Late(hour), Some(Verdict::InTime(hour)))]);
    // Nothing proves it.
    let told = verdicts(&[filed(60, 60).unproven(), departed.clone()]);
    assert_eq!(told, [(rule(), Verdict::Unproven, Some(Verdict::InTime(hour)))]);
    // The filer's own word of the departure is none.
    let told = verdicts(&[filed(180, 60), lodge("post-gb", 300, event("departed", 290))]);
    assert_eq!(told, [(rule(), Verdict::NoDeparture, None)]);
    // An event of the loading comes before the departure.
    let told = verdicts(&[filed(110, 110), departed.clone(), lodge("carrier-gb", 140, event("loaded", 100))]);
    assert_eq!(told[0].1, Verdict::Late(10 * 60_000));
    // A correction does not make late what was in time.
    let mut later = declaration("D1", "ens_preloading", 200);
    later["filing"]["revision"] = 1.into();
    later["filing"]["action"] = "correction".into();
    let told = verdicts(&[filed(60, 60), lodge("post-gb", 200, later), departed]);
    assert_eq!(told, [(rule(), Verdict::InTime(hour), Some(Verdict::InTime(hour)))]);
}

#[test]
fn short_and_long_voyages_have_their_own_deadlines() {
    let filed = |at| lodge("post-gb", at, declaration("D1", "ens_prearrival", at));
    let told = verdicts(&[filed(60), lodge("carrier-gb", 5, flight(100, 200))]);
    assert_eq!(
        told,
        [("eu-air-prearrival-short".into(), Verdict::InTime(40 * 60_000), Some(Verdict::InTime(40 * 60_000)))]
    );
    let told = verdicts(&[filed(60), lodge("carrier-gb", 5, flight(100, 700))]);
    assert_eq!(told[0].0, "eu-air-prearrival-long");
    assert_eq!(told[0].1, Verdict::InTime(400 * 60_000));
    // By sea, as its carrier says, whatever the filing says.
    let mut sea = flight(100, 9_000);
    sea["transport"]["mode"] = "1".into();
    assert_eq!(verdicts(&[filed(60), lodge("carrier-gb", 5, sea)])[0].0, "eu-sea-long");
    // The filer's own consignment is none.
    assert_eq!(verdicts(&[filed(60), lodge("post-gb", 5, flight(100, 700))])[0].1, Verdict::NoDeparture);
}

#[test]
fn filings_in_an_outage_are_marked_and_not_late() {
    let late = lodge("post-gb", 180, declaration("D1", "ens_preloading", 60));
    let departed = lodge("carrier-gb", 130, event("departed", 120));
    let notice = |from: u64, to: u64| {
        json!({"type": "notice", "reference": {"own_reference": "N"},
            "notice": {"kind": "fallback", "starts_at": clock(from), "ends_at": clock(to)}})
    };
    let told = |issuer: &str, at: u64, from: u64, to: u64| {
        let all = [late.clone(), departed.clone(), lodge(issuer, at, notice(from, to))];
        let life = life(&all, 500);
        let afterwards = found(&life).contains(&Finding::NoticeAfterwards);
        (matches!(life.timeliness[0].verdict, Verdict::Fallback(3_600_000, _)), afterwards)
    };
    assert_eq!(told("post-gb", 55, 50, 100), (true, false));
    assert_eq!(told("post-gb", 300, 50, 100), (true, true));
    assert_eq!(told("post-gb", 55, 70, 100), (false, false), "it was made before");
    assert_eq!(told("post-us", 55, 50, 100), (false, false), "another's outage");
    // Customs where it files, which it names.
    let mut named = declaration("D1", "ens_preloading", 60);
    named["handling"] = json!({"destination_customs": "customs-fr"});
    let all = [lodge("post-gb", 180, named), departed, lodge("customs-fr", 55, notice(50, 100))];
    let verdict = life(&all, 500).timeliness[0].verdict;
    assert_eq!(verdict, Verdict::Fallback(3_600_000, all[2].root));
}

#[test]
fn an_own_filing_is_proven_by_the_customs_whose_deadline_it_is() {
    let hour = 60 * 60_000;
    let filed = || lodge("post-gb", 60, declaration("D1", "ens_preloading", 60)).unproven();
    let departed = lodge("carrier-gb", 130, event("departed", 120));
    let told = |filed: Lodging| life(&[filed, departed.clone()], 10_000).timeliness.remove(0);
    let early = told(filed().lodged_with("post-fr", Some(61)).lodged_with("customs-fr", Some(90)));
    assert_eq!((early.verdict, early.proven), (Verdict::InTime(hour / 2), Some(minute(90))));
    assert_eq!(early.lodged_with, Some("customs-fr".parse().unwrap()));
    let late = told(filed().lodged_with("customs-fr", Some(180)));
    assert_eq!((late.verdict, late.by_claim), (Verdict::Late(hour), Some(Verdict::InTime(hour))));
    // Of two that it concerns the first counts; what others prove counts for nothing.
    let both = told(filed().lodged_with("customs-fr", Some(180)).lodged_with("customs-eu", Some(100)));
    assert_eq!(both.proven, Some(minute(100)));
    for (member, proven) in [("customs-us", Some(61)), ("post-fr", Some(61)), ("customs-fr", None)] {
        let none = told(filed().lodged_with(member, proven));
        assert_eq!((none.verdict, none.lodged_with), (Verdict::Unproven, None), "{member}");
    }
}

#[test]
fn immediate_release_is_told_with_its_rule_or_that_it_cannot_be_told() {
    let book = std::sync::Arc::new(crate::reference::RuleBook::builtin().unwrap());
    let mut json = declaration("D1", "import", 0);
    json["goods"][0]["value"] = json!({"amount": "90.00", "currency": "EUR"});
    json["goods"][0]["classification"]["hs"] = "610910".into();
    let filed = lodge("post-gb", 0, json);
    let told = |lodgings: &[Lodging]| {
        let life = Life::of(closure(S10, lodgings), minute(100), &toys());
        life.immediate(|table| std::sync::Arc::new(crate::quality::Checker::new(table, &book))).remove(0)
    };
    let own = told(std::slice::from_ref(&filed));
    assert_eq!(own.category, crate::quality::Category::Three, "{own:?}");
    assert!(own.list.is_some() && !own.required.is_empty() && !own.missing.is_empty(), "{own:?}");
    let referral = json!({"type": "referral", "reference": {"own_reference": "R"}, "item": item(S10),
        "referral": {"kind": "rfi", "reference": "R-1", "state": "open"}});
    let asked = told(&[filed.clone(), lodge("customs-fr", 10, referral)]);
    assert_eq!(asked.category, crate::quality::Category::Excluded, "{asked:?}");
    // Two views of one record, of which together everything that decides is shown.
    let table = filed.sealed.content().table();
    let all: Vec<&str> = table.groups.iter().map(|group| group.name).filter(|name| *name != "value").collect();
    let blind = filed.clone().seen(&all, Purpose::Delivery);
    let hidden = told(std::slice::from_ref(&blind));
    assert_eq!((hidden.category, hidden.hidden), (crate::quality::Category::NotShown, vec!["value".to_owned()]));
    let value = filed.seen(&["filing", "item", "value"], Purpose::Delivery);
    assert_eq!(told(&[blind, value]), own);
}

#[test]
fn the_summary_shows_what_the_joined_views_show_with_where_it_is_from() {
    let mut secret = declaration("D1", "import", 0);
    secret["addressee"] = json!({"name": "Madame Secret"});
    secret["principal"] = json!({"capacity": "operator", "name": "Tiny Shop"});
    let record = lodge("post-gb", 0, secret);
    let safety = record.clone().seen(&["filing", "item", "route"], Purpose::SafetySecurity);
    let revenue = record.seen(&["filing", "item", "addressee", "principal"], Purpose::Revenue);
    let both = [safety, revenue];
    let held: Vec<Held<'_>> = both.iter().map(Lodging::held).collect();
    let report = |purposes: &[Purpose]| {
        let closure = Closure::of(&key(S10), &held, &purposes.iter().copied().collect());
        Life::of(closure, minute(100), &toys()).report()
    };
    let one = report(&[Purpose::SafetySecurity]);
    let text = serde_json::to_string(&one).unwrap();
    assert!(!text.contains("Secret") && !text.contains("Tiny Shop") && !text.contains("revenue"), "{text}");
    assert_eq!(one.route["destination"][0].purpose, Some(Purpose::SafetySecurity));
    assert_eq!(one.route["destination"][0].root, both[0].root.hex());
    let other = report(&[Purpose::Revenue]);
    assert!(other.route.is_empty() && serde_json::to_string(&other).unwrap().contains("Madame Secret"));
    assert_eq!(other.parties[0].principals[0].value, "Tiny Shop");
    let joined = report(&[Purpose::Revenue, Purpose::SafetySecurity]);
    assert_eq!(joined.records["declaration"].len(), 1, "one record");
    assert_eq!(joined.records["declaration"][0].views.len(), 2, "in two views");
    assert!(report(&[]).records.is_empty());
    // It comes back as it went out.
    let text = serde_json::to_string(&joined).unwrap();
    assert_eq!(serde_json::from_str::<crate::api::LifeReport>(&text).unwrap(), joined);
}

#[test]
fn a_status_of_a_bag_is_one_of_its_items() {
    let bag = "GBLONAFRPARAACN60001001000123";
    let mut declared = declaration("D1", "ens_preloading", 0);
    declared["item"]["receptacle"] = bag.into();
    let departed = |id: &str| {
        json!({"type": "event", "reference": {"own_reference": id}, "unit": {"level": "receptacle", "id": id},
            "event": {"code": "departed", "at": clock(60)}})
    };
    let all = [
        lodge("post-gb", 0, declared),
        lodge("carrier-gb", 61, departed(bag)),
        lodge("carrier-gb", 61, departed("GBLONAFRPARAACN60001002000123")),
    ];
    let told = life(&all, 100);
    assert_eq!(roots(&told.closure), BTreeSet::from([all[0].root, all[1].root]));
    assert_eq!(told.timeliness[0].verdict, Verdict::InTime(60 * 60_000));
    assert_eq!(told.steps[1].through, Through::Unit);
}

#[test]
fn what_names_its_item_where_that_is_hidden_is_not_one_of_every_item_of_the_bag() {
    let bag = "GBLONAFRPARAACN60001001000123";
    let mut declared = declaration("D1", "ens_preloading", 0);
    declared["item"]["receptacle"] = bag.into();
    let refused = json!({"type": "referral", "reference": {"own_reference": "R"}, "item": item(&s10(5)),
        "unit": {"level": "receptacle", "id": bag},
        "referral": {"kind": "dnl", "reference": "REF5", "state": "open"}});
    let other = lodge("customs-fr", 5, refused);
    let all = [
        lodge("post-gb", 0, declared),
        other.clone(),
        other.seen(&["reference", "unit", "referral"], Purpose::Delivery),
    ];
    assert_eq!(roots(&closure(S10, &all)), BTreeSet::from([all[0].root]));
    assert_eq!(roots(&closure(S10, &[all[0].clone(), all[2].clone()])), BTreeSet::from([all[0].root]));
    // The kind of member that stands behind a record may be hidden too.
    let mut acts = response("C1", "released");
    acts["principal"] = json!({"capacity": "agent", "kind": "customs", "name": "Customs"});
    let acts = lodge("post-fr", 5, acts).seen(&["reference", "item", "response"], Purpose::Delivery);
    assert!(!found(&life(&[all[0].clone(), acts], 9)).contains(&Finding::NotTheirs));
}
