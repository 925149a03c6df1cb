//! Five customs administrations, a platform and a post; arrangements of mutual recognition between them.

use std::sync::Arc;

use crate::credential::claims::{AeoStanding, Coverage};
use crate::credential::{Algorithm, AttestKey, Bits, Status, StatusClaims, StatusList, StatusReference, StatusToken};
use crate::document::{Agreement, AttestCardKey, Card, Charter, CharterMember, MemberStatus};
use crate::hash::{Digest, Domain};
use crate::keys::KeyId;
use crate::names::{MemberId, Purpose};
use crate::recognition::{Answer, Attested, AttestedClaims, NumberKey, Question, Recogniser, Scheme};
use crate::testing::{Party, slug};
use crate::time::{Day, Millis};

/// 2026-06-01T00:00:00Z.
pub(super) const T0: u64 = 1_780_272_000;
pub(super) const MEMBERS: [(&str, &str, &str); 7] = [
    ("customs-de", "customs", "DE"),
    ("customs-eu", "customs", "EU"),
    ("customs-kr", "customs", "KR"),
    ("customs-us", "customs", "US"),
    ("platform-us", "platform", "US"),
    ("post-de", "post", "DE"),
    ("customs-fr", "customs", "FR"),
];
/// Programmes: two that rows name, one that none does.
pub(super) const PROGRAMMES: [&str; 3] = ["EU AEO", "KR AEO", "Old AEO"];

pub(super) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub(super) fn at(seconds: u64) -> Millis {
    Millis((T0 + seconds) * 1000)
}

/// The key number `n` of anybody; even ones sign with ES256.
pub(super) fn key(n: u8) -> AttestKey {
    AttestKey::from_seed(Algorithm::ALL[usize::from(n % 2)], &[n + 1; 32]).unwrap()
}

pub(super) fn charter(suspended: &[&str], issuers: &str) -> Arc<Charter> {
    let members = MEMBERS.iter().enumerate().map(|(n, (id, kind, territory))| CharterMember {
        id: slug(id),
        name: (*id).into(),
        kind: kind.parse().unwrap(),
        territory: territory.parse().unwrap(),
        identity: *Party::new(id, n as u8 + 25).identity.public(),
        status: if suspended.contains(id) { MemberStatus::Suspended } else { MemberStatus::Active },
    });
    let plain = Charter {
        name: "Traders".into(),
        members: members.collect(),
        governors: vec![slug("customs-eu")],
        threshold: 1,
        policy: None,
        valid_until: None,
        round: 1,
        merges: None,
        issuers: Vec::new(),
        coordinators: Vec::new(),
    };
    Arc::new(Charter::from_draft(&(plain.to_draft() + issuers)).unwrap())
}

/// A card on which these keys sign from the first of May on.
pub(super) fn card(member: &str, keys: &[u8]) -> Card {
    let number = MEMBERS.iter().position(|(id, ..)| *id == member).unwrap() as u8;
    let mut card = Party::new(member, number + 25).card();
    card.attest =
        keys.iter().map(|n| AttestCardKey { key: *key(*n).public(), from: day("2026-05-01"), until: None }).collect();
    card.attest.sort_by_key(|row| row.key.bytes());
    card
}

/// The arrangement between the EU and Korea: Korea recognises all of the EU, the EU Korea's; with conditions.
pub(super) const EU_KR: &str = r#"
id = "mra-eu-kr"
title = "Mutual recognition of trade partnership programmes"
instrument = "Decision of the joint committee"
article = "4"
controller = "each party"
parties = ["customs-eu", "customs-kr"]
valid_from = "2026-01-01"
valid_until = "2027-12-31"
[[recognises]]
territory = "EU"
attestation = "aeo"
programme = "EU AEO"
by = ["customs-kr"]
purposes = ["safety_security", "facilitation"]
benefits = ["fewer_controls", "priority"]
[[recognises]]
territory = "EU"
attestation = "aeo"
programme = "EU AEO"
by = ["customs-kr"]
purposes = ["facilitation"]
benefits = ["simplified_data"]
except_hs = ["2402", "9303"]
needs = ["order"]
[[recognises]]
member = "customs-kr"
attestation = "aeo"
programme = "KR AEO"
by = ["customs-eu"]
purposes = ["safety_security"]
benefits = ["fewer_controls"]
"#;

/// One with the United States, which names members.
pub(super) const US_DE: &str = r#"
id = "mra-us-de"
title = "Recognition for a trial"
instrument = "Memorandum"
article = "1"
controller = "customs-us"
parties = ["customs-de", "customs-kr", "customs-us"]
valid_from = "2026-06-02"
valid_until = "2026-06-20"
[[recognises]]
member = "customs-de"
attestation = "aeo"
programme = "EU AEO"
by = ["customs-kr", "customs-us"]
purposes = ["revenue", "facilitation"]
benefits = ["deferred_payment"]
"#;

pub(super) fn agreement(text: &str) -> Agreement {
    Agreement::from_draft(text).unwrap()
}

pub(super) fn digest(text: &str) -> Digest {
    Digest::of(Domain::Document, &[text.as_bytes()])
}

/// An `aeo` of a programme, issued at some seconds after [`T0`] for six days with key number 0.
pub(super) fn aeo(issuer: &str, number: &str, programme: &str, coverage: Coverage, issued: u64) -> Attested {
    let country = MEMBERS.iter().find(|(id, ..)| *id == issuer).unwrap().2.parse().unwrap();
    Attested {
        credential: digest(&format!("{issuer} {number} {programme} {issued}")),
        issuer: slug(issuer),
        key: key(0).public().id(),
        number: NumberKey::new(Scheme::Tin, number),
        issued_at: T0 + issued,
        expires: T0 + issued + 6 * 86_400,
        status: StatusReference { index: 0, uri: "https://status.example/0".into() },
        claims: AttestedClaims::Aeo {
            programme: programme.into(),
            country,
            coverage,
            standing: AeoStanding::Active,
            since: day("2020-01-01"),
        },
    }
}

/// The key that signs most lists.
pub(super) fn list_key() -> KeyId {
    key(0).public().id()
}

/// A status list as it is after verification.
pub(super) fn list(uri: &str, issued: u64, expires: Option<u64>, statuses: &[u8]) -> StatusToken {
    let mut list = StatusList::new(Bits::Two, statuses.len() as u64).unwrap();
    for (at, status) in statuses.iter().enumerate() {
        list.set(at as u64, Status::from_number(*status)).unwrap();
    }
    let expires = expires.map(|of| T0 + of);
    StatusToken { claims: StatusClaims { uri: uri.into(), issued_at: T0 + issued, expires, ttl: None }, list }
}

/// Everything in force, one list of four valid statuses by `customs-de`, and an authorised exporter of Germany.
pub(super) fn recogniser() -> Recogniser {
    let mut made = Recogniser::new();
    made.charter(charter(&[], ""), at(0)).unwrap();
    for (member, ..) in MEMBERS {
        made.card(&card(member, &[0, 1]), at(0)).unwrap();
    }
    for text in [EU_KR, US_DE] {
        assert!(made.agreement(&agreement(text), 1, digest(text), at(0)).unwrap());
    }
    made.statuses(&slug("customs-de"), list("https://status.example/0", 0, None, &[0; 4]), list_key(), at(0)).unwrap();
    assert!(made.attest(&aeo("customs-de", "DE1", "EU AEO", Coverage::Both, 0), at(0)).unwrap());
    made
}

/// Asked by a member for facilitation, without goods and data, some seconds after [`T0`].
pub(super) fn ask<'r>(of: &'r Recogniser, number: &str, asking: &str, seconds: u64) -> Answer<'r> {
    ask_for(of, number, asking, Purpose::Facilitation, &[], &[], seconds)
}

pub(super) fn ask_for<'r>(
    of: &'r Recogniser,
    number: &str,
    asking: &str,
    purpose: Purpose,
    hs: &[&str],
    given: &[&str],
    seconds: u64,
) -> Answer<'r> {
    let asking: MemberId = slug(asking);
    of.recognise(&Question { scheme: Scheme::Tin, number, purpose, asking: &asking, hs, given, at: at(seconds) })
}
