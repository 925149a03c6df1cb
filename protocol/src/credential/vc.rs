//! SD-JWT VC (draft-ietf-oauth-sd-jwt-vc): a credential with type, issuer, times, holder's key and status reference.
//!
//! Here: those claims, which never are disclosed selectively. Not here: type metadata, issuer metadata and certificates, which this
//! network does not need since its documents say whose key is whose; the claims of a type ([`super::claims`]).

use serde_json::{Map, Value, json};

use super::key::{AttestKey, AttestPublic};
use super::sdjwt::binding::holder;
use super::sdjwt::{ClaimPath, KeyBinding, Plan, Processed, SdJwt, SdJwtError, Step};
use super::status::StatusReference;
use crate::limits::{CREDENTIAL_LEEWAY_SECONDS, MAX_URI_BYTES};

/// The type that we write.
pub const VC_TYPE: &str = "dc+sd-jwt";
/// The types that we read; the second is that of drafts before November 2024.
pub const VC_TYPES: [&str; 2] = [VC_TYPE, "vc+sd-jwt"];
/// The claims, with all inside of them, that stand in clear always.
pub const NEVER_DISCLOSED: [&str; 8] = ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"];

/// Why a credential was refused, or cannot be issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VcError {
    /// As an SD-JWT.
    #[error(transparent)]
    SdJwt(#[from] SdJwtError),
    /// A claim that is missing or of another form.
    #[error("the claim '{claim}' is refused: {why}")]
    Claim {
        /// Its name.
        claim: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A claim that may not be disclosed selectively is.
    #[error("the claim '{0}' decides whether the credential holds, so it must stand in clear")]
    Disclosed(String),
    /// Not yet, or no longer.
    #[error(
        "the credential holds from {from} until {until} (seconds since 1970); now it is {now}; hint: ask for a fresh one"
    )]
    Time {
        /// The first second.
        from: u64,
        /// The second from which on it holds no longer.
        until: u64,
        /// Now.
        now: u64,
    },
}

/// The claims of a credential, whoever issued it.
#[derive(Debug, Clone, PartialEq)]
pub struct Vc {
    /// The type, a URN or URI.
    pub vct: String,
    /// Who issued it.
    pub iss: Option<String>,
    /// When it was issued, in seconds since 1970, as all times here.
    pub iat: Option<u64>,
    /// From when on it holds.
    pub nbf: Option<u64>,
    /// From when on it holds no longer.
    pub exp: Option<u64>,
    /// About whom it is.
    pub sub: Option<String>,
    /// The holder's key.
    pub holder: Option<AttestPublic>,
    /// Where its status stands.
    pub status: Option<StatusReference>,
    /// All other claims.
    pub claims: Map<String, Value>,
}

impl Vc {
    /// Signs it. `selective` are paths among `claims`, `sub` and `iat`; one fresh salt for each and for each decoy, as
    /// [`Vc::plan`] counts.
    ///
    /// # Errors
    /// [`VcError`].
    pub fn issue(
        &self,
        selective: &[ClaimPath],
        decoys: &[(ClaimPath, usize)],
        salts: &[[u8; 16]],
        key: &AttestKey,
    ) -> Result<SdJwt, VcError> {
        Ok(self.plan(selective, decoys)?.issue(VC_TYPE, salts, key)?)
    }

    /// What will be signed, checked.
    ///
    /// # Errors
    /// [`VcError`].
    pub fn plan(&self, selective: &[ClaimPath], decoys: &[(ClaimPath, usize)]) -> Result<Plan, VcError> {
        let mut claims = self.claims.clone();
        let mut put = |name: &str, value: Option<Value>| match value {
            Some(value) => claims.insert(name.to_owned(), value).map_or(Ok(()), |_| {
                Err(VcError::Claim { claim: name.to_owned(), why: "it stands among the other claims too" })
            }),
            None => Ok(()),
        };
        put("vct", Some(Value::from(self.vct.as_str())))?;
        put("iss", self.iss.as_deref().map(Value::from))?;
        put("iat", self.iat.map(Value::from))?;
        put("nbf", self.nbf.map(Value::from))?;
        put("exp", self.exp.map(Value::from))?;
        put("sub", self.sub.as_deref().map(Value::from))?;
        put("cnf", self.holder.as_ref().map(|key| json!({ "jwk": key.jwk() })))?;
        put("status", self.status.as_ref().map(StatusReference::to_json))?;
        in_clear(selective.iter())?;
        Ok(Plan::new(claims, selective, decoys)?)
    }

    /// Verifies a credential at `now` and reads its claims. Its status is the caller's to look up and to weigh.
    ///
    /// # Errors
    /// [`VcError`].
    pub fn verify(presented: &SdJwt, key: &AttestPublic, now: u64, binding: KeyBinding<'_>) -> Result<Self, VcError> {
        let vc = Self::of(presented.verify(&VC_TYPES, key, binding)?)?;
        vc.holds_at(now)?;
        Ok(vc)
    }

    /// Reads the claims of an SD-JWT that was verified for [`VC_TYPES`]. Whether it holds now is not looked at.
    ///
    /// # Errors
    /// As [`Vc::read`], and [`VcError::Disclosed`].
    pub fn of(processed: Processed) -> Result<Self, VcError> {
        in_clear(processed.disclosed())?;
        Self::read(processed.into_claims())
    }

    /// Whether it holds at `now`, give or take the leeway of clocks.
    ///
    /// # Errors
    /// [`VcError::Time`].
    pub fn holds_at(&self, now: u64) -> Result<(), VcError> {
        let from = self.nbf.unwrap_or_default().max(self.iat.unwrap_or_default());
        let until = self.exp.unwrap_or(u64::MAX);
        let leeway = CREDENTIAL_LEEWAY_SECONDS;
        match now.saturating_add(leeway) < from || now >= until.saturating_add(leeway) {
            true => Err(VcError::Time { from, until, now }),
            false => Ok(()),
        }
    }

    /// Reads the claims of a credential, proved or not. Whether it holds now is not looked at.
    ///
    /// # Errors
    /// [`VcError::Claim`] and, for a holder's key that is none, [`VcError::SdJwt`].
    pub fn read(mut claims: Map<String, Value>) -> Result<Self, VcError> {
        let vct = text(&mut claims, "vct")?.ok_or_else(|| refused("vct", "it is missing"))?;
        Ok(Self {
            vct,
            iss: text(&mut claims, "iss")?,
            iat: time(&mut claims, "iat")?,
            nbf: time(&mut claims, "nbf")?,
            exp: time(&mut claims, "exp")?,
            sub: text(&mut claims, "sub")?,
            holder: claims.remove("cnf").as_ref().map(holder).transpose()?,
            status: match claims.remove("status") {
                None => None,
                Some(status) => Some(
                    StatusReference::from_json(&status)
                        .ok_or_else(|| refused("status", "it is no status_list with idx and uri"))?,
                ),
            },
            claims,
        })
    }
}

fn in_clear<'a>(mut disclosed: impl Iterator<Item = &'a ClaimPath>) -> Result<(), VcError> {
    let first = |path: &ClaimPath| match path.steps().first() {
        Some(Step::Name(name)) if NEVER_DISCLOSED.contains(&name.as_str()) => Some(name.clone()),
        _ => None,
    };
    disclosed.find_map(first).map_or(Ok(()), |name| Err(VcError::Disclosed(name)))
}

fn refused(claim: &str, why: &'static str) -> VcError {
    VcError::Claim { claim: claim.to_owned(), why }
}

fn text(claims: &mut Map<String, Value>, name: &str) -> Result<Option<String>, VcError> {
    match claims.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) if (1..=MAX_URI_BYTES).contains(&text.len()) => Ok(Some(text)),
        Some(_) => Err(refused(name, "it is no text, empty, or too long")),
    }
}

fn time(claims: &mut Map<String, Value>, name: &str) -> Result<Option<u64>, VcError> {
    match claims.remove(name) {
        None => Ok(None),
        Some(value) => {
            value.as_u64().map(Some).ok_or_else(|| refused(name, "it is no whole number of seconds since 1970"))
        }
    }
}
