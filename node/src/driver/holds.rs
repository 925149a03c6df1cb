//! Holds: placed, listed, released, each with an entry of the log.

use std::collections::{BTreeMap, BTreeSet};

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::exchange::{EntryKind, HoldBody, Named, Opening, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_BODY_BYTES, MAX_NAMED_ENTRIES, MAX_RETENTION_DAYS};
use luxor_protocol::names::Slug;
use luxor_protocol::record::Names;
use luxor_protocol::time::Millis;

use super::erase::{EraseError, words_of};
use super::{Driver, Shared};
use crate::entropy::opening;
use crate::store::{Held, HoldRow, Item, Store, StoreError, Under, Write};

/// Bytes of an entry that a hold names, and of each place there, at most.
const NAMED_BYTES: usize = 16;
const PLACE_BYTES: usize = 3;

/// The holds in force.
#[derive(Debug, Default)]
pub(super) struct Holds(Vec<(u64, HoldRow)>);

impl Holds {
    pub(super) fn read(store: &Store) -> Result<Self, StoreError> {
        store.holds().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, hold: u64) -> Option<&HoldRow> {
        self.0.iter().find(|(number, _)| *number == hold).map(|(_, row)| row)
    }

    /// The hold that keeps everything under an agreement.
    pub(super) fn of_agreement(&self, agreement: &Digest) -> Option<(u64, &HoldRow)> {
        self.0.iter().find(|(_, row)| row.keeps_agreement(agreement)).map(|(hold, row)| (*hold, row))
    }

    /// The hold that keeps a record of these names.
    pub(super) fn of_names(&self, names: &Names) -> Option<(u64, &HoldRow)> {
        self.0.iter().find(|(_, row)| row.keeps_names(names)).map(|(hold, row)| (*hold, row))
    }

    /// The hold that keeps a record.
    pub(super) fn of_item(&self, item: &Item<'_>) -> Option<(u64, &HoldRow)> {
        self.0.iter().find(|(_, row)| row.keeps(item)).map(|(hold, row)| (*hold, row))
    }
}

impl Driver {
    /// Every hold in force.
    ///
    /// # Errors
    /// [`EraseError`].
    pub async fn holds(&self) -> Result<Vec<(u64, HoldRow)>, EraseError> {
        let shared = self.shared.clone();
        self.on_worker_or(move || Ok(shared.store.holds()?)).await
    }

    /// The agreement of this name or with this digest: of those whose documents are here the last version, else one under which something
    /// was passed on to this node.
    ///
    /// # Errors
    /// [`EraseError::NoAgreement`]; [`EraseError::Versions`] where the name alone does not tell which.
    pub async fn agreement_to_hold(&self, wanted: &str) -> Result<(Slug, Digest), EraseError> {
        let (shared, wanted) = (self.shared.clone(), wanted.to_owned());
        self.on_worker_or(move || {
            let directory = shared.directory();
            let versions = directory.agreement_versions().values().flatten();
            let mut known: BTreeMap<Digest, Slug> =
                versions.map(|(digest, known)| (*digest, known.id.clone())).collect();
            if let Some((digest, known)) = directory.agreements().find(|(_, known)| known.id.as_str() == wanted) {
                return Ok((known.id.clone(), *digest));
            }
            known.extend(shared.store.agreements_received(|digest| known.contains_key(digest))?);
            known.retain(|digest, id| id.as_str() == wanted || digest.hex() == wanted);
            match (known.len(), known.pop_first()) {
                (1, Some((digest, id))) => Ok((id, digest)),
                (_, None) => Err(EraseError::NoAgreement(wanted)),
                (count, Some((first, _))) => Err(EraseError::Versions { agreement: wanted, count, first }),
            }
        })
        .await
    }

    /// Places a hold; what it is on is not erased from now on. Gives its number and how many records it keeps now.
    ///
    /// # Errors
    /// [`EraseError`].
    pub async fn hold(&self, held: Held, ground: &str, now: Millis) -> Result<(u64, u64), EraseError> {
        words_of(ground)?;
        let _turn = self.erasing.lock().await;
        let (shared, ground) = (self.shared.clone(), ground.to_owned());
        let (hold, records, write, entry) = self.on_worker_or(move || place(&shared, held, ground, now)).await?;
        self.commit(vec![write], vec![entry]).await?;
        Ok((hold, records))
    }

    /// Ends a hold. What it kept past its date goes with the next run.
    ///
    /// # Errors
    /// [`EraseError`].
    pub async fn release(&self, hold: u64, now: Millis) -> Result<HoldRow, EraseError> {
        let _turn = self.erasing.lock().await;
        let shared = self.shared.clone();
        let (row, key, entry) = self.on_worker_or(move || end(&shared, hold, now)).await?;
        self.commit(vec![Write::Released { hold, key }], vec![entry]).await?;
        let shared = self.shared.clone();
        self.on_worker(move || shared.store.keyring().destroy(&[key]).map_err(StoreError::from)).await?;
        Ok(row)
    }
}

fn place(shared: &Shared, held: Held, ground: String, now: Millis) -> Result<(u64, u64, Write, Opening), EraseError> {
    let store = &shared.store;
    let last = store.holds()?.last().map_or(0, |(hold, _)| *hold);
    // Milliseconds: a number is never given again, also when the last hold ended.
    let hold = now.0.max(last + 1);
    let row = HoldRow { held, ground, since: now.day() };
    let agreement = match &row.held {
        Held::Agreement(_, digest) => Some(*digest),
        Held::Item(_) | Held::Party(_) => None,
    };
    let (named, records) = if agreement.is_some() { (Vec::new(), 0) } else { kept_by(store, &row)? };
    let body = HoldBody { hold, begins: true, on: now.day(), ground: words_of(&row.ground)?, agreement, held: named };
    let sealed = store.seal_hold(hold, &row).map_err(StoreError::from)?;
    Ok((hold, records, Write::Hold { hold, row: sealed }, entry(shared, &body, now)?))
}

fn end(shared: &Shared, hold: u64, now: Millis) -> Result<(HoldRow, u64, Opening), EraseError> {
    let found = shared.store.holds()?.into_iter().find(|(number, _)| *number == hold);
    let (_, row) = found.ok_or(EraseError::NoHold(hold))?;
    let key = shared.store.key_of_hold(hold)?.ok_or(EraseError::NoHold(hold))?;
    let ground = words_of(&row.ground)?;
    let body = HoldBody { hold, begins: false, on: now.day(), ground, agreement: None, held: Vec::new() };
    Ok((row, key, entry(shared, &body, now)?))
}

fn entry(shared: &Shared, body: &HoldBody, now: Millis) -> Result<Opening, EraseError> {
    let due = now.day().plus(MAX_RETENTION_DAYS);
    let skeleton = Skeleton::of_node(EntryKind::Hold, &shared.me, shared.epoch(), now.0 / 1_000, due);
    Ok(opening(&skeleton, body.to_cbor()).map_err(|error| StoreError::Keys(error.into()))?)
}

/// What a hold on an item or a party keeps now: entries with places, and how many records; the first of them, as many as one entry names.
fn kept_by(store: &Store, row: &HoldRow) -> Result<(Vec<Named>, u64), EraseError> {
    let (mut named, mut records): (BTreeSet<(u64, usize)>, u64) = (BTreeSet::new(), 0);
    for key in store.keyring().keys() {
        let mut after = None;
        loop {
            let rows = store.under_after(key.id(), after.as_deref(), 64)?;
            let Some((under, last)) = rows.last() else { break };
            after = Some(Under::row_after(*under, last));
            for (under, row_key) in &rows {
                let (Under::Payload | Under::Records | Under::PassedOn, Ok(at)) =
                    (under, <[u8; 8]>::try_from(row_key.as_slice()))
                else {
                    continue;
                };
                let entry = u64::from_be_bytes(at);
                let looked = store.look_at(*under, entry, |item| row.keeps(item).then_some(item.root))?;
                let kept: Vec<_> = looked.into_iter().filter_map(|(place, root)| Some((place, root?))).collect();
                let places = kept.iter().map(|(place, _)| *place);
                match under {
                    // Each dispatch that carries the batch is an entry of its own.
                    Under::Records => {
                        let sent = store.sent_under(entry)?;
                        named.extend(sent.iter().flat_map(|(sent, _)| places.clone().map(|place| (*sent, place))));
                    }
                    _ => named.extend(places.map(|place| (entry, place))),
                }
                if *under == Under::PassedOn {
                    continue;
                }
                records += kept.len() as u64;
                if *under == Under::Payload {
                    // A party is found in what came alone, and keeps what passed it on as well.
                    for (_, root) in &kept {
                        named.extend(store.passed_places(root)?);
                    }
                }
            }
        }
    }
    let mut by_entry: Vec<Named> = Vec::new();
    for (entry, place) in named {
        match by_entry.last_mut().filter(|last| last.entry == entry) {
            Some(last) => last.places.push(place),
            None => by_entry.push(Named { entry, places: vec![place] }),
        }
    }
    by_entry.truncate(fitting(&by_entry));
    Ok((by_entry, records))
}

/// How many of these one entry names.
fn fitting(named: &[Named]) -> usize {
    let mut bytes = 0;
    let fits = |named: &&Named| {
        bytes += NAMED_BYTES + named.places.len() * PLACE_BYTES;
        bytes <= MAX_BODY_BYTES - 1_024
    };
    named.iter().take(MAX_NAMED_ENTRIES).take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use luxor_protocol::limits::MAX_BATCH_RECORDS;
    use luxor_protocol::time::Day;

    use super::*;

    #[test]
    fn a_hold_names_no_more_than_its_entry_holds() {
        let named = |places: usize| {
            let places = || (MAX_BATCH_RECORDS - places..MAX_BATCH_RECORDS).collect();
            let entry = |entry| Named { entry: u64::MAX - entry, places: places() };
            (0..MAX_NAMED_ENTRIES as u64 + 9).rev().map(entry).collect::<Vec<_>>()
        };
        assert_eq!(fitting(&named(0)), MAX_NAMED_ENTRIES);
        let mut many = named(MAX_BATCH_RECORDS / 40);
        many.truncate(fitting(&many));
        assert!(many.len() > 1_000, "{}", many.len());
        let body = HoldBody {
            hold: u64::MAX,
            begins: true,
            on: Day(99_999),
            ground: Digest([255; 32]),
            agreement: Some(Digest([255; 32])),
            held: many,
        };
        assert!((MAX_BODY_BYTES * 9 / 10..=MAX_BODY_BYTES).contains(&body.to_cbor().len()));
    }
}
