//! Trusted traders, as this node knows them now and as it knew them before: attestations, their status, and the use of numbers under which
//! duty and tax are collected. In memory only; it follows from the documents and from the records that are stored.
//!
//! Not here: what follows from what ([`luxor_protocol::recognition`]), and reading records (driver).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use luxor_protocol::credential::{Status, StatusToken};
use luxor_protocol::document::Directory;
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::CREDENTIAL_LEEWAY_SECONDS;
use luxor_protocol::names::MemberId;
use luxor_protocol::recognition::{
    Attested, AttestedClaims, Carried, Confirmation, Confirmations, Declared, Holder, Matched, NumberKey, Recogniser,
    Scheme, StatusChange, UpdateError, UseError, UseKey,
};
use luxor_protocol::time::Millis;

/// Confirmations that wait for the credential of their number's holder.
const MAX_EARLY: usize = 100_000;

/// What is known, guarded.
#[derive(Debug, Default)]
pub struct Trust(RwLock<Known>);

/// What is known.
#[derive(Debug, Default)]
pub struct Known {
    /// Who is recognised.
    pub recogniser: Recogniser,
    /// Which uses are confirmed.
    pub uses: Confirmations,
    /// Where each declared use stands: entry and place.
    pub declared: HashMap<UseKey, (u64, usize)>,
    /// From when on declarations were looked through; nothing while nobody is known to hold a number.
    pub watched_since: Option<Millis>,
    /// Everything that is stored was read.
    pub read: bool,
    /// Own status lists as they are served, by the path of their URI.
    lists: BTreeMap<String, Served>,
    /// Credentials of numbers under which duty and tax are collected.
    collects: HashMap<Digest, Mandate>,
    /// Declared uses for which there was no room.
    pub not_watched: u64,
    /// Confirmations that came before their holder's credential.
    early: HashMap<NumberKey, Vec<Early>>,
    waiting: usize,
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
    number: NumberKey,
    holder: Holder,
    /// From when on it holds no longer, in seconds since 1970.
    expires: u64,
}

#[derive(Debug)]
struct Early {
    scheme: Scheme,
    confirmation: Confirmation,
    key: luxor_protocol::keys::KeyId,
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
    #[error("{MAX_EARLY} confirmations wait for the credentials of their numbers' holders; this one is left out")]
    Early,
}

impl Trust {
    /// To look at.
    pub fn read(&self) -> RwLockReadGuard<'_, Known> {
        // What is changed under the lock is whole.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To change.
    pub fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The documents as they are known from now on.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn learn(&mut self, directory: &Directory, at: Millis) -> Result<(), TrustError> {
        let at = self.time(at);
        Ok(self.recogniser.learn(directory, at)?)
    }

    /// What a record tells, that became known at `at`.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn take(&mut self, carried: Carried, at: Millis) -> Result<(), TrustError> {
        let at = self.time(at);
        match carried {
            Carried::Attestation { attested, holder } => {
                if self.recogniser.attest(&attested, at)? && matches!(attested.claims, AttestedClaims::Collect(_)) {
                    let holder = Holder { member: attested.issuer.clone(), key: holder.id() };
                    self.hold(&attested, holder);
                }
            }
            Carried::Statuses { issuer, key, token } => {
                for change in self.recogniser.statuses(&issuer, token, key, at)? {
                    self.status_changed(&change);
                }
            }
            Carried::Use { confirmation, scheme, key } => self.confirm(scheme, confirmation, key.id(), at)?,
        }
        Ok(())
    }

    /// An own status list as it is served from now on, unless a newer one is.
    pub fn serve(&mut self, token: &StatusToken, text: &str) {
        let Some(path) = path_of(&token.claims.uri) else { return };
        let (issued_at, ttl) = (token.claims.issued_at, token.fresh_until().saturating_sub(token.claims.issued_at));
        let newer = self.lists.get(path).is_none_or(|served| served.issued_at < issued_at);
        if newer {
            self.lists.insert(path.to_owned(), Served { issued_at, ttl, token: text.into() });
        }
    }

    /// The own status list at a path.
    pub fn served(&self, path: &str) -> Option<Served> {
        self.lists.get(path).cloned()
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
        self.declared.entry(declared.of.key).or_insert((entry, place));
        Ok(())
    }

    /// Nobody holds a number any longer whose mandates all ended by `now`.
    pub fn settle(&mut self, now: Millis) {
        let seconds = now.0 / 1_000;
        let lives = |mandate: &&Mandate| seconds < mandate.expires.saturating_add(CREDENTIAL_LEEWAY_SECONDS);
        let living: HashSet<NumberKey> = self.collects.values().filter(lives).map(|mandate| mandate.number).collect();
        let ended = self.collects.values().map(|mandate| mandate.number).filter(|number| !living.contains(number));
        let ended: Vec<NumberKey> = ended.collect();
        ended.into_iter().for_each(|number| self.uses.release(number));
    }

    /// Forgets uses that were settled before a time, and attestations that ended before another.
    pub fn forget(&mut self, uses_before: Millis, traders_before: Millis) {
        if self.uses.forget(uses_before) > 0 {
            let uses = &self.uses;
            self.declared.retain(|key, _| uses.holds(key));
        }
        self.recogniser.forget(traders_before);
        self.collects.retain(|_, mandate| mandate.expires >= uses_before.0 / 1_000);
    }

    fn hold(&mut self, attested: &Attested, holder: Holder) {
        let (number, credential, expires) = (attested.number, attested.credential, attested.expires);
        self.collects.insert(credential, Mandate { number, holder: holder.clone(), expires });
        if self.recogniser.status_of(number, &credential) == Some(Status::Valid) {
            self.begin(number, holder);
        }
    }

    fn status_changed(&mut self, change: &StatusChange) {
        let Some(Mandate { number, holder, .. }) = self.collects.get(&change.credential).cloned() else { return };
        match change.after {
            Some(Status::Valid) => self.begin(number, holder),
            _ => self.uses.release(number),
        }
    }

    /// Somebody holds a number: what was confirmed before counts now.
    fn begin(&mut self, number: NumberKey, holder: Holder) {
        // Whoever mandated its holder first is believed until that mandate ends: nobody takes a number over by attesting it too.
        if self.uses.holder(number).is_some_and(|held| held.member != holder.member) {
            let by = &holder.member;
            tracing::warn!(%by, "a 'collect' credential names a number that another administration's names too; it does not count");
            return;
        }
        if let Err(error) = self.uses.hold(number, holder) {
            tracing::warn!(%error, "the uses of a number are not watched");
            return;
        }
        let early = self.early.remove(&number).unwrap_or_default();
        self.waiting -= early.len();
        for Early { scheme, confirmation, key, at } in early {
            if let Err(error) = self.uses.confirm(scheme, &confirmation, key, at) {
                tracing::warn!(%error, "a confirmation of use that came early does not count");
            }
        }
    }

    fn confirm(
        &mut self,
        scheme: Scheme,
        confirmation: Confirmation,
        key: luxor_protocol::keys::KeyId,
        at: Millis,
    ) -> Result<(), TrustError> {
        match self.uses.confirm(scheme, &confirmation, key, at) {
            Ok(Matched::Waits | Matched::Cleared | Matched::ClearedLate | Matched::Again) => Ok(()),
            Err(UseError::NoHolder) if self.waiting < MAX_EARLY => {
                let number = NumberKey::new(scheme, &confirmation.number);
                self.waiting += 1;
                self.early.entry(number).or_default().push(Early { scheme, confirmation, key, at });
                Ok(())
            }
            Err(UseError::NoHolder) => Err(TrustError::Early),
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

/// Who holds a number that a use is of, as far as it is known.
pub fn holder_of(known: &Known, number: NumberKey) -> Option<MemberId> {
    known.uses.holder(number).map(|holder| holder.member.clone())
}
