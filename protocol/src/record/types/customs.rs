//! The type tables of what customs and agencies say about an item: `referral` and its answer, `customs_response`, `agency_decision`.
//!
//! Referrals are those of ICS2: request for information (IE3Q02, answered by IE3R02), request for screening (IE3Q03, IE3R03), do not
//! load (IE3Q01). Responses follow the notifications of WCO Data Model RES and ICS2; the code of the system they come from is kept.

use super::groups::{
    ATTACHMENTS, DOCUMENTS, EXTRA, HANDLING, ITEM, POINTERS, PRINCIPAL, REFERENCE, ROUTE, SCREENING, finds, may, must,
    record_group, repeated, required,
};
use super::transport::UNIT;
use crate::record::table::{Field, Group, TypeTable};
use crate::record::value::Kind::{self, Code, Currency, Decimal, Text, Time, Uint, Words};

/// Customs asks, or forbids to load, before it can judge.
pub static REFERRAL: TypeTable = TypeTable::new(
    "referral",
    1,
    &[
        REFERENCE,
        ITEM,
        UNIT,
        required(record_group(
            "referral",
            "what is asked or forbidden, under which reference, until when, and how it stands",
            &[
                must(1, "kind", "", REFERRALS),
                finds(must(2, "reference", "", Text(35))),
                must(3, "state", "", Words(&["open", "answered", "insufficient", "closed"])),
                may(4, "request_type", "", Code(3)),
                may(5, "deadline", "", Time),
                finds(may(6, "registration", "", Code(35))),
                may(7, "text", "225", Text(512)),
                may(8, "outcome", "", Text(512)),
            ],
        )),
        POINTERS,
        SCREENING,
        ROUTE,
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
)
.listed();

/// The answer to a referral by one who was asked.
pub static REFERRAL_ANSWER: TypeTable = TypeTable::new(
    "referral_answer",
    1,
    &[
        REFERENCE,
        ITEM,
        UNIT,
        required(record_group(
            "answer",
            "which referral it answers, and what was done",
            &[
                must(1, "kind", "", REFERRALS),
                finds(must(2, "reference", "", Text(35))),
                must(
                    3,
                    "outcome",
                    "",
                    Words(&[
                        "information_given",
                        "no_information",
                        "amended",
                        "screened_clear",
                        "screened_suspicious",
                        "not_screened",
                        "not_loaded",
                        "removed",
                        "already_departed",
                    ]),
                ),
                may(4, "at", "", Time),
                may(5, "text", "225", Text(512)),
                may(6, "voyage", "149", Text(17)),
            ],
        )),
        SCREENING,
        repeated(record_group("replies", "data that was asked for, by its place", REPLIES)),
        DOCUMENTS,
        ATTACHMENTS,
        ROUTE,
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
);

/// What customs answers to a declaration.
pub static CUSTOMS_RESPONSE: TypeTable = TypeTable::new(
    "customs_response",
    1,
    &[
        REFERENCE,
        ITEM,
        UNIT,
        required(record_group(
            "response",
            "what became of the declaration, with the code of the system it comes from",
            &[
                must(
                    1,
                    "status",
                    "",
                    Words(&[
                        "registered",
                        "rejected",
                        "not_complete",
                        "pending",
                        "assessment_complete",
                        "control_announced",
                        "accepted",
                        "held_exam",
                        "held_docs",
                        "corrected",
                        "released",
                        "cleared",
                        "duty_due",
                        "payment_short",
                        "payment_reminder",
                        "seized",
                        "return_ordered",
                        "invalidated",
                        "request_answered",
                        "exited",
                        "other",
                    ]),
                ),
                finds(may(2, "about", "D026", Text(70))),
                finds(may(3, "registration", "D014", Code(35))),
                may(4, "version", "383", Uint(9_999)),
                may(5, "at", "380", Time),
                may(6, "deadline", "264", Time),
                may(7, "accepted_at", "023", Time),
                may(8, "office", "", Code(17)),
                may(9, "source_system", "", Code(17)),
                may(10, "source_code", "", Code(17)),
                may(11, "text", "225", Text(512)),
                may(
                    12,
                    "inspection",
                    "",
                    Words(&[
                        "nothing_found",
                        "undervalued",
                        "undeclared",
                        "misdescribed",
                        "prohibited",
                        "counterfeit",
                        "other",
                    ]),
                ),
            ],
        )),
        repeated(record_group(
            "faults",
            "what is wrong with the declaration, and where",
            &[must(1, "code", "377", Code(17)), may(2, "pointer", "", Text(512)), may(3, "text", "225", Text(512))],
        )),
        WANTED,
        repeated(record_group(
            "debt",
            "duty and tax that customs asks for, line by line, or what is short under a guarantee",
            &[
                may(1, "kind", "113", Code(7)),
                may(2, "goods_item", "006", GOODS_ITEM),
                may(3, "regime", "164", Code(7)),
                may(4, "base", "116", Decimal(16, 2)),
                may(5, "deducted", "111", Decimal(16, 2)),
                may(6, "rate", "115", Decimal(17, 6)),
                may(7, "assessed", "120", Decimal(16, 2)),
                may(8, "payable", "378", Decimal(16, 2)),
                may(9, "currency", "", Currency),
                may(10, "method", "107", Code(7)),
                may(11, "quantity", "129", Decimal(16, 6)),
                may(12, "due_at", "376", Time),
                may(13, "guarantee", "100", Text(35)),
            ],
        )),
        ROUTE,
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
);

/// What an agency whose control applies decides; release takes all of them and customs.
pub static AGENCY_DECISION: TypeTable = TypeTable::new(
    "agency_decision",
    1,
    &[
        REFERENCE,
        ITEM,
        UNIT,
        required(record_group(
            "decision",
            "which control, what was decided, when and why",
            &[
                must(1, "control", "", Code(35)),
                must(2, "state", "", Words(&["held", "documents_wanted", "sampled", "refused", "released"])),
                may(3, "at", "", Time),
                may(4, "agency", "", Text(70)),
                may(5, "licence", "D005", Text(70)),
                may(6, "certificate", "D005", Text(70)),
                may(7, "deadline", "", Time),
                may(8, "reason", "", Text(512)),
            ],
        )),
        WANTED,
        ROUTE,
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
);

const REFERRALS: Kind = Words(&["rfi", "rfs", "dnl"]);

/// Data by its place in a record.
pub(super) const REPLIES: &[Field] = &[
    must(1, "pointer", "", Text(512)),
    may(2, "text", "225", Text(512)),
    may(3, "document_type", "D006", Code(4)),
    may(4, "reference", "D005", Text(70)),
];

const WANTED: Group = repeated(record_group(
    "wanted",
    "documents or controls that are asked for",
    &[
        may(1, "type", "D006", Code(4)),
        may(2, "goods_item", "006", GOODS_ITEM),
        may(3, "text", "225", Text(512)),
        may(4, "deadline", "264", Time),
    ],
));

/// A goods item of whatever declaration it is about, which may have more of them than a record has (WCO Data Model: n..5).
const GOODS_ITEM: Kind = Uint(99_999);
