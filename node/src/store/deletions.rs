//! Words that something is erased: those owed to senders, and those that recipients gave.

use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::exchange::Channel;
use luxor_protocol::limits::MAX_BATCH_RECORDS;
use luxor_protocol::time::Day;
use rocksdb::{Direction, IteratorMode};

use super::columns::{DeletionTag, cf, deletion_key, read_deletion_key};
use super::open::{Store, StoreError, decode};

/// What a recipient's word says of one dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedRow {
    /// The day that it names.
    pub on: Day,
    /// Places of the records; none where all that was accepted is meant.
    pub places: Vec<usize>,
}

impl Store {
    /// Words owed behind `after`: the channel and the own `erased` entry; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn deletions_owed(
        &self,
        after: Option<&(Channel, u64)>,
        limit: usize,
    ) -> Result<Vec<(Channel, u64)>, StoreError> {
        let mut owed = Vec::new();
        let key = |(channel, entry): &(Channel, u64)| deletion_key(DeletionTag::Owed, channel, 0, entry + 1);
        let start = after.map(key).unwrap_or_default();
        let mode = IteratorMode::From(&start, Direction::Forward);
        for item in self.db.iterator_cf(self.cf(cf::DELETIONS), mode).take(limit) {
            let damaged = || StoreError::damaged("a row about a deletion", "unreadable key");
            let (tag, channel, _, entry) = read_deletion_key(&item?.0).ok_or_else(damaged)?;
            if tag != DeletionTag::Owed {
                break;
            }
            owed.push((channel, entry));
        }
        Ok(owed)
    }

    /// What recipients' words say of a dispatch: the `erased` entry of each.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn deleted(&self, channel: &Channel, number: u64) -> Result<Vec<(u64, DeletedRow)>, StoreError> {
        let start = deletion_key(DeletionTag::Dispatch, channel, number, 0);
        let mut found = Vec::new();
        for item in self.db.iterator_cf(self.cf(cf::DELETIONS), IteratorMode::From(&start, Direction::Forward)) {
            let (key, value) = item?;
            let Some((DeletionTag::Dispatch, of, at, entry)) = read_deletion_key(&key) else { break };
            if of != *channel || at != number {
                break;
            }
            found.push((entry, decode("what a deletion receipt says", &value)?));
        }
        Ok(found)
    }

    /// A recipient's word, a tlog-proof.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn deletion_receipt(&self, channel: &Channel, entry: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(cf::DELETIONS, &deletion_key(DeletionTag::Word, channel, 0, entry))
    }
}

impl Encode for DeletedRow {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        self.on.encode(writer);
        writer.array(self.places.len());
        self.places.iter().for_each(|place| writer.uint(*place as u64));
    }
}

impl Decode for DeletedRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let (on, mut places) = (Day::decode(reader)?, Vec::new());
        for _ in 0..reader.array(MAX_BATCH_RECORDS)? {
            places.push(reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize); // at most 10,000
        }
        reader.leave();
        reader.leave();
        Ok(Self { on, places })
    }
}
