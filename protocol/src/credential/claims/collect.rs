//! `collect`: who may collect duty or tax from the consumer, with its registration.

use serde_json::Value;

use super::fields::{Fields, Line, refused};
use super::{Body, ClaimsError};
use crate::names::{Territory, words};
use crate::reference::{Ioss, ioss};
use crate::time::Day;

words!(
    /// What is collected.
    Levy, "levy", {
        /// Duty.
        Duty = "duty";
        /// Tax.
        Tax = "tax";
        /// Both.
        DutyAndTax = "duty_and_tax";
    }
);

/// A registration to collect.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Registration {
    /// An IOSS number: IM and ten digits.
    Ioss(IossNumber),
    /// Of another scheme, as its territory writes it.
    Other(Line),
}

impl Registration {
    /// The claim that it stands in.
    pub const fn claim(&self) -> &'static str {
        match self {
            Self::Ioss(_) => "ioss",
            Self::Other(_) => "registration",
        }
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ioss(number) => number.as_str(),
            Self::Other(number) => number.as_str(),
        }
    }
}

/// An IOSS number of the right form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IossNumber(String);

impl IossNumber {
    /// Admits a number.
    ///
    /// # Errors
    /// [`ClaimsError::Number`].
    pub fn new(text: &str) -> Result<Self, ClaimsError> {
        match ioss(text, &[]) {
            Ioss::Form => Err(ClaimsError::Number { scheme: "ioss", found: text.chars().take(40).collect() }),
            Ioss::Right | Ioss::IssuerUnknown => Ok(Self(text.to_owned())),
        }
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What every verifier sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// For goods into which territory.
    pub territory: Territory,
    /// What is collected.
    pub levy: Levy,
    /// The first day.
    pub from: Day,
    /// The last day, when it has one; not before the first.
    pub until: Option<Day>,
}

/// A mandate and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collect {
    /// In clear always.
    pub mandate: Mandate,
    /// The registration; disclosed by its holder, as what follows.
    pub registration: Registration,
    /// The collector's legal name.
    pub legal_name: Line,
}

/// The same as a verifier sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectShown {
    /// Seen always.
    pub mandate: Mandate,
    /// When disclosed.
    pub registration: Option<Registration>,
    /// When disclosed.
    pub legal_name: Option<Line>,
}

impl Collect {
    pub(super) fn body(&self) -> Body {
        let mut body = Body::default();
        body.clear("territory", Value::from(self.mandate.territory.as_str()));
        body.clear("collects", Value::from(self.mandate.levy.word()));
        body.clear("from", Value::from(self.mandate.from.to_string()));
        if let Some(until) = self.mandate.until {
            body.clear("until", Value::from(until.to_string()));
        }
        body.selective(self.registration.claim(), Value::from(self.registration.as_str()));
        body.selective("legal_name", Value::from(self.legal_name.as_str()));
        body
    }
}

impl CollectShown {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ClaimsError> {
        let mandate = Mandate {
            territory: fields.required("territory", str::parse)?,
            levy: fields.required("collects", str::parse)?,
            from: fields.required("from", str::parse)?,
            until: fields.optional("until", str::parse)?,
        };
        if mandate.until.is_some_and(|until| until < mandate.from) {
            return Err(refused("until"));
        }
        let ioss = fields.optional("ioss", IossNumber::new)?.map(Registration::Ioss);
        let other = fields.optional("registration", Line::new)?.map(Registration::Other);
        if ioss.is_some() && other.is_some() {
            return Err(refused("registration"));
        }
        Ok(Self { mandate, registration: ioss.or(other), legal_name: fields.optional("legal_name", Line::new)? })
    }
}
