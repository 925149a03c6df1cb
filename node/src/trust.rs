//! Trusted traders, as this node knows them now and as it knew them before: attestations, their status, and the use of numbers under which
//! duty and tax are collected. In memory only; it follows from the documents and from the records that are stored.
//!
//! Not here: what follows from what ([`luxor_protocol::recognition`]), and reading records (driver).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use luxor_protocol::credential::StatusToken;
use luxor_protocol::document::Directory;
use luxor_protocol::hash::Digest;
use luxor_protocol::keys::KeyId;
use luxor_protocol::names::MemberId;
use luxor_protocol::recognition::{
    Attested, AttestedClaims, Carried, Confirmation, Confirmations, Declared, Holder, NumberKey, Recogniser, Scheme,
    UpdateError, UseError, UseKey,
};
use luxor_protocol::time::Millis;

/// Confirmations that wait for the credential of their number's holder.
const MAX_EARLY: usize = 100_000;
/// Of these, such that one member brought.
const MAX_EARLY_OF_MEMBER: usize = 10_000;

/// What is known, guarded.
#[derive(Debug, Default)]
pub struct Trust {
    known: RwLock<Known>,
    /// Own status lists as they are served, by the path of their URI.
    lists: Mutex<BTreeMap<String, Served>>,
}

/// What is known.
#[derive(Debug, Default)]
pub struct Known {
    /// Who is recognised.
    pub recogniser: Recogniser,
    /// Which uses are confirmed.
    pub uses: Confirmations,
    /// Where each declared use stands, the last time: entry and place.
    pub declared: HashMap<UseKey, (u64, usize)>,
    /// From when on declarations are looked through; nothing while no mandate over a number was known.
    pub watched_since: Option<Millis>,
    /// Everything that is stored was read.
    pub read: bool,
    /// Declared uses for which there was no room.
    pub not_watched: u64,
    /// Mandates over numbers under which duty and tax are collected: the newest of each administration.
    mandates: HashMap<NumberKey, BTreeMap<MemberId, Mandate>>,
    /// Confirmations that came before their holder's credential.
    early: HashMap<NumberKey, Vec<Early>>,
    /// How many of them each member brought.
    early_of: HashMap<MemberId, usize>,
    /// Times at which something became known never run back.
    last: Millis,
}

/// A signed status list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    issued_at: u64,
    /// Seconds for which it may be kept.
    pub ttl: u64,
    /// The token.
    pub token: Arc<str>,
}

/// What a credential says of who holds a number.
#[derive(Debug, Clone)]
struct Mandate {
    credential: Digest,
    holder: Holder,
    /// When the administration named a holder first.
    first: Millis,
    /// From when on it holds no longer, in seconds since 1970.
    expires: u64,
}

#[derive(Debug)]
struct Early {
    by: MemberId,
    scheme: Scheme,
    confirmation: Confirmation,
    key: KeyId,
    at: Millis,
}

/// Why something that a record or document tells was not taken into account. The record stays.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It changes nothing, or there is no room.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// The use.
    #[error(transparent)]
    Use(#[from] UseError),
    /// Too many confirmations wait.
    #[error(
        "{0} confirmations wait for the credentials of their numbers' holders, which is the limit; this one is left out"
    )]
    Early(usize),
}

impl Trust {
    /// To look at.
    pub fn read(&self) -> RwLockReadGuard<'_, Known> {
        // What is changed under the lock is whole.
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To change.
    pub fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// An own status list as it is served from now on, unless a newer one is.
    pub fn serve(&self, token: &StatusToken, text: &str) {
        let Some(path) = path_of(&token.claims.uri) else { return };
        let (issued_at, ttl) = (token.claims.issued_at, token.fresh_until().saturating_sub(token.claims.issued_at));
        // What is changed under the lock is whole.
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.get(path).is_none_or(|served| served.issued_at < issued_at) {
            lists.insert(path.to_owned(), Served { issued_at, ttl, token: text.into() });
        }
    }

    /// The own status list at a path.
    pub fn served(&self, path: &str) -> Option<Served> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }
}

impl Known {
    /// Now, or the time at which something became known last where a clock was ahead then: what became known is never left out.
    pub fn now(&self, now: Millis) -> Millis {
        self.last.max(now)
    }

    /// The documents as they are known from now on.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn learn(&mut self, directory: &Directory, at: Millis) -> Result<(), TrustError> {
        let at = self.time(at);
        let learned = self.recogniser.learn(directory, at);
        self.settle(at);
        Ok(learned?)
    }

    /// What a record of a member tells, that became known at `at`.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn take(&mut self, by: &MemberId, carried: Carried, at: Millis) -> Result<(), TrustError> {
        let at = self.time(at);
        match carried {
            Carried::Attestation { attested, holder } => {
                if self.recogniser.attest(&attested, at)? && matches!(attested.claims, AttestedClaims::Collect(_)) {
                    let holder = Holder { member: attested.issuer.clone(), key: holder.id() };
                    self.mandate(&attested, holder, at);
                }
                Ok(())
            }
            Carried::Statuses { issuer, key, token } => {
                if !self.recogniser.statuses(&issuer, token, key, at)?.is_empty() {
                    self.settle(at);
                }
                Ok(())
            }
            Carried::Use { confirmation, scheme, key } => {
                self.confirm(Early { by: by.clone(), scheme, confirmation, key: key.id(), at })
            }
        }
    }

    /// A declaration at an entry and a place there tells of a use.
    ///
    /// # Errors
    /// [`TrustError::Use`].
    pub fn declare(&mut self, declared: &Declared, entry: u64, place: usize) -> Result<(), TrustError> {
        if let Err(error) = self.uses.declare(declared.of) {
            self.not_watched = self.not_watched.saturating_add(1);
            return Err(error.into());
        }
        let stands = self.declared.entry(declared.of.key).or_insert((entry, place));
        *stands = (entry, place).max(*stands);
        Ok(())
    }

    /// Who holds each number at a time.
    pub fn settle(&mut self, at: Millis) {
        let numbers: Vec<NumberKey> = self.mandates.keys().copied().collect();
        numbers.into_iter().for_each(|number| self.settle_number(number, at));
    }

    /// Forgets uses that were settled before a time, and attestations that ended before another.
    pub fn forget(&mut self, uses_before: Millis, traders_before: Millis) {
        if self.uses.forget(uses_before) > 0 {
            let uses = &self.uses;
            self.declared.retain(|key, _| uses.holds(key));
        }
        self.recogniser.forget(traders_before);
        self.mandates.retain(|_, of| {
            of.retain(|_, mandate| mandate.expires >= uses_before.0 / 1_000);
            !of.is_empty()
        });
        self.early.retain(|_, waiting| {
            waiting.retain(|early| early.at >= uses_before);
            !waiting.is_empty()
        });
        self.early_of.clear();
        for early in self.early.values().flatten() {
            *self.early_of.entry(early.by.clone()).or_default() += 1;
        }
    }

    /// Whose credential names the holder of a number.
    pub fn mandated_by(&self, number: NumberKey) -> Option<MemberId> {
        self.uses.holder(number).map(|holder| holder.member.clone())
    }

    /// Whether any mandate over a number was known.
    pub fn has_mandates(&self) -> bool {
        !self.mandates.is_empty()
    }

    /// An administration names the holder of a number.
    fn mandate(&mut self, attested: &Attested, holder: Holder, at: Millis) {
        let (number, credential, expires) = (attested.number, attested.credential, attested.expires);
        let of = self.mandates.entry(number).or_default();
        let first = of.get(&attested.issuer).map_or(at, |before| before.first);
        of.insert(attested.issuer.clone(), Mandate { credential, holder, first, expires });
        self.settle_number(number, at);
    }

    /// The holder by a mandate that holds: that of the administration whose word counted before, else of the first that named one.
    fn settle_number(&mut self, number: NumberKey, at: Millis) {
        let before = self.uses.holder(number);
        let of = self.mandates.get(&number).into_iter().flatten();
        let holding = of.filter(|(_, of)| self.recogniser.mandate_holds(number, &of.credential, at));
        let is_other = |member: &MemberId| before.is_none_or(|before| before.member != *member);
        let chosen = holding.min_by_key(|(member, of)| (is_other(member), of.first, *member));
        match chosen.map(|(_, of)| of.holder.clone()) {
            None => self.uses.release(number),
            Some(holder) if before == Some(&holder) => {}
            Some(holder) => match self.uses.hold(number, holder) {
                Ok(()) => self.confirm_early(number),
                Err(error) => tracing::warn!(%error, "the uses of a number are not watched"),
            },
        }
    }

    /// What was confirmed before its holder was known.
    fn confirm_early(&mut self, number: NumberKey) {
        for early in self.early.remove(&number).unwrap_or_default() {
            if let Some(count) = self.early_of.get_mut(&early.by) {
                *count = count.saturating_sub(1);
            }
            let Early { by, scheme, confirmation, key, at } = early;
            if let Err(error) = self.uses.confirm(scheme, &confirmation, key, at) {
                tracing::warn!(%error, %by, "a confirmation of use that came early does not count");
            }
        }
    }

    fn confirm(&mut self, early: Early) -> Result<(), TrustError> {
        match self.uses.confirm(early.scheme, &early.confirmation, early.key, early.at) {
            Ok(_) => Ok(()),
            Err(UseError::NoHolder) => {
                let waiting: usize = self.early_of.values().sum();
                let count = self.early_of.entry(early.by.clone()).or_default();
                if *count >= MAX_EARLY_OF_MEMBER || waiting >= MAX_EARLY {
                    return Err(TrustError::Early((*count).max(waiting)));
                }
                *count += 1;
                let number = NumberKey::new(early.scheme, &early.confirmation.number);
                self.early.entry(number).or_default().push(early);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn time(&mut self, at: Millis) -> Millis {
        self.last = self.last.max(at);
        self.last
    }
}

/// The path of a URI with a host, from its slash on.
fn path_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    rest.find('/').and_then(|at| rest.get(at..))
}

#[cfg(test)]
mod tests;
