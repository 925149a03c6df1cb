//! `luxor log verify`: all of a log against its checkpoint.

use std::path::Path;
use std::time::Instant;

use luxor_protocol::tlog::{Checkpoint, LogVerifier, TilePath};

use super::archive::read_part;
use super::args::VerifyArgs;
use super::open::{Opened, read_policy, tell_witnesses};
use super::pass::{Files, pass};
use super::report::Report;
use super::source::{LogSource, max_bytes};
use crate::exit::Exit;
use crate::ui;

pub(super) fn run(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = verify(args, &mut report);
    report.conclude(args.key.json, outcome)
}

pub(super) fn verify(args: &VerifyArgs, report: &mut Report) -> anyhow::Result<()> {
    let begun = Instant::now();
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let source = LogSource::named(&args.log)?;
    let opened = Opened::of(&source, args.checkpoint.as_deref(), args.key.vkey.as_deref(), policy.as_ref())?;
    opened.tell(report);
    all_files(&mut Reading(&source), &opened.checkpoint, report)?;
    tell_witnesses(report, &opened.note, policy.as_ref());
    report.told("seconds", ui::seconds(begun.elapsed()), ui::duration(begun.elapsed()));
    if report.ok() {
        report.told("verdict", "everything holds", "everything holds");
    }
    Ok(())
}

/// Compares the entry bundles and tiles in an archive with a checkpoint; what lacks or is no file of a log is a finding.
pub(crate) fn files_hold(folder: &Path, checkpoint: &Checkpoint, report: &mut Report) -> anyhow::Result<()> {
    all_files(&mut Archived(folder), checkpoint, report)
}

fn all_files(files: &mut impl Files, checkpoint: &Checkpoint, report: &mut Report) -> anyhow::Result<()> {
    // Only the files' own findings tell whether the pass ended well.
    let mut found = Report::default();
    let summary = pass(&mut LogVerifier::new(checkpoint), files, checkpoint.size, &mut found)?;
    report.take(found);
    if let Some(summary) = summary {
        report.fact("tiles_checked", summary.tiles_checked);
    }
    Ok(())
}

/// An archive has the very files of its checkpoint.
struct Archived<'a>(&'a Path);

impl Files for Archived<'_> {
    fn read(&mut self, path: &TilePath) -> anyhow::Result<Option<(TilePath, Vec<u8>)>> {
        Ok(Some((*path, read_part(self.0, &path.to_string(), max_bytes(path))?)))
    }

    fn right(&mut self, _: &TilePath, _: &[u8]) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Keeps nothing.
struct Reading<'a>(&'a LogSource);

impl Files for Reading<'_> {
    fn read(&mut self, path: &TilePath) -> anyhow::Result<Option<(TilePath, Vec<u8>)>> {
        Ok(self.0.read_or_full(path)?)
    }

    fn right(&mut self, _: &TilePath, _: &[u8]) -> anyhow::Result<()> {
        Ok(())
    }
}
