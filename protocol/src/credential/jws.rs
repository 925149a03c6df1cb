//! Signed JSON in the compact form (RFC 7515), with the rules of RFC 8725: who verifies names the types and the key, and the key
//! its only algorithm.
//!
//! Not here: where a verifier has its key from. A header may name one by `kid`; keys, certificates and addresses that it brings along
//! (`jwk`, `x5c`, `jku`, `x5u`) are never looked at.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value};

use super::json::{self, JsonError};
use super::key::{AttestKey, AttestKeyError, AttestPublic};
use crate::limits::MAX_JOSE_HEADER_BYTES;

/// Why a signed token was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than anything that is read here.
    #[error("the token has {found} bytes; at most {limit} are read")]
    Size {
        /// Bytes found.
        found: usize,
        /// Bytes read at most.
        limit: usize,
    },
    /// Not three parts of base64url with a signature of 64 bytes.
    #[error("the token is not header, payload and a signature of 64 bytes in base64url with dots between")]
    Form,
    /// The header or payload is no JSON object.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Something in the header that is not taken.
    #[error("the header's '{member}' is refused: {why}")]
    Header {
        /// The member of the header.
        member: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Another type than those expected.
    #[error("the token's type is '{found}'; expected {expected}; hint: another kind of token may have been passed")]
    Type {
        /// The type found, empty when there is none.
        found: String,
        /// The types expected.
        expected: String,
    },
    /// Another algorithm than the key's.
    #[error("the token is signed with '{found}'; its issuer's key signs with {expected} only")]
    Algorithm {
        /// The algorithm found.
        found: String,
        /// The key's.
        expected: &'static str,
    },
    /// The key or signature.
    #[error(transparent)]
    Key(#[from] AttestKeyError),
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The algorithm.
    pub alg: String,
    /// The type of the token.
    pub typ: Option<String>,
    /// The name of the key.
    pub kid: Option<String>,
}

/// A token that was taken apart. Nothing that it says counts before [`Jws::verify`].
#[derive(Debug, Clone)]
pub struct Jws<'a> {
    header: Header,
    signed: &'a str,
    payload: Map<String, Value>,
    signature: [u8; 64],
}

/// Signs a payload. The header has the key's thumbprint as `kid`.
pub(crate) fn sign(typ: &str, payload: &Map<String, Value>, key: &AttestKey) -> String {
    sign_text(typ, &Value::Object(payload.clone()).to_string(), Some(&key.public().thumbprint()), key)
}

/// Signs JSON that is written already. Key bindings name no key: the credential does.
pub(super) fn sign_text(typ: &str, payload: &str, kid: Option<&str>, key: &AttestKey) -> String {
    let mut header = Map::new();
    header.insert("alg".to_owned(), Value::from(key.public().algorithm().name()));
    header.insert("typ".to_owned(), Value::from(typ));
    if let Some(kid) = kid {
        header.insert("kid".to_owned(), Value::from(kid));
    }
    let header = Value::Object(header).to_string();
    let mut text = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 96);
    BASE64.encode_string(header, &mut text);
    text.push('.');
    BASE64.encode_string(payload, &mut text);
    let signature = key.sign(text.as_bytes());
    text.push('.');
    BASE64.encode_string(signature, &mut text);
    text
}

impl<'a> Jws<'a> {
    /// Takes a token of at most `limit` bytes apart, with a payload of at most `depth` values inside one another.
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn parse(text: &'a str, limit: usize, depth: usize) -> Result<Self, JwsError> {
        if text.len() > limit {
            return Err(JwsError::Size { found: text.len(), limit });
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JwsError::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Form)?;
        if header.len() > MAX_JOSE_HEADER_BYTES {
            return Err(JwsError::Size { found: header.len(), limit: MAX_JOSE_HEADER_BYTES });
        }
        let decode = |text: &str| BASE64.decode(text).map_err(|_| JwsError::Form);
        Ok(Self {
            header: read_header(&decode(header)?)?,
            signed,
            payload: json::object("the payload", &decode(payload)?, depth)?,
            signature: decode(signature)?.try_into().map_err(|_| JwsError::Form)?,
        })
    }

    /// The header, to find the key by; its word is not proved yet.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload before it is proved, to find the key by.
    pub fn unverified(&self) -> &Map<String, Value> {
        &self.payload
    }

    /// The payload, when the token has one of these types and was signed with this key.
    ///
    /// # Errors
    /// [`JwsError`].
    pub fn verify(self, types: &[&str], key: &AttestPublic) -> Result<Map<String, Value>, JwsError> {
        let Header { alg, typ, .. } = self.header;
        let typ = typ.unwrap_or_default();
        if !types.contains(&typ.as_str()) {
            return Err(JwsError::Type { found: typ.chars().take(80).collect(), expected: types.join(" or ") });
        }
        if !key.algorithm().is_named(&alg) {
            let found = alg.chars().take(80).collect();
            return Err(JwsError::Algorithm { found, expected: key.algorithm().name() });
        }
        key.verify(self.signed.as_bytes(), &self.signature)?;
        Ok(self.payload)
    }
}

fn read_header(bytes: &[u8]) -> Result<Header, JwsError> {
    let mut members = json::object("the header", bytes, 4)?;
    for member in ["crit", "b64", "zip", "enc"] {
        if members.contains_key(member) {
            return Err(JwsError::Header { member, why: "no extension is read here" });
        }
    }
    let mut text = |member: &'static str| match members.remove(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwsError::Header { member, why: "it is no text" }),
    };
    let alg = text("alg")?.ok_or(JwsError::Header { member: "alg", why: "it is missing" })?;
    Ok(Header { alg, typ: text("typ")?, kid: text("kid")? })
}
