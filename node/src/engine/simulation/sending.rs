//! A sender's workers: what they seal, send, verify, read again and withdraw, as the driver's rooms do it.

use std::sync::Arc;

use luxor_protocol::cbor::Encode;
use luxor_protocol::exchange::{
    Arrival, Channel, EntryKind, Envelope, Opening, Outcome, RefusalCode, SentBody, Skeleton, Withdrawal,
    WithdrawalHeader,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::CHANNEL_WINDOW;
use luxor_protocol::time::{Day, Millis};

use super::disk::{WITHDRAWAL_BYTES, read_proof};
use super::node::{ANY, Work};
use super::receiving::Parcel;
use super::world::World;
use crate::engine::{
    Input, PreparedChunk, PreparedWithdrawal, Reloaded, Reply, SealedChunk, SealedDispatch, Ticket, Token,
    VerifiedReceipt,
};
use crate::keyring::Sealed;
use crate::store::Write;

/// What is in a dispatch that was sealed once.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) held: u64,
    pub(super) bytes: u64,
    pub(super) outcome: Outcome,
}
/// Who waits for an answer: a sender, while this run of it lasts.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) node: usize,
    pub(super) run: u64,
    pub(super) channel: Channel,
    pub(super) number: u64,
}

impl World {
    /// Numbers just given: in the order of the channel, and with a true word on the receipts held.
    pub(super) fn check_numbers(&mut self, at: usize, numbers: &[(Channel, u64, u64)]) {
        let node = &self.nodes[at];
        for (channel, number, held) in numbers {
            assert!(held < number && channel.epoch == node.life + 1);
            let Some(out) = node.disk.out.get(channel) else {
                assert_eq!(*held, 0, "nothing durable in {channel}");
                continue;
            };
            let without = out.sent.range(..=held).find(|(_, sent)| sent.receipts == 0);
            assert!(without.is_none(), "{channel} claims receipts up to {held}");
            assert!(*held == 0 || out.sent.contains_key(held));
        }
    }

    pub(super) fn seal(&mut self, at: usize, run: u64, work: (Ticket, Token, PreparedChunk, Vec<(Channel, u64, u64)>)) {
        let (ticket, token, chunk, numbers) = work;
        let row = Sealed::empty();
        let writes =
            vec![Write::Submission { submission: chunk.submission.unwrap_or_default(), chunk: chunk.chunk, row }];
        let deliveries = chunk.batches.into_iter().flat_map(|batch| batch.deliveries);
        let mut dispatches = Vec::new();
        for (delivery, (channel, number, held)) in deliveries.zip(numbers) {
            assert_eq!(delivery.recipient, channel.recipient);
            // A run stands in it: a number that was given, but lost with its process, is given again for something else.
            let header = format!("{channel} {number} {held} {} {run} {}", chunk.chunk, dispatches.len()).into_bytes();
            let envelope = Envelope { header, sealed: Digest::ZERO, signature: [0; 64] };
            let (digest, agreement) = (envelope.digest(), delivery.agreement.1);
            let outcome = match digest.0[0] {
                0..16 => Outcome::Refused(RefusalCode::NotPermitted),
                _ => Outcome::Taken(Vec::new()),
            };
            let bytes = delivery.content.len() as u64;
            self.made.insert(digest, Made { held, bytes, outcome });
            self.agreements.insert(digest, agreement);
            let request = Arc::from(delivery.content);
            let opening = opening(EntryKind::Sent, &channel, number, agreement, digest);
            dispatches.push(SealedDispatch { channel, number, agreement, envelope, request, opening });
        }
        let chunk = Box::new(SealedChunk { token, lane: chunk.lane, writes, dispatches });
        self.hear(at, run, Input::Sealed { ticket, chunk });
    }

    pub(super) fn hear(&mut self, at: usize, run: u64, input: Input) {
        self.plan(at, run, self.profile.work, Work::Hear(Box::new(input)));
    }

    /// What goes out must fit into the windows.
    pub(super) fn check_windows(&mut self, at: usize, channel: &Channel, number: u64) {
        let window = self.lane_window(channel.lane);
        let node = &mut self.nodes[at];
        let Some(process) = &mut node.running else { return };
        let out = &node.disk.out[channel];
        let bytes = *out.outbox.get(&number).expect("what is sent waits in the outbox");
        // Not those that are to be sent again: the engine may not have heard yet that they are.
        let lowest = out.outbox.keys().find(|number| out.sent[number].receipts == 0);
        let fits = lowest.is_none_or(|lowest| number < lowest + CHANNEL_WINDOW);
        assert!(fits, "number {number} of {channel} is beyond what the recipient takes");
        let numbers = process.in_flight.entry(channel.clone()).or_default();
        assert!(numbers.insert(number, bytes).is_none(), "number {number} of {channel} is under way already");
        assert!(numbers.len() <= window.dispatches, "too many dispatches of {channel} are under way");
        let some: Vec<u64> = numbers.values().copied().filter(|bytes| *bytes > 0).collect();
        assert!(
            some.len() < 2 || some.iter().sum::<u64>() <= window.bytes,
            "too many bytes of {channel} are under way"
        );
    }

    pub(super) fn depart(&mut self, at: usize, run: u64, channel: Channel, number: u64) {
        let sent = &self.nodes[at].disk.out[&channel].sent[&number];
        let ask = Ask { node: at, run, channel: channel.clone(), number };
        let arrival = match &sent.withdrawal {
            Some(withdrawal) => Arrival::Withdrawal(withdrawal.clone()),
            None if sent.sealed => Arrival::Dispatch(sent.envelope.clone()),
            None => return self.answer(ask, Reply::Gone("its bytes are no longer stored".into())),
        };
        let digest = sent.digest;
        let to = self.find(&channel.recipient);
        let stopped = Reply::Stopped("no connection".into());
        let Some(run) = self.nodes[to].running.as_ref().map(|process| process.run) else {
            return self.answer(ask, stopped);
        };
        let parcel = Parcel { channel, number, digest, arrival, to: run };
        if self.is_broken(at, to) || self.numbers.chance(self.profile.lost) {
            return self.answer(ask, stopped);
        }
        let network = self.profile.network;
        if self.numbers.chance(self.profile.doubled) {
            let copy = Parcel { to: ANY, ..parcel.clone() };
            self.plan(to, ANY, network * 20, Work::Arrive(copy, None));
        }
        self.plan(to, ANY, network, Work::Arrive(parcel, Some(ask)));
    }
    /// The sender's worker verifies a receipt.
    pub(super) fn verify(&mut self, ask: Ask, proof: Vec<u8>) {
        let reply = self.verified(&ask, proof);
        match &reply {
            Reply::Receipt(receipt) if receipt.outcome == Outcome::Withdrawn => self.meet("withdrawn"),
            Reply::Refused(_) => self.meet("a receipt under an unknown log"),
            _ => {}
        }
        let Ask { node, run, channel, number } = ask;
        self.hear(node, run, Input::Answered { channel, number, reply });
    }

    fn verified(&self, ask: &Ask, proof: Vec<u8>) -> Reply {
        let (sender, to) = (&self.nodes[ask.node], self.find(&ask.channel.recipient));
        let (origin, index) = read_proof(&proof);
        if !(0..=sender.cards[to]).any(|life| self.origin(to, life) == origin) {
            return Reply::Refused("a receipt under a log that no card here names".into());
        }
        let receipt = self.logs[&origin].entries[index as usize].receipt.as_ref().expect("a receipt");
        let sent = &sender.disk.out[&ask.channel].sent[&ask.number];
        let withdrawn = receipt.outcome == Outcome::Withdrawn;
        assert!(!withdrawn || sent.withdrawal.is_some(), "a receipt for a withdrawal that was not made");
        Reply::Receipt(Box::new(VerifiedReceipt {
            origin,
            recipient_entry: index,
            contiguous: receipt.contiguous,
            proof,
            dispatch: sent.digest,
            agreement: sent.agreement,
            due: Day(1),
            counts: (0, 0),
            outcome: receipt.outcome.clone(),
            settled_on: Day(1),
            repairs: Vec::new(),
            salts: [[0; 16]; 2],
        }))
    }

    /// The sender hears what came back.
    pub(super) fn answer(&mut self, ask: Ask, reply: Reply) {
        let Ask { node, run, channel, number } = ask;
        let input = Input::Answered { channel, number, reply };
        self.plan(node, run, self.profile.network, Work::Hear(Box::new(input)));
    }

    pub(super) fn reload(&mut self, at: usize, run: u64, channel: Channel, after: u64, count: u64) {
        let out = &self.nodes[at].disk.out[&channel];
        let again = out.sent.range(after + 1..=after + count).map(|(number, sent)| Reloaded {
            number: *number,
            bytes: sent.bytes(self.made[&sent.digest].bytes).unwrap_or(0),
            agreement: sent.rests_on(),
            opening: opening(EntryKind::Resent, &channel, *number, sent.agreement, sent.digest),
        });
        let dispatches = again.collect();
        self.hear(at, run, Input::Reloaded { channel, dispatches });
    }

    /// A worker signs a withdrawal; somebody waits for it, or the node itself wants it.
    pub(super) fn withdraw(&mut self, at: usize, run: u64, token: Option<Token>, channel: Channel, number: u64) {
        let sent = &self.nodes[at].disk.out[&channel].sent[&number];
        let header = WithdrawalHeader {
            network: Digest::ZERO,
            channel: channel.clone(),
            number,
            dispatch: sent.digest,
            agreement: sent.agreement,
            withdrawn_at: Millis(self.now),
        };
        let withdrawal = Box::new(PreparedWithdrawal {
            sent_entry: sent.entry,
            envelope: sent.envelope.clone(),
            withdrawal: Withdrawal { header: header.to_cbor(), signature: [0; 64] },
            request: vec![0; WITHDRAWAL_BYTES as usize],
            opening: opening(EntryKind::Withdrawn, &channel, number, sent.agreement, sent.digest),
        });
        self.hear(at, run, Input::Withdraw { token, channel, number, withdrawal });
    }

    pub(super) fn is_broken(&self, one: usize, other: usize) -> bool {
        self.broken.get(&(one.min(other), one.max(other))).is_some_and(|until| *until > self.now)
    }
}

fn opening(kind: EntryKind, channel: &Channel, number: u64, agreement: Digest, dispatch: Digest) -> Opening {
    let skeleton = Skeleton { kind, agreement, channel: channel.clone(), number, due: Day(1) };
    Opening::new(&skeleton, SentBody { dispatch }.to_cbor(), [0; 16], [0; 16])
}
