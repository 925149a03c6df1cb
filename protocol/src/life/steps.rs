//! The life of an item step by step, and which step may follow which, from whom: a table of rules.
//!
//! What is out of order stays where it came, and is told. Steps are ordered by the time at which they were lodged as far as that is proven;
//! when their issuers say that they were taken stands beside it.

use super::closure::{Closure, Through};
use super::flag::{Finding, Flag};
use super::paper::{Action, Paper, Standing};
use crate::hash::Digest;
use crate::names::MemberId;
use crate::names::MemberKind::{self, Agency, Broker, Carrier, Customs, Payment, Platform, Post};
use crate::time::Millis;

/// One step of a life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Type and, where it is shown, kind: `declaration/import`, `event/departed`, `customs_response/released`.
    pub what: String,
    /// The record.
    pub root: Digest,
    /// Who says so.
    pub issuer: MemberId,
    /// When it was lodged: as far as proven, else by this node's clock.
    pub at: Millis,
    /// The proven part of that.
    pub proven: Option<Millis>,
    /// When it happened or was made, as its issuer says.
    pub claimed: Option<Millis>,
    /// How the version stands.
    pub standing: Standing,
    /// Through what it belongs to the item.
    pub through: Through,
    /// Whether it is counted: it holds, binds, and contradicts nothing that comes first.
    pub counts: bool,
}

/// Which steps may follow which, and from whom. A step is named in full, or by its type alone for all kinds of it.
#[derive(Debug, Clone, Copy)]
pub struct StepRule {
    /// The steps that it is about.
    pub steps: &'static [&'static str],
    /// Whose step it is; empty for anybody's. A principal without a node counts as who it is.
    pub from: &'static [MemberKind],
    /// One of these comes first.
    pub after: &'static [&'static str],
    /// Whether it is worth telling that none of them is held at all.
    pub strict: bool,
    /// None of these comes first.
    pub not_after: &'static [&'static str],
}

const FILERS: &[MemberKind] = &[Post, Carrier, Broker, Platform];
const MOVES: &[&str] = &[
    "event/departed",
    "event/transit_arrived",
    "event/transit_departed",
    "event/arrived",
    "event/left_office",
    "event/delivery_attempted",
    "event/delivered",
];

const fn rule(steps: &'static [&'static str], from: &'static [MemberKind]) -> StepRule {
    StepRule { steps, from, after: &[], strict: false, not_after: &[] }
}

/// The rules as they stand.
pub static STEP_RULES: &[StepRule] = &[
    rule(&["order"], &[Platform, Broker]),
    rule(&["payment"], &[Payment, Platform]),
    rule(&["declaration"], FILERS),
    rule(&["consignment"], &[Post, Carrier, Broker]),
    rule(&["referral", "customs_response"], &[Customs]),
    rule(&["agency_decision"], &[Agency, Customs]),
    rule(&["data_request"], &[Customs, Agency]),
    StepRule { after: &["referral"], strict: true, ..rule(&["referral_answer"], FILERS) },
    StepRule { after: &["data_request"], strict: true, ..rule(&["data_answer"], &[]) },
    StepRule {
        after: &["declaration"],
        strict: true,
        not_after: &["customs_response/invalidated"],
        ..rule(&["customs_response"], &[])
    },
    StepRule {
        after: &["customs_response/released", "customs_response/cleared"],
        ..rule(&["event/released_by_import_customs"], &[])
    },
    StepRule {
        after: &["declaration/ens_preloading", "declaration/pre_advice"],
        ..rule(&["event/loaded", "event/departed"], &[])
    },
    StepRule {
        after: &["declaration"],
        strict: true,
        ..rule(&["event/arrived", "event/presented_to_import_customs"], &[])
    },
    StepRule { after: &["event/posted"], ..rule(MOVES, &[]) },
    StepRule { after: &["event/departed"], ..rule(&["event/arrived"], &[]) },
    StepRule { not_after: &["event/delivered", "event/lost", "event/destroyed"], ..rule(MOVES.split_at(6).0, &[]) },
    StepRule {
        not_after: &["event/delivered", "event/returned", "event/lost", "event/destroyed"],
        ..rule(&["event/delivered"], &[])
    },
    StepRule { after: &["event/arrived"], ..rule(&["event/delivered", "event/delivery_attempted"], &[]) },
];

/// Every record of the item as a step, in order.
pub(super) fn steps(closure: &Closure<'_>) -> Vec<Step> {
    let steps = closure.entries.iter().filter(|entry| entry.through != Through::Notice).map(|entry| {
        let paper = &entry.paper;
        let (what, happened) = read(paper);
        Step {
            what,
            root: paper.root,
            issuer: paper.issuer.clone(),
            at: paper.at(),
            proven: paper.lodged.proven,
            claimed: happened.or_else(|| paper.claimed()),
            standing: paper.standing,
            through: entry.through,
            counts: paper.counts(),
        }
    });
    steps.collect()
}

/// What a paper says happened, and when.
fn read(paper: &Paper<'_>) -> (String, Option<Millis>) {
    let (group, kind, at) = match paper.table.name {
        "payment" => ("settlement", "state", "at"),
        "declaration" => ("filing", "kind", "message_time"),
        "consignment" => ("unit", "level", "built_at"),
        "link" => ("relation", "kind", "at"),
        "event" => ("event", "code", "at"),
        "referral" => ("referral", "kind", ""),
        "referral_answer" => ("answer", "outcome", "at"),
        "customs_response" => ("response", "status", "at"),
        "agency_decision" => ("decision", "state", "at"),
        name => return (name.to_owned(), None),
    };
    let what = match paper.text(group, kind) {
        Some(kind) => format!("{}/{kind}", paper.table.name),
        None => paper.table.name.to_owned(),
    };
    (what, paper.time(group, at))
}

/// Whether a step is one of those that a rule names.
fn is(step: &Step, names: &[&str]) -> bool {
    names.iter().any(|name| step.what.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Holds the steps that count against the rules.
pub(super) fn check(closure: &Closure<'_>, steps: &[Step], rules: &[StepRule], flags: &mut Vec<Flag>) {
    for (step, entry) in steps.iter().zip(closure.entries.iter().filter(|entry| entry.through != Through::Notice)) {
        let paper = &entry.paper;
        if !step.counts {
            continue;
        }
        for rule in rules.iter().filter(|rule| is(step, rule.steps)) {
            let principal = paper.word::<MemberKind>("principal", "kind");
            let may = |kind: MemberKind| rule.from.is_empty() || rule.from.contains(&kind);
            // Somebody without a node may stand behind it, who is not shown.
            if !may(paper.kind) && !principal.is_some_and(may) && paper.shows("principal") {
                let text = format!("{} is issued by a member of kind {}", paper.called(), paper.kind);
                flags.push(Flag::new(Finding::NotTheirs, [step.root], text));
            }
            precedence(paper, step, rule, steps, flags);
        }
        let cancelled = closure.papers("declaration").filter(|declaration| declaration.standing == Standing::Cancelled);
        if paper.is("customs_response")
            && !is(step, &["customs_response/invalidated", "customs_response/request_answered"])
        {
            for declaration in cancelled.filter(|it| it.action == Action::Cancellation && about(paper, it)) {
                if declaration.at() < step.at {
                    let text =
                        format!("{} answers {}, which was cancelled before", paper.called(), declaration.called());
                    flags.push(Flag::new(Finding::AfterCancellation, [declaration.root, step.root], text));
                }
            }
        }
    }
}

/// Whether a response is about a declaration, by the number or reference that it names.
fn about(response: &Paper<'_>, declaration: &Paper<'_>) -> bool {
    let same = |one: Option<String>, other: Option<String>| one.is_some() && one == other;
    let registration = || same(response.text("response", "registration"), declaration.text("filing", "registration"));
    same(response.text("response", "about"), declaration.reference.clone()) || registration()
}

fn precedence(paper: &Paper<'_>, step: &Step, rule: &StepRule, steps: &[Step], flags: &mut Vec<Flag>) {
    let in_time = |first: &Step, second: &Step| first.claimed.zip(second.claimed).is_some_and(|(a, b)| a <= b);
    let others = || steps.iter().filter(|other| other.root != step.root);
    let first = || others().filter(|other| is(other, rule.after));
    if !rule.after.is_empty() && !first().any(|other| other.at <= step.at) {
        match first().find(|other| in_time(other, step)).or_else(|| first().next()) {
            Some(other) => {
                let (finding, beside) = match in_time(other, step) {
                    true => (Finding::ToldLate, ", though it says that it was made before"),
                    false => (Finding::OutOfOrder, ""),
                };
                let text = format!("{} came before {}, which belongs before it{beside}", paper.called(), plain(other));
                flags.push(Flag::new(finding, [step.root, other.root], text));
            }
            None if rule.strict => {
                let text =
                    format!("{} ({}), and no {} is held here", paper.called(), kind(step), rule.after.join(" or "));
                flags.push(Flag::new(Finding::NothingBefore, [step.root], text));
            }
            None => {}
        }
    }
    let ended = others().find(|other| other.counts && is(other, rule.not_after) && other.at < step.at);
    if let Some(other) = ended {
        let (finding, beside) = match in_time(step, other) {
            true => (Finding::ToldLate, ", though it says that it was made before"),
            false => (Finding::AfterTheEnd, ""),
        };
        let text = format!("{} ({}) came after {}{beside}", paper.called(), kind(step), plain(other));
        flags.push(Flag::new(finding, [other.root, step.root], text));
    }
}

fn kind(step: &Step) -> String {
    step.what.split_once('/').map_or(&*step.what, |(_, kind)| kind).replace('_', " ")
}

fn plain(step: &Step) -> String {
    format!("{} of {}", step.what.replace(['/', '_'], " "), step.issuer)
}
