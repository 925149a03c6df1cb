//! The facts of a statistician: what is added, what is taken away again, and the sums by place and party.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::cell::{Key, Table};
use super::fact::{Fact, Month, Place, Role};
use super::rules::{Measure, Rules, Sensitive};
use crate::limits::{MAX_STATISTICS_GROUPS, MAX_STATISTICS_PARTIES};

/// Sums of items, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Items.
    pub count: u128,
    /// Their value, in minor units.
    pub value: u128,
    /// Their mass, in grams.
    pub mass: u128,
    /// Their duty and tax, in minor units.
    pub duty: u128,
}

impl Sums {
    /// One of the four.
    pub fn of(&self, measure: Measure) -> u128 {
        match measure {
            Measure::Count => self.count,
            Measure::Value => self.value,
            Measure::Mass => self.mass,
            Measure::Duty => self.duty,
        }
    }

    /// Both together. Sixty-four bits of each of 2^64 items fit, so that nothing overflows that memory holds.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            value: self.value.saturating_add(other.value),
            mass: self.mass.saturating_add(other.mass),
            duty: self.duty.saturating_add(other.duty),
        }
    }

    pub(crate) fn minus(self, other: Self) -> Option<Self> {
        let left = Self {
            count: self.count.checked_sub(other.count)?,
            value: self.value.checked_sub(other.value)?,
            mass: self.mass.checked_sub(other.mass)?,
            duty: self.duty.checked_sub(other.duty)?,
        };
        (left.count > 0 || left == Self::default()).then_some(left)
    }
}

impl From<&Fact> for Sums {
    fn from(fact: &Fact) -> Self {
        Self { count: 1, value: fact.value.into(), mass: fact.mass.into(), duty: fact.duty.into() }
    }
}

/// Why a fact was refused; nothing changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// Taken away, but never added.
    #[error("an item of {} from {} to {} under {} is taken away that was not added, or not with these figures and parties\nhint: take away exactly what was added", .0.month, .0.origin, .0.destination, .0.heading)]
    NotThere(Place),
    /// There is no room.
    #[error("there are more {what} than the {limit} that statistics hold\nhint: count fewer months at once")]
    Full {
        /// What.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
}

/// Everything that is counted: sums by place and parties. Single items are not kept.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    names: HashMap<Arc<str>, u32>,
    places: BTreeMap<Place, BTreeMap<[u32; 3], Sums>>,
    groups: usize,
}

impl Facts {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts an item.
    ///
    /// # Errors
    /// [`FactsError::Full`].
    pub fn add(&mut self, fact: &Fact) -> Result<(), FactsError> {
        self.add_sums(&fact.place, &fact.parties, Sums::from(fact))
    }

    /// Counts items of one place and the same parties that are added up already; none where their count is zero.
    ///
    /// # Errors
    /// [`FactsError::Full`].
    pub fn add_sums(&mut self, place: &Place, parties: &[Option<Arc<str>>; 3], more: Sums) -> Result<(), FactsError> {
        if more.count == 0 {
            return Ok(());
        }
        let new = parties.iter().flatten().filter(|name| !self.names.contains_key(*name)).count();
        if self.names.len() + new > MAX_STATISTICS_PARTIES {
            return Err(FactsError::Full { what: "parties", limit: MAX_STATISTICS_PARTIES });
        }
        let known = self
            .parties(parties)
            .is_some_and(|parties| self.places.get(place).is_some_and(|groups| groups.contains_key(&parties)));
        if !known && self.groups >= MAX_STATISTICS_GROUPS {
            return Err(FactsError::Full { what: "combinations of place and parties", limit: MAX_STATISTICS_GROUPS });
        }
        for name in parties.iter().flatten() {
            // The number 0 is whoever is not named.
            let number = u32::try_from(self.names.len() + 1).unwrap_or(u32::MAX);
            self.names.entry(name.clone()).or_insert(number);
        }
        let Some(parties) = self.parties(parties) else { return Err(FactsError::NotThere(*place)) };
        let sums = self.places.entry(*place).or_default().entry(parties).or_default();
        *sums = sums.plus(more);
        self.groups += usize::from(!known);
        Ok(())
    }

    /// Takes an item away again: the first half of a correction, whose second half adds the right one. Months of which something is
    /// published change no more, see [`super::DiscloseError::Revised`].
    ///
    /// # Errors
    /// [`FactsError::NotThere`] where no such item can have been added.
    pub fn take(&mut self, fact: &Fact) -> Result<(), FactsError> {
        let refused = || FactsError::NotThere(fact.place);
        let parties = self.parties(&fact.parties).ok_or_else(refused)?;
        let groups = self.places.get_mut(&fact.place).ok_or_else(refused)?;
        let sums = groups.get_mut(&parties).ok_or_else(refused)?;
        *sums = sums.minus(Sums::from(fact)).ok_or_else(refused)?;
        if sums.count == 0 {
            groups.remove(&parties);
            self.groups -= 1;
            if groups.is_empty() {
                self.places.remove(&fact.place);
            }
        }
        Ok(())
    }

    /// The cells of a table over the months `from` to `to`, nothing withheld: for whoever may see all.
    pub fn aggregate(&self, table: &Table, from: Month, to: Month) -> BTreeMap<Key, Sums> {
        let (combinations, mut cells) = (table.combinations(), BTreeMap::<Key, Sums>::new());
        for (place, groups) in self.between(from, to) {
            let sums = groups.values().fold(Sums::default(), |sum, more| sum.plus(*more));
            for levels in &combinations {
                let cell = cells.entry(Key::of(place, levels)).or_default();
                *cell = cell.plus(sums);
            }
        }
        cells
    }

    /// Places with what is counted there, of the months `from` to `to`.
    pub(crate) fn between(&self, from: Month, to: Month) -> impl Iterator<Item = (&Place, &BTreeMap<[u32; 3], Sums>)> {
        self.places.iter().filter(move |(place, _)| (from..=to).contains(&place.month))
    }

    fn parties(&self, parties: &[Option<Arc<str>>; 3]) -> Option<[u32; 3]> {
        let mut numbers = [0; 3];
        for (number, name) in numbers.iter_mut().zip(parties) {
            *number = name.as_ref().map_or(Some(0), |name| self.names.get(name).copied())?;
        }
        Some(numbers)
    }
}

/// Whether a cell that is made of these groups is sensitive by itself.
pub(crate) fn sensitive<'a>(
    rules: &Rules,
    groups: impl Iterator<Item = (&'a [u32; 3], &'a Sums)> + Clone,
) -> Option<Sensitive> {
    let count = groups.clone().map(|(_, sums)| sums.count).sum();
    // Rules ask for several measures of one role after another.
    let mut known: Option<(Role, Option<Sums>, Vec<Sums>)> = None;
    rules.sensitive(count, |role, measure| {
        let (_, unnamed, parties) = match known.take() {
            Some(same) if same.0 == role => known.insert(same),
            _ => {
                let (unnamed, parties) = by_party(role, groups.clone());
                known.insert((role, unnamed, parties))
            }
        };
        let mut shares: Vec<_> = parties.iter().map(|sums| sums.of(measure)).collect();
        shares.sort_unstable_by(|one, other| other.cmp(one));
        // Whom nobody names may be anybody, so the largest of those who are named.
        match (shares.first_mut(), unnamed) {
            (Some(largest), Some(unnamed)) => *largest = largest.saturating_add(unnamed.of(measure)),
            (None, Some(unnamed)) => shares.push(unnamed.of(measure)),
            (_, None) => {}
        }
        shares
    })
}

/// What those have in a role whom nobody names, and what each party has that is named.
fn by_party<'a>(role: Role, groups: impl Iterator<Item = (&'a [u32; 3], &'a Sums)>) -> (Option<Sums>, Vec<Sums>) {
    let place = Role::ALL.iter().position(|one| *one == role).unwrap_or_default();
    let mut parties = HashMap::<u32, Sums>::new();
    for (numbers, sums) in groups {
        let all = parties.entry(numbers.get(place).copied().unwrap_or_default()).or_default();
        *all = all.plus(*sums);
    }
    let unnamed = parties.remove(&0);
    (unnamed, parties.into_values().collect())
}
