//! What goes into the engine and what comes out.

use luxor_protocol::api::ChunkResult;
use luxor_protocol::exchange::{Answer, Channel, DispatchHeader, Envelope, Opening, Outcome};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::{NodeRef, Purpose, Slug};
use luxor_protocol::record::{Batch, GroupSet};
use luxor_protocol::time::{Day, Millis};

use crate::store::{IndexedRecord, Write};

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
    /// Dispatches under way to one node.
    pub window_dispatches: usize,
    /// Bytes under way to one node; one dispatch may always go.
    pub window_bytes: u64,
    /// Dispatches of one node that are checked at a time.
    pub in_flight_per_peer: usize,
    /// Dispatches without receipt; above it submissions wait.
    pub max_outbox: u64,
}

/// An authentic dispatch, ready to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Its identity.
    pub digest: Digest,
    /// What stands in clear on it.
    pub header: DispatchHeader,
    /// Header and signature.
    pub envelope: Envelope,
    /// The verdict.
    pub outcome: Outcome,
    /// When its content must be gone.
    pub due: Day,
    /// The accepted views as stored; absent when refused.
    pub payload: Option<Vec<u8>>,
    /// What finds the accepted records.
    pub records: Vec<IndexedRecord>,
    /// Two salts for its log entry.
    pub salts: [[u8; 16]; 2],
}

/// A receipt that was verified against the recipient's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// Index in the recipient's log.
    pub recipient_entry: u64,
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
    /// Whether the whole dispatch was refused.
    pub refused: bool,
    /// Two salts for the log entry.
    pub salts: [[u8; 16]; 2],
}

/// What came back for a dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The verified receipt.
    Receipt(Box<VerifiedReceipt>),
    /// Anything else: refused without trace, not now, no connection, a receipt that proves nothing.
    Failed(String),
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
    /// The encoded views.
    pub content: Vec<u8>,
}

/// Records under one signature with everywhere they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedBatch {
    /// The signed batch.
    pub batch: Batch,
    /// Roots of its records.
    pub roots: Vec<Digest>,
    /// One dispatch each.
    pub deliveries: Vec<Delivery>,
}

/// A submitted chunk: checked, committed to, routed, signed.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedChunk {
    /// Name of the submission.
    pub submission: String,
    /// Number of the chunk.
    pub chunk: u64,
    /// Digest of its bytes.
    pub digest: Digest,
    /// The answer.
    pub result: ChunkResult,
    /// Rows of the own records.
    pub records: Vec<Write>,
    /// The batches.
    pub batches: Vec<PreparedBatch>,
}

/// A dispatch with its number, sealed and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedDispatch {
    /// Its channel.
    pub channel: Channel,
    /// Its number.
    pub number: u64,
    /// Header and signature.
    pub envelope: Envelope,
    /// The request as it goes out.
    pub request: Vec<u8>,
    /// Roots of its records.
    pub roots: Vec<Digest>,
    /// Its log entry.
    pub opening: Opening,
}

/// A chunk whose dispatches are sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedChunk {
    /// Who waits for the answer.
    pub token: Token,
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
    /// Send a dispatch, then report [`Input::Answered`].
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
