//! The exchange: the demo, real declarations, kills at random moments.

use std::process::Command;
use std::time::{Duration, Instant};

use luxor_tests::{Network, PATIENCE, agreement, luxor, program, put, shared};
use serde_json::{Value as Json, json};

fn demo(arguments: &[&str]) -> Json {
    let output = Command::new(program("luxor")).arg("demo").arg("--json").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn the_demo_delivers_and_proves_everything() {
    let result = demo(&["--records", "1500"]);
    let count = |key: &str| result[key].as_u64().unwrap_or_else(|| panic!("{key}: {result}"));
    assert_eq!(result["audit"], "ok");
    assert_eq!(count("members"), 6);
    assert_eq!(count("rows"), 1500);
    assert!(count("rows_refused") > 0 && count("records_submitted") + count("rows_refused") == 1500);
    assert_eq!(count("records_accepted"), count("records_submitted"));
    assert_eq!(count("receipts_verified"), count("dispatches"));
    // Each dispatch makes a sent, a received and a receipt entry; each log begins with the charter, six cards and five agreements.
    assert_eq!(count("log_entries"), 3 * count("dispatches") + 6 * 12);
}

#[test]
fn every_row_of_the_korean_declarations_is_accounted_for() {
    let name = "every_row_of_the_korean_declarations_is_accounted_for";
    let Some(file) = shared(name, "data/bacuda/df_syn_valid_eng.csv") else { return };
    let result = demo(&["--declarations", file.to_str().unwrap()]);
    let count = |key: &str| result[key].as_u64().unwrap_or_else(|| panic!("{key}: {result}"));
    assert_eq!(result["audit"], "ok");
    assert_eq!(count("rows"), 8134);
    assert_eq!(count("records_accepted") + count("rows_refused"), 8134);
    assert_eq!(count("receipts_verified"), count("dispatches"));
}

fn record(reference: &str) -> Json {
    json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"},
           "goods": [{"content": {"description": format!("goods of {reference}")}}]})
}

/// Kills of either daemon at random moments of a transfer; every submitted record arrives exactly once.
#[test]
fn kills_at_random_moments_lose_and_double_nothing() {
    let kills = if std::env::var_os("LUXOR_TEST_LONG").is_some() { 200 } else { 10 };
    let flow = agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]");
    let network = Network::found(&[("sender", "platform", "CN"), ("recipient", "customs", "KR")], &[flow]);
    let (mut sender, mut recipient) = (Some(network.start("sender")), Some(network.start("recipient")));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let dir = network.dir("sender");
    let submitted: u64 = std::thread::scope(|scope| {
        let submitting = scope.spawn(|| {
            let mut chunk = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let records: Vec<Json> = (0..7).map(|n| record(&format!("R-{chunk}-{n}"))).collect();
                // The same chunk until it is acknowledged, as a local system would.
                let began = Instant::now();
                while let Err(error) = put(&dir, "kills", chunk, &records) {
                    assert!(began.elapsed() < PATIENCE, "chunk {chunk}: {error}");
                    std::thread::sleep(Duration::from_millis(2));
                }
                chunk += 1;
            }
            chunk
        });
        for round in 0..kills {
            let mut random = [0u8; 2];
            getrandom::fill(&mut random).unwrap();
            // The moment itself is what is random here; nothing waits for this sleep.
            std::thread::sleep(Duration::from_millis(u64::from(random[0])));
            let (slot, name) = if round % 2 == 0 { (&mut sender, "sender") } else { (&mut recipient, "recipient") };
            slot.take().unwrap().kill();
            *slot = Some(network.start(name));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        submitting.join().unwrap()
    });
    let (sender, recipient) = (sender.unwrap(), recipient.unwrap());
    let began = Instant::now();
    while sender.get("/v1/outbox?wait_ms=1000")["pending"] != 0 {
        assert!(began.elapsed() < PATIENCE, "{}", sender.get("/v1/outbox"));
    }
    let arrived = recipient.arrived();
    println!("{kills} kills, {submitted} chunks of 7 records, {} records arrived", arrived.len());
    assert_eq!(arrived.len() as u64, submitted * 7);
    assert!(arrived.values().all(|times| *times == 1));
    for daemon in [&sender, &recipient] {
        luxor(&["audit", "--node", daemon.dir().to_str().unwrap()]);
    }
}

/// A second daemon on a running node's folder is refused and leaves the first one's files alone.
#[test]
fn a_second_daemon_leaves_the_first_alone() {
    let flow = agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]");
    let network = Network::found(&[("sender", "platform", "CN"), ("recipient", "customs", "KR")], &[flow]);
    let first = network.start_alone("sender");
    let second = Command::new(program("luxord")).arg("--dir").arg(network.dir("sender")).output().unwrap();
    assert!(!second.status.success());
    assert_eq!(first.get("/v1/status")["node"], "sender/n1");
    assert!(network.dir("sender").join("run/ready.json").is_file());
}
