//! What this node sent: rows of dispatches and receipts, the outbox, what is sent again, what is dropped.

use luxor_protocol::cbor::Encode;
use luxor_protocol::exchange::{Channel, DispatchHeader, Request};
use luxor_protocol::time::Day;
use rocksdb::{Direction, IteratorMode, WriteBatch};

use super::columns::{cf, dispatch_key, read_dispatch_key, read_settled_key, receipt_key};
use super::open::{Store, StoreError, decode};
use super::rows::{ReceiptRow, SentRow};

/// A dispatch in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its channel.
    pub channel: Channel,
    /// Its number.
    pub number: u64,
    /// Bytes of its request.
    pub bytes: u64,
    /// Header, signature and withdrawal.
    pub sent: SentRow,
}

/// What one call of [`Store::purge_settled`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purged {
    /// Dispatches whose sealed bytes were dropped.
    pub dispatches: usize,
    /// Whether there may be more.
    pub more: bool,
}

impl Store {
    /// The request of a dispatch, or of its withdrawal, as it goes out; `None` when its bytes were dropped.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn request(&self, channel: &Channel, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(request) = self.get(cf::SEALED, &dispatch_key(channel, number))? {
            return Ok(Some(request));
        }
        let withdrawal = self.sent(channel, number)?.and_then(|row| row.withdrawal);
        Ok(withdrawal.map(|withdrawal| Request::Withdrawal(withdrawal).to_cbor()))
    }

    /// A dispatch that this node made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sent(&self, channel: &Channel, number: u64) -> Result<Option<SentRow>, StoreError> {
        self.row(cf::SENT, &dispatch_key(channel, number), "a sent row")
    }

    /// The header of a dispatch that this node made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sent_header(&self, channel: &Channel, number: u64) -> Result<Option<DispatchHeader>, StoreError> {
        let Some(row) = self.sent(channel, number)? else { return Ok(None) };
        Ok(Some(decode("a dispatch header", &row.envelope.header)?))
    }

    /// The newest receipt of a dispatch that this node made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn receipt(&self, channel: &Channel, number: u64) -> Result<Option<ReceiptRow>, StoreError> {
        let last = receipt_key(channel, number, u64::MAX);
        let mode = IteratorMode::From(&last, Direction::Reverse);
        match self.db.iterator_cf(self.cf(cf::RECEIPTS), mode).next().transpose()? {
            Some((key, value)) if key.starts_with(&dispatch_key(channel, number)) => {
                Ok(Some(decode("a receipt", &value)?))
            }
            _ => Ok(None),
        }
    }

    /// The receipt that a `receipt` entry is about.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn receipt_of(&self, channel: &Channel, number: u64, entry: u64) -> Result<Option<ReceiptRow>, StoreError> {
        self.row(cf::RECEIPTS, &receipt_key(channel, number, entry), "a receipt")
    }

    /// Dispatches in the outbox behind `after`, at most `limit`, in the order of their keys.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn outbox(&self, after: Option<(&Channel, u64)>, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        let mut start = after.map(|(channel, number)| dispatch_key(channel, number)).unwrap_or_default();
        if after.is_some() {
            start.push(0);
        }
        let mode = IteratorMode::From(&start, Direction::Forward);
        let mut rows = Vec::new();
        for item in self.db.iterator_cf(self.cf(cf::OUTBOX), mode).take(limit) {
            let (key, value) = item?;
            let damaged = || StoreError::damaged("an outbox row", "unreadable");
            let (channel, number) = read_dispatch_key(&key).ok_or_else(damaged)?;
            let bytes = u64::from_be_bytes(value.as_ref().try_into().map_err(|_| damaged())?);
            let sent = self.sent(&channel, number)?.ok_or_else(damaged)?;
            rows.push(OutboxRow { channel, number, bytes, sent });
        }
        Ok(rows)
    }

    /// Dispatches with the numbers from `after + 1`, at most `count`, with the bytes of their requests; 0 bytes where they
    /// were dropped.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sent_after(
        &self,
        channel: &Channel,
        after: u64,
        count: u64,
    ) -> Result<Vec<(u64, SentRow, u64)>, StoreError> {
        let mut found = Vec::new();
        for number in (after.saturating_add(1)..).take(usize::try_from(count).unwrap_or(usize::MAX)) {
            let Some(row) = self.sent(channel, number)? else { break };
            let bytes = self.request(channel, number)?.map_or(0, |request| request.len() as u64);
            found.push((number, row, bytes));
        }
        Ok(found)
    }

    /// Drops the sealed bytes of dispatches whose newest receipt came before `day`, at most `limit` of them. Not synced:
    /// what a power loss brings back is dropped next time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn purge_settled(&self, day: Day, limit: usize) -> Result<Purged, StoreError> {
        let mut batch = WriteBatch::default();
        let (mut dispatches, mut looked_at) = (0, 0);
        for item in self.db.iterator_cf(self.cf(cf::SETTLED), IteratorMode::Start).take(limit) {
            let (key, _) = item?;
            let damaged = || StoreError::damaged("a settled row", "unreadable key");
            let (settled_on, dispatch) = read_settled_key(&key).ok_or_else(damaged)?;
            if settled_on >= day {
                break;
            }
            looked_at += 1;
            let (channel, number) = read_dispatch_key(dispatch).ok_or_else(damaged)?;
            batch.delete_cf(self.cf(cf::SETTLED), &key);
            // A dispatch that is sent again, or was receipted again later, keeps its bytes.
            let waits = self.get(cf::OUTBOX, dispatch)?.is_some();
            let newest = self.receipt(&channel, number)?.map(|row| row.settled_on);
            if !waits && newest == Some(settled_on) {
                batch.delete_cf(self.cf(cf::SEALED), dispatch);
                dispatches += 1;
            }
        }
        if looked_at > 0 {
            self.db.write(batch)?;
        }
        Ok(Purged { dispatches, more: looked_at == limit })
    }
}

#[cfg(test)]
mod tests {
    use luxor_protocol::exchange::{Envelope, Lane};
    use luxor_protocol::hash::Digest;

    use super::*;
    use crate::store::{StandRow, StoreConfig, Write};

    const TODAY: Day = Day(20_000);

    struct Bench {
        _folder: tempfile::TempDir,
        store: Store,
        channel: Channel,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (sender, recipient): (luxor_protocol::names::NodeRef, _) =
                ("a/n1".parse().unwrap(), "b/n1".parse().unwrap());
            let store =
                Store::open(folder.path(), StoreConfig::default(), &Digest::ZERO, &sender, folder.path()).unwrap();
            Self { _folder: folder, store, channel: Channel { sender, recipient, epoch: 1, lane: Lane::Ordinary } }
        }

        fn write(&self, write: Write, entry: u64) {
            let mut batch = Store::batch(1_024);
            self.store.stage(&mut batch, vec![write], entry);
            self.store.write_synced(batch).unwrap();
        }

        fn sent(&self, number: u64) {
            let envelope = Envelope { header: vec![1], sealed: Digest::ZERO, signature: [0; 64] };
            let (channel, request) = (self.channel.clone(), vec![7; 100]);
            self.write(Write::Sent { channel, number, entry: 0, envelope, request: request.into() }, number);
        }

        fn settled(&self, number: u64, settled_on: Day, entry: u64) {
            let (channel, proof, origin) = (self.channel.clone(), Vec::new(), "b".to_owned());
            let (recipient_entry, confirmed) = (0, number);
            let stand = StandRow::pending(Digest::ZERO);
            let settled = Write::Settled {
                channel,
                number,
                entry: 0,
                recipient_entry,
                proof,
                settled_on,
                origin,
                confirmed,
                stand,
            };
            self.write(settled, entry);
        }

        /// Purges until nothing is left to do, and tells which of the numbers up to `last` have their bytes.
        fn kept(&self, before: Day, limit: usize, last: u64) -> Vec<u64> {
            while self.store.purge_settled(before, limit).unwrap().more {}
            (1..=last).filter(|number| self.store.request(&self.channel, *number).unwrap().is_some()).collect()
        }
    }

    #[test]
    fn sealed_bytes_go_seven_days_after_their_receipt_and_not_before() {
        let bench = Bench::new();
        // Number n has its receipt since n days; number 12 has none.
        for number in 1..=12 {
            bench.sent(number);
            if number < 12 {
                bench.settled(number, TODAY.minus(number), 100 + number);
            }
        }
        let before = TODAY.minus(7);
        let first = bench.store.purge_settled(before, 3).unwrap();
        assert_eq!(first, Purged { dispatches: 3, more: true });
        assert_eq!(bench.kept(before, 3, 12), [1, 2, 3, 4, 5, 6, 7, 12]);
        // Nothing else of them goes: header, signature and receipt stay, and a second call finds nothing.
        assert!(bench.store.sent(&bench.channel, 11).unwrap().is_some());
        assert!(bench.store.receipt(&bench.channel, 11).unwrap().is_some());
        assert_eq!(bench.store.purge_settled(before, 3).unwrap(), Purged { dispatches: 0, more: false });
        let after = bench.store.sent_after(&bench.channel, 6, 3).unwrap();
        let bytes: Vec<_> = after.iter().map(|(number, _, bytes)| (*number, *bytes)).collect();
        assert_eq!(bytes, [(7, 100), (8, 0), (9, 0)]);
    }

    #[test]
    fn what_is_sent_again_keeps_its_bytes_until_its_next_receipt_is_old() {
        let bench = Bench::new();
        for number in 1..=2 {
            bench.sent(number);
            bench.settled(number, TODAY.minus(30), 100 + number);
        }
        for number in 1..=2 {
            bench.write(Write::Resent { channel: bench.channel.clone(), number, bytes: 100 }, 200 + number);
        }
        bench.settled(2, TODAY, 301);
        assert_eq!(bench.kept(TODAY.minus(7), 10, 2), [1, 2], "1 waits, 2 has a young receipt");
        bench.settled(1, TODAY, 302);
        assert_eq!(bench.kept(TODAY, 10, 2), [1, 2]);
        assert_eq!(bench.kept(Day(TODAY.0 + 1), 10, 2), [0; 0]);
    }
}
