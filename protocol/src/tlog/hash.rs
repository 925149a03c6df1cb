//! Leaf and node hash of the log's Merkle tree (RFC 6962 section 2.1 with SHA-256).
//!
//! Not here: how leaves are arranged into a tree (see `tree`).

use sha2::{Digest, Sha256};

/// A SHA-256 digest: a leaf hash, an inner node or a tree root; 32 bytes. RFC 6962 section 2.1.
pub type Hash = [u8; 32];

/// Root of the tree without leaves: SHA-256 of no bytes. RFC 6962 section 2.1.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// First byte under a leaf hash; it keeps a leaf from passing as an inner node. RFC 6962 section 2.1.
const LEAF_PREFIX: u8 = 0x00;
/// First byte under a node hash. RFC 6962 section 2.1.
const NODE_PREFIX: u8 = 0x01;

/// Returns [`EMPTY_ROOT`]. RFC 6962 section 2.1.
#[must_use]
pub const fn empty_root() -> Hash {
    EMPTY_ROOT
}

/// Hashes one log entry into a leaf: SHA-256(0x00 || entry). RFC 6962 section 2.1.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([LEAF_PREFIX]);
    hasher.update(entry);
    hasher.finalize().into()
}

/// Hashes two subtrees into their parent: SHA-256(0x01 || left || right). RFC 6962 section 2.1.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    // One buffer and one call: this is the hot function of the log.
    let mut bytes = [NODE_PREFIX; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_root_is_sha256_of_nothing() {
        assert_eq!(empty_root(), <Hash>::from(Sha256::digest([])));
    }

    #[test]
    fn leaf_and_node_are_separated_by_their_first_byte() {
        assert_eq!(leaf_hash(b"abc"), <Hash>::from(Sha256::digest(b"\x00abc")));
        let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
        let joined = [&[1u8][..], &a, &b].concat();
        assert_eq!(node_hash(&a, &b), <Hash>::from(Sha256::digest(&joined)));
        assert_ne!(node_hash(&a, &b), leaf_hash(&joined[1..]));
    }
}
