//! The part of `luxor audit` that compares what the audited logs hold of one another's checkpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use luxor_protocol::audit::forks::{Compared, ReadLog, Sightings, notes_of_others};
use luxor_protocol::cbor::Decode as _;
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::{AuditEntry, Skeleton};
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{MemoryTree, leaf_hash};
use serde::Serialize;

use crate::auditing;
use crate::client::Client;
use crate::exit::FindingError;
use crate::{files, ui};

/// What the logs hold of one another.
pub(super) struct Search<'d> {
    directory: &'d Directory,
    sightings: Sightings<'d>,
    logs: BTreeMap<NodeRef, (Vec<u8>, MemoryTree)>,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Compare {
    /// Checkpoints that others hold and that lead to the tree that their log shows.
    pub(super) agree: u64,
    /// Checkpoints whose log was not read, or not so far.
    pub(super) not_compared: u64,
    /// Logs that signed two histories.
    pub(super) forks: Vec<Fork>,
    /// Logs that show less, or something else, than they signed.
    pub(super) set_back: Vec<String>,
}

/// A log that signed two histories.
#[derive(Debug, Serialize)]
pub(super) struct Fork {
    pub(super) origin: String,
    pub(super) what: String,
    /// Who holds the checkpoint that contradicts, and in which entry.
    pub(super) held_by: NodeRef,
    pub(super) entry: u64,
    /// Where the evidence was written.
    pub(super) evidence: Option<String>,
}

impl<'d> Search<'d> {
    pub(super) fn new(directory: &'d Directory) -> Self {
        Self { directory, sightings: Sightings::new(directory), logs: BTreeMap::new() }
    }

    /// Takes the next entry of a node's log.
    pub(super) fn take(&mut self, node: &NodeRef, index: u64, entry: &AuditEntry) {
        if let Ok(skeleton) = Skeleton::from_cbor(&entry.skeleton) {
            let body = entry.body.as_ref().map(|(_, body)| body.as_slice());
            for note in notes_of_others(skeleton.kind, body, entry.evidence.as_deref()) {
                self.sightings.take(&note, node, index);
            }
        }
        self.logs.entry(node.clone()).or_default().1.push(leaf_hash(&entry.entry));
    }

    /// Takes the checkpoint up to which a node's log was read.
    pub(super) fn read_up_to(&mut self, node: &NodeRef, note: Vec<u8>) {
        self.logs.entry(node.clone()).or_default().0 = note;
    }

    /// Compares everything; writes evidence beginning with the file `evidence`.
    pub(super) fn finish(mut self, client: &Client, evidence: Option<&Path>) -> anyhow::Result<Compare> {
        let mut compared = self.compare();
        // What others hold may be newer than what was read of a log some time ago: those logs are read on.
        let beyond: Vec<NodeRef> = compared.beyond.iter().filter_map(|(origin, ..)| self.node(origin)).collect();
        let (mut set_back, mut read_on) = (Vec::new(), BTreeSet::new());
        for node in beyond {
            let Some((note, tree)) = self.logs.get_mut(&node) else { continue };
            match auditing::extend(client, self.directory, &node, tree) {
                Ok(newer) => {
                    *note = newer;
                    read_on.insert(node);
                }
                Err(error) if error.is::<FindingError>() => set_back.push(error.to_string()),
                Err(error) => ui::say(&format!("{node} could not be read on, so less is compared: {error}")),
            }
        }
        if !read_on.is_empty() {
            compared = self.compare();
        }
        // What was read after others' logs must go as far as they say.
        for (origin, size, holder) in &compared.beyond {
            let Some(node) = self.node(origin).filter(|node| read_on.contains(node)) else { continue };
            let shown = ui::count(self.logs.get(&node).map_or(0, |(_, tree)| tree.size()));
            let size = ui::count(*size);
            let what =
                format!("{node} signed a checkpoint of {size} entries, which {holder} holds, and shows {shown} only");
            set_back.push(what);
        }
        let mut forks = Vec::new();
        for (at, fork) in compared.forks.into_iter().enumerate() {
            let file = evidence.map(|file| match at {
                0 => file.to_owned(),
                _ => format!("{}.{}", file.display(), at + 1).into(),
            });
            if let Some(file) = &file {
                files::write(file, &fork.evidence.to_bytes())?;
            }
            let evidence = file.map(|file| file.display().to_string());
            let (held_by, entry) = fork.held_by;
            forks.push(Fork { origin: fork.origin, what: fork.what, held_by, entry, evidence });
        }
        Ok(Compare { agree: compared.agree, not_compared: compared.unread, forks, set_back })
    }

    fn compare(&self) -> Compared {
        self.sightings.compare(|origin| {
            let (note, tree) = self.logs.get(&self.node(origin)?)?;
            Some(ReadLog { note, tree })
        })
    }

    fn node(&self, origin: &str) -> Option<NodeRef> {
        self.directory.node_by_origin(origin).map(|node| node.node.clone()).filter(|node| self.logs.contains_key(node))
    }
}

impl Compare {
    /// Whether no log contradicts what it signed.
    pub(super) fn ok(&self) -> bool {
        self.forks.is_empty() && self.set_back.is_empty()
    }

    /// For people.
    pub(super) fn print(&self) -> anyhow::Result<()> {
        let agree = super::super::some(self.agree, "checkpoint");
        ui::line(&format!(
            "checkpoints: {agree} that members hold of one another's logs, compared: {}",
            match self.ok() {
                true => "no contradiction",
                false => "a log contradicts itself",
            }
        ))?;
        for fork in &self.forks {
            ui::line(&format!("  fork: {}; {} holds it in entry {}", fork.what, fork.held_by, fork.entry))?;
            match &fork.evidence {
                Some(file) => ui::line(&format!("  evidence: {file}"))?,
                None => ui::say("hint: give --evidence FILE to keep the proof, which anybody can verify"),
            }
        }
        for what in &self.set_back {
            ui::line(&format!("  set back: {what}"))?;
        }
        Ok(())
    }
}
