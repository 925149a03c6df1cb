//! The record `guarantee`, and how a guarantee stands by all records of it: what is registered, drawn, released, left.
//!
//! Pure and incremental as [`super::Ledger`]. A draw beyond what is left is told, not refused: it happened at whoever gives the guarantee.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::duty::RecordRef;
use super::fields::{Part, RecordError, amount, head, head_json, object, too_many};
use super::ledger::Taken;
use super::money::{Exact, Money, MoneyError};
use crate::limits::{MAX_GUARANTEE_RECORDS, MAX_OCCURRENCES};
use crate::names::{MemberId, words};
use crate::record::{Content, GUARANTEE, content_from_json};

words!(
    /// What a record tells of a guarantee.
    GuaranteeState, "state of a guarantee", {
        /// It is given, for so much.
        Registered = "registered";
        /// So much of it secures duty that is not paid.
        Drawn = "drawn";
        /// So much is free again.
        Released = "released";
        /// It secures nothing new.
        Blocked = "blocked";
    }
);

/// What a `guarantee` record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuaranteeStep {
    /// Which record.
    pub record: RecordRef,
    /// Which revision of it.
    pub revision: u64,
    /// Whether it takes back the record.
    pub cancelled: bool,
    /// The guarantee's number.
    pub number: String,
    /// What it tells.
    pub state: GuaranteeState,
    /// How much; none where it is blocked as a whole.
    pub amount: Option<Money>,
    /// The records of duty that it is drawn on or released for.
    pub covers: Vec<RecordRef>,
}

/// How a guarantee stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuaranteeStanding {
    /// For how much it is given.
    pub registered: Money,
    /// Drawn and not released.
    pub used: Money,
    /// What is left; below zero where it is overdrawn.
    pub left: Money,
    /// Whether it is blocked.
    pub blocked: bool,
}

/// Why a record was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuaranteeError {
    /// Of another guarantee.
    #[error("{0} is of guarantee {1}")]
    Other(RecordRef, String),
    /// Two contents under one revision.
    #[error("{0}: revision {1} is here with another content\nhint: a correction has a higher revision")]
    Conflict(RecordRef, u64),
    /// An amount that is missing, or not above zero.
    #[error("{0}: what is {1} has an amount above zero")]
    Amount(RecordRef, GuaranteeState),
    /// Too many records.
    #[error("a guarantee has at most {MAX_GUARANTEE_RECORDS} records here")]
    Full,
    /// Another currency, or amounts beyond all measure.
    #[error("{0}: {1}")]
    Money(RecordRef, MoneyError),
}

/// One guarantee by all records of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarantee {
    number: String,
    steps: BTreeMap<RecordRef, GuaranteeStep>,
    /// Sums of what stands, so that a record costs the same however many there are.
    sums: Option<Sums>,
    blocks: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sums {
    registered: Money,
    used: Money,
    /// Of how many records; without any there are no sums, and no currency.
    count: usize,
}

impl GuaranteeStep {
    /// What a `guarantee` record of this issuer says.
    ///
    /// # Errors
    /// [`RecordError`] of another type, or where a group is withheld.
    pub fn of(content: &Content, issuer: &MemberId) -> Result<Self, RecordError> {
        let (reference, revision, cancelled) = head(content, &GUARANTEE)?;
        let part = Part::of(content, "guarantee")?;
        let about = part.one()?;
        let covers = Part::of(content, "covers")?;
        let covers = covers.all().map(|fields| {
            Ok(RecordRef { issuer: fields.need_parsed("issuer", "a member")?, reference: fields.need("reference")? })
        });
        Ok(Self {
            record: RecordRef { issuer: issuer.clone(), reference },
            revision,
            cancelled,
            number: about.need("number")?,
            state: about.need_parsed("state", "a state of a guarantee")?,
            amount: about.exact("amount").map(|_| about.money("amount")).transpose()?,
            covers: covers.collect::<Result<_, RecordError>>()?,
        })
    }

    /// The record of this issuer.
    ///
    /// # Errors
    /// [`RecordError`] of more than 99 records of duty, or an amount that no field holds.
    pub fn content(&self) -> Result<Content, RecordError> {
        if self.covers.len() > MAX_OCCURRENCES {
            return Err(too_many("covers", self.covers.len()));
        }
        let cover = |one: &RecordRef| json!({ "issuer": one.issuer, "reference": one.reference });
        let covers: Vec<Json> = self.covers.iter().map(cover).collect();
        let record = object(vec![
            ("type", Some("guarantee".into())),
            ("reference", Some(head_json(&self.record, self.revision, self.cancelled))),
            (
                "guarantee",
                Some(object(vec![
                    ("number", Some(self.number.clone().into())),
                    ("state", Some(self.state.word().into())),
                    ("amount", self.amount.map(|money| amount(money.amount, 2)).transpose()?),
                    ("currency", self.amount.map(|money| money.currency.as_str().into())),
                ])),
            ),
            ("covers", (!covers.is_empty()).then_some(Json::Array(covers))),
        ]);
        Ok(content_from_json(&record)?)
    }
}

impl Guarantee {
    /// A guarantee of which nothing is known yet.
    pub fn new(number: impl Into<String>) -> Self {
        Self { number: number.into(), steps: BTreeMap::new(), sums: None, blocks: 0 }
    }

    /// Takes a record of it; of one record the highest revision holds, whatever comes first.
    ///
    /// # Errors
    /// [`GuaranteeError`]; nothing is changed then.
    pub fn take(&mut self, step: GuaranteeStep) -> Result<Taken, GuaranteeError> {
        let record = step.record.clone();
        if step.number != self.number {
            return Err(GuaranteeError::Other(record, step.number));
        }
        let amount = step.amount.filter(|money| money.amount > Exact::ZERO);
        if amount.is_none() && step.state != GuaranteeState::Blocked {
            return Err(GuaranteeError::Amount(record, step.state));
        }
        let before = self.steps.get(&record);
        let taken = match before {
            Some(known) if known.revision > step.revision || *known == step => return Ok(Taken::Known),
            Some(known) if known.revision == step.revision => {
                return Err(GuaranteeError::Conflict(record, step.revision));
            }
            Some(_) => Taken::Replaced,
            None if self.steps.len() >= MAX_GUARANTEE_RECORDS => return Err(GuaranteeError::Full),
            None => Taken::New,
        };
        let refused = |error| GuaranteeError::Money(record.clone(), error);
        let without = match before {
            Some(before) => moved(self.sums, before, true).map_err(refused)?,
            None => self.sums,
        };
        let sums = moved(without, &step, false).map_err(refused)?;
        let blocks = |step: &GuaranteeStep| usize::from(!step.cancelled && step.state == GuaranteeState::Blocked);
        self.blocks = self.blocks + blocks(&step) - before.map_or(0, blocks);
        self.sums = sums;
        self.steps.insert(record, step);
        Ok(taken)
    }

    /// How it stands; nothing where no amount is known.
    pub fn standing(&self) -> Option<GuaranteeStanding> {
        let Sums { registered, used, .. } = self.sums?;
        // Both are sums of what was taken; a difference beyond all measure is none that was ever taken.
        let left = registered.minus(used).ok()?;
        Some(GuaranteeStanding { registered, used, left, blocked: self.blocks > 0 })
    }
}

/// Sums with a record added, or taken out again.
fn moved(sums: Option<Sums>, step: &GuaranteeStep, out: bool) -> Result<Option<Sums>, MoneyError> {
    let Some(amount) = step.amount.filter(|_| !step.cancelled && step.state != GuaranteeState::Blocked) else {
        return Ok(sums);
    };
    let nothing = Money::zero(amount.currency);
    let Sums { mut registered, mut used, count } =
        sums.unwrap_or(Sums { registered: nothing, used: nothing, count: 0 });
    let signed = |down: bool| if down == out { Ok(amount) } else { nothing.minus(amount) };
    match step.state {
        GuaranteeState::Registered => registered = registered.plus(signed(false)?)?,
        GuaranteeState::Drawn => used = used.plus(signed(false)?)?,
        GuaranteeState::Released => used = used.plus(signed(true)?)?,
        GuaranteeState::Blocked => {}
    }
    let count = if out { count.saturating_sub(1) } else { count + 1 };
    Ok((count > 0).then_some(Sums { registered, used, count }))
}
