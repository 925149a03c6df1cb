//! What a log entry commits to: a skeleton that stays for the log's life, and a body that can be erased.
//!
//! Entry = version byte 1 and `H(salt, skeleton, H(body salt, body))`, 33 bytes. Salt, skeleton and body hash stay; erasing
//! destroys body and body salt, and the entry still opens to its skeleton.

use std::fmt;

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain};
use crate::limits::{MAX_BODY_BYTES, MAX_SKELETON_BYTES};
use crate::names::{NodeRef, word_enum};
use crate::time::Day;

/// Bytes of every log entry.
pub const ENTRY_BYTES: usize = 33;
const ENTRY_VERSION: u8 = 1;

/// A log entry.
pub type Entry = [u8; ENTRY_BYTES];

word_enum!(
    /// What an entry records.
    EntryKind, "kind of entry", {
        /// A dispatch was made for another node.
        Sent = 1, "sent";
        /// A dispatch arrived and was answered; this entry's opening is its receipt.
        Received = 2, "received";
        /// A counterparty's receipt arrived.
        Receipt = 3, "receipt";
        /// A number that was given will not be sent (again).
        Withdrawn = 4, "withdrawn";
        /// A number that had a receipt waits for another one, since the recipient lost its data.
        Resent = 5, "resent";
        /// What this node holds of others' logs.
        Peers = 6, "peers";
        /// The largest checkpoints that others hold of this node's former logs: the first entry of a log that follows one.
        Succeeded = 7, "succeeded";
        /// Content is gone, by its date or by order.
        Erased = 8, "erased";
        /// Content may not go, or may again.
        Hold = 9, "hold";
        /// This node admitted a document.
        Document = 10, "document";
        /// Both sides of a channel signed what they agree on about a window of its numbers.
        Statement = 11, "statement";
        /// A sealed dispatch between two others was deposited here, since its receipt is overdue; this entry's opening is the receipt for that.
        Deposited = 12, "deposited";
    }
);

word_enum!(
    /// Which of two streams between the same nodes. Each has numbers of its own, so a backlog in one never holds up the other.
    Lane, "lane", {
        /// Everything that is not urgent.
        Ordinary = 1, "ordinary";
        /// What must pass a backlog: do not load, revocations.
        Urgent = 2, "urgent";
    }
);

/// The numbered stream from one node to another in one epoch and lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel {
    /// Who sends.
    pub sender: NodeRef,
    /// Who receives.
    pub recipient: NodeRef,
    /// The sender's epoch, from 1; it stands on the sender's card.
    pub epoch: u64,
    /// Its lane.
    pub lane: Lane,
}

/// The part of an opening that stays for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skeleton {
    /// What the entry records.
    pub kind: EntryKind,
    /// Digest of the agreement it rests on.
    pub agreement: Digest,
    /// Its channel.
    pub channel: Channel,
    /// Its number there.
    pub number: u64,
    /// The day by which its content must be gone.
    pub due: Day,
}

/// All that an entry commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Hides the skeleton from those who only see the log.
    pub salt: [u8; 16],
    /// The encoded [`Skeleton`].
    pub skeleton: Vec<u8>,
    /// Hides the body from those who may only see the skeleton.
    pub body_salt: [u8; 16],
    /// The encoded body, its form given by the kind.
    pub body: Vec<u8>,
}

/// An opening that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpeningError {
    /// The bytes are no opening.
    #[error("not an opening: {0}")]
    Decode(#[from] CborError),
    /// The entry commits to something else.
    #[error("the entry does not commit to this opening")]
    Mismatch,
}

impl Skeleton {
    /// The skeleton of an entry that is about no dispatch (`peers`, `succeeded`, `hold`, `document`): no agreement, the node's channel
    /// to itself.
    /// `number` is the time in seconds since 1970.
    pub fn of_node(kind: EntryKind, node: &NodeRef, epoch: u64, number: u64, due: Day) -> Self {
        let channel = Channel { sender: node.clone(), recipient: node.clone(), epoch, lane: Lane::Ordinary };
        Self { kind, agreement: Digest::ZERO, channel, number, due }
    }

    /// Whether it has the form that [`Skeleton::of_node`] gives.
    pub fn is_of_node(&self) -> bool {
        self.agreement == Digest::ZERO
            && self.channel.sender == self.channel.recipient
            && self.channel.lane == Lane::Ordinary
    }
}

impl EntryKind {
    /// Whether entries of this kind are about no dispatch.
    pub fn is_of_node(self) -> bool {
        matches!(self, Self::Peers | Self::Succeeded | Self::Hold | Self::Document)
    }

    /// Whether something signed stands behind entries of this kind.
    pub fn has_evidence(self) -> bool {
        !self.is_of_node() && self != Self::Erased
    }
}

impl Opening {
    /// Makes an opening; both salts are fresh random bytes.
    pub fn new(skeleton: &Skeleton, body: Vec<u8>, salt: [u8; 16], body_salt: [u8; 16]) -> Self {
        Self { salt, skeleton: skeleton.to_cbor(), body_salt, body }
    }

    /// The entry that commits to it.
    pub fn entry(&self) -> Entry {
        entry_of(&self.salt, &self.skeleton, &self.body_hash())
    }

    /// The commitment to the body.
    pub fn body_hash(&self) -> Digest {
        Digest::of(Domain::Body, &[&self.body_salt, &self.body])
    }

    /// Reads the skeleton.
    ///
    /// # Errors
    /// [`OpeningError::Decode`].
    pub fn read_skeleton(&self) -> Result<Skeleton, OpeningError> {
        Ok(Skeleton::from_cbor(&self.skeleton)?)
    }
}

/// The entry that commits to a skeleton and a body hash, with the body erased or withheld.
pub fn entry_of(salt: &[u8; 16], skeleton: &[u8], body_hash: &Digest) -> Entry {
    let mut entry = [ENTRY_VERSION; ENTRY_BYTES];
    entry[1..].copy_from_slice(&Digest::of(Domain::Entry, &[salt, skeleton, &body_hash.0]).0);
    entry
}

impl Channel {
    /// The recipient, with the lane where it is the urgent one: how a node's outbox names a channel.
    pub fn waiting_name(&self) -> String {
        match self.lane {
            Lane::Ordinary => self.recipient.to_string(),
            Lane::Urgent => format!("{} (urgent)", self.recipient),
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urgent = if self.lane == Lane::Urgent { ", urgent" } else { "" };
        write!(f, "{} -> {} (epoch {}{urgent})", self.sender, self.recipient, self.epoch)
    }
}

impl Encode for Channel {
    fn encode(&self, writer: &mut Writer) {
        writer.array(4);
        self.sender.encode(writer);
        self.recipient.encode(writer);
        writer.uint(self.epoch);
        self.lane.encode(writer);
    }
}

impl Decode for Channel {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(4)?;
        let channel = Self {
            sender: NodeRef::decode(reader)?,
            recipient: NodeRef::decode(reader)?,
            epoch: reader.uint()?,
            lane: Lane::decode(reader)?,
        };
        reader.leave();
        Ok(channel)
    }
}

impl Encode for Skeleton {
    fn encode(&self, writer: &mut Writer) {
        writer.array(5);
        self.kind.encode(writer);
        self.agreement.encode(writer);
        self.channel.encode(writer);
        writer.uint(self.number);
        self.due.encode(writer);
    }
}

impl Decode for Skeleton {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(5)?;
        let skeleton = Self {
            kind: EntryKind::decode(reader)?,
            agreement: Digest::decode(reader)?,
            channel: Channel::decode(reader)?,
            number: reader.uint()?,
            due: Day::decode(reader)?,
        };
        reader.leave();
        Ok(skeleton)
    }
}

impl Encode for Opening {
    fn encode(&self, writer: &mut Writer) {
        writer.array(4);
        writer.bytes(&self.salt);
        writer.bytes(&self.skeleton);
        writer.bytes(&self.body_salt);
        writer.bytes(&self.body);
    }
}

impl Decode for Opening {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(4)?;
        let opening = Self {
            salt: reader.fixed()?,
            skeleton: reader.bytes(MAX_SKELETON_BYTES)?.to_vec(),
            body_salt: reader.fixed()?,
            body: reader.bytes(MAX_BODY_BYTES)?.to_vec(),
        };
        reader.leave();
        Ok(opening)
    }
}
