//! Threat platforms at real nodes by TAXII 2.1: pages, who may read what, what is taken back, what a restart and an erasure leave.

use std::os::unix::fs::PermissionsExt as _;

use luxor_tests::{Daemon, Network, agreement, luxor, luxor_json, try_luxor, until};
use serde_json::{Value as Json, json};

const TAXII: &str = "application/taxii+json;version=2.1";

fn id(number: u64) -> String {
    format!("indicator--00000000-0000-4000-8000-{number:012x}")
}

fn record(number: u64, revision: u64, action: &str) -> Json {
    json!({
        "type": "indicator",
        "reference": { "own_reference": format!("I-{number}-{revision}"), "made_at": "2026-11-01T08:00:00Z", "revision": revision, "action": action },
        "indicator": {
            "id": id(number), "valid_from": "2026-11-01T00:00:00Z", "valid_until": "2027-11-01T00:00:00Z", "threat": "weapons",
            "confidence": 70, "tlp": "amber", "advice": "inspect",
        },
        "goods_sought": [{ "hs": "930690" }], "mass_sought": { "from_kg": "1" },
    })
}

/// A answer: status, headers that matter, JSON.
struct Answer {
    status: u16,
    kind: String,
    asks: bool,
    last: Option<String>,
    json: Json,
}

struct Platform {
    root: String,
    secret: String,
}

impl Platform {
    fn new(node: &Daemon, secret: &str) -> Self {
        let url = node.taxii().unwrap();
        Self { root: url.strip_suffix("/taxii2/").unwrap().to_owned(), secret: secret.to_owned() }
    }

    fn ask(&self, path: &str, accept: &str) -> Answer {
        let request = ureq::get(format!("{}{path}", self.root)).header("Accept", accept);
        let request = request.header("Authorization", format!("Token {}", self.secret));
        let mut response = request.config().http_status_as_error(false).build().call().unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (kind, asks) = (header("content-type").unwrap(), header("www-authenticate").is_some());
        let (status, last) = (response.status().as_u16(), header("x-taxii-date-added-last"));
        let json = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
        Answer { status, kind, asks, last, json }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(path, TAXII)
    }

    /// Titles of its collections with their paths.
    fn collections(&self) -> Vec<(String, String)> {
        let answer =
            until("the log to be read", || Some(self.get("/threats/collections/")).filter(|a| a.status != 503));
        assert_eq!(answer.status, 200, "{}", answer.json);
        let all = answer.json["collections"].as_array().cloned().unwrap_or_default();
        let text = |json: &Json| json.as_str().unwrap().to_owned();
        all.iter().map(|one| (text(&one["title"]), format!("/threats/collections/{}/", text(&one["id"])))).collect()
    }

    /// Every object, so many on a page.
    fn objects(&self, collection: &str, limit: usize) -> Vec<Json> {
        let (mut found, mut next) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{collection}objects/?limit={limit}{next}")).json;
            let objects = page["objects"].as_array().cloned().unwrap_or_default();
            assert!(objects.len() <= limit);
            found.extend(objects);
            if page["more"] != true {
                return found;
            }
            next = format!("&next={}", page["next"].as_str().unwrap());
        }
    }

    fn indicators(&self, collection: &str) -> Vec<Json> {
        self.objects(collection, 1_000).into_iter().filter(|object| object["type"] == "indicator").collect()
    }
}

fn user(node: &Daemon, arguments: &[&str]) -> String {
    let dir = node.dir().to_str().unwrap().to_owned();
    let made = luxor_json(&[&["taxii", "user"], arguments, &["--node", &dir]].concat());
    made["secret"].as_str().unwrap().to_owned()
}

fn put(node: &Daemon, submission: &str, records: &[Json]) {
    node.put(submission, 0, records).unwrap();
    node.outbox("every receipt", |state| state["pending"] == 0);
}

#[test]
fn platforms_read_the_collections_that_they_may_and_the_same_after_a_restart() {
    let members = [("alpha", "customs", "KR"), ("beta", "customs", "NZ"), ("gamma", "agency", "AU")];
    let flows = [
        agreement("alpha-beta", "alpha", "beta", "indicator", "safety_security", "[\"*\"]"),
        agreement(
            "alpha-gamma",
            "alpha",
            "gamma",
            "indicator",
            "safety_security",
            "[\"reference\", \"indicator\", \"goods_sought\"]",
        ),
    ];
    let network = Network::found(&members, &flows);
    network.taxii("alpha");
    network.taxii("beta");
    let (alpha, beta, gamma) = (network.start("alpha"), network.start("beta"), network.start("gamma"));
    let some: Vec<Json> = (0..40).map(|number| record(number, 0, "original")).collect();
    put(&alpha, "some", &some);
    put(&alpha, "back", &[record(7, 1, "cancellation")]);

    // Who says no secret that is one gets nothing, whatever is asked.
    let stranger = Platform::new(&alpha, "0");
    for path in ["/taxii2/", "/threats/", "/nothing"] {
        let answer = stranger.get(path);
        assert_eq!((answer.status, answer.asks, &answer.json["http_status"]), (401, true, &json!("401")), "{path}");
    }
    let (all, one) = (user(&alpha, &["everything"]), user(&alpha, &["one", "--agreement", "alpha-gamma"]));
    let mode = std::fs::metadata(alpha.dir().join("taxii.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, _, errors) = try_luxor(&["taxii", "user", "one", "--node", alpha.dir().to_str().unwrap()]);
    assert!(code == 4 && errors.contains("there is one of this name"), "{code} {errors}");
    let (all, one) = (Platform::new(&alpha, &all), Platform::new(&alpha, &one));

    let found = all.get("/taxii2/");
    assert_eq!((found.status, found.kind.as_str()), (200, TAXII));
    assert_eq!(found.json["api_roots"], json!([format!("{}/threats/", all.root)]));
    assert_eq!(all.ask("/taxii2/", "application/json").status, 406);
    assert_eq!(all.get("/threats/").json["versions"], json!([TAXII]));
    let ours = until("both collections", || Some(all.collections()).filter(|found| found.len() == 2));
    let of = |name: &str| ours.iter().find(|(title, _)| title == name).unwrap().1.clone();
    assert_eq!(one.collections(), [("alpha-gamma".to_owned(), of("alpha-gamma"))]);
    for path in ["", "objects/", "manifest/"] {
        assert_eq!(one.get(&format!("{}{path}", of("alpha-beta"))).status, 404, "{path}");
    }

    // Pages of any size give the same objects, one of which is taken back.
    let collection = of("alpha-beta");
    until("all of them", || {
        Some(()).filter(|()| all.indicators(&collection).iter().any(|object| object["revoked"] == true))
    });
    let whole = all.objects(&collection, 1_000);
    assert_eq!(all.objects(&collection, 7), whole);
    let mut ids: Vec<_> =
        all.indicators(&collection).iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, (0..40).map(id).collect::<Vec<_>>());
    let revoked: Vec<_> = whole.iter().filter(|object| object["revoked"] == true).map(|object| &object["id"]).collect();
    assert_eq!(revoked, [&json!(id(7))]);
    assert_eq!(
        all.get(&format!("{collection}objects/{}/versions/", id(7))).json["versions"].as_array().unwrap().len(),
        2
    );
    assert_eq!(all.get(&format!("{collection}objects/{}/", id(99))).status, 404);
    for wrong in ["limit=x", "match[version]=newest", "next=zz", "unknown=1"] {
        let answer = all.get(&format!("{collection}objects/?{wrong}"));
        assert_eq!((answer.status, &answer.json["title"]), (400, &json!("Bad parameter")), "{wrong}");
    }
    // Under the other agreement a group is not given, which is told; and the recipient's platform reads the same indicators.
    let narrow = all.indicators(&of("alpha-gamma"));
    let extension = narrow[0]["extensions"].as_object().unwrap().values().next().unwrap();
    assert!(extension["withheld"].as_array().unwrap().contains(&json!("mass_sought")), "{extension}");
    let theirs = Platform::new(&beta, &user(&beta, &["platform"]));
    let here = until("the recipient's collection", || theirs.collections().pop()).1;
    assert_eq!(here, collection, "an agreement's collection has one identifier in a network");
    until("all of them", || Some(()).filter(|()| theirs.objects(&here, 1_000).len() == whole.len()));

    // After a restart the dates are the same, and a platform that goes on gets what is new, alone.
    let manifest = all.get(&format!("{collection}manifest/")).json;
    let last = all.get(&format!("{collection}objects/?limit=1000")).last.unwrap();
    assert_eq!(
        alpha.text("/v1/metrics").lines().find(|line| line.starts_with("luxor_indicators{")),
        Some("luxor_indicators{issuer=\"alpha\"} 80")
    );
    drop(alpha);
    let alpha = network.start("alpha");
    let all = Platform::new(&alpha, &all.secret);
    all.collections();
    assert_eq!(all.get(&format!("{collection}manifest/")).json, manifest);
    assert_eq!(all.get(&format!("{collection}objects/?added_after={last}")).json, json!({}));
    put(&alpha, "new", &[record(50, 0, "original")]);
    let new = until("what is new", || {
        all.get(&format!("{collection}objects/?added_after={last}")).json["objects"].as_array().cloned()
    });
    assert_eq!((new.len(), &new[0]["id"]), (1, &json!(id(50))));
    drop(gamma);
}

#[test]
fn what_is_erased_vanishes_and_nobody_listens_unless_it_is_wanted() {
    let flow = agreement("alpha-beta", "alpha", "beta", "indicator", "safety_security", "[\"*\"]");
    let network = Network::found(&[("alpha", "customs", "KR"), ("beta", "customs", "NZ")], &[flow]);
    network.taxii("beta");
    let (alpha, beta) = (network.start("alpha"), network.start("beta"));
    put(&alpha, "some", &[record(1, 0, "original"), record(2, 0, "original")]);
    assert_eq!(alpha.taxii(), None);
    let platform = Platform::new(&beta, &user(&beta, &["platform"]));
    let collection = until("the collection", || platform.collections().pop()).1;
    until("both", || Some(()).filter(|()| platform.indicators(&collection).len() == 2));
    luxor(&["erase", "--item", "I-1-0", "--ground", "an order", "--node", beta.dir().to_str().unwrap()]);
    let left: Vec<_> = platform.indicators(&collection).iter().map(|object| object["id"].clone()).collect();
    assert_eq!(left, [json!(id(2))]);
    let manifest = platform.get(&format!("{collection}manifest/?match[type]=indicator")).json;
    assert_eq!(manifest["objects"].as_array().unwrap().len(), 1);
    assert_eq!(platform.get(&format!("{collection}objects/{}/", id(1))).status, 404);
}
