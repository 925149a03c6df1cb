//! `luxor bench`: what a machine does, for those who have to size one.
//!
//! `policy`, `disclosure`, `quality`, `attest`, `recognition`, `reconcile`, `windows`, `statistics`, `screening` and `xml` run in this process, in memory. `exchange` runs two real nodes on this machine and drives records from one to the other; `log` and `primitives` run
//! inside one `luxord bench` process, because this command links neither the database nor the network. The ceiling beside
//! the figure of `exchange` is made of the primitives measured in the same run; its formula is in
//! [`luxor_protocol::bench`].
//!
//! | file | what |
//! |---|---|
//! | `exchange` | the course of events |
//! | `feed` | records to the sender's node, over many connections |
//! | `policy` | decisions about many rules |
//! | `disclosure` | records shown in part, beside SD-JWT |
//! | `quality` | records checked by lists and dated rules |
//! | `attest` | credentials and status lists |
//! | `recognition` | traders recognised among a million attestations |
//! | `reconcile` | items accounted for record by record |
//! | `screening` | declarations against many indicators |
//! | `statistics` | tables of a month, with what is withheld |
//! | `windows` | two sides of a channel compared |
//! | `xml` | WCO declarations into records |
//! | `child` | `luxord bench` |
//! | `process` | memory, processor time and disk of a process |
//! | `report` | the figures, for people and programs |

mod attest;
mod child;
mod disclosure;
mod exchange;
mod feed;
mod policy;
mod process;
mod quality;
mod recognition;
mod reconcile;
mod report;
mod screening;
mod statistics;
mod windows;
mod xml;

use std::path::PathBuf;
use std::time::Instant;

use clap::value_parser;
use luxor_protocol::bench::{
    DIFFERENCES, EXACT, ITEMS, MAX_RECORD_SIZE, MIN_RECORD_SIZE, NAMES, RECONCILED, TRADERS, WINDOW_NUMBERS,
};
use luxor_protocol::limits::{
    MAX_ATTESTATIONS, MAX_CHUNK_RECORDS, MAX_INDICATORS_OF_ISSUER, MAX_MEMBERS, MAX_WINDOW_NUMBERS,
};

use crate::exit::Exit;
use crate::local::{Place, luxord};
use crate::ui;

const MAX_RECORDS: u64 = 1_000_000_000;
const MAX_CONNECTIONS: u64 = 1_024;
const MAX_LOG_IN_FLIGHT: u64 = 8_192;
const MAX_ENTRIES: u64 = 100_000_000;
const MAX_RULES: u64 = 100_000;
const MAX_QUESTIONS: u64 = 10_000_000;
const MAX_ROUNDS: u64 = 10_000;
const MAX_QUALITY_RECORDS: u64 = 1_000_000;
const MAX_RECONCILED: u64 = 10 * RECONCILED;
/// Of a thousand numbers at least.
const MAX_DIFFERING: u64 = 1_000;
const MAX_FACTS: u64 = 10_000_000;
const MAX_MONTHS: i64 = 60;
const MAX_DECLARATIONS: u64 = 100_000;
const MAX_STREAM_MIB: u64 = 1024 * 1024;
const MIN_OPENING_BYTES: u64 = 300;
const MAX_OPENING_BYTES: u64 = 65_535;
/// Of the folders that go again.
const PREFIX: &str = "luxor-bench-";

/// `luxor bench`
#[derive(Debug, clap::Subcommand)]
pub(crate) enum BenchCommand {
    /// Records per second and latency between two nodes on this machine, beside the machine's ceiling.
    #[command(after_help = CEILING_HELP)]
    Exchange(ExchangeArgs),
    /// Entries per second of a log alone, and what a proof of inclusion costs there.
    Log(LogArgs),
    /// What each step of an exchange costs, and the ceiling made of them.
    #[command(after_help = CEILING_HELP)]
    Primitives(PrimitivesArgs),
    /// What one decision about what may flow costs among many rules, and one more agreement.
    Policy(PolicyArgs),
    /// What showing a part of a record costs, beside SD-JWT.
    #[command(after_help = DISCLOSURE_HELP)]
    Disclosure(DisclosureArgs),
    /// How many records a second are checked by lists and dated rules.
    Quality(QualityArgs),
    /// What issuing and verifying credentials of traders costs, and changing a status list of a million.
    Attest(AttestArgs),
    /// What an answer costs to whether a trader is recognised, by whom, for what, among a million attestations.
    #[command(after_help = RECOGNITION_HELP)]
    Recognition(RecognitionArgs),
    /// What one more record costs a business reconciliation of many items.
    #[command(after_help = RECONCILE_HELP)]
    Reconcile(ReconcileArgs),
    /// How long two sides of a channel take to find where they differ, and what goes over the wire.
    Windows(WindowsArgs),
    /// How long tables take of which nobody behind a small cell is found out, and how much is withheld.
    Statistics(StatisticsArgs),
    /// Declarations a second against exact and prefix indicators, and against names that are found however they are written.
    Screening(ScreeningArgs),
    /// How fast WCO XML is read into records, beside quick-xml alone, and how much memory a long stream takes.
    Xml(XmlArgs),
}

/// How large records and dispatches are.
#[derive(Debug, clap::Args)]
pub(crate) struct ShapeArgs {
    /// Records of a submitted chunk, which makes one dispatch.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = value_parser!(u64).range(1..=MAX_CHUNK_RECORDS as u64))]
    pub(crate) batch: u64,
    /// Encoded bytes of a record; its content does not compress.
    #[arg(long, value_name = "BYTES", default_value_t = 1_000, value_parser = value_parser!(u64).range(MIN_RECORD_SIZE as u64..=MAX_RECORD_SIZE as u64))]
    pub(crate) size: u64,
}

/// Where it runs and how it is told.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Where to write and keep everything; must not exist, or be empty. Without it, a folder among the temporary ones that
    /// goes at the end. Either must be on the disk that is to be measured, not in memory.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
    /// The node's daemon. Without it, the luxord beside this command.
    #[arg(long, value_name = "PATH")]
    pub(crate) luxord: Option<PathBuf>,
}

/// `luxor bench exchange`
#[derive(Debug, clap::Args)]
pub(crate) struct ExchangeArgs {
    /// How many records.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u64).range(1..=MAX_RECORDS))]
    pub(crate) records: u64,
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
    /// Chunks submitted at a time, each over a connection of its own. Default: 4, or 256 with --batch 1.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=MAX_CONNECTIONS))]
    pub(crate) in_flight: Option<u64>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `luxor bench log`
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// How many entries of 33 bytes, each in a commit of its own with what it commits to.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1..=MAX_ENTRIES))]
    pub(crate) entries: u64,
    /// Commits not yet durable and signed, at most.
    #[arg(long, value_name = "N", default_value_t = 1_024, value_parser = value_parser!(u64).range(1..=MAX_LOG_IN_FLIGHT))]
    pub(crate) in_flight: u64,
    /// Bytes of what an entry commits to, stored with it; it does not compress. The entry's own 33 bytes come on top. Without
    /// it, as much as a node's entry for a dispatch has.
    #[arg(long, value_name = "BYTES", value_parser = value_parser!(u64).range(MIN_OPENING_BYTES..=MAX_OPENING_BYTES))]
    pub(crate) size: Option<u64>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `luxor bench primitives`
#[derive(Debug, clap::Args)]
pub(crate) struct PrimitivesArgs {
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `luxor bench policy`
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyArgs {
    /// Rules of the compiled policy, in fives: each version of an agreement has five.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = value_parser!(u64).range(20..=MAX_RULES))]
    pub(crate) rules: u64,
    /// Members of the network.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = value_parser!(u64).range(4..=MAX_MEMBERS as u64))]
    pub(crate) members: u64,
    /// Questions of each pass: half are answered with a grant, a quarter denied by their rule, a quarter about nothing.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u64).range(4..=MAX_QUESTIONS))]
    pub(crate) questions: u64,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor bench disclosure`
#[derive(Debug, clap::Args)]
pub(crate) struct DisclosureArgs {
    /// Records under one signature of ours.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = value_parser!(u64).range(1..=MAX_CHUNK_RECORDS as u64))]
    pub(crate) batch: u64,
    /// Rounds of each step; the fastest counts.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u64).range(1..=MAX_ROUNDS))]
    pub(crate) rounds: u64,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor bench quality`
#[derive(Debug, clap::Args)]
pub(crate) struct QualityArgs {
    /// Different declarations of three goods items; two in ten have a finding.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = value_parser!(u64).range(10..=MAX_QUALITY_RECORDS))]
    pub(crate) records: u64,
    /// Rounds of each step, of 200 records each; the fastest counts.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = value_parser!(u64).range(1..=MAX_ROUNDS))]
    pub(crate) rounds: u64,
    /// Dated rules beside the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor bench attest`
#[derive(Debug, clap::Args)]
pub(crate) struct AttestArgs {
    /// Rounds of each step; the median counts.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = value_parser!(u64).range(1..=MAX_ROUNDS))]
    pub(crate) rounds: u64,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor bench recognition`
#[derive(Debug, clap::Args)]
pub(crate) struct RecognitionArgs {
    /// Attestations, spread over 40 administrations that all recognise one another.
    #[arg(long, value_name = "N", default_value_t = TRADERS, value_parser = value_parser!(u64).range(10_000..=MAX_ATTESTATIONS as u64))]
    pub(crate) attestations: u64,
    /// Different questions of each pass.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u64).range(100..=MAX_QUESTIONS))]
    pub(crate) questions: u64,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor bench reconcile`
#[derive(Debug, clap::Args)]
pub(crate) struct ReconcileArgs {
    /// Items, of four records each; at some 800 bytes each, so ten million take some eight GB of memory.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1_000..=MAX_RECONCILED))]
    pub(crate) items: u64,
    /// Further records, drawn at random, when the books are full.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u64).range(100..=MAX_QUESTIONS))]
    pub(crate) updates: u64,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor bench windows`
#[derive(Debug, clap::Args)]
pub(crate) struct WindowsArgs {
    /// Numbers of the window.
    #[arg(long, value_name = "N", default_value_t = WINDOW_NUMBERS, value_parser = value_parser!(u64).range(1_000..=MAX_WINDOW_NUMBERS))]
    pub(crate) numbers: u64,
    /// Numbers at which both sides have something else.
    #[arg(long, value_name = "N", default_value_t = DIFFERENCES, value_parser = value_parser!(u64).range(0..=MAX_DIFFERING))]
    pub(crate) differences: u64,
    /// Comparisons; the median counts.
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = value_parser!(u64).range(1..=MAX_ROUNDS))]
    pub(crate) rounds: u64,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor bench statistics`
#[derive(Debug, clap::Args)]
pub(crate) struct StatisticsArgs {
    /// Items that are counted.
    #[arg(long, value_name = "N", default_value_t = ITEMS, value_parser = value_parser!(u64).range(100..=MAX_FACTS))]
    pub(crate) items: u64,
    /// Months over which they are spread.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=MAX_MONTHS))]
    pub(crate) months: u32,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor bench screening`
#[derive(Debug, clap::Args)]
pub(crate) struct ScreeningArgs {
    /// Indicators of numbers, beginnings of numbers, and tariff codes with routes.
    #[arg(long, value_name = "N", default_value_t = EXACT, value_parser = value_parser!(u64).range(1..=MAX_INDICATORS_OF_ISSUER as u64))]
    pub(crate) exact: u64,
    /// Indicators of names.
    #[arg(long, value_name = "N", default_value_t = NAMES, value_parser = value_parser!(u64).range(1..=MAX_INDICATORS_OF_ISSUER as u64))]
    pub(crate) names: u64,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor bench xml`
#[derive(Debug, clap::Args)]
pub(crate) struct XmlArgs {
    /// Generated declarations of a round, of 1 to 9 goods items each. A round is short, so that some are not disturbed by other work.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = value_parser!(u64).range(1..=MAX_DECLARATIONS))]
    pub(crate) declarations: u64,
    /// Rounds; the fastest counts.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = value_parser!(u64).range(1..=MAX_ROUNDS))]
    pub(crate) rounds: u64,
    /// MiB of a stream that is read once at the end, generated while it is read.
    #[arg(long, value_name = "MIB", default_value_t = 0, value_parser = value_parser!(u64).range(0..=MAX_STREAM_MIB))]
    pub(crate) stream: u64,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

const DISCLOSURE_HELP: &str = "\
Records of 40 fields, of which ten (three groups of a declaration) are shown to one recipient, with the same values on both
sides, Ed25519 with strict verification, one thread, in memory; the fastest of many short rounds, for one record.
  ours     issue: ids and seeds from the operating system, roots, the batch's root and signature; disclose: the views of a
           dispatch, neither compressed nor sealed; verify: what a recipient checks (batch signature, every root and the
           batch's, groups shown, each value against its type), then the values are read
  SD-JWT   RFC 9901, compact form, SHA-256, EdDSA, no key binding, each of the 40 fields a disclosure, names as group.field;
           issue: salts, disclosures, digests in order, signature; disclose: the signed part and ten disclosures; verify:
           signature, issuer, every check of section 7.1 for flat claims, the values read. Written for this comparison, to
           be fast; it opens the examples of the RFC
Ours signs once for a batch, SD-JWT each record; --batch 1 shows what is left without that.";
const RECOGNITION_HELP: &str = "\
40 customs administrations, an arrangement of four rows between each two, attestations spread evenly, one in a hundred
suspended by its status list; different questions of the partners, in random order, one in twenty about nobody, one in
three for a purpose that no row has. An answer has verdict, benefits, and every reason and piece of evidence; writing it
as sentences is not in it.
Each question is timed by itself in five passes. Figures are of the fastest of each question; `first pass` and `slowest
seen` have in them what else the machine did meanwhile, as has `slowest seen` of the clock, where nothing is asked.
  a look-up alone   the ceiling: the number's key (BLAKE3) and a map of the same size, nothing else";
const RECONCILE_HELP: &str = "\
Each item is declared with mass and value, arrives, is released, and its tax is collected for one of 50 accounts; one in a
hundred never arrives, one is never declared, and of those updated one in a hundred is released twice. Every record is
timed by itself; making it is not in it. With each the item's row is read, joined, judged, written, and months and
differences are brought up to date. What is found is compared with what was planted.";
const CEILING_HELP: &str = "\
The ceiling, in records per second:
  cores * 1e9 / sum of (count * cost in ns, for one record) over both nodes
Its terms stand in `ceiling_terms` of --json; a cost per dispatch counts with its share, divided by --batch:
  sender, per record      record_decode, salts, record_root, record_encode, view_encode
  sender, per dispatch    compress, seal, sealed_digest, 2 sign, write_sent, verify (of the receipt)
  recipient, per dispatch sealed_digest, 2 verify, open, decompress, write_received
  recipient, per record   view_read (decoding, the record's root, the check of its leaves)
Costs are measured in the same run, on one thread, the fastest of many rounds; writes are synced in groups of 4 MiB (the
median one counts) and hold the bytes of records and sealed part at the sender, of opened views at the recipient. Not in it: transport, HTTP, the engine, index rows,
checkpoints, the submitting client. So no node reaches it; the ratio tells how much goes elsewhere.";

/// Measures.
///
/// # Errors
/// When something fails; figures whose counts do not add up are findings.
pub(crate) fn run(command: &BenchCommand) -> anyhow::Result<Exit> {
    match command {
        BenchCommand::Exchange(args) => exchange::run(args),
        BenchCommand::Policy(args) => {
            let policy = policy::measure(args)?;
            match args.json {
                true => ui::json(&policy)?,
                false => report::policy(&policy)?,
            }
            Ok(Exit::Ok)
        }
        BenchCommand::Disclosure(args) => {
            let disclosure = disclosure::measure(args)?;
            match args.json {
                true => ui::json(&disclosure)?,
                false => report::disclosure(&disclosure)?,
            }
            Ok(Exit::Ok)
        }
        BenchCommand::Attest(args) => {
            let attest = attest::measure(args)?;
            match args.json {
                true => ui::json(&attest)?,
                false => report::attest(&attest)?,
            }
            Ok(Exit::Ok)
        }
        BenchCommand::Windows(args) => {
            let windows = windows::measure(args)?;
            match args.json {
                true => ui::json(&windows)?,
                false => report::windows(&windows)?,
            }
            Ok(Exit::Ok)
        }
        BenchCommand::Statistics(args) => {
            let statistics = statistics::measure(args)?;
            match args.json {
                true => ui::json(&statistics)?,
                false => report::statistics(&statistics)?,
            }
            Ok(Exit::Ok)
        }
        BenchCommand::Screening(args) => {
            let screening = screening::measure(args)?;
            match args.json {
                true => ui::json(&screening)?,
                false => report::screening(&screening)?,
            }
            Ok(Exit::Ok)
        }
        BenchCommand::Recognition(args) => {
            let recognition = recognition::measure(args)?;
            match args.json {
                true => ui::json(&recognition)?,
                false => report::recognition(&recognition)?,
            }
            Ok(Exit::Ok)
        }
        BenchCommand::Reconcile(args) => {
            let reconciled = reconcile::measure(args)?;
            match args.json {
                true => ui::json(&reconciled)?,
                false => report::reconcile(&reconciled)?,
            }
            Ok(Exit::Ok)
        }
        BenchCommand::Quality(args) => {
            let quality = quality::measure(args)?;
            match args.json {
                true => ui::json(&quality)?,
                false => report::quality(&quality)?,
            }
            Ok(Exit::Ok)
        }
        BenchCommand::Xml(args) => {
            let xml = xml::measure(args)?;
            match args.json {
                true => ui::json(&xml)?,
                false => report::xml(&xml)?,
            }
            Ok(Exit::Ok)
        }
        BenchCommand::Log(args) => {
            let daemon = luxord(args.run.luxord.as_deref())?;
            let place = Place::new(PREFIX, args.run.keep.as_deref())?;
            ui::say(&format!("{} entries to a log in {}", ui::count(args.entries), place.path().display()));
            let log = child::log(&daemon, &place.path().join("log"), args)?;
            match args.run.json {
                true => ui::json(&log)?,
                false => report::log(&log)?,
            }
            place.keep();
            Ok(Exit::Ok)
        }
        BenchCommand::Primitives(args) => {
            let daemon = luxord(args.run.luxord.as_deref())?;
            let place = Place::new(PREFIX, args.run.keep.as_deref())?;
            let primitives = child::primitives(&daemon, &place.path().join("primitives"), &args.shape)?;
            match args.run.json {
                true => ui::json(&primitives)?,
                false => report::primitives(&primitives)?,
            }
            place.keep();
            Ok(Exit::Ok)
        }
    }
}

/// Nanoseconds since then.
fn nanos(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
