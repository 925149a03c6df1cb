//! The nodes, what is to happen when, and how effects are carried out: as the driver does it, one piece of work at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use luxor_protocol::exchange::Lane;
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Millis;

use super::disk::{Disk, Logs, proof};
use super::node::{ANY, Commit, Node, Process, Profile, Work};
use super::sending::Made;
use super::{Numbers, Trace};
use crate::engine::{Effect, Engine, EngineConfig, Input, Reply, Window};

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) steps: u64,
    pub(super) now: u64,
    pub(super) numbers: Numbers,
    pub(super) profile: Profile,
    pub(super) trace: Trace,
    pub(super) nodes: Vec<Node>,
    pub(super) logs: Logs,
    /// Every dispatch that was ever sealed, and the agreement that it rests on.
    pub(super) made: BTreeMap<Digest, Made>,
    pub(super) agreements: BTreeMap<Digest, Digest>,
    /// Node and life of every chunk, and which of them, numbered from 1, were accepted.
    pub(super) chunks: Vec<(usize, u64)>,
    pub(super) accepted: BTreeSet<u64>,
    /// By time, then at random: node, run, work. Work of a run that has ended is dropped.
    agenda: BTreeMap<(u64, u64, u64), (usize, u64, Work)>,
    scheduled: u64,
    runs: u64,
    /// How often something came about that seeds should come by.
    pub(super) met: BTreeMap<&'static str, u64>,
    /// Connections that are down, until when.
    pub(super) broken: BTreeMap<(usize, usize), u64>,
}

impl World {
    pub(super) fn new(seed: u64, profile: Profile, numbers: Numbers, printed: bool) -> Self {
        let names = ["a/n1", "b/n1", "c/n1"].into_iter().take(profile.nodes);
        let node = |name: &str| Node {
            name: name.parse().unwrap(),
            life: 0,
            disk: Disk::default(),
            space: true,
            cards: vec![0; profile.nodes],
            lacks: BTreeSet::new(),
            running: None,
        };
        let nodes = names.map(node).collect();
        let mut world = Self {
            seed,
            steps: 0,
            now: 1_000,
            numbers,
            profile,
            trace: Trace { digest: 0xcbf2_9ce4_8422_2325, printed },
            nodes,
            logs: Logs::new(),
            made: BTreeMap::new(),
            agreements: BTreeMap::new(),
            chunks: Vec::new(),
            accepted: BTreeSet::new(),
            agenda: BTreeMap::new(),
            scheduled: 0,
            runs: ANY,
            met: BTreeMap::new(),
            broken: BTreeMap::new(),
        };
        (0..world.nodes.len()).for_each(|node| world.start(node));
        world
    }

    pub(super) fn origin(&self, node: usize, life: u64) -> String {
        format!("{}/{life}", self.nodes[node].name)
    }

    pub(super) fn find(&self, name: &NodeRef) -> usize {
        self.nodes.iter().position(|node| node.name == *name).unwrap()
    }

    /// Plans work at most `spread` milliseconds from now.
    pub(super) fn plan(&mut self, node: usize, run: u64, spread: u64, work: Work) {
        let after = self.numbers.below(spread + 1);
        self.plan_after(node, run, after, work);
    }

    pub(super) fn plan_after(&mut self, node: usize, run: u64, after: u64, work: Work) {
        self.scheduled += 1;
        let key = (self.now + after, self.numbers.next(), self.scheduled);
        self.agenda.insert(key, (node, run, work));
    }

    /// When the next piece of work is due.
    pub(super) fn due(&self) -> Option<u64> {
        self.agenda.first_key_value().map(|((at, _, _), _)| *at)
    }

    pub(super) fn take(&mut self) -> Option<(usize, u64, Work)> {
        let ((at, _, _), work) = self.agenda.pop_first()?;
        self.now = self.now.max(at);
        Some(work)
    }

    /// Starts a node's process from its disk.
    pub(super) fn start(&mut self, at: usize) {
        self.runs += 1;
        let (run, profile) = (self.runs, self.profile.clone());
        let card = |(node, life): (usize, &u64)| (self.nodes[node].name.clone(), self.origin(node, *life));
        let node = &self.nodes[at];
        if node.running.is_some() {
            return;
        }
        let config = EngineConfig {
            me: node.name.clone(),
            retry_min_ms: 10,
            retry_max_ms: 400,
            epoch: node.life + 1,
            origins: node.cards.iter().enumerate().map(card).collect(),
            ordinary: profile.ordinary,
            urgent: profile.urgent,
            in_flight_per_peer: profile.in_flight_per_peer,
            max_outbox: profile.max_outbox,
        };
        let (totals, received, sent, pending) = node.disk.load();
        let process = Process {
            run,
            engine: Engine::new(config, totals, received, sent, pending),
            commits: VecDeque::new(),
            durable: VecDeque::new(),
            tokens: 0,
            asked: BTreeMap::new(),
            submitted: BTreeMap::new(),
            withdrawing: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            checks: BTreeMap::new(),
        };
        let space = node.space;
        self.trace.tell(format_args!("{} {} starts, run {run}", self.now, node.name));
        self.nodes[at].running = Some(process);
        self.step(at, Input::Space(space));
        self.step(at, Input::Tick);
    }

    /// One step of a node's engine, and its effects.
    pub(super) fn step(&mut self, at: usize, input: Input) {
        let Some(process) = &mut self.nodes[at].running else { return };
        self.steps += 1;
        if let Input::Answered { channel, number, .. } = &input {
            let under_way = process.in_flight.get_mut(channel).and_then(|numbers| numbers.remove(number));
            assert!(under_way.is_some(), "an answer to what is not under way");
        }
        let ticks = matches!(input, Input::Tick);
        let effects = process.engine.step(Millis(self.now), input);
        if ticks {
            let next = process.engine.next_wakeup();
            assert!(next.is_none_or(|next| next.0 > self.now), "after a tick another one is due at once");
        }
        for effect in effects {
            self.carry_out(at, effect);
        }
    }

    fn carry_out(&mut self, at: usize, effect: Effect) {
        let (work, disk) = (self.profile.work, self.profile.disk);
        let Some(process) = &mut self.nodes[at].running else { return };
        let run = process.run;
        match effect {
            Effect::Check { token } => {
                let (parcel, _) = &process.asked[&token];
                let checks = process.checks.entry(parcel.channel.sender.clone()).or_default();
                *checks += 1;
                assert!(*checks <= self.profile.in_flight_per_peer, "{checks} checks for one node");
                self.plan(at, run, work, Work::Check(token));
            }
            Effect::Respond { token, answer } => {
                let (parcel, ask) = process.asked.remove(&token).expect("a request is answered twice");
                self.respond(at, &parcel, ask, answer);
            }
            Effect::Replay { token, channel, number, digest } => {
                let (parcel, ask) = process.asked.remove(&token).expect("a request is answered twice");
                assert!(parcel.channel == channel && parcel.number == number && parcel.digest == digest);
                self.replay(at, &parcel, ask);
            }
            Effect::Commit { ticket, writes, entries, prove } => {
                process.commits.push_back(Commit { ticket, writes, entries, prove });
                self.plan(at, run, disk, Work::Write);
            }
            Effect::Seal { ticket, token, chunk, numbers } => {
                self.check_numbers(at, &numbers);
                self.plan(at, run, work, Work::Seal(ticket, token, chunk, numbers));
            }
            Effect::Accepted { token } => {
                let chunk = process.submitted.remove(&token).expect("a chunk is answered twice");
                assert!(self.nodes[at].disk.submissions.contains(&chunk), "chunk {chunk} is accepted, but not durable");
                self.trace.tell(format_args!("{} chunk {chunk} is accepted", self.now));
                self.accepted.insert(chunk);
            }
            Effect::Busy { token } => {
                assert!(process.submitted.remove(&token).is_some(), "a chunk is answered twice");
                self.meet("busy");
            }
            Effect::Withdrawn { token, taken } => {
                assert!(process.withdrawing.remove(&token), "a withdrawal is answered twice");
                self.trace.tell(format_args!("{} a withdrawal is taken: {taken}", self.now));
            }
            Effect::PrepareWithdrawal { channel, number } => {
                self.meet("gone");
                self.plan(at, run, work, Work::Withdraw(channel, number));
            }
            Effect::Reload { channel, after, count } => {
                self.meet("reload");
                self.plan(at, run, work, Work::Reload(channel, after, count));
            }
            Effect::Send { channel, number } => {
                self.check_windows(at, &channel, number);
                self.plan(at, run, work, Work::Depart(channel, number));
            }
        }
    }

    /// The sequencer makes durable what waits, or the first part of it, and its news go into the mailbox in order.
    pub(super) fn write(&mut self, at: usize) {
        let (now, origin) = (self.now, self.origin(at, self.nodes[at].life));
        let Node { name, disk, running: Some(process), .. } = &mut self.nodes[at] else { return };
        let run = process.run;
        let group = self.numbers.between(1, 4).min(process.commits.len() as u64);
        for _ in 0..group {
            let Some(commit) = process.commits.pop_front() else { break };
            let Commit { ticket, writes, entries, prove } = commit;
            let first = disk.commit(&mut self.logs, &origin, &self.agreements, writes, &entries);
            self.trace.tell(format_args!("{now} {name} writes {} entries from {first}", entries.len()));
            let proof = prove.then(|| proof(&origin, first));
            process.durable.push_back(Input::Committed { ticket, proof });
        }
        for _ in 0..group {
            self.plan(at, run, self.profile.work, Work::Tell);
        }
    }

    pub(super) fn tell(&mut self, at: usize) {
        let input = self.nodes[at].running.as_mut().and_then(|process| process.durable.pop_front());
        if let Some(input) = input {
            self.step(at, input);
        }
    }

    /// The process ends: what it had in memory is gone, and who waited for its answers learns of it.
    pub(super) fn crash(&mut self, at: usize) {
        let Some(process) = self.nodes[at].running.take() else { return };
        self.trace.tell(format_args!("{} {} ends", self.now, self.nodes[at].name));
        for (_, (_, ask)) in process.asked {
            if let Some(ask) = ask {
                self.answer(ask, Reply::Stopped("the connection broke".into()));
            }
        }
        // A client that got no answer finds its chunk accepted if it was durable.
        let disk = &self.nodes[at].disk;
        self.accepted.extend(process.submitted.into_values().filter(|chunk| disk.submissions.contains(chunk)));
    }

    pub(super) fn meet(&mut self, what: &'static str) {
        *self.met.entry(what).or_default() += 1;
    }

    pub(super) fn lane_window(&self, lane: Lane) -> Window {
        match lane {
            Lane::Ordinary => self.profile.ordinary,
            Lane::Urgent => self.profile.urgent,
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let World { seed, steps, now, .. } = self;
            eprintln!("seed {seed} fails at step {steps}, {now} ms");
        }
    }
}
