use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::record::{Fault, content_from_json, content_to_json};
use crate::testing::any_content;

fn set(pointer: &str, value: &str) -> Edit {
    Edit::Set { pointer: pointer.into(), value: value.into() }
}

fn replace(pointer: &str, from: &str, to: &str) -> Edit {
    Edit::Replace { pointer: pointer.into(), from: from.into(), to: to.into() }
}

fn remove(pointer: &str) -> Edit {
    Edit::Remove { pointer: pointer.into() }
}

fn parcel() -> Content {
    let json = json!({"type": "declaration", "version": 3, "filing": {"own_reference": "A"}, "route": {"destination": "UK"},
        "goods": [{"classification": {"hs": "851712"}, "value": {"amount": "1.50", "currency": "GBP"}},
            {"classification": {"hs": "610910"}}, {"content": {"description": "shirts"}}]});
    content_from_json(&json).unwrap()
}

/// Every field of a content with its pointer.
fn all_fields(content: &Content) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (at, group) in content.table().groups.iter().enumerate() {
        let items = if group.scope == Scope::Record { 1 } else { content.items() };
        for item in 0..items {
            let goods = if group.scope == Scope::Item { format!("/goods/{}", item + 1) } else { String::new() };
            for (nth, fields) in content.occurrences(at, item).into_iter().enumerate() {
                let occurrence = if group.repeats { format!("/{}", nth + 1) } else { String::new() };
                for (number, value) in fields {
                    let name = group.field_number(number.into()).unwrap().name;
                    found.push((format!("{goods}/{}{occurrence}/{name}", group.name), value));
                }
            }
        }
    }
    found
}

/// The place of a pointer in the JSON form, where lists count from 0.
fn in_json<'j>(json: &'j mut Json, pointer: &str) -> &'j mut Json {
    let mut at = json;
    for part in pointer.split('/').skip(1) {
        at = match part.parse::<usize>() {
            Ok(number) => &mut at[number - 1],
            Err(_) => &mut at[part],
        };
    }
    at
}

proptest! {
    #[test]
    fn a_value_set_is_what_the_json_form_with_that_value_reads_as(content in any_content(), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let fields = all_fields(&content);
        prop_assume!(!fields.is_empty());
        let (pointer, old) = a.get(&fields);
        // A value of any field; often of another kind.
        let (_, value) = b.get(&fields);
        let edited = apply_edits(&content, &[set(pointer, &value.to_string())]);
        let mut json = content_to_json(&content);
        *in_json(&mut json, pointer) = match old {
            Value::Uint(_) => value.to_string().parse::<u64>().map_or_else(|_| json!("no number"), Into::into),
            Value::Bool(_) => value.to_string().parse::<bool>().map_or_else(|_| json!("no truth value"), Into::into),
            _ => value.to_string().into(),
        };
        match (edited, content_from_json(&json)) {
            (Ok(edited), Ok(read)) => prop_assert_eq!((edited.content, edited.places), (read, 1)),
            // The content generated may lack a group of its own.
            (Ok(edited), Err(error)) => prop_assert!(edited.content.check_complete().is_err(), "{}", error),
            (Err(error), Ok(_)) => prop_assert!(false, "{}", error),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn what_is_replaced_and_replaced_back_is_as_it_was_and_nothing_else_changes(content in any_content(), a in any::<prop::sample::Index>()) {
        let fields = all_fields(&content);
        prop_assume!(!fields.is_empty());
        let (pointer, old) = a.get(&fields);
        let old = old.to_string();
        prop_assert_eq!(&apply_edits(&content, &[replace(pointer, &old, &old)]).unwrap().content, &content);
        let other = apply_edits(&content, &[replace(pointer, "no value of any field: \u{1}", &old)]).unwrap();
        prop_assert_eq!((&other.content, other.places), (&content, 0));
        let Ok(removed) = apply_edits(&content, &[remove(pointer)]) else { return Ok(()) };
        prop_assert_eq!(removed.places, 1);
        let left = all_fields(&removed.content).len();
        prop_assert_eq!(left + 1, fields.len());
    }

    #[test]
    fn any_pointer_is_refused_or_applied_without_panic(content in any_content(), pointer in "(/[a-z_*0-9]{0,9}){0,5}", value in ".{0,9}") {
        for edit in [set(&pointer, &value), replace(&pointer, &value, &value), remove(&pointer)] {
            let _ = apply_edits(&content, &[edit]);
        }
    }
}

#[test]
fn stars_reach_every_goods_item_and_a_group_that_lacks_is_made() {
    let parcel = parcel();
    let edited = apply_edits(&parcel, &[set("/goods/*/classification/hs", "610910")]).unwrap();
    assert_eq!(edited.places, 3);
    let json = content_to_json(&edited.content);
    assert!(json["goods"].as_array().unwrap().iter().all(|item| item["classification"]["hs"] == "610910"), "{json}");
    let edited = apply_edits(&parcel, &[replace("/goods/*/classification/hs", "851712", "851713")]).unwrap();
    assert_eq!(edited.places, 1);
    assert_eq!(content_to_json(&edited.content)["goods"][1]["classification"]["hs"], "610910");
    // Two mandatory fields of a group come in two edits.
    let both = [set("/goods/2/value/amount", "2.00"), set("/goods/2/value/currency", "EUR")];
    assert_eq!(content_to_json(&apply_edits(&parcel, &both).unwrap().content)["goods"][1]["value"]["currency"], "EUR");
}

#[test]
fn what_cannot_be_is_said() {
    let parcel = parcel();
    let error = |edit: Edit| apply_edits(&parcel, &[edit]).unwrap_err().to_string();
    assert!(error(set("route/destination", "GB")).contains("does not begin with /"));
    assert!(error(set("/route/nowhere", "GB")).contains("route has no field 'nowhere'"));
    assert!(error(set("/classification/hs", "1")).contains("has no group 'classification' here"));
    assert!(error(set("/goods/0/classification/hs", "1")).contains("'0' is no goods item"));
    assert!(error(set("/goods/1/classification", "1")).contains("it names no field"));
    assert!(error(set("/route/1/destination", "GB")).contains("route does not repeat"));
    assert!(error(set("/route/destination", "Britain")).contains("two capital letters"));
    assert!(error(set("/route/destination/x", "GB")).contains("stands behind a field"));
    // The only field of its group: the group goes with it, and the record is no longer complete.
    let edited = apply_edits(&parcel, &[remove("/filing/own_reference")]).unwrap();
    assert_eq!(edited.content.check_complete().unwrap_err().fault, Fault::Missing);
    let half = apply_edits(&parcel, &[remove("/goods/1/value/amount")]);
    assert!(matches!(half, Err(EditError::Content(error)) if error.pointer == "/goods/1/value/amount"));
}

#[test]
fn a_correction_counts_on_from_what_it_corrects() {
    let revision = |content: &Content| content.field("filing", "revision");
    let parcel = parcel();
    let first = as_correction(&parcel, &parcel, false).unwrap();
    assert_eq!(revision(&first), Some(Value::Uint(1)));
    assert_eq!(revision(&as_correction(&first, &first, true).unwrap()), Some(Value::Uint(2)));
    assert_eq!(
        revision(&as_correction(&parcel, &parcel, true).unwrap()),
        Some(Value::Uint(2)),
        "without a revision of its own"
    );
    let chosen = apply_edits(&parcel, &[set("/filing/revision", "7")]).unwrap().content;
    assert_eq!(revision(&as_correction(&chosen, &parcel, false).unwrap()), Some(Value::Uint(7)));
    let said = apply_edits(&parcel, &[set("/filing/action", "original")]).unwrap().content;
    assert_eq!(as_correction(&said, &said, false).unwrap().field("filing", "action"), None);
    // A type that counts no revisions stays as it is.
    let older = content_from_json(
        &json!({"type": "declaration", "filing": {"own_reference": "A"}, "route": {"destination": "KR"}}),
    );
    let older = older.unwrap();
    assert_eq!(as_correction(&older, &older, false).unwrap(), older);
}
