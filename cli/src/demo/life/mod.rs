//! `luxor demo life`: parcels from sale to account. Eight members, each with a node in a process of its own, exchange everything that is said
//! of ten thousand parcels in a month; two hundred faults are planted, and what the nodes find is held against them.
//!
//! | file | what |
//! |---|---|
//! | `members` | who takes part and what they agreed: data |
//! | `fault` | kinds of faults, how many, what finds them: data |
//! | `parcel`, `retail` | parcels that are the same for the same seed; a day of real sales as parcels |
//! | `world` | the plan: parcels, receptacles, flights, which parcel has which fault |
//! | `declared`, `moved`, `taxed` | what is said of a parcel: before it flies, on its way, of its duty and tax |
//! | `stage` | what each member hands in, in order |
//! | `rules`, `number` | terms to reconcile by; the IOSS number and its uses |
//! | `course`, `tool` | the course of events; this command run by itself |
//! | `compare` | found against planted |
//! | `windows` | the statements that both sides of every channel sign |
//! | `audit`, `report` | the auditor's part; what happened, for people and programs |
//!
//! Up to `stage` everything is a pure function of seed and times. A month runs in minutes: months are closed when they are summed up, and terms
//! end at once.

mod audit;
mod compare;
mod course;
mod declared;
mod fault;
mod members;
mod moved;
mod number;
mod parcel;
mod report;
mod retail;
mod rules;
mod stage;
mod taxed;
pub(in crate::demo) mod tool;
mod windows;
mod world;

use std::path::PathBuf;

use super::RunArgs;
use crate::exit::Exit;

/// `luxor demo life`
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// How many parcels to generate; faults are planted in proportion, 200 in 10,000, at least one of each kind.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(MIN_PARCELS..=MAX_PARCELS))]
    parcels: u64,
    /// Seed of parcels and faults; the same seed plans the same.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// A day of the retail data, whose orders to the European Union travel with the generated parcels. Without it, 2011-11-17.csv in
    /// data/retail of the folder that LUXOR_SHARED names, if it is there.
    #[arg(long, value_name = "FILE")]
    retail: Option<PathBuf>,
    #[command(flatten)]
    run: RunArgs,
}

/// So that each kind of fault finds parcels that can have it.
const MIN_PARCELS: u64 = 100;
/// Beyond it a run takes hours, and accounts their limits.
const MAX_PARCELS: u64 = 100_000;

const HELP: &str = "\
The month of a network: platform, two posts, carrier, customs of export and of import, an agency, an auditor. Parcels are ordered, paid,
declared, posted, flown, released, delivered; duty and tax are assessed, collected, remitted, claimed back, summed up, paid. The faults that
are planted stand in expected.json of the folder that --keep names.

The JSON holds: seed, members, parcels, retail_parcels, retail_left_out (rows by reason), records (by member), records_total,
uses_confirmed, deadlines_checked, dispatches, deliveries, planted, kinds, found, missing and surplus (what was planted and not found, and the other way round),
classes (planted and found, by class), reconciled, receipts_verified, log_entries, audit (ok or failed), personal_fields, samples_opened,
damage_found, findings, finding_texts, seconds.

Exit code 0 when exactly what was planted was found, and everything adds up; 1 when not.";

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
        report::print_place(kept.as_deref())?;
    }
    Ok(if outcome.findings().is_empty() { Exit::Ok } else { Exit::Findings })
}
