//! What a proof of inclusion costs in a log that is there, at random places: made as a node makes it, and checked; beside it,
//! what reading as many rows from the same database costs.

use std::hint::black_box;
use std::time::Instant;

use luxor_protocol::bench::{ProofReport, decimal, percentile};
use luxor_protocol::tlog::{Hash, leaf_hash, verify_inclusion};

use super::BenchError;
use crate::entropy::random;
use crate::sequencer::Sequencer;
use crate::store::{Family, Store};

/// Proofs of each pass, at most one for each entry.
const SAMPLES: u64 = 2_000;
/// Entries that are read at a time.
const PAGE: u64 = 65_536;

/// Measures proofs in a log that is not to grow meanwhile.
pub(super) fn measure(store: &Store, sequencer: &Sequencer) -> Result<ProofReport, BenchError> {
    let latest = sequencer.latest();
    let samples = SAMPLES.min(latest.size);
    let hashes = u64::from(latest.size.next_power_of_two().ilog2());
    let random_place = || Ok::<_, BenchError>(u64::from_be_bytes(random()?) % latest.size.max(1));
    let path = |index| -> Result<(u64, Vec<Hash>), BenchError> {
        let began = Instant::now();
        let path = sequencer.path(index, latest.size)?;
        Ok((nanos(began), path))
    };

    // As the log was written, past the system's memory; then with all entries in it.
    let mut fresh = (0..samples).map(|_| Ok(path(random_place()?)?.0)).collect::<Result<Vec<_>, BenchError>>()?;
    for from in (0..latest.size).step_by(PAGE as usize) {
        black_box(store.entries(from, PAGE)?);
    }
    let (mut made, mut checked, mut whole, mut rows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..samples {
        let index = random_place()?;
        let (took, proof) = path(index)?;
        made.push(took);
        let entry = store.entries(index, 1)?;
        let leaf = entry.first().map(|entry| leaf_hash(entry)).ok_or(BenchError::Defect("an entry is not there"))?;
        let began = Instant::now();
        let holds = verify_inclusion(&leaf, index, latest.size, black_box(&proof), &latest.root);
        checked.push(nanos(began));
        holds.map_err(|_| BenchError::Defect("a proof that was made does not verify"))?;
        let began = Instant::now();
        black_box(sequencer.prove(random_place()?)?);
        whole.push(nanos(began));
        let places = (0..hashes).map(|_| random_place()).collect::<Result<Vec<_>, _>>()?;
        let began = Instant::now();
        for place in &places {
            black_box(store.look(Family::Entries, place)?);
        }
        rows.push(nanos(began));
    }
    [&mut fresh, &mut made, &mut checked, &mut whole, &mut rows].into_iter().for_each(|times| times.sort_unstable());
    Ok(ProofReport {
        samples,
        hashes,
        made_p50_us: decimal(percentile(&made, 50)),
        made_p99_us: decimal(percentile(&made, 99)),
        fresh_p50_us: decimal(percentile(&fresh, 50)),
        whole_p50_us: decimal(percentile(&whole, 50)),
        rows_p50_us: decimal(percentile(&rows, 50)),
        checked_p50_us: decimal(percentile(&checked, 50)),
    })
}

fn nanos(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
