//! The conformance report for people.

use std::collections::BTreeMap;
use std::time::Duration;

use luxor_protocol::sandbox::{Conformance, Verdict};

use crate::ui;

/// Findings of quality that are counted by rule; the rest is in the file.
const MAX_RULES_TOLD: usize = 12;

pub(super) fn print(report: &Conformance, run: u64, millis: u64) -> std::io::Result<()> {
    let partners: Vec<&str> = report.partners.iter().map(|partner| partner.as_str()).collect();
    ui::line(&format!(
        "rehearsal {run} of {} before {}, {}",
        report.me,
        partners.join(", "),
        ui::duration(Duration::from_millis(millis))
    ))?;
    ui::line(&format!("  from you     {}", counts(&report.received)))?;
    ui::line(&format!("  to you       {}", counts(&report.sent)))?;
    let played = |wanted: bool| {
        let some = report.rules.iter().filter(|(_, played)| (played.times > 0) == wanted);
        let named: Vec<String> = match wanted {
            true => some.map(|(name, played)| format!("{name} {}", played.times)).collect(),
            false => some.map(|(name, _)| name.clone()).collect(),
        };
        if named.is_empty() { "nothing".to_owned() } else { named.join(", ") }
    };
    ui::line(&format!("  played       {}", played(true)))?;
    ui::line(&format!("  not played   {}", played(false)))?;
    let quality = &report.quality;
    let rules: Vec<String> =
        quality.by_rule.iter().take(MAX_RULES_TOLD).map(|(rule, count)| format!("{rule} {}", count.findings)).collect();
    let rules = if rules.is_empty() { String::new() } else { format!("; findings: {}", rules.join(", ")) };
    ui::line(&format!(
        "  quality      {} of {} records without an error{rules}",
        quality.records - quality.with_error,
        quality.records
    ))?;
    for check in &report.checks {
        let partner = check.partner.as_ref().map(|partner| format!(" {partner}")).unwrap_or_default();
        let record = check.record.as_ref().map(|record| format!(" {record}")).unwrap_or_default();
        let pointer = check.pointer.as_ref().map(|pointer| format!(" {pointer}")).unwrap_or_default();
        ui::line(&format!("{:<8}{}{partner}{record}{pointer}", check.verdict.word(), check.requirement.words()))?;
        ui::line(&format!("        {}", check.text))?;
    }
    for alarm in &report.alarms {
        ui::line(&format!("ALARM   {} at {} about {}: {}", alarm.kind, alarm.partner, alarm.item, alarm.text))?;
    }
    for note in &report.notes {
        ui::line(&format!("        {note}"))?;
    }
    let all = [Verdict::Met, Verdict::Open, Verdict::Wrong, Verdict::Missing, Verdict::Late];
    let counted: Vec<String> =
        all.iter().map(|verdict| format!("{} {}", report.count(*verdict), verdict.word())).collect();
    let verdict = if report.conforms { "conforms" } else { "does not conform" };
    ui::line(&format!("{} {verdict}: {}", report.me, counted.join(", ")))
}

fn counts(by_type: &BTreeMap<String, u64>) -> String {
    let all: Vec<String> = by_type.iter().map(|(name, count)| format!("{name} {count}")).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}
