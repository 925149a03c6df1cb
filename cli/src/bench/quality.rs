//! `luxor bench quality`: declarations through the checker, on one thread, in memory.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use luxor_protocol::bench::{FAULTY, LODGED, QualityReport, Records, decimal, declarations, walk};
use luxor_protocol::cbor::{Encode as _, Reader};
use luxor_protocol::hash::Digest;
use luxor_protocol::quality::{Checker, Circumstances};
use luxor_protocol::record::{Content, GroupSet, RecordView, SealedRecord};
use zeroize::Zeroizing;

use super::QualityArgs;
use crate::rules;

const SEED: u64 = 1;
/// Records of one round: so few that some rounds are not disturbed by other work on the machine.
const A_ROUND: usize = 200;
/// Encoded bytes of a record of random letters.
const RANDOM_BYTES: usize = 1_000;

/// Measures each step.
pub(super) fn measure(args: &QualityArgs) -> Result<QualityReport> {
    let book = rules::book(args.rules.as_deref())?;
    let day = LODGED;
    let contents = declarations(args.records, SEED)?;
    let table = contents.first().ok_or_else(|| anyhow!("no record to check; a defect"))?.table();
    let checker = Checker::new(table, &book);

    // Every record once, to know what is found.
    let findings: u64 = contents.iter().map(|content| checker.check(content, day).len() as u64).sum();
    let due = (0..args.records).filter(|index| matches!(index % FAULTY, 3 | 7)).count() as u64;
    ensure!(args.rules.is_some() || findings == due, "{findings} findings where {due} are due; a defect");
    let values: usize = contents.iter().map(walk).sum();

    let rounds = args.rounds;
    let checked = fastest(rounds, &contents, |content| drop(black_box(checker.check(black_box(content), day))));
    let walked = fastest(rounds, &contents, |content| {
        black_box(walk(black_box(content)));
    });
    let views = views(&contents, GroupSet(table.all_groups().0 & 0x5555_5555))?;
    let viewed = fastest(rounds, &views, |view| drop(black_box(checker.check(black_box(view), day))));
    let now = Circumstances::default();
    let released = fastest(rounds, &contents, |content| drop(black_box(checker.release(black_box(content), day, now))));
    let random = random(args.records)?;
    let of_random = Checker::new(random.first().map_or(table, Content::table), &book);
    let random = fastest(rounds, &random, |content| drop(black_box(of_random.check(black_box(content), day))));
    let made = fastest(rounds, &[()], |()| drop(black_box(Checker::new(table, black_box(&book)))));

    let bytes: usize = contents.iter().map(|content| content.to_cbor().len()).sum();
    let rate = |nanos: u64| 1_000_000_000 / nanos.max(1);
    Ok(QualityReport {
        records: args.records,
        record_bytes: bytes as u64 / args.records.max(1),
        values: values as u64 / args.records.max(1),
        rounds: args.rounds,
        findings,
        checked_per_second: rate(checked),
        walked_per_second: rate(walked),
        views_per_second: rate(viewed),
        released_per_second: rate(released),
        random_per_second: rate(random),
        checker_us: decimal(made),
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

/// Nanoseconds of one record in the fastest of many rounds, which go through all records again and again.
fn fastest<T>(rounds: u64, records: &[T], mut one: impl FnMut(&T)) -> u64 {
    let mut best = u128::MAX;
    for part in records.chunks(A_ROUND).cycle().take(usize::try_from(rounds).unwrap_or(usize::MAX)) {
        let began = Instant::now();
        part.iter().for_each(&mut one);
        best = best.min(began.elapsed().as_nanos() / part.len() as u128);
    }
    u64::try_from(best).unwrap_or(u64::MAX)
}
