//! Looking at the repair queue: its groups, its entries, and which of them somebody means.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use luxor_protocol::api::{ChunkResult, RepairGroup, RepairSelection, place_of_group, rule_of};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::{MemberId, Purpose, Slug};
use luxor_protocol::record::{Content, SealedRecord};

use super::super::Shared;
use super::rejected::{answer, roots};
use crate::store::{Attempt, RepairKey, RepairRow, Store, StoreError};

/// Rows looked at before the next are asked for.
pub(super) const LOOKED_AT: usize = 512;

/// Which entries of the queue are looked at.
#[derive(Debug, Clone, Default)]
pub struct RepairFilter {
    /// Those that are meant; nothing said means all that wait.
    pub which: RepairSelection,
    /// Behind this one.
    pub after: Option<RepairKey>,
    /// At most so many.
    pub limit: usize,
}

/// An entry: its row, and its content now.
#[derive(Debug)]
pub struct RepairLook {
    /// Its key.
    pub key: RepairKey,
    /// Its row.
    pub row: RepairRow,
    /// Its content, where it waits and is not erased.
    pub content: Option<Content>,
}

/// Records that wait, by type, rule and place.
///
/// # Errors
/// [`StoreError`].
pub fn repair_groups(shared: &Shared) -> Result<Vec<RepairGroup>, StoreError> {
    let store = &shared.store;
    let mut groups: BTreeMap<(String, String, String), (u64, RepairRow, RepairRow)> = BTreeMap::new();
    store.walk_repairs(false, |_, row| {
        let row = RepairRow { content: None, ..row };
        let (rule, pointer) = rule_of(row.fault, &row.pointer);
        let group = (row.type_name.clone(), rule.to_owned(), place_of_group(pointer));
        match groups.get_mut(&group) {
            None => _ = groups.insert(group, (1, row.clone(), row)),
            Some((count, first, last)) => {
                *count += 1;
                if row.at < first.at {
                    *first = row;
                } else if row.at > last.at {
                    *last = row;
                }
            }
        }
        Ok(())
    })?;
    let group = |((type_name, rule, pointer), (count, first, last)): (_, (u64, RepairRow, RepairRow))| RepairGroup {
        r#type: type_name,
        rule,
        pointer,
        count,
        first: first.at.to_string(),
        last: last.at.to_string(),
        example: first.what,
    };
    Ok(groups.into_iter().map(group).collect())
}

/// Entries that are meant, and the last one looked at where there may be more. Where a submission is named, what was resent or given up of it
/// is told too, behind what waits.
///
/// # Errors
/// [`StoreError`].
pub fn look_at_repairs(
    shared: &Shared,
    filter: &RepairFilter,
) -> Result<(Vec<RepairLook>, Option<RepairKey>), StoreError> {
    let store = &shared.store;
    let (mut found, mut contents) = (Vec::new(), Contents::default());
    let mut after = filter.after.clone();
    loop {
        let keys = keys(store, &filter.which, after.as_ref())?;
        if keys.is_empty() {
            return Ok((found, None));
        }
        for key in keys {
            if found.len() == filter.limit {
                return Ok((found, after));
            }
            after = Some(key.clone());
            let Some(row) = meant(store, &filter.which, &key)? else { continue };
            let content = if key.settled { None } else { contents.of(store, &row)?.map(|(content, _)| content) };
            found.push(RepairLook { key, row, content });
        }
    }
}

/// The next rows to be looked at.
fn keys(store: &Store, which: &RepairSelection, after: Option<&RepairKey>) -> Result<Vec<RepairKey>, StoreError> {
    if after.is_none_or(|after| !after.settled) {
        let keys = waiting(store, which, after)?;
        if !keys.is_empty() {
            return Ok(keys);
        }
    }
    let Some(submission) = &which.submission else { return Ok(Vec::new()) };
    store.repair_keys_of(true, submission, after.filter(|after| after.settled), LOOKED_AT)
}

/// The next waiting rows among which those stand that are meant.
pub(super) fn waiting(
    store: &Store,
    which: &RepairSelection,
    after: Option<&RepairKey>,
) -> Result<Vec<RepairKey>, StoreError> {
    match &which.submission {
        Some(submission) => store.repair_keys_of(false, submission, after, LOOKED_AT),
        None => store.repair_keys(false, after, LOOKED_AT),
    }
}

/// The row of a key, where it is meant.
pub(super) fn meant(store: &Store, which: &RepairSelection, key: &RepairKey) -> Result<Option<RepairRow>, StoreError> {
    let by_key = (which.ids.is_empty() || which.ids.contains(&key.id()))
        && which.submission.as_ref().is_none_or(|submission| *submission == key.attempt.submission);
    if !by_key {
        return Ok(None);
    }
    let fits = |row: &RepairRow| {
        let (rule, pointer) = rule_of(row.fault, &row.pointer);
        which.rule.as_ref().is_none_or(|wanted| wanted == rule)
            && which.r#type.as_ref().is_none_or(|wanted| *wanted == row.type_name)
            && which.pointer.as_ref().is_none_or(|wanted| *wanted == place_of_group(pointer))
    };
    Ok(store.repair(key)?.filter(fits))
}

/// Who got a record that was sent before: member, agreement, purpose.
pub(super) type Got = (MemberId, Slug, Purpose);

/// What is known of waiting records beside their rows. Those of one chunk and of one batch stand one behind the other, so the last of each
/// is kept while the queue is walked through.
#[derive(Default)]
pub(super) struct Contents {
    batch: Option<(u64, Vec<(usize, SealedRecord)>)>,
    answer: Option<(String, u64, Option<ChunkResult>)>,
    got: BTreeMap<u64, Vec<Got>>,
}

impl Contents {
    /// The content of a row as it would go now, and the record that was sent before, where there was one. Nothing where it is erased.
    pub(super) fn of(
        &mut self,
        store: &Store,
        row: &RepairRow,
    ) -> Result<Option<(Content, Option<SealedRecord>)>, StoreError> {
        let before = match &row.root {
            Some(root) => self.record(store, root)?,
            None => None,
        };
        let content = row.content()?.or_else(|| before.as_ref().map(|record| record.content().clone()));
        Ok(content.map(|content| (content, before)))
    }

    /// The forms of a record that were sent at its first attempt, and who got each.
    pub(super) fn sent_before(
        &mut self,
        store: &Store,
        attempt: &Attempt,
        root: &Digest,
    ) -> Result<Vec<(Digest, Vec<Got>)>, StoreError> {
        let place = usize::try_from(attempt.position).unwrap_or(usize::MAX);
        let told = self.answer(store, attempt)?.and_then(|answer| answer.records.get(place));
        let mut forms: Vec<Digest> =
            told.into_iter().flat_map(roots).filter_map(|root| Digest::from_hex(root)).collect();
        if !forms.contains(root) {
            forms = vec![*root];
        }
        let mut sent = Vec::with_capacity(forms.len());
        for form in forms {
            let mut got = Vec::new();
            for (batch, _) in store.own_places(&form)? {
                got.extend_from_slice(self.got(store, batch)?);
            }
            sent.push((form, got));
        }
        Ok(sent)
    }

    fn answer(&mut self, store: &Store, attempt: &Attempt) -> Result<Option<&ChunkResult>, StoreError> {
        let Attempt { submission, chunk, .. } = attempt;
        let known = self.answer.take().filter(|(name, nth, _)| name == submission && nth == chunk);
        let known = match known {
            Some(known) => known,
            None => (submission.clone(), *chunk, answer(store, submission, *chunk)?),
        };
        Ok(self.answer.insert(known).2.as_ref())
    }

    fn got(&mut self, store: &Store, batch: u64) -> Result<&[Got], StoreError> {
        Ok(match self.got.entry(batch) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let headers = store.deliveries(batch)?.into_iter().map(|delivery| delivery.header);
                let got = headers.map(|header| (header.channel.recipient.member(), header.agreement, header.purpose));
                new.insert(got.collect())
            }
        })
    }

    fn record(&mut self, store: &Store, root: &Digest) -> Result<Option<SealedRecord>, StoreError> {
        for (batch, place) in store.own_places(root)? {
            if self.batch.as_ref().is_none_or(|(kept, _)| *kept != batch) {
                let Some(records) = store.batch_records(batch)? else { continue };
                self.batch = Some((batch, records));
            }
            let records = self.batch.as_ref().map(|(_, records)| records.as_slice()).unwrap_or_default();
            if let Some((_, record)) = records.iter().find(|(at, _)| *at == place) {
                return Ok(Some(record.clone()));
            }
        }
        Ok(None)
    }
}
