//! Groups that several record types share, so that one name means one thing everywhere.
//!
//! Not here: groups of one type only; they stand beside it.

use crate::record::codelist::HS;
use crate::record::table::{Field, Finds, Group, Scope};
use crate::record::value::Kind;
use crate::record::value::Kind::{
    Bool, Bytes, Code, Currency, Day, Decimal, Digits, Territory, Text, Time, Uint, Words,
};

/// Bytes of what a foreign format holds and no group does.
pub(super) const MAX_EXTRA_BYTES: u32 = 64 * 1024;
/// Bytes of an attached file.
const MAX_ATTACHMENT_BYTES: u64 = crate::limits::MAX_ATTACHMENT_BYTES;

/// What a record does to earlier ones with its reference.
pub(super) const ACTIONS: Kind = Words(&["original", "correction", "cancellation"]);

/// The first group of every type but `declaration`.
pub(super) const REFERENCE: Group = Group {
    mandatory: true,
    ..record_group(
        "reference",
        "the issuer's own reference, which revision of it this is, and when it was made",
        &[
            finds(must(1, "own_reference", "D026", Text(70))),
            may(2, "made_at", "D011", Time),
            may(3, "revision", "", Uint(9_999)),
            may(4, "action", "", ACTIONS),
            may(5, "reason", "", Text(512)),
        ],
    )
};

const ITEM_TITLE: &str = "which item it is: S10 or other number, receptacle, consignment reference";

/// Which item it is, in one of these schemes.
pub(super) const ITEM_FIELDS: [Field; 6] = [
    may(1, "scheme", "", Words(&["s10", "sscc", "carrier", "platform"])),
    may(2, "issuer", "", Text(35)),
    finds(must(3, "id", "D023", Text(70))),
    may(4, "posted_on", "", Day),
    finds(may(5, "ucr", "009", Text(35))),
    finds(may(6, "receptacle", "159", Code(35))),
];

pub(super) const ITEM: Group = record_group("item", ITEM_TITLE, &ITEM_FIELDS);

pub(super) const ROUTE: Group = record_group(
    "route",
    "where it comes from and goes to, and how",
    &[
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
);

pub(super) const MASS: Group = record_group(
    "mass",
    "gross mass and number of packages",
    &[may(1, "gross_kg", "131", Decimal(16, 6)), may(2, "packages", "144", Uint(99_999_999))],
);

pub(super) const DANGEROUS_GOODS: Group = record_group(
    "dangerous_goods",
    "whether it holds dangerous goods, and their UN number",
    &[must(1, "flag", "", Bool), may(2, "un_number", "506", Digits(4, 4))],
);

/// Name, address and contact, with the WCO ids that name and identifier have for this role.
const fn person(name: &'static str, id: &'static str) -> [Field; 13] {
    [
        party(may(1, "name", name, Text(70))),
        party(may(2, "id", id, Text(35))),
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
    ]
}

pub(super) const SENDER: Group = record_group("sender", "who sends: name, address, contact", &person("R020", "R021"));

pub(super) const ADDRESSEE: Group =
    record_group("addressee", "who receives: name, address, contact", &person("R014", "R015"));

pub(super) const BUYER: Group = record_group(
    "buyer",
    "who bought, where that is not who receives: name, address, contact",
    &person("R009", "R010"),
);

pub(super) const SELLER: Group = record_group(
    "seller",
    "the seller's account and identity at the platform",
    &[
        party(may(1, "account", "", Text(70))),
        party(may(2, "name", "R050", Text(70))),
        may(3, "country", "242", Territory),
        may(4, "platform", "", Text(70)),
    ],
);

pub(super) const PAYMENT: Group = record_group(
    "payment",
    "how it was paid",
    &[
        may(1, "kind", "", Code(7)),
        finds(may(2, "reference", "", Text(70))),
        may(3, "amount", "", Decimal(16, 2)),
        may(4, "currency", "", Currency),
        may(5, "paid_at", "", Time),
    ],
);

pub(super) const FISCAL: Group = repeated(record_group(
    "fiscal",
    "numbers under which duty and tax are collected (IOSS, VAT)",
    &[must(1, "id", "R119", Code(17)), may(2, "role", "R005", Code(3))],
));

pub(super) const DOCUMENTS: Group = repeated(record_group(
    "documents",
    "supporting documents and statements",
    &[
        may(1, "type", "D006", Code(4)),
        may(2, "reference", "D005", Text(70)),
        may(3, "statement_code", "226", Code(17)),
        may(4, "statement", "225", Text(512)),
    ],
));

pub(super) const CONTENT: Group = item_group(
    "content",
    "what the goods are, in words",
    &[may(1, "description", "137", Text(512)), may(2, "nature", "", Code(3)), may(3, "units", "144", Uint(99_999_999))],
);

const CLASSIFICATION_TITLE: &str = "tariff codes of the goods";

const CODES: &[Field] = &[
    must(1, "hs", "145", Digits(6, 6)),
    may(2, "national", "", Digits(2, 6)),
    may(3, "cus", "", Code(9)),
    may(4, "edition", "", Kind::Edition(&HS)),
];

/// Without the edition that the codes are of, which is then the first one.
pub(super) const CLASSIFICATION_1: Group = item_group("classification", CLASSIFICATION_TITLE, CODES.split_at(3).0);

/// With the edition that the codes are of, the first one where it is not named.
pub(super) const CLASSIFICATION: Group = item_group("classification", CLASSIFICATION_TITLE, CODES);

pub(super) const VALUE: Group = item_group(
    "value",
    "declared value of the goods",
    &[must(1, "amount", "108", Decimal(16, 2)), may(2, "currency", "", Currency)],
);

pub(super) const ORIGIN: Group = item_group(
    "origin",
    "origin and net mass of the goods",
    &[may(1, "country", "063", Territory), may(2, "indicator", "", Code(3)), may(3, "net_kg", "128", Decimal(16, 6))],
);

pub(super) const PRODUCT: Group = item_group(
    "product",
    "product identifiers of merchant and manufacturer",
    &[may(1, "merchant_id", "", Text(70)), may(2, "gtin", "", Digits(8, 14)), may(3, "manufacturer_id", "", Text(70))],
);

const HANDLERS: &[Field] = &[
    may(1, "origin_operator", "", Text(40)),
    may(2, "carrier", "", Text(40)),
    may(3, "destination_operator", "", Text(40)),
    may(4, "filer", "", Text(40)),
    may(5, "platform", "", Text(40)),
    may(6, "origin_customs", "", Text(40)),
    may(7, "destination_customs", "", Text(40)),
    may(8, "agency", "", Text(40)),
    may(9, "further_agency", "", Text(40)),
    may(10, "entry_customs", "", Text(40)),
    may(11, "transit_operator", "", Text(40)),
    may(12, "onward_carrier", "", Text(40)),
];

/// Members of the network by their names there, so that a row can give records to those who handle the item and to no others.
pub(super) const HANDLING_2: Group = record_group(
    "handling",
    "who handles it on its way: operators of origin and destination, carrier",
    HANDLERS.split_at(3).0,
);

/// The same, and to whom a record is addressed.
pub(super) const HANDLING: Group = record_group(
    "handling",
    "members who handle the item or are addressed: operators, carriers, filer, platform, customs, agencies",
    HANDLERS,
);

/// Somebody who has no node.
pub(super) const PRINCIPAL: Group = record_group(
    "principal",
    "the party without a node for whom this is issued, and the capacity of who issues it",
    &[
        must(
            1,
            "capacity",
            "",
            Words(&["direct_representative", "indirect_representative", "operator", "platform", "agent"]),
        ),
        may(2, "kind", "", PARTY_KINDS),
        party(may(3, "id", "", Text(35))),
        party(may(4, "name", "", Text(70))),
        may(5, "country", "242", Territory),
    ],
);

/// What a party does, member or not.
pub(super) const PARTY_KINDS: Kind = Words(&[
    "customs",
    "post",
    "platform",
    "carrier",
    "payment",
    "broker",
    "agency",
    "seller",
    "buyer",
    "warehouse",
    "airport",
    "other",
]);

/// How it was or is to be screened, once for each method (ICS2: two to nine in an answer).
pub(super) const SCREENING: Group = repeated(record_group(
    "screening",
    "methods of screening: recommended, or used and with which result",
    &[must(1, "method", "", Code(3)), may(2, "result", "", Code(7)), may(3, "at", "", Time)],
));

/// Data by its place in a record, and documents by their type.
pub(super) const POINTERS: Group = repeated(record_group(
    "pointers",
    "which data, by its place in a record, or which documents it is about",
    &[may(1, "pointer", "", Text(512)), may(2, "document_type", "D006", Code(4)), may(3, "text", "225", Text(512))],
));

/// Files that belong to a record.
pub(super) const ATTACHMENTS: Group = repeated(record_group(
    "attachments",
    "files that belong to it, by their digests: images, certificates, invoices",
    &[
        must(1, "digest", "", Bytes(32, 32)),
        must(2, "size", "", Uint(MAX_ATTACHMENT_BYTES)),
        may(3, "media_type", "", Text(70)),
        may(4, "name", "", Text(256)),
        may(5, "kind", "", Code(17)),
    ],
));

/// Name of [`EXTRA`].
pub const EXTRA_GROUP: &str = "extra";

/// What the format a record came from holds and no group does. Nobody can tell what is in it, so an agreement gives it by name only.
pub(super) const EXTRA: Group = record_group(
    EXTRA_GROUP,
    "what a foreign format holds beside all that, as it came",
    &[must(1, "scheme", "", Code(35)), must(2, "content", "", Bytes(1, MAX_EXTRA_BYTES))],
);

/// A group that stands once in the record, without occurrences.
pub(super) const fn record_group(name: &'static str, title: &'static str, fields: &'static [Field]) -> Group {
    Group { name, title, scope: Scope::Record, repeats: false, mandatory: false, fields }
}

/// A group that stands once in each goods item.
pub(super) const fn item_group(name: &'static str, title: &'static str, fields: &'static [Field]) -> Group {
    Group { name, title, scope: Scope::Item, repeats: false, mandatory: false, fields }
}

/// The same group with occurrences.
pub(super) const fn repeated(group: Group) -> Group {
    Group { repeats: true, ..group }
}

/// The same group, which a complete record has.
pub(super) const fn required(group: Group) -> Group {
    Group { mandatory: true, ..group }
}

pub(super) const fn may(number: u8, name: &'static str, wco: &'static str, kind: Kind) -> Field {
    Field { number, name, wco, kind, mandatory: false, finds: Finds::No }
}

pub(super) const fn must(number: u8, name: &'static str, wco: &'static str, kind: Kind) -> Field {
    Field { number, name, wco, kind, mandatory: true, finds: Finds::No }
}

/// A field by which a record is found.
pub(super) const fn finds(field: Field) -> Field {
    Field { finds: Finds::Reference, ..field }
}

/// A field that names a person or organisation.
pub(super) const fn party(field: Field) -> Field {
    Field { finds: Finds::Party, ..field }
}
