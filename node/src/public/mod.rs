//! The public log: the node's log as static files over HTTP, for anybody, byte for byte C2SP tlog-tiles
//! (<https://c2sp.org/tlog-tiles>). A listener of its own, without token.
//!
//! It shows the log as it was at the last tick: what an entry says is hidden, but that there is one is not, so growth shows
//! once a minute and not with each dispatch. Beside it stand the member's own status lists of credentials, each at the path of its URI.
//! Where its operator opens that, anybody may offer a
//! member's checkpoint to this node as a witness.
//!
//! Not here: TLS, limits for single clients, other URLs than the root of the listener (a reverse proxy), how files are made
//! (`logfiles`, `store`), what a witness decides (`witness`).
//!
//! Limits: [`MAX_CONNECTIONS`], [`MAX_HEAD_BYTES`], [`MAX_HEAD_TIME`], [`MAX_CONNECTION_TIME`], those of `logfiles`.

mod answer;
mod coding;
mod reply;
mod witness;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::Method;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::driver::Driver;
use crate::logfiles::{LogFiles, PublicLog};
use crate::sequencer::Latest;
pub use crate::serving::{MAX_CONNECTION_TIME, MAX_CONNECTIONS, MAX_HEAD_BYTES, MAX_HEAD_TIME};
use crate::serving::{accept, serve_connection};
use crate::store::Store;
use crate::trust::Trust;
use answer::answer;
use witness::{ADD_CHECKPOINT, HttpWitness, add_checkpoint};

/// Why the public log does not listen.
#[derive(Debug, thiserror::Error)]
pub enum PublicError {
    /// The address cannot be used.
    #[error("listen.log {address}: {error}\nhint: give the public log an address of its own, or leave listen.log out")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
}

/// What every answer is made from.
struct Context {
    files: LogFiles,
    log: PublicLog,
    /// Own status lists of credentials.
    trust: Arc<Trust>,
    /// The way to this node as a witness, where the operator opens it.
    witness: Option<HttpWitness>,
}

/// The public log, bound to its address.
pub struct Public {
    listener: TcpListener,
    address: SocketAddr,
    context: Arc<Context>,
}

impl Public {
    /// Binds the address; nothing is answered before [`Public::serve`].
    ///
    /// # Errors
    /// [`PublicError::Bind`].
    pub async fn bind(
        address: SocketAddr,
        store: Arc<Store>,
        log: PublicLog,
        trust: Arc<Trust>,
        witness: Option<Driver>,
    ) -> Result<Self, PublicError> {
        let bind = |error| PublicError::Bind { address, error };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        Ok(Self {
            listener,
            address,
            context: Arc::new(Context {
                files: LogFiles::new(store),
                log,
                trust,
                witness: witness.map(HttpWitness::new),
            }),
        })
    }

    /// The address it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` says so, and makes the newest checkpoint public once in `every`.
    pub async fn serve(self, newest: impl Fn() -> Latest, every: Duration, mut stop: watch::Receiver<bool>) {
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                // A closed channel means that the node is gone: stop as well.
                _ = stop.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => drop(self.context.log.publish(newest())),
                Some(_) = connections.join_next() => {}
                stream = accept(&self.listener, "public log"), if connections.len() < MAX_CONNECTIONS => {
                    connections.spawn(serve_one(stream, self.context.clone()));
                }
            }
        }
    }
}

async fn serve_one(stream: TcpStream, context: Arc<Context>) {
    serve_connection(stream, |request: Request<Incoming>| {
        let context = context.clone();
        async move {
            let (head, body) = request.into_parts();
            if let (Some(witness), &Method::POST, ADD_CHECKPOINT) = (&context.witness, &head.method, head.uri.path()) {
                return add_checkpoint(witness, body).await;
            }
            answer(&context, &head.method, &head.uri, &head.headers).await
        }
    })
    .await;
}
