//! Records of others that this node passed on: which, in which dispatch, and to whom each went; and what came with those that were passed on
//! to this node.

use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::exchange::{Channel, EntryKind, Opening, ReceiptBody};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::MAX_BATCH_RECORDS;
use luxor_protocol::record::{Names, RecordView};
use rocksdb::IteratorMode;

use super::columns::{Tag, Under, cf, index_key, read_place};
use super::open::{Store, StoreError, decode};
use super::read::StoredDelivery;
use super::rows::SourceRow;
use super::write::{IndexedRecord, identifiers};
use crate::keyring::DataKey;

/// A dispatch by which a record of another was passed on.
#[derive(Debug, Clone)]
pub struct PassedOn {
    /// Index of its `sent` entry.
    pub entry: u64,
    /// The record's place in its batch.
    pub place: usize,
    /// The dispatch, with its receipt once that is there.
    pub delivery: StoredDelivery,
    /// Whether it was withdrawn, so that only that waits for its receipt.
    pub withdrawn: bool,
}

/// A record of another as it is kept with the dispatch that passes it on: where it came, and by what it is found once what came is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedRecord {
    /// Its root.
    pub root: Digest,
    /// `received` entry and place where it came.
    pub came: (u64, usize),
    /// References that lead to it, as far as they were shown here; none once it is erased by order.
    pub references: Vec<String>,
}

impl Store {
    /// Every dispatch by which this record was passed on, the first one first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn passed_on(&self, root: &Digest) -> Result<Vec<PassedOn>, StoreError> {
        let passed = |(entry, place): (u64, usize)| {
            let damaged = |what: &str| StoreError::damaged(format!("the dispatch of entry {entry}"), what.to_owned());
            let skeleton = self.opening(entry)?.and_then(|opening| opening.read_skeleton().ok());
            let skeleton = skeleton.filter(|skeleton| skeleton.kind == EntryKind::Sent);
            let skeleton = skeleton.ok_or_else(|| damaged("not there"))?;
            let (channel, number) = (&skeleton.channel, skeleton.number);
            let sent = self.sent(channel, number)?.ok_or_else(|| damaged("its row is not there"))?;
            let header = decode("a dispatch header", &sent.envelope.header)?;
            let delivery = StoredDelivery { header, receipt: self.read_receipt(channel, number)? };
            Ok(PassedOn { entry, place, delivery, withdrawn: sent.withdrawal.is_some() })
        };
        self.passed_places(root)?.into_iter().map(passed).collect()
    }

    /// The records that the dispatch of this `sent` entry passes on, in the order of its batch; `None` where it carries own records, or
    /// is erased.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn passed_records(&self, entry: u64) -> Result<Option<Vec<PassedRecord>>, StoreError> {
        let Some((_, bytes)) = self.opened(Under::PassedOn, entry)? else { return Ok(None) };
        let records = read_passed_on(&bytes);
        records.map(Some).map_err(|e| StoreError::damaged(format!("the records passed on by entry {entry}"), e))
    }

    /// Whether any dispatch that is not erased passes records on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn passes_on(&self) -> Result<bool, StoreError> {
        Ok(self.db.iterator_cf(self.cf(cf::PASSED_ON), IteratorMode::Start).next().transpose()?.is_some())
    }

    /// `sent` entry and place of each dispatch by which this record was passed on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn passed_places(&self, root: &Digest) -> Result<Vec<(u64, usize)>, StoreError> {
        let rows = self.rows_from(&index_key(Tag::PassedOn, root, &[]))?;
        Ok(rows.iter().filter_map(|(suffix, _)| read_place(suffix)).collect())
    }

    /// What came with the records of this `received` entry; `None` where they were not passed on, or it is erased.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn source(&self, entry: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<SourceRow> = self.row(cf::SOURCES, &entry.to_be_bytes(), "what came with records passed on")?;
        Ok(row.map(|SourceRow(source)| source))
    }

    /// The newest receipt of a dispatch with its body.
    pub(super) fn read_receipt(
        &self,
        channel: &Channel,
        number: u64,
    ) -> Result<Option<(super::ReceiptRow, ReceiptBody)>, StoreError> {
        let Some(row) = self.receipt(channel, number)? else { return Ok(None) };
        let damaged = |e: &dyn std::fmt::Display| {
            StoreError::damaged(format!("the receipt of number {number} of {channel}"), e.to_string())
        };
        let proof = luxor_protocol::tlog::TlogProof::parse(&row.proof).map_err(|e| damaged(&e))?;
        let opening: Opening = decode("a receipt's opening", &proof.extra.unwrap_or_default())?;
        let body = decode("a receipt's body", &opening.body)?;
        Ok(Some((row, body)))
    }
}

impl PassedRecord {
    /// A record as it came, in a dispatch that passes it on.
    pub fn new(root: Digest, came: (u64, usize), view: &RecordView) -> Self {
        Self { root, came, references: view.names().references }
    }

    /// What leads to it by name, as far as it is known here.
    pub fn names(&self) -> Names {
        Names { references: self.references.clone(), ..Names::default() }
    }

    /// What finds it while the data key of its bucket lives.
    pub fn indexed(&self, place: usize, key: &DataKey) -> IndexedRecord {
        IndexedRecord { root: self.root, place, references: identifiers(false, key, &self.names(), &[]) }
    }
}

/// Records passed on as they are stored, before they are encrypted.
pub fn passed_on_row(records: &[PassedRecord]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(records.len() * 100 + 3);
    writer.array(records.len());
    for record in records {
        writer.array(4);
        record.root.encode(&mut writer);
        writer.uint(record.came.0);
        writer.uint(record.came.1 as u64);
        writer.array(record.references.len());
        record.references.iter().for_each(|reference| writer.text(reference));
    }
    writer.into_bytes()
}

/// Reads what [`passed_on_row`] wrote.
///
/// # Errors
/// [`CborError`].
pub fn read_passed_on(bytes: &[u8]) -> Result<Vec<PassedRecord>, CborError> {
    let mut reader = Reader::new(bytes);
    let count = reader.array(MAX_BATCH_RECORDS)?;
    let mut records = Vec::with_capacity(count);
    for _ in 0..count {
        reader.tuple(4)?;
        let root = Digest::decode(&mut reader)?;
        let came = (reader.uint()?, reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize); // at most 10,000
        let references = (0..reader.array(bytes.len())?).map(|_| Ok(reader.text(bytes.len())?.to_owned()));
        let references = references.collect::<Result<_, _>>()?;
        reader.leave();
        reader.leave();
        records.push(PassedRecord { root, came, references });
    }
    reader.leave();
    reader.finish()?;
    Ok(records)
}
