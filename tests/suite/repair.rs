//! The repair queue over real nodes: refused records wait, are fixed many at once and resent, linked to their first attempt; nothing of them is
//! lost or doubled by a kill, and what is erased is gone from there too.

use std::path::Path;

use luxor_tests::{Daemon, Network, agreement, check, copy, holds, luxor, luxor_json, try_luxor, until};
use serde_json::{Value as Json, json};

use crate::erasure::killed_at_each_write;
use crate::faults::strace::{self, Fault, Phase};

const MEMBERS: [(&str, &str, &str); 2] = [("post", "post", "GB"), ("customs", "customs", "KR")];

/// Own records with an error are refused.
const OWN: &str = "[rules]\nown = \"refuse\"";
/// Others' are.
const OTHERS: &str = "[rules]\nothers = \"refuse\"";

fn found(post: &str, customs: &str) -> Network {
    let flow = agreement("ab", "post", "customs", "declaration", "safety_security", "[\"*\"]");
    let network = Network::found(&MEMBERS, &[flow.replace("version = 1\n", "version = 3\ndestinations = [\"KR\"]\n")]);
    for (member, lines) in [("post", post), ("customs", customs)] {
        if !lines.is_empty() {
            network.configure(member, lines);
        }
    }
    network
}

fn start(network: &Network) -> [Daemon; 2] {
    let nodes = MEMBERS.map(|(id, _, _)| network.start(id));
    nodes.map(Daemon::awake)
}

fn declaration(reference: &str, hs: &str, destination: &str) -> Json {
    json!({"type": "declaration", "version": 3, "filing": {"own_reference": reference, "kind": "ens_preloading"},
        "item": {"id": format!("ITEM-{reference}")},
        "route": {"departure": "GB", "destination": destination}, "mass": {"gross_kg": "1.5"},
        "sender": {"name": format!("Works of {reference}"), "country": "GB"}, "addressee": {"name": "B", "country": "KR"},
        "goods": [{"content": {"description": "cotton shirts for children"}, "classification": {"hs": hs},
            "value": {"amount": "20.00", "currency": "GBP"}, "origin": {"country": "GB", "net_kg": "1.2"}}]})
}

fn bad(reference: &str) -> Json {
    declaration(reference, "851712", "KR")
}

fn node(daemon: &Daemon) -> &str {
    daemon.dir().to_str().unwrap()
}

fn entries(daemon: &Daemon, query: &str) -> Vec<Json> {
    daemon.get(&format!("/v1/repairs/entries?{query}"))["entries"].as_array().unwrap().clone()
}

/// `luxor repair …` with JSON: exit code and answer.
fn repair(daemon: &Daemon, verb: &str, more: &[&str]) -> (i32, Json) {
    let line = [&["repair", verb, "--node", node(daemon), "--json"], more].concat();
    let (code, told, errors) = try_luxor(&line);
    (code, serde_json::from_str(&told).unwrap_or_else(|e| panic!("{e}: {told}{errors}")))
}

const FIX: [&str; 4] = ["--rule", "hs.unknown", "--replace", "/goods/*/classification/hs=851712:851713"];

#[test]
fn what_own_rules_refuse_waits_is_fixed_at_once_and_arrives() {
    let network = found(OWN, "");
    let [post, customs] = start(&network);
    let many: Vec<Json> = (0..30).map(|at| bad(&format!("R-{at}"))).collect();
    let told = post.put("s1", 0, &many).unwrap();
    assert!(told["records"].as_array().unwrap().iter().all(|one| one["refused"]["waits"] == "waits"), "{told}");
    assert_eq!(post.put("s1", 0, &many).unwrap(), told, "the same chunk again");
    // One goes nowhere, one is incomplete, one passes, one is no record.
    let mut incomplete = declaration("R-incomplete", "610910", "KR");
    incomplete.as_object_mut().unwrap().remove("route");
    let others = [
        declaration("R-nowhere", "610910", "JP"),
        incomplete,
        declaration("R-right", "610910", "KR"),
        json!({"type": "declaration", "nothing": 1}),
    ];
    let told = post.put("s2", 0, &others).unwrap();
    let waits = |at: usize| told["records"][at]["refused"]["waits"].clone();
    assert_eq!(
        [waits(0), waits(1), waits(2), waits(3)],
        [json!("waits"), json!("waits"), Json::Null, json!("unreadable")]
    );

    let groups = luxor_json(&["repair", "list", "--node", node(&post)]);
    let told: Vec<_> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            (group["rule"].as_str().unwrap(), group["pointer"].as_str().unwrap(), group["count"].as_u64().unwrap())
        })
        .collect();
    let wanted = [
        ("hs.unknown", "/goods/*/classification/hs", 30),
        ("missing", "/route/destination", 1),
        ("no_recipient", "/route/destination", 1),
    ];
    assert_eq!(told, wanted, "{groups}");
    assert!(groups[0]["example"].as_str().unwrap().contains("851712"), "{groups}");
    let (code, text, errors) = try_luxor(&["repair", "list", "--node", node(&post)]);
    assert!(code == 0 && text.contains("hs.unknown") && errors.contains("32 records waiting"), "{text}{errors}");
    assert!(luxor(&["status", "--node", node(&post)]).contains("32 records waiting of at most 50"), "status");
    let shown = entries(&post, "rule=hs.unknown&limit=1000");
    assert_eq!((shown.len(), &shown[3]["by"], &shown[3]["first_attempt"]["chunk"]), (30, &json!("post/n1"), &json!(0)));
    assert_eq!(shown[3]["record"]["goods"][0]["classification"]["hs"], "851712");
    // Pages join to the same.
    let mut paged = Vec::new();
    let mut page = post.get("/v1/repairs/entries?rule=hs.unknown&limit=7");
    loop {
        paged.extend(page["entries"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        page = post.get(&format!("/v1/repairs/entries?rule=hs.unknown&limit=7&after={next}"));
    }
    assert_eq!(paged, shown);

    // What would become of them, which changes nothing; edits that do not help; and those that do.
    let (code, would) = repair(&post, "fix", &[&FIX[..], &["--name", "fix", "--dry-run"]].concat());
    assert_eq!(
        (code, &would["resent"], &would["records"][0]["outcome"]["resent"]["recipients"]),
        (0, &json!(30), &json!(1))
    );
    assert_eq!(entries(&post, "limit=1000").len(), 32);
    let (code, done) =
        repair(&post, "fix", &["--name", "no", "--rule", "hs.unknown", "--set", "/goods/*/classification/hs=1"]);
    assert_eq!((code, &done["unchanged"]), (1, &json!(30)), "{done}");
    let (code, done) = repair(
        &post,
        "fix",
        &["--name", "worse", "--rule", "hs.unknown", "--set", "/goods/*/classification/hs=999998"],
    );
    assert_eq!((code, &done["refused"], &done["resent"]), (1, &json!(30), &json!(0)), "{done}");
    // They wait with that now.
    let fix = ["--name", "fix", "--rule", "hs.unknown", "--set", "/goods/*/classification/hs=610910"];
    let (code, done) = repair(&post, "fix", &fix);
    assert_eq!((code, &done["resent"]), (0, &json!(30)), "{done}");
    let (code, again) = repair(&post, "fix", &fix);
    assert_eq!((code, &again["resent"]), (0, &json!(30)), "the same again resends nothing: {again}");
    let (code, _, errors) = try_luxor(&["repair", "fix", "--node", node(&post), "--name", "fix", "--rule", "missing"]);
    assert!(code == 4 && errors.contains("was submitted before with other records"), "{errors}");
    until("what was fixed at customs", || (customs.arrived().len() == 31).then_some(()));
    assert!(customs.arrived().values().all(|times| *times == 1));

    // Linked to the first attempt.
    let became = entries(&post, "submission=s1&limit=1000");
    assert_eq!((became.len(), became.iter().filter(|one| one["state"] == "resent").count()), (30, 30));
    let one = &became[3];
    assert_eq!((&one["first_attempt"]["position"], &one["resent"]["fix"]), (&json!(3), &json!("fix")));
    post.outbox("every receipt", |state| state["pending"] == 0);
    let one = &entries(&post, "submission=s1")[3];
    assert_eq!(one["resent"]["records"][0]["deliveries"][0]["state"], "accepted", "{one}");
    assert_eq!(one["record"], Json::Null);
    let root = one["resent"]["records"][0]["root"].clone();
    let records = post.get("/v1/records?reference=R-3");
    assert_eq!((&records[0]["root"], records.as_array().unwrap().len()), (&root, 1));

    // The incomplete one by what it lacks, the other one by where it goes; and one is given up.
    let (code, done) = repair(&post, "fix", &["--name", "f2", "--rule", "missing", "--set", "/route/destination=KR"]);
    assert_eq!((code, &done["resent"]), (0, &json!(1)), "{done}");
    let dropped = repair(&post, "drop", &["--rule", "no_recipient", "--dry-run"]);
    assert_eq!((dropped.1["dropped"].clone(), entries(&post, "").len()), (json!(1), 1));
    let (code, _, errors) = try_luxor(&["repair", "drop", "--node", node(&post)]);
    assert!(code == 4 && errors.contains("nothing says which records are meant"), "{errors}");
    let id = entries(&post, "")[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(repair(&post, "drop", &["--id", &id]).1["dropped"], 1);
    let became = entries(&post, "submission=s2");
    let states: Vec<_> = became.iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["dropped", "resent"]);
    let counts = post.get("/v1/status")["repairs"].clone();
    assert_eq!((&counts["waiting"], &counts["settled"], &counts["not_kept"]), (&json!(0), &json!(32), &json!(0)));
    drop([post, customs]);
    MEMBERS.iter().for_each(|(id, _, _)| check(&network.dir(id)));
    // What was given up opens with nothing that is there.
    let dir = network.dir("post");
    assert!(!holds(&dir.join("data"), &dir.join("keys"), b"Works of R-nowhere"));
    assert!(holds(&dir.join("data"), &dir.join("keys"), b"Works of R-right"));
}

#[test]
fn what_is_only_asked_about_is_not_filed() {
    let network = found(OWN, "");
    let [post, customs] = start(&network);
    post.put("s1", 0, &[declaration("R-1", "610910", "JP")]).unwrap();
    let asked = ["--name", "f", "--rule", "no_recipient", "--set", "/route/destination=KR", "--dry-run"];
    assert_eq!(repair(&post, "fix", &asked).1["resent"], 1);
    // The same in other submissions: the first repeats nothing, the second the first.
    let again = |submission: &str| post.put(submission, 0, &[declaration("R-1", "610910", "KR")]).unwrap();
    let (first, second) = (again("s2"), again("s3"));
    assert!(first["records"][0]["accepted"].is_object(), "{first}");
    assert_eq!(second["records"][0]["refused"]["pointer"], "/filing/own_reference#duplicate.reference", "{second}");
    drop([post, customs]);
    MEMBERS.iter().for_each(|(id, _, _)| check(&network.dir(id)));
}

#[test]
fn what_a_recipient_rejects_waits_at_the_sender_and_its_correction_supersedes_it() {
    let network = found("", OTHERS);
    let [post, customs] = start(&network);
    let sent = post.put("s1", 0, &[declaration("R-1", "610910", "KR"), bad("R-2"), bad("R-3")]).unwrap();
    let root = |at: usize| sent["records"][at]["accepted"]["root"].clone();
    let waiting = until("the verdict", || Some(entries(&post, "")).filter(|all| all.len() == 2));
    let one = &waiting[0];
    assert_eq!(
        (&one["by"], &one["rule"], &one["dispatch"]["number"]),
        (&json!("customs/n1"), &json!("hs.unknown"), &json!(1))
    );
    assert_eq!(one["first_attempt"], json!({"submission": "s1", "chunk": 0, "position": 1, "root": root(1)}));
    assert_eq!(
        (&one["pointer"], &one["record"]["filing"]["own_reference"]),
        (&json!("/goods/1/classification/hs"), &json!("R-2"))
    );
    let fix = ["--name", "fix", "--rule", "hs.unknown", "--set", "/goods/*/classification/hs=610910"];
    let (code, done) = repair(&post, "fix", &fix);
    assert_eq!((code, &done["resent"]), (0, &json!(2)), "{done}");
    until("the corrections at customs", || (customs.arrived().len() == 3).then_some(()));
    post.outbox("every receipt", |state| state["pending"] == 0);
    let became = entries(&post, "submission=s1");
    let states: Vec<_> =
        became.iter().map(|one| (&one["state"], &one["resent"]["records"][0]["deliveries"][0]["state"])).collect();
    assert_eq!(states, [(&json!("resent"), &json!("accepted")); 2]);
    // The life of the item shows one that supersedes the other, without a flag.
    let life = post.get("/v1/items?id=ITEM-R-2");
    let records = life["records"]["declaration"].as_array().unwrap();
    let seen: Vec<_> = records.iter().map(|one| (&one["revision"], &one["standing"])).collect();
    assert_eq!(life["flags"].as_array().map_or(0, Vec::len), 0, "{life}");
    assert!(seen.contains(&(&json!(1), &json!("current"))), "{life}");
    assert!(
        seen.contains(&(&json!(0), &json!("superseded"))) || life["earlier"].to_string().contains("superseded"),
        "{life}"
    );
    // A second fix of what was fixed: nothing waits.
    assert_eq!(post.get("/v1/repairs"), json!([]));
    // Erased, the record is told of here no more, though its row had no content.
    post.put("s0", 0, &[bad("R-5")]).unwrap();
    until("the verdict", || (entries(&post, "").len() == 1).then_some(()));
    let erased = luxor_json(&["erase", "--node", node(&post), "--item", "ITEM-R-5", "--ground", "order 7"]);
    assert_eq!((&erased["records"], entries(&post, "submission=s0").len()), (&json!(1), 0), "{erased}");

    // Rejected again, the correction waits as an attempt of its own, and is corrected in its turn.
    post.put("s2", 0, &[bad("R-4")]).unwrap();
    until("the verdict", || (entries(&post, "").len() == 1).then_some(()));
    let (_, done) =
        repair(&post, "fix", &["--name", "f2", "--rule", "hs.unknown", "--set", "/goods/*/classification/hs=999998"]);
    assert_eq!(done["resent"], 1, "{done}");
    let second = until("the second verdict", || entries(&post, "").pop());
    assert_eq!(second["first_attempt"]["submission"], "f2");
    let (_, done) =
        repair(&post, "fix", &["--name", "f3", "--rule", "hs.unknown", "--set", "/goods/*/classification/hs=610910"]);
    assert_eq!(done["resent"], 1, "{done}");
    until("the last at customs", || customs.arrived().contains_key("R-4").then_some(()));
    let life = post.get("/v1/items?id=ITEM-R-4");
    assert_eq!(life["flags"].as_array().map_or(0, Vec::len), 0, "{life}");
    assert_eq!(
        life["records"]["declaration"].as_array().unwrap().iter().filter(|one| one["standing"] == "current").count(),
        1
    );
    drop([post, customs]);
    MEMBERS.iter().for_each(|(id, _, _)| check(&network.dir(id)));
}

#[test]
fn an_erased_record_is_gone_from_the_queue_and_a_held_one_stays() {
    let network = found(OWN, "");
    let [post, customs] = start(&network);
    post.put("s1", 0, &[bad("E-gone"), bad("E-held"), bad("E-stays"), bad("E-drop")]).unwrap();
    drop([post, customs]);
    let (dir, kept) = (network.dir("post"), network.root.path().join("before"));
    copy(&dir, &kept);
    let readable = |data: &Path, keys: &Path, name: &str| {
        holds(&data.join("data"), &keys.join("keys"), format!("Works of {name}").as_bytes())
    };
    for name in ["E-gone", "E-held", "E-stays", "E-drop"] {
        assert!(readable(&dir, &dir, name), "the search does not find {name}");
    }
    let [post, customs] = start(&network);
    luxor(&["hold", "add", "--node", node(&post), "--item", "ITEM-E-held", "--ground", "case 9"]);
    let (code, _, errors) = try_luxor(&["erase", "--node", node(&post), "--item", "ITEM-E-held", "--ground", "order"]);
    assert!(code != 0 && errors.contains("is held: hold "), "{errors}");
    let erased = luxor_json(&["erase", "--node", node(&post), "--item", "ITEM-E-gone", "--ground", "order 7"]);
    assert_eq!((&erased["records"], &erased["keys"]), (&json!(1), &json!(1)), "{erased}");
    let (code, dropped) = repair(&post, "drop", &["--rule", "hs.unknown", "--type", "order"]);
    assert_eq!((code, dropped), (0, json!({"dropped": 0, "held": 0})));
    let drop_id =
        entries(&post, "").iter().find(|one| one["record"].to_string().contains("E-drop")).unwrap()["id"].clone();
    let held_id =
        entries(&post, "").iter().find(|one| one["record"].to_string().contains("E-held")).unwrap()["id"].clone();
    let (code, dropped) =
        repair(&post, "drop", &["--id", drop_id.as_str().unwrap(), "--id", held_id.as_str().unwrap()]);
    assert_eq!((code, dropped), (1, json!({"dropped": 1, "held": 1})));
    assert_eq!(entries(&post, "").len(), 2);
    drop([post, customs]);
    check(&dir);
    for (name, there) in [("E-gone", false), ("E-held", true), ("E-stays", true)] {
        assert_eq!(readable(&dir, &dir, name), there, "{name}");
        assert!(!readable(&kept, &dir, name), "{name}: an old copy with the keys that are left");
    }
    // A month later only what is held is left.
    let after: &[&str] = &["--clock-ahead-days", "31"];
    let nodes = MEMBERS.map(|(id, _, _)| network.start_with(id, after));
    let [post, customs] = nodes.map(Daemon::awake);
    luxor(&["erase", "--node", node(&post), "--due"]);
    let left = entries(&post, "");
    assert_eq!((left.len(), &left[0]["id"]), (1, &held_id));
    drop([post, customs]);
    check(&dir);
    assert!(readable(&dir, &dir, "E-held") && !readable(&dir, &dir, "E-stays"));
}

#[test]
fn a_kill_at_any_write_of_a_fix_loses_and_doubles_nothing() {
    let name = "a_kill_at_any_write_of_a_fix_loses_and_doubles_nothing";
    if let Some(why) = strace::missing() {
        println!("skipped: {name}: {why}");
        return;
    }
    let network = found(OWN, "");
    let [post, customs] = start(&network);
    let references = ["K-0", "K-1", "K-2", "K-3"];
    post.put("s1", 0, &references.map(bad)).unwrap();
    drop([post, customs]);
    let kept = network.root.path().join("before");
    copy(&network.dir("post"), &kept);
    let fix = json!({"name": "fix", "which": {"rule": "hs.unknown"},
        "edits": [{"set": {"pointer": "/goods/*/classification/hs", "value": "610910"}}]});
    let alone: &[&str] = &["--without-witnesses"];
    let killed = |fault: &Fault, place: &Path, trace: &Path| {
        let node = Network::start_in(place.to_owned(), alone).awake();
        let mut strace = fault.attach(node.pid(), place, trace);
        let _ = node.try_post("/v1/repairs/fix", &fix);
        drop(node);
        strace.wait().unwrap();
    };
    let running = |fault: &Fault, node: &Daemon| {
        let (status, done) = node.post("/v1/repairs/fix", &fix);
        assert_eq!((status, &done["resent"], &done["refused"]), (200, &json!(4), &json!(0)), "{fault}: {done}");
        assert_eq!(node.get("/v1/repairs"), json!([]), "{fault}");
        for reference in references {
            let records = node.get(&format!("/v1/records?reference={reference}"));
            assert_eq!(records.as_array().unwrap().len(), 1, "{fault}: {reference} {records}");
        }
        let became = entries(node, "submission=s1");
        assert!(became.len() == 4 && became.iter().all(|one| one["state"] == "resent"), "{fault}: {became:?}");
    };
    let reached = killed_at_each_write((&network, &kept), alone, Phase::Append, killed, running, |_, _| {});
    println!("{name}: {reached} kills");
    assert!(reached >= 2, "kills are seldom reached: {reached}");
}
