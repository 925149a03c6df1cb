//! What is required of the integrator's side, and whether it was done: each requirement from the trace alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value as Json;

use super::fields::{
    action_of, answer_fits, at, group_text, own_reference, quoted, revision_of, type_of, without_withheld,
};
use super::stage::asked;
use super::trace::{Line, What};
use crate::names::MemberId;
use crate::reference::Severity;
use crate::time::Millis;

/// What is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// A referral is answered by its deadline, and again after an answer that did not do.
    ReferralAnswered,
    /// A do-not-load is acknowledged by its deadline.
    DoNotLoad,
    /// A data request is answered by its deadline.
    RequestAnswered,
    /// An answer quotes the reference of what it answers.
    ReferenceQuoted,
    /// What was rejected is corrected under a higher revision, or cancelled.
    RejectionCorrected,
    /// A correction or cancellation names a record that was there, under a higher revision than before.
    Revision,
    /// Records have no error of quality.
    Quality,
    /// Records are not refused by verdict.
    Verdict,
    /// Records come in an order and from whom they can.
    LifeCycle,
    /// A wrong receipt is not counted: nothing says that it is held.
    ReceiptNotCounted,
    /// That a dispatch waits for a receipt that holds is told, with the reason.
    ReceiptTold,
    /// A dispatch without a receipt that holds is sent again until there is one.
    ReceiptSettled,
    /// What the rules call required was rehearsed.
    Rehearsed,
}

impl Requirement {
    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            Requirement::ReferralAnswered => "referral answered",
            Requirement::DoNotLoad => "do-not-load acknowledged",
            Requirement::RequestAnswered => "data request answered",
            Requirement::ReferenceQuoted => "reference quoted",
            Requirement::RejectionCorrected => "rejection corrected",
            Requirement::Revision => "revision",
            Requirement::Quality => "quality",
            Requirement::Verdict => "taken by verdict",
            Requirement::LifeCycle => "life cycle",
            Requirement::ReceiptNotCounted => "wrong receipt not counted",
            Requirement::ReceiptTold => "wrong receipt told",
            Requirement::ReceiptSettled => "sent again until receipted",
            Requirement::Rehearsed => "rehearsed",
        }
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Done, and wrong.
    Wrong,
    /// Not done by its time.
    Missing,
    /// Done after its time.
    Late,
    /// The rehearsal ended before its time.
    Open,
    /// Worth a look.
    Note,
    /// Done as required.
    Met,
}

impl Verdict {
    /// Whether the integrator's side does not conform by this.
    pub fn fails(self) -> bool {
        matches!(self, Verdict::Wrong | Verdict::Missing | Verdict::Late)
    }

    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Wrong => "wrong",
            Verdict::Missing => "missing",
            Verdict::Late => "late",
            Verdict::Open => "open",
            Verdict::Note => "note",
            Verdict::Met => "met",
        }
    }
}

/// A requirement held against what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is required.
    pub requirement: Requirement,
    /// How it stands.
    pub verdict: Verdict,
    /// Before which partner, where it is before one.
    pub partner: Option<MemberId>,
    /// The reference of the record concerned.
    pub record: Option<String>,
    /// The field concerned.
    pub pointer: Option<String>,
    /// A plain sentence.
    pub text: String,
}

/// Everything that the trace alone tells.
pub(super) fn judge(trace: &[Line], now: Millis) -> Vec<Check> {
    let mut checks = questions(trace, now);
    checks.extend(quotes(trace));
    checks.extend(rejections(trace));
    checks.extend(revisions(trace));
    checks.extend(quality(trace));
    checks.extend(verdicts(trace));
    checks.extend(super::judge_receipts::receipts(trace, now));
    checks
}

fn received(trace: &[Line]) -> impl Iterator<Item = (usize, &Line, &Json)> {
    trace.iter().enumerate().filter_map(|(at, line)| match &line.what {
        What::Received { record, .. } => Some((at, line, record)),
        _ => None,
    })
}

fn sent(trace: &[Line]) -> impl Iterator<Item = (usize, &Line, &Json)> {
    trace.iter().enumerate().filter_map(|(at, line)| match &line.what {
        What::Sent { record, .. } => Some((at, line, record)),
        _ => None,
    })
}

/// Where an answer stands in the trace, when it came, and its outcome.
type Answer = (usize, Millis, String);

/// Referrals and data requests: each time that one is open or called insufficient, an answer is owed.
fn questions(trace: &[Line], now: Millis) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut asked_before: BTreeSet<(&MemberId, String, u64)> = BTreeSet::new();
    let answers: BTreeMap<(&MemberId, String), Vec<Answer>> =
        received(trace).fold(BTreeMap::new(), |mut answers, (at, line, record)| {
            if let Some((reference, outcome)) = quoted(record) {
                answers.entry((&line.partner, reference)).or_default().push((at, line.at, outcome));
            }
            answers
        });
    for (place, line, record) in sent(trace) {
        let group = match type_of(record) {
            "referral" => "referral",
            "data_request" => "request",
            _ => continue,
        };
        let state = group_text(record, group, "state").unwrap_or_default();
        let Some(reference) = asked(record).filter(|_| matches!(&*state, "open" | "insufficient")) else { continue };
        // Sent twice, it is owed once.
        if !asked_before.insert((&line.partner, reference.clone(), revision_of(record))) {
            continue;
        }
        let kind = group_text(record, "referral", "kind").unwrap_or_default();
        let (requirement, what) = match (group, &*kind) {
            ("request", _) => (Requirement::RequestAnswered, "data request"),
            (_, "dnl") => (Requirement::DoNotLoad, "do-not-load"),
            (_, "rfs") => (Requirement::ReferralAnswered, "request for screening"),
            _ => (Requirement::ReferralAnswered, "request for information"),
        };
        let deadline: Option<Millis> = group_text(record, group, "deadline").and_then(|text| text.parse().ok());
        let of_it = answers.get(&(&line.partner, reference.clone())).into_iter().flatten();
        let answer = of_it
            .filter(|(at, _, outcome)| *at > place && answer_fits(&kind, outcome))
            .map(|(_, at, outcome)| (*at, outcome))
            .next();
        let about = match group_text(record, "item", "id") {
            Some(item) => format!("{what} {reference} about item {item}"),
            None => format!("{what} {reference}"),
        };
        let again = if state == "insufficient" { " once more, since the answer before did not do," } else { "" };
        let (verdict, text) = match (answer, deadline) {
            (Some((at, outcome)), Some(deadline)) if at > deadline => {
                let text = format!("{about} was answered{again} with {outcome} at {at}, after its deadline {deadline}");
                (Verdict::Late, text)
            }
            (Some((_, outcome)), _) => (Verdict::Met, format!("{about} was answered{again} with {outcome}")),
            (None, Some(deadline)) if now > deadline => {
                (Verdict::Missing, format!("{about} was not answered{again} by its deadline {deadline}"))
            }
            (None, _) => (Verdict::Open, format!("{about} was not answered{again} before the rehearsal ended")),
        };
        let pointer = record.get("pointers").and_then(|list| list.get(0)?.get("pointer")?.as_str().map(str::to_owned));
        checks.push(Check {
            requirement,
            verdict,
            partner: Some(line.partner.clone()),
            record: Some(reference),
            pointer,
            text,
        });
    }
    checks
}

/// Answers that quote nothing that was asked before.
fn quotes(trace: &[Line]) -> Vec<Check> {
    let mut known: BTreeSet<(&MemberId, String)> = BTreeSet::new();
    let mut checks = Vec::new();
    for line in trace {
        match &line.what {
            What::Sent { record, .. } => known.extend(asked(record).map(|reference| (&line.partner, reference))),
            What::Received { record, .. } => {
                let stray =
                    quoted(record).filter(|(reference, _)| !known.contains(&(&line.partner, reference.clone())));
                let Some((reference, _)) = stray else { continue };
                let text =
                    format!("an answer quotes {reference}, which {} did not ask in this rehearsal", line.partner);
                checks.push(Check {
                    requirement: Requirement::ReferenceQuoted,
                    verdict: Verdict::Wrong,
                    partner: Some(line.partner.clone()),
                    record: own_reference(record),
                    pointer: Some(
                        if type_of(record) == "declaration" { "/filing/referral" } else { "/answer/reference" }.into(),
                    ),
                    text,
                });
            }
            _ => {}
        }
    }
    checks
}

/// What was rejected: a correction or cancellation under a higher revision follows.
fn rejections(trace: &[Line]) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut told: BTreeSet<(&MemberId, String, u64)> = BTreeSet::new();
    for (place, line, response) in sent(trace) {
        let status = group_text(response, "response", "status").unwrap_or_default();
        let Some(reference) =
            group_text(response, "response", "about").filter(|_| matches!(&*status, "rejected" | "not_complete"))
        else {
            continue;
        };
        let of_it =
            |record: &Json| own_reference(record).as_ref() == Some(&reference) && type_of(record) == "declaration";
        let all: Vec<_> =
            received(trace).filter(|(_, other, record)| other.partner == line.partner && of_it(record)).collect();
        let Some((_, _, before)) = all.iter().rfind(|(at, ..)| *at < place) else { continue };
        let revision = revision_of(before);
        if !told.insert((&line.partner, reference.clone(), revision)) {
            continue;
        }
        let mut later = all.iter().filter(|(at, ..)| *at > place);
        let pointers: Vec<String> = faults(response);
        let mut pointer = pointers.first().cloned();
        let (verdict, text) = match later.clone().find(|(_, _, record)| revision_of(record) > revision) {
            Some((_, _, after)) if action_of(after) == "cancellation" => {
                (Verdict::Met, format!("{reference} was rejected, and is cancelled"))
            }
            Some((_, _, after)) if action_of(after) != "correction" => {
                pointer = Some("/filing/action".into());
                (
                    Verdict::Wrong,
                    format!("{reference} was rejected; what followed does not say that it is a correction"),
                )
            }
            Some((_, _, after)) => {
                let same = pointers.iter().find(|pointer| at(before, pointer) == at(after, pointer));
                match same {
                    Some(same) => {
                        pointer = Some(same.clone());
                        (Verdict::Wrong, format!("{reference} was rejected and corrected, but {same} is as it was"))
                    }
                    None => (
                        Verdict::Met,
                        format!("{reference} was rejected, and is corrected by revision {}", revision_of(after)),
                    ),
                }
            }
            None if later.next().is_some() => {
                pointer = Some("/filing/revision".into());
                let text = format!("{reference} was rejected; what followed has no higher revision than {revision}");
                (Verdict::Wrong, text)
            }
            None => (Verdict::Missing, format!("{reference} was rejected and neither corrected nor cancelled")),
        };
        checks.push(Check {
            requirement: Requirement::RejectionCorrected,
            verdict,
            partner: Some(line.partner.clone()),
            record: Some(reference),
            pointer,
            text,
        });
    }
    checks
}

/// Places that a rejection names.
fn faults(response: &Json) -> Vec<String> {
    let faults = response.get("faults").and_then(Json::as_array).into_iter().flatten();
    faults.filter_map(|fault| fault.get("pointer")?.as_str().map(str::to_owned)).collect()
}

/// Corrections, cancellations and repetitions.
fn revisions(trace: &[Line]) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut held: BTreeMap<(&MemberId, String, String), (u64, Vec<Json>)> = BTreeMap::new();
    for (_, line, record) in received(trace) {
        let Some(reference) = own_reference(record) else { continue };
        let type_name = type_of(record).to_owned();
        let (action, revision) = (action_of(record), revision_of(record));
        let before =
            held.entry((&line.partner, type_name.clone(), reference.clone())).or_insert_with(|| (0, Vec::new()));
        let whole = without_withheld(record);
        let group = super::fields::head(record);
        let (verdict, pointer, text) = match (&*action, before.1.is_empty()) {
            ("original", true) => (None, None, String::new()),
            ("original", false) if before.1.contains(&whole) => {
                (Some(Verdict::Note), None, format!("{type_name} {reference} came again as it was"))
            }
            ("original", false) => {
                let text = format!(
                    "{type_name} {reference} came again with other content, and does not say that it is a correction"
                );
                (Some(Verdict::Wrong), Some("action"), text)
            }
            (action, true) => (
                Some(Verdict::Wrong),
                Some("action"),
                format!("{action} of {type_name} {reference}, of which nothing came before"),
            ),
            (action, false) if revision <= before.0 => {
                let text = format!(
                    "{action} of {type_name} {reference} has revision {revision}, and {} came before",
                    before.0
                );
                (Some(Verdict::Wrong), Some("revision"), text)
            }
            (action, false) => {
                (Some(Verdict::Met), None, format!("{action} of {type_name} {reference} has a higher revision"))
            }
        };
        before.0 = before.0.max(revision);
        before.1.push(whole);
        checks.extend(verdict.map(|verdict| Check {
            requirement: Requirement::Revision,
            verdict,
            partner: Some(line.partner.clone()),
            record: Some(reference),
            pointer: pointer.map(|field| format!("/{group}/{field}")),
            text,
        }));
    }
    checks
}

/// Findings of quality, one line for each rule and partner with the first place.
fn quality(trace: &[Line]) -> Vec<Check> {
    let mut checks: BTreeMap<(&MemberId, String), (Check, u64)> = BTreeMap::new();
    for line in trace {
        let What::Received { record, findings, .. } = &line.what else { continue };
        for finding in findings {
            let verdict = if finding.severity == Severity::Error { Verdict::Wrong } else { Verdict::Note };
            let first = || Check {
                requirement: Requirement::Quality,
                verdict,
                partner: Some(line.partner.clone()),
                record: own_reference(record),
                pointer: Some(finding.pointer.clone()),
                text: format!("{}: {}", finding.rule, finding.what),
            };
            checks.entry((&line.partner, finding.rule.to_string())).or_insert_with(|| (first(), 0)).1 += 1;
        }
    }
    let told = checks.into_values().map(|(mut check, count)| {
        if count > 1 {
            check.text.push_str(&format!(" ({count} times)"));
        }
        check
    });
    told.collect()
}

/// Records that a partner's node refused.
fn verdicts(trace: &[Line]) -> Vec<Check> {
    let refused = trace.iter().filter_map(|line| match &line.what {
        What::Refused { records, outcome } => Some(Check {
            requirement: Requirement::Verdict,
            verdict: Verdict::Wrong,
            partner: Some(line.partner.clone()),
            record: None,
            pointer: None,
            text: format!("records refused by the partner's node: {records}; {outcome}"),
        }),
        _ => None,
    });
    refused.collect()
}
