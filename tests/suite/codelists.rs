//! A new edition of a code list without a common day of change: who reads it gets goods of it, who does not yet gets the rest, the
//! sender is told, and the next card of the late one is all that is needed.

use std::path::Path;

use luxor_tests::{Network, agreement, check, luxor, luxor_json, try_luxor, until};
use serde_json::{Value as Json, json};

use crate::documents::next_card;

const MEMBERS: [(&str, &str, &str); 3] =
    [("platform", "platform", "CN"), ("customs", "customs", "KR"), ("post", "post", "KR")];

/// A record with goods of these editions.
fn record(reference: &str, editions: &[Option<u64>]) -> Json {
    let good = |edition: &Option<u64>| match edition {
        Some(year) => json!({"classification": {"hs": "610910", "edition": year}}),
        None => json!({"classification": {"hs": "610910"}}),
    };
    let goods: Vec<Json> = editions.iter().map(good).collect();
    json!({"type": "declaration", "version": 2, "filing": {"own_reference": reference}, "route": {"destination": "KR"}, "goods": goods})
}

/// Submits records as a file; exit code and report.
fn submit(network: &Network, name: &str, records: &[Json]) -> (i32, Json) {
    let file = network.root.path().join(format!("{name}.ndjson"));
    let lines: Vec<String> = records.iter().map(Json::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let dir = network.dir("platform");
    let arguments = ["submit", "--json", "--wait", "60", "--node", dir.to_str().unwrap(), file.to_str().unwrap()];
    let (code, text, errors) = try_luxor(&arguments);
    (code, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {errors}")))
}

fn explained(dir: &Path) -> Json {
    let asked = ["--from", "platform", "--to", "post", "--type", "declaration", "--purpose", "delivery"];
    luxor_json(&[&["agreement", "explain", "--node", dir.to_str().unwrap()], &asked[..]].concat())
}

#[test]
fn goods_of_a_new_edition_go_to_who_reads_it_and_to_the_others_after_their_next_card() {
    let row = |to: &str, purpose: &str| {
        agreement(&format!("to-{to}"), "platform", to, "declaration", purpose, "[\"*\"]")
            .replace("version = 1\n", "versions = [1, 2]\n")
    };
    let onward = "[[flow.onward]]\nkinds = [\"post KR\"]\npurpose = \"delivery\"\ngroups = [\"filing\", \"classification\"]\n\
                  retention_days = 7\n";
    let to_customs = row("customs", "safety_security") + onward;
    let network = Network::found(&MEMBERS, &[to_customs, row("post", "delivery")]);
    // The post's card as a program wrote it that knows no code list.
    let old = next_card(&network, "post", |card| card.nodes[0].reads.retain(|(name, _)| name != "hs"));
    MEMBERS.iter().for_each(|(id, _, _)| network.install(id, &old));
    let [platform, customs, post] = MEMBERS.map(|(id, _, _)| network.start(id));
    let [platform, customs, post] = [platform.awake(), customs.awake(), post.awake()];

    let first = [
        record("A-1", &[None, Some(2022)]),
        record("A-2", &[None, Some(2028)]),
        record("A-3", &[Some(2028)]),
        record("A-4", &[]),
    ];
    let (code, report) = submit(&network, "first", &first);
    let left_out = json!([
        {"to": "post", "reason": "to-post row 1: no node of post reads hs 2028", "records": 2, "line": 2}
    ]);
    assert_eq!((code, &report["accepted"], &report["refused"]), (1, &json!(4), &json!(0)), "{report}");
    assert_eq!((&report["left_out"], &report["left_out_more"]), (&left_out, &json!(0)), "{report}");
    let references = |node: &luxor_tests::Daemon| node.arrived().into_keys().collect::<Vec<_>>();
    assert_eq!(references(&customs), ["A-1", "A-2", "A-3", "A-4"]);
    assert_eq!(references(&post), ["A-1", "A-4"]);
    // The same chunk again gets the same answer.
    assert_eq!(submit(&network, "first", &first).1["left_out"], left_out);
    let note = "no node of post reads hs 2028, in force from 2028-01-01: records with goods of it do not go there";
    assert_eq!(explained(&network.dir("platform"))["notes"], json!([note]));
    // Nor does anybody else pass it on there, also once a quorum has cosigned the receipt.
    customs.witnessed();
    let root = customs.get("/v1/records?reference=A-2")[0]["root"].as_str().unwrap().to_owned();
    let (at, wish) = (network.dir("customs"), ["--root", &root, "--to", "post", "--purpose", "delivery"]);
    let (_, passed, _) =
        try_luxor(&[&["onward", "pass", "--json", "--node", at.to_str().unwrap()], &wish[..]].concat());
    let why = "no node of post reads hs 2028; without the group classification it may go";
    assert!(passed.contains(why), "{passed}");
    // What is no edition is refused with its place; nobody gets it.
    let wrong = platform.put("wrong", 0, &[record("W-1", &[None, Some(2023)])]);
    let wrong = wrong.map_or_else(|error| error.to_string(), |answer| answer.to_string());
    assert!(wrong.contains("/goods/2/classification/edition") && wrong.contains("'2023' is not an edition"), "{wrong}");

    // The post's program is a newer one from here on; its card says so, and nothing else is done anywhere.
    drop(post);
    let post = network.start("post").awake();
    let dir = network.dir("post");
    let dir = dir.to_str().unwrap();
    let renewed = luxor(&["card", "renew", "--node", dir]);
    assert!(renewed.starts_with("card post version 3 (digest "), "{renewed}");
    assert_eq!(luxor(&["card", "renew", "--node", dir]), "card of post version 3 says all that already\n");
    until("the platform to know the post's card", || {
        explained(&network.dir("platform"))["notes"].as_array().unwrap().is_empty().then_some(())
    });
    let (code, report) = submit(&network, "second", &[record("B-1", &[None, Some(2028)]), record("B-2", &[None])]);
    assert_eq!((code, &report["accepted"], &report["left_out"]), (0, &json!(2), &json!([])), "{report}");
    assert_eq!(references(&post), ["A-1", "A-4", "B-1", "B-2"]);
    let shown = luxor_json(&["show", "B-1", "--node", dir]);
    assert_eq!(shown["records"][0]["record"]["goods"][1]["classification"]["edition"], 2028, "{shown}");
    drop([platform, customs, post]);
    MEMBERS.iter().for_each(|(id, _, _)| check(&network.dir(id)));
}
