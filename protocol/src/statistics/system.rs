//! The linear system of what is published, in parts that have nothing to do with one another.
//!
//! Unknown is how much each atom has. Each published cell is an equation. An equation whose cell is the sum of parts of which some are
//! published becomes the equation of the others, which says the same; atoms that are thereby known drop out; atoms that stand in the
//! same equations and in the same withheld cells are one unknown.

use std::collections::{BTreeMap, HashMap};

use super::fraction::Fraction;
use super::universe::Universe;

/// A sum of unknowns with factors. No factor is zero.
pub(crate) type Sum = BTreeMap<u32, Fraction>;

/// A part of the system that can be looked at alone.
#[derive(Debug)]
pub(crate) struct Part {
    /// Atoms of each unknown.
    pub(crate) unknowns: Vec<Vec<u32>>,
    /// Unknowns of each equation.
    pub(crate) equations: Vec<Vec<u32>>,
    /// Withheld cells, and the unknowns of each.
    pub(crate) cells: Vec<(u32, Vec<u32>)>,
}

/// The part in which a withheld cell lies; nothing where all of it is known.
pub(crate) fn part(universe: &Universe, focus: u32) -> Option<Part> {
    let (known, equations) = peel(universe.atoms.len(), equations(universe));
    let unknown = |atoms: &[u32]| -> Vec<u32> {
        atoms.iter().copied().filter(|atom| !known.get(*atom as usize).copied().unwrap_or(true)).collect()
    };
    let withheld = (0_u32..).zip(&universe.cells).filter(|(_, cell)| cell.is_withheld());
    let mut withheld: Vec<_> = withheld.map(|(number, cell)| (number, unknown(&cell.atoms))).collect();
    withheld.retain(|(_, atoms)| !atoms.is_empty());

    let mut sets = Sets::new(universe.atoms.len());
    for atoms in equations.iter().chain(withheld.iter().map(|(_, atoms)| atoms)) {
        atoms.windows(2).for_each(|pair| sets.join(pair));
    }
    let (_, atoms) = withheld.iter().find(|(cell, _)| *cell == focus)?;
    let root = sets.root(*atoms.first()?);
    let mut inside = |atoms: &[u32]| atoms.first().is_some_and(|first| sets.root(*first) == root);
    withheld.retain(|(_, atoms)| inside(atoms));
    let equations = equations.into_iter().filter(|atoms| inside(atoms)).collect();
    Some(Part::new(equations, withheld))
}

impl Part {
    fn new(equations: Vec<Vec<u32>>, cells: Vec<(u32, Vec<u32>)>) -> Self {
        let mut stands = BTreeMap::<u32, Vec<usize>>::new();
        for (place, atoms) in equations.iter().chain(cells.iter().map(|(_, atoms)| atoms)).enumerate() {
            atoms.iter().for_each(|atom| stands.entry(*atom).or_default().push(place));
        }
        let (mut alike, mut unknowns) = (HashMap::<Vec<usize>, u32>::new(), Vec::<Vec<u32>>::new());
        let mut places = vec![Vec::new(); equations.len() + cells.len()];
        for (atom, stands) in stands {
            match alike.get(&stands).and_then(|unknown| unknowns.get_mut(*unknown as usize)) {
                Some(atoms) => atoms.push(atom),
                None => {
                    let unknown = u32::try_from(unknowns.len()).unwrap_or(u32::MAX);
                    unknowns.push(vec![atom]);
                    for place in &stands {
                        if let Some(sum) = places.get_mut(*place) {
                            sum.push(unknown);
                        }
                    }
                    alike.insert(stands, unknown);
                }
            }
        }
        let sums = places.split_off(equations.len());
        Self { unknowns, equations: places, cells: cells.into_iter().map(|(cell, _)| cell).zip(sums).collect() }
    }

    /// Solves the equations for as many unknowns as they determine by the others: each change of such an unknown as a sum of changes of
    /// free ones. Nothing where a number does not fit 128 bits.
    pub(crate) fn solve(&self) -> Option<BTreeMap<u32, Sum>> {
        // Each row says: the unknown and this sum of free ones change by nothing together.
        let mut rows = BTreeMap::<u32, Sum>::new();
        // By free unknown: the rows in which it stands, or once stood.
        let mut stands = HashMap::<u32, Vec<u32>>::new();
        for equation in &self.equations {
            let mut sum: Sum = equation.iter().map(|unknown| (*unknown, Fraction::ONE)).collect();
            for unknown in equation {
                if let Some(row) = rows.get(unknown) {
                    let factor = sum.remove(unknown)?;
                    add(&mut sum, row, factor.negative()?)?;
                }
            }
            // The one that stands in the fewest rows, so that few of them change.
            let rare = |unknown: &u32| (stands.get(unknown).map_or(0, Vec::len), *unknown);
            let Some((pivot, factor)) =
                sum.iter().min_by_key(|(unknown, _)| rare(unknown)).map(|(one, by)| (*one, *by))
            else {
                continue;
            };
            sum.remove(&pivot);
            for value in sum.values_mut() {
                *value = value.over(factor)?;
            }
            for row in stands.remove(&pivot).unwrap_or_default() {
                let Some(factor) = rows.get_mut(&row).and_then(|row| row.remove(&pivot)) else { continue };
                add(rows.get_mut(&row)?, &sum, factor.negative()?)?;
                sum.keys().for_each(|free| stands.entry(*free).or_default().push(row));
            }
            sum.keys().for_each(|free| stands.entry(*free).or_default().push(pivot));
            rows.insert(pivot, sum);
        }
        for value in rows.values_mut().flat_map(BTreeMap::values_mut) {
            *value = value.negative()?;
        }
        Some(rows)
    }
}

/// Adds `factor` times `other`.
pub(crate) fn add(sum: &mut Sum, other: &Sum, factor: Fraction) -> Option<()> {
    for (unknown, value) in other {
        let more = value.times(factor)?;
        let value = sum.entry(*unknown).or_insert(Fraction::ZERO);
        *value = value.plus(more)?;
        if value.is_zero() {
            sum.remove(unknown);
        }
    }
    Some(())
}

/// The atoms of each equation. A cell all of whose parts along one dimension are published says nothing new.
fn equations(universe: &Universe) -> Vec<Vec<u32>> {
    let mut equations = Vec::new();
    for (number, cell) in (0_u32..).zip(&universe.cells).filter(|(_, cell)| cell.is_published()) {
        let wholes = universe.relations_of(number).filter(|relation| relation.whole == number);
        let withheld = wholes.map(|relation| {
            let parts = relation.parts.iter().filter_map(|part| universe.cell(*part));
            let atoms = parts.filter(|part| part.is_withheld()).flat_map(|part| part.atoms.iter().copied());
            atoms.collect::<Vec<_>>()
        });
        match withheld.min_by_key(Vec::len) {
            Some(atoms) if atoms.is_empty() => {}
            Some(mut atoms) => {
                atoms.sort_unstable();
                equations.push(atoms);
            }
            None => equations.push(cell.atoms.clone()),
        }
    }
    equations.sort_unstable();
    equations.dedup();
    equations
}

/// Which atoms are known because they are the last unknown one of an equation, and the other equations without them.
fn peel(atoms: usize, equations: Vec<Vec<u32>>) -> (Vec<bool>, Vec<Vec<u32>>) {
    let mut stands = vec![Vec::new(); atoms];
    for (place, equation) in equations.iter().enumerate() {
        for atom in equation {
            if let Some(stands) = stands.get_mut(*atom as usize) {
                stands.push(place);
            }
        }
    }
    let mut left: Vec<_> = equations.iter().map(Vec::len).collect();
    let mut known = vec![false; atoms];
    let mut ready: Vec<_> = (0..equations.len()).filter(|place| left.get(*place) == Some(&1)).collect();
    while let Some(place) = ready.pop() {
        let last =
            equations.get(place).and_then(|sum| sum.iter().find(|atom| known.get(**atom as usize) == Some(&false)));
        let Some(atom) = last.map(|atom| *atom as usize) else { continue };
        if let Some(known) = known.get_mut(atom) {
            *known = true;
        }
        for place in stands.get(atom).into_iter().flatten() {
            if let Some(left) = left.get_mut(*place) {
                *left -= 1;
                if *left == 1 {
                    ready.push(*place);
                }
            }
        }
    }
    let others = equations.into_iter().map(|mut equation| {
        equation.retain(|atom| known.get(*atom as usize) == Some(&false));
        equation
    });
    let others = others.filter(|equation| !equation.is_empty()).collect();
    (known, others)
}

/// Disjoint sets.
struct Sets(Vec<u32>);

impl Sets {
    fn new(count: usize) -> Self {
        Self((0..u32::try_from(count).unwrap_or(u32::MAX)).collect())
    }

    fn root(&mut self, mut one: u32) -> u32 {
        loop {
            let above = self.above(one);
            if above == one {
                return one;
            }
            let next = self.above(above);
            if let Some(place) = self.0.get_mut(one as usize) {
                *place = next;
            }
            one = next;
        }
    }

    fn join(&mut self, pair: &[u32]) {
        if let [one, other] = pair {
            let (one, other) = (self.root(*one), self.root(*other));
            if let Some(place) = self.0.get_mut(one.max(other) as usize) {
                *place = one.min(other);
            }
        }
    }

    fn above(&self, one: u32) -> u32 {
        self.0.get(one as usize).copied().unwrap_or(one)
    }
}
