//! Dated rules of duty and tax, rates of tariffs and of exchange. Samples are built in; an operator's file adds editions.
//!
//! Not here: computing ([`super::assess`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::exchange::{Exchange, Quoted};
use super::money::{Exact, MoneyError, Rounding};
use crate::limits::{MAX_BOOK_BYTES, MAX_BOOK_ENTRIES};
use crate::names::{CollectionModel, Currency, Territory, words};
use crate::reference::{Currencies, CurrencyState, Listed, Span, reaches};
use crate::time::Day;

words!(
    /// How a tax line is computed.
    TaxKind, "kind of tax line", {
        /// A percentage of a base.
        AdValorem = "ad_valorem";
        /// An amount for each item: each distinct tariff line.
        PerItem = "per_item";
        /// An amount for each unit of mass or quantity.
        PerUnit = "per_unit";
        /// A fixed amount.
        Fee = "fee";
    }
);

words!(
    /// What a value is made up of.
    Basis, "basis of value", {
        /// The price of the goods alone.
        Intrinsic = "intrinsic";
        /// And what it costs to bring them on board.
        Fob = "fob";
        /// And freight and insurance to the border.
        Cif = "cif";
    }
);

words!(
    /// For what one line is computed, and so where it is rounded.
    Per, "scope of a tax", {
        /// Each goods item.
        Goods = "goods";
        /// All goods of one tariff line together.
        TariffLine = "tariff_line";
        /// The whole consignment.
        Consignment = "consignment";
    }
);

/// Where the rate of a line comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charge {
    /// A percentage of the base.
    Percent(Exact),
    /// A percentage of the base, looked up in the rates of this table.
    Table(String),
    /// An amount for each item, or for each so many units, or once.
    Amount {
        /// How much.
        amount: Exact,
        /// Of which unit (UN/ECE Recommendation 20: `KGM`, `NAR`), for so many of it.
        unit: Option<(String, Exact)>,
    },
}

/// An edition of a rule of duty or tax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxRule {
    /// Its name. Of editions of one name that hold on a day, the one that began last counts, and of these the last added.
    pub id: String,
    /// Rules are computed in this order; a base may include lines of a lower one.
    pub order: u16,
    /// Customs territories of destination; the states of the EU lie in it.
    pub destinations: Vec<Territory>,
    /// Code of the tax (WCO 113): `A00` duty, `B00` value added tax.
    pub tax: String,
    /// How it is computed.
    pub kind: TaxKind,
    /// For what.
    pub per: Per,
    /// Of which value.
    pub basis: Basis,
    /// The rate or amount.
    pub charge: Charge,
    /// In which currency.
    pub currency: Currency,
    /// Taxes whose lines are added to the base.
    pub adds: Vec<String>,
    /// Days on which it holds.
    pub span: Span,
    /// Of which value thresholds are.
    pub threshold_basis: Basis,
    /// The consignment's value at most; exactly so much is within.
    pub most: Option<Exact>,
    /// The consignment's value is above this.
    pub above: Option<Exact>,
    /// Beginnings of tariff codes it is for; none means all.
    pub tariffs: Vec<String>,
    /// Beginnings of tariff codes it is not for.
    pub except: Vec<String>,
    /// Categories of item; none means any.
    pub categories: Vec<String>,
    /// Collection models; none means any.
    pub models: Vec<CollectionModel>,
    /// Whether a number under which tax is collected must be there, or must not.
    pub number: Option<bool>,
    /// How converted values are rounded.
    pub exchange_rounding: Rounding,
    /// How the base is rounded.
    pub base_rounding: Rounding,
    /// How the amount is rounded.
    pub rounding: Rounding,
    /// Why, in words.
    pub reason: String,
    /// Name, version and source of the file that it stands in.
    pub listed: Arc<Listed>,
}

/// A percentage for goods, by their tariff code and origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TariffRate {
    /// Which table: `duty`, `vat`.
    pub table: String,
    /// Customs territories of destination.
    pub destinations: Vec<Territory>,
    /// The beginning of the tariff code; none for all goods. The longest that fits counts.
    pub tariff: String,
    /// The origin; without it any. One that fits counts before none.
    pub origin: Option<Territory>,
    /// Per cent.
    pub percent: Exact,
    /// Days on which it holds.
    pub span: Span,
    /// Name, version and source of the file that it stands in.
    pub listed: Arc<Listed>,
}

/// Rules of duty and tax, rates of tariffs and of exchange.
///
/// An operator's file is TOML. What it names is added; the sections in `replace` are emptied first:
///
/// ```toml
/// name = "customs-de"
/// version = "2026-12-01"
/// replace = ["rate"]                 # tax, rate, exchange
///
/// [[tax]]
/// id = "eu-handling"                 # editions of one id: the one that began last counts
/// order = 30
/// destinations = ["DE"]
/// tax = "FEE"
/// kind = "fee"                       # ad_valorem, per_item, per_unit, fee
/// per = "consignment"                # goods, tariff_line, consignment
/// basis = "intrinsic"                # intrinsic, fob, cif
/// amount = "2.00"                    # ad_valorem: rate = "20" in per cent, or rates = "vat" to look it up
/// currency = "EUR"
/// from = "2026-12-01"                # the first day; until: the last
/// most = "150"                       # also above, threshold_basis, tariffs, except, categories, models, number
/// rounding = { mode = "half_up", to = "cent" }   # also base_rounding, exchange_rounding
/// reason = "handling"
/// source = "notice 2026-90"
///
/// [[rate]]
/// table = "vat"
/// destinations = ["DE"]
/// tariff = ""                        # beginning of the tariff code
/// percent = "19"
/// source = "…"
///
/// [[exchange]]                       # 1 GBP is 1.15 EUR until the next rate of the pair
/// currency = "GBP"
/// into = "EUR"
/// rate = "1.15"
/// per = 1                            # 1, 10, 100 … units
/// quoted = "into"                    # or "currency": 1 EUR is so many GBP
/// from = "2026-12-01"
/// source = "customs rates of December"
/// ```
#[derive(Debug, Clone)]
pub struct RevenueBook {
    /// Rules, in the order in which they were added.
    pub rules: Vec<TaxRule>,
    /// Rates of tariffs and taxes.
    pub rates: Vec<TariffRate>,
    /// Rates of exchange.
    pub exchanges: Vec<Exchange>,
    /// Decimals of currencies.
    pub currencies: Currencies,
}

/// Why a file was refused.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// Not TOML of the expected shape.
    #[error(
        "the rules of revenue cannot be read: {0}hint: the documentation of luxor_protocol::revenue::RevenueBook shows every key"
    )]
    Toml(#[from] toml::de::Error),
    /// Too large.
    #[error("more than {MAX_BOOK_BYTES} bytes, or more than {MAX_BOOK_ENTRIES} entries in one section")]
    TooLarge,
    /// An entry that cannot work.
    #[error("rules '{name}', {place}: {what}")]
    Entry {
        /// The file's name of itself.
        name: String,
        /// The entry.
        place: String,
        /// What is wrong with it.
        what: String,
    },
}

const SAMPLE: &str = include_str!("sample.toml");
/// What the samples lack, for whoever edits them.
const EXAMPLES: &str = r#"
# Rates of tariffs and of value added tax: the longest tariff code that fits counts, then one of this origin.
# [[rate]]
# table = "vat"
# destinations = ["DE"]
# tariff = ""
# percent = "19"
# source = "which law, which notice"

# Rates of exchange, each from its day until the next of the pair: 1 GBP is 1.15 EUR.
# [[exchange]]
# currency = "GBP"
# into = "EUR"
# rate = "1.15"
# from = "2026-12-01"
# source = "customs rates of December"
"#;

impl RevenueBook {
    /// The built-in samples.
    ///
    /// # Errors
    /// [`BookError`], which is a defect.
    pub fn sample() -> Result<Self, BookError> {
        Self::empty().with(SAMPLE)
    }

    /// The built-in samples as an operator's file to edit: it takes the place of all of them, and what is missing in them stands there
    /// as comments.
    pub fn template() -> String {
        let (first, rest) = SAMPLE.split_once("\nversion").unwrap_or((SAMPLE, ""));
        let head = first.replace("\"built-in\"", "\"own\"");
        format!("{head}\nreplace = [\"tax\", \"rate\", \"exchange\"]\nversion{rest}{EXAMPLES}")
    }

    /// Without any rule.
    pub fn empty() -> Self {
        Self { rules: Vec::new(), rates: Vec::new(), exchanges: Vec::new(), currencies: Currencies::builtin() }
    }

    /// The book changed by a file.
    ///
    /// # Errors
    /// [`BookError`] with the first entry that cannot work; nothing is changed then.
    pub fn with(mut self, toml: &str) -> Result<Self, BookError> {
        if toml.len() > MAX_BOOK_BYTES {
            return Err(BookError::TooLarge);
        }
        let file: File = toml::from_str(toml)?;
        if [file.tax.len(), file.rate.len(), file.exchange.len()].into_iter().any(|count| count > MAX_BOOK_ENTRIES) {
            return Err(BookError::TooLarge);
        }
        let File { name, version, replace, tax, rate, exchange } = file;
        for section in replace {
            match section {
                Section::Tax => self.rules.clear(),
                Section::Rate => self.rates.clear(),
                Section::Exchange => self.exchanges.clear(),
            }
        }
        let wrong = |place: String| {
            let name = name.clone();
            move |what: String| BookError::Entry { name, place, what }
        };
        let listed = |source: &str| Listed::new(&name, &version, source);
        for entry in tax {
            let place = format!("tax '{}'", entry.id);
            self.rules.push(entry.read(listed).map_err(wrong(place))?);
        }
        for (at, entry) in rate.into_iter().enumerate() {
            self.rates.push(entry.read(listed).map_err(wrong(format!("rate {}", at + 1)))?);
        }
        for (at, entry) in exchange.into_iter().enumerate() {
            self.exchanges.push(entry.read(listed).map_err(wrong(format!("exchange {}", at + 1)))?);
        }
        Ok(self)
    }

    /// The rules of a destination on a day, one edition of each, in the order in which they are computed.
    pub fn rules(&self, destination: Territory, day: Day) -> Vec<&TaxRule> {
        let mut of_day: BTreeMap<&str, &TaxRule> = BTreeMap::new();
        for rule in self.rules.iter().filter(|rule| rule.span.holds(day) && reaches(&rule.destinations, destination)) {
            let known = of_day.entry(&rule.id).or_insert(rule);
            if known.span.from <= rule.span.from {
                *known = rule;
            }
        }
        let mut rules: Vec<_> = of_day.into_values().collect();
        rules.sort_by(|a, b| (a.order, &a.id).cmp(&(b.order, &b.id)));
        rules
    }

    /// The rate of a table for goods on a day: the longest tariff code that fits, then one of this origin, then the smallest territory
    /// of destination, then the one that began last.
    pub fn rate(
        &self,
        table: &str,
        destination: Territory,
        tariff: &str,
        origin: Option<Territory>,
        day: Day,
    ) -> Option<&TariffRate> {
        let fits = |rate: &&TariffRate| {
            rate.table == table
                && rate.span.holds(day)
                && reaches(&rate.destinations, destination)
                && tariff.starts_with(&rate.tariff)
                && rate.origin.is_none_or(|wanted| origin.is_some_and(|origin| wanted.contains(origin)))
        };
        let rank = |rate: &&TariffRate| {
            (rate.tariff.len(), rate.origin.is_some(), rate.destinations.contains(&destination), rate.span.from)
        };
        self.rates.iter().filter(fits).max_by_key(rank)
    }

    /// The rate of exchange of a pair on a day.
    pub fn exchange(&self, currency: Currency, into: Currency, day: Day) -> Option<&Exchange> {
        let of_pair = |one: &&Exchange| one.currency == currency && one.into == into && one.day <= day;
        self.exchanges.iter().filter(of_pair).max_by_key(|one| one.day)
    }

    /// Digits behind the point of a currency's smallest unit; `None` of what is no money on that day.
    pub fn decimals(&self, currency: Currency, day: Day) -> Option<u8> {
        match self.currencies.state(currency.as_str(), day) {
            CurrencyState::Money(decimals) => Some(decimals),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    version: String,
    #[serde(default)]
    replace: Vec<Section>,
    #[serde(default)]
    tax: Vec<TaxEntry>,
    #[serde(default)]
    rate: Vec<RateEntry>,
    #[serde(default)]
    exchange: Vec<ExchangeEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Section {
    Tax,
    Rate,
    Exchange,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaxEntry {
    id: String,
    order: u16,
    destinations: Vec<Territory>,
    tax: String,
    kind: TaxKind,
    per: Per,
    basis: Basis,
    rate: Option<String>,
    rates: Option<String>,
    amount: Option<String>,
    unit: Option<String>,
    units: Option<String>,
    currency: Currency,
    #[serde(default)]
    adds: Vec<String>,
    from: Option<String>,
    until: Option<String>,
    threshold_basis: Option<Basis>,
    most: Option<String>,
    above: Option<String>,
    #[serde(default)]
    tariffs: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    models: Vec<CollectionModel>,
    number: Option<bool>,
    exchange_rounding: Option<Rounding>,
    base_rounding: Option<Rounding>,
    rounding: Option<Rounding>,
    reason: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateEntry {
    table: String,
    destinations: Vec<Territory>,
    #[serde(default)]
    tariff: String,
    origin: Option<Territory>,
    percent: String,
    from: Option<String>,
    until: Option<String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeEntry {
    currency: Currency,
    into: Currency,
    rate: String,
    #[serde(default = "one")]
    per: u32,
    #[serde(default = "quoted")]
    quoted: Quoted,
    from: String,
    source: String,
}

fn one() -> u32 {
    1
}

fn quoted() -> Quoted {
    Quoted::Into
}

impl TaxEntry {
    fn read(self, listed: impl Fn(&str) -> Arc<Listed>) -> Result<TaxRule, String> {
        let charge = match (self.kind, &self.rate, &self.rates, &self.amount) {
            (TaxKind::AdValorem, Some(rate), None, None) => Charge::Percent(not_negative("rate", rate)?),
            (TaxKind::AdValorem, None, Some(table), None) => Charge::Table(table.clone()),
            (TaxKind::AdValorem, ..) => return Err("ad_valorem has either rate or rates".into()),
            (_, None, None, Some(amount)) => {
                let amount = not_negative("amount", amount)?;
                let unit = match (self.kind, self.unit, self.units.as_deref()) {
                    (TaxKind::PerUnit, Some(unit), units) => {
                        let units = not_negative("units", units.unwrap_or("1"))?;
                        if units.is_zero() {
                            return Err("units is above zero".into());
                        }
                        Some((unit, units))
                    }
                    (TaxKind::PerUnit, None, _) => return Err("per_unit has a unit".into()),
                    (_, None, None) => None,
                    _ => return Err("unit and units are for per_unit".into()),
                };
                Charge::Amount { amount, unit }
            }
            _ => return Err("per_item, per_unit and fee have an amount, and neither rate nor rates".into()),
        };
        if self.kind != TaxKind::AdValorem && !self.adds.is_empty() {
            return Err("adds is for ad_valorem".into());
        }
        if self.adds.contains(&self.tax) {
            return Err("a tax cannot be added to its own base".into());
        }
        if let Some(code) = self.tariffs.iter().chain(&self.except).find(|code| !is_tariff(code)) {
            return Err(format!("'{code}' is no beginning of a tariff code: digits, twelve at most"));
        }
        if self.id.is_empty() || self.id.len() > 70 {
            return Err("id has 1 to 70 characters".into());
        }
        let code = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit();
        if !(1..=7).contains(&self.tax.len()) || !self.tax.bytes().all(code) {
            return Err(format!("tax '{}' is no code of 1 to 7 capital letters or digits", self.tax));
        }
        let limit =
            |name: &str, text: &Option<String>| text.as_deref().map(|text| not_negative(name, text)).transpose();
        Ok(TaxRule {
            span: span(self.from.as_deref(), self.until.as_deref())?,
            most: limit("most", &self.most)?,
            above: limit("above", &self.above)?,
            id: self.id,
            order: self.order,
            destinations: self.destinations,
            tax: self.tax,
            kind: self.kind,
            per: self.per,
            basis: self.basis,
            charge,
            currency: self.currency,
            adds: self.adds,
            threshold_basis: self.threshold_basis.unwrap_or(Basis::Intrinsic),
            tariffs: self.tariffs,
            except: self.except,
            categories: self.categories,
            models: self.models,
            number: self.number,
            exchange_rounding: self.exchange_rounding.unwrap_or(Rounding::CENT),
            base_rounding: self.base_rounding.unwrap_or(Rounding::NONE),
            rounding: self.rounding.unwrap_or(Rounding::CENT),
            reason: self.reason,
            listed: listed(&self.source),
        })
    }
}

impl RateEntry {
    fn read(self, listed: impl Fn(&str) -> Arc<Listed>) -> Result<TariffRate, String> {
        if !is_tariff(&self.tariff) {
            return Err(format!("'{}' is no beginning of a tariff code: digits, twelve at most", self.tariff));
        }
        Ok(TariffRate {
            span: span(self.from.as_deref(), self.until.as_deref())?,
            percent: not_negative("percent", &self.percent)?,
            table: self.table,
            destinations: self.destinations,
            tariff: self.tariff,
            origin: self.origin,
            listed: listed(&self.source),
        })
    }
}

impl ExchangeEntry {
    fn read(self, listed: impl Fn(&str) -> Arc<Listed>) -> Result<Exchange, String> {
        let Self { currency, into, per, quoted, .. } = self;
        let rate = number("rate", &self.rate)?;
        let day = day(&self.from)?;
        let text = |error: super::exchange::ExchangeError| error.to_string();
        Exchange::new(currency, into, rate, per, quoted, day, listed(&self.source)).map_err(text)
    }
}

fn is_tariff(code: &str) -> bool {
    code.len() <= 12 && code.bytes().all(|c| c.is_ascii_digit())
}

fn number(name: &str, text: &str) -> Result<Exact, String> {
    text.parse().map_err(|error: MoneyError| format!("{name}: {error}"))
}

fn not_negative(name: &str, text: &str) -> Result<Exact, String> {
    match number(name, text)? {
        negative if negative.is_negative() => Err(format!("{name} is below zero")),
        number => Ok(number),
    }
}

fn day(text: &str) -> Result<Day, String> {
    text.parse().map_err(|error: crate::time::TimeError| error.to_string())
}

fn span(from: Option<&str>, until: Option<&str>) -> Result<Span, String> {
    let span = Span { from: from.map(day).transpose()?, until: until.map(day).transpose()? };
    if span.possible() { Ok(span) } else { Err("until is before from".into()) }
}
