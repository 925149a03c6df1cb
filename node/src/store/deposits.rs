//! Sealed dispatches of others that wait here for their recipients, and the receipts for own ones that wait elsewhere.
//!
//! The sealed bytes stand as they came: only their recipient can open them, and under no key of this node would that change. They go when their
//! recipient has them, or with their entry on its day. What the sender signed stays, as it does of all dispatches.
//!
//! Not here: who may deposit what ([`luxor_protocol::exchange::check_deposit`]), and when something is deposited or fetched (driver).

use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::exchange::{Channel, Envelope};
use luxor_protocol::limits::{MAX_ANSWER_BYTES, MAX_DEPOSITS};
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Millis;
use rocksdb::{Direction, IteratorMode, WriteBatch};

use super::columns::{
    DepositTag, cf, deposit_for_key, deposit_key, deposits_of_key, dispatch_key, read_deposit_for_key,
    read_deposit_key, read_dispatch_key,
};
use super::open::{Store, StoreError, decode};
use super::rows::{decode_checked, encode_checked};

/// Receipts of third members looked at for those whose dispatches have no verdict yet.
const LOOKED_THROUGH: usize = 8 * MAX_DEPOSITS;

/// A dispatch between two others that was deposited here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRow {
    /// Index of its `deposited` entry.
    pub entry: u64,
    /// Header and signature.
    pub envelope: Envelope,
}

/// The receipt for an own dispatch that was deposited with a third member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenRow {
    /// The node of that member.
    pub with: NodeRef,
    /// Index of the `deposited` entry in its log.
    pub index: u64,
    /// When it came, by this node's clock.
    pub at: Millis,
    /// The tlog-proof.
    pub proof: Vec<u8>,
}

/// A deposit that waits for its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingDeposit {
    /// Index of its `deposited` entry.
    pub entry: u64,
    /// Its channel.
    pub channel: Channel,
    /// Its number there.
    pub number: u64,
}

/// A range of the sealed bytes of a deposit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRange {
    /// Bytes in all.
    pub length: u64,
    /// Those of the range.
    pub bytes: Vec<u8>,
}

impl Store {
    /// A dispatch of others that was deposited here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn kept(&self, channel: &Channel, number: u64) -> Result<Option<KeptRow>, StoreError> {
        self.row(cf::DEPOSITS, &deposit_key(DepositTag::Kept, channel, number), "a deposited dispatch")
    }

    /// How many dispatches of a sending node wait here, and their sealed bytes. Beyond [`MAX_DEPOSITS`] none is counted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn deposits_of(&self, sender: &NodeRef) -> Result<(usize, u64), StoreError> {
        let prefix = deposits_of_key(sender);
        let rows = self.db.iterator_cf(self.cf(cf::DEPOSITS), IteratorMode::From(&prefix, Direction::Forward));
        let (mut count, mut bytes) = (0, 0u64);
        for item in rows.take(MAX_DEPOSITS) {
            let (key, value) = item?;
            if !key.starts_with(&prefix) {
                break;
            }
            let length = value.as_ref().try_into().map(u64::from_be_bytes);
            let length = length.map_err(|_| StoreError::damaged("the size of a deposit", "wrong length"))?;
            (count, bytes) = (count + 1, bytes.saturating_add(length));
        }
        Ok((count, bytes))
    }

    /// What waits for a recipient, by entry, from this one on, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn deposits_for(
        &self,
        recipient: &NodeRef,
        from: u64,
        limit: usize,
    ) -> Result<Vec<WaitingDeposit>, StoreError> {
        let start = deposit_for_key(recipient, from);
        let mut found = Vec::new();
        let rows = self.db.iterator_cf(self.cf(cf::DEPOSITS), IteratorMode::From(&start, Direction::Forward));
        for item in rows.take(limit) {
            let (key, value) = item?;
            let Some((_, entry)) = read_deposit_for_key(&key).filter(|(node, _)| node == recipient) else { break };
            let damaged = || StoreError::damaged("a row of what waits for a recipient", "unreadable");
            let (channel, number) = read_dispatch_key(&value).ok_or_else(damaged)?;
            found.push(WaitingDeposit { entry, channel, number });
        }
        Ok(found)
    }

    /// A range of the sealed bytes of a deposit; `None` where they are gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn deposit_range(
        &self,
        channel: &Channel,
        number: u64,
        offset: u64,
        most: usize,
    ) -> Result<Option<SealedRange>, StoreError> {
        let key = deposit_key(DepositTag::Sealed, channel, number);
        let Some(sealed) = self.db.get_pinned_cf(self.cf(cf::DEPOSITS), key)? else { return Ok(None) };
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(sealed.len());
        let end = start.saturating_add(most).min(sealed.len());
        Ok(Some(SealedRange { length: sealed.len() as u64, bytes: sealed[start..end].to_vec() }))
    }

    /// The receipt for an own dispatch that a third member keeps.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn given(&self, channel: &Channel, number: u64) -> Result<Option<GivenRow>, StoreError> {
        self.row(cf::DEPOSITS, &deposit_key(DepositTag::Given, channel, number), "a deposit receipt")
    }

    /// The newest own dispatches of a channel for which there is such a receipt and no verdict, at most `limit`; ascending. The newest
    /// [`LOOKED_THROUGH`] receipts are looked at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unsettled_given(&self, channel: &Channel, limit: usize) -> Result<Vec<(u64, GivenRow)>, StoreError> {
        let last = deposit_key(DepositTag::Given, channel, u64::MAX);
        let mut found = Vec::new();
        let rows = self.db.iterator_cf(self.cf(cf::DEPOSITS), IteratorMode::From(&last, Direction::Reverse));
        for item in rows.take(LOOKED_THROUGH) {
            if found.len() >= limit {
                break;
            }
            let (key, value) = item?;
            match read_deposit_key(&key) {
                Some((DepositTag::Given, of, number)) if of == *channel => {
                    let waits = self.stand(channel, number)?.is_some_and(|row| row.tally.is_none());
                    if waits {
                        found.push((number, decode("a deposit receipt", &value)?));
                    }
                }
                _ => break,
            }
        }
        found.reverse();
        Ok(found)
    }

    /// Adds the rows of a dispatch that is deposited here to a batch.
    pub(super) fn stage_deposit(
        &self,
        batch: &mut WriteBatch,
        channel: &Channel,
        number: u64,
        row: &KeptRow,
        sealed: &[u8],
    ) {
        let family = self.cf(cf::DEPOSITS);
        let length = (sealed.len() as u64).to_be_bytes();
        batch.put_cf(family, deposit_key(DepositTag::Kept, channel, number), row.to_cbor());
        batch.put_cf(family, deposit_key(DepositTag::Sealed, channel, number), sealed);
        batch.put_cf(family, deposit_key(DepositTag::Waiting, channel, number), length);
        let waits = deposit_for_key(&channel.recipient, row.entry);
        batch.put_cf(family, waits, dispatch_key(channel, number));
    }

    /// The sealed bytes of a deposit go, and what finds them.
    pub(super) fn stage_deposit_gone(&self, batch: &mut WriteBatch, gone: &WaitingDeposit) {
        let (family, WaitingDeposit { entry, channel, number }) = (self.cf(cf::DEPOSITS), gone);
        batch.delete_cf(family, deposit_key(DepositTag::Sealed, channel, *number));
        batch.delete_cf(family, deposit_key(DepositTag::Waiting, channel, *number));
        batch.delete_cf(family, deposit_for_key(&channel.recipient, *entry));
    }

    /// Adds the receipt of a third member to a batch.
    pub(super) fn stage_given(&self, batch: &mut WriteBatch, channel: &Channel, number: u64, row: &GivenRow) {
        batch.put_cf(self.cf(cf::DEPOSITS), deposit_key(DepositTag::Given, channel, number), row.to_cbor());
    }
}

impl Encode for KeptRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 2, |writer| {
            writer.uint(self.entry);
            self.envelope.encode(writer);
        });
    }
}

impl Decode for KeptRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 2, |reader| Ok(Self { entry: reader.uint()?, envelope: Envelope::decode(reader)? }))
    }
}

impl Encode for GivenRow {
    fn encode(&self, writer: &mut Writer) {
        encode_checked(writer, 4, |writer| {
            self.with.encode(writer);
            writer.uint(self.index);
            self.at.encode(writer);
            writer.bytes(&self.proof);
        });
    }
}

impl Decode for GivenRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        decode_checked(reader, 4, |reader| {
            let (with, index) = (NodeRef::decode(reader)?, reader.uint()?);
            Ok(Self { with, index, at: Millis::decode(reader)?, proof: reader.bytes(MAX_ANSWER_BYTES)?.to_vec() })
        })
    }
}

#[cfg(test)]
mod tests {
    use luxor_protocol::exchange::Lane;
    use luxor_protocol::hash::Digest;

    use super::*;
    use crate::store::{StoreConfig, Write};

    fn channel(sender: &str, recipient: &str) -> Channel {
        let (sender, recipient) = (sender.parse().unwrap(), recipient.parse().unwrap());
        Channel { sender, recipient, epoch: 1, lane: Lane::Ordinary }
    }

    fn write(store: &Store, write: Write, first: u64) {
        let mut batch = Store::batch(1_024);
        store.stage(&mut batch, vec![write], first);
        store.write_synced(batch).unwrap();
    }

    fn keep(store: &Store, channel: &Channel, number: u64, entry: u64, bytes: usize) {
        let envelope = Envelope { header: vec![1], sealed: Digest::ZERO, signature: [0; 64] };
        let (channel, sealed) = (channel.clone(), (0..bytes).map(|at| at as u8).collect());
        write(store, Write::Kept { channel, number, entry: 0, envelope, sealed }, entry);
    }

    #[test]
    fn what_waits_is_counted_by_sender_and_found_by_recipient_in_the_order_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let me = "c/n1".parse().unwrap();
        let store = Store::open(folder.path(), StoreConfig::default(), &Digest::ZERO, &me, folder.path()).unwrap();
        let (one, other) = (channel("a/n1", "b/n1"), channel("a/n10", "b/n1"));
        for (channel, number, entry) in [(&one, 9, 3), (&other, 1, 4), (&one, 2, 7)] {
            keep(&store, channel, number, entry, 10);
        }
        keep(&store, &channel("a/n1", "b/n10"), 1, 8, 30);
        assert_eq!(store.deposits_of(&one.sender).unwrap(), (3, 50));
        assert_eq!(store.deposits_of(&other.sender).unwrap(), (1, 10));
        assert_eq!(store.deposits_of(&one.recipient).unwrap(), (0, 0));
        let entries = |recipient: &str, from, limit| -> Vec<(u64, u64)> {
            let found = store.deposits_for(&recipient.parse().unwrap(), from, limit).unwrap();
            found.iter().map(|found| (found.entry, found.number)).collect()
        };
        assert_eq!(entries("b/n1", 0, 9), [(3, 9), (4, 1), (7, 2)]);
        assert_eq!(entries("b/n1", 4, 1), [(4, 1)]);
        assert_eq!(entries("b/n10", 0, 9), [(8, 1)]);
        let range = |offset, most| store.deposit_range(&one, 2, offset, most).unwrap().unwrap();
        assert_eq!((range(3, 4).bytes, range(3, 4).length), (vec![3, 4, 5, 6], 10));
        assert_eq!(range(8, 4).bytes, [8, 9]);
        assert!(range(10, 4).bytes.is_empty() && range(u64::MAX, 4).bytes.is_empty());
        // Its bytes go; what its sender signed stays.
        let taken = store.deposits_for(&one.recipient, 0, 2).unwrap();
        write(&store, Write::KeptTaken(taken), 9);
        assert_eq!(entries("b/n1", 0, 9), [(7, 2)]);
        assert_eq!(store.deposits_of(&one.sender).unwrap(), (2, 40));
        assert_eq!(store.deposit_range(&one, 9, 0, 4).unwrap(), None);
        assert_eq!(store.kept(&one, 9).unwrap().unwrap().entry, 3);
    }

    #[test]
    fn rows_have_one_form_and_tell_damage() {
        let (with, proof) = ("c/n1".parse().unwrap(), vec![1, 2, 3]);
        let row = GivenRow { with, index: 7, at: Millis(9), proof };
        let bytes = row.to_cbor();
        assert_eq!(GivenRow::from_cbor(&bytes), Ok(row.clone()));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_ne!(GivenRow::from_cbor(&damaged), Ok(row.clone()));
        }
    }
}
