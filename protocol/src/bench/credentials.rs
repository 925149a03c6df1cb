//! Credentials to measure with: one that is issued and verified, and a status list that is changed and signed.

use super::numbers::Numbers;
use crate::credential::claims::{
    Aeo, AeoRole, AeoStanding, Authorisation, Coverage, Line, NationalType, TraderNumber, TraderScheme,
};
use crate::credential::{
    Algorithm, AttestKey, Attestation, Bits, ClaimPath, ClaimsError, Credential, Demand, KeyBinding, SdJwt, Status,
    StatusClaims, StatusError, StatusList, StatusReference, Terms,
};
use crate::names::Territory;
use crate::time::Day;

/// Statuses of the list.
pub const STATUSES: u64 = 1_000_000;
const NOW: u64 = 1_795_000_000;
const AUDIENCE: &str = "customs";
const NONCE: &str = "nonce";

/// An `aeo` with its keys.
#[derive(Debug)]
pub struct SampleCredential {
    attestation: Attestation,
    terms: Terms,
    issuer: AttestKey,
    holder: AttestKey,
    salts: Vec<[u8; 16]>,
}

impl SampleCredential {
    /// One whose issuer and holder sign so.
    ///
    /// # Errors
    /// None that can happen: what it is made of is fixed.
    pub fn new(algorithm: Algorithm) -> Result<Self, Box<dyn std::error::Error>> {
        let (issuer, holder) = (AttestKey::from_seed(algorithm, &[7; 32])?, AttestKey::from_seed(algorithm, &[8; 32])?);
        let country: Territory = "KR".parse()?;
        let attestation = Attestation::Aeo(Aeo {
            authorisation: Authorisation {
                programme: Line::new("KR AEO")?,
                country,
                national_type: NationalType::new("AAA", Coverage::Both)?,
                standing: AeoStanding::Active,
                since: Day(20_000),
            },
            number: TraderNumber::new(TraderScheme::Tin, "KR1234567890")?,
            legal_name: Line::new("Sample Trading Co., Ltd.")?,
            consent: Line::new("consent/1")?,
            roles: [AeoRole::Exporter, AeoRole::Manufacturer].into(),
        });
        let terms = Terms {
            issuer: "urn:luxor:member:customs-kr".to_owned(),
            subject: None,
            issued_at: NOW,
            expires: NOW + 86_400,
            holder: *holder.public(),
            status: StatusReference { index: 412, uri: "https://status.example/1".to_owned() },
        };
        let salts = (0..attestation.salts(&terms)?).map(|n| (n as u128 + 1).to_be_bytes()).collect();
        Ok(Self { attestation, terms, issuer, holder, salts })
    }

    /// What is measured as issuing.
    ///
    /// # Errors
    /// [`ClaimsError`].
    pub fn issue(&self) -> Result<SdJwt, ClaimsError> {
        self.attestation.issue(&self.terms, &self.salts, &self.issuer)
    }

    /// The text that a holder presents: number and one role, bound to its verifier.
    ///
    /// # Errors
    /// As issuing and presenting have them.
    pub fn present(&self) -> Result<String, Box<dyn std::error::Error>> {
        let paths = [ClaimPath::names(&["tin"]), ClaimPath::from_json(&serde_json::json!(["roles", 0]))?];
        Ok(self.issue()?.present(&paths)?.bind(AUDIENCE, NONCE, NOW, &self.holder)?.to_string())
    }

    /// What is measured as verifying: parsed, both signatures, disclosures, claims.
    ///
    /// # Errors
    /// [`ClaimsError`].
    pub fn verify(&self, presented: &str) -> Result<Credential, ClaimsError> {
        let demand = Demand { audience: AUDIENCE, nonce: NONCE, now: NOW, max_age: 60 };
        let parsed = SdJwt::parse(presented).map_err(crate::credential::VcError::from)?;
        Credential::verify(&parsed, self.issuer.public(), NOW, KeyBinding::Demanded(demand))
    }
}

/// A signed list of [`STATUSES`] statuses of two bits, one in a hundred of which is not valid.
#[derive(Debug)]
pub struct SampleList {
    list: StatusList,
    claims: StatusClaims,
    key: AttestKey,
}

impl SampleList {
    /// The list, signed once.
    ///
    /// # Errors
    /// None that can happen: what it is made of is fixed.
    pub fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let mut list = StatusList::new(Bits::Two, STATUSES)?;
        // Spread without a pattern that compresses well.
        let mut numbers = Numbers(1);
        let mut left = STATUSES / 100;
        while left > 0 {
            let at = numbers.up_to(STATUSES - 1);
            if list.get(at)? == Status::Valid {
                list.set(at, Status::Invalid)?;
                left -= 1;
            }
        }
        let uri = "https://status.example/1".to_owned();
        let claims = StatusClaims { uri, issued_at: NOW, expires: Some(NOW + 3_600), ttl: Some(60) };
        let mut sample = Self { list, claims, key: AttestKey::from_seed(Algorithm::Es256, &[7; 32])? };
        sample.list.sign(&sample.claims, &sample.key);
        Ok(sample)
    }

    /// What is measured: these statuses turn (suspended, or valid again), then the list is signed.
    ///
    /// # Errors
    /// [`StatusError`] for a number outside of the list.
    pub fn change_and_sign(&mut self, indexes: &[u64]) -> Result<String, StatusError> {
        for at in indexes {
            let turned = if self.list.get(*at)? == Status::Valid { Status::Suspended } else { Status::Valid };
            self.list.set(*at, turned)?;
        }
        Ok(self.list.sign(&self.claims, &self.key))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::credential::StatusToken;

    #[test]
    fn what_is_measured_holds() {
        for algorithm in Algorithm::ALL {
            let sample = SampleCredential::new(algorithm).unwrap();
            assert_eq!(sample.verify(&sample.present().unwrap()).unwrap().terms, sample.terms);
        }
        let mut sample = SampleList::new().unwrap();
        let token = sample.change_and_sign(&[3, 999_999]).unwrap();
        let read = StatusToken::verify(&token, sample.key.public(), NOW).unwrap();
        assert_eq!(read.list, sample.list);
    }
}
