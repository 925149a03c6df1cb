//! TAXII 2.1 (OASIS), read-only, for threat platforms: a listener of its own, with users of its own.
//!
//! | file | what |
//! |---|---|
//! | here | the listener, and what it counted |
//! | `auth` | who asks |
//! | `answer` | a request and its answer |
//!
//! Not here: TLS, limits for single clients (a reverse proxy), which objects there are (driver), what the resources look like
//! ([`luxor_protocol::threats::shelf`]). Limits: those of [`crate::serving`], [`MAX_READS`], [`luxor_protocol::limits::MAX_TAXII_PAGE`].

mod answer;
mod auth;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::driver::Driver;
use crate::serving::{MAX_CONNECTIONS, accept, serve_connection};
use auth::Users;

/// Pages that are read from the store at a time; further ones wait.
pub const MAX_READS: usize = 2;
/// Where the collections are.
pub const API_ROOT: &str = "/threats/";

/// Why TAXII does not listen.
#[derive(Debug, thiserror::Error)]
pub enum TaxiiError {
    /// The address cannot be used.
    #[error("listen.taxii {address}: {error}\nhint: give it an address of its own, or leave listen.taxii out")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
}

/// What was asked since the start.
#[derive(Debug, Default)]
pub struct TaxiiCounters {
    /// Answers by the hundred of their status: from 100 on, from 200 on, and so on.
    answers: [AtomicU64; 6],
    refused: AtomicU64,
}

impl TaxiiCounters {
    /// Answers by class: `2xx` and so on.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let classes = [(2, "2xx"), (4, "4xx"), (5, "5xx")];
        classes.into_iter().map(|(class, name)| (name, self.answers[class].load(Ordering::Relaxed)))
    }

    /// Requests whose secret was wrong or missing.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self, status: u16) {
        if let Some(class) = self.answers.get(usize::from(status / 100)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What every answer is made from.
struct Context {
    driver: Driver,
    users: Users,
    /// Under which URL clients reach the listener.
    url: String,
    reads: Semaphore,
}

/// The listener, bound to its address.
pub struct Taxii {
    listener: TcpListener,
    context: Arc<Context>,
}

impl Taxii {
    /// Binds the address; nothing is answered before [`Taxii::serve`]. `users` is the file of users, `url` how clients reach the listener
    /// where that is otherwise than by its address.
    ///
    /// # Errors
    /// [`TaxiiError::Bind`].
    pub async fn bind(
        address: SocketAddr,
        users: PathBuf,
        url: Option<&str>,
        driver: Driver,
    ) -> Result<Self, TaxiiError> {
        let bind = |error| TaxiiError::Bind { address, error };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let bound = listener.local_addr().map_err(bind)?;
        let url = url.map_or_else(|| format!("http://{bound}"), |url| url.trim_end_matches('/').to_owned());
        let context = Context { driver, users: Users::new(users), url, reads: Semaphore::new(MAX_READS) };
        context.driver.shared().shelf.want();
        // Whoever runs the node hears at its start what is wrong with the file.
        context.users.all();
        Ok(Self { listener, context: Arc::new(context) })
    }

    /// Where it is asked what there is.
    pub fn url(&self) -> String {
        format!("{}/taxii2/", self.context.url)
    }

    /// Answers until `stop` says so.
    pub async fn serve(self, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                // A closed channel means that the node is gone: stop as well.
                _ = stop.wait_for(|stop| *stop) => return,
                Some(_) = connections.join_next() => {}
                stream = accept(&self.listener, "TAXII"), if connections.len() < MAX_CONNECTIONS => {
                    let context = self.context.clone();
                    connections.spawn(serve_connection(stream, move |request: Request<Incoming>| {
                        let context = context.clone();
                        async move {
                            let (head, _) = request.into_parts();
                            answer::answer(&context, &head).await
                        }
                    }));
                }
            }
        }
    }
}
