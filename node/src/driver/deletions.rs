//! Deletion receipts: what erased entries owe to senders goes out until it is taken, and what recipients say is verified and kept.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::document::{Agreement, Document, DocumentKind, KnownNode};
use luxor_protocol::exchange::{
    Answer, Channel, DispatchHeader, ErasedBody, ErrorCode, Lane, Request, Source, read_deletion,
};
use luxor_protocol::names::{MemberId, NodeRef};

use super::erase::EraseError;
use super::{Driver, DriverError, Message, Shared};
use crate::net::{Permit, Reply as NetReply};
use crate::sequencer::SequencerError;
use crate::store::{DeletedRow, StoreError, Write};

/// How often what is owed is sent.
const EVERY: Duration = Duration::from_secs(5);
/// Words sent in one go.
const AT_ONCE: usize = 64;

impl Driver {
    /// Sends what is owed, again and again until it is taken.
    pub(super) async fn tell_deletions(self) {
        loop {
            match self.tell_all().await {
                Ok(()) => {}
                Err(EraseError::Store(error)) => return drop(self.mailbox.send(Message::Failed(error.into()))),
                Err(_) => return,
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Sends every word that is owed once; to whom one cannot be told, or who does not take it, no further one in this round.
    async fn tell_all(&self) -> Result<(), EraseError> {
        let (mut after, mut silent) = (None, BTreeSet::new());
        loop {
            let owed = self.shared.store.deletions_owed(after.as_ref(), AT_ONCE)?;
            let Some(last) = owed.last() else { return Ok(()) };
            after = Some(last.clone());
            for (channel, entry) in owed {
                if !silent.contains(&channel.sender) && !self.tell_deletion(&channel, entry).await? {
                    silent.insert(channel.sender);
                }
            }
        }
    }

    /// Whether it is told.
    async fn tell_deletion(&self, channel: &Channel, entry: u64) -> Result<bool, EraseError> {
        let Some(sender) = self.shared.directory().node(&channel.sender).cloned() else { return Ok(false) };
        let shared = self.shared.clone();
        let request = self.on_worker_or(move || Ok(word(&shared, entry)?)).await?;
        if let Some(request) = request {
            match self.ask(&sender, &request).await {
                Ok(Answer::DeletionNoted) => {}
                Ok(_) => return Ok(false),
                Err(why) => {
                    tracing::debug!(node = %channel.sender, why, "a deletion receipt is not taken yet");
                    return Ok(false);
                }
            }
        }
        let told = Write::DeletionTold { channel: channel.clone(), entry };
        self.commit(vec![told], Vec::new()).await.map(|_| true)
    }

    /// Takes a recipient's word.
    pub(super) fn deletion(&self, peer: NodeRef, proof: Vec<u8>, numbers: Vec<u64>, permit: Permit, reply: NetReply) {
        let driver = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let shared = driver.shared.clone();
            let judged = driver.work(Lane::Ordinary, move || judge(&shared, &peer, proof, &numbers)).await;
            let answer = match judged {
                Some(Ok(Ok(write))) => match driver.commit(vec![write], Vec::new()).await {
                    Ok(_) => Answer::DeletionNoted,
                    Err(_) => return,
                },
                Some(Ok(Err(why))) => Answer::error(ErrorCode::BadDeletion, why),
                Some(Err(error)) => return drop(driver.mailbox.send(Message::Failed(error))),
                None => return,
            };
            driver.shared.respond(reply, &answer);
        });
    }
}

/// Whether the sender of a dispatch is owed the word that it is erased: the row under which it came says so. `entry` is its `received` entry.
pub(super) fn is_owed(shared: &Shared, entry: u64, header: &DispatchHeader) -> Result<bool, StoreError> {
    if let Some(issuer) = &header.source {
        return is_owed_onward(shared, entry, header, issuer);
    }
    let directory = shared.directory();
    let agreement = directory.agreement(&header.agreement_digest);
    let (from, to) = (header.channel.sender.member(), header.channel.recipient.member());
    let table = header.batch.header.table;
    Ok(agreement.is_some_and(|agreement| {
        agreement.flows.iter().any(|flow| {
            flow.has_term("deletion_receipt")
                && flow.type_name == table.name
                && flow.purpose == header.purpose
                && flow.from.contains(&from)
                && flow.to.contains(&to)
        })
    }))
}

/// The same of records that were passed on: of their issuer's agreement, which came with them, and whose word goes to who passed them on.
fn is_owed_onward(shared: &Shared, entry: u64, header: &DispatchHeader, issuer: &MemberId) -> Result<bool, StoreError> {
    // Nothing came with them where no record was accepted.
    let Some(source) = shared.store.source(entry)? else { return Ok(false) };
    let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged {
        what: format!("what came with the records of entry {entry}"),
        error: error.to_string(),
    };
    let source = Source::from_cbor(&source).map_err(|e| damaged(&e))?;
    let last = source.agreement.last().ok_or_else(|| damaged(&"no agreement"))?;
    let document = Document::read(DocumentKind::Agreement, last).map_err(|e| damaged(&e))?;
    let agreement = Agreement::open(&document).map_err(|e| damaged(&e))?;
    let (via, table) = (header.channel.sender.member(), header.batch.header.table);
    let mut received_for = Vec::with_capacity(source.origins.len());
    for origin in &source.origins {
        received_for.push(DispatchHeader::from_cbor(&origin.envelope.header).map_err(|e| damaged(&e))?.purpose);
    }
    Ok(agreement.flows.iter().any(|flow| {
        flow.has_term("deletion_receipt")
            && flow.type_name == table.name
            && received_for.contains(&flow.purpose)
            && flow.from.contains(issuer)
            && flow.to.contains(&via)
            && flow.onward.iter().any(|onward| onward.purpose == header.purpose)
    }))
}

/// The word about an own `erased` entry; nothing where its body is erased itself.
fn word(shared: &Shared, entry: u64) -> Result<Option<Request>, StoreError> {
    let damaged = |error: String| StoreError::Damaged { what: format!("the erased entry {entry}"), error };
    let kept = shared.store.opening(entry)?.ok_or_else(|| damaged("not there".into()))?;
    let Some(body) = kept.body() else { return Ok(None) };
    let body = ErasedBody::from_cbor(body).map_err(|e| damaged(e.to_string()))?;
    let mut numbers = Vec::with_capacity(body.erased.len());
    for named in &body.erased {
        let skeleton = shared.store.skeleton(named.entry)?.ok_or_else(|| damaged("it names no entry".into()))?;
        numbers.push(skeleton.number);
    }
    match shared.sequencer.prove(entry) {
        Ok(proof) => Ok(Some(Request::Deletion { proof, numbers })),
        Err(SequencerError::Store(error)) => Err(error),
        Err(error) => Err(damaged(error.to_string())),
    }
}

type Judged = Result<Write, String>;

/// What a word proves, compared with the receipts of the dispatches that it is about.
fn judge(shared: &Shared, peer: &NodeRef, proof: Vec<u8>, numbers: &[u64]) -> Result<Judged, DriverError> {
    let known: Option<Arc<KnownNode>> = shared.directory().node(peer).cloned();
    let Some(known) = known else { return Ok(Err(format!("no card names {peer}"))) };
    let deletion = match read_deletion(&known, &shared.me, &proof) {
        Ok(deletion) => deletion,
        Err(error) => return Ok(Err(error.to_string())),
    };
    if deletion.body.erased.len() != numbers.len() {
        return Ok(Err("another count of numbers than of entries".into()));
    }
    let channel = deletion.skeleton.channel;
    let mut dispatches = Vec::with_capacity(numbers.len());
    for (named, number) in deletion.body.erased.into_iter().zip(numbers) {
        let receipt = shared.store.receipt(&channel, *number)?;
        if receipt.is_none_or(|receipt| receipt.recipient_entry != named.entry) {
            return Ok(Err(format!("entry {} is not what number {number} has its receipt from", named.entry)));
        }
        dispatches.push((*number, DeletedRow { on: deletion.body.on, places: named.places }));
    }
    Ok(Ok(Write::Deleted { channel, entry: deletion.index, proof, dispatches }))
}
