//! Where atoms lie: which differ from one another in one dimension alone, and in which cells each of them counts.

use std::collections::HashMap;

use super::cell::{DIMENSIONS, Dimension, Key};
use super::universe::Universe;

/// The atoms of a universe by their places.
#[derive(Debug)]
pub(crate) struct Lattice {
    places: Vec<Key>,
    /// By atom, by dimension: its line.
    line_of: Vec<[u32; DIMENSIONS]>,
    /// The atoms that differ in one dimension alone, with their nodes in it, ascending.
    lines: Vec<Vec<(u32, u32)>>,
    /// By atom: the cells in which it counts.
    cells: Vec<Vec<u32>>,
    /// By atom: a cell that it is by itself.
    alone: Vec<Option<u32>>,
}

impl Lattice {
    pub(crate) fn new(universe: &Universe) -> Self {
        let places = universe.places.clone();
        let (mut line_of, mut lines) = (vec![[0; DIMENSIONS]; places.len()], Vec::<Vec<(u32, u32)>>::new());
        let mut known = HashMap::<(Dimension, Key), u32>::new();
        for ((atom, place), line_of) in (0_u32..).zip(&places).zip(&mut line_of) {
            for (dimension, line_of) in Dimension::ALL.iter().zip(line_of) {
                let line = *known.entry((*dimension, place.coarser(*dimension, 0))).or_insert_with(|| {
                    lines.push(Vec::new());
                    // Far below, see the limit of cells.
                    u32::try_from(lines.len() - 1).unwrap_or(u32::MAX)
                });
                *line_of = line;
                if let Some(line) = lines.get_mut(line as usize) {
                    line.push((place.node(*dimension), atom));
                }
            }
        }
        lines.iter_mut().for_each(|line| line.sort_unstable());
        let (mut cells, mut alone) = (vec![Vec::new(); places.len()], vec![None; places.len()]);
        for (number, cell) in (0_u32..).zip(&universe.cells) {
            for atom in &cell.atoms {
                if let Some(cells) = cells.get_mut(*atom as usize) {
                    cells.push(number);
                }
            }
        }
        for (number, cell) in (0_u32..).zip(&universe.cells) {
            if let [atom] = cell.atoms.as_slice()
                && let Some(alone) = alone.get_mut(*atom as usize)
            {
                *alone = Some(number);
            }
        }
        Self { places, line_of, lines, cells, alone }
    }

    /// The cells in which an atom counts.
    pub(crate) fn cells(&self, atom: u32) -> &[u32] {
        self.cells.get(atom as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// A cell that an atom is by itself.
    pub(crate) fn alone(&self, atom: u32) -> Option<u32> {
        self.alone.get(atom as usize).copied().flatten()
    }

    /// The atoms that differ from this one in a dimension alone, itself among them, by node.
    pub(crate) fn beside(&self, atom: u32, dimension: Dimension) -> &[(u32, u32)] {
        let line = self.line_of.get(atom as usize).and_then(|lines| lines.get(dimension as usize));
        line.and_then(|line| self.lines.get(*line as usize)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The atom that differs from this one by its node in a dimension alone.
    pub(crate) fn at(&self, atom: u32, dimension: Dimension, node: u32) -> Option<u32> {
        let line = self.beside(atom, dimension);
        let place = line.binary_search_by_key(&node, |(node, _)| *node).ok()?;
        line.get(place).map(|(_, atom)| *atom)
    }

    /// Its node in a dimension.
    pub(crate) fn node(&self, atom: u32, dimension: Dimension) -> u32 {
        self.places.get(atom as usize).map_or(0, |place| place.node(dimension))
    }
}
