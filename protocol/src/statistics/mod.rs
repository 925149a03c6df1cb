//! Statistics of items: counted exactly, published so that nobody behind a small or dominated cell is found out, and compared at
//! thresholds.
//!
//! | file | what |
//! |---|---|
//! | `fact` | one item: place, parties, figures |
//! | `facts` | sums by place and parties; adding, and taking away for a correction |
//! | `cell` | dimensions, levels, cells' keys, tables |
//! | `rules` | when a cell is sensitive by itself, and how well it is protected |
//! | `universe` | all cells of tables now and before as sums of atoms, and as sums of one another |
//! | `lattice` | which atoms differ in one dimension alone |
//! | `evidence` | figures that atoms could have as well: the proof of what cannot be found out |
//! | `shift` | small patterns of atoms that leave published sums alone |
//! | `protect` | which cells are withheld for others' sake, with evidence for each |
//! | `local` | evidence by the simplex method, where no shift is enough |
//! | `system` | what is published as linear equations, in independent parts, solved |
//! | `program` | how far a figure can be moved within them |
//! | `fraction` | exact fractions |
//! | `audit` | what somebody can find out who knows everything published, gone through from the evidence |
//! | `disclose` | from facts to a publication |
//! | `publication` | what is published: bytes, and several members' together |
//! | `signed` | a publication with its publisher's signature, as a file and in a record |
//! | `gather` | facts of records, and facts as CSV |
//! | `read` | facts from CSV |
//! | `write` | CSV and SDMX-CSV 2.0 |
//! | `threshold` | what lies below and above de minimis thresholds, by collection model |
//!
//! What is proven of a publication stands in `audit`. Not proven: what somebody finds out who knows more than what is published, such
//! as a party that knows its own part of a withheld cell (the rules of dominance and closeness look at single cells only), or who guesses
//! figures from elsewhere; and what corrections tell, which is why a published month is closed.
//!
//! Not here: rates of exchange ([`crate::revenue::RevenueBook`]), clocks and storage.

mod audit;
mod cell;
mod disclose;
mod evidence;
mod fact;
mod facts;
mod fraction;
mod gather;
mod lattice;
mod local;
mod program;
mod protect;
mod publication;
mod read;
mod rules;
mod shift;
mod signed;
mod system;
mod threshold;
mod universe;
mod write;

pub use audit::Interval;
pub use cell::{Dimension, Key, Level, Table};
pub use disclose::{DiscloseError, Disclosure, Edition, WithheldCell, disclose};
pub use fact::{Fact, FactError, Flow, Heading, Mode, Month, Place, Role};
pub use facts::{Facts, FactsError, Sums};
pub use gather::{
    Counted, GATHERED_GROUPS, GATHERED_TYPES, Gather, GatherError, Gathered, MAX_GATHERED_RECORDS, Seen, Wanted,
    facts_csv,
};
pub use publication::{Figure, Figures, Publication, PublicationError, Source, Withheld};
pub use read::{FactRow, FactsFileError, read_facts};
pub use rules::{Closeness, Dominance, Measure, Rules, RulesError, Sensitive};
pub use signed::{SignedError, SignedPublication};
pub use threshold::{Cost, Row, Side, ThresholdError, Thresholds};
pub use write::{Structure, StructureError};

#[cfg(test)]
mod tests;
