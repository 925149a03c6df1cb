//! Workers and network: what is sealed, sent, checked and answered, as the driver's rooms of the same names do it.

use std::sync::Arc;

use luxor_protocol::cbor::Encode;
use luxor_protocol::exchange::{
    Answer, Arrival, Channel, EntryKind, Envelope, ErrorCode, Lack, Lane, Opening, Outcome, RefusalCode, SentBody,
    Skeleton, Withdrawal, WithdrawalHeader,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::CHANNEL_WINDOW;
use luxor_protocol::time::{Day, Millis};

use super::disk::{WITHDRAWAL_BYTES, proof, read_proof};
use super::world::{ANY, Hindrance, Process, Work, World};
use crate::engine::{
    Input, PreparedChunk, PreparedWithdrawal, Reloaded, Reply, SealedChunk, SealedDispatch, Ticket, Token, Verified,
    VerifiedReceipt,
};
use crate::store::{SubmissionRow, Write};

/// What is in a dispatch that was sealed once.
#[derive(Debug, Clone)]
pub(super) struct Made {
    held: u64,
    pub(super) bytes: u64,
    outcome: Outcome,
}

/// A request on its way.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) channel: Channel,
    pub(super) number: u64,
    pub(super) digest: Digest,
    arrival: Arrival,
    /// The process that it is for: a connection does not outlive it. A copy may come to any.
    to: u64,
}

/// Who waits for an answer: a sender, while this run of it lasts.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    node: usize,
    run: u64,
    channel: Channel,
    number: u64,
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
        let row = SubmissionRow { digest: chunk.digest, result: Vec::new() };
        let writes = vec![Write::Submission { submission: chunk.submission, chunk: chunk.chunk, row }];
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
            None => return self.answer(ask, Reply::Gone),
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

    pub(super) fn arrive(&mut self, at: usize, parcel: Parcel, ask: Option<Ask>) {
        let from = self.find(&parcel.channel.sender);
        let broken = self.is_broken(from, at);
        let process =
            self.nodes[at].running.as_mut().filter(|process| [ANY, process.run].contains(&parcel.to) && !broken);
        let Some(process) = process else {
            return ask.into_iter().for_each(|ask| self.answer(ask, Reply::Stopped("the connection broke".into())));
        };
        process.tokens += 1;
        let (token, peer) = (Token(process.tokens), parcel.channel.sender.clone());
        process.asked.insert(token, (parcel, ask));
        self.step(at, Input::Arrived { token, peer });
    }

    pub(super) fn check(&mut self, at: usize, run: u64, token: Token) {
        let refuses = self.numbers.chance(self.profile.refused);
        let node = &self.nodes[at];
        let Some(Process { asked, .. }) = &node.running else { return };
        let (parcel, made) = (&asked[&token].0, &self.made[&asked[&token].0.digest]);
        let channel = parcel.channel.clone();
        if let Some(hindrance) = self.profile.hindrance.filter(|_| channel.lane == Lane::Ordinary) {
            let answer = match hindrance {
                Hindrance::Silence => return self.plan_after(at, run, 50, Work::Check(token)),
                Hindrance::Refusal => Answer::error(ErrorCode::Undecodable, "refused"),
                Hindrance::Lack => Answer::later(Lack::Agreement, "agreement"),
                Hindrance::Capacity => Answer::later(Lack::Capacity, "capacity"),
            };
            return self.hear(at, run, Input::Checked { token, result: Err(answer) });
        }
        let known = node.cards[self.find(&channel.sender)] + 1;
        let agreement = self.agreements[&parcel.digest];
        let withdrawn = matches!(parcel.arrival, Arrival::Withdrawal(_));
        let result = if channel.epoch < known {
            Err(Answer::error(ErrorCode::WrongEpoch, "epoch"))
        } else if channel.epoch > known {
            Err(Answer::later(Lack::Card, "card"))
        } else if refuses || self.profile.poisoned == Some(parcel.number) {
            Err(Answer::error(ErrorCode::Undecodable, "refused"))
        } else if !withdrawn && node.lacks.contains(&agreement) {
            Err(Answer::later(Lack::Agreement, "agreement"))
        } else {
            Ok(Box::new(Verified {
                digest: parcel.digest,
                channel,
                number: parcel.number,
                receipts_held_up_to: if withdrawn { 0 } else { made.held },
                agreement,
                arrival: parcel.arrival.clone(),
                outcome: if withdrawn { Outcome::Withdrawn } else { made.outcome.clone() },
                counts: (0, 0),
                due: Day(1),
                payload: None,
                records: Vec::new(),
                salts: [[0; 16]; 2],
            }))
        };
        self.hear(at, run, Input::Checked { token, result });
    }

    /// The recipient answers; the sender hears of it, unless that is lost.
    pub(super) fn respond(&mut self, at: usize, parcel: &Parcel, ask: Option<Ask>, answer: Answer) {
        if let Answer::Receipt(proof) = &answer {
            let (origin, entry) = read_proof(proof);
            assert_eq!(origin, self.origin(at, self.nodes[at].life));
            let entry = &self.logs[&origin].entries[entry as usize];
            let (channel, number) = (&parcel.channel, parcel.number);
            let is_for_it = entry.channel == *channel && entry.number == number && entry.digest == parcel.digest;
            assert!(is_for_it, "the answer to number {number} of {channel} is a receipt for something else");
            let durable = self.nodes[at].disk.received[channel].received[&number];
            assert_eq!(durable.0, parcel.digest, "number {number} of {channel} is receipted, but not durable");
        }
        let Some(ask) = ask else { return };
        let lost = self.is_broken(ask.node, at) || self.numbers.chance(self.profile.lost);
        let reply = match answer {
            _ if lost => Reply::Stopped("the answer was lost".into()),
            Answer::Receipt(proof) => {
                let (node, run) = (ask.node, ask.run);
                return self.plan(node, run, self.profile.network, Work::Verify(ask, proof));
            }
            Answer::Error { code: code @ (ErrorCode::TooManyInFlight | ErrorCode::NotAMember), detail } => {
                self.meet(code.word());
                Reply::Stopped(detail)
            }
            Answer::Error { code, detail } => {
                self.meet(code.word());
                let number = format!("number {} of {}", ask.number, ask.channel);
                assert_ne!(code, ErrorCode::NumberUsed, "{number}");
                assert!(code != ErrorCode::NumberOutOfWindow || self.nodes[at].life > 0, "{number} is out of window");
                Reply::Refused(detail)
            }
            Answer::Later { lacks, detail } => {
                self.meet(lacks.word());
                match lacks {
                    Lack::Capacity | Lack::Card => Reply::Stopped(detail),
                    Lack::Agreement | Lack::Version => Reply::Lacks(detail),
                }
            }
            Answer::Resend { after } => {
                self.meet("resend");
                assert!(self.nodes[at].life > 0, "{} never lost anything", self.nodes[at].name);
                let to = self.find(&ask.channel.recipient);
                Reply::Resend { origin: self.origin(to, self.nodes[ask.node].cards[to]), after }
            }
            Answer::Page(_) => unreachable!("no page was asked for"),
        };
        self.answer(ask, reply);
    }

    pub(super) fn replay(&mut self, at: usize, parcel: &Parcel, ask: Option<Ask>) {
        self.meet("replay");
        let received = self.nodes[at].disk.received.get(&parcel.channel);
        let received = received.and_then(|state| state.received.get(&parcel.number));
        let (digest, entry) = *received.expect("what is answered again is durable");
        assert_eq!(digest, parcel.digest, "one number, two dispatches");
        let receipt = proof(&self.origin(at, self.nodes[at].life), entry);
        self.respond(at, parcel, ask, Answer::Receipt(receipt));
    }

    /// The sender's worker verifies a receipt.
    pub(super) fn verify(&mut self, ask: Ask, proof: Vec<u8>) {
        let reply = self.verified(&ask, proof);
        match &reply {
            Reply::Receipt(receipt) if receipt.withdrawn => self.meet("withdrawn"),
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
            refused: matches!(receipt.outcome, Outcome::Refused(_)),
            withdrawn,
            settled_on: Day(1),
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

    fn is_broken(&self, one: usize, other: usize) -> bool {
        self.broken.get(&(one.min(other), one.max(other))).is_some_and(|until| *until > self.now)
    }
}

fn opening(kind: EntryKind, channel: &Channel, number: u64, agreement: Digest, dispatch: Digest) -> Opening {
    let skeleton = Skeleton { kind, agreement, channel: channel.clone(), number, due: Day(1) };
    Opening::new(&skeleton, SentBody { dispatch }.to_cbor(), [0; 16], [0; 16])
}
