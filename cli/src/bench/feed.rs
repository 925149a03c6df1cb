//! Records to the sender's node: chunks over many connections, one thread each.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use luxor_protocol::api::{ApiFile, ChunkResult, RecordResult};
use luxor_protocol::bench::Records;

use crate::client::{Connection, Put};
use crate::local::Children;
use crate::ui::{Progress, count};

/// Chunks that are made before the clock starts hold at most so many bytes; of larger runs each is made when it is due.
const MAX_READY_BYTES: u64 = 256 * 1024 * 1024;
/// A thread waits on one socket and parses one answer.
const STACK_BYTES: usize = 256 * 1024;
/// Pauses after the node had no room, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// How long one chunk may find no room.
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(250);

/// Chunks of records, each by its number.
pub(super) struct Chunks<'r> {
    source: &'r Records,
    records: u64,
    batch: u64,
    ready: Vec<Vec<u8>>,
}

impl<'r> Chunks<'r> {
    /// `records` records in chunks of `batch`; the last may be smaller.
    pub(super) fn new(source: &'r Records, records: u64, batch: u64) -> Self {
        let mut chunks = Self { source, records, batch, ready: Vec::new() };
        if records.saturating_mul(source.record_bytes() as u64) <= MAX_READY_BYTES {
            chunks.ready = (0..chunks.count()).map(|number| chunks.make(number)).collect();
        }
        chunks
    }

    /// How many chunks.
    pub(super) fn count(&self) -> u64 {
        self.records.div_ceil(self.batch)
    }

    fn make(&self, number: u64) -> Vec<u8> {
        let first = number * self.batch;
        let records = self.batch.min(self.records - first);
        // At most a chunk's limit.
        self.source.chunk(first, records as usize)
    }
}

/// What the node took.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fed {
    /// Records.
    pub(super) records: u64,
    /// Dispatches made of them.
    pub(super) dispatches: u64,
    /// Times that the node had no room.
    pub(super) busy: u64,
}

/// Submits every chunk under the name `submission`, over `connections` at a time. Returns when the last is answered.
pub(super) fn feed(
    api: &ApiFile,
    submission: &str,
    chunks: &Chunks<'_>,
    connections: u64,
    children: &mut Children,
) -> Result<Fed> {
    let connections = connections.min(chunks.count());
    let open = (0..connections).map(|_| Connection::open(api)).collect::<Result<Vec<_>, _>>()?;
    let (next, done, stop) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let (tell, told) = channel();
    let mut progress = Progress::new();
    thread::scope(|scope| {
        for mut connection in open {
            let (tell, next, done, stop) = (tell.clone(), &next, &done, &stop);
            let work = move || {
                let fed = one(&mut connection, submission, chunks, next, done, stop);
                stop.fetch_or(fed.is_err(), Ordering::Relaxed);
                // The receiver lives until every thread has ended.
                let _ = tell.send(fed);
            };
            thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).context("no more threads")?;
        }
        drop(tell);
        let mut fed = Fed::default();
        loop {
            match told.recv_timeout(LOOK) {
                Ok(Ok(part)) => {
                    fed.records += part.records;
                    fed.dispatches += part.dispatches;
                    fed.busy += part.busy;
                }
                Ok(Err(error)) => return Err(error),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let alive = children.check();
                    stop.fetch_or(alive.is_err(), Ordering::Relaxed);
                    alive?;
                    progress.show(|| format!("submitted {} records", count(done.load(Ordering::Relaxed))));
                }
            }
        }
        progress.clear();
        Ok(fed)
    })
}

/// Submits a chunk until the node takes it; all its records must be accepted. Adds how often there was no room to `busy`.
pub(super) fn put(
    connection: &mut Connection,
    submission: &str,
    number: u64,
    chunk: &[u8],
    busy: &mut u64,
) -> Result<ChunkResult> {
    let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        match connection.put(submission, number, chunk)? {
            Put::Taken(result) => {
                let refusal = result.records.iter().find_map(|record| match record {
                    RecordResult::Refused { reason, .. } => Some(reason),
                    RecordResult::Accepted { .. } => None,
                });
                if let Some(reason) = refusal {
                    bail!("the node refused a record that it must take: {reason}");
                }
                return Ok(result);
            }
            Put::Busy if began.elapsed() > PATIENCE => {
                bail!("chunk {number} found no room in the outbox for {} s", PATIENCE.as_secs())
            }
            Put::Busy => {
                *busy += 1;
                thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn one(
    connection: &mut Connection,
    submission: &str,
    chunks: &Chunks<'_>,
    next: &AtomicU64,
    done: &AtomicU64,
    stop: &AtomicBool,
) -> Result<Fed> {
    let mut fed = Fed::default();
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= chunks.count() {
            break;
        }
        let made;
        let chunk = match chunks.ready.get(usize::try_from(number).unwrap_or(usize::MAX)) {
            Some(chunk) => chunk,
            None => {
                made = chunks.make(number);
                &made
            }
        };
        let result = put(connection, submission, number, chunk, &mut fed.busy)?;
        fed.records += result.records.len() as u64;
        fed.dispatches += result.dispatches;
        done.fetch_add(result.records.len() as u64, Ordering::Relaxed);
    }
    Ok(fed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_hold_every_record_once() {
        let source = Records::new(200, 1).unwrap();
        let chunks = Chunks::new(&source, 25, 10);
        assert_eq!(chunks.count(), 3);
        assert_eq!(chunks.ready.len(), 3);
        assert_eq!(chunks.ready[2], source.chunk(20, 5));
    }
}
