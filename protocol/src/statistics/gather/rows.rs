//! Which declarations count, and the rows of each: place, value, mass, duty; and what is lacking, by reason.

use std::collections::{BTreeMap, BTreeSet};

use super::items::Items;
use super::known::{Known, Line, What};
use super::{Counted, GatherError, Gathered, Wanted};
use crate::names::{CollectionModel, Territory};
use crate::revenue::{
    Declared, DeclaredGoods, Exact, Mode as RoundingMode, Money, RevenueBook, Rounding, Stage, spread,
};
use crate::statistics::fact::{Flow, Heading, Mode, Month, Place};
use crate::statistics::facts::Sums;
use crate::statistics::read::FactRow;
use crate::time::Day;

/// Records that are named as examples of a reason.
const EXAMPLES: usize = 3;

pub(super) struct Work<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) book: &'a RevenueBook,
    pub(super) made: Gathered,
}

impl Work<'_> {
    /// Tells of what is left out of the months that are asked for.
    fn leave_out(&mut self, why: &str, known: &Known, by: u64) {
        if self.within(known).is_some() {
            count(&mut self.made.left_out, why, known, by);
        }
    }

    /// The day and month in which a record lies, where that is asked for.
    fn within(&self, known: &Known) -> Option<(Day, Month)> {
        let filed_on = match &known.what {
            What::Declared(declared, _) => declared.filed_on,
            _ => None,
        };
        let day = filed_on.unwrap_or_else(|| known.head.at.day());
        let month = Month::of(day)?;
        (self.wanted.from..=self.wanted.to).contains(&month).then_some((day, month))
    }

    /// The declarations that count in the flow and months, each with the items whose records of duty are its own.
    pub(super) fn declarations(&mut self, holding: &[Known], items: &Items) -> Vec<(usize, Vec<usize>)> {
        let mut first: BTreeMap<usize, usize> = BTreeMap::new();
        let mut counted: Vec<(usize, Option<usize>)> = Vec::new();
        for (at, known) in holding.iter().enumerate() {
            let What::Declared(declared, _) = &known.what else { continue };
            let fits = match (self.wanted.flow, declared.filing.as_deref()) {
                (_, None) => {
                    self.leave_out("declarations that do not say which kind of filing they are", known, 1);
                    continue;
                }
                (Flow::Import, Some(kind)) => kind == "import",
                (Flow::Export, Some(kind)) => matches!(kind, "export" | "reexport"),
            };
            if !fits {
                continue;
            }
            let item = items.item(known);
            if let Some(item) = item {
                if first.contains_key(&item) {
                    self.leave_out("declarations of an item that another one declared before", known, 1);
                    continue;
                }
                first.insert(item, at);
            }
            counted.push((at, item));
        }
        let mut of_parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut out: BTreeSet<usize> = BTreeSet::new();
        for (whole, parts) in &items.families {
            let Some(&declared) = first.get(whole) else { continue };
            if !parts.is_empty() && parts.iter().all(|part| first.contains_key(part)) {
                if out.insert(declared) {
                    self.leave_out("declarations of a whole whose parts are declared", &holding[declared], 1);
                    if let Some(duties) = items.duties.get(whole) {
                        let (why, count) = ("records of duty of a whole whose parts are declared", duties.len());
                        self.leave_out(why, &holding[duties[0]], count as u64);
                    }
                }
                continue;
            }
            for part in parts {
                if let Some(&declared) = first.get(part)
                    && out.insert(declared)
                {
                    self.leave_out("declarations of parts of a declared whole", &holding[declared], 1);
                }
                of_parts.entry(*whole).or_default().push(*part);
            }
        }
        counted.retain(|(at, _)| !out.contains(at));
        let with_items = |(at, item): (usize, Option<usize>)| {
            let parts = item.and_then(|item| of_parts.get(&item)).cloned().unwrap_or_default();
            (at, item.into_iter().chain(parts).collect())
        };
        counted.into_iter().map(with_items).collect()
    }

    /// The rows of one declaration.
    pub(super) fn rows(
        &mut self,
        holding: &[Known],
        known: &Known,
        items: &Items,
        roots: &[usize],
    ) -> Result<(), GatherError> {
        let What::Declared(declared, _) = &known.what else { return Ok(()) };
        let Some((day, month)) = self.within(known) else { return Ok(()) };
        if declared.filed_on.is_none() {
            let goods = declared.goods.len() as u64;
            count(&mut self.made.notes, "goods in the month in which their declaration was lodged here", known, goods);
        }
        let digits =
            self.book.decimals(self.wanted.currency, day).ok_or(GatherError::Currency(self.wanted.currency, day))?;
        if declared.goods.is_empty() {
            self.leave_out("declarations without goods items", known, 1);
            return Ok(());
        }
        let place = match self.wanted.flow {
            Flow::Import => declared.destination,
            Flow::Export => declared.departure,
        };
        let (duties, model) = duties(holding, items, roots, place);
        let model = model.or(declared.model()).or(self.wanted.model);
        let common = self.common(declared, model);
        let shares = match self.shares(declared, &duties, day, digits) {
            Ok(shares) => shares,
            Err(why) => {
                self.leave_out(&why, known, declared.goods.len() as u64);
                return Ok(());
            }
        };
        for (goods, duty) in declared.goods.iter().zip(shares) {
            let row = common.clone().and_then(|common| self.row(declared, goods, common, month, day, digits));
            match row {
                Err(why) => self.leave_out(&why, known, 1),
                Ok((place, value, mass)) => {
                    if duties.is_empty() {
                        count(&mut self.made.notes, "goods without a record of duty", known, 1);
                    }
                    if mass.is_none() {
                        count(&mut self.made.notes, "goods without mass", known, 1);
                    } else if goods.net_kg.is_none() {
                        count(&mut self.made.notes, "goods whose gross mass counts, since none is net", known, 1);
                    }
                    let sums =
                        Sums { count: 1, value: value.into(), mass: mass.unwrap_or(0).into(), duty: duty.into() };
                    let (line, flow) = (self.made.rows.len() as u64 + 2, self.wanted.flow);
                    self.made.rows.push(FactRow { line, flow, place, parties: [None, None, None], sums });
                }
            }
        }
        Ok(())
    }

    /// What all goods of a declaration have in common: destination, mode, who collects.
    fn common(
        &self,
        declared: &Declared,
        model: Option<CollectionModel>,
    ) -> Result<(Territory, Mode, CollectionModel), String> {
        let destination = declared.destination.ok_or("goods without destination")?;
        let code = declared.mode.as_deref().ok_or("goods without mode of transport")?;
        let digits = code.bytes().all(|c| c.is_ascii_digit());
        let mode = code.get(..1).filter(|_| digits).and_then(|digit| digit.parse().ok());
        let mode = mode.ok_or("goods whose mode of transport is none of UNECE Recommendation 19")?;
        let model = model.ok_or("goods of which nothing says who collects")?;
        Ok((destination, mode, model))
    }

    fn row(
        &self,
        declared: &Declared,
        goods: &DeclaredGoods,
        (destination, mode, model): (Territory, Mode, CollectionModel),
        month: Month,
        day: Day,
        digits: u8,
    ) -> Result<(Place, u64, Option<u64>), String> {
        let origin = match self.wanted.flow {
            Flow::Export => declared.departure.ok_or("goods that do not say where they leave")?,
            Flow::Import => {
                let departure = declared.departure.filter(|_| self.wanted.departure_as_origin);
                goods.origin.or(departure).ok_or("goods without origin")?
            }
        };
        let tariff = goods.tariff.as_deref().ok_or("goods without tariff code")?;
        let heading: Heading = tariff
            .get(..4)
            .and_then(|heading| heading.parse().ok())
            .ok_or("goods whose tariff code is none of the Harmonized System")?;
        let (amount, currency) = goods.value.ok_or("goods without value")?;
        let currency = currency.ok_or("goods whose value has no currency")?;
        let value = minor(self.converted(Money::new(amount, currency), day, digits)?, digits)
            .ok_or("goods whose value is below zero or beyond all measure")?;
        let mass = match goods.net_kg.or(goods.gross_kg) {
            None => None,
            Some(mass) => Some(minor(mass, 3).ok_or("goods whose mass is below zero or beyond all measure")?),
        };
        Ok((Place { month, origin, destination, heading, mode, model }, value, mass))
    }

    fn converted(&self, money: Money, day: Day, digits: u8) -> Result<Exact, String> {
        let into = self.wanted.currency;
        if money.currency == into {
            return Ok(money.amount);
        }
        let exchange = self.book.exchange(money.currency, into, day);
        let exchange = exchange.ok_or_else(|| {
            let month = Month::of(day).map_or_else(|| day.to_string(), |month| month.to_string());
            format!("goods without a rate of exchange from {} into {into} in {month}", money.currency)
        })?;
        let converted = exchange.convert(money, Rounding::CENT, digits);
        converted.map(|money| money.amount).map_err(|error| format!("goods that cannot be converted: {error}"))
    }

    /// Duty and tax of each goods item, in minor units: that of its own lines, and its share of those for several.
    fn shares(&self, declared: &Declared, duties: &[Line], day: Day, digits: u8) -> Result<Vec<u64>, String> {
        let goods = &declared.goods;
        let mut sums = vec![Exact::ZERO; goods.len()];
        let beyond = |error: crate::revenue::MoneyError| format!("goods whose duty cannot be added up: {error}");
        for line in duties {
            let amount = self.converted(line.amount, day, digits)?;
            let own = |one: &DeclaredGoods| match (line.goods, &line.tariff) {
                (Some(number), _) => one.number == number,
                (None, Some(tariff)) => {
                    let declared = one.tariff.as_deref().unwrap_or_default();
                    !declared.is_empty() && (declared.starts_with(tariff.as_str()) || tariff.starts_with(declared))
                }
                (None, None) => true,
            };
            let mut places: Vec<usize> = (0..goods.len()).filter(|at| own(&goods[*at])).collect();
            if places.is_empty() {
                // It is of this item, whatever it names.
                places = (0..goods.len()).collect();
            }
            // By value in one currency; what cannot be converted is left out with its goods.
            let weight = |at: &usize| match goods[*at].value {
                Some((amount, Some(currency))) => {
                    self.converted(Money::new(amount, currency), day, digits).unwrap_or(Exact::ZERO)
                }
                _ => Exact::ZERO,
            };
            let weights: Vec<Exact> = places.iter().map(weight).collect();
            let parts = spread(amount, &weights, digits).map_err(beyond)?;
            for (at, part) in places.into_iter().zip(parts) {
                sums[at] = sums[at].plus(part).map_err(beyond)?;
            }
        }
        let below = || "goods whose duty is below zero or beyond all measure".to_owned();
        sums.into_iter().map(|sum| minor(sum, digits).ok_or_else(below)).collect()
    }
}

/// What is owed of an item at a place, and who collects, as its records say; of an item without any, that of its parts.
fn duties(
    holding: &[Known],
    items: &Items,
    roots: &[usize],
    place: Option<Territory>,
) -> (Vec<Line>, Option<CollectionModel>) {
    let (whole, parts) = roots.split_at(roots.len().min(1));
    let own = owed(holding, items, whole, place);
    if own.0.is_empty() { owed(holding, items, parts, place) } else { own }
}

/// What is assessed, and what was collected of taxes that nobody assessed and that does not name what it pays.
fn owed(
    holding: &[Known],
    items: &Items,
    roots: &[usize],
    place: Option<Territory>,
) -> (Vec<Line>, Option<CollectionModel>) {
    let (mut assessed, mut collected): (Vec<Line>, Vec<Line>) = Default::default();
    let mut model: [Option<CollectionModel>; 2] = [None; 2];
    for at in roots.iter().filter_map(|root| items.duties.get(root)).flatten() {
        let What::Duty { stage, model: by, territory, later, lines } = &holding[*at].what else { continue };
        let there = |(at, of): (Territory, Territory)| at.contains(of) || of.contains(at);
        if !place.zip(*territory).is_none_or(there) {
            continue;
        }
        let (all, who) = match (stage, later) {
            (Stage::Assessed, _) => (&mut assessed, &mut model[0]),
            (Stage::Collected, false) => (&mut collected, &mut model[1]),
            _ => continue,
        };
        all.extend(lines.iter().cloned());
        *who = who.or(*by);
    }
    let taxes: BTreeSet<Option<String>> = assessed.iter().map(|line| line.tax.clone()).collect();
    assessed.extend(collected.into_iter().filter(|line| !taxes.contains(&line.tax)));
    (assessed, model[0].or(model[1]))
}

fn told(known: &Known) -> String {
    let reference = known.reference.clone().unwrap_or_else(|| known.head.root.hex().chars().take(16).collect());
    format!("{reference} of {}", known.issuer)
}

fn count(all: &mut BTreeMap<String, Counted>, why: &str, known: &Known, by: u64) {
    let counted = all.entry(why.to_owned()).or_default();
    counted.count += by;
    if counted.examples.len() < EXAMPLES {
        counted.examples.push(told(known));
    }
}

/// As a whole number of the smallest unit, rounded once.
fn minor(amount: Exact, digits: u8) -> Option<u64> {
    let times = Exact::whole(10_i64.checked_pow(digits.into())?);
    amount.rounded(digits, RoundingMode::HalfUp).times(times).ok()?.to_string().parse().ok()
}
