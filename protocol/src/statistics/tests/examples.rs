//! Worked out by hand.

use super::*;
use crate::statistics::audit::Interval;
use crate::statistics::rules::{Closeness, Dominance, Measure, RulesError, Sensitive};
use crate::statistics::{DiscloseError, FactError, FactsError, Heading, Month};

const BOTH: [Dimension; 2] = [Dimension::Origin, Dimension::Product];

/// Headings alone, without chapters and with the total.
fn headings() -> Table {
    let table = Table::new("t".parse().unwrap()).by(Dimension::Origin);
    table.only(Dimension::Product, 2)
}

fn shares(list: &[u128]) -> impl Fn(Role, Measure) -> Vec<u128> + '_ {
    move |_, measure| if measure == Measure::Count { vec![1; list.len()] } else { list.to_vec() }
}

#[test]
fn a_cell_of_two_items_is_sensitive_and_one_of_three_is_not() {
    let rules = by_count(3, 0);
    assert_eq!(rules.sensitive(2, shares(&[])), Some(Sensitive::Count { found: 2 }));
    assert_eq!(rules.sensitive(3, shares(&[])), None);
}

#[test]
fn many_items_of_two_parties_are_sensitive() {
    let rules = Rules { min_contributors: 3, ..by_parties(&[Role::Seller]) };
    let two = Some(Sensitive::Contributors { role: Role::Seller, found: 2 });
    assert_eq!(rules.sensitive(1000, shares(&[50, 50])), two);
    assert_eq!(rules.sensitive(1000, shares(&[50, 40, 10])), None);
}

/// 75 of 100 reach 75 %, 74 do not; two with 60 and 30 have 90 of 100.
#[test]
fn the_largest_have_too_much() {
    let one = Dominance { measure: Measure::Value, largest: 1, percent: 75 };
    let rules = Rules { dominances: vec![one], ..by_parties(&[Role::Importer]) };
    let hit = Some(Sensitive::Dominance { role: Role::Importer, rule: 0 });
    assert_eq!(rules.sensitive(9, shares(&[75, 15, 10])), hit);
    assert_eq!(rules.sensitive(9, shares(&[74, 16, 10])), None);
    let two = Dominance { largest: 2, percent: 90, ..one };
    let rules = Rules { dominances: vec![one, two], ..rules };
    assert_eq!(rules.sensitive(9, shares(&[60, 30, 10])), Some(Sensitive::Dominance { role: Role::Importer, rule: 1 }));
    assert_eq!(rules.sensitive(9, shares(&[60, 29, 11])), None);
    // Of nothing nobody has the most.
    assert_eq!(rules.sensitive(9, shares(&[0, 0, 0])), None);
}

/// 500, 300 and all others 40: the second knows the largest to 40 of 500, that is 8 %.
#[test]
fn the_second_largest_could_compute_the_largest() {
    let closeness = |percent| Rules {
        closenesses: vec![Closeness { measure: Measure::Value, percent }],
        ..by_parties(&[Role::Filer])
    };
    assert_eq!(closeness(8).sensitive(9, shares(&[500, 300, 25, 15])), None);
    let hit = Some(Sensitive::Closeness { role: Role::Filer, rule: 0 });
    assert_eq!(closeness(9).sensitive(9, shares(&[500, 300, 25, 15])), hit);
    assert_eq!(closeness(1).sensitive(9, shares(&[500, 300])), hit);
}

/// The classic: one small cell of two by two takes the three others with it, or its totals. Here totals are dearer.
#[test]
fn one_small_cell_of_two_by_two() {
    let mut facts = Facts::new();
    for (origin, heading, count) in [("CN", "6109", 2), ("CN", "8517", 5), ("US", "6109", 6), ("US", "8517", 9)] {
        safe(&mut facts, origin, heading, count, 100);
    }
    let table = headings().by(Dimension::Origin);
    let both = table.clone();
    let publication = january(&facts, vec![both], &by_count(3, 20)).publication;
    // Only headings are shown, so rows have no total: CN.8517 needs no protection, a column has one.
    let expected = [
        ("CN.6109", "primary"),
        ("CN.8517", "5"),
        ("US.6109", "secondary"),
        ("US.8517", "9"),
        ("_T.6109", "8"),
        ("_T.8517", "14"),
    ];
    assert_eq!(read(&publication), expected.map(|(name, what)| (name.to_owned(), what.to_owned())).into());
}

/// With totals in both directions: 2 is small; 5 goes with it in its row, 6 in its column, and 9 closes the rectangle.
#[test]
fn a_rectangle_hides_one_cell() {
    let mut facts = Facts::new();
    for (origin, heading, count) in [("CN", "6109", 2), ("CN", "8517", 5), ("US", "6109", 6), ("US", "8517", 9)] {
        safe(&mut facts, origin, heading, count, 100);
    }
    for (heading, count) in [("6109", 30), ("8517", 40)] {
        safe(&mut facts, "JP", heading, count, 100);
    }
    let table = table("t", &[Dimension::Origin]).down_to(Dimension::Product, 1);
    let disclosure = january(&facts, vec![table], &by_count(3, 20));
    let expected = [
        ("CN.61", "primary"),
        ("CN.85", "secondary"),
        ("CN._T", "7"),
        ("JP.61", "30"),
        ("JP.85", "40"),
        ("JP._T", "70"),
        ("US.61", "secondary"),
        ("US.85", "secondary"),
        ("US._T", "15"),
        ("_T.61", "38"),
        ("_T.85", "54"),
        ("_T._T", "92"),
    ];
    assert_eq!(read(&disclosure.publication), expected.map(|(name, what)| (name.to_owned(), what.to_owned())).into());
    // CN.61 + CN.85 = 7 with CN.85 at least 3; the column lets it be 1 to 4: only the ends that were needed are looked for.
    let small = disclosure.withheld.iter().find(|cell| cell.key.to_string() == "_T.CN._T.61._T._T").unwrap();
    assert_eq!(small.sensitive, Some(Sensitive::Count { found: 2 }));
    let Interval { least, most } = small.intervals[0];
    assert!((1..=2).contains(&least) && (2..=4).contains(&most) && least < most, "{least} {most}");
    // 2 items of 100 each: a fifth of 200 is 40.
    assert!(small.intervals[1].most - small.intervals[1].least >= 40);
}

/// A chapter of one heading is that heading: both are withheld, though only one is small by the rules of the table.
#[test]
fn a_chapter_of_one_heading_is_withheld_with_it() {
    let mut facts = Facts::new();
    safe(&mut facts, "CN", "6109", 2, 100);
    safe(&mut facts, "CN", "8517", 7, 100);
    safe(&mut facts, "CN", "8471", 9, 100);
    let publication = january(&facts, vec![table("t", &[Dimension::Product])], &by_count(3, 10)).publication;
    let expected = [
        ("_T.61", "primary"),
        ("_T.6109", "primary"),
        ("_T.84", "9"),
        ("_T.8471", "9"),
        ("_T.85", "secondary"),
        ("_T.8517", "secondary"),
        ("_T._T", "18"),
    ];
    assert_eq!(read(&publication), expected.map(|(name, what)| (name.to_owned(), what.to_owned())).into());
}

/// Two of one item each beside a total of three would both be known to be one or two, and with the third class their sum is known: a
/// count that only one figure fits counts as found out.
#[test]
fn classes_are_knowledge_too() {
    let mut facts = Facts::new();
    for (heading, count) in [("6109", 1), ("6110", 1), ("6111", 1)] {
        safe(&mut facts, "CN", heading, count, 1000);
    }
    safe(&mut facts, "CN", "8517", 9, 1000);
    let table = Table::new("t".parse().unwrap()).by(Dimension::Product);
    let publication = january(&facts, vec![table], &by_count(3, 10)).publication;
    let read = read(&publication);
    // The chapter's three would say one each; so it goes, and the total with it, which costs less than 85 and its one heading.
    for cell in ["_T.6109", "_T.6110", "_T.6111"] {
        assert_eq!(read[cell], "primary");
    }
    assert_eq!([&read["_T.61"], &read["_T._T"]], ["secondary"; 2]);
    assert_eq!([&read["_T.85"], &read["_T.8517"]], ["9"; 2]);
}

/// Chapter 61 is one item worth 5000. Chapter 85, worth 30 in all and free of duty, is the cheapest to go with it, and hides nothing:
/// 61 would be known to be 5030 at most, and its duty of 250 to be 250 at most. So 84 goes, and 85 comes back.
#[test]
fn what_is_too_small_hides_nothing() {
    let mut facts = Facts::new();
    for (heading, count, value) in [("6109", 1, 5000), ("8517", 3, 10), ("8471", 9, 4000)] {
        safe(&mut facts, "CN", heading, count, value);
    }
    let chapters = Table::new("t".parse().unwrap()).down_to(Dimension::Product, 1);
    let disclosure = january(&facts, vec![chapters], &by_count(3, 20));
    let expected = [("_T.61", "primary"), ("_T.84", "secondary"), ("_T.85", "3"), ("_T._T", "13")];
    assert_eq!(read(&disclosure.publication), expected.map(|(name, what)| (name.to_owned(), what.to_owned())).into());
    // A fifth of 5000 on both sides, of 501 grams, of 250 of duty.
    let intervals = disclosure.withheld[0].intervals;
    for (interval, least, most) in [(intervals[1], 4000, 6000), (intervals[2], 400, 602), (intervals[3], 200, 300)] {
        assert!(interval.least <= least && interval.most >= most, "{interval:?}");
    }
}

/// Eleven months are published; the year's total, published later, would give the twelfth's small cell away.
#[test]
fn a_year_is_safe_beside_its_months() {
    let mut facts = Facts::new();
    for month in 1..=12 {
        for party in 0..(if month == 7 { 1 } else { 8 }) {
            let fact = in_month(item("CN", "6109", &format!("p{party}"), 500), &format!("2026-{month:02}"));
            facts.add(&fact).unwrap();
        }
    }
    let rules = by_count(3, 20);
    let monthly = Table::new("months".parse().unwrap()).only(Dimension::Time, 2);
    let first = disclose(&facts, &edition("2026-01", "2026-12", vec![monthly]), &rules, &[]).unwrap().publication;
    assert_eq!(classes(&first, Withheld::Primary).len(), 1);
    assert_eq!(classes(&first, Withheld::Secondary), []);
    let yearly = || vec![Table::new("years".parse().unwrap()).only(Dimension::Time, 1)];
    // The year is not small, and published alone it would be.
    let alone = disclose(&facts, &edition("2026-01", "2026-12", yearly()), &rules, &[]).unwrap().publication;
    assert_eq!(classes(&alone, Withheld::Secondary), []);
    let after = disclose(&facts, &edition("2026-01", "2026-12", yearly()), &rules, &[first]).unwrap().publication;
    assert_eq!(classes(&after, Withheld::Secondary).len(), 1);
}

/// By chapter in one table and by origin in another: both have the total, and what is not shown in one must not come from the other.
#[test]
fn tables_published_together_are_looked_at_together() {
    let mut facts = Facts::new();
    safe(&mut facts, "CN", "6109", 9, 100);
    safe(&mut facts, "US", "6109", 2, 100);
    safe(&mut facts, "US", "8517", 8, 100);
    let by_origin = || table("a", &[Dimension::Origin]);
    let cross = || Table::new("b".parse().unwrap()).only(Dimension::Origin, 1).only(Dimension::Product, 1);
    // Alone, the cross table withholds its one small cell and nothing else.
    let alone = january(&facts, vec![cross()], &by_count(3, 20)).publication;
    assert_eq!((classes(&alone, Withheld::Primary).len(), classes(&alone, Withheld::Secondary).len()), (1, 0));
    // Beside totals by origin, US less 85 would give it away; the two tables stand in no relation but by what they count.
    let both = january(&facts, vec![by_origin(), cross()], &by_count(3, 20)).publication;
    let names: Vec<_> = classes(&both, Withheld::Secondary).iter().map(Key::to_string).collect();
    assert!(!names.is_empty());
    let (published, withheld) = knowledge(&[both], &places(&facts));
    let sought: Vec<_> = withheld.into_iter().map(|(_, row, _)| row).collect();
    assert!(!linear::determined(&published, &sought).contains(&true));
}

#[test]
fn a_published_month_is_closed() {
    let mut facts = Facts::new();
    safe(&mut facts, "CN", "6109", 9, 100);
    let rules = by_count(3, 20);
    let first = january(&facts, vec![table("t", &BOTH)], &rules).publication;
    facts.add(&item("CN", "6109", "late", 7)).unwrap();
    let again =
        disclose(&facts, &edition("2026-01", "2026-01", vec![table("t", &BOTH)]), &rules, std::slice::from_ref(&first));
    assert!(matches!(again, Err(DiscloseError::Revised { .. })));
    facts.take(&item("CN", "6109", "late", 7)).unwrap();
    facts.add(&in_month(item("CN", "6109", "late", 7), "2026-02")).unwrap();
    assert!(disclose(&facts, &edition("2026-01", "2026-02", vec![table("t", &BOTH)]), &rules, &[first]).is_ok());
}

/// What a single looser publication has given away cannot be taken back.
#[test]
fn what_was_given_away_before_is_said() {
    let mut facts = Facts::new();
    safe(&mut facts, "CN", "6109", 2, 100);
    safe(&mut facts, "US", "6109", 9, 100);
    let total = Table::new("total".parse().unwrap());
    let us = |publication: &mut Publication| {
        let (_, cells) = &mut publication.tables[0];
        cells.retain(|_, figure| matches!(figure, Figure::Published(_)));
        publication.clone()
    };
    let mut first = january(&facts, vec![total.clone()], &by_count(1, 0)).publication;
    let mut second = january(&facts, vec![total.by(Dimension::Origin)], &by_count(1, 0)).publication;
    let (first, second) = (us(&mut first), us(&mut second));
    // Everything is published by rules that withhold nothing: a later edition keeps to what is so, and says no less.
    let later =
        disclose(&facts, &edition("2026-01", "2026-01", vec![table("t", &BOTH)]), &by_count(3, 20), &[first, second]);
    assert!(matches!(later, Err(DiscloseError::Exposed { .. })), "{later:?}");
}

#[test]
fn what_was_never_added_is_not_taken_away() {
    let mut facts = Facts::new();
    facts.add(&item("CN", "6109", "a", 100)).unwrap();
    let not_there = |fact: &Fact| Err(FactsError::NotThere(fact.place));
    for fact in [
        item("US", "6109", "a", 100),
        item("CN", "6109", "b", 100),
        item("CN", "6109", "a", 101),
        item("CN", "6109", "a", 40),
    ] {
        assert_eq!(facts.clone().take(&fact), not_there(&fact), "{fact:?}");
    }
    facts.take(&item("CN", "6109", "a", 100)).unwrap();
    assert_eq!(places(&facts), []);
}

#[test]
fn forms() {
    assert_eq!("2026-02".parse::<Month>().unwrap().to_string(), "2026-02");
    for text in ["2026-13", "2026-00", "26-01", "2026-1", "2026-01-01", "", "2026/01"] {
        assert_eq!(text.parse::<Month>(), Err(FactError::Month(text.to_owned())));
    }
    assert_eq!("6109".parse::<Heading>().unwrap().to_string(), "6109");
    assert_eq!("61".parse::<Heading>().unwrap().to_string(), "61XX");
    for text in ["0010", "00", "6", "610", "61091", "61x9", "+109"] {
        assert_eq!(text.parse::<Heading>(), Err(FactError::Heading(text.to_owned())));
    }
    let wrong = Rules { min_count: 0, ..by_count(1, 0) };
    assert!(matches!(wrong.check(), Err(RulesError::Range { found: 0, .. })));
    let twice = by_parties(&[Role::Seller, Role::Seller]);
    assert!(matches!(twice.check(), Err(RulesError::List(_))));
}
