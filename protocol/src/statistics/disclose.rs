//! From facts to what may be published of them: which cells are withheld, for their own sake and for others'.

use std::collections::BTreeMap;

use super::audit::{Interval, audit};
use super::cell::{Key, Table};
use super::fact::{Flow, Month};
use super::facts::Facts;
use super::protect::protect;
use super::publication::{Figure, Figures, Publication, Source, Withheld};
use super::rules::{Rules, RulesError, Sensitive};
use super::universe::{State, Universe};
use crate::limits::{
    MAX_STATISTICS_CELLS, MAX_STATISTICS_SOLVED, MAX_STATISTICS_STEPS, MAX_STATISTICS_SUMMANDS, MAX_STATISTICS_TABLES,
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
    /// Which way the goods went that are counted.
    pub flow: Flow,
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
    /// Too much work.
    #[error(
        "protecting the withheld cells takes more than {MAX_STATISTICS_STEPS} steps, or {MAX_STATISTICS_SOLVED} systems to be solved\nhint: show fewer levels or fewer tables at once, or hand in fewer earlier publications"
    )]
    Effort,
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
    if earlier.iter().any(|publication| publication.flow != edition.flow) {
        return Err(DiscloseError::Edition(
            "stands beside an earlier publication of the other flow, which counts other items",
        ));
    }
    let mut universe = Universe::new(facts, edition, rules, earlier)?;
    let evidence = protect(&mut universe, rules)?;
    let intervals = audit(&universe, rules, &evidence).map_err(|cell| universe.exposed(cell))?;
    universe.publish(edition, rules, &intervals)
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
    fn publish(
        &self,
        edition: &Edition,
        rules: &Rules,
        intervals: &BTreeMap<u32, [Interval; 4]>,
    ) -> Result<Disclosure, DiscloseError> {
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
                let found = intervals.get(number).copied();
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
            flow: edition.flow,
            currency: edition.currency,
            from: edition.from,
            to: edition.to,
            tables,
        };
        Ok(Disclosure { publication, withheld })
    }

    fn exposed(&self, cell: u32) -> DiscloseError {
        match self.cell(cell) {
            Some(cell) => DiscloseError::Exposed { cell: cell.key },
            None => DiscloseError::Large,
        }
    }
}
