//! The one decision on release: customs at the destination and every agency whose control applies.
//!
//! A control applies where the rules say so by goods, origin and destination, or where an agency has spoken. Fees and duty that are due do
//! not hold an item. Where the goods' codes or origin are not shown, the answer is that it is not known.

use std::collections::{BTreeMap, BTreeSet};

use super::closure::{Closure, Through};
use super::flag::{Finding, Flag};
use super::paper::Paper;
use super::rules::{Control, Rules, holds};
use crate::hash::Digest;
use crate::names::{MemberId, MemberKind, Territory, words};
use crate::time::Millis;

words!(
    /// Whether an item is released.
    ReleaseState, "state of release", {
        /// By everybody who has a say.
        Released = "released";
        /// Not by everybody yet.
        Waiting = "waiting";
        /// Somebody refuses it: seized, to be returned, refused.
        Refused = "refused";
        /// By everybody who is known to have a say; whether others have is not shown.
        Unknown = "unknown";
    }
);

/// Somebody who has a say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    /// Customs, or the control's code.
    pub control: String,
    /// Who speaks, or is to speak; none where the rules name no member and none has spoken.
    pub member: Option<MemberId>,
    /// What was said last, in the word of the record: `released`, `held_exam`; `waiting` where nothing was.
    pub word: String,
    /// Whether that is a release.
    pub released: bool,
    /// Whether that is a refusal.
    pub refused: bool,
    /// Since when it is so.
    pub since: Option<Millis>,
    /// The record that says so.
    pub root: Option<Digest>,
    /// Why this control applies.
    pub why: String,
}

/// Whether an item is released, and who is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The answer.
    pub state: ReleaseState,
    /// Everybody who has a say, customs first.
    pub says: Vec<Say>,
    /// Controls of which it cannot be told whether they apply, as what decides that is not shown.
    pub open: Vec<String>,
}

pub(super) const CUSTOMS: &str = "customs";

impl Release {
    /// Decides on what is held; `void` are responses that are not counted.
    pub(super) fn of(
        closure: &Closure<'_>,
        now: Millis,
        rules: &Rules,
        void: &BTreeSet<Digest>,
        flags: &mut Vec<Flag>,
    ) -> Self {
        let goods = Goods::of(closure);
        let declared = closure.counting("declaration").map(Paper::at).min();
        let first = declared.or_else(|| closure.entries.first().map(|entry| entry.paper.at()));
        let mut says = customs(closure, &goods, first, void, flags);
        let mut agencies = agencies(closure);
        let mut open = unheard(closure, &goods);
        let mute: BTreeSet<&MemberId> = closure
            .counting("agency_decision")
            .filter(|paper| !paper.shows("decision"))
            .map(|paper| paper.issuer)
            .collect();
        let mute = |control: &Control| match &control.agency {
            Some(agency) => mute.contains(agency),
            None => !mute.is_empty(),
        };
        let day = first.unwrap_or(now).day();
        for control in rules.controls.iter().filter(|control| holds(control.from, control.until, day)) {
            let spoken = agencies.iter_mut().find(|say| {
                say.control == control.control && (control.agency.is_none() || say.member == control.agency)
            });
            if let Some(say) = spoken {
                say.why = control.source.clone();
                continue;
            }
            match goods.falls_under(control) {
                Some(false) => {}
                None => open.push(control.control.clone()),
                Some(true) if mute(control) => open.push(control.control.clone()),
                Some(true) => agencies.push(Say {
                    control: control.control.clone(),
                    member: control.agency.clone(),
                    word: "waiting".into(),
                    released: false,
                    refused: false,
                    since: first,
                    root: None,
                    why: control.source.clone(),
                }),
            }
        }
        agencies.sort_by(|a, b| (&a.control, &a.member).cmp(&(&b.control, &b.member)));
        agencies.dedup_by(|a, b| a.control == b.control && a.member == b.member);
        says.extend(agencies);
        open.sort();
        open.dedup();
        let state = match () {
            () if says.iter().any(|say| say.refused) => ReleaseState::Refused,
            () if says.iter().any(|say| !say.released) => ReleaseState::Waiting,
            () if !open.is_empty() => ReleaseState::Unknown,
            () => ReleaseState::Released,
        };
        Self { state, says, open }
    }

    /// Who is waited for.
    pub fn waited_for(&self) -> impl Iterator<Item = &Say> {
        self.says.iter().filter(|say| !say.released)
    }
}

/// What decides which controls apply, as far as it is shown.
struct Goods {
    hs: BTreeSet<String>,
    /// Whether these are all.
    all_hs: bool,
    origins: BTreeSet<Territory>,
    /// Whether these are all.
    all_origins: bool,
    destinations: BTreeSet<Territory>,
}

impl Goods {
    fn of(closure: &Closure<'_>) -> Self {
        let sources = || closure.counting("declaration").chain(closure.counting("order"));
        let named = closure.entries.iter().filter(|entry| entry.through == Through::Item && entry.paper.counts());
        let texts = |group: &str, field: &str| -> BTreeSet<String> {
            let rows = sources().flat_map(|paper| paper.rows(group));
            rows.filter_map(|row| row.text(field).map(str::to_owned)).collect()
        };
        let (hs, origins) = (texts("classification", "hs"), texts("origin", "country"));
        let hidden = |group: &str| closure.counting("declaration").any(|paper| !paper.shows(group));
        Self {
            all_hs: !hs.is_empty() && !hidden("classification"),
            hs,
            all_origins: !origins.is_empty() && !hidden("origin"),
            origins: origins.iter().filter_map(|text| text.parse().ok()).collect(),
            destinations: named.filter_map(|entry| entry.paper.word("route", "destination")).collect(),
        }
    }

    /// Whether a paper is of customs where they go.
    fn come_to(&self, paper: &Paper<'_>) -> bool {
        let here = |place: &Territory| paper.territory.contains(*place) || place.contains(paper.territory);
        paper.kind == MemberKind::Customs && self.destinations.iter().any(here)
    }

    /// Whether a control applies; none where that is not shown.
    fn falls_under(&self, control: &Control) -> Option<bool> {
        if !self.destinations.is_empty() && !self.destinations.iter().any(|place| control.destination.contains(*place))
        {
            return Some(false);
        }
        let known = |found: bool, all: bool| if found || all { Some(found) } else { None };
        let of_hs = control.hs.is_empty() || self.hs.iter().any(|code| code.starts_with(&control.hs));
        let hs = known(of_hs, self.all_hs);
        let from = |origin: Territory| self.origins.iter().any(|place| origin.contains(*place));
        let origin = control.origin.map_or(Some(true), |origin| known(from(origin), self.all_origins));
        let destination = Some(true).filter(|_| !self.destinations.is_empty());
        match [hs, origin, destination] {
            all if all.contains(&Some(false)) => Some(false),
            all if all.contains(&None) => None,
            _ => Some(true),
        }
    }
}

/// What cannot be heard: which customs has a say is not known without a destination, and what somebody says may be hidden.
fn unheard(closure: &Closure<'_>, goods: &Goods) -> Vec<String> {
    let mut open: Vec<String> = goods.destinations.is_empty().then(|| CUSTOMS.to_owned()).into_iter().collect();
    let mute = |paper: &&Paper<'_>| !paper.shows("response") && goods.come_to(paper);
    open.extend(closure.counting("customs_response").find(mute).map(|_| CUSTOMS.to_owned()));
    let mute = closure.counting("agency_decision").filter(|paper| !paper.shows("decision"));
    open.extend(mute.map(|paper| format!("a decision of {}", paper.issuer)));
    open
}

/// What customs at the destination says: the last of each that spoke.
fn customs(
    closure: &Closure<'_>,
    goods: &Goods,
    first: Option<Millis>,
    void: &BTreeSet<Digest>,
    flags: &mut Vec<Flag>,
) -> Vec<Say> {
    let mut says: BTreeMap<&MemberId, Say> = BTreeMap::new();
    let mut mute = false;
    for paper in closure
        .counting("customs_response")
        .filter(|paper| goods.come_to(paper))
        .filter(|paper| !void.contains(&paper.root))
    {
        let Some(word) = paper.text("response", "status") else {
            // Whatever was said before may hold no longer.
            says.remove(paper.issuer);
            mute = true;
            continue;
        };
        let released = matches!(&*word, "released" | "cleared");
        let refused = matches!(&*word, "seized" | "return_ordered");
        let holds = matches!(&*word, "held_exam" | "held_docs" | "rejected" | "invalidated");
        if !released && !refused && !holds {
            continue;
        }
        if let Some(before) = says.get(paper.issuer).filter(|before| before.word == word && released) {
            let text = format!("{} releases again, and nothing was held in between", paper.called());
            flags.push(Flag::new(Finding::ReleasedAgain, before.root.into_iter().chain([paper.root]), text));
        }
        let why = "customs at the destination".to_owned();
        let (member, since, root) = (Some(paper.issuer.clone()), Some(paper.at()), Some(paper.root));
        let say = Say { control: CUSTOMS.into(), member, word, released, refused, since, root, why };
        says.insert(paper.issuer, say);
    }
    if says.is_empty() && !mute && !goods.destinations.is_empty() {
        return vec![Say {
            control: CUSTOMS.into(),
            member: None,
            word: "waiting".into(),
            released: false,
            refused: false,
            since: first,
            root: None,
            why: "customs at the destination".into(),
        }];
    }
    says.into_values().collect()
}

/// What agencies say: the last of each on each of its controls.
fn agencies(closure: &Closure<'_>) -> Vec<Say> {
    let mut says: BTreeMap<(&MemberId, String), Say> = BTreeMap::new();
    for paper in closure.counting("agency_decision") {
        let (Some(control), Some(word)) = (paper.text("decision", "control"), paper.text("decision", "state")) else {
            // Whatever it said before may hold no longer.
            says.retain(|(issuer, _), _| *issuer != paper.issuer);
            continue;
        };
        let (released, refused) = (word == "released", word == "refused");
        let (member, since, root) = (Some(paper.issuer.clone()), Some(paper.at()), Some(paper.root));
        let why = "it has spoken".to_owned();
        let say = Say { control: control.clone(), member, word, released, refused, since, root, why };
        says.insert((paper.issuer, control), say);
    }
    says.into_values().collect()
}
