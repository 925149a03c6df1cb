//! Evidence: figures that atoms could have as well, and what they show of cells.
//!
//! A set of whole figures for all atoms, none below zero, by which every published cell has the figure that is published, and every
//! withheld one at least as many items as everybody knows it to have, could be the truth for all that anybody can tell. Where a withheld
//! cell's figure is another one in it, the cell cannot be computed, whatever is computed; and how far it is from what it is, so far the
//! interval reaches at least in which an attacker finds it. No solver is needed to see that a set is such a one: each published cell's
//! changes add up to nothing, and no sum falls below its floor. Whoever made the evidence need not be trusted.

use super::lattice::Lattice;
use super::rules::{Measure, Rules};
use super::universe::Universe;

/// By how much figures of some atoms differ from what they are, in one measure; those of all others do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) measure: Measure,
    /// Each atom once, no change of zero.
    pub(crate) changes: Vec<(u32, i128)>,
}

impl Evidence {
    /// What it changes in cells, where it is possible, see above.
    pub(crate) fn shows<'a>(
        &self,
        universe: &Universe,
        rules: &Rules,
        lattice: &Lattice,
        changes: &'a mut Changes,
    ) -> Option<&'a [(u32, i128)]> {
        changes.clear();
        for (atom, change) in &self.changes {
            let figure = universe.atom(*atom, self.measure)?;
            if figure.checked_add(*change)? < 0 {
                return None;
            }
            changes.add(lattice.cells(*atom), *change)?;
        }
        for (number, change) in changes.settle() {
            let cell = universe.cell(*number)?;
            let floor = if self.measure == Measure::Count { cell.known_count(rules) } else { 0 };
            if cell.is_published() || cell.figure(self.measure).checked_add(*change)? < floor {
                return None;
            }
        }
        Some(&changes.found)
    }
}

/// Changes of cells, added up; kept for the next time because there are many cells.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    by_cell: Vec<i128>,
    touched: Vec<u32>,
    found: Vec<(u32, i128)>,
}

impl Changes {
    pub(crate) fn of(cells: usize) -> Self {
        Self { by_cell: vec![0; cells], touched: Vec::new(), found: Vec::new() }
    }

    pub(crate) fn clear(&mut self) {
        for cell in self.touched.drain(..) {
            if let Some(change) = self.by_cell.get_mut(cell as usize) {
                *change = 0;
            }
        }
        self.found.clear();
    }

    pub(crate) fn add(&mut self, cells: &[u32], by: i128) -> Option<()> {
        for cell in cells {
            let change = self.by_cell.get_mut(*cell as usize)?;
            if *change == 0 {
                self.touched.push(*cell);
            }
            *change = change.checked_add(by)?;
        }
        Some(())
    }

    /// What settling found last.
    pub(crate) fn found(&self) -> &[(u32, i128)] {
        &self.found
    }

    /// The cells that change, each once.
    pub(crate) fn settle(&mut self) -> &[(u32, i128)] {
        self.found.clear();
        for cell in &self.touched {
            if let Some(change) = self.by_cell.get_mut(*cell as usize).filter(|change| **change != 0) {
                self.found.push((*cell, *change));
                // A cell that was touched, came back to zero and was touched again stands here twice.
                *change = 0;
            }
        }
        self.touched.clear();
        &self.found
    }
}
