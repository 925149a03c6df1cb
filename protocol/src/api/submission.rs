//! Answers to submitted chunks.

use serde::{Deserialize, Serialize};

use crate::names::MemberId;
use crate::quality::Finding;
use crate::record::Fault;

/// Findings of one record in an answer; the answer to a chunk is kept for a month.
pub const MAX_FINDINGS_TOLD: usize = 8;

/// The fate of a chunk. The same chunk again gets the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkResult {
    /// One for each record, in order.
    pub records: Vec<RecordResult>,
    /// Dispatches made of it.
    pub dispatches: u64,
}

/// The fate of a submitted record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordResult {
    /// Stored and on its way.
    Accepted {
        /// Its root, hexadecimal.
        root: String,
        /// How many recipients get it.
        recipients: usize,
        /// Groups that the version in which they get it does not have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lost: Vec<String>,
        /// The same for other recipients: in another version of its type, or so that they cannot tell that it is the same.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        others: Vec<OtherForm>,
        /// Who does not get it, although a row in force gives it to them, as none of their nodes reads it; the first of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<LeftOut>,
        /// How many more there are.
        #[serde(default, skip_serializing_if = "is_zero")]
        left_out_more: usize,
        /// What is wrong with it, or worth a look; the first [`MAX_FINDINGS_TOLD`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        findings: Vec<Finding>,
    },
    /// Not taken; it may wait for repair.
    Refused {
        /// Why.
        fault: Fault,
        /// Where in the record.
        pointer: String,
        /// What is wrong, in words.
        reason: String,
        /// What rules of quality found; the first [`MAX_FINDINGS_TOLD`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        findings: Vec<Finding>,
        /// Whether it waits in the repair queue.
        #[serde(default)]
        waits: Waits,
    },
}

/// Whether a refused record waits in the repair queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waits {
    /// It does.
    Waits,
    /// It cannot be read as a record: submit it again.
    #[default]
    Unreadable,
    /// There is no room in the queue: submit it again.
    Full,
    /// It is larger than a record may be: submit it again in parts.
    TooLarge,
}

impl RecordResult {
    /// How many own records are stored for it: one of each form.
    pub fn forms(&self) -> u64 {
        match self {
            Self::Accepted { others, .. } => 1 + others.len() as u64,
            Self::Refused { .. } => 0,
        }
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A recipient that a row gives a record to and that does not get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Who.
    pub to: MemberId,
    /// By which row, and what its nodes do not read, in words.
    pub reason: String,
}

/// A record in another form than the one submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherForm {
    /// Its root, hexadecimal.
    pub root: String,
    /// How many recipients get it.
    pub recipients: usize,
    /// The version of its type.
    pub version: u64,
    /// Groups that this version does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
}
