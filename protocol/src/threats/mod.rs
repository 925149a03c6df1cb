//! Threats across borders: indicators, what records meet them, and what is proposed then.
//!
//! | file | what |
//! |---|---|
//! | `indicator` | an indicator as it is read from a record, or from what of it is shown |
//! | `sought` | what it looks for, and whether a record meets it |
//! | `subject` | what is screened of a record |
//! | `plain`, `names` | names as they are compared, and how alike ones are found among many |
//! | `index` | which indicators may be met, without looking at each |
//! | `screener` | all indicators held: versions, withdrawals, expiry, how often each was right, what coordinators merge, what a record meets |
//! | `rules` | from hits to a proposal, by dated rules and a trader's benefits |
//! | `breadth` | what would hit half the world, told before it is published |
//! | `stix` | indicators as STIX 2.1 objects, and from these |
//! | `desk` | proposals, officers' orders, and how a mistake is undone |
//! | `shelf` | what threat platforms read by TAXII 2.1: collections, versions, dates, pages |
//! | `lists` | indicators from public lists |
//!
//! All of it is pure: no clock, no storage. Not here: reading records and sending what was decided (node).

mod breadth;
mod desk;
mod index;
mod indicator;
mod lists;
mod names;
mod plain;
mod rules;
mod screener;
pub mod shelf;
mod sought;
mod stix;
mod subject;

pub use breadth::{Breadth, WarningLists, WarningListsError};
pub use desk::{
    About, Act, Desk, DeskRow, Drawn, Figures, Found, Ground, Order, OrderError, Outcome, Policy, Proposal, Resting,
    Settled, Sighted, Signature, Source, State, Waiting,
};
pub use indicator::{Advice, Indicator, IndicatorError, IndicatorId, Merged, Threat, Tlp};
pub use lists::{FromList, ListEntry, ListError, ListForm, Listed, read_list};
pub use names::MIN_ALIKE;
pub use plain::PlainName;
pub use rules::{Assessment, Ease, Rule, ScreeningRules, ScreeningRulesError};
pub use screener::{Graded, Hit, MILLION, Measured, Screener, ScreenerError, Taken};
pub use sought::{Band, Facet, GoodsSought, NumberSought, PartySought, Reason, Role, RouteSought, Sought, plain_id};
pub use stix::{StixError, from_stix, to_stix};
pub use subject::{Reading, Subject};

/// The field of the group `handling` under which a sighting or an answer is addressed to a member of a kind, so that a row of an agreement
/// that gives records to those who are named there gives it to nobody else.
pub fn addressed(kind: Option<crate::names::MemberKind>) -> &'static str {
    use crate::names::MemberKind;
    match kind {
        Some(MemberKind::Customs) => "destination_customs",
        Some(MemberKind::Platform) => "platform",
        _ => "agency",
    }
}

#[cfg(test)]
mod tests;
