//! Records of others passed on: what is wanted is found among what came (`choose`), decided by the agreements of today (`decide`), cut,
//! proven (`pack`), and goes out by the ordinary outbox under a batch of this node.
//!
//! What was passed on already is told by the index, so the same wish again changes nothing. One wish is worked on at a time, to its end even
//! if whoever asked has gone; and nothing is erased between what is chosen and what is durable.
//!
//! Not here: what an agreement lets pass on ([`luxor_protocol::document`]), what the last recipient checks
//! ([`luxor_protocol::exchange::Source`]): every source is checked by that here too, before it goes.

mod choose;
mod decide;
mod pack;

use std::collections::BTreeMap;
use std::time::Duration;

use luxor_protocol::api::{OnwardOutcome, OnwardRecord, OnwardResult};
use luxor_protocol::exchange::Lane;
use luxor_protocol::hash::Digest;
use luxor_protocol::names::{MemberId, Purpose};
use luxor_protocol::time::Millis;

use super::logs::is_witnessed;
use super::{Driver, DriverError, Shared, SubmitError, now};
use crate::engine::{PreparedBatch, PreparedChunk};
use choose::Choosing;
pub(super) use decide::grants;
use pack::Packing;

/// How long a receipt that no quorum covers yet is waited for, and how often it is looked for.
const WITNESS_WAIT: Duration = Duration::from_secs(10);
const WITNESS_EVERY: Duration = Duration::from_millis(100);

/// A wish to pass records on.
#[derive(Debug, Clone)]
pub struct Onward {
    /// Roots of the records, each once.
    pub roots: Vec<Digest>,
    /// Who is to get them.
    pub to: MemberId,
    /// What for.
    pub purpose: Purpose,
    /// Names of the groups; none for all that the agreement lets pass on and that were received.
    pub groups: Vec<String>,
    /// The lane.
    pub lane: Lane,
}

impl Driver {
    /// Passes records on: decided, stored and on its way when this returns, an answer for each record.
    ///
    /// # Errors
    /// [`SubmitError`] when nothing was decided.
    pub async fn pass_on(&self, wish: Onward) -> Result<OnwardResult, SubmitError> {
        let turn = self.passing.clone().lock_owned().await;
        let driver = self.clone();
        // In a task of its own: whoever asked may go, and no other wish may begin before what was begun is durable.
        let task = tokio::spawn(async move {
            let _turn = turn;
            driver.pass_on_whole(wish).await
        });
        task.await.unwrap_or(Err(SubmitError::Stopping))
    }

    async fn pass_on_whole(&self, wish: Onward) -> Result<OnwardResult, SubmitError> {
        self.wait_for_quorum(&wish).await?;
        // Until it is durable: what is erased meanwhile would go out all the same.
        let _kept = self.erasing.lock().await;
        let (lane, shared) = (wish.lane, self.shared.clone());
        let (result, batches) = self.on_lane(lane, move || prepare(&shared, &wish, now())).await?;
        if batches.is_empty() {
            return Ok(result);
        }
        self.send_out(PreparedChunk::again(lane, batches)).await?;
        Ok(result)
    }

    /// Waits a while for a quorum to cover this node's receipts for what would be passed on now.
    async fn wait_for_quorum(&self, wish: &Onward) -> Result<(), SubmitError> {
        let (shared, wish) = (self.shared.clone(), wish.clone());
        let lane = wish.lane;
        let newest = self.on_lane(lane, move || {
            let directory = shared.directory();
            Choosing::new(&shared, &directory, &wish, now().day()).newest()
        });
        let Some(newest) = newest.await? else { return Ok(()) };
        let deadline = tokio::time::Instant::now() + WITNESS_WAIT;
        loop {
            let shared = self.shared.clone();
            let witnessed = self.on_lane(lane, move || Ok(is_witnessed(&shared, newest)?)).await?;
            if witnessed || tokio::time::Instant::now() >= deadline {
                return Ok(());
            }
            tokio::time::sleep(WITNESS_EVERY).await;
        }
    }
}

fn prepare(shared: &Shared, wish: &Onward, now: Millis) -> Result<(OnwardResult, Vec<PreparedBatch>), DriverError> {
    let directory = shared.directory();
    let mut choosing = Choosing::new(shared, &directory, wish, now.day());
    let mut wanted = choosing.wanted()?;
    let mut outcomes: BTreeMap<Digest, OnwardOutcome> = BTreeMap::new();
    let mut batches = Vec::new();
    // What cannot be proven from where it came first is looked for where it came later.
    while !wanted.is_empty() {
        let mut unproven = Vec::new();
        for (sort, records) in choosing.choose(&mut wanted, &mut outcomes)? {
            let packing = match Packing::new(&choosing, &sort, now) {
                Ok(packing) => packing,
                Err(why) => {
                    unproven.extend(records.into_iter().map(|(record, wanted)| (record, wanted, why.clone())));
                    continue;
                }
            };
            for part in packing.parts(records) {
                let (packed, rest) = packing.pack_what_holds(part);
                for (batch, records) in packed {
                    batches.push(batch);
                    outcomes.extend(records.iter().map(|record| (record.root, record.outcome(&sort))));
                }
                unproven.extend(rest);
            }
        }
        for (_, mut again, why) in unproven {
            again.denied(OnwardOutcome::Refused { reason: why });
            wanted.push(again);
        }
    }
    let records = wish.roots.iter().filter_map(|root| {
        let outcome = outcomes.remove(root)?;
        Some(OnwardRecord { root: root.hex(), outcome })
    });
    let records = records.collect();
    Ok((OnwardResult { records, dispatches: batches.len() as u64 }, batches))
}
