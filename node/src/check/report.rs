//! What a check tells: findings with their places, counts, progress.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use luxor_protocol::exchange::Channel;
use serde::Serialize;

use crate::store::{DispatchKey, Family, ReceiptKey, Scan, ScanFault, SettledKey, StoreError};

/// Findings kept in a report; more are only counted.
pub const MAX_FINDINGS: usize = 1_000;
/// Things that could not be checked, kept in a report.
const MAX_NOTES: usize = 100;
/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(2);

/// What to do about damage in the database.
pub(super) const RESTORE: &str =
    "put the newest whole copy of data/ beside the log.lock that is there; do not start the node on what is damaged";
/// What to do where other rows hold the same.
pub(super) const KEEP: &str = "keep the folder as it is and report this; the log itself is not touched by it";
/// What to do about the lock file.
pub(super) const LOCK: &str = "do not delete or replace log.lock; compare with what peers hold of this log";
/// What to do about documents.
pub(super) const INSTALL: &str = "put it there again with `luxor install`";

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which value.
    pub what: String,
    /// What is wrong with it.
    pub why: String,
    /// What to do.
    pub hint: &'static str,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The node.
    pub node: String,
    /// Entries in the log.
    pub entries: u64,
    /// Root over them, hexadecimal; absent when they do not give one.
    pub root: Option<String>,
    /// How many values were checked, by kind.
    pub checked: BTreeMap<&'static str, u64>,
    /// How many things are damaged.
    pub findings_count: u64,
    /// The first of them.
    pub findings: Vec<Finding>,
    /// What could not be checked because of a finding.
    pub not_checked: Vec<String>,
}

impl Report {
    /// Whether everything is as it was written.
    pub fn whole(&self) -> bool {
        self.findings_count == 0
    }

    /// Counts and outcome on one line.
    pub fn summary(&self) -> String {
        let counts: Vec<String> = self.checked.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let outcome = match self.findings_count {
            0 => "whole".to_owned(),
            1 => "1 finding".to_owned(),
            count => format!("{count} findings"),
        };
        format!("checked {}: {}: {outcome}", self.node, counts.join(", "))
    }
}

/// A report in the making. One finding for each value: its first.
pub(super) struct Notes<'p> {
    pub(super) report: Report,
    places: HashSet<String>,
    progress: &'p mut dyn FnMut(&str),
    told: Instant,
}

impl<'p> Notes<'p> {
    pub(super) fn new(node: String, progress: &'p mut dyn FnMut(&str)) -> Self {
        let report = Report {
            node,
            entries: 0,
            root: None,
            checked: BTreeMap::new(),
            findings_count: 0,
            findings: Vec::new(),
            not_checked: Vec::new(),
        };
        Self { report, places: HashSet::new(), progress, told: Instant::now() }
    }

    pub(super) fn finding(&mut self, what: impl Into<String>, why: impl ToString, hint: &'static str) {
        let what = what.into();
        if self.places.contains(&what) {
            return;
        }
        self.report.findings_count += 1;
        if self.report.findings.len() < MAX_FINDINGS {
            self.places.insert(what.clone());
            self.report.findings.push(Finding { what, why: why.to_string(), hint });
        }
    }

    /// Whether this value has a finding. Known for the first [`MAX_FINDINGS`].
    pub(super) fn has(&self, what: &str) -> bool {
        self.places.contains(what)
    }

    pub(super) fn not_checked(&mut self, what: String) {
        if self.report.not_checked.len() < MAX_NOTES && !self.report.not_checked.contains(&what) {
            self.report.not_checked.push(what);
        }
    }

    /// Names a kind of value, so that it is counted also when there is none.
    pub(super) fn kinds(&mut self, kinds: &[&'static str]) {
        for kind in kinds {
            self.report.checked.entry(kind).or_default();
        }
    }

    pub(super) fn checked(&mut self, kind: &'static str) {
        let count = self.report.checked.entry(kind).or_default();
        *count += 1;
        let count = *count;
        if count.is_multiple_of(1_024) && self.told.elapsed() >= PROGRESS {
            self.told = Instant::now();
            (self.progress)(&format!("{count} {kind} checked"));
        }
    }

    /// The value looked up, or a finding when RocksDB cannot read it.
    pub(super) fn read<T>(&mut self, what: &str, found: Result<Option<T>, StoreError>) -> Option<T> {
        found.unwrap_or_else(|error| {
            self.finding(what, error, RESTORE);
            None
        })
    }

    /// What a scan could not read.
    pub(super) fn faults<K: crate::store::RowKey>(&mut self, family: Family, scan: &mut Scan<'_, K>) {
        for fault in scan.faults() {
            match fault {
                ScanFault::Stray(key) => {
                    let what = format!("a row of {family} with key {}", luxor_protocol::hash::hex(&key));
                    self.finding(what, "nothing writes such a key", KEEP);
                }
                ScanFault::Unreadable { after, error } => {
                    let after = after.map_or("its start".to_owned(), |key| luxor_protocol::hash::hex(&key));
                    self.finding(
                        format!("{family} after {after}"),
                        format!("RocksDB cannot read it: {error}"),
                        RESTORE,
                    );
                }
            }
        }
    }
}

pub(super) fn entry(index: u64) -> String {
    format!("entry {index}")
}

pub(super) fn opening(index: u64) -> String {
    format!("opening of entry {index}")
}

pub(super) fn checkpoint(size: u64) -> String {
    format!("checkpoint of size {size}")
}

pub(super) fn tile(level: u8, index: u64) -> String {
    format!("tile {level}/{index}")
}

pub(super) fn sent(key: &DispatchKey) -> String {
    format!("sent row {}", numbered(key))
}

pub(super) fn sealed(key: &DispatchKey) -> String {
    format!("sealed bytes of {}", numbered(key))
}

pub(super) fn outbox(key: &DispatchKey) -> String {
    format!("outbox row {}", numbered(key))
}

pub(super) fn receipt(key: &ReceiptKey) -> String {
    format!("receipt of {}, entry {}", numbered(&key.dispatch), key.entry)
}

pub(super) fn settled(key: &SettledKey) -> String {
    format!("settled row {} on {}", numbered(&key.1), key.0)
}

pub(super) fn received(key: &DispatchKey) -> String {
    format!("received row {}", numbered(key))
}

pub(super) fn payload(entry: u64) -> String {
    format!("payload of entry {entry}")
}

pub(super) fn channel(channel: &Channel) -> String {
    format!("state of channel {channel}")
}

pub(super) fn numbered(key: &DispatchKey) -> String {
    format!("number {} of {}", key.number, key.channel)
}
