//! `luxor bench quality`: declarations through the checker, on one thread, in memory.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use luxor_protocol::bench::{FAULTY, LODGED, QualityReport, Records, decimal, declarations, per_second, walk};
use luxor_protocol::cbor::{Encode as _, Reader};
use luxor_protocol::hash::Digest;
use luxor_protocol::quality::{Checker, Circumstances};
use luxor_protocol::record::{Content, GroupSet, RecordView, SealedRecord};
use zeroize::Zeroizing;

use super::QualityArgs;
use crate::rules;

const SEED: u64 = 1;
/// Encoded bytes of a record of random letters.
const RANDOM_BYTES: usize = 1_000;

/// Measures each step.
pub(super) fn measure(args: &QualityArgs) -> Result<QualityReport> {
    let book = rules::book(args.rules.as_deref())?;
    let day = LODGED;
    let contents = declarations(args.records, SEED)?;
    let table = contents.first().ok_or_else(|| anyhow!("no record to check; a defect"))?.table();
    let checker = Checker::new(table, &book);

    let mut findings = 0;
    let checked = fastest(args.rounds, || {
        findings = contents.iter().map(|content| black_box(checker.check(black_box(content), day)).len() as u64).sum();
    });
    let due = (0..args.records).filter(|index| matches!(index % FAULTY, 3 | 7)).count() as u64;
    ensure!(args.rules.is_some() || findings == due, "{findings} findings where {due} are due; a defect");

    let mut values = 0;
    let walked = fastest(args.rounds, || values = contents.iter().map(|content| walk(black_box(content)) as u64).sum());

    let shown = GroupSet(table.all_groups().0 & 0x5555_5555);
    let views = views(&contents, shown)?;
    let viewed = fastest(args.rounds, || {
        views.iter().for_each(|view| drop(black_box(checker.check(black_box(view), day))));
    });
    let released = fastest(args.rounds, || {
        let now = Circumstances::default();
        contents.iter().for_each(|content| drop(black_box(checker.release(black_box(content), day, now))));
    });
    let random = random(args.records)?;
    let of_random = Checker::new(random.first().map_or(table, Content::table), &book);
    let random_checked = fastest(args.rounds, || {
        random.iter().for_each(|content| drop(black_box(of_random.check(black_box(content), day))));
    });
    let made = fastest(args.rounds, || drop(black_box(Checker::new(table, black_box(&book)))));

    let bytes: usize = contents.iter().map(|content| content.to_cbor().len()).sum();
    let rate = |took: Duration| per_second(args.records, took.as_micros());
    Ok(QualityReport {
        records: args.records,
        record_bytes: bytes as u64 / args.records.max(1),
        values: values / args.records.max(1),
        rounds: args.rounds,
        findings,
        checked_per_second: rate(checked),
        walked_per_second: rate(walked),
        views_per_second: rate(viewed),
        released_per_second: rate(released),
        random_per_second: rate(random_checked),
        checker_us: decimal(u64::try_from(made.as_nanos()).unwrap_or(u64::MAX)),
    })
}

/// What a recipient gets of each record.
fn views(contents: &[Content], shown: GroupSet) -> Result<Vec<RecordView>> {
    let issuer: luxor_protocol::names::MemberId = "post-cn".parse()?;
    let view = |content: &Content| {
        // The same salts for all: nothing of them is measured.
        let record =
            SealedRecord::new(issuer.clone(), content.clone(), None::<Digest>, [0; 16], Zeroizing::new([0; 32]));
        record.view(shown)
    };
    Ok(contents.iter().map(view).collect())
}

fn random(count: u64) -> Result<Vec<Content>> {
    let records = Records::new(RANDOM_BYTES, SEED)?;
    (0..count).map(|index| Ok(Content::decode(&mut Reader::new(&records.record(index)))?)).collect()
}

/// How long the fastest of many rounds takes.
fn fastest(rounds: u64, mut round: impl FnMut()) -> Duration {
    let one = |_| {
        let began = Instant::now();
        round();
        began.elapsed()
    };
    (0..rounds).map(one).min().unwrap_or_default()
}
