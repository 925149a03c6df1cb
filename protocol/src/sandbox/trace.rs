//! What happened in a rehearsal, line by line: all that the judge goes by.

use serde::Serialize;
use serde_json::Value as Json;

use super::receipts::ReceiptLine;
use crate::exchange::Lane;
use crate::names::MemberId;
use crate::quality::Finding;
use crate::time::Millis;

/// Something that happened at a practice partner.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// When, by this machine's clock: a record counts from when it reached the partner.
    #[serde(serialize_with = "as_text")]
    pub at: Millis,
    /// At which partner.
    pub partner: MemberId,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum What {
    /// A record of the integrator's arrived.
    Received {
        /// Its root, hexadecimal.
        root: String,
        /// As it is shown to the partner, in the native JSON form.
        record: Json,
        /// What the quality rules find.
        findings: Vec<Finding>,
        /// The rule that was played, if one fitted.
        rule: Option<String>,
    },
    /// Records of the integrator's that the partner's node refused by its verdict.
    Refused {
        /// How many.
        records: usize,
        /// The verdict in words.
        outcome: String,
    },
    /// The partner sent a record.
    Sent {
        /// By which rule.
        rule: String,
        /// The record.
        record: Json,
    },
    /// A rule gave nothing that could be sent.
    NotSent {
        /// Which.
        rule: String,
        /// Why.
        reason: String,
    },
    /// The partner's node went down for a while.
    Stopped {
        /// By which rule.
        rule: String,
        /// For how long.
        millis: u64,
    },
    /// The partner's node played with a receipt, or saw what became of it.
    Receipt(ReceiptLine),
    /// The integrator's node tells why a dispatch waits for its receipt.
    Waits {
        /// The dispatch's lane.
        lane: Lane,
        /// Its number.
        number: u64,
        /// What its outbox says.
        reason: String,
    },
    /// What a rule still had to do when the rehearsal ended.
    NotPlayed {
        /// Which.
        rule: String,
        /// What, in words.
        deed: String,
        /// When it was due, RFC 3339.
        due: String,
    },
}

fn as_text<S: serde::Serializer>(at: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}
