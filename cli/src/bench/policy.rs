//! `luxor bench policy`: decisions among many rules, each timed by itself, and what the rules cost to make.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use luxor_protocol::bench::{
    DecisionReport, PolicyReport, Question, RULES_PER_VERSION, SampleNetwork, TODAY, decimal, percentile,
};
use luxor_protocol::document::{Ask, Directory, Policy};

use super::{PolicyArgs, nanos};

/// Passes over all questions.
const PASSES: usize = 7;
/// Policies that are compiled, and agreements that are added.
const REPEATS: usize = 9;
const QUESTION_SEED: u64 = 1;

/// Measures a policy of about `args.rules` rules.
pub(super) fn measure(args: &PolicyArgs) -> Result<PolicyReport> {
    // All far below the largest usize, see their ranges.
    let (rules, members, questions) = (args.rules as usize, args.members as usize, args.questions as usize);
    let sample = SampleNetwork::new(members, rules.div_ceil(RULES_PER_VERSION), REPEATS)?;
    let began = Instant::now();
    let directory = sample.directory()?;
    let load = micros(began);
    let compile = (0..REPEATS).map(|_| {
        let began = Instant::now();
        black_box(Policy::of(black_box(&directory)));
        micros(began)
    });
    let compile = compile.min().unwrap_or(0);

    let quarter = questions / 4;
    let kinds = sample.questions(&directory, questions - 2 * quarter, QUESTION_SEED);
    let mut asked: Vec<&Question> = Vec::with_capacity(questions);
    // Mixed, so that nothing can be foreseen: grants in every other place, then denials and questions about nothing.
    let denials = kinds.denied.iter().take(quarter).zip(&kinds.nothing).flat_map(|(denied, nothing)| [denied, nothing]);
    for (given, denied) in kinds.given.iter().zip(denials) {
        asked.extend([given, denied]);
    }
    let denied = asked.len() / 2;
    let mut report = PolicyReport {
        rules: directory.policy().len() as u64,
        members: sample.members() as u64,
        agreements: directory.agreements().count() as u64,
        documents: directory.documents().count() as u64,
        questions: asked.len() as u64,
        denied: denied as u64,
        about_nothing: quarter as u64,
        passes: PASSES as u64,
        decide: DecisionReport::default(),
        permits: DecisionReport::default(),
        nothing: DecisionReport::default(),
        clock_ns: clock(),
        compile_ms: decimal(compile),
        load_ms: decimal(load),
        one_more_ms: decimal(one_more(&sample, &directory)?),
    };
    let policy = directory.policy();
    let decide = |_: &Question, ask: &Ask<'_>| policy.decide(&directory, ask).is_ok();
    let permits = |question: &Question, ask: &Ask<'_>| {
        let Question { digest, view, retention_days, .. } = question;
        policy.permits(&directory, ask, digest, *view, *retention_days).is_ok()
    };
    let nothing: Vec<&Question> = kinds.nothing.iter().take(quarter).collect();
    report.decide = passes(&asked, denied, decide)?;
    report.nothing = passes(&nothing, nothing.len(), decide)?;
    report.permits = passes(&asked, denied, permits)?;
    Ok(report)
}

/// The lowest figures of several passes, each of which must deny as many as are known to be denied.
fn passes(asked: &[&Question], denied: usize, allowed: impl Fn(&Question, &Ask<'_>) -> bool) -> Result<DecisionReport> {
    let mut best: Option<DecisionReport> = None;
    let mut costs = Vec::with_capacity(asked.len());
    for _ in 0..PASSES {
        costs.clear();
        let mut found = 0;
        for question in asked {
            // A dispatch's header was just read when it is asked about.
            let (question, ask) = black_box((Question::clone(question), question.ask()));
            let began = Instant::now();
            let allowed = black_box(allowed(&question, &ask));
            costs.push(nanos(began));
            found += usize::from(!allowed);
        }
        ensure!(found == denied, "{found} of {} questions were denied, not {denied}; a defect", asked.len());
        costs.sort_unstable();
        let (p50_ns, p99_ns) = (percentile(&costs, 50), percentile(&costs, 99));
        best = Some(best.map_or(DecisionReport { p50_ns, p99_ns }, |best| DecisionReport {
            p50_ns: best.p50_ns.min(p50_ns),
            p99_ns: best.p99_ns.min(p99_ns),
        }));
    }
    match best {
        Some(best) => Ok(best),
        None => bail!("nothing was measured"),
    }
}

/// Median microseconds of adding one agreement to the directory.
fn one_more(sample: &SampleNetwork, directory: &Directory) -> Result<u64> {
    let directory = Arc::new(directory.clone());
    let mut costs = Vec::with_capacity(sample.further.len());
    for document in &sample.further {
        let began = Instant::now();
        let more = black_box(directory.with(document, TODAY)?);
        costs.push(micros(began));
        let rules = more.map(|more| more.policy().len());
        ensure!(rules == Some(directory.policy().len() + RULES_PER_VERSION), "an agreement was not added; a defect");
    }
    costs.sort_unstable();
    Ok(percentile(&costs, 50))
}

/// Median nanoseconds of reading the clock.
fn clock() -> u64 {
    let mut costs: Vec<u64> = (0..10_000).map(|_| nanos(Instant::now())).collect();
    costs.sort_unstable();
    percentile(&costs, 50)
}

fn micros(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}
