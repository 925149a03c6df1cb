//! The swarm task's part for our own requests: dialling, back-off, streams, and what failed in words.

use std::time::{Duration, Instant};

use libp2p::PeerId;
use libp2p::request_response::{OutboundFailure, OutboundRequestId};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError};

use super::codec::{FrameError, Request};
use super::handle::RequestError;
use super::key::TransportKey;
use super::peers::Waiting;
use super::swarm::{InFlight, SwarmTask};

/// Requests that wait for one peer's connection or a free stream. The windows of the layer above are far below; this
/// holds when they fail.
const MAX_WAITING: usize = 1024;

impl SwarmTask {
    pub(super) fn on_request(&mut self, key: TransportKey, request: Waiting) {
        let id = self.peers.id(key);
        let Some((id, peer)) = id.and_then(|id| Some((id, self.peers.get_mut(&id)?))) else {
            let _ = request.outcome.send(Err(RequestError::UnknownPeer { peer: key }));
            return;
        };
        if peer.waiting.len() >= MAX_WAITING {
            peer.prune_waiting();
        }
        let waiting = peer.waiting.len();
        if waiting >= MAX_WAITING {
            let _ = request.outcome.send(Err(RequestError::Overloaded { peer: key, waiting }));
            return;
        }
        peer.waiting.push_back(request);
        self.pump(id);
    }

    /// Moves a peer's waiting requests on: to streams, behind a dial, or back to their callers.
    pub(super) fn pump(&mut self, id: PeerId) {
        let window = self.config.outbound_window();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        // The behaviour is asked, not our list of connections: it learns of a lost one before the event of it gets
        // here, and would dial by itself, without addresses, for a request it cannot place.
        let exchange = &mut self.swarm.behaviour_mut().exchange;
        if exchange.is_connected(&id) {
            while peer.in_flight < window {
                let Some(Waiting { body, outcome }) = peer.next_waiting() else { return };
                let request = exchange.send_request(&id, Request::Outgoing(body));
                self.in_flight.insert(request, InFlight { peer: peer.key, outcome });
                peer.in_flight += 1;
            }
            return;
        }
        // While a dial runs or the event of a closed connection is on its way, that event calls this again.
        if peer.waiting.is_empty() || peer.dialling.is_some() || !peer.connections.is_empty() {
            return;
        }
        let now = Instant::now();
        if let Some((pause, why)) = peer.backoff.pause(now) {
            let why = format!("{why} (next dial in {pause:?} at the earliest)");
            peer.fail_waiting(|peer| RequestError::Dial { peer, why: why.clone() });
            return;
        }
        // A new port, because libp2p would otherwise dial from the listening port: two nodes that dial each other at
        // once would then open one TCP connection with both of them as its dialling end.
        let dial = DialOpts::peer_id(id)
            .addresses(peer.addresses.clone())
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .allocate_new_port()
            .build();
        let connection = dial.connection_id();
        match self.swarm.dial(dial) {
            Ok(()) => peer.dialling = Some(connection),
            // Connected, or dialled for an earlier entry of this peer: the event of it is on its way.
            Err(DialError::DialPeerConditionFalse(_)) => {}
            Err(error) => {
                let why = describe(&error);
                peer.backoff.failed(now, why.clone());
                peer.fail_waiting(|peer| RequestError::Dial { peer, why: why.clone() });
            }
        }
    }

    pub(super) fn on_dial_failure(&mut self, id: PeerId, connection: ConnectionId, error: &DialError) {
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.dialling.take_if(|dial| *dial == connection).is_some()
            && peer.connections.is_empty()
        {
            let why = describe(error);
            tracing::debug!(peer = %peer.key, why, "dial failed");
            peer.backoff.failed(Instant::now(), why);
        }
        self.pump(id);
    }

    /// A message came over this connection: the peer lets us in.
    pub(super) fn prove(&mut self, id: &PeerId, connection: ConnectionId) {
        if let Some(peer) = self.peers.get_mut(id)
            && let Some(link) = peer.connections.get_mut(&connection)
        {
            link.proven = true;
            peer.backoff.reset();
        }
    }

    /// Ends one of our requests and lets the next one onto its stream.
    pub(super) fn settle(
        &mut self,
        id: PeerId,
        request: OutboundRequestId,
        result: impl FnOnce(TransportKey) -> Result<Vec<u8>, RequestError>,
    ) {
        let Some(InFlight { peer, outcome }) = self.in_flight.remove(&request) else { return };
        // An error means that the caller has gone.
        let _ = outcome.send(result(peer));
        if let Some(state) = self.peers.get_mut(&id) {
            // Saturating, because a peer removed and added again starts at none while its old requests still end.
            state.in_flight = state.in_flight.saturating_sub(1);
        }
        self.pump(id);
    }
}

pub(super) fn failure(peer: TransportKey, error: OutboundFailure, after: Duration) -> RequestError {
    match error {
        OutboundFailure::Timeout => RequestError::Timeout { peer, after },
        OutboundFailure::DialFailure => RequestError::Dial { peer, why: "the connection was just lost".into() },
        OutboundFailure::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(&FrameError::AnswerTooLong { length, maximum }) => {
                RequestError::TooLarge { peer, what: "answer", length, maximum }
            }
            _ => RequestError::Closed { peer, why: chain(&error) },
        },
        error @ (OutboundFailure::ConnectionClosed | OutboundFailure::UnsupportedProtocols) => {
            RequestError::Closed { peer, why: chain(&error) }
        }
    }
}

/// A dial's error on one line: each address and what happened there.
fn describe(error: &DialError) -> String {
    match error {
        DialError::NoAddresses => "its card has no usable address".into(),
        DialError::Transport(errors) => {
            let each: Vec<_> = errors.iter().map(|(address, error)| format!("{address}: {}", chain(error))).collect();
            each.join("; ")
        }
        other => chain(other),
    }
}

/// An error and its causes on one line. libp2p's errors leave their causes out of their texts.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}
