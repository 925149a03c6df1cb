//! Governance between running nodes: charters by vote, a split and its healing, a stale charter, renewed and suspended agreements.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use luxor_tests::{Daemon, Ending, Network, agreement, luxor, luxor_json, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 4] =
    [("sender", "platform", "CN"), ("recipient", "customs", "KR"), ("post", "post", "KR"), ("agency", "agency", "KR")];
const GOVERNORS: [&str; 4] = ["sender", "recipient", "post", "agency"];

/// Four members, all governors, of whom three are needed; declarations go to the recipient for KR and to the post for JP.
struct Council {
    network: Network,
    nodes: Vec<Daemon>,
}

fn to(id: &str, recipient: &str, place: &str) -> String {
    let draft = agreement(id, "sender", recipient, "declaration", "revenue", "[\"*\"]");
    draft.replace("groups = ", &format!("destinations = [\"{place}\"]\ngroups = "))
}

impl Council {
    fn new() -> Self {
        let agreements = [to("parcels", "recipient", "KR"), to("mail", "post", "JP")];
        let network = Network::found_governed(&MEMBERS, &agreements, None, &GOVERNORS);
        let nodes = GOVERNORS.iter().map(|id| network.start(id)).collect();
        Self { network, nodes }
    }

    fn node(&self, member: &str) -> &Daemon {
        &self.nodes[GOVERNORS.iter().position(|id| *id == member).unwrap()]
    }

    fn dir(&self, member: &str) -> String {
        self.node(member).dir().to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.network.root.path().join(name).to_str().unwrap().to_owned()
    }

    fn status(&self, member: &str) -> Json {
        serde_json::from_str(&luxor(&["charter", "status", "--json", "--node", &self.dir(member)])).unwrap()
    }

    /// Waits until all nodes say so of the charter.
    fn everywhere(&self, what: &str, is: impl Fn(&Json) -> bool) {
        for member in GOVERNORS {
            until(&format!("{what} at {member}"), || is(&self.status(member)).then_some(()));
        }
    }

    /// The charter that holds as a draft, changed.
    fn draft(&self, name: &str, change: impl FnOnce(String) -> String) -> String {
        let file = self.path(name);
        luxor(&["charter", "draft", "--current", "--node", &self.dir("sender"), "-o", &file]);
        let changed = change(std::fs::read_to_string(&file).unwrap());
        std::fs::write(&file, changed).unwrap();
        file
    }

    /// Votes at a member's own node for the only open proposal, once it is there.
    fn vote(&self, member: &str) {
        let dir = self.dir(member);
        until(&format!("the vote of {member}"), || {
            let (code, _, errors) = try_luxor(&["charter", "vote", "--node", &dir]);
            assert!(code == 0 || errors.contains("no open proposal"), "{errors}");
            (code == 0).then_some(())
        });
    }

    /// Proposes a changed charter at the sender, has these vote, and waits until it holds everywhere.
    fn adopt(&self, change: impl FnOnce(String) -> String, voters: &[&str]) {
        let version = self.status("sender")["version"].as_u64().unwrap() + 1;
        let draft = self.draft("next.toml", change);
        luxor(&["charter", "propose", &draft, "--node", &self.dir("sender")]);
        voters.iter().for_each(|voter| self.vote(voter));
        self.everywhere("the next charter", |status| status["version"] == version);
    }

    /// Lets the charter expire, long ago, everywhere.
    fn expire(&self) {
        let expired = |draft: String| draft.replace("threshold = 3", "threshold = 3\nvalid_until = \"2020-01-01\"");
        self.adopt(expired, &["post", "agency"]);
        self.everywhere("stale", |status| status["stale"] == true);
    }

    /// Waits until a member's sign key is known as revoked at another's node.
    fn revoked(&self, member: &str, reason: &str, at: &str) {
        until(&format!("the revocation at {at}"), || {
            let keys = luxor_json(&["keys", "--node", &self.dir(at), "--member", member]);
            let revoked = |key: &&Json| key["use"] == "sign" && key["revoked"]["reason"] == reason;
            keys["keys"].as_array().unwrap().iter().find(revoked).map(drop)
        });
    }

    fn install(&self, member: &str, file: &str) -> (i32, String, String) {
        try_luxor(&["install", "--node", &self.dir(member), file])
    }

    /// Submits a record and waits for its receipt; nothing may be refused.
    fn send(&self, reference: &str, place: &str) {
        let before = accepted(self.node("sender"));
        let said = self.node("sender").put(reference, 0, &[record(reference, place)]).unwrap();
        assert!(said["dispatches"].as_u64().unwrap() > 0, "{said}");
        self.node("sender").outbox("the receipt", |state| {
            state["pending"] == 0 && state["sent"]["accepted"].as_u64().unwrap() > before
        });
    }

    /// Submits a record that nobody gets, and gives the reason.
    fn refused(&self, reference: &str, place: &str) -> String {
        let said = self.node("sender").put(reference, 0, &[record(reference, place)]).unwrap();
        assert_eq!(said["dispatches"], 0, "{said}");
        said["records"][0].to_string()
    }

    /// Exit code and reason of `luxor agreement explain` at a member's node.
    fn explain(&self, member: &str, to: &str) -> (i32, Json) {
        let dir = self.dir(member);
        let fixed =
            ["agreement", "explain", "--from", "sender", "--type", "declaration", "--purpose", "revenue", "--json"];
        let (code, text, errors) = try_luxor(&[&fixed[..], &["--node", &dir, "--to", to]].concat());
        let said: Json = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{errors}"));
        (code, said["versions"][0]["reason"].clone())
    }
}

fn record(reference: &str, place: &str) -> Json {
    json!({"type": "declaration", "version": 1, "filing": {"own_reference": reference}, "route": {"destination": place}})
}

fn accepted(node: &Daemon) -> u64 {
    node.get("/v1/status")["sent"]["accepted"].as_u64().unwrap()
}

#[test]
fn a_charter_voted_on_by_each_governors_own_node_holds_everywhere() {
    let council = Council::new();
    council.send("A-1", "KR");
    council.adopt(|draft| draft.replace("name = \"recipient\"", "name = \"Customs of KR\""), &["recipient", "post"]);
    let shown = luxor(&["charter", "draft", "--current", "--node", &council.dir("agency")]);
    assert!(shown.contains("Customs of KR"), "{shown}");
    // What each signed stands in its own log, and all know the votes.
    for member in GOVERNORS {
        let known: Json =
            serde_json::from_str(&luxor(&["documents", "--json", "--node", &council.dir(member)])).unwrap();
        let later = |one: &&Json| one["kind"] == "charter" && one["version"] == 2;
        let adopted = known.as_array().unwrap().iter().find(later).unwrap();
        assert!(adopted["entry"].is_u64() && adopted["since"].is_string(), "{adopted}");
        assert!(adopted["signers"].as_array().unwrap().len() >= 3, "{adopted}");
    }

    // Suspended, nothing flows to it, with the reason; the others go on; it comes back.
    let suspend = |draft: String| {
        let draft = draft.replace("\"recipient\", ", "");
        let at = draft.find("id = \"recipient\"").unwrap();
        let (before, after) = draft.split_at(at);
        format!("{before}{}", after.replacen("status = \"active\"", "status = \"suspended\"", 1))
    };
    council.adopt(suspend, &["post", "agency"]);
    let reason = council.refused("A-2", "KR");
    assert!(reason.contains("parcels row 1 to recipient: recipient is suspended in the charter"), "{reason}");
    assert_eq!(council.explain("sender", "recipient"), (1, json!("recipient is suspended in the charter")));
    council.send("A-3", "JP");
    let (code, _, errors) = try_luxor(&["charter", "vote", "--node", &council.dir("recipient")]);
    assert!(code == 4 && errors.contains("there is no open proposal"), "{errors}");
    let back = |draft: String| {
        let governors = "governors = [\"agency\", \"post\", \"recipient\", \"sender\"]";
        draft
            .replace("\"suspended\"", "\"active\"")
            .replace("governors = [\"agency\", \"post\", \"sender\"]", governors)
    };
    council.adopt(back, &["post", "agency"]);
    assert_eq!(council.status("post")["governors"].as_array().unwrap().len(), 4);
    council.send("A-4", "KR");

    // A new member: voted in, its card installed at a running node, then its agreement; records flow to it.
    let host = format!("127.{}.77.1", 1 + std::process::id() % 250);
    let entry = std::fs::read_to_string(council.network.init(("newcomer", "customs", "MY"), &host)).unwrap();
    council.adopt(|draft| format!("{draft}\n{entry}"), &["recipient", "agency"]);
    let (folder, card, newcomer) =
        (council.path("known"), council.path("card-newcomer.luxor"), council.path("newcomer"));
    luxor(&["documents", "--node", &council.dir("post"), "--to", &folder]);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let install = |files: &[PathBuf]| {
        let files = files.iter().map(|file| file.to_str().unwrap());
        luxor(&["install", "--node", &newcomer].into_iter().chain(files).collect::<Vec<_>>());
    };
    install(&files);
    luxor(&["card", "sign", "--node", &newcomer, "-o", &card]);
    install(&[card.clone().into()]);
    assert_eq!(council.install("post", &card).0, 0);
    let (draft, signed) = (council.path("new.toml"), council.path("new.luxor"));
    std::fs::write(&draft, to("new", "newcomer", "MY")).unwrap();
    luxor(&["agreement", "sign", &draft, "--node", &newcomer, "-o", &signed]);
    luxor(&["agreement", "sign", &signed, "--node", &council.dir("sender"), "-o", &signed]);
    let running = council.network.start("newcomer");
    assert_eq!(council.install("agency", &signed).0, 0);
    until("card and agreement at the sender", || {
        let known: Json =
            serde_json::from_str(&luxor(&["documents", "--json", "--node", &council.dir("sender")])).unwrap();
        let has = |id: &str| known.as_array().unwrap().iter().any(|one| one["id"] == id && one["kind"] != "rejection");
        (has("newcomer") && has("new")).then_some(())
    });
    council.send("A-5", "MY");
    until("the record at the new member", || running.arrived().contains_key("A-5").then_some(()));
}

#[test]
fn a_split_stops_nothing_and_heals() {
    let council = Council::new();
    // The same three governors adopt two charters, with their keys and without their nodes.
    let files = ["One", "Other"].map(|name| {
        let draft = council
            .draft(&format!("{name}.toml"), |draft| draft.replace("name = \"agency\"", &format!("name = \"{name}\"")));
        let file = council.path(&format!("{name}.luxor"));
        luxor(&["charter", "propose", &draft, "--node", &council.dir("sender"), "-o", &file]);
        for member in ["recipient", "post"] {
            luxor(&["charter", "vote", &file, "--node", &council.dir(member), "-o", &file]);
        }
        file
    });
    assert_eq!(council.install("sender", &files[0]).0, 0);
    council.everywhere("the first", |status| status["version"] == 2);
    assert_eq!(council.install("agency", &files[1]).0, 0);
    council
        .everywhere("the split", |status| status["split"]["charters"].as_array().is_some_and(|both| both.len() == 2));
    let status = council.status("recipient");
    assert_eq!((&status["version"], &status["split"]["removed"]), (&json!(1), &json!([])), "{status}");
    let broken = status["broken_words"].as_array().unwrap();
    let who: Vec<_> = broken.iter().map(|one| one["governor"].as_str().unwrap()).collect();
    assert_eq!(who, ["post", "recipient", "sender"]);
    assert!(broken.iter().all(|one| one["documents"].as_array().unwrap().len() == 2), "{status}");
    let at_a_glance = luxor(&["status", "--node", &council.dir("recipient")]);
    assert!(
        at_a_glance
            .contains("two charters of version 2 have enough votes and neither holds; version 1 goes on (`luxor"),
        "{at_a_glance}"
    );
    council.send("B-1", "KR");
    let (code, _, errors) =
        try_luxor(&["charter", "propose", &council.path("One.toml"), "--node", &council.dir("sender")]);
    assert!(code == 4 && errors.contains("two charters of version 2 contradict each other"), "{errors}");
    luxor(&["charter", "heal", "--node", &council.dir("agency")]);
    ["post", "sender"].iter().for_each(|voter| council.vote(voter));
    council.everywhere("the healing charter", |status| status["version"] == 3 && status["split"].is_null());
    council.send("B-2", "KR");
}

#[test]
fn a_stale_charter_admits_nothing_new_and_the_rest_goes_on() {
    let council = Council::new();
    council.expire();
    let waiting = council.node("post").get("/v1/status")["governance"].clone();
    assert_eq!(
        waiting,
        json!(["charter version 2 is stale since 2020-01-01: nothing new is admitted until the next one"])
    );
    let draft = agreement("late", "sender", "agency", "declaration", "agency_control", "[\"*\"]");
    let late = council.network.sign(&draft, &["sender", "agency"]);
    let (code, _, errors) = council.install("post", late.to_str().unwrap());
    assert_eq!(code, 4);
    let expected = "agreement 'late' is new, and the charter expired on 2020-01-01: nothing new is admitted under it";
    assert!(errors.contains(expected), "{errors}");
    council.send("C-1", "KR");
    luxor(&["revoke", "--node", &council.dir("agency"), "--use", "sign", "--reason", "lost"]);
    council.revoked("agency", "lost", "sender");
    // And it ends with the next charter.
    council.adopt(|draft| draft.replace("valid_until = \"2020-01-01\"\n", ""), &["post", "recipient"]);
    assert_eq!(council.install("post", late.to_str().unwrap()).0, 0);
    assert_eq!(council.node("post").get("/v1/status")["governance"], json!([]));
}

#[test]
fn an_agreement_is_renewed_while_records_flow_and_none_is_lost() {
    let council = Council::new();
    let stop = AtomicBool::new(false);
    let sent = std::thread::scope(|scope| {
        let ending = Ending(&stop);
        let flow = scope.spawn(|| {
            let mut sent = 0;
            while !stop.load(Ordering::Relaxed) {
                let records: Vec<_> = (0..5).map(|at| record(&format!("D-{sent}-{at}"), "KR")).collect();
                let said = council.node("sender").put("renewal", sent, &records).unwrap();
                assert_eq!(said["dispatches"], 1, "{said}");
                sent += 1;
            }
            sent
        });
        until("records under the first version", || (accepted(council.node("sender")) >= 20).then_some(()));
        let draft = to("parcels", "recipient", "KR").replace("retention_days = 30", "retention_days = 60");
        let renewed = council.network.sign(&draft, &["sender", "recipient"]);
        assert_eq!(council.install("agency", renewed.to_str().unwrap()).0, 0);
        until("the second version at the sender", || {
            let list = luxor(&["agreement", "list", "--node", &council.dir("sender"), "--json"]);
            let list: Json = serde_json::from_str(&list).unwrap();
            let parcels = list.as_array().unwrap().iter().find(|one| one["id"] == "parcels").unwrap();
            (parcels["versions"][1]["holds"] == true).then_some(())
        });
        let before = accepted(council.node("sender"));
        until("records under the second", || (accepted(council.node("sender")) >= before + 50).then_some(()));
        drop(ending);
        flow.join().unwrap()
    });
    let settled = council.node("sender").outbox("every receipt", |state| state["pending"] == 0);
    assert_eq!((&settled["sent"]["accepted"], &settled["sent"]["refused"]), (&json!(5 * sent), &json!(0)), "{settled}");
    let arrived = council.node("recipient").arrived();
    assert_eq!((arrived.len() as u64, arrived.values().sum::<u64>()), (5 * sent, 5 * sent));
}

#[test]
fn a_suspension_stops_one_agreement_with_the_reason_until_it_is_resumed() {
    let council = Council::new();
    council.send("E-1", "KR");
    let dir = council.dir("recipient");
    let (_, _, said) = try_luxor(&["agreement", "suspend", "parcels", "--reason", "a new law", "--node", &dir]);
    assert!(said.contains("stops: declaration from sender to recipient, for revenue (parcels row 1)"), "{said}");
    let stopped = (1, json!("recipient has suspended the agreement"));
    until("the suspension at the sender", || (council.explain("sender", "recipient") == stopped).then_some(()));
    let reason = council.refused("E-2", "KR");
    assert!(reason.contains("parcels row 1 to recipient: recipient has suspended the agreement"), "{reason}");
    council.send("E-3", "JP");
    assert_eq!(council.explain("sender", "post").0, 0);
    luxor(&["agreement", "resume", "parcels", "--node", &dir]);
    until("the resumption at the sender", || (council.explain("sender", "recipient").0 == 0).then_some(()));
    council.send("E-4", "KR");
    let arrived: Vec<_> = council.node("recipient").arrived().into_keys().collect();
    assert_eq!(arrived, ["E-1", "E-4"]);
}

/// What came before a revocation stays; the mark says what it is worth.
#[test]
fn what_a_revoked_key_signed_before_is_marked_and_not_void() {
    // Signed and witnessed while nobody else had the key, by what its owner says; and after it was stolen.
    for (since, mark, words) in [
        (None, Json::Null, ""),
        (
            Some("2020-01-01T00:00:00Z"),
            json!("contested"),
            "contested: it was signed while others may have had the key",
        ),
    ] {
        let council = Council::new();
        council.send("C-1", "KR");
        let recipient = council.node("recipient");
        recipient.witnessed();
        assert_eq!(recipient.get("/v1/inbox")["items"][0]["signature"], Json::Null);
        let dir = council.dir("sender");
        let revoke = ["revoke", "--node", &dir, "--use", "sign", "--reason", "stolen"];
        luxor(&[&revoke[..], &since.map_or(vec![], |since| vec!["--since", since])].concat());
        council.revoked("sender", "stolen", "recipient");
        assert_eq!(recipient.get("/v1/inbox")["items"][0]["signature"], mark);
        let (shown, inbox) = (
            luxor(&["show", "C-1", "--node", &council.dir("recipient")]),
            luxor(&["inbox", "--records", "--node", &council.dir("recipient")]),
        );
        assert!(shown.contains("C-1") && inbox.contains("C-1"), "{shown}{inbox}");
        assert_eq!(words.is_empty(), !shown.contains("contested"), "{shown}");
        assert!(shown.contains(words) && inbox.contains(words), "{shown}{inbox}");
    }
}

#[test]
fn a_revoked_key_is_refused_everywhere_within_seconds_also_when_the_charter_is_stale() {
    let council = Council::new();
    council.expire();
    council.send("F-1", "KR");
    let began = std::time::Instant::now();
    luxor(&["revoke", "--node", &council.dir("sender"), "--use", "sign", "--reason", "stolen"]);
    for member in ["recipient", "post", "agency"] {
        council.revoked("sender", "stolen", member);
    }
    println!("a revocation was everywhere after {} ms", began.elapsed().as_millis());
    // What the key signs from here on nobody takes, and its owner reads why.
    council.node("sender").put("F-2", 0, &[record("F-2", "KR")]).unwrap();
    let state = council.node("sender").outbox("the answer", |state| state["waiting"]["recipient/n1"].is_string());
    let reason = state["waiting"]["recipient/n1"].as_str().unwrap();
    assert!(reason.contains("bad_signature: dispatch: the key ") && reason.ends_with(" is revoked"), "{reason}");
    assert_eq!((&state["pending"], &state["sent"]["accepted"]), (&json!(1), &json!(1)), "{state}");
    assert_eq!(council.node("recipient").arrived().into_keys().collect::<Vec<_>>(), ["F-1"]);
}
