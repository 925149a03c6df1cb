//! The identity of an item: scheme, issuer, number and posting day, since numbers are used again (UPU S10-12: not before twelve months).
//!
//! One number can so have several lives. Which of them a record speaks of is told by its posting day, or by when it was lodged. Not
//! here: which other numbers the same goods have ([`super::Closure`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::ITEM_LEAD_DAYS;
use crate::names::words;
use crate::reference::s10;
use crate::time::{Day, Millis};

words!(
    /// Whose numbers an item's number is one of.
    Scheme, "scheme of item numbers", {
        /// UPU S10, thirteen characters.
        S10 = "s10";
        /// GS1 serial shipping container code.
        Sscc = "sscc";
        /// A carrier's own numbers.
        Carrier = "carrier";
        /// A platform's own numbers.
        Platform = "platform";
        /// Not told, and not to be seen from the number.
        Unknown = "unknown";
    }
);

/// An item's number. Two are the same item only where all three agree, and then only within one life of the number, see [`ItemKey`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemId {
    /// Whose numbers.
    pub scheme: Scheme,
    /// Who gave the number. An S10 and an SSCC say it themselves, so it is left out there.
    pub issuer: Option<String>,
    /// The number; an S10 without spaces and in capitals.
    pub id: String,
}

/// An item: its number and the day on which it was posted, where that is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemKey {
    /// Its number.
    pub item: ItemId,
    /// The day of posting.
    pub posted_on: Option<Day>,
}

impl ItemId {
    /// The number as a record gives it. A missing scheme is seen from the number where it can be (S10 with its check digit).
    pub fn new(scheme: Option<&str>, issuer: Option<&str>, id: &str) -> Self {
        let compact: String = id.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_uppercase()).collect();
        let scheme = match scheme.and_then(|word| word.parse().ok()) {
            Some(scheme) => scheme,
            None if s10(&compact).is_ok() => Scheme::S10,
            None => Scheme::Unknown,
        };
        let own = matches!(scheme, Scheme::S10 | Scheme::Sscc);
        let id = if own { compact } else { id.to_owned() };
        Self { scheme, issuer: issuer.filter(|_| !own).map(str::to_owned), id }
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.issuer {
            Some(issuer) => write!(f, "{} {} of {issuer}", self.scheme, self.id),
            None => write!(f, "{} {}", self.scheme, self.id),
        }
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.posted_on {
            Some(day) => write!(f, "{} posted on {day}", self.item),
            None => self.item.fmt(f),
        }
    }
}

/// That somebody spoke of a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mention {
    pub(super) item: ItemId,
    pub(super) posted_on: Option<Day>,
    /// When the record that says so was lodged.
    pub(super) at: Millis,
}

/// One life of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NumberLife {
    /// The first posting day told, or the first day on which anybody spoke of it.
    pub(crate) first: Day,
    /// The posting days told; more than one is a finding.
    pub(crate) days: BTreeSet<Day>,
}

/// The lives of every number that was spoken of.
#[derive(Debug, Clone, Default)]
pub(super) struct Lives {
    by_number: BTreeMap<ItemId, Vec<NumberLife>>,
}

impl Lives {
    /// Sorts mentions into lives: those posted within twelve months of the first are one; those without a posting day belong to the
    /// nearest within whose time they were lodged. The order of the mentions does not matter.
    pub(super) fn of(mentions: &[Mention]) -> Self {
        let mut days: BTreeMap<&ItemId, (BTreeSet<Day>, BTreeSet<Day>)> = BTreeMap::new();
        for mention in mentions {
            let (posted, lodged) = days.entry(&mention.item).or_default();
            match mention.posted_on {
                Some(day) => posted.insert(day),
                None => lodged.insert(mention.at.day()),
            };
        }
        let lives = days.into_iter().map(|(item, (posted, lodged))| (item.clone(), lives_of(posted, lodged)));
        Self { by_number: lives.collect() }
    }

    /// Which life of its number a mention belongs to: its place among [`Lives::all`].
    pub(super) fn place(&self, mention: &Mention) -> Option<usize> {
        place_in(self.by_number.get(&mention.item)?, mention.posted_on, mention.at.day())
    }

    /// The life that is meant by a key: the one with this posting day, or around it; the last without a day.
    pub(super) fn meant(&self, key: &ItemKey) -> Option<usize> {
        let lives = self.by_number.get(&key.item)?;
        match key.posted_on {
            Some(day) => lives.iter().position(|life| life.days.contains(&day)).or_else(|| nearest(lives, day)),
            None => lives.len().checked_sub(1),
        }
    }

    /// The lives of a number, the first first.
    pub(super) fn all(&self, item: &ItemId) -> &[NumberLife] {
        self.by_number.get(item).map(Vec::as_slice).unwrap_or_default()
    }
}

impl NumberLife {
    /// The posting day: the first that was told.
    pub(crate) fn posted_on(&self) -> Option<Day> {
        self.days.first().copied()
    }
}

/// The lives of one number, by the posting days told of it and the days on which records without one were lodged.
pub(crate) fn lives_of(posted: BTreeSet<Day>, lodged: BTreeSet<Day>) -> Vec<NumberLife> {
    let mut lives = spans(posted.into_iter(), true);
    let outside: Vec<Day> = lodged.into_iter().filter(|day| nearest(&lives, *day).is_none()).collect();
    lives.extend(spans(outside.into_iter(), false));
    lives.sort_by_key(|life| life.first);
    lives
}

/// To which of these lives a record belongs that tells this posting day, or none and was lodged on this day.
pub(crate) fn place_in(lives: &[NumberLife], posted_on: Option<Day>, lodged: Day) -> Option<usize> {
    match posted_on {
        Some(day) => lives.iter().position(|life| life.days.contains(&day)),
        None => nearest(lives, lodged),
    }
}

/// Cuts ascending days into lives of twelve months at most.
fn spans(days: impl Iterator<Item = Day>, posted: bool) -> Vec<NumberLife> {
    let mut lives: Vec<NumberLife> = Vec::new();
    for day in days {
        let known = |day| if posted { BTreeSet::from([day]) } else { BTreeSet::new() };
        match lives.last_mut().filter(|life| within_year(life.first, day)) {
            Some(life) => life.days.extend(known(day)),
            None => lives.push(NumberLife { first: day, days: known(day) }),
        }
    }
    lives
}

/// The life whose posting is nearest to a day on which a record without posting day was lodged, if its time holds that day: from
/// [`ITEM_LEAD_DAYS`] before the posting to twelve months after it.
fn nearest(lives: &[NumberLife], day: Day) -> Option<usize> {
    let holds = |life: &&NumberLife| life.first.minus(ITEM_LEAD_DAYS) <= day && within_year(life.first, day);
    let distance = |life: &NumberLife| life.first.0.abs_diff(day.0);
    let found = lives.iter().filter(holds).min_by_key(|life| (distance(life), life.first))?;
    lives.iter().position(|life| life == found)
}

/// Whether a day is at most twelve months after the first. No calendar is needed but for the one day that only some years have.
fn within_year(first: Day, day: Day) -> bool {
    day <= first.plus(365) || day == first.plus(366) && day <= year_after(first)
}

/// The same day twelve months later; of 29 February it is the 28th.
fn year_after(day: Day) -> Day {
    let later = day.date().and_then(|date| date.checked_add(jiff::Span::new().years(1)).ok());
    let days = later.and_then(|later| later.since((jiff::Unit::Day, jiff::civil::date(1970, 1, 1))).ok());
    days.map_or(day.plus(365), |span| Day(span.get_days()))
}
