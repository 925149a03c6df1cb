//! Records that are on their way from an issuer's folder to a node: each is kept in `outgoing/` until the node has answered.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use luxor_protocol::credential::{StatusClaims, StatusToken};
use luxor_protocol::exchange::Lane;
use luxor_protocol::limits::MAX_RECORD_BYTES;
use luxor_protocol::record::{Content, Value, content_from_json, content_to_json};

use super::carry;
use super::folder::Folder;
use super::send::{self, Sent};
use crate::client::Client;
use crate::files::{self, FileError};

/// Bytes of such a file: a record as JSON.
const MAX_FILE_BYTES: usize = 2 * MAX_RECORD_BYTES;
/// The file of the status list: there is one list, and a newer one takes the place of an older one.
const STATUS_LIST: &str = "status_list.ndjson";

/// A record, and the file that it is kept in.
pub(super) struct Outgoing {
    record: Content,
    file: PathBuf,
    lane: Lane,
}

impl Outgoing {
    /// Keeps the record of a credential.
    pub(super) fn attestation(dir: &Path, name: &str, record: Content) -> anyhow::Result<Self> {
        Self::keep(dir, &format!("{name}.ndjson"), record, Lane::Ordinary)
    }

    /// Keeps a signed status list, which goes before everything that waits.
    ///
    /// Where a list that says the same is still there, since the answer to it was lost, it is that one: nothing is sent twice.
    pub(super) fn status_list(folder: &mut Folder, claims: &StatusClaims, token: &str) -> anyhow::Result<Self> {
        let file = folder.dir.join("outgoing").join(STATUS_LIST);
        if let Some(record) = kept(&file).filter(|record| says_the_same(record, folder, claims)) {
            return Ok(Self { record, file, lane: Lane::Urgent });
        }
        let record = carry::status_list(&claims.uri, token, claims.issued_at)?;
        Self::keep(&folder.dir, STATUS_LIST, record, Lane::Urgent)
    }

    fn keep(dir: &Path, name: &str, record: Content, lane: Lane) -> anyhow::Result<Self> {
        let folder = dir.join("outgoing");
        fs::create_dir_all(&folder).map_err(FileError::at(&folder))?;
        let file = folder.join(name);
        files::write_private(&file, format!("{}\n", content_to_json(&record)).as_bytes())?;
        Ok(Self { record, file, lane })
    }

    /// Gives it to the node. Once that has answered, whatever it said, nothing is kept here any more.
    ///
    /// Without an answer the error says `stands`: what was done before; and how to go on with what is kept.
    pub(super) fn send(self, client: &Client, node: &str, stands: &str) -> anyhow::Result<Sent> {
        let sent = send::one(client, &self.record, self.lane).with_context(|| {
            let (urgent, again) = match self.lane {
                Lane::Urgent => (" --urgent", ", and so does the same command again"),
                Lane::Ordinary => ("", ""),
            };
            let (name, file) = (send::name_of_record(&self.record), self.file.display());
            let submit = format!("luxor submit --node {node}{urgent} --submission {name} {file}");
            format!("{stands}; whether the node took the record is not known\nhint: `{submit}` goes on{again}; nothing is sent twice")
        })?;
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(FileError::at(&self.file)(error).into()),
            _ => Ok(sent),
        }
    }
}

/// The record in a file, if there is one that can be read.
fn kept(file: &Path) -> Option<Content> {
    let bytes = files::read(file, MAX_FILE_BYTES).ok()?;
    content_from_json(&serde_json::from_slice(&bytes).ok()?).ok()
}

/// Whether a kept list has the same statuses for as long, and holds still.
fn says_the_same(record: &Content, folder: &Folder, claims: &StatusClaims) -> bool {
    let Some(Value::Text(token)) = record.field("list", "token") else { return false };
    let Ok(kept) = StatusToken::verify(&token, folder.key.public(), claims.issued_at) else { return false };
    let life = |of: &StatusClaims| of.expires.map(|expires| expires.saturating_sub(of.issued_at));
    let (was, is) = (&kept.claims, claims);
    // One that is about to become stale is no help to a verifier.
    let fresh = kept.fresh_until() > is.issued_at;
    was.uri == is.uri && was.ttl == is.ttl && life(was) == life(is) && fresh && kept.list == folder.list
}
