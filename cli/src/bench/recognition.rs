//! `luxor bench recognition`: is this trader recognised, asked of a million attestations; in this process, on one core.
//!
//! Each question is timed by itself, in several passes. What other work of the machine adds to one answer it does not add to the same
//! one in the next pass, so the fastest of each question tells what answering costs; the first pass and all that was seen stand beside.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use luxor_protocol::bench::{
    ADMINISTRATIONS, Latencies, RecognitionReport, SampleTraders, TraderQuestion, decimal, percentile,
};

use super::{RecognitionArgs, nanos, process};

/// Passes over all questions.
const PASSES: usize = 5;
/// Lists that are taken.
const LISTS: u64 = 40;
const QUESTION_SEED: u64 = 1;
/// What an answer may take.
const BOUND_NS: u64 = 50_000;

/// Measures.
pub(super) fn measure(args: &RecognitionArgs) -> Result<RecognitionReport> {
    let failed = |error: Box<dyn std::error::Error>| anyhow!("{error}; a defect");
    let began = Instant::now();
    let mut sample = SampleTraders::new(args.attestations).map_err(failed)?;
    let load = nanos(began) / 1_000;
    let memory_bytes = process::peak(std::process::id())?;
    // Far below the largest usize, see its range.
    let questions = sample.questions(args.questions as usize, QUESTION_SEED);
    let recognised = questions.iter().filter(|question| question.recognised).count();

    let answers = passes(&questions, recognised, |question| sample.recognise(black_box(question)).is_recognised())?;
    let map = sample.map();
    let known = questions.iter().filter(|question| map.has(question)).count();
    let look_ups = passes(&questions, known, |question| map.has(black_box(question)))?;
    let clock = passes(&questions, 0, |_| false)?;

    let mut lists = Vec::new();
    for round in 0..LISTS {
        let list = sample.newer_list(round + 1, round).map_err(|error| failed(error.into()))?;
        let began = Instant::now();
        let changes = black_box(sample.take(list).map_err(failed)?);
        lists.push(nanos(began));
        ensure!(changes.len() == 1, "{} statuses changed, not 1; a defect", changes.len());
    }
    lists.sort_unstable();
    Ok(RecognitionReport {
        attestations: args.attestations,
        administrations: ADMINISTRATIONS as u64,
        agreements: (ADMINISTRATIONS * (ADMINISTRATIONS - 1) / 2) as u64,
        questions: questions.len() as u64,
        recognised: recognised as u64,
        passes: PASSES as u64,
        answer: answers.fastest,
        first_pass: answers.first,
        seen_max_ns: answers.seen_max,
        seen_over_50_us: answers.over,
        look_up: look_ups.fastest,
        look_up_seen_max_ns: look_ups.seen_max,
        clock: clock.fastest,
        clock_seen_max_ns: clock.seen_max,
        load_ms: decimal(load),
        list_statuses: args.attestations / ADMINISTRATIONS as u64,
        list_ms: decimal(percentile(&lists, 50) / 1_000),
        memory_bytes,
    })
}

/// What passes over all questions took.
struct Passes {
    /// Of each question its fastest.
    fastest: Latencies,
    first: Latencies,
    /// The slowest of all, in nanoseconds.
    seen_max: u64,
    /// How many of all took more than [`BOUND_NS`].
    over: u64,
}

/// Times each question by itself; each pass must say yes so many times.
fn passes(questions: &[TraderQuestion], yes: usize, ask: impl Fn(&TraderQuestion) -> bool) -> Result<Passes> {
    let mut fastest = vec![u64::MAX; questions.len()];
    let (mut first, mut seen_max, mut over) = (None, 0, 0);
    for _ in 0..PASSES {
        let mut costs = Vec::with_capacity(questions.len());
        let mut found = 0;
        for question in questions {
            let began = Instant::now();
            let said = black_box(ask(question));
            costs.push(nanos(began));
            found += usize::from(said);
        }
        ensure!(found == yes, "{found} of {} questions were answered with yes, not {yes}; a defect", questions.len());
        fastest.iter_mut().zip(&costs).for_each(|(least, cost)| *least = (*least).min(*cost));
        seen_max = costs.iter().copied().fold(seen_max, u64::max);
        over += costs.iter().filter(|cost| **cost > BOUND_NS).count() as u64;
        first.get_or_insert(latencies(costs));
    }
    Ok(Passes { fastest: latencies(fastest), first: first.unwrap_or_default(), seen_max, over })
}

fn latencies(mut costs: Vec<u64>) -> Latencies {
    costs.sort_unstable();
    let of = |percent| percentile(&costs, percent);
    Latencies { p50_ns: of(50), p99_ns: of(99), max_ns: of(100) }
}
