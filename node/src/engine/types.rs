//! What goes into the engine and what comes out.

use std::collections::BTreeMap;
use std::sync::Arc;

use luxor_protocol::exchange::{Answer, Arrival, Channel, Envelope, Lane, Opening, Outcome, Withdrawal};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::{MemberId, NodeRef, Purpose, Slug};
use luxor_protocol::record::{Batch, GroupSet};
use luxor_protocol::time::{Day, Millis};

use crate::keyring::Sealed;
use crate::store::{IndexedRecord, NamedRecord, PassedRecord, Write};

/// Names a request that waits for an answer; its bytes and permits are the driver's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub u64);

/// Names work that the engine ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Windows and back-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// This node.
    pub me: NodeRef,
    /// First wait after a failure, in milliseconds; doubled at each further one.
    pub retry_min_ms: u64,
    /// Longest wait.
    pub retry_max_ms: u64,
    /// The epoch of this node's channels.
    pub epoch: u64,
    /// Origins of the other nodes' logs: a new one tells that a node lost what it had.
    pub origins: BTreeMap<NodeRef, String>,
    /// What may be under way to one node in the ordinary lane.
    pub ordinary: Window,
    /// What may be under way to one node in the urgent lane.
    pub urgent: Window,
    /// Dispatches of one node that are checked at a time.
    pub in_flight_per_peer: usize,
    /// Dispatches of one lane without receipt; above it submissions to that lane wait.
    pub max_outbox: u64,
}

/// How much may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Dispatches.
    pub dispatches: usize,
    /// Bytes; one dispatch may always go.
    pub bytes: u64,
}

/// An authentic dispatch or withdrawal, ready to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The dispatch's identity.
    pub digest: Digest,
    /// Its channel.
    pub channel: Channel,
    /// Its number.
    pub number: u64,
    /// Up to which number the sender holds receipts.
    pub receipts_held_up_to: u64,
    /// The agreement that it rests on.
    pub agreement: Digest,
    /// When it was checked, by this node's clock.
    pub at: Millis,
    /// What came.
    pub arrival: Arrival,
    /// The verdict.
    pub outcome: Outcome,
    /// Records accepted and rejected.
    pub counts: (u64, u64),
    /// When its content must be gone.
    pub due: Day,
    /// The accepted views as stored; absent when refused.
    pub payload: Option<Sealed>,
    /// What finds the accepted records.
    pub records: Vec<IndexedRecord>,
    /// Roots of the others.
    pub rejected: Vec<Digest>,
    /// What came with records that were passed on.
    pub source: Option<Vec<u8>>,
    /// Two salts for its log entry.
    pub salts: [[u8; 16]; 2],
}

/// A receipt that was verified against the recipient's key.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedReceipt {
    /// Origin of the recipient's log.
    pub origin: String,
    /// Index in the recipient's log.
    pub recipient_entry: u64,
    /// The highest number up to which the recipient has everything.
    pub contiguous: u64,
    /// The tlog-proof.
    pub proof: Vec<u8>,
    /// The dispatch.
    pub dispatch: Digest,
    /// The agreement it rests on.
    pub agreement: Digest,
    /// When its content must be gone.
    pub due: Day,
    /// Records accepted and rejected.
    pub counts: (u64, u64),
    /// The verdict.
    pub outcome: Outcome,
    /// The day on which it came: sealed bytes are kept for a while from then on.
    pub settled_on: Day,
    /// Own records that it rejects and that wait for repair now.
    pub repairs: Vec<Write>,
    /// Two salts for the log entry.
    pub salts: [[u8; 16]; 2],
}

/// What came back for a dispatch.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The verified receipt.
    Receipt(Box<VerifiedReceipt>),
    /// No connection, or no room on the other side: nothing goes for a while.
    Stopped(String),
    /// The recipient lacks a document or type version: nothing under this agreement goes for a while.
    Lacks(String),
    /// The dispatch was refused without trace, or the receipt proves nothing: this dispatch waits, others go.
    Refused(String),
    /// The recipient lost its data and has numbers up to `after` only.
    Resend {
        /// Origin of its log now.
        origin: String,
        /// The highest number up to which it has everything.
        after: u64,
    },
    /// The bytes to be sent are no longer stored, or may not go any more, as is said: nothing but a withdrawal can settle the number.
    Gone(String),
}

/// A withdrawal, signed and ready to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedWithdrawal {
    /// Index of the `sent` entry.
    pub sent_entry: u64,
    /// The dispatch's header and signature.
    pub envelope: Envelope,
    /// The withdrawal.
    pub withdrawal: Withdrawal,
    /// The request as it goes out.
    pub request: Vec<u8>,
    /// Its log entry.
    pub opening: Opening,
}

/// A dispatch read again from the store, to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// Its number.
    pub number: u64,
    /// Bytes of its request; nothing where they are no longer stored.
    pub bytes: u64,
    /// The agreement that it rests on.
    pub agreement: Digest,
    /// Its log entry.
    pub opening: Opening,
}

/// Where a batch goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The receiving node.
    pub recipient: NodeRef,
    /// The agreement's id and digest.
    pub agreement: (Slug, Digest),
    /// What for.
    pub purpose: Purpose,
    /// The groups shown.
    pub view: GroupSet,
    /// How long it may be kept.
    pub retention_days: u64,
    /// Who issued the records, where they are passed on.
    pub source: Option<MemberId>,
    /// The encoded views, with what comes with them where they are passed on.
    pub content: Vec<u8>,
}

/// Records under one signature with everywhere they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedBatch {
    /// The signed batch.
    pub batch: Batch,
    /// What is kept of its records.
    pub kept: Kept,
    /// One dispatch each.
    pub deliveries: Vec<Delivery>,
}

/// What is kept of the records of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// They are this node's own.
    Own {
        /// What finds them.
        records: Vec<NamedRecord>,
        /// The records as they are stored, not yet encrypted.
        stored: Vec<u8>,
        /// Whether they are stored already, and go to another node of their recipient.
        again: bool,
    },
    /// They came from others and are passed on.
    PassedOn(Vec<PassedRecord>),
}

/// A submitted chunk: checked, committed to, routed, signed.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedChunk {
    /// The lane of its dispatches.
    pub lane: Lane,
    /// Name of the submission; none where nobody submits them now, see [`PreparedChunk::again`].
    pub submission: Option<String>,
    /// Number of the chunk.
    pub chunk: u64,
    /// Digest of its bytes.
    pub digest: Digest,
    /// The answer, a [`luxor_protocol::api::ChunkResult`] in JSON.
    pub result: Vec<u8>,
    /// What waits for repair, or no longer does.
    pub repairs: Vec<Write>,
    /// The batches.
    pub batches: Vec<PreparedBatch>,
}

impl PreparedChunk {
    /// Records that nobody submits now: stored or received before, they go out in these batches.
    pub fn again(lane: Lane, batches: Vec<PreparedBatch>) -> Self {
        Self {
            lane,
            submission: None,
            chunk: 0,
            digest: Digest::ZERO,
            result: Vec::new(),
            repairs: Vec::new(),
            batches,
        }
    }
}

/// A dispatch with its number, sealed and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedDispatch {
    /// Its channel.
    pub channel: Channel,
    /// Its number.
    pub number: u64,
    /// The agreement that it rests on.
    pub agreement: Digest,
    /// Header and signature.
    pub envelope: Envelope,
    /// The request as it goes out.
    pub request: Arc<Vec<u8>>,
    /// Its log entry.
    pub opening: Opening,
}

/// A chunk whose dispatches are sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedChunk {
    /// Who waits for the answer.
    pub token: Token,
    /// The lane of its dispatches.
    pub lane: Lane,
    /// Rows of the submission and its records.
    pub writes: Vec<Write>,
    /// Its dispatches, in the order of the numbers given.
    pub dispatches: Vec<SealedDispatch>,
}

/// What happens to the engine.
#[derive(Debug)]
pub enum Input {
    /// A dispatch is there, its bytes held by the driver.
    Arrived {
        /// Its name.
        token: Token,
        /// Who brought it.
        peer: NodeRef,
    },
    /// A dispatch was checked.
    Checked {
        /// Its name.
        token: Token,
        /// What it is, or what to answer without trace.
        result: Result<Box<Verified>, Answer>,
    },
    /// A chunk was submitted and prepared.
    Submitted {
        /// Who waits.
        token: Token,
        /// The chunk.
        chunk: Box<PreparedChunk>,
    },
    /// A chunk's dispatches are sealed.
    Sealed {
        /// The order to seal.
        ticket: Ticket,
        /// The result.
        chunk: Box<SealedChunk>,
    },
    /// A commit is durable and signed.
    Committed {
        /// The order to commit.
        ticket: Ticket,
        /// Proof of its first entry, where asked for.
        proof: Option<Vec<u8>>,
    },
    /// A dispatch was answered, or could not be delivered.
    Answered {
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
        /// The answer.
        reply: Reply,
    },
    /// A withdrawal is wanted and prepared.
    Withdraw {
        /// Who waits for the answer; nobody where the node itself withdraws.
        token: Option<Token>,
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
        /// What goes out.
        withdrawal: Box<PreparedWithdrawal>,
    },
    /// Dispatches were read again from the store.
    Reloaded {
        /// Their channel.
        channel: Channel,
        /// All that were asked for.
        dispatches: Vec<Reloaded>,
    },
    /// Documents changed: origins of the other nodes' logs as they are now.
    Origins(BTreeMap<NodeRef, String>),
    /// Whether there is room on the disk.
    Space(bool),
    /// Time has passed.
    Tick,
}

/// What the engine wants done.
#[derive(Debug)]
pub enum Effect {
    /// Check an arrived dispatch.
    Check {
        /// Its name.
        token: Token,
    },
    /// Answer a request and forget it.
    Respond {
        /// Its name.
        token: Token,
        /// The answer.
        answer: Answer,
    },
    /// Answer with the receipt given before, if the dispatch is the same; else [`luxor_protocol::exchange::ErrorCode::NumberUsed`].
    Replay {
        /// Its name.
        token: Token,
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
        /// Its identity.
        digest: Digest,
    },
    /// Make durable, then report [`Input::Committed`].
    Commit {
        /// The order's name.
        ticket: Ticket,
        /// Rows.
        writes: Vec<Write>,
        /// Log entries.
        entries: Vec<Opening>,
        /// Whether a proof is needed.
        prove: bool,
    },
    /// Seal the dispatches of a chunk under these numbers (in the order of batches and deliveries), then report
    /// [`Input::Sealed`].
    Seal {
        /// The order's name.
        ticket: Ticket,
        /// Who waits.
        token: Token,
        /// The chunk.
        chunk: Box<PreparedChunk>,
        /// Channel, number, and the number up to which receipts are held.
        numbers: Vec<(Channel, u64, u64)>,
    },
    /// A chunk is durable: answer it.
    Accepted {
        /// Who waits.
        token: Token,
    },
    /// The outbox is full: answer a chunk with "try again".
    Busy {
        /// Who waits.
        token: Token,
    },
    /// Answer a wish to withdraw.
    Withdrawn {
        /// Who waits.
        token: Token,
        /// Whether the number was still without receipt.
        taken: bool,
    },
    /// Prepare the withdrawal of a dispatch that cannot be sent any more, then report [`Input::Withdraw`].
    PrepareWithdrawal {
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
    },
    /// Read dispatches that were settled once, to send them again, then report [`Input::Reloaded`].
    Reload {
        /// Their channel.
        channel: Channel,
        /// The number before the first.
        after: u64,
        /// How many.
        count: u64,
    },
    /// Send a dispatch or its withdrawal, then report [`Input::Answered`].
    Send {
        /// Its channel.
        channel: Channel,
        /// Its number.
        number: u64,
    },
}

/// The later of two waits, and no later than the configured maximum.
pub(super) fn backoff(config: &EngineConfig, attempts: u32) -> u64 {
    let doubled = config.retry_min_ms.saturating_mul(1u64 << attempts.min(20));
    doubled.clamp(config.retry_min_ms, config.retry_max_ms.max(config.retry_min_ms))
}

/// The time a channel may be tried again.
pub(super) fn retry_at(config: &EngineConfig, now: Millis, attempts: u32) -> Millis {
    now.plus(backoff(config, attempts))
}
