//! What somebody can find out who knows everything that is published: whether a withheld cell can be computed, and how wide the interval
//! is in which each of its figures can lie.
//!
//! Proven, for each withheld cell: for each figure above zero there are two sets of whole, non-negative figures for all atoms that agree
//! with everything published and in which the cell's figure differs; so it is no combination of what is published, since that would have
//! one value in both. Value, mass and duty of a sensitive cell are in one of them so far below and in the other so far above what they
//! are, as the rules ask for. A figure of zero, duty for example, may become known as such. The count of a withheld cell is there known to
//! be at least one, and of one that is withheld for others' sake at least the least number of items.
//!
//! The proof is the evidence itself ([`super::evidence`]). It is gone through here from the beginning, whoever found it and how; so nothing
//! rests on the way cells were chosen. Where 128 bits do not hold a number, nothing is proven, and the cell counts as found.

use std::collections::BTreeMap;

use super::evidence::{Changes, Evidence};
use super::lattice::Lattice;
use super::rules::{Measure, Rules};
use super::shift::{MEASURES, Way, Wish, place};
use super::universe::{Cell, Universe};

/// Between what a figure of a withheld cell certainly can lie; more may be possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The least figure that agrees with everything published, of those looked at.
    pub least: i128,
    /// The greatest.
    pub most: i128,
}

impl Interval {
    /// The figures that a cell has for certain: what they are.
    pub(crate) fn of(cell: &Cell) -> [Self; 4] {
        MEASURES.map(|measure| Self { least: cell.figure(measure), most: cell.figure(measure) })
    }

    pub(crate) fn widen(&mut self, figure: i128) {
        (self.least, self.most) = (self.least.min(figure), self.most.max(figure));
    }
}

/// The intervals of each withheld cell, by evidence.
///
/// # Errors
/// A cell that the evidence does not protect.
pub(crate) fn audit(
    universe: &Universe,
    rules: &Rules,
    evidence: &[Evidence],
) -> Result<BTreeMap<u32, [Interval; 4]>, u32> {
    let lattice = Lattice::new(universe);
    let withheld = (0_u32..).zip(&universe.cells).filter(|(_, cell)| cell.is_withheld());
    let mut intervals: BTreeMap<_, _> = withheld.map(|(number, cell)| (number, Interval::of(cell))).collect();
    let mut changes = Changes::of(universe.cells.len());
    for evidence in evidence {
        for (number, change) in evidence.shows(universe, rules, &lattice, &mut changes).unwrap_or_default() {
            let (Some(cell), Some(intervals)) = (universe.cell(*number), intervals.get_mut(number)) else { continue };
            if let Some(interval) = intervals.get_mut(place(evidence.measure)) {
                interval.widen(cell.figure(evidence.measure).saturating_add(*change));
            }
        }
    }
    let open = intervals.iter().find(|(number, intervals)| {
        universe.cell(**number).is_none_or(|cell| !missing(cell, rules, intervals).is_empty())
    });
    match open {
        Some((cell, _)) => Err(*cell),
        None => Ok(intervals),
    }
}

/// What a withheld cell's intervals lack.
pub(crate) fn missing(cell: &Cell, rules: &Rules, intervals: &[Interval; 4]) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for (measure, interval) in Measure::ALL.iter().copied().zip(intervals) {
        let figure = cell.figure(measure);
        // A count of one has no room below it.
        let beside = if cell.guarded && measure != Measure::Count { rules.width(figure) } else { 0 };
        let mut wish = |way| wishes.push(Wish { measure, way });
        if beside > 0 {
            if interval.most < figure.saturating_add(beside) {
                wish(Way::Up(beside));
            }
            if interval.least > figure - beside {
                wish(Way::Down(beside));
            }
        } else if figure > 0 && interval.least == interval.most {
            wish(Way::Either);
        }
    }
    wishes
}
