//! From declared goods and the rules of a day to tax lines, each with the reason and the edition of its rule.
//!
//! Nothing is guessed: where a rate or a quantity is not there, no line is made, and [`Assessment::open`] says what is missing. Costs of a
//! consignment are spread over its goods by value, to the cent, so that the parts add up to the whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::book::{Basis, Charge, Per, RevenueBook, TaxKind, TaxRule};
use super::exchange::Exchange;
use super::money::{Exact, Mode, Money, MoneyError, Rounding};
use crate::limits::{MAX_ASSESSED_GOODS, MAX_TAX_LINES};
use crate::names::{CollectionModel, Currency, Territory};
use crate::reference::Listed;
use crate::time::Day;

/// One goods item as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goods {
    /// Its number in the declaration.
    pub number: u32,
    /// Its tariff code: 4 to 12 digits, the first six of the Harmonized System.
    pub tariff: String,
    /// Its origin.
    pub origin: Option<Territory>,
    /// Its price.
    pub value: Money,
    /// Its quantities with their units (UN/ECE Recommendation 20): `KGM`, `NAR`, `LTR`.
    pub quantities: Vec<(Exact, String)>,
}

/// Costs of a consignment beside the price of the goods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Costs {
    /// To the place where it is loaded: in FOB and CIF.
    pub inland: Option<Money>,
    /// Freight to the border: in CIF.
    pub freight: Option<Money>,
    /// Insurance to the border: in CIF.
    pub insurance: Option<Money>,
}

/// What is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consignment {
    /// Where it goes.
    pub destination: Territory,
    /// The goods; their order means nothing.
    pub goods: Vec<Goods>,
    /// Further costs.
    pub costs: Costs,
    /// Who collects.
    pub model: CollectionModel,
    /// Whether it names a number under which tax is collected (IOSS).
    pub number: bool,
    /// Its category (`gift`, `sale_of_goods`).
    pub category: Option<String>,
}

/// A tax line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxLine {
    /// From 1.
    pub number: u32,
    /// The tax.
    pub tax: String,
    /// How it is computed.
    pub kind: TaxKind,
    /// Numbers of the goods that it is for.
    pub goods: Vec<u32>,
    /// Their tariff code, where it is one.
    pub tariff: Option<String>,
    /// Of which value the base is, of a percentage.
    pub basis: Option<Basis>,
    /// The base, included lines among it.
    pub base: Option<Money>,
    /// Numbers of the lines that the base includes.
    pub includes: Vec<u32>,
    /// Per cent of the base, or the amount for each item, unit or once.
    pub rate: Exact,
    /// How many items.
    pub count: Option<u32>,
    /// How much of which unit.
    pub quantity: Option<(Exact, String)>,
    /// What is owed.
    pub amount: Money,
    /// How it was rounded.
    pub rounding: Rounding,
    /// The rule.
    pub rule: String,
    /// Name, version and source of the file in which that edition of the rule stands.
    pub edition: Arc<Listed>,
    /// Why.
    pub reason: String,
}

/// What could not be assessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The rule.
    pub rule: String,
    /// The tax.
    pub tax: String,
    /// The goods.
    pub goods: Vec<u32>,
    /// What is missing.
    pub missing: String,
}

/// What is owed for a consignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The lines.
    pub lines: Vec<TaxLine>,
    /// What could not be assessed; with it the lines are not all that is owed.
    pub open: Vec<Open>,
    /// The rates of exchange that were used.
    pub exchanges: Vec<Exchange>,
}

/// Why a consignment cannot be assessed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssessError {
    /// Too few goods or too many.
    #[error("{0} goods items; 1 to {MAX_ASSESSED_GOODS} are assessed together")]
    Goods(usize),
    /// Two goods items of one number.
    #[error("two goods items have number {0}")]
    Number(u32),
    /// No tariff code.
    #[error(
        "goods item {number}: '{found}' is not a tariff code\nhint: 4 to 12 digits, the first six of the Harmonized System"
    )]
    Tariff {
        /// The goods item.
        number: u32,
        /// What was given.
        found: String,
    },
    /// An amount below zero.
    #[error("{0} is below zero")]
    Negative(String),
    /// No money.
    #[error("{0} is not a currency in use on {1}")]
    Currency(Currency, Day),
    /// No rate of exchange.
    #[error(
        "no rate of exchange from {currency} into {into} on {day}\nhint: add an [[exchange]] entry to the rules of revenue"
    )]
    Exchange {
        /// From.
        currency: Currency,
        /// Into.
        into: Currency,
        /// On which day.
        day: Day,
    },
    /// A base that would need a part of a line.
    #[error(
        "rule '{rule}' adds line {line} ({tax}), which is for more goods than its own base\nhint: compute '{rule}' per tariff_line or consignment, or the added tax per goods"
    )]
    Wider {
        /// The rule.
        rule: String,
        /// The line that is too wide.
        line: u32,
        /// Its tax.
        tax: String,
    },
    /// Too many lines.
    #[error("more than {MAX_TAX_LINES} tax lines")]
    Lines,
    /// An amount cannot be computed.
    #[error("rule '{rule}': {error}")]
    Money {
        /// The rule.
        rule: String,
        /// What is wrong.
        error: MoneyError,
    },
}

/// Assesses a consignment by the rules of a day.
///
/// # Errors
/// [`AssessError`]; what only lacks a rate or a quantity is no error but [`Assessment::open`].
pub fn assess(consignment: &Consignment, book: &RevenueBook, day: Day) -> Result<Assessment, AssessError> {
    let mut goods: Vec<&Goods> = consignment.goods.iter().collect();
    goods.sort_by_key(|one| one.number);
    check(consignment, &goods)?;
    let mut work = Work {
        consignment,
        goods,
        book,
        day,
        values: BTreeMap::new(),
        result: Assessment { lines: Vec::new(), open: Vec::new(), exchanges: Vec::new() },
    };
    for rule in book.rules(consignment.destination, day) {
        if work.applies(rule)? {
            for group in work.groups(rule) {
                work.line(rule, &group)?;
            }
        }
    }
    Ok(work.result)
}

impl Assessment {
    /// The sum of the lines of a tax, in a currency.
    ///
    /// # Errors
    /// [`MoneyError`] where they are in another currency.
    pub fn total(&self, tax: &str, currency: Currency) -> Result<Money, MoneyError> {
        Money::sum(currency, self.lines.iter().filter(|line| line.tax == tax).map(|line| line.amount))
    }
}

fn check(consignment: &Consignment, goods: &[&Goods]) -> Result<(), AssessError> {
    if !(1..=MAX_ASSESSED_GOODS).contains(&goods.len()) {
        return Err(AssessError::Goods(goods.len()));
    }
    if let Some(pair) = goods.windows(2).find(|pair| pair[0].number == pair[1].number) {
        return Err(AssessError::Number(pair[0].number));
    }
    for one in goods {
        if !(4..=12).contains(&one.tariff.len()) || !one.tariff.bytes().all(|c| c.is_ascii_digit()) {
            let found = one.tariff.chars().take(20).collect();
            return Err(AssessError::Tariff { number: one.number, found });
        }
        if one.value.amount.is_negative() || one.quantities.iter().any(|(quantity, _)| quantity.is_negative()) {
            return Err(AssessError::Negative(format!("a value or quantity of goods item {}", one.number)));
        }
    }
    let Costs { inland, freight, insurance } = consignment.costs;
    let negative = |cost: Option<Money>| cost.is_some_and(|cost| cost.amount.is_negative());
    if [inland, freight, insurance].into_iter().any(negative) {
        return Err(AssessError::Negative("a cost of the consignment".into()));
    }
    Ok(())
}

/// The values of all goods in one currency, by basis.
struct Values {
    intrinsic: Vec<Exact>,
    fob: Vec<Exact>,
    cif: Vec<Exact>,
}

impl Values {
    fn of(&self, basis: Basis) -> &[Exact] {
        match basis {
            Basis::Intrinsic => &self.intrinsic,
            Basis::Fob => &self.fob,
            Basis::Cif => &self.cif,
        }
    }
}

struct Work<'a> {
    consignment: &'a Consignment,
    goods: Vec<&'a Goods>,
    book: &'a RevenueBook,
    day: Day,
    /// By currency and rounding of converted amounts.
    values: BTreeMap<(Currency, Mode, super::money::Place), Values>,
    result: Assessment,
}

impl Work<'_> {
    /// Whether a rule is for this consignment.
    fn applies(&mut self, rule: &TaxRule) -> Result<bool, AssessError> {
        let consignment = self.consignment;
        let category = consignment.category.as_deref();
        let fits = (rule.models.is_empty() || rule.models.contains(&consignment.model))
            && rule.number.is_none_or(|wanted| wanted == consignment.number)
            && (rule.categories.is_empty() || rule.categories.iter().any(|one| Some(one.as_str()) == category));
        if !fits || (rule.most.is_none() && rule.above.is_none()) {
            return Ok(fits);
        }
        let value = sum(self.values(rule)?.of(rule.threshold_basis)).map_err(of_rule(rule))?;
        Ok(rule.most.is_none_or(|most| value <= most) && rule.above.is_none_or(|above| value > above))
    }

    /// The goods of each line of a rule, by their places.
    fn groups(&self, rule: &TaxRule) -> Vec<Vec<usize>> {
        let starts = |list: &[String], tariff: &str| list.iter().any(|code| tariff.starts_with(code.as_str()));
        let fits = |at: &usize| {
            let tariff = &self.goods[*at].tariff;
            (rule.tariffs.is_empty() || starts(&rule.tariffs, tariff)) && !starts(&rule.except, tariff)
        };
        let places: Vec<usize> = (0..self.goods.len()).filter(fits).collect();
        match rule.per {
            Per::Goods => places.into_iter().map(|at| vec![at]).collect(),
            Per::Consignment if places.is_empty() => Vec::new(),
            Per::Consignment => vec![places],
            Per::TariffLine => {
                let mut lines: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
                for at in places {
                    lines.entry(&self.goods[at].tariff).or_default().push(at);
                }
                // In the order in which tariff lines first appear among the goods by number.
                let mut groups: Vec<_> = lines.into_values().collect();
                groups.sort_by_key(|group| group.first().copied());
                groups
            }
        }
    }

    fn line(&mut self, rule: &TaxRule, group: &[usize]) -> Result<(), AssessError> {
        if self.result.lines.len() + self.result.open.len() >= MAX_TAX_LINES {
            return Err(AssessError::Lines);
        }
        let numbers: Vec<u32> = group.iter().map(|at| self.goods[*at].number).collect();
        let mut tariffs: Vec<&str> = group.iter().map(|at| self.goods[*at].tariff.as_str()).collect();
        tariffs.sort_unstable();
        tariffs.dedup();
        let tariff = match tariffs.as_slice() {
            [one] => Some((*one).to_owned()),
            _ => None,
        };
        let decimals = self.decimals(rule.currency)?;
        let (mut basis, mut base, mut includes, mut count, mut quantity) = (None, None, Vec::new(), None, None);
        let (rate, amount) = match &rule.charge {
            Charge::Percent(_) | Charge::Table(_) => {
                let percent = match self.percent(rule, group) {
                    Ok(percent) => percent,
                    Err(missing) => {
                        self.leave_open(rule, numbers, missing);
                        return Ok(());
                    }
                };
                if let Some(open) = self.open_below(rule, &numbers) {
                    self.leave_open(rule, numbers, open);
                    return Ok(());
                }
                includes = self.included(rule, &numbers)?;
                let values: Vec<Exact> = {
                    let values = self.values(rule)?.of(rule.basis);
                    group.iter().map(|at| values[*at]).collect()
                };
                let sum = self.base(rule, &values, &includes).map_err(of_rule(rule))?;
                let sum = rule.base_rounding.apply(sum, decimals);
                (basis, base) = (Some(rule.basis), Some(Money::new(sum, rule.currency)));
                let hundredth = Exact::new(1, 2).map_err(of_rule(rule))?;
                let share = sum.times(percent).and_then(|product| product.times(hundredth));
                (percent, share.map_err(of_rule(rule))?)
            }
            Charge::Amount { amount, unit: None } if rule.kind == TaxKind::PerItem => {
                let items = u32::try_from(tariffs.len()).unwrap_or(u32::MAX);
                count = Some(items);
                (*amount, amount.times(Exact::whole(i64::from(items))).map_err(of_rule(rule))?)
            }
            Charge::Amount { amount, unit: None } => (*amount, *amount),
            Charge::Amount { amount, unit: Some((unit, per)) } => {
                let mut total = Exact::ZERO;
                for at in group {
                    let goods = self.goods[*at];
                    let Some((held, _)) = goods.quantities.iter().find(|(_, of)| of == unit) else {
                        let missing = format!("goods item {} has no quantity in {unit}", goods.number);
                        self.leave_open(rule, numbers, missing);
                        return Ok(());
                    };
                    total = total.plus(*held).map_err(of_rule(rule))?;
                }
                quantity = Some((total, unit.clone()));
                let product = total.times(*amount).map_err(of_rule(rule))?;
                let owed = match rule.rounding.places(decimals) {
                    Some(places) => product.over(*per, places, rule.rounding.mode),
                    None => product.exactly_over(*per),
                };
                (*amount, owed.map_err(of_rule(rule))?)
            }
        };
        self.result.lines.push(TaxLine {
            number: self.result.lines.len() as u32 + 1, // at most MAX_TAX_LINES
            tax: rule.tax.clone(),
            kind: rule.kind,
            goods: numbers,
            tariff,
            basis,
            base,
            includes,
            rate,
            count,
            quantity,
            amount: Money::new(rule.rounding.apply(amount, decimals), rule.currency),
            rounding: rule.rounding,
            rule: rule.id.clone(),
            edition: Arc::clone(&rule.listed),
            reason: rule.reason.clone(),
        });
        Ok(())
    }

    fn leave_open(&mut self, rule: &TaxRule, goods: Vec<u32>, missing: String) {
        self.result.open.push(Open { rule: rule.id.clone(), tax: rule.tax.clone(), goods, missing });
    }

    /// The percentage for goods, which must be one for all of them.
    fn percent(&self, rule: &TaxRule, group: &[usize]) -> Result<Exact, String> {
        let table = match &rule.charge {
            Charge::Percent(percent) => return Ok(*percent),
            Charge::Table(table) => table,
            Charge::Amount { .. } => return Err("no percentage".into()),
        };
        let destination = self.consignment.destination;
        let mut found: Option<Exact> = None;
        for at in group {
            let goods = self.goods[*at];
            let Some(rate) = self.book.rate(table, destination, &goods.tariff, goods.origin, self.day) else {
                let (tariff, day) = (&goods.tariff, self.day);
                return Err(format!(
                    "no rate of '{table}' for {tariff} to {destination} on {day}\nhint: add a [[rate]] entry"
                ));
            };
            match found {
                Some(known) if known != rate.percent => {
                    return Err(format!(
                        "the goods have rates of {known} and {} per cent\nhint: compute the rule per goods",
                        rate.percent
                    ));
                }
                _ => found = Some(rate.percent),
            }
        }
        found.ok_or_else(|| "no goods".to_owned())
    }

    /// Why the base is not known yet, where a line that it includes is open.
    fn open_below(&self, rule: &TaxRule, numbers: &[u32]) -> Option<String> {
        let touches =
            |open: &&Open| rule.adds.contains(&open.tax) && open.goods.iter().any(|one| numbers.contains(one));
        self.result
            .open
            .iter()
            .find(touches)
            .map(|open| format!("its base includes {}, which is open by rule '{}'", open.tax, open.rule))
    }

    /// The lines that a base includes.
    fn included(&self, rule: &TaxRule, numbers: &[u32]) -> Result<Vec<u32>, AssessError> {
        let mut includes = Vec::new();
        for line in self.result.lines.iter().filter(|line| rule.adds.contains(&line.tax)) {
            // Both are in ascending order.
            let inside = line.goods.iter().filter(|one| numbers.binary_search(one).is_ok()).count();
            if inside == line.goods.len() {
                includes.push(line.number);
            } else if inside > 0 {
                return Err(AssessError::Wider { rule: rule.id.clone(), line: line.number, tax: line.tax.clone() });
            }
        }
        Ok(includes)
    }

    fn base(&self, rule: &TaxRule, values: &[Exact], includes: &[u32]) -> Result<Exact, MoneyError> {
        let mut base = Money::new(sum(values)?, rule.currency);
        for number in includes {
            if let Some(line) = self.result.lines.get(*number as usize - 1) {
                base = base.plus(line.amount)?;
            }
        }
        Ok(base.amount)
    }

    fn decimals(&self, currency: Currency) -> Result<u8, AssessError> {
        self.book.decimals(currency, self.day).ok_or(AssessError::Currency(currency, self.day))
    }

    /// The values of all goods in a rule's currency.
    fn values(&mut self, rule: &TaxRule) -> Result<&Values, AssessError> {
        let key = (rule.currency, rule.exchange_rounding.mode, rule.exchange_rounding.to);
        let values = match self.values.remove(&key) {
            Some(values) => values,
            None => self.compute(rule)?,
        };
        Ok(self.values.entry(key).or_insert(values))
    }

    fn compute(&mut self, rule: &TaxRule) -> Result<Values, AssessError> {
        let decimals = self.decimals(rule.currency)?;
        let mut intrinsic = Vec::with_capacity(self.goods.len());
        for at in 0..self.goods.len() {
            intrinsic.push(self.converted(rule, self.goods[at].value, decimals)?);
        }
        let Costs { inland, freight, insurance } = self.consignment.costs;
        let mut with = |values: &[Exact], cost: Option<Money>| -> Result<Vec<Exact>, AssessError> {
            let Some(cost) = cost else { return Ok(values.to_vec()) };
            let cost = self.converted(rule, cost, decimals)?;
            let parts = spread(cost, &intrinsic, decimals).map_err(of_rule(rule))?;
            values.iter().zip(parts).map(|(value, part)| value.plus(part).map_err(of_rule(rule))).collect()
        };
        let fob = with(&intrinsic, inland)?;
        let cif = with(&fob, freight)?;
        let cif = with(&cif, insurance)?;
        Ok(Values { intrinsic, fob, cif })
    }

    fn converted(&mut self, rule: &TaxRule, money: Money, decimals: u8) -> Result<Exact, AssessError> {
        if money.currency == rule.currency {
            return Ok(money.amount);
        }
        let (currency, into, day) = (money.currency, rule.currency, self.day);
        let book = self.book;
        let exchange = book.exchange(currency, into, day).ok_or(AssessError::Exchange { currency, into, day })?;
        if !self.result.exchanges.contains(exchange) {
            self.result.exchanges.push(exchange.clone());
        }
        Ok(exchange.convert(money, rule.exchange_rounding, decimals).map_err(of_rule(rule))?.amount)
    }
}

fn of_rule(rule: &TaxRule) -> impl Fn(MoneyError) -> AssessError {
    move |error| AssessError::Money { rule: rule.id.clone(), error }
}

fn sum(values: &[Exact]) -> Result<Exact, MoneyError> {
    values.iter().try_fold(Exact::ZERO, |sum, value| sum.plus(*value))
}

/// Spreads an amount over weights so that the parts add up to it: each is cut down to the cent, and the cents that are left go one by one
/// to those of which most was cut off, of equals to the first. Without weights all are equal. What is below a cent goes to the first.
pub(crate) fn spread(amount: Exact, weights: &[Exact], decimals: u8) -> Result<Vec<Exact>, MoneyError> {
    let total = sum(weights)?;
    let equal = vec![Exact::whole(1); weights.len()];
    let (weights, total) = match total.is_zero() {
        true => (equal.as_slice(), Exact::whole(weights.len() as i64)),
        false => (weights, total),
    };
    let whole = amount.rounded(decimals, Mode::Down);
    let (mut parts, mut rests) = (Vec::with_capacity(weights.len()), Vec::with_capacity(weights.len()));
    let mut left = whole;
    for (at, weight) in weights.iter().enumerate() {
        let product = whole.times(*weight)?;
        let part = product.over(total, decimals, Mode::Down)?;
        left = left.minus(part)?;
        // What was cut off, in units of the total weight: no division, so exact.
        rests.push((product.minus(part.times(total)?)?, at));
        parts.push(part);
    }
    rests.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let cent = Exact::new(1, decimals)?;
    for (_, at) in rests {
        if left < cent {
            break;
        }
        parts[at] = parts[at].plus(cent)?;
        left = left.minus(cent)?;
    }
    let below_a_cent = amount.minus(whole)?;
    if let Some(first) = parts.first_mut() {
        *first = first.plus(left)?.plus(below_a_cent)?;
    }
    Ok(parts)
}
