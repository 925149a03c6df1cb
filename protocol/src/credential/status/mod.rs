//! Token status lists (draft-ietf-oauth-status-list): one status of some bits for each credential of an issuer, signed as one token.
//!
//! Here: the list with its compressed form kept up to date, the signed token, and a credential's reference to it. Not here: fetching and
//! serving, and what a status means for a trader. The CBOR form is not read.

mod list;
mod pack;
mod token;

pub use list::{Bits, Status, StatusList};
pub use token::{STATUS_TYPE, StatusClaims, StatusToken};

use serde_json::{Value, json};

use super::jws::JwsError;
use crate::limits::MAX_URI_BYTES;

/// Why a status list was refused, cannot be made, or says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// The token.
    #[error("the status list: {0}")]
    Jws(#[from] JwsError),
    /// A claim that is missing or of another form.
    #[error("the status list's claim '{claim}' is refused: {why}")]
    Claim {
        /// Its name.
        claim: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The list is larger than is read here.
    #[error("the status list has more than {0} bytes when opened")]
    Size(usize),
    /// The compressed form is broken.
    #[error("the status list cannot be opened: {0}")]
    Packed(&'static str),
    /// Outside of the list. Nothing is known of such a credential, so it is refused.
    #[error("the list has {entries} statuses; there is none of number {index}")]
    Index {
        /// The number asked for.
        index: u64,
        /// Statuses of the list.
        entries: u64,
    },
    /// A status that does not fit the bits.
    #[error("the status {status} does not fit {bits} bits")]
    Wide {
        /// The status.
        status: u8,
        /// The bits.
        bits: u8,
    },
    /// Another list than the credential names.
    #[error("the list is that of {found}; the credential names {expected}")]
    Other {
        /// The list's URI.
        found: String,
        /// The URI that the credential names.
        expected: String,
    },
    /// Issued in the future or no longer valid.
    #[error(
        "the status list was issued at {issued_at} and expires at {expires} (seconds since 1970); now it is {now}; hint: fetch it again"
    )]
    Time {
        /// When it was issued.
        issued_at: u64,
        /// When it expires.
        expires: u64,
        /// Now.
        now: u64,
    },
}

/// Where a credential's status stands: number and list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StatusReference {
    /// The number in the list, from 0.
    pub index: u64,
    /// The URI of the list, which is the token's `sub` and where it is fetched.
    pub uri: String,
}

impl StatusReference {
    /// The claim `status`.
    pub fn to_json(&self) -> Value {
        json!({ "status_list": { "idx": self.index, "uri": self.uri } })
    }

    /// Reads the claim `status`.
    pub fn from_json(status: &Value) -> Option<Self> {
        let list = status.get("status_list")?;
        let uri = list.get("uri")?.as_str().filter(|uri| (1..=MAX_URI_BYTES).contains(&uri.len()))?;
        Some(Self { index: list.get("idx")?.as_u64()?, uri: uri.to_owned() })
    }
}
