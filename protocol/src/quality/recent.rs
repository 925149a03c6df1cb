//! Rules about records that came shortly before: the same reference or item twice, an S10 number used again too soon.
//!
//! A memory holds digests of keys, not records, and at most so many of them: the oldest go first. It is told what came;
//! it does not keep anything on disk, and it has no clock.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::finding::Finding;
use crate::hash::{Digest, Domain};
use crate::limits::MAX_RECENT_KEYS;
use crate::record::{Group, Held, Source, TypeTable, visit_leaf};
use crate::reference::{Rule, RuleBook, s10};
use crate::time::Day;

/// Days within which an S10 number is not used again for another item (UPU S10: twelve months).
const S10_DAYS: i32 = 365;

/// One handing in of a record: the same record handed in once more, as after a lost answer, has the same one and repeats
/// nothing.
#[derive(Debug, Clone, Copy)]
pub struct Handed {
    /// What tells it from others.
    pub by: u64,
    /// Whether the record is filed; else it is only asked what it would repeat, and nothing is remembered.
    pub filed: bool,
}

/// What is remembered of a key.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The day on which it came.
    came: Day,
    /// The posting day, of what is about an item.
    posted: Option<Day>,
    /// By which handing in.
    by: u64,
}

type Key = [u8; 16];

/// Keys are digests already: eight of their bytes place them.
#[derive(Debug, Default)]
struct OfDigest(u64);

impl Hasher for OfDigest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    // The length of an array, which is always the same.
    fn write_usize(&mut self, _: usize) {}
}

/// Types of which many records may be about one item.
const SEVERAL: [&str; 7] =
    ["event", "referral", "referral_answer", "customs_response", "agency_decision", "data_request", "data_answer"];

/// Where a type has what is compared: positions of groups and of fields in them.
#[derive(Debug, Clone, Copy)]
struct Places {
    table: &'static TypeTable,
    /// The group that names the record, and in it reference, revision and kind.
    first: (usize, [Option<usize>; 3]),
    /// The group of the item, and in it number, scheme, issuer and posting day.
    item: Option<(usize, [Option<usize>; 4])>,
    several: bool,
}

impl Places {
    fn of(table: &'static TypeTable) -> Option<Self> {
        let (at, group) = table.head()?;
        let item = table.group("item");
        Some(Self {
            table,
            first: (at, fields(group, ["own_reference", "revision", "kind"])),
            item: item.map(|(at, group)| (at, fields(group, ["id", "scheme", "issuer", "posted_on"]))),
            several: SEVERAL.contains(&table.name),
        })
    }
}

/// Where a group has the fields of these names.
fn fields<const N: usize>(group: &Group, names: [&str; N]) -> [Option<usize>; N] {
    names.map(|name| group.fields.iter().position(|field| field.name == name))
}

/// What is compared of a record, as far as it is shown.
#[derive(Default)]
struct Compared<'s> {
    reference: Option<&'s str>,
    revision: u64,
    kind: &'s str,
    id: Option<&'s str>,
    scheme: &'s str,
    issuer: &'s str,
    posted: Option<Day>,
}

impl<'s> Compared<'s> {
    fn of(places: &Places, source: &'s dyn Source) -> Self {
        let mut of = Self::default();
        let (group, [reference, revision, kind]) = places.first;
        first_of(source, group, |at, held| match held {
            Held::Text(text) if reference == Some(at) => of.reference = Some(text),
            Held::Text(text) if kind == Some(at) => of.kind = text,
            Held::Uint(number) if revision == Some(at) => of.revision = number,
            _ => {}
        });
        let Some((group, [id, scheme, issuer, posted])) = places.item else { return of };
        first_of(source, group, |at, held| match held {
            Held::Text(text) if id == Some(at) => of.id = Some(text),
            Held::Text(text) if scheme == Some(at) => of.scheme = text,
            Held::Text(text) if issuer == Some(at) => of.issuer = text,
            Held::Day(day) if posted == Some(at) => of.posted = Some(day),
            _ => {}
        });
        of
    }
}

/// Every value of the first occurrence of a group of the record, where it is shown.
fn first_of<'s>(source: &'s dyn Source, group: usize, mut visit: impl FnMut(usize, Held<'s>)) {
    let Some(definition) = source.table().groups.get(group).filter(|_| source.shows(group)) else { return };
    visit_leaf(definition, source.leaf(group, 0), |occurrence, at, held| {
        if occurrence == 0 {
            visit(at, held);
        }
    });
}

/// A memory of the records that came within a window.
#[derive(Debug)]
pub struct Recent {
    places: Vec<Places>,
    known: HashMap<Key, Known, BuildHasherDefault<OfDigest>>,
    order: VecDeque<Key>,
    most: usize,
    window: i32,
    forgotten: u64,
}

impl Recent {
    /// A memory of at most `keys` keys (a record has up to four; at most [`MAX_RECENT_KEYS`]) for `days` days. Numbers of
    /// postal items are remembered for twelve months, as long as there is room.
    pub fn new(keys: usize, days: u32) -> Self {
        let window = i32::try_from(days).unwrap_or(i32::MAX);
        let most = keys.min(MAX_RECENT_KEYS);
        Self { places: Vec::new(), known: HashMap::default(), order: VecDeque::new(), most, window, forgotten: 0 }
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

    /// What a record of this sender, handed in on this day, repeats of earlier ones; where it is filed, it is remembered
    /// itself. What is hidden is not compared.
    pub fn check(
        &mut self,
        sender: &str,
        source: &dyn Source,
        book: &RuleBook,
        day: Day,
        handed: Handed,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let Some(places) = self.places(source.table()) else { return findings };
        let table = places.table;
        let Compared { reference, revision, kind, id, scheme, issuer, posted } = Compared::of(&places, source);
        let mut find = |rule: Rule, at: (usize, Option<usize>), what: String| {
            if let Some(severity) = book.severity(rule) {
                findings.push(Finding { rule, severity, pointer: pointer(table, at), what, list: None });
            }
        };
        let Some(reference) = reference else { return findings };
        let now = Known { came: day, posted: None, by: handed.by };
        let [from, name, of_kind, own] = [sender, table.name, kind, reference].map(str::as_bytes);
        let own = key([b"reference", from, name, of_kind, own, &revision.to_be_bytes()]);
        if let Some(known) = self.meet(own, self.window, now, handed.filed, true) {
            let what = format!("{reference} came on {} already, in the same revision", known.came);
            find(Rule::DuplicateReference, (places.first.0, places.first.1[0]), what);
        }
        let (Some(id), Some((group, [at, ..]))) = (id, places.item) else { return findings };
        let place = (group, at);
        if !places.several {
            // Revisions of a reference are about the same item, and so may be one record of each kind and type.
            let about = key(["item", sender, table.name, kind, scheme, issuer, id].map(str::as_bytes));
            let by = key(["by", sender, table.name, kind, scheme, issuer, id, reference].map(str::as_bytes));
            let now = Known { posted, ..now };
            let seen = self.meet(about, self.window, now, handed.filed, true);
            let seen = seen.filter(|known| !differ(posted, known.posted));
            let by_this = self.meet(by, self.window, now, handed.filed, true);
            if let Some(known) = seen.filter(|_| by_this.is_none()) {
                let what = format!("{id} came on {} already under another reference", known.came);
                find(Rule::DuplicateItem, place, what);
            }
        }
        if let (Some(posted), Ok(_)) = (posted, s10(id)) {
            let now = Known { came: posted, posted: Some(posted), ..now };
            // The first posting stays until its twelve months are over: every other one within them is too soon.
            let before = self.meet(key([b"s10", id.as_bytes()]), S10_DAYS - 1, now, handed.filed, false);
            let before = before.and_then(|known| known.posted).filter(|before| *before != posted);
            if let Some(before) = before.filter(|before| posted.0.abs_diff(before.0) < S10_DAYS.unsigned_abs()) {
                let what = format!("{id} is posted on {posted}; it was on {before} too, less than twelve months apart");
                find(Rule::S10Reused, place, what);
            }
        }
        findings
    }

    /// Where a type has what is compared, looked up once.
    fn places(&mut self, table: &'static TypeTable) -> Option<Places> {
        if let Some(known) = self.places.iter().find(|known| known.table == table) {
            return Some(*known);
        }
        let places = Places::of(table)?;
        self.places.push(places);
        Some(places)
    }

    /// What is known of a key from another handing in so many days before; where this one is filed, it is remembered. With
    /// `by_day`, what was posted on another day is another item, and takes the place of the one before. A repetition does
    /// not take the place of what it repeats, so whoever refuses it is asked the same when it comes again.
    fn meet(&mut self, key: Key, window: i32, now: Known, filed: bool, by_day: bool) -> Option<Known> {
        if self.most == 0 {
            return None;
        }
        let within = |known: &Known| now.came.0.saturating_sub(known.came.0) <= window;
        let before = match self.known.entry(key) {
            Entry::Occupied(mut entry) => {
                let before = Some(*entry.get()).filter(within);
                let replaces =
                    before.is_none_or(|known| by_day && known.by != now.by && differ(known.posted, now.posted));
                if replaces && filed {
                    entry.insert(now);
                }
                before
            }
            Entry::Vacant(entry) if filed => {
                entry.insert(now);
                self.order.push_back(key);
                None
            }
            Entry::Vacant(_) => None,
        };
        self.forget();
        before.filter(|known| known.by != now.by)
    }

    /// The oldest keys go until the others have room.
    fn forget(&mut self) {
        while self.known.len() > self.most {
            let Some(oldest) = self.order.pop_front() else { return };
            self.forgotten += u64::from(self.known.remove(&oldest).is_some());
        }
    }
}

/// Whether both are known and not the same.
fn differ(one: Option<Day>, other: Option<Day>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

/// A digest of what is compared, which the first part names.
fn key<const N: usize>(parts: [&[u8]; N]) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&Digest::of(Domain::Index, &parts).0[..16]);
    key
}

/// `/item/id`
fn pointer(table: &TypeTable, (group, field): (usize, Option<usize>)) -> String {
    let Some(group) = table.groups.get(group) else { return String::new() };
    let field = field.and_then(|field| group.fields.get(field));
    format!("/{}/{}", group.name, field.map_or("", |field| field.name))
}
