//! `luxor log`, `luxor evidence` and `luxor policy`: a log's own files, checked without a node, for auditors and courts.
//!
//! What is here: reading and writing files, HTTP. What is decided is decided by [`luxor_protocol::tlog`].
//! What is not here: what an entry means (see `luxor audit`), and TLS.
//!
//! | file | content |
//! |---|---|
//! | `args` | the command line |
//! | `source` | where a log's files lie |
//! | `open` | its key, its checkpoint, its witnesses |
//! | `pass` | all files compared with the entries |
//! | `compare` | whether one checkpoint extends another |
//! | `report` | what is printed, and the exit code |
//! | `folder` | the folder that an export writes |
//! | `archive` | the same with openings and documents, and the file that lists all of it |
//! | others | one command each |

mod archive;
mod args;
mod check_proof;
mod compare;
mod consistency;
mod evidence;
mod export;
mod folder;
mod open;
mod pass;
mod policy;
mod prove;
mod report;
mod source;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod verify;
mod witness;

#[cfg(test)]
pub(crate) use archive::archive;
pub(crate) use archive::{MANIFEST, Manifest, Settled, page_name, read_page, read_part};
pub(crate) use args::{EvidenceCommand, LogCommand, PolicyCommand};
pub(crate) use open::{read_policy, read_vkey, tell_witnesses};
pub(crate) use report::Report;
pub(crate) use source::SourceError;
pub(crate) use verify::files_hold;

use crate::exit::Exit;

/// `luxor log`
pub(crate) fn run(command: &LogCommand) -> anyhow::Result<Exit> {
    match command {
        LogCommand::Export(args) => export::run(args),
        LogCommand::Archive(args) => archive::run(args),
        LogCommand::Verify(args) => verify::run(args),
        LogCommand::Prove(args) => prove::run(args),
        LogCommand::CheckProof(args) => check_proof::run(args),
        LogCommand::Consistency(args) => consistency::run(args),
        LogCommand::Witness(args) => witness::run(args),
    }
}

/// `luxor evidence`
pub(crate) fn run_evidence(command: &EvidenceCommand) -> anyhow::Result<Exit> {
    match command {
        EvidenceCommand::Verify(args) => evidence::verify(args),
        EvidenceCommand::Make(args) => evidence::make(args),
        EvidenceCommand::Fetch(args) => evidence::fetch(args),
    }
}

/// `luxor policy`
pub(crate) fn run_policy(command: &PolicyCommand) -> anyhow::Result<Exit> {
    match command {
        PolicyCommand::Lint(args) => policy::lint(args),
        PolicyCommand::Flat(args) => policy::flat(args),
        PolicyCommand::Of(args) => policy::of(args),
    }
}
