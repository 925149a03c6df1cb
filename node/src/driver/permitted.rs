//! What waits under an agreement that is suspended is withdrawn: nobody may have it now, and its number must not hold others up.
//!
//! What was accepted before stays accepted; what is under way may still arrive, and the recipient says by its receipt which of the two
//! it was.

use luxor_protocol::cbor::Decode;
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{Channel, DispatchHeader, Lane};

use super::{Driver, WithdrawError};
use crate::store::OutboxRow;

/// Dispatches looked at in one step.
const AT_ONCE: usize = 1_000;

impl Driver {
    /// Withdraws what waits for a receipt under agreements that are suspended now.
    pub(super) async fn withdraw_suspended(self) {
        let directory = self.shared.directory();
        if !directory.charter().members.iter().any(|member| {
            directory.suspension(&member.id).is_some_and(|(_, suspension)| !suspension.agreements.is_empty())
        }) {
            return;
        }
        let mut after: Option<(Channel, u64)> = None;
        loop {
            let (shared, from) = (self.shared.clone(), after.clone());
            let rows = self.work(Lane::Urgent, move || {
                shared.store.outbox(from.as_ref().map(|(channel, number)| (channel, *number)), AT_ONCE)
            });
            let rows = match rows.await {
                Some(Ok(rows)) => rows,
                Some(Err(error)) => {
                    return tracing::error!(%error, "the outbox was not looked through for suspended agreements");
                }
                None => return,
            };
            let Some(last) = rows.last() else { return };
            after = Some((last.channel.clone(), last.number));
            for row in rows.into_iter().filter(|row| is_suspended(&directory, row)) {
                match self.withdraw(row.channel.clone(), row.number).await {
                    Ok(_) => {
                        tracing::info!(channel = %row.channel, number = row.number, "withdrawn: its agreement is suspended")
                    }
                    // Its receipt came meanwhile.
                    Err(WithdrawError::Settled { .. } | WithdrawError::Unknown { .. }) => {}
                    Err(error) => {
                        return tracing::warn!(%error, "a dispatch under a suspended agreement was not withdrawn");
                    }
                }
            }
        }
    }
}

fn is_suspended(directory: &Directory, row: &OutboxRow) -> bool {
    if row.sent.withdrawal.is_some() {
        return false;
    }
    let Ok(header) = DispatchHeader::from_cbor(&row.sent.envelope.header) else { return false };
    let suspends =
        |member| directory.suspension(&member).is_some_and(|(_, word)| word.agreements.contains(&header.agreement));
    // Of what is passed on the agreement is the issuer's, and the recipient is no party to it.
    let other = header.source.unwrap_or_else(|| header.channel.recipient.member());
    suspends(header.channel.sender.member()) || suspends(other)
}
