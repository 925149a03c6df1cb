//! Several nodes of one member: what waits for one of them goes to another.
//!
//! A dispatch is sealed to one node. To send its records to another one they go out again, as the same records under the same signed
//! batch with a number in the other channel, and then the first dispatch is withdrawn: in this order, so that a crash in between loses
//! nothing. Until the first node answers, both may have them, and their roots tell that they are the same.
//!
//! Not here: to which node something goes at first (`route`).

use luxor_protocol::cbor::{Decode, Writer};
use luxor_protocol::document::{Ask, KnownNode};
use luxor_protocol::exchange::{Channel, DispatchHeader, EntryKind, Skeleton};
use luxor_protocol::names::NodeRef;
use luxor_protocol::record::SealedRecord;
use luxor_protocol::time::Millis;

use super::{Driver, DriverError, Shared, SubmitError, WithdrawError, now};
use crate::engine::{Delivery, Kept, PreparedBatch, PreparedChunk};
use crate::store::{NamedRecord, OutboxRow};

/// Dispatches looked at in one call; whoever wants more asks again.
const AT_ONCE: usize = 256;

/// What became of what waited.
#[derive(Debug, Default)]
pub struct Redirected {
    /// Dispatches that go to the other node now.
    pub dispatches: u64,
    /// Their records.
    pub records: u64,
    /// Dispatches that wait as before, each with the reason.
    pub left: Vec<(Channel, u64, String)>,
    /// The last dispatch looked at, where there may be more.
    pub last: Option<(Channel, u64)>,
}

/// Why nothing was redirected.
#[derive(Debug, thiserror::Error)]
pub enum RedirectError {
    /// They are not two nodes of one other member.
    #[error(
        "{from} and {to} are not two nodes of one other member\nhint: `luxor documents` and `luxor card show` tell the nodes of each"
    )]
    Nodes {
        /// For which it waits.
        from: NodeRef,
        /// To which it was to go.
        to: NodeRef,
    },
    /// No card names the node to which it is to go.
    #[error("no card names {0}\nhint: `luxor documents` lists the cards, `luxor card show` tells the nodes on one")]
    NoCard(NodeRef),
    /// It could not be sent.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// It could not be withdrawn.
    #[error(transparent)]
    Withdraw(#[from] WithdrawError),
}

impl Driver {
    /// Sends what waits for one node of a member to another one of its nodes, and withdraws it at the first; `after` as
    /// [`Redirected::last`]. All that is told as done is durable.
    ///
    /// # Errors
    /// [`RedirectError`]; what was redirected before stays so, and the same call again goes on.
    pub async fn redirect(
        &self,
        from: NodeRef,
        to: NodeRef,
        after: Option<(Channel, u64)>,
    ) -> Result<Redirected, RedirectError> {
        // In a task of its own: whoever asked may go, and what was sent again must be withdrawn.
        let task = tokio::spawn(self.clone().redirect_all(from, to, after));
        task.await.unwrap_or(Err(SubmitError::Stopping.into()))
    }

    async fn redirect_all(
        self,
        from: NodeRef,
        to: NodeRef,
        after: Option<(Channel, u64)>,
    ) -> Result<Redirected, RedirectError> {
        if from == to || from.member() != to.member() || from.member() == self.shared.me.member() {
            return Err(RedirectError::Nodes { from, to });
        }
        // Nothing of it may be erased meanwhile, and one is under way at a time.
        let _one = self.erasing.lock().await;
        let other = self.shared.directory().node(&to).filter(|node| node.belongs()).cloned();
        let other = other.ok_or(RedirectError::NoCard(to))?;
        let rows = self.shared.store.outbox(after.as_ref().map(|(channel, number)| (channel, *number)), AT_ONCE);
        let rows = rows.map_err(SubmitError::from)?;
        let mut done = Redirected::default();
        if rows.len() == AT_ONCE {
            done.last = rows.last().map(|row| (row.channel.clone(), row.number));
        }
        let waits = |row: &OutboxRow| row.channel.recipient == from && row.sent.withdrawal.is_none();
        for row in rows.into_iter().filter(waits) {
            let (channel, number) = (row.channel.clone(), row.number);
            let (shared, node, lane) = (self.shared.clone(), other.clone(), channel.lane);
            let again = self.on_lane(lane, move || again(&shared, &row, &node, now())).await?;
            let again = match again {
                Ok(again) => again,
                Err(reason) => {
                    done.left.push((channel, number, reason));
                    continue;
                }
            };
            if let Some(batch) = again {
                done.records += batch.batch.header.count as u64;
                self.send_out(PreparedChunk::again(lane, vec![batch])).await?;
            }
            done.dispatches += 1;
            match self.withdraw(channel, number).await {
                // Its receipt came meanwhile: then both have it.
                Ok(_) | Err(WithdrawError::Settled { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(done)
    }
}

/// The batch of a dispatch once more, for the other node; nothing where it went there before; or why it cannot go.
fn again(
    shared: &Shared,
    row: &OutboxRow,
    to: &KnownNode,
    now: Millis,
) -> Result<Result<Option<PreparedBatch>, String>, DriverError> {
    let header = DispatchHeader::from_cbor(&row.sent.envelope.header)
        .map_err(|e| DriverError::Own(format!("number {} of {}: {e}", row.number, row.channel)))?;
    let (table, count) = (header.batch.header.table, header.batch.header.count);
    if let Some(issuer) = &header.source {
        return Ok(Err(format!("it passes on what {issuer} issued: withdraw it, then pass that on again")));
    }
    if !to.card.reads(table.name, table.version) {
        return Ok(Err(format!("{} does not read {} version {}", to.node, table.name, table.version)));
    }
    let due = header.sent_at.day().plus(header.retention_days);
    // What is left of the time that it may be kept: another node of the same member gets no more.
    let Some(retention_days) = u64::try_from(due.0.saturating_sub(now.day().0)).ok().filter(|days| *days > 0) else {
        return Ok(Err(format!("it was to be erased by {due}")));
    };
    let directory = shared.directory();
    let ask = Ask {
        type_name: table.name,
        version: table.version,
        from: &shared.me.member(),
        to: &to.member,
        purpose: header.purpose,
        day: now.day(),
    };
    let policy = directory.policy();
    if let Err(denial) = policy.permits(&directory, &ask, &header.agreement_digest, header.view, retention_days) {
        return Ok(Err(format!("agreement {}: {denial}", header.agreement)));
    }
    let skeleton = Skeleton {
        kind: EntryKind::Sent,
        agreement: header.agreement_digest,
        channel: row.channel.clone(),
        number: row.number,
        due,
    };
    let batch = shared.store.carried(row.sent.entry, &skeleton)?;
    let records = batch.map(|batch| shared.store.batch_records(batch)).transpose()?.flatten().unwrap_or_default();
    if records.len() != count {
        return Ok(Err("some of its records are erased here".into()));
    }
    if went(shared, &header, &records, to)? {
        return Ok(Ok(None));
    }
    let (mut content, mut stored, mut one) = (Writer::new(), Writer::new(), Writer::new());
    content.array(count);
    let mut named = Vec::with_capacity(count);
    for (place, record) in &records {
        record.encode_view(header.view, &mut content);
        one.clear();
        record.encode_stored(&mut one);
        stored.bytes(one.as_bytes());
        let (names, attachments) = (record.content().names(), record.content().attachments());
        named.push(NamedRecord { root: record.root(), place: *place, names, attachments });
    }
    let delivery = Delivery {
        recipient: to.node.clone(),
        agreement: (header.agreement, header.agreement_digest),
        purpose: header.purpose,
        view: header.view,
        retention_days,
        source: None,
        content: content.into_bytes(),
    };
    let kept = Kept::Own { records: named, stored: stored.into_array(count), again: true };
    Ok(Ok(Some(PreparedBatch { batch: header.batch, kept, deliveries: vec![delivery] })))
}

/// Whether the records of a dispatch are under way to this node already, or there, as that dispatch would show them.
fn went(
    shared: &Shared,
    header: &DispatchHeader,
    records: &[(usize, SealedRecord)],
    to: &KnownNode,
) -> Result<bool, DriverError> {
    let Some((_, record)) = records.first() else { return Ok(false) };
    for (batch, _) in shared.store.own_places(&record.root())? {
        for delivery in shared.store.deliveries(batch)? {
            let other = &delivery.header;
            let same = other.channel.recipient == to.node
                && other.batch == header.batch
                && (&other.agreement, other.purpose, other.view) == (&header.agreement, header.purpose, header.view);
            let sent = shared.store.sent(&other.channel, other.number)?;
            if same && sent.is_some_and(|sent| sent.withdrawal.is_none()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
