//! Values that are more than bytes: their fields and encoding.

use luxor_protocol::api::Traffic;
use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::exchange::Envelope;
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_ANSWER_BYTES, MAX_BODY_BYTES, MAX_CHUNK_BYTES};

/// A dispatch that this node made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentRow {
    /// Index of its `sent` entry.
    pub entry: u64,
    /// Header and signature.
    pub envelope: Envelope,
}

/// The receipt of a dispatch that this node made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// Index of this node's `receipt` entry.
    pub entry: u64,
    /// Index of the `received` entry in the recipient's log.
    pub recipient_entry: u64,
    /// The tlog-proof as it came.
    pub proof: Vec<u8>,
}

/// A dispatch that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedRow {
    /// Index of its `received` entry.
    pub entry: u64,
    /// Header and signature.
    pub envelope: Envelope,
    /// The encoded receipt body.
    pub body: Vec<u8>,
}

/// The answer to a submitted chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionRow {
    /// Digest of the chunk, to tell a repeat from other records under its name.
    pub digest: Digest,
    /// The answer in JSON.
    pub result: Vec<u8>,
}

/// Verdicts since the node was founded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Of dispatches sent.
    pub sent: Traffic,
    /// Of dispatches received.
    pub received: Traffic,
}

/// The state of a received channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ChannelRow {
    pub(super) contiguous: u64,
    pub(super) hashes: Vec<[u8; 32]>,
}

impl Encode for SentRow {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        writer.uint(self.entry);
        self.envelope.encode(writer);
    }
}

impl Decode for SentRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let row = Self { entry: reader.uint()?, envelope: Envelope::decode(reader)? };
        reader.leave();
        Ok(row)
    }
}

impl Encode for ReceiptRow {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        writer.uint(self.entry);
        writer.uint(self.recipient_entry);
        writer.bytes(&self.proof);
    }
}

impl Decode for ReceiptRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let row = Self {
            entry: reader.uint()?,
            recipient_entry: reader.uint()?,
            proof: reader.bytes(MAX_ANSWER_BYTES)?.to_vec(),
        };
        reader.leave();
        Ok(row)
    }
}

impl Encode for ReceivedRow {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        writer.uint(self.entry);
        self.envelope.encode(writer);
        writer.bytes(&self.body);
    }
}

impl Decode for ReceivedRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let row = Self {
            entry: reader.uint()?,
            envelope: Envelope::decode(reader)?,
            body: reader.bytes(MAX_BODY_BYTES)?.to_vec(),
        };
        reader.leave();
        Ok(row)
    }
}

impl Encode for SubmissionRow {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        self.digest.encode(writer);
        writer.bytes(&self.result);
    }
}

impl Decode for SubmissionRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let row = Self { digest: Digest::decode(reader)?, result: reader.bytes(4 * MAX_CHUNK_BYTES)?.to_vec() };
        reader.leave();
        Ok(row)
    }
}

impl Encode for Totals {
    fn encode(&self, writer: &mut Writer) {
        writer.array(8);
        for t in [&self.sent, &self.received] {
            [t.dispatches, t.refused, t.accepted, t.rejected].into_iter().for_each(|n| writer.uint(n));
        }
    }
}

impl Decode for Totals {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(8)?;
        let mut traffic = || -> Result<Traffic, CborError> {
            Ok(Traffic {
                dispatches: reader.uint()?,
                refused: reader.uint()?,
                accepted: reader.uint()?,
                rejected: reader.uint()?,
            })
        };
        let totals = Self { sent: traffic()?, received: traffic()? };
        reader.leave();
        Ok(totals)
    }
}

impl Encode for ChannelRow {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        writer.uint(self.contiguous);
        writer.array(self.hashes.len());
        self.hashes.iter().for_each(|hash| writer.bytes(hash));
    }
}

impl Decode for ChannelRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let contiguous = reader.uint()?;
        let mut hashes = Vec::new();
        for _ in 0..reader.array(64)? {
            hashes.push(reader.fixed()?);
        }
        reader.leave();
        reader.leave();
        Ok(Self { contiguous, hashes })
    }
}
