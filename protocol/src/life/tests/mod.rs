//! Items that live: records as JSON, lodged at minutes after a day's beginning, seen whole or in part.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod identity;
mod judged;
mod properties;
mod referrals;
mod versions;

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::*;
use crate::hash::Digest;
use crate::names::{MemberId, MemberKind, Purpose, Territory};
use crate::record::{Content, RecordView, SealedRecord, content_from_json};

/// 2026-11-23T00:00:00Z: minutes of the tests count from here.
const START: u64 = 1_795_392_000_000;
const S10: &str = "RB123456785GB";

/// Minutes after the start.
fn minute(minutes: u64) -> Millis {
    Millis(START + minutes * 60_000)
}

/// The same in JSON.
fn clock(minutes: u64) -> String {
    minute(minutes).to_string()
}

/// A record as it was lodged somewhere.
#[derive(Clone)]
struct Lodging {
    root: Digest,
    issuer: MemberId,
    kind: MemberKind,
    territory: Territory,
    lodged: Lodged,
    with: Vec<LodgedWith>,
    terms: Option<(&'static str, Purpose)>,
    mark: Option<SignatureMark>,
    sealed: SealedRecord,
    view: Option<RecordView>,
}

impl std::fmt::Debug for Lodging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let json = crate::record::content_to_json(self.sealed.content());
        write!(f, "{} at {}: {json}", self.issuer, self.lodged.entered)
    }
}

impl Lodging {
    /// Only these groups are shown, for a purpose.
    fn seen(mut self, groups: &[&str], purpose: Purpose) -> Self {
        let table = self.sealed.content().table();
        self.view = Some(self.sealed.view(table.set(groups.iter().copied()).unwrap()));
        self.terms = Some(("agreement", purpose));
        self
    }

    fn unproven(mut self) -> Self {
        self.lodged.proven = None;
        self
    }

    /// It is an own record that went to this member, whose log proves it at a minute.
    fn lodged_with(mut self, id: &str, proven: Option<u64>) -> Self {
        let (kind, territory) = member(id);
        self.with.push(LodgedWith { member: id.parse().unwrap(), kind, territory, proven: proven.map(minute) });
        self
    }

    fn marked(mut self, mark: SignatureMark) -> Self {
        self.mark = Some(mark);
        self
    }

    fn held(&self) -> Held<'_> {
        Held {
            root: self.root,
            issuer: &self.issuer,
            kind: self.kind,
            territory: self.territory,
            lodged: self.lodged,
            lodged_with: &self.with,
            terms: self.terms.map(|(agreement, purpose)| Terms { agreement, purpose }),
            mark: self.mark,
            supersedes: self.sealed.header().supersedes,
            shown: self.view.as_ref().map_or(Shown::Own(self.sealed.content()), Shown::View),
        }
    }
}

/// Kind and territory of the members of the tests.
fn member(id: &str) -> (MemberKind, Territory) {
    let (kind, territory) = id.split_once('-').unwrap();
    (kind.parse().unwrap(), territory.to_uppercase()[..2].parse().unwrap())
}

/// A record lodged and proven at a minute; its id is drawn from what it says and when.
fn lodge(issuer: &str, at: u64, json: Json) -> Lodging {
    lodge_after(issuer, at, json, None)
}

/// The same, naming the record that it corrects.
fn lodge_after(issuer: &str, at: u64, json: Json, supersedes: Option<Digest>) -> Lodging {
    let content: Content = content_from_json(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let mut id = [0; 16];
    id.copy_from_slice(&blake3::hash(format!("{issuer}{at}{json}").as_bytes()).as_bytes()[..16]);
    let sealed = SealedRecord::new(issuer.parse().unwrap(), content, supersedes, id, Zeroizing::new([7; 32]));
    let (kind, territory) = member(issuer);
    let lodged = Lodged { claimed: Some(minute(at)), entered: minute(at), proven: Some(minute(at)) };
    Lodging {
        root: sealed.root(),
        issuer: issuer.parse().unwrap(),
        kind,
        territory,
        lodged,
        with: Vec::new(),
        terms: None,
        mark: None,
        sealed,
        view: None,
    }
}

/// An item group.
fn item(id: &str) -> Json {
    json!({"scheme": "s10", "id": id})
}

fn declaration(reference: &str, kind: &str, at: u64) -> Json {
    json!({
        "type": "declaration", "version": 3,
        "filing": {"own_reference": reference, "kind": kind, "message_time": clock(at), "action": "original", "revision": 0},
        "item": {"scheme": "s10", "id": S10, "posted_on": "2026-11-23"},
        "route": {"destination": "FR", "departure": "GB", "border_mode": "4"},
        "goods": [{"classification": {"hs": "950300"}, "origin": {"country": "CN"}}],
    })
}

fn event(code: &str, at: u64) -> Json {
    json!({"type": "event", "reference": {"own_reference": format!("{code}-{at}")}, "item": item(S10),
        "event": {"code": code, "at": clock(at)}})
}

fn response(reference: &str, status: &str) -> Json {
    json!({"type": "customs_response", "reference": {"own_reference": reference}, "item": item(S10),
        "response": {"status": status}})
}

fn link(reference: &str, kind: &str, from: &str, to: &[&str]) -> Json {
    let others: Vec<Json> = to.iter().map(|id| item(id)).collect();
    json!({"type": "link", "reference": {"own_reference": reference}, "item": item(from),
        "relation": {"kind": kind}, "others": others})
}

fn key(id: &str) -> ItemKey {
    ItemKey { item: ItemId::new(Some("s10"), None, id), posted_on: None }
}

fn closure<'a>(id: &str, lodgings: &'a [Lodging]) -> Closure<'a> {
    let held: Vec<Held<'a>> = lodgings.iter().map(Lodging::held).collect();
    Closure::of(&key(id), &held, &Purpose::ALL.iter().copied().collect())
}

/// The life of [`S10`] at a minute.
fn life(lodgings: &[Lodging], now: u64) -> Life<'_> {
    Life::of(closure(S10, lodgings), minute(now), &Rules::sample().unwrap())
}

fn found(life: &Life<'_>) -> Vec<Finding> {
    life.flags.iter().map(|flag| flag.finding).collect()
}

fn alarms(life: &Life<'_>) -> Vec<AlarmKind> {
    life.alarms.iter().map(|alarm| alarm.kind).collect()
}

/// The valid S10 of a serial number, so that tests have as many as they want.
fn s10(serial: u32) -> String {
    let all = (0..10).map(|check| format!("RB{serial:08}{check}GB"));
    all.into_iter().find(|id| crate::reference::s10(id).is_ok()).unwrap()
}

fn roots(closure: &Closure<'_>) -> BTreeSet<Digest> {
    closure.entries.iter().map(|entry| entry.paper.root).collect()
}
