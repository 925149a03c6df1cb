//! The repair queue: refused records wait, are fixed many at once, and go out by the way of every submission.
//!
//! | file | duty |
//! |---|---|
//! | `waiting` | what a submitted chunk puts into the queue and takes out of it |
//! | `rejected` | what a recipient's verdict puts into it |
//! | `look` | groups, entries |
//! | this one | mass fix, giving up |
//!
//! A fixed record is an ordinary submission under the name of the fix: same checks, same routing, same lanes. Its entry is settled in the commit
//! that has the new record, so it is neither resent twice nor lost. Where it was sent before, the new record corrects that one: it goes to
//! everybody who gets it by the agreements now, also to those who took the first.
//!
//! Not here: the rows ([`crate::store::RepairRow`]).

mod look;
mod rejected;
mod waiting;

use std::collections::BTreeMap;

use luxor_protocol::api::{
    ChunkResult, DropRequest, DropResult, FixOutcome, FixRequest, FixResult, FixedRecord, RecordResult, RepairSelection,
};
use luxor_protocol::hash::{Digest, Domain};
use luxor_protocol::limits::{MAX_CHUNK_BYTES, MAX_CHUNK_RECORDS, MAX_REPAIR_PAGE};
use luxor_protocol::record::{Content, Edit, EditError, apply_edits, as_correction, check_edits};

pub use look::{RepairFilter, RepairLook, look_at_repairs, repair_groups};
pub(super) use rejected::rejected;
pub(super) use waiting::Repairing;
pub(super) use waiting::{Waiting, unreadable};

use super::erase::EraseError;
use super::holds::Holds;
use super::{Driver, Shared, Submission, SubmitError, now};
use crate::store::{RepairEnd, RepairKey, RepairRow, Store, StoreError, Write};
use look::{Contents, LOOKED_AT, meant, waiting};
use rejected::told;
use waiting::end_of;

/// Why nothing was fixed or given up.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// Nothing says which records are meant.
    #[error(
        "nothing says which records are meant\nhint: name a rule, a type, a place, a submission or ids, as `luxor repair list` shows them"
    )]
    Nothing,
    /// An edit cannot be read.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The fixed records were not taken.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EraseError> for RepairError {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Store(error) => error.into(),
            _ => Self::Stopping,
        }
    }
}

// A step is one chunk of a submission.
const _: () = assert!(LOOKED_AT <= MAX_CHUNK_RECORDS);

/// Waiting records of one step of a fix.
#[derive(Default)]
struct Chosen {
    /// Ids, contents and rows of those that go.
    ids: Vec<String>,
    contents: Vec<Content>,
    repairing: Vec<Repairing>,
    /// Those that stay as they are, and why.
    unchanged: Vec<(String, String)>,
    /// The last one looked at; none where there are no more.
    last: Option<RepairKey>,
}

impl Driver {
    /// Fixes waiting records and resends them; what does not pass waits on. What was resent is durable and on its way when this returns, and the
    /// same fix again goes on where one was broken off.
    ///
    /// # Errors
    /// [`RepairError`]; what was resent before stays so.
    pub async fn fix(&self, request: FixRequest) -> Result<FixResult, RepairError> {
        if request.which.is_empty() {
            return Err(RepairError::Nothing);
        }
        check_edits(&request.edits)?;
        // In a task of its own: whoever asked may go, and a step that was begun is finished.
        let task = tokio::spawn(self.clone().fix_all(request));
        task.await.unwrap_or(Err(RepairError::Stopping))
    }

    async fn fix_all(self, request: FixRequest) -> Result<FixResult, RepairError> {
        let FixRequest { name, which, edits, lane, dry_run } = request;
        // Nothing of it may be erased meanwhile, and one is under way at a time.
        let _one = self.erasing.lock().await;
        let holds = self.holding().await?;
        let words = serde_json::to_vec(&(&which, &edits, lane)).unwrap_or_default();
        let digest = Digest::of(Domain::Chunk, &[&words]);
        let (shared, before) = (self.shared.clone(), name.clone());
        let (mut chunk, resent) = self.on_worker(move || fixed_before(&shared.store, &before, &digest)).await?;
        if self.shared.store.submission(&name, chunk)?.is_some() {
            return Err(SubmitError::NameUsed { submission: name, chunk }.into());
        }
        let mut done = FixResult { resent, ..FixResult::default() };
        let mut after = None;
        loop {
            let (shared, holds, which, edits) = (self.shared.clone(), holds.clone(), which.clone(), edits.clone());
            let from = after;
            let chosen = self.on_worker(move || choose(&shared, &holds, &which, &edits, from.as_ref())).await?;
            for (id, reason) in chosen.unchanged {
                done.unchanged += 1;
                tell(&mut done, id, FixOutcome::Unchanged { reason });
            }
            if !chosen.contents.is_empty() {
                let submission = Submission {
                    lane,
                    name: name.clone(),
                    chunk,
                    digest,
                    records: chosen.contents.into_iter().map(Ok).collect(),
                    faults: BTreeMap::new(),
                    repairing: chosen.repairing,
                };
                let result = match dry_run {
                    true => self.rehearse(submission).await?,
                    false => self.submit(submission).await?,
                };
                let result: ChunkResult = serde_json::from_slice(&result)
                    .map_err(|e| StoreError::Damaged { what: "an answer".into(), error: e.to_string() })?;
                chunk += 1;
                for (id, record) in chosen.ids.into_iter().zip(result.records) {
                    count(&mut done, id, record, dry_run);
                }
            }
            match chosen.last {
                Some(last) => after = Some(last),
                None => return Ok(done),
            }
        }
    }

    /// Gives waiting records up: nothing of their content is left in the queue. What is held waits on.
    ///
    /// # Errors
    /// [`RepairError`]; what was given up before stays so.
    pub async fn drop_repairs(&self, request: DropRequest) -> Result<DropResult, RepairError> {
        let DropRequest { which, dry_run } = request;
        if which.is_empty() {
            return Err(RepairError::Nothing);
        }
        let _one = self.erasing.lock().await;
        let holds = self.holding().await?;
        let (mut done, mut after) = (DropResult::default(), None);
        loop {
            let (shared, holds, which) = (self.shared.clone(), holds.clone(), which.clone());
            let from: Option<RepairKey> = after;
            let step = self.on_worker(move || give_up(&shared, &holds, &which, from.as_ref())).await?;
            let (writes, held, last) = step;
            done.held += held;
            done.dropped += writes.len() as u64;
            if !writes.is_empty() && !dry_run {
                self.commit(writes, Vec::new()).await?;
            }
            match last {
                Some(last) => after = Some(last),
                None => return Ok(done),
            }
        }
    }
}

fn tell(done: &mut FixResult, id: String, outcome: FixOutcome) {
    if done.records.len() < MAX_REPAIR_PAGE {
        done.records.push(FixedRecord { id, outcome });
    }
}

fn count(done: &mut FixResult, id: String, record: RecordResult, dry_run: bool) {
    let outcome = match record {
        RecordResult::Accepted { root, recipients, others, .. } => {
            done.resent += 1;
            let recipients = recipients + others.iter().map(|other| other.recipients).sum::<usize>();
            FixOutcome::Resent { root: (!dry_run).then_some(root), recipients }
        }
        RecordResult::Refused { fault, pointer, reason, .. } => {
            done.refused += 1;
            FixOutcome::Refused { fault, pointer, reason }
        }
    };
    tell(done, id, outcome);
}

/// Behind which chunk a fix of this name goes on, and how many records it resent before. A chunk of other words ends it: its name is used.
fn fixed_before(store: &Store, name: &str, digest: &Digest) -> Result<(u64, u64), StoreError> {
    let (mut chunk, mut resent) = (0, 0);
    while let Some(row) = store.submission(name, chunk)?.filter(|row| row.digest == *digest) {
        let records = told(&row, name, chunk)?.records;
        resent += records.iter().filter(|record| matches!(record, RecordResult::Accepted { .. })).count() as u64;
        chunk += 1;
    }
    Ok((chunk, resent))
}

/// The next records that are meant, with their edits: as many as fit a chunk.
fn choose(
    shared: &Shared,
    holds: &Holds,
    which: &RepairSelection,
    edits: &[Edit],
    after: Option<&RepairKey>,
) -> Result<Chosen, StoreError> {
    let store = &shared.store;
    let (mut chosen, mut contents, mut bytes) = (Chosen::default(), Contents::default(), 0);
    for key in waiting(store, which, after)? {
        if bytes > MAX_CHUNK_BYTES / 2 {
            break;
        }
        // Several recipients may have refused one record: it is resent once.
        let again = chosen.last.as_ref().or(after).is_some_and(|last| last.attempt == key.attempt);
        chosen.last = Some(key.clone());
        let Some(row) = meant(store, which, &key)?.filter(|_| !again) else { continue };
        let id = key.id();
        match fixed(shared, &mut contents, holds, edits, &key, row)? {
            Ok((content, repairing)) => {
                bytes += content.encoded_bytes();
                chosen.ids.push(id);
                chosen.contents.push(content);
                chosen.repairing.push(repairing);
            }
            Err(reason) => chosen.unchanged.push((id, reason)),
        }
    }
    Ok(chosen)
}

/// One waiting record with its edits, or why there is nothing to be sent.
fn fixed(
    shared: &Shared,
    contents: &mut Contents,
    holds: &Holds,
    edits: &[Edit],
    key: &RepairKey,
    row: RepairRow,
) -> Result<Result<(Content, Repairing), String>, StoreError> {
    let store = &shared.store;
    let Some((content, before)) = contents.of(store, &row)? else {
        return Ok(Err("its content is erased".into()));
    };
    let edited = match apply_edits(&content, edits) {
        Ok(edited) if edited.places > 0 || edits.is_empty() => edited.content,
        Ok(_) => return Ok(Err("no edit finds its place in it".into())),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let is_other = edited != content;
    let (mut going, mut sent) = (edited, Vec::new());
    if let (Some(root), Some(before)) = (&row.root, &before) {
        match as_correction(&going, before.content(), before.header().supersedes.is_some()) {
            Ok(correction) => going = correction,
            Err(error) => return Ok(Err(error.to_string())),
        }
        sent = contents.sent_before(store, &key.attempt, root)?;
    }
    let held = holds.of_names(&content.names()).is_some();
    let mut rows = vec![(key.clone(), row)];
    for other in store.repairs_of(&key.attempt)?.into_iter().filter(|other| other != key) {
        rows.extend(store.repair(&other)?.map(|row| (other, row)));
    }
    Ok(Ok((going, Repairing { rows, sent, edited: is_other, held })))
}

/// The rows of the next waiting records that are given up, how many are held, and the last one looked at.
fn give_up(
    shared: &Shared,
    holds: &Holds,
    which: &RepairSelection,
    after: Option<&RepairKey>,
) -> Result<(Vec<Write>, u64, Option<RepairKey>), StoreError> {
    let store = &shared.store;
    let (mut writes, mut held, mut last) = (Vec::new(), 0, None);
    for key in waiting(store, which, after)? {
        last = Some(key.clone());
        let Some(row) = meant(store, which, &key)? else { continue };
        // What was sent stays among the own records, whatever becomes of it here.
        if !holds.is_empty() && holds.of_names(&row.names()?).is_some() {
            held += 1;
            continue;
        }
        let (settled, row) = end_of(&key, row, RepairEnd::Dropped(now()), false);
        let row = store.seal_repair(&settled, &row)?;
        writes.push(Write::Repair { key: settled, row, instead_of: Some(key) });
    }
    Ok((writes, held, last))
}
