//! What holds a dispatch back, what settles it in the end, and what is sent again: withdrawals, missing documents, full
//! disks, lost data on either side, the urgent lane, many dispatches at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use luxor_node::Folder;
use luxor_node::net::{Net, NetConfig, Peer, TransportKey, start};
use luxor_node::store::{Store, StoreConfig};
use luxor_protocol::exchange::{Channel, Lane, Outcome, Request, read_receipt};
use luxor_protocol::names::NodeRef;
use luxor_protocol::time::Day;
use luxor_tests::{Daemon, Network, PATIENCE, agreement, luxor, put, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 2] = [("sender", "platform", "CN"), ("recipient", "customs", "KR")];

/// Reduced counts for every change, full ones with `LUXOR_TEST_LONG`.
fn count(short: u64, long: u64) -> u64 {
    if std::env::var_os("LUXOR_TEST_LONG").is_some() { long } else { short }
}

/// A sender, a recipient that may audit it, and one agreement between them.
fn found() -> Network {
    found_with(&[])
}

fn found_with(more: &[String]) -> Network {
    let flow = agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]");
    let mandate = agreement("audit", "sender", "recipient", "opening", "audit", "[\"*\"]");
    Network::found(&MEMBERS, &[&[flow, mandate], more].concat())
}

fn record(reference: &str) -> Json {
    json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"},
           "goods": [{"content": {"description": format!("goods of {reference}")}}]})
}

/// Submits so many chunks of one record each from so many threads; `busy` answers are tried again.
fn submit(dir: &Path, submission: &str, chunks: u64, threads: u64) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let chunk = next.fetch_add(1, Ordering::Relaxed);
                    if chunk >= chunks {
                        return;
                    }
                    let records = [record(&format!("{submission}-{chunk}"))];
                    until("a chunk's answer", || put(dir, submission, chunk, &records).ok());
                }
            });
        }
    });
}

fn settled(node: &Daemon) -> Json {
    let state = node.get(&format!("/v1/outbox?wait_ms={}", PATIENCE.as_millis()));
    assert_eq!(state["pending"], 0, "{state}");
    state
}

fn number(value: &Json) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn dir(node: &Daemon) -> &str {
    node.dir().to_str().unwrap()
}

/// Audits the recipient's log and, under its mandate, the sender's, and compares the two ends of each channel.
fn audit(recipient: &Daemon) -> Json {
    let (code, text, errors) = try_luxor(&["audit", "--all", "--json", "--node", dir(recipient)]);
    assert_eq!(code, 0, "{text} {errors}");
    let found: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(found["reports"].as_array().unwrap().len(), 2, "{found}");
    assert_eq!((&found["ok"], &found["differences"]), (&json!(true), &json!([])), "{found}");
    found
}

fn withdraw(sender: &Daemon, number: u64) -> (u16, Json) {
    let body = json!({"recipient": "recipient/n1", "lane": "ordinary", "number": number});
    sender.post("/v1/outbox/withdrawals", &body)
}

#[test]
fn a_withdrawn_dispatch_is_receipted_as_such_and_the_others_pass() {
    let network = found();
    let sender = network.start_alone("sender");
    for at in 1..=5 {
        sender.put("w", at, &[record(&format!("W-{at}"))]).unwrap();
    }
    until("a reason at every dispatch", || {
        sender.outbox("a reason", |state| state["waiting"]["recipient/n1"].is_string());
        let waiting = sender.waiting();
        assert_eq!(waiting.iter().map(|item| number(&item["number"])).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        waiting
            .iter()
            .all(|item| item["reason"].as_str().is_some_and(|r| r.contains("cannot be reached")))
            .then_some(())
    });
    let listed = luxor(&["outbox", "--node", dir(&sender)]);
    assert_eq!(listed.lines().filter(|line| line.contains("waiting: peer")).count(), 5, "{listed}");

    // Number 3 by the command, number 4 through the interface.
    let to = ["withdraw", "--node", dir(&sender), "--recipient", "recipient/n1"];
    let said = luxor(&[to.as_slice(), &["3"]].concat());
    assert!(said.starts_with("number 3 to recipient/n1 is withdrawn, dispatch "), "{said}");
    let (status, answer) = withdraw(&sender, 4);
    assert_eq!((status, &answer["number"], &answer["lane"]), (200, &json!(4), &json!("ordinary")), "{answer}");
    let withdrawn: Vec<bool> = sender.waiting().iter().map(|item| item["withdrawn"] == true).collect();
    assert_eq!(withdrawn, [false, false, true, true, false]);
    assert!(luxor(&["outbox", "--node", dir(&sender)]).lines().any(|line| line.contains("withdrawn: peer")));

    let refused = |number: &str, says: &str| {
        let (code, output, errors) = try_luxor(&[to.as_slice(), &[number]].concat());
        assert_eq!((code, output.as_str()), (4, ""), "{errors}");
        assert!(errors.contains(says), "{errors}");
    };
    let problem = |number: u64, code: u16, word: &str, says: &str| {
        let (status, answer) = withdraw(&sender, number);
        assert_eq!((status, &answer["error"]), (code, &json!(word)), "{answer}");
        let says = format!("number {number} of sender/n1 -> recipient/n1, epoch 1, ordinary {says}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.ends_with(says.split_once("ordinary ").unwrap().1), "{message}");
        assert!(message.starts_with(&format!("number {number} of ")), "{message}");
    };
    const SETTLED: &str = "has its receipt, or is withdrawn already";
    const UNKNOWN: &str = "was never given";
    for (number, text, code, word, says) in
        [(3, "3", 409, "settled", SETTLED), (99, "99", 404, "not_found", UNKNOWN), (0, "0", 404, "not_found", UNKNOWN)]
    {
        refused(text, says);
        problem(number, code, word, says);
    }

    let recipient = network.start("recipient");
    let state = settled(&sender);
    let sent = json!({"dispatches": 5, "refused": 0, "accepted": 3, "rejected": 0, "withdrawn": 2});
    assert_eq!(state["sent"], sent);
    assert_eq!(recipient.get("/v1/status")["received"], sent);
    let outcomes: BTreeMap<u64, (Json, Json)> = recipient
        .inbox()
        .into_iter()
        .map(|item| (number(&item["number"]), (item["outcome"].clone(), item["accepted"].clone())))
        .collect();
    for (at, (outcome, accepted)) in &outcomes {
        let withdrawn = *at == 3 || *at == 4;
        assert_eq!((outcome == "withdrawn", number(accepted)), (withdrawn, u64::from(!withdrawn)), "{at}: {outcome}");
    }
    assert_eq!(outcomes.len(), 5);
    assert_eq!(recipient.get("/v1/records?reference=W-3"), json!([]));
    assert_eq!(sender.get("/v1/records?reference=W-3")[0]["deliveries"][0]["state"], "withdrawn");
    assert_eq!(sender.get("/v1/records?reference=W-5")[0]["deliveries"][0]["state"], "accepted");
    refused("1", SETTLED);
    problem(1, 409, "settled", SETTLED);
    problem(4, 409, "settled", SETTLED);
    audit(&recipient);
}

/// A node in the hands of the test, at its own address and with its own key.
pub(crate) async fn stand_in(
    network: &Network,
    member: &str,
    listen: bool,
) -> (Net, tokio::sync::mpsc::Receiver<luxor_node::net::Inbound>) {
    let folder = Folder::new(network.dir(member));
    let (keys, documents) = (folder.keys().unwrap(), folder.documents().unwrap());
    let me: NodeRef = format!("{member}/n1").parse().unwrap();
    let nodes = || documents.nodes();
    let own = nodes().find(|node| node.node == me).unwrap().card.addresses.clone();
    let peers = nodes().filter(|node| node.node != me).map(|node| Peer {
        key: TransportKey(node.card.transport.current().bytes()),
        addresses: if listen { Vec::new() } else { node.card.addresses.clone() },
    });
    let config = NetConfig {
        listen: if listen { own } else { Vec::new() },
        max_request_bytes: luxor_protocol::limits::MAX_REQUEST_BYTES,
        ..NetConfig::default()
    };
    let (inbound, requests) = tokio::sync::mpsc::channel(16);
    (start(config, &keys.transport.seed(), peers.collect(), inbound).await.unwrap(), requests)
}

/// The dispatch came, its answer was lost, the sender withdraws: the receipt says that it was accepted.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_of_what_had_arrived_ends_as_accepted() {
    let network = found();
    let sender = network.start_alone("sender");
    let (net, mut requests) = stand_in(&network, "recipient", true).await;
    sender.put("w", 0, &[record("W-0")]).unwrap();
    // Its checkpoint may be offered before.
    let body = loop {
        let came = tokio::time::timeout(PATIENCE, requests.recv()).await.unwrap().unwrap();
        if matches!(Request::from_vec(came.body.clone()), Ok(Request::Dispatch(_))) {
            break Arc::new(came.body);
        }
    };
    drop(requests);
    net.shutdown().await;
    sender.outbox("a reason", |state| state["waiting"]["recipient/n1"].is_string());
    assert_eq!(withdraw(&sender, 1).0, 200);
    drop(sender);

    // What came is brought to the true recipient now, as if it had been there all the time.
    let recipient = network.start_alone("recipient");
    let (net, _requests) = stand_in(&network, "sender", false).await;
    let key = Folder::new(network.dir("recipient")).keys().unwrap().transport.public().bytes();
    net.handle().request(TransportKey(key), body).await.unwrap();
    net.shutdown().await;
    assert_eq!(recipient.get("/v1/status")["received"]["accepted"], 1);

    let sender = network.start("sender");
    let state = settled(&sender);
    assert_eq!((&state["sent"]["accepted"], &state["sent"]["withdrawn"]), (&json!(1), &json!(0)), "{state}");
    let inbox = recipient.inbox();
    assert_eq!((inbox.len(), &inbox[0]["accepted"]), (1, &json!(1)), "{inbox:?}");
    assert_eq!(sender.get("/v1/records?reference=W-0")[0]["deliveries"][0]["state"], "accepted");
    audit(&recipient);
}

#[test]
fn what_lacks_an_agreement_gets_it_from_the_sender() {
    let network = found();
    let late = agreement("late", "sender", "recipient", "declaration", "revenue", "[\"*\"]");
    network.install("sender", &network.sign(&late, &["sender", "recipient"]));
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    let records = count(20, 200);
    submit(sender.dir(), "L", records, 4);
    assert_eq!(number(&settled(&sender)["sent"]["accepted"]), 2 * records);
    let status = recipient.get("/v1/status");
    assert_eq!((&status["errors"], &status["refused_documents"]), (&json!({}), &json!([])), "{status}");
    assert!(recipient.arrived().values().all(|times| *times == 2), "each once under each agreement");
    audit(&recipient);
}

#[test]
fn two_agreements_of_one_name_freeze_it_and_hold_up_nothing_else() {
    let network = found();
    let late = agreement("late", "sender", "recipient", "declaration", "revenue", "[\"*\"]");
    // Both signed both, so nobody can say which one counts: none does, as soon as a node knows of both.
    let another = late.replace("title = \"late\"", "title = \"another\"");
    network.install("recipient", &network.sign(&another, &["sender", "recipient"]));
    network.install("sender", &network.sign(&late, &["sender", "recipient"]));
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    let records = count(20, 200);
    submit(sender.dir(), "L", records, 4);
    sender.outbox("the others", |state| state["sent"]["accepted"] == records);
    // A receipt is counted when its commit begins, and what it is for stands in the outbox until that is done.
    let others_gone = || Some(sender.waiting()).filter(|all| all.iter().all(|item| item["agreement"] == "late"));
    let told = |all: &Vec<Json>| all.iter().all(|item| item["reason"].is_string());
    let waiting = until("the reason", || others_gone().filter(told));
    assert!(waiting.len() as u64 <= records, "{waiting:?}");
    for item in &waiting {
        let reason = item["reason"].as_str().unwrap();
        assert!(reason.starts_with("lacks agreement: agreement late ("), "{item}");
    }
    until("the conflict at both", || {
        let knows = |node: &Daemon| {
            node.get("/v1/status")["alarms"].to_string().contains("two contradicting agreements 'late' of version 1")
        };
        (knows(&sender) && knows(&recipient)).then_some(())
    });
    let errors = recipient.get("/v1/status")["errors"].clone();
    assert_eq!(errors, json!({}), "a later is no error");

    // More, while those wait: nothing is sent under it any more.
    let before = sender.waiting().len();
    submit(sender.dir(), "M", records, 4);
    sender.outbox("the others", |state| state["sent"]["accepted"] == 2 * records);
    let waiting = until("the others' commits", others_gone);
    assert_eq!(waiting.len(), before);
    for item in &waiting {
        let (status, answer) = withdraw(&sender, number(&item["number"]));
        assert_eq!(status, 200, "{answer}");
    }
    assert_eq!(number(&settled(&sender)["sent"]["withdrawn"]), before as u64);
    let arrived = recipient.arrived();
    assert_eq!(arrived.len() as u64, 2 * records);
    assert!(arrived.values().all(|times| *times == 1), "each once: {arrived:?}");
    audit(&recipient);
}

#[test]
fn a_full_disk_says_later_to_peers_and_to_its_own() {
    let back = agreement("ba", "recipient", "sender", "declaration", "revenue", "[\"*\"]");
    let network = found_with(&[back]);
    let toml = std::fs::read_to_string(network.dir("recipient").join("luxord.toml")).unwrap();
    network.configure("recipient", "[limits]\nmin_free_mib = 1048576000");
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    submit(sender.dir(), "C", 10, 2);
    // Before it hears its witnesses it says that.
    let state = sender
        .outbox("the reason", |state| state["waiting"]["recipient/n1"] == "lacks capacity: the disk is nearly full");
    assert_eq!(state["pending"], 10);
    let (status, answer) = recipient.put_urgent("own", 0, &[record("OWN")]);
    assert_eq!((status, &answer["error"]), (503, &json!("busy")), "{answer}");
    assert!(recipient.put("own", 1, &[record("OWN")]).unwrap_err().contains("503"));
    assert_eq!(recipient.get("/v1/status")["log_entries"], recipient.documents());
    drop(recipient);

    std::fs::write(network.dir("recipient").join("luxord.toml"), toml + "\n[limits]\nmin_free_mib = 0\n").unwrap();
    let recipient = network.start("recipient");
    assert_eq!(settled(&sender)["sent"]["accepted"], 10);
    assert_eq!(recipient.put_urgent("own", 0, &[record("OWN")]).0, 200);
    assert_eq!(settled(&recipient)["sent"]["accepted"], 1);
    assert!(recipient.arrived().values().all(|times| *times == 1));
}

/// Puts a stopped member's data aside and installs the card that says so at `where_`.
fn succeed(network: &Network, member: &str, at: &[&str]) -> std::path::PathBuf {
    let card = network.root.path().join(format!("card-{member}-next.luxor"));
    let dir = network.dir(member);
    luxor(&["card", "succeed", "--node", dir.to_str().unwrap(), "-o", card.to_str().unwrap()]);
    at.iter().for_each(|member| network.install(member, &card));
    card
}

#[test]
fn a_recipient_that_lost_its_data_gets_everything_again() {
    let network = found();
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    let chunks = count(300, 2_500);
    submit(sender.dir(), "S", chunks, 16);
    assert_eq!(number(&settled(&sender)["sent"]["accepted"]), chunks);
    let receipt_of = |at: u64| format!("/v1/receipts?recipient=recipient/n1&number={at}");
    let old_receipt = sender.text(&receipt_of(1));

    let (code, _, errors) = try_luxor(&["card", "succeed", "--node", dir(&recipient)]);
    assert_eq!(code, 4, "{errors}");
    assert!(errors.contains("running") && recipient.dir().join("data").is_dir(), "{errors}");
    recipient.kill();
    succeed(&network, "recipient", &["sender", "recipient"]);
    drop(sender);
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    assert_eq!(recipient.get("/v1/status")["origin"].as_str().unwrap().rsplit('/').next(), Some("2"));
    until("everything to arrive again", || {
        sender.outbox("an empty outbox", |state| state["pending"] == 0);
        Some(recipient.get("/v1/status")).filter(|status| number(&status["received"]["dispatches"]) == chunks)
    });
    settled(&sender);
    let arrived = recipient.arrived();
    assert_eq!(arrived.len() as u64, chunks);
    assert!(arrived.values().all(|times| *times == 1));
    assert_eq!(recipient.get("/v1/status")["errors"], json!({}));
    assert_eq!(recipient.get("/v1/status")["missing"], json!([]));

    // The receipt from before still proves what it proved, under the log that the card before names; the new one too.
    let new_receipt = sender.text(&receipt_of(1));
    assert_ne!(old_receipt, new_receipt);
    let directory = Folder::new(network.dir("sender")).documents().unwrap();
    let known = directory.node(&"recipient/n1".parse().unwrap()).unwrap();
    drop(sender);
    let store = open_store(&network, "sender");
    let channel = Channel {
        sender: "sender/n1".parse().unwrap(),
        recipient: "recipient/n1".parse().unwrap(),
        epoch: 1,
        lane: Lane::Ordinary,
    };
    let digest = store.sent(&channel, 1).unwrap().unwrap().envelope.digest();
    drop(store);
    let origins = [old_receipt, new_receipt].map(|proof| {
        let receipt = read_receipt(known, &digest, proof.as_bytes()).unwrap();
        assert_eq!(receipt.body.outcome, Outcome::Taken(Vec::new()));
        receipt.checkpoint.origin
    });
    assert_eq!(format!("{}/2", origins[0]), origins[1]);

    let sender = network.start("sender").awake();
    let report = audit(&recipient);
    let of_sender = &report["reports"].as_array().unwrap().iter().find(|r| r["node"] == "sender/n1").unwrap();
    assert_eq!(
        (number(&of_sender["entries"]), number(&of_sender["receipts"])),
        (sender.documents() + 4 * chunks, 2 * chunks)
    );
    let shown = luxor(&["show", "--node", dir(&sender), "S-0", "--receipt"]);
    assert!(shown.contains(&origins[1]), "{shown}");
}

fn open_store(network: &Network, member: &str) -> Store {
    let folder = Folder::new(network.dir(member));
    let id = folder.documents().unwrap().network();
    let me = format!("{member}/n1").parse().unwrap();
    Store::open(&folder.data(), StoreConfig { compression: false }, &id, &me, &folder.key_folder()).unwrap()
}

#[test]
fn what_is_no_longer_stored_sealed_ends_withdrawn() {
    let network = found();
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    submit(sender.dir(), "G", 20, 4);
    settled(&sender);
    drop((sender, recipient));
    // As if seven of the receipts were old.
    let purged = open_store(&network, "sender").purge_settled(Day(i32::MAX), 7).unwrap();
    assert_eq!(purged.dispatches, 7);
    succeed(&network, "recipient", &["sender", "recipient"]);
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    until("everything to be settled again", || {
        sender.outbox("an empty outbox", |state| state["pending"] == 0);
        Some(recipient.get("/v1/status")).filter(|status| status["received"]["dispatches"] == 20)
    });
    settled(&sender);
    let received = &recipient.get("/v1/status")["received"];
    assert_eq!((&received["accepted"], &received["withdrawn"]), (&json!(13), &json!(7)), "{received}");
    assert_eq!(recipient.arrived().len(), 13);
    audit(&recipient);
}

#[test]
fn a_sender_that_lost_its_data_begins_the_next_epoch() {
    let back = agreement("ba", "recipient", "sender", "declaration", "revenue", "[\"*\"]");
    let network = found_with(&[back]);
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    submit(sender.dir(), "A", 3, 1);
    settled(&sender);
    sender.kill();
    succeed(&network, "sender", &["sender"]);
    let sender = network.start("sender");
    // The recipient has the card before this one and runs on: the sender gives it the new one.
    submit(sender.dir(), "B", 3, 1);
    submit(recipient.dir(), "C", 3, 1);
    assert_eq!(settled(&sender)["sent"]["accepted"], 3);
    assert_eq!(settled(&recipient)["sent"]["accepted"], 3);
    assert_eq!(recipient.get("/v1/status")["received"]["accepted"], 6);
    let arrived = recipient.arrived();
    assert_eq!(arrived.len(), 6);
    assert!(arrived.values().all(|times| *times == 1));
    let shown = &sender.get("/v1/records?reference=B-0")[0]["deliveries"][0];
    assert_eq!((&shown["epoch"], &shown["state"]), (&json!(2), &json!("accepted")), "{shown}");
    audit(&recipient);
}

/// A backlog above the numbering window: one channel for both would be blocked by it.
#[test]
fn an_urgent_dispatch_passes_a_backlog() {
    let network = found();
    let sender = network.start_alone("sender");
    let backlog = count(1_200, 4_000);
    submit(sender.dir(), "O", backlog, 32);
    assert_eq!(sender.put_urgent("U", 0, &[record("U-0")]).0, 200);
    let recipient = network.start("recipient");
    // One more while the backlog is on its way.
    sender.outbox("the first receipts", |state| number(&state["sent"]["dispatches"]) > 0);
    assert_eq!(sender.put_urgent("U", 1, &[record("U-1")]).0, 200);
    let receipts_by_then = number(&sender.get("/v1/outbox")["sent"]["dispatches"]);
    assert_eq!(number(&settled(&sender)["sent"]["accepted"]), backlog + 2);
    // In the order of the recipient's log.
    let inbox = recipient.inbox();
    assert_eq!(inbox.len() as u64, backlog + 2);
    let urgent: Vec<u64> = (0..backlog + 2).filter(|at| inbox[*at as usize]["lane"] == "urgent").collect();
    println!("of {} dispatches the urgent ones came as numbers {urgent:?}; {receipts_by_then}", inbox.len());
    assert!(urgent.len() == 2 && urgent[0] <= backlog / 4, "{urgent:?}");
    // Only what was under way before it may come before it, twice a window as far as the two nodes' clocks differ.
    assert!(urgent[1] <= receipts_by_then + 2 * 256, "{urgent:?}, {receipts_by_then}");
    // And of the sender's: by its receipts, in the order of its own log.
    let order = receipts_in_order(&network, sender);
    let urgent = order.iter().position(|lane| *lane == Lane::Urgent).unwrap() as u64;
    assert!(order.len() as u64 == backlog + 2 && urgent <= backlog / 4, "{urgent}");
}

/// The lanes of a sender's receipts in the order in which they came.
fn receipts_in_order(network: &Network, sender: Daemon) -> Vec<Lane> {
    let last = sender.get("/v1/status")["sent"]["dispatches"].clone();
    drop(sender);
    let store = open_store(network, "sender");
    let mut order = BTreeMap::new();
    for lane in [Lane::Ordinary, Lane::Urgent] {
        let (sender, recipient) = ("sender/n1".parse().unwrap(), "recipient/n1".parse().unwrap());
        let channel = Channel { sender, recipient, epoch: 1, lane };
        for at in 1..=number(&last) {
            let Some(receipt) = store.receipt(&channel, at).unwrap() else { break };
            order.insert(receipt.entry, lane);
        }
    }
    order.into_values().collect()
}

#[test]
fn many_at_once_are_all_taken_once_and_nothing_is_dropped() {
    let network = found();
    let (sender, recipient) = (network.start("sender"), network.start("recipient"));
    let chunks = count(600, 5_000);
    submit(sender.dir(), "F", chunks, 64);
    let state = settled(&sender);
    let expected = json!({"dispatches": chunks, "refused": 0, "accepted": chunks, "rejected": 0, "withdrawn": 0});
    assert_eq!(state["sent"], expected);
    let status = recipient.get("/v1/status");
    assert_eq!((&status["received"], &status["errors"]), (&expected, &json!({})), "{status}");
    assert_eq!(status["log_entries"], recipient.documents() + chunks);
    let arrived = recipient.arrived();
    assert!(arrived.len() as u64 == chunks && arrived.values().all(|times| *times == 1));
    // Each has a sent and a receipt entry, and none was sent twice under another number.
    assert_eq!(number(&sender.get("/v1/status")["log_entries"]), sender.documents() + 2 * chunks);
    for node in [&sender, &recipient] {
        let log = std::fs::read_to_string(node.dir().join("log.txt")).unwrap();
        let dropped = log.lines().find(|line| line.contains("WARN") || line.contains("ERROR"));
        assert_eq!(dropped, None);
    }
    audit(&recipient);
}
