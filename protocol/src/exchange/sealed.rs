//! The bytes inside the seal: header digest, lengths, compressed content, padding.
//!
//! `header digest (32) || opened length (u32 BE) || stored length (u32 BE) || stored bytes || zeros`. Stored is an LZ4 block,
//! or the content itself where that is not smaller or would expand beyond the limit (then both lengths are equal).
//! Padded with Padme, so the sealed length tells at most its magnitude and a few leading bits.

use std::borrow::Cow;

use lz4_flex::block::{compress_into, decompress, get_maximum_output_size};

use crate::hash::Digest;
use crate::limits::{MAX_DISPATCH_OPENED_BYTES, MAX_EXPANSION};

const PREFIX: usize = 40;

/// Why opened bytes were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// They belong to another header.
    #[error("the sealed part belongs to another header")]
    ForeignHeader,
    /// They are too short, wrongly padded or do not decompress.
    #[error("the opened bytes are not of the form 'digest, lengths, content, zeros'")]
    Malformed,
    /// They exceed the size or expansion limit.
    #[error("the content is larger than {MAX_DISPATCH_OPENED_BYTES} bytes or expands more than {MAX_EXPANSION} times")]
    Expansion,
}

/// Packs content for sealing.
///
/// # Errors
/// [`SealedError::Expansion`] above [`MAX_DISPATCH_OPENED_BYTES`].
pub fn pack(header: &Digest, content: &[u8]) -> Result<Vec<u8>, SealedError> {
    if content.len() > MAX_DISPATCH_OPENED_BYTES {
        return Err(SealedError::Expansion);
    }
    // Compressed to where it is to stand, and the content itself put there if that gave nothing.
    let mut packed = vec![0; PREFIX + get_maximum_output_size(content.len())];
    let room = &mut packed[PREFIX..];
    let mut stored = compress_into(content, room).unwrap_or(usize::MAX);
    if stored >= content.len() || content.len() > stored * MAX_EXPANSION {
        // An output of the largest size holds its input.
        room[..content.len()].copy_from_slice(content);
        stored = content.len();
    }
    packed.truncate(PREFIX + stored);
    packed.resize(padme(PREFIX + stored), 0);
    packed[..32].copy_from_slice(&header.0);
    // Both lengths are at most MAX_DISPATCH_OPENED_BYTES.
    packed[32..36].copy_from_slice(&(content.len() as u32).to_be_bytes());
    packed[36..PREFIX].copy_from_slice(&(stored as u32).to_be_bytes());
    Ok(packed)
}

/// Unpacks what [`pack`] made for the same header; limits are checked before anything is allocated. What was not compressed
/// stays where it is.
///
/// # Errors
/// [`SealedError`].
pub fn unpack<'p>(header: &Digest, packed: &'p [u8]) -> Result<Cow<'p, [u8]>, SealedError> {
    let (prefix, rest) = packed.split_at_checked(PREFIX).ok_or(SealedError::Malformed)?;
    if prefix[..32] != header.0 {
        return Err(SealedError::ForeignHeader);
    }
    let length = |at: usize| prefix[at..at + 4].iter().fold(0usize, |value, byte| value << 8 | usize::from(*byte));
    let (opened, stored) = (length(32), length(36));
    if opened > MAX_DISPATCH_OPENED_BYTES || (opened > stored && opened > stored.saturating_mul(MAX_EXPANSION)) {
        return Err(SealedError::Expansion);
    }
    let (stored, padding) = rest.split_at_checked(stored).ok_or(SealedError::Malformed)?;
    if packed.len() != padme(PREFIX + stored.len()) || padding.iter().any(|byte| *byte != 0) {
        return Err(SealedError::Malformed);
    }
    if stored.len() == opened {
        return Ok(Cow::Borrowed(stored));
    }
    let content = decompress(stored, opened).map_err(|_| SealedError::Malformed)?;
    if content.len() == opened { Ok(Cow::Owned(content)) } else { Err(SealedError::Malformed) }
}

/// The padded length: of its binary form only the leading bits stay, as many as the exponent's own length has (Padme,
/// from the PURBs paper, 2019); at most 12 % are added.
fn padme(length: usize) -> usize {
    let Some(exponent) = length.checked_ilog2().filter(|e| *e > 0) else { return length };
    let kept = exponent.ilog2() + 1;
    let mask = (1usize << exponent.saturating_sub(kept)) - 1;
    (length + mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packing_is_undone(content in proptest::collection::vec(any::<u8>(), 0..3000), zeros in 0usize..5000) {
            let mut content = content;
            content.extend(std::iter::repeat_n(0, zeros));
            let header = Digest([3; 32]);
            let packed = pack(&header, &content).unwrap();
            prop_assert_eq!(unpack(&header, &packed).unwrap(), content);
            prop_assert_eq!(unpack(&Digest([4; 32]), &packed), Err(SealedError::ForeignHeader));
        }

        #[test]
        fn padding_hides_lengths_cheaply(length in 64usize..20_000_000) {
            let padded = padme(length);
            prop_assert!(padded >= length && (padded - length) * 100 <= length * 12);
        }

        #[test]
        fn rubbish_is_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            bytes.iter_mut().take(32).for_each(|b| *b = 0);
            let _ = unpack(&Digest::ZERO, &bytes);
        }
    }

    #[test]
    fn expansion_is_refused_before_allocation() {
        let content = vec![0u8; 1_000_000];
        let compressed = lz4_flex::block::compress(&content);
        let mut bomb = vec![0u8; 32];
        bomb.extend_from_slice(&(content.len() as u32).to_be_bytes());
        bomb.extend_from_slice(&(compressed.len() as u32).to_be_bytes());
        bomb.extend_from_slice(&compressed);
        bomb.resize(padme(bomb.len()), 0);
        assert_eq!(unpack(&Digest::ZERO, &bomb), Err(SealedError::Expansion));
        assert_eq!(unpack(&Digest::ZERO, &pack(&Digest::ZERO, &content).unwrap()).unwrap(), content);
    }
}
