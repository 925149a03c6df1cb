//! Records: what they may hold (type tables), their values, their commitment, batches and views.
//!
//! Not here: who may see what ([`crate::document`]), how a view travels ([`crate::exchange`]).

mod arrived;
mod attachment;
mod batch;
mod codelist;
mod commit;
mod content;
mod edit;
mod json;
mod names;
mod source;
mod table;
mod types;
mod value;
mod visit;

pub use arrived::ArrivedView;
pub use attachment::{ATTACHMENTS_GROUP, Attachment};
pub use batch::{Batch, BatchHeader, BatchTree, batch_root};
pub use codelist::{CodeList, Edition, HS, OfEdition, code_lists};
pub use commit::{
    CommitError, GroupView, Leaf, RecordHeader, RecordId, RecordView, Salt, SealedRecord, Seed, leaf_salt,
};
pub use content::{Content, ContentError, Fault, Leaves, Occurrences};
pub use edit::{Edit, EditError, Edited, apply_edits, as_correction, check_edits};
pub use json::{content_from_json, content_to_json, read_json, view_to_json};
pub use names::{Names, party_name, reference_name};
pub use source::Source;
pub use table::{Field, Finds, Group, GroupSet, OPENING, Scope, TypeTable, table, tables};
pub use types::{
    ACTION, AGENCY_DECISION, ATTESTATION, COLLECT_USE, CONSIGNMENT, CUSTOMS_RESPONSE, DATA_ANSWER, DATA_REQUEST,
    DECLARATION, DECLARATION_2, DECLARATION_3, DUTY, EVENT, EXTRA_GROUP, GUARANTEE, INDICATOR, LINK, NOTICE, ORDER,
    PAYMENT, REFERRAL, REFERRAL_ANSWER, RETURN, SIGHTING, STATISTICS, STATUS_LIST, SUMMARY,
};
pub use value::{Decimal, Kind, Value, ValueError};
pub use visit::{Held, visit_leaf};

#[cfg(test)]
mod tests;
