//! `luxor sandbox`: practice partners for whoever builds against a node.
//!
//! | file | what |
//! |---|---|
//! | `found` | the practice network: own node, partners, agreements |
//! | `state` | what its folder remembers between rehearsals |
//! | `actor` | a partner's node: what arrives there, what it sends, its outages |
//! | `run` | a rehearsal |
//! | `report` | what is shown of it |
//!
//! What partners do and how they judge is [`luxor_protocol::sandbox`]'s; founding and node processes are [`crate::local`]'s.

mod actor;
mod found;
mod report;
mod run;
mod state;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use luxor_protocol::sandbox::Rules;

use crate::exit::Exit;
use crate::ui;
use found::{Me, Partner};

/// `luxor sandbox`
#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Found a practice network: your own node, and partners of any kind.
    New(NewArgs),
    /// Rehearse: start the nodes, let the partners play by rules, and report on what your side did.
    Run(RunArgs),
    /// Print the built-in rules, which show every reaction and say how rules are written.
    Rules,
}

/// `luxor sandbox new`
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The folder; must not exist, or be empty.
    pub(crate) dir: PathBuf,
    /// Who you are, such as swift-post:post:GB.
    #[arg(long, value_name = "MEMBER:KIND:TERRITORY")]
    pub(crate) me: Me,
    /// A partner, such as customs:KR. May be given several times. Without it, customs, post and carrier, less your own kind.
    #[arg(long = "partner", value_name = "KIND:TERRITORY")]
    pub(crate) partners: Vec<Partner>,
    /// Partners refuse records with an error of quality by their verdict, instead of telling of it.
    #[arg(long)]
    pub(crate) strict: bool,
    /// One JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `luxor sandbox run`
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct RunArgs {
    /// The practice network.
    pub(crate) dir: PathBuf,
    /// Rules to play instead of the network's own, which stand in its rules.toml.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// End after so many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    pub(crate) seconds: Option<u64>,
    /// After --for, wait at most so many seconds more for what rules still have to do.
    #[arg(long, value_name = "SECONDS", requires = "seconds")]
    pub(crate) finish: Option<u64>,
    /// End once something arrived, nothing is waited for, and nothing has happened for five seconds.
    #[arg(long)]
    pub(crate) until_idle: bool,
    /// The report as one JSON document on stdout.
    #[arg(long)]
    pub(crate) json: bool,
    /// The node's daemon. Without it, the luxord beside this command.
    #[arg(long, value_name = "PATH")]
    pub(crate) luxord: Option<PathBuf>,
}

const HELP: &str = "\
Your system talks to your own node, whose address and token stand in DIR/MEMBER/run/api.json. That node is started here, unless it
runs already. Without --for and --until-idle the rehearsal ends with Ctrl-C, Enter on a terminal, or the end of standard input.

Each rehearsal stands by itself: answers to questions of an earlier one are told as such. What happened is written to
DIR/rehearsal-N.ndjson while it happens, and the report to DIR/rehearsal-N.json. What rules still had to do at the end is listed there
as not played; --until-idle waits for all of it, --finish for so long.

Exit code 0 when your side conforms, 1 when something that is required was wrong, missing or late.";

/// Runs the command.
pub(crate) fn run(command: &SandboxCommand) -> anyhow::Result<Exit> {
    match command {
        SandboxCommand::New(args) => found::run(args),
        SandboxCommand::Run(args) => run::run(args),
        SandboxCommand::Rules => {
            ui::raw(Rules::builtin_text().as_bytes())?;
            Ok(Exit::Ok)
        }
    }
}
