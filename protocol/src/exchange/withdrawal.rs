//! A withdrawal: the sender's signed word that a number it gave will not be sent (again).
//!
//! It settles the number: a recipient that has the dispatch answers with the receipt given for it, one that has not logs the
//! withdrawal and receipts that. So a dispatch that cannot go out any more leaves no gap in its channel.

use super::Channel;
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyError, SecretKey, SignatureCheck};
use crate::limits::MAX_HEADER_BYTES;
use crate::time::Millis;

/// What a withdrawal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawalHeader {
    /// The network: digest of its founding charter.
    pub network: Digest,
    /// The channel of the dispatch.
    pub channel: Channel,
    /// Its number there.
    pub number: u64,
    /// Its digest, as the `sent` entry names it.
    pub dispatch: Digest,
    /// Digest of the agreement that it rested on.
    pub agreement: Digest,
    /// When it was withdrawn, by the sender's clock.
    pub withdrawn_at: Millis,
}

/// A withdrawal as it travels and as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// The encoded [`WithdrawalHeader`].
    pub header: Vec<u8>,
    /// Ed25519 by the sender's `sign` key over the header.
    pub signature: [u8; 64],
}

impl Withdrawal {
    /// Signs a withdrawal.
    pub fn sign(header: &WithdrawalHeader, key: &SecretKey) -> Self {
        let encoded = header.to_cbor();
        let signature = key.sign(Domain::Withdrawal, &header.network, &encoded);
        Self { header: encoded, signature }
    }

    /// Checks the sender's signature.
    ///
    /// # Errors
    /// [`KeyError::Signature`].
    pub fn verify(&self, network: &Digest, signer: &impl SignatureCheck) -> Result<(), KeyError> {
        signer.check(Domain::Withdrawal, network, &self.header, &self.signature)
    }

    /// Reads what it says.
    ///
    /// # Errors
    /// [`CborError`].
    pub fn read(&self) -> Result<WithdrawalHeader, CborError> {
        WithdrawalHeader::from_cbor(&self.header)
    }
}

impl Encode for WithdrawalHeader {
    fn encode(&self, writer: &mut Writer) {
        writer.array(6);
        self.network.encode(writer);
        self.channel.encode(writer);
        writer.uint(self.number);
        self.dispatch.encode(writer);
        self.agreement.encode(writer);
        self.withdrawn_at.encode(writer);
    }
}

impl Decode for WithdrawalHeader {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(6)?;
        let (network, channel) = (Digest::decode(reader)?, Channel::decode(reader)?);
        let start = reader.position();
        let number = reader.uint()?;
        if number == 0 {
            return Err(reader.refuse(start, "numbers in a channel start at 1"));
        }
        let header = Self {
            network,
            channel,
            number,
            dispatch: Digest::decode(reader)?,
            agreement: Digest::decode(reader)?,
            withdrawn_at: Millis::decode(reader)?,
        };
        reader.leave();
        Ok(header)
    }
}

impl Encode for Withdrawal {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        writer.bytes(&self.header);
        writer.bytes(&self.signature);
    }
}

impl Decode for Withdrawal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let withdrawal = Self { header: reader.bytes(MAX_HEADER_BYTES)?.to_vec(), signature: reader.fixed()? };
        reader.leave();
        Ok(withdrawal)
    }
}
