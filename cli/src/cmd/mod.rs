//! The subcommands, one file each.

mod agreement;
mod attach;
mod attest;
mod attest_key;
mod audit;
mod card;
mod charter;
mod check;
mod convert;
mod disclosures;
mod dispute;
mod documents;
mod duty;
mod erase;
mod hold;
mod inbox;
mod indicator;
mod init;
mod install;
mod item;
mod keys;
mod onward;
mod outbox;
mod place;
mod quality;
mod queue;
mod recognise;
mod reconcile;
mod renew;
mod repair;
mod revoke;
mod rotate;
mod screen;
mod show;
mod signatures;
mod stats;
mod status;
mod submit;
mod taxii;
mod template;
mod uses;
mod window;

#[cfg(test)]
mod tests;

use std::time::{SystemTime, UNIX_EPOCH};

use luxor_protocol::exchange::Lane;
use luxor_protocol::hash::Digest;
use luxor_protocol::time::{Day, Millis};

pub(crate) use attest::AttestCommand;
pub(crate) use audit::AuditCommand;

use crate::args::Command;
use crate::exit::Exit;
use crate::{bench, demo, log, sandbox, ui};

/// Runs a command.
pub(crate) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Init(args) => init::run(&args),
        Command::Charter(command) => charter::run(&command),
        Command::Card(command) => card::run(&command),
        Command::Agreement(command) => agreement::run(&command),
        Command::Install(args) => install::run(&args),
        Command::Documents(args) => documents::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Revoke(args) => revoke::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Attach(args) => attach::attach(&args),
        Command::Attachment(command) => attach::run(&command),
        Command::Duty(command) => duty::run(&command),
        Command::Convert(args) => convert::run(&args),
        Command::Submit(args) => submit::run(&args),
        Command::Inbox(args) => inbox::run(&args),
        Command::Outbox(args) => outbox::list(&args),
        Command::Withdraw(args) => outbox::withdraw(&args),
        Command::Redirect(args) => outbox::redirect(&args),
        Command::Repair(command) => repair::run(&command),
        Command::Onward(command) => onward::run(&command),
        Command::Erase(args) => erase::run(&args),
        Command::Hold(command) => hold::run(&command),
        Command::Disclosures(args) => disclosures::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Recognise(args) => recognise::run(&args),
        Command::Uses(args) => uses::run(&args),
        Command::Window(command) => window::run(&command),
        Command::Dispute(command) => dispute::run(&command),
        Command::Reconcile(args) => reconcile::run(&args),
        Command::Quality(args) => quality::run(&args),
        Command::Item(args) => item::run(&args),
        Command::Referrals(args) => item::referrals(&args),
        Command::Status(args) => status::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Log(command) => log::run(&command),
        Command::Evidence(command) => log::run_evidence(&command),
        Command::Policy(command) => log::run_policy(&command),
        Command::Attest(command) => attest::run(&command),
        Command::Stats(command) => stats::run(&command),
        Command::Indicator(command) => indicator::run(&command),
        Command::Screen(args) => screen::run(&args),
        Command::Queue(command) => queue::run(&command),
        Command::Officer(args) => queue::officer(&args),
        Command::Taxii(command) => taxii::run(&command),
        Command::Demo(args) => demo::run(args),
        Command::Sandbox(command) => sandbox::run(&command),
        Command::Bench(command) => bench::run(&command),
    }
}

/// The lane that `--urgent` chooses.
fn lane(urgent: bool) -> Lane {
    if urgent { Lane::Urgent } else { Lane::Ordinary }
}

/// Now.
fn now() -> Millis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(now.as_millis()).unwrap_or(0))
}

/// Today in UTC.
fn today() -> Day {
    now().day()
}

/// The beginning of a digest, enough to tell documents apart.
fn short(digest: &Digest) -> String {
    digest.hex().chars().take(16).collect()
}

/// `a, b and c`.
fn listed<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let all: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match all.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        Some((only, _)) => only.clone(),
        None => "nobody".into(),
    }
}

/// `1 row`, `2 rows`.
fn some(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", ui::count(number))
}
