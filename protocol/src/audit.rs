//! What an auditor checks of a node's log, page by page, offline: it needs the documents and the pages, no software of the
//! audited node and no personal data.
//!
//! Checked: every entry against its opening; the tree; every signed checkpoint against tree and key; the signature of every
//! dispatch, sent or received; every counterparty receipt; the numbers of every channel without gap or repeat; every channel
//! root that a receipt names; every withdrawal; every checkpoint of another log that the log names; every body that is gone, against
//! the `erased` entries and holds. What a mandate without bodies withholds is counted, not guessed.
//!
//! Beside it: samples ([`sample`], [`population`]), audits put into one file ([`pack`]), forks found by comparing what several
//! logs hold of one another ([`forks`]).

mod erasures;
pub mod forks;
pub mod pack;
pub mod population;
pub mod sample;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

pub use erasures::Erasure;
use erasures::Erasures;

use crate::cbor::Decode;
use crate::document::{Directory, KnownNode};
use crate::exchange::{
    Arrival, AuditEntry, AuditPage, Channel, CheckpointsBody, DispatchHeader, DocumentBody, EntryKind, Envelope,
    ErasedBody, HoldBody, Lane, Opening, Outcome, ReceiptBody, SentBody, Skeleton, Withdrawal, former_keys,
    keys_of_log, log_keys, read_receipt,
};
use crate::hash::Digest;
use crate::names::NodeRef;
use crate::reconciliation::{CosignedStatement, StatementBody};
use crate::tlog::{Checkpoint, Frontier, VerifierKey, leaf_hash};

/// Findings kept in a report; more are only counted.
pub const MAX_FINDINGS: usize = 1_000;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Index of the entry, or absent for the log as a whole.
    pub entry: Option<u64>,
    /// What is wrong, in words.
    pub what: String,
}

/// One direction of exchange as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelSummary {
    /// Who sent.
    pub sender: NodeRef,
    /// Who received.
    pub recipient: NodeRef,
    /// The sender's epoch.
    pub epoch: u64,
    /// Its lane.
    pub lane: Lane,
    /// How many numbers.
    pub count: u64,
    /// RFC 6962 root over their dispatch digests, hexadecimal. Equal on both sides when both tell the same. Empty where a
    /// body was withheld, so that not every digest is known.
    pub root: String,
}

/// What an audit of one log found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReport {
    /// The audited node.
    pub node: String,
    /// The epoch in which it sends.
    pub epoch: u64,
    /// Entries in the tree that was recomputed.
    pub entries: u64,
    /// Its root, hexadecimal.
    pub root: String,
    /// Signed checkpoints verified.
    pub checkpoints: u64,
    /// Skeletons opened.
    pub skeletons: u64,
    /// Bodies opened.
    pub bodies: u64,
    /// Bodies withheld or erased.
    pub withheld: u64,
    /// Dispatch signatures verified.
    pub dispatch_signatures: u64,
    /// Counterparty receipts verified.
    pub receipts: u64,
    /// Withdrawals verified.
    pub withdrawals: u64,
    /// Checkpoints of other logs that `peers` entries name, or of former ones in a `succeeded` entry, verified where a card has
    /// the log's key.
    pub peer_checkpoints: u64,
    /// Entries about dispatches without the evidence behind them: no signature or receipt of theirs was checked.
    #[serde(default)]
    pub without_evidence: u64,
    /// Dispatches sent for which the log holds no receipt yet.
    pub without_receipt: u64,
    /// What `erased` entries tell; the first [`MAX_FINDINGS`] of them.
    #[serde(default)]
    pub erased: Vec<Erasure>,
    /// Every channel.
    pub channels: Vec<ChannelSummary>,
    /// How many things do not hold.
    pub findings_count: u64,
    /// The first of them.
    pub findings: Vec<Finding>,
}

impl AuditReport {
    /// Whether everything held.
    pub fn ok(&self) -> bool {
        self.findings_count == 0
    }
}

/// An audit in progress. Memory grows with dispatches without receipt, withdrawals and numbers out of order, not with the
/// log.
pub struct Audit<'d> {
    directory: &'d Directory,
    node: &'d KnownNode,
    /// Keys of the log, now and before.
    keys: Vec<VerifierKey>,
    target: Checkpoint,
    tree: Frontier,
    report: AuditReport,
    sent: BTreeMap<Channel, Told>,
    received: BTreeMap<Channel, Told>,
    unreceipted: HashMap<(Channel, u64), Option<Digest>>,
    withdrawn: HashSet<(Channel, u64)>,
    /// The time of the last `peers` entry.
    peers_number: Option<u64>,
    /// Documents that `document` entries name.
    documents: HashSet<Digest>,
    /// What `deposited` entries name.
    deposits: BTreeSet<(Channel, u64)>,
    erasures: Erasures,
    /// Whether only chosen bodies are shown, so that one that is not there tells nothing.
    chosen: bool,
}

/// What the log tells of a channel. A digest is `None` where the body is withheld or erased.
#[derive(Default)]
struct Told {
    /// Numbers without gap.
    count: u64,
    /// Over their digests.
    tree: Frontier,
    /// Whether a digest among them is unknown, so that `tree` tells nothing.
    partial: bool,
    /// Numbers above the contiguous ones, with their digests.
    ahead: BTreeMap<u64, Option<Digest>>,
}

impl Told {
    fn take(&mut self, digest: Option<Digest>) {
        self.count += 1;
        match digest {
            Some(digest) => self.tree.push(leaf_hash(&digest.0)),
            None => self.partial = true,
        }
    }
}

/// Why an audit cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The newest checkpoint is not the node's.
    #[error("the newest checkpoint of {node} does not verify: {what}")]
    Checkpoint {
        /// The node.
        node: NodeRef,
        /// Why not.
        what: String,
    },
}

impl<'d> Audit<'d> {
    /// Begins an audit of `node` up to the newest checkpoint of its first page.
    ///
    /// # Errors
    /// [`AuditError::Checkpoint`] when that checkpoint is not signed by the key on the node's card.
    pub fn begin(directory: &'d Directory, node: &'d KnownNode, first: &AuditPage) -> Result<Self, AuditError> {
        let keys = keys_of_log(node, &node.card.origin);
        let target = Checkpoint::open_any(&first.checkpoint, &keys)
            .map_err(|error| AuditError::Checkpoint { node: node.node.clone(), what: error.to_string() })?;
        let report = AuditReport {
            node: node.node.to_string(),
            epoch: node.card.epoch,
            checkpoints: 1,
            ..AuditReport::default()
        };
        Ok(Self {
            directory,
            node,
            keys,
            target,
            tree: Frontier::new(),
            report,
            sent: BTreeMap::new(),
            received: BTreeMap::new(),
            unreceipted: HashMap::new(),
            withdrawn: HashSet::new(),
            peers_number: None,
            documents: HashSet::new(),
            deposits: BTreeSet::new(),
            erasures: Erasures::default(),
            chosen: false,
        })
    }

    /// The same where the pages show chosen bodies only.
    #[must_use]
    pub fn of_chosen(self) -> Self {
        Self { chosen: true, ..self }
    }

    /// Index of the next entry wanted; `None` when all are there.
    pub fn wants(&self) -> Option<u64> {
        (self.tree.size() < self.target.size).then(|| self.tree.size())
    }

    /// Entries wanted in all.
    pub fn total(&self) -> u64 {
        self.target.size
    }

    /// Takes the page that begins at [`Audit::wants`]. Returns how many entries it brought; none means the node withholds
    /// the rest, and [`Audit::finish`] says so.
    pub fn page(&mut self, page: &AuditPage) -> u64 {
        let mut checkpoints: Vec<Checkpoint> = Vec::new();
        for note in &page.checkpoints {
            match Checkpoint::open_any(note, &self.keys) {
                Ok(checkpoint) => checkpoints.push(checkpoint),
                Err(error) => self.finding(None, format!("a signed checkpoint does not verify: {error}")),
            }
        }
        checkpoints.sort_by_key(|c| c.size);
        let mut checkpoints = checkpoints.into_iter().peekable();
        let before = self.tree.size();
        for entry in &page.entries {
            if self.wants().is_none() {
                break;
            }
            self.entry(entry);
            while let Some(checkpoint) = checkpoints.next_if(|c| c.size <= self.tree.size()) {
                if checkpoint.size < self.tree.size() {
                    continue; // Of an earlier page: there is no root left to compare it with, so it is not counted.
                }
                self.report.checkpoints += 1;
                if checkpoint.root != self.tree.root() {
                    let what = format!("the checkpoint of size {} has another root than the tree", checkpoint.size);
                    self.finding(None, what);
                }
            }
        }
        self.tree.size() - before
    }

    /// Ends the audit.
    pub fn finish(mut self) -> AuditReport {
        if let Some(missing) = self.wants() {
            self.finding(None, format!("entries from {missing} to {} are withheld", self.target.size));
        } else if self.tree.root() != self.target.root {
            self.finding(None, "the newest checkpoint has another root than the tree".into());
        }
        // Where the mandate gives bodies, each that is not there must be named by an `erased` entry; where it gives none, nobody can tell.
        if !self.chosen && self.report.bodies > 0 {
            let unexplained: Vec<_> = self.erasures.unexplained().collect();
            for (first, last) in unexplained {
                let which =
                    if first == last { "the body is".to_owned() } else { format!("the bodies up to entry {last} are") };
                self.finding(Some(first), format!("{which} not there, and no erased entry says why"));
            }
        }
        // A number missing in a received channel is no finding: it may be on its way, and shows as a lower count than the
        // sender's when both logs are compared.
        self.report.entries = self.tree.size();
        self.report.root = crate::hash::hex(&self.tree.root());
        self.report.without_receipt = self.unreceipted.len() as u64;
        let sent = self.sent.iter().map(|(channel, told)| summary(channel, told));
        let received = self.received.iter().map(|(channel, told)| summary(channel, told));
        self.report.channels = sent.chain(received).collect();
        self.report
    }

    fn entry(&mut self, entry: &AuditEntry) {
        let index = self.tree.size();
        self.tree.push(leaf_hash(&entry.entry));
        if let Err(what) = self.open(entry) {
            self.finding(Some(index), what);
        }
    }

    fn open(&mut self, entry: &AuditEntry) -> Result<(), String> {
        let committed = crate::exchange::entry_of(&entry.salt, &entry.skeleton, &entry.body_hash);
        if committed != entry.entry {
            return Err("the entry does not commit to its skeleton and body hash".into());
        }
        let skeleton = Skeleton::from_cbor(&entry.skeleton).map_err(|e| format!("skeleton: {e}"))?;
        self.report.skeletons += 1;
        let third = skeleton.channel.sender != self.node.node && skeleton.channel.recipient != self.node.node;
        let own = match skeleton.kind {
            EntryKind::Received => &skeleton.channel.recipient,
            // What lies here for others, and what of it is gone: the channel is theirs.
            EntryKind::Deposited if third => &self.node.node,
            EntryKind::Erased if third && self.keeps_for(&skeleton.channel) => &self.node.node,
            EntryKind::Erased | EntryKind::Statement if skeleton.channel.recipient == self.node.node => {
                &skeleton.channel.recipient
            }
            EntryKind::Sent
            | EntryKind::Receipt
            | EntryKind::Withdrawn
            | EntryKind::Resent
            | EntryKind::Peers
            | EntryKind::Succeeded
            | EntryKind::Document
            | EntryKind::Erased
            | EntryKind::Hold
            | EntryKind::Statement => &skeleton.channel.sender,
            EntryKind::Deposited => {
                return Err(format!("a deposited entry about {}, which is this node's own", skeleton.channel));
            }
        };
        if *own != self.node.node {
            return Err(format!("a {} entry about {}, which is not this node's", skeleton.kind, skeleton.channel));
        }
        self.report.without_evidence += u64::from(entry.evidence.is_none() && skeleton.kind.has_evidence());
        let body = match &entry.body {
            None => {
                self.report.withheld += 1;
                // The entry is in the tree already.
                self.erasures.bare(self.tree.size() - 1, skeleton.due);
                None
            }
            Some((body_salt, body)) => {
                let opening = Opening {
                    salt: entry.salt,
                    skeleton: entry.skeleton.clone(),
                    body_salt: *body_salt,
                    body: body.clone(),
                };
                if opening.body_hash() != entry.body_hash {
                    return Err("the body is not the one committed to".into());
                }
                self.report.bodies += 1;
                Some(body.as_slice())
            }
        };
        match skeleton.kind {
            EntryKind::Sent => self.sent(&skeleton, body, entry.evidence.as_deref()),
            EntryKind::Received => self.received(&skeleton, body, entry.evidence.as_deref()),
            EntryKind::Receipt => self.receipt(&skeleton, body, entry.evidence.as_deref()),
            EntryKind::Withdrawn => self.withdrawn(&skeleton, body, entry.evidence.as_deref()),
            EntryKind::Resent => self.resent(&skeleton, body, entry.evidence.as_deref()),
            EntryKind::Peers | EntryKind::Succeeded => self.checkpoints(&skeleton, body),
            EntryKind::Document => self.document(&skeleton, body),
            EntryKind::Erased => self.erased(&skeleton, body),
            EntryKind::Hold => self.hold(&skeleton, body),
            EntryKind::Statement => self.statement(&skeleton, body, entry.evidence.as_deref()),
            EntryKind::Deposited => self.deposited(&skeleton, body, entry.evidence.as_deref()),
        }
    }

    /// A dispatch between two others that was deposited here: signed by its sender, once.
    fn deposited(&mut self, skeleton: &Skeleton, body: Option<&[u8]>, evidence: Option<&[u8]>) -> Result<(), String> {
        let digest = read_body::<SentBody>(body)?.map(|body| body.dispatch);
        if !self.deposits.insert((skeleton.channel.clone(), skeleton.number)) {
            return Err(format!("number {} of {} deposited twice", skeleton.number, skeleton.channel));
        }
        self.dispatch(skeleton, digest, evidence)
    }

    /// A statement about a window of a channel: signed by both of its nodes, and about what the skeleton says.
    fn statement(&mut self, skeleton: &Skeleton, body: Option<&[u8]>, evidence: Option<&[u8]>) -> Result<(), String> {
        if skeleton.agreement != Digest::ZERO {
            return Err("a statement entry names an agreement".into());
        }
        let named = read_body::<StatementBody>(body)?.map(|body| body.statement);
        let Some(evidence) = evidence else { return Ok(()) };
        let cosigned = CosignedStatement::from_cbor(evidence).map_err(|e| format!("statement: {e}"))?;
        let statement = cosigned.verify(self.directory).map_err(|e| e.to_string())?;
        if named.is_some_and(|named| named != statement.digest()) {
            return Err("the evidence is another statement".into());
        }
        let window = statement.window();
        if window.channel != skeleton.channel || window.span().last() != skeleton.number {
            return Err("the statement is about another channel or window than the entry".into());
        }
        Ok(())
    }

    /// An entry that says when the node admitted a document: in its form, and each document once.
    fn document(&mut self, skeleton: &Skeleton, body: Option<&[u8]>) -> Result<(), String> {
        if !skeleton.is_of_node() {
            return Err("a document entry is about a dispatch".into());
        }
        let Some(body) = read_body::<DocumentBody>(body)? else { return Ok(()) };
        match self.documents.insert(body.document) {
            true => Ok(()),
            false => Err(format!("names the document {}, which was admitted before", body.document)),
        }
    }

    /// An `erased` entry: what it names is gone, was due or ordered, and no hold kept it.
    fn erased(&mut self, skeleton: &Skeleton, body: Option<&[u8]>) -> Result<(), String> {
        let Some(body) = read_body::<ErasedBody>(body)? else { return Ok(()) };
        let index = self.tree.size() - 1;
        if self.report.erased.len() < MAX_FINDINGS {
            let whole = body.erased.iter().filter(|named| named.places.is_empty()).count();
            self.report.erased.push(Erasure {
                entry: index,
                ground: body.ground,
                on: body.on.to_string(),
                sender: skeleton.channel.sender.clone(),
                recipient: skeleton.channel.recipient.clone(),
                whole: whole as u64,
                in_part: (body.erased.len() - whole) as u64,
                reference: body.reference.map(|digest| digest.hex()),
            });
        }
        if body.erased.last().is_some_and(|named| named.entry >= index) {
            return Err("names an entry that is not before it as erased".into());
        }
        // Bodies of a chosen few tell nothing of the others.
        if self.chosen { Ok(()) } else { self.erasures.erased(skeleton, &body) }
    }

    /// A `hold` entry: in its form, and a hold ends once that began.
    fn hold(&mut self, skeleton: &Skeleton, body: Option<&[u8]>) -> Result<(), String> {
        if !skeleton.is_of_node() {
            return Err("a hold entry is about a dispatch".into());
        }
        match read_body::<HoldBody>(body)? {
            Some(body) if !self.chosen => self.erasures.hold(body),
            _ => Ok(()),
        }
    }

    /// An entry that names checkpoints: in its form, at its place, and each of them signed by the log that it is said to be of.
    fn checkpoints(&mut self, skeleton: &Skeleton, body: Option<&[u8]>) -> Result<(), String> {
        let kind = skeleton.kind;
        if !skeleton.is_of_node() {
            return Err(format!("a {kind} entry is about a dispatch"));
        }
        // The entry is in the tree already.
        if kind == EntryKind::Succeeded && self.tree.size() != 1 {
            return Err("a succeeded entry that is not the log's first".into());
        }
        if kind == EntryKind::Peers {
            if self.peers_number.is_some_and(|last| last >= skeleton.number) {
                return Err("a peers entry is not later than the one before it".into());
            }
            self.peers_number = Some(skeleton.number);
        }
        let Some(body) = read_body::<CheckpointsBody>(body)? else { return Ok(()) };
        for (checkpoint, note) in body.checkpoints() {
            let own = kind == EntryKind::Succeeded;
            let keys = match own {
                true => former_keys(self.node, &checkpoint.origin),
                false => log_keys(self.directory, &checkpoint.origin),
            };
            if own && keys.is_empty() {
                return Err(format!("names the log {}, which is no former log of this node", checkpoint.origin));
            }
            // A log that is on no card (any more) cannot be judged.
            if !keys.is_empty() && Checkpoint::open_any(note, &keys).is_err() {
                return Err(format!("names a checkpoint of {} that its log did not sign", checkpoint.origin));
            }
            self.report.peer_checkpoints += 1;
        }
        Ok(())
    }

    fn sent(&mut self, skeleton: &Skeleton, body: Option<&[u8]>, evidence: Option<&[u8]>) -> Result<(), String> {
        let body = read_body::<SentBody>(body)?;
        let digest = body.map(|body| body.dispatch);
        let told = self.sent.entry(skeleton.channel.clone()).or_default();
        let expected = told.count + 1;
        told.take(digest);
        self.unreceipted.insert((skeleton.channel.clone(), skeleton.number), digest);
        if skeleton.number != expected {
            return Err(format!("number {} sent in {}, expected {expected}", skeleton.number, skeleton.channel));
        }
        self.dispatch(skeleton, digest, evidence)
    }

    fn received(&mut self, skeleton: &Skeleton, body: Option<&[u8]>, evidence: Option<&[u8]>) -> Result<(), String> {
        let body = read_body::<ReceiptBody>(body)?;
        let digest = body.as_ref().map(|body| body.dispatch);
        let told = self.received.entry(skeleton.channel.clone()).or_default();
        let repeated = skeleton.number <= told.count || told.ahead.insert(skeleton.number, digest).is_some();
        if repeated {
            return Err(format!("number {} received twice in {}", skeleton.number, skeleton.channel));
        }
        while let Some(digest) = told.ahead.remove(&(told.count + 1)) {
            told.take(digest);
        }
        let root_differs = |body: &ReceiptBody| !told.partial && body.channel_root != told.tree.root();
        if body.as_ref().is_some_and(|body| body.contiguous != told.count || root_differs(body)) {
            return Err(format!("the receipt of number {} names another channel root", skeleton.number));
        }
        let withdrawn = body.as_ref().map(|body| body.outcome == Outcome::Withdrawn);
        let Some(evidence) = evidence else { return Ok(()) };
        match Arrival::from_cbor(evidence).map_err(|e| format!("evidence: {e}"))? {
            Arrival::Dispatch(_) if withdrawn != Some(true) => self.dispatch(skeleton, digest, Some(evidence)),
            Arrival::Withdrawal(withdrawal) if withdrawn != Some(false) => {
                self.withdrawal(skeleton, digest, &withdrawal)
            }
            _ => Err("verdict and evidence disagree on whether the dispatch was withdrawn".into()),
        }
    }

    fn withdrawn(&mut self, skeleton: &Skeleton, body: Option<&[u8]>, evidence: Option<&[u8]>) -> Result<(), String> {
        let withdrawn = read_body::<SentBody>(body)?.map(|body| body.dispatch);
        let Some(sent) = self.unreceipted.get(&(skeleton.channel.clone(), skeleton.number)).copied() else {
            return Err(format!("number {} withdrawn, which was not sent or settled before", skeleton.number));
        };
        if sent.zip(withdrawn).is_some_and(|(sent, withdrawn)| sent != withdrawn) {
            return Err(format!("other bytes withdrawn than number {} had", skeleton.number));
        }
        self.withdrawn.insert((skeleton.channel.clone(), skeleton.number));
        let Some(evidence) = evidence else { return Ok(()) };
        let withdrawal = Withdrawal::from_cbor(evidence).map_err(|e| format!("withdrawal: {e}"))?;
        self.withdrawal(skeleton, withdrawn.or(sent), &withdrawal)
    }

    fn resent(&mut self, skeleton: &Skeleton, body: Option<&[u8]>, evidence: Option<&[u8]>) -> Result<(), String> {
        let digest = read_body::<SentBody>(body)?.map(|body| body.dispatch);
        let count = self.sent.get(&skeleton.channel).map_or(0, |told| told.count);
        let key = (skeleton.channel.clone(), skeleton.number);
        if skeleton.number > count || self.unreceipted.insert(key, digest).is_some() {
            return Err(format!("number {} sent again, which had no receipt", skeleton.number));
        }
        self.dispatch(skeleton, digest, evidence)
    }

    fn receipt(&mut self, skeleton: &Skeleton, body: Option<&[u8]>, evidence: Option<&[u8]>) -> Result<(), String> {
        let body = read_body::<SentBody>(body)?;
        let settled = body.map(|body| body.dispatch);
        let sent = match self.unreceipted.remove(&(skeleton.channel.clone(), skeleton.number)) {
            Some(sent) => sent,
            None => {
                return Err(format!("receipt for number {}, which was not sent or settled before", skeleton.number));
            }
        };
        if sent.zip(settled).is_some_and(|(sent, settled)| sent != settled) {
            return Err(format!("receipt for other bytes than number {} had", skeleton.number));
        }
        let (Some(digest), Some(proof)) = (settled.or(sent), evidence) else { return Ok(()) };
        let recipient = self.known(&skeleton.channel.recipient)?;
        let receipt =
            read_receipt(recipient, &digest, proof).map_err(|e| format!("receipt of {}: {e}", skeleton.number))?;
        if receipt.skeleton.channel != skeleton.channel || receipt.skeleton.number != skeleton.number {
            return Err("the counterparty's receipt names another channel or number".into());
        }
        let withdrawn = self.withdrawn.contains(&(skeleton.channel.clone(), skeleton.number));
        if receipt.body.outcome == Outcome::Withdrawn && !withdrawn {
            return Err(format!("a receipt for the withdrawal of number {}, which was not withdrawn", skeleton.number));
        }
        self.report.receipts += 1;
        Ok(())
    }

    fn dispatch(&mut self, skeleton: &Skeleton, digest: Option<Digest>, evidence: Option<&[u8]>) -> Result<(), String> {
        let Some(evidence) = evidence else { return Ok(()) };
        let envelope = Envelope::from_cbor(evidence).map_err(|e| format!("envelope: {e}"))?;
        if digest.is_some_and(|digest| envelope.digest() != digest) {
            return Err("the evidence is another dispatch".into());
        }
        let header = DispatchHeader::from_cbor(&envelope.header).map_err(|e| format!("dispatch header: {e}"))?;
        same_subject(skeleton, "dispatch", &header.channel, header.number, &header.agreement_digest)?;
        let sender = self.known(&header.channel.sender)?;
        envelope.verify(&self.directory.network(), &sender.ever()).map_err(|e| e.to_string())?;
        self.report.dispatch_signatures += 1;
        Ok(())
    }

    fn withdrawal(
        &mut self,
        skeleton: &Skeleton,
        digest: Option<Digest>,
        withdrawal: &Withdrawal,
    ) -> Result<(), String> {
        let header = withdrawal.read().map_err(|e| format!("withdrawal: {e}"))?;
        if digest.is_some_and(|digest| header.dispatch != digest) {
            return Err("the evidence withdraws another dispatch".into());
        }
        same_subject(skeleton, "withdrawal", &header.channel, header.number, &header.agreement)?;
        let sender = self.known(&header.channel.sender)?;
        withdrawal.verify(&self.directory.network(), &sender.ever()).map_err(|e| e.to_string())?;
        self.report.withdrawals += 1;
        Ok(())
    }

    /// Whether something of this channel was deposited here.
    fn keeps_for(&self, channel: &Channel) -> bool {
        self.deposits.range((channel.clone(), 0)..).next().is_some_and(|(found, _)| found == channel)
    }

    fn known(&self, node: &NodeRef) -> Result<&'d KnownNode, String> {
        let found = self.directory.node(node).map(AsRef::as_ref);
        found.ok_or_else(|| format!("no card names the node {node}"))
    }

    fn finding(&mut self, entry: Option<u64>, what: String) {
        self.report.findings_count += 1;
        if self.report.findings.len() < MAX_FINDINGS {
            self.report.findings.push(Finding { entry, what });
        }
    }
}

/// Channels on which two logs of one network disagree, or which only one of them has: `(channel, what)`. A channel that a
/// sender began before it lost its data is in the recipient's log only.
pub fn compare_channels(reports: &[AuditReport]) -> Vec<(String, String)> {
    type Told<'r> = Vec<(&'r str, &'r ChannelSummary)>;
    let mut sides: BTreeMap<(&NodeRef, &NodeRef, u64, Lane), Told<'_>> = BTreeMap::new();
    for report in reports {
        for channel in &report.channels {
            let key = (&channel.sender, &channel.recipient, channel.epoch, channel.lane);
            sides.entry(key).or_default().push((report.node.as_str(), channel));
        }
    }
    let audited = |node: &NodeRef| reports.iter().any(|r| r.node == node.as_str());
    let ended = |sender: &NodeRef, epoch| reports.iter().any(|r| r.node == sender.as_str() && epoch < r.epoch);
    let mut differences = Vec::new();
    for ((sender, recipient, epoch, lane), told) in sides {
        let lost = || matches!(told.as_slice(), [(node, _)] if *node == recipient.as_str()) && ended(sender, epoch);
        if !audited(sender) || !audited(recipient) || lost() {
            continue;
        }
        let name = Channel { sender: sender.clone(), recipient: recipient.clone(), epoch, lane }.to_string();
        match told.as_slice() {
            [(_, a), (_, b)] if a.count == b.count && (a.root == b.root || a.root.is_empty() || b.root.is_empty()) => {}
            [(_, a), (_, b)] if a.count != b.count => {
                differences.push((name, format!("{} numbers on one side, {} on the other", a.count, b.count)));
            }
            [_, _] => differences.push((name, "the two logs name different dispatches".into())),
            [(node, _)] => differences.push((name, format!("only {node} knows this channel"))),
            _ => differences.push((name, "told more than twice".into())),
        }
    }
    differences
}

/// Whether evidence (a dispatch, or its withdrawal) is about what its entry's skeleton names.
fn same_subject(
    skeleton: &Skeleton,
    evidence: &str,
    channel: &Channel,
    number: u64,
    agreement: &Digest,
) -> Result<(), String> {
    if *channel != skeleton.channel || number != skeleton.number {
        return Err(format!("the {evidence} names another channel or number than the skeleton"));
    }
    if *agreement != skeleton.agreement {
        return Err(format!("the {evidence} rests on another agreement than the skeleton"));
    }
    Ok(())
}

fn read_body<B: Decode>(body: Option<&[u8]>) -> Result<Option<B>, String> {
    body.map(B::from_cbor).transpose().map_err(|e| format!("body: {e}"))
}

fn summary(channel: &Channel, told: &Told) -> ChannelSummary {
    ChannelSummary {
        sender: channel.sender.clone(),
        recipient: channel.recipient.clone(),
        epoch: channel.epoch,
        lane: channel.lane,
        count: told.count,
        root: if told.partial { String::new() } else { crate::hash::hex(&told.tree.root()) },
    }
}

#[cfg(test)]
mod tests;
