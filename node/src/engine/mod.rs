//! Every decision of the exchange, without I/O: `(now, Input) -> Vec<Effect>`, deterministic.
//!
//! It gives numbers, tells duplicates from new dispatches, keeps windows and back-off, and says what is committed. It never
//! hashes content, signs, opens a seal or reads the store; it adds one leaf to a channel's tree per dispatch, whose root
//! stands in the receipt. Its state runs ahead of the disk; if a commit fails the process ends and start-up rebuilds it.

mod inbound;
mod outbound;
mod types;

use std::collections::{BTreeMap, HashMap};

use luxor_protocol::api::OutboxState;
use luxor_protocol::exchange::{Answer, Channel, ErrorCode};
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Millis;

pub use types::{
    Delivery, Effect, EngineConfig, Input, PreparedBatch, PreparedChunk, Reply, SealedChunk, SealedDispatch, Ticket,
    Token, Verified, VerifiedReceipt,
};

use crate::store::{LoadedChannel, PendingDispatch, Totals};
use inbound::InChannel;
use outbound::OutChannel;
pub(crate) use outbound::submission_write;

/// What a commit was for.
enum Pending {
    /// A dispatch that arrived.
    Received { channel: Channel, number: u64 },
    /// A submitted chunk.
    Submitted { token: Token, sent: Vec<(Channel, u64, u64)> },
    /// A receipt for a dispatch sent.
    Settled { channel: Channel, number: u64 },
}

/// The state of a node's exchange.
pub struct Engine {
    config: EngineConfig,
    totals: Totals,
    tickets: u64,
    pending: HashMap<Ticket, Pending>,
    /// Dispatches being checked, by the node that brought them.
    checking: HashMap<Token, NodeRef>,
    received: BTreeMap<Channel, InChannel>,
    sent: BTreeMap<NodeRef, OutChannel>,
    /// Chunks are committed in the order in which their numbers were given, so the disk never holds a gap.
    chunks: outbound::ChunkOrder,
}

impl Engine {
    /// The state after a start. `last_numbers` are the highest numbers given so far, by receiving node.
    pub fn new(
        config: EngineConfig,
        totals: Totals,
        received: Vec<LoadedChannel>,
        pending: Vec<PendingDispatch>,
        last_numbers: Vec<(Channel, u64)>,
    ) -> Self {
        let received = received.into_iter().map(|c| (c.channel.clone(), InChannel::loaded(c.tree, c.ahead))).collect();
        let mut sent: BTreeMap<NodeRef, OutChannel> = last_numbers
            .into_iter()
            .map(|(channel, last)| (channel.recipient.clone(), OutChannel::new(channel, last)))
            .collect();
        for dispatch in pending {
            let recipient = dispatch.channel.recipient.clone();
            let channel = sent.entry(recipient).or_insert_with(|| OutChannel::new(dispatch.channel, dispatch.number));
            channel.wait(dispatch.number, dispatch.bytes);
        }
        Self {
            config,
            totals,
            tickets: 0,
            pending: HashMap::new(),
            checking: HashMap::new(),
            received,
            sent,
            chunks: outbound::ChunkOrder::default(),
        }
    }

    /// One step.
    pub fn step(&mut self, now: Millis, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Arrived { token, peer } => self.arrived(token, peer, &mut effects),
            Input::Checked { token, result } => self.checked(token, result, &mut effects),
            Input::Submitted { token, chunk } => self.submitted(token, chunk, &mut effects),
            Input::Sealed { ticket, chunk } => self.sealed(ticket, *chunk, &mut effects),
            Input::Committed { ticket, proof } => self.committed(now, ticket, proof, &mut effects),
            Input::Answered { channel, number, reply } => self.answered(now, &channel, number, reply, &mut effects),
            Input::Tick => self.pump_all(now, &mut effects),
        }
        effects
    }

    /// When the next [`Input::Tick`] is due.
    pub fn next_wakeup(&self) -> Option<Millis> {
        self.sent.values().filter_map(OutChannel::wakes_at).min()
    }

    /// What waits for receipts.
    pub fn outbox(&self) -> OutboxState {
        let waiting = self.sent.values().filter_map(|c| Some((c.recipient().to_string(), c.reason()?.to_owned())));
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

    fn arrived(&mut self, token: Token, peer: NodeRef, effects: &mut Vec<Effect>) {
        let in_flight = self.checking.values().filter(|other| **other == peer).count();
        if in_flight >= self.config.in_flight_per_peer {
            let detail = format!("{in_flight} dispatches of {peer} are being checked");
            let answer = Answer::error(ErrorCode::TooManyInFlight, detail);
            effects.push(Effect::Respond { token, answer });
            return;
        }
        self.checking.insert(token, peer);
        effects.push(Effect::Check { token });
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
                let mut recipients = Vec::new();
                for (channel, number, bytes) in sent {
                    if let Some(out) = self.sent.get_mut(&channel.recipient) {
                        out.wait(number, bytes);
                        if recipients.last() != Some(&channel.recipient) {
                            recipients.push(channel.recipient);
                        }
                    }
                }
                for recipient in recipients {
                    self.pump(now, &recipient, effects);
                }
            }
            Some(Pending::Settled { channel, number }) => {
                if let Some(out) = self.sent.get_mut(&channel.recipient) {
                    out.settled(number);
                }
                self.pump(now, &channel.recipient, effects);
            }
            None => {}
        }
    }
}
