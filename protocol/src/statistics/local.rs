//! Evidence by the simplex method, for what no single shift moves: among the unknown figures that hang together with a cell, where these
//! are few enough.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::fraction::Fraction;
use super::program::Program;
use super::rules::{Measure, Rules};
use super::shift::Way;
use super::system::{Part, Sum, add, part};
use super::universe::Universe;
use crate::limits::MAX_STATISTICS_UNKNOWNS;

/// Figures by which the cell's measure lies so far off, or as far as possible; nothing where there are none, or too many unknowns.
pub(crate) fn solve(universe: &Universe, rules: &Rules, cell: u32, measure: Measure, way: Way) -> Option<Evidence> {
    let part = part(universe, cell)?;
    if part.unknowns.len() > MAX_STATISTICS_UNKNOWNS {
        return None;
    }
    let rows = part.solve()?;
    let goals: Vec<_> = part.cells.iter().map(|(_, sum)| goal(&rows, sum)).collect::<Option<_>>()?;
    let goal = goals.get(part.cells.iter().position(|(one, _)| *one == cell)?)?;
    let figures = part.figures(universe, measure);
    let program = program(universe, rules, &part, &rows, &goals, measure, &figures);
    let lowered = || goal.iter().map(|(one, by)| Some((*one, by.negative()?))).collect::<Option<Sum>>();
    let ways = match way {
        Way::Up(by) => vec![(goal.clone(), by)],
        Way::Down(by) => vec![(lowered()?, by)],
        Way::Either => vec![(goal.clone(), 1), (lowered()?, 1)],
    };
    for (goal, enough) in ways.into_iter().filter(|(goal, _)| !goal.is_empty()) {
        // Twice: a point between whole numbers falls short of what was asked for, so the second time more is.
        for times in [1, 1 << 20] {
            let Some(point) = program.raise(goal.clone(), enough.saturating_mul(times)) else { continue };
            let evidence = part.evidence(universe, measure, &figures, &point)?;
            let sum = |atom: &(u32, i128)| universe.cell(cell).is_some_and(|cell| cell.atoms.contains(&atom.0));
            let moved: i128 = evidence.changes.iter().filter(|atom| sum(atom)).map(|(_, change)| change).sum();
            if moved.abs() >= enough {
                return Some(evidence);
            }
        }
    }
    None
}

impl Part {
    fn figures(&self, universe: &Universe, measure: Measure) -> Vec<i128> {
        let of = |atom: &u32| universe.atoms.get(*atom as usize).map_or(0, |sums| sums.of(measure));
        let sums = self.unknowns.iter().map(|atoms| atoms.iter().map(of).sum::<u128>());
        sums.map(|sum| i128::try_from(sum).unwrap_or(i128::MAX)).collect()
    }

    /// What unknowns change by, as changes of their atoms.
    fn evidence(&self, universe: &Universe, measure: Measure, from: &[i128], to: &[i128]) -> Option<Evidence> {
        let mut changes = Vec::new();
        for (atoms, (from, to)) in self.unknowns.iter().zip(from.iter().zip(to)) {
            let mut left = to.checked_sub(*from)?;
            for atom in atoms {
                // All that is more goes to the first, what is less is taken where there is something.
                let step = if left > 0 { left } else { left.max(universe.atom(*atom, measure)?.checked_neg()?) };
                if step != 0 {
                    changes.push((*atom, step));
                    left -= step;
                }
            }
        }
        Some(Evidence { measure, changes })
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
