//! A second recogniser that replays everything known by the moment asked about and looks at each row and attestation from the beginning.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::world::key;
use crate::credential::claims::AeoStanding;
use crate::credential::{CredentialType, Status, StatusToken};
use crate::document::{Agreement, Benefit, Card, Charter, IssuedBy, MemberStatus};
use crate::hash::Digest;
use crate::keys::KeyId;
use crate::names::{MemberId, MemberKind, Purpose, Slug, Territory};
use crate::recognition::{Attested, AttestedClaims, NumberKey, Question};
use crate::time::{Day, Millis};

/// A change.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Charter(Arc<Charter>),
    Card(Card),
    Revoke(KeyId),
    Agreement(Agreement, u64, Digest),
    Void(Digest),
    Suspend(MemberId, Vec<Slug>),
    Attest(Attested),
    Remove(NumberKey, Digest),
    /// Signed with this key.
    List(MemberId, StatusToken, u8),
}

/// What names an attestation's line.
type Name = (CredentialType, MemberId, String, NumberKey);

/// What holds after some changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Replay {
    charter: Option<Arc<Charter>>,
    cards: BTreeMap<MemberId, Card>,
    revoked: BTreeSet<KeyId>,
    agreements: Vec<(Agreement, u64, Digest, bool)>,
    suspended: BTreeMap<MemberId, Vec<Slug>>,
    attested: BTreeMap<Name, (Attested, bool)>,
    /// Those of one second in the order in which they came, and the key of the first.
    lists: BTreeMap<(MemberId, String), (Vec<StatusToken>, KeyId)>,
}

/// What it says: by which grounds, which benefits, by which credential; and the names of all reasons against.
pub(super) type Said = (Option<(&'static str, BTreeSet<Benefit>, Digest)>, BTreeSet<&'static str>);

fn name(of: &Attested) -> Name {
    let programme = match &of.claims {
        AttestedClaims::Aeo { programme, .. } => programme.clone(),
        _ => String::new(),
    };
    (of.claims.credential_type(), of.issuer.clone(), programme, of.number)
}

fn country(of: &Attested) -> Option<Territory> {
    match &of.claims {
        AttestedClaims::Aeo { country, .. } => Some(*country),
        AttestedClaims::Collect(mandate) => Some(mandate.territory),
        AttestedClaims::VettedSeller { .. } => None,
    }
}

fn one_union(a: Territory, b: Territory) -> bool {
    a.contains(b) || b.contains(a)
}

/// The EU is one customs territory with each of its states, and they with one another.
fn at_home(a: Territory, b: Territory) -> bool {
    let states = ["EU", "DE", "FR"];
    a == b || [a, b].iter().all(|of| states.contains(&of.as_str()))
}

impl Replay {
    /// Whether the change is taken.
    pub(super) fn apply(&mut self, change: &Change) -> bool {
        match change {
            Change::Charter(charter) => self.charter = Some(charter.clone()),
            Change::Card(card) => drop(self.cards.insert(card.member.clone(), card.clone())),
            Change::Revoke(key) => drop(self.revoked.insert(*key)),
            Change::Agreement(agreement, version, digest) => {
                let here = |of: &&(Agreement, u64, Digest, bool)| of.2 == *digest && !of.3;
                if self.agreements.iter().find(here).is_none() {
                    self.agreements.push((agreement.clone(), *version, *digest, false));
                }
            }
            Change::Void(digest) => {
                if let Some(of) = self.agreements.iter_mut().find(|of| of.2 == *digest && !of.3) {
                    of.3 = true;
                }
            }
            Change::Suspend(member, of) => drop(self.suspended.insert(member.clone(), of.clone())),
            Change::Attest(of) => {
                let Some(charter) = &self.charter else { return false };
                let Ok(issuer) = charter.may_issue(&of.issuer, of.claims.credential_type()) else { return false };
                if country(of).is_some_and(|country| !one_union(country, issuer.territory)) {
                    return false;
                }
                match self.attested.get(&name(of)) {
                    Some((held, removed)) if held.credential == of.credential && !removed => return true,
                    Some((held, _)) if of.issued_at < held.issued_at => return false,
                    _ => drop(self.attested.insert(name(of), (of.clone(), false))),
                }
            }
            Change::Remove(number, credential) => {
                for (of, removed) in self.attested.values_mut() {
                    *removed |= of.number == *number && of.credential == *credential;
                }
            }
            Change::List(issuer, token, by) => {
                let (name, by) = ((issuer.clone(), token.claims.uri.clone()), key(*by).public().id());
                let (held, _) = self.lists.entry(name.clone()).or_insert((Vec::new(), by));
                match held.first().map(|first| token.claims.issued_at.cmp(&first.claims.issued_at)) {
                    Some(Ordering::Less) => return false,
                    Some(Ordering::Equal) => held.push(token.clone()),
                    _ => drop(self.lists.insert(name, (vec![token.clone()], by))),
                }
            }
        }
        true
    }

    pub(super) fn answer(&self, question: &Question<'_>) -> Said {
        let mut against = BTreeSet::new();
        let Some(charter) = &self.charter else { return (None, ["NoCharter"].into()) };
        let asking = match charter.member(question.asking) {
            Some(member) if member.status == MemberStatus::Active => member,
            _ => return (None, ["Asking"].into()),
        };
        let number = NumberKey::new(question.scheme, question.number);
        let mut plain = None;
        for (of, removed) in self.attested.iter().filter(|(name, _)| name.3 == number).map(|(_, of)| of) {
            let mut benefits = BTreeSet::new();
            match self.attestation(of, *removed, charter, question) {
                Err(reason) => drop(against.insert(reason)),
                Ok("Aeo") if at_home(charter.member(&of.issuer).unwrap().territory, asking.territory) => {
                    plain = plain.or(Some(("Own", benefits, of.credential)));
                }
                Ok("Aeo") => {
                    if self.rows(of, charter, question, &mut benefits, &mut against) {
                        return (Some(("Agreements", benefits, of.credential)), against);
                    }
                }
                Ok(other) => plain = plain.or(Some((other, benefits, of.credential))),
            }
        }
        if plain.is_none() && against.is_empty() {
            against.insert("Unknown");
        }
        (plain, against)
    }

    /// What an attestation is good for, or the first reason against it.
    fn attestation(
        &self,
        of: &Attested,
        removed: bool,
        charter: &Charter,
        question: &Question<'_>,
    ) -> Result<&'static str, &'static str> {
        let now = question.at.0 / 1000;
        let day = question.at.day();
        let must = |holds: bool, otherwise: &'static str| if holds { Ok(()) } else { Err(otherwise) };
        must(!removed, "Removed")?;
        must(of.issued_at <= now + 60, "NotYet")?;
        must(now < of.expires + 60, "Expired")?;
        let issuer = charter.may_issue(&of.issuer, of.claims.credential_type()).map_err(|_| "NoRight")?;
        must(country(of).is_none_or(|country| one_union(country, issuer.territory)), "ForeignProgramme")?;
        self.signs(&of.issuer, of.key, of.issued_at)?;
        let (lists, list_key) = self.lists.get(&(of.issuer.clone(), of.status.uri.clone())).ok_or("NoStatus")?;
        must(self.signs(&of.issuer, *list_key, lists[0].claims.issued_at).is_ok(), "ListKey")?;
        let statuses = lists.iter().map(|list| list.status(&of.status));
        let statuses: Vec<Status> = statuses.collect::<Result<_, _>>().map_err(|_| "NoStatus")?;
        match statuses.iter().find(|status| **status != Status::Valid) {
            None => {}
            Some(Status::Invalid) => return Err("Revoked"),
            Some(Status::Suspended) => return Err("Suspended"),
            Some(_) => return Err("OtherStatus"),
        }
        must(lists.iter().all(|list| list.claims.expires.is_none_or(|expires| now < expires + 60)), "StatusExpired")?;
        match &of.claims {
            AttestedClaims::Aeo { standing, coverage, since, .. } => {
                must(*standing == AeoStanding::Active, "Standing")?;
                must(*since <= day.plus(1), "NotActiveYet")?;
                let asking = charter.member(question.asking).unwrap().territory;
                must(coverage.security() || at_home(issuer.territory, asking), "SimplificationOnly").map(|()| "Aeo")
            }
            AttestedClaims::VettedSeller { .. } => Err("SellerOnly"),
            AttestedClaims::Collect(mandate) => {
                must(question.purpose == Purpose::Revenue, "MandatePurpose")?;
                let asking = charter.member(question.asking).unwrap().territory;
                must(one_union(mandate.territory, asking), "MandateTerritory")?;
                let until = mandate.until.unwrap_or(Day(i32::MAX));
                must((mandate.from..=until).contains(&day), "MandateDays").map(|()| "Mandate")
            }
        }
    }

    fn signs(&self, member: &MemberId, key: KeyId, at: u64) -> Result<(), &'static str> {
        let row = self.cards.get(member).and_then(|card| card.attest.iter().find(|row| row.key.id() == key));
        match row {
            _ if self.revoked.contains(&key) => Err("KeyRevoked"),
            None => Err("KeyUnknown"),
            Some(row) if ![at, at + 60].into_iter().any(|at| row.covers(Millis(at * 1000).day())) => Err("KeyDays"),
            Some(_) => Ok(()),
        }
    }

    /// Whether a row gives something.
    fn rows(
        &self,
        of: &Attested,
        charter: &Charter,
        question: &Question<'_>,
        benefits: &mut BTreeSet<Benefit>,
        against: &mut BTreeSet<&'static str>,
    ) -> bool {
        let issuer = charter.member(&of.issuer).unwrap();
        let (mut any, mut given, day) = (false, false, question.at.day());
        for (agreement, version, _, void) in &self.agreements {
            for row in agreement.recognises.iter().filter(|row| row.by.contains(question.asking)) {
                let speakers: Vec<&MemberId> = match row.issued_by {
                    IssuedBy::Member(ref member) if *member == issuer.id => vec![&issuer.id],
                    IssuedBy::Territory(place) if place.contains(issuer.territory) => {
                        let party = |id: &&MemberId| {
                            let of = charter.member(id);
                            let speaks = |of: &crate::document::CharterMember| {
                                of.kind == MemberKind::Customs
                                    && of.status == MemberStatus::Active
                                    && of.territory.contains(place)
                            };
                            of.is_some_and(speaks)
                        };
                        agreement.parties.iter().filter(party).collect()
                    }
                    _ => continue,
                };
                any = true;
                let suspended = [question.asking, &issuer.id].into_iter().chain(speakers.iter().copied());
                let mut suspended = suspended.filter_map(|member| self.suspended.get(member)).flatten();
                let later = |of: &&(Agreement, u64, Digest, bool)| {
                    of.0.id == agreement.id && of.1 > *version && !of.3 && of.0.valid_from <= day
                };
                let excepted = |code: &&str| row.except_hs.iter().any(|prefix| code.starts_with(prefix.as_str()));
                let vague = |code: &&str| row.except_hs.iter().any(|prefix| prefix.starts_with(*code));
                // The first code that tells against the row, or does not tell enough.
                let code = question.hs.iter().find(|code| excepted(code) || vague(code));
                let AttestedClaims::Aeo { programme, .. } = &of.claims else { continue };
                let reason = if row.programme != *programme {
                    "Programme"
                } else if *void {
                    "AgreementVoid"
                } else if self.agreements.iter().any(|of| later(&of)) {
                    "Superseded"
                } else if day < agreement.valid_from {
                    "AgreementNotYet"
                } else if agreement.valid_until < day {
                    "AgreementEnded"
                } else if speakers.is_empty() {
                    "NobodySpeaks"
                } else if suspended.any(|id| *id == agreement.id) {
                    "AgreementSuspended"
                } else if !row.purposes.contains(&question.purpose) {
                    "NotForPurpose"
                } else if !row.except_hs.is_empty() && question.hs.is_empty() {
                    "GoodsUnknown"
                } else if code.is_some_and(excepted) {
                    "GoodsExcepted"
                } else if code.is_some() {
                    "CodeUnclear"
                } else if !row.needs.iter().all(|name| question.given.contains(&name.as_str())) {
                    "DataMissing"
                } else {
                    given = true;
                    benefits.extend(&row.benefits);
                    continue;
                };
                against.insert(reason);
            }
        }
        if !any {
            against.insert("NoAgreement");
        }
        given
    }
}
