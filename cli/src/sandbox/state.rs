//! What a practice network's folder remembers: who is in it, how many rehearsals there were, and how far each inbox is read.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use luxor_protocol::names::{MemberId, MemberKind, Territory};
use serde::{Deserialize, Serialize};

use crate::exit::RefusedError;
use crate::files;

const FILE: &str = "sandbox.json";
/// The network's own rules.
pub(super) const RULES: &str = "rules.toml";
const MAX_BYTES: usize = 64 * 1024;

/// A member of a practice network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Who {
    /// Its name, and that of its folder.
    pub(super) member: MemberId,
    /// Its kind.
    pub(super) kind: MemberKind,
    /// Its customs territory.
    pub(super) territory: Territory,
}

/// `sandbox.json`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// The integrator.
    pub(super) me: Who,
    /// The practice partners.
    pub(super) partners: Vec<Who>,
    /// Rehearsals so far.
    pub(super) runs: u64,
    /// By partner, the last inbox index that was played.
    pub(super) read: BTreeMap<MemberId, u64>,
}

impl State {
    /// Of a network just founded.
    pub(super) fn new(me: Who, partners: Vec<Who>) -> Self {
        Self { me, partners, runs: 0, read: BTreeMap::new() }
    }

    /// Reads it.
    pub(super) fn read(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(FILE);
        let bytes = match files::read(&path, MAX_BYTES) {
            Err(error) if error.is_not_found() => {
                return Err(RefusedError(format!(
                    "{} is no practice network\nhint: found one with `luxor sandbox new {} --me MEMBER:KIND:TERRITORY`",
                    dir.display(),
                    dir.display()
                ))
                .into());
            }
            other => other?,
        };
        serde_json::from_slice(&bytes)
            .with_context(|| RefusedError(format!("{}: not as it was written", path.display())))
    }

    /// Writes it.
    pub(super) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self).context(FILE)?;
        Ok(files::write(&dir.join(FILE), &text)?)
    }
}
