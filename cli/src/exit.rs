//! Exit codes, and which error has which.

use std::io::ErrorKind;
use std::process::ExitCode;

use luxor_protocol::document::{DirectoryError, DocumentError};

use crate::client::ClientError;
use crate::files::FileError;
use crate::found::FoundError;
use crate::log::SourceError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for was done and is right.
    Ok,
    /// Done, but there is something to look at: refused rows, findings of an audit, a check that failed.
    Findings,
    /// The command line is wrong.
    Usage,
    /// The node cannot be reached.
    Unreachable,
    /// An input, a document or a request was refused.
    Refused,
    /// A file could not be read or written, or something else failed.
    Failed,
}

/// The codes, for `luxor --help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done, nothing to look at
  1  done, but look: rows were refused, an audit has findings, a check failed, a wait ran out, the answer is no
  2  the command line is wrong
  3  the node cannot be reached
  4  an input, a document or a request was refused
  5  a file could not be read or written, or something else failed

Data goes to stdout, messages and progress to stderr.";

/// A command line that parses but makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// An input that is refused as a whole.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct RefusedError(pub(crate) String);

/// A check that failed: what was to be shown does not hold.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FindingError(pub(crate) String);

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Ok => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 3,
            Exit::Refused => 4,
            Exit::Failed => 5,
        })
    }
}

impl Exit {
    /// The code of an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(Self::of_cause).unwrap_or(Self::Failed)
    }

    fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Self> {
        if let Some(error) = cause.downcast_ref::<ClientError>() {
            return Some(Self::of_client(error));
        }
        if let Some(error) = cause.downcast_ref::<SourceError>() {
            return Some(match error {
                SourceError::Client(error) => Self::of_client(error),
                SourceError::File(_) | SourceError::NoFolder(_) => Self::Failed,
            });
        }
        if cause.is::<FindingError>() {
            return Some(Self::Findings);
        }
        if let Some(error) = cause.downcast_ref::<FoundError>() {
            return Some(match error {
                FoundError::File(_) | FoundError::Random(_) => Self::Failed,
                FoundError::Option(_) | FoundError::NotEmpty(_) => Self::Usage,
                _ => Self::Refused,
            });
        }
        if cause.is::<UsageError>() {
            return Some(Self::Usage);
        }
        let refused = cause.is::<RefusedError>() || cause.is::<DocumentError>() || cause.is::<DirectoryError>();
        if refused { Some(Self::Refused) } else { cause.is::<FileError>().then_some(Self::Failed) }
    }

    fn of_client(error: &ClientError) -> Self {
        match error {
            error if error.is_unreachable() => Self::Unreachable,
            ClientError::NoToken | ClientError::Url(_) => Self::Usage,
            error if error.is_failure() => Self::Failed,
            _ => Self::Refused,
        }
    }
}

/// Whether the reader of stdout went away, which is no error of this command.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    // An I/O error with a file or a node has another error around it that names them.
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
