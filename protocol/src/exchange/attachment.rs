//! A range of an attached file as it travels, and how it proves itself against the digest that a record names.
//!
//! BLAKE3 is a tree: a range of 1 MiB is a subtree of it. With each range comes the outline of the file, the chaining values of all its
//! ranges, at most 8 KiB. These lead to the file's digest and the bytes to one of them, so each range is verified when it comes, alone,
//! and a wrong one is known by its place. No state is needed on either side.
//!
//! Not here: who may have it (the node that is asked decides that by what it sent), and where it is kept.

use blake3::Hasher;
use blake3::hazmat::{HasherExt as _, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root};

use crate::cbor::{CborError, Decode, Encode, Reader, Writer};
use crate::hash::Digest;
use crate::limits::{ATTACHMENT_RANGE_BYTES, MAX_ATTACHMENT_BYTES, MAX_ATTACHMENT_RANGES};

/// Which dispatch gives the one who asks the right to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownIn {
    /// Epoch of the channel from the node that is asked.
    pub epoch: u64,
    /// Its lane.
    pub lane: super::Lane,
    /// The dispatch's number there.
    pub number: u64,
}

/// A range of a file with the outline of the whole: what is sealed to the node that asked.
#[derive(Clone, PartialEq, Eq)]
pub struct AttachmentRange {
    /// Bytes of the whole file.
    pub size: u64,
    /// Chaining values of all ranges, in their order; none of a file of one range, whose digest says it all.
    pub outline: Outline,
    /// The bytes from the offset asked for to the end of that range.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for AttachmentRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AttachmentRange({} of {} bytes)", self.bytes.len(), self.size)
    }
}

/// Chaining values of a file's ranges.
pub type Outline = Vec<[u8; 32]>;

/// Why a range does not belong to a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// The file has another size than the record says.
    #[error("it is one of a file of {found} bytes; the record says {expected}")]
    Size {
        /// What came.
        found: u64,
        /// What the record says.
        expected: u64,
    },
    /// The outline does not lead to the digest.
    #[error("what came as the outline of the file does not lead to its digest")]
    Outline,
    /// The bytes are not those of the file.
    #[error("a byte from {from} to {to} is wrong: that range does not lead to the file's digest")]
    Bytes {
        /// Offset of the first.
        from: u64,
        /// Offset behind the last.
        to: u64,
    },
}

/// Bytes of the range at an offset of a file of `size` bytes; 0 where no range begins there.
pub fn range_len(size: u64, offset: u64) -> u64 {
    match offset.is_multiple_of(ATTACHMENT_RANGE_BYTES) {
        true => size.saturating_sub(offset).min(ATTACHMENT_RANGE_BYTES),
        false => 0,
    }
}

/// The chaining value of one range of a file of several; `offset` must begin a range (others are rounded down), `bytes` be one's.
pub fn range_value(offset: u64, bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(offset - offset % ATTACHMENT_RANGE_BYTES);
    // An empty range does not occur, and the hasher takes none.
    if bytes.is_empty() {
        return [0; 32];
    }
    hasher.update(&bytes[..bytes.len().min(ATTACHMENT_RANGE_BYTES as usize)]);
    hasher.finalize_non_root()
}

/// The digest of a file of `size` bytes in several ranges, from their chaining values; `None` where there are not as many as it has.
pub fn digest_of(size: u64, outline: &[[u8; 32]]) -> Option<Digest> {
    if size <= ATTACHMENT_RANGE_BYTES || outline.len() as u64 != size.div_ceil(ATTACHMENT_RANGE_BYTES) {
        return None;
    }
    let (left, right) = halves(size, outline)?;
    Some(Digest(*merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()))
}

impl AttachmentRange {
    /// Whether it is the range at `offset` of the file with this digest and size.
    ///
    /// # Errors
    /// [`RangeError`].
    pub fn verify(&self, digest: &Digest, size: u64, offset: u64) -> Result<(), RangeError> {
        if self.size != size {
            return Err(RangeError::Size { found: self.size, expected: size });
        }
        let length = range_len(size, offset);
        let wrong = Err(RangeError::Bytes { from: offset, to: offset.saturating_add(length) });
        if length == 0 || self.bytes.len() as u64 != length {
            return wrong;
        }
        if size <= ATTACHMENT_RANGE_BYTES {
            let whole = self.outline.is_empty() && blake3::hash(&self.bytes).as_bytes() == &digest.0;
            return if whole { Ok(()) } else { wrong };
        }
        if digest_of(size, &self.outline) != Some(*digest) {
            return Err(RangeError::Outline);
        }
        let at = (offset / ATTACHMENT_RANGE_BYTES) as usize; // below the outline's length
        match self.outline.get(at) == Some(&range_value(offset, &self.bytes)) {
            true => Ok(()),
            false => wrong,
        }
    }
}

/// The chaining values of the two subtrees of which a tree over `size` bytes consists.
fn halves(size: u64, outline: &[[u8; 32]]) -> Option<([u8; 32], [u8; 32])> {
    let left = left_subtree_len(size);
    // A power of two, and at least one range where there are several.
    let (a, b) = outline.split_at_checked((left / ATTACHMENT_RANGE_BYTES) as usize)?;
    Some((subtree(left, a)?, subtree(size - left, b)?))
}

fn subtree(size: u64, outline: &[[u8; 32]]) -> Option<[u8; 32]> {
    if let [one] = outline {
        return Some(*one);
    }
    let (left, right) = halves(size, outline)?;
    Some(merge_subtrees_non_root(&left, &right, Mode::Hash))
}

impl Encode for AttachmentRange {
    fn encode(&self, writer: &mut Writer) {
        writer.array(3);
        writer.uint(self.size);
        writer.array(self.outline.len());
        self.outline.iter().for_each(|value| writer.bytes(value));
        writer.bytes(&self.bytes);
    }
}

impl Decode for AttachmentRange {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.tuple(3)?;
        let size = reader.uint_max(MAX_ATTACHMENT_BYTES)?;
        let mut outline = Vec::new();
        for _ in 0..reader.array(MAX_ATTACHMENT_RANGES)? {
            outline.push(reader.fixed()?);
        }
        reader.leave();
        let bytes = reader.bytes(ATTACHMENT_RANGE_BYTES as usize)?.to_vec();
        reader.leave();
        Ok(Self { size, outline, bytes })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn ranges(file: &[u8]) -> Vec<AttachmentRange> {
        let pieces: Vec<&[u8]> = file.chunks(ATTACHMENT_RANGE_BYTES as usize).collect();
        let value = |(at, piece): (usize, &&[u8])| range_value(at as u64 * ATTACHMENT_RANGE_BYTES, piece);
        let outline: Outline = match pieces.len() {
            1 => Vec::new(),
            _ => pieces.iter().enumerate().map(value).collect(),
        };
        let range = |piece: &&[u8]| AttachmentRange {
            size: file.len() as u64,
            outline: outline.clone(),
            bytes: piece.to_vec(),
        };
        pieces.iter().map(range).collect()
    }

    fn file(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 251) as u8 ^ (at >> 14) as u8).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// Every range of a file leads to its digest at its own place, at no other, and with no other byte.
        #[test]
        fn each_range_leads_to_the_files_digest_alone(
            mib in 0usize..6, more in 0usize..2_000, wrong in any::<prop::sample::Index>(), bit in 0u8..8,
        ) {
            let file = file((mib * ATTACHMENT_RANGE_BYTES as usize + more).max(1));
            let (digest, size) = (Digest(*blake3::hash(&file).as_bytes()), file.len() as u64);
            let all = ranges(&file);
            for (at, range) in all.iter().enumerate() {
                let offset = at as u64 * ATTACHMENT_RANGE_BYTES;
                prop_assert_eq!(AttachmentRange::from_cbor(&range.to_cbor()), Ok(range.clone()));
                prop_assert_eq!(range.verify(&digest, size, offset), Ok(()));
                prop_assert!(range.verify(&digest, size, offset + ATTACHMENT_RANGE_BYTES).is_err());
                prop_assert!(range.verify(&digest, size, offset + 1).is_err());
                prop_assert!(range.verify(&Digest([1; 32]), size, offset).is_err());
                prop_assert!(range.verify(&digest, size + 1, offset).is_err());
            }
            let at = wrong.index(all.len());
            let (mut spoilt, offset) = (all[at].clone(), at as u64 * ATTACHMENT_RANGE_BYTES);
            let byte = wrong.index(spoilt.bytes.len());
            spoilt.bytes[byte] ^= 1 << bit;
            let to = offset + spoilt.bytes.len() as u64;
            prop_assert_eq!(spoilt.verify(&digest, size, offset), Err(RangeError::Bytes { from: offset, to }));
            if all.len() > 1 {
                let mut other = all[at].clone();
                let value = wrong.index(other.outline.len());
                other.outline[value][3] ^= 1;
                prop_assert_eq!(other.verify(&digest, size, offset), Err(RangeError::Outline));
                other.outline.pop();
                prop_assert_eq!(other.verify(&digest, size, offset), Err(RangeError::Outline));
            }
        }
    }

    #[test]
    fn the_largest_file_has_an_outline_that_an_answer_holds() {
        let size = MAX_ATTACHMENT_BYTES;
        let outline = vec![[7; 32]; MAX_ATTACHMENT_RANGES];
        assert_eq!(size.div_ceil(ATTACHMENT_RANGE_BYTES) as usize, MAX_ATTACHMENT_RANGES);
        assert!(digest_of(size, &outline).is_some() && digest_of(size, &outline[1..]).is_none());
        let range = AttachmentRange { size, outline, bytes: vec![1; ATTACHMENT_RANGE_BYTES as usize] };
        let room = crate::limits::MAX_SEALED_RANGE_BYTES - crate::limits::MAX_SEAL_OVERHEAD_BYTES;
        assert!(range.to_cbor().len() <= room);
        let longer = AttachmentRange { bytes: vec![1; ATTACHMENT_RANGE_BYTES as usize + 1], ..range.clone() };
        assert!(AttachmentRange::from_cbor(&longer.to_cbor()).is_err());
        let larger = AttachmentRange { size: MAX_ATTACHMENT_BYTES + 1, ..range };
        assert!(AttachmentRange::from_cbor(&larger.to_cbor()).is_err());
    }
}
