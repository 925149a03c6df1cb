//! `luxor indicator` and `luxor screen`: threats, and what they hit; `luxor taxii`: who reads a node's. None needs a running node.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use luxor_protocol::limits::MAX_INDICATOR_DAYS;
use luxor_protocol::names::{MemberId, Slug};
use luxor_protocol::threats::{Advice, ListForm, Listed};
use luxor_protocol::time::{Day, Millis};

/// `luxor indicator`
#[derive(Debug, Subcommand)]
pub(crate) enum IndicatorCommand {
    /// Make records `indicator` of a public list of sanctioned parties, for `luxor submit`. The same entry is the same indicator each time.
    List(IndicatorListArgs),
    /// Make records `indicator` of a STIX 2.1 bundle, for `luxor submit`; what declarations and platforms do not tell is named and left out.
    FromStix(IndicatorFromStixArgs),
    /// Make records `indicator` of a table in CSV, a row each, for `luxor submit`; with one refused row nothing is written. The same reference is
    /// the same indicator each time.
    FromCsv(IndicatorFromCsvArgs),
    /// Write records `indicator` as a STIX 2.1 bundle.
    ToStix(IndicatorToStixArgs),
    /// Look through records `indicator` before they are submitted: what is wrong with them, and which would hit half the world.
    Check(IndicatorCheckArgs),
}

/// `luxor indicator list`
#[derive(Debug, Args)]
pub(crate) struct IndicatorListArgs {
    /// The list. `-` reads stdin.
    pub(crate) file: PathBuf,
    /// Its form: ofac-sdn (sdn.csv), us-csl (consolidated.csv), us-dpl (dpl.txt).
    #[arg(long)]
    pub(crate) form: ListForm,
    /// What the list is called in the indicators, such as "OFAC SDN".
    #[arg(long, value_name = "NAME")]
    pub(crate) list: String,
    /// Which entries. May be given several times.
    #[arg(long, value_name = "KIND", default_values = ["entity", "vessel", "aircraft"])]
    pub(crate) kind: Vec<Listed>,
    /// How sure, in hundredths.
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u8).range(..=100))]
    pub(crate) confidence: u8,
    /// What is advised: watch, screen, inform, inspect, do_not_load.
    #[arg(long, default_value = "inspect")]
    pub(crate) advice: Advice,
    /// The first day on which they hold; today without it.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) from: Option<Day>,
    #[command(flatten)]
    pub(crate) made: MadeArgs,
}

/// `luxor indicator from-stix`
#[derive(Debug, Args)]
pub(crate) struct IndicatorFromStixArgs {
    /// The bundle. `-` reads stdin.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) made: MadeArgs,
}

/// `luxor indicator from-csv`
#[derive(Debug, Args)]
#[command(after_help = COLUMNS_HELP)]
pub(crate) struct IndicatorFromCsvArgs {
    /// The table. `-` reads stdin.
    #[arg(required_unless_present = "template")]
    pub(crate) file: Option<PathBuf>,
    /// Whose indicators they will be: the member's name.
    #[arg(long, value_name = "ID", required_unless_present = "template")]
    pub(crate) issuer: Option<MemberId>,
    /// For how many days they hold that have no valid_until.
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=MAX_INDICATOR_DAYS))]
    pub(crate) days: u64,
    /// Where to write the records. Without it, stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print a table with all columns and two rows, to begin from.
    #[arg(long, exclusive = true)]
    pub(crate) template: bool,
}

const COLUMNS_HELP: &str = "\
Columns, in any order, by the names of the record's fields; others are refused, those that are not used may be left out:
  once           id or reference, revision, action, valid_from, valid_until, threat, confidence, tlp, advice, name, text, list, list_id,
                 supersedes, mass_from_kg, mass_to_kg
  goods          hs, words, origin, value_from, value_to, currency, net_kg_from, net_kg_to
  routes         departure, destination, first_entry, transit, mode, office
  parties        party_role, party_id, party_name, party_country, platform
  numbers        prefix, operator
  sites          site
  merges         merged_issuer, merged_id, merged_grade, merged_text: a coordinator's, see SPEC.md
Goods, routes, parties, numbers, sites and merges may stand several times: `|` divides their values, which pair up by their places within a group, so
all columns of it that are not empty have as many ('9503|950300' and 'CN|'). A day stands for its first moment.";

/// Whose records are made, and where they go.
#[derive(Debug, Args)]
pub(crate) struct MadeArgs {
    /// Whose indicators they will be: the member's name.
    #[arg(long, value_name = "ID")]
    pub(crate) issuer: MemberId,
    /// For how many days they hold, where the source does not say.
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=MAX_INDICATOR_DAYS))]
    pub(crate) days: u64,
    /// Where to write the records. Without it, stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `luxor indicator to-stix`
#[derive(Debug, Args)]
pub(crate) struct IndicatorToStixArgs {
    /// Records `indicator`, as `luxor submit` reads them.
    pub(crate) file: PathBuf,
    /// Who issues them: the member's name.
    #[arg(long, value_name = "ID")]
    pub(crate) issuer: MemberId,
    /// Where to write the bundle. Without it, stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `luxor indicator check`
#[derive(Debug, Args)]
pub(crate) struct IndicatorCheckArgs {
    /// Records `indicator`, as `luxor submit` reads them.
    pub(crate) file: PathBuf,
    /// Names, numbers and words that are never meant: a TOML file of `[[list]]` with `name` and any of `names`, `ids`, `words`.
    #[arg(long, value_name = "FILE")]
    pub(crate) warning_lists: Option<PathBuf>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor screen`
#[derive(Debug, Args)]
pub(crate) struct ScreenArgs {
    /// Declarations, orders and other records, as `luxor submit` reads them. `-` reads stdin.
    #[arg(value_name = "FILE", required_unless_present = "template")]
    pub(crate) files: Vec<PathBuf>,
    /// Records `indicator`, as `luxor submit` reads them; with `ID=FILE` those of another member. May be given several times.
    #[arg(long, value_name = "[ID=]FILE", required_unless_present = "template")]
    pub(crate) indicators: Vec<String>,
    /// A member that merges and grades others' indicators, as the charter names it. May be given several times.
    #[arg(long, value_name = "ID")]
    pub(crate) coordinator: Vec<MemberId>,
    /// What the files are: `ndjson`, `csv` (canonical), `wco`. Without it, their names tell.
    #[arg(long, value_name = "FORMAT", conflicts_with = "mapping")]
    pub(crate) format: Option<String>,
    /// How CSV columns become fields: the name of a built-in mapping, or a file.
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) mapping: Option<String>,
    /// What is proposed from which score on: `sample`, or a file.
    #[arg(long, value_name = "FILE|sample", default_value = "sample")]
    pub(crate) rules: String,
    /// The moment whose indicators and rules count; now without it.
    #[arg(long, value_name = "RFC3339")]
    pub(crate) at: Option<Millis>,
    /// Write each record that is hit as a line of JSON: its line and reference, score, proposal, each hit with its reasons.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print the sample of rules, to begin from.
    #[arg(long)]
    pub(crate) template: bool,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor taxii`
#[derive(Debug, Subcommand)]
pub(crate) enum TaxiiCommand {
    /// Add a user to the file of a node's folder and print its secret, once. A running node follows.
    User(TaxiiUserArgs),
}

/// `luxor taxii user`
#[derive(Debug, Args)]
pub(crate) struct TaxiiUserArgs {
    /// Its name.
    pub(crate) name: String,
    /// The node's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) node: PathBuf,
    /// Agreements whose indicators it reads; all without. May be given several times.
    #[arg(long, value_name = "ID")]
    pub(crate) agreement: Vec<Slug>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}
