//! The settings of the transport, and what makes them usable together.

use std::time::Duration;

/// Bytes of one permit. Permits are counted in KiB because a semaphore takes at most `u32::MAX` of them at once.
pub(super) const PERMIT_BYTES: usize = 1024;

/// Streams per connection beyond which Yamux's receive windows (256 KiB each) would pass its 1 GiB per connection; half
/// of what Yamux takes, because it is given twice the number (see `start`).
const MAX_STREAMS: usize = 2048;

/// Streams below which the parts of [`NetConfig::outbound_window`] would round to nothing.
const MIN_STREAMS: usize = 8;

/// Settings of the transport. `NetConfig::default()` gives the values named at each field.
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// Multiaddrs to listen on, `/ip4/<address>/tcp/<port>` or `/ip6/...`; port 0 takes a free one. Default: none.
    pub listen: Vec<String>,
    /// Longest request body, sent or taken. Default: 1 MiB.
    pub max_request_bytes: usize,
    /// Longest answer body, sent or taken. Default: 256 KiB.
    pub max_answer_bytes: usize,
    /// Bytes of request bodies in memory over all peers, each held from before it is read until its
    /// [`super::Permit`] is dropped. At least `max_request_bytes`. One connection takes a third of them at most, but one
    /// request of the longest always: from three times `max_request_bytes` on, a peer, which has two connections at most,
    /// cannot keep others out. Default: 32 MiB.
    pub inbound_bytes: usize,
    /// Requests in memory over all peers, held in the same way. Default: 1024.
    pub inbound_requests: usize,
    /// Streams at once on a connection, both directions together; libp2p drops inbound streams above it with no more
    /// than a log line. Our own requests to a peer take three eighths of it, later ones wait (see
    /// [`super::NetHandle::request`]); as much is left to the peer's and a quarter to streams that are just closing.
    /// All nodes should use the same value. Default: 256.
    pub max_concurrent_streams: usize,
    /// Longest time from a call of [`super::NetHandle::request`] to its answer, and from the start of a peer's stream
    /// to the end of the answer. Default: 60 s.
    pub request_timeout: Duration,
    /// Longest time for TCP, Noise and Yamux to come up. Default: 10 s.
    pub dial_timeout: Duration,
    /// Pause after a first failed dial; doubled by each further failure. Default: 200 ms.
    pub dial_backoff_min: Duration,
    /// Longest pause between dials. Default: 30 s.
    pub dial_backoff_max: Duration,
    /// How long a connection without requests is kept. Default: 10 minutes.
    pub idle_timeout: Duration,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            max_request_bytes: 1024 * 1024,
            max_answer_bytes: 256 * 1024,
            inbound_bytes: 32 * 1024 * 1024,
            inbound_requests: 1024,
            max_concurrent_streams: 256,
            request_timeout: Duration::from_secs(60),
            dial_timeout: Duration::from_secs(10),
            dial_backoff_min: Duration::from_millis(200),
            dial_backoff_max: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(600),
        }
    }
}

/// A setting that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A number is outside its range.
    #[error("network setting {name} is {value}, it must be {least} to {most}")]
    Range {
        /// The field of [`NetConfig`].
        name: &'static str,
        /// Its value.
        value: usize,
        /// The least value that works.
        least: usize,
        /// The greatest value that works.
        most: usize,
    },
    /// A time is zero.
    #[error("network setting {0} is zero, it must be longer")]
    Zero(&'static str),
    /// The back-off ends before it begins.
    #[error("network setting dial_backoff_max ({max:?}) is shorter than dial_backoff_min ({min:?})")]
    Backoff {
        /// `dial_backoff_min`.
        min: Duration,
        /// `dial_backoff_max`.
        max: Duration,
    },
}

impl NetConfig {
    /// Checks the settings against each other.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn check(&self) -> Result<(), ConfigError> {
        // Every frame length must fit its four bytes.
        let frame = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
        range("max_request_bytes", self.max_request_bytes, 1, frame)?;
        range("max_answer_bytes", self.max_answer_bytes, 1, frame)?;
        // A request that needs more permits than there are would wait for ever.
        let most = tokio::sync::Semaphore::MAX_PERMITS;
        range("inbound_bytes", self.inbound_bytes, self.max_request_bytes.next_multiple_of(PERMIT_BYTES), most)?;
        range("inbound_requests", self.inbound_requests, 1, most)?;
        range("max_concurrent_streams", self.max_concurrent_streams, MIN_STREAMS, MAX_STREAMS)?;
        let times = [
            ("request_timeout", self.request_timeout),
            ("dial_timeout", self.dial_timeout),
            ("dial_backoff_min", self.dial_backoff_min),
            ("idle_timeout", self.idle_timeout),
        ];
        if let Some((name, _)) = times.iter().find(|(_, time)| time.is_zero()) {
            return Err(ConfigError::Zero(name));
        }
        if self.dial_backoff_max < self.dial_backoff_min {
            return Err(ConfigError::Backoff { min: self.dial_backoff_min, max: self.dial_backoff_max });
        }
        Ok(())
    }

    /// Bytes of [`NetConfig::inbound_bytes`] that one connection may take.
    pub(super) fn inbound_share(&self) -> usize {
        (self.inbound_bytes / 3).max(self.max_request_bytes)
    }

    /// Our own requests on the way to one peer at once. Not half the streams: a stream is closed at the answering end a
    /// little later than at the asking end, and a stream too many is dropped without an answer.
    pub(super) fn outbound_window(&self) -> usize {
        self.max_concurrent_streams * 3 / 8
    }
}

fn range(name: &'static str, value: usize, least: usize, most: usize) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) { Ok(()) } else { Err(ConfigError::Range { name, value, least, most }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_pass_and_a_small_pool_does_not() {
        assert!(NetConfig::default().check().is_ok());
        let small = NetConfig { inbound_bytes: 1024 * 1024 - 1, ..NetConfig::default() };
        assert!(matches!(small.check(), Err(ConfigError::Range { name: "inbound_bytes", .. })));
        let odd = NetConfig { max_request_bytes: 1025, inbound_bytes: 2047, ..NetConfig::default() };
        assert!(odd.check().is_err(), "1025 bytes need two permits, 2047 bytes give one");
        let never = NetConfig { request_timeout: Duration::ZERO, ..NetConfig::default() };
        assert!(matches!(never.check(), Err(ConfigError::Zero("request_timeout"))));
    }
}
