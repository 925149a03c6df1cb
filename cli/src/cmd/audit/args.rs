//! The command line of `luxor audit sample`, `pack`, `verify-pack` and `archive`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use luxor_protocol::audit::sample::{Method, SamplePlan};
use luxor_protocol::limits::MAX_SAMPLE;
use luxor_protocol::names::NodeRef;

use crate::args::NodeArgs;

/// Entries or records that are chosen if nothing else is said.
const DEFAULT_COUNT: u64 = 60;

/// `luxor audit`
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Choose entries of a log for a closer look, so that anybody with seed and checkpoint chooses the same.
    Sample(SampleArgs),
    /// Write an audit into one file: findings, sample, openings, proofs, checkpoint, documents.
    Pack(PackArgs),
    /// Verify such a file, offline.
    VerifyPack(VerifyPackArgs),
    /// Verify an archive (`luxor log archive`), offline: every file, every opening, every signature.
    Archive(ArchiveArgs),
}

/// `luxor audit archive`
#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// The archive.
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) anchors: AnchorArgs,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What everything rests on, known from elsewhere than what is verified.
#[derive(Debug, Args)]
pub(crate) struct AnchorArgs {
    /// The network that it must be of, from elsewhere: the digest of the founding charter, or the charter itself.
    #[arg(long, visible_alias = "network", value_name = "DIGEST|FILE")]
    pub(crate) charter: Option<String>,
    /// The log's verifier key, or a file with it, got elsewhere than with what is verified.
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) vkey: Option<String>,
    /// Which witnesses must have cosigned the checkpoint (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// Which log, and up to where.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Another node, whose member gives a mandate. Without it, the own node.
    #[arg(long, value_name = "MEMBER/NODE")]
    pub(crate) of: Option<NodeRef>,
    /// The log at this checkpoint, fixed before the seed was named, in place of its newest one.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
}

/// `luxor audit sample`
#[derive(Debug, Args)]
pub(crate) struct SampleArgs {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// random: dispatches, each with the same probability. value: records in proportion to their declared value, in each
    /// currency by itself (own node only: nobody else has the values).
    #[arg(long)]
    pub(crate) method: Method,
    /// The auditor's number, named after the checkpoint is known.
    #[arg(long, value_name = "N")]
    pub(crate) seed: u64,
    /// How many: of the dispatches, or at most of the records in each currency.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_COUNT, value_parser = clap::value_parser!(u64).range(1..=MAX_SAMPLE))]
    pub(crate) count: u64,
}

/// `luxor audit pack`
#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Where to write it.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// As of `luxor audit sample`. Without it, no sample is drawn, and only what findings are about is opened.
    #[arg(long, requires = "seed")]
    pub(crate) method: Option<Method>,
    /// The auditor's number, named after the checkpoint is known.
    #[arg(long, value_name = "N", requires = "method")]
    pub(crate) seed: Option<u64>,
    /// How many: of the dispatches, or at most of the records in each currency.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_COUNT, value_parser = clap::value_parser!(u64).range(1..=MAX_SAMPLE))]
    pub(crate) count: u64,
    /// Evidence of a fork to put in, as `luxor audit --all --evidence` writes it. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) evidence: Vec<PathBuf>,
}

/// `luxor audit verify-pack`
#[derive(Debug, Args)]
pub(crate) struct VerifyPackArgs {
    /// The pack: a file, or its http:// URL.
    #[arg(value_name = "FILE|URL")]
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) anchors: AnchorArgs,
    /// The checkpoint that was fixed before the seed was named: the pack must be of it.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// How the sample was to be drawn: the pack must have it.
    #[arg(long)]
    pub(crate) method: Option<Method>,
    /// The seed that was named.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// How many units were asked for.
    #[arg(long)]
    pub(crate) count: Option<u64>,
    /// Write each opened entry with its proof into this folder, for other programs (C2SP tlog-proof).
    #[arg(long, value_name = "DIR")]
    pub(crate) proofs: Option<PathBuf>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

impl SampleArgs {
    /// What is asked for.
    pub(super) fn plan(&self) -> SamplePlan {
        SamplePlan { method: self.method, seed: self.seed, count: self.count }
    }
}

impl PackArgs {
    /// What is asked for, if a sample is.
    pub(super) fn plan(&self) -> Option<SamplePlan> {
        let (method, seed) = self.method.zip(self.seed)?;
        Some(SamplePlan { method, seed, count: self.count })
    }
}
