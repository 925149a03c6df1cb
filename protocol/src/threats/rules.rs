//! From hits to a proposal, by dated rules: what is proposed from which score on, and how much less a trusted trader's benefits make of it.
//!
//! A sample is built in; a member hands in its own. Not here: who decides about a proposal.

use serde::Deserialize;

use super::desk::Ground;
use super::indicator::{Advice, Threat};
use super::screener::{Hit, MILLION};
use crate::document::Benefit;
use crate::limits::MAX_SCREENING_RULES;
use crate::reference::Span;
use crate::time::Day;

/// What is proposed from which score on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name in results.
    pub id: String,
    /// What it proposes.
    pub propose: Advice,
    /// From this score on, in thousandths.
    pub min_score: u64,
    /// For hits by indicators of these threats; empty for all.
    pub threats: Vec<Threat>,
    /// For hits by indicators that advise this or more.
    pub advised: Option<Advice>,
    /// The days on which it holds.
    pub span: Span,
}

/// How much less is made of a score for a trader with a benefit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ease {
    /// The benefit, as agreements name it.
    pub benefit: Benefit,
    /// Of a score remain so many thousandths.
    pub remains: u64,
    /// Threats of which nothing is taken away.
    pub never: Vec<Threat>,
    /// The days on which it holds.
    pub span: Span,
}

/// Rules of screening.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScreeningRules {
    /// What is proposed.
    pub rules: Vec<Rule>,
    /// What a trader's benefits make of it.
    pub eases: Vec<Ease>,
}

/// Why rules were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScreeningRulesError {
    /// They are no TOML of this form.
    #[error("{0}")]
    Form(String),
    /// A row that cannot hold.
    #[error("{row}: {what}")]
    Row {
        /// Which.
        row: String,
        /// What is wrong.
        what: String,
    },
    /// Too many.
    #[error("{0} rows; at most {MAX_SCREENING_RULES}")]
    Limit(usize),
}

/// What hits come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment<'r> {
    /// How likely one of them is right, if each is right or wrong by itself: in parts of a [`MILLION`].
    pub score: u64,
    /// What is proposed, and the rule that says so: the strongest.
    pub proposal: Option<(Advice, &'r Rule)>,
    /// Benefits that made the score less.
    pub eased_by: Vec<Benefit>,
}

const SAMPLE: &str = include_str!("sample.toml");

impl ScreeningRules {
    /// The built-in sample.
    ///
    /// # Errors
    /// None in a build whose tests passed.
    pub fn sample() -> Result<Self, ScreeningRulesError> {
        Self::from_toml(SAMPLE)
    }

    /// The text of the sample, to begin from.
    pub fn template() -> &'static str {
        SAMPLE
    }

    /// Reads rules.
    ///
    /// # Errors
    /// [`ScreeningRulesError`] with the first row that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, ScreeningRulesError> {
        let file: RulesFile = toml::from_str(text).map_err(|error| ScreeningRulesError::Form(error.to_string()))?;
        let rows = file.rule.len() + file.ease.len();
        if rows > MAX_SCREENING_RULES {
            return Err(ScreeningRulesError::Limit(rows));
        }
        let rules = file.rule.into_iter().map(RuleRow::checked).collect::<Result<Vec<_>, _>>()?;
        for (at, rule) in rules.iter().enumerate() {
            if rules[..at].iter().any(|before| before.id == rule.id) {
                return Err(row(format!("rule '{}'", rule.id), "its id stands twice"));
            }
        }
        Ok(Self { rules, eases: file.ease.into_iter().map(EaseRow::checked).collect::<Result<_, _>>()? })
    }

    /// What hits come to on a day, for a trader with these benefits.
    pub fn assess(&self, hits: &[Hit<'_>], benefits: &[Benefit], day: Day) -> Assessment<'_> {
        let weighed = hits.iter().map(|hit| (hit.indicator.threat, hit.indicator.advice, hit.score));
        self.weigh(&weighed.collect::<Vec<_>>(), benefits, day)
    }

    /// The same of what is kept of them.
    pub fn assess_grounds(&self, grounds: &[Ground], benefits: &[Benefit], day: Day) -> Assessment<'_> {
        let weighed = grounds.iter().map(|ground| (ground.threat, ground.advice, ground.score));
        self.weigh(&weighed.collect::<Vec<_>>(), benefits, day)
    }

    fn weigh(&self, hits: &[(Threat, Advice, u64)], benefits: &[Benefit], day: Day) -> Assessment<'_> {
        let eases: Vec<&Ease> =
            self.eases.iter().filter(|ease| ease.span.holds(day) && benefits.contains(&ease.benefit)).collect();
        let mut eased_by: Vec<Benefit> = Vec::new();
        let scores: Vec<u64> = hits
            .iter()
            .map(|(threat, _, score)| {
                let fits = eases.iter().filter(|ease| !ease.never.contains(threat));
                let least = fits.min_by_key(|ease| ease.remains);
                if let Some(ease) = least.filter(|ease| !eased_by.contains(&ease.benefit)) {
                    eased_by.push(ease.benefit);
                }
                least.map_or(*score, |ease| score * ease.remains / 1_000)
            })
            .collect();
        let fits = |rule: &&Rule| {
            let met = hits.iter().zip(&scores).filter(|((threat, advice, _), _)| {
                (rule.threats.is_empty() || rule.threats.contains(threat))
                    && rule.advised.is_none_or(|advised| *advice >= advised)
            });
            let mut met = met.map(|(_, score)| *score).peekable();
            met.peek().is_some() && rule.span.holds(day) && together(met) >= rule.min_score * (MILLION / 1_000)
        };
        let strongest = self.rules.iter().filter(fits).max_by(|a, b| a.propose.cmp(&b.propose).then(b.id.cmp(&a.id)));
        Assessment {
            score: together(scores.iter().copied()),
            proposal: strongest.map(|rule| (rule.propose, rule)),
            eased_by,
        }
    }
}

/// The likelihood that one of several is right, each by itself.
fn together(scores: impl Iterator<Item = u64>) -> u64 {
    let none = scores.fold(MILLION * MILLION, |none, score| none / MILLION * (MILLION - score.min(MILLION)));
    MILLION - none / MILLION
}

fn row(row: String, what: &str) -> ScreeningRulesError {
    ScreeningRulesError::Row { row, what: what.to_owned() }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    #[serde(default)]
    rule: Vec<RuleRow>,
    #[serde(default)]
    ease: Vec<EaseRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleRow {
    id: String,
    propose: Advice,
    min_score: u64,
    #[serde(default)]
    threats: Vec<Threat>,
    advised: Option<Advice>,
    from: String,
    until: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EaseRow {
    benefit: Benefit,
    remains: u64,
    #[serde(default)]
    never: Vec<Threat>,
    from: String,
    until: Option<String>,
}

impl RuleRow {
    fn checked(self) -> Result<Rule, ScreeningRulesError> {
        let name = format!("rule '{}'", self.id);
        if self.id.is_empty() {
            return Err(row(name, "it has no id"));
        }
        if self.min_score > 1_000 {
            return Err(row(name, "min_score is in thousandths: at most 1000"));
        }
        let span = span(&name, &self.from, self.until.as_deref())?;
        let Self { id, propose, min_score, threats, advised, .. } = self;
        Ok(Rule { id, propose, min_score, threats, advised, span })
    }
}

impl EaseRow {
    fn checked(self) -> Result<Ease, ScreeningRulesError> {
        let name = format!("ease '{}'", self.benefit);
        if self.remains > 1_000 {
            return Err(row(name, "remains is in thousandths: at most 1000"));
        }
        let span = span(&name, &self.from, self.until.as_deref())?;
        Ok(Ease { benefit: self.benefit, remains: self.remains, never: self.never, span })
    }
}

fn span(name: &str, from: &str, until: Option<&str>) -> Result<Span, ScreeningRulesError> {
    let day = |text: &str| text.parse::<Day>().map_err(|error| row(name.to_owned(), &format!("{error}")));
    let span = Span { from: Some(day(from)?), until: until.map(day).transpose()? };
    match span.possible() {
        true => Ok(span),
        false => Err(row(name.to_owned(), "it ends before it begins")),
    }
}
