//! Attached files: what is kept of each beside its bytes, which stand outside the database ([`crate::attached`]).
//!
//! A file is under a random key of its own, which stands in its one row, and the row is under the data key of a bucket: the one of the
//! records that name it which goes last. A row never leaves a data key that lives on: whatever key it stood under is retired, and with it
//! destroyed. So an old copy of files and database, with every key that is left, opens no file that was erased.
//!
//! Not here: when that is looked at (driver), and the bytes.

use std::collections::BTreeSet;
use std::sync::Arc;

use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::exchange::Outline;
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_ATTACHMENT_BYTES, MAX_ATTACHMENT_RANGES};
use luxor_protocol::time::Day;
use rocksdb::{Direction, IteratorMode};
use zeroize::Zeroizing;

use super::columns::{META_ATTACHED, Tag, Under, cf, index_key, read_place, sealed_for};
use super::erase::{Erasing, GoneFile};
use super::open::{Store, StoreError, decode};
use crate::keyring::{Bucket, DataKey, KeyringError, Kind, Sealed, key_of};

/// Days for which an uploaded file is kept without a record that names it; the day on which it came is not whole.
const UPLOAD_DAYS: u64 = 2;

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// Its own people are handing it in.
    Uploading = 1,
    /// It is fetched from a node that sent a record naming it.
    Fetching = 2,
    /// It is whole, and was synced before this was written.
    Here = 3,
}

/// What is kept of an attached file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedRow {
    /// Its bytes.
    pub size: u64,
    /// How far it is.
    pub state: FileState,
    /// The key under which it stands.
    pub key: Zeroizing<[u8; 32]>,
    /// Chaining values of its ranges, once it is here and has several.
    pub outline: Outline,
}

/// A record that names a file, and the data key that it is under.
pub struct Naming {
    /// The key.
    pub key: Arc<DataKey>,
    /// Whether it is an own record.
    pub own: bool,
    /// Batch or `received` entry.
    pub entry: u64,
    /// Its place there.
    pub place: usize,
}

impl Store {
    /// What is kept of a file, and under which data key; `None` where there is nothing, or the key is destroyed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn attached(&self, digest: &Digest) -> Result<Option<(Arc<DataKey>, AttachedRow)>, StoreError> {
        let Some(bytes) = self.get(cf::ATTACHED, &digest.0)? else { return Ok(None) };
        match self.open_attached(digest, &bytes) {
            Err(StoreError::Keys(KeyringError::Erased(_))) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Every file of which something is kept, behind `after`, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn attached_files(&self, after: Option<&Digest>, limit: usize) -> Result<Vec<Digest>, StoreError> {
        let start = after.map_or(Vec::new(), |digest| [digest.0.as_slice(), &[0]].concat());
        let rows = self.db.iterator_cf(self.cf(cf::ATTACHED), IteratorMode::From(&start, Direction::Forward));
        let read = |key: &[u8]| {
            let digest = key.try_into().map(Digest);
            digest.map_err(|_| StoreError::damaged("a row of an attached file", "unreadable key"))
        };
        rows.take(limit).map(|item| read(&item?.0)).collect()
    }

    /// Whether anything is kept of a file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn has_attached(&self, digest: &Digest) -> Result<bool, StoreError> {
        Ok(self.get(cf::ATTACHED, &digest.0)?.is_some())
    }

    /// Opens a file's row.
    ///
    /// # Errors
    /// As [`Store::unseal_of`].
    pub fn open_attached(&self, digest: &Digest, bytes: &[u8]) -> Result<(Arc<DataKey>, AttachedRow), StoreError> {
        let name = || format!("the row of attached file {digest}");
        let (key, row) = self.unseal(Under::Attached, &digest.0, bytes, name)?;
        Ok((key, decode(&name(), &Zeroizing::new(row))?))
    }

    /// Encrypts a file's row under the key of a bucket.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn seal_attached(&self, digest: &Digest, row: &AttachedRow, bucket: &Bucket) -> Result<Sealed, KeyringError> {
        let plain = Zeroizing::new(row.to_cbor());
        self.keyring.current(bucket)?.seal(&sealed_for(Under::Attached, &digest.0), &plain)
    }

    /// Where the row of a file goes now: to the records that name it and are erased last, or to what was handed in and not named yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn bucket_for(&self, digest: &Digest, today: Day) -> Result<Bucket, StoreError> {
        Ok(self.latest(digest, &Changes::default())?.unwrap_or_else(|| unnamed(today)))
    }

    /// Every record that names a file, own and received.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn naming(&self, digest: &Digest) -> Result<Vec<Naming>, StoreError> {
        let mut found = Vec::new();
        for key in self.keyring.keys() {
            let Some(tag) = tag_of(&key) else { continue };
            let own = key.bucket().kind == Kind::Own;
            let rows = self.rows_from(&index_key(tag, &key.attachment(digest), &[]))?;
            let places = rows.iter().filter_map(|(place, _)| read_place(place));
            found.extend(places.map(|(entry, place)| Naming { key: key.clone(), own, entry, place }));
        }
        Ok(found)
    }

    /// Decides of each file that an erasure touches: it goes with the last record that names it, or its row goes on under another key.
    /// `held` are files that a submission under way names.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn settle_attached(
        &self,
        erasing: &mut Erasing,
        today: Day,
        held: impl Fn(&Digest) -> bool,
    ) -> Result<(), StoreError> {
        let touched = std::mem::take(&mut erasing.attached);
        if touched.is_empty() {
            return Ok(());
        }
        let changes = Changes {
            gone: erasing.index_gone.iter().map(Vec::as_slice).collect(),
            new: erasing.index_new.iter().map(Vec::as_slice).collect(),
        };
        let (mut gone, mut moved) = (Vec::new(), Vec::new());
        for (digest, unnamed_now) in touched {
            let Some(bytes) = self.get(cf::ATTACHED, &digest.0)? else { continue };
            let id = key_of(&bytes).unwrap_or(0);
            let opened = match self.open_attached(&digest, &bytes) {
                Ok(opened) => Some(opened),
                Err(error) => {
                    tracing::warn!(%digest, %error, "the row of an attached file does not open, and goes with it");
                    None
                }
            };
            let Some((key, row)) = opened else {
                gone.push((id, GoneFile { digest, was: None }));
                continue;
            };
            let waits = key.bucket().kind == Kind::Uploads && key.bucket().day > today && !unnamed_now;
            let bucket = match self.latest(&digest, &changes)? {
                Some(bucket) => bucket,
                None if waits => key.bucket().clone(),
                None if held(&digest) => unnamed(today),
                None => {
                    gone.push((id, GoneFile { digest, was: Some((row.state, row.size)) }));
                    continue;
                }
            };
            let due = key.bucket().day <= today && *key.bucket() != bucket;
            if due {
                self.keyring.retire(&[id])?;
            }
            if due || self.keyring.is_retiring(id) {
                moved.push((id, digest, self.seal_attached(&digest, &row, &bucket)?));
            }
        }
        for (id, gone) in gone {
            erasing.erase_attached(id, gone);
        }
        for (id, digest, sealed) in moved {
            erasing.move_attached(id, digest, sealed);
        }
        Ok(())
    }

    /// The last `received` entry of which it was looked at whether files are to be fetched.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn fetched_up_to(&self) -> Result<Option<u64>, StoreError> {
        let damaged = || StoreError::damaged("how far files were fetched", "wrong length");
        let bytes = self.get(cf::META, META_ATTACHED)?;
        bytes.map(|bytes| bytes.try_into().map(u64::from_be_bytes).map_err(|_| damaged())).transpose()
    }

    /// The bucket of the records that name a file and go last, once these changes are made.
    fn latest(&self, digest: &Digest, changes: &Changes<'_>) -> Result<Option<Bucket>, StoreError> {
        let mut latest: Option<Bucket> = None;
        for key in self.keyring.keys() {
            let Some(tag) = tag_of(&key) else { continue };
            if latest.as_ref().is_some_and(|latest| latest.day >= key.bucket().day) {
                continue;
            }
            let prefix = index_key(tag, &key.attachment(digest), &[]);
            let comes = changes.new.range(prefix.as_slice()..).next().is_some_and(|row| row.starts_with(&prefix));
            if comes || self.stays(&prefix, changes)? {
                latest = Some(key.bucket().clone());
            }
        }
        Ok(latest)
    }

    /// Whether an index row that begins so is there and stays.
    fn stays(&self, prefix: &[u8], changes: &Changes<'_>) -> Result<bool, StoreError> {
        for item in self.db.iterator_cf(self.cf(cf::INDEX), IteratorMode::From(prefix, Direction::Forward)) {
            let (row, _) = item?;
            if !row.starts_with(prefix) {
                break;
            }
            if !changes.gone.contains(row.as_ref()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Index rows that an erasure takes away, and writes.
#[derive(Default)]
struct Changes<'r> {
    gone: BTreeSet<&'r [u8]>,
    new: BTreeSet<&'r [u8]>,
}

/// Where files go that no record names yet.
fn unnamed(today: Day) -> Bucket {
    Bucket { kind: Kind::Uploads, agreement: Digest::ZERO, day: today.plus(UPLOAD_DAYS) }
}

/// How the index leads from a file to records under a key of this kind.
fn tag_of(key: &DataKey) -> Option<Tag> {
    match key.bucket().kind {
        Kind::Own => Some(Tag::OwnReference),
        Kind::Received => Some(Tag::ReceivedReference),
        Kind::Answers | Kind::Holds | Kind::Uploads | Kind::Repairs => None,
    }
}

impl Encode for AttachedRow {
    fn encode(&self, writer: &mut Writer) {
        writer.array(4);
        writer.uint(self.size);
        writer.uint(self.state as u64);
        writer.bytes(self.key.as_slice());
        writer.array(self.outline.len());
        self.outline.iter().for_each(|value| writer.bytes(value));
    }
}

impl Decode for AttachedRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(4)?;
        let size = reader.uint_max(MAX_ATTACHMENT_BYTES)?;
        let start = reader.position();
        let state = match reader.uint()? {
            1 => FileState::Uploading,
            2 => FileState::Fetching,
            3 => FileState::Here,
            _ => return Err(reader.refuse(start, "no state of a file")),
        };
        let key = Zeroizing::new(reader.fixed()?);
        let mut outline = Vec::new();
        for _ in 0..reader.array(MAX_ATTACHMENT_RANGES)? {
            outline.push(reader.fixed()?);
        }
        reader.leave();
        reader.leave();
        Ok(Self { size, state, key, outline })
    }
}
