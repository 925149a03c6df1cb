//! Kept up record by record, in any order, with repetitions, views and late links: the same as from the beginning.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::naive::{Whole, whole};
use super::*;
use crate::accounting::folio::{Folio, Members};
use crate::accounting::said::Kind;
use crate::revenue::Exact;

const IDS: [&str; 4] = [S10, "RR000000015DE", "RR000000029DE", "RR000000032DE"];
const MEMBERS: [&str; 3] = ["platform", "post", "customs"];

#[derive(Debug, Clone)]
struct Drawn {
    kind: usize,
    by: usize,
    item: usize,
    other: usize,
    number: usize,
    reference: usize,
    revision: u64,
    action: usize,
    at: u64,
    posted: Option<usize>,
    told: usize,
    chained: bool,
    hidden: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let what = (0..13usize, 0..3usize, 0..4usize, 0..4usize, 0..3usize, 0..3usize);
    let how = (
        prop_oneof![3 => Just(0u64), 1 => 1..3u64],
        0..3usize,
        0..2_000u64,
        proptest::option::weighted(0.3, 0..3usize),
    );
    (what, how, 0..3usize, any::<bool>(), proptest::bool::weighted(0.1)).prop_map(
        |((kind, by, item, other, number, reference), (revision, action, at, posted), told, chained, hidden)| Drawn {
            kind,
            by,
            item,
            other,
            number,
            reference,
            revision,
            action,
            at,
            posted,
            told,
            chained,
            hidden,
        },
    )
}

fn record(of: &Drawn) -> Json {
    let (id, other) = (IDS[of.item], IDS[of.other]);
    let reference = format!("X-{}", of.reference);
    let amount = ["10.00", "7.50", "3.00"][of.number];
    let month = json!({ "account": "IM1", "period": format!("2026-{:02}", 9 + of.number) });
    let about = Some(("customs", "X-0"));
    let mut record = match of.kind {
        0 => declaration(
            &reference,
            id,
            "ens_preloading",
            json!({ "mass": { "gross_kg": amount, "packages": of.number }, "goods": goods(of.number as u64, amount) }),
        ),
        1 => declaration(&reference, id, "import", json!({ "goods": goods(1, amount) })),
        2 => {
            let mut record = declaration(&reference, id, "import", json!({}));
            record["filing"]["registration"] = format!("26DE{}", of.number).into();
            record
        }
        3 => event(&reference, id, ["arrived", "returned", "lost"][of.number], 1),
        4 => response(&reference, id, "released"),
        5 => {
            let mut record = response(&reference, id, "released");
            record.as_object_mut().unwrap().remove("item");
            match of.told {
                0 => record["response"]["registration"] = format!("26DE{}", of.number).into(),
                _ => {
                    record["response"]["about"] = format!("X-{}", of.number).into();
                    record["handling"] = json!({ "filer": MEMBERS[of.other % 3] });
                }
            }
            record
        }
        6 => duty(&reference, id, "assessed", None, amount, json!({})),
        7 => duty(&reference, id, "collected", about, amount, month),
        8 => duty(&reference, id, "collected", None, amount, month),
        9 => duty(&reference, id, "remitted", about, amount, json!({})),
        10 => claim(&reference, id, ["repayment", "relief", "drawback"][of.number], "paid", ("customs", "X-0"), amount),
        11 => link(&reference, id, ["same_as", "relabelled", "returned_as"][of.number], &[other]),
        _ => link(&reference, id, ["split_into", "merged_from", "same_as"][of.number], &[other]),
    };
    if let (Some(posted), false) = (of.posted, record["item"].is_null()) {
        record["item"]["posted_on"] = ["2024-01-10", "2026-10-20", "2026-10-25"][posted].into();
    }
    let action = ["original", "correction", "cancellation"][if of.revision == 0 { 0 } else { of.action }];
    version(record, of.revision, action)
}

/// All drawn records with their repetitions, as far as each view shows them.
fn records(all: &[Drawn]) -> Vec<Said> {
    let mut records: Vec<Said> = Vec::new();
    for (nth, of) in all.iter().enumerate() {
        let told: &[&str] = [&[][..], &["customs-de"], &["customs-de", "post"]][of.told];
        let mut one = said(MEMBERS[of.by], of.at, told, record(of));
        one.root = Digest::of(Domain::Index, &[&nth.to_be_bytes()]);
        if of.chained && of.revision > 0 {
            let same =
                |other: &&Said| (other.table, &other.by, &other.reference) == (one.table, &one.by, &one.reference);
            one.supersedes = records.iter().rev().find(same).map(|other| other.root);
        }
        if of.hidden {
            let mut less = one.clone();
            less.at = Millis(less.at.0 + HOUR * (of.number as u64));
            match &mut less.what.0 {
                Kind::Declared { measured, .. } | Kind::Weighed(measured) => *measured = Measured::default(),
                Kind::Duty(duty) => {
                    duty.lines.clear();
                    less.reference = None;
                }
                _ => {}
            }
            records.push(less);
        }
        records.push(one);
    }
    records
}

fn rules() -> Rules {
    let mut rules = Rules::sample().unwrap();
    // Whatever is switched off is not compared.
    rules.off.clear();
    rules
}

fn told(books: &Books) -> Whole {
    let mut months: BTreeMap<_, BTreeMap<_, Exact>> = BTreeMap::new();
    for period in ["2026-09", "2026-10", "2026-11"] {
        let Some(month) = books.month("IM1", period.parse().unwrap()) else { continue };
        let totals: BTreeMap<_, _> = month.totals.iter().map(|(key, (amount, _))| (key.clone(), *amount)).collect();
        let totals: BTreeMap<_, _> = totals.into_iter().filter(|(_, amount): &(_, Exact)| !amount.is_zero()).collect();
        if totals.is_empty() {
            continue;
        }
        months.insert(("IM1".to_owned(), period.parse().unwrap()), totals);
    }
    Whole { findings: books.findings().cloned().collect(), months, corrections: books.corrections().cloned().collect() }
}

fn checked(all: Vec<Said>, order: &[usize], steps: &[u64], until: u64) {
    let home = Some("EU".parse().unwrap());
    let closes = [
        Closed { account: "IM1".into(), period: "2026-09".parse().unwrap(), at: hour(700), by: "J".into() },
        Closed { account: "IM1".into(), period: "2026-10".parse().unwrap(), at: hour(1_300), by: "J".into() },
    ];
    let mut books = Books::new(rules(), home);
    closes.iter().for_each(|closed| books.was_closed(closed.clone()));
    for (nth, at) in order.iter().enumerate() {
        if all.is_empty() {
            break;
        }
        let said = &all[at % all.len()];
        books.take(said).unwrap();
        if let Some(step) = steps.get(nth % (steps.len() + 3)) {
            let _ = books.due(hour(*step), 2).unwrap();
        }
    }
    for said in &all {
        books.take(said).unwrap();
    }
    let now = hour(until.max(steps.iter().copied().max().unwrap_or(0)));
    go_on(&mut books, now);
    let expected = whole(&all, &closes, books.rules(), home, now);
    assert_eq!(told(&books), expected);
    // And the same once more is nothing.
    for said in &all {
        assert!(!books.take(said).unwrap(), "{said:?}");
    }
    assert_eq!(books.counted().left_out, 0);
}

/// A correction by a root, at another item: once both references are seen, neither is a version of what is known by that root alone.
#[test]
fn views_that_hide_the_reference_of_a_corrected_duty_are_the_same_record_whenever_they_come() {
    let drawn = |item, revision, chained| Drawn {
        kind: 6,
        by: 0,
        item,
        other: 0,
        number: 0,
        reference: 2,
        revision,
        action: 0,
        at: 0,
        posted: None,
        told: 0,
        chained,
        hidden: true,
    };
    let all = records(&[drawn(1, 0, false), drawn(0, 1, true)]);
    assert_eq!(all.len(), 4);
    for order in [[0, 1, 2, 3], [2, 0, 1, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 3, 0, 1], [0, 2, 3, 1]] {
        checked(all.clone(), &order, &[], 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn kept_up_or_from_the_beginning(
        all in proptest::collection::vec(drawn(), 0..24),
        order in proptest::collection::vec(0..100usize, 0..60),
        steps in proptest::collection::vec(0..4_000u64, 0..6),
        until in 0..9_000u64,
    ) {
        checked(records(&all), &order, &steps, until);
    }

    #[test]
    fn what_is_kept_is_read_back(all in proptest::collection::vec(drawn(), 1..12)) {
        let said = records(&all);
        let mut members = Members::default();
        let number = said.iter().find_map(|said| said.item.clone()).map(|(item, _)| item);
        let mut folio = Folio { number, ..Folio::default() };
        if folio.number.is_none() {
            folio.leads = vec![1, 70_000];
            folio.heads = said.iter().map(standing::Head::of).collect();
        }
        folio.said = said;
        let bytes = folio.encode(&mut members);
        prop_assert_eq!(Folio::decode(&bytes, &members).unwrap(), folio);
        // What is cut off is damaged, or another folio with fewer records.
        for end in (1..bytes.len()).step_by(7) {
            let _ = Folio::decode(&bytes[..end], &members);
        }
    }
}
