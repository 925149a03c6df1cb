//! What is to be known of accepted records: who does not get them, and what older versions lose.

use std::collections::BTreeMap;

use luxor_protocol::api::{LeftOut, OtherForm};
use luxor_protocol::quality::{Finding, Rule, Severity};
use serde::Serialize;

use crate::cmd::some;
use crate::ui;

/// Different notes that are kept; of others it is only counted how often they came.
const MAX_NOTES: usize = 100;

/// Records that somebody does not get although an agreement gives them.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct NotSent {
    to: String,
    /// By which row, and what is not read.
    reason: String,
    records: u64,
    /// Where the first of them stands.
    line: u64,
}

/// Records of which some recipients get a form without these groups.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Loses {
    groups: Vec<String>,
    records: u64,
}

/// Findings of one rule of quality.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Found {
    rule: Rule,
    severity: Severity,
    findings: u64,
    /// Where the first of them stands.
    line: u64,
    /// Its place in the record.
    pointer: String,
    /// What it says.
    what: String,
}

/// Notes on records, alike ones together.
#[derive(Debug, Default, Serialize)]
pub(super) struct Notes {
    /// What rules of quality found, one for each rule.
    findings: Vec<Found>,
    left_out: Vec<NotSent>,
    /// How often it was somebody who is not listed.
    left_out_more: u64,
    lost: Vec<Loses>,
    #[serde(skip)]
    places: BTreeMap<(String, String), usize>,
}

impl Notes {
    /// Takes what the node says of one accepted record.
    pub(super) fn add(
        &mut self,
        line: u64,
        lost: &[String],
        others: &[OtherForm],
        left_out: Vec<LeftOut>,
        more: usize,
    ) {
        for LeftOut { to, reason } in left_out {
            let key = (to.to_string(), reason);
            match self.places.get(&key) {
                Some(at) => self.left_out[*at].records += 1,
                None if self.left_out.len() < MAX_NOTES => {
                    let (to, reason) = key.clone();
                    self.places.insert(key, self.left_out.len());
                    self.left_out.push(NotSent { to, reason, records: 1, line });
                }
                None => self.left_out_more += 1,
            }
        }
        self.left_out_more += more as u64;
        let forms = std::iter::once(lost).chain(others.iter().map(|other| other.lost.as_slice()));
        for groups in forms.filter(|groups| !groups.is_empty()) {
            let room = self.lost.len() < MAX_NOTES;
            match self.lost.iter_mut().find(|there| there.groups == groups) {
                Some(there) => there.records += 1,
                None if room => self.lost.push(Loses { groups: groups.to_vec(), records: 1 }),
                None => {}
            }
        }
    }

    /// Takes what rules of quality found in one record.
    pub(super) fn found(&mut self, line: u64, findings: &[Finding]) {
        for Finding { rule, severity, pointer, what, .. } in findings {
            match self.findings.iter_mut().find(|found| (found.rule, found.severity) == (*rule, *severity)) {
                Some(found) => found.findings += 1,
                None => self.findings.push(Found {
                    rule: *rule,
                    severity: *severity,
                    findings: 1,
                    line,
                    pointer: pointer.clone(),
                    what: what.clone(),
                }),
            }
        }
    }

    /// Whether somebody does not get a record that an agreement gives them.
    pub(super) fn is_worth_a_look(&self) -> bool {
        !self.left_out.is_empty() || self.left_out_more > 0
    }

    /// As rows of the report.
    pub(super) fn rows(&self, table: &mut ui::Table) {
        for Found { rule, severity, findings, line, pointer, what } in &self.findings {
            let times = if *findings == 1 { String::new() } else { format!(", {} times", ui::count(*findings)) };
            table.row([severity.to_string(), format!("{rule}{times}; first in line {line} at {pointer}: {what}")]);
        }
        for NotSent { to, reason, records, line } in &self.left_out {
            table.row(["not sent to", &format!("{to}: {reason} ({}, from line {line})", some(*records, "record"))]);
        }
        if self.left_out_more > 0 {
            table.row(["not sent to", &format!("others, {} times", ui::count(self.left_out_more))]);
        }
        for Loses { groups, records } in &self.lost {
            let (groups, records) = (groups.join(", "), some(*records, "record"));
            table.row(["lost", &format!("{groups}, for recipients of an older version ({records})")]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_ones_are_one_note_and_there_are_not_too_many() {
        let mut notes = Notes::default();
        assert!(!notes.is_worth_a_look());
        let left = |to: &str, reason: &str| LeftOut { to: to.parse().unwrap(), reason: reason.into() };
        notes.add(7, &["handling".into()], &[], vec![left("b", "no")], 0);
        notes.add(9, &["handling".into()], &[], vec![left("b", "no"), left("c", "no")], 2);
        let note = |to: &str, records, line| NotSent { to: to.into(), reason: "no".into(), records, line };
        assert_eq!(notes.left_out, [note("b", 2, 7), note("c", 1, 9)]);
        assert_eq!((notes.left_out_more, notes.lost.len(), notes.lost[0].records), (2, 1, 2));
        (0..300).for_each(|at| notes.add(at, &[format!("g{at}")], &[], vec![left("b", &at.to_string())], 0));
        assert_eq!((notes.left_out.len(), notes.lost.len()), (MAX_NOTES, MAX_NOTES));
        assert!(notes.is_worth_a_look() && notes.left_out_more == 2 + 300 - 98);
    }
}
