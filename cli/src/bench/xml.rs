//! `luxor bench xml`: WCO declarations read into records, beside quick-xml alone, in one process and on one core.

use std::hint::black_box;
use std::io::BufReader;
use std::time::Instant;

use anyhow::{Result, ensure};
use luxor_protocol::bench::xml::{Again, Imported, declarations, import, tokens};
use luxor_protocol::bench::{XmlReport, decimal};
use luxor_protocol::formats::Row;
use luxor_protocol::formats::wco::{export, wco};

use super::XmlArgs;
use super::process::peak;

const SEED: u64 = 1;
/// Bytes that the reader of a file asks for at a time.
const BUFFER: usize = 256 * 1024;
const MEBIBYTE: u64 = 1024 * 1024;

/// Measures reading and writing, and a stream of `args.stream` MiB.
pub(super) fn measure(args: &XmlArgs) -> Result<XmlReport> {
    let text = declarations(args.declarations, SEED);
    let bytes = text.len();
    let mut best = [u128::MAX; 3];
    let mut encoded = 0;
    for _ in 0..args.rounds {
        let began = Instant::now();
        let imported = black_box(import(BufReader::with_capacity(BUFFER, black_box(text.as_bytes())))?);
        keep(&mut best[0], began);
        whole(&imported, args.declarations)?;
        encoded = imported.bytes;
        let began = Instant::now();
        black_box(tokens(black_box(&text))?);
        keep(&mut best[1], began);
    }
    let mut records = Vec::new();
    for row in wco(text.as_bytes()) {
        if let Row::Record { content, .. } = row? {
            records.push(content);
        }
    }
    let mut written = 0;
    for _ in 0..args.rounds {
        let began = Instant::now();
        written = 0;
        for record in &records {
            written += black_box(export(black_box(record))?).xml.len();
        }
        keep(&mut best[2], began);
    }
    drop(records);
    let before = peak(std::process::id())?;
    let times = args.stream.saturating_mul(MEBIBYTE).div_ceil(bytes as u64);
    let stream_bytes = times.saturating_mul(bytes as u64);
    let began = Instant::now();
    let stream = import(BufReader::with_capacity(BUFFER, Again::new(text.as_bytes(), stream_bytes)))?;
    let took = began.elapsed().as_nanos();
    whole(&stream, times.saturating_mul(args.declarations))?;
    let [read, told, wrote] = best;
    Ok(XmlReport {
        declarations: args.declarations,
        bytes: bytes as u64,
        rounds: args.rounds,
        import_mb_per_second: megabytes(bytes as u64, read),
        import_records_per_second: per_second(args.declarations, read),
        record_bytes: encoded / args.declarations.max(1),
        tokens_mb_per_second: megabytes(bytes as u64, told),
        percent_of_tokens: decimal(thousandths(told.saturating_mul(100), read)),
        export_mb_per_second: megabytes(written as u64, wrote),
        stream_records: stream.records,
        stream_bytes,
        stream_mb_per_second: megabytes(stream_bytes, took),
        rss_before_bytes: before,
        rss_after_bytes: peak(std::process::id())?,
    })
}

fn whole(imported: &Imported, declarations: u64) -> Result<()> {
    let Imported { records, refused, .. } = imported;
    ensure!(*records == declarations && *refused == 0, "{records} of {declarations} were read; a defect");
    Ok(())
}

fn keep(best: &mut u128, began: Instant) {
    *best = (*best).min(began.elapsed().as_nanos());
}

/// Millions of bytes a second.
fn megabytes(bytes: u64, nanos: u128) -> serde_json::Number {
    decimal(thousandths(u128::from(bytes) * 1_000, nanos))
}

fn per_second(count: u64, nanos: u128) -> u64 {
    u64::try_from(u128::from(count) * 1_000_000_000 / nanos.max(1)).unwrap_or(u64::MAX)
}

fn thousandths(count: u128, of: u128) -> u64 {
    u64::try_from(count.saturating_mul(1_000) / of.max(1)).unwrap_or(u64::MAX)
}
