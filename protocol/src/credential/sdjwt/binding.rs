//! Key binding (RFC 9901 sections 4.3 and 7.3): the holder signs for whom and for which question it presents.

use serde_json::{Value, json};

use super::{Processed, SdJwt, SdJwtError, digest};
use crate::credential::jws::{self, Jws};
use crate::credential::key::{AttestKey, AttestPublic};
use crate::limits::{CREDENTIAL_LEEWAY_SECONDS, MAX_CREDENTIAL_BYTES};

/// The type of a key binding.
pub const BINDING_TYPE: &str = "kb+jwt";

/// What a verifier demands of a key binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand<'a> {
    /// Who the verifier is.
    pub audience: &'a str,
    /// What it asked with, used once.
    pub nonce: &'a str,
    /// Seconds since 1970 at the verifier.
    pub now: u64,
    /// Seconds since the holder signed, at most.
    pub max_age: u64,
}

/// Whether a key binding must be there. Its presence does not decide that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyBinding<'a> {
    /// There must be none: the credential comes from its issuer, or whoever holds it may present it.
    None,
    /// There must be one with this.
    Demanded(Demand<'a>),
}

impl SdJwt {
    /// Signs for whom it is presented. The key is the one that the credential names.
    ///
    /// # Errors
    /// [`SdJwtError::Binding`] for another key.
    pub fn bind(self, audience: &str, nonce: &str, issued_at: u64, key: &AttestKey) -> Result<SdJwt, SdJwtError> {
        let holder = self.unverified("cnf")?.as_ref().map(holder).transpose()?;
        if holder.as_ref() != Some(key.public()) {
            return Err(SdJwtError::Binding("the credential names another holder's key, or none".to_owned()));
        }
        let payload = json!({
            "aud": audience, "iat": issued_at, "nonce": nonce, "sd_hash": digest(&self.write_unbound()),
        });
        let binding = jws::sign_text(BINDING_TYPE, &payload.to_string(), None, key);
        Ok(SdJwt { binding: Some(binding), ..self })
    }
}

impl KeyBinding<'_> {
    pub(super) fn check(self, presented: &SdJwt, processed: &Processed) -> Result<(), SdJwtError> {
        let refuse = |why: &str| Err(SdJwtError::Binding(why.to_owned()));
        let (demand, binding) = match (self, &presented.binding) {
            (KeyBinding::None, None) => return Ok(()),
            (KeyBinding::None, Some(_)) => return refuse("there is one that was not asked for"),
            (KeyBinding::Demanded(_), None) => {
                return refuse("there is none; hint: the holder presents it with its key");
            }
            (KeyBinding::Demanded(demand), Some(binding)) => (demand, binding),
        };
        let Some(cnf) = processed.claims().get("cnf") else {
            return refuse("the credential names no holder's key");
        };
        let payload = Jws::parse(binding, MAX_CREDENTIAL_BYTES, 4)
            .and_then(|jws| jws.verify(&[BINDING_TYPE], &holder_jws(cnf)?))
            .map_err(|error| SdJwtError::Binding(error.to_string()))?;
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        if text("aud") != Some(demand.audience) {
            return refuse("it is meant for another audience");
        }
        if text("nonce") != Some(demand.nonce) {
            return refuse("it answers another nonce");
        }
        let Some(issued_at) = payload.get("iat").and_then(Value::as_u64) else {
            return refuse("its iat is missing or no whole number");
        };
        if issued_at > demand.now.saturating_add(CREDENTIAL_LEEWAY_SECONDS) {
            return refuse("it was signed in the future");
        }
        if issued_at.saturating_add(demand.max_age) < demand.now {
            return refuse("it is too old");
        }
        if text("sd_hash") != Some(&digest(&presented.write_unbound())) {
            return refuse("it was signed for other disclosures");
        }
        Ok(())
    }
}

/// The key in `cnf` (RFC 7800 section 3.2).
pub(in crate::credential) fn holder(cnf: &Value) -> Result<AttestPublic, SdJwtError> {
    holder_jws(cnf).map_err(|error| SdJwtError::Binding(error.to_string()))
}

fn holder_jws(cnf: &Value) -> Result<AttestPublic, jws::JwsError> {
    let missing = crate::credential::key::AttestKeyError::Jwk("the holder's key is no JWK in cnf");
    let jwk = cnf.get("jwk").and_then(Value::as_object).ok_or(missing)?;
    Ok(AttestPublic::from_jwk(jwk)?)
}
