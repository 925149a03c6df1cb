//! Rows under data keys: how they are sealed and opened, and which there are.

use std::sync::Arc;

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::exchange::{Channel, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::Slug;
use luxor_protocol::time::Day;
use rocksdb::{Direction, IteratorMode, WriteBatch};

use super::columns::{Under, cf, dispatch_key, read_under_key, sealed_for, submission_key, under_key};
use super::open::{Store, StoreError};
use super::rows::SubmissionRow;
use crate::keyring::{Bucket, DataKey, KeyringError, Kind, Opened, Sealed};

/// Days for which the answer to a chunk is kept, so that the same chunk again gets the same answer.
const ANSWER_DAYS: u64 = 30;

impl Store {
    /// The key for accepted views under an agreement that must be gone by a day.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn received_key(&self, agreement: Digest, due: Day) -> Result<Arc<DataKey>, KeyringError> {
        self.keyring.current(&Bucket { kind: Kind::Received, agreement, day: due })
    }

    /// Agreements under which something that is still here came, but for those that `known` says.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn agreements_received(&self, known: impl Fn(&Digest) -> bool) -> Result<Vec<(Digest, Slug)>, StoreError> {
        let mut found: Vec<(Digest, Slug)> = Vec::new();
        for key in self.keyring.keys() {
            let Bucket { kind, agreement, .. } = key.bucket();
            if *kind != Kind::Received || known(agreement) || found.iter().any(|(digest, _)| digest == agreement) {
                continue;
            }
            // All rows under one key are of one agreement.
            let Some((_, row)) = self.under(key.id(), 1)?.pop() else { continue };
            let Ok(entry) = row.try_into().map(u64::from_be_bytes) else { continue };
            let Some(skeleton) = self.skeleton(entry)? else { continue };
            let header = self.received_header(&skeleton.channel, skeleton.number)?;
            found.extend(header.map(|header| (header.agreement_digest, header.agreement)));
        }
        Ok(found)
    }

    /// The key for own records whose last delivery must be gone by a day, and for what names records that are passed on until then.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn own_key(&self, due: Day) -> Result<Arc<DataKey>, KeyringError> {
        self.keyring.current(&Bucket { kind: Kind::Own, agreement: Digest::ZERO, day: due })
    }

    /// Encrypts an answer to a chunk that was submitted today.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn seal_answer(
        &self,
        submission: &str,
        chunk: u64,
        row: &SubmissionRow,
        today: Day,
    ) -> Result<Sealed, KeyringError> {
        let day = today.plus(ANSWER_DAYS);
        let key = self.keyring.current(&Bucket { kind: Kind::Answers, agreement: Digest::ZERO, day })?;
        key.seal(&sealed_for(Under::Answer, &submission_key(submission, chunk)), &row.to_cbor())
    }

    pub(super) fn stage_under(&self, batch: &mut WriteBatch, under: Under, row: &[u8], sealed: &Sealed) {
        batch.put_cf(self.cf(under.family()), row, &sealed.bytes);
        batch.put_cf(self.cf(cf::UNDER), under_key(sealed.key.id(), under, row), []);
    }

    /// Opens a row's bytes; the error names the row. `what` is what they were sealed for.
    pub(super) fn unseal(
        &self,
        under: Under,
        what: &[u8],
        bytes: &[u8],
        name: impl FnOnce() -> String,
    ) -> Result<Opened, StoreError> {
        self.unseal_at(&sealed_for(under, what), bytes, name)
    }

    /// The same of bytes that were sealed for a place.
    pub(super) fn unseal_at(
        &self,
        place: &[u8],
        bytes: &[u8],
        name: impl FnOnce() -> String,
    ) -> Result<Opened, StoreError> {
        self.keyring.unseal(place, bytes).map_err(|error| match error {
            KeyringError::Opening(_) => StoreError::damaged(name(), error),
            error => StoreError::Keys(error),
        })
    }

    /// Opens the bytes of own records or of a payload, by the skeleton of their entry.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when they were changed, [`StoreError::Keys`] when their key is not there.
    pub fn unseal_of(&self, under: Under, skeleton: &Skeleton, bytes: &[u8]) -> Result<Opened, StoreError> {
        let (channel, number) = (&skeleton.channel, skeleton.number);
        let name = || format!("what is stored of number {number} of {channel}");
        self.unseal(under, &dispatch_key(channel, number), bytes, name)
    }

    /// Opens an answer's bytes.
    ///
    /// # Errors
    /// As [`Store::unseal_of`].
    pub fn unseal_answer(&self, submission: &str, chunk: u64, bytes: &[u8]) -> Result<Opened, StoreError> {
        let name = || format!("the answer to chunk {chunk} of submission {submission}");
        self.unseal(Under::Answer, &submission_key(submission, chunk), bytes, name)
    }

    /// The row of a payload or of own records, opened; `None` where there is none, or its key is destroyed.
    pub(crate) fn opened(&self, under: Under, entry: u64) -> Result<Option<Opened>, StoreError> {
        let Some(bytes) = self.get(under.family(), &entry.to_be_bytes())? else { return Ok(None) };
        let Some(skeleton) = self.skeleton(entry)? else { return Ok(None) };
        match self.unseal_of(under, &skeleton, &bytes) {
            Err(StoreError::Keys(KeyringError::Erased(_))) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Tries each of these keys on every row that is under any key, and gives what opens: what somebody can read who has the database
    /// and the keys, whatever the rows say of themselves.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn try_keys(&self, keys: &[Arc<DataKey>], mut each: impl FnMut(Under, Vec<u8>)) -> Result<(), StoreError> {
        for under in Under::ALL {
            for item in self.db.iterator_cf(self.cf(under.family()), IteratorMode::Start) {
                let (row, bytes) = item?;
                let what = match under {
                    Under::Answer | Under::Hold | Under::Attached | Under::Repair => row.into_vec(),
                    Under::Payload | Under::Records | Under::PassedOn => {
                        let damaged = || StoreError::damaged(format!("a row of {}", under.family()), "unreadable key");
                        let entry = u64::from_be_bytes(row.as_ref().try_into().map_err(|_| damaged())?);
                        let Some(skeleton) = self.skeleton(entry)? else { continue };
                        dispatch_key(&skeleton.channel, skeleton.number)
                    }
                };
                let place = sealed_for(under, &what);
                keys.iter().filter_map(|key| key.open(&place, &bytes)).for_each(|opened| each(under, opened));
            }
        }
        Ok(())
    }

    /// The largest number of a data key that any row is under.
    pub(super) fn last_key(&self) -> Result<Option<u64>, StoreError> {
        let last = self.db.iterator_cf(self.cf(cf::UNDER), IteratorMode::End).next().transpose()?;
        let damaged = || StoreError::damaged("a row that says what is under which data key", "unreadable key");
        last.map(|(key, _)| read_under_key(&key).map(|(id, _, _)| id).ok_or_else(damaged)).transpose()
    }

    /// Rows under a data key, at most `limit`: their kind and key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn under(&self, id: u64, limit: usize) -> Result<Vec<(Under, Vec<u8>)>, StoreError> {
        self.under_after(id, None, limit)
    }

    /// The same behind a place that [`Under::row_after`] gave.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn under_after(
        &self,
        id: u64,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Under, Vec<u8>)>, StoreError> {
        let start = [id.to_be_bytes().as_slice(), after.unwrap_or_default()].concat();
        let mut rows = Vec::new();
        for item in self.db.iterator_cf(self.cf(cf::UNDER), IteratorMode::From(&start, Direction::Forward)).take(limit)
        {
            let (key, _) = item?;
            match read_under_key(&key) {
                Some((of, under, row)) if of == id => rows.push((under, row.to_vec())),
                _ => break,
            }
        }
        Ok(rows)
    }
}

/// Encrypts what belongs to a dispatch: accepted views of the one that brought them, own records of the first of their batch, and what one
/// passes on.
///
/// # Errors
/// [`KeyringError`].
pub fn seal_of(
    under: Under,
    key: &Arc<DataKey>,
    channel: &Channel,
    number: u64,
    plain: &[u8],
) -> Result<Sealed, KeyringError> {
    key.seal(&sealed_for(under, &dispatch_key(channel, number)), plain)
}
