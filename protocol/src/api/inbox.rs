//! What arrived, and what is known of a record.

use serde::{Deserialize, Serialize};

use crate::exchange::Lane;
use crate::names::{MemberId, NodeRef, Purpose};

/// A dispatch in the inbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxItem {
    /// Index of the `received` entry in this node's log: the inbox's cursor.
    pub index: u64,
    /// The sending node.
    pub sender: NodeRef,
    /// The channel's lane.
    pub lane: Lane,
    /// Its number in the channel.
    pub number: u64,
    /// The agreement; its digest where only a withdrawal came.
    pub agreement: String,
    /// What its records may be used for; absent where only a withdrawal came.
    pub purpose: Option<Purpose>,
    /// Who issued its records, where the sender passed them on: it came from them through the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<MemberId>,
    /// Groups shown.
    pub groups: Vec<String>,
    /// The day by which it must be gone.
    pub due: String,
    /// Records accepted.
    pub accepted: usize,
    /// Records rejected.
    pub rejected: usize,
    /// The verdict in words.
    pub outcome: String,
    /// Set where a key that signed it is revoked since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureMark>,
}

/// What is told of a signature whose key is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureMark {
    /// It was made while others may have had the key, so its member may say that it was not theirs. It binds.
    Contested,
    /// Nothing here proves that it was made before the key was revoked. It binds nobody.
    Unproven,
}

/// A page of the inbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxPage {
    /// In the order of the log.
    pub items: Vec<InboxItem>,
    /// Pass as `after` for the next page; absent at the end.
    pub next: Option<u64>,
}

/// A dispatch with its records.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxDispatch {
    /// The dispatch.
    pub item: InboxItem,
    /// Accepted records as far as they are shown.
    pub records: Vec<ViewedRecord>,
}

/// A record as shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ViewedRecord {
    /// Its root, hexadecimal.
    pub root: String,
    /// The native JSON form, with `withheld`.
    pub record: serde_json::Value,
}

/// A record that this node issued or received, with where it went or came from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordInfo {
    /// Its root, hexadecimal.
    pub root: String,
    /// Who issued it.
    pub issuer: MemberId,
    /// What this node knows of it.
    pub record: serde_json::Value,
    /// Where it was sent, for own records.
    pub deliveries: Vec<Delivery>,
    /// The inbox item that brought it, for others' records.
    pub received: Option<InboxItem>,
    /// Where it was passed on, for others' records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_on: Vec<Delivery>,
}

/// One delivery of a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// The receiving node.
    pub recipient: NodeRef,
    /// The sender's epoch.
    pub epoch: u64,
    /// The channel's lane.
    pub lane: Lane,
    /// The number of the dispatch in the channel.
    pub number: u64,
    /// The agreement.
    pub agreement: String,
    /// What for.
    pub purpose: Purpose,
    /// Groups shown.
    pub groups: Vec<String>,
    /// `waiting`, `accepted`, `withdrawn`, `rejected: …` or `refused: …`.
    pub state: String,
    /// Index of the receipt in the recipient's log.
    pub receipt_index: Option<u64>,
}
