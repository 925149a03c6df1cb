//! Members cosign each other's checkpoints, receipts become witnessed, and a log that shows two histories is caught with
//! evidence that verifies by itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use luxor_protocol::document::{Directory, Document, DocumentKind};
use luxor_protocol::exchange::{policy_of, witness_key};
use luxor_protocol::keys::{KeyUse, SecretKey};
use luxor_protocol::tlog::{
    AddCheckpoint, Checkpoint, Decision, ForkEvidence, KeyType, Note, VerifierKey, cosign_line, decide, monitoring_id,
};
use luxor_tests::{Daemon, Network, agreement, copy, luxor, try_luxor, until};
use serde_json::{Value as Json, json};

const MEMBERS: [(&str, &str, &str); 4] =
    [("sender", "platform", "CN"), ("recipient", "customs", "KR"), ("post", "post", "KR"), ("agency", "agency", "KR")];

fn flow(id: &str, from: &str, to: &str) -> String {
    agreement(id, from, to, "declaration", "safety_security", "[\"*\"]")
}

fn found() -> Network {
    Network::found(&MEMBERS, &[flow("ab", "sender", "recipient"), flow("ba", "recipient", "sender")])
}

fn start(network: &Network) -> Vec<Daemon> {
    MEMBERS.iter().map(|(member, _, _)| network.start(member)).collect()
}

fn submit(sender: &Daemon, reference: &str) {
    let record = json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"}});
    sender.put(reference, 0, &[record]).unwrap();
}

/// The network as a folder's documents have it.
fn directory(folder: &Path) -> Directory {
    let (mut charter, mut cards, mut agreements) = (None, Vec::new(), Vec::new());
    for file in std::fs::read_dir(folder.join("documents")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        if let Ok(document) = Document::read(DocumentKind::Charter, &bytes) {
            charter = Some(document);
        } else if let Ok(document) = Document::read(DocumentKind::Card, &bytes) {
            cards.push(document);
        } else {
            agreements.push(Document::read(DocumentKind::Agreement, &bytes).unwrap());
        }
    }
    Directory::new(&charter.unwrap(), &cards, &agreements).unwrap()
}

#[test]
fn receipts_become_witnessed_and_the_cosignatures_verify_offline() {
    let network = found();
    let nodes = start(&network);
    let (sender, recipient) = (&nodes[0], &nodes[1]);
    submit(sender, "first");
    sender.outbox("the receipt", |state| state["sent"]["dispatches"] == 1);
    // Three witnesses, all of which are asked for.
    for (node, entries) in [(recipient, recipient.documents() + 1), (sender, sender.documents() + 2)] {
        let state = node.status("a quorum", |status| status["witnessed"]["size"] == entries);
        assert_eq!(state["witnessed"]["witnesses"].as_array().unwrap().len(), 3, "{state}");
        assert_eq!(state["forked"], json!([]));
    }
    let standing = sender.get("/v1/receipts/witnesses?recipient=recipient/n1&number=1");
    assert_eq!(
        (&standing["state"], &standing["size"]),
        (&json!("witnessed"), &json!(recipient.documents() + 1)),
        "{standing}"
    );
    let directory = directory(recipient.dir());
    let known = directory.node(&"recipient/n1".parse().unwrap()).unwrap();
    let note = Note::parse(standing["checkpoint"].as_str().unwrap().as_bytes()).unwrap();
    let policy = policy_of(&directory, known).unwrap();
    let satisfied = policy.satisfied_by(&note).unwrap();
    assert!(satisfied.quorum && satisfied.log.is_some() && satisfied.witnesses.len() == 3, "{satisfied:?}");
    assert_eq!(satisfied.time, standing["time"].as_u64());
    // The same for people, and for an auditor who has the files and the policy only.
    let dir = |node: &Daemon| node.dir().to_str().unwrap().to_owned();
    let shown = luxor(&["show", "first", "--receipt", "--node", &dir(sender)]);
    assert!(shown.contains("(signed and witnessed at 20"), "{shown}");
    let told = luxor(&["status", "--node", &dir(recipient)]);
    assert!(told.contains(&format!("{} entries, of 3 witnesses asked", recipient.documents() + 1)), "{told}");
    let path = |name: &str| network.root.path().join(name).to_str().unwrap().to_owned();
    let (files, policy_file) = (path("files"), path("policy"));
    luxor(&["log", "export", &files, "--node", &dir(recipient)]);
    std::fs::write(&policy_file, luxor(&["policy", "of", "recipient/n1", "--node", &dir(sender)])).unwrap();
    let (code, told, errors) = try_luxor(&["log", "verify", &files, "--policy", &policy_file]);
    assert_eq!(code, 0, "{told} {errors}");
    assert!(told.contains("reached"), "{told}");
    // The receipt under the cosigned checkpoint verifies by itself.
    let (file, vkey) = (path("receipt"), recipient.get("/v1/status")["log_vkey"].as_str().unwrap().to_owned());
    std::fs::write(&file, standing["receipt"].as_str().unwrap()).unwrap();
    let (code, told, errors) =
        try_luxor(&["log", "check-proof", &file, "--receipt", "--vkey", &vkey, "--policy", &policy_file]);
    assert_eq!(code, 0, "{told} {errors}");
    for said in ["received", "sender/n1 -> recipient/n1", "accepted", "reached"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    // What was cosigned is there after a restart; a receipt that is not there has no standing.
    assert!(sender.try_get("/v1/receipts/witnesses?recipient=recipient/n1&number=7").unwrap_err().contains("404"));
    let mut nodes = nodes;
    drop(nodes.remove(1));
    let recipient = network.start("recipient");
    let cosigned = recipient.text("/v1/checkpoint/cosigned");
    assert!(policy.satisfied_by(&Note::parse(cosigned.as_bytes()).unwrap()).unwrap().quorum);
}

#[test]
fn a_witness_answers_over_http_what_the_specification_says() {
    let network = found();
    for member in ["recipient", "post"] {
        network.publish(member, 1);
    }
    let nodes = start(&network);
    let (sender, recipient, post) = (&nodes[0], &nodes[1], &nodes[2]);
    submit(sender, "first");
    recipient.status("a quorum", |status| status["witnessed"]["size"] == recipient.documents() + 1);
    let url = post.public_log().unwrap();
    let ask = |body: &[u8]| {
        let request = ureq::post(format!("{url}/add-checkpoint")).config().http_status_as_error(false).build();
        let mut response = request.send(body).unwrap();
        let media = response.headers()["content-type"].to_str().unwrap().to_owned();
        (response.status().as_u16(), media, response.body_mut().read_to_string().unwrap())
    };
    let note = recipient.text("/v1/checkpoint").into_bytes();
    let offer = |old: u64| AddCheckpoint { old, proof: Vec::new(), note_bytes: note.clone() }.to_bytes();
    // It was cosigned between members already.
    let size = recipient.documents() + 1;
    assert_eq!(ask(&offer(0)), (409, "text/x.tlog.size".into(), format!("{size}\n")));
    let (code, _, line) = ask(&offer(size));
    assert_eq!(code, 200);
    let directory = directory(recipient.dir());
    let witness = directory.node(&"post/n1".parse().unwrap()).unwrap();
    let cosigned = Note::parse(&[note.as_slice(), line.as_bytes()].concat()).unwrap();
    assert_eq!(cosigned.verify(&[witness_key(witness).unwrap()]).unwrap().len(), 1);
    assert_eq!(ask(b"rubbish").0, 400);
    assert_eq!(ask(&offer(size + 1)).0, 400);
    assert_eq!(ask(&vec![b'x'; 70_000]).0, 400);
    let strange = post.text("/v1/checkpoint").into_bytes();
    assert_eq!(ask(&AddCheckpoint { old: 0, proof: Vec::new(), note_bytes: strange }.to_bytes()).0, 404, "its own log");
    // For monitors.
    let origin = recipient.get("/v1/status")["origin"].as_str().unwrap().to_owned();
    let mut shown = ureq::get(format!("{url}/{}/checkpoint", monitoring_id(&origin))).call().unwrap();
    let shown = Note::parse(shown.body_mut().read_to_string().unwrap().as_bytes()).unwrap();
    assert_eq!(shown.verify(&[witness_key(witness).unwrap()]).unwrap().len(), 1);
    let nobody = ureq::get(format!("{url}/{}/checkpoint", monitoring_id("no.such/log"))).call();
    assert!(matches!(nobody, Err(ureq::Error::StatusCode(404))));
    // What everybody sees of the recipient's log carries the cosignatures.
    let policy = policy_of(&directory, directory.node(&"recipient/n1".parse().unwrap()).unwrap()).unwrap();
    until("a public checkpoint with a quorum", || {
        let mut shown = ureq::get(format!("{}/checkpoint", recipient.public_log().unwrap())).call().unwrap();
        let note = Note::parse(shown.body_mut().read_to_string().unwrap().as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        policy.satisfied_by(&note).unwrap().quorum.then_some(())
    });
}

/// A witness outside the network, as small as one can be: it believes the first checkpoint of the one log that it knows. It ends
/// with the test.
fn outside_witness(key: &SecretKey, name: &'static str) -> (VerifierKey, String, Arc<Mutex<Option<VerifierKey>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/w", listener.local_addr().unwrap());
    let vkey = VerifierKey::new(name, KeyType::Cosignature, key.public().verifying_key()).unwrap();
    let (key, known) = (key.clone(), Arc::new(Mutex::new(None)));
    let log = known.clone();
    std::thread::spawn(move || {
        let mut held = None;
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).unwrap() > 0 {
                let line = head.lines().last().unwrap_or_default().to_ascii_lowercase();
                length = line.strip_prefix("content-length: ").map_or(length, |text| text.trim().parse().unwrap());
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            assert!(head.starts_with("POST /w/add-checkpoint "), "{head}");
            let request = AddCheckpoint::parse(&body).unwrap();
            let (status, body) = match decide(held.as_ref(), &request, log.lock().unwrap().as_ref()) {
                Decision::Refuse(refusal) => (refusal.status(), refusal.body()),
                Decision::Cosign(next) => {
                    let text = Note::parse(&next.note_bytes).unwrap().text;
                    held = Some(next);
                    (200, cosign_line(&text, name, key.signing_key(), 1_800_000_000).unwrap())
                }
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (vkey, url, known)
}

#[test]
fn a_charters_own_policy_counts_and_witnesses_outside_the_network_are_asked() {
    let keys = [60, 61].map(|seed| SecretKey::from_seed(KeyUse::Witness, &[seed; 32]).unwrap());
    let (required, url, known) = outside_witness(&keys[0], "required.example/w");
    let policy = format!("witness required {required} {url}\nquorum required\n");
    let network = Network::found_under(&MEMBERS, &[flow("ab", "sender", "recipient")], Some(&policy));
    let (beside, beside_url, beside_known) = outside_witness(&keys[1], "beside.example/w");
    network.configure("recipient", &format!("[log]\noutside = [\"{beside} {beside_url}\"]"));
    let nodes = start(&network);
    let recipient = &nodes[1];
    submit(&nodes[0], "first");
    let witness = |status: &Json, name: &str| {
        let witnesses = status["witnessed"]["witnesses"].as_array().unwrap().clone();
        witnesses.into_iter().find(|witness| witness["witness"] == name).unwrap()
    };
    // Members cosign, which does not count here; the outside ones do not know this log yet.
    let unknown = |status: &Json, name: &str| {
        witness(status, name)["reason"].as_str().is_some_and(|reason| reason.starts_with("404: "))
    };
    let state = recipient.status("refusals", |status| {
        ["post/n1", "sender/n1"].iter().all(|name| witness(status, name)["size"] == recipient.documents() + 1)
            && ["required", "beside.example/w"].iter().all(|name| unknown(status, name))
    });
    assert_eq!(state["witnessed"]["size"], 0, "{state}");
    let vkey = VerifierKey::parse(state["log_vkey"].as_str().unwrap()).unwrap();
    *beside_known.lock().unwrap() = Some(vkey.clone());
    *known.lock().unwrap() = Some(vkey);
    recipient.status("a quorum", |status| status["witnessed"]["size"] == recipient.documents() + 1);
    let state = recipient
        .status("the other", |status| witness(status, "beside.example/w")["size"] == recipient.documents() + 1);
    assert_eq!(state["witnessed"]["time"], 1_800_000_000, "{state}");
    // A receipt is witnessed by that alone, and everybody's cosignatures stand on the checkpoint.
    let standing = nodes[0].get("/v1/receipts/witnesses?recipient=recipient/n1&number=1");
    assert_eq!((&standing["state"], &standing["time"]), (&json!("witnessed"), &json!(1_800_000_000)), "{standing}");
    let shown = luxor(&["charter", "show", network.root.path().join("charter.luxor").to_str().unwrap()]);
    assert!(shown.contains("quorum required"), "{shown}");
    let of = luxor(&["policy", "of", "recipient/n1", "--node", recipient.dir().to_str().unwrap()]);
    assert!(of.starts_with("log ") && of.ends_with(&policy), "{of}");
}

#[test]
fn a_copied_node_that_runs_twice_is_caught_and_gets_nothing_more() {
    let network = found();
    let mut nodes = start(&network);
    submit(&nodes[0], "before");
    nodes[0].outbox("the receipt", |state| state["sent"]["dispatches"] == 1);
    nodes[1].status("a quorum", |status| status["witnessed"]["size"] == nodes[1].documents() + 1);
    // The recipient stops; data, lock file and all are copied. Both run on from there, the copy at another address.
    drop(nodes.remove(1));
    let aside = network.root.path().join("aside");
    copy(&network.dir("recipient"), &aside);
    let config = std::fs::read_to_string(aside.join("luxord.toml")).unwrap();
    let elsewhere = config.replace("/tcp/4700", "/tcp/4701").replace(":4780", ":4781");
    std::fs::write(aside.join("luxord.toml"), elsewhere).unwrap();
    let recipient = network.start("recipient").awake();
    let copy = Network::start_in(aside, &[]).awake();
    submit(&recipient, "one-history");
    submit(&copy, "another-history");
    // Both have the same transport key, so the others are connected to one of them. When that ends they hear the other.
    let witnessed = |node: &Daemon| node.get("/v1/status")["witnessed"]["size"].as_u64() > Some(node.documents() + 1);
    let original = until("a history with a quorum", || {
        std::thread::sleep(Duration::from_millis(20));
        [&recipient, &copy].map(witnessed).iter().position(|witnessed| *witnessed).map(|first| first == 0)
    });
    let (first, copy) = if original { (recipient, copy) } else { (copy, recipient) };
    let (first_dir, began) = (first.dir().to_owned(), std::time::Instant::now());
    drop(first);
    // One member is away while the second history shows.
    drop(nodes.remove(2));
    // A smaller second history is only suspicious; it proves itself as it grows.
    (0..3).for_each(|at| submit(&copy, &format!("and-more-{at}")));
    let origin = copy.get("/v1/status")["origin"].as_str().unwrap().to_owned();
    for node in &nodes {
        node.status("the fork", |status| status["forked"] == json!([origin]));
        println!("caught by {} after {} ms", node.get("/v1/status")["node"], began.elapsed().as_millis());
        let forks = node.get("/v1/forks");
        let evidence = ForkEvidence::parse(forks[0]["evidence"].as_str().unwrap().as_bytes()).unwrap();
        let fork = evidence.verify().unwrap();
        assert_eq!(fork.origin, origin);
        assert_ne!(fork.roots[0], fork.roots[1]);
        assert!(Checkpoint::open(&evidence.a, &evidence.log_key).is_ok());
    }
    let (folder, node) = (network.root.path().join("proofs"), nodes[1].dir().to_str().unwrap());
    luxor(&["evidence", "fetch", folder.to_str().unwrap(), "--node", node]);
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let proven = luxor(&["evidence", "verify", file.to_str().unwrap()]);
    assert!(proven.contains("signed two histories"), "{proven}");
    assert!(luxor(&["status", "--node", node]).contains("FORKED"));
    // No new dispatch goes to it.
    submit(&nodes[0], "after");
    let state = nodes[0].outbox("the reason", |state| state["waiting"]["recipient/n1"].is_string());
    assert!(state["waiting"]["recipient/n1"].as_str().unwrap().contains("two histories"), "{state}");
    // Nor is one taken from it.
    submit(&copy, "from-the-copy");
    let state = copy.outbox("its reason", |state| state["waiting"]["sender/n1"].is_string());
    assert!(state["waiting"]["sender/n1"].as_str().unwrap().starts_with("forked: "), "{state}");
    assert!(nodes[0].get("/v1/status")["errors"]["forked"].as_u64() >= Some(1));
    // Its history has no quorum. Neither copy signs anything more once it starts again: its witnesses show the other history.
    assert!(!witnessed(&copy));
    let dir = copy.dir().to_owned();
    drop(copy);
    for dir in [dir, first_dir] {
        let from = std::fs::read_to_string(dir.join("log.txt")).unwrap().len();
        let (code, said) = Network::start_in(dir, &[]).ended(from);
        assert!(code == 1 && said.contains("second copy of the node"), "{said}");
    }
    // Who saw one history only is told by the others, with the proof.
    let away = network.start("agency");
    away.status("what others prove", |status| status["forked"] == json!([origin]));
    let told = away.get("/v1/forks")[0]["evidence"].clone();
    assert!(nodes.iter().any(|node| node.get("/v1/forks")[0]["evidence"] == told), "{told}");
}
