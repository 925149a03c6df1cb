//! What the log tells of trusted traders: documents with the times at which they became known, records with tokens, declared uses.
//!
//! At the start everything that is stored is read once, in the order in which it became known; from then on the log is followed as it
//! grows. Declarations are looked through only while somebody is known to hold a number, then also those of [`WATCH_DAYS`] before.
//!
//! Limits: [`LOOK`], [`ENTRIES_AT_ONCE`], [`MAX_STEPS`], [`WATCH_DAYS`], [`EXPLAINED_DAYS`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{EntryKind, Lane, Skeleton};
use luxor_protocol::names::MemberId;
use luxor_protocol::recognition::{Carried, Proof, Tokens, collect_numbers, declared};
use luxor_protocol::record::{RecordView, TypeTable, Value};
use luxor_protocol::time::Millis;

use crate::driver::{Driver, DriverError, Message, Shared, now};
use crate::store::StoreError;
use crate::trust::TrustError;

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Entries looked at in one go.
const ENTRIES_AT_ONCE: usize = 256;
/// Moments at which documents became known that are told apart at the start; what came before them counts as known at the first.
const MAX_STEPS: usize = 64;
/// Days for which a use that was declared is watched, and settled ones are remembered.
const WATCH_DAYS: u64 = 30;
/// The type whose records declare uses.
const DECLARATION: &str = "declaration";
/// Milliseconds of a day.
const DAY: u64 = 86_400_000;
/// Days for which it is explained who was recognised, as far as records are still there: customs debts are notified within three years
/// (Union Customs Code, Article 103).
const EXPLAINED_DAYS: u64 = 1_096;
/// How often it is looked for mandates that ended, and forgotten what is over.
const SETTLE_EVERY: Duration = Duration::from_secs(60);

/// Where a record with tokens stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// An own one: batch and place.
    Own(u64, usize),
    /// A received one: entry and place.
    Received(u64, usize),
}

impl Driver {
    /// Reads what is stored, then follows the log and the documents until the node stops.
    pub(in crate::driver) async fn follow_trust(self) {
        let mut known = self.shared.watch_known();
        let from = self.shared.sequencer.latest().size;
        let shared = self.shared.clone();
        // A worker may not be kept for as long as this takes.
        let read = tokio::task::spawn_blocking(move || read_stored(&shared, from)).await;
        match read {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return drop(self.mailbox.send(Message::Failed(error.into()))),
            Err(_) => return drop(self.mailbox.send(Message::Failed(DriverError::Worker))),
        }
        let (mut next, mut settled) = (from, tokio::time::Instant::now());
        loop {
            if known.has_changed().unwrap_or(false) {
                let directory = known.borrow_and_update().directory.clone();
                let shared = self.shared.clone();
                let learned = self.work(Lane::Urgent, move || learn(&shared, &directory, now())).await;
                if learned.is_none() {
                    return;
                }
            }
            let shared = self.shared.clone();
            match self.work(Lane::Urgent, move || follow_some(&shared, next)).await {
                Some(Ok(after)) if after != next => {
                    next = after;
                    continue;
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return drop(self.mailbox.send(Message::Failed(error.into()))),
                None => return,
            }
            if settled.elapsed() >= SETTLE_EVERY {
                settled = tokio::time::Instant::now();
                let (now, mut trust) = (now(), self.shared.trust.write());
                let before = |days: u64| Millis(now.0.saturating_sub(days * DAY));
                trust.settle(now);
                trust.forget(before(WATCH_DAYS), before(EXPLAINED_DAYS));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Everything that became known below an entry.
fn read_stored(shared: &Shared, below: u64) -> Result<(), StoreError> {
    let mut steps = steps(shared, below)?.into_iter().peekable();
    let mut places = Vec::new();
    for table in token_types() {
        let found = shared.store.every(table.name)?;
        places.extend(found.own.into_iter().map(|(batch, at)| (batch, Place::Own(batch, at))));
        places.extend(found.received.into_iter().map(|(entry, at)| (entry, Place::Received(entry, at))));
    }
    places.retain(|(entry, _)| *entry < below);
    places.sort_unstable();
    places.dedup();
    let mut last: Option<(u64, Records)> = None;
    for (entry, place) in places {
        if last.as_ref().is_none_or(|(of, _)| *of != entry) {
            last = Records::at(shared, entry)?.map(|records| (entry, records));
        }
        let Some((_, records)) = last.as_ref().filter(|(of, _)| *of == entry) else { continue };
        while let Some((at, directory)) = steps.next_if(|(at, _)| *at <= records.at) {
            learn(shared, &directory, at);
        }
        let at = match place {
            Place::Own(_, at) | Place::Received(_, at) => at,
        };
        records.tell(shared, Some(at));
    }
    for (at, directory) in steps {
        learn(shared, &directory, at);
    }
    let directory = shared.directory();
    learn(shared, &directory, now());
    shared.trust.write().settle(now());
    watch(shared, below)?;
    shared.trust.write().read = true;
    Ok(())
}

/// What the next entries tell; where to go on.
fn follow_some(shared: &Shared, next: u64) -> Result<u64, StoreError> {
    if shared.sequencer.latest().size <= next {
        return Ok(next);
    }
    let (found, after) = shared.store.dispatches(next, ENTRIES_AT_ONCE)?;
    let (directory, watched) = (shared.directory(), shared.trust.read().watched_since.is_some());
    for (entry, skeleton) in found {
        // Nearly all dispatches are under agreements that give nothing of the kind, so that their rows need not be read.
        if !may_tell(&directory, &skeleton, watched) {
            continue;
        }
        let Some(of_type) = type_of(shared, &skeleton)? else { continue };
        if Tokens::are_in(of_type) {
            if let Some(records) = Records::at(shared, entry)? {
                records.tell(shared, None);
            }
        } else if skeleton.kind == EntryKind::Received && watched {
            declare_at(shared, entry, of_type, None)?;
        }
    }
    watch(shared, after)?;
    Ok(after)
}

/// Whether an agreement gives records with tokens, or declarations where these are watched. Of what was passed on this node may not know it.
fn may_tell(directory: &Directory, skeleton: &Skeleton, watched: bool) -> bool {
    let gives = |name: &str| (watched && name == DECLARATION) || token_types().any(|table| table.name == name);
    directory.agreement(&skeleton.agreement).is_none_or(|of| of.flows.iter().any(|flow| gives(&flow.type_name)))
}

/// The types whose records have tokens.
fn token_types() -> impl Iterator<Item = &'static TypeTable> {
    luxor_protocol::record::tables().filter(|table| Tokens::are_in(table))
}

/// Begins to look through declarations, and through those before, once somebody is known to hold a number.
fn watch(shared: &Shared, below: u64) -> Result<(), StoreError> {
    {
        let mut trust = shared.trust.write();
        if trust.watched_since.is_some() || !trust.uses.has_holders() {
            return Ok(());
        }
        trust.watched_since = Some(Millis(now().0.saturating_sub(WATCH_DAYS * DAY)));
    }
    let since = Millis(now().0.saturating_sub(WATCH_DAYS * DAY));
    let mut next = first_since(shared, below, since)?;
    while next < below {
        let (found, after) = shared.store.dispatches(next, ENTRIES_AT_ONCE)?;
        for (entry, skeleton) in found {
            if entry >= below || skeleton.kind != EntryKind::Received {
                continue;
            }
            if let Some(of_type) = type_of(shared, &skeleton)? {
                declare_at(shared, entry, of_type, Some(since))?;
            }
        }
        if after == next {
            break;
        }
        next = after;
    }
    Ok(())
}

/// An entry before which nothing came since a time, by the times of what was received: they rise but for clocks that were set.
fn first_since(shared: &Shared, below: u64, since: Millis) -> Result<u64, StoreError> {
    let (mut low, mut high) = (0, below);
    while low < high {
        let middle = low + (high - low) / 2;
        let Some((entry, skeleton)) = shared.store.inbox(middle, 1)?.into_iter().next().filter(|(at, _)| *at < high)
        else {
            high = middle;
            continue;
        };
        match shared.store.received(&skeleton.channel, skeleton.number)? {
            Some(row) if row.at < since => low = entry + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The type of the records in a dispatch; none of what was withdrawn.
fn type_of(shared: &Shared, skeleton: &Skeleton) -> Result<Option<&'static TypeTable>, StoreError> {
    let (channel, number) = (&skeleton.channel, skeleton.number);
    let header = match skeleton.kind {
        EntryKind::Received => shared.store.received_header(channel, number)?,
        EntryKind::Sent => shared.store.sent_header(channel, number)?,
        _ => None,
    };
    Ok(header.map(|header| header.batch.header.table))
}

/// Uses of numbers that the records of a received dispatch declare, where they came since a time.
fn declare_at(shared: &Shared, entry: u64, of_type: &TypeTable, since: Option<Millis>) -> Result<(), StoreError> {
    let declares = of_type.name == DECLARATION && of_type.group("fiscal").is_some();
    let Some(skeleton) = shared.store.skeleton(entry)?.filter(|_| declares) else { return Ok(()) };
    let Some(row) = shared.store.received(&skeleton.channel, skeleton.number)? else { return Ok(()) };
    if since.is_some_and(|since| row.at < since) {
        return Ok(());
    }
    let mut found = Vec::new();
    for (place, _, view) in shared.store.payload(entry)? {
        // What was accepted can be read.
        let numbers = collect_numbers(&view).unwrap_or_default();
        let uses = declared(numbers, |group, field| view.field(group, field), row.at);
        found.extend(uses.into_iter().map(|of| (of, place)));
    }
    let mut trust = shared.trust.write();
    for (of, place) in found {
        if let Err(error) = trust.declare(&of, entry, place) {
            tracing::warn!(%error, entry, "a declared use of a number is not watched");
        }
    }
    Ok(())
}

/// Records with tokens that stand together.
struct Records {
    at: Millis,
    issuer: MemberId,
    own: bool,
    tokens: Vec<(usize, Tokens)>,
}

impl Records {
    /// Those of a batch of own records, or of a received dispatch; none where they are erased.
    fn at(shared: &Shared, entry: u64) -> Result<Option<Self>, StoreError> {
        let store = &shared.store;
        let Some(skeleton) = store.skeleton(entry)? else { return Ok(None) };
        let (channel, number) = (&skeleton.channel, skeleton.number);
        match skeleton.kind {
            EntryKind::Received => {
                let Some(row) = store.received(channel, number)? else { return Ok(None) };
                let views = store.payload(entry)?;
                let Some(issuer) = views.first().map(|(_, _, view)| view.header.issuer.clone()) else {
                    return Ok(None);
                };
                let of = |view: &RecordView| tokens(view.header.table, |group, field| view.field(group, field));
                let tokens = views.iter().filter_map(|(place, _, view)| Some((*place, of(view)?))).collect();
                Ok(Some(Self { at: row.at, issuer, own: false, tokens }))
            }
            EntryKind::Sent => {
                let Some(header) = store.sent_header(channel, number)? else { return Ok(None) };
                // A batch stands under its first dispatch only.
                let Some(records) = store.batch_records(entry)? else { return Ok(None) };
                let tokens = records.iter().filter_map(|(place, record)| {
                    let content = record.content();
                    Some((*place, tokens(content.table(), |group, field| content.field(group, field))?))
                });
                let tokens = tokens.collect();
                Ok(Some(Self { at: header.sent_at, issuer: shared.me.member(), own: true, tokens }))
            }
            _ => Ok(None),
        }
    }

    /// Takes into account what they tell, or one of them.
    fn tell(&self, shared: &Shared, only: Option<usize>) {
        let directory = shared.directory();
        for (_, tokens) in self.tokens.iter().filter(|(place, _)| only.is_none_or(|only| only == *place)) {
            // They were judged when they were taken; only keys that are gone from the card since cannot be found.
            let carried = match tokens.read(&directory, &self.issuer, self.at, Proof::Given) {
                Ok(carried) => carried,
                Err(error) => {
                    tracing::debug!(%error, issuer = %self.issuer, "a token that is stored tells nothing now");
                    continue;
                }
            };
            let mut trust = shared.trust.write();
            if let (true, Carried::Statuses { token, .. }, Tokens::StatusList { token: text, .. }) =
                (self.own, &carried, tokens)
            {
                trust.serve(token, text);
            }
            match trust.take(carried, self.at) {
                Ok(()) => {}
                Err(TrustError::Update(error)) => tracing::debug!(%error, issuer = %self.issuer, "nothing changes"),
                Err(error) => tracing::warn!(%error, issuer = %self.issuer, "a confirmation of use does not count"),
            }
        }
    }
}

fn tokens(table: &'static TypeTable, field: impl Fn(&str, &str) -> Option<Value>) -> Option<Tokens> {
    Tokens::of(table, field).ok().flatten()
}

fn learn(shared: &Shared, directory: &Directory, at: Millis) {
    if let Err(error) = shared.trust.write().learn(directory, at) {
        tracing::warn!(%error, "not everything that documents say of trusted traders is taken into account");
    }
}

/// The documents as they were known at each of the last [`MAX_STEPS`] moments at which one came, below an entry.
fn steps(shared: &Shared, below: u64) -> Result<Vec<(Millis, Arc<Directory>)>, StoreError> {
    let newest = shared.directory();
    let mut by_time: BTreeMap<Millis, Vec<luxor_protocol::document::Document>> = BTreeMap::new();
    for (digest, document) in newest.documents() {
        let Some(entry) = shared.store.document_entry(digest)?.filter(|entry| *entry < below) else { continue };
        // The number of an entry about a document is the second in which it came.
        let Some(skeleton) = shared.store.skeleton(entry)? else { continue };
        by_time.entry(Millis(skeleton.number.saturating_mul(1_000))).or_default().push((**document).clone());
    }
    let joined = by_time.len().saturating_sub(MAX_STEPS);
    let (mut known, mut steps) = (Vec::new(), Vec::new());
    for (nth, (at, documents)) in by_time.into_iter().enumerate() {
        known.extend(documents);
        if nth < joined {
            continue;
        }
        // What does not hold without documents that are not kept any longer is left out.
        if let Ok(loaded) = Directory::load(known.clone(), Arc::default()) {
            steps.push((at, Arc::new(loaded.directory)));
        }
    }
    Ok(steps)
}
