//! Attached files.

use serde::{Deserialize, Serialize};

use crate::names::NodeRef;

/// How far an attached file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentState {
    /// Nothing of it is here.
    Absent,
    /// It is being handed in.
    Uploading,
    /// It is being fetched.
    Fetching,
    /// It is whole.
    Here,
}

/// An attached file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentInfo {
    /// BLAKE3 of the file, hexadecimal.
    pub digest: String,
    /// How far it is.
    pub state: AttachmentState,
    /// Its bytes, where something of it is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Those that are here.
    pub have: u64,
    /// Nodes that sent a record that names it and is kept here: it can be fetched there.
    #[serde(default)]
    pub from: Vec<NodeRef>,
    /// Why it did not come, the last time that it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Attached files of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentCounts {
    /// Files that are whole.
    pub here: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files of which a part is here, or nothing yet.
    pub incomplete: u64,
}
