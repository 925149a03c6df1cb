//! Documents that their network refuses.

use super::super::json::Json;
use super::super::world::WORLD;
use super::{Cases, cbor_word};
use crate::cbor::{Decode, Encode};
use crate::document::{Agreement, Card, Charter, Directory, DirectoryError, Document, DocumentError, Flow};
use crate::hash::Digest;
use crate::keys::{KeyError, PublicKey};
use crate::names::Purpose;
use crate::testing::Party;

/// What the network says of a document that takes the place of those with its kind and id and no lower version.
fn judge_document(bytes: &[u8]) -> String {
    let net = &WORLD.net;
    let document = match Document::from_cbor(bytes) {
        Ok(document) => document,
        Err(error) => return cbor_word(&error),
    };
    let others: Vec<_> = [net.cards.as_slice(), &net.agreements].concat();
    let other = |d: &Document| (d.kind, &d.id) != (document.kind, &document.id) || d.version < document.version;
    let others: Vec<_> = others.into_iter().filter(other).collect();
    let verdict = if document.kind == crate::document::DocumentKind::Charter {
        Charter::open(&document).map(|_| ()).map_err(DirectoryError::Document)
    } else {
        Directory::new(&net.charter, &others, std::slice::from_ref(&document)).map(|_| ())
    };
    verdict.map_or_else(|error| word(&error), |()| "taken".into())
}

/// The reason in a word.
pub(in crate::vectors) fn word(error: &DirectoryError) -> String {
    match error {
        DirectoryError::NoMember { .. } => "no_member".into(),
        DirectoryError::Twice { .. } => "twice".into(),
        DirectoryError::Chain { .. } => "chain".into(),
        DirectoryError::SharedKey(..) => "shared_key".into(),
        DirectoryError::SharedOrigin(..) => "shared_origin".into(),
        DirectoryError::Founding(_) => "founding".into(),
        DirectoryError::Frozen { .. } => "frozen".into(),
        DirectoryError::Stale { .. } => "stale".into(),
        DirectoryError::Round { .. } => "round".into(),
        DirectoryError::TooMany => "too_many_documents".into(),
        DirectoryError::Document(error) => match error {
            DocumentError::Decode(error) | DocumentError::Body { error, .. } => cbor_word(error),
            DocumentError::Kind { .. } => "kind".into(),
            DocumentError::Network { .. } => "network".into(),
            DocumentError::Missing { .. } => "missing".into(),
            DocumentError::Signature { error: KeyError::OtherKey { .. }, .. } => "other_key".into(),
            DocumentError::Signature { .. } => "signature".into(),
            DocumentError::Stranger { .. } => "stranger".into(),
            DocumentError::TwoKeys { .. } => "two_keys".into(),
            DocumentError::RevokedKey { .. } => "revoked_key".into(),
            DocumentError::Votes { .. } => "votes".into(),
            DocumentError::Version { .. } => "version".into(),
            DocumentError::Content(_) => "content".into(),
        },
    }
}

pub(super) fn documents() -> Vec<Json> {
    let net = &WORLD.net;
    let (charter, card) = (&net.charter, &net.cards[0]);
    let sign = |mut document: Document, parties: &[&Party]| {
        document.signatures.clear();
        parties.iter().for_each(|party| document.sign(&party.id, &party.identity));
        document
    };
    let changed = |document: &Document, change: &dyn Fn(&mut Document)| {
        let mut document = document.clone();
        change(&mut document);
        document
    };
    let both = [&net.post, &net.customs];
    // A short agreement in the place of 'parcels'.
    let mut short = Agreement::open(&net.agreements[0]).unwrap();
    short.flows.truncate(1);
    short.flows[0].groups = vec!["filing".into(), "route".into()];
    let parcels = &sign(short.to_document(net.id()), &both);
    let flow = |change: &dyn Fn(&mut Flow)| {
        let mut agreement = Agreement::open(parcels).unwrap();
        change(&mut agreement.flows[0]);
        sign(Document { body: agreement.to_cbor(), ..parcels.clone() }, &both)
    };
    let node = |change: &dyn Fn(&mut Card)| {
        let mut body = Card::open(card).unwrap();
        change(&mut body);
        sign(Document { body: body.to_cbor(), ..card.clone() }, &[&net.post])
    };
    let members = |change: &dyn Fn(&mut Charter)| {
        let mut body = Charter::open(charter).unwrap();
        change(&mut body);
        sign(Document { body: body.to_cbor(), ..charter.clone() }, &both)
    };
    let whole = parcels.to_cbor();
    let long_kind = [&whole[..1], &[0x18, 3], &whole[2..]].concat();
    let other_key: PublicKey = *net.other.transport();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a bit of a signature", changed(parcels, &|d| d.signatures[0].signature[5] ^= 1).to_cbor()),
        ("the id of another key", changed(parcels, &|d| d.signatures[0].key = d.signatures[1].key).to_cbor()),
        ("a signature is missing", sign(parcels.clone(), &both[..1]).to_cbor()),
        ("signed by a stranger", sign(parcels.clone(), &[&net.post, &net.customs, &net.other]).to_cbor()),
        ("a signature twice", changed(parcels, &|d| d.signatures.push(d.signatures[1].clone())).to_cbor()),
        ("another network", sign(Document { network: Digest([9; 32]), ..parcels.clone() }, &both).to_cbor()),
        (
            "signed in another network",
            changed(&sign(Document { network: Digest([9; 32]), ..parcels.clone() }, &both), &|d| d.network = net.id())
                .to_cbor(),
        ),
        ("a changed body", changed(parcels, &|d| *d.body.last_mut().unwrap() ^= 1).to_cbor()),
        ("the name of another document", sign(changed(parcels, &|d| d.id = "other".parse().unwrap()), &both).to_cbor()),
        ("a kind written longer than needed", long_kind),
        (
            "a second version of an agreement that is not known",
            sign(Document { version: 2, previous: Digest([7; 32]), ..parcels.clone() }, &both).to_cbor(),
        ),
        (
            "a first version with a predecessor",
            sign(Document { previous: Digest([1; 32]), ..card.clone() }, &[&net.post]).to_cbor(),
        ),
        ("a byte after the document", [&whole[..], &[0]].concat()),
        ("a document cut off", whole[..whole.len() - 1].to_vec()),
        ("a party that the charter does not know", {
            let mut agreement = Agreement::open(parcels).unwrap();
            agreement.parties.push("zoll-xx".parse().unwrap());
            sign(Document { body: agreement.to_cbor(), ..parcels.clone() }, &both).to_cbor()
        }),
        ("a flow to its sender", flow(&|f| f.to = f.from.clone()).to_cbor()),
        ("a flow with a group that is no word", flow(&|f| f.groups[0] = "A group".into()).to_cbor()),
        ("a flow with groups out of order", flow(&|f| f.groups.swap(0, 1)).to_cbor()),
        ("a flow of records for audit", flow(&|f| f.purpose = Purpose::Audit).to_cbor()),
        ("a flow without retention", flow(&|f| f.retention_days = 0).to_cbor()),
        ("a flow of no version", flow(&|f| f.type_versions.clear()).to_cbor()),
        (
            "a card of another member",
            sign(Document { id: net.customs.id.clone(), ..card.clone() }, &[&net.customs]).to_cbor(),
        ),
        ("a card with one key for two uses", node(&|c| c.nodes[0].witness = c.nodes[0].log.clone()).to_cbor()),
        ("a card with a space in its seal key", node(&|c| c.nodes[0].seal[0].push(' ')).to_cbor()),
        ("a card with a plus in its origin", node(&|c| c.nodes[0].origin += "+").to_cbor()),
        ("a card that follows another card", {
            let mut second = Card::open(card).unwrap().to_successor(card).unwrap();
            second.previous = Digest([1; 32]);
            sign(second, &[&net.post]).to_cbor()
        }),
        ("a card without nodes", node(&|c| c.nodes.clear()).to_cbor()),
        ("a card with an epoch of zero", node(&|c| c.nodes[0].epoch = 0).to_cbor()),
        ("a card with another node's transport key", node(&|c| c.nodes[0].transport = other_key.into()).to_cbor()),
        ("a charter with a low threshold", members(&|c| c.threshold = 1).to_cbor()),
        ("a charter with a governor who is no member", members(&|c| c.governors[0] = "a".parse().unwrap()).to_cbor()),
        ("a charter with another id than its name", changed(charter, &|d| d.id = "other".parse().unwrap()).to_cbor()),
        ("a charter that one governor did not sign", sign(charter.clone(), &both[..1]).to_cbor()),
    ];
    let mut made = Cases::new("bad_document");
    for (name, honest) in [("a short agreement", parcels), ("a card", card), ("a charter", charter)] {
        assert_eq!(judge_document(&honest.to_cbor()), "taken");
        made.honest(&format!("document: {name}"), &honest.to_cbor(), |case| case);
    }
    for (name, document) in cases {
        let refused = judge_document(&document);
        assert_ne!(refused, "taken", "{name}");
        made.damaged(&format!("document: {name}"), &document, refused, |case| case);
    }
    made.cases
}
