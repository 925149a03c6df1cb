//! The audit pack: one file with what an auditor found and what it takes to check it without any node.
//!
//! In it: the documents with their signatures, the log's checkpoint, the skeleton of every entry, the sample with its population,
//! the opening, evidence and inclusion proof of each entry chosen, the records chosen by value, the findings, fork evidence. It
//! is deterministic CBOR, `[domain, digest of the content, content]`; the digest finds damage, who made the file it does not say.
//!
//! Not in it: bodies and evidence of entries that were not chosen (but for a sample by value, whose population rests on every
//! dispatch's signed header), and of a record anything but its header and its value.
//!
//! | file | content |
//! |---|---|
//! | this | the types, and how they are written and read |
//! | `build` | making one of a log that was read |
//! | `report` | the bytes of an audit's report |
//! | `verify` | what holds of a pack |
//! | `values` | what holds of a population of values and of the records opened |
//!
//! Limits: [`MAX_PACK_BYTES`], [`MAX_PACK_ENTRIES`] and those of its parts.

mod build;
mod report;
#[cfg(test)]
mod tests;
mod values;
mod verify;

use std::collections::{BTreeMap, BTreeSet};

pub use build::{BuildError, LogCopy, PackSource};
pub use verify::{Cosigned, ProvenRecord, ProvenValue, SampleVerdict, Verified};

use super::AuditReport;
use super::population::{DispatchValues, decode_values, encode_values, listed};
use super::sample::{Method, SamplePlan, Stratum, by_value, random};
use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::document::DirectoryError;
use crate::exchange::{AuditEntry, decode_shown, encode_shown, entry_of};
use crate::framed::{MAX_FRAME_BYTES, frame, unframe};
use crate::hash::{Digest, Domain};
use crate::limits::{
    MAX_BATCH_RECORDS, MAX_DOCUMENT_BYTES, MAX_PACK_BYTES, MAX_PACK_DOCUMENTS, MAX_PACK_ENTRIES, MAX_PACK_FORKS,
    MAX_SIGNATURES, MAX_SKELETON_BYTES,
};
use crate::names::NodeRef;
use crate::record::RecordView;
use crate::tlog::{Checkpoint, Hash, MAX_EVIDENCE_BYTES, MAX_NOTE_BYTES, MAX_PROOF_HASHES};

/// What a file with another domain is refused with.
const OTHER: &str = "does not begin with \"luxor/v1/audit-pack\"";

/// Bytes of a signed document with its signatures.
const MAX_SIGNED_BYTES: usize = MAX_DOCUMENT_BYTES + MAX_SIGNATURES * 160 + 512;
/// Hashes of a record's path in a batch of [`MAX_BATCH_RECORDS`].
const MAX_PATH: usize = 14;
/// Why a pack was refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// It is larger than [`MAX_PACK_BYTES`].
    #[error("the audit pack has {0} bytes, at most {MAX_PACK_BYTES} are allowed")]
    TooLarge(usize),
    /// The bytes are no pack.
    #[error("not an audit pack: {0}")]
    Frame(CborError),
    /// The content is not the one that the digest names.
    #[error("the audit pack is damaged: its content has the digest {found}, the file names {named}")]
    Damaged {
        /// What the file names.
        named: Digest,
        /// What the content has.
        found: Digest,
    },
    /// The content has another form.
    #[error("the audit pack's content: {0}")]
    Content(CborError),
    /// The documents do not make a network.
    #[error("the audit pack's documents: {0}")]
    Documents(#[from] DirectoryError),
    /// No card names the audited node.
    #[error("no card in the audit pack names the audited node {0}")]
    NoNode(NodeRef),
    /// The checkpoint is not one of the node's log.
    #[error("the audit pack's checkpoint: {0}")]
    Checkpoint(String),
}

/// An audit in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPack {
    /// The founding charter, as signed.
    pub charter: Vec<u8>,
    /// Cards, as signed.
    pub cards: Vec<Vec<u8>>,
    /// The mandate, the agreements that opened entries rest on, later charters and revocations, as signed.
    pub agreements: Vec<Vec<u8>>,
    /// The audited node.
    pub node: NodeRef,
    /// The node through which the pack was made. Nothing proves it.
    pub packed_by: NodeRef,
    /// The log's checkpoint (a C2SP note), with cosignatures if it has them.
    pub checkpoint: Vec<u8>,
    /// What the audit found.
    pub report: AuditReport,
    /// Every entry up to the checkpoint.
    pub entries: Vec<PackedEntry>,
    /// The sample, if one was drawn.
    pub sample: Option<PackedSample>,
    /// What was opened: the entries chosen, and those with a finding; by index.
    pub opened: Vec<OpenedEntry>,
    /// Fork evidence.
    pub forks: Vec<Vec<u8>>,
}

/// An entry of the log; the entry itself follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedEntry {
    /// Salt of the opening.
    pub salt: [u8; 16],
    /// The encoded skeleton.
    pub skeleton: Vec<u8>,
    /// The commitment to the body.
    pub body_hash: Digest,
    /// Body salt and body of what is opened, where the mandate gives them.
    pub body: Option<([u8; 16], Vec<u8>)>,
    /// The evidence of what is opened, where the mandate gives it.
    pub evidence: Option<Vec<u8>>,
}

/// A sample with what it was drawn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedSample {
    /// What the auditor asked for.
    pub plan: SamplePlan,
    /// What it was drawn from; the kind is that of the plan's method.
    pub population: Population,
}

/// What a sample is drawn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Population {
    /// The log's dispatches, by the index of their entries.
    Dispatches(Vec<u64>),
    /// The values in the log's dispatches.
    Values(Vec<DispatchValues>),
}

/// What a sample chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The entries, with the places of the records in the dispatch; none by method `random`.
    pub entries: BTreeMap<u64, BTreeSet<usize>>,
    /// What was drawn in each currency; none by method `random`.
    pub strata: Vec<Stratum>,
}

/// What is shown of an opened entry beside its opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedEntry {
    /// Its index.
    pub index: u64,
    /// The inclusion proof under the checkpoint (RFC 6962).
    pub hashes: Vec<Hash>,
    /// Records chosen by value.
    pub records: Vec<OpenedRecord>,
}

/// A record of which the value is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedRecord {
    /// Its place in the batch, from 0.
    pub place: usize,
    /// Header, the group with the value, and the digests of the other groups.
    pub view: RecordView,
    /// Its path to the batch's root, its sibling first.
    pub path: Vec<Digest>,
}

impl AuditPack {
    /// Writes the file.
    ///
    /// # Errors
    /// [`PackError::TooLarge`]; [`PackError::Content`] when it has more of something than may be read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PackError> {
        let content = self.to_cbor();
        if content.len() > MAX_PACK_BYTES - MAX_FRAME_BYTES {
            return Err(PackError::TooLarge(content.len() + MAX_FRAME_BYTES));
        }
        // What nobody can read is not written.
        Self::from_cbor(&content).map_err(PackError::Content)?;
        Ok(frame(Domain::AuditPack, &content))
    }

    /// Reads the file; nothing in it is verified but the digest of its content.
    ///
    /// # Errors
    /// [`PackError::TooLarge`], [`PackError::Frame`], [`PackError::Damaged`] or [`PackError::Content`].
    pub fn read(bytes: &[u8]) -> Result<Self, PackError> {
        if bytes.len() > MAX_PACK_BYTES {
            return Err(PackError::TooLarge(bytes.len()));
        }
        let (named, content) = unframe(Domain::AuditPack, OTHER, bytes, MAX_PACK_BYTES).map_err(PackError::Frame)?;
        let found = Digest::of(Domain::AuditPack, &[content]);
        if named != found {
            return Err(PackError::Damaged { named, found });
        }
        Self::from_cbor(content).map_err(PackError::Content)
    }

    /// The digest that the file names: what to note down, so that the file is known again.
    ///
    /// # Errors
    /// [`PackError::Frame`].
    pub fn named_digest(bytes: &[u8]) -> Result<Digest, PackError> {
        unframe(Domain::AuditPack, OTHER, bytes, MAX_PACK_BYTES).map(|(named, _)| named).map_err(PackError::Frame)
    }

    /// Verifies the pack from its documents upwards; see [`Verified`].
    ///
    /// # Errors
    /// [`PackError`] when nothing can be said of it.
    pub fn verify(&self) -> Result<Verified, PackError> {
        verify::verify(self)
    }
}

impl PackedEntry {
    /// An entry without body and evidence.
    pub fn skeleton_of(entry: &AuditEntry) -> Self {
        let AuditEntry { salt, skeleton, body_hash, .. } = entry;
        Self { salt: *salt, skeleton: skeleton.clone(), body_hash: *body_hash, body: None, evidence: None }
    }

    /// As a page of the log has it.
    pub fn to_audit_entry(&self) -> AuditEntry {
        AuditEntry {
            entry: entry_of(&self.salt, &self.skeleton, &self.body_hash),
            salt: self.salt,
            skeleton: self.skeleton.clone(),
            body_hash: self.body_hash,
            body: self.body.clone(),
            evidence: self.evidence.clone(),
        }
    }
}

impl PackedSample {
    /// Draws the sample.
    pub fn choose(&self, checkpoint: &Checkpoint) -> Choice {
        let mut entries = BTreeMap::<u64, BTreeSet<usize>>::new();
        let strata = match &self.population {
            Population::Dispatches(dispatches) => {
                let chosen = random(&self.plan, checkpoint, dispatches.len());
                entries.extend(chosen.into_iter().map(|at| (dispatches[at], BTreeSet::new())));
                Vec::new()
            }
            Population::Values(population) => {
                let units: Vec<_> = listed(population).collect();
                let amounts = units.iter().map(|(_, value)| (value.currency, value.amount));
                let strata = by_value(&self.plan, checkpoint, amounts);
                for (entry, value) in strata.iter().flat_map(|stratum| &stratum.chosen).map(|at| units[*at]) {
                    entries.entry(entry).or_default().insert(value.place);
                }
                strata
            }
        };
        Choice { entries, strata }
    }
}

impl Encode for AuditPack {
    fn encode(&self, writer: &mut Writer) {
        writer.array(11);
        writer.bytes(&self.charter);
        writer.bytes_list(&self.cards);
        writer.bytes_list(&self.agreements);
        self.node.encode(writer);
        self.packed_by.encode(writer);
        writer.bytes(&self.checkpoint);
        self.report.encode(writer);
        writer.array(self.entries.len());
        self.entries.iter().for_each(|entry| entry.encode(writer));
        match &self.sample {
            Some(sample) => sample.encode(writer),
            None => writer.null(),
        }
        writer.array(self.opened.len());
        self.opened.iter().for_each(|opened| opened.encode(writer));
        writer.bytes_list(&self.forks);
    }
}

impl Decode for AuditPack {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(11)?;
        let charter = reader.bytes(MAX_SIGNED_BYTES)?.to_vec();
        let cards = reader.list(MAX_PACK_DOCUMENTS, |r| r.bytes(MAX_SIGNED_BYTES).map(<[u8]>::to_vec))?;
        let agreements = reader.list(MAX_PACK_DOCUMENTS, |r| r.bytes(MAX_SIGNED_BYTES).map(<[u8]>::to_vec))?;
        let (node, packed_by) = (NodeRef::decode(reader)?, NodeRef::decode(reader)?);
        let checkpoint = reader.bytes(MAX_NOTE_BYTES)?.to_vec();
        let report = AuditReport::decode(reader)?;
        let entries = reader.list(MAX_PACK_ENTRIES, Decode::decode)?;
        let sample = if reader.null()? { None } else { Some(PackedSample::decode(reader)?) };
        let start = reader.position();
        let opened: Vec<OpenedEntry> = reader.list(MAX_PACK_ENTRIES, Decode::decode)?;
        if !opened.is_sorted_by(|a, b| a.index < b.index) {
            return Err(reader.refuse(start, "opened entries are not in the order of the log"));
        }
        let forks = reader.list(MAX_PACK_FORKS, |r| r.bytes(MAX_EVIDENCE_BYTES).map(<[u8]>::to_vec))?;
        reader.leave();
        Ok(Self { charter, cards, agreements, node, packed_by, checkpoint, report, entries, sample, opened, forks })
    }
}

impl Encode for PackedEntry {
    fn encode(&self, writer: &mut Writer) {
        writer.array(5);
        writer.bytes(&self.salt);
        writer.bytes(&self.skeleton);
        self.body_hash.encode(writer);
        encode_shown(writer, self.body.as_ref(), self.evidence.as_deref());
    }
}

impl Decode for PackedEntry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(5)?;
        let salt = reader.fixed()?;
        let skeleton = reader.bytes(MAX_SKELETON_BYTES)?.to_vec();
        let body_hash = Digest::decode(reader)?;
        let (body, evidence) = decode_shown(reader)?;
        reader.leave();
        Ok(Self { salt, skeleton, body_hash, body, evidence })
    }
}

impl Encode for PackedSample {
    fn encode(&self, writer: &mut Writer) {
        writer.array(2);
        self.plan.encode(writer);
        match &self.population {
            Population::Values(values) => encode_values(values, writer),
            Population::Dispatches(entries) => {
                writer.array(entries.len());
                entries.iter().for_each(|entry| writer.uint(*entry));
            }
        }
    }
}

impl Decode for PackedSample {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(2)?;
        let plan = SamplePlan::decode(reader)?;
        let population = match plan.method {
            Method::Value => Population::Values(decode_values(reader)?),
            Method::Random => {
                let (mut entries, mut last) = (Vec::new(), None);
                for _ in 0..reader.array(MAX_PACK_ENTRIES)? {
                    entries.push(reader.key(&mut last)?);
                }
                reader.leave();
                Population::Dispatches(entries)
            }
        };
        reader.leave();
        Ok(Self { plan, population })
    }
}

impl Encode for OpenedEntry {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        writer.uint(self.index);
        writer.array(self.hashes.len());
        self.hashes.iter().for_each(|hash| writer.bytes(hash));
        writer.array(self.records.len());
        for record in &self.records {
            writer.array(3);
            writer.uint(record.place as u64);
            record.view.encode(writer);
            writer.array(record.path.len());
            record.path.iter().for_each(|digest| digest.encode(writer));
        }
    }
}

impl Decode for OpenedEntry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let index = reader.uint()?;
        let mut hashes = Vec::new();
        for _ in 0..reader.array(MAX_PROOF_HASHES)? {
            hashes.push(reader.fixed()?);
        }
        reader.leave();
        let mut records = Vec::<OpenedRecord>::new();
        for _ in 0..reader.array(MAX_BATCH_RECORDS)? {
            let start = reader.position();
            reader.tuple(3)?;
            let place = reader.uint_max(MAX_BATCH_RECORDS as u64)? as usize; // at most 10,000
            if records.last().is_some_and(|last| last.place >= place) {
                return Err(reader.refuse(start, "opened records are not in the order of the batch"));
            }
            let view = RecordView::decode(reader)?;
            let path = reader.list(MAX_PATH, Decode::decode)?;
            reader.leave();
            records.push(OpenedRecord { place, view, path });
        }
        reader.leave();
        reader.leave();
        Ok(Self { index, hashes, records })
    }
}
