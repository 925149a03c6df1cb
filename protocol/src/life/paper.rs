//! Papers: records joined over their views, and which version of each holds.
//!
//! Nothing is overwritten: a correction or cancellation takes the place of an earlier version, which stays listed.

use std::collections::BTreeMap;

use super::flag::{Finding, Flag};
use super::held::{Held, Lodged, LodgedWith};
use crate::api::SignatureMark;
use crate::hash::Digest;
use crate::limits::MAX_LIFE_HELD;
use crate::names::{MemberId, MemberKind, Territory, words};
use crate::record::{Occurrences, TypeTable, Value};
use crate::time::{Day, Millis};

words!(
    /// What a record does to earlier ones with its reference.
    Action, "action", {
        /// It is the first.
        Original = "original";
        /// It takes their place.
        Correction = "correction";
        /// It takes them back.
        Cancellation = "cancellation";
    }
);

words!(
    /// How a version of a record stands.
    Standing, "standing", {
        /// It holds.
        Current = "current";
        /// A later version took its place.
        Superseded = "superseded";
        /// It, or a later version, took the record back.
        Cancelled = "cancelled";
        /// Another version of the same revision says something else and was there before.
        Contradicted = "contradicted";
        /// Another version of the same revision says the same, as far as both are shown, and was there before.
        Repeated = "repeated";
    }
);

/// One record, with all its views that may be looked at.
#[derive(Debug, Clone)]
pub struct Paper<'a> {
    /// Its root.
    pub root: Digest,
    /// Who issued it.
    pub issuer: &'a MemberId,
    /// What kind of member its issuer is.
    pub kind: MemberKind,
    /// The issuer's customs territory.
    pub territory: Territory,
    /// Its type.
    pub table: &'static TypeTable,
    /// When it was first lodged, under any of its views.
    pub lodged: Lodged,
    /// To whom it went, where it is an own one.
    pub lodged_with: Vec<&'a LodgedWith>,
    /// Set where a key that signed it is revoked since, for all of its views.
    pub mark: Option<SignatureMark>,
    /// The root that its header names as corrected or cancelled.
    pub supersedes: Option<Digest>,
    /// The views.
    pub views: Vec<Held<'a>>,
    /// Its issuer's reference; none where that is hidden.
    pub reference: Option<String>,
    /// Which revision it is, from 0.
    pub revision: u64,
    /// What it does to earlier ones.
    pub action: Action,
    /// When its issuer says that it was made.
    pub made_at: Option<Millis>,
    /// How it stands among its versions.
    pub standing: Standing,
}

impl<'a> Paper<'a> {
    /// Joins views by their roots, in the order in which the records were lodged, and tells which version of each holds. The order
    /// in which the views are given does not matter.
    pub(super) fn all(held: &[Held<'a>], flags: &mut Vec<Flag>, cut: &mut Vec<String>) -> Vec<Self> {
        let mut by_root: BTreeMap<Digest, Vec<Held<'a>>> = BTreeMap::new();
        for one in held {
            by_root.entry(one.root).or_default().push(*one);
        }
        let mut papers: Vec<Self> = by_root.into_values().filter_map(Self::join).collect();
        papers.sort_by_key(Self::order);
        if papers.len() > MAX_LIFE_HELD {
            cut.push(format!("{} records handed in, of which the first {MAX_LIFE_HELD} are looked at", papers.len()));
            papers.truncate(MAX_LIFE_HELD);
        }
        stand(&mut papers, flags);
        papers
    }

    /// One record as one view shows it.
    pub(crate) fn one(held: &Held<'a>) -> Option<Self> {
        Self::join(vec![*held])
    }

    fn join(mut views: Vec<Held<'a>>) -> Option<Self> {
        views.sort_by_key(|held| held.terms.map(|terms| (terms.agreement, terms.purpose)));
        let first = views.first()?;
        let (root, issuer, kind, territory) = (first.root, first.issuer, first.kind, first.territory);
        let lodged = Lodged {
            claimed: views.iter().filter_map(|held| held.lodged.claimed).min(),
            entered: views.iter().map(|held| held.lodged.entered).min()?,
            proven: views.iter().filter_map(|held| held.lodged.proven).min(),
        };
        // What came once under a signature that stands binds.
        let mark = views.iter().map(|held| held.mark).min_by_key(|mark| match mark {
            None => 0,
            Some(SignatureMark::Contested) => 1,
            Some(SignatureMark::Unproven) => 2,
        })?;
        let mut paper = Self {
            root,
            issuer,
            kind,
            territory,
            table: first.shown.table(),
            lodged,
            lodged_with: views.iter().flat_map(|held| held.lodged_with).collect(),
            mark,
            supersedes: first.supersedes,
            views,
            reference: None,
            revision: 0,
            action: Action::Original,
            made_at: None,
            standing: Standing::Current,
        };
        let group = paper.table.head().map_or("reference", |(_, group)| group.name);
        paper.reference = paper.text(group, "own_reference");
        let first = if paper.supersedes.is_some() { Action::Correction } else { Action::Original };
        paper.action = paper.word(group, "action").unwrap_or(first);
        paper.revision = paper.uint(group, "revision").unwrap_or(u64::from(paper.action != Action::Original));
        paper.made_at = paper.time(group, if group == "filing" { "message_time" } else { "made_at" });
        Some(paper)
    }

    /// When it came, for the order of things: when this node took it by its own clock, or when it is proven to have been lodged, if that is
    /// earlier. A quorum is often seen a minute later, and own records, which have none here, must not come before what they answer.
    pub fn at(&self) -> Millis {
        self.lodged.proven.map_or(self.lodged.entered, |proven| proven.min(self.lodged.entered))
    }

    /// When its issuer says that it was made, else that it was sent.
    pub fn claimed(&self) -> Option<Millis> {
        self.made_at.or(self.lodged.claimed)
    }

    /// The order of papers in a life.
    pub(super) fn order(&self) -> (Millis, Digest) {
        (self.at(), self.root)
    }

    /// Whether it is of this type.
    pub fn is(&self, table: &str) -> bool {
        self.table.name == table
    }

    /// Whether it binds whom it names as its issuer: a signature of which nothing proves that its key was good binds nobody.
    pub fn binds(&self) -> bool {
        self.mark != Some(SignatureMark::Unproven)
    }

    /// Whether it counts: it holds, and binds.
    pub fn counts(&self) -> bool {
        self.standing == Standing::Current && self.binds()
    }

    /// One field of the first occurrence of a record's group, of whichever view shows it.
    pub fn field(&self, group: &str, field: &str) -> Option<Value> {
        self.views.iter().find_map(|held| held.shown.field(group, field))
    }

    /// The same with the view that shows it.
    pub(super) fn shown_by(&self, group: &str, field: &str) -> Option<(Value, &Held<'a>)> {
        self.views.iter().find_map(|held| Some((held.shown.field(group, field)?, held)))
    }

    /// A text, code or word.
    pub fn text(&self, group: &str, field: &str) -> Option<String> {
        match self.field(group, field)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A word that has a type.
    pub(crate) fn word<T: std::str::FromStr>(&self, group: &str, field: &str) -> Option<T> {
        self.text(group, field)?.parse().ok()
    }

    /// A time.
    pub fn time(&self, group: &str, field: &str) -> Option<Millis> {
        match self.field(group, field)? {
            Value::Time(time) => Some(time),
            _ => None,
        }
    }

    /// A day.
    pub fn day(&self, group: &str, field: &str) -> Option<Day> {
        match self.field(group, field)? {
            Value::Day(day) => Some(day),
            _ => None,
        }
    }

    /// A whole number.
    pub(crate) fn uint(&self, group: &str, field: &str) -> Option<u64> {
        match self.field(group, field)? {
            Value::Uint(number) => Some(number),
            _ => None,
        }
    }

    /// Whether a group is shown by one of its views, or its type has none such: what it does not hold then is not there.
    pub(crate) fn shows(&self, group: &str) -> bool {
        self.table.group(group).is_none_or(|(at, _)| self.views.iter().any(|held| held.shown.shows(at)))
    }

    /// Every occurrence of a group, of the first view that shows it; each with its fields by name.
    pub(crate) fn rows(&self, group: &str) -> Vec<Row> {
        let Some((_, definition)) = self.table.group(group) else { return Vec::new() };
        let leaves = self.views.iter().find_map(|held| held.shown.occurrences(group)).unwrap_or_default();
        let rows = leaves.into_iter().flatten().map(|fields| {
            let named = fields.into_iter().filter_map(|(number, value)| {
                definition.field_number(u64::from(number)).map(|field| (field.name, value))
            });
            Row(named.collect())
        });
        rows.collect()
    }

    /// Type, issuer and reference in words.
    pub(super) fn called(&self) -> String {
        let what = self.table.name.replace('_', " ");
        match &self.reference {
            Some(reference) => format!("{what} {reference} of {}", self.issuer),
            None => format!("{what} {} of {}", &self.root.hex()[..16], self.issuer),
        }
    }
}

/// An occurrence of a group.
pub(crate) struct Row(Vec<(&'static str, Value)>);

impl Row {
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        match self.value(field)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn day(&self, field: &str) -> Option<Day> {
        match self.value(field)? {
            Value::Day(day) => Some(*day),
            _ => None,
        }
    }

    pub(crate) fn value(&self, field: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, value)| value)
    }
}

/// Which papers are versions of one record: those that bind, so that nobody corrects in another's name. They have one reference, or their
/// headers say it where a reference is hidden.
fn versions(papers: &[Paper<'_>]) -> Vec<Vec<usize>> {
    let mut group: Vec<usize> = (0..papers.len()).collect();
    let mut by_reference: BTreeMap<(&MemberId, &str, &str), usize> = BTreeMap::new();
    let mut by_root: BTreeMap<Digest, usize> = BTreeMap::new();
    let binding = || papers.iter().enumerate().filter(|(_, paper)| paper.binds());
    for (at, paper) in binding() {
        by_root.insert(paper.root, at);
        if let Some(reference) = &paper.reference {
            group[at] = *by_reference.entry((paper.issuer, paper.table.name, reference)).or_insert(at);
        }
    }
    for (at, paper) in binding() {
        let Some(&named) = paper.supersedes.and_then(|root| by_root.get(&root)) else { continue };
        let other = &papers[named];
        let hidden = paper.reference.is_none() || other.reference.is_none();
        if hidden && other.issuer == paper.issuer && other.table.name == paper.table.name {
            let (one, other) = (group[at], group[named]);
            group.iter_mut().filter(|it| **it == one).for_each(|it| *it = other);
        }
    }
    let mut all: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    binding().for_each(|(at, _)| all.entry(group[at]).or_default().push(at));
    all.into_values().collect()
}

/// Tells how each version stands.
fn stand(papers: &mut [Paper<'_>], flags: &mut Vec<Flag>) {
    for group in versions(papers) {
        let newest = group.iter().map(|at| papers[*at].revision).max().unwrap_or_default();
        let mut named: BTreeMap<Digest, u64> = BTreeMap::new();
        for paper in group.iter().map(|at| &papers[*at]) {
            if let Some(root) = paper.supersedes {
                let revision = named.entry(root).or_default();
                *revision = paper.revision.max(*revision);
            }
        }
        let replaced = |at: usize| {
            let paper = &papers[at];
            paper.revision < newest || named.get(&paper.root).is_some_and(|revision| *revision >= paper.revision)
        };
        let (old, last): (Vec<usize>, Vec<usize>) = group.iter().partition(|at| replaced(**at));
        // The papers are in the order in which they were lodged: what was there first stands.
        let Some(&holds) = last.first() else { continue };
        let cancelled = papers[holds].action == Action::Cancellation;
        let mut revisions: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        group.iter().for_each(|at| revisions.entry(papers[*at].revision).or_default().push(*at));
        for same in revisions.values() {
            let chained = |one: &Paper<'_>, other: &Paper<'_>| one.names(other) || other.names(one);
            for &other in &same[1..] {
                let (first, second) = (&papers[same[0]], &papers[other]);
                if chained(first, second) || says_the_same(first, second) {
                    continue;
                }
                let text =
                    format!("{}: two versions of revision {} say different things", second.called(), second.revision);
                flags.push(Flag::new(Finding::RevisionContradicts, [first.root, second.root], text));
            }
        }
        if !group.iter().any(|at| papers[*at].action == Action::Original) {
            let text =
                format!("{}: a {} whose original is not held here", papers[holds].called(), papers[holds].action);
            flags.push(Flag::new(Finding::OriginalMissing, [papers[holds].root], text));
        }
        for at in old {
            papers[at].standing = if cancelled { Standing::Cancelled } else { Standing::Superseded };
        }
        for at in last {
            papers[at].standing = match () {
                () if cancelled => Standing::Cancelled,
                () if at == holds => Standing::Current,
                () if says_the_same(&papers[holds], &papers[at]) => Standing::Repeated,
                () => Standing::Contradicted,
            };
        }
    }
    foreign(papers, flags);
}

/// Flags those that name another issuer's record, or one of another reference, as theirs to correct.
fn foreign(papers: &[Paper<'_>], flags: &mut Vec<Flag>) {
    let by_root: BTreeMap<Digest, &Paper<'_>> = papers.iter().map(|paper| (paper.root, paper)).collect();
    for paper in papers {
        let Some(named) = paper.supersedes.and_then(|root| by_root.get(&root).copied()) else {
            continue;
        };
        let known = paper.reference.is_some() && named.reference.is_some();
        let same = named.reference == paper.reference && named.table.name == paper.table.name;
        if named.issuer != paper.issuer || (known && !same) {
            let text = format!(
                "{} says that it takes the place of {}, which is another record",
                paper.called(),
                named.called()
            );
            flags.push(Flag::new(Finding::SupersedesAnother, [named.root, paper.root], text));
        }
    }
}

impl Paper<'_> {
    /// Whether its header names the other as corrected by it.
    fn names(&self, other: &Paper<'_>) -> bool {
        self.supersedes == Some(other.root)
    }
}

/// Whether two versions agree wherever both are shown; when they were made does not matter.
fn says_the_same(one: &Paper<'_>, other: &Paper<'_>) -> bool {
    let groups = one.table.groups.iter().filter(|group| !matches!(group.name, "reference"));
    groups.into_iter().all(|group| {
        let read = |paper: &Paper<'_>| paper.views.iter().find_map(|held| held.shown.occurrences(group.name));
        match (read(one), read(other)) {
            (Some(one), Some(other)) => timeless(group.name, one) == timeless(group.name, other),
            _ => true,
        }
    })
}

fn timeless(group: &str, mut leaves: Vec<Occurrences>) -> Vec<Occurrences> {
    // `message_time`, which stands in the filing of every version of a declaration.
    if group == "filing" {
        leaves.iter_mut().flatten().for_each(|fields| fields.retain(|(number, _)| *number != 7));
    }
    leaves
}
