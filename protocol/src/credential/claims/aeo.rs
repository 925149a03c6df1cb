//! `aeo`: an authorised economic operator, by the customs administration that authorised it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::{Fields, Line, TraderNumber, refused};
use super::{Body, ClaimsError};
use crate::names::{Territory, words};
use crate::time::Day;

words!(
    /// How an authorisation stands.
    AeoStanding, "standing of an authorisation", {
        /// In force.
        Active = "active";
        /// Not for now.
        Suspended = "suspended";
        /// Taken back.
        Revoked = "revoked";
    }
);

words!(
    /// What an operator does in the supply chain (WCO SAFE Framework, pillar 2; EU code list CL704).
    AeoRole, "role of an operator", {
        /// Manufacturer.
        Manufacturer = "manufacturer";
        /// Exporter.
        Exporter = "exporter";
        /// Importer.
        Importer = "importer";
        /// Freight forwarder.
        FreightForwarder = "freight_forwarder";
        /// Consolidator.
        Consolidator = "consolidator";
        /// Customs broker.
        CustomsBroker = "customs_broker";
        /// Carrier.
        Carrier = "carrier";
        /// Warehouse keeper.
        WarehouseKeeper = "warehouse_keeper";
        /// Operator of a port, airport or terminal.
        TerminalOperator = "terminal_operator";
        /// Another.
        Other = "other";
    }
);

words!(
    /// What an authorisation covers. An arrangement of mutual recognition covers security only.
    Coverage, "coverage", {
        /// Customs simplifications only.
        Simplification = "simplification";
        /// Security and safety only.
        Security = "security";
        /// Both.
        Both = "both";
    }
);

impl Coverage {
    /// What covers these; nothing covers neither.
    pub const fn of(security: bool, simplification: bool) -> Option<Self> {
        match (security, simplification) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::Security),
            (false, true) => Some(Self::Simplification),
            (false, false) => None,
        }
    }

    /// Whether it covers security and safety.
    pub const fn security(self) -> bool {
        !matches!(self, Self::Simplification)
    }

    /// Whether it covers simplifications.
    pub const fn simplification(self) -> bool {
        !matches!(self, Self::Security)
    }
}

/// The type of an authorisation in its programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NationalType {
    /// EU, simplifications.
    Aeoc,
    /// EU, security and safety.
    Aeos,
    /// EU, both.
    Aeof,
    /// Of another programme.
    Other {
        /// Its name there.
        name: Line,
        /// What it covers.
        coverage: Coverage,
    },
}

impl NationalType {
    /// The type of this name; those of the EU cover what they cover.
    ///
    /// # Errors
    /// [`ClaimsError`] for one of the EU that is said to cover something else, or a name of another form.
    pub fn new(name: &str, coverage: Coverage) -> Result<Self, ClaimsError> {
        match Self::of_eu(name) {
            None => Ok(Self::Other { name: Line::new(name)?, coverage }),
            Some(of) if of.coverage() == coverage => Ok(of),
            Some(_) => Err(refused("covers_security")),
        }
    }

    /// The type of the EU's with this name, which tells what it covers.
    pub fn of_eu(name: &str) -> Option<Self> {
        [Self::Aeoc, Self::Aeos, Self::Aeof].into_iter().find(|of| of.name() == name)
    }

    /// What it covers.
    pub fn coverage(&self) -> Coverage {
        match self {
            Self::Aeoc => Coverage::Simplification,
            Self::Aeos => Coverage::Security,
            Self::Aeof => Coverage::Both,
            Self::Other { coverage, .. } => *coverage,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Aeoc => "AEOC",
            Self::Aeos => "AEOS",
            Self::Aeof => "AEOF",
            Self::Other { name, .. } => name.as_str(),
        }
    }
}

/// What every verifier sees of an authorisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorisation {
    /// The programme.
    pub programme: Line,
    /// Whose programme it is.
    pub country: Territory,
    /// The type, with what it covers.
    pub national_type: NationalType,
    /// How it stands.
    pub standing: AeoStanding,
    /// Since which day.
    pub since: Day,
}

/// An authorisation and its operator, as customs issues it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aeo {
    /// In clear always.
    pub authorisation: Authorisation,
    /// The operator's number; disclosed by its holder, as all that follows.
    pub number: TraderNumber,
    /// The operator's legal name.
    pub legal_name: Line,
    /// The reference of its consent to disclosure.
    pub consent: Line,
    /// What it does; each role is disclosed by itself.
    pub roles: BTreeSet<AeoRole>,
}

/// The same as a verifier sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AeoShown {
    /// Seen always.
    pub authorisation: Authorisation,
    /// When disclosed.
    pub number: Option<TraderNumber>,
    /// When disclosed.
    pub legal_name: Option<Line>,
    /// When disclosed.
    pub consent: Option<Line>,
    /// Those disclosed.
    pub roles: BTreeSet<AeoRole>,
}

impl Aeo {
    pub(super) fn body(&self) -> Body {
        let of = &self.authorisation;
        let coverage = of.national_type.coverage();
        let mut body = Body::default();
        body.clear("programme", Value::from(of.programme.as_str()));
        body.clear("country", Value::from(of.country.as_str()));
        body.clear("national_type", Value::from(of.national_type.name()));
        body.clear("covers_security", Value::from(coverage.security()));
        body.clear("covers_simplification", Value::from(coverage.simplification()));
        body.clear("standing", Value::from(of.standing.word()));
        body.clear("standing_since", Value::from(of.since.to_string()));
        body.selective(self.number.scheme().word(), Value::from(self.number.as_str()));
        body.selective("legal_name", Value::from(self.legal_name.as_str()));
        body.selective("consent", Value::from(self.consent.as_str()));
        body.each("roles", self.roles.iter().map(|role| json!(role.word())).collect());
        body
    }
}

impl AeoShown {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ClaimsError> {
        let coverage = Coverage::of(fields.flag("covers_security")?, fields.flag("covers_simplification")?);
        let coverage = coverage.ok_or_else(|| refused("covers_security"))?;
        Ok(Self {
            authorisation: Authorisation {
                programme: fields.required("programme", Line::new)?,
                country: fields.required("country", str::parse)?,
                national_type: fields.required("national_type", |name| NationalType::new(name, coverage))?,
                standing: fields.required("standing", str::parse)?,
                since: fields.required("standing_since", str::parse)?,
            },
            number: fields.trader()?,
            legal_name: fields.optional("legal_name", Line::new)?,
            consent: fields.optional("consent", Line::new)?,
            roles: fields.set("roles")?,
        })
    }
}
