//! Which cells are withheld for others' sake.
//!
//! Cell by cell, those that need most room first: where the evidence found so far is not enough, the cheapest shift is looked for that
//! moves the cell far enough in all measures at once, then one for each measure, then several small ones together. What a shift changes is
//! withheld with it, and needs evidence in its turn. A single atom's shift is always there, so that this ends with everything protected,
//! at worst with everything withheld; only where cells were published before can there be none. There the simplex method
//! looks among few unknowns, then more cells are withheld, at last cells that cannot be protected are shown. At the end each
//! cell that was withheld for others' sake comes back, the most valuable first, if all that leaned on it finds other evidence without
//! withholding more.
//!
//! Greedy, and always the same for the same input. Not here: the proof, see [`super::audit`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::DiscloseError;
use super::audit::{Interval, missing};
use super::evidence::{Changes, Evidence};
use super::lattice::Lattice;
use super::local;
use super::rules::{Measure, Rules};
use super::shift::{MEASURES, Search, Shift, Way, Wish, place};
use super::universe::{Cell, State, Universe};
use crate::limits::{
    MAX_STATISTICS_REVIEW_STEPS, MAX_STATISTICS_REVIEWED, MAX_STATISTICS_SOLVED, MAX_STATISTICS_STEPS,
};

/// Atoms of a cell about which shifts are looked for, those with the largest figures.
const BASES: usize = 2;
/// Small shifts that are put together for one cell's figure.
const PUSHES: usize = 1 << 12;

/// Withholds until each withheld cell is protected, and shows again what need not be withheld. Returns the evidence.
///
/// # Errors
/// [`DiscloseError::Exposed`], and [`DiscloseError::Effort`] where it takes more steps than allowed.
pub(crate) fn protect(universe: &mut Universe, rules: &Rules) -> Result<Vec<Evidence>, DiscloseError> {
    let mut work = Work::new(universe, rules);
    work.run()?;
    work.show_again()?;
    Ok(work.evidence.into_iter().flatten().collect())
}

struct Work<'a> {
    universe: &'a mut Universe,
    rules: &'a Rules,
    lattice: Lattice,
    /// By atom: count, value, mass and duty; moved only while several shifts are put together.
    figures: Vec<[i128; 4]>,
    changes: Changes,
    /// What was found; gone where a cell is shown that it changes.
    evidence: Vec<Option<Evidence>>,
    /// By cell: the evidence that changes it.
    leaning: Vec<Vec<u32>>,
    /// By cell: what evidence shows.
    intervals: Vec<[Interval; 4]>,
    queue: VecDeque<u32>,
    steps: u64,
    solved: usize,
}

impl<'a> Work<'a> {
    fn new(universe: &'a mut Universe, rules: &'a Rules) -> Self {
        let lattice = Lattice::new(universe);
        let atoms = 0..u32::try_from(universe.atoms.len()).unwrap_or(u32::MAX);
        let figures = |atom| MEASURES.map(|measure| universe.atom(atom, measure).unwrap_or(0));
        let (figures, cells) = (atoms.map(figures).collect(), universe.cells.len());
        let mut queue: Vec<_> =
            (0_u32..).zip(&universe.cells).filter(|(_, cell)| cell.is_withheld()).map(|(number, _)| number).collect();
        queue.sort_by_key(|cell| {
            (std::cmp::Reverse(universe.cell(*cell).map(|cell| (cell.guarded, cell.sums.value))), *cell)
        });
        let intervals = universe.cells.iter().map(Interval::of).collect();
        Self {
            rules,
            lattice,
            figures,
            changes: Changes::of(cells),
            evidence: Vec::new(),
            leaning: vec![Vec::new(); cells],
            intervals,
            queue: queue.into(),
            steps: 0,
            solved: 0,
            universe,
        }
    }

    fn run(&mut self) -> Result<(), DiscloseError> {
        while let Some(cell) = self.queue.pop_front() {
            if !self.secure(cell, false)? {
                self.unblock(cell)?;
            }
        }
        Ok(())
    }

    /// Finds evidence for all that a cell lacks; whether there was some. With `free_only`, nothing more is withheld for it.
    fn secure(&mut self, cell: u32, free_only: bool) -> Result<bool, DiscloseError> {
        let wishes = self.missing(cell);
        if wishes.is_empty() {
            return Ok(true);
        }
        if let Some(shift) = self.find(cell, &wishes, free_only)? {
            self.take(&shift, &wishes);
        }
        for wish in self.missing(cell) {
            let open = |work: &Self| work.missing(cell).contains(&wish);
            if open(self)
                && let Some(shift) = self.find(cell, &[wish], free_only)?
            {
                self.take(&shift, &[wish]);
            }
            if open(self) && wish.way != Way::Either {
                self.add_up(cell, wish, free_only)?;
            }
        }
        Ok(self.missing(cell).is_empty())
    }

    fn missing(&self, cell: u32) -> Vec<Wish> {
        match (self.universe.cell(cell), self.intervals.get(cell as usize)) {
            (Some(cell), Some(intervals)) if cell.is_withheld() => missing(cell, self.rules, intervals),
            _ => Vec::new(),
        }
    }

    fn find(&mut self, cell: u32, wishes: &[Wish], free_only: bool) -> Result<Option<Shift>, DiscloseError> {
        let bases = self.bases(cell, wishes);
        let (universe, lattice) = (&*self.universe, &self.lattice);
        let mut search = Search::new(universe, self.rules, lattice, &self.figures, &mut self.changes, (cell, wishes));
        // First without cost, which is quicker looked for.
        let passes: &[bool] = if free_only { &[true] } else { &[true, false] };
        for free_only in passes {
            search.free_only = *free_only;
            for atom in &bases {
                search.about(*atom);
                if search.is_free() {
                    break;
                }
            }
            if search.is_free() {
                break;
            }
        }
        self.steps += search.steps;
        let best = search.best;
        match self.steps > MAX_STATISTICS_STEPS {
            true => Err(DiscloseError::Effort),
            false => Ok(best),
        }
    }

    /// The atoms with most of what is sought.
    fn bases(&self, cell: u32, wishes: &[Wish]) -> Vec<u32> {
        let measure = wishes.first().map_or(Measure::Value, |wish| wish.measure);
        let mut atoms = self.universe.cell(cell).map(|cell| cell.atoms.clone()).unwrap_or_default();
        let figure = |atom: &u32| self.figures.get(*atom as usize).and_then(|figures| figures.get(place(measure)));
        atoms.sort_by_key(|atom| (std::cmp::Reverse(figure(atom).copied()), *atom));
        atoms.truncate(BASES);
        atoms
    }

    /// Withholds what a shift changes, and keeps the evidence that it gives for the wishes.
    fn take(&mut self, shift: &Shift, wishes: &[Wish]) {
        self.withhold(&shift.withhold);
        for wish in wishes {
            let steps: &[i128] = match wish.way {
                Way::Up(by) => &[by],
                Way::Down(by) => &[-by],
                Way::Either => &[1, -1],
            };
            for step in steps {
                let change = |(atom, falls): &(u32, bool)| (*atom, if *falls { -step } else { *step });
                let changes = shift.corners.iter().map(change).collect();
                if self.keep(Evidence { measure: wish.measure, changes }) {
                    break;
                }
            }
        }
    }

    /// Puts small shifts together until one figure of a cell lies far enough off.
    fn add_up(&mut self, cell: u32, wish: Wish, free_only: bool) -> Result<(), DiscloseError> {
        let (up, mut left) = match wish.way {
            Way::Up(by) => (true, by),
            Way::Down(by) => (false, by),
            Way::Either => return Ok(()),
        };
        let mut all = BTreeMap::<u32, i128>::new();
        for _ in 0..PUSHES {
            let Some((shift, step)) = self.push(cell, (wish.measure, up), left, free_only)? else { break };
            self.withhold(&shift.withhold);
            for (atom, falls) in &shift.corners {
                let change = if *falls == up { -step } else { step };
                self.move_by(*atom, wish.measure, change);
                *all.entry(*atom).or_default() += change;
            }
            left -= step;
            if left <= 0 {
                break;
            }
        }
        all.iter().for_each(|(atom, change)| self.move_by(*atom, wish.measure, -change));
        let changes = all.into_iter().filter(|(_, change)| *change != 0).collect();
        self.keep(Evidence { measure: wish.measure, changes });
        Ok(())
    }

    /// One more small shift: the cheapest that gives all that is left, or half of it, and so on.
    fn push(
        &mut self,
        cell: u32,
        (measure, up): (Measure, bool),
        left: i128,
        free_only: bool,
    ) -> Result<Option<(Shift, i128)>, DiscloseError> {
        for halves in [0, 1, 2, 3, 5, 8, 127] {
            let by = (left >> halves).max(1);
            let wish = Wish { measure, way: if up { Way::Up(by) } else { Way::Down(by) } };
            if let Some(shift) = self.find(cell, &[wish], free_only)? {
                let figure =
                    |atom: u32| self.figures.get(atom as usize).and_then(|figures| figures.get(place(measure)));
                let giving =
                    shift.corners.iter().filter(|(_, falls)| *falls == up).filter_map(|(atom, _)| figure(*atom));
                let step = giving.copied().min().unwrap_or(left).min(left);
                return Ok(Some((shift, step)));
            }
            if by == 1 {
                break;
            }
        }
        Ok(None)
    }

    fn move_by(&mut self, atom: u32, measure: Measure, change: i128) {
        if let Some(figure) = self.figures.get_mut(atom as usize).and_then(|figures| figures.get_mut(place(measure))) {
            *figure += change;
        }
    }

    /// Keeps evidence, if it is some.
    fn keep(&mut self, evidence: Evidence) -> bool {
        let number = u32::try_from(self.evidence.len()).unwrap_or(u32::MAX);
        let Some(shown) = evidence.shows(self.universe, self.rules, &self.lattice, &mut self.changes) else {
            return false;
        };
        for (cell, change) in shown {
            let place = place(evidence.measure);
            let interval = self.intervals.get_mut(*cell as usize).and_then(|intervals| intervals.get_mut(place));
            if let (Some(interval), Some(cell)) = (interval, self.universe.cell(*cell)) {
                interval.widen(cell.figure(evidence.measure).saturating_add(*change));
            }
            if let Some(leaning) = self.leaning.get_mut(*cell as usize) {
                leaning.push(number);
            }
        }
        let some = !shown.is_empty();
        self.evidence.push(Some(evidence));
        some
    }

    fn withhold(&mut self, cells: &[u32]) {
        for cell in cells {
            // What is guarded is withheld for its own sake from the beginning.
            self.set(*cell, State::Secondary);
            self.queue.push_back(*cell);
        }
    }

    fn set(&mut self, cell: u32, state: State) {
        if let Some(cell) = self.universe.cells.get_mut(cell as usize) {
            cell.state = state;
        }
    }

    /// What to do where no shift protects a cell: solve, withhold more, or show it.
    fn unblock(&mut self, cell: u32) -> Result<(), DiscloseError> {
        let mut open = false;
        for wish in self.missing(cell) {
            self.solved += 1;
            if self.solved > MAX_STATISTICS_SOLVED {
                return Err(DiscloseError::Effort);
            }
            let found = local::solve(self.universe, self.rules, cell, wish.measure, wish.way);
            open |= !found.is_some_and(|evidence| self.keep(evidence));
        }
        if !open {
            return Ok(());
        }
        if let Some(more) = self.universe.cheapest_near(cell) {
            self.withhold(&[more]);
            self.queue.push_front(cell);
            return Ok(());
        }
        let Some(one) = self.universe.cell(cell) else { return Ok(()) };
        if one.state != State::Secondary || !one.free {
            return Err(DiscloseError::Exposed { cell: one.key });
        }
        self.show(cell);
        if let Some(cell) = self.universe.cells.get_mut(cell as usize) {
            cell.free = false;
        }
        Ok(())
    }

    /// Shows a cell, and takes back the evidence that changes it. What lacks evidence then comes into the queue.
    fn show(&mut self, cell: u32) -> Vec<(u32, Evidence)> {
        self.set(cell, State::Published);
        let numbers = self.leaning.get(cell as usize).cloned().unwrap_or_default();
        let mut gone = Vec::new();
        for number in numbers {
            if let Some(evidence) = self.evidence.get_mut(number as usize).and_then(Option::take) {
                gone.push((number, evidence));
            }
        }
        let mut cells = BTreeSet::new();
        for (_, evidence) in &gone {
            evidence.changes.iter().for_each(|(atom, _)| cells.extend(self.lattice.cells(*atom)));
        }
        for cell in cells {
            self.look_again(cell);
            if !self.missing(cell).is_empty() {
                self.queue.push_back(cell);
            }
        }
        gone
    }

    /// Makes a cell's intervals again from the evidence that is left.
    fn look_again(&mut self, number: u32) {
        let Some(cell) = self.universe.cell(number) else { return };
        let mut intervals = Interval::of(cell);
        let leaning = self.leaning.get_mut(number as usize);
        for evidence in leaning.into_iter().flat_map(|leaning| {
            leaning.retain(|number| self.evidence.get(*number as usize).is_some_and(Option::is_some));
            leaning.iter()
        }) {
            let Some(Some(evidence)) = self.evidence.get(*evidence as usize) else { continue };
            let inside = evidence.changes.iter().filter(|(atom, _)| cell.atoms.binary_search(atom).is_ok());
            let change: i128 = inside.map(|(_, change)| change).sum();
            if let Some(interval) = intervals.get_mut(place(evidence.measure)) {
                interval.widen(cell.figure(evidence.measure).saturating_add(change));
            }
        }
        if let Some(all) = self.intervals.get_mut(number as usize) {
            *all = intervals;
        }
    }

    /// Shows again, the most valuable first, what need not be withheld.
    fn show_again(&mut self) -> Result<(), DiscloseError> {
        let secondary = |cell: &Cell| cell.state == State::Secondary && cell.free;
        let numbered =
            (0_u32..).zip(&self.universe.cells).filter(|(_, cell)| secondary(cell)).map(|(number, _)| number);
        let mut order: Vec<_> = numbered.collect();
        order.sort_by_key(|cell| std::cmp::Reverse((self.universe.cell(*cell).map(|cell| cell.sums.value), *cell)));
        let most = self.steps.saturating_add(MAX_STATISTICS_REVIEW_STEPS);
        for cell in order {
            if self.steps > most {
                break;
            }
            let leaning = self.leaning.get(cell as usize).map_or(0, Vec::len);
            if leaning > MAX_STATISTICS_REVIEWED {
                continue;
            }
            let first_new = self.evidence.len();
            let gone = self.show(cell);
            let mut holds = true;
            while let Some(next) = self.queue.pop_front() {
                holds = holds && self.secure(next, true)?;
            }
            if !holds {
                self.bring_back(cell, first_new, gone);
            }
        }
        Ok(())
    }

    /// Withholds a cell again, with the evidence that there was.
    fn bring_back(&mut self, cell: u32, first_new: usize, gone: Vec<(u32, Evidence)>) {
        self.set(cell, State::Secondary);
        let mut cells = BTreeSet::new();
        for evidence in self.evidence.drain(first_new..).flatten() {
            evidence.changes.iter().for_each(|(atom, _)| cells.extend(self.lattice.cells(*atom)));
        }
        for (number, evidence) in gone {
            if let Some(shown) = evidence.shows(self.universe, self.rules, &self.lattice, &mut self.changes) {
                for (cell, _) in shown {
                    if let Some(leaning) = self.leaning.get_mut(*cell as usize).filter(|all| !all.contains(&number)) {
                        leaning.push(number);
                    }
                }
            }
            evidence.changes.iter().for_each(|(atom, _)| cells.extend(self.lattice.cells(*atom)));
            if let Some(place) = self.evidence.get_mut(number as usize) {
                *place = Some(evidence);
            }
        }
        cells.into_iter().for_each(|cell| self.look_again(cell));
    }
}

impl Universe {
    /// The cheapest cell that may still be withheld and stands in a sum with this one, or else has an atom in common with it.
    fn cheapest_near(&self, cell: u32) -> Option<u32> {
        let may = |number: &u32| self.cell(*number).is_some_and(|cell| cell.is_published() && cell.free);
        let cost = |number: &u32| (self.cell(*number).map(|cell| (cell.sums.value, cell.sums.count)), *number);
        let near = self.relations_of(cell).flat_map(|relation| relation.members()).filter(may).min_by_key(cost);
        near.or_else(|| {
            let atoms = self.cell(cell).map(|cell| cell.atoms.as_slice()).unwrap_or_default();
            let shares = |other: &Cell| other.atoms.iter().any(|atom| atoms.binary_search(atom).is_ok());
            let sharing = (0_u32..).zip(&self.cells).filter(|(_, other)| shares(other)).map(|(number, _)| number);
            sharing.filter(may).min_by_key(cost)
        })
    }
}
