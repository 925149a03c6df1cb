//! Verify, prove and check-proof on a folder.

use std::fs;

use luxor_protocol::hash::hex;
use luxor_protocol::tlog::{KeyType, MAX_NOTE_BYTES, Policy, VerifierKey, leaf_hash};

use super::super::testing::{Place, damage, entry, findings, holds, log_key, luxor, make, secret};
use crate::exit::Exit;

#[test]
fn a_right_log_verifies_at_any_size() {
    let (place, key) = (Place::new(), log_key().to_string());
    for size in [0, 1, 255, 256, 257, 700, 66_000] {
        let dir = place.log(&format!("log-{size}"), size, u64::MAX);
        let report = holds(&["log", "verify", &dir, "--vkey", &key]);
        assert_eq!(report["size"], size);
        assert_eq!(report["verdict"], "everything holds");
    }
}

#[test]
fn damage_is_found_and_named() {
    let (place, key) = (Place::new(), log_key().to_string());
    for (file, named) in [
        ("tile/entries/001", "tile/0/001: hash 0 (entries 256 to 256)"),
        ("tile/entries/002.p/188", "tile/0/002.p/188: hash 0"),
        ("tile/0/000", "tile/0/000: hash 0"),
        ("tile/1/000.p/2", "tile/1/000.p/2: hash 0 (entries 0 to 255)"),
        ("checkpoint", "checkpoint of"),
    ] {
        let dir = place.log("log", 700, u64::MAX);
        // Behind the length of the first entry of a bundle, within the origin of the checkpoint.
        damage(&place.path("log").join(file), 3);
        let found = findings(&["log", "verify", &dir, "--vkey", &key]);
        assert!(found.contains(named), "{file}: {found}");
        assert!(found.contains("hint:"), "{file}: {found}");
    }
    for (file, bytes) in [("tile/0/000", &b"short"[..]), ("tile/entries/000", b"\xff\xff"), ("checkpoint", b"text\n")] {
        let dir = place.log("log", 700, u64::MAX);
        fs::write(place.path("log").join(file), bytes).unwrap();
        let found = findings(&["log", "verify", &dir, "--vkey", &key]);
        assert!(found.contains(file), "{found}");
    }
    for file in ["tile/0/000", "tile/entries/001"] {
        let dir = place.log("log", 700, u64::MAX);
        fs::remove_file(place.path("log").join(file)).unwrap();
        let found = findings(&["log", "verify", &dir, "--vkey", &key]);
        assert!(found.contains(&format!("{file} is not there; hint:")), "{found}");
    }
    let dir = place.log("log", 700, u64::MAX);
    fs::write(place.path("log/tile/0/000"), vec![0; 8_193]).unwrap();
    let refused = luxor(&["log", "verify", &dir, "--vkey", &key]).unwrap_err();
    assert!(refused.0 == Exit::Failed && refused.1.contains("larger than 8192 bytes"), "{refused:?}");
}

#[test]
fn what_is_no_log_or_no_key_is_refused() {
    let place = Place::new();
    let (dir, key) = (place.log("log", 3, u64::MAX), log_key().to_string());
    let other = VerifierKey::new("other.example/2", KeyType::Ed25519, &secret(6).verifying_key()).unwrap().to_string();
    let refused = |args: &[&str]| luxor(args).unwrap_err();
    assert_eq!(refused(&["log", "verify", &place.text("absent"), "--vkey", &key]).0, Exit::Failed);
    assert_eq!(refused(&["log", "verify", &dir]).0, Exit::Usage);
    assert_eq!(refused(&["log", "verify", &dir, "--vkey", "a+b+c"]).0, Exit::Refused);
    assert_eq!(refused(&["log", "verify"]).0, Exit::Usage);
    assert_eq!(refused(&["log", "verify", "https://log.example", "--vkey", &key]).0, Exit::Usage);
    fs::create_dir(place.path("empty")).unwrap();
    let empty = refused(&["log", "verify", &place.text("empty"), "--vkey", &key]);
    assert!(empty.0 == Exit::Refused && empty.1.contains("no checkpoint in"), "{empty:?}");
    assert!(findings(&["log", "verify", &dir, "--vkey", &other]).contains("no signature by any of the 1 known keys"));
    fs::write(place.path("log/checkpoint"), vec![b'a'; MAX_NOTE_BYTES + 1]).unwrap();
    assert_eq!(refused(&["log", "verify", &dir, "--vkey", &key]).0, Exit::Failed);
}

#[test]
fn a_policy_tells_who_cosigned() {
    let (place, key) = (Place::new(), log_key());
    let dir = place.log("log", 300, u64::MAX);
    let witness =
        |seed: u8| VerifierKey::new(&format!("w{seed}"), KeyType::Cosignature, &secret(seed).verifying_key()).unwrap();
    let policy = Policy::flat(&[key], &[witness(1), witness(2)], Some(2)).unwrap();
    fs::write(place.path("policy"), policy.text()).unwrap();
    let mut note = make(&place.path("log"), 300, u64::MAX);
    note.cosign("w1", &secret(1), 1_700_000_000).unwrap();
    fs::write(place.path("one"), note.to_bytes()).unwrap();
    note.cosign("w2", &secret(2), 1_700_000_060).unwrap();
    fs::write(place.path("two"), note.to_bytes()).unwrap();
    let verify = |file: &str| {
        // The key is the policy's.
        luxor(&["log", "verify", &dir, "--policy", &place.text("policy"), "--checkpoint", &place.text(file)]).unwrap()
    };
    let (one, two) = (verify("one"), verify("two"));
    assert_eq!((&one["ok"], &one["quorum"]), (&false.into(), &false.into()));
    assert_eq!((&two["ok"], &two["quorum"], &two["quorum_time"]), (&true.into(), &true.into(), &1_700_000_060.into()));
    assert_eq!(two["witnesses"], serde_json::json!(["w1", "w2"]));
    note.signatures[1].signature[20] ^= 1;
    fs::write(place.path("wrong"), note.to_bytes()).unwrap();
    assert!(verify("wrong")["findings"][0].as_str().unwrap().contains("does not verify"));
}

#[test]
fn proofs_are_written_checked_and_refused() {
    let (place, key) = (Place::new(), log_key().to_string());
    let dir = place.log("log", 70_000, u64::MAX);
    let (file, vkey) = (place.text("p.tlog-proof"), place.text("key"));
    fs::write(place.path("key"), format!("{key}\n")).unwrap();
    fs::write(place.path("entry"), entry(69_999, u64::MAX)).unwrap();
    for index in [0, 255, 256, 65_535, 69_999] {
        holds(&["log", "prove", "--index", &index.to_string(), &dir, "--vkey", &key, "-o", &file]);
        let bytes = entry(index, u64::MAX);
        let (leaf, hash) = (hex(&bytes), hex(&leaf_hash(&bytes)));
        holds(&["log", "check-proof", &file, "--vkey", &vkey, "--leaf-hex", &leaf]);
        holds(&["log", "check-proof", &file, "--vkey", &vkey, "--leaf-hash", &hash]);
        assert!(findings(&["log", "check-proof", &file, "--vkey", &vkey, "--leaf-hex", "00"]).contains("another root"));
    }
    holds(&["log", "check-proof", &file, "--vkey", &vkey, "--leaf", &place.text("entry")]);
    let beyond = luxor(&["log", "prove", "--index", "70000", &dir, "--vkey", &key]).unwrap_err();
    assert!(beyond.0 == Exit::Refused && beyond.1.contains("the last is 69999"), "{beyond:?}");
    for (what, args) in [("hexadecimal", ["--leaf-hex", "0g"]), ("32", ["--leaf-hash", "00"])] {
        let wrong = luxor(&[&["log", "check-proof", &file, "--vkey", &key], &args[..]].concat()).unwrap_err();
        assert!(wrong.0 == Exit::Usage && wrong.1.contains(what), "{wrong:?}");
    }
    let refused = luxor(&["log", "check-proof", &vkey, "--vkey", &key, "--leaf-hex", "00"]).unwrap_err();
    assert_eq!(refused.0, Exit::Refused);
    // Damaged tiles and bundles give no proof.
    damage(&place.path("log/tile/0/000"), 40);
    let prove = ["log", "prove", "--index", "7", &dir, "--vkey", &key, "-o", &file];
    assert!(findings(&prove).contains("do not lead to the checkpoint's root"));
    damage(&place.path("log/tile/0/000"), 40);
    damage(&place.path("log/tile/entries/000"), 2 + 7 * 9 + 2);
    assert!(findings(&prove).contains("entry 7 in its bundle is not the one in the tree"));
    fs::remove_file(place.path("log/tile/entries/000")).unwrap();
    holds(&prove);
    fs::remove_file(place.path("log/tile/0/000")).unwrap();
    assert!(findings(&prove).contains("tile/0/000 is not there"));
}
