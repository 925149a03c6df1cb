//! What facts of statistics are made of: declarations, records of duty and links, own ones and those that came for purposes that are named.
//!
//! Read from the log, a page at a time. What a key signed of which nothing proves that it was good is passed over. Not here: what is made
//! of them ([`luxor_protocol::statistics::Gather`]).

use std::collections::BTreeSet;

use luxor_protocol::api::{MAX_STATISTICS_PAGE, SignatureMark, StatisticsPage, StatisticsRecord};
use luxor_protocol::exchange::{EntryKind, Skeleton};
use luxor_protocol::names::Purpose;
use luxor_protocol::record::view_to_json;
use luxor_protocol::statistics::{GATHERED_GROUPS, GATHERED_TYPES};
use serde_json::Value;

use super::Shared;
use super::logs::mark;
use crate::store::StoreError;

/// Entries looked at for one page.
const ENTRIES_AT_ONCE: usize = 4_096;

/// A page of them, from an entry of the log on.
///
/// # Errors
/// [`StoreError`].
pub fn gathered(shared: &Shared, from: u64, purposes: &BTreeSet<Purpose>) -> Result<StatisticsPage, StoreError> {
    let size = shared.sequencer.latest().size;
    let (found, mut next) = shared.store.dispatches(from, size, ENTRIES_AT_ONCE)?;
    let mut records = Vec::new();
    for (entry, skeleton) in found {
        if records.len() >= MAX_STATISTICS_PAGE {
            next = entry;
            break;
        }
        match skeleton.kind {
            EntryKind::Received => received(shared, entry, &skeleton, purposes, &mut records)?,
            EntryKind::Sent => sent(shared, entry, &skeleton, &mut records)?,
            _ => {}
        }
    }
    Ok(StatisticsPage { records, next: (next < size).then_some(next) })
}

fn received(
    shared: &Shared,
    entry: u64,
    skeleton: &Skeleton,
    purposes: &BTreeSet<Purpose>,
    records: &mut Vec<StatisticsRecord>,
) -> Result<(), StoreError> {
    let Some(row) = shared.store.received(&skeleton.channel, skeleton.number)? else { return Ok(()) };
    let Some(header) = row.header()? else { return Ok(()) };
    if !purposes.contains(&header.purpose) || !GATHERED_TYPES.contains(&header.batch.header.table.name) {
        return Ok(());
    }
    if mark(shared, entry, &skeleton.channel.sender, &row.arrival)? == Some(SignatureMark::Unproven) {
        return Ok(());
    }
    for (_, root, view) in shared.store.payload(entry)? {
        records.push(StatisticsRecord {
            root: root.hex(),
            issuer: view.header.issuer.clone(),
            supersedes: view.header.supersedes.map(|root| root.hex()),
            at: row.at.0,
            record: cut(view_to_json(view.header.table, &view)),
        });
    }
    Ok(())
}

fn sent(
    shared: &Shared,
    entry: u64,
    skeleton: &Skeleton,
    records: &mut Vec<StatisticsRecord>,
) -> Result<(), StoreError> {
    let header = shared.store.sent_header(&skeleton.channel, skeleton.number)?;
    let Some(header) = header.filter(|header| GATHERED_TYPES.contains(&header.batch.header.table.name)) else {
        return Ok(());
    };
    // A batch stands under its first dispatch only.
    for (_, record) in shared.store.batch_records(entry)?.unwrap_or_default() {
        let (about, table) = (record.header(), record.header().table);
        records.push(StatisticsRecord {
            root: record.root().hex(),
            issuer: about.issuer.clone(),
            supersedes: about.supersedes.map(|root| root.hex()),
            at: header.sent_at.0,
            record: cut(view_to_json(table, &record.view(table.all_groups()))),
        });
    }
    Ok(())
}

/// Leaves what facts are made of.
fn cut(mut record: Value) -> Value {
    let wanted = |name: &str| GATHERED_GROUPS.contains(&name);
    if let Some(groups) = record.as_object_mut() {
        groups.retain(|name, _| wanted(name) || matches!(name.as_str(), "type" | "version" | "goods"));
        let goods = groups.get_mut("goods").and_then(Value::as_array_mut);
        for item in goods.into_iter().flatten().filter_map(Value::as_object_mut) {
            item.retain(|name, _| wanted(name));
        }
    }
    record
}
