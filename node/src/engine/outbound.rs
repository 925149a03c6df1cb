//! Dispatches that go out: numbers, windows, back-off, receipts.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::cbor::Encode;
use luxor_protocol::exchange::{Channel, EntryKind, Opening, SentBody, Skeleton};
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Millis;

use super::types::retry_at;
use super::{Effect, Engine, EngineConfig, Pending, PreparedChunk, Reply, SealedChunk, Ticket, Token};
use crate::store::{SubmissionRow, Write};

/// The epoch of this node's channels.
const EPOCH: u64 = 1;

/// A channel from this node.
pub(super) struct OutChannel {
    channel: Channel,
    /// The highest number given.
    last: u64,
    /// Numbers given whose dispatch is not durable yet.
    sealing: BTreeSet<u64>,
    /// Numbers without receipt, with their bytes.
    waiting: BTreeMap<u64, u64>,
    /// Those under way.
    in_flight: BTreeSet<u64>,
    in_flight_bytes: u64,
    /// Those whose receipt is being committed.
    settling: BTreeSet<u64>,
    /// Failures since the last success.
    attempts: u32,
    blocked_until: Option<Millis>,
    reason: Option<String>,
}

impl OutChannel {
    pub(super) fn new(channel: Channel, last: u64) -> Self {
        Self {
            channel,
            last,
            sealing: BTreeSet::new(),
            waiting: BTreeMap::new(),
            in_flight: BTreeSet::new(),
            in_flight_bytes: 0,
            settling: BTreeSet::new(),
            attempts: 0,
            blocked_until: None,
            reason: None,
        }
    }

    pub(super) fn recipient(&self) -> &NodeRef {
        &self.channel.recipient
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref().filter(|_| !self.waiting.is_empty())
    }

    pub(super) fn pending(&self) -> u64 {
        self.waiting.len() as u64
    }

    pub(super) fn wait(&mut self, number: u64, bytes: u64) {
        self.last = self.last.max(number);
        self.sealing.remove(&number);
        self.waiting.insert(number, bytes);
    }

    pub(super) fn settled(&mut self, number: u64) {
        self.waiting.remove(&number);
        self.settling.remove(&number);
    }

    pub(super) fn wakes_at(&self) -> Option<Millis> {
        self.blocked_until.filter(|_| self.waiting.len() > self.in_flight.len() + self.settling.len())
    }

    /// Gives the next number, and tells up to which number receipts are held.
    fn give(&mut self) -> (u64, u64) {
        let unsettled = [self.waiting.keys().next(), self.sealing.first()];
        let held = unsettled.into_iter().flatten().min().map_or(self.last, |lowest| lowest - 1);
        self.last += 1;
        self.sealing.insert(self.last);
        (self.last, held)
    }

    fn landed(&mut self, number: u64) {
        if self.in_flight.remove(&number) {
            self.in_flight_bytes -= self.waiting.get(&number).copied().unwrap_or(0);
        }
    }

    /// Numbers that may go now.
    fn ready(&mut self, now: Millis, config: &EngineConfig) -> Vec<u64> {
        if self.blocked_until.is_some_and(|until| now < until) {
            return Vec::new();
        }
        self.blocked_until = None;
        // After a failure one dispatch goes alone, to see whether the peer is back.
        let window = if self.attempts > 0 { 1 } else { config.window_dispatches };
        let mut ready = Vec::new();
        for (number, bytes) in &self.waiting {
            if self.in_flight.len() >= window {
                break;
            }
            if self.in_flight.contains(number) || self.settling.contains(number) {
                continue;
            }
            if self.in_flight_bytes > 0 && self.in_flight_bytes + bytes > config.window_bytes {
                break;
            }
            self.in_flight.insert(*number);
            self.in_flight_bytes += bytes;
            ready.push(*number);
        }
        ready
    }
}

/// Sealed chunks wait here until every chunk before them is sealed too.
#[derive(Default)]
pub(super) struct ChunkOrder {
    given: u64,
    committed: u64,
    order: BTreeMap<Ticket, u64>,
    sealed: BTreeMap<u64, SealedChunk>,
}

impl Engine {
    pub(super) fn submitted(&mut self, token: Token, chunk: Box<PreparedChunk>, effects: &mut Vec<Effect>) {
        let pending: u64 = self.sent.values().map(OutChannel::pending).sum();
        if pending >= self.config.max_outbox {
            return effects.push(Effect::Busy { token });
        }
        let mut numbers = Vec::new();
        for delivery in chunk.batches.iter().flat_map(|batch| &batch.deliveries) {
            let sender = self.config.me.clone();
            let channel = Channel { sender, recipient: delivery.recipient.clone(), epoch: EPOCH };
            let out =
                self.sent.entry(delivery.recipient.clone()).or_insert_with(|| OutChannel::new(channel.clone(), 0));
            let (number, held) = out.give();
            numbers.push((channel, number, held));
        }
        let ticket = self.ticket();
        self.chunks.given += 1;
        self.chunks.order.insert(ticket, self.chunks.given);
        effects.push(Effect::Seal { ticket, token, chunk, numbers });
    }

    pub(super) fn sealed(&mut self, ticket: Ticket, chunk: SealedChunk, effects: &mut Vec<Effect>) {
        let Some(place) = self.chunks.order.remove(&ticket) else { return };
        self.chunks.sealed.insert(place, chunk);
        while let Some(chunk) = self.chunks.sealed.remove(&(self.chunks.committed + 1)) {
            self.chunks.committed += 1;
            let mut writes = chunk.writes;
            let mut entries = Vec::with_capacity(chunk.dispatches.len());
            let mut sent = Vec::with_capacity(chunk.dispatches.len());
            for dispatch in chunk.dispatches {
                sent.push((dispatch.channel.clone(), dispatch.number, dispatch.request.len() as u64));
                writes.push(Write::Sent {
                    channel: dispatch.channel,
                    number: dispatch.number,
                    entry: entries.len(),
                    envelope: dispatch.envelope,
                    request: dispatch.request,
                    roots: dispatch.roots,
                });
                entries.push(dispatch.opening);
            }
            let ticket = self.ticket();
            self.pending.insert(ticket, Pending::Submitted { token: chunk.token, sent });
            effects.push(Effect::Commit { ticket, writes, entries, prove: false });
        }
    }

    pub(super) fn answered(
        &mut self,
        now: Millis,
        channel: &Channel,
        number: u64,
        reply: Reply,
        effects: &mut Vec<Effect>,
    ) {
        let Some(out) = self.sent.get_mut(&channel.recipient) else { return };
        out.landed(number);
        if !out.waiting.contains_key(&number) || out.settling.contains(&number) {
            return;
        }
        match reply {
            Reply::Failed(why) => {
                // Many dispatches fail together when a connection breaks: that is one failure, not many.
                if out.blocked_until.is_none_or(|until| until <= now) {
                    out.blocked_until = Some(retry_at(&self.config, now, out.attempts));
                    out.attempts = out.attempts.saturating_add(1);
                }
                out.reason = Some(why);
            }
            Reply::Receipt(receipt) => {
                out.attempts = 0;
                out.blocked_until = None;
                out.reason = None;
                out.settling.insert(number);
                let sent = &mut self.totals.sent;
                sent.dispatches += 1;
                sent.refused += u64::from(receipt.refused);
                sent.accepted += receipt.counts.0;
                sent.rejected += receipt.counts.1;
                let skeleton = Skeleton {
                    kind: EntryKind::Receipt,
                    agreement: receipt.agreement,
                    channel: channel.clone(),
                    number,
                    due: receipt.due,
                };
                let [salt, body_salt] = receipt.salts;
                let body = SentBody { dispatch: receipt.dispatch }.to_cbor();
                let entries = vec![Opening::new(&skeleton, body, salt, body_salt)];
                let settled = Write::Settled {
                    channel: channel.clone(),
                    number,
                    entry: 0,
                    recipient_entry: receipt.recipient_entry,
                    proof: receipt.proof,
                };
                let writes = vec![settled, Write::Totals(self.totals.clone())];
                let ticket = self.ticket();
                self.pending.insert(ticket, Pending::Settled { channel: channel.clone(), number });
                effects.push(Effect::Commit { ticket, writes, entries, prove: false });
            }
        }
        self.pump(now, &channel.recipient, effects);
    }

    pub(super) fn pump(&mut self, now: Millis, recipient: &NodeRef, effects: &mut Vec<Effect>) {
        let Some(out) = self.sent.get_mut(recipient) else { return };
        for number in out.ready(now, &self.config) {
            effects.push(Effect::Send { channel: out.channel.clone(), number });
        }
    }

    pub(super) fn pump_all(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        for recipient in self.sent.keys().cloned().collect::<Vec<_>>() {
            self.pump(now, &recipient, effects);
        }
    }
}

/// The row that answers the same chunk again.
pub(crate) fn submission_write(chunk: &PreparedChunk, result: Vec<u8>) -> Write {
    let row = SubmissionRow { digest: chunk.digest, result };
    Write::Submission { submission: chunk.submission.clone(), chunk: chunk.chunk, row }
}
