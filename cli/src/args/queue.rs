//! `luxor queue` and `luxor officer`: what screening proposes, who decides, and how a mistake is undone.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use luxor_protocol::hash::{Digest, unhex};
use luxor_protocol::names::MemberId;
use luxor_protocol::threats::{Advice, IndicatorId, State};
use luxor_protocol::time::Day;

use super::NodeArgs;

/// `luxor queue`
#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// Proposals: the least time left to load first.
    List(QueueListArgs),
    /// How screening stands: how far the log is screened, what became of the proposals of each rule, who the officers are.
    Status(NodeArgs),
    /// One proposal with its reasons and what was answered.
    Show(QueueShowArgs),
    /// Order that proposals be followed: referrals are sent. Some need a second officer, see `luxor queue status`.
    Confirm(QueueOrderArgs),
    /// Order that proposals not be followed.
    Dismiss(QueueOrderArgs),
    /// Order that goods be seized: two officers.
    Seize(QueueOrderArgs),
    /// Undo an indicator or a rule: all open proposals that rest on it alone are reversed in one step, its issuer is told, and what was carried
    /// out already is listed with the carrier's answer.
    Undo(QueueUndoArgs),
    /// Orders that wait for officers, and those that were carried out.
    Orders(NodeArgs),
    /// Sign an order as an officer; it is carried out once enough did.
    Sign(QueueSignArgs),
    /// Indicators that this node holds: how they stand, what they hit, how often they were right, what platforms did about own ones.
    Indicators(QueueIndicatorsArgs),
    /// What other rules would propose about what was received.
    DryRun(QueueDryRunArgs),
    /// Answer another's indicator, as a platform: what was done about a seller or site.
    Answer(QueueAnswerArgs),
}

/// `luxor queue list`
#[derive(Debug, Args)]
pub(crate) struct QueueListArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// In this state; without it, open.
    #[arg(long)]
    pub(crate) state: Option<State>,
    /// That propose this: watch, screen, inform, inspect, do_not_load.
    #[arg(long)]
    pub(crate) advice: Option<Advice>,
    /// That this rule makes.
    #[arg(long, value_name = "ID")]
    pub(crate) rule: Option<String>,
    /// That this indicator is a ground of.
    #[arg(long, value_name = "ID", requires = "issuer")]
    pub(crate) indicator: Option<IndicatorId>,
    /// The indicator's issuer.
    #[arg(long, value_name = "ID", requires = "indicator")]
    pub(crate) issuer: Option<MemberId>,
    /// How many to list.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u64,
}

/// `luxor queue show`
#[derive(Debug, Args)]
pub(crate) struct QueueShowArgs {
    /// The record's root.
    #[arg(value_parser = digest)]
    pub(crate) root: Digest,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Who signs, and why.
#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
    /// Sign at once as the officer of this name.
    #[arg(long, value_name = "NAME", requires = "key")]
    pub(crate) officer: Option<String>,
    /// The officer's key file.
    #[arg(long, value_name = "FILE", requires = "officer")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor queue confirm`, `dismiss`, `seize`
#[derive(Debug, Args)]
pub(crate) struct QueueOrderArgs {
    /// Roots of the records.
    #[arg(value_parser = digest, required = true)]
    pub(crate) roots: Vec<Digest>,
    #[command(flatten)]
    pub(crate) decide: DecideArgs,
}

/// `luxor queue undo`
#[derive(Debug, Args)]
pub(crate) struct QueueUndoArgs {
    /// The indicator.
    #[arg(long, value_name = "ID", requires = "issuer", required_unless_present = "rule", conflicts_with = "rule")]
    pub(crate) indicator: Option<IndicatorId>,
    /// Its issuer.
    #[arg(long, value_name = "ID", requires = "indicator")]
    pub(crate) issuer: Option<MemberId>,
    /// The rule.
    #[arg(long, value_name = "ID")]
    pub(crate) rule: Option<String>,
    #[command(flatten)]
    pub(crate) decide: DecideArgs,
}

/// `luxor queue sign`
#[derive(Debug, Args)]
pub(crate) struct QueueSignArgs {
    /// The order's digest.
    #[arg(value_parser = digest)]
    pub(crate) order: Digest,
    /// As the officer of this name.
    #[arg(long, value_name = "NAME")]
    pub(crate) officer: String,
    /// The officer's key file.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor queue indicators`
#[derive(Debug, Args)]
pub(crate) struct QueueIndicatorsArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Of this member only.
    #[arg(long, value_name = "ID")]
    pub(crate) issuer: Option<MemberId>,
    /// How many to list.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u64,
}

/// `luxor queue dry-run`
#[derive(Debug, Args)]
pub(crate) struct QueueDryRunArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// The rules, as `luxor screen --template` prints them; without it those in use.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// Days to look back.
    #[arg(long, value_name = "N", default_value_t = 14)]
    pub(crate) days: u64,
}

/// `luxor queue answer`
#[derive(Debug, Args)]
pub(crate) struct QueueAnswerArgs {
    /// The indicator.
    pub(crate) indicator: IndicatorId,
    /// Its issuer.
    #[arg(long, value_name = "ID")]
    pub(crate) issuer: MemberId,
    /// What was done.
    #[arg(long, value_parser = ["removed", "restricted", "kept"])]
    pub(crate) outcome: String,
    /// On which day; today without it.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) on: Option<Day>,
    /// How many listings.
    #[arg(long, value_name = "N")]
    pub(crate) listings: Option<u64>,
    /// On which ground.
    #[arg(long, value_name = "TEXT")]
    pub(crate) ground: Option<String>,
    /// How an appeal stands.
    #[arg(long, value_parser = ["none", "open", "upheld", "dismissed"])]
    pub(crate) appeal: Option<String>,
    /// The own reference of the answer.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reference: String,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor officer`
#[derive(Debug, Args)]
pub(crate) struct OfficerArgs {
    /// The officer's name, as orders give it.
    pub(crate) name: String,
    /// Where the key goes, readable by its owner only; it must not exist.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

fn digest(text: &str) -> Result<Digest, String> {
    let bytes = unhex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.map(Digest).ok_or_else(|| "64 hexadecimal digits".into())
}
