//! The type tables of `consignment`, `link` and `event`: how items travel, what became of them, and which is which.

use super::groups::{
    DANGEROUS_GOODS, EXTRA, HANDLING, ITEM, ITEM_FIELDS, MASS, PRINCIPAL, REFERENCE, ROUTE, SCREENING, finds, may,
    must, record_group, repeated, required,
};
use crate::record::table::{Field, Group, TypeTable};
use crate::record::value::Kind::{self, Code, Day, Text, Time, Words};

/// One level of transport: an item, a receptacle (S9), a despatch (S8), or what carries them. Signed by who built it.
pub static CONSIGNMENT: TypeTable = TypeTable::new(
    "consignment",
    1,
    &[
        REFERENCE,
        required(UNIT),
        record_group(
            "within",
            "the next larger unit that it travels in",
            &[
                must(1, "level", "", LEVELS),
                finds(must(2, "id", "", Text(70))),
                may(3, "scheme", "", UNIT_SCHEMES),
                may(4, "issuer", "", Text(35)),
            ],
        ),
        repeated(record_group(
            "contains",
            "what it holds; more of it in further records with the same unit",
            &[
                must(1, "level", "", LEVELS),
                finds(must(2, "id", "", Text(70))),
                may(3, "scheme", "", UNIT_SCHEMES),
                may(4, "issuer", "", Text(35)),
                may(5, "posted_on", "", Day),
            ],
        )),
        ROUTE,
        HANDLING,
        MASS,
        DANGEROUS_GOODS,
        record_group(
            "transport",
            "what carries it, from where to where, and when",
            &[
                may(1, "carrier", "R011", Text(70)),
                may(2, "voyage", "149", Text(17)),
                may(3, "vehicle", "T005", Text(35)),
                may(4, "from", "L010", Code(17)),
                may(5, "to", "L013", Code(17)),
                may(6, "loaded_at", "", Time),
                may(7, "departs_at", "156", Time),
                may(8, "arrives_at", "172", Time),
                may(9, "mode", "183", Code(3)),
                may(10, "waybill", "D023", Text(70)),
            ],
        ),
        record_group(
            "security",
            "its security status, by whom, and its seal",
            &[
                may(1, "status", "", Words(&["spx", "sco", "shr", "nsc"])),
                may(2, "agent", "", Text(35)),
                may(3, "at", "", Time),
                may(4, "seal", "165", Text(35)),
            ],
        ),
        SCREENING,
        PRINCIPAL,
        EXTRA,
    ],
);

/// That items belong together: the same under another number, parts, or the way back. Signed by who did it.
pub static LINK: TypeTable = TypeTable::new(
    "link",
    1,
    &[
        REFERENCE,
        required(ITEM),
        required(record_group(
            "relation",
            "how the item and the others belong together",
            &[
                must(1, "kind", "", Words(&["same_as", "relabelled", "split_into", "merged_from", "returned_as"])),
                may(2, "at", "", Time),
                may(3, "place", "", Text(70)),
            ],
        )),
        required(repeated(record_group("others", "the other items", OTHER_ITEMS))),
        ROUTE,
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
);

/// Something that happened to an item or to what it travels in.
pub static EVENT: TypeTable = TypeTable::new(
    "event",
    1,
    &[
        REFERENCE,
        ITEM,
        Group { mandatory: false, ..UNIT },
        required(record_group(
            "event",
            "what happened, when and where, with the code of the system it comes from (EMSEVT where postal)",
            &[
                must(
                    1,
                    "code",
                    "",
                    Words(&[
                        "posted",
                        "presented_to_export_customs",
                        "held_by_export_customs",
                        "released_by_export_customs",
                        "loaded",
                        "not_loaded",
                        "departed",
                        "transit_arrived",
                        "transit_departed",
                        "arrived",
                        "presented_to_import_customs",
                        "held_by_import_customs",
                        "released_by_import_customs",
                        "left_office",
                        "delivery_attempted",
                        "delivered",
                        "returned",
                        "lost",
                        "destroyed",
                        "other",
                    ]),
                ),
                must(2, "at", "", Time),
                may(3, "office", "", Code(17)),
                may(4, "place", "", Text(70)),
                may(5, "source_system", "", Code(17)),
                may(6, "source_code", "", Code(17)),
                may(7, "reason", "", Text(512)),
                may(8, "voyage", "149", Text(17)),
                may(9, "reason_code", "", Code(7)),
                may(10, "measure_code", "", Code(7)),
            ],
        )),
        ROUTE,
        HANDLING,
        PRINCIPAL,
        EXTRA,
    ],
);

/// Items other than the one a record is about.
const OTHER_ITEMS: &[Field] = ITEM_FIELDS.split_at(4).0;

/// Levels of transport, from the inside out.
const LEVELS: Kind = Words(&["item", "receptacle", "despatch", "transport"]);

/// Whose numbers a unit's number is one of: those of items, and those of what carries them.
const UNIT_SCHEMES: Kind = Words(&["s10", "sscc", "carrier", "platform", "s9", "s8", "container", "waybill", "voyage"]);

/// The unit of transport that a record is about.
pub(super) const UNIT: Group = record_group(
    "unit",
    "which unit of transport it is: item, receptacle, despatch, or what carries them",
    &[
        must(1, "level", "", LEVELS),
        finds(must(2, "id", "", Text(70))),
        may(3, "scheme", "", UNIT_SCHEMES),
        may(4, "issuer", "", Text(35)),
        may(5, "built_at", "", Time),
        may(6, "class", "", Code(7)),
        may(7, "mode", "183", Code(3)),
    ],
);
