//! Dated rules: thresholds, rates of exchange, what a destination obliges to, immediate release, and what is plausible.
//!
//! They are read from TOML ([`super::RuleBook`]); the texts in them are for people.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::listed::{Listed, Span};
use crate::names::Territory;
use crate::record::{Decimal, Group, TypeTable};
use crate::time::Day;

/// A group, or one field of it: `route`, `product.gtin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The group.
    pub group: String,
    /// The field; without one, the whole group is meant: any field of it.
    pub field: Option<String>,
}

impl FromStr for Path {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (group, field) = text.split_once('.').map_or((text, None), |(group, field)| (group, Some(field)));
        match group.is_empty() || field.is_some_and(str::is_empty) {
            true => Err(format!("'{text}' is not a group, or a group and a field with a point between them")),
            false => Ok(Self { group: group.into(), field: field.map(Into::into) }),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{}.{field}", self.group),
            None => f.write_str(&self.group),
        }
    }
}

impl Path {
    /// Its group in a type, and the place of its field there; `None` where the type does not have them.
    pub fn find(&self, table: &TypeTable) -> Option<(usize, &'static Group, Option<usize>)> {
        let (at, group) = table.group(&self.group)?;
        match &self.field {
            None => Some((at, group, None)),
            Some(name) => {
                group.fields.iter().position(|field| field.name == name).map(|field| (at, group, Some(field)))
            }
        }
    }
}

/// How much a destination asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It must be there.
    Required,
    /// It must be there where a condition holds.
    Conditional,
    /// It may be there.
    Voluntary,
}

/// Conditions of an obligation; all that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    /// This is there.
    pub present: Option<Path>,
    /// This is not there.
    pub absent: Option<Path>,
    /// `filing.category_of_item` is one of these.
    pub categories: Vec<String>,
    /// `filing.transaction_type` is one of these.
    pub transactions: Vec<String>,
}

impl When {
    /// Whether nothing is given that a program can decide.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a destination asks for in a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligation {
    /// Customs territories of destination; the states of the EU lie in it.
    pub destinations: Vec<Territory>,
    /// Days of filing.
    pub span: Span,
    /// Kinds of filing (`filing.kind`); none means every kind.
    pub kinds: Vec<String>,
    /// Data sets (`filing.data_set`); none means every one.
    pub data_sets: Vec<String>,
    /// How much.
    pub level: Level,
    /// Any one of these.
    pub any_of: Vec<Path>,
    /// When, for a conditional one. Without it, nothing in the record decides and people must.
    pub when: When,
    /// The condition in words.
    pub condition: String,
    /// Where it comes from.
    pub listed: Arc<Listed>,
}

/// What a value is compared with a threshold for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdKind {
    /// Above it an IOSS number cannot be used.
    Ioss,
    /// Above it the simplified data sets cannot be used.
    Simplified,
}

/// A value of the goods of a consignment up to which something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// What for.
    pub kind: ThresholdKind,
    /// Customs territories of destination.
    pub destinations: Vec<Territory>,
    /// Days of filing.
    pub span: Span,
    /// For [`ThresholdKind::Simplified`], the data sets.
    pub data_sets: Vec<String>,
    /// The highest value allowed.
    pub most: Decimal,
    /// Its currency.
    pub currency: String,
    /// Where it comes from.
    pub listed: Arc<Listed>,
}

/// A rate of exchange: so many units of `currency` are `rate` units of `into`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// What is changed.
    pub currency: String,
    /// Into what.
    pub into: String,
    /// So many units of it.
    pub per: u32,
    /// Are so much.
    pub rate: Decimal,
    /// From this day on, until the next rate of the pair.
    pub from: Day,
    /// Where it comes from.
    pub listed: Arc<Listed>,
}

/// The categories of the WCO Immediate Release Guidelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseCategory {
    /// Correspondence and documents.
    One,
    /// Low value, no duty and tax to be paid at import.
    Two,
    /// Low value with duty or tax: simplified declaration.
    Three,
    /// High value: full declaration.
    Four,
}

/// When a consignment is of a category. Of several rules the first that fits counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRule {
    /// Customs territories of destination.
    pub destinations: Vec<Territory>,
    /// Days of filing.
    pub span: Span,
    /// Which category.
    pub category: ReleaseCategory,
    /// `filing.category_of_item` is one of these; none means any.
    pub categories: Vec<String>,
    /// `filing.transaction_type` is one of these; none means any.
    pub transactions: Vec<String>,
    /// Whether an IOSS number must be there, or must not.
    pub ioss: Option<bool>,
    /// The highest value and its currency.
    pub most: Option<(Decimal, String)>,
    /// What must be there for this path.
    pub required: Vec<Path>,
    /// Why, in words.
    pub reason: String,
    /// Where it comes from.
    pub listed: Arc<Listed>,
}

/// Goods that are kept out of immediate release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Customs territories of destination; none means every one.
    pub destinations: Vec<Territory>,
    /// Days of filing.
    pub span: Span,
    /// Beginnings of HS codes.
    pub hs: Vec<String>,
    /// Why, in words.
    pub reason: String,
    /// Where it comes from.
    pub listed: Arc<Listed>,
}

/// Bounds beyond which a mass or value is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plausible {
    /// Gross kilograms of a postal item at most.
    pub postal_most_kg: Decimal,
    /// Net kilograms of a piece at least.
    pub piece_least_kg: Decimal,
    /// Net kilograms of a piece at most.
    pub piece_most_kg: Decimal,
    /// The value of a goods item at most, in a currency with decimals; a hundred times as much in one without.
    pub value_most: Decimal,
    /// Where the bounds come from.
    pub listed: Arc<Listed>,
}

/// Whether a destination is one of these, or lies in one of them; none of them means every one.
pub(crate) fn reaches(destinations: &[Territory], destination: Territory) -> bool {
    destinations.is_empty() || destinations.iter().any(|one| one.contains(destination))
}
