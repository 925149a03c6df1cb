//! SD-JWT (RFC 9901): a signed token whose claims its holder discloses one by one.
//!
//! Here: its parts, issuing, disclosing, key binding, and every check of section 7. Not here: what the claims mean
//! ([`super::vc`], [`super::claims`]), the JSON serialization (section 8), randomness: salts are arguments.

pub(super) mod binding;
mod issue;
mod path;
mod process;

pub use binding::{BINDING_TYPE, Demand, KeyBinding};
pub use issue::Plan;
pub use path::{ClaimPath, Step};
pub use process::Processed;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::json::{self, JsonError};
use super::jws::{Header, Jws, JwsError};
use super::key::AttestPublic;
use crate::limits::{MAX_CREDENTIAL_BYTES, MAX_CREDENTIAL_DEPTH, MAX_DISCLOSURES};

/// Why an SD-JWT was refused, or cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdJwtError {
    /// Longer, or with more parts, than is read here.
    #[error("the SD-JWT has {found} {what}; at most {limit} are read")]
    Size {
        /// What there is too much of.
        what: &'static str,
        /// How much was found.
        found: usize,
        /// How much is read.
        limit: usize,
    },
    /// Not parts with `~` between, the last one empty or a key binding.
    #[error("no SD-JWT: {0}")]
    Form(&'static str),
    /// The signed part.
    #[error("the signed part: {0}")]
    Jws(#[from] JwsError),
    /// A disclosure that is none.
    #[error("disclosure {number} is refused: {why}")]
    Disclosure {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A disclosure that nothing refers to.
    #[error("disclosure {0} is not referred to by the signed part")]
    Unreferenced(usize),
    /// A digest that stands there twice.
    #[error("the digest {digest} stands there twice, the second time at '{path}'")]
    Twice {
        /// The digest.
        digest: String,
        /// Where it stands again.
        path: ClaimPath,
    },
    /// Something at a place that must not be there.
    #[error("at '{path}': {why}")]
    Place {
        /// Where.
        path: ClaimPath,
        /// What is wrong there.
        why: &'static str,
    },
    /// Another hash than SHA-256.
    #[error("its digests are made with '{0}'; only sha-256 is taken")]
    Hash(String),
    /// A path that is none, or leads nowhere.
    #[error("the path {0} leads to no claim; hint: name the claims from the top, positions as issued")]
    Path(String),
    /// Not as many salts as disclosures and decoys, or one twice.
    #[error("{found} different salts are there, {needed} are needed")]
    Salts {
        /// Salts that are needed.
        needed: usize,
        /// Different ones that are there.
        found: usize,
    },
    /// The key binding.
    #[error("the key binding is refused: {0}")]
    Binding(String),
}

/// One disclosure: salt, name of the claim unless it is an element of an array, value.
#[derive(Debug, Clone, PartialEq)]
pub struct Disclosure {
    text: String,
    name: Option<String>,
    value: Value,
}

impl Disclosure {
    pub(super) fn new(salt: &str, name: Option<&str>, value: Value) -> Self {
        let json = match name {
            Some(name) => serde_json::json!([salt, name, value]),
            None => serde_json::json!([salt, value]),
        };
        Self { text: BASE64.encode(json.to_string()), name: name.map(str::to_owned), value }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let bytes = BASE64.decode(text).map_err(|_| "it is not base64url".to_owned())?;
        // Its value may be as deep as any, inside of the array that a disclosure is.
        let value =
            json::value("it", &bytes, MAX_CREDENTIAL_DEPTH + 1).map_err(|error: JsonError| error.to_string())?;
        let Value::Array(parts) = value else { return Err("it is no array".to_owned()) };
        let mut parts = parts.into_iter();
        let (name, value) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Value::String(_)), Some(Value::String(name)), Some(value), None) => (Some(name), value),
            (Some(Value::String(_)), Some(value), None, None) => (None, value),
            _ => return Err("it is not salt, name and value, nor salt and value".to_owned()),
        };
        match name.as_deref() {
            Some(reserved) if is_reserved(reserved) => Err(format!("'{reserved}' is no name of a claim")),
            _ => Ok(Self { text: text.to_owned(), name, value }),
        }
    }

    /// The text that its digest is made of.
    #[cfg(test)]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of the claim; none of an element of an array.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The value, which may hold digests of further disclosures.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// SHA-256 of its text in base64url.
    pub fn digest(&self) -> String {
        digest(&self.text)
    }
}

/// An SD-JWT: as its issuer gave it, or as its holder presents it. What it says counts only after [`SdJwt::verify`].
#[derive(Debug, Clone, PartialEq)]
pub struct SdJwt {
    jwt: String,
    disclosures: Vec<Disclosure>,
    binding: Option<String>,
}

impl SdJwt {
    /// Takes the compact form apart.
    ///
    /// # Errors
    /// [`SdJwtError`] for what is no SD-JWT, and for disclosures that cannot be read.
    pub fn parse(text: &str) -> Result<Self, SdJwtError> {
        let limit = MAX_CREDENTIAL_BYTES;
        if text.len() > limit {
            return Err(SdJwtError::Size { what: "bytes", found: text.len(), limit });
        }
        let (jwt, rest) = text.split_once('~').ok_or(SdJwtError::Form("there is no '~' behind the signed part"))?;
        let mut parts: Vec<&str> = rest.split('~').collect();
        let binding = parts.pop().filter(|binding| !binding.is_empty()).map(str::to_owned);
        if parts.len() > MAX_DISCLOSURES {
            return Err(SdJwtError::Size { what: "disclosures", found: parts.len(), limit: MAX_DISCLOSURES });
        }
        let disclosure = |(at, text): (usize, &str)| {
            Disclosure::parse(text).map_err(|why| SdJwtError::Disclosure { number: at + 1, why })
        };
        let disclosures = parts.into_iter().enumerate().map(disclosure).collect::<Result<_, _>>()?;
        Ok(Self { jwt: jwt.to_owned(), disclosures, binding })
    }

    /// The header, to find the issuer's key by; not proved yet.
    ///
    /// # Errors
    /// [`SdJwtError::Jws`].
    pub fn header(&self) -> Result<Header, SdJwtError> {
        Ok(self.jws()?.header().clone())
    }

    /// A claim that stands in clear at the top, to find the issuer's key by; not proved yet.
    ///
    /// # Errors
    /// [`SdJwtError::Jws`].
    pub fn unverified(&self, claim: &str) -> Result<Option<Value>, SdJwtError> {
        Ok(self.jws()?.unverified().get(claim).cloned())
    }

    /// All claims with those disclosed, for whoever wants to look at what is held; nothing of it is proved.
    ///
    /// # Errors
    /// [`SdJwtError`] about the form and the disclosures.
    pub fn unverified_claims(&self) -> Result<Processed, SdJwtError> {
        process::process(self.jws()?.unverified().clone(), &self.disclosures)
    }

    /// Its disclosures.
    pub fn disclosures(&self) -> &[Disclosure] {
        &self.disclosures
    }

    /// Whether it carries a key binding.
    pub fn is_bound(&self) -> bool {
        self.binding.is_some()
    }

    /// Every check of RFC 9901 section 7.1 and, where a key binding is demanded, of section 7.3, except those of `nbf` and `exp`,
    /// which belong to what the token is.
    ///
    /// # Errors
    /// [`SdJwtError`]. A key binding that nobody demanded is refused too: it was meant for another place.
    pub fn verify(&self, types: &[&str], key: &AttestPublic, binding: KeyBinding<'_>) -> Result<Processed, SdJwtError> {
        let payload = self.jws()?.verify(types, key)?;
        let processed = process::process(payload, &self.disclosures)?;
        binding.check(self, &processed)?;
        Ok(processed)
    }

    /// What a holder presents: the signed part with the claims at these paths, what they stand in and what stands in them.
    /// A key binding that was there is left out. The holder has verified it before.
    ///
    /// # Errors
    /// [`SdJwtError::Path`] for a path to nothing, and those of [`SdJwt::verify`] about the disclosures.
    pub fn present(&self, paths: &[ClaimPath]) -> Result<SdJwt, SdJwtError> {
        let processed = self.unverified_claims()?;
        if let Some(path) = paths.iter().find(|path| !processed.leads(path)) {
            return Err(SdJwtError::Path(path.to_string()));
        }
        let shown = |(at, _): &(usize, &Disclosure)| {
            processed.places().iter().any(|place| place.0 == *at && paths.iter().any(|path| path.meets(&place.1)))
        };
        let disclosures = self.disclosures.iter().enumerate().filter(shown).map(|(_, one)| one.clone()).collect();
        Ok(Self { jwt: self.jwt.clone(), disclosures, binding: None })
    }

    /// The same as its issuer signed it, with the disclosures that are there and without key binding.
    pub fn without_binding(&self) -> SdJwt {
        Self { jwt: self.jwt.clone(), disclosures: self.disclosures.clone(), binding: None }
    }

    fn jws(&self) -> Result<Jws<'_>, SdJwtError> {
        Ok(Jws::parse(&self.jwt, MAX_CREDENTIAL_BYTES, MAX_CREDENTIAL_DEPTH)?)
    }

    /// The form without key binding, which a binding covers.
    fn write_unbound(&self) -> String {
        let length = self.disclosures.iter().map(|one| one.text.len() + 1).sum::<usize>();
        let mut text = String::with_capacity(self.jwt.len() + 1 + length);
        text.push_str(&self.jwt);
        text.push('~');
        for disclosure in &self.disclosures {
            text.push_str(&disclosure.text);
            text.push('~');
        }
        text
    }
}

impl fmt::Display for SdJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write_unbound())?;
        f.write_str(self.binding.as_deref().unwrap_or_default())
    }
}

/// Whether digests stand under this name, or what they are made with: no claim has it (RFC 9901 section 7.1).
fn is_reserved(name: &str) -> bool {
    matches!(name, "_sd" | "..." | "_sd_alg")
}

/// SHA-256 of a disclosure's text in base64url.
pub(super) fn digest(text: &str) -> String {
    BASE64.encode(Sha256::digest(text.as_bytes()))
}
