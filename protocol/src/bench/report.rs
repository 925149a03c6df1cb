//! Reports of measurements and the ceiling.
//!
//! The ceiling is the number of records per second at which the cores of this machine would have nothing left to do if both
//! nodes did only what [`COUNTS`] lists:
//!
//! ```text
//! ceiling = cores * 1e9 / sum over COUNTS of (count * cost in ns, for one record)
//! ```
//!
//! A cost per dispatch counts for a record with its share: divided by the records of a dispatch. Costs are measured on one
//! thread. Transport, HTTP, the engine, index rows, checkpoints and the submitting client are not in it, nor is anything
//! that one core takes from another, so no machine reaches it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// What a cost is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each record.
    Record,
    /// Each dispatch.
    Dispatch,
}

/// Which of the two nodes does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The node that submits and sends.
    Sender,
    /// The node that checks and answers.
    Recipient,
}

/// How often a primitive is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The primitive.
    pub name: &'static str,
    /// Where.
    pub at: End,
    /// How often.
    pub count: u64,
    /// For each of what.
    pub per: Per,
}

/// What an exchange needs of each primitive: what has to be done, not how often the present code does it.
pub const COUNTS: &[Count] = &[
    need("record_decode", End::Sender, 1, Per::Record),
    need("salts", End::Sender, 1, Per::Record),
    need("record_root", End::Sender, 1, Per::Record),
    need("record_encode", End::Sender, 1, Per::Record),
    need("view_encode", End::Sender, 1, Per::Record),
    need("compress", End::Sender, 1, Per::Dispatch),
    need("seal", End::Sender, 1, Per::Dispatch),
    need("sealed_digest", End::Sender, 1, Per::Dispatch),
    // Of the batch, and of the dispatch.
    need("sign", End::Sender, 2, Per::Dispatch),
    need("write_sent", End::Sender, 1, Per::Dispatch),
    // Of the checkpoint in the receipt.
    need("verify", End::Sender, 1, Per::Dispatch),
    need("sealed_digest", End::Recipient, 1, Per::Dispatch),
    need("verify", End::Recipient, 2, Per::Dispatch),
    need("open", End::Recipient, 1, Per::Dispatch),
    need("decompress", End::Recipient, 1, Per::Dispatch),
    // Decoding, its root and the check of its leaves: one pass over its bytes.
    need("view_read", End::Recipient, 1, Per::Record),
    need("write_received", End::Recipient, 1, Per::Dispatch),
];

const fn need(name: &'static str, at: End, count: u64, per: Per) -> Count {
    Count { name, at, count, per }
}

/// The measured cost of one primitive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Primitive {
    /// What is measured, in words.
    pub what: String,
    /// For each of what.
    pub per: Per,
    /// Nanoseconds on one thread.
    pub cost_ns: u64,
}

/// One summand of the ceiling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CeilingTerm {
    /// The primitive.
    pub name: String,
    /// Where it is needed.
    pub at: End,
    /// How often.
    pub count: u64,
    /// For each of what.
    pub per: Per,
    /// What it costs once, in nanoseconds.
    pub cost_ns: u64,
}

/// What `luxord bench primitives` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrimitivesReport {
    /// Threads that can run at a time.
    pub cores: u64,
    /// Encoded bytes of a record as submitted.
    pub record_bytes: u64,
    /// Records of a dispatch.
    pub batch: u64,
    /// Bytes of a dispatch's sealed part.
    pub sealed_bytes: u64,
    /// Bytes that the sender writes for a dispatch: its records with their seeds, and the sealed part.
    pub sent_bytes: u64,
    /// Bytes that the recipient writes for a dispatch: the opened views.
    pub received_bytes: u64,
    /// Each primitive by name.
    pub primitives: BTreeMap<String, Primitive>,
    /// The summands of the ceiling.
    pub ceiling_terms: Vec<CeilingTerm>,
    /// The ceiling.
    pub ceiling_records_per_second: u64,
}

/// What `luxord bench log` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogReport {
    /// Entries written, each in a commit of its own.
    pub entries: u64,
    /// Commits not yet released, at most.
    pub in_flight: u64,
    /// Bytes of an opening: what an entry commits to, durable with it. The entry's own 33 bytes come on top.
    pub opening_bytes: u64,
    /// How long that took.
    pub seconds: Number,
    /// Entries durable and signed per second.
    pub entries_per_second: u64,
    /// Synced writes; each ends with a signed checkpoint and a synced lock file.
    pub groups: u64,
    /// Entries of one such write on average, rounded down.
    pub entries_per_group: u64,
    /// Commits of that pass whose latency counts, from submission to release: at most a million, evenly chosen.
    pub loaded_samples: u64,
    /// Half of them took at most so long.
    pub loaded_p50_ms: Number,
    /// All but one in a hundred took at most so long.
    pub loaded_p99_ms: Number,
    /// Commits of the latency pass, one in flight.
    pub latency_samples: u64,
    /// Half of them took at most so long.
    pub latency_p50_ms: Number,
    /// All but one in a hundred took at most so long.
    pub latency_p99_ms: Number,
    /// What a proof of inclusion costs in the log then.
    pub proof: ProofReport,
    /// The most memory that the process held while it appended.
    pub rss_peak_bytes: u64,
    /// What the folder takes on disk.
    pub bytes_on_disk: u64,
}

/// What proofs of inclusion cost: of entries at random indexes, one after the other, on one thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofReport {
    /// How many were made and checked.
    pub samples: u64,
    /// Hashes of one, at most: log2 of the number of entries.
    pub hashes: u64,
    /// Half of them were made within so many microseconds, once all entries had been read: the hashes.
    pub made_p50_us: Number,
    /// All but one in a hundred.
    pub made_p99_us: Number,
    /// Half of as many that were made before that, when most entries had to come from the disk.
    pub fresh_p50_us: Number,
    /// Half of as many C2SP tlog-proofs with opening and checkpoint; most openings come from the disk.
    pub whole_p50_us: Number,
    /// For comparison: reading as many rows of 33 bytes as a proof has hashes, at random places of the same database.
    pub rows_p50_us: Number,
    /// Half of them were checked against the log's signed root within so many microseconds: the hashes alone.
    pub checked_p50_us: Number,
}

/// What `luxor bench policy` prints. Times of one decision are measured one by one and hold one reading of the clock each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyReport {
    /// Rules of the compiled policy.
    pub rules: u64,
    /// Members of the network.
    pub members: u64,
    /// Agreements, each counted once.
    pub agreements: u64,
    /// Documents of all kinds.
    pub documents: u64,
    /// Questions that are answered in a pass.
    pub questions: u64,
    /// Those of them that are denied, known before and counted again in each pass.
    pub denied: u64,
    /// Those of the denied ones that no rule is about.
    pub about_nothing: u64,
    /// Of the passes over all questions the figures of each are the lowest.
    pub passes: u64,
    /// What a decision takes.
    pub decide: DecisionReport,
    /// What the check of an arriving dispatch takes: its agreement, groups and days as well.
    pub permits: DecisionReport,
    /// What the decisions take that no rule is about.
    pub nothing: DecisionReport,
    /// What reading the clock takes, median, in nanoseconds.
    pub clock_ns: u64,
    /// Compiling the policy of all agreements.
    pub compile_ms: Number,
    /// Checking every document and signature, with compiling.
    pub load_ms: Number,
    /// Adding one more agreement to the directory, median.
    pub one_more_ms: Number,
}

/// Nanoseconds of decisions of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionReport {
    /// Half of them took at most so long.
    pub p50_ns: u64,
    /// All but one in a hundred took at most so long.
    pub p99_ns: u64,
}

/// What `luxor bench xml` prints. Rates are those of one core, the fastest of many rounds, in millions of bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct XmlReport {
    /// Declarations of a round.
    pub declarations: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Rounds of which the fastest counts.
    pub rounds: u64,
    /// XML that is read into records, a second.
    pub import_mb_per_second: Number,
    /// Records that come of it, a second.
    pub import_records_per_second: u64,
    /// Encoded bytes of a record.
    pub record_bytes: u64,
    /// XML that quick-xml alone tells apart into tags and texts, a second.
    pub tokens_mb_per_second: Number,
    /// How much of that the reading into records reaches.
    pub percent_of_tokens: Number,
    /// XML that is written from records and read back to check it, a second.
    pub export_mb_per_second: Number,
    /// Records of the long stream, where one was read.
    pub stream_records: u64,
    /// Bytes of it, of which no more than a document is held.
    pub stream_bytes: u64,
    /// XML of it that is read into records, a second.
    pub stream_mb_per_second: Number,
    /// The most memory of the process before the stream was read.
    pub rss_before_bytes: u64,
    /// And after it.
    pub rss_after_bytes: u64,
}

/// What `luxor bench disclosure` prints. Costs are those of one record on one core, the fastest of many rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisclosureReport {
    /// Fields of a record.
    pub fields: u64,
    /// Those of them that are shown.
    pub disclosed_fields: u64,
    /// Records under one of our signatures. SD-JWT signs each.
    pub batch: u64,
    /// Rounds of which the fastest counts.
    pub rounds: u64,
    /// Records, in a batch.
    pub luxor: DisclosureCosts,
    /// The same values as SD-JWT (RFC 9901), each by itself.
    pub sd_jwt: DisclosureCosts,
    /// The signature algorithm of both.
    pub signature: String,
    /// How many times cheaper records are to disclose and verify.
    pub times_disclose_and_verify: Number,
    /// And to issue, disclose and verify.
    pub times_whole: Number,
}

/// What `luxor bench quality` prints: records a second on one core, the fastest of many rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityReport {
    /// Different declarations.
    pub records: u64,
    /// Encoded bytes of one, on average.
    pub record_bytes: u64,
    /// Values of one, on average.
    pub values: u64,
    /// Rounds of which the fastest counts.
    pub rounds: u64,
    /// Findings in all of them.
    pub findings: u64,
    /// Declarations checked a second.
    pub checked_per_second: u64,
    /// Declarations whose every value is only read: the ceiling.
    pub walked_per_second: u64,
    /// Declarations that are checked as the views of a recipient who sees half of the groups.
    pub views_per_second: u64,
    /// Declarations whose category of immediate release is found.
    pub released_per_second: u64,
    /// Records of random letters, nearly all of them in texts, that are checked.
    pub random_per_second: u64,
    /// What making a checker of the rule book takes.
    pub checker_us: Number,
}

/// What `luxor bench attest` prints, on one core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestReport {
    /// Rounds of each step, of which the median counts.
    pub rounds: u64,
    /// By the algorithm of issuer and holder.
    pub credentials: Vec<CredentialCosts>,
    /// Statuses of the list, two bits each, one in a hundred not valid at the start.
    pub statuses: u64,
    /// By how many of them change before it is signed.
    pub lists: Vec<ListCosts>,
}

/// What `luxor bench windows` prints, on one core.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WindowsReport {
    /// Numbers of the window.
    pub numbers: u64,
    /// Numbers at which both sides have something else.
    pub differences: u64,
    /// Questions until all were found, each with its answer.
    pub questions: u64,
    /// Bytes of all of them with their answers.
    pub bytes: u64,
    /// From the first question to the last difference, both sides together, with signatures and checks: the median, in milliseconds.
    pub compare_ms: Number,
    /// Questions where both sides have the same.
    pub equal_questions: u64,
    /// Bytes of these with their answers.
    pub equal_bytes: u64,
    /// The same from the first question to the last answer, in milliseconds.
    pub equal_ms: Number,
    /// Making one side's tree of all that stands, in milliseconds; a node keeps it between questions.
    pub tree_ms: Number,
}

/// What `luxor bench statistics` prints, on one core.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatisticsReport {
    /// Items that are counted.
    pub items: u64,
    /// Months over which they are spread.
    pub months: u64,
    /// Cells: chapters by origin, mode and month, with all totals.
    pub cells: u64,
    /// Cells that are sensitive by themselves.
    pub primary: u64,
    /// Cells withheld for others' sake.
    pub secondary: u64,
    /// Of the value of all cells that of sensitive ones, in thousandths.
    pub primary_value_per_mille: u64,
    /// That of cells withheld for others' sake.
    pub secondary_value_per_mille: u64,
    /// Adding the facts up, in milliseconds.
    pub load_ms: Number,
    /// Making the tables, choosing what is withheld and proving it, in milliseconds.
    pub disclose_ms: Number,
    /// Bytes of the publication.
    pub bytes: u64,
    /// The most memory that the process held.
    pub memory_bytes: u64,
}

/// What `luxor bench screening` prints, on one core.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScreeningReport {
    /// Against numbers, beginnings of numbers, and tariff codes with routes.
    pub exact: ScreenedKind,
    /// Against names.
    pub names: ScreenedKind,
    /// The most memory that the process held.
    pub memory_bytes: u64,
}

/// Declarations against indicators of one kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScreenedKind {
    /// Indicators.
    pub indicators: u64,
    /// Different declarations; each pass screens all.
    pub declarations: u64,
    /// Hits in a pass.
    pub hits: u64,
    /// Declarations that an indicator was meant to hit, which all were.
    pub meant: u64,
    /// Declarations a second, in the fastest pass.
    pub per_second: u64,
    /// In the first pass.
    pub first_pass_per_second: u64,
    /// Nanoseconds for each, in the fastest pass.
    pub each_ns: u64,
    /// Making indicators and declarations, in milliseconds.
    pub load_ms: Number,
}

/// What `luxor bench recognition` prints, on one core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognitionReport {
    /// Attestations, one for each trader.
    pub attestations: u64,
    /// Administrations that issued them and recognise one another.
    pub administrations: u64,
    /// Agreements, one between each two.
    pub agreements: u64,
    /// Different questions.
    pub questions: u64,
    /// How many of them are answered with yes.
    pub recognised: u64,
    /// How often each was asked.
    pub passes: u64,
    /// An answer: the fastest of each question.
    pub answer: Latencies,
    /// Answers when each was asked for the first time.
    pub first_pass: Latencies,
    /// The slowest answer of all passes, other work of the machine included.
    pub seen_max_ns: u64,
    /// Answers of all passes that took more than 50 microseconds.
    pub seen_over_50_us: u64,
    /// The ceiling: a number's key and a look-up in a map of the same size.
    pub look_up: Latencies,
    /// The slowest of all of those.
    pub look_up_seen_max_ns: u64,
    /// Reading the clock, which is in all figures.
    pub clock: Latencies,
    /// The slowest of that, where nothing is asked: what the machine adds.
    pub clock_seen_max_ns: u64,
    /// Making and handing in all attestations.
    pub load_ms: Number,
    /// Statuses of one list.
    pub list_statuses: u64,
    /// Taking a newer list in which one status turned, median.
    pub list_ms: Number,
    /// The most memory that the process held by then.
    pub memory_bytes: u64,
}

/// What `luxor bench reconcile` prints, on one core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountingReport {
    /// Items in the books.
    pub items: u64,
    /// Records of which they were made.
    pub records: u64,
    /// Handing in one of them, while the books filled.
    pub filling: Latencies,
    /// Further records, each on another item, when they were full.
    pub updates: u64,
    /// Taking one of these, its item judged and every total kept.
    pub update: Latencies,
    /// How many of them took more than 50 microseconds.
    pub updates_over_50_us: u64,
    /// Links that came late, each joining two items.
    pub links: u64,
    /// Taking one of these.
    pub link: Latencies,
    /// Reading the clock, which is in all figures.
    pub clock: Latencies,
    /// Items looked at again because their term ended.
    pub due: u64,
    /// Looking at one of them.
    pub due_ns: u64,
    /// Differences found, each of those that were planted.
    pub findings: u64,
    /// Handing in all records, without making them.
    pub filled_ms: Number,
    /// Memory that the process held when the books were full.
    pub memory_bytes: u64,
    /// The same for each item.
    pub bytes_per_item: u64,
}

/// Nanoseconds of many of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latencies {
    /// Half of them took at most so long.
    pub p50_ns: u64,
    /// All but one in a hundred took at most so long.
    pub p99_ns: u64,
    /// The slowest.
    pub max_ns: u64,
}

/// What one SD-JWT VC costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialCosts {
    /// `ES256` or `EdDSA`.
    pub algorithm: String,
    /// Bytes of what its holder presents: number and one role, bound to the verifier.
    pub presented_bytes: u64,
    /// To issue it.
    pub issue_us: Number,
    /// To verify what is presented: both signatures, disclosures, claims.
    pub verify_us: Number,
}

/// What changing and signing a status list costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListCosts {
    /// Statuses that change, spread over the list.
    pub changed: u64,
    /// Bytes of the signed token.
    pub token_bytes: u64,
    /// The median.
    pub median_us: Number,
    /// The 99th percentile.
    pub p99_us: Number,
}

/// What one record costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisclosureCosts {
    /// Microseconds to commit to it and sign.
    pub issue_us: Number,
    /// To cut it for one recipient.
    pub disclose_us: Number,
    /// To check what arrived, down to the values.
    pub verify_us: Number,
    /// Bytes that a recipient gets of it, signature included, not compressed.
    pub wire_bytes: u64,
}

/// The ceiling in records per second, see the head of this file; 0 when nothing costs anything.
pub fn ceiling(cores: u64, batch: u64, terms: &[CeilingTerm]) -> u64 {
    let for_a_dispatch = |term: &CeilingTerm| match term.per {
        Per::Record => u128::from(term.count) * u128::from(term.cost_ns) * u128::from(batch),
        Per::Dispatch => u128::from(term.count) * u128::from(term.cost_ns),
    };
    let cost: u128 = terms.iter().map(for_a_dispatch).sum();
    let ceiling = (u128::from(cores) * 1_000_000_000 * u128::from(batch)).checked_div(cost).unwrap_or(0);
    u64::try_from(ceiling).unwrap_or(u64::MAX)
}

/// How many a second, rounded down: `count` in `micros` microseconds, which count as at least one.
pub fn per_second(count: u64, micros: u128) -> u64 {
    u64::try_from(u128::from(count) * 1_000_000 / micros.max(1)).unwrap_or(u64::MAX)
}

/// The smallest value that at least `percent` in a hundred do not exceed; 0 of none. `sorted` ascends.
pub fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent.min(100)).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// A JSON number with three decimals from thousandths, without calculating in floating point.
pub fn decimal(thousandths: u64) -> Number {
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    // Digits, a point, three digits: always a JSON number.
    serde_json::from_str(&text).unwrap_or_else(|_| Number::from(thousandths / 1000))
}

/// The most memory that a process held, in bytes, from the text of `/proc/<pid>/status`.
pub fn peak_memory(status: &str) -> Option<u64> {
    let kib: u64 =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_is_cores_by_costs() {
        let term = |per, count, cost_ns| CeilingTerm { name: String::new(), at: End::Sender, count, per, cost_ns };
        // 2 * 5 us for a record and 1000 us for a hundred of them: 20 us for a record.
        let terms = [term(Per::Record, 2, 5_000), term(Per::Dispatch, 1, 1_000_000)];
        assert_eq!(ceiling(1, 100, &terms), 50_000);
        assert_eq!(ceiling(4, 100, &terms), 200_000);
        assert_eq!(ceiling(1, 1, &[]), 0);
    }

    #[test]
    fn figures_are_exact() {
        assert_eq!(decimal(12_034).to_string(), "12.034");
        assert_eq!(decimal(3_000).to_string(), "3.0");
        assert_eq!(per_second(300, 1_500_000), 200);
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!([50, 99, 100, 0].map(|p| percentile(&hundred, p)), [50, 99, 100, 1]);
        assert_eq!(percentile(&[7], 99), 7);
        assert_eq!(percentile(&[], 50), 0);
        assert_eq!(peak_memory("Name:\tx\nVmHWM:\t  1234 kB\n"), Some(1_263_616));
    }
}
