//! A witness that lies: that it cosigned more than there is, that it holds another history, that it does not want to. The
//! operator is told what it says; the log goes on, and nobody holds it for forked.

use std::sync::Mutex;

use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::*;
use crate::flow::stand_in;

const MEMBERS: [(&str, &str, &str); 4] =
    [("sender", "platform", "CN"), ("recipient", "customs", "KR"), ("post", "post", "KR"), ("agency", "agency", "KR")];

/// What it says to every checkpoint, and what the operator reads of that.
const LIES: [(u16, &str, &str); 4] = [
    (409, "1000000\n", "it says that it cosigned 1000000 entries of this log, which has 8 here"),
    (422, "no\n", "it says that it holds another history of this log"),
    (200, "— somebody.example nonsense\n", "answer of a witness: "),
    (503, "later\n", "503: later"),
];

/// Answers what comes for the witness until the network ends.
async fn lie(mut requests: mpsc::Receiver<luxor_node::net::Inbound>, says: Arc<Mutex<(u16, &'static str)>>) {
    while let Some(inbound) = requests.recv().await {
        let answer = match Request::from_cbor(&inbound.body) {
            Ok(Request::AddCheckpoint(_)) => {
                let (status, body) = *says.lock().unwrap();
                Answer::Witness { status, body: body.into() }
            }
            _ => Answer::error(ErrorCode::NotAMember, "nobody here"),
        };
        inbound.reply.send(answer.to_cbor());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lying_witness_says_is_told_and_changes_nothing() {
    let flow = agreement("ab", "sender", "recipient", "declaration", "safety_security", "[\"*\"]");
    let network = Network::found(&MEMBERS, &[flow]);
    let (net, requests) = stand_in(&network, "agency", true).await;
    let says = Arc::new(Mutex::new((LIES[0].0, LIES[0].1)));
    let lying = tokio::spawn(lie(requests, says.clone()));
    let nodes: Vec<_> = ["sender", "recipient", "post"].map(|member| network.start(member)).into();
    let sender = &nodes[0];
    let submit = |at: u64| {
        let record = json!({"type": "declaration", "filing": {"own_reference": format!("L-{at}")},
                            "route": {"destination": "KR"}});
        sender.put("lies", at, &[record]).unwrap();
        sender.outbox("the receipt", |state| state["sent"]["dispatches"] == at);
    };
    // Asked for again and again until it is as wanted.
    let witness = |node: &str, what: &str, is: &dyn Fn(&Json) -> bool| {
        until(what, || {
            let status = sender.get("/v1/status");
            let witnesses = status["witnessed"]["witnesses"].as_array().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            is(witnesses.iter().find(|witness| witness["witness"] == node).unwrap()).then_some(())
        });
    };
    submit(1);
    for (status, body, told) in LIES {
        *says.lock().unwrap() = (status, body);
        let is_told = |state: &Json| state["reason"].as_str().is_some_and(|reason| reason.starts_with(told));
        witness("agency/n1", told, &is_told);
    }
    // Two entries for each dispatch, behind six for the documents. The others cosign them all, whatever the one says.
    submit(2);
    for node in ["recipient/n1", "post/n1"] {
        witness(node, "the newest entries to be cosigned", &|state| state["size"] == 10);
    }
    for node in &nodes {
        let status = node.get("/v1/status");
        // Senders ask now and then whether their receipts are witnessed, which these are not.
        let mut errors = status["errors"].as_object().unwrap().clone();
        errors.remove("not_there");
        assert!(status["forked"] == json!([]) && errors.is_empty(), "{status}");
        let log = node.log();
        assert!(!log.contains("ERROR"), "{log}");
    }
    // Three of three make the quorum here, so nothing is witnessed; nor is anything held up by that.
    assert_eq!(nodes[0].get("/v1/status")["witnessed"]["size"], 0);
    drop(nodes);
    net.shutdown().await;
    lying.await.unwrap();
}
