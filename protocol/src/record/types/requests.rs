//! The type tables of `data_request`, `data_answer` and `notice`: data that operators hold and an authority asks for, and what is told to
//! many.

use super::customs::REPLIES;
use super::groups::{
    ATTACHMENTS, DOCUMENTS, EXTRA, HANDLING, ITEM, POINTERS, PRINCIPAL, REFERENCE, ROUTE, finds, may, must, party,
    record_group, repeated, required,
};
use crate::record::table::TypeTable;
use crate::record::value::Kind::{Code, Day, Text, Time, Words};

/// An authority asks an operator for data that it holds, on a legal ground.
pub static DATA_REQUEST: TypeTable = TypeTable::new(
    "data_request",
    1,
    &[
        REFERENCE,
        ITEM,
        required(record_group(
            "request",
            "what is asked, on which ground, until when",
            &[
                finds(must(1, "reference", "", Text(35))),
                must(2, "ground", "", Text(256)),
                may(3, "deadline", "", Time),
                may(4, "text", "225", Text(512)),
                may(5, "from", "", Day),
                may(6, "until", "", Day),
                may(7, "state", "", Words(&["open", "answered", "insufficient", "closed"])),
            ],
        )),
        POINTERS,
        record_group(
            "subject",
            "whom it is about, where it is not about an item",
            &[
                party(may(1, "name", "", Text(70))),
                party(may(2, "id", "", Text(35))),
                party(may(3, "account", "", Text(70))),
            ],
        ),
        ROUTE,
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
)
.listed();

/// The operator's answer.
pub static DATA_ANSWER: TypeTable = TypeTable::new(
    "data_answer",
    1,
    &[
        REFERENCE,
        ITEM,
        required(record_group(
            "answer",
            "which request it answers, and whether the data is given",
            &[
                finds(must(1, "reference", "", Text(35))),
                must(2, "outcome", "", Words(&["given", "partly_given", "not_held", "refused"])),
                may(3, "text", "225", Text(512)),
            ],
        )),
        repeated(record_group("replies", "data that was asked for, by its place", REPLIES)),
        DOCUMENTS,
        ATTACHMENTS,
        ROUTE,
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
);

/// What a member tells many: an outage in which filings cannot be made in time, a measure, a change.
pub static NOTICE: TypeTable = TypeTable::new(
    "notice",
    1,
    &[
        REFERENCE,
        required(record_group(
            "notice",
            "what is told, and from when to when it holds",
            &[
                must(1, "kind", "", Words(&["fallback", "measure", "requirement", "contact", "change", "other"])),
                may(2, "title", "", Text(256)),
                may(3, "text", "", Text(512)),
                may(4, "starts_at", "", Time),
                may(5, "ends_at", "", Time),
                finds(may(6, "concerns", "", Text(40))),
                may(7, "language", "", Code(5)),
                may(8, "link", "", Text(512)),
            ],
        )),
        ROUTE,
        HANDLING,
        ATTACHMENTS,
        PRINCIPAL,
        EXTRA,
    ],
)
.listed();
