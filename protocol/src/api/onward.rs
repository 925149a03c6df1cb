//! Passing on what was received.

use serde::{Deserialize, Serialize};

use crate::exchange::Lane;
use crate::names::{MemberId, NodeRef, Purpose};

/// Which received records are to be passed on, to whom, and what of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnwardRequest {
    /// A reference that leads to records; or roots.
    #[serde(default)]
    pub reference: Option<String>,
    /// Roots of records, hexadecimal.
    #[serde(default)]
    pub roots: Vec<String>,
    /// Who is to get them.
    pub to: MemberId,
    /// What for.
    pub purpose: Purpose,
    /// Groups to be shown; without any, all that the agreement lets pass on and that were received.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The lane.
    pub lane: Lane,
}

/// What became of it. The same request again passes nothing on twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnwardResult {
    /// One for each record, in the order of the roots.
    pub records: Vec<OnwardRecord>,
    /// Dispatches made of them now.
    pub dispatches: u64,
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnwardRecord {
    /// Its root, hexadecimal.
    pub root: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: OnwardOutcome,
}

/// What became of a record that was to be passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum OnwardOutcome {
    /// Stored and on its way.
    Passed {
        /// Who issued it.
        from: MemberId,
        /// The agreement that lets it be passed on.
        agreement: String,
        /// Its row, from 1.
        row: usize,
        /// Groups shown.
        groups: Vec<String>,
    },
    /// It went to this recipient for this purpose before, showing as much.
    Already {
        /// The receiving node.
        recipient: NodeRef,
        /// The number of the dispatch.
        number: u64,
    },
    /// The receipt that has to come with it is not witnessed yet. Ask again later.
    Unwitnessed {
        /// Which, in words.
        reason: String,
    },
    /// It may not, or cannot, be passed on so.
    Refused {
        /// The term, in words.
        reason: String,
    },
}
