//! What the transport counts, and the facts of it that others may look at.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use super::key::TransportKey;

/// A snapshot of the counters since [`super::start()`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetCounters {
    /// Inbound connections refused: a key that is not among the peers, or more connections than allowed.
    pub connections_refused: u64,
    /// Requests whose announced length was above the maximum.
    pub requests_oversized: u64,
    /// Requests whose frame ended early.
    pub requests_undecodable: u64,
    /// Requests of peers read whole.
    pub requests_in: u64,
    /// Answers written to peers, those to oversized requests included.
    pub answers_out: u64,
    /// Bytes of requests and answers received, without frame lengths.
    pub bytes_in: u64,
    /// Bytes of requests and answers sent, without frame lengths.
    pub bytes_out: u64,
    /// Requests of peers that got no answer: connection lost, time over, reply dropped, or no one takes requests.
    /// Not in here: streams above `max_concurrent_streams`, which libp2p drops by itself.
    pub dropped_streams: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections_refused: Counter,
    pub(super) requests_oversized: Counter,
    pub(super) requests_undecodable: Counter,
    pub(super) requests_in: Counter,
    pub(super) answers_out: Counter,
    pub(super) bytes_in: Counter,
    pub(super) bytes_out: Counter,
    pub(super) dropped_streams: Counter,
}

impl Counters {
    pub(super) fn snapshot(&self) -> NetCounters {
        NetCounters {
            connections_refused: self.connections_refused.get(),
            requests_oversized: self.requests_oversized.get(),
            requests_undecodable: self.requests_undecodable.get(),
            requests_in: self.requests_in.get(),
            answers_out: self.answers_out.get(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            dropped_streams: self.dropped_streams.get(),
        }
    }
}

/// One counter. Relaxed, because no other memory is read on the strength of its value.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_bytes(&self, bytes: usize) {
        self.0.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the swarm task shows to the handles without being asked.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) counters: Counters,
    pub(super) listening: watch::Sender<BTreeSet<String>>,
    pub(super) connected: watch::Sender<BTreeSet<TransportKey>>,
}
