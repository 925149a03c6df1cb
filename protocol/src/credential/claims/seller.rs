//! `vetted_seller`: a seller that a platform, post or broker checked. It never gives a benefit of mutual recognition.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::{Fields, Line, refused};
use super::{Body, ClaimsError};
use crate::names::words;
use crate::time::Day;

words!(
    /// A check that was done.
    SellerCheck, "check of a seller", {
        /// Who the person or company is.
        Identity = "identity";
        /// That it is registered as a business.
        Registration = "registration";
        /// Where it is.
        Address = "address";
        /// Whose account its money goes to.
        BankAccount = "bank_account";
        /// Its tax or VAT number.
        TaxNumber = "tax_number";
        /// Lists of sanctions.
        Sanctions = "sanctions";
        /// Papers of its products.
        Products = "products";
        /// Where it stores and packs.
        Premises = "premises";
    }
);

words!(
    /// How deep the checks went.
    SellerLevel, "level of a seller", {
        /// What it said was compared with itself.
        Declared = "declared";
        /// Compared with papers.
        Documented = "documented";
        /// Compared with registers or on site.
        Verified = "verified";
    }
);

/// What every verifier sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vetting {
    /// The checks done, at least one.
    pub checks: BTreeSet<SellerCheck>,
    /// How deep.
    pub level: SellerLevel,
    /// Since which day.
    pub since: Day,
    /// Incidents since that day.
    pub incidents: u32,
}

/// A seller as who checked it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VettedSeller {
    /// In clear always: a seller cannot hide its incidents.
    pub vetting: Vetting,
    /// The seller's name with the issuer; disclosed by its holder, as all that follows.
    pub seller: Line,
    /// Its legal name.
    pub legal_name: Line,
}

/// The same as a verifier sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VettedSellerShown {
    /// Seen always.
    pub vetting: Vetting,
    /// When disclosed.
    pub seller: Option<Line>,
    /// When disclosed.
    pub legal_name: Option<Line>,
}

impl VettedSeller {
    pub(super) fn body(&self) -> Body {
        let mut body = Body::default();
        let checks: Vec<Value> = self.vetting.checks.iter().map(|check| json!(check.word())).collect();
        body.clear("checks", Value::from(checks));
        body.clear("level", Value::from(self.vetting.level.word()));
        body.clear("since", Value::from(self.vetting.since.to_string()));
        body.clear("incidents", Value::from(self.vetting.incidents));
        body.selective("seller", Value::from(self.seller.as_str()));
        body.selective("legal_name", Value::from(self.legal_name.as_str()));
        body
    }
}

impl VettedSellerShown {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ClaimsError> {
        let checks: BTreeSet<SellerCheck> = fields.set("checks")?;
        if checks.is_empty() {
            return Err(refused("checks"));
        }
        Ok(Self {
            vetting: Vetting {
                checks,
                level: fields.required("level", str::parse)?,
                since: fields.required("since", str::parse)?,
                incidents: fields.count("incidents")?,
            },
            seller: fields.optional("seller", Line::new)?,
            legal_name: fields.optional("legal_name", Line::new)?,
        })
    }
}
