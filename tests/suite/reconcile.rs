//! Business reconciliation over real nodes: exactly what was planted is listed, people decide, months close, payments come, and after a
//! restart it is the same.

use luxor_protocol::life::ItemId;
use luxor_protocol::record::content_to_json;
use luxor_protocol::revenue::{Account, Money, RecordRef, StatedLine, SummaryItem};
use luxor_tests::{Daemon, Network, agreement, check, luxor, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 3] =
    [("customs", "customs", "DE"), ("post", "post", "DE"), ("platform", "platform", "US")];

/// Every term ends at once.
const RULES: &str = "purposes = ['revenue']\n";

fn agreements() -> Vec<String> {
    let rows = [
        ("platform", "customs", "declaration"),
        ("platform", "customs", "duty"),
        ("platform", "customs", "summary"),
        ("platform", "customs", "return"),
        ("post", "customs", "event"),
        ("post", "customs", "consignment"),
        ("customs", "platform", "customs_response"),
        ("customs", "platform", "duty"),
    ];
    let draft = |(from, to, kind): &(&str, &str, &str)| {
        let id = format!("{kind}-{from}").replace('_', "-");
        let draft = agreement(&id, from, to, kind, "revenue", "[\"*\"]");
        if *kind == "declaration" { draft.replace("version = 1\n", "version = 3\n") } else { draft }
    };
    rows.iter().map(draft).collect()
}

fn item(nth: usize) -> Json {
    json!({ "scheme": "platform", "id": format!("P-{nth}") })
}

fn declaration(nth: usize) -> Json {
    json!({"type": "declaration", "version": 3, "filing": {"own_reference": format!("D-{nth}"), "kind": "import"},
        "item": item(nth), "route": {"departure": "US", "destination": "DE"}, "mass": {"gross_kg": "1.5", "packages": 1},
        "sender": {"name": "A", "country": "US"}, "addressee": {"name": "B", "country": "DE"},
        "goods": [{"content": {"description": "cotton shirts for children"}, "classification": {"hs": "610910"},
            "value": {"amount": "20.00", "currency": "EUR"}, "origin": {"country": "US", "net_kg": "1.2"}}]})
}

fn arrival(nth: usize) -> Json {
    json!({"type": "event", "reference": {"own_reference": format!("E-{nth}")}, "item": item(nth),
        "route": {"destination": "DE"}, "event": {"code": "arrived", "at": "2026-11-20T10:00:00Z"}})
}

fn release(nth: usize, reference: &str) -> Json {
    json!({"type": "customs_response", "reference": {"own_reference": reference}, "item": item(nth),
        "response": {"status": "released"}, "handling": {"filer": "platform"}})
}

fn duty(reference: &str, nth: usize, stage: &str, assessed: Option<&str>) -> Json {
    let mut duty = json!({"stage": stage, "model": "vendor", "territory": "DE", "day": "2026-10-20"});
    if let Some(assessed) = assessed {
        duty["about"] = assessed.into();
        duty["about_issuer"] = "customs".into();
    }
    if stage == "collected" {
        duty["account"] = "IM1".into();
        duty["period"] = "2026-10".into();
    }
    json!({"type": "duty", "reference": {"own_reference": reference}, "item": item(nth), "duty": duty,
        "lines": [{"number": 1, "tax": "B00", "kind": "fee", "amount": "3.80", "currency": "EUR"}]})
}

fn claim(reference: &str, nth: usize) -> Json {
    json!({"type": "return", "reference": {"own_reference": reference}, "item": item(nth),
        "return": {"procedure": "vendor_correction", "state": "claimed", "territory": "DE", "claimed_on": "2026-11-10"},
        "claimant": {"capacity": "vendor"},
        "claimed": [{"issuer": "customs", "reference": format!("T-{nth}"), "line": 1, "tax": "B00", "amount": "3.80", "currency": "EUR"}]})
}

/// The platform's account of October: what it collected for these items.
fn summary(items: &[usize]) -> Json {
    let period = "2026-10".parse().unwrap();
    let mut account = Account::new("IM1");
    for nth in items {
        let amount = Money::new("3.80".parse().unwrap(), "EUR".parse().unwrap());
        let item = SummaryItem {
            duty: RecordRef { issuer: "platform".parse().unwrap(), reference: format!("C-{nth}") },
            item: ItemId::new(Some("platform"), None, &format!("P-{nth}")),
            territory: "DE".parse().unwrap(),
            lines: vec![StatedLine { number: 1, tax: "B00".into(), amount }],
        };
        account.add(period, &item).unwrap();
    }
    let mut record = content_to_json(&account.close(period).unwrap().content("S-1", Some("REF-1")).unwrap());
    record["summary"]["due"] = "2026-11-05".into();
    record
}

fn put(node: &Daemon, name: &str, records: &[Json]) {
    let answer = node.put(name, 0, records).unwrap();
    let all = answer["records"].as_array().unwrap();
    assert!(all.len() == records.len() && all.iter().all(|record| record["accepted"].is_object()), "{answer}");
}

fn rules() -> String {
    let terms = ["arrival", "declaration", "collection", "remittance", "refund", "return", "payment"];
    let term = |what: &&str| format!("[[term]]\nwhat = '{what}'\ndays = 0\nfrom = '2020-01-01'\nsource = 'test'\n");
    let tolerance = "[[tolerance]]\nwhat = 'mass'\npercent = '2'\nfrom = '2020-01-01'\nsource = 'test'\n";
    format!("{RULES}{}{tolerance}", terms.iter().map(term).collect::<String>())
}

/// Class, item or account, and by how much, of every difference.
fn told(page: &Json) -> Vec<(String, String, String)> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let line = |finding: &Json| {
        let about = if finding["item"].is_null() { &finding["account"] } else { &finding["item"]["id"] };
        (text(&finding["class"]), text(about), text(&finding["difference"]["amount"]))
    };
    page["findings"].as_array().unwrap().iter().map(line).collect()
}

fn expected(all: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let own = |text: &str| text.to_owned();
    all.iter().map(|(class, about, amount)| (own(class), own(about), own(amount))).collect()
}

#[test]
fn exactly_what_was_planted_is_listed_decided_and_the_same_after_a_restart() {
    let network = Network::found(&MEMBERS, &agreements());
    std::fs::write(network.dir("customs").join("accounting.toml"), rules()).unwrap();
    network.configure("customs", "[rules]\naccounting = \"accounting.toml\"");
    let mut nodes: Vec<_> = MEMBERS.iter().map(|(id, _, _)| network.start(id)).collect();
    nodes = nodes.into_iter().map(Daemon::awake).collect();
    let [customs, post, platform] = &nodes[..] else { panic!() };
    // 1 is as it should be. 2 never arrives, 3 is not declared, 4 is heavier, 5 released twice, 6 not collected, 7 claimed twice.
    let declared: Vec<Json> = [1, 2, 4, 5, 6, 7].map(declaration).into();
    put(platform, "declared", &declared);
    put(post, "arrived", &[1, 3, 4, 5, 6, 7].map(arrival));
    let heavy = json!({"type": "consignment", "reference": {"own_reference": "W-4"},
        "unit": {"level": "item", "scheme": "platform", "id": "P-4"}, "route": {"destination": "DE"}, "mass": {"gross_kg": "2.25"}});
    put(post, "weighed", &[heavy]);
    put(customs, "released", &[release(1, "R-1"), release(5, "R-5"), release(5, "R-6")]);
    put(customs, "assessed", &[1, 6, 7].map(|nth| duty(&format!("T-{nth}"), nth, "assessed", None)));
    let stage = |stage: &str, letter: &str| {
        [1, 7].map(|nth| duty(&format!("{letter}-{nth}"), nth, stage, Some(&format!("T-{nth}"))))
    };
    put(platform, "collected", &stage("collected", "C"));
    put(platform, "remitted", &stage("remitted", "M"));
    put(platform, "first", &[claim("K-1", 7)]);
    let folder = network.dir("customs").to_str().unwrap().to_owned();
    // The first claim has to be there before the second: who came first is told by this node's log.
    until("the first claim", || {
        let found = customs.get("/v1/records?reference=K-1");
        (!found.as_array().unwrap().is_empty()).then_some(())
    });
    put(platform, "second", &[claim("K-2", 7)]);
    put(platform, "month", &[summary(&[1, 7])]);
    let bank = network.root.path().join("bank.csv");
    std::fs::write(&bank, "amount,currency,booked,reference,text\n7.30,EUR,2026-11-04,REF-1,\n").unwrap();
    let planted = expected(&[
        ("never_arrived", "P-2", ""),
        ("never_declared", "P-3", ""),
        ("mass_differs", "P-4", "0.75"),
        ("released_twice", "P-5", ""),
        ("not_collected", "P-6", "-3.80"),
        ("given_back_twice", "P-7", ""),
        ("summary_unpaid", "IM1", "-7.60"),
    ]);
    let page = until("what was planted to be found, and nothing else", || {
        let page = customs.try_get("/v1/reconciliation").ok()?;
        (told(&page) == planted).then_some(page)
    });
    let twice = page["findings"].as_array().unwrap().iter().find(|of| of["class"] == "given_back_twice").unwrap();
    assert!(
        twice["text"].as_str().unwrap().contains("claimed already, by vendor_correction K-1 of platform"),
        "{twice}"
    );
    assert_eq!(twice["evidence"].as_array().unwrap().len(), 2);

    // The bank pays 30 cents less; the same statement again changes nothing.
    for known in ["1 payment taken, 0 known", "0 payments taken, 1 known"] {
        let said = luxor(&["reconcile", "payments", bank.to_str().unwrap(), "--node", &folder]);
        assert!(said.contains(known), "{said}");
    }
    let (code, text, _) = try_luxor(&["reconcile", "--node", &folder]);
    assert_eq!(code, 1, "{text}");
    for part in
        ["P-4: mass_differs (OPEN)", "accounted: 1.5 kg by platform", "weighed: 2.25 kg by post", "summary_short"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let csv = try_luxor(&["reconcile", "--class", "mass_differs", "--csv", "--node", &folder]).1;
    assert!(csv.lines().count() == 2 && csv.contains(",0.75,kg,"), "{csv}");

    // People decide; a month is closed, and what comes late corrects it.
    let name = |page: &Json, class: &str| {
        let all = page["findings"].as_array().unwrap();
        all.iter().find(|of| of["class"] == class).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let page = customs.get("/v1/reconciliation");
    luxor(&["reconcile", "explain", &name(&page, "mass_differs"), "--by", "J. Doe", "--why", "wet", "--node", &folder]);
    let short = name(&page, "summary_short");
    let off =
        ["reconcile", "write-off", &short, "--by", "J. Doe", "--why", "small", "--amount", "0.30", "--currency", "EUR"];
    luxor(&[&off[..], &["--node", &folder]].concat());
    let (code, _, errors) = try_luxor(&["reconcile", "explain", "00", "--by", "J", "--why", "w", "--node", &folder]);
    assert!(code == 4 && errors.contains("no difference is called '00'"), "{code} {errors}");
    let close = ["reconcile", "close", "--account", "IM1", "--period", "2026-10", "--by", "J. Doe", "--node", &folder];
    until("the month to be closed", || try_luxor(&close).1.contains("2 records").then_some(()));
    let (code, _, errors) = try_luxor(&close);
    assert!(code == 4 && errors.contains("was closed"), "{code} {errors}");
    put(platform, "late", &[duty("C-8", 1, "collected", None)]);
    let page = until("the correction", || {
        let page = customs.get("/v1/reconciliation");
        (page["corrections"].as_array().unwrap().len() == 1).then_some(page)
    });
    let correction = &page["corrections"][0];
    assert_eq!((&correction["mends"], &correction["period"]), (&json!("2026-10"), &json!("2026-11")), "{correction}");
    assert_eq!((&correction["amount"], &correction["why"]), (&json!("3.80"), &json!("late")), "{correction}");
    let state = |page: &Json, class: &str| {
        page["findings"].as_array().unwrap().iter().find(|of| of["class"] == class).unwrap()["state"].clone()
    };
    assert_eq!(state(&page, "mass_differs"), "explained");
    assert_eq!(state(&page, "summary_short"), "written_off");
    assert_eq!(customs.get("/v1/reconciliation?state=explained")["findings"].as_array().unwrap().len(), 1);

    // Page by page it is the same.
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let part = customs.get(&format!("/v1/reconciliation?limit=2{after}"));
        all.extend(part["findings"].as_array().unwrap().iter().cloned());
        match part["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(Json::Array(all), page["findings"]);

    drop(nodes);
    check(&network.dir("customs"));
    let customs = network.start_alone("customs");
    let again = until("what is stored to be read", || customs.try_get("/v1/reconciliation").ok());
    for part in ["findings", "totals", "corrections"] {
        assert_eq!(again[part], page[part], "{part}");
    }
}
