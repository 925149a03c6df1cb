//! Cells and tables: which dimensions a table shows, at which levels, and how a cell is named.
//!
//! A cell has a node in each of six dimensions: all, a group, or one code. Two tables that show the same nodes show the same cell, so
//! cells of several tables are compared by key alone.

use std::fmt;

use super::fact::{Heading, Mode, Month, Place};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::names::{CollectionModel, Slug, Territory, words};

words!(
    /// What facts are told apart by.
    Dimension, "dimension", {
        /// When: all, year, month.
        Time = "time";
        /// From where: all, territory.
        Origin = "origin";
        /// To where: all, territory.
        Destination = "destination";
        /// What: all, chapter, heading.
        Product = "product";
        /// How: all, mode of transport.
        Mode = "mode";
        /// Who collects: all, collection model.
        Model = "model";
    }
);

/// Dimensions.
pub(crate) const DIMENSIONS: usize = 6;

impl Dimension {
    /// How many levels it has.
    pub const fn levels(self) -> u8 {
        match self {
            Self::Time | Self::Product => 3,
            _ => 2,
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// How fine: 0 is all, 1 a year, a chapter, or the code of a dimension that has no groups, 2 a month or a heading.
pub type Level = u8;

/// A cell's nodes, one in each dimension. Orders by time, then origin and so on, totals before their parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u32; DIMENSIONS]);

impl Key {
    /// The cell in which `place` is counted at these levels.
    pub(crate) fn of(place: &Place, levels: &[Level; DIMENSIONS]) -> Self {
        let mut nodes = [0; DIMENSIONS];
        for ((node, dimension), level) in nodes.iter_mut().zip(Dimension::ALL).zip(levels) {
            *node = node_of(*dimension, *level, place);
        }
        Self(nodes)
    }

    /// At which level it stands in `dimension`.
    pub fn level(&self, dimension: Dimension) -> Level {
        level_of(dimension, self.node(dimension))
    }

    /// The cell that is the same in all but `dimension`, where it stands at the coarser `level`.
    pub(crate) fn coarser(&self, dimension: Dimension, level: Level) -> Self {
        let mut nodes = self.0;
        if let Some(node) = nodes.get_mut(dimension.index()) {
            *node = match (dimension, level) {
                (_, 0) => 0,
                (Dimension::Time, 1) => *node - *node % TIME,
                (Dimension::Product, 1) => *node - *node % PRODUCT,
                _ => *node,
            };
        }
        Self(nodes)
    }

    /// The code of its node: `_T` for all, `2026`, `2026-01`, `61`, `6109`, `KR`, `5`, `vendor`.
    pub fn code(&self, dimension: Dimension) -> String {
        let node = self.node(dimension);
        if node == 0 {
            return "_T".to_owned();
        }
        match (dimension, level_of(dimension, node)) {
            (Dimension::Time, 1) => format!("{:04}", node / TIME),
            (Dimension::Time, _) => month_of(node).map_or_else(String::new, |month| month.to_string()),
            (Dimension::Product, 1) => format!("{:02}", node / PRODUCT),
            (Dimension::Product, _) => heading_of(node).map_or_else(String::new, |heading| heading.to_string()),
            (Dimension::Origin | Dimension::Destination, _) => letters(node).iter().map(|c| char::from(*c)).collect(),
            (Dimension::Mode, _) => node.to_string(),
            (Dimension::Model, _) => model_of(node).map_or_else(String::new, |model| model.to_string()),
        }
    }

    /// Its node, as a number.
    pub(crate) fn node(&self, dimension: Dimension) -> u32 {
        self.0.get(dimension.index()).copied().unwrap_or_default()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, dimension) in Dimension::ALL.iter().enumerate() {
            let dot = if place == 0 { "" } else { "." };
            write!(f, "{dot}{}", self.code(*dimension))?;
        }
        Ok(())
    }
}

impl Encode for Key {
    fn encode(&self, writer: &mut Writer) {
        writer.array(DIMENSIONS);
        self.0.iter().for_each(|node| writer.uint(u64::from(*node)));
    }
}

impl Decode for Key {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(DIMENSIONS)?;
        let mut nodes = [0; DIMENSIONS];
        for (node, dimension) in nodes.iter_mut().zip(Dimension::ALL) {
            let start = reader.position();
            *node = u32::try_from(reader.uint_max(u64::from(u32::MAX))?).unwrap_or(u32::MAX);
            if !is_node(*dimension, *node) {
                return Err(reader.refuse(start, "not a code of its dimension"));
            }
        }
        reader.leave();
        Ok(Self(nodes))
    }
}

/// A table: its name, and in each dimension the levels that it shows. It shows every combination of them that has facts; one that it
/// does not show has none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    name: Slug,
    /// A bit for each level.
    shown: [u8; DIMENSIONS],
}

impl Table {
    /// A table that shows the total of everything.
    pub fn new(name: Slug) -> Self {
        Self { name, shown: [1; DIMENSIONS] }
    }

    /// The table with every level of `dimension`, its marginal totals among them.
    #[must_use]
    pub fn by(self, dimension: Dimension) -> Self {
        self.with(dimension, (1 << dimension.levels()) - 1)
    }

    /// The table with the levels of `dimension` up to `level`, for example chapters without headings.
    #[must_use]
    pub fn down_to(self, dimension: Dimension, level: Level) -> Self {
        self.with(dimension, (1 << (level.min(dimension.levels() - 1) + 1)) - 1)
    }

    /// The table with one level of `dimension` alone, for example months without years and the total.
    #[must_use]
    pub fn only(self, dimension: Dimension, level: Level) -> Self {
        self.with(dimension, 1 << level.min(dimension.levels() - 1))
    }

    /// Its name.
    pub fn name(&self) -> &Slug {
        &self.name
    }

    /// Whether the cell is one of this table.
    pub fn shows(&self, key: &Key) -> bool {
        Dimension::ALL.iter().all(|dimension| self.mask(*dimension) >> key.level(*dimension) & 1 == 1)
    }

    /// Every combination of levels.
    pub(crate) fn combinations(&self) -> Vec<[Level; DIMENSIONS]> {
        let mut all = vec![[0; DIMENSIONS]];
        for dimension in Dimension::ALL {
            let levels: Vec<_> =
                (0..dimension.levels()).filter(|level| self.mask(*dimension) >> level & 1 == 1).collect();
            all = all
                .into_iter()
                .flat_map(|before| {
                    levels.iter().map(move |level| {
                        let mut next = before;
                        next[dimension.index()] = *level;
                        next
                    })
                })
                .collect();
        }
        all
    }

    /// The next coarser level of `dimension` that the table shows beside `level`.
    pub(crate) fn coarser(&self, dimension: Dimension, level: Level) -> Option<Level> {
        (0..level).rev().find(|above| self.mask(dimension) >> above & 1 == 1)
    }

    /// The finest level that it shows.
    pub(crate) fn finest(&self, dimension: Dimension) -> Level {
        (0..dimension.levels()).rev().find(|level| self.mask(dimension) >> level & 1 == 1).unwrap_or(0)
    }

    /// Whether both show the same levels.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.shown == other.shown
    }

    fn mask(&self, dimension: Dimension) -> u8 {
        self.shown.get(dimension.index()).copied().unwrap_or(1)
    }

    fn with(mut self, dimension: Dimension, mask: u8) -> Self {
        if let Some(shown) = self.shown.get_mut(dimension.index()) {
            *shown = mask;
        }
        self
    }
}

impl Encode for Table {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        self.name.encode(writer);
        writer.array(DIMENSIONS);
        self.shown.iter().for_each(|mask| writer.uint(u64::from(*mask)));
    }
}

impl Decode for Table {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let name = Slug::decode(reader)?;
        reader.tuple(DIMENSIONS)?;
        let mut shown = [0; DIMENSIONS];
        for (mask, dimension) in shown.iter_mut().zip(Dimension::ALL) {
            let start = reader.position();
            *mask = u8::try_from(reader.uint_max((1 << dimension.levels()) - 1)?).unwrap_or_default();
            if *mask == 0 {
                return Err(reader.refuse(start, "a dimension of which no level is shown"));
            }
        }
        reader.leave();
        reader.leave();
        Ok(Self { name, shown })
    }
}

/// A year's node is its number times this, a month's that and its number.
const TIME: u32 = 13;
/// A chapter's node is its number times this, a heading's that, one, and its last two digits.
const PRODUCT: u32 = 101;

fn node_of(dimension: Dimension, level: Level, place: &Place) -> u32 {
    if level == 0 {
        return 0;
    }
    let territory = |territory: Territory| territory.as_str().bytes().fold(0, |node, c| node << 8 | u32::from(c));
    match dimension {
        Dimension::Time => {
            let year = u32::from(place.month.year()) * TIME;
            if level == 1 { year } else { year + u32::from(place.month.number()) }
        }
        Dimension::Product => {
            let chapter = u32::from(place.heading.chapter()) * PRODUCT;
            if level == 1 { chapter } else { chapter + 1 + u32::from(place.heading.number() % 100) }
        }
        Dimension::Origin => territory(place.origin),
        Dimension::Destination => territory(place.destination),
        Dimension::Mode => u32::from(place.mode.digit()),
        Dimension::Model => {
            CollectionModel::ALL.iter().zip(1..).find(|(model, _)| **model == place.model).map_or(0, |(_, n)| n)
        }
    }
}

fn level_of(dimension: Dimension, node: u32) -> Level {
    match dimension {
        _ if node == 0 => 0,
        Dimension::Time => {
            if node.is_multiple_of(TIME) {
                1
            } else {
                2
            }
        }
        Dimension::Product => {
            if node.is_multiple_of(PRODUCT) {
                1
            } else {
                2
            }
        }
        _ => 1,
    }
}

fn is_node(dimension: Dimension, node: u32) -> bool {
    match (dimension, level_of(dimension, node)) {
        (_, 0) => true,
        (Dimension::Time, 1) => (1900..=9999).contains(&(node / TIME)),
        (Dimension::Time, _) => month_of(node).is_some(),
        (Dimension::Product, 1) => (1..=99).contains(&(node / PRODUCT)),
        (Dimension::Product, _) => heading_of(node).is_some(),
        (Dimension::Origin | Dimension::Destination, _) => {
            node >> 16 == 0 && std::str::from_utf8(&letters(node)).is_ok_and(|text| text.parse::<Territory>().is_ok())
        }
        (Dimension::Mode, _) => u8::try_from(node).is_ok_and(|digit| Mode::from_digit(digit).is_some()),
        (Dimension::Model, _) => model_of(node).is_some(),
    }
}

fn month_of(node: u32) -> Option<Month> {
    Month::from_index((node / TIME).checked_mul(12)? + (node % TIME).checked_sub(1)?)
}

fn heading_of(node: u32) -> Option<Heading> {
    Heading::from_number(u16::try_from((node / PRODUCT).checked_mul(100)? + (node % PRODUCT).checked_sub(1)?).ok()?)
}

fn model_of(node: u32) -> Option<CollectionModel> {
    CollectionModel::ALL.get(usize::try_from(node).ok()?.checked_sub(1)?).copied()
}

fn letters(node: u32) -> [u8; 2] {
    let [_, _, first, second] = node.to_be_bytes();
    [first, second]
}
