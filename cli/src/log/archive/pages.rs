//! The pages of an archive: openings of the log's entries as the node gives them, each compared with the entries that stand in
//! the folder already.
//!
//! A page once written never changes but for the last, which has another name for each number of entries; so what an earlier run
//! archived stays whole until the new `ARCHIVE` stands.
//!
//! Not here: what the openings say and prove (`luxor audit archive`).

use std::path::Path;

use luxor_protocol::exchange::{AuditEntry, AuditPage};
use luxor_protocol::limits::{MAX_ARCHIVE_PAGE_BYTES, MAX_AUDIT_PAGE_ENTRIES};
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{Checkpoint, Note, TILE_WIDTH, TilePath, TileWidth, decode_bundle};

use super::super::folder::Folder;
use super::super::source::LogSource;
use super::manifest::{Settled, page_bytes, page_name, read_page};
use crate::client::Client;
use crate::exit::{FindingError, RefusedError};
use crate::{files, ui};

/// What the pages of an archive are now.
pub(super) struct Pages {
    /// All of them.
    pub(super) all: Settled,
    /// All but the last.
    pub(super) settled: Settled,
    /// Brought by this run.
    pub(super) written: u64,
}

/// Brings the pages of a log.
pub(super) struct PageMirror<'a> {
    pub(super) client: &'a Client,
    pub(super) node: &'a NodeRef,
    pub(super) dir: &'a Path,
    pub(super) folder: &'a mut Folder,
    /// Entries to be archived; their bundles are in the folder.
    pub(super) size: u64,
    /// The entries of the bundle read last, with its index.
    pub(super) bundle: Option<(u64, Vec<Vec<u8>>)>,
}

impl PageMirror<'_> {
    /// Brings all pages behind those that are settled.
    pub(super) fn bring(&mut self, settled: Settled) -> anyhow::Result<Pages> {
        let mut pages = Pages { all: settled.clone(), settled, written: 0 };
        let mut progress = ui::Progress::new();
        while pages.all.entries < self.size {
            let (page, from) = (pages.all.pages, pages.all.entries);
            progress.show(|| format!("openings of {} of {} entries", ui::count(from), ui::count(self.size)));
            let (bytes, entries) = match self.here(page, from)? {
                Some(found) => found,
                None => {
                    pages.written += 1;
                    self.fetch(page, from)?
                }
            };
            pages.settled.clone_from(&pages.all);
            pages.all.push(&bytes, entries);
        }
        progress.clear();
        Ok(pages)
    }

    /// The page that an earlier run left, if its entries are those of the log. Under a number alone others follow it; the last
    /// one has the number of its entries in its name.
    fn here(&mut self, page: u64, from: u64) -> anyhow::Result<Option<(Vec<u8>, usize)>> {
        let rest = self.size - from;
        for (name, is_last) in [(page_name(page, Some(rest)), true), (page_name(page, None), false)] {
            // What cannot be read here is brought again.
            let Ok(bytes) = files::read_regular(&self.dir.join(&name), MAX_ARCHIVE_PAGE_BYTES) else { continue };
            let Ok(found) = read_page(&bytes) else { continue };
            let entries = found.entries.len();
            let fits = if is_last { entries as u64 == rest } else { (entries as u64) < rest };
            if fits && self.differs(from, &found.entries)?.is_none() {
                self.folder.keep(&name)?;
                return Ok(Some((bytes, entries)));
            }
        }
        Ok(None)
    }

    /// Asks the node for a page, compares it, and puts it into the folder.
    fn fetch(&mut self, page: u64, from: u64) -> anyhow::Result<(Vec<u8>, usize)> {
        let rest = self.size - from;
        let mut found = self.client.audit_page(self.node, from, rest.min(MAX_AUDIT_PAGE_ENTRIES as u64))?;
        found.entries.truncate(usize::try_from(rest).unwrap_or(usize::MAX));
        let entries = found.entries.len();
        if entries == 0 {
            let what = format!("the node gives no openings of its entries from {} on", ui::count(from));
            return Err(FindingError(format!("{what}; hint: `luxord check` tells whether its data are whole")).into());
        }
        if let Some(index) = self.differs(from, &found.entries)? {
            let what = format!("the node opens another entry {index} than its log's files have");
            return Err(FindingError(format!("{what}; nothing of this run counts; hint: `luxord check`")).into());
        }
        let to = from + entries as u64;
        let bytes = page_bytes(archived(found, from, to));
        if bytes.len() > MAX_ARCHIVE_PAGE_BYTES {
            let what = format!("the page from entry {from} on has {} bytes", ui::count(bytes.len() as u64));
            return Err(RefusedError(format!("{what}, an archive takes {MAX_ARCHIVE_PAGE_BYTES}")).into());
        }
        let name = page_name(page, (to == self.size).then_some(entries as u64));
        self.folder.put(&name, &bytes)?;
        Ok((bytes, entries))
    }

    /// The first of these entries that is another one than the log's files have, or that they lack.
    fn differs(&mut self, from: u64, entries: &[AuditEntry]) -> anyhow::Result<Option<u64>> {
        for (index, entry) in (from..).zip(entries) {
            let place = (index % TILE_WIDTH as u64) as usize; // below 256
            let bundle = self.bundle_with(index)?;
            if bundle.get(place).is_none_or(|own| own.as_slice() != entry.entry) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// The entries of the bundle in which this one stands.
    fn bundle_with(&mut self, entry: u64) -> anyhow::Result<&[Vec<u8>]> {
        let index = entry / TILE_WIDTH as u64;
        if self.bundle.as_ref().is_none_or(|(read, _)| *read != index) {
            let width = self.size.saturating_sub(index * TILE_WIDTH as u64).min(TILE_WIDTH as u64) as usize; // at most 256
            let width = TileWidth::new(width).unwrap_or(TileWidth::FULL);
            let path = TilePath::Entries { index, width };
            let here = LogSource::Folder(self.dir.to_owned());
            let found = here.read_or_full(&path)?;
            let (path, bytes) = found.ok_or_else(|| FindingError(format!("{path} is not there")))?;
            let TilePath::Entries { width, .. } = path else { return Ok(&[]) };
            let entries = decode_bundle(&bytes, width).map_err(|error| FindingError(format!("{path}: {error}")))?;
            self.bundle = Some((index, entries.into_iter().map(<[u8]>::to_vec).collect()));
        }
        Ok(self.bundle.as_ref().map_or(&[], |(_, entries)| entries))
    }
}

/// A page as an archive has it: the node's newest checkpoint stands among the others if it is of a size on this page, and
/// nowhere else, so that a page does not depend on when it was asked for.
fn archived(mut page: AuditPage, from: u64, to: u64) -> AuditPage {
    let newest = std::mem::take(&mut page.checkpoint);
    let size = |note: &[u8]| {
        let note = Note::parse(note).ok()?;
        Checkpoint::parse(&note.text).ok().map(|checkpoint| checkpoint.size)
    };
    page.checkpoints.push(newest);
    page.checkpoints.retain(|note| size(note).is_some_and(|size| size > from && size <= to));
    page.checkpoints.sort_by_key(|note| size(note));
    page.checkpoints.dedup();
    page
}
