//! `documents.json`: the network of the vectors, with digests and signatures, and what its agreements permit.

use super::json::{Json, bytes, file, object, texts};
use super::world::WORLD;
use crate::cbor::{Decode, Encode};
use crate::credential::{Algorithm, AttestKey};
use crate::document::{
    Agreement, Ask, AttestCardKey, Benefit, Card, Charter, Document, IssuedBy, Issuers, Recognition,
};
use crate::hash::Domain;
use crate::keys::signed_bytes;
use crate::names::{MemberId, Purpose, Territory};
use crate::record::{DECLARATION, GroupSet};
use crate::testing::{SHOWN, set};
use crate::time::Day;

fn document(document: &Document) -> Json {
    let signature = |signed: &crate::document::DocumentSignature| {
        let frame = signed_bytes(Domain::Document, &document.network, &signed.key, &document.digest().0);
        object! { "member" => signed.member.as_str(), "signed" => bytes(frame) }
    };
    object! {
        "name" => format!("{} {} version {}", document.kind, document.id, document.version), "kind" => "document",
        "bytes" => bytes(document.to_cbor()), "digest" => bytes(document.digest().0),
        "network" => bytes(document.network.0), "id" => document.id.as_str(), "version" => document.version,
        "previous" => bytes(document.previous.0),
        "signatures" => document.signatures.iter().map(signature).collect::<Vec<_>>(),
    }
}

/// Questions to the directory with what it answers.
fn permits() -> Vec<Json> {
    let net = &WORLD.net;
    let given = set(&SHOWN);
    let day = |text: &str| text.parse::<Day>().unwrap();
    let today = day("2026-11-23");
    let security = Purpose::SafetySecurity;
    type Case = (&'static str, &'static str, [&'static str; 2], Purpose, GroupSet, u64, Day);
    let way = ["post-de", "customs-kr"];
    let cases: Vec<Case> = vec![
        ("all of one flow", "parcels", way, security, given, 30, today),
        ("less than the flow", "parcels", way, security, set(&["filing"]), 1, today),
        ("no group at all", "parcels", way, security, GroupSet::NONE, 0, today),
        ("one group more", "parcels", way, security, given.union(set(&["payment"])), 30, today),
        ("a day longer", "parcels", way, security, given, 31, today),
        ("another purpose", "parcels", way, Purpose::Statistics, given, 30, today),
        ("groups of another flow", "parcels", way, security, set(&["filing", "value"]), 30, today),
        ("the other flow", "parcels", way, Purpose::Revenue, set(&["filing", "value"]), 365, today),
        ("the other direction", "parcels", ["customs-kr", "post-de"], security, given, 30, today),
        ("another recipient", "parcels", ["post-de", "customs-jp"], security, given, 30, today),
        ("the first day", "parcels", way, security, given, 30, day("2026-01-01")),
        ("the day before", "parcels", way, security, given, 30, day("2025-12-31")),
        ("the last day", "parcels", way, security, given, 30, day("2027-12-31")),
        ("the day after", "parcels", way, security, given, 30, day("2028-01-01")),
        ("an agreement that has ended", "ended", way, security, given, 30, today),
        ("a mandate gives no records", "mandate", ["post-de", "auditor"], Purpose::Audit, GroupSet::NONE, 1, today),
    ];
    let ask = |(name, agreement, [from, to], purpose, groups, retention, day): Case| {
        let digest = net.agreement(agreement);
        let (sender, recipient) = (from.parse().unwrap(), to.parse().unwrap());
        let holds = {
            let ask = Ask { type_name: "declaration", version: 1, from: &sender, to: &recipient, purpose, day };
            net.directory.policy().permits(&net.directory, &ask, &digest, groups, retention).is_ok()
        };
        object! {
            "name" => format!("permitted? {name}"), "kind" => "permit", "agreement" => bytes(digest.0), "from" => from,
            "to" => to, "purpose" => purpose.to_string(), "groups" => texts(groups.names(&DECLARATION)),
            "retention" => retention, "day" => day.to_string(), "permitted" => holds,
        }
    };
    cases.into_iter().map(ask).collect()
}

fn network_names() -> Vec<Json> {
    let names = [
        "Test network",
        "Parcels: EU & KR -- 2026",
        "Zürich",
        "漢字",
        "--",
        "A name of more than forty characters - in all",
    ];
    let cases = names.iter().map(|name| {
        let charter = Charter::open(&WORLD.net.charter).unwrap();
        let id = Charter { name: (*name).to_owned(), ..charter }.to_document().id;
        object! { "name" => format!("id of the network '{name}'"), "kind" => "network_id", "network" => *name, "id" => id.as_str() }
    });
    cases.collect()
}

/// Bodies with what most networks do not have: issuers, keys that sign attestations, recognition; and damaged ones.
fn bodies() -> Vec<Json> {
    let net = &WORLD.net;
    let mut charter = Charter::open(&net.charter).unwrap();
    let kind = |name: &str, of: &str, bytes_of: Vec<u8>, holds: bool| {
        let read = match of {
            "charter" => Charter::from_cbor(&bytes_of).is_ok(),
            "card" => Card::from_cbor(&bytes_of).is_ok(),
            _ => Agreement::from_cbor(&bytes_of).is_ok(),
        };
        assert_eq!(read, holds, "{name}");
        object! { "name" => format!("body: {name}"), "kind" => "body", "of" => of, "bytes" => bytes(bytes_of), "holds" => holds }
    };
    let issuers = |attestation: &str, members: &[&MemberId]| Issuers {
        attestation: attestation.into(),
        members: members.iter().map(|id| (*id).clone()).collect(),
    };
    let [customs, post] = [&net.customs.id, &net.post.id];
    charter.issuers =
        vec![issuers("aeo", &[customs]), issuers("unheard_of", &[customs, post]), issuers("vetted_seller", &[post])];
    let mut cases = vec![kind("a charter that lists issuers", "charter", charter.to_cbor(), true)];
    charter.issuers = vec![issuers("aeo", &[post])];
    cases.push(kind("a charter that lists a post for aeo", "charter", charter.to_cbor(), false));
    charter.issuers = vec![issuers("vetted_seller", &[post]), issuers("aeo", &[customs])];
    cases.push(kind("a charter that lists types out of order", "charter", charter.to_cbor(), false));
    charter.issuers = Vec::new();
    charter.coordinators = vec![customs.clone(), post.clone()];
    charter.coordinators.sort();
    cases.push(kind("a charter that names coordinators", "charter", charter.to_cbor(), true));
    let mut none = Charter { coordinators: Vec::new(), ..charter.clone() }.to_cbor();
    none[0] += 2;
    none.extend([0x80, 0x80]);
    cases.push(kind("a charter with an empty list of coordinators", "charter", none, false));
    let backwards = charter.coordinators.iter().rev().cloned().collect();
    let backwards = Charter { coordinators: backwards, ..charter.clone() };
    cases.push(kind("a charter with coordinators out of order", "charter", backwards.to_cbor(), false));
    charter.coordinators = vec!["nobody".parse().unwrap()];
    cases.push(kind("a charter with a coordinator that is no member", "charter", charter.to_cbor(), false));
    charter.coordinators = vec![customs.clone()];
    charter.issuers = vec![issuers("aeo", &[customs])];
    cases.push(kind("a charter with issuers and a coordinator", "charter", charter.to_cbor(), true));
    let key = |n: usize| *AttestKey::from_seed(Algorithm::ALL[n % 2], &[n as u8 + 90; 32]).unwrap().public();
    let (from, until) = ("2026-01-01".parse().unwrap(), Some("2026-12-31".parse().unwrap()));
    let mut card = Card::open(&net.cards[0]).unwrap();
    card.attest = (0..4).map(|n| AttestCardKey { key: key(n), from, until: until.filter(|_| n == 1) }).collect();
    card.attest.sort_by_key(|row| row.key.bytes());
    cases.push(kind("a card with keys that sign attestations", "card", card.to_cbor(), true));
    let mut empty = Card { attest: Vec::new(), ..card.clone() }.to_cbor();
    empty[0] += 1;
    empty.push(0x80);
    cases.push(kind("a card with an empty list of them", "card", empty, false));
    let backwards = Card { attest: card.attest.iter().rev().cloned().collect(), ..card.clone() };
    cases.push(kind("a card with them out of order", "card", backwards.to_cbor(), false));
    card.attest.iter_mut().for_each(|row| row.until = Some(from.minus(1)));
    cases.push(kind("a card with one that ends before it begins", "card", card.to_cbor(), false));
    let row = |issued_by: IssuedBy, by: &MemberId| Recognition {
        issued_by,
        programme: "Programme of trusted traders".into(),
        by: vec![by.clone()],
        purposes: vec![Purpose::SafetySecurity, Purpose::Facilitation],
        benefits: vec![Benefit::FewerControls, Benefit::Priority, Benefit::Resumption],
        except_hs: vec!["2402".into(), "93".into()],
        needs: vec!["images".into(), "order".into()],
    };
    let of = Agreement::open(&net.agreements[0]).unwrap();
    let rows =
        vec![row(IssuedBy::Member(post.clone()), customs), row(IssuedBy::Territory("DE".parse().unwrap()), post)];
    let with = |recognises: Vec<Recognition>| Agreement { recognises, ..of.clone() }.to_cbor();
    cases.push(kind("an agreement that recognises", "agreement", with(rows.clone()), true));
    let alone = Agreement { flows: Vec::new(), recognises: rows.clone(), ..of.clone() };
    cases.push(kind("an agreement that does nothing else", "agreement", alone.to_cbor(), true));
    let nothing = Agreement { flows: Vec::new(), ..of.clone() };
    cases.push(kind("an agreement that does nothing", "agreement", nothing.to_cbor(), false));
    cases.push(kind(
        "an agreement by which a party recognises its own",
        "agreement",
        with(vec![row(IssuedBy::Member(post.clone()), post)]),
        false,
    ));
    let vetted = {
        let mut damaged = with(rows.clone());
        let at = damaged.windows(4).position(|at| at == b"\x63aeo").unwrap();
        damaged[at + 1..at + 4].copy_from_slice(b"vow");
        damaged
    };
    cases.push(kind("an agreement that recognises another type", "agreement", vetted, false));
    let mut audit = rows[0].clone();
    audit.purposes.push(Purpose::Audit);
    cases.push(kind("an agreement that recognises for audit", "agreement", with(vec![audit]), false));
    let mut long = rows[0].clone();
    long.except_hs = vec!["12345678901".into()];
    cases.push(kind("an agreement that excepts goods by eleven digits", "agreement", with(vec![long]), false));
    cases
}

fn territories() -> Vec<Json> {
    let pairs = [
        ("KR", "KR"),
        ("KR", "JP"),
        ("EU", "DE"),
        ("EU", "EL"),
        ("EU", "GR"),
        ("EU", "GB"),
        ("DE", "EU"),
        ("EU", "EU"),
    ];
    let cases = pairs.iter().map(|(territory, destination)| {
        let [outer, inner] = [territory, destination].map(|code| code.parse::<Territory>().unwrap());
        object! {
            "name" => format!("{destination} lies in {territory}?"), "kind" => "territory", "territory" => *territory,
            "destination" => *destination, "within" => outer.contains(inner),
        }
    });
    cases.collect()
}

#[test]
fn documents() {
    let net = &WORLD.net;
    let mut cases = vec![document(&net.charter)];
    cases.extend(net.cards.iter().chain(&net.agreements).map(document));
    // What else a document may be: another instrument named by its digest, destinations of one territory or two.
    let agreement = Agreement::open(&net.agreements[0]).unwrap();
    let named = Agreement { document: Some(net.agreements[1].digest()), id: "named".parse().unwrap(), ..agreement };
    let mut named = named.to_document(net.id());
    [&net.post, &net.customs].into_iter().for_each(|party| named.sign(&party.id, &party.identity));
    cases.push(document(&named));
    cases.extend([permits(), network_names(), territories(), bodies()].concat());
    let about = "SPEC.md sections 3 to 5. 'document': all bytes, the digest, the fields and each signature with the bytes \
                 it is over; together they are the network of every other file. 'permit': whether the agreement with \
                 this digest gives this. 'body': whether these bytes are a body of that kind.";
    super::hold("documents.json", &file(about, cases));
}
