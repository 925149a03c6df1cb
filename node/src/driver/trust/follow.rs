//! What the log tells of trusted traders: documents with the times at which they became known, records with tokens, declared uses.
//!
//! At the start everything that is stored is read once, in the order in which it became known; from then on the log is followed as it
//! grows. Declarations are looked through only while somebody is known to hold a number, then also those of [`WATCH_DAYS`] before.
//!
//! Limits: [`ENTRIES_AT_ONCE`], [`MAX_STEPS`], [`WATCH_DAYS`], [`EXPLAINED_DAYS`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use luxor_protocol::document::{Directory, Document};
use luxor_protocol::exchange::{EntryKind, Lane, Skeleton};
use luxor_protocol::names::MemberId;
use luxor_protocol::recognition::{Carried, Proof, Tokens, UpdateError, collect_numbers, declared};
use luxor_protocol::record::{RecordView, SealedRecord, TypeTable, Value};
use luxor_protocol::time::Millis;

use crate::driver::{Driver, Shared, now};
use crate::store::StoreError;
use crate::trust::{Known, TrustError};

/// Entries looked at in one go.
const ENTRIES_AT_ONCE: usize = 256;
/// Moments at which documents became known that are told apart at the start; what came before them counts as known at the first.
const MAX_STEPS: usize = 64;
/// Days for which a use that was declared is watched, and settled ones are remembered.
const WATCH_DAYS: u64 = 30;
/// The type whose records declare uses.
const DECLARATION: &str = "declaration";
/// Days for which it is explained who was recognised, as far as records are still there: customs debts are notified within three years
/// (Union Customs Code, Article 103).
const EXPLAINED_DAYS: u64 = 1_096;
/// How often it is looked for mandates that ended, and forgotten what is over.
const SETTLE_EVERY: Duration = Duration::from_secs(60);

/// How far the log and the documents are followed.
struct Followed {
    /// The next entry.
    next: u64,
    /// The documents that are learned.
    directory: Arc<Directory>,
    /// Entries before, of which the declarations are still to be looked through: the next one, and the first that is not.
    back: Option<(u64, u64)>,
    settled: Instant,
}

impl Driver {
    /// Reads what is stored, then follows the log and the documents until the node stops.
    pub(in crate::driver) async fn follow_trust(self) {
        let from = self.shared.sequencer.latest().size;
        let read = self.read_at_length(move |shared| read_stored(shared, from)).await;
        let Some(directory) = read else { return };
        let followed = Followed { next: from, directory, back: None, settled: Instant::now() };
        self.keep_on(Lane::Urgent, followed, Followed::go).await;
    }
}

impl Followed {
    /// A little further; whether there is more.
    fn go(&mut self, shared: &Shared) -> Result<bool, StoreError> {
        let size = shared.sequencer.latest().size;
        // Documents first: what is in the log below `size` was judged by these, or by earlier ones.
        let directory = shared.directory();
        if !Arc::ptr_eq(&directory, &self.directory) {
            learn(shared, &directory, now());
            self.directory = directory;
        }
        if self.settled.elapsed() >= SETTLE_EVERY {
            self.settled = Instant::now();
            let (now, mut trust) = (now(), shared.trust.write());
            let at = trust.now(now);
            trust.settle(at);
            trust.forget(now.minus_days(WATCH_DAYS), now.minus_days(EXPLAINED_DAYS));
        }
        let begun = self.next;
        if self.next < size {
            self.next = follow_some(shared, &self.directory, self.next, size)?;
        }
        if let Some(since) = begins_to_watch(shared) {
            self.back = Some((first_since(shared, self.next, since)?, self.next));
        }
        if let Some((next, until)) = self.back {
            let next = look_back(shared, next, until)?;
            self.back = (next < until).then_some((next, until));
        }
        Ok(self.next != begun || self.back.is_some())
    }
}

/// Everything that became known below an entry; the documents that were learned last.
fn read_stored(shared: &Shared, below: u64) -> Result<Arc<Directory>, StoreError> {
    let mut steps = steps(shared, below)?.into_iter().peekable();
    let mut entries = BTreeSet::new();
    for table in token_types() {
        let found = shared.store.every(table.name)?;
        entries.extend(found.own.into_iter().chain(found.received).map(|(entry, _)| entry));
    }
    let watched = now().minus_days(WATCH_DAYS);
    for entry in entries.into_iter().filter(|entry| *entry < below) {
        let Some(skeleton) = shared.store.skeleton(entry)? else { continue };
        let Some(moved) = Moved::at(shared, entry, &skeleton)? else { continue };
        let Some(records) = Records::of(shared, &moved)? else { continue };
        while let Some((at, directory)) = steps.next_if(|(at, _)| *at <= records.at) {
            learn(shared, &directory, at);
        }
        if records.tokens.iter().any(|tokens| matches!(tokens, Tokens::Use { .. })) {
            // What was confirmed before is not asked about any more.
            if records.at < watched {
                continue;
            }
            shared.trust.write().settle(records.at);
        }
        records.tell(shared);
    }
    for (at, directory) in steps {
        learn(shared, &directory, at);
    }
    let directory = shared.directory();
    learn(shared, &directory, now());
    if let Some(since) = begins_to_watch(shared) {
        let mut next = first_since(shared, below, since)?;
        while next < below {
            next = look_back(shared, next, below)?;
        }
    }
    shared.trust.write().read = true;
    Ok(directory)
}

/// What the next entries below `size` tell; where to go on.
fn follow_some(shared: &Shared, directory: &Directory, next: u64, size: u64) -> Result<u64, StoreError> {
    let (found, after) = shared.store.dispatches(next, size, ENTRIES_AT_ONCE)?;
    let watched = shared.trust.read().watched_since.is_some();
    for (entry, skeleton) in found {
        // Nearly all dispatches are under agreements that give nothing of the kind, so that their rows need not be read.
        if !may_tell(directory, &skeleton, watched) {
            continue;
        }
        let Some(moved) = Moved::at(shared, entry, &skeleton)? else { continue };
        if Tokens::are_in(moved.table) {
            if let Some(records) = Records::of(shared, &moved)? {
                records.tell(shared);
            }
        } else if watched {
            declare(shared, &moved)?;
        }
    }
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

/// From when on declarations are looked through, where that begins now since a mandate over a number is known.
fn begins_to_watch(shared: &Shared) -> Option<Millis> {
    let begins = |known: &Known| known.watched_since.is_none() && known.has_mandates();
    // Nearly always it does not, so that nobody waits for it.
    if !begins(&shared.trust.read()) {
        return None;
    }
    let since = now().minus_days(WATCH_DAYS);
    shared.trust.write().watched_since = Some(since);
    Some(since)
}

/// Uses that declarations told of before they were watched, some entries further; where to go on.
fn look_back(shared: &Shared, next: u64, until: u64) -> Result<u64, StoreError> {
    let since = shared.trust.read().watched_since;
    let (found, after) = shared.store.dispatches(next, until, ENTRIES_AT_ONCE)?;
    for (entry, skeleton) in found.into_iter().filter(|(_, skeleton)| skeleton.kind == EntryKind::Received) {
        let moved = Moved::at(shared, entry, &skeleton)?;
        if let Some(moved) = moved.filter(|moved| since.is_none_or(|since| moved.at >= since)) {
            declare(shared, &moved)?;
        }
    }
    Ok(if after == next { until } else { after })
}

/// An entry before which no dispatch came or left since a time: times rise but for clocks that were set.
pub(in crate::driver) fn first_since(shared: &Shared, below: u64, since: Millis) -> Result<u64, StoreError> {
    let (mut low, mut high) = (0, below);
    while low < high {
        let middle = low + (high - low) / 2;
        let (found, _) = shared.store.dispatches(middle, high, ENTRIES_AT_ONCE)?;
        let moved = match found.first() {
            Some((entry, skeleton)) => Moved::at(shared, *entry, skeleton)?,
            None => None,
        };
        // Where no dispatch is near, what is behind is looked through as well: that costs time, and loses nothing.
        match moved.filter(|moved| moved.at < since) {
            Some(moved) => low = moved.entry + 1,
            None => high = middle,
        }
    }
    Ok(low)
}

/// A dispatch that came, or left.
struct Moved {
    entry: u64,
    received: bool,
    /// The type of its records.
    table: &'static TypeTable,
    /// When.
    at: Millis,
}

impl Moved {
    /// The one at an entry; none where only its withdrawal came, or nothing is left.
    fn at(shared: &Shared, entry: u64, skeleton: &Skeleton) -> Result<Option<Self>, StoreError> {
        let (channel, number) = (&skeleton.channel, skeleton.number);
        let received = skeleton.kind == EntryKind::Received;
        let found = match skeleton.kind {
            EntryKind::Received => shared.store.arrived(channel, number)?,
            EntryKind::Sent => shared.store.sent_header(channel, number)?.map(|header| {
                let at = header.sent_at;
                (header, at)
            }),
            _ => None,
        };
        Ok(found.map(|(header, at)| Self { entry, received, table: header.batch.header.table, at }))
    }
}

/// Uses of numbers that the records of a received dispatch declare.
fn declare(shared: &Shared, moved: &Moved) -> Result<(), StoreError> {
    let &Moved { entry, received, table, at } = moved;
    if !received || table.name != DECLARATION || table.group("fiscal").is_none() {
        return Ok(());
    }
    let mut found = Vec::new();
    for (place, _, view) in shared.store.payload(entry)? {
        // What was accepted can be read.
        let numbers = collect_numbers(&view).unwrap_or_default();
        let uses = declared(numbers, |group, field| view.field(group, field), at);
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
    entry: u64,
    at: Millis,
    issuer: MemberId,
    own: bool,
    tokens: Vec<Tokens>,
}

impl Records {
    /// Those of a batch of own records, or of a received dispatch; none where they are erased.
    fn of(shared: &Shared, moved: &Moved) -> Result<Option<Self>, StoreError> {
        let &Moved { entry, received, at, .. } = moved;
        if received {
            let views = shared.store.payload(entry)?;
            // All views of a dispatch are of one issuer, or it would have been refused.
            let Some(issuer) = views.first().map(|(_, _, view)| view.header.issuer.clone()) else { return Ok(None) };
            let of = |view: &RecordView| tokens(view.header.table, |group, field| view.field(group, field));
            let tokens = views.iter().filter_map(|(_, _, view)| of(view)).collect();
            return Ok(Some(Self { entry, at, issuer, own: false, tokens }));
        }
        // A batch stands under its first dispatch only.
        let Some(records) = shared.store.batch_records(entry)? else { return Ok(None) };
        let of = |record: &SealedRecord| {
            let content = record.content();
            tokens(content.table(), |group, field| content.field(group, field))
        };
        let tokens = records.iter().filter_map(|(_, record)| of(record)).collect();
        Ok(Some(Self { entry, at, issuer: shared.me.member(), own: true, tokens }))
    }

    /// Takes into account what they tell.
    fn tell(&self, shared: &Shared) {
        let (directory, issuer, entry) = (shared.directory(), &self.issuer, self.entry);
        for tokens in &self.tokens {
            // They were judged when they were taken.
            let carried = match tokens.read(&directory, issuer, self.at, Proof::Given) {
                Ok(carried) => carried,
                Err(error) => {
                    tracing::warn!(%error, %issuer, entry, "a token that is stored tells nothing now");
                    continue;
                }
            };
            if let (true, Carried::Statuses { token, .. }, Tokens::StatusList { token: text, .. }) =
                (self.own, &carried, tokens)
            {
                shared.trust.serve(token, text);
            }
            let taken = shared.trust.write().take(issuer, carried, self.at);
            match taken {
                Ok(()) => {}
                // The same in another order of arrival.
                Err(TrustError::Update(
                    error @ (UpdateError::OlderCredential { .. } | UpdateError::OlderList { .. }),
                )) => tracing::debug!(%error, %issuer, entry, "nothing changes"),
                Err(error) => tracing::warn!(%error, %issuer, entry, "what a record tells of traders does not count"),
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

/// The documents as they were known at each of the last [`MAX_STEPS`] moments at which one came, below an entry; the first one stands for all
/// before it.
fn steps(shared: &Shared, below: u64) -> Result<Vec<(Millis, Arc<Directory>)>, StoreError> {
    let newest = shared.directory();
    let mut by_time: BTreeMap<Millis, Vec<Document>> = BTreeMap::new();
    for (digest, document) in newest.documents() {
        let Some(entry) = shared.store.document_entry(digest)?.filter(|entry| *entry < below) else { continue };
        // The number of an entry about a document is the second in which it came.
        let Some(skeleton) = shared.store.skeleton(entry)? else { continue };
        by_time.entry(Millis(skeleton.number.saturating_mul(1_000))).or_default().push((**document).clone());
    }
    let (mut known, mut steps) = (Vec::new(), Vec::new());
    for (at, documents) in joined(by_time, MAX_STEPS) {
        known.extend(documents);
        // What does not hold without documents that are not kept any longer is left out.
        if let Ok(loaded) = Directory::load(known.clone(), Arc::default()) {
            steps.push((at, Arc::new(loaded.directory)));
        }
    }
    Ok(steps)
}

/// At most so many moments: what came before the last ones counts as known at the first of all.
fn joined<T>(by_time: BTreeMap<Millis, Vec<T>>, most: usize) -> Vec<(Millis, Vec<T>)> {
    let joined = by_time.len().saturating_sub(most);
    let mut moments: Vec<(Millis, Vec<T>)> = Vec::with_capacity(most);
    for (nth, (at, came)) in by_time.into_iter().enumerate() {
        match moments.first_mut().filter(|_| nth <= joined) {
            Some((_, first)) => first.extend(came),
            None => moments.push((at, came)),
        }
    }
    moments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_beyond_the_last_ones_count_as_the_first_of_all() {
        let moments = |count: u64| -> BTreeMap<Millis, Vec<u64>> { (0..count).map(|n| (Millis(n), vec![n])).collect() };
        assert_eq!(joined(moments(0), 3), []);
        assert_eq!(joined(moments(3), 3), [0, 1, 2].map(|n| (Millis(n), vec![n])));
        assert_eq!(joined(moments(5), 3), [(Millis(0), vec![0, 1, 2]), (Millis(3), vec![3]), (Millis(4), vec![4])]);
    }
}
