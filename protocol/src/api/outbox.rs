//! What waits for receipts, and how it is withdrawn or redirected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{RefusedNumber, Traffic};
use crate::exchange::Lane;
use crate::names::{MemberId, NodeRef, Purpose};

/// What still waits for receipts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxState {
    /// Dispatches without receipt.
    pub pending: u64,
    /// What was settled since the node was founded.
    pub sent: Traffic,
    /// The last reason why something had to wait, by recipient, with the lane where it is the urgent one.
    pub waiting: BTreeMap<String, String>,
}

/// A dispatch that waits for its receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxItem {
    /// Who is to get it.
    pub recipient: NodeRef,
    /// The sender's epoch.
    pub epoch: u64,
    /// The channel's lane.
    pub lane: Lane,
    /// Its number in the channel.
    pub number: u64,
    /// The agreement.
    pub agreement: String,
    /// What its records may be used for.
    pub purpose: Purpose,
    /// Who issued its records, where they are passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<MemberId>,
    /// Records in it.
    pub records: usize,
    /// Bytes of its request.
    pub bytes: u64,
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// Whether it was withdrawn, so that only the withdrawal waits for its receipt.
    pub withdrawn: bool,
    /// Why it waits, where a reason is known.
    pub reason: Option<String>,
    /// The key that signed it; absent where it is on no card any more.
    #[serde(default)]
    pub key: Option<String>,
}

/// A page of the outbox, ordered by recipient, epoch, lane and number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxPage {
    /// Dispatches.
    pub items: Vec<OutboxItem>,
    /// Pass as `after` for the next page; absent at the end.
    pub next: Option<String>,
}

/// Which dispatch is not to be sent (any more).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawRequest {
    /// Who was to get it.
    pub recipient: NodeRef,
    /// The channel's lane.
    pub lane: Lane,
    /// Its number in the channel.
    pub number: u64,
}

/// A withdrawal that is stored and on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Who was to get it.
    pub recipient: NodeRef,
    /// The channel's lane.
    pub lane: Lane,
    /// Its number in the channel.
    pub number: u64,
    /// The dispatch's digest, hexadecimal.
    pub dispatch: String,
}

/// For which node of a member what waits is to go to which other one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedirectRequest {
    /// For which it waits.
    pub from: NodeRef,
    /// To which it is to go.
    pub to: NodeRef,
    /// [`Redirected::next`] of the call before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What of it goes to the other node now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirected {
    /// Dispatches that go there, and are withdrawn at the first node.
    pub dispatches: u64,
    /// Records in those made anew.
    pub records: u64,
    /// Dispatches that wait as before.
    pub left: Vec<RefusedNumber>,
    /// Where to go on, if there may be more.
    pub next: Option<String>,
}
