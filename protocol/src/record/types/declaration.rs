//! The type tables of `declaration`: advance data about one parcel, of any kind of filing.
//!
//! Fields follow the WCO Data Model (ids where it has one), ICS2 F43 and H7, CN 23 and ITMATT. Only own reference and
//! destination are mandatory: completeness is a finding about quality, not a reason to lose a record.

use super::groups::{
    ACTIONS, ADDRESSEE, ATTACHMENTS, CLASSIFICATION, CLASSIFICATION_1, CONTENT, DANGEROUS_GOODS, DOCUMENTS, EXTRA,
    FISCAL, HANDLING, HANDLING_2, ITEM, MASS, ORIGIN, PAYMENT, PRINCIPAL, PRODUCT, ROUTE, SELLER, SENDER, VALUE, finds,
    item_group, may, must, record_group, repeated, required,
};
use crate::record::table::{Field, Group, TypeTable};
use crate::record::value::Kind::{Code, Currency, Day, Decimal, Digits, Territory, Text, Time, Uint, Words};

/// Advance data about one parcel; `filing.kind` tells which of the filings it is.
pub static DECLARATION: TypeTable = TypeTable::new("declaration", 1, GROUPS_1.split_at(21).0);

/// The same with who handles the item on its way, and the edition of the tariff codes.
pub static DECLARATION_2: TypeTable = TypeTable::new("declaration", 2, GROUPS_2.split_at(22).0);

/// The same with revisions, the referral that an amendment answers, procedures, documents and measures of each goods item, a principal without a node, attachments, and what a foreign format holds
/// beside all that.
pub static DECLARATION_3: TypeTable = TypeTable::new("declaration", 3, GROUPS_3);

const GROUPS_1: &[Group] = &groups(FILING_2, CLASSIFICATION_1, HANDLING_2);
const GROUPS_2: &[Group] = &groups(FILING_2, CLASSIFICATION, HANDLING_2);
const GROUPS_3: &[Group] = &groups(FILING, CLASSIFICATION, HANDLING);

/// By number: a later version has those of the one before it, and more behind them.
const fn groups(filing: Group, classification: Group, handling: Group) -> [Group; 28] {
    [
        filing,
        ITEM,
        required(ROUTE),
        MASS,
        DANGEROUS_GOODS,
        SENDER,
        ADDRESSEE,
        DECLARANT,
        SELLER,
        ORDER,
        PAYMENT,
        FISCAL,
        ACTORS,
        DOCUMENTS,
        POSTAGE,
        CONTENT,
        classification,
        VALUE,
        ORIGIN,
        PRODUCT,
        DUTY,
        handling,
        PROCEDURES,
        GOODS_DOCUMENTS,
        MEASURE,
        PRINCIPAL,
        ATTACHMENTS,
        EXTRA,
    ]
}

const FILING: Group = required(record_group(
    "filing",
    "what is declared, by which procedure, under which reference, at which office",
    FILING_FIELDS,
));

/// Without revisions.
const FILING_2: Group = Group { fields: FILING_FIELDS.split_at(14).0, ..FILING };

const FILING_FIELDS: &[Field] = &[
    finds(must(1, "own_reference", "D026", Text(70))),
    may(
        2,
        "kind",
        "",
        Words(&["pre_advice", "ens_preloading", "ens_prearrival", "export", "import", "reexport", "transit"]),
    ),
    may(3, "data_set", "", Code(17)),
    may(4, "capacity", "", Words(&["declarant", "direct_representative", "indirect_representative", "operator"])),
    finds(may(5, "registration", "D014", Code(35))),
    may(6, "filed_on", "D011", Day),
    may(7, "message_time", "D029", Time),
    may(8, "circumstance", "504", Code(3)),
    may(9, "office", "065", Code(17)),
    may(10, "procedure", "166", Code(7)),
    may(11, "process_type", "", Code(7)),
    may(12, "use_code", "", Code(7)),
    may(13, "transaction_type", "", Words(&["b2c", "c2c", "b2b", "non_commercial"])),
    may(
        14,
        "category_of_item",
        "",
        Words(&["sale_of_goods", "gift", "documents", "commercial_sample", "returned_goods", "other"]),
    ),
    may(15, "revision", "", Uint(9_999)),
    may(16, "action", "", ACTIONS),
    may(17, "reason", "", Text(512)),
    may(18, "referral", "", Text(35)),
];

const DECLARANT: Group = repeated(record_group(
    "declarant",
    "who files, and for whom",
    &[
        must(1, "role", "", Words(&["declarant", "representative", "importer", "exporter", "courier"])),
        may(2, "id", "R123", Text(35)),
        may(3, "name", "R124", Text(70)),
        may(4, "status", "102", Digits(1, 1)),
        may(5, "country", "242", Territory),
    ],
));

const ORDER: Group = record_group(
    "order",
    "the order behind the parcel",
    &[
        finds(may(1, "reference", "D018", Text(70))),
        finds(may(2, "platform_reference", "", Text(70))),
        may(3, "sold_at", "", Time),
        may(4, "price", "", Decimal(16, 2)),
        may(5, "currency", "", Currency),
    ],
);

const ACTORS: Group = repeated(record_group(
    "actors",
    "further parties with their trusted-trader identity",
    &[must(1, "id", "R143", Code(17)), may(2, "role", "R005", Code(3))],
));

const POSTAGE: Group = record_group(
    "postage",
    "postage paid",
    &[must(1, "amount", "117", Decimal(16, 2)), may(2, "currency", "", Currency)],
);

const DUTY: Group = repeated(item_group(
    "duty",
    "duty and tax: kind and rate",
    &[
        must(1, "kind", "113", Code(7)),
        may(2, "rate_percent", "115", Decimal(9, 6)),
        may(3, "amount", "120", Decimal(16, 2)),
        may(4, "currency", "", Currency),
    ],
));

const PROCEDURES: Group = repeated(item_group(
    "procedures",
    "customs procedures of the goods: requested and previous, or an additional one",
    &[must(1, "code", "166", Code(7)), may(2, "previous", "161", Code(7))],
));

const GOODS_DOCUMENTS: Group = repeated(item_group(
    "goods_documents",
    "supporting documents and statements of the goods",
    &[
        may(1, "type", "D006", Code(4)),
        may(2, "reference", "D005", Text(70)),
        may(3, "statement_code", "226", Code(17)),
        may(4, "statement", "225", Text(512)),
        may(5, "name", "D028", Text(35)),
        may(6, "status", "360", Code(3)),
        may(7, "quantity", "502", Decimal(16, 6)),
        may(8, "unit", "", Code(7)),
    ],
));

const MEASURE: Group = item_group(
    "measure",
    "gross mass and supplementary quantity of the goods",
    &[
        may(1, "gross_kg", "126", Decimal(16, 6)),
        may(2, "quantity", "130", Decimal(16, 6)),
        may(3, "unit", "", Code(7)),
    ],
);
