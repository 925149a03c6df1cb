//! The type tables of what is owed, paid and given back for an item: `duty`, `guarantee`, `summary`, `return`.
//!
//! Amounts have up to four digits after the point, as the currency with the most of them has. What is made of these records is
//! [`crate::revenue`]'s.

use super::groups::{
    EXTRA, HANDLING, ITEM, PRINCIPAL, REFERENCE, ROUTE, finds, may, must, party, record_group, repeated, required,
};
use crate::record::table::{Field, TypeTable};
use crate::record::value::Kind::{self, Bytes, Code, Currency, Day, Decimal, Territory, Text, Time, Uint, Words};

/// Duty and tax of one item, line by line: assessed, collected or remitted.
pub static DUTY: TypeTable = TypeTable::new(
    "duty",
    1,
    &[
        REFERENCE,
        required(ITEM),
        required(record_group(
            "duty",
            "whether it tells what is assessed, collected or remitted, under which model, account and period",
            &[
                must(1, "stage", "", Words(&["assessed", "collected", "remitted"])),
                must(2, "model", "", MODELS),
                must(3, "territory", "", Territory),
                must(4, "day", "", Day),
                finds(may(5, "registration", "D014", Code(35))),
                finds(may(6, "about", "", Text(70))),
                may(7, "about_issuer", "", Text(40)),
                finds(may(8, "account", "", Text(35))),
                may(9, "period", "", PERIOD),
                may(10, "number", "R119", Code(17)),
                finds(may(11, "payment_reference", "", Text(70))),
            ],
        )),
        repeated(record_group("lines", "tax lines: kind, base, rate or count, amount, rule and reason", LINES)),
        repeated(record_group(
            "exchange",
            "rates of exchange that the lines were computed with, their source and day",
            &[
                must(1, "currency", "", Currency),
                must(2, "into", "", Currency),
                must(3, "rate", "", Decimal(18, 6)),
                may(4, "per", "", Uint(1_000_000)),
                may(5, "quoted", "", Words(&["into", "currency"])),
                must(6, "day", "", Day),
                must(7, "source", "", Text(256)),
            ],
        )),
        ROUTE,
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
)
.listed();

const LINES: &[Field] = &[
    must(1, "number", "", Uint(99)),
    must(2, "tax", "113", Code(7)),
    may(3, "goods_item", "006", Uint(99_999)),
    must(4, "kind", "", Words(&["ad_valorem", "per_item", "per_unit", "fee"])),
    may(5, "basis", "", Words(&["intrinsic", "fob", "cif"])),
    may(6, "base", "116", AMOUNT),
    may(7, "includes", "", Text(300)),
    may(8, "rate", "115", Decimal(17, 6)),
    may(9, "count", "", Uint(99_999)),
    may(10, "quantity", "129", Decimal(18, 6)),
    may(11, "unit", "", Code(3)),
    must(12, "amount", "120", AMOUNT),
    must(13, "currency", "", Currency),
    may(14, "rounding", "", Words(&["half_up", "half_even", "down"])),
    may(15, "rounded_to", "", Words(&["cent", "unit", "none"])),
    may(16, "rule", "", Text(70)),
    may(17, "edition", "", Text(70)),
    may(18, "reason", "", Text(512)),
    may(19, "tariff", "145", Kind::Digits(4, 12)),
    may(20, "deducted", "111", AMOUNT),
];

/// What becomes of a guarantee under which duty is paid later.
pub static GUARANTEE: TypeTable = TypeTable::new(
    "guarantee",
    1,
    &[
        REFERENCE,
        ITEM,
        required(record_group(
            "guarantee",
            "which guarantee, whether it is registered, drawn on, released or blocked, by how much, and what is left",
            &[
                finds(must(1, "number", "100", Text(35))),
                must(2, "state", "", Words(&["registered", "drawn", "released", "blocked"])),
                may(3, "amount", "", AMOUNT),
                may(4, "available", "", AMOUNT),
                may(5, "currency", "", Currency),
                may(6, "valid_from", "", Day),
                may(7, "valid_until", "", Day),
                finds(may(8, "account", "", Text(35))),
                finds(may(9, "registration", "D014", Code(35))),
                may(10, "at", "", Time),
                may(11, "reason", "", Text(512)),
            ],
        )),
        repeated(record_group("covers", "records of duty that it is drawn on or released for", COVERS)),
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
)
.listed();

const COVERS: &[Field] = &[must(1, "issuer", "", Text(40)), finds(must(2, "reference", "", Text(70)))];

/// What an account owes for a period: it commits to the sorted list of its items.
pub static SUMMARY: TypeTable = TypeTable::new(
    "summary",
    1,
    &[
        REFERENCE,
        required(record_group(
            "summary",
            "which account and period; root and count of the sorted list of its items; what is to be paid, under which reference",
            &[
                finds(must(1, "account", "", Text(35))),
                must(2, "period", "", PERIOD),
                must(3, "count", "", Uint(crate::limits::MAX_SUMMARY_ITEMS as u64)),
                must(4, "root", "", Bytes(32, 32)),
                may(5, "model", "", MODELS),
                may(6, "number", "R119", Code(17)),
                may(7, "payable", "", AMOUNT),
                may(8, "currency", "", Currency),
                finds(may(9, "payment_reference", "", Text(70))),
                may(10, "due", "", Day),
                may(11, "guarantee", "100", Text(35)),
            ],
        )),
        repeated(record_group(
            "totals",
            "totals of its items by kind of tax, territory and currency",
            &[
                must(1, "tax", "113", Code(7)),
                must(2, "territory", "", Territory),
                must(3, "amount", "", AMOUNT),
                must(4, "currency", "", Currency),
                must(5, "lines", "", Uint(crate::limits::MAX_SUMMARY_ITEMS as u64 * 99)),
            ],
        )),
        repeated(record_group(
            "corrections",
            "corrections of earlier periods, which are closed: by how much, of which record, why",
            &[
                must(1, "period", "", PERIOD),
                must(2, "tax", "113", Code(7)),
                must(3, "territory", "", Territory),
                must(4, "amount", "", AMOUNT),
                must(5, "currency", "", Currency),
                must(6, "issuer", "", Text(40)),
                finds(must(7, "reference", "", Text(70))),
                must(8, "reason", "", Text(512)),
            ],
        )),
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
)
.listed();

/// A claim that duty or tax is not owed any more, or is given back.
pub static RETURN: TypeTable = TypeTable::new(
    "return",
    1,
    &[
        REFERENCE,
        required(ITEM),
        required(record_group(
            "return",
            "which procedure, how the claim stands, on which ground, until when it may be made",
            &[
                must(
                    1,
                    "procedure",
                    "",
                    Words(&["relief", "repayment", "drawback", "vendor_correction", "abandonment", "destruction"]),
                ),
                must(2, "state", "", Words(&["claimed", "accepted", "paid", "refused", "withdrawn"])),
                must(3, "territory", "", Territory),
                may(
                    4,
                    "ground",
                    "",
                    Words(&[
                        "withdrawn_purchase",
                        "damaged",
                        "defective",
                        "not_as_ordered",
                        "special_circumstances",
                        "not_delivered",
                        "reexported",
                        "other",
                    ]),
                ),
                may(5, "claimed_on", "", Day),
                may(6, "until", "", Day),
                finds(may(7, "registration", "D014", Code(35))),
                finds(may(8, "original_item", "D023", Text(70))),
                may(9, "period", "", PERIOD),
                may(
                    10,
                    "disposal",
                    "",
                    Words(&["export", "postal_export", "export_in_baggage", "donation", "warehouse", "destruction"]),
                ),
                may(11, "text", "225", Text(512)),
            ],
        )),
        required(record_group(
            "claimant",
            "who claims, in which capacity, and an intermediary's mandate",
            &[
                must(
                    1,
                    "capacity",
                    "",
                    Words(&[
                        "declarant",
                        "importer",
                        "exporter",
                        "consignee",
                        "vendor",
                        "intermediary",
                        "qualified_party",
                    ]),
                ),
                party(may(2, "id", "", Text(35))),
                party(may(3, "name", "", Text(70))),
                may(4, "country", "242", Territory),
                may(5, "mandate", "", Text(70)),
                party(may(6, "mandated_by", "", Text(70))),
                may(7, "mandate_from", "", Day),
                may(8, "mandate_until", "", Day),
            ],
        )),
        repeated(record_group(
            "claimed",
            "tax lines that are claimed: the record of duty, its line, how much of it",
            &[
                must(1, "issuer", "", Text(40)),
                finds(must(2, "reference", "", Text(70))),
                must(3, "line", "", Uint(99)),
                must(4, "tax", "113", Code(7)),
                must(5, "amount", "", AMOUNT),
                must(6, "currency", "", Currency),
            ],
        )),
        repeated(record_group(
            "proofs",
            "proofs, until when each is due, and which are there",
            &[
                must(
                    1,
                    "kind",
                    "",
                    Words(&[
                        "export",
                        "exit",
                        "import",
                        "cancellation",
                        "refund",
                        "same_state",
                        "inspection",
                        "destruction",
                        "abandonment",
                        "mandate",
                    ]),
                ),
                may(2, "due", "", Day),
                may(3, "given_on", "", Day),
                may(4, "reference", "D005", Text(70)),
                may(5, "type", "D006", Code(4)),
            ],
        )),
        ROUTE,
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
)
.listed();

/// Who collects.
const MODELS: Kind = Words(&["vendor", "intermediary", "qualified_party", "consumer"]);

/// A month, `YYYY-MM`.
const PERIOD: Kind = Code(7);

const AMOUNT: Kind = Decimal(18, 4);
