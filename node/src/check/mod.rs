//! The check of a stopped node: every stored value against the tree and against the others, without writing or signing
//! anything.
//!
//! It reads each column family in order of its keys and keeps little more than one row of each, so memory does not grow with
//! the log; what must be joined in another order is looked up. Kept are the channels, and the numbers of the outbox that are
//! sent again. One finding per damaged value, the first; where two values contradict each other, what the log commits to
//! decides which one is damaged.
//!
//! | file | what it checks |
//! |---|---|
//! | `documents` | keys, card, documents, and their entries |
//! | `log` | entries, openings, tiles, checkpoints, lock file, stored size and root |
//! | `outgoing` | entries about dispatches made here; sent rows, withdrawals, sealed bytes, outbox |
//! | `receipts` | receipts, what they settle, states of own channels |
//! | `incoming` | `received` entries and rows, payloads, channel states |
//! | `records` | own records, submissions |
//! | `erased` | what is gone, and when the rest will be |
//! | `onward` | records passed on, and what came with those passed on to this node |
//! | `deletions` | deletion receipts, owed and given |
//! | `deposits` | what lies here for others, receipts for what others keep |
//! | `index` | index rows |
//! | `under` | rows under data keys, and the key files |
//! | `attached` | attached files and their rows |
//! | `repairs` | refused records, waiting or settled |
//! | `books` | decisions on differences, closed months, bank statements |
//! | `desk` | proposals of screening, orders of officers |
//! | `logs` | checkpoints and evidence of logs |
//! | `windows` | what stands at numbers of channels, statements about windows |
//! | `witnessed` | checkpoints that prove receipts, and how far receipts were looked through |
//! | `state` | whose folder, totals, keys that nothing writes |
//!
//! Not here: repair; and damage that leaves every remaining value consistent (an earlier checkpoint of this log, or what is held of
//! another's, that is gone entirely).

mod attached;
mod books;
mod desk;

mod deletions;
mod deposits;
mod documents;
mod erased;
mod incoming;
mod index;
mod log;
mod logs;
mod onward;
mod outgoing;
mod receipts;
mod records;
mod repairs;
mod report;
mod state;
mod under;
mod windows;
mod witnessed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use luxor_protocol::api::Traffic;
use luxor_protocol::cbor::Decode;
use luxor_protocol::document::{Directory, KnownNode};
use luxor_protocol::exchange::{Channel, EntryKind, Skeleton};
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::VerifierKey;

pub use report::{Finding, MAX_FINDINGS, Report};

use crate::attached::AttachedFiles;
use crate::config::{Config, ConfigError};
use crate::folder::Folder;
use crate::store::{DispatchKey, Family, KeptOpening, Stopped, Store};
use index::References;
use report::{Notes, RESTORE};

/// Why a folder could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The configuration, which says whose folder it is.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A node runs on it.
    #[error(
        "{0}: a luxord is running on this folder\nhint: stop it first; `luxor audit` checks the log of a running node"
    )]
    Running(String),
    /// The file system says so.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What happened.
        error: std::io::Error,
    },
}

/// Checks the folder of a stopped node. `progress` is told how far it is, now and then.
///
/// # Errors
/// [`CheckError`] when there is nothing to check against; damage is in the report.
pub fn check(folder: &Folder, progress: &mut dyn FnMut(&str)) -> Result<Report, CheckError> {
    let me = Config::read(folder.path())?.node();
    let data = folder.data();
    let mut notes = Notes::new(me.to_string(), progress);
    // Held to the end, so that no node starts meanwhile.
    let _stopped = match Stopped::claim(&data) {
        Ok(Some(stopped)) => Some(stopped),
        Ok(None) => return Err(CheckError::Running(folder.path().display().to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(CheckError::Io { path: data.join("LOCK").display().to_string(), error }),
    };
    let (directory, documents_whole) = documents::check(folder, &me, &mut notes);
    let slots = log::read_lock(folder, &mut notes)?;
    let signed = slots.iter().any(|slot| *slot != crate::sequencer::Slot::Empty);
    // A node that never ran has no database, nor has one whose first start failed before it made one; a copy may come
    // without the file to be locked, and nothing runs on it.
    if !data.join("CURRENT").exists() && !holds_rows(&data) {
        if signed {
            notes.finding("data/", "there is no database, but the log key has signed", RESTORE);
        }
        return Ok(notes.report);
    }
    let owner = directory.as_ref().map(|directory| format!("{me} of network {}", directory.network()));
    let mut keys_whole = true;
    let store = match Store::open_read_only(&data, &folder.key_folder(), owner.as_deref()) {
        Ok((store, unknown, fault)) => {
            if let Some(fault) = fault {
                keys_whole = false;
                notes.finding("keys/data.keys", fault, under::KEYS);
                notes.not_checked("what is stored under data keys".into());
            }
            for name in unknown {
                notes.finding(format!("column family {name}"), "this version does not know it", report::KEEP);
            }
            store
        }
        Err(error) => {
            notes.finding("data/", error, RESTORE);
            return Ok(notes.report);
        }
    };
    // A first start that failed behind that: the next one makes what is missing.
    if !signed && store.is_empty().unwrap_or(false) {
        return Ok(notes.report);
    }
    let mut check = Check::new(me, directory, documents_whole, store, notes);
    check.keys_whole = keys_whole;
    check.state();
    check.erased_totals();
    check.log(&slots);
    check.gone();
    check.outgoing();
    check.passed_on_rows();
    check.incoming();
    check.source_rows();
    check.records();
    check.index();
    check.submissions();
    check.deletions();
    check.holds();
    check.repairs();
    check.books();
    check.desk();
    check.attached(&AttachedFiles::new(&data));
    check.under();
    check.logs();
    check.witnessed();
    check.windows();
    check.deposits();
    check.document_rows();
    check.totals();
    Ok(check.notes.report)
}

/// Whether there are files of a database that may hold rows. A folder that cannot be read is told when it is opened.
fn holds_rows(data: &std::path::Path) -> bool {
    let Ok(files) = std::fs::read_dir(data) else { return false };
    let of_rows = |path: std::path::PathBuf| path.extension().is_some_and(|end| end == "sst" || end == "log");
    files.flatten().any(|file| of_rows(file.path()))
}

/// A check in progress.
struct Check<'p> {
    me: NodeRef,
    directory: Option<Directory>,
    documents_whole: bool,
    /// Received channels of which a row or entry is damaged or gone.
    damaged_channels: BTreeSet<Channel>,
    own: Option<Arc<KnownNode>>,
    keys: Vec<VerifierKey>,
    store: Arc<Store>,
    notes: Notes<'p>,
    /// Verdicts as the rows tell them; `None` once a row that must be counted is damaged.
    received_totals: Option<Traffic>,
    sent_totals: Option<Traffic>,
    references: References,
    /// The last number sent in each channel, as the log tells it; `None` once an entry of it is damaged.
    numbers: Option<BTreeMap<Channel, u64>>,
    /// Numbers that had a receipt and wait for another. The outbox bounds it.
    resent: BTreeSet<DispatchKey>,
    /// `withdrawn` entries.
    withdrawn: u64,
    /// The last `peers` entry.
    last_peers: Option<u64>,
    /// Whether the files of data keys could be read.
    keys_whole: bool,
    under: under::Found,
    gone: erased::Gone,
}

/// An opening that its entry commits to.
struct Opened {
    opening: KeptOpening,
    skeleton: Skeleton,
}

impl<'p> Check<'p> {
    fn new(
        me: NodeRef,
        directory: Option<Directory>,
        documents_whole: bool,
        store: Store,
        mut notes: Notes<'p>,
    ) -> Self {
        let own = directory.as_ref().and_then(|directory| directory.node(&me)).cloned();
        let keys = own.as_ref().map(|own| luxor_protocol::exchange::keys_of_log(own, &own.card.origin));
        let keys = keys.unwrap_or_default();
        if keys.is_empty() {
            notes.not_checked(format!("signatures of {me}: its card is not in documents/"));
        }
        Self {
            me,
            directory,
            documents_whole,
            damaged_channels: BTreeSet::new(),
            own,
            keys,
            store: Arc::new(store),
            notes,
            received_totals: Some(Traffic::default()),
            sent_totals: Some(Traffic::default()),
            references: References::default(),
            numbers: Some(BTreeMap::new()),
            resent: BTreeSet::new(),
            withdrawn: 0,
            last_peers: None,
            keys_whole: true,
            under: under::Found::default(),
            gone: erased::Gone::default(),
        }
    }

    /// The card of another node; that it is missing is told once.
    fn card(&mut self, node: &NodeRef) -> Option<Arc<KnownNode>> {
        let known = self.directory.as_ref().and_then(|directory| directory.node(node)).cloned();
        if known.is_none() {
            self.notes.not_checked(format!("signatures of {node}: its card is not in documents/"));
            if self.documents_whole {
                self.notes.finding(
                    format!("card of {node}"),
                    "rows name this node, documents/ does not",
                    report::INSTALL,
                );
            }
        }
        known
    }

    /// The opening of an entry, unless the entry commits to another. Whatever is wrong with either is told where the log is
    /// checked.
    fn opened(&self, index: u64) -> Option<Opened> {
        let entry = self.store.look(Family::Entries, &index).ok().flatten();
        let opening = KeptOpening::from_cbor(&self.store.look(Family::Openings, &index).ok()??).ok()?;
        let contradicts = entry.is_some_and(|entry| entry != opening.entry());
        let skeleton = opening.read_skeleton().ok().filter(|_| !contradicts)?;
        Some(Opened { opening, skeleton })
    }
}

impl Opened {
    /// Whether it is about this dispatch.
    fn is(&self, kind: EntryKind, key: &DispatchKey) -> bool {
        self.skeleton.kind == kind && self.skeleton.channel == key.channel && self.skeleton.number == key.number
    }
}

/// The key of what a skeleton is about.
fn key_of(skeleton: &Skeleton) -> DispatchKey {
    DispatchKey { channel: skeleton.channel.clone(), number: skeleton.number }
}

/// Whether a channel begins or ends at this node, as it must.
fn own_channel(channel: &Channel, me: &NodeRef, sending: bool) -> bool {
    let (own, other) = match sending {
        true => (&channel.sender, &channel.recipient),
        false => (&channel.recipient, &channel.sender),
    };
    own == me && other != me
}

#[cfg(test)]
mod tests;
