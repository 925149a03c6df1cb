//! The account of one item: stages, corrections, and that a tax line is given back once.

use super::*;
use crate::names::CollectionModel;
use crate::record::{Content, content_from_json};

fn lines(list: &[(u32, &str, &str)]) -> Vec<StatedLine> {
    list.iter()
        .map(|(number, tax, amount)| StatedLine { number: *number, tax: (*tax).into(), amount: money(amount) })
        .collect()
}

pub(super) fn statement(
    issuer: &str,
    reference: &str,
    stage: Stage,
    about: Option<RecordRef>,
    list: &[(u32, &str, &str)],
) -> Statement {
    Statement {
        record: record(issuer, reference),
        revision: 0,
        cancelled: false,
        stage,
        model: CollectionModel::QualifiedParty,
        territory: "DE".parse().unwrap(),
        day: day("2026-11-25"),
        about,
        account: None,
        period: None,
        payment_reference: None,
        lines: lines(list),
    }
}

pub(super) fn claim(issuer: &str, reference: &str, procedure: Procedure, line: u32, tax: &str, amount: &str) -> Claim {
    Claim {
        record: record(issuer, reference),
        revision: 0,
        cancelled: false,
        procedure,
        state: ClaimState::Claimed,
        territory: "DE".parse().unwrap(),
        capacity: Capacity::Importer,
        mandate: None,
        claimed_on: Some(day("2026-12-10")),
        until: Some(day("2027-11-25")),
        lines: vec![ClaimedLine {
            line: LineRef { duty: record("customs-de", "D-1"), line },
            tax: tax.into(),
            amount: money(amount),
        }],
        proofs: Vec::new(),
    }
}

/// Assessed and wholly collected.
fn paid() -> Ledger {
    let mut ledger = Ledger::default();
    let list = [(1, "A00", "3.00 EUR"), (2, "B00", "8.37 EUR")];
    let about = || Some(record("customs-de", "D-1"));
    assert_eq!(ledger.state(statement("customs-de", "D-1", Stage::Assessed, None, &list)), Ok(Taken::New));
    assert_eq!(ledger.state(statement("post-de", "C-1", Stage::Collected, about(), &list)), Ok(Taken::New));
    ledger
}

#[test]
fn a_line_goes_from_assessed_to_remitted_also_in_parts() {
    let mut ledger = paid();
    let about = || Some(record("customs-de", "D-1"));
    let stages = |ledger: &Ledger| ledger.lines().iter().map(Standing::stage).collect::<Vec<_>>();
    assert_eq!(stages(&ledger), [Stage::Collected, Stage::Collected]);
    ledger
        .state(statement("post-de", "R-1", Stage::Remitted, about(), &[(1, "A00", "3 EUR"), (2, "B00", "5.00 EUR")]))
        .unwrap();
    assert_eq!(stages(&ledger), [Stage::Remitted, Stage::Collected]);
    let line = |number| LineRef { duty: record("customs-de", "D-1"), line: number };
    assert_eq!(
        ledger.discrepancies(),
        [Discrepancy::Remitted(line(1), money("0 EUR")), Discrepancy::Remitted(line(2), money("-3.37 EUR"))][1..]
    );
    ledger.state(statement("post-de", "R-2", Stage::Remitted, about(), &[(2, "B00", "3.37 EUR")])).unwrap();
    assert_eq!(stages(&ledger), [Stage::Remitted, Stage::Remitted]);
    assert!(ledger.discrepancies().is_empty());
}

#[test]
fn a_correction_takes_the_place_of_what_it_corrects_whatever_comes_first() {
    let first = statement("customs-de", "D-1", Stage::Assessed, None, &[(1, "A00", "3 EUR")]);
    let mut second = statement("customs-de", "D-1", Stage::Assessed, None, &[(1, "A00", "6 EUR")]);
    second.revision = 1;
    let (mut one, mut other) = (Ledger::default(), Ledger::default());
    assert_eq!((one.state(first.clone()), one.state(second.clone())), (Ok(Taken::New), Ok(Taken::Replaced)));
    assert_eq!((other.state(second.clone()), other.state(first.clone())), (Ok(Taken::New), Ok(Taken::Known)));
    assert_eq!(one, other);
    assert_eq!(one.lines()[0].assessed, Some(money("6 EUR")));
    let mut conflict = second.clone();
    conflict.lines[0].amount = money("7 EUR");
    assert_eq!(one.state(conflict), Err(LedgerError::Conflict(record("customs-de", "D-1"), 1)));
    let mut gone = second;
    (gone.revision, gone.cancelled) = (2, true);
    one.state(gone).unwrap();
    assert!(one.lines().is_empty());
}

#[test]
fn a_second_claim_is_refused_by_every_procedure_and_names_the_first() {
    for first in Procedure::ALL {
        for second in Procedure::ALL {
            let mut ledger = paid();
            assert_eq!(ledger.claim(claim("claims-ie", "R-1", *first, 2, "B00", "8.37 EUR")), Ok(Taken::New));
            let before = ledger.clone();
            let refused = ledger.claim(claim("platform", "R-9", *second, 2, "B00", "1.00 EUR")).unwrap_err();
            let wanted = LedgerError::GivenBack {
                claim: record("platform", "R-9"),
                line: LineRef { duty: record("customs-de", "D-1"), line: 2 },
                first: record("claims-ie", "R-1"),
                procedure: *first,
                state: ClaimState::Claimed,
            };
            assert_eq!(refused, wanted);
            let told = refused.to_string();
            assert!(told.contains("R-1 of claims-ie") && told.contains(first.word()), "{told}");
            assert_eq!(ledger, before, "what is refused changes nothing");
            // The other line is free.
            assert_eq!(ledger.claim(claim("platform", "R-9", *second, 1, "A00", "3 EUR")), Ok(Taken::New));
        }
    }
}

#[test]
fn a_claim_that_is_refused_or_taken_back_frees_its_lines() {
    for free in [ClaimState::Refused, ClaimState::Withdrawn] {
        let mut ledger = paid();
        let mut first = claim("claims-ie", "R-1", Procedure::Repayment, 2, "B00", "8.37 EUR");
        ledger.claim(first.clone()).unwrap();
        (first.revision, first.state) = (1, free);
        assert_eq!(ledger.claim(first.clone()), Ok(Taken::Replaced));
        let second = claim("platform", "R-9", Procedure::VendorCorrection, 2, "B00", "8.37 EUR");
        assert_eq!(ledger.claim(second), Ok(Taken::New));
        // It cannot come back now.
        (first.revision, first.state) = (2, ClaimState::Claimed);
        assert!(matches!(ledger.claim(first), Err(LedgerError::GivenBack { .. })));
    }
    // The same claim going on is no second one.
    let mut ledger = paid();
    let mut claimed = claim("claims-ie", "R-1", Procedure::Repayment, 2, "B00", "8.37 EUR");
    for (revision, state) in [(0, ClaimState::Claimed), (1, ClaimState::Accepted), (2, ClaimState::Paid)] {
        (claimed.revision, claimed.state) = (revision, state);
        ledger.claim(claimed.clone()).unwrap();
    }
    let standing = ledger.lines().remove(1).given_back.unwrap();
    assert_eq!((standing.state, standing.procedure), (ClaimState::Paid, Procedure::Repayment));
    assert_eq!(ledger.claim(claimed), Ok(Taken::Known));
}

#[test]
fn claims_that_cannot_be_are_refused() {
    let mut ledger = paid();
    let claimed = |amount: &str| claim("claims-ie", "R-1", Procedure::Repayment, 2, "B00", amount);
    let mut refused = |claim: Claim| {
        let before = ledger.clone();
        let error = ledger.claim(claim).unwrap_err();
        assert_eq!(ledger, before);
        error
    };
    assert!(matches!(refused(claimed("8.38 EUR")), LedgerError::TooMuch { what: Stage::Collected, .. }));
    assert!(matches!(refused(claimed("0 EUR")), LedgerError::Nothing(..)));
    assert!(matches!(refused(claimed("1 GBP")), LedgerError::Other { .. }));
    assert!(matches!(refused(claim("c", "R-1", Procedure::Relief, 2, "A00", "1 EUR")), LedgerError::Other { .. }));
    assert!(matches!(refused(claim("c", "R-1", Procedure::Relief, 3, "A00", "1 EUR")), LedgerError::NoSuchLine { .. }));
    let mut twice = claimed("1 EUR");
    twice.lines.push(twice.lines[0].clone());
    assert!(matches!(refused(twice), LedgerError::Twice(_, 2)));
    let mut late = claimed("1 EUR");
    late.until = Some(day("2026-12-09"));
    assert!(matches!(refused(late), LedgerError::Late { .. }));
    let mut agent = claimed("1 EUR");
    agent.capacity = Capacity::Intermediary;
    assert!(matches!(refused(agent.clone()), LedgerError::Mandate { .. }));
    agent.mandate = Some(Mandate { reference: "M-1".into(), from: None, until: Some(day("2026-12-09")) });
    assert!(refused(agent.clone()).to_string().contains("M-1"));
    agent.mandate = Some(Mandate { reference: "M-1".into(), from: None, until: Some(day("2026-12-10")) });
    assert_eq!(ledger.claim(agent), Ok(Taken::New));
}

#[test]
fn what_is_collected_is_held_against_what_is_assessed() {
    let about = || Some(record("customs-de", "D-1"));
    let line = LineRef { duty: record("customs-de", "D-1"), line: 1 };
    let mut ledger = Ledger::default();
    // Collected before the assessment is here.
    ledger.state(statement("post-de", "C-1", Stage::Collected, about(), &[(1, "A00", "2 EUR")])).unwrap();
    assert!(ledger.discrepancies().contains(&Discrepancy::NotAssessed(line.clone())));
    ledger.state(statement("customs-de", "D-1", Stage::Assessed, None, &[(1, "A00", "3 EUR")])).unwrap();
    assert_eq!(
        ledger.discrepancies(),
        [Discrepancy::Collected(line.clone(), money("-1 EUR")), Discrepancy::Remitted(line.clone(), money("-2 EUR"))]
    );
    // A claim on what is then taken back.
    ledger.claim(claim("c", "R-1", Procedure::Repayment, 1, "A00", "2 EUR")).unwrap();
    let mut less = statement("post-de", "C-1", Stage::Collected, about(), &[(1, "A00", "1 EUR")]);
    less.revision = 1;
    ledger.state(less).unwrap();
    assert!(ledger.discrepancies().contains(&Discrepancy::ClaimTooMuch(line, record("c", "R-1"))));
    // Another tax or currency under the number of a line changes nothing.
    let before = ledger.clone();
    let other = statement("post-de", "C-2", Stage::Collected, about(), &[(1, "B00", "1 EUR")]);
    assert!(matches!(ledger.state(other), Err(LedgerError::Other { .. })));
    let other = statement("post-de", "C-2", Stage::Collected, about(), &[(1, "A00", "1 GBP")]);
    assert!(matches!(ledger.state(other), Err(LedgerError::Other { .. })));
    assert_eq!(ledger, before);
}

#[test]
fn one_item_has_so_many_records_and_no_more() {
    let mut ledger = Ledger::default();
    for number in 0..crate::limits::MAX_LEDGER_STATEMENTS {
        ledger.state(statement("c", &format!("D-{number}"), Stage::Assessed, None, &[])).unwrap();
    }
    assert_eq!(ledger.state(statement("c", "D-x", Stage::Assessed, None, &[])), Err(LedgerError::Full));
}

fn content(json: &str) -> Content {
    content_from_json(&serde_json::from_str(json).unwrap()).unwrap()
}

#[test]
fn records_are_read_for_the_ledger() {
    let duty = |stage: &str, more: &str| {
        content(&format!(
            r#"{{"type": "duty", "reference": {{"own_reference": "{stage}"}}, "item": {{"scheme": "s10", "id": "RR123456785GB"}},
            "duty": {{"stage": "{stage}", "model": "vendor", "territory": "DE", "day": "2026-11-25", "period": "2026-11"{more}}},
            "lines": [{{"number": 1, "tax": "B00", "kind": "ad_valorem", "amount": "8.37", "currency": "EUR"}}]}}"#
        ))
    };
    let customs = member("customs-de");
    let mut ledger = Ledger::default();
    ledger.state(Statement::of(&duty("assessed", ""), &customs).unwrap()).unwrap();
    let about = r#", "about": "assessed", "about_issuer": "customs-de""#;
    ledger.state(Statement::of(&duty("collected", about), &member("post-de")).unwrap()).unwrap();
    let claim = content(
        r#"{"type": "return", "reference": {"own_reference": "R-1", "revision": 2, "action": "correction"}, "item": {"id": "RR123456785GB"},
        "return": {"procedure": "repayment", "state": "accepted", "territory": "DE", "claimed_on": "2026-12-10"},
        "claimant": {"capacity": "intermediary", "mandate": "M-5", "mandate_until": "2026-12-31"},
        "claimed": [{"issuer": "customs-de", "reference": "assessed", "line": 1, "tax": "B00", "amount": "8.37", "currency": "EUR"}],
        "proofs": [{"kind": "export", "due": "2027-01-10"}, {"kind": "refund", "due": "2027-01-10", "given_on": "2026-12-11"}]}"#,
    );
    let claim = Claim::of(&claim, &member("claims-ie")).unwrap();
    assert_eq!((claim.revision, claim.state, claim.overdue(day("2027-01-10")).count()), (2, ClaimState::Accepted, 0));
    assert_eq!(claim.overdue(day("2027-01-11")).map(|proof| proof.kind.as_str()).collect::<Vec<_>>(), ["export"]);
    ledger.claim(claim).unwrap();
    let standing = ledger.lines().remove(0);
    assert_eq!((standing.assessed, standing.collected), (Some(money("8.37 EUR")), money("8.37 EUR")));
    assert_eq!(standing.given_back.unwrap().claim, record("claims-ie", "R-1"));
    // Another type, and a period that is none.
    assert!(matches!(Claim::of(&duty("assessed", ""), &customs), Err(RecordError::Type { .. })));
    let mut json = crate::record::content_to_json(&duty("assessed", ""));
    json["duty"]["period"] = "2026-13".into();
    let error = Statement::of(&content_from_json(&json).unwrap(), &customs).unwrap_err().to_string();
    assert!(error.contains("/duty/period") && error.contains("2026-13"), "{error}");
}
