//! Every key of a member is replaced while records flow both ways.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use luxor_tests::{Network, agreement, check, luxor, put, try_luxor, until};
use serde_json::json;

const MEMBERS: [(&str, &str, &str); 4] = [
    ("sender", "platform", "CN"),
    ("recipient", "customs", "KR"),
    ("third", "customs", "JP"),
    ("fourth", "post", "KR"),
];

fn found() -> Network {
    let to = agreement("there", "sender", "recipient", "declaration", "revenue", "[\"*\"]");
    let back = agreement("back", "recipient", "sender", "declaration", "facilitation", "[\"*\"]");
    let audit = agreement("audit", "recipient", "third", "opening", "audit", "[\"*\"]");
    let other = agreement("audit2", "sender", "third", "opening", "audit", "[\"*\"]");
    Network::found(&MEMBERS, &[to, back, audit, other])
}

/// Submits one record after another to whatever node runs in a folder, each until it is taken.
struct Traffic {
    stop: Arc<AtomicBool>,
    taken: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Traffic {
    fn begin(dir: PathBuf, prefix: &'static str) -> Self {
        let (stop, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count) = (stop.clone(), taken.clone());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let number = count.load(Ordering::Relaxed);
                let reference = format!("{prefix}-{number}");
                let record = json!({"type": "declaration", "filing": {"own_reference": reference}, "route": {"destination": "KR"}});
                match put(&dir, prefix, number, &[record]) {
                    Ok(answer) => {
                        assert_eq!(answer["records"][0]["accepted"]["recipients"], 1, "{answer}");
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    // The node is between two starts; the same chunk again gets the same answer.
                    Err(_) => std::thread::yield_now(),
                }
            }
        });
        Self { stop, taken, thread: Some(thread) }
    }

    fn count(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Waits until so many more were taken.
    fn on(&self, more: u64) {
        let from = self.count();
        until("more to be taken", || (self.count() >= from + more).then_some(()));
    }

    fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        self.taken.load(Ordering::Relaxed)
    }
}

fn rotate(dir: &Path, more: &[&str]) -> (i32, String, String) {
    let mut arguments = vec!["card", "rotate", "--node", dir.to_str().unwrap()];
    arguments.extend(more);
    try_luxor(&arguments)
}

#[test]
fn every_key_of_a_member_is_replaced_while_records_flow() {
    let network = found();
    let [sender, third, fourth] = ["sender", "third", "fourth"].map(|id| network.start(id));
    let recipient = network.start("recipient");
    let dir = network.dir("recipient");
    sender.dir();
    let keys = |node: &luxor_tests::Daemon| node.get("/v1/status")["keys"].as_array().unwrap().clone();
    let before = keys(&recipient);
    let (there, back) = (Traffic::begin(network.dir("sender"), "there"), Traffic::begin(dir.clone(), "back"));
    there.on(20);
    back.on(20);
    let everywhere = |version: u64| {
        for node in [&sender, &third, &fourth] {
            until("every node has the card", || {
                let cards = node.get("/v1/documents")["cards"].as_array().unwrap().len() as u64;
                (cards == 3 + version).then_some(())
            });
        }
    };
    // One node's keys and the member's identity key.
    let (code, said, errors) = rotate(&dir, &["--use", "identity"]);
    assert_eq!(code, 0, "{errors}");
    assert!(said.contains("version 2: keys announced"), "{said}");
    let (code, _, errors) = rotate(&dir, &[]);
    assert_eq!(code, 0, "signed by the new identity key: {errors}");
    everywhere(3);
    let (code, _, errors) = rotate(&dir, &["--finish"]);
    assert_ne!(code, 0, "announced keys are not in use");
    assert!(errors.contains("hint:"), "{errors}");
    there.on(20);
    back.on(20);
    assert_eq!(rotate(&dir, &["--switch"]).0, 0);
    everywhere(4);
    // Again it would put the former keys back into use.
    let (code, _, errors) = rotate(&dir, &["--switch"]);
    assert!(code == 4 && errors.contains("no next key is announced"), "{errors}");
    there.on(20);
    back.on(20);
    // All but the transport key are in use without a stop.
    let switched = keys(&recipient);
    assert_eq!(
        switched.iter().zip(&before).map(|(new, old)| new != old).collect::<Vec<_>>(),
        [true, true, true, false, true]
    );
    let (code, _, errors) = rotate(&dir, &["--finish"]);
    assert_ne!(code, 0);
    assert!(errors.contains("does not use transport:"), "{errors}");
    recipient.kill();
    let recipient = network.start("recipient").awake();
    assert!(keys(&recipient).iter().all(|key| !before.contains(key)));
    there.on(20);
    back.on(20);
    until("what former keys signed has its receipt", || (rotate(&dir, &["--finish"]).0 == 0).then_some(()));
    everywhere(5);
    there.on(20);
    back.on(20);
    // And once more, to see that what is left is as it was.
    assert_eq!(rotate(&dir, &["--use", "sign"]).0, 0);
    let (given, returned) = (there.end(), back.end());
    for (node, sent) in [(&sender, given), (&recipient, returned)] {
        let state = node.outbox("every receipt", |state| state["pending"] == 0);
        let sent_of = &state["sent"];
        assert_eq!(
            (&sent_of["accepted"], &sent_of["rejected"], &sent_of["refused"]),
            (&json!(sent), &json!(0), &json!(0)),
            "{state}"
        );
    }
    for (node, count, prefix) in [(&recipient, given, "there"), (&sender, returned, "back")] {
        let arrived = node.arrived();
        assert_eq!(arrived.len() as u64, count);
        assert!((0..count).all(|number| arrived.get(&format!("{prefix}-{number}")) == Some(&1)), "lost or doubled");
    }
    // Old records still verify: the whole log with all its checkpoints, and a receipt from before.
    let (code, text, errors) = try_luxor(&["audit", "--all", "--json", "--node", third.dir().to_str().unwrap()]);
    assert_eq!(code, 0, "{text} {errors}");
    let first = luxor(&["show", "there-0", "--node", sender.dir().to_str().unwrap()]);
    assert!(first.contains("there-0"), "{first}");
    // Under its new key.
    recipient.witnessed();
    drop((sender, third, fourth, recipient));
    for (id, _, _) in MEMBERS {
        check(&network.dir(id));
    }
}
