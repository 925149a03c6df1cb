//! Records of others that this node passed on: which, in which dispatch, and to whom each went.

use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::exchange::{Channel, EntryKind, Opening, ReceiptBody};
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::MAX_BATCH_RECORDS;

use super::columns::{Tag, cf, index_key, read_place};
use super::open::{Store, StoreError, decode};
use super::read::StoredDelivery;

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

impl Store {
    /// Every dispatch by which this record was passed on, the first one first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn passed_on(&self, root: &Digest) -> Result<Vec<PassedOn>, StoreError> {
        let rows = self.rows_from(&index_key(Tag::PassedOn, root, &[]))?;
        let places = rows.iter().filter_map(|(suffix, _)| read_place(suffix));
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
        places.map(passed).collect()
    }

    /// The roots of the records that the dispatch of this `sent` entry passes on; `None` where it carries own records.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn passed_roots(&self, entry: u64) -> Result<Option<Vec<Digest>>, StoreError> {
        let Some(bytes) = self.get(cf::PASSED_ON, &entry.to_be_bytes())? else { return Ok(None) };
        let roots = read_passed_on(&bytes);
        roots.map(Some).map_err(|e| StoreError::damaged(format!("the records passed on by entry {entry}"), e))
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

/// A list of roots as it is stored. It needs no checksum: together they lead to the root of the batch that was signed.
pub(super) fn passed_on_row(roots: &[Digest]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(roots.len() * 34 + 3);
    writer.array(roots.len());
    roots.iter().for_each(|root| root.encode(&mut writer));
    writer.into_bytes()
}

/// Reads what [`passed_on_row`] wrote.
///
/// # Errors
/// [`CborError`].
pub fn read_passed_on(bytes: &[u8]) -> Result<Vec<Digest>, CborError> {
    let mut reader = Reader::new(bytes);
    let count = reader.array(MAX_BATCH_RECORDS)?;
    let mut roots = Vec::with_capacity(count);
    for _ in 0..count {
        roots.push(Digest::decode(&mut reader)?);
    }
    reader.leave();
    reader.finish()?;
    Ok(roots)
}
