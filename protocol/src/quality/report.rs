//! Figures: how many findings of each rule, and a score for each sender.
//!
//! ```text
//! score = floor(1000 * records without an error / records)
//! ```
//!
//! in per mille, in whole numbers; a record with ten errors counts once, notices and warnings do not count. The share of a rule is
//! `floor(1000 * records with a finding of it / records)`. Reports over parts of the records add up to that over all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::finding::Finding;
use crate::limits::MAX_REPORT_SENDERS;
use crate::reference::{Rule, Severity};

/// How often a rule found something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Findings.
    pub findings: u64,
    /// Records with one of them at least.
    pub records: u64,
}

/// The figures of one sender.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Records that were checked.
    pub records: u64,
    /// Of them, those with an error at least.
    pub with_error: u64,
    /// Findings by severity.
    pub by_severity: BTreeMap<Severity, u64>,
    /// Findings by rule.
    pub by_rule: BTreeMap<Rule, Count>,
}

impl Sender {
    /// Records without an error, in per mille of all; 1000 where there is none.
    pub fn score(&self) -> u64 {
        per_mille(self.records.saturating_sub(self.with_error), self.records, 1000)
    }

    /// Records with a finding of a rule, in per mille of all.
    pub fn share(&self, rule: Rule) -> u64 {
        let with_it = self.by_rule.get(&rule).map_or(0, |count| count.records);
        per_mille(with_it, self.records, 0)
    }

    /// Counts a record with its findings.
    pub fn add(&mut self, findings: &[Finding]) {
        self.records += 1;
        self.with_error += u64::from(findings.iter().any(|finding| finding.severity == Severity::Error));
        for (at, finding) in findings.iter().enumerate() {
            *self.by_severity.entry(finding.severity).or_default() += 1;
            let count = self.by_rule.entry(finding.rule).or_default();
            count.findings += 1;
            count.records += u64::from(findings.iter().take(at).all(|before| before.rule != finding.rule));
        }
    }

    /// Adds the figures of other records.
    pub fn merge(&mut self, other: &Sender) {
        self.records += other.records;
        self.with_error += other.with_error;
        for (severity, count) in &other.by_severity {
            *self.by_severity.entry(*severity).or_default() += count;
        }
        for (rule, of_rule) in &other.by_rule {
            let count = self.by_rule.entry(*rule).or_default();
            count.findings += of_rule.findings;
            count.records += of_rule.records;
        }
    }
}

/// The figures of many records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Of all records.
    pub all: Sender,
    /// Of each sender, at most [`MAX_REPORT_SENDERS`] of them; records of others are in `all` only.
    pub senders: BTreeMap<String, Sender>,
}

impl Report {
    /// Counts a record of a sender with its findings.
    pub fn add(&mut self, sender: &str, findings: &[Finding]) {
        self.all.add(findings);
        if let Some(of_sender) = self.sender(sender) {
            of_sender.add(findings);
        }
    }

    /// Adds the figures of other records.
    pub fn merge(&mut self, other: &Report) {
        self.all.merge(&other.all);
        for (name, figures) in &other.senders {
            if let Some(of_sender) = self.sender(name) {
                of_sender.merge(figures);
            }
        }
    }

    fn sender(&mut self, name: &str) -> Option<&mut Sender> {
        if !self.senders.contains_key(name) && self.senders.len() >= MAX_REPORT_SENDERS {
            return None;
        }
        Some(self.senders.entry(name.to_owned()).or_default())
    }
}

fn per_mille(part: u64, whole: u64, of_none: u64) -> u64 {
    let share = (u128::from(part) * 1000).checked_div(u128::from(whole));
    share.map_or(of_none, |share| u64::try_from(share).unwrap_or(u64::MAX))
}
