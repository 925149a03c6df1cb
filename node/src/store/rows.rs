//! Values that are more than bytes: their fields and encoding.

use std::collections::BTreeMap;

use luxor_protocol::api::Traffic;
use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::exchange::{Arrival, DispatchHeader, Envelope, Outcome, ReceiptBody, Withdrawal};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_ANSWER_BYTES, MAX_BATCH_RECORDS, MAX_BODY_BYTES, MAX_CHUNK_BYTES, MAX_SOURCE_BYTES};
use luxor_protocol::time::{Day, Millis};

use super::open::StoreError;

/// Bytes of a log's origin, as cards have it.
const MAX_ORIGIN: usize = 256;

/// A dispatch that this node made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentRow {
    /// Index of its `sent` entry.
    pub entry: u64,
    /// Header and signature.
    pub envelope: Envelope,
    /// What took its place, if it was withdrawn.
    pub withdrawal: Option<Withdrawal>,
}

/// The receipt of a dispatch that this node made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// Index of this node's `receipt` entry.
    pub entry: u64,
    /// The day on which it came.
    pub settled_on: Day,
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
    /// When it was taken, by this node's clock.
    pub at: Millis,
    /// The dispatch's header and signature, or its withdrawal.
    pub arrival: Arrival,
    /// The encoded receipt body; empty once it is erased.
    pub body: Vec<u8>,
    /// Roots of records that were not accepted, in their order: without them no path in the sender's batch could be made.
    pub rejected: Vec<Digest>,
    /// Places and roots of records that were accepted and are erased, for the same reason.
    pub erased: Vec<(usize, Digest)>,
}

impl ReceivedRow {
    /// The header of the dispatch that came; nothing where its withdrawal did.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where it cannot be read.
    pub fn header(&self) -> Result<Option<DispatchHeader>, StoreError> {
        let Arrival::Dispatch(envelope) = &self.arrival else { return Ok(None) };
        let header = DispatchHeader::from_cbor(&envelope.header);
        let damaged = |error| StoreError::damaged(format!("the received row of entry {}", self.entry), error);
        header.map(Some).map_err(damaged)
    }

    /// Roots of the records that are not in the payload, by place: not accepted, or erased since. None where the verdict is erased.
    ///
    /// # Errors
    /// [`CborError`] when the verdict cannot be read.
    pub fn absent(&self) -> Result<BTreeMap<usize, Digest>, CborError> {
        let rejected = match (self.body.is_empty(), &self.body) {
            (true, _) => Vec::new(),
            (false, body) => match ReceiptBody::from_cbor(body)?.outcome {
                Outcome::Taken(rejected) => rejected,
                Outcome::Refused(_) | Outcome::Withdrawn => Vec::new(),
            },
        };
        let rejected = rejected.iter().map(|rejection| rejection.record).zip(self.rejected.iter().copied());
        Ok(rejected.chain(self.erased.iter().copied()).collect())
    }
}

/// What came with records that were passed on, as it came: evidence that verifies without their issuer. It stands beside the row of its
/// dispatch, since it is large and seldom read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow(pub Vec<u8>);

/// A cosigned checkpoint of another's log that proves since when receipts stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessedRow {
    /// It is the first known to cover the entries from this one to its size.
    pub from: u64,
    /// Its quorum time by the log's policy when it was verified: seconds since 1970.
    pub time: u64,
    /// The note with its cosignatures.
    pub note: Vec<u8>,
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

/// What was erased and counts elsewhere, so that the counts still agree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErasedTotals {
    /// Verdicts on dispatches that arrived.
    pub received: Traffic,
    /// Own records.
    pub records: u64,
    /// Own records of which no answer to a chunk tells: it is erased, or they are copies that went to another node of their recipient.
    pub answered: u64,
}

impl ErasedTotals {
    pub(super) fn add(&mut self, more: &Self) {
        self.received.add(&more.received);
        self.records += more.records;
        self.answered += more.answered;
    }
}

/// The state of a received channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChannelRow {
    pub(crate) contiguous: u64,
    pub(crate) hashes: Vec<[u8; 32]>,
    /// The sender signed that it holds receipts up to this.
    pub(crate) held: u64,
}

/// What receipts say of an own channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OutRow {
    /// Origin of the recipient's log.
    pub(crate) origin: String,
    /// The highest contiguous number that receipts under it name.
    pub(crate) confirmed: u64,
}

impl Encode for SentRow {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        writer.uint(self.entry);
        self.envelope.encode(writer);
        match &self.withdrawal {
            Some(withdrawal) => withdrawal.encode(writer),
            None => writer.null(),
        }
    }
}

impl Decode for SentRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let (entry, envelope) = (reader.uint()?, Envelope::decode(reader)?);
        let withdrawal = if reader.null()? { None } else { Some(Withdrawal::decode(reader)?) };
        let row = Self { entry, envelope, withdrawal };
        reader.leave();
        Ok(row)
    }
}

impl Encode for ReceiptRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 4, |writer| {
            writer.uint(self.entry);
            self.settled_on.encode(writer);
            writer.uint(self.recipient_entry);
            writer.bytes(&self.proof);
        });
    }
}

impl Decode for ReceiptRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 4, |reader| {
            Ok(Self {
                entry: reader.uint()?,
                settled_on: Day::decode(reader)?,
                recipient_entry: reader.uint()?,
                proof: reader.bytes(MAX_ANSWER_BYTES)?.to_vec(),
            })
        })
    }
}

impl Encode for ReceivedRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 6, |writer| {
            writer.uint(self.entry);
            self.at.encode(writer);
            self.arrival.encode(writer);
            writer.bytes(&self.body);
            writer.array(self.rejected.len());
            self.rejected.iter().for_each(|root| root.encode(writer));
            writer.array(self.erased.len());
            for (place, root) in &self.erased {
                writer.array(2);
                writer.uint(*place as u64);
                root.encode(writer);
            }
        });
    }
}

impl Decode for ReceivedRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 6, |reader| {
            let (entry, at) = (reader.uint()?, Millis::decode(reader)?);
            let arrival = Arrival::decode(reader)?;
            let body = reader.bytes(MAX_BODY_BYTES)?.to_vec();
            let count = reader.array(MAX_BATCH_RECORDS)?;
            let mut rejected = Vec::with_capacity(count);
            for _ in 0..count {
                rejected.push(Digest::decode(reader)?);
            }
            reader.leave();
            let mut erased = Vec::new();
            for _ in 0..reader.array(MAX_BATCH_RECORDS)? {
                reader.tuple(2)?;
                let place = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize; // at most 10,000
                erased.push((place, Digest::decode(reader)?));
                reader.leave();
            }
            reader.leave();
            Ok(Self { entry, at, arrival, body, rejected, erased })
        })
    }
}

impl Encode for SourceRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 1, |writer| writer.bytes(&self.0));
    }
}

impl Decode for SourceRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 1, |reader| Ok(Self(reader.bytes(MAX_SOURCE_BYTES)?.to_vec())))
    }
}

impl Encode for WitnessedRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 3, |writer| {
            writer.uint(self.from);
            writer.uint(self.time);
            writer.bytes(&self.note);
        });
    }
}

impl Decode for WitnessedRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 3, |reader| {
            Ok(Self { from: reader.uint()?, time: reader.uint()?, note: reader.bytes(MAX_ANSWER_BYTES)?.to_vec() })
        })
    }
}

impl Encode for SubmissionRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 2, |writer| {
            self.digest.encode(writer);
            writer.bytes(&self.result);
        });
    }
}

impl Decode for SubmissionRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 2, |reader| {
            Ok(Self { digest: Digest::decode(reader)?, result: reader.bytes(4 * MAX_CHUNK_BYTES)?.to_vec() })
        })
    }
}

impl Encode for Totals {
    fn encode(&self, writer: &mut Writer) {
        writer.array(10);
        for t in [&self.sent, &self.received] {
            [t.dispatches, t.refused, t.accepted, t.rejected, t.withdrawn].into_iter().for_each(|n| writer.uint(n));
        }
    }
}

impl Decode for Totals {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(10)?;
        let mut traffic = || -> Result<Traffic, CborError> {
            Ok(Traffic {
                dispatches: reader.uint()?,
                refused: reader.uint()?,
                accepted: reader.uint()?,
                rejected: reader.uint()?,
                withdrawn: reader.uint()?,
            })
        };
        let totals = Self { sent: traffic()?, received: traffic()? };
        reader.leave();
        Ok(totals)
    }
}

impl Encode for ErasedTotals {
    fn encode(&self, writer: &mut Writer) {
        let Traffic { dispatches, refused, accepted, rejected, withdrawn } = &self.received;
        encode_checked(writer, 7, |writer| {
            let counts = [dispatches, refused, accepted, rejected, withdrawn, &self.records, &self.answered];
            counts.into_iter().for_each(|count| writer.uint(*count));
        });
    }
}

impl Decode for ErasedTotals {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 7, |reader| {
            let received = Traffic {
                dispatches: reader.uint()?,
                refused: reader.uint()?,
                accepted: reader.uint()?,
                rejected: reader.uint()?,
                withdrawn: reader.uint()?,
            };
            Ok(Self { received, records: reader.uint()?, answered: reader.uint()? })
        })
    }
}

impl Encode for ChannelRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 3, |writer| {
            writer.uint(self.contiguous);
            writer.array(self.hashes.len());
            self.hashes.iter().for_each(|hash| writer.bytes(hash));
            writer.uint(self.held);
        });
    }
}

impl Encode for OutRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 2, |writer| {
            writer.text(&self.origin);
            writer.uint(self.confirmed);
        });
    }
}

impl Decode for OutRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 2, |reader| {
            Ok(Self { origin: reader.text(MAX_ORIGIN)?.to_owned(), confirmed: reader.uint()? })
        })
    }
}

impl Decode for ChannelRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 3, |reader| {
            let contiguous = reader.uint()?;
            let mut hashes = Vec::new();
            for _ in 0..reader.array(64)? {
                hashes.push(reader.fixed()?);
            }
            reader.leave();
            Ok(Self { contiguous, hashes, held: reader.uint()? })
        })
    }
}

/// Writes a row with a checksum behind its fields: for rows of which something follows from nothing else that is stored, so
/// that only a checksum tells that it is as it was written.
pub(super) fn encode_checked(writer: &mut Writer, fields: usize, encode: impl FnOnce(&mut Writer)) {
    let mut row = Writer::new();
    encode(&mut row);
    let row = row.into_bytes();
    writer.array(fields + 1);
    writer.raw(&row);
    writer.bytes(blake3::hash(&row).as_bytes());
}

/// Reads what [`encode_checked`] wrote.
pub(super) fn decode_checked<T>(
    reader: &mut Reader<'_>,
    fields: usize,
    decode: impl FnOnce(&mut Reader<'_>) -> Result<T, CborError>,
) -> Result<T, CborError> {
    reader.tuple(fields + 1)?;
    let start = reader.position();
    let row = decode(reader)?;
    let checksum = blake3::hash(reader.since(start));
    let start = reader.position();
    if checksum != reader.fixed::<32>()? {
        return Err(reader.refuse(start, "the row's checksum does not hold"));
    }
    reader.leave();
    Ok(row)
}
