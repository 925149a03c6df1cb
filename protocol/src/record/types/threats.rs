//! The type tables of `indicator`, `sighting` and `action`: what authorities tell one another of threats, what was found by it, and what a
//! platform did about it. What an indicator means is [`crate::threats`]'s; its envelope is STIX 2.1's.

use super::groups::{
    EXTRA, HANDLING, ITEM, PRINCIPAL, REFERENCE, finds, may, must, party, record_group, repeated, required,
};
use crate::limits::MAX_URI_BYTES;
use crate::record::table::{Field, TypeTable};
use crate::record::value::Kind::{self, Code, Currency, Day, Decimal, Digits, Territory, Text, Time, Uint, Words};

/// A threat, by what a declaration of it would look like.
pub static INDICATOR: TypeTable = TypeTable::new(
    "indicator",
    1,
    &[
        REFERENCE,
        required(record_group(
            "indicator",
            "which indicator it is, what it warns of, how sure its issuer is, from when until when it holds, and who may see it",
            &[
                finds(must(1, "id", "", Text(ID_CHARS))),
                must(2, "valid_from", "", Time),
                must(3, "valid_until", "", Time),
                must(4, "threat", "", THREATS),
                must(5, "confidence", "", Uint(100)),
                must(6, "tlp", "", Words(&["clear", "green", "amber", "amber+strict", "red"])),
                must(7, "advice", "", Words(&["watch", "screen", "inform", "inspect", "do_not_load"])),
                may(8, "name", "", Text(256)),
                may(9, "text", "225", Text(512)),
                may(10, "list", "", Text(70)),
                may(11, "list_id", "", Text(70)),
                finds(may(12, "supersedes", "", Text(ID_CHARS))),
            ],
        )),
        repeated(record_group(
            "goods_sought",
            "goods it is about: each row is met by one goods item, and one row is enough",
            &[
                may(1, "hs", "145", Digits(2, 6)),
                may(2, "words", "137", Text(256)),
                may(3, "origin", "063", Territory),
                may(4, "value_from", "108", Decimal(16, 2)),
                may(5, "value_to", "108", Decimal(16, 2)),
                may(6, "currency", "", Currency),
                may(7, "net_kg_from", "128", Decimal(16, 6)),
                may(8, "net_kg_to", "128", Decimal(16, 6)),
            ],
        )),
        repeated(record_group(
            "routes_sought",
            "ways that it takes: one row is enough",
            &[
                may(1, "departure", "", Territory),
                may(2, "destination", "", Territory),
                may(3, "first_entry", "", Territory),
                may(4, "transit", "", Territory),
                may(5, "mode", "183", Code(3)),
                may(6, "office", "065", Code(17)),
            ],
        )),
        repeated(record_group(
            "parties_sought",
            "persons and organisations it is about, by number or name, in a role or in any: one row is enough",
            PARTY,
        )),
        repeated(record_group(
            "numbers_sought",
            "numbers of items it is about, by how they begin, and the two letters of the operator at the end of an S10 number",
            &[may(1, "prefix", "", Code(35)), may(2, "operator", "", Territory)],
        )),
        record_group(
            "mass_sought",
            "gross mass of what it is about, from and to",
            &[may(1, "from_kg", "131", Decimal(16, 6)), may(2, "to_kg", "131", Decimal(16, 6))],
        ),
        repeated(record_group(
            "sites",
            "sites on which it is offered, for platforms to act on; no declaration names one",
            &[must(1, "url", "", Text(MAX_URI_BYTES as u16))],
        )),
        repeated(record_group(
            "merges",
            "which indicators of others it brings together, and how sure the coordinator is of each",
            &[
                must(1, "issuer", "", Text(40)),
                must(2, "indicator", "", Text(ID_CHARS)),
                may(3, "grade", "", Uint(100)),
                may(4, "text", "225", Text(512)),
            ],
        )),
        HANDLING,
        EXTRA,
    ],
)
.listed();

/// What came of an indicator: found where it said, or not.
pub static SIGHTING: TypeTable = TypeTable::new(
    "sighting",
    1,
    &[
        REFERENCE,
        required(record_group(
            "sighting",
            "of which indicator it tells, and what was found: how often, when",
            &[
                finds(must(1, "indicator", "", Text(ID_CHARS))),
                must(2, "issuer", "", Text(40)),
                must(3, "outcome", "", Words(&["seen", "confirmed", "nothing_found", "false_positive"])),
                must(4, "count", "", Uint(1_000_000_000)),
                may(5, "first_at", "", Time),
                may(6, "last_at", "", Time),
                may(7, "text", "225", Text(512)),
            ],
        )),
        ITEM,
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
)
.listed();

/// What a platform did about a seller or site that an indicator names.
pub static ACTION: TypeTable = TypeTable::new(
    "action",
    1,
    &[
        REFERENCE,
        required(record_group(
            "action",
            "which indicator it answers, what was done, when, on which ground, and how an appeal against it stands",
            &[
                finds(must(1, "indicator", "", Text(ID_CHARS))),
                must(2, "issuer", "", Text(40)),
                must(3, "outcome", "", Words(&["removed", "restricted", "kept"])),
                must(4, "on", "", Day),
                may(5, "listings", "", Uint(1_000_000_000)),
                may(6, "ground", "", Text(512)),
                may(7, "appeal", "", Words(&["none", "open", "upheld", "dismissed"])),
                may(8, "appealed_on", "", Day),
            ],
        )),
        repeated(record_group(
            "accounts",
            "accounts and sites it was done to",
            &[may(1, "account", "", Text(70)), may(2, "url", "", Text(MAX_URI_BYTES as u16))],
        )),
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
)
.listed();

/// `indicator--` and a UUID.
const ID_CHARS: u16 = 47;

/// What an indicator warns of.
const THREATS: Kind = Words(&[
    "narcotics",
    "precursors",
    "weapons",
    "explosives",
    "dual_use",
    "sanctions",
    "counterfeit",
    "unsafe_product",
    "wildlife",
    "cultural_goods",
    "waste",
    "tobacco",
    "medicines",
    "food_plant_animal",
    "cash",
    "undervaluation",
    "misclassification",
    "misdescription",
    "splitting",
    "tax_number_misuse",
    "other_fraud",
    "other",
]);

/// In which role it is sought, and by what.
const PARTY: &[Field] = &[
    may(
        1,
        "role",
        "",
        Words(&[
            "sender",
            "addressee",
            "buyer",
            "seller",
            "declarant",
            "representative",
            "importer",
            "exporter",
            "courier",
            "actor",
            "fiscal",
        ]),
    ),
    party(may(2, "id", "", Text(70))),
    party(may(3, "name", "", Text(256))),
    may(4, "country", "", Territory),
    may(5, "platform", "", Text(70)),
];
