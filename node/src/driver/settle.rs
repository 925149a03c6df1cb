//! What settles or reopens numbers: withdrawals, dispatches that are sent again, sealed bytes that are dropped.

use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::exchange::{
    Channel, DispatchHeader, EntryKind, Lane, Opening, Request, SentBody, Skeleton, Withdrawal, WithdrawalHeader,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::time::Millis;
use tokio::sync::oneshot;

use super::{Driver, DriverError, Message, Shared, now};
use crate::engine::{Input, PreparedWithdrawal, Reloaded};
use crate::store::{SentRow, StoreError};

/// Days for which sealed bytes are kept after their receipt, to serve a recipient that lost its disk.
const RESEND_DAYS: u64 = 7;
/// Dispatches dropped in one write.
const PURGED_AT_ONCE: usize = 1_024;

/// Why a number was not withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawError {
    /// Nothing was sent under it.
    #[error("number {number} of {channel} was never given")]
    Unknown {
        /// The channel.
        channel: Channel,
        /// The number.
        number: u64,
    },
    /// It has its receipt, or was withdrawn before.
    #[error("number {number} of {channel} has its receipt, or is withdrawn already")]
    Settled {
        /// The channel.
        channel: Channel,
        /// The number.
        number: u64,
    },
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Driver {
    /// Withdraws a dispatch that has no receipt; the withdrawal is durable and on its way when this returns. Gives the
    /// dispatch's digest.
    ///
    /// # Errors
    /// [`WithdrawError`].
    pub async fn withdraw(&self, channel: Channel, number: u64) -> Result<Digest, WithdrawError> {
        let unknown = || WithdrawError::Unknown { channel: channel.clone(), number };
        let sent = self.shared.store.sent(&channel, number)?.ok_or_else(unknown)?;
        let settled = || WithdrawError::Settled { channel: channel.clone(), number };
        if sent.withdrawal.is_some() {
            return Err(settled());
        }
        let digest = sent.envelope.digest();
        let (shared, out) = (self.shared.clone(), channel.clone());
        let prepared = self.work(Lane::Urgent, move || prepare(&shared, &out, number, sent, now())).await;
        let withdrawal = match prepared.ok_or(WithdrawError::Stopping)? {
            Ok(withdrawal) => Box::new(withdrawal),
            Err(error) => {
                let _ = self.mailbox.send(Message::Failed(error));
                return Err(WithdrawError::Stopping);
            }
        };
        let (answer, answered) = oneshot::channel();
        let message = Message::Withdraw { answer, channel: channel.clone(), number, withdrawal };
        self.mailbox.send(message).map_err(|_| WithdrawError::Stopping)?;
        match answered.await {
            Ok(true) => Ok(digest),
            Ok(false) => Err(settled()),
            Err(_) => Err(WithdrawError::Stopping),
        }
    }

    /// Withdraws a number whose sealed bytes are gone.
    pub(super) fn withdraw_gone(&self, channel: Channel, number: u64) {
        let driver = self.clone();
        tokio::spawn(async move {
            let (shared, out) = (driver.shared.clone(), channel.clone());
            let prepared = driver.work(channel.lane, move || {
                let sent = shared.store.sent(&out, number)?;
                let sent = sent.ok_or_else(|| DriverError::Own(format!("number {number} of {out} is not stored")))?;
                prepare(&shared, &out, number, sent, now())
            });
            match prepared.await {
                Some(Ok(withdrawal)) => {
                    let withdrawal = Box::new(withdrawal);
                    driver.input(Input::Withdraw { token: None, channel, number, withdrawal });
                }
                Some(Err(error)) => drop(driver.mailbox.send(Message::Failed(error))),
                None => {}
            }
        });
    }

    /// Reads dispatches again that are to be sent again.
    pub(super) fn reload(&self, channel: Channel, after: u64, count: u64) {
        let driver = self.clone();
        tokio::spawn(async move {
            let (shared, out) = (driver.shared.clone(), channel.clone());
            match driver.work(channel.lane, move || reload(&shared, &out, after, count)).await {
                Some(Ok(dispatches)) => driver.input(Input::Reloaded { channel, dispatches }),
                Some(Err(error)) => drop(driver.mailbox.send(Message::Failed(error))),
                None => {}
            }
        });
    }

    /// Drops sealed bytes that nobody can ask for any more.
    pub(super) async fn purge(&self) {
        let before = now().day().minus(RESEND_DAYS);
        loop {
            let shared = self.shared.clone();
            let purged = self.work(Lane::Ordinary, move || shared.store.purge_settled(before, PURGED_AT_ONCE)).await;
            match purged {
                Some(Ok(purged)) => {
                    if purged.dispatches > 0 {
                        tracing::info!(dispatches = purged.dispatches, %before, "dropped sealed bytes");
                    }
                    if !purged.more {
                        return;
                    }
                }
                Some(Err(error)) => return drop(self.mailbox.send(Message::Failed(error.into()))),
                None => return,
            }
        }
    }
}

fn prepare(
    shared: &Shared,
    channel: &Channel,
    number: u64,
    sent: SentRow,
    now: Millis,
) -> Result<PreparedWithdrawal, DriverError> {
    let header = header_of(channel, number, &sent)?;
    let dispatch = sent.envelope.digest();
    let withdrawal = WithdrawalHeader {
        network: header.network,
        channel: channel.clone(),
        number,
        dispatch,
        agreement: header.agreement_digest,
        withdrawn_at: now,
    };
    let withdrawal = Withdrawal::sign(&withdrawal, &shared.secrets().sign);
    let opening = opening(EntryKind::Withdrawn, channel, number, &header, dispatch)?;
    let request = Request::Withdrawal(withdrawal.clone()).to_cbor();
    Ok(PreparedWithdrawal { sent_entry: sent.entry, envelope: sent.envelope, withdrawal, request, opening })
}

fn reload(shared: &Shared, channel: &Channel, after: u64, count: u64) -> Result<Vec<Reloaded>, DriverError> {
    let again = |(number, sent, bytes): (u64, SentRow, u64)| {
        let header = header_of(channel, number, &sent)?;
        let agreement = if sent.withdrawal.is_some() { Digest::ZERO } else { header.agreement_digest };
        let opening = opening(EntryKind::Resent, channel, number, &header, sent.envelope.digest())?;
        Ok(Reloaded { number, bytes, agreement, opening })
    };
    shared.store.sent_after(channel, after, count)?.into_iter().map(again).collect()
}

fn header_of(channel: &Channel, number: u64, sent: &SentRow) -> Result<DispatchHeader, DriverError> {
    DispatchHeader::from_cbor(&sent.envelope.header)
        .map_err(|e| DriverError::Own(format!("number {number} of {channel}: {e}")))
}

fn opening(
    kind: EntryKind,
    channel: &Channel,
    number: u64,
    header: &DispatchHeader,
    dispatch: Digest,
) -> Result<Opening, DriverError> {
    let due = header.sent_at.day().plus(header.retention_days);
    let skeleton = Skeleton { kind, agreement: header.agreement_digest, channel: channel.clone(), number, due };
    Ok(crate::entropy::opening(&skeleton, SentBody { dispatch }.to_cbor())?)
}
