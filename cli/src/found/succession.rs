//! A new log for a node that lost its data.
//!
//! The old log may have signed entries that this node does not know any more, so its key never signs again: new log and
//! witness keys, a new origin, and the next epoch for the channels it sends in, whose numbers are lost too.

use std::fs;
use std::path::Path;

use luxor_protocol::api::ReadyFile;
use luxor_protocol::document::{Card, Document, DocumentKind};
use luxor_protocol::keys::KeyUse;

use super::config::NodeConfig;
use super::{FoundError, all_documents, generate, identity, key_path};
use crate::files::{self, FileError};

/// Puts the old log aside, makes new log and witness keys, and returns the signed card that follows the present one.
///
/// # Errors
/// [`FoundError`]; before the first file is moved for everything but a failing file system.
pub(crate) fn succeed(dir: &Path) -> Result<Document, FoundError> {
    let config = NodeConfig::load(dir)?;
    let (member, name) = (config.node.member, config.node.name);
    stopped(dir)?;
    let mut cards = all_documents(dir)?;
    cards.retain(|document| document.kind == DocumentKind::Card && document.id == member);
    let no_card = || FoundError::NoCard { dir: dir.to_owned(), member: member.clone() };
    let present = cards.into_iter().max_by_key(|card| card.version).ok_or_else(no_card)?;
    let mut card = Card::open(&present).map_err(FoundError::Card)?;
    let node = card.nodes.iter_mut().find(|node| node.name == name).ok_or_else(no_card)?;
    let identity = identity(dir)?;
    let (log, witness) = (generate(KeyUse::Log)?, generate(KeyUse::Witness)?);
    let ended = node.epoch;
    node.epoch += 1;
    node.origin = format!("luxor.{}/{member}/{name}/{}", &present.network.hex()[..16], node.epoch);
    (node.log, node.witness) = ((*log.public()).into(), (*witness.public()).into());
    let mut successor = card.to_successor(&present).map_err(FoundError::Card)?;
    successor.sign(&member, &identity);
    for name in ["data", "log.lock", "keys/log.key", "keys/witness.key"] {
        let (from, to) = (dir.join(name), dir.join(format!("{name}.epoch-{ended}")));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(FileError::at(&to)(error).into()),
            _ => {}
        }
    }
    for (purpose, key) in [(KeyUse::Log, &log), (KeyUse::Witness, &witness)] {
        files::write_secret(&key_path(dir, purpose.name()), &key.to_text())?;
    }
    Ok(successor)
}

/// Refuses the folder of a running node, as far as `run/ready.json` tells.
fn stopped(dir: &Path) -> Result<(), FoundError> {
    let ready = fs::read(dir.join("run/ready.json")).ok();
    let ready: Option<ReadyFile> = ready.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match ready {
        Some(ready) if Path::new(&format!("/proc/{}", ready.pid)).exists() => {
            Err(FoundError::Running { dir: dir.to_owned(), pid: ready.pid })
        }
        _ => Ok(()),
    }
}
