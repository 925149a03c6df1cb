//! Timeliness: whether a filing was lodged in time, by times that the filer does not set.
//!
//! Lodged is when a witnessed log of the recipient covers it: this node's where it was received, and for an own filing that
//! of the customs administration whose deadline it is, the first where it went to several. What others proved of an own
//! filing counts for no deadline; loading, departure and arrival are told by another party than the filer. What the filer
//! claims stands beside it and decides nothing. Filings inside an outage that a signed notice tells of are marked.

use std::collections::BTreeSet;

use super::closure::{Closure, Through};
use super::flag::{Finding, Flag};
use super::paper::{Paper, Standing};
use super::rules::{Deadline, Mark, Rules, Voyage, holds};
use crate::hash::Digest;
use crate::names::{MemberId, MemberKind, Territory};
use crate::time::Millis;

/// A loading, departure or arrival that somebody tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkTold {
    /// Which.
    pub mark: Mark,
    /// When.
    pub at: Millis,
    /// Who says so.
    pub by: MemberId,
    /// In which record.
    pub root: Digest,
    /// Whether it stands in a consignment, which may be a plan, and not in an event.
    pub planned: bool,
    /// Whether it is said of the item itself, or of what it travels in.
    pub through: Through,
}

/// How a filing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Lodged so many milliseconds before the deadline, or at it.
    InTime(u64),
    /// Lodged so many milliseconds after it.
    Late(u64),
    /// It would be late by so many milliseconds, but was made in an outage that this notice tells of.
    Fallback(u64, Digest),
    /// Nothing proves when it was lodged.
    Unproven,
    /// Nobody but the filer tells when it was loaded, departed or arrived.
    NoDeparture,
}

/// A filing held against a deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeliness {
    /// The first version held of the filing: a later correction does not make it late.
    pub root: Digest,
    /// Who filed.
    pub filer: MemberId,
    /// The kind of filing.
    pub filing: String,
    /// The deadline's name.
    pub rule: String,
    /// The law behind it.
    pub source: String,
    /// What it was counted from.
    pub mark: Option<MarkTold>,
    /// The deadline.
    pub deadline: Option<Millis>,
    /// When the filer says that it was made or sent.
    pub claimed: Option<Millis>,
    /// What that would give.
    pub by_claim: Option<Verdict>,
    /// When it is proven to have been lodged.
    pub proven: Option<Millis>,
    /// By whose log, where it is an own filing.
    pub lodged_with: Option<MemberId>,
    /// What that gives, which counts.
    pub verdict: Verdict,
}

/// How far two parties' times of one departure may lie apart without being told: an hour, between off-block and take-off.
const APART_MILLIS: u64 = 60 * 60 * 1_000;

/// Who tells of a loading, departure or arrival, but for one member: events first, then consignments, each by time.
pub(super) fn marks(closure: &Closure<'_>, mark: Mark, but: Option<&MemberId>) -> Vec<MarkTold> {
    let (code, field) = match mark {
        Mark::Loading => ("loaded", "loaded_at"),
        Mark::Departure => ("departed", "departs_at"),
        Mark::Arrival => ("arrived", "arrives_at"),
    };
    let mut told: Vec<MarkTold> = Vec::new();
    for entry in closure.entries.iter().filter(|entry| entry.paper.counts() && Some(entry.paper.issuer) != but) {
        let paper = &entry.paper;
        let at = match paper.table.name {
            "event" if paper.text("event", "code").as_deref() == Some(code) => paper.time("event", "at"),
            "consignment" => paper.time("transport", field),
            _ => None,
        };
        let planned = paper.is("consignment");
        let by = paper.issuer.clone();
        told.extend(at.map(|at| MarkTold { mark, at, by, root: paper.root, planned, through: entry.through }));
    }
    told.sort_by_key(|told| (told.planned, told.at, told.root));
    told
}

/// Holds every filing against the deadlines that apply to it.
pub(super) fn timeliness(closure: &Closure<'_>, now: Millis, rules: &Rules, flags: &mut Vec<Flag>) -> Vec<Timeliness> {
    let mut all = Vec::new();
    for current in closure.counting("declaration") {
        let Some(filing) = current.text("filing", "kind") else { continue };
        let entry = current.word::<Territory>("route", "first_entry");
        let Some(territory) = entry.or_else(|| current.word("route", "destination")) else { continue };
        let first = first_version(closure, current);
        let told = |mark| marks(closure, mark, Some(first.issuer));
        let (loadings, departures, arrivals) = (told(Mark::Loading), told(Mark::Departure), told(Mark::Arrival));
        let minutes =
            departures.first().zip(arrivals.first()).map(|(from, to)| to.at.0.saturating_sub(from.at.0) / 60_000);
        let modes = modes(closure, current);
        for rule in rules.deadlines.iter().filter(|rule| rule.filing == filing && rule.territory.contains(territory)) {
            let fits = match rule.voyage {
                Voyage::Any => true,
                Voyage::Short => minutes.is_some_and(|minutes| minutes <= rule.short_minutes),
                Voyage::Long => minutes.is_none_or(|minutes| minutes > rule.short_minutes),
            };
            if !fits || !(rule.modes.is_empty() || rule.modes.iter().any(|mode| modes.contains(mode))) {
                continue;
            }
            let mark = match rule.mark {
                // A loading that nobody tells of was before the departure.
                Mark::Loading => loadings.first().or(departures.first()).cloned(),
                Mark::Departure => departures.first().cloned(),
                Mark::Arrival => arrivals.first().cloned(),
            };
            let day = mark.as_ref().map_or(first.at(), |mark| mark.at).day();
            if holds(rule.from, rule.until, day) {
                all.push(judge(closure, first, &filing, rule, mark, territory, now, flags));
            }
        }
        for told in [&departures, &arrivals] {
            differ(told, flags);
        }
    }
    all.sort_by(|a, b| (a.deadline, &a.rule, a.root).cmp(&(b.deadline, &b.rule, b.root)));
    all
}

fn judge(
    closure: &Closure<'_>,
    first: &Paper<'_>,
    filing: &str,
    rule: &Deadline,
    mark: Option<MarkTold>,
    territory: Territory,
    now: Millis,
    flags: &mut Vec<Flag>,
) -> Timeliness {
    let deadline =
        mark.as_ref().map(|mark| Millis(mark.at.0.saturating_sub(rule.minutes_before.saturating_mul(60_000))));
    let by = |lodged: Millis, deadline: Millis| match lodged <= deadline {
        true => Verdict::InTime(deadline.0 - lodged.0),
        false => Verdict::Late(lodged.0 - deadline.0),
    };
    let claimed = first.claimed();
    let (proven, lodged_with) = proven(first, territory);
    let verdict = match (deadline, proven) {
        (None, _) => Verdict::NoDeparture,
        (Some(_), None) => Verdict::Unproven,
        (Some(deadline), Some(proven)) => match by(proven, deadline) {
            Verdict::Late(late) => match outage(closure, first, territory, now) {
                Some(notice) => {
                    if notice.time("notice", "ends_at").is_some_and(|end| end < notice.at()) {
                        let text = format!("{} tells of an outage that was over when it came", notice.called());
                        flags.push(Flag::new(Finding::NoticeAfterwards, [notice.root, first.root], text));
                    }
                    Verdict::Fallback(late, notice.root)
                }
                None => Verdict::Late(late),
            },
            other => other,
        },
    };
    Timeliness {
        root: first.root,
        filer: first.issuer.clone(),
        filing: filing.to_owned(),
        rule: rule.id.clone(),
        source: rule.source.clone(),
        mark,
        deadline,
        claimed,
        by_claim: claimed.zip(deadline).map(|(claimed, deadline)| by(claimed, deadline)),
        proven,
        lodged_with,
        verdict,
    }
}

/// When a filing is proven to have been lodged where its deadline for a territory is kept, and with whom. One filing may go to several
/// customs administrations: those count whose territory holds the deadline's, or lies in it, and of them the first that proves it.
fn proven(filing: &Paper<'_>, territory: Territory) -> (Option<Millis>, Option<MemberId>) {
    if filing.lodged_with.is_empty() {
        return (filing.lodged.proven, None);
    }
    let concerned = filing.lodged_with.iter().filter(|with| {
        let near = with.territory.contains(territory) || territory.contains(with.territory);
        with.kind == MemberKind::Customs && near
    });
    let first = concerned.filter_map(|with| Some((with.proven?, &with.member))).min();
    (first.map(|(at, _)| at), first.map(|(_, member)| member.clone()))
}

/// The first version of a filing that is held.
fn first_version<'p, 'a>(closure: &'p Closure<'a>, current: &'p Paper<'a>) -> &'p Paper<'a> {
    let versions = closure.papers("declaration").filter(|paper| {
        let same = paper.issuer == current.issuer && paper.reference.is_some() && paper.reference == current.reference;
        same && paper.binds() && !matches!(paper.standing, Standing::Contradicted | Standing::Repeated)
    });
    versions.min_by_key(|paper| (paper.revision, paper.order())).unwrap_or(current)
}

/// How it travels: as the consignments say, else as the filing does.
fn modes(closure: &Closure<'_>, current: &Paper<'_>) -> BTreeSet<String> {
    let fields = |paper: &Paper<'_>, fields: [(&str, &str); 2]| -> Vec<String> {
        fields.iter().filter_map(|(group, field)| paper.text(group, field)).collect()
    };
    let built = closure.counting("consignment").filter(|paper| paper.issuer != current.issuer);
    let of_units: BTreeSet<String> =
        built.flat_map(|paper| fields(paper, [("transport", "mode"), ("unit", "mode")])).collect();
    match of_units.is_empty() {
        true => fields(current, [("route", "border_mode"), ("route", "mode")]).into_iter().collect(),
        false => of_units,
    }
}

/// A notice of an outage of the filer, or of customs where it files, inside which the filing was made by what its filer says.
fn outage<'p, 'a>(
    closure: &'p Closure<'a>,
    filing: &Paper<'_>,
    territory: Territory,
    now: Millis,
) -> Option<&'p Paper<'a>> {
    let made = filing.claimed()?;
    let its = |notice: &&Paper<'_>| {
        let customs = notice.kind == MemberKind::Customs;
        notice.issuer == filing.issuer || (customs && notice.territory.contains(territory))
    };
    let inside = |notice: &&Paper<'_>| {
        let starts = notice.time("notice", "starts_at");
        let ends = notice.time("notice", "ends_at").unwrap_or(now);
        notice.text("notice", "kind").as_deref() == Some("fallback")
            && starts.is_some_and(|starts| (starts..=ends).contains(&made))
    };
    closure.counting("notice").filter(its).find(inside)
}

/// Flags times of events that lie apart.
fn differ(told: &[MarkTold], flags: &mut Vec<Flag>) {
    let mut events = told.iter().filter(|mark| !mark.planned);
    let Some(first) = events.next() else { return };
    if let Some(other) = events.find(|mark| mark.by != first.by && mark.at.0 - first.at.0 > APART_MILLIS) {
        let text = format!("{} tells of {} at {}, {} at {}", first.by, first.mark, first.at, other.by, other.at);
        flags.push(Flag::new(Finding::TimesDiffer, [first.root, other.root], text).at("/event/at"));
    }
}
