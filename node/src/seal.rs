//! Sealing with age (X25519), at the node's edge because age draws its own randomness.

use std::io::{Read as _, Write as _};
use std::str::FromStr;

use zeroize::Zeroizing;

/// Why a seal key was refused or sealing failed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The text is no age identity.
    #[error("the seal key file does not hold an age identity: {0}")]
    Identity(&'static str),
    /// The text on a card is no age recipient.
    #[error("'{recipient}' is not an age recipient: {error}")]
    Recipient {
        /// The text.
        recipient: String,
        /// What is wrong.
        error: &'static str,
    },
    /// Encryption failed.
    #[error("sealing failed: {0}")]
    Encrypt(#[from] age::EncryptError),
    /// Writing to memory failed.
    #[error("sealing failed: {0}")]
    Write(#[from] std::io::Error),
}

/// A node's key that opens what is sealed to it.
#[derive(Clone)]
pub struct SealKey(age::x25519::Identity);

impl SealKey {
    /// Reads the content of a key file.
    ///
    /// # Errors
    /// [`SealError::Identity`].
    pub fn parse(text: &Zeroizing<String>) -> Result<Self, SealError> {
        age::x25519::Identity::from_str(text.trim_end()).map(Self).map_err(SealError::Identity)
    }

    /// The recipient text for the card.
    pub fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }

    /// Opens sealed bytes; `None` when they are not sealed to this key or were changed.
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let decryptor = age::Decryptor::new_buffered(sealed).ok()?;
        // What is opened is shorter than what was sealed, so this never grows.
        let mut opened = Vec::with_capacity(sealed.len());
        decryptor.decrypt(std::iter::once(&self.0 as _)).ok()?.read_to_end(&mut opened).ok()?;
        Some(opened)
    }
}

/// All keys with which a node opens what is sealed to it: the one on its card first, then those that it had, for what is still
/// under way or sent again.
#[derive(Clone)]
pub struct SealKeys(Vec<SealKey>);

impl SealKeys {
    /// These keys.
    pub fn new(keys: Vec<SealKey>) -> Self {
        Self(keys)
    }

    /// Recipient texts, as they stand on cards.
    pub fn recipients(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(SealKey::recipient)
    }

    /// Opens sealed bytes; `None` when they are not sealed to one of these keys or were changed.
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.0.iter().find_map(|key| key.open(sealed))
    }
}

/// Who is sealed to: an age recipient from a card.
#[derive(Clone)]
pub struct Recipient(age::x25519::Recipient);

impl Recipient {
    /// Reads the text on a card.
    ///
    /// # Errors
    /// [`SealError::Recipient`].
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let recipient = age::x25519::Recipient::from_str(text);
        recipient.map(Self).map_err(|error| SealError::Recipient { recipient: text.to_owned(), error })
    }

    /// Seals bytes.
    ///
    /// # Errors
    /// [`SealError::Encrypt`].
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&self.0 as _))?;
        let mut sealed = Vec::with_capacity(plain.len() + sealing_adds(plain.len()));
        let mut writer = encryptor.wrap_output(&mut sealed)?;
        writer.write_all(plain)?;
        writer.finish()?;
        Ok(sealed)
    }
}

/// Bytes that sealing adds, generously: the header with one recipient, a tag for each 64 KiB, and what a request puts before
/// it.
fn sealing_adds(plain: usize) -> usize {
    2_048 + plain / 4_096
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_only_and_needs_no_more_room_than_was_made() {
        let [key, other] = [0, 1].map(|_| SealKey(age::x25519::Identity::generate()));
        let recipient = Recipient::parse(&key.recipient()).unwrap();
        for length in [0, 1, 1_000, 65_535, 65_536, 65_537, 3_000_000] {
            let plain = vec![7; length];
            let sealed = recipient.seal(&plain).unwrap();
            assert!(sealed.len() <= length + sealing_adds(length), "{length}: {}", sealed.len());
            assert_eq!(key.open(&sealed), Some(plain));
            assert_eq!(other.open(&sealed), None);
            assert_eq!(key.open(&sealed[..sealed.len() - 1]), None);
        }
    }
}
