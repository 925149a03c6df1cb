//! Months of an account: what they commit to, and that a closed one never changes.

use super::ledger::statement;
use super::*;
use crate::hash::Digest;
use crate::life::{ItemId, Scheme};
use crate::recognition::Period;

fn period(text: &str) -> Period {
    text.parse().unwrap()
}

pub(super) fn item(number: usize, amount: &str) -> SummaryItem {
    let statement = statement(
        "customs-de",
        &format!("D-{number}"),
        Stage::Assessed,
        None,
        &[(1, "A00", "3 EUR"), (2, "B00", amount)],
    );
    SummaryItem::of(
        &statement,
        ItemId { scheme: Scheme::Platform, issuer: Some("shop".into()), id: format!("P{number}") },
    )
}

fn correction(of: &str, amount: &str) -> Correction {
    Correction {
        period: period(of),
        tax: "A00".into(),
        territory: "DE".parse().unwrap(),
        amount: money(amount),
        record: record("customs-de", "D-0"),
        reason: "counted twice".into(),
    }
}

#[test]
fn a_month_sums_up_and_proves_each_of_its_items() {
    let mut account = Account::new("QP-7");
    for number in 0..5 {
        account.add(period("2026-11"), &item(number, "0.10 EUR")).unwrap();
    }
    let summary = account.close(period("2026-11")).unwrap().clone();
    assert_eq!(summary.count, 5);
    let totals: Vec<_> =
        summary.totals.iter().map(|total| (total.tax.as_str(), total.amount.to_string(), total.lines)).collect();
    assert_eq!(totals, [("A00", "15.00 EUR".into(), 5), ("B00", "0.50 EUR".into(), 5)]);
    assert_eq!(summary.payable().unwrap(), [money("15.50 EUR")]);
    for number in 0..5 {
        let proof = account.prove(period("2026-11"), &item(number, "0.10 EUR")).unwrap();
        assert!(proof.verify(&summary, &item(number, "0.10 EUR")));
        // Another amount, another item, another place.
        assert!(!proof.verify(&summary, &item(number, "0.11 EUR")));
        assert!(!proof.verify(&summary, &item(number + 1, "0.10 EUR")));
        let moved = Inclusion { index: (proof.index + 1) % 5, ..proof };
        assert!(!moved.verify(&summary, &item(number, "0.10 EUR")));
    }
    assert!(
        account.prove(period("2026-11"), &item(0, "0.11 EUR")).is_none()
            && account.prove(period("2026-11"), &item(9, "0.10 EUR")).is_none()
    );
    let content = summary.content("S-1", Some("QP-7-2026-11")).unwrap();
    assert_eq!(Summary::of(&content).unwrap(), summary);
    assert_eq!(content.names().references, ["S-1", "QP-7", "QP-7-2026-11"]);
}

#[test]
fn a_closed_month_changes_only_by_corrections_in_a_later_open_one() {
    let (october, november, december) = (period("2026-10"), period("2026-11"), period("2026-12"));
    let mut account = Account::new("QP-7");
    account.add(october, &item(0, "1 EUR")).unwrap();
    account.add(november, &item(1, "2 EUR")).unwrap();
    assert!(matches!(account.close(november), Err(SummaryError::Order { .. })));
    let closed = account.close(october).unwrap().clone();
    assert!(matches!(account.add(october, &item(2, "1 EUR")), Err(SummaryError::Closed { .. })));
    assert!(matches!(account.close(october), Err(SummaryError::Closed { .. })));
    assert!(
        matches!(account.add(november, &item(0, "1 EUR")), Err(SummaryError::Twice { period, .. }) if period == october)
    );
    assert!(
        matches!(account.add(november, &item(1, "1 EUR")), Err(SummaryError::Twice { period, .. }) if period == november)
    );
    assert!(matches!(account.correct(december, correction("2026-11", "-3 EUR")), Err(SummaryError::NotClosed { .. })));
    assert!(matches!(account.correct(october, correction("2026-10", "-3 EUR")), Err(SummaryError::Backwards { .. })));
    account.correct(november, correction("2026-10", "-3 EUR")).unwrap();
    let summary = account.close(november).unwrap().clone();
    assert_eq!((summary.payable().unwrap(), summary.corrections.len()), (vec![money("2 EUR")], 1));
    assert_eq!(account.summary(october), Some(&closed), "nothing changed there");
    assert_eq!(Summary::of(&summary.content("S-1", None).unwrap()).unwrap(), summary);
    assert!(matches!(account.correct(november, correction("2026-10", "-3 EUR")), Err(SummaryError::Closed { .. })));
}

#[test]
fn a_month_without_anything_is_one_too() {
    let mut account = Account::new("QP-7");
    let summary = account.close(period("2026-11")).unwrap().clone();
    assert_eq!((summary.count, summary.root), (0, Digest::ZERO));
    assert_eq!(Summary::of(&summary.content("S-1", None).unwrap()).unwrap(), summary);
    let proof = Inclusion { index: 0, path: Vec::new() };
    assert!(!proof.verify(&summary, &item(0, "1 EUR")));
}

#[test]
fn an_account_has_so_many_periods_and_totals_and_no_more() {
    let mut account = Account::new("QP-7");
    let months =
        (0..crate::limits::MAX_ACCOUNT_PERIODS).map(|at| period(&format!("{}-{:02}", 2020 + at / 12, at % 12 + 1)));
    months.for_each(|month| _ = account.close(month).unwrap());
    assert_eq!(account.close(period("2040-01")).unwrap_err(), SummaryError::Full);
    let mut account = Account::new("QP-7");
    let mut large = item(0, "1 EUR");
    large.lines =
        (1..=100).map(|at| StatedLine { number: at, tax: format!("T{at}"), amount: money("1 EUR") }).collect();
    let before = account.clone();
    assert_eq!(account.add(period("2026-11"), &large), Err(SummaryError::Full));
    assert_eq!(account, before, "what is refused opens no period");
    let mut beyond = item(0, "1 EUR");
    beyond.lines = (1..3).map(|number| StatedLine { number, tax: "A00".into(), ..beyond.lines[0].clone() }).collect();
    beyond.lines[1].amount.amount = Exact::new(i128::MAX, 0).unwrap();
    assert!(matches!(account.add(period("2026-11"), &beyond), Err(SummaryError::Money(_))));
    assert_eq!(account, before);
}

/// The bytes of SPEC.md, section 6, written out.
#[test]
fn a_leaf_is_what_the_specification_says() {
    let numbered = item;
    let item = item(1, "8.370 EUR");
    let text = |text: &str| [&[0x60 + text.len() as u8][..], text.as_bytes()].concat();
    let line =
        |number: u8, tax: &str, amount: &str| [vec![0x84, number], text(tax), text(amount), text("EUR")].concat();
    let encoded = [
        vec![0x87],
        text("customs-de"),
        text("D-1"),
        text("platform"),
        text("shop"),
        text("P1"),
        text("DE"),
        vec![0x82],
        line(1, "A00", "3"),
        line(2, "B00", "8.37"),
    ];
    let part = |part: &[u8]| [&(part.len() as u64).to_be_bytes()[..], part].concat();
    let leaf = blake3::hash(&[part(b"luxor/v1/summary-item"), part(&encoded.concat())].concat());
    assert_eq!(item.leaf().0, *leaf.as_bytes());
    let mut account = Account::new("QP-7");
    account.add(period("2026-11"), &item).unwrap();
    account.add(period("2026-11"), &numbered(2, "1 EUR")).unwrap();
    let other = numbered(2, "1 EUR").leaf().0;
    let root = blake3::hash(&[part(b"luxor/v1/summary-node"), part(leaf.as_bytes()), part(&other)].concat());
    assert_eq!(account.close(period("2026-11")).unwrap().root.0, *root.as_bytes());
}
