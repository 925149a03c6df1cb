//! Measurements: counts are complete, the keys are there, the ceiling follows from its terms. No speed is asserted.

use std::process::Command;

use luxor_tests::{luxor, program};
use serde_json::Value as Json;

fn bench(arguments: &[&str]) -> Json {
    let mut all = vec!["bench"];
    all.extend(arguments);
    all.push("--json");
    serde_json::from_str(&luxor(&all)).unwrap()
}

/// The ceiling recomputed from the terms that the report gives, as `luxor bench exchange --help` says.
fn check_ceiling(report: &Json) {
    let number = |value: &Json| value.as_u64().unwrap_or_else(|| panic!("{value} in {report}"));
    let batch = number(&report["batch"]);
    let terms = report["ceiling_terms"].as_array().unwrap();
    let cost: u64 = terms
        .iter()
        .map(|term| {
            assert_eq!(term["cost_ns"], report["primitives"][term["name"].as_str().unwrap()]["cost_ns"]);
            let cost = number(&term["count"]) * number(&term["cost_ns"]);
            if term["per"] == "record" { cost * batch } else { cost }
        })
        .sum();
    let ceiling = number(&report["cores"]) * 1_000_000_000 * batch / cost;
    assert_eq!(number(&report["ceiling_records_per_second"]), ceiling);
    // A record's root is computed at both ends: at the recipient in the pass that reads the view.
    for (name, at) in [("record_root", "sender"), ("view_read", "recipient")] {
        let terms: Vec<_> = terms.iter().filter(|term| term["name"] == name).collect();
        assert_eq!(terms.len(), 1, "{name} in {report}");
        assert_eq!((&terms[0]["at"], number(&terms[0]["count"])), (&at.into(), 1), "{name}");
    }
}

#[test]
fn an_exchange_is_counted_whole() {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("kept");
    let arguments = ["exchange", "--records", "250", "--batch", "20", "--size", "300", "--in-flight", "3", "--keep"];
    let mut arguments = arguments.to_vec();
    arguments.push(keep.to_str().unwrap());
    let report = bench(&arguments);
    assert_eq!(report["findings"], serde_json::json!([]), "{report}");
    assert_eq!((&report["records"], &report["dispatches"]), (&250.into(), &13.into()));
    assert!((280..=300).contains(&report["record_bytes"].as_u64().unwrap()), "{report}");
    let positive = [
        "records_per_second",
        "ceiling_records_per_second",
        "percent_of_ceiling",
        "latency_p50_ms",
        "latency_p99_ms",
        "entries_per_second",
        "seconds",
        "latency_samples",
    ];
    for key in positive {
        assert!(report[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {report}");
    }
    for key in ["rss_peak_bytes", "bytes_on_disk"] {
        for end in ["sender", "recipient"] {
            assert!(report[key][end].as_u64().is_some_and(|bytes| bytes > 100_000), "{key} {end}: {report}");
        }
    }
    assert!(report["cpu_us_per_record"]["sender"].is_number() && report["client_cpu_us_per_record"].is_number());
    check_ceiling(&report);
    // Both nodes stay where they were asked to.
    assert!(keep.join("platform/data").is_dir() && keep.join("customs/data").is_dir());
}

#[test]
fn windows_are_compared_and_an_equal_one_takes_one_question() {
    let report = bench(&["windows", "--numbers", "4000", "--differences", "9", "--rounds", "2"]);
    assert_eq!((&report["numbers"], &report["differences"]), (&4_000.into(), &9.into()), "{report}");
    assert_eq!(report["equal_questions"], 1, "{report}");
    assert!(report["questions"].as_u64().is_some_and(|questions| (2..9).contains(&questions)), "{report}");
    assert!(report["bytes"].as_u64() > report["equal_bytes"].as_u64(), "{report}");
}

#[test]
fn screening_hits_all_that_is_meant_to_be_hit() {
    let report = bench(&["screening", "--exact", "3000", "--names", "500"]);
    for (kind, indicators) in [("exact", 3_000), ("names", 500)] {
        let of = &report[kind];
        assert_eq!((of["indicators"].as_u64(), of["meant"].as_u64()), (Some(indicators), Some(200)), "{report}");
        assert!(of["hits"].as_u64() >= of["meant"].as_u64() && of["per_second"].as_u64() > Some(0), "{report}");
    }
}

#[test]
fn single_records_go_as_single_dispatches() {
    let report = bench(&["exchange", "--records", "60", "--batch", "1", "--in-flight", "8"]);
    assert_eq!((&report["records"], &report["dispatches"]), (&60.into(), &60.into()));
    assert_eq!(report["findings"], serde_json::json!([]), "{report}");
    check_ceiling(&report);
}

#[test]
fn a_log_and_the_primitives_are_measured_in_one_process() {
    let log = bench(&["log", "--entries", "2000", "--in-flight", "50", "--size", "512"]);
    assert_eq!((&log["entries"], &log["in_flight"]), (&2000.into(), &50.into()));
    let groups = log["groups"].as_u64().unwrap();
    assert!((40..=2000).contains(&groups), "{log}");
    assert!((512..528).contains(&log["opening_bytes"].as_u64().unwrap()), "{log}");
    assert_eq!((&log["loaded_samples"], &log["proof"]["hashes"]), (&2000.into(), &12.into()), "{log}");
    for key in ["made_p50_us", "made_p99_us", "fresh_p50_us", "whole_p50_us", "rows_p50_us", "checked_p50_us"] {
        assert!(log["proof"][key].as_f64().is_some_and(|value| value > 0.0), "{key}: {log}");
    }
    let figures = ["entries_per_second", "latency_p50_ms", "latency_p99_ms", "loaded_p50_ms", "loaded_p99_ms"];
    for key in figures.into_iter().chain(["rss_peak_bytes", "bytes_on_disk"]) {
        assert!(log[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {log}");
    }
    let primitives = bench(&["primitives", "--size", "500", "--batch", "10"]);
    assert_eq!(primitives["batch"], 10);
    check_ceiling(&primitives);
    // For people the same, without JSON.
    let table = luxor(&["bench", "log", "--entries", "100"]);
    assert!(table.starts_with("entries per second"), "{table}");
}

#[test]
fn decisions_are_counted_and_measured() {
    let report = bench(&["policy", "--rules", "503", "--members", "60", "--questions", "2000"]);
    assert_eq!((&report["rules"], &report["members"]), (&505.into(), &60.into()), "{report}");
    let counts = ["questions", "denied", "about_nothing"].map(|key| report[key].as_u64().unwrap());
    assert_eq!(counts, [2000, 1000, 500], "{report}");
    assert!((80..=101).contains(&report["agreements"].as_u64().unwrap()), "{report}");
    assert!(report["documents"].as_u64().unwrap() > 60 + 101, "{report}");
    for kind in ["decide", "permits", "nothing"] {
        let [median, most] = ["p50_ns", "p99_ns"].map(|key| report[kind][key].as_u64().unwrap());
        assert!(0 < median && median <= most, "{kind}: {report}");
    }
    for key in ["compile_ms", "load_ms", "one_more_ms"] {
        assert!(report[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {report}");
    }
    let table = luxor(&["bench", "policy", "--rules", "100", "--questions", "100"]);
    assert!(table.starts_with("a decision p50, p99"), "{table}");
}

#[test]
fn disclosures_are_measured_beside_sd_jwt() {
    for batch in ["1", "50"] {
        let report = bench(&["disclosure", "--batch", batch, "--rounds", "3"]);
        assert_eq!((&report["fields"], &report["disclosed_fields"]), (&40.into(), &10.into()), "{report}");
        assert_eq!(report["batch"].to_string(), batch);
        let micros = |side: &str, step: &str| {
            let value = report[side][step].as_f64().unwrap_or_else(|| panic!("{side} {step}: {report}"));
            assert!(value > 0.0, "{side} {step}: {report}");
            value
        };
        let [ours, theirs] = ["luxor", "sd_jwt"].map(|side| micros(side, "disclose_us") + micros(side, "verify_us"));
        let times = report["times_disclose_and_verify"].as_f64().unwrap();
        assert!((times - theirs / ours).abs() < 0.01 * times + 0.01, "{report}");
        let issued = ["luxor", "sd_jwt"].map(|side| micros(side, "issue_us"));
        let times = report["times_whole"].as_f64().unwrap();
        let whole = (theirs + issued[1]) / (ours + issued[0]);
        assert!((times - whole).abs() < 0.01 * times + 0.01, "{report}");
        // Ten fields of some ten bytes, eighteen or forty digests.
        assert!((700..1_200).contains(&report["luxor"]["wire_bytes"].as_u64().unwrap()), "{report}");
        assert!((3_000..4_000).contains(&report["sd_jwt"]["wire_bytes"].as_u64().unwrap()), "{report}");
    }
    let table = luxor(&["bench", "disclosure", "--rounds", "1"]);
    assert!(table.contains("times cheaper to disclose and verify"), "{table}");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let kept = tempfile::tempdir().unwrap();
    std::fs::write(kept.path().join("something"), "there").unwrap();
    let keep = kept.path().to_str().unwrap();
    let wrong: [&[&str]; 13] = [
        &["exchange", "--unknown", "1"],
        &["exchange", "--batch", "0"],
        &["exchange", "--batch", "1001"],
        &["exchange", "--size", "5"],
        &["exchange", "--batch", "1000", "--size", "2000"],
        &["log", "--in-flight", "0"],
        &["log", "--size", "100"],
        &["primitives", "--records", "5"],
        &["policy", "--rules", "0"],
        &["policy", "--members", "1"],
        &["disclosure", "--batch", "0"],
        &["disclosure", "--keep", keep],
        &["log", "--keep", keep],
    ];
    for arguments in wrong {
        let output = Command::new(program("luxor")).arg("bench").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
