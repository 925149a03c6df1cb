//! Properties of records: bijections, commitment, and that what is hidden stays hidden.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;
use proptest::sample::Index;
use zeroize::Zeroizing;

pub(super) mod specification;

use super::content::read_leaf;
use super::*;
use crate::cbor::{Decode, Encode, Reader, Writer};
use crate::hash::{Digest, Domain, keyed};
use crate::testing::{
    any_content, content, content_from, content_with_goods, groups, one_form, read_content, record, record_of, set,
};

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// The path of a leaf, written a second time from SPEC.md.
fn path(group: usize, item: usize) -> Vec<u8> {
    [1u64, group as u64 + 1, item as u64].iter().flat_map(|n| n.to_be_bytes()).collect()
}

/// The digest of a group, written a second time from SPEC.md.
fn group_digest(group: usize, leaves: &[(Salt, Vec<u8>)]) -> Digest {
    fn over(level: &[Digest]) -> Digest {
        match level {
            [one] => *one,
            _ => {
                let (left, right) = level.split_at(level.len() / 2);
                Digest::of(Domain::ItemNode, &[&over(left).0, &over(right).0])
            }
        }
    }
    let leaf =
        |(item, (salt, bytes)): (usize, &(Salt, Vec<u8>))| Digest::of(Domain::Leaf, &[&path(group, item), salt, bytes]);
    over(&leaves.iter().enumerate().map(leaf).collect::<Vec<_>>())
}

fn hidden(record: &SealedRecord, group: usize) -> Digest {
    match record.view(GroupSet::NONE).groups[group] {
        GroupView::Hidden(digest) => digest,
        GroupView::Shown(_) => unreachable!("a view of no group"),
    }
}

fn described(words: &str) -> Content {
    let mut content = Content::empty(&DECLARATION, 1);
    let text = |text: &str| Value::Text(text.into());
    let at = |name: &str| DECLARATION.group(name).unwrap().0;
    content.set(at("filing"), 0, vec![vec![(1, text("REF-1"))]]).unwrap();
    content.set(at("route"), 0, vec![vec![(1, text("KR"))]]).unwrap();
    content.set(at("classification"), 0, vec![vec![(1, text("950300"))]]).unwrap();
    content.set(at("content"), 0, vec![vec![(1, text(words))]]).unwrap();
    content
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn content_and_cbor_are_a_bijection(content in any_content()) {
        prop_assert_eq!(content.check_complete(), Ok(()));
        prop_assert_eq!(read_content(&content.to_cbor()), Ok(content));
    }

    #[test]
    fn content_and_json_are_a_bijection(content in any_content(), id: [u8; 16], seed: [u8; 32]) {
        let record = record_of(content.clone(), id, seed);
        let view = record.view(content.table().all_groups());
        let mut json = view_to_json(content.table(), &view);
        prop_assert_eq!(json.as_object_mut().unwrap().remove("withheld"), Some(serde_json::json!([])));
        // Through text, as a file would carry it.
        let json = serde_json::from_str(&json.to_string()).unwrap();
        prop_assert_eq!(content_from_json(&json), Ok(content));
    }

    #[test]
    fn a_changed_byte_is_refused_or_another_content(content in any_content(), at: Index, put: u8, kind in 0..3) {
        let bytes = content.to_cbor();
        let mut changed = bytes.clone();
        let at = at.index(bytes.len());
        match kind {
            0 => changed[at] = put,
            1 => changed.insert(at, put),
            _ => { changed.remove(at); }
        }
        if let Ok(read) = read_content(&changed) {
            prop_assert_eq!(read == content, changed == bytes);
            prop_assert_eq!(&read.to_cbor(), &changed);
            // The bytes that it keeps are no other than its leaves give.
            let mut writer = Writer::new();
            read.encode_leaves(&mut writer);
            prop_assert_eq!(writer.into_bytes(), changed);
        }
    }

    #[test]
    fn what_is_stored_is_read_back((record, _) in record()) {
        let stored = record.to_stored();
        let read = SealedRecord::from_stored(&stored).unwrap();
        prop_assert_eq!(read.root(), record.root());
        prop_assert_eq!((read.header(), read.content()), (record.header(), record.content()));
        prop_assert_eq!(read.to_stored(), stored);
    }

    #[test]
    fn every_view_leads_to_the_same_root((record, _) in record(), groups in groups()) {
        let mut writer = Writer::new();
        record.encode_view(groups, &mut writer);
        prop_assert_eq!(writer.into_bytes(), record.view(groups).to_cbor());
        let view = record.view(groups);
        prop_assert_eq!(view.shown(), groups);
        prop_assert_eq!(view.root(), record.root());
        prop_assert_eq!(view.check(), Ok(()));
        let bytes = view.to_cbor();
        let read = RecordView::from_cbor(&bytes).unwrap();
        prop_assert_eq!(&read.to_cbor(), &bytes);
        prop_assert_eq!(read, view);
    }

    #[test]
    fn one_pass_says_the_same_as_one_thing_after_the_other(
        (record, _) in record(), groups in groups(), at in any::<Index>(), bit in 0u8..8,
    ) {
        let mut bytes = record.view(groups).to_cbor();
        for changed in [false, true] {
            if changed {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            let mut reader = Reader::new(&bytes);
            let one = ArrivedView::read(&mut reader).and_then(|view| reader.finish().map(|()| view));
            match (one, RecordView::from_cbor(&bytes)) {
                (Err(one), Err(other)) => prop_assert_eq!(one, other),
                (Ok(one), Ok(other)) => {
                    prop_assert_eq!(&one.header, &other.header);
                    prop_assert_eq!((one.root, one.shown), (other.root(), other.shown()));
                    prop_assert_eq!(&one.fault, &other.check().err());
                    prop_assert_eq!(one.encoded, &bytes);
                    for (group, field) in DECLARATION.groups.iter().flat_map(|g| g.fields.iter().map(move |f| (g, f))) {
                        let same = (one.field(group.name, field.name), other.field(group.name, field.name));
                        prop_assert_eq!(same.0, same.1);
                    }
                }
                (one, other) => prop_assert!(false, "{one:?} and {other:?}"),
            }
        }
    }

    #[test]
    fn digests_and_root_follow_the_specification((record, seed) in record()) {
        let seed = Zeroizing::new(seed);
        let mut parts = vec![record.header().to_cbor()];
        for (group, leaves) in record.content().groups().enumerate() {
            let salt = |item: usize| -> Salt {
                keyed(&seed, Domain::Salt, &[&path(group, item)]).0[..16].try_into().unwrap()
            };
            let leaves: Vec<_> = leaves.iter().enumerate().map(|(item, bytes)| (salt(item), bytes.to_vec())).collect();
            let digest = group_digest(group, &leaves);
            prop_assert_eq!(digest, hidden(&record, group));
            parts.push(digest.0.to_vec());
        }
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(Digest::of(Domain::RecordRoot, &parts), record.root());
    }

    #[test]
    fn a_changed_view_is_refused_or_leads_to_another_root(
        (record, _) in record(), groups in groups(), flips in proptest::collection::vec((any::<Index>(), 0u8..8), 24),
    ) {
        let bytes = record.view(groups).to_cbor();
        for (at, bit) in flips {
            let mut changed = bytes.clone();
            changed[at.index(bytes.len())] ^= 1 << bit;
            prop_assert!(one_form::<RecordView>(&changed));
            if let Ok(view) = RecordView::from_cbor(&changed) {
                prop_assert_ne!(view.root(), record.root());
                let _ = view.check();
                let _ = view_to_json(view.header.table, &view);
            }
        }
    }

    #[test]
    fn a_view_discloses_the_salts_of_its_groups_and_no_other((record, seed) in record(), groups in groups()) {
        let bytes = record.view(groups).to_cbor();
        let seed = Zeroizing::new(seed);
        prop_assert!(!contains(&bytes, &*seed));
        for (group, leaves) in record.content().groups().enumerate() {
            for (item, leaf) in leaves.iter().enumerate() {
                let salt = leaf_salt(&seed, &DECLARATION, group, item);
                prop_assert_eq!(contains(&bytes, &salt), groups.has(group));
                // Content of some length does not stand there by chance.
                if leaf.len() >= 12 && !groups.has(group) {
                    let elsewhere = record.content().groups().enumerate();
                    let twin = elsewhere.filter(|(at, _)| groups.has(*at)).any(|(_, l)| l.iter().any(|other| other == leaf));
                    prop_assert!(twin || !contains(&bytes, leaf));
                }
            }
        }
    }

    #[test]
    fn equal_content_has_unequal_digests(content in content(), one: [u8; 32], two: [u8; 32], id: [u8; 16]) {
        prop_assume!(one != two);
        let (a, b) = (record_of(content.clone(), id, one), record_of(content, id, two));
        prop_assert_ne!(a.root(), b.root());
        for group in 0..DECLARATION.groups.len() {
            prop_assert_ne!(hidden(&a, group), hidden(&b, group));
        }
    }

    #[test]
    fn equal_groups_of_one_record_have_unequal_digests(id: [u8; 16], seed: [u8; 32]) {
        // Every group but two is absent here, so that their leaves are equal.
        let record = record_of(content_from(1, 0, 0), id, seed);
        let mut digests: Vec<_> = (0..DECLARATION.groups.len()).map(|group| hidden(&record, group)).collect();
        digests.sort();
        digests.dedup();
        prop_assert_eq!(digests.len(), DECLARATION.groups.len());
    }

    #[test]
    fn a_dictionary_of_two_does_not_open_a_hidden_group(drone: bool, id: [u8; 16], seed: [u8; 32], batch: [u8; 32]) {
        let words = ["gift", "drone"];
        let content = described(words[usize::from(drone)]);
        let record = record_of(content, id, seed);
        let target = DECLARATION.group("content").unwrap().0;
        let view = record.view(GroupSet(DECLARATION.all_groups().0 & !(1 << target)));
        let GroupView::Hidden(digest) = view.groups[target] else { panic!("the group is hidden") };
        let encoded = view.to_cbor();
        let leaf = |words: &str| described(words).leaves(target).get(0).unwrap().to_vec();
        let opens = |salt: &[u8], words: &str| {
            Digest::of(Domain::Leaf, &[&path(target, 0), salt, &leaf(words)]) == digest
        };
        // The attack is a real one: with the salt it tells the two apart.
        let salt = leaf_salt(&Zeroizing::new(seed), &DECLARATION, target, 0);
        prop_assert_eq!((opens(&salt, "gift"), opens(&salt, "drone")), (!drone, drone));

        let mut salts: Vec<Vec<u8>> = vec![Vec::new(), vec![0; 16], vec![255; 16], id.to_vec()];
        let mut keys: Vec<[u8; 32]> = vec![[0; 32], [255; 32], record.root().0, batch];
        keys.push(*blake3::hash(&record.header().to_cbor()).as_bytes());
        keys.push(*blake3::hash(&encoded).as_bytes());
        keys.push(*blake3::hash(&id).as_bytes());
        keys.push([id, id].concat().try_into().unwrap());
        keys.push([id, [0; 16]].concat().try_into().unwrap());
        for group in &view.groups {
            match group {
                GroupView::Hidden(digest) => keys.push(digest.0),
                GroupView::Shown(leaves) => for leaf in leaves {
                    salts.push(leaf.salt.to_vec());
                    keys.push([leaf.salt, leaf.salt].concat().try_into().unwrap());
                    keys.push([leaf.salt, id].concat().try_into().unwrap());
                    keys.push(*blake3::hash(&leaf.bytes).as_bytes());
                    keys.push(*blake3::hash(&leaf.salt).as_bytes());
                },
            }
        }
        // Every window of what is disclosed, as salt and as seed.
        salts.extend(encoded.windows(16).map(<[u8]>::to_vec));
        keys.extend(encoded.windows(32).map(|window| <[u8; 32]>::try_from(window).unwrap()));
        salts.extend(keys.iter().map(|key| keyed(key, Domain::Salt, &[&path(target, 0)]).0[..16].to_vec()));
        salts.extend(keys.iter().map(|key| key[..16].to_vec()));
        for words in words {
            for salt in &salts {
                prop_assert!(!opens(salt, words));
            }
            let bytes = leaf(words);
            prop_assert_ne!(*blake3::hash(&bytes).as_bytes(), digest.0);
            prop_assert_ne!(*blake3::hash(words.as_bytes()).as_bytes(), digest.0);
            prop_assert_ne!(Digest::of(Domain::Leaf, &[&bytes]), digest);
            prop_assert_ne!(Digest::of(Domain::Leaf, &[&path(target, 0), &bytes]), digest);
            for key in &keys {
                prop_assert_ne!(keyed(key, Domain::Leaf, &[&path(target, 0), &bytes]), digest);
            }
        }
    }

    #[test]
    fn the_number_of_goods_does_not_change_a_view_without_them(
        seed: u64, mask: u32, items in 0usize..=9, id: [u8; 16], key: [u8; 32], groups in groups(),
    ) {
        let scope = |scope: Scope| move |at: &usize| DECLARATION.groups[*at].scope == scope;
        let of_record = (0..DECLARATION.groups.len()).filter(scope(Scope::Record)).fold(GroupSet::NONE, GroupSet::with);
        let groups = GroupSet(groups.0 & of_record.0);
        // The record's groups come first in the table, so the same numbers give the same values in them.
        let size = |items| record_of(content_from(seed, mask, items), id, key).view(groups).to_cbor().len();
        prop_assert_eq!(size(items), size(0));
    }

    #[test]
    fn rubbish_is_refused_or_has_one_form(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(one_form::<RecordView>(&bytes));
        prop_assert!(one_form::<RecordHeader>(&bytes));
        prop_assert!(one_form::<Batch>(&bytes));
        if let Ok(content) = read_content(&bytes) {
            let mut writer = Writer::new();
            content.encode_leaves(&mut writer);
            prop_assert_eq!(writer.as_bytes(), &*bytes);
            prop_assert_eq!(&content.to_cbor(), &bytes);
        }
        let _ = SealedRecord::from_stored(&bytes);
    }

    #[test]
    fn values_of_every_kind_survive_text_json_and_cbor(content in content_with_goods()) {
        for (group, leaves) in DECLARATION.groups.iter().zip(content.groups()) {
            for fields in leaves.iter().flat_map(|leaf: &[u8]| read_leaf(group, leaf).unwrap()) {
                for (number, value) in fields {
                    let kind = group.field_number(u64::from(number)).unwrap().kind;
                    prop_assert!(kind.holds(&value));
                    prop_assert_eq!(kind.parse(&value.to_string()), Ok(value.clone()));
                    prop_assert_eq!(kind.from_json(&value.to_json()), Ok(value));
                }
            }
        }
    }
}

#[test]
fn every_bit_of_a_view_counts() {
    let record = record_of(described("gift"), [7; 16], [9; 32]);
    let bytes = record.view(set(&["filing", "route", "content"])).to_cbor();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let same = RecordView::from_cbor(&changed).is_ok_and(|view| view.root() == record.root());
        assert!(!same, "bit {bit}");
    }
}

#[test]
fn faults_of_content_are_named_with_their_place() {
    let json = |text: &str| {
        let error = content_from_json(&serde_json::from_str(text).unwrap()).unwrap_err();
        (error.fault, error.pointer)
    };
    let at = |fault, pointer: &str| (fault, pointer.to_owned());
    assert_eq!(json("[]"), at(Fault::Encoding, ""));
    assert_eq!(json("{}"), at(Fault::Missing, "/type"));
    assert_eq!(json(r#"{"type": "opening"}"#), at(Fault::Unknown, "/type"));
    assert_eq!(json(r#"{"type": "declaration", "version": 9}"#), at(Fault::Unknown, "/type"));
    assert_eq!(json(r#"{"type": "declaration", "version": "1"}"#), at(Fault::Value, "/version"));
    assert_eq!(json(r#"{"type": "declaration"}"#), at(Fault::Missing, "/filing/own_reference"));
    let filing = r#"{"type": "declaration", "filing": {"own_reference": "R"}"#;
    let with = |rest: &str| json(&format!("{filing}, {rest}}}"));
    assert_eq!(json(&format!("{filing}}}")), at(Fault::Missing, "/route/destination"));
    assert_eq!(with(r#""route": {"destination": "kr"}"#), at(Fault::Value, "/route/destination"));
    assert_eq!(with(r#""route": {"departure": "DE"}"#), at(Fault::Missing, "/route/destination"));
    assert_eq!(with(r#""rout": {}"#), at(Fault::Unknown, "/rout"));
    assert_eq!(with(r#""route": {"to": "KR"}"#), at(Fault::Unknown, "/route/to"));
    assert_eq!(with(r#""value": {"amount": "1"}"#), at(Fault::Unknown, "/value"));
    assert_eq!(with(r#""goods": {}"#), at(Fault::Encoding, "/goods"));
    assert_eq!(with(r#""goods": [{}, {"value": {"amount": 1.5}}]"#), at(Fault::Value, "/goods/2/value/amount"));
    assert_eq!(with(r#""goods": [{"duty": {"kind": "A00"}}]"#), at(Fault::Encoding, "/goods/1/duty"));
    assert_eq!(
        with(r#""goods": [{"duty": [{"kind": "A00"}, {"amount": "1"}]}]"#),
        at(Fault::Missing, "/goods/1/duty/2/kind")
    );
    let digest = "ab".repeat(32);
    let file = |more: &str| {
        let with = filing.replace("\"filing\"", "\"version\": 3, \"route\": {\"destination\": \"KR\"}, \"filing\"");
        json(&format!(r#"{with}, "attachments": [{{"digest": "{digest}", "size": 1}}, {{{more}}}]}}"#))
    };
    // Of several mandatory fields the one that is not there.
    assert_eq!(file(&format!(r#""digest": "{digest}""#)), at(Fault::Missing, "/attachments/2/size"));
    assert_eq!(file(r#""size": 1"#), at(Fault::Missing, "/attachments/2/digest"));
    assert_eq!(file(r#""name": "a""#), at(Fault::Missing, "/attachments/2/digest"));
    let capitals = digest.to_uppercase();
    assert_eq!(file(&format!(r#""digest": "{capitals}", "size": 1"#)), at(Fault::Value, "/attachments/2/digest"));
    let many = |what: &str, count: usize| format!("[{}]", vec![what; count].join(","));
    assert_eq!(with(&format!(r#""goods": {}"#, many("{}", 100))), at(Fault::Limit, "/goods"));
    assert_eq!(with(&format!(r#""fiscal": {}"#, many(r#"{"id": "A"}"#, 100))), at(Fault::Limit, "/fiscal"));
}

#[test]
fn only_real_goods_items_can_be_set() {
    let value = DECLARATION.group("value").unwrap().0;
    let amount = || vec![vec![(1, Kind::Decimal(16, 2).parse("1.50").unwrap())]];
    for items in [0, 1, 3] {
        let mut content = Content::empty(&DECLARATION, items);
        for item in 0..4 {
            assert_eq!(content.set(value, item, amount()).is_ok(), item < items, "{item} of {items}");
        }
    }
    let mut content = Content::empty(&DECLARATION, 3);
    assert!(content.set(0, 1, vec![vec![(1, Value::Text("R".into()))]]).is_err());
    assert!(content.set(value, 0, vec![vec![(1, Value::Bool(true))]]).is_err());
    let twice = vec![vec![(2, Value::Text("EUR".into())), (2, Value::Text("EUR".into()))]];
    assert!(content.set(value, 0, twice).is_err());
}

/// Known and accepted: a record does not tell how many of its last goods items are empty, see SPEC.md.
#[test]
fn empty_goods_items_at_the_end_are_not_committed_to() {
    let three = Content::empty(&DECLARATION, 3);
    let four = Content::empty(&DECLARATION, 4);
    assert_ne!(three.to_cbor(), four.to_cbor());
    assert_eq!(record_of(three, [1; 16], [2; 32]).root(), record_of(four, [1; 16], [2; 32]).root());
}

#[test]
fn what_is_absent_is_left_out() {
    // Three groups of the record, `fiscal` with the occurrences given, and one goods item.
    let with = |fiscal: &[u8], item: &[u8]| {
        let head = b"\x84\x6bdeclaration\x01\xa3\x01\xa1\x01\x61R\x03\xa1\x01\x62KR\x0c";
        let read = read_content(&[&head[..], fiscal, b"\x81", item].concat());
        read.map(|content| content.check_complete()).map_err(|error| (error.fault, error.pointer))
    };
    let at = |fault, pointer: &str| Err((fault, pointer.to_owned()));
    let (one, value) = (b"\x81\xa1\x01\x61A", b"\xa1\x12\xa1\x01\x82\x0f\x01");
    assert_eq!(with(one, value), Ok(Ok(())));
    assert_eq!(with(b"\x80", value), at(Fault::Encoding, "/fiscal"));
    assert_eq!(with(b"\x81\xa0", value), at(Fault::Encoding, "/fiscal"));
    assert_eq!(with(b"\x81\xa1\x02\x61A", value), at(Fault::Missing, "/fiscal/1/id"));
    assert_eq!(with(b"\xa1\x01\x61A", value), at(Fault::Encoding, "/fiscal"));
    assert_eq!(with(b"\x82\xa1\x01\x61A\xa1\x01\x61a", value), at(Fault::Value, "/fiscal/2/id"));
    // A group of the record in a goods item, one that does not exist, one twice.
    assert_eq!(with(one, b"\xa1\x04\xa1\x02\x01"), at(Fault::Unknown, "/goods/1"));
    assert_eq!(with(one, b"\xa1\x18\x20\xa1\x02\x01"), at(Fault::Unknown, "/goods/1"));
    assert_eq!(with(one, b"\xa1\x00\xa1\x02\x01"), at(Fault::Unknown, "/goods/1"));
    let twice = [&b"\xa2"[..], &value[1..], &value[1..]].concat();
    assert_eq!(with(one, &twice), at(Fault::Encoding, "/goods/1"));
}

#[test]
fn leaves_are_one_or_a_power_of_two() {
    let record = record_of(content_from(1, u32::MAX, 4), [1; 16], [2; 32]);
    let read = |group: &str, leaves: usize| {
        let mut view = record.view(DECLARATION.all_groups());
        let GroupView::Shown(shown) = &mut view.groups[DECLARATION.group(group).unwrap().0] else {
            unreachable!("every group is shown")
        };
        shown.resize(leaves, shown[0].clone());
        RecordView::from_cbor(&view.to_cbor()).is_ok()
    };
    for leaves in 0..=129 {
        assert_eq!(read("route", leaves), leaves == 1, "{leaves} of the record");
        assert_eq!(read("value", leaves), leaves.is_power_of_two(), "{leaves} of goods");
    }
    assert!(!read("value", 256));
}

/// SPEC.md lists every type, group and field as the tables have them, and nothing else.
#[test]
fn the_specification_lists_the_table() {
    specification::hold();
}

#[test]
fn another_version_has_the_same_groups_and_says_which_are_lost() {
    let json = r#"{"type":"declaration","version":2,"filing":{"own_reference":"A"},"route":{"destination":"KR","first_entry":"JP"},
                   "handling":{"carrier":"carrier","destination_operator":"post-kr"},"goods":[{"value":{"amount":"1.00","currency":"EUR"}}]}"#;
    let content = content_from_json(&serde_json::from_str(json).unwrap()).unwrap();
    assert!(content.is_handled_by(&"post-kr".parse().unwrap()) && !content.is_handled_by(&"post-de".parse().unwrap()));
    assert_eq!(content.place("first_entry").map(|place| place.to_string()).as_deref(), Some("JP"));
    let (older, lost) = content.to_version(&DECLARATION);
    assert_eq!(lost, ["handling"]);
    assert!(older.check_complete().is_ok() && !older.is_handled_by(&"post-kr".parse().unwrap()));
    let (newer, nothing) = older.to_version(&DECLARATION_2);
    assert_eq!((nothing.len(), newer.field("filing", "own_reference")), (0, content.field("filing", "own_reference")));
    assert_eq!(older.to_version(&DECLARATION).0, older);
    let read = read_content(&older.to_cbor()).unwrap();
    assert_eq!(read, older);
}
