//! Once an hour the node's own log records what it holds of others' logs, if any of them changed: so an auditor who reads two
//! logs sees what each was shown of a third, and a backup older than that is older than the log.
//!
//! Not here: what is held of logs, and how it came ([`crate::witness`]).

use std::time::Duration;

use luxor_protocol::cbor::Encode;
use luxor_protocol::exchange::{CheckpointsBody, EntryKind, Lane, Opening, Skeleton};
use luxor_protocol::limits::{MAX_HELD_NOTES, MAX_RETENTION_DAYS};
use luxor_protocol::time::Millis;

use super::{Driver, DriverError, Message, Shared, now};
use crate::entropy::opening;
use crate::store::Write;

/// What the newest entry says, as it matters for the next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Last {
    /// Its time in seconds since 1970.
    time: u64,
    /// Its index in the own log.
    index: u64,
    body: CheckpointsBody,
}

impl Driver {
    /// Records what is held of others' logs every so often, until the node stops.
    pub(super) async fn record_peers(self, every: Duration) {
        // A node that is started again more often than that must not wait anew each time.
        let wait = match self.shared.store.last_peers() {
            Ok(Some((last, _, _))) => {
                let passed = Duration::from_secs((now().0 / 1_000).saturating_sub(last));
                every.saturating_sub(passed)
            }
            Ok(None) => every / 6,
            Err(error) => return drop(self.mailbox.send(Message::Failed(error.into()))),
        };
        tokio::time::sleep(wait).await;
        loop {
            tokio::time::sleep(every / 60).await;
            let shared = self.shared.clone();
            let job = move || entry(&shared, every, now());
            let opening = match self.work(Lane::Ordinary, job).await {
                Some(Ok(Some(opening))) => opening,
                Some(Ok(None)) => continue,
                Some(Err(error)) => return drop(self.mailbox.send(Message::Failed(error))),
                None => return,
            };
            let committed = self.shared.sequencer.commit_and_wait(vec![Write::Peers { entry: 0 }], vec![opening]);
            if let Err(error) = committed.await {
                return drop(self.mailbox.send(Message::Failed(error.into())));
            }
            tokio::time::sleep(every).await;
        }
    }
}

/// The entry to be written, if one is due.
fn entry(shared: &Shared, every: Duration, now: Millis) -> Result<Option<Opening>, DriverError> {
    let held = shared.store.all_held(MAX_HELD_NOTES)?;
    let directory = shared.directory();
    let others = |origin: &str| directory.node_by_origin(origin).is_some_and(|node| node.node != shared.me);
    let followed = held.into_iter().filter(|(origin, _)| others(origin));
    let body = CheckpointsBody::new(followed.map(|(_, note)| note));
    let last = shared.store.last_peers()?.map(|(time, body, index)| Last { time, index, body });
    let time = now.0 / 1_000;
    if !is_due(last.as_ref(), &body, shared.sequencer.latest().size, time, every.as_secs().max(1)) {
        return Ok(None);
    }
    let due = now.day().plus(MAX_RETENTION_DAYS);
    // Later than the one before, also under a clock that was set back.
    let number = last.map_or(time, |last| time.max(last.time + 1));
    let skeleton = Skeleton::of_node(EntryKind::Peers, &shared.me, shared.epoch(), number, due);
    Ok(Some(opening(&skeleton, body.to_cbor())?))
}

/// Whether there is something to record: an hour has passed, and the own log or another grew by more than what records this. An
/// idle network so comes to rest, although every such entry makes a log grow.
fn is_due(last: Option<&Last>, held: &CheckpointsBody, own_size: u64, time: u64, every: u64) -> bool {
    let Some(last) = last else { return !held.notes().is_empty() };
    // A clock that was set back by more than that tells nothing; whoever waited for it would wait for ever.
    let passed = if time + every < last.time { every } else { time.saturating_sub(last.time) };
    if passed < every {
        return false;
    }
    let entries = passed.div_ceil(every);
    let before: Vec<_> = last.body.checkpoints().map(|(checkpoint, _)| checkpoint).collect();
    let grew = |origin: &str, size: u64| {
        let before = before.iter().find(|checkpoint| checkpoint.origin == origin);
        before.is_none_or(|before| size > before.size.saturating_add(entries))
    };
    own_size > last.index + 1 || held.checkpoints().any(|(checkpoint, _)| grew(&checkpoint.origin, checkpoint.size))
}

#[cfg(test)]
mod tests {
    use luxor_protocol::keys::{KeyUse, SecretKey};
    use luxor_protocol::tlog::Checkpoint;

    use super::*;

    fn held(logs: &[(&str, u64)]) -> CheckpointsBody {
        let key = SecretKey::from_seed(KeyUse::Log, &[7; 32]).unwrap();
        CheckpointsBody::new(
            logs.iter().map(|(origin, size)| {
                Checkpoint::new(*origin, *size, [1; 32]).sign(key.signing_key()).unwrap().to_bytes()
            }),
        )
    }

    #[test]
    fn what_grew_is_recorded_and_an_idle_network_comes_to_rest() {
        const HOUR: u64 = 3_600;
        let (a, b) = ("a.example/log", "b.example/log");
        assert!(!is_due(None, &held(&[]), 0, HOUR, HOUR), "nothing is held");
        assert!(is_due(None, &held(&[(a, 1)]), 0, HOUR, HOUR));
        let last = Last { time: 10 * HOUR, index: 40, body: held(&[(a, 100), (b, 7)]) };
        let due = |logs: &[(&str, u64)], own, time| is_due(Some(&last), &held(logs), own, time, HOUR);
        assert!(!due(&[(a, 900), (b, 7)], 41, 11 * HOUR - 1), "too soon");
        assert!(!due(&[(a, 900), (b, 7)], 41, 9 * HOUR + 1), "a clock that was set back a little");
        assert!(due(&[(a, 900), (b, 7)], 41, 8 * HOUR), "and by more than can be waited for");
        assert!(due(&[(a, 102), (b, 7)], 41, 11 * HOUR), "another grew");
        assert!(due(&[(a, 100), (b, 7)], 42, 11 * HOUR), "the own grew");
        assert!(due(&[(a, 100), (b, 7), ("c.example/log", 1)], 41, 11 * HOUR), "a new one");
        // Only by its own record of others, once an hour.
        assert!(!due(&[(a, 101), (b, 8)], 41, 11 * HOUR));
        assert!(!due(&[(a, 105), (b, 12)], 41, 15 * HOUR));
        assert!(due(&[(a, 106), (b, 12)], 41, 15 * HOUR));
    }

    #[test]
    fn an_idle_network_of_any_size_writes_no_more_than_one_round() {
        // Every node records once what all others had, then sees only records.
        const HOUR: u64 = 3_600;
        let names: Vec<_> = (0..9).map(|n| format!("n{n}.example/log")).collect();
        let mut sizes = vec![5u64; names.len()];
        let mut last: Vec<Option<Last>> = vec![None; names.len()];
        let mut written = 0;
        for hour in 1..50 {
            for at in 0..names.len() {
                let others: Vec<_> =
                    (0..names.len()).filter(|n| *n != at).map(|n| (names[n].as_str(), sizes[n])).collect();
                let body = held(&others);
                if is_due(last[at].as_ref(), &body, sizes[at], hour * HOUR, HOUR) {
                    last[at] = Some(Last { time: hour * HOUR, index: sizes[at], body });
                    sizes[at] += 1;
                    written += 1;
                }
            }
        }
        assert_eq!(written, names.len());
    }
}
