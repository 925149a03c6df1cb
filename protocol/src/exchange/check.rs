//! The check of an arrived dispatch: one pure function from bytes to verdict, run on a worker.
//!
//! Order: network and addressees, signature, agreement, and only then the seal. Numbers and duplicates are the engine's.

use super::answer::{Answer, ErrorCode, Lack, RefusalCode};
use super::dispatch::{Dispatch, DispatchHeader, Envelope, is_own_batch};
use super::receipt::{Outcome, Rejection};
use super::sealed::{SealedError, unpack};
use crate::cbor::{Decode, Encode, Reader};
use crate::document::{Directory, KnownNode};
use crate::hash::Digest;
use crate::names::NodeRef;
use crate::record::{Fault, RecordView, batch_root};
use crate::time::{Day, Millis};

/// An authentic dispatch with the verdict on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its identity.
    pub digest: Digest,
    /// What stands in clear on it.
    pub header: DispatchHeader,
    /// Header and signature, the evidence behind the log entry.
    pub envelope: Envelope,
    /// The verdict.
    pub outcome: Outcome,
    /// The accepted views with their roots, by their place in the batch; empty when refused.
    pub accepted: Vec<(usize, Digest, RecordView)>,
    /// The day by which the views must be gone.
    pub due: Day,
}

/// Checks a dispatch that `peer` brought to `me`. `open` opens the seal with this node's key.
///
/// # Errors
/// The [`Answer`] (`error` or `later`) for a dispatch that leaves no trace.
pub fn check_dispatch(
    directory: &Directory,
    me: &NodeRef,
    peer: &KnownNode,
    dispatch: &Dispatch,
    now: Millis,
    open: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<Checked, Answer> {
    let header = DispatchHeader::from_cbor(&dispatch.header)
        .map_err(|e| Answer::error(ErrorCode::Undecodable, format!("dispatch header: {e}")))?;
    if header.network != directory.network() {
        return Err(Answer::error(ErrorCode::WrongNetwork, format!("this is network {}", directory.network())));
    }
    if header.channel.recipient != *me {
        return Err(Answer::error(ErrorCode::NotForMe, format!("this is {me}, not {}", header.channel.recipient)));
    }
    if header.channel.sender != peer.node {
        let detail = format!("{} brought a dispatch of {}", peer.node, header.channel.sender);
        return Err(Answer::error(ErrorCode::WrongSender, detail));
    }
    let envelope = dispatch.envelope();
    envelope
        .verify(&directory.network(), &peer.card.sign)
        .map_err(|e| Answer::error(ErrorCode::BadSignature, format!("dispatch {}: {e}", header.number)))?;
    if !directory.agreements().any(|(digest, _)| *digest == header.agreement_digest) {
        let detail = format!("agreement {} ({})", header.agreement, header.agreement_digest);
        return Err(Answer::later(Lack::Agreement, detail));
    }
    let verdict = judge(directory, me, peer, &header, &dispatch.header, &dispatch.sealed, now, open);
    let (outcome, accepted) = match verdict {
        Ok((rejected, accepted)) => (Outcome::Taken(rejected), accepted),
        Err(Verdict::Refused(code)) => (Outcome::Refused(code), Vec::new()),
        Err(Verdict::Foreign) => {
            return Err(Answer::error(ErrorCode::ForeignSeal, "the sealed part was made for another header"));
        }
    };
    let due = now.day().plus(header.retention_days);
    Ok(Checked { digest: envelope.digest(), header, envelope, outcome, accepted, due })
}

enum Verdict {
    Refused(RefusalCode),
    Foreign,
}

type Views = (Vec<Rejection>, Vec<(usize, Digest, RecordView)>);

#[allow(clippy::too_many_arguments)]
fn judge(
    directory: &Directory,
    me: &NodeRef,
    peer: &KnownNode,
    header: &DispatchHeader,
    header_bytes: &[u8],
    sealed: &[u8],
    now: Millis,
    open: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<Views, Verdict> {
    let refused = |code| Err(Verdict::Refused(code));
    let batch = &header.batch.header;
    let permitted = directory.permits(
        &header.agreement_digest,
        &peer.member,
        &me.member(),
        batch.table,
        header.purpose,
        header.view,
        header.retention_days,
        now.day(),
    );
    // The header's clear name of the agreement is shown to people, so it must be the one whose digest is checked; and a
    // mandate over a log is an agreement too, but no record has its type.
    let named =
        directory.agreements().any(|(digest, a)| *digest == header.agreement_digest && a.id == header.agreement);
    let is_record_type = batch.table.groups.iter().any(|group| !group.fields.is_empty());
    if !permitted || !named || !is_record_type || !is_own_batch(header) {
        return refused(RefusalCode::NotPermitted);
    }
    if header.batch.verify(&directory.network(), &peer.card.sign).is_err() {
        return refused(RefusalCode::BatchSignature);
    }
    let Some(packed) = open(sealed) else { return refused(RefusalCode::Unsealable) };
    let content = match unpack(&DispatchHeader::digest(header_bytes), &packed) {
        Ok(content) => content,
        Err(SealedError::ForeignHeader) => return Err(Verdict::Foreign),
        Err(SealedError::Expansion) => return refused(RefusalCode::Expansion),
        Err(SealedError::Malformed) => return refused(RefusalCode::Malformed),
    };
    let Ok(views) = read_views(&content, batch.count) else { return refused(RefusalCode::Malformed) };
    let same = |view: &RecordView| view.header.table == batch.table && view.header.issuer == peer.member;
    if !views.iter().all(same) {
        return refused(RefusalCode::Malformed);
    }
    if !views.iter().all(|view| view.shown().within(header.view)) {
        return refused(RefusalCode::ShowsMore);
    }
    let roots: Vec<Digest> = views.iter().map(RecordView::root).collect();
    if batch_root(&roots) != batch.root {
        return refused(RefusalCode::BatchRoot);
    }
    let (mut rejected, mut accepted) = (Vec::new(), Vec::with_capacity(views.len()));
    for (record, (view, root)) in views.into_iter().zip(roots).enumerate() {
        // What is shown lies within what is promised, so anything that differs is a promised group that is hidden.
        let hidden =
            batch.table.groups.iter().enumerate().find(|(at, _)| header.view.has(*at) && !view.shown().has(*at));
        let fault = match hidden {
            None => view.check().err().map(|error| (error.fault, error.pointer)),
            Some((_, group)) => Some((Fault::Missing, format!("/{}", group.name))),
        };
        match fault {
            None => accepted.push((record, root, view)),
            Some((fault, pointer)) => rejected.push(Rejection { record, fault, pointer }),
        }
    }
    Ok((rejected, accepted))
}

fn read_views(content: &[u8], count: usize) -> Result<Vec<RecordView>, crate::cbor::CborError> {
    let mut reader = Reader::new(content);
    reader.tuple(count)?;
    let mut views = Vec::with_capacity(count);
    for _ in 0..count {
        views.push(RecordView::decode(&mut reader)?);
    }
    reader.leave();
    reader.finish()?;
    Ok(views)
}

/// Encodes views for packing: what [`check_dispatch`] reads.
impl Checked {
    /// The accepted views as they are stored: `[[place, root, view] …]`.
    pub fn payload(&self) -> Vec<u8> {
        let mut writer = crate::cbor::Writer::new();
        writer.array(self.accepted.len());
        for (place, root, view) in &self.accepted {
            writer.array(3);
            writer.uint(*place as u64);
            root.encode(&mut writer);
            view.encode(&mut writer);
        }
        writer.into_bytes()
    }
}
