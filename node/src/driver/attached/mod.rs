//! Attached files of this node: handed in, read, held while a submission names them, removed with the last record that does.
//!
//! Whatever writes or removes a file or its row takes the turn, so what one reads of a file holds until it lets go. The row comes before
//! the file and says `Here` only when the file is whole and synced; a file without a row is nothing, and removed.
//!
//! Not here: what other nodes ask (`serve`) and are asked (`fetch`), which key a row is under (store), bytes on the disk
//! ([`crate::attached`]).

mod fetch;
mod serve;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use luxor_protocol::api::{AttachmentCounts, AttachmentInfo, AttachmentState};
use luxor_protocol::exchange::{Outline, range_len};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{ATTACHMENT_RANGE_BYTES, MAX_ATTACHMENT_BYTES};
use luxor_protocol::names::NodeRef;
use luxor_protocol::record::{ContentError, Fault};
use tokio::sync::{MutexGuard as Turn, Semaphore};
use zeroize::Zeroizing;

use super::erase::EraseError;
use super::turns::Turns;
use super::{Driver, Message, Submission, now, space};
use crate::attached::{AttachedFiles, FileError, Named};
use crate::entropy::random;
use crate::store::{AttachedRow, Erasing, FileState, GoneFile, StoreError, Write};
use fetch::Fetches;

/// Rows read at a time.
const ROWS_AT_ONCE: usize = 1_000;

/// Why something cannot be done with an attached file.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Nothing is known of it.
    #[error("no attached file {0} is here, and no record here names one\nhint: `luxor attach` hands a file in")]
    Unknown(Digest),
    /// It is not whole yet.
    #[error("of the attached file {digest}, {have} of {size} bytes are here\nhint: `luxor attachment get` fetches it")]
    NotWhole {
        /// The file.
        digest: Digest,
        /// Bytes that are here.
        have: u64,
        /// All of them.
        size: u64,
    },
    /// No file may have this size.
    #[error("an attached file has 1 to {MAX_ATTACHMENT_BYTES} bytes, not {0}")]
    Size(u64),
    /// Another size was said before.
    #[error("the attached file {digest} has {expected} bytes, as was said before, not {found}")]
    OtherSize {
        /// The file.
        digest: Digest,
        /// As said before.
        expected: u64,
        /// As said now.
        found: u64,
    },
    /// The bytes do not follow those that are here.
    #[error("of the attached file {digest}, {have} bytes are here; what comes next begins there, not at {offset}")]
    Offset {
        /// The file.
        digest: Digest,
        /// Bytes that are here.
        have: u64,
        /// Where these bytes begin.
        offset: u64,
    },
    /// It does not hold what its name says.
    #[error(
        "what was handed in as {0} has another BLAKE3 digest, and is gone\nhint: hand the file in again from its beginning"
    )]
    Digest(Digest),
    /// The disk is full.
    #[error("the disk is nearly full: nothing is taken until there is room")]
    Full,
    /// The node is stopping, or failed.
    #[error("the node is stopping")]
    Stopping,
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the driver has of attached files.
pub(super) struct Attached {
    files: AttachedFiles,
    /// Bytes that must be left on the disk.
    min_free_bytes: u64,
    /// Whether every file that a received record names is fetched.
    fetch_all: bool,
    turn: tokio::sync::Mutex<()>,
    /// Files that submissions under way name, and how many each.
    held: Mutex<BTreeMap<Digest, usize>>,
    fetches: Fetches,
    /// Nodes to whom a range is being given; one at a time each.
    serving: Turns,
    /// One range is read and sealed at a time, beside the work on dispatches.
    sealing: Arc<Semaphore>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    here: AtomicU64,
    bytes: AtomicU64,
    incomplete: AtomicU64,
}

/// Files that a submission names: while this lives, none of them goes.
pub(super) struct Hold {
    attached: Arc<Attached>,
    digests: Vec<Digest>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.attached.held();
        for digest in &self.digests {
            if let Some(count) = held.get_mut(digest) {
                *count -= 1;
                if *count == 0 {
                    held.remove(digest);
                }
            }
        }
    }
}

impl Attached {
    pub(super) fn new(files: AttachedFiles, min_free_bytes: u64, fetch_all: bool) -> Self {
        Self {
            files,
            min_free_bytes,
            fetch_all,
            turn: tokio::sync::Mutex::default(),
            held: Mutex::default(),
            fetches: Fetches::default(),
            serving: Turns::default(),
            sealing: Arc::new(Semaphore::new(1)),
            counts: Counts::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<Digest, usize>> {
        // What is changed under the lock is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_held(&self, digest: &Digest) -> bool {
        self.held().contains_key(digest)
    }
}

fn named<'k>(digest: &Digest, row: &'k AttachedRow) -> Named<'k> {
    Named { digest: *digest, size: row.size, key: &row.key }
}

impl Attached {
    /// Bytes that must be left on the disk.
    pub(super) fn min_free_bytes(&self) -> u64 {
        self.min_free_bytes
    }
}

impl Driver {
    /// Removes files that are nothing, sees how far the others are, and begins to fetch those that were being fetched. Before anything
    /// else is done with them.
    ///
    /// # Errors
    /// [`StoreError`], [`FileError`].
    pub async fn find_attached(&self) -> Result<(), AttachError> {
        let _turn = self.attached.turn.lock().await;
        let (shared, attached) = (self.shared.clone(), self.attached.clone());
        let fetching = self
            .beside(move || {
                for digest in attached.files.all()? {
                    if !shared.store.has_attached(&digest)? {
                        attached.files.remove(&digest)?;
                        tracing::info!(%digest, "a file that no row names is removed");
                    }
                }
                let (mut fetching, mut after) = (Vec::new(), None);
                loop {
                    let some = shared.store.attached_files(after.as_ref(), ROWS_AT_ONCE)?;
                    let Some(last) = some.last() else { return Ok(fetching) };
                    after = Some(*last);
                    for digest in some {
                        let row = match shared.store.attached(&digest) {
                            Ok(Some((_, row))) => row,
                            Ok(None) => continue,
                            Err(error) => {
                                tracing::error!(%digest, %error, "the row of an attached file does not open");
                                continue;
                            }
                        };
                        if row.state == FileState::Here {
                            attached.counts.here.fetch_add(1, Ordering::Relaxed);
                            attached.counts.bytes.fetch_add(row.size, Ordering::Relaxed);
                            continue;
                        }
                        attached.counts.incomplete.fetch_add(1, Ordering::Relaxed);
                        attached.files.have_whole(named(&digest, &row))?;
                        if row.state == FileState::Fetching {
                            fetching.push((digest, row.size));
                        }
                    }
                }
            })
            .await?;
        fetching.into_iter().for_each(|(digest, size)| self.attached.fetches.want(digest, size));
        Ok(())
    }

    /// Begins to take a file that its own people hand in; gives how many bytes of it are here already.
    ///
    /// # Errors
    /// [`AttachError`].
    pub async fn attach(&self, digest: Digest, size: u64) -> Result<u64, AttachError> {
        let turn = self.attached.turn.lock().await;
        self.begin(&turn, digest, size, FileState::Uploading).await.map(|(have, _)| have)
    }

    /// Writes what comes next of a file: a whole range, or what is left of it. The last makes it whole: verified and synced when this
    /// returns. Gives how many bytes are here.
    ///
    /// # Errors
    /// [`AttachError`].
    pub async fn attach_next(&self, digest: Digest, offset: u64, bytes: Vec<u8>) -> Result<u64, AttachError> {
        let _turn = self.attached.turn.lock().await;
        if !space::has_room(self.shared.folder.path(), self.attached.min_free_bytes) {
            return Err(AttachError::Full);
        }
        let (shared, attached) = (self.shared.clone(), self.attached.clone());
        let done = self.beside(move || {
            let (key, row) = shared.store.attached(&digest)?.ok_or(AttachError::Unknown(digest))?;
            let (file, files) = (named(&digest, &row), &attached.files);
            let have = if row.state == FileState::Here { row.size } else { files.have(file)? };
            if have != offset || bytes.len() as u64 != range_len(row.size, offset) {
                return Err(AttachError::Offset { digest, have, offset });
            }
            let have = offset + bytes.len() as u64;
            files.append(file, offset, bytes)?;
            if have < row.size {
                return Ok((have, None));
            }
            let Some(outline) = files.finish(file)? else {
                files.cut(&digest, 0)?;
                return Err(AttachError::Digest(digest));
            };
            Ok((have, Some((key.id(), row, outline))))
        });
        let (have, whole) = done.await?;
        if let Some((before, row, outline)) = whole {
            self.is_here(digest, before, row, outline).await?;
        }
        Ok(have)
    }

    /// The range of a whole file at an offset.
    ///
    /// # Errors
    /// [`AttachError`].
    pub async fn attached_range(&self, digest: Digest, offset: u64) -> Result<Vec<u8>, AttachError> {
        let (shared, attached) = (self.shared.clone(), self.attached.clone());
        let read = move || {
            let (_, row) = shared.store.attached(&digest)?.ok_or(AttachError::Unknown(digest))?;
            let file = named(&digest, &row);
            if row.state != FileState::Here {
                return Err(AttachError::NotWhole { digest, have: attached.files.have(file)?, size: row.size });
            }
            Ok(attached.files.read(file, offset)?)
        };
        self.beside(read).await
    }

    /// How far a file is.
    ///
    /// # Errors
    /// [`AttachError`].
    pub async fn attachment(&self, digest: Digest) -> Result<AttachmentInfo, AttachError> {
        let (shared, attached) = (self.shared.clone(), self.attached.clone());
        let looked = self.beside(move || {
            let found = shared.store.attached(&digest)?;
            let have = match &found {
                Some((_, row)) if row.state == FileState::Here => row.size,
                Some((_, row)) => attached.files.have(named(&digest, row))?,
                None => 0,
            };
            Ok((found.map(|(_, row)| (row.state, row.size)), have, fetch::sources(&shared, &digest)?))
        });
        let (row, have, sources) = looked.await?;
        let state = match row {
            None => AttachmentState::Absent,
            Some((FileState::Uploading, _)) => AttachmentState::Uploading,
            Some((FileState::Fetching, _)) => AttachmentState::Fetching,
            Some((FileState::Here, _)) => AttachmentState::Here,
        };
        let mut from: Vec<NodeRef> = sources.into_iter().map(|source| source.node).collect();
        from.dedup();
        let why = self.attached.fetches.why(&digest);
        Ok(AttachmentInfo { digest: digest.hex(), state, size: row.map(|(_, size)| size), have, from, why })
    }

    /// How many files there are.
    pub fn attachments(&self) -> AttachmentCounts {
        let Counts { here, bytes, incomplete } = &self.attached.counts;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        AttachmentCounts { here: read(here), bytes: read(bytes), incomplete: read(incomplete) }
    }

    /// Holds the files that submitted records name until the records are stored; a record that names one that is not here is refused.
    pub(super) async fn hold_attached(&self, submission: &mut Submission) -> Result<Option<Hold>, StoreError> {
        let Submission { records, faults, .. } = submission;
        if records.iter().flatten().all(|content| content.attachments().is_empty()) {
            return Ok(None);
        }
        let _turn = self.attached.turn.lock().await;
        let mut hold = Hold { attached: self.attached.clone(), digests: Vec::new() };
        for (place, record) in records.iter().enumerate() {
            let Ok(content) = record else { continue };
            for (at, attachment) in content.attachments().into_iter().enumerate() {
                let digest = attachment.digest;
                let found = self.shared.store.attached(&digest)?.filter(|(_, row)| row.state == FileState::Here);
                let fault = match found {
                    Some((_, row)) if row.size == attachment.size => None,
                    Some((_, row)) => {
                        let what = format!("the attached file {digest} has {} bytes", row.size);
                        Some(ContentError::new(Fault::Value, format!("/attachments/{}/size", at + 1), what))
                    }
                    None => {
                        let what = format!("no file {digest} is here\nhint: hand it in first, with `luxor attach`");
                        Some(ContentError::new(Fault::Missing, format!("/attachments/{}/digest", at + 1), what))
                    }
                };
                if let Some(fault) = fault {
                    faults.insert(place, fault);
                    break;
                }
                *self.attached.held().entry(digest).or_default() += 1;
                hold.digests.push(digest);
            }
        }
        Ok(Some(hold))
    }

    /// Decides of the files that an erasure touches; until the turn is given back, none of them changes.
    pub(super) async fn settle_attached(
        &self,
        mut erasing: Erasing,
    ) -> Result<(Option<Turn<'_, ()>>, Erasing), EraseError> {
        if !erasing.touches_attached() {
            return Ok((None, erasing));
        }
        let turn = self.attached.turn.lock().await;
        let (shared, attached, today) = (self.shared.clone(), self.attached.clone(), now().day());
        let settled = self.on_worker(move || {
            shared.store.settle_attached(&mut erasing, today, |digest| attached.is_held(digest))?;
            Ok(erasing)
        });
        Ok((Some(turn), settled.await?))
    }

    /// Removes files whose rows are gone; what cannot be removed now is removed at the next start. The turn is the caller's.
    pub(super) async fn remove_attached(&self, gone: Vec<GoneFile>) {
        let attached = self.attached.clone();
        let removed = self.beside(move || {
            for GoneFile { digest, was } in gone {
                attached.fetches.forget(&digest);
                match was {
                    Some((FileState::Here, size)) => {
                        attached.counts.here.fetch_sub(1, Ordering::Relaxed);
                        attached.counts.bytes.fetch_sub(size, Ordering::Relaxed);
                    }
                    Some(_) => drop(attached.counts.incomplete.fetch_sub(1, Ordering::Relaxed)),
                    // It was not counted.
                    None => {}
                }
                if let Err(error) = attached.files.remove(&digest) {
                    tracing::warn!(%error, "an erased file stays until the next start; its key is gone");
                }
            }
            Ok(())
        });
        // It reports no error but that the node is stopping.
        let _ = removed.await;
    }

    /// Makes the row of a file and the file itself, unless they are there; gives how far it is.
    async fn begin(
        &self,
        _turn: &Turn<'_, ()>,
        digest: Digest,
        size: u64,
        state: FileState,
    ) -> Result<(u64, FileState), AttachError> {
        if !(1..=MAX_ATTACHMENT_BYTES).contains(&size) {
            return Err(AttachError::Size(size));
        }
        let store = &self.shared.store;
        if let Some((key, mut row)) = store.attached(&digest)? {
            if row.size != size {
                return Err(AttachError::OtherSize { digest, expected: row.size, found: size });
            }
            if row.state == FileState::Here {
                return Ok((size, FileState::Here));
            }
            if state == FileState::Fetching && row.state != state {
                row.state = state;
                self.put_row(digest, Some(key.id()), &row).await?;
            }
            let files = self.attached.files.clone();
            return Ok((self.beside(move || Ok(files.have(named(&digest, &row))?)).await?, state));
        }
        if !space::has_room(self.shared.folder.path(), self.attached.min_free_bytes.saturating_add(size)) {
            return Err(AttachError::Full);
        }
        let key = Zeroizing::new(random().map_err(FileError::from)?);
        let row = AttachedRow { size, state, key, outline: Outline::new() };
        // The row first: without it the file would be nothing.
        self.put_row(digest, None, &row).await?;
        self.attached.counts.incomplete.fetch_add(1, Ordering::Relaxed);
        let files = self.attached.files.clone();
        self.beside(move || Ok(files.create(&digest)?)).await?;
        Ok((0, state))
    }

    /// A file is whole, verified and synced: now its row says so.
    async fn is_here(
        &self,
        digest: Digest,
        before: u64,
        row: AttachedRow,
        outline: Outline,
    ) -> Result<(), AttachError> {
        let size = row.size;
        let row = AttachedRow { state: FileState::Here, outline, ..row };
        self.put_row(digest, Some(before), &row).await?;
        let counts = &self.attached.counts;
        counts.incomplete.fetch_sub(1, Ordering::Relaxed);
        counts.here.fetch_add(1, Ordering::Relaxed);
        counts.bytes.fetch_add(size, Ordering::Relaxed);
        self.attached.fetches.forget(&digest);
        tracing::info!(%digest, size, "an attached file is here");
        Ok(())
    }

    /// Stores a row: under the key that it stood under, or where that takes nothing new, under the newest of its bucket.
    async fn put_row(&self, digest: Digest, before: Option<u64>, row: &AttachedRow) -> Result<(), AttachError> {
        let (shared, row, today) = (self.shared.clone(), row.clone(), now().day());
        let sealed = self.beside(move || {
            let store = &shared.store;
            let bucket = match store.attached(&digest)? {
                Some((key, _)) => key.bucket().clone(),
                None => store.bucket_for(&digest, today)?,
            };
            Ok(store.seal_attached(&digest, &row, &bucket).map_err(StoreError::from)?)
        });
        let row = sealed.await?;
        let written = self.commit(vec![Write::Attached { digest, row, before }], Vec::new()).await;
        written.map(drop).map_err(|_| AttachError::Stopping)
    }

    /// Does something that blocks, beside the workers: what they do for dispatches does not wait for it.
    async fn beside<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, AttachError> + Send + 'static,
    ) -> Result<T, AttachError> {
        match tokio::task::spawn_blocking(job).await {
            Ok(done) => done,
            Err(error) => {
                if error.is_panic() {
                    let _ = self.mailbox.send(Message::Failed(super::DriverError::Worker));
                }
                Err(AttachError::Stopping)
            }
        }
    }
}

/// Whole ranges of a stream of bytes, as [`Driver::attach_next`] takes them.
#[derive(Debug, Default)]
pub struct Ranges(Vec<u8>);

impl Ranges {
    /// Takes bytes; gives the next range once it is there. To be called again with nothing until it gives none.
    pub fn take(&mut self, bytes: &[u8], left: u64) -> Option<Vec<u8>> {
        self.0.extend_from_slice(bytes);
        let length = left.min(ATTACHMENT_RANGE_BYTES) as usize; // at most 1 MiB
        if length == 0 || self.0.len() < length {
            return None;
        }
        let rest = self.0.split_off(length);
        Some(std::mem::replace(&mut self.0, rest))
    }

    /// Bytes that are no range yet.
    pub fn left(&self) -> usize {
        self.0.len()
    }
}
