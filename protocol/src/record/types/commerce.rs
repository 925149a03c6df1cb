//! The type tables of `order` and `payment`: what a platform and a payment provider know of the sale behind a parcel.

use super::groups::{
    ADDRESSEE, BUYER, CLASSIFICATION, CONTENT, EXTRA, FISCAL, HANDLING, ITEM, ORIGIN, PAYMENT as PAID, PRINCIPAL,
    PRODUCT, REFERENCE, ROUTE, SELLER, VALUE, finds, may, must, record_group, required,
};
use crate::record::table::{Field, TypeTable};
use crate::record::value::Kind::{Bool, Code, Currency, Decimal, Text, Time, Words};

/// An order at a platform: who sold what, when, at which price, with which tax.
pub static ORDER: TypeTable = TypeTable::new(
    "order",
    1,
    &[
        REFERENCE,
        required(record_group("order", "the order: platform, number, time and price of the sale", ORDER_FIELDS)),
        ITEM,
        ROUTE,
        HANDLING,
        SELLER,
        ADDRESSEE,
        BUYER,
        record_group("tax", "tax that the platform charged, and whether it counts as the seller", TAX_FIELDS),
        FISCAL,
        CONTENT,
        CLASSIFICATION,
        VALUE,
        ORIGIN,
        PRODUCT,
        PRINCIPAL,
        EXTRA,
    ],
);

/// A payment for an order, as its provider knows it.
pub static PAYMENT: TypeTable = TypeTable::new(
    "payment",
    1,
    &[
        REFERENCE,
        required(record_group("order", "the order that was paid: platform and number", ORDER_FIELDS.split_at(2).0)),
        ITEM,
        ROUTE,
        HANDLING,
        PAID,
        record_group(
            "settlement",
            "what became of the payment",
            &[
                must(
                    1,
                    "state",
                    "",
                    Words(&["authorised", "paid", "refunded", "partly_refunded", "failed", "disputed"]),
                ),
                may(2, "provider_reference", "", Text(70)),
                may(3, "refunded", "", Decimal(16, 2)),
                may(4, "at", "", Time),
            ],
        ),
        PRINCIPAL,
        EXTRA,
    ],
);

const ORDER_FIELDS: &[Field] = &[
    finds(must(1, "number", "D018", Text(70))),
    may(2, "platform", "", Text(70)),
    may(3, "sold_at", "", Time),
    may(4, "price", "", Decimal(16, 2)),
    may(5, "currency", "", Currency),
];

const TAX_FIELDS: &[Field] = &[
    may(1, "collected", "", Bool),
    may(2, "amount", "", Decimal(16, 2)),
    may(3, "currency", "", Currency),
    may(4, "deemed_supplier", "", Bool),
    may(5, "model", "", Words(&["vendor", "intermediary", "qualified_party", "consumer"])),
    may(6, "kind", "", Code(7)),
];
