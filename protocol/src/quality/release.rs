//! Immediate release: which category of the WCO guidelines a consignment is of, by dated rules of its destination, and why.

use std::sync::Arc;

use serde::Serialize;

use super::checker::Checker;
use super::masses::in_words;
use super::obligations::Wanted;
use super::pass::Pass;
use super::source::Source;
use crate::record::{Scope, visit_leaf};
use crate::reference::{Listed, Path, ReleaseCategory, ReleaseRule, millionths, reaches};
use crate::time::Day;

/// The category of a consignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Correspondence and documents.
    One,
    /// Low value, no duty and tax to be paid at import.
    Two,
    /// Low value with duty or tax: simplified declaration.
    Three,
    /// High value: full declaration.
    Four,
    /// Kept out of immediate release.
    Excluded,
}

impl From<ReleaseCategory> for Category {
    fn from(category: ReleaseCategory) -> Self {
        match category {
            ReleaseCategory::One => Category::One,
            ReleaseCategory::Two => Category::Two,
            ReleaseCategory::Three => Category::Three,
            ReleaseCategory::Four => Category::Four,
        }
    }
}

/// What is known of a consignment and stands in none of its declarations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// A referral about it is open.
    pub referral_open: bool,
    /// A control of an agency applies and is not decided.
    pub agency_control: bool,
}

/// What became of the question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Release {
    /// The category.
    pub category: Category,
    /// What its path requires, as group or group.field.
    pub required: Vec<String>,
    /// What of it is shown not to be there.
    pub missing: Vec<String>,
    /// What of it the view does not show.
    pub hidden: Vec<String>,
    /// Why, in words.
    pub reason: String,
    /// The dated rule; `None` where none is known for the destination.
    #[serde(skip)]
    pub list: Option<Arc<Listed>>,
}

impl Checker {
    /// The category of a consignment lodged on a day, from its declaration or what a view shows of it. Where no rule of its destination
    /// fits, it is four: the full procedure.
    pub fn release(&self, source: &dyn Source, day: Day, now: Circumstances) -> Release {
        let mut pass = Pass::new(self, source, day);
        if source.table() == self.table {
            pass.read();
        }
        pass.release(now)
    }
}

impl Pass<'_, '_> {
    fn release(&self, now: Circumstances) -> Release {
        let excluded = |reason: String, list: Option<&Arc<Listed>>| Release {
            category: Category::Excluded,
            required: Vec::new(),
            missing: Vec::new(),
            hidden: Vec::new(),
            reason,
            list: list.cloned(),
        };
        if now.referral_open {
            return excluded("a referral is open".into(), None);
        }
        if now.agency_control {
            return excluded("a control of an agency is not decided".into(), None);
        }
        if self.facts.dangerous {
            return excluded("it holds dangerous goods".into(), None);
        }
        let (book, day) = (&self.checker.book, self.day);
        let Some(destination) = self.facts.destination else {
            return self.full("the destination is not known, so no rule is: the full procedure".into());
        };
        let codes = || self.facts.goods.iter().filter_map(|goods| goods.hs).map(|(code, _)| code);
        for rule in
            book.exclusions.iter().filter(|rule| rule.span.holds(day) && reaches(&rule.destinations, destination))
        {
            let hit = codes().find(|code| rule.hs.iter().any(|beginning| code.starts_with(beginning.as_str())));
            if let Some(code) = hit {
                return excluded(format!("{code}: {}", rule.reason), Some(&rule.listed));
            }
        }
        let mut unknown_value = None;
        for rule in book.release.iter().filter(|rule| rule.span.holds(day) && reaches(&rule.destinations, destination))
        {
            match self.fits(rule) {
                Fit::Yes => return self.by(rule, unknown_value),
                Fit::No => {}
                Fit::ValueUnknown(why) => unknown_value = unknown_value.or(Some(why)),
            }
        }
        self.full(format!("no rule of immediate release is known for {destination} on {day}: the full procedure"))
    }

    fn fits(&self, rule: &ReleaseRule) -> Fit {
        let named = |names: &[String], value: Option<&str>| {
            names.is_empty() || value.is_some_and(|value| names.iter().any(|name| name == value))
        };
        let fits = named(&rule.categories, self.facts.category)
            && named(&rule.transactions, self.facts.transaction)
            && rule.ioss.is_none_or(|wanted| wanted == self.facts.ioss.is_some());
        let Some((most, currency)) = rule.most.as_ref().filter(|_| fits) else {
            return if fits { Fit::Yes } else { Fit::No };
        };
        match self.value_in(currency) {
            Some(value) if value <= millionths(*most) => Fit::Yes,
            Some(_) => Fit::No,
            None => Fit::ValueUnknown(format!(
                "its value is not known in {currency}, so it does not count as at most {most}"
            )),
        }
    }

    fn by(&self, rule: &ReleaseRule, unknown_value: Option<String>) -> Release {
        let value = rule.most.as_ref().and_then(|(_, currency)| Some((self.value_in(currency)?, currency)));
        let value = value.map(|(value, currency)| format!("{currency} {}: ", in_words(value))).unwrap_or_default();
        let doubt = unknown_value.map(|why| format!("; {why}")).unwrap_or_default();
        let (mut missing, mut hidden) = (Vec::new(), Vec::new());
        for path in &rule.required {
            match self.is_there(path) {
                Some(true) => {}
                Some(false) => missing.push(path.to_string()),
                None => hidden.push(path.to_string()),
            }
        }
        Release {
            category: rule.category.into(),
            required: rule.required.iter().map(ToString::to_string).collect(),
            missing,
            hidden,
            reason: format!("{value}{}{doubt}", rule.reason),
            list: Some(Arc::clone(&rule.listed)),
        }
    }

    /// Whether something is there, in goods items in each; `None` where it is hidden. A type that has no place for it does not have it.
    fn is_there(&self, path: &Path) -> Option<bool> {
        let Some(wanted) = Wanted::of(path, self.checker.table) else { return Some(false) };
        if !self.source.shows(wanted.group) {
            return None;
        }
        let mut goods = 0..self.facts.goods.len();
        Some(match wanted.scope {
            Scope::Record => self.leaf_has(wanted, 0),
            Scope::Item => !goods.is_empty() && goods.all(|item| self.leaf_has(wanted, item)),
        })
    }

    /// Reads a leaf again: the checks pass over groups whose fields only release asks for.
    fn leaf_has(&self, wanted: Wanted, item: usize) -> bool {
        let leaf = self.source.leaf(wanted.group, item);
        let Some(field) = wanted.field else { return !leaf.is_empty() };
        let mut found = false;
        visit_leaf(self.checker.plans[wanted.group].group, leaf, |_, at, _| found |= at == field);
        found
    }

    fn full(&self, reason: String) -> Release {
        Release {
            category: Category::Four,
            required: Vec::new(),
            missing: Vec::new(),
            hidden: Vec::new(),
            reason,
            list: None,
        }
    }
}

/// Whether a rule fits.
enum Fit {
    Yes,
    No,
    /// It would but for its value, which cannot be compared, and why.
    ValueUnknown(String),
}
