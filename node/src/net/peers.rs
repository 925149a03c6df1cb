//! What the swarm task knows of each peer: addresses, connections, waiting requests, the back-off between dials.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::oneshot;

use super::config::NetConfig;
use super::handle::RequestError;
use super::key::TransportKey;

/// A node that may keep a connection, and where to dial it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The key it must prove.
    pub key: TransportKey,
    /// Multiaddrs from its card, all dialled together. A peer without any is still let in.
    pub addresses: Vec<String>,
}

/// Where a request's outcome goes.
pub(super) type Outcome = oneshot::Sender<Result<Vec<u8>, RequestError>>;

/// A request that is not on a stream yet.
pub(super) struct Waiting {
    pub(super) body: Arc<Vec<u8>>,
    pub(super) outcome: Outcome,
}

/// An established connection.
pub(super) struct Link {
    /// The peer dialled it.
    pub(super) inbound: bool,
    /// A message came over it, so the peer lets us in.
    pub(super) proven: bool,
}

/// One peer.
pub(super) struct PeerState {
    pub(super) key: TransportKey,
    pub(super) addresses: Vec<Multiaddr>,
    pub(super) connections: HashMap<ConnectionId, Link>,
    pub(super) dialling: Option<ConnectionId>,
    pub(super) waiting: VecDeque<Waiting>,
    /// Our requests on streams.
    pub(super) in_flight: usize,
    pub(super) backoff: Backoff,
}

impl PeerState {
    fn new(key: TransportKey, addresses: Vec<Multiaddr>, config: &NetConfig) -> Self {
        Self {
            key,
            addresses,
            connections: HashMap::new(),
            dialling: None,
            waiting: VecDeque::new(),
            in_flight: 0,
            backoff: Backoff::new(config.dial_backoff_min, config.dial_backoff_max),
        }
    }

    /// Answers all waiting requests with an error.
    pub(super) fn fail_waiting(&mut self, error: impl Fn(TransportKey) -> RequestError) {
        for waiting in self.waiting.drain(..) {
            // An error means that the caller has gone.
            let _ = waiting.outcome.send(Err(error(self.key)));
        }
    }

    /// Forgets waiting requests whose callers have gone.
    pub(super) fn prune_waiting(&mut self) {
        self.waiting.retain(|waiting| !waiting.outcome.is_closed());
    }

    /// The next waiting request whose caller still waits.
    pub(super) fn next_waiting(&mut self) -> Option<Waiting> {
        std::iter::from_fn(|| self.waiting.pop_front()).find(|waiting| !waiting.outcome.is_closed())
    }
}

/// The allowed peers, by either identity.
#[derive(Default)]
pub(super) struct Peers {
    states: HashMap<PeerId, PeerState>,
    ids: HashMap<TransportKey, PeerId>,
}

/// What a change of the peers means for the swarm.
pub(super) struct Change {
    pub(super) added: Vec<PeerId>,
    pub(super) removed: Vec<(PeerId, PeerState)>,
}

impl Peers {
    pub(super) fn id(&self, key: TransportKey) -> Option<PeerId> {
        self.ids.get(&key).copied()
    }

    pub(super) fn get_mut(&mut self, id: &PeerId) -> Option<&mut PeerState> {
        self.states.get_mut(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &PeerState> {
        self.states.values()
    }

    /// Replaces the set. Peers in both keep their connections and waiting requests; new addresses end a back-off. Cards
    /// are other people's data: an unusable key or address is left out with a warning and does not harm the rest.
    pub(super) fn replace(&mut self, peers: &[Peer], own: &PeerId, config: &NetConfig) -> Change {
        let mut old = std::mem::take(&mut self.states);
        self.ids.clear();
        let mut added = Vec::new();
        for peer in peers {
            let id = match peer.key.peer_id() {
                Ok(id) => id,
                Err(error) => {
                    tracing::warn!(%error, "peer left out");
                    continue;
                }
            };
            if id == *own {
                continue;
            }
            let addresses = usable(peer);
            let known = self.states.remove(&id).or_else(|| old.remove(&id));
            let state = match known {
                Some(mut state) => {
                    if state.addresses != addresses {
                        state.backoff.reset();
                        state.addresses = addresses;
                    }
                    state
                }
                None => {
                    added.push(id);
                    PeerState::new(peer.key, addresses, config)
                }
            };
            self.ids.insert(peer.key, id);
            self.states.insert(id, state);
        }
        Change { added, removed: old.into_iter().collect() }
    }
}

fn usable(peer: &Peer) -> Vec<Multiaddr> {
    let mut addresses = Vec::new();
    for text in &peer.addresses {
        match text.parse() {
            Ok(address) => addresses.push(address),
            Err(error) => tracing::warn!(peer = %peer.key, address = %text, %error, "address of a peer left out"),
        }
    }
    addresses
}

/// The pause between failed dials: doubled by each failure up to a maximum.
#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
    failure: Option<(Instant, String)>,
}

impl Backoff {
    fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, next: min, failure: None }
    }

    pub(super) fn failed(&mut self, now: Instant, why: String) {
        self.failure = Some((now + self.next, why));
        self.next = self.next.saturating_mul(2).min(self.max);
    }

    pub(super) fn reset(&mut self) {
        self.next = self.min;
        self.failure = None;
    }

    /// The rest of the pause and the failure it follows, when there is one.
    pub(super) fn pause(&self, now: Instant) -> Option<(Duration, &str)> {
        let (until, why) = self.failure.as_ref()?;
        (now < *until).then(|| (*until - now, why.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_to_its_maximum_and_starts_again() {
        let now = Instant::now();
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(3));
        for seconds in [1, 2, 3, 3] {
            backoff.failed(now, "refused".into());
            assert_eq!(backoff.pause(now), Some((Duration::from_secs(seconds), "refused")));
            assert_eq!(backoff.pause(now + Duration::from_secs(seconds)), None);
        }
        backoff.reset();
        assert_eq!(backoff.pause(now), None);
        backoff.failed(now, "refused".into());
        assert_eq!(backoff.pause(now).map(|(pause, _)| pause), Some(Duration::from_secs(1)));
    }

    #[test]
    fn replacing_keeps_who_stays_and_leaves_out_what_cannot_be_used() -> Result<(), super::super::KeyError> {
        let (config, own) = (NetConfig::default(), TransportKey::from_secret(&[1; 32])?.peer_id()?);
        let peer = |byte: u8, address: &str| -> Result<Peer, super::super::KeyError> {
            Ok(Peer { key: TransportKey::from_secret(&[byte; 32])?, addresses: vec![address.into()] })
        };
        let (two, three) = (peer(2, "/ip4/127.0.0.1/tcp/1")?, peer(3, "no address")?);
        let mut peers = Peers::default();
        let change = peers.replace(&[peer(1, "")?, two.clone(), three.clone(), two.clone()], &own, &config);
        assert_eq!((change.added.len(), change.removed.len()), (2, 0));
        assert!(peers.iter().any(|state| state.key == three.key && state.addresses.is_empty()));
        let change = peers.replace(std::slice::from_ref(&two), &own, &config);
        assert!(change.added.is_empty() && change.removed.iter().all(|(_, state)| state.key == three.key));
        assert_eq!(peers.id(two.key), Some(two.key.peer_id()?));
        assert_eq!(peers.id(three.key), None);
        Ok(())
    }
}
