//! `luxor demo life`: what is planted in the life of parcels is found by real nodes, and nothing else.

use std::collections::BTreeSet;

use luxor_tests::try_luxor;
use serde_json::{Value as Json, json};

#[test]
fn exactly_what_is_planted_is_found_and_every_log_holds() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("life");
    let (code, output, errors) =
        try_luxor(&["demo", "life", "--parcels", "200", "--seed", "7", "--json", "--keep", kept.to_str().unwrap()]);
    assert_eq!(code, 0, "{output}{errors}");
    let told: Json = serde_json::from_str(&output).unwrap();
    assert_eq!((&told["missing"], &told["surplus"], &told["finding_texts"]), (&json!([]), &json!([]), &json!([])));
    assert_eq!((&told["planted"], &told["found"], &told["kinds"]), (&json!(18), &json!(18), &json!(18)), "{told}");
    assert_eq!(
        (&told["audit"], &told["personal_fields"], &told["damage_found"]),
        (&json!("ok"), &json!(0), &json!(true))
    );
    assert_eq!(told["receipts_verified"], told["dispatches"], "{told}");
    // Every number of every channel stands in a statement of one digest at both sides.
    assert_eq!(told["statement_numbers"], told["dispatches"], "{told}");
    assert!(told["statements"].as_u64().unwrap() > 10, "{told}");
    assert!(told["samples_opened"].as_u64().unwrap() >= 20, "{told}");
    for (class, counts) in told["classes"].as_object().unwrap() {
        assert_eq!(counts["planted"], counts["found"], "{class}");
    }
    // What was planted stands beside the nodes, each fault about something of its own.
    let expected: Json = serde_json::from_slice(&std::fs::read(kept.join("expected.json")).unwrap()).unwrap();
    let about: BTreeSet<_> = expected.as_array().unwrap().iter().map(|one| one["about"].as_str().unwrap()).collect();
    assert_eq!(about.len(), 18);
}
