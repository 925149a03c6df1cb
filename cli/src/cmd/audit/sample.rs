//! `luxor audit sample`, and what it has in common with `pack`: reading the log, drawing, words.

use luxor_protocol::audit::AuditReport;
use luxor_protocol::audit::pack::{BuildError, Choice, LogCopy, PackSource, PackedSample, Population};
use luxor_protocol::audit::population::{BatchViews, Values};
use luxor_protocol::audit::sample::{Method, SamplePlan, Stratum, hundredths};
use luxor_protocol::document::Directory;
use luxor_protocol::exchange::AuditEntry;
use luxor_protocol::hash::hex;
use luxor_protocol::names::NodeRef;
use luxor_protocol::tlog::{Checkpoint, MAX_NOTE_BYTES, Note};
use serde::Serialize;

use super::args::{LogArgs, SampleArgs};
use crate::auditing;
use crate::client::{Client, ClientError};
use crate::exit::{Exit, FindingError, RefusedError, UsageError};
use crate::{files, ui};

/// A log that was read for a sample.
pub(super) struct Read {
    pub(super) node: NodeRef,
    /// The own node, through which it was read.
    pub(super) own: NodeRef,
    /// The checkpoint as signed.
    pub(super) note: Vec<u8>,
    pub(super) copy: LogCopy,
}

/// Entries and records through a node.
pub(super) struct NodeSource<'c> {
    pub(super) client: &'c Client,
    pub(super) node: &'c NodeRef,
}

#[derive(Serialize)]
struct Drawn<'a> {
    node: &'a NodeRef,
    checkpoint: Signed<'a>,
    plan: SamplePlan,
    population: Counts,
    strata: &'a [Stratum],
    chosen: Vec<Chosen>,
    audit: &'a AuditReport,
}

#[derive(Serialize)]
struct Signed<'a> {
    origin: &'a str,
    size: u64,
    root: String,
    note: String,
}

/// How large a population is.
#[derive(Serialize)]
pub(super) struct Counts {
    dispatches: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_value: Option<ValueCounts>,
}

#[derive(Serialize)]
struct ValueCounts {
    /// Dispatches whose batch is that of an earlier one.
    repeats: usize,
    /// Dispatches whose records cannot be proven, or whose view hides the value.
    excluded: usize,
    /// Records in the others.
    records: usize,
    /// Values listed.
    values: usize,
}

#[derive(Serialize)]
struct Chosen {
    entry: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<usize>,
}

pub(super) fn run(args: &SampleArgs) -> anyhow::Result<Exit> {
    let client = Client::open(&args.log.node.node)?;
    let directory = client.documents()?;
    let read = read(&client, &directory, &args.log, Some(args.method))?;
    let sample = draw(&read, args.plan(), &client)?;
    let choice = sample.choose(&read.copy.checkpoint);
    match args.log.node.json {
        true => ui::json(&drawn(&read, &sample, &choice))?,
        false => print(&read, &sample, &choice)?,
    }
    if !read.copy.report.ok() {
        ui::say("the audit of the log has findings\nhint: `luxor audit` lists them");
    }
    Ok(if read.copy.report.ok() { Exit::Ok } else { Exit::Findings })
}

/// Reads the log that the command line names; `method` is that of the sample, if there is to be one.
pub(super) fn read(
    client: &Client,
    directory: &Directory,
    args: &LogArgs,
    method: Option<Method>,
) -> anyhow::Result<Read> {
    let own: NodeRef = client.status()?.node.parse()?;
    let node = args.of.clone().unwrap_or_else(|| own.clone());
    let by_value = method == Some(Method::Value);
    if by_value && node != own {
        let what = format!(
            "a sample by value is drawn by {node} itself: the values stand in its records, and a mandate gives \
                            nobody those\nhint: have it run `luxor audit pack --method value --seed N` with your seed, and verify the pack"
        );
        return Err(UsageError(what).into());
    }
    let note = match &args.checkpoint {
        Some(file) => files::read(file, MAX_NOTE_BYTES)?,
        None => newest(client, &node, node == own)?,
    };
    let copy = auditing::copy(client, directory, &node, &note, by_value)?;
    Ok(Read { node, own, note, copy })
}

/// The newest checkpoint, with its cosignatures if they are there already and it is the own log's.
fn newest(client: &Client, node: &NodeRef, own: bool) -> anyhow::Result<Vec<u8>> {
    let newest = client.audit_page(node, 0, 1)?.checkpoint;
    let cosigned = if own { client.cosigned_checkpoint()? } else { None };
    let text = |note: &[u8]| Note::parse(note).ok().map(|note| note.text);
    Ok(cosigned.filter(|cosigned| text(cosigned) == text(&newest)).unwrap_or(newest))
}

/// Gathers the population.
pub(super) fn draw(read: &Read, plan: SamplePlan, client: &Client) -> anyhow::Result<PackedSample> {
    read.copy.sample(plan, &NodeSource { client, node: &read.node }).map_err(build_failed)
}

/// Tells a node that failed from one whose log is wrong.
pub(super) fn build_failed(error: BuildError<ClientError>) -> anyhow::Error {
    match error {
        BuildError::Source(error) => error.into(),
        BuildError::Hidden { .. } => RefusedError(error.to_string()).into(),
        BuildError::Tree | BuildError::Other { .. } => FindingError(error.to_string()).into(),
    }
}

impl PackSource for NodeSource<'_> {
    type Error = ClientError;

    fn entry(&self, index: u64) -> Result<AuditEntry, ClientError> {
        let page = self.client.audit_page(self.node, index, 1)?;
        page.entries.into_iter().next().ok_or_else(|| ClientError::answer("/v1/audit", format!("no entry {index}")))
    }

    fn views(&self, entry: u64) -> Result<BatchViews, ClientError> {
        self.client.audit_values(entry)
    }
}

/// How large the population is.
pub(super) fn counts(sample: &PackedSample) -> Counts {
    let rows = match &sample.population {
        Population::Dispatches(entries) => return Counts { dispatches: entries.len(), by_value: None },
        Population::Values(rows) => rows,
    };
    let mut counts = ValueCounts { repeats: 0, excluded: 0, records: 0, values: 0 };
    for row in rows {
        match &row.values {
            Values::Repeats(_) => counts.repeats += 1,
            Values::Unknown => counts.excluded += 1,
            Values::Listed(values) => {
                counts.records += row.records;
                counts.values += values.len();
            }
        }
    }
    Counts { dispatches: rows.len(), by_value: Some(counts) }
}

impl Counts {
    /// In words.
    pub(super) fn words(&self) -> String {
        let some = |number: usize, one: &str| super::super::some(number as u64, one);
        let mut words = format!("{} in the log, sent and received", dispatches(self.dispatches as u64));
        if let Some(by_value) = &self.by_value {
            let ValueCounts { repeats, excluded, records, values } = by_value;
            words += &format!(
                ", {repeats} with a batch that an earlier one has, {excluded} whose values cannot be proven; {} in the others, with {}",
                some(*records, "record"),
                some(*values, "value")
            );
        }
        words
    }
}

/// `1 dispatch`, `2 dispatches`.
pub(super) fn dispatches(number: u64) -> String {
    if number == 1 { "1 dispatch".to_owned() } else { format!("{} dispatches", ui::count(number)) }
}

/// What was drawn in one currency, in words.
pub(super) fn stratum_words(stratum: &Stratum) -> String {
    let amount = |amount: u128| hundredths(i128::try_from(amount).unwrap_or(i128::MAX));
    let mut words = format!(
        "{}: {} of {} chosen, {} of them certain; total {}, interval {}, start {}",
        stratum.currency.map_or("no currency".to_owned(), |currency| currency.to_string()),
        stratum.chosen.len(),
        super::super::some(stratum.units, "value"),
        stratum.certain,
        amount(stratum.total),
        amount(stratum.interval),
        amount(stratum.start),
    );
    if stratum.not_selectable > 0 {
        let none = super::super::some(stratum.not_selectable, "value");
        words += &format!("; {none} of zero or below, which no such sample chooses");
    }
    words
}

fn drawn<'a>(read: &'a Read, sample: &PackedSample, choice: &'a Choice) -> Drawn<'a> {
    let Checkpoint { origin, size, root, .. } = &read.copy.checkpoint;
    let note = String::from_utf8_lossy(&read.note).into_owned();
    let chosen = choice.entries.iter();
    Drawn {
        node: &read.node,
        checkpoint: Signed { origin, size: *size, root: hex(root), note },
        plan: sample.plan,
        population: counts(sample),
        strata: &choice.strata,
        chosen: chosen
            .map(|(entry, places)| Chosen { entry: *entry, records: places.iter().copied().collect() })
            .collect(),
        audit: &read.copy.report,
    }
}

fn print(read: &Read, sample: &PackedSample, choice: &Choice) -> anyhow::Result<()> {
    let SamplePlan { method, seed, count } = sample.plan;
    let checkpoint = &read.copy.checkpoint;
    ui::line(&format!("{}: sample by method {method}, seed {seed}, {count} asked for", read.node))?;
    let mut table = ui::Table::plain();
    table.row(["  checkpoint", &format!("{} entries, root {}", ui::count(checkpoint.size), hex(&checkpoint.root))]);
    table.row(["  population", &counts(sample).words()]);
    for stratum in &choice.strata {
        table.row(["  drawn", &stratum_words(stratum)]);
    }
    for (entry, places) in &choice.entries {
        let records = places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let records = if records.is_empty() { String::new() } else { format!(", record {records} of its batch") };
        table.row(["  chosen", &format!("entry {entry}{records}")]);
    }
    Ok(table.print()?)
}
