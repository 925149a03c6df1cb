//! What this node sent: rows of dispatches and receipts, the outbox, what is sent again, what is dropped.

use luxor_protocol::cbor::Encode;
use luxor_protocol::exchange::{Channel, Request};
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
