//! A member that shows two logs: its node is copied and runs twice, and each copy goes on by itself.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use luxor_protocol::document::{DocumentKind, Revocation};
use luxor_protocol::names::MemberId;
use luxor_protocol::tlog::ForkEvidence;
use serde_json::{Value, json};

use super::course::hand_in;
use super::members::{CUSTOMS_A, CUSTOMS_B, POST};
use crate::client::Client;
use crate::demo::life::tool;
use crate::demo::running::Running;
use crate::files;
use crate::local::{self, now};

/// How often the copy says something more.
const GROWS: Duration = Duration::from_millis(500);
/// What the original says after it was copied, and what its copy does.
const HISTORIES: [&str; 2] = ["one-history", "another-history"];
/// How long one of them may take to get a quorum of witnesses.
const SPLIT: Duration = Duration::from_secs(5);
/// Bytes of a node's configuration.
const MAX_CONFIG_BYTES: usize = 64 * 1024;
/// Where the copy listens, beside the original.
const PORTS: [(&str, &str); 2] = [("/tcp/4700", "/tcp/4701"), (":4780", ":4781")];

/// What came of it.
pub(super) struct Forked {
    /// What the evidence says, verified offline.
    pub(super) evidence: String,
    /// Who knows of it.
    pub(super) by: &'static str,
    /// Why that member's node exchanges nothing more with it.
    pub(super) refused: String,
    /// Whether a revocation of its keys arrived.
    pub(super) revoked: bool,
}

pub(super) fn run(running: &mut Running, luxord: &Path, root: &Path) -> Result<Forked> {
    let dir = running.network.dir(POST);
    let before = running.client(POST)?.clone();
    declare(&before, "before")?;
    local::settle(&before, &mut running.children)?;
    running.until("the post's quorum", |_| Ok((witnessed(&before)? > 0).then_some(())))?;
    running.children.end_one(&dir)?;
    let aside = root.join("post-aside");
    copy(&dir, &aside)?;
    let path = aside.join("luxord.toml");
    let mut config = files::read_text(&path, MAX_CONFIG_BYTES)?;
    for (from, to) in PORTS {
        config = config.replace(from, to);
    }
    files::write(&path, config.as_bytes())?;
    for dir in [&dir, &aside] {
        running.children.start(luxord, dir)?;
    }
    running.children.wait_ready()?;
    let open = |dir: &Path| Client::open(&dir.to_string_lossy());
    let nodes = [(dir.clone(), open(&dir)?), (aside.clone(), open(&aside)?)];
    let sizes = nodes.iter().map(|(_, node)| Ok(node.status()?.log_entries)).collect::<Result<Vec<u64>>>()?;
    for ((_, node), name) in nodes.iter().zip(HISTORIES) {
        declare(node, name)?;
    }
    // Each of the others is connected to one of them. When that ends they hear the other.
    let began = Instant::now();
    let first = running.until("a history that others hold", |running| {
        for (at, (_, node)) in nodes.iter().enumerate() {
            if witnessed(node)? > sizes[at] {
                return Ok(Some(at));
            }
        }
        if began.elapsed() < SPLIT {
            return Ok(None);
        }
        // Its witnesses are divided between them, so that neither gets a quorum: then that which B took from.
        let b = running.client(CUSTOMS_B)?;
        for (at, name) in HISTORIES.into_iter().enumerate() {
            if !b.records(name)?.is_empty() {
                return Ok(Some(at));
            }
        }
        Ok(None)
    })?;
    running.children.end_one(&nodes[first].0)?;
    let (second_dir, second) = &nodes[1 - first];
    // The second history proves itself as it grows, so the copy goes on. Who saw too little of the first one only suspects, and cosigns
    // neither: it is enough that one of those with whom the post exchanges records knows.
    let (mut said, mut last) = (0, None::<Instant>);
    let (by, fork) = running.until("the fork's discovery", |running| {
        if last.is_none_or(|last| last.elapsed() >= GROWS) {
            declare(second, &format!("and-more-{said}"))?;
            (said, last) = (said + 1, Some(Instant::now()));
        }
        for by in [CUSTOMS_B, CUSTOMS_A] {
            if let Some(fork) = running.client(by)?.forks()?.into_iter().next() {
                return Ok(Some((by, fork)));
            }
        }
        Ok(None)
    })?;
    let evidence = verified(root, &fork.evidence)?;
    declare(second, "from-the-copy")?;
    // Until it knew of both, the second one's numbers were taken to be used already.
    let refused = running.until("the refusal for two histories", |_| {
        let why = second.outbox(0)?.waiting.into_iter().find(|(to, _)| to.as_str().starts_with(by));
        Ok(why.map(|(_, why)| why).filter(|why| why.starts_with("forked: ")))
    })?;
    let revoked = revoked(running, second_dir)?;
    Ok(Forked { evidence, by, refused: refused.lines().next().unwrap_or_default().to_owned(), revoked })
}

/// What anybody makes of the file, without a node: first by the library, then by the command.
fn verified(root: &Path, evidence: &str) -> Result<String> {
    let fork = ForkEvidence::parse(evidence.as_bytes()).context("the evidence cannot be read")?;
    fork.verify().context("the evidence does not verify")?;
    let file = root.join("fork.txt");
    files::write(&file, evidence.as_bytes())?;
    let said = tool::done(&["evidence".as_ref(), "verify".as_ref(), file.as_os_str()])?;
    let said = String::from_utf8_lossy(&said);
    match said.contains("two histories") {
        true => Ok(said.lines().next().unwrap_or_default().to_owned()),
        false => bail!("`luxor evidence verify` says: {said}"),
    }
}

/// The post revokes its node's sign key, and others get to know of it, although they exchange nothing else with it.
fn revoked(running: &mut Running, dir: &Path) -> Result<bool> {
    let arguments = ["revoke", "--node", &dir.to_string_lossy(), "--use", "sign", "--reason", "the node was copied"];
    tool::done(&arguments)?;
    let member: MemberId = POST.parse()?;
    let known = running.until("the revocation", |running| {
        let known = |customs: &str| -> Result<bool> {
            let (_, documents) = running.client(customs)?.signed_documents()?;
            let revocations = documents.all().filter(|document| document.kind == DocumentKind::Revocation);
            Ok(revocations.filter_map(|document| Revocation::open(document).ok()).any(|one| one.member == member))
        };
        Ok((known(CUSTOMS_A)? && known(CUSTOMS_B)?).then_some(()))
    });
    Ok(known.is_ok())
}

fn witnessed(node: &Client) -> Result<u64> {
    Ok(node.status()?.witnessed.size)
}

/// Hands in a declaration of the post's.
fn declare(node: &Client, name: &str) -> Result<()> {
    let record: Value = json!({
        "type": "declaration", "version": 3,
        "filing": { "own_reference": name, "filed_on": now().day().to_string() },
        "route": { "destination": "DE" },
    });
    hand_in(node, name, &record)
}

/// Copies a node's folder, but for what says where a process runs.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = |path: &Path| format!("{}: cannot be copied", path.display());
    fs::create_dir_all(to).with_context(|| failed(to))?;
    for entry in fs::read_dir(from).with_context(|| failed(from))? {
        let entry = entry.with_context(|| failed(from))?;
        let (path, there) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "run" {
            continue;
        }
        match entry.file_type().with_context(|| failed(&path))?.is_dir() {
            true => copy(&path, &there)?,
            false => drop(fs::copy(&path, &there).with_context(|| failed(&path))?),
        }
    }
    fs::set_permissions(to, fs::metadata(from).with_context(|| failed(from))?.permissions()).with_context(|| failed(to))
}
