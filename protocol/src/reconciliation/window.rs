//! A window: a range of numbers of one channel, with a tree over what stands at each, and the root of any part of it.
//!
//! The tree over a range splits it at the number inside whose index has the most trailing zeros. So a part that is aligned and
//! complete is a node that a side stores once, whatever window it lies in, and a window from number 1 has the root of RFC 6962.
//!
//! Not here: what a side keeps of it ([`super::kept`]); what is asked and answered about a window ([`super::question`]).
//!
//! Limit: [`MAX_WINDOW_NUMBERS`].

use std::fmt;
use std::sync::LazyLock;

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::exchange::{Channel, Outcome};
use crate::hash::{Digest, Domain};
use crate::limits::MAX_WINDOW_NUMBERS;
use crate::names::word_enum;
use crate::tlog::{Hash, MAX_TREE_SIZE, NodeReader, leaf_hash, node_hash};

word_enum!(
    /// One of the two nodes of a channel.
    Side, "side of a channel", {
        /// The node that gives the numbers.
        Sender = 1, "sender";
        /// The node that receives.
        Recipient = 2, "recipient";
    }
);

/// What one side has at a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stand {
    /// Nothing.
    Absent,
    /// A dispatch without a verdict: the sender holds no receipt and did not withdraw it.
    Pending(Digest),
    /// A dispatch with its verdict. Of one that was withdrawn a sender says so until its receipt tells another verdict, because the dispatch
    /// had come before the withdrawal.
    Settled {
        /// The dispatch.
        dispatch: Digest,
        /// [`outcome_digest`] of the verdict.
        outcome: Digest,
    },
}

/// Numbers one after another: at least one, the first at least 1, the last at most 2^63 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    from: u64,
    count: u64,
}

/// A range of numbers of one channel, closed by its sender: it gave all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Window {
    /// The channel.
    pub channel: Channel,
    span: Span,
}

/// Why there is no such window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no window of {count} numbers from {from}: it has 1 to {MAX_WINDOW_NUMBERS} numbers, the first at least 1\nhint: compare a larger range in several windows"
)]
pub struct WindowError {
    /// The first number.
    pub from: u64,
    /// How many.
    pub count: u64,
}

/// The digest of an outcome that stands in a leaf.
pub fn outcome_digest(outcome: &Outcome) -> Digest {
    Digest::of(Domain::Outcome, &[&outcome.to_cbor()])
}

/// [`outcome_digest`] of a withdrawal.
pub fn withdrawn_digest() -> &'static Digest {
    static WITHDRAWN: LazyLock<Digest> = LazyLock::new(|| outcome_digest(&Outcome::Withdrawn));
    &WITHDRAWN
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Sender => Self::Recipient,
            Self::Recipient => Self::Sender,
        }
    }

    /// The node of a channel that has this side.
    pub fn of(self, channel: &Channel) -> &crate::names::NodeRef {
        match self {
            Self::Sender => &channel.sender,
            Self::Recipient => &channel.recipient,
        }
    }
}

impl Stand {
    /// The leaf of a window's tree: RFC 6962 over number, dispatch and outcome, zeros where there is none.
    pub fn leaf(&self, number: u64) -> Hash {
        let outcome = match self {
            Stand::Settled { outcome, .. } => *outcome,
            Stand::Absent | Stand::Pending(_) => Digest::ZERO,
        };
        let mut bytes = [0; 72];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes[8..40].copy_from_slice(&self.dispatch().unwrap_or(Digest::ZERO).0);
        bytes[40..].copy_from_slice(&outcome.0);
        leaf_hash(&bytes)
    }

    /// The dispatch, where there is one.
    pub fn dispatch(&self) -> Option<Digest> {
        match self {
            Stand::Absent => None,
            Stand::Pending(dispatch) | Stand::Settled { dispatch, .. } => Some(*dispatch),
        }
    }

    /// A dispatch with this verdict.
    pub fn settled(dispatch: Digest, outcome: &Outcome) -> Self {
        Self::Settled { dispatch, outcome: outcome_digest(outcome) }
    }

    /// A dispatch that was withdrawn.
    pub fn withdrawn(dispatch: Digest) -> Self {
        Self::Settled { dispatch, outcome: *withdrawn_digest() }
    }
}

impl Span {
    /// So many numbers from this one; `None` when there are none, or one is 0 or beyond 2^63 - 1.
    pub fn new(from: u64, count: u64) -> Option<Self> {
        let fits = from.checked_add(count.checked_sub(1)?).is_some_and(|last| last <= MAX_TREE_SIZE);
        (from > 0 && fits).then_some(Self { from, count })
    }

    /// The first number.
    pub fn from(&self) -> u64 {
        self.from
    }

    /// How many numbers.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The last number.
    pub fn last(&self) -> u64 {
        self.from + (self.count - 1)
    }

    /// Whether all numbers of the other are in this one.
    pub fn has(&self, other: &Span) -> bool {
        self.from <= other.from && other.last() <= self.last()
    }

    /// Its two parts; `None` of one number.
    pub fn halves(&self) -> Option<(Span, Span)> {
        let (low, last) = (self.from - 1, self.last() - 1);
        // The highest bit in which the first index and the last differ is set in the index that is split at.
        let bit = (low ^ last).checked_ilog2()?;
        let middle = last >> bit << bit;
        let left = Span { from: self.from, count: middle - low };
        Some((left, Span { from: middle + 1, count: self.count - left.count }))
    }

    /// Its parts so many levels further down, in order; one number has no parts but itself.
    pub fn parts(&self, bits: u32) -> Vec<Span> {
        let mut parts = Vec::new();
        self.each_part(bits, &mut |part| parts.push(part));
        parts
    }

    fn each_part(&self, bits: u32, take: &mut impl FnMut(Span)) {
        match bits.checked_sub(1).zip(self.halves()) {
            Some((bits, (left, right))) => {
                left.each_part(bits, take);
                right.each_part(bits, take);
            }
            None => take(*self),
        }
    }

    /// The root over its numbers, from nodes that are stored.
    ///
    /// # Errors
    /// Whatever keeps the reader from giving a node.
    pub fn root<R: NodeReader + ?Sized>(&self, kept: &R) -> Result<Hash, R::Error> {
        let low = self.from - 1;
        if self.count.is_power_of_two() && low.is_multiple_of(self.count) {
            let level = self.count.trailing_zeros();
            return kept.node(level, low >> level);
        }
        match self.halves() {
            Some((left, right)) => Ok(node_hash(&left.root(kept)?, &right.root(kept)?)),
            None => kept.node(0, low),
        }
    }

    /// The root that these roots of its [`Span::parts`] lead to; `None` when there are more or fewer of them.
    pub fn fold(&self, bits: u32, roots: &[Hash]) -> Option<Hash> {
        let mut roots = roots.iter();
        let root = self.fold_next(bits, &mut roots)?;
        roots.next().is_none().then_some(root)
    }

    fn fold_next(&self, bits: u32, roots: &mut std::slice::Iter<'_, Hash>) -> Option<Hash> {
        match bits.checked_sub(1).zip(self.halves()) {
            Some((bits, (left, right))) => {
                let left = left.fold_next(bits, roots)?;
                Some(node_hash(&left, &right.fold_next(bits, roots)?))
            }
            None => roots.next().copied(),
        }
    }
}

impl Window {
    /// So many numbers of a channel from this one.
    ///
    /// # Errors
    /// [`WindowError`].
    pub fn new(channel: Channel, from: u64, count: u64) -> Result<Self, WindowError> {
        let span = Span::new(from, count).filter(|span| span.count <= MAX_WINDOW_NUMBERS);
        span.map(|span| Self { channel, span }).ok_or(WindowError { from, count })
    }

    /// Its numbers.
    pub fn span(&self) -> Span {
        self.span
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "number {}", self.from),
            _ => write!(f, "numbers {} to {}", self.from, self.last()),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.span, self.channel)
    }
}

impl Encode for Stand {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Stand::Absent => writer.null(),
            Stand::Pending(dispatch) => {
                writer.array(1);
                dispatch.encode(writer);
            }
            Stand::Settled { dispatch, outcome } => {
                writer.array(2);
                dispatch.encode(writer);
                outcome.encode(writer);
            }
        }
    }
}

impl Decode for Stand {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        if reader.null()? {
            return Ok(Stand::Absent);
        }
        let start = reader.position();
        let settled = reader.tuple_or_longer(1)?;
        let dispatch = Digest::decode(reader)?;
        let stand = match settled {
            true => Stand::Settled { dispatch, outcome: Digest::decode(reader)? },
            false => Stand::Pending(dispatch),
        };
        reader.leave();
        // Zeros stand in a leaf for what is not there.
        match stand {
            Stand::Pending(Digest::ZERO)
            | Stand::Settled { dispatch: Digest::ZERO, .. }
            | Stand::Settled { outcome: Digest::ZERO, .. } => Err(reader.refuse(start, "a digest of zeros")),
            _ => Ok(stand),
        }
    }
}

impl Encode for Span {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        writer.uint(self.from);
        writer.uint(self.count);
    }
}

impl Decode for Span {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(2)?;
        let (from, count) = (reader.uint()?, reader.uint()?);
        reader.leave();
        Span::new(from, count).ok_or_else(|| reader.refuse(start, "numbers that no channel has"))
    }
}

impl Encode for Window {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        self.channel.encode(writer);
        self.span.encode(writer);
    }
}

impl Decode for Window {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        reader.tuple(2)?;
        let (channel, span) = (Channel::decode(reader)?, Span::decode(reader)?);
        reader.leave();
        Window::new(channel, span.from, span.count).map_err(|_| reader.refuse(start, "a window of too many numbers"))
    }
}
