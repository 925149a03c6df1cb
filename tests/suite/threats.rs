//! Threats as a user meets them on the command line: lists and STIX into records, a dry run on real declarations, bad input by name.

use std::path::Path;
use std::process::Command;

use luxor_tests::{root, shared, try_luxor};
use serde_json::{Value as Json, json};

fn run(arguments: &[&str]) -> (i32, String, String) {
    try_luxor(arguments)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// `tests/threats/bacuda.py` with these arguments.
fn script(arguments: &[&str]) -> String {
    let python = std::env::var_os("LUXOR_PYTHON").unwrap_or_else(|| "python3".into());
    let file = root().join("tests/threats/bacuda.py");
    let done = Command::new(python).arg(file).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn what_repeats_in_the_frauds_of_a_year_finds_those_of_the_next_quarter() {
    let name = "what_repeats_in_the_frauds_of_a_year_finds_those_of_the_next_quarter";
    let Some(folder) = shared(name, "data/bacuda") else { return };
    let dir = tempfile::tempdir().unwrap();
    let (train, valid) = (folder.join("df_syn_train_eng.csv"), folder.join("df_syn_valid_eng.csv"));
    let (indicators, hits) = (dir.path().join("indicators.ndjson"), dir.path().join("hits.ndjson"));
    script(&["write", text(&train), text(&indicators)]);
    let (code, told, errors) = run(&[
        "screen",
        "--indicators",
        text(&indicators),
        "--mapping",
        "bacuda",
        "--at",
        "2021-02-01T00:00:00Z",
        "-o",
        text(&hits),
        "--json",
        text(&valid),
    ]);
    assert_eq!(code, 0, "{told}{errors}");
    let told: Json = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["records"], &told["refused"]), (&json!(8_134), &json!(0)), "{told}");
    assert!(told["hit"].as_u64().unwrap() > 1_000 && told["live"] == told["indicators"], "{told}");
    let judged = script(&["judge", text(&train), text(&valid), text(&hits)]);
    println!("{judged}");
    let figures: Json = serde_json::from_str(judged.lines().last().unwrap()).unwrap();
    for share in ["1", "5", "10"] {
        let random = share.parse::<f64>().unwrap() / 100.0;
        assert!(figures["ours"][share].as_f64().unwrap() > random, "no better than chance: {figures}");
    }
}

#[test]
fn a_public_list_becomes_records_hits_a_distorted_name_and_goes_to_stix_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let list = "7,\"EXAMPLE MARITIME S.A.\",-0- ,\"PROG\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"a.k.a. 'EXMAR'.\"\n\
                8,\"SOMEBODY, Some\",\"individual\",\"PROG\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n";
    std::fs::write(file("sdn.csv"), list).unwrap();
    let (code, _, errors) = run(&[
        "indicator",
        "list",
        text(&file("sdn.csv")),
        "--form",
        "ofac-sdn",
        "--list",
        "OFAC SDN",
        "--issuer",
        "customs-a",
        "--from",
        "2026-11-01",
        "-o",
        text(&file("sdn.ndjson")),
    ]);
    assert_eq!((code, errors.contains("1 indicator by 2 names; 1 of other kinds left out")), (0, true), "{errors}");
    assert_eq!(run(&["indicator", "check", text(&file("sdn.ndjson"))]).0, 0);

    let declaration = |name: &str| {
        json!({ "type": "declaration", "filing": { "own_reference": name }, "route": { "destination": "DE" }, "sender": { "name": name } }).to_string()
    };
    let declarations = [declaration("MARITIME EXAMPEL"), declaration("Пример"), declaration("Exmar Ltd")].join("\n");
    std::fs::write(file("declarations.ndjson"), declarations).unwrap();
    let screen = |indicators: &Path| {
        let (code, told, errors) = run(&[
            "screen",
            "--indicators",
            &format!("customs-a={}", text(indicators)),
            "--at",
            "2026-11-27T00:00:00Z",
            "-o",
            text(&file("hits.ndjson")),
            "--json",
            text(&file("declarations.ndjson")),
        ]);
        assert_eq!(code, 0, "{told}{errors}");
        let lines = std::fs::read_to_string(file("hits.ndjson")).unwrap();
        lines.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()).collect::<Vec<_>>()
    };
    let found = screen(&file("sdn.ndjson"));
    let lines: Vec<_> = found.iter().map(|hit| (hit["line"].as_u64(), hit["propose"].as_str())).collect();
    assert_eq!(lines, [(Some(1), Some("inspect")), (Some(3), Some("inspect"))], "{found:?}");
    assert_eq!(
        found[1]["hits"][0]["reasons"],
        json!([{ "facet": "parties_sought", "row": 2, "place": "/sender", "alike": 100 }])
    );

    let (code, _, errors) =
        run(&["indicator", "to-stix", text(&file("sdn.ndjson")), "--issuer", "customs-a", "-o", text(&file("b.json"))]);
    assert_eq!(code, 0, "{errors}");
    let (code, _, errors) = run(&[
        "indicator",
        "from-stix",
        text(&file("b.json")),
        "--issuer",
        "customs-a",
        "-o",
        text(&file("back.ndjson")),
    ]);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(screen(&file("back.ndjson")), found);
}

#[test]
fn bad_input_is_refused_by_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.ndjson");
    let bad = json!({
        "type": "indicator", "reference": { "own_reference": "I" },
        "indicator": { "id": "indicator--1", "valid_from": "2026-11-27T00:00:00Z", "valid_until": "2026-11-28T00:00:00Z", "threat": "other",
            "confidence": 1, "tlp": "red", "advice": "watch" },
    });
    std::fs::write(&file, bad.to_string()).unwrap();
    let (code, _, errors) = run(&["indicator", "check", text(&file)]);
    assert!(
        code != 0 && errors.contains("line 1: /indicator/id: 'indicator--1' is not a STIX indicator id"),
        "{code} {errors}"
    );
    std::fs::write(&file, "[[rule]]\nid = \"a\"\npropose = \"inspect\"\nmin_score = 2000\nfrom = \"2026-01-01\"\n")
        .unwrap();
    let (code, _, errors) = run(&["screen", "--indicators", text(&file), "--rules", text(&file), text(&file)]);
    assert!(code != 0 && errors.contains("rule 'a': min_score is in thousandths"), "{code} {errors}");
    let (code, _, errors) =
        run(&["indicator", "list", text(&file), "--form", "us-csl", "--list", "L", "--issuer", "a"]);
    assert!(code != 0 && errors.contains("line 1: no column 'entity_number'"), "{code} {errors}");
}

/// The whole day over real nodes: what the demo finds wrong is told by name.
#[test]
fn on_a_bad_day_indicators_stay_where_they_belong_and_mistakes_are_undone() {
    let (code, told, errors) = run(&["demo", "bad-day", "--generated", "--records", "1500", "--json"]);
    let told: Json = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}{errors}"));
    assert_eq!((code, &told["findings"]), (0, &json!([])), "{told}{errors}");
    let mistake = &told["mistake"];
    assert!(mistake["hits"].as_u64().unwrap() > 100, "{told}");
    assert_eq!(mistake["answers"].as_array().unwrap().len(), 3, "{told}");
    assert_eq!(told["revocation_passed"], json!(true), "{told}");
}
