//! What somebody can find out who knows everything that is published: whether a withheld cell can be computed, and how wide the interval
//! is in which each of its figures can lie.
//!
//! Proven, for each withheld cell: it is no combination of what is published (exact elimination), and for each figure above zero there
//! are two sets of whole, non-negative figures for all atoms that agree with everything published and in which the cell's figure differs.
//! Value, mass and duty of a sensitive cell are in one of them so far below and in the other so far above what they are, as the rules
//! ask for. A figure of zero, duty for example, may become known as such. The count of a withheld cell is there known to be at least one, and of one that is withheld for
//! others' sake at least the least number of items. Where 128 bits do not hold a number, nothing is proven, and the cell counts as found.

use std::collections::BTreeMap;

use super::fraction::Fraction;
use super::program::Program;
use super::rules::{Measure, Rules};
use super::system::{Part, Sum, add, parts};
use super::universe::{Cell, Universe};

/// Between what a figure of a withheld cell certainly can lie; more may be possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The least figure that agrees with everything published, of those looked at.
    pub least: i128,
    /// The greatest.
    pub most: i128,
}

/// Why a cell is not protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It can be computed.
    Computed,
    /// A figure of it can be estimated too well; it takes so much more room.
    Narrow { measure: Measure, need: i128 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) cell: u32,
    pub(crate) why: Why,
    /// Withheld cells that hang together with it.
    pub(crate) around: Vec<u32>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Audit {
    pub(crate) failures: Vec<Failure>,
    /// By cell: the intervals of count, value, mass and duty.
    pub(crate) intervals: BTreeMap<u32, [Interval; 4]>,
    /// Every set of figures on which an interval rests, as (part, measure, figure of each unknown).
    #[cfg(test)]
    pub(crate) evidence: Vec<(Vec<Vec<u32>>, Measure, Vec<i128>)>,
}

/// Looks at all withheld cells, or at those that hang together with cells of `focus`.
///
/// # Errors
/// The number of unknowns, where they are too many.
pub(crate) fn audit(universe: &Universe, rules: &Rules, focus: Option<&[u32]>) -> Result<Audit, usize> {
    let (parts, computed) = parts(universe, focus)?;
    let mut audit = Audit::default();
    audit.failures.extend(computed.into_iter().map(|cell| Failure { cell, why: Why::Computed, around: Vec::new() }));
    for part in &parts {
        audit.look(universe, rules, part);
    }
    Ok(audit)
}

impl Audit {
    fn look(&mut self, universe: &Universe, rules: &Rules, part: &Part) {
        let around: Vec<_> = part.cells.iter().map(|(cell, _)| *cell).collect();
        let mut fail = |cell: u32, why: Why| self.failures.push(Failure { cell, why, around: around.clone() });
        let Some(rows) = part.solve() else { return around.iter().for_each(|cell| fail(*cell, Why::Computed)) };
        let goals: Option<Vec<_>> = part.cells.iter().map(|(_, sum)| goal(&rows, sum)).collect();
        let Some(goals) = goals else { return around.iter().for_each(|cell| fail(*cell, Why::Computed)) };
        let computed: Vec<_> = around.iter().zip(&goals).filter(|(_, goal)| goal.is_empty()).collect();
        if !computed.is_empty() {
            return computed.into_iter().for_each(|(cell, _)| fail(*cell, Why::Computed));
        }
        for (place, measure) in Measure::ALL.iter().enumerate() {
            let figures = part.figures(universe, *measure);
            let mut points = Points::new(universe, part, *measure, &figures);
            let program = program(universe, rules, part, &rows, &goals, *measure, &figures);
            // Those that need most come first: what is found for them often is enough for others.
            let mut order: Vec<_> = (0..goals.len()).collect();
            let need = |place: usize| Need::new(universe, rules, part, place, *measure);
            order.sort_by_key(|place| (std::cmp::Reverse(need(*place).beside.max(need(*place).between)), *place));
            for cell in order {
                let missing = points.widen(cell, need(cell), &program, goals.get(cell));
                if let Some(cell) = around.get(cell).filter(|_| missing > 0) {
                    fail(*cell, Why::Narrow { measure: *measure, need: missing });
                }
            }
            for (cell, number) in around.iter().enumerate() {
                let interval = points.interval(cell);
                let intervals = self.intervals.entry(*number).or_insert([Interval { least: 0, most: 0 }; 4]);
                if let Some(place) = intervals.get_mut(place) {
                    *place = interval;
                }
            }
            #[cfg(test)]
            self.evidence.extend(points.all.into_iter().map(|point| (part.unknowns.clone(), *measure, point)));
        }
    }
}

impl Part {
    fn figures(&self, universe: &Universe, measure: Measure) -> Vec<i128> {
        let of = |atom: &u32| universe.atoms.get(*atom as usize).map_or(0, |sums| sums.of(measure));
        let sums = self.unknowns.iter().map(|atoms| atoms.iter().map(of).sum::<u128>());
        sums.map(|sum| i128::try_from(sum).unwrap_or(i128::MAX)).collect()
    }
}

/// Figures that all unknowns could have.
struct Points<'a> {
    sums: &'a [(u32, Vec<u32>)],
    /// By cell: what lies in atoms that are known.
    known: Vec<i128>,
    all: Vec<Vec<i128>>,
}

impl<'a> Points<'a> {
    fn new(universe: &Universe, part: &'a Part, measure: Measure, figures: &[i128]) -> Self {
        let mut points = Self { sums: &part.cells, known: vec![0; part.cells.len()], all: vec![figures.to_vec()] };
        let known = |(place, (cell, _)): (usize, &(u32, Vec<u32>))| {
            let figure = universe.cell(*cell).map_or(0, |cell| cell.figure(measure));
            figure.saturating_sub(points.interval(place).least)
        };
        points.known = part.cells.iter().enumerate().map(known).collect();
        points
    }

    fn interval(&self, cell: usize) -> Interval {
        let known = self.known.get(cell).copied().unwrap_or(0);
        let sum = |point: &Vec<i128>| {
            let unknowns = self.sums.get(cell).map(|(_, sum)| sum.as_slice()).unwrap_or_default();
            let figures = unknowns.iter().filter_map(|unknown| point.get(*unknown as usize));
            figures.fold(known, |sum, figure| sum.saturating_add(*figure))
        };
        let (least, most) = (self.all.iter().map(sum).min(), self.all.iter().map(sum).max());
        Interval { least: least.unwrap_or(0), most: most.unwrap_or(0) }
    }

    /// Looks for figures that make the cell's interval as wide as it must be; returns what is missing.
    fn widen(&mut self, cell: usize, need: Need, program: &Program<'_>, goal: Option<&Sum>) -> i128 {
        let lowered = |goal: &Sum| goal.iter().map(|(one, by)| Some((*one, by.negative()?))).collect::<Option<Sum>>();
        // Twice: a point between whole numbers falls short of what was asked for, so the second time more is.
        for times in [1, 1 << 20] {
            for up in [true, false] {
                let (below, above) = need.missing(self.interval(cell));
                let missing = if up { above } else { below };
                let way = goal.and_then(|goal| if up { Some(goal.clone()) } else { lowered(goal) });
                let way = way.filter(|_| missing > 0);
                if let Some(point) = way.and_then(|way| program.raise(way, missing.saturating_mul(times))) {
                    self.all.push(point.into_iter().take(self.all.first().map_or(0, Vec::len)).collect());
                }
            }
        }
        let (below, above) = need.missing(self.interval(cell));
        below.max(above).max(0)
    }
}

/// How far a figure must possibly lie from what it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    figure: i128,
    /// On each side.
    beside: i128,
    /// Between both ends.
    between: i128,
}

impl Need {
    pub(crate) fn of(cell: &Cell, rules: &Rules, measure: Measure) -> Self {
        let figure = cell.figure(measure);
        // A count of one has no room below it.
        let beside = if cell.guarded && measure != Measure::Count { rules.width(figure) } else { 0 };
        Self { figure, beside, between: figure.min(1) }
    }

    /// What is missing below and above.
    pub(crate) fn missing(self, interval: Interval) -> (i128, i128) {
        let between = self.between.saturating_sub(interval.most.saturating_sub(interval.least));
        let below = self.beside.saturating_sub(self.figure.saturating_sub(interval.least));
        let above = self.beside.saturating_sub(interval.most.saturating_sub(self.figure));
        (below.max(between), above.max(between))
    }

    fn new(universe: &Universe, rules: &Rules, part: &Part, place: usize, measure: Measure) -> Self {
        let cell = part.cells.get(place).and_then(|(cell, _)| universe.cell(*cell));
        cell.map_or(Self { figure: 0, beside: 0, between: 0 }, |cell| Self::of(cell, rules, measure))
    }
}

/// The change of a sum of unknowns by the free ones.
fn goal(rows: &BTreeMap<u32, Sum>, unknowns: &[u32]) -> Option<Sum> {
    let mut goal = Sum::new();
    for unknown in unknowns {
        match rows.get(unknown) {
            Some(row) => add(&mut goal, row, Fraction::ONE)?,
            None => add(&mut goal, &Sum::from([(*unknown, Fraction::ONE)]), Fraction::ONE)?,
        }
    }
    Some(goal)
}

/// Unknowns are not below zero; for counts each withheld cell is one more unknown, with what everybody knows it has as its floor.
fn program(
    universe: &Universe,
    rules: &Rules,
    part: &Part,
    solved: &BTreeMap<u32, Sum>,
    goals: &[Sum],
    measure: Measure,
    figures: &[i128],
) -> Program<'static> {
    let (mut rows, mut room) = (solved.clone(), figures.to_vec());
    if measure == Measure::Count {
        for ((cell, _), goal) in part.cells.iter().zip(goals) {
            let Some(cell) = universe.cell(*cell) else { continue };
            // What lies in atoms that are known does not count here.
            let known = cell.known_count(rules);
            rows.insert(u32::try_from(room.len()).unwrap_or(u32::MAX), goal.clone());
            room.push(cell.figure(Measure::Count).saturating_sub(known).max(0));
        }
    }
    Program::new(rows, &room)
}
