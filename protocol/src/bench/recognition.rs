//! Traders to measure recognition with: customs administrations that all recognise one another, and as many attestations as asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::numbers::Numbers;
use crate::credential::claims::{AeoStanding, Coverage};
use crate::credential::{
    Algorithm, AttestKey, Bits, Status, StatusClaims, StatusError, StatusList, StatusReference, StatusToken,
};
use crate::document::{
    Agreement, AttestCardKey, Benefit, Card, Charter, CharterMember, IssuedBy, MemberStatus, Recognition,
};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyId, KeyUse, SecretKey};
use crate::names::{MemberId, MemberKind, NameError, Purpose, Territory};
use crate::recognition::{Answer, Attested, AttestedClaims, NumberKey, Question, Recogniser, Scheme, StatusChange};
use crate::time::{Day, Millis};

/// Attestations of the measurement that the issue asks for.
pub const TRADERS: u64 = 1_000_000;
/// Customs administrations; each has an agreement with each other one, of two rows in each direction.
pub const ADMINISTRATIONS: usize = 40;
/// Of so many attestations one is suspended.
pub const SUSPENDED: u64 = 100;
/// 2026-11-26T00:00:00Z, in seconds.
const NOW: u64 = 1_795_651_200;
const LIFE: u64 = 6 * 86_400;
const PROGRAMME: &str = "Authorised operators";

/// Administrations, their agreements and traders.
#[derive(Debug)]
pub struct SampleTraders {
    recogniser: Recogniser,
    members: Vec<MemberId>,
    count: u64,
    key: KeyId,
}

/// One question of the measurement.
#[derive(Debug, Clone)]
pub struct TraderQuestion {
    number: String,
    asking: MemberId,
    purpose: Purpose,
    /// Whether it is one that must be recognised with benefits.
    pub recognised: bool,
}

/// A status list of one administration.
#[derive(Debug)]
pub struct TraderList {
    place: usize,
    token: StatusToken,
}

/// The numbers alone.
#[derive(Debug)]
pub struct TraderMap(BTreeMap<NumberKey, u64>);

impl TraderMap {
    /// Whether the number asked about is one.
    pub fn has(&self, question: &TraderQuestion) -> bool {
        self.0.contains_key(&NumberKey::new(Scheme::Tin, &question.number))
    }
}

impl SampleTraders {
    /// So many traders (of [`ADMINISTRATIONS`] one after another), each with one attestation. The same number gives the same ones.
    ///
    /// # Errors
    /// [`crate::recognition::UpdateError`] beyond the bounds of a recogniser; others are defects.
    pub fn new(count: u64) -> Result<Self, Box<dyn std::error::Error>> {
        let key = *AttestKey::from_seed(Algorithm::Es256, &[7; 32])?.public();
        let members = (0..ADMINISTRATIONS).map(member).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<MemberId> = members.iter().map(|member| member.id.clone()).collect();
        let mut recogniser = Recogniser::new();
        let start = Millis((NOW - 86_400) * 1000);
        for member in &members {
            let row = AttestCardKey { key, from: Day(20_000), until: None };
            let card =
                Card { member: member.id.clone(), identity: member.identity, nodes: Vec::new(), attest: vec![row] };
            recogniser.card(&card, start)?;
        }
        let charter = Charter {
            name: "Measured network".into(),
            governors: ids[..1].to_vec(),
            members,
            threshold: 1,
            policy: None,
            valid_until: None,
            round: 1,
            merges: None,
            issuers: Vec::new(),
            coordinators: Vec::new(),
        };
        recogniser.charter(Arc::new(charter), start)?;
        for (at, a) in ids.iter().enumerate() {
            for b in &ids[at + 1..] {
                let agreement = agreement(a, b)?;
                let digest = Digest::of(Domain::Document, &[agreement.id.as_str().as_bytes()]);
                recogniser.agreement(&agreement, 1, digest, start)?;
            }
        }
        let mut made = Self { recogniser, members: ids, count, key: key.id() };
        for place in 0..ADMINISTRATIONS {
            made.take(made.list(place, NOW - 3_600, None)?)?;
        }
        for n in 0..count {
            let attested = made.attested(n)?;
            made.recogniser.attest(&attested, Millis((NOW - 3_600) * 1000))?;
        }
        Ok(made)
    }

    /// Different questions of the partners of whoever attested, most of them about traders that there are.
    pub fn questions(&self, count: usize, seed: u64) -> Vec<TraderQuestion> {
        let mut numbers = Numbers(seed);
        let mut question = || {
            let n = numbers.up_to(self.count.saturating_mul(20) / 19);
            let (issuer, purpose) = (issuer(n), Purpose::ALL[numbers.below(3)]);
            let asking = (issuer + 1 + numbers.below(ADMINISTRATIONS - 1)) % ADMINISTRATIONS;
            let known = n < self.count && !is_suspended(n) && purpose != Purpose::Revenue;
            TraderQuestion { number: number(n), asking: self.members[asking].clone(), purpose, recognised: known }
        };
        (0..count).map(|_| question()).collect()
    }

    /// What is measured.
    pub fn recognise(&self, question: &TraderQuestion) -> Answer<'_> {
        let TraderQuestion { number, asking, purpose, .. } = question;
        let (hs, given) = (&["851712"][..], &["order"][..]);
        let at = Millis(NOW * 1000);
        self.recogniser.recognise(&Question { scheme: Scheme::Tin, number, purpose: *purpose, asking, hs, given, at })
    }

    /// A map of as many numbers, for the ceiling.
    pub fn map(&self) -> TraderMap {
        TraderMap((0..self.count).map(|n| (NumberKey::new(Scheme::Tin, &number(n)), n)).collect())
    }

    /// A newer list of one administration, in which the status of one trader turned, so many seconds after the moment asked about.
    ///
    /// # Errors
    /// None that can happen: such a list is within its bounds.
    pub fn newer_list(&self, seconds: u64, turned: u64) -> Result<TraderList, StatusError> {
        self.list(issuer(turned), NOW + seconds, Some(turned))
    }

    /// What is measured as well: the list is taken, and every attestation whose status stands in it looked up.
    ///
    /// # Errors
    /// [`crate::recognition::UpdateError`] where the list is not newer than those before.
    pub fn take(&mut self, list: TraderList) -> Result<Vec<StatusChange>, Box<dyn std::error::Error>> {
        let known_at = Millis(list.token.claims.issued_at * 1000);
        Ok(self.recogniser.statuses(&self.members[list.place], list.token, self.key, known_at)?)
    }

    fn list(&self, place: usize, issued_at: u64, turned: Option<u64>) -> Result<TraderList, StatusError> {
        let mut list = StatusList::new(Bits::Two, self.count / ADMINISTRATIONS as u64 + 1)?;
        for n in (place as u64..self.count).step_by(ADMINISTRATIONS) {
            if is_suspended(n) != (turned == Some(n)) {
                list.set(n / ADMINISTRATIONS as u64, Status::Suspended)?;
            }
        }
        let claims = StatusClaims { uri: uri(place), issued_at, expires: None, ttl: None };
        Ok(TraderList { place, token: StatusToken { claims, list } })
    }

    fn attested(&self, n: u64) -> Result<Attested, NameError> {
        let place = issuer(n);
        Ok(Attested {
            credential: Digest::of(Domain::Index, &[&n.to_be_bytes()]),
            issuer: self.members[place].clone(),
            key: self.key,
            number: NumberKey::new(Scheme::Tin, &number(n)),
            issued_at: NOW - 86_400,
            expires: NOW - 86_400 + LIFE,
            status: StatusReference { index: n / ADMINISTRATIONS as u64, uri: uri(place) },
            claims: AttestedClaims::Aeo {
                programme: PROGRAMME.to_owned(),
                country: territory(place)?,
                coverage: Coverage::Both,
                standing: AeoStanding::Active,
                since: Day(19_000),
            },
        })
    }
}

fn issuer(n: u64) -> usize {
    // Below ADMINISTRATIONS.
    (n % ADMINISTRATIONS as u64) as usize
}

fn is_suspended(n: u64) -> bool {
    // Spread over all administrations.
    (n / ADMINISTRATIONS as u64) % SUSPENDED == 7
}

fn number(n: u64) -> String {
    format!("T{n:010}")
}

fn uri(place: usize) -> String {
    format!("https://status.example/{place}")
}

/// QA, QB and so on, RA: no two of them one customs territory.
fn territory(place: usize) -> Result<Territory, NameError> {
    let letter = |n: usize| char::from(b'A' + (n % 26) as u8);
    [letter(place / 26 + 16), letter(place)].iter().collect::<String>().parse()
}

fn member(place: usize) -> Result<CharterMember, Box<dyn std::error::Error>> {
    let mut seed = [9; 32];
    seed[..8].copy_from_slice(&(place as u64 + 1).to_be_bytes());
    Ok(CharterMember {
        id: format!("customs-{place:03}").parse()?,
        name: format!("Customs {place}"),
        kind: MemberKind::Customs,
        territory: territory(place)?,
        identity: *SecretKey::from_seed(KeyUse::Identity, &seed)?.public(),
        status: MemberStatus::Active,
    })
}

fn agreement(a: &MemberId, b: &MemberId) -> Result<Agreement, NameError> {
    let row = |issuer: &MemberId, by: &MemberId, except: bool| Recognition {
        issued_by: IssuedBy::Member(issuer.clone()),
        programme: PROGRAMME.to_owned(),
        by: vec![by.clone()],
        purposes: vec![Purpose::SafetySecurity, Purpose::Facilitation],
        benefits: if except { vec![Benefit::SimplifiedData] } else { vec![Benefit::FewerControls, Benefit::Priority] },
        except_hs: if except { vec!["2402".into(), "9303".into()] } else { Vec::new() },
        needs: if except { vec!["order".into()] } else { Vec::new() },
    };
    Ok(Agreement {
        id: format!("mra-{}-{}", &a.as_str()[8..], &b.as_str()[8..]).parse()?,
        title: "Mutual recognition".into(),
        instrument: "Arrangement".into(),
        article: "1".into(),
        controller: a.to_string(),
        document: None,
        parties: vec![a.clone(), b.clone()],
        valid_from: Day(20_000),
        valid_until: Day(22_000),
        flows: Vec::new(),
        recognises: vec![row(a, b, false), row(a, b, true), row(b, a, false), row(b, a, true)],
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_as_they_say() {
        let mut sample = SampleTraders::new(20_000).unwrap();
        let questions = sample.questions(2_000, 1);
        for question in &questions {
            let answer = sample.recognise(question);
            assert_eq!(answer.is_recognised(), question.recognised, "{:?}", answer.sentences());
            assert_eq!(answer.benefits().iter().count(), if question.recognised { 3 } else { 0 });
        }
        let recognised = questions.iter().filter(|question| question.recognised).count();
        assert!((1_000..1_500).contains(&recognised), "{recognised}");
        let list = sample.newer_list(1, 4).unwrap();
        let changes = sample.take(list).unwrap();
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].after, Some(Status::Suspended));
        let again = sample.newer_list(2, 4).unwrap();
        assert_eq!(sample.take(again).unwrap(), []);
        let map = sample.map();
        assert!(questions.iter().filter(|question| question.recognised).all(|question| map.has(question)));
        assert!(!questions.iter().all(|question| map.has(question)));
    }
}
