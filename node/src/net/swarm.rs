//! The task that owns the swarm: its loop, its events, and the requests of peers. It waits in one place only, so
//! nothing in here may block or wait elsewhere. Our own requests are in [`super::outbound`].

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use libp2p::core::transport::ListenerId;
use libp2p::request_response::{Event, Message, OutboundRequestId};
use libp2p::swarm::{ConnectionId, ListenError, SwarmEvent};
use libp2p::{PeerId, Swarm};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::behaviour::{NodeBehaviour, NodeBehaviourEvent};
use super::codec::{Answer, Request};
use super::config::NetConfig;
use super::counters::Shared;
use super::handle::{Command, RequestError};
use super::inbound::{Inbound, Reply};
use super::key::TransportKey;
use super::outbound::{chain, failure};
use super::peers::{Link, Outcome, Peer, Peers, Waiting};

/// A request on a stream.
pub(super) struct InFlight {
    pub(super) peer: TransportKey,
    pub(super) outcome: Outcome,
}

/// The owner of the swarm.
pub(super) struct SwarmTask {
    pub(super) config: NetConfig,
    pub(super) swarm: Swarm<NodeBehaviour>,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    inbound: mpsc::Sender<Inbound>,
    /// Requests of peers for which `inbound` had no room. Bounded, because each holds one of `inbound_requests`.
    backlog: VecDeque<Inbound>,
    pub(super) peers: Peers,
    pub(super) in_flight: HashMap<OutboundRequestId, InFlight>,
}

impl SwarmTask {
    pub(super) fn new(
        config: NetConfig,
        swarm: Swarm<NodeBehaviour>,
        shared: Arc<Shared>,
        commands: mpsc::Receiver<Command>,
        inbound: mpsc::Sender<Inbound>,
    ) -> Self {
        let (backlog, peers, in_flight) = (VecDeque::new(), Peers::default(), HashMap::new());
        Self { config, swarm, shared, commands, inbound, backlog, peers, in_flight }
    }

    /// Runs the swarm until each listener has an address.
    pub(super) async fn await_listeners(&mut self, mut listeners: Vec<ListenerId>) -> Result<(), String> {
        while !listeners.is_empty() {
            let event = self.swarm.select_next_some().await;
            match &event {
                SwarmEvent::NewListenAddr { listener_id, .. } => listeners.retain(|id| id != listener_id),
                SwarmEvent::ListenerClosed { listener_id, reason, .. } if listeners.contains(listener_id) => {
                    return Err(format!("the listener closed: {reason:?}"));
                }
                _ => {}
            }
            self.on_swarm(event);
        }
        Ok(())
    }

    /// Runs until told to stop or until the sender of that word is dropped.
    pub(super) async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        // A sender of its own, so that its permit does not borrow the task.
        let queue = self.inbound.clone();
        loop {
            tokio::select! {
                _ = &mut stopped => break,
                event = self.swarm.select_next_some() => self.on_swarm(event),
                Some(command) = self.commands.recv() => self.on_command(command),
                room = queue.reserve(), if !self.backlog.is_empty() => match room {
                    Ok(room) => {
                        if let Some(inbound) = next_unanswered(&mut self.backlog) {
                            room.send(inbound);
                        }
                    }
                    // Nobody takes requests any more: drop them, which closes their streams.
                    Err(_) => self.backlog.clear(),
                },
            }
        }
        self.shared.connected.send_replace(BTreeSet::new());
        self.shared.listening.send_replace(BTreeSet::new());
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Request { peer, body, outcome } => self.on_request(peer, Waiting { body, outcome }),
            Command::SetPeers { peers, done } => {
                self.set_peers(&peers);
                // An error means that the caller has gone.
                let _ = done.send(());
            }
        }
    }

    pub(super) fn set_peers(&mut self, peers: &[Peer]) {
        let own = *self.swarm.local_peer_id();
        let change = self.peers.replace(peers, &own, &self.config);
        let allowed = &mut self.swarm.behaviour_mut().allowed;
        for id in change.added {
            allowed.allow_peer(id);
        }
        for (id, mut state) in change.removed {
            // Closes its connections, which ends its requests on streams.
            allowed.disallow_peer(id);
            state.fail_waiting(|peer| RequestError::UnknownPeer { peer });
        }
        self.publish_connected();
    }

    fn on_swarm(&mut self, event: SwarmEvent<NodeBehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(NodeBehaviourEvent::Exchange(event)) => self.on_exchange(event),
            SwarmEvent::Behaviour(NodeBehaviourEvent::Allowed(never) | NodeBehaviourEvent::Limits(never)) => {
                match never {}
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                tracing::debug!(%peer_id, ?endpoint, "connected");
                self.on_connected(peer_id, connection_id, endpoint.is_listener());
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, endpoint, cause, .. } => {
                let why = cause.map_or_else(|| "closed".to_owned(), |cause| chain(&cause));
                tracing::debug!(%peer_id, ?endpoint, why, "disconnected");
                self.on_disconnected(peer_id, connection_id, &why);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer_id), connection_id, error } => {
                self.on_dial_failure(peer_id, connection_id, &error);
            }
            SwarmEvent::IncomingConnectionError { peer_id, send_back_addr, error, .. } => {
                // Not above debug, because strangers could fill a log: the counter tells that there is something to
                // see.
                tracing::debug!(from = %send_back_addr, why = %chain(&error), "inbound connection failed");
                if let ListenError::Denied { .. } = error {
                    self.on_refused(peer_id);
                }
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening");
                self.shared.listening.send_if_modified(|all| all.insert(address.to_string()));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.shared.listening.send_if_modified(|all| all.remove(&address.to_string()));
            }
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::error!(?addresses, ?reason, "a listener closed");
                for address in addresses {
                    self.shared.listening.send_if_modified(|all| all.remove(&address.to_string()));
                }
            }
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(%error, "a listener could not accept a connection")
            }
            other => tracing::trace!(?other, "swarm event"),
        }
    }

    fn on_connected(&mut self, id: PeerId, connection: ConnectionId, inbound: bool) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.dialling.take_if(|dial| *dial == connection);
            if inbound {
                // A peer that dials us is up and lets us in. Our own dial proves that with its first message only.
                peer.backoff.reset();
                // Nodes dial when they have no connection. If this one dialled before, it has lost that connection, and
                // requests put on it would be lost too until TCP gives up.
                for (old, _) in peer.connections.iter().filter(|(_, link)| link.inbound) {
                    self.swarm.close_connection(*old);
                }
            }
            peer.connections.insert(connection, Link { inbound, proven: false });
        }
        self.publish_connected();
        self.pump(id);
    }

    fn on_disconnected(&mut self, id: PeerId, connection: ConnectionId, why: &str) {
        if let Some(peer) = self.peers.get_mut(&id)
            && let Some(Link { inbound: false, proven: false }) = peer.connections.remove(&connection)
            && peer.connections.is_empty()
        {
            // Seen when the peer refuses our key, which it can only after the handshake.
            let why = format!("it closed the connection before any answer, its peers may lack our key: {why}");
            peer.backoff.failed(Instant::now(), why);
        }
        self.publish_connected();
        self.pump(id);
    }

    fn on_refused(&mut self, id: Option<PeerId>) {
        self.shared.counters.connections_refused.add_one();
        let Some(id) = id else { return };
        tracing::debug!(key = ?TransportKey::from_peer_id(&id), "inbound connection refused");
        // A peer of ours that dials although it has all its connections has lost them, by a power cut for example, and
        // could not come back until they are idle for long enough. Its next dial finds room.
        if self.peers.get_mut(&id).is_some() {
            // An error means that there is none to close.
            let _ = self.swarm.disconnect_peer_id(id);
        }
    }

    fn on_exchange(&mut self, event: Event<Request, Answer>) {
        match event {
            Event::Message { peer, connection_id, message } => {
                self.prove(&peer, connection_id);
                match message {
                    Message::Response { request_id, response: Answer::Arrived(body) } => {
                        self.settle(peer, request_id, |_| Ok(body));
                    }
                    Message::Request { request, channel, .. } => {
                        let (answer, promise) = oneshot::channel();
                        let reply = Reply { answer, max_answer_bytes: self.config.max_answer_bytes };
                        // An error means that the stream is gone; the request then finds its reply closed.
                        let _ = self.swarm.behaviour_mut().exchange.send_response(channel, Answer::Promised(promise));
                        self.on_inbound(&peer, request, reply);
                    }
                    // Never read off a stream: the codec reads answers as arrived.
                    Message::Response { response: Answer::Promised(_), .. } => {}
                }
            }
            Event::OutboundFailure { peer, request_id, error, .. } => {
                let after = self.config.request_timeout;
                self.settle(peer, request_id, |peer| Err(failure(peer, error, after)));
            }
            Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "a peer's request got no answer")
            }
            Event::ResponseSent { .. } => {}
        }
    }

    fn on_inbound(&mut self, id: &PeerId, request: Request, reply: Reply) {
        // A peer removed while its request was on the way is not served.
        let Some(peer) = self.peers.get_mut(id).map(|peer| peer.key) else { return };
        let (body, oversized, permit) = match request {
            Request::Incoming { body, permit } => (body, None, permit),
            Request::Oversized { length, permit } => (Vec::new(), Some(length), permit),
            // Never read off a stream.
            Request::Outgoing(_) => return,
        };
        let inbound = Inbound { peer, body, oversized, permit, reply };
        // Behind those that wait already, so that the order stays.
        if !self.backlog.is_empty() {
            self.backlog.push_back(inbound);
            return;
        }
        match self.inbound.try_send(inbound) {
            Ok(()) => {}
            Err(TrySendError::Full(inbound)) => self.backlog.push_back(inbound),
            Err(TrySendError::Closed(_)) => tracing::debug!(%peer, "request dropped, nobody takes requests"),
        }
    }

    fn publish_connected(&self) {
        let now: BTreeSet<_> =
            self.peers.iter().filter(|peer| !peer.connections.is_empty()).map(|peer| peer.key).collect();
        self.shared.connected.send_if_modified(|known| {
            let changed = *known != now;
            *known = now;
            changed
        });
    }
}

/// The next request whose peer still waits for the answer.
fn next_unanswered(backlog: &mut VecDeque<Inbound>) -> Option<Inbound> {
    std::iter::from_fn(|| backlog.pop_front()).find(|inbound| !inbound.reply.is_closed())
}
