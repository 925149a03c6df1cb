//! Documents that reach a running node: each is judged against those known, kept, named in the log, followed, and spread.
//!
//! Admission is one place and one at a time, whether a document comes from this node's own people or from another node. The file
//! is durable before its `document` entry, and the entry before anything goes by it: a crash in between leaves a file in
//! `documents/`, which is read at the next start and gets its entry then.
//!
//! Not here: whether documents hold together ([`luxor_protocol::document::Directory`]); how they travel (`spread`).

mod refused;
mod spread;

use std::sync::Arc;

use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::document::{Directory, DirectoryError, Document, DocumentError, DocumentKind, KnownNode};
use luxor_protocol::exchange::{DocumentBody, EntryKind, Lane, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::keys::PublicKey;
use luxor_protocol::limits::{MAX_DOCUMENTS, MAX_RETENTION_DAYS};
use luxor_protocol::names::{NodeRef, Slug};
use luxor_protocol::time::Millis;

pub use refused::RefusedDocument;
pub(super) use refused::RefusedDocuments;
pub(super) use spread::Spread;

use super::known::{Known, KnownError};
use super::{Driver, DriverError, Message, Shared, now};
use crate::engine::Input;
use crate::entropy::opening;
use crate::folder::FolderError;
use crate::sequencer::Sequencer;
use crate::store::{Store, Write};

/// Entries of one commit at the start.
const ENTRIES_AT_ONCE: usize = 1_000;

/// Why a document was not admitted. Nothing changed then.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// The bytes are no document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// It does not hold beside those that are known.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// It holds, and cannot be used.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// There are as many as a node keeps.
    #[error("this node knows {MAX_DOCUMENTS} documents, which is the most that it keeps")]
    Full,
    /// The file cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

impl AdmitError {
    /// Whether the document itself is at fault.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Document(_) | Self::Directory(_) | Self::Known(_))
    }
}

/// A document that is known now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Its kind.
    pub kind: DocumentKind,
    /// Its id.
    pub id: Slug,
    /// Its version.
    pub version: u64,
    /// Digest of all of it, with the signatures that are known now.
    pub digest: Digest,
    /// Whether it was not known before.
    pub new: bool,
}

impl Driver {
    /// Admits a document, from another node or, with `None`, from this node's own people. When this returns it is durable and
    /// followed, and on its way to the other nodes.
    ///
    /// # Errors
    /// [`AdmitError`].
    pub async fn admit(&self, bytes: Vec<u8>, from: Option<NodeRef>) -> Result<Admitted, AdmitError> {
        // In a task of its own: whoever asked may go, and what was begun must be done to its end.
        let task = tokio::spawn(self.clone().admit_whole(bytes, from));
        task.await.unwrap_or(Err(AdmitError::Stopping))
    }

    async fn admit_whole(self, bytes: Vec<u8>, from: Option<NodeRef>) -> Result<Admitted, AdmitError> {
        let _one = self.admitting.lock().await;
        let shared = self.shared.clone();
        let judged = self.work(Lane::Urgent, move || judge(&shared, &bytes)).await.ok_or(AdmitError::Stopping)?;
        let (document, admitted, known) = match judged {
            Ok(judged) => judged,
            Err((error, what)) => {
                if error.is_refusal() {
                    tracing::warn!(document = what, from = from.as_ref().map(NodeRef::as_str), %error, "document refused");
                    self.shared.refused.add(from, what, error.to_string());
                }
                return Err(error);
            }
        };
        let Some(known) = known else { return Ok(admitted) };
        if document.kind == DocumentKind::Revocation {
            let shared = self.shared.clone();
            let kept =
                self.work(Lane::Urgent, move || shared.keep_newest_cosigned()).await.ok_or(AdmitError::Stopping)?;
            if let Err(error) = kept {
                let _ = self.mailbox.send(Message::Failed(error.into()));
                return Err(AdmitError::Stopping);
            }
        }
        let folder = self.shared.folder.clone();
        // With all signatures that are known of it, also those of copies that came before.
        let whole = known.directory.copy_of(&document).map(|(_, whole)| whole.clone());
        let kept = self.work(Lane::Urgent, move || folder.put_document(whole.as_deref().unwrap_or(&document))).await;
        kept.ok_or(AdmitError::Stopping)??;
        let recorded = record(&self.shared.sequencer, &self.shared.own, &[admitted.digest], now()).await;
        if let Err(error) = recorded {
            // The file is there already, so the process must end.
            let _ = self.mailbox.send(Message::Failed(error));
            return Err(AdmitError::Stopping);
        }
        if let Some(from) = from.as_ref().filter(|_| admitted.kind == DocumentKind::Card)
            && admitted.id == self.shared.me.member()
        {
            let what = format!(
                "{from} brought version {} of this member's card (digest {}), which nobody installed here: unless you signed it, \
                 somebody else signs with the identity key",
                admitted.version, admitted.digest
            );
            self.shared.alarm(format!("card {}", admitted.digest), what);
        }
        let from = from.as_ref().map(NodeRef::as_str);
        tracing::info!(kind = %admitted.kind, id = %admitted.id, version = admitted.version, from, "document admitted");
        self.follow_documents(known).await;
        Ok(admitted)
    }

    /// Goes on with what follows from an admitted document.
    async fn follow_documents(&self, known: Known) {
        let shared = &self.shared;
        let (peers, origins) = (known.peers(&shared.me), known.origins());
        if let Some(what) = own_card_differs(&shared.own, &shared.secrets().transport, &known.directory) {
            shared.alarm("own card".into(), what);
        }
        let before = shared.directory().card_of(&shared.me.member());
        if before != known.directory.card_of(&shared.me.member())
            && let Err(error) = shared.use_keys_of(&known.directory)
        {
            shared.alarm("own keys".into(), format!("the keys of this node's newest card are not used: {error}"));
        }
        for conflict in known.directory.conflicts().iter().filter(|new| !shared.directory().conflicts().contains(new)) {
            let (kind, id, version) = (conflict.kind, &conflict.id, conflict.version);
            let what = format!(
                "two contradicting {kind}s '{id}' of version {version}: none of them counts until people settle it\nhint: both are evidence; see `luxor charter status`"
            );
            shared.alarm(format!("{kind} {id} {version}"), what);
        }
        shared.follow(known);
        // The network only ends when the node stops.
        let _ = shared.net.set_peers(peers).await;
        self.input(Input::Origins(origins));
        self.spread.documents_changed();
        tokio::spawn(self.clone().withdraw_forbidden());
    }
}

/// What a running node cannot follow: its own card with another log, without the key with which it connects, or without it.
fn own_card_differs(own: &KnownNode, transport: &PublicKey, directory: &Directory) -> Option<String> {
    let what = match directory.node(&own.node).map(|node| &node.card) {
        None => "does not name this node any more",
        Some(card) => {
            let log = (&card.origin, card.epoch) == (&own.card.origin, own.card.epoch);
            match (log, card.transport.contains(transport)) {
                (true, true) => return None,
                (false, _) => "names another log or epoch than those with which this node runs",
                (true, false) => "names other transport keys than the one with which this node connects",
            }
        }
    };
    Some(format!(
        "the newest card of {} {what}\nhint: stop the node, and start it with the keys of that card",
        own.member
    ))
}

/// The document, what is said of it, and the snapshot that knows it, if it was not known.
type Judged = (Document, Admitted, Option<Known>);

/// Judges a document; an error comes with the document in words.
fn judge(shared: &Shared, bytes: &[u8]) -> Result<Judged, (AdmitError, String)> {
    let document = Document::from_cbor(bytes).map_err(|error| {
        let what = format!("{} bytes", bytes.len());
        (AdmitError::Document(error.into()), what)
    })?;
    let what = format!("{} {} version {}", document.kind, document.id, document.version);
    let (id, version) = (document.id.clone(), document.version);
    let mut admitted = Admitted { kind: document.kind, id, version, digest: document.whole(), new: false };
    let before = shared.known();
    let judged = || -> Result<Option<Known>, AdmitError> {
        let Some(directory) = before.directory.with(&document, now().day())? else { return Ok(None) };
        if directory.documents().count() > MAX_DOCUMENTS {
            return Err(AdmitError::Full);
        }
        Ok(Some(Known::new(Arc::new(directory), &shared.own, &shared.outside, Some(&before))?))
    };
    match judged() {
        Ok(known) => {
            let directory = known.as_ref().map_or(&before.directory, |known| &known.directory);
            if let Some((whole, _)) = directory.copy_of(&document) {
                admitted.digest = *whole;
            }
            admitted.new = known.is_some();
            Ok((document, admitted, known))
        }
        Err(error) => Err((error, what)),
    }
}

/// Names documents that are in the folder and not in the log yet in the log: a new node's, those that were put there while the
/// node was stopped, and one whose admission a crash broke off.
///
/// # Errors
/// [`DriverError`].
pub async fn record_documents(
    sequencer: &Sequencer,
    store: &Store,
    directory: &Directory,
    own: &KnownNode,
) -> Result<(), DriverError> {
    let mut missing = Vec::new();
    for (digest, document) in directory.documents() {
        if store.document_entry(digest)?.is_none() {
            missing.push((document.kind, document.version, document.id.clone(), *digest));
        }
    }
    // What rests on others after them.
    missing.sort();
    let digests: Vec<_> = missing.into_iter().map(|(_, _, _, digest)| digest).collect();
    for digests in digests.chunks(ENTRIES_AT_ONCE) {
        record(sequencer, own, digests, now()).await?;
    }
    Ok(())
}

/// Commits the `document` entries of these documents, with the rows that lead to them.
async fn record(sequencer: &Sequencer, own: &KnownNode, documents: &[Digest], now: Millis) -> Result<(), DriverError> {
    let due = now.day().plus(MAX_RETENTION_DAYS);
    let skeleton = Skeleton::of_node(EntryKind::Document, &own.node, own.card.epoch, now.0 / 1_000, due);
    let mut writes = Vec::with_capacity(documents.len());
    let mut entries = Vec::with_capacity(documents.len());
    for (entry, document) in documents.iter().enumerate() {
        writes.push(Write::Document { document: *document, entry });
        let body = DocumentBody { document: *document }.to_cbor();
        entries.push(opening(&skeleton, body)?);
    }
    sequencer.commit_and_wait(writes, entries).await?;
    Ok(())
}
