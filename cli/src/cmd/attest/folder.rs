//! An issuer's folder: making it, and opening it for one command at a time, with register and status list in agreement.
//!
//! Layout: `issuer.toml`, `attest.key` (secret), `issuer.jwk` (its public half), `register.ndjson`, `statuses.json`, `signed_at`, `lock`;
//! and `outgoing`, see [`super::outgoing`].

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use luxor_protocol::credential::{Algorithm, AttestKey, Bits, StatusList};
use luxor_protocol::limits::MAX_STATUS_LIST_BYTES;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::register::{Mark, Register};
use super::uri::WebUri;
use super::{keys, life, refused};
use crate::exit::{RefusedError, UsageError};
use crate::files::{self, FileError};
use crate::ui;

/// Statuses that a list has at least: one among few tells whose it is.
const MIN_STATUSES: u64 = 1_024;
/// Statuses that a list has at most, of two bits each.
const MAX_STATUSES: u64 = MAX_STATUS_LIST_BYTES as u64 * 4;
const MAX_CONFIG_BYTES: usize = 16 * 1024;
/// Bytes of `statuses.json`: a list that cannot be compressed, in base64.
const MAX_STATUSES_BYTES: usize = MAX_STATUS_LIST_BYTES * 3 / 2 + 4_096;
/// How far ahead of the clock a list is dated at most, so that it is newer than the one before; verifiers allow for more.
const MAX_AHEAD: u64 = 30;
/// The path below which issuers serve their keys.
const WELL_KNOWN: &str = ".well-known";

/// Who issues, and where the list is served.
pub(super) struct Config {
    pub(super) issuer: WebUri,
    pub(super) status_list: WebUri,
    pub(super) statuses: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigText {
    issuer: String,
    status_list: String,
    statuses: u64,
}

/// The list as it was made from the register, two bits a status.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    register: Mark,
    lst: String,
}

/// An issuer's folder that no other command works on.
pub(super) struct Folder {
    pub(super) dir: PathBuf,
    pub(super) config: Config,
    pub(super) key: AttestKey,
    pub(super) register: Register,
    pub(super) list: StatusList,
    /// Held while the folder is open; the system lets it go with the process.
    _lock: File,
}

impl Config {
    /// Checks them together.
    pub(super) fn new(issuer: &str, status_list: Option<&str>, statuses: u64) -> Result<Self, UsageError> {
        let issuer = WebUri::parse("the issuer", issuer)?;
        let status_list = status_list.map_or_else(|| format!("{issuer}/status/1"), str::to_owned);
        let status_list = WebUri::parse("the status list", &status_list)?;
        let first = status_list.path().split('/').next().unwrap_or_default();
        if first.is_empty() || first == WELL_KNOWN {
            let why = "it needs a path, and another one than /.well-known, where the keys are served";
            return Err(UsageError(format!("the status list '{status_list}': {why}")));
        }
        if !(MIN_STATUSES..=MAX_STATUSES).contains(&statuses) {
            let (least, most) = (ui::count(MIN_STATUSES), ui::count(MAX_STATUSES));
            return Err(UsageError(format!(
                "a status list has {least} to {most} statuses, not {}",
                ui::count(statuses)
            )));
        }
        // Whole bytes are kept.
        Ok(Self { issuer, status_list, statuses: statuses.next_multiple_of(4) })
    }

    fn load(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("issuer.toml");
        let text = match files::read_text(&path, MAX_CONFIG_BYTES) {
            Err(error) if error.is_not_found() => {
                let hint = "make an issuer's folder with `luxor attest keygen --dir DIR --issuer URI`";
                return Err(RefusedError(format!("{} holds no issuer.toml\nhint: {hint}", dir.display())).into());
            }
            text => text?,
        };
        let of: ConfigText = toml::from_str(&text).map_err(|error| refused(&path, error))?;
        Ok(Self::new(&of.issuer, Some(&of.status_list), of.statuses).map_err(|error| refused(&path, error))?)
    }
}

/// Makes a folder with a new key.
pub(super) fn make(dir: &Path, config: &Config, algorithm: Algorithm) -> anyhow::Result<AttestKey> {
    let stage = files::stage(dir, ".luxor-attest-")?.ok_or_else(|| {
        let hint = "choose a new folder; keygen never overwrites keys";
        UsageError(format!("{} is not empty\nhint: {hint}", dir.display()))
    })?;
    let at = |name: &str| stage.path().join(name);
    let key = keys::generate(algorithm)?;
    files::write_secret(&at("attest.key"), &key.to_text())?;
    files::write(&at("issuer.jwk"), keys::jwk_text(key.public()).as_bytes())?;
    files::write_private(&at("register.ndjson"), b"")?;
    let Config { issuer, status_list, statuses } = config;
    let text = ConfigText { issuer: issuer.to_string(), status_list: status_list.to_string(), statuses: *statuses };
    files::write(&at("issuer.toml"), toml::to_string(&text)?.as_bytes())?;
    let register = Register::open(&at("register.ndjson"), *statuses, None)?;
    store(stage.path(), &register, &mut StatusList::new(Bits::Two, *statuses)?)?;
    files::settle(stage, dir)?;
    Ok(key)
}

impl Folder {
    /// Opens it, if no other command has it open. A list that is behind the register is made again.
    pub(super) fn open(dir: &Path) -> anyhow::Result<Self> {
        let config = Config::load(dir)?;
        let lock = lock(dir)?;
        let key = keys::secret(&dir.join("attest.key"))?;
        let stored = stored(dir)?;
        let mark = stored.as_ref().map(|(mark, _)| mark);
        let register = Register::open(&dir.join("register.ndjson"), config.statuses, mark)?;
        let mut list = StatusList::new(Bits::Two, config.statuses)?;
        for credential in register.credentials() {
            list.set(credential.index, register.standing(credential.attestation).0.status())?;
        }
        if !stored.is_some_and(|(mark, stored)| mark == register.mark() && stored == list) {
            store(dir, &register, &mut list)?;
            ui::say(&format!(
                "{}: the status list was missing, damaged or behind the register, and is made again",
                dir.display()
            ));
        }
        Ok(Self { dir: dir.to_owned(), config, key, register, list, _lock: lock })
    }

    /// Brings the list up to the register, which was added to: these are the numbers that it is about.
    pub(super) fn settle(&mut self, numbers: &[u64]) -> anyhow::Result<()> {
        for index in numbers {
            let of = self.register.credential(*index)?.attestation;
            self.list.set(*index, self.register.standing(of).0.status())?;
        }
        store(&self.dir, &self.register, &mut self.list)
    }
}

impl Folder {
    /// The time of the next signed list: now, or a second behind the list before, since of two lists of one second nobody can tell
    /// which is newer.
    pub(super) fn next_time(&self, now: u64) -> anyhow::Result<u64> {
        let path = self.dir.join("signed_at");
        let before = match files::read_text(&path, MAX_CONFIG_BYTES) {
            Err(error) if error.is_not_found() => None,
            text => life::parse(text?.trim()).ok(),
        };
        // Where the clock was wrong before, it is followed all the same.
        let behind =
            before.map(|before| before.saturating_add(1)).filter(|next| *next <= now.saturating_add(MAX_AHEAD));
        let time = behind.unwrap_or(now).max(now);
        files::write_private(&path, format!("{}\n", life::text(time)).as_bytes())?;
        Ok(time)
    }
}

fn store(dir: &Path, register: &Register, list: &mut StatusList) -> anyhow::Result<()> {
    let stored = Stored { register: register.mark(), lst: list.lst() };
    Ok(files::write_private(&dir.join("statuses.json"), &serde_json::to_vec(&stored)?)?)
}

/// The list as it was stored; none if it is missing or cannot be read, for it is made again then.
fn stored(dir: &Path) -> anyhow::Result<Option<(Mark, StatusList)>> {
    let bytes = match files::read(&dir.join("statuses.json"), MAX_STATUSES_BYTES) {
        Err(error) if error.is_of_content() => return Ok(None),
        bytes => bytes?,
    };
    let stored = serde_json::from_slice::<Stored>(&bytes).ok();
    Ok(stored.and_then(|stored| Some((stored.register, StatusList::open(Bits::Two, &stored.lst).ok()?))))
}

fn lock(dir: &Path) -> anyhow::Result<File> {
    let path = dir.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(FileError::at(&path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let hint = "run this again when it has ended";
            Err(RefusedError(format!("another command works on {}\nhint: {hint}", dir.display())).into())
        }
        Err(error) => Err(FileError::at(&path)(error.into()).into()),
    }
}
