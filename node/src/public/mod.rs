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

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::Method;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use crate::driver::Driver;
use crate::logfiles::{LogFiles, PublicLog};
use crate::sequencer::Latest;
use crate::store::Store;
use crate::trust::Trust;
use answer::answer;
use witness::{ADD_CHECKPOINT, HttpWitness, add_checkpoint};

/// Connections at a time; further ones wait to be accepted.
pub const MAX_CONNECTIONS: usize = 256;
/// Bytes of a request line with its headers; above it the answer is 431.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;
/// How long a client may take for them, also between two requests.
pub const MAX_HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection may stay; a client that wants more makes another.
pub const MAX_CONNECTION_TIME: Duration = Duration::from_secs(300);
/// How long the answer that is under way at that time may still take.
const LAST_ANSWER_TIME: Duration = Duration::from_secs(10);
/// Pause after a connection could not be accepted: there may be no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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
                stream = accept(&self.listener), if connections.len() < MAX_CONNECTIONS => {
                    connections.spawn(serve_connection(stream, self.context.clone()));
                }
            }
        }
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "public log: a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, context: Arc<Context>) {
    // Answers are small; without this only they are later.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let context = context.clone();
        async move {
            let (head, body) = request.into_parts();
            if let (Some(witness), &Method::POST, ADD_CHECKPOINT) = (&context.witness, &head.method, head.uri.path()) {
                return Ok::<_, Infallible>(add_checkpoint(witness, body).await);
            }
            Ok(answer(&context, &head.method, &head.uri, &head.headers).await)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(MAX_HEAD_TIME).max_buf_size(MAX_HEAD_BYTES);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
    // Whatever ends a connection is the client's affair.
    if timeout(MAX_CONNECTION_TIME, serving.as_mut()).await.is_err() {
        serving.as_mut().graceful_shutdown();
        let _ = timeout(LAST_ANSWER_TIME, serving).await;
    }
}
