//! What threat platforms find when they read a node by TAXII 2.1: a collection for each agreement, and in it objects in the order of the log.
//!
//! | file | what |
//! |---|---|
//! | here | which versions a collection holds, and at which date each was added |
//! | `query` | what a request asks for, and which page of it is told |
//! | `resources` | the resources of TAXII, as JSON |
//! | `readers` | who may read which collections |
//!
//! Only identifiers, versions, dates and places are held; the records themselves are read when a page is told, so that what is erased is
//! gone. A date depends on the log alone, so it is the same after a restart: each dispatch takes [`SLOTS`] microseconds for each
//! of its records, erased ones too, behind those of the dispatches before it. Sources: TAXII 2.1 (OASIS), sections 3.4, 3.5 and 5.
//! Not here: HTTP, reading the log, secrets.

mod query;
mod readers;
mod resources;

use std::collections::{BTreeMap, HashMap, HashSet};

pub use query::{Query, QueryError, Which};
pub use readers::{Reader, Readers, ReadersError, secret_digest};
pub use resources::{
    TAXII_MEDIA_TYPE, api_root, collection_resource, collections_resource, discovery, envelope, manifest, problem,
    versions,
};
use serde_json::Value as Json;

use super::indicator::{Indicator, IndicatorId, Tlp};
use super::stix::{self, TLP_MOMENT};
use crate::hash::{Digest, unhex};
use crate::limits::MAX_SHELF_VERSIONS;
use crate::names::{MemberId, Slug};
use crate::record::GroupSet;
use crate::time::{Micros, Millis};

/// Microseconds that each record of a dispatch takes: for who issued it, its marking, what it supersedes, itself.
pub const SLOTS: u64 = 4;

/// Where the record of a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The entry of the log: of the dispatch that brought it, or the first one of the own batch.
    pub entry: u64,
    /// Its place there.
    pub at: usize,
    /// What is shown of an own record; nothing where it was received.
    pub own: Option<GroupSet>,
}

/// Records of one dispatch, in the order of their places.
#[derive(Debug)]
pub struct Lot<'a> {
    /// The agreement under which it came or went.
    pub agreement: &'a Slug,
    /// The time of its entry in the log.
    pub at: Millis,
    /// How many records its batch has, erased ones too.
    pub count: usize,
    /// Those that are left and are indicators.
    pub records: Vec<(Place, Indicator)>,
}

/// What was left out since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Versions for which there was no room.
    pub full: u64,
    /// Versions of an identifier that another issuer had before: a platform would take them for versions of that one's.
    pub others: u64,
    /// Versions that are not newer than what was there.
    pub old: u64,
}

/// Indicators of one issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfIssuer<'s> {
    /// Who.
    pub issuer: &'s MemberId,
    /// How many there are, by their identifiers; one that stands in several collections counts in each.
    pub indicators: u64,
    /// When the newest version came.
    pub newest: Millis,
}

/// All collections.
#[derive(Debug)]
pub struct Shelf {
    network: Digest,
    collections: BTreeMap<String, Collection>,
    issuers: Vec<Issuer>,
    /// Whose identifier each is: who was first in the log.
    owners: HashMap<[u8; 16], u32>,
    versions: usize,
    left_out: LeftOut,
}

#[derive(Debug)]
struct Issuer {
    member: MemberId,
    indicators: u64,
    newest: Millis,
}

/// What stands under one agreement.
#[derive(Debug)]
pub struct Collection {
    agreement: Slug,
    /// By date.
    versions: Vec<Version>,
    objects: Vec<Object>,
    by_id: HashMap<ObjectId, u32>,
    /// Those that their issuers superseded, which may come later.
    ended: HashSet<(u32, [u8; 16])>,
    /// The first microsecond that no dispatch has taken.
    free: u64,
}

/// A kind of object and its UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ObjectId(Kind, [u8; 16]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Identity,
    Marking(Tlp),
    Indicator,
}

#[derive(Debug)]
struct Object {
    id: ObjectId,
    /// Place among the issuers; of markings none.
    issuer: u32,
    created: Millis,
    /// By which a newer version is told from an older one.
    rank: (u64, Option<Millis>),
    first: u32,
    last: u32,
}

#[derive(Debug)]
struct Version {
    added: Micros,
    modified: Millis,
    object: u32,
    /// The version of the object before it, or itself.
    before: u32,
    place: Place,
    revoked: bool,
    gone: bool,
}

/// A version of an object in a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its identifier.
    pub id: String,
    /// When it was added.
    pub added: Micros,
    /// Which version it is.
    pub version: Millis,
    /// Where it comes from.
    pub from: From,
}

/// What an object is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// A member.
    Identity(MemberId),
    /// A label.
    Marking(Tlp),
    /// A record.
    Record {
        /// Where it stands.
        place: Place,
        /// Who issued it.
        issuer: MemberId,
        /// When the first version was made.
        created: Millis,
        /// Whether it is taken back.
        revoked: bool,
    },
}

/// Items in the order of their dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// They.
    pub items: Vec<Item>,
    /// Whether there are more behind them.
    pub more: bool,
}

impl Shelf {
    /// Without any collection; `network` makes identifiers of collections differ between networks.
    pub fn new(network: Digest) -> Self {
        Self {
            network,
            collections: BTreeMap::new(),
            issuers: Vec::new(),
            owners: HashMap::new(),
            versions: 0,
            left_out: LeftOut::default(),
        }
    }

    /// The identifier of an agreement's collection.
    pub fn collection_id(&self, agreement: &Slug) -> String {
        IndicatorId::derived(&["collection", &self.network.hex(), agreement.as_str()]).uuid().to_owned()
    }

    /// Takes what a dispatch brought or sent, in the order of the log.
    pub fn take(&mut self, lot: &Lot<'_>) {
        let id = self.collection_id(lot.agreement);
        // Out of the map while it is filled, so that owners and issuers are there beside it.
        let mut collection = self.collections.remove(&id).unwrap_or_else(|| Collection::new(lot.agreement));
        let begin = collection.free.max(lot.at.0.saturating_mul(1_000));
        collection.free = begin.saturating_add(SLOTS.saturating_mul(lot.count as u64));
        for (place, indicator) in &lot.records {
            if place.at < lot.count {
                self.put(&mut collection, begin + SLOTS * place.at as u64, *place, indicator, lot.at);
            }
        }
        self.collections.insert(id, collection);
    }

    fn put(&mut self, collection: &mut Collection, date: u64, place: Place, indicator: &Indicator, at: Millis) {
        let Some(uuid) = uuid(indicator.id.uuid()) else { return };
        let Some(issuer) = self.issuer(&indicator.issuer) else { return };
        if *self.owners.entry(uuid).or_insert(issuer) != issuer {
            self.left_out.others += 1;
            return;
        }
        // Up to four versions follow.
        if self.versions + SLOTS as usize > MAX_SHELF_VERSIONS {
            self.left_out.full += 1;
            return;
        }
        if collection.versions.last().is_some_and(|last| last.added.0 >= date) {
            return;
        }
        let id = ObjectId(Kind::Indicator, uuid);
        let rank = (indicator.revision, indicator.made_at);
        let known = collection.by_id.get(&id).copied();
        if known.is_some_and(|known| rank <= collection.objects[known as usize].rank) {
            self.left_out.old += 1;
            return;
        }
        let before = collection.versions.len();
        let made = indicator.made_at.unwrap_or(at);
        collection.add_once(ObjectId::identity(&indicator.issuer), issuer, date, place);
        collection.add_once(ObjectId::marking(indicator.tlp), issuer, date + 1, place);
        if let Some(replaced) = indicator.supersedes.as_ref().and_then(|id| self::uuid(id.uuid())) {
            // Only its own issuer can end it, and one that names itself says nothing.
            if replaced != uuid {
                collection.end(replaced, issuer, date + 2, made);
            }
        }
        let revoked = indicator.withdrawn || collection.ended.contains(&(issuer, uuid));
        collection.add(id, issuer, date + 3, place, Made { at: made, from: indicator.valid_from, rank, revoked });
        self.versions += collection.versions.len() - before;
        let of = &mut self.issuers[issuer as usize];
        of.indicators += u64::from(known.is_none());
        of.newest = of.newest.max(at);
    }

    fn issuer(&mut self, member: &MemberId) -> Option<u32> {
        if let Some(at) = self.issuers.iter().position(|known| known.member == *member) {
            return u32::try_from(at).ok();
        }
        self.issuers.push(Issuer { member: member.clone(), indicators: 0, newest: Millis(0) });
        u32::try_from(self.issuers.len() - 1).ok()
    }

    /// Every collection with its identifier, in the order of these.
    pub fn collections(&self) -> impl Iterator<Item = (&str, &Collection)> {
        self.collections.iter().map(|(id, collection)| (id.as_str(), collection))
    }

    /// The collection of an identifier.
    pub fn collection(&self, id: &str) -> Option<&Collection> {
        self.collections.get(id)
    }

    /// Issuers of what stands here.
    pub fn issuers(&self) -> impl Iterator<Item = OfIssuer<'_>> {
        self.issuers.iter().map(|of| OfIssuer { issuer: &of.member, indicators: of.indicators, newest: of.newest })
    }

    /// What was left out since the beginning.
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// A page of what a request asks for, behind a date, of at most so many.
    pub fn page(&self, collection: &str, query: &Query, after: Option<Micros>, limit: usize) -> Option<Page> {
        let collection = self.collections.get(collection)?;
        Some(collection.page(query, after, limit, &self.issuers))
    }

    /// That the records of these are erased: they are told no more.
    pub fn gone(&mut self, collection: &str, added: &[Micros]) {
        let Some(collection) = self.collections.get_mut(collection) else { return };
        for date in added {
            if let Ok(at) = collection.versions.binary_search_by_key(date, |version| version.added) {
                collection.versions[at].gone = true;
            }
        }
    }
}

/// What a new version is.
struct Made {
    at: Millis,
    from: Millis,
    rank: (u64, Option<Millis>),
    revoked: bool,
}

impl Collection {
    fn new(agreement: &Slug) -> Self {
        Self {
            agreement: agreement.clone(),
            versions: Vec::new(),
            objects: Vec::new(),
            by_id: HashMap::new(),
            ended: HashSet::new(),
            free: 0,
        }
    }

    /// The agreement whose it is.
    pub fn agreement(&self) -> &Slug {
        &self.agreement
    }

    /// Whether an object was ever in it and is not erased.
    pub fn has(&self, id: &str) -> bool {
        ObjectId::parse(id).is_some_and(|id| self.by_id.contains_key(&id))
    }

    /// An identity or a marking, which never changes.
    fn add_once(&mut self, id: ObjectId, issuer: u32, date: u64, place: Place) {
        if !self.by_id.contains_key(&id) {
            let made = Made { at: TLP_MOMENT, from: TLP_MOMENT, rank: (0, None), revoked: false };
            self.add(id, issuer, date, place, made);
        }
    }

    fn add(&mut self, id: ObjectId, issuer: u32, date: u64, place: Place, made: Made) {
        // Below MAX_SHELF_VERSIONS, which a u32 holds.
        let at = self.versions.len() as u32;
        let new = Object { id, issuer, created: made.at.min(made.from), rank: made.rank, first: at, last: at };
        let object = *self.by_id.entry(id).or_insert_with(|| {
            self.objects.push(new);
            self.objects.len() as u32 - 1
        });
        let before = self.objects[object as usize].last;
        // Whatever an issuer's clock says, a later version is modified later (STIX 2.1, 3.6).
        let modified = match self.versions.get(before as usize) {
            Some(version) if before != at => made.at.max(version.modified.plus(1)),
            _ => made.at,
        };
        let held = &mut self.objects[object as usize];
        (held.last, held.rank) = (at, held.rank.max(made.rank));
        let revoked = made.revoked;
        self.versions.push(Version { added: Micros(date), modified, object, before, place, revoked, gone: false });
    }

    /// Ends an indicator whose place another took: a version of it that is revoked, or, where it is not here yet, what may come of it.
    fn end(&mut self, uuid: [u8; 16], issuer: u32, date: u64, at: Millis) {
        let id = ObjectId(Kind::Indicator, uuid);
        if !self.ended.insert((issuer, uuid)) {
            return;
        }
        let Some(object) = self.by_id.get(&id).map(|at| &self.objects[*at as usize]) else { return };
        let last = &self.versions[object.last as usize];
        if object.issuer == issuer && !last.revoked {
            let (place, rank) = (last.place, object.rank);
            self.add(id, issuer, date, place, Made { at, from: at, rank, revoked: true });
        }
    }

    fn page(&self, query: &Query, after: Option<Micros>, limit: usize, issuers: &[Issuer]) -> Page {
        let after = after.max(query.added_after);
        let begin = after.map_or(0, |after| self.versions.partition_point(|version| version.added <= after));
        let fits = |at: &u32| {
            let version = &self.versions[*at as usize];
            let object = &self.objects[version.object as usize];
            !version.gone
                && query.takes_type(object.id.type_name())
                && query.takes_version(version.modified, object.first == *at, object.last == *at)
        };
        let mut found: Vec<u32> = match &query.ids {
            _ if !query.spec => Vec::new(),
            None => (begin as u32..self.versions.len() as u32).filter(fits).take(limit + 1).collect(),
            Some(ids) => {
                let mut all: Vec<u32> = ids.iter().flat_map(|id| self.versions_of(id)).collect();
                all.sort_unstable();
                all.dedup();
                all.into_iter().filter(|at| *at as usize >= begin).filter(fits).take(limit + 1).collect()
            }
        };
        let more = found.len() > limit;
        found.truncate(limit);
        Page { items: found.iter().map(|at| self.item(&self.versions[*at as usize], issuers)).collect(), more }
    }

    /// Versions of an object, the newest first.
    fn versions_of(&self, id: &str) -> Vec<u32> {
        let Some(object) = ObjectId::parse(id).and_then(|id| self.by_id.get(&id)) else { return Vec::new() };
        let (mut at, mut found) = (self.objects[*object as usize].last, Vec::new());
        loop {
            found.push(at);
            match self.versions[at as usize].before {
                before if before == at => return found,
                before => at = before,
            }
        }
    }

    fn item(&self, version: &Version, issuers: &[Issuer]) -> Item {
        let object = &self.objects[version.object as usize];
        let issuer = || issuers[object.issuer as usize].member.clone();
        let from = match object.id.0 {
            Kind::Identity => From::Identity(issuer()),
            Kind::Marking(tlp) => From::Marking(tlp),
            Kind::Indicator => From::Record {
                place: version.place,
                issuer: issuer(),
                created: object.created,
                revoked: version.revoked,
            },
        };
        Item { id: object.id.text(), added: version.added, version: version.modified, from }
    }
}

impl Item {
    /// The object itself; `record` is what is left of its record, in the native JSON form. Nothing where that is erased, or shows no indicator.
    pub fn object(&self, record: Option<&Json>) -> Option<Json> {
        match &self.from {
            From::Identity(member) => Some(stix::identity(member)),
            From::Marking(tlp) => Some(stix::marking(*tlp)),
            From::Record { issuer, created, revoked, .. } => {
                let [_, _, mut object] = stix::to_stix(issuer, record?, self.version).ok()?;
                object["created"] = created.to_string().into();
                object["modified"] = self.version.to_string().into();
                if *revoked {
                    object["revoked"] = true.into();
                }
                Some(object)
            }
        }
    }

    /// Where its record stands; nothing of what needs none.
    pub fn place(&self) -> Option<Place> {
        match &self.from {
            From::Record { place, .. } => Some(*place),
            From::Identity(_) | From::Marking(_) => None,
        }
    }
}

impl ObjectId {
    fn identity(member: &MemberId) -> Self {
        Self(Kind::Identity, known_uuid(&stix::identity_id(member)))
    }

    fn marking(tlp: Tlp) -> Self {
        Self(Kind::Marking(tlp), known_uuid(stix::marking_id(tlp)))
    }

    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once("--")?;
        let uuid = uuid(rest)?;
        match name {
            "identity" => Some(Self(Kind::Identity, uuid)),
            "indicator" => Some(Self(Kind::Indicator, uuid)),
            "marking-definition" => {
                let tlp = Tlp::ALL.iter().copied().find(|tlp| stix::marking_id(*tlp) == text)?;
                Some(Self(Kind::Marking(tlp), uuid))
            }
            _ => None,
        }
    }

    fn type_name(self) -> &'static str {
        match self.0 {
            Kind::Identity => "identity",
            Kind::Marking(_) => "marking-definition",
            Kind::Indicator => "indicator",
        }
    }

    fn text(self) -> String {
        format!("{}--{}", self.type_name(), dashed(&self.1))
    }
}

fn known_uuid(id: &str) -> [u8; 16] {
    // What this crate names has one; two that had none would count as one object.
    id.split_once("--").and_then(|(_, rest)| uuid(rest)).unwrap_or_default()
}

fn dashed(bytes: &[u8; 16]) -> String {
    let hex = crate::hash::hex(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The bytes of a UUID in small letters.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let bytes: [u8; 16] = unhex(&text.replace('-', ""))?.try_into().ok()?;
    (dashed(&bytes) == text).then_some(bytes)
}
