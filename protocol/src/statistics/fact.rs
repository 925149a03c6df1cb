//! One item as statistics see it: where, when, what, how, by whom, and how much.
//!
//! Not here: how a record becomes a fact (`gather`), and conversion of currencies; a fact's money is in the minor unit of the one currency of all
//! facts that are counted together.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::names::{CollectionModel, Territory, word_enum, words};
use crate::time::Day;

/// Why a part of a fact was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// Not a month.
    #[error("'{0}' is no month: expected YYYY-MM between 1900 and 9999")]
    Month(String),
    /// Not a chapter or heading.
    #[error(
        "'{0}' is no chapter or heading of the Harmonized System: expected 2 or 4 digits, the first two not 00\nhint: cut a longer code after its fourth digit"
    )]
    Heading(String),
    /// Not a mode of transport.
    #[error("'{0}' is no mode of transport: expected a digit from 1 to 9 (UNECE Recommendation 19)")]
    Mode(String),
}

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    year: u16,
    month: u8,
}

impl Month {
    /// The month of a day; none beyond the year 9999.
    pub fn of(day: Day) -> Option<Self> {
        let date = day.date()?;
        Some(Self { year: date.year().try_into().ok()?, month: date.month().try_into().ok()? })
    }

    /// Its year.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// Its number in the year, 1 to 12.
    pub const fn number(self) -> u8 {
        self.month
    }

    /// The month of a number that [`Month::index`] gives; nothing beyond 1900 to 9999.
    pub fn from_index(index: u32) -> Option<Self> {
        let (year, month) = (u16::try_from(index / 12).ok()?, u8::try_from(index % 12 + 1).ok()?);
        (1900..=9999).contains(&year).then_some(Self { year, month })
    }

    /// Months since the beginning of year 0, so that neighbours differ by one.
    pub fn index(self) -> u32 {
        u32::from(self.year) * 12 + u32::from(self.month) - 1
    }
}

impl FromStr for Month {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let error = || FactError::Month(text.chars().take(20).collect());
        // Only a day of the calendar has a month that is one.
        if text.len() != 7 || format!("{text}-01").parse::<Day>().is_err() {
            return Err(error());
        }
        let part = |from: usize, to: usize| text.get(from..to).ok_or_else(error);
        Ok(Self { year: part(0, 4)?.parse().map_err(|_| error())?, month: part(5, 7)?.parse().map_err(|_| error())? })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// A heading of the Harmonized System (4 digits), or only its chapter (2 digits) where the heading is not known; such items stand under
/// `61XX` beside the headings of their chapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Heading(u16);

impl Heading {
    /// The chapter, 1 to 99.
    pub const fn chapter(self) -> u16 {
        self.0 / 100
    }

    /// The four digits as a number; the last two are zero where only the chapter is known.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The heading of a number that [`Heading::number`] gives.
    pub fn from_number(number: u16) -> Option<Self> {
        (100..=9999).contains(&number).then_some(Self(number))
    }
}

impl FromStr for Heading {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let error = || FactError::Heading(text.chars().take(20).collect());
        if !text.bytes().all(|c| c.is_ascii_digit()) {
            return Err(error());
        }
        let number: u16 = text.parse().map_err(|_| error())?;
        match text.len() {
            2 => Self::from_number(number * 100).ok_or_else(error),
            4 => Self::from_number(number).ok_or_else(error),
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Heading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 100 {
            0 => write!(f, "{:02}XX", self.chapter()),
            _ => write!(f, "{:04}", self.0),
        }
    }
}

/// A mode of transport at the border, 1 to 9 (UNECE Recommendation 19; 5 is mail).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mode(u8);

impl Mode {
    /// The digit.
    pub const fn digit(self) -> u8 {
        self.0
    }

    /// The mode of a digit.
    pub fn from_digit(digit: u8) -> Option<Self> {
        (1..=9).contains(&digit).then_some(Self(digit))
    }
}

impl FromStr for Mode {
    type Err = FactError;

    fn from_str(text: &str) -> Result<Self, FactError> {
        let error = || FactError::Mode(text.chars().take(20).collect());
        match text.as_bytes() {
            [digit] if digit.is_ascii_digit() => Self::from_digit(digit - b'0').ok_or_else(error),
            _ => Err(error()),
        }
    }
}

word_enum!(
    /// Which way goods go, from whoever counts them.
    Flow, "flow", {
        /// In.
        Import = 1, "import";
        /// Out.
        Export = 2, "export";
    }
);

words!(
    /// In which role somebody stands behind an item; rules of concentration look at each of them.
    Role, "role", {
        /// Who imports.
        Importer = "importer";
        /// Who sells.
        Seller = "seller";
        /// Who filed the declaration.
        Filer = "filer";
    }
);

/// What identifies an item's place in every table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The month in which it is counted.
    pub month: Month,
    /// Where it comes from.
    pub origin: Territory,
    /// Where it goes.
    pub destination: Territory,
    /// What it is.
    pub heading: Heading,
    /// How it travels.
    pub mode: Mode,
    /// Who collects.
    pub model: CollectionModel,
}

/// One item. Nothing in it is negative: what was wrong is taken away again, see [`super::Facts::take`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Where it is counted.
    pub place: Place,
    /// Who stands behind it, in the order of [`Role::ALL`]: any name that is the same for the same party. All whom nobody names count as
    /// the largest party that is named in a cell, or as one where none is, which suppresses more, never less.
    pub parties: [Option<Arc<str>>; 3],
    /// Its value, in minor units.
    pub value: u64,
    /// Its mass, in grams.
    pub mass: u64,
    /// Its duty and tax, in minor units.
    pub duty: u64,
}
