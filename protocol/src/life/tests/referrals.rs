//! Every kind of referral lived to its end.

use super::*;

fn referral(kind: &str, revision: u64, state: &str, deadline: u64) -> Json {
    json!({
        "type": "referral",
        "reference": {"own_reference": "R1", "revision": revision, "action": if revision == 0 { "original" } else { "correction" }},
        "item": item(S10),
        "referral": {"kind": kind, "reference": "REF1", "state": state, "deadline": clock(deadline)},
        "handling": {"filer": "post-gb", "carrier": "carrier-gb", "origin_customs": "customs-gb", "destination_customs": "customs-fr"},
    })
}

fn answer(reference: &str, kind: &str, outcome: &str) -> Json {
    json!({"type": "referral_answer", "reference": {"own_reference": reference}, "item": item(S10),
        "answer": {"kind": kind, "reference": "REF1", "outcome": outcome}})
}

fn filed() -> Lodging {
    lodge("post-gb", 0, declaration("D1", "ens_preloading", 0))
}

fn state(lodgings: &[Lodging], now: u64) -> ReferralState {
    life(lodgings, now).referrals[0].state
}

#[test]
fn a_request_for_information_is_answered_called_insufficient_answered_again_and_closed() {
    let mut all = vec![filed(), lodge("customs-fr", 10, referral("rfi", 0, "open", 100))];
    assert_eq!(state(&all, 20), ReferralState::Open);
    let first = life(&all, 20);
    assert_eq!(first.referrals[0].addressees.len(), 2);
    assert!(!first.referrals[0].overdue && first.flags.is_empty(), "{:?}", first.flags);

    all.push(lodge("post-gb", 30, answer("A1", "rfi", "information_given")));
    assert_eq!(state(&all, 40), ReferralState::Answered);
    all.push(lodge("customs-fr", 40, referral("rfi", 1, "insufficient", 100)));
    assert_eq!(state(&all, 50), ReferralState::Insufficient);
    assert!(found(&life(&all, 50)).is_empty());
    let overdue = life(&all, 101);
    assert!(overdue.referrals[0].overdue && found(&overdue) == [Finding::Overdue]);

    all.push(lodge("post-gb", 60, answer("A2", "rfi", "information_given")));
    assert_eq!(state(&all, 70), ReferralState::Answered);
    all.push(lodge("customs-fr", 80, response("C1", "assessment_complete")));
    let ended = life(&all, 200);
    assert_eq!(ended.referrals[0].state, ReferralState::Closed);
    assert!(ended.flags.is_empty() && ended.alarms.is_empty(), "{:?}", ended.flags);
    assert!(ended.steps.iter().all(|step| step.counts == (step.standing == Standing::Current)));
}

#[test]
fn an_assessment_while_a_referral_is_open_is_told_and_not_counted() {
    let all = [
        filed(),
        lodge("customs-fr", 10, referral("rfs", 0, "open", 100)),
        lodge("customs-fr", 20, response("C1", "assessment_complete")),
        lodge("post-gb", 30, answer("A1", "rfs", "screened_clear")),
    ];
    let early = life(&all, 40);
    assert_eq!(found(&early), [Finding::AssessmentWhileOpen]);
    assert_eq!(early.referrals[0].state, ReferralState::Answered);
    let step = early.steps.iter().find(|step| step.what == "customs_response/assessment_complete").unwrap();
    assert!(!step.counts);
    // Another administration's assessment says nothing of this referral.
    let other = [all[0].clone(), all[1].clone(), lodge("customs-gb", 20, response("C1", "assessment_complete"))];
    assert!(found(&life(&other, 40)).is_empty());
    assert_eq!(life(&other, 40).referrals[0].state, ReferralState::Open);
}

#[test]
fn a_screening_ends_with_its_result_and_a_late_answer_is_told() {
    let mut all = vec![filed(), lodge("customs-fr", 10, referral("rfs", 0, "open", 20))];
    all.push(lodge("carrier-gb", 30, answer("A1", "rfs", "screened_suspicious")));
    all.push(lodge("customs-fr", 40, referral("rfs", 1, "closed", 20)));
    let ended = life(&all, 50);
    assert_eq!(ended.referrals[0].state, ReferralState::Closed);
    assert_eq!(ended.referrals[0].answers[0].outcome, Some(Outcome::ScreenedSuspicious));
    assert_eq!(found(&ended), [Finding::AnswerLate]);
    all.push(lodge("carrier-gb", 60, answer("A2", "rfs", "screened_clear")));
    assert!(found(&life(&all, 70)).contains(&Finding::AnswerAfterClosed));
    assert_eq!(state(&all, 70), ReferralState::Closed);
}

#[test]
fn a_do_not_load_ends_before_loading_without_an_alarm() {
    for outcome in ["not_loaded", "removed"] {
        let mut all = vec![filed(), lodge("customs-fr", 10, referral("dnl", 0, "open", 60))];
        // The post is asked, but what carries it answers.
        all.push(lodge("post-gb", 15, answer("A0", "dnl", outcome)));
        assert_eq!(state(&all, 20), ReferralState::Open);
        assert_eq!(found(&life(&all, 20)), [Finding::AnswerByOther]);
        all.pop();
        all.push(lodge("carrier-gb", 20, answer("A1", "dnl", outcome)));
        all.push(lodge("customs-fr", 30, referral("dnl", 1, "closed", 60)));
        let ended = life(&all, 90);
        assert_eq!((ended.referrals[0].state, alarms(&ended)), (ReferralState::Closed, vec![]));
        assert!(ended.flags.is_empty());
        // It is seen to leave all the same.
        all.push(lodge("carrier-gb", 50, event("departed", 45)));
        assert_eq!(alarms(&life(&all, 90)), [AlarmKind::LoadedInSpite]);
    }
}

#[test]
fn a_do_not_load_that_comes_too_late_alarms_both_customs() {
    let mut all = vec![filed(), lodge("carrier-gb", 6, event("departed", 5))];
    all.push(lodge("customs-fr", 10, referral("dnl", 0, "open", 60)));
    let late = life(&all, 20);
    assert_eq!(alarms(&late), [AlarmKind::LateDoNotLoad]);
    let id = late.alarms[0].id.clone();
    all.push(lodge("carrier-gb", 20, answer("A1", "dnl", "already_departed")));
    all.push(lodge("customs-fr", 30, referral("dnl", 1, "answered", 60)));
    let ended = life(&all, 40);
    assert_eq!(alarms(&ended), [AlarmKind::LateDoNotLoad, AlarmKind::AlreadyDeparted]);
    assert!(ended.alarms.iter().any(|alarm| alarm.id == id), "the same alarm through revisions");
    for alarm in &ended.alarms {
        let heard: Vec<&str> = alarm.customs.iter().map(MemberId::as_str).collect();
        assert_eq!(heard, ["customs-fr", "customs-gb"]);
        let territories: Vec<&str> = alarm.territories.iter().map(Territory::as_str).collect();
        assert_eq!(territories, ["FR", "GB"]);
    }
    assert_eq!(ended.referrals[0].state, ReferralState::Answered);
}

#[test]
fn a_do_not_load_without_an_answer_alarms_and_its_withdrawal_ends_that() {
    let mut all = vec![filed(), lodge("customs-fr", 10, referral("dnl", 0, "open", 60))];
    assert_eq!(alarms(&life(&all, 60)), []);
    assert_eq!(alarms(&life(&all, 61)), [AlarmKind::DoNotLoadUnanswered]);
    let mut withdrawn = referral("dnl", 1, "open", 60);
    withdrawn["reference"]["action"] = "cancellation".into();
    all.push(lodge("customs-fr", 70, withdrawn));
    let ended = life(&all, 80);
    assert!(ended.alarms.is_empty() && ended.referrals[0].withdrawn);
    assert_eq!(ended.referrals[0].state, ReferralState::Closed);
}

#[test]
fn answers_of_others_of_the_wrong_kind_or_to_nothing_are_told() {
    let asked = [filed(), lodge("customs-fr", 10, referral("rfi", 0, "open", 100))];
    for (issuer, given, finding) in [
        ("platform-gb", answer("A", "rfi", "information_given"), Finding::AnswerByOther),
        ("post-gb", answer("A", "rfi", "not_loaded"), Finding::AnswerUnfit),
    ] {
        let all = [asked[0].clone(), asked[1].clone(), lodge(issuer, 20, given)];
        let told = life(&all, 30);
        assert_eq!(found(&told), [finding]);
        assert_eq!(told.referrals[0].state, ReferralState::Open);
        assert!(!told.referrals[0].answers[0].counted, "it stays listed");
    }
    let mut stray = answer("A", "rfi", "information_given");
    stray["answer"]["reference"] = "REF9".into();
    let all = [asked[0].clone(), asked[1].clone(), lodge("post-gb", 20, stray)];
    assert_eq!(found(&life(&all, 30)), [Finding::QuotesUnknown]);
    let all = [asked[0].clone(), lodge("customs-fr", 10, referral("rfi", 0, "insufficient", 100))];
    assert_eq!(found(&life(&all, 30)), [Finding::NothingAnswered]);
    // An answer that is held before its question answers it, and is out of order.
    let all = [asked[0].clone(), lodge("post-gb", 5, answer("A", "rfi", "information_given")), asked[1].clone()];
    let told = life(&all, 30);
    assert_eq!((found(&told), told.referrals[0].state), (vec![Finding::OutOfOrder], ReferralState::Answered));
}

#[test]
fn a_referral_reaches_who_holds_the_bag_who_may_answer() {
    let receptacle = "GBLONAFRPARAACN60001001000123";
    let built = json!({"type": "consignment", "reference": {"own_reference": "B1"},
        "unit": {"level": "receptacle", "id": receptacle},
        "within": {"level": "despatch", "id": "GBLONAFRPARAACN60001"},
        "contains": [{"level": "item", "scheme": "s10", "id": S10}]});
    let flight = json!({"type": "consignment", "reference": {"own_reference": "F1"},
        "unit": {"level": "despatch", "id": "GBLONAFRPARAACN60001"}, "within": {"level": "transport", "id": "AF1081/2026-11-23"}});
    let mut asked = referral("rfs", 0, "open", 100);
    asked["handling"] = json!({"filer": "post-gb"});
    let all = [
        filed(),
        lodge("post-gb", 5, built),
        lodge("carrier-gb", 6, flight),
        lodge("customs-fr", 10, asked),
        lodge("carrier-gb", 20, answer("A1", "rfs", "screened_clear")),
    ];
    let reached = life(&all, 30);
    let names: Vec<&str> = reached.referrals[0].reaches.iter().map(MemberId::as_str).collect();
    assert_eq!(names, ["carrier-gb", "post-gb"]);
    assert_eq!(reached.referrals[0].state, ReferralState::Answered);
    let levels: Vec<Level> = reached.closure.nests.iter().map(|nest| nest.unit.level).collect();
    assert_eq!(levels, [Level::Receptacle, Level::Despatch, Level::Transport]);
}

#[test]
fn an_amendment_that_names_the_referral_answers_it() {
    let mut amended = declaration("D1", "ens_preloading", 20);
    amended["filing"]["revision"] = 1.into();
    amended["filing"]["action"] = "correction".into();
    amended["filing"]["referral"] = "REF1".into();
    let mut again = amended.clone();
    again["filing"]["revision"] = 2.into();
    again["filing"].as_object_mut().unwrap().remove("referral");
    let mut all =
        vec![filed(), lodge("customs-fr", 10, referral("rfi", 0, "open", 100)), lodge("post-gb", 20, amended)];
    // It stays answered when the declaration is corrected once more.
    for _ in 0..2 {
        let told = life(&all, 30);
        assert_eq!((told.referrals[0].state, found(&told)), (ReferralState::Answered, vec![]));
        assert_eq!(told.referrals[0].answers[0].outcome, Some(Outcome::Amended));
        all.push(lodge("post-gb", 25, again.clone()));
    }
}
