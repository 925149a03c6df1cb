//! Windows of channels over real nodes: both sides sign one statement; a recipient that withholds receipts and denies dispatches is found out, and
//! one file proves it elsewhere.

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::document::Document;
use luxor_tests::{Daemon, Network, agreement, check, luxor, luxor_json, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 3] =
    [("shop", "platform", "CN"), ("post", "post", "KR"), ("auditor", "auditor", "KR")];

fn found(name: &str, windows: &str) -> Network {
    let flow = agreement("sp", "shop", "post", "declaration", "delivery", "[\"*\"]");
    let mandate = agreement("ap", "post", "auditor", "opening", "audit", "[\"body\", \"evidence\"]");
    let network = Network::found_named(name, &MEMBERS, &[flow, mandate], None, &["shop"]);
    network.configure("shop", &format!("[windows]\n{windows}"));
    network
}

fn start(network: &Network) -> [Daemon; 3] {
    let nodes = MEMBERS.map(|(id, _, _)| network.start(id));
    nodes.map(Daemon::awake)
}

fn node(daemon: &Daemon) -> &str {
    daemon.dir().to_str().unwrap()
}

fn declaration(reference: &str) -> Json {
    json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"},
        "item": {"id": format!("ITEM-{reference}")}})
}

/// Submits records, each in a dispatch of its own.
fn submit(shop: &Daemon, name: &str, references: &[String]) {
    for (chunk, reference) in (0..).zip(references) {
        let told = shop.put(name, chunk, &[declaration(reference)]).unwrap();
        assert!(told["records"][0]["refused"].is_null(), "{told}");
    }
}

fn references(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{prefix}-{at}")).collect()
}

fn statements(daemon: &Daemon, channel: &[&str]) -> Json {
    let line = [&["window", "statements", "--node", node(daemon), "--json"], channel].concat();
    let (_, told, errors) = try_luxor(&line);
    serde_json::from_str(&told).unwrap_or_else(|e| panic!("{e}: {told}{errors}"))
}

/// The numbers with the class of each, of a list of differences or findings.
fn classes(list: &Json) -> Vec<(u64, &str)> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| (one["number"].as_u64().unwrap(), one["class"].as_str().unwrap_or("none"))).collect()
}

#[test]
fn both_sides_sign_one_statement_after_another() {
    let network = found("Test", "close_seconds = 0");
    let [shop, post, auditor] = start(&network);
    submit(&shop, "first", &references("A", 17));
    shop.outbox("all have their receipts", |outbox| outbox["pending"] == 0);
    let closed = luxor_json(&["window", "close", "--to", "post/n1", "--node", node(&shop)]);
    assert_eq!((&closed["from"], &closed["to"], &closed["equal"]), (&json!(1), &json!(17), &json!(true)), "{closed}");
    assert_eq!((&closed["totals"]["accepted"], &closed["totals"]["records_accepted"]), (&json!(17), &json!(17)));
    let (code, _, errors) = try_luxor(&["window", "close", "--to", "post/n1", "--node", node(&shop)]);
    assert!(code == 4 && errors.contains("nothing to close"), "{code} {errors}");
    submit(&shop, "second", &references("B", 5));
    shop.outbox("all have their receipts", |outbox| outbox["pending"] == 0);
    let closed = luxor_json(&["window", "close", "--to", "post/n1", "--node", node(&shop)]);
    assert_eq!((&closed["from"], &closed["to"]), (&json!(18), &json!(22)), "{closed}");
    // One statement at both sides, in both logs.
    let digests =
        |list: &Json| -> Vec<Json> { list.as_array().unwrap().iter().map(|one| one["digest"].clone()).collect() };
    let (of_shop, of_post) = (statements(&shop, &["--to", "post/n1"]), statements(&post, &["--from-node", "shop/n1"]));
    assert_eq!(digests(&of_shop), digests(&of_post));
    assert_eq!(digests(&of_shop).len(), 2);
    // Either side may ask.
    let compared = luxor_json(&["window", "compare", "--from-node", "shop/n1", "--node", node(&post)]);
    assert_eq!((&compared["equal"], &compared["rounds"], &compared["to"]), (&json!(true), &json!(1), &json!(22)));
    let (code, _, errors) = try_luxor(&["window", "close", "--to", "post/n1", "--last", "23", "--node", node(&shop)]);
    assert!(code == 4 && errors.contains("number 23") && errors.contains("never given"), "{errors}");
    // An auditor with a mandate verifies the statements with the rest of the log.
    luxor(&["audit", "--of", "post/n1", "--node", node(&auditor)]);
    // After a new start both are there, and the folders are whole.
    drop([shop, post, auditor]);
    for (member, ..) in MEMBERS {
        check(&network.dir(member));
    }
    let [shop, ..] = start(&network);
    assert_eq!(statements(&shop, &["--to", "post/n1"]), of_shop);
}

#[test]
fn windows_are_closed_by_themselves_as_far_as_receipts_came() {
    let network = found("Test", "close_seconds = 1\nreceipt_due_seconds = 3600");
    let (shop, auditor) = (network.start("shop"), network.start("auditor"));
    let post = network.start("post").awake();
    let (shop, _auditor) = (shop.awake(), auditor.awake());
    submit(&shop, "first", &references("A", 6));
    shop.outbox("all have their receipts", |outbox| outbox["pending"] == 0);
    let covered = |shop: &Daemon| shop.get("/v1/windows")[0]["covered"].as_u64();
    until("a statement", || covered(&shop).filter(|covered| *covered == 6));
    drop(post);
    submit(&shop, "second", &references("B", 3));
    let post = network.start("post").awake();
    shop.outbox("all have their receipts", |outbox| outbox["pending"] == 0);
    until("a statement", || covered(&shop).filter(|covered| *covered == 9));
    let all = statements(&post, &["--from-node", "shop/n1"]);
    assert!(all.as_array().unwrap().iter().all(|one| one["equal"] == json!(true)), "{all}");
}

#[test]
fn a_recipient_that_withholds_receipts_and_denies_dispatches_is_proven_wrong_elsewhere() {
    let network = found("Luxor practice", "close_seconds = 0\nreceipt_due_seconds = 0");
    let charter = network.root.path().join("charter.luxor");
    let founding = Document::from_cbor(&std::fs::read(&charter).unwrap()).unwrap().digest().hex();
    network.configure("post", &format!("[practice]\nnetwork = \"{founding}\""));
    let play = |denied: &str| {
        let of = |what: &str, numbers: &str| {
            format!("[[{what}]]\nsender = \"shop/n1\"\nlane = \"ordinary\"\nnumbers = {numbers}\n")
        };
        let rules = format!("{}{}", of("withholding", "[4, 9, 15]"), of("denial", denied));
        std::fs::write(network.dir("post").join("receipts.toml"), rules).unwrap();
    };
    play("[]");
    let [shop, post, auditor] = start(&network);
    submit(&shop, "first", &references("A", 20));
    shop.outbox("all others have their receipts", |outbox| outbox["pending"] == 3);
    let to_post = ["--to", "post/n1", "--node", node(&shop)];
    // While it denies nothing, what it withholds is told, and that it has it.
    let (code, told, _) = try_luxor(&[&["window", "compare", "--json"], &to_post[..]].concat());
    let told: Json = serde_json::from_str(&told).unwrap();
    assert_eq!(code, 1);
    assert_eq!(classes(&told["differences"]), [(4, "withheld"), (9, "withheld"), (15, "withheld")], "{told}");
    // It denies two of them now.
    drop(post);
    play("[4, 15]");
    let post = network.start("post").awake();
    shop.outbox("it is asked again in vain", |outbox| outbox["pending"] == 3);
    let (code, told, errors) = try_luxor(&[&["window", "close", "--json"], &to_post[..]].concat());
    let told: Json = serde_json::from_str(&told).unwrap_or_else(|e| panic!("{e}: {told}{errors}"));
    assert_eq!(code, 1);
    assert_eq!(classes(&told["differences"]), [(4, "withheld"), (9, "withheld"), (15, "withheld")], "{told}");
    assert_eq!(statements(&post, &["--from-node", "shop/n1"])[0]["digest"], told["digest"]);
    let file = network.root.path().join("dispute.luxor");
    let file = file.to_str().unwrap();
    luxor(&[&["dispute", "export", "-o", file], &to_post[..]].concat());
    drop([shop, post, auditor]);
    // A machine that never saw the network: the file and the charter's digest are all it has.
    let elsewhere = tempfile::tempdir().unwrap();
    let copied = elsewhere.path().join("dispute.luxor");
    std::fs::copy(file, &copied).unwrap();
    let copied = copied.to_str().unwrap();
    let (code, proven, errors) = try_luxor(&["dispute", "verify", copied, "--charter", &founding, "--json"]);
    let proven: Json = serde_json::from_str(&proven).unwrap_or_else(|e| panic!("{e}: {proven}{errors}"));
    assert_eq!(code, 1);
    let found = classes(&proven["numbers"]);
    let denied: Vec<_> = found.iter().filter(|(_, class)| *class == "sent_not_received").map(|(at, _)| *at).collect();
    assert_eq!(denied, [4, 15], "{proven:#}");
    for number in proven["numbers"].as_array().unwrap() {
        let verdict = number["verdict"].as_str().unwrap();
        match number["number"].as_u64() {
            Some(4 | 15) => assert_eq!(verdict, "the recipient denies what its log had before it answered"),
            Some(9) => assert_eq!(verdict, "received, and no receipt for it is shown"),
            _ => assert!(verdict.starts_with("received, and the verdict"), "{number}"),
        }
    }
    let text = try_luxor(&["dispute", "verify", copied, "--charter", charter.to_str().unwrap()]).1;
    assert!(text.contains("number 4: sent_not_received"), "{text}");
    // Another network, and a file of which a byte was changed, prove nothing.
    let other = "00".repeat(32);
    let (code, _, errors) = try_luxor(&["dispute", "verify", copied, "--charter", &other]);
    assert!(code == 1 && errors.contains("not of"), "{code} {errors}");
    let mut bytes = std::fs::read(copied).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(copied, bytes).unwrap();
    let (code, _, errors) = try_luxor(&["dispute", "verify", copied, "--charter", &founding]);
    assert!(code == 1 && errors.contains("damaged"), "{code} {errors}");
}

#[test]
fn a_statement_that_differs_is_made_again_once_the_difference_is_settled() {
    let network = found("Luxor practice", "close_seconds = 1\nreceipt_due_seconds = 0");
    let charter = std::fs::read(network.root.path().join("charter.luxor")).unwrap();
    let founding = Document::from_cbor(&charter).unwrap().digest().hex();
    network.configure("post", &format!("[practice]\nnetwork = \"{founding}\""));
    let rules = network.dir("post").join("receipts.toml");
    std::fs::write(&rules, "[[withholding]]\nsender = \"shop/n1\"\nlane = \"ordinary\"\nnumbers = [2]\n").unwrap();
    let [shop, post, auditor] = start(&network);
    submit(&shop, "first", &references("A", 3));
    shop.outbox("all others have their receipts", |outbox| outbox["pending"] == 1);
    let of_last = |shop: &Daemon| {
        let all = statements(shop, &["--to", "post/n1"]);
        all.as_array().unwrap().iter().filter(|one| one["to"] == json!(3)).cloned().collect::<Vec<Json>>()
    };
    let differs = |one: &Json| classes(&one["differences"]) == [(2, "withheld")];
    let first = until("a statement that differs", || of_last(&shop).last().filter(|one| differs(one)).cloned());
    drop(post);
    std::fs::write(&rules, "").unwrap();
    let post = network.start("post").awake();
    shop.outbox("all have their receipts", |outbox| outbox["pending"] == 0);
    let again = |one: &&Json| one["equal"] == json!(true) && one["from"] == first["from"];
    until("the same window is closed again", || of_last(&shop).last().filter(again).cloned());
    // Both stand in the log of either side, and what does not differ is not made a third time.
    let made = of_last(&shop).len();
    submit(&shop, "second", &references("B", 1));
    until("the next window is closed", || {
        shop.get("/v1/windows")[0]["covered"].as_u64().filter(|covered| *covered == 4)
    });
    assert_eq!(of_last(&shop).len(), made);
    assert_eq!(
        statements(&post, &["--from-node", "shop/n1"]).as_array().map(Vec::len),
        statements(&shop, &["--to", "post/n1"]).as_array().map(Vec::len)
    );
    drop([shop, post, auditor]);
    for (member, ..) in MEMBERS {
        check(&network.dir(member));
    }
}
