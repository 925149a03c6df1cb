//! Uses of numbers under which duty and tax are collected: those declared, matched with those that the number's holder confirmed.
//!
//! A declared use without confirmation is flagged at once, to be confirmed before departure; a late confirmation clears the flag. Only
//! the holder's word counts. Not here: signatures ([`super::Confirmation`]), and whether the mandate holds ([`super::Recogniser`]).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::{Confirmation, NumberKey, Period, Scheme};
use crate::hash::{Digest, Domain};
use crate::keys::KeyId;
use crate::limits::{MAX_COLLECT_NUMBERS, MAX_CONFIRMATIONS, MAX_WAITING_CONFIRMATIONS};
use crate::names::MemberId;
use crate::record::{ContentError, RecordView, Value};
use crate::reference::{Ioss, ioss};
use crate::time::Millis;

/// A number and a consignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UseKey {
    number: NumberKey,
    item: [u8; 16],
}

impl UseKey {
    /// The use of a number for what a consignment is called.
    pub fn new(scheme: Scheme, number: &str, item: &str) -> Self {
        let digest = Digest::of(Domain::Index, &[b"consignment", item.as_bytes()]);
        let mut key = [0; 16];
        key.copy_from_slice(&digest.0[..16]);
        Self { number: NumberKey::new(scheme, number), item: key }
    }

    /// The number.
    pub fn number(&self) -> NumberKey {
        self.number
    }
}

/// A declared use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Of what, for what.
    pub key: UseKey,
    /// When it was declared.
    pub declared_at: Millis,
    /// When the consignment departs, once that is known.
    pub departs: Option<Millis>,
}

/// Who holds a number: the key that its `collect` credential is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who issued the credential.
    pub member: MemberId,
    /// Its key.
    pub key: KeyId,
}

/// Until when a use must be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// Before departure, whose time is not known yet.
    BeforeDeparture,
    /// Before this departure.
    Before(Millis),
    /// It departed unconfirmed.
    Missed(Millis),
}

/// A use that its holder did not confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The use.
    pub of: Use,
    /// Until when it must be confirmed.
    pub deadline: Deadline,
}

/// What a confirmation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    /// It was not declared yet.
    Waits,
    /// It clears the flag, before departure.
    Cleared,
    /// It clears the flag after departure.
    ClearedLate,
    /// It was confirmed before.
    Again,
}

/// Why a use or its confirmation was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UseError {
    /// Nobody is known to hold the number.
    #[error("nobody is known to hold the number; hint: its 'collect' credential comes first")]
    NoHolder,
    /// Somebody else than the holder confirmed.
    #[error(
        "the key {by} confirms the use of a number whose holder has another key by the credential of {mandated_by}; only its holder confirms"
    )]
    NotHolder {
        /// The key that signed.
        by: KeyId,
        /// Whose credential names the holder.
        mandated_by: MemberId,
    },
    /// The use was confirmed for another period, so it would be returned twice.
    #[error("the use was confirmed for {held} and now for {found}; tax is returned once")]
    OtherPeriod {
        /// The first period.
        held: Period,
        /// The other one.
        found: Period,
    },
    /// It holds as many as it may.
    #[error("there are {1} {0} already, which is the limit; hint: forget those that are over")]
    Full(&'static str, usize),
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// When it was declared, and departs.
    declared: Option<(Millis, Option<Millis>)>,
    /// For which period it was confirmed, and when.
    confirmed: Option<(Period, Millis)>,
}

/// Declared and confirmed uses. What becomes known may come in any order.
#[derive(Debug, Default)]
pub struct Confirmations {
    holders: BTreeMap<NumberKey, Holder>,
    uses: BTreeMap<UseKey, State>,
    open: BTreeSet<UseKey>,
    /// Confirmations whose use is not declared yet.
    pub(super) waiting: usize,
}

impl Confirmations {
    /// Without any.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who holds a number from now on, by its `collect` credential: no other key counts any longer.
    ///
    /// # Errors
    /// [`UseError::Full`].
    pub fn hold(&mut self, number: NumberKey, holder: Holder) -> Result<(), UseError> {
        if self.holders.len() >= MAX_COLLECT_NUMBERS && !self.holders.contains_key(&number) {
            return Err(UseError::Full("'collect' numbers", MAX_COLLECT_NUMBERS));
        }
        self.holders.insert(number, holder);
        Ok(())
    }

    /// Nobody holds the number any longer: its mandate ended or was revoked. What was confirmed stays.
    pub fn release(&mut self, number: NumberKey) {
        self.holders.remove(&number);
    }

    /// A declaration uses a number. The flag, where it is not confirmed. Declared again it takes the later departure and the earlier
    /// time of declaration.
    ///
    /// # Errors
    /// [`UseError::Full`]: the use is not remembered, so it is to be taken as not confirmed.
    pub fn declare(&mut self, of: Use) -> Result<Option<Unconfirmed>, UseError> {
        let (state, _) = self.state(of.key)?;
        let waited = state.declared.is_none() && state.confirmed.is_some();
        let (at, departs) = state.declared.unwrap_or((of.declared_at, None));
        state.declared = Some((at.min(of.declared_at), of.departs.max(departs)));
        if state.confirmed.is_some() {
            self.waiting -= usize::from(waited);
            return Ok(None);
        }
        self.open.insert(of.key);
        Ok(self.flag(of.key, of.declared_at))
    }

    /// When the consignment departs, as it is known now. Whether such a use was declared.
    pub fn departs(&mut self, key: &UseKey, at: Millis) -> bool {
        let declared = self.uses.get_mut(key).and_then(|state| state.declared.as_mut());
        declared.map(|(_, departs)| *departs = Some(at)).is_some()
    }

    /// A verified confirmation, signed with the key `by`, known at `at`.
    ///
    /// # Errors
    /// [`UseError`].
    pub fn confirm(
        &mut self,
        scheme: Scheme,
        confirmation: &Confirmation,
        by: KeyId,
        at: Millis,
    ) -> Result<Matched, UseError> {
        let key = UseKey::new(scheme, &confirmation.number, &confirmation.item);
        let holder = self.holders.get(&key.number).ok_or(UseError::NoHolder)?;
        if holder.key != by {
            return Err(UseError::NotHolder { by, mandated_by: holder.member.clone() });
        }
        let found = confirmation.period;
        if self.waiting >= MAX_WAITING_CONFIRMATIONS && !self.uses.contains_key(&key) {
            return Err(UseError::Full("confirmations that wait for a declaration", MAX_WAITING_CONFIRMATIONS));
        }
        let (state, is_new) = self.state(key)?;
        match state.confirmed {
            Some((held, _)) if held != found => return Err(UseError::OtherPeriod { held, found }),
            Some(_) => return Ok(Matched::Again),
            None => state.confirmed = Some((found, at)),
        }
        let declared = state.declared;
        self.open.remove(&key);
        self.waiting += usize::from(is_new);
        Ok(match declared {
            None => Matched::Waits,
            Some((_, Some(departs))) if departs <= at => Matched::ClearedLate,
            Some(_) => Matched::Cleared,
        })
    }

    /// Declared uses that are not confirmed, in order of their keys, as of a time.
    pub fn unconfirmed(&self, now: Millis) -> impl Iterator<Item = Unconfirmed> {
        self.open.iter().filter_map(move |key| self.flag(*key, now))
    }

    /// Who holds a number, by its newest `collect` credential.
    pub fn holder(&self, number: NumberKey) -> Option<&Holder> {
        self.holders.get(&number)
    }

    /// Whether anybody is known to hold a number.
    pub fn has_holders(&self) -> bool {
        !self.holders.is_empty()
    }

    /// Whether a use is held.
    pub fn holds(&self, key: &UseKey) -> bool {
        self.uses.contains_key(key)
    }

    /// How many uses are held, declared or confirmed.
    pub fn len(&self) -> usize {
        self.uses.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.uses.is_empty()
    }

    /// How a declared use stands, where it is not confirmed.
    pub fn flagged(&self, key: &UseKey, now: Millis) -> Option<Unconfirmed> {
        self.open.contains(key).then(|| self.flag(*key, now)).flatten()
    }

    /// Whether a use is confirmed: for which period, and since when.
    pub fn confirmed(&self, key: &UseKey) -> Option<(Period, Millis)> {
        self.uses.get(key)?.confirmed
    }

    /// Forgets uses all of which was before a time: declaration, departure as far as it is known, and confirmation; flags too, which
    /// whoever asks has told by then. How many.
    pub fn forget(&mut self, before: Millis) -> usize {
        let held = self.uses.len();
        self.uses.retain(|_, state| {
            let declared = state.declared.map(|(at, departs)| departs.map_or(at, |departs| at.max(departs)));
            declared.max(state.confirmed.map(|(_, at)| at)) >= Some(before)
        });
        self.open.retain(|key| self.uses.contains_key(key));
        self.waiting = self.uses.values().filter(|state| state.declared.is_none()).count();
        held - self.uses.len()
    }

    /// What is known of a use, and whether that is nothing yet.
    fn state(&mut self, key: UseKey) -> Result<(&mut State, bool), UseError> {
        let is_full = self.uses.len() >= MAX_CONFIRMATIONS;
        match self.uses.entry(key) {
            Entry::Occupied(held) => Ok((held.into_mut(), false)),
            Entry::Vacant(_) if is_full => Err(UseError::Full("uses", MAX_CONFIRMATIONS)),
            Entry::Vacant(free) => Ok((free.insert(State::default()), true)),
        }
    }

    fn flag(&self, key: UseKey, now: Millis) -> Option<Unconfirmed> {
        let (declared_at, departs) = self.uses.get(&key)?.declared?;
        let deadline = match departs {
            None => Deadline::BeforeDeparture,
            Some(at) if now < at => Deadline::Before(at),
            Some(at) => Deadline::Missed(at),
        };
        Some(Unconfirmed { of: Use { key, declared_at, departs }, deadline })
    }
}

/// The IOSS numbers in the group `fiscal` of a record, each once, in order; none where the group is hidden.
///
/// # Errors
/// [`ContentError`] for a view that is none.
pub fn collect_numbers(view: &RecordView) -> Result<Vec<String>, ContentError> {
    let mut numbers = BTreeSet::new();
    for occurrence in view.occurrences("fiscal")?.unwrap_or_default().into_iter().flatten() {
        // Field 1 is the number, field 2 the role.
        let texts = occurrence.into_iter().filter_map(|(field, value)| match value {
            Value::Text(text) if field == 1 => Some(text),
            _ => None,
        });
        numbers.extend(texts.filter(|text| ioss(text, &[]) != Ioss::Form));
    }
    Ok(numbers.into_iter().collect())
}
