//! Names under which records are found: what a node indexes a record under, and looks up for an item.
//!
//! A record is indexed under what it is about, not under everything it mentions: from an item one comes to its order and its receptacle,
//! never from there to the other items in them.

use std::collections::BTreeSet;

use super::held::Held;
use super::key::ItemId;
use super::paper::Paper;
use crate::cbor::{Encode, Writer};
use crate::names::{MemberId, MemberKind, words};

words!(
    /// Levels of transport, from the inside out.
    Level, "level of transport", {
        /// One item.
        Item = "item";
        /// A bag or container of them (UPU S9).
        Receptacle = "receptacle";
        /// Receptacles under one bill (UPU S8).
        Despatch = "despatch";
        /// What carries them: flight with its day, voyage, waybill.
        Transport = "transport";
    }
);

/// A unit of transport above the item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitKey {
    /// Its level.
    pub level: Level,
    /// Who gave the number; left out where the number is a UPU S9 or S8, which says it.
    pub issuer: Option<String>,
    /// Its number. Of a transport it has to be unique over time: a waybill, or a flight with its day.
    pub id: String,
}

/// A name under which records are found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// An item.
    Item(ItemId),
    /// A unit of transport.
    Unit(UnitKey),
    /// An order, by the platform's name and its number there.
    Order(String, String),
    /// A payment, by its reference.
    Payment(String),
    /// A referral, by the reference that its answers quote.
    Referral(String),
    /// A declaration, by the number under which customs registered it.
    Registration(String),
    /// A declaration, by its filer and the filer's reference.
    Declaration(String, String),
    /// Notices of outages of a member.
    Outages(String),
}

/// The names under which a record has to be found.
pub fn names_of(held: &Held<'_>) -> BTreeSet<Name> {
    match Paper::all(&[*held], &mut Vec::new(), &mut Vec::new()).first() {
        Some(paper) => subjects(paper),
        None => BTreeSet::new(),
    }
}

impl Name {
    /// The reference or number in it, as records spell it: what [`crate::record::Names::references`] holds. Of outages it is the member.
    pub fn reference(&self) -> &str {
        match self {
            Name::Item(item) => &item.id,
            Name::Unit(unit) => &unit.id,
            Name::Order(_, text) | Name::Declaration(_, text) => text,
            Name::Payment(text) | Name::Referral(text) | Name::Registration(text) | Name::Outages(text) => text,
        }
    }
}

impl UnitKey {
    /// A unit as a record names it; none for an item.
    pub(super) fn new(level: &str, issuer: Option<&str>, id: &str) -> Option<Self> {
        let level: Level = level.parse().ok().filter(|level| *level != Level::Item)?;
        let compact: String = id.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_uppercase()).collect();
        // UPU S9 has 29 characters, S8 twenty.
        let length = match level {
            Level::Receptacle => Some(29),
            Level::Despatch => Some(20),
            _ => None,
        };
        let standard = length == Some(compact.len()) && compact.bytes().all(|c| c.is_ascii_alphanumeric());
        Some(match standard {
            true => Self { level, issuer: None, id: compact },
            false => Self { level, issuer: issuer.map(str::to_owned), id: id.to_owned() },
        })
    }
}

impl std::fmt::Display for UnitKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.level, self.id)
    }
}

impl Encode for Name {
    /// `[kind, parts…]`, one encoding for each name: what an index hashes.
    fn encode(&self, writer: &mut Writer) {
        let issuer = |issuer: &Option<String>, writer: &mut Writer| match issuer {
            Some(issuer) => writer.text(issuer),
            None => writer.null(),
        };
        match self {
            Name::Item(item) => {
                writer.array(4);
                writer.uint(1);
                writer.text(item.scheme.word());
                issuer(&item.issuer, writer);
                writer.text(&item.id);
            }
            Name::Unit(unit) => {
                writer.array(4);
                writer.uint(2);
                writer.text(unit.level.word());
                issuer(&unit.issuer, writer);
                writer.text(&unit.id);
            }
            Name::Order(first, second) | Name::Declaration(first, second) => {
                writer.array(3);
                writer.uint(if matches!(self, Name::Order(..)) { 3 } else { 4 });
                writer.text(first);
                writer.text(second);
            }
            Name::Payment(name) | Name::Referral(name) | Name::Registration(name) | Name::Outages(name) => {
                writer.array(2);
                writer.uint(match self {
                    Name::Payment(_) => 5,
                    Name::Referral(_) => 6,
                    Name::Registration(_) => 7,
                    _ => 8,
                });
                writer.text(name);
            }
        }
    }
}

/// The names of what a paper is about.
pub(super) fn subjects(paper: &Paper<'_>) -> BTreeSet<Name> {
    let mut names: BTreeSet<Name> = item_of(paper).map(Name::Item).into_iter().collect();
    names.extend(unit_of(paper).map(Name::Unit));
    match paper.table.name {
        "order" => names.extend(orders(paper)),
        "payment" => {
            names.extend(orders(paper));
            names.extend(paper.text("payment", "reference").map(Name::Payment));
        }
        "consignment" => names.extend(contained(paper).into_iter().map(|(_, name)| name)),
        "link" => names.extend(others(paper).into_iter().map(|(item, _)| Name::Item(item))),
        "referral" => {
            names.extend(paper.text("referral", "reference").map(Name::Referral));
            names.extend(paper.text("referral", "registration").map(Name::Registration));
        }
        "referral_answer" => names.extend(paper.text("answer", "reference").map(Name::Referral)),
        "customs_response" => {
            names.extend(paper.text("response", "registration").map(Name::Registration));
            let about = paper.text("response", "about").zip(paper.text("handling", "filer"));
            names.extend(about.map(|(reference, filer)| Name::Declaration(filer, reference)));
        }
        "notice" if paper.text("notice", "kind").as_deref() == Some("fallback") => {
            names.insert(Name::Outages(paper.issuer.to_string()));
            names.extend(paper.text("notice", "concerns").map(Name::Outages));
        }
        _ => {}
    }
    names
}

/// The item that a paper is about.
pub(crate) fn item_of(paper: &Paper<'_>) -> Option<ItemId> {
    let read = |group: &str| {
        let id = paper.text(group, "id")?;
        Some(ItemId::new(paper.text(group, "scheme").as_deref(), paper.text(group, "issuer").as_deref(), &id))
    };
    let of_unit = || paper.text("unit", "level").filter(|level| level == "item").and_then(|_| read("unit"));
    read("item").or_else(of_unit)
}

/// The unit of transport that a paper is about, above the item.
pub(super) fn unit_of(paper: &Paper<'_>) -> Option<UnitKey> {
    unit_in(paper, "unit")
}

/// The unit of transport that this one, or this item, travels in.
pub(super) fn within(paper: &Paper<'_>) -> Option<UnitKey> {
    match paper.is("consignment") {
        true => unit_in(paper, "within"),
        false => UnitKey::new("receptacle", None, &paper.text("item", "receptacle")?),
    }
}

fn unit_in(paper: &Paper<'_>, group: &str) -> Option<UnitKey> {
    let level = paper.text(group, "level")?;
    UnitKey::new(&level, paper.text(group, "issuer").as_deref(), &paper.text(group, "id")?)
}

/// What a consignment holds: items and units, items with their posting day.
pub(super) fn contained(paper: &Paper<'_>) -> Vec<(Option<crate::time::Day>, Name)> {
    let rows = paper.rows("contains");
    let names = rows.iter().filter_map(|row| {
        let (level, id, issuer) = (row.text("level")?, row.text("id")?, row.text("issuer"));
        let unit = UnitKey::new(level, issuer, id).map(Name::Unit);
        let item = || Name::Item(ItemId::new(row.text("scheme"), issuer, id));
        Some((row.day("posted_on"), unit.unwrap_or_else(item)))
    });
    names.collect()
}

/// The other items that a link names, with their posting days.
pub(crate) fn others(paper: &Paper<'_>) -> Vec<(ItemId, Option<crate::time::Day>)> {
    let rows = paper.rows("others");
    let items = rows.iter().filter_map(|row| {
        Some((ItemId::new(row.text("scheme"), row.text("issuer"), row.text("id")?), row.day("posted_on")))
    });
    items.collect()
}

/// The orders that a paper is about or names: numbers mean something with their platform only, which is the one that is named, or the
/// issuer.
pub(super) fn orders(paper: &Paper<'_>) -> BTreeSet<Name> {
    let numbers: BTreeSet<String> = match paper.is("declaration") {
        true => ["reference", "platform_reference"].iter().filter_map(|field| paper.text("order", field)).collect(),
        false => paper.text("order", "number").into_iter().collect(),
    };
    let mut platforms: BTreeSet<String> = BTreeSet::new();
    for (group, field) in [("order", "platform"), ("seller", "platform"), ("handling", "platform")] {
        platforms.extend(paper.text(group, field));
    }
    if paper.kind == MemberKind::Platform {
        platforms.insert(paper.issuer.to_string());
    }
    let pairs = platforms.iter().flat_map(|platform| numbers.iter().map(move |number| (platform, number)));
    pairs.map(|(platform, number)| Name::Order(platform.clone(), number.clone())).collect()
}

/// Names under which what belongs to a declaration is found: order, payment, what customs says of it, outages of its filer.
pub(super) fn leads(paper: &Paper<'_>) -> BTreeSet<Name> {
    let mut names = orders(paper);
    match paper.table.name {
        "declaration" => {
            names.extend(paper.text("payment", "reference").map(Name::Payment));
            names.extend(paper.text("filing", "registration").map(Name::Registration));
            names.extend(
                paper.reference.clone().map(|reference| Name::Declaration(paper.issuer.to_string(), reference)),
            );
            let outages = handlers(paper, CUSTOMS);
            names.extend(outages.into_iter().map(|customs| Name::Outages(customs.to_string())));
            names.insert(Name::Outages(paper.issuer.to_string()));
        }
        "customs_response" => {
            names.extend(paper.text("response", "registration").map(Name::Registration));
            names.insert(Name::Outages(paper.issuer.to_string()));
        }
        "referral" => {
            names.extend(paper.text("referral", "reference").map(Name::Referral));
            names.extend(paper.text("referral", "registration").map(Name::Registration));
            names.insert(Name::Outages(paper.issuer.to_string()));
        }
        "payment" => names.extend(paper.text("payment", "reference").map(Name::Payment)),
        _ => {}
    }
    names
}

/// Roles of carriers.
pub(super) const CARRIERS: &[&str] = &["carrier", "onward_carrier"];
/// Roles of customs administrations.
pub(super) const CUSTOMS: &[&str] = &["origin_customs", "entry_customs", "destination_customs"];

/// The members that a paper names as those who handle the item, by the role they have there.
pub(super) fn handlers(paper: &Paper<'_>, roles: &[&str]) -> BTreeSet<MemberId> {
    roles.iter().filter_map(|role| paper.word::<MemberId>("handling", role)).collect()
}
