//! What recognition stands on, through time: charters, keys on cards, revoked keys, agreements with their rows compiled, suspensions.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::history::History;
use super::recogniser::UpdateError;
use super::{Benefits, Refusal};
use crate::document::{Agreement, AttestCardKey, Card, Charter, CharterMember, IssuedBy, MemberStatus, Recognition};
use crate::hash::Digest;
use crate::keys::KeyId;
use crate::limits::{MAX_DOCUMENTS, MAX_REMEMBERED_VERSIONS};
use crate::names::{MemberId, MemberKind, Purpose, Slug, Territory};
use crate::time::{Day, Millis};

/// A version of an agreement.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) id: Slug,
    pub(super) version: u64,
    pub(super) digest: Digest,
    parties: Vec<MemberId>,
    from: Day,
    until: Day,
    known_at: Millis,
    void_at: Option<Millis>,
}

/// A row of it, compiled.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) version: u32,
    /// From 1.
    pub(super) number: usize,
    pub(super) programme: u32,
    pub(super) benefits: Benefits,
    issued_by: IssuedBy,
    purposes: u16,
    except_hs: Vec<String>,
    needs: Vec<String>,
}

/// What a row is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowAsk<'q> {
    pub(super) charter: &'q Charter,
    pub(super) asking: &'q MemberId,
    pub(super) issuer: &'q CharterMember,
    pub(super) purpose: Purpose,
    pub(super) hs: &'q [&'q str],
    pub(super) given: &'q [&'q str],
    pub(super) at: Millis,
}

/// Rows under which one member recognises others, by whose attestations they are about; places ascend.
#[derive(Debug, Default)]
struct RowsOf {
    member: BTreeMap<MemberId, Vec<u32>>,
    /// Few: agreements have less of them than there are countries.
    territory: BTreeMap<Territory, Vec<u32>>,
}

#[derive(Debug, Default)]
pub(super) struct Ground {
    charters: History<Arc<Charter>>,
    keys: BTreeMap<MemberId, History<Vec<(KeyId, AttestCardKey)>>>,
    revoked: BTreeMap<KeyId, Millis>,
    suspended: BTreeMap<MemberId, History<Vec<Slug>>>,
    versions: Vec<Version>,
    of_agreement: BTreeMap<Slug, Vec<u32>>,
    /// Agreements of which a version became known beyond the bounds, and when.
    beyond: BTreeMap<Slug, Millis>,
    rows: Vec<Row>,
    of_asking: BTreeMap<MemberId, RowsOf>,
    programmes: BTreeMap<Arc<str>, u32>,
    programme_names: Vec<Arc<str>>,
}

impl Ground {
    pub(super) fn set_charter(&mut self, charter: Arc<Charter>, known_at: Millis) {
        self.charters.push(known_at, charter, MAX_REMEMBERED_VERSIONS);
    }

    pub(super) fn set_card(&mut self, card: &Card, known_at: Millis) {
        let keys = card.attest.iter().map(|row| (row.key.id(), row.clone())).collect();
        self.keys.entry(card.member.clone()).or_default().push(known_at, keys, MAX_REMEMBERED_VERSIONS);
    }

    pub(super) fn revoke(&mut self, key: KeyId, known_at: Millis) {
        self.revoked.entry(key).or_insert(known_at);
    }

    pub(super) fn suspend(&mut self, member: &MemberId, mut agreements: Vec<Slug>, known_at: Millis) {
        agreements.sort();
        self.suspended.entry(member.clone()).or_default().push(known_at, agreements, MAX_REMEMBERED_VERSIONS);
    }

    /// Adds a version; whether it is new. One beyond the bounds may take away what those before give, so from then on nothing of its
    /// agreement is said to hold.
    pub(super) fn add(
        &mut self,
        agreement: &Agreement,
        version: u64,
        digest: Digest,
        known_at: Millis,
    ) -> Result<bool, UpdateError> {
        let known = self.of_agreement.get(&agreement.id).map_or(&[][..], Vec::as_slice);
        let versions = known.iter().filter_map(|at| self.versions.get(*at as usize));
        if versions.filter(|held| held.version == version).any(|held| held.digest == digest && held.void_at.is_none()) {
            return Ok(false);
        }
        let full = match (known.len(), u32::try_from(self.versions.len())) {
            (MAX_REMEMBERED_VERSIONS.., _) => Err(("versions of one agreement", MAX_REMEMBERED_VERSIONS)),
            (_, Ok(place)) if self.versions.len() < MAX_DOCUMENTS => Ok(place),
            _ => Err(("versions of agreements", MAX_DOCUMENTS)),
        };
        let place = full.map_err(|(what, most)| {
            if !known.is_empty() {
                self.beyond.entry(agreement.id.clone()).or_insert(known_at);
            }
            UpdateError::Full(what, most)
        })?;
        for (at, row) in agreement.recognises.iter().enumerate() {
            let compiled = self.compile(row, place, at + 1);
            let row_place = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
            self.rows.push(compiled);
            for asking in &row.by {
                let of = self.of_asking.entry(asking.clone()).or_default();
                let places = match &row.issued_by {
                    IssuedBy::Member(member) => of.member.entry(member.clone()).or_default(),
                    IssuedBy::Territory(territory) => of.territory.entry(*territory).or_default(),
                };
                places.push(row_place);
            }
        }
        let Agreement { id, parties, valid_from, valid_until, .. } = agreement.clone();
        self.of_agreement.entry(id.clone()).or_default().push(place);
        let (from, until) = (valid_from, valid_until);
        self.versions.push(Version { id, version, digest, parties, from, until, known_at, void_at: None });
        Ok(true)
    }

    /// A version holds no longer: it was contradicted.
    pub(super) fn void(&mut self, digest: &Digest, known_at: Millis) -> bool {
        let mut held = self.versions.iter_mut().filter(|held| held.digest == *digest && held.void_at.is_none());
        held.next().map(|held| held.void_at = Some(known_at)).is_some()
    }

    /// The number of a programme's name, where it has one.
    pub(super) fn known_programme(&self, name: &str) -> Option<u32> {
        self.programmes.get(name).copied()
    }

    /// The number of a programme's name.
    pub(super) fn programme(&mut self, name: &str) -> u32 {
        if let Some(number) = self.known_programme(name) {
            return number;
        }
        let (name, number): (Arc<str>, _) =
            (name.into(), u32::try_from(self.programme_names.len()).unwrap_or(u32::MAX));
        self.programme_names.push(name.clone());
        self.programmes.insert(name, number);
        number
    }

    pub(super) fn programme_name(&self, number: u32) -> &str {
        self.programme_names.get(number as usize).map_or("", |name| name)
    }

    /// Whether the newest card known of its member has these keys.
    pub(super) fn has_keys(&self, card: &Card) -> bool {
        let keys = self.keys.get(&card.member).and_then(History::newest);
        keys.map_or(&[][..], Vec::as_slice).iter().map(|(_, row)| row).eq(&card.attest)
    }

    /// What a member suspends now. Ordered.
    pub(super) fn suspended_by(&self, member: &MemberId) -> &[Slug] {
        self.suspended.get(member).and_then(History::newest).map_or(&[], Vec::as_slice)
    }

    /// Versions that hold.
    pub(super) fn digests(&self) -> Vec<Digest> {
        self.versions.iter().filter(|held| held.void_at.is_none()).map(|held| held.digest).collect()
    }

    pub(super) fn charter(&self, at: Millis) -> Result<Option<&(Millis, Arc<Charter>)>, Refusal> {
        self.charters.at(at)
    }

    pub(super) fn newest_charter(&self) -> Option<&Arc<Charter>> {
        self.charters.newest()
    }

    /// Whether the issuer's card named the key for the day of issue (of seconds since 1970), and it was not revoked.
    pub(super) fn check_key(&self, issuer: &MemberId, key: KeyId, issued_at: u64, at: Millis) -> Result<(), Refusal> {
        let card = self.keys.get(issuer).map(|history| history.at(at)).transpose()?.flatten();
        let issuer = || issuer.clone();
        if let Some(since) = self.revoked.get(&key).filter(|since| **since <= at) {
            return Err(Refusal::KeyRevoked { issuer: issuer(), key, at: *since });
        }
        match card.and_then(|(_, keys)| keys.iter().find(|(id, _)| *id == key)) {
            None => Err(Refusal::KeyUnknown { issuer: issuer(), key }),
            Some((_, row)) if !row.signs_at(issued_at) => {
                let day = Millis(issued_at.saturating_mul(1000)).day();
                Err(Refusal::KeyDays { issuer: issuer(), key, day })
            }
            Some(_) => Ok(()),
        }
    }

    /// Rows under which `asking` may recognise what this member issues, known by then, in the order in which they came.
    pub(super) fn rows(&self, asking: &MemberId, issuer: &CharterMember, at: Millis) -> impl Iterator<Item = &Row> {
        let mut places: Vec<u32> = Vec::new();
        if let Some(of) = self.of_asking.get(asking) {
            places.extend(of.member.get(&issuer.id).into_iter().flatten());
            let about = of.territory.iter().filter(|(territory, _)| territory.contains(issuer.territory));
            places.extend(about.flat_map(|(_, places)| places));
            places.sort_unstable();
        }
        let rows = places.into_iter().filter_map(|place| self.rows.get(place as usize));
        rows.filter(move |row| self.version(row).is_some_and(|held| held.known_at <= at))
    }

    pub(super) fn version(&self, row: &Row) -> Option<&Version> {
        self.versions.get(row.version as usize)
    }

    /// Whether a row gives something; the first reason why not.
    pub(super) fn check_row(&self, row: &Row, ask: &RowAsk<'_>) -> Result<(), Refusal> {
        let Some(held) = self.version(row) else { return Ok(()) };
        self.check_version(held, ask.at)?;
        let (agreement, number) = (|| held.id.clone(), row.number);
        let speaks = |member: &&CharterMember| {
            let active = member.status == MemberStatus::Active && member.kind == MemberKind::Customs;
            active && matches!(row.issued_by, IssuedBy::Territory(of) if member.territory.contains(of))
        };
        let speakers = || held.parties.iter().filter_map(|id| ask.charter.member(id)).filter(speaks);
        match row.issued_by {
            IssuedBy::Territory(territory) if speakers().next().is_none() => {
                return Err(Refusal::NobodySpeaks { agreement: agreement(), row: number, territory });
            }
            IssuedBy::Territory(_) | IssuedBy::Member(_) => {}
        }
        for member in [ask.asking, &ask.issuer.id].into_iter().chain(speakers().map(|member| &member.id)) {
            let Some(history) = self.suspended.get(member) else { continue };
            if let Some((since, _)) = history.at(ask.at)?.filter(|(_, of)| of.binary_search(&held.id).is_ok()) {
                let (by, since) = (member.clone(), *since);
                return Err(Refusal::AgreementSuspended { agreement: agreement(), by, since });
            }
        }
        if row.purposes & purpose_bit(ask.purpose) == 0 {
            return Err(Refusal::NotForPurpose { agreement: agreement(), row: number, purpose: ask.purpose });
        }
        if !row.except_hs.is_empty() && ask.hs.is_empty() {
            return Err(Refusal::GoodsUnknown { agreement: agreement(), row: number });
        }
        for code in ask.hs {
            // What is no code tells nothing: written with dots it would begin with no prefix.
            let is_code = code.bytes().all(|c| c.is_ascii_digit());
            for prefix in &row.except_hs {
                let told = || (agreement(), number, prefix.clone(), (*code).to_owned());
                if is_code && code.starts_with(prefix.as_str()) {
                    let (agreement, row, prefix, code) = told();
                    return Err(Refusal::GoodsExcepted { agreement, row, prefix, code });
                }
                if !is_code || prefix.starts_with(code) {
                    let (agreement, row, prefix, code) = told();
                    return Err(Refusal::CodeUnclear { agreement, row, prefix, code });
                }
            }
        }
        match row.needs.iter().find(|name| !ask.given.contains(&name.as_str())) {
            Some(name) => Err(Refusal::DataMissing { agreement: agreement(), row: number, name: name.clone() }),
            None => Ok(()),
        }
    }

    fn check_version(&self, held: &Version, at: Millis) -> Result<(), Refusal> {
        let (agreement, version, day) = (|| held.id.clone(), held.version, at.day());
        if let Some(since) = self.beyond.get(&held.id).filter(|since| **since <= at) {
            return Err(Refusal::AgreementBeyond { agreement: agreement(), since: *since });
        }
        if let Some(since) = held.void_at.filter(|since| *since <= at) {
            return Err(Refusal::AgreementVoid { agreement: agreement(), version, at: since });
        }
        let others = self.of_agreement.get(&held.id).map_or(&[][..], Vec::as_slice);
        let others = others.iter().filter_map(|at| self.versions.get(*at as usize));
        let begun = |of: &&Version| {
            let holds = of.known_at <= at && of.void_at.is_none_or(|since| at < since);
            of.version > version && holds && of.from <= day
        };
        if let Some(later) = others.filter(begun).min_by_key(|of| (of.from, of.version)) {
            let (by, from) = (later.version, later.from);
            return Err(Refusal::Superseded { agreement: agreement(), version, by, from });
        }
        if day < held.from {
            return Err(Refusal::AgreementNotYet { agreement: agreement(), from: held.from });
        }
        if held.until < day {
            return Err(Refusal::AgreementEnded { agreement: agreement(), until: held.until });
        }
        Ok(())
    }

    fn compile(&mut self, row: &Recognition, version: u32, number: usize) -> Row {
        Row {
            version,
            number,
            programme: self.programme(&row.programme),
            benefits: Benefits::of(&row.benefits),
            issued_by: row.issued_by.clone(),
            purposes: row.purposes.iter().fold(0, |bits, purpose| bits | purpose_bit(*purpose)),
            except_hs: row.except_hs.clone(),
            needs: row.needs.clone(),
        }
    }
}

/// Whether one of two territories is the other or holds it.
pub(super) fn together(a: Territory, b: Territory) -> bool {
    a.contains(b) || b.contains(a)
}

const _: () = assert!(Purpose::ALL.len() <= 16, "purposes of a row are bits");

fn purpose_bit(purpose: Purpose) -> u16 {
    let place = Purpose::ALL.iter().position(|of| *of == purpose).unwrap_or_default();
    1 << place
}
