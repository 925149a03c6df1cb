//! One channel from this node: which numbers wait, which may go now, what holds the others back.
//!
//! Three things hold a number back, and none of them holds back more than it must: a peer that cannot be reached or has no
//! room stops its channel, an agreement or type version that the peer lacks stops the dispatches under that agreement, an
//! answer that refuses one dispatch stops that one. After each a single dispatch goes first, to see whether it is over.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::exchange::Channel;
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::CHANNEL_WINDOW;
use luxor_protocol::time::Millis;

use super::types::retry_at;
use super::{EngineConfig, Window};

/// A number without receipt.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    bytes: u64,
    agreement: Digest,
}

/// Why something waits, and until when.
#[derive(Debug, Clone)]
struct Hold {
    until: Millis,
    attempts: u32,
    reason: String,
    /// The dispatch that is under way to see whether it is over.
    probing: Option<u64>,
}

impl Hold {
    fn again(before: Option<&Hold>, config: &EngineConfig, now: Millis, reason: String) -> Self {
        let attempts = before.map_or(0, |hold| hold.attempts);
        Self { until: retry_at(config, now, attempts), attempts: attempts.saturating_add(1), reason, probing: None }
    }
}

/// A channel from this node.
pub(super) struct OutChannel {
    pub(super) channel: Channel,
    /// The highest number given.
    last: u64,
    /// Numbers given whose dispatch is not durable yet.
    sealing: BTreeSet<u64>,
    /// Numbers without receipt.
    waiting: BTreeMap<u64, Waiting>,
    /// Of these, by agreement, those that are not under way, held back alone, settling or being withdrawn.
    ready: BTreeMap<Digest, BTreeSet<u64>>,
    /// Those under way, with their bytes.
    in_flight: BTreeMap<u64, u64>,
    in_flight_bytes: u64,
    /// Those whose receipt is being committed.
    settling: BTreeSet<u64>,
    /// Those whose withdrawal is being committed.
    withdrawing: BTreeSet<u64>,
    /// Agreements that the peer lacks.
    lacking: BTreeMap<Digest, Hold>,
    /// Numbers that the peer refused without consuming them.
    refused: BTreeMap<u64, Hold>,
    /// The whole channel, while the peer cannot be reached or has no room.
    stopped: Option<Hold>,
    /// The highest contiguous number that receipts under the recipient's log `origin` name.
    confirmed: u64,
    origin: String,
    /// Numbers above `confirmed` are being read again from the store.
    reloading: bool,
}

impl OutChannel {
    /// A channel in which numbers up to `last` were given, and whose receipts under the log `origin` confirm the numbers up
    /// to `confirmed`.
    pub(super) fn new(channel: Channel, last: u64, origin: String, confirmed: u64) -> Self {
        Self {
            channel,
            last,
            sealing: BTreeSet::new(),
            waiting: BTreeMap::new(),
            ready: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            in_flight_bytes: 0,
            settling: BTreeSet::new(),
            withdrawing: BTreeSet::new(),
            lacking: BTreeMap::new(),
            refused: BTreeMap::new(),
            stopped: None,
            confirmed,
            origin,
            reloading: false,
        }
    }

    /// How many numbers have no receipt.
    pub(super) fn pending(&self) -> u64 {
        self.waiting.len() as u64
    }

    /// Why something waits, the widest reason first.
    pub(super) fn reason(&self) -> Option<String> {
        let stopped = self.stopped.as_ref().filter(|_| !self.waiting.is_empty());
        let lacking = || self.lacking.iter().find(|(agreement, _)| self.ready.contains_key(*agreement));
        let refused =
            || self.refused.first_key_value().map(|(number, hold)| format!("number {number}: {}", hold.reason));
        stopped.map(|hold| hold.reason.clone()).or_else(|| Some(lacking()?.1.reason.clone())).or_else(refused)
    }

    /// Numbers that were refused alone, with the reasons: an operator should look at them.
    pub(super) fn refusals(&self) -> impl Iterator<Item = (u64, &str)> {
        self.refused.iter().map(|(number, hold)| (*number, hold.reason.as_str()))
    }

    /// The highest number up to which this node holds every receipt.
    pub(super) fn held(&self) -> u64 {
        let lowest = [self.waiting.keys().next(), self.sealing.first()].into_iter().flatten().min();
        let held = lowest.map_or(self.last, |lowest| lowest - 1);
        if self.reloading { held.min(self.confirmed) } else { held }
    }

    /// Gives the next number, and tells up to which number receipts are held.
    pub(super) fn give(&mut self) -> (u64, u64) {
        let held = self.held();
        self.last += 1;
        self.sealing.insert(self.last);
        (self.last, held)
    }

    /// A number's dispatch is durable and waits for its receipt.
    pub(super) fn wait(&mut self, number: u64, bytes: u64, agreement: Digest) {
        self.last = self.last.max(number);
        self.sealing.remove(&number);
        self.waiting.insert(number, Waiting { bytes, agreement });
        self.ready.entry(agreement).or_default().insert(number);
    }

    /// Whether a receipt for this number is wanted.
    pub(super) fn wants_receipt(&self, number: u64) -> bool {
        self.waiting.contains_key(&number) && !self.settling.contains(&number)
    }

    /// A number's receipt is being committed; nothing holds the channel back any more.
    pub(super) fn settle(&mut self, number: u64) {
        self.take_out(number);
        self.stopped = None;
        self.refused.remove(&number);
        if let Some(waiting) = self.waiting.get(&number) {
            self.lacking.remove(&waiting.agreement);
        }
        self.settling.insert(number);
    }

    /// A number's receipt is durable.
    pub(super) fn settled(&mut self, number: u64) {
        self.waiting.remove(&number);
        self.settling.remove(&number);
    }

    /// What a receipt under the log `origin` says about the numbers that the recipient has.
    pub(super) fn confirm(&mut self, origin: &str, contiguous: u64) -> (String, u64) {
        if self.origin == origin {
            self.confirmed = self.confirmed.max(contiguous);
        } else {
            (self.origin, self.confirmed) = (origin.to_owned(), contiguous);
        }
        (self.origin.clone(), self.confirmed)
    }

    /// The recipient keeps the log `origin` now. Receipts under another say nothing of what it has.
    pub(super) fn follow(&mut self, origin: &str) {
        if self.origin != origin {
            (self.origin, self.confirmed) = (origin.to_owned(), 0);
        }
    }

    /// Numbers to be read again from the store, because receipts for them came from a log that the recipient lost:
    /// `(after, count)`.
    pub(super) fn lost(&mut self) -> Option<(u64, u64)> {
        let held = self.held();
        if self.reloading || held <= self.confirmed || self.origin.is_empty() {
            return None;
        }
        self.reloading = true;
        Some((self.confirmed, (held - self.confirmed).min(CHANNEL_WINDOW)))
    }

    /// What was read again waits for another receipt now.
    pub(super) fn reloaded(&mut self) {
        self.reloading = false;
    }

    /// The recipient says that it has numbers up to `after` only. Believed if its log is another than the one whose
    /// receipts are here, or they say no more; else it contradicts its own signature.
    pub(super) fn has_only(&mut self, origin: &str, after: u64) -> bool {
        if self.origin == origin && after < self.confirmed {
            return false;
        }
        self.confirm(origin, after);
        true
    }

    /// Begins a withdrawal; `false` when the number has its receipt, is being withdrawn or was.
    pub(super) fn withdraw(&mut self, number: u64) -> bool {
        let withdrawn = self.waiting.get(&number).is_some_and(|waiting| waiting.agreement == Digest::ZERO);
        if withdrawn || !self.wants_receipt(number) || !self.withdrawing.insert(number) {
            return false;
        }
        self.leave_ready(number);
        true
    }

    /// A withdrawal is durable: its bytes go out in place of the dispatch, whatever held that back.
    pub(super) fn withdrawn(&mut self, number: u64, bytes: u64) {
        self.withdrawing.remove(&number);
        self.refused.remove(&number);
        // It stands under its agreement still if it landed in between.
        self.leave_ready(number);
        if let Some(waiting) = self.waiting.get_mut(&number).filter(|_| !self.settling.contains(&number)) {
            // A withdrawal needs no agreement on the other side.
            *waiting = Waiting { bytes, agreement: Digest::ZERO };
            if !self.in_flight.contains_key(&number) {
                self.ready.entry(Digest::ZERO).or_default().insert(number);
            }
        }
    }

    /// A dispatch is no longer under way.
    pub(super) fn landed(&mut self, number: u64) {
        if let Some(bytes) = self.in_flight.remove(&number) {
            self.in_flight_bytes -= bytes;
        }
        if let Some(waiting) = self.waiting.get(&number)
            && !self.settling.contains(&number)
            && !self.withdrawing.contains(&number)
        {
            self.ready.entry(waiting.agreement).or_default().insert(number);
        }
        // By its number: it may have been withdrawn on the way, and stands under no agreement then.
        for hold in self.lacking.values_mut().filter(|hold| hold.probing == Some(number)) {
            hold.probing = None;
        }
        if let Some(stopped) = &mut self.stopped {
            stopped.probing = None;
        }
    }

    /// The peer answered in another lane: this one need not wait longer to see whether it can be reached.
    pub(super) fn reached(&mut self, now: Millis) {
        if let Some(stopped) = &mut self.stopped {
            stopped.until = stopped.until.min(now);
        }
    }

    /// The peer cannot be reached or has no room.
    pub(super) fn stop(&mut self, config: &EngineConfig, now: Millis, reason: String) {
        // Many dispatches fail together when a connection breaks: that is one failure, not many.
        match &mut self.stopped {
            Some(hold) if hold.until > now => hold.reason = reason,
            before => *before = Some(Hold::again(before.as_ref(), config, now, reason)),
        }
    }

    /// The peer lacks what this number's agreement needs.
    pub(super) fn lacks(&mut self, number: u64, config: &EngineConfig, now: Millis, reason: String) {
        let Some(agreement) = self.waiting.get(&number).map(|waiting| waiting.agreement) else { return };
        let before = self.lacking.get(&agreement);
        if before.is_none_or(|hold| hold.until <= now) {
            let hold = Hold::again(before, config, now, reason);
            self.lacking.insert(agreement, hold);
        }
        self.stopped = None;
    }

    /// The peer refuses this number without consuming it.
    pub(super) fn refuse(&mut self, number: u64, config: &EngineConfig, now: Millis, reason: String) {
        if self.waiting.contains_key(&number) {
            self.leave_ready(number);
            let hold = Hold::again(self.refused.get(&number), config, now, reason);
            self.refused.insert(number, hold);
        }
        self.stopped = None;
    }

    /// When something that is held back may be tried again, later than `tried`, when everything was.
    pub(super) fn wakes_at(&self, tried: Millis) -> Option<Millis> {
        let lacking = self.lacking.iter().filter(|(agreement, _)| self.ready.contains_key(*agreement));
        let holds = lacking.map(|(_, hold)| hold).chain(self.refused.values()).chain(&self.stopped);
        holds.filter(|hold| hold.probing.is_none() && hold.until > tried).map(|hold| hold.until).min()
    }

    /// Numbers that may go now, lowest first; they are under way then.
    pub(super) fn ready(&mut self, now: Millis, window: Window) -> Vec<u64> {
        let mut room = window.dispatches;
        if let Some(stopped) = &mut self.stopped {
            if stopped.until > now || stopped.probing.is_some() || !self.in_flight.is_empty() {
                return Vec::new();
            }
            room = 1;
        }
        self.release(now);
        let mut going = Vec::new();
        // The recipient takes no number further above the lowest one that it may lack.
        let end = self.waiting.keys().next().map_or(0, |lowest| lowest + CHANNEL_WINDOW);
        while self.in_flight.len() < room {
            let Some((number, agreement)) = self.next(now).filter(|(number, _)| *number < end) else { break };
            let Some(bytes) = self.waiting.get(&number).map(|waiting| waiting.bytes) else { break };
            if self.in_flight_bytes > 0 && self.in_flight_bytes + bytes > window.bytes {
                break;
            }
            self.leave_ready(number);
            if let Some(hold) = self.lacking.get_mut(&agreement) {
                hold.probing = Some(number);
            }
            self.in_flight.insert(number, bytes);
            self.in_flight_bytes += bytes;
            going.push(number);
        }
        if let Some(stopped) = &mut self.stopped {
            stopped.probing = going.first().copied();
        }
        going
    }

    /// The lowest ready number whose agreement is not lacking, or is to be tried again.
    fn next(&self, now: Millis) -> Option<(u64, Digest)> {
        let free = |agreement: &Digest| match self.lacking.get(agreement) {
            Some(hold) => hold.until <= now && hold.probing.is_none(),
            None => true,
        };
        let firsts = self.ready.iter().filter(|(agreement, _)| free(agreement));
        firsts.filter_map(|(agreement, numbers)| Some((*numbers.first()?, *agreement))).min()
    }

    /// Numbers refused alone whose time has come are ready again.
    fn release(&mut self, now: Millis) {
        for (number, hold) in self.refused.iter_mut().filter(|(_, hold)| hold.until <= now && hold.probing.is_none()) {
            if let Some(waiting) = self.waiting.get(number).filter(|_| !self.withdrawing.contains(number)) {
                self.ready.entry(waiting.agreement).or_default().insert(*number);
                hold.probing = Some(*number);
            }
        }
    }

    fn take_out(&mut self, number: u64) {
        self.leave_ready(number);
        self.withdrawing.remove(&number);
    }

    fn leave_ready(&mut self, number: u64) {
        let Some(agreement) = self.waiting.get(&number).map(|waiting| waiting.agreement) else { return };
        if let Some(numbers) = self.ready.get_mut(&agreement) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.ready.remove(&agreement);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use luxor_protocol::exchange::Lane;

    use super::*;

    const WINDOW: Window = Window { dispatches: 4, bytes: 1_000 };
    const AGREEMENT: Digest = Digest([1; 32]);

    /// A channel in which so many numbers wait.
    fn waiting(numbers: u64) -> (EngineConfig, OutChannel) {
        let (me, recipient) = ("a/n1".parse().unwrap(), "b/n1".parse().unwrap());
        let channel = Channel { sender: "a/n1".parse().unwrap(), recipient, epoch: 1, lane: Lane::Ordinary };
        let config = EngineConfig {
            me,
            retry_min_ms: 10,
            retry_max_ms: 10,
            epoch: 1,
            origins: BTreeMap::new(),
            ordinary: WINDOW,
            urgent: WINDOW,
            in_flight_per_peer: 4,
            max_outbox: 100,
        };
        let mut out = OutChannel::new(channel, 0, String::new(), 0);
        (1..=numbers).for_each(|number| out.wait(number, 10, AGREEMENT));
        (config, out)
    }

    fn settle(out: &mut OutChannel, number: u64) {
        out.landed(number);
        out.settle(number);
        out.settled(number);
    }

    #[test]
    fn a_number_withdrawn_while_it_probes_does_not_hold_up_its_agreement() {
        for durable_before in [true, false] {
            let (config, mut out) = waiting(3);
            assert_eq!(out.ready(Millis(0), Window { dispatches: 1, ..WINDOW }), [1]);
            out.landed(1);
            out.lacks(1, &config, Millis(0), "lacks".into());
            assert_eq!(out.ready(Millis(5), WINDOW), [0; 0]);
            assert_eq!(out.ready(Millis(10), WINDOW), [1], "one goes to see");
            assert!(out.withdraw(1));
            if durable_before {
                out.withdrawn(1, 5);
            }
            // The answer to the probe is lost.
            out.landed(1);
            out.stop(&config, Millis(11), "cut".into());
            if !durable_before {
                out.withdrawn(1, 5);
            }
            assert_eq!(out.ready(Millis(21), WINDOW), [1], "the withdrawal, which needs no agreement");
            settle(&mut out, 1);
            assert_eq!(out.ready(Millis(21), WINDOW), [2], "another one goes to see");
            settle(&mut out, 2);
            assert_eq!(out.ready(Millis(21), WINDOW), [3]);
        }
    }

    #[test]
    fn a_number_whose_wait_ends_while_it_is_withdrawn_goes_once() {
        let (config, mut out) = waiting(2);
        assert_eq!(out.ready(Millis(0), WINDOW), [1, 2]);
        out.landed(1);
        out.refuse(1, &config, Millis(0), "gone".into());
        settle(&mut out, 2);
        assert!(out.withdraw(1));
        assert_eq!(out.ready(Millis(10), WINDOW), [0; 0], "its withdrawal is not durable yet");
        out.withdrawn(1, 5);
        assert!(!out.withdraw(1), "once is enough");
        assert_eq!(out.ready(Millis(10), WINDOW), [1]);
        settle(&mut out, 1);
        assert!(out.ready.is_empty() && out.pending() == 0);
        out.wait(3, 10, AGREEMENT);
        assert_eq!(out.ready(Millis(10), WINDOW), [3]);
    }

    #[test]
    fn an_answer_in_another_lane_ends_the_wait_for_a_single_dispatch() {
        let (config, mut out) = waiting(3);
        assert_eq!(out.ready(Millis(0), Window { dispatches: 1, ..WINDOW }), [1]);
        out.landed(1);
        out.stop(&config, Millis(0), "cut".into());
        assert_eq!(out.ready(Millis(1), WINDOW), [0; 0]);
        out.reached(Millis(1));
        assert_eq!(out.ready(Millis(1), WINDOW), [1]);
        settle(&mut out, 1);
        assert_eq!(out.ready(Millis(1), WINDOW), [2, 3]);
    }

    #[test]
    fn each_failure_doubles_the_wait_up_to_the_longest_and_a_receipt_ends_it() {
        let (config, mut out) = waiting(3);
        let config = EngineConfig { retry_max_ms: 45, ..config };
        let mut now = Millis(0);
        assert_eq!(out.ready(now, Window { dispatches: 2, ..WINDOW }), [1, 2]);
        // A connection that breaks fails both: that is one failure.
        for number in [1, 2] {
            out.landed(number);
            out.stop(&config, now, "cut".into());
        }
        for wait in [10, 20, 40, 45, 45] {
            assert_eq!(out.wakes_at(now), Some(now.plus(wait)));
            assert_eq!(out.ready(now.plus(wait - 1), WINDOW), [0; 0]);
            now = now.plus(wait);
            assert_eq!(out.ready(now, WINDOW), [1], "one goes to see");
            assert_eq!(out.wakes_at(now), None, "its answer is waited for");
            out.landed(1);
            out.stop(&config, now, "cut".into());
        }
        now = now.plus(45);
        assert_eq!(out.ready(now, WINDOW), [1]);
        settle(&mut out, 1);
        assert_eq!(out.ready(now, WINDOW), [2, 3]);
        out.landed(2);
        out.stop(&config, now, "cut".into());
        assert_eq!(out.wakes_at(now), Some(now.plus(10)), "a first failure again");
    }

    #[test]
    fn what_the_peer_lacks_or_refuses_holds_up_nothing_else() {
        let (config, mut out) = waiting(2);
        let config = EngineConfig { retry_max_ms: 100, ..config };
        let other = Digest([2; 32]);
        (3..=6).for_each(|number| out.wait(number, 10, other));
        assert_eq!(out.ready(Millis(0), WINDOW), [1, 2, 3, 4]);
        for number in [1, 2] {
            out.landed(number);
            out.lacks(number, &config, Millis(0), "lacks".into());
        }
        out.landed(3);
        out.refuse(3, &config, Millis(0), "refused".into());
        assert_eq!(out.ready(Millis(1), WINDOW), [5, 6]);
        assert_eq!(out.refusals().collect::<Vec<_>>(), [(3, "refused")]);
        assert_eq!(out.wakes_at(Millis(1)), Some(Millis(10)));
        for number in [4, 5, 6] {
            settle(&mut out, number);
        }
        assert_eq!(out.ready(Millis(10), WINDOW), [1, 3], "one under the agreement, and the refused one");
        out.landed(3);
        out.refuse(3, &config, Millis(10), "refused".into());
        settle(&mut out, 1);
        assert_eq!(out.ready(Millis(10), WINDOW), [2]);
        assert_eq!(out.wakes_at(Millis(10)), Some(Millis(30)), "the second wait of the refused one");
    }

    #[test]
    fn a_dispatch_larger_than_the_window_goes_alone() {
        let (_, mut out) = waiting(1);
        out.wait(2, 5_000, AGREEMENT);
        out.wait(3, 10, AGREEMENT);
        assert_eq!(out.ready(Millis(0), WINDOW), [1]);
        settle(&mut out, 1);
        assert_eq!(out.ready(Millis(0), WINDOW), [2]);
        assert_eq!(out.ready(Millis(0), WINDOW), [0; 0]);
        settle(&mut out, 2);
        assert_eq!(out.ready(Millis(0), WINDOW), [3]);
        settle(&mut out, 3);
        assert_eq!(out.in_flight_bytes, 0);
    }

    #[test]
    fn no_number_goes_that_the_recipient_would_not_take() {
        let (config, mut out) = waiting(CHANNEL_WINDOW + 2);
        let window = Window { dispatches: usize::MAX, bytes: u64::MAX };
        assert_eq!(out.ready(Millis(0), window), (1..=CHANNEL_WINDOW).collect::<Vec<_>>());
        for number in 2..=CHANNEL_WINDOW {
            settle(&mut out, number);
        }
        out.landed(1);
        out.refuse(1, &config, Millis(0), "refused".into());
        assert_eq!(out.ready(Millis(0), window), [0; 0], "1 is still missing there");
        assert_eq!(out.ready(Millis(10), window), [1]);
        settle(&mut out, 1);
        assert_eq!(out.ready(Millis(10), window), [CHANNEL_WINDOW + 1, CHANNEL_WINDOW + 2]);
    }

    #[test]
    fn receipts_under_a_lost_log_are_asked_for_again_in_parts_and_only_once() {
        let (_, empty) = waiting(0);
        let last = CHANNEL_WINDOW + 7;
        let mut out = OutChannel::new(empty.channel, last, "new".into(), 0);
        assert_eq!(out.held(), last);
        assert_eq!(out.lost(), Some((0, CHANNEL_WINDOW)));
        assert_eq!(out.lost(), None, "they are being read");
        assert_eq!(out.give(), (last + 1, 0), "nothing that the recipient has now is claimed");
        (1..=CHANNEL_WINDOW).for_each(|number| out.wait(number, 10, AGREEMENT));
        out.reloaded();
        assert_eq!(out.lost(), None, "what waits comes first");
        for number in 1..=CHANNEL_WINDOW {
            assert_eq!(out.confirm("new", number), ("new".into(), number));
            settle(&mut out, number);
        }
        assert_eq!(out.lost(), Some((CHANNEL_WINDOW, 7)));
    }

    #[test]
    fn a_log_that_a_new_card_names_confirms_nothing_yet() {
        let (_, empty) = waiting(0);
        let mut out = OutChannel::new(empty.channel, 9, "log".into(), 9);
        out.follow("log");
        assert_eq!(out.lost(), None, "the same log");
        out.follow("next");
        assert_eq!(out.lost(), Some((0, 9)));
        out.follow("next");
        assert_eq!(out.lost(), None, "they are being read");
    }

    #[test]
    fn a_recipient_that_contradicts_its_own_receipts_is_not_believed() {
        let (_, empty) = waiting(0);
        let mut out = OutChannel::new(empty.channel, 9, "log".into(), 9);
        assert!(!out.has_only("log", 5));
        assert_eq!(out.lost(), None);
        assert!(out.has_only("log", 9), "it says no less than its receipts");
        assert!(out.has_only("next", 5), "it keeps another log");
        assert_eq!(out.lost(), Some((5, 4)));
    }
}
