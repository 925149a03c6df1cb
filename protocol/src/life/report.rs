//! The life of an item as the local interface tells it. It shows what the joined views show, each datum with where it is from.

use std::collections::BTreeMap;

use super::closure::{Closure, Entry, Through};
use super::held::Shown;
use super::key::ItemKey;
use super::links::Alias;
use super::paper::{Paper, Standing};
use super::referral::Referral;
use super::release::Release;
use super::timely::{Timeliness, Verdict};
use super::{Alarm, Flag, Life};
use crate::api::{
    AlarmLine, AliasLine, AnswerLine, Datum, FlagLine, LifeReport, LodgedLine, MarkLine, NestLine, PartyLine,
    RecordLine, ReferralLine, RelationLine, ReleaseLine, SayLine, StepLine, TimelyLine, ViewLine, WordLine,
};
use crate::hash::Digest;
use crate::names::MemberId;
use crate::record::{content_to_json, view_to_json};
use crate::time::Millis;

impl Life<'_> {
    /// The summary of this life, without the categories of immediate release, which need a rule book ([`Life::immediate`]).
    pub fn report(&self) -> LifeReport {
        let closure = &self.closure;
        let mut records: BTreeMap<String, Vec<RecordLine>> = BTreeMap::new();
        let mut earlier = Vec::new();
        for entry in &closure.entries {
            let line = record(entry);
            match entry.paper.standing {
                Standing::Current => records.entry(line.r#type.clone()).or_default().push(line),
                _ => earlier.push(line),
            }
        }
        let related = closure.relations.iter().map(|relation| RelationLine {
            relation: relation.kind,
            item: alias(&relation.key, &relation.by),
            steps: relation.steps,
        });
        let steps = self.steps.iter().map(|step| StepLine {
            what: step.what.clone(),
            claimed: time(step.claimed),
            proven: time(step.proven),
            counts: step.counts,
            by: word(step.root, &step.issuer),
        });
        let other_items = closure.other_lives.iter().filter_map(|key| key.posted_on.map(|day| day.to_string()));
        LifeReport {
            scheme: closure.key.item.scheme,
            issuer: closure.key.item.issuer.clone(),
            id: closure.key.item.id.clone(),
            posted_on: closure.key.posted_on.map(|day| day.to_string()),
            purposes: closure.purposes.iter().copied().collect(),
            release: release(&self.release),
            immediate: Vec::new(),
            uses: Vec::new(),
            alarms: self.alarms.iter().map(alarm).collect(),
            referrals: self.referrals.iter().map(referral).collect(),
            timeliness: self.timeliness.iter().map(timely).collect(),
            flags: self.flags.iter().map(flag).collect(),
            other_names: closure.aliases.iter().skip(1).map(|Alias { key, by }| alias(key, by)).collect(),
            related: related.collect(),
            other_items: other_items.collect(),
            parties: parties(closure),
            route: route(closure),
            transport: nests(closure),
            records,
            earlier,
            steps: steps.collect(),
            cut: closure.cut.clone(),
        }
    }
}

fn time(time: Option<Millis>) -> Option<String> {
    time.map(|time| time.to_string())
}

fn word(root: Digest, issuer: &MemberId) -> WordLine {
    WordLine { root: root.hex(), issuer: issuer.clone() }
}

fn words(by: &[(Digest, MemberId)]) -> Vec<WordLine> {
    by.iter().map(|(root, issuer)| word(*root, issuer)).collect()
}

fn hex(roots: &[Digest]) -> Vec<String> {
    roots.iter().map(Digest::hex).collect()
}

fn alias(key: &ItemKey, by: &[(Digest, MemberId)]) -> AliasLine {
    AliasLine {
        scheme: key.item.scheme,
        issuer: key.item.issuer.clone(),
        id: key.item.id.clone(),
        posted_on: key.posted_on.map(|day| day.to_string()),
        by: words(by),
    }
}

fn record(entry: &Entry<'_>) -> RecordLine {
    let paper = &entry.paper;
    let views = paper.views.iter().map(|held| ViewLine {
        agreement: held.terms.map(|terms| terms.agreement.to_owned()),
        purpose: held.terms.map(|terms| terms.purpose),
        record: match held.shown {
            Shown::Own(content) => content_to_json(content),
            Shown::View(view) => view_to_json(view.header.table, view),
        },
    });
    RecordLine {
        root: paper.root.hex(),
        r#type: paper.table.name.to_owned(),
        issuer: paper.issuer.clone(),
        reference: paper.reference.clone(),
        revision: paper.revision,
        action: paper.action,
        standing: paper.standing,
        through: entry.through,
        claimed: time(paper.claimed()),
        entered: paper.lodged.entered.to_string(),
        proven: time(paper.lodged.proven),
        lodged_with: lodged_with(paper),
        signature: paper.mark,
        views: views.collect(),
    }
}

/// To whom an own record went, each member once with the first time that it proves.
fn lodged_with(paper: &Paper<'_>) -> Vec<LodgedLine> {
    let mut members: BTreeMap<&MemberId, LodgedLine> = BTreeMap::new();
    let mut by_time = paper.lodged_with.clone();
    by_time.sort_by_key(|with| (with.proven.is_none(), with.proven));
    for with in by_time {
        let line = || LodgedLine { member: with.member.clone(), kind: with.kind, proven: time(with.proven) };
        members.entry(&with.member).or_insert_with(line);
    }
    members.into_values().collect()
}

fn datum(entry: &Entry<'_>, group: &str, field: &str) -> Option<Datum> {
    let (value, held) = entry.paper.shown_by(group, field)?;
    let purpose = held.terms.map(|terms| terms.purpose);
    Some(Datum { value: value.to_string(), root: entry.paper.root.hex(), issuer: entry.paper.issuer.clone(), purpose })
}

fn parties(closure: &Closure<'_>) -> Vec<PartyLine> {
    let mut parties: BTreeMap<&MemberId, PartyLine> = BTreeMap::new();
    for entry in &closure.entries {
        let paper = &entry.paper;
        let party = parties.entry(paper.issuer).or_insert_with(|| PartyLine {
            member: paper.issuer.clone(),
            kind: paper.kind,
            territory: paper.territory,
            records: 0,
            principals: Vec::new(),
        });
        party.records += 1;
        let named = datum(entry, "principal", "name").or_else(|| datum(entry, "principal", "id"));
        party.principals.extend(named.filter(|datum| party.principals.iter().all(|other| other.value != datum.value)));
    }
    parties.into_values().collect()
}

/// Every value of the route that a record of the item itself gives, once for each issuer and purpose.
fn route(closure: &Closure<'_>) -> BTreeMap<String, Vec<Datum>> {
    let mut route: BTreeMap<String, Vec<Datum>> = BTreeMap::new();
    for entry in closure.entries.iter().filter(|entry| entry.through == Through::Item && entry.paper.counts()) {
        let fields = entry.paper.table.group("route").map(|(_, group)| group.fields).unwrap_or_default();
        for field in fields {
            let Some(datum) = datum(entry, "route", field.name) else { continue };
            let known = route.entry(field.name.to_owned()).or_default();
            let same = |other: &Datum| {
                (&other.value, &other.issuer, other.purpose) == (&datum.value, &datum.issuer, datum.purpose)
            };
            if !known.iter().any(same) {
                known.push(datum);
            }
        }
    }
    route
}

fn nests(closure: &Closure<'_>) -> Vec<NestLine> {
    let nests = closure.nests.iter().map(|nest| NestLine {
        level: nest.unit.level.to_string(),
        id: nest.unit.id.clone(),
        issuer: nest.unit.issuer.clone(),
        holders: nest.holders.clone(),
        by: words(&nest.by),
    });
    nests.collect()
}

fn referral(referral: &Referral) -> ReferralLine {
    let answers = referral.answers.iter().map(|answer| AnswerLine {
        outcome: answer.outcome,
        at: answer.at.to_string(),
        counted: answer.counted,
        by: word(answer.root, &answer.by),
    });
    ReferralLine {
        kind: referral.kind,
        reference: referral.reference.clone(),
        state: referral.state,
        withdrawn: referral.withdrawn,
        opened: referral.opened.to_string(),
        deadline: time(referral.deadline),
        overdue: referral.overdue,
        addressees: referral.addressees.clone(),
        reaches: referral.reaches.clone(),
        answers: answers.collect(),
        by: word(referral.root, &referral.by),
    }
}

fn release(release: &Release) -> ReleaseLine {
    let says = release.says.iter().map(|say| SayLine {
        control: say.control.clone(),
        member: say.member.clone(),
        word: say.word.clone(),
        waited_for: !say.released,
        since: time(say.since),
        root: say.root.map(|root| root.hex()),
        why: say.why.clone(),
    });
    ReleaseLine { state: release.state, says: says.collect(), not_shown: release.open.clone() }
}

fn timely(timely: &Timeliness) -> TimelyLine {
    let told = |verdict: Verdict| match verdict {
        Verdict::InTime(by) => ("in_time".to_owned(), Some(by)),
        Verdict::Late(by) => ("late".to_owned(), Some(by)),
        Verdict::Fallback(by, _) => ("fallback".to_owned(), Some(by)),
        Verdict::Unproven => ("unproven".to_owned(), None),
        Verdict::NoDeparture => ("no_departure".to_owned(), None),
    };
    let (verdict, by_millis) = told(timely.verdict);
    let (claimed_verdict, claimed_by_millis) = timely.by_claim.map(told).unzip();
    let mark = timely.mark.as_ref().map(|mark| MarkLine {
        mark: mark.mark,
        at: mark.at.to_string(),
        planned: mark.planned,
        by: word(mark.root, &mark.by),
    });
    TimelyLine {
        verdict,
        by_millis,
        claimed_verdict,
        claimed_by_millis: claimed_by_millis.flatten(),
        filing: timely.filing.clone(),
        filer: timely.filer.clone(),
        root: timely.root.hex(),
        rule: timely.rule.clone(),
        source: timely.source.clone(),
        deadline: time(timely.deadline),
        claimed: time(timely.claimed),
        proven: time(timely.proven),
        lodged_with: timely.lodged_with.clone(),
        mark,
        notice: match timely.verdict {
            Verdict::Fallback(_, notice) => Some(notice.hex()),
            _ => None,
        },
    }
}

fn flag(flag: &Flag) -> FlagLine {
    FlagLine {
        id: flag.id.clone(),
        finding: flag.finding,
        pointer: flag.pointer.clone(),
        records: hex(&flag.records),
        text: flag.text.clone(),
    }
}

fn alarm(alarm: &Alarm) -> AlarmLine {
    AlarmLine {
        id: alarm.id.clone(),
        kind: alarm.kind,
        since: alarm.since.to_string(),
        customs: alarm.customs.clone(),
        territories: alarm.territories.clone(),
        records: hex(&alarm.records),
        text: alarm.text.clone(),
    }
}
