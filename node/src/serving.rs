//! Connections of listeners that outsiders reach: how many bytes and how long each may take.
//!
//! Not here: what is answered (`public`, `taxii`), TLS, limits for single clients (a reverse proxy).

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// Connections of a listener at a time; further ones wait to be accepted.
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

/// The next connection; `what` names the listener in the log.
pub(crate) async fn accept(listener: &TcpListener, what: &str) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "{what}: a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers the requests of a connection until it ends.
pub(crate) async fn serve_connection<F: Future<Output = Response<Body>>>(
    stream: TcpStream,
    answer: impl Fn(Request<Incoming>) -> F,
) {
    // Answers are small; without this only they are later.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let answering = answer(request);
        async move { Ok::<_, Infallible>(answering.await) }
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
