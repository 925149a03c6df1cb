//! The local HTTP interface of a node, typed: one method for each line of [`luxor_protocol::api`].

mod connection;
mod error;
mod http;
mod screening;
#[cfg(test)]
pub(crate) mod stub;
mod web;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use luxor_protocol::api::{
    AdmittedDocument, ApiFile, AttachmentInfo, BankLine, ChannelLine, ChannelName, ChunkResult, CloseRequest,
    ClosedLine, CompareReport, CompareRequest, Disclosed, Documents, DropRequest, DropResult, EraseRequest,
    ErasedReport, ExplainRequest, FindingLine, FixRequest, FixResult, Fork, HoldInfo, HoldRequest, InboxDispatch,
    InboxPage, LifeReport, LoggedDocument, OnwardRequest, OnwardResult, OutboxPage, OutboxState, QualityPage,
    QueuedReferral, ReceiptStanding, RecognitionReport, ReconciliationPage, RecordInfo, RedirectRequest, Redirected,
    RepairGroup, RepairPage, RepairSelection, StatementLine, StatementTaken, StatisticsPage, Status,
    SummaryListRequest, SummaryListTaken, UsesReport, WindowCloseRequest, WithdrawRequest, Withdrawn, WriteOffRequest,
};
use luxor_protocol::audit::population::BatchViews;
use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::document::{Directory, Document};
use luxor_protocol::exchange::{Answer, AuditPage, Lane};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::{MemberId, NodeRef, Purpose};
use luxor_protocol::sandbox::ReceiptLine;
use luxor_protocol::time::Day;
use luxor_protocol::tlog::MAX_NOTE_BYTES;

use crate::files;
pub(crate) use connection::{Connection, Put};
pub(crate) use error::ClientError;
use http::Http;
pub(crate) use web::Web;

/// Longest wait that one request asks of the node; longer waits are several requests.
pub(crate) const MAX_WAIT_MS: u64 = 20_000;

/// Where the node in `dir` answers.
///
/// # Errors
/// [`ClientError`] when the node never ran, or the file is wrong.
pub(crate) fn api_file(dir: &Path) -> Result<ApiFile, ClientError> {
    let path = dir.join("run").join("api.json");
    let bytes = match files::read(&path, 64 * 1024) {
        Err(error) if error.is_not_found() => return Err(ClientError::NotRunning(dir.display().to_string())),
        other => other?,
    };
    serde_json::from_slice(&bytes).map_err(|source| ClientError::ApiFile { path, source })
}

/// A connection to a node's local interface. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub(crate) struct Client {
    http: Http,
}

impl Client {
    /// Opens the interface of a node: `node` is its folder (then address and token stand in `run/api.json`) or a URL (then
    /// the token stands in the environment variable `LUXOR_TOKEN`). Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`ClientError`] when there is no such folder, or the node in it never ran.
    pub(crate) fn open(node: &str) -> Result<Self, ClientError> {
        if node.starts_with("http://") || node.starts_with("https://") {
            let token = std::env::var("LUXOR_TOKEN").map_err(|_| ClientError::NoToken)?;
            return Ok(Self { http: Http::new(node, &token)? });
        }
        let file = api_file(Path::new(node))?;
        Ok(Self { http: Http::new(&file.url, &file.token)? })
    }

    /// A page of differences.
    pub(crate) fn reconciliation(&self, query: &[(&'static str, String)]) -> Result<ReconciliationPage, ClientError> {
        self.http.json("/v1/reconciliation", query)
    }

    /// Explains a difference.
    pub(crate) fn explain(&self, request: &ExplainRequest) -> Result<FindingLine, ClientError> {
        self.http.post_json("/v1/reconciliation/explain", request)
    }

    /// Writes a difference off.
    pub(crate) fn write_off(&self, request: &WriteOffRequest) -> Result<FindingLine, ClientError> {
        self.http.post_json("/v1/reconciliation/write-off", request)
    }

    /// Closes a month of an account.
    pub(crate) fn close_period(&self, request: &CloseRequest) -> Result<ClosedLine, ClientError> {
        self.http.post_json("/v1/reconciliation/close", request)
    }

    /// Hands in the list of a summary.
    pub(crate) fn summary_list(&self, list: &SummaryListRequest) -> Result<SummaryListTaken, ClientError> {
        self.http.post_json("/v1/reconciliation/lists", list)
    }

    /// Hands in a bank statement.
    pub(crate) fn payments(&self, lines: &[BankLine]) -> Result<StatementTaken, ClientError> {
        self.http.post_json("/v1/reconciliation/payments", &lines)
    }

    /// Where the interface is.
    pub(crate) fn url(&self) -> &str {
        self.http.base()
    }

    /// Whether the node is there, and ready.
    pub(crate) fn health(&self) -> Result<(), ClientError> {
        self.http.text("/v1/health", &[]).map(drop)
    }

    /// The node at a glance.
    pub(crate) fn status(&self) -> Result<Status, ClientError> {
        self.http.json("/v1/status", &[])
    }

    /// Submits chunk `n`, an encoded CBOR list of records, of the submission `id`. The same chunk again changes nothing and
    /// gets the same answer. While the node's outbox is full, waits and tries again.
    pub(crate) fn put_encoded(&self, id: &str, n: u64, lane: Lane, chunk: &[u8]) -> Result<ChunkResult, ClientError> {
        self.http.put_cbor(&format!("/v1/submissions/{id}/chunks/{n}?lane={lane}"), chunk)
    }

    /// What waits for receipts: at once when nothing does, else after at most so many milliseconds.
    pub(crate) fn outbox(&self, wait_ms: u64) -> Result<OutboxState, ClientError> {
        self.http.json("/v1/outbox", &[("wait_ms", wait_ms.min(MAX_WAIT_MS).to_string())])
    }

    /// What a practice partner's node did with receipts, from a place on; any other node refuses.
    pub(crate) fn practised(&self, from: usize) -> Result<Vec<ReceiptLine>, ClientError> {
        self.http.json("/v1/practice/receipts", &[("from", from.to_string())])
    }

    /// At most `limit` dispatches of the inbox behind the cursor.
    pub(crate) fn inbox(&self, after: Option<u64>, limit: u64) -> Result<InboxPage, ClientError> {
        let mut query = vec![("limit", limit.to_string())];
        query.extend(after.map(|after| ("after", after.to_string())));
        self.http.json("/v1/inbox", &query)
    }

    /// A page of dispatches that wait for their receipts.
    pub(crate) fn outbox_page(&self, after: Option<&str>, limit: u64) -> Result<OutboxPage, ClientError> {
        let mut query = vec![("limit", limit.to_string())];
        query.extend(after.map(|after| ("after", after.to_owned())));
        self.http.json("/v1/outbox/dispatches", &query)
    }

    /// Sends what waits for one node of a member to another one of its nodes.
    pub(crate) fn redirect(&self, request: &RedirectRequest) -> Result<Redirected, ClientError> {
        self.http.post_json("/v1/outbox/redirections", request)
    }

    /// Withdraws a dispatch that has no receipt.
    pub(crate) fn withdraw(&self, request: &WithdrawRequest) -> Result<Withdrawn, ClientError> {
        self.http.post_json("/v1/outbox/withdrawals", request)
    }

    /// How far an attached file is.
    pub(crate) fn attachment(&self, digest: &Digest) -> Result<AttachmentInfo, ClientError> {
        self.http.json(&format!("/v1/attachments/{digest}"), &[])
    }

    /// Hands in what of a file begins at `offset`.
    pub(crate) fn attach(
        &self,
        digest: &Digest,
        size: u64,
        offset: u64,
        bytes: &[u8],
    ) -> Result<AttachmentInfo, ClientError> {
        self.http.put_bytes(&format!("/v1/attachments/{digest}?size={size}&offset={offset}"), bytes)
    }

    /// Has an attached file fetched.
    pub(crate) fn fetch_attachment(&self, digest: &Digest) -> Result<AttachmentInfo, ClientError> {
        self.http.post_json(&format!("/v1/attachments/{digest}/fetch"), &())
    }

    /// Writes an attached file that is here; gives its bytes.
    pub(crate) fn attached(&self, digest: &Digest, to: &mut impl std::io::Write) -> Result<u64, ClientError> {
        self.http.copy(&format!("/v1/attachments/{digest}/content"), to)
    }

    /// Erases what is due, or an item by order.
    pub(crate) fn erase(&self, request: &EraseRequest) -> Result<ErasedReport, ClientError> {
        self.http.post_json("/v1/erasures", request)
    }

    /// Holds in force.
    pub(crate) fn holds(&self) -> Result<Vec<HoldInfo>, ClientError> {
        self.http.json("/v1/holds", &[])
    }

    /// Places a hold.
    pub(crate) fn hold(&self, request: &HoldRequest) -> Result<HoldInfo, ClientError> {
        self.http.post_json("/v1/holds", request)
    }

    /// Ends a hold.
    pub(crate) fn release(&self, hold: u64) -> Result<HoldInfo, ClientError> {
        self.http.post_json(&format!("/v1/holds/{hold}/release"), &())
    }

    /// Who was shown what: `name` is `item` or `party`.
    pub(crate) fn disclosures(&self, name: &'static str, value: &str) -> Result<Vec<Disclosed>, ClientError> {
        self.http.json("/v1/disclosures", &[(name, value.to_owned())])
    }

    /// One dispatch of the inbox with its records.
    pub(crate) fn inbox_dispatch(&self, index: u64) -> Result<InboxDispatch, ClientError> {
        self.http.json(&format!("/v1/inbox/{index}"), &[])
    }

    /// Every record that goes by this reference: an own or a received one.
    pub(crate) fn records(&self, reference: &str) -> Result<Vec<RecordInfo>, ClientError> {
        self.http.json("/v1/records", &[("reference", reference.to_owned())])
    }

    /// The life of an item, from views for these purposes and own records.
    pub(crate) fn item(
        &self,
        id: &str,
        further: &[(&'static str, Option<String>)],
        purposes: &[Purpose],
    ) -> Result<LifeReport, ClientError> {
        let mut query = vec![("id", id.to_owned()), joined(purposes)];
        query.extend(further.iter().filter_map(|(name, value)| Some((*name, value.clone()?))));
        self.http.json("/v1/items", &query)
    }

    /// Referrals that wait.
    pub(crate) fn referrals(&self, purposes: &[Purpose]) -> Result<Vec<QueuedReferral>, ClientError> {
        self.http.json("/v1/referrals", &[joined(purposes)])
    }

    /// Whether a trader is recognised, and why: the query of [`luxor_protocol::api`].
    pub(crate) fn recognition(&self, query: &[(&'static str, String)]) -> Result<RecognitionReport, ClientError> {
        self.http.json("/v1/recognition", query)
    }

    /// A page of what facts of statistics are made of, from an entry of the log on.
    pub(crate) fn statistics(&self, from: u64, purposes: &[Purpose]) -> Result<StatisticsPage, ClientError> {
        let purposes: Vec<&str> = purposes.iter().map(|purpose| purpose.word()).collect();
        let query = [("from", from.to_string()), ("purposes", purposes.join(","))];
        self.http.json("/v1/statistics/records", &query)
    }

    /// Uses of numbers that their holders did not confirm.
    pub(crate) fn uses(&self) -> Result<UsesReport, ClientError> {
        self.http.json("/v1/uses", &[])
    }

    /// Every channel, and how far statements cover it.
    pub(crate) fn channels(&self) -> Result<Vec<ChannelLine>, ClientError> {
        self.http.json("/v1/windows", &[])
    }

    /// The statements about a channel, by the last number of their windows from one on.
    pub(crate) fn statements(&self, channel: &ChannelName, from: u64) -> Result<Vec<StatementLine>, ClientError> {
        let mut query = of_channel(channel).to_vec();
        query.push(("from", from.to_string()));
        self.http.json("/v1/windows/statements", &query)
    }

    /// Closes a window: returns once both sides signed.
    pub(crate) fn close_window(&self, request: &WindowCloseRequest) -> Result<StatementLine, ClientError> {
        self.http.post_json("/v1/windows/close", request)
    }

    /// Compares a window with the other side.
    pub(crate) fn compare_window(&self, request: &CompareRequest) -> Result<CompareReport, ClientError> {
        self.http.post_json("/v1/windows/compare", request)
    }

    /// The dispute file about numbers of a channel; about those last found to differ where there are none.
    pub(crate) fn dispute(&self, channel: &ChannelName, numbers: &[u64]) -> Result<Vec<u8>, ClientError> {
        let mut query = of_channel(channel).to_vec();
        query.push(("numbers", numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(",")));
        self.http.bytes("/v1/disputes", &query)
    }

    /// Figures of quality over a part of what arrived: behind a place of the inbox, of one issuer, from a day on.
    pub(crate) fn quality(
        &self,
        after: Option<u64>,
        of: Option<&MemberId>,
        since: Option<Day>,
    ) -> Result<QualityPage, ClientError> {
        let after = after.map(|after| ("after", after.to_string()));
        let of = of.map(|of| ("of", of.to_string()));
        let since = since.map(|since| ("since", since.to_string()));
        let query: Vec<_> = after.into_iter().chain(of).chain(since).collect();
        self.http.json("/v1/quality", &query)
    }

    /// What waits for repair, by type, rule and place.
    pub(crate) fn repair_groups(&self) -> Result<Vec<RepairGroup>, ClientError> {
        self.http.json("/v1/repairs", &[])
    }

    /// A page of refused records.
    pub(crate) fn repairs(
        &self,
        which: &RepairSelection,
        after: Option<&str>,
        limit: u64,
    ) -> Result<RepairPage, ClientError> {
        let mut query = vec![("limit", limit.to_string())];
        let said = [
            ("rule", which.rule.as_deref()),
            ("type", which.r#type.as_deref()),
            ("pointer", which.pointer.as_deref()),
            ("submission", which.submission.as_deref()),
            ("after", after),
        ];
        query.extend(said.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))));
        self.http.json("/v1/repairs/entries", &query)
    }

    /// Fixes refused records and resends them.
    pub(crate) fn fix(&self, request: &FixRequest) -> Result<FixResult, ClientError> {
        self.http.post_json("/v1/repairs/fix", request)
    }

    /// Gives refused records up.
    pub(crate) fn drop_repairs(&self, request: &DropRequest) -> Result<DropResult, ClientError> {
        self.http.post_json("/v1/repairs/drop", request)
    }

    /// Passes received records on.
    pub(crate) fn pass_on(&self, request: &OnwardRequest) -> Result<OnwardResult, ClientError> {
        self.http.post_json("/v1/onward", request)
    }

    /// What came with the records of a received dispatch that were passed on.
    pub(crate) fn provenance(&self, index: u64) -> Result<Vec<u8>, ClientError> {
        self.http.bytes(&format!("/v1/inbox/{index}/source"), &[])
    }

    /// The receipt for an own dispatch, a C2SP tlog-proof.
    pub(crate) fn receipt(
        &self,
        recipient: &NodeRef,
        epoch: u64,
        lane: Lane,
        number: u64,
    ) -> Result<String, ClientError> {
        self.http.text("/v1/receipts", &dispatch(recipient, epoch, lane, number))
    }

    /// How that receipt stands with the recipient's witnesses, which the node asks the recipient for.
    pub(crate) fn receipt_standing(
        &self,
        recipient: &NodeRef,
        epoch: u64,
        lane: Lane,
        number: u64,
    ) -> Result<ReceiptStanding, ClientError> {
        self.http.json("/v1/receipts/witnesses", &dispatch(recipient, epoch, lane, number))
    }

    /// Logs that showed two histories, with the evidence.
    pub(crate) fn forks(&self) -> Result<Vec<Fork>, ClientError> {
        self.http.json("/v1/forks", &[])
    }

    /// The network as the node knows it, every signature checked here again.
    pub(crate) fn documents(&self) -> Result<Directory, ClientError> {
        self.signed_documents().map(|(directory, _)| directory)
    }

    /// Gives the node a document, which it judges, keeps and spreads.
    pub(crate) fn admit(&self, document: &Document) -> Result<AdmittedDocument, ClientError> {
        self.http.post_cbor("/v1/documents", &document.to_cbor())
    }

    /// The same, with the documents themselves: the charter, cards, agreements.
    pub(crate) fn signed_documents(&self) -> Result<(Directory, SignedDocuments), ClientError> {
        let documents: Documents = self.http.json("/v1/documents", &[])?;
        let open = |text: &String| -> Result<Document, ClientError> {
            let bytes = BASE64.decode(text).map_err(|error| ClientError::answer("/v1/documents", error))?;
            Document::from_cbor(&bytes).map_err(|error| ClientError::answer("/v1/documents", error))
        };
        let all = |texts: &[String]| texts.iter().map(open).collect::<Result<Vec<_>, _>>();
        let charter = open(&documents.charter)?;
        let (cards, agreements, others) =
            (all(&documents.cards)?, all(&documents.agreements)?, all(&documents.others)?);
        let signed = SignedDocuments { charter, cards, agreements, others, logged: documents.logged };
        Ok((Directory::gathered(signed.all().cloned())?, signed))
    }

    /// The node's newest checkpoint, a C2SP note.
    pub(crate) fn checkpoint(&self) -> Result<String, ClientError> {
        self.http.text("/v1/checkpoint", &[])
    }

    /// The newest checkpoint of the node's log with a quorum of cosignatures, if there is one.
    pub(crate) fn cosigned_checkpoint(&self) -> Result<Option<Vec<u8>>, ClientError> {
        self.http.file("/v1/checkpoint/cosigned", MAX_NOTE_BYTES)
    }

    /// One of the files of the node's log (C2SP tlog-tiles), of at most `max` bytes; `None` if the log has none such.
    pub(crate) fn log_file(&self, path: &str, max: usize) -> Result<Option<Vec<u8>>, ClientError> {
        self.http.file(&format!("/v1/log/{path}"), max)
    }

    /// One page of a node's log: of the own, or of another's under mandate.
    pub(crate) fn audit_page(&self, node: &NodeRef, from: u64, count: u64) -> Result<AuditPage, ClientError> {
        let path = "/v1/audit";
        let query = [("node", node.to_string()), ("from", from.to_string()), ("count", count.to_string())];
        let bytes = self.http.bytes(path, &query)?;
        match Answer::from_cbor(&bytes).map_err(|error| ClientError::answer(path, error))? {
            Answer::Page(page) => Ok(page),
            Answer::Error { code, detail } => Err(ClientError::AuditRefused { node: node.clone(), code, detail }),
            Answer::Later { lacks, detail } => Err(ClientError::AuditLater { node: node.clone(), lacks, detail }),
            _ => Err(ClientError::answer(path, "something else than a page")),
        }
    }
}

impl Client {
    /// The records of the dispatch at an own entry, showing their value only.
    pub(crate) fn audit_values(&self, entry: u64) -> Result<BatchViews, ClientError> {
        let path = format!("/v1/audit/values/{entry}");
        BatchViews::from_cbor(&self.http.bytes(&path, &[])?).map_err(|error| ClientError::answer(&path, error))
    }
}

/// The documents of a network, as signed.
pub(crate) struct SignedDocuments {
    pub(crate) charter: Document,
    pub(crate) cards: Vec<Document>,
    pub(crate) agreements: Vec<Document>,
    /// Later charters and proposals, suspensions, revocations, rejections.
    pub(crate) others: Vec<Document>,
    /// Where each stands in the node's log.
    pub(crate) logged: Vec<LoggedDocument>,
}

impl SignedDocuments {
    /// All of them, the founding charter first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Document> {
        std::iter::once(&self.charter).chain(&self.cards).chain(&self.agreements).chain(&self.others)
    }
}

/// The query that names purposes whose views are joined.
fn joined(purposes: &[Purpose]) -> (&'static str, String) {
    ("purposes", purposes.iter().map(|purpose| purpose.word()).collect::<Vec<_>>().join(","))
}

/// The query that names a dispatch of this node.
fn dispatch(recipient: &NodeRef, epoch: u64, lane: Lane, number: u64) -> [(&'static str, String); 4] {
    [
        ("recipient", recipient.to_string()),
        ("epoch", epoch.to_string()),
        ("lane", lane.to_string()),
        ("number", number.to_string()),
    ]
}

/// A channel as requests name it.
fn of_channel(channel: &ChannelName) -> [(&'static str, String); 4] {
    let ChannelName { sender, recipient, epoch, lane } = channel;
    [
        ("sender", sender.to_string()),
        ("recipient", recipient.to_string()),
        ("epoch", epoch.to_string()),
        ("lane", lane.to_string()),
    ]
}
