//! A file of rules as it is written, and how it changes a book. Its form is told at [`super::RuleBook`].

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use serde::Deserialize;

use super::book::{RuleBook, millionths, possible};
use super::catalogue::{Rule, Severity};
use super::listed::{Listed, Span};
use super::rules::{
    Exclusion, Level, Obligation, Path, Rate, ReleaseCategory, ReleaseRule, Threshold, ThresholdKind, When,
};
use super::tariff::Tariff;
use crate::limits::MAX_BOOK_ENTRIES;
use crate::names::Territory;
use crate::record::{Decimal, HS, tables};
use crate::time::Day;

/// A place in the file and what is wrong there.
pub(super) type Wrong = (String, String);

/// A file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: String,
    version: String,
    #[serde(default)]
    replace: Vec<Section>,
    #[serde(default)]
    severity: BTreeMap<String, Setting>,
    #[serde(default)]
    stop_words: Vec<WordsEntry>,
    #[serde(default)]
    hs: Vec<TariffEntry>,
    #[serde(default)]
    territory: Vec<TerritoryEntry>,
    #[serde(default)]
    currency: Vec<CurrencyEntry>,
    #[serde(default)]
    operator: Vec<OperatorEntry>,
    #[serde(default)]
    ioss_state: Vec<StateEntry>,
    #[serde(default)]
    rate: Vec<RateEntry>,
    #[serde(default)]
    threshold: Vec<ThresholdEntry>,
    #[serde(default)]
    obligation: Vec<ObligationEntry>,
    #[serde(default)]
    release: Vec<ReleaseEntry>,
    #[serde(default)]
    exclusion: Vec<ExclusionEntry>,
    plausible: Option<PlausibleEntry>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Section {
    Threshold,
    Obligation,
    Release,
    Exclusion,
    Rate,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Setting {
    Off,
    Notice,
    Warning,
    Error,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WordsEntry {
    from: String,
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TariffEntry {
    edition: u64,
    codes: Vec<String>,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TerritoryEntry {
    code: Territory,
    from: Option<String>,
    until: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CurrencyEntry {
    code: String,
    decimals: Option<u8>,
    until: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorEntry {
    code: Territory,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateEntry {
    number: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateEntry {
    currency: String,
    into: String,
    #[serde(default = "one")]
    per: u32,
    rate: String,
    from: String,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdEntry {
    kind: ThresholdKind,
    destinations: Vec<Territory>,
    from: Option<String>,
    until: Option<String>,
    #[serde(default)]
    data_sets: Vec<String>,
    most: String,
    currency: String,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObligationEntry {
    destinations: Vec<Territory>,
    from: Option<String>,
    until: Option<String>,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    data_sets: Vec<String>,
    level: Level,
    /// Each of these is an obligation of its own.
    #[serde(default)]
    all_of: Vec<String>,
    /// Any one of these.
    #[serde(default)]
    any_of: Vec<String>,
    #[serde(default)]
    condition: String,
    #[serde(default)]
    when: WhenEntry,
    source: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhenEntry {
    present: Option<String>,
    absent: Option<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    transactions: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseEntry {
    destinations: Vec<Territory>,
    from: Option<String>,
    until: Option<String>,
    category: ReleaseCategory,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    transactions: Vec<String>,
    ioss: Option<bool>,
    most: Option<String>,
    currency: Option<String>,
    #[serde(default)]
    required: Vec<String>,
    reason: String,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExclusionEntry {
    #[serde(default)]
    destinations: Vec<Territory>,
    from: Option<String>,
    until: Option<String>,
    hs: Vec<String>,
    reason: String,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlausibleEntry {
    postal_most_kg: Option<String>,
    piece_least_kg: Option<String>,
    piece_most_kg: Option<String>,
    value_most: Option<String>,
    #[serde(default)]
    source: String,
}

fn one() -> u32 {
    1
}

impl File {
    /// Changes a book; on an error it may be changed in part, so the caller drops it.
    pub(super) fn apply(self, book: &mut RuleBook) -> Result<(), Wrong> {
        let version = self.version;
        let listed = |name: &str, source: &str| Listed::new(name, &version, source);
        for section in self.replace {
            match section {
                Section::Threshold => book.thresholds.clear(),
                Section::Obligation => book.obligations.clear(),
                Section::Release => book.release.clear(),
                Section::Exclusion => book.exclusions.clear(),
                Section::Rate => book.rates.clear(),
            }
        }
        for (id, setting) in self.severity {
            let rule: Rule = id.parse().map_err(|what| ("[severity]".to_owned(), what))?;
            let severity = match setting {
                Setting::Off => None,
                Setting::Notice => Some(Severity::Notice),
                Setting::Warning => Some(Severity::Warning),
                Setting::Error => Some(Severity::Error),
            };
            book.severities.insert(rule, severity);
        }
        each("stop_words", self.stop_words, |entry| entry.apply(book, &version))?;
        each("hs", self.hs, |entry| entry.apply(book))?;
        each("territory", self.territory, |entry| {
            book.territories.set(entry.code, span(entry.from.as_deref(), entry.until.as_deref())?);
            book.territories.listed = changed(&book.territories.listed, &version);
            Ok(())
        })?;
        each("currency", self.currency, |entry| entry.apply(book, &version))?;
        each("operator", self.operator, |entry| {
            book.operators.add(entry.code);
            book.operators.listed = changed(&book.operators.listed, &version);
            Ok(())
        })?;
        each("ioss_state", self.ioss_state, |entry| {
            book.ioss_states.push(entry.number);
            book.ioss = changed(&book.ioss, &version);
            Ok(())
        })?;
        read_each("rate", self.rate, |entry| entry.read(&listed), |one| book.rates.push(one))?;
        read_each("threshold", self.threshold, |entry| entry.read(&listed), |one| book.thresholds.push(one))?;
        read_each("obligation", self.obligation, |entry| entry.read(&listed), |some| book.obligations.extend(some))?;
        read_each("release", self.release, |entry| entry.read(&listed), |one| book.release.push(one))?;
        read_each("exclusion", self.exclusion, |entry| entry.read(&listed), |one| book.exclusions.push(one))?;
        if let Some(entry) = self.plausible {
            entry.apply(book, &listed).map_err(|what| ("[plausible]".to_owned(), what))?;
        }
        Ok(())
    }
}

/// Names a list of this name and source in the file's version.
type Listing<'l> = &'l dyn Fn(&str, &str) -> Arc<Listed>;

/// Takes every entry of a section, at most [`MAX_BOOK_ENTRIES`].
fn each<T>(section: &str, entries: Vec<T>, mut take: impl FnMut(T) -> Result<(), String>) -> Result<(), Wrong> {
    if entries.len() > MAX_BOOK_ENTRIES {
        return Err((format!("[[{section}]]"), format!("more than {MAX_BOOK_ENTRIES} entries")));
    }
    let mut numbered = entries.into_iter().enumerate();
    numbered.try_for_each(|(at, entry)| take(entry).map_err(|what| (format!("[[{section}]] {}", at + 1), what)))
}

/// Reads every entry of a section and keeps what it gives.
fn read_each<T, R>(
    section: &str,
    entries: Vec<T>,
    read: impl Fn(T) -> Result<R, String>,
    mut keep: impl FnMut(R),
) -> Result<(), Wrong> {
    each(section, entries, |entry| {
        keep(read(entry)?);
        Ok(())
    })
}

/// The same list after a file of this version changed it.
fn changed(list: &Listed, version: &str) -> Arc<Listed> {
    match list.version.ends_with(version) {
        true => Arc::new(list.clone()),
        false => Listed::new(&list.name, &format!("{}, {version}", list.version), &list.source),
    }
}

impl WordsEntry {
    fn apply(self, book: &mut RuleBook, version: &str) -> Result<(), String> {
        let from: Day = read(&self.from)?;
        let Some((last, words)) = book.stop_words.last() else { return Ok(()) };
        if last.is_some_and(|last| from < last) {
            return Err(format!(
                "from {from} is before the words that are there; they are changed in the order of days"
            ));
        }
        let mut words = words.clone();
        let source = format!("{}; {}", words.listed.source, self.source);
        words.change(&self.add, &self.remove, Listed::new("stop-words", &format!("{from} ({version})"), &source));
        book.stop_words.push((Some(from), words));
        Ok(())
    }
}

impl TariffEntry {
    fn apply(self, book: &mut RuleBook) -> Result<(), String> {
        if !HS.knows(self.edition) {
            return Err(format!("records cannot name an edition {}", self.edition));
        }
        let mut tariff = Tariff::new(self.edition, &self.source);
        if let Some(code) = self.codes.iter().find(|code| !tariff.add(code)) {
            return Err(format!("'{code}' is no code of six digits"));
        }
        book.tariffs.retain(|known| known.year != self.edition);
        book.tariffs.push(tariff);
        Ok(())
    }
}

impl CurrencyEntry {
    fn apply(self, book: &mut RuleBook, version: &str) -> Result<(), String> {
        currency(&self.code)?;
        if let Some(decimals) = self.decimals {
            if decimals > 4 {
                return Err(format!("{decimals} decimals; a currency has at most 4"));
            }
            book.currencies.set(&self.code, decimals);
        }
        if let Some(last) = &self.until {
            book.currencies.withdraw(&self.code, read(last)?);
        }
        book.currencies.listed = changed(&book.currencies.listed, version);
        Ok(())
    }
}

impl RateEntry {
    fn read(self, listed: Listing<'_>) -> Result<Rate, String> {
        let rate = Rate {
            currency: currency(&self.currency)?,
            into: currency(&self.into)?,
            per: self.per,
            rate: decimal(&self.rate)?,
            from: read(&self.from)?,
            listed: listed("rates", &self.source),
        };
        if rate.per == 0 || millionths(rate.rate) <= 0 {
            return Err("a rate is above zero, for one unit at least".into());
        }
        Ok(rate)
    }
}

impl ThresholdEntry {
    fn read(self, listed: Listing<'_>) -> Result<Threshold, String> {
        Ok(Threshold {
            kind: self.kind,
            span: span(self.from.as_deref(), self.until.as_deref())?,
            destinations: self.destinations,
            data_sets: self.data_sets,
            most: decimal(&self.most)?,
            currency: currency(&self.currency)?,
            listed: listed("thresholds", &self.source),
        })
    }
}

impl ObligationEntry {
    fn read(self, listed: Listing<'_>) -> Result<Vec<Obligation>, String> {
        let optional = |text: &Option<String>| text.as_deref().map(path).transpose();
        let when = When {
            present: optional(&self.when.present)?,
            absent: optional(&self.when.absent)?,
            categories: self.when.categories,
            transactions: self.when.transactions,
        };
        if self.level != Level::Conditional && !when.is_empty() {
            return Err("when is for level = \"conditional\"".into());
        }
        let mut wanted: Vec<Vec<Path>> =
            self.all_of.iter().map(|one| path(one).map(|path| vec![path])).collect::<Result<_, _>>()?;
        let any_of: Vec<Path> = self.any_of.iter().map(|one| path(one)).collect::<Result<_, _>>()?;
        wanted.extend((!any_of.is_empty()).then_some(any_of));
        if wanted.is_empty() {
            return Err("all_of and any_of name nothing".into());
        }
        let obligation = Obligation {
            span: span(self.from.as_deref(), self.until.as_deref())?,
            destinations: self.destinations,
            kinds: self.kinds,
            data_sets: self.data_sets,
            level: self.level,
            any_of: Vec::new(),
            when,
            condition: self.condition,
            listed: listed("obligations", &self.source),
        };
        Ok(wanted.into_iter().map(|any_of| Obligation { any_of, ..obligation.clone() }).collect())
    }
}

impl ReleaseEntry {
    fn read(self, listed: Listing<'_>) -> Result<ReleaseRule, String> {
        let most = match (&self.most, &self.currency) {
            (Some(most), Some(code)) => Some((decimal(most)?, currency(code)?)),
            (None, None) => None,
            _ => return Err("most and currency go together".into()),
        };
        Ok(ReleaseRule {
            span: span(self.from.as_deref(), self.until.as_deref())?,
            destinations: self.destinations,
            category: self.category,
            categories: self.categories,
            transactions: self.transactions,
            ioss: self.ioss,
            most,
            required: self.required.iter().map(|one| path(one)).collect::<Result<_, _>>()?,
            reason: self.reason,
            listed: listed("release", &self.source),
        })
    }
}

impl ExclusionEntry {
    fn read(self, listed: Listing<'_>) -> Result<Exclusion, String> {
        let digits = |code: &&String| !(1..=6).contains(&code.len()) || !code.bytes().all(|c| c.is_ascii_digit());
        if let Some(code) = self.hs.iter().find(digits) {
            return Err(format!("'{code}' is no beginning of an HS code"));
        }
        Ok(Exclusion {
            span: span(self.from.as_deref(), self.until.as_deref())?,
            destinations: self.destinations,
            hs: self.hs,
            reason: self.reason,
            listed: listed("exclusions", &self.source),
        })
    }
}

impl PlausibleEntry {
    fn apply(self, book: &mut RuleBook, listed: Listing<'_>) -> Result<(), String> {
        let bounds = &mut book.plausible;
        let entries = [
            (&self.postal_most_kg, &mut bounds.postal_most_kg),
            (&self.piece_least_kg, &mut bounds.piece_least_kg),
            (&self.piece_most_kg, &mut bounds.piece_most_kg),
            (&self.value_most, &mut bounds.value_most),
        ];
        for (text, bound) in entries {
            if let Some(text) = text {
                *bound = decimal(text)?;
            }
        }
        bounds.listed = listed("plausible", &self.source);
        Ok(())
    }
}

fn read<T: std::str::FromStr<Err = impl Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn decimal(text: &str) -> Result<Decimal, String> {
    text.parse().map_err(|()| format!("'{text}' is not a decimal of at most six digits after the point"))
}

fn span(from: Option<&str>, until: Option<&str>) -> Result<Span, String> {
    possible(Span { from: from.map(read).transpose()?, until: until.map(read).transpose()? })
}

fn currency(text: &str) -> Result<String, String> {
    match text.len() == 3 && text.bytes().all(|c| c.is_ascii_uppercase()) {
        true => Ok(text.to_owned()),
        false => Err(format!("'{text}' is not three capital letters")),
    }
}

/// A path that some version of a declaration has.
fn path(text: &str) -> Result<Path, String> {
    let path: Path = text.parse()?;
    match tables().any(|table| table.name == "declaration" && path.find(table).is_some()) {
        true => Ok(path),
        false => Err(format!("no declaration has '{text}'\nhint: a group, or group.field")),
    }
}
