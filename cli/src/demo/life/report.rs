//! What happened, for a person and for a program.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::Number;

use super::audit::Audited;
use super::compare::{Compared, Found};
use super::fault::Fault;
use super::members::ROLES;
use super::windows::Closed;
use super::world::Planted;
use crate::ui::{self, Table, count, duration};

/// Deviations that are listed for people; all are counted.
const SHOWN: usize = 40;

/// Everything that the report tells.
pub(super) struct Outcome {
    pub(super) seed: u64,
    /// Generated parcels.
    pub(super) generated: u64,
    /// Parcels of the retail data.
    pub(super) retail_parcels: u64,
    /// The file with the retail data, where there is one.
    pub(super) retail: Option<String>,
    /// Its rows that are in no parcel, by reason.
    pub(super) left_out: BTreeMap<String, u64>,
    /// Records that each member handed in.
    pub(super) handed: BTreeMap<&'static str, u64>,
    /// Uses of the IOSS number that the platform confirmed.
    pub(super) confirmed: u64,
    /// Items whose filings were held against their deadlines.
    pub(super) held_against: u64,
    pub(super) planted: Vec<Planted>,
    pub(super) found: Vec<Found>,
    pub(super) compared: Compared,
    /// Log entries, records and items that customs of import looked at.
    pub(super) followed: [u64; 3],
    /// Dispatches of all members.
    pub(super) dispatches: u64,
    /// Records that recipients accepted, counted for each recipient.
    pub(super) deliveries: u64,
    pub(super) audited: Audited,
    /// What both sides of every channel signed.
    pub(super) closed: Closed,
    /// What else does not add up.
    pub(super) wrong: Vec<String>,
    pub(super) times: Vec<(&'static str, Duration)>,
}

/// The outcome for a program.
#[derive(Serialize)]
pub(super) struct Summary<'o> {
    seed: u64,
    members: usize,
    /// Generated parcels, and those of the retail data.
    parcels: u64,
    retail_parcels: u64,
    /// Rows of the retail data that are in no parcel, by reason; nothing without the file.
    retail_left_out: Option<&'o BTreeMap<String, u64>>,
    /// By member.
    records: &'o BTreeMap<&'static str, u64>,
    records_total: u64,
    uses_confirmed: u64,
    /// Items whose filings were held against their deadlines: those with a planted fault, and a sample of the others.
    deadlines_checked: u64,
    dispatches: u64,
    deliveries: u64,
    planted: usize,
    kinds: usize,
    found: usize,
    /// Planted and not found.
    missing: &'o [Planted],
    /// Found and not planted.
    surplus: &'o [Found],
    classes: BTreeMap<&'o str, ClassCount>,
    /// What customs of import looked at.
    reconciled: Reconciled,
    /// Channels about which both sides signed one statement, and the numbers that these cover.
    statements: u64,
    statement_numbers: u64,
    receipts_verified: u64,
    log_entries: u64,
    audit: &'static str,
    /// Entries that show the auditor a name or address.
    personal_fields: u64,
    /// Entries of the sample, opened and verified from a file.
    samples_opened: usize,
    damage_found: bool,
    findings: usize,
    finding_texts: Vec<String>,
    seconds: Number,
}

#[derive(Serialize)]
struct ClassCount {
    planted: u64,
    found: u64,
}

#[derive(Serialize)]
struct Reconciled {
    log_entries: u64,
    records: u64,
    items: u64,
}

impl Outcome {
    /// Everything that does not hold.
    pub(super) fn findings(&self) -> Vec<String> {
        let mut all = self.compared.findings();
        all.extend(self.wrong.iter().chain(&self.closed.findings).chain(&self.audited.findings).cloned());
        all
    }

    fn receipts(&self) -> u64 {
        self.audited.reports.iter().map(|report| report.receipts).sum()
    }

    fn entries(&self) -> u64 {
        self.audited.reports.iter().map(|report| report.entries).sum()
    }

    fn total(&self) -> Duration {
        self.times.iter().map(|(_, time)| *time).sum()
    }

    fn kinds(&self) -> BTreeMap<Fault, u64> {
        let mut kinds = BTreeMap::new();
        for one in &self.planted {
            *kinds.entry(one.fault).or_default() += 1;
        }
        kinds
    }

    /// The outcome for a program.
    pub(super) fn summary(&self) -> Summary<'_> {
        let findings = self.findings();
        let [log_entries, records, items] = self.followed;
        let classes = self.compared.classes.iter();
        let classes = classes.map(|(class, (planted, found))| {
            let count = ClassCount { planted: *planted, found: *found };
            (class.as_str(), count)
        });
        Summary {
            seed: self.seed,
            members: ROLES.len(),
            parcels: self.generated,
            retail_parcels: self.retail_parcels,
            retail_left_out: self.retail.as_ref().map(|_| &self.left_out),
            records: &self.handed,
            records_total: self.handed.values().sum(),
            uses_confirmed: self.confirmed,
            deadlines_checked: self.held_against,
            dispatches: self.dispatches,
            deliveries: self.deliveries,
            planted: self.planted.len(),
            kinds: self.kinds().len(),
            found: self.found.len(),
            missing: &self.compared.missing,
            surplus: &self.compared.surplus,
            classes: classes.collect(),
            reconciled: Reconciled { log_entries, records, items },
            statements: self.closed.channels,
            statement_numbers: self.closed.numbers,
            receipts_verified: self.receipts(),
            log_entries: self.entries(),
            audit: if self.audited.findings.is_empty() { "ok" } else { "failed" },
            personal_fields: self.audited.personal,
            samples_opened: self.audited.opened,
            damage_found: self.audited.damage_found,
            findings: findings.len(),
            finding_texts: findings,
            seconds: ui::seconds(self.total()),
        }
    }

    /// The report.
    pub(super) fn print(&self) -> io::Result<()> {
        self.print_input()?;
        self.print_faults()?;
        self.print_audit()?;
        let parts: Vec<_> = self.times.iter().map(|(what, time)| format!("{what} {}", duration(*time))).collect();
        ui::line("")?;
        ui::line(&format!("Time: {} ({})", duration(self.total()), parts.join(", ")))
    }

    fn print_input(&self) -> io::Result<()> {
        ui::line(&format!(
            "Parcels: {} generated (seed {}), {} of real sales{}",
            count(self.generated),
            self.seed,
            count(self.retail_parcels),
            self.retail.as_ref().map(|file| format!(" ({file})")).unwrap_or_else(|| ", which are left out".to_owned()),
        ))?;
        for (reason, rows) in &self.left_out {
            ui::line(&format!("  {} rows left out: {reason}", count(*rows)))?;
        }
        ui::line("")?;
        ui::line("Records, each handed in by the member that knows it:")?;
        let mut table = Table::new(&["  member", "kind", "records"], &[2]);
        for role in ROLES.iter().filter(|role| self.handed.contains_key(role.id)) {
            let records = self.handed.get(role.id).copied().unwrap_or(0);
            table.row([format!("  {}", role.id), role.kind.to_owned(), count(records)]);
        }
        table.print()?;
        ui::line(&format!(
            "  and {} confirmed uses of the IOSS number; {} dispatches with {} records for their recipients",
            count(self.confirmed),
            count(self.dispatches),
            count(self.deliveries),
        ))
    }

    fn print_faults(&self) -> io::Result<()> {
        ui::line("")?;
        let [entries, records, items] = self.followed;
        ui::line(&format!(
            "Planted faults and what was found ({} items, {} records, {} log entries at customs of import):",
            count(items),
            count(records),
            count(entries)
        ))?;
        let mut table = Table::new(&["  fault", "at", "class", "planted", "found"], &[3, 4]);
        for (fault, planted) in self.kinds() {
            let class = self.planted.iter().find(|one| one.fault == fault).map_or("", |one| one.class);
            let found = self.compared.classes.get(class).map_or(0, |(_, found)| *found);
            table.row([
                format!("  {}", fault.words()),
                fault.found_at().to_owned(),
                class.to_owned(),
                count(planted),
                count(found),
            ]);
        }
        table.print()?;
        ui::line(&format!("  deadlines were held against filings of {} items", count(self.held_against)))?;
        let (missing, surplus) = (self.compared.missing.len() as u64, self.compared.surplus.len() as u64);
        let verdict = match (missing, surplus) {
            (0, 0) => "all of them found, and nothing else".to_owned(),
            _ => format!("{} NOT FOUND, {} found that nobody planted", count(missing), count(surplus)),
        };
        ui::line(&format!("  {} planted: {verdict}", count(self.planted.len() as u64)))
    }

    fn print_audit(&self) -> io::Result<()> {
        ui::line("")?;
        ui::line(&format!(
            "Both sides of {} channels signed one statement about all of their {} numbers",
            count(self.closed.channels),
            count(self.closed.numbers)
        ))?;
        ui::line("")?;
        ui::line("Audit of every log:")?;
        let mut table = Table::new(&["  node", "entries", "receipts", "findings"], &[1, 2, 3]);
        for report in &self.audited.reports {
            let cells = [report.entries, report.receipts, report.findings_count].map(count);
            table.row(std::iter::once(format!("  {}", report.node)).chain(cells));
        }
        table.print()?;
        ui::line(&format!(
            "  {} entries with a name or address of a party; {} entries of customs' log opened by seed {} and verified from a file",
            count(self.audited.personal),
            count(self.audited.opened as u64),
            self.seed
        ))?;
        let findings = self.findings();
        findings.iter().take(SHOWN).try_for_each(|finding| ui::line(&format!("  FINDING {finding}")))?;
        match findings.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => ui::line(&format!("  and {} more findings; --json has all", count(more as u64))),
        }
    }
}

/// What became of the nodes.
pub(super) fn print_place(kept: Option<&Path>) -> io::Result<()> {
    let Some(dir) = kept else {
        return ui::line("The nodes have ended and their folder is gone; --keep DIR keeps it.");
    };
    let dir = dir.display();
    ui::line(&format!("The nodes have ended; their folders are kept in {dir}, with expected.json, what was planted."))?;
    ui::line(&format!("  luxord --dir {dir}/customs-eu"))?;
    ui::line(&format!("  luxor reconcile --node {dir}/customs-eu"))
}
