//! `luxor bench reconcile`: what one more record costs the books of many items; in this process, on one core.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use luxor_protocol::bench::{AccountingReport, Latencies, SampleItems, decimal, percentile};

use super::{ReconcileArgs, nanos, process};

/// What a record may take.
const BOUND_NS: u64 = 50_000;
/// Of the records while the books fill, one in so many is kept for the figures.
const KEPT: u64 = 16;
/// Links that come late.
const LINKS: u64 = 1_000;
const SEED: u64 = 1;

/// Measures.
pub(super) fn measure(args: &ReconcileArgs) -> Result<AccountingReport> {
    let mut sample = SampleItems::new(args.items).map_err(|error| anyhow!("{error}; a defect"))?;
    let (mut filling, mut filled, mut records) = (Vec::new(), 0u64, 0u64);
    for nth in 0..sample.records() {
        let Some(said) = sample.record(nth) else { continue };
        let began = Instant::now();
        let new = black_box(sample.take(black_box(&said)));
        let cost = nanos(began);
        ensure!(new, "record {nth} was not new; a defect");
        records += 1;
        filled += cost;
        if nth % KEPT == 0 {
            filling.push(cost);
        }
    }
    let memory_bytes = process::peak(std::process::id())?;

    let drawn = sample.draws(args.updates, SEED);
    let mut update = Vec::with_capacity(drawn.len());
    for n in &drawn {
        let said = sample.update(*n);
        let began = Instant::now();
        let new = black_box(sample.take(black_box(&said)));
        update.push(nanos(began));
        ensure!(new, "an update of item {n} was not new; a defect");
    }
    let over = update.iter().filter(|cost| **cost > BOUND_NS).count() as u64;

    let end = sample.end();
    let (began, mut due) = (Instant::now(), 1u64);
    // One at a time, so that they are counted.
    while sample.books.due(end, 1)? {
        due += 1;
    }
    let due_ns = nanos(began) / due.max(1);
    let (expected, found) = (sample.expected(&drawn), sample.found());
    ensure!(found == expected, "{found:?} were found and {expected:?} planted; a defect");
    let findings = sample.books.findings().count() as u64;

    let mut link = Vec::new();
    for n in 0..LINKS.min(args.items / 2) {
        let said = sample.link(2 * n, 2 * n + 1);
        let began = Instant::now();
        black_box(sample.take(black_box(&said)));
        link.push(nanos(began));
    }
    let clock = (0..drawn.len()).map(|_| nanos(Instant::now())).collect();
    Ok(AccountingReport {
        items: args.items,
        records,
        filling: latencies(filling),
        updates: drawn.len() as u64,
        update: latencies(update),
        updates_over_50_us: over,
        links: link.len() as u64,
        link: latencies(link),
        clock: latencies(clock),
        due,
        due_ns,
        findings,
        filled_ms: decimal(filled / 1_000),
        memory_bytes,
        bytes_per_item: memory_bytes / args.items,
    })
}

fn latencies(mut costs: Vec<u64>) -> Latencies {
    costs.sort_unstable();
    let of = |percent| percentile(&costs, percent);
    Latencies { p50_ns: of(50), p99_ns: of(99), max_ns: of(100) }
}
