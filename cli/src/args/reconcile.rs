//! Commands about differences between what was declared, what came, what was accounted, paid and given back.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use luxor_protocol::accounting::{Class, FindingState};
use luxor_protocol::names::Currency;
use luxor_protocol::recognition::Period;
use luxor_protocol::revenue::Exact;

use super::NodeArgs;

/// `luxor reconcile`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ReconcileArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ReconcileCommand>,
    /// The node's folder, or the URL of its local interface (with LUXOR_TOKEN set).
    #[arg(long, value_name = "DIR|URL", required = true)]
    pub(crate) node: Option<String>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
    /// Differences of this class only. May be given several times.
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Vec<Class>,
    /// open, explained or written_off.
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<FindingState>,
    /// Of this month.
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) period: Option<Period>,
    /// CSV on stdout: a line for each difference.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

/// What people do about differences.
#[derive(Debug, Subcommand)]
pub(crate) enum ReconcileCommand {
    /// Explain a difference. It is open again when its facts change.
    Explain(ReconcileExplainArgs),
    /// Write a difference off.
    WriteOff(WriteOffArgs),
    /// Close a month of an account: from then on it is changed by corrections in open months only.
    Close(CloseArgs),
    /// Hand in a bank statement (ISO 20022 camt.053, or CSV), to be matched to summaries by their references.
    Payments(PaymentsArgs),
    /// Hand in the list of a summary, the records that its root commits to, so that what it lacks and what is not known are told one by one.
    List(SummaryListArgs),
}

/// `luxor reconcile explain`
#[derive(Debug, Args)]
pub(crate) struct ReconcileExplainArgs {
    /// The difference's name, as `luxor reconcile` shows it.
    pub(crate) id: String,
    /// Who explains it.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: String,
    /// Why it is none.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
    /// The root of a record that shows it.
    #[arg(long, value_name = "ROOT")]
    pub(crate) record: Option<String>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor reconcile write-off`
#[derive(Debug, Args)]
pub(crate) struct WriteOffArgs {
    /// The difference's name, as `luxor reconcile` shows it.
    pub(crate) id: String,
    /// Who writes it off.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
    /// How much.
    #[arg(long, value_name = "AMOUNT", requires = "currency", value_parser = amount)]
    pub(crate) amount: Option<Exact>,
    /// Of which currency.
    #[arg(long, value_name = "CODE", requires = "amount")]
    pub(crate) currency: Option<Currency>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor reconcile close`
#[derive(Debug, Args)]
pub(crate) struct CloseArgs {
    /// The account.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: String,
    /// The month, which has to be over.
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) period: Period,
    /// Who closes it.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: String,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor reconcile payments`
#[derive(Debug, Args)]
pub(crate) struct PaymentsArgs {
    /// The statement; a name ending in .xml is camt.053, any other CSV.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// How the bank writes its CSV (TOML). Without it: columns amount, currency, booked (YYYY-MM-DD), reference, text.
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor reconcile list`
#[derive(Debug, Args)]
pub(crate) struct SummaryListArgs {
    /// The list, as JSON: account, period, and items with issuer, reference, item, territory and lines.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

fn amount(text: &str) -> Result<Exact, String> {
    text.parse().map_err(|error: luxor_protocol::revenue::MoneyError| error.to_string())
}
