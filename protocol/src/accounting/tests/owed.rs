//! Summaries against records, lists and payments.

use super::*;
use crate::life::ItemId;
use crate::revenue::{Account, BankEntry, Money, Stage, StatedLine, Summary, SummaryItem};

const IDS: [&str; 3] = [S10, "RR000000015DE", "RR000000029DE"];

fn money(text: &str) -> Money {
    let (amount, currency) = text.split_once(' ').unwrap();
    Money::new(amount.parse().unwrap(), currency.parse().unwrap())
}

fn collected(nth: usize, amount: &str) -> Json {
    let month = json!({ "account": "IM1", "period": "2026-10" });
    duty(&format!("C-{nth}"), IDS[nth], "collected", None, amount, month)
}

fn records() -> Vec<Said> {
    (0..3).map(|nth| said("platform", 1, &[], collected(nth, "10.00"))).collect()
}

fn listed(nth: usize, amount: &str) -> SummaryItem {
    SummaryItem {
        duty: crate::revenue::RecordRef { issuer: "platform".parse().unwrap(), reference: format!("C-{nth}") },
        item: ItemId::new(Some("s10"), None, IDS[nth]),
        territory: "DE".parse().unwrap(),
        lines: vec![StatedLine { number: 1, tax: "B00".into(), amount: money(&format!("{amount} EUR")) }],
    }
}

fn summary(items: &[SummaryItem]) -> (Summary, Said) {
    let period = "2026-10".parse().unwrap();
    let mut account = Account::new("IM1");
    items.iter().for_each(|item| account.add(period, item).unwrap());
    let summary = account.close(period).unwrap().clone();
    let content = summary.content("S-1", Some("REF-1")).unwrap();
    let mut record = crate::record::content_to_json(&content);
    record["summary"]["due"] = "2026-11-05".into();
    (summary, said("platform", 2, &[], record))
}

fn entry(place: u64, amount: &str, references: &[&str]) -> BankEntry {
    let references = references.iter().map(|one| (*one).to_owned()).collect();
    BankEntry { place, amount: money(amount), booked: "2026-11-04".parse().unwrap(), references }
}

fn told(more: &[Said], entries: &[BankEntry], until: u64) -> Books {
    let mut rules = Rules::sample().unwrap();
    rules.off.insert(Class::CollectedNotRemitted);
    assert_eq!(rules.summary_stage, Stage::Collected);
    let mut books = Books::new(rules, None);
    for record in records().iter().chain(more) {
        books.take(record).unwrap();
    }
    books.paid(entries);
    go_on(&mut books, hour(until));
    books
}

#[test]
fn a_summary_of_what_is_known_that_is_paid_is_no_difference() {
    let (_, sum) = summary(&[listed(0, "10.00"), listed(1, "10.00"), listed(2, "10.00")]);
    let books = told(std::slice::from_ref(&sum), &[entry(1, "30.00 EUR", &["ref-1"])], 99 * DAY);
    assert_eq!(classes(&books), Vec::<&str>::new());
    assert_eq!(books.month("IM1", "2026-10".parse().unwrap()).unwrap().records, 3);
    assert_eq!(books.counted().owed, Owed { summaries: 1, entries: 1, matched: 1 });
}

#[test]
fn a_summary_that_lacks_a_record_or_has_an_unknown_one() {
    let items = [listed(0, "10.00"), listed(1, "10.00")];
    let (_, sum) = summary(&items);
    let paid = [entry(1, "20.00 EUR", &["REF-1"])];
    let mut books = told(std::slice::from_ref(&sum), &paid, 99 * DAY);
    let finding = books.of_class(Class::SummaryDiffers).next().unwrap();
    assert_eq!((classes(&books), finding.evidence()), (vec!["summary_differs"], roots(&[&sum])));
    assert_eq!(finding.difference.as_ref().unwrap().amount, "-10.00".parse().unwrap());
    // Its list names the record.
    let period = "2026-10".parse().unwrap();
    let wrong = books.list("IM1", period, &items[..1]).unwrap_err().to_string();
    assert!(wrong.contains("no summary of account IM1 for 2026-10 commits to this list"), "{wrong}");
    books.list("IM1", period, &items).unwrap();
    books.settle();
    let finding = books.of_class(Class::SummaryLacksItem).next().unwrap();
    assert_eq!((classes(&books), finding.evidence()), (vec!["summary_lacks_item"], roots(&[&sum, &records()[2]])));
    assert_eq!(finding.key.about, "C-2 of platform");
    // And so one that nobody knows.
    let mut unknown = listed(0, "1.00");
    unknown.duty.reference = "C-9".into();
    let items = [listed(0, "10.00"), listed(1, "10.00"), listed(2, "10.00"), unknown];
    let (_, sum) = summary(&items);
    let mut books = told(&[sum], &[entry(1, "31.00 EUR", &["REF-1"])], 99 * DAY);
    assert_eq!(classes(&books), ["summary_differs"]);
    books.list("IM1", period, &items).unwrap();
    books.settle();
    assert_eq!(classes(&books), ["summary_unknown_item"]);
    assert_eq!(books.findings().next().unwrap().key.about, "C-9 of platform");
}

#[test]
fn payments_that_are_missing_short_over_twice_or_for_nothing() {
    let (_, sum) = summary(&[listed(0, "10.00"), listed(1, "10.00"), listed(2, "10.00")]);
    let sum = std::slice::from_ref(&sum);
    let mut waiting = told(sum, &[], 4 * DAY - 1);
    assert_eq!(classes(&waiting), Vec::<&str>::new());
    // Time alone changes what was settled before.
    go_on(&mut waiting, hour(4 * DAY));
    assert_eq!(classes(&waiting), ["summary_unpaid"]);
    let pay = |amounts: &[&str]| -> Vec<BankEntry> {
        amounts.iter().enumerate().map(|(at, amount)| entry(at as u64, amount, &["REF-1"])).collect()
    };
    for (amounts, class, difference) in [
        (&[][..], "summary_unpaid", Some("-30.00")),
        (&["0.00 EUR"], "summary_short", Some("-30.00")),
        (&["29.70 EUR"], "summary_short", Some("-0.30")),
        (&["30.00 EUR", "0.50 EUR"], "summary_over", Some("0.50")),
        (&["30.00 EUR", "30.00 EUR"], "summary_paid_twice", Some("30.00")),
        (&["30.00 USD"], "summary_short", None),
    ] {
        let books = told(sum, &pay(amounts), 99 * DAY);
        assert_eq!(classes(&books), [class], "{amounts:?}");
        let found = books.findings().next().unwrap().difference.as_ref().map(|of| of.amount);
        assert_eq!(found, difference.map(|of| of.parse().unwrap()), "{amounts:?}");
    }
    let mut books = told(sum, &[pay(&["30.00 EUR"]), vec![entry(5, "7.00 EUR", &["what"])]].concat(), 99 * DAY);
    assert_eq!(classes(&books), ["payment_unknown"]);
    // The same statement again, with a further entry that equals one of it.
    let again = [pay(&["30.00 EUR"]), vec![entry(8, "7.00 EUR", &["what"]), entry(9, "7.00 EUR", &["what"])]].concat();
    assert_eq!(books.paid(&again), (1, 0));
    books.settle();
    assert_eq!(classes(&books), ["payment_unknown", "payment_unknown"]);
    // A summary that is taken back owes nothing.
    let cancelled = said(
        "platform",
        3,
        &[],
        json!({ "type": "summary", "reference": { "own_reference": "S-1", "revision": 1, "action": "cancellation" },
        "summary": { "account": "IM1", "period": "2026-10", "count": 0, "root": "00".repeat(32) } }),
    );
    assert_eq!(classes(&told(&[sum, &[cancelled]].concat(), &[], 99 * DAY)), Vec::<&str>::new());
}
