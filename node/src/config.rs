//! `luxord.toml`: what an operator sets. Every unknown key is an error, every value has a documented default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use luxor_protocol::names::{MemberId, NodeRef, Purpose, Slug};
use luxor_protocol::record::tables;
use luxor_protocol::threats::Advice;
use serde::Deserialize;

use crate::store::StoreConfig;
use crate::witness::Outside;

/// Why the configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {error}\nhint: make a node folder with `luxor init`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: std::io::Error,
    },
    /// The file is not a configuration.
    #[error("{}: {error}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: toml::de::Error,
    },
    /// A value is out of its range.
    #[error("{}: {what}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Which and why.
        what: String,
    },
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who this node is.
    pub node: NodeSection,
    /// Where it listens.
    pub listen: ListenSection,
    /// How it tries again.
    #[serde(default)]
    pub retry: RetrySection,
    /// How much it takes at a time.
    #[serde(default)]
    pub limits: LimitsSection,
    /// How its log is published.
    #[serde(default)]
    pub log: LogSection,
    /// Dated rules that it judges records by.
    #[serde(default)]
    pub rules: RulesSection,
    /// Which attached files it fetches.
    #[serde(default)]
    pub attachments: AttachmentsSection,
    /// When windows of its channels are closed.
    #[serde(default)]
    pub windows: WindowsSection,
    /// What it screens by indicators, and who decides.
    #[serde(default)]
    pub screening: ScreeningSection,
    /// Who reads it by TAXII.
    #[serde(default)]
    pub taxii: TaxiiSection,
    /// How it stores.
    #[serde(default)]
    pub store: StoreConfig,
    /// That it is a practice partner's: never in a real node's file.
    pub practice: Option<PracticeSection>,
}

/// That the node is a practice partner's, which gives wrong receipts by rules; see [`crate::practice`] for what keeps it from others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PracticeSection {
    /// The practice network: the digest of its founding charter, hexadecimal.
    pub network: String,
}

/// Who this node is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSection {
    /// The member that runs it.
    pub member: MemberId,
    /// Its name there.
    pub name: Slug,
}

/// Where the node listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenSection {
    /// For other nodes, as multiaddr.
    pub exchange: Vec<String>,
    /// For its own people and systems; keep it on loopback or behind a proxy with TLS.
    pub api: SocketAddr,
    /// For anybody who reads the public log; without it there is none.
    pub log: Option<SocketAddr>,
    /// For threat platforms, by TAXII 2.1; without it none is answered.
    pub taxii: Option<SocketAddr>,
}

/// Who reads the node by TAXII 2.1, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaxiiSection {
    /// The file of users, in the node's folder.
    pub users: PathBuf,
    /// Under which URL clients reach the listener, where a proxy stands before it.
    pub url: Option<String>,
}

impl Default for TaxiiSection {
    fn default() -> Self {
        Self { users: "taxii.toml".into(), url: None }
    }
}

/// How the node tries again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySection {
    /// First wait after a failure, in milliseconds; doubled at each further one.
    pub min_ms: u64,
    /// Longest wait, in milliseconds.
    pub max_ms: u64,
}

impl Default for RetrySection {
    fn default() -> Self {
        Self { min_ms: 500, max_ms: 60_000 }
    }
}

/// How much the node takes at a time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    /// Dispatches of one lane without receipt; above it submissions to that lane are answered with "try again".
    pub outbox_dispatches: u64,
    /// Dispatches under way to one node.
    pub window_dispatches: usize,
    /// Mebibytes under way to one node.
    pub window_mib: u64,
    /// Dispatches of one node that are checked at a time.
    pub checks_per_node: usize,
    /// Mebibytes of requests in memory, over all nodes.
    pub inbound_mib: usize,
    /// Submitted chunks in work at a time; above it submissions are answered with "try again".
    pub submissions: usize,
    /// Mebibytes that must be left on the disk; below it nothing is taken, neither from other nodes nor from the own people.
    pub min_free_mib: u64,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            outbox_dispatches: 100_000,
            window_dispatches: 256,
            window_mib: 16,
            checks_per_node: 512,
            inbound_mib: 32,
            submissions: 512,
            min_free_mib: 256,
        }
    }
}

/// Dated rules that the node judges records by: files in its folder, beside what is built in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesSection {
    /// Deadlines of filings and controls of agencies; without it a built-in sample.
    pub life: Option<PathBuf>,
    /// Lists and rules of quality, added to those that are built in.
    pub quality: Option<PathBuf>,
    /// Terms and tolerances of business reconciliation, in place of those that are built in.
    pub accounting: Option<PathBuf>,
    /// What becomes of own records with an error of quality.
    pub own: OnError,
    /// What becomes of others' records with an error of quality.
    pub others: OnError,
    /// How many numbers and references of own records are remembered, to find what is filed twice; a record has up to four, each
    /// takes some 60 bytes of memory. With 0 nothing is.
    pub remembered: Remembered,
}

/// What is held against indicators, and how it is decided about what is proposed then.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScreeningSection {
    /// Whether received records are screened. Without any indicator that costs nothing.
    pub on: bool,
    /// Dated rules, a file in the node's folder; without it a built-in sample.
    pub rules: Option<PathBuf>,
    /// Who decides, a file in the node's folder; without it nobody.
    pub officers: Option<PathBuf>,
    /// Views that came for other purposes are not looked at.
    pub purposes: Vec<Purpose>,
    /// Types of records that are screened.
    pub types: Vec<String>,
    /// What two officers must confirm.
    pub two_officers_for: Vec<Advice>,
    /// Orders about so many records or more need two officers, whatever they order.
    pub mass_from: usize,
    /// Days whose records a new indicator is held against.
    pub look_back_days: u64,
    /// Days after which proposals that were settled, or whose goods left and nobody decided on, are forgotten, and orders that were carried out.
    pub keep_days: u64,
    /// Days within which a platform answers an indicator of this member.
    pub answer_days: u64,
}

impl Default for ScreeningSection {
    fn default() -> Self {
        Self {
            on: true,
            rules: None,
            officers: None,
            purposes: vec![Purpose::SafetySecurity, Purpose::Enforcement, Purpose::AgencyControl],
            types: vec!["declaration".into()],
            two_officers_for: vec![Advice::DoNotLoad],
            mass_from: 100,
            look_back_days: 14,
            keep_days: 180,
            answer_days: 5,
        }
    }
}

/// How many keys of own records are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Remembered(pub usize);

impl Default for Remembered {
    fn default() -> Self {
        Self(500_000)
    }
}

/// What becomes of a record with an error of quality.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Nothing is checked.
    Off,
    /// It goes on; of an own one what was found is told.
    #[default]
    Tell,
    /// It is refused: an own one waits in the repair queue, another's gets the verdict `quality`.
    Refuse,
}

/// How the log is published.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// Seconds between two advances of the public copy: the log hides content, not activity, so growth must not show sooner.
    pub public_seconds: u64,
    /// Whether strangers may use the public log's listener to have members' checkpoints cosigned, and to see what is held of them.
    pub witness: bool,
    /// Seconds between two entries that record what is held of others' logs.
    pub peers_seconds: u64,
    /// Entries from which on the status says that the log is to be closed; 0 for never.
    pub close_entries: u64,
    /// Days from the first kept quorum of its witnesses on after which it says so; 0 for never.
    pub close_days: u64,
    /// Witnesses outside the network that are asked to cosign this log, each as `VKEY URL` (C2SP tlog-witness over HTTP).
    pub outside: Vec<String>,
}

/// Which attached files the node fetches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttachmentsSection {
    /// When.
    pub fetch: Fetch,
}

/// When windows of own channels are closed: both sides then sign what they have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WindowsSection {
    /// Seconds between two windows of each channel; 0 closes none but those that are asked for.
    pub close_seconds: u64,
    /// Seconds after which a receipt is due: a number without one counts as pending before and as withheld from then on.
    pub receipt_due_seconds: u64,
}

impl Default for WindowsSection {
    fn default() -> Self {
        Self { close_seconds: CLOSE_SECONDS, receipt_due_seconds: RECEIPT_DUE_SECONDS }
    }
}

/// When attached files are fetched that received records name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fetch {
    /// When somebody asks for one.
    #[default]
    OnDemand,
    /// All of them, as records come.
    All,
}

/// Default of [`LogSection::public_seconds`].
pub const PUBLIC_SECONDS: u64 = 60;
/// Default of [`LogSection::peers_seconds`].
pub const PEERS_SECONDS: u64 = 3_600;
/// Default of [`WindowsSection::close_seconds`]: a day.
pub const CLOSE_SECONDS: u64 = 86_400;
/// The longest of both: a leap year.
const MAX_WINDOW_SECONDS: u64 = 31_622_400;
/// Default of [`WindowsSection::receipt_due_seconds`]: a day.
pub const RECEIPT_DUE_SECONDS: u64 = 86_400;
/// Witnesses outside the network that a node may have.
const MAX_OUTSIDE: usize = 16;

impl Default for LogSection {
    fn default() -> Self {
        Self {
            public_seconds: PUBLIC_SECONDS,
            witness: false,
            peers_seconds: PEERS_SECONDS,
            close_entries: 0,
            close_days: 0,
            outside: Vec::new(),
        }
    }
}

impl Config {
    /// Reads `luxord.toml` in a node's folder.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(folder: &Path) -> Result<Self, ConfigError> {
        let path = folder.join("luxord.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| ConfigError::Read { path: path.clone(), error })?;
        Self::parse(&text, &path)
    }

    /// Reads a configuration's text; `path` is for messages.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| ConfigError::Parse { path: path.to_owned(), error })?;
        config.check().map_err(|what| ConfigError::Value { path: path.to_owned(), what })?;
        Ok(config)
    }

    /// The node's full name.
    pub fn node(&self) -> NodeRef {
        NodeRef::new(&self.node.member, &self.node.name)
    }

    /// Witnesses outside the network; empty where [`Config::parse`] would refuse them.
    pub fn outside(&self) -> Vec<Outside> {
        self.log.outside.iter().filter_map(|text| Outside::parse(text).ok()).collect()
    }

    fn check(&self) -> Result<(), String> {
        let range = |name: &str, value: u64, min: u64, max: u64| match (min..=max).contains(&value) {
            true => Ok(()),
            false => Err(format!("{name} is {value}; it must be between {min} and {max}")),
        };
        range("retry.min_ms", self.retry.min_ms, 1, 600_000)?;
        range("retry.max_ms", self.retry.max_ms, self.retry.min_ms, 86_400_000)?;
        range("limits.outbox_dispatches", self.limits.outbox_dispatches, 1, 10_000_000)?;
        range("limits.window_dispatches", self.limits.window_dispatches as u64, 1, 1_024)?;
        range("limits.window_mib", self.limits.window_mib, 1, 1_024)?;
        range("limits.checks_per_node", self.limits.checks_per_node as u64, 1, 1_024)?;
        // One dispatch of the largest size must fit.
        range("limits.inbound_mib", self.limits.inbound_mib as u64, 16, 16_384)?;
        range("limits.submissions", self.limits.submissions as u64, 1, 4_096)?;
        range("limits.min_free_mib", self.limits.min_free_mib, 0, 1_048_576_000)?;
        range("log.public_seconds", self.log.public_seconds, 1, 3_600)?;
        range("log.peers_seconds", self.log.peers_seconds, 1, 86_400)?;
        range("log.close_entries", self.log.close_entries, 0, 1_000_000_000_000)?;
        range("log.close_days", self.log.close_days, 0, 36_600)?;
        range("windows.close_seconds", self.windows.close_seconds, 0, MAX_WINDOW_SECONDS)?;
        range("windows.receipt_due_seconds", self.windows.receipt_due_seconds, 0, MAX_WINDOW_SECONDS)?;
        range("screening.mass_from", self.screening.mass_from as u64, 2, 1_000_000)?;
        range("screening.keep_days", self.screening.keep_days, 1, 3_650)?;
        range("screening.look_back_days", self.screening.look_back_days, 0, 400)?;
        range("screening.answer_days", self.screening.answer_days, 1, 400)?;
        for name in &self.screening.types {
            if !tables().any(|table| table.name == name) {
                return Err(format!("screening.types: no record type {name}"));
            }
        }
        range("the number of log.outside", self.log.outside.len() as u64, 0, MAX_OUTSIDE as u64)?;
        for text in &self.log.outside {
            Outside::parse(text).map_err(|why| format!("log.outside '{text}': {why}"))?;
        }
        let url = self.taxii.url.as_deref().unwrap_or("https://localhost");
        if !["https://", "http://"].iter().any(|scheme| url.starts_with(scheme)) || url.contains(char::is_whitespace) {
            return Err(format!("taxii.url '{url}': expected a URL such as https://node.customs.example"));
        }
        if self.listen.exchange.is_empty() {
            return Err("listen.exchange names no address".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "[node]\nmember = \"a\"\nname = \"n1\"\n[listen]\nexchange = [\"/ip4/127.0.0.1/tcp/1\"]\napi = \"127.0.0.1:2\"\n";

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("luxord.toml")).map_err(|e| e.to_string())
    }

    #[test]
    fn defaults_hold_and_unknown_keys_are_errors() {
        let config = parse(SMALL).unwrap();
        assert_eq!(config.retry, RetrySection::default());
        assert_eq!(config.node().as_str(), "a/n1");
        for extra in [
            "x = 1",
            "[retry]\nmin = 5",
            "[limits]\nwindow = 1",
            "[store]\ncompress = true",
            "[log]\nseconds = 1",
            "[other]",
        ] {
            let error = parse(&format!("{SMALL}{extra}\n")).unwrap_err();
            assert!(error.contains("unknown field"), "{extra}: {error}");
        }
        assert!(parse(&format!("{SMALL}[retry]\nmin_ms = 0\n")).unwrap_err().contains("retry.min_ms"));
        let example = parse(include_str!("../../deploy/luxord.example.toml")).unwrap();
        assert_eq!(Config { node: config.node.clone(), listen: config.listen.clone(), ..example }, config);
        assert_eq!((config.listen.log, config.log.public_seconds), (None, 60));
        let public = parse(&format!("{SMALL}log = \"127.0.0.1:3\"\n[log]\npublic_seconds = 3600\n")).unwrap();
        assert_eq!(public.listen.log.map(|address| address.port()), Some(3));
        for seconds in [0, 3_601] {
            let error = parse(&format!("{SMALL}[log]\npublic_seconds = {seconds}\n")).unwrap_err();
            assert!(error.contains("log.public_seconds"), "{error}");
        }
        assert_eq!((config.listen.taxii, config.taxii.users.to_str()), (None, Some("taxii.toml")));
        let error = parse(&format!("{SMALL}[taxii]\nurl = \"node.example\"\n")).unwrap_err();
        assert!(error.contains("taxii.url"), "{error}");
        assert_eq!(config.attachments.fetch, Fetch::OnDemand);
        let all = parse(&format!("{SMALL}[attachments]\nfetch = \"all\"\n")).unwrap();
        assert_eq!(all.attachments.fetch, Fetch::All);
        assert!(parse(&format!("{SMALL}[attachments]\nfetch = \"some\"\n")).is_err());
        assert_eq!((config.log.close_entries, config.log.close_days), (0, 0));
        let closing = parse(&format!("{SMALL}[log]\nclose_entries = 1000000000000\nclose_days = 36600\n")).unwrap();
        assert_eq!((closing.log.close_entries, closing.log.close_days), (1_000_000_000_000, 36_600));
        for (key, value) in [("close_entries", 1_000_000_000_001_u64), ("close_days", 36_601)] {
            let error = parse(&format!("{SMALL}[log]\n{key} = {value}\n")).unwrap_err();
            assert!(error.contains(&format!("log.{key} is {value}")), "{error}");
        }
    }
}
