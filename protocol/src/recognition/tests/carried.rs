//! Records with tokens: what is asked of them, each refusal by its name, and what is learned.

use proptest::prelude::*;
use serde_json::json;

use super::world::{at, day, key};
use crate::credential::claims::{
    Aeo, AeoStanding, Authorisation, Collect, Line, Mandate, NationalType, Registration, TraderNumber, TraderScheme,
};
use crate::credential::{
    AttestKey, Attestation, Bits, ClaimPath, SdJwt, Status, StatusClaims, StatusList, StatusReference, Terms,
};
use crate::document::{AttestCardKey, Card, Directory, Document, Revocation};
use crate::names::{MemberId, Territory};
use crate::recognition::{Carried, CarriedError, Confirmation, Proof, Scheme, Tokens, UseKey, declared};
use crate::record::{ATTESTATION, Content, Fault, Value, content_from_json};
use crate::testing::{Network, Party};
use crate::time::Millis;

/// Seconds since 1970 at which everything here is signed.
const SIGNED: u64 = super::world::T0;

struct World {
    net: Network,
    directory: Directory,
}

impl World {
    /// The customs administration and the post of the network have attest keys 0 and 1 on their cards.
    fn new() -> Self {
        let net = Network::new();
        let mut directory = net.directory.clone();
        for (card, party, number) in [(1, &net.customs, 0u8), (0, &net.post, 1)] {
            let mut next = Card::open(&net.cards[card]).unwrap();
            next.attest = vec![AttestCardKey { key: *key(number).public(), from: day("2026-01-01"), until: None }];
            let next = signed(next.to_successor(&net.cards[card]).unwrap(), party);
            directory = directory.with(&next, day("2026-06-01")).unwrap().unwrap();
        }
        Self { net, directory }
    }

    fn territory(&self) -> Territory {
        self.directory.charter().member(&self.net.customs.id).unwrap().territory
    }

    fn judge(&self, issuer: &MemberId, json: serde_json::Value, now: u64) -> Result<Carried, String> {
        let content = content_from_json(&json).unwrap();
        let judged = tokens(&content).judge(&self.directory, issuer, at(now));
        judged.map_err(|error| {
            assert_eq!(error.fault, Fault::Credential);
            error.pointer
        })
    }
}

fn signed(mut document: Document, party: &Party) -> Document {
    document.sign(&party.id, &party.identity);
    document
}

fn tokens(content: &Content) -> Tokens {
    Tokens::of(content.table(), |group, field| content.field(group, field)).unwrap().unwrap()
}

fn line(text: &str) -> Line {
    Line::new(text).unwrap()
}

fn aeo(country: Territory) -> Attestation {
    Attestation::Aeo(Aeo {
        authorisation: Authorisation {
            programme: line("EU AEO"),
            country,
            national_type: NationalType::of_eu("AEOF").unwrap(),
            standing: AeoStanding::Active,
            since: day("2025-01-01"),
        },
        number: TraderNumber::new(TraderScheme::Eori, "DE1").unwrap(),
        legal_name: line("Example Ltd"),
        consent: line("C-1"),
        roles: Default::default(),
    })
}

fn issue(attestation: &Attestation, by: &AttestKey) -> SdJwt {
    let terms = Terms {
        issuer: "https://customs.example".into(),
        subject: None,
        issued_at: SIGNED,
        expires: SIGNED + 86_400,
        holder: *key(2).public(),
        status: StatusReference { index: 7, uri: "https://customs.example/status/1".into() },
    };
    let count = attestation.salts(&terms).unwrap();
    let salts: Vec<[u8; 16]> = (0..count).map(|n| [n as u8 + 1; 16]).collect();
    attestation.issue(&terms, &salts, by).unwrap()
}

fn record(kind: &str, token: &str) -> serde_json::Value {
    json!({"type": "attestation", "reference": {"own_reference": "A-1"}, "credential": {"type": kind, "token": token}})
}

fn with_number(token: &SdJwt) -> String {
    token.present(&[ClaimPath::names(&["eori"])]).unwrap().to_string()
}

#[test]
fn an_attestation_is_taken_from_who_may_issue_it_and_each_refusal_has_its_name() {
    let world = World::new();
    let (customs, post) = (world.net.customs.id.clone(), world.net.post.id.clone());
    let issued = issue(&aeo(world.territory()), &key(0));
    let token = with_number(&issued);
    let judge = |issuer: &MemberId, kind: &str, token: &str, now| {
        world.judge(issuer, record(kind, token), now).map(|carried| matches!(carried, Carried::Attestation { .. }))
    };
    assert_eq!(judge(&customs, "aeo", &token, 0), Ok(true));
    let refused = |reason: &str| Err(format!("/credential/token#{reason}"));
    assert_eq!(judge(&customs, "aeo", "abc", 0), refused("token"));
    assert_eq!(judge(&customs, "aeo", &format!("{token}x"), 0), refused("token"));
    assert_eq!(judge(&customs, "aeo", &token, 86_400 + 60), refused("time"));
    assert_eq!(judge(&customs, "collect", &token, 0), refused("differs"));
    assert_eq!(judge(&customs, "aeo", &issued.present(&[]).unwrap().to_string(), 0), refused("number"));
    // The post brings what customs signed, or signs itself.
    assert_eq!(judge(&post, "aeo", &token, 0), refused("issuer_key"));
    assert_eq!(judge(&post, "aeo", &with_number(&issue(&aeo(world.territory()), &key(1))), 0), refused("right_kind"));
    let elsewhere: Territory = if world.territory() == "US".parse().unwrap() { "KR" } else { "US" }.parse().unwrap();
    assert_eq!(judge(&customs, "aeo", &with_number(&issue(&aeo(elsewhere), &key(0))), 0), refused("right_country"));
    // A key that nobody put on a card.
    assert_eq!(
        judge(&customs, "aeo", &with_number(&issue(&aeo(world.territory()), &key(4))), 0),
        refused("issuer_key")
    );
}

#[test]
fn a_revoked_key_signs_nothing_and_what_was_stored_is_still_read() {
    let world = World::new();
    let customs = &world.net.customs;
    let token = with_number(&issue(&aeo(world.territory()), &key(0)));
    let revocation = Revocation {
        member: customs.id.clone(),
        keys: vec![key(0).public().id()],
        reason: "lost".into(),
        revoked_at: at(0),
        compromised_since: None,
    };
    let document = signed(revocation.to_document(world.net.id()).unwrap(), customs);
    let directory = world.directory.with(&document, day("2026-06-01")).unwrap().unwrap();
    let content = content_from_json(&record("aeo", &token)).unwrap();
    let read = |proof| tokens(&content).read(&directory, &customs.id, at(10), proof);
    assert_eq!(read(Proof::Needed).unwrap_err().reason(), "issuer_key_revoked");
    let Ok(Carried::Attestation { attested, holder }) = read(Proof::Given) else { panic!() };
    assert_eq!((attested.issuer, attested.key, holder), (customs.id.clone(), key(0).public().id(), *key(2).public()));
}

#[test]
fn a_list_is_its_issuers_and_called_as_the_record_says() {
    let world = World::new();
    let mut list = StatusList::new(Bits::Two, 64).unwrap();
    list.set(7, Status::Suspended).unwrap();
    let uri = "https://customs.example/status/1";
    let claims = StatusClaims { uri: uri.into(), issued_at: SIGNED, expires: Some(SIGNED + 3_600), ttl: Some(60) };
    let token = list.sign(&claims, &key(0));
    let judge = |issuer: &MemberId, uri: &str, token: &str, now| {
        let json =
            json!({"type": "status_list", "reference": {"own_reference": "L-1"}, "list": {"uri": uri, "token": token}});
        world.judge(issuer, json, now)
    };
    let customs = &world.net.customs.id;
    let Ok(Carried::Statuses { issuer, key: by, token: found }) = judge(customs, uri, &token, 0) else { panic!() };
    assert_eq!((&issuer, by, found.list.get(7).unwrap()), (customs, key(0).public().id(), Status::Suspended));
    let reason = |judged: Result<Carried, String>| judged.unwrap_err().split('#').nth(1).unwrap().to_owned();
    assert_eq!(reason(judge(customs, "https://customs.example/status/2", &token, 0)), "differs");
    assert_eq!(reason(judge(&world.net.post.id, uri, &token, 0)), "issuer_key");
    assert_eq!(reason(judge(customs, uri, &token, 3_660)), "time");
    assert_eq!(reason(judge(customs, uri, "a.b.c", 0)), "token");
}

#[test]
fn a_confirmation_says_what_its_record_says() {
    let world = World::new();
    let confirmation = Confirmation {
        number: "IM2760000001".into(),
        item: "RR123456785GB".into(),
        period: "2026-11".parse().unwrap(),
        signed_at: SIGNED,
    };
    let (jwk, token) = (serde_json::Value::Object(key(2).public().jwk()).to_string(), confirmation.sign(&key(2)));
    let judge = |number: &str, item: &str, period: &str, key: &str, token: &str| {
        let json = json!({"type": "collect_use", "reference": {"own_reference": "U-1"}, "item": {"id": item},
            "use": {"number": number, "period": period, "key": key, "token": token}});
        world.judge(&world.net.post.id, json, 0)
    };
    let (number, item, period) = ("IM2760000001", "RR123456785GB", "2026-11");
    let Ok(Carried::Use { confirmation: found, scheme, key: by }) = judge(number, item, period, &jwk, &token) else {
        panic!()
    };
    assert_eq!((found, scheme, by), (confirmation, Scheme::Ioss, *key(2).public()));
    let reason = |judged: Result<Carried, String>| judged.unwrap_err().split('#').nth(1).unwrap().to_owned();
    assert_eq!(reason(judge("IM2760000002", item, period, &jwk, &token)), "differs");
    assert_eq!(reason(judge(number, "RR1", period, &jwk, &token)), "differs");
    assert_eq!(reason(judge(number, item, "2026-12", &jwk, &token)), "differs");
    assert_eq!(reason(judge(number, item, period, "{}", &token)), "key");
    let other = serde_json::Value::Object(key(4).public().jwk()).to_string();
    assert_eq!(reason(judge(number, item, period, &other, &token)), "confirmation");
}

#[test]
fn a_hidden_token_tells_nothing() {
    let hidden = Tokens::of(&ATTESTATION, |_, _| None);
    assert_eq!(hidden, Err(CarriedError::Hidden));
    assert_eq!(Tokens::of(&crate::record::NOTICE, |_, _| None), Ok(None));
}

#[test]
fn a_declaration_tells_of_the_uses_of_its_numbers() {
    let departs = at(3_600);
    let field = |group: &str, name: &str| match (group, name) {
        ("item", "id") => Some(Value::Text("P-1".into())),
        ("route", "departs_at") => Some(Value::Time(departs)),
        _ => None,
    };
    let found = declared(["IM2760000001".to_owned()], field, at(0));
    let [one] = found.as_slice() else { panic!() };
    assert_eq!((one.of.key, one.of.departs), (UseKey::new(Scheme::Ioss, "IM2760000001", "P-1"), Some(departs)));
    assert!(declared(["IM2760000001".to_owned()], |_, _| None, at(0)).is_empty(), "of no item nothing is told");
}

#[test]
fn a_mandate_is_of_the_issuers_territory() {
    let world = World::new();
    let collect = |territory: Territory| {
        Attestation::Collect(Collect {
            mandate: Mandate {
                territory,
                levy: crate::credential::claims::Levy::Tax,
                from: day("2026-01-01"),
                until: None,
            },
            registration: Registration::Other(line("R-1")),
            legal_name: line("Example Ltd"),
        })
    };
    let token = |territory| {
        issue(&collect(territory), &key(0)).present(&[ClaimPath::names(&["registration"])]).unwrap().to_string()
    };
    let customs = &world.net.customs.id;
    assert!(world.judge(customs, record("collect", &token(world.territory())), 0).is_ok());
    let foreign = world.judge(customs, record("collect", &token("ZA".parse().unwrap())), 0);
    assert_eq!(foreign.unwrap_err(), "/credential/token#right_country");
}

proptest! {
    /// Whatever stands there, it is judged and nothing panics.
    #[test]
    fn any_token_is_refused_in_words(token in "[!-~]{1,200}", key in "[!-~]{1,100}") {
        let net = Network::new();
        for json in [
            record("aeo", &token),
            json!({"type": "status_list", "reference": {"own_reference": "L"}, "list": {"uri": "u", "token": token}}),
            json!({"type": "collect_use", "reference": {"own_reference": "U"}, "item": {"id": "i"},
                "use": {"number": "N", "period": "2026-11", "key": key, "token": token}}),
        ] {
            let content = content_from_json(&json).unwrap();
            let refused = tokens(&content).judge(&net.directory, &net.customs.id, Millis(0)).unwrap_err();
            prop_assert!(refused.pointer.contains('#') && !refused.what.is_empty());
        }
    }
}
