//! Onward use: what an agreement lets a recipient pass on goes on, verifies at its last recipient without the issuer, and goes no
//! further; everything else is refused with the term that refuses it.

use luxor_tests::{Daemon, Network, agreement, check, luxor, try_luxor, until};
use serde_json::{Value as Json, json};

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
    let audit = luxor(&["audit", "--all", "--node", outside.dir().to_str().unwrap()]);
    assert!(!audit.is_empty());
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
    let nodes = MEMBERS[..3].iter().map(|(id, _, _)| network.start(id)).collect::<Vec<_>>();
    let [platform, customs, agency] = &nodes[..] else { panic!() };
    platform.put("one", 0, &[record("B-1"), record("B-2")]).unwrap();
    platform.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["accepted"] == 2);
    customs.witnessed();
    let wish = |reference: &'static str| ["--item", reference, "--to", "agency", "--purpose", "agency_control"];
    let (code, result) = pass(customs, &wish("B-1"));
    assert_eq!((code, &only(&result)["state"]), (0, &json!("passed")), "{result}");
    until("the receipt of the last recipient", || {
        (customs.get("/v1/outbox?wait_ms=1000")["sent"]["accepted"] == 1).then_some(())
    });
    assert_eq!(item(agency, 0)["source"], "platform");
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
    let (code, result) = pass(customs, &wish("B-2"));
    assert_eq!(code, 1);
    assert_eq!(only(&result)["reason"], "agreement parcels row 1 does not let customs pass anything on", "{result}");
    assert_eq!(agency.inbox().len(), 1);
}
