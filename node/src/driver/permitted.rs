//! What waits and may not go any more is withdrawn, and so is what would go out next: nobody may have it now, and its number must not hold
//! others up. Own records may not go while their agreement is suspended; what is passed on may not where it would not be passed on today.
//!
//! What was accepted before stays accepted; what is under way may still arrive, and the recipient says by its receipt which of the two
//! it was.

use std::collections::BTreeSet;

use luxor_protocol::cbor::Decode;
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{Channel, DispatchHeader, Lane};
use luxor_protocol::names::MemberId;
use luxor_protocol::time::Day;

use super::onward::grants;
use super::{Driver, Shared, WithdrawError, now};
use crate::store::{SentRow, StoreError};

/// Dispatches looked at in one step.
const AT_ONCE: usize = 1_000;

impl Driver {
    /// Withdraws what waits for a receipt and may not go any more.
    pub(super) async fn withdraw_forbidden(self) {
        let directory = self.shared.directory();
        let suspends = |member: &MemberId| {
            directory.suspension(member).is_some_and(|(_, suspension)| !suspension.agreements.is_empty())
        };
        let suspended = directory.charter().members.iter().any(|member| suspends(&member.id));
        // Nearly always there is nothing to be looked for.
        if !suspended && !self.shared.store.passes_on().unwrap_or(true) {
            return;
        }
        let mut after: Option<(Channel, u64)> = None;
        loop {
            let (shared, directory, from) = (self.shared.clone(), directory.clone(), after.clone());
            let looked = self.work(Lane::Urgent, move || {
                let rows = shared.store.outbox(from.as_ref().map(|(channel, number)| (channel, *number)), AT_ONCE)?;
                let last = rows.last().map(|row| (row.channel.clone(), row.number));
                let mut forbidden = Vec::new();
                for row in rows {
                    if let Err(why) = allowed(&shared, &directory, &row.sent, now().day())? {
                        forbidden.push((row.channel, row.number, why));
                    }
                }
                Ok::<_, StoreError>((last, forbidden))
            });
            let (last, forbidden) = match looked.await {
                Some(Ok(looked)) => looked,
                Some(Err(error)) => {
                    return tracing::error!(%error, "the outbox was not looked through for what may not go any more");
                }
                None => return,
            };
            let Some(last) = last else { return };
            after = Some(last);
            for (channel, number, why) in forbidden {
                match self.withdraw(channel.clone(), number).await {
                    Ok(_) => tracing::info!(%channel, number, why, "withdrawn"),
                    // Its receipt came meanwhile.
                    Err(WithdrawError::Settled { .. } | WithdrawError::Unknown { .. }) => {}
                    Err(error) => {
                        return tracing::warn!(%error, why, "a dispatch that may not go any more was not withdrawn");
                    }
                }
            }
        }
    }

    /// Whether what has this number may go out now, or why not; `None` when the node is stopping.
    pub(super) async fn may_go(
        &self,
        channel: &Channel,
        number: u64,
    ) -> Result<Option<Result<(), String>>, StoreError> {
        let Some(sent) = self.shared.store.sent(channel, number)? else { return Ok(Some(Ok(()))) };
        let directory = self.shared.directory();
        match waiting(&sent) {
            Some(header) if header.source.is_some() => {}
            Some(header) => return Ok(Some(own(&directory, &header))),
            None => return Ok(Some(Ok(()))),
        }
        let shared = self.shared.clone();
        self.work(channel.lane, move || allowed(&shared, &directory, &sent, now().day())).await.transpose()
    }
}

/// Whether a dispatch may go by these documents, or why not.
pub(super) fn allowed(
    shared: &Shared,
    directory: &Directory,
    sent: &SentRow,
    today: Day,
) -> Result<Result<(), String>, StoreError> {
    match waiting(sent) {
        Some(header) if header.source.is_some() => passed_on(shared, directory, sent.entry, &header, today),
        Some(header) => Ok(own(directory, &header)),
        None => Ok(Ok(())),
    }
}

/// The header of a dispatch that is not withdrawn: a withdrawal always may go.
fn waiting(sent: &SentRow) -> Option<DispatchHeader> {
    let waits = sent.withdrawal.is_none();
    waits.then(|| DispatchHeader::from_cbor(&sent.envelope.header).ok()).flatten()
}

/// Own records may go unless one of the two suspends their agreement.
fn own(directory: &Directory, header: &DispatchHeader) -> Result<(), String> {
    let suspends = |member: &MemberId| {
        directory.suspension(member).is_some_and(|(_, word)| word.agreements.contains(&header.agreement))
    };
    match [header.channel.sender.member(), header.channel.recipient.member()].into_iter().find(suspends) {
        Some(member) => Err(format!("{member} has suspended the agreement")),
        None => Ok(()),
    }
}

/// Whether what came so would be passed on today as it was: under the same version, as much of it, for as long.
fn passed_on(
    shared: &Shared,
    directory: &Directory,
    entry: u64,
    header: &DispatchHeader,
    today: Day,
) -> Result<Result<(), String>, StoreError> {
    let store = &shared.store;
    let Some(records) = store.passed_records(entry)? else {
        return Ok(Err("the time for which it may be kept is over".into()));
    };
    let came: BTreeSet<u64> = records.iter().map(|record| record.came.0).collect();
    for entry in came {
        let skeleton = store.skeleton(entry)?;
        let origin = skeleton.map(|came| store.received_header(&came.channel, came.number)).transpose()?.flatten();
        let Some(origin) = origin else { return Ok(Err("where it came from is not known".into())) };
        let to = header.channel.recipient.member();
        // Whether a row with places is about them was decided when they were passed on.
        let grants = match grants(directory, &shared.me.member(), &origin, &to, header.purpose, today, |_| true) {
            Ok((digest, grants)) if digest == header.agreement_digest => grants,
            Ok(_) => return Ok(Err(format!("another version of agreement {} holds", header.agreement))),
            Err(why) => return Ok(Err(why)),
        };
        if !grants.iter().any(|grant| grant.covers(header.view, header.retention_days)) {
            return Ok(Err(format!("agreement {} lets less of it be passed on now", header.agreement)));
        }
    }
    Ok(Ok(()))
}
