//! `luxor bench screening`: declarations against many indicators, exact and by name; in this process, on one core.
//!
//! What is timed is reading a declaration's fields and finding all that hit it, as it is done on arrival. Each pass goes over all
//! declarations; the fastest counts, since what other work of the machine adds to one it does not add to the next.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use luxor_protocol::bench::{SampleThreats, ScreenedKind, ScreeningReport, ThreatKind, decimal};

use super::{ScreeningArgs, nanos, process};

/// Passes over all declarations.
const PASSES: usize = 5;

/// Measures.
pub(super) fn measure(args: &ScreeningArgs) -> Result<ScreeningReport> {
    Ok(ScreeningReport {
        exact: kind(ThreatKind::Exact, args.exact)?,
        names: kind(ThreatKind::Names, args.names)?,
        memory_bytes: process::peak(std::process::id())?,
    })
}

fn kind(kind: ThreatKind, indicators: u64) -> Result<ScreenedKind> {
    let began = Instant::now();
    let sample = SampleThreats::new(kind, indicators).map_err(|error| anyhow!("{error}; a defect"))?;
    let load = nanos(began) / 1_000;
    let (mut fastest, mut first, mut hits) = (u64::MAX, 0, 0);
    for pass in 0..PASSES {
        let began = Instant::now();
        let mut found = 0;
        for (content, _) in &sample.declarations {
            found += sample.screener.screen(&sample.reading.read(black_box(content)), sample.at).len() as u64;
        }
        let took = nanos(began);
        ensure!(pass == 0 || found == hits, "{found} hits, and {hits} before; a defect");
        hits = found;
        first = if pass == 0 { took } else { first };
        fastest = fastest.min(took);
    }
    let mut meant = 0;
    for (content, id) in &sample.declarations {
        let Some(id) = id else { continue };
        let found = sample.screener.screen(&sample.reading.read(content), sample.at);
        ensure!(found.iter().any(|hit| hit.indicator.id == *id), "{id} does not hit what it is meant to; a defect");
        meant += 1;
    }
    let count = sample.declarations.len() as u64;
    let per_second = |nanos: u64| count.saturating_mul(1_000_000_000) / nanos.max(1);
    Ok(ScreenedKind {
        indicators,
        declarations: count,
        hits,
        meant,
        per_second: per_second(fastest),
        first_pass_per_second: per_second(first),
        each_ns: fastest / count.max(1),
        load_ms: decimal(load),
    })
}
