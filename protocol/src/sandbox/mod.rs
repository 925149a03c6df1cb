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
//! | `stage` | who does what when |
//! | `trace`, `report`, `judge` | what happened, and how the integrator's side did |

mod action;
mod condition;
mod fields;
mod judge;
mod render;
mod report;
mod rules;
mod stage;
mod trace;

#[cfg(test)]
mod tests;

pub use action::{Act, Action, Question};
pub use condition::Condition;
pub use fields::{group_text, own_reference, without_withheld};
pub use judge::{Check, Requirement, Verdict};
pub use render::{Scene, render};
pub use report::{Alarmed, Conformance, Played, Told};
pub use rules::{Opening, Rule, Rules, RulesError, Whose};
pub use stage::{Cast, Deed, Done, Player, Stage};
pub use trace::{Line, What};
