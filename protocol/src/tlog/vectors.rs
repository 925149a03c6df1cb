//! Tests against what others published: proofs of transparency-dev/merkle, the log of transparency-dev/tessera, the
//! Ed25519 edge cases of C2SP/CCTV, and a log of 70,000 entries that four other verifiers accepted.
//!
//! The files are read from the folder named by `LUXOR_SHARED`, by default `../../shared` beside the checkout, and are
//! not part of the repository: a test whose folder is absent says that it was skipped.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::text::parse_base64;
use super::*;

/// `None`, and a line that says so, where the folder is absent.
fn shared(test: &str, below: &str) -> Option<PathBuf> {
    let base = std::env::var_os("LUXOR_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = base.join("vectors").join(below);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {test}: {} absent", folder.display());
    None
}

fn json_files(folder: &Path) -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                found.push((path, value));
            }
        }
    }
    found
}

/// A hash of a vector. Other lengths than 32 stand for "some hash": they are hashed, so that equal stays equal. No
/// bytes cannot be said with our types and give `None`.
fn vector_hash(value: &Value) -> Option<Hash> {
    let bytes = parse_base64(value.as_str().unwrap()).unwrap();
    if bytes.is_empty() {
        return None;
    }
    Some(bytes.as_slice().try_into().unwrap_or_else(|_| Sha256::digest(&bytes).into()))
}

fn vector_proof(value: &Value) -> Option<Vec<Hash>> {
    value.as_array().map_or(Some(Vec::new()), |list| list.iter().map(vector_hash).collect())
}

#[test]
fn merkle_inclusion_vectors() {
    let Some(folder) = shared("merkle_inclusion_vectors", "merkle/testdata/inclusion") else { return };
    let files = json_files(&folder);
    let mut good = 0;
    for (path, v) in &files {
        let accepted = || {
            let (leaf, root) = (vector_hash(&v["leafHash"])?, vector_hash(&v["root"])?);
            let (index, size) = (v["leafIdx"].as_u64()?, v["treeSize"].as_u64()?);
            verify_inclusion(&leaf, index, size, &vector_proof(&v["proof"])?, &root).ok()
        };
        assert_eq!(accepted().is_none(), v["wantErr"].as_bool().unwrap(), "{}", path.display());
        good += usize::from(accepted().is_some());
    }
    assert_eq!(files.len(), 98);
    assert!(good > 0);
}

#[test]
fn merkle_consistency_vectors() {
    let Some(folder) = shared("merkle_consistency_vectors", "merkle/testdata/consistency") else { return };
    let files = json_files(&folder);
    let mut good = 0;
    for (path, v) in &files {
        let accepted = || {
            let (old_root, new_root) = (vector_hash(&v["root1"])?, vector_hash(&v["root2"])?);
            let (old, new) = (v["size1"].as_u64()?, v["size2"].as_u64()?);
            verify_consistency(old, &old_root, new, &new_root, &vector_proof(&v["proof"])?).ok()
        };
        assert_eq!(accepted().is_none(), v["wantErr"].as_bool().unwrap(), "{}", path.display());
        good += usize::from(accepted().is_some());
    }
    assert_eq!(files.len(), 98);
    assert!(good > 0);
}

/// The files of a log in a folder.
struct Folder(PathBuf);

impl TileSource for &Folder {
    type Error = std::io::Error;
    fn read(&self, path: &TilePath) -> std::io::Result<Option<Vec<u8>>> {
        match fs::read(self.0.join(path.to_string())) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }
}

#[test]
fn tessera_log() {
    let Some(folder) = shared("tessera_log", "tessera-log/testdata/log") else { return };
    let vkey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
    let key = VerifierKey::parse(vkey).unwrap();
    assert_eq!(key.to_string(), vkey);
    let bundle = fs::read(folder.join("tile/entries/000.p/15")).unwrap();
    let width = TileWidth::new(15).unwrap();
    let leaves: Vec<Hash> = decode_bundle(&bundle, width).unwrap().into_iter().map(leaf_hash).collect();
    assert_eq!(encode_bundle(decode_bundle(&bundle, width).unwrap()).unwrap(), bundle);

    let mut edge = Edge::new();
    let mut checkpoints = Vec::new();
    for size in 0..=15usize {
        if size > 0 {
            edge.push(leaves[size - 1], &mut Vec::new());
            let tile = fs::read(folder.join(format!("tile/0/000.p/{size}"))).unwrap();
            assert_eq!(tile, edge.partial_tile(0).concat());
            let part = fs::read(folder.join(format!("tile/entries/000.p/{size}"))).unwrap();
            assert_eq!(part, bundle[..part.len()]);
        }
        let bytes = fs::read(folder.join(format!("checkpoint.{size}"))).unwrap();
        assert_eq!(Note::parse(&bytes).unwrap().to_bytes(), bytes);
        let checkpoint = Checkpoint::open(&bytes, &key).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root), (size as u64, edge.root()));
        checkpoints.push(checkpoint);
    }
    for new in &checkpoints {
        for index in 0..new.size {
            let proof = inclusion_proof(&edge, index, new.size).unwrap();
            verify_inclusion(&leaves[index as usize], index, new.size, &proof, &new.root).unwrap();
        }
        for old in checkpoints[..=new.size as usize].iter().filter(|old| old.size > 0) {
            let proof = consistency_proof(&edge, old.size, new.size).unwrap();
            verify_consistency(old.size, &old.root, new.size, &new.root, &proof).unwrap();
        }
    }
}

/// The same log, read by its paths as a stranger would.
#[test]
fn tessera_log_by_its_files() {
    let Some(folder) = shared("tessera_log_by_its_files", "tessera-log/testdata/log") else { return };
    let folder = Folder(folder);
    let key = VerifierKey::parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx");
    let key = key.unwrap();
    let newest = (&folder).read(&TilePath::Checkpoint).unwrap().unwrap();
    let newest = Checkpoint::open(&newest, &key).unwrap();
    assert_eq!(newest.size, 15);
    for size in 0..=15 {
        let bytes = fs::read(folder.0.join(format!("checkpoint.{size}"))).unwrap();
        let checkpoint = Checkpoint::open(&bytes, &key).unwrap();
        for path in paths_of(size) {
            assert!((&folder).read(&path).unwrap().is_some(), "{path}");
        }
        let mut verifier = LogVerifier::new(&checkpoint);
        while let Some(path) = verifier.next_bundle() {
            verifier.bundle(&path, &(&folder).read(&path).unwrap().unwrap()).unwrap();
            for path in verifier.tiles_due().collect::<Vec<_>>() {
                verifier.tile(&path, &(&folder).read(&path).unwrap().unwrap()).unwrap();
            }
        }
        let tiles_checked = u64::from(size > 0);
        assert_eq!(verifier.finish(), Ok(LogSummary { entries: size, tiles_checked, tiles_not_given: 0 }));

        let log = TiledLog::new(&folder, size);
        assert_eq!(root_at(&log, size).unwrap(), checkpoint.root);
        let whole = TiledLog::new(&folder, newest.size);
        for index in 0..size {
            let leaf = log.node(0, index).unwrap();
            let proof = inclusion_proof(&log, index, size).unwrap();
            verify_inclusion(&leaf, index, size, &proof, &checkpoint.root).unwrap();
            let old_root = root_at(&log, index + 1).unwrap();
            let proof = consistency_proof(&whole, index + 1, newest.size).unwrap();
            verify_consistency(index + 1, &old_root, newest.size, &newest.root, &proof).unwrap();
        }
    }
}

/// The edge cases say which properties a signature has; ours is the strict rule, so that nothing of low order and
/// nothing spelled in two ways is ever accepted.
#[test]
fn cctv_ed25519_vectors() {
    let Some(folder) = shared("cctv_ed25519_vectors", "cctv") else { return };
    let vectors: Value = serde_json::from_slice(&fs::read(folder.join("ed25519vectors.json")).unwrap()).unwrap();
    let hex = |v: &Value| -> Vec<u8> {
        let digits = v.as_str().unwrap();
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    };
    let (mut accepted, mut refused) = (0, 0);
    for v in vectors.as_array().unwrap() {
        let public: [u8; 32] = hex(&v["key"]).try_into().unwrap();
        let verified = ed25519_dalek::VerifyingKey::from_bytes(&public)
            .ok()
            .and_then(|public| VerifierKey::new("vector", KeyType::Ed25519, &public).ok())
            .is_some_and(|key| key.verify(v["msg"].as_str().unwrap(), &hex(&v["sig"])).is_ok());
        let flags: Vec<&str> = v["flags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let odd = ["low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R", "low_order_residue"];
        if verified {
            accepted += 1;
            assert!(!flags.iter().any(|flag| odd.contains(flag)), "{v}");
        } else {
            refused += 1;
            assert!(!flags.is_empty(), "{v}");
        }
    }
    println!("cctv ed25519: {accepted} accepted, {refused} refused");
    assert!(accepted > 0 && refused > 0);
}

/// A log built and accepted by others: entries `entry-0` to `entry-69999`.
#[test]
fn golden_log_of_70_000_entries() {
    const LOG: &str = "node.example/log/1+b818e8b3+AQBaDWobrj9yWjORtv+e91OgofRBdAc0LLeys5LtcATs";
    const WITNESS: &str = "witness.example/w1+b9311493+BBZuKbH4xRa/0peqFD16x2N4wHr05X0+Mx6nr6obOcI6";
    const NOTE: &str = "node.example/log/1\n70000\npipUvjMpT/1aXExjf9dUYwtxqJLoNW46Zmpcin/9FRg=\n\n\
        \u{2014} node.example/log/1 uBjos0QETnztLLg/L8Ws6Px8k00QBxQ1MCkukYmW4iMlCo5CuftzFJEcFdjYYbVs7+ebLSEyrbcsitikrAxrZ4viugg=\n\
        \u{2014} witness.example/w1 uTEUkwAAAABrBKorNf8Zz4/K8qxtTIoblP8FWdnx8Ie6w1CqzcMGMaA89r+F4iOemxH0pEunXyxE/y2j0PzFp6qtwUI18gGz31/oAA==\n";
    let keys = [VerifierKey::parse(LOG).unwrap(), VerifierKey::parse(WITNESS).unwrap()];
    let note = Note::parse(NOTE.as_bytes()).unwrap();
    let verified = note.verify(&keys).unwrap();
    assert_eq!(verified, [Verified { key: &keys[0], time: None }, Verified { key: &keys[1], time: Some(0x6b04_aa2b) }]);

    let checkpoint = Checkpoint::open(NOTE.as_bytes(), &keys[0]).unwrap();
    let (mut edge, mut completed) = (Edge::new(), Vec::new());
    for index in 0..70_000 {
        edge.push(leaf_hash(format!("entry-{index}").as_bytes()), &mut completed);
    }
    assert_eq!((checkpoint.size, checkpoint.root), (edge.size(), edge.root()));
    let widths: Vec<usize> = (0..4).map(|level| edge.partial_tile(level).len()).collect();
    assert_eq!(widths, [112, 17, 1, 0]);
    let mut full: HashMap<u8, usize> = HashMap::new();
    for tile in &completed {
        *full.entry(tile.level).or_default() += 1;
    }
    assert_eq!(full, HashMap::from([(0, 273), (1, 1)]));

    let proof = TlogProof {
        extra: None,
        index: 69_999,
        hashes: inclusion_proof(&edge, 69_999, 70_000).unwrap(),
        checkpoint: NOTE.into(),
    };
    let proof = TlogProof::parse(&proof.to_bytes()).unwrap();
    assert_eq!(proof.verify(&leaf_hash(b"entry-69999"), &keys[0]).unwrap(), checkpoint);
}
