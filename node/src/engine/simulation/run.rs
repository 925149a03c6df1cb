//! The scheduler: the next piece of work, or a tick before it; and what must be true once the faults are over.

use std::collections::BTreeMap;

use luxor_protocol::exchange::Outcome;

use super::Numbers;
use super::node::{ANY, Profile, Work};
use super::world::World;
use crate::engine::Input;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) trace: u64,
    pub(super) steps: u64,
    pub(super) receipts: u64,
    pub(super) met: BTreeMap<&'static str, u64>,
}

/// One seed in so many goes beyond the recipient's window.
const DEEP: u64 = 20;

/// Tells how to see a seed that fails.
struct Failing(u64);

impl Drop for Failing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("LUXOR_SEED={} runs it again and tells each step (with --nocapture)", self.0);
        }
    }
}

/// A world with faults for a while, and then without, until nothing waits.
pub(super) fn simulate(seed: u64, printed: bool) -> Told {
    let _failing = Failing(seed);
    let mut numbers = Numbers(seed);
    let deep = seed % DEEP == DEEP - 1;
    let profile = if deep { Profile::deep(&mut numbers) } else { Profile::random(&mut numbers) };
    let mut world = World::new(seed, profile, numbers, printed);
    let (deeds, time) = (world.numbers.between(10, 150), world.numbers.between(100, 5_000));
    if deep {
        // Late enough that the other one holds receipts beyond the window.
        let node = world.numbers.below(2) as usize;
        world.plan_after(node, ANY, time / 4 * 3, Work::Loss);
    }
    for _ in 0..deeds {
        world.plan(0, ANY, time, Work::Chaos);
    }
    world.run_until(world.now + time);
    world.heal();
    world.finish();
    world.told()
}

impl World {
    /// Does what is due until then.
    pub(super) fn run_until(&mut self, end: u64) {
        while self.do_next(end) {}
        self.now = end;
    }

    /// Does the next thing that is due until then.
    fn do_next(&mut self, end: u64) -> bool {
        let wakeups = self.nodes.iter().enumerate().filter_map(|(at, node)| {
            let wakeup = node.running.as_ref()?.engine.next_wakeup()?;
            Some((wakeup.0.max(self.now), at))
        });
        let wakeup = wakeups.min();
        let due = self.due().map(|at| at.max(self.now));
        match (wakeup, due) {
            (Some((wakeup, at)), due) if wakeup <= end && due.is_none_or(|due| wakeup <= due) => {
                self.now = wakeup;
                self.trace.tell(format_args!("{} {} ticks", self.now, self.nodes[at].name));
                self.step(at, Input::Tick);
            }
            (_, Some(due)) if due <= end => {
                if let Some((node, run, work)) = self.take() {
                    self.work(node, run, work);
                }
            }
            _ => return false,
        }
        true
    }

    fn work(&mut self, at: usize, run: u64, work: Work) {
        let is = self.nodes[at].running.as_ref().map(|process| process.run);
        if run != ANY && is != Some(run) {
            return;
        }
        match work {
            Work::Start => self.start(at),
            Work::Card(of) => self.install(at, of),
            Work::Chaos => self.chaos(),
            Work::Loss => self.loses_its_disk(at),
            Work::Write => self.write(at),
            Work::Tell => self.tell(at),
            Work::Hear(input) => {
                self.hears(at, &input);
                self.step(at, *input);
            }
            Work::Check(token) => self.check(at, run, token),
            Work::Seal(ticket, token, chunk, numbers) => self.seal(at, run, (ticket, token, *chunk, numbers)),
            Work::Depart(channel, number) => self.depart(at, run, channel, number),
            Work::Arrive(parcel, ask) => self.arrive(at, parcel, ask),
            Work::Verify(ask, proof) => self.verify(ask, proof),
            Work::Reload(channel, after, count) => self.reload(at, run, channel, after, count),
            Work::Withdraw(channel, number) => self.withdraw(at, run, None, channel, number),
        }
    }

    fn hears(&mut self, at: usize, input: &Input) {
        let (now, name) = (self.now, self.nodes[at].name.clone());
        match input {
            Input::Answered { channel, number, reply } => {
                let reply = match reply {
                    crate::engine::Reply::Receipt(receipt) => format!("receipt, has {}", receipt.contiguous),
                    other => format!("{other:?}"),
                };
                self.trace.tell(format_args!("{now} {name} hears of {number} of {channel}: {reply}"));
            }
            Input::Checked { token, .. } => {
                let process = self.nodes[at].running.as_mut();
                let Some(process) = process else { return };
                let (parcel, _) = &process.asked[token];
                let (channel, number) = (&parcel.channel, parcel.number);
                self.trace.tell(format_args!("{now} {name} has checked {number} of {channel}"));
                if let Some(checks) = process.checks.get_mut(&parcel.channel.sender) {
                    *checks -= 1;
                }
            }
            Input::Reloaded { channel, dispatches } => {
                self.trace.tell(format_args!("{now} {name} sends {} of {channel} again", dispatches.len()));
            }
            Input::Withdraw { channel, number, .. } => {
                self.trace.tell(format_args!("{now} {name} withdraws {number} of {channel}"));
            }
            _ => {}
        }
    }

    /// From now on nothing goes wrong, and every node runs with the newest cards and all agreements.
    pub(super) fn heal(&mut self) {
        self.trace.tell(format_args!("{} faults are over", self.now));
        let profile = &mut self.profile;
        (profile.lost, profile.doubled, profile.refused) = (0, 0, 0);
        (profile.poisoned, profile.hindrance) = (None, None);
        self.broken.clear();
        for at in 0..self.nodes.len() {
            self.nodes[at].lacks.clear();
            self.has_room(at);
            let newest: Vec<u64> = self.nodes.iter().map(|node| node.life).collect();
            if self.nodes[at].cards != newest {
                self.crash(at);
                self.nodes[at].cards = newest;
            }
            self.start(at);
        }
    }

    /// Runs until nothing is left to be done, which must come soon, and checks what has come of everything.
    pub(super) fn finish(&mut self) {
        let waiting: u64 =
            self.nodes.iter().flat_map(|node| node.disk.out.values()).map(|out| out.sent.len() as u64).sum();
        let (most, end) = (self.steps + 2_000 + waiting * 100, self.now + 20_000 + waiting * 200);
        while self.do_next(u64::MAX) {
            assert!(self.steps < most, "still at work after {most} steps");
            assert!(self.now < end, "still at work at {end} ms");
        }
        for node in &self.nodes {
            let process = node.running.as_ref().expect("every node runs");
            let outbox = process.engine.outbox();
            assert!(outbox.pending == 0 && outbox.waiting.is_empty(), "{}: {outbox:?}", node.name);
            assert!(process.submitted.is_empty() && process.asked.is_empty() && process.withdrawing.is_empty());
            assert_eq!(process.engine.refusals(10), [], "{}", node.name);
            for (channel, out) in &node.disk.out {
                assert!(out.outbox.is_empty(), "{channel}: {:?}", out.outbox);
                let to = &self.nodes[self.find(&channel.recipient)];
                let last = out.sent.len() as u64;
                assert_eq!(to.disk.contiguous(channel), last, "what the recipient has of {channel}");
                for (number, sent) in &out.sent {
                    let (digest, entry) = to.disk.received[channel].received[number];
                    assert_eq!(digest, sent.digest, "number {number} of {channel}");
                    let entry = &self.logs[&self.origin(self.find(&to.name), to.life)].entries[entry as usize];
                    let outcome = &entry.receipt.as_ref().expect("a received entry").outcome;
                    assert!(*outcome != Outcome::Withdrawn || sent.withdrawal.is_some());
                }
            }
            for (channel, first, last) in process.engine.missing() {
                let epoch = self.nodes[self.find(&channel.sender)].life + 1;
                assert_ne!(channel.epoch, epoch, "{first} to {last} of {channel} did not come back");
            }
        }
        for chunk in &self.accepted {
            let (node, life) = self.chunks[*chunk as usize - 1];
            let node = &self.nodes[node];
            assert!(node.life != life || node.disk.submissions.contains(chunk), "accepted chunk {chunk} is lost");
        }
    }

    fn told(&self) -> Told {
        let receipts = self.nodes.iter().flat_map(|node| node.disk.out.values()).map(|out| out.sent.len() as u64);
        Told { trace: self.trace.digest, steps: self.steps, receipts: receipts.sum(), met: self.met.clone() }
    }
}
