//! Windows of channels: what both sides signed about them, how they compare, and which files prove it.

use serde::{Deserialize, Serialize};

use crate::exchange::{Channel, Lane};
use crate::names::NodeRef;
use crate::reconciliation::{CosignedStatement, Difference, Span, Statement};

/// A channel as requests and answers name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelName {
    /// The sending node.
    pub sender: NodeRef,
    /// The receiving node.
    pub recipient: NodeRef,
    /// The sender's epoch.
    pub epoch: u64,
    /// The lane.
    pub lane: Lane,
}

/// What is to be closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowCloseRequest {
    /// To whom the channel goes.
    pub recipient: NodeRef,
    /// Its lane.
    pub lane: Lane,
    /// The first number; without it the one after the last that a statement covers.
    #[serde(default)]
    pub from: Option<u64>,
    /// The last number; without it the last one given.
    #[serde(default)]
    pub to: Option<u64>,
}

/// What is to be compared with the other side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareRequest {
    /// The channel, to or from this node.
    pub channel: ChannelName,
    /// The first number.
    pub from: u64,
    /// The last number.
    pub to: u64,
}

/// A statement that both sides signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLine {
    /// The channel.
    pub channel: ChannelName,
    /// The first number.
    pub from: u64,
    /// The last number.
    pub to: u64,
    /// When it was decided what was overdue.
    pub as_of: String,
    /// Its digest: the same at both sides.
    pub digest: String,
    /// The `statement` entry in this node's log.
    pub entry: u64,
    /// Whether both sides have the same throughout.
    pub equal: bool,
    /// Verdicts on the numbers at which both have the same.
    pub totals: TotalsLine,
    /// Numbers at which they differ, each with its class; the first [`MAX_NUMBERS_TOLD`].
    pub differences: Vec<DifferenceLine>,
    /// How many more there are.
    pub more: usize,
}

/// Differences that are told one by one.
pub const MAX_NUMBERS_TOLD: usize = 1_000;

/// Verdicts, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalsLine {
    /// Dispatches accepted.
    pub accepted: u64,
    /// Dispatches accepted but for some records.
    pub partly: u64,
    /// Dispatches refused.
    pub refused: u64,
    /// Dispatches withdrawn.
    pub withdrawn: u64,
    /// Records accepted.
    pub records_accepted: u64,
    /// Records rejected.
    pub records_rejected: u64,
}

/// A number at which the two sides differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceLine {
    /// The number.
    pub number: u64,
    /// Its class.
    pub class: String,
    /// What proves it to somebody who trusts neither side.
    pub proof: String,
}

/// How a window compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompareReport {
    /// The channel.
    pub channel: ChannelName,
    /// The first number.
    pub from: u64,
    /// The last number.
    pub to: u64,
    /// Whether both sides have the same throughout.
    pub equal: bool,
    /// The numbers that differ, the first [`MAX_NUMBERS_TOLD`].
    pub differences: Vec<DifferenceLine>,
    /// How many more there are.
    pub more: usize,
    /// Why the comparison did not come to its end, where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Questions asked.
    pub rounds: usize,
    /// Bytes of questions and answers.
    pub bytes: usize,
}

/// A channel, and how far statements cover it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelLine {
    /// The channel.
    pub channel: ChannelName,
    /// The last number at which something stands here.
    pub last: u64,
    /// The last number that a statement covers.
    pub covered: u64,
    /// The last statement.
    pub statement: Option<StatementLine>,
    /// Of an own channel: dispatches without a receipt of their recipient that lie with a third member, among the newest [`crate::limits::MAX_DEPOSITS`] deposited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deposited: Vec<DepositLine>,
}

/// An own dispatch that a third member keeps for its recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositLine {
    /// Its number.
    pub number: u64,
    /// The node that keeps it.
    pub with: NodeRef,
    /// The `deposited` entry in that node's log, which its receipt proves.
    pub entry: u64,
    /// When that receipt came.
    pub at: String,
}

impl From<&Channel> for ChannelName {
    fn from(channel: &Channel) -> Self {
        let Channel { sender, recipient, epoch, lane } = channel.clone();
        Self { sender, recipient, epoch, lane }
    }
}

impl From<ChannelName> for Channel {
    fn from(name: ChannelName) -> Self {
        let ChannelName { sender, recipient, epoch, lane } = name;
        Self { sender, recipient, epoch, lane }
    }
}

impl From<&Difference> for DifferenceLine {
    fn from(difference: &Difference) -> Self {
        let class = difference.class();
        Self { number: difference.number(), class: class.to_string(), proof: class.proof().to_owned() }
    }
}

impl StatementLine {
    /// A statement with the entry that names it.
    pub fn new(statement: &Statement, entry: u64, differences: &[Difference]) -> Self {
        let (window, totals) = (statement.window(), statement.totals());
        let (told, more) = told(differences);
        Self {
            channel: (&window.channel).into(),
            from: window.span().from(),
            to: window.span().last(),
            as_of: statement.as_of().to_string(),
            digest: statement.digest().to_string(),
            entry,
            equal: statement.is_equal(),
            totals: TotalsLine {
                accepted: totals.accepted,
                partly: totals.partly,
                refused: totals.refused,
                withdrawn: totals.withdrawn,
                records_accepted: totals.records_accepted,
                records_rejected: totals.records_rejected,
            },
            differences: told,
            more,
        }
    }

    /// The same of what both signed.
    ///
    /// # Errors
    /// When the statement cannot be read.
    pub fn of(
        cosigned: &CosignedStatement,
        entry: u64,
        differences: &[Difference],
    ) -> Result<Self, crate::cbor::CborError> {
        use crate::cbor::Decode as _;
        Ok(Self::new(&Statement::from_cbor(&cosigned.statement)?, entry, differences))
    }
}

impl CompareReport {
    /// A comparison of these numbers of a channel.
    pub fn new(channel: &Channel, span: Span, differences: &[Difference], equal: bool) -> Self {
        let (told, more) = told(differences);
        Self {
            channel: channel.into(),
            from: span.from(),
            to: span.last(),
            equal,
            differences: told,
            more,
            stopped: None,
            rounds: 0,
            bytes: 0,
        }
    }
}

fn told(differences: &[Difference]) -> (Vec<DifferenceLine>, usize) {
    let told = differences.iter().take(MAX_NUMBERS_TOLD).map(Into::into).collect();
    (told, differences.len().saturating_sub(MAX_NUMBERS_TOLD))
}
