//! What a directory says, taken over.

use super::properties::name;
use super::world::{EU_KR, agreement, ask, at, day, key, list, list_key};
use crate::credential::claims::Coverage;
use crate::document::{AttestCardKey, Card, Document, Revocation, Suspension};
use crate::recognition::{Grounds, Recogniser, UpdateError, Verdict};
use crate::testing::{Network, Party, slug};

fn signed(mut document: Document, parties: &[&Party]) -> Document {
    parties.iter().for_each(|party| document.sign(&party.id, &party.identity));
    document
}

#[test]
fn documents_change_what_is_recognised() {
    let net = Network::new();
    let (kr, jp, today) = (&net.customs, &net.other, day("2026-06-01"));
    let mut card = Card::open(&net.cards[1]).unwrap();
    card.attest = vec![AttestCardKey { key: *key(0).public(), from: day("2026-01-01"), until: None }];
    let card = signed(card.to_successor(&net.cards[1]).unwrap(), &[kr]);
    let mut mra = agreement(&EU_KR.replace("customs-eu", "customs-jp"));
    let first = signed(mra.to_document(net.id()), &[kr, jp]);
    mra.title = "Another of the same version".into();
    let rival = signed(mra.to_document(net.id()), &[kr, jp]);

    let mut of = Recogniser::new();
    let mut directory = net.directory.clone();
    of.learn(&directory, at(0)).unwrap();
    assert!(of.ground.digests().is_empty(), "no agreement recognises anything yet");
    let mut attested = super::world::aeo("customs-kr", "KR1", "KR AEO", Coverage::Both, 0);
    if let crate::recognition::AttestedClaims::Aeo { country, .. } = &mut attested.claims {
        *country = "DE".parse().unwrap();
    }
    of.attest(&attested, at(0)).unwrap();
    of.statuses(&kr.id, list("https://status.example/0", 0, None, &[0; 4]), list_key(), at(0)).unwrap();
    assert_eq!(ask(&of, "KR1", "customs-jp", 5).refusal().map(name), Some("KeyUnknown".into()));

    for (second, document) in [(10, &card), (20, &first)] {
        directory = directory.with(document, today).unwrap().unwrap();
        of.learn(&directory, at(second)).unwrap();
        // Again it changes nothing.
        of.learn(&directory, at(second)).unwrap();
    }
    assert_eq!(of.ground.digests(), [first.digest()]);
    let Verdict::Recognised(found) = ask(&of, "KR1", "customs-jp", 20).verdict else { panic!() };
    assert_eq!(found.grounds, Grounds::Own, "both are of one territory in this network");
    let suspension = Suspension { member: jp.id.clone(), agreements: vec![slug("mra-eu-kr")], reason: "why".into() };
    directory =
        directory.with(&signed(suspension.to_document(net.id(), None).unwrap(), &[jp]), today).unwrap().unwrap();
    of.learn(&directory, at(30)).unwrap();
    assert_eq!(of.ground.suspended_by(&jp.id), [slug("mra-eu-kr")]);
    // Two of one version contradict each other, so neither holds.
    directory = directory.with(&rival, today).unwrap().unwrap();
    of.learn(&directory, at(40)).unwrap();
    assert!(of.ground.digests().is_empty());
    // A key that signs attestations is revoked as any other.
    let revocation = Revocation {
        member: kr.id.clone(),
        keys: vec![key(0).public().id()],
        reason: "lost".into(),
        revoked_at: at(45),
        compromised_since: None,
    };
    directory = directory.with(&signed(revocation.to_document(net.id()).unwrap(), &[kr]), today).unwrap().unwrap();
    of.learn(&directory, at(50)).unwrap();
    assert_eq!(ask(&of, "KR1", "customs-jp", 50).refusal().map(name), Some("KeyRevoked".into()));
    assert!(ask(&of, "KR1", "customs-jp", 49).is_recognised());
    assert!(matches!(of.learn(&directory, at(49)), Err(UpdateError::Order { .. })));
}
