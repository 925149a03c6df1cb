//! An auditor's sample: which units of a population are looked at closely, so that anybody draws the same.
//!
//! What is drawn follows from the auditor's seed and from the log's checkpoint. The log signed the checkpoint before it knew the
//! seed, the auditor names the seed after he knows the checkpoint; then neither alone steers a `random` choice. With `value` the
//! interval follows from the values listed, so that they must be fixed before the seed, too. An auditor who tries
//! many seeds still does: where the audited party is to trust it, the seed is drawn in front of both.
//!
//! `random`: simple random sampling without replacement, every set of that many units alike. `value`: monetary unit sampling by
//! a fixed interval with a random start, in each currency by itself; a unit of at least the interval is certain, a smaller one
//! has the probability amount / interval. Amounts are whole hundredths, never floating point.
//!
//! Not here: what the population is ([`super::population`]), what is shown of what was chosen ([`super::pack`]).

use std::collections::{BTreeMap, HashMap};

use serde::{Serialize, Serializer};

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain, keyed};
use crate::limits::MAX_SAMPLE;
use crate::names::{Currency, word_enum};
use crate::tlog::Checkpoint;

word_enum!(
    /// How a sample is drawn.
    Method, "method of sampling", {
        /// Every dispatch with the same probability.
        Random = 1, "random";
        /// Records with a probability in proportion to their value.
        Value = 2, "value";
    }
);

/// What the auditor asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SamplePlan {
    /// How.
    pub method: Method,
    /// The auditor's number.
    pub seed: u64,
    /// How many: of the dispatches, or of the records in each currency; from 1 to [`MAX_SAMPLE`].
    pub count: u64,
}

/// What was drawn in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stratum {
    /// The currency; absent for values that name none.
    pub currency: Option<Currency>,
    /// Units with an amount above zero: those that can be chosen.
    pub units: u64,
    /// Their sum in hundredths.
    #[serde(serialize_with = "as_decimal")]
    pub total: u128,
    /// Units with an amount of zero or below, which no such sample can choose.
    pub not_selectable: u64,
    /// The interval in hundredths: the total divided by the count asked for, rounded up.
    #[serde(serialize_with = "as_decimal")]
    pub interval: u128,
    /// The first hundredth that chooses, from 1 to the interval; every interval from there another one chooses.
    #[serde(serialize_with = "as_decimal")]
    pub start: u128,
    /// Chosen units of at least the interval.
    pub certain: u64,
    /// What was chosen, by position.
    #[serde(skip)]
    pub chosen: Vec<usize>,
}

/// Positions of the units chosen among so many, ascending: all when there are no more than asked for.
pub fn random(plan: &SamplePlan, checkpoint: &Checkpoint, population: usize) -> Vec<usize> {
    let count = usize::try_from(plan.count).unwrap_or(usize::MAX).min(population);
    let mut draws = Draws::new(plan, checkpoint, "");
    // The first steps of a shuffle, of which only the places that moved are kept.
    let mut moved: HashMap<usize, usize> = HashMap::new();
    let mut chosen = Vec::with_capacity(count);
    for place in 0..count {
        let at = place + draws.below((population - place) as u128) as usize; // below the population
        let here = moved.get(&place).copied().unwrap_or(place);
        chosen.push(moved.insert(at, here).unwrap_or(at));
    }
    chosen.sort_unstable();
    chosen
}

/// Draws by value in each currency; `units` are the currencies and amounts in hundredths, in the order of the population.
pub fn by_value(
    plan: &SamplePlan,
    checkpoint: &Checkpoint,
    units: impl IntoIterator<Item = (Option<Currency>, i64)>,
) -> Vec<Stratum> {
    let mut strata = BTreeMap::<Option<Currency>, Units>::new();
    for (position, (currency, amount)) in units.into_iter().enumerate() {
        let units = strata.entry(currency).or_default();
        match u64::try_from(amount) {
            Ok(amount) if amount > 0 => units.selectable.push((position, amount)),
            _ => units.not_selectable += 1,
        }
    }
    let stratum = |(currency, units): (Option<Currency>, Units)| {
        let Units { selectable: units, not_selectable } = units;
        let total = units.iter().map(|(_, amount)| u128::from(*amount)).sum::<u128>();
        let interval = total.div_ceil(u128::from(plan.count.max(1))).max(1);
        let name = currency.map_or(String::new(), |currency| currency.to_string());
        let start = 1 + Draws::new(plan, checkpoint, &name).below(interval);
        let amounts = units.iter().map(|(_, amount)| *amount);
        let chosen: Vec<usize> = systematic(amounts, interval, start).collect();
        let certain = chosen.iter().filter(|at| u128::from(units[**at].1) >= interval).count() as u64;
        Stratum {
            currency,
            units: units.len() as u64,
            total,
            not_selectable,
            interval,
            start,
            certain,
            chosen: chosen.into_iter().map(|at| units[at].0).collect(),
        }
    };
    strata.into_iter().map(stratum).collect()
}

/// Hundredths as text: `12.50`.
pub fn hundredths(amount: i128) -> String {
    let (sign, magnitude) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100)
}

/// Positions of the amounts that hold one of the hundredths `start`, `start + interval`, …, counted through all of them.
fn systematic(amounts: impl Iterator<Item = u64>, interval: u128, start: u128) -> impl Iterator<Item = usize> {
    // How many of the hundredths that choose are among the first so many.
    let choosing = move |upto: u128| upto.checked_sub(start).map_or(0, |beyond| beyond / interval + 1);
    let mut before = 0u128;
    let chosen = move |(at, amount): (usize, u64)| {
        let from = before;
        before += u128::from(amount);
        (choosing(before) > choosing(from)).then_some(at)
    };
    amounts.enumerate().filter_map(chosen)
}

/// The units of one currency.
#[derive(Default)]
struct Units {
    /// Position and amount of those that can be chosen.
    selectable: Vec<(usize, u64)>,
    /// How many there are beside them.
    not_selectable: u64,
}

/// A stream of numbers that nobody can foretell before seed and checkpoint are known.
struct Draws {
    key: [u8; 32],
    next: u64,
}

impl Draws {
    fn new(plan: &SamplePlan, checkpoint: &Checkpoint, stratum: &str) -> Self {
        let (seed, size) = (plan.seed.to_be_bytes(), checkpoint.size.to_be_bytes());
        let parts: [&[u8]; 6] = [
            plan.method.word().as_bytes(),
            &seed,
            checkpoint.origin.as_bytes(),
            &size,
            &checkpoint.root,
            stratum.as_bytes(),
        ];
        Self { key: Digest::of(Domain::Sample, &parts).0, next: 0 }
    }

    /// A number from 0 to one less than `bound`, which is at least 1, each alike.
    fn below(&mut self, bound: u128) -> u128 {
        // What is above the largest multiple of the bound is drawn again, so that no remainder comes more often.
        let multiple = u128::MAX - u128::MAX % bound;
        loop {
            let digest = keyed(&self.key, Domain::Sample, &[&self.next.to_be_bytes()]);
            self.next += 1;
            let number = digest.0[..16].iter().fold(0u128, |number, byte| number << 8 | u128::from(*byte));
            if number < multiple {
                return number % bound;
            }
        }
    }
}

fn as_decimal<S: Serializer>(amount: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hundredths(i128::try_from(*amount).unwrap_or(i128::MAX)))
}

impl Encode for SamplePlan {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        self.method.encode(writer);
        writer.uint(self.seed);
        writer.uint(self.count);
    }
}

impl Decode for SamplePlan {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let (method, seed, start) = (Method::decode(reader)?, reader.uint()?, reader.position());
        let count = reader.uint_max(MAX_SAMPLE)?;
        if count == 0 {
            return Err(reader.refuse(start, "a sample has at least one unit"));
        }
        reader.leave();
        Ok(Self { method, seed, count })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn checkpoint(root: u8) -> Checkpoint {
        Checkpoint::new("log.example/1", 1_000, [root; 32])
    }

    fn plan(method: Method, seed: u64, count: u64) -> SamplePlan {
        SamplePlan { method, seed, count }
    }

    fn amounts(amounts: &[i64]) -> Vec<(Option<Currency>, i64)> {
        amounts.iter().map(|amount| (Some("EUR".parse().unwrap()), *amount)).collect()
    }

    proptest! {
        #[test]
        fn a_random_sample_is_drawn_again_and_has_no_unit_twice(
            seed: u64, count in 1u64..60, population in 0usize..50, root: u8,
        ) {
            let plan = plan(Method::Random, seed, count);
            let chosen = random(&plan, &checkpoint(root), population);
            prop_assert_eq!(&chosen, &random(&plan, &checkpoint(root), population));
            prop_assert_eq!(chosen.len(), population.min(count as usize));
            prop_assert!(chosen.is_sorted_by(|a, b| a < b) && chosen.iter().all(|at| *at < population));
        }

        /// Over all starts, which come alike, a unit is chosen as often as its amount says: the method itself, exactly.
        #[test]
        fn every_start_together_choose_in_proportion(amounts in vec(1u64..60, 1..12), count in 1u128..8) {
            let total: u128 = amounts.iter().map(|amount| u128::from(*amount)).sum();
            let interval = total.div_ceil(count);
            let mut times = vec![0u128; amounts.len()];
            for start in 1..=interval {
                let chosen: Vec<usize> = systematic(amounts.iter().copied(), interval, start).collect();
                prop_assert!(chosen.len() as u128 <= count);
                chosen.into_iter().for_each(|at| times[at] += 1);
            }
            for (amount, times) in amounts.iter().zip(times) {
                prop_assert_eq!(times, u128::from(*amount).min(interval));
            }
        }

        #[test]
        fn by_value_the_large_are_certain_and_each_currency_is_by_itself(
            euro in vec(-50i64..5_000, 0..40), yen in vec(0i64..900, 0..40), seed: u64, count in 1u64..20,
        ) {
            let plan = plan(Method::Value, seed, count);
            let mut units = amounts(&euro);
            units.extend(yen.iter().map(|amount| (None, *amount)));
            let strata = by_value(&plan, &checkpoint(1), units.clone());
            prop_assert_eq!(&strata, &by_value(&plan, &checkpoint(1), units.clone()));
            let alone = by_value(&plan, &checkpoint(1), amounts(&euro));
            prop_assert_eq!(strata.iter().find(|s| s.currency.is_some()), alone.first());
            for stratum in strata {
                prop_assert!(stratum.chosen.len() as u64 <= count);
                prop_assert!(stratum.chosen.is_sorted_by(|a, b| a < b));
                prop_assert!((1..=stratum.interval).contains(&stratum.start));
                let mut certain = 0;
                for (at, (currency, amount)) in units.iter().enumerate() {
                    let chosen = stratum.chosen.contains(&at);
                    prop_assert!(!chosen || (*currency == stratum.currency && *amount > 0));
                    if *currency == stratum.currency && i128::from(*amount) >= stratum.interval as i128 {
                        prop_assert!(chosen);
                        certain += 1;
                    }
                }
                prop_assert_eq!(stratum.certain, certain);
            }
        }

        #[test]
        fn plans_and_currencies_have_one_form(seed: u64, count in 1u64..=MAX_SAMPLE, text in "[A-Za-z]{2,4}") {
            let plan = plan(Method::Value, seed, count);
            prop_assert_eq!(SamplePlan::from_cbor(&plan.to_cbor()), Ok(plan));
            if let Ok(currency) = text.parse::<Currency>() {
                prop_assert_eq!(currency.to_string(), text);
                prop_assert_eq!(Currency::from_cbor(&currency.to_cbor()), Ok(currency));
            }
        }
    }

    /// 4,000 seeds: what is to be chosen in a quarter, a half, always. Bounds of five standard deviations of the binomial
    /// distribution, rounded out.
    #[test]
    fn seeds_choose_in_proportion() {
        let units = amounts(&[100, 200, 400, 900]);
        let mut times = [0u32; 4];
        for seed in 0..4_000 {
            let drawn = by_value(&plan(Method::Value, seed, 4), &checkpoint(2), units.clone());
            assert_eq!(drawn[0].interval, 400);
            drawn[0].chosen.iter().for_each(|at| times[*at] += 1);
        }
        let bounds = [850..=1150, 1_840..=2_160, 4_000..=4_000, 4_000..=4_000];
        assert!(times.iter().zip(&bounds).all(|(times, bound)| bound.contains(times)), "{times:?}");
        let mut times = [0u32; 8];
        for seed in 0..4_000 {
            random(&plan(Method::Random, seed, 2), &checkpoint(2), 8).into_iter().for_each(|at| times[at] += 1);
        }
        assert!(times.iter().all(|times| (860..=1140).contains(times)), "{times:?}");
    }

    #[test]
    fn seed_checkpoint_and_method_all_count() {
        let draw = |seed, checkpoint: &Checkpoint| random(&plan(Method::Random, seed, 10), checkpoint, 1_000_000);
        let base = checkpoint(1);
        let mut larger = base.clone();
        larger.size += 1;
        let other = Checkpoint::new("log.example/2", base.size, base.root);
        let drawn = [draw(1, &base), draw(2, &base), draw(1, &checkpoint(2)), draw(1, &larger), draw(1, &other)];
        assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), drawn.len());
        assert_eq!([hundredths(0), hundredths(-5), hundredths(123_456)], ["0.00", "-0.05", "1234.56"]);
    }
}
