//! Refusals of requests, as status and JSON.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use luxor_protocol::api::ApiProblem;
use luxor_protocol::threats::OrderError;

use crate::driver::desk::{DeskOrderError, DryRunError};
use crate::driver::{
    AccountsError, AdmitError, AttachError, AuditReadError, EraseError, LifeError, ReceiptWitnessError, RedirectError,
    RepairError, SubmitError, TrustAskError, WindowError, WithdrawError,
};
use crate::logfiles::LogFileError;
use crate::sequencer::SequencerError;
use crate::store::{KeepError, StoreError};

/// Seconds after which a refused submission may come again.
const RETRY_AFTER_SECONDS: &str = "1";

/// A refusal.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    body: ApiProblem,
}

impl Problem {
    fn new(status: StatusCode, error: &str, message: impl ToString) -> Self {
        Self { status, body: ApiProblem { error: error.to_owned(), message: message.to_string() } }
    }

    pub(super) fn unauthorised() -> Self {
        let message = "the token is missing or wrong\nhint: it stands in run/api.json and changes at each start";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorised", message)
    }

    pub(super) fn starting(message: impl ToString) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "starting", message)
    }

    pub(super) fn bad_request(message: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(super) fn failed(error: impl ToString) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", error)
    }

    pub(super) fn not_found(message: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }
}

/// Anything that has no path.
pub(super) async fn not_found(uri: Uri) -> Problem {
    Problem::not_found(format!("nothing is at {}", uri.path()))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, axum::http::HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        response
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error),
            SubmitError::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", error),
            SubmitError::NameUsed { .. } => Self::new(StatusCode::CONFLICT, "name_used", error),
            SubmitError::Store(error) => error.into(),
        }
    }
}

impl From<WindowError> for Problem {
    fn from(error: WindowError) -> Self {
        match error {
            WindowError::None(_) | WindowError::NotGiven { .. } | WindowError::Own(_) => {
                Self::new(StatusCode::BAD_REQUEST, "no_window", error)
            }
            WindowError::Closed(_) => Self::new(StatusCode::CONFLICT, "closed", error),
            WindowError::Asked { .. } => Self::new(StatusCode::BAD_GATEWAY, "not_answered", error),
            WindowError::Refused { .. } | WindowError::Proposal(_) | WindowError::Statement(_) => {
                Self::new(StatusCode::CONFLICT, "no_statement", error)
            }
            WindowError::Dispute(_) => Self::new(StatusCode::CONFLICT, "no_dispute", error),
            WindowError::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", error),
            WindowError::Sequencer(error) => error.into(),
            WindowError::Store(error) => error.into(),
        }
    }
}

impl From<TrustAskError> for Problem {
    fn from(error: TrustAskError) -> Self {
        match error {
            TrustAskError::Reading => Self::new(StatusCode::SERVICE_UNAVAILABLE, "reading", error),
            TrustAskError::Store(error) => error.into(),
        }
    }
}

impl From<DeskOrderError> for Problem {
    fn from(error: DeskOrderError) -> Self {
        match error {
            DeskOrderError::Submit(error) => error.into(),
            DeskOrderError::Store(error) => error.into(),
            DeskOrderError::NoOfficers | DeskOrderError::NoOfficer(_) => {
                Self::new(StatusCode::FORBIDDEN, "no_officer", error)
            }
            DeskOrderError::About => Self::bad_request(error),
            DeskOrderError::Order(ref order) => match order {
                OrderError::Unknown(_) | OrderError::NoOrder(_) | OrderError::Source(_) => Self::not_found(error),
                OrderError::Settled { .. }
                | OrderError::Undone(_)
                | OrderError::Done { .. }
                | OrderError::Twice { .. } => Self::new(StatusCode::CONFLICT, "settled", error),
                OrderError::Signature { .. } => Self::new(StatusCode::FORBIDDEN, "signature", error),
                OrderError::Empty | OrderError::Many(_) | OrderError::Why | OrderError::Form(_) => {
                    Self::bad_request(error)
                }
            },
        }
    }
}

impl From<DryRunError> for Problem {
    fn from(error: DryRunError) -> Self {
        match error {
            DryRunError::Rules(_) => Self::bad_request(error),
            DryRunError::Store(error) => error.into(),
        }
    }
}

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Reading => Self::new(StatusCode::SERVICE_UNAVAILABLE, "reading", error),
            AccountsError::Unknown(_) => Self::not_found(error),
            AccountsError::Words(_) | AccountsError::List(_) => Self::bad_request(error),
            AccountsError::Close(_) => Self::new(StatusCode::CONFLICT, "not_closed", error),
            AccountsError::Full(_) => Self::new(StatusCode::CONFLICT, "full", error),
            AccountsError::Keep(KeepError::Unreadable(_)) => Self::bad_request(error),
            AccountsError::Keep(KeepError::Store(error)) => error.into(),
        }
    }
}

impl From<AttachError> for Problem {
    fn from(error: AttachError) -> Self {
        match error {
            AttachError::Unknown(_) => Self::not_found(error),
            AttachError::NotWhole { .. } => Self::new(StatusCode::CONFLICT, "not_whole", error),
            AttachError::Size(_) => Self::bad_request(error),
            AttachError::OtherSize { .. } => Self::new(StatusCode::CONFLICT, "other_size", error),
            AttachError::Offset { .. } => Self::new(StatusCode::CONFLICT, "offset", error),
            AttachError::Digest(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "digest", error),
            AttachError::Full => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error),
            AttachError::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", error),
            AttachError::File(error) => {
                tracing::error!(%error, "attached file");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "storage", error)
            }
            AttachError::Store(error) => error.into(),
        }
    }
}

impl From<RepairError> for Problem {
    fn from(error: RepairError) -> Self {
        match error {
            RepairError::Nothing | RepairError::Edit(_) => Self::bad_request(error),
            RepairError::Submit(error) => error.into(),
            RepairError::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", error),
            RepairError::Store(error) => error.into(),
        }
    }
}

impl From<EraseError> for Problem {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Unknown(_) | EraseError::NoHold(_) | EraseError::NoAgreement(_) => Self::not_found(error),
            EraseError::Held { .. } => Self::new(StatusCode::CONFLICT, "held", error),
            EraseError::Ground | EraseError::Versions { .. } => Self::bad_request(error),
            EraseError::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", error),
            EraseError::Store(error) => error.into(),
        }
    }
}

impl From<LifeError> for Problem {
    fn from(error: LifeError) -> Self {
        match error {
            LifeError::Unknown(_) => Self::not_found(error),
            LifeError::Several { .. } | LifeError::Purposes { .. } => Self::bad_request(error),
            LifeError::Store(error) => error.into(),
        }
    }
}

impl From<WithdrawError> for Problem {
    fn from(error: WithdrawError) -> Self {
        match error {
            WithdrawError::Unknown { .. } => Self::not_found(error),
            WithdrawError::Settled { .. } => Self::new(StatusCode::CONFLICT, "settled", error),
            WithdrawError::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", error),
            WithdrawError::Store(error) => error.into(),
        }
    }
}

impl From<RedirectError> for Problem {
    fn from(error: RedirectError) -> Self {
        match error {
            RedirectError::Nodes { .. } => Self::bad_request(error),
            RedirectError::NoCard(_) => Self::not_found(error),
            RedirectError::Submit(error) => error.into(),
            RedirectError::Withdraw(error) => error.into(),
        }
    }
}

impl From<AdmitError> for Problem {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::Document(_) | AdmitError::Directory(_) | AdmitError::Known(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", error)
            }
            AdmitError::Full => Self::new(StatusCode::CONFLICT, "full", error),
            AdmitError::Folder(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "storage", error),
            AdmitError::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "storage");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "storage", error)
    }
}

impl From<SequencerError> for Problem {
    fn from(error: SequencerError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "log", error)
    }
}

impl From<LogFileError> for Problem {
    fn from(error: LogFileError) -> Self {
        match error {
            LogFileError::Missing { .. } => Self::not_found(error),
            LogFileError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error),
            LogFileError::Store(error) => error.into(),
            LogFileError::Thread(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "log", error),
        }
    }
}

impl From<AuditReadError> for Problem {
    fn from(error: AuditReadError) -> Self {
        let (status, word) = match &error {
            AuditReadError::Unknown(_) => (StatusCode::NOT_FOUND, "not_found"),
            AuditReadError::Refused { .. } => (StatusCode::FORBIDDEN, "refused"),
            AuditReadError::Unreachable { .. } => (StatusCode::BAD_GATEWAY, "unreachable"),
            AuditReadError::Answer { .. } => (StatusCode::BAD_GATEWAY, "bad_answer"),
            AuditReadError::Own(_) => (StatusCode::INTERNAL_SERVER_ERROR, "log"),
        };
        Self::new(status, word, error)
    }
}

impl From<ReceiptWitnessError> for Problem {
    fn from(error: ReceiptWitnessError) -> Self {
        let (status, word) = match &error {
            ReceiptWitnessError::NoReceipt { .. } => (StatusCode::NOT_FOUND, "not_found"),
            ReceiptWitnessError::Asked { .. } => (StatusCode::BAD_GATEWAY, "unreachable"),
            ReceiptWitnessError::Unproven { .. } => (StatusCode::BAD_GATEWAY, "unproven"),
            ReceiptWitnessError::Forked { .. } => (StatusCode::CONFLICT, "forked"),
            ReceiptWitnessError::Own(_) | ReceiptWitnessError::Store(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "storage")
            }
        };
        Self::new(status, word, error)
    }
}
