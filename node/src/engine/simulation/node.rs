//! What a world and its nodes consist of.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use luxor_protocol::exchange::{Channel, Opening};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;

use super::disk::Disk;
use super::receiving::Parcel;
use super::sending::Ask;
use crate::engine::{Engine, Input, PreparedChunk, Ticket, Token, Window};
use crate::store::Write;

#[derive(Debug, Clone)]
pub(super) struct Profile {
    pub(super) nodes: usize,
    pub(super) ordinary: Window,
    pub(super) urgent: Window,
    pub(super) in_flight_per_peer: usize,
    pub(super) max_outbox: u64,
    /// Longest time of a message on its way, of work at a node, and of a write, in milliseconds.
    pub(super) network: u64,
    pub(super) work: u64,
    pub(super) disk: u64,
    /// In percent of messages.
    pub(super) lost: u64,
    pub(super) doubled: u64,
    /// In percent of checks.
    pub(super) refused: u64,
    /// Dispatches of most chunks, at most.
    pub(super) most: u64,
    /// A number that every recipient refuses without consuming it.
    pub(super) poisoned: Option<u64>,
    /// What befalls everything in the ordinary lane that arrives.
    pub(super) hindrance: Option<Hindrance>,
}

/// What holds up one lane.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hindrance {
    /// No answer comes.
    Silence,
    /// Each is refused without being consumed.
    Refusal,
    /// An agreement is lacking.
    Lack,
    /// There is no room.
    Capacity,
}

/// What is to be done at some time at some node.
pub(super) enum Work {
    /// The process starts.
    Start,
    /// The sequencer writes what waits.
    Write,
    /// The engine hears of one commit that is durable.
    Tell,
    /// The engine hears of something else.
    Hear(Box<Input>),
    /// A worker checks what arrived.
    Check(Token),
    /// A worker seals a chunk.
    Seal(Ticket, Token, Box<PreparedChunk>, Vec<(Channel, u64, u64)>),
    /// A dispatch or its withdrawal is read from the disk and leaves.
    Depart(Channel, u64),
    /// It arrives; nobody waits for the answer to a copy.
    Arrive(Parcel, Option<Ask>),
    /// A worker verifies the receipt that came.
    Verify(Ask, Vec<u8>),
    /// A worker reads what is to be sent again.
    Reload(Channel, u64, u64),
    /// A worker prepares a withdrawal.
    Withdraw(Channel, u64),
    /// Another node's newest card is installed.
    Card(usize),
    /// The disk is lost.
    Loss,
    /// Something is done to the world.
    Chaos,
}

/// A commit that waits for the sequencer.
pub(super) struct Commit {
    pub(super) ticket: Ticket,
    pub(super) writes: Vec<Write>,
    pub(super) entries: Vec<Opening>,
    pub(super) prove: bool,
}

/// A node while it runs.
pub(super) struct Process {
    pub(super) run: u64,
    pub(super) engine: Engine,
    pub(super) commits: VecDeque<Commit>,
    pub(super) durable: VecDeque<Input>,
    pub(super) tokens: u64,
    /// Requests of others that wait for an answer.
    pub(super) asked: BTreeMap<Token, (Parcel, Option<Ask>)>,
    /// Chunks that wait for an answer.
    pub(super) submitted: BTreeMap<Token, u64>,
    /// Wishes to withdraw that wait for an answer.
    pub(super) withdrawing: BTreeSet<Token>,
    /// What is under way, with its bytes.
    pub(super) in_flight: BTreeMap<Channel, BTreeMap<u64, u64>>,
    /// Checks under way, by who brought what is checked.
    pub(super) checks: BTreeMap<NodeRef, usize>,
}

/// A node, running or not.
pub(super) struct Node {
    pub(super) name: NodeRef,
    /// How many disks it had before.
    pub(super) life: u64,
    pub(super) disk: Disk,
    pub(super) space: bool,
    /// By node: the life that its card tells of, as installed here.
    pub(super) cards: Vec<u64>,
    /// Agreements that are not installed here.
    pub(super) lacks: BTreeSet<Digest>,
    pub(super) running: Option<Process>,
}

/// Work that belongs to no run: it is done whatever process is there.
pub(super) const ANY: u64 = 0;
