//! `records.json`: content, leaves, salts, digests and roots of records, views of them, and content that is refused.

use std::sync::LazyLock;

use zeroize::Zeroizing;

use super::json::{Json, all_bytes, bytes, file, object, texts};
use super::types;
use super::world::record;
use crate::cbor::{Encode, Reader, Writer};
use crate::hash::{Digest, unhex};
use crate::record::{
    Content, DECLARATION, DECLARATION_2, GroupSet, GroupView, SealedRecord, content_from_json, leaf_salt, view_to_json,
};
use crate::testing::set;

const SMALL: &str = r#"{"type": "declaration", "filing": {"own_reference": "P-1"}, "route": {"destination": "KR"}}"#;
const ONE_ITEM: &str = r#"{"type": "declaration", "filing": {"own_reference": "P-2"}, "route": {"destination": "DE"},
    "goods": [{"value": {"amount": "12.50", "currency": "EUR"}}]}"#;
const FULL: &str = r#"{
    "type": "declaration", "version": 1,
    "filing": {"own_reference": "P-3", "kind": "pre_advice", "filed_on": "2026-11-23",
        "message_time": "2026-11-23T10:00:00.000Z", "transaction_type": "b2c"},
    "item": {"scheme": "s10", "id": "RR123456785DE"},
    "route": {"destination": "KR", "departure": "DE", "departs_at": "2026-11-24T22:15:30.250Z"},
    "mass": {"gross_kg": "1.250", "packages": 1},
    "dangerous_goods": {"flag": false},
    "sender": {"name": "Zoë Groß", "person": "natural", "city": "Köln", "country": "DE"},
    "addressee": {"name": "김민준", "city": "서울", "country": "KR"},
    "declarant": [{"role": "declarant", "id": "DE1", "status": "1"}, {"role": "importer", "name": "Import Co"}],
    "fiscal": [{"id": "IM2760000001", "role": "FR5"}],
    "postage": {"amount": "14.00", "currency": "EUR"},
    "goods": [
        {"content": {"description": "T-shirt", "units": 2}, "classification": {"hs": "610910"},
            "value": {"amount": "25.0", "currency": "EUR"}, "origin": {"country": "DE", "net_kg": "0.400000"},
            "duty": [{"kind": "A00", "rate_percent": "12.0"}, {"kind": "B00", "amount": "-0.5", "currency": "EUR"}]},
        {"content": {"description": "Buch \"Über\" <alles>"}},
        {"content": {"description": "gift"}, "value": {"amount": "0", "currency": "KRW"}}
    ]}"#;

/// Version 2: goods of two editions of the Harmonized System, and goods that name none.
const EDITIONS: &str = r#"{"type": "declaration", "version": 2, "filing": {"own_reference": "P-4"}, "route": {"destination": "KR"},
    "handling": {"carrier": "carrier"}, "goods": [
        {"classification": {"hs": "610910", "edition": 2022}}, {"classification": {"hs": "010121", "edition": 2028}},
        {"classification": {"hs": "420221", "national": "00"}}]}"#;

/// The records of this file and of `batches.json`; the second corrects the first.
pub(super) static RECORDS: LazyLock<Vec<(&'static str, SealedRecord)>> = LazyLock::new(|| {
    let small = record(SMALL, 1);
    let one = record(ONE_ITEM, 2);
    let (issuer, content) = (one.header().issuer.clone(), one.content().clone());
    let corrects = SealedRecord::new(issuer, content, Some(small.root()), [2; 16], Zeroizing::new([0xfd; 32]));
    vec![
        ("two groups, no goods", small),
        ("one goods item, in the place of another record", corrects),
        ("repeated groups, three goods items", record(FULL, 3)),
    ]
});

fn commitment(name: &str, record: &SealedRecord) -> Json {
    let header = record.header();
    let seed = Zeroizing::new([!header.id[0]; 32]);
    let content = record.content();
    let table = content.table();
    let mut writer = Writer::new();
    content.encode(&mut writer);
    let groups = table.groups.iter().enumerate().map(|(at, group)| {
        let leaves: Vec<&[u8]> = content.leaves(at).iter().collect();
        let salts: Vec<_> = (0..leaves.len()).map(|item| leaf_salt(&seed, table, at, item)).collect();
        let digests = leaves.iter().zip(&salts).enumerate().map(|(item, (leaf, salt))| {
            let path = [table.version.to_be_bytes(), (at as u64 + 1).to_be_bytes(), (item as u64).to_be_bytes()].concat();
            Digest::of(crate::hash::Domain::Leaf, &[&path, salt, leaf]).0
        });
        let digests: Vec<_> = digests.collect();
        let GroupView::Hidden(digest) = record.view(GroupSet::NONE).groups[at] else { panic!("nothing is shown") };
        let case = object! {
            "group" => group.name, "leaves" => all_bytes(&leaves), "salts" => all_bytes(&salts), "digest" => bytes(digest.0),
        };
        // The digest of one leaf is the group's.
        if digests.len() > 1 { case.with("leaf_digests", all_bytes(&digests)) } else { case }
    });
    object! {
        "name" => name, "kind" => "record", "content" => bytes(writer.into_bytes()), "header" => bytes(header.to_cbor()),
        "issuer" => header.issuer.as_str(), "id" => bytes(header.id),
        "supersedes" => header.supersedes.map(|root| bytes(root.0)), "seed" => bytes(*seed),
        "json" => Json::from(view_to_json(table, &record.view(table.all_groups()))),
        "groups" => groups.collect::<Vec<_>>(), "root" => bytes(record.root().0),
    }
}

pub(super) fn view(record: &(&str, SealedRecord), name: &str, shown: GroupSet) -> Json {
    let view = record.1.view(shown);
    let table = record.1.content().table();
    assert_eq!((view.root(), view.shown()), (record.1.root(), shown));
    object! {
        "name" => format!("view: {name}"), "kind" => "view", "record" => record.0, "shown" => texts(shown.names(table)),
        "view" => bytes(view.to_cbor()), "root" => bytes(view.root().0),
        "json" => Json::from(view_to_json(table, &view)),
    }
}

fn views(editions: &(&str, SealedRecord)) -> Vec<Json> {
    let [small, one, full] = RECORDS.as_slice() else { panic!("three records") };
    vec![
        view(small, "nothing shown", GroupSet::NONE),
        view(small, "two groups shown, one of them absent", set(&["route", "payment"])),
        view(one, "a group of goods shown", set(&["route", "value"])),
        view(full, "the number of goods hidden", set(&["filing", "route", "sender"])),
        view(full, "three goods items of four leaves, one without value", set(&["value", "duty", "declarant"])),
        view(one, "everything", DECLARATION.all_groups()),
        view(editions, "goods of two editions of a code list", DECLARATION_2.set(["route", "classification"]).unwrap()),
    ]
}

/// Content in CBOR diagnostic order: `[type, version, {group: leaf}, [{group: leaf} …]]`, given as hexadecimal.
fn refused() -> Vec<Json> {
    let head = "846b6465636c61726174696f6e01"; // ["declaration", 1,
    let filing = "01a10163502d31"; // 1: {1: "P-1"}
    let route = "03a101624b52"; // 3: {1: "KR"}
    let good = format!("{filing}{route}");
    let with = |count: u8, groups: &str| format!("{head}{:02x}{groups}80", 0xa0 + count);
    let goods = |item: &str| format!("{head}a2{good}81{item}");
    let second = |item: &str| goods(item).replace("6f6e01", "6f6e02");
    let cases = [
        ("not an array of four", "83".to_owned()),
        ("an unknown type", "8466706172636c7301a080".to_owned()),
        ("an unknown version", head.replace("6f6e01", "6f6e09") + "a080"),
        ("a mandate's type", "84676f70656e696e6701a080".to_owned()),
        ("an unknown group", with(1, "1816a10100")),
        ("a group of goods in the record", with(3, &format!("{good}10a1016161"))),
        ("a group of the record in goods", goods("a103a101624b52")),
        ("groups not ascending", with(2, &format!("{route}{filing}"))),
        ("an unknown field", with(2, &format!("{filing}03a2 01624b52 0a00").replace(' ', ""))),
        ("fields not ascending", with(2, &format!("{filing}03a202624445 01624b52").replace(' ', ""))),
        ("no mandatory field", with(2, &format!("{filing}03a102624b52"))),
        ("no mandatory group", with(1, filing)),
        ("an occurrence without fields", with(2, &format!("{filing}03a0"))),
        ("a list of no occurrences", with(3, &format!("{good}0880"))),
        ("a list where a group does not repeat", with(2, &format!("{filing}0381a101624b52"))),
        ("no list where a group repeats", with(3, &format!("{good}08a101696465636c6172616e74"))),
        ("a fault in the second occurrence", with(3, &format!("{good}0882a101696465636c6172616e74a1016178"))),
        ("a territory of three letters", with(2, &format!("{filing}03a101634b4f52"))),
        ("a territory that is a number", with(2, &format!("{filing}03a10101"))),
        ("a word that is none", with(2, "01a20163502d3102617803a101624b52")),
        ("text with white space at its end", with(2, &format!("01a10163502d20{route}"))),
        ("text with white space of Unicode at its end", with(2, &format!("01a10164 50e28083{route}").replace(' ', ""))),
        ("text with a control character", with(2, &format!("01a101635009 31{route}").replace(' ', ""))),
        ("no text", with(2, &format!("01a10160{route}"))),
        ("a code in small letters", with(2, &format!("01a20163502d31 036161{route}").replace(' ', ""))),
        ("a digit too many", goods("a111a1016736313039313030")),
        ("a decimal of too large a scale", goods("a112a10182010 3").replace(' ', "")),
        ("a decimal of too many digits", goods("a112a101821b002386f26fc1000000")),
        ("a decimal of a scale above six", goods("a112a101820107")),
        ("a decimal that is a text", goods("a112a10161 31").replace(' ', "")),
        ("a number above its limit", with(3, &format!("{good}04a1021a05f5e100"))),
        ("a truth value that is a number", with(3, &format!("{good}05a10101"))),
        ("a day before 1900", with(2, &format!("01a20163502d31 063963df{route}").replace(' ', ""))),
        ("a time after 9999", with(2, &format!("01a20163502d31 071b0000e677d21fdc00{route}").replace(' ', ""))),
        ("an edition in version 1", goods("a111a2016636313039313004 1907ec").replace(' ', "")),
        ("an unknown edition of a code list", second("a111a2016636313039313004 1907e7").replace(' ', "")),
        ("an edition that is a text", second("a111a20166363130393130046432303238")),
        ("an edition without a code", second("a111a1041907ec")),
        ("bytes after the end", with(2, &good) + "00"),
    ];
    let cases = cases.map(|(name, content)| (name.to_owned(), content));
    let cases = cases.into_iter().chain(types::refused()).map(|(name, content)| {
        let content = unhex(&content).unwrap_or_else(|| panic!("{name}: {content}"));
        let mut reader = Reader::new(&content);
        let read = Content::decode(&mut reader).and_then(|content| content.check_complete().map(|()| content));
        let case =
            object! { "name" => format!("refused: {name}"), "kind" => "bad_content", "content" => bytes(&content) };
        match read {
            Err(error) => case.with("fault", error.fault.to_string()).with("place", error.pointer),
            Ok(_) if reader.finish().is_err() => case.with("fault", "encoding").with("place", ""),
            Ok(_) => panic!("{name}: taken"),
        }
    });
    cases.collect()
}

/// Content in JSON, given as text.
fn refused_json() -> Vec<Json> {
    let cases = types::refused_json().into_iter().map(|(name, text)| {
        let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let error = content_from_json(&json).err().unwrap_or_else(|| panic!("{name}: taken"));
        object! {
            "name" => format!("refused: {name}"), "kind" => "bad_json", "json" => Json::from(json),
            "fault" => error.fault.to_string(), "place" => error.pointer,
        }
    });
    cases.collect()
}

#[test]
fn records() {
    let editions = ("version 2, goods of two editions of a code list", record(EDITIONS, 4));
    let types = types::records();
    let all = RECORDS.iter().chain([&editions]).chain(&types);
    let mut cases: Vec<_> = all.map(|(name, record)| commitment(name, record)).collect();
    cases.extend(views(&editions));
    cases.extend(types::VIEWS.iter().map(|(of, name, shown)| {
        let record = types.iter().find(|(record, _)| record == of).unwrap_or_else(|| panic!("no record '{of}'"));
        view(record, name, record.1.content().table().set(shown.iter().copied()).unwrap())
    }));
    cases.extend(refused());
    cases.extend(refused_json());
    let about = "SPEC.md sections 6 to 9. 'record': content in CBOR and in JSON, the leaves of every group (an absent one is \
                 empty), their salts from the seed, and all digests up to the root. 'view': what a recipient gets, and what \
                 it reads. 'bad_content' and 'bad_json': refused, with the fault and its place.";
    super::hold("records.json", &file(about, cases));
}
