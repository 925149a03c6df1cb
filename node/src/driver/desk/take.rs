//! What the log tells beside records that are screened: indicators, what others saw of them, results of own inspections.

use std::collections::BTreeMap;

use luxor_protocol::exchange::{EntryKind, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::MemberId;
use luxor_protocol::record::{Content, RecordView, Source as RecordSource, Value};
use luxor_protocol::threats::{DeskRow, Found, Indicator, IndicatorId, Outcome, Screener, Taken};

use super::follow::entries_below;
use super::letters::{Letters, Seen};
use crate::driver::Shared;
use crate::store::StoreError;

/// What some entries told.
#[derive(Default)]
pub(super) struct Taking {
    /// Indicators that are new.
    fresh: Screener,
    /// Whether there is any.
    any: bool,
    /// What is to be sent.
    pub(super) letters: Vec<Letters>,
}

/// Reads what is stored before an entry.
pub(super) fn stored(shared: &Shared, below: u64) -> Result<(), StoreError> {
    let mut taking = Taking::default();
    for name in ["indicator", "sighting"] {
        let found = shared.store.listed(name)?;
        let (own, received) = (entries_below(found.own, below), entries_below(found.received, below));
        let all = own.iter().map(|entry| (*entry, false)).chain(received.iter().map(|entry| (*entry, true)));
        let all: BTreeMap<u64, bool> = all.collect();
        for (entry, is_received) in all {
            match is_received {
                true => drop(taking.received(shared, entry, name)?),
                false => taking.own(shared, entry, name)?,
            }
        }
    }
    Ok(())
}

impl Taking {
    /// The indicators that are new, if there are any.
    pub(super) fn fresh(&mut self) -> Option<Screener> {
        self.any.then(|| std::mem::take(&mut self.fresh))
    }

    /// Takes what came under an entry, where it is of a type that is not screened; whether it is.
    pub(super) fn received(&mut self, shared: &Shared, entry: u64, name: &str) -> Result<bool, StoreError> {
        match name {
            "indicator" => {
                for (_, _, view) in shared.store.payload(entry)? {
                    self.indicator(shared, &view.header.issuer, &view);
                }
            }
            "sighting" => {
                for (_, _, view) in shared.store.payload(entry)? {
                    sighted(shared, &view);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes own records that left under an entry: indicators count here as those of others do, and inspections tell of what was proposed.
    pub(super) fn sent(
        &mut self,
        shared: &Shared,
        entry: u64,
        skeleton: &Skeleton,
    ) -> Result<Vec<DeskRow>, StoreError> {
        debug_assert_eq!(skeleton.kind, EntryKind::Sent);
        let Some(header) = shared.store.sent_header(&skeleton.channel, skeleton.number)? else { return Ok(Vec::new()) };
        match header.batch.header.table.name {
            name @ "indicator" => self.own(shared, entry, name)?,
            "customs_response" => return self.inspections(shared, entry),
            _ => {}
        }
        Ok(Vec::new())
    }

    fn own(&mut self, shared: &Shared, entry: u64, name: &str) -> Result<(), StoreError> {
        if name != "indicator" {
            return Ok(());
        }
        // A batch stands under its first dispatch only.
        for (_, record) in shared.store.batch_records(entry)?.unwrap_or_default() {
            self.indicator(shared, &record.header().issuer, record.content());
        }
        Ok(())
    }

    fn indicator(&mut self, shared: &Shared, issuer: &MemberId, source: &dyn RecordSource) {
        let taken = match Indicator::read(issuer, source) {
            Ok(indicator) => {
                let copy = indicator.clone();
                let taken = shared.screening.desk_mut().take(indicator);
                taken.map(|taken| (copy, taken)).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match taken {
            Ok((indicator, Taken::Live)) => {
                // There is room: it had some among all of them.
                self.any |= self.fresh.take(indicator).is_ok();
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%issuer, error, "an indicator is not screened by");
                let mut told = shared.screening.told();
                told.refused += 1;
                told.refusal = Some(format!("{issuer}: {error}"));
            }
        }
    }

    /// What own inspections found, about what was proposed.
    fn inspections(&mut self, shared: &Shared, entry: u64) -> Result<Vec<DeskRow>, StoreError> {
        let (mut rows, mut seen) = (Vec::new(), BTreeMap::new());
        for (_, record) in shared.store.batch_records(entry)?.unwrap_or_default() {
            let Some(found) = inspected(record.content()) else { continue };
            for root in about(shared, record.content())? {
                let desk = shared.screening.desk();
                let Some(proposal) = desk.proposal(&root).filter(|proposal| proposal.found != Some(found)) else {
                    continue;
                };
                for ground in &proposal.grounds {
                    let key = (ground.issuer.clone(), ground.id.clone(), outcome(found));
                    *seen.entry(key).or_insert(0) += 1;
                }
                rows.push(DeskRow::Inspected { root, found });
            }
        }
        if !seen.is_empty() {
            let name = format!("inspections-{entry}");
            let seen = seen.into_iter().map(|((issuer, id, outcome), count)| Seen { issuer, id, outcome, count });
            self.letters.push(Letters::sightings(shared, name, seen));
        }
        Ok(rows)
    }
}

fn outcome(found: Found) -> Outcome {
    match found {
        Found::Something => Outcome::Confirmed,
        Found::Nothing => Outcome::Nothing,
    }
}

/// What an inspection found, where a response tells of one.
fn inspected(content: &Content) -> Option<Found> {
    let Some(Value::Text(word)) = content.field("response", "inspection") else { return None };
    Some(if word == "nothing_found" { Found::Nothing } else { Found::Something })
}

/// The records with a proposal that a response is about: those of its item, and that which it names.
fn about(shared: &Shared, content: &Content) -> Result<Vec<Digest>, StoreError> {
    let mut roots = Vec::new();
    for (group, field) in [("item", "id"), ("response", "about")] {
        let Some(Value::Text(name)) = content.field(group, field) else { continue };
        let found = shared.store.find(&name)?;
        let desk = shared.screening.desk();
        let of = found.received.into_iter().filter_map(|(entry, place)| desk.at_place(entry, place));
        roots.extend(of.map(|proposal| proposal.root));
    }
    roots.sort_unstable();
    roots.dedup();
    Ok(roots)
}

/// What another member saw of an indicator. A correction of what it saw is not counted beside it.
fn sighted(shared: &Shared, view: &RecordView) {
    if view.header.supersedes.is_some() {
        return;
    }
    let text = |field: &str| match view.field("sighting", field) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    };
    let count = match view.field("sighting", "count") {
        Some(Value::Uint(count)) => count,
        _ => return,
    };
    let parts = (
        text("issuer").and_then(|text| text.parse::<MemberId>().ok()),
        text("indicator").and_then(|text| text.parse::<IndicatorId>().ok()),
        text("outcome").and_then(|text| text.parse::<Outcome>().ok()),
    );
    if let (Some(issuer), Some(id), Some(outcome)) = parts {
        // What nobody here holds takes no room.
        let mut desk = shared.screening.desk_mut();
        if desk.screener().get(&issuer, &id).is_some() {
            desk.sight(&view.header.issuer, &issuer, &id, outcome, count);
        }
    }
}
