//! The register: what an issuer issued and what became of it, one JSON object a line, only ever appended to.
//!
//! It leads: the status list is made from it. Each line is written at once and is on the disk before anything follows from it, so
//! a power loss leaves all of it or a last line without its end, which is cut off: nothing was handed out for it.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use luxor_protocol::credential::{CredentialType, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::life::{rfc3339, text};
use super::refused;
use crate::exit::RefusedError;
use crate::files::{self, FileError};
use crate::ui;

/// Bytes of a register: some 900,000 credentials. It is read whole by each command, 200,000 in a second of work.
const MAX_REGISTER_BYTES: usize = 512 * 1024 * 1024;
/// Bytes of one line.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// How an attestation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It holds.
    Valid,
    /// Not for now.
    Suspended,
    /// Taken back for good.
    Revoked,
}

impl State {
    /// The word of it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }

    /// What stands in the status list for it.
    pub(super) const fn status(self) -> Status {
        match self {
            Self::Valid => Status::Valid,
            Self::Suspended => Status::Suspended,
            Self::Revoked => Status::Invalid,
        }
    }

    /// Whether `next` may come after it.
    const fn leads_to(self, next: State) -> bool {
        matches!((self, next), (Self::Valid, Self::Suspended) | (Self::Suspended, Self::Valid))
            || (!matches!(self, Self::Revoked) && matches!(next, Self::Revoked))
    }
}

/// A credential.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issued {
    /// Its number in the status list.
    pub(super) index: u64,
    /// The number of the first one; those that renew it have other numbers and stand as it stands.
    pub(super) attestation: u64,
    /// What it is about.
    #[serde(rename = "type")]
    pub(super) of: CredentialType,
    /// The number of whom it is about.
    pub(super) subject: String,
    /// When, in seconds since 1970; valid from then on.
    #[serde(with = "rfc3339")]
    pub(super) issued: u64,
    /// Until when.
    #[serde(with = "rfc3339")]
    pub(super) expires: u64,
    /// The holder's JWK.
    pub(super) holder: Map<String, Value>,
    /// The claims, as a file of claims has them.
    pub(super) claims: Map<String, Value>,
}

/// What became of attestations.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    /// Which; all of them or none.
    pub(super) attestations: Vec<u64>,
    /// How they stand now.
    pub(super) state: State,
    /// Since when, in seconds since 1970.
    #[serde(with = "rfc3339")]
    pub(super) since: u64,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    Issued(Box<Issued>),
    Changed(Changed),
}

/// How far the register was when a list was made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    /// Its bytes.
    pub(super) bytes: usize,
    /// Their BLAKE3 digest in hex.
    pub(super) blake3: String,
}

/// The register, read whole.
pub(super) struct Register {
    path: PathBuf,
    statuses: u64,
    credentials: BTreeMap<u64, Issued>,
    standing: BTreeMap<u64, (State, u64)>,
    bytes: usize,
    hasher: blake3::Hasher,
}

impl Register {
    /// Reads it, and compares its beginning with what a list was made from.
    pub(super) fn open(path: &Path, statuses: u64, mark: Option<&Mark>) -> anyhow::Result<Self> {
        let bytes = files::read(path, MAX_REGISTER_BYTES)?;
        let refuse = |what: String| {
            let hint = "put back the newest register; until then issue nothing, since a number could be used twice";
            RefusedError(format!("{}: {what}\nhint: {hint}", path.display()))
        };
        let mut hasher = blake3::Hasher::new();
        let marked = mark.map_or(0, |mark| mark.bytes);
        if let Some(mark) = mark {
            let Some(before) = bytes.get(..mark.bytes) else {
                let (found, was) = (bytes.len(), mark.bytes);
                return Err(refuse(format!("it has {found} bytes and had {was} when the status list was made")).into());
            };
            if hasher.update(before).finalize().to_hex().as_str() != mark.blake3 {
                return Err(refuse("it was changed since the status list was made from it".into()).into());
            }
        }
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole < marked {
            return Err(refuse("its end is missing".into()).into());
        }
        let mut register = Self {
            path: path.to_owned(),
            statuses,
            credentials: BTreeMap::new(),
            standing: BTreeMap::new(),
            bytes: whole,
            hasher,
        };
        register.hasher.update(bytes.get(marked..whole).unwrap_or_default());
        let text = bytes.get(..whole).unwrap_or_default();
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
            let taken = serde_json::from_slice::<Line>(line).map_err(|error| error.to_string());
            let taken = taken.and_then(|line| register.admit(&line).map(|()| register.take(line)));
            taken.map_err(|why| refuse(format!("line {}: {why}", at + 1)))?;
        }
        if whole < bytes.len() {
            register.cut()?;
            let what = "its last line was not written to its end and is cut off; nothing was handed out for it";
            ui::say(&format!("{}: {what}", path.display()));
        }
        Ok(register)
    }

    /// Adds a line, on the disk before this returns. One that is refused is never there.
    pub(super) fn append(&mut self, line: Line) -> anyhow::Result<()> {
        self.admit(&line).map_err(|why| refused(&self.path, why))?;
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        let too_long = |what: &str, limit: usize| {
            RefusedError(format!("{}: {what} would have more than {limit} bytes", self.path.display()))
        };
        if bytes.len() > MAX_LINE_BYTES {
            return Err(too_long("the line", MAX_LINE_BYTES).into());
        }
        if self.bytes + bytes.len() > MAX_REGISTER_BYTES {
            return Err(too_long("the register", MAX_REGISTER_BYTES).into());
        }
        let file = OpenOptions::new().append(true).open(&self.path).map_err(FileError::at(&self.path))?;
        if let Err(error) = (&file).write_all(&bytes).and_then(|()| file.sync_all()) {
            // What stands there of it must not count later as if it had been done.
            let _ = self.cut();
            return Err(FileError::at(&self.path)(error).into());
        }
        self.bytes += bytes.len();
        self.hasher.update(&bytes);
        self.take(line);
        Ok(())
    }

    /// How far it is.
    pub(super) fn mark(&self) -> Mark {
        Mark { bytes: self.bytes, blake3: self.hasher.finalize().to_hex().to_string() }
    }

    /// The credential of a number.
    pub(super) fn credential(&self, index: u64) -> Result<&Issued, RefusedError> {
        self.credentials.get(&index).ok_or_else(|| {
            let hint = "`luxor attest show` tells a credential's number, and --subject names its subject";
            RefusedError(format!("{}: no credential has the number {index}\nhint: {hint}", self.path.display()))
        })
    }

    /// All credentials.
    pub(super) fn credentials(&self) -> impl Iterator<Item = &Issued> {
        self.credentials.values()
    }

    /// How an attestation stands, and since when.
    pub(super) fn standing(&self, attestation: u64) -> (State, u64) {
        // Every credential's is there: `take` puts it.
        self.standing.get(&attestation).copied().unwrap_or((State::Revoked, 0))
    }

    /// How many numbers are free, and the free one behind `skip` others.
    pub(super) fn free(&self, skip: impl FnOnce(u64) -> anyhow::Result<u64>) -> anyhow::Result<u64> {
        let free = self.statuses.saturating_sub(self.credentials.len() as u64);
        if free == 0 {
            let hint = "make a folder with another status list for what comes; publish this one until its last credential expires";
            let what = format!("all {} numbers of the status list are used", ui::count(self.statuses));
            return Err(RefusedError(format!("{}: {what}\nhint: {hint}", self.path.display())).into());
        }
        // Each used number at or before the place moves it on by one.
        let mut index = skip(free)?;
        for used in self.credentials.keys() {
            if *used > index {
                break;
            }
            index += 1;
        }
        Ok(index)
    }

    /// Whether a line may come next.
    fn admit(&self, line: &Line) -> Result<(), String> {
        match line {
            Line::Issued(of) => {
                let (index, first) = (of.index, of.attestation);
                if index >= self.statuses || self.credentials.contains_key(&index) {
                    return Err(format!("the number {index} is used twice, or outside of the list"));
                }
                let renews = self.standing.get(&first).map(|(state, _)| *state);
                if renews != Some(State::Valid) && first != index {
                    return Err(format!("the credential {index} renews none that is valid"));
                }
            }
            Line::Changed(Changed { attestations, state, .. }) => {
                let fits = |at: &u64| self.standing.get(at).is_some_and(|(before, _)| before.leads_to(*state));
                if let Some(wrong) = attestations.iter().find(|at| !fits(at)) {
                    return Err(format!("the attestation {wrong} is not there, or cannot become {}", state.word()));
                }
            }
        }
        Ok(())
    }

    /// Takes a line that was admitted.
    fn take(&mut self, line: Line) {
        match line {
            Line::Issued(of) => {
                self.standing.entry(of.attestation).or_insert((State::Valid, of.issued));
                self.credentials.insert(of.index, *of);
            }
            Line::Changed(Changed { attestations, state, since, .. }) => {
                self.standing.extend(attestations.into_iter().map(|at| (at, (state, since))));
            }
        }
    }

    fn cut(&self) -> Result<(), FileError> {
        let file = OpenOptions::new().write(true).open(&self.path).map_err(FileError::at(&self.path))?;
        file.set_len(self.bytes as u64).and_then(|()| file.sync_all()).map_err(FileError::at(&self.path))
    }
}

/// `suspended since 2026-11-26T10:00:00Z`
pub(super) fn stands((state, since): (State, u64)) -> String {
    format!("{} since {}", state.word(), text(since))
}
