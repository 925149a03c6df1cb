//! `luxor stats`: what is published of items, how, and under which rules.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use luxor_protocol::names::{CollectionModel, Currency, MemberId, Purpose, Slug};
use luxor_protocol::record::Decimal;
use luxor_protocol::statistics::{
    Closeness, Dimension, Dominance, Flow, Measure, Month, Role, Rules, Structure, Table,
};

use super::NodeArgs;

/// The columns of facts.
const FACTS_HELP: &str = "\
Facts are CSV with the columns month (YYYY-MM), flow (import, export), hs (2 to 12 digits, of which four count), origin, destination (two
capital letters), mode (a digit, UNECE Recommendation 19), model (vendor, intermediary, qualified_party, consumer), value (minor units);
and, where there are any, count (1 without it), mass (grams), duty (minor units), importer, seller, filer (any name that is the same for
the same party; without one all are one party, and more is withheld).";

/// `luxor stats`
#[derive(Debug, Subcommand)]
pub(crate) enum StatsCommand {
    /// Make facts of the records of a running node: a row for each goods item that is declared, each item once, with the duty that is known of
    /// it. Parties get numbers; no name is written.
    Facts(StatsFactsArgs),
    /// Make tables of facts, withhold the cells that would tell of somebody, and sign them with the member's identity key.
    #[command(after_help = FACTS_HELP)]
    Table(StatsTableArgs),
    /// What lies below and above de minimis thresholds: items, value, duty and the cost of collection, by collection model. For a review
    /// inside of an administration: nothing is withheld.
    #[command(after_help = FACTS_HELP)]
    Threshold(StatsThresholdArgs),
    /// Add up the signed tables of several members, cell by cell; what one withholds stays withheld.
    Combine(StatsCombineArgs),
    /// Verify a signed publication by a folder of documents. Needs no node.
    Verify(StatsVerifyArgs),
    /// Send a signed publication to a member under an agreement that gives records of the type statistics.
    Publish(StatsPublishArgs),
    /// Write a publication that a member sent, once its signature is verified and the record says of it what it is.
    Fetch(StatsFetchArgs),
}

/// `luxor stats facts`
#[derive(Debug, Args)]
pub(crate) struct StatsFactsArgs {
    /// import (filings of kind import) or export (export, reexport).
    #[arg(long)]
    pub(crate) flow: Flow,
    /// The first month. A goods item lies in the month in which its declaration was filed, else lodged.
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) from: Month,
    /// The last month.
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) to: Month,
    /// The currency of value and duty.
    #[arg(long)]
    pub(crate) currency: Currency,
    /// Where rates of exchange stand: books as `luxor duty assess` reads them. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) book: Vec<String>,
    /// Purposes for which received records may be looked at, beside own ones.
    #[arg(long, value_name = "PURPOSE,PURPOSE", value_delimiter = ',', default_value = "statistics")]
    pub(crate) purposes: Vec<Purpose>,
    /// Who collects, where neither a record of duty nor the declaration says so; without it such goods are left out.
    #[arg(long)]
    pub(crate) model: Option<CollectionModel>,
    /// Count imports whose goods name no origin as from where they left.
    #[arg(long)]
    pub(crate) departure_as_origin: bool,
    /// Where facts are written, as CSV; - is stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor stats publish`
#[derive(Debug, Args)]
pub(crate) struct StatsPublishArgs {
    /// The signed publication, as `luxor stats table` writes it.
    pub(crate) file: PathBuf,
    /// Who is to get it.
    #[arg(long, value_name = "ID")]
    pub(crate) to: MemberId,
    /// The agreement that gives it.
    #[arg(long, value_name = "ID")]
    pub(crate) agreement: Slug,
    /// Wait at most so long for the receipt.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) wait: u64,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor stats fetch`
#[derive(Debug, Args)]
pub(crate) struct StatsFetchArgs {
    /// The reference of the record that carries or names it.
    pub(crate) reference: String,
    /// Who published it, where several members have such a reference.
    #[arg(long, value_name = "ID")]
    pub(crate) from: Option<MemberId>,
    /// Where the signed publication is written.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Wait at most so long for an attached file.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(crate) wait: u64,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor stats table`
#[derive(Debug, Args)]
pub(crate) struct StatsTableArgs {
    /// Facts in CSV; - is stdin.
    pub(crate) facts: PathBuf,
    /// A table: its name and what it shows, such as trade=product:chapter,origin,mode,time:month. Each dimension (time, origin,
    /// destination, product, mode, model) with its totals, down to a level (year, month; chapter, heading) or all. May be given
    /// several times: tables are proven safe together.
    #[arg(long = "table", value_name = "NAME=DIMENSION,…", required = true)]
    pub(crate) tables: Vec<TableArg>,
    /// import or export: facts of the other flow are not counted.
    #[arg(long, default_value = "import")]
    pub(crate) flow: Flow,
    /// The first month.
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) from: Month,
    /// The last month.
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) to: Month,
    /// The currency of value and duty.
    #[arg(long)]
    pub(crate) currency: Currency,
    /// Everything that was published of the same items before: signed files. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) earlier: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    /// The node's folder, with luxord.toml, documents and the member's identity key.
    #[arg(long, value_name = "DIR")]
    pub(crate) node: PathBuf,
    /// Where the signed publication is written.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Where a record that carries it is written, for `luxor submit`; a file too large for a record is to be attached to it.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) forms: FormArgs,
    /// Machine-readable output: what is withheld and why. Not for publication.
    #[arg(long)]
    pub(crate) json: bool,
}

/// When cells are withheld.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// A cell of fewer items is sensitive.
    #[arg(long, value_name = "N", default_value_t = 3)]
    min_count: u32,
    /// A cell of fewer parties is sensitive, in each role.
    #[arg(long, value_name = "N", default_value_t = 3)]
    min_parties: u32,
    /// Roles in which parties count; none for none.
    #[arg(long, value_name = "ROLE,ROLE", value_delimiter = ',', default_value = "importer,seller,filer")]
    roles: Vec<RoleArg>,
    /// The (n, k) rule: sensitive where the n largest have k per cent, as MEASURE:N:K. May be given several times.
    #[arg(long, value_name = "MEASURE:N:K", default_value = "value:1:75")]
    dominance: Vec<DominanceArg>,
    /// The p% rule, as MEASURE:P. May be given several times.
    #[arg(long, value_name = "MEASURE:P", default_value = "value:10")]
    closeness: Vec<ClosenessArg>,
    /// So many per cent off on both sides value, mass and duty of a sensitive cell must stay possible.
    #[arg(long, value_name = "PERCENT", default_value_t = 20)]
    protection: u8,
}

impl RulesArgs {
    pub(crate) fn rules(&self) -> Rules {
        let mut roles: Vec<_> = self.roles.iter().filter_map(|role| role.0).collect();
        roles.sort_unstable();
        roles.dedup();
        Rules {
            min_count: self.min_count,
            min_contributors: self.min_parties,
            roles,
            dominances: self.dominance.iter().map(|rule| rule.0).collect(),
            closenesses: self.closeness.iter().map(|rule| rule.0).collect(),
            protection_percent: self.protection,
        }
    }
}

/// How a publication is written besides.
#[derive(Debug, Args)]
pub(crate) struct FormArgs {
    /// Write the tables as CSV; - is stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Write the tables as an SDMX-CSV 2.0 data message; - is stdout.
    #[arg(long, value_name = "FILE", requires = "structure")]
    pub(crate) sdmx: Option<PathBuf>,
    /// The dataflow that SDMX-CSV names.
    #[arg(long, value_name = "AGENCY:ID(VERSION)")]
    pub(crate) structure: Option<StructureArg>,
}

/// `luxor stats threshold`
#[derive(Debug, Args)]
pub(crate) struct StatsThresholdArgs {
    /// Facts in CSV, a row for each item; - is stdin.
    pub(crate) facts: PathBuf,
    /// Thresholds in units of the currency, such as 0,22,50,150: an item of that value lies below.
    #[arg(long, value_name = "AMOUNT,AMOUNT", value_delimiter = ',', required = true)]
    pub(crate) at: Vec<AmountArg>,
    /// The currency of value and duty.
    #[arg(long)]
    pub(crate) currency: Currency,
    /// import or export: facts of the other flow are not counted.
    #[arg(long, default_value = "import")]
    pub(crate) flow: Flow,
    /// The first month; without it all.
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) from: Option<Month>,
    /// The last month; without it all.
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) to: Option<Month>,
    /// What collecting costs under a model: for each item, in units of the currency, and of the duty in thousandths, such as
    /// vendor=0.10:5. May be given several times.
    #[arg(long, value_name = "MODEL=AMOUNT:PER_MILLE")]
    pub(crate) cost: Vec<CostArg>,
    /// Machine-readable output, amounts in minor units.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor stats combine`
#[derive(Debug, Args)]
pub(crate) struct StatsCombineArgs {
    /// Signed publications, one of each member, with the same months, currency and tables.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// A folder of documents, such as a node's documents/: its charters count.
    #[arg(long, value_name = "DIR")]
    pub(crate) documents: PathBuf,
    #[command(flatten)]
    pub(crate) forms: FormArgs,
}

/// `luxor stats verify`
#[derive(Debug, Args)]
pub(crate) struct StatsVerifyArgs {
    /// The signed publication.
    pub(crate) file: PathBuf,
    /// A folder of documents, such as a node's documents/: its charters count.
    #[arg(long, value_name = "DIR")]
    pub(crate) documents: PathBuf,
    #[command(flatten)]
    pub(crate) forms: FormArgs,
    /// Machine-readable output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `trade=product:chapter,origin`
#[derive(Debug, Clone)]
pub(crate) struct TableArg(pub(crate) Table);

impl FromStr for TableArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, shown) = text.split_once('=').ok_or("expected NAME=DIMENSION,DIMENSION")?;
        let mut table = Table::new(name.parse().map_err(|error| format!("{error}"))?);
        for part in shown.split(',').filter(|part| !part.is_empty()) {
            let (dimension, level) = part.split_once(':').map_or((part, None), |(one, level)| (one, Some(level)));
            let dimension: Dimension = dimension.parse().map_err(|error| format!("{error}"))?;
            table = match (dimension, level) {
                (_, None) => table.by(dimension),
                (Dimension::Time, Some("year")) | (Dimension::Product, Some("chapter")) => table.down_to(dimension, 1),
                (Dimension::Time, Some("month")) | (Dimension::Product, Some("heading")) => table.by(dimension),
                (_, Some(level)) => {
                    return Err(format!(
                        "{dimension} has no level '{level}': time has year and month, product chapter and heading"
                    ));
                }
            };
        }
        Ok(Self(table))
    }
}

/// A role, or `none`.
#[derive(Debug, Clone)]
struct RoleArg(Option<Role>);

impl FromStr for RoleArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self(None)),
            _ => text.parse().map(|role| Self(Some(role))).map_err(|error| format!("{error}")),
        }
    }
}

/// `value:1:75`
#[derive(Debug, Clone)]
struct DominanceArg(Dominance);

impl FromStr for DominanceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split(':').collect();
        let [measure, largest, percent] = parts.as_slice() else { return Err("expected MEASURE:N:K".into()) };
        Ok(Self(Dominance { measure: of_measure(measure)?, largest: number(largest)?, percent: number(percent)? }))
    }
}

/// `value:10`
#[derive(Debug, Clone)]
struct ClosenessArg(Closeness);

impl FromStr for ClosenessArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (measure, percent) = text.split_once(':').ok_or("expected MEASURE:P")?;
        Ok(Self(Closeness { measure: of_measure(measure)?, percent: number(percent)? }))
    }
}

fn of_measure(text: &str) -> Result<Measure, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn number(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| format!("'{text}' is no number up to 255"))
}

/// `KCS:PARCELS(1.0.0)`
#[derive(Debug, Clone)]
pub(crate) struct StructureArg(pub(crate) Structure);

impl FromStr for StructureArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = || {
            let (agency, rest) = text.split_once(':')?;
            let (id, version) = rest.strip_suffix(')')?.split_once('(')?;
            Some((agency, id, version))
        };
        let (agency, id, version) = parts().ok_or("expected AGENCY:ID(VERSION)")?;
        Structure::new(agency, id, version).map(Self).map_err(|error| error.to_string())
    }
}

/// An amount in units of a currency that is named elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AmountArg(Decimal);

impl FromStr for AmountArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<Decimal>() {
            Ok(amount) if amount.mantissa >= 0 => Ok(Self(amount)),
            _ => Err(format!("'{text}' is no amount: digits, and a point with digits behind it")),
        }
    }
}

impl AmountArg {
    /// The amount in minor units of a currency with so many digits behind the point; nothing where it has more, or is too large.
    pub(crate) fn minor(self, digits: u8) -> Option<u64> {
        let Self(Decimal { mantissa, scale }) = self;
        let times = 10_u64.checked_pow(u32::from(digits.checked_sub(scale)?))?;
        u64::try_from(mantissa).ok()?.checked_mul(times)
    }
}

/// `vendor=0.10:5`
#[derive(Debug, Clone)]
pub(crate) struct CostArg {
    pub(crate) model: CollectionModel,
    pub(crate) per_item: AmountArg,
    pub(crate) per_mille: u32,
}

impl FromStr for CostArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (model, cost) = text.split_once('=').ok_or("expected MODEL=AMOUNT:PER_MILLE")?;
        let (per_item, per_mille) = cost.split_once(':').unwrap_or((cost, "0"));
        Ok(Self {
            model: model.parse().map_err(|error| format!("{error}"))?,
            per_item: per_item.parse()?,
            per_mille: per_mille.parse().map_err(|_| format!("'{per_mille}' is no number of thousandths"))?,
        })
    }
}
