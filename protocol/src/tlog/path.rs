//! Paths of a log's files: the checkpoint, tiles of hashes and entry bundles (<https://c2sp.org/tlog-tiles>).
//!
//! Not here: the files' bytes (see `tiled` and `bundle`), the prefix before the paths, compression, pruning.
//!
//! Limits: [`MAX_TILE_LEVEL`]; indexes up to `u64::MAX`, so that a path has at most 52 bytes.

use std::fmt;

use super::text::{excerpt, parse_decimal};
use super::tile::{TILE_HEIGHT, TILE_WIDTH};

/// Highest tile level that a path can name. <https://c2sp.org/tlog-tiles>. A tree of 64-bit size needs 0 to 7.
pub const MAX_TILE_LEVEL: u8 = 63;

/// Tile levels of a tree of 64-bit size.
const TREE_TILE_LEVELS: u8 = 8;
/// Decimal digits in one part of an index.
const GROUP_DIGITS: usize = 3;

/// Why a path, or a request for paths, was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Not a path of a log's file, or not its one spelling.
    #[error("log path \"{path}\": {why}")]
    Malformed {
        /// The start of the path given.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A log never becomes smaller.
    #[error("log paths: old size {old} is above the new size {new}")]
    SizesReversed {
        /// Old tree size.
        old: u64,
        /// New tree size.
        new: u64,
    },
}

/// Level of a tile, 0 to [`MAX_TILE_LEVEL`]; level 0 holds leaf hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileLevel(u8);

impl TileLevel {
    /// The level of the leaf hashes.
    pub const LEAVES: Self = Self(0);

    /// `None` above [`MAX_TILE_LEVEL`].
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if level <= MAX_TILE_LEVEL { Some(Self(level)) } else { None }
    }

    /// The level as a number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// Hashes in a tile or entries in a bundle: 1 to 255 where it is partial, 256 where it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileWidth(u16);

impl TileWidth {
    /// The width of a full tile or bundle.
    pub const FULL: Self = Self(TILE_WIDTH as u16);

    /// `None` for 0 (empty tiles are not served) and above 256.
    #[must_use]
    pub const fn new(width: usize) -> Option<Self> {
        // The cast is exact below the bound.
        if width >= 1 && width <= TILE_WIDTH { Some(Self(width as u16)) } else { None }
    }

    /// The width as a number, 1 to 256.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// Path of one of a log's files below the log's prefix. <https://c2sp.org/tlog-tiles>, APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TilePath {
    /// `checkpoint`: the newest signed checkpoint; the only file that changes.
    Checkpoint,
    /// `tile/<L>/<N>[.p/<W>]`: hashes, 32 bytes each.
    Tile {
        /// Tile level.
        level: TileLevel,
        /// Index of the tile within its level.
        index: u64,
        /// Hashes in it.
        width: TileWidth,
    },
    /// `tile/entries/<N>[.p/<W>]`: entries, see `bundle`.
    Entries {
        /// Index of the bundle; the entries are those of the level-0 tile with this index.
        index: u64,
        /// Entries in it.
        width: TileWidth,
    },
}

impl TilePath {
    /// Reads a path; every accepted path has exactly one spelling, the one [`fmt::Display`] writes.
    ///
    /// # Errors
    /// [`PathError::Malformed`] saying what is wrong.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        parse(path).map_err(|why| PathError::Malformed { path: excerpt(path), why })
    }

    /// The full tile or bundle that takes the place of a partial one: a log may delete the partial file once the full
    /// one is there, and the partial content is the start of the full one. `None` for full files and the checkpoint.
    #[must_use]
    pub fn full(&self) -> Option<Self> {
        match *self {
            Self::Tile { level, index, width } if width != TileWidth::FULL => {
                Some(Self::Tile { level, index, width: TileWidth::FULL })
            }
            Self::Entries { index, width } if width != TileWidth::FULL => {
                Some(Self::Entries { index, width: TileWidth::FULL })
            }
            _ => None,
        }
    }

    /// The smallest tree size whose log can have this file, in entries; `None` if no tree of 64-bit size has it.
    /// 0 for the checkpoint.
    #[must_use]
    pub fn smallest_size(&self) -> Option<u64> {
        let (level, index, width) = match *self {
            Self::Checkpoint => return Some(0),
            Self::Tile { level, index, width } => (level, index, width),
            Self::Entries { index, width } => (TileLevel::LEAVES, index, width),
        };
        let hashes = index.checked_mul(TILE_WIDTH as u64)?.checked_add(width.get() as u64)?;
        hashes.checked_mul(1u64.checked_shl(u32::from(level.get()) * TILE_HEIGHT)?)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match *self {
            Self::Checkpoint => return f.write_str("checkpoint"),
            Self::Tile { level, index, width } => {
                write!(f, "tile/{}/", level.get())?;
                (index, width)
            }
            Self::Entries { index, width } => {
                f.write_str("tile/entries/")?;
                (index, width)
            }
        };
        let mut groups = vec![index % 1_000];
        let mut rest = index / 1_000;
        while rest > 0 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        for (at, group) in groups.iter().enumerate().rev() {
            if at > 0 { write!(f, "x{group:03}/")? } else { write!(f, "{group:03}")? }
        }
        if width == TileWidth::FULL { Ok(()) } else { write!(f, ".p/{}", width.get()) }
    }
}

/// All files of a static export of the log at this size: full and partial bundles, full and partial tiles of every
/// level, and last the checkpoint, so that a reader of an export in progress never sees a checkpoint without its
/// tiles. <https://c2sp.org/tlog-tiles>.
pub fn paths_of(size: u64) -> impl Iterator<Item = TilePath> {
    paths_from(0, size)
}

/// The files of [`paths_of`] the new size that [`paths_of`] the old size does not name, in the same order; the
/// checkpoint is always among them, because it changes also by cosignatures.
///
/// # Errors
/// [`PathError::SizesReversed`] if `old > new`.
pub fn paths_between(old: u64, new: u64) -> Result<impl Iterator<Item = TilePath>, PathError> {
    if old > new { Err(PathError::SizesReversed { old, new }) } else { Ok(paths_from(old, new)) }
}

fn paths_from(old: u64, new: u64) -> impl Iterator<Item = TilePath> {
    let bundles = tiles_from(0, old, new).map(|(index, width)| TilePath::Entries { index, width });
    let tiles = (0..TREE_TILE_LEVELS).map(TileLevel).flat_map(move |level| {
        tiles_from(level.get(), old, new).map(move |(index, width)| TilePath::Tile { level, index, width })
    });
    bundles.chain(tiles).chain([TilePath::Checkpoint])
}

/// Index and width of the tiles of one level that a tree of `new` entries has and one of `old` entries has not.
fn tiles_from(level: u8, old: u64, new: u64) -> impl Iterator<Item = (u64, TileWidth)> {
    // Below eight levels the shift stays inside 64 bits.
    let [old, new] = [old, new].map(|size| size >> (u32::from(level) * TILE_HEIGHT));
    let full = (old >> TILE_HEIGHT..new >> TILE_HEIGHT).map(|index| (index, TileWidth::FULL));
    // The remainder is below 256. With the same number of hashes the partial tile is the same file.
    let width = if old == new { None } else { TileWidth::new((new % TILE_WIDTH as u64) as usize) };
    full.chain(width.map(|width| (new >> TILE_HEIGHT, width)))
}

fn parse(path: &str) -> Result<TilePath, &'static str> {
    if path == "checkpoint" {
        return Ok(TilePath::Checkpoint);
    }
    let rest = path.strip_prefix("tile/").ok_or("is neither \"checkpoint\" nor below \"tile/\"")?;
    let (kind, rest) = rest.split_once('/').ok_or("ends before the index")?;
    let (index, width) = match rest.split_once(".p/") {
        None => (rest, TileWidth::FULL),
        Some((index, width)) => {
            let width = parse_decimal(width).and_then(|width| TileWidth::new(usize::try_from(width).ok()?));
            let partial = width.filter(|width| *width != TileWidth::FULL);
            (index, partial.ok_or("the width of a partial file is a decimal from 1 to 255 without leading zeroes")?)
        }
    };
    let index = parse_index(index).ok_or("the index is not in groups of three digits, all but the last after an x")?;
    if kind == "entries" {
        return Ok(TilePath::Entries { index, width });
    }
    let level = parse_decimal(kind).and_then(|level| TileLevel::new(u8::try_from(level).ok()?));
    let level = level.ok_or("the level is neither \"entries\" nor a decimal from 0 to 63 without leading zeroes")?;
    Ok(TilePath::Tile { level, index, width })
}

/// Reads `x001/x234/067`. A first group of zeroes before another would be a second spelling.
fn parse_index(text: &str) -> Option<u64> {
    let (leading, last) = text.rsplit_once('/').map_or((None, text), |(leading, last)| (Some(leading), last));
    let mut index = 0u64;
    for group in leading.into_iter().flat_map(|leading| leading.split('/')) {
        let group = parse_group(group.strip_prefix('x')?)?;
        if index == 0 && group == 0 {
            return None;
        }
        index = index.checked_mul(1_000)?.checked_add(group)?;
    }
    index.checked_mul(1_000)?.checked_add(parse_group(last)?)
}

fn parse_group(group: &str) -> Option<u64> {
    let digits = group.len() == GROUP_DIGITS && group.bytes().all(|byte| byte.is_ascii_digit());
    if digits { group.parse().ok() } else { None }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn any_path() -> impl Strategy<Value = TilePath> {
        let index = prop_oneof![0u64..3, 0u64..2_000_000, any::<u64>()];
        (0u8..=64, index, 1usize..=256).prop_map(|(kind, index, width)| {
            let width = TileWidth::new(width).unwrap();
            match TileLevel::new(kind) {
                Some(level) => TilePath::Tile { level, index, width },
                None => TilePath::Entries { index, width },
            }
        })
    }

    proptest! {
        #[test]
        fn written_paths_are_read_back(path in any_path()) {
            let text = path.to_string();
            prop_assert!(text.len() <= 52);
            prop_assert_eq!(TilePath::parse(&text).unwrap(), path);
        }

        #[test]
        fn any_text_is_refused_or_written_back(
            random in "[ -~é]{0,60}", near in "(tile/)?(entries|[0-9]{1,3})?(/?x?[0-9]{2,4}){0,3}(\\.p/?[0-9]{0,4})?/?",
            path in any_path(), at: prop::sample::Index, put in "[0-9x/.p+ ]",
        ) {
            let good = path.to_string();
            let at = at.index(good.len());
            let changed = format!("{}{put}{}", &good[..at], &good[at + 1..]);
            let longer = format!("{}{put}{}", &good[..at], &good[at..]);
            for text in [random, near, changed, longer] {
                if let Ok(path) = TilePath::parse(&text) {
                    prop_assert_eq!(path.to_string(), text);
                }
            }
        }

        /// Against the definition: tile n of level l has hash i if the tree has (n * 256 + i + 1) * 256^l entries.
        #[test]
        fn an_export_holds_every_hash_once(size in 0u64..400_000) {
            let mut hashes = [0u64; 3];
            let mut entries = 0;
            for path in paths_of(size) {
                prop_assert!(path.smallest_size().unwrap() <= size);
                match path {
                    TilePath::Checkpoint => {}
                    TilePath::Entries { index, width } => {
                        prop_assert_eq!(index * 256, entries);
                        entries += width.get() as u64;
                    }
                    TilePath::Tile { level, index, width } => {
                        let count = &mut hashes[usize::from(level.get())];
                        prop_assert_eq!(index * 256, *count);
                        *count += width.get() as u64;
                    }
                }
            }
            prop_assert_eq!(entries, size);
            prop_assert_eq!(hashes, [size, size / 256, size / 65_536]);
            prop_assert_eq!(paths_of(size).last(), Some(TilePath::Checkpoint));
        }

        #[test]
        fn an_incremental_export_is_the_difference(sizes in [0u64..140_000, 0u64..140_000]) {
            let (old, new) = (sizes[0].min(sizes[1]), sizes[0].max(sizes[1]));
            let before: BTreeSet<TilePath> = paths_of(old).collect();
            let expected: Vec<TilePath> =
                paths_of(new).filter(|path| *path == TilePath::Checkpoint || !before.contains(path)).collect();
            prop_assert_eq!(paths_between(old, new).unwrap().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn the_examples_of_the_specification() {
        let index = |index| TilePath::Tile { level: TileLevel::LEAVES, index, width: TileWidth::FULL }.to_string();
        assert_eq!(index(1_234_067), "tile/0/x001/x234/067");
        let of_70_000: Vec<String> = paths_of(70_000).map(|path| path.to_string()).collect();
        assert_eq!(of_70_000.len(), 2 * 274 + 3 + 1);
        for path in ["tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"] {
            assert!(of_70_000.iter().any(|found| found == path), "{path}");
        }
        assert!(of_70_000.contains(&"tile/entries/273.p/112".into()) && of_70_000.contains(&"checkpoint".into()));
        let of_256: Vec<String> = paths_of(256).map(|path| path.to_string()).collect();
        assert_eq!(of_256, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1", "checkpoint"]);
        assert_eq!(paths_of(0).collect::<Vec<_>>(), [TilePath::Checkpoint]);
    }

    #[test]
    fn malformed_paths_are_refused() {
        for bad in [
            "",
            "/checkpoint",
            "checkpoint/",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/00/000",
            "tile/64/000",
            "tile/256/000",
            "tile/+1/000",
            "tile/data/000",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000",
            "tile/0/x000/001",
            "tile/0/001/001",
            "tile/0/x001/x001",
            "tile/0/x1/001",
            "tile/0/x001//001",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/256",
            "tile/0/000.p/1/",
            "tile/0/000.p/1.p/1",
            "tile/0/000/",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/8/0/000 ",
        ] {
            let refused = TilePath::parse(bad);
            assert!(refused.is_err(), "{bad:?}: {refused:?}");
        }
        let largest = TilePath::parse("tile/63/x018/x446/x744/x073/x709/x551/615.p/255").unwrap();
        assert_eq!(largest.smallest_size(), None);
        assert!(matches!(paths_between(2, 1).map(Iterator::count), Err(PathError::SizesReversed { .. })));
    }

    #[test]
    fn the_largest_sizes_do_not_overflow() {
        for size in [u64::MAX, 1 << 63, (1 << 56) - 1] {
            let first = paths_of(size).next().unwrap();
            assert_eq!(first.to_string(), "tile/entries/000");
            let last: Vec<TilePath> = paths_between(size - 1, size).unwrap().collect();
            assert!(last.len() <= 10 && last.iter().all(|path| path.smallest_size().unwrap() <= size));
        }
        let partial = TilePath::parse("tile/entries/x001/000.p/7").unwrap();
        assert_eq!(partial.full().unwrap().to_string(), "tile/entries/x001/000");
        assert_eq!((partial.full().unwrap().full(), TilePath::Checkpoint.full()), (None, None));
        assert_eq!(partial.smallest_size(), Some(256_007));
    }
}
