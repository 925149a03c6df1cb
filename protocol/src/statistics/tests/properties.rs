//! Random items, tables and rules: nothing withheld is found out, by means that do not know how it was withheld.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::linear::determined;
use super::*;
use crate::cbor::{Decode, Encode};
use crate::statistics::audit::{Interval, audit};
use crate::statistics::evidence::Evidence;
use crate::statistics::facts::Sums;
use crate::statistics::protect::protect;
use crate::statistics::rules::{Closeness, Dominance, Measure};
use crate::statistics::universe::{State, Universe};
use crate::statistics::{DiscloseError, Figures};
use crate::testing::Numbers;

/// Items of two months, few codes and few parties: all that is small is likely.
fn world(numbers: &mut Numbers, items: u64) -> Facts {
    let mut facts = Facts::new();
    let mut pick = |from: &[&'static str]| from[numbers.up_to(from.len() as u64 - 1) as usize];
    for _ in 0..items {
        let origin = pick(&["CN", "US", "JP", "DE"]);
        let heading = pick(&["6109", "6110", "8517", "8471", "85"]);
        let party = pick(&["a", "b", "c", "d", "e", "f", "g", "h"]);
        let value = pick(&["0", "5", "20", "100", "1000", "90000"]).parse().unwrap();
        let mut fact = in_month(item(origin, heading, party, value), pick(&["2025-12", "2026-01"]));
        fact.place.destination = pick(&["KR", "TH"]).parse().unwrap();
        fact.place.mode = pick(&["4", "5"]).parse().unwrap();
        fact.place.model = [CollectionModel::Vendor, CollectionModel::Consumer][usize::from(pick(&["0", "1"]) == "1")];
        facts.add(&fact).unwrap();
    }
    facts
}

fn rules(numbers: &mut Numbers) -> Rules {
    let mut up_to = |least: u64, most: u64| (least + numbers.up_to(most - least)) as u8;
    let dominance = Dominance { measure: Measure::Value, largest: up_to(1, 2), percent: up_to(60, 95) };
    let closeness = Closeness { measure: Measure::Mass, percent: up_to(1, 20) };
    Rules {
        min_count: up_to(1, 5).into(),
        min_contributors: up_to(1, 3).into(),
        roles: Role::ALL[..usize::from(up_to(0, 3))].to_vec(),
        dominances: vec![dominance; usize::from(up_to(0, 1))],
        closenesses: vec![closeness; usize::from(up_to(0, 1))],
        protection_percent: up_to(0, 50),
    }
}

/// One to three tables of up to three dimensions, with all levels, some, or one.
fn tables(numbers: &mut Numbers) -> Vec<Table> {
    (0..=numbers.up_to(2))
        .map(|place| {
            let mut table = Table::new(format!("t{place}").parse().unwrap());
            for _ in 0..=numbers.up_to(2) {
                let dimension = Dimension::ALL[numbers.up_to(5) as usize];
                table = match numbers.up_to(3) {
                    0 => table.down_to(dimension, 1),
                    1 => table.only(dimension, numbers.up_to(2) as u8),
                    _ => table.by(dimension),
                };
            }
            table
        })
        .collect()
}

/// One edition, or two of which the second knows the first.
fn editions(numbers: &mut Numbers, facts: &Facts, rules: &Rules) -> Vec<Publication> {
    let mut published = Vec::new();
    for _ in 0..=numbers.up_to(1) {
        let from = if numbers.up_to(1) == 0 { "2025-12" } else { "2026-01" };
        let edition = edition(from, "2026-01", tables(numbers));
        match disclose(facts, &edition, rules, &published) {
            Ok(disclosure) => published.push(disclosure.publication),
            // What the first has published can make it impossible to withhold enough in the second; the first never fails.
            Err(DiscloseError::Exposed { .. }) if !published.is_empty() => {}
            Err(error) => panic!("{error}"),
        }
    }
    published
}

/// With the figures of what is withheld for others' sake filled in: what would be published without that.
fn primary_only(facts: &Facts, publication: &Publication) -> Publication {
    let mut all = publication.clone();
    for (table, cells) in &mut all.tables {
        let sums = facts.aggregate(table, publication.from, publication.to);
        for (key, figure) in cells.iter_mut().filter(|(_, figure)| **figure == Figure::Withheld(Withheld::Secondary)) {
            *figure = Figure::Published(Figures::try_from(&sums[key]).unwrap());
        }
    }
    all
}

fn rest_on_possible_figures(seed: u64, items: u64) -> Result<(), TestCaseError> {
    let mut numbers = Numbers(seed);
    let (facts, rules) = (world(&mut numbers, items), rules(&mut numbers));
    let edition = edition("2025-12", "2026-01", tables(&mut numbers));
    let mut universe = Universe::new(&facts, &edition, &rules, &[]).unwrap();
    let evidence = protect(&mut universe, &rules).unwrap();
    let intervals = audit(&universe, &rules, &evidence).unwrap();
    let mut seen = BTreeMap::<(u32, usize), Interval>::new();
    for Evidence { measure, changes } in &evidence {
        let mut all: Vec<_> = universe.atoms.iter().map(|sums| sums.of(*measure) as i128).collect();
        for (atom, change) in changes {
            all[*atom as usize] += change;
            prop_assert!(all[*atom as usize] >= 0);
        }
        for (number, cell) in (0_u32..).zip(&universe.cells) {
            let sum: i128 = cell.atoms.iter().map(|atom| all[*atom as usize]).sum();
            if cell.state == State::Published {
                prop_assert_eq!(sum, cell.figure(*measure));
            } else if *measure == Measure::Count {
                prop_assert!(sum >= cell.known_count(&rules));
            }
            if cell.state != State::Published {
                let place = Measure::ALL.iter().position(|one| one == measure).unwrap();
                let interval = seen.entry((number, place)).or_insert(Interval::of(cell)[place]);
                *interval = Interval { least: interval.least.min(sum), most: interval.most.max(sum) };
            }
        }
    }
    for (number, cell) in (0_u32..).zip(&universe.cells).filter(|(_, cell)| cell.state != State::Published) {
        for (place, measure) in Measure::ALL.iter().enumerate() {
            let figure = cell.figure(*measure);
            let interval = seen.get(&(number, place)).copied().unwrap_or(Interval::of(cell)[place]);
            let beside = cell.guarded && *measure != Measure::Count;
            let width = if beside { rules.width(figure) } else { 0 };
            let between = figure.min(1);
            for interval in [interval, intervals[&number][place]] {
                prop_assert!(
                    interval.least <= figure - width && interval.most >= figure + width,
                    "{} {measure} {interval:?}",
                    cell.key
                );
                prop_assert!(interval.most - interval.least >= between, "{} {measure} {interval:?}", cell.key);
            }
        }
    }
    Ok(())
}

/// Found at random: a withheld cell that holds atoms which are known, whose interval was told without them.
#[test]
fn known_atoms_count_in_intervals() {
    rest_on_possible_figures(16_297_909_321_931_205_368, 19).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_withheld_cell_is_a_combination_of_what_is_published(seed: u64, items in 1_u64..60) {
        let mut numbers = Numbers(seed);
        let (facts, rules) = (world(&mut numbers, items), rules(&mut numbers));
        let publications = editions(&mut numbers, &facts, &rules);
        let places = places(&facts);
        let (published, withheld) = knowledge(&publications, &places);
        let sought: Vec<_> = withheld.iter().map(|(_, row, _)| row.clone()).collect();
        prop_assert!(!determined(&published, &sought).contains(&true));
        for (place, publication) in publications.iter().enumerate() {
            for key in classes(publication, Withheld::Primary) {
                // What was sensitive once is published in no later edition, under whatever key.
                let row = |publication: &Publication, key: &Key| {
                    places.iter().map(|place| counts(publication, key, place)).collect::<Vec<_>>()
                };
                let cell = row(publication, &key);
                for later in &publications[place..] {
                    for (other, figure) in later.tables.iter().flat_map(|(_, cells)| cells) {
                        prop_assert!(row(later, other) != cell || matches!(figure, Figure::Withheld(_)));
                    }
                }
            }
            prop_assert_eq!(&Publication::from_cbor(&publication.to_cbor()).unwrap(), publication);
        }
    }

    /// The figures on which intervals rest agree with everything published, and are as far apart as the rules ask.
    #[test]
    fn intervals_rest_on_figures_that_are_possible(seed: u64, items in 1_u64..80) {
        rest_on_possible_figures(seed, items)?;
    }

    /// Cells add up along each relation, and the atoms of each cell are the places that its codes say.
    #[test]
    fn sums_add_up(seed: u64, items in 1_u64..80) {
        let mut numbers = Numbers(seed);
        let facts = world(&mut numbers, items);
        let edition = edition("2025-12", "2026-01", tables(&mut numbers));
        let universe = Universe::new(&facts, &edition, &by_count(1, 0), &[]).unwrap();
        for relation in &universe.relations {
            let parts = relation.parts.iter().map(|part| universe.cells[*part as usize].sums);
            prop_assert_eq!(parts.fold(Sums::default(), Sums::plus), universe.cells[relation.whole as usize].sums);
        }
        let publication = disclose(&facts, &edition, &by_count(1, 0), &[]).unwrap().publication;
        for (table, cells) in &publication.tables {
            let sums = facts.aggregate(table, edition.from, edition.to);
            prop_assert!(sums.keys().eq(cells.keys()));
            for (key, sums) in sums {
                let within = facts.between(edition.from, edition.to).filter(|(place, _)| counts(&publication, &key, place));
                let by_hand = within.flat_map(|(_, groups)| groups.values()).fold(Sums::default(), |sum, more| sum.plus(*more));
                prop_assert_eq!(sums, by_hand);
                prop_assert_eq!(cells[&key], Figure::Published(Figures::try_from(&sums).unwrap()));
            }
        }
    }

    /// For small tables every possible set of counts is gone through: each withheld count could be another one.
    #[test]
    fn counts_of_small_tables_are_not_found_by_going_through_all(seed: u64) {
        let mut numbers = Numbers(seed);
        let mut facts = Facts::new();
        let mut true_counts = Vec::new();
        for (origin, heading) in [("CN", "6109"), ("CN", "8517"), ("US", "6109"), ("US", "8517")] {
            let count = numbers.up_to(4) as usize;
            safe(&mut facts, origin, heading, count, 1000);
            true_counts.extend((count > 0).then_some(count));
        }
        let rules = by_count(2 + numbers.up_to(1) as u32, 10);
        let table = table("t", &[Dimension::Origin]).only(Dimension::Product, 2);
        let table = if numbers.up_to(1) == 0 { table.by(Dimension::Product) } else { table };
        let publication = january(&facts, vec![table], &rules).publication;
        let places = places(&facts);
        let (_, cells) = &publication.tables[0];
        let rows: Vec<(Vec<usize>, Figure)> = cells.iter().map(|(key, figure)| {
            ((0..places.len()).filter(|place| counts(&publication, key, &places[*place])).collect(), *figure)
        }).collect();
        let mut found = vec![std::collections::BTreeSet::new(); rows.len()];
        let most = 9_usize;
        for code in 0..most.pow(places.len() as u32) {
            let guess: Vec<_> = (0..places.len()).map(|place| code / most.pow(place as u32) % most).collect();
            let sums: Vec<_> = rows.iter().map(|(row, _)| row.iter().map(|place| guess[*place]).sum::<usize>()).collect();
            let possible = rows.iter().zip(&sums).all(|((_, figure), sum)| match figure {
                Figure::Published(figures) => figures.count == *sum as u64,
                Figure::Withheld(Withheld::Secondary) => *sum >= rules.min_count as usize,
                Figure::Withheld(_) => *sum >= 1,
            });
            if possible {
                found.iter_mut().zip(sums).for_each(|(found, sum)| { found.insert(sum); });
            }
        }
        for ((_, figure), found) in rows.iter().zip(found) {
            prop_assert!(matches!(figure, Figure::Published(_)) || found.len() >= 2, "{figure:?} {found:?}");
        }
    }

    /// What is taken away again was never there.
    #[test]
    fn taking_away_undoes_adding(seed: u64, items in 1_u64..40) {
        let mut numbers = Numbers(seed);
        let facts = world(&mut numbers, items);
        let mut changed = facts.clone();
        let more: Vec<_> = (0..numbers.up_to(20)).map(|n| item("FR", "4202", &format!("{}", n % 3), n * 7)).collect();
        more.iter().for_each(|fact| changed.add(fact).unwrap());
        more.iter().rev().for_each(|fact| changed.take(fact).unwrap());
        let edition = edition("2025-12", "2026-01", tables(&mut numbers));
        let rules = rules(&mut numbers);
        let publication = |facts: &Facts| disclose(facts, &edition, &rules, &[]).unwrap().publication.to_cbor();
        prop_assert_eq!(publication(&changed), publication(&facts));
    }
}

/// A table of all six dimensions with all levels: boxes of up to 64 corners.
#[test]
fn all_dimensions_at_once() {
    for seed in 0..4 {
        let mut numbers = Numbers(seed);
        let facts = world(&mut numbers, 40);
        let tables = vec![table("t", Dimension::ALL)];
        let edition = edition("2025-12", "2026-01", tables);
        let publication = disclose(&facts, &edition, &by_count(2, 20), &[]).unwrap().publication;
        let places = places(&facts);
        let (published, withheld) = knowledge(&[publication], &places);
        let mut rows: Vec<_> = withheld.into_iter().map(|(_, row, _)| row).collect();
        rows.sort();
        rows.dedup();
        let sought: Vec<_> = rows.into_iter().step_by(7).collect();
        assert!(sought.len() > 10 && !determined(&published, &sought).contains(&true));
    }
}

/// The control: where cells are withheld only for their own sake, many are computed, by the same means.
#[test]
fn without_secondary_suppression_cells_are_found_out() {
    let (mut sensitive, mut computed, mut protected) = (0, 0, 0);
    for seed in 0..40 {
        let mut numbers = Numbers(seed);
        let facts = world(&mut numbers, 40);
        let tables = vec![table("t", &[Dimension::Origin, Dimension::Product])];
        let publication =
            disclose(&facts, &edition("2026-01", "2026-01", tables), &by_count(3, 20), &[]).unwrap().publication;
        let places = places(&facts);
        let found = |publication: Publication| {
            let (published, withheld) = knowledge(&[publication], &places);
            let primary = withheld.iter().filter(|(_, _, class)| *class == Withheld::Primary);
            determined(&published, &primary.map(|(_, row, _)| row.clone()).collect::<Vec<_>>())
        };
        let without = found(primary_only(&facts, &publication));
        sensitive += without.len();
        computed += without.iter().filter(|found| **found).count();
        protected += found(publication).iter().filter(|found| **found).count();
    }
    println!("{sensitive} sensitive cells: {computed} computed without secondary suppression, {protected} with it");
    assert!(sensitive > 200 && computed * 4 > sensitive && protected == 0, "{sensitive} {computed} {protected}");
}
