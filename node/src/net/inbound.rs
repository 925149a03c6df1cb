//! A peer's request on its way up, the permit that bounds its memory, and the way back for the answer.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::config::{NetConfig, PERMIT_BYTES};
use super::key::TransportKey;

/// A request of a peer.
#[derive(Debug)]
pub struct Inbound {
    /// Who asks, proven by the Noise handshake.
    pub peer: TransportKey,
    /// The bytes of the request; empty when `oversized` is set.
    pub body: Vec<u8>,
    /// The announced length of a request above `max_request_bytes`. Its body was not read; it still wants an answer.
    pub oversized: Option<u64>,
    /// Keeps the request's bytes and its place in the pool until dropped. Hold it as long as the bytes are in memory.
    pub permit: Permit,
    /// The way back.
    pub reply: Reply,
}

/// A share of the pool over all peers. Dropping it lets a waiting request be read.
pub struct Permit {
    _share: Option<OwnedSemaphorePermit>,
    _request: OwnedSemaphorePermit,
    bytes: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = self.bytes.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        f.debug_struct("Permit").field("kib", &kib).finish()
    }
}

/// The way back to the stream that waits for the answer. Dropping it unsent closes the stream; the peer then sees
/// [`super::RequestError::Closed`].
#[derive(Debug)]
pub struct Reply {
    pub(super) answer: oneshot::Sender<Vec<u8>>,
    pub(super) max_answer_bytes: usize,
}

impl Reply {
    /// A way back within this node, of something that no peer brought: the answer comes out at the other end.
    #[must_use]
    pub fn inside() -> (Self, oneshot::Receiver<Vec<u8>>) {
        let (answer, answered) = oneshot::channel();
        (Self { answer, max_answer_bytes: luxor_protocol::limits::MAX_ANSWER_BYTES }, answered)
    }

    /// Sends the answer. Never waits. An answer nobody waits for any more (time over, connection lost) is forgotten:
    /// the peer asks again. One above `max_answer_bytes` is a mistake of the caller: it is logged and the stream
    /// closed.
    pub fn send(self, answer: Vec<u8>) {
        if answer.len() > self.max_answer_bytes {
            tracing::error!(
                length = answer.len(),
                maximum = self.max_answer_bytes,
                "answer to a peer is above max_answer_bytes, its stream is closed without one"
            );
            return;
        }
        // An error means that the stream is gone; the codec counts that.
        let _ = self.answer.send(answer);
    }

    /// Whether nobody waits for the answer any more, so that it need not be worked out.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.answer.is_closed()
    }
}

/// The pool that permits come from.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    requests: Arc<Semaphore>,
    kib: Arc<Semaphore>,
    /// What one connection may take of the bytes.
    share_kib: usize,
    /// What is left of that, once this is the pool of one connection.
    share: Option<Arc<Semaphore>>,
}

impl Pool {
    pub(super) fn new(config: &NetConfig) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(config.inbound_requests)),
            kib: Arc::new(Semaphore::new(config.inbound_bytes / PERMIT_BYTES)),
            share_kib: config.inbound_share().div_ceil(PERMIT_BYTES),
            share: None,
        }
    }

    /// The same pool for one connection, with a share of its own; of such a pool, the same with the same share.
    pub(super) fn of_connection(&self) -> Self {
        let share = self.share.clone().unwrap_or_else(|| Arc::new(Semaphore::new(self.share_kib)));
        Self { share: Some(share), ..self.clone() }
    }

    /// Waits for the connection's share, then for a place and for all bytes at once. Without the share a peer that
    /// announces a few long requests and never sends them would hold the whole pool until they time out. Taking bytes
    /// little by little as they arrive would let requests that each hold a part wait for each other; the same order
    /// everywhere keeps them from that too. `None` only when the pool is closed, which nothing does.
    pub(super) async fn take(&self, bytes: usize) -> Option<Permit> {
        let kib = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).ok()?;
        let share = match &self.share {
            Some(share) if kib > 0 => Some(Arc::clone(share).acquire_many_owned(kib).await.ok()?),
            _ => None,
        };
        let request = Arc::clone(&self.requests).acquire_owned().await.ok()?;
        let bytes = match kib {
            0 => None,
            _ => Some(Arc::clone(&self.kib).acquire_many_owned(kib).await.ok()?),
        };
        Some(Permit { _share: share, _request: request, bytes })
    }
}
