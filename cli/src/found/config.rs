//! `luxord.toml` and `member.toml`, as `luxor init` writes them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use luxor_protocol::keys::PublicKey;
use luxor_protocol::limits::MAX_ADDRESSES;
use luxor_protocol::names::{MemberId, MemberKind, Slug, Territory};
use serde::{Deserialize, Serialize};

use super::{FoundError, InitOptions, MAX_TEXT_FILE};
use crate::files;

/// What `luxord.toml` holds; `luxord` alone judges keys that are unknown here.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NodeConfig {
    pub(super) node: NodeName,
    pub(super) listen: Listen,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<Retry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store: Option<Store>,
    #[serde(default, skip_serializing)]
    pub(super) taxii: Taxii,
}

/// Who reads the node by TAXII, as far as it is told here.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Taxii {
    pub(super) users: Option<PathBuf>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NodeName {
    pub(super) member: MemberId,
    pub(super) name: Slug,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Listen {
    #[serde(default)]
    pub(super) exchange: Vec<String>,
    api: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Retry {
    min_ms: Option<u64>,
    max_ms: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Store {
    compression: Option<bool>,
}

impl NodeConfig {
    pub(super) fn new(options: &InitOptions) -> Self {
        Self {
            node: NodeName { member: options.member.clone(), name: options.node.clone() },
            listen: Listen { exchange: options.exchange.clone(), api: options.api.clone(), log: options.log.clone() },
            retry: Some(Retry { min_ms: Some(options.retry_min_ms), max_ms: Some(options.retry_max_ms) }),
            store: Some(Store { compression: Some(options.compression) }),
            taxii: Taxii::default(),
        }
    }

    /// The file's text.
    pub(super) fn to_text(&self) -> String {
        // Text, numbers and lists under text keys: nothing in it that TOML could not hold.
        toml::to_string(self).unwrap_or_default()
    }

    /// Reads a node's configuration.
    pub(super) fn load(dir: &Path) -> Result<Self, FoundError> {
        let path = dir.join("luxord.toml");
        let text = match files::read_text(&path, MAX_TEXT_FILE) {
            Err(error) if error.is_not_found() => return Err(FoundError::NoNode(dir.to_owned())),
            other => other?,
        };
        toml::from_str(&text).map_err(|error| FoundError::Config { path, what: error.to_string() })
    }
}

/// What is wrong with the options of a new node.
pub(super) fn check(options: &InitOptions) -> Result<(), String> {
    if options.name.is_empty() || options.name.len() > 200 {
        return Err("the member's name is empty or longer than 200 bytes".into());
    }
    for (address, example) in [(Some(&options.api), "127.0.0.1:4780"), (options.log.as_ref(), "127.0.0.1:4790")] {
        if let Some(wrong) = address.filter(|address| address.parse::<SocketAddr>().is_err()) {
            return Err(format!("'{wrong}' is not an address and port such as {example}"));
        }
    }
    if options.exchange.is_empty() || options.exchange.len() > MAX_ADDRESSES {
        return Err(format!("a node listens on 1 to {MAX_ADDRESSES} exchange addresses"));
    }
    if let Some(wrong) = options.exchange.iter().find(|a| !a.starts_with('/') || a.contains(char::is_whitespace)) {
        return Err(format!("'{wrong}' is not a multiaddr such as /ip4/192.0.2.1/tcp/4700"));
    }
    if options.retry_min_ms == 0 || options.retry_min_ms > options.retry_max_ms {
        return Err("the first pause before a retry is 0 or longer than the longest".into());
    }
    Ok(())
}

#[derive(Serialize)]
struct MemberFile<'a> {
    member: [MemberTable<'a>; 1],
}

#[derive(Serialize)]
struct MemberTable<'a> {
    id: &'a MemberId,
    name: &'a str,
    kind: MemberKind,
    territory: Territory,
    identity: String,
}

/// The `[[member]]` table for a charter draft.
pub(super) fn member_toml(options: &InitOptions, identity: &PublicKey) -> String {
    let table = MemberTable {
        id: &options.member,
        name: &options.name,
        kind: options.kind,
        territory: options.territory,
        identity: identity.to_string(),
    };
    // Text under text keys: nothing in it that TOML could not hold.
    toml::to_string(&MemberFile { member: [table] }).unwrap_or_default()
}
