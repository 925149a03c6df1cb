//! What waits for people: referrals without an answer that counts; and how good what arrived is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::life::{AlarmLine, ReferralLine};
use crate::names::MemberId;
use crate::quality::{Finding, Report, Rule};

/// A referral that is not closed, or whose item needs somebody to hear an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedReferral {
    /// The item, with its scheme.
    pub item: String,
    /// The referral as it stands.
    pub referral: ReferralLine,
    /// What somebody has to hear now because of it.
    pub alarms: Vec<AlarmLine>,
}

/// Figures over a part of what arrived; those of all parts are merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityPage {
    /// The figures, by who issued the records.
    pub report: Report,
    /// Of each issuer and rule the first finding of this part, with its sentence, the list that it rests on, and the record's root.
    #[serde(default)]
    pub examples: BTreeMap<MemberId, BTreeMap<Rule, QualityExample>>,
    /// Pass as `after` for the next part; absent at the end.
    pub next: Option<u64>,
}

/// What a rule found in one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityExample {
    /// The record's root.
    pub root: String,
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
}

impl QualityPage {
    /// Adds the next part: figures add up, the first example of each issuer and rule stays.
    pub fn merge(&mut self, next: Self) {
        self.report.merge(&next.report);
        for (sender, examples) in next.examples {
            let known = self.examples.entry(sender).or_default();
            for (rule, example) in examples {
                known.entry(rule).or_insert(example);
            }
        }
        self.next = next.next;
    }
}
