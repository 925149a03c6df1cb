//! Onward use: what an agreement lets a recipient pass on goes on, verifies at its last recipient without the issuer, and goes no
//! further; everything else is refused with the term that refuses it.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use luxor_node::folder::Folder;
use luxor_node::net::TransportKey;
use luxor_protocol::exchange::Request;
use luxor_tests::{Daemon, Network, agreement, check, copy, luxor, luxor_json, try_luxor, until};
use serde_json::{Value as Json, json};

use crate::faults::strace::{self, Failure, Fault, JOURNAL, Phase};
use crate::flow::stand_in;

const MEMBERS: [(&str, &str, &str); 4] = [
    ("platform", "platform", "CN"),
    ("customs", "customs", "KR"),
    ("agency", "agency", "KR"),
    ("outside", "agency", "JP"),
];

/// What the platform sends customs; customs may pass some of it on to agencies of its own territory.
fn parcels() -> String {
    let groups = "[\"filing\", \"item\", \"mass\", \"route\", \"sender\"]";
    let row = agreement("parcels", "platform", "customs", "declaration", "safety_security", groups);
    format!(
        "{row}[[flow.onward]]\nkinds = [\"agency KR\"]\npurpose = \"agency_control\"\ngroups = [\"filing\", \"item\", \"route\"]\n\
         retention_days = 7\n"
    )
}

fn record(reference: &str) -> Json {
    json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"},
        "item": {"id": format!("ITEM-{reference}")}, "mass": {"gross_kg": "1.2"}, "sender": {"name": "Hidden Works"}})
}

fn pass(node: &Daemon, arguments: &[&str]) -> (i32, Json) {
    let dir = node.dir().to_str().unwrap();
    let (code, text, errors) = try_luxor(&[&["onward", "pass", "--json", "--node", dir], arguments].concat());
    (code, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {errors}")))
}

/// What became of the only record that was named.
fn only(result: &Json) -> &Json {
    let records = result["records"].as_array().unwrap();
    assert_eq!(records.len(), 1, "{result}");
    &records[0]
}

fn item(node: &Daemon, index: usize) -> Json {
    node.get("/v1/inbox?limit=100")["items"][index].clone()
}

#[test]
fn what_may_go_on_goes_on_verifies_alone_and_goes_no_further() {
    let next =
        agreement("next", "agency", "outside", "declaration", "agency_control", "[\"filing\", \"item\", \"route\"]");
    let audits = ["platform", "customs", "agency"]
        .map(|of| agreement(&format!("audit-{of}"), of, "outside", "opening", "audit", "[\"*\"]"));
    let network = Network::found(&MEMBERS, &[[parcels(), next].as_slice(), &audits].concat());
    let nodes = MEMBERS.map(|(id, _, _)| network.start(id));
    let [platform, customs, agency, outside] = &nodes;
    platform.put("one", 0, &[record("A-1"), record("A-2"), record("A-3")]).unwrap();
    platform.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["accepted"] == 3);
    let disclosed = platform.get("/v1/records?reference=A-2")[0]["deliveries"].clone();
    let root = customs.get("/v1/records?reference=A-2")[0]["root"].as_str().unwrap().to_owned();

    // Refused with the term: to whom, for what, how much, and what is not here.
    let refusals: [(&[&str], &str); 6] = [
        (
            &["--root", &root, "--to", "outside", "--purpose", "agency_control"],
            "agreement parcels row 1 lets customs pass filing, item, route on to any agency of KR for agency_control only",
        ),
        (
            &["--root", &root, "--to", "agency", "--purpose", "enforcement"],
            "agreement parcels row 1 lets customs pass filing, item, route on to any agency of KR for agency_control only",
        ),
        (
            &["--root", &root, "--to", "agency", "--purpose", "agency_control", "--groups", "filing,sender"],
            "agreement parcels row 1 lets customs pass no more than filing, item, route of what came on to agency for agency_control",
        ),
        (
            &["--root", &root, "--to", "agency", "--purpose", "agency_control", "--groups", "weight"],
            "declaration version 1 has no group 'weight'",
        ),
        (&["--root", &"0".repeat(64), "--to", "agency", "--purpose", "agency_control"], "this node did not receive it"),
        (&["--root", &root, "--to", "nobody", "--purpose", "agency_control"], "no card names a node of nobody"),
    ];
    for (arguments, reason) in refusals {
        let (code, result) = pass(customs, arguments);
        assert_eq!((code, &result["dispatches"]), (1, &json!(0)), "{result}");
        assert_eq!(only(&result)["reason"], reason, "{result}");
    }
    let (code, result) = pass(platform, &["--root", &root, "--to", "agency", "--purpose", "agency_control"]);
    assert_eq!((code, only(&result)["reason"].as_str()), (1, Some("this node did not receive it")));

    // Passed on, once, as soon as a quorum has cosigned the receipt.
    customs.witnessed();
    let wish = ["--item", "A-2", "--to", "agency", "--purpose", "agency_control"];
    let (code, result) = pass(customs, &wish);
    assert_eq!((code, &result["dispatches"], &only(&result)["state"]), (0, &json!(1), &json!("passed")), "{result}");
    assert_eq!(only(&result)["groups"], json!(["filing", "item", "route"]));
    customs.outbox("the last recipient's receipt", |state| state["pending"] == 0 && state["sent"]["accepted"] == 1);
    let (code, again) = pass(customs, &wish);
    assert_eq!((code, &again["dispatches"], &only(&again)["state"]), (0, &json!(0), &json!("already")), "{again}");
    // Narrower is within what went; another record of the same dispatch is another matter.
    let (_, narrower) = pass(customs, &[&wish[..], &["--groups", "filing"]].concat());
    assert_eq!(only(&narrower)["state"], "already");

    // At the last recipient: what it is, where from, and nothing more.
    let got = agency.get("/v1/records?reference=A-2")[0].clone();
    assert_eq!((&got["root"], &got["issuer"]), (&json!(root), &json!("platform")));
    let received = &got["received"];
    assert_eq!((&received["sender"], &received["source"]), (&json!("customs/n1"), &json!("platform")), "{received}");
    assert_eq!((&received["agreement"], &received["purpose"]), (&json!("parcels"), &json!("agency_control")));
    assert!(!got.to_string().contains("Hidden Works"), "{got}");
    assert!(agency.get("/v1/records?reference=A-1").as_array().unwrap().is_empty());
    let shown = luxor(&["show", "A-2", "--node", agency.dir().to_str().unwrap()]);
    assert!(
        shown.contains("received from platform through customs/n1 as number 1 under parcels, for agency_control"),
        "{shown}"
    );
    // At the one who passed it on: listed as disclosed.
    let listed = customs.get(&format!("/v1/onward?root={root}"));
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!((&listed[0]["recipient"], &listed[0]["state"]), (&json!("agency/n1"), &json!("accepted")));
    let shown = luxor(&["show", "A-2", "--node", customs.dir().to_str().unwrap()]);
    assert!(shown.contains("passed on to") && shown.contains("agency/n1"), "{shown}");
    // The issuer's own disclosures are as they were.
    assert_eq!(platform.get("/v1/records?reference=A-2")[0]["deliveries"], disclosed);

    // No second hop, though the agency has an agreement of its own.
    let (code, result) = pass(agency, &["--root", &root, "--to", "outside", "--purpose", "agency_control"]);
    assert_eq!(code, 1);
    assert_eq!(
        only(&result)["reason"],
        "it came from platform through customs under agreement parcels, onward for agency_control; what came so is not passed on again"
    );

    // Offline, by the agency's own documents, in which the agreement is not.
    let index = received["index"].to_string();
    let file = network.root.path().join("source");
    let folder = network.dir("agency");
    let (path, dir) = (file.to_str().unwrap(), folder.to_str().unwrap());
    luxor(&["onward", "source", &index, "--node", dir, "-o", path]);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let audited = luxor_json(&["audit", "--all", "--node", outside.dir().to_str().unwrap()]);
    for (id, _, _) in &MEMBERS[..3] {
        let reports = audited["reports"].as_array().unwrap();
        let report = reports.iter().find(|report| report["node"] == format!("{id}/n1")).unwrap();
        assert_eq!(report["findings_count"], 0, "{report}");
    }
    drop(nodes);
    let verify = |file: &str| {
        let (code, text, errors) = try_luxor(&["onward", "verify", file, "--documents", dir, "--json"]);
        (code, serde_json::from_str::<Json>(&text).unwrap_or_default(), errors)
    };
    let (code, proven, errors) = verify(path);
    assert_eq!(code, 0, "{errors}");
    assert_eq!((&proven["issuer"], &proven["through"]), (&json!("platform"), &json!("customs/n1")));
    assert_eq!((&proven["roots"], &proven["contested"]), (&json!([root]), &json!(false)));
    let honest = std::fs::read(&file).unwrap();
    for at in (0..honest.len()).step_by(41) {
        let mut spoilt = honest.clone();
        spoilt[at] ^= 1;
        std::fs::write(&file, &spoilt).unwrap();
        let (code, _, errors) = verify(path);
        assert_eq!(code, 1, "byte {at}: {errors}");
    }
    MEMBERS.iter().for_each(|(id, _, _)| check(&network.dir(id)));
}

#[test]
fn a_later_version_without_the_permission_stops_what_goes_on() {
    let network = Network::found(&MEMBERS[..3], &[parcels()]);
    let [platform, customs, agency] = ["platform", "customs", "agency"].map(|id| network.start(id));
    platform.put("one", 0, &[record("B-1"), record("B-2"), record("B-3")]).unwrap();
    platform.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["accepted"] == 3);
    customs.witnessed();
    let wish = |reference: &'static str| ["--item", reference, "--to", "agency", "--purpose", "agency_control"];
    let (code, result) = pass(&customs, &wish("B-1"));
    assert_eq!((code, &only(&result)["state"]), (0, &json!("passed")), "{result}");
    until("the receipt of the last recipient", || {
        (customs.get("/v1/outbox?wait_ms=1000")["sent"]["accepted"] == 1).then_some(())
    });
    assert_eq!(item(&agency, 0)["source"], "platform");
    // On its way while its recipient is away.
    assert_eq!(agency.inbox().len(), 1);
    drop(agency);
    let (code, result) = pass(&customs, &wish("B-3"));
    assert_eq!((code, &only(&result)["state"]), (0, &json!("passed")), "{result}");
    assert_eq!(customs.waiting().len(), 1);
    // The same agreement in its next version, without the permission.
    let before = network.dir("platform").join("documents/agreement-parcels.luxor");
    let document = luxor_protocol::document::Document::read(
        luxor_protocol::document::DocumentKind::Agreement,
        &std::fs::read(before).unwrap(),
    )
    .unwrap();
    let mut agreement = luxor_protocol::document::Agreement::open(&document).unwrap();
    agreement.flows[0].onward.clear();
    let mut next = agreement.to_successor(&document);
    for party in ["platform", "customs"] {
        let key = std::fs::read_to_string(network.dir(party).join("keys/identity.key")).unwrap();
        let key = luxor_protocol::keys::SecretKey::parse(luxor_protocol::keys::KeyUse::Identity, key.trim()).unwrap();
        next.sign(&party.parse().unwrap(), &key);
    }
    let file = network.root.path().join("next.luxor");
    std::fs::write(&file, luxor_protocol::cbor::Encode::to_cbor(&next)).unwrap();
    luxor(&["install", "--node", customs.dir().to_str().unwrap(), file.to_str().unwrap()]);
    let (code, result) = pass(&customs, &wish("B-2"));
    assert_eq!(code, 1);
    assert_eq!(only(&result)["reason"], "agreement parcels row 1 does not let customs pass anything on", "{result}");
    // What waited does not go: its number is settled by the withdrawal.
    let withdrawn =
        until("the withdrawal", || customs.waiting().first().filter(|row| row["withdrawn"] == true).cloned());
    assert_eq!(withdrawn["number"], 2);
    let agency = network.start("agency");
    customs.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["withdrawn"] == 1);
    let accepted: Vec<u64> = agency.inbox().iter().map(|item| item["accepted"].as_u64().unwrap()).collect();
    assert_eq!(accepted, [1, 0]);
}

/// The same with the issuer's wish to hear of erasures, and days that part: what came is due before what went on.
fn told() -> String {
    let groups = "[\"filing\", \"item\", \"route\"]";
    let row = agreement("parcels", "platform", "customs", "declaration", "safety_security", groups);
    let row = row.replace("retention_days = 30", "retention_days = 12");
    format!(
        "{row}terms = {{ deletion_receipt = \"yes\" }}\n[[flow.onward]]\nkinds = [\"agency KR\"]\npurpose = \"agency_control\"\n\
         groups = [\"filing\", \"item\", \"route\"]\nretention_days = 12\n"
    )
}

fn start(network: &Network, days: &str) -> [Daemon; 3] {
    let nodes = ["platform", "customs", "agency"].map(|id| network.start_with(id, &["--clock-ahead-days", days]));
    nodes.map(Daemon::awake)
}

fn erase(node: &Daemon, item: &str) -> (i32, String) {
    let dir = node.dir().to_str().unwrap();
    let (code, _, errors) = try_luxor(&["erase", "--node", dir, "--item", item, "--ground", "order 7"]);
    (code, errors)
}

fn disclosed(node: &Daemon, item: &str) -> Json {
    luxor_json(&["disclosures", "--node", node.dir().to_str().unwrap(), "--item", item])
}

#[test]
fn what_goes_on_is_erased_held_and_told_at_each_of_the_two() {
    let network = Network::found(&MEMBERS[..3], &[told()]);
    let [platform, customs, agency] = start(&network, "0");
    platform.put("one", 0, &["E-1", "E-2", "E-3", "E-4"].map(record)).unwrap();
    platform.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["accepted"] == 4);
    drop([platform, customs, agency]);
    // Four days later, so that what goes on is due later than what came.
    let [platform, customs, agency] = start(&network, "4");
    customs.witnessed();
    // One of the batch is erased; the others go on all the same.
    assert_eq!(erase(&customs, "ITEM-E-1").0, 0);
    let roots = ["E-2", "E-3", "E-4"]
        .map(|of| customs.get(&format!("/v1/records?reference={of}"))[0]["root"].as_str().unwrap().to_owned());
    let [_, third, fourth] = &roots;
    let wish: Vec<&str> = roots.iter().flat_map(|root| ["--root", root]).collect();
    let (code, result) = pass(&customs, &[&wish[..], &["--to", "agency", "--purpose", "agency_control"]].concat());
    assert_eq!((code, &result["dispatches"]), (0, &json!(1)), "{result}");
    customs.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["accepted"] == 3);

    // Erased by order at the last recipient: the rest still verifies, and whoever passed it on has its word.
    assert_eq!(erase(&agency, "ITEM-E-3").0, 0);
    let index = item(&agency, 0)["index"].to_string();
    let (file, dir) = (network.root.path().join("source"), agency.dir().to_str().unwrap().to_owned());
    luxor(&["onward", "source", &index, "--node", &dir, "-o", file.to_str().unwrap()]);
    let proven = luxor_json(&["onward", "verify", file.to_str().unwrap(), "--documents", &dir]);
    assert_eq!(proven["roots"], json!([roots[0], fourth]), "{proven}");
    let erased_on = |item: &str| disclosed(&customs, item)[0]["disclosures"][0]["erased_on"].clone();
    until("the word of the last recipient", || erased_on("ITEM-E-3").is_string().then_some(()));
    assert_eq!(erased_on("ITEM-E-4"), Json::Null);

    // Held at both, by item and by an agreement that the last recipient is no party to.
    let hold = |node: &Daemon, on: &[&str]| {
        let dir = node.dir().to_str().unwrap();
        luxor_json(&[&["hold", "add", "--node", dir, "--ground", "case 9"], on].concat())
    };
    hold(&customs, &["--item", "ITEM-E-2"]);
    let of_agreement = hold(&agency, &["--agreement", "parcels"]);
    for (node, item) in [(&customs, "ITEM-E-2"), (&agency, "ITEM-E-2")] {
        let (code, errors) = erase(node, item);
        assert!(code != 0 && errors.contains("is held: hold ") && errors.contains("case 9"), "{errors}");
    }
    luxor(&["hold", "release", "--node", agency.dir().to_str().unwrap(), &of_agreement["hold"].to_string()]);
    // Erased by order at the one who passed it on: the name is gone, the dispatch stays listed by its root.
    assert_eq!(erase(&customs, "ITEM-E-3").0, 0);
    assert_eq!(disclosed(&customs, "ITEM-E-3"), json!([]));
    assert_eq!(customs.get(&format!("/v1/onward?root={third}")).as_array().unwrap().len(), 1);
    drop([platform, customs, agency]);
    for id in ["platform", "customs", "agency"] {
        check(&network.dir(id));
    }

    // What came is due: not what is held, nor the register of what went on.
    let [platform, customs, agency] = start(&network, "13");
    luxor(&["erase", "--node", customs.dir().to_str().unwrap(), "--due"]);
    assert_eq!(customs.get("/v1/records?reference=E-4"), json!([]));
    assert_eq!(customs.get("/v1/records?reference=E-2").as_array().unwrap().len(), 1);
    assert_eq!(disclosed(&customs, "ITEM-E-4")[0]["disclosures"][0]["state"], "received");
    drop([platform, customs, agency]);
    // That is due as well, but for what is held.
    let [platform, customs, agency] = start(&network, "17");
    for node in [&customs, &agency] {
        luxor(&["erase", "--node", node.dir().to_str().unwrap(), "--due"]);
    }
    assert_eq!(agency.get("/v1/records?reference=E-4"), json!([]));
    assert_eq!(disclosed(&customs, "ITEM-E-2").as_array().unwrap().len(), 1);
    let dir = customs.dir().to_str().unwrap();
    for hold in luxor_json(&["hold", "list", "--node", dir]).as_array().unwrap() {
        luxor(&["hold", "release", "--node", dir, &hold["hold"].to_string()]);
    }
    luxor(&["erase", "--node", dir, "--due"]);
    for item in ["ITEM-E-2", "ITEM-E-4"] {
        assert_eq!(disclosed(&customs, item), json!([]));
    }
    assert_eq!(customs.get(&format!("/v1/onward?root={fourth}")), json!([]));
    drop([platform, customs, agency]);
    for id in ["platform", "customs", "agency"] {
        check(&network.dir(id));
    }
}

/// The dispatch came and its answer was lost; what was withdrawn then is there, and does not go again. A suspension withdraws what waits, a
/// kill passes nothing on twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_withdrawn_suspended_or_killed_on_its_way_goes_once_or_not_at_all() {
    let network = Network::found(&MEMBERS[..3], &[parcels()]);
    let [platform, customs, agency] = ["platform", "customs", "agency"].map(|id| network.start(id));
    platform.put("one", 0, &["F-1", "F-2", "F-3"].map(record)).unwrap();
    platform.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["accepted"] == 3);
    customs.witnessed();
    drop(agency);
    let wish = |reference: &'static str| ["--item", reference, "--to", "agency", "--purpose", "agency_control"];

    let (net, mut requests) = stand_in(&network, "agency", true).await;
    assert_eq!(only(&pass(&customs, &wish("F-1")).1)["state"], "passed");
    let body = loop {
        let came = tokio::time::timeout(std::time::Duration::from_secs(60), requests.recv()).await.unwrap().unwrap();
        if matches!(Request::from_vec(came.body.clone()), Ok(Request::Dispatch(_))) {
            break Arc::new(came.body);
        }
    };
    drop(requests);
    net.shutdown().await;
    customs.outbox("a reason", |state| state["waiting"]["agency/n1"].is_string());
    let withdrawal = json!({"recipient": "agency/n1", "number": 1, "lane": "ordinary"});
    let (status, answer) = customs.post("/v1/outbox/withdrawals", &withdrawal);
    assert_eq!(status, 200, "{answer}");
    drop(customs);
    let agency = network.start_alone("agency");
    let (net, _requests) = stand_in(&network, "customs", false).await;
    let key = Folder::new(network.dir("agency")).keys().unwrap().transport.public().bytes();
    net.handle().request(TransportKey(key), body).await.unwrap();
    net.shutdown().await;
    assert_eq!(agency.get("/v1/status")["received"]["accepted"], 1);
    let customs = network.start("customs").awake();
    customs.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["accepted"] == 1);
    let (code, again) = pass(&customs, &wish("F-1"));
    assert_eq!((code, &only(&again)["state"]), (0, &json!("already")), "{again}");

    // Suspended while it waits.
    drop(agency);
    assert_eq!(only(&pass(&customs, &wish("F-2")).1)["state"], "passed");
    let dir = platform.dir().to_str().unwrap().to_owned();
    try_luxor(&["agreement", "suspend", "parcels", "--reason", "a new law", "--node", &dir]);
    until("the withdrawal", || customs.waiting().first().filter(|row| row["withdrawn"] == true).cloned());
    let (_, refused) = pass(&customs, &wish("F-2"));
    assert!(only(&refused)["reason"].as_str().unwrap().contains("platform has suspended the agreement"), "{refused}");
    luxor(&["agreement", "resume", "parcels", "--node", &dir]);
    let agency = network.start("agency").awake();
    customs.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["withdrawn"] == 1);
    let resumed = until("the resumption", || {
        let (_, result) = pass(&customs, &wish("F-2"));
        (only(&result)["state"] != "refused").then_some(result)
    });
    assert_eq!(only(&resumed)["state"], "passed", "{resumed}");
    customs.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["accepted"] == 2);
    let root = customs.get("/v1/records?reference=F-3")[0]["root"].clone();
    drop([platform, customs, agency]);

    // Killed at a write while it passes on.
    if let Some(why) = strace::missing() {
        return println!("skipped: kills while records are passed on: {why}");
    }
    let (place, trace) = (network.root.path().join("killed"), network.root.path().join("trace"));
    let request = json!({"roots": [root], "to": "agency", "purpose": "agency_control", "lane": "ordinary"});
    let mut reached = 0;
    for at in 1..=4 {
        let _ = std::fs::remove_dir_all(&place);
        copy(&network.dir("customs"), &place);
        std::fs::write(&trace, "").unwrap();
        let fault = Fault { target: &JOURNAL, failure: Failure::Kill, phase: Phase::Start, at };
        let node = network.launch_in_folder(place.clone(), &fault.command(&place, &trace), &["--without-witnesses"]);
        if node.ready().is_none() {
            let _ = node.try_post("/v1/onward", &request);
        }
        drop(node);
        reached += u64::from(strace::hit(&trace).is_some());
        check(&place);
        let node = Network::start_in(place.clone(), &["--without-witnesses"]).awake();
        let (status, result) = node.post("/v1/onward", &request);
        assert_eq!(status, 200, "{result}");
        assert!(["passed", "already"].contains(&only(&result)["state"].as_str().unwrap()), "{fault}: {result}");
        assert_eq!(node.waiting().len(), 1, "{fault}");
        drop(node);
        check(&place);
    }
    assert!(reached > 0, "no kill is reached");
}
