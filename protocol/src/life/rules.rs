//! Rules that change with law, as dated data: deadlines of filings, and controls of agencies.
//!
//! A sample is built in. It is no legal advice: a member hands in its own.

use serde::Deserialize;

use crate::limits::MAX_LIFE_RULES;
use crate::names::{MemberId, Territory, words};
use crate::time::Day;

words!(
    /// What a deadline is counted from.
    Mark, "mark", {
        /// The loading on what leaves for the territory.
        Loading = "loading";
        /// The departure.
        Departure = "departure";
        /// The arrival in the territory.
        Arrival = "arrival";
    }
);

words!(
    /// Which voyages a deadline is for, by how long they take.
    Voyage, "voyage", {
        /// All.
        Any = "any";
        /// Those of at most so many minutes.
        Short = "short";
        /// Longer ones, and those whose length is not known.
        Long = "long";
    }
);

/// By when a filing has to be lodged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// Its name in results.
    pub id: String,
    /// Where the item goes, or first enters.
    pub territory: Territory,
    /// The filing, by its kind: `ens_preloading`, `import`.
    pub filing: String,
    /// Codes of the modes of transport (UN/ECE Recommendation 19) it is for; empty for all.
    pub modes: Vec<String>,
    /// Which voyages.
    pub voyage: Voyage,
    /// Up to how many minutes a voyage is short.
    pub short_minutes: u64,
    /// What it is counted from.
    pub mark: Mark,
    /// How many minutes before that it ends.
    pub minutes_before: u64,
    /// The first day on which it holds.
    pub from: Day,
    /// The last one.
    pub until: Option<Day>,
    /// The law that says so.
    pub source: String,
}

/// A control of an agency, which has to release as customs has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Its code, which decisions name.
    pub control: String,
    /// The agency, where it is a member.
    pub agency: Option<MemberId>,
    /// The goods: the first digits of their HS codes; empty for all.
    pub hs: String,
    /// Where they have to be from; any origin without it.
    pub origin: Option<Territory>,
    /// Where the item goes.
    pub destination: Territory,
    /// The first day on which it holds.
    pub from: Day,
    /// The last one.
    pub until: Option<Day>,
    /// The law that says so.
    pub source: String,
}

/// What a life is judged by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Deadlines of filings.
    pub deadlines: Vec<Deadline>,
    /// Controls of agencies.
    pub controls: Vec<Control>,
}

/// Why rules were refused.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Not TOML of the expected shape.
    #[error("the rules cannot be read: {0}\nhint: the built-in sample shows the form")]
    Form(#[from] toml::de::Error),
    /// A day that is none.
    #[error("rule '{rule}': {error}")]
    Day {
        /// The rule.
        rule: String,
        /// What is wrong.
        error: crate::time::TimeError,
    },
    /// Too many.
    #[error("more than {MAX_LIFE_RULES} rules of one kind")]
    TooMany,
    /// HS digits that are none.
    #[error(
        "rule '{rule}': '{found}' is not the beginning of an HS code\nhint: up to six digits, or none for all goods"
    )]
    Hs {
        /// The rule.
        rule: String,
        /// What was given.
        found: String,
    },
    /// A rule that ends before it begins.
    #[error("rule '{0}' ends before it begins")]
    Span(String),
}

const SAMPLE: &str = include_str!("sample.toml");

impl Rules {
    /// The built-in sample: deadlines of entry summary declarations in the European Union.
    ///
    /// # Errors
    /// None, which a test shows.
    pub fn sample() -> Result<Self, RulesError> {
        Self::from_toml(SAMPLE)
    }

    /// Reads rules: lists `deadline` and `control`.
    ///
    /// # Errors
    /// [`RulesError`] with the first that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, RulesError> {
        let draft: Draft = toml::from_str(text)?;
        if draft.deadline.len() > MAX_LIFE_RULES || draft.control.len() > MAX_LIFE_RULES {
            return Err(RulesError::TooMany);
        }
        let deadlines = draft.deadline.into_iter().map(DraftDeadline::check).collect::<Result<_, _>>()?;
        let controls = draft.control.into_iter().map(DraftControl::check).collect::<Result<_, _>>()?;
        Ok(Self { deadlines, controls })
    }
}

/// Whether a day is in a span.
pub(super) fn holds(from: Day, until: Option<Day>, day: Day) -> bool {
    from <= day && until.is_none_or(|until| day <= until)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    #[serde(default)]
    deadline: Vec<DraftDeadline>,
    #[serde(default)]
    control: Vec<DraftControl>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftDeadline {
    id: String,
    territory: Territory,
    filing: String,
    #[serde(default)]
    modes: Vec<String>,
    voyage: Option<Voyage>,
    #[serde(default)]
    short_minutes: u64,
    mark: Mark,
    minutes_before: u64,
    from: String,
    until: Option<String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftControl {
    control: String,
    agency: Option<MemberId>,
    #[serde(default)]
    hs: String,
    origin: Option<Territory>,
    destination: Territory,
    from: String,
    until: Option<String>,
    source: String,
}

impl DraftDeadline {
    fn check(self) -> Result<Deadline, RulesError> {
        let (from, until) = span(&self.id, &self.from, self.until.as_deref())?;
        Ok(Deadline {
            id: self.id,
            territory: self.territory,
            filing: self.filing,
            modes: self.modes,
            voyage: self.voyage.unwrap_or(Voyage::Any),
            short_minutes: self.short_minutes,
            mark: self.mark,
            minutes_before: self.minutes_before,
            from,
            until,
            source: self.source,
        })
    }
}

impl DraftControl {
    fn check(self) -> Result<Control, RulesError> {
        let (from, until) = span(&self.control, &self.from, self.until.as_deref())?;
        if self.hs.len() > 6 || !self.hs.bytes().all(|c| c.is_ascii_digit()) {
            return Err(RulesError::Hs { rule: self.control, found: self.hs });
        }
        Ok(Control {
            control: self.control,
            agency: self.agency,
            hs: self.hs,
            origin: self.origin,
            destination: self.destination,
            from,
            until,
            source: self.source,
        })
    }
}

fn span(rule: &str, from: &str, until: Option<&str>) -> Result<(Day, Option<Day>), RulesError> {
    let day = |text: &str| text.parse().map_err(|error| RulesError::Day { rule: rule.to_owned(), error });
    let (from, until) = (day(from)?, until.map(day).transpose()?);
    if until.is_some_and(|until| until < from) {
        return Err(RulesError::Span(rule.to_owned()));
    }
    Ok((from, until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_read_and_what_is_wrong_is_named() {
        let sample = Rules::sample().unwrap();
        assert!(sample.deadlines.iter().any(|deadline| deadline.id == "eu-air-preloading"));
        let control = |hs: &str, from: &str, until: &str| {
            format!("[[control]]\ncontrol='X'\nhs='{hs}'\ndestination='EU'\nfrom='{from}'\nuntil='{until}'\nsource='s'")
        };
        assert!(Rules::from_toml(&control("9503", "2026-01-01", "2026-12-31")).is_ok());
        for (bad, told) in [
            (control("95x", "2026-01-01", "2026-12-31"), "HS code"),
            (control("9503", "2026-01-32", "2026-12-31"), "2026-01-32"),
            (control("9503", "2026-02-01", "2026-01-31"), "ends before"),
            ("[[control]]\ncolour = 1".to_owned(), "colour"),
        ] {
            let error = Rules::from_toml(&bad).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
