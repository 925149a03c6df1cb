//! Records of the types beside `declaration` 1 and 2 for `records.json`: one of each, views of them, and what is refused.

use super::world::record;
use crate::record::{SealedRecord, tables};

/// One parcel's life: what its parties and authorities write about it, and what is told beside it.
const RECORDS: &[(&str, &str)] = &[
    (
        "declaration 3: a correction that answers a referral, with files and a foreign group",
        r#"{"type": "declaration", "version": 3,
        "filing": {"own_reference": "ENS-7", "kind": "ens_preloading", "data_set": "EU-F43", "capacity": "operator",
            "registration": "26DE000000000000A1", "filed_on": "2026-11-24", "message_time": "2026-11-24T08:00:00.000Z",
            "circumstance": "F43", "revision": 1, "action": "correction", "reason": "description was vague", "referral": "RFI-1"},
        "item": {"scheme": "s10", "id": "RR123456785GB", "posted_on": "2026-11-23", "receptacle": "GBLALADEFRAAAUN60012001700123"},
        "route": {"destination": "DE", "departure": "GB", "first_entry": "FR"},
        "addressee": {"name": "Zoë Groß", "city": "Köln", "country": "DE"},
        "handling": {"origin_operator": "post-gb", "carrier": "carrier", "destination_operator": "post-de", "filer": "post-gb",
            "origin_customs": "customs-gb", "destination_customs": "customs-de", "agency": "agency-de",
            "further_agency": "agency-eu", "entry_customs": "customs-fr"},
        "principal": {"capacity": "indirect_representative", "kind": "seller", "name": "A Shop Ltd", "country": "GB"},
        "attachments": [
            {"digest": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262", "size": 0, "media_type": "image/jpeg"},
            {"digest": "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213", "size": 268435456, "name": "x-ray.tif",
                "kind": "XRAY"}],
        "extra": {"scheme": "WCO-DEC-3.6", "content": "00ff"},
        "goods": [
            {"content": {"description": "wooden toy train", "units": 1}, "classification": {"hs": "950300", "edition": 2022},
                "procedures": [{"code": "4000"}, {"code": "1H7", "previous": "00"}],
                "goods_documents": [{"type": "N380", "reference": "INV-1"}, {"type": "C673", "status": "JE", "quantity": "1"}],
                "measure": {"gross_kg": "0.900", "quantity": "1", "unit": "NAR"}},
            {"content": {"description": "picture book"}}]}"#,
    ),
    (
        "order",
        r#"{"type": "order", "reference": {"own_reference": "O-1", "made_at": "2026-11-22T20:00:00.000Z"},
        "order": {"number": "902-55", "platform": "Shop", "sold_at": "2026-11-22T19:59:01.500Z", "price": "35.90", "currency": "GBP"},
        "item": {"scheme": "s10", "id": "RR123456785GB"}, "route": {"destination": "DE"},
        "handling": {"destination_customs": "customs-de"}, "seller": {"account": "s-77", "name": "A Shop Ltd", "country": "GB"},
        "buyer": {"name": "Max Groß", "city": "Köln", "country": "DE"},
        "tax": {"collected": true, "amount": "6.82", "currency": "EUR", "deemed_supplier": true, "model": "vendor"},
        "fiscal": [{"id": "IM2760000001", "role": "FR5"}],
        "goods": [{"content": {"description": "wooden toy train", "units": 1}, "value": {"amount": "29.90", "currency": "GBP"},
            "product": {"merchant_id": "TT-4", "gtin": "4006381333931"}}]}"#,
    ),
    (
        "payment",
        r#"{"type": "payment", "reference": {"own_reference": "PAY-1"}, "order": {"number": "902-55"},
        "payment": {"kind": "CARD", "amount": "35.90", "currency": "GBP", "paid_at": "2026-11-22T19:59:30.000Z"},
        "settlement": {"state": "partly_refunded", "refunded": "6.00", "at": "2026-11-23T07:00:00.000Z"}}"#,
    ),
    (
        "consignment: a receptacle with two items",
        r#"{"type": "consignment", "reference": {"own_reference": "C-1"},
        "unit": {"level": "receptacle", "id": "GBLALADEFRAAAUN60012001700123", "scheme": "s9", "built_at": "2026-11-24T12:00:00.000Z"},
        "within": {"level": "despatch", "id": "GBLALADEFRAAAUN60012"},
        "contains": [{"level": "item", "id": "RR123456785GB", "scheme": "s10", "posted_on": "2026-11-23"},
            {"level": "item", "id": "RR473124829GB"}],
        "route": {"destination": "DE"}, "handling": {"carrier": "carrier"}, "mass": {"gross_kg": "11.4"},
        "dangerous_goods": {"flag": false}, "security": {"status": "spx", "at": "2026-11-24T13:00:00.000Z"},
        "screening": [{"method": "XRY", "result": "CLEAR"}]}"#,
    ),
    (
        "link: an item split in two",
        r#"{"type": "link", "reference": {"own_reference": "L-1"}, "item": {"scheme": "carrier", "issuer": "carrier", "id": "77 1"},
        "relation": {"kind": "split_into", "at": "2026-11-24T12:30:00.000Z"},
        "others": [{"scheme": "s10", "id": "RR123456785GB", "posted_on": "2026-11-23"}, {"scheme": "s10", "id": "RR473124829GB"}]}"#,
    ),
    (
        "event with the code of its source",
        r#"{"type": "event", "reference": {"own_reference": "E-1"}, "item": {"scheme": "s10", "id": "RR123456785GB"},
        "event": {"code": "held_by_import_customs", "at": "2026-11-26T09:00:00.000Z", "office": "DEFRAA", "source_system": "EMSEVT",
            "source_code": "EME", "reason_code": "12"},
        "handling": {"destination_customs": "customs-de"}}"#,
    ),
    (
        "referral: do not load",
        r#"{"type": "referral", "reference": {"own_reference": "DNL-1", "made_at": "2026-11-24T15:00:00.000Z"},
        "item": {"scheme": "s10", "id": "RR123456785GB"},
        "unit": {"level": "receptacle", "id": "GBLALADEFRAAAUN60012001700123"},
        "referral": {"kind": "dnl", "reference": "DNL-1", "state": "open", "deadline": "2026-11-24T20:00:00.000Z"},
        "pointers": [{"pointer": "/goods/1/content/description", "text": "not what the image shows"}],
        "screening": [{"method": "XRY"}, {"method": "EDD"}], "handling": {"carrier": "carrier", "filer": "post-gb"}}"#,
    ),
    (
        "referral_answer: removed, with an image",
        r#"{"type": "referral_answer", "reference": {"own_reference": "A-1"},
        "unit": {"level": "receptacle", "id": "GBLALADEFRAAAUN60012001700123"},
        "answer": {"kind": "dnl", "reference": "DNL-1", "outcome": "removed", "at": "2026-11-24T18:00:00.000Z", "voyage": "LX 12"},
        "screening": [{"method": "XRY", "result": "SUSPECT", "at": "2026-11-24T17:45:00.000Z"}],
        "attachments": [{"digest": "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213", "size": 3}],
        "handling": {"destination_customs": "customs-de"}}"#,
    ),
    (
        "customs_response: duty is due",
        r#"{"type": "customs_response", "reference": {"own_reference": "R-1"}, "item": {"scheme": "s10", "id": "RR123456785GB"},
        "response": {"status": "duty_due", "about": "IMP-7", "registration": "26DE000000000000B2", "version": 1,
            "at": "2026-11-26T10:00:00.000Z", "deadline": "2026-12-06T10:00:00.000Z", "source_system": "HMRC", "source_code": "13"},
        "debt": [{"kind": "A00", "goods_item": 99999, "regime": "100", "base": "10000.00", "rate": "2.70", "assessed": "270.00",
                "payable": "270.00", "currency": "GBP", "method": "E"},
            {"guarantee": "GRN-1", "payable": "54.00", "currency": "GBP"}],
        "handling": {"filer": "post-gb"}}"#,
    ),
    (
        "agency_decision: a document is wanted",
        r#"{"type": "agency_decision", "reference": {"own_reference": "AD-1"}, "item": {"id": "RR123456785GB"},
        "decision": {"control": "PRODUCT-SAFETY", "state": "documents_wanted", "at": "2026-11-26T11:00:00.000Z"},
        "wanted": [{"type": "C673", "goods_item": 1, "text": "declaration of conformity"}]}"#,
    ),
    (
        "data_request",
        r#"{"type": "data_request", "reference": {"own_reference": "DR-1"},
        "request": {"reference": "DR-1", "ground": "Regulation (EU) No 952/2013, article 15", "from": "2026-01-01",
            "until": "2026-11-23", "state": "open"},
        "pointers": [{"pointer": "/seller/account"}, {"document_type": "N380"}], "subject": {"account": "s-77"}}"#,
    ),
    (
        "data_answer",
        r#"{"type": "data_answer", "reference": {"own_reference": "DA-1"}, "answer": {"reference": "DR-1", "outcome": "partly_given"},
        "replies": [{"pointer": "/seller/account", "text": "s-77, closed"}]}"#,
    ),
    (
        "notice of an outage, cancelled",
        r#"{"type": "notice", "reference": {"own_reference": "N-1", "revision": 1, "action": "cancellation"},
        "notice": {"kind": "fallback", "title": "no line to customs-de", "starts_at": "2026-11-24T09:00:00.000Z",
            "ends_at": "2026-11-24T17:00:00.000Z", "concerns": "customs-de", "language": "EN"}}"#,
    ),
    (
        "attestation: an authorised trader",
        r#"{"type": "attestation", "reference": {"own_reference": "aeo-7"},
        "credential": {"type": "aeo", "token": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln~WyJzYWx0IiwibnVtYmVyIiwiREUxIl0~"},
        "details": [{"disclosure": "WyJzYWx0IiwibGVnYWxfbmFtZSIsIkEgU2hvcCBMdGQiXQ"}]}"#,
    ),
    (
        "status_list",
        r#"{"type": "status_list", "reference": {"own_reference": "list-1"},
        "list": {"uri": "https://customs.example/status/1", "token": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"}}"#,
    ),
    (
        "collect_use",
        r#"{"type": "collect_use", "reference": {"own_reference": "use-1"}, "item": {"scheme": "s10", "id": "RR123456785GB"},
        "use": {"number": "IM2760000001", "period": "2026-11", "key": "{\"kty\":\"OKP\"}", "token": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"}}"#,
    ),
    (
        "duty: assessed, three lines of which the last is on the others",
        r#"{"type": "duty", "reference": {"own_reference": "D-1"}, "item": {"scheme": "s10", "id": "RR123456785GB"},
        "duty": {"stage": "assessed", "model": "qualified_party", "territory": "DE", "day": "2026-11-25",
            "registration": "26DE000000000000A1", "account": "QP-7", "period": "2026-11"},
        "lines": [
            {"number": 1, "tax": "A00", "goods_item": 1, "kind": "per_item", "rate": "3", "count": 1, "amount": "3.00", "currency": "EUR",
                "rounding": "half_up", "rounded_to": "cent", "rule": "eu-duty-per-item", "edition": "built-in 2026-11-26", "tariff": "950300"},
            {"number": 2, "tax": "FEE", "kind": "per_unit", "rate": "0.5", "quantity": "1.25", "unit": "KGM", "amount": "0.63",
                "currency": "EUR"},
            {"number": 3, "tax": "B00", "kind": "ad_valorem", "basis": "cif", "base": "44.03", "includes": "1,2", "rate": "19",
                "amount": "8.37", "currency": "EUR", "reason": "on value and duty"}],
        "exchange": [{"currency": "GBP", "into": "EUR", "rate": "1.1530", "per": 1, "quoted": "into", "day": "2026-11-01",
            "source": "customs rates of November"}],
        "handling": {"destination_customs": "customs-de"}}"#,
    ),
    (
        "guarantee: drawn on",
        r#"{"type": "guarantee", "reference": {"own_reference": "G-1"},
        "guarantee": {"number": "26DE0000010000001", "state": "drawn", "amount": "11.37", "available": "988.6300", "currency": "EUR",
            "account": "QP-7", "registration": "26DE000000000000A1", "at": "2026-11-25T10:00:00.000Z"},
        "covers": [{"issuer": "customs-de", "reference": "D-1"}]}"#,
    ),
    (
        "summary: a month with a correction of the one before",
        r#"{"type": "summary", "reference": {"own_reference": "S-2026-11"},
        "summary": {"account": "QP-7", "period": "2026-11", "count": 1,
            "root": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262", "model": "qualified_party", "payable": "8.37",
            "currency": "EUR", "payment_reference": "QP-7-2026-11", "due": "2026-12-31"},
        "totals": [{"tax": "A00", "territory": "DE", "amount": "3.00", "currency": "EUR", "lines": 1},
            {"tax": "B00", "territory": "DE", "amount": "8.37", "currency": "EUR", "lines": 1}],
        "corrections": [{"period": "2026-10", "tax": "A00", "territory": "DE", "amount": "-3.00", "currency": "EUR",
            "issuer": "customs-de", "reference": "D-0", "reason": "counted twice"}]}"#,
    ),
    (
        "return: repayment claimed by an intermediary",
        r#"{"type": "return", "reference": {"own_reference": "R-1"}, "item": {"scheme": "s10", "id": "RR123456785GB"},
        "return": {"procedure": "repayment", "state": "claimed", "territory": "DE", "ground": "defective", "claimed_on": "2026-12-10",
            "until": "2027-11-25", "registration": "26DE000000000000A1", "original_item": "RR123456785GB", "disposal": "postal_export"},
        "claimant": {"capacity": "intermediary", "name": "Claims Ltd", "country": "IE", "mandate": "M-5", "mandated_by": "Zoë Groß",
            "mandate_from": "2026-12-01", "mandate_until": "2027-12-31"},
        "claimed": [{"issuer": "customs-de", "reference": "D-1", "line": 3, "tax": "B00", "amount": "8.37", "currency": "EUR"}],
        "proofs": [{"kind": "export", "due": "2027-01-10", "given_on": "2026-12-09", "reference": "RR000000005DE"},
            {"kind": "refund", "due": "2027-01-10"}]}"#,
    ),
    (
        "statistics: a month, its file attached",
        r#"{"type": "statistics", "reference": {"own_reference": "ST-2026-11"},
        "publication": {"publisher": "customs-de", "flow": "import", "from": "2026-11", "to": "2026-11", "currency": "EUR", "cells": 9214,
            "digest": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
        "attachments": [{"digest": "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213", "size": 402117,
            "kind": "STATISTICS"}]}"#,
    ),
    (
        "indicator: toys of one seller, by one way",
        r#"{"type": "indicator", "reference": {"own_reference": "IND-1", "made_at": "2026-11-27T08:00:00.000Z"},
        "indicator": {"id": "indicator--33fe3b22-0201-87cf-85d0-97c02164528d", "valid_from": "2026-11-27T00:00:00.000Z",
            "valid_until": "2027-02-27T00:00:00.000Z", "threat": "counterfeit", "confidence": 60, "tlp": "amber+strict",
            "advice": "inspect", "name": "toys", "supersedes": "indicator--33fe3b22-0201-87cf-85d0-97c02164528c"},
        "goods_sought": [{"hs": "9503", "words": "toy train", "origin": "CN", "value_to": "10.00", "currency": "EUR"}, {"hs": "950490"}],
        "routes_sought": [{"departure": "GB", "destination": "EU", "mode": "4"}],
        "parties_sought": [{"role": "seller", "id": "S-77", "platform": "Shop"}, {"name": "Example Toys Ltd", "country": "GB"}],
        "numbers_sought": [{"prefix": "RB12", "operator": "GB"}], "mass_sought": {"to_kg": "2.5"},
        "sites": [{"url": "https://shop.example/77"}], "handling": {"platform": "platform"}}"#,
    ),
    (
        "indicator: two of others brought together and graded",
        r#"{"type": "indicator", "reference": {"own_reference": "CEN-1"},
        "indicator": {"id": "indicator--33fe3b22-0201-87cf-85d0-97c021645290", "valid_from": "2026-11-27T00:00:00.000Z",
            "valid_until": "2027-02-27T00:00:00.000Z", "threat": "counterfeit", "confidence": 75, "tlp": "amber", "advice": "inspect"},
        "goods_sought": [{"hs": "9503"}],
        "merges": [{"issuer": "customs-gb", "indicator": "indicator--33fe3b22-0201-87cf-85d0-97c02164528d", "grade": 80},
            {"issuer": "customs-kr", "indicator": "indicator--33fe3b22-0201-87cf-85d0-97c02164528f", "text": "the same consignment"}]}"#,
    ),
    (
        "sighting: nothing found",
        r#"{"type": "sighting", "reference": {"own_reference": "SIG-1"},
        "sighting": {"indicator": "indicator--33fe3b22-0201-87cf-85d0-97c02164528d", "issuer": "customs-gb", "outcome": "nothing_found",
            "count": 3, "first_at": "2026-11-27T09:00:00.000Z", "last_at": "2026-11-28T09:00:00.000Z"},
        "item": {"scheme": "s10", "id": "RB123456785GB"}}"#,
    ),
    (
        "action: a platform restricts an account",
        r#"{"type": "action", "reference": {"own_reference": "ACT-1"},
        "action": {"indicator": "indicator--33fe3b22-0201-87cf-85d0-97c02164528d", "issuer": "customs-gb", "outcome": "restricted",
            "on": "2026-11-28", "listings": 12, "ground": "terms of sale", "appeal": "open", "appealed_on": "2026-11-29"},
        "accounts": [{"account": "s-77", "url": "https://shop.example/77"}], "handling": {"destination_customs": "customs-gb"}}"#,
    ),
];

/// Views of these: the record, what is seen, and the groups shown.
pub(super) const VIEWS: &[(&str, &str, &[&str])] = &[
    (
        "declaration 3: a correction that answers a referral, with files and a foreign group",
        "files shown, the foreign group and the procedures hidden",
        &["filing", "item", "route", "handling", "attachments", "content", "goods_documents"],
    ),
    (
        "declaration 3: a correction that answers a referral, with files and a foreign group",
        "the foreign group, by its name",
        &["filing", "extra", "procedures"],
    ),
    ("order", "price and buyer hidden", &["reference", "item", "route", "seller", "tax", "content", "product"]),
    ("attestation: an authorised trader", "the credential without its details", &["reference", "credential"]),
    (
        "duty: assessed, three lines of which the last is on the others",
        "that there is one, without its lines",
        &["reference", "item", "duty", "handling"],
    ),
    ("referral: do not load", "for a carrier", &["reference", "item", "unit", "referral", "handling"]),
    ("customs_response: duty is due", "debts hidden", &["reference", "item", "response", "faults", "handling"]),
    (
        "consignment: a receptacle with two items",
        "everything but what it holds",
        &[
            "reference",
            "unit",
            "within",
            "route",
            "handling",
            "mass",
            "dangerous_goods",
            "transport",
            "security",
            "screening",
        ],
    ),
];

/// One record of each of these types; ids from 10 on.
pub(super) fn records() -> Vec<(&'static str, SealedRecord)> {
    let records: Vec<_> = (10..).zip(RECORDS).map(|(number, (name, json))| (*name, record(json, number))).collect();
    for table in tables().filter(|table| table.groups.iter().any(|group| !group.fields.is_empty())) {
        let of = |record: &SealedRecord| record.content().table() == table;
        let before = table.name == "declaration" && table.version < 3;
        assert!(before || records.iter().any(|(_, record)| of(record)), "no {} {}", table.name, table.version);
    }
    records
}

/// Content of a type in CBOR, given as hexadecimal: `[type, version, {group: leaf}, []]`.
fn content(name: &str, version: u8, groups: &[&str]) -> String {
    let name: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("84{:02x}{name}{version:02x}{:02x}{}80", 0x60 + name.len() / 2, 0xa0 + groups.len(), groups.concat())
}

/// What is refused, as [`content`].
pub(super) fn refused() -> Vec<(String, String)> {
    let (filing, route) = ("01a10163502d31", "03a101624b52"); // 1: {1: "P-1"}, 3: {1: "KR"}
    let declaration = |group: &str| content("declaration", 3, &[filing, route, group]);
    // 27: attachments, 28: extra
    let files = |fields: &str| declaration(&format!("181b81{fields}"));
    let digest = "11".repeat(32);
    let cases = [
        ("bytes too long", files(&format!("a201582111{digest}0203"))),
        ("bytes too short", files(&format!("a201581f{}0203", &digest[2..]))),
        ("bytes whose length is given too long", files(&format!("a201590020{digest}0203"))),
        ("text for bytes", files(&format!("a2017820{}0203", "61".repeat(32)))),
        ("bytes for text", declaration("181ca201424141024100")),
        ("no bytes", declaration("181ca20161580240")),
        ("a length of bytes above every limit", declaration("181ca2016158025a00010001")),
        ("a file larger than 256 MiB", files(&format!("a2015820{digest}021a10000001"))),
        ("a file without its size", files(&format!("a1015820{digest}"))),
        ("a group of version 3 in version 2", content("declaration", 2, &[filing, route, "181ca20161580241ff"])),
        ("a field of version 3 in version 1", content("declaration", 1, &["01a20163502d310f01", route])),
        ("an order without its number", content("order", 1, &["01a1016131", "02a1026158"])),
        ("an order without its order", content("order", 1, &["01a1016131"])),
        ("a field that a payment's order has not", content("payment", 1, &["01a1016131", "02a20161310300"])),
        ("a link without an item", content("link", 1, &["01a1016131"])),
        ("an unknown word", content("notice", 1, &["01a1016131", "02a101656a6f6b6573"])),
        ("no reference", content("event", 1, &[])),
        ("a revision above its limit", content("event", 1, &["01a201613103192710"])),
    ];
    cases.into_iter().map(|(name, content)| (name.to_owned(), content)).collect()
}

/// What is refused in JSON.
pub(super) fn refused_json() -> Vec<(&'static str, String)> {
    let with = |rest: &str| {
        let head =
            r#"{"type": "declaration", "version": 3, "filing": {"own_reference": "R"}, "route": {"destination": "KR"}"#;
        format!("{head}, {rest}}}")
    };
    let digest = "ab".repeat(32);
    let file = |digest: &str| with(&format!(r#""attachments": [{{"digest": "{digest}", "size": 1}}]"#));
    let extra = |content: &str| with(&format!(r#""extra": {{"scheme": "X", "content": {content}}}"#));
    let reference = |more: &str| format!(r#"{{"type": "event", "reference": {{"own_reference": "R"}}{more}}}"#);
    vec![
        ("hexadecimal in capitals", file(&digest.to_uppercase())),
        ("hexadecimal of an odd length", file(&digest[1..])),
        ("hexadecimal of too few bytes", file(&digest[2..])),
        ("hexadecimal of too many bytes", file(&format!("{digest}ab"))),
        ("hexadecimal with white space", file(&format!(" {}", &digest[1..]))),
        ("bytes as a list of numbers", extra("[0, 255]")),
        ("no bytes in JSON", extra(r#""""#)),
        ("a list where a group does not repeat, in JSON", with(r#""extra": [{"scheme": "X", "content": "00"}]"#)),
        ("no list where a group repeats, in JSON", with(r#""attachments": {"digest": "00", "size": 1}"#)),
        ("a version that no type has, in JSON", r#"{"type": "order", "version": 3}"#.into()),
        ("a mandate's type, in JSON", r#"{"type": "opening"}"#.into()),
        ("a type written with a hyphen", r#"{"type": "data-request"}"#.into()),
        ("a number for a decimal", with(r#""mass": {"gross_kg": 1}"#)),
        ("a group of another type, in JSON", reference(r#", "filing": {"own_reference": "R"}"#)),
        ("goods where a type has none", reference(r#", "goods": [{"content": {"description": "x"}}]"#)),
        ("no mandatory group, in JSON", reference("")),
        ("a word in capitals", reference(r#", "event": {"code": "ARRIVED", "at": "2026-11-26T09:00:00.000Z"}"#)),
        ("a time without its zone", reference(r#", "event": {"code": "arrived", "at": "2026-11-26T09:00:00"}"#)),
    ]
}
