//! The dispute file: one file with everything that shows what became of the numbers that two sides of a channel differ about, verifiable on
//! a machine that never saw the network.
//!
//! In it: the documents with their signatures, the sender's signed dispatches and withdrawals, the recipient's receipts (C2SP tlog-proofs),
//! paths under a receipt's channel root, what either side answered and signed about a window, contradictions among that, cosigned
//! statements, and receipts of third members with which the sender deposited dispatches. Not in it: sealed parts, records, and anybody's opinion; classes and verdicts follow from the evidence
//! ([`super::verdict`]).
//!
//! It is deterministic CBOR, `[domain, digest of the content, content]`; the digest finds damage, who made the file it does not say.
//!
//! Limits: [`MAX_DISPUTE_BYTES`], [`MAX_DISPUTE_ITEMS`], [`MAX_DISPUTE_STATEMENTS`], [`MAX_DISPUTE_DEPOSITS`], [`MAX_PACK_DOCUMENTS`].

use super::question::{Lie, Said};
use super::statement::CosignedStatement;
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::document::{DirectoryError, decode_some};
use crate::exchange::{Arrival, Channel};
use crate::framed::{MAX_FRAME_BYTES, frame, unframe};
use crate::hash::{Digest, Domain};
use crate::limits::{
    MAX_ANSWER_BYTES, MAX_DISPUTE_BYTES, MAX_DISPUTE_DEPOSITS, MAX_DISPUTE_ITEMS, MAX_DISPUTE_STATEMENTS,
    MAX_PACK_DOCUMENTS, MAX_SIGNED_DOCUMENT_BYTES,
};
use crate::names::NodeRef;
use crate::tlog::{Hash, MAX_PROOF_HASHES, NodeReader, ProveError, inclusion_proof};

/// What a file with another domain is refused with.
const OTHER: &str = "does not begin with \"luxor/v1/dispute\"";

/// A dispute about numbers of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeFile {
    /// The charter, cards and agreements, as signed; with the founding charter.
    pub documents: Vec<Vec<u8>>,
    /// The channel.
    pub channel: Channel,
    /// What the sender signed: envelopes and withdrawals.
    pub arrivals: Vec<Arrival>,
    /// Receipts of the recipient (C2SP tlog-proof), without cosignatures of others than the log's witnesses
    /// ([`crate::tlog::Note::keep_signatures_by`]).
    pub receipts: Vec<Vec<u8>>,
    /// Dispatches that stand under the channel root of one of these receipts.
    pub counted: Vec<Counted>,
    /// What either side answered.
    pub said: Vec<Said>,
    /// Where it contradicts itself.
    pub lies: Vec<Lie>,
    /// Statements about windows of the channel.
    pub statements: Vec<CosignedStatement>,
    /// Deposit receipts.
    pub deposits: Vec<Deposited>,
}

/// A receipt for a dispatch of the channel that its sender deposited with a third member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deposited {
    /// The node of that member.
    pub with: NodeRef,
    /// Its receipt (C2SP tlog-proof), without cosignatures of others than its log's witnesses.
    pub receipt: Vec<u8>,
}

/// A dispatch that the recipient counted among those that it has, whether or not it gave a receipt for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The receipt whose channel root it stands under: its place in the file, from 0.
    pub receipt: usize,
    /// The number, at most the receipt's contiguous one.
    pub number: u64,
    /// The dispatch.
    pub dispatch: Digest,
    /// The inclusion proof in the channel's tree (RFC 6962).
    pub path: Vec<Hash>,
}

/// Why a dispute file was refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DisputeError {
    /// It is larger than [`MAX_DISPUTE_BYTES`].
    #[error("the dispute file has {0} bytes, at most {MAX_DISPUTE_BYTES} are allowed")]
    TooLarge(usize),
    /// The bytes are no dispute file.
    #[error("not a dispute file: {0}")]
    Frame(CborError),
    /// The content is not the one that the digest names.
    #[error("the dispute file is damaged: its content has the digest {found}, the file names {named}")]
    Damaged {
        /// What the file names.
        named: Digest,
        /// What the content has.
        found: Digest,
    },
    /// The content has another form.
    #[error("the dispute file's content: {0}")]
    Content(CborError),
    /// The documents do not make a network.
    #[error("the dispute file's documents: {0}")]
    Documents(#[from] DirectoryError),
    /// They make another network than the one expected.
    #[error(
        "the dispute file is of the network {found}, not of {expected}\nhint: the network id is the digest of the founding charter; compare it with what you know from elsewhere"
    )]
    Network {
        /// What the reader gave.
        expected: Digest,
        /// What the file has.
        found: Digest,
    },
    /// No card names a node of the channel.
    #[error("no card in the dispute file names {0}")]
    NoCard(NodeRef),
    /// A piece of evidence does not hold.
    #[error("{what} {at} of the dispute file: {why}")]
    Piece {
        /// What kind of evidence.
        what: &'static str,
        /// Its place among these, from 0.
        at: usize,
        /// What is wrong with it.
        why: String,
    },
}

impl Counted {
    /// Proves a dispatch under the channel root of a receipt, from the nodes of the channel's tree over dispatch digests.
    ///
    /// # Errors
    /// [`ProveError`] when the number is beyond the receipt's contiguous one, or the reader fails.
    pub fn prove<R: NodeReader + ?Sized>(
        tree: &R,
        receipt: usize,
        contiguous: u64,
        number: u64,
        dispatch: Digest,
    ) -> Result<Self, ProveError<R::Error>> {
        let path = inclusion_proof(tree, number.wrapping_sub(1), contiguous)?;
        Ok(Self { receipt, number, dispatch, path })
    }
}

impl DisputeFile {
    /// A file without evidence.
    pub fn new(channel: Channel, documents: Vec<Vec<u8>>) -> Self {
        Self {
            documents,
            channel,
            arrivals: Vec::new(),
            receipts: Vec::new(),
            counted: Vec::new(),
            said: Vec::new(),
            lies: Vec::new(),
            statements: Vec::new(),
            deposits: Vec::new(),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`DisputeError::TooLarge`]; [`DisputeError::Content`] when it has more of something than may be read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DisputeError> {
        let content = self.to_cbor();
        if content.len() > MAX_DISPUTE_BYTES - MAX_FRAME_BYTES {
            return Err(DisputeError::TooLarge(content.len().saturating_add(MAX_FRAME_BYTES)));
        }
        // What nobody can read is not written.
        Self::from_cbor(&content).map_err(DisputeError::Content)?;
        Ok(frame(Domain::Dispute, &content))
    }

    /// Reads the file; nothing in it is verified but the digest of its content.
    ///
    /// # Errors
    /// [`DisputeError::TooLarge`], [`DisputeError::Frame`], [`DisputeError::Damaged`] or [`DisputeError::Content`].
    pub fn read(bytes: &[u8]) -> Result<Self, DisputeError> {
        if bytes.len() > MAX_DISPUTE_BYTES {
            return Err(DisputeError::TooLarge(bytes.len()));
        }
        let (named, content) =
            unframe(Domain::Dispute, OTHER, bytes, MAX_DISPUTE_BYTES).map_err(DisputeError::Frame)?;
        let found = Digest::of(Domain::Dispute, &[content]);
        if named != found {
            return Err(DisputeError::Damaged { named, found });
        }
        Self::from_cbor(content).map_err(DisputeError::Content)
    }
}

impl Encode for DisputeFile {
    fn encode(&self, writer: &mut Writer) {
        writer.array(if self.deposits.is_empty() { 8 } else { 9 });
        writer.bytes_list(&self.documents);
        self.channel.encode(writer);
        writer.list(&self.arrivals);
        writer.bytes_list(&self.receipts);
        writer.list(&self.counted);
        writer.list(&self.said);
        writer.list(&self.lies);
        writer.list(&self.statements);
        if !self.deposits.is_empty() {
            writer.list(&self.deposits);
        }
    }
}

impl Decode for DisputeFile {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let longer = reader.tuple_or_longer(8)?;
        let file = Self {
            documents: reader.list(MAX_PACK_DOCUMENTS, |r| r.bytes(MAX_SIGNED_DOCUMENT_BYTES).map(<[u8]>::to_vec))?,
            channel: Channel::decode(reader)?,
            arrivals: reader.list(MAX_DISPUTE_ITEMS, Decode::decode)?,
            receipts: reader.list(MAX_DISPUTE_ITEMS, |r| r.bytes(MAX_ANSWER_BYTES).map(<[u8]>::to_vec))?,
            counted: reader.list(MAX_DISPUTE_ITEMS, Decode::decode)?,
            said: reader.list(MAX_DISPUTE_ITEMS, Decode::decode)?,
            lies: reader.list(MAX_DISPUTE_STATEMENTS, Decode::decode)?,
            statements: reader.list(MAX_DISPUTE_STATEMENTS, Decode::decode)?,
            deposits: if longer { decode_some(reader, MAX_DISPUTE_DEPOSITS, Decode::decode)? } else { Vec::new() },
        };
        reader.leave();
        Ok(file)
    }
}

impl Encode for Deposited {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        self.with.encode(writer);
        writer.bytes(&self.receipt);
    }
}

impl Decode for Deposited {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let deposited = Self { with: NodeRef::decode(reader)?, receipt: reader.bytes(MAX_ANSWER_BYTES)?.to_vec() };
        reader.leave();
        Ok(deposited)
    }
}

impl Encode for Counted {
    fn encode(&self, writer: &mut Writer) {
        writer.array(4);
        writer.uint(self.receipt as u64);
        writer.uint(self.number);
        self.dispatch.encode(writer);
        writer.array(self.path.len());
        self.path.iter().for_each(|hash| writer.bytes(hash));
    }
}

impl Decode for Counted {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(4)?;
        let receipt = reader.uint_max(MAX_DISPUTE_ITEMS as u64)? as usize; // at most ten thousand
        let (number, dispatch) = (reader.uint()?, Digest::decode(reader)?);
        let path = reader.list(MAX_PROOF_HASHES, Reader::fixed)?;
        reader.leave();
        Ok(Self { receipt, number, dispatch, path })
    }
}
