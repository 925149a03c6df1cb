//! Commands about windows of channels, and disputes about what is in them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Millis;

use super::NodeArgs;

/// `luxor window`
#[derive(Debug, Subcommand)]
pub(crate) enum WindowCommand {
    /// List the channels of a node: how many numbers each has, and how far statements that both sides signed cover it.
    List(WindowListArgs),
    /// List the statements about a channel.
    Statements(WindowStatementsArgs),
    /// Close a window of a channel that begins here: compare it with the recipient, and have a statement about it signed by both sides and
    /// entered in both logs.
    Close(WindowCloseArgs),
    /// Compare numbers of a channel to or from this node with what the other side has, and keep what it signed about them.
    Compare(WindowCompareArgs),
}

/// `luxor dispute`
#[derive(Debug, Subcommand)]
pub(crate) enum DisputeCommand {
    /// Write one file with everything that shows what became of numbers that two sides differ about.
    Export(DisputeExportArgs),
    /// Verify such a file, without any node and network: what is proven about each number.
    Verify(DisputeVerifyArgs),
}

/// `luxor window list`
#[derive(Debug, Args)]
pub(crate) struct WindowListArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// A channel of the node that is asked.
#[derive(Debug, Args)]
pub(crate) struct ChannelArgs {
    /// The channel that goes to this node.
    #[arg(long, value_name = "NODE", conflicts_with = "of", required_unless_present = "of")]
    pub(crate) to: Option<NodeRef>,
    /// The channel that comes from this node.
    #[arg(long = "from-node", value_name = "NODE")]
    pub(crate) of: Option<NodeRef>,
    /// Its urgent lane.
    #[arg(long)]
    pub(crate) urgent: bool,
    /// The sender's epoch; without it the newest one in which something was sent.
    #[arg(long, value_name = "N")]
    pub(crate) epoch: Option<u64>,
}

/// `luxor window statements`
#[derive(Debug, Args)]
pub(crate) struct WindowStatementsArgs {
    #[command(flatten)]
    pub(crate) channel: ChannelArgs,
    /// Those about windows that end with this number or a later one.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) from: u64,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor window close`
#[derive(Debug, Args)]
pub(crate) struct WindowCloseArgs {
    /// To whom the channel goes.
    #[arg(long, value_name = "NODE")]
    pub(crate) to: NodeRef,
    /// Its urgent lane.
    #[arg(long)]
    pub(crate) urgent: bool,
    /// The first number. Without it, the one after the last that a statement covers; an earlier range can be closed again.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) first: Option<u64>,
    /// The last number. Without it, the last that was given.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) last: Option<u64>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor window compare`
#[derive(Debug, Args)]
pub(crate) struct WindowCompareArgs {
    #[command(flatten)]
    pub(crate) channel: ChannelArgs,
    /// The first number.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) first: u64,
    /// The last number. Without it, the last at which something stands here.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) last: Option<u64>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor dispute export`
#[derive(Debug, Args)]
pub(crate) struct DisputeExportArgs {
    #[command(flatten)]
    pub(crate) channel: ChannelArgs,
    /// The numbers. Without them, those that the last comparison of the channel found to differ.
    #[arg(long, value_delimiter = ',', value_name = "NUMBER,NUMBER")]
    pub(crate) numbers: Vec<u64>,
    /// Where to write it.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor dispute verify`
#[derive(Debug, Args)]
pub(crate) struct DisputeVerifyArgs {
    /// The file.
    pub(crate) file: PathBuf,
    /// The network that it must be of, from elsewhere: the digest of the founding charter, or the charter itself.
    #[arg(long, value_name = "DIGEST|FILE")]
    pub(crate) charter: String,
    /// Dispatches made at or before this moment had to have their receipts: one without is withheld then, and not pending.
    #[arg(long, value_name = "TIME")]
    pub(crate) due: Option<Millis>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}
