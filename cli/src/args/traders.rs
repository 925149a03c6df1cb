//! Commands that ask a node about traders.

use clap::Args;
use luxor_protocol::names::Purpose;
use luxor_protocol::recognition::Scheme;
use luxor_protocol::time::Millis;

use super::NodeArgs;

/// `luxor recognise`
#[derive(Debug, Args)]
pub(crate) struct RecogniseArgs {
    /// The trader's number, exactly as its credential has it.
    pub(crate) number: String,
    /// tin, eori, ioss, registration or seller. Without it the number tells, where it is plain: IM and ten digits is an IOSS number;
    /// two letters and at most 15 letters and digits an EORI, with more of them, to 35 in all, a TIN.
    #[arg(long)]
    pub(crate) scheme: Option<Scheme>,
    /// What for.
    #[arg(long)]
    pub(crate) purpose: Purpose,
    /// Tariff codes of the goods: a benefit may not hold for some. May be given several times.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) hs: Vec<String>,
    /// Groups of data that are given besides what is owed: a benefit may depend on them. May be given several times.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub(crate) given: Vec<String>,
    /// As of this moment (RFC 3339), by what was known then; else now.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Millis>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor uses`
#[derive(Debug, Args)]
pub(crate) struct UsesArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}
