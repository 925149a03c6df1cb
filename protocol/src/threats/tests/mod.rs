//! Tests of the whole room: what is screened, versions of indicators, rules, formats, and real lists under distortion.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod coordinator;
mod formats;
mod lists;
mod screening;
mod shelf;
mod versions;

use serde_json::{Value as Json, json};

use super::*;
use crate::names::MemberId;
use crate::record::{Content, content_from_json};
use crate::time::Millis;

/// 2026-11-27T00:00:00Z.
const NOW: Millis = Millis(1_795_737_600_000);
const DAY: u64 = 86_400_000;

fn issuer() -> MemberId {
    "customs-a".parse().unwrap()
}

fn id(number: u64) -> IndicatorId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    IndicatorId::from_bytes(bytes)
}

/// A record of an indicator, with what it looks for, and other fields over the usual ones.
fn record(number: u64, sought: Json, reference: Json, main: Json) -> Content {
    let mut record = json!({
        "type": "indicator",
        "reference": { "own_reference": format!("I-{number}"), "made_at": NOW.to_string() },
        "indicator": {
            "id": id(number), "valid_from": NOW.to_string(), "valid_until": NOW.plus(30 * DAY).to_string(),
            "threat": "narcotics", "confidence": 60, "tlp": "amber", "advice": "inspect",
        },
    });
    let parts = [("reference", reference), ("indicator", main)];
    for (group, over) in parts {
        for (field, value) in over.as_object().unwrap() {
            record[group][field] = value.clone();
        }
    }
    for (group, value) in sought.as_object().unwrap() {
        record[group] = value.clone();
    }
    content_from_json(&record).unwrap()
}

fn indicator(number: u64, sought: Json) -> Indicator {
    Indicator::read(&issuer(), &record(number, sought, json!({}), json!({}))).unwrap()
}

fn declaration(groups: Json) -> Content {
    let mut record = json!({ "type": "declaration", "version": 3, "filing": { "own_reference": "D-1" }, "route": { "destination": "JP" } });
    for (group, value) in groups.as_object().unwrap() {
        record[group] = value.clone();
    }
    content_from_json(&record).unwrap()
}

/// The numbers of the indicators that a record meets.
fn hits(screener: &Screener, content: &Content, at: Millis) -> Vec<IndicatorId> {
    let reading = Reading::of(content.table());
    screener.screen(&reading.read(content), at).into_iter().map(|hit| hit.indicator.id.clone()).collect()
}

fn screener(all: impl IntoIterator<Item = Indicator>) -> Screener {
    let mut screener = Screener::default();
    for indicator in all {
        assert_eq!(screener.take(indicator), Ok(Taken::Live));
    }
    screener
}
