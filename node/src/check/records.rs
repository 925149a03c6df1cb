//! Own records, batch by batch, and the answers that were given to submitted chunks.

use std::collections::BTreeMap;

use luxor_protocol::api::{ChunkResult, RecordResult};
use luxor_protocol::cbor::{Decode, Reader};
use luxor_protocol::exchange::{DispatchHeader, EntryKind};
use luxor_protocol::hash::{Digest, unhex};
use luxor_protocol::limits::MAX_BATCH_RECORDS;
use luxor_protocol::record::{BatchHeader, SealedRecord, batch_root};

use super::report::{KEEP, RESTORE};
use super::{Check, key_of};
use crate::store::{Family, IndexKey, RowKey, SentRow, SubmissionKey, SubmissionRow, Under, identifiers};

/// Own records of the batch that begins at this entry, in words.
pub(super) fn batch(entry: u64) -> String {
    format!("own records of the batch at entry {entry}")
}

/// One record of a batch as stored; `None` where there is none.
pub(super) fn read_record(bytes: &[u8], at: usize) -> Option<SealedRecord> {
    let mut reader = Reader::new(bytes);
    let count = reader.array(MAX_BATCH_RECORDS).ok()?;
    if at >= count {
        return None;
    }
    for _ in 0..at {
        reader.bytes(bytes.len()).ok()?;
    }
    SealedRecord::from_stored(reader.bytes(bytes.len()).ok()?).ok()
}

impl Check<'_> {
    /// Commits again to every own record; together they must give the root that was signed.
    pub(super) fn records(&mut self) {
        self.notes.kinds(&["own batches", "own records"]);
        let store = self.store.clone();
        let mut rows = store.scan::<u64>(Family::Records);
        for (entry, bytes) in rows.by_ref() {
            let before = self.notes.report.findings_count;
            self.own_batch(entry, &bytes);
            if self.notes.report.findings_count == before {
                self.notes.checked("own batches");
            } else {
                self.references.records_damaged();
            }
        }
        if rows.broken() {
            self.references.records_damaged();
        }
        self.notes.faults(Family::Records, &mut rows);
    }

    /// Every answer leads to the records and dispatches that it tells of.
    pub(super) fn submissions(&mut self) {
        self.notes.kinds(&["submissions"]);
        let store = self.store.clone();
        let mut rows = store.scan::<SubmissionKey>(Family::Submissions);
        let mut accepted = 0u64;
        for (key, bytes) in rows.by_ref() {
            let what = format!("submission {}, chunk {}", key.0, key.1);
            let Some(bytes) = self.unsealed_answer(&what, &key, &bytes) else { continue };
            match self.submission(&bytes) {
                Ok(count) => {
                    accepted += count;
                    self.notes.checked("submissions");
                }
                Err(why) => self.notes.finding(what, why, KEEP),
            }
        }
        self.notes.faults(Family::Submissions, &mut rows);
        let stored = self.notes.report.checked.get("own records").copied().unwrap_or_default();
        let (stored, accepted) = (stored + self.gone.totals.records, accepted + self.gone.totals.answered);
        if self.notes.report.whole() && !self.gone.damaged && stored != accepted {
            let why = format!("{stored} are there; submissions answer for {accepted}");
            self.notes.finding("own records", why, RESTORE);
        }
    }

    fn own_batch(&mut self, entry: u64, bytes: &[u8]) {
        let what = batch(entry);
        let header = match self.batch_header(entry) {
            Ok(header) => header,
            Err(why) => return self.notes.finding(what, why, KEEP),
        };
        let Some(opened) = self.opened(entry) else { return };
        let unsealed = self.unsealed(&what, Under::Records, entry, &opened.skeleton, bytes);
        let Some((key, bytes)) = unsealed else { return self.references.records_damaged() };
        let bytes = bytes.as_slice();
        let mut reader = Reader::new(bytes);
        let count = match reader.array(MAX_BATCH_RECORDS) {
            Ok(count) => count,
            Err(error) => return self.notes.finding(what, error, RESTORE),
        };
        let mut roots = Vec::with_capacity(count);
        let mut some_erased = false;
        for at in 0..count {
            let what = format!("{what}, record {at}");
            let record = match reader.bytes(bytes.len()) {
                Ok(record) => record,
                Err(error) => return self.notes.finding(what, error, RESTORE),
            };
            if record.is_empty() {
                match self.was_erased(entry, at) || self.gone.damaged {
                    true => some_erased = true,
                    false => self.notes.finding(what, "not there, and no erased entry says so", RESTORE),
                }
                roots.push(None);
                continue;
            }
            let record = match SealedRecord::from_stored(record) {
                Ok(record) => record,
                Err(error) => return self.notes.finding(what, error, RESTORE),
            };
            let root = record.root();
            // Its own row of the index is found by its root: if it is not, the record is another than it was.
            match self.store.look(Family::Index, &IndexKey::OwnRoot(root, entry, at)) {
                Ok(None) if header.as_ref().is_some_and(|header| header.count == count) => {
                    roots.push(None);
                    continue;
                }
                _ => self.expect(IndexKey::OwnRoot(root, entry, at)),
            }
            roots.push(Some(root));
            if record.header().issuer != self.me.member() {
                self.notes.finding(what, format!("it was issued by {}", record.header().issuer), RESTORE);
                continue;
            }
            let content = record.content();
            for found in identifiers(true, &key, &content.names(), &content.attachments()) {
                self.expect(IndexKey::OwnReference(found, entry, at));
            }
            self.notes.checked("own records");
        }
        reader.leave();
        if let Err(error) = reader.finish() {
            return self.notes.finding(what, error, RESTORE);
        }
        if !some_erased {
            self.own_roots(entry, bytes, &roots, header.as_ref());
        }
    }

    /// The records together against the batch that was signed. A root that the index does not have is `None`: either the
    /// record or the row is damaged, and the batch tells which.
    fn own_roots(&mut self, entry: u64, bytes: &[u8], roots: &[Option<Digest>], header: Option<&BatchHeader>) {
        let what = batch(entry);
        let Some(header) = header else { return };
        if header.count != roots.len() {
            return self.notes.finding(
                what,
                format!("{} records; its batch has {}", roots.len(), header.count),
                RESTORE,
            );
        }
        let computed = |(at, root): (usize, &Option<Digest>)| {
            root.or_else(|| read_record(bytes, at).map(|record| record.root())).unwrap_or(Digest::ZERO)
        };
        let all: Vec<Digest> = roots.iter().enumerate().map(computed).collect();
        let right = batch_root(&all) == header.root;
        for (at, root) in all.iter().enumerate().filter(|(at, _)| roots[*at].is_none()) {
            if right {
                self.expect(IndexKey::OwnRoot(*root, entry, at));
            } else {
                self.notes.finding(
                    format!("{what}, record {at}"),
                    "it does not lead to the root that was signed",
                    RESTORE,
                );
            }
        }
        if !right && !roots.contains(&None) {
            self.notes.finding(what, "they do not give the root that was signed", RESTORE);
        }
    }

    /// The header of the batch that the `sent` entry is about; none where that is damaged.
    fn batch_header(&self, entry: u64) -> Result<Option<BatchHeader>, String> {
        if entry >= self.notes.report.entries {
            return Err(format!("there is no entry {entry}"));
        }
        let Some(opened) = self.opened(entry) else { return Ok(None) };
        if opened.skeleton.kind != EntryKind::Sent {
            return Err(format!("entry {entry} is no dispatch sent"));
        }
        let row = self.store.look(Family::Sent, &key_of(&opened.skeleton)).ok().flatten();
        let row = row.and_then(|row| SentRow::from_cbor(&row).ok()).filter(|row| row.entry == entry);
        let header = row.and_then(|row| DispatchHeader::from_cbor(&row.envelope.header).ok());
        Ok(header
            .map(|header| header.batch.header)
            .filter(|_| !self.notes.has(&super::report::sent(&key_of(&opened.skeleton)))))
    }

    /// How many records the answer accepted.
    fn submission(&mut self, bytes: &[u8]) -> Result<u64, String> {
        let row = SubmissionRow::from_cbor(bytes).map_err(|e| e.to_string())?;
        let result: ChunkResult = serde_json::from_slice(&row.result).map_err(|e| format!("the answer: {e}"))?;
        let (mut accepted, mut batches, mut some_erased) = (0, BTreeMap::<u64, usize>::new(), false);
        for told in &result.records {
            let RecordResult::Accepted { root, recipients, others, .. } = told else { continue };
            accepted += told.forms();
            let others = others.iter().map(|other| (&other.root, &other.recipients));
            for (root, recipients) in std::iter::once((root, recipients)).chain(others) {
                let root = unhex(root).and_then(|bytes| Digest::read(&bytes)).ok_or("a root is no digest")?;
                if !self.references.own_whole() {
                    continue;
                }
                let Some((IndexKey::OwnRoot(_, batch, _), _)) = self.store.scan_own(&root).next() else {
                    // That as many are gone as were erased is counted over all.
                    if self.gone.totals.records > 0 || self.gone.damaged {
                        some_erased = true;
                        continue;
                    }
                    return Err(format!("it accepted record {root}, which is not there"));
                };
                let carried = *batches.entry(batch).or_insert_with(|| self.store.scan_deliveries(batch).count());
                if carried != *recipients {
                    return Err(format!(
                        "it says {recipients} recipients of record {root}; {carried} dispatches carry it"
                    ));
                }
            }
        }
        let carried: usize = batches.values().sum();
        if self.references.own_whole()
            && self.notes.report.whole()
            && !some_erased
            && carried as u64 != result.dispatches
        {
            return Err(format!("it says {} dispatches; {carried} carry its records", result.dispatches));
        }
        Ok(accepted)
    }
}
