//! What a recipient answers: `error`, `later`, a receipt; a page of its log to an auditor with a mandate; checkpoints and
//! what a witness says of them; documents.

use std::fmt;

use super::checkpoints::{Holdings, NewestCheckpoint};
use super::deposit::DepositPart;
use super::documents::{decode_digests, decode_documents, encode_digests, encode_documents};
use super::opening::{ENTRY_BYTES, Entry};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::limits::{
    MAX_ANSWER_BYTES, MAX_AUDIT_PAGE_ENTRIES, MAX_BODY_BYTES, MAX_SEALED_RANGE_BYTES, MAX_SKELETON_BYTES,
};
use crate::names::word_enum;

word_enum!(
    /// Not authentic, not decodable or not for me: unlogged, counted, changes nothing.
    ErrorCode, "error code", {
        /// The connection's key is on no card.
        NotAMember = 1, "not_a_member";
        /// The dispatch names another network.
        WrongNetwork = 2, "wrong_network";
        /// The dispatch's signature does not match.
        BadSignature = 3, "bad_signature";
        /// The dispatch is addressed to another node.
        NotForMe = 4, "not_for_me";
        /// The dispatch names another sender than the node that brought it.
        WrongSender = 5, "wrong_sender";
        /// The bytes are no request.
        Undecodable = 6, "undecodable";
        /// The request is larger than allowed.
        Oversized = 7, "oversized";
        /// Other bytes were received under this number before.
        NumberUsed = 8, "number_used";
        /// The number is too far above the highest contiguous one.
        NumberOutOfWindow = 9, "number_out_of_window";
        /// The sealed part belongs to another header.
        ForeignSeal = 10, "foreign_seal";
        /// No mandate gives this part of the log.
        NoMandate = 11, "no_mandate";
        /// The sender has too many dispatches unanswered here.
        TooManyInFlight = 12, "too_many_in_flight";
        /// The channel's epoch is not the one on the sender's card.
        WrongEpoch = 13, "wrong_epoch";
        /// The sender's log has shown two histories.
        Forked = 14, "forked";
        /// This node has no such thing to show.
        NotThere = 15, "not_there";
        /// The receipt was given, and its body is erased since: its sender held it, or asks too late.
        Erased = 30, "erased";
        /// The word that something is erased proves nothing.
        BadDeletion = 31, "bad_deletion";
        /// The statement proposed is another one than follows from what this node has.
        OtherStatement = 32, "other_statement";
        /// No row in force has this dispatch deposited here.
        NoDeposit = 33, "no_deposit";
    }
);

word_enum!(
    /// Why an authentic dispatch was refused for good: logged and receipted, nothing of it stored.
    RefusalCode, "refusal", {
        /// No row of the agreement gives this view to this recipient.
        NotPermitted = 1, "not_permitted";
        /// The seal does not open with this node's key.
        Unsealable = 2, "unsealable";
        /// The opened bytes are no list of views.
        Malformed = 3, "malformed";
        /// The batch is not signed by its issuer.
        BatchSignature = 4, "batch_signature";
        /// The views do not lead to the batch's root.
        BatchRoot = 5, "batch_root";
        /// The sealed part shows more than the header says.
        ShowsMore = 6, "shows_more";
        /// The content is redundant beyond the expansion limit, or larger than allowed.
        Expansion = 7, "expansion";
        /// Records passed on: what came as the agreement is not it, or not signed by everybody who had to.
        SourceAgreement = 40, "source_agreement";
        /// Records passed on: the dispatch in which they came is another than it should be, or passed them on itself.
        SourceDispatch = 41, "source_dispatch";
        /// Records passed on: a signature of their issuer does not hold.
        SourceSignature = 42, "source_signature";
        /// Records passed on: the receipt does not show that they were accepted, or they were to be erased.
        SourceReceipt = 43, "source_receipt";
        /// Records passed on: no quorum cosigned the receipt's checkpoint.
        SourceUnwitnessed = 44, "source_unwitnessed";
        /// Records passed on: one does not stand in its issuer's batch, or is not accounted for.
        SourcePath = 45, "source_path";
    }
);

word_enum!(
    /// What the recipient lacks for now; the number is not consumed.
    Lack, "lack", {
        /// The agreement that the dispatch names.
        Agreement = 1, "agreement";
        /// The card of the sending node.
        Card = 2, "card";
        /// Space or attention.
        Capacity = 3, "capacity";
        /// The type version of the batch.
        Version = 4, "version";
        /// The word of its witnesses on what it signed before: it has just started.
        Witnesses = 5, "witnesses";
        /// An agreement that nobody has suspended: a party's word against it is known here, or one that resumes it is not.
        Suspended = 50, "suspended";
        /// A charter in which both members take part, and whoever issued what is passed on; or a card or key of that one.
        Membership = 51, "membership";
    }
);

/// One entry as an auditor gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The entry in the log.
    pub entry: Entry,
    /// The salt of its opening.
    pub salt: [u8; 16],
    /// The encoded skeleton.
    pub skeleton: Vec<u8>,
    /// The commitment to the body.
    pub body_hash: Digest,
    /// Body salt and body, where the mandate gives them and they are not erased.
    pub body: Option<([u8; 16], Vec<u8>)>,
    /// The signed envelope or the counterparty's receipt behind it, where the mandate gives it.
    pub evidence: Option<Vec<u8>>,
}

/// One page of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The newest signed checkpoint (a C2SP note).
    pub checkpoint: Vec<u8>,
    /// Entries from the index asked for.
    pub entries: Vec<AuditEntry>,
    /// Every earlier signed checkpoint whose size lies behind the page's first and at most at its last entry.
    pub checkpoints: Vec<Vec<u8>>,
}

/// What a recipient answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Refused without trace.
    Error {
        /// Why.
        code: ErrorCode,
        /// What exactly, for people.
        detail: String,
    },
    /// Not now.
    Later {
        /// What is lacking.
        lacks: Lack,
        /// Which one, for people.
        detail: String,
    },
    /// The number is beyond the window, but the sender says that it holds receipts for numbers which this node does not
    /// have: it lost its data. The number is not consumed; what follows `after` is to be sent again.
    Resend {
        /// The highest number up to which this node has everything.
        after: u64,
    },
    /// Final: a C2SP tlog-proof whose extra line is the opening.
    Receipt(Vec<u8>),
    /// One page of the log.
    Page(AuditPage),
    /// What a witness says of a checkpoint: status and body of the answer to a C2SP `add-checkpoint`.
    Witness {
        /// The HTTP status code that it has over HTTP.
        status: u16,
        /// Signature lines, a size, or words.
        body: Vec<u8>,
    },
    /// The newest checkpoint of the log.
    Checkpoint(NewestCheckpoint),
    /// What is held of logs.
    Holdings(Holdings),
    /// A C2SP tlog-proof, without an extra line, under a checkpoint with a quorum of cosignatures.
    Proof(Vec<u8>),
    /// The word that something is erased was taken.
    DeletionNoted,
    /// Documents that are known here; none when they are those of the summary asked with.
    DocumentsKnown(Vec<Digest>),
    /// Signed documents of those asked for, as many as fit.
    Documents(Vec<Vec<u8>>),
    /// Of the documents offered, those that are known here now.
    DocumentsTaken(Vec<Digest>),
    /// The range asked for, an [`super::AttachmentRange`] sealed (age) to the node that asked: whoever has no more than its transport key
    /// cannot read it.
    Attachment(Vec<u8>),
    /// What stands in the window asked about: an encoded, signed [`crate::reconciliation::Reply`].
    Window(Vec<u8>),
    /// The statement proposed is signed and stands in this log too: the signature of this node's `sign` key.
    Statement([u8; 64]),
    /// The first deposit asked about, or a range of it; nothing where none lies.
    Deposit(Option<DepositPart>),
}

const MAX_DETAIL: usize = 1_000;
const MAX_NOTE: usize = 64 * 1024;
/// Bytes of a proof of inclusion: 63 hashes, the numbers and the note.
const MAX_TLOG_PROOF: usize = MAX_NOTE + 4 * 1024;
/// The largest status code of HTTP.
const MAX_STATUS: u64 = 599;
/// Checkpoints on one page; each covers at least one entry of it.
const MAX_PAGE_CHECKPOINTS: usize = MAX_AUDIT_PAGE_ENTRIES;

impl Answer {
    /// An error with its detail, shortened to what may travel.
    pub fn error(code: ErrorCode, detail: impl fmt::Display) -> Self {
        Self::Error { code, detail: shorten(&detail.to_string()) }
    }

    /// A `later` with its detail.
    pub fn later(lacks: Lack, detail: impl fmt::Display) -> Self {
        Self::Later { lacks, detail: shorten(&detail.to_string()) }
    }
}

fn shorten(text: &str) -> String {
    let mut end = text.len().min(MAX_DETAIL);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

impl Encode for Answer {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Answer::Error { code, detail } => {
                writer.array(3);
                writer.uint(0);
                code.encode(writer);
                writer.text(detail);
            }
            Answer::Later { lacks, detail } => {
                writer.array(3);
                writer.uint(1);
                lacks.encode(writer);
                writer.text(detail);
            }
            Answer::Receipt(proof) => {
                writer.array(2);
                writer.uint(2);
                writer.bytes(proof);
            }
            Answer::Resend { after } => {
                writer.array(2);
                writer.uint(4);
                writer.uint(*after);
            }
            Answer::Witness { status, body } => {
                writer.array(3);
                writer.uint(5);
                writer.uint(u64::from(*status));
                writer.bytes(body);
            }
            Answer::Checkpoint(newest) => {
                writer.array(2);
                writer.uint(6);
                newest.encode(writer);
            }
            Answer::Holdings(holdings) => {
                writer.array(2);
                writer.uint(7);
                holdings.encode(writer);
            }
            Answer::Proof(proof) => {
                writer.array(2);
                writer.uint(8);
                writer.bytes(proof);
            }
            Answer::DeletionNoted => {
                writer.array(1);
                writer.uint(9);
            }
            Answer::DocumentsKnown(digests) => {
                writer.array(2);
                writer.uint(10);
                encode_digests(writer, digests);
            }
            Answer::Documents(documents) => {
                writer.array(2);
                writer.uint(11);
                encode_documents(writer, documents);
            }
            Answer::DocumentsTaken(digests) => {
                writer.array(2);
                writer.uint(12);
                encode_digests(writer, digests);
            }
            Answer::Attachment(sealed) => {
                writer.array(2);
                writer.uint(13);
                writer.bytes(sealed);
            }
            Answer::Window(reply) => {
                writer.array(2);
                writer.uint(14);
                writer.bytes(reply);
            }
            Answer::Statement(signature) => {
                writer.array(2);
                writer.uint(15);
                writer.bytes(signature);
            }
            Answer::Deposit(part) => {
                writer.array(2);
                writer.uint(16);
                match part {
                    Some(part) => part.encode(writer),
                    None => writer.null(),
                }
            }
            Answer::Page(page) => {
                writer.array(4);
                writer.uint(3);
                writer.bytes(&page.checkpoint);
                writer.array(page.entries.len());
                page.entries.iter().for_each(|entry| entry.encode(writer));
                writer.array(page.checkpoints.len());
                page.checkpoints.iter().for_each(|note| writer.bytes(note));
            }
        }
    }
}

impl Decode for Answer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let length = reader.array(4)?;
        let answer = match (reader.uint()?, length) {
            (0, 3) => Self::Error { code: ErrorCode::decode(reader)?, detail: reader.text(MAX_DETAIL)?.to_owned() },
            (1, 3) => Self::Later { lacks: Lack::decode(reader)?, detail: reader.text(MAX_DETAIL)?.to_owned() },
            (2, 2) => Self::Receipt(reader.bytes(MAX_ANSWER_BYTES)?.to_vec()),
            (3, 4) => {
                let checkpoint = reader.bytes(MAX_NOTE)?.to_vec();
                let mut entries = Vec::new();
                for _ in 0..reader.array(MAX_AUDIT_PAGE_ENTRIES)? {
                    entries.push(AuditEntry::decode(reader)?);
                }
                reader.leave();
                let mut checkpoints = Vec::new();
                for _ in 0..reader.array(MAX_PAGE_CHECKPOINTS)? {
                    checkpoints.push(reader.bytes(MAX_NOTE)?.to_vec());
                }
                reader.leave();
                Self::Page(AuditPage { checkpoint, entries, checkpoints })
            }
            (4, 2) => Self::Resend { after: reader.uint()? },
            (5, 3) => Self::Witness {
                status: reader.uint_max(MAX_STATUS)? as u16, // at most 599
                body: reader.bytes(MAX_NOTE)?.to_vec(),
            },
            (6, 2) => Self::Checkpoint(NewestCheckpoint::decode(reader)?),
            (7, 2) => Self::Holdings(Holdings::decode(reader)?),
            (8, 2) => Self::Proof(reader.bytes(MAX_TLOG_PROOF)?.to_vec()),
            (9, 1) => Self::DeletionNoted,
            (10, 2) => Self::DocumentsKnown(decode_digests(reader)?),
            (11, 2) => Self::Documents(decode_documents(reader)?),
            (12, 2) => Self::DocumentsTaken(decode_digests(reader)?),
            (13, 2) => Self::Attachment(reader.bytes(MAX_SEALED_RANGE_BYTES)?.to_vec()),
            (14, 2) => Self::Window(reader.bytes(MAX_ANSWER_BYTES)?.to_vec()),
            (15, 2) => Self::Statement(reader.fixed()?),
            (16, 2) => Self::Deposit(if reader.null()? { None } else { Some(DepositPart::decode(reader)?) }),
            _ => return Err(reader.refuse(start, "not an answer")),
        };
        reader.leave();
        Ok(answer)
    }
}

/// Writes what is shown of an entry beside its skeleton: body with its salt, and evidence.
pub(crate) fn encode_shown(writer: &mut Writer, body: Option<&([u8; 16], Vec<u8>)>, evidence: Option<&[u8]>) {
    match body {
        None => writer.null(),
        Some((salt, body)) => {
            writer.array(2);
            writer.bytes(salt);
            writer.bytes(body);
        }
    }
    match evidence {
        None => writer.null(),
        Some(evidence) => writer.bytes(evidence),
    }
}

/// Body with its salt, and evidence.
type Shown = (Option<([u8; 16], Vec<u8>)>, Option<Vec<u8>>);

/// Reads what [`encode_shown`] wrote.
pub(crate) fn decode_shown(reader: &mut Reader<'_>) -> Result<Shown, CborError> {
    let body = if reader.null()? {
        None
    } else {
        reader.tuple(2)?;
        let body = (reader.fixed()?, reader.bytes(MAX_BODY_BYTES)?.to_vec());
        reader.leave();
        Some(body)
    };
    let evidence = if reader.null()? { None } else { Some(reader.bytes(MAX_ANSWER_BYTES)?.to_vec()) };
    Ok((body, evidence))
}

impl Encode for AuditEntry {
    fn encode(&self, writer: &mut Writer) {
        writer.array(6);
        writer.bytes(&self.entry);
        writer.bytes(&self.salt);
        writer.bytes(&self.skeleton);
        self.body_hash.encode(writer);
        encode_shown(writer, self.body.as_ref(), self.evidence.as_deref());
    }
}

impl Decode for AuditEntry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(6)?;
        let entry = reader.fixed::<ENTRY_BYTES>()?;
        let salt = reader.fixed()?;
        let skeleton = reader.bytes(MAX_SKELETON_BYTES)?.to_vec();
        let body_hash = Digest::decode(reader)?;
        let (body, evidence) = decode_shown(reader)?;
        reader.leave();
        Ok(Self { entry, salt, skeleton, body_hash, body, evidence })
    }
}
