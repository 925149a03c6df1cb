//! Starts and restores: a node signs nothing before its witnesses have said what they hold of its log, whatever was put back;
//! recovery loses nothing that a peer holds; what is done in a node's name elsewhere is told.

use std::fs;
use std::path::Path;
use std::time::Duration;

use luxor_protocol::document::{Card, Document, DocumentKind};
use luxor_tests::{Daemon, Network, agreement, copy, luxor, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 4] =
    [("sender", "platform", "CN"), ("recipient", "customs", "KR"), ("post", "post", "KR"), ("agency", "agency", "KR")];

fn found(members: &[(&str, &str, &str)]) -> Network {
    let flow = agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]");
    let mandate = agreement("audit", "recipient", "sender", "opening", "audit", "[\"*\"]");
    Network::found(members, &[flow, mandate])
}

fn submit(sender: &Daemon, reference: &str) {
    let record = json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"}});
    sender.put(reference, 0, &[record]).unwrap();
}

/// Submits so many dispatches and waits for their receipts.
fn exchange(sender: &Daemon, name: &str, count: u64) {
    let before = sender.get("/v1/outbox")["sent"]["dispatches"].as_u64().unwrap();
    (0..count).for_each(|at| submit(sender, &format!("{name}-{at}")));
    sender.outbox("the receipts", |state| state["sent"]["dispatches"] == before + count);
}

/// Puts an older `data/` back, and an older lock file or none.
fn put_back(dir: &Path, backup: &Path, lock: Option<&Path>) {
    fs::remove_dir_all(dir.join("data")).unwrap();
    copy(&backup.join("data"), &dir.join("data"));
    let _ = fs::remove_file(dir.join("log.lock"));
    if let Some(lock) = lock {
        fs::copy(lock, dir.join("log.lock")).unwrap();
    }
}

#[test]
fn a_node_whose_peers_are_away_waits_and_says_for_whom() {
    let network = found(&MEMBERS[..2]);
    let sender = network.start("sender");
    until("the reason", || {
        let (code, said) = sender.get_early("/v1/status");
        assert_eq!(code, 503, "{said}");
        let said: Json = serde_json::from_str(&said).unwrap();
        assert_eq!(said["error"], "starting");
        let reason = said["message"].as_str().unwrap();
        assert!(reason.starts_with("nothing is signed "), "{reason}");
        (reason.contains("until 1 witnesses") && reason.contains("recipient/n1: peer ")).then_some(())
    });
    let dir = network.dir("sender");
    let (code, _, errors) = try_luxor(&["status", "--node", dir.to_str().unwrap()]);
    assert_eq!(code, 3, "{errors}");
    assert!(errors.contains("recipient/n1"), "{errors}");
    let (url, _) = luxor_tests::api(&dir).unwrap();
    let strange = ureq::get(format!("{url}/v1/status")).call();
    assert!(matches!(strange, Err(ureq::Error::StatusCode(401))), "{strange:?}");
    // Told to stop it does, with nothing signed.
    drop(sender);
    assert_eq!(fs::read(dir.join("log.lock")).unwrap(), b"");

    // Both at once need nobody else.
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    exchange(&sender, "first", 1);
    assert_eq!(recipient.get("/v1/status")["received"]["dispatches"], 1);
    // The operator may say that the folder is the newest.
    drop((sender, recipient));
    let sender = network.start_alone("sender");
    assert_eq!(sender.get("/v1/status")["log_entries"], sender.documents() + 2);
    assert!(sender.log().contains("witnesses are not asked"));
}

#[test]
fn a_restored_node_signs_nothing_and_recovers_by_the_documented_path() {
    let network = found(&MEMBERS);
    let start = |member: &str| network.start(member);
    let (sender, recipient) = (start("sender"), start("recipient"));
    let others = [start("post"), start("agency")];
    exchange(&sender, "before", 3);
    drop(recipient);
    let (dir, backup) = (network.dir("recipient"), network.root.path().join("backup"));
    copy(&dir, &backup);
    let recipient = start("recipient");
    exchange(&sender, "after", 4);
    let origin = recipient.get("/v1/status")["origin"].as_str().unwrap().to_owned();
    let documents = recipient.documents();
    recipient.status("a quorum", |status| status["witnessed"]["size"] == documents + 7);
    drop(recipient);
    let (old_lock, new_lock) = (backup.join("log.lock"), network.root.path().join("lock"));
    fs::copy(dir.join("log.lock"), &new_lock).unwrap();

    // Data of before, with the lock file of then, of now, and without; and nothing at all but the keys.
    let empty = network.root.path().join("empty");
    fs::create_dir_all(empty.join("data")).unwrap();
    let behind = format!("the log on disk has {} entries, but ", documents + 3);
    for (backup, lock, says) in [
        (&backup, Some(&old_lock), behind.clone()),
        (&backup, Some(&new_lock), format!("{behind}{} were signed", documents + 7)),
        (&backup, None, "the lock file is missing".to_owned()),
        (&empty, None, "the log on disk has 0 entries, but ".to_owned()),
    ] {
        put_back(&dir, backup, lock.map(|lock| lock.as_path()));
        let before = fs::read(dir.join("log.lock")).unwrap_or_default();
        let restored = start("recipient");
        let from = restored.log().len();
        let (code, log) = restored.ended(from);
        assert_eq!(code, 1, "{log}");
        assert!(log.contains(&says) && log.contains("hint: "), "{says}: {log}");
        assert_eq!(fs::read(dir.join("log.lock")).unwrap_or_default(), before, "something was signed");
    }
    for node in others.iter().chain([&sender]) {
        assert_eq!(node.get("/v1/status")["forked"], json!([]));
    }

    // The documented path.
    put_back(&dir, &backup, Some(&old_lock));
    let card = network.root.path().join("card-next.luxor");
    luxor(&["card", "succeed", "--node", dir.to_str().unwrap(), "-o", card.to_str().unwrap()]);
    drop((sender, others));
    for (member, _, _) in MEMBERS {
        network.install(member, &card);
    }
    let nodes = MEMBERS.map(|(member, _, _)| start(member));
    let (sender, recipient) = (&nodes[0], &nodes[1]);
    // One entry more: what the new log begins with, before the documents.
    let size = recipient.documents() + 8;
    let again = |status: &Json| status["received"]["dispatches"] == 7 && status["log_entries"] == size;
    let state = recipient.status("everything again", again);
    assert_eq!((&state["missing"], &state["alarms"]), (&json!([]), &json!([])), "{state}");
    // It begins with the largest checkpoint of the former log that anybody holds.
    let report = luxor(&["audit", "--node", sender.dir().to_str().unwrap(), "--of", "recipient/n1", "--json"]);
    let report: Json = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["ok"], &report["reports"][0]["peer_checkpoints"]), (&json!(true), &json!(1)), "{report}");
    assert!(luxor(&["status", "--node", recipient.dir().to_str().unwrap()]).contains(&format!("{size} entries")));
    recipient.status("a quorum of the new log", |status| status["witnessed"]["size"] == size);
    assert_ne!(recipient.get("/v1/status")["origin"], json!(origin));
    for node in &nodes {
        assert_eq!(node.get("/v1/status")["forked"], json!([]));
    }
}

#[test]
fn a_witness_that_was_set_back_learns_how_far_others_have_come() {
    let network = found(&MEMBERS);
    for (member, _, _) in MEMBERS {
        network.publish(member, 1);
    }
    let mut nodes: Vec<_> = MEMBERS.iter().map(|(member, _, _)| network.start(member)).collect();
    exchange(&nodes[0], "before", 1);
    let first = nodes[1].documents() + 1;
    nodes[1].status("a quorum", |status| status["witnessed"]["size"] == first);
    let post = nodes.remove(2);
    let held = |post: &Daemon, origin: &str| {
        let id = luxor_protocol::tlog::monitoring_id(origin);
        let url = format!("{}/{id}/checkpoint", post.public_log().unwrap());
        let text = ureq::get(url).call().ok()?.body_mut().read_to_string().ok()?;
        text.lines().nth(1)?.parse::<u64>().ok()
    };
    let origin = nodes[1].get("/v1/status")["origin"].as_str().unwrap().to_owned();
    assert_eq!(held(&post, &origin), Some(first));
    drop(post);
    let backup = network.root.path().join("backup");
    copy(&network.dir("post"), &backup);
    let post = network.start("post");
    exchange(&nodes[0], "after", 5);
    until("the witness's own checkpoint", || (held(&post, &origin) == Some(first + 5)).then_some(()));
    drop(post);
    // Its own log has no new entry, so nothing there tells that it was set back.
    put_back(&network.dir("post"), &backup, Some(&backup.join("log.lock")));
    let post = network.start("post");
    // Before the log's node has led it there, it cosigns nothing of that log, whatever it is offered.
    let note = nodes[1].text("/v1/checkpoint").into_bytes();
    let offer = luxor_protocol::tlog::AddCheckpoint { old: first, proof: Vec::new(), note_bytes: note }.to_bytes();
    let url = format!("{}/add-checkpoint", post.public_log().unwrap());
    let answer = ureq::post(url).config().http_status_as_error(false).build().send(&offer[..]).unwrap();
    assert_eq!(answer.status().as_u16(), 503);
    until("what the others hold", || {
        std::thread::sleep(Duration::from_millis(50));
        (held(&post, &origin) == Some(first + 5)).then_some(())
    });
    assert_eq!(post.get("/v1/status")["forked"], json!([]));
}

#[test]
fn what_is_held_of_others_is_recorded_and_verifies() {
    let network = found(&MEMBERS[..2]);
    for (member, _, _) in &MEMBERS[..2] {
        network.configure(member, "[log]\npeers_seconds = 1");
    }
    let nodes = [network.start("sender"), network.start("recipient")];
    exchange(&nodes[0], "A", 2);
    for node in &nodes {
        let dir = node.dir().to_str().unwrap().to_owned();
        until("a peers entry", || {
            std::thread::sleep(Duration::from_millis(100));
            let report: Json = serde_json::from_str(&luxor(&["audit", "--node", &dir, "--json"])).unwrap();
            assert_eq!(report["ok"], true, "{report}");
            (report["reports"][0]["peer_checkpoints"].as_u64() > Some(0)).then_some(())
        });
    }
    // An idle network comes to rest: every node has recorded all that it is going to.
    let sizes = || nodes.iter().map(|node| node.get("/v1/status")["log_entries"].clone()).collect::<Vec<_>>();
    let mut last = sizes();
    until("rest", || {
        std::thread::sleep(Duration::from_secs(4));
        let now = sizes();
        (std::mem::replace(&mut last, now.clone()) == now).then_some(())
    });
    drop(nodes);
    for (member, _, _) in &MEMBERS[..2] {
        let output = std::process::Command::new(luxor_tests::program("luxord"))
            .args(["check", "--json", "--dir", network.dir(member).to_str().unwrap()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_card_in_the_own_name_that_was_made_elsewhere_is_told() {
    let network = found(&MEMBERS[..2]);
    // Somebody signs another card with the sender's identity key, and the recipient takes it.
    let dir = network.dir("sender");
    let first = fs::read_dir(dir.join("documents")).unwrap().find_map(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        Document::read(DocumentKind::Card, &bytes).ok().filter(|card| card.id.as_str() == "sender")
    });
    let first = first.unwrap();
    let mut card = Card::open(&first).unwrap();
    card.nodes[0].addresses.push("/ip4/127.0.0.1/tcp/9".into());
    let mut other = card.to_successor(&first).unwrap();
    let identity = fs::read_to_string(dir.join("keys/identity.key")).unwrap();
    let identity = luxor_protocol::keys::SecretKey::parse(luxor_protocol::keys::KeyUse::Identity, identity.trim());
    other.sign(&"sender".parse().unwrap(), &identity.unwrap());
    let file = network.root.path().join("other.luxor");
    fs::write(&file, luxor_protocol::cbor::Encode::to_cbor(&other)).unwrap();
    network.install("recipient", &file);
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    let alarms = sender.get("/v1/status")["alarms"].clone();
    // The recipient brings the card itself as well, which may be sooner or later.
    let told = ["says that it has version 2 of this member's card", "brought version 2 of this member's card"];
    let told = told.map(|what| format!("recipient/n1 {what}"));
    let is_told = |alarm: &Json| told.iter().any(|what| alarm.as_str().unwrap().starts_with(what));
    assert!(alarms.as_array().unwrap().iter().any(is_told), "{alarms}");
    assert_eq!(recipient.get("/v1/status")["alarms"], json!([]), "an older card elsewhere is no alarm");
    assert!(luxor(&["status", "--node", sender.dir().to_str().unwrap()]).contains("ALARM"));
}
