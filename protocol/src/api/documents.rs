//! Signed documents.

use serde::{Deserialize, Serialize};

use crate::names::NodeRef;

/// A document that a node was given and knows now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmittedDocument {
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u64,
    /// Its digest.
    pub digest: String,
    /// Whether the node did not know it before.
    pub new: bool,
}

/// A document that a node did not admit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedDocument {
    /// The node that brought it; absent for the node's own people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NodeRef>,
    /// The document, in words.
    pub document: String,
    /// Why not.
    pub reason: String,
    /// How often.
    pub times: u64,
}

/// Every document of the network, each as base64 of its bytes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Documents {
    /// The founding charter.
    pub charter: String,
    /// Cards.
    pub cards: Vec<String>,
    /// Agreements.
    pub agreements: Vec<String>,
    /// Later charters and proposals, suspensions, revocations, rejections.
    #[serde(default)]
    pub others: Vec<String>,
    /// Where each stands in the node's log.
    #[serde(default)]
    pub logged: Vec<LoggedDocument>,
}

/// The `document` entry of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedDocument {
    /// Digest of all of the document, with the signatures that it had then.
    pub document: String,
    /// Index of the entry.
    pub entry: u64,
    /// When the entry was made, in seconds since 1970, by the node's clock.
    pub at: u64,
}
