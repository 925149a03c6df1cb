//! A practice partner for whoever builds against Luxor: it reacts to what arrives by rules, and what the integrator's side did is judged
//! by what was written down.
//!
//! ```text
//! rules   = Rules::parse(text)?                  // a file in TOML; Rules::builtin() shows every reaction
//! stage   = Stage::new(rules, cast, run, now)    // who plays whom
//! stage.arrived(partner, &record, now)           // a record of the integrator's reached a partner
//! deeds   = stage.due(now)                       // what partners send or do now
//! verdict = Conformance::of(&trace, …)           // player and judge know nothing of each other
//! ```
//!
//! Pure: times are arguments, nothing is random. Not here: nodes, agreements, and how a deed is done (`luxor sandbox`).
//!
//! | file | what |
//! |---|---|
//! | `fields` | reading a record's JSON form by `group.field` |
//! | `rules`, `condition`, `action` | the file of rules |
//! | `render` | an action as a record |
//! | `damage`, `receipts` | wrong receipts: what, when, and what follows |
//! | `stage` | who does what when |
//! | `trace`, `report`, `judge`, `judge_receipts` | what happened, and how the integrator's side did |

/// What the charter of a practice network calls it: only there may a node give wrong receipts.
pub const PRACTICE_NETWORK: &str = "Luxor practice";

mod action;
mod condition;
mod damage;
mod fields;
mod judge;
mod judge_receipts;
mod receipts;
mod render;
mod report;
mod rules;
mod stage;
mod trace;

#[cfg(test)]
mod tests;

pub use action::{Act, Action, Question};
pub use condition::Condition;
pub use damage::{Damage, damaged};
pub use fields::{group_text, own_reference, without_withheld};
pub use judge::{Check, Requirement, Verdict};
pub use receipts::{Given, ReceiptEvent, ReceiptLine, ReceiptRule, ReceiptRulesError, Receipts};
pub use render::{Scene, render};
pub use report::{Alarmed, Conformance, Played, Told};
pub use rules::{Opening, Rule, Rules, RulesError, Whose, WrongReceipt};
pub use stage::{Cast, Deed, Done, Player, Stage};
pub use trace::{Line, What};
