//! `luxor bench attest`: credentials issued and verified, a status list of a million changed and signed, in this process, on one core.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, anyhow};
use luxor_protocol::bench::{
    AttestReport, CredentialCosts, ListCosts, STATUSES, SampleCredential, SampleList, decimal, percentile,
};
use luxor_protocol::credential::Algorithm;

use super::AttestArgs;

/// Statuses changed before the list is signed: one trader, a day's, everybody of an issuer that lost its key.
const CHANGED: [u64; 3] = [1, 100, 10_000];
/// Primes that spread what is changed over the list.
const SPREAD: (u64, u64) = (7_919, 104_729);

/// Measures.
pub(super) fn measure(args: &AttestArgs) -> Result<AttestReport> {
    let failed = |error: Box<dyn std::error::Error>| anyhow!("{error}; a defect");
    let mut credentials = Vec::new();
    for algorithm in Algorithm::ALL {
        let sample = SampleCredential::new(algorithm).map_err(failed)?;
        let presented = sample.present().map_err(failed)?;
        let (issue, _) = timed(args.rounds, |_| {
            black_box(sample.issue()?);
            Ok(())
        })?;
        let (verify, _) = timed(args.rounds, |_| {
            black_box(sample.verify(black_box(&presented))?);
            Ok(())
        })?;
        credentials.push(CredentialCosts {
            algorithm: algorithm.name().to_owned(),
            presented_bytes: presented.len() as u64,
            issue_us: decimal(issue),
            verify_us: decimal(verify),
        });
    }
    let mut lists = Vec::new();
    for changed in CHANGED {
        let mut sample = SampleList::new().map_err(failed)?;
        let mut bytes = 0;
        let (median, slow) = timed(args.rounds, |round| {
            let indexes: Vec<u64> = (0..changed).map(|n| (round * SPREAD.0 + n * SPREAD.1) % STATUSES).collect();
            bytes = black_box(sample.change_and_sign(&indexes)?).len();
            Ok(())
        })?;
        let (median_us, p99_us) = (decimal(median), decimal(slow));
        lists.push(ListCosts { changed, token_bytes: bytes as u64, median_us, p99_us });
    }
    Ok(AttestReport { rounds: args.rounds, credentials, statuses: STATUSES, lists })
}

/// Median and 99th percentile of so many rounds, in nanoseconds.
fn timed(rounds: u64, mut work: impl FnMut(u64) -> Result<()>) -> Result<(u64, u64)> {
    let mut times = Vec::with_capacity(usize::try_from(rounds).unwrap_or_default());
    for round in 0..rounds {
        let began = Instant::now();
        work(round)?;
        times.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    times.sort_unstable();
    Ok((percentile(&times, 50), percentile(&times, 99)))
}
