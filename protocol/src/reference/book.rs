//! The rule book: every list and dated rule that checks use. The built-in one is the default; an operator's file changes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalogue::{Rule, Severity};
use super::currencies::Currencies;
use super::file::File;
use super::listed::{Listed, Span};
use super::rules::{Exclusion, Obligation, Plausible, Rate, ReleaseRule, Threshold, ThresholdKind, reaches};
use super::s10::Operators;
use super::tariff::Tariff;
use super::territories::Territories;
use super::words::StopWords;
use crate::names::Territory;
use crate::record::Decimal;
use crate::time::Day;

/// The dated rules that are built in, in the form that an operator's file has.
const BUILTIN: &str = include_str!("builtin.toml");

/// Lists and dated rules.
///
/// An operator's file is TOML. What it names is added to the book; the sections in `replace` are emptied first:
///
/// ```toml
/// name = "customs-kr"                     # stands in every finding that rests on this file, with its version
/// version = "2026-12-01"
/// replace = ["release"]                   # threshold, obligation, release, exclusion, rate
///
/// [severity]                              # how bad a rule is here: notice, warning, error, or off
/// "description.stop_word" = "off"
///
/// [[stop_words]]                          # each changes the words of the one before it, from a day on
/// from = "2026-05-04"
/// add = ["glass"]
/// remove = ["fuel"]
/// source = "ICS2, update of that day"
///
/// [[hs]]                                  # codes of an edition that records may name
/// edition = 2028
/// codes = ["010121"]
/// source = "WCO"
///
/// [[territory]]
/// code = "AN"
/// until = "2011-09-30"                    # the last day
///
/// [[currency]]
/// code = "BGN"
/// decimals = 2
/// until = "2026-01-31"
///
/// [[operator]]                            # an operator that numbers items (S10)
/// code = "TW"
///
/// [[ioss_state]]                          # a state that gives IOSS numbers
/// number = 532
///
/// [[rate]]                                # 100 JPY are 0.61 EUR until the next rate
/// currency = "JPY"
/// into = "EUR"
/// per = 100
/// rate = "0.61"
/// from = "2026-12-01"
/// source = "customs rates of December"
///
/// [[threshold]]                           # ioss or simplified
/// kind = "ioss"
/// destinations = ["EU", "XI"]             # a state of the EU lies in EU
/// from = "2021-07-01"
/// most = "150"
/// currency = "EUR"
/// source = "Directive 2006/112/EC"
///
/// [[obligation]]
/// destinations = ["KR"]
/// from = "2026-12-01"
/// kinds = ["import"]                      # values of filing.kind; left out: every one
/// data_sets = ["H7"]                      # values of filing.data_set; left out: every one
/// level = "conditional"                   # required, conditional, voluntary
/// any_of = ["product.gtin", "product.manufacturer_id"]
/// condition = "sold at a distance"        # in words
/// when = { transactions = ["b2c"] }       # also categories, present, absent; left out: people decide
/// source = "notice 2026-81"
///
/// [[release]]                             # immediate release; the first that fits counts
/// destinations = ["KR"]
/// category = "three"                      # one, two, three, four
/// categories = ["sale_of_goods"]          # of item; left out: any
/// most = "150"
/// currency = "USD"
/// required = ["content.description", "value"]
/// reason = "low value"
/// source = "notice 2026-82"
///
/// [[exclusion]]                           # kept out of immediate release
/// destinations = ["KR"]
/// hs = ["93"]                             # beginnings of codes
/// reason = "arms"
/// source = "notice 2026-83"
///
/// [plausible]                             # bounds beyond which nothing is believed
/// postal_most_kg = "31.5"
/// ```
#[derive(Debug, Clone)]
pub struct RuleBook {
    /// Countries and customs territories.
    pub territories: Territories,
    /// Currencies.
    pub currencies: Currencies,
    /// Editions of the Harmonized System whose codes are known.
    pub tariffs: Vec<Tariff>,
    /// Operators that number postal items.
    pub operators: Operators,
    /// Name, version and source of the numbers of traders and articles (EORI, VAT, GS1).
    pub numbers: Arc<Listed>,
    /// Name, version and source of the states that give IOSS numbers.
    pub ioss: Arc<Listed>,
    /// Further states that give IOSS numbers, by their ISO 3166-1 numbers.
    pub ioss_states: Vec<u16>,
    /// Stop words, each from a day on, in the order of these days.
    pub(super) stop_words: Vec<(Option<Day>, StopWords)>,
    /// Thresholds.
    pub thresholds: Vec<Threshold>,
    /// Obligations.
    pub obligations: Vec<Obligation>,
    /// Immediate release.
    pub release: Vec<ReleaseRule>,
    /// Goods kept out of it.
    pub exclusions: Vec<Exclusion>,
    /// Rates of exchange.
    pub rates: Vec<Rate>,
    /// Bounds of what is plausible.
    pub plausible: Plausible,
    /// Severities other than a rule's own; `None` is off.
    pub(super) severities: BTreeMap<Rule, Option<Severity>>,
}

/// Why a file of rules was refused.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// It is not TOML, or has a key that there is not, or lacks one.
    #[error(
        "the rules cannot be read: {0}hint: the documentation of luxor_protocol::reference::RuleBook shows every key"
    )]
    Toml(#[from] toml::de::Error),
    /// An entry cannot work.
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

impl RuleBook {
    /// The built-in book.
    ///
    /// # Errors
    /// [`BookError`], which is a defect.
    pub fn builtin() -> Result<Self, BookError> {
        let nothing = |name: &str| Listed::new(name, "built-in", "nothing");
        let bare = Self {
            territories: Territories::builtin(),
            currencies: Currencies::builtin(),
            tariffs: vec![Tariff::builtin()],
            operators: Operators::builtin(),
            numbers: Listed::new(
                "numbers",
                "2026-11-23",
                "forms and check digits as issuers publish them, those well known",
            ),
            ioss: Listed::new(
                "ioss",
                "2026-11-23",
                "states of identification by ISO 3166-1 number, Northern Ireland as 900",
            ),
            ioss_states: Vec::new(),
            stop_words: vec![(None, StopWords::builtin())],
            thresholds: Vec::new(),
            obligations: Vec::new(),
            release: Vec::new(),
            exclusions: Vec::new(),
            rates: Vec::new(),
            plausible: Plausible {
                postal_most_kg: Decimal { mantissa: 315, scale: 1 },
                piece_least_kg: Decimal { mantissa: 1, scale: 4 },
                piece_most_kg: Decimal { mantissa: 100_000_000, scale: 0 },
                value_most: Decimal { mantissa: 1_000_000_000, scale: 0 },
                listed: nothing("plausible"),
            },
            severities: BTreeMap::new(),
        };
        bare.with(BUILTIN)
    }

    /// The book changed by a file.
    ///
    /// # Errors
    /// [`BookError`] with the first entry that cannot work; nothing is changed then.
    pub fn with(mut self, toml: &str) -> Result<Self, BookError> {
        let file: File = toml::from_str(toml)?;
        let name = file.name.clone();
        file.apply(&mut self).map_err(|(place, what)| BookError::Entry { name, place, what })?;
        Ok(self)
    }

    /// How bad a rule is in this book; `None` where it is off.
    pub fn severity(&self, rule: Rule) -> Option<Severity> {
        self.severities.get(&rule).copied().unwrap_or(Some(rule.severity()))
    }

    /// The codes of an edition of the Harmonized System, where they are known.
    pub fn tariff(&self, year: u64) -> Option<&Tariff> {
        self.tariffs.iter().find(|tariff| tariff.year == year)
    }

    /// The stop words of a day.
    pub fn stop_words(&self, day: Day) -> Option<&StopWords> {
        self.stop_words.iter().rev().find(|(from, _)| from.is_none_or(|from| from <= day)).map(|(_, words)| words)
    }

    /// What holds at a destination on a day, for a kind of threshold.
    pub fn thresholds(
        &self,
        kind: ThresholdKind,
        destination: Territory,
        day: Day,
    ) -> impl Iterator<Item = &Threshold> {
        let holds =
            move |one: &&Threshold| one.kind == kind && one.span.holds(day) && reaches(&one.destinations, destination);
        self.thresholds.iter().filter(holds)
    }

    /// What a destination asks for on a day.
    pub fn obligations(&self, destination: Territory, day: Day) -> impl Iterator<Item = &Obligation> {
        self.obligations.iter().filter(move |one| one.span.holds(day) && reaches(&one.destinations, destination))
    }

    /// An amount in another currency, by the rate of a day, in millionths, rounded half up; `None` without a rate.
    pub fn in_millionths(&self, amount: i128, currency: &str, into: &str, day: Day) -> Option<i128> {
        if currency == into {
            return Some(amount);
        }
        let of_pair =
            self.rates.iter().filter(|rate| rate.currency == currency && rate.into == into && rate.from <= day);
        let rate = of_pair.max_by_key(|rate| rate.from)?;
        let (up, down) = (millionths(rate.rate), i128::from(rate.per) * 1_000_000);
        Some((amount.checked_mul(up)? + down / 2).div_euclid(down))
    }

    /// Which lists there are: name, version and source of each, for people.
    pub fn lists(&self) -> Vec<Arc<Listed>> {
        let mut all =
            vec![&self.territories.listed, &self.currencies.listed, &self.operators.listed, &self.numbers, &self.ioss];
        all.extend(self.tariffs.iter().map(|tariff| &tariff.listed));
        all.extend(self.stop_words.iter().map(|(_, words)| &words.listed));
        all.extend(self.thresholds.iter().map(|one| &one.listed));
        all.extend(self.obligations.iter().map(|one| &one.listed));
        all.extend(self.release.iter().map(|one| &one.listed));
        all.extend(self.exclusions.iter().map(|one| &one.listed));
        all.extend(self.rates.iter().map(|one| &one.listed));
        all.push(&self.plausible.listed);
        let mut lists: Vec<Arc<Listed>> = Vec::new();
        for list in all {
            if !lists.contains(list) {
                lists.push(Arc::clone(list));
            }
        }
        lists
    }
}

/// A decimal in millionths, which every decimal is a whole number of.
pub(crate) fn millionths(decimal: Decimal) -> i128 {
    i128::from(decimal.mantissa) * 10i128.pow(u32::from(Decimal::MAX_SCALE.saturating_sub(decimal.scale)))
}

/// Whether a span can hold, or what is wrong with it.
pub(super) fn possible(span: Span) -> Result<Span, String> {
    if span.possible() { Ok(span) } else { Err("until is before from".into()) }
}
