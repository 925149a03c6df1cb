//! The type tables of every record, by what they are about. A version, once published, never changes.
//!
//! Names of groups mean the same in every type (`groups`), so agreements, mappings, checks and joins read them alike: `item` says which
//! item, `route` where it goes, `handling` which members handle it or are addressed.

mod commerce;
mod customs;
mod declaration;
mod groups;
mod requests;
mod revenue;
mod statistics;
mod threats;
mod transport;
mod trust;

pub use commerce::{ORDER, PAYMENT};
pub use customs::{AGENCY_DECISION, CUSTOMS_RESPONSE, REFERRAL, REFERRAL_ANSWER};
pub use declaration::{DECLARATION, DECLARATION_2, DECLARATION_3};
pub use groups::EXTRA_GROUP;
pub use requests::{DATA_ANSWER, DATA_REQUEST, NOTICE};
pub use revenue::{DUTY, GUARANTEE, RETURN, SUMMARY};
pub use statistics::STATISTICS;
pub use threats::{ACTION, INDICATOR, SIGHTING};
pub use transport::{CONSIGNMENT, EVENT, LINK};
pub use trust::{ATTESTATION, COLLECT_USE, STATUS_LIST};

use super::table::TypeTable;

/// Every type that records have.
pub(super) static TABLES: [&TypeTable; 26] = [
    &DECLARATION,
    &DECLARATION_2,
    &DECLARATION_3,
    &ORDER,
    &PAYMENT,
    &CONSIGNMENT,
    &LINK,
    &EVENT,
    &REFERRAL,
    &REFERRAL_ANSWER,
    &CUSTOMS_RESPONSE,
    &AGENCY_DECISION,
    &DATA_REQUEST,
    &DATA_ANSWER,
    &NOTICE,
    &ATTESTATION,
    &STATUS_LIST,
    &COLLECT_USE,
    &DUTY,
    &GUARANTEE,
    &SUMMARY,
    &RETURN,
    &STATISTICS,
    &INDICATOR,
    &SIGHTING,
    &ACTION,
];
