//! Ranges of attached files for other nodes: who was shown the group that names a file, in a dispatch that is neither withdrawn, due nor
//! erased and whose agreement nobody has suspended, may have its bytes.
//!
//! One range at a time for each node, and one is read and sealed at a time, on a thread beside the workers.

use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::exchange::EntryKind;
use luxor_protocol::exchange::{Answer, AttachmentRange, Channel, DispatchHeader, ErrorCode, Lack, ShownIn, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;
use luxor_protocol::record::ATTACHMENTS_GROUP;
use luxor_protocol::time::Millis;

use super::{AttachError, Attached, named};
use crate::driver::permitted::allowed;
use crate::driver::{Driver, Shared, now};
use crate::net::{Permit, Reply as NetReply};
use crate::store::{AttachedRow, FileState, StoreError};

impl Driver {
    /// Answers another node's request for a range.
    pub(in crate::driver) fn attachment_read(
        &self,
        peer: NodeRef,
        digest: Digest,
        shown_in: ShownIn,
        offset: u64,
        permit: Permit,
        reply: NetReply,
    ) {
        let Some(taken) = self.attached.serving.take(&peer) else {
            let answer = Answer::later(Lack::Capacity, "attached files go out one range at a time to each node");
            return self.shared.respond(reply, &answer);
        };
        let driver = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            // It is closed by nobody.
            let _turn = driver.attached.sealing.clone().acquire_owned().await.ok();
            let (shared, attached, node) = (driver.shared.clone(), driver.attached.clone(), peer);
            let read = move || answer(&shared, &attached, &node, &digest, shown_in, offset, now());
            let answer = if reply.is_closed() { Err(AttachError::Stopping) } else { driver.beside(read).await };
            drop(taken);
            match answer {
                Ok(answer) => driver.shared.respond(reply, &answer),
                Err(AttachError::Stopping) => {}
                Err(error) => {
                    tracing::error!(%error, %digest, "an attached file cannot be given");
                    let answer = Answer::later(Lack::Capacity, "the file cannot be read here now");
                    driver.shared.respond(reply, &answer);
                }
            }
        });
    }
}

fn answer(
    shared: &Shared,
    attached: &Attached,
    peer: &NodeRef,
    digest: &Digest,
    shown_in: ShownIn,
    offset: u64,
    now: Millis,
) -> Result<Answer, AttachError> {
    let row = match judge(shared, peer, digest, shown_in, now)? {
        Ok(row) => row,
        Err(answer) => return Ok(answer),
    };
    if offset >= row.size {
        return Ok(Answer::error(ErrorCode::NotThere, format!("the file has {} bytes", row.size)));
    }
    let bytes = attached.files.read(named(digest, &row), offset)?;
    let known = shared.known();
    let Some(recipient) = known.recipients.get(peer) else {
        return Ok(Answer::later(Lack::Card, format!("the seal key of {peer}")));
    };
    let AttachedRow { size, outline, .. } = row;
    match recipient.seal(&AttachmentRange { size, outline, bytes }.to_cbor()) {
        Ok(sealed) => Ok(Answer::Attachment(sealed)),
        Err(error) => {
            tracing::error!(%error, %digest, "a range of an attached file cannot be sealed");
            Ok(Answer::later(Lack::Capacity, "the file cannot be sealed here now"))
        }
    }
}

/// The row of a file that this node was shown, or what to answer. That there is none, or none for it, is the same answer.
fn judge(
    shared: &Shared,
    peer: &NodeRef,
    digest: &Digest,
    ShownIn { epoch, lane, number }: ShownIn,
    now: Millis,
) -> Result<Result<AttachedRow, Answer>, StoreError> {
    let (store, directory) = (&shared.store, shared.directory());
    let channel = Channel { sender: shared.me.clone(), recipient: peer.clone(), epoch, lane };
    let detail = format!("number {number} of {channel} gives no such file");
    let not_there = || Ok(Err(Answer::error(ErrorCode::NotThere, &detail)));
    let Some(sent) = store.sent(&channel, number)?.filter(|sent| sent.withdrawal.is_none()) else { return not_there() };
    let header = DispatchHeader::from_cbor(&sent.envelope.header)
        .map_err(|e| StoreError::Damaged { what: format!("the header of {detail}"), error: e.to_string() })?;
    let group = header.batch.header.table.group(ATTACHMENTS_GROUP);
    let due = header.sent_at.day().plus(header.retention_days);
    if !group.is_some_and(|(at, _)| header.view.has(at)) || due <= now.day() {
        return not_there();
    }
    let out = [&shared.me.member(), &peer.member()].into_iter().any(|member| directory.active(member).is_none());
    if out {
        return Ok(Err(Answer::later(Lack::Membership, "both must take part")));
    }
    if let Err(why) = allowed(shared, &directory, &sent, now.day())? {
        return Ok(Err(Answer::later(Lack::Suspended, why)));
    }
    let naming = store.naming(digest)?;
    let names = match store.passed_records(sent.entry)? {
        Some(records) => {
            let came = |entry, place| records.iter().any(|record| record.came == (entry, place));
            naming.iter().any(|naming| !naming.own && came(naming.entry, naming.place))
        }
        None => {
            let skeleton = Skeleton { kind: EntryKind::Sent, agreement: header.agreement_digest, channel, number, due };
            let batch = store.carried(sent.entry, &skeleton)?;
            naming.iter().any(|naming| naming.own && Some(naming.entry) == batch)
        }
    };
    if !names {
        return not_there();
    }
    match store.attached(digest)? {
        Some((_, row)) if row.state == FileState::Here => Ok(Ok(row)),
        _ => Ok(Err(Answer::later(Lack::Capacity, "the file is not here yet"))),
    }
}
