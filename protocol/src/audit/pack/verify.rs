//! What holds of a pack: documents, checkpoint, tree, openings, proofs, sample, evidence of forks.
//!
//! Nothing is taken from the pack's own words but the report, which is compared with what the pack shows. Whose network it is,
//! the pack cannot say: its charter's digest and the log's key must be known from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::values::{Dispatch, check_record, check_values, dispatch_of};
use super::{AuditPack, Choice, PackError, PackedSample, Population};
use crate::audit::population::{Values, is_dispatch};
use crate::audit::sample::{SamplePlan, Stratum};
use crate::audit::{Audit, AuditReport, Finding, MAX_FINDINGS};
use crate::cbor::Decode;
use crate::document::{Directory, Document, DocumentError, KnownNode};
use crate::exchange::{AuditPage, Skeleton, keys_of_log, log_key, log_keys, policy_of};
use crate::hash::hex;
use crate::names::Currency;
use crate::tlog::{Checkpoint, ForkEvidence, Note, leaf_hash, verify_inclusion};

/// What was verified of a pack, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Digest of the founding charter in it: to be compared.
    pub network: String,
    /// What the charter calls the network.
    pub network_name: String,
    /// Documents whose signatures hold.
    pub documents: usize,
    /// The audited node.
    pub node: String,
    /// Through which node the pack says it was made; unproven.
    pub packed_by: String,
    /// The verifier key of the log (C2SP vkey), from the node's card: to be compared.
    pub log_key: String,
    /// Entries that the checkpoint covers.
    pub entries: u64,
    /// The checkpoint's root, hexadecimal.
    pub root: String,
    /// Which witnesses on the cards cosigned the checkpoint.
    pub cosigned: Cosigned,
    /// Members of the charter without a card in the pack: whoever left them out asked for fewer cosignatures.
    pub without_card: Vec<String>,
    /// What the maker of the pack reports.
    pub report: AuditReport,
    /// What an audit of what the pack shows comes to.
    pub shown: AuditReport,
    /// The sample.
    pub sample: Option<SampleVerdict>,
    /// Entries opened, each with a proof that it is in the log.
    pub opened: Vec<u64>,
    /// Of these, without body: withheld or erased.
    pub without_body: u64,
    /// Of these, without evidence.
    pub without_evidence: u64,
    /// Records whose value was verified down to the signed batch.
    pub records: Vec<ProvenRecord>,
    /// Logs proven to have signed two histories.
    pub forks: Vec<String>,
    /// How many things do not hold.
    pub findings_count: u64,
    /// The first of them.
    pub findings: Vec<Finding>,
}

/// A record whose value is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvenRecord {
    /// The entry of its dispatch.
    pub entry: u64,
    /// Its place in the batch, from 0.
    pub place: usize,
    /// Its root, hexadecimal: the record's identity.
    pub root: String,
    /// Its value, by currency.
    pub values: Vec<ProvenValue>,
}

/// The value of a record in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvenValue {
    /// The currency; absent where the goods items name none.
    pub currency: Option<Currency>,
    /// The amount, as a decimal with two places.
    pub amount: String,
}

/// Cosignatures of a checkpoint by the members' nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cosigned {
    /// Names of the witnesses.
    pub witnesses: Vec<String>,
    /// Whether they are as many as the members' default asks for.
    pub quorum: bool,
    /// The quorum's time in seconds since 1970.
    pub time: Option<u64>,
}

/// What was verified of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SampleVerdict {
    /// What was asked for.
    pub plan: SamplePlan,
    /// Dispatches in the log: all of them are in the population.
    pub dispatches: u64,
    /// By value: dispatches whose batch is that of an earlier one.
    pub repeats: u64,
    /// By value: dispatches whose records are not in the population, with a reason that the log shows.
    pub excluded: u64,
    /// By value: records in the dispatches that are.
    pub records: u64,
    /// By value: values listed, one for each record and currency. Those that were not chosen are the audited node's word.
    pub values: u64,
    /// By value: what was drawn in each currency.
    pub strata: Vec<Stratum>,
    /// Entries chosen.
    pub chosen: Vec<u64>,
    /// By value: records chosen.
    pub chosen_records: u64,
}

impl Verified {
    /// Whether everything holds, and the audit in the pack found nothing.
    pub fn ok(&self) -> bool {
        self.findings_count == 0 && self.report.ok() && self.forks.is_empty()
    }

    pub(super) fn finding(&mut self, entry: Option<u64>, what: impl Into<String>) {
        self.findings_count += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { entry, what: what.into() });
        }
    }
}

pub(super) fn verify(pack: &AuditPack) -> Result<Verified, PackError> {
    let directory = directory(pack)?;
    let node = directory.node(&pack.node).ok_or_else(|| PackError::NoNode(pack.node.clone()))?;
    let key = log_key(node).map_err(|error| PackError::Checkpoint(error.to_string()))?;
    let opened = Checkpoint::open_any(&pack.checkpoint, &keys_of_log(node, &node.card.origin));
    let checkpoint = opened.map_err(|error| PackError::Checkpoint(error.to_string()))?;
    let mut verified = Verified {
        network: directory.network().hex(),
        network_name: directory.charter().name.clone(),
        documents: 1 + pack.cards.len() + pack.agreements.len(),
        node: pack.node.to_string(),
        packed_by: pack.packed_by.to_string(),
        log_key: key.to_string(),
        entries: checkpoint.size,
        root: hex(&checkpoint.root),
        cosigned: Cosigned::default(),
        without_card: directory.without_card().into_iter().map(ToString::to_string).collect(),
        report: pack.report.clone(),
        shown: AuditReport::default(),
        sample: None,
        opened: pack.opened.iter().map(|opened| opened.index).collect(),
        without_body: 0,
        without_evidence: 0,
        records: Vec::new(),
        forks: Vec::new(),
        findings_count: 0,
        findings: Vec::new(),
    };
    cosigned(pack, &directory, node, &mut verified);
    audit_again(pack, &directory, node, &mut verified)?;
    openings(pack, &checkpoint, &mut verified);
    let dispatches = dispatches(pack, &mut verified);
    let choice = pack.sample.as_ref().map(|sample| {
        let choice = sample.choose(&checkpoint);
        verified.sample = Some(population(sample, &choice, &dispatches, &mut verified));
        choice
    });
    chosen_is_opened(pack, choice.as_ref(), &mut verified);
    records(pack, &directory, choice.as_ref(), &dispatches, &mut verified);
    forks(pack, &directory, &mut verified);
    Ok(verified)
}

fn directory(pack: &AuditPack) -> Result<Directory, PackError> {
    let read = |bytes: &Vec<u8>| -> Result<Document, PackError> {
        Document::from_cbor(bytes).map_err(|error| PackError::Documents(DocumentError::Decode(error).into()))
    };
    let all = |documents: &[Vec<u8>]| documents.iter().map(read).collect::<Result<Vec<_>, _>>();
    let documents = [vec![read(&pack.charter)?], all(&pack.cards)?, all(&pack.agreements)?].concat();
    Ok(Directory::gathered(documents)?)
}

/// Which of the members' nodes cosigned. A wrong cosignature of one of them is a finding, none is not.
fn cosigned(pack: &AuditPack, directory: &Directory, node: &KnownNode, verified: &mut Verified) {
    let (Ok(policy), Ok(note)) = (policy_of(directory, node), Note::parse(&pack.checkpoint)) else { return };
    match policy.satisfied_by(&note) {
        Ok(satisfied) => {
            let witnesses = satisfied.witnesses.iter().map(|(witness, _)| witness.key.name().to_owned());
            let (witnesses, quorum) = (witnesses.collect(), satisfied.quorum && satisfied.time.is_some());
            verified.cosigned = Cosigned { witnesses, quorum, time: satisfied.time };
        }
        Err(error) => verified.finding(None, format!("the checkpoint's cosignatures: {error}")),
    }
}

/// The audit of what the pack shows: the tree, every skeleton, what is opened.
fn audit_again(
    pack: &AuditPack,
    directory: &Directory,
    node: &KnownNode,
    verified: &mut Verified,
) -> Result<(), PackError> {
    let entries = pack.entries.iter().map(super::PackedEntry::to_audit_entry).collect();
    let page = AuditPage { checkpoint: pack.checkpoint.clone(), entries, checkpoints: Vec::new() };
    let audit = Audit::begin(directory, node, &page);
    let mut audit = audit.map_err(|error| PackError::Checkpoint(error.to_string()))?.of_chosen();
    audit.page(&page);
    let shown = audit.finish();
    if pack.entries.len() as u64 > verified.entries {
        verified.finding(None, format!("{} entries under a checkpoint of {}", pack.entries.len(), verified.entries));
    }
    for finding in &shown.findings {
        // What the report tells is not found twice.
        if !pack.report.findings.contains(finding) {
            verified.finding(finding.entry, finding.what.clone());
        }
    }
    let told = &pack.report;
    for (what, differs) in [
        ("node", told.node != shown.node || told.epoch != shown.epoch),
        ("tree", told.entries != shown.entries || told.root != shown.root),
        ("number of skeletons", told.skeletons != shown.skeletons),
        ("number of dispatches without receipt", told.without_receipt != shown.without_receipt),
        ("number of bodies", told.bodies < shown.bodies || told.bodies.saturating_add(told.withheld) > told.skeletons),
        ("channels", !same_channels(told, &shown)),
    ] {
        if differs {
            verified.finding(None, format!("the report tells of another {what} than the pack shows"));
        }
    }
    verified.shown = shown;
    Ok(())
}

fn same_channels(told: &AuditReport, shown: &AuditReport) -> bool {
    told.channels.len() == shown.channels.len()
        && told.channels.iter().zip(&shown.channels).all(|(told, shown)| {
            let name = |c: &crate::audit::ChannelSummary| (c.sender.clone(), c.recipient.clone(), c.epoch, c.lane);
            // Without every body the roots are not known here.
            let roots = told.root == shown.root || told.root.is_empty() || shown.root.is_empty();
            name(told) == name(shown) && told.count == shown.count && roots
        })
}

/// Each opened entry has its own proof, so that it can be taken out of the pack; nothing else is open.
fn openings(pack: &AuditPack, checkpoint: &Checkpoint, verified: &mut Verified) {
    let by_value = matches!(pack.sample, Some(PackedSample { population: Population::Values(_), .. }));
    let indexes: BTreeSet<u64> = pack.opened.iter().map(|opened| opened.index).collect();
    for (index, entry) in (0..).zip(&pack.entries) {
        let dispatch = by_value && Skeleton::from_cbor(&entry.skeleton).is_ok_and(|skeleton| is_dispatch(&skeleton));
        if (entry.body.is_some() || entry.evidence.is_some()) && !dispatch && !indexes.contains(&index) {
            verified.finding(Some(index), "its body or evidence is in the pack, but it is not opened");
        }
    }
    for opened in &pack.opened {
        let at = usize::try_from(opened.index).ok();
        let Some(entry) = at.and_then(|at| pack.entries.get(at)) else {
            verified.finding(Some(opened.index), "opened, but beyond the entries of the pack");
            continue;
        };
        let leaf = leaf_hash(&entry.to_audit_entry().entry);
        let (size, root) = (checkpoint.size, &checkpoint.root);
        if let Err(error) = verify_inclusion(&leaf, opened.index, size, &opened.hashes, root) {
            verified.finding(Some(opened.index), error.to_string());
        }
        verified.without_body += u64::from(entry.body.is_none());
        verified.without_evidence += u64::from(entry.evidence.is_none());
    }
}

/// Every dispatch of the log, with what the pack shows of it.
fn dispatches(pack: &AuditPack, verified: &mut Verified) -> BTreeMap<u64, Option<Dispatch>> {
    let mut dispatches = BTreeMap::new();
    let wanted: BTreeSet<u64> = match &pack.sample {
        Some(PackedSample { population: Population::Values(_), .. }) => (0..pack.entries.len() as u64).collect(),
        _ => BTreeSet::new(),
    };
    for (index, entry) in (0..).zip(&pack.entries) {
        let Ok(skeleton) = Skeleton::from_cbor(&entry.skeleton) else { continue };
        if !is_dispatch(&skeleton) {
            continue;
        }
        let shown = wanted.contains(&index).then(|| dispatch_of(entry, &skeleton)).transpose();
        dispatches.insert(
            index,
            shown.unwrap_or_else(|what| {
                verified.finding(Some(index), what);
                None
            }),
        );
    }
    dispatches
}

/// Whether the population is what the log has.
fn population(
    sample: &PackedSample,
    choice: &Choice,
    dispatches: &BTreeMap<u64, Option<Dispatch>>,
    verified: &mut Verified,
) -> SampleVerdict {
    let mut verdict = SampleVerdict {
        plan: sample.plan,
        dispatches: dispatches.len() as u64,
        repeats: 0,
        excluded: 0,
        records: 0,
        values: 0,
        strata: choice.strata.clone(),
        chosen: choice.entries.keys().copied().collect(),
        chosen_records: choice.entries.values().map(|places| places.len() as u64).sum(),
    };
    let listed: Vec<u64> = match &sample.population {
        Population::Dispatches(entries) => entries.clone(),
        Population::Values(values) => values.iter().map(|dispatch| dispatch.entry).collect(),
    };
    if !listed.iter().eq(dispatches.keys()) {
        let (all, listed): (BTreeSet<u64>, BTreeSet<u64>) =
            (dispatches.keys().copied().collect(), listed.into_iter().collect());
        for (entries, what) in [
            (all.difference(&listed), "a dispatch of the log that is not in the population"),
            (listed.difference(&all), "in the population, but no dispatch of the log"),
        ] {
            entries.for_each(|entry| verified.finding(Some(*entry), what));
        }
    }
    let Population::Values(values) = &sample.population else { return verdict };
    for dispatch in values {
        if let Err(what) = check_values(dispatch, dispatches) {
            verified.finding(Some(dispatch.entry), what);
        }
        match &dispatch.values {
            Values::Listed(values) => {
                verdict.records += dispatch.records as u64;
                verdict.values += values.len() as u64;
            }
            Values::Repeats(_) => verdict.repeats += 1,
            Values::Unknown => verdict.excluded += 1,
        }
    }
    verdict
}

/// What was chosen is opened, and what is opened was chosen or has a finding.
fn chosen_is_opened(pack: &AuditPack, choice: Option<&Choice>, verified: &mut Verified) {
    let opened: BTreeMap<u64, BTreeSet<usize>> =
        pack.opened.iter().map(|o| (o.index, o.records.iter().map(|r| r.place).collect())).collect();
    let none = BTreeMap::new();
    let chosen = choice.map_or(&none, |choice| &choice.entries);
    for (entry, places) in chosen {
        match opened.get(entry) {
            None => verified.finding(Some(*entry), "chosen by the sample, but not opened"),
            Some(opened) if opened != places => {
                verified.finding(Some(*entry), "other records are opened than the sample chose");
            }
            Some(_) => {}
        }
    }
    let found: BTreeSet<u64> = pack.report.findings.iter().filter_map(|finding| finding.entry).collect();
    for (entry, records) in &opened {
        if !chosen.contains_key(entry) && (!found.contains(entry) || !records.is_empty()) {
            verified.finding(Some(*entry), "opened, but neither chosen by the sample nor named by a finding");
        }
    }
}

/// The value of each opened record, down to the batch that its issuer signed.
fn records(
    pack: &AuditPack,
    directory: &Directory,
    choice: Option<&Choice>,
    dispatches: &BTreeMap<u64, Option<Dispatch>>,
    verified: &mut Verified,
) {
    let Some(PackedSample { population: Population::Values(population), .. }) = &pack.sample else { return };
    let chosen = |entry| choice.is_some_and(|choice| choice.entries.contains_key(&entry));
    for opened in pack.opened.iter().filter(|opened| chosen(opened.index)) {
        let listed = population.binary_search_by_key(&opened.index, |dispatch| dispatch.entry);
        let (Ok(at), Some(Some(dispatch))) = (listed, dispatches.get(&opened.index)) else { continue };
        for record in &opened.records {
            match check_record(directory, dispatch, &population[at], record) {
                Ok(proven) => verified.records.push(proven),
                Err(what) => verified.finding(Some(opened.index), format!("record {}: {what}", record.place)),
            }
        }
    }
}

fn forks(pack: &AuditPack, directory: &Directory, verified: &mut Verified) {
    for (at, bytes) in pack.forks.iter().enumerate() {
        let proven = ForkEvidence::parse(bytes).and_then(|evidence| Ok((evidence.verify()?, evidence.log_key)));
        match proven {
            Err(error) => verified.finding(None, format!("fork evidence {}: {error}", at + 1)),
            Ok((fork, key)) => match log_keys(directory, &fork.origin).contains(&key) {
                true => verified.forks.push(fork.to_string()),
                false => verified.finding(None, format!("fork evidence {}: no card has this log's key", at + 1)),
            },
        }
    }
}
