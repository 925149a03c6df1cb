//! Documents that the network of `governance.json` refuses when they come.

use super::super::governance::{LIFE, public, secret};
use super::super::json::Json;
use super::{Cases, cbor_word, word};
use crate::cbor::{Decode, Encode};
use crate::document::{
    Agreement, Card, Charter, Directory, Document, Flow, Keys, MemberStatus, Rejection, Revocation, Suspension, Term,
};
use crate::hash::Digest;
use crate::keys::KeyUse;
use crate::names::{Purpose, Slug};
use crate::testing::{NOW, slug};
use crate::time::Millis;

/// What a node with all documents of the network says of one that comes.
fn judge(directory: &Directory, bytes: &[u8]) -> String {
    match Document::from_cbor(bytes) {
        Err(error) => cbor_word(&error),
        Ok(document) => directory.with(&document, NOW.day()).map_or_else(|error| word(&error), |_| "taken".into()),
    }
}

pub(super) fn documents() -> Vec<Json> {
    let life = &*LIFE;
    let network = life.network();
    let directory = life.directory(&life.names());
    let flow = |change: &dyn Fn(&mut Flow)| {
        let mut body = Agreement::open(life.get("agreement stopped")).unwrap();
        body.id = slug("new");
        change(&mut body.flows[0]);
        life.signed(body.to_document(network), &["customs-kr", "post-de"])
    };
    let deposit = |with: &str| vec![Term { name: "deposit".into(), value: with.into() }];
    let later = |change: &dyn Fn(&mut Agreement), by: &[&str]| {
        let before = life.get("agreement parcels 2");
        let mut body = Agreement::open(before).unwrap();
        change(&mut body);
        life.signed(body.to_successor(before), by)
    };
    let both = ["customs-kr", "post-de"];
    // Written by hand, as are those below: what contradicts itself is not made.
    let node = |change: &dyn Fn(&mut Card), by: &[&str]| {
        let before = life.get("card customs-kr 1");
        let mut card = Card::open(before).unwrap();
        change(&mut card);
        let document = Document { version: 2, previous: before.digest(), body: card.to_cbor(), ..before.clone() };
        life.signed(document, by)
    };
    let charter = |change: &dyn Fn(&mut Charter), by: &[&str]| {
        let before = life.get("charter 4");
        let mut body = Charter::read(before).unwrap();
        change(&mut body);
        let document = Document { version: 5, previous: before.digest(), body: body.to_cbor(), ..before.clone() };
        life.signed(document, by)
    };
    let three = ["auditor", "customs-kr", "post-de"];
    let word = |change: &dyn Fn(&mut Suspension)| {
        let mut body = Suspension::open(life.get("suspension 2")).unwrap();
        change(&mut body);
        let document = Document { version: 3, body: body.to_cbor(), ..life.get("suspension 2").clone() };
        life.signed(document, &["customs-kr"])
    };
    let revoke = |change: &dyn Fn(&mut Revocation), by: &[&str]| {
        let keys = vec![life.parties[1].sign.public().id()];
        let (member, reason, compromised_since) = (slug("customs-kr"), "stolen".to_owned(), None);
        let mut body = Revocation { member, keys, reason, revoked_at: NOW, compromised_since };
        let mut document = body.to_document(network).unwrap();
        change(&mut body);
        document.body = body.to_cbor();
        life.signed(document, by)
    };
    let reject = |governor: &str, previous: Digest, by: &[&str]| {
        life.signed(Rejection { governor: slug(governor), previous, round: 1 }.to_document(network), by)
    };
    let named = |mut document: Document, id: &str, by: &[&str]| {
        document.id = slug(id);
        life.signed(document, by)
    };
    let here = life.get("charter 4").digest();
    let foreign = |mut document: Document, by: &[&str]| {
        document.network = Digest([9; 32]);
        life.signed(document, by)
    };
    let unordered = {
        let mut document = flow(&|_| {});
        document.signatures.swap(0, 1);
        document
    };
    let mut by_two_keys = flow(&|_| {});
    by_two_keys.countersign(&slug("post-de"), &life.next);
    let stolen = secret(KeyUse::Identity, 77);
    let mut by_unknown = flow(&|_| {});
    by_unknown.sign(&slug("post-de"), &stolen);
    let mut flipped = charter(&|c| c.round = 1, &three);
    flipped.signatures[0].signature[7] ^= 1;
    let second = || public(KeyUse::Sign, 80);
    let identity = |card: &mut Card| card.identity = *stolen.public();
    let weak = {
        let mut document = node(&|_| {}, &["customs-kr"]);
        let at = document.body.windows(32).position(|w| w == life.parties[1].log.public().bytes()).unwrap();
        document.body[at..at + 32].fill(0);
        life.signed(document, &["customs-kr"])
    };
    let mut merged = charter(&|c| c.merges = Some(Digest([3; 32])), &three);
    merged.version = 6;
    let merged = life.signed(merged, &three);
    let cases: Vec<(&str, Document)> = vec![
        ("two keys of one party", by_two_keys),
        ("a key that its member never had", by_unknown),
        ("signatures out of order", unordered),
        ("a flow without roles", flow(&|f| f.roles.clear())),
        ("a flow with roles out of order", flow(&|f| f.roles.reverse())),
        ("a flow with versions out of order", flow(&|f| f.type_versions = vec![2, 1])),
        ("a flow with terms out of order", flow(&|f| f.terms.reverse())),
        (
            "a flow with a term that is no word",
            flow(&|f| f.terms = vec![Term { name: "a b".into(), value: "c".into() }]),
        ),
        ("a depositary that is no party", flow(&|f| f.terms = deposit("auditor"))),
        ("a depositary that receives", flow(&|f| f.terms = deposit("customs-kr"))),
        ("a depositary that is no name", flow(&|f| f.terms = deposit("some_body"))),
        ("a flow with a territory twice", flow(&|f| f.territories = vec!["KR".parse().unwrap(); 2])),
        ("an onward permission of a group not given", flow(&|f| f.onward[0].groups = vec!["value".into()])),
        ("an onward permission to nobody", flow(&|f| f.onward[0].to = Default::default())),
        (
            "an onward permission of what is unlinkable",
            flow(&|f| f.terms = vec![Term { name: "unlinkable".into(), value: "yes".into() }]),
        ),
        ("an onward permission for audit", flow(&|f| f.onward[0].purpose = Purpose::Audit)),
        ("an onward permission without retention", flow(&|f| f.onward[0].retention_days = 0)),
        ("a later version that one party did not sign", later(&|_| {}, &both[..1])),
        ("a later version with a party that did not sign", later(&|a| a.parties.insert(0, slug("auditor")), &both)),
        ("a version that leaves one out", {
            let before = life.get("agreement parcels 2");
            let body = Agreement::open(before).unwrap();
            life.signed(Document { version: 4, ..body.to_successor(before) }, &both)
        }),
        ("a version that follows another one", {
            let mut document = later(&|_| {}, &both);
            document.previous = life.get("agreement parcels 1").digest();
            life.signed(document, &both)
        }),
        ("a version after two that contradict each other", {
            let before = life.get("agreement twice");
            life.signed(Agreement::open(before).unwrap().to_successor(before), &both)
        }),
        ("a card with a key twice for one use", {
            let (mut document, before) = (node(&|_| {}, &["customs-kr"]), life.parties[1].sign.public().bytes());
            let twice: Vec<u8> = [&[0x82, 0x58, 32][..], &before, &[0x58, 32], &before].concat();
            let one: Vec<u8> = [&[0x81, 0x58, 32][..], &before].concat();
            let at = document.body.windows(one.len()).position(|w| w == one).unwrap();
            document.body.splice(at..at + one.len(), twice);
            life.signed(document, &["customs-kr"])
        }),
        (
            "a card with the identity key on a node",
            node(&|c| c.identity = c.nodes[0].log.current().to_owned(), &["customs-kr"]),
        ),
        ("a card with a weak key", weak),
        ("a card without a seal key", node(&|c| c.nodes[0].seal.clear(), &["customs-kr"])),
        ("a card with another identity by the old key alone", node(&identity, &["customs-kr"])),
        ("a card with another identity by the new key alone", {
            let mut document = node(&identity, &[]);
            document.sign(&slug("customs-kr"), &stolen);
            document
        }),
        ("a card with a signature more than needed", {
            let mut document = node(&|c| c.nodes[0].sign = second().into(), &["customs-kr"]);
            document.countersign(&slug("customs-kr"), &stolen);
            document
        }),
        ("a card that another member signed too", node(&|_| {}, &["auditor", "customs-kr"])),
        ("a card without signature", node(&|_| {}, &[])),
        ("a card by a retired key", life.signed(life.card("card post-de 4", |c| c.nodes[0].epoch = 4), &["post-de"])),
        ("a card that follows another card", {
            let mut document = node(&|_| {}, &[]);
            document.previous = Digest([1; 32]);
            life.signed(document, &["customs-kr"])
        }),
        ("a card after two that contradict each other", life.signed(life.card("card auditor 2", |_| {}), &["auditor"])),
        (
            "a card with a former key of another node",
            node(&|c| c.nodes[0].log = public(KeyUse::Log, 93).into(), &["customs-kr"]),
        ),
        (
            "a card with another's present key behind its own",
            node(&|c| c.nodes[0].sign = Keys::new(vec![second(), public(KeyUse::Sign, 92)]).unwrap(), &["customs-kr"]),
        ),
        (
            "a card with another node's log",
            node(&|c| c.nodes[0].origin = "log.example/post-de".into(), &["customs-kr"]),
        ),
        ("a charter without a vote", charter(&|_| {}, &[])),
        ("a charter that one votes for who is no member", {
            let mut document = charter(&|_| {}, &three[..1]);
            document.sign(&slug("zoll-xx"), &stolen);
            document
        }),
        ("a charter with a wrong vote", flipped),
        ("a charter with two votes of one governor", charter(&|_| {}, &["post-de", "post-de+"])),
        ("a charter of round zero", charter(&|c| c.round = 0, &three)),
        ("a charter with a suspended governor", charter(&|c| c.governors.insert(1, slug("customs-jp")), &three)),
        ("a charter whose threshold is two thirds", charter(&|c| c.threshold = 2, &three)),
        ("a charter without active governors", charter(&|c| c.members[0].status = MemberStatus::Suspended, &three)),
        ("a charter with another name", named(charter(&|_| {}, &[]), "other", &three)),
        ("a charter that follows a lost one", life.signed(life.charter("charter 2", |_| {}), &three)),
        ("a charter that follows another one", {
            let mut document = charter(&|_| {}, &[]);
            document.previous = Digest([1; 32]);
            life.signed(document, &three)
        }),
        ("a charter that merges what is no split", merged),
        (
            "a charter that lost",
            life.signed(
                life.charter("charter 3 heals", |c| {
                    (c.merges, c.members[0].name) = (None, "Lost".into());
                }),
                &three[..2],
            ),
        ),
        ("a rejection with a version 2", {
            let document = reject("auditor", here, &[]);
            life.signed(Document { version: 2, previous: here, ..document }, &["auditor"])
        }),
        ("a rejection by no governor", reject("customs-jp", here, &["customs-jp"])),
        ("a rejection of another charter's round", reject("auditor", life.get("charter 1").digest(), &["auditor"])),
        ("a rejection by another", reject("auditor", here, &["customs-kr"])),
        ("a rejection under another name", named(reject("auditor", here, &[]), "customs-kr", &["auditor"])),
        ("a rejection of another network", foreign(reject("auditor", here, &[]), &["auditor"])),
        (
            "a rejection of round zero",
            life.signed(
                Document {
                    body: Rejection { governor: slug("auditor"), previous: here, round: 0 }.to_cbor(),
                    ..reject("auditor", here, &[])
                },
                &["auditor"],
            ),
        ),
        ("a suspension by another", life.signed(word(&|_| {}), &["post-de"])),
        ("a suspension that the other party signed too", life.signed(word(&|_| {}), &both)),
        ("a suspension without reason", word(&|s| s.reason.clear())),
        ("a suspension with a reason of two lines", word(&|s| s.reason = "Act 12\nof 2026".into())),
        ("a suspension with agreements out of order", word(&|s| s.agreements = ["b", "a"].map(slug).to_vec())),
        ("a suspension under another name", named(word(&|_| {}), "post-de", &both[..1])),
        ("a suspension of nobody", life.signed(named(word(&|s| s.member = slug("zoll-xx")), "zoll-xx", &[]), &[])),
        ("a suspension that nobody signed", life.signed(word(&|_| {}), &[])),
        ("a revocation by another member", revoke(&|_| {}, &["platform-cn"])),
        ("a revocation by too few governors", revoke(&|_| {}, &["auditor", "post-de"])),
        ("a revocation that nobody signed", revoke(&|_| {}, &[])),
        (
            "a revocation of keys compromised after it",
            revoke(&|r| r.compromised_since = Some(Millis(NOW.0 + 1)), &both[..1]),
        ),
        ("a revocation of no key", revoke(&|r| r.keys.clear(), &both[..1])),
        (
            "a revocation with keys out of order",
            revoke(
                &|r| {
                    r.keys.push(life.parties[1].log.public().id());
                    r.keys.sort();
                    r.keys.reverse();
                },
                &both[..1],
            ),
        ),
        ("a revocation without reason", revoke(&|r| r.reason.clear(), &both[..1])),
        ("a revocation under another name", named(revoke(&|_| {}, &[]), "other", &both[..1])),
        ("a revocation with a version 2", {
            let document = revoke(&|_| {}, &[]);
            life.signed(Document { version: 2, previous: here, ..document }, &both[..1])
        }),
        ("a revocation by a retired key", {
            let document = life.revocation("post-de", &[public(KeyUse::Sign, 92).id()], None);
            life.signed(document, &["post-de"])
        }),
    ];
    let mut made = Cases::new("bad_governance");
    let honest: Vec<(&str, Document)> = vec![
        ("a new agreement", flow(&|_| {})),
        ("a later version", later(&|_| {}, &both)),
        ("a card", node(&|c| c.nodes[0].epoch = 2, &["customs-kr"])),
        ("a proposal", charter(&|c| c.members[0].name = "X".into(), &["post-de"])),
        ("a rejection", reject("auditor", here, &["auditor"])),
        ("a suspension", word(&|_| {})),
        ("a revocation", revoke(&|_| {}, &both[..1])),
    ];
    let _: Slug = slug("new");
    for (name, document) in &honest {
        assert_eq!(judge(&directory, &document.to_cbor()), "taken", "{name}");
        made.honest(&format!("governance: {name}"), &document.to_cbor(), |case| case);
    }
    for (name, document) in cases {
        let refused = judge(&directory, &document.to_cbor());
        assert_ne!(refused, "taken", "{name}");
        made.damaged(&format!("governance: {name}"), &document.to_cbor(), refused, |case| case);
    }
    made.cases
}
