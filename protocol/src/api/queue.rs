//! What waits for people: referrals without an answer that counts.

use serde::{Deserialize, Serialize};

use super::life::{AlarmLine, ReferralLine};

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
