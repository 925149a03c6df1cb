//! Properties first: whatever arrives, whenever, rules are played as they say, and the judge agrees with what was done.
#![allow(clippy::unwrap_used)]

mod judged;
mod played;
mod receipts;

use serde_json::{Value as Json, json};

use super::*;
use crate::names::MemberKind;
use crate::time::Millis;

/// An integrator of kind carrier before one customs.
fn cast() -> Cast {
    let partners = vec![Player { member: "customs-kr".parse().unwrap(), kind: MemberKind::Customs }];
    Cast { me: "flyer".parse().unwrap(), kind: MemberKind::Carrier, partners }
}

fn declaration(reference: &str) -> Json {
    json!({"type": "declaration", "version": 3, "filing": {"own_reference": reference},
           "item": {"scheme": "s10", "id": "RB123456785GB"}, "route": {"destination": "KR"},
           "goods": [{"content": {"description": "toy robot of plastic"}}], "withheld": ["extra"]})
}

fn answer(reference: &str, kind: &str, outcome: &str) -> Json {
    json!({"type": "referral_answer", "version": 1, "reference": {"own_reference": format!("A-{reference}")},
           "answer": {"kind": kind, "reference": reference, "outcome": outcome}})
}

/// What a partner sent of what is due by a time.
fn sent(stage: &mut Stage, now: u64) -> Vec<Json> {
    let records = stage.due(Millis(now)).into_iter().filter_map(|deed| match deed.done {
        Done::Send { record, .. } => Some(record),
        Done::Stop(_) => None,
        Done::Wrong(what) => panic!("{what}"),
    });
    records.collect()
}

fn field(record: &Json, group: &str, field: &str) -> String {
    group_text(record, group, field).unwrap_or_default()
}
