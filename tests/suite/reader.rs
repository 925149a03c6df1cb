//! The second reader, in Python and without code of the crate, holds the test vectors and refuses the damaged ones.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use luxor_tests::root;

/// An interpreter with the packages that the reader needs: `LUXOR_PYTHON`, or else `python3`. `None` reports the test as
/// skipped, by name.
fn python(test: &str) -> Option<PathBuf> {
    let python = std::env::var_os("LUXOR_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let found = Command::new(&python).args(["-c", "import blake3, cryptography"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    println!("skipped: {test}: {} with the packages blake3 and cryptography absent", python.display());
    None
}

fn read(python: &Path, vectors: &Path, more: &[&str]) -> Output {
    let reader = root().join("tests/reader/verify.py");
    // No byte code beside the sources.
    Command::new(python).arg("-B").arg(reader).arg(vectors).args(more).output().unwrap()
}

#[test]
fn the_second_reader_holds_the_vectors_and_refuses_the_damaged_ones() {
    let Some(python) = python("the_second_reader_holds_the_vectors_and_refuses_the_damaged_ones") else { return };
    let output = read(&python, &root().join("protocol/vectors"), &["--damaged"]);
    let (lines, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    let wrong: Vec<_> = lines.lines().filter(|line| line.contains(": WRONG")).collect();
    assert!(output.status.success(), "{wrong:#?}\n{errors}");
    let cases = |file: &str| lines.lines().filter(|line| line.starts_with(file) && line.ends_with(": ok")).count();
    let files = "cbor digests keys documents governance records batches dispatches onward answers log";
    for file in files.split(' ') {
        assert!(cases(&format!("{file}: ")) > 0, "no case of {file}");
    }
    assert!(cases("damaged: ") >= 80, "{} damaged cases", cases("damaged: "));
}

#[test]
fn the_second_reader_says_what_does_not_hold() {
    let Some(python) = python("the_second_reader_says_what_does_not_hold") else { return };
    let folder = tempfile::tempdir().unwrap();
    let vectors = folder.path().join("vectors");
    std::fs::create_dir(&vectors).unwrap();
    std::fs::copy(root().join("protocol/SPEC.md"), folder.path().join("SPEC.md")).unwrap();
    for file in std::fs::read_dir(root().join("protocol/vectors")).unwrap() {
        let file = file.unwrap();
        let mut text = std::fs::read_to_string(file.path()).unwrap();
        if file.file_name() == "batches.json" {
            // One root of one tree; nothing else depends on it.
            let at = text.find("\"root\": \"").unwrap() + 9;
            let other = if &text[at..=at] == "0" { "1" } else { "0" };
            text.replace_range(at..=at, other);
        }
        if file.file_name() == "governance.json" {
            // What a signature is worth whose key was stolen before it was revoked.
            let honest = "\"standing\": \"contested\"";
            assert!(text.contains(honest));
            text = text.replacen(honest, "\"standing\": \"good\"", 1);
        }
        std::fs::write(vectors.join(file.file_name()), text).unwrap();
    }
    let output = read(&python, &vectors, &[]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let wrong: Vec<_> = lines.lines().filter(|line| line.contains(": WRONG")).collect();
    assert_eq!((output.status.code(), wrong.len()), (Some(1), 2), "{wrong:#?}");
    assert!(wrong[0].contains("WRONG: standing: found 'contested', expected 'good'"), "{wrong:#?}");
    assert!(wrong[1].starts_with("batches: tree over 1: WRONG: root: found"), "{wrong:#?}");
}
