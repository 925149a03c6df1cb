//! What a de minimis threshold would change: items, value, duty and cost of collection below and above, by collection model.
//!
//! For a review inside of an administration: nothing is withheld here. What is published of it goes through [`super::disclose`].

use std::collections::BTreeMap;

use super::fact::Fact;
use super::facts::Sums;
use crate::limits::MAX_STATISTICS_THRESHOLDS;
use crate::names::CollectionModel;

/// What collecting costs under a model, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// For each item.
    pub per_item: u64,
    /// Of the duty, in thousandths; rounded up once, over all items of a row.
    pub per_mille: u32,
}

/// Why thresholds were refused, or an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// None, too many, or not in order.
    #[error("thresholds must be 1 to {MAX_STATISTICS_THRESHOLDS}, ascending, each once")]
    Order,
    /// An item that was not added.
    #[error(
        "an item of value {value} under model {model} is taken away that was not added\nhint: take away exactly what was added"
    )]
    NotThere {
        /// Its model.
        model: CollectionModel,
        /// Its value.
        value: u64,
    },
}

/// One side of a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Side {
    /// Items, value, mass and duty.
    pub sums: Sums,
    /// What collecting this duty costs, in minor units.
    pub cost: u128,
}

impl Side {
    /// Duty less the cost of collecting it; below zero where collecting costs more than it brings.
    pub fn net(&self) -> i128 {
        let whole = |number: u128| i128::try_from(number).unwrap_or(i128::MAX);
        whole(self.sums.duty).saturating_sub(whole(self.cost))
    }
}

/// A threshold, under one model or all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The threshold, in minor units.
    pub threshold: u64,
    /// The model; nothing where all are taken together.
    pub model: Option<CollectionModel>,
    /// Items whose value does not exceed it.
    pub below: Side,
    /// The others.
    pub above: Side,
}

/// Items by band between thresholds, and by model.
#[derive(Debug, Clone)]
pub struct Thresholds {
    at: Vec<u64>,
    costs: BTreeMap<CollectionModel, Cost>,
    bands: BTreeMap<CollectionModel, Vec<Sums>>,
}

impl Thresholds {
    /// Thresholds in minor units, and what collecting costs under each model; a model without a cost costs nothing.
    ///
    /// # Errors
    /// [`ThresholdError::Order`].
    pub fn new(at: &[u64], costs: BTreeMap<CollectionModel, Cost>) -> Result<Self, ThresholdError> {
        if !(1..=MAX_STATISTICS_THRESHOLDS).contains(&at.len()) || !at.is_sorted_by(|one, next| one < next) {
            return Err(ThresholdError::Order);
        }
        Ok(Self { at: at.to_vec(), costs, bands: BTreeMap::new() })
    }

    /// Counts an item.
    pub fn add(&mut self, fact: &Fact) {
        let band = self.band(fact.value);
        let empty = vec![Sums::default(); self.at.len() + 1];
        if let Some(sums) = self.bands.entry(fact.place.model).or_insert(empty).get_mut(band) {
            *sums = sums.plus(Sums::from(fact));
        }
    }

    /// Takes an item away again.
    ///
    /// # Errors
    /// [`ThresholdError::NotThere`]; then nothing changed.
    pub fn take(&mut self, fact: &Fact) -> Result<(), ThresholdError> {
        let band = self.band(fact.value);
        let error = ThresholdError::NotThere { model: fact.place.model, value: fact.value };
        let sums = self.bands.get_mut(&fact.place.model).and_then(|bands| bands.get_mut(band)).ok_or(error.clone())?;
        *sums = sums.minus(Sums::from(fact)).ok_or(error)?;
        Ok(())
    }

    /// A row for each threshold and model that has items, and one for each threshold of all models together.
    pub fn at(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (place, threshold) in self.at.iter().enumerate() {
            let (mut below, mut above) = (Side::default(), Side::default());
            let mut models = Vec::new();
            for (model, bands) in &self.bands {
                let (low, high) = bands.split_at(bands.len().min(place + 1));
                let row = Row {
                    threshold: *threshold,
                    model: Some(*model),
                    below: self.side(*model, low),
                    above: self.side(*model, high),
                };
                below = together(below, row.below);
                above = together(above, row.above);
                if row.below.sums.count > 0 || row.above.sums.count > 0 {
                    models.push(row);
                }
            }
            rows.push(Row { threshold: *threshold, model: None, below, above });
            rows.append(&mut models);
        }
        rows
    }

    /// The models beside one another, all their items together.
    pub fn models(&self) -> Vec<(CollectionModel, Side)> {
        let sides = self.bands.iter().map(|(model, bands)| (*model, self.side(*model, bands)));
        sides.filter(|(_, side)| side.sums.count > 0).collect()
    }

    /// An item whose value is a threshold does not exceed it, and lies below.
    fn band(&self, value: u64) -> usize {
        self.at.partition_point(|threshold| *threshold < value)
    }

    fn side(&self, model: CollectionModel, bands: &[Sums]) -> Side {
        let sums = bands.iter().fold(Sums::default(), |sum, band| sum.plus(*band));
        let cost = self.costs.get(&model).copied().unwrap_or_default();
        let items = sums.count.saturating_mul(cost.per_item.into());
        Side { sums, cost: items.saturating_add(sums.duty.saturating_mul(cost.per_mille.into()).div_ceil(1000)) }
    }
}

fn together(one: Side, other: Side) -> Side {
    Side { sums: one.sums.plus(other.sums), cost: one.cost.saturating_add(other.cost) }
}
