//! `luxor bench windows`: two sides of a channel find where they differ; in this process, on one core, without a network.

use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use luxor_protocol::bench::{SampleWindow, WindowsReport, decimal, percentile};
use luxor_protocol::reconciliation::DEFAULT_BITS;

use super::{WindowsArgs, nanos};

/// Measures.
pub(super) fn measure(args: &WindowsArgs) -> Result<WindowsReport> {
    let failed = |error: Box<dyn std::error::Error>| anyhow!("{error}; a defect");
    let began = Instant::now();
    let mut sample = SampleWindow::new(args.numbers, args.differences).map_err(failed)?;
    let trees = nanos(began) / 2;
    let rounds = |sample: &SampleWindow| -> Result<_> {
        let mut costs = Vec::new();
        let mut last = None;
        for _ in 0..args.rounds {
            let began = Instant::now();
            let run = sample.run(DEFAULT_BITS).map_err(failed)?;
            costs.push(nanos(began));
            last = Some(run);
        }
        costs.sort_unstable();
        // At least one round is asked for.
        Ok((last.ok_or_else(|| anyhow!("no round; a defect"))?, percentile(&costs, 50)))
    };
    let (run, took) = rounds(&sample)?;
    ensure!(run.found as u64 == args.differences, "{} differences were found; a defect", run.found);
    sample.settle();
    let (equal, equal_took) = rounds(&sample)?;
    Ok(WindowsReport {
        numbers: args.numbers,
        differences: args.differences,
        questions: run.rounds as u64,
        bytes: run.bytes as u64,
        compare_ms: decimal(took / 1_000),
        equal_questions: equal.rounds as u64,
        equal_bytes: equal.bytes as u64,
        equal_ms: decimal(equal_took / 1_000),
        tree_ms: decimal(trees / 1_000),
    })
}
