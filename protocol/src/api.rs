//! Requests and answers of a node's local HTTP interface, shared by `luxord` and `luxor`.
//!
//! Every path but `/v1/health` wants `Authorization: Bearer <token>`; address and token stand in the node's
//! `run/api.json`, readable by its owner only.
//!
//! | method and path | body | answer |
//! |---|---|---|
//! | `GET /v1/health` | | `ok` |
//! | `GET /v1/status` | | [`Status`] |
//! | `PUT /v1/submissions/{id}/chunks/{n}?lane=` | CBOR list of records, or JSON list of native records | [`ChunkResult`] |
//! | `GET /v1/outbox?wait_ms=` | | [`OutboxState`], at once when empty, else after the wait |
//! | `GET /v1/outbox/dispatches?after=&limit=` | | [`OutboxPage`] |
//! | `POST /v1/outbox/withdrawals` | [`WithdrawRequest`] | [`Withdrawn`] |
//! | `GET /v1/inbox?after=&limit=` | | [`InboxPage`] |
//! | `GET /v1/inbox/{index}` | | [`InboxDispatch`] |
//! | `GET /v1/records?reference=` | | list of [`RecordInfo`] |
//! | `GET /v1/receipts?recipient=&epoch=&lane=&number=` | | the receipt as C2SP tlog-proof, text |
//! | `GET /v1/receipts/witnesses?recipient=&epoch=&lane=&number=` | | [`ReceiptStanding`]; asks the recipient |
//! | `GET /v1/documents` | | [`Documents`] |
//! | `GET /v1/checkpoint` | | the newest checkpoint as signed note, text |
//! | `GET /v1/checkpoint/cosigned` | | the newest one whose cosignatures make the quorum |
//! | `GET /v1/forks` | | list of [`Fork`] |
//! | `GET /v1/log/checkpoint` | | the same, cosigned once there is a quorum; with the next, the whole log as C2SP tlog-tiles has it |
//! | `GET /v1/log/tile/{L}/{N}[.p/{W}]` | | a tile of the log at its newest signed size |
//! | `GET /v1/log/tile/entries/{N}[.p/{W}]` | | an entry bundle of it |
//! | `GET /v1/audit?node=&from=&count=` | | one [`crate::exchange::Answer::Page`] in CBOR, of this or another node's log |
//! | `GET /v1/audit/values/{entry}` | | the records of the dispatch at an own entry, showing their value only: [`crate::audit::population::BatchViews`] in CBOR |
//!
//! Paths below `/v1/log/` have one spelling each, without query; what the log has not is 404. Where the node has a public
//! log, a listener of its own without token serves the same paths at its root, at the size of the last public tick.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exchange::Lane;
use crate::names::{MemberId, NodeRef, Purpose};
use crate::record::Fault;

/// Where a running node answers: the content of `run/api.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiFile {
    /// Base address, as `http://127.0.0.1:4780`.
    pub url: String,
    /// Bearer token.
    pub token: String,
}

/// That a node is ready: the content of `run/ready.json`, put there by renaming once everything listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadyFile {
    /// The node.
    pub node: NodeRef,
    /// Its process.
    pub pid: u32,
    /// Addresses it listens on for other nodes.
    pub exchange: Vec<String>,
    /// Where anybody can read its public log, as `http://127.0.0.1:4790`, if it has one.
    #[serde(default)]
    pub public_log: Option<String>,
}

/// A refusal of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiProblem {
    /// A short word for programs.
    pub error: String,
    /// What, where and why, for people; a second line starting with `hint:` where there is something to do.
    pub message: String,
}

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
    /// Nodes connected now.
    pub connected: Vec<String>,
    /// What this node sent.
    pub sent: Traffic,
    /// What it received.
    pub received: Traffic,
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

/// The fate of a chunk. The same chunk again gets the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkResult {
    /// One for each record, in order.
    pub records: Vec<RecordResult>,
    /// Dispatches made of it.
    pub dispatches: u64,
}

/// The fate of a submitted record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordResult {
    /// Stored and on its way.
    Accepted {
        /// Its root, hexadecimal.
        root: String,
        /// How many recipients get it.
        recipients: usize,
    },
    /// Not taken; nothing of it is stored.
    Refused {
        /// Why.
        fault: Fault,
        /// Where in the record.
        pointer: String,
        /// What is wrong, in words.
        reason: String,
    },
}

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

/// Every document of the network, each as base64 of its bytes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Documents {
    /// The founding charter.
    pub charter: String,
    /// Cards.
    pub cards: Vec<String>,
    /// Agreements.
    pub agreements: Vec<String>,
}
