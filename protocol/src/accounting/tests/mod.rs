//! Records as JSON, lodged at hours after a day's beginning.

mod examples;
mod naive;
mod owed;
mod periods;
mod properties;

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::*;
use crate::hash::{Digest, Domain};
use crate::life::{Held, Lodged, LodgedWith, Shown};
use crate::names::{MemberId, MemberKind, Territory};
use crate::record::content_from_json;
use crate::time::Millis;

/// 2026-11-01T00:00:00Z: hours of the tests count from here.
const START: u64 = 1_793_491_200_000;
const HOUR: u64 = 3_600_000;
const S10: &str = "RB123456785GB";

fn hour(hours: u64) -> Millis {
    Millis(START + hours * HOUR)
}

/// A record of a member as it was lodged at an hour; an own one where it went to somebody.
fn said(by: &str, at: u64, told: &[&str], record: Json) -> Said {
    let content = content_from_json(&record).unwrap_or_else(|error| panic!("{error}: {record}"));
    let issuer: MemberId = by.parse().unwrap();
    let territory: Territory = "EU".parse().unwrap();
    let with: Vec<LodgedWith> = told
        .iter()
        .map(|member| LodgedWith {
            member: member.parse().unwrap(),
            kind: MemberKind::Customs,
            territory,
            proven: None,
        })
        .collect();
    let held = Held {
        root: Digest::of(Domain::Index, &[by.as_bytes(), record.to_string().as_bytes()]),
        issuer: &issuer,
        kind: MemberKind::Customs,
        territory,
        lodged: Lodged { claimed: None, entered: hour(at), proven: None },
        lodged_with: &with,
        terms: None,
        mark: None,
        supersedes: None,
        shown: Shown::Own(&content),
    };
    Said::of(&held).unwrap()
}

fn item(id: &str) -> Json {
    json!({ "scheme": "s10", "id": id })
}

fn declaration(reference: &str, id: &str, kind: &str, more: Json) -> Json {
    let mut record = json!({
        "type": "declaration", "version": 3, "filing": { "own_reference": reference, "kind": kind }, "item": item(id),
        "route": { "destination": "DE" },
    });
    merge(&mut record, more);
    record
}

fn goods(pieces: u64, value: &str) -> Json {
    json!([{ "content": { "units": pieces }, "value": { "amount": value, "currency": "EUR" } }])
}

fn event(reference: &str, id: &str, code: &str, at: u64) -> Json {
    json!({
        "type": "event", "reference": { "own_reference": reference }, "item": item(id),
        "event": { "code": code, "at": hour(at).to_string() },
    })
}

fn response(reference: &str, id: &str, status: &str) -> Json {
    json!({
        "type": "customs_response", "reference": { "own_reference": reference }, "item": item(id),
        "response": { "status": status },
    })
}

fn duty(reference: &str, id: &str, stage: &str, about: Option<(&str, &str)>, amount: &str, more: Json) -> Json {
    let mut about_it = json!({ "stage": stage, "model": "vendor", "territory": "DE", "day": "2026-11-02" });
    if let Some((issuer, reference)) = about {
        about_it["about"] = reference.into();
        about_it["about_issuer"] = issuer.into();
    }
    merge(&mut about_it, more);
    json!({
        "type": "duty", "reference": { "own_reference": reference }, "item": item(id), "duty": about_it,
        "lines": [{ "number": 1, "tax": "B00", "kind": "fee", "amount": amount, "currency": "EUR" }],
    })
}

fn claim(reference: &str, id: &str, procedure: &str, state: &str, duty: (&str, &str), amount: &str) -> Json {
    json!({
        "type": "return", "reference": { "own_reference": reference }, "item": item(id),
        "return": { "procedure": procedure, "state": state, "territory": "DE", "claimed_on": "2026-11-10" },
        "claimant": { "capacity": "importer" },
        "claimed": [{ "issuer": duty.0, "reference": duty.1, "line": 1, "tax": "B00", "amount": amount, "currency": "EUR" }],
    })
}

fn link(reference: &str, id: &str, kind: &str, others: &[&str]) -> Json {
    let others: Vec<Json> = others.iter().map(|id| item(id)).collect();
    json!({
        "type": "link", "reference": { "own_reference": reference }, "item": item(id), "relation": { "kind": kind },
        "others": others,
    })
}

fn merge(into: &mut Json, more: Json) {
    if let (Json::Object(into), Json::Object(more)) = (into, more) {
        into.extend(more);
    }
}

/// A later version of a record.
fn version(mut record: Json, revision: u64, action: &str) -> Json {
    let head = if record["type"] == "declaration" { "filing" } else { "reference" };
    record[head]["revision"] = revision.into();
    record[head]["action"] = action.into();
    record
}

fn books() -> Books {
    Books::new(Rules::sample().unwrap(), Some("EU".parse().unwrap()))
}

/// All records taken, and the time gone on to an hour.
fn kept(records: &[Said], until: u64) -> Books {
    let mut books = books();
    for record in records {
        books.take(record).unwrap();
    }
    go_on(&mut books, hour(until));
    books
}

fn go_on(books: &mut Books, now: Millis) {
    while books.due(now, 3).unwrap() {}
    books.settle();
}

fn classes(books: &Books) -> Vec<&'static str> {
    books.findings().map(|finding| finding.key.class.word()).collect()
}

fn roots(records: &[&Said]) -> Vec<Digest> {
    let roots: BTreeSet<Digest> = records.iter().map(|said| said.root).collect();
    roots.into_iter().collect()
}

const DAY: u64 = 24;
