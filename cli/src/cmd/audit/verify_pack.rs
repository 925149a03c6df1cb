//! `luxor audit verify-pack`: what a pack proves, without any node.

use std::path::Path;

use luxor_protocol::audit::pack::{AuditPack, PackError, ProvenRecord, ProvenValue, SampleVerdict, Verified};
use luxor_protocol::audit::sample::Method;
use luxor_protocol::limits::MAX_PACK_BYTES;
use luxor_protocol::time::Millis;
use luxor_protocol::tlog::{MAX_NOTE_BYTES, Note, TlogProof};

use super::anchors::Anchors;
use super::args::VerifyPackArgs;
use super::sample::{dispatches, stratum_words};
use crate::client::Web;
use crate::exit::{Exit, FindingError, RefusedError};
use crate::files::FileError;
use crate::log::{Report, tell_witnesses};
use crate::{files, ui};

/// Entries named in a line.
const MAX_NAMED: usize = 20;

pub(super) fn run(args: &VerifyPackArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = verify(args, &mut report);
    report.conclude(args.json, outcome)
}

pub(super) fn verify(args: &VerifyPackArgs, report: &mut Report) -> anyhow::Result<()> {
    let anchors = Anchors::read(&args.anchors)?;
    let bytes = read(&args.file)?;
    let refused = |error: PackError| {
        FindingError(format!("{}: {error}; hint: it is damaged, or made by another version", args.file))
    };
    let pack = AuditPack::read(&bytes).map_err(refused)?;
    let verified = pack.verify().map_err(refused)?;
    report.fact("digest", AuditPack::named_digest(&bytes).map_err(refused)?.hex());
    anchors.compare(report, "pack", &verified.network, &verified.network_name, &verified.log_key);
    tell_log(report, &verified);
    match &anchors.policy {
        Some(policy) => {
            let note = Note::parse(&pack.checkpoint).map_err(|error| FindingError(error.to_string()))?;
            tell_witnesses(report, &note, Some(policy));
        }
        None => tell_cosigned(report, &verified),
    }
    tell_opened(report, &verified);
    for finding in &verified.findings {
        report.finding(in_place(finding));
    }
    for finding in &verified.report.findings {
        report.finding(format!("the audit in the pack found at {}", in_place(finding)));
    }
    if verified.report.findings_count > verified.report.findings.len() as u64 {
        report.finding("the audit in the pack found more than it lists");
    }
    if anchors.policy.is_none() && !verified.without_card.is_empty() {
        let who = verified.without_card.join(", ");
        report.finding(format!(
            "no card of {who} is in the pack, so nobody asked for their cosignatures; hint: give the log's policy with --policy"
        ));
    }
    compare_plan(args, &pack, report)?;
    for fork in &verified.forks {
        report.finding(format!("fork evidence: {fork}"));
    }
    if let Some(folder) = &args.proofs {
        write_proofs(folder, &pack, report)?;
    }
    if verified.ok() && report.ok() {
        report.told("verdict", "everything holds", "everything holds");
    }
    Ok(())
}

/// Whether the pack is of the checkpoint and the sample that were asked for. What is not given is not compared, and that is said.
fn compare_plan(args: &VerifyPackArgs, pack: &AuditPack, report: &mut Report) -> anyhow::Result<()> {
    let plan = pack.sample.as_ref().map(|sample| &sample.plan);
    if let Some(file) = &args.checkpoint {
        let text =
            |note: &[u8]| Note::parse(note).map(|note| note.text).map_err(|error| RefusedError(error.to_string()));
        if text(&files::read(file, MAX_NOTE_BYTES)?)? != text(&pack.checkpoint)? {
            report.finding("the pack is of another checkpoint than the one given");
        }
    }
    let asked = [
        ("method", args.method.map(|method| method.to_string()), plan.map(|plan| plan.method.to_string())),
        ("seed", args.seed.map(|seed| seed.to_string()), plan.map(|plan| plan.seed.to_string())),
        ("count", args.count.map(|count| count.to_string()), plan.map(|plan| plan.count.to_string())),
    ];
    for (what, given, found) in &asked {
        if given.is_some() && given != found {
            let (given, found) = (given.as_deref().unwrap_or_default(), found.as_deref().unwrap_or("none"));
            report.finding(format!("the sample's {what} is {found}, {given} was asked for"));
        }
    }
    let compared = args.checkpoint.is_some() && (plan.is_none() || asked.iter().all(|(_, given, _)| given.is_some()));
    let words = if compared {
        "as given"
    } else {
        "NOT COMPARED with what was asked for (--checkpoint, --method, --seed, --count)"
    };
    report.told("asked_for", compared, words);
    Ok(())
}

/// The pack's bytes, from a file or the web.
fn read(place: &str) -> anyhow::Result<Vec<u8>> {
    if !place.starts_with("http://") && !place.starts_with("https://") {
        return Ok(files::read(Path::new(place), MAX_PACK_BYTES)?);
    }
    let (base, name) = place.rsplit_once('/').unwrap_or((place, ""));
    let bytes = Web::new(base)?.file(name, MAX_PACK_BYTES)?;
    Ok(bytes.ok_or_else(|| RefusedError(format!("nothing is at {place}")))?)
}

/// Each opened entry as a file, with its proof as another (C2SP tlog-proof), for programs of others.
fn write_proofs(folder: &Path, pack: &AuditPack, report: &mut Report) -> anyhow::Result<()> {
    if !report.ok() {
        ui::say("no proofs are written of a pack with findings");
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(FileError::at(folder))?;
    for opened in &pack.opened {
        let at = usize::try_from(opened.index).ok();
        let Some(entry) = at.and_then(|at| pack.entries.get(at)) else { continue };
        let (index, hashes, checkpoint) = (opened.index, opened.hashes.clone(), pack.checkpoint.clone());
        let proof = TlogProof { extra: None, index, hashes, checkpoint };
        files::write(&folder.join(format!("{index}.entry")), &entry.to_audit_entry().entry)?;
        files::write(&folder.join(format!("{index}.tlog-proof")), &proof.to_bytes())?;
    }
    report.fact("proofs", folder.display().to_string());
    Ok(())
}

fn tell_log(report: &mut Report, verified: &Verified) {
    report.fact("node", verified.node.as_str());
    let by = format!("{}, as the pack says; nobody signed that", verified.packed_by);
    report.told("packed_by", verified.packed_by.as_str(), by);
    let documents = format!("{}, with the signatures of all who must sign", verified.documents);
    report.told("documents", verified.documents, documents);
    let checkpoint = serde_json::json!({ "size": verified.entries, "root": verified.root });
    let words = format!("{} entries, root {}, signed by the log", ui::count(verified.entries), verified.root);
    report.told("checkpoint", checkpoint, words);
    let (told, shown) = (&verified.report, &verified.shown);
    let words = format!(
        "{}; on the word of who made the pack: {} bodies, {} dispatch signatures and {} receipts verified",
        super::super::some(told.findings_count, "finding"),
        ui::count(told.bodies),
        ui::count(told.dispatch_signatures),
        ui::count(told.receipts)
    );
    report.told("report", serde_json::json!(told), words);
    let words = match verified.findings_count {
        0 => format!(
            "every entry opens to its skeleton, and all lead to the checkpoint's root; {} dispatch signatures verified here",
            ui::count(shown.dispatch_signatures)
        ),
        _ => String::new(),
    };
    report.told("shown", serde_json::json!(shown), words);
}

/// Cosignatures by the members themselves, where no policy is given: told, not asked for.
fn tell_cosigned(report: &mut Report, verified: &Verified) {
    let cosigned = &verified.cosigned;
    let names = if cosigned.witnesses.is_empty() { "nobody".to_owned() } else { cosigned.witnesses.join(", ") };
    let quorum = match cosigned.time {
        Some(time) if cosigned.quorum => format!("; a quorum of the members at {}", Millis(time.saturating_mul(1000))),
        _ => "; no quorum of the members".to_owned(),
    };
    report.told("cosigned", serde_json::json!(cosigned), names + &quorum);
}

fn tell_opened(report: &mut Report, verified: &Verified) {
    if let Some(sample) = &verified.sample {
        report.told("sample", serde_json::json!(sample), sample_words(sample));
        let drawn = sample.strata.iter().map(stratum_words).collect::<Vec<_>>().join("; ");
        report.told("drawn", sample.strata.len(), drawn);
    }
    let named = verified.opened.iter().take(MAX_NAMED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let more = if verified.opened.len() > MAX_NAMED { ", …" } else { "" };
    let words = match verified.opened.len() {
        0 => "none".to_owned(),
        1 => format!("entry {named}, with a proof that it is in the log"),
        count => format!("{count} entries, each with a proof that it is in the log: {named}{more}"),
    };
    report.told("opened", verified.opened.clone(), words);
    let withheld = |count: u64, what: &str| if count == 0 { String::new() } else { format!("{count} without {what}") };
    report.told("without_body", verified.without_body, withheld(verified.without_body, "body: withheld or erased"));
    let words = withheld(verified.without_evidence, "evidence: the mandate does not give it");
    report.told("without_evidence", verified.without_evidence, words);
    report.told("records", serde_json::json!(verified.records), records_words(&verified.records));
}

fn records_words(records: &[ProvenRecord]) -> String {
    let record = |record: &ProvenRecord| {
        let value = |value: &ProvenValue| match value.currency {
            Some(currency) => format!("{} {currency}", value.amount),
            None => value.amount.clone(),
        };
        let values = record.values.iter().map(value).collect::<Vec<_>>().join(" and ");
        format!("entry {} record {} ({}…) {values}", record.entry, record.place, &record.root[..12])
    };
    if records.is_empty() {
        return String::new();
    }
    let named = records.iter().take(MAX_NAMED).map(record).collect::<Vec<_>>().join("; ");
    let more = if records.len() > MAX_NAMED { "; … (--json has all)" } else { "" };
    let count = super::super::some(records.len() as u64, "record");
    format!("{count}, the value proven down to the batch that its issuer signed: {named}{more}")
}

fn sample_words(sample: &SampleVerdict) -> String {
    let plan = &sample.plan;
    let drawn = format!("method {}, seed {}, {} asked for; drawn again from ", plan.method, plan.seed, plan.count);
    let population = match plan.method {
        Method::Random => format!("all of the log's {}", dispatches(sample.dispatches)),
        Method::Value => format!(
            "{} in the {} dispatches of the log ({} repeat a batch, {} cannot be proven); which values there are, and those of \
             records that are not opened, are the audited node's word",
            super::super::some(sample.values, "value"),
            ui::count(sample.dispatches),
            sample.repeats,
            sample.excluded
        ),
    };
    format!("{drawn}{population}; {} chosen", dispatches(sample.chosen.len() as u64))
}

pub(super) fn in_place(finding: &luxor_protocol::audit::Finding) -> String {
    let place = finding.entry.map_or("the log".to_owned(), |entry| format!("entry {entry}"));
    format!("{place}: {}", finding.what)
}
