//! Indicators that administrations could share, and declarations of which some are hit: exact ones and beginnings of numbers and codes,
//! and names that have to be found however they are written.

use serde_json::{Value as Json, json};

use super::numbers::Numbers;
use crate::names::MemberId;
use crate::record::{Content, ContentError, DECLARATION_3, content_from_json};
use crate::threats::{Indicator, IndicatorId, Reading, Screener};
use crate::time::Millis;

/// Exact and prefix indicators that are measured where nothing else is asked for.
pub const EXACT: u64 = 100_000;
/// Names that are.
pub const NAMES: u64 = 10_000;
/// Declarations that are made; they are screened in turn.
pub const SCREENED: u64 = 20_000;
/// Of so many declarations one is meant to be hit.
const MEANT: u64 = 100;

/// Indicators, and declarations with what is meant to hit them.
#[derive(Debug)]
pub struct SampleThreats {
    /// The indicators.
    pub screener: Screener,
    /// How the declarations are read.
    pub reading: Reading,
    /// The declarations, each with the number of the indicator that is meant to hit it.
    pub declarations: Vec<(Content, Option<IndicatorId>)>,
    /// The moment at which all hold.
    pub at: Millis,
}

/// What is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers, beginnings of numbers, tariff codes with routes.
    Exact,
    /// Names.
    Names,
}

const FROM: Millis = Millis(1_793_491_200_000); // 2026-11-01
const UNTIL: Millis = Millis(1_798_761_600_000); // 2027-01-01
const SYLLABLES: [&str; 24] = [
    "ka", "ri", "mo", "tel", "san", "dur", "ex", "bra", "lin", "vo", "pet", "gar", "nis", "ul", "fa", "cor", "mi",
    "ze", "tan", "ho", "wes", "bi", "qua", "ned",
];
const FORMS: [&str; 6] = ["Ltd", "GmbH", "Trading Co", "S.A.", "Industries", "LLC"];
const PLACES: [&str; 12] = ["CN", "DE", "GB", "VN", "TR", "US", "IN", "HK", "PL", "AE", "TH", "BR"];

impl SampleThreats {
    /// So many indicators of a kind; the same for the same number.
    ///
    /// # Errors
    /// What a record of the sample is refused for: a defect.
    pub fn new(kind: Kind, indicators: u64) -> Result<Self, Box<dyn std::error::Error>> {
        let issuer: MemberId = "customs-a".parse()?;
        let mut screener = Screener::default();
        for number in 0..indicators {
            let record = record(number, kind)?;
            screener.take(Indicator::read(&issuer, &record)?)?;
        }
        let mut numbers = Numbers(11);
        let mut declarations = Vec::new();
        for number in 0..SCREENED {
            let meant = (number % MEANT == 0).then(|| numbers.up_to(indicators.max(1) - 1));
            declarations.push((declaration(number, meant, kind, &mut numbers)?, meant.map(id)));
        }
        Ok(Self { screener, reading: Reading::of(&DECLARATION_3), declarations, at: FROM })
    }
}

fn id(number: u64) -> IndicatorId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    IndicatorId::from_bytes(bytes)
}

fn record(number: u64, kind: Kind) -> Result<Content, ContentError> {
    let mut record = json!({
        "type": "indicator",
        "reference": { "own_reference": format!("I-{number}") },
        "indicator": {
            "id": id(number), "valid_from": FROM.to_string(), "valid_until": UNTIL.to_string(), "threat": "counterfeit",
            "confidence": 50, "tlp": "amber", "advice": "inspect",
        },
    });
    let (group, row) = sought(number, kind);
    record[group] = json!([row]);
    if group == "goods_sought" {
        record["routes_sought"] = json!([{ "departure": place(number) }]);
    }
    content_from_json(&record)
}

fn place(number: u64) -> &'static str {
    PLACES[(number % PLACES.len() as u64) as usize] // below its length
}

/// A third of the exact ones are accounts, a third beginnings of numbers, the others codes of four or six digits with a departure.
fn sought(number: u64, kind: Kind) -> (&'static str, Json) {
    match (kind, number % 6) {
        (Kind::Names, _) => ("parties_sought", json!({ "name": name(number) })),
        (Kind::Exact, 0 | 1) => ("parties_sought", json!({ "id": format!("ACC{number:08}") })),
        (Kind::Exact, 2 | 3) => ("numbers_sought", json!({ "prefix": format!("RX{number:07}") })),
        (Kind::Exact, 4) => ("goods_sought", json!({ "hs": format!("{:06}", 10_000 + number % 980_000) })),
        (Kind::Exact, _) => {
            ("goods_sought", json!({ "hs": format!("{:04}", 100 + number % 9_800), "origin": place(number / 12) }))
        }
    }
}

/// Three made-up words of which two carry it.
fn name(number: u64) -> String {
    let mut numbers = Numbers(number.wrapping_mul(77) ^ 5);
    let mut word =
        |syllables: u64| -> String { (0..syllables).map(|_| SYLLABLES[numbers.below(SYLLABLES.len())]).collect() };
    let (first, second) = (word(3), word(2));
    let form = FORMS[(number % FORMS.len() as u64) as usize]; // below its length
    format!("{} {} {form}", capital(&first), capital(&second))
}

fn capital(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

/// Parties with names and numbers, a parcel's number, two goods items.
fn declaration(number: u64, meant: Option<u64>, kind: Kind, numbers: &mut Numbers) -> Result<Content, ContentError> {
    // Names from beyond those that are sought.
    let mut other = || name(1_000_000 + numbers.next() % 1_000_000_000);
    let names = [other(), other(), other()];
    let mut record = json!({
        "type": "declaration", "version": 3,
        "filing": { "own_reference": format!("D-{number}"), "kind": "ens_preloading", "office": "DE004101" },
        "item": { "scheme": "s10", "id": format!("RB{:09}CN", numbers.up_to(999_999_999)) },
        "route": { "destination": "DE", "departure": place(numbers.next()), "mode": "4" },
        "mass": { "gross_kg": "1.250" },
        "sender": { "name": names[0], "id": format!("S{:07}", numbers.up_to(9_999_999)), "country": "CN" },
        "addressee": { "name": names[1], "city": "Köln", "country": "DE" },
        "seller": { "account": format!("A{:08}", numbers.up_to(99_999_999)), "name": names[2], "country": "CN" },
        "fiscal": [{ "id": "IM2760000001", "role": "FR5" }],
        "goods": [goods(numbers), goods(numbers)],
    });
    if let Some(meant) = meant {
        let (group, row) = sought(meant, kind);
        match group {
            "parties_sought" if kind == Kind::Names => {
                record["sender"]["name"] = row["name"].as_str().map(str::to_uppercase).into()
            }
            "parties_sought" => record["seller"]["account"] = row["id"].clone(),
            "numbers_sought" => {
                record["item"]["id"] = format!("{}5CN", row["prefix"].as_str().unwrap_or_default()).into()
            }
            _ => {
                let hs = row["hs"].as_str().unwrap_or_default();
                record["goods"][1]["classification"]["hs"] = format!("{hs:0<6}").into();
                record["route"]["departure"] = place(meant).into();
                if let Some(origin) = row.get("origin") {
                    record["goods"][1]["origin"]["country"] = origin.clone();
                }
            }
        }
    }
    content_from_json(&record)
}

fn goods(numbers: &mut Numbers) -> Json {
    json!({
        "content": { "description": "wooden toy train, painted", "units": 1 },
        "classification": { "hs": format!("{:06}", 10_000 + numbers.up_to(979_999)) },
        "value": { "amount": "29.90", "currency": "EUR" },
        "origin": { "country": place(numbers.next()), "net_kg": "0.6" },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_meant_to_be_hit_is_hit() {
        for kind in [Kind::Exact, Kind::Names] {
            let sample = SampleThreats::new(kind, 1_000).unwrap();
            for (content, meant) in sample.declarations.iter().filter(|(_, meant)| meant.is_some()) {
                let hits = sample.screener.screen(&sample.reading.read(content), sample.at);
                let meant = meant.as_ref().unwrap();
                assert!(hits.iter().any(|hit| hit.indicator.id == *meant), "{kind:?} {meant}");
            }
        }
    }
}
