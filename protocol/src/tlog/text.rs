//! The two text forms all C2SP files share: decimal numbers and base64 hashes, each with exactly one spelling.
//!
//! Not here: the files that use them.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::hash::Hash;

/// Reads an ASCII decimal: digits only, no sign, no leading zero but in `0` itself, at most `u64::MAX`.
pub(super) fn parse_decimal(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    // An empty text passes the test above and is refused by `parse`.
    if canonical { text.parse().ok() } else { None }
}

/// Reads standard, padded, canonical base64 (RFC 4648 section 4); any other spelling of the same bytes is refused.
pub(super) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Writes standard, padded base64 (RFC 4648 section 4).
pub(super) fn format_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads a base64 text of exactly 32 bytes.
pub(super) fn parse_hash(text: &str) -> Option<Hash> {
    parse_base64(text)?.try_into().ok()
}

/// Shortens foreign text for an error message, so that a hostile line cannot flood a log file.
pub(super) fn excerpt(text: &str) -> String {
    const MAX_EXCERPT_CHARS: usize = 80;
    text.chars().take(MAX_EXCERPT_CHARS).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_spelling() {
        assert_eq!(parse_decimal("0"), Some(0));
        assert_eq!(parse_decimal("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "00", "01", "+1", "-1", " 1", "1 ", "1_0", "18446744073709551616", "\u{661}"] {
            assert_eq!(parse_decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(parse_base64("AQ=="), Some(vec![1]));
        for bad in ["AQ", "AQ=", "AR==", "AQ==\n", " AQ==", "A-==", "AQ==AQ=="] {
            assert_eq!(parse_base64(bad), None, "{bad:?}");
        }
        assert_eq!(parse_hash(&format_base64(&[7; 32])), Some([7; 32]));
        assert_eq!(parse_hash(&format_base64(&[7; 31])), None);
    }
}
