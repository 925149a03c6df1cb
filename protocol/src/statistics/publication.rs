//! What is published: tables with figures, and with marks where figures are withheld; its bytes, and several members' together.
//!
//! Bytes are canonical CBOR: an array of the version, sources (member and rules each), time, flow, currency, first and last month as months
//! since year 0, and tables with their cells in ascending order. Who signs them, signs [`Encode::to_cbor`].

use std::collections::BTreeMap;

use super::cell::{Key, Table};
use super::fact::{Flow, Month};
use super::facts::Sums;
use super::rules::{Measure, Rules};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::limits::{MAX_MEMBERS, MAX_STATISTICS_CELLS, MAX_STATISTICS_TABLES};
use crate::names::{Currency, MemberId, word_enum};
use crate::time::Millis;

const VERSION: u64 = 1;

/// The figures of a published cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Items.
    pub count: u64,
    /// Their value, in minor units.
    pub value: u64,
    /// Their mass, in grams.
    pub mass: u64,
    /// Their duty and tax, in minor units.
    pub duty: u64,
}

impl Figures {
    /// One of the four.
    pub fn of(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Count => self.count,
            Measure::Value => self.value,
            Measure::Mass => self.mass,
            Measure::Duty => self.duty,
        }
    }

    /// Whether they are these sums.
    pub(crate) fn matches(&self, sums: &Sums) -> bool {
        Measure::ALL.iter().all(|measure| u128::from(self.of(*measure)) == sums.of(*measure))
    }

    fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            count: self.count.checked_add(other.count)?,
            value: self.value.checked_add(other.value)?,
            mass: self.mass.checked_add(other.mass)?,
            duty: self.duty.checked_add(other.duty)?,
        })
    }
}

impl TryFrom<&Sums> for Figures {
    type Error = ();

    fn try_from(sums: &Sums) -> Result<Self, ()> {
        let of = |measure| u64::try_from(sums.of(measure)).map_err(|_| ());
        Ok(Self {
            count: of(Measure::Count)?,
            value: of(Measure::Value)?,
            mass: of(Measure::Mass)?,
            duty: of(Measure::Duty)?,
        })
    }
}

word_enum!(
    /// Why a cell's figures are withheld. Which rule it was is not said: that would tell something of the figures.
    Withheld, "class of a withheld cell", {
        /// It is sensitive by itself.
        Primary = 1, "primary";
        /// Others could be computed from it.
        Secondary = 2, "secondary";
        /// One of several members withholds its part.
        Member = 3, "member";
    }
);

/// A cell: figures, or that they are withheld. What has no items has no cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Its figures.
    Published(Figures),
    /// That there are some.
    Withheld(Withheld),
}

/// A member whose facts are counted, and its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The member.
    pub member: MemberId,
    /// By which rules it withholds.
    pub rules: Rules,
}

/// Tables as they are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Whose facts, in ascending order; one, or several in a combined publication.
    pub sources: Vec<Source>,
    /// When.
    pub at: Millis,
    /// Which way the goods went that are counted.
    pub flow: Flow,
    /// The currency of value and duty.
    pub currency: Currency,
    /// The first month.
    pub from: Month,
    /// The last month.
    pub to: Month,
    /// The tables by name, each with its cells.
    pub tables: Vec<(Table, BTreeMap<Key, Figure>)>,
}

/// Why a publication was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicationError {
    /// Publications that are of different things.
    #[error(
        "publications cannot be combined: {0}\nhint: all must have the same flow, months, currency and tables, and each member stands in one of them"
    )]
    Differ(&'static str),
    /// A sum that has no room.
    #[error("a figure of cell {0} is above 2^64 - 1 in all together")]
    Figure(Key),
}

impl Publication {
    /// Several members' publications as one: a cell's figures are added where every member that has the cell publishes it, and withheld
    /// where one withholds it. A member without the cell has no such items, as its own publication says. Nothing is told that the
    /// publications do not tell one by one. That no item is counted by two members is up to whoever combines.
    ///
    /// # Errors
    /// [`PublicationError`].
    pub fn combine(publications: &[Self], at: Millis) -> Result<Self, PublicationError> {
        let Some((first, others)) = publications.split_first() else {
            return Err(PublicationError::Differ("there is none"));
        };
        let mut all = first.clone();
        all.at = at;
        for publication in others {
            if publication.flow != all.flow {
                return Err(PublicationError::Differ("one is of imports, another of exports"));
            }
            if (publication.from, publication.to) != (all.from, all.to) {
                return Err(PublicationError::Differ("they cover different months"));
            }
            if publication.currency != all.currency {
                return Err(PublicationError::Differ("they are in different currencies"));
            }
            if publication.tables.len() != all.tables.len() {
                return Err(PublicationError::Differ("they have different tables"));
            }
            for ((table, cells), (other, more)) in all.tables.iter_mut().zip(&publication.tables) {
                if table.name() != other.name() || !table.is_like(other) {
                    return Err(PublicationError::Differ("they have different tables"));
                }
                for (key, figure) in more {
                    let sum = match (cells.get(key), figure) {
                        (None, figure) => *figure,
                        (Some(Figure::Published(one)), Figure::Published(other)) => {
                            Figure::Published(one.plus(*other).ok_or(PublicationError::Figure(*key))?)
                        }
                        _ => Figure::Withheld(Withheld::Member),
                    };
                    cells.insert(*key, sum);
                }
            }
            all.sources.extend(publication.sources.iter().cloned());
        }
        if !others.is_empty() {
            for figure in all.tables.iter_mut().flat_map(|(_, cells)| cells.values_mut()) {
                if let Figure::Withheld(class) = figure {
                    *class = Withheld::Member;
                }
            }
        }
        all.sources.sort_by(|one, other| one.member.cmp(&other.member));
        match all.sources.is_sorted_by(|one, next| one.member < next.member) {
            true => Ok(all),
            false => Err(PublicationError::Differ("a member stands in two of them")),
        }
    }
}

impl Encode for Publication {
    fn encode(&self, w: &mut Writer) {
        w.array(8);
        w.uint(VERSION);
        w.array(self.sources.len());
        for source in &self.sources {
            w.array(2);
            source.member.encode(w);
            source.rules.encode(w);
        }
        self.at.encode(w);
        self.flow.encode(w);
        w.text(&self.currency.to_string());
        w.uint(self.from.index().into());
        w.uint(self.to.index().into());
        w.array(self.tables.len());
        for (table, cells) in &self.tables {
            w.array(2);
            table.encode(w);
            w.array(cells.len());
            for (key, figure) in cells {
                w.array(2);
                key.encode(w);
                match figure {
                    Figure::Withheld(class) => class.encode(w),
                    Figure::Published(figures) => {
                        w.array(Measure::ALL.len());
                        Measure::ALL.iter().for_each(|measure| w.uint(figures.of(*measure)));
                    }
                }
            }
        }
    }
}

impl Decode for Publication {
    fn decode(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(8)?;
        let start = r.position();
        if r.uint()? != VERSION {
            return Err(r.refuse(start, "not a version of statistics that is known"));
        }
        let start = r.position();
        let sources = r.list(MAX_MEMBERS, |r| {
            r.tuple(2)?;
            let source = Source { member: MemberId::decode(r)?, rules: Rules::decode(r)? };
            r.leave();
            Ok(source)
        })?;
        if sources.is_empty() || !sources.is_sorted_by(|one, next| one.member < next.member) {
            return Err(r.refuse(start, "no member, or members out of order"));
        }
        let at = Millis::decode(r)?;
        let flow = Flow::decode(r)?;
        let currency = Currency::decode(r)?;
        let (from, to) = (month(r)?, month(r)?);
        let start = r.position();
        let mut room = MAX_STATISTICS_CELLS;
        let tables = r.list(MAX_STATISTICS_TABLES, |r| {
            r.tuple(2)?;
            let table = Table::decode(r)?;
            let cells = cells(r, &table, &mut room)?;
            r.leave();
            Ok((table, cells))
        })?;
        if from > to || tables.is_empty() || !tables.is_sorted_by(|(one, _), (next, _)| one.name() < next.name()) {
            return Err(r.refuse(start, "months that end before they begin, no table, or tables out of order"));
        }
        r.leave();
        Ok(Self { sources, at, flow, currency, from, to, tables })
    }
}

fn cells(r: &mut Reader<'_>, table: &Table, room: &mut usize) -> Result<BTreeMap<Key, Figure>, CborError> {
    let count = r.array(*room)?;
    *room -= count;
    let mut cells = BTreeMap::new();
    for _ in 0..count {
        r.tuple(2)?;
        let start = r.position();
        let key = Key::decode(r)?;
        if !table.shows(&key) || cells.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(r.refuse(start, "a cell that its table does not show, or out of order"));
        }
        let figure = if r.peek_major()? == 4 {
            r.tuple(Measure::ALL.len())?;
            let figures = Figures { count: r.uint()?, value: r.uint()?, mass: r.uint()?, duty: r.uint()? };
            r.leave();
            Figure::Published(figures)
        } else {
            Figure::Withheld(Withheld::decode(r)?)
        };
        cells.insert(key, figure);
        r.leave();
    }
    r.leave();
    Ok(cells)
}

fn month(r: &mut Reader<'_>) -> Result<Month, CborError> {
    let start = r.position();
    let index = u32::try_from(r.uint_max(u32::MAX.into())?).unwrap_or(u32::MAX);
    Month::from_index(index).ok_or_else(|| r.refuse(start, "not a month between 1900 and 9999"))
}
