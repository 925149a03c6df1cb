//! A node that holds indicators, for TAXII clients that others wrote.
//!
//! Two nodes: one administration sends [`COUNT`] indicators to the other under one agreement and takes the first back. Prints one line
//! of JSON, then runs until its standard input ends: `url` of discovery, `user` and `secret`, their `count`, the id that is `revoked`, and
//! `more`, a file: once it is there, one more indicator is sent, and the file goes when it arrived.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Read as _;
use std::time::Duration;

use luxor_tests::{Network, agreement, luxor_json};
use serde_json::{Value as Json, json};

const COUNT: u64 = 1_200;

fn id(number: u64) -> String {
    format!("indicator--00000000-0000-4000-8000-{number:012x}")
}

fn record(number: u64, revision: u64, action: &str) -> Json {
    json!({
        "type": "indicator",
        "reference": { "own_reference": format!("I-{number}-{revision}"), "made_at": "2026-11-01T08:00:00Z", "revision": revision, "action": action },
        "indicator": {
            "id": id(number), "valid_from": "2026-11-01T00:00:00Z", "valid_until": "2027-11-01T00:00:00Z", "threat": "weapons",
            "confidence": 70, "tlp": "amber", "advice": "inspect", "name": format!("Pattern {number}"),
        },
        "goods_sought": [{ "hs": format!("{:06}", 930_000 + number) }],
    })
}

fn main() {
    let flow = agreement("threats-ab", "customs-a", "customs-b", "indicator", "safety_security", "[\"*\"]");
    let network = Network::found(&[("customs-a", "customs", "KR"), ("customs-b", "customs", "NZ")], &[flow]);
    network.taxii("customs-b");
    let (sender, reader) = (network.start("customs-a"), network.start("customs-b"));
    let all: Vec<Json> = (0..COUNT).map(|number| record(number, 0, "original")).collect();
    for (chunk, records) in all.chunks(600).enumerate() {
        sender.put("all", chunk as u64, records).unwrap();
    }
    // Dispatches may arrive in another order than they were sent, and what is older than a withdrawal is left out.
    sender.outbox("every receipt", |state| state["pending"] == 0);
    sender.put("back", 0, &[record(0, 1, "cancellation")]).unwrap();
    sender.outbox("every receipt", |state| state["pending"] == 0);
    let user = luxor_json(&["taxii", "user", "platform", "--node", reader.dir().to_str().unwrap()]);
    let more = network.root.path().join("more");
    let told = json!({
        "url": reader.taxii().unwrap(), "user": "platform", "secret": user["secret"],
        "count": COUNT, "revoked": id(0), "more": more, "later": id(COUNT),
    });
    println!("{told}");
    std::thread::spawn(move || {
        while !more.exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
        sender.put("more", 0, &[record(COUNT, 0, "original")]).unwrap();
        sender.outbox("every receipt", |state| state["pending"] == 0);
        std::fs::remove_file(&more).unwrap();
        std::mem::forget(sender);
    });
    // Until whoever started this is gone.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    drop(reader);
}
