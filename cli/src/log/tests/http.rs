//! A log behind a web server, and a witness.

use std::fs;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use luxor_protocol::tlog::{AddCheckpoint, Decision, Held, KeyType, VerifierKey, cosign_line, decide};

use super::super::testing::{Place, Server, findings, holds, log_key, luxor, secret};
use crate::exit::Exit;

const NO_FORK: u64 = u64::MAX;
const WITNESS: &str = "witness.example/w";

#[test]
fn a_log_is_exported_and_verified_from_a_web_server() {
    let (place, key) = (Place::new(), log_key().to_string());
    place.log("log", 700, NO_FORK);
    let server = Server::of(place.path("log"));
    let (url, to) = (format!("{}/log/", server.url), place.text("out"));
    holds(&["log", "verify", &url, "--vkey", &key]);
    // Nobody's token goes to a web server.
    assert_eq!(server.authorized.load(Ordering::SeqCst), 0);
    holds(&["log", "export", &to, "--from", &url, "--vkey", &key]);
    place.log("log", 1_000, NO_FORK);
    holds(&["log", "export", &to, "--from", &url]);
    holds(&["log", "verify", &to]);
    holds(&["log", "prove", "--index", "999", &url, "--vkey", &key, "-o", &place.text("proof")]);
    holds(&["log", "consistency", &place.text("out/checkpoint"), &url, "--vkey", &key]);
    fs::remove_file(place.path("log/tile/0/001")).unwrap();
    assert!(findings(&["log", "verify", &url, "--vkey", &key]).contains("tile/0/001 is not there"));
    assert_eq!(luxor(&["log", "verify", &url]).unwrap_err().0, Exit::Usage);
    assert_eq!(luxor(&["log", "verify", &server.url, "--vkey", &key]).unwrap_err().0, Exit::Refused);
    drop(server);
    assert_eq!(luxor(&["log", "verify", &url, "--vkey", &key]).unwrap_err().0, Exit::Unreachable);
}

#[test]
fn servers_that_answer_otherwise_are_refused() {
    let key = log_key().to_string();
    for (status, length, exit) in
        [(302, 0, Exit::Refused), (403, 0, Exit::Refused), (500, 0, Exit::Unreachable), (200, 70_000, Exit::Refused)]
    {
        let server = Server::new(Box::new(move |_, _| (status, vec![b'a'; length])));
        let refused = luxor(&["log", "verify", &server.url, "--vkey", &key]).unwrap_err();
        assert_eq!(refused.0, exit, "{refused:?}");
    }
}

#[test]
fn a_node_is_asked_with_its_token() {
    let (place, key) = (Place::new(), log_key().to_string());
    place.log("log", 700, NO_FORK);
    let folder = place.path("log");
    let server = Server::new(Box::new(move |path, _| {
        let file = path.strip_prefix("/v1/log/").map(|path| folder.join(path));
        file.and_then(|file| fs::read(file).ok()).map_or((404, b"none".to_vec()), |bytes| (200, bytes))
    }));
    fs::create_dir_all(place.path("node/run")).unwrap();
    let api = serde_json::json!({ "url": server.url, "token": "secret" });
    fs::write(place.path("node/run/api.json"), api.to_string()).unwrap();
    let (node, to) = (place.text("node"), place.text("out"));
    holds(&["log", "export", &to, "--node", &node, "--vkey", &key]);
    holds(&["log", "verify", "--node", &node, "--vkey", &key]);
    assert_eq!(server.authorized.load(Ordering::SeqCst), server.asked.load(Ordering::SeqCst));
    fs::remove_file(place.path("log/checkpoint")).unwrap();
    let refused = luxor(&["log", "verify", "--node", &node, "--vkey", &key]).unwrap_err();
    assert!(refused.0 == Exit::Refused && refused.1.contains("older than this luxor"), "{refused:?}");
    assert_eq!(luxor(&["log", "verify", &node, "--vkey", &key]).unwrap_err().0, Exit::Refused);
}

/// A witness as the protocol decides, without a clock.
fn witness(known: Option<Held>, follows: bool) -> Server {
    let known = Arc::new(Mutex::new(known));
    Server::new(Box::new(move |path, body| {
        assert_eq!(path, "/w/add-checkpoint");
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return (400, error.to_string().into_bytes()),
        };
        let mut known = known.lock().unwrap();
        match decide(known.as_ref(), &request, follows.then(log_key).as_ref()) {
            Decision::Cosign(held) => {
                *known = Some(held);
                let text = request.checkpoint().unwrap().to_text();
                (200, cosign_line(&text, WITNESS, &secret(9), 1_700_000_000).unwrap().into_bytes())
            }
            Decision::Refuse(refusal) => (refusal.status(), refusal.body().into_bytes()),
        }
    }))
}

#[test]
fn a_witness_cosigns_what_extends_what_it_holds() {
    let (place, key) = (Place::new(), log_key().to_string());
    let witness_key = VerifierKey::new(WITNESS, KeyType::Cosignature, &secret(9).verifying_key()).unwrap().to_string();
    let server = witness(None, true);
    let to = format!("{}/w/", server.url);
    let ask = |log: &str, to: &str, more: &[&str]| {
        let (dir, file) = (place.text(log), place.text(&format!("{log}/checkpoint")));
        let args = ["log", "witness", &file, &dir, "--vkey", &key, "--to", to, "--witness-key", &witness_key];
        luxor(&[&args[..], more].concat())
    };
    let found = |report: serde_json::Value| {
        assert_eq!(report["ok"], false);
        report["findings"][0].as_str().unwrap().to_owned()
    };
    for (size, old, added) in [(300, 0, 1), (300, 300, 0), (700, 300, 1)] {
        if added == 1 {
            place.log("log", size, NO_FORK);
        }
        let report = ask("log", &to, &[]).unwrap();
        assert_eq!((&report["cosignatures_added"], &report["old_size"]), (&added.into(), &old.into()), "{report}");
    }
    let policy = place.text("policy");
    fs::write(&policy, format!("witness w {witness_key}\nquorum w\n")).unwrap();
    let report = holds(&["log", "verify", &place.text("log"), "--vkey", &key, "--policy", &policy]);
    assert_eq!(report["witnesses"], serde_json::json!(["w"]));
    // Named rightly at once, and wrongly.
    place.log("log", 900, NO_FORK);
    assert_eq!(ask("log", &to, &["--old", "700"]).unwrap()["old_size"], 700);
    place.log("log", 950, NO_FORK);
    assert_eq!(ask("log", &to, &["--old", "5"]).unwrap()["old_size"], 900);
    assert_eq!(ask("log", &to, &["--old", "951"]).unwrap_err().0, Exit::Refused);
    // Set back, forked, another key, a witness that does not follow the log, or is none.
    place.log("back", 300, NO_FORK);
    assert!(found(ask("back", &to, &[]).unwrap()).contains("has cosigned 950 entries already"));
    place.log("forked", 1_000, 299);
    let before = fs::read(place.path("forked/checkpoint")).unwrap();
    assert!(found(ask("forked", &to, &[]).unwrap()).contains("fork suspected"));
    assert_eq!(fs::read(place.path("forked/checkpoint")).unwrap(), before);
    let stranger = witness(None, false);
    assert!(found(ask("log", &format!("{}/w", stranger.url), &[]).unwrap()).contains("does not follow this log"));
    for (status, body, what) in [
        (403, "no", "another key of this log"),
        (409, "what", "is it a C2SP witness?"),
        (200, "what", "is --witness-key that of"),
        (503, "later", "try again later"),
    ] {
        let other = Server::new(Box::new(move |_, _| (status, body.as_bytes().to_vec())));
        let what_found = found(ask("log", &other.url, &[]).unwrap());
        assert!(what_found.contains(what), "{what_found}");
    }
    // Files that are not those of the checkpoint.
    place.log("log", 960, NO_FORK);
    fs::remove_file(place.path("log/tile/0/003.p/192")).unwrap();
    assert!(found(ask("log", &to, &[]).unwrap()).contains("is not there"));
}
