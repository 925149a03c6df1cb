//! A verified attestation as it is handed to the recogniser.

use std::fmt;

use crate::credential::claims::{AeoStanding, Coverage, Mandate, Registration, SellerLevel, Shown, TraderScheme};
use crate::credential::{AttestPublic, Credential, CredentialType, StatusReference};
use crate::hash::{Digest, Domain};
use crate::keys::KeyId;
use crate::names::{MemberId, Territory, words};
use crate::time::Day;

words!(
    /// What a trader is asked by.
    Scheme, "scheme of numbers", {
        /// Trader identification number (WCO).
        Tin = "tin";
        /// Economic operator registration and identification number.
        Eori = "eori";
        /// IOSS number.
        Ioss = "ioss";
        /// A registration to collect under another scheme.
        Registration = "registration";
        /// A seller's name with the issuer of its attestation.
        Seller = "seller";
    }
);

/// A number and its scheme in 16 bytes: what attestations are found by, so that numbers themselves need not be held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NumberKey(pub(super) [u8; 16]);

impl NumberKey {
    /// The key of a number, exactly as it is written.
    pub fn new(scheme: Scheme, number: &str) -> Self {
        let digest = Digest::of(Domain::Index, &[b"trader", scheme.word().as_bytes(), number.as_bytes()]);
        let mut key = [0; 16];
        key.copy_from_slice(&digest.0[..16]);
        Self(key)
    }
}

impl fmt::Debug for NumberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hash::hex(&self.0))
    }
}

/// What of an attestation decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttestedClaims {
    /// An authorised economic operator.
    Aeo {
        /// The programme, as agreements name it.
        programme: String,
        /// Whose programme it is.
        country: Territory,
        /// What it covers.
        coverage: Coverage,
        /// How it stands.
        standing: AeoStanding,
        /// Since which day.
        since: Day,
    },
    /// A seller that was checked.
    VettedSeller {
        /// How deep.
        level: SellerLevel,
        /// Incidents since.
        incidents: u32,
    },
    /// Who may collect duty or tax.
    Collect(Mandate),
}

impl AttestedClaims {
    /// The type.
    pub fn credential_type(&self) -> CredentialType {
        match self {
            Self::Aeo { .. } => CredentialType::Aeo,
            Self::VettedSeller { .. } => CredentialType::VettedSeller,
            Self::Collect(_) => CredentialType::Collect,
        }
    }

    /// For which territory their issuer must be able to speak.
    pub(super) fn country(&self) -> Option<Territory> {
        match self {
            Self::Aeo { country, .. } => Some(*country),
            Self::VettedSeller { .. } => None,
            Self::Collect(mandate) => Some(mandate.territory),
        }
    }
}

/// An attestation whose signature and claims were verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// What names the credential: a digest of what its issuer signed.
    pub credential: Digest,
    /// Who issued it, by whose key it was verified.
    pub issuer: MemberId,
    /// That key.
    pub key: KeyId,
    /// Whose it is.
    pub number: NumberKey,
    /// When it was issued, in seconds since 1970.
    pub issued_at: u64,
    /// From when on it holds no longer, in seconds since 1970.
    pub expires: u64,
    /// Where its status stands.
    pub status: StatusReference,
    /// What it says.
    pub claims: AttestedClaims,
}

/// Why a verified credential says nothing to a recogniser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttestedError {
    /// Its number is hidden.
    #[error(
        "the '{0}' does not disclose its number, so nobody can be recognised by it; hint: present it with the number"
    )]
    NoNumber(CredentialType),
}

impl Attested {
    /// What a verified credential says. `credential` names it, `issuer` is the member on whose card the `key` stands that verified it.
    ///
    /// # Errors
    /// [`AttestedError::NoNumber`].
    pub fn new(
        credential: Digest,
        issuer: &MemberId,
        key: &AttestPublic,
        verified: &Credential,
    ) -> Result<Self, AttestedError> {
        let (number, claims) = match &verified.shown {
            Shown::Aeo(of) => {
                let number = of.number.as_ref().map(|number| {
                    let scheme = match number.scheme() {
                        TraderScheme::Tin => Scheme::Tin,
                        TraderScheme::Eori => Scheme::Eori,
                    };
                    NumberKey::new(scheme, number.as_str())
                });
                let of = &of.authorisation;
                let claims = AttestedClaims::Aeo {
                    programme: of.programme.as_str().to_owned(),
                    country: of.country,
                    coverage: of.national_type.coverage(),
                    standing: of.standing,
                    since: of.since,
                };
                (number, claims)
            }
            Shown::VettedSeller(of) => {
                let number = of.seller.as_ref().map(|name| NumberKey::new(Scheme::Seller, name.as_str()));
                let (level, incidents) = (of.vetting.level, of.vetting.incidents);
                (number, AttestedClaims::VettedSeller { level, incidents })
            }
            Shown::Collect(of) => {
                let number = of.registration.as_ref().map(|number| match number {
                    Registration::Ioss(number) => NumberKey::new(Scheme::Ioss, number.as_str()),
                    Registration::Other(number) => NumberKey::new(Scheme::Registration, number.as_str()),
                });
                (number, AttestedClaims::Collect(of.mandate.clone()))
            }
        };
        Ok(Self {
            credential,
            issuer: issuer.clone(),
            key: key.id(),
            number: number.ok_or(AttestedError::NoNumber(claims.credential_type()))?,
            issued_at: verified.terms.issued_at,
            expires: verified.terms.expires,
            status: verified.terms.status.clone(),
            claims,
        })
    }
}
