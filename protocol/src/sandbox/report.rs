//! The conformance report: what the integrator's side did right and wrong in a rehearsal.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::fields::{own_reference, type_of};
use super::judge::{Check, Requirement, Verdict, judge};
use super::rules::Rules;
use super::stage::Cast;
use super::trace::{Line, What};
use crate::api::{AlarmLine, FlagLine};
use crate::life::{AlarmKind, Finding as LifeFinding};
use crate::names::MemberId;
use crate::quality::Sender;
use crate::time::Millis;

/// What the life of an item at a partner's node tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// At which partner.
    pub partner: MemberId,
    /// Of which item.
    pub item: String,
    /// What does not fit together.
    pub flags: Vec<FlagLine>,
    /// What somebody has to hear now.
    pub alarms: Vec<AlarmLine>,
}

/// How often a rule was played.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Played {
    /// How often.
    pub times: u64,
    /// Whether the rehearsal is not complete without it.
    pub required: bool,
}

/// An alarm that a partner's node raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarmed {
    /// At which partner.
    pub partner: MemberId,
    /// About which item.
    pub item: String,
    /// What it is.
    pub kind: AlarmKind,
    /// A plain sentence.
    pub text: String,
}

/// How the integrator's side did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conformance {
    /// Whether nothing fails.
    pub conforms: bool,
    /// The integrator.
    pub me: MemberId,
    /// The practice partners.
    pub partners: Vec<MemberId>,
    /// Begin, RFC 3339.
    pub from: String,
    /// End.
    pub until: String,
    /// The integrator's records by type, counted once for each partner they reached.
    pub received: BTreeMap<String, u64>,
    /// The partners' records by type.
    pub sent: BTreeMap<String, u64>,
    /// Rules that a partner here can play, with how often they were.
    pub rules: BTreeMap<String, Played>,
    /// Figures of quality of the integrator's records.
    pub quality: Sender,
    /// Every requirement that applied, what fails first.
    pub checks: Vec<Check>,
    /// Alarms.
    pub alarms: Vec<Alarmed>,
    /// What the practice partners themselves could not do.
    pub notes: Vec<String>,
}

impl Conformance {
    /// Judges a rehearsal.
    pub fn of(trace: &[Line], told: &[Told], rules: &Rules, cast: &Cast, from: Millis, now: Millis) -> Self {
        let mut checks = judge(trace, now);
        let alarms = alarms(told);
        checks.extend(flags(trace, told));
        checks.extend(alarms.iter().filter(|alarm| alarm.kind == AlarmKind::LoadedInSpite).map(|alarm| Check {
            requirement: Requirement::DoNotLoad,
            verdict: Verdict::Wrong,
            partner: Some(alarm.partner.clone()),
            record: None,
            pointer: None,
            text: alarm.text.clone(),
        }));
        let rules = played(trace, rules, cast);
        let lacking = rules.iter().filter(|(_, played)| played.required && played.times == 0);
        checks.extend(lacking.map(|(name, _)| Check {
            requirement: Requirement::Rehearsed,
            verdict: Verdict::Missing,
            partner: None,
            record: None,
            pointer: None,
            text: format!("nothing that was sent brought rule '{name}' into play"),
        }));
        // A stable sort: within a verdict, by when it came up.
        checks.sort_by_key(|check| check.verdict);
        let (mut received, mut sent, mut quality) = (BTreeMap::new(), BTreeMap::new(), Sender::default());
        let mut notes = Vec::new();
        for line in trace {
            match &line.what {
                What::Received { record, findings, .. } => {
                    *received.entry(type_of(record).to_owned()).or_default() += 1;
                    quality.add(findings);
                }
                What::Sent { record, .. } => *sent.entry(type_of(record).to_owned()).or_default() += 1,
                What::NotSent { rule, reason } => {
                    notes.push(format!("{} could not play rule '{rule}': {reason}", line.partner))
                }
                What::Stopped { rule, millis } => {
                    notes.push(format!("{} was down for {millis} ms, by rule '{rule}'", line.partner));
                }
                What::NotPlayed { rule, deed, due } => {
                    notes.push(format!("not played by {}: {deed} of rule '{rule}', due {due}", line.partner));
                }
                What::Refused { .. } | What::Receipt(_) | What::Waits { .. } => {}
            }
        }
        Self {
            conforms: !checks.iter().any(|check| check.verdict.fails()),
            me: cast.me.clone(),
            partners: cast.partners.iter().map(|player| player.member.clone()).collect(),
            from: from.to_string(),
            until: now.to_string(),
            received,
            sent,
            rules,
            quality,
            checks,
            alarms,
            notes,
        }
    }

    /// How many requirements have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|check| check.verdict == verdict).count()
    }
}

fn alarms(told: &[Told]) -> Vec<Alarmed> {
    let all = told.iter().flat_map(|told| {
        told.alarms.iter().map(|alarm| Alarmed {
            partner: told.partner.clone(),
            item: told.item.clone(),
            kind: alarm.kind,
            text: alarm.text.clone(),
        })
    });
    all.collect()
}

/// Whose record a flag is about, where it is about one of several.
enum Offender {
    First,
    Last,
    Any,
    Nobody,
}

fn offender(finding: LifeFinding) -> Offender {
    use LifeFinding as F;
    match finding {
        F::OutOfOrder => Offender::First,
        F::AfterTheEnd | F::AnswerByOther | F::AnswerAfterClosed | F::AnswerUnfit => Offender::Last,
        F::NotTheirs
        | F::SupersedesAnother
        | F::UsedAgainEarly
        | F::LinkCycle
        | F::LinkContradicts
        | F::LinkToItself
        | F::Nesting => Offender::Any,
        _ => Offender::Nobody,
    }
}

/// Flags of lives that concern a record of the integrator's. What the trace tells by itself (deadlines, references quoted, revisions) is
/// told there.
fn flags(trace: &[Line], told: &[Told]) -> Vec<Check> {
    let mut own: BTreeMap<(&MemberId, &str), Option<String>> = BTreeMap::new();
    for line in trace {
        if let What::Received { root, record, .. } = &line.what {
            own.insert((&line.partner, root), own_reference(record));
        }
    }
    let mut seen = BTreeSet::new();
    let mut checks = Vec::new();
    for Told { partner, flags, .. } in told {
        for flag in flags {
            use LifeFinding as F;
            let elsewhere = matches!(
                flag.finding,
                F::Overdue | F::AnswerLate | F::QuotesUnknown | F::RevisionContradicts | F::OriginalMissing
            );
            let mine = |root: &String| own.contains_key(&(partner, root.as_str()));
            if elsewhere || !flag.records.iter().any(mine) || !seen.insert((partner, &flag.id)) {
                continue;
            }
            let offends = match offender(flag.finding) {
                Offender::First => flag.records.first().is_some_and(mine),
                Offender::Last => flag.records.last().is_some_and(mine),
                Offender::Any => true,
                Offender::Nobody => false,
            };
            let record =
                flag.records.iter().rev().find_map(|root| own.get(&(partner, root.as_str()))).cloned().flatten();
            checks.push(Check {
                requirement: Requirement::LifeCycle,
                verdict: if offends { Verdict::Wrong } else { Verdict::Note },
                partner: Some(partner.clone()),
                record,
                pointer: flag.pointer.clone(),
                text: format!("{}: {}", flag.finding, flag.text),
            });
        }
    }
    checks
}

/// Rules that somebody in the cast can play.
fn played(trace: &[Line], rules: &Rules, cast: &Cast) -> BTreeMap<String, Played> {
    let playable =
        rules.rules.iter().filter(|rule| cast.partners.iter().any(|player| rule.by.plays(player, cast.kind)));
    let mut played: BTreeMap<String, Played> =
        playable.map(|rule| (rule.name.clone(), Played { times: 0, required: rule.required })).collect();
    let wrong =
        rules.receipts.iter().filter(|receipt| cast.partners.iter().any(|one| receipt.by.plays(one, cast.kind)));
    played.extend(wrong.map(|receipt| (receipt.rule.name.clone(), Played::default())));
    // A receipt counts once, however often it was given.
    let mut receipts = BTreeSet::new();
    for line in trace {
        let rule = match &line.what {
            What::Received { rule: Some(rule), .. } => rule,
            What::Receipt(of) if receipts.insert((&line.partner, &of.sender, of.lane, of.number)) => &of.rule,
            _ => continue,
        };
        if let Some(played) = played.get_mut(rule) {
            played.times += 1;
        }
    }
    played
}
