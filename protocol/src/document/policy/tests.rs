//! The policy, held by a table written by hand ([`table`]) and by a second, naive implementation over random documents ([`naive`]).
//! Here: the networks that both ask, and the short notation in which their rows are written.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod naive;
mod sample;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::document::{
    Agreement, Charter, CharterMember, Directory, Document, Flow, MemberStatus, Onward, Prohibitions, Recipients, Role,
    Suspension, Term,
};
use crate::hash::Digest;
use crate::keys::{KeyUse, SecretKey};
use crate::names::{MemberId, MemberKind, Purpose, Slug, Territory};
use crate::record::{GroupSet, TypeTable};
use crate::testing::slug;
use crate::time::Day;

/// Documents of a network whose first member governs alone.
struct Documents {
    keys: BTreeMap<MemberId, SecretKey>,
    all: Vec<Document>,
    charter: Charter,
}

impl Documents {
    /// `de post DE active`, one member each.
    fn found(members: &[String]) -> Self {
        let mut keys = BTreeMap::new();
        let member = |(at, text): (usize, &String)| {
            let [id, kind, territory, status] = text.split(' ').collect::<Vec<_>>().try_into().unwrap();
            let key = SecretKey::from_seed(KeyUse::Identity, &[at as u8 + 100; 32]).unwrap();
            let identity = *key.public();
            keys.insert(slug(id), key);
            let status: MemberStatus = status.parse().unwrap();
            let (kind, territory) = (kind.parse().unwrap(), territory.parse().unwrap());
            CharterMember { id: slug(id), name: id.into(), kind, territory, identity, status }
        };
        let mut members: Vec<_> = members.iter().enumerate().map(member).collect();
        let governors = vec![members[0].id.clone()];
        members.sort_by(|a, b| a.id.cmp(&b.id));
        let (name, round) = ("Policy".to_owned(), 1);
        let charter = Charter {
            name,
            members,
            governors,
            threshold: 1,
            policy: None,
            valid_until: None,
            round,
            merges: None,
            issuers: Vec::new(),
            coordinators: Vec::new(),
        };
        let mut documents = Self { keys, all: Vec::new(), charter };
        let founding = documents.charter.to_document();
        documents.sign(founding, &documents.charter.governors.clone());
        documents
    }

    fn network(&self) -> Digest {
        self.all[0].digest()
    }

    fn sign(&mut self, mut document: Document, by: &[MemberId]) {
        by.iter().for_each(|id| document.sign(id, &self.keys[id]));
        self.all.push(document);
    }

    /// The next charter; only before others follow it.
    fn next_charter(&mut self, change: impl FnOnce(&mut Charter)) {
        change(&mut self.charter);
        let next = self.charter.to_successor(self.network(), &self.all[0]).unwrap();
        self.sign(next, &self.charter.governors.clone());
    }

    /// The versions of an agreement, with their digests.
    fn agree(&mut self, versions: &[Agreement]) -> Vec<Digest> {
        let mut before: Option<Document> = None;
        for agreement in versions {
            let document = match &before {
                None => agreement.to_document(self.network()),
                Some(before) => agreement.to_successor(before),
            };
            before = Some(document.clone());
            self.sign(document, &agreement.parties);
        }
        self.all[self.all.len() - versions.len()..].iter().map(Document::digest).collect()
    }

    /// A member's words on what is suspended, one after the other.
    fn suspend(&mut self, member: &str, words: &[&[Slug]]) {
        let mut before: Option<Document> = None;
        for agreements in words {
            let (member, agreements) = (slug(member), agreements.to_vec());
            let word = Suspension { member: member.clone(), agreements, reason: "law".into() };
            let document = word.to_document(self.network(), before.as_ref()).unwrap();
            before = Some(document.clone());
            self.sign(document, &[member]);
        }
    }

    fn directory(&self, laws: &str) -> Directory {
        let laws = Arc::new(Prohibitions::parse(laws).unwrap());
        let loaded = Directory::load(self.all.clone(), laws).unwrap();
        let refused: Vec<_> = loaded.refused.iter().map(|(_, error)| error.to_string()).collect();
        assert!(refused.is_empty(), "{refused:#?}");
        loaded.directory
    }
}

/// An agreement with these rows, from one day to another; whoever stands in a row is a party.
fn agreement(id: &str, days: (Day, Day), flows: Vec<Flow>) -> Agreement {
    let mut parties: Vec<_> = flows.iter().flat_map(|flow| flow.from.iter().chain(&flow.to)).cloned().collect();
    parties.sort();
    parties.dedup();
    let words = || id.to_owned();
    Agreement {
        id: slug(id),
        title: words(),
        instrument: words(),
        article: words(),
        controller: words(),
        document: None,
        parties,
        valid_from: days.0,
        valid_until: days.1,
        flows,
        recognises: Vec::new(),
    }
}

/// `26-11-23`.
fn day(text: &str) -> Day {
    format!("20{text}").parse().unwrap()
}

/// Groups by their first letters, an unknown one `x`; of openings `k` skeleton, `b` body, `e` evidence.
const GROUPS: [(char, &str); 12] = [
    ('a', "addressee"),
    ('b', "body"),
    ('e', "evidence"),
    ('f', "filing"),
    ('i', "item"),
    ('k', "skeleton"),
    ('m', "mass"),
    ('p', "payment"),
    ('r', "route"),
    ('s', "sender"),
    ('v', "value"),
    ('x', "xylophone"),
];

fn groups(letters: &str) -> Vec<String> {
    let name = |letter| GROUPS.iter().find(|(of, _)| *of == letter).unwrap().1.to_owned();
    let mut names: Vec<_> = letters.chars().filter(|c| *c != '-').map(name).collect();
    names.sort();
    names
}

/// The set of these letters in a table; `-` is none.
fn set(table: &TypeTable, letters: &str) -> GroupSet {
    table.set(groups(letters).iter().map(String::as_str)).unwrap()
}

/// `d1` is declaration 1, `o1` opening 1, `p1` a type that nobody knows; `d1,2` two versions.
fn types(text: &str) -> (&'static str, Vec<u64>) {
    let name = match &text[..1] {
        "d" => "declaration",
        "o" => "opening",
        _ => "parcel",
    };
    (name, text[1..].split(',').map(|version| version.parse().unwrap()).collect())
}

/// `de,fr>kr`.
fn ways(text: &str) -> (Vec<MemberId>, Vec<MemberId>) {
    let (from, to) = text.split_once('>').unwrap();
    let all = |text: &str| text.split(',').map(slug).collect();
    (all(from), all(to))
}

/// The first three letters of a purpose.
fn purpose(text: &str) -> Purpose {
    *Purpose::ALL.iter().find(|purpose| purpose.word().replace("post_clearance", "pca").starts_with(text)).unwrap()
}

/// `d1 de>kr saf fi 30`, then perhaps `term=value`, `handling`, `@KR+EU:destination+transit`, and
/// `>>jp+customs:EU+post;fac;f;10` (onward: recipients, purpose, groups, days).
fn row(text: &str) -> Flow {
    let mut words = text.split_whitespace();
    let mut word = || words.next().unwrap();
    let ((name, type_versions), (from, to), purpose_of) = (types(word()), ways(word()), purpose(word()));
    let (shown, retention) = (groups(word()), word());
    let mut flow = Flow {
        type_name: name.into(),
        type_versions,
        from,
        to,
        purpose: purpose_of,
        groups: shown,
        territories: Vec::new(),
        roles: vec![Role::Destination],
        handling: false,
        retention_days: retention.parse().unwrap(),
        onward: Vec::new(),
        terms: Vec::new(),
    };
    for word in words {
        if let Some(text) = word.strip_prefix(">>") {
            let [to, of, letters, days] = text.split(';').collect::<Vec<_>>().try_into().unwrap();
            let mut recipients = Recipients::default();
            for one in to.split('+') {
                let (kind, place) = one.split_once(':').map_or((one, None), |(kind, place)| (kind, Some(place)));
                match kind.parse::<MemberKind>() {
                    Ok(kind) => recipients.kinds.push((kind, place.map(|code| code.parse().unwrap()))),
                    Err(_) => recipients.members.push(slug(one)),
                }
            }
            recipients.members.sort();
            recipients.kinds.sort();
            let (purpose, groups) = (purpose(of), groups(letters));
            flow.onward.push(Onward { to: recipients, purpose, groups, retention_days: days.parse().unwrap() });
        } else if let Some(text) = word.strip_prefix('@') {
            let (places, roles) = text.split_once(':').unwrap();
            flow.territories = places.split('+').map(|code| code.parse::<Territory>().unwrap()).collect();
            flow.territories.sort();
            flow.roles = roles.split('+').map(|role| role.parse().unwrap()).collect();
        } else if let Some((name, value)) = word.split_once('=') {
            flow.terms.push(Term { name: name.into(), value: value.into() });
        } else {
            assert_eq!(word, "handling");
            flow.handling = true;
        }
    }
    flow
}
