//! What the log tells beside records that are screened: indicators, what others saw of them, results of own inspections.
//!
//! Who coordinates is asked of the charter in force when an indicator is taken, and when another charter is in force.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::document::Directory;
use luxor_protocol::exchange::Skeleton;
use luxor_protocol::hash::Digest;
use luxor_protocol::names::MemberId;
use luxor_protocol::record::{Content, ContentError, Fault, RecordView, Source as RecordSource, Value};
use luxor_protocol::threats::{DeskRow, Found, Indicator, IndicatorId, Merged, Outcome, Screener, Taken};

use super::letters::{Letters, Seen};
use crate::driver::Shared;
use crate::store::StoreError;

/// What some entries told.
#[derive(Default)]
pub(super) struct Taking {
    /// Indicators that are new and live.
    fresh: Screener,
    /// What is to be sent.
    pub(super) letters: Vec<Letters>,
}

/// Reads what is stored before an entry.
pub(super) fn stored(shared: &Shared, below: u64) -> Result<(), StoreError> {
    let found = shared.store.listed("indicator")?;
    let (own, received) = (entries(found.own, below), entries(found.received, below));
    for entry in own.union(&received) {
        let all = if own.contains(entry) { own_indicators(shared, *entry)? } else { indicators(shared, *entry)? };
        for indicator in all {
            take(shared, indicator);
        }
    }
    // What was seen of an indicator counts once that is held.
    for entry in entries(shared.store.listed("sighting")?.received, below) {
        sightings(shared, entry)?;
    }
    Ok(())
}

/// Another charter is in force, by which only these coordinate. Gives what is new by that.
pub(super) fn coordinate(shared: &Shared, coordinators: &[MemberId]) -> Taking {
    let begin = shared.screening.desk_mut().coordinate(|issuer| coordinators.contains(issuer));
    let mut taking = Taking::default();
    begin.into_iter().for_each(|indicator| taking.is_new(shared, indicator));
    taking
}

/// Whether an own record may say what it says of indicators of others.
///
/// # Errors
/// [`ContentError`] where it may not.
pub(in crate::driver) fn own(directory: &Directory, issuer: &MemberId, content: &Content) -> Result<(), ContentError> {
    let merges = (content.table().name == "indicator").then(|| content.table().group("merges")).flatten();
    if merges.is_none_or(|(at, _)| content.leaves(at).absent()) {
        return Ok(());
    }
    let wrong = |what: String| ContentError::new(Fault::Value, "/merges", what);
    let indicator = Indicator::read(issuer, content).map_err(|error| wrong(error.to_string()))?;
    let is_coordinator = directory.charter().coordinates(issuer);
    indicator.may_merge(is_coordinator).map_err(|error| wrong(error.to_string()))
}

fn entries(found: Vec<(u64, usize)>, below: u64) -> BTreeSet<u64> {
    found.into_iter().map(|(entry, _)| entry).filter(|entry| *entry < below).collect()
}

impl Taking {
    /// The indicators that are new, if there are any.
    pub(super) fn fresh(&mut self) -> Option<Screener> {
        Some(std::mem::take(&mut self.fresh)).filter(|fresh| !fresh.is_empty())
    }

    /// Takes what came under an entry, where it is of a type that is not screened; whether it is.
    pub(super) fn received(&mut self, shared: &Shared, entry: u64, name: &str) -> Result<bool, StoreError> {
        match name {
            "indicator" => self.take(shared, indicators(shared, entry)?),
            "sighting" => sightings(shared, entry)?,
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
        let Some(header) = shared.store.sent_header(&skeleton.channel, skeleton.number)? else { return Ok(Vec::new()) };
        match header.batch.header.table.name {
            "indicator" => self.take(shared, own_indicators(shared, entry)?),
            "customs_response" => return self.inspections(shared, entry),
            _ => {}
        }
        Ok(Vec::new())
    }

    fn take(&mut self, shared: &Shared, all: Vec<Indicator>) {
        for indicator in all {
            if take(shared, indicator.clone()) == Some(Taken::Live) {
                self.is_new(shared, indicator);
            }
        }
    }

    /// What it hits is looked for in what came before, and what those hit that it grades.
    fn is_new(&mut self, shared: &Shared, indicator: Indicator) {
        let desk = shared.screening.desk();
        let held = |merged: &Merged| desk.screener().get(&merged.issuer, &merged.id).cloned();
        let graded: Vec<Indicator> = indicator.merged.iter().filter_map(held).collect();
        for one in graded.into_iter().chain([indicator]) {
            // There is room: it had some among all of them.
            let _ = self.fresh.take(one);
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
                for ground in proposal.indicators() {
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

/// The indicators that came under an entry; of one that is none it is told why.
fn indicators(shared: &Shared, entry: u64) -> Result<Vec<Indicator>, StoreError> {
    let views = shared.store.payload(entry)?;
    Ok(views.iter().filter_map(|(_, _, view)| indicator(shared, &view.header.issuer, view)).collect())
}

/// Those of an own batch, which stands under its first dispatch only.
fn own_indicators(shared: &Shared, entry: u64) -> Result<Vec<Indicator>, StoreError> {
    let records = shared.store.batch_records(entry)?.unwrap_or_default();
    Ok(records.iter().filter_map(|(_, record)| indicator(shared, &record.header().issuer, record.content())).collect())
}

fn indicator(shared: &Shared, issuer: &MemberId, source: &dyn RecordSource) -> Option<Indicator> {
    Indicator::read(issuer, source).map_err(|error| refused(shared, issuer, &error)).ok()
}

/// Has an indicator held, if there is room.
fn take(shared: &Shared, indicator: Indicator) -> Option<Taken> {
    let issuer = indicator.issuer.clone();
    let is_coordinator = shared.directory().charter().coordinates(&issuer);
    let taken = shared.screening.desk_mut().take(indicator, is_coordinator);
    taken.map_err(|error| refused(shared, &issuer, &error)).ok()
}

fn refused(shared: &Shared, issuer: &MemberId, error: &dyn std::fmt::Display) {
    tracing::warn!(%issuer, %error, "an indicator is not screened by");
    let mut told = shared.screening.told();
    told.refused += 1;
    told.refusal = Some(format!("{issuer}: {error}"));
}

fn outcome(found: Found) -> Outcome {
    match found {
        Found::Something => Outcome::Confirmed,
        Found::Nothing => Outcome::Nothing,
    }
}

/// What an inspection found, where a response tells of one.
fn inspected(content: &Content) -> Option<Found> {
    let word = content.field("response", "inspection").and_then(Value::into_text)?;
    Some(if word == "nothing_found" { Found::Nothing } else { Found::Something })
}

/// The records with a proposal that a response is about: those of its item, and that which it names.
fn about(shared: &Shared, content: &Content) -> Result<Vec<Digest>, StoreError> {
    let mut roots = Vec::new();
    for (group, field) in [("item", "id"), ("response", "about")] {
        let Some(name) = content.field(group, field).and_then(Value::into_text) else { continue };
        let found = shared.store.find(&name)?;
        let desk = shared.screening.desk();
        let of = found.received.into_iter().filter_map(|(entry, place)| desk.at_place(entry, place));
        roots.extend(of.map(|proposal| proposal.root));
    }
    roots.sort_unstable();
    roots.dedup();
    Ok(roots)
}

fn sightings(shared: &Shared, entry: u64) -> Result<(), StoreError> {
    shared.store.payload(entry)?.iter().for_each(|(_, _, view)| sighted(shared, view));
    Ok(())
}

/// What another member saw of an indicator. A correction of what it saw is not counted beside it.
fn sighted(shared: &Shared, view: &RecordView) {
    if view.header.supersedes.is_some() {
        return;
    }
    let text = |field: &str| view.field("sighting", field).and_then(Value::into_text);
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
