//! What the tests of statistics share: items, tables, and the knowledge of somebody who has only publications.

#![allow(clippy::unwrap_used)]

mod examples;
mod gathering;
mod linear;
mod properties;
mod published;
mod reading;
mod signed;
mod thresholds;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cell::{Dimension, Key, Table};
use super::fact::{Fact, Flow, Place, Role};
use super::facts::Facts;
use super::publication::{Figure, Publication, Withheld};
use super::rules::Rules;
use super::{Disclosure, Edition, disclose};
use crate::names::CollectionModel;
use crate::testing::NOW;

/// A small item of January 2026 by mail to Korea, the vendor collecting, of one party in every role.
pub(super) fn item(origin: &str, heading: &str, party: &str, value: u64) -> Fact {
    let name: Arc<str> = party.into();
    Fact {
        place: Place {
            month: "2026-01".parse().unwrap(),
            origin: origin.parse().unwrap(),
            destination: "KR".parse().unwrap(),
            heading: heading.parse().unwrap(),
            mode: "5".parse().unwrap(),
            model: CollectionModel::Vendor,
        },
        parties: [Some(name.clone()), Some(name.clone()), Some(name)],
        value,
        mass: value / 10 + 1,
        duty: value / 20,
    }
}

pub(super) fn in_month(mut fact: Fact, month: &str) -> Fact {
    fact.place.month = month.parse().unwrap();
    fact
}

/// So many items that no rule hits: each of a party of its own.
pub(super) fn safe(facts: &mut Facts, origin: &str, heading: &str, count: usize, value: u64) {
    for place in 0..count {
        facts.add(&item(origin, heading, &format!("{origin}{heading}{place}"), value)).unwrap();
    }
}

pub(super) fn table(name: &str, dimensions: &[Dimension]) -> Table {
    dimensions.iter().fold(Table::new(name.parse().unwrap()), |table, dimension| table.by(*dimension))
}

pub(super) fn edition(from: &str, to: &str, tables: Vec<Table>) -> Edition {
    Edition {
        publisher: "customs-kr".parse().unwrap(),
        at: NOW,
        flow: Flow::Import,
        currency: "KRW".parse().unwrap(),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        tables,
    }
}

/// Rules by which only the number of items counts.
pub(super) fn by_count(min_count: u32, protection_percent: u8) -> Rules {
    Rules {
        min_count,
        min_contributors: 1,
        roles: Vec::new(),
        dominances: Vec::new(),
        closenesses: Vec::new(),
        protection_percent,
    }
}

pub(super) fn by_parties(roles: &[Role]) -> Rules {
    Rules { min_count: 1, roles: roles.to_vec(), ..by_count(1, 0) }
}

pub(super) fn january(facts: &Facts, tables: Vec<Table>, rules: &Rules) -> Disclosure {
    disclose(facts, &edition("2026-01", "2026-01", tables), rules, &[]).unwrap()
}

/// A publication's cells as text, `origin.product` of the first table: the count, or the class.
pub(super) fn read(publication: &Publication) -> BTreeMap<String, String> {
    let (_, cells) = publication.tables.first().unwrap();
    let name = |key: &Key| format!("{}.{}", key.code(Dimension::Origin), key.code(Dimension::Product));
    let what = |figure: &Figure| match figure {
        Figure::Published(figures) => figures.count.to_string(),
        Figure::Withheld(class) => class.word().to_owned(),
    };
    cells.iter().map(|(key, figure)| (name(key), what(figure))).collect()
}

pub(super) fn classes(publication: &Publication, class: Withheld) -> Vec<Key> {
    let cells = publication.tables.iter().flat_map(|(_, cells)| cells);
    cells.filter(|(_, figure)| **figure == Figure::Withheld(class)).map(|(key, _)| *key).collect()
}

pub(super) fn places(facts: &Facts) -> Vec<Place> {
    let month = |text: &str| text.parse().unwrap();
    facts.between(month("1900-01"), month("9999-12")).map(|(place, _)| *place).collect()
}

/// Whether an item of this place is counted in a cell, by the codes that readers see.
pub(super) fn counts(publication: &Publication, key: &Key, place: &Place) -> bool {
    let codes = [
        place.month.to_string(),
        place.origin.to_string(),
        place.destination.to_string(),
        place.heading.to_string(),
        place.mode.digit().to_string(),
        place.model.to_string(),
    ];
    (publication.from..=publication.to).contains(&place.month)
        && Dimension::ALL.iter().zip(codes).all(|(dimension, code)| match key.code(*dimension).as_str() {
            "_T" => true,
            shown if matches!(dimension, Dimension::Time | Dimension::Product) => code.starts_with(shown),
            shown => code == shown,
        })
}

/// For each place whether it is counted.
pub(super) type Row = Vec<u8>;

/// What somebody knows who has publications: a row over places for each published cell, and one for each cell that none publishes.
pub(super) fn knowledge(publications: &[Publication], places: &[Place]) -> (Vec<Row>, Vec<(Key, Row, Withheld)>) {
    let (mut published, mut withheld) = (Vec::new(), Vec::new());
    for publication in publications {
        for (key, figure) in publication.tables.iter().flat_map(|(_, cells)| cells) {
            let row: Vec<_> = places.iter().map(|place| u8::from(counts(publication, key, place))).collect();
            match figure {
                Figure::Published(_) => published.push(row),
                Figure::Withheld(class) => withheld.push((*key, row, *class)),
            }
        }
    }
    // The same cell may be published by another table or later.
    withheld.retain(|(_, row, _)| !published.contains(row));
    (published, withheld)
}
