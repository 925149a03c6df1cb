//! A holder's signed word that its number is used for one consignment: a JWT signed with the key to which the `collect` credential is
//! bound.
//!
//! Claims: `number`, `item` (what the consignment is called in its declaration), `period` (`YYYY-MM`, in which the tax is returned), `iat`.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::credential::jws::{self, Jws, JwsError};
use crate::credential::{AttestKey, AttestPublic};
use crate::limits::{CREDENTIAL_LEEWAY_SECONDS, MAX_CONFIRMATION_BYTES, MAX_TEXT_CHARS};

/// The type of the token.
pub const CONFIRMATION_TYPE: &str = "luxor-use+jwt";

/// Values inside one another in its payload.
const DEPTH: usize = 2;

/// Why a confirmation was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmationError {
    /// The token or its signature.
    #[error("the confirmation of use: {0}")]
    Jws(#[from] JwsError),
    /// A claim that is missing, unknown or of another form.
    #[error("the confirmation's claim '{0}' is missing, unknown or of another form")]
    Claim(String),
    /// Signed in the future.
    #[error("the confirmation was signed at {signed_at} (seconds since 1970); now it is {now}")]
    Future {
        /// When it was signed.
        signed_at: u64,
        /// Now.
        now: u64,
    },
    /// Not a month.
    #[error("'{0}' is no period: expected YYYY-MM")]
    Period(String),
}

/// A month for which tax is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period {
    year: u16,
    month: u8,
}

impl Period {
    /// The month of a day.
    pub fn of(day: crate::time::Day) -> Self {
        let part = |date: jiff::civil::Date| {
            Some(Self { year: date.year().try_into().ok()?, month: date.month().try_into().ok()? })
        };
        day.date().and_then(part).unwrap_or(Self { year: 9999, month: 12 })
    }

    /// How many months after January of the year 0 it is.
    pub(crate) fn ordinal(self) -> u64 {
        u64::from(self.year) * 12 + u64::from(self.month) - 1
    }

    /// The month of this ordinal.
    pub(crate) fn at(ordinal: u64) -> Option<Self> {
        // Below 12, and 12 at most with one more.
        Some(Self {
            year: u16::try_from(ordinal / 12).ok().filter(|year| *year < 10_000)?,
            month: (ordinal % 12) as u8 + 1,
        })
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year.saturating_add(1), month: 1 },
            month => Self { month: month + 1, ..self },
        }
    }
}

impl FromStr for Period {
    type Err = ConfirmationError;

    fn from_str(text: &str) -> Result<Self, ConfirmationError> {
        let error = || ConfirmationError::Period(text.chars().take(20).collect());
        // Only a day of the calendar has a month that is one.
        let day = format!("{text}-01");
        if text.len() != 7 || day.parse::<crate::time::Day>().is_err() {
            return Err(error());
        }
        let part = |from: usize, to: usize| text.get(from..to).ok_or_else(error);
        Ok(Self { year: part(0, 4)?.parse().map_err(|_| error())?, month: part(5, 7)?.parse().map_err(|_| error())? })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// What a holder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The number.
    pub number: String,
    /// What the consignment is called.
    pub item: String,
    /// For which month its tax is returned.
    pub period: Period,
    /// When it was signed, in seconds since 1970.
    pub signed_at: u64,
}

impl Confirmation {
    /// Signs it with the holder's key.
    pub fn sign(&self, holder: &AttestKey) -> String {
        let mut payload = Map::new();
        payload.insert("number".to_owned(), Value::from(self.number.as_str()));
        payload.insert("item".to_owned(), Value::from(self.item.as_str()));
        payload.insert("period".to_owned(), Value::from(self.period.to_string()));
        payload.insert("iat".to_owned(), Value::from(self.signed_at));
        jws::sign(CONFIRMATION_TYPE, &payload, holder)
    }

    /// Verifies a confirmation with the key of whoever says that it signed, at `now` (seconds since 1970). Whether that is the number's
    /// holder is asked of [`super::Confirmations`].
    ///
    /// # Errors
    /// [`ConfirmationError`].
    pub fn verify(token: &str, key: &AttestPublic, now: u64) -> Result<Self, ConfirmationError> {
        Self::of(Jws::parse(token, MAX_CONFIRMATION_BYTES, DEPTH)?.verify(&[CONFIRMATION_TYPE], key)?, now)
    }

    /// The same of one that was verified before, without looking at its signature again.
    ///
    /// # Errors
    /// [`ConfirmationError`].
    pub fn read_again(token: &str, now: u64) -> Result<Self, ConfirmationError> {
        Self::of(Jws::parse(token, MAX_CONFIRMATION_BYTES, DEPTH)?.unverified().clone(), now)
    }

    fn of(mut payload: Map<String, Value>, now: u64) -> Result<Self, ConfirmationError> {
        let refused = |name: &str| ConfirmationError::Claim(name.to_owned());
        let mut text = |name: &str| match payload.remove(name) {
            Some(Value::String(text)) if (1..=MAX_TEXT_CHARS).contains(&text.len()) => Ok(text),
            _ => Err(refused(name)),
        };
        let (number, item, period) = (text("number")?, text("item")?, text("period")?.parse()?);
        let signed_at = payload.remove("iat").and_then(|at| at.as_u64()).ok_or_else(|| refused("iat"))?;
        if let Some(name) = payload.keys().next() {
            return Err(ConfirmationError::Claim(name.chars().take(80).collect()));
        }
        if signed_at > now.saturating_add(CREDENTIAL_LEEWAY_SECONDS) {
            return Err(ConfirmationError::Future { signed_at, now });
        }
        Ok(Self { number, item, period, signed_at })
    }
}
