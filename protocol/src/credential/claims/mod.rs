//! The claims of Luxor's own credentials: `aeo`, `vetted_seller`, `collect`; which of them every verifier sees, and which their
//! holder discloses.
//!
//! Here: their forms, and that each has a holder, a status and a short life. Not here: who may issue what, which the charter says;
//! what follows from them.

mod aeo;
mod collect;
mod fields;
mod seller;

pub use aeo::{Aeo, AeoRole, AeoShown, AeoStanding, Authorisation, Coverage, NationalType};
pub use collect::{Collect, CollectShown, IossNumber, Levy, Mandate, Registration};
pub use fields::{Line, TraderNumber, TraderScheme};
pub use seller::{SellerCheck, SellerLevel, VettedSeller, VettedSellerShown, Vetting};

use serde_json::{Map, Value};

use self::fields::Fields;
use super::key::{AttestKey, AttestPublic};
use super::sdjwt::{ClaimPath, KeyBinding, SdJwt, Step};
use super::status::StatusReference;
use super::vc::{Vc, VcError};
use crate::limits::MAX_CREDENTIAL_LIFE_SECONDS;
use crate::names::words;

/// Why the claims of a credential of ours were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// As a credential.
    #[error(transparent)]
    Vc(#[from] VcError),
    /// A type that is not ours.
    #[error("the type '{0}' is none of Luxor's credentials")]
    Type(String),
    /// A claim that must be there.
    #[error("the claim '{0}' is missing")]
    Missing(&'static str),
    /// A claim that means nothing, or contradicts another.
    #[error("the claim '{0}' has a value that is not allowed, or contradicts another claim")]
    Value(&'static str),
    /// A claim that its type does not have.
    #[error("the claim '{0}' is unknown; hint: a later version of a type has another name")]
    Unknown(String),
    /// No text of one line.
    #[error("'{0}' is no text of one line with 1 to 512 characters")]
    Text(String),
    /// No number of its scheme.
    #[error("'{found}' has not the form of a number of {scheme}")]
    Number {
        /// The scheme.
        scheme: &'static str,
        /// What was found.
        found: String,
    },
    /// It would live too long, or not at all.
    #[error("the credential would live {0} seconds; hint: 1 second to 7 days, and renew it")]
    Life(i128),
}

words!(
    /// What a credential of ours is about.
    CredentialType, "type of credential", {
        /// An authorised economic operator.
        Aeo = "aeo";
        /// A seller that was checked.
        VettedSeller = "vetted_seller";
        /// Who may collect duty or tax.
        Collect = "collect";
    }
);

impl CredentialType {
    /// The `vct`, with the version of its claims.
    pub const fn vct(self) -> &'static str {
        match self {
            Self::Aeo => "urn:luxor:credential:aeo:1",
            Self::VettedSeller => "urn:luxor:credential:vetted_seller:1",
            Self::Collect => "urn:luxor:credential:collect:1",
        }
    }

    /// The type of a `vct`.
    pub fn of_vct(vct: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|of| of.vct() == vct)
    }
}

/// What an issuer attests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attestation {
    /// See [`Aeo`].
    Aeo(Aeo),
    /// See [`VettedSeller`].
    VettedSeller(VettedSeller),
    /// See [`Collect`].
    Collect(Collect),
}

/// For whom, by whom and how long.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// The issuer, a URI.
    pub issuer: String,
    /// The issuer's name of the subject, when it has one; disclosed by its holder.
    pub subject: Option<String>,
    /// When it is issued, in seconds since 1970.
    pub issued_at: u64,
    /// From when on it holds no longer; at most [`MAX_CREDENTIAL_LIFE_SECONDS`] later.
    pub expires: u64,
    /// The holder's key.
    pub holder: AttestPublic,
    /// Where its status stands.
    pub status: StatusReference,
}

/// What a verifier sees of an attestation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// See [`AeoShown`].
    Aeo(AeoShown),
    /// See [`VettedSellerShown`].
    VettedSeller(VettedSellerShown),
    /// See [`CollectShown`].
    Collect(CollectShown),
}

impl Shown {
    /// Its type.
    pub const fn credential_type(&self) -> CredentialType {
        match self {
            Self::Aeo(_) => CredentialType::Aeo,
            Self::VettedSeller(_) => CredentialType::VettedSeller,
            Self::Collect(_) => CredentialType::Collect,
        }
    }
}

/// A credential of ours that was verified. Its status and its issuer's right are still to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Credential {
    /// By whom, for whom and how long.
    pub terms: Terms,
    /// What of it is shown.
    pub shown: Shown,
}

impl Attestation {
    /// Its type.
    pub fn credential_type(&self) -> CredentialType {
        match self {
            Self::Aeo(_) => CredentialType::Aeo,
            Self::VettedSeller(_) => CredentialType::VettedSeller,
            Self::Collect(_) => CredentialType::Collect,
        }
    }

    /// How many salts [`Attestation::issue`] needs under these terms.
    ///
    /// # Errors
    /// [`ClaimsError`] when it cannot be issued.
    pub fn salts(&self, terms: &Terms) -> Result<usize, ClaimsError> {
        let (vc, selective) = self.to_vc(terms)?;
        Ok(vc.plan(&selective, &[])?.salts())
    }

    /// Signs it as SD-JWT VC for its holder; each salt is fresh randomness.
    ///
    /// # Errors
    /// [`ClaimsError`].
    pub fn issue(&self, terms: &Terms, salts: &[[u8; 16]], key: &AttestKey) -> Result<SdJwt, ClaimsError> {
        let (vc, selective) = self.to_vc(terms)?;
        // What contradicts itself (a last day before the first, no checks) is refused as a verifier refuses it.
        Credential::read(vc.clone())?;
        Ok(vc.issue(&selective, &[], salts, key)?)
    }

    fn to_vc(&self, terms: &Terms) -> Result<(Vc, Vec<ClaimPath>), ClaimsError> {
        life(terms.issued_at, terms.expires)?;
        let Body { claims, mut selective } = match self {
            Self::Aeo(of) => of.body(),
            Self::VettedSeller(of) => of.body(),
            Self::Collect(of) => of.body(),
        };
        selective.extend(terms.subject.as_ref().map(|_| ClaimPath::names(&["sub"])));
        let vc = Vc {
            vct: self.credential_type().vct().to_owned(),
            iss: Some(terms.issuer.clone()),
            iat: Some(terms.issued_at),
            nbf: None,
            exp: Some(terms.expires),
            sub: terms.subject.clone(),
            holder: Some(terms.holder),
            status: Some(terms.status.clone()),
            claims,
        };
        Ok((vc, selective))
    }
}

impl Credential {
    /// Verifies a credential of ours at `now` (seconds since 1970).
    ///
    /// # Errors
    /// [`ClaimsError`].
    pub fn verify(
        presented: &SdJwt,
        key: &AttestPublic,
        now: u64,
        binding: KeyBinding<'_>,
    ) -> Result<Self, ClaimsError> {
        Self::read(Vc::verify(presented, key, now, binding)?)
    }

    /// Reads the claims of a credential that was verified.
    ///
    /// # Errors
    /// [`ClaimsError`].
    pub fn read(vc: Vc) -> Result<Self, ClaimsError> {
        let of =
            CredentialType::of_vct(&vc.vct).ok_or_else(|| ClaimsError::Type(vc.vct.chars().take(120).collect()))?;
        let issued_at = vc.iat.ok_or(ClaimsError::Missing("iat"))?;
        let expires = vc.exp.ok_or(ClaimsError::Missing("exp"))?;
        life(issued_at, expires)?;
        let terms = Terms {
            issuer: vc.iss.ok_or(ClaimsError::Missing("iss"))?,
            subject: vc.sub,
            issued_at,
            expires,
            holder: vc.holder.ok_or(ClaimsError::Missing("cnf"))?,
            status: vc.status.ok_or(ClaimsError::Missing("status"))?,
        };
        let mut fields = Fields(vc.claims);
        let shown = match of {
            CredentialType::Aeo => Shown::Aeo(AeoShown::read(&mut fields)?),
            CredentialType::VettedSeller => Shown::VettedSeller(VettedSellerShown::read(&mut fields)?),
            CredentialType::Collect => Shown::Collect(CollectShown::read(&mut fields)?),
        };
        fields.end()?;
        Ok(Self { terms, shown })
    }
}

/// The claims of a type, and which of them the holder discloses.
#[derive(Debug, Default)]
struct Body {
    claims: Map<String, Value>,
    selective: Vec<ClaimPath>,
}

impl Body {
    fn clear(&mut self, name: &str, value: Value) {
        self.claims.insert(name.to_owned(), value);
    }

    fn selective(&mut self, name: &str, value: Value) {
        self.clear(name, value);
        self.selective.push(ClaimPath::names(&[name]));
    }

    /// Each element by itself.
    fn each(&mut self, name: &str, values: Vec<Value>) {
        if !values.is_empty() {
            self.clear(name, Value::Array(values));
            self.selective.push(ClaimPath::new(vec![Step::Name(name.to_owned()), Step::Every]));
        }
    }
}

fn life(issued_at: u64, expires: u64) -> Result<(), ClaimsError> {
    match i128::from(expires) - i128::from(issued_at) {
        seconds if (1..=i128::from(MAX_CREDENTIAL_LIFE_SECONDS)).contains(&seconds) => Ok(()),
        seconds => Err(ClaimsError::Life(seconds)),
    }
}
