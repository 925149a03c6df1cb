//! Rules about records that came shortly before: the same reference or item twice, an S10 number used again too soon.
//!
//! A memory holds digests of keys, not records, and at most so many of them: the oldest go first. It is told what came; it does not keep
//! anything on disk, and it has no clock.

use std::collections::{HashMap, VecDeque};

use super::finding::Finding;
use super::source::Source;
use crate::limits::MAX_RECENT_KEYS;
use crate::record::{Group, Held, visit_leaf};
use crate::reference::{Rule, RuleBook, s10};
use crate::time::Day;

/// Days within which an S10 number is not used again for another item (UPU S10: twelve months).
const S10_DAYS: i32 = 365;

/// What is remembered of a key.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The day on which it came.
    came: Day,
    /// The posting day, for S10 numbers.
    posted: Day,
}

type Key = [u8; 16];

/// A memory of the records that came within a window.
#[derive(Debug)]
pub struct Recent {
    known: HashMap<Key, Known>,
    order: VecDeque<Key>,
    most: usize,
    window: i32,
    forgotten: u64,
}

impl Recent {
    /// A memory of at most `keys` keys (a record has up to three; at most [`MAX_RECENT_KEYS`]) for `days` days. Numbers of postal items
    /// are remembered for twelve months, as long as there is room.
    pub fn new(keys: usize, days: u32) -> Self {
        let window = i32::try_from(days).unwrap_or(i32::MAX);
        Self { known: HashMap::new(), order: VecDeque::new(), most: keys.min(MAX_RECENT_KEYS), window, forgotten: 0 }
    }

    /// How many keys had to go for want of room before their time: then duplicates may have passed unseen.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What a record of this sender, which came on this day, repeats of earlier ones; it is remembered itself. What is hidden is not
    /// compared.
    pub fn check(&mut self, sender: &str, source: &dyn Source, book: &RuleBook, day: Day) -> Vec<Finding> {
        let mut findings = Vec::new();
        let table = source.table();
        let text = |group: &str, field: &str| text(source, group, field);
        let first = if table.name == "declaration" { "filing" } else { "reference" };
        let kind = text(first, "kind").unwrap_or_default();
        let mut find = |rule: Rule, pointer: String, what: String| {
            if let Some(severity) = book.severity(rule) {
                findings.push(Finding { rule, severity, pointer, what, list: None });
            }
        };
        let Some(reference) = text(first, "own_reference") else { return findings };
        let revision = text(first, "revision").unwrap_or_default();
        let of_reference = key(&["reference", sender, table.name, &kind, &reference, &revision]);
        if let Some(known) = self.known(of_reference, self.window, day) {
            let what = format!("{reference} came on {} already, in the same revision", known.came);
            find(Rule::DuplicateReference, format!("/{first}/own_reference"), what);
        }
        self.remember(of_reference, Known { came: day, posted: day });
        let Some(id) = text("item", "id") else { return findings };
        let scheme = text("item", "scheme").unwrap_or_default();
        let issuer = text("item", "issuer").unwrap_or_default();
        let posted = text("item", "posted_on").and_then(|day| day.parse().ok());
        // Revisions of a reference are about the same item, and so may be one record of each kind and type.
        let about = key(&["item", sender, table.name, &kind, &scheme, &issuer, &id]);
        let by = key(&["by", sender, table.name, &kind, &scheme, &issuer, &id, &reference]);
        let several = [
            "event",
            "referral",
            "referral_answer",
            "customs_response",
            "agency_decision",
            "data_request",
            "data_answer",
        ];
        if !several.contains(&table.name) {
            let seen =
                self.known(about, self.window, day).filter(|known| posted.is_none_or(|posted| posted == known.posted));
            if let Some(known) = seen.filter(|_| self.known(by, self.window, day).is_none()) {
                find(
                    Rule::DuplicateItem,
                    "/item/id".into(),
                    format!("{id} came on {} already under another reference", known.came),
                );
            }
            let known = Known { came: day, posted: posted.unwrap_or(day) };
            self.remember(about, known);
            self.remember(by, known);
        }
        if let (Some(posted), Ok(_)) = (posted, s10(&id)) {
            let used = key(&["s10", &id]);
            let before = self.known(used, S10_DAYS, posted).filter(|known| known.posted != posted);
            if let Some(known) = before.filter(|known| (posted.0 - known.posted.0).abs() < S10_DAYS) {
                let what = format!(
                    "{id} is posted on {posted}; it was on {} too, less than twelve months apart",
                    known.posted
                );
                find(Rule::S10Reused, "/item/id".into(), what);
            }
            self.remember(used, Known { came: posted, posted });
        }
        findings
    }

    fn known(&self, key: Key, window: i32, day: Day) -> Option<Known> {
        self.known.get(&key).copied().filter(|known| day.0.saturating_sub(known.came.0) <= window)
    }

    fn remember(&mut self, key: Key, known: Known) {
        if self.most == 0 {
            return;
        }
        if self.known.insert(key, known).is_none() {
            self.order.push_back(key);
        }
        while self.known.len() > self.most {
            let Some(oldest) = self.order.pop_front() else { return };
            self.forgotten += u64::from(self.known.remove(&oldest).is_some());
        }
    }
}

/// A digest of parts, each with its length before it.
fn key(parts: &[&str]) -> Key {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}

/// A field of the first occurrence of a group of the record, as text; `None` where it is hidden or absent.
fn text(source: &dyn Source, group: &str, field: &str) -> Option<String> {
    let (at, definition): (usize, &'static Group) = source.table().group(group)?;
    let place = definition.fields.iter().position(|one| one.name == field)?;
    let mut found = None;
    if source.shows(at) {
        visit_leaf(definition, source.leaf(at, 0), |occurrence, at, held| {
            if occurrence == 0 && at == place {
                found = match held {
                    Held::Text(text) => Some(text.to_owned()),
                    Held::Uint(number) => Some(number.to_string()),
                    Held::Day(day) => Some(day.to_string()),
                    _ => None,
                };
            }
        });
    }
    found
}
