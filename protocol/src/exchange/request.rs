//! What one node asks of another.

use std::ops::Range;

use super::attachment::ShownIn;
use super::dispatch::Dispatch;
use super::documents::{decode_digests, decode_documents, encode_digests, encode_documents};
use super::opening::Lane;
use super::withdrawal::Withdrawal;
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::limits::{
    ATTACHMENT_RANGE_BYTES, MAX_ANSWER_BYTES, MAX_ATTACHMENT_BYTES, MAX_AUDIT_PAGE_ENTRIES, MAX_HEADER_BYTES,
    MAX_NAMED_ENTRIES, MAX_PROPOSAL_BYTES, MAX_QUESTION_BYTES, MAX_SEALED_BYTES, MAX_SIZES_ASKED,
};
use crate::tlog::MAX_ADD_CHECKPOINT_BYTES;

/// A request between nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Take this dispatch.
    Dispatch(Dispatch),
    /// Settle a number that will not be sent (again).
    Withdrawal(Withdrawal),
    /// Cosign this checkpoint of my log: the body of a C2SP `add-checkpoint`.
    AddCheckpoint(Vec<u8>),
    /// Show the newest checkpoint of your log, with what leads to it from each of these sizes.
    Checkpoint {
        /// Entries of the largest checkpoint of it that is held, 0 for none, and of others not yet placed.
        have: Vec<u64>,
    },
    /// Tell the largest checkpoints that you hold of logs, first of mine: what a node asks before it signs anything.
    Holdings,
    /// Prove this entry of your log under the first checkpoint you have with a quorum of cosignatures that covers it.
    Proof {
        /// Its index.
        index: u64,
    },
    /// Take this word that something of yours is erased here: a tlog-proof of an `erased` entry, and the numbers of the dispatches that it
    /// is about.
    Deletion {
        /// The proof, its extra line the opening.
        proof: Vec<u8>,
        /// The numbers, in the order of the entries named.
        numbers: Vec<u64>,
    },
    /// Show a page of your log, under a mandate.
    AuditRead {
        /// Index of the first entry wanted.
        from: u64,
        /// At most so many entries.
        count: u64,
    },
    /// Which documents do you know? None are told if their summary is this one.
    DocumentsKnown {
        /// Summary of those that the asking node knows, see [`crate::document::Directory::summary`].
        summary: Digest,
    },
    /// Show these documents, as many as fit.
    DocumentsWanted(Vec<Digest>),
    /// Take these signed documents.
    TakeDocuments(Vec<Vec<u8>>),
    /// Show a range of an attached file that a record names in a dispatch of yours to me.
    Attachment {
        /// The file.
        digest: Digest,
        /// The dispatch.
        shown_in: ShownIn,
        /// Where the range begins: a multiple of [`crate::limits::ATTACHMENT_RANGE_BYTES`].
        offset: u64,
    },
    /// What stands in a window of a channel between us: an encoded [`crate::reconciliation::Question`].
    Window(Vec<u8>),
    /// Sign this statement about a window of my channel to you: an encoded [`crate::reconciliation::Proposal`].
    Statement(Vec<u8>),
    /// Keep this sealed dispatch for its recipient, whose receipt is overdue.
    Deposit(Dispatch),
    /// Show what was deposited for me: the first whose entry in your log is `from` or later.
    Deposits {
        /// All whose entries are below this are decided here and need not be kept for me.
        done: u64,
        /// The first entry of interest, at least `done`.
        from: u64,
        /// Where in its sealed bytes the answer begins.
        offset: u64,
    },
}

impl Request {
    /// Reads a request as [`Decode::from_cbor`] does; a sealed part, which may be large, stays in the memory in which it came.
    ///
    /// # Errors
    /// [`CborError`].
    pub fn from_vec(mut bytes: Vec<u8>) -> Result<Self, CborError> {
        let mut reader = Reader::new(&bytes);
        let (mut request, sealed) = read(&mut reader)?;
        reader.finish()?;
        if let Request::Dispatch(dispatch) | Request::Deposit(dispatch) = &mut request {
            bytes.truncate(sealed.end);
            bytes.drain(..sealed.start);
            dispatch.sealed = bytes;
        }
        Ok(request)
    }

    /// The encoding of a request to take this dispatch; the sealed part stays in its memory if that has some room.
    pub fn of_dispatch(dispatch: Dispatch) -> Vec<u8> {
        let mut head = Writer::new();
        encode_head(TAKE, &dispatch, &mut head);
        let mut bytes = dispatch.sealed;
        bytes.splice(..0, head.into_bytes());
        bytes
    }
}

/// The number of a request to take a dispatch, and of one to keep it for its recipient.
const TAKE: u64 = 1;
const KEEP: u64 = 15;

/// Everything of a dispatch's encoding before the sealed bytes, which end it.
fn encode_head(number: u64, dispatch: &Dispatch, writer: &mut Writer) {
    writer.array(4);
    writer.uint(number);
    writer.bytes(&dispatch.header);
    writer.bytes(&dispatch.signature);
    writer.bytes_head(dispatch.sealed.len());
}

/// Reads a request but for the sealed part of a dispatch, which is left empty, and tells where that lies.
fn read(reader: &mut Reader<'_>) -> Result<(Request, Range<usize>), CborError> {
    let start = reader.position();
    let length = reader.array(4)?;
    let mut place = 0..0;
    let request = match (reader.uint()?, length) {
        (number @ (TAKE | KEEP), 4) => {
            let (header, signature) = (reader.bytes(MAX_HEADER_BYTES)?.to_vec(), reader.fixed()?);
            let sealed = reader.bytes(MAX_SEALED_BYTES)?.len();
            place = reader.position() - sealed..reader.position();
            let dispatch = Dispatch { header, signature, sealed: Vec::new() };
            if number == TAKE { Request::Dispatch(dispatch) } else { Request::Deposit(dispatch) }
        }
        (2, 3) => Request::AuditRead { from: reader.uint()?, count: reader.uint_max(MAX_AUDIT_PAGE_ENTRIES as u64)? },
        (3, 3) => Request::Withdrawal(Withdrawal {
            header: reader.bytes(MAX_HEADER_BYTES)?.to_vec(),
            signature: reader.fixed()?,
        }),
        (4, 2) => Request::AddCheckpoint(reader.bytes(MAX_ADD_CHECKPOINT_BYTES)?.to_vec()),
        (5, 2) => {
            let mut have = Vec::new();
            for _ in 0..reader.array(MAX_SIZES_ASKED)? {
                have.push(reader.uint()?);
            }
            reader.leave();
            Request::Checkpoint { have }
        }
        (6, 1) => Request::Holdings,
        (7, 2) => Request::Proof { index: reader.uint()? },
        (8, 3) => {
            let proof = reader.bytes(MAX_ANSWER_BYTES)?.to_vec();
            let mut numbers = Vec::new();
            for _ in 0..reader.array(MAX_NAMED_ENTRIES)? {
                numbers.push(reader.uint()?);
            }
            reader.leave();
            Request::Deletion { proof, numbers }
        }
        (9, 2) => Request::DocumentsKnown { summary: Digest::decode(reader)? },
        (10, 2) => Request::DocumentsWanted(decode_digests(reader)?),
        (11, 2) => Request::TakeDocuments(decode_documents(reader)?),
        (12, 4) => {
            let digest = Digest::decode(reader)?;
            reader.tuple(3)?;
            let shown_in = ShownIn { epoch: reader.uint()?, lane: Lane::decode(reader)?, number: reader.uint()? };
            reader.leave();
            let start = reader.position();
            let offset = reader.uint_max(MAX_ATTACHMENT_BYTES - 1)?;
            if !offset.is_multiple_of(ATTACHMENT_RANGE_BYTES) {
                return Err(reader.refuse(start, "no range begins there"));
            }
            Request::Attachment { digest, shown_in, offset }
        }
        (13, 2) => Request::Window(reader.bytes(MAX_QUESTION_BYTES)?.to_vec()),
        (14, 2) => Request::Statement(reader.bytes(MAX_PROPOSAL_BYTES)?.to_vec()),
        (16, 4) => {
            let (done, start) = (reader.uint()?, reader.position());
            let from = reader.uint()?;
            if from < done {
                return Err(reader.refuse(start, "what is asked for is decided already"));
            }
            Request::Deposits { done, from, offset: reader.uint_max(MAX_SEALED_BYTES as u64)? }
        }
        _ => return Err(reader.refuse(start, "not a request")),
    };
    reader.leave();
    Ok((request, place))
}

impl Encode for Request {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Request::Dispatch(dispatch) => {
                encode_head(TAKE, dispatch, writer);
                writer.raw(&dispatch.sealed);
            }
            Request::Deposit(dispatch) => {
                encode_head(KEEP, dispatch, writer);
                writer.raw(&dispatch.sealed);
            }
            Request::Deposits { done, from, offset } => {
                writer.array(4);
                writer.uint(16);
                [done, from, offset].into_iter().for_each(|number| writer.uint(*number));
            }
            Request::AddCheckpoint(body) => {
                writer.array(2);
                writer.uint(4);
                writer.bytes(body);
            }
            Request::Checkpoint { have } => {
                writer.array(2);
                writer.uint(5);
                writer.array(have.len());
                have.iter().for_each(|size| writer.uint(*size));
            }
            Request::Holdings => {
                writer.array(1);
                writer.uint(6);
            }
            Request::Proof { index } => {
                writer.array(2);
                writer.uint(7);
                writer.uint(*index);
            }
            Request::Deletion { proof, numbers } => {
                writer.array(3);
                writer.uint(8);
                writer.bytes(proof);
                writer.array(numbers.len());
                numbers.iter().for_each(|number| writer.uint(*number));
            }
            Request::DocumentsKnown { summary } => {
                writer.array(2);
                writer.uint(9);
                summary.encode(writer);
            }
            Request::DocumentsWanted(digests) => {
                writer.array(2);
                writer.uint(10);
                encode_digests(writer, digests);
            }
            Request::TakeDocuments(documents) => {
                writer.array(2);
                writer.uint(11);
                encode_documents(writer, documents);
            }
            Request::Attachment { digest, shown_in: ShownIn { epoch, lane, number }, offset } => {
                writer.array(4);
                writer.uint(12);
                digest.encode(writer);
                writer.array(3);
                writer.uint(*epoch);
                lane.encode(writer);
                writer.uint(*number);
                writer.uint(*offset);
            }
            Request::Window(question) => {
                writer.array(2);
                writer.uint(13);
                writer.bytes(question);
            }
            Request::Statement(proposal) => {
                writer.array(2);
                writer.uint(14);
                writer.bytes(proposal);
            }
            Request::Withdrawal(withdrawal) => {
                writer.array(3);
                writer.uint(3);
                writer.bytes(&withdrawal.header);
                writer.bytes(&withdrawal.signature);
            }
            Request::AuditRead { from, count } => {
                writer.array(3);
                writer.uint(2);
                writer.uint(*from);
                writer.uint(*count);
            }
        }
    }
}

impl Decode for Request {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let (mut request, sealed) = read(reader)?;
        if let Request::Dispatch(dispatch) | Request::Deposit(dispatch) = &mut request {
            dispatch.sealed = reader.between(sealed).to_vec();
        }
        Ok(request)
    }
}
