//! Documents that reach running nodes: installed at one they come to all, and change what each does, without a restart.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use luxor_node::net::TransportKey;
use luxor_protocol::cbor::{Decode, Encode};
use luxor_protocol::document::{Card, Document, DocumentKind};
use luxor_protocol::exchange::{Answer, Lack, Request};
use luxor_protocol::keys::{KeyUse, SecretKey};
use luxor_tests::{Daemon, Network, agreement, check, luxor, try_luxor, until};
use serde_json::{Value as Json, json};

use crate::flow::stand_in;

const MEMBERS: [(&str, &str, &str); 4] =
    [("sender", "platform", "CN"), ("recipient", "customs", "KR"), ("post", "post", "KR"), ("agency", "agency", "KR")];

/// A network in which nothing may flow but audits.
fn found(members: &[(&str, &str, &str)]) -> Network {
    Network::found(members, &[agreement("audit", "recipient", "sender", "opening", "audit", "[\"*\"]")])
}

fn late(network: &Network) -> PathBuf {
    let draft = agreement("late", "sender", "recipient", "declaration", "revenue", "[\"*\"]");
    network.sign(&draft, &["sender", "recipient"])
}

fn record(reference: &str) -> Json {
    json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"}})
}

/// Gives a document's bytes to a running node; status and answer.
fn give(node: &Daemon, bytes: &[u8]) -> (u16, Json) {
    let (url, token) = node.api();
    let request = ureq::post(format!("{url}/v1/documents")).header("Authorization", format!("Bearer {token}"));
    let request = request.config().http_status_as_error(false).build();
    let mut response = request.send(bytes).unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap())
}

fn install(node: &Daemon, document: &Path) -> (i32, String, String) {
    try_luxor(&["install", "--node", node.dir().to_str().unwrap(), document.to_str().unwrap()])
}

/// Waits until each knows so many documents: an agreement reaches its parties, auditors and those who were given it, and nobody else.
fn known<'d>(nodes: impl IntoIterator<Item = (&'d Daemon, u64)>) {
    for (node, count) in nodes {
        until("every document a node may see", || (node.get("/v1/status")["documents"] == count).then_some(()));
    }
}

/// Waits until all know so many documents, and the same.
fn agreed<'d>(nodes: impl IntoIterator<Item = &'d Daemon> + Clone, count: usize) {
    until("all know the same documents", || {
        let known = nodes.clone().into_iter().map(|node| {
            let status = node.get("/v1/status");
            (status["documents"].as_u64().unwrap(), status["documents_summary"].to_string())
        });
        let known: BTreeSet<_> = known.collect();
        (known.len() == 1 && known.first().unwrap().0 == count as u64).then_some(())
    });
}

/// The log of everybody who gave a mandate, from the sender; no finding.
fn audit(sender: &Daemon) {
    let (code, text, errors) = try_luxor(&["audit", "--all", "--json", "--node", sender.dir().to_str().unwrap()]);
    assert_eq!(code, 0, "{text} {errors}");
    let found: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(found["ok"], true, "{found}");
}

#[test]
fn an_agreement_installed_at_one_running_node_reaches_its_parties_and_records_flow_under_it() {
    let network = found(&MEMBERS);
    let nodes = MEMBERS.map(|(id, _, _)| network.start(id));
    let [sender, recipient, post, _] = &nodes;
    agreed(&nodes, 6);
    let refused = sender.put("before", 0, &[record("A-0")]).unwrap();
    assert_eq!(refused["dispatches"], 0, "nothing may flow yet: {refused}");
    let late = late(&network);
    // At a node that is no party to it.
    let (code, said, errors) = install(post, &late);
    assert_eq!(
        (code, said.as_str()),
        (0, "agreement late version 1: admitted, and on its way to the other nodes\n"),
        "{errors}"
    );
    assert_eq!(install(post, &late).1, "agreement late version 1: known already\n");
    known(nodes.iter().zip([7, 7, 7, 6]));
    sender.put("after", 0, &[record("A-1")]).unwrap();
    let settled = sender.outbox("the receipt", |state| state["pending"] == 0 && state["sent"]["dispatches"] == 1);
    assert_eq!(settled["sent"]["accepted"], 1, "{settled}");
    assert_eq!(recipient.arrived().into_iter().collect::<Vec<_>>(), [("A-1".to_owned(), 1)]);
    for (node, agreements) in nodes.iter().zip([2, 2, 2, 1]) {
        let status = node.get("/v1/status");
        assert_eq!((&status["agreements"], &status["refused_documents"]), (&json!(agreements), &json!([])), "{status}");
        assert_eq!(node.get("/v1/documents")["agreements"].as_array().unwrap().len(), agreements);
    }
    let shown = luxor(&["status", "--node", post.dir().to_str().unwrap()]);
    let summary = post.get("/v1/status")["documents_summary"].as_str().unwrap()[..16].to_owned();
    assert!(shown.contains(&format!("7, summary {summary}; 4 members, 2 agreements")), "{shown}");
    audit(sender);
    drop(nodes);
    MEMBERS.iter().for_each(|(id, _, _)| check(&network.dir(id)));
}

#[test]
fn a_card_with_a_new_address_comes_to_all_and_they_dial_it() {
    let network = found(&MEMBERS[..3]);
    let flow = agreement("bp", "recipient", "post", "declaration", "revenue", "[\"*\"]");
    let flow = network.sign(&flow, &["recipient", "post"]);
    let [sender, recipient, post] = ["sender", "recipient", "post"].map(|id| network.start(id));
    assert_eq!(install(&sender, &flow).0, 0);
    agreed([&sender, &recipient, &post], 6);
    drop(post);
    let dir = network.dir("post");
    let config = std::fs::read_to_string(dir.join("luxord.toml")).unwrap();
    let host = config.lines().find_map(|line| line.strip_prefix("api = \"")?.strip_suffix(":4780\"")).unwrap();
    let card = next_card(&network, "post", |card| card.nodes[0].addresses = vec![format!("/ip4/{host}/tcp/4701")]);
    let listener = TcpListener::bind(format!("{host}:4701")).unwrap();
    listener.set_nonblocking(true).unwrap();
    let (code, _, errors) = install(&sender, &card);
    assert_eq!(code, 0, "{errors}");
    agreed([&sender, &recipient], 7);
    // Whoever dials from here on is the recipient, at which nobody installed anything.
    drop(sender);
    while listener.accept().is_ok() {}
    until("a connection to the new address", || listener.accept().ok());
    drop(listener);
    std::fs::write(dir.join("luxord.toml"), config.replace("/tcp/4700", "/tcp/4701")).unwrap();
    // The node itself has the card before this one: another gives it the new one when it starts.
    let post = network.start("post");
    agreed([&recipient, &post], 7);
    recipient.put("late", 0, &[record("C-1")]).unwrap();
    recipient.outbox("the receipt", |state| state["sent"]["accepted"] == 1);
    assert_eq!(post.arrived().len(), 1);
    let alarms = post.get("/v1/status")["alarms"].to_string();
    assert!(alarms.contains("version 2 of this member's card"), "{alarms}");
}

/// The next version of a member's card, signed with its identity key.
pub(crate) fn next_card(network: &Network, member: &str, change: impl FnOnce(&mut Card)) -> PathBuf {
    let dir = network.dir(member);
    let bytes = std::fs::read(dir.join(format!("documents/card-{member}.luxor"))).unwrap();
    let first = Document::read(DocumentKind::Card, &bytes).unwrap();
    let mut card = Card::open(&first).unwrap();
    change(&mut card);
    let mut next = card.to_successor(&first).unwrap();
    let identity = std::fs::read_to_string(dir.join("keys/identity.key")).unwrap();
    next.sign(&member.parse().unwrap(), &SecretKey::parse(KeyUse::Identity, identity.trim()).unwrap());
    let file = network.root.path().join(format!("next-{member}.luxor"));
    std::fs::write(&file, next.to_cbor()).unwrap();
    file
}

#[test]
fn a_node_that_was_down_gets_everything_at_its_start() {
    let network = found(&MEMBERS);
    let nodes = MEMBERS.map(|(id, _, _)| network.start(id));
    agreed(&nodes, 6);
    let [sender, recipient, post, agency] = nodes;
    agency.kill();
    assert_eq!(install(&sender, &late(&network)).0, 0);
    let other = agreement("other", "sender", "post", "declaration", "delivery", "[\"*\"]");
    let other = network.sign(&other, &["sender", "post"]);
    assert_eq!(install(&recipient, &other).0, 0);
    known([(&sender, 8), (&recipient, 8), (&post, 7)]);
    // And what was put into its folder meanwhile comes to the others.
    let own = agreement("own", "agency", "post", "declaration", "delivery", "[\"*\"]");
    network.install("agency", &network.sign(&own, &["agency", "post"]));
    let agency = network.start("agency");
    known([(&sender, 8), (&recipient, 8), (&post, 8), (&agency, 7)]);
    audit(&sender);
    // Kept: alone, and after its process was ended without warning, it knows them still.
    post.kill();
    let post = network.start("post");
    assert_eq!(post.get("/v1/status")["documents"], 8);
    drop([sender, recipient, post, agency]);
    MEMBERS.iter().for_each(|(id, _, _)| check(&network.dir(id)));
}

#[test]
fn a_wrong_document_is_refused_with_its_reason_and_never_spreads() {
    let network = found(&MEMBERS[..2]);
    let foreign = {
        let other = found(&MEMBERS[..2]);
        std::fs::read(late(&other)).unwrap()
    };
    let [sender, recipient] = ["sender", "recipient"].map(|id| network.start(id));
    agreed([&sender, &recipient], 4);
    let entries = sender.get("/v1/status")["log_entries"].clone();
    let late = late(&network);
    let good = std::fs::read(&late).unwrap();
    let spoilt = {
        let mut document = Document::from_cbor(&good).unwrap();
        document.signatures[1].signature[9] ^= 1;
        document.to_cbor()
    };
    let lacking = {
        let mut document = Document::from_cbor(&good).unwrap();
        document.signatures.remove(0);
        document.to_cbor()
    };
    let cases = [
        (&spoilt, "agreement 'late': signature of sender: the signature by the identity key does not match"),
        (
            &lacking,
            "agreement 'late' lacks the signature of recipient\nhint: have recipient run `luxor agreement sign`",
        ),
        (&foreign, "agreement 'late' belongs to network "),
        (&good[..good.len() - 1].to_vec(), "not a signed document: "),
    ];
    for (bytes, reason) in &cases {
        let (status, said) = give(&sender, bytes);
        assert_eq!((status, &said["error"]), (422, &json!("refused")), "{said}");
        let message = said["message"].as_str().unwrap();
        assert!(message.starts_with(reason), "{message}");
    }
    let file = network.root.path().join("spoilt.luxor");
    std::fs::write(&file, &spoilt).unwrap();
    let (code, said, errors) = install(&sender, &file);
    assert_eq!((code, said.as_str()), (4, ""));
    assert!(errors.contains("spoilt.luxor: refused: agreement 'late': signature of sender: "), "{errors}");
    let status = sender.get("/v1/status");
    assert_eq!((&status["log_entries"], &status["documents"]), (&entries, &json!(4)), "nothing changed: {status}");
    let refused = status["refused_documents"].as_array().unwrap();
    assert_eq!((refused.len(), &refused[3]["times"]), (4, &json!(2)), "the same again counts: {refused:?}");
    assert!(
        luxor(&["status", "--node", sender.dir().to_str().unwrap()])
            .contains("agreement late version 1 from here, 2 times")
    );
    // Of several files each is judged alone, and only the good one goes on.
    let files = [&file, &late].map(|file| file.to_str().unwrap());
    let dir = sender.dir().to_str().unwrap();
    let (code, said, _) = try_luxor(&["install", "--node", dir, files[0], files[1], "--json"]);
    let said: Json = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, said["admitted"].as_array().unwrap().len(), said["refused"].as_array().unwrap().len()),
        (4, 1, 1)
    );
    agreed([&sender, &recipient], 5);
    let status = recipient.get("/v1/status");
    assert_eq!(status["refused_documents"], json!([]), "nobody brought it a wrong one: {status}");
    audit(&sender);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_brings_is_judged_counted_and_put_off_when_it_is_too_much() {
    let network = found(&MEMBERS[..3]);
    let late = Document::from_cbor(&std::fs::read(late(&network)).unwrap()).unwrap();
    let (net, _requests) = stand_in(&network, "post", false).await;
    let [sender, recipient] = ["sender", "recipient"].map(|id| network.start(id));
    agreed([&sender, &recipient], 5);
    let target = luxor_node::Folder::new(network.dir("recipient")).documents().unwrap();
    let key = TransportKey(target.node(&"recipient/n1".parse().unwrap()).unwrap().card.transport.current().bytes());
    let ask = async |request: Request| {
        let answer = net.handle().request(key, Arc::new(request.to_cbor())).await.unwrap();
        Answer::from_cbor(&answer).unwrap()
    };
    let post = "post".parse().unwrap();
    let seen: Vec<_> = target.documents_for(&post).map(|(digest, _)| *digest).collect();
    let summary = luxor_protocol::document::Directory::summary_of(&seen);
    assert_eq!(ask(Request::DocumentsKnown { summary }).await, Answer::DocumentsKnown(Vec::new()));
    let Answer::DocumentsKnown(known) = ask(Request::DocumentsKnown { summary: target.summary() }).await else {
        panic!()
    };
    assert_eq!((&known, known.len()), (&seen, 4), "the charter and the cards");
    let audit = target.documents().map(|(digest, _)| *digest).find(|digest| !known.contains(digest)).unwrap();
    let wanted = Request::DocumentsWanted(vec![known[0], audit, late.whole()]);
    let Answer::Documents(shown) = ask(wanted).await else { panic!() };
    assert_eq!(shown.len(), 1, "neither what is not known nor an agreement of others is shown");

    // A bad one beside a good one: the good one is taken, the bad one counted.
    let mut bad = late.clone();
    bad.id = "other".parse().unwrap();
    let both = || Request::TakeDocuments(vec![bad.to_cbor(), late.to_cbor(), b"none".to_vec()]);
    assert_eq!(ask(both()).await, Answer::DocumentsTaken(vec![late.whole()]));
    agreed([&sender, &recipient], 6);
    assert_eq!(ask(both()).await, Answer::DocumentsTaken(vec![late.whole()]), "it is known");
    let status = recipient.get("/v1/status");
    let refused = status["refused_documents"].as_array().unwrap();
    assert!(refused.len() == 2 && refused.iter().all(|one| one["from"] == "post/n1" && one["times"] == 2), "{status}");
    assert_eq!(status["errors"], json!({}), "it costs the sender nothing");
    let many = ask(Request::TakeDocuments(vec![bad.to_cbor(); 100])).await;
    assert!(matches!(&many, Answer::Later { lacks: Lack::Capacity, .. }), "{many:?}");
    let status = recipient.get("/v1/status");
    assert!(status["refused_documents"][1]["times"].as_u64().unwrap() < 40, "{status}");
    assert_eq!(sender.get("/v1/status")["refused_documents"], json!([]), "it never spreads");
    net.shutdown().await;
}
