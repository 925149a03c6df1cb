//! What happened, for a person and for a program.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use luxor_protocol::api::{OutboxState, Status};
use luxor_protocol::record::DECLARATION;
use serde::Serialize;
use serde_json::{Number, Value};

use super::members::{AUDITOR, CUSTOMS, DEALS, ROLES};
use super::sights::Sights;
use super::submission::Submitted;
use super::verify::Verified;
use crate::ui::{self, Table, count, duration};

/// Everything that the report tells.
pub(super) struct Outcome {
    /// Where the records came from, in words.
    pub(super) source: String,
    /// What was submitted.
    pub(super) submitted: Submitted,
    /// The platform's outbox, once nothing was left in it.
    pub(super) outbox: OutboxState,
    /// Every node at the end.
    pub(super) statuses: BTreeMap<&'static str, Status>,
    /// The audit.
    pub(super) verified: Verified,
    /// One parcel, seen by several.
    pub(super) sights: Sights,
    /// What else does not add up.
    pub(super) accounts: Vec<String>,
    /// How long each part took.
    pub(super) times: Vec<(&'static str, Duration)>,
}

/// The outcome for a program.
#[derive(Serialize)]
pub(super) struct Summary {
    /// Members of the network, each with one node.
    members: usize,
    /// Dispatches that the platform sent, each with its receipt.
    dispatches: u64,
    /// Input rows.
    rows: u64,
    /// Rows that became no submitted record: they could not be mapped, or no agreement gives their record to anybody.
    rows_refused: u64,
    /// Why, with how many rows.
    refusals: BTreeMap<String, u64>,
    /// Records that the platform's node took.
    records_submitted: u64,
    /// Of these, records that customs accepted. Every record goes to exactly one customs.
    records_accepted: u64,
    /// Of these, records that customs rejected.
    records_rejected: u64,
    /// Records delivered, counted once for each recipient that accepted it.
    deliveries: u64,
    /// Receipts of counterparties that the audit verified.
    receipts_verified: u64,
    /// Entries of all logs together.
    log_entries: u64,
    /// `ok` or `failed`.
    audit: &'static str,
    /// How many things do not hold.
    findings: usize,
    /// Which.
    finding_texts: Vec<String>,
    /// From founding to the end of the audit, with milliseconds.
    seconds: Number,
}

impl Outcome {
    /// Everything that does not hold.
    pub(super) fn findings(&self) -> impl Iterator<Item = &String> {
        self.accounts.iter().chain(&self.verified.findings).chain(&self.sights.findings)
    }

    /// Records that customs accepted and rejected. Each record goes to one customs, so these are records, not deliveries.
    pub(super) fn verdicts(&self) -> (u64, u64) {
        let received = || CUSTOMS.iter().filter_map(|member| self.statuses.get(member)).map(|status| &status.received);
        (received().map(|r| r.accepted).sum(), received().map(|r| r.rejected).sum())
    }

    fn audit(&self) -> &'static str {
        if self.verified.findings.is_empty() { "ok" } else { "failed" }
    }

    fn total(&self) -> Duration {
        self.times.iter().map(|(_, time)| *time).sum()
    }

    /// The outcome for a program.
    pub(super) fn summary(&self) -> Summary {
        let (records_accepted, records_rejected) = self.verdicts();
        Summary {
            members: ROLES.len(),
            dispatches: self.outbox.sent.dispatches,
            rows: self.submitted.rows,
            rows_refused: self.submitted.rows_refused,
            refusals: self.submitted.reasons.clone(),
            records_submitted: self.submitted.records,
            records_accepted,
            records_rejected,
            deliveries: self.outbox.sent.accepted,
            receipts_verified: self.verified.receipts(),
            log_entries: self.verified.entries(),
            audit: self.audit(),
            findings: self.findings().count(),
            finding_texts: self.findings().cloned().collect(),
            seconds: ui::seconds(self.total()),
        }
    }

    /// The report.
    pub(super) fn print(&self) -> io::Result<()> {
        self.print_input()?;
        self.print_traffic()?;
        self.print_parcel()?;
        self.print_audit()?;
        let parts: Vec<_> = self.times.iter().map(|(what, time)| format!("{what} {}", duration(*time))).collect();
        ui::line("")?;
        ui::line(&format!("Time: {} ({})", duration(self.total()), parts.join(", ")))
    }

    fn print_input(&self) -> io::Result<()> {
        let submitted = &self.submitted;
        ui::line(&format!("Input: {}", self.source))?;
        ui::line(&format!(
            "  {} rows: {} in {} records submitted to the platform's node, {} refused",
            count(submitted.rows),
            count(submitted.rows - submitted.rows_refused),
            count(submitted.records),
            count(submitted.rows_refused),
        ))?;
        for (reason, rows) in &submitted.reasons {
            ui::line(&format!("  refused {}: {reason}", count(*rows)))?;
        }
        for first in &submitted.first_refused {
            ui::line(&format!("    for example {first}"))?;
        }
        Ok(())
    }

    fn print_traffic(&self) -> io::Result<()> {
        ui::line("")?;
        ui::line("Sent by the platform, each record cut to what the agreement gives:")?;
        let mut table = Table::new(&["  to", "for", "dispatches", "accepted", "rejected", "sees"], &[2, 3, 4]);
        for deal in DEALS.iter().filter(|deal| deal.type_name == DECLARATION.name) {
            let Some(received) = self.statuses.get(deal.to).map(|status| &status.received) else { continue };
            let sees = match deal.groups {
                ["*"] => format!("all {} groups", DECLARATION.groups.len()),
                groups => format!("{} of {} groups", groups.len(), DECLARATION.groups.len()),
            };
            table.row([
                format!("  {}", deal.to),
                deal.purpose.to_owned(),
                count(received.dispatches),
                count(received.accepted),
                count(received.rejected),
                sees,
            ]);
        }
        table.print()
    }

    fn print_parcel(&self) -> io::Result<()> {
        let Some(whole) = self.sights.parcel.first() else { return Ok(()) };
        ui::line("")?;
        ui::line("One parcel as each of them sees it:")?;
        let mut heading = vec!["  group"];
        heading.extend(self.sights.parcel.iter().map(|sight| sight.member));
        heading.push("for example");
        let mut table = Table::new(&heading, &[]);
        for group in DECLARATION.groups.iter().filter(|group| find(&whole.record, group.name).is_some()) {
            let mut cells = vec![format!("  {}", group.name)];
            cells.extend(self.sights.parcel.iter().map(|sight| match find(&sight.record, group.name) {
                Some(_) => "seen".to_owned(),
                None => "withheld".to_owned(),
            }));
            cells.push(example(&whole.record, group.name));
            table.row(cells);
        }
        table.print()?;
        let verdict = match self.sights.findings.len() {
            0 => "nobody sees another group than agreed".to_owned(),
            wrong => format!("{wrong} FINDINGS, told below"),
        };
        ui::line(&format!("  checked in {} records of these dispatches: {verdict}", count(self.sights.checked as u64)))
    }

    fn print_audit(&self) -> io::Result<()> {
        ui::line("")?;
        ui::line(&format!("Audit by {AUDITOR}, over every log:"))?;
        let mut table =
            Table::new(&["  node", "entries", "checkpoints", "signatures", "receipts", "findings"], &[1, 2, 3, 4, 5]);
        for report in &self.verified.reports {
            table.row([
                format!("  {}", report.node),
                count(report.entries),
                count(report.checkpoints),
                count(report.dispatch_signatures),
                count(report.receipts),
                count(report.findings_count),
            ]);
        }
        table.print()?;
        ui::line(&format!(
            "  {} dispatches, {} receipts verified, {} entries in all logs; audit {}",
            count(self.outbox.sent.dispatches),
            count(self.verified.receipts()),
            count(self.verified.entries()),
            self.audit(),
        ))?;
        self.findings().try_for_each(|finding| ui::line(&format!("  FINDING {finding}")))
    }
}

/// One JSON object on one line.
pub(super) fn print_json(object: &impl Serialize) -> io::Result<()> {
    ui::line(&serde_json::to_string(object).map_err(io::Error::from)?)
}

/// What became of the nodes, and how to look at those that are kept.
pub(super) fn print_place(kept: Option<&Path>) -> io::Result<()> {
    let Some(dir) = kept else {
        return ui::line("The nodes have ended and their folder is gone; --keep DIR keeps it.");
    };
    let dir = dir.display();
    ui::line(&format!("The nodes have ended; their folders are kept in {dir}. To look around, start one again:"))?;
    ui::line(&format!("  luxord --dir {dir}/customs-kr"))?;
    ui::line(&format!("  luxor status --node {dir}/customs-kr"))?;
    ui::line(&format!("  luxor inbox --node {dir}/customs-kr --records"))
}

/// The group of a view, of the record or of its first goods item that has it.
fn find<'a>(view: &'a Value, group: &str) -> Option<&'a Value> {
    let in_goods = || view.get("goods")?.as_array()?.iter().find_map(|item| item.get(group));
    view.get(group).or_else(in_goods)
}

/// The first three fields of a group, in the order of the type table.
fn example(view: &Value, group: &str) -> String {
    let Some((_, definition)) = DECLARATION.group(group) else { return String::new() };
    let fields = find(view, group).map(|found| found.get(0).unwrap_or(found));
    let values = definition.fields.iter().filter_map(|field| fields?.get(field.name));
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    values.take(3).map(text).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn examples_come_from_record_goods_and_lists() {
        let view = json!({
            "postage": { "currency": "EUR", "amount": "3.50" },
            "fiscal": [{ "id": "IM0000000000" }],
            "goods": [{}, { "classification": { "hs": "610910" } }],
        });
        assert_eq!(example(&view, "postage"), "3.50 EUR");
        assert_eq!(example(&view, "fiscal"), "IM0000000000");
        assert_eq!(example(&view, "classification"), "610910");
        assert_eq!(example(&view, "order"), "");
    }
}
