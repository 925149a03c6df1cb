//! The judge.

use proptest::prelude::*;

use super::*;
use crate::api::FlagLine;
use crate::life::Finding as LifeFinding;

/// Plays arrivals to the end, and writes everything down.
fn rehearse(arrivals: &[(u64, Json)], until: u64) -> (Vec<Line>, Rules) {
    let rules = Rules::builtin().unwrap();
    let mut stage = Stage::new(rules.clone(), cast(), 1, Millis(0));
    let mut trace = Vec::new();
    let partner = cast().partners[0].member.clone();
    let mut arrivals = arrivals.iter().peekable();
    for now in (0..=until).step_by(500) {
        while let Some((at, record)) = arrivals.next_if(|(at, _)| *at <= now) {
            let rule = stage.arrived(0, record, Millis(*at));
            let root = format!("root-{}", trace.len());
            let what = What::Received { root, record: record.clone(), findings: Vec::new(), rule };
            trace.push(Line { at: Millis(*at), partner: partner.clone(), what });
        }
        for deed in stage.due(Millis(now)) {
            let what = match deed.done {
                Done::Send { record, .. } => What::Sent { rule: deed.rule, record },
                Done::Stop(millis) => What::Stopped { rule: deed.rule, millis },
                Done::Wrong(reason) => What::NotSent { rule: deed.rule, reason },
            };
            trace.push(Line { at: Millis(now), partner: partner.clone(), what });
        }
    }
    (trace, rules)
}

fn report(arrivals: &[(u64, Json)], until: u64) -> Conformance {
    let (trace, rules) = rehearse(arrivals, until);
    Conformance::of(&trace, &[], &rules, &cast(), Millis(0), Millis(until))
}

/// Requirement, verdict and pointer of each.
fn told(report: &Conformance) -> Vec<(Requirement, Verdict, Option<&str>)> {
    report.checks.iter().map(|check| (check.requirement, check.verdict, check.pointer.as_deref())).collect()
}

fn revised(reference: &str, revision: u64, action: &str, description: &str) -> Json {
    let mut record = declaration(reference);
    record["filing"]["revision"] = revision.into();
    record["filing"]["action"] = action.into();
    record["goods"][0]["content"]["description"] = description.into();
    record
}

const PLACE: Option<&str> = Some("/goods/1/content/description");

#[test]
fn a_referral_is_answered_in_time_late_or_not_or_is_open() {
    let asked = (0, declaration("T-RFI-1"));
    let answered = |at| report(&[asked.clone(), (at, answer("RFI-1-2", "rfi", "information_given"))], 40_000);
    let one = |verdict| vec![(Requirement::ReferralAnswered, verdict, PLACE)];
    assert_eq!(told(&answered(30_000)), one(Verdict::Met));
    assert_eq!(told(&answered(30_001)), one(Verdict::Late));
    let missing = report(std::slice::from_ref(&asked), 40_000);
    assert_eq!(told(&missing), one(Verdict::Missing));
    assert!(
        missing.checks[0]
            .text
            .starts_with("request for information RFI-1-2 about item RB123456785GB was not answered by"),
        "{:?}",
        missing.checks
    );
    let open = report(std::slice::from_ref(&asked), 20_000);
    assert_eq!((told(&open), open.conforms), (one(Verdict::Open), true));
    assert!(answered(30_000).conforms && !answered(30_001).conforms && !missing.conforms);
}

#[test]
fn an_answer_quotes_what_was_asked() {
    let stray = report(&[(0, answer("RFI-1-9", "rfi", "information_given"))], 1_000);
    assert_eq!(told(&stray), [(Requirement::ReferenceQuoted, Verdict::Wrong, Some("/answer/reference"))]);
}

#[test]
fn an_amendment_that_quotes_a_referral_answers_it() {
    let mut amended = revised("T-RFI-1", 1, "correction", "toy robot, wind-up");
    amended["filing"]["referral"] = "RFI-1-2".into();
    let met = report(&[(0, declaration("T-RFI-1")), (1_000, amended.clone())], 10_000);
    assert_eq!(
        told(&met),
        [(Requirement::ReferralAnswered, Verdict::Met, PLACE), (Requirement::Revision, Verdict::Met, None)]
    );
    // It forbids nothing to be loaded.
    amended["filing"]["referral"] = "DNL-1-2".into();
    let unfit = report(&[(0, declaration("T-DNL-1")), (1_000, amended)], 40_000);
    assert_eq!(unfit.count(Verdict::Met), 0, "{:?}", unfit.checks);
}

#[test]
fn what_was_rejected_is_corrected() {
    let first = (0, declaration("T-REJECT-1"));
    let after = |record| report(&[first.clone(), (5_000, record)], 10_000);
    let of = |report: &Conformance, requirement| {
        let found = report.checks.iter().find(|check| check.requirement == requirement);
        found.map(|check| (check.verdict, check.pointer.clone()))
    };
    let rejection = |report: &Conformance| of(report, Requirement::RejectionCorrected).unwrap();
    let good = after(revised("T-REJECT-1", 1, "correction", "toy robot, wind-up"));
    assert_eq!((rejection(&good).0, good.conforms), (Verdict::Met, true), "{:?}", good.checks);
    assert_eq!(rejection(&after(revised("T-REJECT-1", 1, "cancellation", "toy robot of plastic"))).0, Verdict::Met);
    let same = after(revised("T-REJECT-1", 1, "correction", "toy robot of plastic"));
    assert_eq!(rejection(&same), (Verdict::Wrong, PLACE.map(str::to_owned)));
    let low = after(revised("T-REJECT-1", 0, "correction", "toy robot, wind-up"));
    assert_eq!(rejection(&low), (Verdict::Wrong, Some("/filing/revision".into())));
    assert_eq!(of(&low, Requirement::Revision), Some((Verdict::Wrong, Some("/filing/revision".into()))));
    let unsaid = after(revised("T-REJECT-1", 1, "original", "toy robot, wind-up"));
    assert_eq!(rejection(&unsaid), (Verdict::Wrong, Some("/filing/action".into())));
    assert_eq!(
        told(&report(std::slice::from_ref(&first), 10_000)),
        [(Requirement::RejectionCorrected, Verdict::Missing, PLACE)]
    );
}

#[test]
fn revisions_rise_and_a_correction_has_an_original() {
    let alone = report(&[(0, revised("T-1", 1, "correction", "x"))], 5_000);
    assert_eq!(told(&alone), [(Requirement::Revision, Verdict::Wrong, Some("/filing/action"))]);
    let again = report(&[(0, declaration("T-1")), (1_000, declaration("T-1"))], 5_000);
    assert_eq!(told(&again), [(Requirement::Revision, Verdict::Note, None)]);
    assert!(again.conforms);
    let silent = report(&[(0, declaration("T-1")), (1_000, revised("T-1", 0, "original", "x"))], 5_000);
    assert_eq!(told(&silent), [(Requirement::Revision, Verdict::Wrong, Some("/filing/action"))]);
}

#[test]
fn a_required_rule_has_to_be_played() {
    let text = "[[rule]]\nname = \"all\"\nrequired = true\npartner = \"customs\"\ndo = []\n\
                [[rule]]\nname = \"theirs\"\nrequired = true\npartner = \"post\"\ndo = []\n";
    let rules = Rules::parse(text).unwrap();
    let report = Conformance::of(&[], &[], &rules, &cast(), Millis(0), Millis(1));
    // Nobody here plays a post.
    assert_eq!(told(&report), [(Requirement::Rehearsed, Verdict::Missing, None)]);
    assert!(report.checks[0].text.contains("'all'"));
}

#[test]
fn a_flag_is_told_of_whoever_it_is_about() {
    let (trace, rules) = rehearse(&[(0, declaration("T-SILENT-1"))], 1_000);
    let partner = cast().partners[0].member.clone();
    let flag = |finding: LifeFinding, records: &[&str]| FlagLine {
        id: format!("{finding}/{}", records.join("/")),
        finding,
        pointer: None,
        records: records.iter().map(|root| (*root).to_owned()).collect(),
        text: "text".into(),
    };
    let verdicts = |flags: Vec<FlagLine>| {
        let told = [Told { partner: partner.clone(), item: "i".into(), flags, alarms: Vec::new() }];
        let report = Conformance::of(&trace, &told, &rules, &cast(), Millis(0), Millis(1_000));
        report.checks.iter().map(|check| check.verdict).collect::<Vec<_>>()
    };
    let mine = "root-0";
    assert_eq!(verdicts(vec![flag(LifeFinding::OutOfOrder, &[mine, "theirs"])]), [Verdict::Wrong]);
    assert_eq!(verdicts(vec![flag(LifeFinding::OutOfOrder, &["theirs", mine])]), [Verdict::Note]);
    assert_eq!(verdicts(vec![flag(LifeFinding::AnswerUnfit, &["theirs", mine])]), [Verdict::Wrong]);
    assert_eq!(verdicts(vec![flag(LifeFinding::AnswerUnfit, &["theirs", "theirs"])]), []);
    assert_eq!(verdicts(vec![flag(LifeFinding::Overdue, &[mine])]), []);
}

proptest! {
    /// Who answers every referral in time conforms; leaving out exactly one is found exactly once.
    #[test]
    fn who_answers_in_time_conforms(
        kinds in proptest::collection::vec(0usize..3, 1..8),
        delays in proptest::collection::vec(500u64..20_000, 8),
        left_out in proptest::option::of(0usize..8),
    ) {
        let (words, outcomes) = (["RFI", "RFS", "DNL"], ["information_given", "screened_clear", "not_loaded"]);
        let mut arrivals: Vec<(u64, Json)> =
            kinds.iter().enumerate().map(|(n, kind)| (0, declaration(&format!("T-{}-{n}", words[*kind])))).collect();
        // Two records are sent for each, the second one asks.
        for (n, kind) in kinds.iter().enumerate().filter(|(n, _)| left_out != Some(*n)) {
            let reference = format!("{}-1-{}", words[*kind], 2 * n + 2);
            arrivals.push((delays[n], answer(&reference, &words[*kind].to_lowercase(), outcomes[*kind])));
        }
        arrivals.sort_by_key(|arrival| arrival.0);
        let missing = usize::from(left_out.is_some_and(|n| n < kinds.len()));
        let report = report(&arrivals, 60_000);
        prop_assert_eq!(report.conforms, missing == 0, "{:?}", report.checks);
        // A screening that is not answered leads to a do-not-load, which is open then.
        prop_assert_eq!(report.count(Verdict::Missing), missing, "{:?}", report.checks);
        prop_assert_eq!(report.count(Verdict::Met), kinds.len() - missing);
    }
}
