//! `luxor bench exchange`: found two members, time the primitives, start both nodes, submit, wait for every receipt, compare
//! the counts, then single records for their latency.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use luxor_protocol::api::{ApiFile, Status, Traffic};
use luxor_protocol::bench::{Records, decimal, per_second, percentile};
use luxor_protocol::limits::MAX_CHUNK_BYTES;

use super::feed::{self, Chunks};
use super::report::{Ends, ExchangeReport};
use super::{ExchangeArgs, PREFIX, child, process, report};
use crate::client::{self, Client, Connection};
use crate::exit::{Exit, UsageError};
use crate::local::{Children, Deal, Network, Place, Plan, Role, luxord, settle};
use crate::ui::{self, count};

const SENDER: &str = "platform";
const RECIPIENT: &str = "customs";
/// Records of the latency pass.
const LATENCY_SAMPLES: u64 = 300;
/// Records before them that are not counted.
const WARM_UP: u64 = 20;
/// Longest wait for one receipt in the latency pass.
const RECEIPT_WAIT_MS: u64 = 20_000;
const RECORD_SEED: u64 = 1;
/// Bytes of a chunk's list header at most.
const LIST_HEAD: u64 = 9;

static PLAN: Plan = Plan { name: "Luxor measurement", roles: &ROLES, governors: &[RECIPIENT], deals: &DEALS };

static ROLES: [Role<'static>; 2] = [
    Role { id: SENDER, name: "Measured Platform", kind: "platform", territory: "CN" },
    Role { id: RECIPIENT, name: "Measured Customs", kind: "customs", territory: "KR" },
];

static DEALS: [Deal; 1] = [Deal {
    id: "measurement",
    title: "Declarations for a measurement",
    ground: ("Measurement (invented)", "Article 1"),
    controller: "Measured Customs",
    type_name: "declaration",
    from: &[SENDER],
    to: RECIPIENT,
    purpose: "safety_security",
    groups: &["*"],
    destinations: &[],
    retention_days: 30,
}];

/// Runs it.
pub(super) fn run(args: &ExchangeArgs) -> Result<Exit> {
    let (batch, size) = (args.shape.batch, args.shape.size);
    if batch * size + LIST_HEAD > MAX_CHUNK_BYTES as u64 {
        return Err(UsageError(format!(
            "{batch} records of {size} bytes are more than a chunk's {MAX_CHUNK_BYTES} bytes\n\
             hint: a smaller --batch or --size"
        ))
        .into());
    }
    let in_flight = args.in_flight.unwrap_or(if batch == 1 { 256 } else { 4 });
    let daemon = luxord(args.run.luxord.as_deref())?;
    let source = Records::new(usize::try_from(size)?, RECORD_SEED)?;
    let place = Place::new(PREFIX, args.run.keep.as_deref())?;

    ui::say("timing the primitives");
    let primitives = child::primitives(&daemon, &place.path().join("primitives"), &args.shape)?;

    ui::say(&format!("founding a network of two members in {}", place.path().display()));
    let network = Network::found(place.path(), &PLAN)?;
    let mut children = Children::default();
    let mut start = |member: &str| children.start(&daemon, &network.dir(member));
    let pids = Ends { sender: start(SENDER)?, recipient: start(RECIPIENT)? };
    children.wait_ready()?;
    let api = client::api_file(&network.dir(SENDER))?;
    let open = |member: &str| Client::open(&network.dir(member).to_string_lossy());
    let clients = Ends { sender: open(SENDER)?, recipient: open(RECIPIENT)? };

    let chunks = Chunks::new(&source, args.records, batch);
    ui::say(&format!(
        "{} records of {} bytes, {batch} a dispatch, {in_flight} submissions at a time",
        count(args.records),
        source.record_bytes()
    ));
    let before = pids.each(|pid| process::cpu_micros(*pid))?;
    let client_before = process::cpu_micros(std::process::id())?;
    let began = Instant::now();
    let fed = feed::feed(&api, "bench", &chunks, in_flight, &mut children)?;
    settle(&clients.sender, &mut children)?;
    let time = began.elapsed();
    let client_cpu = process::cpu_micros(std::process::id())?.saturating_sub(client_before);
    let after = pids.each(|pid| process::cpu_micros(*pid))?;
    let statuses = clients.each(Client::status)?;
    let mut findings = compare(args.records, chunks.count(), &statuses);
    if (fed.records, fed.dispatches) != (args.records, chunks.count()) {
        findings.push(format!("{} records in {} dispatches were taken", fed.records, fed.dispatches));
    }
    drop(chunks);
    let rss_peak_bytes = pids.each(|pid| process::peak(*pid))?;
    let bytes_on_disk = Ends { sender: SENDER, recipient: RECIPIENT };
    let bytes_on_disk = bytes_on_disk.each(|member| process::disk_use(&network.dir(member).join("data")))?;

    ui::say(&format!("{LATENCY_SAMPLES} records one by one"));
    let latencies = latencies(&api, &source, args.records)?;
    let singles = WARM_UP + LATENCY_SAMPLES;
    let last = clients.each(Client::status)?;
    findings.extend(compare(args.records + singles, fed.dispatches + singles, &last));
    children.end()?;

    let records_per_second = per_second(args.records, time.as_micros());
    let ceiling = primitives.ceiling_records_per_second;
    let share = |micros: u64| decimal(micros.saturating_mul(1_000) / args.records);
    let report = ExchangeReport {
        records: args.records,
        batch,
        in_flight,
        record_bytes: source.record_bytes() as u64,
        dispatches: fed.dispatches,
        seconds: ui::seconds(time),
        records_per_second,
        ceiling_records_per_second: ceiling,
        // Thousandths of a percent.
        percent_of_ceiling: decimal(records_per_second.saturating_mul(100_000).checked_div(ceiling).unwrap_or(0)),
        entries_per_second: per_second(statuses.sender.log_entries + statuses.recipient.log_entries, time.as_micros()),
        latency_samples: LATENCY_SAMPLES,
        latency_p50_ms: decimal(percentile(&latencies, 50)),
        latency_p99_ms: decimal(percentile(&latencies, 99)),
        cpu_us_per_record: Ends {
            sender: share(after.sender.saturating_sub(before.sender)),
            recipient: share(after.recipient.saturating_sub(before.recipient)),
        },
        client_cpu_us_per_record: share(client_cpu),
        busy_answers: fed.busy,
        rss_peak_bytes,
        bytes_on_disk,
        findings,
        cores: primitives.cores,
        primitives: primitives.primitives,
        ceiling_terms: primitives.ceiling_terms,
    };
    match args.run.json {
        true => ui::json(&report)?,
        false => report::exchange(&report)?,
    }
    if let Some(kept) = place.keep() {
        ui::say(&format!("both nodes are kept in {}", kept.display()));
    }
    Ok(if report.findings.is_empty() { Exit::Ok } else { Exit::Findings })
}

/// Microseconds from submitting a single record to its receipt, ascending.
fn latencies(api: &ApiFile, source: &Records, first: u64) -> Result<Vec<u64>> {
    let mut connection = Connection::open(api)?;
    let mut latencies = Vec::new();
    for sample in 0..WARM_UP + LATENCY_SAMPLES {
        let chunk = source.chunk(first + sample, 1);
        let began = Instant::now();
        feed::put(&mut connection, "latency", sample, &chunk, &mut 0)?;
        let outbox = connection.outbox(RECEIPT_WAIT_MS)?;
        let time: Duration = began.elapsed();
        if outbox.pending > 0 {
            bail!("a single record got no receipt for {} s", RECEIPT_WAIT_MS / 1_000);
        }
        if sample >= WARM_UP {
            latencies.push(u64::try_from(time.as_micros()).context("a latency")?);
        }
    }
    latencies.sort_unstable();
    Ok(latencies)
}

/// What both nodes count must be what was sent.
fn compare(records: u64, dispatches: u64, statuses: &Ends<Status>) -> Vec<String> {
    let expected = Traffic { dispatches, refused: 0, accepted: records, rejected: 0, withdrawn: 0 };
    let traffic = [("the sender's receipts", &statuses.sender.sent), ("the recipient", &statuses.recipient.received)];
    let wrong = traffic.into_iter().filter(|(_, counted)| **counted != expected);
    wrong.map(|(who, counted)| format!("{who}: {} instead of {}", words(counted), words(&expected))).collect()
}

fn words(traffic: &Traffic) -> String {
    let Traffic { dispatches, refused, accepted, rejected, withdrawn } = traffic;
    format!(
        "{dispatches} dispatches ({refused} refused), {accepted} records accepted, {rejected} rejected, {withdrawn} withdrawn"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_differ_are_findings() {
        let traffic = |accepted| Traffic { dispatches: 2, accepted, ..Traffic::default() };
        let statuses = |received| Ends {
            sender: Status { sent: traffic(20), ..Status::default() },
            recipient: Status { received: traffic(received), ..Status::default() },
        };
        assert_eq!(compare(20, 2, &statuses(20)), Vec::<String>::new());
        let found = compare(20, 2, &statuses(19));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("the recipient: 2 dispatches (0 refused), 19 records"), "{found:?}");
    }
}
