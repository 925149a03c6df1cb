//! The transport key of a node, and its way to libp2p's peer identity and back.

use std::fmt;

use libp2p::PeerId;
use libp2p::identity::{Keypair, PublicKey, ed25519};

/// The raw Ed25519 public key of a node's transport key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransportKey(pub [u8; 32]);

/// Why bytes are no transport key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The bytes are no point of the curve, so no node can hold the secret half.
    #[error("transport key {key:?} is not an Ed25519 public key: {why}")]
    Public {
        /// The key as given.
        key: TransportKey,
        /// What the curve library says.
        why: String,
    },
    /// The secret half was not accepted.
    #[error("the transport secret is not an Ed25519 secret key: {0}")]
    Secret(String),
}

impl TransportKey {
    /// The public half of a transport secret.
    ///
    /// # Errors
    /// [`KeyError::Secret`] when the bytes are no Ed25519 secret key.
    pub fn from_secret(secret: &[u8; 32]) -> Result<Self, KeyError> {
        Self::of_public(&keypair(secret)?.public())
            .ok_or_else(|| KeyError::Secret("its public half is of another kind".into()))
    }

    /// Whether the bytes are a point of the curve. [`super::start()`] and [`super::NetHandle::set_peers`] leave out
    /// peers whose key is not, with a warning; a layer that takes cards in can refuse such a card earlier.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.peer_id().is_ok()
    }

    pub(super) fn peer_id(&self) -> Result<PeerId, KeyError> {
        let key = ed25519::PublicKey::try_from_bytes(&self.0)
            .map_err(|error| KeyError::Public { key: *self, why: error.to_string() })?;
        Ok(PublicKey::from(key).to_peer_id())
    }

    /// The key inside a peer identity. A short key is embedded whole; identities of other kinds of keys give `None`.
    pub(super) fn from_peer_id(peer: &PeerId) -> Option<Self> {
        Self::of_public(&PublicKey::try_decode_protobuf(peer.as_ref().digest()).ok()?)
    }

    fn of_public(key: &PublicKey) -> Option<Self> {
        Some(Self(key.clone().try_into_ed25519().ok()?.to_bytes()))
    }
}

/// The key pair of a secret. The library wipes the copy it is given.
pub(super) fn keypair(secret: &[u8; 32]) -> Result<Keypair, KeyError> {
    Keypair::ed25519_from_bytes(*secret).map_err(|error| KeyError::Secret(error.to_string()))
}

impl fmt::Debug for TransportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for TransportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_peer_id_map_both_ways() -> Result<(), KeyError> {
        let key = TransportKey::from_secret(&[7; 32])?;
        assert_eq!(TransportKey::from_peer_id(&key.peer_id()?), Some(key));
        assert_eq!(key.peer_id()?, keypair(&[7; 32])?.public().to_peer_id());
        assert_eq!(format!("{key:?}").len(), 64);
        Ok(())
    }

    #[test]
    fn bytes_off_the_curve_are_refused() {
        let off = (0..=u8::MAX).map(|byte| TransportKey([byte; 32])).find(|key| !key.is_valid());
        assert!(off.is_some());
    }
}
