//! What API, audit and driver ask of the store.

use luxor_protocol::cbor::Encode;
use luxor_protocol::cbor::{Decode, Reader};
use luxor_protocol::exchange::{Arrival, AuditEntry, Channel, DispatchHeader, EntryKind, ReceiptBody, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_AUDIT_PAGE_BYTES, MAX_BATCH_RECORDS};
use luxor_protocol::record::{GroupSet, RecordView, SealedRecord, party_name};
use luxor_protocol::time::Millis;
use rocksdb::{Direction, IteratorMode};

use super::columns::{
    Tag, Under, cf, delivery_key, dispatch_key, index_key, read_dispatch_key, read_place, submission_key,
};
use super::kept::KeptOpening;
use super::open::{Store, StoreError, decode};
use super::rows::{ReceiptRow, ReceivedRow, SubmissionRow};
use crate::keyring::{DataKey, KeyringError, Kind};

/// Index rows read for one query.
const MAX_FOUND: usize = 1_000;

/// What follows tag and digest in an index key, and the value.
type IndexRow = (Vec<u8>, Vec<u8>);

/// An accepted view with its place in the dispatch, and its root.
pub type PlacedView = (usize, Digest, RecordView);

/// What a reference leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Batch and place of own records.
    pub own: Vec<(u64, usize)>,
    /// Entry and place of received views.
    pub received: Vec<(u64, usize)>,
    /// `sent` entry and place of records of others that were passed on.
    pub passed: Vec<(u64, usize)>,
}

/// A dispatch that carries a batch.
#[derive(Debug, Clone)]
pub struct StoredDelivery {
    /// Its header.
    pub header: DispatchHeader,
    /// Its receipt, once there.
    pub receipt: Option<(ReceiptRow, ReceiptBody)>,
}

impl Store {
    /// The answer given to a chunk before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn submission(&self, submission: &str, chunk: u64) -> Result<Option<SubmissionRow>, StoreError> {
        let Some(bytes) = self.get(cf::SUBMISSIONS, &submission_key(submission, chunk))? else { return Ok(None) };
        match self.unseal_answer(submission, chunk, &bytes) {
            Err(StoreError::Keys(KeyringError::Erased(_))) => Ok(None),
            opened => Ok(Some(decode("a submission", &opened?.1)?)),
        }
    }

    /// A dispatch that arrived.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn received(&self, channel: &Channel, number: u64) -> Result<Option<ReceivedRow>, StoreError> {
        self.row(cf::RECEIVED, &dispatch_key(channel, number), "a received row")
    }

    /// The header of a dispatch that arrived; `None` where its withdrawal came.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn received_header(&self, channel: &Channel, number: u64) -> Result<Option<DispatchHeader>, StoreError> {
        Ok(self.arrived(channel, number)?.map(|(header, _)| header))
    }

    /// The same, and when it was taken.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn arrived(&self, channel: &Channel, number: u64) -> Result<Option<(DispatchHeader, Millis)>, StoreError> {
        let Some(row) = self.received(channel, number)? else { return Ok(None) };
        match &row.arrival {
            Arrival::Dispatch(envelope) => Ok(Some((decode("a dispatch header", &envelope.header)?, row.at))),
            Arrival::Withdrawal(_) => Ok(None),
        }
    }

    /// What is kept of an entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn opening(&self, index: u64) -> Result<Option<KeptOpening>, StoreError> {
        self.row(cf::OPENINGS, &index.to_be_bytes(), "an opening")
    }

    /// The skeleton of an entry; `None` where the log has no such entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn skeleton(&self, index: u64) -> Result<Option<Skeleton>, StoreError> {
        let damaged = |e| StoreError::damaged(format!("the skeleton of entry {index}"), e);
        self.opening(index)?.map(|opening| opening.read_skeleton().map_err(damaged)).transpose()
    }

    /// Entry indexes of arrived dispatches after `after`, at most `limit` of them, and the last index looked at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn inbox(&self, from: u64, limit: usize) -> Result<Vec<(u64, Skeleton)>, StoreError> {
        let received = |found: &Result<(u64, Skeleton), StoreError>| match found {
            Ok((_, skeleton)) => skeleton.kind == EntryKind::Received,
            Err(_) => true,
        };
        self.skeletons(from).filter(received).take(limit).collect()
    }

    /// Every entry from `from` on with its skeleton.
    fn skeletons(&self, from: u64) -> impl Iterator<Item = Result<(u64, Skeleton), StoreError>> + '_ {
        let start = from.to_be_bytes();
        let rows = self.db.iterator_cf(self.cf(cf::OPENINGS), IteratorMode::From(&start, Direction::Forward));
        rows.map(|item| {
            let (key, value) = item?;
            let index = key.as_ref().try_into().map(u64::from_be_bytes);
            let index = index.map_err(|_| StoreError::damaged("an opening", "wrong key"))?;
            let opening: KeptOpening = decode("an opening", &value)?;
            let skeleton = opening.read_skeleton().map_err(|e| StoreError::damaged("a skeleton", e))?;
            Ok((index, skeleton))
        })
    }

    /// The accepted views of an arrived dispatch: place, root, view.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn payload(&self, entry: u64) -> Result<Vec<PlacedView>, StoreError> {
        self.views(entry, usize::MAX)
    }

    /// The accepted view at a place of a received dispatch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn view(&self, entry: u64, place: usize) -> Result<Option<(Digest, RecordView)>, StoreError> {
        let last = self.views(entry, place)?.pop();
        Ok(last.filter(|(at, ..)| *at == place).map(|(_, root, view)| (root, view)))
    }

    /// The accepted views of an arrived dispatch up to a place; they stand in the order of their places.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn views(&self, entry: u64, last: usize) -> Result<Vec<PlacedView>, StoreError> {
        let Some((_, bytes)) = self.opened(Under::Payload, entry)? else { return Ok(Vec::new()) };
        let damaged = |e| StoreError::damaged(format!("the payload of entry {entry}"), e);
        let mut reader = Reader::new(&bytes);
        let count = reader.array(MAX_BATCH_RECORDS).map_err(damaged)?;
        let mut views = Vec::with_capacity(count);
        for _ in 0..count {
            reader.tuple(3).map_err(damaged)?;
            let place = reader.uint_max(MAX_BATCH_RECORDS as u64).map_err(damaged)? as usize; // at most 10,000
            if place > last {
                break;
            }
            let root = Digest::decode(&mut reader).map_err(damaged)?;
            views.push((place, root, RecordView::decode(&mut reader).map_err(damaged)?));
            reader.leave();
        }
        Ok(views)
    }

    /// An own record: the batch is the index of its first `sent` entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn record(&self, batch: u64, place: usize) -> Result<Option<SealedRecord>, StoreError> {
        let Some((_, bytes)) = self.opened(Under::Records, batch)? else { return Ok(None) };
        let damaged = |e: &dyn std::fmt::Display| {
            StoreError::damaged(format!("record {place} of the batch at entry {batch}"), e.to_string())
        };
        let mut reader = Reader::new(&bytes);
        let count = reader.array(MAX_BATCH_RECORDS).map_err(|e| damaged(&e))?;
        for _ in 0..place.min(count) {
            reader.bytes(bytes.len()).map_err(|e| damaged(&e))?;
        }
        if place >= count {
            return Ok(None);
        }
        let stored = reader.bytes(bytes.len()).map_err(|e| damaged(&e))?;
        if stored.is_empty() {
            return Ok(None);
        }
        let record = SealedRecord::from_stored(stored);
        record.map(Some).map_err(|e| damaged(&e))
    }

    /// All own records of a batch that are not erased, with their places: the batch is the index of its first `sent` entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batch_records(&self, batch: u64) -> Result<Option<Vec<(usize, SealedRecord)>>, StoreError> {
        let Some((_, bytes)) = self.opened(Under::Records, batch)? else { return Ok(None) };
        let damaged = |e: &dyn std::fmt::Display| {
            StoreError::damaged(format!("the records of the batch at entry {batch}"), e.to_string())
        };
        let mut reader = Reader::new(&bytes);
        let count = reader.array(MAX_BATCH_RECORDS).map_err(|e| damaged(&e))?;
        let mut records = Vec::with_capacity(count);
        for at in 0..count {
            let record = reader.bytes(bytes.len()).map_err(|e| damaged(&e))?;
            if !record.is_empty() {
                records.push((at, SealedRecord::from_stored(record).map_err(|e| damaged(&e))?));
            }
        }
        Ok(Some(records))
    }

    /// Records that this reference, or number of an item, order, unit of transport, referral or filing, leads to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find(&self, reference: &str) -> Result<Found, StoreError> {
        self.found(MAX_FOUND, |key| key.reference(reference))
    }

    /// All records of a listed type.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn listed(&self, type_name: &str) -> Result<Found, StoreError> {
        self.found(MAX_FOUND, |key| key.listed(type_name))
    }

    /// The same without a limit, for whoever reads all of them once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn every(&self, type_name: &str) -> Result<Found, StoreError> {
        self.found(usize::MAX, |key| key.listed(type_name))
    }

    /// Entries of dispatches, sent or received, from `from` on and below `below`, with their skeletons; at most `limit` entries of whatever
    /// kind are looked at. And where to go on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn dispatches(&self, from: u64, below: u64, limit: usize) -> Result<(Vec<(u64, Skeleton)>, u64), StoreError> {
        let (mut found, mut next) = (Vec::new(), from);
        for entry in self.skeletons(from).take(limit) {
            let (index, skeleton) = entry?;
            if index >= below {
                break;
            }
            next = index + 1;
            if matches!(skeleton.kind, EntryKind::Sent | EntryKind::Received) {
                found.push((index, skeleton));
            }
        }
        Ok((found, next))
    }

    /// What is under an identifier, whose index key each data key gives; of each data key at most so many.
    fn found(&self, most: usize, digest: impl Fn(&DataKey) -> Digest) -> Result<Found, StoreError> {
        let mut found = Found { own: Vec::new(), received: Vec::new(), passed: Vec::new() };
        for key in self.keyring.keys() {
            let look = |tag, places: &mut Vec<_>| -> Result<(), StoreError> {
                let rows = self.rows_up_to(&index_key(tag, &digest(&key), &[]), most)?;
                places.extend(rows.iter().filter_map(|(suffix, _)| read_place(suffix)));
                Ok(())
            };
            match key.bucket().kind {
                Kind::Own => {
                    look(Tag::OwnReference, &mut found.own)?;
                    look(Tag::PassedReference, &mut found.passed)?;
                }
                Kind::Received => look(Tag::ReceivedReference, &mut found.received)?,
                Kind::Answers | Kind::Holds | Kind::Uploads | Kind::Repairs => {}
            }
        }
        // As one index would have them: in the order of the log.
        found.own.sort_unstable();
        found.received.sort_unstable();
        found.passed.sort_unstable();
        Ok(found)
    }

    /// Batch and place of own records that name this party, whatever the case and spacing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find_party(&self, party: &str) -> Result<Vec<(u64, usize)>, StoreError> {
        let (name, mut found) = (party_name(party), Vec::new());
        for key in self.keyring.keys().iter().filter(|key| key.bucket().kind == Kind::Own) {
            let rows = self.index_rows(Tag::OwnReference, &key.party(&name))?;
            found.extend(rows.iter().filter_map(|(suffix, _)| read_place(suffix)));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Places where a record root arrived.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn arrivals(&self, root: &Digest) -> Result<Vec<(u64, usize)>, StoreError> {
        let rows = self.index_rows(Tag::ReceivedRoot, root)?;
        Ok(rows.iter().filter_map(|(suffix, _)| read_place(suffix)).collect())
    }

    /// Where an own record stands: the batch, and its place there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn own_places(&self, root: &Digest) -> Result<Vec<(u64, usize)>, StoreError> {
        let rows = self.index_rows(Tag::OwnRoot, root)?;
        Ok(rows.iter().filter_map(|(suffix, _)| read_place(suffix)).collect())
    }

    /// Dispatches that carry the batch of own records whose first `sent` entry this is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn deliveries(&self, batch: u64) -> Result<Vec<StoredDelivery>, StoreError> {
        let mut deliveries = Vec::new();
        for (key, _) in self.rows_from(&delivery_key(batch, &[]))? {
            let damaged = || StoreError::damaged(format!("a delivery of the batch at entry {batch}"), "unreadable");
            let (channel, number) = read_dispatch_key(&key).ok_or_else(damaged)?;
            let sent = self.sent(&channel, number)?.ok_or_else(damaged)?;
            let header = decode("a dispatch header", &sent.envelope.header)?;
            deliveries.push(StoredDelivery { header, receipt: self.read_receipt(&channel, number)? });
        }
        Ok(deliveries)
    }

    /// Entries with what a mandate gives of them, from `from`, at most `count` and not beyond `size`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit_entries(
        &self,
        from: u64,
        count: u64,
        size: u64,
        groups: GroupSet,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let opening_groups = &luxor_protocol::record::OPENING;
        let gives = |name| opening_groups.group(name).is_some_and(|(at, _)| groups.has(at));
        let (body_given, evidence_given) = (gives("body"), gives("evidence"));
        let count = count.min(size.saturating_sub(from));
        let (mut found, mut bytes) = (Vec::new(), 0);
        for (index, entry) in (from..).zip(self.entries(from, count)?) {
            let damaged = |e| StoreError::damaged(format!("the opening of entry {index}"), e);
            let opening = self.opening(index)?.ok_or_else(|| damaged("not there".to_owned()))?;
            let skeleton = opening.read_skeleton().map_err(|e| damaged(e.to_string()))?;
            let evidence = if evidence_given { self.evidence(index, &skeleton)? } else { None };
            let body_hash = opening.body_hash;
            let body = opening.body.filter(|_| body_given);
            bytes += 150 + body.as_ref().map_or(0, |(_, b)| b.len()) + evidence.as_ref().map_or(0, Vec::len);
            found.push(AuditEntry { entry, salt: opening.salt, skeleton: opening.skeleton, body_hash, body, evidence });
            if bytes > MAX_AUDIT_PAGE_BYTES {
                break;
            }
        }
        Ok(found)
    }

    /// Checkpoints signed for sizes above `from` and at most `to`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn checkpoints(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let start = from.saturating_add(1).to_be_bytes();
        let mode = IteratorMode::From(&start, Direction::Forward);
        let mut notes = Vec::new();
        for item in self.db.iterator_cf(self.cf(cf::CHECKPOINTS), mode) {
            let (key, value) = item?;
            if key.as_ref() > to.to_be_bytes().as_slice() {
                break;
            }
            notes.push(value.into_vec());
        }
        Ok(notes)
    }

    fn evidence(&self, index: u64, skeleton: &Skeleton) -> Result<Option<Vec<u8>>, StoreError> {
        let (channel, number) = (&skeleton.channel, skeleton.number);
        let sent = || self.sent(channel, number);
        Ok(match skeleton.kind {
            EntryKind::Sent | EntryKind::Resent => sent()?.map(|row| row.envelope.to_cbor()),
            EntryKind::Withdrawn => sent()?.and_then(|row| row.withdrawal).map(|withdrawal| withdrawal.to_cbor()),
            EntryKind::Received => self.received(channel, number)?.map(|row| row.arrival.to_cbor()),
            EntryKind::Receipt => self.receipt_of(channel, number, index)?.map(|row| row.proof),
            EntryKind::Statement => self.statement_of(channel, number, index)?.map(|row| row.cosigned.to_cbor()),
            EntryKind::Deposited => self.kept(channel, number)?.map(|row| row.envelope.to_cbor()),
            EntryKind::Peers | EntryKind::Succeeded | EntryKind::Document | EntryKind::Erased | EntryKind::Hold => None,
        })
    }

    fn index_rows(&self, tag: Tag, digest: &Digest) -> Result<Vec<IndexRow>, StoreError> {
        self.rows_from(&index_key(tag, digest, &[]))
    }

    /// Rows of the index whose keys begin so, without that beginning.
    pub(super) fn rows_from(&self, prefix: &[u8]) -> Result<Vec<IndexRow>, StoreError> {
        self.rows_up_to(prefix, MAX_FOUND)
    }

    /// The same, at most so many.
    fn rows_up_to(&self, prefix: &[u8], most: usize) -> Result<Vec<IndexRow>, StoreError> {
        let mut rows = Vec::new();
        for item in self.db.iterator_cf(self.cf(cf::INDEX), IteratorMode::From(prefix, Direction::Forward)) {
            let (key, value) = item?;
            match key.strip_prefix(prefix) {
                Some(suffix) if rows.len() < most => rows.push((suffix.to_vec(), value.into_vec())),
                _ => break,
            }
        }
        Ok(rows)
    }

    pub(super) fn row<T: Decode>(&self, family: &str, key: &[u8], what: &str) -> Result<Option<T>, StoreError> {
        self.get(family, key)?.map(|bytes| decode(what, &bytes)).transpose()
    }
}
