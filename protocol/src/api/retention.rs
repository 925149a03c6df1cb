//! Erasure, holds, disclosures, deletion receipts.

use serde::{Deserialize, Serialize};

use crate::names::{MemberId, NodeRef, Purpose};

/// What is to be erased.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseRequest {
    /// Reference: its own, or of an item, order, unit of transport, referral or filing, of which every record is erased before its date. Absent: what is due is erased now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The words of the order; only with an item, and then needed. They are kept nowhere, the log has their digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
}

/// What was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedReport {
    /// Entries of which nothing is left but the skeleton.
    pub entries: u64,
    /// Records gone beside them.
    pub records: u64,
    /// Entries and batches that are due and held.
    pub held: u64,
    /// Data keys destroyed.
    pub keys: u64,
    /// Data keys still in use, which the next run destroys.
    pub keys_in_use: u64,
    /// Attached files gone with the last record that named them.
    #[serde(default)]
    pub attachments: u64,
    /// Indexes of the `erased` entries in this node's log.
    pub logged: Vec<u64>,
}

/// What a hold is on: exactly one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// Reference: its own, or of an item, order, unit of transport, referral or filing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// An agreement's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// Name or number of a sender, addressee or seller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
    /// Why, in words.
    pub ground: String,
}

/// A hold in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldInfo {
    /// Its number.
    pub hold: u64,
    /// What it is on: `item`, `agreement` or `party`.
    pub on: String,
    /// Which.
    pub name: String,
    /// Why.
    pub ground: String,
    /// Since when, `YYYY-MM-DD`.
    pub since: String,
    /// Records that it kept when it was placed; only in the answer to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
}

/// Who was shown what of one record: for the person it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disclosed {
    /// The record's root, hexadecimal.
    pub root: String,
    /// Its own reference and item id.
    pub references: Vec<String>,
    /// Everybody to whom it went.
    pub disclosures: Vec<Disclosure>,
}

/// One disclosure of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disclosure {
    /// The member that got it.
    pub recipient: MemberId,
    /// Its name in the charter.
    pub name: String,
    /// The node that got it.
    pub node: NodeRef,
    /// When it was made, RFC 3339.
    pub made_at: String,
    /// What for.
    pub purpose: Purpose,
    /// The agreement.
    pub agreement: String,
    /// Its instrument and article.
    pub ground: String,
    /// Groups shown.
    pub groups: Vec<String>,
    /// `waiting`, `received`, `refused` or `withdrawn`.
    pub state: String,
    /// The day by which the recipient must have erased it, `YYYY-MM-DD`.
    pub due: String,
    /// The recipient's word that it did, with its day; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_on: Option<String>,
    /// Whether it must be erased by now.
    pub is_due: bool,
}

/// A recipient's word that a dispatch, or records of it, are erased there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionInfo {
    /// Index of the `erased` entry in the recipient's log.
    pub entry: u64,
    /// The day that it names, `YYYY-MM-DD`.
    pub on: String,
    /// Places of the records; none where all that was accepted is meant.
    pub places: Vec<usize>,
    /// The deletion receipt, a C2SP tlog-proof.
    pub receipt: String,
}
