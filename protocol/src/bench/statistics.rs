//! Facts that a country could have in a month: few origins and chapters with most of the items, many with one or two.

use std::sync::Arc;

use super::numbers::Numbers;
use crate::names::CollectionModel;
use crate::statistics::{
    Dimension, Edition, Fact, Facts, FactsError, Figure, Flow, Heading, Mode, Month, Place, Table, Withheld,
};
use crate::time::Millis;

/// Items of the table that is measured where nothing else is asked for.
pub const ITEMS: u64 = 200_000;
/// Origins of these items.
const ORIGINS: u64 = 60;
const CHAPTERS: u64 = 97;
/// Headings of each chapter.
const HEADINGS: u64 = 4;
const PARTIES: u64 = 2_000;
/// Modes of transport: mail, air, sea.
const MODES: [u8; 3] = [5, 4, 1];
/// The first month, since year 0: January 2026.
const FIRST: u32 = 2026 * 12;

/// Facts, and the edition that is made of them: chapters by origin, mode and month, with all totals.
#[derive(Debug)]
pub struct SampleFacts {
    /// The facts.
    pub facts: Facts,
    /// What is to be published of them.
    pub edition: Edition,
}

/// What was published.
#[derive(Debug, Clone, Copy, Default)]
pub struct Withholding {
    /// Cells of all tables.
    pub cells: u64,
    /// Of them sensitive by themselves.
    pub primary: u64,
    /// Withheld for others' sake.
    pub secondary: u64,
    /// Of the value of all cells that of sensitive ones, in thousandths.
    pub primary_value: u64,
    /// That of those withheld for others' sake.
    pub secondary_value: u64,
}

impl SampleFacts {
    /// So many items over so many months; the same for the same numbers.
    ///
    /// # Errors
    /// [`FactsError::Full`].
    pub fn new(items: u64, months: u32) -> Result<Self, FactsError> {
        let mut numbers = Numbers(7);
        let (months, mut facts) = (months.max(1), Facts::new());
        let month = |number: u32| Month::from_index(FIRST + number);
        for _ in 0..items {
            let number = numbers.up_to(u64::from(months - 1));
            if let Some(fact) = month(u32::try_from(number).unwrap_or(0)).and_then(|month| fact(&mut numbers, month)) {
                facts.add(&fact)?;
            }
        }
        let tables = "trade".parse().map(|name| {
            let table = Table::new(name).by(Dimension::Origin).by(Dimension::Mode).by(Dimension::Time);
            vec![table.down_to(Dimension::Product, 1)]
        });
        // Names and months are those above.
        let (Ok(tables), Ok(publisher), Ok(currency), Some(from), Some(to)) =
            (tables, "customs".parse(), "EUR".parse(), month(0), month(months - 1))
        else {
            return Err(FactsError::Full { what: "months", limit: usize::MAX });
        };
        Ok(Self {
            facts,
            edition: Edition { publisher, at: Millis(0), flow: Flow::Import, currency, from, to, tables },
        })
    }

    /// How much of the sample's tables a publication withholds.
    pub fn withholding(
        &self,
        tables: &[(Table, std::collections::BTreeMap<crate::statistics::Key, Figure>)],
    ) -> Withholding {
        let mut found = Withholding::default();
        let (mut all, mut primary, mut secondary) = (0_u128, 0_u128, 0_u128);
        for (table, cells) in tables {
            for (key, sums) in self.facts.aggregate(table, self.edition.from, self.edition.to) {
                found.cells += 1;
                all += sums.value;
                match cells.get(&key) {
                    Some(Figure::Withheld(Withheld::Primary)) => {
                        (found.primary, primary) = (found.primary + 1, primary + sums.value)
                    }
                    Some(Figure::Withheld(_)) => {
                        (found.secondary, secondary) = (found.secondary + 1, secondary + sums.value)
                    }
                    _ => {}
                }
            }
        }
        let share = |part: u128| u64::try_from((part * 1000).checked_div(all).unwrap_or(0)).unwrap_or(u64::MAX);
        (found.primary_value, found.secondary_value) = (share(primary), share(secondary));
        found
    }
}

/// The product of two numbers makes small ones likely.
fn fact(numbers: &mut Numbers, month: Month) -> Option<Fact> {
    let mut skewed = |most: u64| numbers.up_to(most) * numbers.up_to(most) / most;
    let (origin, heading, party) = (skewed(ORIGINS - 1), skewed(CHAPTERS * HEADINGS - 1), skewed(PARTIES - 1));
    let (mode, value) = (skewed(MODES.len() as u64 - 1), skewed(100_000));
    let letter = |number: u64| char::from(b'A' + u8::try_from(number).unwrap_or(0));
    let origin = format!("{}{}", letter(origin / 8), letter(origin % 8)).parse().ok()?;
    let heading = u16::try_from((heading / HEADINGS + 1) * 100 + heading % HEADINGS + 1).ok()?;
    let name: Arc<str> = format!("p{party}").into();
    let place = Place {
        month,
        origin,
        destination: "DE".parse().ok()?,
        heading: Heading::from_number(heading)?,
        mode: Mode::from_digit(*MODES.get(usize::try_from(mode).ok()?)?)?,
        model: CollectionModel::Vendor,
    };
    let parties = [Some(name.clone()), Some(name.clone()), Some(name)];
    Some(Fact { place, parties, value, mass: value / 10 + 1, duty: value / 20 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::statistics::{Rules, disclose};

    #[test]
    fn a_sample_is_published() {
        let sample = SampleFacts::new(2_000, 2).unwrap();
        let publication = disclose(&sample.facts, &sample.edition, &Rules::default(), &[]).unwrap().publication;
        let found = sample.withholding(&publication.tables);
        assert!(
            found.cells > 1_000 && found.primary > 100 && found.primary + found.secondary < found.cells,
            "{found:?}"
        );
        assert_eq!(found.cells, publication.tables.iter().map(|(_, cells)| cells.len() as u64).sum::<u64>());
    }
}
