//! What is done to the world while faults last.

use luxor_protocol::exchange::Lane;
use luxor_protocol::hash::Digest;
use luxor_protocol::names::Purpose;
use luxor_protocol::record::{Batch, BatchHeader, DECLARATION, GroupSet};
use luxor_protocol::time::Millis;

use super::Numbers;
use super::disk::Disk;
use super::node::{ANY, Profile, Work};
use super::world::World;
use crate::engine::{Delivery, Input, Kept, PreparedBatch, PreparedChunk, Token, Window};

/// Agreements between any two nodes.
const AGREEMENTS: u64 = 3;

/// What is done to a world and one of its nodes.
type Deed = fn(&mut World, usize);

/// What can be done, with how often: parts of their sum.
const DEEDS: [(u64, Deed); 10] = [
    (40, World::submits),
    (8, World::withdraws),
    (5, World::crashes),
    (6, World::breaks),
    (6, World::lacks),
    (6, World::has_again),
    (3, World::fills),
    (4, World::has_room),
    (4, World::purges),
    (1, World::loses_its_disk),
];

impl Profile {
    pub(super) fn random(numbers: &mut Numbers) -> Self {
        let mut window = || Window { dispatches: numbers.between(1, 8) as usize, bytes: numbers.between(200, 2_000) };
        Self {
            ordinary: window(),
            urgent: window(),
            nodes: numbers.between(2, 3) as usize,
            in_flight_per_peer: numbers.between(1, 8) as usize,
            max_outbox: numbers.between(10, 200),
            network: numbers.between(1, 40),
            work: numbers.between(0, 10),
            disk: numbers.between(0, 20),
            lost: numbers.below(20),
            doubled: numbers.below(20),
            refused: numbers.below(10),
            most: 5,
            poisoned: None,
            hindrance: None,
        }
    }

    /// So many dispatches that channels run beyond the recipient's window.
    pub(super) fn deep(numbers: &mut Numbers) -> Self {
        let window = Window { dispatches: 64, bytes: 1_000_000 };
        Self {
            ordinary: window,
            urgent: window,
            nodes: 2,
            in_flight_per_peer: 128,
            max_outbox: 10_000,
            network: numbers.between(1, 4),
            work: 1,
            disk: 1,
            lost: numbers.below(2),
            doubled: numbers.below(5),
            refused: numbers.below(3),
            most: 150,
            poisoned: numbers.chance(50).then(|| numbers.between(1, 200)),
            hindrance: None,
        }
    }
}

impl World {
    /// Something random is done to a random node.
    pub(super) fn chaos(&mut self) {
        let at = self.numbers.below(self.nodes.len() as u64) as usize;
        let mut place = self.numbers.below(DEEDS.iter().map(|(often, _)| often).sum());
        for (often, deed) in DEEDS {
            if place < often {
                return deed(self, at);
            }
            place -= often;
        }
    }

    fn submits(&mut self, at: usize) {
        let lane = if self.numbers.chance(25) { Lane::Urgent } else { Lane::Ordinary };
        let most = self.profile.most * if self.numbers.chance(5) { 8 } else { 1 };
        let deliveries = self.numbers.between(1, most);
        self.submit(at, lane, deliveries);
    }

    /// A client submits a chunk with so many dispatches to random nodes; gives the chunk's number.
    pub(super) fn submit(&mut self, at: usize, lane: Lane, deliveries: u64) -> u64 {
        let others: Vec<usize> = (0..self.nodes.len()).filter(|node| *node != at).collect();
        let deliveries = (0..deliveries).map(|_| {
            let recipient = self.nodes[*self.numbers.one_of(&others).unwrap()].name.clone();
            let agreement = Digest([1 + self.numbers.below(AGREEMENTS) as u8; 32]);
            let bytes = if self.numbers.chance(3) { 2_500 } else { self.numbers.between(10, 300) };
            Delivery {
                recipient,
                agreement: ("agreement".parse().unwrap(), agreement),
                purpose: Purpose::SafetySecurity,
                view: GroupSet::NONE,
                retention_days: 1,
                source: None,
                content: vec![0; bytes as usize],
            }
        });
        let deliveries = deliveries.collect();
        let node = self.nodes[at].name.clone();
        let header = BatchHeader { node, table: &DECLARATION, count: 1, root: Digest::ZERO, signed_at: Millis(0) };
        let batch = Batch { header, signature: [0; 64] };
        let batch = PreparedBatch {
            batch,
            kept: Kept::Own { records: Vec::new(), stored: Vec::new(), again: false },
            deliveries,
        };
        self.chunks.push((at, self.nodes[at].life));
        let number = self.chunks.len() as u64;
        let Some(process) = &mut self.nodes[at].running else { return number };
        process.tokens += 1;
        let token = Token(process.tokens);
        process.submitted.insert(token, number);
        let (submission, digest) = (Some(String::new()), Digest::ZERO);
        let batches = vec![batch];
        let chunk =
            PreparedChunk { lane, submission, chunk: number, digest, result: Vec::new(), repairs: Vec::new(), batches };
        self.step(at, Input::Submitted { token, chunk: Box::new(chunk) });
        number
    }

    /// An operator withdraws something.
    fn withdraws(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        let Some(process) = &mut node.running else { return };
        let waits = |(channel, out): (_, &super::disk::Out)| {
            let of = |(number, _): (&u64, _)| (Clone::clone(channel), *number);
            out.outbox.iter().map(of).collect::<Vec<_>>()
        };
        let mut waiting: Vec<_> = node.disk.out.iter().flat_map(waits).collect();
        waiting.retain(|(channel, number)| node.disk.out[channel].sent[number].withdrawal.is_none());
        let Some((channel, number)) = self.numbers.one_of(&waiting).cloned() else { return };
        process.tokens += 1;
        let (token, run) = (Token(process.tokens), process.run);
        process.withdrawing.insert(token);
        self.withdraw(at, run, Some(token), channel, number);
    }

    fn crashes(&mut self, at: usize) {
        self.crash(at);
        self.plan(at, ANY, 300, Work::Start);
    }

    fn breaks(&mut self, at: usize) {
        let other = self.numbers.below(self.nodes.len() as u64) as usize;
        let until = self.now + self.numbers.between(1, 300);
        self.broken.insert((at.min(other), at.max(other)), until);
    }

    fn lacks(&mut self, at: usize) {
        let agreement = Digest([1 + self.numbers.below(AGREEMENTS) as u8; 32]);
        self.nodes[at].lacks.insert(agreement);
    }

    fn has_again(&mut self, at: usize) {
        self.nodes[at].lacks.pop_first();
    }

    fn fills(&mut self, at: usize) {
        self.nodes[at].space = false;
        self.step(at, Input::Space(false));
    }

    pub(super) fn has_room(&mut self, at: usize) {
        self.nodes[at].space = true;
        self.step(at, Input::Space(true));
    }

    /// Sealed bytes of settled dispatches are dropped.
    pub(super) fn purges(&mut self, at: usize) {
        let percent = self.numbers.below(101);
        for out in self.nodes[at].disk.out.values_mut() {
            let outbox = &out.outbox;
            for (_, sent) in out.sent.iter_mut().filter(|(number, _)| !outbox.contains_key(number)) {
                sent.sealed &= !self.numbers.chance(percent);
            }
        }
    }

    /// A node loses its disk and begins a new log and the next epoch; the others hear of it one by one.
    pub(super) fn loses_its_disk(&mut self, at: usize) {
        self.crash(at);
        let node = &mut self.nodes[at];
        node.disk = Disk::default();
        node.life += 1;
        node.cards[at] = node.life;
        self.trace.tell(format_args!("{} {} has lost its disk", self.now, node.name));
        self.meet("lost disk");
        self.plan(at, ANY, 300, Work::Start);
        for other in (0..self.nodes.len()).filter(|other| *other != at) {
            self.plan(other, ANY, 1_000, Work::Card(at));
        }
    }

    /// A node installs another one's newest card, for which it is started again.
    pub(super) fn install(&mut self, at: usize, other: usize) {
        self.crash(at);
        self.nodes[at].cards[other] = self.nodes[other].life;
        self.start(at);
    }
}
