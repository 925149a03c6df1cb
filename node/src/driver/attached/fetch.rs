//! Attached files that received records name, fetched from who sent them: range by range, each verified when it comes, going on where it
//! was broken off, by whichever side.
//!
//! A task for each node fetches one file at a time, so a slow one holds up its own only. What fails is tried again later and later, at
//! the next source where there are several.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use luxor_protocol::api::AttachmentInfo;
use luxor_protocol::cbor::Decode as _;
use luxor_protocol::exchange::{Answer, AttachmentRange, Request, ShownIn};
use luxor_protocol::hash::Digest;
use luxor_protocol::names::NodeRef;
use luxor_protocol::record::ATTACHMENTS_GROUP;
use tokio::sync::Notify;

use super::{AttachError, Driver};
use crate::driver::{Message, Shared};
use crate::store::{FileState, StoreError, Write};

/// How often it is looked for what can be tried again, and for received records whose files are to be fetched.
const LOOK: Duration = Duration::from_secs(1);
/// The first pause after a failure, doubled at each further one, and the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// `received` entries looked at in one go.
const ENTRIES_AT_ONCE: usize = 64;

/// A dispatch that gives the right to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Who sent it.
    pub(super) node: NodeRef,
    shown_in: ShownIn,
    entry: u64,
    place: usize,
}

/// Files to be fetched.
#[derive(Default)]
pub(super) struct Fetches {
    wanted: Mutex<BTreeMap<Digest, Wanted>>,
    changed: Notify,
}

struct Wanted {
    size: u64,
    /// Some node's task is at it.
    active: bool,
    failed: u32,
    /// Not to be tried before.
    not_before: Instant,
    why: Option<String>,
}

impl Fetches {
    /// A file is to be fetched, now.
    pub(super) fn want(&self, digest: Digest, size: u64) {
        let fresh = Wanted { size, active: false, failed: 0, not_before: Instant::now(), why: None };
        self.wanted().entry(digest).or_insert(fresh).not_before = Instant::now();
        self.changed.notify_waiters();
    }

    /// It is here, or erased.
    pub(super) fn forget(&self, digest: &Digest) {
        self.wanted().remove(digest);
    }

    /// Why it did not come, the last time.
    pub(super) fn why(&self, digest: &Digest) -> Option<String> {
        self.wanted().get(digest).and_then(|wanted| wanted.why.clone())
    }

    /// Files that may be tried now, with their sizes and how often each failed.
    fn ready(&self) -> Vec<(Digest, u64, u32)> {
        let now = Instant::now();
        let wanted = self.wanted();
        let ready = wanted.iter().filter(|(_, wanted)| !wanted.active && wanted.not_before <= now);
        ready.map(|(digest, wanted)| (*digest, wanted.size, wanted.failed)).collect()
    }

    /// Whether this task is to be at it, and no other.
    fn begin(&self, digest: &Digest) -> bool {
        self.wanted().get_mut(digest).is_some_and(|wanted| !std::mem::replace(&mut wanted.active, true))
    }

    fn end(&self, digest: &Digest, failed: Option<String>) {
        if let Some(wanted) = self.wanted().get_mut(digest) {
            wanted.active = false;
            if let Some(why) = failed {
                let pause = PAUSE.saturating_mul(1u32 << wanted.failed.min(16)).min(LONGEST_PAUSE);
                wanted.not_before = Instant::now() + pause;
                wanted.failed = wanted.failed.saturating_add(1);
                wanted.why = Some(why);
            }
        }
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeMap<Digest, Wanted>> {
        // What is changed under the lock is whole.
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dispatches from which a file can be had, the newest first: of each node those that brought a record that names it.
pub(super) fn sources(shared: &Shared, digest: &Digest) -> Result<Vec<Source>, StoreError> {
    let mut naming = shared.store.naming(digest)?;
    naming.retain(|naming| !naming.own);
    naming.sort_by_key(|naming| std::cmp::Reverse((naming.entry, naming.place)));
    naming.dedup_by_key(|naming| naming.entry);
    let mut found = Vec::with_capacity(naming.len());
    for naming in naming {
        let Some(skeleton) = shared.store.skeleton(naming.entry)? else { continue };
        let shown_in = ShownIn { epoch: skeleton.channel.epoch, lane: skeleton.channel.lane, number: skeleton.number };
        let node = skeleton.channel.sender;
        found.push(Source { node, shown_in, entry: naming.entry, place: naming.place });
    }
    Ok(found)
}

impl Driver {
    /// Begins to fetch a file that a received record names; tells how far it is.
    ///
    /// # Errors
    /// [`AttachError`].
    pub async fn fetch_attached(&self, digest: Digest) -> Result<AttachmentInfo, AttachError> {
        let shared = self.shared.clone();
        let size = self.beside(move || {
            let here = shared.store.attached(&digest)?.map(|(_, row)| row.size);
            if here.is_some() {
                return Ok(here);
            }
            let Some(source) = sources(&shared, &digest)?.into_iter().next() else { return Ok(None) };
            let views = shared.store.payload(source.entry)?;
            let named =
                views.iter().find(|(place, _, _)| *place == source.place).map(|(_, _, view)| view.attachments());
            Ok(named.into_iter().flatten().find(|attachment| attachment.digest == digest).map(|found| found.size))
        });
        let size = size.await?.ok_or(AttachError::Unknown(digest))?;
        let turn = self.attached.turn.lock().await;
        let (_, state) = self.begin(&turn, digest, size, FileState::Fetching).await?;
        drop(turn);
        if state != FileState::Here {
            self.attached.fetches.want(digest, size);
        }
        self.attachment(digest).await
    }

    /// Fetches what is wanted of a node, until this one stops.
    pub(in crate::driver) async fn fetch_from(self, node: NodeRef) {
        loop {
            for (digest, size, failed) in self.attached.fetches.ready() {
                let shared = self.shared.clone();
                let Ok(sources) = self.beside(move || Ok(sources(&shared, &digest)?)).await else { return };
                let turn = sources.get(failed as usize % sources.len().max(1));
                let Some(source) = turn.filter(|source| source.node == node) else { continue };
                if self.attached.fetches.begin(&digest) {
                    let failed = self.fetch_one(digest, size, source).await.err();
                    if let Some(why) = &failed {
                        tracing::warn!(%digest, %node, why, "an attached file does not come; it is tried again");
                    }
                    self.attached.fetches.end(&digest, failed);
                }
            }
            // A time-out is no failure: it is looked again.
            let _ = tokio::time::timeout(LOOK, self.attached.fetches.changed.notified()).await;
        }
    }

    /// Fetches what is left of a file.
    async fn fetch_one(&self, digest: Digest, size: u64, source: &Source) -> Result<(), String> {
        let node = &source.node;
        let mut have = match self.attachment(digest).await {
            Ok(info) => info.have,
            Err(error) => return Err(error.to_string()),
        };
        while have < size {
            let known = self.shared.directory().node(node).cloned().ok_or_else(|| format!("no card names {node}"))?;
            let request = Request::Attachment { digest, shown_in: source.shown_in, offset: have };
            let answer = self.ask(&known, &request).await.map_err(|why| format!("{node}: {why}"))?;
            let Answer::Attachment(sealed) = answer else {
                return Err(format!("{node} answered something else than a range of a file"));
            };
            let shared = self.shared.clone();
            let opened = self.beside(move || {
                let Some(opened) = shared.secrets().seal.open(&sealed) else {
                    return Ok(Err("what it gave is not sealed to this node".to_owned()));
                };
                let range = match AttachmentRange::from_cbor(&opened) {
                    Ok(range) => range,
                    Err(error) => return Ok(Err(format!("what it gave is no range: {error}"))),
                };
                Ok(match range.verify(&digest, size, have) {
                    Ok(()) => Ok(range.bytes),
                    Err(error) => Err(error.to_string()),
                })
            });
            let bytes = opened.await.map_err(|e| e.to_string())?.map_err(|why| format!("{node}: {why}"))?;
            have = self.attach_next(digest, have, bytes).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Begins to fetch every file that received records name, as they come; where that is wanted.
    pub(in crate::driver) async fn fetch_all_attached(self) {
        if !self.attached.fetch_all {
            return;
        }
        loop {
            match self.fetch_some().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(AttachError::Stopping) => return,
                Err(AttachError::Store(error)) => return drop(self.mailbox.send(Message::Failed(error.into()))),
                Err(error) => tracing::warn!(%error, "attached files are not fetched now"),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether there is more to look at.
    async fn fetch_some(&self) -> Result<bool, AttachError> {
        let shared = self.shared.clone();
        let looked = self.beside(move || {
            let store = &shared.store;
            let from = store.fetched_up_to()?.map_or(0, |entry| entry.saturating_add(1));
            let entries = store.inbox(from, ENTRIES_AT_ONCE)?;
            let (mut wanted, last) = (Vec::new(), entries.last().map(|(entry, _)| *entry));
            for (entry, skeleton) in entries {
                let header = store.received_header(&skeleton.channel, skeleton.number)?;
                let shown = header.is_some_and(|header| {
                    let group = header.batch.header.table.group(ATTACHMENTS_GROUP);
                    group.is_some_and(|(at, _)| header.view.has(at))
                });
                if shown {
                    wanted.extend(store.payload(entry)?.iter().flat_map(|(_, _, view)| view.attachments()));
                }
            }
            Ok((wanted, last))
        });
        let (wanted, Some(last)) = looked.await? else { return Ok(false) };
        for attachment in wanted {
            match self.fetch_attached(attachment.digest).await {
                // It was erased meanwhile, or the record says what no file can be.
                Ok(_) | Err(AttachError::Unknown(_) | AttachError::Size(_) | AttachError::OtherSize { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let looked = self.commit(vec![Write::FetchedUpTo(last)], Vec::new()).await;
        looked.map(|_| true).map_err(|_| AttachError::Stopping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_fetch_waits_longer_each_time_one_task_is_at_it_and_a_wish_ends_the_wait() {
        let (fetches, digest) = (Fetches::default(), Digest([1; 32]));
        fetches.want(digest, 7);
        assert_eq!(fetches.ready(), [(digest, 7, 0)]);
        assert!(fetches.begin(&digest) && !fetches.begin(&digest));
        assert_eq!(fetches.ready(), []);
        fetches.end(&digest, Some("why".into()));
        assert_eq!((fetches.ready(), fetches.why(&digest)), (vec![], Some("why".into())));
        let wait = |fetches: &Fetches| fetches.wanted()[&digest].not_before - Instant::now();
        let first = wait(&fetches);
        assert!(fetches.begin(&digest));
        fetches.end(&digest, Some("again".into()));
        assert!(wait(&fetches) > first);
        for _ in 0..80 {
            fetches.end(&digest, Some("again".into()));
        }
        assert!(wait(&fetches) <= LONGEST_PAUSE);
        fetches.want(digest, 7);
        assert_eq!(fetches.ready().len(), 1);
        fetches.forget(&digest);
        assert!(!fetches.begin(&digest) && fetches.why(&digest).is_none());
    }
}
