//! The compressed form: zlib (RFC 1950) in base64url, opened within a bound, and written block by block.
//!
//! A list is compressed in blocks that do not look back into one another, each ended on a byte (RFC 1951 section 3.2.4, an empty
//! stored block), so that one changed status costs one block. What comes out is one zlib stream as any other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status as Progress};

use super::StatusError;
use crate::limits::MAX_STATUS_LIST_BYTES;

/// Bytes of a block: as far as deflate looks back.
const BLOCK: usize = 32 * 1024;
/// How hard it tries. Of a million statuses of two bits, one in a hundred set, this takes 1.0 ms for 21 KB; the strongest takes 50 ms
/// for 16 KB, since runs of zeros match everywhere.
const LEVEL: u32 = 2;
/// zlib with a window of 32 KiB, fast compression.
const HEAD: [u8; 2] = [0x78, 0x5e];
/// An empty last block of fixed codes.
const END: [u8; 2] = [0x03, 0x00];

/// The compressed blocks that are up to date.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    blocks: Vec<Option<Vec<u8>>>,
}

impl Packed {
    pub(super) fn new(bytes: usize) -> Self {
        Self { blocks: vec![None; bytes.div_ceil(BLOCK)] }
    }

    pub(super) fn changed(&mut self, at: usize) {
        if let Some(block) = self.blocks.get_mut(at / BLOCK) {
            *block = None;
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> String {
        let mut stream = Vec::from(HEAD);
        for (block, bytes) in self.blocks.iter_mut().zip(bytes.chunks(BLOCK)) {
            stream.extend_from_slice(block.get_or_insert_with(|| compress(bytes)));
        }
        stream.extend_from_slice(&END);
        stream.extend_from_slice(&simd_adler32::adler32(&bytes).to_be_bytes());
        BASE64.encode(stream)
    }
}

pub(super) fn open(lst: &str) -> Result<Vec<u8>, StatusError> {
    let packed = BASE64.decode(lst).map_err(|_| StatusError::Packed("it is not base64url"))?;
    let mut inflate = Decompress::new(true);
    let mut bytes = Vec::new();
    loop {
        if bytes.len() == bytes.capacity() {
            if bytes.len() > MAX_STATUS_LIST_BYTES {
                return Err(StatusError::Size(MAX_STATUS_LIST_BYTES));
            }
            // One more than is allowed, so that too much is seen.
            let more = bytes.len().max(BLOCK).min(MAX_STATUS_LIST_BYTES + 1 - bytes.len());
            bytes.reserve_exact(more);
        }
        let read = usize::try_from(inflate.total_in()).unwrap_or(usize::MAX);
        let rest = packed.get(read..).unwrap_or_default();
        let length = bytes.len();
        let progress = inflate
            .decompress_vec(rest, &mut bytes, FlushDecompress::None)
            .map_err(|_| StatusError::Packed("it is no zlib stream, or a broken one"))?;
        let stands = bytes.len() == length && inflate.total_in() == read as u64;
        match progress {
            Progress::StreamEnd => break,
            Progress::Ok | Progress::BufError if stands && bytes.len() < bytes.capacity() => {
                return Err(StatusError::Packed("it ends too early"));
            }
            Progress::Ok | Progress::BufError => {}
        }
    }
    if bytes.len() > MAX_STATUS_LIST_BYTES {
        return Err(StatusError::Size(MAX_STATUS_LIST_BYTES));
    }
    if inflate.total_in() < packed.len() as u64 {
        return Err(StatusError::Packed("something stands behind its end"));
    }
    Ok(bytes)
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut deflate = Compress::new(Compression::new(LEVEL), false);
    let mut block = Vec::with_capacity(256);
    loop {
        let read = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
        let rest = bytes.get(read..).unwrap_or_default();
        // It fails for nothing but a wrong order of calls.
        let _ = deflate.compress_vec(rest, &mut block, FlushCompress::Sync);
        if deflate.total_in() == bytes.len() as u64 && block.len() < block.capacity() {
            return block;
        }
        block.reserve(BLOCK);
    }
}
