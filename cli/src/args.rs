//! The command line. What is said of documents is in [`documents`], of traders in [`traders`], of differences in [`reconcile`], of
//! duty in [`duty`], of statistics in [`stats`], of threats in [`threats`] and [`queue`], of windows and disputes in [`windows`].

mod documents;
mod duty;
mod queue;
mod reconcile;
mod stats;
mod threats;
mod traders;
mod windows;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use luxor_protocol::names::{MemberId, MemberKind, NodeRef, Purpose, Slug, Territory};
use luxor_protocol::time::Day;

use crate::exit;
pub(crate) use documents::{
    AgreementCommand, CardCommand, CharterCommand, DocumentsArgs, ExplainArgs, KeysArgs, KnownArgs, RenewArgs,
    RevokeArgs, RotateArgs, SignerArgs, WordArgs,
};
pub(crate) use duty::{DutyAssessArgs, DutyCommand};
pub(crate) use queue::{
    DecideArgs, OfficerArgs, QueueAnswerArgs, QueueCommand, QueueDryRunArgs, QueueIndicatorsArgs, QueueListArgs,
    QueueOrderArgs, QueueSignArgs, QueueUndoArgs,
};
pub(crate) use reconcile::{
    CloseArgs, PaymentsArgs, ReconcileArgs, ReconcileCommand, ReconcileExplainArgs, SummaryListArgs, WriteOffArgs,
};
pub(crate) use stats::{
    AmountArg, FormArgs, StatsCombineArgs, StatsCommand, StatsFactsArgs, StatsFetchArgs, StatsPublishArgs,
    StatsTableArgs, StatsThresholdArgs, StatsVerifyArgs,
};
pub(crate) use threats::{
    IndicatorCheckArgs, IndicatorCommand, IndicatorFromCsvArgs, IndicatorFromStixArgs, IndicatorListArgs,
    IndicatorToStixArgs, ScreenArgs, TaxiiCommand, TaxiiUserArgs,
};
pub(crate) use traders::{
    AttestKeyAddArgs, AttestKeyCommand, AttestKeyEndArgs, AttestKeyListArgs, RecogniseArgs, UsesArgs,
};
pub(crate) use windows::{
    ChannelArgs, DisputeCommand, DisputeExportArgs, DisputeVerifyArgs, WindowCloseArgs, WindowCommand,
    WindowCompareArgs, WindowListArgs, WindowStatementsArgs,
};

/// Exchange of customs records between members of a network, with receipts and logs that anybody with a mandate can audit.
#[derive(Debug, Parser)]
#[command(name = "luxor", version, after_help = exit::HELP, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Found a node: its folder with configuration and keys.
    Init(InitArgs),
    /// The network's membership: draft and sign the first charter; propose, vote on, reject later ones; heal a split.
    #[command(subcommand)]
    Charter(CharterCommand),
    /// What a member says of its nodes, with their keys and addresses: draft, sign, show, check.
    #[command(subcommand)]
    Card(CardCommand),
    /// What may flow between parties: draft, sign, renew, explain, suspend.
    #[command(subcommand)]
    Agreement(AgreementCommand),
    /// Give signed documents to a node: a running one judges, logs and spreads them; of a stopped one the folder gets them.
    Install(InstallArgs),
    /// List every document that a node knows; with --to, write them as files for a new node.
    Documents(DocumentsArgs),
    /// List every key of this member: on its card and former ones, with their ids, and which are revoked.
    Keys(KeysArgs),
    /// Revoke keys: this member's own, or, signed by enough governors, another's.
    Revoke(RevokeArgs),
    /// Look through records by lists and dated rules before they are submitted. Needs no node.
    Check(CheckArgs),
    /// Hand files in that records are to name as attachments; prints what a record says of each.
    Attach(AttachArgs),
    /// Attached files: how far one is, fetch it from who sent a record that names it.
    #[command(subcommand)]
    Attachment(AttachmentCommand),
    /// Submit records to the own node, which sends them to whom an agreement gives them.
    Submit(SubmitArgs),
    /// Duty and tax of declarations by dated rules: assess them, with a record to submit; print a book of rules to edit. Needs no node.
    #[command(subcommand)]
    Duty(DutyCommand),
    /// Convert records between formats, every row accounted for. Needs no node.
    Convert(ConvertArgs),
    /// List dispatches received.
    Inbox(InboxArgs),
    /// List dispatches that wait for their receipts, and why.
    Outbox(OutboxArgs),
    /// Withdraw a dispatch that has no receipt: it will not be sent (again).
    Withdraw(WithdrawArgs),
    /// Send what waits for one node of a member, which may be down, to another one of its nodes, and withdraw it at the first.
    Redirect(RedirectArgs),
    /// The repair queue: refused records of this node that wait, many of them fixed and resent at once.
    #[command(subcommand)]
    Repair(RepairCommand),
    /// Pass received records on to a member whom an agreement names for that; or verify what came so.
    #[command(subcommand)]
    Onward(OnwardCommand),
    /// Show a record by its reference: where it went, or who sent it.
    Show(ShowArgs),
    /// Show the life of an item: everything that is held of it here, under all its numbers, and what does not fit together.
    Item(ItemArgs),
    /// List referrals that wait, the nearest deadline first, and alarms.
    Referrals(ReferralsArgs),
    /// Whether a trader is recognised: under which arrangement, with which benefits, and why; now or as of a past moment.
    Recognise(RecogniseArgs),
    /// List uses of numbers for duty and tax (IOSS) that declarations tell of and that their holders did not confirm.
    Uses(UsesArgs),
    /// Whether both sides of a channel have the same: windows of numbers, compared, closed, and signed by both.
    #[command(subcommand)]
    Window(WindowCommand),
    /// What became of numbers that two sides differ about: one file of evidence that verifies anywhere.
    #[command(subcommand)]
    Dispute(DisputeCommand),
    /// What differs from advance report to account and return, per item and account; explain it, write it off, close months, hand in
    /// payments.
    Reconcile(ReconcileArgs),
    /// How good the records of each sender are: score, findings by rule, examples.
    Quality(QualityArgs),
    /// Erase every record of an item before its date, by order; or what is due, now.
    Erase(EraseArgs),
    /// What may not be erased, neither by its date nor by order.
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Who was shown what of a person or an item: the register to hand out.
    Disclosures(DisclosuresArgs),
    /// A node at a glance.
    Status(StatusArgs),
    /// Check a node's log from end to end.
    Audit(AuditArgs),
    /// A log's own files (C2SP tlog-tiles): export, verify, prove, compare, have witnessed. Needs no node.
    #[command(subcommand)]
    Log(crate::log::LogCommand),
    /// Proof that a log showed two histories: verify it, make it.
    #[command(subcommand)]
    Evidence(crate::log::EvidenceCommand),
    /// Which witnesses make a checkpoint count (C2SP tlog-policy): look through, make.
    #[command(subcommand)]
    Policy(crate::log::PolicyCommand),
    /// Credentials of trusted traders (SD-JWT VC, token status list): issue, renew, revoke, publish; present, show, verify; confirm
    /// uses. Needs no node, and with one what is signed goes to partners.
    #[command(subcommand)]
    Attest(crate::cmd::AttestCommand),
    /// Statistics: facts of a node's records; tables with what would tell of somebody withheld, signed; thresholds; several members' added up;
    /// publications sent and fetched.
    #[command(subcommand)]
    Stats(StatsCommand),
    /// Indicators of threats as records: from public lists and STIX 2.1, as STIX, looked through. Needs no node.
    #[command(subcommand)]
    Indicator(IndicatorCommand),
    /// Which records indicators hit, and what would be proposed: a dry run on files. Needs no node.
    Screen(ScreenArgs),
    /// What screening proposes on arrival, officers' orders about it, and how a mistake is undone.
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Make an officer's key, with which orders about proposals are signed.
    Officer(OfficerArgs),
    /// Threat platforms that read a node by TAXII 2.1: their users.
    #[command(subcommand)]
    Taxii(TaxiiCommand),
    /// Run a network on this machine and watch it work.
    Demo(crate::demo::Args),
    /// Practice partners of any kind for whoever builds against a node: they play by rules, and a report says what was right and wrong.
    #[command(subcommand)]
    Sandbox(crate::sandbox::SandboxCommand),
    /// Measure what this machine does, to size machines.
    #[command(subcommand)]
    Bench(crate::bench::BenchCommand),
}

/// `luxor init`
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The node's folder; must not exist, or be empty.
    pub(crate) dir: PathBuf,
    /// The member's short name: lower-case letters, digits, hyphens.
    #[arg(long, value_name = "ID")]
    pub(crate) member: MemberId,
    /// customs, post, platform, carrier, payment, broker, agency or auditor.
    #[arg(long)]
    pub(crate) kind: MemberKind,
    /// The member's customs territory: two capital letters.
    #[arg(long)]
    pub(crate) territory: Territory,
    /// The member's full name.
    #[arg(long)]
    pub(crate) name: String,
    /// The node's name within the member.
    #[arg(long, default_value = "n1")]
    pub(crate) node: Slug,
    /// The member has a node already: make another one, without an identity key.
    #[arg(long)]
    pub(crate) further: bool,
    /// Where the node listens for other nodes. May be given several times.
    #[arg(long, value_name = "MULTIADDR", default_value = "/ip4/127.0.0.1/tcp/4700")]
    pub(crate) exchange: Vec<String>,
    /// Where its local interface listens.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4780")]
    pub(crate) api: String,
    /// Where anybody may read its log over HTTP, such as 127.0.0.1:4790. Without it the log is not public.
    #[arg(long, value_name = "ADDR")]
    pub(crate) log: Option<String>,
}

/// `luxor onward`
#[derive(Debug, Subcommand)]
pub(crate) enum OnwardCommand {
    /// Pass received records on. The same again passes nothing on twice.
    Pass(PassArgs),
    /// Write what came with the records of a received dispatch that were passed on, with the records: proof of their source.
    Source {
        /// The dispatch, by its index in the inbox.
        index: u64,
        /// Where to write it.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Verify such a file by a folder of documents. Needs no node.
    Verify {
        /// The file.
        file: PathBuf,
        /// Charter and cards.
        #[arg(long, value_name = "DIR")]
        documents: PathBuf,
        /// Machine-readable output.
        #[arg(long)]
        json: bool,
    },
}

/// `luxor onward pass`
#[derive(Debug, Args)]
pub(crate) struct PassArgs {
    /// A reference that leads to the records: own reference or item.
    #[arg(long, value_name = "REFERENCE", conflicts_with = "root", required_unless_present = "root")]
    pub(crate) item: Option<String>,
    /// A record, by its root. May be given several times.
    #[arg(long, value_name = "ROOT")]
    pub(crate) root: Vec<String>,
    /// Who is to get them.
    #[arg(long, value_name = "ID")]
    pub(crate) to: MemberId,
    /// What for.
    #[arg(long)]
    pub(crate) purpose: Purpose,
    /// Groups to be shown. Without it, all that the agreement lets pass on and that were received.
    #[arg(long, value_delimiter = ',', value_name = "GROUP,GROUP")]
    pub(crate) groups: Vec<String>,
    /// In the urgent lane.
    #[arg(long)]
    pub(crate) urgent: bool,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `luxor install`
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// The node's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) node: PathBuf,
    /// Signed documents.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which running node to ask.
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// The node's folder, or the URL of its local interface (with LUXOR_TOKEN set).
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) node: String,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor attach`
#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// The files, of at most 256 MiB each. What is there of one already is not handed in again.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// `luxor attachment`
#[derive(Debug, Subcommand)]
pub(crate) enum AttachmentCommand {
    /// Fetch a file that a received record names, unless it is here, and write it.
    Get {
        /// Its BLAKE3 digest.
        digest: String,
        /// Where to write it.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Wait at most so long until it is here. What came stays; the same again goes on.
        #[arg(long, value_name = "SECONDS", default_value_t = 600)]
        wait: u64,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Show how far a file is, and where it can be fetched.
    Show {
        /// Its BLAKE3 digest.
        digest: String,
        #[command(flatten)]
        node: NodeArgs,
    },
}

/// `luxor submit`
#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Records: NDJSON in the native form, canonical CSV, other CSV with a mapping, or WCO XML (declarations and notifications). `-` reads
    /// stdin.
    pub(crate) file: PathBuf,
    /// What the input is: `ndjson`, `csv` (canonical), `wco`. Without it, its name tells: `.csv`, `.xml`, NDJSON otherwise.
    #[arg(long, value_name = "FORMAT", conflicts_with = "mapping")]
    pub(crate) format: Option<String>,
    /// How CSV columns become fields: the name of a built-in mapping, or a file. Makes the input CSV whatever its name.
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) mapping: Option<String>,
    /// Send them in the urgent lane, past everything that waits: do not load, revocations.
    #[arg(long)]
    pub(crate) urgent: bool,
    /// Write every refused row there, as NDJSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) refused: Option<PathBuf>,
    /// Wait at most so long until every dispatch has its receipt.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) wait: Option<u64>,
    /// Name of the submission, at most 40 lower-case letters, digits and hyphens. Without it, the content names it, so the
    /// same file again is the same submission and nothing is sent twice; under another name everything is sent again.
    #[arg(long, value_name = "NAME")]
    pub(crate) submission: Option<Slug>,
}

impl SubmitArgs {
    /// To read a file as a submission does, without a node.
    pub(crate) fn reading(file: &Path, format: Option<&str>, mapping: Option<&str>) -> Self {
        Self {
            node: NodeArgs { node: String::new(), json: false },
            file: file.to_owned(),
            format: format.map(str::to_owned),
            mapping: mapping.map(str::to_owned),
            urgent: false,
            refused: None,
            wait: None,
            submission: None,
        }
    }
}

/// `luxor convert`
#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// The input: one file or several, in their order, read as one. `-` reads stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Its format: `auto` (by its name), `ndjson`, `csv` (canonical: paths as columns), `wco` (WCO XML), the name of a built-in mapping or its
    /// file for other CSV, or `segments:` and a mapping for lines of postal segments.
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    pub(crate) from: String,
    /// The format of the output: `auto` (by its name), `ndjson`, `csv`, `wco` (documents one after the other), or a mapping that can be reversed.
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    pub(crate) to: String,
    /// Where to write it, instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write every row that is in no record there, with its class and reason, as NDJSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) refused: Option<PathBuf>,
    /// A constant in place of the mapping's, such as route.departure=GB. May be given several times.
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// A list in place of the mapping's, such as destinations=KR,EU. May be given several times.
    #[arg(long, value_name = "NAME=A,B")]
    pub(crate) list: Vec<String>,
    /// Print the account as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor check`
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Records, as `luxor submit` reads them, in one file or several. `-` reads stdin.
    #[arg(required_unless_present = "list_rules", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// How CSV columns become fields: the name of a built-in mapping, or a file.
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) mapping: Option<String>,
    /// What the input is, as for `luxor submit`.
    #[arg(long, value_name = "FORMAT", conflicts_with = "mapping")]
    pub(crate) format: Option<String>,
    /// Dated rules and lists beside the built-in ones, or in their place (TOML).
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// The day on which the records count as lodged; it decides which rules hold. Default: today, UTC.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) day: Option<Day>,
    /// Print figures too: how many records each rule found something in, and the score.
    #[arg(long)]
    pub(crate) report: bool,
    /// List every rule with its severity, and the lists and their versions, instead.
    #[arg(long)]
    pub(crate) list_rules: bool,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor inbox`
#[derive(Debug, Args)]
pub(crate) struct InboxArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Only dispatches behind this index.
    #[arg(long, value_name = "N")]
    pub(crate) after: Option<u64>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: u64,
    /// Show their records too.
    #[arg(long)]
    pub(crate) records: bool,
}

/// `luxor outbox`
#[derive(Debug, Args)]
pub(crate) struct OutboxArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Only dispatches behind this one: `next` of the page before.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: u64,
}

/// `luxor repair`
#[derive(Debug, Subcommand)]
pub(crate) enum RepairCommand {
    /// What waits, by type, rule and place.
    List {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Refused records with their content; of a submission also what became of those that were resent or given up.
    Show(RepairShowArgs),
    /// Change many at once and resend those that pass; the others wait on with what is wrong now.
    ///
    /// Replacements come first, then values set, then what is removed. A pointer reads /group/field, /goods/1/group/field or
    /// /goods/*/group/field. Without any edit they are resent as they are.
    Fix(RepairFixArgs),
    /// Give some up: nothing of them is left in the queue.
    Drop(RepairDropArgs),
}

/// Which refused records.
#[derive(Debug, Args)]
pub(crate) struct RepairWhichArgs {
    /// Those that this rule of quality, or fault, refuses.
    #[arg(long)]
    pub(crate) rule: Option<String>,
    /// Those of this type.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) type_name: Option<String>,
    /// Those whose fault is at this place, with * for goods items and occurrences.
    #[arg(long = "at", value_name = "POINTER")]
    pub(crate) pointer: Option<String>,
    /// Those of this submission.
    #[arg(long, value_name = "NAME")]
    pub(crate) submission: Option<String>,
}

/// `luxor repair show`
#[derive(Debug, Args)]
pub(crate) struct RepairShowArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) which: RepairWhichArgs,
    /// Only those behind this one: `next` of the page before.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: u64,
}

/// `luxor repair fix`
#[derive(Debug, Args)]
pub(crate) struct RepairFixArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// The fix's name, as a submission's. The same fix again goes on where it was broken off.
    #[arg(long)]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) which: RepairWhichArgs,
    /// Those with this id, as `show` tells it. May be given several times.
    #[arg(long)]
    pub(crate) id: Vec<String>,
    /// A field gets a value: /goods/*/classification/hs=610910
    #[arg(long, value_name = "POINTER=VALUE")]
    pub(crate) set: Vec<String>,
    /// One value of a field is replaced by another: /route/destination=UK:GB
    #[arg(long, value_name = "POINTER=FROM:TO")]
    pub(crate) replace: Vec<String>,
    /// A field, an occurrence of a group or a whole group goes.
    #[arg(long, value_name = "POINTER")]
    pub(crate) remove: Vec<String>,
    /// They go in the urgent lane.
    #[arg(long)]
    pub(crate) urgent: bool,
    /// Only tell what would become of each.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `luxor repair drop`
#[derive(Debug, Args)]
pub(crate) struct RepairDropArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) which: RepairWhichArgs,
    /// Those with this id, as `show` tells it. May be given several times.
    #[arg(long)]
    pub(crate) id: Vec<String>,
    /// Only tell how many they are.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `luxor erase`
#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = false, args = ["item", "due"])]
pub(crate) struct EraseArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Reference: its own, or of an item, order, unit of transport, referral or filing.
    #[arg(long, requires = "ground")]
    pub(crate) item: Option<String>,
    /// The words of the order. They are kept nowhere; the log has their digest.
    #[arg(long, value_name = "TEXT", requires = "item")]
    pub(crate) ground: Option<String>,
    /// Erase what is due by today. A running node does so by itself every hour.
    #[arg(long)]
    pub(crate) due: bool,
}

/// `luxor hold`
#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Place a hold.
    Add(HoldAddArgs),
    /// List the holds in force.
    List {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// End a hold. What it kept past its date goes within the hour.
    Release {
        #[command(flatten)]
        node: NodeArgs,
        /// Its number.
        hold: u64,
    },
}

/// `luxor hold add`
#[derive(Debug, Args)]
#[group(id = "on", required = true, multiple = false, args = ["item", "agreement", "party"])]
pub(crate) struct HoldAddArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Hold records with this reference: its own, or of an item, order, unit of transport, referral or filing.
    #[arg(long)]
    pub(crate) item: Option<String>,
    /// Hold everything under this agreement.
    #[arg(long, value_name = "ID")]
    pub(crate) agreement: Option<String>,
    /// Hold records that name this sender, addressee or seller: name or number.
    #[arg(long, value_name = "NAME")]
    pub(crate) party: Option<String>,
    /// Why, in words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) ground: String,
}

/// `luxor disclosures`
#[derive(Debug, Args)]
#[group(id = "about", required = true, multiple = false, args = ["item", "party"])]
pub(crate) struct DisclosuresArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Reference: its own, or of an item, order, unit of transport, referral or filing.
    #[arg(long)]
    pub(crate) item: Option<String>,
    /// Name or number of a sender, addressee or seller, whatever its case and spacing.
    #[arg(long, value_name = "NAME")]
    pub(crate) party: Option<String>,
}

/// `luxor redirect`
#[derive(Debug, Args)]
pub(crate) struct RedirectArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// For which node it waits.
    #[arg(long, value_name = "MEMBER/NODE")]
    pub(crate) from: NodeRef,
    /// To which node of the same member it is to go.
    #[arg(long, value_name = "MEMBER/NODE")]
    pub(crate) to: NodeRef,
}

/// `luxor withdraw`
#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Who was to get it.
    #[arg(long, value_name = "MEMBER/NODE")]
    pub(crate) recipient: NodeRef,
    /// The number is one of the urgent lane.
    #[arg(long)]
    pub(crate) urgent: bool,
    /// Its number in the channel, as `luxor outbox` lists it.
    pub(crate) number: u64,
}

/// `luxor show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// A reference of the record: its own, or of an item, order, unit of transport, referral or filing.
    pub(crate) reference: String,
    /// Show the recipients' receipts too (C2SP tlog-proof).
    #[arg(long)]
    pub(crate) receipt: bool,
}

/// `luxor item`
#[derive(Debug, Args)]
pub(crate) struct ItemArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// The item's number, as `RB123456785GB`.
    pub(crate) id: String,
    /// Whose numbers it is one of, where several items have it: s10, sscc, carrier, platform.
    #[arg(long)]
    pub(crate) scheme: Option<String>,
    /// Who gave the number, where several items have it.
    #[arg(long)]
    pub(crate) issuer: Option<String>,
    /// The day of posting (YYYY-MM-DD), where the number was used again.
    #[arg(long, value_name = "DAY")]
    pub(crate) posted_on: Option<String>,
    #[command(flatten)]
    pub(crate) joined: JoinedArgs,
}

/// `luxor referrals`
#[derive(Debug, Args)]
pub(crate) struct ReferralsArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    #[command(flatten)]
    pub(crate) joined: JoinedArgs,
}

/// `luxor quality`
#[derive(Debug, Args)]
pub(crate) struct QualityArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Of this member's records only.
    #[arg(long, value_name = "MEMBER")]
    pub(crate) of: Option<MemberId>,
    /// Of records that came on this day (UTC) or later.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) since: Option<Day>,
    /// CSV on stdout: a line for each sender and rule.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

/// Which views may be looked at together.
#[derive(Debug, Args)]
pub(crate) struct JoinedArgs {
    /// A purpose; views that came for one of those named are joined. May be left out where all came for one.
    #[arg(long = "for", value_name = "PURPOSE")]
    pub(crate) purposes: Vec<Purpose>,
}

/// `luxor status`
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Print the newest signed checkpoint of the log instead (a C2SP note).
    #[arg(long, conflicts_with = "json")]
    pub(crate) checkpoint: bool,
}

/// `luxor audit`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub(crate) command: Option<crate::cmd::AuditCommand>,
    /// The node's folder, or the URL of its local interface (with LUXOR_TOKEN set).
    #[arg(long, value_name = "DIR|URL", required = true)]
    pub(crate) node: Option<String>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
    /// Another node, whose member gives a mandate. May be given several times. Without it, the own node.
    #[arg(long, value_name = "MEMBER/NODE")]
    pub(crate) of: Vec<NodeRef>,
    /// The own node and every node under mandate; compare what both ends of each channel say, and what each holds of the
    /// others' checkpoints.
    #[arg(long, conflicts_with = "of")]
    pub(crate) all: bool,
    /// Where to write the proof, should a log have shown two histories; of further logs, with .2, .3 … behind the name.
    #[arg(long, value_name = "FILE")]
    pub(crate) evidence: Option<PathBuf>,
}
