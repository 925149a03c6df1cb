//! `luxor demo bad-day`: a threat, a mistake and a forked log across borders. Six members, each with a node in a process of its own.
//!
//! | file | what |
//! |---|---|
//! | `members` | who takes part and what they agreed: data |
//! | `plan` | declarations, and indicators that are known to hit so many of them |
//! | `course` | the course of events |
//! | `fork` | a member that shows two logs |
//! | `report` | what happened, for people and programs |

mod course;
mod fork;
mod members;
mod plan;
mod report;

use std::path::PathBuf;

use super::RunArgs;
use crate::exit::Exit;

/// `luxor demo bad-day`
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Declarations to screen: files of the BACUDA data set. May be given several times. Without it, both of data/bacuda in the folder that
    /// LUXOR_SHARED names, if they are there, else generated ones.
    #[arg(long, value_name = "FILE")]
    declarations: Vec<PathBuf>,
    /// How many declarations to generate where there are no files.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(MIN_RECORDS..=MAX_RECORDS))]
    records: u64,
    /// Generate them, whatever files there are.
    #[arg(long, conflicts_with = "declarations")]
    generated: bool,
    /// Seed of the generated declarations.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    run: RunArgs,
}

/// So that indicators find something that repeats.
const MIN_RECORDS: u64 = 500;
/// Proposals and orders have their limits.
const MAX_RECORDS: u64 = 100_000;

const HELP: &str = "\
Customs A issues an indicator; customs B, who holds the declarations, has the proposals with reasons within seconds; customs C, with whom A
agreed on other things only, has nothing of it, and B may not pass it on. A second indicator was a mistake: B's officers undo it in one step,
A is told, and what the carrier was told already is listed with its answer. A platform answers an indicator of a seller. A post shows two logs:
the evidence verifies offline, exchange with it stops, and revocations still pass.

The JSON holds: declarations, indicator_hits (expected and found), screened_seconds (from A's submission to the last proposal at B),
at_outsider, control_at_outsider, onward_refused, mistake (hits, reversed, carried_out, answers, officers, seconds, told_issuer), rule_reversed,
platform_answer, fork_verified, forked_refused, revocation_passed, findings, seconds.

Exit code 0 when all of it is as it has to be; 1 when not.";

/// Runs it.
///
/// # Errors
/// When it cannot be carried through; a demo carried through with findings is no error.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let (outcome, kept) = course::run(args)?;
    if args.run.json {
        crate::demo::report::print_json(&outcome.summary())?;
    } else {
        outcome.print()?;
        crate::demo::report::print_place(kept.as_deref())?;
    }
    Ok(if outcome.findings.is_empty() { Exit::Ok } else { Exit::Findings })
}
