//! The command line of `luxor log`, `luxor evidence` and `luxor policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use luxor_protocol::names::NodeRef;

use crate::args::NodeArgs;

/// `luxor log`
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Write a log's files into a folder that any web server can serve; again, it brings only what is new.
    Export(ExportArgs),
    /// Write a log with its openings and documents into a folder that verifies by itself (`luxor audit archive`); again, it
    /// brings only what is new.
    Archive(ArchiveArgs),
    /// Check a whole log: the checkpoint's signature, every entry, every tile, the root.
    Verify(VerifyArgs),
    /// Write the proof that an entry is in a log (C2SP tlog-proof).
    Prove(ProveArgs),
    /// Check such a proof, offline.
    CheckProof(CheckProofArgs),
    /// Check that a log extends an earlier checkpoint of it.
    Consistency(ConsistencyArgs),
    /// Offer a checkpoint to a witness and add its cosignature to the file (C2SP tlog-witness).
    Witness(WitnessArgs),
}

/// `luxor evidence`
#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Say what evidence proves: two histories that one log signed, or nothing.
    Verify(EvidenceVerifyArgs),
    /// Make evidence of two checkpoints of one log that contradict each other.
    Make(EvidenceMakeArgs),
    /// Write what a node holds against others' logs, one file for each.
    Fetch(EvidenceFetchArgs),
}

/// `luxor policy`
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say what a policy amounts to: how many witnesses may fail, how many may lie.
    Lint(PolicyLintArgs),
    /// Write a policy in which any K of the witnesses suffice.
    Flat(PolicyFlatArgs),
    /// Write the policy of a member's log: its key, the members that witness it, how many of them suffice.
    Of(PolicyOfArgs),
}

/// Which log.
#[derive(Debug, Args)]
#[group(id = "log_source", required = true, multiple = false)]
pub(crate) struct SourceArgs {
    /// The log: a folder with its files, or the http:// URL below which they are.
    #[arg(value_name = "DIR|URL")]
    pub(crate) source: Option<String>,
    /// The log of a running node: the node's folder, or the URL of its local interface (with LUXOR_TOKEN set).
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) node: Option<String>,
}

/// By which key, and at which checkpoint.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// The log's verifier key, or a file with it. Without it, that of the policy, the node, or the .vkey file in the folder.
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) vkey: Option<String>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor log export`
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Where the files go; made if it is not there.
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) from: FromArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

/// `luxor log archive`
#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// Where the archive goes; made if it is not there. Each log, and so each epoch of a node, has a folder of its own.
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Where an export comes from.
#[derive(Debug, Args)]
#[group(id = "log_from", required = true, multiple = false)]
pub(crate) struct FromArgs {
    /// A running node: its folder, or the URL of its local interface (with LUXOR_TOKEN set).
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) node: Option<String>,
    /// A log's files: the http:// URL below which they are, or a folder.
    #[arg(long, value_name = "URL|DIR")]
    pub(crate) from: Option<String>,
}

/// `luxor log verify`
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) log: SourceArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Which witnesses must have cosigned the checkpoint (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Check the log at this checkpoint in place of its newest one.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
}

/// `luxor log prove`
#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    #[command(flatten)]
    pub(crate) log: SourceArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Which entry, from 0.
    #[arg(long, value_name = "N")]
    pub(crate) index: u64,
    /// Prove it under this checkpoint in place of the log's newest one, such as a file with cosignatures.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Where to write the proof; else stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `luxor log check-proof`
#[derive(Debug, Args)]
pub(crate) struct CheckProofArgs {
    /// The proof (C2SP tlog-proof).
    pub(crate) file: PathBuf,
    /// The log's verifier key, or a file with it.
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) vkey: String,
    #[command(flatten)]
    pub(crate) leaf: LeafArgs,
    /// Which witnesses must have cosigned the proof's checkpoint (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is said to be in the log.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct LeafArgs {
    /// A file with the entry's bytes.
    #[arg(long, value_name = "FILE")]
    pub(crate) leaf: Option<PathBuf>,
    /// The entry's bytes in hex.
    #[arg(long, value_name = "HEX")]
    pub(crate) leaf_hex: Option<String>,
    /// The entry's leaf hash in hex (RFC 6962).
    #[arg(long, value_name = "HEX")]
    pub(crate) leaf_hash: Option<String>,
    /// The proof is a Luxor receipt: its extra line opens the entry, and what that says is told.
    #[arg(long)]
    pub(crate) receipt: bool,
}

/// `luxor log consistency`
#[derive(Debug, Args)]
pub(crate) struct ConsistencyArgs {
    /// A checkpoint that the log showed earlier.
    pub(crate) old_checkpoint: PathBuf,
    #[command(flatten)]
    pub(crate) log: SourceArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Where to write evidence, should the log show another history now.
    #[arg(long, value_name = "FILE")]
    pub(crate) evidence: Option<PathBuf>,
}

/// `luxor log witness`
#[derive(Debug, Args)]
pub(crate) struct WitnessArgs {
    /// The checkpoint; the cosignature is added to this file.
    pub(crate) checkpoint: PathBuf,
    #[command(flatten)]
    pub(crate) log: SourceArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// The witness's address, to which `/add-checkpoint` is added.
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// The witness's verifier key, or a file with it. May be given several times, for a witness with several keys.
    #[arg(long, value_name = "KEY|FILE", required = true)]
    pub(crate) witness_key: Vec<String>,
    /// The size that the witness cosigned last, if known: saves a question.
    #[arg(long, value_name = "SIZE", default_value_t = 0)]
    pub(crate) old: u64,
}

/// `luxor evidence verify`
#[derive(Debug, Args)]
pub(crate) struct EvidenceVerifyArgs {
    /// The evidence.
    pub(crate) file: PathBuf,
    /// The log's verifier key, or a file with it, got elsewhere than with the evidence.
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) vkey: Option<String>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor evidence make`
#[derive(Debug, Args)]
pub(crate) struct EvidenceMakeArgs {
    /// A checkpoint.
    pub(crate) a: PathBuf,
    /// Another checkpoint of the same log.
    pub(crate) b: PathBuf,
    /// The log's verifier key, or a file with it.
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) vkey: String,
    /// The log's files as the checkpoint with the larger size says they are: a folder or an http:// URL.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) source: Option<String>,
    /// Where to write the evidence.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor evidence fetch`
#[derive(Debug, Args)]
pub(crate) struct EvidenceFetchArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Where to write the files.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// `luxor policy of`
#[derive(Debug, Args)]
pub(crate) struct PolicyOfArgs {
    /// Whose log.
    #[arg(value_name = "MEMBER/NODE")]
    pub(crate) log: NodeRef,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor policy lint`
#[derive(Debug, Args)]
pub(crate) struct PolicyLintArgs {
    /// The policy (C2SP tlog-policy).
    pub(crate) file: PathBuf,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor policy flat`
#[derive(Debug, Args)]
pub(crate) struct PolicyFlatArgs {
    /// Verifier keys of logs, or files with one each.
    #[arg(long, value_name = "KEY|FILE", num_args = 1..)]
    pub(crate) log: Vec<String>,
    /// Verifier keys of witnesses, or files with one each.
    #[arg(long, value_name = "KEY|FILE", num_args = 1..)]
    pub(crate) witness: Vec<String>,
    /// How many witnesses suffice. Without it, more than two thirds.
    #[arg(long, value_name = "K")]
    pub(crate) threshold: Option<usize>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}
