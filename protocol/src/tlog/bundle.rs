//! Entry bundles: up to 256 consecutive log entries in one file (<https://c2sp.org/tlog-tiles>, Log entries).
//!
//! Not here: compression, which HTTP does, and what an entry means.
//!
//! Limits: [`MAX_ENTRY_BYTES`], [`MAX_BUNDLE_BYTES`].

use super::path::TileWidth;
use super::tile::TILE_WIDTH;

/// Largest entry: its length is written in 16 bits. <https://c2sp.org/tlog-tiles>.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Largest bundle: 256 entries of [`MAX_ENTRY_BYTES`].
pub const MAX_BUNDLE_BYTES: usize = TILE_WIDTH * (LENGTH_BYTES + MAX_ENTRY_BYTES);

/// Bytes of the length before an entry.
const LENGTH_BYTES: usize = 2;

/// Why a bundle was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// An entry that cannot stand in a bundle.
    #[error("entry bundle, entry {entry}: {got} bytes, at most {MAX_ENTRY_BYTES} fit into a log entry")]
    EntryTooLarge {
        /// Number of the entry within the bundle, from 0.
        entry: usize,
        /// Its bytes.
        got: usize,
    },
    /// Nothing to write, or more than a full bundle.
    #[error("entry bundle: {got} entries given, a bundle holds 1 to {TILE_WIDTH}")]
    Count {
        /// Entries given, counted up to 257.
        got: usize,
    },
    /// The bytes end too soon.
    #[error("entry bundle, byte {at}: the file ends in entry {entry} of {want}; {needed} bytes are missing")]
    Truncated {
        /// Where the file ends.
        at: usize,
        /// Number of the entry within the bundle, from 0.
        entry: usize,
        /// Entries that the bundle must hold.
        want: usize,
        /// Bytes missing to the end of the entry or of its length.
        needed: usize,
    },
    /// Bytes after the last entry.
    #[error("entry bundle, byte {at}: {extra} bytes follow the last of {want} entries")]
    TrailingBytes {
        /// Where the last entry ends.
        at: usize,
        /// Bytes after it.
        extra: usize,
        /// Entries that the bundle must hold.
        want: usize,
    },
}

/// Writes entries as a bundle: for each its length in two bytes, big-endian, and its bytes.
///
/// # Errors
/// [`BundleError::EntryTooLarge`]; [`BundleError::Count`] for none or more than 256 entries.
pub fn encode_bundle<T: AsRef<[u8]>>(entries: impl IntoIterator<Item = T>) -> Result<Vec<u8>, BundleError> {
    let (mut out, mut count) = (Vec::new(), 0);
    for entry in entries {
        let bytes = entry.as_ref();
        let refused = BundleError::EntryTooLarge { entry: count, got: bytes.len() };
        let length = u16::try_from(bytes.len()).map_err(|_| refused)?;
        count += 1;
        if count > TILE_WIDTH {
            return Err(BundleError::Count { got: count });
        }
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(bytes);
    }
    if count == 0 { Err(BundleError::Count { got: 0 }) } else { Ok(out) }
}

/// Reads a bundle of exactly `width` entries, which borrow from the bytes; [`encode_bundle`] gives the same bytes back.
///
/// # Errors
/// [`BundleError::Truncated`] or [`BundleError::TrailingBytes`] with the place in bytes.
pub fn decode_bundle(bytes: &[u8], width: TileWidth) -> Result<Vec<&[u8]>, BundleError> {
    let want = width.get();
    let mut entries = Vec::with_capacity(want);
    let mut rest = bytes;
    for entry in 0..want {
        let truncated = |needed| BundleError::Truncated { at: bytes.len(), entry, want, needed };
        let (length, after) =
            rest.split_first_chunk::<LENGTH_BYTES>().ok_or_else(|| truncated(LENGTH_BYTES - rest.len()))?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (bytes, after) = after.split_at_checked(length).ok_or_else(|| truncated(length - after.len()))?;
        entries.push(bytes);
        rest = after;
    }
    if rest.is_empty() {
        return Ok(entries);
    }
    Err(BundleError::TrailingBytes { at: bytes.len() - rest.len(), extra: rest.len(), want })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn width(width: usize) -> TileWidth {
        TileWidth::new(width).unwrap()
    }

    proptest! {
        #[test]
        fn written_bundles_are_read_back(
            entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..=256),
        ) {
            let bytes = encode_bundle(&entries).unwrap();
            prop_assert_eq!(decode_bundle(&bytes, width(entries.len())).unwrap(), entries.clone());
            // A partial bundle is the start of the full one, and no bundle passes for one of another width.
            let part = encode_bundle(&entries[..entries.len().div_ceil(2)]).unwrap();
            prop_assert!(bytes.starts_with(&part));
            for other in [entries.len() - 1, entries.len() + 1] {
                if let Some(other) = TileWidth::new(other) {
                    prop_assert!(decode_bundle(&bytes, other).is_err());
                }
            }
        }

        #[test]
        fn any_bytes_are_refused_or_written_back(
            random in prop::collection::vec(any::<u8>(), 0..80),
            lengths in prop::collection::vec(0u8..4, 0..40), count in 1usize..20,
        ) {
            let near: Vec<u8> = lengths.iter().flat_map(|length| [0, *length]).collect();
            for bytes in [random, near] {
                match decode_bundle(&bytes, width(count)) {
                    Ok(entries) => prop_assert_eq!(encode_bundle(entries).unwrap(), bytes),
                    Err(BundleError::Truncated { at, needed, .. }) => prop_assert!(at == bytes.len() && needed > 0),
                    Err(BundleError::TrailingBytes { at, extra, .. }) => prop_assert_eq!(at + extra, bytes.len()),
                    Err(other) => prop_assert!(false, "{}", other),
                }
            }
        }
    }

    #[test]
    fn errors_say_where() {
        let bytes = [0, 1, 7, 0, 2, 8, 9];
        assert_eq!(decode_bundle(&bytes, width(2)).unwrap(), [&[7][..], &[8, 9]]);
        assert_eq!(decode_bundle(&bytes, width(1)), Err(BundleError::TrailingBytes { at: 3, extra: 4, want: 1 }));
        assert_eq!(
            decode_bundle(&bytes, width(3)),
            Err(BundleError::Truncated { at: 7, entry: 2, want: 3, needed: 2 })
        );
        assert_eq!(
            decode_bundle(&bytes[..6], width(2)),
            Err(BundleError::Truncated { at: 6, entry: 1, want: 2, needed: 1 })
        );
        assert_eq!(
            decode_bundle(&bytes[..4], width(2)),
            Err(BundleError::Truncated { at: 4, entry: 1, want: 2, needed: 1 })
        );
    }

    #[test]
    fn limits_hold() {
        let largest = vec![5u8; MAX_ENTRY_BYTES];
        let full = encode_bundle(vec![&largest; TILE_WIDTH]).unwrap();
        assert_eq!(full.len(), MAX_BUNDLE_BYTES);
        assert_eq!(decode_bundle(&full, TileWidth::FULL).unwrap()[255], largest);
        let above = vec![5u8; MAX_ENTRY_BYTES + 1];
        assert_eq!(
            encode_bundle([&largest, &above]),
            Err(BundleError::EntryTooLarge { entry: 1, got: MAX_ENTRY_BYTES + 1 })
        );
        assert_eq!(encode_bundle([b""; 257]), Err(BundleError::Count { got: 257 }));
        assert_eq!(encode_bundle::<&[u8]>([]), Err(BundleError::Count { got: 0 }));
    }
}
