//! What changes a recogniser. Everything comes with the time at which it became known, in the order of those times; what is refused
//! changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ground::{Ground, together};
use super::held::{Event, Facts, Held, Line, LineName, Lines};
use super::lists::Lists;
use super::{Attested, AttestedClaims, NumberKey};
use crate::credential::{CredentialType, Status, StatusToken};
use crate::document::{Agreement, Card, Charter, NoRight};
use crate::hash::Digest;
use crate::keys::KeyId;
use crate::limits::{
    CREDENTIAL_LEEWAY_SECONDS, MAX_ATTESTATIONS, MAX_ATTESTATIONS_OF_ISSUER, MAX_PROGRAMMES_OF_ISSUER,
    MAX_PROGRAMMES_OF_NUMBER,
};
use crate::names::{MemberId, Slug, Territory};
use crate::time::Millis;

/// Why a change was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// It became known before what is held already.
    #[error(
        "it became known at {found}, before {held}, when the last change did; hint: hand changes in in their order"
    )]
    Order {
        /// When it became known.
        found: Millis,
        /// When the last change did.
        held: Millis,
    },
    /// There is no charter yet.
    #[error("no charter is known, so nobody may issue anything; hint: hand the charter in first")]
    NoCharter,
    /// The issuer may not issue it.
    #[error("the attestation is refused: {0}")]
    NoRight(#[from] NoRight),
    /// The programme or mandate is that of another country.
    #[error("the attestation is refused: {issuer} is of {territory} and cannot attest for {country}")]
    ForeignProgramme {
        /// The issuer.
        issuer: MemberId,
        /// Its territory.
        territory: Territory,
        /// The other territory.
        country: Territory,
    },
    /// An older credential than the one held.
    #[error(
        "a credential of {issuer} issued at {held} is held; this one is of {found} (seconds since 1970) and takes no place of it"
    )]
    OlderCredential {
        /// The issuer.
        issuer: MemberId,
        /// When this one was issued.
        found: u64,
        /// When the one held was.
        held: u64,
    },
    /// An older status list than the one held.
    #[error(
        "the status list {uri} of {held} is held; this one is of {found} (seconds since 1970) and takes no place of it"
    )]
    OlderList {
        /// The list.
        uri: String,
        /// When this one was issued.
        found: u64,
        /// When the one held was.
        held: u64,
    },
    /// It holds as many as it may.
    #[error("there are {1} {0} already, which is the limit")]
    Full(&'static str, usize),
}

/// A status that another list changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// The credential.
    pub credential: Digest,
    /// Its status before; `None` where nothing was known.
    pub before: Option<Status>,
    /// Its status now; `None` where the list has no such number.
    pub after: Option<Status>,
}

/// What an issuer has here.
#[derive(Debug)]
pub(super) struct Issuer {
    id: MemberId,
    pub(super) attestations: usize,
    programmes: BTreeSet<u32>,
}

/// Attestations and all that recognition stands on, through time.
#[derive(Debug, Default)]
pub struct Recogniser {
    pub(super) ground: Ground,
    pub(super) lists: Lists,
    pub(super) lines: Lines,
    /// Issuers by their place in lines.
    pub(super) issuers: Vec<Issuer>,
    issuer_places: BTreeMap<MemberId, u32>,
    /// The newest cards that were learned, by [`crate::document::Document::whole`].
    pub(super) cards: BTreeMap<MemberId, Digest>,
    pub(super) forgotten: Millis,
    known_at: Millis,
}

impl Recogniser {
    /// An empty one, which recognises nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Attestations held, ended ones that are still explained among them.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The charter that holds from now on.
    ///
    /// # Errors
    /// [`UpdateError::Order`].
    pub fn charter(&mut self, charter: Arc<Charter>, known_at: Millis) -> Result<(), UpdateError> {
        self.advance(known_at)?;
        self.ground.set_charter(charter, known_at);
        Ok(())
    }

    /// The card of a member that holds from now on.
    ///
    /// # Errors
    /// [`UpdateError::Order`].
    pub fn card(&mut self, card: &Card, known_at: Millis) -> Result<(), UpdateError> {
        self.advance(known_at)?;
        self.ground.set_card(card, known_at);
        Ok(())
    }

    /// A key that signs nothing any more, nor did.
    ///
    /// # Errors
    /// [`UpdateError::Order`].
    pub fn revoke_key(&mut self, key: KeyId, known_at: Millis) -> Result<(), UpdateError> {
        self.advance(known_at)?;
        self.ground.revoke(key, known_at);
        Ok(())
    }

    /// A version of an agreement that holds; the digest is its document's. Whether it is new.
    ///
    /// # Errors
    /// [`UpdateError::Order`], [`UpdateError::Full`].
    pub fn agreement(
        &mut self,
        agreement: &Agreement,
        version: u64,
        digest: Digest,
        known_at: Millis,
    ) -> Result<bool, UpdateError> {
        self.advance(known_at)?;
        self.ground.add(agreement, version, digest, known_at)
    }

    /// A version that holds no longer, since another contradicts it. Whether it was known.
    ///
    /// # Errors
    /// [`UpdateError::Order`].
    pub fn void_agreement(&mut self, digest: &Digest, known_at: Millis) -> Result<bool, UpdateError> {
        self.advance(known_at)?;
        Ok(self.ground.void(digest, known_at))
    }

    /// All agreements that a member suspends from now on; none resumes everything.
    ///
    /// # Errors
    /// [`UpdateError::Order`].
    pub fn suspend(&mut self, member: &MemberId, agreements: Vec<Slug>, known_at: Millis) -> Result<(), UpdateError> {
        self.advance(known_at)?;
        self.ground.suspend(member, agreements, known_at);
        Ok(())
    }

    /// An attestation, new or renewed: it takes the place of the one before of the same issuer, type, programme and number. Whether it
    /// is new.
    ///
    /// # Errors
    /// [`UpdateError`]: in the issuer's right first, then as older than what is held, then a limit.
    pub fn attest(&mut self, attested: &Attested, known_at: Millis) -> Result<bool, UpdateError> {
        self.in_order(known_at)?;
        let attestation = attested.claims.credential_type();
        let charter = self.ground.newest_charter().ok_or(UpdateError::NoCharter)?;
        let issuer = charter.may_issue(&attested.issuer, attestation)?;
        if let Some(country) = attested.claims.country().filter(|country| !together(*country, issuer.territory)) {
            let (issuer, territory) = (attested.issuer.clone(), issuer.territory);
            return Err(UpdateError::ForeignProgramme { issuer, territory, country });
        }
        let issuer = self.issuer_place(&attested.issuer);
        let (programme, facts) = facts(&attested.claims);
        // A programme that no line and no row names yet gets its number only when the attestation is taken.
        let known = programme.map_or(Some(NO_PROGRAMME), |name| self.ground.known_programme(name));
        let is = |line: &Line, programme: u32| {
            line.name == LineName { number: attested.number, issuer, attestation, programme }
        };
        let find = |known: u32| self.lines.of(attested.number).find(|(_, line)| is(line, known));
        let found = known.and_then(find).map(|(place, _)| place);
        let now = found.and_then(|place| self.lines.get(place)).and_then(Line::now);
        if let Some(state) = now {
            let (held, found) = (state.held.issued_at, attested.issued_at);
            if state.held.credential == attested.credential && state.removed.is_none() {
                return Ok(false);
            }
            if found < held {
                return Err(UpdateError::OlderCredential { issuer: attested.issuer.clone(), found, held });
            }
        }
        let last_list = now.map(|state| state.held.list);
        let of_issuer = self.lines.of(attested.number).filter(|(_, line)| line.name.issuer == issuer).count();
        if found.is_none() && of_issuer >= MAX_PROGRAMMES_OF_NUMBER {
            return Err(UpdateError::Full("attestations of one issuer for one number", MAX_PROGRAMMES_OF_NUMBER));
        }
        if found.is_none() && self.lines.len() >= MAX_ATTESTATIONS {
            return Err(UpdateError::Full("attestations", MAX_ATTESTATIONS));
        }
        if let Some(of) = self.issuers.get(issuer as usize).filter(|_| found.is_none()) {
            if of.attestations >= MAX_ATTESTATIONS_OF_ISSUER {
                return Err(UpdateError::Full("attestations of one issuer", MAX_ATTESTATIONS_OF_ISSUER));
            }
            let is_new = known.is_none_or(|known| known != NO_PROGRAMME && !of.programmes.contains(&known));
            if is_new && of.programmes.len() >= MAX_PROGRAMMES_OF_ISSUER {
                return Err(UpdateError::Full("programmes of one issuer", MAX_PROGRAMMES_OF_ISSUER));
            }
        }
        let list = self.lists.place(&attested.issuer, &attested.status.uri)?;
        let index = attested.status.index;
        let (Attested { credential, key, issued_at, expires, .. }, status) = (attested, self.lists.status(list, index));
        let held =
            Held { credential: *credential, key: *key, issued_at: *issued_at, expires: *expires, list, index, facts };
        let event = Event::Issued(Box::new(held), status);
        let place = match found.and_then(|place| self.lines.get_mut(place).map(|line| (place, line))) {
            Some((place, line)) => {
                line.push(known_at, event);
                place
            }
            None => {
                let programme = programme.map_or(NO_PROGRAMME, |name| self.ground.programme(name));
                let name = LineName { number: attested.number, issuer, attestation, programme };
                let added = self.lines.add(name, known_at, event);
                let place = added.ok_or(UpdateError::Full("attestations", MAX_ATTESTATIONS))?;
                if let Some(of) = self.issuers.get_mut(issuer as usize) {
                    of.attestations += 1;
                    of.programmes.extend(Some(programme).filter(|programme| *programme != NO_PROGRAMME));
                }
                place
            }
        };
        if last_list != Some(list) {
            if let Some(last) = last_list {
                self.lists.unname(last, place);
            }
            self.lists.name(list, place);
        }
        self.known_at = known_at;
        Ok(true)
    }

    /// Takes an attestation back, for instance because its record was withdrawn. Whether it was there.
    ///
    /// # Errors
    /// [`UpdateError::Order`].
    pub fn remove(&mut self, number: NumberKey, credential: &Digest, known_at: Millis) -> Result<bool, UpdateError> {
        self.advance(known_at)?;
        let is = |line: &Line| line.now().is_some_and(|of| of.held.credential == *credential && of.removed.is_none());
        let place = self.lines.of(number).find(|(_, line)| is(line)).map(|(place, _)| place);
        let line = place.and_then(|place| self.lines.get_mut(place));
        Ok(line.map(|line| line.push(known_at, Event::Removed)).is_some())
    }

    /// A status list that was verified with this key of this issuer. Every attestation that names it is read again; those that changed.
    ///
    /// # Errors
    /// [`UpdateError::OlderList`], [`UpdateError::Order`], [`UpdateError::Full`].
    pub fn statuses(
        &mut self,
        issuer: &MemberId,
        token: StatusToken,
        key: KeyId,
        known_at: Millis,
    ) -> Result<Vec<StatusChange>, UpdateError> {
        self.in_order(known_at)?;
        let place = self.lists.place(issuer, &token.claims.uri)?;
        if !self.lists.take(place, token, key, known_at)? {
            return Ok(Vec::new());
        }
        self.known_at = known_at;
        let mut changes = Vec::new();
        for line in self.lists.named_by(place) {
            // One that was removed is looked up again when it comes again.
            let state = self.lines.get(line).and_then(Line::now).filter(|state| state.removed.is_none());
            let Some(state) = state else { continue };
            let (before, after) = (state.status, self.lists.status(place, state.held.index));
            if before != after {
                changes.push(StatusChange { credential: state.held.credential, before, after });
                if let Some(line) = self.lines.get_mut(line) {
                    line.push(known_at, Event::Status(after));
                }
            }
        }
        Ok(changes)
    }

    /// The newest status of a credential that is held, as far as its list is known.
    pub fn status_of(&self, number: NumberKey, credential: &Digest) -> Option<Status> {
        let mut states = self.lines.of(number).filter_map(|(_, line)| line.now());
        states.find(|state| state.held.credential == *credential)?.status
    }

    /// Whether the mandate to collect in a credential holds at a time: it lives, is its issuer's newest for the number, its issuer may
    /// issue it with that key, its status is valid in a list that holds, and the day is one of its days.
    pub fn mandate_holds(&self, number: NumberKey, credential: &Digest, at: Millis) -> bool {
        let is = |line: &&Line| line.now().is_some_and(|state| state.held.credential == *credential);
        let line = self.lines.of(number).map(|(_, line)| line).find(is);
        let issuer = line.and_then(|line| self.issuers.get(line.name.issuer as usize));
        line.zip(issuer).is_some_and(|(line, issuer)| self.holds_for_issuer(line, &issuer.id, at))
    }

    /// Forgets attestations that ended before a time, and of others what was before it; nothing is said of that time any more. How
    /// many ended.
    pub fn forget(&mut self, before: Millis) -> usize {
        self.forgotten = self.forgotten.max(before);
        let seconds = before.0 / 1000;
        let ended = self.lines.places(|line| {
            line.now().is_none_or(|state| {
                let over = state.held.expires.saturating_add(CREDENTIAL_LEEWAY_SECONDS) <= seconds;
                over || state.removed.is_some_and(|at| at < before)
            })
        });
        for place in &ended {
            let Some(line) = self.lines.get(*place) else { continue };
            if let Some(state) = line.now() {
                self.lists.unname(state.held.list, *place);
            }
            if let Some(of) = self.issuers.get_mut(line.name.issuer as usize) {
                of.attestations = of.attestations.saturating_sub(1);
            }
            self.lines.drop(*place);
        }
        self.lines.trim(before);
        ended.len()
    }

    /// The issuer at a place.
    pub(super) fn issuer(&self, place: u32) -> Option<&MemberId> {
        self.issuers.get(place as usize).map(|of| &of.id)
    }

    fn in_order(&self, known_at: Millis) -> Result<(), UpdateError> {
        match known_at < self.known_at {
            true => Err(UpdateError::Order { found: known_at, held: self.known_at }),
            false => Ok(()),
        }
    }

    pub(super) fn advance(&mut self, known_at: Millis) -> Result<(), UpdateError> {
        self.in_order(known_at)?;
        self.known_at = known_at;
        Ok(())
    }

    fn issuer_place(&mut self, issuer: &MemberId) -> u32 {
        if let Some(place) = self.issuer_places.get(issuer) {
            return *place;
        }
        // Only members get here, of whom there are few.
        let place = u32::try_from(self.issuers.len()).unwrap_or(u32::MAX);
        self.issuers.push(Issuer { id: issuer.clone(), attestations: 0, programmes: BTreeSet::new() });
        self.issuer_places.insert(issuer.clone(), place);
        place
    }
}

/// Where a type has no programmes.
const NO_PROGRAMME: u32 = u32::MAX;

/// The programme of an `aeo`, and what of the claims is held.
fn facts(claims: &AttestedClaims) -> (Option<&str>, Facts) {
    match claims {
        AttestedClaims::Aeo { programme, country, coverage, standing, since } => {
            let facts = Facts::Aeo { country: *country, coverage: *coverage, standing: *standing, since: *since };
            (Some(programme), facts)
        }
        AttestedClaims::VettedSeller { .. } => (None, Facts::Seller),
        AttestedClaims::Collect(mandate) => (None, Facts::Collect(mandate.clone())),
    }
}

impl Facts {
    pub(super) fn country(&self) -> Option<Territory> {
        match self {
            Self::Aeo { country, .. } => Some(*country),
            Self::Seller => None,
            Self::Collect(mandate) => Some(mandate.territory),
        }
    }
}

impl LineName {
    /// In which order lines of one number are looked at, whatever the order in which they came.
    pub(super) fn order<'r>(&self, recogniser: &'r Recogniser) -> (CredentialType, Option<&'r MemberId>, &'r str) {
        (self.attestation, recogniser.issuer(self.issuer), recogniser.ground.programme_name(self.programme))
    }
}
