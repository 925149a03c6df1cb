//! What the rest of the node holds of the transport.

use std::sync::Arc;
use std::time::Duration;

use luxor_protocol::document::KnownNode;
use tokio::sync::{mpsc, oneshot, watch};

use super::counters::{NetCounters, Shared};
use super::key::TransportKey;
use super::peers::{Outcome, Peer};

/// Why a request has no answer. After `Timeout`, `Closed`, `Shutdown` and a too large answer the peer may have carried
/// the request out all the same; after the others it has not seen it. Only [`RequestError::TooLarge`] and
/// [`RequestError::UnknownPeer`] say that the same request will fail again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No connection, and none can be made now; inside the back-off answered at once, without a dial.
    #[error("peer {peer} cannot be reached: {why}")]
    Dial {
        /// Who was asked.
        peer: TransportKey,
        /// Each address and its error, or what the back-off follows.
        why: String,
    },
    /// No answer within `request_timeout`.
    #[error("peer {peer} gave no answer within {after:?}")]
    Timeout {
        /// Who was asked.
        peer: TransportKey,
        /// The time waited.
        after: Duration,
    },
    /// The connection or the stream was closed before the answer.
    #[error("peer {peer} closed the stream before its answer: {why}")]
    Closed {
        /// Who was asked.
        peer: TransportKey,
        /// What the transport says.
        why: String,
    },
    /// The request is above our maximum (it was not sent), or the answer is (it was not read).
    #[error("the {what} of {length} bytes is above the maximum of {maximum}, peer {peer}")]
    TooLarge {
        /// Who was asked.
        peer: TransportKey,
        /// `request` or `answer`.
        what: &'static str,
        /// Its length.
        length: usize,
        /// The maximum of [`super::NetConfig`].
        maximum: usize,
    },
    /// Too many requests wait for this peer already.
    #[error("{waiting} requests wait for peer {peer} already")]
    Overloaded {
        /// Who was asked.
        peer: TransportKey,
        /// How many wait.
        waiting: usize,
    },
    /// The key is not among the peers (any more), or is our own.
    #[error("{peer} is not among the peers of this node")]
    UnknownPeer {
        /// Who was asked.
        peer: TransportKey,
    },
    /// The transport has been shut down.
    #[error("the network of this node is shut down")]
    Shutdown,
}

/// What a handle asks of the swarm task.
pub(super) enum Command {
    Request { peer: TransportKey, body: Arc<Vec<u8>>, outcome: Outcome },
    SetPeers { peers: Vec<Peer>, done: oneshot::Sender<()> },
}

/// A handle on the transport; cheap to clone.
#[derive(Clone, Debug)]
pub struct NetHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) shared: Arc<Shared>,
    pub(super) request_timeout: Duration,
    pub(super) max_request_bytes: usize,
}

impl NetHandle {
    /// Sends a request and waits for its answer, dialling the peer when there is no connection. At most
    /// `request_timeout`, the dial and the wait for a free stream included.
    ///
    /// # Errors
    /// See [`RequestError`]. There are no retries in here.
    pub async fn request(&self, peer: TransportKey, body: Arc<Vec<u8>>) -> Result<Vec<u8>, RequestError> {
        let (length, maximum) = (body.len(), self.max_request_bytes);
        if length > maximum {
            return Err(RequestError::TooLarge { peer, what: "request", length, maximum });
        }
        let (outcome, answer) = oneshot::channel();
        let exchange = async {
            let command = Command::Request { peer, body, outcome };
            self.commands.send(command).await.map_err(|_| RequestError::Shutdown)?;
            // The task answers every request it takes, unless it ends.
            answer.await.map_err(|_| RequestError::Shutdown)?
        };
        let after = self.request_timeout;
        tokio::time::timeout(after, exchange).await.unwrap_or(Err(RequestError::Timeout { peer, after }))
    }

    /// Replaces the set of peers. When this returns, removed peers are refused, their waiting requests answered with
    /// [`RequestError::UnknownPeer`] and their connections about to close. Unusable keys and addresses are left out
    /// with a warning.
    ///
    /// # Errors
    /// [`RequestError::Shutdown`] only.
    pub async fn set_peers(&self, peers: Vec<Peer>) -> Result<(), RequestError> {
        let (done, changed) = oneshot::channel();
        self.commands.send(Command::SetPeers { peers, done }).await.map_err(|_| RequestError::Shutdown)?;
        changed.await.map_err(|_| RequestError::Shutdown)
    }

    /// The counters now.
    #[must_use]
    pub fn counters(&self) -> NetCounters {
        self.shared.counters.snapshot()
    }

    /// The multiaddrs listened on, with the ports taken. Complete when [`super::start()`] returns, but for the wildcard
    /// address, which has one per interface.
    #[must_use]
    pub fn listen_addresses(&self) -> Vec<String> {
        self.shared.listening.borrow().iter().cloned().collect()
    }

    /// The peers with a connection.
    #[must_use]
    pub fn connected(&self) -> Vec<TransportKey> {
        self.shared.connected.borrow().iter().copied().collect()
    }

    /// The key by which a node is reached: one with which it is connected, else the one in use on its card. While a node replaces its
    /// key, it may use either.
    #[must_use]
    pub fn way_to(&self, node: &KnownNode) -> TransportKey {
        let usable = || node.transport_keys().map(|key| TransportKey(key.bytes()));
        let connected = self.shared.connected.borrow();
        let way = usable().find(|key| connected.contains(key)).or_else(|| usable().next());
        // All its keys are revoked: nobody is connected by any of them.
        way.unwrap_or_else(|| TransportKey(node.card.transport.current().bytes()))
    }

    /// Tells of every change of [`Self::connected`], for those who would otherwise have to poll.
    #[must_use]
    pub fn watch_connected(&self) -> watch::Receiver<std::collections::BTreeSet<TransportKey>> {
        self.shared.connected.subscribe()
    }
}
