//! Commands about documents: charter, card, agreement, keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use luxor_protocol::names::{MemberId, Purpose, Slug};
use luxor_protocol::time::{Day, Millis};

use super::traders::AttestKeyCommand;

/// `luxor charter`
#[derive(Debug, Subcommand)]
pub(crate) enum CharterCommand {
    /// Write a charter's draft: of a new network, from the member.toml files that `luxor init` made, or with --current of the
    /// charter that holds, to be edited.
    Draft {
        /// The members' member.toml files.
        #[arg(required_unless_present = "current", value_name = "MEMBER.toml")]
        members: Vec<PathBuf>,
        /// The network's name.
        #[arg(long, required_unless_present = "current")]
        name: Option<String>,
        /// Members that govern; all of them sign. Without it, every member.
        #[arg(long, value_delimiter = ',', value_name = "ID,ID")]
        governors: Vec<MemberId>,
        /// Which witnesses make a log's checkpoint count (C2SP tlog-policy). Without it the members' own do.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// The charter that holds at --node.
        #[arg(long, requires = "node", conflicts_with_all = ["members", "name", "governors", "policy"])]
        current: bool,
        /// The folder of a node of the network.
        #[arg(long, value_name = "DIR", requires = "current")]
        node: Option<PathBuf>,
        /// Where to write it; else stdout.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Sign the draft of a founding charter, or add a signature to it.
    Sign {
        /// A draft in TOML or a signed charter; told apart by content.
        file: PathBuf,
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// Show what a founding charter says.
    Show(FileArgs),
    /// Check a founding charter and who signed it.
    Check(FileArgs),
    /// Propose the next charter: says what changes, and gives the first vote for it.
    Propose {
        /// The draft, see `luxor charter draft --current`.
        file: PathBuf,
        /// The round; without it, the first that is not closed.
        #[arg(long, value_name = "N")]
        round: Option<u64>,
        #[command(flatten)]
        word: WordArgs,
    },
    /// Vote for a proposal: says what changes, then signs.
    Vote {
        /// The beginning of its digest, as `luxor charter status` shows it, or a file with it. Without it, the only open one.
        #[arg(value_name = "DIGEST|FILE")]
        proposal: Option<String>,
        /// Vote as a member that is no governor: where governors are lost, three quarters of the members adopt a charter.
        #[arg(long)]
        as_member: bool,
        #[command(flatten)]
        word: WordArgs,
    },
    /// Reject every proposal of a round. Once enough governors did, it is closed, and who voted in it may vote in the next.
    Reject {
        /// The round.
        #[arg(long, value_name = "N")]
        round: u64,
        #[command(flatten)]
        word: WordArgs,
    },
    /// Propose the charter that ends a split: it takes the place of both. Governors then vote for it.
    Heal {
        /// Its draft. Without it, the charter that holds, without whoever either of the two removes.
        file: Option<PathBuf>,
        /// The round.
        #[arg(long, value_name = "N", default_value_t = 1)]
        round: u64,
        #[command(flatten)]
        word: WordArgs,
    },
    /// The charter that holds, proposals with their votes, and what is wrong: a split, broken words, what is frozen.
    Status(KnownArgs),
}

/// `luxor card`
#[derive(Debug, Subcommand)]
pub(crate) enum CardCommand {
    /// Write the node's card without signature.
    Draft {
        /// The network's charter, signed; not needed where the node has it.
        #[arg(long, value_name = "FILE")]
        charter: Option<PathBuf>,
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// Write the node's card, signed with the member's identity key.
    Sign {
        /// The network's charter, signed; not needed where the node has it.
        #[arg(long, value_name = "FILE")]
        charter: Option<PathBuf>,
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// After this node's data was lost: begin a new log with new keys, and write the card that says so, signed. What is
    /// left of the old log is put aside. Install the card here and at one node that runs, which tells the others; then start this one.
    Succeed {
        /// The folder of the node, stopped.
        #[arg(long, value_name = "DIR")]
        node: PathBuf,
        /// Where to write the card; else stdout, unless that is a terminal.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Replace keys of a node, or its member's identity key, without a stop: run it, then with --switch, restart the node, then with
    /// --finish. Each step makes the next card and gives it to the node, which tells all others.
    Rotate(RotateArgs),
    /// Make the member's next card, with what this node's luxord.toml and program say now: its addresses and what it reads; with more
    /// nodes or fewer.
    Renew(RenewArgs),
    /// The keys with which the member signs attestations about traders and status lists: add one, say until when one signs, list them.
    /// Each change makes the next card and gives it to the node, which tells all others.
    #[command(subcommand)]
    AttestKey(AttestKeyCommand),
    /// Show what a card says.
    Show(FileArgs),
    /// Check a card and its signature.
    Check(CheckArgs),
}

/// `luxor card rotate`
#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// The folder of the node.
    #[arg(long, value_name = "DIR")]
    pub(crate) node: PathBuf,
    /// What to replace; without it all keys of the node. The identity key only when it is named.
    #[arg(long = "use", value_enum, value_name = "USE", conflicts_with_all = ["switch", "finish"])]
    pub(crate) uses: Vec<crate::found::Replaced>,
    /// Put the announced keys into use.
    #[arg(long)]
    pub(crate) switch: bool,
    /// Leave the former keys out.
    #[arg(long, conflicts_with = "switch")]
    pub(crate) finish: bool,
    /// Machine-readable output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor card renew`
#[derive(Debug, Args)]
pub(crate) struct RenewArgs {
    /// A further node of the member: its card as `luxor card draft` there wrote it.
    #[arg(long, value_name = "FILE")]
    pub(crate) add: Vec<PathBuf>,
    /// A node that the member no longer has.
    #[arg(long, value_name = "NAME")]
    pub(crate) remove: Vec<Slug>,
    #[command(flatten)]
    pub(crate) word: WordArgs,
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
    /// Sign a draft, or add a signature to a signed agreement. A draft of an agreement that the node knows becomes its next version.
    Sign {
        /// A draft in TOML or a signed agreement; told apart by content.
        file: PathBuf,
        /// The network's charter, signed; not needed where the node has it.
        #[arg(long, value_name = "FILE")]
        charter: Option<PathBuf>,
        #[command(flatten)]
        signer: SignerArgs,
    },
    /// Say in plain words who will see what, and what changes against the version before it.
    Show {
        /// An agreement, or a draft of one.
        file: PathBuf,
        /// The network's charter; members are then shown with their full names.
        #[arg(long, value_name = "FILE")]
        charter: Option<PathBuf>,
        /// A node of the network; the version before this one is then compared.
        #[arg(long, value_name = "DIR")]
        node: Option<PathBuf>,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Check an agreement and say who has not signed. A later version needs --node: the parties of both versions sign.
    Check(CheckArgs),
    /// List the agreements that a node knows, with what is in force, suspended or frozen.
    List(KnownArgs),
    /// Whether something may flow, and why: yes (exit code 0) or no (1).
    Explain(ExplainArgs),
    /// Suspend agreements: nothing flows under them from or to this member until it resumes them.
    Suspend {
        /// Agreements.
        #[arg(required = true)]
        ids: Vec<Slug>,
        /// Why, for people.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        word: WordArgs,
    },
    /// Resume agreements that this member suspended.
    Resume {
        /// Agreements.
        #[arg(required = true)]
        ids: Vec<Slug>,
        /// Why, for people.
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        word: WordArgs,
    },
}

/// `luxor agreement explain`
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The folder of a node; its prohibitions count too.
    #[arg(long, value_name = "DIR", required_unless_present = "documents")]
    pub(crate) node: Option<PathBuf>,
    /// Signed documents, or folders of them, instead of a node.
    #[arg(long, value_name = "FILE|DIR", num_args = 1.., conflicts_with = "node")]
    pub(crate) documents: Vec<PathBuf>,
    /// Who sends.
    #[arg(long, value_name = "MEMBER")]
    pub(crate) from: MemberId,
    /// Who receives.
    #[arg(long, value_name = "MEMBER")]
    pub(crate) to: MemberId,
    /// The record type.
    #[arg(long = "type", value_name = "NAME")]
    pub(crate) type_name: String,
    /// What for.
    #[arg(long)]
    pub(crate) purpose: Purpose,
    /// The version of the record type. Without it, each that a row between the two names.
    #[arg(long, value_name = "V")]
    pub(crate) version: Option<u64>,
    /// On which day, as 2026-11-23. Without it, today.
    #[arg(long)]
    pub(crate) day: Option<Day>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor keys`
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    pub(crate) known: KnownArgs,
    /// Another member's.
    #[arg(long, value_name = "ID")]
    pub(crate) member: Option<MemberId>,
}

/// `luxor revoke`
#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    pub(crate) word: WordArgs,
    /// A key, by the beginning of its id, see `luxor keys`. May be given several times.
    // A kid may begin with a hyphen (base64url).
    #[arg(long, value_name = "KEYID", allow_hyphen_values = true)]
    pub(crate) key: Vec<String>,
    /// Every key that the card gives this node of the member's.
    #[arg(long, value_name = "NODE")]
    pub(crate) keys_of: Option<Slug>,
    /// Every key of this use on the card: sign, log, witness, transport or identity.
    #[arg(long = "use", value_name = "USE", value_parser = ["sign", "log", "witness", "transport", "identity"])]
    pub(crate) use_of: Option<String>,
    /// Why, for people.
    #[arg(long, required_unless_present = "sign")]
    pub(crate) reason: Option<String>,
    /// Since when others may have had the keys, such as 2026-11-23T10:00:00Z: what they signed from then on is contested.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Millis>,
    /// Another member, whose keys governors revoke: the file is passed on until enough of them signed it.
    #[arg(long, value_name = "ID")]
    pub(crate) member: Option<MemberId>,
    /// Add this governor's signature to a revocation that another one began.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "keys_of", "use_of", "reason", "since", "member"])]
    pub(crate) sign: Option<PathBuf>,
}

/// `luxor documents`
#[derive(Debug, Args)]
pub(crate) struct DocumentsArgs {
    #[command(flatten)]
    pub(crate) known: KnownArgs,
    /// Write them there as files, for `luxor install` at a new node.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: Option<PathBuf>,
}

/// A node whose documents are looked at.
#[derive(Debug, Args)]
pub(crate) struct KnownArgs {
    /// The node's folder; whether it runs or not.
    #[arg(long, value_name = "DIR")]
    pub(crate) node: PathBuf,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A member's word: who gives it, and where it goes.
#[derive(Debug, Args)]
pub(crate) struct WordArgs {
    /// The folder of the member's node. While it runs it gets the document, logs it, and tells the other nodes; of a stopped one the
    /// folder gets it.
    #[arg(long, value_name = "DIR")]
    pub(crate) node: PathBuf,
    /// Write the document there instead, to be installed with `luxor install`; `-` is stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
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

/// One document and the network to check it against.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The document.
    pub(crate) file: PathBuf,
    /// The network's founding charter, signed.
    #[arg(long, value_name = "FILE", required_unless_present = "node")]
    pub(crate) charter: Option<PathBuf>,
    /// A node of the network.
    #[arg(long, value_name = "DIR")]
    pub(crate) node: Option<PathBuf>,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}
