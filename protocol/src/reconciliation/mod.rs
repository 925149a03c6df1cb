//! Reconciliation of a channel: do both sides have the same dispatches with the same verdicts, where not, who can prove what, and what both
//! sign in the end.
//!
//! | file | what |
//! |---|---|
//! | `window` | a range of numbers, what may stand at each, and roots of parts of it |
//! | `kept` | what one side keeps of it, and the tree over that |
//! | `question` | what is asked and answered about a window, signed, and when two answers contradict each other |
//! | `bisect` | the asking side: from the root down to the numbers that differ |
//! | `difference` | the class of a difference, and what proves it |
//! | `statement` | what both sides agree on, and sign |
//! | `proposal` | how they come to it: the sender concludes and proposes, the recipient makes the same from what it has |
//! | `dispute` | the dispute file |
//! | `verdict` | what a dispute file proves |
//!
//! Not here: records and money (business reconciliation), storage, sending, deadlines and clocks, and when a window is closed. The
//! receipts and channel roots on which all rests are [`crate::exchange`]'s.

mod bisect;
mod difference;
mod dispute;
mod kept;
mod proposal;
mod question;
mod statement;
mod verdict;
mod window;

pub use bisect::{Bisection, Bound, Compared, DEFAULT_BITS, Effect, Found, Input};
pub use difference::{Class, Difference};
pub use dispute::{Counted, Deposited, DisputeError, DisputeFile};
pub use kept::{Kept, WindowTree};
pub use proposal::{Concluded, Proposal, ProposalError, conclude};
pub use question::{Answer, Lie, Question, Reply, Said, SaidError, Step, Words, answer};
pub use statement::{
    ClassTotal, CosignedStatement, Ending, MAX_STATEMENT_BYTES, Statement, StatementBody, StatementError, Tally, Totals,
};
pub use verdict::{Fact, Finding, Findings, Verdict};
pub use window::{Side, Span, Stand, Window, WindowError, outcome_digest, withdrawn_digest};

#[cfg(test)]
mod tests;
