//! Networks of real nodes on this machine, for `luxor demo`, `luxor bench` and `luxor sandbox`: founding, node processes, folders, waiting.
//!
//! Not here: what the members of such a network do (demo, bench, sandbox).

mod children;
mod network;
mod stop;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use luxor_protocol::api::OutboxState;

use crate::client::Client;
use crate::exit::UsageError;
use crate::ui::{Progress, count};
pub(crate) use children::{Children, luxord};
#[cfg(test)]
pub(crate) use network::today;
pub(crate) use network::{Deal, Draft, Network, Plan, Role, list, node, now, term};
pub(crate) use stop::Stop;

/// How long the outbox may stand still before the command gives up.
const STANDSTILL: Duration = Duration::from_secs(120);
const OUTBOX_WAIT_MS: u64 = 250;

/// Starts the node of every member, waits until all are ready, and opens a client of each.
pub(crate) fn start(
    network: &Network,
    luxord: &Path,
    roles: &[Role<'static>],
) -> Result<(Children, BTreeMap<&'static str, Client>)> {
    let mut children = Children::default();
    for role in roles {
        children.start(luxord, &network.dir(role.id))?;
    }
    children.wait_ready()?;
    let open = |role: &Role<'static>| -> Result<(&'static str, Client)> {
        Ok((role.id, Client::open(&network.dir(role.id).to_string_lossy())?))
    };
    let clients = roles.iter().map(open).collect::<Result<_>>()?;
    Ok((children, clients))
}

/// Where the nodes live: in a folder to keep, or in one that goes when the command ends.
pub(crate) enum Place {
    Kept(PathBuf),
    Passing(tempfile::TempDir),
}

impl Place {
    /// `keep` if given, which must be empty or not there; else a new folder of this prefix among the temporary ones.
    pub(crate) fn new(prefix: &str, keep: Option<&Path>) -> Result<Self> {
        let Some(dir) = keep else {
            let dir = tempfile::Builder::new().prefix(prefix).tempdir();
            return dir.map(Self::Passing).context("no temporary folder can be made");
        };
        // Absolute, so that the commands that are shown work from any folder.
        let dir = std::path::absolute(dir).with_context(|| format!("{}: has no absolute path", dir.display()))?;
        fs::create_dir_all(&dir).with_context(|| format!("{}: cannot be made", dir.display()))?;
        let mut entries = fs::read_dir(&dir).with_context(|| format!("{}: cannot be read", dir.display()))?;
        if entries.next().is_some() {
            return Err(UsageError(format!(
                "{} is not empty\nhint: name a folder that is empty or not there",
                dir.display()
            ))
            .into());
        }
        Ok(Self::Kept(dir))
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Kept(dir) => dir,
            Self::Passing(dir) => dir.path(),
        }
    }

    /// The folder, if it stays.
    pub(crate) fn keep(self) -> Option<PathBuf> {
        match self {
            Self::Kept(dir) => Some(dir),
            Self::Passing(_) => None,
        }
    }
}

/// Waits until every dispatch has its receipt.
pub(crate) fn settle(sender: &Client, children: &mut Children) -> Result<OutboxState> {
    let mut progress = Progress::new();
    let mut moved = (Instant::now(), u64::MAX);
    loop {
        let state = sender.outbox(OUTBOX_WAIT_MS)?;
        if state.pending == 0 {
            progress.clear();
            return Ok(state);
        }
        children.check()?;
        if state.sent.dispatches != moved.1 {
            moved = (Instant::now(), state.sent.dispatches);
        }
        if moved.0.elapsed() > STANDSTILL {
            let why: Vec<_> = state.waiting.iter().map(|(recipient, why)| format!("{recipient}: {why}")).collect();
            bail!(
                "{} dispatches got no receipt for {} s; {}\nhint: --keep DIR keeps the nodes' logs",
                state.pending,
                STANDSTILL.as_secs(),
                why.join("; ")
            );
        }
        progress.show(|| {
            format!("{} dispatches have a receipt, {} wait", count(state.sent.dispatches), count(state.pending))
        });
    }
}
