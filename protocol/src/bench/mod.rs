//! What `luxor bench` and `luxord bench` share: the records they measure with, the reports they exchange as JSON, and the
//! formula of the ceiling.
//!
//! Not here: measuring, clocks and processes.

mod records;
mod report;

pub use records::{MAX_RECORD_SIZE, MIN_RECORD_SIZE, Records};
pub use report::{
    COUNTS, CeilingTerm, Count, End, LogReport, Per, Primitive, PrimitivesReport, ProofReport, ceiling, decimal,
    peak_memory, per_second, percentile,
};
