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
//! | `PUT /v1/attachments/{digest}?size=&offset=` | the file of `size` bytes, or what of it begins at `offset` | [`AttachmentInfo`]; 409 where another offset comes next |
//! | `GET /v1/attachments/{digest}` | | [`AttachmentInfo`] |
//! | `GET /v1/attachments/{digest}/content` | | the file |
//! | `POST /v1/attachments/{digest}/fetch` | `null` | [`AttachmentInfo`]: it is fetched from now on |
//! | `GET /v1/outbox?wait_ms=` | | [`OutboxState`], at once when empty, else after the wait |
//! | `GET /v1/outbox/dispatches?after=&limit=` | | [`OutboxPage`] |
//! | `POST /v1/outbox/withdrawals` | [`WithdrawRequest`] | [`Withdrawn`] |
//! | `POST /v1/outbox/redirections` | [`RedirectRequest`] | [`Redirected`] |
//! | `GET /v1/inbox?after=&limit=` | | [`InboxPage`] |
//! | `GET /v1/inbox/{index}` | | [`InboxDispatch`] |
//! | `GET /v1/records?reference=` | | list of [`RecordInfo`] |
//! | `GET /v1/items?id=&scheme=&issuer=&posted_on=&purposes=` | | [`LifeReport`] of an item; purposes with commas: views for them are joined |
//! | `GET /v1/quality?after=&of=&since=` | | [`QualityPage`]: what is wrong with records that arrived, by issuer; `since` is a day |
//! | `GET /v1/referrals?purposes=` | | list of [`QueuedReferral`], the nearest deadline first |
//! | `GET /v1/screening` | | [`ScreeningStatus`] |
//! | `GET /v1/screening/queue?state=&advice=&issuer=&indicator=&rule=&from=&limit=` | | [`ProposalPage`], the least time left first |
//! | `GET /v1/screening/proposals/{root}` | | [`ProposalLine`] |
//! | `GET /v1/screening/indicators?issuer=&from=&limit=` | | [`IndicatorPage`] |
//! | `GET /v1/screening/orders` | | list of [`OrderLine`] |
//! | `POST /v1/screening/orders` | [`DrawRequest`] | [`DrawnReport`]; 409 where a proposal is settled |
//! | `GET /v1/screening/orders/{digest}` | | [`DrawnReport`] |
//! | `POST /v1/screening/orders/{digest}/signatures` | [`SignRequest`] | [`SignedReport`] |
//! | `POST /v1/screening/dry-run` | [`DryRunRequest`] | [`DryRunReport`] |
//! | `GET /v1/recognition?number=&scheme=&purpose=&hs=&given=&at=` | | [`RecognitionReport`]; `hs` and `given` with commas, `at` a time; 503 while what is stored is still being read |
//! | `GET /v1/reconciliation?class=&state=&period=&after=&limit=` | | [`ReconciliationPage`]; classes with commas; 503 while what is stored is still being read |
//! | `POST /v1/reconciliation/explain` | [`ExplainRequest`] | [`FindingLine`]; 404 where no difference has the name now |
//! | `POST /v1/reconciliation/write-off` | [`WriteOffRequest`] | [`FindingLine`] |
//! | `POST /v1/reconciliation/close` | [`CloseRequest`] | [`ClosedLine`]; 409 where the month cannot be closed |
//! | `POST /v1/reconciliation/lists` | [`SummaryListRequest`]: the records that a summary commits to | [`SummaryListTaken`]; 400 where no summary commits to it |
//! | `POST /v1/reconciliation/payments` | list of [`BankLine`]: one bank statement | [`StatementTaken`] |
//! | `GET /v1/statistics/records?from=&purposes=` | | [`StatisticsPage`]: declarations, duty and links that facts are made of; purposes with commas, whose views are looked at beside own records |
//! | `GET /v1/uses` | | [`UsesReport`]: uses of IOSS numbers that their holders did not confirm |
//! | `GET /v1/windows` | | list of [`ChannelLine`]: every channel, how far statements cover it, and what of it lies with third members |
//! | `GET /v1/windows/statements?sender=&recipient=&epoch=&lane=&from=` | | list of [`StatementLine`], by the last number of their windows |
//! | `POST /v1/windows/close` | [`WindowCloseRequest`] | [`StatementLine`], once both nodes signed it |
//! | `POST /v1/windows/compare` | [`CompareRequest`] | [`CompareReport`] |
//! | `GET /v1/disputes?sender=&recipient=&epoch=&lane=&numbers=` | | a [`crate::reconciliation::DisputeFile`]; numbers with commas, else those that the last comparison found to differ |
//! | `GET /v1/repairs` | | list of [`RepairGroup`]: refused records that wait, by type, rule and place |
//! | `GET /v1/repairs/entries?type=&rule=&pointer=&submission=&after=&limit=` | | [`RepairPage`]; with `submission`, also those that were resent or given up: what became of each |
//! | `POST /v1/repairs/fix` | [`FixRequest`] | [`FixResult`] |
//! | `POST /v1/repairs/drop` | [`DropRequest`] | [`DropResult`] |
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

mod attachments;
mod documents;
mod inbox;
mod life;
mod onward;
mod outbox;
mod queue;
mod recognition;
mod reconciliation;
mod repairs;
mod retention;
mod screening;
mod statistics;
mod status;
mod submission;
mod windows;

use serde::{Deserialize, Serialize};

use crate::names::NodeRef;

pub use attachments::{AttachmentCounts, AttachmentInfo, AttachmentState};
pub use documents::{AdmittedDocument, Documents, LoggedDocument, RefusedDocument};
pub use inbox::{Delivery, InboxDispatch, InboxItem, InboxPage, RecordInfo, SignatureMark, ViewedRecord};
pub use life::{
    AlarmLine, AliasLine, AnswerLine, Datum, FlagLine, ImmediateLine, LifeReport, LodgedLine, MarkLine, NestLine,
    PartyLine, RecordLine, ReferralLine, RelationLine, ReleaseLine, SayLine, StepLine, TimelyLine, ViewLine, WordLine,
};
pub use onward::{OnwardOutcome, OnwardRecord, OnwardRequest, OnwardResult};
pub use outbox::{OutboxItem, OutboxPage, OutboxState, RedirectRequest, Redirected, WithdrawRequest, Withdrawn};
pub use queue::{QualityExample, QualityPage, QueuedReferral};
pub use recognition::{
    MAX_USES_TOLD, RecognisingRow, RecognitionEvidence, RecognitionReport, UseLine, UseState, UsesReport,
};
pub use reconciliation::{
    AmountLine, BankLine, ClassTotals, CloseRequest, ClosedLine, CorrectionLine, DecisionLine, ExplainRequest,
    FindingLine, ItemLine, MAX_CORRECTIONS_TOLD, MAX_DECISION_CHARS, MAX_DIFFERENCES_TOLD, MonthTotal,
    ReconciliationPage, SideLine, StatementTaken, SummaryLine, SummaryListRequest, SummaryListTaken, SummaryRecord,
    WriteOffRequest, totals,
};
pub use repairs::{
    DropRequest, DropResult, FirstAttempt, FixOutcome, FixRequest, FixResult, FixedRecord, RefusedIn, RepairCounts,
    RepairEntry, RepairGroup, RepairPage, RepairSelection, RepairState, Resent, ResentForm, place_of_group, rule_of,
};
pub use retention::{DeletionInfo, Disclosed, Disclosure, EraseRequest, ErasedReport, HoldInfo, HoldRequest};
pub use screening::{
    ActionLine, AnswerState, CarrierAnswer, DrawRequest, DrawnReport, DryRunReport, DryRunRequest, GradeLine,
    IndicatorLine, IndicatorName, IndicatorPage, IndicatorState, MAX_ANSWERS_TOLD, MAX_INDICATORS_TOLD,
    MAX_PROPOSALS_TOLD, OrderLine, ProposalLine, ProposalPage, ScreeningStatus, SignRequest, SignedReport,
};
pub use statistics::{MAX_STATISTICS_PAGE, StatisticsPage, StatisticsRecord};
pub use status::{Fork, Missing, ReceiptStanding, RefusedNumber, Status, Traffic, WitnessInfo, WitnessedLog};
pub use submission::{ChunkResult, LeftOut, MAX_FINDINGS_TOLD, OtherForm, RecordResult, Waits};
pub use windows::{
    ChannelLine, ChannelName, CompareReport, CompareRequest, DepositLine, DifferenceLine, MAX_NUMBERS_TOLD,
    StatementLine, TotalsLine, WindowCloseRequest,
};

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
    /// Where threat platforms ask by TAXII 2.1 what there is, as `http://127.0.0.1:4795/taxii2/`, if they may.
    #[serde(default)]
    pub taxii: Option<String>,
}

/// A refusal of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiProblem {
    /// A short word for programs.
    pub error: String,
    /// What, where and why, for people; a second line starting with `hint:` where there is something to do.
    pub message: String,
}
