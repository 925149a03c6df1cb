//! The items that links join: from one number to all others that counting links lead to, each in the life of its number that is meant.
//!
//! Links `same_as` and `relabelled` make one item of two numbers. Parts and wholes stay items of their own, whose declarations and arrivals
//! stand for one another; what travels back stays an item of its own as well. Links that do not count any more are followed when the rows
//! are gathered, so that what they joined once is judged again, and not when items are made.

use std::collections::{BTreeMap, BTreeSet};

use super::books::BooksError;
use super::folio::{Folio, Members};
use super::kept::{Kept, Mark};
use super::said::{Kind, Said, Type};
use super::standing::{Head, Holding};
use crate::cbor::{Encode, Writer};
use crate::hash::{Digest, Domain};
use crate::life::{ItemId, ItemKey, LinkKind, Name, NumberLife, place_in};
use crate::limits::MAX_LIFE_KEYS;
use crate::sets::Sets;

/// What is kept, with the members that its bytes name.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf<K> {
    pub(super) kept: K,
    pub(super) members: Members,
}

/// One record as it stands among its versions.
#[derive(Debug, Clone)]
pub(super) struct Fact {
    pub(super) said: Said,
    /// No other version took its place, and it was not taken back.
    pub(super) live: bool,
    /// It is the version that counts.
    pub(super) holds: bool,
}

/// One item.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The first of its numbers.
    pub(super) key: ItemKey,
    /// Its other numbers.
    pub(super) aliases: Vec<ItemKey>,
    /// The rows of its numbers.
    pub(super) rows: BTreeSet<u32>,
    /// What was said of it, by when it was lodged.
    pub(super) facts: Vec<Fact>,
    /// Items, by their place, that are it or a part or whole of it.
    pub(super) family: Vec<usize>,
    /// Items, by their place, that counting links join with it, itself among them.
    pub(super) joined: Vec<usize>,
    /// Links by which its goods travel back as another item.
    pub(super) sent_back: Vec<Said>,
    /// Whether it is what travels back of another.
    pub(super) is_return: bool,
}

/// Items that are joined.
#[derive(Debug, Clone, Default)]
pub(super) struct Closure {
    /// Every row of a number that was gathered.
    pub(super) rows: BTreeSet<u32>,
    /// The items.
    pub(super) items: Vec<Item>,
    /// More numbers are linked than are looked at.
    pub(super) cut: bool,
}

/// A number as it is found.
pub(super) fn number_mark(item: &ItemId) -> Mark {
    mark(b"item", &Name::Item(item.clone()))
}

/// A record by its issuer and reference. Where the reference is hidden: by its root, a correction by the root that it corrects.
pub(super) fn record_mark(said: &Said) -> Mark {
    match &said.reference {
        Some(reference) => reference_mark(said.table, said.by.as_str(), reference),
        None => root_mark(said),
    }
}

/// The same where the reference is hidden.
pub(super) fn root_mark(said: &Said) -> Mark {
    mark(b"root", &said.supersedes.unwrap_or(said.root))
}

/// Whether two have one [`record_mark`].
pub(super) fn are_versions(one: &Said, other: &Said) -> bool {
    match (&one.reference, &other.reference) {
        (Some(reference), Some(theirs)) => reference == theirs && one.table == other.table && one.by == other.by,
        (None, None) => one.supersedes.unwrap_or(one.root) == other.supersedes.unwrap_or(other.root),
        _ => false,
    }
}

pub(super) fn reference_mark(table: Type, by: &str, reference: &str) -> Mark {
    mark(table.word().as_bytes(), &Name::Declaration(by.to_owned(), reference.to_owned()))
}

/// A declaration by the number under which customs registered it.
pub(super) fn registration_mark(registration: &str) -> Mark {
    mark(b"registration", &Name::Registration(registration.to_owned()))
}

fn mark(what: &[u8], name: &impl Encode) -> Mark {
    let mut writer = Writer::new();
    name.encode(&mut writer);
    let digest = Digest::of(Domain::Index, &[b"accounting", what, &[0], writer.as_bytes()]);
    let mut mark = [0; 12];
    mark.copy_from_slice(&digest.0[..12]);
    mark
}

impl<K: Kept> Shelf<K> {
    pub(super) fn load(&self, row: u32) -> Result<Folio, BooksError<K::Error>> {
        let bytes = self.kept.row(row).map_err(BooksError::Kept)?;
        Folio::decode(bytes, &self.members).map_err(BooksError::Damaged)
    }

    pub(super) fn save(&mut self, row: u32, folio: &Folio) -> Result<(), BooksError<K::Error>> {
        let bytes = folio.encode(&mut self.members);
        self.kept.put(row, &bytes).map_err(BooksError::Kept)
    }

    pub(super) fn add(&mut self, folio: &Folio) -> Result<u32, BooksError<K::Error>> {
        let bytes = folio.encode(&mut self.members);
        self.kept.add(&bytes).map_err(BooksError::Kept)?.ok_or(BooksError::Full)
    }

    pub(super) fn place(&self, mark: &Mark) -> Result<Option<u32>, BooksError<K::Error>> {
        self.kept.place(mark).map_err(BooksError::Kept)
    }

    pub(super) fn lead(&mut self, mark: Mark, row: u32) -> Result<(), BooksError<K::Error>> {
        self.kept.lead(mark, row).map_err(BooksError::Kept)
    }

    /// The numbers that a row leads to; itself where it is one.
    pub(super) fn numbers(&self, row: u32) -> Result<BTreeSet<u32>, BooksError<K::Error>> {
        let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![row]);
        while let Some(row) = open.pop() {
            if !seen.insert(row) {
                continue;
            }
            let folio = self.load(row)?;
            match folio.number {
                Some(_) => drop(found.insert(row)),
                None => open.extend(folio.leads),
            }
        }
        Ok(found)
    }

    /// Everything that is joined with these numbers; `read` are rows that were read already.
    pub(super) fn closure(
        &self,
        seeds: &BTreeSet<u32>,
        read: BTreeMap<u32, Folio>,
    ) -> Result<Closure, BooksError<K::Error>> {
        let mut gather = Gather { shelf: self, read, loose: BTreeMap::new(), folios: BTreeMap::new(), cut: false };
        gather.numbers(seeds)?;
        gather.items()
    }
}

struct Number {
    folio: Folio,
    lives: Vec<NumberLife>,
}

/// What holds of a record, and the row of its name where that is one of its own.
struct Held {
    holding: Holding,
    leads: Option<u32>,
}

/// How one version of it stands.
struct Standing {
    live: bool,
    holds: bool,
    leads: Option<u32>,
}

/// The same, with what was said of it by its name alone.
type Stood = (Standing, Vec<Fact>);

impl Held {
    fn standing(&self, said: &Said) -> Standing {
        let Self { holding, leads } = self;
        let (live, holds) = (holding.live.contains(&said.root), holding.holds() == Some(said.root));
        Standing { live, holds, leads: *leads }
    }
}

struct Gather<'s, K> {
    shelf: &'s Shelf<K>,
    /// Rows that were read before.
    read: BTreeMap<u32, Folio>,
    folios: BTreeMap<u32, Number>,
    /// Rows of names, loaded once.
    loose: BTreeMap<u32, Folio>,
    cut: bool,
}

impl<K: Kept> Gather<'_, K> {
    fn numbers(&mut self, seeds: &BTreeSet<u32>) -> Result<(), BooksError<K::Error>> {
        let mut open: Vec<u32> = seeds.iter().rev().copied().collect();
        while let Some(row) = open.pop() {
            if self.folios.contains_key(&row) {
                continue;
            }
            if self.folios.len() >= MAX_LIFE_KEYS {
                self.cut = true;
                break;
            }
            let folio = match self.read.remove(&row) {
                Some(folio) => folio,
                None => self.shelf.load(row)?,
            };
            for said in &folio.said {
                let Kind::Links { others, .. } = &said.what.0 else { continue };
                for (item, _) in said.item.iter().chain(others) {
                    open.extend(self.shelf.place(&number_mark(item))?);
                }
            }
            let lives = folio.lives();
            self.folios.insert(row, Number { folio, lives });
        }
        Ok(())
    }

    fn loose(&mut self, row: u32) -> Result<&Folio, BooksError<K::Error>> {
        if !self.loose.contains_key(&row) {
            let folio = self.shelf.load(row)?;
            self.loose.insert(row, folio);
        }
        Ok(&self.loose[&row])
    }

    /// What holds of the record that a said one is a version of, and where its name leads.
    fn holding(
        &mut self,
        folios: &BTreeMap<u32, Number>,
        said: &Said,
        row: u32,
        known: &mut BTreeMap<Mark, Held>,
    ) -> Result<Standing, BooksError<K::Error>> {
        let mark = record_mark(said);
        if let Some(found) = known.get(&mark) {
            return Ok(found.standing(said));
        }
        let of = |row: u32, is_version: &dyn Fn(&Said) -> bool| {
            let heads: Vec<Head> =
                folios[&row].folio.said.iter().filter(|other| is_version(other)).map(Head::of).collect();
            Held { holding: Holding::of(heads.iter()), leads: None }
        };
        let found = match self.shelf.place(&mark)? {
            // All versions stand there.
            Some(place) if folios.contains_key(&place) => of(place, &|other| are_versions(other, said)),
            Some(place) => Held { holding: Holding::of(self.loose(place)?.heads.iter()), leads: Some(place) },
            None => of(row, &|other| other.root == said.root),
        };
        let standing = found.standing(said);
        known.insert(mark, found);
        Ok(standing)
    }

    /// How everything stands that was said of a number, in order; and what was said of its declarations by their names alone.
    fn standings(
        &mut self,
        folios: &BTreeMap<u32, Number>,
        row: u32,
        known: &mut BTreeMap<Mark, Held>,
    ) -> Result<Vec<Stood>, BooksError<K::Error>> {
        let mut all = Vec::new();
        for said in &folios[&row].folio.said {
            let standing = self.holding(folios, said, row, known)?;
            let mut by_name = Vec::new();
            if let Kind::Declared { registration, .. } = &said.what.0 {
                let registered = registration.as_deref().map(registration_mark);
                let registered = registered.map(|mark| self.shelf.place(&mark)).transpose()?.flatten();
                let registered = registered.filter(|place| !folios.contains_key(place));
                for place in standing.leads.into_iter().chain(registered) {
                    for bare in self.loose(place)?.said.clone() {
                        let Standing { live, holds, .. } = self.holding(folios, &bare, row, known)?;
                        by_name.push(Fact { said: bare, live, holds });
                    }
                }
            }
            all.push((standing, by_name));
        }
        Ok(all)
    }

    fn items(mut self) -> Result<Closure, BooksError<K::Error>> {
        let mut folios = std::mem::take(&mut self.folios);
        let rows: Vec<u32> = folios.keys().copied().collect();
        let mut known = BTreeMap::new();
        let mut standings = Vec::new();
        for &row in &rows {
            standings.push(self.standings(&folios, row, &mut known)?);
        }
        // Nodes: a number in one of its lives.
        let mut nodes: Vec<(u32, usize)> = Vec::new();
        let mut facts: Vec<(usize, Fact)> = Vec::new();
        let mut links: BTreeMap<Digest, Said> = BTreeMap::new();
        for ((&row, number), standings) in folios.iter_mut().zip(standings) {
            let first = nodes.len();
            nodes.extend((0..number.lives.len()).map(|life| (row, life)));
            // Moved, as a record is long: from here on the row has its number and its lives.
            for (said, (standing, by_name)) in std::mem::take(&mut number.folio.said).into_iter().zip(standings) {
                let Standing { live, holds, .. } = standing;
                if matches!(said.what.0, Kind::Links { .. }) {
                    if holds {
                        links.insert(said.root, said);
                    }
                    continue;
                }
                let day = number.folio.days(&said).next();
                let Some(life) = day.and_then(|day| place_in(&number.lives, day, said.at.day())) else { continue };
                facts.extend(by_name.into_iter().map(|fact| (first + life, fact)));
                facts.push((first + life, Fact { said, live, holds }));
            }
        }
        let (mut one, mut family) = (Sets::new(nodes.len()), Sets::new(nodes.len()));
        let mut joined = Sets::new(nodes.len());
        let mut back: Vec<(usize, usize, &Said)> = Vec::new();
        let at: BTreeMap<ItemId, u32> =
            folios.iter().filter_map(|(row, number)| Some((number.folio.number.clone()?, *row))).collect();
        for said in links.values() {
            let Kind::Links { kind, others } = &said.what.0 else { continue };
            let node = |(item, day): &(ItemId, Option<crate::time::Day>)| {
                let row = *at.get(item)?;
                let life = place_in(&folios[&row].lives, *day, said.at.day())?;
                nodes.iter().position(|known| *known == (row, life))
            };
            let Some(from) = said.item.as_ref().and_then(node) else { continue };
            for to in others.iter().filter_map(node).filter(|to| *to != from) {
                joined.join(from, to);
                match kind {
                    LinkKind::SameAs | LinkKind::Relabelled => {
                        one.join(from, to);
                        family.join(from, to);
                    }
                    LinkKind::SplitInto | LinkKind::MergedFrom => family.join(from, to),
                    LinkKind::ReturnedAs => back.push((from, to, said)),
                }
            }
        }
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        let mut items: Vec<Item> = Vec::new();
        let mut families: Vec<(usize, usize)> = Vec::new();
        for (node, (row, life)) in nodes.iter().enumerate() {
            let number = &folios[row];
            let Some(id) = number.folio.number.clone() else { continue };
            let lived = &number.lives[*life];
            let several = number.lives.len() > 1;
            let posted_on = lived.posted_on().or(several.then_some(lived.first));
            let key = ItemKey { item: id, posted_on };
            let root = one.root(node);
            let place = *places.entry(root).or_insert_with(|| {
                items.push(Item {
                    key: key.clone(),
                    aliases: Vec::new(),
                    rows: BTreeSet::new(),
                    facts: Vec::new(),
                    family: Vec::new(),
                    joined: Vec::new(),
                    sent_back: Vec::new(),
                    is_return: false,
                });
                families.push((family.root(root), joined.root(root)));
                items.len() - 1
            });
            items[place].aliases.push(key);
            items[place].rows.insert(*row);
        }
        for item in &mut items {
            item.aliases.sort();
            item.key = item.aliases.remove(0);
        }
        for (node, fact) in facts {
            let place = places[&one.root(node)];
            match items[place].facts.iter_mut().find(|known| known.said.root == fact.said.root) {
                Some(known) => known.said.join(&fact.said),
                None => items[place].facts.push(fact),
            }
        }
        for (from, to, said) in back {
            let (from, to) = (places[&one.root(from)], places[&one.root(to)]);
            if from != to {
                items[from].sent_back.push(said.clone());
                items[to].is_return = true;
            }
        }
        for place in 0..items.len() {
            items[place].facts.sort_by_key(|fact| (fact.said.at, fact.said.root));
            items[place].sent_back.sort_by_key(|said| (said.at, said.root));
            items[place].family = (0..items.len()).filter(|other| families[*other].0 == families[place].0).collect();
            items[place].joined = (0..items.len()).filter(|other| families[*other].1 == families[place].1).collect();
        }
        Ok(Closure { rows: rows.into_iter().collect(), items, cut: self.cut })
    }
}
