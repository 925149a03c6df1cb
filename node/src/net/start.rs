//! Starting and stopping the transport.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::net::TcpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::behaviour;
use super::config::{ConfigError, NetConfig};
use super::counters::Shared;
use super::handle::NetHandle;
use super::inbound::Inbound;
use super::key::{self, KeyError};
use super::peers::Peer;
use super::swarm::SwarmTask;

/// Commands between the handles and the swarm task. Senders beyond it wait.
const COMMANDS: usize = 256;

/// Time for the listeners to report their addresses; they are bound before, so this is short work of the task.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the transport did not start.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A setting cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The transport secret cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The handshake could not be set up.
    #[error("Noise cannot be set up with the transport key: {0}")]
    Noise(String),
    /// A listen address is not of the form this module knows.
    #[error("listen address {address:?} is not /ip4/<address>/tcp/<port> or /ip6/<address>/tcp/<port>: {why}")]
    Address {
        /// The address as configured.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// A listen address cannot be bound; in use, most likely.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// The address as configured.
        address: String,
        /// What the system says.
        why: String,
    },
}

/// The running transport. Dropping it stops it as well, without waiting for the end.
#[derive(Debug)]
pub struct Net {
    handle: NetHandle,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Net {
    /// A handle for those who send requests.
    #[must_use]
    pub fn handle(&self) -> NetHandle {
        self.handle.clone()
    }

    /// Closes the listeners and connections and waits until the swarm task has ended. Requests under way get
    /// [`super::RequestError::Shutdown`], peers that wait for an answer get none.
    pub async fn shutdown(self) {
        // An error means that the task has ended already.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the network task did not end in order");
        }
    }
}

/// Starts the transport: binds every listen address, lets `peers` in, hands their requests to `inbound`. While that
/// queue is full requests wait, at most as many as there are permits; when its receiver is dropped they are dropped.
///
/// Must be called in a tokio runtime with I/O and time.
///
/// # Errors
/// See [`NetError`]; nothing runs then.
pub async fn start(
    config: NetConfig,
    transport_secret: &[u8; 32],
    peers: Vec<Peer>,
    inbound: mpsc::Sender<Inbound>,
) -> Result<Net, NetError> {
    config.check()?;
    let keypair = key::keypair(transport_secret)?;
    let shared = Arc::new(Shared::default());
    let mut swarm =
        behaviour::swarm(&config, keypair, Arc::clone(&shared)).map_err(|error| NetError::Noise(error.to_string()))?;
    let mut listeners = Vec::new();
    for text in &config.listen {
        let listen = |why: String| NetError::Listen { address: text.clone(), why };
        let (address, socket) = parse(text)?;
        let free = probe(socket).map_err(|error| listen(error.to_string()))?;
        let id = swarm.listen_on(address).map_err(|error| listen(error.to_string()))?;
        drop(free);
        listeners.push(id);
    }
    let (commands, receiver) = mpsc::channel(COMMANDS);
    let handle = NetHandle {
        commands,
        shared: Arc::clone(&shared),
        request_timeout: config.request_timeout,
        max_request_bytes: config.max_request_bytes,
    };
    let all = config.listen.join(", ");
    let mut task = SwarmTask::new(config, swarm, shared, receiver, inbound);
    task.set_peers(&peers);
    match tokio::time::timeout(LISTEN_TIMEOUT, task.await_listeners(listeners)).await {
        Ok(Ok(())) => {}
        Ok(Err(why)) => return Err(NetError::Listen { address: all, why }),
        Err(_) => return Err(NetError::Listen { address: all, why: format!("no address in {LISTEN_TIMEOUT:?}") }),
    }
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(task.run(stopped));
    Ok(Net { handle, stop, task })
}

fn parse(text: &str) -> Result<(Multiaddr, SocketAddr), NetError> {
    let wrong = |why: String| NetError::Address { address: text.to_owned(), why };
    let address: Multiaddr = text.parse().map_err(|error: libp2p::multiaddr::Error| wrong(error.to_string()))?;
    let parts: Vec<_> = address.iter().collect();
    let (ip, port) = match parts[..] {
        [Protocol::Ip4(ip), Protocol::Tcp(port)] => (IpAddr::V4(ip), port),
        [Protocol::Ip6(ip), Protocol::Tcp(port)] => (IpAddr::V6(ip), port),
        _ => return Err(wrong("other parts".into())),
    };
    Ok((address, SocketAddr::new(ip, port)))
}

/// Binds the address without SO_REUSEPORT, and does not listen. libp2p sets that option on its listeners, so two nodes
/// of one user could listen on the same port and each would get half of the connections; this bind fails when another
/// listens. It stands beside libp2p's own bind because both set SO_REUSEADDR and only one of them listens.
fn probe(address: SocketAddr) -> std::io::Result<Option<TcpSocket>> {
    if address.port() == 0 {
        return Ok(None);
    }
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(Some(socket))
}
