//! A coordinator named by the charter, over real nodes: what it brings together is one ground whose issuers stay visible, what it mutes hits
//! nothing, and all of it ends with the charter that names it.

use luxor_tests::{Daemon, Network, agreement, luxor, luxor_json, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 4] =
    [("a", "customs", "KR"), ("b", "customs", "JP"), ("cen", "customs", "TH"), ("shop", "platform", "CN")];

fn id(number: u64) -> String {
    format!("indicator--00000000-0000-4000-8000-{number:012x}")
}

/// An indicator about toys; one that merges some of a's, with their grades.
fn indicator(number: u64, revision: u64, confidence: u64, merges: &[(u64, Option<u64>)]) -> Json {
    let mut record = json!({
        "type": "indicator",
        "reference": { "own_reference": format!("I-{number}-{revision}"), "made_at": "2026-11-01T08:00:00Z", "revision": revision },
        "indicator": {
            "id": id(number), "valid_from": "2026-11-01T00:00:00Z", "valid_until": "2027-11-01T00:00:00Z", "threat": "counterfeit",
            "confidence": confidence, "tlp": "amber", "advice": "inspect",
        },
        "goods_sought": [{ "hs": "9503" }],
    });
    let row = |(number, grade): &(u64, Option<u64>)| {
        let row = json!({ "issuer": "a", "indicator": id(*number), "text": "seen twice" });
        grade.map_or(row.clone(), |grade| {
            let mut row = row;
            row["grade"] = grade.into();
            row
        })
    };
    if !merges.is_empty() {
        record["merges"] = merges.iter().map(row).collect();
    }
    record
}

fn parcel(reference: &str) -> Json {
    json!({
        "type": "declaration", "version": 3, "filing": { "own_reference": reference }, "route": { "destination": "JP" },
        "goods": [{ "classification": { "hs": "950300" } }],
    })
}

struct World {
    network: Network,
    a: Daemon,
    cen: Daemon,
    shop: Daemon,
}

impl World {
    fn found() -> Self {
        let warn = |id: &str, from: &str, to: &str| agreement(id, from, to, "indicator", "enforcement", "[\"*\"]");
        let parcels = agreement("parcels", "shop", "b", "declaration", "safety_security", "[\"*\"]");
        let agreements = [
            warn("warn-b", "a", "b"),
            warn("warn-cen", "a", "cen"),
            warn("merged", "cen", "b"),
            parcels.replace("version = 1", "version = 3"),
        ];
        let network = Network::found(&MEMBERS, &agreements);
        let [a, cen, shop] = ["a", "cen", "shop"].map(|id| network.start(id));
        Self { network, a, cen, shop }
    }

    /// A charter with these lines before the one that holds, from the only governor.
    fn charter(&self, b: &Daemon, version: u64, change: impl FnOnce(String) -> String) {
        let dir = self.a.dir().to_str().unwrap();
        let file = self.network.root.path().join(format!("charter-{version}.toml"));
        luxor(&["charter", "draft", "--current", "--node", dir, "-o", file.to_str().unwrap()]);
        std::fs::write(&file, change(std::fs::read_to_string(&file).unwrap())).unwrap();
        luxor(&["charter", "propose", file.to_str().unwrap(), "--node", dir]);
        for node in [&self.cen, b] {
            let dir = node.dir().to_str().unwrap();
            until("the next charter", || {
                (luxor_json(&["charter", "status", "--node", dir])["version"] == version).then_some(())
            });
        }
    }
}

fn sent(node: &Daemon, name: &str, record: Json) {
    let said = node.put(name, 0, &[record]).unwrap();
    assert!(said["records"][0]["accepted"]["recipients"].as_u64() > Some(0), "{said}");
}

/// What a proposal about a parcel rests on: who with which score in thousandths, and whose it brings together.
fn grounds(b: &Daemon, reference: &str) -> Vec<(String, u64, Vec<String>)> {
    let page = b.get("/v1/screening/queue?limit=100");
    let found = page["proposals"].as_array().unwrap().iter().find(|line| line["reference"] == reference);
    let grounds = found.map(|line| line["grounds"].as_array().unwrap().clone()).unwrap_or_default();
    let issuer = |ground: &Json| ground["issuer"].as_str().unwrap().to_owned();
    let ground = |ground: &Json| {
        let merged = ground["merged"].as_array().map(|merged| merged.iter().map(issuer).collect()).unwrap_or_default();
        (issuer(ground), ground["score"].as_u64().unwrap() / 1_000, merged)
    };
    grounds.iter().map(ground).collect()
}

fn rests_on(b: &Daemon, reference: &str, on: &[(&str, u64, &[&str])]) {
    let on: Vec<_> = on
        .iter()
        .map(|(issuer, score, merged)| {
            ((*issuer).to_owned(), *score, merged.iter().map(|issuer| (*issuer).to_owned()).collect::<Vec<_>>())
        })
        .collect();
    until(&format!("{reference} rests on {on:?}"), || (grounds(b, reference) == on).then_some(()));
}

/// How the indicator of a stands at b, and by which grades.
fn stands(b: &Daemon) -> (String, Vec<Option<u64>>) {
    let page = b.get("/v1/screening/indicators?issuer=a&limit=100");
    let Some(line) = page["indicators"].get(0) else { return (String::new(), Vec::new()) };
    let grades = line["grades"].as_array().unwrap().iter().map(|grade| grade["grade"].as_u64()).collect();
    (line["state"].as_str().unwrap().to_owned(), grades)
}

#[test]
fn a_coordinator_merges_and_mutes_as_long_as_the_charter_names_it() {
    let world = World::found();
    let b = world.network.start("b");
    sent(&world.a, "warn", indicator(1, 0, 60, &[]));
    until("the indicator", || (stands(&b).0 == "live").then_some(()));
    sent(&world.shop, "p1", parcel("P-1"));
    rests_on(&b, "P-1", &[("a", 600, &[])]);

    // Nobody names it yet: its node sends nothing.
    let said = world.cen.put("early", 0, &[indicator(7, 0, 90, &[(1, None)])]).unwrap();
    let refused = &said["records"][0]["refused"];
    assert_eq!(refused["pointer"], "/merges", "{said}");
    assert!(refused["reason"].as_str().unwrap().contains("the charter in force does not name it"), "{said}");

    world.charter(&b, 2, |draft| format!("coordinators = [\"cen\"]\n{draft}"));
    sent(&world.cen, "merge", indicator(7, 0, 90, &[(1, None)]));
    // What came before is looked at again: one ground, and whose report it is.
    rests_on(&b, "P-1", &[("cen", 900, &["a"])]);
    assert_eq!(stands(&b), ("live".into(), vec![None]));
    let dir = b.dir().to_str().unwrap().to_owned();
    let (_, shown, _) = try_luxor(&["queue", "list", "--node", &dir]);
    assert!(shown.contains("counterfeit of cen, merges a"), "{shown}");

    // A grade of 0 in a newer version: a's is muted, which b can see, and the coordinator's own still hits.
    sent(&world.cen, "mute", indicator(7, 1, 80, &[(1, Some(0))]));
    until("a's is muted", || (stands(&b) == ("muted".into(), vec![Some(0)])).then_some(()));
    sent(&world.shop, "p2", parcel("P-2"));
    rests_on(&b, "P-2", &[("cen", 800, &[])]);
    let (_, shown, _) = try_luxor(&["queue", "indicators", "--node", &dir]);
    assert!(shown.contains(&format!("cen mutes it by {}: seen twice", id(7))), "{shown}");

    // A restart comes to the same.
    drop(b);
    let b = world.network.start("b");
    until("a's is muted again", || (stands(&b) == ("muted".into(), vec![Some(0)])).then_some(()));

    // A charter that names nobody ends it: both hit by themselves, also what came before.
    world.charter(&b, 3, |draft| draft.replace("coordinators = [\"cen\"]\n", ""));
    until("a's counts again", || (stands(&b) == ("live".into(), Vec::new())).then_some(()));
    sent(&world.shop, "p3", parcel("P-3"));
    rests_on(&b, "P-3", &[("cen", 800, &[]), ("a", 600, &[])]);
    // And the next one brings it back, with what it looks at anew.
    world.charter(&b, 4, |draft| format!("coordinators = [\"cen\"]\n{draft}"));
    rests_on(&b, "P-3", &[("cen", 800, &[])]);
}
