//! What a difference between the two sides of a channel is called, and what proves it.
//!
//! No log proves that something is not in it. What is proven instead: a receipt names the highest number up to which its recipient
//! has everything and the root over those dispatches, so a number below it was received, whatever is said later.

use super::bisect::Compared;
use super::window::{Side, Stand, withdrawn_digest};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::names::word_enum;

word_enum!(
    /// How the two sides of a channel differ at a number.
    Class, "class of a difference", {
        /// The sender holds a verdict, and the recipient says that nothing came.
        SentNotReceived = 1, "sent_not_received";
        /// The recipient has a dispatch under a number that the sender says it did not use.
        ReceivedNotSent = 2, "received_not_sent";
        /// Two dispatches under one number.
        ContentDiffers = 3, "content_differs";
        /// One dispatch with two verdicts.
        OutcomeDiffers = 4, "outcome_differs";
        /// Sent and not settled, and its receipt is not due yet.
        Pending = 5, "pending";
        /// Sent and not settled, and its receipt was due.
        Withheld = 6, "withheld";
        /// The sender withdrew it, and the recipient did not settle that yet.
        Withdrawn = 7, "withdrawn";
    }
);

/// A number at which the two sides differ, with the class that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    number: u64,
    class: Class,
    sender: Stand,
    recipient: Stand,
}

impl Class {
    /// The class of two stands; `None` where they do not differ. `overdue`: the receipt was due.
    pub fn of(sender: Stand, recipient: Stand, overdue: bool) -> Option<Self> {
        let waits = if overdue { Self::Withheld } else { Self::Pending };
        match (sender, recipient) {
            _ if sender == recipient => None,
            (Stand::Absent, _) => Some(Self::ReceivedNotSent),
            (Stand::Pending(_), Stand::Absent) => Some(waits),
            (Stand::Settled { outcome, .. }, Stand::Absent) if outcome == *withdrawn_digest() => Some(Self::Withdrawn),
            (Stand::Settled { .. }, Stand::Absent) => Some(Self::SentNotReceived),
            _ if sender.dispatch() != recipient.dispatch() => Some(Self::ContentDiffers),
            // The recipient settled it, and its receipt did not come.
            (Stand::Pending(_), _) => Some(waits),
            (Stand::Settled { .. }, _) => Some(Self::OutcomeDiffers),
        }
    }

    /// What proves a difference of this class to somebody who trusts neither side.
    pub fn proof(self) -> &'static str {
        match self {
            Self::SentNotReceived => {
                "the recipient's receipt for the number, or a later one whose contiguous number and channel root have its dispatch"
            }
            Self::ReceivedNotSent => "the sender's signed dispatch under the number",
            Self::ContentDiffers => {
                "two dispatches that the sender signed under the number, or its dispatch and a receipt for another one"
            }
            Self::OutcomeDiffers => "the recipient's receipt",
            Self::Pending | Self::Withheld => {
                "the sender's signed dispatch and the recipient's highest contiguous number; no log proves that a receipt is not there"
            }
            Self::Withdrawn => "the sender's signed withdrawal",
        }
    }
}

impl Difference {
    /// A difference; `None` where the stands do not differ.
    pub fn new(number: u64, sender: Stand, recipient: Stand, overdue: bool) -> Option<Self> {
        Class::of(sender, recipient, overdue).map(|class| Self { number, class, sender, recipient })
    }

    /// The same of what a comparison found, in which `peer` was asked.
    pub fn compared(compared: &Compared, peer: Side, overdue: bool) -> Option<Self> {
        let (sender, recipient) = match peer {
            Side::Sender => (compared.peer, compared.own),
            Side::Recipient => (compared.own, compared.peer),
        };
        Self::new(compared.number, sender, recipient, overdue)
    }

    /// The number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The class.
    pub fn class(&self) -> Class {
        self.class
    }

    /// What the sender has.
    pub fn sender(&self) -> Stand {
        self.sender
    }

    /// What the recipient has.
    pub fn recipient(&self) -> Stand {
        self.recipient
    }
}

impl Encode for Difference {
    fn encode(&self, writer: &mut Writer) {
        writer.array(4);
        writer.uint(self.number);
        self.class.encode(writer);
        self.sender.encode(writer);
        self.recipient.encode(writer);
    }
}

impl Decode for Difference {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(4)?;
        let (number, class) = (reader.uint()?, Class::decode(reader)?);
        let (sender, recipient) = (Stand::decode(reader)?, Stand::decode(reader)?);
        reader.leave();
        let difference = Self::new(number, sender, recipient, class == Class::Withheld);
        difference
            .filter(|difference| difference.class == class)
            .ok_or_else(|| reader.refuse(start, "the class of another difference"))
    }
}
