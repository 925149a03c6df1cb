//! The type tables of `attestation`, `status_list` and `collect_use`: signed tokens about traders that travel as records, so that their
//! issue and delivery stand in logs and receipts. What the tokens must be, [`crate::recognition::carried`] says.

use super::groups::{EXTRA, HANDLING, ITEM, PRINCIPAL, REFERENCE, finds, must, record_group, repeated, required};
use crate::limits::{MAX_CARRIED_STATUS_BYTES, MAX_CONFIRMATION_BYTES, MAX_CREDENTIAL_BYTES, MAX_JWK_BYTES};
use crate::record::table::TypeTable;
use crate::record::value::Kind::{self, Code, Text, Token, Words};

/// A credential about a trader, from who issued it.
pub static ATTESTATION: TypeTable = TypeTable::new(
    "attestation",
    1,
    &[
        REFERENCE,
        required(record_group(
            "credential",
            "the signed credential (SD-JWT VC) with the number of the trader, and what it attests",
            &[
                must(1, "type", "", Words(&["aeo", "vetted_seller", "collect"])),
                must(2, "token", "", Token(MAX_CREDENTIAL_BYTES as u32)),
            ],
        )),
        repeated(record_group(
            "details",
            "what else the credential tells, such as legal name and roles: disclosures to be put behind the token",
            &[must(1, "disclosure", "", Token(MAX_CREDENTIAL_BYTES as u32))],
        )),
        HANDLING,
        EXTRA,
    ],
)
.listed();

/// The signed list from which the status of credentials is read.
pub static STATUS_LIST: TypeTable = TypeTable::new(
    "status_list",
    1,
    &[
        REFERENCE,
        required(record_group(
            "list",
            "the signed status list: which of its credentials are revoked or suspended, by number only",
            &[
                finds(must(1, "uri", "", Text(crate::limits::MAX_URI_BYTES as u16))),
                must(2, "token", "", Token(MAX_CARRIED_STATUS_BYTES as u32)),
            ],
        )),
        HANDLING,
        EXTRA,
    ],
)
.listed();

/// The holder of a number under which duty and tax are collected confirms that it is used for one consignment.
pub static COLLECT_USE: TypeTable = TypeTable::new(
    "collect_use",
    1,
    &[
        REFERENCE,
        required(ITEM),
        required(record_group(
            "use",
            "the number that is used, for which month its tax is returned, and its holder's signature over it",
            &[
                must(1, "number", "R119", Code(17)),
                must(2, "period", "", PERIOD),
                must(3, "key", "", Token(MAX_JWK_BYTES as u32)),
                must(4, "token", "", Token(MAX_CONFIRMATION_BYTES as u32)),
            ],
        )),
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
)
.listed();

/// A month, `YYYY-MM`.
const PERIOD: Kind = Code(7);
