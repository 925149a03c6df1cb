//! Sealing with age (X25519), at the node's edge because age draws its own randomness.

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
        age::decrypt(&self.0, sealed).ok()
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
        Ok(age::encrypt(&self.0, plain)?)
    }
}
