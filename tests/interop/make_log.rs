//! Makes a log as static files with the protocol's own encoders, for verifiers that others wrote: entries `entry-0`,
//! `entry-1`, … under a key made of fixed bytes.
//!
//! `make_log FOLDER SIZE...`: the last size is exported to `FOLDER/log`; a signed checkpoint of each size goes to
//! `FOLDER/checkpoint-SIZE`, the key to `FOLDER/log.vkey`. With `--fork-at N` before FOLDER entries from N on differ.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use luxor_protocol::tlog::{
    Checkpoint, Edge, KeyType, TILE_HEIGHT, TILE_WIDTH, TileLevel, TilePath, TileWidth, VerifierKey, encode_bundle,
    leaf_hash,
};

const ORIGIN: &str = "interop.example/log/1";
/// A key for tests: whoever reads this can sign with it.
const SECRET: [u8; 32] = [23; 32];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut fork_at = u64::MAX;
    if args.first().is_some_and(|first| first == "--fork-at") && args.len() > 2 {
        fork_at = args[1].parse()?;
        args.drain(..2);
    }
    let Some((folder, sizes)) = args.split_first().filter(|(_, sizes)| !sizes.is_empty()) else {
        return Err("usage: make_log [--fork-at N] FOLDER SIZE...".into());
    };
    let folder = PathBuf::from(folder);
    let mut sizes = sizes.iter().map(|size| size.parse()).collect::<Result<Vec<u64>, _>>()?;
    sizes.sort_unstable();
    make(&folder, &sizes, fork_at)
}

fn make(folder: &Path, sizes: &[u64], fork_at: u64) -> Result<(), Box<dyn Error>> {
    let (log, key) = (folder.join("log"), SigningKey::from_bytes(&SECRET));
    let last = sizes.last().copied().unwrap_or(0);
    let (mut edge, mut completed, mut bundle) = (Edge::new(), Vec::new(), Vec::new());
    for index in 0..=last {
        if sizes.contains(&index) {
            let note = Checkpoint::new(ORIGIN, index, edge.root()).sign(&key)?;
            put(&folder.join(format!("checkpoint-{index}")), &note.to_bytes())?;
        }
        if index == last {
            break;
        }
        let entry = format!("{}entry-{index}", if index >= fork_at { "other-" } else { "" }).into_bytes();
        edge.push(leaf_hash(&entry), &mut completed);
        bundle.push(entry);
        if bundle.len() == TILE_WIDTH {
            let path = TilePath::Entries { index: index / TILE_WIDTH as u64, width: TileWidth::FULL };
            put(&log.join(path.to_string()), &encode_bundle(bundle.drain(..))?)?;
        }
        for tile in completed.drain(..) {
            let level = TileLevel::new(tile.level).ok_or("level")?;
            let path = TilePath::Tile { level, index: tile.index, width: TileWidth::FULL };
            put(&log.join(path.to_string()), &tile.hashes.concat())?;
        }
    }
    if let Some(width) = TileWidth::new(bundle.len()) {
        let path = TilePath::Entries { index: last / TILE_WIDTH as u64, width };
        put(&log.join(path.to_string()), &encode_bundle(bundle)?)?;
    }
    for level in (0..edge.levels()).filter_map(|level| TileLevel::new(u8::try_from(level).ok()?)) {
        let hashes = edge.partial_tile(level.get());
        let Some(width) = TileWidth::new(hashes.len()) else { continue };
        let index = last >> ((u32::from(level.get()) + 1) * TILE_HEIGHT);
        put(&log.join(TilePath::Tile { level, index, width }.to_string()), &hashes.concat())?;
    }
    let vkey = VerifierKey::new(ORIGIN, KeyType::Ed25519, &key.verifying_key())?;
    put(&folder.join("log.vkey"), format!("{vkey}\n").as_bytes())?;
    put(&log.join("checkpoint"), &fs::read(folder.join(format!("checkpoint-{last}")))?)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(path.parent().ok_or("no folder")?)?;
    fs::write(path, bytes)?;
    Ok(())
}
