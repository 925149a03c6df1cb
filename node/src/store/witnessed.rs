//! Since when receipts stand in their recipients' logs: of each log the cosigned checkpoints that prove it, and how far the receipts of
//! each own channel were looked through.
//!
//! One checkpoint covers every receipt below its size, so there is a row for each checkpoint and none for a receipt. Its row says from
//! which entry on it is the first one known; an entry before that is covered, but an earlier checkpoint may be too.
//!
//! Not here: how a checkpoint is asked for and verified (driver).

use std::collections::BTreeMap;
use std::sync::PoisonError;

use luxor_protocol::cbor::Encode as _;
use luxor_protocol::exchange::Channel;
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::TlogProof;
use rocksdb::{Direction, IteratorMode, WriteBatch};

use super::columns::{cf, channel_key, dispatch_key, looked_key, read_dispatch_key, read_witnessed_key, witnessed_key};
use super::open::{Store, StoreError, decode};
use super::rows::{ReceiptRow, WitnessedRow};

/// Checkpoints kept of one log, the newest: three months of one a minute. Receipts before them have no proven time here any more; their
/// recipients may still show it.
const MAX_WITNESSED_KEPT: usize = 131_072;

/// Receipts of one recipient that no checkpoint held proves, as far as they were looked through: channel and number by entry in the
/// recipient's log.
pub type Unproven = BTreeMap<u64, (Channel, u64)>;

/// The origin of a checkpoint: the first line of its note.
pub fn first_line(note: &[u8]) -> Option<&str> {
    std::str::from_utf8(note.split(|byte| *byte == b'\n').next()?).ok()
}

impl Store {
    /// The quorum time of the first checkpoint known to cover an entry of a log, in seconds since 1970.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn witnessed_entry(&self, origin: &str, entry: u64) -> Result<Option<u64>, StoreError> {
        let start = witnessed_key(origin, entry.saturating_add(1));
        let mode = IteratorMode::From(&start, Direction::Forward);
        let Some((key, value)) = self.db.iterator_cf(self.cf(cf::WITNESSED), mode).next().transpose()? else {
            return Ok(None);
        };
        if read_witnessed_key(&key).is_none_or(|(of, _)| of != origin) {
            return Ok(None);
        }
        let row: WitnessedRow = decode("a witnessed checkpoint", &value)?;
        Ok((row.from <= entry).then_some(row.time))
    }

    /// When a recipient is proven to have had an own dispatch, by any of its receipts: seconds since 1970.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn witnessed_dispatch(&self, channel: &Channel, number: u64) -> Result<Option<u64>, StoreError> {
        let prefix = dispatch_key(channel, number);
        let mut first = None;
        for item in self.db.iterator_cf(self.cf(cf::RECEIPTS), IteratorMode::From(&prefix, Direction::Forward)) {
            let (key, value) = item?;
            if !key.starts_with(&prefix) {
                break;
            }
            let row: ReceiptRow = decode("a receipt", &value)?;
            let Some(origin) = origin_of(&row)? else { continue };
            let time = self.witnessed_entry(&origin, row.recipient_entry)?;
            first = [first, time].into_iter().flatten().min();
        }
        Ok(first)
    }

    /// The quorum time of the newest checkpoint kept of a log.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn witnessed_newest(&self, origin: &str) -> Result<Option<u64>, StoreError> {
        let start = witnessed_key(origin, u64::MAX);
        let mode = IteratorMode::From(&start, Direction::Reverse);
        match self.db.iterator_cf(self.cf(cf::WITNESSED), mode).next().transpose()? {
            Some((key, value)) if read_witnessed_key(&key).is_some_and(|(of, _)| of == origin) => {
                Ok(Some(decode::<WitnessedRow>("a witnessed checkpoint", &value)?.time))
            }
            _ => Ok(None),
        }
    }

    /// Keeps a checkpoint that was verified; the same size again keeps its first note and time. Beyond `MAX_WITNESSED_KEPT` of a log
    /// the oldest go.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_witnessed(&self, origin: &str, size: u64, row: WitnessedRow) -> Result<(), StoreError> {
        self.keep_witnessed_of(origin, size, row, MAX_WITNESSED_KEPT)
    }

    fn keep_witnessed_of(&self, origin: &str, size: u64, row: WitnessedRow, most: usize) -> Result<(), StoreError> {
        let key = witnessed_key(origin, size);
        let known = self.row::<WitnessedRow>(cf::WITNESSED, &key, "a witnessed checkpoint")?;
        let new = known.is_none();
        let row = match known {
            Some(known) => WitnessedRow { from: row.from.min(known.from), ..known },
            None => row,
        };
        let mut batch = WriteBatch::default();
        batch.put_cf(self.cf(cf::WITNESSED), &key, row.to_cbor());
        if new {
            // Counted once; a count is whole, whoever panicked since.
            let mut counts = self.witnessed.lock().unwrap_or_else(PoisonError::into_inner);
            let count = match counts.get(origin) {
                Some(count) => *count,
                None => self.witnessed_keys(origin, usize::MAX)?.len(),
            };
            let more = (count + 1).saturating_sub(most);
            for old in self.witnessed_keys(origin, more)? {
                batch.delete_cf(self.cf(cf::WITNESSED), old);
            }
            counts.insert(origin.to_owned(), count + 1 - more);
        }
        self.write_synced(batch)
    }

    /// Keys of the first checkpoints kept of a log.
    fn witnessed_keys(&self, origin: &str, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let start = witnessed_key(origin, 0);
        let mut keys = Vec::new();
        let rows = self.db.iterator_cf(self.cf(cf::WITNESSED), IteratorMode::From(&start, Direction::Forward));
        for item in rows.take(limit) {
            let (key, _) = item?;
            if read_witnessed_key(&key).is_none_or(|(of, _)| of != origin) {
                break;
            }
            keys.push(key.into_vec());
        }
        Ok(keys)
    }

    /// Looks through receipts that a recipient gave, from where the last look ended, at most `limit` of each channel: which of them no
    /// checkpoint of this log proves. What is proven, or was given under another log, is not looked at again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unproven(
        &self,
        me: &NodeRef,
        recipient: &NodeRef,
        origin: &str,
        limit: usize,
    ) -> Result<Unproven, StoreError> {
        let mut found = Unproven::default();
        let prefix = [me.as_str().as_bytes(), &[0], recipient.as_str().as_bytes(), &[0]].concat();
        let mut from = prefix.clone();
        // From channel to channel, of which there are two of each epoch.
        loop {
            let mode = IteratorMode::From(&from, Direction::Forward);
            let next = self.db.iterator_cf(self.cf(cf::RECEIPTS), mode).next().transpose()?;
            let Some((key, _)) = next.filter(|(key, _)| key.starts_with(&prefix)) else { return Ok(found) };
            let (channel, _) = dispatch_of(&key)?;
            self.unproven_of(&channel, origin, limit, &mut found)?;
            from = dispatch_key(&channel, u64::MAX);
            from.extend_from_slice(&[u8::MAX; 9]);
        }
    }

    fn unproven_of(
        &self,
        channel: &Channel,
        origin: &str,
        limit: usize,
        found: &mut Unproven,
    ) -> Result<(), StoreError> {
        let looked = self.looked(channel)?;
        let (mut next, mut whole) = (looked, true);
        let (start, of_channel) = (dispatch_key(channel, looked), channel_key(channel));
        let rows = self.db.iterator_cf(self.cf(cf::RECEIPTS), IteratorMode::From(&start, Direction::Forward));
        for item in rows.take(limit) {
            let (key, value) = item?;
            if !key.starts_with(&of_channel) {
                break;
            }
            let (_, number) = dispatch_of(&key)?;
            let row: ReceiptRow = decode("a receipt", &value)?;
            let current = origin_of(&row)?.is_some_and(|of| of == origin);
            if current && self.witnessed_entry(origin, row.recipient_entry)?.is_none() {
                found.insert(row.recipient_entry, (channel.clone(), number));
                whole = false;
            }
            // A number that has no receipt yet gets one later, so nothing beyond it is done with.
            whole &= number <= next;
            if whole {
                next = number.saturating_add(1);
            }
        }
        if next > looked {
            let mut batch = WriteBatch::default();
            batch.put_cf(self.cf(cf::WITNESSED), looked_key(channel), next.to_be_bytes());
            // What a power loss takes back is looked through again.
            self.db.write(batch)?;
        }
        Ok(())
    }

    /// The first number of an own channel whose receipts are not looked through.
    fn looked(&self, channel: &Channel) -> Result<u64, StoreError> {
        let damaged =
            |_| StoreError::damaged(format!("how far receipts of {channel} were looked through"), "wrong length");
        match self.get(cf::WITNESSED, &looked_key(channel))? {
            Some(bytes) => Ok(u64::from_be_bytes(bytes.try_into().map_err(damaged)?)),
            None => Ok(1),
        }
    }
}

/// The dispatch of a receipt's key.
fn dispatch_of(key: &[u8]) -> Result<(Channel, u64), StoreError> {
    let dispatch = key.len().checked_sub(8).and_then(|end| key.get(..end));
    dispatch.and_then(read_dispatch_key).ok_or_else(|| StoreError::damaged("a receipt", "unreadable key"))
}

/// The log under which a receipt was given.
fn origin_of(row: &ReceiptRow) -> Result<Option<String>, StoreError> {
    let proof = TlogProof::parse(&row.proof).map_err(|e| StoreError::damaged("a receipt", e))?;
    Ok(first_line(&proof.checkpoint).map(str::to_owned))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use luxor_protocol::exchange::Lane;
    use luxor_protocol::hash::Digest;
    use luxor_protocol::keys::{KeyUse, SecretKey};
    use luxor_protocol::time::Day;
    use luxor_protocol::tlog::Checkpoint;

    use super::*;
    use crate::store::{StandRow, StoreConfig, Write};

    const ORIGIN: &str = "luxor.test/b/n1";

    fn store() -> (tempfile::TempDir, Store, Channel) {
        let folder = tempfile::tempdir().unwrap();
        let (sender, recipient): (NodeRef, _) = ("a/n1".parse().unwrap(), "b/n1".parse().unwrap());
        let store = Store::open(folder.path(), StoreConfig::default(), &Digest::ZERO, &sender, folder.path()).unwrap();
        (folder, store, Channel { sender, recipient, epoch: 1, lane: Lane::Ordinary })
    }

    fn row(from: u64, time: u64) -> WitnessedRow {
        WitnessedRow { from, time, note: b"note".to_vec() }
    }

    fn receipt(store: &Store, channel: &Channel, number: u64, at: u64, origin: &str) {
        let key = SecretKey::from_seed(KeyUse::Log, &[1; 32]).unwrap();
        let checkpoint = Checkpoint::new(origin, at + 1, [1; 32]).sign(key.signing_key()).unwrap().to_bytes();
        let proof = TlogProof { extra: None, index: at, hashes: Vec::new(), checkpoint }.to_bytes();
        let mut batch = Store::batch(1_024);
        let settled = Write::Settled {
            channel: channel.clone(),
            number,
            entry: 0,
            recipient_entry: at,
            proof,
            settled_on: Day(20_000),
            origin: origin.to_owned(),
            confirmed: number,
            stand: StandRow::pending(Digest::ZERO),
        };
        store.stage(&mut batch, vec![settled], 1_000 + number);
        store.write_synced(batch).unwrap();
    }

    #[test]
    fn a_checkpoint_proves_what_it_is_the_first_to_cover() {
        let (_folder, store, _) = store();
        store.keep_witnessed(ORIGIN, 50, row(10, 500)).unwrap();
        let at = |entry| store.witnessed_entry(ORIGIN, entry).unwrap();
        assert_eq!([at(9), at(10), at(49), at(50)], [None, Some(500), Some(500), None]);
        assert_eq!(store.witnessed_entry("luxor.test/b/n", 20).unwrap(), None, "another log");
        // An earlier one is found later, and the same again covers more and keeps its time.
        store.keep_witnessed(ORIGIN, 20, row(5, 400)).unwrap();
        store.keep_witnessed(ORIGIN, 20, row(3, 999)).unwrap();
        assert_eq!([at(2), at(3), at(19), at(20)], [None, Some(400), Some(400), Some(500)]);
        assert_eq!(store.witnessed_newest(ORIGIN).unwrap(), Some(500));
        assert_eq!(store.witnessed_newest("luxor.test/c/n1").unwrap(), None);
    }

    #[test]
    fn the_oldest_go_beyond_the_bound_and_tell_nothing_false() {
        let (_folder, store, _) = store();
        for nth in 1..=5 {
            store.keep_witnessed_of(ORIGIN, nth * 10, row(nth * 10 - 10, nth), 3).unwrap();
        }
        let times: Vec<_> = (0..5).map(|nth| store.witnessed_entry(ORIGIN, nth * 10).unwrap()).collect();
        assert_eq!(times, [None, None, Some(3), Some(4), Some(5)]);
    }

    #[test]
    fn receipts_are_looked_through_once_and_gaps_are_waited_for() {
        let (_folder, store, channel) = store();
        let (me, other) = (channel.sender.clone(), channel.recipient.clone());
        let urgent = Channel { lane: Lane::Urgent, ..channel.clone() };
        for (number, at) in [(1, 7), (2, 8), (4, 11)] {
            receipt(&store, &channel, number, at, ORIGIN);
        }
        receipt(&store, &urgent, 1, 9, ORIGIN);
        receipt(&store, &channel, 5, 3, "luxor.test/b/old");
        let look = || store.unproven(&me, &other, ORIGIN, 100).unwrap().into_keys().collect::<Vec<_>>();
        assert_eq!(look(), [7, 8, 9, 11]);
        store.keep_witnessed(ORIGIN, 10, row(7, 100)).unwrap();
        assert_eq!(look(), [11]);
        assert_eq!((store.looked(&channel).unwrap(), store.looked(&urgent).unwrap()), (3, 2));
        assert_eq!(store.witnessed_dispatch(&channel, 2).unwrap(), Some(100));
        assert_eq!(store.witnessed_dispatch(&channel, 4).unwrap(), None);
        store.keep_witnessed(ORIGIN, 12, row(11, 200)).unwrap();
        assert_eq!((look(), store.looked(&channel).unwrap()), (vec![], 3), "number 3 has no receipt yet");
        receipt(&store, &channel, 3, 20, ORIGIN);
        assert_eq!(look(), [20]);
        store.keep_witnessed(ORIGIN, 21, row(20, 300)).unwrap();
        assert_eq!((look(), store.looked(&channel).unwrap()), (vec![], 6));
        let elsewhere = store.unproven(&me, &"b/n2".parse().unwrap(), ORIGIN, 100).unwrap();
        assert_eq!(elsewhere, Unproven::default());
    }
}
