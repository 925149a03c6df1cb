//! What threat platforms may read is kept up from the log: each dispatch of indicators that came or left is read once, from the first
//! entry to the newest.
//!
//! In memory stand identifiers, versions, dates and places; records are read from the store when a page is told, so what is erased
//! or is proven to be signed by a thief is not told. It costs memory for every indicator, so it begins where it is wanted: the listener
//! is configured, or somebody asks for figures of it. Not here: what a collection holds ([`luxor_protocol::threats::shelf`]), HTTP.
//! Limits: [`ENTRIES_AT_ONCE`], [`luxor_protocol::limits::MAX_SHELF_VERSIONS`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use luxor_protocol::api::SignatureMark;
use luxor_protocol::exchange::{EntryKind, Lane, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::Slug;
use luxor_protocol::record::{GroupSet, INDICATOR, RecordView, view_to_json};
use luxor_protocol::threats::Indicator;
use luxor_protocol::threats::shelf::{Item, Lot, Place, Query, Shelf};
use luxor_protocol::time::Micros;
use serde_json::Value as Json;
use tokio::sync::watch;

use super::logs::mark;
use super::{Driver, Shared};
use crate::store::StoreError;

/// Entries looked at in one go.
const ENTRIES_AT_ONCE: usize = 64;

/// What is kept up, guarded.
#[derive(Debug)]
pub struct KeptShelf {
    shelf: Mutex<Shelf>,
    /// The next entry of the log.
    followed: AtomicU64,
    read: AtomicBool,
    wanted: watch::Sender<bool>,
}

/// Objects of a collection, and the last one behind which there are more.
pub struct Told {
    /// They, each with what it is.
    pub objects: Vec<(Item, Json)>,
    /// Whether there are more behind them.
    pub more: bool,
}

impl KeptShelf {
    /// Empty; nothing is read before it is wanted.
    pub(super) fn new(network: Digest) -> Self {
        Self {
            shelf: Mutex::new(Shelf::new(network)),
            followed: AtomicU64::new(0),
            read: AtomicBool::new(false),
            wanted: watch::Sender::new(false),
        }
    }

    /// Asks that it be kept up.
    pub fn want(&self) {
        self.wanted.send_if_modified(|wanted| !std::mem::replace(wanted, true));
    }

    /// Whether everything that was stored when it began is read.
    pub fn is_read(&self) -> bool {
        self.read.load(Ordering::Relaxed)
    }

    /// The next entry of the log that it looks at; nothing while nobody wants it.
    pub fn followed(&self) -> Option<u64> {
        self.wanted.borrow().then(|| self.followed.load(Ordering::Relaxed))
    }

    /// What is kept up.
    pub fn kept(&self) -> MutexGuard<'_, Shelf> {
        // Whoever panicked left whole versions behind.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// Once the shelf is wanted: reads what is stored, then follows the log until the node stops.
    pub(super) async fn follow_shelf(self) {
        // The sender is here, so it is never gone.
        let _ = self.shared.shelf.wanted.subscribe().wait_for(|wanted| *wanted).await;
        let whole = self.shared.sequencer.latest().size;
        self.keep_on(Lane::Ordinary, 0, move |next, shared| go(shared, next, whole)).await;
    }
}

/// A little further from an entry; whether there is more.
fn go(shared: &Shared, next: &mut u64, whole: u64) -> Result<bool, StoreError> {
    let size = shared.sequencer.latest().size;
    let (found, after) = shared.store.dispatches(*next, size, ENTRIES_AT_ONCE)?;
    for (entry, skeleton) in found {
        match skeleton.kind {
            EntryKind::Received => received(shared, entry, &skeleton)?,
            EntryKind::Sent => sent(shared, entry, &skeleton)?,
            _ => {}
        }
    }
    *next = after;
    let shelf = &shared.shelf;
    shelf.followed.store(after, Ordering::Relaxed);
    if after >= whole && !shelf.read.swap(true, Ordering::Relaxed) {
        tracing::info!(entries = after, left_out = ?shelf.kept().left_out(), "indicators for threat platforms are read");
    }
    Ok(after < size)
}

fn received(shared: &Shared, entry: u64, skeleton: &Skeleton) -> Result<(), StoreError> {
    let Some(row) = shared.store.received(&skeleton.channel, skeleton.number)? else { return Ok(()) };
    let Some(header) = row.header()?.filter(|header| *header.batch.header.table == INDICATOR) else { return Ok(()) };
    if is_unproven(shared, entry, skeleton)? {
        return Ok(());
    }
    let views = shared.store.payload(entry)?.into_iter();
    let records = views.filter_map(|(at, _, view)| read(&view, Place { entry, at, own: None })).collect();
    let lot = Lot { agreement: &header.agreement, at: row.at, count: header.batch.header.count, records };
    shared.shelf.kept().take(&lot);
    Ok(())
}

fn sent(shared: &Shared, entry: u64, skeleton: &Skeleton) -> Result<(), StoreError> {
    let header = shared.store.sent_header(&skeleton.channel, skeleton.number)?;
    let Some(header) = header.filter(|header| *header.batch.header.table == INDICATOR) else { return Ok(()) };
    // A batch stands under its first dispatch only; what was passed on stands where it was received.
    let deliveries = shared.store.deliveries(entry)?;
    if deliveries.is_empty() {
        return Ok(());
    }
    let records = shared.store.batch_records(entry)?.unwrap_or_default();
    // Whoever may read the agreement's collection reads what any party gets under it.
    let mut shown: BTreeMap<Slug, GroupSet> = BTreeMap::new();
    for delivery in deliveries {
        let groups = shown.entry(delivery.header.agreement).or_insert(GroupSet::NONE);
        *groups = groups.union(delivery.header.view);
    }
    for (agreement, groups) in shown {
        let placed = records.iter().map(|(at, record)| (Place { entry, at: *at, own: Some(groups) }, record));
        let records = placed.filter_map(|(place, record)| read(&record.view(groups), place)).collect();
        let lot = Lot { agreement: &agreement, at: header.sent_at, count: header.batch.header.count, records };
        shared.shelf.kept().take(&lot);
    }
    Ok(())
}

/// An indicator as far as it is shown; nothing where what it is stays hidden.
fn read(view: &RecordView, place: Place) -> Option<(Place, Indicator)> {
    match Indicator::read(&view.header.issuer, view) {
        Ok(indicator) => Some((place, indicator)),
        Err(error) => {
            tracing::debug!(%error, entry = place.entry, at = place.at, "no indicator for threat platforms");
            None
        }
    }
}

/// Whether it came with the signature of a key that was revoked, and nothing proves that it was good.
fn is_unproven(shared: &Shared, entry: u64, skeleton: &Skeleton) -> Result<bool, StoreError> {
    let Some(row) = shared.store.received(&skeleton.channel, skeleton.number)? else { return Ok(true) };
    Ok(mark(shared, entry, &skeleton.channel.sender, &row.arrival)? == Some(SignatureMark::Unproven))
}

/// A page of a collection, with what is left of its records; nothing where there is no such collection.
///
/// # Errors
/// [`StoreError`].
pub fn page(shared: &Shared, collection: &str, query: &Query) -> Result<Option<Told>, StoreError> {
    let (mut objects, mut after): (Vec<(Item, Json)>, _) = (Vec::new(), query.after());
    loop {
        // The guard goes before the store is read.
        let found = shared.shelf.kept().page(collection, query, after, query.limit - objects.len());
        let Some(found) = found else { return Ok(None) };
        let Some(last) = found.items.last() else { return Ok(Some(Told { objects, more: false })) };
        after = Some(last.added);
        let records = records(shared, &found.items)?;
        let mut gone: Vec<Micros> = Vec::new();
        for item in found.items {
            let left = item.place().and_then(|place| records.get(&(place.entry, place.at)));
            match (item.object(left.and_then(Option::as_ref)), left) {
                (Some(object), _) => objects.push((item, object)),
                // It is there and not told now: a key was revoked.
                (None, Some(None)) => {}
                (None, _) => gone.push(item.added),
            }
        }
        if !gone.is_empty() {
            shared.shelf.kept().gone(collection, &gone);
        }
        if !found.more || objects.len() >= query.limit {
            return Ok(Some(Told { objects, more: found.more }));
        }
    }
}

/// The records of these items by entry and place, in the native JSON form, each entry read once: nothing where it is erased, and
/// `None` where it is not to be told.
fn records(shared: &Shared, items: &[Item]) -> Result<BTreeMap<(u64, usize), Option<Json>>, StoreError> {
    let places: Vec<Place> = items.iter().filter_map(Item::place).collect();
    let entries: BTreeSet<(u64, bool)> = places.iter().map(|place| (place.entry, place.own.is_some())).collect();
    let mut found = BTreeMap::new();
    for (entry, own) in entries {
        let here: BTreeMap<usize, Place> =
            places.iter().filter(|place| place.entry == entry).map(|place| (place.at, *place)).collect();
        if own {
            for (at, record) in shared.store.batch_records(entry)?.unwrap_or_default() {
                if let Some(groups) = here.get(&at).and_then(|place| place.own) {
                    let view = record.view(groups);
                    found.insert((entry, at), Some(view_to_json(view.header.table, &view)));
                }
            }
            continue;
        }
        let Some(skeleton) = shared.store.skeleton(entry)? else { continue };
        let hidden = is_unproven(shared, entry, &skeleton)?;
        let last = here.keys().next_back().copied().unwrap_or_default();
        for (at, _, view) in shared.store.views(entry, last)? {
            if here.contains_key(&at) {
                found.insert((entry, at), (!hidden).then(|| view_to_json(view.header.table, &view)));
            }
        }
    }
    Ok(found)
}
