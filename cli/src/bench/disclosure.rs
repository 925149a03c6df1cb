//! `luxor bench disclosure`: our records and SD-JWT, step by step, in one process.
//!
//! A round is short on both sides, so that some are not disturbed by other work on the machine: a batch of ours, some fifty SD-JWT.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, ensure};
use luxor_protocol::bench::{
    DISCLOSED, DisclosureCosts, DisclosureReport, FIELDS, decimal, disclose, filings, issue, sdjwt, shown, verify,
};
use luxor_protocol::hash::Digest;
use luxor_protocol::keys::{KeyUse, SecretKey};
use luxor_protocol::names::NodeRef;

use super::DisclosureArgs;

/// Records that SD-JWT is measured over, and those of one round.
const SD_JWTS: usize = 1_000;
const SD_JWTS_A_ROUND: usize = 50;
const SEED: u64 = 1;

/// Measures both sides.
pub(super) fn measure(args: &DisclosureArgs) -> Result<DisclosureReport> {
    // Far below the largest usize, see their ranges.
    let (batch, rounds) = (args.batch as usize, args.rounds as usize);
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow!("no random bytes: {error}"))?;
    let key = SecretKey::from_seed(KeyUse::Sign, &key)?;
    let (luxor, ours) = luxor(batch, rounds, &key)?;
    let (sd_jwt, theirs) = sd_jwt(rounds, &key)?;
    let times = |ours: u64, theirs: u64| decimal((u128::from(theirs) * 1_000 / u128::from(ours.max(1))) as u64);
    Ok(DisclosureReport {
        fields: FIELDS as u64,
        disclosed_fields: DISCLOSED as u64,
        batch: args.batch,
        rounds: args.rounds,
        luxor,
        sd_jwt,
        signature: "Ed25519, verified strictly".into(),
        times_disclose_and_verify: times(ours[1] + ours[2], theirs[1] + theirs[2]),
        times_whole: times(ours.iter().sum(), theirs.iter().sum()),
    })
}

/// Nanoseconds of one record: issue, disclose, verify.
type Costs = [u64; 3];

fn luxor(batch: usize, rounds: usize, key: &SecretKey) -> Result<(DisclosureCosts, Costs)> {
    let node: NodeRef = "sender/n1".parse()?;
    let (issuer, network, groups) = (node.member(), Digest::ZERO, shown());
    let contents: Vec<_> = filings(batch, SEED)?.into_iter().map(|filing| filing.content).collect();
    let mut best = [u64::MAX; 3];
    let mut wire = 0;
    for _ in 0..rounds {
        let contents = contents.clone();
        let began = Instant::now();
        let issued = issue(&node, contents, &entropy::<48>(batch)?, &network, key);
        keep(&mut best[0], began, batch);
        let began = Instant::now();
        let disclosed = black_box(disclose(&issued, groups));
        keep(&mut best[1], began, batch);
        let began = Instant::now();
        let values = black_box(verify(&disclosed, &issuer, groups, &network, key.public())?);
        keep(&mut best[2], began, batch);
        let fields: usize = values.iter().flatten().flatten().map(Vec::len).sum();
        ensure!(fields == batch * DISCLOSED, "{fields} fields were shown; a defect");
        wire = (disclosed.batch.len() + disclosed.views.len()).div_ceil(batch);
    }
    Ok((costs(best, wire), best))
}

fn sd_jwt(rounds: usize, key: &SecretKey) -> Result<(DisclosureCosts, Costs)> {
    let (signing, verifying) = (key.signing_key(), key.public().verifying_key());
    let filings = filings(SD_JWTS, SEED)?;
    let positions: Vec<usize> = (0..DISCLOSED).collect();
    let mut best = [u64::MAX; 3];
    let mut wire = 0;
    for records in filings.chunks(SD_JWTS_A_ROUND).cycle().take(rounds) {
        let began = Instant::now();
        let salts = entropy::<{ 16 * FIELDS }>(records.len())?;
        let each = records.iter().zip(&salts);
        let issued = each.map(|(record, salts)| sdjwt::issue("sender", &record.claims, salts.as_chunks().0, signing));
        let issued = issued.collect::<Result<Vec<_>, _>>()?;
        keep(&mut best[0], began, records.len());
        let began = Instant::now();
        let presented: Vec<String> = issued.iter().map(|one| sdjwt::present(one, &positions)).collect();
        keep(&mut best[1], began, records.len());
        let began = Instant::now();
        let claims = presented.iter().map(|one| sdjwt::verify(black_box(one), "sender", verifying));
        let claims = black_box(claims.collect::<Result<Vec<_>, _>>()?);
        keep(&mut best[2], began, records.len());
        // The issuer stands in clear.
        let fields: usize = claims.iter().map(|of| of.len() - 1).sum();
        ensure!(fields == records.len() * DISCLOSED, "{fields} fields were shown; a defect");
        wire = presented.iter().map(String::len).sum::<usize>().div_ceil(records.len());
    }
    Ok((costs(best, wire), best))
}

/// Fresh random bytes for so many records, in one call.
fn entropy<const N: usize>(records: usize) -> Result<Vec<[u8; N]>> {
    let mut bytes = vec![[0; N]; records];
    getrandom::fill(bytes.as_flattened_mut()).context("no random bytes")?;
    Ok(bytes)
}

/// Keeps the lower one of a cost so far and that of these records since `began`.
fn keep(best: &mut u64, began: Instant, records: usize) {
    let nanos = began.elapsed().as_nanos() / records.max(1) as u128;
    *best = (*best).min(u64::try_from(nanos).unwrap_or(u64::MAX));
}

fn costs([issue, disclose, verify]: Costs, wire: usize) -> DisclosureCosts {
    DisclosureCosts {
        issue_us: decimal(issue),
        disclose_us: decimal(disclose),
        verify_us: decimal(verify),
        wire_bytes: wire as u64,
    }
}
