//! `luxor demo`: a whole network on this machine. Six members, each with a node in a process of its own, found their
//! network with signed documents, exchange records, and an auditor verifies every log.
//!
//! | file | what |
//! |---|---|
//! | `members` | who takes part and what they agreed: data |
//! | `generate`, `goods`, `rng` | parcels that are the same for the same seed |
//! | `submission`, `source` | records to the platform's node, and where they come from |
//! | `run` | the course of events |
//! | `running` | nodes of further demos while they run |
//! | `sights`, `verify` | who sees what, and the audit |
//! | `report` | what happened, for people and programs |
//! | `guide`, `watch` | with `--watch`: how to look around, and what changes |
//! | `life` | `luxor demo life`, from sale to account |
//! | `bad_day` | `luxor demo bad-day`, a threat, a mistake and a forked log |
//!
//! Founding and node processes are [`crate::local`]'s.

mod bad_day;
mod generate;
mod goods;
mod guide;
mod life;
mod members;
mod report;
mod rng;
mod run;
mod running;
mod sights;
mod source;
mod submission;
mod verify;
mod watch;

use std::path::PathBuf;

use crate::exit::Exit;
use crate::local::Stop;
use guide::Guide;

/// `luxor demo`
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    further: Option<Further>,
    /// Declarations to send: NDJSON in the native form, or CSV with a mapping. Without it, generated ones.
    #[arg(long, value_name = "FILE")]
    declarations: Option<PathBuf>,
    /// How CSV columns become fields: the name of a built-in mapping, or a file. `df_syn_*.csv` is read as `bacuda`.
    #[arg(long, value_name = "NAME|FILE", requires = "declarations")]
    mapping: Option<String>,
    /// How many declarations to generate.
    #[arg(long, value_name = "N", default_value_t = 5_000, conflicts_with = "declarations")]
    records: u64,
    /// Seed of the generated declarations; the same seed gives the same ones.
    #[arg(long, value_name = "S", default_value_t = 1, conflicts_with = "declarations")]
    seed: u64,
    /// Keep the nodes' folders there; must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Leave the nodes running afterwards, show how to look around and what changes, until Ctrl-C or Enter.
    #[arg(long)]
    watch: bool,
    /// End with one line of JSON on stdout. With --watch, print nothing but JSON, one object on each line.
    #[arg(long)]
    json: bool,
    /// The node's daemon. Without it, the luxord beside this command.
    #[arg(long, value_name = "PATH")]
    luxord: Option<PathBuf>,
}

/// How a further demo is run.
#[derive(Debug, clap::Args)]
struct RunArgs {
    /// Keep the nodes' folders there; must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// End with one line of JSON on stdout, and print nothing else.
    #[arg(long)]
    json: bool,
    /// The node's daemon. Without it, the luxord beside this command.
    #[arg(long, value_name = "PATH")]
    luxord: Option<PathBuf>,
}

/// Further demos.
#[derive(Debug, clap::Subcommand)]
enum Further {
    /// Parcels from sale to account: ten thousand of them between eight members, with two hundred planted faults, all of which have to be
    /// found, and nothing else.
    Life(Box<life::Args>),
    /// A threat, a mistake and a forked log across borders: an indicator is screened by within seconds and stays within its agreement, a wrong
    /// one is undone by two officers in one step, a forked log is proven.
    BadDay(Box<bad_day::Args>),
}

const HELP: &str = "\
With --watch the nodes run on after the report. For each node its folder and address are shown, and commands to paste into
another terminal. A line is shown when a node's counts change. Ctrl-C, SIGTERM, SIGHUP, the end of standard input, or Enter
on a terminal end all nodes; their folder is then removed, unless it is kept with --keep.

The last line with --json (the first one with --watch) holds: members, dispatches, rows, rows_refused, refusals (rows by
reason), records_submitted, records_accepted and records_rejected (by customs' verdict; each record goes to exactly one
customs), deliveries (accepted records, counted for each recipient), receipts_verified, log_entries, audit (ok or failed),
findings (how many), finding_texts, seconds. rows is always rows_refused plus the rows of submitted records. With --watch
it also holds nodes (member, role, node, dir, api), commands (what, command) and kept; each further line is the state of a
node that changed: node, log_entries, outbox, sent, received, requests_refused, strangers.

Exit code 0 when everything adds up, 1 when something was found; refused rows alone are no finding.";

/// Runs the demo.
///
/// # Errors
/// When it cannot be carried through; a demo carried through with findings is no error.
pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    match &args.further {
        Some(Further::Life(args)) => return life::run(args),
        Some(Further::BadDay(args)) => return bad_day::run(args),
        None => {}
    }
    let mut course = run::run(&args)?;
    if args.watch {
        // From here on a signal ends the nodes in order.
        let stop = Stop::install()?;
        let guide = Guide::new(&course)?;
        if args.json {
            report::print_json(&guide.with(course.outcome.summary()))?;
        } else {
            course.outcome.print()?;
            guide.print()?;
        }
        watch::follow(&mut course, &stop, args.json)?;
    } else {
        course.children.end()?;
        course.outcome.print()?;
    }
    let (outcome, kept) = course.end()?;
    if !(args.watch && args.json) {
        report::print_place(kept.as_deref())?;
    }
    if args.json && !args.watch {
        report::print_json(&outcome.summary())?;
    }
    Ok(if outcome.findings().next().is_none() { Exit::Ok } else { Exit::Findings })
}
