//! Several nodes of one member: a second one is added by a card, gets what is sent while the first is away, and what waited for it.

use std::path::{Path, PathBuf};

use luxor_tests::{Daemon, Network, agreement, check, luxor, luxor_json, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 3] =
    [("platform", "platform", "CN"), ("customs", "customs", "KR"), ("post", "post", "KR")];

fn record(reference: &str) -> Json {
    json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"},
        "item": {"id": format!("ITEM-{reference}")}})
}

fn words(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Makes the folder of another node of customs, as the README of a member with two machines would have it: keys, the network's
/// documents, and the card of both, which is installed at the first node's folder, at a running node of another member, and here.
fn further(network: &Network, running: &Daemon) -> PathBuf {
    let (dir, first) = (network.dir("customs-2"), network.dir("customs"));
    let text = std::fs::read_to_string(first.join("luxord.toml")).unwrap();
    let host = text.lines().find_map(|line| line.strip_prefix("api = \"")?.split(':').next()).unwrap();
    let host = format!("{}.77", host.rsplit_once('.').unwrap().0);
    let (exchange, api) = (format!("/ip4/{host}/tcp/4700"), format!("{host}:4780"));
    luxor(&[
        "init",
        words(&dir),
        "--member",
        "customs",
        "--kind",
        "customs",
        "--territory",
        "KR",
        "--name",
        "customs",
        "--node",
        "n2",
        "--further",
        "--exchange",
        &exchange,
        "--api",
        &api,
    ]);
    assert!(!dir.join("keys/identity.key").exists() && !dir.join("member.toml").exists());
    let (draft, card, known) = (
        network.root.path().join("n2.luxor"),
        network.root.path().join("card-2.luxor"),
        network.root.path().join("known"),
    );
    luxor(&["documents", "--node", words(running.dir()), "--to", words(&known)]);
    let files: Vec<PathBuf> = std::fs::read_dir(&known).unwrap().map(|file| file.unwrap().path()).collect();
    let install = |dir: &Path, files: &[PathBuf]| {
        luxor(
            &[&["install", "--node", words(dir)][..], &files.iter().map(|file| words(file)).collect::<Vec<_>>()]
                .concat(),
        )
    };
    install(&dir, &files);
    luxor(&["card", "draft", "--node", words(&dir), "-o", words(&draft)]);
    let renew = ["card", "renew", "--node", words(&first), "--add", words(&draft), "-o", words(&card), "--json"];
    let changes = luxor_json(&renew[..renew.len() - 1])["changes"].clone();
    assert_eq!(changes, json!([format!("customs/n2 is a node of customs, at {exchange}")]));
    for dir in [&dir, &first, running.dir()] {
        install(dir, std::slice::from_ref(&card));
    }
    // What is on the card already is refused.
    let said = luxor(&["card", "renew", "--node", words(&first)]);
    assert!(said.contains("card of customs version 2 says all that already"), "{said}");
    let (code, _, errors) = try_luxor(&renew);
    assert!(code != 0 && errors.contains("names a node n2 already"), "{errors}");
    dir
}

fn connected(node: &Daemon, other: &str, wanted: bool) {
    node.status(&format!("{other} connected: {wanted}"), |status| {
        status["connected"].as_array().unwrap().iter().any(|name| name == other) == wanted
    });
}

#[test]
fn another_node_of_a_member_takes_over_what_waits_for_the_first_and_both_have_it_once() {
    let to = agreement("there", "platform", "customs", "declaration", "revenue", "[\"*\"]");
    let network = Network::found(&MEMBERS, &[to]);
    let [platform, first, post] = MEMBERS.map(|(id, _, _)| network.start(id));
    platform.put("one", 0, &[record("A-1")]).unwrap();
    platform.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["accepted"] == 1);
    // The first node is gone; what is sent to its member waits.
    first.end();
    platform.put("two", 0, &[record("A-2"), record("A-3")]).unwrap();
    platform.put("three", 0, &[record("A-4")]).unwrap();
    assert_eq!(platform.get("/v1/outbox")["pending"], 2);

    let second = Network::start_in(further(&network, &platform), &[]);
    connected(&platform, "customs/n2", true);
    connected(&platform, "customs/n1", false);
    // What comes now goes to the node that is there.
    platform.put("four", 0, &[record("A-5")]).unwrap();
    platform.outbox("the receipt of the second node", |state| state["sent"]["accepted"] == 2);
    assert_eq!(second.arrived().into_keys().collect::<Vec<_>>(), ["A-5"]);

    // What waits goes there when it is told to, once.
    let redirect =
        |from: &str, to: &str| luxor_json(&["redirect", "--node", words(platform.dir()), "--from", from, "--to", to]);
    let done = redirect("customs/n1", "customs/n2");
    assert_eq!((&done["dispatches"], &done["records"], &done["left"]), (&json!(2), &json!(3), &json!([])), "{done}");
    platform.outbox("the receipts of the second node", |state| state["sent"]["accepted"] == 5);
    let again = redirect("customs/n1", "customs/n2");
    assert_eq!((&again["dispatches"], &again["records"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(
        second.arrived().into_iter().collect::<Vec<_>>(),
        ["A-2", "A-3", "A-4", "A-5"].map(|name| (name.to_owned(), 1))
    );
    for (from, to) in [("customs/n1", "customs/n1"), ("customs/n1", "post/n1"), ("platform/n1", "platform/n2")] {
        let arguments = ["redirect", "--node", words(platform.dir()), "--from", from, "--to", to];
        let (code, _, errors) = try_luxor(&arguments);
        assert!(code != 0 && errors.contains("are not two nodes of one other member"), "{errors}");
    }

    let nowhere = ["redirect", "--node", words(platform.dir()), "--from", "customs/n1", "--to", "customs/n3"];
    let (code, _, errors) = try_luxor(&nowhere);
    assert!(code != 0 && errors.contains("no card names customs/n3\nhint: "), "{errors}");

    // The first comes back: it never gets them, and nothing waits any more.
    let first = network.start("customs");
    platform.outbox("the receipts of the withdrawals", |state| state["pending"] == 0);
    assert_eq!(first.arrived().into_keys().collect::<Vec<_>>(), ["A-1"]);
    let shown = platform.get("/v1/records?reference=A-2");
    let deliveries: Vec<(&Json, &Json)> = shown
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|record| record["deliveries"].as_array().unwrap())
        .map(|delivery| (&delivery["recipient"], &delivery["state"]))
        .collect();
    assert_eq!(
        deliveries,
        [(&json!("customs/n1"), &json!("withdrawn")), (&json!("customs/n2"), &json!("accepted"))],
        "{shown}"
    );
    assert_eq!(shown[0]["root"], shown[1]["root"], "{shown}");

    // A node that its member no longer has.
    luxor(&["card", "renew", "--node", words(first.dir()), "--remove", "n2"]);
    until("n2 is nobody's at the platform", || {
        let card = luxor_json(&["documents", "--node", words(platform.dir())]);
        card.to_string().contains("\"version\":3").then_some(())
    });
    platform.put("five", 0, &[record("A-6")]).unwrap();
    platform.outbox("the receipt of the first node", |state| state["pending"] == 0 && state["sent"]["accepted"] == 6);
    assert!(first.arrived().contains_key("A-6"));
    drop((platform, first, post, second));
    ["platform", "customs", "customs-2", "post"].iter().for_each(|dir| check(&network.dir(dir)));
}
