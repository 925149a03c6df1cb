//! Which indicators may be met by a record, without looking at each (tuple space search: Srinivasan, Suri, Varghese 1999).
//!
//! Each indicator stands under keys made of what is exact in it: numbers, names by their place in the name index, beginnings of tariff
//! codes together with origin and route. For each combination of fields that some indicator uses, a record's values are looked up once,
//! so the cost depends on the number of combinations, not of indicators. A key is only where to look: whoever is found is compared.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, RandomState};

use super::names::{Hashed, NameIndex};
use super::plain::plain_words;
use super::sought::{GoodsSought, NumberSought, RouteSought, Sought, is_union, operator_of, plain_chars, plain_id};
use super::subject::{Goods, Subject};
use crate::names::Territory;

/// Routes beyond which an indicator stands under its goods alone.
const MAX_KEYED_ROUTES: usize = 4;

/// What an indicator stands under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key<'k> {
    Id(&'k str),
    Name(u32),
    Prefix(&'k str),
    Operator(&'k str),
    /// The beginning of a code, and the origin.
    Goods(&'k str, Option<&'k str>, Way<'k>),
    Word(&'k str),
    Route(Way<'k>),
}

/// Departure and destination, where they are sought.
type Way<'k> = (Option<&'k str>, Option<&'k str>);

/// Which fields a key of goods is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    digits: usize,
    origin: bool,
    departure: bool,
    destination: bool,
}

/// Indicators by their places, under what is exact in them.
#[derive(Debug, Default)]
pub(super) struct Index {
    by: RandomState,
    heads: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    /// A place, and the next link of its key.
    links: Vec<(u32, u32)>,
    names: NameIndex,
    ids: bool,
    words: bool,
    operators: bool,
    /// Lengths of the beginnings of numbers.
    prefixes: Vec<usize>,
    goods: Vec<Shape>,
    routes: Vec<(bool, bool)>,
    /// Those that nothing exact is in.
    broad: Vec<u32>,
}

const END: u32 = u32::MAX;

/// Whether nothing exact is in what is sought, so that it is compared with every record.
pub(super) fn is_broad(sought: &Sought) -> bool {
    !by_party(sought) && !by_number(sought) && !by_goods(sought) && !by_route(sought)
}

fn by_party(sought: &Sought) -> bool {
    !sought.parties.is_empty() && sought.parties.iter().all(|row| row.id.is_some() || row.name.is_some())
}

fn by_number(sought: &Sought) -> bool {
    !sought.numbers.is_empty()
}

fn by_goods(sought: &Sought) -> bool {
    !sought.goods.is_empty() && sought.goods.iter().all(|row| row.hs.is_some() || row.words.is_some())
}

fn by_route(sought: &Sought) -> bool {
    !sought.routes.is_empty() && sought.routes.iter().all(|row| way(row) != (None, None))
}

/// A territory under which one is found; others are in a union.
fn one(territory: &Option<Territory>) -> Option<&str> {
    territory.as_ref().filter(|territory| !is_union(**territory)).map(Territory::as_str)
}

fn way(row: &RouteSought) -> Way<'_> {
    (one(&row.departure), one(&row.destination))
}

/// The longest word, by which a description is found.
fn anchor(words: &str) -> &str {
    words.split_ascii_whitespace().max_by_key(|word| word.len()).unwrap_or(words)
}

impl Index {
    /// Puts an indicator's place under what it looks for.
    pub(super) fn add(&mut self, place: u32, sought: &Sought) {
        if by_party(sought) {
            for row in &sought.parties {
                match (&row.id, &row.name) {
                    (Some(id), _) => {
                        self.ids = true;
                        self.put(&Key::Id(id), place);
                    }
                    (None, Some((_, name))) => {
                        let name = self.names.add(name);
                        self.put(&Key::Name(name), place);
                    }
                    (None, None) => {}
                }
            }
        } else if by_number(sought) {
            sought.numbers.iter().for_each(|row| self.add_number(place, row));
        } else if by_goods(sought) {
            let keyed = (1..=MAX_KEYED_ROUTES).contains(&sought.routes.len());
            let ways: Vec<Way<'_>> = if keyed { sought.routes.iter().map(way).collect() } else { vec![(None, None)] };
            for row in &sought.goods {
                ways.iter().for_each(|way| self.add_goods(place, row, *way));
            }
        } else if by_route(sought) {
            for row in &sought.routes {
                let way = way(row);
                noted(&mut self.routes, (way.0.is_some(), way.1.is_some()));
                self.put(&Key::Route(way), place);
            }
        } else {
            self.broad.push(place);
        }
    }

    fn add_number(&mut self, place: u32, row: &NumberSought) {
        match (&row.prefix, &row.operator) {
            (Some(prefix), _) => {
                noted(&mut self.prefixes, prefix.chars().count());
                self.put(&Key::Prefix(prefix), place);
            }
            (None, Some(operator)) => {
                self.operators = true;
                self.put(&Key::Operator(operator.as_str()), place);
            }
            (None, None) => {}
        }
    }

    fn add_goods(&mut self, place: u32, row: &GoodsSought, way: Way<'_>) {
        match (&row.hs, &row.words) {
            (Some(hs), _) => {
                let origin = one(&row.origin);
                let (departure, destination) = (way.0.is_some(), way.1.is_some());
                noted(&mut self.goods, Shape { digits: hs.len(), origin: origin.is_some(), departure, destination });
                self.put(&Key::Goods(hs, origin, way), place);
            }
            (None, Some(words)) => {
                self.words = true;
                self.put(&Key::Word(anchor(words)), place);
            }
            (None, None) => {}
        }
    }

    fn put(&mut self, key: &Key<'_>, place: u32) {
        let head = self.heads.entry(self.by.hash_one(key)).or_insert(END);
        // One indicator may have several rows under one key.
        if *head == END || self.links[*head as usize].0 != place {
            self.links.push((place, *head));
            *head = self.links.len() as u32 - 1; // rows of at most MAX_LIVE_INDICATORS
        }
    }

    /// The places of those that may be met, each once, in their order.
    pub(super) fn candidates(&self, subject: &Subject<'_>, found: &mut Vec<u32>) {
        found.clear();
        found.extend(&self.broad);
        for party in &subject.parties {
            if let Some(id) = party.id.filter(|_| self.ids) {
                self.get(&Key::Id(&plain(id)), found);
            }
            if let Some(name) = (!self.names.is_empty()).then(|| party.plain()).flatten() {
                self.names.find(name).into_iter().for_each(|name| self.get(&Key::Name(name), found));
            }
        }
        for number in &subject.numbers {
            if !self.prefixes.is_empty() {
                let number = plain(number.number);
                for length in &self.prefixes {
                    let end = number.char_indices().map(|(at, c)| at + c.len_utf8()).nth(length.saturating_sub(1));
                    if let Some(prefix) = end.and_then(|end| number.get(..end)) {
                        self.get(&Key::Prefix(prefix), found);
                    }
                }
            }
            if let Some(operator) = operator_of(number.number).filter(|_| self.operators) {
                self.get(&Key::Operator(operator), found);
            }
        }
        subject.goods.iter().for_each(|goods| self.of_goods(subject, goods, found));
        for (departure, destination) in &self.routes {
            if let Some(way) = told(subject, *departure, *destination) {
                self.get(&Key::Route(way), found);
            }
        }
        found.sort_unstable();
        found.dedup();
    }

    fn of_goods(&self, subject: &Subject<'_>, goods: &Goods<'_>, found: &mut Vec<u32>) {
        if let Some(hs) = goods.hs {
            for shape in &self.goods {
                let origin = shape.origin.then_some(goods.origin);
                let way = told(subject, shape.departure, shape.destination);
                if let (Some(hs), Some(way)) = (hs.get(..shape.digits), way)
                    && origin != Some(None)
                {
                    self.get(&Key::Goods(hs, origin.flatten(), way), found);
                }
            }
        }
        if let Some(text) = goods.description.filter(|_| self.words) {
            plain_words(text).split_ascii_whitespace().for_each(|word| self.get(&Key::Word(word), found));
        }
    }

    fn get(&self, key: &Key<'_>, found: &mut Vec<u32>) {
        let mut link = self.heads.get(&self.by.hash_one(key)).copied().unwrap_or(END);
        while let Some((place, next)) = self.links.get(link as usize) {
            found.push(*place);
            link = *next;
        }
    }
}

/// The way that a record tells, where it tells all of it that is asked.
fn told<'s>(subject: &Subject<'s>, departure: bool, destination: bool) -> Option<Way<'s>> {
    let part = |asked: bool, told: Option<&'s str>| match (asked, told) {
        (false, _) => Some(None),
        (true, told) => told.map(Some),
    };
    Some((part(departure, subject.route.departure)?, part(destination, subject.route.destination)?))
}

fn noted<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}

fn plain(id: &str) -> Cow<'_, str> {
    match plain_chars(id).eq(id.chars()) {
        true => Cow::Borrowed(id),
        false => Cow::Owned(plain_id(id)),
    }
}
