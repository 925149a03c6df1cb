//! What is asked about trusted traders: whether one is recognised, and which uses of numbers are not confirmed.

use std::collections::BTreeMap;

use luxor_protocol::api::{MAX_USES_TOLD, RecognitionReport, UseLine, UseState, UsesReport};
use luxor_protocol::hash::Digest;
use luxor_protocol::recognition::{Declared, Question, Unconfirmed, Use, collect_numbers, declared};
use luxor_protocol::record::RecordView;
use luxor_protocol::time::Millis;

use crate::driver::Shared;
use crate::store::StoreError;
use crate::trust::Known;

/// Why nothing is said.
#[derive(Debug, thiserror::Error)]
pub enum TrustAskError {
    /// What is stored is still being read.
    #[error("what this node has stored about traders is still being read\nhint: ask again in a moment")]
    Reading,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a trader is recognised.
///
/// # Errors
/// [`TrustAskError::Reading`].
pub fn recognise(shared: &Shared, question: &Question<'_>) -> Result<RecognitionReport, TrustAskError> {
    let trust = shared.trust.read();
    if !trust.read {
        return Err(TrustAskError::Reading);
    }
    let answer = trust.recogniser.recognise(question);
    Ok(RecognitionReport::of(question.scheme, question.number, question.purpose, question.at, &answer))
}

/// Uses that are not confirmed, the nearest departure first.
///
/// # Errors
/// [`TrustAskError`].
pub fn uses(shared: &Shared, now: Millis) -> Result<UsesReport, TrustAskError> {
    let (mut open, watched, not_watched, since) = {
        let trust = shared.trust.read();
        if !trust.read {
            return Err(TrustAskError::Reading);
        }
        let place = |of: Unconfirmed| Some((of, *trust.declared.get(&of.of.key)?));
        let open: Vec<_> = trust.uses.unconfirmed(now).filter_map(place).collect();
        (open, trust.uses.len(), trust.not_watched, trust.watched_since)
    };
    open.sort_by_key(|(of, (entry, place))| (of.of.departs.is_none(), of.of.departs, *entry, *place));
    let more = open.len().saturating_sub(MAX_USES_TOLD);
    open.truncate(MAX_USES_TOLD);
    let mut by_entry: BTreeMap<u64, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    for (nth, (_, (entry, place))) in open.iter().enumerate() {
        by_entry.entry(*entry).or_default().entry(*place).or_default().push(nth);
    }
    let mut lines: BTreeMap<usize, UseLine> = BTreeMap::new();
    for (entry, places) in by_entry {
        let last = places.last_key_value().map_or(0, |(place, _)| *place);
        for (place, root, view) in shared.store.views(entry, last)? {
            for nth in places.get(&place).into_iter().flatten() {
                let Some((of, _)) = open.get(*nth) else { continue };
                let told = of_view(&view, of.of.declared_at).into_iter().find(|told| told.of.key == of.of.key);
                let trust = shared.trust.read();
                let line = told.map(|told| line(&trust, &told, of.of, of.deadline.into(), &view, root, entry));
                lines.extend(line.map(|line| (*nth, line)));
            }
        }
    }
    // What was erased since is still not confirmed.
    let more = more + open.len() - lines.len();
    let since = since.map(|since| since.to_string());
    Ok(UsesReport { watched, not_watched, unconfirmed: lines.into_values().collect(), more, since })
}

/// How the uses stand that a received declaration tells of.
pub(in crate::driver) fn uses_in(
    shared: &Shared,
    view: &RecordView,
    root: Digest,
    (entry, entered): (u64, Millis),
    now: Millis,
) -> Vec<UseLine> {
    if view.header.table.name != "declaration" {
        return Vec::new();
    }
    let trust = shared.trust.read();
    let told = of_view(view, entered).into_iter().filter_map(|told| {
        let state = match trust.uses.flagged(&told.of.key, now) {
            Some(flagged) => flagged.deadline.into(),
            None => trust.uses.confirmed(&told.of.key).map(|_| UseState::Confirmed)?,
        };
        Some(line(&trust, &told, told.of, state, view, root, entry))
    });
    told.collect()
}

fn of_view(view: &RecordView, at: Millis) -> Vec<Declared> {
    // What was accepted can be read.
    declared(collect_numbers(view).unwrap_or_default(), |group, field| view.field(group, field), at)
}

fn line(
    trust: &Known,
    told: &Declared,
    of: Use,
    state: UseState,
    view: &RecordView,
    root: Digest,
    entry: u64,
) -> UseLine {
    UseLine {
        number: told.number.clone(),
        item: told.item.clone(),
        root: root.hex(),
        issuer: view.header.issuer.clone(),
        entry: Some(entry),
        declared_at: of.declared_at.to_string(),
        departs: of.departs.map(|at| at.to_string()),
        state,
        mandated_by: trust.mandated_by(of.key.number()),
    }
}
