//! Windows of channels: what this node has at their numbers, compared with the other side's, and statements that both sign.
//!
//! | file | what |
//! |---|---|
//! | `snapshot` | what this side has in a window at a moment |
//! | `serve` | answers to the other side's questions and proposals |
//! | `compare` | the comparison that this side asks for |
//! | `close` | windows that this side closes as their sender: comparison, proposal, both signatures, entries in both logs |
//! | `evidence` | the dispute file |
//!
//! Not here: what is asked, answered, concluded and proven ([`luxor_protocol::reconciliation`]).

mod close;
mod compare;
mod evidence;
mod serve;
mod snapshot;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::exchange::{Channel, Opening, Skeleton};
use luxor_protocol::limits::MAX_RETENTION_DAYS;
use luxor_protocol::names::NodeRef;
use luxor_protocol::reconciliation::{
    CosignedStatement, Difference, DisputeError, ProposalError, Side, Statement, StatementBody, StatementError,
    WindowError as NoWindow,
};
use luxor_protocol::time::Millis;
use luxor_protocol::tlog::MissingNode;
use tokio::sync::Semaphore;

use super::Shared;
use super::turns::Turns;
use crate::entropy::{EntropyError, opening};
use crate::sequencer::SequencerError;
use crate::store::{StoreError, Write};

pub use compare::Compared;
use snapshot::Snapshot;

/// What the answering and the closing of windows keep between calls.
pub(super) struct Windows {
    /// Nodes with a question or proposal in work: one at a time for each.
    serving: Turns,
    /// One window is read from the database at a time: it may have a million numbers.
    reading: Semaphore,
    /// What was read last, the newest last.
    read: Mutex<VecDeque<Arc<Snapshot>>>,
    /// One comparison or closing by this node at a time.
    asking: tokio::sync::Mutex<()>,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            serving: Turns::default(),
            reading: Semaphore::new(1),
            read: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }
}

/// Which side of a channel this node has; nothing where it has none.
fn own_side(shared: &Shared, channel: &Channel) -> Option<Side> {
    [Side::Sender, Side::Recipient].into_iter().find(|side| *side.of(channel) == shared.me)
}

/// What makes a statement that both sides signed durable: its row, and its entry.
fn signed(
    statement: &Statement,
    cosigned: CosignedStatement,
    differences: Vec<Difference>,
    now: Millis,
) -> Result<(Write, Opening), EntropyError> {
    let skeleton = statement.skeleton(now.day().plus(MAX_RETENTION_DAYS));
    let entry = opening(&skeleton, StatementBody { statement: statement.digest() }.to_cbor())?;
    let Skeleton { channel, number, .. } = skeleton;
    Ok((Write::Statement { channel, number, entry: 0, cosigned, differences }, entry))
}

/// Why a window was not compared or closed, or no dispute file made.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// There are no such numbers.
    #[error(transparent)]
    None(#[from] NoWindow),
    /// Nothing was sent since the last window.
    #[error(
        "nothing to close in {0}: its last statement covers every number that was given\nhint: `from` closes an earlier range again"
    )]
    Closed(Channel),
    /// The numbers were never given.
    #[error("number {number} of {channel} was never given: the last one is {last}")]
    NotGiven {
        /// The channel.
        channel: Channel,
        /// The number.
        number: u64,
        /// The last that was given.
        last: u64,
    },
    /// The other node did not answer, or not this.
    #[error("{node} does not answer about its side: {why}\nhint: ask again when it can be reached")]
    Asked {
        /// The other node.
        node: NodeRef,
        /// Why not.
        why: String,
    },
    /// It answered, and what it has does not lead to the statement.
    #[error(
        "{node} signs no statement: {why}\nhint: what it has changed meanwhile, or its node counts otherwise; compare the window"
    )]
    Refused {
        /// The other node.
        node: NodeRef,
        /// What it says.
        why: String,
    },
    /// No statement follows from the comparison.
    #[error(transparent)]
    Proposal(#[from] ProposalError),
    /// Its signature does not hold.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// No dispute file can be made.
    #[error(transparent)]
    Dispute(#[from] DisputeError),
    /// This node failed.
    #[error("{0}")]
    Own(String),
    /// The log.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

impl From<MissingNode> for WindowError {
    fn from(node: MissingNode) -> Self {
        Self::Proposal(ProposalError::Node(node))
    }
}

impl From<EntropyError> for WindowError {
    fn from(error: EntropyError) -> Self {
        Self::Own(error.to_string())
    }
}
