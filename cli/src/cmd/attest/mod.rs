//! `luxor attest`: credentials of trusted traders: issued, renewed, taken back, published; presented, verified. With --node what is
//! signed goes to partners as records.
//!
//! What is signed, and what holds, is decided by [`luxor_protocol::credential`]. What is here: files, the clock, randomness.
//! Not here: who may issue what, which the charter says and nodes see to; TLS.
//!
//! | file | content |
//! |---|---|
//! | `args`, `life` | the command line, and times on it |
//! | `folder` | an issuer's folder, for one command at a time |
//! | `register` | what was issued and what became of it; it leads, the status list follows |
//! | `keys`, `uri` | key files and metadata; URIs that lead to files |
//! | `claims`, `words` | claims as people write them, and what they mean |
//! | `carry`, `outgoing`, `send` | tokens as records, kept until a node has answered |
//! | others | one command each |

mod args;
mod carry;
mod claims;
mod confirm;
mod folder;
mod issue;
mod keys;
mod life;
mod outgoing;
mod present;
mod publish;
mod register;
mod send;
mod show;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod uri;
mod verify;
mod words;

pub(crate) use args::AttestCommand;

use std::fmt::Display;
use std::path::Path;

use luxor_protocol::credential::{AttestPublic, SdJwt};

use crate::exit::{Exit, RefusedError};
use crate::files;
use crate::ui;
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
        AttestCommand::Confirm(args) => confirm::confirm(args, now),
        AttestCommand::Present(args) => present::present(args, now),
        AttestCommand::Show(args) => show::show(args, now),
        AttestCommand::Verify(args) => verify::run(args, now),
    }
}

/// The public key in a JWK file.
pub(super) fn public_key(path: &Path) -> anyhow::Result<AttestPublic> {
    keys::public(path)
}

/// A file that is refused, and why.
fn refused(path: &Path, why: impl Display) -> RefusedError {
    RefusedError(format!("{}: {}", path.display(), with_hint(why)))
}

/// What is wrong, with what helps on a line of its own.
fn with_hint(why: impl Display) -> String {
    why.to_string().replace("; hint:", "\nhint:")
}

/// Writes a credential to its file, or to stdout.
fn hand_out(out: Option<&Path>, credential: &SdJwt) -> anyhow::Result<()> {
    match out {
        Some(path) => files::write_private(path, format!("{credential}\n").as_bytes())?,
        None => ui::line(&credential.to_string())?,
    }
    Ok(())
}
