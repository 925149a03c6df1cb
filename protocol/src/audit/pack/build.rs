//! Making a pack of a log that was read: drawing the sample, opening what it chose.
//!
//! Not here: where entries and records come from ([`PackSource`]), the documents.

use std::collections::{BTreeSet, HashMap};

use super::values::dispatch_of;
use super::{OpenedEntry, OpenedRecord, PackedEntry, PackedSample, Population};
use crate::audit::AuditReport;
use crate::audit::population::{BatchViews, DispatchValues, Values, is_dispatch, values_of};
use crate::audit::sample::{Method, SamplePlan};
use crate::cbor::{Decode, Encode};
use crate::exchange::{AuditEntry, Skeleton};
use crate::hash::Digest;
use crate::record::{Batch, BatchTree, RecordView};
use crate::tlog::{Checkpoint, MemoryTree, inclusion_proof, leaf_hash};

/// Where what is opened comes from.
pub trait PackSource {
    /// Why it cannot be had.
    type Error;

    /// An entry of the log with all that the mandate gives.
    ///
    /// # Errors
    /// Whatever keeps the source from giving it.
    fn entry(&self, index: u64) -> Result<AuditEntry, Self::Error>;

    /// The records of the dispatch of an entry, showing their value only.
    ///
    /// # Errors
    /// Whatever keeps the source from giving them.
    fn views(&self, entry: u64) -> Result<BatchViews, Self::Error>;
}

/// Why a pack could not be made; `E` is the source's error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError<E> {
    /// The source.
    #[error("{0}")]
    Source(E),
    /// The entries do not lead to the checkpoint, so nothing can be drawn from them or proven.
    #[error(
        "the log's entries do not lead to its checkpoint: nothing is drawn from it\nhint: `luxor audit` tells more"
    )]
    Tree,
    /// A dispatch of a population of values is not shown.
    #[error("entry {entry}: {what}")]
    Hidden {
        /// Its index.
        entry: u64,
        /// What is missing.
        what: String,
    },
    /// The source gives something else than what the log commits to.
    #[error("entry {entry}: the node gives {what} than its log commits to")]
    Other {
        /// Its index.
        entry: u64,
        /// What.
        what: &'static str,
    },
}

/// A log that was read from its first entry.
#[derive(Debug, Clone)]
pub struct LogCopy {
    /// The checkpoint up to which it was read.
    pub checkpoint: Checkpoint,
    /// What the audit found.
    pub report: AuditReport,
    /// Its entries.
    pub entries: Vec<PackedEntry>,
    /// Their tree.
    pub tree: MemoryTree,
}

impl LogCopy {
    /// A log of which nothing was read yet.
    pub fn new(checkpoint: Checkpoint) -> Self {
        let (report, entries, tree) = (AuditReport::default(), Vec::new(), MemoryTree::new());
        Self { checkpoint, report, entries, tree }
    }

    /// Takes the next entry; `with_dispatches`, and those that are dispatches are kept with body and evidence, as a sample by
    /// value needs them.
    pub fn take(&mut self, entry: &AuditEntry, with_dispatches: bool) {
        self.tree.push(leaf_hash(&entry.entry));
        let mut kept = PackedEntry::skeleton_of(entry);
        if with_dispatches && Skeleton::from_cbor(&entry.skeleton).is_ok_and(|skeleton| is_dispatch(&skeleton)) {
            (kept.body, kept.evidence) = (entry.body.clone(), entry.evidence.clone());
        }
        self.entries.push(kept);
    }

    /// Whether the entries lead to the checkpoint.
    pub fn is_whole(&self) -> bool {
        self.tree.size() == self.checkpoint.size
            && self.tree.root_at(self.checkpoint.size) == Some(self.checkpoint.root)
    }

    /// Gathers the population that a sample is drawn from.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn sample<S: PackSource>(&self, plan: SamplePlan, source: &S) -> Result<PackedSample, BuildError<S::Error>> {
        if !self.is_whole() {
            return Err(BuildError::Tree);
        }
        let skeletons = (0..).zip(&self.entries).filter_map(|(index, entry)| {
            let skeleton = Skeleton::from_cbor(&entry.skeleton).ok()?;
            is_dispatch(&skeleton).then_some((index, entry, skeleton))
        });
        let population = match plan.method {
            Method::Random => Population::Dispatches(skeletons.map(|(index, ..)| index).collect()),
            Method::Value => {
                let (mut rows, mut seen) = (Vec::new(), HashMap::new());
                for (index, entry, skeleton) in skeletons {
                    let shown = dispatch_of(entry, &skeleton);
                    let dispatch = shown.map_err(|what| BuildError::Hidden { entry: index, what })?;
                    let records = dispatch.batch.as_ref().map_or(0, |batch| batch.header.count);
                    // One whose values cannot be shown stands for no other.
                    let earlier = dispatch.batch.as_ref().and_then(|batch| match seen.get(&batch.to_cbor()) {
                        Some(first) => Some(*first),
                        None if dispatch.excluded => None,
                        None => seen.insert(batch.to_cbor(), index),
                    });
                    let values = match (&dispatch.batch, earlier) {
                        (_, Some(first)) => Values::Repeats(first),
                        (Some(batch), None) if !dispatch.excluded => {
                            let mut values = Vec::new();
                            for (place, view) in batch_views(batch, index, source)? {
                                let other = BuildError::Other { entry: index, what: "other values" };
                                values.extend(values_of(place, &view).ok_or(other)?);
                            }
                            Values::Listed(values)
                        }
                        _ => Values::Unknown,
                    };
                    rows.push(DispatchValues { entry: index, records, values });
                }
                Population::Values(rows)
            }
        };
        Ok(PackedSample { plan, population })
    }

    /// Opens what the sample chose and the entries that findings are about. What was opened stands in the entries from then on.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn open<S: PackSource>(
        &mut self,
        sample: Option<&PackedSample>,
        source: &S,
    ) -> Result<Vec<OpenedEntry>, BuildError<S::Error>> {
        if !self.is_whole() {
            return Err(BuildError::Tree);
        }
        let chosen = sample.map(|sample| sample.choose(&self.checkpoint).entries).unwrap_or_default();
        let found = self.report.findings.iter().filter_map(|finding| finding.entry);
        let wanted: BTreeSet<u64> = chosen.keys().copied().chain(found).collect();
        let mut opened = Vec::new();
        for index in wanted {
            let at = usize::try_from(index).ok();
            let Some(kept) = at.and_then(|at| self.entries.get_mut(at)) else { continue };
            let entry = source.entry(index).map_err(BuildError::Source)?;
            if kept.to_audit_entry().entry != entry.entry {
                return Err(BuildError::Other { entry: index, what: "another entry" });
            }
            (kept.body, kept.evidence) = (entry.body, entry.evidence);
            let hashes = inclusion_proof(&self.tree, index, self.checkpoint.size).map_err(|_| BuildError::Tree)?;
            let records = match chosen.get(&index) {
                Some(places) if !places.is_empty() => {
                    let shown = Skeleton::from_cbor(&kept.skeleton).map_err(|error| error.to_string());
                    let shown = shown.and_then(|skeleton| dispatch_of(kept, &skeleton));
                    let batch = shown.map_err(|what| BuildError::Hidden { entry: index, what })?.batch;
                    let batch = batch.ok_or(BuildError::Other { entry: index, what: "other records" })?;
                    open_records(&batch_views(&batch, index, source)?, places)
                }
                _ => Vec::new(),
            };
            opened.push(OpenedEntry { index, hashes, records });
        }
        Ok(opened)
    }
}

/// Every record of a batch, as the source gives them, which must lead to the root that was signed.
fn batch_views<S: PackSource>(
    batch: &Batch,
    entry: u64,
    source: &S,
) -> Result<Vec<(usize, RecordView)>, BuildError<S::Error>> {
    let views = source.views(entry).map_err(BuildError::Source)?.views;
    let roots: Vec<Digest> = views.iter().map(|(_, view)| view.root()).collect();
    let complete = views.len() == batch.header.count && views.iter().enumerate().all(|(at, (place, _))| at == *place);
    if !complete || BatchTree::new(&roots).root() != batch.header.root {
        return Err(BuildError::Other { entry, what: "other records" });
    }
    Ok(views)
}

fn open_records(views: &[(usize, RecordView)], places: &BTreeSet<usize>) -> Vec<OpenedRecord> {
    let roots: Vec<Digest> = views.iter().map(|(_, view)| view.root()).collect();
    let tree = BatchTree::new(&roots);
    let open = |place: &usize| {
        let (_, view) = views.get(*place)?;
        Some(OpenedRecord { place: *place, view: view.clone(), path: tree.path(*place)? })
    };
    places.iter().filter_map(open).collect()
}
