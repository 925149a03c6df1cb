//! Archives of a running node's log: verified offline, damaged, grown; the log is closed by the documented path, and so is archived
//! the one that follows it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use luxor_protocol::document::{Document, DocumentKind};
use luxor_tests::{Daemon, Network, agreement, copy, luxor, program, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 3] =
    [("sender", "platform", "CN"), ("recipient", "customs", "KR"), ("post", "post", "KR")];

/// Submits so many records, each of which goes to both others, and waits for the receipts.
fn exchange(sender: &Daemon, name: &str, count: u64) {
    let before = sender.get("/v1/outbox")["sent"]["dispatches"].as_u64().unwrap();
    for at in 0..count {
        let reference = format!("{name}-{at}");
        let record =
            json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"}});
        sender.put(&reference, 0, &[record]).unwrap();
    }
    sender.outbox("the receipts", |state| state["sent"]["dispatches"] == before + 2 * count);
}

/// Exit code and what was printed as JSON.
fn run(arguments: &[&str]) -> (i32, Json) {
    let (code, output, errors) = try_luxor(&[arguments, &["--json"]].concat());
    let json = serde_json::from_str(&output).unwrap_or_else(|_| panic!("{arguments:?}: {code} {errors}"));
    (code, json)
}

fn archive(node: &Daemon, folder: &str) -> Json {
    let (code, report) = run(&["log", "archive", folder, "--node", node.dir().to_str().unwrap()]);
    assert_eq!(code, 0, "{report}");
    report
}

/// The roots of all records in a node's inbox.
fn roots(node: &Daemon) -> BTreeSet<String> {
    let indexes = node.inbox().into_iter().map(|item| item["index"].as_u64().unwrap());
    let records = indexes.map(|index| node.get(&format!("/v1/inbox/{index}"))["records"].clone());
    records.flat_map(|records| records.as_array().unwrap().clone()).map(|r| r["root"].to_string()).collect()
}

/// Takes a member's card out of an archive, and makes policy and list fit, as its owner could.
fn without_card(archive: &Path, member: &str) {
    let file = archive.join("ARCHIVE");
    let text = fs::read_to_string(&file).unwrap();
    let list: Json = serde_json::from_str(&text).unwrap();
    let is_card = |name: &String| {
        let read = fs::read(archive.join(name)).ok().and_then(|bytes| Document::read(DocumentKind::Card, &bytes).ok());
        read.is_some_and(|card| card.id.as_str() == member)
    };
    let card = list["files"].as_object().unwrap().keys().find(|name| is_card(name)).unwrap().clone();
    fs::remove_file(archive.join(&card)).unwrap();
    let policy = fs::read_to_string(archive.join("policy")).unwrap();
    let key =
        policy.lines().find(|line| line.starts_with("witness ") && line.contains(&format!("/{member}/"))).unwrap();
    let name = key.split(' ').nth(1).unwrap();
    let fits = policy.replace(&format!("{key}\n"), "").replace(&format!(" {name}"), "");
    // One witness is left of two.
    let fits = fits.replace("group all-witnesses 2 ", "group all-witnesses 1 ");
    let hash = luxor_protocol::hash::hex(&luxor_protocol::tlog::leaf_hash(fits.as_bytes()));
    let text = text.replace(list["files"]["policy"].as_str().unwrap(), &hash);
    let lines = text.lines().filter(|line| !line.contains(&card)).map(|line| format!("{line}\n"));
    fs::write(archive.join("policy"), &fits).unwrap();
    fs::write(file, lines.collect::<String>()).unwrap();
}

/// `luxord check`; gives its exit code and report.
fn check(dir: &Path) -> (i32, Json) {
    let mut command = std::process::Command::new(program("luxord"));
    let output = command.args(["check", "--json", "--dir", dir.to_str().unwrap()]).output().unwrap();
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), report.unwrap_or_else(|_| json!(String::from_utf8_lossy(&output.stderr))))
}

#[test]
fn a_log_is_archived_closed_and_followed_by_one_that_is_archived_too() {
    let network = Network::found(
        &MEMBERS,
        &[
            agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]"),
            agreement("ac", "sender", "post", "declaration", "safety_security", "[\"*\"]"),
        ],
    );
    let close = luxor_tests::documents(&network.dir("recipient")) + 12;
    network.configure("recipient", &format!("[log]\nclose_entries = {close}\nclose_days = 1"));
    let mut nodes: Vec<_> = MEMBERS.iter().map(|(member, ..)| network.start(member)).collect();
    let path = |name: &str| network.root.path().join(name).to_str().unwrap().to_owned();
    let (charter, kept, sent) = (path("charter.luxor"), path("kept"), path("sent"));
    let verify = |folder: &str| run(&["audit", "archive", folder, "--charter", &charter]);

    // One of each side, while the nodes run on; the sender's entries outgrow a bundle.
    exchange(&nodes[0], "before", 8);
    let made = archive(&nodes[1], &kept);
    let documents = nodes[1].documents();
    assert_eq!(
        (&made["size"], &made["quorum"], &made["pages"]),
        (&json!(documents + 8), &json!(true), &json!(1)),
        "{made}"
    );
    let (code, verified) = verify(&kept);
    assert_eq!((code, &verified["ok"], &verified["quorum"]), (0, &json!(true), &json!(true)), "{verified}");
    assert_eq!(verified["audit"]["dispatch_signatures"], 8);
    let status = |node: &Daemon| node.get("/v1/status");
    assert_eq!(status(&nodes[1])["close_due"], Json::Null);
    exchange(&nodes[0], "many", 80);
    let made = archive(&nodes[0], &sent);
    // Every dispatch goes to both, and each gets a receipt.
    assert_eq!(made["size"], status(&nodes[0])["log_entries"]);
    let (code, verified) = verify(&sent);
    assert_eq!(
        (code, &verified["audit"]["receipts"]),
        (0, &made["size"].as_u64().map(|size| (size - documents) / 2).into())
    );

    // Grown: the first page has changed its name, and nothing else that was there.
    let due = status(&nodes[1])["close_due"].as_str().unwrap().to_owned();
    assert!(
        due.starts_with(&format!("it has {} entries, log.close_entries is {}", documents + 88, documents + 12)),
        "{due}"
    );
    assert!(luxor(&["status", "--node", nodes[1].dir().to_str().unwrap()]).contains("close due"));
    assert_eq!(status(&nodes[0])["close_due"], Json::Null);
    let made = archive(&nodes[1], &kept);
    assert_eq!(
        (&made["size_before"], &made["size"], &made["pages_written"]),
        (&json!(documents + 8), &json!(documents + 88), &json!(1))
    );
    assert_eq!((verify(&kept).0, archive(&nodes[1], &kept)["pages_written"].clone()), (0, json!(0)));

    // Not into a folder that holds something else, such as one for the web.
    let (shown, node) = (path("shown"), nodes[0].dir().to_str().unwrap().to_owned());
    luxor(&["log", "export", &shown, "--node", &node]);
    let (code, _, says) = try_luxor(&["log", "archive", &shown, "--node", &node]);
    assert!(code == 2 && says.contains("holds something else"), "{says}");
    // An archive from which somebody's card was taken asks for fewer cosignatures, and says so.
    let short = path("short");
    copy(Path::new(&kept), Path::new(&short));
    without_card(Path::new(&short), "post");
    let (code, verified) = verify(&short);
    assert_eq!((code, &verified["ok"]), (1, &json!(false)), "{verified}");
    let findings = verified["findings"].to_string();
    assert!(findings.contains("no card of post"), "{findings}");

    // Closed by the documented path.
    let dir = network.dir("recipient");
    let (old, received) = (status(&nodes[1]), roots(&nodes[1]));
    assert_eq!(received.len(), 88);
    nodes.clear();
    let card = path("card-next.luxor");
    luxor(&["card", "succeed", "--node", dir.to_str().unwrap(), "-o", &card]);
    MEMBERS.iter().for_each(|(member, ..)| network.install(member, Path::new(&card)));
    nodes.extend(MEMBERS.iter().map(|(member, ..)| network.start(member)));
    let again = until("everything again", || {
        let status = status(&nodes[1]);
        std::thread::sleep(Duration::from_millis(20));
        // One entry more: what the log begins with, before the documents. The status is read while the log grows, so both are waited for.
        (status["received"]["dispatches"] == 88 && status["log_entries"] == 89 + nodes[1].documents()).then_some(status)
    });
    // The folder of the closed log is for that one only; the next has its own.
    let (code, _, errors) = try_luxor(&["log", "archive", &kept, "--node", dir.to_str().unwrap()]);
    assert!(code == 4 && errors.contains("each log has a folder of its own"), "{errors}");
    let next = path("next");
    archive(&nodes[1], &next);
    let (code, verified) = verify(&next);
    assert_eq!((code, &verified["audit"]["peer_checkpoints"]), (0, &json!(1)), "{verified}");
    assert_ne!(verified["checkpoint"]["origin"], old["origin"]);
    assert_eq!(roots(&nodes[1]), received, "the same records, with the same roots");
    nodes.clear();

    // Years later, without any node: each log under its own key.
    for (folder, vkey) in [(&kept, &old["log_vkey"]), (&next, &again["log_vkey"])] {
        let vkey = vkey.as_str().unwrap();
        let (code, verified) = run(&["audit", "archive", folder, "--charter", &charter, "--vkey", vkey]);
        assert_eq!((code, &verified["log_key_compared"]), (0, &json!(true)), "{verified}");
    }
    assert_eq!(run(&["audit", "archive", &kept, "--vkey", again["log_vkey"].as_str().unwrap()]).0, 1);
    let (code, words, says) = try_luxor(&["audit", "archive", &kept]);
    assert!(
        code == 0 && words.matches("NOT COMPARED").count() == 2 && says.contains("give --charter"),
        "{words}{says}"
    );
    let page = Path::new(&kept).join(format!("audit/000.p/{}", documents + 88));
    let whole = fs::read(&page).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 20) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&page, damaged).unwrap();
        let (code, verified) = verify(&kept);
        assert_eq!((code, &verified["ok"]), (1, &json!(false)), "byte {at}: {verified}");
    }
    fs::write(&page, whole).unwrap();
    assert_eq!(verify(&kept).0, 0);

    // What is left of the closed log is checked in a copy, as OPERATIONS says, and not where it is.
    assert_eq!(check(&dir).0, 0);
    let closed = network.root.path().join("closed");
    copy(&dir, &closed);
    fs::remove_dir_all(closed.join("data")).unwrap();
    for name in ["data", "log.lock", "keys/log.key", "keys/witness.key"] {
        fs::rename(closed.join(format!("{name}.epoch-1")), closed.join(name)).unwrap();
    }
    let (code, report) = check(&closed);
    assert_eq!(code, 1, "the later card has other keys: {report}");
    fs::remove_file(closed.join("documents/card-recipient-v2.luxor")).unwrap();
    let (code, report) = check(&closed);
    assert_eq!(code, 0, "{report}");
}
