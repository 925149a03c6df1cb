//! `luxord check` on folders of real nodes: whole after an exchange and after kills, damage named, a running node left alone.

use std::path::Path;
use std::process::Output;
use std::time::Instant;

use luxor_tests::{Network, PATIENCE, agreement, program};
use serde_json::{Value as Json, json};

fn check(dir: &Path, arguments: &[&str]) -> Output {
    std::process::Command::new(program("luxord")).arg("check").arg("--dir").arg(dir).args(arguments).output().unwrap()
}

fn report(dir: &Path) -> (i32, Json) {
    let output = check(dir, &["--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let report = text.lines().last().unwrap_or_else(|| panic!("no report: {errors}"));
    (output.status.code().unwrap(), serde_json::from_str(report).unwrap())
}

fn records(name: &str, count: usize) -> Vec<Json> {
    let record = |at| {
        json!({"type": "declaration", "filing": {"own_reference": format!("{name}-{at}")},
               "route": {"destination": "KR"}, "goods": [{"content": {"description": "tea"}}]})
    };
    let unroutable = json!({"type": "declaration", "filing": {"own_reference": "nowhere"}});
    (0..count).map(record).chain([unroutable]).collect()
}

#[test]
fn a_node_is_whole_after_exchange_and_kill_and_damage_has_a_name() {
    let flow = agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]");
    let flow = flow.replace("groups =", "destinations = [\"KR\"]\ngroups =");
    let network = Network::found(&[("sender", "platform", "CN"), ("recipient", "customs", "KR")], &[flow]);
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    let dir = network.dir("sender");
    for chunk in 0..20 {
        let answer = sender.put("whole", chunk, &records(&format!("R{chunk}"), 7)).unwrap();
        assert!(answer["records"][7]["refused"].is_object(), "{answer}");
    }
    let began = Instant::now();
    while sender.get("/v1/outbox?wait_ms=1000")["pending"] != 0 {
        assert!(began.elapsed() < PATIENCE);
    }
    let refused = check(&dir, &[]);
    assert_eq!(refused.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("a luxord is running on this folder"));
    assert!(refused.stdout.is_empty());

    // What waits in the outbox, and a log whose end is only in the write-ahead log.
    recipient.kill();
    sender.put("waiting", 0, &records("W", 3)).unwrap();
    sender.kill();
    let (code, told) = report(&dir);
    assert_eq!(code, 0, "{told:#}");
    let (checked, documents) = (&told["checked"], luxor_tests::documents(&dir));
    for (kind, count) in
        [("entries", documents + 41), ("receipts", 20), ("outbox rows", 1), ("own records", 143), ("keys", 5)]
    {
        assert_eq!(checked[kind], count, "{kind}: {checked}");
    }
    let (code, told) = report(&network.dir("recipient"));
    assert_eq!(code, 0, "{told:#}");
    assert_eq!((&told["checked"]["views"], &told["checked"]["entries"]), (&json!(140), &json!(documents + 20)));

    // The check wrote nothing that keeps the node from starting, and a stop in order leaves it whole too.
    drop(network.start_alone("sender"));
    assert_eq!(report(&dir).0, 0);

    damage(&dir.join("data"));
    let output = check(&dir, &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("entry 7: "), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.contains(&format!("{} entries", documents + 41)) && last.ends_with("1 finding"), "{last}");

    assert_eq!(check(&dir, &["--nonsense"]).status.code(), Some(2));
    assert_eq!(check(&dir.join("nowhere"), &[]).status.code(), Some(5));
}

/// Changes the eighth entry behind the node's back.
fn damage(data: &Path) {
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, data).unwrap();
    let db = rocksdb::DB::open_cf(&options, data, families).unwrap();
    let entries = db.cf_handle("entries").unwrap();
    let mut entry = db.get_cf(entries, 7u64.to_be_bytes()).unwrap().unwrap();
    entry[7] ^= 16;
    db.put_cf(entries, 7u64.to_be_bytes(), entry).unwrap();
}
