//! The transport between nodes: opaque request bytes to a peer, opaque answer bytes back.
//!
//! In here: TCP, Noise and Yamux under libp2p's request-response, who may keep a connection (the peers' transport
//! keys), dialling with back-off, size limits, the pool of permits that bounds the memory of requests, counters. This
//! is the only place of the project that knows libp2p.
//!
//! Not in here: what the bytes mean, retries (a lost answer is the caller's retry), windows per sender, node cards and
//! where they come from, storage.
//!
//! One task owns the swarm (`swarm.rs`). Callers reach it through a bounded channel of commands ([`NetHandle`]);
//! requests of peers leave it through the bounded channel given to [`start()`]. Answers do not pass through the task:
//! each goes straight to the stream that waits for it.
//!
//! One frame goes each way on a stream of its own: a length of four bytes, big-endian, and that many bytes.

mod behaviour;
mod codec;
mod config;
mod counters;
mod handle;
mod inbound;
mod key;
mod outbound;
mod peers;
mod start;
mod swarm;
#[cfg(test)]
mod tests;

pub use config::{ConfigError, NetConfig};
pub use counters::NetCounters;
pub use handle::{NetHandle, RequestError};
pub use inbound::{Inbound, Permit, Reply};
pub use key::{KeyError, TransportKey};
pub use peers::Peer;
pub use start::{Net, NetError, start};
