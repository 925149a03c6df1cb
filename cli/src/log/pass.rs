//! One pass over a log's files, each compared with the entries; memory does not grow with the log.
//!
//! Not here: where files come from and whether they are kept: `verify` only reads, `export` also writes.

use luxor_protocol::tlog::{LogSummary, LogVerifier, TilePath};

use super::report::Report;
use crate::ui;

/// Gives and takes the files of a pass.
pub(super) trait Files {
    /// The file, or the full one in place of a partial one; `None` if neither is there.
    fn read(&mut self, path: &TilePath) -> anyhow::Result<Option<(TilePath, Vec<u8>)>>;
    /// The entries below this file give the hashes that it, or the tile above it, holds.
    fn right(&mut self, path: &TilePath, bytes: &[u8]) -> anyhow::Result<()>;
}

/// Feeds the verifier until its checkpoint's size. What does not hold is a finding, and then there is no summary.
pub(super) fn pass(
    verifier: &mut LogVerifier,
    files: &mut impl Files,
    size: u64,
    report: &mut Report,
) -> anyhow::Result<Option<LogSummary>> {
    let mut progress = ui::Progress::new();
    while let Some(wanted) = verifier.next_bundle() {
        if let TilePath::Entries { index, .. } = wanted {
            progress.show(|| format!("{} of {} entries", ui::count(index * 256), ui::count(size)));
        }
        let Some((path, bundle)) = files.read(&wanted)? else {
            progress.clear();
            report.finding(missing(&wanted));
            return Ok(None);
        };
        if let Err(error) = verifier.bundle(&path, &bundle) {
            progress.clear();
            report.finding(error.to_string());
            return Ok(None);
        }
        let mut entries_right = true;
        for wanted in verifier.tiles_due().collect::<Vec<_>>() {
            let Some((path, tile)) = files.read(&wanted)? else {
                report.finding(missing(&wanted));
                continue;
            };
            match verifier.tile(&path, &tile) {
                Ok(()) => files.right(&path, &tile)?,
                Err(error) => {
                    entries_right = false;
                    report.finding(error.to_string());
                }
            }
        }
        if entries_right {
            files.right(&path, &bundle)?;
        }
    }
    progress.clear();
    match verifier.finish() {
        Ok(summary) if report.ok() => return Ok(Some(summary)),
        Ok(_) => {
            report.finding("all entries are there and right under the root; hint: only what is named above is wrong")
        }
        Err(error) => report
            .finding(format!("{error}; hint: bundles named above are damaged, or the checkpoint is of another log")),
    }
    Ok(None)
}

fn missing(path: &TilePath) -> String {
    format!("{path} is not there; hint: the log may be pruned, or the export not complete")
}
