//! Bodies of log entries, and the receipt: the opening of a `received` entry with its proof (C2SP tlog-proof).
//!
//! There is no signature of its own on a receipt: the checkpoint's covers it, so no receipt exists that is not in the log.

use std::fmt;

use super::answer::RefusalCode;
use super::erased::ErasedBody;
use super::opening::{EntryKind, Opening, OpeningError, Skeleton};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::document::{Directory, KnownNode};
use crate::hash::Digest;
use crate::keys::PublicKey;
use crate::limits::MAX_BATCH_RECORDS;
use crate::names::NodeRef;
use crate::record::Fault;
use crate::tlog::{Checkpoint, KeyType, TlogProof, VerifierKey, leaf_hash};

/// One record that the recipient did not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Its place in the batch, from 0.
    pub record: usize,
    /// Why.
    pub fault: Fault,
    /// Where in the record.
    pub pointer: String,
}

/// The recipient's verdict on a dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Taken, but for these records; none for all accepted. Ordered by record.
    Taken(Vec<Rejection>),
    /// Refused for good; nothing of it is stored.
    Refused(RefusalCode),
    /// It never came; its sender withdrew it.
    Withdrawn,
}

impl Outcome {
    /// How many of a batch's records were accepted and rejected. A withdrawn batch was neither.
    pub fn counts(&self, batch: usize) -> (usize, usize) {
        match self {
            Outcome::Taken(rejected) => (batch.saturating_sub(rejected.len()), rejected.len()),
            Outcome::Refused(_) => (0, batch),
            Outcome::Withdrawn => (0, 0),
        }
    }
}

/// Body of a `received` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptBody {
    /// The dispatch.
    pub dispatch: Digest,
    /// The verdict.
    pub outcome: Outcome,
    /// The highest number up to which the recipient has everything.
    pub contiguous: u64,
    /// RFC 6962 root over the dispatch digests of the numbers 1 to `contiguous`.
    pub channel_root: [u8; 32],
}

/// Body of a `document` entry: the document that was admitted. Its bytes stand beside the log, like all documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentBody {
    /// The document.
    pub document: Digest,
}

/// Body of every other entry: the dispatch that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentBody {
    /// The dispatch.
    pub dispatch: Digest,
}

/// A receipt that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Index of the entry in the recipient's log.
    pub index: u64,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
    /// What the skeleton says.
    pub skeleton: Skeleton,
    /// What the body says.
    pub body: ReceiptBody,
}

/// A deletion receipt that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Index of the `erased` entry in the recipient's log.
    pub index: u64,
    /// What the skeleton says.
    pub skeleton: Skeleton,
    /// What the body says.
    pub body: ErasedBody,
}

/// Why a receipt does not prove anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The file or its checkpoint is refused.
    #[error("the proof does not hold: {0}")]
    Proof(String),
    /// The opening is refused.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// It answers something else.
    #[error("the receipt is about another {0}")]
    Other(&'static str),
}

impl From<CborError> for ReceiptError {
    fn from(error: CborError) -> Self {
        Self::Opening(OpeningError::Decode(error))
    }
}

/// The verifier key (C2SP vkey) of a node's log.
///
/// # Errors
/// [`ReceiptError::Proof`] when the card's origin is no key name.
pub fn log_key(node: &KnownNode) -> Result<VerifierKey, ReceiptError> {
    verifier(&node.card.origin, node.card.log.current())
}

/// Every key under which a card, or one before it, has the log of this origin.
pub fn log_keys(directory: &Directory, origin: &str) -> Vec<VerifierKey> {
    let mut keys = Vec::new();
    for node in directory.all_nodes() {
        keys.extend(keys_of_log(node, origin));
    }
    keys
}

/// The keys of a node's log of this origin, now or before.
pub fn keys_of_log(node: &KnownNode, origin: &str) -> Vec<VerifierKey> {
    match node.card.origin == origin {
        true => node.log_keys().filter_map(|key| verifier(origin, key).ok()).collect(),
        false => former_keys(node, origin),
    }
}

/// The keys of a node's former logs of this origin.
pub fn former_keys(node: &KnownNode, origin: &str) -> Vec<VerifierKey> {
    let former = node.former_logs.iter().filter(|former| former.origin == origin);
    former.flat_map(|former| former.log.all()).filter_map(|key| verifier(origin, key).ok()).collect()
}

fn verifier(origin: &str, log: &PublicKey) -> Result<VerifierKey, ReceiptError> {
    VerifierKey::new(origin, KeyType::Ed25519, log.verifying_key()).map_err(|e| ReceiptError::Proof(e.to_string()))
}

/// Verifies a receipt by `recipient` for the dispatch with this digest, under the log on its card or one before it.
///
/// # Errors
/// [`ReceiptError`] with the first reason.
pub fn read_receipt(recipient: &KnownNode, dispatch: &Digest, proof: &[u8]) -> Result<Receipt, ReceiptError> {
    let receipt = open_receipt(recipient, proof)?;
    if receipt.body.dispatch != *dispatch {
        return Err(ReceiptError::Other("dispatch"));
    }
    Ok(receipt)
}

/// Verifies a receipt by `recipient` for whichever dispatch it names, as [`read_receipt`] does.
///
/// # Errors
/// [`ReceiptError`] with the first reason.
pub fn open_receipt(recipient: &KnownNode, proof: &[u8]) -> Result<Receipt, ReceiptError> {
    let (index, checkpoint, opening) = open_proof(recipient, proof)?;
    let skeleton = opening.read_skeleton()?;
    let body = ReceiptBody::from_cbor(&opening.body)?;
    if skeleton.kind != EntryKind::Received {
        return Err(ReceiptError::Other("kind of entry"));
    }
    Ok(Receipt { index, checkpoint, skeleton, body })
}

/// Verifies the word of `recipient` that something of `sender` is erased there.
///
/// # Errors
/// [`ReceiptError`] with the first reason.
pub fn read_deletion(recipient: &KnownNode, sender: &NodeRef, proof: &[u8]) -> Result<Deletion, ReceiptError> {
    let (index, _, opening) = open_proof(recipient, proof)?;
    let skeleton = opening.read_skeleton()?;
    if skeleton.kind != EntryKind::Erased {
        return Err(ReceiptError::Other("kind of entry"));
    }
    if skeleton.channel.recipient != recipient.node || skeleton.channel.sender != *sender {
        return Err(ReceiptError::Other("channel"));
    }
    let body = ErasedBody::from_cbor(&opening.body)?;
    Ok(Deletion { index, skeleton, body })
}

/// The opening that a file proves under the recipient's log, or one before it.
pub(super) fn open_proof(recipient: &KnownNode, proof: &[u8]) -> Result<(u64, Checkpoint, Opening), ReceiptError> {
    let proof = TlogProof::parse(proof).map_err(|e| ReceiptError::Proof(e.to_string()))?;
    let opening = Opening::from_cbor(proof.extra.as_deref().unwrap_or_default())?;
    let leaf = leaf_hash(&opening.entry());
    log_key(recipient)?;
    let origins = std::iter::once(&recipient.card.origin).chain(recipient.former_logs.iter().map(|log| &log.origin));
    let mut refused = None;
    for key in origins.flat_map(|origin| keys_of_log(recipient, origin)) {
        match proof.verify(&leaf, &key) {
            Ok(checkpoint) => return Ok((proof.index, checkpoint, opening)),
            Err(error) => refused = refused.or(Some(error.to_string())),
        }
    }
    Err(ReceiptError::Proof(refused.unwrap_or_else(|| "every key of its log is revoked".into())))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Taken(rejected) if rejected.is_empty() => f.write_str("accepted"),
            Outcome::Taken(rejected) => write!(f, "partly accepted, {} rejected", rejected.len()),
            Outcome::Refused(code) => write!(f, "refused: {code}"),
            Outcome::Withdrawn => f.write_str("withdrawn"),
        }
    }
}

const MAX_POINTER: usize = 200;

impl Encode for Outcome {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Outcome::Refused(code) => code.encode(writer),
            Outcome::Withdrawn => writer.null(),
            Outcome::Taken(rejected) => {
                writer.array(rejected.len());
                for rejection in rejected {
                    writer.array(3);
                    writer.uint(rejection.record as u64);
                    rejection.fault.encode(writer);
                    let mut end = rejection.pointer.len().min(MAX_POINTER);
                    while !rejection.pointer.is_char_boundary(end) {
                        end -= 1;
                    }
                    writer.text(&rejection.pointer[..end]);
                }
            }
        }
    }
}

impl Encode for ReceiptBody {
    fn encode(&self, writer: &mut Writer) {
        writer.array(4);
        self.dispatch.encode(writer);
        self.outcome.encode(writer);
        writer.uint(self.contiguous);
        writer.bytes(&self.channel_root);
    }
}

impl Decode for Outcome {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        if reader.null()? {
            return Ok(Outcome::Withdrawn);
        }
        if reader.peek_major()? == 0 {
            return Ok(Outcome::Refused(RefusalCode::decode(reader)?));
        }
        let mut rejected: Vec<Rejection> = Vec::new();
        for _ in 0..reader.array(MAX_BATCH_RECORDS)? {
            let start = reader.position();
            reader.tuple(3)?;
            let record = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize; // at most 10,000
            let fault = Fault::decode(reader)?;
            let pointer = reader.text(MAX_POINTER)?.to_owned();
            reader.leave();
            if rejected.last().is_some_and(|last| last.record >= record) {
                return Err(reader.refuse(start, "rejections are not ordered by record"));
            }
            rejected.push(Rejection { record, fault, pointer });
        }
        reader.leave();
        Ok(Outcome::Taken(rejected))
    }
}

impl Decode for ReceiptBody {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(4)?;
        let dispatch = Digest::decode(reader)?;
        let outcome = Outcome::decode(reader)?;
        let body = Self { dispatch, outcome, contiguous: reader.uint()?, channel_root: reader.fixed()? };
        reader.leave();
        Ok(body)
    }
}

impl Encode for DocumentBody {
    fn encode(&self, writer: &mut Writer) {
        writer.array(1);
        self.document.encode(writer);
    }
}

impl Decode for DocumentBody {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(1)?;
        let body = Self { document: Digest::decode(reader)? };
        reader.leave();
        Ok(body)
    }
}

impl Encode for SentBody {
    fn encode(&self, writer: &mut Writer) {
        writer.array(1);
        self.dispatch.encode(writer);
    }
}

impl Decode for SentBody {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(1)?;
        let body = Self { dispatch: Digest::decode(reader)? };
        reader.leave();
        Ok(body)
    }
}
