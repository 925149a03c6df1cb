//! Samples and audit packs on a running network: an auditee with his own records, an auditor under wide and narrow mandates, and
//! verification when every node is gone.

use std::path::Path;

use luxor_protocol::audit::pack::AuditPack;
use luxor_tests::{Daemon, Network, agreement, luxor, try_luxor};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 4] =
    [("sender", "platform", "CN"), ("recipient", "customs", "KR"), ("post", "post", "KR"), ("watch", "auditor", "CH")];
/// Stands in every record, and in no pack.
const NAME: &str = "Wilhelmina Nobodysbusiness";

fn found() -> Network {
    let flow = |id, to, groups| agreement(id, "sender", to, "declaration", "safety_security", groups);
    let mandate = |id, from, groups| agreement(id, from, "watch", "opening", "audit", groups);
    Network::found(
        &MEMBERS,
        &[
            flow("to-customs", "recipient", "[\"*\"]"),
            flow("to-post", "post", "[\"filing\", \"route\"]"),
            mandate("wide", "sender", "[\"*\"]"),
            mandate("narrow", "recipient", "[\"skeleton\"]"),
        ],
    )
}

fn record(reference: &str, values: &[(&str, Option<&str>)]) -> Json {
    let goods = values.iter().map(|(amount, currency)| match currency {
        Some(currency) => json!({"value": {"amount": amount, "currency": currency}}),
        None => json!({"value": {"amount": amount}}),
    });
    json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"},
           "addressee": {"name": NAME}, "goods": goods.collect::<Vec<_>>()})
}

/// Three batches, each of which goes to customs and to the post: six dispatches.
fn exchange(sender: &Daemon) {
    let euro = |amount| (amount, Some("EUR"));
    let batches = [
        vec![record("a-1", &[euro("1000"), euro("0.50")]), record("a-2", &[euro("10")]), record("a-3", &[])],
        vec![record("b-1", &[("7000", Some("JPY")), ("3", None)])],
        vec![record("c-1", &[euro("20.25")]), record("c-2", &[euro("0")])],
    ];
    for (chunk, batch) in (0..).zip(batches) {
        sender.put("goods", chunk, &batch).unwrap();
    }
    sender.outbox("every receipt", |state| state["sent"]["dispatches"] == 6);
}

fn json_of(arguments: &[&str]) -> Json {
    serde_json::from_str(&luxor(&[arguments, &["--json"]].concat())).unwrap()
}

fn read(file: &str) -> AuditPack {
    AuditPack::read(&std::fs::read(file).unwrap()).unwrap()
}

fn dir(node: &Daemon) -> String {
    node.dir().to_str().unwrap().to_owned()
}

fn contains(file: &str, text: &str) -> bool {
    std::fs::read(Path::new(file)).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_sample_by_value_is_packed_by_the_auditee_and_verified_without_him() {
    let network = found();
    let nodes: Vec<_> = MEMBERS.iter().map(|(member, ..)| network.start(member)).collect();
    let (sender, recipient, post) = (&nodes[0], &nodes[1], &nodes[2]);
    exchange(sender);
    let path = |name: &str| network.root.path().join(name).to_str().unwrap().to_owned();
    let (own, status) = (dir(sender), sender.get("/v1/status"));
    let (charter, vkey) = (status["network"].as_str().unwrap(), status["log_vkey"].as_str().unwrap());

    // The same seed at the same checkpoint, the same choice, also when the log has grown since.
    let sample = ["audit", "sample", "--node", &own, "--method", "value", "--seed", "7", "--count", "2"];
    let drawn = json_of(&sample);
    assert_eq!(drawn["population"]["by_value"], json!({"repeats": 3, "excluded": 0, "records": 6, "values": 6}));
    let strata = drawn["strata"].as_array().unwrap();
    let totals: Vec<_> = strata.iter().map(|s| (s["currency"].as_str(), s["total"].as_str().unwrap())).collect();
    assert_eq!(totals, [(None, "3.00"), (Some("EUR"), "1030.75"), (Some("JPY"), "7000.00")]);
    assert_eq!((&strata[1]["interval"], &strata[1]["certain"]), (&json!("515.38"), &json!(1)), "{strata:?}");
    let checkpoint = path("checkpoint");
    std::fs::write(&checkpoint, drawn["checkpoint"]["note"].as_str().unwrap()).unwrap();
    sender.put("more", 0, &[record("d-1", &[("5000", Some("EUR"))])]).unwrap();
    sender.outbox("the receipts", |state| state["sent"]["dispatches"] == 8);
    let again = json_of(&[&sample[..], &["--checkpoint", &checkpoint]].concat());
    assert_eq!((&again["chosen"], &again["checkpoint"]), (&drawn["chosen"], &drawn["checkpoint"]));
    assert_ne!(json_of(&sample)["checkpoint"]["size"], drawn["checkpoint"]["size"]);
    let words = luxor(&sample);
    assert!(words.contains("drawn") && words.contains("EUR: ") && words.contains("certain"), "{words}");

    // One file, in which nothing but values stands of the records.
    let file = path("sender.pack");
    let pack = ["audit", "pack", "--node", &own, "--method", "value", "--seed", "7", "--count", "2", "--to", &file];
    let packed = json_of(&[&pack[..], &["--checkpoint", &checkpoint]].concat());
    let chosen: Vec<_> = drawn["chosen"].as_array().unwrap().iter().map(|c| c["entry"].clone()).collect();
    assert_eq!((packed["network"].as_str(), &packed["opened"]), (Some(charter), &Json::from(chosen)));
    assert!(!contains(&file, NAME) && !contains(&file, "a-1") && contains(&file, "EUR"));

    // The recipient's own: he saw the values. The post's: it did not, and the log shows why they are not in the population.
    for (node, excluded, values) in [(recipient, 0, 7), (post, 4, 0)] {
        let file = path(&format!("{values}.pack"));
        let of_node = ["audit", "pack", "--node", &dir(node), "--method", "value", "--seed", "1", "--to", &file];
        luxor(&of_node);
        let sample = &json_of(&["audit", "verify-pack", &file, "--charter", charter])["sample"];
        assert_eq!((&sample["excluded"], &sample["values"]), (&json!(excluded), &json!(values)), "{sample}");
    }

    let foreign = post.get("/v1/status")["log_vkey"].as_str().unwrap().to_owned();
    drop(nodes);
    let verified = json_of(&["audit", "verify-pack", &file, "--charter", charter, "--vkey", vkey]);
    assert_eq!((&verified["ok"], &verified["digest"]), (&json!(true), &packed["digest"]), "{verified}");
    assert_eq!((&verified["sample"]["strata"], &verified["opened"]), (&drawn["strata"], &packed["opened"]));
    let records = verified["records"].as_array().unwrap();
    assert_eq!((&json!(records.len()), &verified["network_compared"]), (&packed["records"], &json!(true)));
    assert!(records.iter().any(|r| r["values"] == json!([{"currency": "EUR", "amount": "1000.50"}])), "{records:?}");
    // One entry alone, for whoever has no Luxor.
    let (proofs, index) = (path("proofs"), packed["opened"][0].as_u64().unwrap());
    luxor(&["audit", "verify-pack", &file, "--charter", charter, "--proofs", &proofs]);
    let (proof, leaf) = (format!("{proofs}/{index}.tlog-proof"), format!("{proofs}/{index}.entry"));
    luxor(&["log", "check-proof", &proof, "--vkey", vkey, "--leaf", &leaf]);
    let words = luxor(&["audit", "verify-pack", &file, "--network", &path("charter.luxor")]);
    assert!(words.contains("everything holds") && words.contains("NOT COMPARED"), "{words}");
    let (code, _, says) = try_luxor(&["audit", "verify-pack", &file]);
    assert!(code == 0 && says.contains("whose network and log it is the pack does not say"), "{says}");

    // What was asked for, and what was not.
    let plan = &verified["sample"]["plan"];
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (method, seed, count) = (text(&plan["method"]), text(&plan["seed"]), text(&plan["count"]));
    let asked = |seed: &str| {
        try_luxor(&["audit", "verify-pack", &file, "--method", &method, "--seed", seed, "--count", &count])
    };
    assert_eq!(asked(&seed).0, 0);
    let (code, words, _) = asked("987654");
    assert!(code == 1 && words.contains("987654 was asked for"), "{words}");
    // Another network, another log, and a changed byte anywhere.
    let other = "0".repeat(64);
    for (with, says) in [(&["--charter", &other][..], "another network"), (&["--vkey", &foreign], "another key")] {
        let (code, words, _) = try_luxor(&[&["audit", "verify-pack", &file], with].concat());
        assert!(code == 1 && words.contains(says), "{words}");
    }
    let good = std::fs::read(&file).unwrap();
    for at in (0..good.len()).step_by(good.len() / 7) {
        let mut bytes = good.clone();
        bytes[at] ^= 4;
        std::fs::write(&file, bytes).unwrap();
        let (code, words, says) = try_luxor(&["audit", "verify-pack", &file, "--json"]);
        let told: Json = serde_json::from_str(&words).unwrap();
        assert_eq!((code, &told["ok"]), (1, &json!(false)), "byte {at}: {words} {says}");
    }
}

#[test]
fn an_auditor_packs_what_his_mandate_gives_and_no_more() {
    let network = found();
    let nodes: Vec<_> = MEMBERS.iter().map(|(member, ..)| network.start(member)).collect();
    exchange(&nodes[0]);
    let (watch, charter) = (dir(&nodes[3]), nodes[3].get("/v1/status")["network"].as_str().unwrap().to_owned());
    let path = |name: &str| network.root.path().join(name).to_str().unwrap().to_owned();
    let pack = |of: &str, file: &str, method: &str| {
        try_luxor(&[
            "audit", "pack", "--node", &watch, "--of", of, "--method", method, "--seed", "3", "--count", "2", "--to",
            file,
        ])
    };

    // A wide mandate: openings and evidence of what was chosen, and the mandate itself.
    let wide = path("wide.pack");
    assert_eq!(pack("sender/n1", &wide, "random").0, 0);
    let verified = json_of(&["audit", "verify-pack", &wide, "--charter", &charter]);
    assert_eq!((&verified["node"], &verified["packed_by"]), (&json!("sender/n1"), &json!("watch/n1")));
    assert_eq!((&verified["without_body"], &verified["without_evidence"]), (&json!(0), &json!(0)), "{verified}");
    assert_eq!(verified["shown"]["dispatch_signatures"], 2);
    assert_eq!(verified["report"]["receipts"], 6);
    let read_pack = read(&wide);
    let opened: Vec<u64> = read_pack.opened.iter().map(|opened| opened.index).collect();
    for (index, entry) in (0..).zip(&read_pack.entries) {
        assert_eq!(entry.body.is_some() || entry.evidence.is_some(), opened.contains(&index), "entry {index}");
    }
    assert!(contains(&wide, "wide") && !contains(&wide, "narrow") && !contains(&wide, NAME));

    // A narrow one: skeletons, and the proof that they are in the log.
    let narrow = path("narrow.pack");
    assert_eq!(pack("recipient/n1", &narrow, "random").0, 0);
    assert!(read(&narrow).entries.iter().all(|entry| entry.body.is_none() && entry.evidence.is_none()));
    let verified = json_of(&["audit", "verify-pack", &narrow, "--charter", &charter]);
    assert_eq!((&verified["ok"], &verified["without_body"]), (&json!(true), &json!(2)), "{verified}");
    assert_eq!((&verified["opened"].as_array().unwrap().len(), &verified["sample"]["dispatches"]), (&2, &json!(3)));

    // No mandate, and what no mandate gives.
    let (code, _, says) = pack("post/n1", &path("none.pack"), "random");
    assert!(code == 4 && says.contains("no_mandate") && !Path::new(&path("none.pack")).exists(), "{says}");
    let (code, _, says) = pack("sender/n1", &path("none.pack"), "value");
    assert!(code == 2 && says.contains("a sample by value is drawn by sender/n1 itself"), "{says}");

    // All logs together: what each holds of the others' checkpoints agrees. Auditor and post give each other no mandate.
    let all = json_of(&["audit", "--node", &watch, "--all", "--evidence", &path("fork")]);
    assert_eq!((&all["ok"], &all["checkpoints"]["forks"]), (&json!(true), &json!([])), "{all}");
    let (agree, unread) =
        (all["checkpoints"]["agree"].as_u64().unwrap(), all["checkpoints"]["not_compared"].as_u64().unwrap());
    assert!(agree > 0 && unread > 0 && !Path::new(&path("fork")).exists(), "{all}");
}
