//! Duty and statistics over real nodes: what is assessed is submitted and reconciled, facts are made of a node's records, and two members'
//! publications reach a third one, which verifies them and adds them up.

use std::path::Path;

use luxor_tests::{Daemon, Network, agreement, luxor, luxor_json, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 3] =
    [("customs", "customs", "DE"), ("post", "post", "US"), ("office", "customs", "FR")];

const BOOK: &str =
    "name = 'own'\nversion = '1'\n[[rate]]\ntable = 'vat'\ndestinations = ['DE']\npercent = '19'\nsource = 'test'\n";

fn agreements() -> Vec<String> {
    let declarations = agreement("declared", "post", "customs", "declaration", "revenue", "[\"*\"]");
    let addressed = |draft: String| draft.replace("retention_days", "handling = true\nretention_days");
    vec![
        declarations.replace("version = 1\n", "version = 3\n"),
        agreement("taxed", "customs", "post", "duty", "revenue", "[\"*\"]"),
        addressed(agreement("stats-customs", "customs", "office", "statistics", "statistics", "[\"*\"]")),
        addressed(agreement("stats-post", "post", "office", "statistics", "statistics", "[\"*\"]")),
    ]
}

/// Shirts and phones of so many senders each, declared by the post.
fn declarations() -> Vec<Json> {
    let one = |at: usize| {
        let hs = if at < 6 { "610910" } else { "851713" };
        json!({"type": "declaration", "version": 3, "filing": {"own_reference": format!("D-{at}"), "kind": "import", "filed_on": "2026-11-20"},
            "item": {"scheme": "platform", "id": format!("P-{at}")}, "route": {"departure": "US", "destination": "DE", "mode": "5"},
            "mass": {"gross_kg": "1.5"}, "sender": {"name": format!("Maker {at}"), "country": "US"},
            "addressee": {"name": format!("Buyer {at}"), "country": "DE"}, "declarant": [{"role": "declarant", "name": format!("Filer {at}")}],
            "goods": [{"content": {"description": "cotton shirts for children"}, "classification": {"hs": hs},
                "value": {"amount": "20.00", "currency": "EUR"}, "origin": {"country": "CN", "net_kg": "1.2"}}]})
    };
    (0..12).map(one).collect()
}

fn write_lines(path: &Path, records: &[Json]) -> String {
    std::fs::write(path, records.iter().map(|record| format!("{record}\n")).collect::<String>()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Facts of a member's node, as a signed table.
fn table(network: &Network, member: &str, facts: &str) -> String {
    let path = |name: &str| network.root.path().join(format!("{member}-{name}")).to_str().unwrap().to_owned();
    let (dir, out) = (network.dir(member).to_str().unwrap().to_owned(), path("stats.luxor"));
    let months = ["--from", "2026-11", "--to", "2026-11", "--currency", "EUR"];
    luxor(
        &[&["stats", "table", facts, "--table", "t=product:chapter,origin", "--node", &dir, "-o", &out], &months[..]]
            .concat(),
    );
    out
}

#[test]
fn what_is_declared_is_assessed_counted_published_and_added_up() {
    let network = Network::found(&MEMBERS, &agreements());
    let nodes: Vec<_> = MEMBERS.iter().map(|(id, _, _)| network.start(id)).collect();
    let nodes: Vec<_> = nodes.into_iter().map(Daemon::awake).collect();
    let [customs, post, office] = &nodes[..] else { panic!() };
    let dir = |member: &str| network.dir(member).to_str().unwrap().to_owned();
    let path = |name: &str| network.root.path().join(name);
    let text = |name: &str| path(name).to_str().unwrap().to_owned();

    // The post declares, customs assesses what it got, and the post learns what is owed.
    let declared = write_lines(&path("declared.ndjson"), &declarations());
    luxor(&["submit", &declared, "--node", &dir("post"), "--wait", "60"]);
    until("the declarations to arrive", || {
        let found = customs.get("/v1/records?reference=D-11");
        (!found.as_array().unwrap().is_empty()).then_some(())
    });
    std::fs::write(path("book.toml"), BOOK).unwrap();
    let said =
        luxor(&["duty", "assess", "--book", &text("book.toml"), "--file", &declared, "-o", &text("duty.ndjson")]);
    for part in [
        "to DE on 2026-11-20",
        "3 for each of 1 tariff line = 3.00 EUR",
        "19% of cif 23.00 EUR, with line 1 = 4.37 EUR",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    luxor(&["submit", &text("duty.ndjson"), "--node", &dir("customs"), "--wait", "60"]);
    // Reconciliation at the recipient of the records: 24 lines are owed, and nobody collected.
    let page = until("what is assessed to be accounted for at the post", || {
        let page = post.try_get("/v1/reconciliation").ok()?;
        (page["records"].as_u64()? >= 24).then_some(page)
    });
    assert_eq!(page["items"], 12, "{page}");

    // Facts of what customs knows: one row for each goods item, with the duty that it assessed; no name.
    let facts = |member: &str, more: &[&str]| {
        let out = text(&format!("{member}.csv"));
        let months =
            ["--flow", "import", "--from", "2026-11", "--to", "2026-11", "--currency", "EUR", "-o", &out, "--json"];
        let told = try_luxor(&[&["stats", "facts", "--node", &dir(member)], &months[..], more].concat());
        let told: (i32, Json) = (told.0, serde_json::from_str(&told.1).unwrap());
        (told, std::fs::read_to_string(&out).unwrap(), out)
    };
    // What came for revenue is not for statistics, unless whoever asks says so.
    let ((code, told), rows, _) = facts("customs", &[]);
    assert_eq!((code, &told["facts"], rows.lines().count()), (0, &json!(0), 1), "{told}");
    let ((code, told), rows, customs_facts) = facts("customs", &["--purposes", "revenue,statistics"]);
    assert_eq!(
        (code, &told["facts"], &told["records"], &told["left_out"]),
        (0, &json!(12), &json!(24), &json!([])),
        "{told}"
    );
    assert!(rows.contains("2026-11,import,6109,CN,DE,5,consumer,2000,1200,737,i"), "{rows}");
    assert!(rows.contains(",i12,s12,f12") && !rows.contains("Buyer"), "{rows}");
    // The post knows the same of what it declared.
    let ((_, told), rows_of_post, post_facts) = facts("post", &["--purposes", "revenue"]);
    assert_eq!((&told["facts"], rows_of_post == rows), (&json!(12), true), "{told}");

    // Both publish to the office, each under its own agreement, which verifies and adds them up.
    let mut fetched = Vec::new();
    for (member, facts) in [("customs", &customs_facts), ("post", &post_facts)] {
        let file = table(&network, member, facts);
        let agreement = format!("stats-{member}");
        let send = ["stats", "publish", &file, "--to", "office", "--node", &dir(member), "--agreement", &agreement];
        let sent = luxor_json(&send);
        assert_eq!(sent["delivery"]["state"], "accepted", "{sent}");
        // Once more sends nothing once more.
        assert_eq!(luxor_json(&send)["delivery"]["number"], sent["delivery"]["number"]);
        let reference = sent["reference"].as_str().unwrap().to_owned();
        let out = text(&format!("{member}-fetched.luxor"));
        luxor(&["stats", "fetch", &reference, "--node", &dir("office"), "-o", &out]);
        assert_eq!(std::fs::read(&out).unwrap(), std::fs::read(&file).unwrap());
        fetched.push(out);
    }
    let documents = network.dir("office").join("documents").to_str().unwrap().to_owned();
    let all = luxor(&["stats", "combine", &fetched[0], &fetched[1], "--documents", &documents, "--csv", "-"]);
    assert!(all.contains("t,import,_T,CN,_T,61,_T,_T,published,12,24000,14400,8844,EUR"), "{all}");

    // What is not given is said: by another agreement, to nobody, of another member.
    let file = text("customs-stats.luxor");
    for (member, to, agreement) in [
        ("customs", "office", "taxed"),
        ("customs", "post", "stats-customs"),
        ("customs", "office", "nothing"),
        ("post", "office", "stats-post"),
    ] {
        let (code, _, errors) =
            try_luxor(&["stats", "publish", &file, "--to", to, "--agreement", agreement, "--node", &dir(member)]);
        assert_eq!(code, 4, "{member} {to} {agreement}: {errors}");
    }
    // A record that carries a publication whose signature does not hold is told so.
    let mut record: Json = serde_json::from_str(
        &std::fs::read_to_string({
            let out = text("record.ndjson");
            let months = ["--from", "2026-11", "--to", "2026-11", "--currency", "EUR", "--record", &out];
            let other = text("other.luxor");
            luxor(
                &[
                    &["stats", "table", &customs_facts, "--table", "x=origin", "--node", &dir("customs"), "-o", &other],
                    &months[..],
                ]
                .concat(),
            );
            out
        })
        .unwrap(),
    )
    .unwrap();
    let file = record["publication"]["file"].as_str().unwrap().to_owned();
    let last = if file.ends_with('0') { "1" } else { "0" };
    record["publication"]["file"] = format!("{}{last}", &file[..file.len() - 1]).into();
    record["reference"]["own_reference"] = "BAD".into();
    record["handling"] = json!({"destination_customs": "office"});
    let bad = write_lines(&path("bad.ndjson"), &[record]);
    luxor(&["submit", &bad, "--node", &dir("customs"), "--wait", "60"]);
    until("the record to arrive", || {
        (!office.get("/v1/records?reference=BAD").as_array().unwrap().is_empty()).then_some(())
    });
    let (code, _, errors) = try_luxor(&["stats", "fetch", "BAD", "--node", &dir("office"), "-o", &text("bad.luxor")]);
    assert!(code == 1 && errors.contains("do not hold") && !path("bad.luxor").exists(), "{code} {errors}");
}
