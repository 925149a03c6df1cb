//! `luxor log archive`: a log in a folder that verifies by itself, without any node: what an export writes, and beside it the
//! openings of all entries, the policy, the documents, and a file that lists all of it.
//!
//! The order: tiles and bundles, pages, documents, the checkpoint, the policy, and last `ARCHIVE`. What a run that broke off
//! left is used by the next.
//!
//! Not here: what an archive proves (`luxor audit archive`).

mod manifest;
mod pages;

pub(crate) use manifest::{MANIFEST, Manifest, Settled, page_name, read_page, read_part};

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use luxor_protocol::cbor::Encode as _;
use luxor_protocol::exchange::{keys_of_log, log_key, policy_of};
use luxor_protocol::hash::hex;
use luxor_protocol::limits::{MAX_ARCHIVE_DOCUMENTS, MAX_ARCHIVE_DOCUMENTS_BYTES};
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{Note, Policy, VerifierKey, paths_of};

use super::args::ArchiveArgs;
use super::export::bring;
use super::open::{Opened, newest, tell_witnesses};
use super::report::Report;
use super::source::LogSource;
use crate::client::{Client, SignedDocuments};
use crate::exit::{Exit, FindingError, RefusedError, UsageError};
use crate::files::{self, FileError};
use crate::ui;
use manifest::{FORMAT, hash_of};
use pages::PageMirror;

/// How long the cosignatures of the newest checkpoint are waited for; witnesses answer within a second or not soon.
const QUORUM_WAIT: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 20_000 });
/// How often they are asked for.
const QUORUM_POLL: Duration = Duration::from_millis(100);

pub(super) fn run(args: &ArchiveArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = archive(args, &mut report);
    report.conclude(args.node.json, outcome)
}

pub(crate) fn archive(args: &ArchiveArgs, report: &mut Report) -> anyhow::Result<()> {
    let dir = args.dir.as_path();
    if dir.join("luxord.toml").exists() {
        let what = format!("{} is a node's folder\nhint: an archive has a folder of its own", dir.display());
        return Err(UsageError(what).into());
    }
    begin(dir)?;
    let client = Client::open(&args.node.node)?;
    let log = OwnLog::ask(&client)?;
    let settled = before(dir, &log)?.map(|before| before.settled);
    let source = LogSource::Node(client.clone());
    let new = newest_with_quorum(&client, &source, &log)?;
    let Some(mut brought) = bring(dir, &source, new, report)? else { return Ok(()) };
    let checkpoint = brought.new.checkpoint.clone();
    let settled = settled.filter(|settled| settled.entries <= checkpoint.size).unwrap_or_default();
    let former_last = settled.pages;
    let folder = &mut brought.folder;
    let mut mirror = PageMirror { client: &client, node: &log.node, dir, folder, size: checkpoint.size, bundle: None };
    let pages = mirror.bring(settled)?;
    let mut files = BTreeMap::new();
    for (name, bytes) in named(&log.documents)? {
        brought.folder.put(&name, &bytes)?;
        files.insert(name, hash_of(&bytes));
    }
    // Up to here the archive before this one is whole.
    let note = brought.publish(report, |note| log.policy.satisfied_by(note).is_ok())?;
    files::write(&dir.join("policy"), log.policy.text().as_bytes())?;
    files.insert("policy".to_owned(), hash_of(log.policy.text().as_bytes()));
    files.insert("checkpoint".to_owned(), hash_of(&note));
    let mut manifest = Manifest {
        format: FORMAT.to_owned(),
        network: log.network,
        node: log.node,
        origin: log.origin,
        vkey: log.key.to_string(),
        size: checkpoint.size,
        root: hex(&checkpoint.root),
        pages: pages.all.pages,
        pages_hash: pages.all.hash,
        settled: pages.settled,
        files,
    };
    manifest.files.insert(manifest.key_name(), hash_of(format!("{}\n", log.key).as_bytes()));
    files::write(&dir.join(MANIFEST), &manifest.to_bytes()?)?;
    drop_former(dir, former_last, &manifest)?;
    report.fact("pages", manifest.pages);
    report.fact("pages_written", pages.written);
    report.fact("documents", manifest.documents().count());
    let note = Note::parse(&note).map_err(|error| FindingError(error.to_string()))?;
    tell_witnesses(report, &note, Some(&log.policy));
    ui::say("verify it anywhere: luxor audit archive DIR --charter NETWORK, with the network's digest from elsewhere");
    Ok(())
}

/// Takes a new or empty folder, which only its owner may read from then on, or one in which an archive was begun: an archive shows
/// more than a folder that a web server shows.
fn begin(dir: &Path) -> anyhow::Result<()> {
    let pages = dir.join("audit");
    if dir.join(MANIFEST).exists() || pages.is_dir() {
        return Ok(());
    }
    let is_empty = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(FileError::at(dir)(error).into()),
    };
    if !is_empty {
        let what = format!("{} holds something else\nhint: an archive has a folder of its own", dir.display());
        return Err(UsageError(what).into());
    }
    fs::create_dir_all(&pages).map_err(FileError::at(&pages))?;
    let own = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    Ok(fs::set_permissions(dir, own).map_err(FileError::at(dir))?)
}

/// What a node says of itself and its log, every document checked here.
struct OwnLog {
    /// The network's digest, hexadecimal.
    network: String,
    documents: SignedDocuments,
    node: NodeRef,
    origin: String,
    key: VerifierKey,
    /// That one and those before it.
    keys: Vec<VerifierKey>,
    policy: Policy,
}

impl OwnLog {
    fn ask(client: &Client) -> anyhow::Result<Self> {
        let (directory, documents) = client.signed_documents()?;
        let node: NodeRef = client.status()?.node.parse().context("the node's own name")?;
        let refused = |error: &dyn std::fmt::Display| RefusedError(format!("the log of {node}: {error}"));
        let known = directory.node(&node).ok_or_else(|| refused(&"no card names this node"))?;
        let key = log_key(known).map_err(|error| refused(&error))?;
        let policy = policy_of(&directory, known).map_err(|error| refused(&error))?;
        let (network, origin) = (directory.network().hex(), known.card.origin.clone());
        let keys = keys_of_log(known, &origin);
        Ok(Self { network, documents, node, origin, key, keys, policy })
    }
}

/// What an earlier run wrote into the folder, which must be of this log.
fn before(dir: &Path, log: &OwnLog) -> anyhow::Result<Option<Manifest>> {
    let manifest = match Manifest::read(dir) {
        Ok(manifest) => manifest,
        Err(error) if error.is::<FindingError>() => {
            ui::say(&format!("{error}; every page is compared and, where it is wrong, brought again"));
            None
        }
        Err(error) => return Err(error),
    };
    if let Some(before) = &manifest
        && ((&before.network, &before.origin) != (&log.network, &log.origin)
            || !log.keys.iter().any(|key| key.to_string() == before.vkey))
    {
        let (held, shown) = (ui::clean(&before.origin), ui::clean(&log.origin));
        let what = format!("{} holds the log {held}, the node shows {shown}", dir.display());
        return Err(RefusedError(format!("{what}\nhint: each log has a folder of its own")).into());
    }
    Ok(manifest)
}

/// The first checkpoint with a quorum that covers all that the node has signed now; after some seconds the newest without.
fn newest_with_quorum(client: &Client, source: &LogSource, log: &OwnLog) -> anyhow::Result<Opened> {
    let (key, policy) = (&log.key, &log.policy);
    let place = format!("checkpoint of {}", source.name());
    let first = Opened::new(newest(source)?, key, &place)?;
    let is_enough = |opened: &Opened| policy.satisfied_by(&opened.note).is_ok_and(|satisfied| satisfied.quorum);
    let begun = Instant::now();
    if first.checkpoint.size == 0 || is_enough(&first) {
        return Ok(first);
    }
    ui::say("waiting for the witnesses' cosignatures of the newest checkpoint");
    while begun.elapsed() < QUORUM_WAIT {
        if let Some(bytes) = client.cosigned_checkpoint()? {
            let cosigned = Opened::new(bytes, key, &place)?;
            if cosigned.checkpoint.size >= first.checkpoint.size && is_enough(&cosigned) {
                return Ok(cosigned);
            }
        }
        std::thread::sleep(QUORUM_POLL);
    }
    Ok(first)
}

/// The documents as files.
fn named(documents: &SignedDocuments) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for document in documents.all() {
        let plain = format!("documents/{}", document.file_name());
        // Documents that contradict each other have one name.
        let taken = files.iter().any(|(name, _)| *name == plain);
        let name = if taken { format!("documents/{}", document.other_file_name()) } else { plain };
        files.push((name, document.to_cbor()));
    }
    let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    if files.len() > MAX_ARCHIVE_DOCUMENTS || bytes > MAX_ARCHIVE_DOCUMENTS_BYTES {
        let what = format!("{} documents of {} bytes", files.len(), ui::count(bytes as u64));
        let bounds = format!("{MAX_ARCHIVE_DOCUMENTS} of {MAX_ARCHIVE_DOCUMENTS_BYTES}");
        return Err(RefusedError(format!("{what} are more than an archive takes ({bounds})")).into());
    }
    Ok(files)
}

/// Removes what only an archive before this one needed: partial files of other widths, pages that were the last one, from that
/// of the earlier archive on.
fn drop_former(dir: &Path, former_last: u64, manifest: &Manifest) -> Result<(), FileError> {
    let last = manifest.size - manifest.settled.entries;
    let last_page = (manifest.pages > 0).then(|| page_name(manifest.settled.pages, Some(last)));
    let partial = paths_of(manifest.size).filter(|path| path.full().is_some()).map(|path| path.to_string());
    for name in partial.chain(last_page) {
        let file = dir.join(name);
        drop_widths(&files::parent(&file), Some(&file))?;
    }
    for page in former_last..manifest.settled.pages {
        drop_widths(&dir.join(format!("{}.p", page_name(page, None))), None)?;
    }
    Ok(())
}

/// Removes the files of a folder that are named by a width, but for the one wanted; the folder may be missing.
fn drop_widths(folder: &Path, wanted: Option<&Path>) -> Result<(), FileError> {
    let items = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        items => items.map_err(FileError::at(folder))?,
    };
    for item in items {
        let file = item.map_err(FileError::at(folder))?.path();
        let is_width = file.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.parse::<u16>().is_ok());
        if is_width && wanted != Some(&file) {
            fs::remove_file(&file).map_err(FileError::at(&file))?;
        }
    }
    if wanted.is_none() {
        // With something else in it, it stays.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}
