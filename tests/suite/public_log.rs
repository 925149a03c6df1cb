//! The public log of real nodes, read over plain HTTP by what anybody may use: the mathematics of the crate alone.

use std::path::Path;

use luxor_protocol::tlog::{
    TilePath, TiledLog, VerifierKey, consistency_proof, inclusion_proof, paths_of, root_at, verify_consistency,
    verify_inclusion,
};
use luxor_tests::{Daemon, Network, agreement, luxor, until};
use serde_json::{Value as Json, json};

use crate::site::Site;

/// Dispatches of one record each: a sender logs two entries for each, a recipient one.
const DISPATCHES: u64 = 300;
/// Longer than any test.
const NEVER: u64 = 3_600;

fn found() -> Network {
    let flow = agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]");
    Network::found(&[("sender", "platform", "CN"), ("recipient", "customs", "KR")], &[flow])
}

fn exchange(sender: &Daemon, submission: &str, dispatches: u64) {
    for chunk in 0..dispatches {
        let record = json!({"type": "declaration", "filing": {"own_reference": format!("{submission}-{chunk}")},
                            "route": {"destination": "KR"}});
        sender.put(submission, chunk, &[record]).unwrap();
    }
    sender.outbox("every receipt", |state| state["pending"] == 0);
}

fn vkey(node: &Daemon) -> VerifierKey {
    VerifierKey::parse(node.get("/v1/status")["log_vkey"].as_str().unwrap()).unwrap()
}

fn status(node: &Path) -> Json {
    serde_json::from_str(&luxor(&["status", "--node", node.to_str().unwrap(), "--json"])).unwrap()
}

#[test]
fn anybody_verifies_a_log_that_shows_its_growth_at_ticks_only() {
    let network = found();
    network.publish("sender", NEVER);
    network.publish("recipient", 1);
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    let key = vkey(&sender);
    let (public, own) = (Site::public(&sender), Site::own(&sender));
    let documents = sender.documents();
    assert_eq!(public.checkpoint(&key).size, documents, "what is signed at the start");

    exchange(&sender, "first", DISPATCHES);

    // The own people see what is signed; the public sees nothing of it.
    let (signed, own_leaves) = own.verify(&key);
    assert_eq!(signed.size, documents + 2 * DISPATCHES);
    assert_eq!(public.checkpoint(&key).size, documents);
    for path in paths_of(signed.size).filter(|path| *path != TilePath::Checkpoint) {
        assert_eq!(public.get(&path.to_string()).0, 404, "{path}");
    }
    let told = status(sender.dir());
    assert_eq!(told["public_log"].as_str(), sender.public_log().as_deref());
    assert_eq!((&told["public_size"], &told["log_entries"]), (&json!(documents), &json!(signed.size)));
    let words = luxor(&["status", "--node", sender.dir().to_str().unwrap()]);
    assert!(words.contains("public log"), "{words}");

    // What is signed when a node starts is public at once, and stays so.
    sender.kill();
    let sender = network.start("sender");
    let public = Site::public(&sender);
    let (checkpoint, leaves) = public.verify(&key);
    assert_eq!((&checkpoint, &leaves), (&signed, &own_leaves));
    let tiles = TiledLog::new(&public, checkpoint.size);
    assert_eq!(root_at(&tiles, checkpoint.size).unwrap(), checkpoint.root);
    for index in (0..checkpoint.size).step_by(37).chain([255, 256, checkpoint.size - 1]) {
        let proof = inclusion_proof(&tiles, index, checkpoint.size).unwrap();
        verify_inclusion(&leaves[index as usize], index, checkpoint.size, &proof, &checkpoint.root).unwrap();
    }

    // The log grows on, its public copy does not, and a monitor can prove later that it is the same log.
    exchange(&sender, "second", 20);
    assert_eq!(public.checkpoint(&key), checkpoint);
    let tile = format!("tile/0/002.p/{}", signed.size % 256 + 1);
    assert_eq!(public.get(&tile).0, 404);
    assert_eq!(Site::own(&sender).get(&tile).0, 200);
    drop(sender);
    let sender = network.start("sender");
    let public = Site::public(&sender);
    let newer = public.checkpoint(&key);
    assert_eq!(newer.size, documents + 2 * (DISPATCHES + 20));
    let tiles = TiledLog::new(&public, newer.size);
    let proof = consistency_proof(&tiles, checkpoint.size, newer.size).unwrap();
    verify_consistency(checkpoint.size, &checkpoint.root, newer.size, &newer.root, &proof).unwrap();

    // A node with a short interval gets there by itself.
    let (public, key) = (Site::public(&recipient), vkey(&recipient));
    let entries = documents + DISPATCHES + 20;
    until("the recipient's log to be public", || (public.checkpoint(&key).size == entries).then_some(()));
    assert_eq!(public.verify(&key).1.len() as u64, entries);
}

#[test]
fn there_is_no_public_log_unless_it_is_wanted_and_its_own_people_need_the_token() {
    let network = found();
    let sender = network.start_alone("sender");
    assert_eq!(sender.public_log(), None);
    let told = status(sender.dir());
    assert_eq!((&told["public_log"], &told["public_size"]), (&Json::Null, &Json::Null));
    let (mut own, key) = (Site::own(&sender), vkey(&sender));
    assert_eq!(own.verify(&key).0.size, sender.documents());
    for path in ["", "tile/0/000.p/99", "tile/0/%30%30%30", "checkpoint?x", "/checkpoint", "tile/0/000.p/256"] {
        assert_eq!(own.get(path).0, 404, "{path}");
    }
    own.token = None;
    assert_eq!(own.get("checkpoint").0, 401);
    own.token = Some("wrong".into());
    assert_eq!(own.get("tile/0/000").0, 401);
}
