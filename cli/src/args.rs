//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use luxor_protocol::names::{MemberId, MemberKind, NodeRef, Slug, Territory};

use crate::exit;

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
    /// The network's membership: draft, sign, show, check.
    #[command(subcommand)]
    Charter(CharterCommand),
    /// What a member says of its nodes, with their keys and addresses: draft, sign, show, check.
    #[command(subcommand)]
    Card(CardCommand),
    /// What may flow between parties: draft, sign, show, check.
    #[command(subcommand)]
    Agreement(AgreementCommand),
    /// Put signed documents into a node's folder.
    Install(InstallArgs),
    /// Submit records to the own node, which sends them to whom an agreement gives them.
    Submit(SubmitArgs),
    /// List dispatches received.
    Inbox(InboxArgs),
    /// List dispatches that wait for their receipts, and why.
    Outbox(OutboxArgs),
    /// Withdraw a dispatch that has no receipt: it will not be sent (again).
    Withdraw(WithdrawArgs),
    /// Show a record by its reference: where it went, or who sent it.
    Show(ShowArgs),
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
    /// Run a network on this machine and watch it work.
    Demo(crate::demo::Args),
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

/// `luxor charter`
#[derive(Debug, Subcommand)]
pub(crate) enum CharterCommand {
    /// Write a charter's draft from the member.toml files that `luxor init` made.
    Draft {
        /// The members' member.toml files.
        #[arg(required = true, value_name = "MEMBER.toml")]
        members: Vec<PathBuf>,
        /// The network's name.
        #[arg(long)]
        name: String,
        /// Members that govern; all of them sign. Without it, every member.
        #[arg(long, value_delimiter = ',', value_name = "ID,ID")]
        governors: Vec<MemberId>,
        /// Which witnesses make a log's checkpoint count (C2SP tlog-policy). Without it the members' own do.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// Where to write it; else stdout.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Sign a draft, or add a signature to a signed charter.
    Sign {
        /// A draft in TOML or a signed charter; told apart by content.
        file: PathBuf,
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// Show what a charter says.
    Show(FileArgs),
    /// Check a charter and who signed it.
    Check(FileArgs),
}

/// `luxor card`
#[derive(Debug, Subcommand)]
pub(crate) enum CardCommand {
    /// Write the node's card without signature.
    Draft {
        /// The network's charter, signed.
        #[arg(long, value_name = "FILE")]
        charter: PathBuf,
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// Write the node's card, signed with the member's identity key.
    Sign {
        /// The network's charter, signed.
        #[arg(long, value_name = "FILE")]
        charter: PathBuf,
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// After this node's data was lost: begin a new log with new keys, and write the card that says so, signed. What is
    /// left of the old log is put aside. Install the card at every node of the network; then start this one.
    Succeed {
        /// The folder of the node, stopped.
        #[arg(long, value_name = "DIR")]
        node: PathBuf,
        /// Where to write the card; else stdout, unless that is a terminal.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show what a card says.
    Show(FileArgs),
    /// Check a card and its signature.
    Check(CheckArgs),
}

/// `luxor agreement`
#[derive(Debug, Subcommand)]
pub(crate) enum AgreementCommand {
    /// Write a draft with explanations, to be edited.
    Draft {
        /// The network's charter; the draft then names its members.
        #[arg(long, value_name = "FILE")]
        charter: Option<PathBuf>,
        /// Where to write it; else stdout.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Sign a draft, or add a signature to a signed agreement.
    Sign {
        /// A draft in TOML or a signed agreement; told apart by content.
        file: PathBuf,
        /// The network's charter, signed.
        #[arg(long, value_name = "FILE")]
        charter: PathBuf,
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// Say in plain words who will see what.
    Show {
        /// An agreement, or a draft of one.
        file: PathBuf,
        /// The network's charter; members are then shown with their full names.
        #[arg(long, value_name = "FILE")]
        charter: Option<PathBuf>,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Check an agreement and say who has not signed.
    Check(CheckArgs),
}

/// Who signs and where the result goes.
#[derive(Debug, Args)]
pub(crate) struct SignerArgs {
    /// The folder of the signing member's node.
    #[arg(long, value_name = "DIR")]
    pub(crate) node: PathBuf,
    /// Where to write the document; else stdout, unless that is a terminal.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// One document.
#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// The document.
    pub(crate) file: PathBuf,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// One document and the charter to check it against.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The document.
    pub(crate) file: PathBuf,
    /// The network's charter, signed.
    #[arg(long, value_name = "FILE")]
    pub(crate) charter: PathBuf,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
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

/// `luxor submit`
#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Records: NDJSON in the native form, or CSV with a mapping. `-` reads stdin.
    pub(crate) file: PathBuf,
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
    /// The record's own reference, or the id of its item.
    pub(crate) reference: String,
    /// Show the recipients' receipts too (C2SP tlog-proof).
    #[arg(long)]
    pub(crate) receipt: bool,
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
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Another node, whose member gives a mandate. May be given several times. Without it, the own node.
    #[arg(long, value_name = "MEMBER/NODE")]
    pub(crate) of: Vec<NodeRef>,
    /// The own node and every node under mandate, and compare what both ends of each channel say.
    #[arg(long, conflicts_with = "of")]
    pub(crate) all: bool,
}
