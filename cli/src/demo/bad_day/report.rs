//! What happened, for a person and for a program.

use std::time::Duration;

use serde::Serialize;

use crate::ui::{self, count, duration};

/// The mistake, and how it was undone.
#[derive(Debug, Serialize)]
pub(super) struct Mistake {
    /// Declarations that it hit.
    pub(super) hits: u64,
    /// Open proposals that were reversed in one step.
    pub(super) reversed: u64,
    /// What had been carried out before.
    pub(super) carried_out: u64,
    /// The carrier's answers to that.
    pub(super) answers: Vec<String>,
    /// Who signed.
    pub(super) officers: Vec<String>,
    /// How long the step took.
    pub(super) seconds: serde_json::Number,
    /// False positives that its issuer knows of.
    pub(super) told_issuer: u64,
}

/// Everything that the report tells.
pub(super) struct Outcome {
    pub(super) source: String,
    pub(super) declarations: u64,
    pub(super) expected: u64,
    pub(super) found: u64,
    /// From A's submission to the last proposal at B.
    pub(super) screened: Duration,
    /// The same from the moment at which the indicator stood in B's log.
    pub(super) since_arrival: Duration,
    pub(super) at_outsider: u64,
    pub(super) control_at_outsider: u64,
    pub(super) onward: String,
    pub(super) mistake: Mistake,
    pub(super) rule_reversed: u64,
    pub(super) answer: String,
    pub(super) fork: String,
    pub(super) forked_known_to: &'static str,
    pub(super) forked_refused: String,
    pub(super) revocation_passed: bool,
    pub(super) findings: Vec<String>,
    pub(super) times: Vec<(&'static str, Duration)>,
}

/// The outcome for a program.
#[derive(Serialize)]
pub(super) struct Summary<'o> {
    declarations: u64,
    indicator_hits: [u64; 2],
    screened_seconds: serde_json::Number,
    screened_since_arrival_seconds: serde_json::Number,
    at_outsider: u64,
    control_at_outsider: u64,
    onward_refused: &'o str,
    mistake: &'o Mistake,
    rule_reversed: u64,
    platform_answer: &'o str,
    fork_verified: bool,
    forked_refused: &'o str,
    revocation_passed: bool,
    findings: &'o [String],
    seconds: serde_json::Number,
}

impl Outcome {
    /// For a program.
    pub(super) fn summary(&self) -> Summary<'_> {
        Summary {
            declarations: self.declarations,
            indicator_hits: [self.expected, self.found],
            screened_seconds: ui::seconds(self.screened),
            screened_since_arrival_seconds: ui::seconds(self.since_arrival),
            at_outsider: self.at_outsider,
            control_at_outsider: self.control_at_outsider,
            onward_refused: &self.onward,
            mistake: &self.mistake,
            rule_reversed: self.rule_reversed,
            platform_answer: &self.answer,
            fork_verified: !self.fork.is_empty(),
            forked_refused: &self.forked_refused,
            revocation_passed: self.revocation_passed,
            findings: &self.findings,
            seconds: ui::seconds(self.times.iter().map(|(_, time)| *time).sum()),
        }
    }

    /// For a person.
    pub(super) fn print(&self) -> std::io::Result<()> {
        let Mistake { hits, reversed, carried_out, answers, officers, told_issuer, seconds } = &self.mistake;
        let lines = [
            format!("{} declarations at customs B: {}", count(self.declarations), self.source),
            format!(
                "A's indicator hits {} of them, as planned {}: all proposed, with reasons, {} after A handed it in ({} after it reached B)",
                count(self.found),
                count(self.expected),
                duration(self.screened),
                duration(self.since_arrival),
            ),
            format!(
                "C, outside the agreement, holds {} records of it; the same search finds {} of what C was given",
                self.at_outsider, self.control_at_outsider
            ),
            format!("B passes it on to C: refused: {}", self.onward),
            format!(
                "a mistake of A's hits {}; {} of them became do-not-load referrals, signed by two officers",
                count(*hits),
                carried_out
            ),
            format!(
                "A takes it back; {} undo it in one step of {seconds} s: {} proposals reversed; the carrier had answered {}",
                officers.join(" and "),
                count(*reversed),
                answers.join(", "),
            ),
            format!(
                "A knows of {} false positives; B's rule counts {} reversed",
                count(*told_issuer),
                count(self.rule_reversed)
            ),
            format!("the platform answers the indicator of a seller: {}", self.answer),
            format!("the post shows two logs: {}", self.fork),
            format!("  its next exchange with {}: {}", self.forked_known_to, self.forked_refused),
            format!("  its revocation {}", if self.revocation_passed { "still passes" } else { "DOES NOT PASS" }),
        ];
        lines.iter().try_for_each(|line| ui::line(line))?;
        for (what, time) in &self.times {
            ui::say(&format!("{what}: {}", duration(*time)));
        }
        match self.findings.is_empty() {
            true => ui::line("all as it has to be"),
            false => self.findings.iter().try_for_each(|finding| ui::line(&format!("FINDING: {finding}"))),
        }
    }
}
