//! What `luxor bench` and `luxord bench` share: the records and networks they measure with, the reports they exchange as JSON, the
//! formula of the ceiling, SD-JWT beside our own disclosure, traders to recognise, a window to
//! reconcile, items to account for, facts to publish tables of, and documents to read.
//!
//! Not here: measuring, clocks and processes.

mod accounting;
mod credentials;
mod disclosure;
mod network;
mod numbers;
mod quality;
mod recognition;
mod records;
mod report;
pub mod sdjwt;
mod statistics;
mod threats;
mod windows;
pub mod xml;

pub use accounting::{Expected, RECONCILED, SampleItems};
pub use credentials::{STATUSES, SampleCredential, SampleList};
pub use disclosure::{DISCLOSED, FIELDS, Filing, Unverified, disclose, filings, issue, shown, verify};
pub use network::{NetworkError, Question, Questions, RULES_PER_VERSION, SampleNetwork, TODAY};
pub use quality::{FAULTY, LODGED, declarations, walk};
pub use recognition::{ADMINISTRATIONS, SUSPENDED, SampleTraders, TRADERS, TraderList, TraderMap, TraderQuestion};
pub use records::{MAX_RECORD_SIZE, MIN_RECORD_SIZE, Records};
pub use report::{
    AccountingReport, AttestReport, COUNTS, CeilingTerm, Count, CredentialCosts, DecisionReport, DisclosureCosts,
    DisclosureReport, End, Latencies, ListCosts, LogReport, Per, PolicyReport, Primitive, PrimitivesReport,
    ProofReport, QualityReport, RecognitionReport, ScreenedKind, ScreeningReport, StatisticsReport, WindowsReport,
    XmlReport, ceiling, decimal, peak_memory, per_second, percentile,
};
pub use statistics::{ITEMS, SampleFacts, Withholding};
pub use threats::{EXACT, Kind as ThreatKind, NAMES, SCREENED, SampleThreats};
pub use windows::{DIFFERENCES, SampleWindow, WINDOW_NUMBERS, WindowRun};
