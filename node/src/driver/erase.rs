//! Erasing: by date, every hour and at the start; by order, at once. And the last steps of both: what shared a key with what is gone is written
//! anew under another, then the key is destroyed with its wrapping key.
//!
//! One erasure is under way at a time. Each step is one commit with the `erased` entries about it, or one change of the key files; whatever
//! step is the last before a crash, the next run finds what is left to be done: entries that are due, keys that are retired, keys under which
//! nothing is left.
//!
//! Not here: which rows go with what ([`crate::store::Erasing`]); the key files ([`crate::keyring`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::exchange::{Channel, EntryKind, ErasedBody, Ground, Lane, Named, Opening, Skeleton};
use luxor_protocol::hash::{Digest, Domain};
use luxor_protocol::limits::MAX_RETENTION_DAYS;
use luxor_protocol::record::Names;
use luxor_protocol::time::{Day, Millis};

use super::deletions::is_owed;
use super::holds::Holds;
use super::{Driver, DriverError, Message, Shared, now};
use crate::entropy::opening;
use crate::keyring::{DataKey, Kind};
use crate::sequencer::Committed;
use crate::store::{Erasing, HoldRow, RepairKey, Store, StoreError, Under, Write};

/// Entries looked at for one commit.
const ENTRIES_AT_ONCE: usize = 256;
/// Rows written anew, or answers erased, in one commit.
const ROWS_AT_ONCE: usize = 64;
/// Bytes of one commit, after which it takes no more.
const BYTES_AT_ONCE: usize = 4 * 1024 * 1024;
/// Bytes of the words of an order or a hold.
const MAX_GROUND_BYTES: usize = 2_000;
/// How often it is looked for what is due.
const EVERY: Duration = Duration::from_secs(3_600);
/// How often, and how many times, it is looked whether a key is still in use.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 250;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErasedNow {
    /// Entries of which nothing is left but the skeleton.
    pub entries: u64,
    /// Records gone beside them.
    pub records: u64,
    /// Entries that are due and held.
    pub held: u64,
    /// Keys destroyed.
    pub keys: u64,
    /// Keys that are still in use, and are destroyed at the next run.
    pub keys_in_use: u64,
    /// Attached files gone.
    pub attachments: u64,
    /// Indexes of the `erased` entries.
    pub logged: Vec<u64>,
}

/// Why nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Nothing here has this reference.
    #[error(
        "no record here has the reference or item id '{0}'\nhint: it may be erased already; `luxor show` looks for it"
    )]
    Unknown(String),
    /// A hold keeps it.
    #[error(
        "'{item}' is held: hold {hold} since {since}: {ground}\nhint: nothing held is erased; `luxor hold release` ends a hold"
    )]
    Held {
        /// What was to be erased.
        item: String,
        /// The hold.
        hold: u64,
        /// Since when.
        since: Day,
        /// Its ground.
        ground: String,
    },
    /// The order has no words, or too many.
    #[error("an order to erase has a ground of 1 to 2000 bytes")]
    Ground,
    /// There is no such hold.
    #[error("there is no hold {0}\nhint: `luxor hold list` shows those in force")]
    NoHold(u64),
    /// No agreement has this name.
    #[error("no agreement here is called '{0}'")]
    NoAgreement(String),
    /// Something came under several versions of an agreement that is not among the documents here.
    #[error(
        "something came under {count} versions of agreement '{agreement}', which is no document here\nhint: name each version by its digest; one is {first}"
    )]
    Versions {
        /// The agreement.
        agreement: String,
        /// How many.
        count: usize,
        /// One of them.
        first: Digest,
    },
    /// The node is stopping, or failed.
    #[error("the node is stopping")]
    Stopping,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is erased together, by what its `erased` entry is about, and whether the sender is owed the word.
type ByChannel = BTreeMap<(Digest, Channel, bool), Vec<Named>>;

/// One step: what goes, and what the log says of it.
#[derive(Default)]
struct Step {
    erasing: Erasing,
    named: ByChannel,
    /// The last entry looked at.
    last: Option<(Day, u64)>,
    done: ErasedNow,
}

impl Driver {
    /// Erases what is due by `today` and not held, and finishes what was begun before.
    ///
    /// # Errors
    /// [`EraseError`].
    pub async fn erase_due(&self, today: Day) -> Result<ErasedNow, EraseError> {
        let _turn = self.erasing.lock().await;
        let holds = self.holding().await?;
        let mut done = ErasedNow::default();
        let mut touched: Option<(u64, u64)> = None;
        let mut after = None;
        loop {
            let (shared, holds) = (self.shared.clone(), holds.clone());
            let step = self.on_worker(move || entries_due(&shared, &holds, after, today)).await?;
            let Some(last) = step.last else { break };
            after = Some(last);
            for named in step.named.values().flatten() {
                let (first, last) = touched.unwrap_or((named.entry, named.entry));
                touched = Some((first.min(named.entry), last.max(named.entry)));
            }
            self.take_step(step, Ground::Retention, None, today, &mut done).await?;
        }
        for kind in [Kind::Own, Kind::Answers, Kind::Repairs] {
            for key in self.shared.store.keyring().keys() {
                if key.bucket().kind == kind && key.bucket().day <= today {
                    self.erase_bucket(&key, &holds, today, &mut done).await?;
                }
            }
        }
        self.erase_attached(today, &mut done).await?;
        self.finish(today, &mut done).await?;
        if let Some((first, last)) = touched {
            let shared = self.shared.clone();
            self.on_worker(move || {
                shared.store.compact(first, last);
                Ok(())
            })
            .await?;
        }
        Ok(done)
    }

    /// Erases every record with this reference or item id, before its date.
    ///
    /// # Errors
    /// [`EraseError`]; what is held is not erased.
    pub async fn erase_item(&self, item: &str, ground: &str, now: Millis) -> Result<ErasedNow, EraseError> {
        let reference = words_of(ground)?;
        let _turn = self.erasing.lock().await;
        let holds = self.holding().await?;
        let (shared, wanted) = (self.shared.clone(), item.to_owned());
        let step = self.on_worker_or(move || order(&shared, &holds, &wanted)).await?;
        let mut done = ErasedNow::default();
        self.take_step(step, Ground::Order, Some(reference), now.day(), &mut done).await?;
        self.finish(now.day(), &mut done).await?;
        Ok(done)
    }

    /// Looks for what is due every hour, and at the start.
    pub(super) async fn erase_regularly(self) {
        loop {
            match self.erase_due(now().day()).await {
                Ok(done) if done.entries + done.records + done.keys + done.attachments > 0 => {
                    let ErasedNow { entries, records, held, keys, attachments, .. } = done;
                    tracing::info!(entries, records, held, keys, attachments, "erased what was due");
                }
                Ok(_) => {}
                Err(EraseError::Store(error)) => return drop(self.mailbox.send(Message::Failed(error.into()))),
                Err(error) => {
                    tracing::warn!(%error, "nothing was erased");
                    return;
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    pub(super) async fn holding(&self) -> Result<Arc<Holds>, EraseError> {
        let shared = self.shared.clone();
        self.on_worker(move || Ok(Arc::new(Holds::read(&shared.store)?))).await
    }

    /// Own records, answers, or refused records, of a bucket whose day has come.
    async fn erase_bucket(
        &self,
        key: &Arc<DataKey>,
        holds: &Arc<Holds>,
        today: Day,
        done: &mut ErasedNow,
    ) -> Result<(), EraseError> {
        let (mut after, id) = (None, key.id());
        loop {
            let (shared, holds) = (self.shared.clone(), holds.clone());
            let (step, last) = self.on_worker(move || batches_due(&shared, &holds, id, after)).await?;
            self.take_step(step, Ground::Retention, None, today, done).await?;
            if last.is_none() {
                return Ok(());
            }
            after = last;
        }
    }

    /// Attached files whose rows are under a key whose day has come: those that no record names go, others go on under a later one.
    async fn erase_attached(&self, today: Day, done: &mut ErasedNow) -> Result<(), EraseError> {
        for key in self.shared.store.keyring().keys() {
            if key.bucket().kind == Kind::Holds || key.bucket().day > today {
                continue;
            }
            let (mut after, id) = (Some(Under::Attached.before_all()), key.id());
            while after.is_some() {
                let (shared, from) = (self.shared.clone(), after);
                let (step, last) = self.on_worker(move || attached_under(&shared, id, from)).await?;
                self.take_step(step, Ground::Retention, None, today, done).await?;
                after = last;
            }
        }
        Ok(())
    }

    /// Writes anew what is under retired keys, and destroys those that nothing is under any more.
    async fn finish(&self, today: Day, done: &mut ErasedNow) -> Result<(), EraseError> {
        let mut seen = BTreeSet::new();
        loop {
            let mut retiring = self.shared.store.keyring().retiring();
            retiring.retain(|key| seen.insert(key.id()));
            if retiring.is_empty() {
                break;
            }
            // Whoever took a key before it was retired commits what is under it first.
            self.unused(&retiring).await?;
            for key in retiring {
                loop {
                    let (shared, id) = (self.shared.clone(), key.id());
                    let step = self.on_worker(move || rows_left(&shared, id)).await?;
                    if step.erasing.is_empty() || !self.take_step(step, Ground::Retention, None, today, done).await? {
                        break;
                    }
                }
            }
            // An attached file that went with the last of its records may have stood under another key, which is retired now.
        }
        let mut empty = Vec::new();
        let retiring: Vec<u64> = self.shared.store.keyring().retiring().iter().map(|key| key.id()).collect();
        for key in self.shared.store.keyring().keys() {
            // A hold ends by word, not by date; its key is without a row only where its release was broken off.
            let is_hold = key.bucket().kind == Kind::Holds;
            if !is_hold && key.bucket().day > today && !retiring.contains(&key.id()) {
                continue;
            }
            match self.shared.store.under(key.id(), 1)?.is_empty() {
                true => empty.push(key),
                false => done.keys_in_use += u64::from(retiring.contains(&key.id())),
            }
        }
        let mut gone = Vec::new();
        for (key, unused) in empty.iter().zip(self.unused(&empty).await?) {
            // Looked at again: what was under way when it was looked at first is there now.
            match unused && self.shared.store.under(key.id(), 1)?.is_empty() {
                true => gone.push(key.id()),
                false => done.keys_in_use += u64::from(retiring.contains(&key.id())),
            }
        }
        drop(empty);
        if !gone.is_empty() {
            done.keys += gone.len() as u64;
            let shared = self.shared.clone();
            self.on_worker(move || shared.store.keyring().destroy(&gone).map_err(StoreError::from)).await?;
        }
        Ok(())
    }

    /// Waits until nothing on its way to the disk is under each of these keys, a while at most; whether so.
    async fn unused(&self, keys: &[Arc<DataKey>]) -> Result<Vec<bool>, EraseError> {
        let keyring = self.shared.store.keyring();
        let mut unused = vec![false; keys.len()];
        for _ in 0..LOOKS {
            keys.iter().zip(&mut unused).for_each(|(key, unused)| *unused |= !keyring.in_use(key));
            if unused.iter().all(|unused| *unused) {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        if unused.contains(&true) {
            // What was staged before is written once this comes back.
            self.commit(Vec::new(), Vec::new()).await?;
        }
        Ok(unused)
    }

    /// Commits a step with its `erased` entries; tells whether anything was written.
    async fn take_step(
        &self,
        step: Step,
        ground: Ground,
        reference: Option<Digest>,
        on: Day,
        done: &mut ErasedNow,
    ) -> Result<bool, EraseError> {
        let Step { erasing, named, done: more, .. } = step;
        done.entries += more.entries;
        done.records += more.records;
        done.held += more.held;
        let (turn, mut erasing) = self.settle_attached(erasing).await?;
        if erasing.is_empty() {
            return Ok(false);
        }
        let files = erasing.take_files();
        // Before anything goes: whatever stays under the same key, since it is held, must come under another, also after a crash.
        let (shared, ids) = (self.shared.clone(), erasing.keys());
        self.on_worker(move || shared.store.keyring().retire(&ids).map_err(StoreError::from)).await?;
        let time = now();
        let mut entries = Vec::with_capacity(named.len());
        let mut writes = vec![Write::Erased(Box::new(erasing))];
        for ((agreement, channel, owed), mut named) in named {
            if owed {
                writes.push(Write::DeletionOwed { channel: channel.clone(), entry: entries.len() });
            }
            named.sort_by_key(|named| named.entry);
            let due = time.day().plus(MAX_RETENTION_DAYS);
            let skeleton = Skeleton { kind: EntryKind::Erased, agreement, channel, number: time.0 / 1_000, due };
            let body = ErasedBody { ground, on, reference, erased: named }.to_cbor();
            entries.push(opening(&skeleton, body).map_err(|error| self.failed(error.into()))?);
        }
        let count = entries.len() as u64;
        let committed = self.commit(writes, entries).await?;
        done.logged.extend(committed.first..committed.first + count);
        done.attachments += files.len() as u64;
        if !files.is_empty() {
            self.remove_attached(files).await;
        }
        drop(turn);
        Ok(true)
    }

    pub(super) async fn commit(&self, writes: Vec<Write>, entries: Vec<Opening>) -> Result<Committed, EraseError> {
        let committed = self.shared.sequencer.commit_and_wait(writes, entries).await;
        committed.map_err(|error| self.failed(error.into()))
    }

    pub(super) async fn on_worker<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, EraseError> {
        self.on_worker_or(move || job().map_err(EraseError::from)).await
    }

    pub(super) async fn on_worker_or<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, EraseError> + Send + 'static,
    ) -> Result<T, EraseError> {
        self.work(Lane::Ordinary, job).await.unwrap_or(Err(EraseError::Stopping))
    }

    pub(super) fn failed(&self, error: DriverError) -> EraseError {
        // The mailbox only closes when the node stops.
        let _ = self.mailbox.send(Message::Failed(error));
        EraseError::Stopping
    }
}

impl Step {
    fn is_full(&self) -> bool {
        self.erasing.bytes() >= BYTES_AT_ONCE
    }

    fn name(&mut self, shared: &Shared, skeleton: &Skeleton, entry: u64, places: Vec<usize>) -> Result<(), StoreError> {
        let owed = match skeleton.kind {
            EntryKind::Received => match shared.store.received_header(&skeleton.channel, skeleton.number)? {
                Some(header) => is_owed(shared, entry, &header)?,
                None => false,
            },
            _ => false,
        };
        let about = (skeleton.agreement, skeleton.channel.clone(), owed);
        self.named.entry(about).or_default().push(Named { entry, places });
        Ok(())
    }
}

/// What the log says of the words of an order or a hold, which stand nowhere in it.
pub(super) fn words_of(ground: &str) -> Result<Digest, EraseError> {
    match ground.trim().is_empty() || ground.len() > MAX_GROUND_BYTES {
        true => Err(EraseError::Ground),
        false => Ok(Digest::of(Domain::Order, &[ground.as_bytes()])),
    }
}

/// The next entries that are due: what of them goes.
fn entries_due(shared: &Shared, holds: &Holds, after: Option<(Day, u64)>, by: Day) -> Result<Step, StoreError> {
    let store = &shared.store;
    let mut step = Step::default();
    for (day, entry) in store.due(after, by, ENTRIES_AT_ONCE)? {
        if step.is_full() {
            break;
        }
        step.last = Some((day, entry));
        let damaged =
            || StoreError::Damaged { what: format!("the opening of entry {entry}"), error: "not there".into() };
        let skeleton = store.skeleton(entry)?.ok_or_else(damaged)?;
        if holds.of_agreement(&skeleton.agreement).is_some() {
            step.done.held += 1;
            continue;
        }
        let kept = match skeleton.kind {
            EntryKind::Received if !holds.is_empty() => {
                let held = store.look_at(Under::Payload, entry, |item| holds.of_item(item).is_some())?;
                let any = held.iter().any(|(_, held)| *held);
                if any && held.iter().any(|(_, held)| !*held) {
                    // What is not held goes, and the key with it once the rest is under another.
                    let erased = store
                        .rewrite(&mut step.erasing, Under::Payload, entry, |item| holds.of_item(item).is_none())?;
                    step.done.records += erased.len() as u64;
                    step.name(shared, &skeleton, entry, erased)?;
                }
                any
            }
            EntryKind::Sent if !holds.is_empty() => match store.carried(entry, &skeleton)? {
                Some(batch) => store
                    .look_at(Under::Records, batch, |item| holds.of_item(item).is_some())?
                    .iter()
                    .any(|(_, held)| *held),
                None => passes_held(store, holds, entry)?,
            },
            _ => false,
        };
        if kept {
            step.done.held += 1;
            continue;
        }
        store.erase_entry(&mut step.erasing, entry, &skeleton)?;
        step.name(shared, &skeleton, entry, Vec::new())?;
        step.done.entries += 1;
    }
    Ok(step)
}

/// Whether the dispatch of a `sent` entry passes on what is held, by itself or where it came.
fn passes_held(store: &Store, holds: &Holds, entry: u64) -> Result<bool, StoreError> {
    let Some(records) = store.passed_records(entry)? else { return Ok(false) };
    let itself = store.look_at(Under::PassedOn, entry, |item| holds.of_item(item).is_some())?;
    if itself.iter().any(|(_, held)| *held) {
        return Ok(true);
    }
    let came: BTreeSet<(u64, usize)> = records.iter().map(|record| record.came).collect();
    let arrivals: BTreeSet<u64> = came.iter().map(|(arrival, _)| *arrival).collect();
    for arrival in arrivals {
        let held = store.look_at(Under::Payload, arrival, |item| {
            came.contains(&(arrival, item.place)) && holds.of_item(item).is_some()
        })?;
        if held.iter().any(|(_, held)| *held) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Rows under a key of own records, answers or refused records whose day has come, behind `after`; gives the last one looked at, unless it was the last of
/// all.
fn batches_due(
    shared: &Shared,
    holds: &Holds,
    id: u64,
    after: Option<Vec<u8>>,
) -> Result<(Step, Option<Vec<u8>>), StoreError> {
    let store = &shared.store;
    let (mut step, mut last) = (Step::default(), None);
    for (under, row) in store.under_after(id, after.as_deref(), ROWS_AT_ONCE)? {
        if step.is_full() {
            break;
        }
        last = Some(Under::row_after(under, &row));
        // They are looked at under every kind of key.
        if under == Under::Attached {
            continue;
        }
        if under == Under::Repair {
            repair_due(store, holds, &mut step, &row)?;
            continue;
        }
        // Rows of all but answers have the index of an entry for their key.
        let batch = <[u8; 8]>::try_from(row.as_slice()).map(u64::from_be_bytes);
        let (false, Ok(batch)) = (under == Under::Answer, batch) else {
            store.erase_answer(&mut step.erasing, &row)?;
            continue;
        };
        // It goes with its entry, which is due on the same day; where it is still there, that is held.
        if under == Under::PassedOn {
            continue;
        }
        if holds.is_empty() {
            step.done.records += store.erase_batch(&mut step.erasing, batch)?;
            continue;
        }
        let agreements = store.sent_under(batch)?;
        if agreements.iter().any(|(_, agreement)| holds.of_agreement(agreement).is_some()) {
            step.done.held += 1;
            continue;
        }
        let held = store.look_at(under, batch, |item| holds.of_item(item).is_some())?;
        match (held.iter().any(|(_, held)| *held), held.iter().any(|(_, held)| !*held)) {
            (false, _) => step.done.records += store.erase_batch(&mut step.erasing, batch)?,
            (true, false) => step.done.held += 1,
            (true, true) => {
                let erased = store.rewrite(&mut step.erasing, under, batch, |item| holds.of_item(item).is_none())?;
                step.done.records += erased.len() as u64;
                if let Some(skeleton) = store.skeleton(batch)? {
                    step.name(shared, &skeleton, batch, erased)?;
                }
            }
        }
    }
    Ok((step, last))
}

/// A refused record whose day has come goes, unless it is held.
fn repair_due(store: &Store, holds: &Holds, step: &mut Step, row: &[u8]) -> Result<(), StoreError> {
    let key = RepairKey::read(row).filter(|_| !holds.is_empty());
    let names = match key.map(|key| store.repair(&key)).transpose()?.flatten() {
        Some(row) => row.names()?,
        None => Names::default(),
    };
    if holds.of_names(&names).is_some() {
        step.done.held += 1;
        return Ok(());
    }
    store.erase_repair(&mut step.erasing, row)
}

/// Rows of the repair queue whose record has this reference, or was sent as one of these: few enough to look through them all.
fn repairs_named(store: &Store, item: &str, roots: &BTreeSet<Digest>) -> Result<Vec<(RepairKey, Names)>, StoreError> {
    let mut found = Vec::new();
    for settled in [false, true] {
        store.walk_repairs(settled, |key, row| {
            let names = row.names()?;
            if names.has_reference(item) || row.root.is_some_and(|root| roots.contains(&root)) {
                found.push((key, names));
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// Rows of attached files under a key, behind `after`; gives the last one looked at, unless there is none.
fn attached_under(shared: &Shared, id: u64, after: Option<Vec<u8>>) -> Result<(Step, Option<Vec<u8>>), StoreError> {
    let (mut step, mut last) = (Step::default(), None);
    for (under, row) in shared.store.under_after(id, after.as_deref(), ROWS_AT_ONCE)? {
        last = Some(Under::row_after(under, &row));
        if let (Under::Attached, Ok(digest)) = (under, <[u8; 32]>::try_from(row.as_slice())) {
            step.erasing.touch_attached(Digest(digest));
        }
    }
    Ok((step, last))
}

/// Rows that are left under a retired key, written anew.
fn rows_left(shared: &Shared, id: u64) -> Result<Step, StoreError> {
    let store = &shared.store;
    let mut step = Step::default();
    for (under, row) in store.under(id, ROWS_AT_ONCE)? {
        if step.is_full() {
            break;
        }
        if let (Under::Attached, Ok(digest)) = (under, <[u8; 32]>::try_from(row.as_slice())) {
            step.erasing.touch_attached(Digest(digest));
        }
        if under == Under::Repair {
            store.move_repair(&mut step.erasing, &row)?;
        }
        if let (Under::Payload | Under::Records | Under::PassedOn, Ok(entry)) =
            (under, <[u8; 8]>::try_from(row.as_slice()))
        {
            store.rewrite(&mut step.erasing, under, u64::from_be_bytes(entry), |_| false)?;
        }
    }
    Ok(step)
}

/// Why an item is not erased.
fn held_by(item: &str, hold: u64, row: &HoldRow) -> EraseError {
    EraseError::Held { item: item.to_owned(), hold, since: row.since, ground: row.ground.clone() }
}

/// What an order to erase an item takes away; the keys it is under are retired when this returns.
fn order(shared: &Shared, holds: &Holds, item: &str) -> Result<Step, EraseError> {
    let store = &shared.store;
    let found = store.find(item)?;
    let mut places: BTreeMap<(Under, u64), Vec<usize>> = BTreeMap::new();
    let all = [(Under::Records, &found.own), (Under::Payload, &found.received), (Under::PassedOn, &found.passed)];
    for (under, found) in all {
        found.iter().for_each(|(entry, place)| places.entry((under, *entry)).or_default().push(*place));
    }
    let mut roots = BTreeSet::new();
    for ((_, entry), places) in places.iter().filter(|((under, _), _)| *under == Under::Records) {
        let all = store.look_at(Under::Records, *entry, |item| item.root)?;
        roots.extend(all.into_iter().filter(|(place, _)| places.contains(place)).map(|(_, root)| root));
    }
    let repairs = repairs_named(store, item, &roots)?;
    if places.is_empty() && repairs.is_empty() {
        return Err(EraseError::Unknown(item.to_owned()));
    }
    if let Some((hold, row)) = repairs.iter().find_map(|(_, names)| holds.of_names(names)) {
        return Err(held_by(item, hold, row));
    }
    for ((under, entry), places) in &places {
        let held = store.look_at(*under, *entry, |item| holds.of_item(item).map(|(hold, _)| hold))?;
        let mut held = held.into_iter().filter(|(place, _)| places.contains(place)).find_map(|(_, hold)| hold);
        let agreements = match under {
            Under::Records => store.sent_under(*entry)?.into_iter().map(|(_, agreement)| agreement).collect(),
            _ => store.skeleton(*entry)?.map(|skeleton| skeleton.agreement).into_iter().collect::<Vec<_>>(),
        };
        held = held
            .or_else(|| agreements.iter().find_map(|agreement| holds.of_agreement(agreement)).map(|(hold, _)| hold));
        if let Some((hold, row)) = held.and_then(|hold| Some((hold, holds.get(hold)?))) {
            return Err(held_by(item, hold, row));
        }
    }
    let mut step = Step::default();
    for (key, _) in &repairs {
        store.erase_repair(&mut step.erasing, &key.bytes())?;
        // What was sent is counted where it stands.
        step.done.records += u64::from(key.dispatch.is_none());
    }
    for ((under, entry), places) in places {
        let erased = store.rewrite(&mut step.erasing, under, entry, |item| places.contains(&item.place))?;
        // Of what was passed on only the names stood there.
        step.done.records += if under == Under::PassedOn { 0 } else { erased.len() as u64 };
        if let Some(skeleton) = store.skeleton(entry)? {
            step.name(shared, &skeleton, entry, erased)?;
        }
    }
    Ok(step)
}
