//! The auditor's part: every log read through the auditor's own node and checked here, then compared with each other.

use anyhow::Result;
use luxor_protocol::audit::{AuditReport, compare_channels};

use super::members::{AUDITOR, ROLES};
use crate::auditing::audit;
use crate::client::Client;
use crate::found;
use crate::local::{Network, node};

/// What the audit of the whole network found.
pub(super) struct Verified {
    /// One report for each node.
    pub(super) reports: Vec<AuditReport>,
    /// What does not hold, in words.
    pub(super) findings: Vec<String>,
}

impl Verified {
    /// Counterparty receipts verified, over all logs.
    pub(super) fn receipts(&self) -> u64 {
        self.reports.iter().map(|report| report.receipts).sum()
    }

    /// Entries of all logs.
    pub(super) fn entries(&self) -> u64 {
        self.reports.iter().map(|report| report.entries).sum()
    }
}

/// Verifies the log of every node that gives the auditor a mandate, and the auditor's own.
pub(super) fn verify(network: &Network, auditor: &Client) -> Result<Verified> {
    let directory = found::directory(&network.dir(AUDITOR))?;
    let mut reports = Vec::new();
    for role in &ROLES {
        reports.push(audit(auditor, &directory, &node(role.id)?)?);
    }
    let findings = findings(&reports);
    Ok(Verified { reports, findings })
}

/// What does not hold in them.
pub(super) fn findings(reports: &[AuditReport]) -> Vec<String> {
    let mut found = Vec::new();
    for report in reports {
        found.extend(report.findings.iter().map(|finding| match finding.entry {
            Some(entry) => format!("log of {}, entry {entry}: {}", report.node, finding.what),
            None => format!("log of {}: {}", report.node, finding.what),
        }));
        let unshown = report.findings_count.saturating_sub(report.findings.len() as u64);
        if unshown > 0 {
            found.push(format!("log of {}: {unshown} more findings", report.node));
        }
        if report.without_receipt > 0 {
            found.push(format!("log of {}: {} dispatches have no receipt", report.node, report.without_receipt));
        }
        if report.withheld > 0 {
            // The demo's mandate gives every body and its evidence.
            found.push(format!("log of {}: {} entries are not opened", report.node, report.withheld));
        }
    }
    found.extend(compare_channels(reports).into_iter().map(|(channel, what)| format!("channel {channel}: {what}")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_receipt_is_a_finding() {
        let report = AuditReport { node: "platform/n1".into(), without_receipt: 2, ..AuditReport::default() };
        assert!(report.ok());
        assert_eq!(findings(&[report]), ["log of platform/n1: 2 dispatches have no receipt"]);
    }
}
