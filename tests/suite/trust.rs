//! Trusted traders over real nodes: issued, recognised across borders, taken back; who may not issue is refused; uses of numbers for duty
//! and tax are confirmed by their holder, and flagged where they are not.

use std::time::{Duration, Instant};

use luxor_tests::{Daemon, Network, agreement, check, luxor, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 4] = [
    ("customs-de", "customs", "DE"),
    ("customs-kr", "customs", "KR"),
    ("customs-jp", "customs", "JP"),
    ("platform", "platform", "US"),
];

/// Within so long a suspension is known at every partner on a live network.
const LIVE: Duration = Duration::from_secs(5);

/// Goods that no arrangement excepts.
const SHIRTS: &str = "&hs=610910";

/// Korea and Japan recognise German traders; and what may flow for that.
fn agreements() -> Vec<String> {
    let mut drafts = vec![
        r#"id = "mra"
title = "Mutual recognition"
instrument = "Test"
article = "1"
controller = "each party"
parties = ["customs-de", "customs-jp", "customs-kr"]
valid_from = "2020-01-01"
valid_until = "2099-12-31"
[[recognises]]
member = "customs-de"
attestation = "aeo"
programme = "EU AEO"
by = ["customs-jp", "customs-kr"]
purposes = ["safety_security", "facilitation"]
benefits = ["fewer_controls", "priority"]
except_hs = ["2402"]
"#
        .to_owned(),
    ];
    for kind in ["attestation", "status_list"] {
        for to in ["customs-kr", "customs-jp", "platform"] {
            drafts.push(agreement(
                &format!("{kind}-{to}").replace('_', "-"),
                "customs-de",
                to,
                kind,
                "facilitation",
                "[\"*\"]",
            ));
        }
        drafts.push(agreement(
            &format!("sellers-{kind}").replace('_', "-"),
            "platform",
            "customs-kr",
            kind,
            "facilitation",
            "[\"*\"]",
        ));
    }
    let declared = agreement("declared", "platform", "customs-de", "declaration", "revenue", "[\"*\"]");
    drafts.push(declared.replace("version = 1\n", "version = 3\n"));
    drafts.push(agreement("confirmed", "platform", "customs-de", "collect_use", "revenue", "[\"*\"]"));
    drafts
}

/// A founded network with its nodes, and an issuer's folder beside each of some members.
struct World {
    network: Network,
    nodes: Vec<Daemon>,
}

impl World {
    /// With issuers' keys on the cards of these members.
    fn new(issuers: &[&str]) -> Self {
        let network = Network::found(&MEMBERS, &agreements());
        network.publish("customs-de", 1);
        let nodes: Vec<_> = MEMBERS.iter().map(|(id, _, _)| network.start(id)).collect();
        let nodes: Vec<_> = nodes.into_iter().map(Daemon::awake).collect();
        let world = Self { network, nodes };
        luxor(&["attest", "keygen", "--holder", &world.path("holder")]);
        for member in issuers {
            let (dir, uri) = (world.path(&format!("issuer-{member}")), format!("https://{member}.example"));
            luxor(&["attest", "keygen", "--dir", &dir, "--issuer", &uri, "--statuses", "4096"]);
            luxor(&["card", "attest-key", "add", "--dir", &dir, "--node", &world.folder(member)]);
        }
        // A record under a key that a recipient does not know yet is refused there.
        let cards = MEMBERS.len() + issuers.len();
        for node in &world.nodes {
            until("every node to know the cards with keys for attestations", || {
                (node.get("/v1/documents")["cards"].as_array().unwrap().len() >= cards).then_some(())
            });
        }
        world
    }

    fn path(&self, name: &str) -> String {
        self.network.root.path().join(name).to_str().unwrap().to_owned()
    }

    fn folder(&self, member: &str) -> String {
        self.network.dir(member).to_str().unwrap().to_owned()
    }

    fn node(&self, member: &str) -> &Daemon {
        &self.nodes[MEMBERS.iter().position(|(id, _, _)| *id == member).unwrap()]
    }

    /// `luxor attest <command> --dir <issuer of member> <arguments> --node <member>`
    fn attest(&self, command: &str, member: &str, arguments: &[&str]) -> (i32, String, String) {
        let (dir, node) = (self.path(&format!("issuer-{member}")), self.folder(member));
        let all = [&["attest", command, "--dir", &dir, "--node", &node][..], arguments].concat();
        try_luxor(&all)
    }

    /// Waits until `luxor attest verify` says so of a number's credential, by the status list that the node of its issuer serves.
    fn verified(&self, number: &str, www: &str, says: &str) {
        let list = format!("{}/status/1", self.node("customs-de").public_log().unwrap());
        let (file, keys) = (self.path(&format!("{number}.credential")), format!("{www}/.well-known/jwt-vc-issuer"));
        until(says, || {
            let (_, output, _) = try_luxor(&["attest", "verify", &file, "--issuer", &keys, "--status", &list]);
            output.lines().any(|line| line.contains("status") && line.contains(says)).then_some(())
        });
    }

    /// An `aeo` of this national type for this number; the answer.
    fn aeo(&self, member: &str, national_type: &str, number: &str) -> (i32, String, String) {
        let (holder, out) = (self.path("holder.jwk"), self.path(&format!("{number}.credential")));
        let claims = [
            "programme=EU AEO",
            "country=DE",
            &format!("national_type={national_type}"),
            &format!("eori={number}"),
            "legal_name=Example GmbH",
            "consent=C-1",
            "standing=active",
            "standing_since=2024-01-01",
        ]
        .map(str::to_owned);
        let mut arguments = vec!["--type", "aeo", "--holder", &holder, "--out", &out];
        claims.iter().for_each(|claim| arguments.extend(["--claim", claim]));
        self.attest("issue", member, &arguments)
    }
}

fn recognition(node: &Daemon, scheme: &str, number: &str, more: &str) -> Json {
    let number = number.replace(' ', "%20");
    node.get(&format!("/v1/recognition?scheme={scheme}&number={number}&purpose=safety_security{more}"))
}

fn reasons(answer: &Json) -> String {
    answer["sentences"].to_string()
}

#[test]
fn a_suspended_trader_loses_its_benefits_at_every_partner_at_once_and_the_past_stays_explained() {
    let world = World::new(&["customs-de"]);
    let partners = ["customs-kr", "customs-jp"];
    assert_eq!(world.aeo("customs-de", "AEOF", "DE1234567").0, 0);
    assert_eq!(world.aeo("customs-de", "AEOC", "DE7654321").0, 0);
    // Without a status list nobody is recognised.
    let unknown = until("the credential to arrive", || {
        let answer = recognition(world.node("customs-kr"), "eori", "DE1234567", SHIRTS);
        reasons(&answer).contains("no status").then_some(answer)
    });
    assert_eq!(unknown["recognised"], false);
    let www = world.path("www");
    assert_eq!(world.attest("publish", "customs-de", &["--to", &www]).0, 0);
    // Anybody verifies it by the list that the node serves.
    world.verified("DE1234567", &www, "valid");
    for partner in partners {
        let known = until("the trader to be recognised", || {
            let answer = recognition(world.node(partner), "eori", "DE1234567", SHIRTS);
            (answer["recognised"] == true).then_some(answer)
        });
        assert_eq!(known["benefits"], json!(["fewer_controls", "priority"]), "{known}");
        assert_eq!(known["rows"][0]["agreement"], "mra");
        assert_eq!(known["evidence"]["issuer"], "customs-de");
        let tobacco = recognition(world.node(partner), "eori", "DE1234567", "&hs=240220");
        assert_eq!(tobacco["recognised"], false, "{tobacco}");
        // Simplifications are national: they give nothing abroad.
        let simplified = recognition(world.node(partner), "eori", "DE7654321", SHIRTS);
        assert_eq!(simplified["recognised"], false, "{simplified}");
        assert!(reasons(&simplified).contains("security"), "{simplified}");
    }
    let before = now();
    let began = Instant::now();
    assert_eq!(world.attest("suspend", "customs-de", &["--subject", "DE1234567", "--reason", "audit"]).0, 0);
    for partner in partners {
        until("the benefits to be gone", || {
            let answer = recognition(world.node(partner), "eori", "DE1234567", SHIRTS);
            (answer["recognised"] == false && reasons(&answer).contains("suspended")).then_some(())
        });
    }
    let took = began.elapsed();
    world.verified("DE1234567", &www, "suspended");
    println!("suspended at every partner after {} ms", took.as_millis());
    assert!(took < LIVE, "{took:?}");
    let World { network, nodes } = world;
    let past = format!("{SHIRTS}&at={}", time(before));
    let mut nodes: Vec<_> = nodes.into_iter().map(Some).collect();
    let asked = recognition(nodes[1].as_ref().unwrap(), "eori", "DE1234567", &past);
    assert_eq!(asked["recognised"], true, "{asked}");
    // After a new start the same is said of then and of now.
    assert!(nodes[1].take().unwrap().end().success());
    check(&network.dir("customs-kr"));
    let again = network.start("customs-kr").awake();
    let then = until("what is stored to be read", || {
        let path = format!("/v1/recognition?scheme=eori&number=DE1234567&purpose=safety_security{past}");
        again.try_get(&path).ok()
    });
    assert_eq!(then, asked);
    assert_eq!(recognition(&again, "eori", "DE1234567", SHIRTS)["recognised"], false);
}

#[test]
fn on_a_cut_network_a_trader_is_recognised_no_longer_than_the_list_lives() {
    let world = World::new(&["customs-de"]);
    assert_eq!(world.aeo("customs-de", "AEOF", "DE1234567").0, 0);
    assert_eq!(world.attest("publish", "customs-de", &["--life", "2d"]).0, 0);
    let path = format!("/v1/recognition?scheme=eori&number=DE1234567&purpose=safety_security{SHIRTS}");
    until("Japan to recognise the trader", || {
        (world.node("customs-jp").get(&path)["recognised"] == true).then_some(())
    });
    // Japan is cut off before it can hear of the suspension.
    let World { network, mut nodes } = world;
    assert!(nodes.remove(2).end().success());
    let world = World { network, nodes };
    assert_eq!(world.attest("suspend", "customs-de", &["--subject", "DE1234567"]).0, 0);
    let World { network, nodes } = world;
    drop(nodes);
    for (days, ended) in
        [("1", None), ("3", Some("status list of customs-de")), ("8", Some("credential of customs-de"))]
    {
        let cut = network.start_with("customs-jp", &["--without-witnesses", "--clock-ahead-days", days]).awake();
        let answer = until("what is stored to be read", || cut.try_get(&path).ok());
        assert_eq!(answer["recognised"], ended.is_none(), "{answer}");
        let says = ended.is_none_or(|what| reasons(&answer).contains(what) && reasons(&answer).contains("expired"));
        assert!(says, "after {days} days: {answer}");
        assert!(cut.end().success());
    }
}

#[test]
fn who_may_not_issue_is_refused_by_name_and_a_vouched_seller_is_no_trusted_trader() {
    let world = World::new(&["platform", "customs-de"]);
    let (code, output, errors) = world.aeo("platform", "AEOF", "DE1234567");
    let said = format!("{output}{errors}");
    assert!(code != 0 && said.contains("platform is a platform"), "{code} {said}");
    // It never reached anybody.
    let unknown = recognition(world.node("customs-kr"), "eori", "DE1234567", "");
    assert!(reasons(&unknown).contains("no attestation under this number"), "{unknown}");
    let (holder, out) = (world.path("holder.jwk"), world.path("seller.credential"));
    let claims = [
        "seller=Shop One",
        "legal_name=Shop One Ltd",
        "level=documented",
        "checks=identity",
        "since=2025-01-01",
        "incidents=0",
    ];
    let mut arguments = vec!["--type", "vetted_seller", "--holder", &holder, "--out", &out];
    claims.iter().for_each(|claim| arguments.extend(["--claim", claim]));
    let (code, output, errors) = world.attest("issue", "platform", &arguments);
    assert_eq!(code, 0, "{output}{errors}");
    assert_eq!(world.attest("publish", "platform", &[]).0, 0);
    let answer = until("the seller to be known", || {
        let answer = recognition(world.node("customs-kr"), "seller", "Shop One", "");
        (!reasons(&answer).contains("no attestation") && !reasons(&answer).contains("no status")).then_some(answer)
    });
    assert_eq!(answer["recognised"], false);
    assert!(reasons(&answer).contains("gives no benefit"), "{answer}");
}

/// Parcels, and how many of them are not confirmed.
fn counts() -> (usize, usize) {
    if std::env::var_os("LUXOR_TEST_LONG").is_some() { (10_000, 20) } else { (1_000, 20) }
}

#[test]
fn exactly_the_uses_that_nobody_confirmed_are_flagged_before_departure() {
    let world = World::new(&["customs-de"]);
    let (parcels, planted) = counts();
    let (holder, out) = (world.path("holder.jwk"), world.path("collect.credential"));
    let claims = ["ioss=IM2760000001", "territory=EU", "collects=tax", "from=2026-01-01", "legal_name=Shop One"];
    let mut arguments = vec!["--type", "collect", "--holder", &holder, "--out", &out];
    claims.iter().for_each(|claim| arguments.extend(["--claim", claim]));
    let (code, output, errors) = world.attest("issue", "customs-de", &arguments);
    assert_eq!(code, 0, "{output}{errors}");
    assert_eq!(world.attest("publish", "customs-de", &[]).0, 0);

    let platform = world.node("platform");
    let departs = time(now() + 86_400_000);
    let declaration = |number: usize| {
        json!({"type": "declaration", "version": 3, "filing": {"own_reference": format!("D-{number}"), "kind": "ens_preloading"},
            "item": {"scheme": "platform", "id": format!("P-{number}")}, "fiscal": [{"id": "IM2760000001", "role": "FR5"}],
            "route": {"departure": "US", "destination": "DE", "departs_at": departs}, "mass": {"gross_kg": "1.5"},
            "sender": {"name": "A", "country": "US"}, "addressee": {"name": "B", "country": "DE"},
            "goods": [{"content": {"description": "cotton shirts for children"}, "classification": {"hs": "610910"},
                "value": {"amount": "20.00", "currency": "EUR"}, "origin": {"country": "US", "net_kg": "1.2"}}]})
    };
    let all: Vec<_> = (0..parcels).map(declaration).collect();
    for (chunk, records) in all.chunks(500).enumerate() {
        let answer = platform.put("declared", chunk as u64, records).unwrap();
        assert!(answer["records"].as_array().unwrap().iter().all(|r| r["accepted"].is_object()), "{answer}");
    }
    let mut random = [0u8; 8];
    getrandom::fill(&mut random).unwrap();
    let first = usize::from_le_bytes(random) % (parcels / planted);
    let is_planted = |number: &usize| number % (parcels / planted) == first;
    let confirmed: Vec<_> = (0..parcels).filter(|n| !is_planted(n)).map(|n| format!("P-{n}\n")).collect();
    std::fs::write(world.path("items"), confirmed.concat()).unwrap();
    let (key, items, node) = (world.path("holder"), world.path("items"), world.folder("platform"));
    let confirm =
        ["attest", "confirm", "--key", &key, "--number", "IM2760000001", "--period", "2026-11", "--scheme", "platform"];
    luxor(&[&confirm[..], &["--items", &items, "--node", &node]].concat());

    let customs = world.node("customs-de");
    let report = until("only those to be flagged that were planted", || {
        let report = customs.get("/v1/uses");
        let all = report["watched"].as_u64() == Some(parcels as u64);
        (all && report["unconfirmed"].as_array().unwrap().len() == planted).then_some(report)
    });
    let flagged: Vec<_> =
        report["unconfirmed"].as_array().unwrap().iter().map(|of| of["item"].as_str().unwrap().to_owned()).collect();
    let mut expected: Vec<_> = (0..parcels).filter(is_planted).map(|n| format!("P-{n}")).collect();
    let mut sorted = flagged.clone();
    sorted.sort();
    expected.sort();
    assert_eq!(sorted, expected);
    for line in report["unconfirmed"].as_array().unwrap() {
        assert_eq!((&line["state"], &line["number"]), (&json!("unconfirmed"), &json!("IM2760000001")), "{line}");
        assert_eq!(line["mandated_by"], "customs-de");
    }
    // The life of an item says it too, and a late word clears the flag. Another's key does not.
    let of_item = |item: &str| customs.get(&format!("/v1/items?id={item}"))["uses"][0]["state"].clone();
    assert_eq!(of_item(&flagged[0]), "unconfirmed");
    luxor(&["attest", "keygen", "--holder", &world.path("thief")]);
    let thief = world.path("thief");
    let mut stolen = confirm.to_vec();
    stolen[3] = &thief;
    luxor(&[&stolen[..], &["--item", &flagged[1], "--node", &node]].concat());
    luxor(&[&confirm[..], &["--item", &flagged[0], "--node", &node]].concat());
    until("the flag to be cleared", || (of_item(&flagged[0]) == "confirmed").then_some(()));
    assert_eq!(of_item(&flagged[1]), "unconfirmed");
    let (code, table, _) = try_luxor(&["uses", "--node", &world.folder("customs-de")]);
    assert!(
        code != 0 && table.contains(&flagged[1]) && !table.contains(&format!(" {} ", flagged[0])),
        "{code} {table}"
    );
}

/// Now, in milliseconds since 1970.
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64
}

fn time(millis: u64) -> String {
    luxor_protocol::time::Millis(millis).to_string()
}
