//! Dispatches made here: what the log says of them, and their rows.
//!
//! Four families begin with the same key and are read side by side.

use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::exchange::{DispatchHeader, EntryKind, Request, SentBody};

use super::receipts::{Receipts, Settled};
use super::report::{KEEP, RESTORE, entry, opening, outbox, receipt, sealed, sent};
use super::{Check, Opened, key_of, own_channel};
use crate::store::{DispatchKey, Family, ReceiptKey, ReceiptRow, RowKey, Scan, SentRow, StoreError};

/// The rows of one dispatch, each as found.
struct Rows {
    sealed: Option<Vec<u8>>,
    outbox: Option<Vec<u8>>,
    /// By entry; `None` when RocksDB cannot read all of them.
    receipts: Option<Vec<(u64, Vec<u8>)>>,
}

impl Check<'_> {
    /// A `sent` entry: it has its number in turn, and its row.
    pub(super) fn sent_entry(&mut self, index: u64, opened: &Opened) {
        let key = key_of(&opened.skeleton);
        if !own_channel(&key.channel, &self.me, true) {
            let what = format!("a sent entry about {}, which does not begin here", key.channel);
            return self.notes.finding(opening(index), what, KEEP);
        }
        if let Some(numbers) = &mut self.numbers {
            let last = numbers.entry(key.channel.clone()).or_default();
            let expected = *last + 1;
            *last = key.number;
            if key.number != expected {
                let what = format!("number {} of {}, expected {expected}", key.number, key.channel);
                self.notes.finding(opening(index), what, KEEP);
            }
        }
        let row = self.store.look(Family::Sent, &key);
        self.leads_back::<SentRow>(index, &sent(&key), row, |row| row.entry);
    }

    /// A `receipt` entry: it has its row.
    pub(super) fn receipt_entry(&mut self, index: u64, opened: &Opened) {
        let key = key_of(&opened.skeleton);
        if !own_channel(&key.channel, &self.me, true) {
            let what = format!("a receipt entry about {}, which does not begin here", key.channel);
            return self.notes.finding(opening(index), what, KEEP);
        }
        let key = ReceiptKey { dispatch: key, entry: index };
        let row = self.store.look(Family::Receipts, &key);
        if self.leads_back::<ReceiptRow>(index, &receipt(&key), row, |row| row.entry).is_none() {
            self.sent_totals = None;
        }
    }

    /// A `withdrawn` entry: the dispatch has its withdrawal.
    pub(super) fn withdrawn_entry(&mut self, index: u64, opened: &Opened) {
        let key = key_of(&opened.skeleton);
        self.withdrawn += 1;
        let what = sent(&key);
        let row = self.store.look(Family::Sent, &key);
        // What is unreadable in it is told where sent rows are read.
        let row = self.notes.read(&what, row).and_then(|row| SentRow::from_cbor(&row).ok());
        let body = opened.opening.body().map(|body| SentBody::from_cbor(body).ok());
        match row {
            Some(row) if row.withdrawal.is_none() => {
                self.notes.finding(what, format!("it has no withdrawal, though entry {index} records one"), RESTORE);
            }
            Some(row) if body.is_some_and(|body| body.is_none_or(|body| body.dispatch != row.envelope.digest())) => {
                let why = format!("it is not the dispatch whose withdrawal entry {index} records");
                self.notes.finding(what, why, RESTORE);
            }
            _ => {}
        }
    }

    /// A `resent` entry: the number had a receipt, and waits unless another came.
    pub(super) fn resent_entry(&mut self, index: u64, opened: &Opened) {
        let key = key_of(&opened.skeleton);
        let store = self.store.clone();
        let (mut before, mut after) = (false, false);
        for (receipt, _) in store.scan_receipts(&key) {
            before |= receipt.entry < index;
            after |= receipt.entry > index;
        }
        if !before && self.numbers.is_some() {
            let why = format!("number {} of {} sent again, which had no receipt", key.number, key.channel);
            self.notes.finding(opening(index), why, KEEP);
        }
        if !after {
            self.resent.insert(key);
        }
    }

    /// Checks the rows of every dispatch made here.
    pub(super) fn outgoing(&mut self) {
        self.notes.kinds(&["sent rows", "withdrawals", "sealed dispatches", "outbox rows", "receipts"]);
        let store = self.store.clone();
        let mut rows = store.scan::<DispatchKey>(Family::Sent);
        let mut requests = store.scan::<DispatchKey>(Family::Sealed);
        let mut waiting = store.scan::<DispatchKey>(Family::Outbox);
        let mut receipts = store.scan::<ReceiptKey>(Family::Receipts);
        let mut settled = Settled::default();
        loop {
            let receipted = receipts.peek().map(|key| &key.dispatch);
            let next = [rows.peek(), requests.peek(), waiting.peek(), receipted].into_iter().flatten().min();
            let Some(key) = next.cloned() else { break };
            let row = self.take(&sent(&key), &mut rows, &key);
            let mut found = Vec::new();
            while receipts.peek().is_some_and(|next| next.dispatch == key) {
                found.extend(receipts.next().map(|(key, bytes)| (key.entry, bytes)));
            }
            let others = Rows {
                sealed: self.take(&sealed(&key), &mut requests, &key).flatten(),
                outbox: self.take(&outbox(&key), &mut waiting, &key).flatten(),
                receipts: (!receipts.broken()).then_some(found),
            };
            self.sent_totals = self.sent_totals.take().filter(|_| others.receipts.is_some());
            match row {
                Some(Some(row)) => self.dispatch(&key, &row, &others, &mut settled),
                Some(None) => self.orphans(&key, &others),
                // RocksDB cannot read it, which was told.
                None => {
                    settled.damaged(&key.channel);
                    self.references.sent_damaged();
                }
            }
        }
        self.notes.faults(Family::Sent, &mut rows);
        self.notes.faults(Family::Sealed, &mut requests);
        self.notes.faults(Family::Outbox, &mut waiting);
        self.notes.faults(Family::Receipts, &mut receipts);
        if self.numbers.is_some() && !rows.broken() && settled.whole() && settled.withdrawn != self.withdrawn {
            let why = format!("{} are withdrawn; the log records {}", settled.withdrawn, self.withdrawn);
            self.notes.finding("sent rows", why, RESTORE);
        }
        self.settled(&settled, receipts.broken());
    }

    /// The row that an entry records must name that entry.
    pub(super) fn leads_back<R: Decode>(
        &mut self,
        index: u64,
        what: &str,
        row: Result<Option<Vec<u8>>, StoreError>,
        entry_of: impl FnOnce(&R) -> u64,
    ) -> Option<R> {
        let unreadable = row.is_err();
        let Some(bytes) = self.notes.read(what, row) else {
            if !unreadable {
                self.notes.finding(what, format!("not there, though entry {index} records it"), RESTORE);
            }
            return None;
        };
        let row = R::from_cbor(&bytes).map_err(|e| self.notes.finding(what, e, RESTORE)).ok()?;
        let named = entry_of(&row);
        if named != index {
            self.notes.finding(what, format!("it names entry {named}; entry {index} records it"), RESTORE);
            return None;
        }
        Some(row)
    }

    /// `None` when RocksDB cannot read the row.
    pub(super) fn take<K: RowKey + Ord>(
        &mut self,
        what: &str,
        scan: &mut Scan<'_, K>,
        key: &K,
    ) -> Option<Option<Vec<u8>>> {
        let found = scan.take(key);
        found.map_err(|error| self.notes.finding(what, error, RESTORE)).ok()
    }

    fn orphans(&mut self, key: &DispatchKey, others: &Rows) {
        self.sent_totals = None;
        self.references.sent_damaged();
        // The log tells of a missing sent row, if it ever was.
        if self.notes.has(&sent(key)) {
            return;
        }
        let why = "there is no sent row of this number";
        for (what, found) in [(sealed(key), &others.sealed), (outbox(key), &others.outbox)] {
            if found.is_some() {
                self.notes.finding(what, why, KEEP);
            }
        }
        for (entry, _) in others.receipts.iter().flatten() {
            self.notes.finding(receipt(&ReceiptKey { dispatch: key.clone(), entry: *entry }), why, KEEP);
        }
    }

    fn dispatch(&mut self, key: &DispatchKey, row: &[u8], others: &Rows, settled: &mut Settled) {
        let what = sent(key);
        let checked = SentRow::from_cbor(row).map_err(|e| e.to_string());
        let checked = checked.and_then(|row| self.sent_row(key, &row).map(|header| (row, header)));
        let (row, header) = match checked {
            Ok(checked) => checked,
            Err(why) => {
                self.sent_totals = None;
                settled.damaged(&key.channel);
                self.references.sent_damaged();
                return self.notes.finding(what, why, RESTORE);
            }
        };
        self.notes.checked("sent rows");
        if row.withdrawal.is_some() {
            self.notes.checked("withdrawals");
            settled.withdrawn += 1;
        }
        match header.source {
            Some(_) => self.passed_on(row.entry, &header),
            None => self.delivery(key, row.entry),
        }
        let length = self.sealed(key, &row, others);
        let Some(found) = &others.receipts else { return settled.damaged(&key.channel) };
        let receipts = self.receipts(key, &row, &header, found, settled);
        self.waits(key, others, &receipts, length);
    }

    /// A dispatch waits in the outbox exactly if it has no receipt, or is sent again; else its sealed bytes have their day to
    /// be dropped. `length` is that of the request as it goes out.
    fn waits(&mut self, key: &DispatchKey, others: &Rows, receipts: &Receipts, length: Option<usize>) {
        let what = outbox(key);
        if receipts.none() && others.sealed.is_none() {
            return self.notes.finding(sealed(key), "not there, and it has no receipt", RESTORE);
        }
        // Where the log is damaged, what it said of sending again is not known.
        let known = receipts.none() || self.numbers.is_some();
        let waits = receipts.none() || self.resent.contains(key);
        match &others.outbox {
            Some(_) if known && !waits => {
                self.notes.finding(what, "it waits, though its receipt is there", RESTORE);
            }
            None if known && waits => {
                self.notes.finding(what, "not there: it would never go out", RESTORE);
            }
            Some(stored) => match (u64::read(stored), length) {
                (_, None) => {}
                (Some(stored), Some(length)) if stored == length as u64 => self.notes.checked("outbox rows"),
                (_, Some(length)) => {
                    let why = format!("its length is not that of its request, {length} bytes");
                    self.notes.finding(what, why, RESTORE);
                }
            },
            None => self.kept(key, receipts, others.sealed.is_some()),
        }
    }

    fn sent_row(&mut self, key: &DispatchKey, row: &SentRow) -> Result<DispatchHeader, String> {
        let header = DispatchHeader::from_cbor(&row.envelope.header).map_err(|e| format!("dispatch header: {e}"))?;
        if !own_channel(&key.channel, &self.me, true) {
            return Err("its channel does not begin here".into());
        }
        if header.channel != key.channel || header.number != key.number {
            return Err(format!("its header is number {} of {}", header.number, header.channel));
        }
        let own = self.own.clone();
        if let (Some(directory), Some(own)) = (&self.directory, own) {
            row.envelope.verify(&directory.network(), &own.ever()).map_err(|e| format!("its signature: {e}"))?;
        }
        if let Some(withdrawal) = &row.withdrawal {
            self.withdrawal(withdrawal, &row.envelope.digest(), header.agreement_digest, key)?;
        }
        if row.entry >= self.notes.report.entries {
            return Err(format!("it names {}, which is not there", entry(row.entry)));
        }
        // A damaged opening was told where the log is checked.
        let Some(opened) = self.opened(row.entry) else { return Ok(header) };
        if !opened.is(EntryKind::Sent, key) {
            return Err(format!("it names {}, which is about something else", entry(row.entry)));
        }
        let body = opened.opening.body().map(SentBody::from_cbor).transpose();
        let body = body.map_err(|e| format!("the body of its entry: {e}"))?;
        if body.is_some_and(|body| body.dispatch != row.envelope.digest())
            || opened.skeleton.agreement != header.agreement_digest
        {
            return Err(format!("it is not the dispatch that {} records", entry(row.entry)));
        }
        Ok(header)
    }

    /// The length of the request as it goes out; `None` where its bytes are damaged. Bytes that were dropped count nothing,
    /// but a withdrawal is made again from its row.
    fn sealed(&mut self, key: &DispatchKey, row: &SentRow, others: &Rows) -> Option<usize> {
        let withdrawal = row.withdrawal.clone().map(|withdrawal| Request::Withdrawal(withdrawal).to_cbor());
        let what = sealed(key);
        let Some(bytes) = &others.sealed else {
            return (!self.notes.has(&what)).then(|| withdrawal.map_or(0, |request| request.len()));
        };
        let right = match &withdrawal {
            Some(request) => Ok(bytes == request),
            None => Request::from_cbor(bytes).map(|request| match request {
                Request::Dispatch(dispatch) => dispatch.envelope() == row.envelope,
                _ => false,
            }),
        };
        match right {
            Ok(true) => {
                self.notes.checked("sealed dispatches");
                return Some(bytes.len());
            }
            Ok(false) => self.notes.finding(what, "they are not what the sent row names", RESTORE),
            Err(error) => self.notes.finding(what, error, RESTORE),
        }
        None
    }
}
