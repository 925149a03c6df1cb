//! The repair queue: refused records that wait, how many are fixed at once, and what became of a first attempt.

use serde::{Deserialize, Serialize};

use super::Delivery;
use crate::exchange::Lane;
use crate::names::NodeRef;
use crate::record::{Edit, Fault};

/// How the queue stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairCounts {
    /// Records that wait.
    pub waiting: u64,
    /// How many may; beyond it refused records are not kept.
    pub limit: u64,
    /// Records that were resent or given up, of which it is still told what became of them.
    pub settled: u64,
    /// Refused records for which there was no room since the node started.
    pub not_kept: u64,
}

/// Records of one type that wait for the same reason at the same place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairGroup {
    /// Their type.
    pub r#type: String,
    /// The rule of quality that refuses them, or the fault where that is none of quality.
    pub rule: String,
    /// Where in them, with `*` for goods items and occurrences.
    pub pointer: String,
    /// How many.
    pub count: u64,
    /// When the first of them was refused, RFC 3339.
    pub first: String,
    /// When the last of them was.
    pub last: String,
    /// What is wrong with one of them, in words.
    pub example: String,
}

/// Entries of the queue.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RepairPage {
    /// In the order of their first attempts.
    pub entries: Vec<RepairEntry>,
    /// What to give as `after` for those behind them, where there may be more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A refused record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RepairEntry {
    /// Names it while it waits.
    pub id: String,
    /// What became of it.
    pub state: RepairState,
    /// Its type.
    pub r#type: String,
    /// The version of its type.
    pub version: u64,
    /// Who refused it: this node, or a recipient by its verdict.
    pub by: NodeRef,
    /// The dispatch that a recipient refused it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatch: Option<RefusedIn>,
    /// The class of the fault.
    pub fault: Fault,
    /// The rule of quality, or the fault again.
    pub rule: String,
    /// Where in the record.
    pub pointer: String,
    /// What is wrong, in words; empty once it is settled.
    pub what: String,
    /// When it was refused last, RFC 3339.
    pub at: String,
    /// How often it was refused.
    pub attempts: u64,
    /// Where it was submitted first.
    pub first_attempt: FirstAttempt,
    /// The record as it would be resent now, in its native form; none once it is settled, or where it is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<serde_json::Value>,
    /// The resent record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resent: Option<Resent>,
}

/// What became of a refused record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepairState {
    /// It waits.
    Waits,
    /// It was resent.
    Resent,
    /// It was given up.
    Dropped,
}

/// The dispatch in which a recipient refused a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedIn {
    /// The sender's epoch.
    pub epoch: u64,
    /// The channel's lane.
    pub lane: Lane,
    /// The number of the dispatch in the channel.
    pub number: u64,
}

/// Where a record was submitted first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstAttempt {
    /// Name of the submission; empty where it is not known any more, `chunk` is then the `sent` entry of its batch.
    pub submission: String,
    /// Number of the chunk.
    pub chunk: u64,
    /// Its place in the chunk, from 0.
    pub position: u64,
    /// Its root, hexadecimal, where it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

/// A record that was fixed and sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Resent {
    /// Name of the fix, which is the name of the submission that brought it.
    pub fix: String,
    /// Number of the chunk there.
    pub chunk: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Its forms: one, where all recipients may know that it is the same.
    pub records: Vec<ResentForm>,
}

/// One form of a resent record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResentForm {
    /// Its root, hexadecimal.
    pub root: String,
    /// Where it went, and what became of it.
    pub deliveries: Vec<Delivery>,
}

/// Which waiting records are meant: those that fit everything that is said. Nothing said means none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepairSelection {
    /// Those with one of these ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// Those that this rule, or fault, refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Those of this type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Those whose fault is at this place, as their group has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Those of this submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<String>,
}

impl RepairSelection {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A mass fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixRequest {
    /// Its name, as a submission's: the fixed records are submitted under it. The same fix again goes on where it was broken off.
    pub name: String,
    /// Which records.
    pub which: RepairSelection,
    /// What is changed in each; nothing, where they are to be resent as they are.
    #[serde(default)]
    pub edits: Vec<Edit>,
    /// The lane in which they go.
    #[serde(default = "ordinary")]
    pub lane: Lane,
    /// Only tell what would become of each.
    #[serde(default)]
    pub dry_run: bool,
}

fn ordinary() -> Lane {
    Lane::Ordinary
}

/// What a mass fix did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixResult {
    /// Records resent; with those that the same fix resent before.
    pub resent: u64,
    /// Records that are refused still, and wait with their edits and what is wrong now.
    pub refused: u64,
    /// Records that wait unchanged: no edit fits them.
    pub unchanged: u64,
    /// Each of them, the first [`crate::limits::MAX_REPAIR_PAGE`].
    pub records: Vec<FixedRecord>,
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedRecord {
    /// Its id in the queue.
    pub id: String,
    /// What became of it.
    pub outcome: FixOutcome,
}

/// What became of a record, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixOutcome {
    /// It is on its way.
    Resent {
        /// Its new root, hexadecimal; none in a dry run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        root: Option<String>,
        /// How many recipients get it.
        recipients: usize,
    },
    /// It is refused still.
    Refused {
        /// Why.
        fault: Fault,
        /// Where in the record.
        pointer: String,
        /// What is wrong, in words.
        reason: String,
    },
    /// It stays as it is.
    Unchanged {
        /// Why.
        reason: String,
    },
}

/// Which records are given up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropRequest {
    /// Which.
    pub which: RepairSelection,
    /// Only tell how many they are.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was given up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropResult {
    /// Records given up; their content is gone from the queue.
    pub dropped: u64,
    /// Records that wait on, since a hold is on them.
    pub held: u64,
}

/// The rule that refused a record, and the place without it: the place of a quality fault ends with `#` and the rule, other faults are their
/// own.
pub fn rule_of(fault: Fault, pointer: &str) -> (&str, &str) {
    match (fault, pointer.rsplit_once('#')) {
        (Fault::Quality, Some((pointer, rule))) => (rule, pointer),
        _ => (fault.word(), pointer),
    }
}

/// A place with `*` for goods items and occurrences.
pub fn place_of_group(pointer: &str) -> String {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    pointer.split('/').map(|part| if is_number(part) { "*" } else { part }).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_go_by_rule_and_place() {
        assert_eq!(
            rule_of(Fault::Quality, "/goods/12/classification/hs#hs.unknown"),
            ("hs.unknown", "/goods/12/classification/hs")
        );
        assert_eq!(rule_of(Fault::Missing, "/route/destination"), ("missing", "/route/destination"));
        assert_eq!(place_of_group("/goods/12/documents/3/kind"), "/goods/*/documents/*/kind");
        assert_eq!(place_of_group("/route/destination"), "/route/destination");
    }
}
