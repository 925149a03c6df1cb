//! The signed list (section 5 of the draft), and what it says of a credential (section 8.3).

use serde_json::{Map, Value, json};

use super::list::{Bits, Status, StatusList};
use super::{StatusError, StatusReference};
use crate::credential::jws::{self, Jws};
use crate::credential::key::{AttestKey, AttestPublic};
use crate::limits::{CREDENTIAL_LEEWAY_SECONDS, MAX_STATUS_TOKEN_BYTES, MAX_STATUS_TTL_SECONDS, MAX_URI_BYTES};

/// The type of a signed status list; its media type is this behind `application/`.
pub const STATUS_TYPE: &str = "statuslist+jwt";

/// Values inside one another in its payload.
const DEPTH: usize = 6;

/// What a signed list says beside the statuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusClaims {
    /// The URI that credentials name.
    pub uri: String,
    /// When it was issued, in seconds since 1970.
    pub issued_at: u64,
    /// From when on it holds no longer.
    pub expires: Option<u64>,
    /// Seconds for which it may be kept without asking again.
    pub ttl: Option<u64>,
}

impl StatusList {
    /// Signs the list as it is.
    pub fn sign(&mut self, claims: &StatusClaims, key: &AttestKey) -> String {
        let mut payload = Map::new();
        payload.insert("sub".to_owned(), Value::from(claims.uri.as_str()));
        payload.insert("iat".to_owned(), Value::from(claims.issued_at));
        payload.extend(claims.expires.map(|time| ("exp".to_owned(), Value::from(time))));
        payload.extend(claims.ttl.map(|seconds| ("ttl".to_owned(), Value::from(seconds))));
        payload.insert("status_list".to_owned(), json!({ "bits": self.bits().count(), "lst": self.lst() }));
        let payload = Value::Object(payload).to_string();
        jws::sign_text(STATUS_TYPE, &payload, Some(&key.public().thumbprint()), key)
    }
}

/// A signed list that was verified.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusToken {
    /// What it says beside the statuses.
    pub claims: StatusClaims,
    /// The statuses.
    pub list: StatusList,
}

impl StatusToken {
    /// Verifies a signed list at `now` (seconds since 1970) and opens it.
    ///
    /// # Errors
    /// [`StatusError`].
    pub fn verify(token: &str, key: &AttestPublic, now: u64) -> Result<Self, StatusError> {
        Self::of(&Jws::parse(token, MAX_STATUS_TOKEN_BYTES, DEPTH)?.verify(&[STATUS_TYPE], key)?, now)
    }

    /// The same of one that was verified before, without looking at its signature again.
    ///
    /// # Errors
    /// [`StatusError`].
    pub fn read_again(token: &str, now: u64) -> Result<Self, StatusError> {
        Self::of(Jws::parse(token, MAX_STATUS_TOKEN_BYTES, DEPTH)?.unverified(), now)
    }

    fn of(payload: &Map<String, Value>, now: u64) -> Result<Self, StatusError> {
        let claim = |claim, why| StatusError::Claim { claim, why };
        let time = |name: &'static str| match payload.get(name) {
            None => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or(claim(name, "it is no whole number")),
        };
        let uri = payload.get("sub").and_then(Value::as_str).filter(|uri| (1..=MAX_URI_BYTES).contains(&uri.len()));
        let claims = StatusClaims {
            uri: uri.ok_or(claim("sub", "it is missing, empty or too long"))?.to_owned(),
            issued_at: time("iat")?.ok_or(claim("iat", "it is missing"))?,
            expires: time("exp")?,
            ttl: time("ttl")?,
        };
        if claims.ttl == Some(0) {
            return Err(claim("ttl", "it is 0"));
        }
        let (issued_at, expires) = (claims.issued_at, claims.expires.unwrap_or(u64::MAX));
        let leeway = CREDENTIAL_LEEWAY_SECONDS;
        if now.saturating_add(leeway) < issued_at || now >= expires.saturating_add(leeway) {
            return Err(StatusError::Time { issued_at, expires, now });
        }
        let list = payload.get("status_list").ok_or(claim("status_list", "it is missing"))?;
        let bits = list.get("bits").and_then(Value::as_u64);
        let bits = Bits::ALL.into_iter().find(|of| Some(u64::from(of.count())) == bits);
        let bits = bits.ok_or(claim("bits", "it is not 1, 2, 4 or 8"))?;
        let lst = list.get("lst").and_then(Value::as_str).ok_or(claim("lst", "it is no text"))?;
        Ok(Self { claims, list: StatusList::open(bits, lst)? })
    }

    /// The status of a credential.
    ///
    /// # Errors
    /// [`StatusError::Other`] when the credential names another list, [`StatusError::Index`] outside of it.
    pub fn status(&self, reference: &StatusReference) -> Result<Status, StatusError> {
        if reference.uri != self.claims.uri {
            return Err(StatusError::Other { found: self.claims.uri.clone(), expected: reference.uri.clone() });
        }
        self.list.get(reference.index)
    }

    /// Until when (seconds since 1970) it may be kept before a newer one is asked for, without `ttl` the longest time that we keep any.
    pub fn fresh_until(&self) -> u64 {
        let ttl = self.claims.ttl.unwrap_or(MAX_STATUS_TTL_SECONDS).min(MAX_STATUS_TTL_SECONDS);
        self.claims.issued_at.saturating_add(ttl).min(self.claims.expires.unwrap_or(u64::MAX))
    }
}
