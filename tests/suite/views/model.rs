//! Random agreements and records, and what may be where by them: a model as naive as the specification, that asks neither
//! `Policy` nor `Directory` nor the routes of a node.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::record::{Field, Kind, Scope, TypeTable, table};
use serde_json::{Map, Value as Json, json};

/// Members: id, kind, territory.
pub(super) const MEMBERS: [(&str, &str, &str); 6] = [
    ("market", "platform", "CN"),
    ("bazaar", "platform", "US"),
    ("mail", "post", "CN"),
    ("douane", "customs", "FR"),
    ("gwansecheong", "customs", "KR"),
    ("food", "agency", "KR"),
];
pub(super) const PURPOSES: [&str; 4] = ["safety_security", "revenue", "statistics", "delivery"];
const PLACES: [&str; 5] = ["KR", "FR", "DE", "US", "JP"];
/// Of [`PLACES`].
const STATES_OF_EU: [&str; 2] = ["FR", "DE"];
const ROLES: [&str; 4] = ["destination", "departure", "first_entry", "transit"];

/// splitmix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((n ^ (n >> 31)) % count as u64).unwrap()
    }

    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// At least one of them, each with this chance.
    fn some<T: Copy + Ord>(&mut self, of: &[T], chance: usize) -> Vec<T> {
        let mut some: BTreeSet<T> = of.iter().copied().filter(|_| self.percent(chance)).collect();
        some.insert(self.pick(of));
        some.into_iter().collect()
    }

    /// Sixteen letters and digits that stand nowhere else.
    pub(super) fn marker(&mut self) -> String {
        (0..16).map(|_| char::from(self.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))).collect()
    }
}

pub(super) type Groups = BTreeSet<&'static str>;

pub(super) struct Onward {
    members: Vec<&'static str>,
    kinds: Vec<(&'static str, Option<&'static str>)>,
    purpose: &'static str,
    groups: Groups,
}

pub(super) struct Row {
    versions: Vec<u64>,
    from: Vec<&'static str>,
    to: Vec<&'static str>,
    purpose: &'static str,
    groups: Groups,
    places: Vec<&'static str>,
    roles: Vec<&'static str>,
    handling: bool,
    unlinkable: bool,
    onward: Vec<Onward>,
}

pub(super) struct Draft {
    pub(super) id: String,
    pub(super) parties: Vec<&'static str>,
    days: (&'static str, &'static str),
    rows: Vec<Row>,
}

/// What a member's own law forbids it to give.
pub(super) struct Law {
    pub(super) of: &'static str,
    to: &'static str,
    groups: Vec<&'static str>,
}

pub(super) struct World {
    pub(super) drafts: Vec<Draft>,
    pub(super) laws: Vec<Law>,
}

/// A record as submitted.
pub(super) struct Record {
    pub(super) issuer: &'static str,
    pub(super) version: u64,
    pub(super) json: Json,
    places: BTreeMap<&'static str, &'static str>,
    handlers: Vec<&'static str>,
    /// Values that stand nowhere else, with their group.
    pub(super) texts: Vec<(&'static str, String)>,
    pub(super) numbers: Vec<(&'static str, u64, u32)>,
}

/// One view that somebody is given of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    pub(super) agreement: String,
    pub(super) purpose: &'static str,
    pub(super) to: &'static str,
    pub(super) version: u64,
    pub(super) groups: Groups,
    pub(super) unlinkable: bool,
}

pub(super) fn declaration(version: u64) -> &'static TypeTable {
    table("declaration", version).unwrap()
}

impl World {
    pub(super) fn new(random: &mut Random) -> Self {
        let ids = MEMBERS.map(|(id, _, _)| id);
        let drafts = (0..7).map(|at| {
            let mut parties = random.some(&ids, 45);
            if parties.len() == 1 {
                parties = vec!["douane", "market"];
            }
            // In the first two, what is given is surely in force.
            let days = match random.below(10) {
                0 if at > 1 => ("2020-01-01", "2021-12-31"),
                1 if at > 1 => ("2090-01-01", "2099-12-31"),
                _ => ("2020-01-01", "2099-12-31"),
            };
            let rows = (0..1 + random.below(4)).map(|_| row(random, &parties)).collect();
            Draft { id: format!("mou-{at}"), parties, days, rows }
        });
        let drafts = drafts.collect();
        let names: Vec<&'static str> = declaration(1).groups.iter().map(|group| group.name).collect();
        let laws = ids.iter().filter_map(|of| {
            let to = random.pick(&ids);
            let groups = random.some(&names, 15);
            (random.percent(50) && to != *of).then_some(Law { of, to, groups })
        });
        Self { laws: laws.collect(), drafts }
    }

    /// The views of a record that are given, by every row on its own.
    pub(super) fn ways(&self, record: &Record) -> Vec<Way> {
        let mut ways = Vec::new();
        for draft in self.drafts.iter().filter(|draft| draft.holds()) {
            for row in draft.rows.iter().filter(|row| row.from.contains(&record.issuer)) {
                for to in row.to.iter().copied().filter(|to| row.is_about(record, to)) {
                    let groups = self.lawful(record.issuer, to, &row.groups);
                    let version = row.versions.iter().copied().filter(|version| *version <= record.version).max();
                    let Some(version) = version.filter(|_| !groups.is_empty()) else { continue };
                    let (agreement, purpose, unlinkable) = (draft.id.clone(), row.purpose, row.unlinkable);
                    ways.push(Way { agreement, purpose, to, version, groups, unlinkable });
                }
            }
        }
        ways
    }

    /// What each permission lets a member pass on to `to` of a view that it was given. As SPEC has it, a permission is for all that its row
    /// could have given, as far as the view shows: which of several rows sent a record is not told.
    pub(super) fn onward(&self, record: &Record, way: &Way, to: &str, purpose: &str) -> Vec<Groups> {
        let issuer = record.issuer;
        if [issuer, way.to].contains(&to) {
            return Vec::new();
        }
        let (_, kind, territory) = MEMBERS.into_iter().find(|(id, _, _)| *id == to).unwrap();
        let draft = self.drafts.iter().find(|draft| draft.id == way.agreement).unwrap();
        let rows = draft.rows.iter().filter(|row| {
            let between = row.from.contains(&issuer) && row.to.contains(&way.to);
            let gave = way.groups.is_subset(&row.groups) && row.is_shown_about(record, way);
            between && row.purpose == way.purpose && row.versions.contains(&way.version) && gave
        });
        let fits = |onward: &&Onward| {
            let of_kind = |(k, t): &(&str, Option<&str>)| *k == kind && t.is_none_or(|t| within(territory, t));
            onward.purpose == purpose && (onward.members.contains(&to) || onward.kinds.iter().any(of_kind))
        };
        let permitted = rows.flat_map(|row| row.onward.iter().filter(fits)).map(|onward| {
            let shown: Groups = onward.groups.intersection(&way.groups).copied().collect();
            self.lawful(way.to, to, &shown)
        });
        permitted.filter(|groups| !groups.is_empty()).collect()
    }

    fn lawful(&self, from: &str, to: &str, groups: &Groups) -> Groups {
        let forbids = |law: &&Law| law.of == from && law.to == to;
        let forbidden: Vec<_> = self.laws.iter().filter(forbids).flat_map(|law| &law.groups).collect();
        groups.iter().copied().filter(|group| !forbidden.contains(&group)).collect()
    }
}

impl Draft {
    fn holds(&self) -> bool {
        self.days == ("2020-01-01", "2099-12-31")
    }

    pub(super) fn to_toml(&self) -> String {
        let (id, parties, (from, until)) = (&self.id, &self.parties, self.days);
        let head = format!(
            "id = \"{id}\"\ntitle = \"T\"\ninstrument = \"I\"\narticle = \"1\"\ncontroller = \"C\"\nparties = {parties:?}\n\
             valid_from = \"{from}\"\nvalid_until = \"{until}\"\n"
        );
        head + &self.rows.iter().map(Row::to_toml).collect::<String>()
    }
}

impl Law {
    pub(super) fn to_toml(&self) -> String {
        let Self { of, to, groups } = self;
        format!("[[forbid]]\nid = \"law\"\nground = \"L\"\nfrom = [\"{of}\"]\nto = [\"{to}\"]\ngroups = {groups:?}\n")
    }
}

impl Row {
    /// Whether whoever was given this view sees that the row is about the record.
    fn is_shown_about(&self, record: &Record, way: &Way) -> bool {
        let hidden = |group: &str| !way.groups.contains(group);
        let blind = !self.places.is_empty() && hidden("route") || self.handling && hidden("handling");
        !blind && self.is_about(record, way.to)
    }

    fn is_about(&self, record: &Record, to: &str) -> bool {
        let place = |role: &&str| record.places.get(*role);
        let there = |role: &&str| place(role).is_some_and(|at| self.places.iter().any(|place| within(at, place)));
        (self.places.is_empty() || self.roles.iter().any(there)) && (!self.handling || record.handlers.contains(&to))
    }

    fn to_toml(&self) -> String {
        let Self { versions, from, to, purpose, groups, places, roles, handling, unlinkable, onward } = self;
        let mut text = format!(
            "[[flow]]\ntype = \"declaration\"\nversions = {versions:?}\nfrom = {from:?}\nto = {to:?}\npurpose = {purpose:?}\n\
             groups = {:?}\nretention_days = 30\nhandling = {handling}\n",
            Vec::from_iter(groups)
        );
        if !places.is_empty() {
            text += &format!("territories = {places:?}\nroles = {roles:?}\n");
        }
        if *unlinkable {
            text += "terms = { unlinkable = \"yes\" }\n";
        }
        for Onward { members, kinds, purpose, groups } in onward {
            let kinds = kinds.iter().map(|(kind, place)| format!("{kind} {}", place.unwrap_or_default()));
            let kinds: Vec<_> = kinds.map(|kind| kind.trim().to_owned()).collect();
            text += &format!(
                "[[flow.onward]]\nto = {members:?}\nkinds = {kinds:?}\npurpose = {purpose:?}\ngroups = {:?}\nretention_days = 7\n",
                Vec::from_iter(groups)
            );
        }
        text
    }
}

fn within(place: &str, area: &str) -> bool {
    place == area || area == "EU" && STATES_OF_EU.contains(&place)
}

fn row(random: &mut Random, parties: &[&'static str]) -> Row {
    let mut to = random.some(parties, 40);
    if to.len() == parties.len() {
        to.remove(random.below(parties.len()));
    }
    let others: Vec<_> = parties.iter().copied().filter(|party| !to.contains(party)).collect();
    let versions = random.pick(&[&[1u64][..], &[2], &[1, 2]]).to_vec();
    let of = declaration(versions[0]);
    let names: Vec<&'static str> = of.groups.iter().map(|group| group.name).collect();
    let share = random.pick(&[10, 40, 70, 100]);
    let groups = Groups::from_iter(random.some(&names, share));
    let shown: Vec<_> = groups.iter().copied().collect();
    let onward = (0..random.pick(&[0, 0, 1, 2])).map(|_| {
        let (member, kind, territory) = random.pick(&MEMBERS);
        let place = random.pick(&[None, Some(territory), Some("EU")]);
        let (members, kinds) = if random.percent(40) { (vec![member], vec![]) } else { (vec![], vec![(kind, place)]) };
        let groups = random.some(&shown, 60).into_iter().collect();
        Onward { members, kinds, purpose: random.pick(&PURPOSES), groups }
    });
    let onward: Vec<_> = onward.collect();
    // What is unlinkable goes no further.
    let unlinkable = random.percent(25);
    let onward = if unlinkable { Vec::new() } else { onward };
    let places = match random.below(3) {
        0 => random.some(&["KR", "EU", "JP", "FR"], 40),
        _ => Vec::new(),
    };
    Row {
        versions,
        from: random.some(&others, 60),
        to,
        purpose: random.pick(&PURPOSES),
        groups,
        places,
        roles: random.some(&ROLES, 40),
        handling: random.percent(20),
        unlinkable,
        onward,
    }
}

impl Record {
    pub(super) fn new(random: &mut Random, issuer: &'static str) -> Self {
        let version = 1 + random.below(2) as u64;
        let places = ROLES.iter().filter(|role| **role == "destination" || random.percent(40)).copied();
        let places: Vec<_> = places.collect();
        let places = places.into_iter().map(|role| (role, random.pick(&PLACES))).collect();
        let (json, handlers) = (Json::Null, Vec::new());
        let mut record = Self { issuer, version, json, places, handlers, texts: vec![], numbers: vec![] };
        let goods: Vec<_> = (0..random.below(4)).map(|_| record.groups(random, Scope::Item)).collect();
        let mut all = record.groups(random, Scope::Record);
        all.extend([("type".into(), json!("declaration")), ("version".into(), json!(version))]);
        all.insert("goods".into(), goods.into_iter().filter(|item| !item.is_empty()).map(Json::Object).collect());
        record.json = Json::Object(all);
        record
    }

    fn groups(&mut self, random: &mut Random, scope: Scope) -> Map<String, Json> {
        let mut groups = Map::new();
        for group in declaration(self.version).groups.iter().filter(|group| group.scope == scope) {
            if !group.mandatory && !random.percent(60) {
                continue;
            }
            let times = if group.repeats { 1 + random.below(2) } else { 1 };
            let filled: Vec<_> = (0..times).map(|_| self.fields(random, group.name, group.fields)).collect();
            let filled: Vec<_> = filled.into_iter().filter(|fields| !fields.is_empty()).map(Json::Object).collect();
            let Some(first) = filled.first().cloned() else { continue };
            groups.insert(group.name.into(), if group.repeats { Json::Array(filled) } else { first });
        }
        groups
    }

    fn fields(&mut self, random: &mut Random, group: &'static str, fields: &[Field]) -> Map<String, Json> {
        let mut filled = Map::new();
        for field in fields {
            if !field.mandatory && group != "route" && !random.percent(70) {
                continue;
            }
            let value = match field.kind {
                Kind::Territory if group == "route" => self.places.get(field.name).map(|place| json!(place)),
                Kind::Text(_) if group == "handling" && random.percent(50) => {
                    let (member, _, _) = random.pick(&MEMBERS);
                    self.handlers.push(member);
                    Some(json!(member))
                }
                Kind::Text(most) | Kind::Code(most) if most >= 16 => {
                    let marker = random.marker();
                    self.texts.push((group, marker.clone()));
                    Some(json!(marker))
                }
                Kind::Decimal(16, scale) => {
                    let number = 1_000_000_000_000_000 + random.below(8_999_999_999_999_999) as u64;
                    let scale = u32::from(scale);
                    self.numbers.push((group, number, scale));
                    Some(json!(decimal(number, scale)))
                }
                Kind::Bool => Some(json!(random.percent(50))),
                Kind::Digits(least, _) => Some(json!("123456789"[..usize::from(least)])),
                Kind::Code(_) => Some(json!(random.pick(&["A1", "B2"]))),
                Kind::Words(words) => Some(json!(random.pick(words))),
                Kind::Territory => Some(json!(random.pick(&PLACES))),
                Kind::Currency => Some(json!("CNY")),
                Kind::Uint(_) => Some(json!(random.below(9))),
                _ => None,
            };
            filled.extend(value.map(|value| (field.name.to_owned(), value)));
        }
        filled
    }

    pub(super) fn reference(&self) -> &str {
        self.json["filing"]["own_reference"].as_str().unwrap()
    }
}

/// A number as it stands in JSON.
pub(super) fn decimal(number: u64, scale: u32) -> String {
    let one = 10u64.pow(scale);
    format!("{}.{:0width$}", number / one, number % one, width = scale as usize)
}
