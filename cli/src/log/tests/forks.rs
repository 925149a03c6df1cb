//! A log that shows two histories, and what proves it.

use std::fs;

use super::super::testing::{Place, damage, findings, holds, log_key, luxor};
use crate::exit::Exit;

const NO_FORK: u64 = u64::MAX;

#[test]
fn an_export_finds_a_fork_and_keeps_evidence() {
    let key = log_key().to_string();
    // The other history is larger, of the same size, smaller; size 256 is a complete subtree.
    for (size, other) in [(700, 900), (256, 300), (700, 700), (700, 300), (1, 1), (1, 2)] {
        let place = Place::new();
        let (from, to) = (place.log("log", size, NO_FORK), place.text("out"));
        let export = ["log", "export", &to, "--from", &from, "--vkey", &key];
        holds(&export);
        let before = place.files("out");
        fs::remove_dir_all(place.path("log")).unwrap();
        place.log("log", other, size.min(other) - 1);
        let found = findings(&export);
        assert!(found.contains("the log forked: the log \"log.example/1\" signed two histories"), "{found}");
        let evidence = place.text("out/fork-evidence");
        let proven = holds(&["evidence", "verify", &evidence, "--vkey", &key]);
        assert_eq!(proven["checkpoint_a"]["size"], size.min(other));
        assert_eq!(proven["checkpoint_b"]["size"], size.max(other));
        let after = place.files("out");
        assert_eq!(after.iter().filter(|name| *name != "fork-evidence").cloned().collect::<Vec<_>>(), before);
        holds(&["log", "verify", &to]);
        damage(&place.path("out/fork-evidence"), 200);
        assert!(findings(&["evidence", "verify", &evidence]).contains("proves nothing:"));
    }
}

#[test]
fn a_log_that_was_set_back_is_no_fork() {
    let (place, key) = (Place::new(), log_key().to_string());
    let (from, to) = (place.log("log", 700, NO_FORK), place.text("out"));
    let export = ["log", "export", &to, "--from", &from, "--vkey", &key];
    holds(&export);
    place.log("log", 300, NO_FORK);
    assert!(findings(&export).contains("it was set back"));
    assert!(!place.path("out/fork-evidence").exists());
    holds(&["log", "verify", &to]);
}

#[test]
fn consistency_tells_extension_fork_and_what_cannot_be_told() {
    let (place, key) = (Place::new(), log_key().to_string());
    let (log, forked) = (place.log("log", 700, NO_FORK), place.log("forked", 700, 299));
    for old in [0, 1, 256, 300, 700] {
        place.log(&format!("old-{old}"), old, NO_FORK);
        let checkpoint = place.text(&format!("old-{old}/checkpoint"));
        holds(&["log", "consistency", &checkpoint, &log, "--vkey", &key]);
        let evidence = place.text("evidence");
        let against = ["log", "consistency", &checkpoint, &forked, "--vkey", &key, "--evidence", &evidence];
        if old < 300 {
            holds(&against);
            continue;
        }
        assert!(findings(&against).contains("evidence is in"));
        holds(&["evidence", "verify", &evidence]);
        let other = place.text("made");
        let (a, b) = (place.text("forked/checkpoint"), &checkpoint);
        // In either order; files are needed unless both have one size.
        holds(&["evidence", "make", &a, b, "--vkey", &key, "--source", &forked, "-o", &other]);
        assert_eq!(fs::read(&other).unwrap().len(), fs::read(&evidence).unwrap().len());
        holds(&["evidence", "verify", &other]);
    }
    let (old, new) = (place.text("old-300/checkpoint"), place.text("forked/checkpoint"));
    let made = luxor(&["evidence", "make", &old, &new, "--vkey", &key, "-o", &place.text("x")]).unwrap_err();
    assert!(made.0 == Exit::Usage && made.1.contains("--source"), "{made:?}");
    let made = findings(&["evidence", "make", &old, &new, "--vkey", &key, "--source", &log, "-o", &place.text("x")]);
    assert!(made.contains("do not lead to the checkpoint's root"), "{made}");
    let new = place.text("log/checkpoint");
    let made = findings(&["evidence", "make", &old, &new, "--vkey", &key, "--source", &log, "-o", &place.text("x")]);
    assert!(made.contains("nothing to prove"), "{made}");
    assert!(!place.path("x").exists());
    let back = findings(&["log", "consistency", &new, &place.text("old-300"), "--vkey", &key]);
    assert!(back.contains("cannot be told"), "{back}");
    // Damage is no fork.
    damage(&place.path("log/tile/1/000.p/2"), 4);
    assert!(findings(&["log", "consistency", &old, &log, "--vkey", &key]).contains("do not lead to"));
}
