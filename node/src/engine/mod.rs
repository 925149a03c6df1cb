//! Every decision of the exchange, without I/O: `(now, Input) -> Vec<Effect>`, deterministic.
//!
//! It gives numbers, tells duplicates from new dispatches, keeps windows and back-off, and says what is committed. It never
//! hashes content, signs, opens a seal or reads the store; it adds one leaf to a channel's tree per dispatch, whose root
//! stands in the receipt. Its state runs ahead of the disk; if a commit fails the process ends and start-up rebuilds it.

mod inbound;
mod lane;
mod outbound;
#[cfg(test)]
mod simulation;
mod types;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use luxor_protocol::api::OutboxState;
use luxor_protocol::exchange::{Answer, Channel, ErrorCode, Lack, Lane};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Millis;

pub use types::{
    Delivery, Effect, EngineConfig, Input, Kept, PreparedBatch, PreparedChunk, PreparedWithdrawal, Reloaded, Reply,
    SealedChunk, SealedDispatch, Ticket, Token, Verified, VerifiedReceipt, Window,
};

use crate::store::{LoadedChannel, LoadedOutChannel, PendingDispatch, Totals};
use inbound::InChannel;
use lane::OutChannel;

/// What a commit was for.
enum Pending {
    /// A dispatch that arrived.
    Received { channel: Channel, number: u64 },
    /// A submitted chunk.
    Submitted { token: Token, sent: Vec<(Channel, u64, u64, Digest)> },
    /// A receipt for a dispatch sent.
    Settled { channel: Channel, number: u64 },
    /// A withdrawal.
    Withdrawn { token: Option<Token>, channel: Channel, number: u64, bytes: u64 },
    /// Dispatches that are sent again: number, bytes, agreement.
    Resent { channel: Channel, again: Vec<(u64, u64, Digest)> },
}

/// The state of a node's exchange.
pub struct Engine {
    config: EngineConfig,
    totals: Totals,
    tickets: u64,
    pending: HashMap<Ticket, Pending>,
    /// Dispatches being checked, by the node that brought them.
    checking: HashMap<Token, NodeRef>,
    /// How many of them each node brought.
    checking_of: BTreeMap<NodeRef, usize>,
    received: BTreeMap<Channel, InChannel>,
    sent: BTreeMap<Channel, OutChannel>,
    /// Chunks of a lane are committed in the order in which their numbers were given, so the disk never holds a gap.
    chunks: BTreeMap<Lane, outbound::ChunkOrder>,
    /// Whether there is room on the disk.
    space: bool,
    /// When everything that waits was last tried.
    tried: Millis,
}

impl Engine {
    /// The state after a start, from what is durable.
    pub fn new(
        config: EngineConfig,
        totals: Totals,
        received: Vec<LoadedChannel>,
        sent: Vec<LoadedOutChannel>,
        pending: Vec<PendingDispatch>,
    ) -> Self {
        let loaded = |c: LoadedChannel| (c.channel, InChannel::loaded(c.tree, c.ahead, c.held));
        let received = received.into_iter().map(loaded).collect();
        let sent = sent.into_iter().map(|c| {
            let origin = config.origins.get(&c.channel.recipient).cloned().unwrap_or_default();
            // Receipts of a log that the recipient keeps no longer say nothing of what it has now.
            let confirmed = if c.origin == origin { c.confirmed } else { 0 };
            (c.channel.clone(), OutChannel::new(c.channel, c.last, origin, confirmed))
        });
        let mut sent: BTreeMap<Channel, OutChannel> = sent.collect();
        for dispatch in pending {
            if let Some(out) = sent.get_mut(&dispatch.channel) {
                out.wait(dispatch.number, dispatch.bytes, dispatch.agreement);
            }
        }
        Self {
            config,
            totals,
            tickets: 0,
            pending: HashMap::new(),
            checking: HashMap::new(),
            checking_of: BTreeMap::new(),
            received,
            sent,
            chunks: BTreeMap::new(),
            space: true,
            tried: Millis(0),
        }
    }

    /// One step. `now` counts from any beginning and never goes back.
    pub fn step(&mut self, now: Millis, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Arrived { token, peer } => self.arrived(token, peer, &mut effects),
            Input::Checked { token, result } => self.checked(token, result, &mut effects),
            Input::Submitted { token, chunk } => self.submitted(token, chunk, &mut effects),
            Input::Sealed { ticket, chunk } => self.sealed(ticket, *chunk, &mut effects),
            Input::Committed { ticket, proof } => self.committed(now, ticket, proof, &mut effects),
            Input::Answered { channel, number, reply } => self.answered(now, &channel, number, reply, &mut effects),
            Input::Withdraw { token, channel, number, withdrawal } => {
                self.withdraw(token, channel, number, *withdrawal, &mut effects);
            }
            Input::Reloaded { channel, dispatches } => self.reloaded(channel, dispatches, &mut effects),
            Input::Origins(origins) => self.follow(now, origins, &mut effects),
            Input::Space(space) => self.space = space,
            Input::Tick => {
                self.tried = now;
                self.pump_all(now, &mut effects);
            }
        }
        effects
    }

    /// When the next [`Input::Tick`] is due.
    pub fn next_wakeup(&self) -> Option<Millis> {
        self.sent.values().filter_map(|out| out.wakes_at(self.tried)).min()
    }

    /// What waits for receipts.
    pub fn outbox(&self) -> OutboxState {
        let waiting = self.sent.values().filter_map(|out| out.reason().map(|why| (out.channel.waiting_name(), why)));
        OutboxState {
            pending: self.sent.values().map(OutChannel::pending).sum(),
            sent: self.totals.sent.clone(),
            waiting: waiting.collect(),
        }
    }

    /// Verdicts so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// Received channels in which the sender holds receipts that this node does not have, with the first and last number.
    pub fn missing(&self) -> Vec<(Channel, u64, u64)> {
        let missing = |(channel, state): (&Channel, &InChannel)| {
            let (first, last) = state.missing()?;
            Some((channel.clone(), first, last))
        };
        self.received.iter().filter_map(missing).collect()
    }

    /// Numbers that a recipient refuses without consuming them, with the reasons, at most `limit`.
    pub fn refusals(&self, limit: usize) -> Vec<(Channel, u64, String)> {
        let of = |out: &'_ OutChannel| -> Vec<(Channel, u64, String)> {
            out.refusals().take(limit).map(|(number, why)| (out.channel.clone(), number, why.to_owned())).collect()
        };
        self.sent.values().flat_map(of).take(limit).collect()
    }

    fn arrived(&mut self, token: Token, peer: NodeRef, effects: &mut Vec<Effect>) {
        let mut respond = |answer| effects.push(Effect::Respond { token, answer });
        if !self.space {
            return respond(Answer::later(Lack::Capacity, "the disk is nearly full"));
        }
        let in_flight = self.checking_of.entry(peer.clone()).or_default();
        if *in_flight >= self.config.in_flight_per_peer {
            let detail = format!("{in_flight} dispatches of {peer} are being checked");
            return respond(Answer::error(ErrorCode::TooManyInFlight, detail));
        }
        *in_flight += 1;
        self.checking.insert(token, peer);
        effects.push(Effect::Check { token });
    }

    fn forget(&mut self, token: Token) {
        if let Some(count) = self.checking.remove(&token).and_then(|peer| self.checking_of.get_mut(&peer)) {
            *count = count.saturating_sub(1);
        }
    }

    fn committed(&mut self, now: Millis, ticket: Ticket, proof: Option<Vec<u8>>, effects: &mut Vec<Effect>) {
        match self.pending.remove(&ticket) {
            Some(Pending::Received { channel, number }) => {
                let waiting = self.received.get_mut(&channel).map(|c| c.released(number)).unwrap_or_default();
                let answer = Answer::Receipt(proof.unwrap_or_default());
                effects.extend(waiting.into_iter().map(|token| Effect::Respond { token, answer: answer.clone() }));
            }
            Some(Pending::Submitted { token, sent }) => {
                effects.push(Effect::Accepted { token });
                let mut channels = BTreeSet::new();
                for (channel, number, bytes, agreement) in sent {
                    if let Some(out) = self.sent.get_mut(&channel) {
                        out.wait(number, bytes, agreement);
                        channels.insert(channel);
                    }
                }
                for channel in channels {
                    self.pump(now, &channel, effects);
                }
            }
            Some(Pending::Settled { channel, number }) => {
                if let Some(out) = self.sent.get_mut(&channel) {
                    out.settled(number);
                }
                self.pump(now, &channel, effects);
            }
            Some(Pending::Withdrawn { token, channel, number, bytes }) => {
                if let Some(out) = self.sent.get_mut(&channel) {
                    out.withdrawn(number, bytes);
                }
                effects.extend(token.map(|token| Effect::Withdrawn { token, taken: true }));
                self.pump(now, &channel, effects);
            }
            Some(Pending::Resent { channel, again }) => {
                if let Some(out) = self.sent.get_mut(&channel) {
                    again.into_iter().for_each(|(number, bytes, agreement)| out.wait(number, bytes, agreement));
                    out.reloaded();
                }
                self.pump(now, &channel, effects);
            }
            None => {}
        }
    }
}
