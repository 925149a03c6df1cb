//! What is durable at a node, as far as a start needs it, and what every commit must leave true.
//!
//! The log's rules are those that an auditor checks (SPEC.md, section 15): they hold after each commit, not only at the end.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::cbor::Decode;
use luxor_protocol::exchange::{Channel, EntryKind, Envelope, Opening, Outcome, ReceiptBody, Withdrawal};
use luxor_protocol::hash::Digest;
use luxor_protocol::reconciliation::Stand;
use luxor_protocol::tlog::{Frontier, leaf_hash};

use crate::store::{LoadedChannel, LoadedOutChannel, PendingDispatch, Totals, Write};

/// A dispatch that a node made.
pub(super) struct Sent {
    pub(super) entry: u64,
    pub(super) envelope: Envelope,
    pub(super) digest: Digest,
    pub(super) withdrawal: Option<Withdrawal>,
    pub(super) agreement: Digest,
    /// Whether its sealed bytes are still there.
    pub(super) sealed: bool,
    /// How often it was receipted.
    pub(super) receipts: u64,
}

/// A channel from this node.
#[derive(Default)]
pub(super) struct Out {
    pub(super) sent: BTreeMap<u64, Sent>,
    pub(super) outbox: BTreeMap<u64, u64>,
    origin: String,
    confirmed: u64,
}

/// A channel to this node.
#[derive(Default)]
pub(super) struct In {
    /// Digest and log entry of each number.
    pub(super) received: BTreeMap<u64, (Digest, u64)>,
    tree: Frontier,
    held: u64,
    /// The tree as it follows from the rows.
    truth: Frontier,
}

/// An entry of a log, as its opening tells it.
pub(super) struct Entry {
    pub(super) channel: Channel,
    pub(super) number: u64,
    pub(super) digest: Digest,
    /// Of a `received` entry.
    pub(super) receipt: Option<ReceiptBody>,
}

/// A log with what its last `received` entries say; it stays known when the disk is lost, as others hold its receipts.
#[derive(Default)]
pub(super) struct Log {
    pub(super) entries: Vec<Entry>,
    pub(super) contiguous: BTreeMap<Channel, u64>,
}

pub(super) type Logs = BTreeMap<String, Log>;

/// One node's disk.
#[derive(Default)]
pub(super) struct Disk {
    pub(super) submissions: BTreeSet<u64>,
    pub(super) out: BTreeMap<Channel, Out>,
    pub(super) received: BTreeMap<Channel, In>,
    totals: Totals,
    /// The totals as they follow from the log.
    counted: Totals,
}

/// A receipt's file: the log's origin and the entry in it.
pub(super) fn proof(origin: &str, entry: u64) -> Vec<u8> {
    [&entry.to_be_bytes(), origin.as_bytes()].concat()
}

/// The log and entry that a receipt names.
pub(super) fn read_proof(proof: &[u8]) -> (String, u64) {
    let (entry, origin) = proof.split_at(8);
    (String::from_utf8(origin.to_vec()).unwrap(), u64::from_be_bytes(entry.try_into().unwrap()))
}

impl Disk {
    /// Writes one commit and checks it. `agreements` tells what a dispatch rests on. Gives the index of its first entry.
    pub(super) fn commit(
        &mut self,
        logs: &mut Logs,
        origin: &str,
        agreements: &BTreeMap<Digest, Digest>,
        writes: Vec<Write>,
        openings: &[Opening],
    ) -> u64 {
        let first = logs.get(origin).map_or(0, |log| log.entries.len() as u64);
        for write in writes {
            self.write(logs, write, first, agreements);
        }
        let log = logs.entry(origin.to_owned()).or_default();
        for opening in openings {
            let skeleton = opening.read_skeleton().unwrap();
            let (channel, number) = (skeleton.channel, skeleton.number);
            let receipt =
                (skeleton.kind == EntryKind::Received).then(|| ReceiptBody::from_cbor(&opening.body).unwrap());
            if let Some(receipt) = &receipt {
                log.contiguous.insert(channel.clone(), receipt.contiguous);
                self.counted.received.dispatches += 1;
                self.counted.received.refused += u64::from(matches!(receipt.outcome, Outcome::Refused(_)));
                self.counted.received.withdrawn += u64::from(receipt.outcome == Outcome::Withdrawn);
            }
            let digest = match &receipt {
                Some(receipt) => receipt.dispatch,
                None => luxor_protocol::exchange::SentBody::from_cbor(&opening.body).unwrap().dispatch,
            };
            log.entries.push(Entry { channel, number, digest, receipt });
        }
        let traffic = |totals: &Totals| {
            let (sent, received) = (&totals.sent, &totals.received);
            [sent.dispatches, sent.refused, sent.withdrawn, received.dispatches, received.refused, received.withdrawn]
        };
        assert_eq!(traffic(&self.totals), traffic(&self.counted), "the totals are not what the log says");
        first
    }

    fn write(&mut self, logs: &Logs, write: Write, first: u64, agreements: &BTreeMap<Digest, Digest>) {
        match write {
            Write::Peers { .. }
            | Write::Document { .. }
            | Write::Proposed { .. }
            | Write::Statement { .. }
            | Write::Compared { .. }
            | Write::Kept { .. }
            | Write::KeptTaken(_)
            | Write::Given { .. } => unreachable!("no engine writes it"),
            Write::Submission { chunk, .. } => {
                assert!(self.submissions.insert(chunk), "chunk {chunk} is accepted twice");
            }
            Write::Sent { channel, number, entry, envelope, request } => {
                let out = self.out.entry(channel.clone()).or_default();
                let last = out.sent.keys().next_back().copied().unwrap_or(0);
                assert_eq!(number, last + 1, "numbers of {channel} have a gap, or one is given twice");
                let digest = envelope.digest();
                let (entry, agreement) = (first + entry as u64, agreements[&digest]);
                let sent = Sent { entry, envelope, digest, withdrawal: None, agreement, sealed: true, receipts: 0 };
                out.sent.insert(number, sent);
                out.outbox.insert(number, request.len() as u64);
            }
            Write::Settled { channel, number, proof, origin, confirmed, stand, .. } => {
                let out = self.out.get_mut(&channel).expect("a receipt for a channel never sent in");
                let sent = out.sent.get_mut(&number).expect("a receipt for a number never sent");
                assert!(out.outbox.remove(&number).is_some(), "number {number} of {channel} is receipted twice");
                let (log, entry) = read_proof(&proof);
                let entry = &logs[&log].entries[entry as usize];
                assert!(entry.channel == channel && entry.number == number && entry.digest == sent.digest);
                let receipt = entry.receipt.as_ref().expect("a receipt is a received entry");
                let has = logs[&log].contiguous[&channel];
                assert_eq!(origin, log, "the receipt for number {number} of {channel} is from another log");
                assert!(
                    (receipt.contiguous..=has).contains(&confirmed),
                    "{confirmed} of {channel} are taken as received; the receipt says {}, the recipient has {has}",
                    receipt.contiguous
                );
                assert!(origin != out.origin || confirmed >= out.confirmed, "{channel} confirms less than before");
                assert_eq!(stand.stand, Stand::settled(sent.digest, &receipt.outcome));
                sent.receipts += 1;
                (out.origin, out.confirmed) = (origin, confirmed);
                self.counted.sent.dispatches += 1;
                self.counted.sent.refused += u64::from(matches!(receipt.outcome, Outcome::Refused(_)));
                self.counted.sent.withdrawn += u64::from(receipt.outcome == Outcome::Withdrawn);
            }
            Write::Withdrawn { channel, number, sent_entry, withdrawal, request, .. } => {
                let out = self.out.get_mut(&channel).expect("a withdrawal for a channel never sent in");
                let sent = out.sent.get_mut(&number).expect("a withdrawal for a number never sent");
                assert_eq!(sent.entry, sent_entry);
                assert!(sent.withdrawal.is_none(), "number {number} of {channel} is withdrawn twice");
                let waits = out.outbox.insert(number, request.len() as u64);
                assert!(waits.is_some(), "number {number} of {channel} is withdrawn after its receipt");
                sent.withdrawal = Some(withdrawal);
            }
            Write::Resent { channel, number, bytes } => {
                let out = self.out.get_mut(&channel).expect("sent again in a channel never sent in");
                assert!(out.sent.get(&number).is_some_and(|sent| sent.receipts > 0));
                let waits = out.outbox.insert(number, bytes);
                assert!(waits.is_none(), "number {number} of {channel} waits already and is sent again");
            }
            Write::Received { channel, number, entry, arrival, body, tree, held, stand, .. } => {
                let state = self.received.entry(channel.clone()).or_default();
                let (digest, body) = (arrival.digest().unwrap(), ReceiptBody::from_cbor(&body).unwrap());
                let before = state.received.insert(number, (digest, first + entry as u64));
                assert!(before.is_none(), "number {number} of {channel} is received twice");
                while let Some((digest, _)) = state.received.get(&(state.truth.size() + 1)) {
                    state.truth.push(leaf_hash(&digest.0));
                }
                assert_eq!(body.dispatch, digest);
                assert_eq!(stand.stand, Stand::settled(digest, &body.outcome));
                assert_eq!(body.contiguous, state.truth.size(), "the receipt of number {number} of {channel}");
                assert_eq!(body.channel_root, state.truth.root(), "the receipt of number {number} of {channel}");
                assert_eq!(tree, state.truth);
                assert!(held >= state.held, "what the sender of {channel} holds became less");
                (state.tree, state.held) = (tree, held);
            }
            Write::Totals(totals) => self.totals = totals,
            Write::Records { .. }
            | Write::PassedOn { .. }
            | Write::Erased(_)
            | Write::Hold { .. }
            | Write::Released { .. }
            | Write::DeletionOwed { .. }
            | Write::DeletionTold { .. }
            | Write::Deleted { .. }
            | Write::Attached { .. }
            | Write::Repair { .. }
            | Write::FetchedUpTo(_) => {}
        }
    }

    /// What an engine starts from.
    pub(super) fn load(&self) -> (Totals, Vec<LoadedChannel>, Vec<LoadedOutChannel>, Vec<PendingDispatch>) {
        let received = self.received.iter().map(|(channel, state)| {
            let ahead = state.received.range(state.tree.size() + 1..).map(|(number, (digest, _))| (*number, *digest));
            let (tree, ahead) = (state.tree.clone(), ahead.collect());
            LoadedChannel { channel: channel.clone(), tree, ahead, held: state.held }
        });
        let sent = self.out.iter().map(|(channel, out)| {
            let last = out.sent.keys().next_back().copied().unwrap_or(0);
            let (origin, confirmed) = (out.origin.clone(), out.confirmed);
            LoadedOutChannel { channel: channel.clone(), last, origin, confirmed }
        });
        let mut pending = Vec::new();
        for (channel, out) in &self.out {
            for (number, bytes) in &out.outbox {
                let agreement = out.sent[number].rests_on();
                pending.push(PendingDispatch { channel: channel.clone(), number: *number, bytes: *bytes, agreement });
            }
        }
        (self.totals.clone(), received.collect(), sent.collect(), pending)
    }

    /// How many numbers of a channel are here without a gap.
    pub(super) fn contiguous(&self, channel: &Channel) -> u64 {
        self.received.get(channel).map_or(0, |state| state.truth.size())
    }
}

impl Sent {
    /// The agreement that the other side must have for it; none for a withdrawal.
    pub(super) fn rests_on(&self) -> Digest {
        if self.withdrawal.is_some() { Digest::ZERO } else { self.agreement }
    }

    /// Bytes of what can be sent; `None` when they were dropped.
    pub(super) fn bytes(&self, made: u64) -> Option<u64> {
        match &self.withdrawal {
            Some(_) => Some(WITHDRAWAL_BYTES),
            None => self.sealed.then_some(made),
        }
    }
}

/// Bytes of every withdrawal's request.
pub(super) const WITHDRAWAL_BYTES: u64 = 20;
