//! The libp2p behaviours of a node, and the swarm made of them.

use std::convert::Infallible;
use std::sync::Arc;

use libp2p::allow_block_list::{self, AllowedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{Swarm, SwarmBuilder, noise, tcp, yamux};

use super::codec::{ExchangeCodec, PROTOCOL};
use super::config::NetConfig;
use super::counters::Shared;

/// Connections to one peer: two, because both ends may dial at once and neither must be refused then.
const MAX_CONNECTIONS_PER_PEER: u32 = 2;

/// Inbound connections in their handshake. Bounds what strangers can make us hold.
const MAX_PENDING_INCOMING: u32 = 128;

/// Outbound connections in their handshake; one per peer at most, so this bounds dialling after a start.
const MAX_PENDING_OUTGOING: u32 = 256;

/// The order counts: a connection is refused by the first field that refuses it, and those after it never hear of it.
/// request-response notes a connection when asked for its handler and is not told of a later refusal, so it is last.
#[derive(NetworkBehaviour)]
pub(super) struct NodeBehaviour {
    /// Lets only the peers in. Their keys are known after Noise and Yamux, before any stream is opened.
    pub(super) allowed: allow_block_list::Behaviour<AllowedPeers>,
    pub(super) limits: connection_limits::Behaviour,
    pub(super) exchange: request_response::Behaviour<ExchangeCodec>,
}

/// Puts the swarm together. Listens nowhere and allows nobody yet.
pub(super) fn swarm(
    config: &NetConfig,
    keypair: Keypair,
    shared: Arc<Shared>,
) -> Result<Swarm<NodeBehaviour>, noise::Error> {
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(MAX_PENDING_INCOMING))
        .with_max_pending_outgoing(Some(MAX_PENDING_OUTGOING))
        .with_max_established_per_peer(Some(MAX_CONNECTIONS_PER_PEER));
    let exchange = request_response::Config::default()
        .with_request_timeout(config.request_timeout)
        .with_max_concurrent_streams(config.max_concurrent_streams);
    let behaviour = NodeBehaviour {
        allowed: allow_block_list::Behaviour::default(),
        limits: connection_limits::Behaviour::new(limits),
        exchange: request_response::Behaviour::with_codec(
            ExchangeCodec::new(config, shared),
            [(PROTOCOL, ProtocolSupport::Full)],
            exchange,
        ),
    };
    // Yamux ends the whole connection at one stream too many, request-response drops that stream only: keep apart.
    let streams = config.max_concurrent_streams * 2;
    let multiplexer = move || {
        let mut yamux = yamux::Config::default();
        yamux.set_max_num_streams(streams);
        yamux
    };
    let built: Result<_, Infallible> = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, multiplexer)?
        .with_behaviour(|_| behaviour);
    let Ok(builder) = built;
    Ok(builder
        .with_swarm_config(|swarm| {
            swarm
                .with_idle_connection_timeout(config.idle_timeout)
                .with_max_negotiating_inbound_streams(config.max_concurrent_streams)
        })
        .with_connection_timeout(config.dial_timeout)
        .build())
}
