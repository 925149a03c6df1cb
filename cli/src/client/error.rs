//! What can go wrong between the command and a node.

use std::fmt;
use std::path::PathBuf;

use luxor_protocol::document::DirectoryError;
use luxor_protocol::exchange::{ErrorCode, Lack};
use luxor_protocol::names::NodeRef;

use crate::files::FileError;

/// Why a request to a node failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The folder has no `run/api.json`.
    #[error("no node is running in {0}\nhint: start it with `luxord --dir {0}`, or give its folder or URL with --node")]
    NotRunning(String),
    /// `run/api.json` is wrong.
    #[error("{} is not what luxord writes", path.display())]
    ApiFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong in it.
        source: serde_json::Error,
    },
    /// A URL without token.
    #[error("a node given by its URL wants a token\nhint: set LUXOR_TOKEN to the token in the node's run/api.json")]
    NoToken,
    /// The address is no plain HTTP URL.
    #[error("'{0}' is not a URL such as http://127.0.0.1:4780; TLS is not spoken here, use a tunnel")]
    Url(String),
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing answers.
    #[error("no answer from the node at {url}\nhint: is luxord running?")]
    Unreachable {
        /// Its address.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// Nothing answers where a log's files or a witness should be.
    #[error("no answer from {url}\nhint: is the address right, and does something listen there?")]
    NoAnswer {
        /// What was asked for.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// A server of a log's files answers with something else than the file.
    #[error(
        "{url}: the server answers with HTTP status {status}\nhint: the address is that of the folder with `checkpoint` in it; redirects are not followed"
    )]
    Status {
        /// What was asked for.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// A file is sent compressed.
    #[error(
        "{url}: the server sends it as {encoding}, though nothing but the plain bytes was asked for\nhint: fetch it with another program and check the folder"
    )]
    Encoded {
        /// What was asked for.
        url: String,
        /// The encoding.
        encoding: String,
    },
    /// A file is larger than any such file.
    #[error("{url}: larger than {max} bytes, and no such file is")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The bound.
        max: usize,
    },
    /// The node said no.
    #[error("{message}")]
    Problem {
        /// HTTP status.
        status: u16,
        /// A short word.
        error: String,
        /// What, where, why.
        message: String,
    },
    /// The answer is not what this version of Luxor understands.
    #[error("the node's answer to {path} is not understood: {what}\nhint: are luxor and luxord of one version?")]
    Answer {
        /// What was asked.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// The node's documents do not make a network.
    #[error("the node's documents")]
    Directory(#[from] DirectoryError),
    /// The audited node refuses.
    #[error("{node} does not show its log: {code}: {detail}")]
    AuditRefused {
        /// Whose log.
        node: NodeRef,
        /// Why not.
        code: ErrorCode,
        /// In words.
        detail: String,
    },
    /// The audited node cannot answer now.
    #[error("{node} cannot show its log now, it lacks {lacks}: {detail}\nhint: try again later")]
    AuditLater {
        /// Whose log.
        node: NodeRef,
        /// What is lacking.
        lacks: Lack,
        /// In words.
        detail: String,
    },
}

impl ClientError {
    /// An answer that cannot be read.
    pub(crate) fn answer(path: &str, what: impl fmt::Display) -> Self {
        Self::Answer { path: path.to_owned(), what: what.to_string() }
    }

    /// Whether the node, or the node behind it whose log is wanted, could not be reached or had no time.
    pub(crate) fn is_unreachable(&self) -> bool {
        match self {
            Self::NotRunning(_) | Self::Unreachable { .. } | Self::NoAnswer { .. } => true,
            Self::Problem { status: 503, .. } | Self::Status { status: 500.., .. } => true,
            Self::Problem { error, .. } => error == "unreachable",
            _ => false,
        }
    }

    /// Whether the node failed at something that is its own fault, or its disk's.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, Self::File(_) | Self::Answer { .. } | Self::Problem { status: 500 | 502, .. })
    }
}
