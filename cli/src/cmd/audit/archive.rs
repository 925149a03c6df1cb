//! `luxor audit archive`: what an archive proves, without any node. Pages and files are read one after the other, so memory
//! does not grow with the log; every file is read with a bound.
//!
//! Not here: how an archive is made ([`crate::log`]), what an entry must say ([`luxor_protocol::audit`]).

use std::path::Path;
use std::time::Instant;

use luxor_protocol::audit::{Audit, AuditReport};
use luxor_protocol::cbor::Decode as _;
use luxor_protocol::document::{Directory, Document, KnownNode};
use luxor_protocol::exchange::{AuditPage, keys_of_log, policy_of};
use luxor_protocol::hash::hex;
use luxor_protocol::limits::{MAX_ARCHIVE_DOCUMENTS_BYTES, MAX_ARCHIVE_PAGE_BYTES};
use luxor_protocol::tlog::{Checkpoint, MAX_NOTE_BYTES, MAX_POLICY_BYTES, Note, Policy};
use serde_json::json;

use super::anchors::Anchors;
use super::args::ArchiveArgs;
use super::verify_pack::in_place;
use crate::exit::{Exit, FindingError, RefusedError};
use crate::found::MAX_DOCUMENT_FILE;
use crate::log::{MANIFEST, Manifest, Report, Settled, files_hold, page_name, read_page, read_part, tell_witnesses};
use crate::ui;

/// Bytes of the file with the log's key: name, key ID and key, with room.
const MAX_KEY_BYTES: usize = 1024;

pub(super) fn run(args: &ArchiveArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = verify(args, &mut report);
    report.conclude(args.json, outcome)
}

pub(super) fn verify(args: &ArchiveArgs, report: &mut Report) -> anyhow::Result<()> {
    let begun = Instant::now();
    let anchors = Anchors::read(&args.anchors)?;
    let dir = args.dir.as_path();
    let manifest = Manifest::read(dir)?.ok_or_else(|| {
        let hint = "it is no archive, or one whose first run was broken off: run `luxor log archive` again";
        RefusedError(format!("no file {MANIFEST} in {}\nhint: {hint}", dir.display()))
    })?;
    let directory = documents(dir, &manifest)?;
    let unknown = || FindingError(format!("no card in the archive names the node {}", manifest.node));
    let node = directory.node(&manifest.node).ok_or_else(unknown)?;
    let opened = Signed::open(dir, &manifest, node)?;
    let policy = archived_policy(dir, &manifest, &directory, node)?;
    anchors.compare(report, "archive", &directory.network().hex(), &directory.charter().name, &opened.key);
    told_alike(&manifest, &directory, &opened, report);
    report.fact("node", manifest.node.as_str());
    let named = manifest.documents().count();
    report.told("documents", named, format!("{named}, with the signatures of all who must sign"));
    let (size, root) = (opened.checkpoint.size, hex(&opened.checkpoint.root));
    let words = format!("{} entries, root {root}, signed by the log {}", ui::count(size), opened.checkpoint.origin);
    report.told("checkpoint", json!({ "origin": opened.checkpoint.origin, "size": size, "root": root }), words);
    files_hold(dir, &opened.checkpoint, report)?;
    let audit = pages(dir, &manifest, &directory, node, &opened, report)?;
    tell_audit(report, &manifest, &audit);
    tell_witnesses(report, &opened.note, Some(anchors.policy.as_ref().unwrap_or(&policy)));
    let absent: Vec<_> = directory.without_card().into_iter().map(ToString::to_string).collect();
    if anchors.policy.is_none() && !absent.is_empty() {
        // Whoever leaves out a card asks for fewer cosignatures.
        let who = absent.join(", ");
        report.finding(format!(
            "no card of {who} is in the archive, so nobody asked for their cosignatures; hint: give the log's policy with --policy"
        ));
    }
    report.told("seconds", ui::seconds(begun.elapsed()), ui::duration(begun.elapsed()));
    if report.ok() {
        let words = "everything holds: documents, checkpoint with its quorum, every entry and tile, every opening";
        let more = match audit.without_evidence {
            0 => String::new(),
            count => format!(
                "; {} of its entries stand without their evidence, and what that would show is not checked",
                ui::count(count)
            ),
        };
        report.told("verdict", "everything holds", format!("{words}{more}"));
    }
    Ok(())
}

/// The checkpoint, signed by the log on the node's card.
struct Signed {
    bytes: Vec<u8>,
    note: Note,
    checkpoint: Checkpoint,
    /// The verifier key on the card.
    key: String,
}

impl Signed {
    fn open(dir: &Path, manifest: &Manifest, node: &KnownNode) -> anyhow::Result<Self> {
        let wrong = |error: &dyn std::fmt::Display| FindingError(format!("checkpoint: {error}"));
        let bytes = manifest.file(dir, "checkpoint", MAX_NOTE_BYTES)?;
        let note = Note::parse(&bytes).map_err(|error| wrong(&error))?;
        let keys = keys_of_log(node, &node.card.origin);
        let checkpoint = Checkpoint::open_any(&bytes, &keys).map_err(|error| wrong(&error))?;
        let name = manifest.key_name();
        let text = manifest.file(dir, &name, MAX_KEY_BYTES)?;
        let key = keys.iter().find(|key| text == format!("{key}\n").as_bytes());
        let Some(key) = key else {
            return Err(FindingError(format!("{name} is not the log's key on the card of {}", node.node)).into());
        };
        Ok(Self { bytes, note, checkpoint, key: key.to_string() })
    }
}

/// The network that the archive's documents make.
fn documents(dir: &Path, manifest: &Manifest) -> anyhow::Result<Directory> {
    let mut documents = Vec::new();
    let mut left = MAX_ARCHIVE_DOCUMENTS_BYTES;
    for name in manifest.documents() {
        let bytes = manifest.file(dir, name, MAX_DOCUMENT_FILE.min(left))?;
        left -= bytes.len();
        let document = Document::from_cbor(&bytes).map_err(|error| FindingError(format!("{name}: {error}")))?;
        documents.push(document);
    }
    Ok(Directory::gathered(documents).map_err(|error| FindingError(format!("the documents: {error}")))?)
}

/// The policy in the archive, which must be the one that the documents give.
fn archived_policy(dir: &Path, manifest: &Manifest, directory: &Directory, node: &KnownNode) -> anyhow::Result<Policy> {
    let bytes = manifest.file(dir, "policy", MAX_POLICY_BYTES)?;
    let policy = policy_of(directory, node).map_err(|error| FindingError(format!("policy: {error}")))?;
    match bytes == policy.text().as_bytes() {
        true => Ok(policy),
        false => Err(FindingError("policy is not the one that the documents give for this log".to_owned()).into()),
    }
}

/// Whether the list says of log and network what checkpoint and documents prove.
fn told_alike(manifest: &Manifest, directory: &Directory, opened: &Signed, report: &mut Report) {
    let (network, root) = (directory.network().hex(), hex(&opened.checkpoint.root));
    for (what, told, proven) in [
        ("network", &manifest.network, &network),
        ("origin", &manifest.origin, &opened.checkpoint.origin),
        ("key", &manifest.vkey, &opened.key),
        ("root", &manifest.root, &root),
    ] {
        if told != proven {
            report.finding(format!("{MANIFEST} says another {what} than checkpoint and documents"));
        }
    }
    if manifest.size != opened.checkpoint.size {
        report.finding(format!("{MANIFEST} says {} entries, the checkpoint {}", manifest.size, opened.checkpoint.size));
    }
}

/// Audits the pages, which must have the entries of the checkpoint and no others.
fn pages(
    dir: &Path,
    manifest: &Manifest,
    directory: &Directory,
    node: &KnownNode,
    opened: &Signed,
    report: &mut Report,
) -> anyhow::Result<AuditReport> {
    let first = AuditPage { checkpoint: opened.bytes.clone(), entries: Vec::new(), checkpoints: Vec::new() };
    let mut audit = Audit::begin(directory, node, &first).map_err(|error| FindingError(error.to_string()))?;
    let (mut read, mut progress) = (Settled::default(), ui::Progress::new());
    for page in 0..manifest.pages {
        progress.show(|| format!("openings of {} of {} entries", ui::count(read.entries), ui::count(manifest.size)));
        let rest = manifest.size.saturating_sub(read.entries);
        let is_last = page + 1 == manifest.pages;
        if is_last && read != manifest.settled {
            report.finding(format!("the {page} pages before the last are not those that {MANIFEST} tells of"));
        }
        let name = page_name(page, is_last.then_some(rest));
        let bytes = read_part(dir, &name, MAX_ARCHIVE_PAGE_BYTES)?;
        let found = read_page(&bytes).map_err(|error| FindingError(format!("{name}: {error}")))?;
        let brought = audit.page(&found);
        read.push(&bytes, found.entries.len());
        if brought != found.entries.len() as u64 {
            report.finding(format!("{name} has entries that the checkpoint does not cover"));
            break;
        }
    }
    progress.clear();
    if manifest.pages == 0 && read != manifest.settled {
        report.finding(format!("{MANIFEST} tells of pages that it does not count"));
    }
    if read.hash != manifest.pages_hash {
        report.finding(format!("the pages are not those that were archived: {MANIFEST} has another hash of them"));
    }
    Ok(audit.finish())
}

fn tell_audit(report: &mut Report, manifest: &Manifest, audit: &AuditReport) {
    let words = format!(
        "{} of {} entries opened from {}: {} bodies, {} dispatch signatures, {} receipts, {} withdrawals, {} signed checkpoints \
         verified; {} bodies withheld or erased, {} sent without receipt",
        ui::count(audit.skeletons),
        ui::count(manifest.size),
        super::super::some(manifest.pages, "page"),
        ui::count(audit.bodies),
        ui::count(audit.dispatch_signatures),
        ui::count(audit.receipts),
        ui::count(audit.withdrawals),
        ui::count(audit.checkpoints),
        ui::count(audit.withheld),
        ui::count(audit.without_receipt),
    );
    report.told("audit", json!(audit), words);
    for finding in &audit.findings {
        report.finding(in_place(finding));
    }
    for _ in audit.findings.len() as u64..audit.findings_count {
        report.finding("and more of this kind");
    }
}
