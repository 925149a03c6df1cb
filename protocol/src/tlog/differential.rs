//! The log against two implementations by others: the crates `ct-merkle` and `tlog_tiles`. Each builds proofs that the
//! other side verifies, at random sizes and indexes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::cell::Cell;
use std::collections::HashMap;
use std::convert::Infallible;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2::Sha256;
use tlog_tiles::{
    HashReader, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record, prove_tree,
    split_stored_hash_index, stored_hash_index, tree_hash,
};

use super::*;

/// A log as its files.
struct Files {
    size: u64,
    root: Hash,
    files: HashMap<String, Vec<u8>>,
    reads: Cell<usize>,
}

fn entry(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn leaf(index: u64) -> Hash {
    leaf_hash(&entry(index))
}

impl Files {
    fn new(size: u64) -> Self {
        let (mut edge, mut completed) = (Edge::new(), Vec::new());
        (0..size).for_each(|index| edge.push(leaf(index), &mut completed));
        let full: HashMap<(u8, u64), Vec<u8>> =
            completed.into_iter().map(|tile| ((tile.level, tile.index), tile.hashes.concat())).collect();
        let files = paths_of(size).filter_map(|path| match path {
            TilePath::Tile { level, index, width } => {
                let partial = || edge.partial_tile(level.get()).concat();
                let full = full.get(&(level.get(), index)).filter(|_| width == TileWidth::FULL);
                Some((path.to_string(), full.cloned().unwrap_or_else(partial)))
            }
            _ => None,
        });
        Self { size, root: edge.root(), files: files.collect(), reads: Cell::new(0) }
    }

    fn log(&self) -> TiledLog<&Self> {
        TiledLog::new(self, self.size)
    }
}

impl TileSource for &Files {
    type Error = Infallible;
    fn read(&self, path: &TilePath) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.files.get(&path.to_string()).cloned())
    }
}

/// Their path of a tile of height 8, `tile/8/…` and `tile/8/data/…`, as the one of C2SP.
fn c2sp_path(tile: &Tile) -> String {
    tile.path().replacen("tile/8/data/", "tile/entries/", 1).replacen("tile/8/", "tile/", 1)
}

/// Our tiles under their reader, which checks each against the root before it uses it.
impl TileReader for Files {
    fn height(&self) -> u8 {
        8
    }
    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        self.reads.set(self.reads.get() + tiles.len());
        Ok(tiles.iter().map(|tile| self.files[&c2sp_path(tile)].clone()).collect())
    }
    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// Any of our readers under their proof functions.
struct Theirs<R>(R);

impl<R: NodeReader> HashReader for Theirs<R>
where
    R::Error: std::fmt::Debug,
{
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let node = |index: &u64| {
            let (level, index) = split_stored_hash_index(*index);
            tlog_tiles::Hash(self.0.node(u32::from(level), index).unwrap())
        };
        Ok(indexes.iter().map(node).collect())
    }
}

fn theirs(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().map(|hash| tlog_tiles::Hash(*hash)).collect()
}

fn ours(hashes: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| hash.0).collect()
}

fn digests(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks::<32>().0.to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn proofs_pass_between_us_and_tlog_tiles(
        size in prop_oneof![1u64..600, 65_000u64..67_000], picks in prop::collection::vec(any::<u64>(), 8),
        place: prop::sample::Index, bit in 0usize..256,
    ) {
        let files = Files::new(size);
        let (log, root) = (files.log(), tlog_tiles::Hash(files.root));
        let reader = Theirs(files.log());
        prop_assert_eq!(tree_hash(size, &reader).unwrap(), root);
        let checked = TileHashReader::new(size, root, &files);
        for pick in picks {
            let index = pick % size;
            let leaf = leaf(index);
            let stored = stored_hash_index(0, index);
            prop_assert_eq!(checked.read_hashes(&[stored]).unwrap(), [tlog_tiles::Hash(leaf)]);
            let proof = inclusion_proof(&log, index, size).unwrap();
            prop_assert_eq!(&ours(prove_record(size, index, &checked).unwrap()), &proof);
            check_record(&theirs(&proof), size, root, index, tlog_tiles::Hash(leaf)).unwrap();

            let old = index + 1;
            let old_root = root_at(&log, old).unwrap();
            prop_assert_eq!(tree_hash(old, &reader).unwrap().0, old_root);
            let consistency = consistency_proof(&log, old, size).unwrap();
            prop_assert_eq!(&ours(prove_tree(size, old, &checked).unwrap()), &consistency);
            check_tree(&theirs(&consistency), size, root, old, tlog_tiles::Hash(old_root)).unwrap();

            // A changed proof is refused by both.
            if !proof.is_empty() {
                let mut changed = proof.clone();
                place.get_mut(&mut changed)[bit / 8] ^= 1 << (bit % 8);
                prop_assert!(verify_inclusion(&leaf, index, size, &changed, &files.root).is_err());
                prop_assert!(check_record(&theirs(&changed), size, root, index, tlog_tiles::Hash(leaf)).is_err());
            }
            if !consistency.is_empty() {
                let mut changed = consistency.clone();
                place.get_mut(&mut changed)[bit / 8] ^= 1 << (bit % 8);
                prop_assert!(verify_consistency(old, &old_root, size, &files.root, &changed).is_err());
                let refused = check_tree(&theirs(&changed), size, root, old, tlog_tiles::Hash(old_root));
                prop_assert!(refused.is_err());
            }
        }
        prop_assert!(files.reads.get() > 0);
    }

    #[test]
    fn proofs_pass_between_us_and_ct_merkle(size in 1u64..700, picks in prop::collection::vec(any::<u64>(), 8)) {
        let mut tree = MemoryBackedTree::<Sha256, [u8; 8]>::new();
        (0..size).for_each(|index| tree.push(entry(index)));
        let files = Files::new(size);
        let log = files.log();
        let root = tree.root();
        prop_assert_eq!(root.as_bytes().as_slice(), files.root);
        for pick in picks {
            let index = pick % size;
            let proof = inclusion_proof(&log, index, size).unwrap();
            let built = tree.prove_inclusion(usize::try_from(index).unwrap());
            prop_assert_eq!(&digests(built.as_bytes()), &proof);
            verify_inclusion(&leaf(index), index, size, &digests(built.as_bytes()), &files.root).unwrap();
            let proof = InclusionProof::<Sha256>::try_from_bytes(proof.concat()).unwrap();
            root.verify_inclusion(&entry(index), index, &proof).unwrap();

            let old = index + 1;
            let old_root = root_at(&log, old).unwrap();
            let proof = consistency_proof(&log, old, size).unwrap();
            if old < size {
                let built = tree.prove_consistency(usize::try_from(size - old).unwrap());
                prop_assert_eq!(&digests(built.as_bytes()), &proof);
                verify_consistency(old, &old_root, size, &files.root, &digests(built.as_bytes())).unwrap();
            }
            let proof = ConsistencyProof::<Sha256>::try_from_bytes(proof.concat()).unwrap();
            root.verify_consistency(&RootHash::new(old_root.into(), old), &proof).unwrap();
        }
    }

    /// The tiles to publish from one size to the next, and where a hash lies.
    #[test]
    fn tiles_and_paths_are_those_of_tlog_tiles(
        sizes in prop_oneof![[0u64..70_000, 0u64..70_000], [0u64..3_000, 0u64..3_000]],
        level in 0u8..40, index in 0u64..1 << 20, width in 1u32..=256, large: u64,
    ) {
        let (old, new) = (sizes[0].min(sizes[1]), sizes[0].max(sizes[1]));
        let published: Vec<String> = Tile::new_tiles(8, old, new).iter().map(c2sp_path).collect();
        let tiles: Vec<String> = paths_between(old, new)
            .unwrap()
            .filter(|path| matches!(path, TilePath::Tile { .. }))
            .map(|path| path.to_string())
            .collect();
        prop_assert_eq!(published, tiles);

        let tile = Tile::from_index(8, stored_hash_index(level, index));
        let at = tile_of(u32::from(level), index);
        prop_assert_eq!((tile.level(), tile.level_index()), (at.tile_level, at.tile_index));
        prop_assert_eq!(u64::from(tile.width()), (at.index_in_tile + 1) << at.r);

        let named = TileWidth::new(width as usize).unwrap();
        let ours = TilePath::Tile { level: TileLevel::new(level).unwrap(), index: large, width: named };
        prop_assert_eq!(c2sp_path(&Tile::new(8, level, large, width, false)), ours.to_string());
        let ours = TilePath::Entries { index: large, width: named };
        prop_assert_eq!(c2sp_path(&Tile::new(8, 0, large, width, true)), ours.to_string());
    }
}
