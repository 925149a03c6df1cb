//! The figures, for a program and for a person.

use std::collections::BTreeMap;
use std::io;

use luxor_protocol::bench::{
    AccountingReport, AttestReport, CeilingTerm, DecisionReport, DisclosureReport, End, Latencies, LogReport, Per,
    PolicyReport, Primitive, PrimitivesReport, QualityReport, RecognitionReport, ScreeningReport, StatisticsReport,
    WindowsReport, XmlReport, decimal,
};
use serde::Serialize;
use serde_json::Number;

use crate::ui::{self, Table, count};

/// Something of each of the two nodes.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ends<T> {
    /// The node that submits and sends.
    pub(super) sender: T,
    /// The node that checks and answers.
    pub(super) recipient: T,
}

impl<T> Ends<T> {
    /// The same of both.
    pub(super) fn each<U, E>(&self, of: impl Fn(&T) -> Result<U, E>) -> Result<Ends<U>, E> {
        Ok(Ends { sender: of(&self.sender)?, recipient: of(&self.recipient)? })
    }
}

/// What `luxor bench exchange --json` prints.
#[derive(Debug, Serialize)]
pub(super) struct ExchangeReport {
    pub(super) records: u64,
    pub(super) batch: u64,
    pub(super) in_flight: u64,
    /// Encoded bytes of a record.
    pub(super) record_bytes: u64,
    pub(super) dispatches: u64,
    /// From the first submission to the last receipt.
    pub(super) seconds: Number,
    pub(super) records_per_second: u64,
    pub(super) ceiling_records_per_second: u64,
    pub(super) percent_of_ceiling: Number,
    /// Log entries of both nodes: one at each for a dispatch, and one for its receipt at the sender.
    pub(super) entries_per_second: u64,
    /// Single records in a pass of their own, one in flight, from submission to receipt.
    pub(super) latency_samples: u64,
    pub(super) latency_p50_ms: Number,
    pub(super) latency_p99_ms: Number,
    /// Processor time of each node between the first submission and the last receipt.
    pub(super) cpu_us_per_record: Ends<Number>,
    /// The same of this command, which shares the cores with both.
    pub(super) client_cpu_us_per_record: Number,
    /// Submissions that had to come again.
    pub(super) busy_answers: u64,
    pub(super) rss_peak_bytes: Ends<u64>,
    /// The nodes' data folders once every receipt was there, before the latency pass.
    pub(super) bytes_on_disk: Ends<u64>,
    /// Counts that do not add up.
    pub(super) findings: Vec<String>,
    /// Threads that can run at a time.
    pub(super) cores: u64,
    /// Each primitive by name, measured just before in one process.
    pub(super) primitives: BTreeMap<String, Primitive>,
    /// The summands of the ceiling.
    pub(super) ceiling_terms: Vec<CeilingTerm>,
}

/// Prints an exchange for people.
pub(super) fn exchange(report: &ExchangeReport) -> io::Result<()> {
    let mut table = Table::plain();
    let ExchangeReport { records_per_second, ceiling_records_per_second, percent_of_ceiling, .. } = report;
    table.row(["records per second", &count(*records_per_second)]);
    let ceiling = format!("{} ({percent_of_ceiling} % of it reached)", count(*ceiling_records_per_second));
    table.row(["ceiling of this machine", &ceiling]);
    table.row(["latency p50, p99", &format!("{} ms, {} ms", report.latency_p50_ms, report.latency_p99_ms)]);
    table.row(["log entries per second", &count(report.entries_per_second)]);
    let sent = format!("{} in {} dispatches, {} s", count(report.records), count(report.dispatches), report.seconds);
    table.row(["records", &sent]);
    let (cpu, client) = (&report.cpu_us_per_record, &report.client_cpu_us_per_record);
    let cpu = format!("sender {} us, recipient {} us, this command {client} us", cpu.sender, cpu.recipient);
    table.row(["processor time per record", &cpu]);
    let both = |ends: &Ends<u64>| format!("sender {}, recipient {}", mib(ends.sender), mib(ends.recipient));
    table.row(["memory at most", &both(&report.rss_peak_bytes)]);
    table.row(["on disk", &both(&report.bytes_on_disk)]);
    if report.busy_answers > 0 {
        table.row(["submissions put off", &count(report.busy_answers)]);
    }
    for finding in &report.findings {
        table.row(["FINDING", finding]);
    }
    table.print()?;
    ui::line("")?;
    terms(&report.ceiling_terms, report.batch)
}

/// Prints a log's figures for people.
pub(super) fn log(report: &LogReport) -> io::Result<()> {
    let mut table = Table::plain();
    table.row(["entries per second", &count(report.entries_per_second)]);
    table.row(["latency p50, p99, so many", &format!("{} ms, {} ms", report.loaded_p50_ms, report.loaded_p99_ms)]);
    table.row(["latency p50, p99, one", &format!("{} ms, {} ms", report.latency_p50_ms, report.latency_p99_ms)]);
    let all = format!("{} in {} s, {} in flight", count(report.entries), report.seconds, report.in_flight);
    table.row(["entries", &all]);
    table.row(["each with", &format!("{} bytes that it commits to", count(report.opening_bytes))]);
    let groups = format!("{}, of {} entries on average", count(report.groups), count(report.entries_per_group));
    table.row(["synced writes", &groups]);
    let proof = &report.proof;
    table.row(["inclusion proof p50, p99", &format!("{} us, {} us", proof.made_p50_us, proof.made_p99_us)]);
    let first = format!("{} us; with its opening {} us", proof.fresh_p50_us, proof.whole_p50_us);
    table.row(["from the disk p50", &first]);
    table.row(["beside it", &format!("{} us to read {} rows", proof.rows_p50_us, proof.hashes)]);
    table.row(["checking one p50", &format!("{} us", proof.checked_p50_us)]);
    table.row(["memory at most", &mib(report.rss_peak_bytes)]);
    table.row(["on disk", &mib(report.bytes_on_disk)]);
    table.print()
}

/// Prints what decisions cost, for people.
pub(super) fn policy(report: &PolicyReport) -> io::Result<()> {
    let mut table = Table::plain();
    let of = |of: &DecisionReport| format!("{} ns, {} ns", count(of.p50_ns), count(of.p99_ns));
    table.row(["a decision p50, p99", &of(&report.decide)]);
    table.row(["for an arriving dispatch p50, p99", &of(&report.permits)]);
    table.row(["about nothing p50, p99", &of(&report.nothing)]);
    table.row(["of which reading the clock", &format!("{} ns", report.clock_ns)]);
    let (rules, agreements) = (count(report.rules), count(report.agreements));
    table.row(["rules", &format!("{rules}, of {agreements} agreements of {} members", count(report.members))]);
    let (denied, nothing) = (count(report.denied), count(report.about_nothing));
    let questions = format!("{}, of which {denied} denied, {nothing} of them about nothing", count(report.questions));
    table.row(["questions", &questions]);
    table.row(["compiling the policy", &format!("{} ms", report.compile_ms)]);
    table.row(["one more agreement p50", &format!("{} ms", report.one_more_ms)]);
    let all = format!("{} ms for {} documents and their signatures", report.load_ms, count(report.documents));
    table.row(["checking all", &all]);
    table.print()
}

/// Prints what disclosures cost, for people.
pub(super) fn disclosure(report: &DisclosureReport) -> io::Result<()> {
    let mut table = Table::new(&["for one record", "luxor", "SD-JWT"], &[1, 2]);
    let us = |of: &Number| format!("{of} us");
    let (ours, theirs) = (&report.luxor, &report.sd_jwt);
    table.row(["issue", &us(&ours.issue_us), &us(&theirs.issue_us)]);
    table.row(["disclose", &us(&ours.disclose_us), &us(&theirs.disclose_us)]);
    table.row(["verify", &us(&ours.verify_us), &us(&theirs.verify_us)]);
    table.row(["bytes", &count(ours.wire_bytes), &count(theirs.wire_bytes)]);
    table.print()?;
    ui::line("")?;
    let (shown, fields) = (report.disclosed_fields, report.fields);
    ui::line(&format!("{shown} of {fields} fields shown, {} records a batch", count(report.batch)))?;
    let (part, whole) = (&report.times_disclose_and_verify, &report.times_whole);
    ui::line(&format!("{part} times cheaper to disclose and verify, {whole} times with issuing"))
}

/// Prints what checks do, for people.
pub(super) fn quality(report: &QualityReport) -> io::Result<()> {
    let mut table = Table::new(&["on one core", "records/s"], &[1]);
    table.row(["checked", &count(report.checked_per_second)]);
    table.row(["views of half the groups checked", &count(report.views_per_second)]);
    table.row(["category of release found", &count(report.released_per_second)]);
    table.row(["records of random letters checked", &count(report.random_per_second)]);
    table.row(["ceiling: every value only read", &count(report.walked_per_second)]);
    table.print()?;
    ui::line("")?;
    let (records, bytes, values) = (count(report.records), count(report.record_bytes), count(report.values));
    ui::line(&format!(
        "{records} declarations of {bytes} bytes and {values} values, {} findings",
        count(report.findings)
    ))?;
    ui::line(&format!("a checker is made in {} us", report.checker_us))
}

/// Prints what credentials and status lists cost, for people.
pub(super) fn attest(report: &AttestReport) -> io::Result<()> {
    let mut table = Table::new(&["credential", "presented bytes", "issued us", "verified us"], &[1, 2, 3]);
    for one in &report.credentials {
        let (issue, verify) = (one.issue_us.to_string(), one.verify_us.to_string());
        table.row([one.algorithm.as_str(), &count(one.presented_bytes), &issue, &verify]);
    }
    table.print()?;
    ui::line("")?;
    let mut table = Table::new(&["statuses changed", "token bytes", "median us", "99 % us"], &[0, 1, 2, 3]);
    for one in &report.lists {
        let (median, slow) = (one.median_us.to_string(), one.p99_us.to_string());
        table.row([count(one.changed).as_str(), &count(one.token_bytes), &median, &slow]);
    }
    table.print()?;
    ui::line(&format!("a list of {}, changed and signed; {} rounds", count(report.statuses), count(report.rounds)))
}

/// Prints what recognising costs, for people.
pub(super) fn recognition(report: &RecognitionReport) -> io::Result<()> {
    let us = |ns: u64| decimal(ns).to_string();
    let mut table = Table::new(&["", "p50 us", "p99 us", "max us", "slowest seen us"], &[1, 2, 3, 4]);
    for (what, of, seen) in [
        ("an answer", &report.answer, us(report.seen_max_ns)),
        ("first pass", &report.first_pass, String::new()),
        ("a look-up alone", &report.look_up, us(report.look_up_seen_max_ns)),
        ("reading the clock", &report.clock, us(report.clock_seen_max_ns)),
    ] {
        let Latencies { p50_ns, p99_ns, max_ns } = *of;
        table.row([what, &us(p50_ns), &us(p99_ns), &us(max_ns), &seen]);
    }
    table.print()?;
    ui::line("")?;
    let (attestations, questions) = (count(report.attestations), count(report.questions));
    let (administrations, agreements) = (report.administrations, count(report.agreements));
    ui::line(&format!("{attestations} attestations of {administrations} administrations, {agreements} agreements"))?;
    let (over, all) = (count(report.seen_over_50_us), count(report.questions * report.passes));
    ui::line(&format!(
        "{questions} questions, {} recognised; {over} of {all} answers took over 50 us",
        count(report.recognised)
    ))?;
    let (statuses, memory) = (count(report.list_statuses), mib(report.memory_bytes));
    ui::line(&format!(
        "a newer status list of {statuses} taken, every attestation in it looked up: {} ms",
        report.list_ms
    ))?;
    ui::line(&format!("all loaded in {} ms; memory at most {memory}", report.load_ms))
}

/// Prints what a record costs a business reconciliation, for people.
pub(super) fn reconcile(report: &AccountingReport) -> io::Result<()> {
    let us = |ns: u64| decimal(ns).to_string();
    let mut table = Table::new(&["", "p50 us", "p99 us", "max us"], &[1, 2, 3]);
    for (what, of) in [
        ("a record, books full", &report.update),
        ("a late link", &report.link),
        ("a record, while filling", &report.filling),
        ("reading the clock", &report.clock),
    ] {
        let Latencies { p50_ns, p99_ns, max_ns } = *of;
        table.row([what, &us(p50_ns), &us(p99_ns), &us(max_ns)]);
    }
    table.print()?;
    ui::line("")?;
    let (items, records) = (count(report.items), count(report.records));
    ui::line(&format!("{items} items of {records} records, handed in in {} ms", report.filled_ms))?;
    let (over, updates) = (count(report.updates_over_50_us), count(report.updates));
    ui::line(&format!("{updates} further records, {over} of them took over 50 us; {} links", count(report.links)))?;
    let due = count(report.due);
    ui::line(&format!("{due} items looked at again when terms ended, {} us each", us(report.due_ns)))?;
    ui::line(&format!("{} differences, those that were planted", count(report.findings)))?;
    ui::line(&format!("memory {}, {} bytes an item", mib(report.memory_bytes), report.bytes_per_item))
}

/// Prints how long tables took, for people.
pub(super) fn statistics(report: &StatisticsReport) -> io::Result<()> {
    let mut table = Table::new(&["", "cells", "of value"], &[1, 2]);
    let share = |per_mille: u64| format!("{}.{} %", per_mille / 10, per_mille % 10);
    table.row(["all", &count(report.cells), ""]);
    table.row(["sensitive", &count(report.primary), &share(report.primary_value_per_mille)]);
    table.row(["withheld for others' sake", &count(report.secondary), &share(report.secondary_value_per_mille)]);
    table.print()?;
    ui::line("")?;
    let (items, bytes, memory) = (count(report.items), count(report.bytes), mib(report.memory_bytes));
    ui::line(&format!(
        "{items} items added up in {} ms, tables made and proven in {} ms",
        report.load_ms, report.disclose_ms
    ))?;
    ui::line(&format!("the publication has {bytes} bytes; memory at most {memory}"))
}

/// Prints how fast declarations are screened, for people.
pub(super) fn screening(report: &ScreeningReport) -> io::Result<()> {
    let mut table = Table::new(&["", "indicators", "a second", "first pass", "ns each", "hits"], &[1, 2, 3, 4, 5]);
    for (what, of) in [("exact and prefix", &report.exact), ("names", &report.names)] {
        let [indicators, second, first, each, hits] =
            [of.indicators, of.per_second, of.first_pass_per_second, of.each_ns, of.hits].map(count);
        table.row([what.to_owned(), indicators, second, first, each, hits]);
    }
    table.print()?;
    ui::line("")?;
    let (meant, all) = (count(report.exact.meant + report.names.meant), count(report.exact.declarations));
    ui::line(&format!("of {all} declarations each, on one core; all {meant} that were meant to be hit were"))?;
    ui::line(&format!("memory {}", mib(report.memory_bytes)))
}

/// Prints what comparing two sides takes, for people.
pub(super) fn windows(report: &WindowsReport) -> io::Result<()> {
    let (numbers, differences) = (count(report.numbers), count(report.differences));
    ui::line(&format!("a window of {numbers} numbers, one side's tree made in {} ms", report.tree_ms))?;
    ui::line("")?;
    let mut table = Table::new(&["", "questions", "bytes", "ms"], &[1, 2, 3]);
    let row = |what: &str, questions: u64, bytes: u64, ms: &Number| {
        [what.to_owned(), count(questions), count(bytes), ms.to_string()]
    };
    table.row(row(&format!("{differences} differences"), report.questions, report.bytes, &report.compare_ms));
    table.row(row("equal", report.equal_questions, report.equal_bytes, &report.equal_ms));
    table.print()
}

/// Prints how fast XML is read, for people.
pub(super) fn xml(report: &XmlReport) -> io::Result<()> {
    let mut table = Table::plain();
    let records = count(report.import_records_per_second);
    table.row([
        "read into records",
        &format!("{} MB a second, {records} records a second", report.import_mb_per_second),
    ]);
    let (tokens, percent) = (&report.tokens_mb_per_second, &report.percent_of_tokens);
    table.row(["quick-xml alone", &format!("{tokens} MB a second ({percent} % of it reached)")]);
    table.row(["written and read back", &format!("{} MB a second", report.export_mb_per_second)]);
    let (declarations, bytes) = (count(report.declarations), count(report.bytes));
    table.row([
        "declarations",
        &format!("{declarations}, {bytes} bytes, records of {} bytes", count(report.record_bytes)),
    ]);
    if report.stream_bytes > 0 {
        let (bytes, records) = (count(report.stream_bytes), count(report.stream_records));
        let rate = &report.stream_mb_per_second;
        table.row(["a stream", &format!("{bytes} bytes, {records} records, {rate} MB a second")]);
        let (before, after) = (mib(report.rss_before_bytes), mib(report.rss_after_bytes));
        table.row(["memory at most", &format!("{after}, {before} before the stream")]);
    }
    table.print()
}

/// Prints primitives and ceiling for people.
pub(super) fn primitives(report: &PrimitivesReport) -> io::Result<()> {
    terms(&report.ceiling_terms, report.batch)?;
    ui::line("")?;
    let mut table = Table::plain();
    for (name, primitive) in &report.primitives {
        table.row([name.as_str(), primitive.what.as_str()]);
    }
    table.print()?;
    ui::line("")?;
    let ceiling = count(report.ceiling_records_per_second);
    ui::line(&format!("ceiling of {} cores: {ceiling} records per second", report.cores))
}

/// The terms of the ceiling, with each one's share of a record.
fn terms(terms: &[CeilingTerm], batch: u64) -> io::Result<()> {
    let mut table = Table::new(&["primitive", "at", "count", "per", "cost ns", "ns a record"], &[2, 4, 5]);
    for term in terms {
        let at = match term.at {
            End::Sender => "sender",
            End::Recipient => "recipient",
        };
        let cost = term.count.saturating_mul(term.cost_ns);
        let (per, share) = match term.per {
            Per::Record => ("record", cost),
            Per::Dispatch => ("dispatch", cost.checked_div(batch).unwrap_or(0)),
        };
        table.row([&term.name, at, &term.count.to_string(), per, &count(term.cost_ns), &count(share)]);
    }
    table.print()
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", count(bytes.div_ceil(1024 * 1024)))
}
