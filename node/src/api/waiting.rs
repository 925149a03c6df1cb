//! The local interface of a node that does not sign yet: it says why, to whoever has the token, and nothing else.
//!
//! Not here: what the node waits for ([`crate::waking`]).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::problem::Problem;
use super::{ApiError, is_authorised};

/// How long answers on their way may take when the wait is over.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// The interface's address, taken before anything is answered there.
pub struct Door {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

#[derive(Clone)]
struct Context {
    token: Arc<str>,
    waits: watch::Receiver<String>,
}

impl Door {
    /// Takes the address.
    ///
    /// # Errors
    /// [`ApiError::Bind`].
    pub async fn bind(address: SocketAddr) -> Result<Self, ApiError> {
        let bind = |error| ApiError::Bind { address, error };
        let listener = TcpListener::bind(address).await.map_err(bind)?.into_std().map_err(bind)?;
        Ok(Self { address: listener.local_addr().map_err(bind)?, listener })
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says what is waited for, until `over`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn wait<T>(
        &self,
        token: &str,
        waits: watch::Receiver<String>,
        over: impl Future<Output = T>,
    ) -> Result<T, ApiError> {
        let context = Context { token: token.into(), waits };
        let router = Router::new().fallback(waiting).with_state(context);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async move {
            // Dropped or sent, it is over.
            let _ = stopped.await;
        };
        let serving = axum::serve(self.listener()?, router).with_graceful_shutdown(stopped);
        let mut serving = tokio::spawn(serving.into_future());
        let over = over.await;
        drop(stop);
        if tokio::time::timeout(LAST_ANSWERS, &mut serving).await.is_err() {
            serving.abort();
        }
        Ok(over)
    }

    /// A listener on the address.
    pub(super) fn listener(&self) -> Result<TcpListener, ApiError> {
        let bind = |error| ApiError::Bind { address: self.address, error };
        self.listener.try_clone().and_then(TcpListener::from_std).map_err(bind)
    }
}

async fn waiting(State(context): State<Context>, request: Request) -> Problem {
    match is_authorised(&context.token, &request) {
        true => Problem::starting(context.waits.borrow().as_str()),
        false => Problem::unauthorised(),
    }
}
