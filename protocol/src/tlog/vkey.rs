//! Verifier keys of signed notes, and single signatures made for them: Ed25519 (type 0x01,
//! <https://c2sp.org/signed-note>) and timestamped Ed25519 cosignatures (type 0x04,
//! <https://c2sp.org/tlog-cosignature>).
//!
//! Not here: other signature types (they are ignored as unknown), notes, and which keys to trust.
//!
//! Limits: [`MAX_KEY_NAME_BYTES`]; [`MAX_COSIGNATURE_TIME`].

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::text::{excerpt, format_base64, parse_base64};

/// Longest name of a key we know or sign with: `cosigner_name` and `log_origin` of tlog-cosignature hold 1 to 255
/// bytes. Names on signature lines of keys we do not know are bounded by the note alone.
pub const MAX_KEY_NAME_BYTES: usize = 255;

/// Latest time of a cosignature: it "MUST NOT exceed 2^63 - 1". <https://c2sp.org/tlog-cosignature>.
pub const MAX_COSIGNATURE_TIME: u64 = (1 << 63) - 1;

/// Bytes of an Ed25519 signature. RFC 8032 section 5.1.6.
const ED25519_SIGNATURE_BYTES: usize = 64;
/// Bytes of the time before a cosignature.
const TIME_BYTES: usize = 8;

/// Why a key or a single signature was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A name that cannot stand on a signature line.
    #[error(
        "key name \"{name}\": must be 1 to {MAX_KEY_NAME_BYTES} bytes without spaces, control characters and plus signs"
    )]
    Name {
        /// The start of the name given.
        name: String,
    },
    /// Not `<name>+<8 lower-case hex digits>+<base64>`.
    #[error("verifier key \"{vkey}\": {why}")]
    Malformed {
        /// The start of the text given.
        vkey: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The key ID in the text is not the one its name and key give.
    #[error("verifier key of \"{name}\": key ID is {got}, but name and public key give {want}")]
    KeyId {
        /// Key name.
        name: String,
        /// Key ID in the text, in hex.
        got: String,
        /// Key ID computed, in hex.
        want: String,
    },
    /// A public key that is no point, not in canonical form, or of small order (anyone can sign for it).
    #[error("public key of \"{name}\": {why}")]
    PublicKey {
        /// Key name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A cosignature time after [`MAX_COSIGNATURE_TIME`].
    #[error("cosignature of \"{name}\": time {time} is above {MAX_COSIGNATURE_TIME}")]
    Time {
        /// Key name.
        name: String,
        /// Time in seconds since 1970.
        time: u64,
    },
    /// A signature of the wrong length for its key's type.
    #[error("signature of \"{name}\": {got} bytes after the key ID, {want} needed")]
    SignatureLength {
        /// Key name.
        name: String,
        /// Bytes given.
        got: usize,
        /// Bytes needed.
        want: usize,
    },
    /// A signature that does not verify.
    #[error("signature of \"{name}\": does not verify for this text")]
    SignatureWrong {
        /// Key name.
        name: String,
    },
}

/// What a key signs; the number is the signature type byte. <https://c2sp.org/signed-note>, Signature types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyType {
    /// The note text itself.
    Ed25519 = 0x01,
    /// The note text with a time before it.
    Cosignature = 0x04,
}

/// A public key with the name and ID by which signature lines refer to it. Text form:
/// `<name>+<key ID, 8 hex digits>+<base64 of type byte and public key>`. <https://c2sp.org/signed-note>.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    key_type: KeyType,
    key_id: [u8; 4],
    public_key: VerifyingKey,
}

impl VerifierKey {
    /// Names a public key.
    ///
    /// # Errors
    /// [`KeyError::Name`] or [`KeyError::PublicKey`] (small order, not canonical).
    pub fn new(name: &str, key_type: KeyType, public_key: &VerifyingKey) -> Result<Self, KeyError> {
        check_name(name)?;
        let refuse = |why| Err(KeyError::PublicKey { name: name.to_owned(), why });
        if public_key.is_weak() {
            return refuse("is of small order, so anyone can sign for it");
        }
        // Two encodings of one point would be two key IDs for one key.
        if public_key.to_edwards().compress().as_bytes() != public_key.as_bytes() {
            return refuse("is not in canonical form");
        }
        let key_id = key_id(name, key_type, public_key.as_bytes());
        Ok(Self { name: name.to_owned(), key_type, key_id, public_key: *public_key })
    }

    /// Reads the text form; only the form that [`fmt::Display`] writes is accepted.
    ///
    /// # Errors
    /// [`KeyError`] saying what is wrong.
    pub fn parse(vkey: &str) -> Result<Self, KeyError> {
        let malformed = |why| KeyError::Malformed { vkey: excerpt(vkey), why };
        // Base64 may hold plus signs, so only the first two are separators.
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed("needs a name, a key ID and a key, separated by plus signs"));
        };
        check_name(name)?;
        let key = parse_base64(key).ok_or_else(|| malformed("the key is not canonical base64"))?;
        let Some((&type_byte, key)) = key.split_first() else {
            return Err(malformed("the key is empty"));
        };
        let key_type = match type_byte {
            0x01 => KeyType::Ed25519,
            0x04 => KeyType::Cosignature,
            _ => return Err(malformed("the signature type is neither 0x01 (Ed25519) nor 0x04 (cosignature)")),
        };
        let key: &[u8; 32] = key.try_into().map_err(|_| malformed("the public key is not 32 bytes"))?;
        let public_key = VerifyingKey::from_bytes(key)
            .map_err(|_| KeyError::PublicKey { name: name.to_owned(), why: "is not a point of the curve" })?;
        let verifier = Self::new(name, key_type, &public_key)?;
        let want = hex(verifier.key_id);
        if id != want {
            return Err(KeyError::KeyId { name: name.to_owned(), got: excerpt(id), want });
        }
        Ok(verifier)
    }

    /// The key name: 1 to 255 bytes without spaces and plus signs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the key signs.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// SHA-256(name || 0x0A || type || public key), first four bytes.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// The Ed25519 public key.
    #[must_use]
    pub fn public_key(&self) -> &VerifyingKey {
        &self.public_key
    }

    /// Checks one signature (without its key ID) over a note text by the strict rule: canonical, no point of small
    /// order. Gives the time of a cosignature, `None` for a plain signature.
    ///
    /// # Errors
    /// [`KeyError::SignatureLength`], [`KeyError::Time`] or [`KeyError::SignatureWrong`].
    pub fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, KeyError> {
        let name = || self.name.clone();
        let time_bytes = if self.key_type == KeyType::Cosignature { TIME_BYTES } else { 0 };
        let (got, want) = (signature.len(), time_bytes + ED25519_SIGNATURE_BYTES);
        let wrong_length = || KeyError::SignatureLength { name: name(), got, want };
        let (time, signature) = signature.split_at_checked(time_bytes).ok_or_else(wrong_length)?;
        let signature = Signature::from_slice(signature).map_err(|_| wrong_length())?;
        let time = <[u8; TIME_BYTES]>::try_from(time).ok().map(u64::from_be_bytes);
        let result = match time {
            Some(time) if time > MAX_COSIGNATURE_TIME => return Err(KeyError::Time { name: name(), time }),
            Some(time) => self.public_key.verify_strict(&cosigned_message(time, text), &signature),
            None => self.public_key.verify_strict(text.as_bytes(), &signature),
        };
        result.map(|()| time).map_err(|_| KeyError::SignatureWrong { name: name() })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.key_type as u8][..], self.public_key.as_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, hex(self.key_id), format_base64(&key))
    }
}

/// Whether a text may be a key name on a signature line: not empty, no Unicode space, no plus sign
/// (<https://c2sp.org/signed-note>), and no control character, which no note may hold.
#[must_use]
pub fn is_valid_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c == '+' || c < ' ' || c.is_whitespace())
}

/// Signs a note text (type 0x01): the 64 bytes that follow the key ID.
pub(super) fn sign(key: &SigningKey, text: &str) -> Vec<u8> {
    key.sign(text.as_bytes()).to_bytes().to_vec()
}

/// Cosigns a note text (type 0x04): the 72 bytes that follow the key ID.
pub(super) fn cosign(key: &SigningKey, name: &str, time: u64, text: &str) -> Result<Vec<u8>, KeyError> {
    if time > MAX_COSIGNATURE_TIME {
        return Err(KeyError::Time { name: name.to_owned(), time });
    }
    let signature = key.sign(&cosigned_message(time, text)).to_bytes();
    Ok([&time.to_be_bytes()[..], &signature].concat())
}

/// The bytes a cosignature signs. <https://c2sp.org/tlog-cosignature>, Ed25519 signed message.
fn cosigned_message(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

fn check_name(name: &str) -> Result<(), KeyError> {
    if is_valid_key_name(name) && name.len() <= MAX_KEY_NAME_BYTES {
        Ok(())
    } else {
        Err(KeyError::Name { name: excerpt(name) })
    }
}

fn key_id(name: &str, key_type: KeyType, public_key: &[u8; 32]) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name);
    hasher.update([b'\n', key_type as u8]);
    hasher.update(public_key);
    let digest: [u8; 32] = hasher.finalize().into();
    [digest[0], digest[1], digest[2], digest[3]]
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The vkey in signed-note.md.
    const SPEC_VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn the_example_of_the_specification_is_read_and_written() {
        let key = VerifierKey::parse(SPEC_VKEY).unwrap();
        assert_eq!(
            (key.name(), key.key_type(), key.key_id()),
            ("example.com/foo", KeyType::Ed25519, [0x53, 0x0d, 0x90, 0x3a])
        );
        assert_eq!(key.to_string(), SPEC_VKEY);
    }

    #[test]
    fn bad_keys_are_refused() {
        let swap = |from: &str, to: &str| SPEC_VKEY.replacen(from, to, 1);
        for bad in [
            String::new(),
            "a+b".into(),
            swap("example.com/foo", ""),
            swap("example.com/foo", "example.com/f o"),
            swap("example.com/foo", "example.com/f\u{a0}o"),
            swap("example.com/foo", "example.com/f\u{1}o"),
            swap("example.com/foo", &"a".repeat(256)),
            swap("530d903a", "530D903A"),
            swap("530d903a", "530d903b"),
            swap("530d903a", "0530d903a"),
            swap("U2k", "U2"),
            swap("U2k", "U2l"),
            swap("Aeky", "Aqky"),
            format!("{SPEC_VKEY}\n"),
        ] {
            assert!(VerifierKey::parse(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn weak_and_non_canonical_public_keys_are_refused() {
        let mut one = [0u8; 32];
        one[0] = 1;
        // y = p + 3, a second spelling of y = 3, which is a point of large order.
        let mut above_p = [0xffu8; 32];
        (above_p[0], above_p[31]) = (0xf0, 0x7f);
        for bytes in [[0; 32], one, above_p] {
            let text = format!(
                "n+{}+{}",
                hex(key_id("n", KeyType::Ed25519, &bytes)),
                format_base64(&[&[1u8][..], &bytes].concat())
            );
            let refused = VerifierKey::parse(&text);
            assert!(matches!(refused, Err(KeyError::PublicKey { .. })), "{refused:?}");
        }
    }

    #[test]
    fn a_signature_counts_only_for_its_text_type_and_time() {
        let secret = SigningKey::from_bytes(&[9; 32]);
        let plain = VerifierKey::new("log", KeyType::Ed25519, &secret.verifying_key()).unwrap();
        let timed = VerifierKey::new("log", KeyType::Cosignature, &secret.verifying_key()).unwrap();
        assert_ne!(plain.key_id(), timed.key_id());
        let (signature, cosignature) = (sign(&secret, "a\n"), cosign(&secret, "log", 77, "a\n").unwrap());
        assert_eq!(plain.verify("a\n", &signature), Ok(None));
        assert_eq!(timed.verify("a\n", &cosignature), Ok(Some(77)));
        assert!(plain.verify("b\n", &signature).is_err());
        assert!(plain.verify("a\n", &cosignature).is_err());
        assert!(timed.verify("a\n", &signature).is_err());
        assert!(plain.verify("a\n", &[]).is_err());
        assert!(timed.verify("a\n", &[]).is_err());
        let mut later = cosignature.clone();
        later[7] ^= 1;
        assert!(timed.verify("a\n", &later).is_err());
        later[0] = 0x80;
        assert!(matches!(timed.verify("a\n", &later), Err(KeyError::Time { .. })));
        assert!(cosign(&secret, "log", 1 << 63, "a\n").is_err());
    }

    proptest! {
        #[test]
        fn any_key_survives_its_text(seed: [u8; 32], name in "[a-z./é]{1,40}", timed: bool) {
            let key_type = if timed { KeyType::Cosignature } else { KeyType::Ed25519 };
            let key = VerifierKey::new(&name, key_type, &SigningKey::from_bytes(&seed).verifying_key()).unwrap();
            prop_assert_eq!(VerifierKey::parse(&key.to_string()).unwrap(), key);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,120}", at: prop::sample::Index, put: char) {
            let _ = VerifierKey::parse(&text);
            let mut changed: Vec<char> = SPEC_VKEY.chars().collect();
            *at.get_mut(&mut changed) = put;
            let changed: String = changed.into_iter().collect();
            if let Ok(key) = VerifierKey::parse(&changed) {
                prop_assert_eq!(key.to_string(), changed);
            }
        }
    }
}
