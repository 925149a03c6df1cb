//! Records of a submitted chunk that are refused, or were refused before and go out now: their rows of the repair queue, which are written with
//! the chunk's answer. Records that pass at their first attempt cost nothing here.

use luxor_protocol::api::{RecordResult, Waits};
use luxor_protocol::cbor::Encode as _;
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_RECORD_BYTES, MAX_REPAIRS};
use luxor_protocol::quality::Finding;
use luxor_protocol::record::{Content, ContentError};
use luxor_protocol::time::Millis;

use super::super::route::Way;
use super::look::Got;
use crate::keyring::KeyringError;
use crate::store::{Attempt, RepairEnd, RepairKey, RepairRow, Store, Write};

/// A waiting record that is submitted again.
#[derive(Debug)]
pub(crate) struct Repairing {
    /// Its rows: the one that was chosen, then others of the same first attempt, as several recipients may have refused it.
    pub(super) rows: Vec<(RepairKey, RepairRow)>,
    /// What was sent of it before, and who got that.
    pub(super) sent: Vec<(Digest, Vec<Got>)>,
    /// Whether it is another content now than before.
    pub(super) edited: bool,
    /// Whether a hold keeps what it was.
    pub(super) held: bool,
}

/// Rows of the queue that follow from a chunk.
pub(in crate::driver) struct Waiting<'s> {
    store: &'s Store,
    submission: &'s str,
    chunk: u64,
    now: Millis,
    repairing: Vec<Repairing>,
    writes: Vec<Write>,
    added: u64,
    /// Roots of the forms of the record at hand.
    roots: Vec<Digest>,
}

/// The answer about what is no record.
pub(in crate::driver) fn unreadable(error: ContentError) -> RecordResult {
    answer(error, Vec::new(), Waits::Unreadable)
}

fn answer(error: ContentError, findings: Vec<Finding>, waits: Waits) -> RecordResult {
    let ContentError { fault, pointer, what } = error;
    RecordResult::Refused { fault, pointer, reason: what, findings, waits }
}

impl<'s> Waiting<'s> {
    pub(in crate::driver) fn new(
        store: &'s Store,
        submission: &'s str,
        chunk: u64,
        now: Millis,
        repairing: Vec<Repairing>,
    ) -> Self {
        Self { store, submission, chunk, now, repairing, writes: Vec::new(), added: 0, roots: Vec::new() }
    }

    /// Where the record at a place of the chunk was handed in first: what is repaired repeats nothing.
    pub(in crate::driver) fn attempt(&self, at: usize) -> (&str, u64, u64) {
        match self.repairing.get(at).and_then(|repairing| repairing.rows.first()) {
            Some((key, _)) => (&key.attempt.submission, key.attempt.chunk, key.attempt.position),
            None => (self.submission, self.chunk, at as u64),
        }
    }

    /// The record at a place of the chunk is refused: it waits, or waits on, where there is room for it.
    pub(in crate::driver) fn refused(
        &mut self,
        at: usize,
        content: &Content,
        error: ContentError,
        findings: Vec<Finding>,
    ) -> Result<RecordResult, KeyringError> {
        let encoded = content.to_cbor();
        let fits = encoded.len() <= MAX_RECORD_BYTES;
        let (key, row) = match self.repairing.get(at).map(|repairing| (&repairing.rows, repairing.edited)) {
            Some((rows, edited)) => {
                let Some((key, before)) = rows.first().cloned() else {
                    return Ok(answer(error, findings, Waits::Unreadable));
                };
                let content = if edited && fits { Some(encoded) } else { before.content.clone() };
                (key, RepairRow { at: self.now, attempts: before.attempts.saturating_add(1), content, ..before })
            }
            None if !fits => return Ok(answer(error, findings, Waits::TooLarge)),
            None if self.store.repairs_counted().0 + self.added >= MAX_REPAIRS => {
                self.store.repair_not_kept();
                return Ok(answer(error, findings, Waits::Full));
            }
            None => {
                self.added += 1;
                let attempt =
                    Attempt { submission: self.submission.to_owned(), chunk: self.chunk, position: at as u64 };
                let key = RepairKey { settled: false, attempt, dispatch: None };
                let row = RepairRow {
                    type_name: content.table().name.to_owned(),
                    version: content.table().version,
                    fault: error.fault,
                    pointer: String::new(),
                    what: String::new(),
                    since: self.now,
                    at: self.now,
                    attempts: 1,
                    root: None,
                    content: Some(encoded),
                    settled: None,
                };
                (key, row)
            }
        };
        let row = RepairRow { fault: error.fault, pointer: error.pointer.clone(), what: error.what.clone(), ..row };
        self.write(key, &row, None)?;
        Ok(answer(error, findings, Waits::Waits))
    }

    /// What the form of a record that goes these ways corrects: the form of the first attempt that one of the same recipients got for the
    /// same. Others are not told that there was one.
    pub(in crate::driver) fn supersedes<'w>(
        &self,
        at: usize,
        mut ways: impl Iterator<Item = &'w Way<'w>>,
    ) -> Option<Digest> {
        let sent = &self.repairing.get(at).filter(|repairing| !repairing.sent.is_empty())?.sent;
        ways.find_map(|way| {
            let rule = way.grant.rule;
            let same = |got: &Got| *got == (rule.to.clone(), rule.agreement.clone(), rule.flow.purpose);
            sent.iter().find(|(_, got)| got.iter().any(same)).map(|(root, _)| *root)
        })
    }

    /// A form of the record at hand goes out.
    pub(in crate::driver) fn sent(&mut self, root: Digest) {
        if !self.repairing.is_empty() {
            self.roots.push(root);
        }
    }

    /// All forms of the record at a place do: where it waited, it is settled.
    pub(in crate::driver) fn resent(&mut self, at: usize) -> Result<(), KeyringError> {
        if self.repairing.is_empty() {
            return Ok(());
        }
        let roots = std::mem::take(&mut self.roots);
        let Some(Repairing { rows, held, .. }) = self.repairing.get_mut(at) else { return Ok(()) };
        let (rows, held) = (std::mem::take(rows), *held);
        for (key, row) in rows {
            let end = RepairEnd::Resent {
                fix: self.submission.to_owned(),
                chunk: self.chunk,
                at: self.now,
                roots: roots.clone(),
            };
            let (settled, row) = end_of(&key, row, end, held);
            self.write(settled, &row, Some(key))?;
        }
        Ok(())
    }

    /// What is to be written.
    pub(in crate::driver) fn writes(self) -> Vec<Write> {
        self.writes
    }

    fn write(&mut self, key: RepairKey, row: &RepairRow, instead_of: Option<RepairKey>) -> Result<(), KeyringError> {
        let row = self.store.seal_repair(&key, row)?;
        self.writes.push(Write::Repair { key, row, instead_of });
        Ok(())
    }
}

/// The row of a record that waits no longer: nothing of its content stays, unless that is held.
pub(super) fn end_of(key: &RepairKey, row: RepairRow, end: RepairEnd, held: bool) -> (RepairKey, RepairRow) {
    let content = row.content.filter(|_| held);
    let row = RepairRow { what: String::new(), content, settled: Some(end), ..row };
    (RepairKey { settled: true, ..key.clone() }, row)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use luxor_protocol::record::{Fault, content_from_json};
    use serde_json::json;

    use super::*;
    use crate::store::StoreConfig;

    const NOW: Millis = Millis(1_795_428_000_000);

    fn waits(result: &RecordResult) -> Waits {
        match result {
            RecordResult::Refused { waits, .. } => *waits,
            RecordResult::Accepted { .. } => panic!("accepted"),
        }
    }

    #[test]
    fn what_finds_no_room_is_not_kept_and_said_so() {
        let folder = tempfile::tempdir().unwrap();
        let me = "a/n".parse().unwrap();
        let store = Store::open(folder.path(), StoreConfig::default(), &Digest::ZERO, &me, folder.path()).unwrap();
        let content = json!({"type": "declaration", "filing": {"own_reference": "A"}, "route": {"destination": "KR"}});
        let content = content_from_json(&content).unwrap();
        let fault = || ContentError::new(Fault::NoRecipient, "/route/destination", "nobody");
        store.pretend_repairs(MAX_REPAIRS - 1);
        let mut waiting = Waiting::new(&store, "s", 0, NOW, Vec::new());
        let told = [0, 1].map(|at| waits(&waiting.refused(at, &content, fault(), Vec::new()).unwrap()));
        assert_eq!((told, store.repairs_not_kept()), ([Waits::Waits, Waits::Full], 1));
        assert_eq!(waiting.writes().len(), 1);
        // One that waits already stays, also where there is no room for others.
        store.pretend_repairs(MAX_REPAIRS);
        let attempt = Attempt { submission: "s".into(), chunk: 0, position: 0 };
        let key = RepairKey { settled: false, attempt, dispatch: None };
        let row = RepairRow {
            type_name: "declaration".into(),
            version: 1,
            fault: Fault::Quality,
            pointer: String::new(),
            what: String::new(),
            since: Millis(NOW.0 - 86_400_000),
            at: NOW,
            attempts: 1,
            root: None,
            content: None,
            settled: None,
        };
        let rows = vec![(key.clone(), row)];
        let again = Repairing { rows, sent: Vec::new(), edited: true, held: false };
        let mut waiting = Waiting::new(&store, "fix", 0, NOW, vec![again]);
        assert_eq!(waits(&waiting.refused(0, &content, fault(), Vec::new()).unwrap()), Waits::Waits);
        let writes = waiting.writes();
        let [Write::Repair { key: written, row, instead_of: None }] = writes.as_slice() else { panic!("{writes:?}") };
        let (_, row) = store.open_repair(written, &row.bytes).unwrap();
        assert_eq!(
            (written, row.attempts, row.fault, row.content),
            (&key, 2, Fault::NoRecipient, Some(content.to_cbor()))
        );
        assert_eq!(row.since, Millis(NOW.0 - 86_400_000), "its date stays");
    }
}
