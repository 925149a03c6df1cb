//! The repair queue: refused records that wait, and what became of those that were resent or given up.
//!
//! A row is under the data key of the day by which it must be gone. It has the content of a record that never left; of one that a recipient
//! refused only the root, since the record itself is among the own ones, until it was edited. Whether a row waits is the first byte of its
//! key, so that those that wait stand together and are counted without being opened.
//!
//! Not here: what is refused, resent and given up (driver).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use luxor_protocol::cbor::{CborError, Decode, Encode, Reader, Writer};
use luxor_protocol::exchange::Channel;
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::{MAX_RECORD_BYTES, REPAIR_DAYS};
use luxor_protocol::record::{Content, Fault, Names};
use luxor_protocol::time::{Day, Millis};
use rocksdb::{Direction, IteratorMode, WriteBatch};
use zeroize::Zeroizing;

use super::columns::{
    Under, cf, delivery_key, dispatch_key, read_dispatch_key, read_submission_key, sealed_for, submission_key,
    submitted_for, under_key,
};
use super::erase::Erasing;
use super::open::{Store, StoreError, decode};
use crate::keyring::{Bucket, DataKey, KeyringError, Kind, Sealed, key_of};

/// Bytes of the texts of a row.
const MAX_TEXT: usize = 2_000;
/// Forms of a resent record; one for each of its recipients at most.
const MAX_FORMS: usize = 10_000;

/// Where a refused record was submitted first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt {
    /// Name of the submission; empty where it is not known, `chunk` is then the `sent` entry of its batch.
    pub submission: String,
    /// Number of the chunk.
    pub chunk: u64,
    /// Its place in the chunk, from 0.
    pub position: u64,
}

/// Names a row of the queue. Its order is that of the database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepairKey {
    /// Whether it was resent or given up.
    pub settled: bool,
    /// The first attempt.
    pub attempt: Attempt,
    /// The dispatch in which a recipient refused it; none where this node did.
    pub dispatch: Option<(Channel, u64)>,
}

/// A refused record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairRow {
    /// Its type.
    pub type_name: String,
    /// The version of its type.
    pub version: u64,
    /// Why it was refused last.
    pub fault: Fault,
    /// Where in the record, with `#` and the rule where that is one of quality.
    pub pointer: String,
    /// What is wrong, in words; empty once it is settled.
    pub what: String,
    /// When it was refused first; what is kept of it goes so many days later.
    pub since: Millis,
    /// When it was refused last.
    pub at: Millis,
    /// How often it was refused.
    pub attempts: u64,
    /// Its root, where it was sent.
    pub root: Option<Digest>,
    /// Its encoded content; none where the record with its root has it, and once it is settled.
    pub content: Option<Vec<u8>>,
    /// What became of it.
    pub settled: Option<RepairEnd>,
}

/// What became of a refused record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepairEnd {
    /// It was resent.
    Resent {
        /// The submission that brought it.
        fix: String,
        /// The chunk there.
        chunk: u64,
        /// When.
        at: Millis,
        /// Roots of its forms.
        roots: Vec<Digest>,
    },
    /// It was given up then.
    Dropped(Millis),
}

/// How many rows there are, and how many there was no room for since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    waiting: AtomicU64,
    settled: AtomicU64,
    not_kept: AtomicU64,
}

impl Counts {
    fn of(&self, settled: bool) -> &AtomicU64 {
        if settled { &self.settled } else { &self.waiting }
    }

    fn less(&self, settled: bool) {
        // One thread writes; nothing is taken away that was not counted.
        let count = self.of(settled);
        count.store(count.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
    }
}

impl RepairKey {
    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.attempt.prefix(self.settled);
        if let Some((channel, number)) = &self.dispatch {
            bytes.extend_from_slice(&dispatch_key(channel, *number));
        }
        bytes
    }

    /// Reads it; `None` when nothing here writes such a key.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (state, rest) = bytes.split_first()?;
        let settled = *state == state_of(true);
        if *state != state_of(settled) {
            return None;
        }
        let end = rest.iter().position(|byte| *byte == 0)?;
        let (chunk, rest) = rest.split_at_checked(end + 1 + 8)?;
        let (submission, chunk) = read_submission_key(chunk)?;
        let (position, rest) = rest.split_first_chunk()?;
        let attempt = Attempt { submission, chunk, position: u64::from_be_bytes(*position) };
        let dispatch = if rest.is_empty() { None } else { Some(read_dispatch_key(rest)?) };
        Some(Self { settled, attempt, dispatch })
    }

    /// A short name of it that stays while it waits.
    pub fn id(&self) -> String {
        let waiting = Self { settled: false, ..self.clone() };
        blake3::hash(&waiting.bytes()).to_hex().chars().take(16).collect()
    }
}

impl Attempt {
    /// How keys of its rows begin.
    fn prefix(&self, settled: bool) -> Vec<u8> {
        let name = submission_key(&self.submission, self.chunk);
        [&[state_of(settled)], name.as_slice(), &self.position.to_be_bytes()].concat()
    }
}

impl RepairRow {
    /// The day by which it must be gone.
    pub fn due(&self) -> Day {
        self.since.day().plus(REPAIR_DAYS)
    }

    /// Its content, where it stands here.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn content(&self) -> Result<Option<Content>, StoreError> {
        let read = |bytes: &Vec<u8>| {
            let mut reader = Reader::new(bytes);
            let content = Content::decode(&mut reader).map_err(|e| e.to_string());
            content.and_then(|content| reader.finish().map(|()| content).map_err(|e| e.to_string()))
        };
        let content = self.content.as_ref().map(read).transpose();
        content.map_err(|error| StoreError::damaged("a record that waits for repair", error))
    }

    /// By what its content is found; nothing where it has none.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn names(&self) -> Result<Names, StoreError> {
        Ok(self.content()?.map(|content| content.names()).unwrap_or_default())
    }
}

impl Store {
    /// A refused record is not kept, since there is no room.
    pub fn repair_not_kept(&self) {
        self.repairs.not_kept.fetch_add(1, Ordering::Relaxed);
    }

    /// As if so many waited.
    #[cfg(test)]
    pub(crate) fn pretend_repairs(&self, waiting: u64) {
        self.repairs.waiting.store(waiting, Ordering::Relaxed);
    }

    /// How many were not since the node started.
    pub fn repairs_not_kept(&self) -> u64 {
        self.repairs.not_kept.load(Ordering::Relaxed)
    }

    /// Encrypts by which submission the records of a dispatch came, under the key that they are under.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn seal_submitted(
        key: &Arc<DataKey>,
        channel: &Channel,
        number: u64,
        submission: &str,
        chunk: u64,
    ) -> Result<Vec<u8>, KeyringError> {
        let sealed = key.seal(&submitted_for(&dispatch_key(channel, number)), &submission_key(submission, chunk))?;
        Ok(sealed.bytes)
    }

    /// By which submission and chunk the records of a batch came, of which this dispatch is one; `None` where that is not known any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn submitted(&self, batch: u64, channel: &Channel, number: u64) -> Result<Option<(String, u64)>, StoreError> {
        let dispatch = dispatch_key(channel, number);
        match self.get(cf::INDEX, &delivery_key(batch, &dispatch))? {
            Some(bytes) if !bytes.is_empty() => self.open_submitted(&dispatch, &bytes),
            _ => Ok(None),
        }
    }

    /// Opens what [`Store::seal_submitted`] gave for the dispatch of a key; `None` where its key is destroyed.
    ///
    /// # Errors
    /// As [`Store::unseal_of`].
    pub fn open_submitted(&self, dispatch: &[u8], bytes: &[u8]) -> Result<Option<(String, u64)>, StoreError> {
        let name = || "the submission of a batch".to_owned();
        match self.unseal_at(&submitted_for(dispatch), bytes, name) {
            Err(StoreError::Keys(KeyringError::Erased(_))) => Ok(None),
            Err(error) => Err(error),
            Ok((_, key)) => match read_submission_key(&key) {
                Some(submitted) => Ok(Some(submitted)),
                None => Err(StoreError::damaged(name(), "unreadable")),
            },
        }
    }

    /// How many records wait, and of how many it is told what became of them.
    pub fn repairs_counted(&self) -> (u64, u64) {
        (self.repairs.waiting.load(Ordering::Relaxed), self.repairs.settled.load(Ordering::Relaxed))
    }

    /// Counts the rows that are there.
    pub(super) fn count_repairs(&self) -> Result<(), StoreError> {
        // By the rows that say what is under a key, which are short; those of the queue hold contents.
        for key in self.keyring.keys().iter().filter(|key| key.bucket().kind == Kind::Repairs) {
            let prefix = under_key(key.id(), Under::Repair, &[]);
            for item in self.db.iterator_cf(self.cf(cf::UNDER), IteratorMode::From(&prefix, Direction::Forward)) {
                let (row, _) = item?;
                let Some(row) = row.strip_prefix(prefix.as_slice()) else { break };
                self.repairs.of(row.first() == Some(&state_of(true))).fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Rows behind `after`, at most `limit` looked at, of those that wait or of those that are settled.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn repair_keys(
        &self,
        settled: bool,
        after: Option<&RepairKey>,
        limit: usize,
    ) -> Result<Vec<RepairKey>, StoreError> {
        let start = after.map_or(vec![state_of(settled)], |after| [after.bytes().as_slice(), &[0]].concat());
        self.repair_keys_from(&start, &[state_of(settled)], limit)
    }

    /// Gives every row that can be read, of those that wait or of those that are settled.
    ///
    /// # Errors
    /// [`StoreError`], that of `each` included.
    pub fn walk_repairs(
        &self,
        settled: bool,
        mut each: impl FnMut(RepairKey, RepairRow) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let prefix = [state_of(settled)];
        for item in self.db.iterator_cf(self.cf(cf::REPAIRS), IteratorMode::From(&prefix, Direction::Forward)) {
            let (key, bytes) = item?;
            if !key.starts_with(&prefix) {
                break;
            }
            let key = RepairKey::read(&key).ok_or_else(unreadable)?;
            if let Some(row) = self.readable(&key, &bytes)? {
                each(key, row)?;
            }
        }
        Ok(())
    }

    /// Rows of one submission behind `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn repair_keys_of(
        &self,
        settled: bool,
        submission: &str,
        after: Option<&RepairKey>,
        limit: usize,
    ) -> Result<Vec<RepairKey>, StoreError> {
        let prefix = [&[state_of(settled)], submission.as_bytes(), &[0]].concat();
        let start = after.map_or(prefix.clone(), |after| [after.bytes().as_slice(), &[0]].concat());
        self.repair_keys_from(&start, &prefix, limit)
    }

    /// Rows of one first attempt that wait.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn repairs_of(&self, attempt: &Attempt) -> Result<Vec<RepairKey>, StoreError> {
        let prefix = attempt.prefix(false);
        self.repair_keys_from(&prefix, &prefix, usize::MAX)
    }

    fn repair_keys_from(&self, start: &[u8], prefix: &[u8], limit: usize) -> Result<Vec<RepairKey>, StoreError> {
        let mut keys = Vec::new();
        for item in self.db.iterator_cf(self.cf(cf::REPAIRS), IteratorMode::From(start, Direction::Forward)).take(limit)
        {
            let (key, _) = item?;
            if !key.starts_with(prefix) {
                break;
            }
            keys.push(RepairKey::read(&key).ok_or_else(unreadable)?);
        }
        Ok(keys)
    }

    /// A row of the queue; `None` where there is none, or its key is destroyed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn repair(&self, key: &RepairKey) -> Result<Option<RepairRow>, StoreError> {
        match self.get(cf::REPAIRS, &key.bytes())? {
            Some(bytes) => self.readable(key, &bytes),
            None => Ok(None),
        }
    }

    /// Opens a row's bytes; `None` where their key is destroyed.
    fn readable(&self, key: &RepairKey, bytes: &[u8]) -> Result<Option<RepairRow>, StoreError> {
        match self.open_repair(key, bytes) {
            Err(StoreError::Keys(KeyringError::Erased(_))) => Ok(None),
            opened => opened.map(|(_, row)| Some(row)),
        }
    }

    /// Opens a row's bytes.
    ///
    /// # Errors
    /// As [`Store::unseal_of`].
    pub fn open_repair(&self, key: &RepairKey, bytes: &[u8]) -> Result<(Arc<DataKey>, RepairRow), StoreError> {
        let name = || {
            let Attempt { submission, chunk, position } = &key.attempt;
            format!("the refused record {position} of chunk {chunk} of submission {submission}")
        };
        let (data_key, row) = self.unseal(Under::Repair, &key.bytes(), bytes, name)?;
        Ok((data_key, decode(&name(), &Zeroizing::new(row))?))
    }

    /// Encrypts a row under the key of the day by which it must be gone.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn seal_repair(&self, key: &RepairKey, row: &RepairRow) -> Result<Sealed, KeyringError> {
        let bucket = Bucket { kind: Kind::Repairs, agreement: Digest::ZERO, day: row.due() };
        let plain = Zeroizing::new(row.to_cbor());
        self.keyring.current(&bucket)?.seal(&sealed_for(Under::Repair, &key.bytes()), &plain)
    }

    /// A row goes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn erase_repair(&self, erasing: &mut Erasing, row: &[u8]) -> Result<(), StoreError> {
        if let Some(bytes) = self.get(cf::REPAIRS, row)? {
            erasing.row_gone(key_of(&bytes).unwrap_or(0), Under::Repair, row.to_vec());
        }
        Ok(())
    }

    /// A row is written anew under another key of its bucket.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn move_repair(&self, erasing: &mut Erasing, row: &[u8]) -> Result<(), StoreError> {
        let (Some(key), Some(bytes)) = (RepairKey::read(row), self.get(cf::REPAIRS, row)?) else { return Ok(()) };
        let (old, opened) = self.open_repair(&key, &bytes)?;
        self.keyring.retire(&[old.id()])?;
        erasing.row_moved(old.id(), Under::Repair, row.to_vec(), self.seal_repair(&key, &opened)?);
        Ok(())
    }

    /// Adds a row to a batch, and takes away the one in whose place it comes.
    pub(super) fn stage_repair(
        &self,
        batch: &mut WriteBatch,
        key: &RepairKey,
        row: &Sealed,
        instead_of: Option<&RepairKey>,
    ) {
        for gone in [Some(key), instead_of.filter(|other| *other != key)].into_iter().flatten() {
            // A row that cannot be read now is told by the check.
            if let Ok(Some(before)) = self.get(cf::REPAIRS, &gone.bytes()) {
                batch.delete_cf(self.cf(cf::REPAIRS), gone.bytes());
                let under = under_key(key_of(&before).unwrap_or(0), Under::Repair, &gone.bytes());
                batch.delete_cf(self.cf(cf::UNDER), under);
                self.repairs.less(gone.settled);
            }
        }
        self.stage_under(batch, Under::Repair, &key.bytes(), row);
        self.repairs.of(key.settled).fetch_add(1, Ordering::Relaxed);
    }

    /// A row goes by an erasure.
    pub(super) fn repair_erased(&self, row: &[u8]) {
        self.repairs.less(row.first() == Some(&state_of(true)));
    }
}

/// How keys of rows begin: of those that wait, and of those that are settled.
fn state_of(settled: bool) -> u8 {
    if settled { 2 } else { 1 }
}

fn unreadable() -> StoreError {
    StoreError::damaged("a row of the repair queue", "unreadable key")
}

impl Encode for RepairRow {
    fn encode(&self, writer: &mut Writer) {
        writer.array(11);
        writer.text(&self.type_name);
        writer.uint(self.version);
        self.fault.encode(writer);
        writer.text(cut(&self.pointer));
        writer.text(cut(&self.what));
        self.since.encode(writer);
        self.at.encode(writer);
        writer.uint(self.attempts);
        match &self.root {
            Some(root) => root.encode(writer),
            None => writer.null(),
        }
        match &self.content {
            Some(content) => writer.bytes(content),
            None => writer.null(),
        }
        match &self.settled {
            None => writer.null(),
            Some(RepairEnd::Dropped(at)) => {
                writer.array(1);
                at.encode(writer);
            }
            Some(RepairEnd::Resent { fix, chunk, at, roots }) => {
                writer.array(4);
                writer.text(fix);
                writer.uint(*chunk);
                at.encode(writer);
                writer.array(roots.len());
                roots.iter().for_each(|root| root.encode(writer));
            }
        }
    }
}

impl Decode for RepairRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(11)?;
        let row = Self {
            type_name: reader.text(MAX_TEXT)?.to_owned(),
            version: reader.uint()?,
            fault: Fault::decode(reader)?,
            pointer: reader.text(MAX_TEXT)?.to_owned(),
            what: reader.text(MAX_TEXT)?.to_owned(),
            since: Millis::decode(reader)?,
            at: Millis::decode(reader)?,
            attempts: reader.uint()?,
            root: if reader.null()? { None } else { Some(Digest::decode(reader)?) },
            content: if reader.null()? { None } else { Some(reader.bytes(2 * MAX_RECORD_BYTES)?.to_vec()) },
            settled: if reader.null()? { None } else { Some(RepairEnd::decode(reader)?) },
        };
        reader.leave();
        Ok(row)
    }
}

impl RepairEnd {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = reader.position();
        let end = match reader.array(4)? {
            1 => Self::Dropped(Millis::decode(reader)?),
            4 => {
                let (fix, chunk) = (reader.text(MAX_TEXT)?.to_owned(), reader.uint()?);
                let at = Millis::decode(reader)?;
                let mut roots = Vec::new();
                for _ in 0..reader.array(MAX_FORMS)? {
                    roots.push(Digest::decode(reader)?);
                }
                reader.leave();
                Self::Resent { fix, chunk, at, roots }
            }
            _ => return Err(reader.refuse(start, "neither resent nor given up")),
        };
        reader.leave();
        Ok(end)
    }
}

/// The beginning of a text, as much as a row has.
fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(MAX_TEXT)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use luxor_protocol::exchange::Lane;
    use luxor_protocol::record::content_from_json;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::store::{StoreConfig, Write};

    fn key(submission: &str, position: u64, settled: bool, number: Option<u64>) -> RepairKey {
        let (sender, recipient) = ("a/n".parse().unwrap(), "b/n".parse().unwrap());
        let channel = Channel { sender, recipient, epoch: 1, lane: Lane::Urgent };
        let attempt = Attempt { submission: submission.into(), chunk: 7, position };
        RepairKey { settled, attempt, dispatch: number.map(|number| (channel, number)) }
    }

    fn row(reference: &str) -> RepairRow {
        let content =
            json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"}});
        let content = content_from_json(&content).unwrap().to_cbor();
        RepairRow {
            type_name: "declaration".into(),
            version: 1,
            fault: Fault::Quality,
            pointer: "/goods/1/classification/hs#hs.unknown".into(),
            what: "é".repeat(MAX_TEXT),
            since: Millis(1_795_428_000_000),
            at: Millis(1_795_428_000_001),
            attempts: 2,
            root: Some(Digest([3; 32])),
            content: Some(content),
            settled: None,
        }
    }

    proptest! {
        #[test]
        fn keys_are_read_back(name in "[a-z.]{0,9}", position in any::<u64>(), settled in any::<bool>(), number in proptest::option::of(any::<u64>())) {
            let key = key(&name, position, settled, number);
            prop_assert_eq!(RepairKey::read(&key.bytes()), Some(key.clone()));
            prop_assert_eq!(key.id(), RepairKey { settled: !settled, ..key }.id());
        }
    }

    #[test]
    fn rows_are_read_back_and_long_words_are_cut() {
        for settled in [
            None,
            Some(RepairEnd::Dropped(Millis(5))),
            Some(RepairEnd::Resent { fix: "f".into(), chunk: 3, at: Millis(6), roots: vec![Digest([1; 32])] }),
        ] {
            let row = RepairRow { settled, ..row("A") };
            let read = RepairRow::from_cbor(&row.to_cbor()).unwrap();
            assert_eq!(read, RepairRow { what: cut(&row.what).to_owned(), ..row });
            assert_eq!(read.names().unwrap().references, ["A"]);
        }
    }

    #[test]
    fn rows_are_counted_settled_once_and_gone_with_their_row_under_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let me = "a/n".parse().unwrap();
            Store::open(folder.path(), StoreConfig::default(), &Digest::ZERO, &me, folder.path()).unwrap()
        };
        let store = open();
        let write = |write: Write| {
            let mut batch = Store::batch(1_024);
            store.stage(&mut batch, vec![write], 0);
            store.write_synced(batch).unwrap();
        };
        let put = |key: &RepairKey, row: &RepairRow, instead_of: Option<RepairKey>| {
            let row = store.seal_repair(key, row).unwrap();
            write(Write::Repair { key: key.clone(), row, instead_of });
        };
        let keys = [key("s", 1, false, None), key("s", 2, false, None), key("s2", 0, false, Some(4))];
        for (key, reference) in keys.iter().zip(["A", "B", "C"]) {
            put(key, &row(reference), None);
        }
        // The same again is no further one.
        put(&keys[0], &row("A2"), None);
        assert_eq!(store.repairs_counted(), (3, 0));
        assert_eq!(store.repair(&keys[0]).unwrap().unwrap().names().unwrap().references, ["A2"]);
        assert_eq!(store.repair_keys(false, None, 10).unwrap(), keys);
        assert_eq!(store.repair_keys(false, Some(&keys[0]), 1).unwrap(), keys[1..2]);
        assert_eq!(store.repair_keys_of(false, "s", None, 10).unwrap(), keys[..2]);
        assert_eq!(store.repairs_of(&keys[1].attempt).unwrap(), keys[1..2]);
        let settled = RepairKey { settled: true, ..keys[1].clone() };
        let end = RepairRow { content: None, settled: Some(RepairEnd::Dropped(Millis(5))), ..row("B") };
        put(&settled, &end, Some(keys[1].clone()));
        assert_eq!(store.repairs_counted(), (2, 1));
        assert_eq!((store.repair(&keys[1]).unwrap(), store.repair_keys(true, None, 9).unwrap().len()), (None, 1));
        // One goes, the others go on under another key; nothing is left under the first.
        let first = store.keyring().keys()[0].id();
        let mut erasing = Erasing::default();
        store.erase_repair(&mut erasing, &keys[0].bytes()).unwrap();
        assert_eq!(erasing.keys(), [first]);
        for key in [&keys[2], &settled] {
            store.move_repair(&mut erasing, &key.bytes()).unwrap();
        }
        write(Write::Erased(Box::new(erasing)));
        assert_eq!(store.under(first, 9).unwrap(), []);
        assert_eq!(store.repairs_counted(), (1, 1));
        assert_eq!(store.repair(&keys[2]).unwrap().unwrap().names().unwrap().references, ["C"]);
        drop(store);
        assert_eq!(open().repairs_counted(), (1, 1));
    }
}
