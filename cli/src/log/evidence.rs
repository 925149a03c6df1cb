//! `luxor evidence`: what a file proves against a log, and how such a file is made.

use std::path::Path;

use luxor_protocol::exchange::log_keys;
use luxor_protocol::tlog::{Checkpoint, ForkEvidence, MAX_EVIDENCE_BYTES, MAX_NOTE_BYTES, VerifierKey};

use super::args::{EvidenceFetchArgs, EvidenceMakeArgs, EvidenceVerifyArgs};
use super::compare::{Comparison, compare, fork_words};
use super::open::{Opened, read_vkey};
use super::report::{Report, base64};
use super::source::LogSource;
use crate::client::Client;
use crate::exit::{Exit, FindingError, UsageError};
use crate::files::FileError;
use crate::{files, ui};

/// `luxor evidence verify`
pub(super) fn verify(args: &EvidenceVerifyArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = proves(args, &mut report);
    report.conclude(args.json, outcome)
}

pub(super) fn proves(args: &EvidenceVerifyArgs, report: &mut Report) -> anyhow::Result<()> {
    let nothing = |why: String| FindingError(format!("{} proves nothing: {why}", args.file.display()));
    let bytes = files::read(&args.file, MAX_EVIDENCE_BYTES)?;
    let evidence = ForkEvidence::parse(&bytes).map_err(|error| {
        nothing(format!("{error}; hint: it is not what `luxor evidence make` or an export wrote, or it is damaged"))
    })?;
    if let Some(vkey) = &args.vkey {
        let key = read_vkey(vkey)?;
        if key != evidence.log_key {
            return Err(nothing(format!("it is about the key {}, not {key}", evidence.log_key)).into());
        }
    }
    let fork = evidence.verify().map_err(|error| nothing(error.to_string()))?;
    report.fact("origin", fork.origin.as_str());
    report.fact("log_key", evidence.log_key.to_string());
    for (name, checkpoint) in [("checkpoint_a", &fork.a), ("checkpoint_b", &fork.b)] {
        let (size, root) = (checkpoint.size, base64(&checkpoint.root));
        let words = format!("{} entries, root {root}, signed by the log", ui::count(size));
        report.told(name, serde_json::json!({ "size": size, "root": root }), words);
    }
    let roots = fork.roots.map(|root| base64(&root));
    let words = format!("{} as a says, {} as b says", roots[0], roots[1]);
    report.told("root_at_size_of_a", roots.to_vec(), words);
    let verdict = fork.to_string();
    report.told("verdict", verdict.as_str(), format!("proven: {verdict}"));
    if args.vkey.is_none() {
        ui::say("whose key it is the evidence does not say; compare log_key with the log's card, or give --vkey");
    }
    Ok(())
}

/// `luxor evidence fetch`
pub(super) fn fetch(args: &EvidenceFetchArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = fetched(args, &mut report);
    report.conclude(args.node.json, outcome)
}

/// Each file is verified here, and its key held against the log's card, before it is written: what a node says is no evidence.
fn fetched(args: &EvidenceFetchArgs, report: &mut Report) -> anyhow::Result<()> {
    let client = Client::open(&args.node.node)?;
    let (directory, mut written) = (client.documents()?, Vec::new());
    for fork in client.forks()? {
        let origin = ui::clean(&fork.origin);
        let evidence = match ForkEvidence::parse(fork.evidence.as_bytes()).and_then(|e| e.verify().map(|_| e)) {
            Ok(evidence) => evidence,
            Err(error) => {
                report.finding(format!("what the node holds against {origin} proves nothing: {error}"));
                continue;
            }
        };
        if !log_keys(&directory, evidence.log_key.name()).contains(&evidence.log_key) {
            report.finding(format!("the node holds evidence about {}, which is no key on a card", evidence.log_key));
            continue;
        }
        let name: String = evidence.log_key.name().chars().map(|c| if c == '/' { '_' } else { c }).collect();
        let id: String = evidence.log_key.key_id().iter().map(|byte| format!("{byte:02x}")).collect();
        let file = args.folder.join(format!("{name}.{id}.fork-evidence"));
        std::fs::create_dir_all(&args.folder).map_err(FileError::at(&args.folder))?;
        files::write(&file, fork.evidence.as_bytes())?;
        written.push((file.display().to_string(), fork_words(&evidence)));
    }
    let words = written.iter().map(|(file, words)| format!("{file}: {words}")).collect::<Vec<_>>().join("; ");
    let files: Vec<_> = written.into_iter().map(|(file, _)| file).collect();
    report.told("evidence", files, if words.is_empty() { "none".to_owned() } else { words });
    Ok(())
}

/// `luxor evidence make`
pub(super) fn make(args: &EvidenceMakeArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = contradiction(args, &mut report);
    report.conclude(args.json, outcome)
}

pub(super) fn contradiction(args: &EvidenceMakeArgs, report: &mut Report) -> anyhow::Result<()> {
    let key = read_vkey(&args.vkey)?;
    let (mut small, mut large) = (read(&args.a, &key)?, read(&args.b, &key)?);
    if small.checkpoint.size > large.checkpoint.size {
        std::mem::swap(&mut small, &mut large);
    }
    let (a, b): (&Checkpoint, &Checkpoint) = (&small.checkpoint, &large.checkpoint);
    let source = match &args.source {
        Some(place) => LogSource::at(place)?,
        None if a.size == b.size => LogSource::at(".")?,
        None => {
            let what = "the checkpoints have different sizes, so the log's files are needed\nhint: give --source, with the \
                        files that the larger checkpoint is of";
            return Err(UsageError(what.into()).into());
        }
    };
    match compare(&small, &large, &source)? {
        Comparison::Extends => Err(FindingError(format!(
            "nothing to prove: the checkpoint of {} entries extends the one of {}; no file was written",
            ui::count(b.size),
            ui::count(a.size)
        ))
        .into()),
        Comparison::Fork(evidence) => {
            files::write(&args.output, &evidence.to_bytes())?;
            report.fact("evidence", args.output.display().to_string());
            report.fact("verdict", fork_words(&evidence));
            Ok(())
        }
    }
}

fn read(file: &Path, key: &VerifierKey) -> anyhow::Result<Opened> {
    Opened::new(files::read(file, MAX_NOTE_BYTES)?, key, &file.display().to_string())
}
