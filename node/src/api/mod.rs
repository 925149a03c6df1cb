//! The local HTTP interface: for the node's own people and systems. Requests and answers are types of
//! [`luxor_protocol::api`]; paths and errors are documented there.
//!
//! Not here: what other nodes see (net), decisions (engine).

mod attachments;
mod closing;
mod documents;
mod items;
mod logs;
mod metrics;
mod onward;
mod outbox;
mod problem;
mod read;
mod receipts;
mod reconciliation;
mod repairs;
mod retention;
mod screening;
mod submit;
mod trust;
mod waiting;
mod windows;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post, put};
use luxor_protocol::limits::{MAX_CHUNK_BYTES, MAX_ORDER_RECORDS, MAX_SIGNED_DOCUMENT_BYTES, MAX_SUMMARY_LIST_BYTES};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;

use crate::driver::Driver;
use crate::logfiles::{LogFiles, PublicSite};
pub use closing::Closing;
use problem::Problem;
pub use waiting::Door;

/// Bytes of an order that names its records, each by 64 digits.
const MAX_DRAW_BYTES: usize = MAX_ORDER_RECORDS * 80;

/// Why the interface failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The address cannot be used.
    #[error("listen.api {address}: {error}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// Serving failed.
    #[error("local interface: {0}")]
    Serve(std::io::Error),
}

/// What every handler has.
#[derive(Clone)]
struct Context {
    driver: Driver,
    token: Arc<str>,
    files: Arc<LogFiles>,
    public: Option<PublicSite>,
    closing: Closing,
}

/// The interface, behind its door.
pub struct Api {
    door: Door,
    router: Router,
}

impl Api {
    /// Nothing is answered before [`Api::serve`]. `public` is the public log, `closing` the policy, of which it only tells.
    pub fn new(door: Door, token: &str, driver: Driver, public: Option<PublicSite>, closing: Closing) -> Self {
        let files = Arc::new(LogFiles::new(driver.shared().store.clone()));
        let context = Context { driver, token: token.into(), files, public, closing };
        let router = Router::new()
            .route("/v1/status", get(read::status))
            .route("/v1/submissions/{submission}/chunks/{chunk}", put(submit::put_chunk))
            .layer(DefaultBodyLimit::max(MAX_CHUNK_BYTES + 64 * 1024))
            .merge(
                Router::new()
                    .route("/v1/documents", get(documents::all).post(documents::admit))
                    .layer(DefaultBodyLimit::max(MAX_SIGNED_DOCUMENT_BYTES)),
            )
            .merge(
                Router::new()
                    .route("/v1/attachments/{digest}", get(attachments::state).put(attachments::put))
                    // It is taken range by range, and bounded there.
                    .layer(DefaultBodyLimit::disable()),
            )
            .merge(
                Router::new()
                    .route("/v1/reconciliation/lists", post(reconciliation::summary_list))
                    .route("/v1/reconciliation/payments", post(reconciliation::payments))
                    .layer(DefaultBodyLimit::max(MAX_SUMMARY_LIST_BYTES)),
            )
            .merge(
                Router::new()
                    .route("/v1/screening/orders", post(screening::draw))
                    .route("/v1/screening/dry-run", post(screening::dry_run))
                    .layer(DefaultBodyLimit::max(MAX_DRAW_BYTES)),
            )
            .route("/v1/attachments/{digest}/content", get(attachments::content))
            .route("/v1/attachments/{digest}/fetch", post(attachments::fetch))
            .route("/v1/metrics", get(metrics::metrics))
            .route("/v1/outbox", get(outbox::state))
            .route("/v1/outbox/dispatches", get(outbox::dispatches))
            .route("/v1/outbox/withdrawals", post(outbox::withdraw))
            .route("/v1/outbox/redirections", post(outbox::redirect))
            .route("/v1/inbox", get(read::inbox))
            .route("/v1/inbox/{index}", get(read::inbox_dispatch))
            .route("/v1/inbox/{index}/source", get(onward::source))
            .route("/v1/onward", get(onward::passed).post(onward::pass_on))
            .route("/v1/records", get(read::records))
            .route("/v1/items", get(items::item))
            .route("/v1/referrals", get(items::queue))
            .route("/v1/quality", get(items::quality))
            .route("/v1/statistics/records", get(items::gathered_page))
            .route("/v1/screening", get(screening::status))
            .route("/v1/screening/queue", get(screening::queue))
            .route("/v1/screening/proposals/{root}", get(screening::proposal))
            .route("/v1/screening/indicators", get(screening::indicators))
            .route("/v1/screening/orders", get(screening::orders))
            .route("/v1/screening/orders/{digest}", get(screening::order))
            .route("/v1/screening/orders/{digest}/signatures", post(screening::sign))
            .route("/v1/recognition", get(trust::recognition))
            .route("/v1/uses", get(trust::unconfirmed))
            .route("/v1/reconciliation", get(reconciliation::list))
            .route("/v1/reconciliation/explain", post(reconciliation::explain))
            .route("/v1/reconciliation/write-off", post(reconciliation::write_off))
            .route("/v1/reconciliation/close", post(reconciliation::close))
            .route("/v1/practice/receipts", get(receipts::practised))
            .route("/v1/windows", get(windows::channels))
            .route("/v1/windows/statements", get(windows::statements))
            .route("/v1/windows/close", post(windows::close))
            .route("/v1/windows/compare", post(windows::compare))
            .route("/v1/disputes", get(windows::dispute))
            .route("/v1/repairs", get(repairs::groups))
            .route("/v1/repairs/entries", get(repairs::entries))
            .route("/v1/repairs/fix", post(repairs::fix))
            .route("/v1/repairs/drop", post(repairs::give_up))
            .route("/v1/receipts", get(receipts::receipt))
            .route("/v1/erasures", post(retention::erase))
            .route("/v1/holds", get(retention::holds).post(retention::hold))
            .route("/v1/holds/{hold}/release", post(retention::release))
            .route("/v1/disclosures", get(retention::disclosures))
            .route("/v1/deletions", get(retention::deletions))
            .route("/v1/receipts/witnesses", get(receipts::witnesses))
            .route("/v1/checkpoint", get(read::checkpoint))
            .route("/v1/checkpoint/cosigned", get(logs::cosigned))
            .route("/v1/forks", get(logs::forks))
            .route("/v1/log/{*path}", get(read::log_file))
            .route("/v1/audit", get(read::audit))
            .route("/v1/audit/values/{entry}", get(read::audit_values))
            .fallback(problem::not_found)
            .layer(from_fn_with_state(context.clone(), authorise))
            .route("/v1/health", get(|| async { "ok\n" }))
            .with_state(context);
        Self { door, router }
    }

    /// Answers until `stop` says so.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn serve(self, mut stop: watch::Receiver<bool>) -> Result<(), ApiError> {
        let stopped = async move {
            // A closed channel means that the node is gone: stop as well.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let serving = axum::serve(self.door.listener()?, self.router).with_graceful_shutdown(stopped);
        serving.await.map_err(ApiError::Serve)
    }
}

/// Looks at many rows, so not on a thread that serves others.
async fn blocking<T: Send + 'static, E: Into<Problem> + Send + 'static>(
    look: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem> {
    let told = tokio::task::spawn_blocking(look).await;
    told.map_err(Problem::failed)?.map_err(Into::into)
}

async fn authorise(State(context): State<Context>, request: Request, next: Next) -> Result<Response, Problem> {
    match is_authorised(&context.token, &request) {
        true => Ok(next.run(request).await),
        false => Err(Problem::unauthorised()),
    }
}

fn is_authorised(token: &str, request: &Request) -> bool {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    given.as_bytes().ct_eq(token.as_bytes()).into()
}
