//! The check of an arrived dispatch or withdrawal: pure functions from bytes to verdict, run on a worker.
//!
//! Order: network and addressees, signature, agreement, and only then the seal; of records that are passed on the agreement comes
//! inside it. Numbers and duplicates are the engine's.

use super::answer::{Answer, ErrorCode, Lack, RefusalCode};
use super::dispatch::{Dispatch, DispatchHeader, Envelope, is_own_batch};
use super::receipt::{Outcome, Rejection};
use super::sealed::{SealedError, unpack};
use super::source::{Passing, Source};
use super::{Arrival, Channel, Withdrawal};
use crate::cbor::{CborError, Decode, Encode, Reader, Reason, Writer};
use crate::document::{Ask, Denial, Directory, KnownNode, Rule};
use crate::hash::Digest;
use crate::names::{MemberId, NodeRef};
use crate::record::{ArrivedView, Fault, batch_root};
use crate::time::{Day, Millis};

/// What authentically came under a number, with the verdict on it, and `T` of each accepted record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked<T> {
    /// Its channel.
    pub channel: Channel,
    /// Its number there.
    pub number: u64,
    /// The sender holds the receipts of all numbers up to this.
    pub receipts_held_up_to: u64,
    /// Digest of the agreement that it rests on.
    pub agreement: Digest,
    /// The dispatch's identity.
    pub digest: Digest,
    /// The evidence behind the log entry.
    pub arrival: Arrival,
    /// The verdict.
    pub outcome: Outcome,
    /// Records of the batch; none where it was withdrawn.
    pub count: usize,
    /// Place in the batch and root of each accepted record, with what was asked of its view; empty when refused.
    pub accepted: Vec<(usize, Digest, T)>,
    /// The same as they are stored, `[[place, root, view] …]`, each view as it came; empty when none is accepted.
    pub payload: Vec<u8>,
    /// Roots of the records that were not accepted, in their order; empty when the dispatch was refused.
    pub rejected: Vec<Digest>,
    /// Of accepted records that were passed on: what came with them and was verified, a [`Source`] as it came.
    pub source: Option<Vec<u8>>,
    /// A signature in that source stands among those that were made while others may have had the key: it counts, and is told.
    pub contested: bool,
    /// The day by which the views must be gone.
    pub due: Day,
}

/// Checks a dispatch that `peer` brought to `me`. `open` opens the seal with this node's key, `ask` is asked of every view that its type
/// allows, and may reject it with fault and place.
///
/// # Errors
/// The [`Answer`] (`error` or `later`) for a dispatch that leaves no trace.
pub fn check_dispatch<T>(
    directory: &Directory,
    me: &NodeRef,
    peer: &KnownNode,
    dispatch: &Dispatch,
    now: Millis,
    open: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ask: impl FnMut(&ArrivedView<'_>) -> Result<T, (Fault, String)>,
) -> Result<Checked<T>, Answer> {
    // Only asked for where it decides: it costs a digest over all that is sealed.
    let signed = || {
        let envelope = dispatch.envelope();
        match envelope.verify(&directory.network(), &peer.now()) {
            Ok(()) => Ok(envelope),
            Err(error) => Err(Answer::error(ErrorCode::BadSignature, format!("dispatch: {error}"))),
        }
    };
    let header = match DispatchHeader::from_cbor(&dispatch.header) {
        Ok(header) => header,
        Err(error) => return Err(undecodable(&dispatch.header, &error, signed)),
    };
    check_route(directory, me, peer, &header.network, &header.channel)?;
    let envelope = signed()?;
    check_epoch(peer, &header.channel)?;
    // Who is passed something on is no party to the agreement: that comes with the records.
    if header.source.is_none() && directory.agreement(&header.agreement_digest).is_none() {
        let detail = format!("agreement {} ({})", header.agreement, header.agreement_digest);
        return Err(Answer::later(Lack::Agreement, detail));
    }
    let permitted = match &header.source {
        None => match permits(directory, &header, now) {
            Err(denial) => match wait_for(&denial, &header) {
                Some(later) => return Err(later),
                None => false,
            },
            Ok(_) => true,
        },
        // The agreement is inside the seal; whoever takes no part is told before.
        Some(issuer) => {
            let out = |member: &&MemberId| directory.active(member).is_none();
            if let Some(member) = [issuer, &peer.member, &me.member()].into_iter().find(out) {
                return Err(Answer::later(Lack::Membership, format!("{member} does not take part")));
            }
            *issuer != peer.member
        }
    };
    let verdict = judge(directory, me, peer, permitted, &header, &dispatch.header, &dispatch.sealed, now, open, ask);
    let (outcome, views) = match verdict {
        Ok(views) => (Outcome::Taken(views.rejections.clone()), views),
        Err(Verdict::Refused(code)) => (Outcome::Refused(code), Views::default()),
        Err(Verdict::Later(answer)) => return Err(answer),
        Err(Verdict::Foreign) => {
            return Err(Answer::error(ErrorCode::ForeignSeal, "the sealed part was made for another header"));
        }
    };
    Ok(Checked {
        channel: header.channel,
        number: header.number,
        receipts_held_up_to: header.receipts_held_up_to,
        agreement: header.agreement_digest,
        digest: envelope.digest(),
        arrival: Arrival::Dispatch(envelope),
        outcome,
        count: header.batch.header.count,
        accepted: views.accepted,
        payload: views.payload,
        rejected: views.rejected,
        source: views.source,
        contested: views.contested,
        due: now.day().plus(header.retention_days),
    })
}

/// Checks a withdrawal that `peer` brought to `me`. It needs no agreement: nothing is shown, and the lack of one may be the
/// reason for it.
///
/// # Errors
/// The [`Answer`] for a withdrawal that leaves no trace.
pub fn check_withdrawal<T>(
    directory: &Directory,
    me: &NodeRef,
    peer: &KnownNode,
    withdrawal: &Withdrawal,
    now: Millis,
) -> Result<Checked<T>, Answer> {
    let header = withdrawal.read().map_err(|e| Answer::error(ErrorCode::Undecodable, format!("withdrawal: {e}")))?;
    check_route(directory, me, peer, &header.network, &header.channel)?;
    withdrawal
        .verify(&directory.network(), &peer.now())
        .map_err(|e| Answer::error(ErrorCode::BadSignature, format!("withdrawal: {e}")))?;
    check_epoch(peer, &header.channel)?;
    Ok(Checked {
        channel: header.channel,
        number: header.number,
        receipts_held_up_to: 0,
        agreement: header.agreement,
        digest: header.dispatch,
        arrival: Arrival::Withdrawal(withdrawal.clone()),
        outcome: Outcome::Withdrawn,
        count: 0,
        accepted: Vec::new(),
        payload: Vec::new(),
        rejected: Vec::new(),
        source: None,
        contested: false,
        // There is nothing to erase but the verdict, which the sender may ask for again.
        due: now.day().plus(WITHDRAWN_DAYS),
    })
}

/// Days for which the body of an entry about a withdrawn dispatch is kept.
const WITHDRAWN_DAYS: u64 = 30;

/// Network and addressees.
fn check_route(
    directory: &Directory,
    me: &NodeRef,
    peer: &KnownNode,
    network: &Digest,
    channel: &Channel,
) -> Result<(), Answer> {
    if *network != directory.network() {
        return Err(Answer::error(ErrorCode::WrongNetwork, format!("this is network {}", directory.network())));
    }
    if channel.recipient != *me {
        return Err(Answer::error(ErrorCode::NotForMe, format!("this is {me}, not {}", channel.recipient)));
    }
    if channel.sender != peer.node {
        let detail = format!("{} brought something of {}", peer.node, channel.sender);
        return Err(Answer::error(ErrorCode::WrongSender, detail));
    }
    Ok(())
}

pub(super) fn check_epoch(peer: &KnownNode, channel: &Channel) -> Result<(), Answer> {
    if channel.epoch < peer.card.epoch {
        let detail = format!("epoch {} of {}; its card says {}", channel.epoch, channel.sender, peer.card.epoch);
        return Err(Answer::error(ErrorCode::WrongEpoch, detail));
    }
    if channel.epoch > peer.card.epoch {
        let detail = format!("the card of {} that begins epoch {}", channel.sender, channel.epoch);
        return Err(Answer::later(Lack::Card, detail));
    }
    Ok(())
}

/// A signed header of an unknown type version may be a good one tomorrow; every other fault stays one.
pub(super) fn undecodable(
    header: &[u8],
    error: &CborError,
    signed: impl FnOnce() -> Result<Envelope, Answer>,
) -> Answer {
    if error.reason == Reason::UnknownType {
        if let Err(unsigned) = signed() {
            return unsigned;
        }
        let mut reader = Reader::new(header.get(error.offset..).unwrap_or_default());
        if let (Ok(name), Ok(version)) = (reader.text(40), reader.uint()) {
            return Answer::later(Lack::Version, format!("record type {name} version {version}"));
        }
    }
    Answer::error(ErrorCode::Undecodable, format!("dispatch header: {error}"))
}

/// What is to come before a denial is final: either side may not know the latest word yet, so documents go first, then this again, or its
/// withdrawal.
pub(super) fn wait_for(denial: &Denial, header: &DispatchHeader) -> Option<Answer> {
    match denial {
        Denial::Suspended(_) => {
            Some(Answer::later(Lack::Suspended, format!("agreement {}: {denial}", header.agreement)))
        }
        Denial::NoMember(_) | Denial::MemberSuspended(_) => Some(Answer::later(Lack::Membership, denial)),
        _ => None,
    }
}

/// The row by which the policy gives what a header says.
pub(super) fn permits<'d>(directory: &'d Directory, header: &DispatchHeader, now: Millis) -> Result<&'d Rule, Denial> {
    let (from, to) = (header.channel.sender.member(), header.channel.recipient.member());
    let (day, batch) = (now.day(), &header.batch.header);
    let (type_name, version) = (batch.table.name, batch.table.version);
    let ask = Ask { type_name, version, from: &from, to: &to, purpose: header.purpose, day };
    let (digest, view, retention) = (&header.agreement_digest, header.view, header.retention_days);
    directory.policy().permits(directory, &ask, digest, view, retention)
}

enum Verdict {
    Refused(RefusalCode),
    Foreign,
    Later(Answer),
}

struct Views<T> {
    rejections: Vec<Rejection>,
    rejected: Vec<Digest>,
    accepted: Vec<(usize, Digest, T)>,
    payload: Vec<u8>,
    source: Option<Vec<u8>>,
    contested: bool,
}

#[allow(clippy::too_many_arguments)]
fn judge<T>(
    directory: &Directory,
    me: &NodeRef,
    peer: &KnownNode,
    permitted: bool,
    header: &DispatchHeader,
    header_bytes: &[u8],
    sealed: &[u8],
    now: Millis,
    open: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    mut ask: impl FnMut(&ArrivedView<'_>) -> Result<T, (Fault, String)>,
) -> Result<Views<T>, Verdict> {
    let refused = |code| Err(Verdict::Refused(code));
    let batch = &header.batch.header;
    let (to, day) = (me.member(), now.day());
    // The header's clear name of the agreement is shown to people, so it must be the one whose digest is checked; of records
    // that are passed on that is checked with their source. And a mandate over a log is an agreement too, but no record has its
    // type.
    let named = header.source.is_some()
        || directory.agreement(&header.agreement_digest).is_some_and(|a| a.id == header.agreement);
    let is_record_type = batch.table.groups.iter().any(|group| !group.fields.is_empty());
    if !permitted || !named || !is_record_type || !is_own_batch(header) {
        return refused(RefusalCode::NotPermitted);
    }
    if header.batch.verify(&directory.network(), &peer.now()).is_err() {
        return refused(RefusalCode::BatchSignature);
    }
    let Some(packed) = open(sealed) else { return refused(RefusalCode::Unsealable) };
    let content = match unpack(&DispatchHeader::digest(header_bytes), &packed) {
        Ok(content) => content,
        Err(SealedError::ForeignHeader) => return Err(Verdict::Foreign),
        Err(SealedError::Expansion) => return refused(RefusalCode::Expansion),
        Err(SealedError::Malformed) => return refused(RefusalCode::Malformed),
    };
    let Ok((views, source)) = read_content(&content, batch.count, header.source.is_some()) else {
        return refused(RefusalCode::Malformed);
    };
    let issuer = header.source.as_ref().unwrap_or(&peer.member);
    let same = |view: &ArrivedView<'_>| view.header.table == batch.table && view.header.issuer == *issuer;
    if !views.iter().all(same) {
        return refused(RefusalCode::Malformed);
    }
    if !views.iter().all(|view| view.shown.within(header.view)) {
        return refused(RefusalCode::ShowsMore);
    }
    let roots: Vec<Digest> = views.iter().map(|view| view.root).collect();
    if batch_root(&roots) != batch.root {
        return refused(RefusalCode::BatchRoot);
    }
    let mut contested = false;
    if let Some((source, _)) = &source {
        let passing = Passing { directory, via: peer, to: &to, header, issuer, day, before: false };
        match source.verify(&passing, &roots) {
            Ok(proven) => contested = proven.contested,
            Err(error) => {
                return Err(match error.refusal() {
                    Ok(code) => Verdict::Refused(code),
                    Err(lack) => Verdict::Later(Answer::later(lack, error)),
                });
            }
        }
    }
    let (mut rejections, mut rejected) = (Vec::new(), Vec::new());
    let mut accepted = Vec::with_capacity(views.len());
    let mut payload = Writer::with_capacity(content.len() + views.len() * 40 + 8);
    for (record, view) in views.into_iter().enumerate() {
        // What is shown lies within what is promised, so anything that differs is a promised group that is hidden.
        let hidden = |(at, _): &(usize, _)| header.view.has(*at) && !view.shown.has(*at);
        let fault = match batch.table.groups.iter().enumerate().find(hidden) {
            None => view.fault.as_ref().map(|error| (error.fault, error.pointer.clone())),
            Some((_, group)) => Some((Fault::Missing, format!("/{}", group.name))),
        };
        match fault.map_or_else(|| ask(&view), Err) {
            Ok(told) => {
                payload.array(3);
                payload.uint(record as u64);
                view.root.encode(&mut payload);
                payload.raw(view.encoded);
                accepted.push((record, view.root, told));
            }
            Err((fault, pointer)) => {
                rejections.push(Rejection { record, fault, pointer });
                rejected.push(view.root);
            }
        }
    }
    let payload = if accepted.is_empty() { Vec::new() } else { payload.into_array(accepted.len()) };
    let source = source.filter(|_| !accepted.is_empty()).map(|(_, bytes)| bytes.to_vec());
    Ok(Views { rejections, rejected, accepted, payload, contested: contested && source.is_some(), source })
}

impl<T> Default for Views<T> {
    fn default() -> Self {
        Self {
            rejections: Vec::new(),
            rejected: Vec::new(),
            accepted: Vec::new(),
            payload: Vec::new(),
            source: None,
            contested: false,
        }
    }
}

/// What comes with records that are passed on, read and as it came.
type Carried<'a> = (Source, &'a [u8]);

/// Reads the views, and what comes with them where they are `passed_on`.
fn read_content(
    content: &[u8],
    count: usize,
    passed_on: bool,
) -> Result<(Vec<ArrivedView<'_>>, Option<Carried<'_>>), CborError> {
    if !passed_on {
        return Ok((read_views(content, count)?, None));
    }
    let mut reader = Reader::new(content);
    reader.tuple(2)?;
    let views = views_of(&mut reader, count)?;
    let start = reader.position();
    let source = Source::decode(&mut reader)?;
    let bytes = reader.since(start);
    reader.leave();
    reader.finish()?;
    Ok((views, Some((source, bytes))))
}

/// Reads so many views and nothing else.
pub(crate) fn read_views(content: &[u8], count: usize) -> Result<Vec<ArrivedView<'_>>, CborError> {
    let mut reader = Reader::new(content);
    let views = views_of(&mut reader, count)?;
    reader.finish()?;
    Ok(views)
}

fn views_of<'a>(reader: &mut Reader<'a>, count: usize) -> Result<Vec<ArrivedView<'a>>, CborError> {
    reader.tuple(count)?;
    let mut views = Vec::with_capacity(count);
    for _ in 0..count {
        views.push(ArrivedView::read(reader)?);
    }
    reader.leave();
    Ok(views)
}
