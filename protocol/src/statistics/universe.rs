//! Everything of which something is or was published, as one system: atoms that nobody sees, cells that are sums of them, and relations
//! between cells.
//!
//! Atoms are the combinations of month and codes, as fine as any table looks, that have facts. That only these have any is taken as
//! known to everybody: who knows less finds out less.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::cell::{DIMENSIONS, Dimension, Key, Level, Table};
use super::fact::Month;
use super::facts::{Facts, Sums, sensitive};
use super::publication::{Figure, Publication, Withheld};
use super::rules::{Measure, Rules, Sensitive};
use super::{DiscloseError, Edition};
use crate::limits::{MAX_STATISTICS_CELLS, MAX_STATISTICS_SUMMANDS};

/// A cell, whichever tables show it: its nodes in five dimensions, and the months that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    nodes: Key,
    from: Month,
    to: Month,
}

/// What is known of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Its figures.
    Published,
    /// That there is something, and that it is sensitive.
    Primary,
    /// That there is something, and that it is not sensitive.
    Secondary,
    /// Nothing is said of it: it was withheld before, and this edition does not show it.
    Withheld,
}

#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) key: Key,
    pub(crate) atoms: Vec<u32>,
    pub(crate) sums: Sums,
    pub(crate) state: State,
    /// Whether this edition may still withhold it: it is in a table of it, and no earlier publication has its figures.
    pub(crate) free: bool,
    /// Whether this edition shows it.
    pub(crate) shown: bool,
    pub(crate) sensitive: Option<Sensitive>,
    /// Whether an interval must be kept around it: it is sensitive, or was once published as such.
    pub(crate) guarded: bool,
    /// Items that it is known to have at least, from the classes of earlier publications.
    pub(crate) least: u128,
    pub(crate) relations: Vec<u32>,
}

impl Cell {
    pub(crate) fn is_published(&self) -> bool {
        self.state == State::Published
    }

    pub(crate) fn is_withheld(&self) -> bool {
        !self.is_published()
    }

    /// Items that everybody knows it has at least while it is withheld; of a published one, as soon as it is withheld for others' sake.
    pub(crate) fn known_count(&self, rules: &Rules) -> i128 {
        let secondary = matches!(self.state, State::Secondary | State::Published);
        let own = if secondary { u128::from(rules.least_items()) } else { 1 };
        i128::try_from(self.least.max(own)).unwrap_or(i128::MAX)
    }
}

/// A cell that is the sum of others: of all parts along one dimension that a table shows.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub(crate) whole: u32,
    pub(crate) parts: Vec<u32>,
}

impl Relation {
    pub(crate) fn members(&self) -> impl Iterator<Item = u32> + '_ {
        std::iter::once(self.whole).chain(self.parts.iter().copied())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Universe {
    pub(crate) atoms: Vec<Sums>,
    /// Where each atom lies.
    pub(crate) places: Vec<Key>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) relations: Vec<Relation>,
    /// The cell of each key in the edition's tables.
    pub(crate) shown: BTreeMap<(usize, Key), u32>,
}

struct View<'a> {
    table: &'a Table,
    from: Month,
    to: Month,
    earlier: Option<&'a BTreeMap<Key, Figure>>,
    /// Of whoever withheld: items that a cell has at least which is withheld for others' sake.
    least: u128,
}

impl Universe {
    pub(crate) fn new(
        facts: &Facts,
        edition: &Edition,
        rules: &Rules,
        earlier: &[Publication],
    ) -> Result<Self, DiscloseError> {
        let views = views(edition, earlier);
        let mut universe = Self {
            atoms: Vec::new(),
            places: Vec::new(),
            cells: Vec::new(),
            relations: Vec::new(),
            shown: BTreeMap::new(),
        };
        let mut finest: [Level; DIMENSIONS] = [0; DIMENSIONS];
        for (level, dimension) in finest.iter_mut().zip(Dimension::ALL) {
            *level = views.iter().map(|view| view.table.finest(*dimension)).max().unwrap_or(0);
        }
        // Editions cover other months each.
        finest[Dimension::Time as usize] = 2;

        let from = views.iter().map(|view| view.from).min().unwrap_or(edition.from);
        let to = views.iter().map(|view| view.to).max().unwrap_or(edition.to);
        let combinations: Vec<_> = views.iter().map(|view| view.table.combinations()).collect();
        let (mut atoms, mut cells) = (HashMap::<Key, u32>::new(), BTreeMap::<Identity, u32>::new());
        let mut keys: Vec<BTreeMap<Key, u32>> = vec![BTreeMap::new(); views.len()];
        let mut groups = Vec::new();
        let mut summands = 0_usize;
        for (place, parties) in facts.between(from, to) {
            let finest = Key::of(place, &finest);
            let atom = *atoms.entry(finest).or_insert_with(|| {
                universe.places.push(finest);
                universe.atoms.push(Sums::default());
                groups.push(Vec::new());
                number(universe.atoms.len() - 1)
            });
            let sums = parties.values().fold(Sums::default(), |sum, more| sum.plus(*more));
            if let (Some(all), Some(group)) = (universe.atoms.get_mut(atom as usize), groups.get_mut(atom as usize)) {
                *all = all.plus(sums);
                group.push(parties);
            }
            for ((view, combinations), keys) in views.iter().zip(&combinations).zip(&mut keys) {
                if !(view.from..=view.to).contains(&place.month) {
                    continue;
                }
                for levels in combinations {
                    let key = Key::of(place, levels);
                    let cell = match keys.get(&key) {
                        Some(cell) => *cell,
                        None => {
                            let identity = identity(&key, place.month, view);
                            let cell = *cells.entry(identity).or_insert_with(|| {
                                universe.cells.push(Cell::new(key));
                                number(universe.cells.len() - 1)
                            });
                            keys.insert(key, cell);
                            cell
                        }
                    };
                    let cell = universe.cells.get_mut(cell as usize);
                    if let Some(cell) = cell.filter(|cell| cell.atoms.last() != Some(&atom)) {
                        cell.atoms.push(atom);
                        summands += 1;
                    }
                }
                if universe.cells.len() > MAX_STATISTICS_CELLS || summands > MAX_STATISTICS_SUMMANDS {
                    return Err(DiscloseError::Large);
                }
            }
        }
        for cell in &mut universe.cells {
            // A place comes back to an atom after others where the tables look less finely than facts.
            cell.atoms.sort_unstable();
            cell.atoms.dedup();
            let of = |atom: &u32| universe.atoms.get(*atom as usize).copied().unwrap_or_default();
            cell.sums = cell.atoms.iter().map(of).fold(Sums::default(), Sums::plus);
            let of = |atom: &u32| groups.get(*atom as usize).into_iter().flatten();
            cell.sensitive = sensitive(rules, cell.atoms.iter().flat_map(of).flat_map(|parties| parties.iter()));
            cell.guarded = cell.sensitive.is_some();
        }
        universe.know(&views, &keys)?;
        universe.relate(&views, &keys);
        Ok(universe)
    }

    /// One figure of an atom.
    pub(crate) fn atom(&self, number: u32, measure: Measure) -> Option<i128> {
        i128::try_from(self.atoms.get(number as usize)?.of(measure)).ok()
    }

    pub(crate) fn cell(&self, number: u32) -> Option<&Cell> {
        self.cells.get(number as usize)
    }

    /// The relations in which a cell stands.
    pub(crate) fn relations_of(&self, cell: u32) -> impl Iterator<Item = &Relation> {
        let numbers = self.cell(cell).map(|cell| cell.relations.as_slice()).unwrap_or_default();
        numbers.iter().filter_map(|number| self.relations.get(*number as usize))
    }

    /// What each cell's state is at the beginning: what was published stays so.
    fn know(&mut self, views: &[View<'_>], keys: &[BTreeMap<Key, u32>]) -> Result<(), DiscloseError> {
        for (place, (view, keys)) in views.iter().zip(keys).enumerate() {
            for (key, number) in keys {
                let Some(cell) = self.cells.get_mut(*number as usize) else { continue };
                let Some(figures) = view.earlier else {
                    self.shown.insert((place, *key), *number);
                    cell.shown = true;
                    continue;
                };
                match figures.get(key) {
                    Some(Figure::Published(sums)) if sums.matches(&cell.sums) => {
                        cell.state = State::Published;
                        cell.free = false;
                    }
                    Some(Figure::Withheld(class)) => {
                        cell.guarded |= *class == Withheld::Primary;
                        if *class == Withheld::Secondary {
                            cell.least = cell.least.max(view.least);
                        }
                        if cell.least > cell.sums.count {
                            return Err(DiscloseError::Revised { cell: *key });
                        }
                    }
                    Some(Figure::Published(_)) | None => return Err(DiscloseError::Revised { cell: *key }),
                }
            }
            if let Some(gone) = view.earlier.and_then(|figures| figures.keys().find(|key| !keys.contains_key(key))) {
                return Err(DiscloseError::Revised { cell: *gone });
            }
        }
        for cell in &mut self.cells {
            let was_published = cell.state == State::Published && !cell.free;
            if was_published {
                // What is in the world cannot be guarded any more.
                cell.guarded = false;
                continue;
            }
            cell.free = cell.shown;
            cell.state = match (cell.shown, cell.guarded) {
                (true, true) => State::Primary,
                (true, false) => State::Published,
                (false, _) => State::Withheld,
            };
        }
        Ok(())
    }

    fn relate(&mut self, views: &[View<'_>], keys: &[BTreeMap<Key, u32>]) {
        let mut all = BTreeSet::new();
        for (view, keys) in views.iter().zip(keys) {
            for dimension in Dimension::ALL {
                let mut parts = BTreeMap::<(u32, Level), Vec<u32>>::new();
                for (key, cell) in keys {
                    let level = key.level(*dimension);
                    let Some(above) = view.table.coarser(*dimension, level) else { continue };
                    if let Some(whole) = keys.get(&key.coarser(*dimension, above)).filter(|whole| *whole != cell) {
                        parts.entry((*whole, level)).or_default().push(*cell);
                    }
                }
                all.extend(parts.into_iter().map(|((whole, _), mut parts)| {
                    // Where a year is all that is covered, its cells are those of the total too.
                    parts.sort_unstable();
                    parts.dedup();
                    (whole, parts)
                }));
            }
        }
        for (whole, parts) in all {
            let relation = Relation { whole, parts };
            for member in relation.members() {
                if let Some(cell) = self.cells.get_mut(member as usize) {
                    cell.relations.push(number(self.relations.len()));
                }
            }
            self.relations.push(relation);
        }
    }
}

impl Cell {
    fn new(key: Key) -> Self {
        Self {
            key,
            atoms: Vec::new(),
            sums: Sums::default(),
            state: State::Withheld,
            free: true,
            shown: false,
            sensitive: None,
            guarded: false,
            least: 0,
            relations: Vec::new(),
        }
    }

    /// One of its figures.
    pub(crate) fn figure(&self, measure: Measure) -> i128 {
        i128::try_from(self.sums.of(measure)).unwrap_or(i128::MAX)
    }
}

fn views<'a>(edition: &'a Edition, earlier: &'a [Publication]) -> Vec<View<'a>> {
    let own = edition.tables.iter();
    let own = own.map(|table| View { table, from: edition.from, to: edition.to, earlier: None, least: 0 });
    let before = earlier.iter().flat_map(|publication| {
        let least = publication.sources.iter().map(|source| source.rules.least_items()).max().unwrap_or(1);
        publication.tables.iter().map(move |(table, cells)| View {
            table,
            from: publication.from,
            to: publication.to,
            earlier: Some(cells),
            least: least.into(),
        })
    });
    own.chain(before).collect()
}

/// Which cell a key is, in a view that covers some months.
fn identity(key: &Key, month: Month, view: &View<'_>) -> Identity {
    let (from, to) = match key.level(Dimension::Time) {
        0 => (view.from, view.to),
        1 => {
            let year = u32::from(month.year()) * 12;
            let clamp = |index| Month::from_index(index).unwrap_or(month).clamp(view.from, view.to);
            (clamp(year), clamp(year + 11))
        }
        _ => (month, month),
    };
    Identity { nodes: key.coarser(Dimension::Time, 0), from, to }
}

fn number(index: usize) -> u32 {
    // Limits are far below.
    u32::try_from(index).unwrap_or(u32::MAX)
}
