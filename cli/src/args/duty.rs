//! `luxor duty`: what is owed for declared goods, by dated rules.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use luxor_protocol::names::CollectionModel;
use luxor_protocol::time::Day;

/// `luxor duty`
#[derive(Debug, Subcommand)]
pub(crate) enum DutyCommand {
    /// Assess duty and tax of declarations by a book of dated rules and rates: line by line, with basis, rate, rounding and rates of
    /// exchange; what cannot be assessed with the reason.
    Assess(DutyAssessArgs),
    /// Print the built-in samples as a book to edit, for --book.
    Template,
}

/// `luxor duty assess`
#[derive(Debug, Args)]
pub(crate) struct DutyAssessArgs {
    /// Rules, rates of tariffs and of exchange: `sample` for the built-in samples, or a file that adds to them or replaces sections of
    /// them. May be given several times, each adds to those before it.
    #[arg(long, value_name = "FILE|sample", default_value = "sample")]
    pub(crate) book: Vec<String>,
    /// Declarations, as `luxor submit` reads records. `-` reads stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What the input is: `ndjson`, `csv` (canonical), `wco`. Without it, its name tells.
    #[arg(long, value_name = "FORMAT", conflicts_with = "mapping")]
    pub(crate) format: Option<String>,
    /// How CSV columns become fields: the name of a built-in mapping, or a file.
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) mapping: Option<String>,
    /// The day whose rules and rates count. Without it, the day on which each declaration says that it was filed, else today.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) on: Option<Day>,
    /// Who collects, where a declaration names no number under which the vendor pays (role FR5): vendor, intermediary, qualified_party,
    /// consumer.
    #[arg(long, default_value = "consumer")]
    pub(crate) model: CollectionModel,
    /// Write a record `duty` of stage assessed for each declaration of which nothing is open, as `luxor submit` reads it. `-` is stdout;
    /// what is told goes to stderr then.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// What stands before a declaration's reference in that of its record. References must be unique among all records of duty of this
    /// member: name one for each filer.
    #[arg(long, value_name = "TEXT", default_value = "DUTY-")]
    pub(crate) prefix: String,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}
