//! Records that facts of statistics are made of.

use serde::{Deserialize, Serialize};

use crate::names::MemberId;

/// Records on a page, after which no further dispatch is begun.
pub const MAX_STATISTICS_PAGE: usize = 2_048;

/// A declaration, a record of duty or a link that this node issued or received.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatisticsRecord {
    /// Its root, hexadecimal.
    pub root: String,
    /// Who issued it.
    pub issuer: MemberId,
    /// The root that it corrects or takes back, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
    /// When it was lodged: milliseconds since 1970.
    pub at: u64,
    /// The native JSON form of those groups that facts are made of.
    pub record: serde_json::Value,
}

/// Some of them, in the order of the log. A record stands on several pages where it came under several agreements.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StatisticsPage {
    /// The records.
    pub records: Vec<StatisticsRecord>,
    /// Pass as `from` for the next page; absent at the end.
    pub next: Option<u64>,
}
