//! `luxor audit pack`: an audit in one file.

use std::collections::BTreeSet;

use luxor_protocol::audit::pack::{AuditPack, OpenedEntry, PackedSample};
use luxor_protocol::cbor::{Decode as _, Encode as _};
use luxor_protocol::document::{Agreement, Document, DocumentKind};
use luxor_protocol::exchange::Skeleton;
use luxor_protocol::hash::Digest;
use luxor_protocol::limits::MAX_PACK_FORKS;
use luxor_protocol::record::OPENING;
use luxor_protocol::tlog::{ForkEvidence, MAX_EVIDENCE_BYTES};
use serde::Serialize;

use super::args::PackArgs;
use super::sample::{NodeSource, Read, build_failed, draw, read};
use crate::client::{Client, SignedDocuments};
use crate::exit::{Exit, RefusedError};
use crate::{files, ui};

#[derive(Serialize)]
struct Packed {
    file: String,
    bytes: usize,
    /// Of the content; the file names it.
    digest: String,
    network: String,
    node: String,
    entries: u64,
    opened: Vec<u64>,
    records: usize,
    findings_count: u64,
}

pub(super) fn run(args: &PackArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.log.node.node)?;
    let (directory, documents) = client.signed_documents()?;
    let mut read = read(&client, &directory, &args.log, args.method)?;
    let forks = args.evidence.iter().map(|file| evidence(file)).collect::<anyhow::Result<Vec<_>>>()?;
    if forks.len() > MAX_PACK_FORKS {
        return Err(RefusedError(format!("more than {MAX_PACK_FORKS} files of evidence")).into());
    }
    let (mut sample, mut opened) = (None, Vec::new());
    // Of a log that does not lead to its checkpoint nothing can be proven; the findings say so.
    match read.copy.is_whole() {
        true => {
            sample = args.plan().map(|plan| draw(&read, plan, &client)).transpose()?;
            let source = NodeSource { client: &client, node: &read.node };
            opened = read.copy.open(sample.as_ref(), &source).map_err(build_failed)?;
        }
        false => ui::say("the log does not lead to its checkpoint, so nothing is drawn from it or opened"),
    }
    let pack = pack(read, documents, sample, opened, forks);
    let bytes = pack.to_bytes().map_err(|error| RefusedError(error.to_string()))?;
    files::write(&args.to, &bytes)?;
    let packed = Packed {
        file: args.to.display().to_string(),
        bytes: bytes.len(),
        digest: AuditPack::named_digest(&bytes).map_err(|error| RefusedError(error.to_string()))?.hex(),
        network: directory.network().hex(),
        node: pack.node.to_string(),
        entries: pack.entries.len() as u64,
        opened: pack.opened.iter().map(|opened| opened.index).collect(),
        records: pack.opened.iter().map(|opened| opened.records.len()).sum(),
        findings_count: pack.report.findings_count,
    };
    match args.log.node.json {
        true => ui::json(&packed)?,
        false => print(&packed)?,
    }
    Ok(if pack.report.ok() { Exit::Ok } else { Exit::Findings })
}

fn pack(
    read: Read,
    documents: SignedDocuments,
    sample: Option<PackedSample>,
    opened: Vec<OpenedEntry>,
    forks: Vec<Vec<u8>>,
) -> AuditPack {
    let agreements = agreements(&read, &documents, &opened);
    AuditPack {
        charter: documents.charter.to_cbor(),
        cards: documents.cards.iter().map(Document::to_cbor).collect(),
        agreements,
        node: read.node,
        packed_by: read.own,
        checkpoint: read.note,
        report: read.copy.report,
        entries: read.copy.entries,
        sample,
        opened,
        forks,
    }
}

/// The agreements that what is opened rests on, and the mandates between the audited member and the pack's maker; others are
/// nobody's business.
fn agreements(read: &Read, documents: &SignedDocuments, opened: &[OpenedEntry]) -> Vec<Vec<u8>> {
    let skeleton = |opened: &OpenedEntry| {
        let entry = usize::try_from(opened.index).ok().and_then(|at| read.copy.entries.get(at))?;
        Skeleton::from_cbor(&entry.skeleton).ok()
    };
    let named: BTreeSet<Digest> = opened.iter().filter_map(skeleton).map(|skeleton| skeleton.agreement).collect();
    let parties = [read.node.member(), read.own.member()];
    let mandate = |document: &Document| {
        read.node != read.own
            && Agreement::open(document).is_ok_and(|agreement| {
                let of_openings = agreement.flows.iter().any(|flow| flow.type_name == OPENING.name);
                of_openings && parties.iter().all(|party| agreement.parties.contains(party))
            })
    };
    let all = &documents.agreements;
    let ids: BTreeSet<_> =
        all.iter().filter(|d| named.contains(&d.digest()) || mandate(d)).map(|document| &document.id).collect();
    // A version proves nothing without those before it, a key nothing without its revocation.
    let everybodys = |d: &&Document| matches!(d.kind, DocumentKind::Charter | DocumentKind::Revocation);
    let wanted = all.iter().filter(|document| ids.contains(&document.id));
    wanted.chain(documents.others.iter().filter(everybodys)).map(Document::to_cbor).collect()
}

/// Reads evidence, which must prove something.
fn evidence(file: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let bytes = files::read(file, MAX_EVIDENCE_BYTES)?;
    let proven = ForkEvidence::parse(&bytes).and_then(|evidence| evidence.verify());
    proven.map_err(|error| RefusedError(format!("{}: {error}", file.display())))?;
    Ok(bytes)
}

fn print(packed: &Packed) -> anyhow::Result<()> {
    let mut table = ui::Table::plain();
    table.row(["pack", &format!("{}, {} bytes", packed.file, ui::count(packed.bytes as u64))]);
    table.row(["digest", &packed.digest]);
    table.row(["network", &packed.network]);
    table.row(["log", &format!("{}, {} entries", packed.node, ui::count(packed.entries))]);
    let records = super::super::some(packed.records as u64, "record");
    let opened = packed.opened.len();
    table.row(["opened", &format!("{opened} of the entries, the value of {records}")]);
    table.row(["findings", &ui::count(packed.findings_count)]);
    table.print()?;
    ui::say(
        "verify it anywhere: luxor audit verify-pack FILE --charter NETWORK, with the network's digest from elsewhere",
    );
    Ok(())
}
