//! Keys that sign attestations, as the JOSE world has them: P-256 with ES256 and Ed25519 with EdDSA; as JWK, and with their
//! RFC 7638 thumbprint as name.
//!
//! Not here: the keys that nodes and members sign with among themselves ([`mod@crate::keys`]), and where keys are kept.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::Verifier as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain};
use crate::keys::KeyId;

/// How an attestation is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256, deterministic when we sign (RFC 7518 section 3.4, RFC 6979). What every verifier has.
    Es256,
    /// Ed25519 (RFC 8037).
    EdDsa,
}

impl Algorithm {
    /// Both, the usual one first.
    pub const ALL: [Algorithm; 2] = [Self::Es256, Self::EdDsa];

    /// The value of `alg` that we write.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether `alg` names it: as we write it, or as RFC 9864 names Ed25519.
    pub fn is_named(self, alg: &str) -> bool {
        alg == self.name() || (self == Self::EdDsa && alg == "Ed25519")
    }

    /// What stands in a key's text form and in its file.
    const fn word(self) -> &'static str {
        match self {
            Self::Es256 => "attest-p256",
            Self::EdDsa => "attest-ed25519",
        }
    }
}

/// Why a key of attestations, or a signature by one, was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttestKeyError {
    /// The text is not a key.
    #[error("'{0}' is not a key of attestations: expected 'attest-p256:' or 'attest-ed25519:' and base64url")]
    Text(String),
    /// The JWK is none that is read here.
    #[error("the JWK is refused: {0}; hint: EC on P-256 with x and y, or OKP on Ed25519 with x, no secret part")]
    Jwk(&'static str),
    /// The bytes are no curve point, or one that signs anything.
    #[error("the {0} key is no valid point of its curve, or a weak one")]
    Weak(&'static str),
    /// The signature does not match.
    #[error("the {0} signature does not match")]
    Signature(&'static str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Point {
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

/// A public key that attestations are verified with. Admitted only when it is a valid, strong point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AttestPublic(Point);

impl AttestPublic {
    /// Admits public bytes: a SEC1 point of P-256 (33 or 65 bytes), 32 bytes of Ed25519.
    ///
    /// # Errors
    /// [`AttestKeyError::Weak`].
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, AttestKeyError> {
        let weak = || AttestKeyError::Weak(algorithm.name());
        match algorithm {
            Algorithm::Es256 => {
                p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).map(|key| Self(Point::P256(key))).map_err(|_| weak())
            }
            Algorithm::EdDsa => {
                let bytes: &[u8; 32] = bytes.try_into().map_err(|_| weak())?;
                match ed25519_dalek::VerifyingKey::from_bytes(bytes) {
                    Ok(key) if !key.is_weak() => Ok(Self(Point::Ed25519(key))),
                    _ => Err(weak()),
                }
            }
        }
    }

    /// The public bytes: 33 of P-256 (compressed), 32 of Ed25519.
    pub fn bytes(&self) -> Vec<u8> {
        match &self.0 {
            Point::P256(key) => key.to_sec1_point(true).as_bytes().to_vec(),
            Point::Ed25519(key) => key.as_bytes().to_vec(),
        }
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Point::P256(_) => Algorithm::Es256,
            Point::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Reads `attest-p256:…` or `attest-ed25519:…`.
    ///
    /// # Errors
    /// [`AttestKeyError`].
    pub fn parse(text: &str) -> Result<Self, AttestKeyError> {
        let error = || AttestKeyError::Text(text.chars().take(80).collect());
        let (word, encoded) = text.split_once(':').ok_or_else(error)?;
        let algorithm = Algorithm::ALL.into_iter().find(|one| one.word() == word).ok_or_else(error)?;
        Self::from_bytes(algorithm, &BASE64.decode(encoded).map_err(|_| error())?)
    }

    /// Reads a JWK (RFC 7517, RFC 7518 section 6.2, RFC 8037); members that are not needed are passed over, a secret one is refused.
    ///
    /// # Errors
    /// [`AttestKeyError::Jwk`] or [`AttestKeyError::Weak`].
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, AttestKeyError> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let coordinate = |name: &str| -> Result<[u8; 32], AttestKeyError> {
            text(name)
                .and_then(|encoded| BASE64.decode(encoded).ok())
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or(AttestKeyError::Jwk("a coordinate is not 32 bytes in base64url"))
        };
        if jwk.contains_key("d") {
            return Err(AttestKeyError::Jwk("it holds a secret key"));
        }
        if jwk.get("use").is_some_and(|of| of != "sig") {
            return Err(AttestKeyError::Jwk("its use is not 'sig'"));
        }
        let key = match (text("kty"), text("crv")) {
            (Some("EC"), Some("P-256")) => {
                let mut point = [4; 65];
                point[1..33].copy_from_slice(&coordinate("x")?);
                point[33..].copy_from_slice(&coordinate("y")?);
                Self::from_bytes(Algorithm::Es256, &point)
            }
            (Some("OKP"), Some("Ed25519")) => Self::from_bytes(Algorithm::EdDsa, &coordinate("x")?),
            _ => Err(AttestKeyError::Jwk("another kind of key or curve")),
        }?;
        match jwk.get("alg").map(Value::as_str) {
            None => Ok(key),
            Some(Some(alg)) if key.algorithm().is_named(alg) => Ok(key),
            _ => Err(AttestKeyError::Jwk("its alg is not that of its curve")),
        }
    }

    /// The key as JWK, with the members that its thumbprint covers.
    pub fn jwk(&self) -> Map<String, Value> {
        let value = match &self.0 {
            Point::P256(key) => {
                let point = key.to_sec1_point(false);
                let part = |from: usize| BASE64.encode(point.as_bytes().get(from..from + 32).unwrap_or_default());
                json!({ "crv": "P-256", "kty": "EC", "x": part(1), "y": part(33) })
            }
            Point::Ed25519(key) => json!({ "crv": "Ed25519", "kty": "OKP", "x": BASE64.encode(key.as_bytes()) }),
        };
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// The `kid`: SHA-256 of the JWK with its members in order, in base64url (RFC 7638, RFC 8037 appendix A.3).
    pub fn thumbprint(&self) -> String {
        // A map of serde_json has its names in order.
        BASE64.encode(Sha256::digest(Value::Object(self.jwk()).to_string()))
    }

    /// The key's short name inside the network, as revocations name keys.
    pub fn id(&self) -> KeyId {
        let digest = Digest::of(Domain::KeyId, &[self.algorithm().word().as_bytes(), &self.bytes()]);
        let mut id = [0; 16];
        id.copy_from_slice(&digest.0[..16]);
        KeyId(id)
    }

    /// Checks a signature in the form of JWS: `r` and `s` of 32 bytes each, or that of Ed25519 by strict rules.
    ///
    /// # Errors
    /// [`AttestKeyError::Signature`].
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), AttestKeyError> {
        let matches = match &self.0 {
            Point::P256(key) => {
                p256::ecdsa::Signature::from_slice(signature).and_then(|of| key.verify(message, &of)).is_ok()
            }
            Point::Ed25519(key) => key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok(),
        };
        if matches { Ok(()) } else { Err(AttestKeyError::Signature(self.algorithm().name())) }
    }
}

impl fmt::Display for AttestPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm().word(), BASE64.encode(self.bytes()))
    }
}

impl fmt::Debug for AttestPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for AttestPublic {
    type Err = AttestKeyError;

    fn from_str(text: &str) -> Result<Self, AttestKeyError> {
        Self::parse(text)
    }
}

impl Encode for AttestPublic {
    fn encode(&self, writer: &mut Writer) {
        writer.bytes(&self.bytes());
    }
}

impl Decode for AttestPublic {
    /// Their lengths tell the two kinds apart.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let bytes = reader.bytes(33)?;
        let algorithm = if bytes.len() == 33 { Algorithm::Es256 } else { Algorithm::EdDsa };
        Self::from_bytes(algorithm, bytes).map_err(|_| reader.refuse(start, "not a key of attestations, or a weak one"))
    }
}

#[derive(Clone)]
enum Secret {
    P256(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

/// A secret key that signs attestations, status lists or key bindings. Wiped from memory when dropped, never shown.
#[derive(Clone)]
pub struct AttestKey {
    public: AttestPublic,
    secret: Secret,
}

impl AttestKey {
    /// The key of these 32 secret bytes: the scalar of P-256, the seed of Ed25519.
    ///
    /// # Errors
    /// [`AttestKeyError::Weak`], which no honest source of bytes ever meets.
    pub fn from_seed(algorithm: Algorithm, seed: &[u8; 32]) -> Result<Self, AttestKeyError> {
        Ok(match algorithm {
            Algorithm::Es256 => {
                let key =
                    p256::ecdsa::SigningKey::from_slice(seed).map_err(|_| AttestKeyError::Weak(algorithm.name()))?;
                Self { public: AttestPublic(Point::P256(*key.verifying_key())), secret: Secret::P256(key) }
            }
            Algorithm::EdDsa => {
                let key = ed25519_dalek::SigningKey::from_bytes(seed);
                let public = AttestPublic::from_bytes(algorithm, key.verifying_key().as_bytes())?;
                Self { public, secret: Secret::Ed25519(key) }
            }
        })
    }

    /// Reads a key file: one line `luxor-secret-attest-p256:…` or `luxor-secret-attest-ed25519:…`.
    ///
    /// # Errors
    /// [`AttestKeyError`] that does not repeat the text, which may hold a secret.
    pub fn parse(text: &str) -> Result<Self, AttestKeyError> {
        let error = || AttestKeyError::Text("(content of a key file)".to_owned());
        let (word, encoded) = text.trim_end().split_once(':').ok_or_else(error)?;
        let word = word.strip_prefix("luxor-secret-").ok_or_else(error)?;
        let algorithm = Algorithm::ALL.into_iter().find(|one| one.word() == word).ok_or_else(error)?;
        let bytes = Zeroizing::new(BASE64.decode(encoded).map_err(|_| error())?);
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(bytes.as_slice().try_into().map_err(|_| error())?);
        Self::from_seed(algorithm, &seed)
    }

    /// The content of a key file, as [`AttestKey::parse`] reads it.
    pub fn to_text(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(BASE64.encode(self.seed().as_slice()));
        Zeroizing::new(format!("luxor-secret-{}:{}\n", self.public.algorithm().word(), *encoded))
    }

    /// The public half.
    pub fn public(&self) -> &AttestPublic {
        &self.public
    }

    /// The secret bytes, wiped when dropped.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(match &self.secret {
            Secret::P256(key) => key.to_bytes().into(),
            Secret::Ed25519(key) => key.to_bytes(),
        })
    }

    /// Signs in the form of JWS. The same message always gets the same signature.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        match &self.secret {
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().into()
            }
            Secret::Ed25519(key) => key.sign(message).to_bytes(),
        }
    }
}

impl fmt::Debug for AttestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttestKey({})", self.public)
    }
}
