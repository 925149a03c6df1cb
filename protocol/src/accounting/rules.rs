//! Terms and tolerances, as dated data.
//!
//! A sample is built in; a member hands in its own, which takes the sample's place.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::class::Class;
use crate::limits::{MAX_BOOK_BYTES, MAX_LIFE_RULES, MAX_RETENTION_DAYS};
use crate::names::{Purpose, words};
use crate::revenue::{Exact, Stage};
use crate::time::{Day, Millis, TimeError};

words!(
    /// What a term is for.
    TermKind, "term", {
        /// From the first filing to an arrival.
        Arrival = "arrival";
        /// From an arrival to a declaration.
        Declaration = "declaration";
        /// From assessment to collection.
        Collection = "collection";
        /// From collection to remittance.
        Remittance = "remittance";
        /// From the way back to the money.
        Refund = "refund";
        /// From the money to the way back.
        Return = "return";
        /// From the day on which a summary is due to its payment.
        Payment = "payment";
    }
);

words!(
    /// What a tolerance is for.
    ToleranceKind, "tolerance", {
        /// Packages.
        Packages = "packages";
        /// Pieces.
        Pieces = "pieces";
        /// Gross mass in kilograms.
        Mass = "mass";
        /// Value, in units of its currency.
        Value = "value";
        /// Duty and tax, in units of their currency.
        Duty = "duty";
    }
);

/// How many days something may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What.
    pub what: TermKind,
    /// Days.
    pub days: u64,
    /// The first day on which it holds.
    pub from: Day,
    /// The last one.
    pub until: Option<Day>,
    /// Who says so.
    pub source: String,
}

/// By how much something may differ: within either of both it is no difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tolerance {
    /// What.
    pub what: ToleranceKind,
    /// By so much.
    pub most: Exact,
    /// By so many per cent of what is declared.
    pub percent: Exact,
    /// The first day on which it holds.
    pub from: Day,
    /// The last one.
    pub until: Option<Day>,
    /// Who says so.
    pub source: String,
}

/// What is judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Purposes whose views are looked at.
    pub purposes: BTreeSet<Purpose>,
    /// The stage of the records of duty that summaries list.
    pub summary_stage: Stage,
    /// Classes that this member does not look for: it does not see what would settle them.
    pub off: BTreeSet<Class>,
    terms: Vec<Term>,
    tolerances: Vec<Tolerance>,
}

/// Why rules were refused.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Not TOML of the expected shape.
    #[error("the rules cannot be read: {0}\nhint: the built-in sample shows the form")]
    Form(#[from] toml::de::Error),
    /// A day that is none.
    #[error("{what}: {error}")]
    Day {
        /// The rule.
        what: String,
        /// What is wrong.
        error: TimeError,
    },
    /// A number that is none, or below zero.
    #[error("tolerance {what}: '{found}' is not a decimal number from 0 on")]
    Number {
        /// The rule.
        what: ToleranceKind,
        /// What was given.
        found: String,
    },
    /// Too many, or too many days.
    #[error(
        "more than {MAX_LIFE_RULES} rules of one kind, {MAX_BOOK_BYTES} bytes, or {MAX_RETENTION_DAYS} days in a term"
    )]
    TooMany,
    /// Two for one day, so that which holds is not told.
    #[error("two rules for {what} begin on {from}")]
    Twice {
        /// What they are for.
        what: String,
        /// The day.
        from: Day,
    },
}

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

impl Rules {
    /// The built-in sample.
    ///
    /// # Errors
    /// None, which a test shows.
    pub fn sample() -> Result<Self, RulesError> {
        Self::from_toml(include_str!("sample.toml"))
    }

    /// Reads rules. Of those that hold on a day the one that began last counts.
    ///
    /// # Errors
    /// [`RulesError`] with the first that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, RulesError> {
        if text.len() > MAX_BOOK_BYTES {
            return Err(RulesError::TooMany);
        }
        let draft: Draft = toml::from_str(text)?;
        if draft.term.len() > MAX_LIFE_RULES || draft.tolerance.len() > MAX_LIFE_RULES {
            return Err(RulesError::TooMany);
        }
        let mut rules = Self {
            purposes: draft.purposes.into_iter().collect(),
            summary_stage: draft.summary_stage,
            off: draft.off.into_iter().collect(),
            terms: Vec::new(),
            tolerances: Vec::new(),
        };
        for one in draft.term {
            let (from, until) = span(one.what.word(), &one.from, one.until.as_deref())?;
            if one.days > MAX_RETENTION_DAYS {
                return Err(RulesError::TooMany);
            }
            if rules.terms.iter().any(|known| known.what == one.what && known.from == from) {
                return Err(RulesError::Twice { what: one.what.to_string(), from });
            }
            rules.terms.push(Term { what: one.what, days: one.days, from, until, source: one.source });
        }
        for one in draft.tolerance {
            let (from, until) = span(one.what.word(), &one.from, one.until.as_deref())?;
            let number = |text: Option<String>| match text {
                None => Ok(Exact::ZERO),
                Some(text) => match text.parse::<Exact>() {
                    Ok(number) if !number.is_negative() => Ok(number),
                    _ => Err(RulesError::Number { what: one.what, found: text.chars().take(40).collect() }),
                },
            };
            if rules.tolerances.iter().any(|known| known.what == one.what && known.from == from) {
                return Err(RulesError::Twice { what: one.what.to_string(), from });
            }
            let (most, percent) = (number(one.most)?, number(one.percent)?);
            rules.tolerances.push(Tolerance { what: one.what, most, percent, from, until, source: one.source });
        }
        Ok(rules)
    }

    /// When a term ends that begins at a time; none where no rule holds then. Terms end at whole seconds, rounded up.
    pub fn ends(&self, what: TermKind, begins: Millis) -> Option<Millis> {
        let day = begins.day();
        let holding = self
            .terms
            .iter()
            .filter(|term| term.what == what && term.from <= day && term.until.is_none_or(|until| day <= until));
        let term = holding.max_by_key(|term| term.from)?;
        let second = begins.0.div_ceil(1_000).saturating_mul(1_000);
        Some(Millis(second).plus(term.days * DAY))
    }

    /// Whether two values, the first of which is declared, agree on a day.
    pub fn agree(&self, what: ToleranceKind, declared: Exact, found: Exact, day: Day) -> bool {
        let Ok(difference) = found.minus(declared) else { return false };
        let size = if difference.is_negative() { difference.negative().unwrap_or(difference) } else { difference };
        if size.is_zero() {
            return true;
        }
        let holding = self
            .tolerances
            .iter()
            .filter(|one| one.what == what && one.from <= day && one.until.is_none_or(|until| day <= until));
        let Some(tolerance) = holding.max_by_key(|one| one.from) else { return false };
        let hundredth = Exact::new(1, 2).unwrap_or(Exact::ZERO);
        let share = declared.times(tolerance.percent).and_then(|share| share.times(hundredth));
        size <= tolerance.most || share.is_ok_and(|share| size <= share)
    }
}

fn span(what: &str, from: &str, until: Option<&str>) -> Result<(Day, Option<Day>), RulesError> {
    let day = |text: &str| text.parse().map_err(|error| RulesError::Day { what: what.to_owned(), error });
    Ok((day(from)?, until.map(day).transpose()?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    #[serde(default = "revenue")]
    purposes: Vec<Purpose>,
    #[serde(default = "collected")]
    summary_stage: Stage,
    #[serde(default)]
    off: Vec<Class>,
    #[serde(default)]
    term: Vec<DraftTerm>,
    #[serde(default)]
    tolerance: Vec<DraftTolerance>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftTerm {
    what: TermKind,
    days: u64,
    from: String,
    until: Option<String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftTolerance {
    what: ToleranceKind,
    most: Option<String>,
    percent: Option<String>,
    from: String,
    until: Option<String>,
    source: String,
}

fn revenue() -> Vec<Purpose> {
    vec![Purpose::Revenue]
}

fn collected() -> Stage {
    Stage::Collected
}
