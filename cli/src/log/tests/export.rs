//! Export of a folder to a folder.

use std::fs;

use luxor_protocol::tlog::{KeyType, VerifierKey, paths_of};

use super::super::testing::{ORIGIN, Place, damage, findings, holds, log_key, luxor, make, secret};
use crate::exit::Exit;

const NO_FORK: u64 = u64::MAX;

/// Every file that an export of this size has.
fn expected(size: u64) -> Vec<String> {
    let mut names: Vec<String> = paths_of(size).map(|path| path.to_string()).collect();
    names.push("log.example_1.vkey".to_owned());
    names.sort();
    names
}

#[test]
fn an_export_grows_with_the_log_and_brings_only_what_is_new() {
    let (place, key) = (Place::new(), log_key().to_string());
    let (from, to) = (place.text("log"), place.text("out"));
    let mut before = 0;
    for size in [0, 1, 200, 256, 300, 300, 1_000, 65_536, 66_100] {
        place.log("log", size, NO_FORK);
        let report = holds(&["log", "export", &to, "--from", &from, "--vkey", &key]);
        assert_eq!(report["size_before"], before);
        // Upper partial tiles that have not changed.
        assert!(report["files_already_there"].as_u64().unwrap() <= 2, "{size}: {report}");
        // Partial files of sizes before that are not full yet stay.
        let (found, expected) = (place.files("out"), expected(size));
        assert!(expected.iter().all(|name| found.contains(name)), "{size}");
        let old_partial = found.iter().filter(|name| !expected.contains(name));
        assert!(old_partial.clone().all(|name| name.contains(".p/")), "{size}: {found:?}");
        assert!(!found.iter().any(|name| name.starts_with("tile/0/000.p/")) || size < 256, "{size}");
        holds(&["log", "verify", &to]);
        before = size;
    }
    assert_eq!(fs::read_to_string(place.path("out/log.example_1.vkey")).unwrap(), format!("{key}\n"));
}

#[test]
fn an_export_that_was_broken_off_goes_on() {
    let (place, key) = (Place::new(), log_key().to_string());
    let (from, to) = (place.log("log", 2_000, NO_FORK), place.text("out"));
    let export = ["log", "export", &to, "--from", &from, "--vkey", &key];
    // The bundle in the middle lacks, so nothing is accepted.
    let missing = place.path("log/tile/entries/004");
    let bundle = fs::read(&missing).unwrap();
    fs::remove_file(&missing).unwrap();
    assert!(findings(&export).contains("tile/entries/004 is not there"));
    assert!(!place.path("out/checkpoint").exists());
    fs::write(&missing, bundle).unwrap();
    // One file was cut short by a power loss, and there is a partial one of a size in between.
    fs::write(place.path("out/tile/0/002"), b"").unwrap();
    fs::create_dir_all(place.path("out/tile/0/001.p")).unwrap();
    fs::write(place.path("out/tile/0/001.p/9"), [0; 288]).unwrap();
    let report = holds(&export);
    assert_eq!(report["files_already_there"], 7);
    assert_eq!(place.files("out"), expected(2_000));
    holds(&["log", "verify", &to]);
    // The same once more, with a file that is whole but wrong.
    fs::remove_file(place.path("out/checkpoint")).unwrap();
    damage(&place.path("out/tile/entries/003"), 5);
    let report = holds(&export);
    assert_eq!(report["files_already_there"], 0);
    holds(&["log", "verify", &to]);
}

#[test]
fn a_damaged_source_is_named_and_changes_no_checkpoint() {
    let key = log_key().to_string();
    for file in ["tile/entries/002", "tile/0/002", "tile/1/000.p/3", "tile/entries/003.p/32", "checkpoint"] {
        let place = Place::new();
        let (from, to) = (place.log("log", 300, NO_FORK), place.text("out"));
        let export = ["log", "export", &to, "--from", &from, "--vkey", &key];
        holds(&export);
        let before = fs::read(place.path("out/checkpoint")).unwrap();
        place.log("log", 800, NO_FORK);
        damage(&place.path("log").join(file), 4);
        let found = findings(&export);
        assert!(found.contains("hint:"), "{file}: {found}");
        assert_eq!(fs::read(place.path("out/checkpoint")).unwrap(), before, "{file}");
        holds(&["log", "verify", &to]);
        place.log("log", 800, NO_FORK);
        assert_eq!(holds(&export)["size_before"], 300);
        holds(&["log", "verify", &to]);
    }
}

#[test]
fn a_damaged_folder_is_mended_when_the_log_grows() {
    let (place, key) = (Place::new(), log_key().to_string());
    let (from, to) = (place.log("log", 700, NO_FORK), place.text("out"));
    let export = ["log", "export", &to, "--from", &from, "--vkey", &key];
    holds(&export);
    damage(&place.path("out/tile/1/000.p/2"), 4);
    damage(&place.path("out/tile/0/001"), 4);
    assert!(findings(&["log", "verify", &to]).contains("tile/0/001: hash 0"));
    place.log("log", 900, NO_FORK);
    holds(&export);
    holds(&["log", "verify", &to]);
    damage(&place.path("out/checkpoint"), 4);
    assert!(findings(&export).contains("out/checkpoint: checkpoint"));
}

#[test]
fn full_files_of_a_log_that_grew_are_cut() {
    let (place, key) = (Place::new(), log_key().to_string());
    let (from, to) = (place.log("log", 600, NO_FORK), place.text("out"));
    // The checkpoint is older than the files, whose partial ones are gone.
    let note = make(&place.path("older"), 300, NO_FORK);
    fs::write(place.path("log/checkpoint"), note.to_bytes()).unwrap();
    let upper = "tile/1/000.p/1"; // not full yet
    fs::copy(place.path("older").join(upper), place.path("log").join(upper)).unwrap();
    holds(&["log", "export", &to, "--from", &from, "--vkey", &key]);
    assert_eq!(place.files("out"), expected(300));
    holds(&["log", "verify", &to]);
}

#[test]
fn cosignatures_are_taken_and_keys_are_compared() {
    let (place, key) = (Place::new(), log_key().to_string());
    let (from, to) = (place.log("log", 300, NO_FORK), place.text("out"));
    holds(&["log", "export", &to, "--from", &from, "--vkey", &key]);
    let mut note = make(&place.path("log"), 300, NO_FORK);
    note.cosign("w1", &secret(1), 1_700_000_000).unwrap();
    fs::write(place.path("log/checkpoint"), note.to_bytes()).unwrap();
    // The key is the one that the folder has.
    holds(&["log", "export", &to, "--from", &from]);
    assert_eq!(fs::read(place.path("out/checkpoint")).unwrap(), note.to_bytes());
    let other = VerifierKey::new(ORIGIN, KeyType::Ed25519, &secret(6).verifying_key()).unwrap().to_string();
    let refused = luxor(&["log", "export", &to, "--from", &from, "--vkey", &other]).unwrap_err();
    assert!(refused.0 == Exit::Refused && refused.1.contains("holds the key"), "{refused:?}");
    let refused = luxor(&["log", "export", &place.text("new"), "--from", &from]).unwrap_err();
    assert!(refused.0 == Exit::Usage && refused.1.contains("give --vkey"), "{refused:?}");
}
