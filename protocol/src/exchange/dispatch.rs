//! A dispatch: one whole batch, cut to one view, sealed to one node, with its number in the channel.

use super::{Channel, Lane};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain};
use crate::keys::{KeyError, SecretKey, SignatureCheck};
use crate::limits::{MAX_HEADER_BYTES, MAX_RETENTION_DAYS};
use crate::names::{MemberId, NodeRef, Purpose, Slug};
use crate::record::{Batch, GroupSet};
use crate::time::Millis;

/// What stands in clear on a dispatch. It names no person and no goods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchHeader {
    /// The network: digest of its founding charter.
    pub network: Digest,
    /// Sending node, receiving node and epoch.
    pub channel: Channel,
    /// Its number in the channel, from 1.
    pub number: u64,
    /// The batch with its signature.
    pub batch: Batch,
    /// The agreement's id.
    pub agreement: Slug,
    /// Digest of the agreement's version.
    pub agreement_digest: Digest,
    /// What the records may be used for.
    pub purpose: Purpose,
    /// The groups shown.
    pub view: GroupSet,
    /// How long the recipient may keep them.
    pub retention_days: u64,
    /// Who issued the records, where the sender passes on what it received; none where they are its own.
    pub source: Option<MemberId>,
    /// When it was made, by the sender's clock.
    pub sent_at: Millis,
    /// The sender holds the receipts of all numbers up to this.
    pub receipts_held_up_to: u64,
}

/// A dispatch as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// The encoded [`DispatchHeader`].
    pub header: Vec<u8>,
    /// Ed25519 by the sender's `sign` key over the dispatch's digest.
    pub signature: [u8; 64],
    /// The sealed views.
    pub sealed: Vec<u8>,
}

/// A dispatch without its sealed part: what proves who sent what, without any content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The encoded [`DispatchHeader`].
    pub header: Vec<u8>,
    /// Digest of the sealed part.
    pub sealed: Digest,
    /// The sender's signature.
    pub signature: [u8; 64],
}

impl DispatchHeader {
    /// The digest that stands first inside the seal and so binds content to header.
    pub fn digest(encoded: &[u8]) -> Digest {
        Digest::of(Domain::Header, &[encoded])
    }
}

/// The digest of sealed bytes.
pub fn sealed_digest(sealed: &[u8]) -> Digest {
    Digest::of(Domain::Sealed, &[sealed])
}

impl Dispatch {
    /// Signs a header and the bytes sealed for it.
    pub fn sign(network: &Digest, header: Vec<u8>, sealed: Vec<u8>, key: &SecretKey) -> Self {
        Self::sign_with_envelope(network, header, sealed, key).0
    }

    /// The same, with the envelope, whose digest over the sealed bytes is then computed once.
    pub fn sign_with_envelope(network: &Digest, header: Vec<u8>, sealed: Vec<u8>, key: &SecretKey) -> (Self, Envelope) {
        let mut envelope = Envelope { header, sealed: sealed_digest(&sealed), signature: [0; 64] };
        envelope.signature = key.sign(Domain::Dispatch, network, &envelope.digest().0);
        (Self { header: envelope.header.clone(), signature: envelope.signature, sealed }, envelope)
    }

    /// The lane that the header names, read without checking anything else; `None` when it cannot be read.
    pub fn lane(&self) -> Option<Lane> {
        let mut reader = Reader::new(&self.header);
        reader.array(usize::MAX).ok()?;
        Digest::decode(&mut reader).ok()?;
        Channel::decode(&mut reader).ok().map(|channel| channel.lane)
    }

    /// The envelope of this dispatch.
    pub fn envelope(&self) -> Envelope {
        Envelope { header: self.header.clone(), sealed: sealed_digest(&self.sealed), signature: self.signature }
    }
}

impl Envelope {
    /// The dispatch's identity: what its signature covers, what both logs name.
    pub fn digest(&self) -> Digest {
        Digest::of(Domain::Dispatch, &[&self.header, &self.sealed.0])
    }

    /// Checks the sender's signature.
    ///
    /// # Errors
    /// [`KeyError::Signature`].
    pub fn verify(&self, network: &Digest, signer: &impl SignatureCheck) -> Result<(), KeyError> {
        signer.check(Domain::Dispatch, network, &self.digest().0, &self.signature)
    }
}

impl Encode for DispatchHeader {
    fn encode(&self, writer: &mut Writer) {
        writer.array(12);
        self.network.encode(writer);
        self.channel.encode(writer);
        writer.uint(self.number);
        self.batch.encode(writer);
        self.agreement.encode(writer);
        self.agreement_digest.encode(writer);
        self.purpose.encode(writer);
        writer.uint(u64::from(self.view.0));
        writer.uint(self.retention_days);
        match &self.source {
            Some(member) => member.encode(writer),
            None => writer.null(),
        }
        self.sent_at.encode(writer);
        writer.uint(self.receipts_held_up_to);
    }
}

impl Decode for DispatchHeader {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(12)?;
        let network = Digest::decode(reader)?;
        let channel = Channel::decode(reader)?;
        let start = reader.position();
        let number = reader.uint()?;
        if number == 0 {
            return Err(reader.refuse(start, "numbers in a channel start at 1"));
        }
        let batch = Batch::decode(reader)?;
        let agreement = Slug::decode(reader)?;
        let agreement_digest = Digest::decode(reader)?;
        let purpose = Purpose::decode(reader)?;
        let start = reader.position();
        let view = GroupSet(reader.uint_max(u64::from(u32::MAX))? as u32); // at most 32 bits
        if !view.within(batch.header.table.all_groups()) {
            return Err(reader.refuse(start, "the view names a group that the type does not have"));
        }
        let header = Self {
            network,
            channel,
            number,
            batch,
            agreement,
            agreement_digest,
            purpose,
            view,
            retention_days: reader.uint_max(MAX_RETENTION_DAYS)?,
            source: if reader.null()? { None } else { Some(MemberId::decode(reader)?) },
            sent_at: Millis::decode(reader)?,
            receipts_held_up_to: reader.uint()?,
        };
        reader.leave();
        Ok(header)
    }
}

impl Encode for Envelope {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        writer.bytes(&self.header);
        self.sealed.encode(writer);
        writer.bytes(&self.signature);
    }
}

impl Decode for Envelope {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let envelope = Self {
            header: reader.bytes(MAX_HEADER_BYTES)?.to_vec(),
            sealed: Digest::decode(reader)?,
            signature: reader.fixed()?,
        };
        reader.leave();
        Ok(envelope)
    }
}

/// Whoever sends signs the batch, also of records that it passes on.
pub(super) fn is_own_batch(header: &DispatchHeader) -> bool {
    let sender: &NodeRef = &header.channel.sender;
    header.batch.header.node == *sender
}
