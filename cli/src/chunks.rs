//! Records gathered into chunks of bounded number and size. The same records always give the same chunks.

use luxor_protocol::cbor::{Encode as _, Writer};
use luxor_protocol::limits::{MAX_CHUNK_BYTES, MAX_CHUNK_RECORDS};
use luxor_protocol::record::Content;

/// Bytes of a chunk's list header at most.
const HEADER: usize = 9;

/// Where a record stands in its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Line of its first row, from 1.
    pub(crate) line: u64,
    /// How many rows it takes.
    pub(crate) rows: u64,
}

/// A CBOR list of records, with where each came from.
pub(crate) struct Chunk {
    /// From 0.
    pub(crate) number: u64,
    /// The list.
    pub(crate) bytes: Vec<u8>,
    /// One for each record.
    pub(crate) places: Vec<Place>,
}

/// The list of one record alone.
pub(crate) fn of_one(record: &Content) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(1);
    record.encode(&mut writer);
    writer.into_bytes()
}

/// The chunk in the making.
#[derive(Default)]
pub(crate) struct Chunker {
    number: u64,
    body: Vec<u8>,
    places: Vec<Place>,
}

impl Chunker {
    /// Adds an encoded record. Returns the chunk before it when it has no room there.
    pub(crate) fn push(&mut self, record: &[u8], place: Place) -> Option<Chunk> {
        let full = self.places.len() >= MAX_CHUNK_RECORDS || HEADER + self.body.len() + record.len() > MAX_CHUNK_BYTES;
        let before = if full { self.take() } else { None };
        self.body.extend_from_slice(record);
        self.places.push(place);
        before
    }

    /// What is gathered, if anything.
    pub(crate) fn take(&mut self) -> Option<Chunk> {
        if self.places.is_empty() {
            return None;
        }
        let mut writer = Writer::with_capacity(self.body.len() + HEADER);
        writer.array(self.places.len());
        writer.raw(&self.body);
        self.body.clear();
        let chunk = Chunk { number: self.number, bytes: writer.into_bytes(), places: std::mem::take(&mut self.places) };
        self.number += 1;
        Some(chunk)
    }
}
