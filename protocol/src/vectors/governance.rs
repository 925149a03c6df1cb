//! `governance.json`: the life of a second network: charters by vote, a split that heals, keys that change, agreements that follow one
//! another, suspensions, revocations; what holds of which documents, what they permit, and what is taken now.

use std::sync::{Arc, LazyLock};

use super::damaged::word;
use super::json::{Json, bytes, file, object, texts};
use crate::cbor::Encode;
use crate::document::{
    Agreement, Ask, Card, Charter, Denial, Directory, Document, DocumentKind, Keys, MemberStatus, Prohibitions,
    Rejection, Revocation, Suspension, Term,
};
use crate::hash::Digest;
use crate::keys::{KeyId, KeyUse, PublicKey, SecretKey};
use crate::names::{MemberId, Purpose};
use crate::record::GroupSet;
use crate::testing::{NOW, Party, charter, set, slug};
use crate::time::{Day, Millis};

/// Its documents by name, in an order in which they could have come.
pub(super) struct Life {
    pub(super) documents: Vec<(&'static str, Document)>,
    pub(super) parties: [Party; 5],
    /// The identity key of `post-de` from its third card on.
    pub(super) next: SecretKey,
}

pub(super) static LIFE: LazyLock<Life> = LazyLock::new(Life::new);

const GOVERNORS: [&str; 4] = ["auditor", "customs-jp", "customs-kr", "post-de"];

const PARCELS: &str = r#"
    id = "parcels"
    title = "Advance data"
    instrument = "Universal Postal Convention"
    article = "08"
    controller = "post-de"
    parties = ["post-de", "customs-kr"]
    valid_from = "2026-01-01"
    valid_until = "2027-12-31"
    [[flow]]
    type = "declaration"
    version = 1
    from = ["post-de"]
    to = ["customs-kr"]
    purpose = "safety_security"
    groups = ["filing", "item", "route", "sender"]
    territories = ["EU", "KR"]
    roles = ["destination", "transit"]
    retention_days = 30
    onward = [
        { to = ["customs-jp"], kinds = ["agency", "customs EU"], purpose = "enforcement", groups = ["filing", "item"], retention_days = 10 },
        { kinds = ["agency KR"], purpose = "agency_control", groups = ["filing"], retention_days = 5 },
    ]
    terms = { deletion_receipt = "yes", evidence = "yes" }
    [[flow]]
    type = "declaration"
    version = 1
    from = ["post-de"]
    to = ["customs-kr"]
    purpose = "revenue"
    groups = ["filing", "value"]
    retention_days = 365
    [[flow]]
    type = "declaration"
    version = 1
    from = ["post-de"]
    to = ["customs-kr"]
    purpose = "delivery"
    groups = ["item"]
    handling = true
    retention_days = 20
    terms = { when_stale = "stop" }
"#;

impl Life {
    fn new() -> Self {
        let names = [("post-de", 1), ("customs-kr", 2), ("customs-jp", 3), ("auditor", 4), ("platform-cn", 5)];
        let parties = names.map(|(id, n)| Party::new(id, n));
        let next = secret(KeyUse::Identity, 91);
        let mut life = Self { documents: Vec::new(), parties, next };
        life.found();
        life.rotate();
        life.further();
        life.vote();
        life.agree();
        life.stop();
        life.contradict();
        life
    }

    fn party(&self, id: &str) -> &Party {
        self.parties.iter().find(|party| party.id.as_str() == id).unwrap()
    }

    pub(super) fn network(&self) -> Digest {
        self.documents[0].1.digest()
    }

    pub(super) fn get(&self, name: &str) -> &Document {
        &self.documents.iter().find(|(of, _)| *of == name).unwrap_or_else(|| panic!("{name}")).1
    }

    /// Signed by these; `post-de+` is that one with its next key.
    pub(super) fn signed(&self, mut document: Document, by: &[&str]) -> Document {
        document.signatures.clear();
        for id in by {
            match id.strip_suffix('+') {
                Some(id) => document.countersign(&slug(id), &self.next),
                None => document.countersign(&slug(id), &self.party(id).identity),
            }
        }
        document
    }

    fn put(&mut self, name: &'static str, document: Document, by: &[&str]) {
        let document = self.signed(document, by);
        self.documents.push((name, document));
    }

    fn found(&mut self) {
        let four: Vec<_> = self.parties[..4].iter().collect();
        let mut body = charter(&four, &GOVERNORS);
        let place = |member: &mut crate::document::CharterMember| {
            member.territory = member.id.as_str()[member.id.as_str().len() - 2..].to_uppercase().parse().unwrap();
        };
        body.members[1..].iter_mut().for_each(place);
        let founding = body.to_document();
        self.put("charter 1", founding, &GOVERNORS);
        for (at, name) in
            ["card post-de 1", "card customs-kr 1", "card customs-jp 1", "card auditor 1"].into_iter().enumerate()
        {
            let card = self.parties[at].card().to_document(self.network()).unwrap();
            let id = card.id.to_string();
            self.put(name, card, &[&id]);
        }
    }

    /// The card after this one.
    pub(super) fn card(&self, before: &str, change: impl FnOnce(&mut Card)) -> Document {
        let before = self.get(before);
        let mut card = Card::open(before).unwrap();
        change(&mut card);
        card.to_successor(before).unwrap()
    }

    fn rotate(&mut self) {
        // The next keys of every use behind those in use; then before them, with another identity; then alone, with another log.
        let second = self.card("card post-de 1", |card| {
            let node = &mut card.nodes[0];
            let both = |old: &Keys, use_of, n| Keys::new(vec![*old.current(), public(use_of, n)]).unwrap();
            node.sign = both(&node.sign, KeyUse::Sign, 92);
            node.log = both(&node.log, KeyUse::Log, 93);
            node.witness = both(&node.witness, KeyUse::Witness, 94);
            node.transport = both(&node.transport, KeyUse::Transport, 95);
            node.seal.push("age1next".into());
        });
        self.put("card post-de 2", second, &["post-de"]);
        let next = *self.next.public();
        let third = self.card("card post-de 2", |card| {
            let node = &mut card.nodes[0];
            for keys in [&mut node.sign, &mut node.log, &mut node.witness, &mut node.transport] {
                *keys = Keys::new(keys.all().iter().rev().copied().collect()).unwrap();
            }
            node.seal.reverse();
            card.identity = next;
        });
        self.put("card post-de 3", third, &["post-de", "post-de+"]);
        let fourth = self.card("card post-de 3", |card| {
            let node = &mut card.nodes[0];
            (node.epoch, node.origin) = (2, "log.example/post-de/2".into());
            node.log = public(KeyUse::Log, 96).into();
            node.sign = (*node.sign.current()).into();
            node.seal.truncate(1);
        });
        self.put("card post-de 4", fourth, &["post-de+"]);
    }

    /// A second node, and a card that leaves it out again.
    fn further(&mut self) {
        let second = self.card("card customs-jp 1", |card| {
            let mut node = card.nodes[0].clone();
            node.name = slug("n2");
            node.origin = "log.example/customs-jp/n2".into();
            node.sign = public(KeyUse::Sign, 110).into();
            node.log = public(KeyUse::Log, 111).into();
            node.witness = public(KeyUse::Witness, 112).into();
            node.transport = public(KeyUse::Transport, 113).into();
            card.nodes.push(node);
        });
        self.put("card customs-jp 2", second, &["customs-jp"]);
        let third = self.card("card customs-jp 2", |card| card.nodes.truncate(1));
        self.put("card customs-jp 3", third, &["customs-jp"]);
    }

    /// The charter after this one.
    pub(super) fn charter(&self, before: &str, change: impl FnOnce(&mut Charter)) -> Document {
        let before = self.get(before);
        let mut charter = Charter::read(before).unwrap();
        change(&mut charter);
        charter.to_successor(self.network(), before).unwrap()
    }

    fn vote(&mut self) {
        let (platform, old) =
            (self.party("platform-cn").identity.public(), Charter::read(self.get("charter 1")).unwrap());
        let newcomer = |charter: &mut Charter| {
            let mut member = old.members[1].clone();
            (member.id, member.name, member.identity) = (slug("platform-cn"), "Platform".into(), *platform);
            (member.kind, member.territory) = ("platform".parse().unwrap(), "CN".parse().unwrap());
            charter.members.push(member);
            charter.members.sort_by(|a, b| a.id.cmp(&b.id));
        };
        let renamed = |charter: &mut Charter| charter.members[0].name = "Auditors".into();
        // Two with enough votes, and one that names both.
        let (a, b) = (self.charter("charter 1", newcomer), self.charter("charter 1", renamed));
        self.put("charter 2", a, &["auditor", "customs-jp", "customs-kr"]);
        self.put("charter 2 too", b, &["auditor", "customs-kr", "post-de"]);
        let other = self.get("charter 2 too").digest();
        let healing = self.charter("charter 2", |charter| charter.merges = Some(other));
        self.put("charter 3 heals", healing, &["customs-jp", "customs-kr", "post-de+"]);
        // A member is suspended and governs no more; the key of a card votes.
        let suspended = self.charter("charter 3 heals", |charter| {
            charter.merges = None;
            charter.governors.retain(|id| id.as_str() != "customs-jp");
            charter.threshold = 3;
            charter.valid_until = Some(day("2027-06-30"));
            charter.members.iter_mut().find(|m| m.id.as_str() == "customs-jp").unwrap().status =
                MemberStatus::Suspended;
        });
        self.put("charter 4", suspended, &["auditor", "customs-kr", "post-de+"]);
        let mut platform = self.party("platform-cn").card().to_document(self.network()).unwrap();
        platform.id = slug("platform-cn");
        self.put("card platform-cn 1", platform, &["platform-cn"]);
        // Open: a vote for one, words against its round, and a second vote in it.
        let [one, two] = ["One", "Two"]
            .map(|name| self.charter("charter 4", |charter| name.clone_into(&mut charter.members[0].name)));
        self.put("proposal one", one, &["auditor"]);
        self.put("proposal two", two, &["auditor"]);
        let previous = self.get("charter 4").digest();
        let word = Rejection { governor: slug("customs-kr"), previous, round: 1 }.to_document(self.network());
        self.put("rejection", word, &["customs-kr"]);
    }

    fn agree(&mut self) {
        let network = self.network();
        let mut first = Agreement::from_draft(PARCELS).unwrap();
        // A version of the type that is not known yet.
        first.flows[1].type_versions.push(7);
        self.put("agreement parcels 1", first.to_document(network), &["customs-kr", "post-de"]);
        let mut second = first.clone();
        second.valid_from = day("2026-12-01");
        second.flows[0].groups = vec!["filing".into(), "item".into(), "payment".into()];
        second.flows[0].retention_days = 60;
        second.flows.remove(1);
        let second = second.to_successor(self.get("agreement parcels 1"));
        self.put("agreement parcels 2", second, &["customs-kr", "post-de+"]);
        let mut odd = Agreement { id: slug("odd"), ..first.clone() };
        odd.flows[0].purpose = Purpose::Statistics;
        odd.flows[0].terms.push(Term { name: "watermark".into(), value: "yes".into() });
        odd.flows[1].purpose = Purpose::Enforcement;
        odd.flows[1].groups = vec!["filing".into(), "hologram".into()];
        odd.flows[2].purpose = Purpose::Facilitation;
        odd.flows[2].type_name = "parcel".into();
        self.put("agreement odd", odd.to_document(network), &["customs-kr", "post-de"]);
        let mut stopped = Agreement { id: slug("stopped"), ..first.clone() };
        stopped.flows.truncate(1);
        stopped.flows[0].purpose = Purpose::ServiceQuality;
        self.put("agreement stopped", stopped.to_document(network), &["customs-kr", "post-de"]);
        let mut late = Agreement { id: slug("with-jp"), ..first };
        late.flows.truncate(1);
        late.flows[0].to = vec![slug("customs-jp")];
        late.flows[0].onward.clear();
        late.parties = vec![slug("customs-jp"), slug("post-de")];
        self.put("agreement with-jp", late.to_document(network), &["customs-jp", "post-de+"]);
    }

    pub(super) fn word(&self, member: &str, agreements: &[&str], before: Option<&str>) -> Document {
        let agreements = agreements.iter().map(|id| slug(id)).collect();
        let body = Suspension { member: slug(member), agreements, reason: "Act 12".into() };
        body.to_document(self.network(), before.map(|name| self.get(name))).unwrap()
    }

    pub(super) fn revocation(&self, member: &str, keys: &[KeyId], since: Option<Millis>) -> Document {
        let (mut keys, reason) = (keys.to_vec(), "stolen".to_owned());
        keys.sort();
        let (revoked_at, compromised_since) = (NOW, since);
        let body = Revocation { member: slug(member), keys, reason, revoked_at, compromised_since };
        body.to_document(self.network()).unwrap()
    }

    fn stop(&mut self) {
        let first = self.word("customs-kr", &["parcels", "stopped"], None);
        self.put("suspension 1", first, &["customs-kr"]);
        let second = self.word("customs-kr", &["stopped"], Some("suspension 1"));
        self.put("suspension 2", second, &["customs-kr"]);
        let key = |party: &Party, of: fn(&Party) -> PublicKey| of(party).id();
        let (sign, log) = (|p: &Party| *p.sign.public(), |p: &Party| *p.log.public());
        let [post, kr, jp, ..] = &self.parties;
        let (post, kr, jp) = (key(post, sign), key(kr, sign), key(jp, log));
        let own = self.revocation("post-de", &[post], Some(Millis(NOW.0 - 60_000)));
        let (governors, foreign) =
            (self.revocation("customs-jp", &[jp], None), self.revocation("platform-cn", &[kr], None));
        self.put("revocation by its member", own, &["post-de+"]);
        self.put("revocation by governors", governors, &["auditor", "customs-kr", "post-de+"]);
        self.put("revocation of another's key", foreign, &["platform-cn"]);
    }

    fn contradict(&mut self) {
        let [one, other] = [2, 3].map(|epoch| self.card("card auditor 1", |card| card.nodes[0].epoch = epoch));
        self.put("card auditor 2", one, &["auditor"]);
        self.put("card auditor 2 too", other, &["auditor"]);
        let stopped = Agreement::open(self.get("agreement stopped")).unwrap();
        for (name, title) in [("agreement twice", "One"), ("agreement twice too", "Other")] {
            let body = Agreement { id: slug("twice"), title: title.into(), ..stopped.clone() };
            self.put(name, body.to_document(self.network()), &["customs-kr", "post-de"]);
        }
    }

    /// What holds of some of them.
    pub(super) fn directory(&self, names: &[&str]) -> Directory {
        let documents = names.iter().map(|name| self.get(name).clone());
        let loaded = Directory::load(documents, Arc::<Prohibitions>::default()).unwrap();
        let refused: Vec<_> = loaded.refused.iter().map(|(_, error)| error.to_string()).collect();
        assert!(refused.is_empty(), "{refused:#?}");
        loaded.directory
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.documents.iter().map(|(name, _)| *name).collect()
    }
}

pub(super) fn secret(use_of: KeyUse, n: u8) -> SecretKey {
    SecretKey::from_seed(use_of, &[n; 32]).unwrap()
}

pub(super) fn public(use_of: KeyUse, n: u8) -> PublicKey {
    *secret(use_of, n).public()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn ids<'m>(members: impl IntoIterator<Item = &'m MemberId>) -> Json {
    texts(members)
}

/// What a directory says holds.
fn holds(directory: &Directory) -> Json {
    let list = |items: Vec<Json>| Json::List(items);
    let digests = |all: &[Digest]| list(all.iter().map(|digest| bytes(digest.0)).collect());
    let split = directory.split().map(|split| {
        object! { "version" => split.version, "charters" => digests(&split.charters), "removed" => ids(&split.removed) }
    });
    let proposals = directory.proposals().iter().map(|p| {
        object! {
            "digest" => bytes(p.document.digest().0), "votes" => ids(&p.votes), "rejections" => ids(&p.rejections),
            "needed" => p.needed, "closed" => p.closed,
        }
    });
    let broken = directory.equivocations().iter().map(|e| {
        object! { "governor" => e.governor.as_str(), "round" => e.round, "documents" => digests(&e.documents) }
    });
    let every = directory.charter().members.iter().map(|member| &member.id);
    let members = every.clone().map(|id| {
        let keys = directory.identities(id).iter().map(|key| bytes(key.bytes())).collect();
        let card = directory.card_of(id).map(|(version, digest)| list(vec![version.into(), bytes(digest.0)]));
        object! {
            "id" => id.as_str(), "takes_part" => directory.active(id).is_some(), "identities" => list(keys), "card" => card,
            "suspends" => directory.suspension(id).map(|(version, word)| list(vec![(*version).into(), texts(&word.agreements)])),
        }
    });
    let logs = directory.nodes().map(|node| {
        let former = node.former_logs.iter().map(|log| {
            let keys = log.log.all().iter().map(|key| bytes(key.bytes())).collect();
            list(vec![log.origin.as_str().into(), list(keys)])
        });
        let keys = |keys: &mut dyn Iterator<Item = &PublicKey>| list(keys.map(|key| bytes(key.bytes())).collect());
        object! {
            "node" => node.node.as_str(), "log" => keys(&mut node.log_keys()), "witness" => keys(&mut node.witness_keys()),
            "transport" => keys(&mut node.transport_keys()), "former_logs" => list(former.collect()),
        }
    });
    let agreements = directory.agreement_versions().iter().map(|(id, versions)| {
        let all: Vec<_> = versions.iter().map(|(digest, _)| *digest).collect();
        list(vec![id.as_str().into(), digests(&all)])
    });
    let revoked = directory.all_revoked().map(|(key, said)| {
        list(vec![
            bytes(key.0),
            said.member.as_str().into(),
            said.at.0.into(),
            said.compromised_since.map(|at| at.0).into(),
        ])
    });
    let mut conflicts: Vec<_> = directory.conflicts().to_vec();
    conflicts.sort_by_key(|conflict| (conflict.kind, conflict.id.clone()));
    let conflicts = conflicts
        .iter()
        .map(|c| list(vec![c.kind.word().into(), c.id.as_str().into(), c.version.into(), digests(&c.digests)]));
    object! {
        "charter" => list(vec![directory.charter_document().version.into(), bytes(directory.charter_digest().0)]),
        "split" => split, "proposals" => list(proposals.collect()), "broke_their_word" => list(broken.collect()),
        "members" => list(members.collect()), "nodes" => list(logs.collect()), "agreements" => list(agreements.collect()),
        "revoked" => list(revoked.collect()), "conflicts" => list(conflicts.collect()),
    }
}

fn sets() -> Vec<Json> {
    let life = &*LIFE;
    let cards =
        ["charter 1", "card post-de 1", "card post-de 2", "card post-de 3", "card customs-kr 1", "card customs-jp 1"];
    let with = |more: &[&'static str]| [cards.as_slice(), more].concat();
    let cases = [
        ("everything", life.names()),
        ("the founding charter alone", vec!["charter 1"]),
        ("a charter adopted", with(&["charter 2"])),
        ("two adopted: a split", with(&["charter 2", "charter 2 too"])),
        ("a split that is healed", with(&["charter 2", "charter 2 too", "charter 3 heals"])),
        ("two nodes of a member", with(&["card customs-jp 2"])),
        ("one of them is left out", with(&["card customs-jp 2", "card customs-jp 3"])),
        ("a suspension that stands", with(&["agreement parcels 1", "suspension 1"])),
    ];
    let case = |(name, of): (&str, Vec<&'static str>)| {
        object! {
            "name" => format!("what holds: {name}"), "kind" => "holds", "documents" => texts(&of),
            "holds" => holds(&life.directory(&of)),
        }
    };
    cases.into_iter().map(case).collect()
}

/// The reason in one word, with what it is about.
fn reason(denial: &Denial) -> String {
    match denial {
        Denial::NoMember(id) => format!("no_member {id}"),
        Denial::MemberSuspended(id) => format!("member_suspended {id}"),
        Denial::NoAgreement => "no_agreement".into(),
        Denial::NoType(name) => format!("no_type {name}"),
        Denial::NoVersion(version) => format!("no_version {version}"),
        Denial::NoPurpose(purpose) => format!("no_purpose {purpose}"),
        Denial::UnknownTerm(term) => format!("unknown_term {term}"),
        Denial::UnknownType(name, version) => format!("unknown_type {name} {version}"),
        Denial::UnknownGroup(name, version) => format!("unknown_group {name} {version}"),
        Denial::NotYet(day) => format!("not_yet {day}"),
        Denial::Ended(day) => format!("ended {day}"),
        Denial::Superseded(day) => format!("superseded {day}"),
        Denial::Suspended(id) => format!("suspended {id}"),
        Denial::Stale(day) => format!("stale {day}"),
        Denial::Prohibited(id) => format!("prohibited {id}"),
        Denial::OtherAgreement => "other_agreement".into(),
        Denial::TooMuch(groups) => format!("too_much {}", groups.0),
        Denial::TooLong(days) => format!("too_long {days}"),
    }
}

fn permits() -> Vec<Json> {
    let life = &*LIFE;
    let directory = life.directory(&life.names());
    type Case =
        (&'static str, &'static str, u64, [&'static str; 2], &'static str, &'static [&'static str], u64, &'static str);
    let way = ["post-de", "customs-kr"];
    let (first, second) = ("agreement parcels 1", "agreement parcels 2");
    let cases: [Case; 31] = [
        ("the first version", first, 1, way, "safety_security", &["filing", "sender"], 30, "2026-11-23"),
        ("the second before its day", second, 1, way, "safety_security", &["filing"], 30, "2026-11-30"),
        ("the second on its day", second, 1, way, "safety_security", &["filing", "payment"], 60, "2026-12-01"),
        ("the first after it, what both give", first, 1, way, "safety_security", &["filing", "item"], 30, "2026-12-01"),
        ("the first after it, what only it gave", first, 1, way, "safety_security", &["sender"], 30, "2026-12-01"),
        (
            "the first after it, what only the second gives",
            first,
            1,
            way,
            "safety_security",
            &["payment"],
            30,
            "2026-12-01",
        ),
        ("the first after it, longer than it gave", first, 1, way, "safety_security", &["filing"], 31, "2026-12-01"),
        ("a row that the second does not have", first, 1, way, "revenue", &["value"], 30, "2026-12-01"),
        ("that row before", first, 1, way, "revenue", &["value"], 365, "2026-11-30"),
        ("too long", second, 1, way, "safety_security", &["filing"], 61, "2026-12-01"),
        ("too much and too long", second, 1, way, "safety_security", &["filing", "route"], 61, "2026-12-01"),
        ("before both", first, 1, way, "safety_security", &["filing"], 30, "2025-12-31"),
        ("after both", second, 1, way, "safety_security", &["filing"], 30, "2028-01-01"),
        ("a version of the type that is not known", first, 7, way, "revenue", &[], 30, "2026-11-23"),
        ("a version that no row has", first, 3, way, "revenue", &[], 30, "2026-11-23"),
        ("a version that another row has", first, 7, way, "safety_security", &[], 30, "2026-11-23"),
        ("a term that is not known", "agreement odd", 1, way, "statistics", &["filing"], 30, "2026-11-23"),
        ("a group that is not known", "agreement odd", 1, way, "enforcement", &["filing"], 30, "2026-11-23"),
        ("a suspended agreement", "agreement stopped", 1, way, "service_quality", &["filing"], 30, "2026-11-23"),
        ("one that its newest word does not name", first, 1, way, "delivery", &["item"], 20, "2026-11-23"),
        ("on the charter's last day", first, 1, way, "delivery", &["item"], 20, "2027-06-30"),
        ("a stale charter, and a row that stops then", first, 1, way, "delivery", &["item"], 20, "2027-07-01"),
        ("a stale charter, and a row that goes on", second, 1, way, "safety_security", &["filing"], 20, "2027-07-01"),
        (
            "a suspended member",
            "agreement with-jp",
            1,
            ["post-de", "customs-jp"],
            "safety_security",
            &[],
            1,
            "2026-11-23",
        ),
        ("nobody's name", first, 1, ["post-de", "customs-xx"], "safety_security", &[], 1, "2026-11-23"),
        ("no agreement between them", first, 1, ["customs-kr", "platform-cn"], "delivery", &[], 1, "2026-11-23"),
        ("the other direction", first, 1, ["customs-kr", "post-de"], "delivery", &[], 1, "2026-11-23"),
        ("no purpose", first, 1, way, "post_clearance_audit", &[], 1, "2026-11-23"),
        ("another agreement", "agreement odd", 1, way, "safety_security", &["filing"], 1, "2026-11-23"),
        ("one of two that contradict each other", "agreement twice", 1, way, "service_quality", &[], 1, "2026-11-23"),
        // What a country forbids is its own file, and no document says it.
        ("what a prohibition elsewhere forbids", first, 1, way, "safety_security", &["sender"], 30, "2026-11-23"),
    ];
    let ask = |(name, agreement, version, [from, to], purpose, groups, retention, on): Case| {
        let (sender, recipient): (MemberId, MemberId) = (slug(from), slug(to));
        let (purpose, digest): (Purpose, Digest) = (purpose.parse().unwrap(), life.get(agreement).digest());
        let view = if groups.is_empty() { GroupSet::NONE } else { set(groups) };
        let ask = Ask { type_name: "declaration", version, from: &sender, to: &recipient, purpose, day: day(on) };
        let refused = directory.policy().permits(&directory, &ask, &digest, view, retention).err();
        object! {
            "name" => format!("permitted? {name}"), "kind" => "permit_why", "agreement" => bytes(digest.0), "version" => version,
            "from" => from, "to" => to, "purpose" => purpose.to_string(), "groups" => texts(groups),
            "retention" => retention, "day" => on, "refused" => refused.as_ref().map(reason),
        }
    };
    cases.into_iter().map(ask).collect()
}

/// Documents that come now, to a node that has these.
fn taken_now() -> Vec<Json> {
    let life = &*LIFE;
    let everything = life.names();
    let until = |name: &str| everything.iter().copied().take_while(|of| *of != name).collect::<Vec<_>>();
    let stopped = Agreement::open(life.get("agreement stopped")).unwrap();
    let new = Agreement { id: slug("new"), ..stopped };
    let mut kept = new.clone();
    kept.parties.insert(0, slug("auditor"));
    kept.flows[0].onward.clear();
    kept.flows[0].terms = vec![Term { name: "deposit".into(), value: "auditor".into() }];
    let (new, kept) = (new.to_document(life.network()), kept.to_document(life.network()));
    let later = |round| life.charter("charter 4", move |charter| charter.round = round);
    let previous = life.get("charter 4").digest();
    let reject = |round| Rejection { governor: slug("auditor"), previous, round }.to_document(life.network());
    let retired = life.card("card post-de 4", |card| card.nodes[0].epoch = 3);
    let own_key = life.revocation("customs-kr", &[life.parties[1].identity.public().id()], None);
    let own_key = life.signed(own_key, &["customs-kr"]);
    let mut revoked = everything.clone();
    revoked.push("own");
    let today = "2026-11-23";
    let signed = |document: Document, by: &[&str]| life.signed(document, by);
    let cases: Vec<(&str, Vec<&str>, Document, &str)> = vec![
        ("an agreement", everything.clone(), signed(new.clone(), &["customs-kr", "post-de"]), today),
        (
            "an agreement that names a depositary",
            everything.clone(),
            signed(kept, &["auditor", "customs-kr", "post-de"]),
            today,
        ),
        (
            "an agreement on the charter's last day",
            everything.clone(),
            signed(new.clone(), &["customs-kr", "post-de"]),
            "2027-06-30",
        ),
        (
            "an agreement under a stale charter",
            everything.clone(),
            signed(new.clone(), &["customs-kr", "post-de"]),
            "2027-07-01",
        ),
        (
            "a later card under a stale charter",
            until("card post-de 4"),
            life.get("card post-de 4").clone(),
            "2027-07-01",
        ),
        (
            "a member's first card under a stale charter",
            until("card platform-cn 1"),
            life.get("card platform-cn 1").clone(),
            "2027-07-01",
        ),
        ("a suspension under a stale charter", until("suspension 2"), life.get("suspension 2").clone(), "2027-07-01"),
        ("a card by an identity key that is retired", everything.clone(), signed(retired, &["post-de"]), today),
        (
            "a proposal of the next round, which is not closed",
            everything.clone(),
            signed(later(2), &["customs-kr"]),
            today,
        ),
        ("a rejection of the round after the next", everything.clone(), signed(reject(3), &["auditor"]), today),
        ("a rejection by one who voted", everything.clone(), signed(reject(1), &["auditor"]), today),
        ("a third proposal of one governor", everything.clone(), signed(later(1), &["auditor"]), today),
        ("the same with another's vote", everything.clone(), signed(later(1), &["auditor", "customs-kr"]), today),
        ("an agreement by a revoked key", revoked.clone(), signed(new, &["customs-kr", "post-de"]), today),
        (
            "a charter with a vote by a revoked key",
            revoked.clone(),
            signed(later(1), &["customs-kr", "post-de+"]),
            today,
        ),
        ("a charter with no other vote", revoked.clone(), signed(later(1), &["customs-kr"]), today),
        (
            "another founding charter",
            everything.clone(),
            signed(
                Charter::open(life.get("charter 1"))
                    .map(|c| Charter { name: "Other".into(), ..c })
                    .unwrap()
                    .to_document(),
                &GOVERNORS,
            ),
            today,
        ),
    ];
    let case = |(name, had, document, on): (&str, Vec<&str>, Document, &str)| {
        let own = had.contains(&"own");
        let mut directory = life.directory(&had.iter().copied().filter(|name| *name != "own").collect::<Vec<_>>());
        if own {
            directory = directory.with(&own_key, day(today)).unwrap().unwrap();
        }
        let refused = directory.with(&document, day(on)).err().map(|error| word(&error));
        let case = object! {
            "name" => format!("comes now: {name}"), "kind" => "comes", "had" => had.len() - usize::from(own),
            "bytes" => bytes(document.to_cbor()), "day" => on, "refused" => refused,
        };
        if own { case.with("after", bytes(own_key.to_cbor())) } else { case }
    };
    cases.into_iter().map(case).collect()
}

fn standings() -> Vec<Json> {
    let life = &*LIFE;
    let directory = life.directory(&life.names());
    let (post, jp) = (life.parties[0].sign.public().id(), life.parties[2].log.public().id());
    let cases = [
        ("before it was compromised", post, Some(NOW.0 - 60_001)),
        ("since it was compromised", post, Some(NOW.0 - 60_000)),
        ("when it was revoked", post, Some(NOW.0)),
        ("after it was revoked", post, Some(NOW.0 + 1)),
        ("at no proven time", post, None),
        ("before it was revoked, never compromised", jp, Some(NOW.0)),
        ("of a key that another member revoked", life.parties[1].sign.public().id(), None),
    ];
    let case = |(name, key, made): (&str, KeyId, Option<u64>)| {
        let standing = format!("{:?}", directory.standing(&key, made.map(Millis))).to_lowercase();
        object! {
            "name" => format!("standing of a signature {name}"), "kind" => "standing", "key" => bytes(key.0), "made" => made,
            "standing" => standing,
        }
    };
    cases.into_iter().map(case).collect()
}

fn seen() -> Vec<Json> {
    let life = &*LIFE;
    let directory = life.directory(&life.names());
    let case = |party: &Party| {
        let mut digests: Vec<_> = directory.documents_for(&party.id).map(|(_, d)| d.digest().0).collect();
        digests.sort_unstable();
        let names = life.documents.iter().filter(|(_, d)| !digests.contains(&d.digest().0));
        object! {
            "name" => format!("what {} does not see", party.id), "kind" => "hidden", "member" => party.id.as_str(),
            "hidden" => texts(names.map(|(name, _)| *name)),
        }
    };
    life.parties.iter().map(case).collect()
}

#[test]
fn governance() {
    let life = &*LIFE;
    let document = |(name, document): &(&str, Document)| {
        let signers = document.signatures.iter().map(|signed| signed.member.as_str());
        object! {
            "name" => *name, "kind" => "governance", "document" => document.kind.word(), "bytes" => bytes(document.to_cbor()),
            "digest" => bytes(document.digest().0), "id" => document.id.as_str(), "version" => document.version,
            "signers" => texts(signers),
        }
    };
    assert!(DocumentKind::ALL.iter().all(|kind| life.documents.iter().any(|(_, document)| document.kind == *kind)));
    let mut cases: Vec<_> = life.documents.iter().map(document).collect();
    cases.extend([sets(), permits(), taken_now(), standings(), seen()].concat());
    let about = "SPEC.md section 5. 'governance': the documents of a second network. 'holds': what holds of those named. \
                 'permit_why': whether all of them permit this, and the reason where not. 'comes': a document that comes on a day to \
                 a node that has the first ones (and 'after'). 'standing': what a signature is worth. 'hidden': what a member does \
                 not see.";
    super::hold("governance.json", &file(about, cases));
}
