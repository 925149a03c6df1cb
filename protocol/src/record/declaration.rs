//! The type tables of `declaration`: advance data about one parcel, of any kind of filing.
//!
//! Fields follow the WCO Data Model (ids where it has one), ICS2 F43 and H7, CN 23 and ITMATT. Only own reference and
//! destination are mandatory: completeness is a finding about quality, not a reason to lose a record.

use super::codelist::HS;
use super::table::{Field, Group, Scope, TypeTable};
use super::value::Kind;
use super::value::Kind::{Bool, Code, Currency, Day, Decimal, Digits, Territory, Text, Time, Uint, Words};

/// Advance data about one parcel; `filing.kind` tells which of the filings it is.
pub static DECLARATION: TypeTable = TypeTable::new("declaration", 1, GROUPS.split_at(21).0);

/// The same with who handles the item on its way, and the edition of the tariff codes.
pub static DECLARATION_2: TypeTable = TypeTable::new("declaration", 2, GROUPS_2);

const GROUPS: &[Group] = &groups(CLASSIFICATION);
const GROUPS_2: &[Group] = &groups(CLASSIFICATION_2);

/// By number: a later version has those of the one before it, and more behind them.
const fn groups(classification: Group) -> [Group; 22] {
    [
        FILING,
        ITEM,
        ROUTE,
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
        HANDLING,
    ]
}

const FILING: Group = Group {
    name: "filing",
    title: "what is declared, by which procedure, under which reference, at which office",
    scope: Scope::Record,
    repeats: false,
    mandatory: true,
    fields: &[
        must(1, "own_reference", "", Text(70)),
        may(
            2,
            "kind",
            "",
            Words(&["pre_advice", "ens_preloading", "ens_prearrival", "export", "import", "reexport", "transit"]),
        ),
        may(3, "data_set", "", Code(17)),
        may(4, "capacity", "", Words(&["declarant", "direct_representative", "indirect_representative", "operator"])),
        may(5, "registration", "", Code(35)),
        may(6, "filed_on", "D011", Day),
        may(7, "message_time", "D029", Time),
        may(8, "circumstance", "504", Code(3)),
        may(9, "office", "G005", Code(17)),
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
    ],
};

const ITEM: Group = Group {
    name: "item",
    title: "which item it is: S10 or other number, receptacle, consignment reference",
    scope: Scope::Record,
    repeats: false,
    mandatory: false,
    fields: &[
        may(1, "scheme", "", Words(&["s10", "sscc", "carrier", "platform"])),
        may(2, "issuer", "", Text(35)),
        must(3, "id", "D023", Text(70)),
        may(4, "posted_on", "", Day),
        may(5, "ucr", "009", Text(35)),
        may(6, "receptacle", "159", Code(35)),
    ],
};

const ROUTE: Group = Group {
    name: "route",
    title: "where it comes from and goes to, and how",
    scope: Scope::Record,
    repeats: false,
    mandatory: true,
    fields: &[
        must(1, "destination", "SC2", Territory),
        may(2, "departure", "", Territory),
        may(3, "first_entry", "", Territory),
        may(4, "transit", "", Territory),
        may(5, "mode", "183", Code(3)),
        may(6, "border_mode", "", Code(3)),
        may(7, "location", "L016", Text(70)),
        may(8, "departs_at", "", Time),
        may(9, "arrives_at", "", Time),
    ],
};

const MASS: Group = Group {
    name: "mass",
    title: "gross mass and number of packages",
    scope: Scope::Record,
    repeats: false,
    mandatory: false,
    fields: &[may(1, "gross_kg", "131", Decimal(16, 6)), may(2, "packages", "144", Uint(99_999_999))],
};

const DANGEROUS_GOODS: Group = Group {
    name: "dangerous_goods",
    title: "whether it holds dangerous goods, and their UN number",
    scope: Scope::Record,
    repeats: false,
    mandatory: false,
    fields: &[must(1, "flag", "", Bool), may(2, "un_number", "145", Digits(4, 4))],
};

/// Name, address and contact.
const PERSON: &[Field] = &[
    may(1, "name", "R020", Text(70)),
    may(2, "id", "R021", Text(35)),
    may(3, "person", "", Words(&["natural", "legal", "association"])),
    may(4, "street", "239", Text(70)),
    may(5, "street_more", "", Text(70)),
    may(6, "number", "", Text(35)),
    may(7, "po_box", "", Text(70)),
    may(8, "city", "241", Text(35)),
    may(9, "subdivision", "243", Text(35)),
    may(10, "postcode", "245", Text(17)),
    may(11, "country", "242", Territory),
    may(12, "phone", "240", Text(50)),
    may(13, "email", "", Text(256)),
];

const SENDER: Group = Group {
    name: "sender",
    title: "who sends: name, address, contact",
    scope: Scope::Record,
    repeats: false,
    mandatory: false,
    fields: PERSON,
};

const ADDRESSEE: Group = Group {
    name: "addressee",
    title: "who receives: name, address, contact",
    scope: Scope::Record,
    repeats: false,
    mandatory: false,
    fields: PERSON,
};

const DECLARANT: Group = Group {
    name: "declarant",
    title: "who files, and for whom",
    scope: Scope::Record,
    repeats: true,
    mandatory: false,
    fields: &[
        must(1, "role", "", Words(&["declarant", "representative", "importer", "exporter", "courier"])),
        may(2, "id", "R123", Text(35)),
        may(3, "name", "R124", Text(70)),
        may(4, "status", "102", Digits(1, 1)),
        may(5, "country", "242", Territory),
    ],
};

const SELLER: Group = Group {
    name: "seller",
    title: "the seller's account and identity at the platform",
    scope: Scope::Record,
    repeats: false,
    mandatory: false,
    fields: &[
        may(1, "account", "", Text(70)),
        may(2, "name", "", Text(70)),
        may(3, "country", "", Territory),
        may(4, "platform", "", Text(70)),
    ],
};

const ORDER: Group = Group {
    name: "order",
    title: "the order behind the parcel",
    scope: Scope::Record,
    repeats: false,
    mandatory: false,
    fields: &[
        may(1, "reference", "D018", Text(70)),
        may(2, "platform_reference", "", Text(70)),
        may(3, "sold_at", "", Time),
        may(4, "price", "", Decimal(16, 2)),
        may(5, "currency", "", Currency),
    ],
};

const PAYMENT: Group = Group {
    name: "payment",
    title: "how it was paid",
    scope: Scope::Record,
    repeats: false,
    mandatory: false,
    fields: &[
        may(1, "kind", "", Code(7)),
        may(2, "reference", "", Text(70)),
        may(3, "amount", "", Decimal(16, 2)),
        may(4, "currency", "", Currency),
        may(5, "paid_at", "", Time),
    ],
};

const FISCAL: Group = Group {
    name: "fiscal",
    title: "numbers under which duty and tax are collected (IOSS, VAT)",
    scope: Scope::Record,
    repeats: true,
    mandatory: false,
    fields: &[must(1, "id", "R119", Code(17)), may(2, "role", "R005", Code(3))],
};

const ACTORS: Group = Group {
    name: "actors",
    title: "further parties with their trusted-trader identity",
    scope: Scope::Record,
    repeats: true,
    mandatory: false,
    fields: &[must(1, "id", "R143", Code(17)), may(2, "role", "R005", Code(3))],
};

const DOCUMENTS: Group = Group {
    name: "documents",
    title: "supporting documents and statements",
    scope: Scope::Record,
    repeats: true,
    mandatory: false,
    fields: &[
        may(1, "type", "D006", Code(4)),
        may(2, "reference", "D005", Text(70)),
        may(3, "statement_code", "226", Code(17)),
        may(4, "statement", "225", Text(512)),
    ],
};

const POSTAGE: Group = Group {
    name: "postage",
    title: "postage paid",
    scope: Scope::Record,
    repeats: false,
    mandatory: false,
    fields: &[must(1, "amount", "117", Decimal(16, 2)), may(2, "currency", "", Currency)],
};

const CONTENT: Group = Group {
    name: "content",
    title: "what the goods are, in words",
    scope: Scope::Item,
    repeats: false,
    mandatory: false,
    fields: &[
        may(1, "description", "137", Text(512)),
        may(2, "nature", "", Code(3)),
        may(3, "units", "144", Uint(99_999_999)),
    ],
};

const CLASSIFICATION: Group = Group {
    name: "classification",
    title: "tariff codes of the goods",
    scope: Scope::Item,
    repeats: false,
    mandatory: false,
    fields: CODES.split_at(3).0,
};

/// With the edition that the codes are of, the first one where it is not named.
const CLASSIFICATION_2: Group = Group { fields: CODES, ..CLASSIFICATION };

const CODES: &[Field] = &[
    must(1, "hs", "", Digits(6, 6)),
    may(2, "national", "", Digits(2, 6)),
    may(3, "cus", "", Code(9)),
    may(4, "edition", "", Kind::Edition(&HS)),
];

const VALUE: Group = Group {
    name: "value",
    title: "declared value of the goods",
    scope: Scope::Item,
    repeats: false,
    mandatory: false,
    fields: &[must(1, "amount", "108", Decimal(16, 2)), may(2, "currency", "", Currency)],
};

const ORIGIN: Group = Group {
    name: "origin",
    title: "origin and net mass of the goods",
    scope: Scope::Item,
    repeats: false,
    mandatory: false,
    fields: &[
        may(1, "country", "063", Territory),
        may(2, "indicator", "", Code(3)),
        may(3, "net_kg", "128", Decimal(16, 6)),
    ],
};

const PRODUCT: Group = Group {
    name: "product",
    title: "product identifiers of merchant and manufacturer",
    scope: Scope::Item,
    repeats: false,
    mandatory: false,
    fields: &[
        may(1, "merchant_id", "", Text(70)),
        may(2, "gtin", "", Digits(8, 14)),
        may(3, "manufacturer_id", "", Text(70)),
    ],
};

const DUTY: Group = Group {
    name: "duty",
    title: "duty and tax: kind and rate",
    scope: Scope::Item,
    repeats: true,
    mandatory: false,
    fields: &[
        must(1, "kind", "", Code(7)),
        may(2, "rate_percent", "", Decimal(9, 6)),
        may(3, "amount", "", Decimal(16, 2)),
        may(4, "currency", "", Currency),
    ],
};

/// Members of the network by their names there, so that a row can give records to those who handle the item and to no others.
const HANDLING: Group = Group {
    name: "handling",
    title: "who handles it on its way: operators of origin and destination, carrier",
    scope: Scope::Record,
    repeats: false,
    mandatory: false,
    fields: &[
        may(1, "origin_operator", "", Text(40)),
        may(2, "carrier", "", Text(40)),
        may(3, "destination_operator", "", Text(40)),
    ],
};

const fn may(number: u8, name: &'static str, wco: &'static str, kind: Kind) -> Field {
    Field { number, name, wco, kind, mandatory: false }
}

const fn must(number: u8, name: &'static str, wco: &'static str, kind: Kind) -> Field {
    Field { number, name, wco, kind, mandatory: true }
}
