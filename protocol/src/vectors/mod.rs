//! Golden vectors: files in `protocol/vectors` that hold these bytes for every other implementation.
//!
//! Each file is made here from fixed keys, ids, salts and times, and compared byte for byte. Run these tests with
//! `LUXOR_WRITE_VECTORS=1` to write the files anew after the protocol changed. Only what age seals is random: sealed bytes
//! already in a file are kept as long as they open to what is to be sealed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod answers;
mod batches;
mod cbor;
mod damaged;
mod digests;
mod dispatches;
mod documents;
mod governance;
mod json;
mod keys;
mod log;
mod onward;
mod records;
mod types;
mod world;

use std::path::PathBuf;

/// Where a vector file lies.
fn path(name: &str) -> PathBuf {
    package().join("vectors").join(name)
}

/// The folder of this package: as cargo says at run time, since clones that share a target folder share this program too.
fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

fn writing() -> bool {
    std::env::var_os("LUXOR_WRITE_VECTORS").is_some()
}

/// Compares a file with what it should be, or writes it.
#[track_caller]
fn hold(name: &str, expected: &str) {
    if writing() {
        std::fs::write(path(name), expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(path(name)).unwrap_or_default();
    let line = found.lines().zip(expected.lines()).position(|(a, b)| a != b);
    assert!(
        found == expected,
        "protocol/vectors/{name}, line {}: other bytes than this code makes\n\
         hint: a change of the protocol? LUXOR_WRITE_VECTORS=1 cargo test --release -p luxor-protocol vectors",
        line.unwrap_or_else(|| found.lines().count().min(expected.lines().count())) + 1
    );
}

/// One after the other, since the second takes sealed bytes from the first.
#[test]
fn dispatches_and_what_is_damaged() {
    dispatches::hold();
    damaged::hold();
}

#[test]
fn the_files_are_moderate() {
    let files = std::fs::read_dir(path("")).unwrap();
    let vectors = files.map(Result::unwrap).filter(|file| file.file_name().to_string_lossy().ends_with(".json"));
    let total: u64 = vectors.map(|file| file.metadata().unwrap().len()).sum();
    assert!(total < 800 * 1024, "{total} bytes in protocol/vectors");
}
