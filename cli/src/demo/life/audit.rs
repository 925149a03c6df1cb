//! The auditor's part: every log is read and verified through its own node, nothing in what it sees names a party, and a seeded sample of
//! the log of customs is opened, packed, and verified from the file alone.

use std::path::Path;

use anyhow::{Context as _, Result};
use luxor_protocol::audit::AuditReport;
use luxor_protocol::audit::pack::{AuditPack, PackError};
use luxor_protocol::exchange::AuditEntry;
use luxor_protocol::limits::MAX_PACK_BYTES;
use serde::Deserialize;

use super::members::{AUDITOR, CUSTOMS_EU, ROLES};
use super::tool;
use crate::client::Client;
use crate::demo::goods::STREETS;
use crate::demo::verify::findings;
use crate::local::{Network, node};
use crate::{auditing, files, found};

/// Entries that are opened.
const SAMPLES: &str = "60";

/// What the auditor found.
pub(super) struct Audited {
    /// One for each log.
    pub(super) reports: Vec<AuditReport>,
    /// What does not hold.
    pub(super) findings: Vec<String>,
    /// Entries in which a name or address of a party was seen.
    pub(super) personal: u64,
    /// Entries of the sample that were opened and verified.
    pub(super) opened: usize,
    /// Whether a damaged pack was refused.
    pub(super) damage_found: bool,
}

#[derive(Deserialize)]
struct Verified {
    opened: Vec<u64>,
}

/// Verifies everything.
pub(super) fn audit(network: &Network, auditor: &Client, root: &Path, seed: u64) -> Result<Audited> {
    let directory = found::directory(&network.dir(AUDITOR))?;
    let (mut reports, mut personal) = (Vec::new(), 0);
    for role in &ROLES {
        let take = |_, entry: &AuditEntry| personal += u64::from(names_a_party(entry));
        reports.push(auditing::read(auditor, &directory, &node(role.id)?, None, take)?.0);
    }
    let mut found = findings(&reports);
    if personal > 0 {
        found.push(format!("{personal} entries show {AUDITOR} a name or address of a party"));
    }
    let pack = root.join("sample.pack");
    let (own, of) = (network.dir(AUDITOR).display().to_string(), node(CUSTOMS_EU)?.to_string());
    let (seed, file) = (seed.to_string(), pack.display().to_string());
    let plan = ["--method", "random", "--seed", &seed, "--count", SAMPLES];
    let draw = [&["audit", "pack", "--node", &own, "--of", &of, "--to", &file][..], &plan[..]].concat();
    tool::done(&draw).context("packing a sample of the log of customs")?;
    let ran = tool::luxor(&[&["audit", "verify-pack", &file, "--json"][..], &plan[..]].concat())?;
    if ran.found {
        found.push("the pack of the sample does not verify as it was drawn".to_owned());
    }
    let verified: Verified = serde_json::from_slice(&ran.stdout).context("what verifying the pack printed")?;
    let damage_found = damage_is_found(&pack)?;
    if !damage_found {
        found.push("a pack with a flipped bit was verified as if it were whole".to_owned());
    }
    Ok(Audited { reports, findings: found, personal, opened: verified.opened.len(), damage_found })
}

/// Whether a pack with one flipped bit is told from the whole one.
fn damage_is_found(pack: &Path) -> Result<bool> {
    let mut bytes = files::read(pack, MAX_PACK_BYTES)?;
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    Ok(matches!(AuditPack::read(&bytes), Err(PackError::Damaged { .. } | PackError::Frame(_))))
}

/// Whether an entry shows a street or mailbox of the demo's parties: what every sender and addressee has.
fn names_a_party(entry: &AuditEntry) -> bool {
    let body = entry.body.as_ref().map(|(_, body)| body.as_slice());
    let seen = [Some(entry.skeleton.as_slice()), body, entry.evidence.as_deref()];
    seen.into_iter().flatten().any(shows)
}

fn shows(bytes: &[u8]) -> bool {
    let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    STREETS.iter().copied().chain(["@seller.example", "@buyer.example"]).any(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streets_and_mailboxes_are_seen_and_references_are_not() {
        assert!(shows(b"\x01\x02Specimen Avenue\x03") && shows(b"orders@buyer.example"));
        assert!(!shows(b"IMP-RR473124829GB customs-eu"));
    }
}
