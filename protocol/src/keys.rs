//! Keys: one use each, their text forms, signing and strict verification.
//!
//! Here: Ed25519 keys of a member (`identity`) and of a node (`sign`, `log`, `witness`, `transport`). The `seal` key is an
//! age recipient and belongs to the edge that seals. Not here: where keys are kept; a secret arrives as 32 bytes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain};

/// What a key is for. No key serves two uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyUse {
    /// Signs a member's documents; pinned in the charter.
    Identity,
    /// Signs a node's batches and dispatches.
    Sign,
    /// Signs a node's checkpoints (C2SP).
    Log,
    /// Signs cosignatures on others' checkpoints (C2SP).
    Witness,
    /// Authenticates a node's connections (libp2p).
    Transport,
    /// Signs what an officer of a member orders; known to that member's nodes only.
    Officer,
}

impl KeyUse {
    /// The uses, in the order of a card.
    pub const ALL: [KeyUse; 5] = [Self::Identity, Self::Sign, Self::Log, Self::Witness, Self::Transport];

    /// The word that stands in a key's text form and in its file name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Sign => "sign",
            Self::Log => "log",
            Self::Witness => "witness",
            Self::Transport => "transport",
            Self::Officer => "officer",
        }
    }
}

/// Why a key or signature was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not `<use>:<base64url of 32 bytes>`.
    #[error("'{0}' is not a key: expected '<use>:' and 43 characters of base64url")]
    Text(String),
    /// A key of another use stands where this one is needed.
    #[error("this is a {found} key; the {expected} key is needed here")]
    Use {
        /// The use needed.
        expected: &'static str,
        /// The use found.
        found: String,
    },
    /// The bytes are no curve point, or one of small order that signs anything.
    #[error("the {0} key is not a valid Ed25519 key, or a weak one")]
    Weak(&'static str),
    /// The signature does not match.
    #[error("the signature by the {0} key does not match")]
    Signature(&'static str),
    /// The signature is by a key that is revoked.
    #[error("the key {0} is revoked")]
    Revoked(KeyId),
    /// The signature names another key than the one expected.
    #[error("signed with {use_name} key {found}, not with {expected}")]
    OtherKey {
        /// The use of the key.
        use_name: &'static str,
        /// The id expected.
        expected: KeyId,
        /// The id found.
        found: KeyId,
    },
}

/// A short name of a key: the first 16 bytes of the digest of its use and public bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 16]);

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hash::hex(&self.0))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Encode for KeyId {
    fn encode(&self, writer: &mut Writer) {
        writer.bytes(&self.0);
    }
}

impl Decode for KeyId {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.fixed().map(KeyId)
    }
}

/// A public key with its use. Admitted only when it is a valid, strong point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    purpose: KeyUse,
    key: VerifyingKey,
}

impl PublicKey {
    /// Admits 32 public bytes.
    ///
    /// # Errors
    /// [`KeyError::Weak`] for bytes that are no point or one of small order.
    pub fn new(purpose: KeyUse, bytes: &[u8; 32]) -> Result<Self, KeyError> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self { purpose, key }),
            _ => Err(KeyError::Weak(purpose.name())),
        }
    }

    /// Reads `<use>:<base64url>` and insists on the use.
    ///
    /// # Errors
    /// [`KeyError`] that tells what stands there instead.
    pub fn parse(expected: KeyUse, text: &str) -> Result<Self, KeyError> {
        let (found, encoded) = text.split_once(':').ok_or_else(|| KeyError::Text(text.to_owned()))?;
        if found != expected.name() {
            return Err(KeyError::Use { expected: expected.name(), found: found.to_owned() });
        }
        let bytes: [u8; 32] = BASE64
            .decode(encoded)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| KeyError::Text(text.to_owned()))?;
        Self::new(expected, &bytes)
    }

    /// The raw 32 bytes.
    pub fn bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// What the key is for.
    pub fn purpose(&self) -> KeyUse {
        self.purpose
    }

    /// The key's short name.
    pub fn id(&self) -> KeyId {
        let digest = Digest::of(Domain::KeyId, &[self.purpose.name().as_bytes(), self.key.as_bytes()]);
        let mut id = [0; 16];
        id.copy_from_slice(&digest.0[..16]);
        KeyId(id)
    }

    /// The key for C2SP notes and libp2p, whose bytes those standards fix.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.key
    }

    /// Checks a signature over [`signed_bytes`] of the same arguments, by RFC 8032 with strict rules.
    ///
    /// # Errors
    /// [`KeyError::Signature`] when it does not match.
    pub fn verify(&self, domain: Domain, network: &Digest, body: &[u8], signature: &[u8; 64]) -> Result<(), KeyError> {
        let message = signed_bytes(domain, network, &self.id(), body);
        self.key
            .verify_strict(&message, &Signature::from_bytes(signature))
            .map_err(|_| KeyError::Signature(self.purpose.name()))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.purpose.name(), BASE64.encode(self.key.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Encode for PublicKey {
    fn encode(&self, writer: &mut Writer) {
        writer.bytes(self.key.as_bytes());
    }
}

/// Reads a public key of a known use.
///
/// # Errors
/// [`CborError`] when there are not 32 bytes, or they are no strong key.
pub fn decode_key(purpose: KeyUse, reader: &mut Reader<'_>) -> Result<PublicKey, CborError> {
    let start = reader.position();
    let bytes = reader.fixed()?;
    PublicKey::new(purpose, &bytes).map_err(|_| reader.refuse(start, "not a valid Ed25519 key, or a weak one"))
}

/// Whoever can tell whether a signature is one of its keys': one key, or a node with those that it has or had.
pub trait SignatureCheck {
    /// Checks a signature over [`signed_bytes`].
    ///
    /// # Errors
    /// [`KeyError`] when it is not.
    fn check(&self, domain: Domain, network: &Digest, body: &[u8], signature: &[u8; 64]) -> Result<(), KeyError>;
}

impl SignatureCheck for PublicKey {
    fn check(&self, domain: Domain, network: &Digest, body: &[u8], signature: &[u8; 64]) -> Result<(), KeyError> {
        self.verify(domain, network, body, signature)
    }
}

/// A secret key with its use. Wiped from memory when dropped, never shown.
#[derive(Clone)]
pub struct SecretKey {
    public: PublicKey,
    key: SigningKey,
}

impl SecretKey {
    /// The key of these 32 secret bytes.
    ///
    /// # Errors
    /// [`KeyError::Weak`], which no honest source of bytes ever meets.
    pub fn from_seed(purpose: KeyUse, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key = SigningKey::from_bytes(seed);
        let public = PublicKey::new(purpose, key.verifying_key().as_bytes())?;
        Ok(Self { public, key })
    }

    /// Reads a key file: one line `luxor-secret-<use>:<base64url>`.
    ///
    /// # Errors
    /// [`KeyError`] that does not repeat the text, which may hold a secret.
    pub fn parse(purpose: KeyUse, text: &str) -> Result<Self, KeyError> {
        let unreadable = || KeyError::Text(format!("(content of a {} key file)", purpose.name()));
        let (found, encoded) = text.trim_end().split_once(':').ok_or_else(unreadable)?;
        let found = found.strip_prefix("luxor-secret-").ok_or_else(unreadable)?;
        if found != purpose.name() {
            return Err(KeyError::Use { expected: purpose.name(), found: found.to_owned() });
        }
        let bytes = Zeroizing::new(BASE64.decode(encoded).map_err(|_| unreadable())?);
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(bytes.as_slice().try_into().map_err(|_| unreadable())?);
        Self::from_seed(purpose, &seed)
    }

    /// The content of a key file, as [`SecretKey::parse`] reads it.
    pub fn to_text(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(BASE64.encode(self.key.as_bytes()));
        Zeroizing::new(format!("luxor-secret-{}:{}\n", self.public.purpose.name(), *encoded))
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The secret bytes, wiped when dropped.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes())
    }

    /// The key for C2SP notes, whose bytes that standard fixes.
    pub fn signing_key(&self) -> &SigningKey {
        &self.key
    }

    /// Signs [`signed_bytes`] of the same arguments.
    pub fn sign(&self, domain: Domain, network: &Digest, body: &[u8]) -> [u8; 64] {
        self.key.sign(&signed_bytes(domain, network, &self.public.id(), body)).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public)
    }
}

/// The bytes that a signature covers: a CBOR array of domain text, network id, signer's key id and body.
pub fn signed_bytes(domain: Domain, network: &Digest, key: &KeyId, body: &[u8]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(body.len() + 96);
    writer.array(4);
    writer.text(domain.text());
    network.encode(&mut writer);
    key.encode(&mut writer);
    writer.bytes(body);
    writer.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(purpose: KeyUse) -> SecretKey {
        SecretKey::from_seed(purpose, &[7; 32]).unwrap()
    }

    #[test]
    fn text_form_names_the_use() {
        let public = *key(KeyUse::Sign).public();
        assert_eq!(PublicKey::parse(KeyUse::Sign, &public.to_string()), Ok(public));
        let error = PublicKey::parse(KeyUse::Identity, &public.to_string()).unwrap_err();
        assert_eq!(error.to_string(), "this is a sign key; the identity key is needed here");
        assert!(PublicKey::parse(KeyUse::Sign, "sign:AAAA").is_err());
    }

    #[test]
    fn weak_keys_are_not_admitted() {
        let mut small_order = [0u8; 32];
        small_order[0] = 1;
        assert_eq!(PublicKey::new(KeyUse::Sign, &small_order), Err(KeyError::Weak("sign")));
    }

    #[test]
    fn a_signature_binds_domain_network_key_and_body() {
        let secret = key(KeyUse::Sign);
        let network = Digest([1; 32]);
        let signature = secret.sign(Domain::Batch, &network, b"body");
        let verify = |domain, network: &Digest, body: &[u8]| secret.public().verify(domain, network, body, &signature);
        assert_eq!(verify(Domain::Batch, &network, b"body"), Ok(()));
        assert!(verify(Domain::Dispatch, &network, b"body").is_err());
        assert!(verify(Domain::Batch, &Digest([2; 32]), b"body").is_err());
        assert!(verify(Domain::Batch, &network, b"bodY").is_err());
        assert!(key(KeyUse::Log).public().verify(Domain::Batch, &network, b"body", &signature).is_err());
    }
}
