//! State of a node, its log and its witnesses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AttachmentCounts, RefusedDocument, RepairCounts};
use crate::exchange::Lane;
use crate::names::NodeRef;

/// A node at a glance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Status {
    /// The node.
    pub node: String,
    /// Digest of the founding charter.
    pub network: String,
    /// Name of the network.
    pub network_name: String,
    /// The log's origin.
    pub origin: String,
    /// Verifier key of the log (C2SP vkey).
    pub log_vkey: String,
    /// Keys that this node uses now: of each use the one in use; they follow the newest card, the transport key at the next start.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Entries in the log.
    pub log_entries: u64,
    /// Root of the log, hexadecimal.
    pub log_root: String,
    /// Address of the public log, if there is one.
    #[serde(default)]
    pub public_log: Option<String>,
    /// Entries that it shows; it follows the log once in `log.public_seconds`.
    #[serde(default)]
    pub public_size: Option<u64>,
    /// Members in the charter.
    pub members: usize,
    /// Agreements in force or not.
    pub agreements: usize,
    /// Documents that the node knows, charter and earlier cards among them.
    #[serde(default)]
    pub documents: usize,
    /// What two nodes that know the same documents have in common.
    #[serde(default)]
    pub documents_summary: String,
    /// Documents that were not admitted lately, the newest last.
    #[serde(default)]
    pub refused_documents: Vec<RefusedDocument>,
    /// What of the network's documents waits for people, in words: a stale charter, a split, documents that contradict each other.
    #[serde(default)]
    pub governance: Vec<String>,
    /// Nodes connected now.
    pub connected: Vec<String>,
    /// What this node sent.
    pub sent: Traffic,
    /// What it received.
    pub received: Traffic,
    /// Attached files.
    #[serde(default)]
    pub attachments: AttachmentCounts,
    /// Refused records that wait for repair.
    #[serde(default)]
    pub repairs: RepairCounts,
    /// Dispatches without receipt.
    pub outbox: u64,
    /// Numbers that this node lost: their senders hold its receipts, but it does not have them.
    pub missing: Vec<Missing>,
    /// Own dispatches that a recipient refuses without a receipt: fix the cause, or withdraw them. The first few.
    pub refused_numbers: Vec<RefusedNumber>,
    /// Requests refused without trace, by error code.
    pub errors: BTreeMap<String, u64>,
    /// Connections of strangers that were closed.
    pub strangers: u64,
    /// How the log stands with its witnesses.
    pub witnessed: WitnessedLog,
    /// Why the log is to be closed by the node's policy (`log.close_entries`, `log.close_days`), in words; absent when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_due: Option<String>,
    /// Origins of logs that showed two histories.
    pub forked: Vec<String>,
    /// What is done in this node's name that it did not do.
    #[serde(default)]
    pub alarms: Vec<String>,
}

/// How a node's log stands with its witnesses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessedLog {
    /// Entries covered by the newest checkpoint whose cosignatures make the quorum; 0 for none.
    pub size: u64,
    /// Its quorum time in seconds since 1970; 0 for none.
    pub time: u64,
    /// Who is asked.
    pub witnesses: Vec<WitnessInfo>,
}

/// A witness of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessInfo {
    /// Its node; of one outside the network the name of its key.
    pub witness: String,
    /// The largest size that it cosigned since this node started.
    pub size: u64,
    /// What keeps it from cosigning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A log that showed two histories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The log.
    pub origin: String,
    /// What it showed, in words.
    pub what: String,
    /// The evidence file, which verifies by itself.
    pub evidence: String,
}

/// How a receipt stands with the recipient's witnesses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ReceiptStanding {
    /// Only signed so far.
    Signed,
    /// Covered by a checkpoint with a quorum; the first one that the recipient still has.
    Witnessed {
        /// Entries that the checkpoint covers.
        size: u64,
        /// Its quorum time in seconds since 1970: at the latest then the recipient had the dispatch.
        time: u64,
        /// The note with its cosignatures.
        checkpoint: String,
        /// The receipt under that note: a C2SP tlog-proof that verifies offline with the log's policy.
        receipt: String,
    },
}

/// Numbers of a received channel that this node lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The sending node.
    pub sender: NodeRef,
    /// The channel's lane.
    pub lane: Lane,
    /// The first number.
    pub first: u64,
    /// The last for which the sender says that it holds the receipt.
    pub last: u64,
}

/// An own dispatch that its recipient refuses without a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedNumber {
    /// The receiving node.
    pub recipient: NodeRef,
    /// The channel's lane.
    pub lane: Lane,
    /// The number.
    pub number: u64,
    /// Why.
    pub reason: String,
}

/// Dispatches and records with their verdicts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Dispatches with a receipt.
    pub dispatches: u64,
    /// Of these, refused ones.
    pub refused: u64,
    /// Records accepted.
    pub accepted: u64,
    /// Records rejected or in refused dispatches.
    pub rejected: u64,
    /// Dispatches withdrawn before they came.
    pub withdrawn: u64,
}

impl Traffic {
    /// Adds what was counted elsewhere.
    pub fn add(&mut self, more: &Self) {
        self.dispatches += more.dispatches;
        self.refused += more.refused;
        self.accepted += more.accepted;
        self.rejected += more.rejected;
        self.withdrawn += more.withdrawn;
    }
}
