//! A recipient's workers: what arrives, is checked and is answered, as the driver's rooms do it.

use luxor_protocol::exchange::{Answer, Arrival, Channel, ErrorCode, Lack, Lane, Outcome};
use luxor_protocol::hash::Digest;
use luxor_protocol::time::{Day, Millis};

use super::disk::{proof, read_proof};
use super::node::{ANY, Hindrance, Process, Work};
use super::sending::Ask;
use super::world::World;
use crate::engine::{Input, Reply, Token, Verified};

/// A request on its way.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) channel: Channel,
    pub(super) number: u64,
    pub(super) digest: Digest,
    pub(super) arrival: Arrival,
    /// The process that it is for: a connection does not outlive it. A copy may come to any.
    pub(super) to: u64,
}
impl World {
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
                at: Millis(0),
                arrival: parcel.arrival.clone(),
                outcome: if withdrawn { Outcome::Withdrawn } else { made.outcome.clone() },
                counts: (0, 0),
                due: Day(1),
                payload: None,
                records: Vec::new(),
                rejected: Vec::new(),
                source: None,
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
                    Lack::Capacity | Lack::Card | Lack::Witnesses => Reply::Stopped(detail),
                    Lack::Agreement | Lack::Version | Lack::Suspended | Lack::Membership => Reply::Lacks(detail),
                }
            }
            Answer::Resend { after } => {
                self.meet("resend");
                assert!(self.nodes[at].life > 0, "{} never lost anything", self.nodes[at].name);
                let to = self.find(&ask.channel.recipient);
                Reply::Resend { origin: self.origin(to, self.nodes[ask.node].cards[to]), after }
            }
            _ => unreachable!("it was not asked for"),
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
}
