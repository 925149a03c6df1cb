//! The log: entries against openings, and the tree over them against everything that ever named a root of it.
//!
//! An entry and its opening contradict each other when either is damaged. Which one it is, the tree tells: the tree over the
//! stored entries and the tree over the entries that the openings lead to are both computed from the first contradiction on,
//! and the next signed checkpoint is that of one of them.

use luxor_protocol::cbor::Decode;
use luxor_protocol::exchange::{CheckpointsBody, ENTRY_BYTES, Entry, EntryKind};
use luxor_protocol::hash::hex;
use luxor_protocol::tlog::{Checkpoint, CompletedTile, EMPTY_ROOT, Edge, Hash, leaf_hash};

use super::logs::cosigned as cosigned_whole;
use super::report::{KEEP, LOCK, Notes, RESTORE, checkpoint, entry, opening, tile};
use super::{Check, CheckError, Opened};
use crate::folder::Folder;
use crate::sequencer::{LOCK_FILE_BYTES, Slot, read_slots};
use crate::store::{Family, KeptOpening, MetaKey, Scan, TileKey, read_tree};

/// Contradictions between two roots that are kept until a root decides them.
const MAX_SUSPECTS: usize = 1_000;

/// Something that names a root of this log.
struct Anchor {
    what: String,
    size: u64,
    root: Hash,
    hint: &'static str,
}

/// The tree over the stored entries, and the one over what the openings lead to while they differ.
#[derive(Default)]
struct Trees {
    stored: Edge,
    opened: Option<Edge>,
    suspects: Vec<u64>,
    failed: Vec<Anchor>,
    /// An entry is gone with its opening: no root can be computed any more.
    lost: bool,
    /// Since the last root that holds there was an entry or opening alone.
    unconfirmed: bool,
}

/// Reads the lock file; both slots empty when there is none.
pub(super) fn read_lock(folder: &Folder, notes: &mut Notes<'_>) -> Result<[Slot; 2], CheckError> {
    let path = folder.lock();
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(CheckError::Io { path: path.display().to_string(), error }),
    };
    notes.kinds(&["lock file slots"]);
    let slots = read_slots(&bytes);
    for (at, slot) in slots.iter().enumerate() {
        match slot {
            Slot::Empty => {}
            Slot::Whole { .. } => notes.checked("lock file slots"),
            Slot::Damaged(why) => {
                let hint =
                    "the other slot counts. After a power loss this is expected, and the next start writes it anew";
                notes.finding(slot_name(at), why, hint);
            }
        }
    }
    if bytes.len() > LOCK_FILE_BYTES {
        notes.finding("lock file", format!("{} bytes; it has {LOCK_FILE_BYTES}", bytes.len()), LOCK);
    }
    let never = |slot: &Slot| *slot == Slot::Empty;
    match slots {
        [Slot::Whole { counter: a, signed: first }, Slot::Whole { counter: b, signed: second }] => {
            let newer_is_larger = if a > b { first.size > second.size } else { second.size > first.size };
            if a.abs_diff(b) != 1 || !newer_is_larger {
                notes.finding("lock file", "its slots are not of two writes after each other", LOCK);
            }
        }
        [Slot::Whole { counter, .. }, other] | [other, Slot::Whole { counter, .. }] if never(&other) && counter > 1 => {
            notes.finding("lock file", "one of its slots was wiped", LOCK);
        }
        [a, b] if never(&a) && never(&b) && !bytes.is_empty() => notes.finding("lock file", "it is empty", LOCK),
        _ => {}
    }
    Ok(slots)
}

fn slot_name(at: usize) -> String {
    format!("lock file slot {at}")
}

impl Check<'_> {
    /// Reads the log from end to end, and what its entries are about.
    pub(super) fn log(&mut self, slots: &[Slot; 2]) {
        self.notes.kinds(&["entries", "openings", "checkpoints", "tiles"]);
        let store = self.store.clone();
        let tree_row = self.tree_row();
        let end = match (store.end(Family::Entries), store.end(Family::Openings)) {
            (Ok(entries), Ok(openings)) => entries.max(openings),
            // What cannot be read is told by the scans below.
            _ => tree_row.map_or(0, |(size, _)| size),
        };
        let mut anchors = self.anchors(slots, tree_row, end);
        let mut entries = store.scan::<u64>(Family::Entries);
        let mut openings = store.scan::<u64>(Family::Openings);
        let mut notes = store.scan::<u64>(Family::Checkpoints);
        let mut cosigned = store.scan::<u64>(Family::Cosigned);
        let mut payloads = store.scan::<u64>(Family::Payloads);
        let newest_signed = slots.iter().filter_map(signed_size).max();
        let mut trees = Trees::default();
        let mut index = 0;
        loop {
            while notes.peek().is_some_and(|size| *size <= index) {
                let Some((size, note)) = notes.next() else { break };
                anchors.extend(self.checkpoint(checkpoint(size), size, &note, newest_signed));
            }
            while cosigned.peek().is_some_and(|size| *size <= index) {
                let Some((size, note)) = cosigned.next() else { break };
                let what = format!("cosigned checkpoint of size {size}");
                let own = self.own.as_ref().map(|own| own.card.origin.clone());
                let whole = match (&self.directory, own) {
                    (Some(directory), Some(origin)) if self.documents_whole => {
                        cosigned_whole(directory, &origin, &note)
                    }
                    _ => Ok(()),
                };
                match whole {
                    Ok(()) => anchors.extend(self.checkpoint(what, size, &note, newest_signed)),
                    Err(why) => self.notes.finding(what, why, KEEP),
                }
            }
            anchors.sort_by_key(|anchor| anchor.size);
            let later = anchors.partition_point(|anchor| anchor.size <= index);
            anchors.drain(..later).for_each(|anchor| trees.compare(anchor, &mut self.notes));
            if index >= end {
                break;
            }
            if let Some(next) = gap(&entries, &openings, index) {
                let what = format!("entries {index} to {} and their openings are not there", next - 1);
                self.notes.finding(entry(index), what, RESTORE);
                trees.lose();
                self.log_damaged();
                index = next;
                continue;
            }
            let stored = self.entry(&mut entries, index);
            let opened = self.opening(&mut openings, index);
            let opening = self.grow(&mut trees, index, stored, opened);
            self.about(index, opening, &mut payloads);
            index += 1;
        }
        for (size, _) in notes.by_ref().chain(cosigned.by_ref()) {
            let why = format!("the log has only {end} entries");
            self.notes.finding(checkpoint(size), why, RESTORE);
        }
        self.notes.faults(Family::Entries, &mut entries);
        self.notes.faults(Family::Openings, &mut openings);
        self.notes.faults(Family::Checkpoints, &mut notes);
        self.notes.faults(Family::Cosigned, &mut cosigned);
        self.stray_payloads(end, &mut payloads);
        self.notes.faults(Family::Payloads, &mut payloads);
        self.notes.report.entries = end;
        self.notes.report.root = trees.finish(&mut self.notes).map(|root| hex(&root));
        self.stray_tiles(end);
        self.peers_row();
    }

    fn tree_row(&mut self) -> Option<(u64, Hash)> {
        let what = "stored size and root";
        let row = self.store.look(Family::Meta, &MetaKey::Tree);
        let row = self.notes.read(what, row)?;
        let read = read_tree(&row);
        if read.is_none() {
            self.notes.finding(what, "wrong length", RESTORE);
        }
        read
    }

    /// What names roots besides the checkpoints: the lock file's slots and the stored size and root.
    fn anchors(&mut self, slots: &[Slot; 2], tree_row: Option<(u64, Hash)>, end: u64) -> Vec<Anchor> {
        let mut anchors = Vec::new();
        for (at, slot) in slots.iter().enumerate() {
            let Slot::Whole { signed, .. } = slot else { continue };
            if signed.size > end {
                let why = format!(
                    "{end} entries are there, but {} were signed: this is an older copy, or its end is lost",
                    signed.size
                );
                self.notes.finding("the log", why, RESTORE);
            } else {
                anchors.push(Anchor { what: slot_name(at), size: signed.size, root: signed.root, hint: LOCK });
            }
        }
        if end > 0 && slots.iter().all(|slot| *slot == Slot::Empty) {
            self.notes.finding("lock file", "it is missing, but the log has entries", LOCK);
        }
        let what = "stored size and root";
        match tree_row {
            None if end == 0 => {}
            None => self.notes.finding(what, "not there", RESTORE),
            Some((size, _)) if size != end => {
                let why = format!("it says {size} entries; {end} are there");
                self.notes.finding(what, why, RESTORE);
            }
            Some((size, root)) => anchors.push(Anchor { what: what.into(), size, root, hint: RESTORE }),
        }
        anchors
    }

    fn checkpoint(&mut self, what: String, size: u64, note: &[u8], newest_signed: Option<u64>) -> Option<Anchor> {
        if self.keys.is_empty() {
            return None;
        };
        let opened = match Checkpoint::open_any(note, &self.keys) {
            Ok(opened) => opened,
            Err(error) => {
                self.notes.finding(what, error, KEEP);
                return None;
            }
        };
        if opened.size != size {
            self.notes.finding(what, format!("it was signed for size {}", opened.size), KEEP);
            return None;
        }
        if newest_signed.is_some_and(|newest| newest < size) {
            self.notes.finding("lock file", format!("it is older than the {what}"), LOCK);
        }
        self.notes.checked("checkpoints");
        Some(Anchor { what, size, root: opened.root, hint: KEEP })
    }

    fn entry(&mut self, entries: &mut Scan<'_, u64>, index: u64) -> Option<Entry> {
        let what = entry(index);
        let found = entries.take(&index);
        let broken = found.is_err();
        match self.notes.read(&what, found) {
            Some(bytes) => match <[u8; ENTRY_BYTES]>::try_from(bytes) {
                Ok(entry) => Some(entry),
                Err(bytes) => {
                    self.notes.finding(what, format!("{} bytes; an entry has {ENTRY_BYTES}", bytes.len()), RESTORE);
                    None
                }
            },
            None if broken => None,
            None => {
                self.notes.finding(what, "not there", RESTORE);
                None
            }
        }
    }

    fn opening(&mut self, openings: &mut Scan<'_, u64>, index: u64) -> Option<KeptOpening> {
        let what = opening(index);
        let found = openings.take(&index);
        let broken = found.is_err();
        match self.notes.read(&what, found) {
            Some(bytes) => {
                let opening = KeptOpening::from_cbor(&bytes).map_err(|e| self.notes.finding(what, e, RESTORE));
                opening.ok()
            }
            None if broken => None,
            None => {
                self.notes.finding(what, "not there", RESTORE);
                None
            }
        }
    }

    /// Adds one entry to the trees; gives its opening unless both contradict each other.
    fn grow(
        &mut self,
        trees: &mut Trees,
        index: u64,
        stored: Option<Entry>,
        opening: Option<KeptOpening>,
    ) -> Option<KeptOpening> {
        let opened = opening.as_ref().map(KeptOpening::entry);
        if stored.is_some() {
            self.notes.checked("entries");
        }
        if opened.is_some() {
            self.notes.checked("openings");
        }
        match (stored, opened) {
            (None, None) => trees.lose(),
            (Some(one), None) | (None, Some(one)) => {
                trees.unconfirmed = true;
                self.push(trees, leaf_hash(&one), leaf_hash(&one));
            }
            (Some(stored), Some(opened)) => {
                if stored != opened {
                    trees.suspect(index, &mut self.notes);
                }
                self.push(trees, leaf_hash(&stored), leaf_hash(&opened));
            }
        }
        // Where the entry is gone the opening stands for it: the next root tells whether rightly.
        opening.filter(|_| stored.is_none() || stored == opened)
    }

    fn push(&mut self, trees: &mut Trees, stored: Hash, opened: Hash) {
        let (tiles, others) = trees.push(stored, opened);
        for completed in tiles.into_iter().filter(|completed| completed.level > 0) {
            let what = tile(completed.level, completed.index);
            let found = self.store.look(Family::Tiles, &TileKey(completed.level, completed.index));
            let broken = found.is_err();
            let same = |tile: &CompletedTile, bytes: &[u8]| tile.hashes.as_flattened() == bytes;
            match self.notes.read(&what, found) {
                None if broken => {}
                None => self.notes.finding(what, "not there", RESTORE),
                Some(bytes) if trees.lost || same(&completed, &bytes) => self.notes.checked("tiles"),
                Some(bytes) if others.iter().any(|other| same(other, &bytes)) => self.notes.checked("tiles"),
                Some(_) => self.notes.finding(what, "its hashes are not those of the entries below it", RESTORE),
            }
        }
    }

    /// Checks what an entry is about. Each kind of entry has its own method.
    fn about(&mut self, index: u64, opening: Option<KeptOpening>, payloads: &mut Scan<'_, u64>) {
        self.stray_payloads(index, payloads);
        let Some(opening) = opening else {
            // What an unreadable opening says of its payload is not known.
            let _ = payloads.take(&index);
            return self.log_damaged();
        };
        let skeleton = match opening.read_skeleton() {
            Ok(skeleton) => skeleton,
            Err(error) => {
                let _ = payloads.take(&index);
                self.notes.finding(super::report::opening(index), format!("skeleton: {error}"), KEEP);
                return self.log_damaged();
            }
        };
        let opened = Opened { opening, skeleton };
        self.dated(index, &opened);
        match opened.skeleton.kind {
            EntryKind::Sent => self.sent_entry(index, &opened),
            EntryKind::Receipt => self.receipt_entry(index, &opened),
            EntryKind::Withdrawn => self.withdrawn_entry(index, &opened),
            EntryKind::Resent => self.resent_entry(index, &opened),
            EntryKind::Received => self.received_entry(index, &opened, payloads),
            EntryKind::Peers | EntryKind::Succeeded => self.checkpoints_entry(index, &opened),
            EntryKind::Document => self.document_entry(index, &opened),
            EntryKind::Erased => self.erased_entry(index, &opened),
            EntryKind::Hold => self.hold_entry(index, &opened),
            EntryKind::Statement => self.statement_entry(index, &opened),
            EntryKind::Deposited => self.deposited_entry(index, &opened),
        }
    }

    /// An entry that names checkpoints: its form, and that the newest of them is found.
    fn checkpoints_entry(&mut self, index: u64, opened: &Opened) {
        let skeleton = &opened.skeleton;
        let fault = match opened.opening.body().map(CheckpointsBody::from_cbor) {
            Some(Err(error)) => Some(error.to_string()),
            _ if !skeleton.is_of_node() || skeleton.channel.sender != self.me => {
                Some("it is about something else than this node".to_owned())
            }
            _ => None,
        };
        if let Some(why) = fault {
            self.notes.finding(opening(index), why, KEEP);
        }
        if skeleton.kind == EntryKind::Peers {
            self.last_peers = Some(index);
        }
    }

    /// The row that leads to the newest `peers` entry.
    fn peers_row(&mut self) {
        let what = "place of the newest peers entry";
        let row = self.store.look(Family::Meta, &MetaKey::Peers);
        let row = self.notes.read(what, row);
        let said = row.as_deref().map(|row| <[u8; 8]>::try_from(row).map(u64::from_be_bytes).ok());
        match said {
            None if self.last_peers.is_none() => {}
            None => self.notes.finding(what, "not there", RESTORE),
            Some(said) if said.is_some() && said == self.last_peers => {}
            // An entry whose opening is damaged cannot be counted.
            Some(_) if self.numbers.is_none() => self.notes.not_checked(what.into()),
            Some(_) => self.notes.finding(what, "it leads to another entry", RESTORE),
        }
    }

    /// An opening is missing from what the rows are counted against.
    fn log_damaged(&mut self) {
        self.numbers = None;
        self.gone.damaged = true;
        self.received_totals = None;
        self.references.log_damaged();
    }

    fn stray_tiles(&mut self, end: u64) {
        let store = self.store.clone();
        let mut scan = store.scan::<TileKey>(Family::Tiles);
        for (TileKey(level, index), _) in scan.by_ref() {
            let bits = 8 * (u32::from(level) + 1);
            let full = level > 0 && end.checked_shr(bits).is_some_and(|tiles| index < tiles);
            if !full {
                self.notes.finding(tile(level, index), format!("a log of {end} entries has no such full tile"), KEEP);
            }
        }
        self.notes.faults(Family::Tiles, &mut scan);
    }
}

impl Trees {
    /// Adds a leaf; gives the tiles that became full in either tree.
    fn push(&mut self, stored: Hash, opened: Hash) -> (Vec<CompletedTile>, Vec<CompletedTile>) {
        let (mut tiles, mut others) = (Vec::new(), Vec::new());
        if let Some(tree) = &mut self.opened {
            tree.push(opened, &mut others);
        }
        self.stored.push(stored, &mut tiles);
        (tiles, others)
    }

    /// From this entry on the two trees differ.
    fn suspect(&mut self, index: u64, notes: &mut Notes<'_>) {
        if self.suspects.len() == MAX_SUSPECTS {
            return notes.finding(entry(index), "it and its opening contradict each other", RESTORE);
        }
        self.suspects.push(index);
        if self.opened.is_none() {
            self.opened = Some(self.stored.clone());
        }
    }

    fn lose(&mut self) {
        self.lost = true;
    }

    fn compare(&mut self, anchor: Anchor, notes: &mut Notes<'_>) {
        if self.lost {
            return notes.not_checked(format!("roots from the {} on: an entry below it is gone", anchor.what));
        }
        let root = |tree: &Edge| if tree.size() == 0 { EMPTY_ROOT } else { tree.root() };
        if root(&self.stored) == anchor.root {
            for index in self.suspects.drain(..) {
                notes.finding(opening(index), "its entry commits to something else", RESTORE);
            }
        } else if self.opened.as_ref().is_some_and(|opened| root(opened) == anchor.root) {
            for index in self.suspects.drain(..) {
                notes.finding(entry(index), "the root over it is not the one that was signed", RESTORE);
            }
            self.stored = self.opened.take().unwrap_or_default();
        } else {
            if self.failed.len() < MAX_SUSPECTS {
                self.failed.push(anchor);
            }
            return;
        }
        self.opened = None;
        self.unconfirmed = false;
        // The tree holds here, so what named another root before is itself wrong.
        self.blame(notes);
    }

    /// Tells what no root decided, and gives the root of the whole.
    fn finish(mut self, notes: &mut Notes<'_>) -> Option<Hash> {
        let undecided = !self.suspects.is_empty();
        for index in self.suspects.drain(..) {
            notes.finding(entry(index), "it and its opening contradict each other, and no root tells which", RESTORE);
        }
        if undecided || (self.unconfirmed && !self.failed.is_empty()) {
            for anchor in &self.failed {
                notes.not_checked(format!("the root of the {}", anchor.what));
            }
            return None;
        }
        // Every entry agrees with its opening: two against one.
        self.blame(notes);
        (!self.lost).then(|| self.stored.root())
    }

    fn blame(&mut self, notes: &mut Notes<'_>) {
        for anchor in self.failed.drain(..) {
            let why = format!("its root is not that of the first {} entries", anchor.size);
            notes.finding(anchor.what, why, anchor.hint);
        }
    }
}

/// The next index at which anything is, when nothing is at this one.
fn gap(entries: &Scan<'_, u64>, openings: &Scan<'_, u64>, index: u64) -> Option<u64> {
    if entries.broken() || openings.broken() {
        return None;
    }
    let next = [entries.peek(), openings.peek()].into_iter().flatten().min()?;
    (*next > index).then_some(*next)
}

fn signed_size(slot: &Slot) -> Option<u64> {
    match slot {
        Slot::Whole { signed, .. } => Some(signed.size),
        _ => None,
    }
}
