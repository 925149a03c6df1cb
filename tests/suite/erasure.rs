//! What is erased, by its date or by order, opens with nothing that is left: an old copy of the database with every key that the node still
//! has, and everything that the node has now. The same search finds it before. What is held stays, a crash in between is finished, the log
//! verifies, and an auditor sees what is gone and why.

use std::path::{Path, PathBuf};

use luxor_protocol::cbor::Decode as _;
use luxor_protocol::exchange::{ErasedBody, Ground, Opening};
use luxor_protocol::tlog::{TlogProof, VerifierKey, leaf_hash};
use luxor_tests::{Daemon, Network, agreement, check, copy, holds, luxor, luxor_json, on_disk, try_luxor, until};
use serde_json::{Value as Json, json};

use crate::faults::strace::{self, Failure, Fault, JOURNAL, KEYS, Phase};

/// The harness's agreements have 30 days.
pub(crate) const AFTER: [&str; 2] = ["--clock-ahead-days", "31"];
const SENDER: usize = 0;
const RECIPIENT: usize = 1;
const MEMBERS: [&str; 2] = ["sender", "recipient"];

fn found() -> Network {
    let flow = agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]");
    let mandates = [("sender", "recipient"), ("recipient", "sender")]
        .map(|(from, to)| agreement(&format!("audit-{from}"), from, to, "opening", "audit", "[\"*\"]"));
    Network::found(
        &[("sender", "platform", "CN"), ("recipient", "customs", "KR")],
        &[flow, mandates[0].clone(), mandates[1].clone()],
    )
}

/// A parcel with words that stand nowhere else.
fn record(name: &str) -> Json {
    json!({"type": "declaration", "filing": {"own_reference": format!("REF-{name}")},
        "item": {"id": format!("ITEM-{name}")}, "route": {"destination": "KR"},
        "sender": {"name": format!("Works  of {name}"), "id": format!("ID-{name}")},
        "addressee": {"name": format!("Addressee {name}")},
        "goods": [{"content": {"description": format!("described as {name}")}}]})
}

/// Words of a record that must be gone with it.
fn words(name: &str) -> [String; 3] {
    [format!("ITEM-{name}"), format!("Addressee {name}"), format!("described as {name}")]
}

fn start(network: &Network, arguments: &[&str]) -> [Daemon; 2] {
    let nodes = MEMBERS.map(|member| network.start_with(member, arguments));
    nodes.map(Daemon::awake)
}

fn submit(nodes: &[Daemon; 2], names: &[&str]) {
    for (chunk, name) in names.iter().enumerate() {
        nodes[SENDER].put(name, chunk as u64, &[record(name)]).unwrap();
    }
    nodes[SENDER].outbox("every receipt", |state| state["pending"] == 0);
}

/// A copy of both nodes' folders: database, keys, lock file.
fn backup(network: &Network, name: &str) -> [PathBuf; 2] {
    MEMBERS.map(|member| {
        let kept = network.root.path().join(format!("{name}-{member}"));
        copy(&network.dir(member), &kept);
        kept
    })
}

/// Whether somebody with this database and these keys reads any word of a record.
fn readable(data: &Path, keys: &Path, name: &str) -> bool {
    let found = words(name).map(|word| holds(&data.join("data"), &keys.join("keys"), word.as_bytes()));
    assert!(found.iter().all(|each| *each == found[0]), "{name}: {found:?}");
    found[0]
}

fn audit(node: &Daemon) -> Json {
    let (code, told, errors) = try_luxor(&["audit", "--all", "--json", "--node", node.dir().to_str().unwrap()]);
    assert_eq!(code, 0, "{told} {errors}");
    serde_json::from_str(&told).unwrap()
}

fn report(audit: &Json, node: &str) -> Json {
    let reports = audit["reports"].as_array().unwrap();
    reports.iter().find(|report| report["node"] == node).unwrap().clone()
}

#[test]
fn a_record_erased_by_order_opens_with_nothing_that_is_left_and_the_rest_stays() {
    let network = found();
    let nodes = start(&network, &[]);
    submit(&nodes, &["gone", "stays"]);
    // Both in one dispatch with one more, so that a part of a row is erased.
    nodes[SENDER].put("both", 0, &[record("first"), record("second")]).unwrap();
    nodes[SENDER].outbox("every receipt", |state| state["pending"] == 0);
    drop(nodes);
    let kept = backup(&network, "before");
    let dirs = MEMBERS.map(|member| network.dir(member));
    for (kept, dir) in kept.iter().zip(&dirs) {
        for name in ["gone", "stays", "first", "second"] {
            assert!(readable(kept, kept, name) && readable(dir, dir, name), "the search does not find {name}");
        }
    }

    let nodes = start(&network, &[]);
    for node in &nodes {
        let dir = node.dir().to_str().unwrap();
        for item in ["ITEM-gone", "ITEM-second"] {
            let erased = luxor_json(&["erase", "--node", dir, "--item", item, "--ground", "order 7 of the court"]);
            assert_eq!((&erased["records"], &erased["keys"]), (&json!(1), &json!(1)), "{erased}");
            assert_eq!(node.get(&format!("/v1/records?reference={item}")), json!([]));
        }
        assert_eq!(node.get("/v1/records?reference=ITEM-first").as_array().unwrap().len(), 1);
        let (code, _, errors) = try_luxor(&["erase", "--node", dir, "--item", "ITEM-gone", "--ground", "again"]);
        assert!(code != 0 && errors.contains("no record here has the reference or item id 'ITEM-gone'"), "{errors}");
        // What comes now goes under the new keys.
    }
    submit(&nodes, &["later"]);
    let audited = audit(&nodes[RECIPIENT]);
    for member in MEMBERS {
        let report = report(&audited, &format!("{member}/n1"));
        assert_eq!(report["findings_count"], 0, "{report}");
        let erased = report["erased"].as_array().unwrap();
        assert_eq!(erased.len(), 2, "{report}");
        for erased in erased {
            assert_eq!((&erased["ground"], &erased["in_part"]), (&json!("order"), &json!(1)), "{erased}");
            assert!(erased["reference"].is_string());
        }
    }
    drop(nodes);

    for (kept, dir) in kept.iter().zip(&dirs) {
        check(dir);
        for name in ["gone", "second"] {
            assert!(!readable(dir, dir, name), "{name} is still in {}", dir.display());
            assert!(!readable(kept, dir, name), "an old copy with the keys that are left opens {name}");
            assert!(!readable(dir, kept, name), "old keys open {name} in what is there now");
            // The old copy with its own keys restores it: that is why only the newest copy of the keys may be kept.
            assert!(readable(kept, kept, name), "the search finds nothing any more");
            words(name).iter().for_each(|word| assert!(!on_disk(dir, word.as_bytes())));
        }
        for name in ["stays", "first", "later"] {
            assert!(readable(dir, dir, name), "{name} went with the others");
        }
        for name in ["stays", "first"] {
            assert!(readable(kept, kept, name), "{name} does not come back from the copy");
        }
    }
}

#[test]
fn what_is_due_goes_what_is_held_stays_and_an_auditor_sees_both() {
    let network = found();
    let nodes = start(&network, &[]);
    submit(&nodes, &["due", "held"]);
    nodes[SENDER].put("both", 0, &[record("beside"), record("kept")]).unwrap();
    nodes[SENDER].outbox("every receipt", |state| state["pending"] == 0);
    for node in &nodes {
        let dir = node.dir().to_str().unwrap();
        for (what, name) in [("--item", "ITEM-held"), ("--party", " works OF   kept ")] {
            let placed = luxor_json(&["hold", "add", "--node", dir, what, name, "--ground", "case 9"]);
            assert_eq!(placed["records"], 1, "{placed}");
        }
        let (code, _, errors) = try_luxor(&["erase", "--node", dir, "--item", "ITEM-held", "--ground", "order"]);
        assert!(code != 0 && errors.contains("is held: hold ") && errors.contains("case 9"), "{errors}");
        assert_eq!(luxor_json(&["hold", "list", "--node", dir]).as_array().unwrap().len(), 2);
    }
    drop(nodes);
    let kept = backup(&network, "before");
    let dirs = MEMBERS.map(|member| network.dir(member));

    let nodes = start(&network, &AFTER);
    for node in &nodes {
        // The start erases by itself; this waits for it, and finds nothing more.
        luxor(&["erase", "--node", node.dir().to_str().unwrap(), "--due"]);
    }
    let audited = audit(&nodes[RECIPIENT]);
    for member in MEMBERS {
        let report = report(&audited, &format!("{member}/n1"));
        assert_eq!(report["findings_count"], 0, "{report}");
        let erased = report["erased"].as_array().unwrap();
        assert!(!erased.is_empty() && erased.iter().all(|erased| erased["ground"] == "retention"), "{report}");
    }
    let inbox = nodes[RECIPIENT].inbox();
    let mut outcomes: Vec<_> = inbox.iter().map(|item| item["outcome"].as_str().unwrap()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["accepted", "accepted", "erased"]);
    drop(nodes);
    for (kept, dir) in kept.iter().zip(&dirs) {
        check(dir);
        for name in ["due", "beside"] {
            assert!(readable(kept, kept, name), "the search does not find {name}");
            assert!(!readable(dir, dir, name) && !readable(kept, dir, name), "{name} is still there");
        }
        for name in ["held", "kept"] {
            assert!(readable(dir, dir, name), "{name} is held, and went");
        }
    }

    // Released, they go; a number of theirs that comes again is told so.
    let nodes = start(&network, &AFTER);
    for node in &nodes {
        let dir = node.dir().to_str().unwrap();
        for hold in luxor_json(&["hold", "list", "--node", dir]).as_array().unwrap() {
            luxor(&["hold", "release", "--node", dir, &hold["hold"].to_string()]);
        }
        luxor(&["erase", "--node", dir, "--due"]);
    }
    let audited = audit(&nodes[SENDER]);
    for member in MEMBERS {
        assert_eq!(report(&audited, &format!("{member}/n1"))["findings_count"], 0);
    }
    drop(nodes);
    for (kept, dir) in kept.iter().zip(&dirs) {
        check(dir);
        for name in ["held", "kept"] {
            assert!(!readable(dir, dir, name) && !readable(kept, dir, name), "{name} is still there");
        }
        // Grounds of holds quote people, and went with them.
        assert!(!holds(&dir.join("data"), &dir.join("keys"), b"case 9"));
        assert!(holds(&kept.join("data"), &kept.join("keys"), b"case 9"));
    }
}

/// Writes of one kind that one request may take, before the test is at fault.
const MOST_WRITES: u64 = 40;

/// Lets copies of a folder begin with erasing what is due, each killed at another write of its key files or its database, and start again, which
/// finishes it: `running` looks at that node, `erased` at its folder afterwards, which is whole. How many kills were reached.
pub(crate) fn erasures_killed_at_each_write(
    network: &Network,
    kept: &Path,
    running: impl Fn(&Fault, &Daemon),
    erased: impl Fn(&Fault, &Path),
) -> u64 {
    let arguments = [&AFTER[..], &["--without-witnesses"]].concat();
    let erase = |fault: &Fault, place: &Path, trace: &Path| {
        let node = network.launch_in_folder(place.to_owned(), &fault.command(place, trace), &arguments);
        if node.ready().is_none() {
            let _ = node.try_post("/v1/erasures", &json!({}));
        }
    };
    let finished = |fault: &Fault, node: &Daemon| {
        luxor(&["erase", "--node", node.dir().to_str().unwrap(), "--due"]);
        running(fault, node);
    };
    killed_at_each_write((network, kept), &arguments, Phase::Start, erase, finished, erased)
}

/// Lets nodes in copies of the folder `kept` be killed, each at another write of its key files or its database, and start again: `provoke` runs
/// one with the fault until it is gone, given the folder and where to trace; `running` looks at the next one, `ended` at its folder afterwards,
/// which is whole before and after. How many kills were reached.
pub(crate) fn killed_at_each_write(
    (network, kept): (&Network, &Path),
    arguments: &[&str],
    phase: Phase,
    provoke: impl Fn(&Fault, &Path, &Path),
    running: impl Fn(&Fault, &Daemon),
    ended: impl Fn(&Fault, &Path),
) -> u64 {
    let (place, trace) = (network.root.path().join("killed"), network.root.path().join("trace"));
    let mut reached = 0;
    for target in [&KEYS, &JOURNAL] {
        // Every write that there is, up to the first point that is not reached.
        for at in 1..=MOST_WRITES {
            let _ = std::fs::remove_dir_all(&place);
            copy(kept, &place);
            std::fs::write(&trace, "").unwrap();
            let fault = Fault { target, failure: Failure::Kill, phase, at };
            provoke(&fault, &place, &trace);
            let hit = strace::hit(&trace).is_some();
            check(&place);
            let node = Network::start_in(place.clone(), arguments).awake();
            running(&fault, &node);
            drop(node);
            check(&place);
            ended(&fault, &place);
            if !hit {
                break;
            }
            reached += 1;
            assert!(at < MOST_WRITES, "there are more writes than are tried");
        }
    }
    reached
}

#[test]
fn a_kill_at_any_write_of_an_erasure_leaves_a_whole_folder_and_is_finished_by_the_next_start() {
    let name = "a_kill_at_any_write_of_an_erasure_leaves_a_whole_folder_and_is_finished_by_the_next_start";
    if let Some(why) = strace::missing() {
        println!("skipped: {name}: {why}");
        return;
    }
    let network = found();
    let nodes = start(&network, &[]);
    submit(&nodes, &["a", "b", "c"]);
    let dir = nodes[RECIPIENT].dir().to_str().unwrap().to_owned();
    // So that a part is written anew under another key.
    luxor(&["hold", "add", "--node", &dir, "--item", "ITEM-b", "--ground", "case 9"]);
    drop(nodes);
    let [_, kept] = backup(&network, "before");
    let reached = erasures_killed_at_each_write(
        &network,
        &kept,
        |_, _| {},
        |fault, place| {
            for name in ["a", "c"] {
                assert!(
                    !readable(place, place, name) && !readable(&kept, place, name),
                    "{fault}: {name} is still there"
                );
            }
            assert!(readable(place, place, "b"), "{fault}: what is held went");
        },
    );
    println!("{name}: {reached} kills");
    assert!(reached >= 6, "kills are seldom reached: {reached}");
}

#[test]
fn key_files_that_are_missing_or_older_than_the_database_keep_a_node_from_starting() {
    let network = found();
    let nodes = start(&network, &[]);
    submit(&nodes, &["one"]);
    drop(nodes);
    let keys = network.dir("recipient").join("keys");
    let older = network.root.path().join("older");
    copy(&keys, &older);
    // Another day's key.
    let nodes = start(&network, &["--clock-ahead-days", "2"]);
    nodes[SENDER].put("two", 0, &[record("two")]).unwrap();
    nodes[SENDER].outbox("every receipt", |state| state["pending"] == 0);
    drop(nodes);
    let newest = network.root.path().join("newest");
    copy(&keys, &newest);
    let put = |from: &Path, names: &[&str]| {
        for name in ["data.keys", "wrap.key"] {
            let _ = std::fs::remove_file(keys.join(name));
        }
        for name in names {
            std::fs::copy(from.join(name), keys.join(name)).unwrap();
        }
    };
    for (from, names, words) in [
        (&older, &["data.keys", "wrap.key"][..], "are under data key"),
        (&newest, &[][..], "are under data key"),
        (&newest, &["data.keys"][..], "wrap.key: not there, though"),
        (&newest, &["wrap.key"][..], "data.keys: not there, though"),
    ] {
        put(from, names);
        let node = network.start_with("recipient", &["--without-witnesses"]);
        let (code, log) = node.ended(0);
        assert!(code != 0 && log.contains(words) && log.contains("hint:"), "{names:?}: {log}");
    }
    put(&newest, &["data.keys", "wrap.key"]);
    drop(network.start_alone("recipient"));
    check(&network.dir("recipient"));
}

#[test]
fn the_register_of_disclosures_says_who_was_shown_what_and_finds_parties_in_any_spelling() {
    let groups = "[\"item\", \"route\"]";
    let flows = [
        agreement("full", "sender", "recipient", "declaration", "safety_security", "[\"*\"]"),
        agreement("ship", "sender", "carrier", "declaration", "delivery", groups),
    ];
    let members = [("sender", "platform", "CN"), ("recipient", "customs", "KR"), ("carrier", "carrier", "CN")];
    let network = Network::found(&members, &flows);
    let nodes = members.map(|(id, _, _)| network.start(id));
    nodes[0].put("one", 0, &[record("one"), record("two")]).unwrap();
    nodes[0].outbox("every receipt", |state| state["pending"] == 0);
    let dir = nodes[0].dir().to_str().unwrap();
    let by_item = luxor_json(&["disclosures", "--node", dir, "--item", "ITEM-one"]);
    for party in ["works of one", "WORKS OF   ONE", "id-one", " addressee one"] {
        assert_eq!(luxor_json(&["disclosures", "--node", dir, "--party", party]), by_item, "{party}");
    }
    assert_eq!(luxor_json(&["disclosures", "--node", dir, "--party", "works of three"]), json!([]));
    let disclosed = &by_item.as_array().unwrap()[0];
    assert_eq!(disclosed["references"], json!(["REF-one", "ITEM-one"]));
    let told: Vec<_> = disclosed["disclosures"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 2);
    let to = |member: &str| told.iter().find(|one| one["recipient"] == member).unwrap();
    assert_eq!((&to("carrier")["groups"], &to("carrier")["purpose"]), (&json!(["item", "route"]), &json!("delivery")));
    assert!(to("recipient")["groups"].as_array().unwrap().len() > 10);
    assert!(told.iter().all(|one| one["state"] == "received" && one["is_due"] == false), "{disclosed}");
    let words = luxor(&["disclosures", "--node", dir, "--party", "id-one"]);
    assert!(words.contains("to carrier (carrier), ") && words.contains("shown: item, route"), "{words}");
    // A recipient has nothing to tell of what it was shown.
    assert_eq!(nodes[1].get("/v1/disclosures?item=ITEM-one"), json!([]));
}

#[test]
fn a_recipient_sends_its_word_that_something_is_erased_until_it_is_taken() {
    let flow = agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]");
    let flow = format!("{flow}terms = {{ deletion_receipt = \"yes\" }}\n");
    let quiet = agreement("quiet", "sender", "recipient", "declaration", "statistics", "[\"item\", \"route\"]");
    let members = [("sender", "platform", "CN"), ("recipient", "customs", "KR")];
    let network = Network::found(&members, &[flow, quiet]);
    let [sender, recipient] = start(&network, &[]);
    sender.put("both", 0, &[record("first"), record("second")]).unwrap();
    sender.outbox("every receipt", |state| state["pending"] == 0);
    // The sender is away when it is erased.
    drop(sender);
    let dir = recipient.dir().to_str().unwrap();
    let erased = luxor_json(&["erase", "--node", dir, "--item", "ITEM-first", "--ground", "order 7"]);
    assert_eq!(erased["records"], 2, "under both agreements: {erased}");
    let logged: Vec<u64> = erased["logged"].as_array().unwrap().iter().map(|index| index.as_u64().unwrap()).collect();
    assert_eq!(logged.len(), 2);
    let sender = network.start("sender").awake();
    let numbers = [1, 2].map(|number| format!("/v1/deletions?recipient=recipient/n1&number={number}"));
    let told = until("the deletion receipt", || {
        let told: Vec<Json> = numbers.iter().flat_map(|path| sender.get(path).as_array().unwrap().clone()).collect();
        (!told.is_empty()).then_some(told)
    });
    // Only what the agreement demands, and it proves itself with the recipient's key alone.
    assert_eq!((told.len(), &told[0]["places"]), (1, &json!([0])), "{told:?}");
    assert!(logged.contains(&told[0]["entry"].as_u64().unwrap()));
    let proof = TlogProof::parse(told[0]["receipt"].as_str().unwrap().as_bytes()).unwrap();
    let opening = Opening::from_cbor(&proof.extra.clone().unwrap()).unwrap();
    let vkey = recipient.get("/v1/status")["log_vkey"].as_str().unwrap().to_owned();
    proof.verify(&leaf_hash(&opening.entry()), &VerifierKey::parse(&vkey).unwrap()).unwrap();
    let body = ErasedBody::from_cbor(&opening.body).unwrap();
    assert_eq!((body.ground, body.erased.len()), (Ground::Order, 1));
    let dir = sender.dir().to_str().unwrap();
    let erased_on = |item: &str, purpose: &str| {
        let disclosed = luxor_json(&["disclosures", "--node", dir, "--item", item]);
        let all = disclosed[0]["disclosures"].as_array().unwrap().clone();
        all.iter().find(|one| one["purpose"] == purpose).unwrap()["erased_on"].clone()
    };
    assert_eq!(erased_on("ITEM-first", "safety_security"), told[0]["on"]);
    assert_eq!(erased_on("ITEM-first", "statistics"), Json::Null);
    assert_eq!(erased_on("ITEM-second", "safety_security"), Json::Null);
    let words = luxor(&["disclosures", "--node", dir, "--item", "ITEM-first"]);
    assert!(words.contains("erased there on ") && words.contains("by its own signed word"), "{words}");
    drop([sender, recipient]);
    for member in MEMBERS {
        check(&network.dir(member));
    }
}
