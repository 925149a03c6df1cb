//! Erasing: what rows go with an entry or a record, what is left of them, and what is written anew under another key.
//!
//! Everything here only reads and gathers; an [`Erasing`] becomes rows in one commit, together with the `erased` entries about it.
//!
//! Not here: what is due, held or ordered, and when keys are destroyed (driver).

use std::collections::BTreeMap;

use luxor_protocol::api::{ChunkResult, RecordResult, Traffic};
use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::exchange::{Channel, DispatchHeader, EntryKind, Outcome, ReceiptBody, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::MAX_BATCH_RECORDS;
use luxor_protocol::record::{Attachment, Names, RecordView, SealedRecord};
use luxor_protocol::time::Day;
use rocksdb::{Direction, IteratorMode, WriteBatch};

use super::attached::FileState;
use super::columns::{
    META_ERASED, Tag, Under, cf, delivery_key, dispatch_key, due_key, index_key, place, read_due_key,
    read_submission_key, under_key,
};
use super::deposits::WaitingDeposit;
use super::kept::KeptOpening;
use super::onward::{PassedRecord, passed_on_row, read_passed_on};
use super::open::{Store, StoreError, decode};
use super::rows::{ErasedTotals, ReceivedRow, SubmissionRow};
use super::under::seal_of;
use super::write::identifiers;
use crate::keyring::{DataKey, Opened, Sealed, key_of};

/// What one commit erases and writes anew.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Erasing {
    /// Entries of which nothing is left but the skeleton.
    openings: Vec<(u64, Day, KeptOpening)>,
    /// Rows of dispatches that arrived, without their verdict, or with the roots of erased records.
    received: Vec<(Channel, u64, ReceivedRow)>,
    /// Entries of dispatches whose source goes.
    sources: Vec<u64>,
    /// Deposits whose sealed bytes go.
    deposits: Vec<WaitingDeposit>,
    /// Rows that go: the key that they are under, kind, key of the row.
    gone: Vec<(u64, Under, Vec<u8>)>,
    /// The same with what takes their place.
    moved: Vec<(u64, Under, Vec<u8>, Sealed)>,
    pub(super) index_gone: Vec<Vec<u8>>,
    pub(super) index_new: Vec<Vec<u8>>,
    /// Attached files of which it is to be decided what becomes of them, and whether a record that named each is erased here.
    pub(super) attached: BTreeMap<Digest, bool>,
    /// Those that go.
    files: Vec<GoneFile>,
    /// What is gone now beside what was gone before.
    totals: ErasedTotals,
    bytes: usize,
}

impl Erasing {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.openings.is_empty() && self.gone.is_empty() && self.moved.is_empty() && self.attached.is_empty()
    }

    /// It is to be decided what becomes of an attached file.
    pub fn touch_attached(&mut self, digest: Digest) {
        self.attached.entry(digest).or_default();
    }

    /// Whether it is to be decided of any.
    pub fn touches_attached(&self) -> bool {
        !self.attached.is_empty()
    }

    /// Takes out the attached files whose bytes go once this is written.
    pub fn take_files(&mut self) -> Vec<GoneFile> {
        std::mem::take(&mut self.files)
    }

    pub(super) fn erase_attached(&mut self, key: u64, gone: GoneFile) {
        self.bytes += 200;
        self.gone.push((key, Under::Attached, gone.digest.0.to_vec()));
        self.files.push(gone);
    }

    pub(super) fn move_attached(&mut self, key: u64, digest: Digest, row: Sealed) {
        self.bytes += row.bytes.len() + 200;
        self.moved.push((key, Under::Attached, digest.0.to_vec(), row));
    }

    pub(super) fn row_gone(&mut self, key: u64, under: Under, row: Vec<u8>) {
        self.bytes += 200;
        self.gone.push((key, under, row));
    }

    pub(super) fn row_moved(&mut self, key: u64, under: Under, row: Vec<u8>, sealed: Sealed) {
        self.bytes += sealed.bytes.len() + 200;
        self.moved.push((key, under, row, sealed));
    }

    /// Files that an erased record named.
    fn unname(&mut self, attachments: &[Attachment]) {
        self.attached.extend(attachments.iter().map(|attachment| (attachment.digest, true)));
    }

    /// Numbers of the keys of which rows go.
    pub fn keys(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.gone.iter().map(|(id, _, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Roughly how many bytes it writes.
    pub fn bytes(&self) -> usize {
        self.bytes + 100 * (self.index_gone.len() + self.index_new.len())
    }
}

/// An attached file that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneFile {
    /// Its digest.
    pub digest: Digest,
    /// How far it was, and its size; `None` where its row does not open.
    pub was: Option<(FileState, u64)>,
}

/// One record of a row under a data key.
pub struct Item<'r> {
    /// Its place in the batch.
    pub place: usize,
    /// Its root.
    pub root: Digest,
    kind: ItemKind<'r>,
}

enum ItemKind<'r> {
    View(Box<RecordView>),
    Own(Box<SealedRecord>, &'r [u8]),
    Passed(PassedRecord),
}

impl Item<'_> {
    /// The files that it names.
    pub fn attachments(&self) -> Vec<Attachment> {
        match &self.kind {
            ItemKind::View(view) => view.attachments(),
            ItemKind::Own(record, _) => record.content().attachments(),
            ItemKind::Passed(_) => Vec::new(),
        }
    }

    /// By what it is found.
    pub fn names(&self) -> Names {
        match &self.kind {
            ItemKind::View(view) => view.names(),
            ItemKind::Own(record, _) => record.content().names(),
            ItemKind::Passed(record) => record.names(),
        }
    }
}

impl Store {
    /// Entries due by a day and not erased, behind `after`, in the order of their days; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn due(&self, after: Option<(Day, u64)>, by: Day, limit: usize) -> Result<Vec<(Day, u64)>, StoreError> {
        let start = after.map_or(Vec::new(), |(day, entry)| due_key(day, entry.saturating_add(1)).to_vec());
        let mut found = Vec::new();
        for item in self.db.iterator_cf(self.cf(cf::DUE), IteratorMode::From(&start, Direction::Forward)).take(limit) {
            let damaged = || StoreError::damaged("a row that says when an entry is due", "unreadable key");
            let (day, entry) = read_due_key(&item?.0).ok_or_else(damaged)?;
            if day > by {
                break;
            }
            found.push((day, entry));
        }
        Ok(found)
    }

    /// Erases an entry: its body, and the views that came with it, or what names the records that it passes on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn erase_entry(&self, erasing: &mut Erasing, entry: u64, skeleton: &Skeleton) -> Result<(), StoreError> {
        let damaged = || StoreError::damaged(format!("the opening of entry {entry}"), "not there");
        let kept = self.opening(entry)?.ok_or_else(damaged)?;
        match skeleton.kind {
            EntryKind::Received => {
                self.erase_row(erasing, Under::Payload, entry)?;
                if let Some(mut row) = self.received(&skeleton.channel, skeleton.number)? {
                    erasing.totals.received.add(&verdict(&row)?);
                    row.body.clear();
                    row.rejected.clear();
                    row.erased.clear();
                    erasing.bytes += 1_000;
                    erasing.received.push((skeleton.channel.clone(), skeleton.number, row));
                }
                if self.get(cf::SOURCES, &entry.to_be_bytes())?.is_some() {
                    erasing.sources.push(entry);
                }
            }
            EntryKind::Sent => drop(self.erase_row(erasing, Under::PassedOn, entry)?),
            EntryKind::Deposited => {
                let (channel, number) = (skeleton.channel.clone(), skeleton.number);
                erasing.deposits.push(WaitingDeposit { entry, channel, number });
            }
            _ => {}
        }
        erasing.bytes += 400;
        erasing.openings.push((entry, skeleton.due, kept.erased()));
        Ok(())
    }

    /// Erases own records of a batch, all of them, and what says which dispatches carry them; gives how many those were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn erase_batch(&self, erasing: &mut Erasing, batch: u64) -> Result<u64, StoreError> {
        let erased = self.erase_row(erasing, Under::Records, batch)? as u64;
        erasing.totals.records += erased;
        for (key, _) in self.rows_from(&delivery_key(batch, &[]))? {
            erasing.index_gone.push(delivery_key(batch, &key));
        }
        Ok(erased)
    }

    /// Erases the answer to a chunk.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn erase_answer(&self, erasing: &mut Erasing, row: &[u8]) -> Result<(), StoreError> {
        let Some(bytes) = self.get(cf::SUBMISSIONS, row)? else { return Ok(()) };
        let opened = read_submission_key(row).map(|(name, chunk)| self.unseal_answer(&name, chunk, &bytes));
        if let Some(Ok((_, answer))) = opened {
            let answer: SubmissionRow = decode("a submission", &answer)?;
            let damaged = |e| StoreError::damaged("the answer to a chunk", e);
            let result: ChunkResult = serde_json::from_slice(&answer.result).map_err(damaged)?;
            erasing.totals.answered += result.records.iter().map(RecordResult::forms).sum::<u64>();
        }
        erasing.bytes += 200;
        erasing.gone.push((key_of(&bytes).unwrap_or(0), Under::Answer, row.to_vec()));
        Ok(())
    }

    /// Writes a row anew under another key of its bucket, without the records that `erase` says, whose places it gives; also with none of
    /// them. Nothing new goes under its former key from then on. Their roots stay where paths or a signed batch need them: of received
    /// records in the row of their dispatch, of records passed on in the row itself, which then names them no more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rewrite(
        &self,
        erasing: &mut Erasing,
        under: Under,
        entry: u64,
        erase: impl Fn(&Item<'_>) -> bool,
    ) -> Result<Vec<usize>, StoreError> {
        let (Some((old, bytes)), Some(skeleton)) = (self.opened(under, entry)?, self.skeleton(entry)?) else {
            return Ok(Vec::new());
        };
        self.keyring.retire(&[old.id()])?;
        let new = self.keyring.current(old.bucket())?;
        let (items, count) = items(under, entry, &bytes)?;
        let (tag_root, tag_reference) = tags(under);
        let mut erased = Vec::new();
        let mut kept = Vec::with_capacity(items.len());
        for mut item in items {
            let at = place(entry, item.place);
            let attachments = item.attachments();
            let found_by = |key: &DataKey| {
                let found = identifiers(under == Under::Records, key, &item.names(), &attachments);
                found.into_iter().map(|found| index_key(tag_reference, &found, &at)).collect::<Vec<_>>()
            };
            erasing.index_gone.extend(found_by(&old));
            if erase(&item) {
                erased.push((item.place, item.root));
                erasing.unname(&attachments);
                match &mut item.kind {
                    ItemKind::Passed(record) => {
                        record.references = Vec::new();
                        kept.push(item);
                    }
                    _ => erasing.index_gone.push(index_key(tag_root, &item.root, &at)),
                }
            } else {
                erasing.index_new.extend(found_by(&new));
                kept.push(item);
            }
        }
        if under == Under::Records {
            erasing.totals.records += erased.len() as u64;
        }
        let plain = encode_items(under, count, &kept);
        let (channel, number) = (&skeleton.channel, skeleton.number);
        let sealed = seal_of(under, &new, channel, number, &plain)?;
        if under == Under::Payload
            && !erased.is_empty()
            && let Some(mut row) = self.received(channel, number)?
        {
            row.erased.extend(&erased);
            row.erased.sort_unstable();
            erasing.received.push((channel.clone(), number, row));
        }
        erasing.bytes += sealed.bytes.len() + 200;
        erasing.moved.push((old.id(), under, entry.to_be_bytes().to_vec(), sealed));
        Ok(erased.into_iter().map(|(place, _)| place).collect())
    }

    /// The records of a row: what each gives for a look at it; nothing where there is no such row, or its key is destroyed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn look_at<T>(
        &self,
        under: Under,
        entry: u64,
        look: impl Fn(&Item<'_>) -> T,
    ) -> Result<Vec<(usize, T)>, StoreError> {
        let Some((_, bytes)) = self.opened(under, entry)? else { return Ok(Vec::new()) };
        let (items, _) = items(under, entry, &bytes)?;
        Ok(items.iter().map(|item| (item.place, look(item))).collect())
    }

    /// The batch of own records that the dispatch of a `sent` entry carries, while they are there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn carried(&self, entry: u64, skeleton: &Skeleton) -> Result<Option<u64>, StoreError> {
        let Some(batch) = self.batch_of(entry)? else { return Ok(None) };
        let row = delivery_key(batch, &dispatch_key(&skeleton.channel, skeleton.number));
        Ok(self.get(cf::INDEX, &row)?.map(|_| batch))
    }

    /// Digests of the agreements under which a batch of own records was sent, and its `sent` entries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sent_under(&self, batch: u64) -> Result<Vec<(u64, Digest)>, StoreError> {
        let mut found = Vec::new();
        for (key, _) in self.rows_from(&delivery_key(batch, &[]))? {
            let Some((channel, number)) = super::columns::read_dispatch_key(&key) else { continue };
            let Some(row) = self.sent(&channel, number)? else { continue };
            let header: DispatchHeader = decode("a dispatch header", &row.envelope.header)?;
            found.push((row.entry, header.agreement_digest));
        }
        Ok(found)
    }

    /// What was erased so far and is counted elsewhere.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn erased_totals(&self) -> Result<ErasedTotals, StoreError> {
        Ok(self.row(cf::META, META_ERASED, "the totals of what was erased")?.unwrap_or_default())
    }

    /// Takes what was erased out of the files of the database that hold entries from `first` to `last`.
    pub fn compact(&self, first: u64, last: u64) {
        let (first, last) = (first.to_be_bytes(), last.saturating_add(1).to_be_bytes());
        for family in [cf::OPENINGS, cf::PAYLOADS, cf::RECORDS, cf::SOURCES, cf::PASSED_ON] {
            self.db.compact_range_cf(self.cf(family), Some(first), Some(last));
        }
        let all: Option<&[u8]> = None;
        self.db.compact_range_cf(self.cf(cf::RECEIVED), all, all);
        self.db.compact_range_cf(self.cf(cf::DEPOSITS), all, all);
    }

    /// Adds the rows of an erasure to a batch.
    pub(super) fn stage_erasing(&self, batch: &mut WriteBatch, erasing: &Erasing) {
        for (entry, due, kept) in &erasing.openings {
            batch.put_cf(self.cf(cf::OPENINGS), entry.to_be_bytes(), kept.to_cbor());
            batch.delete_cf(self.cf(cf::DUE), due_key(*due, *entry));
        }
        for (channel, number, row) in &erasing.received {
            batch.put_cf(self.cf(cf::RECEIVED), dispatch_key(channel, *number), row.to_cbor());
        }
        erasing.sources.iter().for_each(|entry| batch.delete_cf(self.cf(cf::SOURCES), entry.to_be_bytes()));
        erasing.deposits.iter().for_each(|gone| self.stage_deposit_gone(batch, gone));
        for (id, under, row) in &erasing.gone {
            batch.delete_cf(self.cf(under.family()), row);
            batch.delete_cf(self.cf(cf::UNDER), under_key(*id, *under, row));
            if *under == Under::Repair {
                self.repair_erased(row);
            }
        }
        for (id, under, row, sealed) in &erasing.moved {
            batch.delete_cf(self.cf(cf::UNDER), under_key(*id, *under, row));
            self.stage_under(batch, *under, row, sealed);
        }
        // A key that did not change stands in both.
        erasing.index_gone.iter().for_each(|key| batch.delete_cf(self.cf(cf::INDEX), key));
        erasing.index_new.iter().for_each(|key| batch.put_cf(self.cf(cf::INDEX), key, []));
        self.stage_totals(batch, &erasing.totals);
    }

    /// Adds to what is counted elsewhere. One erasure or redirection is under way at a time.
    pub(super) fn stage_totals(&self, batch: &mut WriteBatch, more: &ErasedTotals) {
        if *more != ErasedTotals::default() {
            // A row that cannot be read now could not be read before either.
            let mut totals = self.erased_totals().unwrap_or_default();
            totals.add(more);
            batch.put_cf(self.cf(cf::META), META_ERASED, totals.to_cbor());
        }
    }

    /// A row under a data key goes, with what finds its records; how many those were. One that does not open goes all the same.
    fn erase_row(&self, erasing: &mut Erasing, under: Under, entry: u64) -> Result<usize, StoreError> {
        let Some(sealed) = self.get(under.family(), &entry.to_be_bytes())? else { return Ok(0) };
        let mut erased = 0;
        if let Some((key, bytes)) = self.opened_anyhow(under, entry) {
            let (tag_root, tag_reference) = tags(under);
            for item in items(under, entry, &bytes)?.0 {
                let at = place(entry, item.place);
                erasing.index_gone.push(index_key(tag_root, &item.root, &at));
                let attachments = item.attachments();
                let found = identifiers(under == Under::Records, &key, &item.names(), &attachments);
                erasing.unname(&attachments);
                erasing.index_gone.extend(found.iter().map(|found| index_key(tag_reference, found, &at)));
                erased += 1;
            }
        }
        erasing.bytes += 200;
        erasing.gone.push((key_of(&sealed).unwrap_or(0), under, entry.to_be_bytes().to_vec()));
        Ok(erased)
    }

    fn opened_anyhow(&self, under: Under, entry: u64) -> Option<Opened> {
        self.opened(under, entry)
            .inspect_err(|error| tracing::warn!(entry, %error, "what does not open is erased unread"))
            .ok()
            .flatten()
    }
}

fn tags(under: Under) -> (Tag, Tag) {
    match under {
        Under::Records => (Tag::OwnRoot, Tag::OwnReference),
        Under::PassedOn => (Tag::PassedOn, Tag::PassedReference),
        _ => (Tag::ReceivedRoot, Tag::ReceivedReference),
    }
}

/// The records of a row, and how many places it has.
fn items(under: Under, entry: u64, bytes: &[u8]) -> Result<(Vec<Item<'_>>, usize), StoreError> {
    let name = match under {
        Under::Records => format!("the records of the batch at entry {entry}"),
        Under::PassedOn => format!("the records passed on by entry {entry}"),
        _ => format!("the payload of entry {entry}"),
    };
    let damaged = |error: &dyn std::fmt::Display| StoreError::damaged(name.clone(), error);
    if under == Under::PassedOn {
        let records = read_passed_on(bytes).map_err(|e| damaged(&e))?.into_iter().enumerate();
        let item =
            |(place, record): (usize, PassedRecord)| Item { place, root: record.root, kind: ItemKind::Passed(record) };
        let items: Vec<_> = records.map(item).collect();
        let count = items.len();
        return Ok((items, count));
    }
    let mut reader = Reader::new(bytes);
    let count = reader.array(MAX_BATCH_RECORDS).map_err(|e| damaged(&e))?;
    let mut items = Vec::with_capacity(count);
    for at in 0..count {
        if under == Under::Records {
            let stored = reader.bytes(bytes.len()).map_err(|e| damaged(&e))?;
            if !stored.is_empty() {
                let record = SealedRecord::from_stored(stored).map_err(|e| damaged(&e))?;
                let (root, kind) = (record.root(), ItemKind::Own(Box::new(record), stored));
                items.push(Item { place: at, root, kind });
            }
            continue;
        }
        let mut view = || -> Result<Item<'_>, CborError> {
            reader.tuple(3)?;
            let place = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize; // at most 10,000
            let (root, view) = (Digest::decode(&mut reader)?, RecordView::decode(&mut reader)?);
            reader.leave();
            Ok(Item { place, root, kind: ItemKind::View(Box::new(view)) })
        };
        items.push(view().map_err(|e| damaged(&e))?);
    }
    reader.leave();
    Ok((items, count))
}

/// The row of the records that are left: views alone, what is passed on, own records at their places, of which the others are empty.
fn encode_items(under: Under, count: usize, kept: &[Item<'_>]) -> Vec<u8> {
    if under == Under::PassedOn {
        let record = |item: &Item<'_>| match &item.kind {
            ItemKind::Passed(record) => Some(record.clone()),
            _ => None,
        };
        return passed_on_row(&kept.iter().filter_map(record).collect::<Vec<_>>());
    }
    let mut writer = Writer::new();
    if under != Under::Records {
        writer.array(kept.len());
        for item in kept {
            if let ItemKind::View(view) = &item.kind {
                writer.array(3);
                writer.uint(item.place as u64);
                item.root.encode(&mut writer);
                view.encode(&mut writer);
            }
        }
        return writer.into_bytes();
    }
    writer.array(count);
    let mut kept = kept.iter().peekable();
    for at in 0..count {
        match kept.next_if(|item| item.place == at).map(|item| &item.kind) {
            Some(ItemKind::Own(_, stored)) => writer.bytes(stored),
            _ => writer.bytes(&[]),
        }
    }
    writer.into_bytes()
}

/// What a dispatch that arrived counts in the totals.
fn verdict(row: &ReceivedRow) -> Result<Traffic, StoreError> {
    let mut counted = Traffic { dispatches: 1, ..Traffic::default() };
    if row.body.is_empty() {
        return Ok(Traffic::default());
    }
    let body: ReceiptBody = decode("a receipt's body", &row.body)?;
    let records = match &row.arrival {
        luxor_protocol::exchange::Arrival::Dispatch(envelope) => {
            decode::<DispatchHeader>("a dispatch header", &envelope.header)?.batch.header.count
        }
        luxor_protocol::exchange::Arrival::Withdrawal(_) => 0,
    };
    let (accepted, rejected) = body.outcome.counts(records);
    counted.refused = u64::from(matches!(body.outcome, Outcome::Refused(_)));
    counted.withdrawn = u64::from(body.outcome == Outcome::Withdrawn);
    (counted.accepted, counted.rejected) = (accepted as u64, rejected as u64);
    Ok(counted)
}
