//! What waits for people: referrals without an answer that counts; and how good what arrived is.

use serde::{Deserialize, Serialize};

use super::life::{AlarmLine, ReferralLine};
use crate::quality::Report;

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
    /// Pass as `after` for the next part; absent at the end.
    pub next: Option<u64>,
}
