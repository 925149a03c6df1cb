//! A log alone: the store, the sequencer's thread and the lock file as a node runs them, fed with entries such as a
//! `received` entry without payload, each in a commit of its own and without a proof of inclusion. What an entry commits to
//! can be made larger; the entry itself always has 33 bytes.
//!
//! Not here: what proofs of inclusion cost in that log (`proofs`).

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use luxor_protocol::bench::{LogReport, decimal, per_second, percentile};
use luxor_protocol::cbor::Encode as _;
use luxor_protocol::exchange::{Channel, EntryKind, Lane, Opening, Outcome, ReceiptBody, Skeleton};
use luxor_protocol::hash::Digest;
use luxor_protocol::keys::{KeyUse, SecretKey};
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Day;

use super::{BenchError, disk_use, own_peak_memory, proofs};
use crate::entropy::random;
use crate::sequencer::{Commit, LockFile, Sequencer, SequencerError};
use crate::store::{Store, StoreConfig};

const ORIGIN: &str = "luxor.bench/recipient/n1";
const LATENCY_SAMPLES: u64 = 300;
/// Commits before the latency pass that are not counted.
const WARM_UP: u64 = 20;
/// How often a stopped sequencer is looked for while nothing is released.
const LOOK: Duration = Duration::from_secs(1);
/// Latencies of commits in flight that are kept, to bound memory.
const LOADED_SAMPLES: u64 = 1_000_000;
/// Sizes whose checkpoints are read at a time, to bound memory.
const CHECKPOINT_PAGE: u64 = 65_536;

/// Appends `entries` entries to a new log in `folder`, each committing to `size` bytes, then measures single ones and proofs.
pub(super) fn measure(
    folder: &Path,
    entries: u64,
    in_flight: u64,
    size: Option<usize>,
) -> Result<LogReport, BenchError> {
    let node = name("recipient/n1")?;
    let channel = Channel { sender: name("sender/n1")?, recipient: node.clone(), epoch: 1, lane: Lane::Ordinary };
    let store = Arc::new(Store::open(&folder.join("data"), StoreConfig::default(), &Digest::ZERO, &node, folder)?);
    let loaded = store.load(&node)?;
    let lock = LockFile::open(&folder.join("log.lock"))?;
    let key = SecretKey::from_seed(KeyUse::Log, &random()?)?;
    let (failed, failures) = std::sync::mpsc::channel();
    let report = move |error| drop(failed.send(error));
    let (sequencer, thread) =
        Sequencer::start(store.clone(), lock, ORIGIN, vec![key], loaded.size, loaded.root, report)?;

    let mut feed = Feed::new(&sequencer, channel, failures);
    feed.fill(size)?;
    let every = entries.div_ceil(LOADED_SAMPLES);
    let began = Instant::now();
    for entry in 0..entries {
        while feed.in_flight >= in_flight {
            feed.wait()?;
        }
        feed.commit(entry % every == 0)?;
    }
    feed.wait_all()?;
    let micros = began.elapsed().as_micros();
    let groups = groups(&store, entries)?;
    let mut loaded = std::mem::take(&mut feed.latencies);
    loaded.sort_unstable();

    for sample in 0..WARM_UP + LATENCY_SAMPLES {
        feed.commit(sample >= WARM_UP)?;
        feed.wait_all()?;
    }
    let mut latencies = std::mem::take(&mut feed.latencies);
    latencies.sort_unstable();
    let opening_bytes = feed.opening()?.to_cbor().len() as u64;
    let bytes_on_disk = disk_use(folder)?;
    // Before the proofs, which read the whole log.
    let rss_peak_bytes = own_peak_memory()?;
    let proof = proofs::measure(&store, &sequencer)?;
    drop(feed);
    drop(sequencer);
    if thread.join().is_err() {
        return Err(BenchError::Defect("the sequencer's thread panicked"));
    }
    Ok(LogReport {
        entries,
        in_flight,
        opening_bytes,
        seconds: decimal(u64::try_from(micros / 1_000).unwrap_or(u64::MAX)),
        entries_per_second: per_second(entries, micros),
        groups,
        entries_per_group: entries.checked_div(groups).unwrap_or(0),
        loaded_samples: loaded.len() as u64,
        loaded_p50_ms: decimal(percentile(&loaded, 50)),
        loaded_p99_ms: decimal(percentile(&loaded, 99)),
        latency_samples: LATENCY_SAMPLES,
        latency_p50_ms: decimal(percentile(&latencies, 50)),
        latency_p99_ms: decimal(percentile(&latencies, 99)),
        proof,
        rss_peak_bytes,
        bytes_on_disk,
    })
}

/// Commits on their way and back.
struct Feed<'s> {
    sequencer: &'s Sequencer,
    channel: Channel,
    number: u64,
    in_flight: u64,
    /// Behind the body of every opening.
    filler: Vec<u8>,
    /// Microseconds from submission to release, of commits that were asked for them.
    latencies: Vec<u64>,
    done: Sender<Option<u64>>,
    released: Receiver<Option<u64>>,
    failures: Receiver<SequencerError>,
}

impl<'s> Feed<'s> {
    fn new(sequencer: &'s Sequencer, channel: Channel, failures: Receiver<SequencerError>) -> Self {
        let (done, released) = std::sync::mpsc::channel();
        let (filler, latencies) = (Vec::new(), Vec::new());
        Self { sequencer, channel, number: 0, in_flight: 0, filler, latencies, done, released, failures }
    }

    /// Makes openings at least so large from now on; numbers that grow add some bytes.
    fn fill(&mut self, size: Option<usize>) -> Result<(), BenchError> {
        let Some(size) = size else { return Ok(()) };
        // A filler costs its own bytes, and some for a longer length before it.
        let mut least = size.saturating_sub(self.opening()?.to_cbor().len()).saturating_sub(8);
        loop {
            self.filler = vec![0; least];
            if self.opening()?.to_cbor().len() >= size {
                return Ok(());
            }
            least += 1;
        }
    }

    /// What the entry of this number commits to.
    fn opening(&mut self) -> Result<Opening, BenchError> {
        let skeleton = Skeleton {
            kind: EntryKind::Received,
            agreement: Digest::ZERO,
            channel: self.channel.clone(),
            number: self.number,
            due: Day(25_000),
        };
        let body = ReceiptBody {
            dispatch: Digest(random()?),
            outcome: Outcome::Taken(Vec::new()),
            contiguous: self.number,
            channel_root: Digest::ZERO.0,
        };
        let mut bytes = body.to_cbor();
        if !self.filler.is_empty() {
            // Other bytes each time, which do not compress.
            blake3::Hasher::new().update(&body.dispatch.0).finalize_xof().fill(&mut self.filler);
            bytes.extend_from_slice(&self.filler);
        }
        Ok(Opening::new(&skeleton, bytes, random()?, random()?))
    }

    fn commit(&mut self, timed: bool) -> Result<(), BenchError> {
        self.number += 1;
        let opening = self.opening()?;
        let bytes = opening.body.len() + 300;
        let done = self.done.clone();
        let began = timed.then(Instant::now);
        let done = Box::new(move |_| {
            let took = began.map(|began| u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
            // Nobody listens any more once an error is on its way up.
            let _ = done.send(took);
        });
        let commit = Commit { writes: Vec::new(), entries: vec![opening], prove: false, bytes, done };
        if let Err(error) = self.sequencer.commit(commit) {
            // What ended the thread says more than that it ended.
            return Err(self.failures.try_recv().unwrap_or(error).into());
        }
        self.in_flight += 1;
        Ok(())
    }

    /// Waits for one release and takes those that came with it.
    fn wait(&mut self) -> Result<(), BenchError> {
        loop {
            match self.released.recv_timeout(LOOK) {
                Ok(took) => break self.release(took),
                Err(RecvTimeoutError::Timeout) => match self.failures.try_recv() {
                    Ok(error) => return Err(error.into()),
                    Err(_) => continue,
                },
                Err(RecvTimeoutError::Disconnected) => return Err(SequencerError::Stopped.into()),
            }
        }
        while let Ok(took) = self.released.try_recv() {
            self.release(took);
        }
        Ok(())
    }

    fn release(&mut self, took: Option<u64>) {
        self.in_flight -= 1;
        self.latencies.extend(took);
    }

    fn wait_all(&mut self) -> Result<(), BenchError> {
        while self.in_flight > 0 {
            self.wait()?;
        }
        Ok(())
    }
}

/// Synced writes that the log of `size` entries took: each but the last left its checkpoint in the database.
fn groups(store: &Store, size: u64) -> Result<u64, BenchError> {
    let mut groups = 1;
    let mut from = 0;
    while from < size {
        let to = from.saturating_add(CHECKPOINT_PAGE).min(size);
        groups += store.checkpoints(from, to)?.len() as u64;
        from = to;
    }
    Ok(groups)
}

fn name(text: &str) -> Result<NodeRef, BenchError> {
    text.parse().map_err(|_| BenchError::Defect("a name of the measurement is not valid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_in_the_log_and_every_write_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let report = measure(folder.path(), 500, 7, Some(512)).unwrap();
        assert_eq!((report.entries, report.loaded_samples), (500, 500));
        assert!((512..520).contains(&report.opening_bytes), "{report:?}");
        assert_eq!((report.proof.hashes, report.proof.samples), (10, 500 + WARM_UP + LATENCY_SAMPLES));
        assert!(report.groups >= 500 / 7 && report.groups <= 500, "{report:?}");
        assert!(report.entries_per_second > 0 && report.rss_peak_bytes > 0 && report.bytes_on_disk > 0);
        let node = name("recipient/n1").unwrap();
        let data = folder.path().join("data");
        let store = Store::open(&data, StoreConfig::default(), &Digest::ZERO, &node, folder.path()).unwrap();
        assert_eq!(store.load(&node).unwrap().size, 500 + WARM_UP + LATENCY_SAMPLES);
    }
}
