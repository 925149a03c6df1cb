//! Opening a log: which key it has, and its checkpoint with the signature verified.

use std::path::{Path, PathBuf};

use luxor_protocol::time::Millis;
use luxor_protocol::tlog::{
    Checkpoint, KeyType, MAX_NOTE_BYTES, MAX_POLICY_BYTES, Note, Policy, TilePath, TileSource as _, VerifierKey,
};

use super::report::{Report, base64};
use super::source::LogSource;
use crate::exit::{FindingError, RefusedError, UsageError};
use crate::{files, ui};

/// Bytes of a file with a verifier key: name, key ID and key, with room.
const MAX_VKEY_FILE_BYTES: usize = 1024;

/// A checkpoint that the log's key signed.
pub(super) struct Opened {
    pub(super) key: VerifierKey,
    /// Verbatim, with all signatures.
    pub(super) bytes: Vec<u8>,
    pub(super) note: Note,
    pub(super) checkpoint: Checkpoint,
}

impl Opened {
    /// Verifies the log's signature; `place` is where the bytes come from.
    pub(super) fn new(bytes: Vec<u8>, key: &VerifierKey, place: &str) -> anyhow::Result<Self> {
        let wrong = |error: String| {
            FindingError(format!(
                "{place}: {error}; hint: it is damaged, or of another log than the key {}",
                key.name()
            ))
        };
        let note = Note::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
        let checkpoint = Checkpoint::from_note(&note, key).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { key: key.clone(), bytes, note, checkpoint })
    }

    /// Opens the newest checkpoint of a log, or the one in a file. The key is the one given, else the policy's for this
    /// log, else what the source itself says.
    pub(super) fn of(
        source: &LogSource,
        file: Option<&Path>,
        vkey: Option<&str>,
        policy: Option<&Policy>,
    ) -> anyhow::Result<Self> {
        let (bytes, place) = match file {
            Some(file) => (files::read(file, MAX_NOTE_BYTES)?, file.display().to_string()),
            None => (newest(source)?, format!("checkpoint of {}", source.name())),
        };
        let key = match vkey {
            Some(vkey) => read_vkey(vkey)?,
            None => {
                let origin = claimed_origin(&bytes, &place)?;
                let in_policy = policy.and_then(|p| p.logs().iter().find(|log| log.key.name() == origin));
                match in_policy {
                    Some(log) => log.key.clone(),
                    None => own_key(source, &origin)?.ok_or_else(|| {
                        UsageError(format!("no key of the log \"{}\" is known\nhint: give --vkey", ui::clean(&origin)))
                    })?,
                }
            }
        };
        Self::new(bytes, &key, &place)
    }

    /// Tells which checkpoint it is.
    pub(super) fn tell(&self, report: &mut Report) {
        report.fact("origin", self.checkpoint.origin.as_str());
        report.fact("size", self.checkpoint.size);
        report.fact("root", base64(&self.checkpoint.root));
        report.fact("log_key", self.key.to_string());
    }
}

/// The bytes of a log's newest checkpoint.
pub(super) fn newest(source: &LogSource) -> anyhow::Result<Vec<u8>> {
    let bytes = source.read(&TilePath::Checkpoint)?;
    bytes.ok_or_else(|| {
        let hint = match source {
            LogSource::Node(_) => "is its luxord older than this luxor?",
            _ => "it must be the folder with the log's files; a node's own folder is given with --node",
        };
        RefusedError(format!("no checkpoint in {}\nhint: {hint}", source.name())).into()
    })
}

/// The first line of a checkpoint whose signature is not verified yet.
pub(super) fn claimed_origin(bytes: &[u8], place: &str) -> anyhow::Result<String> {
    let wrong = |error: String| FindingError(format!("{place}: {error}; hint: it is damaged, or no checkpoint"));
    let note = Note::parse(bytes).map_err(|error| wrong(format!("checkpoint: {error}")))?;
    Ok(Checkpoint::parse(&note.text).map_err(|error| wrong(error.to_string()))?.origin)
}

/// The key that the source itself gives: a node's status, an export's file. It proves that the files agree, not whose they are.
pub(super) fn own_key(source: &LogSource, origin: &str) -> anyhow::Result<Option<VerifierKey>> {
    match source {
        LogSource::Url(_) => Ok(None),
        LogSource::Node(client) => Ok(Some(read_vkey(&client.status()?.log_vkey)?)),
        LogSource::Folder(folder) => {
            let key = stored_key(folder, origin)?;
            if key.is_some() {
                ui::say("the log's key is the one in its own folder; give --vkey to check against one got elsewhere");
            }
            Ok(key)
        }
    }
}

/// The key in an export's folder, if it is there.
pub(super) fn stored_key(folder: &Path, origin: &str) -> anyhow::Result<Option<VerifierKey>> {
    let path = key_file(folder, origin);
    match files::read_regular(&path, MAX_VKEY_FILE_BYTES).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) {
        Err(error) if error.is_not_found() => Ok(None),
        text => Ok(Some(parse_vkey(text?.trim_end(), &path.display().to_string())?)),
    }
}

/// Where an export keeps the log's key.
pub(super) fn key_file(folder: &Path, origin: &str) -> PathBuf {
    folder.join(format!("{}.vkey", origin.replace('/', "_")))
}

/// Reads a verifier key, or a file with one.
pub(crate) fn read_vkey(text_or_file: &str) -> anyhow::Result<VerifierKey> {
    // A key first: a file may be named like one, by somebody who wants another key to be used.
    if let Ok(key) = VerifierKey::parse(text_or_file) {
        return Ok(key);
    }
    let path = Path::new(text_or_file);
    if !text_or_file.contains('+') || path.is_file() {
        let text = files::read_text(path, MAX_VKEY_FILE_BYTES)?;
        return parse_vkey(text.trim_end(), text_or_file);
    }
    parse_vkey(text_or_file, "--vkey")
}

/// As [`read_vkey`], for a key that witnesses sign with.
pub(super) fn read_witness_key(text_or_file: &str) -> anyhow::Result<VerifierKey> {
    let key = read_vkey(text_or_file)?;
    if key.key_type() == KeyType::Cosignature {
        return Ok(key);
    }
    let what =
        format!("the key of \"{}\" is a log's\nhint: a witness's begins with type 0x04 (cosignature)", key.name());
    Err(RefusedError(what).into())
}

fn parse_vkey(text: &str, place: &str) -> anyhow::Result<VerifierKey> {
    VerifierKey::parse(text).map_err(|error| {
        let hint = "a verifier key is one line: name+key ID+base64";
        RefusedError(format!("{place}: {error}\nhint: {hint}")).into()
    })
}

/// Reads a policy.
pub(crate) fn read_policy(path: &Path) -> anyhow::Result<Policy> {
    let text = files::read_text(path, MAX_POLICY_BYTES)?;
    Policy::parse(&text).map_err(|error| {
        let hint = "the form is that of https://c2sp.org/tlog-policy; `luxor policy flat` makes one";
        RefusedError(format!("{}: {error}\nhint: {hint}", path.display())).into()
    })
}

/// Tells who cosigned, and whether that is enough.
pub(crate) fn tell_witnesses(report: &mut Report, note: &Note, policy: Option<&Policy>) {
    let Some(policy) = policy else {
        let others = note.signatures.len().saturating_sub(1);
        let words = if others == 0 { String::new() } else { format!("{others}, by unknown keys; give --policy") };
        report.told("other_signatures", others, words);
        return;
    };
    let satisfied = match policy.satisfied_by(note) {
        Ok(satisfied) => satisfied,
        Err(error) => return report.finding(error.to_string()),
    };
    let names: Vec<_> = satisfied.witnesses.iter().map(|(witness, _)| witness.name.clone()).collect();
    let words = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    report.told("witnesses", names, words);
    report.told("quorum", satisfied.quorum, if satisfied.quorum { "reached" } else { "not reached" });
    if let Some(time) = satisfied.time {
        report.told("quorum_time", time, Millis(time.saturating_mul(1000)).to_string());
    }
    if !satisfied.quorum {
        report.finding(
            "the cosignatures do not make up the policy's quorum; hint: have the checkpoint witnessed (luxor log witness)",
        );
    }
    if !policy.logs().is_empty() && satisfied.log.is_none() {
        report.finding("no log of the policy signed the checkpoint; hint: is it the policy for this log?");
    }
}
