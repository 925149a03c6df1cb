//! The life of an item over real nodes: a declaration, the bag that it travels in, a do-not-load that comes too late, each party seeing its
//! own views; and rules of quality at both ends.

use luxor_tests::{Network, agreement, check, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 3] =
    [("post", "post", "GB"), ("customs", "customs", "KR"), ("carrier", "carrier", "GB")];

const ITEM: &str = "RB123456785GB";
const BAG: &str = "GBLHRAKRSELAAUN61234001110023";

/// What may flow: each type from one member to another, everything shown but what is named.
fn agreements() -> Vec<String> {
    let row =
        |id: &str, from: &str, to: &str, kind: &str, purpose: &str| agreement(id, from, to, kind, purpose, "[\"*\"]");
    let declared =
        row("declared", "post", "customs", "declaration", "safety_security").replace("version = 1\n", "version = 3\n");
    vec![
        declared,
        row("bags", "post", "customs", "consignment", "safety_security"),
        row("bags-carried", "post", "carrier", "consignment", "delivery"),
        row("asked", "customs", "carrier", "referral", "safety_security"),
        row("answered", "carrier", "customs", "referral_answer", "safety_security"),
        row("departed", "carrier", "customs", "event", "delivery"),
    ]
}

fn declaration(reference: &str, hs: &str) -> Json {
    json!({"type": "declaration", "version": 3, "filing": {"own_reference": reference, "kind": "ens_preloading"},
        "item": {"scheme": "s10", "id": ITEM, "posted_on": "2026-11-20"},
        "route": {"departure": "GB", "destination": "KR"}, "mass": {"gross_kg": "1.5"},
        "sender": {"name": "A", "country": "GB"}, "addressee": {"name": "B", "country": "KR"},
        "goods": [{"content": {"description": "cotton shirts for children"}, "classification": {"hs": hs},
            "value": {"amount": "20.00", "currency": "GBP"}, "origin": {"country": "GB", "net_kg": "1.2"}}]})
}

fn bag() -> Json {
    json!({"type": "consignment", "reference": {"own_reference": "BAG-1"}, "unit": {"level": "receptacle", "id": BAG},
        "contains": [{"level": "item", "scheme": "s10", "id": ITEM, "posted_on": "2026-11-20"}],
        "handling": {"carrier": "carrier"}, "route": {"departure": "GB", "destination": "KR"}})
}

fn do_not_load() -> Json {
    json!({"type": "referral", "reference": {"own_reference": "DNL-1"},
        "item": {"scheme": "s10", "id": ITEM, "posted_on": "2026-11-20"},
        "unit": {"level": "receptacle", "id": BAG},
        "referral": {"kind": "dnl", "reference": "KR-77", "state": "open"},
        "route": {"departure": "GB", "destination": "KR"},
        "handling": {"carrier": "carrier", "destination_customs": "customs"}})
}

fn already_departed() -> Json {
    json!({"type": "referral_answer", "reference": {"own_reference": "ANS-1"},
        "item": {"scheme": "s10", "id": ITEM, "posted_on": "2026-11-20"},
        "answer": {"kind": "dnl", "reference": "KR-77", "outcome": "already_departed"},
        "handling": {"destination_customs": "customs"}})
}

#[test]
fn a_do_not_load_that_comes_too_late_alarms_customs() {
    let network = Network::found(&MEMBERS, &agreements());
    let [post, customs, carrier] = MEMBERS.map(|(id, _, _)| network.start(id));
    let [post, customs, carrier] = [post.awake(), customs.awake(), carrier.awake()];
    let answer = post.put("s1", 0, &[declaration("DECL-1", "610910"), bag()]).unwrap();
    assert!(answer["records"].as_array().unwrap().iter().all(|record| record["accepted"].is_object()), "{answer}");
    let item = |node: &luxor_tests::Daemon, more: &str| node.try_get(&format!("/v1/items?id={ITEM}{more}"));
    let life = until("customs to know the item in its bag", || {
        let declared = |life: &Json| life["records"]["declaration"][0]["reference"] == "DECL-1";
        item(&customs, "").ok().filter(|life| life["transport"][0]["id"] == BAG && declared(life))
    });
    assert_eq!(life["records"]["declaration"][0]["reference"], "DECL-1", "{life}");
    assert_eq!(life["purposes"], json!(["safety_security"]));
    // The same number with the spaces that people write.
    let spaced = customs.get("/v1/items?id=RB%20123%20456%20785%20GB");
    assert_eq!(spaced["records"], life["records"]);
    // The carrier sees the bag only: neither the declaration nor what is in it beyond numbers.
    let seen = until("the carrier to know the bag", || item(&carrier, "").ok());
    assert!(seen["records"].get("declaration").is_none() && seen["records"]["consignment"][0].is_object(), "{seen}");
    assert!(!seen.to_string().contains("cotton"), "{seen}");

    customs.put("s2", 0, &[do_not_load()]).unwrap();
    let queued =
        until("the referral at the carrier", || carrier.get("/v1/referrals").as_array().unwrap().first().cloned());
    assert_eq!((&queued["referral"]["reference"], &queued["referral"]["state"]), (&json!("KR-77"), &json!("open")));
    let at = network.dir("customs");
    let asked = ["referrals", "--node", at.to_str().unwrap()];
    let (code, text, errors) = try_luxor(&asked);
    assert!(code == 0 && text.contains("KR-77") && !text.contains("ALARM"), "{text}{errors}");

    carrier.put("s3", 0, &[already_departed()]).unwrap();
    let alarmed = until("the alarm at customs", || {
        let queue = customs.get("/v1/referrals");
        queue[0]["alarms"][0].is_object().then_some(queue)
    });
    assert_eq!(alarmed[0]["alarms"][0]["kind"], "already_departed", "{alarmed}");
    let (code, text, errors) = try_luxor(&asked);
    assert!(code == 1 && text.contains("ALARM already_departed"), "{text}{errors}");
    // What came for another purpose is joined only for whoever names both.
    let departed = json!({"type": "event", "reference": {"own_reference": "EV-1"},
        "unit": {"level": "receptacle", "id": BAG}, "event": {"code": "departed", "at": "2026-11-21T08:00:00Z"}});
    carrier.put("s4", 0, &[departed]).unwrap();
    until("the event at customs", || item(&customs, "").err());
    let told = |id: &str| try_luxor(&["item", id, "--node", at.to_str().unwrap()]).2;
    let refused = told(ITEM);
    assert!(refused.contains("came for safety_security, delivery"), "{refused}");
    let both = item(&customs, "&purposes=safety_security,delivery").unwrap();
    let codes: Vec<_> = both["steps"].as_array().unwrap().iter().map(|step| step["what"].as_str().unwrap()).collect();
    assert!(codes.iter().any(|what| what.contains("departed")), "{codes:?}");
    let one = item(&customs, "&purposes=safety_security").unwrap();
    assert!(one["records"].get("event").is_none(), "{one}");
    // A receipt with a quorum proves when it was lodged.
    customs.witnessed();
    let proven = until("the proven time", || {
        let life = item(&customs, "&purposes=safety_security").unwrap();
        life["records"]["declaration"][0]["proven"].is_string().then_some(life)
    });
    assert!(proven["records"]["declaration"][0]["claimed"].is_string());
    let unknown = told("RR000000005GB");
    assert!(unknown.contains("no record here names 'RR000000005GB'"), "{unknown}");
    drop([post, customs, carrier]);
    MEMBERS.iter().for_each(|(id, _, _)| check(&network.dir(id)));
}

#[test]
fn quality_is_judged_at_both_ends_as_each_operator_wants() {
    let network = Network::found(&MEMBERS, &agreements());
    let [post, customs, carrier] = MEMBERS.map(|(id, _, _)| network.start(id));
    let [post, customs, carrier] = [post.awake(), customs.awake(), carrier.awake()];
    let told = post.put("s1", 0, &[declaration("Q-1", "851712"), declaration("Q-2", "610910")]).unwrap();
    let found = &told["records"][0]["accepted"]["findings"];
    assert!(found.to_string().contains("hs.unknown"), "{told}");
    assert_eq!(found[0]["pointer"], "/goods/1/classification/hs", "{told}");
    assert!(!told["records"][1].to_string().contains("hs.unknown"), "{told}");
    let arrived = |count: usize| until("the records at customs", || (customs.arrived().len() == count).then_some(()));
    arrived(2);
    let page = customs.get("/v1/quality");
    let figures = &page["report"]["senders"]["post"];
    assert_eq!((&figures["records"], &figures["by_rule"]["hs.unknown"]["records"]), (&json!(2), &json!(1)), "{page}");
    assert_eq!(customs.get("/v1/quality?of=carrier")["report"]["all"]["records"], 0);
    assert_eq!(customs.get("/v1/quality?since=2999-01-01")["report"]["all"]["records"], 0);
    let at = network.dir("customs");
    let (code, text, errors) = try_luxor(&["quality", "--node", at.to_str().unwrap()]);
    assert!(code == 1 && text.contains("error hs.unknown: 1 finding in 1 record (500 per mille)"), "{text}{errors}");
    assert!(text.contains("851712") && text.contains("2022"), "{text}");
    let (_, csv, _) = try_luxor(&["quality", "--csv", "--of", "post", "--node", at.to_str().unwrap()]);
    assert!(csv.contains("post,2,1,500,hs.unknown,error,1,1,500"), "{csv}");
    drop([post, customs, carrier]);

    // Customs takes nothing with an error from now on; its verdict names rule and place.
    network.configure("customs", "[rules]\nothers = \"refuse\"");
    let [post, customs, carrier] = MEMBERS.map(|(id, _, _)| network.start(id));
    let [post, customs, carrier] = [post.awake(), customs.awake(), carrier.awake()];
    post.put("s2", 0, &[declaration("Q-3", "851712"), declaration("Q-4", "610910")]).unwrap();
    let state = until("the verdict on Q-3", || {
        let records = post.get("/v1/records?reference=Q-3");
        let state = records[0]["deliveries"][0]["state"].as_str().unwrap().to_owned();
        (state != "waiting").then_some(state)
    });
    assert_eq!(state, "rejected: quality at /goods/1/classification/hs#hs.unknown");
    until("Q-4 at customs", || customs.arrived().contains_key("Q-4").then_some(()));
    assert!(!customs.arrived().contains_key("Q-3"));
    drop([post, customs, carrier]);

    // The post itself sends nothing with an error from now on, and knows a code more.
    std::fs::write(
        network.dir("post").join("quality.toml"),
        "name = \"ours\"\nversion = \"2026-11-26\"\n[[hs]]\nedition = 2022\ncodes = [\"851712\"]\nsource = \"test\"\n",
    )
    .unwrap();
    network.configure("post", "[rules]\nown = \"refuse\"\nquality = \"quality.toml\"");
    let [post, customs, carrier] = MEMBERS.map(|(id, _, _)| network.start(id));
    let [post, customs, carrier] = [post.awake(), customs.awake(), carrier.awake()];
    let told = post.put("s3", 0, &[declaration("Q-5", "999998"), declaration("Q-6", "851712")]).unwrap();
    let refused = &told["records"][0]["refused"];
    assert_eq!(
        (&refused["fault"], &refused["pointer"]),
        (&json!("quality"), &json!("/goods/1/classification/hs#hs.unknown"))
    );
    assert!(told["records"][1]["accepted"].is_object(), "{told}");
    assert!(post.get("/v1/records?reference=Q-5").as_array().unwrap().is_empty());
    drop([post, customs, carrier]);
    MEMBERS.iter().for_each(|(id, _, _)| check(&network.dir(id)));
}

/// A declaration, its bag and a departure that the carrier tells of, so many minutes from now.
fn filed(network: &Network, minutes: i64) -> Vec<luxor_tests::Daemon> {
    let nodes: Vec<_> = MEMBERS.iter().map(|(id, _, _)| network.start(id)).collect();
    let nodes: Vec<_> = nodes.into_iter().map(luxor_tests::Daemon::awake).collect();
    nodes[0].put("s1", 0, &[declaration("DECL-1", "610910"), bag()]).unwrap();
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let at = seconds.checked_add_signed(minutes * 60).unwrap();
    let at = luxor_protocol::time::Millis(at * 1_000).to_string();
    let departed = json!({"type": "event", "reference": {"own_reference": "EV-1"},
        "item": {"scheme": "s10", "id": ITEM, "posted_on": "2026-11-20"}, "event": {"code": "departed", "at": at}});
    nodes[2].put("s2", 0, &[departed]).unwrap();
    nodes
}

/// A network in which the post hears of departures, and a deadline of an hour before them.
fn timed() -> Network {
    let mut all = agreements();
    all.push(agreement("departed-post", "carrier", "post", "event", "safety_security", "[\"*\"]"));
    let network = Network::found(&MEMBERS, &all);
    let rule = "[[deadline]]\nid = \"kr-hour\"\nterritory = \"KR\"\nfiling = \"ens_preloading\"\nmark = \"departure\"\n\
        minutes_before = 60\nfrom = \"2020-01-01\"\nsource = \"test\"\n";
    std::fs::write(network.dir("post").join("life.toml"), rule).unwrap();
    network.configure("post", "[rules]\nlife = \"life.toml\"");
    network
}

fn own_deadline(post: &luxor_tests::Daemon, verdict: &str) -> Json {
    until("the filer's own deadline", || {
        let life = post.try_get(&format!("/v1/items?id={ITEM}")).ok()?;
        (life["timeliness"][0]["verdict"] == verdict).then_some(life)
    })
}

#[test]
fn a_filer_knows_from_the_recipients_witnesses_that_it_was_in_time_also_after_a_restart() {
    let network = timed();
    let mut nodes = filed(&network, 180);
    let life = own_deadline(&nodes[0], "in_time");
    let line = &life["timeliness"][0];
    assert_eq!((&line["lodged_with"], &line["rule"]), (&json!("customs"), &json!("kr-hour")), "{line}");
    assert!(line["claimed"].is_string() && line["proven"].is_string(), "{line}");
    let with = &life["records"]["declaration"][0]["lodged_with"];
    assert_eq!((&with[0]["member"], &with[0]["proven"]), (&json!("customs"), &line["proven"]), "{with}");
    // No rule of release is known for its destination, and customs is told the same of what it sees.
    assert_eq!(life["immediate"][0]["category"], "four", "{life}");
    let dir = network.dir("post");
    let (_, text, _) = try_luxor(&["item", ITEM, "--node", dir.to_str().unwrap()]);
    assert!(text.contains("proven 20") && text.contains("by customs") && text.contains("immediate release"), "{text}");
    drop(nodes.remove(0));
    check(&dir);
    drop(nodes);
    let post = network.start_alone("post");
    assert_eq!(own_deadline(&post, "in_time")["timeliness"][0]["proven"], line["proven"], "nobody can be asked");
}

#[test]
fn a_late_filing_is_late_by_proven_time_at_its_filer() {
    let network = timed();
    let nodes = filed(&network, 30);
    let line = own_deadline(&nodes[0], "late")["timeliness"][0].clone();
    assert!(line["by_millis"].as_u64().unwrap() >= 30 * 60_000 && line["proven"].is_string(), "{line}");
}
