//! From facts to what may be published of them: which cells are withheld, for their own sake and for others'.
//!
//! Greedy, and always the same for the same input: where one cell of a sum is withheld alone, the cheapest other one goes with it, what it
//! takes with it counted; then everything is audited, and what is still found out costs further cells; at last each cell that
//! was withheld for others' sake comes back if the audit holds without it, where no more than some hundred figures hang together. There no
//! single one is withheld for nothing when its turn comes; a smaller set may exist.

use std::collections::BTreeMap;

use super::audit::{Audit, Failure, Interval, Why, audit};
use super::cell::{Key, Table};
use super::fact::Month;
use super::facts::Facts;
use super::publication::{Figure, Figures, Publication, Source, Withheld};
use super::rules::{Rules, RulesError, Sensitive};
use super::system::parts;
use super::universe::{Cell, State, Universe};
use crate::limits::{
    MAX_STATISTICS_CELLS, MAX_STATISTICS_REVIEWED, MAX_STATISTICS_SUMMANDS, MAX_STATISTICS_TABLES,
    MAX_STATISTICS_UNKNOWNS,
};
use crate::names::{Currency, MemberId, Slug};
use crate::time::Millis;

/// What is to be published.
#[derive(Debug, Clone)]
pub struct Edition {
    /// Who publishes.
    pub publisher: MemberId,
    /// When.
    pub at: Millis,
    /// The currency of value and duty.
    pub currency: Currency,
    /// The first month.
    pub from: Month,
    /// The last month. Totals over time and years cover these months and no others.
    pub to: Month,
    /// The tables, each with a name of its own.
    pub tables: Vec<Table>,
}

/// What may be published, and what stays with whoever publishes.
#[derive(Debug, Clone)]
pub struct Disclosure {
    /// What may be published.
    pub publication: Publication,
    /// Each withheld cell of each table. Not for publication.
    pub withheld: Vec<WithheldCell>,
}

/// A withheld cell as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithheldCell {
    /// The table.
    pub table: Slug,
    /// The cell.
    pub key: Key,
    /// Why it is sensitive; nothing where it is withheld for others' sake, or because it was sensitive in an earlier publication.
    pub sensitive: Option<Sensitive>,
    /// What is proven of count, value, mass and duty: each can be anything at both ends of its interval, and perhaps more.
    pub intervals: [Interval; 4],
}

/// Why nothing was published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscloseError {
    /// The rules.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The tables.
    #[error("the edition {0}")]
    Edition(&'static str),
    /// Too many cells.
    #[error(
        "the tables have more than {MAX_STATISTICS_CELLS} cells or {MAX_STATISTICS_SUMMANDS} summands, together with those published before\nhint: show fewer levels or months at once"
    )]
    Large,
    /// A system that is too large to be looked at.
    #[error(
        "{unknowns} unknown figures hang together, more than the {MAX_STATISTICS_UNKNOWNS} that can be proven safe\nhint: show fewer levels or fewer tables at once, or lower thresholds that withhold so much"
    )]
    Unknowns {
        /// How many.
        unknowns: usize,
    },
    /// Facts have changed under what is published.
    #[error(
        "cell {cell} was published with other figures than facts give now; the difference would tell what changed\nhint: a published month is closed; count a correction in an open month"
    )]
    Revised {
        /// Which.
        cell: Key,
    },
    /// Earlier publications give it away.
    #[error(
        "cell {cell} must be withheld, but what was published before gives it away, whatever is withheld now\nhint: it was published under other rules, or without the publications handed in here"
    )]
    Exposed {
        /// Which.
        cell: Key,
    },
    /// A figure that has no room in signed bytes.
    #[error("a figure of cell {cell} is above 2^64 - 1\nhint: count in a larger unit")]
    Figure {
        /// Which.
        cell: Key,
    },
}

/// Makes a publication of `edition` from `facts`, safe together with everything that the same publisher published `earlier` of the same
/// facts.
///
/// # Errors
/// [`DiscloseError`]; then nothing may be published.
pub fn disclose(
    facts: &Facts,
    edition: &Edition,
    rules: &Rules,
    earlier: &[Publication],
) -> Result<Disclosure, DiscloseError> {
    check(edition, rules)?;
    let mut universe = Universe::new(facts, edition, rules, earlier)?;
    let audit = universe.protect(rules)?;
    universe.publish(edition, rules, &audit)
}

fn check(edition: &Edition, rules: &Rules) -> Result<(), DiscloseError> {
    rules.check()?;
    if edition.from > edition.to {
        return Err(DiscloseError::Edition("ends before it begins"));
    }
    if !(1..=MAX_STATISTICS_TABLES).contains(&edition.tables.len()) {
        return Err(DiscloseError::Edition("has no table, or more than a publication takes"));
    }
    let mut names: Vec<_> = edition.tables.iter().map(Table::name).collect();
    names.sort_unstable();
    match names.is_sorted_by(|one, next| one < next) {
        true => Ok(()),
        false => Err(DiscloseError::Edition("has two tables of one name")),
    }
}

impl Universe {
    /// Withholds until nothing is found out, and shows again what need not be withheld. Returns the audit of what remains.
    pub(crate) fn protect(&mut self, rules: &Rules) -> Result<Audit, DiscloseError> {
        loop {
            self.pair();
            let audit = look(self, rules, None)?;
            if audit.failures.is_empty() {
                break;
            }
            self.give_up_more(&audit.failures)?;
        }
        self.show_again(rules)?;
        let audit = look(self, rules, None)?;
        match audit.failures.first() {
            None => Ok(audit),
            // Showing again only ever keeps what the audit allows; said again of the whole, so that nothing rests on that.
            Some(failure) => Err(self.exposed(failure.cell)),
        }
    }

    /// Where one member of a sum is withheld alone, withholds another one too.
    fn pair(&mut self) {
        let mut open: Vec<_> = (0..self.relations.len()).collect();
        while let Some(place) = open.pop() {
            let Some(relation) = self.relations.get(place) else { continue };
            if relation.members().filter(|member| self.is_withheld(*member)).take(2).count() != 1 {
                continue;
            }
            let candidates = relation.members().filter(|member| self.may_withhold(*member));
            if let Some(cell) = candidates.min_by_key(|cell| self.cost(*cell)) {
                self.withhold(cell);
                let stands = self.cell(cell).map(|cell| cell.relations.clone()).unwrap_or_default();
                open.extend(stands.into_iter().map(|relation| relation as usize));
            }
        }
    }

    /// Withholds one more cell for each failure that nothing new is already withheld near.
    fn give_up_more(&mut self, failures: &[Failure]) -> Result<(), DiscloseError> {
        let mut new = Vec::new();
        for failure in failures {
            let near = self.near(&[failure.cell]);
            if near.iter().any(|cell| new.contains(cell)) {
                continue;
            }
            let mut candidates: Vec<_> = near.into_iter().filter(|cell| self.may_withhold(*cell)).collect();
            if candidates.is_empty() {
                candidates = self.near(&failure.around).into_iter().filter(|cell| self.may_withhold(*cell)).collect();
            }
            if candidates.is_empty() {
                candidates = self.overlapping(failure.cell);
            }
            // The cheapest that gives enough room; where none does, the one that gives most.
            let room = |cell: u32| match failure.why {
                Why::Computed => true,
                Why::Narrow { measure, need } => self.cell(cell).is_some_and(|cell| cell.figure(measure) >= need),
            };
            let figure = |cell: u32| match failure.why {
                Why::Computed => 0,
                Why::Narrow { measure, .. } => self.cell(cell).map_or(0, |cell| cell.figure(measure)),
            };
            let enough = candidates.iter().copied().filter(|cell| room(*cell)).min_by_key(|cell| self.cost(*cell));
            let most = || candidates.iter().copied().max_by_key(|cell| (figure(*cell), std::cmp::Reverse(*cell)));
            if let Some(cell) = enough.or_else(most) {
                self.withhold(cell);
                new.push(cell);
            }
        }
        if new.is_empty() { self.let_go(failures) } else { Ok(()) }
    }

    /// Shows one cell that cannot be withheld whatever else is, if there is one that is withheld only for others' sake.
    fn let_go(&mut self, failures: &[Failure]) -> Result<(), DiscloseError> {
        let idle = |cell: &&Cell| cell.state == State::Secondary && cell.free;
        let found = failures.iter().find(|failure| self.cell(failure.cell).as_ref().is_some_and(idle));
        match (found.and_then(|failure| self.cells.get_mut(failure.cell as usize)), failures.first()) {
            (Some(cell), _) => (cell.state, cell.free) = (State::Published, false),
            (None, Some(failure)) => return Err(self.exposed(failure.cell)),
            (None, None) => {}
        }
        Ok(())
    }

    /// Shows again, the most valuable first, what need not be withheld.
    fn show_again(&mut self, rules: &Rules) -> Result<(), DiscloseError> {
        let secondary = |cell: &Cell| cell.state == State::Secondary && cell.free;
        let numbered = (0_u32..).zip(&self.cells).filter(|(_, cell)| secondary(cell)).map(|(number, _)| number);
        let mut order: Vec<_> = numbered.collect();
        order.sort_by_key(|cell| std::cmp::Reverse((self.cell(*cell).map(|cell| cell.sums.value), *cell)));
        for cell in order {
            // What would leave a member of a sum alone cannot come back.
            let alone = self.relations_of(cell).any(|relation| {
                relation.members().filter(|member| *member != cell && self.is_withheld(*member)).count() == 1
            });
            if alone {
                continue;
            }
            // Only what hangs together with it can be found out by it.
            let Ok((parts, _)) = parts(self, Some(&[cell])) else { continue };
            if parts.iter().map(|part| part.unknowns.len()).sum::<usize>() > MAX_STATISTICS_REVIEWED {
                continue;
            }
            let focus: Vec<_> = parts.iter().flat_map(|part| &part.cells).map(|(cell, _)| *cell).collect();
            self.set(cell, State::Published);
            let holds = match audit(self, rules, Some(&focus)) {
                Ok(audit) => audit.failures.is_empty(),
                Err(_) => false,
            };
            if !holds {
                self.set(cell, State::Secondary);
            }
        }
        Ok(())
    }

    fn publish(&self, edition: &Edition, rules: &Rules, audit: &Audit) -> Result<Disclosure, DiscloseError> {
        let mut tables: Vec<_> = edition.tables.iter().map(|table| (table.clone(), BTreeMap::new())).collect();
        let mut withheld = Vec::new();
        for ((place, key), number) in &self.shown {
            let (Some((table, figures)), Some(cell)) = (tables.get_mut(*place), self.cell(*number)) else { continue };
            let figure = match cell.state {
                State::Published => {
                    Figure::Published(Figures::try_from(&cell.sums).map_err(|()| DiscloseError::Figure { cell: *key })?)
                }
                State::Primary => Figure::Withheld(Withheld::Primary),
                State::Secondary | State::Withheld => Figure::Withheld(Withheld::Secondary),
            };
            figures.insert(*key, figure);
            if cell.is_withheld() {
                let found = audit.intervals.get(number).copied();
                withheld.push(WithheldCell {
                    table: table.name().clone(),
                    key: *key,
                    sensitive: cell.sensitive,
                    intervals: found.ok_or(DiscloseError::Exposed { cell: *key })?,
                });
            }
        }
        tables.sort_by(|(one, _), (other, _)| one.name().cmp(other.name()));
        let publication = Publication {
            sources: vec![Source { member: edition.publisher.clone(), rules: rules.clone() }],
            at: edition.at,
            currency: edition.currency,
            from: edition.from,
            to: edition.to,
            tables,
        };
        Ok(Disclosure { publication, withheld })
    }

    fn may_withhold(&self, cell: u32) -> bool {
        self.cell(cell).is_some_and(|cell| cell.is_published() && cell.free)
    }

    fn withhold(&mut self, cell: u32) {
        let guarded = self.cell(cell).is_some_and(|cell| cell.guarded);
        self.set(cell, if guarded { State::Primary } else { State::Secondary });
    }

    fn set(&mut self, cell: u32, state: State) {
        if let Some(cell) = self.cells.get_mut(cell as usize) {
            cell.state = state;
        }
    }

    /// How little a cell's loss costs: its value, and as much again for each sum in which it would be withheld alone, since another cell
    /// goes with it there; then the same of its count. The key makes it unique.
    fn cost(&self, cell: u32) -> (u128, u128, Option<Key>, u32) {
        let relations = self.relations_of(cell);
        let alone = relations.filter(|relation| !relation.members().any(|member| self.is_withheld(member))).count();
        let sums = self.cell(cell).map(|cell| cell.sums).unwrap_or_default();
        let times = |figure: u128| figure.saturating_mul(alone as u128 + 1);
        (times(sums.value), times(sums.count), self.cell(cell).map(|cell| cell.key), cell)
    }

    /// The cells that stand in a sum with one of these.
    fn near(&self, cells: &[u32]) -> Vec<u32> {
        let relations = cells.iter().flat_map(|cell| self.relations_of(*cell));
        let mut near: Vec<_> =
            relations.flat_map(|relation| relation.members()).filter(|cell| !cells.contains(cell)).collect();
        near.sort_unstable();
        near.dedup();
        near
    }

    fn overlapping(&self, cell: u32) -> Vec<u32> {
        self.sharing(cell).map(|(number, _)| number).filter(|number| self.may_withhold(*number)).collect()
    }

    /// Cells that have an atom in common with this one.
    fn sharing(&self, cell: u32) -> impl Iterator<Item = (u32, &Cell)> {
        let atoms = self.cell(cell).map(|cell| cell.atoms.as_slice()).unwrap_or_default();
        let shares = move |other: &Cell| other.atoms.iter().any(|atom| atoms.binary_search(atom).is_ok());
        (0_u32..).zip(&self.cells).filter(move |(number, other)| *number != cell && shares(other))
    }

    fn exposed(&self, cell: u32) -> DiscloseError {
        match self.cell(cell) {
            Some(cell) => DiscloseError::Exposed { cell: cell.key },
            None => DiscloseError::Large,
        }
    }
}

fn look(universe: &Universe, rules: &Rules, focus: Option<&[u32]>) -> Result<Audit, DiscloseError> {
    audit(universe, rules, focus).map_err(|unknowns| DiscloseError::Unknowns { unknowns })
}
