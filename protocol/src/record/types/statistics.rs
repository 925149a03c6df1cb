//! The type table of `statistics`: tables that a member publishes of its items, signed, as they go to others under an agreement. What is in
//! the file is [`crate::statistics`]'s.

use super::groups::{ATTACHMENTS, EXTRA, HANDLING, REFERENCE, finds, may, must, record_group, required};
use crate::limits::{MAX_CARRIED_STATISTICS_BYTES, MAX_STATISTICS_CELLS};
use crate::record::table::TypeTable;
use crate::record::value::Kind::{self, Bytes, Code, Currency, Text, Uint, Words};

/// Published statistics, in full or by the digest of an attached file.
pub static STATISTICS: TypeTable = TypeTable::new(
    "statistics",
    1,
    &[
        REFERENCE,
        required(record_group(
            "publication",
            "whose statistics, of which flow and months, in which currency, how many cells; the digest of the signed file, and the file itself where it is small",
            &[
                finds(must(1, "publisher", "", Text(40))),
                must(2, "from", "", MONTH),
                must(3, "to", "", MONTH),
                must(4, "currency", "", Currency),
                must(5, "cells", "", Uint(MAX_STATISTICS_CELLS as u64)),
                must(6, "digest", "", Bytes(32, 32)),
                may(7, "file", "", Bytes(1, MAX_CARRIED_STATISTICS_BYTES as u32)),
                must(8, "flow", "", Words(&["import", "export"])),
            ],
        )),
        ATTACHMENTS,
        HANDLING,
        EXTRA,
    ],
)
.listed();

/// `YYYY-MM`.
const MONTH: Kind = Code(7);
