//! `luxor bench statistics`: tables of a month with what would tell of somebody withheld; in this process, on one core.

use std::time::Instant;

use anyhow::{Result, anyhow};
use luxor_protocol::bench::{SampleFacts, StatisticsReport, decimal};
use luxor_protocol::cbor::Encode as _;
use luxor_protocol::statistics::{Rules, disclose};

use super::{StatisticsArgs, nanos, process};

/// Measures.
pub(super) fn measure(args: &StatisticsArgs) -> Result<StatisticsReport> {
    let failed = |error: &dyn std::error::Error| anyhow!("{error}; a defect");
    let began = Instant::now();
    let sample = SampleFacts::new(args.items, args.months).map_err(|error| failed(&error))?;
    let load = nanos(began) / 1_000;
    let began = Instant::now();
    let disclosed = disclose(&sample.facts, &sample.edition, &Rules::default(), &[]).map_err(|error| failed(&error))?;
    let took = nanos(began) / 1_000;
    let found = sample.withholding(&disclosed.publication.tables);
    Ok(StatisticsReport {
        items: args.items,
        months: args.months.into(),
        cells: found.cells,
        primary: found.primary,
        secondary: found.secondary,
        primary_value_per_mille: found.primary_value,
        secondary_value_per_mille: found.secondary_value,
        load_ms: decimal(load),
        disclose_ms: decimal(took),
        bytes: disclosed.publication.to_cbor().len() as u64,
        memory_bytes: process::peak(std::process::id())?,
    })
}
