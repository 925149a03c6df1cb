//! What is kept, behind a small trait: rows by number, and marks by which they are found.
//!
//! Not here: what the bytes of a row mean (`folio`).

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher};

/// What a row is found by: the first bytes of a digest of a name.
pub type Mark = [u8; 12];

/// Rows and marks. Rows are numbered from 0 in the order in which they were added; none is removed.
pub trait Kept {
    /// Why it could not be read or written.
    type Error;

    /// Which row a mark leads to.
    ///
    /// # Errors
    /// Whatever keeps it from telling.
    fn place(&self, mark: &Mark) -> Result<Option<u32>, Self::Error>;

    /// Lets a mark lead to a row from now on.
    ///
    /// # Errors
    /// Whatever keeps it from writing.
    fn lead(&mut self, mark: Mark, row: u32) -> Result<(), Self::Error>;

    /// Adds a row; its number. `None` where there is no room for more.
    ///
    /// # Errors
    /// Whatever keeps it from writing.
    fn add(&mut self, bytes: &[u8]) -> Result<Option<u32>, Self::Error>;

    /// A row's bytes; empty of one that is not there.
    ///
    /// # Errors
    /// Whatever keeps it from telling.
    fn row(&self, row: u32) -> Result<&[u8], Self::Error>;

    /// Replaces a row.
    ///
    /// # Errors
    /// Whatever keeps it from writing.
    fn put(&mut self, row: u32, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Maps of marks. One of tens of millions takes seconds to grow, and whoever hands in a record would wait for it; of so many each grows
/// by itself, in milliseconds.
const SHARDS: usize = 256;

/// [`Kept`] in memory.
#[derive(Debug, Clone)]
pub struct MemoryBooks {
    /// By the last byte of the mark, as its first bytes place it within one.
    marks: Vec<HashMap<Mark, u32, Cut>>,
    rows: Vec<Box<[u8]>>,
}

impl Default for MemoryBooks {
    fn default() -> Self {
        Self { marks: vec![HashMap::default(); SHARDS], rows: Vec::new() }
    }
}

fn shard(mark: &Mark) -> usize {
    usize::from(mark[mark.len() - 1])
}

impl Kept for MemoryBooks {
    type Error = Infallible;

    fn place(&self, mark: &Mark) -> Result<Option<u32>, Infallible> {
        Ok(self.marks[shard(mark)].get(mark).copied())
    }

    fn lead(&mut self, mark: Mark, row: u32) -> Result<(), Infallible> {
        self.marks[shard(&mark)].insert(mark, row);
        Ok(())
    }

    fn add(&mut self, bytes: &[u8]) -> Result<Option<u32>, Infallible> {
        let Ok(row) = u32::try_from(self.rows.len()) else { return Ok(None) };
        self.rows.push(bytes.into());
        Ok(Some(row))
    }

    fn row(&self, row: u32) -> Result<&[u8], Infallible> {
        Ok(self.rows.get(row as usize).map(|bytes| &**bytes).unwrap_or_default())
    }

    fn put(&mut self, row: u32, bytes: &[u8]) -> Result<(), Infallible> {
        if let Some(kept) = self.rows.get_mut(row as usize) {
            *kept = bytes.into();
        }
        Ok(())
    }
}

/// Marks are digests already, so that their first bytes spread them.
#[derive(Debug, Clone, Copy, Default)]
struct Cut;

impl BuildHasher for Cut {
    type Hasher = CutHasher;

    fn build_hasher(&self) -> CutHasher {
        CutHasher(0)
    }
}

#[derive(Debug)]
struct CutHasher(u64);

impl Hasher for CutHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut eight = [0; 8];
            eight[..part.len()].copy_from_slice(part);
            self.0 = self.0.rotate_left(7) ^ u64::from_le_bytes(eight);
        }
    }

    // The length of a mark, which is always the same.
    fn write_usize(&mut self, _: usize) {}
}
