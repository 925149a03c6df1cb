//! Wrong receipts: what a practice partner's node answers in place of a true one.
//!
//! Pure: the same receipt gives the same damage. No key is used, so nothing here can be taken for the word of a log: every damaged
//! receipt is one that whoever verifies it refuses. Not here: when a receipt is damaged (`receipts`).

use serde::{Deserialize, Serialize};

use crate::cbor::{Decode as _, Encode as _};
use crate::exchange::{Opening, Outcome, ReceiptBody, RefusalCode, Skeleton};
use crate::tlog::TlogProof;

/// What is wrong with a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// It is the one given last for another dispatch of the channel; where there was none, its opening names another dispatch.
    OtherDispatch,
    /// Its opening names another dispatch than the one that was logged.
    Opening,
    /// Its opening says another verdict than the one that was logged.
    Verdict,
    /// Its opening names the next number of the channel.
    Number,
    /// The checkpoint above it is not what the log signed.
    Checkpoint,
    /// It is true, and comes late.
    Late,
    /// There is none: the request is not answered.
    Withheld,
}

impl Damage {
    /// Every kind.
    pub const ALL: [Damage; 7] = [
        Damage::OtherDispatch,
        Damage::Opening,
        Damage::Verdict,
        Damage::Number,
        Damage::Checkpoint,
        Damage::Late,
        Damage::Withheld,
    ];

    /// In reports.
    pub fn words(self) -> &'static str {
        match self {
            Damage::OtherDispatch => "the receipt of another dispatch",
            Damage::Opening => "a receipt whose opening names another dispatch",
            Damage::Verdict => "a receipt whose verdict is not the one that was logged",
            Damage::Number => "a receipt for another number",
            Damage::Checkpoint => "a receipt under a checkpoint that its log did not sign",
            Damage::Late => "a receipt that comes late",
            Damage::Withheld => "no receipt",
        }
    }

    /// Whether it gives something that must not count.
    pub fn gives_wrong(self) -> bool {
        !matches!(self, Damage::Late | Damage::Withheld)
    }
}

/// A true receipt (C2SP tlog-proof) as this kind of damage has it; `None` where nothing is to be given, or the bytes are no receipt.
/// `other` is a receipt of the same channel given before.
pub fn damaged(damage: Damage, receipt: &[u8], other: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut proof = TlogProof::parse(receipt).ok()?;
    let mut opening = Opening::from_cbor(proof.extra.as_deref()?).ok()?;
    match damage {
        Damage::Withheld => return None,
        Damage::Late => return Some(receipt.to_vec()),
        Damage::OtherDispatch if other.is_some_and(|other| other != receipt) => return other.map(<[u8]>::to_vec),
        Damage::OtherDispatch | Damage::Opening => {
            let mut body = ReceiptBody::from_cbor(&opening.body).ok()?;
            body.dispatch.0.iter_mut().for_each(|byte| *byte = !*byte);
            opening.body = body.to_cbor();
        }
        Damage::Verdict => {
            let mut body = ReceiptBody::from_cbor(&opening.body).ok()?;
            let taken = matches!(&body.outcome, Outcome::Taken(rejected) if rejected.is_empty());
            body.outcome = if taken { Outcome::Refused(RefusalCode::Malformed) } else { Outcome::Taken(Vec::new()) };
            opening.body = body.to_cbor();
        }
        Damage::Number => {
            let mut skeleton: Skeleton = opening.read_skeleton().ok()?;
            skeleton.number = skeleton.number.checked_add(1)?;
            opening.skeleton = skeleton.to_cbor();
        }
        Damage::Checkpoint => {
            let text = String::from_utf8(proof.checkpoint).ok()?;
            // Origin, size, root.
            let mut lines: Vec<&str> = text.split('\n').collect();
            let size = lines.get_mut(1)?;
            let larger = size.parse::<u64>().ok()?.checked_add(1)?.to_string();
            *size = &larger;
            proof.checkpoint = lines.join("\n").into_bytes();
        }
    }
    proof.extra = Some(opening.to_cbor());
    Some(proof.to_bytes())
}
