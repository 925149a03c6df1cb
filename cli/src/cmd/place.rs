//! What a node knows of its network, and giving it a document: a running node gets it through its local interface, and keeps and logs
//! it before anybody else sees it; of a stopped one the folder does.
//!
//! Not here: what is in the document ([`super::charter`], [`super::agreement`], [`super::revoke`]).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use luxor_protocol::api::LoggedDocument;
use luxor_protocol::cbor::Encode as _;
use luxor_protocol::document::{Directory, Document, DocumentKind};
use luxor_protocol::keys::SecretKey;
use luxor_protocol::names::MemberId;
use serde::Serialize;

use super::{short, signatures, today};
use crate::args::WordArgs;
use crate::client::{Client, ClientError};
use crate::exit::{Exit, RefusedError, UsageError};
use crate::found::{self, FoundError};
use crate::ui;

/// A node, running or stopped, with what it knows.
pub(super) struct Place {
    dir: PathBuf,
    client: Option<Client>,
    /// Whose node it is.
    pub(super) member: MemberId,
    /// Its network, under its prohibitions.
    pub(super) directory: Directory,
    /// Where documents stand in its log; nothing of a stopped node.
    pub(super) logged: Vec<LoggedDocument>,
}

/// What a command did with the document that it made.
#[derive(Serialize)]
struct Done {
    kind: DocumentKind,
    id: String,
    version: u64,
    digest: String,
    /// What it changes, in words.
    changes: Vec<String>,
    signed_by: Vec<MemberId>,
    /// Whether the running node has it now.
    admitted: bool,
    /// Where it was written instead.
    file: Option<String>,
}

impl Place {
    /// Reads what the node knows: from itself when it runs, else from its folder.
    pub(super) fn open(dir: &Path) -> anyhow::Result<Self> {
        let member = found::member(dir)?;
        let (client, dir) = (running(dir)?, dir.to_owned());
        let (directory, logged) = match &client {
            Some(client) => {
                let (directory, signed) = client.signed_documents()?;
                (directory.under(Arc::new(found::prohibitions(&dir)?)), signed.logged)
            }
            None => {
                let known = found::known(&dir)?;
                for (document, error) in &known.refused {
                    ui::say(&format!("warning: {} does not hold: {error}", document.file_name()));
                }
                (known.directory, Vec::new())
            }
        };
        Ok(Self { dir, client, member, directory, logged })
    }

    /// Whether the member's identity key is in the folder.
    pub(super) fn has_identity(&self) -> bool {
        found::has_identity(&self.dir)
    }

    /// Signs for the member, with the identity key that its network knows.
    pub(super) fn sign(&self, document: &mut Document) -> anyhow::Result<()> {
        document.sign(&self.member, &self.identity()?);
        Ok(())
    }

    fn identity(&self) -> anyhow::Result<SecretKey> {
        let member = &self.member;
        let identity = match found::identity(&self.dir) {
            Err(FoundError::File(error)) if error.is_not_found() => {
                let what = format!("{}: the identity key of {member} is not here", self.dir.join("keys").display());
                let hint = "run this where it is, on a folder with this node's luxord.toml and documents, with -o FILE";
                return Err(RefusedError(format!("{what}\nhint: {hint}; then `luxor install` FILE here")).into());
            }
            other => other?,
        };
        match self.directory.identities(member).last() {
            None => Err(RefusedError(format!("{member} is not a member of this network")).into()),
            Some(today) if today == identity.public() => Ok(identity),
            Some(today) => {
                let (today, here) = (today.id(), identity.public().id());
                let what = format!(
                    "{member} signs with the identity key {today}; the one in {} is {here}",
                    self.dir.display()
                );
                Err(RefusedError(what).into())
            }
        }
    }

    /// Gives the document to the node, or writes it where the caller says, and tells what was done.
    pub(super) fn give(&self, document: &Document, changes: Vec<String>, args: &WordArgs) -> anyhow::Result<Exit> {
        let to_stdout = args.output.as_deref() == Some(Path::new("-"));
        if to_stdout && args.json {
            return Err(UsageError("--json and -o - both want stdout".into()).into());
        }
        let digest = document.digest();
        let what =
            format!("{} {} version {} (digest {})", document.kind, document.id, document.version, short(&digest));
        let (mut admitted, mut file) = (false, None);
        let done = match (&args.output, &self.client) {
            (Some(output), client) => {
                signatures::write_output(Some(output), &document.to_cbor(), true)?;
                file = Some(output.display().to_string());
                if client.is_some() && !document.signatures.is_empty() {
                    ui::say("hint: `luxor install` it at your own node first: what you sign belongs into your own log");
                }
                format!("written to {}", output.display())
            }
            (None, Some(client)) => {
                client.admit(document)?;
                admitted = true;
                "the running node keeps and logs it, and tells the others".to_owned()
            }
            (None, None) => {
                let path = self.put(document)?.display().to_string();
                let done = format!("the node is stopped, so it is in {path}; the node logs it when it starts");
                file = Some(path);
                done
            }
        };
        let signed_by: Vec<_> = document.signatures.iter().map(|signed| signed.member.clone()).collect();
        if args.json {
            let (kind, id, version) = (document.kind, document.id.to_string(), document.version);
            ui::json(&Done { kind, id, version, digest: digest.hex(), changes, signed_by, admitted, file })?;
        } else if to_stdout {
            ui::say(&format!("{what}: {done}"));
        } else {
            ui::line(&format!("{what}: {done}"))?;
        }
        Ok(Exit::Ok)
    }

    /// Puts the document into the folder of a stopped node, if it holds.
    fn put(&self, document: &Document) -> anyhow::Result<PathBuf> {
        self.directory.with(document, today())?;
        Ok(found::install(&self.dir, document)?)
    }

    /// Gives the document to the node, as [`Place::give`] does, and tells nothing.
    pub(super) fn hand(&self, document: &Document) -> anyhow::Result<()> {
        match &self.client {
            Some(client) => drop(client.admit(document)?),
            None => drop(self.put(document)?),
        }
        Ok(())
    }

    /// The node, while it runs.
    pub(super) fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// The newest card of the member whose node this is.
    pub(super) fn own_card(&self) -> Result<&Document, RefusedError> {
        let newest = self.directory.card_of(&self.member).and_then(|(_, digest)| self.directory.document(&digest));
        newest.map(|(_, card)| &**card).ok_or_else(|| {
            let what = format!("no card of {} is installed in {}", self.member, self.dir.display());
            RefusedError(format!("{what}\nhint: `luxor card sign`"))
        })
    }

    /// The newest document of a kind and id.
    pub(super) fn newest(&self, kind: DocumentKind, id: &MemberId) -> Option<&Document> {
        let all = self.directory.documents().map(|(_, document)| &**document);
        all.filter(|document| document.kind == kind && document.id == *id).max_by_key(|document| document.version)
    }
}

/// What a node's folder knows, if it knows a network at all.
pub(super) fn network_at(dir: &Path) -> anyhow::Result<Option<Directory>> {
    if running(dir)?.is_none() {
        return match found::known(dir) {
            Err(FoundError::Charters { count: 0, .. }) => Ok(None),
            other => Ok(Some(other?.directory)),
        };
    }
    Ok(Some(Place::open(dir)?.directory))
}

/// The node that runs in a folder. One that was killed left its `run/api.json` behind, so it is asked.
pub(super) fn running(dir: &Path) -> anyhow::Result<Option<Client>> {
    let client = match Client::open(&dir.display().to_string()) {
        Err(ClientError::NotRunning(_)) => return Ok(None),
        other => other?,
    };
    match client.health() {
        Ok(()) => Ok(Some(client)),
        Err(error) if error.is_unreachable() && !matches!(error, ClientError::Problem { .. }) => Ok(None),
        Err(ClientError::Problem { status: 503, message, .. }) => {
            let what = format!("{} is not ready yet: {message}", dir.display());
            Err(RefusedError(format!("{what}\nhint: try again once it is, or stop it first")).into())
        }
        Err(error) => Err(error.into()),
    }
}
