//! What goes out: numbers for submitted chunks, answers, withdrawals, what is sent again.

use std::collections::BTreeMap;

use luxor_protocol::cbor::Encode;
use luxor_protocol::exchange::{Channel, EntryKind, Lane, Opening, Outcome, SentBody, Skeleton};
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Millis;

use super::lane::OutChannel;
use super::types::VerifiedReceipt;
use super::{Effect, Engine, Pending, PreparedChunk, PreparedWithdrawal, Reloaded, Reply, SealedChunk, Ticket, Token};
use crate::store::{StandRow, Write};

/// Sealed chunks of one lane wait here until every chunk before them is sealed too.
#[derive(Default)]
pub(super) struct ChunkOrder {
    given: u64,
    committed: u64,
    order: BTreeMap<Ticket, u64>,
    sealed: BTreeMap<u64, SealedChunk>,
}

impl Engine {
    pub(super) fn submitted(&mut self, token: Token, chunk: Box<PreparedChunk>, effects: &mut Vec<Effect>) {
        let lane = chunk.lane;
        // Each lane has its own room, so a backlog in the ordinary one refuses nothing urgent.
        let of_lane = self.sent.values().filter(|out| out.channel.lane == lane);
        let pending: u64 = of_lane.map(OutChannel::pending).sum();
        if pending >= self.config.max_outbox || !self.space {
            return effects.push(Effect::Busy { token });
        }
        let deliveries = chunk.batches.iter().flat_map(|batch| &batch.deliveries);
        let recipients: Vec<NodeRef> = deliveries.map(|delivery| delivery.recipient.clone()).collect();
        let numbers = recipients.into_iter().map(|recipient| {
            let out = self.out(recipient, lane);
            let (number, held) = out.give();
            (out.channel.clone(), number, held)
        });
        let numbers = numbers.collect();
        let ticket = self.ticket();
        let chunks = self.chunks.entry(lane).or_default();
        chunks.given += 1;
        chunks.order.insert(ticket, chunks.given);
        effects.push(Effect::Seal { ticket, token, chunk, numbers });
    }

    pub(super) fn sealed(&mut self, ticket: Ticket, chunk: SealedChunk, effects: &mut Vec<Effect>) {
        let chunks = self.chunks.entry(chunk.lane).or_default();
        let Some(place) = chunks.order.remove(&ticket) else { return };
        chunks.sealed.insert(place, chunk);
        let mut ready = Vec::new();
        while let Some(chunk) = chunks.sealed.remove(&(chunks.committed + 1)) {
            chunks.committed += 1;
            ready.push(chunk);
        }
        for chunk in ready {
            let mut writes = chunk.writes;
            let mut entries = Vec::with_capacity(chunk.dispatches.len());
            let mut sent = Vec::with_capacity(chunk.dispatches.len());
            for dispatch in chunk.dispatches {
                let bytes = dispatch.request.len() as u64;
                sent.push((dispatch.channel.clone(), dispatch.number, bytes, dispatch.agreement));
                writes.push(Write::Sent {
                    channel: dispatch.channel,
                    number: dispatch.number,
                    entry: entries.len(),
                    envelope: dispatch.envelope,
                    request: dispatch.request,
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
        let (config, Some(out)) = (&self.config, self.sent.get_mut(channel)) else { return };
        out.landed(number);
        if !out.wants_receipt(number) {
            return self.pump(now, channel, effects);
        }
        let reached = !matches!(reply, Reply::Stopped(_) | Reply::Gone(_));
        match reply {
            Reply::Receipt(receipt) => self.receipted(channel, number, *receipt, effects),
            Reply::Stopped(why) => out.stop(config, now, why),
            Reply::Lacks(why) => out.lacks(number, config, now, why),
            Reply::Refused(why) => out.refuse(number, config, now, why),
            Reply::Resend { origin, after } => {
                let why = match out.has_only(&origin, after) {
                    true => format!("the recipient lost its data and has numbers up to {after} only; they go first"),
                    false => format!("the recipient says that it has numbers up to {after} only, against its receipts"),
                };
                out.refuse(number, config, now, why);
            }
            Reply::Gone(why) => {
                // Left out until the withdrawal is durable.
                out.refuse(number, config, now, format!("{why}; it is being withdrawn"));
                effects.push(Effect::PrepareWithdrawal { channel: channel.clone(), number });
            }
        }
        if reached {
            self.reached(now, channel, effects);
        }
        self.pump(now, channel, effects);
    }

    /// The peer answered in one lane: the other one goes on too, before this one, instead of waiting for its own time.
    fn reached(&mut self, now: Millis, channel: &Channel, effects: &mut Vec<Effect>) {
        let lane = match channel.lane {
            Lane::Ordinary => Lane::Urgent,
            Lane::Urgent => Lane::Ordinary,
        };
        let other = Channel { lane, ..channel.clone() };
        if let Some(out) = self.sent.get_mut(&other) {
            out.reached(now);
            self.pump(now, &other, effects);
        }
    }

    fn receipted(&mut self, channel: &Channel, number: u64, receipt: VerifiedReceipt, effects: &mut Vec<Effect>) {
        let Some(out) = self.sent.get_mut(channel) else { return };
        let (origin, confirmed) = out.confirm(&receipt.origin, receipt.contiguous);
        out.settle(number);
        let sent = &mut self.totals.sent;
        sent.dispatches += 1;
        sent.refused += u64::from(matches!(receipt.outcome, Outcome::Refused(_)));
        sent.withdrawn += u64::from(receipt.outcome == Outcome::Withdrawn);
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
            settled_on: receipt.settled_on,
            origin,
            confirmed,
            stand: StandRow::settled(receipt.dispatch, &receipt.outcome, receipt.counts.0 + receipt.counts.1),
        };
        let mut writes = vec![settled, Write::Totals(self.totals.clone())];
        writes.extend(receipt.repairs);
        let ticket = self.ticket();
        self.pending.insert(ticket, Pending::Settled { channel: channel.clone(), number });
        effects.push(Effect::Commit { ticket, writes, entries, prove: false });
    }

    pub(super) fn withdraw(
        &mut self,
        token: Option<Token>,
        channel: Channel,
        number: u64,
        withdrawal: PreparedWithdrawal,
        effects: &mut Vec<Effect>,
    ) {
        let taken = self.sent.get_mut(&channel).is_some_and(|out| out.withdraw(number));
        if !taken {
            return effects.extend(token.map(|token| Effect::Withdrawn { token, taken }));
        }
        let bytes = withdrawal.request.len() as u64;
        let write = Write::Withdrawn {
            channel: channel.clone(),
            number,
            sent_entry: withdrawal.sent_entry,
            envelope: withdrawal.envelope,
            withdrawal: withdrawal.withdrawal,
            request: withdrawal.request,
        };
        let ticket = self.ticket();
        self.pending.insert(ticket, Pending::Withdrawn { token, channel, number, bytes });
        effects.push(Effect::Commit { ticket, writes: vec![write], entries: vec![withdrawal.opening], prove: false });
    }

    pub(super) fn reloaded(&mut self, channel: Channel, dispatches: Vec<Reloaded>, effects: &mut Vec<Effect>) {
        let mut writes = Vec::with_capacity(dispatches.len());
        let mut entries = Vec::with_capacity(dispatches.len());
        let mut again = Vec::with_capacity(dispatches.len());
        for dispatch in dispatches {
            let Reloaded { number, bytes, agreement, opening } = dispatch;
            writes.push(Write::Resent { channel: channel.clone(), number, bytes });
            entries.push(opening);
            again.push((number, bytes, agreement));
        }
        let ticket = self.ticket();
        self.pending.insert(ticket, Pending::Resent { channel, again });
        effects.push(Effect::Commit { ticket, writes, entries, prove: false });
    }

    /// Goes on under the logs that the other nodes keep now: what only a former one confirmed is sent again.
    pub(super) fn follow(&mut self, now: Millis, origins: BTreeMap<NodeRef, String>, effects: &mut Vec<Effect>) {
        self.config.origins = origins;
        for out in self.sent.values_mut() {
            if let Some(origin) = self.config.origins.get(&out.channel.recipient) {
                out.follow(origin);
            }
        }
        self.pump_all(now, effects);
    }

    pub(super) fn pump(&mut self, now: Millis, channel: &Channel, effects: &mut Vec<Effect>) {
        let Some(out) = self.sent.get_mut(channel) else { return };
        if let Some((after, count)) = out.lost() {
            effects.push(Effect::Reload { channel: channel.clone(), after, count });
        }
        let window = match channel.lane {
            Lane::Ordinary => self.config.ordinary,
            Lane::Urgent => self.config.urgent,
        };
        let going = out.ready(now, window).into_iter();
        effects.extend(going.map(|number| Effect::Send { channel: channel.clone(), number }));
    }

    pub(super) fn pump_all(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        for channel in self.sent.keys().cloned().collect::<Vec<_>>() {
            self.pump(now, &channel, effects);
        }
    }

    fn out(&mut self, recipient: NodeRef, lane: Lane) -> &mut OutChannel {
        let origin = self.config.origins.get(&recipient).cloned().unwrap_or_default();
        let channel = Channel { sender: self.config.me.clone(), recipient, epoch: self.config.epoch, lane };
        self.sent.entry(channel.clone()).or_insert_with(|| OutChannel::new(channel, 0, origin, 0))
    }
}
