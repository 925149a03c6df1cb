//! Shifts: small patterns of atoms by which figures can be moved without a trace in what is published.
//!
//! One item more from Korea under chapter 61, one less under chapter 85; for Japan the other way round: no total changes. The corners of a
//! rectangle, with signs that alternate, and of a box in more dimensions, leave every sum alone that runs along one of its edges. Only
//! cells that hold unequal numbers of corners of both signs change, and these must be withheld. A box of fewer dimensions has fewer
//! corners and changes more totals; a single atom changes every cell that counts it, and is always there.
//!
//! Looked for is the cheapest box about an atom of a cell; the cost of those cells that would have to be withheld beside those that are.

use super::cell::Dimension;
use super::evidence::Changes;
use super::lattice::Lattice;
use super::rules::{Measure, Rules};
use super::universe::{Cell, Universe};

/// What a shift of a cell must be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) measure: Measure,
    pub(crate) way: Way,
}

/// Where to, and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Up(i128),
    Down(i128),
    /// Up or down by one.
    Either,
}

/// The corners of a box, each with whether it falls when the first one rises.
pub(crate) type Corners = Vec<(u32, bool)>;

/// What is lost by withholding: value, then items.
pub(crate) type Cost = (u128, u128);

/// A shift that was found.
#[derive(Debug, Clone)]
pub(crate) struct Shift {
    pub(crate) corners: Corners,
    /// Cells that must be withheld for it.
    pub(crate) withhold: Vec<u32>,
    pub(crate) cost: Cost,
}

/// Steps of a search about one atom, shared by the choices of dimensions along which boxes extend, at least so many for each.
const STEPS: u32 = 1 << 19;
const LEAST_STEPS: u32 = 1 << 12;
/// Steps that it takes to look at all cells of a box.
const LOOK: u32 = 1 << 5;

/// A search for the cheapest shift.
pub(crate) struct Search<'a> {
    pub(crate) universe: &'a Universe,
    pub(crate) rules: &'a Rules,
    pub(crate) lattice: &'a Lattice,
    /// By atom: count, value, mass and duty from which shifts start.
    pub(crate) figures: &'a [[i128; 4]],
    pub(crate) changes: &'a mut Changes,
    /// Whose figures are to move.
    pub(crate) target: u32,
    pub(crate) wishes: &'a [Wish],
    /// Whether nothing more may be withheld.
    pub(crate) free_only: bool,
    pub(crate) best: Option<Shift>,
    pub(crate) steps: u64,
    left: u32,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        universe: &'a Universe,
        rules: &'a Rules,
        lattice: &'a Lattice,
        figures: &'a [[i128; 4]],
        changes: &'a mut Changes,
        (target, wishes): (u32, &'a [Wish]),
    ) -> Self {
        let (best, steps, left) = (None, 0, 0);
        Self { universe, rules, lattice, figures, changes, target, wishes, free_only: false, best, steps, left }
    }

    /// Looks about this atom of the target, through boxes of all dimensions.
    pub(crate) fn about(&mut self, atom: u32) {
        let Some(first) = self.fits(atom, false) else { return };
        let Some(target) = self.universe.cell(self.target) else { return };
        let open = |dimension: &&Dimension| {
            target.key.level(**dimension) > 0 && self.lattice.beside(atom, **dimension).len() > 1
        };
        let dimensions: Vec<_> = Dimension::ALL.iter().filter(open).copied().collect();
        let mut choices: Vec<u32> = (0..1 << dimensions.len()).collect();
        choices.sort_by_key(|choice| (std::cmp::Reverse(choice.count_ones()), *choice));
        let share = (STEPS >> dimensions.len()).max(LEAST_STEPS);
        for choice in choices {
            let chosen = dimensions.iter().enumerate().filter(|(place, _)| choice >> place & 1 == 1);
            let chosen: Vec<_> = chosen.map(|(_, dimension)| *dimension).collect();
            self.left = share;
            self.extend(&chosen, &mut vec![(atom, false)], first);
            self.steps += u64::from(share - self.left);
            if self.is_free() {
                return;
            }
        }
    }

    /// Whether a shift was found for which nothing more is withheld.
    pub(crate) fn is_free(&self) -> bool {
        self.best.as_ref().is_some_and(|best| best.withhold.is_empty())
    }

    /// Doubles a box along each of these dimensions in every way. Its corners cost at least so much.
    fn extend(&mut self, dimensions: &[Dimension], corners: &mut Corners, least: Cost) {
        let Some((dimension, others)) = dimensions.split_first() else { return self.look(corners) };
        let (lattice, before) = (self.lattice, corners.len());
        let Some((base, _)) = corners.first().copied() else { return };
        let own = lattice.node(base, *dimension);
        for (node, beside) in lattice.beside(base, *dimension) {
            if self.left == 0 || self.is_free() {
                return;
            }
            self.left -= 1;
            if *node == own {
                continue;
            }
            let (mut all, most) = (least, self.most());
            for place in 0..before {
                let Some((corner, falls)) = corners.get(place).copied() else { break };
                let other = if place == 0 { Some(*beside) } else { lattice.at(corner, *dimension, *node) };
                let more = other.and_then(|other| Some((other, self.fits(other, !falls)?)));
                let Some((other, more)) = more else { break };
                all = sum(all, more);
                if all >= most {
                    break;
                }
                corners.push((other, !falls));
            }
            // What stays inside of the target changes nothing of it.
            let inside = || self.universe.cell(self.target).is_none_or(|cell| cell.atoms.binary_search(beside).is_ok());
            if corners.len() == 2 * before && !inside() {
                self.extend(others, corners, all);
            }
            corners.truncate(before);
        }
    }

    /// Whether an atom has enough to be a corner, and what it costs at least: the cell that it is by itself changes for certain.
    fn fits(&self, atom: u32, falls: bool) -> Option<Cost> {
        let fits = |wish: &Wish| match wish.way {
            Way::Up(by) => !falls || self.figure(atom, wish.measure) >= by,
            Way::Down(by) => falls || self.figure(atom, wish.measure) >= by,
            Way::Either => true,
        };
        let alone = self.lattice.alone(atom).and_then(|cell| self.universe.cell(cell));
        let least = match alone.filter(|cell| cell.is_published()) {
            Some(cell) if !cell.free => return None,
            Some(cell) => cost(cell),
            None => (0, 0),
        };
        (least < self.most() && self.wishes.iter().all(fits)).then_some(least)
    }

    /// What a shift may cost less than.
    fn most(&self) -> Cost {
        match &self.best {
            Some(best) => best.cost,
            None if self.free_only => (0, 1),
            None => (u128::MAX, u128::MAX),
        }
    }

    /// Looks at a box: what must be withheld for it, whether it serves, and whether it is cheaper than others.
    fn look(&mut self, corners: &Corners) {
        let most = self.most();
        self.left = self.left.saturating_sub(LOOK);
        self.changes.clear();
        for (atom, falls) in corners {
            if self.changes.add(self.lattice.cells(*atom), if *falls { -1 } else { 1 }).is_none() {
                return;
            }
        }
        let changed = self.changes.settle();
        if !changed.contains(&(self.target, 1)) {
            return;
        }
        let (mut all, mut withhold) = ((0, 0), Vec::new());
        for (number, _) in changed {
            let Some(cell) = self.universe.cell(*number) else { return };
            if cell.is_withheld() {
                continue;
            }
            all = sum(all, cost(cell));
            if !cell.free || all >= most {
                return;
            }
            withhold.push(*number);
        }
        if self.serves(corners) {
            self.best = Some(Shift { corners: corners.clone(), withhold, cost: all });
        }
    }

    /// Whether the wishes that can be met in either way are, and those of counts beside what is known of counts.
    fn serves(&self, corners: &Corners) -> bool {
        self.wishes.iter().filter(|wish| wish.way == Way::Either).all(|wish| {
            [true, false].into_iter().any(|up| {
                let atoms = corners
                    .iter()
                    .filter(|(_, falls)| *falls == up)
                    .all(|(atom, _)| self.figure(*atom, wish.measure) > 0);
                let floors = || {
                    self.changes.found().iter().filter(|(_, change)| (*change < 0) == up).all(|(number, change)| {
                        self.universe.cell(*number).is_some_and(|cell| {
                            cell.figure(Measure::Count) - change.abs() >= cell.known_count(self.rules)
                        })
                    })
                };
                atoms && (wish.measure != Measure::Count || floors())
            })
        })
    }

    fn figure(&self, atom: u32, measure: Measure) -> i128 {
        let figures = self.figures.get(atom as usize);
        figures.and_then(|figures| figures.get(place(measure))).copied().unwrap_or(0)
    }
}

/// The measures in the order of figures and intervals.
pub(crate) const MEASURES: [Measure; 4] = [Measure::Count, Measure::Value, Measure::Mass, Measure::Duty];

/// The place of a measure among the four.
pub(crate) fn place(measure: Measure) -> usize {
    MEASURES.iter().position(|one| *one == measure).unwrap_or(0)
}

fn cost(cell: &Cell) -> Cost {
    (cell.sums.value, cell.sums.count)
}

fn sum(one: Cost, other: Cost) -> Cost {
    (one.0.saturating_add(other.0), one.1.saturating_add(other.1))
}
