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
//! | `POST /v1/outbox/redirections` | [`RedirectRequest`] | [`Redirected`] |
//! | `GET /v1/inbox?after=&limit=` | | [`InboxPage`] |
//! | `GET /v1/inbox/{index}` | | [`InboxDispatch`] |
//! | `GET /v1/records?reference=` | | list of [`RecordInfo`] |
//! | `POST /v1/onward` | [`OnwardRequest`] | [`OnwardResult`] |
//! | `GET /v1/onward?root=` | | list of [`Delivery`]: where a record of another was passed on |
//! | `GET /v1/inbox/{index}/source` | | what came with records passed on: [`crate::exchange::Provenance`] in CBOR |
//! | `GET /v1/receipts?recipient=&epoch=&lane=&number=` | | the receipt as C2SP tlog-proof, text |
//! | `GET /v1/receipts/witnesses?recipient=&epoch=&lane=&number=` | | [`ReceiptStanding`]; asks the recipient |
//! | `POST /v1/erasures` | [`EraseRequest`] | [`ErasedReport`] |
//! | `GET /v1/holds` | | list of [`HoldInfo`] |
//! | `POST /v1/holds` | [`HoldRequest`] | [`HoldInfo`] |
//! | `POST /v1/holds/{hold}/release` | `null` | [`HoldInfo`] of the hold that ended |
//! | `GET /v1/deletions?recipient=&epoch=&lane=&number=` | | list of [`DeletionInfo`] |
//! | `GET /v1/disclosures?item=` or `?party=` | | list of [`Disclosed`], of own records, and by item of those that were passed on |
//! | `GET /v1/documents` | | [`Documents`] |
//! | `POST /v1/documents` | one signed document, CBOR | [`AdmittedDocument`]; 422 with the reason when it does not hold |
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
        /// Groups that the version in which they get it does not have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lost: Vec<String>,
        /// The same for other recipients: in another version of its type, or so that they cannot tell that it is the same.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        others: Vec<OtherForm>,
        /// Who does not get it, although a row in force gives it to them, as none of their nodes reads it; the first of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<LeftOut>,
        /// How many more there are.
        #[serde(default, skip_serializing_if = "is_zero")]
        left_out_more: usize,
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

impl RecordResult {
    /// How many own records are stored for it: one of each form.
    pub fn forms(&self) -> u64 {
        match self {
            Self::Accepted { others, .. } => 1 + others.len() as u64,
            Self::Refused { .. } => 0,
        }
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A recipient that a row gives a record to and that does not get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Who.
    pub to: MemberId,
    /// By which row, and what its nodes do not read, in words.
    pub reason: String,
}

/// A record in another form than the one submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherForm {
    /// Its root, hexadecimal.
    pub root: String,
    /// How many recipients get it.
    pub recipients: usize,
    /// The version of its type.
    pub version: u64,
    /// Groups that this version does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
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

/// Which received records are to be passed on, to whom, and what of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnwardRequest {
    /// A reference that leads to records; or roots.
    #[serde(default)]
    pub reference: Option<String>,
    /// Roots of records, hexadecimal.
    #[serde(default)]
    pub roots: Vec<String>,
    /// Who is to get them.
    pub to: MemberId,
    /// What for.
    pub purpose: Purpose,
    /// Groups to be shown; without any, all that the agreement lets pass on and that were received.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The lane.
    pub lane: Lane,
}

/// What became of it. The same request again passes nothing on twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnwardResult {
    /// One for each record, in the order of the roots.
    pub records: Vec<OnwardRecord>,
    /// Dispatches made of them now.
    pub dispatches: u64,
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnwardRecord {
    /// Its root, hexadecimal.
    pub root: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: OnwardOutcome,
}

/// What became of a record that was to be passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum OnwardOutcome {
    /// Stored and on its way.
    Passed {
        /// Who issued it.
        from: MemberId,
        /// The agreement that lets it be passed on.
        agreement: String,
        /// Its row, from 1.
        row: usize,
        /// Groups shown.
        groups: Vec<String>,
    },
    /// It went to this recipient for this purpose before, showing as much.
    Already {
        /// The receiving node.
        recipient: NodeRef,
        /// The number of the dispatch.
        number: u64,
    },
    /// The receipt that has to come with it is not witnessed yet. Ask again later.
    Unwitnessed {
        /// Which, in words.
        reason: String,
    },
    /// It may not, or cannot, be passed on so.
    Refused {
        /// The term, in words.
        reason: String,
    },
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

/// A document that a node was given and knows now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmittedDocument {
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u64,
    /// Its digest.
    pub digest: String,
    /// Whether the node did not know it before.
    pub new: bool,
}

/// A document that a node did not admit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedDocument {
    /// The node that brought it; absent for the node's own people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NodeRef>,
    /// The document, in words.
    pub document: String,
    /// Why not.
    pub reason: String,
    /// How often.
    pub times: u64,
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
    /// Later charters and proposals, suspensions, revocations, rejections.
    #[serde(default)]
    pub others: Vec<String>,
    /// Where each stands in the node's log.
    #[serde(default)]
    pub logged: Vec<LoggedDocument>,
}

/// The `document` entry of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedDocument {
    /// Digest of all of the document, with the signatures that it had then.
    pub document: String,
    /// Index of the entry.
    pub entry: u64,
    /// When the entry was made, in seconds since 1970, by the node's clock.
    pub at: u64,
}

/// What is to be erased.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseRequest {
    /// Own reference or item id, of which every record is erased before its date. Absent: what is due is erased now.
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
    /// Indexes of the `erased` entries in this node's log.
    pub logged: Vec<u64>,
}

/// What a hold is on: exactly one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// Own reference or item id.
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
