//! Nodes as their cards, present and former, describe them.

use crate::document::{CardNode, Keys};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyError, KeyId, PublicKey, SignatureCheck};
use crate::names::{MemberId, NodeRef};

/// A node with the member that runs it.
#[derive(Debug, Clone)]
pub struct KnownNode {
    /// Its full name.
    pub node: NodeRef,
    /// Who runs it.
    pub member: MemberId,
    /// Its keys and addresses.
    pub card: CardNode,
    /// Logs that it kept before, newest first; receipts under them still hold.
    pub former_logs: Vec<FormerLog>,
    /// Keys on its earlier cards that signed batches and dispatches.
    pub(super) former_sign: Vec<PublicKey>,
    /// Keys on its earlier cards that signed checkpoints of the log that it keeps now.
    pub(super) former_log_keys: Vec<PublicKey>,
    /// Keys on its earlier cards that cosigned.
    pub(super) former_witness: Vec<PublicKey>,
    /// Those of its keys, present and former, that are revoked.
    pub(super) revoked: Vec<KeyId>,
    /// Whether its member is in the charter and has it on its newest card.
    pub(super) belongs: bool,
}

/// A log that a node kept before the one on its card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerLog {
    /// Its origin.
    pub origin: String,
    /// Its keys.
    pub log: Keys,
}

/// Signatures of a node that arrive now: by a key on its card that is not revoked.
#[derive(Debug, Clone, Copy)]
pub struct Now<'n>(&'n KnownNode);

/// Signatures of a node that were made at some time: by any key that it has or had.
#[derive(Debug, Clone, Copy)]
pub struct Ever<'n>(&'n KnownNode);

impl KnownNode {
    /// Checks what it signs now.
    pub fn now(&self) -> Now<'_> {
        Now(self)
    }

    /// Checks what it signed at some time.
    pub fn ever(&self) -> Ever<'_> {
        Ever(self)
    }

    /// Whether this key of its is revoked.
    pub fn is_revoked(&self, key: &PublicKey) -> bool {
        self.revoked.contains(&key.id())
    }

    /// Whether its member is in the charter and has it on its newest card. What one that does not belong signed before still verifies.
    pub fn belongs(&self) -> bool {
        self.belongs
    }

    /// Keys that may sign checkpoints of its log: those on its card first, then former ones, none that is revoked.
    pub fn log_keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.card.log.all().iter().chain(&self.former_log_keys).filter(|key| !self.is_revoked(key))
    }

    /// Keys with which it cosigns or cosigned: those on its card first, none that is revoked.
    pub fn witness_keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.card.witness.all().iter().chain(&self.former_witness).filter(|key| !self.is_revoked(key))
    }

    /// Keys with which it may connect, the one in use first.
    pub fn transport_keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.card.transport.all().iter().filter(|key| !self.is_revoked(key))
    }

    /// The key among all that signed batches and dispatches at some time that made this signature.
    pub fn signer(&self, domain: Domain, network: &Digest, body: &[u8], signature: &[u8; 64]) -> Option<&PublicKey> {
        let by = |key: &&PublicKey| key.verify(domain, network, body, signature).is_ok();
        self.card.sign.all().iter().chain(&self.former_sign).find(by)
    }
}

impl SignatureCheck for Now<'_> {
    fn check(&self, domain: Domain, network: &Digest, body: &[u8], signature: &[u8; 64]) -> Result<(), KeyError> {
        let key = self.0.card.sign.verify(domain, network, body, signature)?;
        if self.0.is_revoked(key) { Err(KeyError::Revoked(key.id())) } else { Ok(()) }
    }
}

impl SignatureCheck for Ever<'_> {
    fn check(&self, domain: Domain, network: &Digest, body: &[u8], signature: &[u8; 64]) -> Result<(), KeyError> {
        match self.0.signer(domain, network, body, signature) {
            Some(_) => Ok(()),
            None => Err(KeyError::Signature(self.0.card.sign.current().purpose().name())),
        }
    }
}
