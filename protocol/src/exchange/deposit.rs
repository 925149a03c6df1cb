//! A sealed dispatch deposited with a third member, since its recipient withholds the receipt: who may keep it, what the receipt for that proves, and how
//! the recipient fetches it.
//!
//! The depositary is named by the row under which the dispatch goes (term `deposit`). It verifies who signed the dispatch and that the row lets it
//! go, as the recipient would, and cannot open the seal. Its receipt says that these bytes lay there from a time on; whether the recipient took them it
//! does not say.
//!
//! Not here: when something is deposited or fetched, and how much is kept (the node).

use super::answer::{Answer, ErrorCode, Lack};
use super::check::{check_epoch, permits, undecodable, wait_for};
use super::dispatch::{Dispatch, DispatchHeader, Envelope};
use super::opening::{EntryKind, Skeleton};
use super::receipt::{ReceiptError, SentBody, open_proof};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::document::{Denial, Directory, KnownNode};
use crate::hash::Digest;
use crate::limits::{DEPOSIT_RANGE_BYTES, MAX_HEADER_BYTES, MAX_SEALED_BYTES};
use crate::names::{MemberId, NodeRef};
use crate::time::{Day, Millis};
use crate::tlog::Checkpoint;

/// A dispatch that may be kept for its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depositing {
    /// What it says.
    pub header: DispatchHeader,
    /// Header and signature: the evidence behind the log entry.
    pub envelope: Envelope,
    /// The dispatch's identity.
    pub digest: Digest,
    /// The day by which its bytes must be gone here: as late as they may be gone at the recipient, had they come today.
    pub due: Day,
}

/// A deposit receipt that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deposit {
    /// Index of the `deposited` entry in the depositary's log.
    pub index: u64,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
    /// What the skeleton says.
    pub skeleton: Skeleton,
    /// The dispatch.
    pub dispatch: Digest,
}

/// A deposit on its way to its recipient, or a range of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepositPart {
    /// Index of the `deposited` entry.
    pub entry: u64,
    /// The encoded [`DispatchHeader`].
    pub header: Vec<u8>,
    /// The sender's signature.
    pub signature: [u8; 64],
    /// Bytes of the whole sealed part.
    pub length: u64,
    /// Those from the offset asked for on, at most [`DEPOSIT_RANGE_BYTES`].
    pub sealed: Vec<u8>,
}

/// The member with which a dispatch of this header may be deposited on a day, if its row names one. What passes others' records on has none: its
/// agreement is inside the seal. Where rows for the same type, sides and purpose name different members, or some none, it has none: by which of
/// them it goes only its content tells.
///
/// # Errors
/// Why it may not go at all.
pub fn depositary(directory: &Directory, header: &DispatchHeader, now: Millis) -> Result<Option<MemberId>, Denial> {
    if header.source.is_some() {
        return Ok(None);
    }
    let named = permits(directory, header, now)?.flow.depositary();
    let (from, to) = (header.channel.sender.member(), header.channel.recipient.member());
    let table = header.batch.header.table;
    let flows = directory.agreement(&header.agreement_digest).map(|agreement| agreement.flows.as_slice());
    let mut alike = flows.unwrap_or_default().iter().filter(|flow| {
        flow.type_name == table.name
            && flow.type_versions.contains(&table.version)
            && flow.purpose == header.purpose
            && flow.from.contains(&from)
            && flow.to.contains(&to)
    });
    Ok(named.filter(|named| alike.all(|flow| flow.depositary().as_ref() == Some(named))))
}

/// Checks a dispatch to another node that `peer` brought to `me` to be kept for that. The order is that of a dispatch as far as the seal.
///
/// # Errors
/// The [`Answer`] (`error` or `later`); nothing else comes of it.
pub fn check_deposit(
    directory: &Directory,
    me: &NodeRef,
    peer: &KnownNode,
    dispatch: &Dispatch,
    now: Millis,
) -> Result<Depositing, Answer> {
    let signed = || {
        let envelope = dispatch.envelope();
        match envelope.verify(&directory.network(), &peer.now()) {
            Ok(()) => Ok(envelope),
            Err(error) => Err(Answer::error(ErrorCode::BadSignature, format!("deposit: {error}"))),
        }
    };
    let header = match DispatchHeader::from_cbor(&dispatch.header) {
        Ok(header) => header,
        Err(error) => return Err(undecodable(&dispatch.header, &error, signed)),
    };
    let network = directory.network();
    if header.network != network {
        return Err(Answer::error(ErrorCode::WrongNetwork, format!("this is network {network}")));
    }
    let (channel, mine) = (&header.channel, me.member());
    if channel.sender != peer.node {
        let detail = format!("{} brought something of {}", peer.node, channel.sender);
        return Err(Answer::error(ErrorCode::WrongSender, detail));
    }
    let envelope = signed()?;
    check_epoch(peer, channel)?;
    let none = |why: &str| {
        let detail = format!(
            "{why}: nothing of {channel} is deposited with {mine}\nhint: the row under which a dispatch goes names who keeps it, as deposit = \"{mine}\""
        );
        Answer::error(ErrorCode::NoDeposit, detail)
    };
    if header.source.is_some() {
        return Err(none("the agreement of records that are passed on is inside the seal"));
    }
    if directory.agreement(&header.agreement_digest).is_none() {
        let detail = format!("agreement {} ({})", header.agreement, header.agreement_digest);
        return Err(Answer::later(Lack::Agreement, detail));
    }
    if directory.active(&mine).is_none() {
        return Err(Answer::later(Lack::Membership, format!("{mine} does not take part")));
    }
    let keeps = match depositary(directory, &header, now) {
        Ok(keeps) => keeps,
        Err(denial) => return Err(wait_for(&denial, &header).unwrap_or_else(|| none(&denial.to_string()))),
    };
    if keeps.as_ref() != Some(&mine) {
        return Err(none(&match keeps {
            Some(other) => format!("the row of agreement {} names {other}", header.agreement),
            None => format!("the row of agreement {} names nobody", header.agreement),
        }));
    }
    let due = now.day().plus(header.retention_days);
    Ok(Depositing { digest: envelope.digest(), header, envelope, due })
}

/// Verifies a deposit receipt by `depositary` for the dispatch with this digest, under the log on its card or one before it.
///
/// # Errors
/// [`ReceiptError`] with the first reason.
pub fn read_deposit(depositary: &KnownNode, dispatch: &Digest, proof: &[u8]) -> Result<Deposit, ReceiptError> {
    let deposit = open_deposit(depositary, proof)?;
    if deposit.dispatch != *dispatch {
        return Err(ReceiptError::Other("dispatch"));
    }
    Ok(deposit)
}

/// Verifies a deposit receipt by `depositary` for whichever dispatch it names, as [`read_deposit`] does.
///
/// # Errors
/// [`ReceiptError`] with the first reason.
pub fn open_deposit(depositary: &KnownNode, proof: &[u8]) -> Result<Deposit, ReceiptError> {
    let (index, checkpoint, opening) = open_proof(depositary, proof)?;
    let skeleton = opening.read_skeleton()?;
    if skeleton.kind != EntryKind::Deposited {
        return Err(ReceiptError::Other("kind of entry"));
    }
    let body = SentBody::from_cbor(&opening.body)?;
    Ok(Deposit { index, checkpoint, skeleton, dispatch: body.dispatch })
}

impl Depositing {
    /// The skeleton of the `deposited` entry.
    pub fn skeleton(&self) -> Skeleton {
        Skeleton {
            kind: EntryKind::Deposited,
            agreement: self.header.agreement_digest,
            channel: self.header.channel.clone(),
            number: self.header.number,
            due: self.due,
        }
    }

    /// The body of the `deposited` entry.
    pub fn body(&self) -> Vec<u8> {
        SentBody { dispatch: self.digest }.to_cbor()
    }
}

impl Encode for DepositPart {
    fn encode(&self, writer: &mut Writer) {
        writer.array(5);
        writer.uint(self.entry);
        writer.bytes(&self.header);
        writer.bytes(&self.signature);
        writer.uint(self.length);
        writer.bytes(&self.sealed);
    }
}

impl Decode for DepositPart {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(5)?;
        let part = Self {
            entry: reader.uint()?,
            header: reader.bytes(MAX_HEADER_BYTES)?.to_vec(),
            signature: reader.fixed()?,
            length: reader.uint_max(MAX_SEALED_BYTES as u64)?,
            sealed: reader.bytes(DEPOSIT_RANGE_BYTES)?.to_vec(),
        };
        reader.leave();
        Ok(part)
    }
}
