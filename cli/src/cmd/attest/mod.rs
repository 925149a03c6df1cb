//! `luxor attest`: credentials of trusted traders without a node: issued, renewed, taken back, published; presented, verified.
//!
//! What is signed, and what holds, is decided by [`luxor_protocol::credential`]. What is here: files, the clock, randomness.
//! Not here: who may issue what, which the charter says; records and nodes; TLS.
//!
//! | file | content |
//! |---|---|
//! | `args`, `life` | the command line, and times on it |
//! | `folder` | an issuer's folder, for one command at a time |
//! | `register` | what was issued and what became of it; it leads, the status list follows |
//! | `keys`, `uri` | key files and metadata; URIs that lead to files |
//! | `claims`, `words` | claims as people write them, and what they mean |
//! | others | one command each |

mod args;
mod claims;
mod folder;
mod issue;
mod keys;
mod life;
mod present;
mod publish;
mod register;
mod show;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod uri;
mod verify;
mod words;

pub(crate) use args::AttestCommand;

use crate::exit::Exit;
use register::State;

/// `luxor attest`
pub(super) fn run(command: &AttestCommand) -> anyhow::Result<Exit> {
    run_at(command, life::seconds(super::now()))
}

/// The same at `now`, in seconds since 1970.
fn run_at(command: &AttestCommand, now: u64) -> anyhow::Result<Exit> {
    match command {
        AttestCommand::Keygen(args) => keys::keygen(args),
        AttestCommand::Issue(args) => issue::issue(args, now),
        AttestCommand::Renew(args) => issue::renew(args, now),
        AttestCommand::Revoke(args) => state::change(args, State::Revoked, now),
        AttestCommand::Suspend(args) => state::change(args, State::Suspended, now),
        AttestCommand::Reinstate(args) => state::change(args, State::Valid, now),
        AttestCommand::Publish(args) => publish::publish(args, now),
        AttestCommand::Present(args) => present::present(args, now),
        AttestCommand::Show(args) => show::show(args, now),
        AttestCommand::Verify(args) => verify::run(args, now),
    }
}
