//! The auditor's part: every log read through the auditor's own node and checked here, then compared with each other.

use anyhow::{Context as _, Result};
use luxor_protocol::audit::{Audit, AuditReport, compare_channels};
use luxor_protocol::limits::MAX_AUDIT_PAGE_ENTRIES;

use super::members::{AUDITOR, ROLES};
use super::network::{Network, node};
use crate::client::Client;
use crate::found;
use crate::ui::{Progress, count};

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
    let count_per_page = MAX_AUDIT_PAGE_ENTRIES as u64;
    let mut progress = Progress::new();
    let mut reports = Vec::new();
    for role in &ROLES {
        let name = node(role.id)?;
        let known = directory.node(&name).with_context(|| format!("no card names the node {name}"))?;
        let first = auditor.audit_page(&name, 0, count_per_page)?;
        let mut audit = Audit::begin(&directory, known, &first)?;
        let mut taken = audit.page(&first);
        while let Some(from) = audit.wants().filter(|_| taken > 0) {
            progress.show(|| format!("auditing {name}: {} of {} entries", count(from), count(audit.total())));
            taken = audit.page(&auditor.audit_page(&name, from, count_per_page)?);
        }
        reports.push(audit.finish());
    }
    progress.clear();
    let findings = findings(&reports);
    Ok(Verified { reports, findings })
}

fn findings(reports: &[AuditReport]) -> Vec<String> {
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
