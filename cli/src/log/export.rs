//! `luxor log export`: a log's files in a folder, everything checked before the checkpoint that names it is put there.
//!
//! The order: consistency with what the folder has, then new files one by one, then the key, and last the checkpoint. An
//! export that was broken off goes on with the files that are there, which are checked like those that come.

use std::path::{Path, PathBuf};
use std::time::Instant;

use luxor_protocol::tlog::{
    Checkpoint, ForkEvidence, Hash, LogVerifier, Note, TilePath, TileSource as _, TileWidth, decode_bundle,
    encode_bundle, paths_between,
};

use super::args::ExportArgs;
use super::compare::{Comparison, compare, fork_words, same_key};
use super::folder::{Folder, edge_of};
use super::open::{Opened, claimed_origin, key_file, newest, own_key, read_vkey, stored_key};
use super::pass::{Files, pass};
use super::report::Report;
use super::source::LogSource;
use crate::exit::{Exit, FindingError, UsageError};
use crate::{files, ui};

/// Where evidence goes, within the folder.
const EVIDENCE: &str = "fork-evidence";

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<Exit> {
    let mut report = Report::default();
    let outcome = export(args, &mut report);
    report.conclude(args.key.json, outcome)
}

pub(super) fn export(args: &ExportArgs, report: &mut Report) -> anyhow::Result<()> {
    let source = LogSource::of(args.from.from.as_deref(), args.from.node.as_deref())?;
    let new = open_new(args, &source)?;
    if let Some(brought) = bring(&args.dir, &source, new, report)? {
        brought.publish(report, |_| true)?;
    }
    Ok(())
}

/// A log's new files in a folder whose checkpoint is still the one before.
pub(super) struct Brought {
    dir: PathBuf,
    /// What is put there beside counts once the checkpoint does.
    pub(super) folder: Folder,
    pub(super) new: Opened,
    old: Option<Opened>,
    counts: Counts,
    begun: Instant,
}

/// Brings what is new up to a checkpoint of the source; `None` where there are findings.
pub(super) fn bring(
    dir: &Path,
    source: &LogSource,
    new: Opened,
    report: &mut Report,
) -> anyhow::Result<Option<Brought>> {
    let begun = Instant::now();
    new.tell(report);
    let mut folder = Folder::new(dir)?;
    let here = LogSource::Folder(dir.to_owned());
    let old = match here.read(&TilePath::Checkpoint)? {
        Some(bytes) => Some(Opened::new(bytes, &new.key, &dir.join("checkpoint").display().to_string())?),
        None => None,
    };
    let old_size = old.as_ref().map_or(0, |old| old.checkpoint.size);
    report.told("size_before", old_size, if old.is_some() { ui::count(old_size) } else { String::new() });
    if let Some(old) = &old {
        extends(old, &new, source, &here, dir)?;
    }
    let mut counts = Counts::default();
    if new.checkpoint.size > old_size {
        let edge = match &old {
            Some(old) => edge_of(&here, &old.checkpoint)?,
            None => None,
        };
        if old.is_some() && edge.is_none() {
            ui::say(
                "tiles in the folder do not lead to its own checkpoint: everything is checked and mended from the start",
            );
        }
        let verifier = edge.and_then(|edge| LogVerifier::resume(&new.checkpoint, edge));
        counts = bring_files(verifier, &new.checkpoint, source, &here, &mut folder, report)?;
    }
    Ok(report.ok().then(|| Brought { dir: dir.to_owned(), folder, new, old, counts, begun }))
}

impl Brought {
    /// Puts the checkpoint there, under which all that was brought counts, with the signatures that the folder had under it if the
    /// note is good with them. Returns its bytes.
    pub(super) fn publish(
        mut self,
        report: &mut Report,
        is_good: impl FnOnce(&Note) -> bool,
    ) -> anyhow::Result<Vec<u8>> {
        let new = &self.new;
        self.folder.sync()?;
        files::write(&key_file(&self.dir, &new.checkpoint.origin), format!("{}\n", new.key).as_bytes())?;
        let bytes = with_signatures_of(new, self.old.as_ref(), is_good);
        let old_size = self.old.as_ref().map_or(0, |old| old.checkpoint.size);
        if self.old.is_none_or(|old| old.bytes != bytes) {
            files::write(&self.dir.join("checkpoint"), &bytes)?;
        }
        // Only now is there a checkpoint under which the full files suffice.
        let mut removed = 0u64;
        let new_paths = paths_between(old_size, new.checkpoint.size)?;
        for path in new_paths.filter(|path| path.full().is_none() && *path != TilePath::Checkpoint) {
            removed += u64::from(self.folder.drop_partial(&path)?);
        }
        report.fact("files_written", self.counts.written);
        report.fact("files_already_there", self.counts.reused);
        report.fact("partial_files_removed", removed);
        report.told("seconds", ui::seconds(self.begun.elapsed()), ui::duration(self.begun.elapsed()));
        Ok(bytes)
    }
}

/// The new checkpoint's note, with what signatures the folder has under the same text besides: cosignatures asked for here stay.
fn with_signatures_of(new: &Opened, old: Option<&Opened>, is_good: impl FnOnce(&Note) -> bool) -> Vec<u8> {
    let Some(old) = old.filter(|old| old.note.text == new.note.text) else { return new.bytes.clone() };
    let mut note = new.note.clone();
    let others = old.note.signatures.iter().filter(|line| !new.note.signatures.contains(line));
    note.signatures.extend(others.cloned());
    let bytes = note.to_bytes();
    // Together they may be more than a note holds.
    if Note::parse(&bytes).is_ok_and(|note| is_good(&note)) { bytes } else { new.bytes.clone() }
}

/// The source's newest checkpoint under the key that was given, that the folder already has, or that the source says.
fn open_new(args: &ExportArgs, source: &LogSource) -> anyhow::Result<Opened> {
    let (bytes, place) = (newest(source)?, format!("checkpoint of {}", source.name()));
    let origin = claimed_origin(&bytes, &place)?;
    let stored = stored_key(&args.dir, &origin)?;
    let given = match (&args.key.vkey, &stored, source) {
        (Some(vkey), ..) => Some(read_vkey(vkey)?),
        // A node may have begun another log since.
        (None, _, LogSource::Node(_)) | (None, None, _) => own_key(source, &origin)?,
        (None, Some(_), _) => None,
    };
    if let (Some(stored), Some(given)) = (&stored, &given) {
        same_key(stored, given, &key_file(&args.dir, &origin).display().to_string())?;
    }
    let key = given.or(stored).ok_or_else(|| {
        UsageError(format!("no key of the log \"{}\" is known\nhint: give --vkey", ui::clean(&origin)))
    })?;
    Opened::new(bytes, &key, &place)
}

/// That the new checkpoint extends the one in the folder; evidence is kept where it contradicts it.
fn extends(old: &Opened, new: &Opened, source: &LogSource, here: &LogSource, dir: &Path) -> anyhow::Result<()> {
    let (old_size, size) = (old.checkpoint.size, new.checkpoint.size);
    let comparison = if size < old_size { compare(new, old, here) } else { compare(old, new, source) };
    if let Comparison::Fork(evidence) = comparison? {
        return Err(forked(&evidence, &dir.join(EVIDENCE))?.into());
    }
    if size < old_size {
        let what = format!(
            "the log shows a checkpoint of {} entries, the folder has one of {}; nothing was changed; hint: it was set back, \
             or an old copy is served",
            ui::count(size),
            ui::count(old_size)
        );
        return Err(FindingError(what).into());
    }
    Ok(())
}

/// Keeps evidence and says so.
pub(super) fn forked(evidence: &ForkEvidence, file: &Path) -> anyhow::Result<FindingError> {
    files::write(file, &evidence.to_bytes())?;
    Ok(FindingError(format!(
        "the log forked: {}; evidence is in {}; hint: show it to the others with `luxor evidence verify`",
        fork_words(evidence),
        file.display()
    )))
}

/// Checks and writes all new files. A file that is there already is used if it is right.
fn bring_files(
    verifier: Option<LogVerifier>,
    new: &Checkpoint,
    source: &LogSource,
    here: &LogSource,
    folder: &mut Folder,
    report: &mut Report,
) -> anyhow::Result<Counts> {
    let verifier = verifier.unwrap_or_else(|| LogVerifier::new(new));
    let mut round = |reuse| -> anyhow::Result<(Report, Counts)> {
        let (mut trial, mut verifier) = (Report::default(), verifier.clone());
        let mut files = Mirror { source, here, folder, reuse, counts: Counts::default(), from_here: Vec::new() };
        pass(&mut verifier, &mut files, new.size, &mut trial)?;
        Ok((trial, files.counts))
    };
    let (mut trial, mut counts) = round(true)?;
    if !trial.ok() && counts.read_here > 0 {
        // What is here may be damaged, then what comes may be right.
        ui::say("files of an earlier export do not fit: everything new is brought again");
        (trial, counts) = round(false)?;
    }
    report.take(trial);
    Ok(counts)
}

/// What was done with files.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    /// Read from the folder, right or not.
    read_here: u64,
    /// Of those, right.
    reused: u64,
    written: u64,
}

/// Reads from the folder what is there, else from the source, and writes what is right.
struct Mirror<'a> {
    source: &'a LogSource,
    here: &'a LogSource,
    folder: &'a mut Folder,
    reuse: bool,
    counts: Counts,
    /// Files of the bundle in work that were read from the folder: at most the bundle and a tile of each level.
    from_here: Vec<TilePath>,
}

impl Files for Mirror<'_> {
    fn read(&mut self, path: &TilePath) -> anyhow::Result<Option<(TilePath, Vec<u8>)>> {
        if matches!(path, TilePath::Entries { .. }) {
            self.from_here.clear();
        }
        if self.reuse {
            // What cannot be read here is written again.
            if let Some(bytes) = self.here.read(path).ok().flatten().filter(|bytes| is_whole(path, bytes)) {
                self.from_here.push(*path);
                self.counts.read_here += 1;
                return Ok(Some((*path, bytes)));
            }
        }
        let Some((found, bytes)) = self.source.read_or_full(path)? else { return Ok(None) };
        // Of a full file in place of a partial one only the start can be checked, so only that is kept.
        let bytes = if found == *path { Some(bytes) } else { start_of(path, &bytes) };
        Ok(bytes.map(|bytes| (*path, bytes)))
    }

    fn right(&mut self, path: &TilePath, bytes: &[u8]) -> anyhow::Result<()> {
        if self.from_here.contains(path) {
            self.counts.reused += 1;
            return Ok(self.folder.keep(&path.to_string())?);
        }
        self.counts.written += 1;
        Ok(self.folder.put(&path.to_string(), bytes)?)
    }
}

/// Whether a file was written to its end: a power loss may have cut it short.
fn is_whole(path: &TilePath, bytes: &[u8]) -> bool {
    match path {
        TilePath::Tile { width, .. } => bytes.len() == width.get() * size_of::<Hash>(),
        TilePath::Entries { width, .. } => decode_bundle(bytes, *width).is_ok(),
        TilePath::Checkpoint => true,
    }
}

/// The partial file that a full one begins with; `None` if the full one is malformed.
fn start_of(path: &TilePath, full: &[u8]) -> Option<Vec<u8>> {
    match path {
        TilePath::Tile { width, .. } => full.get(..width.get() * size_of::<Hash>()).map(<[u8]>::to_vec),
        TilePath::Entries { width, .. } => {
            let entries = decode_bundle(full, TileWidth::FULL).ok()?;
            encode_bundle(entries.into_iter().take(width.get())).ok()
        }
        TilePath::Checkpoint => None,
    }
}
