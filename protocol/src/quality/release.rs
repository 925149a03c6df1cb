//! Immediate release: which category of the WCO guidelines a consignment is of, by dated rules of its destination, and why.
//!
//! Where a view hides a group on which the category rests, the answer is that it cannot be told, never a guess.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::masses::in_words;
use super::obligations::Wanted;
use super::pass::Pass;
use crate::record::{Scope, Source, visit_leaf};
use crate::reference::{Listed, Path, ReleaseCategory, ReleaseRule, millionths, reaches};
use crate::time::Day;

/// The category of a consignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// It cannot be told: the view hides what decides.
    NotShown,
}

impl Category {
    /// As people write it: `1` to `4`, `excluded`, `not shown`.
    pub const fn word(self) -> &'static str {
        match self {
            Category::One => "1",
            Category::Two => "2",
            Category::Three => "3",
            Category::Four => "4",
            Category::Excluded => "excluded",
            Category::NotShown => "not shown",
        }
    }
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
    /// What of it the view does not show; of one that cannot be told, the groups that decide.
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
            if self.hides("route") {
                return self.not_shown(BTreeSet::from(["route"]));
            }
            return self.full("the destination is not known, so no rule is: the full procedure".into());
        };
        let mut unseen: BTreeSet<&'static str> = self.hidden_of(["dangerous_goods"]).collect();
        let codes = || self.facts.goods.iter().filter_map(|goods| goods.hs).map(|(code, _)| code);
        for rule in
            book.exclusions.iter().filter(|rule| rule.span.holds(day) && reaches(&rule.destinations, destination))
        {
            let hit = codes().find(|code| rule.hs.iter().any(|beginning| code.starts_with(beginning.as_str())));
            if let Some(code) = hit {
                return excluded(format!("{code}: {}", rule.reason), Some(&rule.listed));
            }
            unseen.extend(self.hidden_of(["classification"]));
        }
        let mut unknown_value = None;
        for rule in book.release.iter().filter(|rule| rule.span.holds(day) && reaches(&rule.destinations, destination))
        {
            match self.fits(rule) {
                Fit::Yes if unseen.is_empty() => return self.by(rule, unknown_value),
                Fit::Yes => return self.not_shown(unseen),
                Fit::No => {}
                Fit::Hidden(groups) => unseen.extend(groups),
                Fit::ValueUnknown(why) => unknown_value = unknown_value.or(Some(why)),
            }
        }
        if !unseen.is_empty() {
            return self.not_shown(unseen);
        }
        self.full(format!("no rule of immediate release is known for {destination} on {day}: the full procedure"))
    }

    fn fits(&self, rule: &ReleaseRule) -> Fit {
        let named = |names: &[String], value: Option<&str>| {
            names.is_empty() || value.is_some_and(|value| names.iter().any(|name| name == value))
        };
        let by_filing = !rule.categories.is_empty() || !rule.transactions.is_empty();
        let asked = [(by_filing, "filing"), (rule.ioss.is_some(), "fiscal"), (rule.most.is_some(), "value")];
        let mut hidden: Vec<_> = asked.into_iter().filter_map(|(asked, group)| asked.then_some(group)).collect();
        hidden.retain(|group| self.hides(group));
        let fits = (hidden.contains(&"filing")
            || named(&rule.categories, self.facts.category) && named(&rule.transactions, self.facts.transaction))
            && (hidden.contains(&"fiscal") || rule.ioss.is_none_or(|wanted| wanted == self.facts.ioss.is_some()));
        let Some((most, currency)) = rule.most.as_ref().filter(|_| fits && !hidden.contains(&"value")) else {
            return match (fits, hidden.is_empty()) {
                (false, _) => Fit::No,
                (true, true) => Fit::Yes,
                (true, false) => Fit::Hidden(hidden),
            };
        };
        match self.value_in(currency) {
            Some(value) if value > millionths(*most) => Fit::No,
            _ if !hidden.is_empty() => Fit::Hidden(hidden),
            Some(_) => Fit::Yes,
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

    /// Whether the type has a group of this name and the view hides it.
    fn hides(&self, group: &str) -> bool {
        self.checker.table.group(group).is_some_and(|(at, _)| !self.source.shows(at))
    }

    fn hidden_of<const N: usize>(&self, groups: [&'static str; N]) -> impl Iterator<Item = &'static str> {
        groups.into_iter().filter(|group| self.hides(group))
    }

    /// It cannot be told, as these groups are hidden.
    fn not_shown(&self, groups: BTreeSet<&'static str>) -> Release {
        let hidden: Vec<String> = groups.into_iter().map(str::to_owned).collect();
        let reason = format!("it cannot be told: not shown are {}", hidden.join(", "));
        Release { category: Category::NotShown, required: Vec::new(), missing: Vec::new(), hidden, reason, list: None }
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
    /// These groups decide it, and are hidden.
    Hidden(Vec<&'static str>),
    /// It would but for its value, which cannot be compared, and why.
    ValueUnknown(String),
}
